/* SPDX-License-Identifier: MIT */
#include "traces/scan.h"

#include <limits.h>

/* Value of a digit in base 16, or 16 for any other byte. */
static unsigned int digit_of(char c)
{
	if (scan_is_digit(c))
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 16;
}

static bool scan_base(struct scan *s, unsigned int base, uint64_t max, uint64_t *ret)
{
	const char *p = s->p;
	uint64_t value = 0;

	for (; p < s->end; p++) {
		unsigned int digit = digit_of(*p);

		if (digit >= base)
			break;
		if (value > (max - digit) / base)
			return false;
		value = value * base + digit;
	}
	if (p == s->p)
		return false;
	s->p = p;
	*ret = value;
	return true;
}

bool scan_dec(struct scan *s, uint64_t *ret)
{
	return scan_base(s, 10, UINT64_MAX, ret);
}

bool scan_u32(struct scan *s, uint32_t *ret)
{
	uint64_t value;

	if (!scan_base(s, 10, UINT32_MAX, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

bool scan_hex(struct scan *s, uint64_t *ret)
{
	return scan_base(s, 16, UINT64_MAX, ret);
}

bool scan_0x(struct scan *s, uint64_t *ret)
{
	struct scan t = *s;

	if (!scan_lit(&t, "0x") || !scan_hex(&t, ret))
		return false;
	*s = t;
	return true;
}

bool scan_number(struct scan *s, uint64_t *ret)
{
	struct scan t = *s;

	/* Of "0x" without digits the 0 is a number. */
	if (scan_lit(&t, "0x") && digit_of(scan_peek(&t)) < 16)
		return scan_0x(s, ret);
	return scan_dec(s, ret);
}

static bool scan_signed(struct scan *s, uint64_t max, int64_t *ret)
{
	struct scan t = *s;
	bool negative = scan_char(&t, '-');
	uint64_t value;

	if (!scan_base(&t, 10, max, &value))
		return false;
	*s = t;
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

bool scan_i64(struct scan *s, int64_t *ret)
{
	return scan_signed(s, INT64_MAX, ret);
}

bool scan_i32(struct scan *s, int32_t *ret)
{
	int64_t value;

	if (!scan_signed(s, INT32_MAX, &value))
		return false;
	*ret = (int32_t)value;
	return true;
}

bool scan_number_too_large(const struct scan *s)
{
	struct scan t = *s;

	if (scan_lit(&t, "0x"))
		return digit_of(scan_peek(&t)) < 16;
	if (scan_is_digit(scan_peek(&t)))
		return true;
	/*
	 * A word may start with the letters of a hexadecimal number without prefix; none has more
	 * of them than a number that fits.
	 */
	for (; t.p < t.end && digit_of(*t.p) < 16; t.p++)
		;
	return t.p - s->p > 16;
}

static bool take(struct scan *s, const char *p, struct scan_str *ret)
{
	if (p == s->p)
		return false;
	*ret = (struct scan_str){ s->p, (size_t)(p - s->p) };
	s->p = p;
	return true;
}

bool scan_word(struct scan *s, struct scan_str *ret)
{
	const char *p = s->p;

	while (p < s->end && (unsigned char)*p > ' ' && *p != 0x7f)
		p++;
	return take(s, p, ret);
}

static bool is_name_byte(char c)
{
	return scan_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool scan_name(struct scan *s, struct scan_str *ret)
{
	const char *p = s->p;

	while (p < s->end && is_name_byte(*p))
		p++;
	return take(s, p, ret);
}

bool scan_until(struct scan *s, char c, struct scan_str *ret)
{
	const char *p = s->p;

	while (p < s->end && *p != c)
		p++;
	return take(s, p, ret);
}

bool scan_parens(struct scan *s, struct scan_str *ret)
{
	const char *p = s->p;
	size_t depth = 0;

	if (scan_peek(s) != '(')
		return false;
	for (; p < s->end; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && !--depth)
			break;
	}
	if (p == s->end)
		return false;
	*ret = (struct scan_str){ s->p + 1, (size_t)(p - s->p) - 1 };
	s->p = p + 1;
	return true;
}

bool scan_past(struct scan *s, const char *literal)
{
	size_t len = strlen(literal);
	const char *p = s->p;

	for (; (size_t)(s->end - p) >= len; p++) {
		if (!memcmp(p, literal, len)) {
			s->p = p + len;
			return true;
		}
	}
	return false;
}

bool scan_rest(struct scan *s, struct scan_str *ret)
{
	const char *end = s->end;

	scan_ws(s);
	while (end > s->p && scan_is_blank(end[-1]))
		end--;
	*ret = (struct scan_str){ s->p, (size_t)(end - s->p) };
	s->p = s->end;
	return true;
}

bool scan_next_line(struct scan_lines *lines, struct scan *ret)
{
	struct scan *left = &lines->left;
	const char *end;

	if (scan_done(left))
		return false;
	lines->start = left->p;
	if (lines->line < UINT32_MAX)
		lines->line++;
	end = memchr(left->p, '\n', scan_left(left));
	*ret = (struct scan){ left->p, end ? end : left->end };
	left->p = end ? end + 1 : left->end;
	if (ret->end > ret->p && ret->end[-1] == '\r')
		ret->end--;
	return true;
}
