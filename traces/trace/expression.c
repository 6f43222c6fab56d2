/* SPDX-License-Identifier: MIT */
/* Each function reads one level of precedence. */
#include "traces/trace/expression.h"

/* Parentheses inside each other; the deepest seen have 16. */
#define DEPTH_MAX 64

static bool read_choice(struct scan *s, unsigned int depth, uint64_t *ret);

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
		if (depth == DEPTH_MAX || !read_choice(s, depth + 1, ret) || !scan_ws(s) ||
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

static bool read_product(struct scan *s, unsigned int depth, uint64_t *ret)
{
	uint64_t other;

	if (!read_operand(s, depth, ret))
		return false;
	while (scan_ws(s) && scan_char(s, '*')) {
		if (!read_operand(s, depth, &other))
			return false;
		*ret *= other;
	}
	return true;
}

static bool read_sum(struct scan *s, unsigned int depth, uint64_t *ret)
{
	if (!read_product(s, depth, ret))
		return false;
	for (;;) {
		bool minus = scan_ws(s) && scan_peek(s) == '-';
		uint64_t other;

		if (!scan_char(s, '-') && !scan_char(s, '+'))
			return true;
		if (!read_product(s, depth, &other))
			return false;
		*ret = minus ? *ret - other : *ret + other;
	}
}

static bool read_shift(struct scan *s, unsigned int depth, uint64_t *ret)
{
	uint64_t by;

	if (!read_sum(s, depth, ret))
		return false;
	while (scan_ws(s) && scan_lit(s, "<<")) {
		if (!read_sum(s, depth, &by) || by > 63)
			return false;
		*ret <<= by;
	}
	return true;
}

static bool read_less(struct scan *s, unsigned int depth, uint64_t *ret)
{
	uint64_t other;

	if (!read_shift(s, depth, ret))
		return false;
	while (scan_ws(s) && scan_char(s, '<')) {
		if (!read_shift(s, depth, &other))
			return false;
		*ret = *ret < other;
	}
	return true;
}

static bool read_and(struct scan *s, unsigned int depth, uint64_t *ret)
{
	uint64_t other;

	if (!read_less(s, depth, ret))
		return false;
	while (scan_ws(s) && scan_char(s, '&')) {
		if (!read_less(s, depth, &other))
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

static bool read_choice(struct scan *s, unsigned int depth, uint64_t *ret)
{
	uint64_t yes, no;

	if (!read_or(s, depth, ret))
		return false;
	if (!scan_ws(s) || !scan_char(s, '?'))
		return true;
	if (depth == DEPTH_MAX || !read_choice(s, depth + 1, &yes) || !scan_ws(s) ||
	    !scan_char(s, ':') || !read_choice(s, depth + 1, &no))
		return false;
	*ret = *ret ? yes : no;
	return true;
}

bool expression_read(struct scan *s, uint64_t *ret)
{
	return read_choice(s, 0, ret);
}
