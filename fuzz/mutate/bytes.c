/* SPDX-License-Identifier: MIT */
/* Bytes: changes of what is no message, of lines of text most of all. */
#include <string.h>

#include "fuzz/mutate/internal.h"

/* Bytes that a change inserts, copies or removes at most, but for lines. */
#define PIECE_MAX 64

static const char *const numbers[] = { "0",
				       "1",
				       "-1",
				       "4096",
				       "65536",
				       "4294967295",
				       "4294967296",
				       "18446744073709551615",
				       "18446744073709551616",
				       "0x0",
				       "0xfff",
				       "0xffffffff",
				       "0x100000000",
				       "0xffffffffffffffff",
				       "0x10000000000000000",
				       "ffffffffffffffff" };

/* Puts @count bytes of @from, which are none of @data, in front of @at, in place of @gone bytes. */
static size_t put(uint8_t *data, size_t size, size_t room, size_t at, size_t gone, const void *from,
		  size_t count)
{
	if (count > room - (size - gone))
		count = room - (size - gone);
	memmove(data + at + count, data + at + gone, size - at - gone);
	if (count)
		memcpy(data + at, from, count);
	return size - gone + count;
}

/* The same of bytes of @data itself. */
static size_t copy_piece(struct mutator *m, uint8_t *data, size_t size, size_t room)
{
	uint8_t piece[PIECE_MAX];
	size_t from = prng_below(&m->prng, size), count = 1 + prng_below(&m->prng, PIECE_MAX);
	size_t at = prng_below(&m->prng, size + 1), gone;

	if (count > size - from)
		count = size - from;
	gone = one_in(m, 2) ? 0 : count < size - at ? count : size - at;
	memcpy(piece, data + from, count);
	return put(data, size, room, at, gone, piece, count);
}

static bool is_digit(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* The number at or behind a place, as text, becomes another one. */
static size_t change_digits(struct mutator *m, uint8_t *data, size_t size, size_t room)
{
	size_t start = prng_below(&m->prng, size), end;
	const char *number = numbers[prng_below(&m->prng, sizeof(numbers) / sizeof(*numbers))];

	while (start < size && !(data[start] >= '0' && data[start] <= '9'))
		start++;
	while (start && start < size && is_digit(data[start - 1]))
		start--;
	for (end = start; end < size && is_digit(data[end]);)
		end++;
	if (start == end)
		return size;
	if (one_in(m, 2)) {
		data[start + prng_below(&m->prng, end - start)] =
			(uint8_t) "0123456789abcdef"[prng_below(&m->prng, 16)];
		return size;
	}
	return put(data, size, room, start, end - start, number, strlen(number));
}

static size_t insert_word(struct mutator *m, uint8_t *data, size_t size, size_t room)
{
	const char *word;
	size_t at = prng_below(&m->prng, size + 1);

	if (!m->word_count)
		return size;
	word = m->words[prng_below(&m->prng, m->word_count)];
	/* Where a line begins, as most words are beginnings of lines. */
	if (one_in(m, 2))
		while (at && data[at - 1] != '\n')
			at--;
	return put(data, size, room, at, 0, word, strlen(word));
}

/* The line at a place, with its newline. */
static void find_line(const uint8_t *data, size_t size, size_t place, size_t *start, size_t *end)
{
	const uint8_t *newline = memchr(data + place, '\n', size - place);

	*end = newline ? (size_t)(newline - data) + 1 : size;
	while (place && data[place - 1] != '\n')
		place--;
	*start = place;
}

/* A line goes, comes twice, or changes places with the next one. */
static size_t change_line(struct mutator *m, uint8_t *data, size_t size, size_t room)
{
	uint8_t line[PIECE_MAX * 8];
	size_t start, end, count, next, at;

	find_line(data, size, prng_below(&m->prng, size), &start, &end);
	count = end - start < sizeof(line) ? end - start : sizeof(line);
	memcpy(line, data + start, count);
	switch (prng_below(&m->prng, 3)) {
	case 0:
		return put(data, size, room, start, end - start, NULL, 0);
	case 1:
		at = prng_below(&m->prng, size + 1);
		while (at && data[at - 1] != '\n')
			at--;
		return put(data, size, room, at, 0, line, count);
	default:
		if (end == size || count != end - start)
			return size;
		find_line(data, size, end, &next, &end);
		memmove(data + start, data + next, end - next);
		memcpy(data + start + (end - next), line, count);
		return size;
	}
}

size_t mutate_bytes(struct mutator *m, uint8_t *data, size_t size, size_t room)
{
	uint8_t fresh[8];
	size_t at, count;

	if (size > room)
		size = room;
	if (!size || one_in(m, 8))
		return insert_word(m, data, size, room);
	at = prng_below(&m->prng, size);
	count = 1 + prng_skewed(&m->prng, size - at);
	switch (prng_below(&m->prng, 9)) {
	case 0:
		data[at] ^= (uint8_t)(1u << prng_below(&m->prng, 8));
		return size;
	case 1:
		data[at] = (uint8_t)prng_next(&m->prng);
		return size;
	case 2:
		data[at] = (uint8_t)(data[at] + prng_below(&m->prng, 9) - 4);
		return size;
	case 3:
		return put(data, size, room, at, count < size - at ? count : size - at, NULL, 0);
	case 4:
		for (count = 0; count < sizeof(fresh); count++)
			fresh[count] = (uint8_t)prng_next(&m->prng);
		count = 1 + prng_below(&m->prng, sizeof(fresh));
		return put(data, size, room, at,
			   one_in(m, 2)	       ? 0
			   : count < size - at ? count
					       : size - at,
			   fresh, count);
	case 5:
		return copy_piece(m, data, size, room);
	case 6:
	case 7:
		return change_digits(m, data, size, room);
	default:
		return change_line(m, data, size, room);
	}
}

size_t mutate_cross_bytes(struct mutator *m, uint8_t *data, size_t size, size_t room,
			  const uint8_t *other, size_t other_size)
{
	size_t from, count, at;

	if (!other_size)
		return size;
	from = prng_below(&m->prng, other_size);
	count = 1 + prng_skewed(&m->prng, other_size - from);
	at = prng_below(&m->prng, size + 1);
	if (count > other_size - from)
		count = other_size - from;
	/* Whole lines, half of the times. */
	if (one_in(m, 2)) {
		const uint8_t *newline;

		while (from && other[from - 1] != '\n') {
			from--;
			count++;
		}
		newline = memchr(other + from + count - 1, '\n', other_size - from - count + 1);
		if (newline)
			count = (size_t)(newline - other) + 1 - from;
		while (at && data[at - 1] != '\n')
			at--;
	}
	return put(data, size, room, at,
		   one_in(m, 2)	       ? 0
		   : count < size - at ? count
				       : size - at,
		   other + from, count);
}
