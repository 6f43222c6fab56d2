/* SPDX-License-Identifier: MIT */
/* Where deferral begins, page by page with a counter, as the kernels walk the pages. */
#ifndef ENGINE_TESTING_DEFERRED_ORACLE_H
#define ENGINE_TESTING_DEFERRED_ORACLE_H

#include "engine/deferred.h"

/*
 * Returns the first deferred page frame of node @nid, or PFN_NONE.  Arguments as for deferred_find; @early is
 * how many pages of each node the two old rules do at once.
 */
pfn_t deferred_oracle(int32_t nid, const struct node *nodes, uint32_t node_count,
		      const struct node_range *ranges, uint32_t range_count, uint32_t zones_mask,
		      uint64_t section, enum deferred_rule rule, const uint64_t *early);

#endif
