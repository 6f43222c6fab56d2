/* SPDX-License-Identifier: MIT */
/* Invariants of page_alloc, pageset and rmqueue: see invariant.def. */
#ifndef ENGINE_PAGE_ALLOC_INVARIANTS_H
#define ENGINE_PAGE_ALLOC_INVARIANTS_H

#include "engine/finding.h"
#include "engine/page_alloc.h"

/* What a request found in a zone. */
struct zone_seen {
	uint64_t free_pages[MIGRATE_TYPE_COUNT];
	uint64_t reserved_highatomic, boost; /* pages */
};

/* Notes in @ret, an element for each zone, how the zones are before a request. */
void page_alloc_invariants_look(const struct page_alloc *a, struct zone_seen *ret);
/* @req got @pfn of @zone, or PFN_NONE; @seen is from just before. */
void page_alloc_invariants_request(const struct page_alloc *a, const struct zone_seen *seen,
				   const struct alloc_request *req, pfn_t pfn, uint32_t zone,
				   struct findings *ret);

/* @pfn of 2^@order pages was freed to @zone on @cpu, whose page set there had @before pages until then. */
void page_alloc_invariants_free(struct page_alloc *a, uint32_t zone, uint32_t cpu, uint64_t before,
				pfn_t pfn, unsigned int order, struct findings *ret);

/* What holds at any time, of invariants up to @cost; @nodes as they were when page sets were sized. */
void page_alloc_invariants_check(struct page_alloc *a, const struct node *nodes,
				 enum invariant_cost cost, struct findings *ret);

#endif
