/* SPDX-License-Identifier: MIT */
/* Invariants of zonelist: see invariant.def. */
#ifndef ENGINE_ZONELIST_INVARIANTS_H
#define ENGINE_ZONELIST_INVARIANTS_H

#include "engine/finding.h"
#include "engine/zonelist.h"

/*
 * Adds what does not hold of the fallback orders.  @distance is node_count x node_count, or NULL for orders
 * that do not go by it.
 */
void zonelist_invariants_check(const struct zonelists *z, const struct node *nodes,
			       const uint8_t *distance, struct findings *ret);

#endif
