/* SPDX-License-Identifier: MIT */
/* Zonelists: fallback orders and totals. */
#include "traces/dmesg/reader.h"

/* 0: 0 1 3 2 */
bool line_fallback_order(struct reader *r, struct scan s)
{
	uint32_t nid, n;
	struct answer *a;

	if (!scan_u32(&s, &nid) || !scan_lit(&s, ": "))
		return false;
	a = reader_answer(r, ANSWER_FALLBACK);
	a->nid = (int32_t)nid;
	while (scan_ws(&s) && scan_u32(&s, &n))
		answers_push(&r->log->recorded, n);
	return true;
}

static bool scan_zoneref(struct scan *s, uint32_t *nid, enum zone_type *type)
{
	return scan_u32(s, nid) && scan_char(s, ':') && scan_zone(s, type);
}

/* general 0:DMA32 = 0:DMA32 0:DMA 1:DMA32 */
bool line_zonelist_general(struct reader *r, struct scan s)
{
	bool thisnode = false;
	enum zone_type type;
	uint32_t nid;
	struct answer *a;

	if (scan_lit(&s, "thisnode "))
		thisnode = true;
	else if (!scan_lit(&s, "general "))
		return false;
	if (!scan_zoneref(&s, &nid, &type) || !scan_lit(&s, " = "))
		return false;
	a = reader_answer(r, ANSWER_ZONELIST);
	a->nid = (int32_t)nid;
	a->type = (int32_t)type;
	a->index = thisnode;
	while (scan_ws(&s) && scan_zoneref(&s, &nid, &type))
		answers_push(&r->log->recorded, nid << 8 | (uint32_t)type);
	return true;
}

/*
 * 4 zonelists, mobility grouping on.  Total pages: 515804; up to 4.13: 1 zonelists in Node order, ...;
 * before 2.6.24: 1 zonelists.  Total pages: 65009
 */
bool line_built_zonelists(struct reader *r, struct scan s)
{
	uint64_t nodes, total, order = 0;
	bool on;
	struct answer *a;
	struct scan t;

	if (!scan_dec(&s, &nodes) || !scan_lit(&s, " zonelists"))
		return false;
	t = s;
	if (scan_lit(&t, " in ")) {
		if (scan_lit(&t, "Node"))
			order = 1;
		else if (scan_lit(&t, "Zone"))
			order = 2;
		if (!scan_past(&t, "order"))
			return false;
		s = t;
	}
	/* Before 2.6.24 there was no such grouping. */
	on = scan_lit(&s, ".  ") ? false
				 : scan_lit(&s, ", mobility grouping ") && scan_lit(&s, "on");
	if (!scan_past(&s, "Total pages: ") || !scan_dec(&s, &total))
		return false;
	a = reader_answer(r, ANSWER_BUILT);
	a->v[0] = nodes;
	a->v[1] = on;
	a->v[2] = total;
	r->log->input.given_total_pages = total;
	a->v[3] = order;
	return true;
}

bool line_policy_zone(struct reader *r, struct scan s)
{
	enum zone_type type;

	if (!scan_zone(&s, &type))
		return false;
	reader_answer(r, ANSWER_POLICY_ZONE)->type = (int32_t)type;
	return true;
}
