/* SPDX-License-Identifier: MIT */
/*
 * NUMA statistics: what a kernel with CONFIG_NUMA counts of each allocation, zone by zone (numa_hit ... of
 * /proc/zoneinfo, and of each node's numastat).
 *
 *	hit	the zone's node is the one that was to be tried first
 *	miss	it is not, and counts as foreign on the zone that was
 *	local	the zone is of the node of the CPU; else other
 *
 * A page of another node than the CPU's is a hit where a memory policy asked for that node.
 *
 * Evidence: mm/page_alloc.c 6.1 and 6.12, zone_statistics(); an allocation counts once, whatever its order.
 * Not counted: pages allocated in bulk, which no event tells of, and numa_interleave, which is a policy's own.
 */
#ifndef ENGINE_NUMA_STAT_H
#define ENGINE_NUMA_STAT_H

#include "engine/buddy.h"

struct numa_stat {
	uint64_t hit, miss, foreign, local, other;
};

/*
 * A CPU of node @cpu_nid was given a block of zone number @served.  @preferred: number of the zone that was to be
 * tried first, or BUDDY_ZONE_NONE if the node of @served was asked for.  @stats has an element for each zone of @b.
 */
void numa_stat_count(struct numa_stat *stats, const struct buddy *b, uint32_t served,
		     uint32_t preferred, int32_t cpu_nid);

#endif
