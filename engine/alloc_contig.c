/* SPDX-License-Identifier: MIT */
#include "engine/alloc_contig.h"

#include "engine/page_isolation.h"
#include "engine/pageset.h"

static bool is_all_free(const struct page_alloc *a, uint32_t zone, pfn_t start, pfn_t end)
{
	struct buddy_block block;

	for (pfn_t pfn = start; pfn < end; pfn = block.pfn + (1ULL << block.order))
		if (!buddy_find(a->buddy, zone, pfn, &block))
			return false;
	return true;
}

/* Takes the free blocks that hold the range off the lists; *@start and *@end are what they hold. */
static void take_blocks(struct page_alloc *a, uint32_t zone, pfn_t *start, pfn_t *end)
{
	struct buddy_block block;
	bool first = true;

	for (pfn_t pfn = *start; pfn < *end && buddy_find(a->buddy, zone, pfn, &block);) {
		buddy_carve(a->buddy, zone, &block, block.pfn, block.order, block.type);
		if (first)
			*start = block.pfn;
		first = false;
		pfn = block.pfn + (1ULL << block.order);
		if (pfn >= *end) {
			*end = pfn;
			return;
		}
	}
}

bool alloc_contig_range(struct page_alloc *a, uint32_t zone, uint32_t cpu, pfn_t start, pfn_t end,
			enum migratetype type)
{
	pfn_t first = start, last = end, outer_start = start, outer_end = end;
	bool all_free;

	if (!page_isolation_start(a, zone, &first, &last, type == MIGRATE_CMA))
		return false;
	for (uint32_t i = 0; i < a->cpu_count; i++) {
		struct pageset *set = page_alloc_set(a, zone, i);

		pageset_drain(a, zone, set, set->count, 0);
	}
	all_free = is_all_free(a, zone, start, end);
	if (all_free) {
		take_blocks(a, zone, &outer_start, &outer_end);
		/* What was not wanted goes back while its pageblock is isolated. */
		free_contig_range(a, cpu, outer_start, start - outer_start);
		free_contig_range(a, cpu, end, outer_end - end);
		for (pfn_t pfn = start; pfn < end; pfn++)
			page_alloc_mark(a, zone, pfn, 0, MIGRATE_UNMOVABLE);
	}
	page_isolation_undo(a, zone, first, last, type);
	return all_free;
}

void free_contig_range(struct page_alloc *a, uint32_t cpu, pfn_t start, uint64_t pages)
{
	bool runs = fact_get(a->buddy->facts, FACT_free_contiguous_runs);
	pfn_t end = start + pages;

	while (start < end) {
		unsigned int order = 0;

		while (runs && order < a->buddy->max_order && !(start & ((2ULL << order) - 1)) &&
		       end - start >= 2ULL << order)
			order++;
		page_alloc_put(a, cpu, start, order);
		start += 1ULL << order;
	}
}

/* How far places in the bitmap are shifted to make page frames aligned. */
static uint64_t shift_of(const struct page_alloc *a, pfn_t base, uint64_t align)
{
	switch ((enum cma_align_rule)fact_get(a->buddy->facts, FACT_cma_align_rule)) {
	case CMA_ALIGN_AREA:
		return 0;
	case CMA_ALIGN_WRONG_UNITS:
	case CMA_ALIGN_MISSING:
		return round_up_to(base, align) - base;
	case CMA_ALIGN_BEYOND:
		break;
	}
	return base & (align - 1);
}

static bool overlaps(const struct contig_range *used, uint32_t count, pfn_t start, pfn_t end,
		     pfn_t *behind)
{
	for (uint32_t i = 0; i < count; i++) {
		if (used[i].start < end && start < used[i].end) {
			*behind = used[i].end;
			return true;
		}
	}
	return false;
}

pfn_t cma_alloc(struct page_alloc *a, uint32_t zone, uint32_t cpu, const struct contig_range *area,
		uint64_t pages, unsigned int align, const struct contig_range *used,
		uint32_t used_count)
{
	uint64_t unit = 1ULL << align, shift = shift_of(a, area->start, unit);
	uint64_t room = area->end - area->start, at = 0;

	if (!pages || pages > room)
		return PFN_NONE;
	for (;;) {
		pfn_t start, behind;

		at = round_up_to(at + shift, unit) - shift;
		if (at > room - pages)
			return PFN_NONE;
		start = area->start + at;
		if (overlaps(used, used_count, start, start + pages, &behind)) {
			at = behind - area->start;
			continue;
		}
		if (alloc_contig_range(a, zone, cpu, start, start + pages, MIGRATE_CMA))
			return start;
		/* Busy: the next place. */
		at += unit;
	}
}
