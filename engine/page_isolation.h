/* SPDX-License-Identifier: MIT */
/*
 * Page isolation: pageblocks from which nothing may be allocated for a while (mm/page_isolation.c), as
 * contiguous allocations and memory hotplug need them.
 *
 * What is free in such a pageblock lies on lists of its own and does not count as free; what is freed
 * there goes to them at once.  Not modelled: migration of what is in use.  The type that a pageblock had
 * before is forgotten, as up to 6.16; whoever undoes it says what it becomes.
 */
#ifndef ENGINE_PAGE_ISOLATION_H
#define ENGINE_PAGE_ISOLATION_H

#include "engine/page_alloc.h"

/*
 * Isolates the pageblocks that [*@start, *@end) of @zone touches, and up to 5.18 those of the largest free
 * blocks at its ends, too; both are rounded to what was isolated.  False, and nothing done: one of them is
 * isolated already, kept for atomic requests, not all in the zone, or has pages in use that cannot be
 * moved, which does not matter in a CMA area if that is what it is for (@cma).
 */
bool page_isolation_start(struct page_alloc *a, uint32_t zone, pfn_t *start, pfn_t *end, bool cma);
/* The isolated ones of the pageblocks that [@start, @end) touches are of @type again. */
void page_isolation_undo(struct page_alloc *a, uint32_t zone, pfn_t start, pfn_t end,
			 enum migratetype type);

#endif
