/* SPDX-License-Identifier: MIT */
/* Invariants of zone: see invariant.def. */
#ifndef ENGINE_ZONE_INVARIANTS_H
#define ENGINE_ZONE_INVARIANTS_H

#include "engine/finding.h"
#include "engine/zone.h"

/* Adds what does not hold of @node, whose id is @nid, and its zones. */
void zone_invariants_check(const struct node *node, int32_t nid, struct findings *ret);

#endif
