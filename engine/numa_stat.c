/* SPDX-License-Identifier: MIT */
#include "engine/numa_stat.h"

void numa_stat_count(struct numa_stat *stats, const struct buddy *b, uint32_t served,
		     uint32_t preferred, int32_t cpu_nid)
{
	int32_t nid = b->zones[served].nid;

	if (nid == cpu_nid)
		stats[served].local++;
	else
		stats[served].other++;
	if (preferred == BUDDY_ZONE_NONE || b->zones[preferred].nid == nid) {
		stats[served].hit++;
	} else {
		stats[served].miss++;
		stats[preferred].foreign++;
	}
}
