/* SPDX-License-Identifier: MIT */
/*
 * Hotplug of free lists: the same lists, page sets and marks over memory that has changed.
 */
#ifndef ENGINE_HOTPLUG_LISTS_H
#define ENGINE_HOTPLUG_LISTS_H

#include "engine/hotplug.h"

/*
 * Lays machine.buddy and the allocator out anew for the machine's nodes and ranges.  Every free block, block
 * in a page set, pageblock type and mark of memory that is still there is carried over, lists in their
 * order; what is not there any more is dropped.  Zonelists are read again, and so are watermarks.
 */
void hotplug_lists_move(struct hotplug *h);

/* Gives page sets the sizes that zones have now. */
void hotplug_lists_size(struct hotplug *h);

/* Pages of [@start, @end) that are free in the lists of @zone. */
uint64_t hotplug_lists_free_pages(const struct hotplug *h, uint32_t zone, pfn_t start, pfn_t end);
/* Those in page sets. */
uint64_t hotplug_lists_set_pages(const struct hotplug *h, uint32_t zone, pfn_t start, pfn_t end);
/* Drains the page sets of all CPUs in @zone. */
void hotplug_lists_drain(struct hotplug *h, uint32_t zone);

#endif
