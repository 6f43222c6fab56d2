/* SPDX-License-Identifier: MIT */
#include "engine/zonelist_invariants.h"

void zonelist_invariants_check(const struct zonelists *z, const struct node *nodes,
			       struct findings *ret)
{
	for (uint32_t local = 0; local < z->node_count; local++) {
		const uint16_t *row = z->order + (size_t)local * z->node_count;

		if (!z->length[local])
			continue;
		for (uint32_t nid = 0; nid < z->node_count; nid++) {
			uint32_t times = 0;

			for (uint32_t i = 0; i < z->length[local]; i++)
				times += row[i] == nid;
			if (times > 1)
				findings_add(ret, INVARIANT_FALLBACK_ONCE, (int32_t)local, -1,
					     FINDING_NOWHERE, 1, times,
					     "a node stands twice in its order");
			if (times && !nodes[nid].memory)
				findings_add(ret, INVARIANT_FALLBACK_MEMORY, (int32_t)local, -1,
					     FINDING_NOWHERE, 0, 0,
					     "a node without memory is in its order");
			if (!times && nodes[nid].memory)
				findings_add(ret, INVARIANT_FALLBACK_ONCE, (int32_t)local, -1,
					     FINDING_NOWHERE, 1, 0,
					     "a node with memory is not in its order");
		}
	}
}
