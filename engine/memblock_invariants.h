/* SPDX-License-Identifier: MIT */
/* Invariants of memblock: see invariant.def. */
#ifndef ENGINE_MEMBLOCK_INVARIANTS_H
#define ENGINE_MEMBLOCK_INVARIANTS_H

#include "engine/finding.h"
#include "engine/memblock.h"

/* Adds what does not hold of @mb. */
void memblock_invariants_check(const struct memblock *mb, struct findings *ret);

/* What can be seen only as it happens.  For all of these @ret may be NULL: then nobody looks. */

/* memblock_alloc(), looked at; @before has room for a copy of @mb, and is overwritten. */
bool memblock_invariants_alloc(struct memblock *mb, const struct memblock_request *req,
			       phys_t *address, struct memblock *before, struct findings *ret);
/* @before gave @address for @req: may it? */
void memblock_invariants_result(const struct memblock *before, const struct memblock_request *req,
				phys_t address, struct findings *ret);
/* memblock_cap_memory_range(), likewise. */
void memblock_invariants_cap(struct memblock *mb, phys_t base, uint64_t size,
			     struct memblock *before, struct findings *ret);
/* For an observer of @mb: judges the event. */
void memblock_invariants_event(const struct memblock *mb, const struct memblock_event *event,
			       struct findings *ret);

#endif
