/* SPDX-License-Identifier: MIT */
/*
 * Finding: an invariant that does not hold, and where.
 *
 * A finding is about the model's rules (or the kernel's, when they are right), never about input that
 * cannot be read (error.h) and never a mistake in this program (an assertion).
 */
#ifndef ENGINE_FINDING_H
#define ENGINE_FINDING_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The list of all invariants; see invariant.h for what there is to know about each. */
enum invariant {
#define INVARIANT(name, id, cost, owner, sentence) INVARIANT_##name,
#include "engine/invariant.def"
#undef INVARIANT
	INVARIANT_COUNT
};

enum invariant_cost { INVARIANT_COST_CONSTANT, INVARIANT_COST_WALK, INVARIANT_COST_DEEP };

#define FINDING_NOWHERE UINT64_MAX

struct finding {
	enum invariant invariant;
	int32_t nid; /* the node, or -1 */
	int32_t zone; /* enum zone_type, or -1 */
	uint64_t place; /* a page frame, or an address of memblock; FINDING_NOWHERE: none */
	uint64_t expected, seen; /* numbers, or 0 and 0 when the sentence says it all */
	const char *what; /* static: a part of a sentence that says what is wrong there */
	uint64_t
		event; /* number of the operation after which it was seen, from 0; FINDING_NOWHERE: boot */
};

/* Findings of one run: the first of each invariant, and how many there were.  Starts zeroed. */
struct findings {
	struct finding first[INVARIANT_COUNT]; /* valid where count is not 0 */
	uint64_t count[INVARIANT_COUNT];
	uint64_t total;
	uint64_t event; /* noted in what is added next */
};

static inline void findings_clear(struct findings *f)
{
	memset(f->count, 0, sizeof(f->count));
	f->total = 0;
	f->event = FINDING_NOWHERE;
}

/* Notes that @invariant does not hold.  @what is static. */
void findings_add(struct findings *f, enum invariant invariant, int32_t nid, int32_t zone,
		  uint64_t place, uint64_t expected, uint64_t seen, const char *what);

#endif
