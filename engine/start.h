/* SPDX-License-Identifier: MIT */
/*
 * Start: the state of a machine in the middle of its life, from what it tells of itself.
 *
 *   1. /proc/kpageflags says which page frames are free.  Free blocks follow from that: they are as large
 *      as can be, for else they had merged.
 *   2. /proc/pagetypeinfo says how many pageblocks there are of each type, and how many free blocks of each
 *      order and type.  Which pageblock is of which type is not told; the assignment is taken that agrees
 *      best with these numbers and with what the pages of the pageblock are used for.
 *   3. /proc/zoneinfo says how many pages each page set holds, and its marks.
 *
 * All other pages are in use.  Nothing tells the order of a free list, nor which pages a page set holds:
 * what is known of them stays, the rest is learned from the events that follow.
 */
#ifndef ENGINE_START_H
#define ENGINE_START_H

#include "engine/page_alloc.h"

/* Page frames [start, end). */
struct start_range {
	pfn_t start, end;
};

/* In any order; they may overlap.  Borrowed. */
struct start_ranges {
	const struct start_range *ranges;
	uint32_t count;
};

struct start_zone {
	bool has_free, has_blocks; /* the tables below were told */
	uint64_t free[BUDDY_ORDER_COUNT][MIGRATE_TYPE_COUNT]; /* blocks */
	uint64_t blocks[MIGRATE_TYPE_COUNT]; /* pageblocks */
};

struct start_set {
	bool known;
	uint32_t count, batch, high; /* pages */
	uint32_t high_min, high_max; /* both 0: not told */
};

/* A block that was freed by a CPU. */
struct start_freed {
	pfn_t pfn;
	uint32_t cpu;
	unsigned int order;
};

struct start {
	uint64_t page_count; /* page frames that were told of, from 0 on */
	struct start_ranges free;
	bool has_uses; /* the three below are known */
	struct start_ranges lru; /* of user memory and of files: what movable requests are for */
	struct start_ranges slab;
	struct start_ranges reserved; /* from the boot on, whatever the type of their pageblock */
	/* Page frames that changed while this was told: here the allocator knows better. */
	struct start_ranges changed;
	/* Pageblocks had these types at first; NULL: those that the allocator has. */
	const struct buddy *types;
	struct start_zone *zones; /* as those of the buddy */
	struct start_set *sets; /* zone by zone, CPU by CPU, as those of the allocator */
	bool late; /* page sets may have pages from before anything was known */
	/*
	 * The last blocks that were freed before all was told, the oldest first: what nobody was handed since
	 * and is not free lies on a page set.
	 */
	const struct start_freed *freed;
	uint32_t freed_count;
	/* Pages that came to each page set since that was told, or (below 0) went; NULL: none did. */
	const int32_t *net;
};

/* How far the state was from what was told. */
struct start_report {
	uint64_t pages; /* that are free */
	uint64_t freed, taken; /* pages that were thought in use, or free */
	uint64_t retyped; /* pageblocks */
	uint64_t
		unexplained; /* free blocks, too many and too few of their order and type, that are left */
	uint64_t unlisted; /* pages of page sets that are not known by name */
};

/*
 * Brings @a, whose lists may be empty, to what @s tells.  False, and the contents are void: the host has
 * no memory.
 */
bool start_apply(struct page_alloc *a, const struct start *s, struct start_report *ret);

/*
 * The @count last blocks that were freed, the oldest first, went to page sets, and none of these was drained or
 * filled since: what nobody was handed lies there.  False: the host has no memory.
 */
bool start_list_freed(struct page_alloc *a, const struct start_freed *freed, uint32_t count);

/* Pages that are free by one of the two accounts alone.  UINT64_MAX: the host has no memory. */
uint64_t start_distance(const struct page_alloc *a, const struct start *s);

/* Takes every page off every list: nothing is free, and no memory is pending. */
void start_forget(struct page_alloc *a);

#endif
