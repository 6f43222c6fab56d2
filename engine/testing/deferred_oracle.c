/* SPDX-License-Identifier: MIT */
#include "engine/testing/deferred_oracle.h"

#include <assert.h>

#define ORACLE_NODES 8

struct walk {
	pfn_t found[ORACLE_NODES];
	uint64_t counted[ORACLE_NODES * ZONE_TYPE_COUNT]; /* the old rules count each zone apart */
	uint64_t counter; /* the new ones have one counter ... */
	pfn_t counter_end; /* ... for the zone that ends here */
};

/* One page of zone @t of node @n is met. */
static void meet(struct walk *w, uint32_t n, unsigned int t, const struct node *node, pfn_t pfn,
		 uint64_t section, enum deferred_rule rule, uint64_t early)
{
	pfn_t zone_end = zone_end_pfn(&node->zones[t]);
	bool low = zone_end < node->end_pfn, old = rule <= DEFERRED_SECTION;
	uint64_t count;

	if (rule == DEFERRED_COUNTED && w->counter_end != zone_end) {
		w->counter_end = zone_end;
		w->counter = 0;
	}
	if (low || w->found[n] != PFN_NONE)
		return;
	if (rule == DEFERRED_COUNTED_LATE && w->counter_end != zone_end) {
		w->counter_end = zone_end;
		w->counter = 0;
	}
	count = old ? ++w->counted[n * ZONE_TYPE_COUNT + t] : ++w->counter;
	if (count > (old ? early : section) && pfn % section == 0)
		w->found[n] = pfn;
}

pfn_t deferred_oracle(int32_t nid, const struct node *nodes, uint32_t node_count,
		      const struct node_range *ranges, uint32_t range_count, uint32_t zones_mask,
		      uint64_t section, enum deferred_rule rule, const uint64_t *early)
{
	struct walk w = { .counter = 0 };

	assert(node_count <= ORACLE_NODES && section > 0);
	for (uint32_t n = 0; n < node_count; n++)
		w.found[n] = PFN_NONE;
	for (uint32_t r = 0; r < range_count; r++) {
		uint32_t n = (uint32_t)ranges[r].nid;

		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &nodes[n].zones[t];

			if (!(zones_mask >> t & 1))
				continue;
			for (pfn_t p = ranges[r].start; p < ranges[r].end; p++)
				if (p >= z->start_pfn && p < zone_end_pfn(z))
					meet(&w, n, t, &nodes[n], p, section, rule, early[n]);
		}
	}
	return w.found[nid];
}
