/* SPDX-License-Identifier: MIT */
#include "engine/vm_events.h"

void vm_events_count(struct vm_events *v, const struct buddy *b, const struct event *e)
{
	uint64_t pages = 1ULL << (e->order & 63);
	uint32_t zone;

	if (e->kind == EVENT_FREE) {
		v->pgfree += pages;
	} else if (e->kind == EVENT_ALLOC && e->pfn != PFN_NONE) {
		zone = buddy_zone_at(b, e->pfn);
		if (zone != BUDDY_ZONE_NONE)
			v->pgalloc[b->zones[zone].type] += pages;
	}
}
