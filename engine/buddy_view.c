/* SPDX-License-Identifier: MIT */
#include "engine/buddy_view.h"

#include <string.h>

uint32_t buddy_view_zones(const struct buddy *b)
{
	return b->zone_count;
}

int32_t buddy_view_nid(const struct buddy *b, uint32_t zone)
{
	return b->zones[zone].nid;
}

enum zone_type buddy_view_type(const struct buddy *b, uint32_t zone)
{
	return b->zones[zone].type;
}

unsigned int buddy_view_max_order(const struct buddy *b)
{
	return b->max_order;
}

unsigned int buddy_view_pageblock_order(const struct buddy *b)
{
	return b->pageblock_order;
}

uint64_t buddy_view_free(const struct buddy *b, uint32_t zone, unsigned int order,
			 enum migratetype type)
{
	return b->zones[zone].lists[order][type].count;
}

uint64_t buddy_view_nr_free(const struct buddy *b, uint32_t zone, unsigned int order)
{
	uint64_t blocks = 0;

	for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
		blocks += b->zones[zone].lists[order][t].count;
	return blocks;
}

void buddy_view_blocks(const struct buddy *b, uint32_t zone, uint64_t ret[MIGRATE_TYPE_COUNT])
{
	const struct buddy_zone *z = &b->zones[zone];
	uint64_t block = 1ULL << b->pageblock_order;
	pfn_t pfn = z->start;

	memset(ret, 0, MIGRATE_TYPE_COUNT * sizeof(*ret));
	/* Span by span, so that vast holes cost nothing. */
	for (uint32_t s = z->first_span; s < z->first_span + z->span_count; s++) {
		pfn_t start = b->spans[s].start << b->max_order;
		pfn_t end = (b->spans[s].start + b->spans[s].count) << b->max_order;

		if (!b->section_pages && s > z->first_span)
			start = pfn;
		if (b->section_pages) {
			start = round_down_to(start, b->section_pages);
			end = round_up_to(end, b->section_pages);
		}
		end = min_u64(end, z->end);
		if (pfn < start)
			pfn += round_up_to(start - pfn, block);
		for (; pfn < end; pfn += block)
			ret[buddy_block_type(b, zone, pfn)]++;
	}
}
