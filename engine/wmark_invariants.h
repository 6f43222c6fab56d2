/* SPDX-License-Identifier: MIT */
/* Invariants of wmark: see invariant.def. */
#ifndef ENGINE_WMARK_INVARIANTS_H
#define ENGINE_WMARK_INVARIANTS_H

#include "engine/cmdline.h"
#include "engine/finding.h"
#include "engine/wmark.h"

/* A machine whose reserves and page sets are to be looked at. */
struct reserve_source {
	const struct node *nodes;
	uint32_t node_count;
	const struct zone_limits *limits;
	uint32_t zones_mask;
	const struct cmdline *cmdline;
	const struct arch_config *config;
	const struct facts *facts;
	uint32_t online_cpus;
	bool cpu_coming; /* see struct machine */
	uint64_t hugepage_totalram; /* see struct machine */
	uint64_t min_free_kbytes, totalreserve;
};

/* Adds what does not hold of reserves and page sets, in a moment when nothing changes them. */
void wmark_invariants_check(const struct reserve_source *source, struct findings *ret);

#endif
