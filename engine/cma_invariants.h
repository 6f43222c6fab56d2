/* SPDX-License-Identifier: MIT */
/* Invariants of cma: see invariant.def. */
#ifndef ENGINE_CMA_INVARIANTS_H
#define ENGINE_CMA_INVARIANTS_H

#include "engine/cma.h"
#include "engine/finding.h"

/* Adds what does not hold of the areas of @m, which has booted to its end. */
void cma_invariants_check(const struct machine *m, struct findings *ret);

/* The area that @req asked for begins at @base. */
void cma_invariants_declared(const struct cma_request *req, phys_t base, struct findings *ret);

#endif
