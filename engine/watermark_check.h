/* SPDX-License-Identifier: MIT */
/*
 * Watermark check: may a request take 2^order pages from a zone?  A pure function of a handful of
 * numbers (__zone_watermark_ok and zone_watermark_fast in mm/page_alloc.c).
 *
 * Words:
 *   mark      the watermark the request is held to, boost included
 *   rights    alloc flags that let a request below the mark: __GFP_HIGH, what may not block, victims
 *   unusable  free pages that this request cannot have: 2^order - 1 of them, because one block more has
 *             to fit; those kept for high-order atomic requests; those of CMA areas
 *   reserve   lowmem_reserve[] of the zone for the highest zone the request could have used
 *
 * The test in three steps, each by the rules of the kernel:
 *   1. fast, order 0 only:  usable > mark + reserve                     passed
 *   2. full:  usable <= mark less rights + reserve                      refused
 *   3. order > 0:  some free list that the request may use has a block  passed, else refused
 * Up to 4.3 step 3 goes through the orders below instead: their free pages do not count, and half the
 * mark must still be exceeded at each.
 *
 * Elsewhere: which zones are asked, and in which order.
 */
#ifndef ENGINE_WATERMARK_CHECK_H
#define ENGINE_WATERMARK_CHECK_H

#include "engine/alloc_flags.h"
#include "engine/facts.h"
#include "engine/migratetype.h"
#include "engine/units.h"

/* Values of the fact watermark_fast. */
enum watermark_fast_rule {
	WATERMARK_FAST_NONE = 0, /* the full check only */
	WATERMARK_FAST_CMA = 1, /* unusable: pages of CMA areas */
	WATERMARK_FAST_WRAPS = 2, /* all that is unusable; less than none passes for very many */
	WATERMARK_FAST_ALL = 3, /* all that is unusable */
};

/* What differs between kernels; made once from facts. */
struct watermark_rules {
	enum watermark_fast_rule fast;
	bool min_reserve; /* 6.3 on: __GFP_HIGH is the right, not blocking adds to it */
	bool looks_for_block; /* 4.4 on: one block that is large enough will do */
	bool harder_any_block; /* 4.4 to 4.14: with the harder right, of any type */
	bool boost_retest; /* 5.9 on: see ALLOC_SKIP_BOOST */
};

void watermark_rules_init(struct watermark_rules *ret, const struct facts *facts);

/* The numbers of a zone, pages all. */
struct watermark_zone {
	int64_t free; /* NR_FREE_PAGES */
	int64_t free_cma; /* NR_FREE_CMA_PAGES; 0 without CMA */
	/* Kept for high-order atomic requests: in whole pageblocks, or (fact
	 * watermark_counts_free_highatomic) free ones alone; 0 up to 4.3. */
	int64_t highatomic;
	int64_t mark; /* boost included */
	int64_t boost; /* 0 before 5.0 */
	int64_t reserve; /* lowmem_reserve[highest zone of the request] */
	/* A bit for each order with a free block, by migratetype (buddy_zone.nonempty).  Borrowed; read
	 * for order > 0 where rules.looks_for_block holds, and may be NULL otherwise. */
	const uint32_t *nonempty;
	/* Free blocks by order, all types.  Borrowed; read for order > 0 elsewhere. */
	const uint64_t *nr_free;
};

enum watermark_refusal {
	WATERMARK_PASSED,
	WATERMARK_TOO_FEW, /* step 2: too few usable pages */
	WATERMARK_NO_BLOCK, /* step 3: enough pages, in blocks that are too small or of other types */
	WATERMARK_TOO_FEW_ABOVE, /* step 3 up to 4.3: too few pages in blocks above .order */
};

/* How the answer came about; every number that went into it. */
struct watermark_answer {
	enum watermark_refusal refusal;
	bool fast; /* passed by the fast check: .fast_usable was above .limit, with a whole mark */
	bool retest; /* these are the numbers of the second test, without boost */
	int64_t too_large; /* 2^order - 1 */
	int64_t highatomic; /* subtracted; 0 with rights */
	int64_t cma; /* subtracted; 0 with ALLOC_CMA */
	int64_t usable; /* free less the three above; may be negative */
	/* What the fast check takes for it, where there is one: it may not see all that is unusable,
	 * and take a negative number for INT64_MAX. */
	int64_t fast_usable;
	/* What rights are worth; 0 each where the fast check passed. */
	int64_t high_part; /* __GFP_HIGH: half of the mark */
	int64_t non_block_part; /* cannot wait: a quarter of what is left */
	int64_t victim_part; /* victims: half of what is left */
	int64_t min; /* the mark less these three */
	int64_t limit; /* min + reserve; usable must be above it */
	/* Steps through the orders, with WATERMARK_TOO_FEW_ABOVE. */
	unsigned int order; /* blocks of this order and below do not count */
	int64_t usable_above, min_above; /* usable_above must be above min_above */
};

/* The full check; the fast one first where the kernel has it.  @order < 32; @ret may be NULL. */
bool watermark_check(const struct watermark_rules *rules, const struct watermark_zone *zone,
		     unsigned int order, unsigned int alloc_flags, struct watermark_answer *ret);

/* A bit for each migratetype whose free lists a request of order > 0 may count on in step 3. */
uint32_t watermark_usable_types(const struct watermark_rules *rules, unsigned int alloc_flags);

/* Do @alloc_flags let the request have pages kept for high-order atomic ones? */
static inline bool watermark_highatomic_right(const struct watermark_rules *rules,
					      unsigned int alloc_flags)
{
	return alloc_flags & (rules->min_reserve ? ALLOC_RIGHTS : ALLOC_NON_BLOCK | ALLOC_OOM);
}

/* The same for who knows that at least @least pages are usable by anybody; @limit is mark and reserve. */
static inline bool watermark_least(const struct watermark_rules *rules, const uint32_t *nonempty,
				   int64_t least, int64_t limit, unsigned int order)
{
	if (least - ((int64_t)1 << order) + 1 <= limit)
		return false;
	return !order ||
	       (rules->looks_for_block && (nonempty[MIGRATE_UNMOVABLE] | nonempty[MIGRATE_MOVABLE] |
					   nonempty[MIGRATE_RECLAIMABLE]) >>
						  order);
}

/*
 * The common case alone: what passes with everything subtracted and no right at all passes by the rules
 * of every kernel, and a block of a type that is open to everybody is open to this request.  False: ask
 * watermark_check().
 */
static inline bool watermark_plenty(const struct watermark_rules *rules,
				    const struct watermark_zone *zone, unsigned int order)
{
	return watermark_least(rules, zone->nonempty,
			       zone->free - zone->highatomic - zone->free_cma,
			       zone->mark + zone->reserve, order);
}

/* The same answer as watermark_check, the common case sooner. */
static inline bool watermark_ok(const struct watermark_rules *rules,
				const struct watermark_zone *zone, unsigned int order,
				unsigned int alloc_flags)
{
	return watermark_plenty(rules, zone, order) ||
	       watermark_check(rules, zone, order, alloc_flags, NULL);
}

#endif
