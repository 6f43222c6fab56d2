/* SPDX-License-Identifier: MIT */
/* Invariants of deferred: see invariant.def. */
#ifndef ENGINE_DEFERRED_INVARIANTS_H
#define ENGINE_DEFERRED_INVARIANTS_H

#include "engine/deferred.h"
#include "engine/finding.h"
#include "engine/machine.h"

/* Adds what does not hold of where deferred pages of @m begin, just found. */
void deferred_invariants_found(const struct machine *m, struct findings *ret);

/* ... and at any later time. */
void deferred_invariants_check(const struct machine *m, struct findings *ret);

#endif
