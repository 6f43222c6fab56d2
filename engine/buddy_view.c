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

uint32_t buddy_view_find(const struct buddy *b, int32_t nid, const char *type)
{
	for (uint32_t z = 0; z < buddy_view_zones(b); z++)
		if (buddy_view_nid(b, z) == nid &&
		    !strcmp(zone_type_name(buddy_view_type(b, z)), type))
			return z;
	return BUDDY_ZONE_NONE;
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

/*
 * How finely struct pages are told to exist: 0 everywhere (FLATMEM), else the pages of a section, or of a
 * subsection of 2 MiB, that has memory.
 */
static uint64_t granule_pages(const struct buddy *b)
{
	if (b->section_pages && b->subsections)
		return (2ULL << 20) >> b->page_shift ? (2ULL << 20) >> b->page_shift : 1;
	return b->section_pages;
}

void buddy_view_blocks(const struct buddy *b, uint32_t zone, uint64_t ret[MIGRATE_TYPE_COUNT])
{
	const struct buddy_zone *z = &b->zones[zone];
	uint64_t block = 1ULL << b->pageblock_order, granule = granule_pages(b);
	uint32_t r = 0;

	memset(ret, 0, MIGRATE_TYPE_COUNT * sizeof(*ret));
	for (pfn_t pfn = z->start; pfn < z->end;) {
		pfn_t near = granule ? round_down_to(pfn, granule) : pfn;

		/* Holes are jumped over: they may be vast. */
		while (r < b->memory_count && b->memory[r].end <= near)
			r++;
		if (granule && r == b->memory_count)
			return;
		if (granule && b->memory[r].start >= near + granule) {
			pfn += round_up_to(round_down_to(b->memory[r].start, granule) - pfn, block);
			continue;
		}
		ret[buddy_block_type(b, zone, pfn)]++;
		pfn += block;
	}
}

unsigned int buddy_view_unusable(const struct buddy *b, unsigned int order)
{
	uint64_t free = 0, small = 0;

	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		for (unsigned int o = 0; o <= b->max_order; o++) {
			uint64_t pages = buddy_view_nr_free(b, zone, o) << o;

			free += pages;
			if (o < order)
				small += pages;
		}
	}
	return free ? (unsigned int)(small * 1000 / free) : 0;
}
