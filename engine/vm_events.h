/* SPDX-License-Identifier: MIT */
/*
 * Event counters: the pages that /proc/vmstat counts as handed out, by the type of their zone (pgalloc_dma ...
 * pgalloc_movable), and as freed (pgfree).
 *
 * Evidence: mm/page_alloc.c 6.1 and 6.12: rmqueue() counts PGALLOC for 1 << order pages, free_unref_page_commit() and
 * __free_pages_ok() PGFREE.  Pages allocated in bulk (5.13 and later) are counted by the kernel and told by no event:
 * by that much pgalloc of a kernel is more.
 */
#ifndef ENGINE_VM_EVENTS_H
#define ENGINE_VM_EVENTS_H

#include "engine/arch.h"
#include "engine/buddy.h"
#include "engine/event.h"

struct vm_events {
	uint64_t pgalloc[ZONE_TYPE_COUNT]; /* pages */
	uint64_t pgfree;
};

/* Counts @e, if it is an allocation that did not fail, in a zone of @b, or a free. */
void vm_events_count(struct vm_events *v, const struct buddy *b, const struct event *e);

#endif
