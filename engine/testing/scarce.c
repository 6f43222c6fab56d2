/* SPDX-License-Identifier: MIT */
#include "engine/testing/scarce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* What the linker calls the functions of the host, and ours in their place. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

enum { PLACES_MAX = 1024 };

static struct {
	bool counting;
	uint64_t asked; /* requests so far */
	uint64_t refuse; /* number of the request, from 1; 0: none */
	bool and_later;
	bool refused;

	/* Of the run that counts: the place of each request, and requests by place. */
	const void *places[PLACES_MAX];
	uint64_t requests[PLACES_MAX];
	unsigned int place_count;
	uint16_t *place_of;
	size_t room;
} state;

static unsigned int place_at(const void *caller)
{
	unsigned int i = 0;

	while (i < state.place_count && state.places[i] != caller)
		i++;
	if (i == state.place_count) {
		assert_true(state.place_count < PLACES_MAX);
		state.places[state.place_count++] = caller;
	}
	return i;
}

static bool is_refused(const void *caller)
{
	state.asked++;
	if (state.counting) {
		unsigned int place = place_at(caller);

		if (state.asked > state.room) {
			state.room = state.room ? state.room * 2 : 1024;
			state.place_of = __real_realloc(state.place_of,
							state.room * sizeof(*state.place_of));
			assert_non_null(state.place_of);
		}
		state.place_of[state.asked - 1] = (uint16_t)place;
		state.requests[place]++;
		return false;
	}
	if (!state.refuse || state.asked < state.refuse ||
	    (state.asked > state.refuse && !state.and_later))
		return false;
	state.refused = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return is_refused(__builtin_return_address(0)) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return is_refused(__builtin_return_address(0)) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return is_refused(__builtin_return_address(0)) ? NULL : __real_realloc(old, size);
}

static void run_short(scarce_job job, void *ctx, uint64_t number, bool and_later)
{
	state.asked = 0;
	state.refuse = number;
	state.and_later = and_later;
	state.refused = false;
	job(ctx);
	state.refuse = 0;
	assert_true(state.refused);
}

unsigned int scarce_try(scarce_job job, void *ctx)
{
	uint64_t seen[PLACES_MAX] = { 0 };
	unsigned int refused = 0;
	uint64_t count;

	state.place_count = 0;
	for (unsigned int i = 0; i < PLACES_MAX; i++)
		state.requests[i] = 0;
	state.asked = 0;
	state.counting = true;
	assert_true(job(ctx));
	state.counting = false;
	count = state.asked;
	for (uint64_t number = 1; number <= count; number++) {
		unsigned int place = state.place_of[number - 1];
		uint64_t nth = ++seen[place];

		if (nth != 2 && (nth & (nth - 1) || nth & 0xaaaaaaaaaaaaaaaa) &&
		    nth != state.requests[place])
			continue;
		run_short(job, ctx, number, false);
		run_short(job, ctx, number, true);
		refused += 2;
	}
	free(state.place_of);
	state.place_of = NULL;
	state.room = 0;
	return refused;
}
