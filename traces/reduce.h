/* SPDX-License-Identifier: MIT */
/*
 * Reduce: the smallest subject for which a predicate still holds.
 *
 * Kind by kind (cut.def) what does not matter is left out by minimise.h; then values are made small: orders
 * go down, ranges end at round places, what labels an event is wiped.  All of it goes on until a whole round
 * changed nothing.  The result is 1-minimal: leaving out any single part of any kind was tried on it.
 *
 * What is left must fail for the same reason as far as the predicate tells reasons apart
 * (judgement.fingerprint), and must not fail at all on the good end, where there is one.
 */
#ifndef TRACES_REDUCE_H
#define TRACES_REDUCE_H

#include "traces/cut.h"
#include "traces/minimise.h"
#include "traces/predicate.h"

struct reduce_progress {
	const char *doing; /* "events", "values" ... */
	uint32_t events, operations; /* left */
	uint32_t parts; /* left, of the kind at hand */
	uint64_t tests;
};

struct reduce_options {
	const char *predicate;
	/* The good end: a machine with these facts, on which the predicate must not hold; NULL: none. */
	const struct facts *good;
	/* Before every test; false ends the search.  May be NULL. */
	bool (*go_on)(void *ctx, const struct reduce_progress *p);
	/*
	 * The best so far, which is smaller than the last that was given; borrowed for the call.  An error ends
	 * the search and is returned.  May be NULL.
	 */
	struct error *(*better)(void *ctx, const struct subject *best);
	void *ctx;
};

struct reduced {
	struct subject subject; /* borrows from what was reduced, and from here */
	struct judgement judgement; /* of it */
	uint64_t tests;
	bool proven; /* 1-minimal; otherwise it was ended before */
	uint32_t before[CUT_COUNT], after[CUT_COUNT]; /* parts by kind */
	/* Private. */
	struct cutter cutter;
	void *values[8][2];
	unsigned int values_next[8];
};

/*
 * Reduces @s into @ret (zeroed; ends with reduced_deinit() in any case).  Both ends are looked at first:
 * ERROR_RANGE when the predicate does not hold for @s, cannot be told, holds whatever the subject is, or
 * holds on the good end too.
 */
struct error *reduce(const struct subject *s, const struct reduce_options *options,
		     struct reduced *ret);
void reduced_deinit(struct reduced *r);

#endif
