/* SPDX-License-Identifier: MIT */
/*
 * Fast parser: see text_fast.h.
 *
 * No step of it depends on where the line ends: each takes the bytes it expects, and a line feed is none
 * of them.  Several bytes at a time are compared or converted as one word; reading them may run into the
 * next line, or into the margin behind the last, which does no harm as what is there matches by chance
 * only behind a line feed that did not match.
 */
#include "traces/trace/text_fast.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define COMM_COLUMNS 16
#define REPEATED(byte) (0x0101010101010101ULL * (byte))

static inline uint64_t load64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Whether the bytes at @p are those of a literal; a constant length makes words of it. */
#define IS(p, literal) (!memcmp(p, literal, sizeof(literal) - 1))

/* What may stand in the flags between "[CPU]" and the time: as scan_irq_flags() has it. */
enum { IRQ_FIRST = 1, IRQ_OTHER = 2, IRQ_INTERRUPT = 4 };
static const uint8_t irq_flags[256] = {
	['.'] = 3, ['d'] = 3, ['D'] = 3, ['b'] = 3, ['X'] = 3, ['0'] = 2, ['1'] = 2, ['2'] = 2,
	['3'] = 2, ['4'] = 2, ['5'] = 2, ['6'] = 2, ['7'] = 2, ['8'] = 2, ['9'] = 2, ['a'] = 2,
	['c'] = 2, ['e'] = 2, ['f'] = 2, ['n'] = 2, ['N'] = 2, ['p'] = 2, ['B'] = 2, ['L'] = 2,
	['l'] = 2, ['h'] = 6, ['H'] = 6, ['s'] = 6, ['S'] = 6, ['z'] = 6, ['Z'] = 6,
};

/* The value of a hexadecimal digit, plus one; 0 for other bytes. */
static const uint8_t hex_digits[256] = {
	['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static inline bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

/* Capital letters are flags of other columns. */
static inline unsigned int depth_of(char c)
{
	unsigned int digit = c >= 'A' && c <= 'Z' ? 0 : hex_digits[(uint8_t)c];

	return digit ? digit - 1 : 0;
}

/* What the third to the fifth of the flags say, as enum event_context has it. */
static inline uint8_t context_of(char interrupt, char depth, char pinned)
{
	unsigned int deep = depth_of(depth) + depth_of(pinned);

	if (deep > EVENT_CONTEXT_DEPTH_MAX)
		deep = EVENT_CONTEXT_DEPTH_MAX;

	return (uint8_t)(EVENT_CONTEXT_TOLD |
			 (irq_flags[(uint8_t)interrupt] & IRQ_INTERRUPT ? EVENT_CONTEXT_INTERRUPT
									: 0) |
			 deep << EVENT_CONTEXT_DEPTH_SHIFT);
}

static inline unsigned int hash_task(const uint64_t key[3])
{
	uint64_t hash = (key[0] ^ key[1] * 0x9e3779b97f4a7c15ULL ^ key[2] * 0xff51afd7ed558ccdULL) *
			0xc4ceb9fe1a85ec53ULL;

	return hash >> 56;
}

/* Of the ends and the length. */
static inline unsigned int hash_gfp(const char *text, size_t len)
{
	uint64_t word = len >= 8 ? load64(text + len - 8) ^ load64(text) << 1 : (uint8_t)text[0];

	return (word ^ len * 0x9e3779b97f4a7c15ULL) * 0xc4ceb9fe1a85ec53ULL >> 56;
}

/* Where the next line feed is, which is there. */
static inline const char *find_feed(const char *p)
{
#if defined(__SSE2__)
	const __m128i feed = _mm_set1_epi8('\n');

	for (;; p += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
		unsigned int found = (unsigned int)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, feed));

		if (found)
			return p + __builtin_ctz(found);
	}
#else
	while (*p != '\n')
		p++;
	return p;
#endif
}

/* One digit to three; NULL when there are none, or more. */
static inline const char *small_number(const char *p, uint32_t *ret)
{
	uint32_t value = 0;
	unsigned int digits = 0;

	for (; is_digit(*p) && digits < 4; p++, digits++)
		value = value * 10 + (uint32_t)(*p - '0');
	*ret = value;
	return digits && digits < 4 ? p : NULL;
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* Eight digits, the first in the lowest byte, as a number. */
static inline uint64_t eight_digits(uint64_t chunk)
{
	chunk -= REPEATED('0');
	chunk = chunk * 10 + (chunk >> 8);
	return ((chunk & 0x000000ff000000ffULL) * 0x000f424000000064ULL +
		(chunk >> 16 & 0x000000ff000000ffULL) * 0x0000271000000001ULL) >>
	       32;
}

/* Six digits of microseconds as nanoseconds. */
static inline bool microseconds(const char *p, uint64_t *ret)
{
	uint64_t chunk = load64(p) << 16 | 0x3030;

	/* A byte outside of '0' to '9' has its top bit set in one of the two. */
	if (((chunk - REPEATED('0')) | (chunk + REPEATED(0x7f - '9')) | chunk) & REPEATED(0x80))
		return false;
	*ret = eight_digits(chunk) * 1000;
	return true;
}
#else
static inline bool microseconds(const char *p, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < 6; i++) {
		if (!is_digit(p[i]))
			return false;
		value = value * 10 + (uint64_t)(p[i] - '0');
	}
	*ret = value * 1000;
	return true;
}
#endif

/* "   12.345678:", "   12.345678901:" or "   345:"; other digits behind the point are not for us. */
static inline const char *parse_time(const char *p, uint64_t *ret)
{
	uint64_t whole = 0, part;
	const char *first;

	while (*p == ' ')
		p++;
	first = p;
	for (; is_digit(*p); p++)
		whole = whole * 10 + (uint64_t)(*p - '0');
	if (p == first || p - first > 18)
		return NULL;
	if (*p == '.') {
		if (p - first > 9 || !microseconds(p + 1, &part))
			return NULL;
		whole = whole * 1000000000 + part;
		p += 7;
		if (*p != ':' && is_digit(p[0]) && is_digit(p[1]) && is_digit(p[2])) {
			whole += (uint64_t)(p[0] - '0') * 100 + (uint64_t)(p[1] - '0') * 10 +
				 (uint64_t)(p[2] - '0');
			p += 3;
		}
	}
	*ret = whole;
	return *p == ':' ? p + 1 : NULL;
}

/* Whether any byte is a blank, a line feed or the like. */
static inline bool has_blank(uint64_t word)
{
	return (word - REPEATED(0x21)) & ~word & REPEATED(0x80);
}

/* "page=... pfn=..." of a page that is there for certain. */
static inline const char *parse_page(const char *p, uint64_t *ret)
{
	const char *page = p + 5;
	uint64_t pfn = 0;
	unsigned int digits = 0;
	size_t len = 16;

	if (!IS(p, "page=") || (page[0] == '(' && page[1] == 'n'))
		return NULL;
	if (load64(page) == REPEATED('0') || !IS(page + len, " pfn=") || has_blank(load64(page)) ||
	    has_blank(load64(page + 8))) {
		/* Other widths, and what may be a null pointer. */
		for (len = 0; len < 24 && page[len] > ' '; len++)
			;
		if (!len || !IS(page + len, " pfn="))
			return NULL;
		if (load64(page) == REPEATED('0') &&
		    (len == 8 || (len == 16 && load64(page + 8) == REPEATED('0'))))
			return NULL;
	}
	p = page + len + 5;
	if (p[0] == '0' && p[1] == 'x') {
		p += 2;
		for (; hex_digits[(uint8_t)*p] && digits < 9; p++, digits++)
			pfn = pfn << 4 | (hex_digits[(uint8_t)*p] - 1U);
	} else {
		for (; is_digit(*p) && digits < 10; p++, digits++)
			pfn = pfn * 10 + (uint64_t)(*p - '0');
	}
	/* 0 and all ones may mean that there is no page. */
	if (!digits || !pfn || pfn >= UINT32_MAX)
		return NULL;
	*ret = pfn;
	return p;
}

static inline const char *parse_gfp(const struct text_fast *fast, const char *p, struct event *ret)
{
	const char *feed = find_feed(p);
	size_t len = (size_t)(feed - p);
	unsigned int slot = hash_gfp(p, len);

	if (!len || fast->gfps[slot].len != len || memcmp(fast->gfps[slot].text, p, len) != 0)
		return NULL;
	ret->gfp = fast->gfps[slot].gfp;
	ret->flags = (uint8_t)fast->gfps[slot].flags;
	return feed;
}

/* Of the name of an event "mm_page_..." what is behind that, up to the blank before its fields. */
static inline const char *parse_kind(const char *p, uint8_t *ret)
{
	switch (*p) {
	case 'a':
		if (IS(p, "alloc: ")) {
			*ret = EVENT_ALLOC;
			return p + 7;
		}
		if (IS(p, "alloc_zone_locked: ")) {
			*ret = EVENT_ZONE_LOCKED;
			return p + 19;
		}
		return NULL;
	case 'f':
		if (IS(p, "free: ")) {
			*ret = EVENT_FREE;
			return p + 6;
		}
		if (IS(p, "free_batched: ")) {
			*ret = EVENT_FREE_BATCHED;
			return p + 14;
		}
		return NULL;
	case 'p':
		if (IS(p, "pcpu_drain: ")) {
			*ret = EVENT_PCPU_DRAIN;
			return p + 12;
		}
		return NULL;
	default:
		return NULL;
	}
}

const char *text_fast_parse(const struct text_fast *fast, const char *line, const char *limit,
			    struct event *ret)
{
	const uint64_t key[] = { load64(line), load64(line + 8), load64(line + 16) };
	unsigned int slot = hash_task(key);
	const char *p;
	uint32_t number;

	/* The shortest line that is told here has more; so nothing is read behind the margin. */
	if (limit - line < TEXT_FAST_MARGIN || fast->tasks[slot].key[0] != key[0] ||
	    fast->tasks[slot].key[1] != key[1] || fast->tasks[slot].key[2] != key[2])
		return NULL;
	*ret = (struct event){ .text = fast->tasks[slot].text, .pid = fast->tasks[slot].pid };
	p = line + fast->tasks[slot].bracket;
	if (p[0] != '[' || p[-1] != ' ')
		return NULL;
	p = small_number(p + 1, &number);
	if (!p || p[0] != ']' || p[1] != ' ')
		return NULL;
	ret->cpu = (uint16_t)number;
	p += 2;
	if (irq_flags[(uint8_t)*p] & IRQ_FIRST) {
		if (!(irq_flags[(uint8_t)p[1]] & irq_flags[(uint8_t)p[2]] &
		      irq_flags[(uint8_t)p[3]] & IRQ_OTHER))
			return NULL;
		ret->context = context_of(p[2], p[3], p[4]);
		p += 4;
		p += (irq_flags[(uint8_t)*p] & IRQ_OTHER) != 0;
		if (*p != ' ')
			return NULL;
	}
	p = parse_time(p, &ret->time);
	if (!p)
		return NULL;
	/* perf has the name in a column of its own, and the system in front of it. */
	while (*p == ' ')
		p++;
	if (IS(p, "kmem:"))
		p += 5;
	if (!IS(p, "mm_page_"))
		return NULL;
	p = parse_kind(p + 8, &ret->kind);
	if (!p)
		return NULL;
	/* trace-cmd has the fields in a column of their own. */
	while (*p == ' ')
		p++;
	p = parse_page(p, &ret->pfn);
	if (!p || !IS(p, " order="))
		return NULL;
	p = small_number(p + 7, &number);
	if (!p || number > UINT8_MAX)
		return NULL;
	ret->order = (uint8_t)number;
	if (ret->kind == EVENT_FREE || ret->kind == EVENT_FREE_BATCHED)
		return *p == '\n' ? p : NULL;
	if (!IS(p, " migratetype="))
		return NULL;
	p = small_number(p + 13, &number);
	if (!p || number > UINT8_MAX)
		return NULL;
	ret->migratetype = (uint8_t)number;
	switch (ret->kind) {
	case EVENT_ALLOC:
		return IS(p, " gfp_flags=") ? parse_gfp(fast, p + 11, ret) : NULL;
	case EVENT_ZONE_LOCKED:
		if (!IS(p, " percpu_refill=") || (p[15] != '0' && p[15] != '1'))
			return NULL;
		if (p[15] == '1')
			ret->flags = EVENT_PERCPU_REFILL;
		p += 16;
		break;
	default:
		break;
	}
	return *p == '\n' ? p : NULL;
}

/* Behind the last byte of the 16 columns that is no blank. */
static const char *name_end(const char *line)
{
	const char *end = line + COMM_COLUMNS;

	while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return end;
}

void text_fast_learn(struct text_fast *fast, const char *line, const char *end,
		     const struct text_line *parsed, const struct event *event)
{
	const char *p = line + COMM_COLUMNS, *digits;

	if (event->kind == EVENT_ALLOC && parsed->gfp.len &&
	    parsed->gfp.len <= TEXT_FAST_GFP_BYTES && parsed->gfp.p + parsed->gfp.len == end) {
		unsigned int slot = hash_gfp(parsed->gfp.p, parsed->gfp.len);

		fast->gfps[slot].len = (uint32_t)parsed->gfp.len;
		fast->gfps[slot].gfp = event->gfp;
		fast->gfps[slot].flags = event->flags;
		memcpy(fast->gfps[slot].text, parsed->gfp.p, parsed->gfp.len);
	}
	/* Only where the name has its 16 columns, the pid five to seven, and "[CPU]" follows. */
	if (end - line < TEXT_FAST_TASK_BYTES + 8 || event->kind == EVENT_MARKER ||
	    event->kind == EVENT_OTHER || event->kind == EVENT_LOST || (*p != '-' && *p != ' '))
		return;
	/* perf puts blanks for the dash, and the pid to the right of five columns. */
	if (*p++ == ' ') {
		while (*p == ' ')
			p++;
	}
	digits = p;
	while (is_digit(*p))
		p++;
	if (p == digits || !parsed->comm.len || parsed->comm.p + parsed->comm.len != name_end(line))
		return;
	while (*p == ' ')
		p++;
	if (*p == '[' && p - line <= TEXT_FAST_TASK_BYTES + 1) {
		const uint64_t key[] = { load64(line), load64(line + 8), load64(line + 16) };
		unsigned int slot = hash_task(key);

		memcpy(fast->tasks[slot].key, key, sizeof(key));
		fast->tasks[slot].text = event->text;
		fast->tasks[slot].pid = event->pid;
		fast->tasks[slot].bracket = (uint32_t)(p - line);
	}
}
