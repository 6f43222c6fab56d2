/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is, CMA areas' or the others'.  The kernel compares counters of which each CPU keeps some pages to
 * itself.  About once a second the statistics worker folds them, of which nothing tells but the turns behind it:
 *
 *	a CPU's count	0 1 2 3 4 5 6 0 1 2 3 | 0 1 2 3 4 5 6 0
 *	turns		. . . . . . . c c c c   c c c . . . . .
 *
 * A fill that takes turns begins with one of few counts, and its first blocks mostly leave but one.
 */
#include <stdlib.h>

#include "engine/cma_turns.h"
#include "engine/replay_parts.h"

/* Does the fill give @done blocks in the turns of the last one, and then one from where @cma says, if it begins so? */
static bool explains(const struct page_alloc *a, uint32_t zone, const struct cma_fill *fill,
		     unsigned int done, bool cma, struct cma_turns *t)
{
	struct cma_turns was = cma_turns_begin(fill);
	int32_t pages = 1 << pageset_list_order(a, fill->index);

	for (; done; done--) {
		bool turn = cma_turns_next(&was);

		if (cma_turns_next(t) != turn)
			return false;
		cma_turns_give(a, zone, &was, pages, turn);
		cma_turns_give(a, zone, t, pages, turn);
	}
	return cma_turns_next(t) == cma && cma_turns_next(&was) != cma;
}

/* Did the last fill begin with @diff and @more free pages than are known?  Then it did. */
static bool began_with(struct replay_model *r, uint32_t zone, struct pageset *set,
		       unsigned int done, bool cma, int64_t more, struct stat_diff diff)
{
	struct page_alloc *a = &r->alloc;
	struct cma_fill fill = set->cma_fill;
	struct cma_turns t;

	fill.diff = diff;
	fill.free += more;
	t = cma_turns_begin(&fill);
	if (!explains(a, zone, &set->cma_fill, done, cma, &t))
		return false;
	set->cma_fill = fill;
	set->diff = t.diff;
	a->zones[zone].seen_more += more;
	return true;
}

/* Pages of which the model may not know that they are free, or that they are not: as the turns show. */
enum { UNKNOWN_MAX = 32 };
/* Most pages that a CPU has counted between a fold and a fill, of those that are looked at. */
enum { SINCE_MAX = 16 };

bool replay_turn_otherwise(struct replay_model *r, uint32_t cpu, uint32_t zone, unsigned int index,
			   unsigned int done, bool cma)
{
	struct pageset *set = page_alloc_set(&r->alloc, zone, cpu);
	const struct cma_fill fill = set->cma_fill;
	int32_t since = r->alloc.zones[zone].stat_threshold;
	bool by_page = r->alloc.rules.free_counted_by_page;
	struct stat_diff folded = { 0, 0 };

	if (!fill.turns || fill.index != index || done > fill.blocks)
		return false;
	/* In the midst of a fill that is counted at its end. */
	if (!by_page && fill.diff.free < -since)
		folded.free = fill.diff.free;
	/* Folded just before it, or some pages earlier; or else more is free than is known, or less. */
	if (began_with(r, zone, set, done, cma, 0, folded))
		return true;
	if (since > SINCE_MAX)
		since = SINCE_MAX;
	for (int32_t most = 1; by_page && most <= since; most++)
		for (int32_t all = 0; all <= most; all++)
			for (int32_t part = 0; part <= most; part++)
				if ((all == most || part == most) &&
				    began_with(r, zone, set, done, cma, 0,
					       (struct stat_diff){ -all, -part }))
					return true;
	for (int64_t more = 1; more <= UNKNOWN_MAX; more++) {
		if (began_with(r, zone, set, done, cma, cma ? -more : more, fill.diff) ||
		    began_with(r, zone, set, done, cma, cma ? -more : more, folded))
			return true;
	}
	return false;
}

bool replay_fill_in_turn(struct replay_model *r, const struct event *e,
			 const struct alloc_request *req, uint32_t zone, unsigned int index)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);
	unsigned int left = set->lists[index].count, count = 0;
	struct stat_diff diff = set->diff;
	struct cma_fill fill = set->cma_fill;
	int64_t more = a->zones[zone].seen_more;
	bool cma = replay_in_cma(r, zone, e->pfn), found;
	uint32_t cursor = BUDDY_LIST_START;
	pfn_t *kept;

	if (!left || left > fill.blocks ||
	    cma == replay_in_cma(r, zone, pageset_head(a, set, index)) ||
	    !replay_turn_otherwise(r, e->cpu, zone, index, fill.blocks - left, cma))
		return false;
	kept = malloc(left * sizeof(*kept));
	while (kept && pageset_next(a, set, index, &cursor, &kept[count]))
		count++;
	a->out_of_memory |= !kept;
	pageset_unrefill(a, zone, set, index, left);
	pageset_refill(a, zone, set, index, req->type, req->flags, left);
	found = pageset_head(a, set, index) == e->pfn;
	if (found)
		pageset_pop(a, set, index);
	for (unsigned int i = 0; !found && i < count; i++) {
		if (!i)
			pageset_unrefill(a, zone, set, index, set->lists[index].count);
		replay_take_out(r, e->cpu, zone, kept[i], req->order);
		pageset_insert(a, zone, set, index, kept[i], true);
	}
	if (!found) {
		set->diff = diff;
		set->cma_fill = fill;
		a->zones[zone].seen_more = more;
	}
	free(kept);
	return found;
}
