/* SPDX-License-Identifier: MIT */
/* Invariants of handover: see invariant.def. */
#ifndef ENGINE_HANDOVER_INVARIANTS_H
#define ENGINE_HANDOVER_INVARIANTS_H

#include "engine/finding.h"
#include "engine/machine.h"

/* Memory of @m has just been handed over. */
void handover_invariants_freed(const struct machine *m, struct findings *ret);

/* Adds what does not hold of @m at the end of its boot. */
void handover_invariants_check(const struct machine *m, struct findings *ret);

#endif
