/* SPDX-License-Identifier: MIT */
/*
 * rmqueue: one block from the buddy lists of a zone for a request of some migratetype: from its own
 * lists, from CMA areas, or from other types' blocks, which may become this type's by that.
 */
#ifndef ENGINE_RMQUEUE_H
#define ENGINE_RMQUEUE_H

#include "engine/page_alloc.h"

/* What the last page of a run was found by (6.15 and later skip what failed before). */
enum rmqueue_mode { RMQUEUE_NORMAL, RMQUEUE_CMA, RMQUEUE_CLAIM, RMQUEUE_STEAL };

/* __rmqueue(): PFN_NONE when the zone has nothing.  *@mode begins as RMQUEUE_NORMAL for each run. */
pfn_t rmqueue_one(struct page_alloc *a, uint32_t zone, unsigned int order, enum migratetype type,
		  uint32_t flags, enum rmqueue_mode *mode);
/* Free pages of @zone and those of its CMA areas as all CPUs see them: what CPUs keep to themselves is not in. */
void rmqueue_seen(const struct page_alloc *a, uint32_t zone, int64_t *free_ret, int64_t *cma_ret);
/* More than half of what is seen to be free lies in CMA areas: these come first for who may use them. */
static inline bool rmqueue_cma_turn(int64_t seen, int64_t seen_cma)
{
	return seen_cma > seen / 2;
}
/* rmqueue_buddy(): past the page sets. */
pfn_t rmqueue_buddy(struct page_alloc *a, uint32_t zone, unsigned int order, enum migratetype type,
		    uint32_t flags);
/*
 * reserve_highatomic_pageblock(): a request of @order got the block at @pfn; if it is one that may, its
 * pageblock is kept for such from now on, unless there are enough.
 */
void rmqueue_reserve(struct page_alloc *a, uint32_t zone, pfn_t pfn, unsigned int order,
		     uint32_t flags);
/* unreserve_highatomic_pageblock() in one zone; false: there was nothing to take. */
bool rmqueue_unreserve(struct page_alloc *a, uint32_t zone, enum migratetype type, bool force);

#endif
