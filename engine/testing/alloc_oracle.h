/* SPDX-License-Identifier: MIT */
/*
 * A slow and obvious page allocator: free lists and per-CPU lists are arrays of page frames in order,
 * every question is a search, and one cell per page says who has it.  Rules are asked from facts each
 * time.
 *
 * Not here: watermarks and boost are those of engine/watermark_check.h, which has an oracle of its own;
 * order of zones is given.
 */
#ifndef ENGINE_TESTING_ALLOC_ORACLE_H
#define ENGINE_TESTING_ALLOC_ORACLE_H

#include "engine/page_alloc.h"
#include "engine/testing/buddy_oracle.h"

#define ALLOC_ORACLE_CPUS 2
#define ALLOC_ORACLE_NODES 4

struct alloc_oracle_list {
	uint32_t pfn[BUDDY_ORACLE_PAGES];
	uint8_t type[BUDDY_ORACLE_PAGES]; /* remembered since the page came here */
	uint32_t count;
};

struct alloc_oracle_set {
	struct alloc_oracle_list lists[PCP_LISTS_MAX];
	int64_t count, batch, high, high_min, high_max, free_count;
	unsigned int alloc_factor, free_factor;
	bool after_high_order, high_batch;
};

struct alloc_oracle_zone {
	int32_t nid;
	enum zone_type type;
	pfn_t start, end;
	int64_t mark[WMARK_COUNT], reserve[ZONE_TYPE_COUNT];
	bool below_high, reclaim_active, depleted;
	int64_t managed, boost, reserved, batch; /* pages; batch: left of NR_ALLOC_BATCH */
	struct alloc_oracle_set sets[ALLOC_ORACLE_CPUS];
};

struct alloc_oracle {
	struct buddy_oracle b;
	const struct facts *facts;
	struct arch_config config;
	struct alloc_oracle_zone zones[BUDDY_ORACLE_ZONES];
	uint32_t rows[ALLOC_ORACLE_NODES][BUDDY_ORACLE_ZONES];
	uint32_t row_length[ALLOC_ORACLE_NODES], node_count;
	bool several_nodes; /* online ones */
	uint32_t
		uncounted; /* pages of a refill that goes on, which older kernels count at its end */
	uint8_t held[BUDDY_ORACLE_PAGES]; /* type of the request that has the page, plus 1 */
};

/* Copies @b's lists and types; sets, marks and rows are the caller's to fill. */
void alloc_oracle_init(struct alloc_oracle *o, const struct arch_config *config,
		       const struct facts *facts, const struct buddy_oracle *b);
pfn_t alloc_oracle_get(struct alloc_oracle *o, const struct alloc_request *req);
void alloc_oracle_put(struct alloc_oracle *o, uint32_t cpu, pfn_t pfn, unsigned int order);
void alloc_oracle_drain(struct alloc_oracle *o, uint32_t zone, uint32_t cpu, int64_t pages,
			unsigned int first);
bool alloc_oracle_unreserve(struct alloc_oracle *o, const struct alloc_request *req, bool force);
/* What page_alloc_fast_flags() and page_alloc_choose_zone() answer. */
uint32_t alloc_oracle_fast_flags(const struct alloc_oracle *o, const struct alloc_request *req);
uint32_t alloc_oracle_choose(struct alloc_oracle *o, const struct alloc_request *req);
/* NULL, or a static sentence on how @a differs. */
const char *alloc_oracle_compare(const struct alloc_oracle *o, struct page_alloc *a);

#endif
