/* SPDX-License-Identifier: MIT */
/*
 * Parting: where two machines that do their work side by side stop being in the same state.
 *
 * Two reruns are given events step by step.  A digest of each state is taken every so many events, and where
 * the two sides are seen to do something else; from the last pair that agreed the place is found by halving,
 * then event by event.  Copies of the states are kept after 2, 4, 8 ... stretches, always the last one, so
 * that going back costs at most half of what was done.
 *
 * States that part and come together again before the next digest, while every event took and gave the
 * same pages on both sides, are not noticed.
 */
#ifndef ENGINE_PARTING_H
#define ENGINE_PARTING_H

#include "engine/rerun.h"

enum { PARTING_SIDES = 2 };

/* Requests that both sides had at the same event. */
struct parting_answers {
	uint64_t compared;
	uint64_t differ; /* served with different pages, or on one side alone */
	uint64_t first; /* the first such event, counted from 0; UINT64_MAX: none */
	struct rerun_step steps[PARTING_SIDES]; /* what was done then */
};

struct parting {
	struct rerun *sides[PARTING_SIDES];
	const struct event *events[PARTING_SIDES]; /* borrowed; may be the same */
	uint64_t counts[PARTING_SIDES];
	uint64_t done; /* events of each side; what a side has more is left out */

	/* Filled in by parting_find(). */
	bool parted;
	uint64_t first; /* events done when the states are first not the same; 0: from the start */

	struct parting_answers answers; /* as far as done */

	bool out_of_memory; /* the host had none: the states are void */
};

/*
 * Starts with two reruns that have done nothing yet; they belong to @p from now on, which ends with
 * parting_deinit().  The arrays are borrowed.
 */
void parting_init(struct parting *p, struct rerun *a, const struct event *a_events,
		  uint64_t a_count, struct rerun *b, const struct event *b_events,
		  uint64_t b_count);
void parting_deinit(struct parting *p);

/*
 * Goes on until the states part, and stops right behind that event (done == first), or at the end.  The
 * digest is taken every @stretch events (at least 1).  False when the host has no memory.
 */
bool parting_find(struct parting *p, uint64_t stretch);
/* Does events until @done of them are done, or there are no more. */
void parting_go_on(struct parting *p, uint64_t done);
/* Events that can be done. */
uint64_t parting_events(const struct parting *p);

#endif
