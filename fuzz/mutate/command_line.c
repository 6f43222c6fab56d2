/* SPDX-License-Identifier: MIT */
/*
 * Command lines: numbers with units, and ranges of them as the kernel's parameters have them, SIZE@START
 * (or $, !, #) and SIZE@START-END.
 */
#include <string.h>

#include "fuzz/mutate/internal.h"

/* A number of a text, with its unit: bytes [at, end). */
struct number {
	size_t at, end;
	uint64_t value; /* in units */
	char unit; /* K, M, G, T, or 0 */
	bool hex;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number at @at, if there begins one. */
static bool read_number(const char *text, size_t len, size_t at, struct number *ret)
{
	struct number n = { .at = at, .end = at };

	if (at >= len || !is_digit(text[at]) ||
	    (at && (is_digit(text[at - 1]) || is_letter(text[at - 1]))))
		return false;
	n.hex = at + 2 < len && text[at] == '0' && text[at + 1] == 'x' &&
		hex_digit(text[at + 2]) >= 0;
	if (n.hex)
		for (n.end = at + 2; n.end < len && hex_digit(text[n.end]) >= 0; n.end++)
			n.value = n.value * 16 + (uint64_t)hex_digit(text[n.end]);
	else
		for (; n.end < len && is_digit(text[n.end]); n.end++)
			n.value = n.value * 10 + (uint64_t)(text[n.end] - '0');
	if (n.end < len && strchr("KMGTkmgt", text[n.end]))
		n.unit = text[n.end++];
	*ret = n;
	return true;
}

static uint64_t unit_bytes(char unit)
{
	const char *units = "KMGT", *at = unit ? strchr(units, unit & ~0x20) : NULL;

	return at ? 1ULL << (10 * (at - units + 1)) : 1;
}

static size_t append(char *text, size_t len, const char *what)
{
	for (; *what && len < MUTATE_TEXT_MAX; what++)
		text[len++] = *what;
	return len;
}

static size_t append_number(char *text, size_t len, uint64_t value, char unit)
{
	char digits[24], suffix[2] = { unit, 0 };
	size_t at = sizeof(digits) - 1;

	digits[at] = 0;
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return append(text, append(text, len, digits + at), suffix);
}

static size_t append_bytes(char *text, size_t len, uint64_t bytes)
{
	static const char units[] = { 'G', 'M', 'K' };

	for (unsigned int i = 0; i < sizeof(units); i++)
		if (bytes && bytes % unit_bytes(units[i]) == 0)
			return append_number(text, len, bytes / unit_bytes(units[i]), units[i]);
	return append_number(text, len, bytes, 0);
}

/* A size that somebody could ask for, in bytes. */
static uint64_t draw_bytes(struct mutator *m)
{
	uint64_t number = one_in(m, 2) ? 1ULL << prng_below(&m->prng, 11)
				       : prng_skewed(&m->prng, 2000);

	return number << (one_in(m, 8) ? 30 : one_in(m, 8) ? 10 : 20);
}

size_t mutate_add_parameter(struct mutator *m, char *text, size_t len)
{
	static const char *const units[] = { "", "K", "M", "G", "%" };
	static const char *const marks[] = { "@", "@", "$", "!", "#" };
	const char *word;

	if (!m->word_count || len + 160 > MUTATE_TEXT_MAX)
		return len;
	word = m->words[prng_below(&m->prng, m->word_count)];
	if (strlen(word) > 40)
		return len;
	if (len)
		len = append(text, len, " ");
	len = append(text, len, word);
	if (!*word || word[strlen(word) - 1] != '=')
		return len;
	if (one_in(m, 2)) {
		len = append_number(text, len, prng_skewed(&m->prng, 100000), 0);
		return append(text, len, units[prng_below(&m->prng, 5)]);
	}
	/* A size, and perhaps where. */
	{
		uint64_t size = draw_bytes(m), start = draw_bytes(m);

		len = append_bytes(text, len, size);
		if (one_in(m, 2))
			return len;
		len = append(text, len, marks[prng_below(&m->prng, 5)]);
		len = append_bytes(text, len, start);
		if (one_in(m, 2))
			return len;
		len = append(text, len, "-");
		return append_bytes(text, len, start + (one_in(m, 2) ? size : draw_bytes(m)));
	}
}

/* Puts @bytes in place of @n. */
static size_t put_number(char *text, size_t len, const struct number *n, uint64_t bytes)
{
	char made[32];
	size_t size = append_bytes(made, 0, bytes), rest = len - n->end;

	if (n->at + size + rest > MUTATE_TEXT_MAX)
		return len;
	memmove(text + n->at + size, text + n->end, rest);
	memcpy(text + n->at, made, size);
	return n->at + size + rest;
}

static uint64_t change_bytes(struct mutator *m, const struct number *n)
{
	uint64_t bytes = n->value * unit_bytes(n->unit), unit = unit_bytes(n->unit);

	switch (prng_below(&m->prng, 6)) {
	case 0:
		return bytes + unit;
	case 1:
		return bytes - unit;
	case 2:
		return one_in(m, 2) ? bytes << 1 : bytes >> 1;
	case 3: /* somewhat, in the next smaller unit or two */
		unit = unit > 1024 ? unit >> (10 * (1 + prng_below(&m->prng, 2))) : 1;
		return bytes + unit * prng_below(&m->prng, 1024);
	case 4:
		return bytes + (unit << prng_below(&m->prng, 8));
	default:
		return draw_bytes(m);
	}
}

size_t mutate_change_parameter(struct mutator *m, char *text, size_t len)
{
	struct number n = { 0 }, next, one;
	uint64_t seen = 0, bytes;

	for (size_t at = 0; at < len; at++)
		if (read_number(text, len, at, &one) && !prng_below(&m->prng, ++seen))
			n = one;
	if (!seen)
		return mutate_add_parameter(m, text, len);
	bytes = change_bytes(m, &n);
	/* A range may move as a whole: its end first, as that stands behind. */
	if (n.end < len && text[n.end] == '-' && read_number(text, len, n.end + 1, &next) &&
	    !one_in(m, 4))
		len = put_number(text, len, &next,
				 next.value * unit_bytes(next.unit) + bytes -
					 n.value * unit_bytes(n.unit));
	return put_number(text, len, &n, bytes);
}
