/* SPDX-License-Identifier: MIT */
#include "traces/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)64 << 10)
#define ALIGN alignof(max_align_t)

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, room;
	alignas(max_align_t) unsigned char data[];
};

struct arena arena_init(size_t bytes_max)
{
	return (struct arena){ .bytes_max = bytes_max };
}

void arena_reset(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *next = arena->chunks->next;

		free(arena->chunks);
		arena->chunks = next;
	}
	arena->taken_bytes = 0;
}

void arena_deinit(struct arena *arena)
{
	arena_reset(arena);
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	struct arena_chunk *chunk = arena->chunks;
	void *data;

	if (bytes > arena->bytes_max)
		return NULL;
	bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
	if (!chunk || chunk->room - chunk->used < bytes) {
		size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;

		if (room > arena->bytes_max - arena->taken_bytes)
			room = bytes;
		if (room > arena->bytes_max - arena->taken_bytes)
			return NULL;
		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		chunk->used = 0;
		chunk->room = room;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
		arena->taken_bytes += room;
	}
	data = chunk->data + chunk->used;
	chunk->used += bytes;
	return data;
}

void *arena_array(struct arena *arena, size_t count, size_t element_bytes)
{
	void *array;

	if (element_bytes && count > SIZE_MAX / element_bytes)
		return NULL;
	array = arena_alloc(arena, count * element_bytes);
	if (array)
		memset(array, 0, count * element_bytes);
	return array;
}

static void *allocate(void *ctx, size_t bytes)
{
	return arena_alloc(ctx, bytes);
}

static void keep(void *ctx, void *data)
{
	(void)ctx;
	(void)data;
}

ProtobufCAllocator arena_allocator(struct arena *arena)
{
	return (ProtobufCAllocator){ allocate, keep, arena };
}
