/* SPDX-License-Identifier: MIT */
#include "traces/own_pages.h"

#include <stdlib.h>

#include "engine/buddy.h"

/* Looking for unnamed blocks takes as many steps as there are events, for each. */
#define EVENTS_MAX 8192

static bool names_pages(const struct event *e)
{
	return e->pfn != PFN_NONE && e->kind < EVENT_MARKER;
}

/* Does another event than number @except name a page of the block?  It ends before *@next_ret then. */
static bool is_named(const struct event *events, uint32_t count, uint32_t except, pfn_t pfn,
		     unsigned int order, pfn_t *next_ret)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct event *e = &events[i];
		pfn_t end = e->pfn + (1ULL << e->order);

		if (i == except || !names_pages(e) || e->pfn >= pfn + (1ULL << order) || end <= pfn)
			continue;
		*next_ret = end;
		return true;
	}
	return false;
}

/* The first block of the machine, of the order of event @at, that no other event names; PFN_NONE: none. */
static pfn_t find_unnamed(const struct buddy *b, const struct event *events, uint32_t count,
			  uint32_t at)
{
	const uint64_t pages = 1ULL << events[at].order;

	for (uint32_t i = 0; i < b->memory_count; i++) {
		pfn_t pfn = (b->memory[i].start + pages - 1) & ~(pages - 1), next = 0;

		while (pfn + pages <= b->memory[i].end) {
			if (!is_named(events, count, at, pfn, events[at].order, &next))
				return pfn;
			pfn = (next + pages - 1) & ~(pages - 1);
		}
	}
	return PFN_NONE;
}

/* Can the machine have recorded the block of event @at for a request that it does not serve itself? */
static bool fits(const struct buddy *b, const struct event *events, uint32_t count, uint32_t at)
{
	const struct event *e = &events[at];
	const struct node_range *range = buddy_memory_at(b, e->pfn);
	pfn_t next;

	return range && e->pfn + (1ULL << e->order) <= range->end &&
	       !is_named(events, count, at, e->pfn, e->order, &next);
}

/* Events that the machine gave no page for. */
static void name_unserved(const struct buddy *b, const bool *unserved, struct event *events,
			  uint32_t count)
{
	for (uint32_t i = 0; i < count && count <= EVENTS_MAX; i++) {
		pfn_t pfn;

		if (!unserved[i] || fits(b, events, count, i))
			continue;
		pfn = find_unnamed(b, events, count, i);
		if (pfn != PFN_NONE)
			events[i].pfn = pfn;
	}
}

struct error *own_pages(struct trial *trial, const struct subject *s, struct event *events)
{
	const char *reason;
	struct error *err = trial_boot(trial, s, TRIAL_LISTS, &reason);
	bool *unserved;
	struct rerun *r;

	if (err || reason)
		return err;
	r = trial_rerun(trial, s);
	unserved = calloc(s->event_count + 1U, sizeof(*unserved));
	if (!r || !unserved) {
		free(unserved);
		return error_no_memory();
	}
	for (uint32_t i = 0; i < s->event_count; i++) {
		const struct event e = s->events[i];
		const struct rerun_step *step;

		if (!trial_allows(trial, &e))
			continue;
		rerun_event(r, &e);
		step = rerun_last(r);
		if (step->did == RERUN_NOTHING)
			continue;
		unserved[i] = step->did == RERUN_ALLOC && step->pfn == PFN_NONE;
		if (step->pfn != PFN_NONE)
			events[i].pfn = step->pfn;
	}
	if (rerun_out_of_memory(r))
		err = error_no_memory();
	else
		name_unserved(trial_machine(trial)->buddy, unserved, events, s->event_count);
	free(unserved);
	return err;
}
