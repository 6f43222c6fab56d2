/* SPDX-License-Identifier: MIT */
#include "traces/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Chunks double up to the larger one: most messages are small. */
#define FIRST_CHUNK_BYTES ((size_t)4 << 10)
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

static void free_chunks(struct arena_chunk *chunk)
{
	while (chunk) {
		struct arena_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
}

void arena_reset(struct arena *arena)
{
	free_chunks(arena->chunks);
	free_chunks(arena->spare);
	arena->chunks = arena->spare = NULL;
	arena->taken_bytes = arena->spare_bytes = 0;
	arena->out_of_memory = false;
}

void arena_rewind(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		chunk->used = 0;
		chunk->next = arena->spare;
		arena->spare = chunk;
		arena->spare_bytes += chunk->room;
	}
}

/* A chunk of before with @bytes of room, or NULL. */
static struct arena_chunk *take_spare(struct arena *arena, size_t bytes)
{
	struct arena_chunk **at = &arena->spare, *chunk;

	while (*at && (*at)->room < bytes)
		at = &(*at)->next;
	chunk = *at;
	if (chunk) {
		*at = chunk->next;
		arena->spare_bytes -= chunk->room;
	}
	return chunk;
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
		chunk = take_spare(arena, bytes);
		if (chunk) {
			chunk->next = arena->chunks;
			arena->chunks = chunk;
		}
	}
	if (!chunk) {
		size_t room = arena->taken_bytes;

		if (room < FIRST_CHUNK_BYTES)
			room = FIRST_CHUNK_BYTES;
		if (room > CHUNK_BYTES)
			room = CHUNK_BYTES;
		if (room < bytes)
			room = bytes;

		/* What lies idle does not count against the limit. */
		if (room > arena->bytes_max - arena->taken_bytes && arena->spare) {
			free_chunks(arena->spare);
			arena->taken_bytes -= arena->spare_bytes;
			arena->spare = NULL;
			arena->spare_bytes = 0;
		}
		if (room > arena->bytes_max - arena->taken_bytes)
			room = bytes;
		if (room > arena->bytes_max - arena->taken_bytes)
			return NULL;
		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk) {
			arena->out_of_memory = true;
			return NULL;
		}
		chunk->used = 0;
		chunk->room = room;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
		arena->taken_bytes += room;
	}
	data = chunk->data + chunk->used;
	chunk->used += bytes;
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
	/* protobuf-c, which fills it, is not built to tell that it does. */
	memset(data, 0, bytes);
#endif
#endif
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
