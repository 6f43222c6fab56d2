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
/* rmqueue_buddy(): past the page sets. */
pfn_t rmqueue_buddy(struct page_alloc *a, uint32_t zone, unsigned int order, enum migratetype type,
		    uint32_t flags);

#endif
