/* SPDX-License-Identifier: MIT */
#include "engine/compaction.h"

#include "engine/buddy_entry.h"

/* __isolate_free_page(): enough must stay for others. */
static bool may_take(const struct page_alloc *a, uint32_t zone, unsigned int order)
{
	return page_alloc_zone_free(a, zone) >
	       a->zones[zone].watermark[WMARK_MIN] + (1ULL << order);
}

pfn_t compaction_fast_isolate(struct page_alloc *a, uint32_t zone, uint32_t cpu, unsigned int order)
{
	struct buddy *b = a->buddy;
	const struct buddy_zone *z = &b->zones[zone];
	uint64_t size = 1ULL << b->pageblock_order;
	struct buddy_block block = { PFN_NONE, 0, MIGRATE_MOVABLE };
	pfn_t start, end;

	/* Largest first: fewer pages have to be put together. */
	for (unsigned int o = order + 1; o-- > 0 && block.pfn == PFN_NONE;)
		if (o < b->pageblock_order)
			block.pfn = buddy_head(b, zone, o, MIGRATE_MOVABLE);
	if (block.pfn == PFN_NONE)
		return PFN_NONE;
	start = block.pfn & ~(size - 1);
	end = min_u64(start + size, z->end);
	if (a->rules.compaction_in_zone)
		start = max_u64(start, z->start);
	for (pfn_t pfn = start; pfn < end; pfn++) {
		/* By the page, not by the zone that is compacted. */
		uint32_t owner = page_alloc_zone_of(a, pfn);

		if (owner == BUDDY_ZONE_NONE || !buddy_find(b, owner, pfn, &block) ||
		    block.pfn != pfn || block.type == MIGRATE_ISOLATE ||
		    block.order >= b->pageblock_order || !may_take(a, owner, block.order))
			continue;
		buddy_carve(b, owner, &block, pfn, block.order, block.type);
		page_alloc_put(a, cpu, pfn, block.order);
		pfn += (1ULL << block.order) - 1;
	}
	return start;
}
