/* SPDX-License-Identifier: MIT */
/* Zones: the layout free_area_init prints. */
#include <stdlib.h>

#include "traces/dmesg/reader.h"

static bool open_section(struct reader *r, enum reader_section section)
{
	r->section = section;
	return true;
}

bool line_zone_ranges(struct reader *r, struct scan s)
{
	(void)s;
	return open_section(r, SECTION_ZONES);
}

bool line_zone_pfn_ranges(struct reader *r, struct scan s)
{
	(void)s;
	return open_section(r, SECTION_ZONE_PFNS);
}

bool line_movable_start(struct reader *r, struct scan s)
{
	(void)s;
	return open_section(r, SECTION_MOVABLE);
}

bool line_movable_start_pfn(struct reader *r, struct scan s)
{
	(void)s;
	return open_section(r, SECTION_MOVABLE_PFN);
}

bool line_node_ranges(struct reader *r, struct scan s)
{
	(void)s;
	return open_section(r, SECTION_NODES);
}

bool line_early_memory_pfns(struct reader *r, struct scan s)
{
	(void)s;
	return open_section(r, SECTION_NODE_PFNS);
}

bool line_early_node_map(struct reader *r, struct scan s)
{
	(void)s;
	return open_section(r, SECTION_NODE_PFNS);
}

/* " a ->  b": page frames, before 2.6.2x in decimal; mips blanks differ */
static bool scan_pfns(struct scan *s, uint64_t *start, uint64_t *end)
{
	return scan_ws(s) && scan_number(s, start) && scan_ws1(s) && scan_lit(s, "->") &&
	       scan_ws1(s) && scan_number(s, end);
}

/* "DMA      [mem a-b]", "DMA32    empty", "DMA      0x00000001 -> 0x00001000" */
static bool zone_range(struct reader *r, struct scan s, bool pfns)
{
	struct boot_input *in = &r->log->input;
	unsigned int shift = in->config.page_shift;
	enum zone_type type;
	phys_t start = 0, end = 0;
	struct answer *a;

	if (!scan_zone(&s, &type))
		return false;
	scan_ws(&s);
	if (scan_lit(&s, "empty")) {
		/* both ends stay 0 */
	} else if (pfns) {
		if (!scan_pfns(&s, &start, &end) || start > end || end > PHYS_MAX >> shift)
			return false;
		start <<= shift;
		end <<= shift;
		if (start == end)
			start = end = 0;
	} else if (!scan_mem_range(&s, &start, &end)) {
		return false;
	}
	in->given_zones |= 1U << type;
	in->given_zone_start[type] = start;
	in->given_zone_end[type] = end;
	a = reader_answer(r, ANSWER_ZONE_RANGE);
	a->type = (int32_t)type;
	a->v[0] = start;
	a->v[1] = end;
	return true;
}

/* "Node 0: 0x0000000018400000", 2.6.32 "Node 0: 99328" */
static bool movable(struct reader *r, struct scan s, bool pfns)
{
	uint32_t nid;
	uint64_t value;
	struct answer *a;

	if (!scan_lit(&s, "Node ") || !scan_u32(&s, &nid) || !scan_lit(&s, ": ") ||
	    !scan_number(&s, &value))
		return false;
	a = reader_answer(r, ANSWER_MOVABLE_START);
	a->nid = (int32_t)nid;
	a->v[0] = pfns ? value << r->log->input.config.page_shift : value;
	return true;
}

static bool node_range(struct reader *r, uint32_t nid, phys_t start, phys_t end)
{
	struct boot_log *log = r->log;
	struct boot_input *in = &log->input;
	unsigned int shift = in->config.page_shift;
	struct answer *a = reader_answer(r, ANSWER_NODE_RANGE);

	a->index = r->node_range_count++;
	a->nid = (int32_t)nid;
	a->v[0] = start;
	a->v[1] = end;
	if (in->given_range_count == log->given_room) {
		uint32_t room = log->given_room ? log->given_room * 2 : 16;
		struct node_range *grown = realloc(in->given_ranges, room * sizeof(*grown));

		if (!grown) {
			log->out_of_memory = true;
			return false;
		}
		in->given_ranges = grown;
		log->given_room = room;
	}
	in->given_ranges[in->given_range_count++] =
		(struct node_range){ start >> shift, end >> shift, (int32_t)nid, 0, start, 0 };
	return true;
}

/* "node   0: [mem a-b]" */
static bool node_line(struct reader *r, struct scan s)
{
	uint32_t nid;
	phys_t start, end;

	if (!scan_lit(&s, "node ") || !scan_ws(&s) || !scan_u32(&s, &nid) || nid >= NODES_MAX ||
	    !scan_lit(&s, ": ") || !scan_mem_range(&s, &start, &end))
		return false;
	return node_range(r, nid, start, end);
}

/* "  0: 0x00000001 -> 0x0000009f", "  0:        0 ->    65520" */
static bool node_pfn_line(struct reader *r, struct scan s)
{
	unsigned int shift = r->log->input.config.page_shift;
	uint32_t nid;
	phys_t start, end;

	scan_ws(&s);
	if (!scan_u32(&s, &nid) || nid >= NODES_MAX || !scan_lit(&s, ": ") ||
	    !scan_pfns(&s, &start, &end) || start > end || end > PHYS_MAX >> shift)
		return false;
	return node_range(r, nid, start << shift, end << shift);
}

/*
 * "DMA zone: 64 pages used for memmap", "... pages reserved", "... pages, LIFO batch:0"; in 5.11 and 5.12
 * "... pages in unavailable ranges" too
 */
static bool zone_account(struct reader *r, struct scan s)
{
	enum zone_type type;
	uint64_t pages, batch;
	struct answer *a;
	struct scan t;

	if (!scan_zone(&s, &type) || !scan_lit(&s, " zone: ") || !scan_dec(&s, &pages) ||
	    !scan_lit(&s, " pages"))
		return false;
	t = s;
	if (scan_lit(&t, " used for memmap")) {
		a = reader_answer(r, ANSWER_ZONE_MEMMAP);
	} else if (scan_lit(&t, " reserved")) {
		if (type == ZONE_DMA && !r->log->input.has_given_dma_reserve) {
			r->log->input.has_given_dma_reserve = true;
			r->log->input.given_dma_reserve = pages;
		}
		a = reader_answer(r, ANSWER_ZONE_RESERVED);
	} else if (scan_lit(&t, ", LIFO batch:") && scan_dec(&t, &batch)) {
		a = reader_answer(r, ANSWER_ZONE_PAGES);
		a->v[1] = batch;
	} else if (scan_lit(&s, " in unavailable ranges")) {
		a = reader_answer(r, ANSWER_UNAVAILABLE);
		a->index = r->unavailable_count++;
	} else {
		return false;
	}
	a->nid = r->node;
	a->type = (int32_t)type;
	a->v[0] = pages;
	return true;
}

bool line_zone_range(struct reader *r, struct scan s)
{
	switch (r->section) {
	case SECTION_ZONES:
	case SECTION_ZONE_PFNS:
		if (zone_range(r, s, r->section == SECTION_ZONE_PFNS))
			return true;
		break;
	case SECTION_MOVABLE:
	case SECTION_MOVABLE_PFN:
		if (movable(r, s, r->section == SECTION_MOVABLE_PFN))
			return true;
		break;
	case SECTION_NODES:
		if (node_line(r, s))
			return true;
		break;
	case SECTION_NODE_PFNS:
		if (node_pfn_line(r, s))
			return true;
		break;
	case SECTION_EARLY_RES:
	case SECTION_NONE:
		break;
	}
	return zone_account(r, s);
}

/* 0 [mem a-b], 1 as memoryless; up to 3.4: 0 0000000000000000-00000000bf6d0000 */
bool line_initmem(struct reader *r, struct scan s)
{
	uint32_t nid;
	phys_t start = 0, end = 0;
	bool memoryless;
	struct answer *a;
	struct scan t;

	if (!scan_u32(&s, &nid) || !scan_ws(&s))
		return false;
	memoryless = scan_lit(&s, "as memoryless");
	t = s;
	if (!memoryless && !scan_mem_range(&s, &start, &end) && !scan_plain_range(&t, &start, &end))
		return false;
	r->section = SECTION_NONE;
	r->node = (int32_t)nid;
	a = reader_answer(r, ANSWER_INITMEM);
	a->nid = (int32_t)nid;
	a->v[0] = start;
	a->v[1] = end == 1 && !start ? 0 : end; /* an empty node prints [0x0-0x0] */
	a->v[2] = memoryless;
	return true;
}

/* "0 totalpages: 262046" or "0, zone DMA: 97 pages in unavailable ranges" */
bool line_on_node_totalpages(struct reader *r, struct scan s)
{
	enum zone_type type;
	uint64_t pages;
	uint32_t nid;
	struct answer *a;
	struct scan t;

	if (!scan_u32(&s, &nid))
		return false;
	t = s;
	if (scan_lit(&t, " totalpages: ") && scan_dec(&t, &pages)) {
		r->node = (int32_t)nid;
		a = reader_answer(r, ANSWER_NODE_PAGES);
	} else if (scan_lit(&s, ", zone ") && scan_zone(&s, &type) && scan_lit(&s, ": ") &&
		   scan_dec(&s, &pages) && scan_lit(&s, " pages in unavailable ranges")) {
		a = reader_answer(r, ANSWER_UNAVAILABLE);
		a->type = (int32_t)type;
		a->index = r->unavailable_count++;
	} else {
		return false;
	}
	a->nid = (int32_t)nid;
	a->v[0] = pages;
	return true;
}

/* 4958 pages */
bool line_zeroed_ranges(struct reader *r, struct scan s)
{
	uint64_t pages;

	if (!scan_dec(&s, &pages) || !scan_lit(&s, " pages"))
		return false;
	reader_answer(r, ANSWER_UNAVAILABLE)->v[0] = pages;
	return true;
}

/* 0 zone 1 pfns 4096 -> 262144 */
bool line_memmap_init(struct reader *r, struct scan s)
{
	uint32_t nid, rank;
	uint64_t start, end;
	int32_t type = -1;
	struct answer *a;

	if (!scan_u32(&s, &nid) || !scan_lit(&s, " zone ") || !scan_u32(&s, &rank) ||
	    !scan_lit(&s, " pfns ") || !scan_dec(&s, &start) || !scan_lit(&s, " -> ") ||
	    !scan_dec(&s, &end))
		return false;
	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
		if (r->log->input.config.zones_mask >> t & 1 &&
		    zone_rank(r->log->input.config.zones_mask, (enum zone_type)t) == rank)
			type = (int32_t)t;
	/* A number that no zone of this kernel has: the line is damaged. */
	if (type < 0)
		return false;
	a = reader_answer(r, ANSWER_MEMMAP_INIT);
	a->nid = (int32_t)nid;
	a->type = type;
	a->v[0] = start;
	a->v[1] = end;
	return true;
}
