/* SPDX-License-Identifier: MIT */
/* Invariants of early nodes: see invariant.def. */
#ifndef ENGINE_NUMA_INVARIANTS_H
#define ENGINE_NUMA_INVARIANTS_H

#include "engine/finding.h"
#include "engine/machine.h"

/* Adds what does not hold of the nodes of @m, which has booted at least to STAGE_ZONES. */
void numa_invariants_check(const struct machine *m, struct findings *ret);

#endif
