/* SPDX-License-Identifier: MIT */
/*
 * Scan: small steps over a piece of text.
 *
 * A struct scan is what is left to read, [p, end); the bytes need no final NUL and are never
 * changed.  Each step either takes what it names and returns true, or returns false and leaves both
 * the scan and its outputs as they were, so that steps chain with && and alternatives with ||:
 *
 *	struct scan s = scan_of(line->text, line->len);
 *
 *	if (scan_lit(&s, "Node ") && scan_u32(&s, &nid) && scan_lit(&s, ", zone") &&
 *	    scan_ws(&s) && scan_word(&s, &name) && scan_done(&s))
 *
 * A chain that fails half-way has moved the scan: work on a copy if there is an alternative.
 *
 * A blank is a space or a tab.  Nothing here knows a locale, allocates or reads beyond @end; NUL
 * bytes are ordinary bytes that no word, number or literal contains.
 */
#ifndef TRACES_SCAN_H
#define TRACES_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct scan {
	const char *p;
	const char *end;
};

/* A piece of the text, borrowed from it; not NUL-terminated. */
struct scan_str {
	const char *p;
	size_t len;
};

static inline struct scan scan_of(const char *text, size_t len)
{
	return (struct scan){ text, text + len };
}

static inline struct scan scan_of_str(struct scan_str str)
{
	return scan_of(str.p, str.len);
}

static inline size_t scan_left(const struct scan *s)
{
	return (size_t)(s->end - s->p);
}

/* Nothing is left. */
static inline bool scan_done(const struct scan *s)
{
	return s->p == s->end;
}

/* The next byte; NUL if there is none. */
static inline char scan_peek(const struct scan *s)
{
	return s->p < s->end ? *s->p : '\0';
}

static inline bool scan_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline bool scan_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* How many bytes @text begins with that are printable ASCII: what nearly all of a log is. */
static inline size_t scan_plain_len(const char *text, size_t len)
{
	const uint64_t ones = 0x0101010101010101, high = ones << 7;
	size_t i = 0;

	/* Eight at a time: a byte's highest bit is set by itself, by one more than 0x7e, or 0x20 less. */
	for (; len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, text + i, sizeof(word));
		if ((word | (word + ones) | (word - ones * 0x20)) & high)
			break;
	}
	while (i < len && text[i] >= 0x20 && text[i] < 0x7f)
		i++;
	return i;
}

static inline bool scan_str_eq(struct scan_str str, const char *text)
{
	size_t len = strlen(text);

	return str.len == len && !memcmp(str.p, text, len);
}

/* Exactly these bytes. */
static inline bool scan_lit(struct scan *s, const char *literal)
{
	size_t len;

	/* Most differ at once. */
	if (*literal && (s->p == s->end || *s->p != *literal))
		return false;
	len = strlen(literal);
	if (scan_left(s) < len || memcmp(s->p, literal, len))
		return false;
	s->p += len;
	return true;
}

static inline bool scan_char(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* Any number of blanks, none included: always true. */
static inline bool scan_ws(struct scan *s)
{
	while (s->p < s->end && scan_is_blank(*s->p))
		s->p++;
	return true;
}

/* At least one blank. */
static inline bool scan_ws1(struct scan *s)
{
	const char *p = s->p;

	scan_ws(s);
	return s->p > p;
}

/* Nothing but blanks is left.  Takes them. */
static inline bool scan_blank_end(struct scan *s)
{
	struct scan t = *s;

	scan_ws(&t);
	if (!scan_done(&t))
		return false;
	*s = t;
	return true;
}

/*
 * Unsigned numbers.  They fail on a first byte that is no digit and on a value that does not fit;
 * scan_number_too_large() tells the two apart afterwards.  What follows the last digit is left to
 * the caller.  Hexadecimal digits may be of either case.
 */
bool scan_dec(struct scan *s, uint64_t *ret); /* 123 */
bool scan_u32(struct scan *s, uint32_t *ret); /* 123 */
bool scan_hex(struct scan *s, uint64_t *ret); /* 7f, without prefix */
bool scan_0x(struct scan *s, uint64_t *ret); /* 0x7f, prefix required */
bool scan_number(struct scan *s, uint64_t *ret); /* 123 or 0x7f */
/* With an optional minus sign; INT32_MIN and INT64_MIN are refused. */
bool scan_i32(struct scan *s, int32_t *ret);
bool scan_i64(struct scan *s, int64_t *ret);

/* After one of the above failed: the number there, which has no sign, is too large. */
bool scan_number_too_large(const struct scan *s);

/* A word: one byte or more up to the next blank, control character or NUL. */
bool scan_word(struct scan *s, struct scan_str *ret);
/* A name: one letter, digit or underscore or more. */
bool scan_name(struct scan *s, struct scan_str *ret);
/* One byte or more up to the next @c or the end, blanks included; @c itself stays. */
bool scan_until(struct scan *s, char c, struct scan_str *ret);
/* "(...)" with balanced parentheses; @ret gets what is inside, possibly nothing. */
bool scan_parens(struct scan *s, struct scan_str *ret);
/* Moves behind the next occurrence of a literal, wherever that is. */
bool scan_past(struct scan *s, const char *literal);
/* All that is left without blanks at both ends; possibly nothing.  Always true. */
bool scan_rest(struct scan *s, struct scan_str *ret);

/*
 * Lines of a text, counted from 1.  A line ends with a line feed, which is not part of it, nor is a
 * carriage return before it; the last line may lack its line feed.
 */
struct scan_lines {
	struct scan left;
	uint32_t line; /* number of the line last returned; 0 before the first */
	const char *start; /* where that line starts */
};

static inline struct scan_lines scan_lines_of(const char *text, size_t len)
{
	return (struct scan_lines){ scan_of(text, len), 0, text };
}

/* The next line; false after the last. */
bool scan_next_line(struct scan_lines *lines, struct scan *ret);

/* Byte column, counted from 1, of a place in the current line. */
static inline uint32_t scan_column(const struct scan_lines *lines, const char *p)
{
	return (uint32_t)(p - lines->start) + 1;
}

#endif
