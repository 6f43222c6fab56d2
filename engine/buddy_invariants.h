/* SPDX-License-Identifier: MIT */
/* Invariants of buddy: see invariant.def. */
#ifndef ENGINE_BUDDY_INVARIANTS_H
#define ENGINE_BUDDY_INVARIANTS_H

#include "engine/buddy.h"
#include "engine/finding.h"

/* Adds what does not hold of @b, of invariants up to @cost. */
void buddy_invariants_check(const struct buddy *b, enum invariant_cost cost, struct findings *ret);

#endif
