/* SPDX-License-Identifier: MIT */
/*
 * Page allocator: the running kernel's answer to "give me 2^order pages".  Per-CPU page sets before the
 * buddy lists (pageset.h), fallback between migratetypes behind them (rmqueue.h), the walk over zones
 * and their watermarks here.
 *
 * All behaviour that differs between kernels is read from facts once, into struct alloc_rules.
 *
 * A model that is asked to tells what it does in the kernel's own tracepoints: with a struct
 * alloc_events set, every page taken from or put on a buddy list is noted as the event that kernel would
 * have recorded.  Replay compares these with the recorded ones.
 */
#ifndef ENGINE_PAGE_ALLOC_H
#define ENGINE_PAGE_ALLOC_H

#include "engine/alloc_flags.h"
#include "engine/buddy.h"
#include "engine/event.h"
#include "engine/watermark_check.h"
#include "engine/zonelist.h"

/* Lists of a page set: orders 0 to 3 by migratetype, then huge pages. */
#define PCP_LISTS_MAX 15
#define PCP_HUGE_FIRST 12
#define PCP_LIST_NONE PCP_LISTS_MAX

struct pcp_list {
	uint32_t head, tail; /* links as in buddy_entry.h, order below the largest */
	uint32_t count; /* blocks */
};

/*
 * Of NR_FREE_PAGES and NR_FREE_CMA_PAGES, where the kernel has CMA: pages that only one CPU has counted yet.
 * Below 0 if they went.
 */
struct stat_diff {
	int32_t free, cma;
};

/* How a refill began, where the kernel has CMA. */
struct cma_fill {
	int64_t free, cma; /* pages of the zone, but for what other CPUs have not told */
	struct stat_diff diff, after; /* when it began, and when it was over */
	uint32_t blocks; /* that it gave and that are not given back; 0: none yet */
	uint8_t index;
	bool turns; /* between CMA areas and the rest */
};

/* What one CPU keeps of one zone (struct per_cpu_pages). */
struct pageset {
	struct pcp_list lists[PCP_LISTS_MAX];
	uint32_t nonempty; /* bit per list */
	uint32_t count; /* pages */
	uint32_t
		unknown; /* of these, pages of which nobody knows which; they lie below all others */
	uint32_t batch, high, high_min, high_max; /* pages */
	uint32_t free_count; /* pages freed in a row, 6.7 and later */
	uint8_t alloc_factor, free_factor; /* powers of two */
	bool freed_high_order; /* the last free was of orders 1 to 3 */
	bool high_batch; /* PCPF_FREE_HIGH_BATCH: the CPU's cache slice is large */
	struct stat_diff diff;
	struct cma_fill cma_fill; /* the last one */
};

struct alloc_zone {
	uint64_t managed; /* pages */
	uint64_t watermark[WMARK_COUNT]; /* pages, without boost */
	int32_t stat_threshold; /* pages: what a CPU counts at most before all see it */
	int64_t drift; /* pages the kernel's own counter is lower; it is folded late (vmstat) */
	int64_t seen_more; /* pages that CMA takes its turns by and that are not known to be free */
	uint64_t boost; /* pages added to every watermark; see keeps_boost */
	uint64_t lowmem_reserve[ZONE_TYPE_COUNT]; /* pages, by zone type of the request */
	uint64_t reserved_highatomic; /* pages in such pageblocks */
	bool avoids_fragments; /* requests that prefer it get ALLOC_NOFRAGMENT */
	bool below_high; /* ZONE_BELOW_HIGH */
	bool reclaim_active; /* ZONE_RECLAIM_ACTIVE, set from outside */
	bool fair_depleted; /* ZONE_FAIR_DEPLETED */
	int64_t alloc_batch; /* NR_ALLOC_BATCH: pages left in this round, where zones take turns */
};

/* Values of the fact fair_zones: whose batches count in the fast path? */
enum fair_zones { FAIR_NO = 0, FAIR_ALL = 1, FAIR_LOCAL = 2, FAIR_LOCAL_THEN_ALL = 3 };

/* Values of the facts pcp_refill_rule and pcp_drain_amount. */
enum refill_rule { REFILL_BATCH = 0, REFILL_BY_ORDER = 1, REFILL_TUNED = 2 };
enum drain_amount { DRAIN_BATCH = 0, DRAIN_DOUBLING = 1, DRAIN_HIGH_ORDERS = 2, DRAIN_TUNED = 3 };

/* Values of the fact fallback_rule. */
enum fallback_rule {
	FALLBACK_2_6_24 = 0,
	FALLBACK_4_0 = 1,
	FALLBACK_4_12 = 2,
	FALLBACK_6_10 = 3,
	FALLBACK_6_15 = 4,
};

/* Values of the fact pcp_drain_order. */
enum drain_order { DRAIN_TURNS = 0, DRAIN_TURNS_OR_ONLY = 1, DRAIN_LIST_FIRST = 2 };

/* What of the facts the allocator acts on. */
struct alloc_rules {
	unsigned int refill, drain_amount, drain_order, thp_lists, fallback, free_high_threshold;
	bool high_orders, free_factor_limited, drain_current_type, empty_tries_buddy, cma_bypass;
	bool free_counted_by_page;
	bool smallest_first, moves_to_tail, locked_lists_type, cma, cma_balance, nofragment;
	bool below_high, thp, high_decays, decay_chunked, drain_chunked;
	bool counts_free_highatomic; /* not reserved_highatomic */
	bool migrate_reserve; /* MIGRATE_RESERVE pageblocks, which all fall back to, not HIGHATOMIC ones */
	bool reserve_pages_stay, highatomic_all_blocks, highatomic_past_pagesets;
	bool boost_spares_small, block_move_in_zone, drain_clamped, bypass_keeps_type;
	bool poison_counted, isolation_splits, compaction_in_zone;
	unsigned int highatomic_limit, highatomic_last_resort, boost_factor;
	enum fair_zones fair;
	struct watermark_rules watermark;
	unsigned int huge_order; /* of the huge page lists; UINT_MAX = none */
	uint8_t list_rank[MIGRATE_TYPE_COUNT]; /* the kernel's number of a type */
	/* The page set's list for a request, and for a page that is freed, or PCP_LIST_NONE. */
	uint8_t list_of[BUDDY_ORDER_COUNT][MIGRATE_TYPE_COUNT];
	uint8_t list_of_freed[BUDDY_ORDER_COUNT][MIGRATE_TYPE_COUNT];
	uint8_t list_order[PCP_LISTS_MAX]; /* of the blocks on a list */
};

/* Events the model would have caused, oldest first. */
struct alloc_events {
	/*
	 * Kind, pfn, order, migratetype, fallback fields, flags.  Of EVENT_PCPU_DRAIN, fallback_order is the list of
	 * the page set that the block was on, which no trace tells.
	 */
	struct event *events;
	uint32_t count, room;
	bool out_of_memory; /* some are missing */
};

struct page_alloc {
	struct buddy *buddy; /* borrowed */
	struct alloc_rules rules;
	struct alloc_zone *zones; /* as buddy->zones */
	struct pageset *sets; /* zone by zone, CPU by CPU */
	uint32_t zone_count, cpu_count;
	uint32_t *rows; /* per node: zones in the order they are tried, highest type first */
	uint32_t *row_length;
	uint32_t node_count, row_room;
	struct zoneref *refs; /* while rows are built */
	bool several_nodes; /* online ones */
	uint32_t *first_zone; /* per node and highest zone type: the first of the row, or none */
	/* Where the last page was found: a run of pages of one zone. */
	struct near_pages {
		pfn_t start;
		uint64_t pages;
		uint32_t zone;
		uint32_t slots_before; /* slot = pfn >> max_order, plus this (it wraps) */
		uint32_t blocks_before; /* the same of its pageblock: pfn >> pageblock_order */
	} near;
	enum migratetype taken_type; /* of the list the last block came from */
	/*
	 * Whoever sets this works boosts off by page_alloc_balance().  Elsewhere zones get none: kswapd
	 * would soon have worked them off, and when is not known.
	 */
	bool keeps_boost;
	uint64_t pcp_fraction; /* sysctl vm.percpu_pagelist_(high_)fraction; 0: not set */
	/* Drains that the kernel would not have come back from, see the fact pcp_drain_clamped. */
	uint64_t endless_drains;
	uint64_t past_low; /* requests for which all zones were below their low watermark */
	size_t zone_room, set_room, row_entries_room, node_room, ref_room; /* of the buffers */
	struct alloc_events *events; /* NULL: none wanted.  Borrowed */
	bool out_of_memory; /* the host had none: contents are void */
};

struct alloc_request {
	uint32_t cpu;
	int32_t nid; /* whose zonelist */
	unsigned int order;
	enum migratetype type;
	enum zone_type highest; /* gfp_zone() */
	uint32_t flags; /* enum alloc_flag */
	bool thisnode;
};

/*
 * An allocator over @buddy with boot page sets (batch 1, high 0) for @cpu_count CPUs and no watermarks.
 * @buddy is borrowed until deinit; the rest is read now only.
 */
void page_alloc_init(struct page_alloc *a, struct buddy *buddy, const struct arch_config *config,
		     const struct facts *facts, const struct node *nodes, uint32_t node_count,
		     const struct zonelists *zonelists, uint32_t cpu_count);
/* The same on an allocator, or zeroes: its buffers are used again. */
void page_alloc_renew(struct page_alloc *a, struct buddy *buddy, const struct arch_config *config,
		      const struct facts *facts, const struct node *nodes, uint32_t node_count,
		      const struct zonelists *zonelists, uint32_t cpu_count);
void page_alloc_deinit(struct page_alloc *a);
/* Makes @dst (not initialised) an equal allocator over @buddy, which is a copy of src's. */
void page_alloc_copy(struct page_alloc *dst, const struct page_alloc *src, struct buddy *buddy);

/* Takes watermarks and reserves (but not boost) from @nodes, as setup_per_zone_wmarks() leaves them. */
void page_alloc_set_watermarks(struct page_alloc *a, const struct node *nodes);
/* Sizes the page sets of @zone: pageset_update() of every CPU. */
void page_alloc_set_pagesets(struct page_alloc *a, uint32_t zone, uint64_t batch, uint64_t high,
			     uint64_t high_min, uint64_t high_max);

/*
 * Writes @fraction to the sysctl that sizes page sets by a part of the zone, 0 for the sizes of the boot
 * again; @nodes is as it was at the end of that.  False: the kernel refuses it.
 */
bool page_alloc_set_fraction(struct page_alloc *a, const struct node *nodes, uint64_t fraction,
			     uint32_t online_cpus, const struct arch_config *config,
			     const struct facts *facts);

/* The flags of a request's first attempt, from its other fields (alloc_flags_nofragment() too). */
uint32_t page_alloc_fast_flags(const struct page_alloc *a, const struct alloc_request *req);
/* By how many pages @zone is above what it must keep for @req; 0 or less: it refuses. */
int64_t page_alloc_margin(const struct page_alloc *a, uint32_t zone,
			  const struct alloc_request *req, enum watermark mark);

/* Pages of @zone that a watermark check takes off as kept for high-order atomic requests. */
static inline uint64_t page_alloc_highatomic(const struct page_alloc *a, uint32_t zone)
{
	return a->rules.counts_free_highatomic
		       ? a->buddy->zones[zone].free_pages[MIGRATE_HIGHATOMIC]
		       : a->zones[zone].reserved_highatomic;
}

/* The zone a request is served from, BUDDY_ZONE_NONE when all refuse it. */
uint32_t page_alloc_choose_zone(struct page_alloc *a, const struct alloc_request *req);
/*
 * Serves a request in the order of the kernel's fast path.  Returns the first page, PFN_NONE when it
 * fails; *@zone_ret (may be NULL) is where it came from.
 */
pfn_t page_alloc_get(struct page_alloc *a, const struct alloc_request *req, uint32_t *zone_ret);
/* Frees 2^@order pages at @pfn on @cpu.  False: no zone has that page. */
bool page_alloc_put(struct page_alloc *a, uint32_t cpu, pfn_t pfn, unsigned int order);

/* The same where the lock of the page set is taken by someone else: the page goes past it (6.0 on). */
bool page_alloc_put_past(struct page_alloc *a, uint32_t cpu, pfn_t pfn, unsigned int order);
/* Takes the one page @pfn, if it is free in the lists, off for good (take_page_off_buddy). */
bool page_alloc_poison(struct page_alloc *a, pfn_t pfn);
/* kswapd has balanced @nid: what it found of boosts at the beginning is worked off. */
void page_alloc_balance(struct page_alloc *a, int32_t nid);
/*
 * Makes a pageblock kept for high-order atomic requests one of the request's type, in the first zone of
 * its list that has a free block there; the last pageblock of a zone only if @force.  The kernel does that
 * when reclaim does not help.
 */
bool page_alloc_unreserve(struct page_alloc *a, const struct alloc_request *req, bool force);

/* Notes that a block, which is on no list, was handed out to a request for @type. */
void page_alloc_mark(struct page_alloc *a, uint32_t zone, pfn_t pfn, unsigned int order,
		     enum migratetype type);
/* Takes such a note back, if there is one; blocks on lists stay as they are. */
void page_alloc_unmark(struct page_alloc *a, uint32_t zone, pfn_t pfn);

/* Was a block of exactly @order handed out at @pfn? */
bool page_alloc_is_held(struct page_alloc *a, uint32_t zone, pfn_t pfn, unsigned int order);

/* The order of the block that was handed out whose first page frame is @pfn; -1 if none was. */
int page_alloc_held_order(struct page_alloc *a, uint32_t zone, pfn_t pfn);
/* The type of the request the block at @pfn was handed out to; MIGRATE_TYPE_COUNT: not known. */
enum migratetype page_alloc_held_type(struct page_alloc *a, uint32_t zone, pfn_t pfn);

/* page_alloc_zone_of() of a page that lies elsewhere than the last one. */
uint32_t page_alloc_search_zone(struct page_alloc *a, pfn_t pfn);
/* The zone that holds @pfn, or BUDDY_ZONE_NONE. */
static inline uint32_t page_alloc_zone_of(struct page_alloc *a, pfn_t pfn)
{
	return pfn - a->near.start < a->near.pages ? a->near.zone : page_alloc_search_zone(a, pfn);
}

static inline struct pageset *page_alloc_set(struct page_alloc *a, uint32_t zone, uint32_t cpu)
{
	return &a->sets[zone * a->cpu_count + cpu];
}

/* NR_FREE_PAGES: isolated pages do not count. */
static inline uint64_t page_alloc_zone_free(const struct page_alloc *a, uint32_t zone)
{
	const uint64_t *pages = a->buddy->zones[zone].free_pages;

	return pages[MIGRATE_UNMOVABLE] + pages[MIGRATE_MOVABLE] + pages[MIGRATE_RECLAIMABLE] +
	       pages[MIGRATE_HIGHATOMIC] + pages[MIGRATE_CMA];
}

/* Notes an event if they are wanted. */
void page_alloc_note(struct page_alloc *a, const struct event *e);
/* Makes room for @count more events, which are wanted; the first of it, or NULL without memory. */
struct event *page_alloc_note_room(struct page_alloc *a, uint32_t count);

#endif
