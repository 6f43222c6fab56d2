/* SPDX-License-Identifier: MIT */
/*
 * Text of traces: see text.h.
 *
 * The head.  A task's name may hold anything, "a-1 [000] 2.0: b" too, so a head is looked for from the
 * first "[CPU]" on, and taken where all of it fits: the pid before, the time and a colon behind.  ftrace
 * and trace-cmd put the name in 16 columns; where column 17 is the dash of such a name, the search
 * begins behind it.
 *
 * The body.  "key=value" pairs by their keys, in any order: perf writes the raw fields of a record when
 * it does not understand the format.
 */
#include "traces/trace/text.h"

/* Where in a line a head may still begin to end: columns. */
#define HEAD_BYTES_MAX 160
/* Columns of a task's name in the layouts of ftrace and trace-cmd. */
#define COMM_COLUMNS 16

static struct scan_str trimmed(const char *p, const char *end)
{
	while (p < end && scan_is_blank(*p))
		p++;
	while (p < end && scan_is_blank(end[-1]))
		end--;
	return (struct scan_str){ p, (size_t)(end - p) };
}

static unsigned int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = memchr(digits, c, sizeof(digits) - 1);

	return at ? (unsigned int)(at - digits) : 0;
}

/* What the third to the fifth of these flags say, as enum event_context has it. */
static uint8_t context_of(char interrupt, char depth, char pinned)
{
	static const char interrupts[] = "hHsSzZ";
	unsigned int deep = digit_of(depth) + digit_of(pinned);

	if (deep > EVENT_CONTEXT_DEPTH_MAX)
		deep = EVENT_CONTEXT_DEPTH_MAX;

	return (uint8_t)(EVENT_CONTEXT_TOLD | deep << EVENT_CONTEXT_DEPTH_SHIFT |
			 (memchr(interrupts, interrupt, sizeof(interrupts) - 1)
				  ? EVENT_CONTEXT_INTERRUPT
				  : 0));
}

/* d..1. 00000 dNs2 and the like: who was off and how deep; a digit would begin a time. */
static bool scan_irq_flags(struct scan *s, uint8_t *context)
{
	static const char first[] = ".dDbX", others[] = ".0123456789abcdefnNpBLlhHsSzZXD";
	const char *p = s->p;
	size_t len = 0;

	while (p + len < s->end && !scan_is_blank(p[len]))
		len++;
	if (len < 3 || len > 8 || scan_is_digit(*p) || !memchr(first, *p, sizeof(first) - 1))
		return false;
	for (size_t i = 1; i < len; i++) {
		if (!memchr(others, p[i], sizeof(others) - 1))
			return false;
	}
	/* PREEMPT_RT up to 6.12 has two columns more, of lazy preemption: d..h3.1 */
	if (len == 7)
		*context = context_of(p[3], p[4], p[6]);
	else
		*context = len < 4 ? 0 : context_of(p[2], p[3], len == 5 ? p[4] : '.');
	s->p += len;
	return true;
}

/* 12.345678 or 12.345678901 as nanoseconds; 345 as it is. */
static bool scan_time(struct scan *s, uint64_t *ret)
{
	struct scan t = *s;
	uint64_t whole, part = 0;
	unsigned int digits = 0;

	if (!scan_dec(&t, &whole))
		return false;
	if (scan_char(&t, '.')) {
		while (scan_is_digit(scan_peek(&t)) && digits < 9) {
			part = part * 10 + (uint64_t)(*t.p++ - '0');
			digits++;
		}
		if (!digits || whole > UINT64_MAX / 1000000000 - 1)
			return false;
		for (; digits < 9; digits++)
			part *= 10;
		whole = whole * 1000000000 + part;
	}
	*s = t;
	*ret = whole;
	return true;
}

/* What stands before "[CPU]": a name and a pid, and perhaps the id of the thread group. */
static bool parse_task(const char *line, const char *end, struct text_line *ret)
{
	uint64_t pid = 0, unit = 1;
	const char *p = end;

	while (p > line && scan_is_blank(p[-1]))
		p--;
	if (p > line && p[-1] == ')') {
		while (p > line && p[-1] != '(')
			p--;
		if (p == line)
			return false;
		p--;
		while (p > line && scan_is_blank(p[-1]))
			p--;
	}
	end = p;
	while (p > line && scan_is_digit(p[-1])) {
		p--;
		if (unit > 1000000000)
			return false;
		pid += unit * (uint64_t)(*p - '0');
		unit *= 10;
	}
	if (p == end || p == line || pid > INT32_MAX)
		return false;
	ret->event.pid = (int32_t)pid;
	if (p[-1] == '-' &&
	    (p - 1 == line || p - 1 == line + COMM_COLUMNS || !scan_is_blank(p[-2]))) {
		p--;
	} else if (p[-1] == '-') {
		/* perf's way to say that it does not know. */
		ret->event.pid = -1;
		p--;
	} else if (p[-1] == '/') {
		/* perf's pid/tid: the thread is what the kernel calls pid. */
		p--;
		while (p > line && scan_is_digit(p[-1]))
			p--;
	} else if (!scan_is_blank(p[-1])) {
		return false;
	}
	ret->comm = trimmed(line, p);
	return true;
}

/* Behind "[CPU]": flags, time, colon. */
static bool parse_time(struct scan *s, struct text_line *ret)
{
	struct scan t = *s;
	const char *stamp;

	if (!scan_ws1(&t))
		return false;
	if (scan_irq_flags(&t, &ret->event.context) && !scan_ws1(&t))
		return false;
	stamp = t.p;
	if (!scan_time(&t, &ret->event.time) || !scan_char(&t, ':'))
		return false;
	ret->counted = !memchr(stamp, '.', (size_t)(t.p - stamp));
	*s = t;
	return true;
}

static bool parse_head_from(const char *line, const char *from, struct scan *s,
			    struct text_line *ret)
{
	const char *end = s->end - line < HEAD_BYTES_MAX ? s->end : line + HEAD_BYTES_MAX;
	const char *p = from;

	while (p < end && (p = memchr(p, '[', (size_t)(end - p)))) {
		struct scan t = { p + 1, s->end };
		uint32_t cpu;

		if (scan_u32(&t, &cpu) && cpu <= UINT16_MAX && scan_char(&t, ']') &&
		    parse_task(line, p, ret) && parse_time(&t, ret)) {
			ret->event.cpu = (uint16_t)cpu;
			*s = t;
			return true;
		}
		p++;
	}
	return false;
}

/*
 * The option latency-format:
 *	    init-1         0d..2.   12us+: mm_page_free: ...
 * the same of trace-cmd report -l:
 *	    init-1         0d..2. 1.721010: mm_page_free: ...
 * and with the option verbose:
 *	            init       1   0 1 00000001 0000002a [00001f3a] 7.994ms (+0.001ms): mm_page_free: ...
 */
static bool parse_head_latency(struct scan *s, struct text_line *ret)
{
	const char *line = s->p;
	const char *end = s->end - line < HEAD_BYTES_MAX ? s->end : line + HEAD_BYTES_MAX;

	for (const char *p = line; p < end && (p = memchr(p, '-', (size_t)(end - p))); p++) {
		struct scan t = { p + 1, s->end }, u;
		uint32_t pid, cpu;
		uint8_t context;
		uint64_t time;

		if (!scan_u32(&t, &pid) || pid > INT32_MAX || !scan_ws1(&t) ||
		    !scan_u32(&t, &cpu) || cpu > UINT16_MAX || !scan_irq_flags(&t, &context) ||
		    !scan_ws1(&t))
			continue;
		u = t;
		if (scan_dec(&u, &time) && scan_lit(&u, "us") && time <= UINT64_MAX / 1000) {
			time *= 1000;
			/* A mark of how long it took. */
			if (scan_peek(&u) != ':' && u.p < u.end)
				u.p++;
			t = u;
		} else if (!scan_time(&t, &time)) {
			continue;
		}
		if (!scan_char(&t, ':'))
			continue;
		ret->comm = trimmed(line, p);
		ret->event.pid = (int32_t)pid;
		ret->event.cpu = (uint16_t)cpu;
		ret->event.time = time;
		ret->event.context = context;
		*s = t;
		return true;
	}
	return false;
}

static bool parse_head_verbose(struct scan *s, struct text_line *ret)
{
	const char *line = s->p;
	struct scan t = { line + COMM_COLUMNS, s->end };
	struct scan_str after;
	uint64_t ignored, time;
	uint32_t pid, cpu;

	if (s->end - line <= COMM_COLUMNS || !scan_ws1(&t) || !scan_u32(&t, &pid) ||
	    pid > INT32_MAX || !scan_ws1(&t) || !scan_u32(&t, &cpu) || cpu > UINT16_MAX ||
	    !scan_ws1(&t) || !scan_dec(&t, &ignored) || !scan_ws1(&t) || !scan_hex(&t, &ignored) ||
	    !scan_ws1(&t) || !scan_hex(&t, &ignored) || !scan_ws1(&t) || !scan_char(&t, '[') ||
	    !scan_hex(&t, &time) || !scan_lit(&t, "] ") || !scan_until(&t, '(', &after) ||
	    !scan_past(&t, "):"))
		return false;
	/* Milliseconds behind it mean that the clock counts nanoseconds, shown as micro-. */
	if (after.len > 3 && !memcmp(after.p + after.len - 3, "ms ", 3)) {
		if (time > UINT64_MAX / 1000)
			return false;
		time *= 1000;
	}
	ret->comm = trimmed(line, line + COMM_COLUMNS);
	ret->event.pid = (int32_t)pid;
	ret->event.cpu = (uint16_t)cpu;
	ret->event.time = time;
	*s = t;
	return true;
}

/*
 * A comment in a function graph, which knows the CPU and perhaps the time:
 *	 1)               |  / * mm_page_free: page=... pfn=... order=0 * /
 * Takes the end of the comment off, too.
 */
static bool parse_head_graph(struct scan *s, struct text_line *ret)
{
	struct scan t = *s;
	const char *end;
	uint64_t time;
	uint32_t cpu;

	scan_ws(&t);
	if (!scan_time(&t, &time) || !scan_ws(&t) || !scan_char(&t, '|')) {
		t = *s;
		time = 0;
	}
	scan_ws(&t);
	if (!scan_u32(&t, &cpu) || cpu > UINT16_MAX || !scan_char(&t, ')') || !scan_past(&t, "|") ||
	    !scan_ws(&t) || !scan_lit(&t, "/* "))
		return false;
	for (end = t.end; end > t.p && scan_is_blank(end[-1]); end--)
		;
	if (end - t.p < 3 || memcmp(end - 3, " */", 3) != 0)
		return false;
	ret->event.cpu = (uint16_t)cpu;
	ret->event.pid = -1;
	ret->event.time = time;
	*s = (struct scan){ t.p, end - 3 };
	return true;
}

static bool parse_head(struct scan *s, struct text_line *ret)
{
	const char *line = s->p;

	if (s->end - line > COMM_COLUMNS + 1 && line[COMM_COLUMNS] == '-' &&
	    scan_is_digit(line[COMM_COLUMNS + 1]) &&
	    parse_head_from(line, line + COMM_COLUMNS, s, ret))
		return true;
	return parse_head_from(line, line, s, ret) || parse_head_latency(s, ret) ||
	       parse_head_verbose(s, ret) || parse_head_graph(s, ret);
}

enum event_kind text_event_kind(struct scan_str name)
{
	static const struct {
		const char *name;
		enum event_kind kind;
	} kinds[] = {
		{ "mm_page_alloc", EVENT_ALLOC },
		{ "mm_page_free", EVENT_FREE },
		{ "mm_page_free_direct", EVENT_FREE },
		{ "mm_page_free_batched", EVENT_FREE_BATCHED },
		{ "mm_pagevec_free", EVENT_FREE_BATCHED },
		{ "mm_page_alloc_zone_locked", EVENT_ZONE_LOCKED },
		{ "mm_page_pcpu_drain", EVENT_PCPU_DRAIN },
		{ "mm_page_alloc_extfrag", EVENT_EXTFRAG },
		{ "tracing_mark_write", EVENT_MARKER },
		{ "print", EVENT_MARKER },
		{ "cma_alloc", EVENT_CMA_ALLOC },
		{ "cma_alloc_finish", EVENT_CMA_ALLOC },
		{ "cma_release", EVENT_CMA_RELEASE },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (scan_str_eq(name, kinds[i].name))
			return kinds[i].kind;
	}
	return EVENT_OTHER;
}

/* ---- fields ---- */

enum field {
	FIELD_PFN,
	FIELD_ORDER,
	FIELD_MIGRATETYPE,
	FIELD_GFP,
	FIELD_REFILL,
	FIELD_COLD,
	FIELD_ALLOC_ORDER,
	FIELD_FALLBACK_ORDER,
	FIELD_PAGEBLOCK_ORDER,
	FIELD_ALLOC_MIGRATETYPE,
	FIELD_FALLBACK_MIGRATETYPE,
	FIELD_FRAGMENTING,
	FIELD_CHANGE_OWNERSHIP,
	FIELD_COUNT_PAGES, /* of cma */
	FIELD_ERRORNO, /* of cma */
	FIELD_COUNT
};

struct fields {
	uint32_t have; /* bit per enum field */
	uint64_t v[FIELD_COUNT];
	struct scan_str page, gfp;
};

static bool have(const struct fields *f, uint32_t mask)
{
	return (f->have & mask) == mask;
}

static int field_by_key(struct scan_str key)
{
	static const char *const keys[FIELD_COUNT] = {
		[FIELD_PFN] = "pfn",
		[FIELD_ORDER] = "order",
		[FIELD_MIGRATETYPE] = "migratetype",
		[FIELD_GFP] = "gfp_flags",
		[FIELD_REFILL] = "percpu_refill",
		[FIELD_COLD] = "cold",
		[FIELD_ALLOC_ORDER] = "alloc_order",
		[FIELD_FALLBACK_ORDER] = "fallback_order",
		[FIELD_PAGEBLOCK_ORDER] = "pageblock_order",
		[FIELD_ALLOC_MIGRATETYPE] = "alloc_migratetype",
		[FIELD_FALLBACK_MIGRATETYPE] = "fallback_migratetype",
		[FIELD_FRAGMENTING] = "fragmenting",
		[FIELD_CHANGE_OWNERSHIP] = "change_ownership",
		[FIELD_COUNT_PAGES] = "count",
		[FIELD_ERRORNO] = "errorno",
	};

	for (int i = 0; i < FIELD_COUNT; i++) {
		if (scan_str_eq(key, keys[i]))
			return i;
	}
	return -1;
}

/* A value of its whole length; a negative one is taken for all ones. */
static bool parse_value(struct scan_str value, bool hex, uint64_t *ret)
{
	struct scan s = scan_of_str(value);
	int64_t negative;

	if (scan_peek(&s) == '-') {
		*ret = UINT64_MAX;
		return scan_i64(&s, &negative) && scan_done(&s);
	}
	if (hex && scan_peek(&s) != '0')
		return scan_hex(&s, ret) && scan_done(&s);
	if (hex && s.end - s.p > 1 && s.p[1] != 'x')
		return scan_hex(&s, ret) && scan_done(&s);
	return scan_number(&s, ret) && scan_done(&s);
}

/* Takes "key=value" pairs to the end; @hex_pfn: page frames are hexadecimal without saying so. */
static bool parse_fields(struct scan *s, bool hex_pfn, struct fields *ret)
{
	while (scan_ws(s) && !scan_done(s)) {
		struct scan_str key, value;
		int field;

		if (!scan_name(s, &key) || !scan_char(s, '=')) {
			/* A word between: part of "[FAILED TO PARSE]", or an ANSI colour. */
			if (!scan_word(s, &value) && s->p < s->end)
				s->p++;
			continue;
		}
		/* "page=          (null)": some kernels pad what %p prints. */
		if (scan_str_eq(key, "page"))
			scan_ws(s);
		if (!scan_word(s, &value))
			value = (struct scan_str){ s->p, 0 };
		if (scan_str_eq(key, "page"))
			ret->page = value;
		field = field_by_key(key);
		if (field < 0)
			continue;
		if (field == FIELD_GFP) {
			if (!value.len)
				return false;
			ret->gfp = value;
		} else if (!parse_value(value, hex_pfn && field == FIELD_PFN, &ret->v[field])) {
			return false;
		}
		ret->have |= 1U << field;
	}
	return true;
}

/*
 * Whether there is no page at all.  A null pointer is "(null)" or zeros for a kernel, "(nil)", "0x0" or
 * "0" for the tools.  These print the same where they failed to compute a pointer that was there, so the
 * page frame has to be 0 as well, but for "(null)": 2.6.32 prints whatever page frame that comes to.
 */
static bool no_page(const struct fields *f)
{
	bool zeros = f->page.len > 0;
	uint64_t pfn = f->v[FIELD_PFN];

	/* -1 as either width of unsigned long. */
	if (pfn == UINT64_MAX || pfn == UINT32_MAX || scan_str_eq(f->page, "(null)"))
		return true;
	for (size_t i = 0; i < f->page.len; i++)
		zeros = zeros && f->page.p[i] == '0';
	return !pfn && (zeros || scan_str_eq(f->page, "(nil)") || scan_str_eq(f->page, "0x0"));
}

static bool small(const struct fields *f, enum field field, uint8_t *ret)
{
	if (f->v[field] > UINT8_MAX)
		return false;
	*ret = (uint8_t)f->v[field];
	return true;
}

#define BIT(field) (1U << (field))

static bool parse_body(struct scan *s, struct text_line *ret)
{
	struct event *event = &ret->event;
	bool cma = event->kind == EVENT_CMA_ALLOC || event->kind == EVENT_CMA_RELEASE;
	struct fields f = { 0 };
	enum field order = event->kind == EVENT_EXTFRAG ? FIELD_ALLOC_ORDER : FIELD_ORDER;
	enum field type = event->kind == EVENT_EXTFRAG ? FIELD_ALLOC_MIGRATETYPE
						       : FIELD_MIGRATETYPE;
	uint32_t need = BIT(FIELD_PFN);

	if (!parse_fields(s, cma, &f))
		return false;
	switch ((enum event_kind)event->kind) {
	case EVENT_ALLOC:
		need |= BIT(FIELD_ORDER) | BIT(FIELD_MIGRATETYPE) | BIT(FIELD_GFP);
		break;
	case EVENT_FREE:
		need |= BIT(FIELD_ORDER);
		break;
	case EVENT_ZONE_LOCKED:
	case EVENT_PCPU_DRAIN:
		need |= BIT(FIELD_ORDER) | BIT(FIELD_MIGRATETYPE);
		break;
	case EVENT_EXTFRAG:
		need |= BIT(FIELD_ALLOC_ORDER) | BIT(FIELD_FALLBACK_ORDER) |
			BIT(FIELD_ALLOC_MIGRATETYPE) | BIT(FIELD_FALLBACK_MIGRATETYPE);
		break;
	case EVENT_CMA_ALLOC:
	case EVENT_CMA_RELEASE:
		need |= BIT(FIELD_COUNT_PAGES);
		break;
	default:
		break;
	}
	if (!have(&f, need))
		return false;
	if (!small(&f, order, &event->order) || !small(&f, type, &event->migratetype) ||
	    !small(&f, FIELD_FALLBACK_ORDER, &event->fallback_order) ||
	    !small(&f, FIELD_FALLBACK_MIGRATETYPE, &event->fallback_migratetype))
		return false;
	event->pfn = f.v[FIELD_PFN];
	/* One that has a page whatever number it gives is taken by its word. */
	if (no_page(&f) && !event_has_page(&(struct event){ .kind = event->kind, .pfn = PFN_NONE }))
		event->pfn = PFN_NONE;
	ret->gfp = f.gfp;
	if (cma) {
		if (f.v[FIELD_COUNT_PAGES] > UINT32_MAX)
			return false;
		event->count = (uint32_t)f.v[FIELD_COUNT_PAGES];
		if (f.v[FIELD_ERRORNO])
			event->pfn = PFN_NONE;
	}
	/* A raw record does not have what the format computes. */
	if (event->kind == EVENT_ZONE_LOCKED && !have(&f, BIT(FIELD_REFILL)))
		f.v[FIELD_REFILL] = !event->order;
	if (f.v[FIELD_REFILL])
		event->flags |= EVENT_PERCPU_REFILL;
	if (f.v[FIELD_COLD])
		event->flags |= EVENT_COLD;
	if (f.v[FIELD_CHANGE_OWNERSHIP])
		event->flags |= EVENT_CHANGE_OWNERSHIP;
	if (f.v[FIELD_FRAGMENTING])
		event->flags |= EVENT_FRAGMENTING;
	return true;
}

static void set_lost(struct text_line *ret, uint64_t count)
{
	ret->event.kind = EVENT_LOST;
	ret->event.count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

/* perf script --show-lost-events: "PERF_RECORD_LOST lost 12", and of _LOST_SAMPLES; @s is behind the name. */
static bool parse_perf_lost(struct scan s, struct scan_str name, struct text_line *ret)
{
	uint64_t count;

	if (!scan_str_eq(name, "PERF_RECORD_LOST") &&
	    !scan_str_eq(name, "PERF_RECORD_LOST_SAMPLES"))
		return false;
	if (!scan_ws1(&s) || !scan_lit(&s, "lost ") || !scan_dec(&s, &count) || !scan_blank_end(&s))
		return false;
	set_lost(ret, count);
	return true;
}

/* Behind the head: "name: text", perhaps with a count before and "system:" in front of the name. */
static enum text_class parse_event(struct scan *s, struct text_line *ret)
{
	struct scan_str name, system;
	uint64_t address;
	struct scan t;

	scan_ws(s);
	t = *s;
	if (scan_name(&t, &name) && scan_ws1(&t) && scan_is_digit(*name.p)) {
		uint64_t period;
		struct scan digits = scan_of_str(name);

		if (scan_dec(&digits, &period) && scan_done(&digits))
			*s = t;
	}
	t = *s;
	if (scan_name(&t, &system) && scan_char(&t, ':') && t.p < t.end && scan_name(&t, &name) &&
	    scan_peek(&t) == ':')
		*s = (struct scan){ name.p, s->end };
	if (!scan_name(s, &name)) {
		/* "<stack trace>" and the like. */
		if (!scan_word(s, &name))
			return TEXT_UNKNOWN;
		ret->event.kind = EVENT_OTHER;
		ret->text = name;
		return TEXT_EVENT;
	}
	ret->text = name;
	ret->event.kind = (uint8_t)text_event_kind(name);
	if (parse_perf_lost(*s, name, ret))
		return TEXT_LOST;
	if (!scan_char(s, ':')) {
		/* An event we know has a colon. */
		if (ret->event.kind != EVENT_OTHER && scan_done(s))
			return TEXT_DAMAGED;
		ret->event.kind = EVENT_OTHER;
		return TEXT_EVENT;
	}
	if (ret->event.kind == EVENT_OTHER)
		return TEXT_EVENT;
	if (ret->event.kind == EVENT_MARKER) {
		scan_ws(s);
		/* trace-cmd and perf name the function in the text, or its address. */
		t = *s;
		if (scan_str_eq(name, "print") && !scan_lit(s, "tracing_mark_write: ") &&
		    scan_0x(&t, &address) && scan_lit(&t, ": "))
			*s = t;
		ret->text = (struct scan_str){ s->p, scan_left(s) };
		return TEXT_EVENT;
	}
	return parse_body(s, ret) ? TEXT_EVENT : TEXT_DAMAGED;
}

/*
 * CPU:3 [LOST 12 EVENTS], CPU:3 [LOST EVENTS]; trace-cmd: CPU:3 [12 EVENTS DROPPED].  Where a log does without the
 * CPU, the loss counts as one of CPU 0: no event of any CPU is known to be whole there.
 */
static bool parse_lost(struct scan s, struct text_line *ret)
{
	uint64_t count = 0;
	uint32_t cpu = 0;

	if (scan_lit(&s, "CPU:") && (!scan_u32(&s, &cpu) || cpu > UINT16_MAX || !scan_lit(&s, " ")))
		return false;
	if (!scan_char(&s, '['))
		return false;
	if (scan_lit(&s, "LOST ")) {
		if (!scan_lit(&s, "EVENTS]") && !(scan_dec(&s, &count) && scan_lit(&s, " EVENTS]")))
			return false;
	} else if (!scan_lit(&s, "EVENTS DROPPED]") &&
		   !(scan_dec(&s, &count) && scan_lit(&s, " EVENTS DROPPED]"))) {
		return false;
	}
	if (!scan_blank_end(&s))
		return false;
	set_lost(ret, count);
	ret->event.cpu = (uint16_t)cpu;
	return true;
}

/* # entries-in-buffer/entries-written: 140/150   #P:2 */
static void parse_heading(struct scan s, struct text_line *ret)
{
	uint64_t kept, written;

	if (scan_past(&s, "entries-in-buffer/entries-written:") && scan_ws(&s) &&
	    scan_dec(&s, &kept) && scan_char(&s, '/') && scan_dec(&s, &written) && written > kept)
		ret->overwritten = written - kept;
}

/* What tools write around events: "cpus=2", "CPU 1 is empty", a line of a stack. */
static bool is_noise(struct scan s)
{
	uint64_t number;
	struct scan t = s;

	if (scan_lit(&t, "cpus=") || scan_lit(&t, "version ="))
		return scan_ws(&t) && scan_dec(&t, &number) && scan_blank_end(&t);
	t = s;
	if (scan_lit(&t, "CPU ") && scan_dec(&t, &number) && scan_lit(&t, " is empty"))
		return scan_blank_end(&t);
	/* A call in a function graph: "  1)   0.131 us    |    __next_zones_zonelist();" */
	t = s;
	if (scan_ws(&t) && scan_dec(&t, &number) && scan_char(&t, ')') && scan_past(&t, "|"))
		return true;
	if (!scan_ws1(&s))
		return false;
	if (scan_lit(&s, "=> "))
		return true;
	/* "	ffffffff8162184b __alloc_pages+0x26b ([kernel.kallsyms])" */
	return scan_hex(&s, &number) && scan_peek(&s) == ' ' && s.end[-1] == ')';
}

/*
 * Behind what a mail or the comment of a program puts before lines it quotes, ">", "//", "*" or "#", and one
 * blank; @line itself where nothing of that is there.
 */
static const char *behind_quote(const char *line, const char *end)
{
	const char *ret = line, *p = line;

	for (;;) {
		while (p < end && scan_is_blank(*p))
			p++;
		if (p < end && (*p == '>' || *p == '#'))
			p++;
		else if (end - p > 1 && p[0] == '/' && p[1] == '/')
			p += 2;
		else if (end - p > 1 && p[0] == '*' && scan_is_blank(p[1]))
			p++;
		else
			break;
		ret = p;
	}
	return ret > line && ret < end && scan_is_blank(*ret) ? ret + 1 : ret;
}

static bool is_page_event(enum event_kind kind)
{
	return kind < EVENT_MARKER || kind == EVENT_CMA_ALLOC || kind == EVENT_CMA_RELEASE;
}

/* An event we know without any head, as the option nocontext-info writes it: of which CPU is not told. */
static bool is_bare_event(struct scan s)
{
	struct scan_str name;

	scan_ws(&s);
	if (!scan_name(&s, &name) || scan_peek(&s) != ':')
		return false;
	if (text_event_kind(name) == EVENT_OTHER && (!scan_char(&s, ':') || !scan_name(&s, &name)))
		return false;
	return is_page_event(text_event_kind(name)) && scan_peek(&s) == ':';
}

/* The same in a function graph, in a comment that has no end. */
static bool is_cut_comment(struct scan s)
{
	uint32_t cpu;

	scan_ws(&s);
	return scan_u32(&s, &cpu) && scan_char(&s, ')') && scan_past(&s, "|") && scan_ws(&s) &&
	       scan_lit(&s, "/* ") && is_bare_event(s);
}

static enum text_class parse_line(struct scan s, struct text_line *ret)
{
	if (parse_head(&s, ret))
		return parse_event(&s, ret);
	if (parse_lost(s, ret))
		return TEXT_LOST;
	if (is_bare_event(s) || is_cut_comment(s))
		return TEXT_DAMAGED;
	return is_noise(s) ? TEXT_IGNORED : TEXT_UNKNOWN;
}

enum text_class text_line_parse(const char *line, const char *end, struct text_line *ret)
{
	static const struct text_line none = { .event = { .pfn = PFN_NONE, .pid = -1 } };
	struct scan s = { line, end };
	enum text_class class;

	if (end > line && end[-1] == '\r')
		s.end--;
	*ret = none;
	if (scan_blank_end(&s))
		return TEXT_IGNORED;
	s.p = behind_quote(line, s.end);
	if (s.p == line)
		return parse_line(s, ret);
	/* Headings are as a comment would be; what is one and looks like an event of ours was quoted. */
	class = parse_line(s, ret);
	if (!memchr(line, '#', (size_t)(s.p - line)) ||
	    (class == TEXT_EVENT && is_page_event((enum event_kind)ret->event.kind)))
		return class;
	*ret = none;
	s.p = line;
	parse_heading(s, ret);
	return TEXT_IGNORED;
}
