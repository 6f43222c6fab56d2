/* SPDX-License-Identifier: MIT */
/*
 * Compaction, as far as the free lists are concerned: the fast scanner for free pages as targets of
 * migration (fast_isolate_freepages in mm/compaction.c, 5.1 and later).  Nothing is migrated: what was
 * taken is given back, as it is when a run ends.
 */
#ifndef ENGINE_COMPACTION_H
#define ENGINE_COMPACTION_H

#include "engine/page_alloc.h"

/*
 * On @cpu: takes what is free in the pageblock of the first movable block of @zone that is of @order or
 * less, and gives it back.  Returns the first page that was looked at, PFN_NONE when there is no such block.
 */
pfn_t compaction_fast_isolate(struct page_alloc *a, uint32_t zone, uint32_t cpu,
			      unsigned int order);

#endif
