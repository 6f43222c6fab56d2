/* SPDX-License-Identifier: MIT */
/* What the files of hotplug share. */
#ifndef ENGINE_HOTPLUG_PARTS_H
#define ENGINE_HOTPLUG_PARTS_H

#include "engine/hotplug.h"

static inline struct zone *hotplug_zone(const struct hotplug *h, int32_t nid, enum zone_type type)
{
	return &h->machine->nodes[nid].zones[type];
}

/* Page frames that are in both [@a_start, @a_end) and [@b_start, @b_end). */
static inline uint64_t hotplug_shared(pfn_t a_start, pfn_t a_end, pfn_t b_start, pfn_t b_end)
{
	pfn_t start = max_u64(a_start, b_start), end = min_u64(a_end, b_end);

	return start < end ? end - start : 0;
}

/* ---- hotplug_span.c ---- */

/* Is every page of memory in one zone, so that ranges can name theirs? */
bool hotplug_zones_have_all(const struct machine *m);
/* Cuts ranges where zones meet, so that each can name its own.  False: memory cannot come or go. */
bool hotplug_begin(struct hotplug *h);
bool hotplug_insert_range(struct hotplug *h, const struct node_range *new);
/* Takes [@start, @end) out of the ranges. */
bool hotplug_cut_range(struct hotplug *h, pfn_t start, pfn_t end);
/* The section of @pfn if it is offline, or NULL. */
const struct offline_section *hotplug_offline_at(const struct hotplug *h, pfn_t pfn);
/* set_zone_contiguous(), section by section. */
void hotplug_set_contiguous(struct hotplug *h, struct zone *z);
/* move_pfn_range_to_zone(), and back for the section at @start, which is in no range any more. */
void hotplug_enter_zone(struct hotplug *h, struct zone *z, pfn_t start, pfn_t end);
void hotplug_leave_zone(struct hotplug *h, struct zone *z, pfn_t start);

/* ---- hotplug_cpu.c ---- */

/* What @cpu counted of @nid and has not told yet. */
int8_t *hotplug_diff(const struct hotplug *h, int32_t nid, uint32_t cpu);
/* It tells. */
void hotplug_fold(struct hotplug *h, int32_t nid, uint32_t cpu);

#endif
