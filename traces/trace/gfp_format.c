/* SPDX-License-Identifier: MIT */
/*
 * The list stands in the line "print fmt:", as { value, "name" } pairs:
 *
 *	... __print_flags(REC->gfp_flags, "|", {(unsigned long)((( gfp_t)0x400u) | ...), "GFP_NOIO"}, ...
 *
 * A value is an expression of C with numbers, casts to names of types, and the operators | & ~ << and
 * parentheses.  Each function below reads one level of precedence.
 */
#include "traces/trace/gfp_format.h"

#include "traces/scan.h"

/* Parentheses inside each other; the deepest seen have 16. */
#define DEPTH_MAX 64

static bool read_or(struct scan *s, unsigned int depth, uint64_t *ret);

/* (unsigned long), ( gfp_t): names alone. */
static bool skip_cast(struct scan *s)
{
	struct scan t = *s;
	struct scan_str name;

	if (!scan_char(&t, '(') || !scan_ws(&t) || scan_is_digit(scan_peek(&t)))
		return false;
	while (scan_name(&t, &name))
		scan_ws(&t);
	if (!scan_char(&t, ')'))
		return false;
	*s = t;
	return true;
}

static bool read_operand(struct scan *s, unsigned int depth, uint64_t *ret)
{
	bool inverted = false;

	for (;;) {
		scan_ws(s);
		if (scan_char(s, '~'))
			inverted = !inverted;
		else if (!skip_cast(s))
			break;
	}
	if (scan_char(s, '(')) {
		if (depth == DEPTH_MAX || !read_or(s, depth + 1, ret) || !scan_ws(s) ||
		    !scan_char(s, ')'))
			return false;
	} else if (scan_number(s, ret)) {
		while (scan_char(s, 'u') || scan_char(s, 'U') || scan_char(s, 'l') ||
		       scan_char(s, 'L'))
			;
	} else {
		return false;
	}
	if (inverted)
		*ret = ~*ret;
	return true;
}

static bool read_shift(struct scan *s, unsigned int depth, uint64_t *ret)
{
	uint64_t by;

	if (!read_operand(s, depth, ret))
		return false;
	while (scan_ws(s) && scan_lit(s, "<<")) {
		if (!read_operand(s, depth, &by) || by > 63)
			return false;
		*ret <<= by;
	}
	return true;
}

static bool read_and(struct scan *s, unsigned int depth, uint64_t *ret)
{
	uint64_t other;

	if (!read_shift(s, depth, ret))
		return false;
	while (scan_ws(s) && scan_char(s, '&')) {
		if (!read_shift(s, depth, &other))
			return false;
		*ret &= other;
	}
	return true;
}

static bool read_or(struct scan *s, unsigned int depth, uint64_t *ret)
{
	uint64_t other;

	if (!read_and(s, depth, ret))
		return false;
	while (scan_ws(s) && scan_char(s, '|')) {
		if (!read_and(s, depth, &other))
			return false;
		*ret |= other;
	}
	return true;
}

bool gfp_format_read(const char *text, size_t len, struct gfp_table *table)
{
	struct scan s = scan_of(text, len);
	struct gfp_table made = *table;

	if (!scan_past(&s, "__print_flags(REC->gfp_flags, \"|\","))
		return false;
	gfp_table_clear_names(&made);
	do {
		struct scan_str name;
		uint64_t value;

		if (!scan_ws(&s) || !scan_char(&s, '{') || !read_or(&s, 0, &value) ||
		    !scan_ws(&s) || !scan_char(&s, ',') || !scan_ws(&s))
			return false;
		if (!scan_char(&s, '"')) {
			/* { 0, ((void *)0) } ends the list of 7.2. */
			if (value)
				return false;
			break;
		}
		/* On 64 bits a mask with ~ in it is extended by ones. */
		if (!scan_until(&s, '"', &name) || !scan_lit(&s, "\"") || !scan_ws(&s) ||
		    !scan_char(&s, '}') ||
		    !gfp_table_add_name(&made, name.p, name.len, (uint32_t)value))
			return false;
		scan_ws(&s);
	} while (scan_char(&s, ','));
	if (!made.name_count)
		return false;
	*table = made;
	return true;
}
