/* SPDX-License-Identifier: MIT */
#include "engine/hotplug_invariants.h"

static void check_node(const struct hotplug *h, int32_t nid, struct findings *ret)
{
	const struct node *node = &h->machine->nodes[nid];
	pfn_t start = PFN_NONE, end = 0;
	uint32_t zones = 0;
	int64_t counted = h->stat[nid];

	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		const struct zone *z = &node->zones[t];

		if (!z->spanned)
			continue;
		zones = t + 1;
		start = min_u64(start, z->start_pfn);
		end = max_u64(end, zone_end_pfn(z));
	}
	if (!zones)
		start = 0;
	if (h->begun && (node->start_pfn != start || node->end_pfn != end))
		findings_add(ret, INVARIANT_NODE_SPAN, nid, -1, node->start_pfn,
			     node->start_pfn != start ? start : end,
			     node->start_pfn != start ? node->start_pfn : node->end_pfn,
			     "the node does not span what its zones do");
	if (node->nr_zones < zones)
		findings_add(ret, INVARIANT_NR_ZONES, nid, -1, FINDING_NOWHERE, zones,
			     node->nr_zones, "a zone with pages is not counted");
	for (uint32_t cpu = 0; cpu < h->cpu_count; cpu++)
		counted += h->stat_diff[(size_t)(uint32_t)nid * h->cpu_count + cpu];
	if (counted != h->stat_sum[nid])
		findings_add(ret, INVARIANT_NODE_STAT, nid, -1, FINDING_NOWHERE,
			     (uint64_t)h->stat_sum[nid], (uint64_t)counted,
			     "what was counted of the node is not what its counter says");
}

/* Sections that @z spans, and those in which it has memory. */
static void count_sections(const struct hotplug *h, const struct zone *z, uint64_t *spanned,
			   uint64_t *own)
{
	const struct machine *m = h->machine;
	pfn_t next = z->start_pfn;

	*spanned = (zone_end_pfn(z) - 1) / h->section_pages - z->start_pfn / h->section_pages + 1;
	*own = 0;
	for (uint32_t r = 0; r < m->range_count; r++) {
		pfn_t start = max_u64(m->ranges[r].start, next);
		pfn_t end = min_u64(m->ranges[r].end, zone_end_pfn(z));

		if (!node_range_is_of(&m->ranges[r], z->nid, z->type) || start >= end)
			continue;
		*own += (end - 1) / h->section_pages - start / h->section_pages + 1;
		next = round_up_to(end, h->section_pages);
	}
}

static void check_zone(const struct hotplug *h, const struct zone *z, struct findings *ret)
{
	const struct machine *m = h->machine;
	pfn_t lowest = PFN_NONE, limit, first;
	uint64_t spanned, own;

	if (!z->spanned)
		return;
	count_sections(h, z, &spanned, &own);
	if (z->contiguous && own != spanned)
		findings_add(ret, INVARIANT_ZONE_CONTIGUOUS, z->nid, (int32_t)z->type, z->start_pfn,
			     spanned, own,
			     "sections of a contiguous zone are not all online and its own");
	if (!h->begun)
		return;
	for (uint32_t r = 0; r < m->range_count; r++)
		if (node_range_is_of(&m->ranges[r], z->nid, z->type))
			lowest = min_u64(lowest, m->ranges[r].start);
	/*
	 * At boot a zone begins with its limits, or the node, even if its memory does not.  Where spans only
	 * shrink when memory is removed, they are larger for a while.
	 */
	first = z->type == ZONE_MOVABLE ? m->nodes[z->nid].movable_pfn : m->limits.lowest[z->type];
	if (z->type == ZONE_MOVABLE && !first)
		first = PFN_NONE;
	first = min_u64(first, round_down_to(lowest, h->section_pages));
	if (lowest != PFN_NONE && fact_get(&m->facts, FACT_hotplug_offline_shrinks) &&
	    (z->start_pfn > lowest || z->start_pfn < first))
		findings_add(ret, INVARIANT_ZONE_START, z->nid, (int32_t)z->type, z->start_pfn,
			     lowest, z->start_pfn, "the zone begins elsewhere than its first page");
	limit = round_up_to(m->limits.highest[z->type], h->section_pages);
	for (uint32_t r = 0; r < m->range_count && z->type < ZONE_NORMAL; r++)
		if (m->ranges[r].zone == (unsigned int)z->type + 1 && m->ranges[r].nid == z->nid &&
		    m->ranges[r].start >= limit)
			findings_add(ret, INVARIANT_ZONE_CHOICE, z->nid, (int32_t)z->type,
				     m->ranges[r].start, limit, m->ranges[r].start,
				     "memory beyond the limit of a zone was put into it");
}

static bool is_offline(const struct hotplug *h, pfn_t pfn)
{
	for (uint32_t i = 0; i < h->offline_count; i++)
		if (pfn - h->offline[i].start < h->section_pages)
			return true;
	return false;
}

static void check_lists(const struct hotplug *h, struct findings *ret)
{
	const struct buddy *b = h->machine->buddy;

	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		for (unsigned int order = 0; order <= b->max_order; order++) {
			for (unsigned int type = 0; type < MIGRATE_TYPE_COUNT; type++) {
				uint32_t cursor = BUDDY_LIST_START;
				pfn_t pfn;

				while (buddy_list_next(b, zone, order, (enum migratetype)type,
						       &cursor, &pfn))
					if (is_offline(h, pfn))
						findings_add(ret, INVARIANT_OFFLINE_GONE,
							     b->zones[zone].nid,
							     (int32_t)b->zones[zone].type, pfn, 0,
							     0, "a page of offline memory is free");
			}
		}
	}
}

void hotplug_invariants_check(const struct hotplug *h, bool deep, struct findings *ret)
{
	if (!h->prepared || !h->possible || h->out_of_memory)
		return;
	for (uint32_t nid = 0; nid < h->machine->node_count; nid++) {
		check_node(h, (int32_t)nid, ret);
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
			check_zone(h, &h->machine->nodes[nid].zones[t], ret);
	}
	if (h->endless)
		findings_add(ret, INVARIANT_OFFLINE_ENDS, -1, -1, FINDING_NOWHERE, 0, h->endless,
			     "taking memory offline waits for a page that is in a page set");
	if (deep && h->offline_count)
		check_lists(h, ret);
}
