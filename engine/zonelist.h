/* SPDX-License-Identifier: MIT */
/*
 * Zonelists: in which order an allocation looks at nodes and zones.
 *
 * A zonelist is kept as a node order; the zones of each node follow from the nodes (highest type first,
 * populated ones only), so 1024 nodes cost 1024 * 1024 small integers and no more.
 */
#ifndef ENGINE_ZONELIST_H
#define ENGINE_ZONELIST_H

#include "engine/zone.h"

struct zonelist_candidate;

struct zonelists {
	uint32_t node_count; /* rows */
	uint16_t *order; /* node_count rows of node_count node ids */
	uint16_t *length; /* used entries of each row */
	uint8_t *
		zones; /* per node: bit per zone type that was there to be listed when they were built */
	bool *penalized; /* per node: CPUs made it farther then */
	bool one_alone; /* one row was built again, without the others */
	bool by_zone; /* all nodes' high zones before any low one (numa_zonelist_order=) */
	enum zone_type policy_zone; /* rises with each build, and never falls */
	bool out_of_memory;
	/* What the four arrays above have room for, and what a build works with; in bytes. */
	size_t order_room, length_room, zones_room, penalized_room;
	struct zonelist_candidate *candidates;
	uint64_t *load;
	size_t candidate_room, load_room;
};

/*
 * Builds every node's order.  @distance is node_count x node_count, row-major (bytes as in the SLIT);
 * @node_has_cpu may be NULL: no node has CPUs yet, as on every boot of x86 and arm64.
 */
void zonelists_build(struct zonelists *ret, const struct node *nodes, uint32_t node_count,
		     const uint8_t *distance, const bool *node_has_cpu,
		     const struct arch_config *config, const struct facts *facts);
/* Builds the order of @nid alone, as for a node that comes online; the others stay. */
void zonelists_build_node(struct zonelists *ret, uint32_t nid, const struct node *nodes,
			  const uint8_t *distance, const bool *node_has_cpu,
			  const struct arch_config *config, const struct facts *facts);
void zonelists_deinit(struct zonelists *z);

/* Which order a kernel that has two picks by itself (numa_zonelist_order=default): true = by zone. */
bool zonelists_default_by_zone(const struct node *nodes, uint32_t node_count,
			       const struct arch_config *config, const struct facts *facts);

/* A reference into a zonelist. */
struct zoneref {
	int32_t nid;
	enum zone_type type;
};

/* Is the zone @type of node @nid in the lists?  It is if it had pages when they were built. */
static inline bool zonelists_have(const struct zonelists *z, uint32_t nid, unsigned int type)
{
	return z->zones[nid] >> type & 1;
}

/*
 * Writes the zones of node @nid's fallback list up to type @highest into @ret (room for @room), or of
 * its own node only when @thisnode.  Returns how many there are (may exceed @room).
 */
uint32_t zonelist_zones(const struct zonelists *z, int32_t nid, enum zone_type highest,
			bool thisnode, struct zoneref *ret, uint32_t room);

#endif
