/* SPDX-License-Identifier: MIT */
/* Invariants of early nodes: see invariant.def. */
#ifndef ENGINE_NUMA_INVARIANTS_H
#define ENGINE_NUMA_INVARIANTS_H

#include "engine/finding.h"
#include "engine/machine.h"

/* Adds what does not hold of the nodes of @m, which has booted at least to STAGE_ZONES. */
void numa_invariants_check(const struct machine *m, struct findings *ret);

/*
 * @window has been filled: @before are @count blocks of before, as m->numa_blocks are those of after.
 */
void numa_invariants_filled(const struct machine *m, const struct memory_window *window,
			    const struct affinity_memory *before, uint32_t count,
			    struct findings *ret);

/* Node @nid was given to @window, which no block describes. */
void numa_invariants_window(const struct boot_input *in, const struct memory_window *window,
			    int32_t nid, struct findings *ret);

#endif
