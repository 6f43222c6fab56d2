/* SPDX-License-Identifier: MIT */
#include "engine/testing/zone_oracle.h"

static void node_span(const struct zone_oracle *o, int nid, pfn_t *start, pfn_t *end)
{
	*start = *end = 0;
	for (pfn_t p = ZONE_ORACLE_PAGES; p-- > 0;)
		if (o->nid[p] == nid)
			*start = p;
	for (pfn_t p = 0; p < ZONE_ORACLE_PAGES; p++)
		if (o->nid[p] == nid)
			*end = p + 1;
}

static enum zone_type top_zone(const struct zone_oracle *o)
{
	enum zone_type top = ZONE_DMA;

	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
		if (t != ZONE_MOVABLE && o->zones_mask >> t & 1 && o->highest[t] > o->lowest[t])
			top = (enum zone_type)t;
	return top;
}

/*
 * One node's turn: it takes its pages in order until its quota is used up.  Pages below the highest zone
 * are core in any case.  A part above that is only looked at still moves the border to where it begins.
 */
static void take_turn(struct zone_oracle *o, int nid, pfn_t usable, uint64_t quota, uint64_t *left)
{
	pfn_t taken = o->movable[nid];

	for (pfn_t p = 0; p < ZONE_ORACLE_PAGES; p++) {
		bool part_begins;

		if (o->nid[p] != nid || p < taken)
			continue;
		if (p < usable) {
			quota -= quota > 0;
			*left -= *left > 0;
			o->movable[nid] = p + 1;
			continue;
		}
		part_begins = o->begins[p] || p == usable || p == taken;
		if (!quota) {
			if (part_begins)
				o->movable[nid] = p;
			return;
		}
		quota--;
		*left -= *left > 0;
		o->movable[nid] = p + 1;
		if (!quota)
			return;
	}
}

void zone_oracle_spread(struct zone_oracle *o, uint64_t core)
{
	pfn_t usable = o->lowest[top_zone(o)], start, end;
	uint64_t users = 0;

	for (int n = 0; n < ZONE_ORACLE_NODES; n++) {
		node_span(o, n, &start, &end);
		users += end > start;
		o->movable[n] = 0;
	}
	while (users && core) {
		uint64_t share = core / users;

		for (int n = 0; n < ZONE_ORACLE_NODES; n++) {
			node_span(o, n, &start, &end);
			if (start == end)
				continue;
			if (core < share)
				share = core / users;
			take_turn(o, n, usable, share, &core);
		}
		users--;
		if (core <= users)
			break;
	}
	for (int n = 0; n < ZONE_ORACLE_NODES; n++) {
		node_span(o, n, &start, &end);
		o->movable[n] = round_up_to(o->movable[n], o->max_order_pages);
		if (o->movable[n] >= end && fact_get(o->facts, FACT_movable_start_checked))
			o->movable[n] = 0;
	}
}

/* Does the zone span page @p of the node, which itself spans [start, end)? */
static bool spans(const struct zone_oracle *o, int nid, enum zone_type type, bool mirrored,
		  pfn_t start, pfn_t end, pfn_t p)
{
	pfn_t movable = o->movable[nid];

	if (!(o->zones_mask >> type & 1) || p < start || p >= end)
		return false;
	if (type == ZONE_MOVABLE)
		return movable && p >= movable && p < o->highest[top_zone(o)];
	if (p < o->lowest[type] || p >= o->highest[type])
		return false;
	if (!movable)
		return true;
	/* A zone that would begin above the border is empty; else it is cut there, mirrors excepted. */
	if ((start > o->lowest[type] ? start : o->lowest[type]) >= movable)
		return false;
	return mirrored || p < movable;
}

void zone_oracle_size(const struct zone_oracle *o, int nid, enum zone_type type, bool mirrored,
		      pfn_t *start, uint64_t *spanned, uint64_t *present)
{
	bool choosy = mirrored && o->movable[nid];
	pfn_t node_start, node_end;

	node_span(o, nid, &node_start, &node_end);
	*start = *spanned = *present = 0;
	for (pfn_t p = node_start; p < node_end; p++) {
		if (!spans(o, nid, type, mirrored, node_start, node_end, p))
			continue;
		if (!(*spanned)++)
			*start = p;
		if (o->nid[p] != nid || (choosy && type == ZONE_MOVABLE && o->mirror[p]) ||
		    (choosy && type == ZONE_NORMAL && !o->mirror[p]))
			continue;
		++*present;
	}
}
