/* SPDX-License-Identifier: MIT */
/* Invariants of memmap: see invariant.def. */
#ifndef ENGINE_MEMMAP_INVARIANTS_H
#define ENGINE_MEMMAP_INVARIANTS_H

#include "engine/finding.h"
#include "engine/memmap.h"

/* Adds what does not hold of the memory map of @m, which has sized its zones. */
void memmap_invariants_check(const struct machine *m, struct findings *ret);

/* memmap_stamp_reserved(), looked at when @ret is not NULL. */
void memmap_invariants_stamp(struct machine *m, struct findings *ret);

#endif
