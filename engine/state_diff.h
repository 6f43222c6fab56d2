/* SPDX-License-Identifier: MIT */
/*
 * State diff: two running allocators side by side, list by list, block by block, counter by counter.
 *
 * Zones are matched by node and type, lists by what they hold, so that machines of different kernels can
 * be compared.
 */
#ifndef ENGINE_STATE_DIFF_H
#define ENGINE_STATE_DIFF_H

#include "engine/page_alloc.h"

enum { STATE_SIDES = 2 };

enum state_difference_kind {
	STATE_DIFF_ZONE, /* a zone that one of them lacks */
	STATE_DIFF_FREE_LIST, /* of a zone: order, type */
	STATE_DIFF_PCP_LIST, /* of a CPU's page set: order, type */
	STATE_DIFF_BLOCK_TYPE, /* the pageblock at place.pfn[0] */
	STATE_DIFF_COUNTER, /* by name; of a zone, or of a page set where cpu is not UINT32_MAX */
};

struct state_difference {
	enum state_difference_kind kind;
	int32_t nid;
	enum zone_type zone;
	uint32_t cpu; /* UINT32_MAX: of the zone */
	unsigned int order;
	enum migratetype type; /* of the list */
	const char *counter; /* static: the kernel's name of the field */
	/* Blocks on the list, the migratetype of the pageblock, or the counter; by side. */
	uint64_t value[STATE_SIDES];
	/* Lists: where they first differ, counted from the head, and what is there: PFN_NONE where it ended. */
	uint32_t place;
	pfn_t pfn[STATE_SIDES];
};

struct state_summary {
	uint64_t lists; /* that differ */
	uint64_t block_types; /* pageblocks */
	uint64_t counters;
	uint64_t zones; /* that one side lacks */
	uint64_t free_alone[STATE_SIDES]; /* pages that are free on this side alone */
	uint64_t elsewhere; /* pages free on both, on other lists or in blocks of another order */
};

/* Nothing but counters differ, or not even they: rerun_hash() is the same. */
static inline bool state_summary_same(const struct state_summary *s)
{
	return !s->lists && !s->block_types && !s->zones;
}

typedef void state_diff_fn(void *ctx, const struct state_difference *d);

/*
 * Calls @visit (may be NULL) with each difference, zone by zone: the zone's counters, its lists from the
 * smallest order, page sets by CPU, pageblocks by address.  False when the host has no memory: the pages
 * in @ret are void then.
 */
bool state_diff(const struct page_alloc *a, const struct page_alloc *b, state_diff_fn *visit,
		void *ctx, struct state_summary *ret);

#endif
