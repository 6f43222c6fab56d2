/* SPDX-License-Identifier: MIT */
/*
 * Page sets: the per-CPU lists before the buddy lists.  Pages are taken from and freed to the head of a
 * list; a refill appends at the tail; a drain takes from the tail.
 */
#ifndef ENGINE_PAGESET_H
#define ENGINE_PAGESET_H

#include "engine/page_alloc.h"

/* Which list serves a request, PCP_LIST_NONE if page sets hold no such order or type. */
static inline unsigned int pageset_list(const struct page_alloc *a, unsigned int order,
					enum migratetype type)
{
	return order < BUDDY_ORDER_COUNT ? a->rules.list_of[order][type] : PCP_LIST_NONE;
}
/* Fills the table that answers it. */
void pageset_init_lists(struct alloc_rules *rules);
/* The order of the blocks on list @index. */
static inline unsigned int pageset_list_order(const struct page_alloc *a, unsigned int index)
{
	return a->rules.list_order[index];
}

/* The page at the head, or PFN_NONE; pageset_nth() counts from 0. */
pfn_t pageset_head(const struct page_alloc *a, const struct pageset *set, unsigned int index);
/*
 * __mod_zone_page_state(), @count times, each of @pages, below 0 if they go: all see what the CPU had in *@diff
 * when that is more than @threshold, 0 or above; *@diff is not before.
 */
static inline void pageset_count(int32_t *diff, int32_t pages, uint32_t count, int32_t threshold)
{
	uint32_t size = (uint32_t)(pages < 0 ? -pages : pages);
	int32_t had = pages < 0 ? -*diff : *diff;
	/* A threshold that sank is found out now. */
	uint32_t until = had > threshold ? 1 : (uint32_t)(threshold - had) / size + 1;
	uint32_t left = count < until ? count : (count - until) % ((uint32_t)threshold / size + 1);

	had = (count < until ? had : 0) + (int32_t)(left * size);
	*diff = pages < 0 ? -had : had;
}
/* The same for @count free blocks of @type and of @pages each, where the kernel has CMA and so asks for it. */
static inline void pageset_count_free(const struct page_alloc *a, uint32_t zone,
				      struct stat_diff *diff, int32_t pages, uint32_t count,
				      enum migratetype type)
{
	int32_t threshold = a->zones[zone].stat_threshold;

	/* What is isolated is not counted as free. */
	if (!a->rules.cma || type == MIGRATE_ISOLATE)
		return;
	pageset_count(&diff->free, pages, count, threshold);
	if (type == MIGRATE_CMA)
		pageset_count(&diff->cma, pages, count, threshold);
}
/*
 * @count blocks of @type and of @pages each leave for a list that is being filled.  Older kernels count those of CMA
 * at once, and all when the list is filled.
 */
static inline void pageset_count_taken(const struct page_alloc *a, uint32_t zone,
				       struct stat_diff *diff, int32_t pages, uint32_t count,
				       enum migratetype type)
{
	if (a->rules.free_counted_by_page) {
		pageset_count_free(a, zone, diff, -pages, count, type);
	} else if (a->rules.cma) {
		diff->free -= pages * (int32_t)count;
		if (type == MIGRATE_CMA)
			pageset_count(&diff->cma, -pages, count, a->zones[zone].stat_threshold);
	}
}
pfn_t pageset_tail(const struct page_alloc *a, const struct pageset *set, unsigned int index);
/* Takes the head off.  The list is not empty. */
pfn_t pageset_pop(struct page_alloc *a, struct pageset *set, unsigned int index);

/* What taking a page does to the set's tuning before anything else (rmqueue_pcplist). */
static inline void pageset_before_alloc(struct page_alloc *a, struct pageset *set)
{
	if (a->rules.refill == REFILL_TUNED)
		set->free_count >>= 1;
	else
		set->free_factor >>= 1;
}
/* How many blocks a refill of list @index would be now; tunes the set as the kernel does. */
unsigned int pageset_refill_count(struct page_alloc *a, uint32_t zone, struct pageset *set,
				  unsigned int order);
/* Moves up to @blocks blocks from the zone to the tail of list @index. Returns how many came. */
unsigned int pageset_refill(struct page_alloc *a, uint32_t zone, struct pageset *set,
			    unsigned int index, enum migratetype type, uint32_t flags,
			    unsigned int blocks);
/* The fill of a list is over: up to 6.9 its blocks are counted now. */
static inline void pageset_count_filled(const struct page_alloc *a, uint32_t zone,
					struct pageset *set)
{
	if (set->diff.free < -a->zones[zone].stat_threshold)
		set->diff.free = 0;
}
/* Undoes the last @blocks blocks of a refill of list @index; nor does the CPU count what its last refill gave of them. */
void pageset_unrefill(struct page_alloc *a, uint32_t zone, struct pageset *set, unsigned int index,
		      unsigned int blocks);

/* A block was freed to list @index and is counted: drains what is too much (free_unref_page_commit). */
void pageset_drain_freed(struct page_alloc *a, uint32_t zone, struct pageset *set,
			 unsigned int index);
/* Drains @pages pages, starting at list @first (free_pcppages_bulk). */
void pageset_drain(struct page_alloc *a, uint32_t zone, struct pageset *set, uint32_t pages,
		   unsigned int first);

/*
 * A block of @order was freed to @set, whose count has it: what 6.7 and later tune changes.  Is something to be
 * drained?  *@pages, which is untouched otherwise.
 */
bool pageset_tune_freed(struct page_alloc *a, uint32_t zone, struct pageset *set,
			unsigned int order, uint32_t *pages);

/* The high mark after the statistics worker ran. */
uint32_t pageset_decayed_high(const struct pageset *set);

/*
 * What the CPU's statistics worker does about once a second to each of its page sets: the
 * high mark sinks by an eighth, and what is above it is drained (decay_pcp_high).
 */
void pageset_decay(struct page_alloc *a, uint32_t zone, struct pageset *set);

/*
 * The last free, of a block of @order to list @index, made the kernel drain, which the model did not
 * expect: it holds more pages than are known of, or its high mark has sunk.  Takes that over and drains.
 */
void pageset_drain_late(struct page_alloc *a, uint32_t zone, struct pageset *set,
			unsigned int order, unsigned int index);
/* It did not make it drain, against expectation; what was drained is back already. */
void pageset_no_drain(struct page_alloc *a, struct pageset *set);

/* Does @pfn begin a block on any page set's list? */
bool pageset_holds(struct page_alloc *a, uint32_t zone, pfn_t pfn);
/* Where @pfn is: false if it is on no list of @set.  As slow as it is far from the nearer end. */
bool pageset_find(const struct page_alloc *a, const struct pageset *set, pfn_t pfn,
		  unsigned int *index_ret, uint32_t *depth_ret);
/* The page set of @zone, of whatever CPU, that has the page @pfn, and the list; NULL: none has. */
struct pageset *pageset_of(const struct page_alloc *a, uint32_t zone, pfn_t pfn,
			   unsigned int *index_ret);
/* Takes @pfn, which is on list @index, off. */
void pageset_remove(struct page_alloc *a, uint32_t zone, struct pageset *set, unsigned int index,
		    pfn_t pfn);
/* Puts a block that is on no list at the head or tail; no drain, no tuning. */
void pageset_insert(struct page_alloc *a, uint32_t zone, struct pageset *set, unsigned int index,
		    pfn_t pfn, bool to_tail);
/* Walks a list from its head: *cursor begins as BUDDY_LIST_START. */
bool pageset_next(const struct page_alloc *a, const struct pageset *set, unsigned int index,
		  uint32_t *cursor, pfn_t *pfn);

#endif
