/* SPDX-License-Identifier: MIT */
/* One zone: the least memory that the allocator can be tested on, without a boot. */
#ifndef ENGINE_TESTING_ONE_ZONE_H
#define ENGINE_TESTING_ONE_ZONE_H

#include "engine/page_alloc.h"

#define ONE_ZONE_PAGES 0x4000

/*
 * Makes a zone Normal, number 0, of ONE_ZONE_PAGES page frames from @start on (a multiple of the largest
 * block), all of it free and Movable, on an x86_64 of @version with one CPU.  buddy_deinit() and
 * page_alloc_deinit() are the caller's; the rest is to live as long.
 */
void one_zone_make(uint32_t version, pfn_t start, struct facts *facts, struct arch_config *config,
		   struct node *node, struct buddy *b, struct page_alloc *a);

#endif
