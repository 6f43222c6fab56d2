/* SPDX-License-Identifier: MIT */
/*
 * The mutator as a library that afl-fuzz loads (AFL_CUSTOM_MUTATOR_LIBRARY).  MMREPLAY_FUZZ_TARGET names the
 * target.  AFL++'s own changes come in between unless AFL_CUSTOM_MUTATOR_ONLY is set.
 *
 * Trimming leaves out one element of one list, or one part, after the other, and keeps what goes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/mutate/mutate.h"
#include "fuzz/target.h"

/* Steps that trimming one input takes at most. */
#define TRIM_STEPS_MAX 512

struct afl_mutator {
	const struct target *target;
	struct mutator *mutator;
	struct prng prng;
	struct arena arena;
	ProtobufCAllocator allocator;
	uint8_t *out; /* what was handed out last */
	size_t out_room;
	uint8_t *trimmed; /* the input being trimmed, as it is by now */
	size_t trimmed_size, trimmed_room, candidate_size;
	size_t part; /* that is left out next */
	int32_t step, steps;
};

/* What afl-fuzz looks up. */
void *afl_custom_init(void *afl, unsigned int seed);
void afl_custom_deinit(struct afl_mutator *m);
size_t afl_custom_fuzz(struct afl_mutator *m, uint8_t *data, size_t size, uint8_t **out,
		       uint8_t *other, size_t other_size, size_t room);
int32_t afl_custom_init_trim(struct afl_mutator *m, uint8_t *data, size_t size);
size_t afl_custom_trim(struct afl_mutator *m, uint8_t **out);
int32_t afl_custom_post_trim(struct afl_mutator *m, unsigned char success);

void *afl_custom_init(void *afl, unsigned int seed)
{
	struct afl_mutator *m = calloc(1, sizeof(*m));
	const char *name = getenv("MMREPLAY_FUZZ_TARGET");
	struct error *err;

	(void)afl;
	if (!m)
		return NULL;
	m->target = target_find(name ? name : "");
	if (!m->target) {
		fprintf(stderr, "MMREPLAY_FUZZ_TARGET names no target\n");
		free(m);
		return NULL;
	}
	m->prng = prng_init(seed);
	m->arena = arena_init((size_t)512 << 20);
	m->allocator = arena_allocator(&m->arena);
	err = mutator_create(m->target->message, m->target->words, &m->mutator);
	if (err) {
		error_destroy(err);
		free(m);
		return NULL;
	}
	mutator_seed(m->mutator, prng_split(&m->prng));
	return m;
}

void afl_custom_deinit(struct afl_mutator *m)
{
	mutator_destroy(m->mutator);
	arena_deinit(&m->arena);
	free(m->out);
	free(m->trimmed);
	free(m);
}

static bool reserve(uint8_t **buffer, size_t *room, size_t size)
{
	uint8_t *bigger;

	if (size <= *room)
		return true;
	bigger = realloc(*buffer, size * 2);
	if (!bigger)
		return false;
	*buffer = bigger;
	*room = size * 2;
	return true;
}

/* A message of @data, or an empty one; NULL without memory. */
static ProtobufCMessage *unpack(struct afl_mutator *m, const uint8_t *data, size_t size)
{
	ProtobufCMessage *message =
		protobuf_c_message_unpack(m->target->message, &m->allocator, size, data);

	if (message)
		return message;
	message = arena_alloc(&m->arena, m->target->message->sizeof_message);
	if (message)
		m->target->message->message_init(message);
	return message;
}

/* 0 when it is longer than @max, or there is no memory. */
static size_t pack_out(struct afl_mutator *m, const ProtobufCMessage *message, size_t max)
{
	size_t size = protobuf_c_message_get_packed_size(message);

	if (size > max || !reserve(&m->out, &m->out_room, size + 1))
		return 0;
	return protobuf_c_message_pack(message, m->out);
}

static size_t fuzz_bytes(struct afl_mutator *m, const uint8_t *data, size_t size,
			 const uint8_t *other, size_t other_size, size_t room)
{
	uint64_t changes = 1 + prng_skewed(&m->prng, 8);

	if (!reserve(&m->out, &m->out_room, room + 1))
		return 0;
	memcpy(m->out, data, size);
	if (other_size && prng_chance(&m->prng, 1, 8))
		size = mutate_cross_bytes(m->mutator, m->out, size, room, other, other_size);
	for (uint64_t i = 0; i < changes; i++)
		size = mutate_bytes(m->mutator, m->out, size, room);
	return size;
}

size_t afl_custom_fuzz(struct afl_mutator *m, uint8_t *data, size_t size, uint8_t **out,
		       uint8_t *other, size_t other_size, size_t room)
{
	uint64_t changes = 1 + prng_skewed(&m->prng, 8);
	ProtobufCMessage *message, *from;

	if (!m->target->message) {
		size = fuzz_bytes(m, data, size < room ? size : room, other, other_size, room);
		*out = m->out;
		return size;
	}
	arena_rewind(&m->arena);
	message = unpack(m, data, size);
	if (message && other && prng_chance(&m->prng, 1, 8)) {
		from = unpack(m, other, other_size);
		if (from)
			mutate_cross(m->mutator, message, from, &m->arena);
	}
	for (uint64_t i = 0; i < changes && message; i++)
		mutate_message(m->mutator, message, &m->arena);
	size = message ? pack_out(m, message, room) : 0;
	*out = m->out;
	return size;
}

/* ---- trimming ---------------------------------------------------------------------------------- */

int32_t afl_custom_init_trim(struct afl_mutator *m, uint8_t *data, size_t size)
{
	size_t parts;

	m->step = m->steps = 0;
	m->part = 0;
	if (!m->target->message || !reserve(&m->trimmed, &m->trimmed_room, size + 1))
		return 0;
	memcpy(m->trimmed, data, size);
	m->trimmed_size = size;
	arena_rewind(&m->arena);
	parts = mutate_parts(unpack(m, data, size));
	m->steps = parts < TRIM_STEPS_MAX ? (int32_t)parts : TRIM_STEPS_MAX;
	return m->steps;
}

size_t afl_custom_trim(struct afl_mutator *m, uint8_t **out)
{
	ProtobufCMessage *message;

	arena_rewind(&m->arena);
	message = unpack(m, m->trimmed, m->trimmed_size);
	m->candidate_size = 0;
	if (message && mutate_drop_part(message, m->part))
		m->candidate_size = pack_out(m, message, m->trimmed_size);
	*out = m->out;
	return m->candidate_size;
}

int32_t afl_custom_post_trim(struct afl_mutator *m, unsigned char success)
{
	/* What goes lets the next part take its number. */
	if (success && m->candidate_size) {
		memcpy(m->trimmed, m->out, m->candidate_size);
		m->trimmed_size = m->candidate_size;
	} else {
		m->part++;
	}
	return ++m->step;
}
