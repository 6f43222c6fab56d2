/* SPDX-License-Identifier: MIT */
/*
 * Column: numbers packed so that zstd finds much to pack and a reader little to do.
 *
 * The low bytes of all values lie in planes: first all lowest bytes, then all second ones, as many planes
 * as pay.  What a few large values have beyond them stands in a list of its own, as patches on top:
 *
 *	values	3  7  0x1234  0  5		bytes 1
 *	planes	3  7  0x34    0  5
 *	at, more	      2, 0x12		value 2 gets 0x12 << 8 more
 *
 * So the loop over the values has no branch, and a column of zeros costs nothing.
 */
#ifndef TRACES_COLUMN_H
#define TRACES_COLUMN_H

#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "traces/record.pb-c.h"

/* Signed differences as small numbers: 0, -1, 1, -2 ... are 0, 1, 2, 3 ... */
static inline uint64_t column_fold(uint64_t difference)
{
	return difference << 1 ^ (difference >> 63 ? UINT64_MAX : 0);
}

static inline uint64_t column_unfold(uint64_t folded)
{
	return folded >> 1 ^ (0 - (folded & 1));
}

/* ---- writing ---- */

/* Memory for a packed column; starts zeroed, is used again and again. */
struct column_room {
	uint8_t *planes;
	uint32_t *at;
	uint64_t *more;
	size_t planes_room, patches_room;
};

/* Packs @values into @ret, which borrows @room.  ERROR_NO_MEMORY alone. */
struct error *column_pack(const uint64_t *values, size_t count, struct column_room *room,
			  Mmtrace__Column *ret);
void column_room_deinit(struct column_room *room);

/* ---- reading ---- */

struct column_reader {
	const uint8_t *planes;
	const uint32_t *at;
	const uint64_t *more;
	size_t count; /* of values */
	size_t next; /* value that is read next */
	size_t patch, patch_at, patch_count; /* the next patch, and its value */
	unsigned int bytes;
};

/* Begins with the first of @count values of @column, which is borrowed.  ERROR_CORRUPT: it has not as many. */
struct error *column_read_begin(const Mmtrace__Column *column, size_t count,
				struct column_reader *ret);
/* The next @count values, which are there. */
void column_read(struct column_reader *r, size_t count, uint64_t *ret);
/* The largest of the values that @r has left; 0 if there is none. */
uint64_t column_max(const struct column_reader *r);
#endif
