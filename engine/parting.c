/* SPDX-License-Identifier: MIT */
#include "engine/parting.h"

#include <string.h>

/* Below this many events, event by event is as quick as halving, and sees more. */
#define EVENT_BY_EVENT 16
/* Digests taken in a stretch because the two sides did something else there. */
#define EXTRA_DIGESTS 16

/* Both states at one moment, and what was counted until then. */
struct moment {
	struct rerun *sides[PARTING_SIDES];
	uint64_t done;
	struct parting_answers answers;
};

void parting_init(struct parting *p, struct rerun *a, const struct event *a_events,
		  uint64_t a_count, struct rerun *b, const struct event *b_events, uint64_t b_count)
{
	memset(p, 0, sizeof(*p));
	p->sides[0] = a;
	p->sides[1] = b;
	p->events[0] = a_events;
	p->events[1] = b_events;
	p->counts[0] = a_count;
	p->counts[1] = b_count;
	p->answers.first = UINT64_MAX;
}

void parting_deinit(struct parting *p)
{
	for (unsigned int s = 0; s < PARTING_SIDES; s++) {
		rerun_destroy(p->sides[s]);
		p->sides[s] = NULL;
	}
}

uint64_t parting_events(const struct parting *p)
{
	return p->counts[0] < p->counts[1] ? p->counts[0] : p->counts[1];
}

/* A side that is gone cannot be asked any more. */
static void note_memory(struct parting *p)
{
	for (unsigned int s = 0; s < PARTING_SIDES; s++)
		p->out_of_memory |= rerun_out_of_memory(p->sides[s]);
}

static bool same_state(const struct parting *p)
{
	return rerun_hash(p->sides[0]) == rerun_hash(p->sides[1]);
}

/* One event of each side.  Was the same done to lists and pages, as far as can be seen at once? */
static inline bool step(struct parting *p)
{
	const struct rerun_step *a, *b;

	for (unsigned int s = 0; s < PARTING_SIDES; s++)
		rerun_event(p->sides[s], &p->events[s][p->done]);
	a = rerun_last(p->sides[0]);
	b = rerun_last(p->sides[1]);
	if (a->did == RERUN_ALLOC && b->did == RERUN_ALLOC) {
		p->answers.compared++;
		if (a->pfn != b->pfn && !p->answers.differ++) {
			p->answers.first = p->done;
			p->answers.steps[0] = *a;
			p->answers.steps[1] = *b;
		}
	}
	p->done++;
	return a->did == b->did && a->pfn == b->pfn && a->moves == b->moves;
}

void parting_go_on(struct parting *p, uint64_t done)
{
	uint64_t end = parting_events(p);

	end = done < end ? done : end;
	while (p->done < end)
		step(p);
}

/* ---- moments ----------------------------------------------------------------------------------- */

static void forget(struct moment *m)
{
	for (unsigned int s = 0; s < PARTING_SIDES; s++) {
		rerun_destroy(m->sides[s]);
		m->sides[s] = NULL;
	}
}

static bool keep(const struct parting *p, struct moment *m)
{
	forget(m);
	m->done = p->done;
	m->answers = p->answers;
	for (unsigned int s = 0; s < PARTING_SIDES; s++)
		m->sides[s] = rerun_clone(p->sides[s]);
	if (m->sides[0] && m->sides[1])
		return true;
	forget(m);
	return false;
}

/* Goes back to @m, which is empty afterwards. */
static void go_back(struct parting *p, struct moment *m)
{
	note_memory(p);
	parting_deinit(p);
	memcpy(p->sides, m->sides, sizeof(p->sides));
	memset(m->sides, 0, sizeof(m->sides));
	p->done = m->done;
	p->answers = m->answers;
}

/*
 * @good was the same state; the one at @same, not before it, was too, and the one at @bad is not.  Ends at
 * the first of which that is true.
 */
static bool narrow(struct parting *p, struct moment *good, uint64_t same, uint64_t bad)
{
	go_back(p, good);
	parting_go_on(p, same);
	while (bad - p->done > EVENT_BY_EVENT) {
		uint64_t middle = p->done + (bad - p->done) / 2;

		if (!keep(p, good))
			return false;
		parting_go_on(p, middle);
		if (same_state(p)) {
			forget(good);
			continue;
		}
		bad = middle;
		go_back(p, good);
	}
	while (p->done < bad) {
		step(p);
		if (!same_state(p))
			break;
	}
	p->first = p->done;
	return true;
}

/* Up to @until, or to where the states differ, which is told. */
static bool go_along(struct parting *p, uint64_t until, uint64_t *same)
{
	unsigned int extra = 0;

	while (p->done < until) {
		bool alike = step(p);

		if (p->done < until && (alike || extra++ >= EXTRA_DIGESTS))
			continue;
		if (!same_state(p))
			return true;
		*same = p->done;
	}
	return false;
}

bool parting_find(struct parting *p, uint64_t stretch)
{
	uint64_t end = parting_events(p), same = p->done, next_kept;
	struct moment good = { 0 };
	bool ok;

	stretch += !stretch;
	next_kept = 2 * stretch;
	p->parted = !same_state(p);
	p->first = p->done;
	if (p->parted)
		return true;
	ok = keep(p, &good);
	while (ok && p->done < end) {
		uint64_t until = end - p->done > stretch ? p->done + stretch : end;

		p->parted = go_along(p, until, &same);
		if (p->parted) {
			ok = narrow(p, &good, same, p->done);
			break;
		}
		if (p->done < next_kept)
			continue;
		ok = keep(p, &good);
		next_kept = 2 * p->done;
	}
	forget(&good);
	note_memory(p);
	return ok && !p->out_of_memory;
}
