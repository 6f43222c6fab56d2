/* SPDX-License-Identifier: MIT */
/*
 * Node order, after find_next_best_node and build_zonelists (mm/page_alloc.c).
 *
 * For one local node L the candidates are the nodes with memory.  Each has a value
 *	(distance(L, n) + (n < L) + (CPUs on n ? penalty : 0)) * K + load[n]
 * and the smallest is taken next, the lowest id among equals.  load[] changes only when a pick opens
 * a new distance group, and only for the picked node, which is not a candidate any more: so within
 * one L the values are constant and one sort gives the order.  load[] carries over to the next L.
 */
#include "engine/zonelist.h"

#include <stdlib.h>
#include <string.h>

#include "engine/room.h"

struct zonelist_candidate {
	uint64_t value;
	uint16_t nid;
};

static int compare_candidates(const void *a, const void *b)
{
	const struct zonelist_candidate *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return (int)x->nid - (int)y->nid;
}

static uint8_t distance_of(const uint8_t *distance, uint32_t node_count, uint32_t from, uint32_t to)
{
	return distance[(size_t)from * node_count + to];
}

static void order_numa(struct zonelists *z, const struct node *nodes, const uint8_t *distance,
		       const bool *node_has_cpu, struct zonelist_candidate *candidates,
		       uint64_t *load, uint32_t first, uint32_t end,
		       const struct arch_config *config, const struct facts *facts)
{
	uint32_t count = z->node_count, online = 0;
	bool accumulate = fact_get(facts, FACT_node_load_accumulates);
	uint64_t factor, penalty = (uint64_t)fact_get(facts, FACT_penalty_for_node_with_cpus);

	for (uint32_t n = 0; n < count; n++)
		online += nodes[n].possible;
	factor = (1ULL << config->nodes_shift) * (accumulate ? 1 : online);
	for (uint32_t local = first; local < end; local++) {
		uint16_t *row = z->order + (size_t)local * count;
		uint32_t used = 0, candidate_count = 0;
		uint64_t remaining = online;
		uint8_t previous;

		z->length[local] = 0;
		if (!nodes[local].possible)
			continue;
		/* The local node comes first, and where the old kernels had it even without memory. */
		if (nodes[local].memory || !fact_get(facts, FACT_memoryless_local_node_skipped)) {
			row[used++] = (uint16_t)local;
			remaining--;
		}
		for (uint32_t n = 0; n < count; n++) {
			uint64_t value;

			if (n == local || !nodes[n].memory)
				continue;
			value = distance_of(distance, count, local, n) + (n < local);
			if (node_has_cpu && node_has_cpu[n])
				value += penalty;
			candidates[candidate_count].value = value * factor + load[n];
			candidates[candidate_count++].nid = (uint16_t)n;
		}
		qsort(candidates, candidate_count, sizeof(*candidates), compare_candidates);
		previous = distance_of(distance, count, local, local);
		for (uint32_t i = 0; i < candidate_count; i++) {
			uint16_t nid = candidates[i].nid;
			uint8_t d = distance_of(distance, count, local, nid);

			if (d != previous)
				load[nid] = accumulate ? load[nid] + 1 : remaining;
			previous = d;
			remaining--;
			row[used++] = nid;
		}
		z->length[local] = (uint16_t)used;
	}
}

/* Without NUMA: the local node, then higher ids, then lower ids. */
static void order_flat(struct zonelists *z, const struct node *nodes)
{
	for (uint32_t local = 0; local < z->node_count; local++) {
		uint16_t *row = z->order + (size_t)local * z->node_count;
		uint32_t used = 0;

		if (!nodes[local].possible)
			continue;
		for (uint32_t i = 0; i < z->node_count; i++) {
			uint32_t n = (local + i) % z->node_count;

			if (nodes[n].possible)
				row[used++] = (uint16_t)n;
		}
		z->length[local] = (uint16_t)used;
	}
}

void zonelists_deinit(struct zonelists *z)
{
	free(z->order);
	free(z->length);
	free(z->zones);
	free(z->penalized);
	free(z->candidates);
	free(z->load);
	memset(z, 0, sizeof(*z));
}

static bool make_room(struct zonelists *z, size_t nodes)
{
	bool ok = room_make(&z->order, &z->order_room, nodes * nodes * sizeof(*z->order)) &&
		  room_make(&z->length, &z->length_room, nodes * sizeof(*z->length)) &&
		  room_make(&z->zones, &z->zones_room, nodes * sizeof(*z->zones)) &&
		  room_make(&z->penalized, &z->penalized_room, nodes * sizeof(*z->penalized)) &&
		  room_make(&z->candidates, &z->candidate_room, nodes * sizeof(*z->candidates)) &&
		  room_make(&z->load, &z->load_room, nodes * sizeof(*z->load));

	z->node_count = ok ? (uint32_t)nodes : 0;
	return ok;
}

/* The rows [@first, @end). */
static void build_rows(struct zonelists *z, uint32_t first, uint32_t end, const struct node *nodes,
		       const uint8_t *distance, const bool *node_has_cpu,
		       const struct arch_config *config, const struct facts *facts)
{
	memset(z->load, 0, z->node_count * sizeof(*z->load));
	order_numa(z, nodes, distance, node_has_cpu, z->candidates, z->load, first, end, config,
		   facts);
}

/* For a while a zone had to have managed pages, which a balloon takes and gives back unnoticed. */
static bool is_listed(const struct zone *zone, const struct facts *facts)
{
	return fact_get(facts, FACT_zonelist_needs_managed) ? zone->present && zone->managed
							    : zone->present;
}

void zonelists_build(struct zonelists *ret, const struct node *nodes, uint32_t node_count,
		     const uint8_t *distance, const bool *node_has_cpu,
		     const struct arch_config *config, const struct facts *facts)
{
	if (!make_room(ret, node_count)) {
		ret->out_of_memory = true;
		return;
	}
	memset(ret->length, 0, node_count * sizeof(*ret->length));
	ret->one_alone = false;
	if (config->numa)
		build_rows(ret, 0, node_count, nodes, distance, node_has_cpu, config, facts);
	else
		order_flat(ret, nodes);
	/* The highest zone that is neither Movable nor Device and that ever had pages. */
	for (uint32_t n = 0; n < node_count; n++) {
		ret->zones[n] = 0;
		ret->penalized[n] = node_has_cpu && node_has_cpu[n];
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			if (is_listed(&nodes[n].zones[t], facts))
				ret->zones[n] |= (uint8_t)(1u << t);
			if (t < ZONE_MOVABLE && nodes[n].zones[t].present &&
			    t > (unsigned int)ret->policy_zone)
				ret->policy_zone = (enum zone_type)t;
		}
	}
}

void zonelists_build_node(struct zonelists *ret, uint32_t nid, const struct node *nodes,
			  const uint8_t *distance, const bool *node_has_cpu,
			  const struct arch_config *config, const struct facts *facts)
{
	if (!config->numa || nid >= ret->node_count)
		return;
	ret->one_alone = true;
	build_rows(ret, nid, nid + 1, nodes, distance, node_has_cpu, config, facts);
}

static uint64_t present_of(const struct node *node, unsigned int below)
{
	uint64_t pages = 0;

	for (unsigned int t = 0; t < below; t++)
		pages += node->zones[t].present;
	return pages;
}

/*
 * Zone order keeps DMA and DMA32 for those who need them, at the price of going to other nodes.  It was
 * taken where these zones are small: not more than half of all memory, nor than 70 % of a node of more
 * than average size (the average counts one node too many).
 */
static bool low_zones_are_small(const struct node *nodes, uint32_t node_count,
				bool normal_everywhere)
{
	uint64_t low = 0, total = 0, with_memory = 0, average;

	for (uint32_t n = 0; n < node_count; n++) {
		if (!nodes[n].possible)
			continue;
		if (normal_everywhere && !nodes[n].zones[ZONE_NORMAL].present)
			return false;
		low += present_of(&nodes[n], ZONE_NORMAL);
		total += present_of(&nodes[n], ZONE_TYPE_COUNT);
		with_memory += nodes[n].memory;
	}
	if (!low || low > total / 2)
		return false;
	average = total / (with_memory + 1);
	for (uint32_t n = 0; n < node_count; n++) {
		low = present_of(&nodes[n], ZONE_NORMAL);
		total = present_of(&nodes[n], ZONE_TYPE_COUNT);
		if (nodes[n].possible && low && total > average && low > total * 70 / 100)
			return false;
	}
	return true;
}

bool zonelists_default_by_zone(const struct node *nodes, uint32_t node_count,
			       const struct arch_config *config, const struct facts *facts)
{
	int64_t rule = fact_get(facts, FACT_zonelist_order_rule);

	/* Without nodes there is nothing to choose, and it is called zone order. */
	if (rule == 3)
		return false;
	if (!config->numa)
		return true;
	if (rule == 2)
		return config->pointer_bytes == 4;
	return low_zones_are_small(nodes, node_count, rule == 1);
}

static uint32_t zones_by_zone(const struct zonelists *z, int32_t nid, enum zone_type highest,
			      struct zoneref *ret, uint32_t room)
{
	const uint16_t *row = z->order + (size_t)nid * z->node_count;
	uint32_t count = 0;

	for (int t = (int)highest; t >= 0; t--) {
		for (uint32_t i = 0; i < z->length[nid]; i++) {
			if (!zonelists_have(z, row[i], (unsigned int)t))
				continue;
			if (count < room)
				ret[count] = (struct zoneref){ row[i], (enum zone_type)t };
			count++;
		}
	}
	return count;
}

uint32_t zonelist_zones(const struct zonelists *z, int32_t nid, enum zone_type highest,
			bool thisnode, struct zoneref *ret, uint32_t room)
{
	uint32_t count = 0;

	if (!nid_within(nid, z->node_count))
		return 0;
	if (z->by_zone && !thisnode)
		return zones_by_zone(z, nid, highest, ret, room);
	for (uint32_t i = 0; i < (thisnode ? 1U : z->length[nid]); i++) {
		int32_t n = thisnode ? nid : z->order[(size_t)nid * z->node_count + i];

		for (int t = ZONE_TYPE_COUNT - 1; t >= 0; t--) {
			if (t > (int)highest || !zonelists_have(z, (uint32_t)n, (unsigned int)t))
				continue;
			if (count < room)
				ret[count] = (struct zoneref){ n, (enum zone_type)t };
			count++;
		}
	}
	return count;
}
