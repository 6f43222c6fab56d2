/* SPDX-License-Identifier: MIT */
/*
 * Start types: which pageblock of a zone is of which type, when only their numbers are told.
 *
 * Each pageblock has a price for each type, by what its pages are used for:
 *
 *	movable		so much for each page of a slab, less for each of no known use
 *	unmovable	so much for each page of user memory
 *	reclaimable	the same, and something for each of no known use
 *
 *   1. The cheapest pageblocks are made unmovable and reclaimable, as many as there must be.
 *   2. As long as it helps, two pageblocks exchange their types: so that there are as many free blocks of
 *      each order and type as were told, and then for the price.
 *   3. The same from the types that pageblocks were thought to have, of which no more change than must.  The
 *      cheaper outcome is taken; of two alike, this one.
 */
#ifndef ENGINE_START_TYPES_H
#define ENGINE_START_TYPES_H

#include "engine/buddy.h"

struct start_block {
	pfn_t pfn; /* its first */
	enum migratetype type; /* as it was thought, and is made */
	bool fixed; /* its type is known */
	uint32_t lru, slab, other; /* pages in use */
	bool unused; /* all its memory is free */
	enum migratetype
		hint; /* of an unused one: what is beside it; MIGRATE_TYPE_COUNT: nothing */
	uint16_t free[BUDDY_ORDER_COUNT]; /* free blocks that begin in it */
};

/*
 * Gives the @count pageblocks their types; @wanted of them are of each type.  @free, which may be NULL, has
 * how many free blocks there are of each order; *@misfits_ret is how many are too many or too few then.
 * False: the host has no memory.
 */
bool start_types_assign(struct start_block *blocks, uint32_t count,
			const uint64_t wanted[MIGRATE_TYPE_COUNT],
			const uint64_t (*free)[MIGRATE_TYPE_COUNT], uint64_t *misfits_ret);

/* What the pages of a pageblock are used for most. */
enum migratetype start_types_suggested(const struct start_block *block);

#endif
