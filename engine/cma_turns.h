/* SPDX-License-Identifier: MIT */
/*
 * Turns between CMA areas and the rest in one fill of a per-CPU list: from how it began, whose turn each of its blocks
 * is, as far as neither runs out.
 */
#ifndef ENGINE_CMA_TURNS_H
#define ENGINE_CMA_TURNS_H

#include "engine/pageset.h"
#include "engine/rmqueue.h"

/* A fill that goes on. */
struct cma_turns {
	int64_t free, cma; /* pages of the zone, as in struct cma_fill */
	struct stat_diff diff;
	bool turns; /* false: nothing is from CMA areas */
};

static inline struct cma_turns cma_turns_begin(const struct cma_fill *f)
{
	return (struct cma_turns){ f->free, f->cma, f->diff, f->turns };
}

/* Is the next block from a CMA area? */
static inline bool cma_turns_next(const struct cma_turns *t)
{
	return t->turns && rmqueue_cma_turn(t->free - t->diff.free, t->cma - t->diff.cma);
}

/* It was, if @cma, and of @pages. */
static inline void cma_turns_give(const struct page_alloc *a, uint32_t zone, struct cma_turns *t,
				  int32_t pages, bool cma)
{
	t->free -= pages;
	if (cma)
		t->cma -= pages;
	pageset_count_taken(a, zone, &t->diff, pages, 1, cma ? MIGRATE_CMA : MIGRATE_MOVABLE);
}

#endif
