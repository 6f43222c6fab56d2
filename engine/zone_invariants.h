/* SPDX-License-Identifier: MIT */
/* Invariants of zone: see invariant.def. */
#ifndef ENGINE_ZONE_INVARIANTS_H
#define ENGINE_ZONE_INVARIANTS_H

#include "engine/finding.h"
#include "engine/zone.h"

/* What zones were cut from. */
struct zone_source {
	const struct node_range *ranges; /* memory, in address order */
	uint32_t range_count;
	const struct zone_limits *limits;
	uint32_t zones_mask;
	const struct cmdline *cmdline;
	const struct arch_config *config;
	const struct facts *facts;
};

/* Adds what does not hold of @nodes, alone and together with where they come from. */
void zone_invariants_check(const struct node *nodes, uint32_t node_count,
			   const struct zone_source *source, struct findings *ret);

#endif
