/* SPDX-License-Identifier: MIT */
/*
 * Zone layout page by page: a slow and obvious model with one cell a page, for machines of up to
 * ZONE_ORACLE_PAGES pages.  Written from the rules, not from zone.c.
 */
#ifndef ENGINE_TESTING_ZONE_ORACLE_H
#define ENGINE_TESTING_ZONE_ORACLE_H

#include "engine/zone.h"

#define ZONE_ORACLE_PAGES 1024
#define ZONE_ORACLE_NODES 5

struct zone_oracle {
	int8_t nid[ZONE_ORACLE_PAGES]; /* -1: no memory */
	bool begins[ZONE_ORACLE_PAGES]; /* a range begins here */
	bool mirror[ZONE_ORACLE_PAGES];
	pfn_t lowest[ZONE_TYPE_COUNT], highest[ZONE_TYPE_COUNT];
	uint32_t zones_mask;
	uint64_t max_order_pages;
	const struct facts *facts;
	pfn_t movable[ZONE_ORACLE_NODES]; /* 0 = none */
};

/*
 * Spreads @core pages over the nodes with memory, a page at a time, and rounds up: where ZONE_MOVABLE
 * begins on each node.
 */
void zone_oracle_spread(struct zone_oracle *o, uint64_t core);
/* What zone @type of node @nid spans and has. */
void zone_oracle_size(const struct zone_oracle *o, int nid, enum zone_type type, bool mirrored,
		      pfn_t *start, uint64_t *spanned, uint64_t *present);

#endif
