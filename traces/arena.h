/* SPDX-License-Identifier: MIT */
/*
 * Arena: memory for the messages of one block, given back all at once, never more than a limit.
 *
 * It is also an allocator for protobuf-c, which takes memory as a message asks for it: the limit is
 * what keeps a small hostile message from asking for all there is.
 */
#ifndef TRACES_ARENA_H
#define TRACES_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	struct arena_chunk *spare; /* of before arena_rewind(), empty */
	size_t taken_bytes; /* since the last reset, with what the chunks cost, spare ones too */
	size_t spare_bytes;
	size_t bytes_max;
	bool out_of_memory; /* the host had none, which is not the limit; since the last reset */
};

struct arena arena_init(size_t bytes_max);
void arena_deinit(struct arena *arena);
/* Gives everything back; what was allocated is void. */
void arena_reset(struct arena *arena);
/* The same, but memory stays here for what is allocated next, for those who do this very often. */
void arena_rewind(struct arena *arena);

/* @bytes, aligned for any type; NULL without memory or beyond the limit. */
void *arena_alloc(struct arena *arena, size_t bytes);
/* The same for an array, zeroed. */
void *arena_array(struct arena *arena, size_t count, size_t element_bytes);

/* An allocator that takes from @arena, which is borrowed, and frees nothing by itself. */
ProtobufCAllocator arena_allocator(struct arena *arena);

#endif
