/* SPDX-License-Identifier: MIT */
/*
 * Alloc pair: one small machine twice, once for the page allocator and once for the slow model of
 * alloc_oracle.h.  What is done is done to both; each page that is handed out must be the same, and every list.
 */
#ifndef ENGINE_TESTING_ALLOC_PAIR_H
#define ENGINE_TESTING_ALLOC_PAIR_H

#include "engine/prng.h"
#include "engine/testing/alloc_oracle.h"

#define ALLOC_PAIR_HELD_MAX 512

enum alloc_step_kind {
	ALLOC_STEP_GET,
	ALLOC_STEP_PUT, /* of block number @target of those held, modulo how many there are */
	ALLOC_STEP_DRAIN, /* of @pages of a CPU's page set of @zone, beginning with list @first */
	ALLOC_STEP_CHOOSE, /* which zone would serve a request is asked without making it */
	ALLOC_STEP_RETYPE, /* the pageblock at @pfn is isolated, or becomes ordinary again, under what is on lists */
	ALLOC_STEP_BALANCE, /* the node of @zone */
	ALLOC_STEP_UNRESERVE, /* for a request; @on: by force */
	ALLOC_STEP_RECLAIM, /* of @zone begins or ends (@on) */
	ALLOC_STEP_KIND_COUNT
};

/* Whatever numbers there are, they are taken modulo what the machine has. */
struct alloc_step {
	enum alloc_step_kind kind;
	struct alloc_request req;
	uint32_t zone, target, pages;
	unsigned int first;
	enum migratetype type; /* of ALLOC_STEP_RETYPE: ISOLATE, MOVABLE or UNMOVABLE */
	pfn_t pfn;
	bool on;
};

struct alloc_pair_block {
	pfn_t pfn;
	unsigned int order;
};

struct alloc_pair {
	struct facts facts;
	struct arch_config config;
	struct node nodes[ALLOC_ORACLE_NODES];
	struct node_range ranges[32];
	uint32_t range_count, node_count, cpu_count;
	uint8_t page_zone[BUDDY_ORACLE_PAGES];
	struct buddy b;
	struct page_alloc a;
	struct buddy_oracle empty;
	struct alloc_oracle o;
	struct alloc_pair_block held[ALLOC_PAIR_HELD_MAX];
	uint32_t held_count;
	struct alloc_events events;
	uint64_t tried, served; /* requests */
	bool retyped;
	char wrong[160]; /* what a step was found to do otherwise */
};

/*
 * Draws a machine of a kernel with @facts, the same for the same @seed, into @p, whatever that holds.  False: no
 * memory.  alloc_pair_finish() is to be called in both cases.
 */
bool alloc_pair_start(struct alloc_pair *p, uint64_t seed, const struct facts *facts);
void alloc_pair_finish(struct alloc_pair *p);

/* Does @step to both.  NULL, or a sentence on how they differ, lent until the next call. */
const char *alloc_pair_step(struct alloc_pair *p, const struct alloc_step *step);
/* Likewise all lists; a static sentence. */
const char *alloc_pair_compare(struct alloc_pair *p);

#endif
