/* SPDX-License-Identifier: MIT */
/*
 * Deferred struct page initialisation: from which page frame on a node's pages join the buddy allocator
 * only after the other CPUs are up.
 */
#ifndef ENGINE_DEFERRED_H
#define ENGINE_DEFERRED_H

#include "engine/memblock.h"
#include "engine/zone.h"

/* The generations of defer_init(), values of the fact deferred_rule. */
enum deferred_rule {
	DEFERRED_NEVER = 0,
	DEFERRED_TWO_GIB = 1, /* 4.2 - 4.15: at least 2 GiB of each node first */
	DEFERRED_SECTION = 2, /* 4.16 - 5.0: one section of each node, limited by the node's size */
	DEFERRED_COUNTED = 3, /* 5.1 - 6.x: a counter that restarts with each zone */
	DEFERRED_COUNTED_LATE =
		4, /* 6.9+: the counter restarts only in zones that may be deferred */
};

/* Fills nodes[].first_deferred_pfn; @ranges in address order. */
void deferred_find(struct node *nodes, uint32_t node_count, const struct node_range *ranges,
		   uint32_t range_count, const struct memblock *mb,
		   const struct arch_config *config, uint32_t zones_mask,
		   const struct facts *facts);

#endif
