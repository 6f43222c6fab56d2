/* SPDX-License-Identifier: MIT */
#include "traces/column.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What a patch costs beside its bytes, in bytes: its place, and the time to apply it. */
#define PATCH_COST 4

static unsigned int bytes_of(uint64_t value)
{
	unsigned int n = 0;

	for (; value; value >>= 8)
		n++;
	return n;
}

/* As many planes as make the column smallest. */
static unsigned int best_bytes(const uint64_t *values, size_t count)
{
	size_t of_bytes[9] = { 0 }, best_cost = SIZE_MAX;
	unsigned int best = 0;

	for (size_t i = 0; i < count; i++)
		of_bytes[bytes_of(values[i])]++;
	for (unsigned int bytes = 0; bytes <= 8; bytes++) {
		size_t cost = count * bytes;

		for (unsigned int b = bytes + 1; b <= 8; b++)
			cost += of_bytes[b] * (b - bytes + PATCH_COST);
		if (cost < best_cost) {
			best_cost = cost;
			best = bytes;
		}
	}
	return best;
}

static uint64_t beyond(uint64_t value, unsigned int bytes)
{
	return bytes < 8 ? value >> 8 * bytes : 0;
}

static bool make_room(struct column_room *room, size_t planes, size_t patches)
{
	if (planes > room->planes_room) {
		uint8_t *grown = realloc(room->planes, planes);

		if (!grown)
			return false;
		room->planes = grown;
		room->planes_room = planes;
	}
	if (patches > room->patches_room) {
		uint32_t *at = realloc(room->at, patches * sizeof(*at));
		uint64_t *more;

		if (!at)
			return false;
		room->at = at;
		more = realloc(room->more, patches * sizeof(*more));
		if (!more)
			return false;
		room->more = more;
		room->patches_room = patches;
	}
	return true;
}

struct error *column_pack(const uint64_t *values, size_t count, struct column_room *room,
			  Mmtrace__Column *ret)
{
	unsigned int bytes = best_bytes(values, count);
	size_t patches = 0, last = 0;

	for (size_t i = 0; i < count; i++)
		patches += beyond(values[i], bytes) != 0;
	if (!make_room(room, count * bytes, patches))
		return error_no_memory();
	for (unsigned int b = 0; b < bytes; b++)
		for (size_t i = 0; i < count; i++)
			room->planes[b * count + i] = (uint8_t)(values[i] >> 8 * b);
	patches = 0;
	for (size_t i = 0; i < count; i++) {
		if (!beyond(values[i], bytes))
			continue;
		room->at[patches] = (uint32_t)(i - last);
		room->more[patches++] = beyond(values[i], bytes);
		last = i + 1;
	}
	*ret = (Mmtrace__Column)MMTRACE__COLUMN__INIT;
	ret->has_bytes = bytes != 0;
	ret->bytes = bytes;
	ret->has_planes = bytes != 0;
	ret->planes = (ProtobufCBinaryData){ count * bytes, room->planes };
	ret->n_at = ret->n_more = patches;
	ret->at = room->at;
	ret->more = room->more;
	return NULL;
}

void column_room_deinit(struct column_room *room)
{
	free(room->planes);
	free(room->at);
	free(room->more);
	*room = (struct column_room){ 0 };
}

/* ---- reading ---- */

static struct error *check_patches(const Mmtrace__Column *column, size_t count)
{
	size_t next = 0;

	if (column->n_at != column->n_more || (column->n_at && column->bytes == 8))
		return error_create(ERROR_CORRUPT, NULL, 0, 0,
				    "a column has patches that belong to no value");
	for (size_t i = 0; i < column->n_at; i++) {
		if (column->at[i] >= count - next)
			return error_create(ERROR_CORRUPT, NULL, 0, 0,
					    "a column of %zu values has patches beyond its end",
					    count);
		next += (size_t)column->at[i] + 1;
	}
	return NULL;
}

struct error *column_read_begin(const Mmtrace__Column *column, size_t count,
				struct column_reader *ret)
{
	struct error *err;

	if (column->bytes > 8 || column->planes.len != column->bytes * count)
		return error_create(ERROR_CORRUPT, NULL, 0, 0,
				    "a column has %zu bytes in %u planes for %zu values",
				    column->planes.len, column->bytes, count);
	err = check_patches(column, count);
	if (err)
		return err;
	*ret = (struct column_reader){
		.planes = column->planes.data,
		.at = column->at,
		.more = column->more,
		.count = count,
		.bytes = column->bytes,
		.patch_at = column->n_at ? column->at[0] : SIZE_MAX,
		.patch_count = column->n_at,
	};
	return NULL;
}

static void read_planes(const struct column_reader *r, size_t count, uint64_t *ret)
{
	const uint8_t *low, *high;

	if (!r->bytes) {
		memset(ret, 0, count * sizeof(*ret));
		return;
	}
	low = r->planes + r->next;
	if (r->bytes == 1) {
		for (size_t i = 0; i < count; i++)
			ret[i] = low[i];
		return;
	}
	high = low + r->count;
	for (size_t i = 0; i < count; i++)
		ret[i] = low[i] | (uint64_t)high[i] << 8;
	for (unsigned int b = 2; b < r->bytes; b++) {
		const uint8_t *plane = low + b * r->count;

		for (size_t i = 0; i < count; i++)
			ret[i] |= (uint64_t)plane[i] << 8 * b;
	}
}

void column_read(struct column_reader *r, size_t count, uint64_t *ret)
{
	assert(count <= r->count - r->next);
	if (count)
		read_planes(r, count, ret);
	while (r->patch_at < r->next + count) {
		ret[r->patch_at - r->next] += r->more[r->patch++] << 8 * r->bytes;
		if (r->patch < r->patch_count)
			r->patch_at += (size_t)r->at[r->patch] + 1;
		else
			r->patch_at = SIZE_MAX;
	}
	r->next += count;
}

uint64_t column_max(const struct column_reader *r)
{
	struct column_reader rest = *r;
	uint64_t values[1024], max = 0;

	if (r->bytes == 1 && r->patch == r->patch_count) {
		uint8_t most = 0;

		for (size_t i = r->next; i < r->count; i++)
			most = r->planes[i] > most ? r->planes[i] : most;
		return most;
	}
	while (rest.next < rest.count) {
		size_t left = rest.count - rest.next, count = left < 1024 ? left : 1024;

		column_read(&rest, count, values);
		for (size_t i = 0; i < count; i++)
			max = values[i] > max ? values[i] : max;
	}
	return max;
}
