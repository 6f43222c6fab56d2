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
#include "engine/pageset.h"
#include "engine/replay_parts.h"
#include "engine/rmqueue.h"

/* A fill that goes on. */
struct turns {
	int64_t free, cma;
	struct stat_diff diff;
};

static struct turns begin(const struct cma_fill *f)
{
	return (struct turns){ f->free, f->cma, f->diff };
}

static bool is_cma(const struct turns *t)
{
	return rmqueue_cma_turn(t->free - t->diff.free, t->cma - t->diff.cma);
}

static void give(const struct page_alloc *a, uint32_t zone, struct turns *t, int32_t pages,
		 bool cma)
{
	t->free -= pages;
	if (cma)
		t->cma -= pages;
	pageset_count_taken(a, zone, &t->diff, pages, 1, cma ? MIGRATE_CMA : MIGRATE_MOVABLE);
}

/* Does the fill give @done blocks in the turns of the last one, and then one from where @cma says, if it begins so? */
static bool explains(const struct page_alloc *a, uint32_t zone, const struct cma_fill *fill,
		     unsigned int done, bool cma, struct turns *t)
{
	struct turns was = begin(fill);
	int32_t pages = 1 << pageset_list_order(a, fill->index);

	for (; done; done--) {
		bool turn = is_cma(&was);

		if (is_cma(t) != turn)
			return false;
		give(a, zone, &was, pages, turn);
		give(a, zone, t, pages, turn);
	}
	return is_cma(t) == cma && is_cma(&was) != cma;
}

/* Did the last fill begin with @diff and @more free pages than are known?  Then it did. */
static bool began_with(struct replay_model *r, uint32_t zone, struct pageset *set,
		       unsigned int done, bool cma, int64_t more, struct stat_diff diff)
{
	struct page_alloc *a = &r->alloc;
	struct cma_fill fill = set->cma_fill;
	struct turns t;

	fill.diff = diff;
	fill.free += more;
	t = begin(&fill);
	if (!explains(a, zone, &set->cma_fill, done, cma, &t))
		return false;
	set->cma_fill = fill;
	set->diff = t.diff;
	a->zones[zone].drift -= more;
	return true;
}

/* Pages of which the model may not know that they are free, or that they are not: as the turns show. */
enum { UNKNOWN_MAX = 32 };
/* Most pages that a CPU has counted between a fold and a fill, of those that are looked at. */
enum { SINCE_MAX = 16 };

bool replay_turn_otherwise(struct replay_model *r, uint32_t cpu, uint32_t zone, unsigned int index,
			   unsigned int left, bool cma)
{
	struct pageset *set = page_alloc_set(&r->alloc, zone, cpu);
	const struct cma_fill fill = set->cma_fill;
	int32_t since = r->alloc.zones[zone].stat_threshold;
	bool by_page = r->alloc.rules.free_counted_by_page;
	unsigned int done = fill.blocks - left;
	struct stat_diff folded = { by_page ? 0 : fill.diff.free, 0 };

	if (!fill.turns || fill.index != index || left > fill.blocks || !left)
		return false;
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

void replay_turn_back(struct replay_model *r, uint32_t cpu, uint32_t zone, unsigned int index,
		      unsigned int left)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, cpu);
	const struct cma_fill *fill = &set->cma_fill;
	struct turns t = begin(fill);

	if (!a->rules.cma || fill->index != index || left > fill->blocks)
		return;
	for (unsigned int done = fill->blocks - left; done; done--)
		give(a, zone, &t, 1 << pageset_list_order(a, index), fill->turns && is_cma(&t));
	set->diff = t.diff;
}

bool replay_fill_in_turn(struct replay_model *r, const struct event *e,
			 const struct alloc_request *req, uint32_t zone, unsigned int index)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);
	unsigned int left = set->lists[index].count;
	bool cma = buddy_block_type(a->buddy, zone, e->pfn) == MIGRATE_CMA, found;
	struct stat_diff diff = set->diff;
	struct cma_fill fill = set->cma_fill;
	pfn_t head = pageset_head(a, set, index);
	int64_t drift = a->zones[zone].drift;

	if (!left || !fill.turns ||
	    cma == (buddy_block_type(a->buddy, zone, head) == MIGRATE_CMA) ||
	    !replay_turn_otherwise(r, e->cpu, zone, index, left, cma))
		return false;
	pageset_unrefill(a, zone, set, index, left);
	pageset_refill(a, zone, set, index, req->type, req->flags, left);
	found = pageset_head(a, set, index) == e->pfn;
	if (found) {
		pageset_pop(a, set, index);
	} else {
		pageset_unrefill(a, zone, set, index, left);
		a->zones[zone].drift = drift;
		set->cma_fill = fill;
		replay_turn_back(r, e->cpu, zone, index, left);
		pageset_refill(a, zone, set, index, req->type, req->flags, left);
		set->diff = diff;
		set->cma_fill = fill;
	}
	return found;
}
