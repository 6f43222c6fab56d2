/* SPDX-License-Identifier: MIT */
#include "engine/zone_invariants.h"

void zone_invariants_check(const struct node *node, int32_t nid, struct findings *ret)
{
	uint64_t present = 0;

	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		const struct zone *z = &node->zones[t];

		present += z->present;
		if (z->present > z->spanned)
			findings_add(ret, INVARIANT_ZONE_SIZES, nid, (int32_t)t, z->start_pfn,
				     z->spanned, z->present, "more pages are present than spanned");
		if (z->managed > z->present)
			findings_add(ret, INVARIANT_ZONE_SIZES, nid, (int32_t)t, z->start_pfn,
				     z->present, z->managed, "more pages are managed than present");
		if (!z->spanned && z->start_pfn)
			findings_add(ret, INVARIANT_ZONE_SIZES, nid, (int32_t)t, z->start_pfn, 0,
				     z->start_pfn, "the zone is empty and has a start");
		if (!z->spanned)
			continue;
		for (unsigned int u = 0; u < t; u++)
			if (node->zones[u].spanned && node->zones[u].start_pfn < zone_end_pfn(z) &&
			    z->start_pfn < zone_end_pfn(&node->zones[u]))
				findings_add(ret, INVARIANT_ZONE_DISJOINT, nid, (int32_t)t,
					     z->start_pfn, 0, 0, "another zone spans a part of it");
	}
	if (present != node->present)
		findings_add(ret, INVARIANT_NODE_PRESENT, nid, -1, FINDING_NOWHERE, present,
			     node->present, "pages of the node and of its zones differ");
}
