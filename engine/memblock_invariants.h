/* SPDX-License-Identifier: MIT */
/* Invariants of memblock: see invariant.def. */
#ifndef ENGINE_MEMBLOCK_INVARIANTS_H
#define ENGINE_MEMBLOCK_INVARIANTS_H

#include "engine/finding.h"
#include "engine/memblock.h"

/* Adds what does not hold of @mb. */
void memblock_invariants_check(const struct memblock *mb, struct findings *ret);

#endif
