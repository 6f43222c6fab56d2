/* SPDX-License-Identifier: MIT */
#include "engine/zonelist_invariants.h"

/* More nodes than this are not looked at as closely: it takes the cube of their number. */
#define NODES_CHECKED 64
/* What a node's CPUs and its number below the local one's add to its distance, at most. */
#define PENALTY_CPUS 1
#define PENALTY_BELOW 1

static void check_members(const struct zonelists *z, const struct node *nodes, uint32_t local,
			  struct findings *ret)
{
	const uint16_t *row = z->order + (size_t)local * z->node_count;
	uint16_t times[NODES_MAX] = { 0 };

	for (uint32_t i = 0; i < z->length[local]; i++)
		if (row[i] < z->node_count)
			times[row[i]]++;
	for (uint32_t nid = 0; nid < z->node_count; nid++) {
		if (times[nid] > 1)
			findings_add(ret, INVARIANT_FALLBACK_ONCE, (int32_t)local, -1,
				     FINDING_NOWHERE, 1, times[nid],
				     "a node stands twice in its order");
		/* A kernel that has but one node does not ask what is there. */
		if (times[nid] && !nodes[nid].memory && z->node_count > 1)
			findings_add(ret, INVARIANT_FALLBACK_MEMORY, (int32_t)local, -1,
				     FINDING_NOWHERE, 0, 0,
				     "a node without memory is in its order");
		if (!times[nid] && nodes[nid].memory)
			findings_add(ret, INVARIANT_FALLBACK_ONCE, (int32_t)local, -1,
				     FINDING_NOWHERE, 1, 0,
				     "a node with memory is not in its order");
	}
}

/* Every zone with pages, in its own node's list. */
static void check_zones(const struct zonelists *z, const struct node *nodes, uint32_t nid,
			struct findings *ret)
{
	struct zoneref refs[ZONE_TYPE_COUNT];
	uint32_t count = zonelist_zones(z, (int32_t)nid, (enum zone_type)(ZONE_TYPE_COUNT - 1),
					true, refs, ZONE_TYPE_COUNT);

	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		uint32_t times = 0;

		for (uint32_t i = 0; i < count; i++) {
			times += refs[i].type == t && refs[i].nid == (int32_t)nid;
			if (refs[i].nid != (int32_t)nid)
				findings_add(ret, INVARIANT_ZONELIST_ZONES, (int32_t)nid, -1,
					     FINDING_NOWHERE, nid, (uint64_t)refs[i].nid,
					     "another node is in the list without fallback");
		}
		if (times != (nodes[nid].zones[t].present > 0))
			findings_add(ret, INVARIANT_ZONELIST_ZONES, (int32_t)nid, (int32_t)t,
				     FINDING_NOWHERE, nodes[nid].zones[t].present > 0, times,
				     "the node's own list has not each zone with pages once");
	}
}

static void check_distances(const struct zonelists *z, const struct node *nodes, uint32_t local,
			    const uint8_t *distance, struct findings *ret)
{
	const uint16_t *row = z->order + (size_t)local * z->node_count;
	uint32_t farthest = 0;

	if (nodes[local].memory && z->length[local] && row[0] != local)
		findings_add(ret, INVARIANT_FALLBACK_DISTANCE, (int32_t)local, -1, FINDING_NOWHERE,
			     local, row[0], "a node with memory is not first in its own order");
	for (uint32_t i = 0; i < z->length[local]; i++) {
		uint32_t at = distance[(size_t)local * z->node_count + row[i]] +
			      (row[i] < local ? PENALTY_BELOW : 0);

		if (row[i] == local)
			continue;
		if (farthest > at + PENALTY_CPUS)
			findings_add(ret, INVARIANT_FALLBACK_DISTANCE, (int32_t)local, -1,
				     FINDING_NOWHERE, farthest, at,
				     "a nearer node comes after one that is farther");
		if (at > farthest)
			farthest = at;
	}
}

/*
 * How often each node was the first of a group of equal distance, in the orders of the nodes before: of
 * those that could open a group, one that did so least often has to.
 */
static void check_turns(const struct zonelists *z, const uint8_t *distance, struct findings *ret)
{
	uint32_t opened[NODES_CHECKED] = { 0 };

	for (uint32_t local = 0; local < z->node_count; local++) {
		const uint16_t *row = z->order + (size_t)local * z->node_count;
		const uint8_t *from = distance + (size_t)local * z->node_count;
		uint8_t before = from[local];

		for (uint32_t i = 0; i < z->length[local]; i++) {
			uint32_t nid = row[i];
			bool opens = from[nid] != before && nid != local;

			before = from[nid];
			for (uint32_t j = i + 1; opens && j < z->length[local]; j++) {
				uint32_t other = row[j];

				if (other != local && from[other] == from[nid] &&
				    (other < local) == (nid < local) &&
				    z->penalized[other] == z->penalized[nid] &&
				    opened[other] < opened[nid])
					findings_add(
						ret, INVARIANT_FALLBACK_TURNS, (int32_t)local, -1,
						FINDING_NOWHERE, opened[other], opened[nid],
						"a node is first again before another had its turn");
			}
			opened[nid] += opens;
		}
	}
}

void zonelist_invariants_check(const struct zonelists *z, const struct node *nodes,
			       const uint8_t *distance, struct findings *ret)
{
	bool memory = false;

	for (uint32_t nid = 0; nid < z->node_count; nid++)
		memory |= nodes[nid].memory;
	for (uint32_t local = 0; local < z->node_count; local++) {
		if (!z->length[local]) {
			if (nodes[local].possible && memory)
				findings_add(ret, INVARIANT_NODE_DATA, (int32_t)local, -1,
					     FINDING_NOWHERE, 1, 0, "a node has no fallback order");
			continue;
		}
		check_members(z, nodes, local, ret);
		check_zones(z, nodes, local, ret);
		if (distance)
			check_distances(z, nodes, local, distance, ret);
	}
	/* A row that was built alone knows nothing of the others' turns. */
	if (distance && !z->one_alone && z->node_count <= NODES_CHECKED)
		check_turns(z, distance, ret);
}
