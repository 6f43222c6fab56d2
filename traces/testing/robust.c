/* SPDX-License-Identifier: MIT */
#include "traces/testing/robust.h"

#include <stdlib.h>
#include <string.h>

#include "engine/prng.h"

#define CHANGES_MAX 6
#define PIECE_BYTES_MAX 64

static void read_copy(robust_reader reader, const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	if (len)
		memcpy(copy, data, len);
	reader(copy, len);
	free(copy);
}

void robust_truncate(robust_reader reader, const void *sample, size_t len)
{
	for (size_t i = 0; i <= len; i++)
		read_copy(reader, sample, i);
}

/* Changes @data of @len bytes with room for PIECE_BYTES_MAX more; returns the new length. */
static size_t change(struct prng *prng, uint8_t *data, size_t len)
{
	static const char likely[] = "\0\n\t 0123456789-:,()*=>kB";
	size_t at = (size_t)prng_below(prng, len);
	size_t piece = (size_t)prng_between(prng, 1, PIECE_BYTES_MAX);

	if (piece > len - at)
		piece = len - at;
	switch (prng_below(prng, 6)) {
	case 0:
		data[at] ^= (uint8_t)(1u << prng_below(prng, 8));
		return len;
	case 1:
		data[at] = (uint8_t)prng_next(prng);
		return len;
	case 2:
		data[at] = (uint8_t)likely[prng_below(prng, sizeof(likely) - 1)];
		return len;
	case 3: /* a number that does not fit */
		memset(data + at, data[at] >= '0' && data[at] <= '9' ? '9' : 0xff, piece);
		return len;
	case 4: /* something is missing */
		memmove(data + at, data + at + piece, len - at - piece);
		return len - piece;
	default: /* something comes twice */
		memmove(data + at + piece, data + at, len - at);
		return len + piece;
	}
}

void robust_damage(robust_reader reader, const void *sample, size_t len, uint64_t seed,
		   unsigned int rounds)
{
	struct prng prng = prng_init(seed);
	uint8_t *data = malloc(len + (size_t)CHANGES_MAX * PIECE_BYTES_MAX);

	if (!data)
		abort();
	for (unsigned int i = 0; i < rounds; i++) {
		size_t now = len;

		memcpy(data, sample, len);
		for (uint64_t n = prng_between(&prng, 1, CHANGES_MAX); n && now; n--)
			now = change(&prng, data, now);
		read_copy(reader, data, now);
	}
	free(data);
}
