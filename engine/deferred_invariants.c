/* SPDX-License-Identifier: MIT */
/* Pages of a node's last zone are counted again, range by range, without the counters of the rules. */
#include "engine/deferred_invariants.h"

/* The zone that ends with its node; NULL when there is none, or more than one. */
static const struct zone *last_zone(const struct node *node)
{
	const struct zone *last = NULL;

	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		const struct zone *z = &node->zones[t];

		if (!z->spanned || zone_end_pfn(z) != node_spanned_end_pfn(node))
			continue;
		if (last)
			return NULL;
		last = z;
	}
	return last;
}

static bool interleaved(const struct machine *m, int32_t nid, const struct zone *z)
{
	for (uint32_t r = 0; r < m->range_count; r++)
		if (m->ranges[r].nid != nid && m->ranges[r].start < zone_end_pfn(z) &&
		    m->ranges[r].end > z->start_pfn)
			return true;
	return false;
}

static void check_node(const struct machine *m, int32_t nid, const struct zone *z,
		       struct findings *ret)
{
	uint64_t section = arch_section_pages(&m->config), counted = 0;
	pfn_t first = m->nodes[nid].first_deferred_pfn;

	if (first != PFN_NONE && first % section)
		findings_add(ret, INVARIANT_DEFERRED_EARLY, nid, (int32_t)z->type, first, 0,
			     first % section, "deferred pages do not begin with a section");
	for (uint32_t r = 0; r < m->range_count; r++) {
		pfn_t start = max_u64(m->ranges[r].start, z->start_pfn);
		pfn_t end = min_u64(m->ranges[r].end, zone_end_pfn(z)), late = start;

		if (m->ranges[r].nid != nid || start >= end)
			continue;
		/* The first section that begins here with two sections' worth of pages before it. */
		if (counted < 2 * section)
			late += 2 * section - counted;
		late = round_up_to(late, section);
		if (late < end && late < first) {
			findings_add(ret, INVARIANT_DEFERRED_EARLY, nid, (int32_t)z->type, late,
				     2 * section, counted + (late - start),
				     "a page is initialised early that should be deferred");
			return;
		}
		counted += end - start;
	}
}

void deferred_invariants_found(const struct machine *m, struct findings *ret)
{
	int64_t rule = fact_get(&m->facts, FACT_deferred_rule);

	if (!m->config.section_shift || !m->config.deferred_struct_page || rule == DEFERRED_NEVER ||
	    rule == DEFERRED_TWO_GIB)
		return;
	for (uint32_t n = 0; n < m->node_count; n++) {
		const struct zone *z = last_zone(&m->nodes[n]);

		if (z && !interleaved(m, (int32_t)n, z))
			check_node(m, (int32_t)n, z, ret);
	}
}

void deferred_invariants_check(const struct machine *m, struct findings *ret)
{
	for (uint32_t n = 0; n < m->node_count; n++) {
		const struct node *node = &m->nodes[n];

		if (node->first_deferred_pfn != PFN_NONE &&
		    (node->first_deferred_pfn < node->start_pfn ||
		     node->first_deferred_pfn > node->end_pfn))
			findings_add(ret, INVARIANT_DEFERRED_POINT, (int32_t)n, -1,
				     node->first_deferred_pfn, node->end_pfn,
				     node->first_deferred_pfn,
				     "deferred pages begin outside of their node");
	}
}
