/* SPDX-License-Identifier: MIT */
#include "engine/alloc_flags.h"

/* Values of the facts. */
enum { NON_BLOCK_NO_WAIT, NON_BLOCK_ATOMIC, NON_BLOCK_NO_RECLAIM };
enum { LAST_RESORT_NONE, LAST_RESORT_VICTIMS, LAST_RESORT_NON_BLOCK };

unsigned int alloc_flags_slow(const struct facts *facts, const struct alloc_gfp *gfp,
			      unsigned int order)
{
	int64_t rule = fact_get(facts, FACT_alloc_non_block_rule);
	bool hurry = rule == NON_BLOCK_ATOMIC ? gfp->atomic : !gfp->can_wait;
	unsigned int flags = ALLOC_WMARK_MIN | ALLOC_CPUSET;

	if (gfp->high)
		flags |= ALLOC_MIN_RESERVE;
	if (hurry && !gfp->nomemalloc) {
		flags |= ALLOC_NON_BLOCK;
		if (rule == NON_BLOCK_NO_RECLAIM && order && gfp->high)
			flags |= ALLOC_HIGHATOMIC;
	}
	if (hurry && (rule != NON_BLOCK_NO_RECLAIM || gfp->high))
		flags &= ~(unsigned int)ALLOC_CPUSET;
	if (fact_get(facts, FACT_alloc_boost_rule) ? gfp->high : gfp->atomic)
		flags |= ALLOC_SKIP_BOOST;
	if (gfp->movable)
		flags |= ALLOC_CMA;
	if (gfp->memalloc && !gfp->nomemalloc)
		flags |= ALLOC_NO_WATERMARKS;
	return flags;
}

uint32_t alloc_flags_types(const struct facts *facts, unsigned int alloc_flags, unsigned int order)
{
	int64_t resort = fact_get(facts, FACT_highatomic_last_resort);
	uint32_t types = 1U << MIGRATE_UNMOVABLE | 1U << MIGRATE_MOVABLE |
			 1U << MIGRATE_RECLAIMABLE;
	bool kept;

	if (fact_get(facts, FACT_migrate_reserve))
		kept = true; /* open to all, tried last */
	else if (fact_get(facts, FACT_alloc_non_block_rule) == NON_BLOCK_NO_RECLAIM)
		kept = alloc_flags & ALLOC_HIGHATOMIC;
	else
		kept = order && (alloc_flags & ALLOC_NON_BLOCK);
	if (resort >= LAST_RESORT_VICTIMS && (alloc_flags & ALLOC_OOM))
		kept = true;
	if (resort == LAST_RESORT_NON_BLOCK && (alloc_flags & ALLOC_NON_BLOCK))
		kept = true;
	if (kept)
		types |= 1U << MIGRATE_HIGHATOMIC;
	if (alloc_flags & ALLOC_CMA)
		types |= 1U << MIGRATE_CMA;
	return types;
}
