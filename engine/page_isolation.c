/* SPDX-License-Identifier: MIT */
#include "engine/page_isolation.h"

#include "engine/buddy_entry.h"
#include "engine/pageset.h"

static uint64_t block_pages(const struct page_alloc *a)
{
	return 1ULL << a->buddy->pageblock_order;
}

static pfn_t block_start(const struct page_alloc *a, pfn_t pfn)
{
	return pfn & ~(pfn_t)(block_pages(a) - 1);
}

/* Is the page at @off of a chunk in a page set's block?  That block's order is not told by its entry. */
static bool is_in_pageset(const struct page_alloc *a, const uint64_t *entries, uint32_t off)
{
	for (unsigned int index = 0; index < PCP_LISTS_MAX; index += 3) {
		unsigned int order = pageset_list_order(a, index);

		if (order < a->buddy->max_order &&
		    entry_order(entries[off & ~((1u << order) - 1)]) == ENTRY_ORDER_PCP &&
		    entries[off & ~((1u << order) - 1)] >> 60)
			return true;
	}
	return false;
}

/* has_unmovable_pages() of the pageblock at @pfn. */
static bool has_unmovable(struct page_alloc *a, uint32_t zone, pfn_t pfn)
{
	struct buddy *b = a->buddy;
	uint32_t slot, off = (uint32_t)pfn & (slot_pages(b) - 1);
	uint32_t end = off + (uint32_t)block_pages(a);
	const uint64_t *entries;

	if (!find_slot(b, &b->zones[zone], pfn, &slot))
		return true;
	if (entry_is_free(b->slots[slot].entry))
		return false;
	if (b->slots[slot].chunk == CHUNK_NONE)
		return true;
	entries = b->entries + ((size_t)b->slots[slot].chunk << b->max_order);
	while (off < end) {
		uint64_t entry = entries[off];

		if (entry_is_free(entry) ||
		    (entry_is_held(entry) && held_type(entry) == MIGRATE_MOVABLE))
			off += 1u << entry_order(entry);
		else if (is_in_pageset(a, entries, off))
			off++;
		else
			return true;
	}
	return false;
}

/* Is a block that is in use both in the pageblock that ends at @pfn and in that which begins there? */
static bool is_held_across(struct page_alloc *a, uint32_t zone, pfn_t pfn)
{
	unsigned int max_order = a->buddy->max_order;

	for (unsigned int order = a->buddy->pageblock_order + 1; order <= max_order; order++) {
		pfn_t head = pfn & ~((1ULL << order) - 1);

		if (head != pfn && page_alloc_is_held(a, zone, head, order))
			return true;
	}
	return false;
}

static bool can_isolate(struct page_alloc *a, uint32_t zone, pfn_t pfn, bool cma)
{
	const struct buddy_zone *z = &a->buddy->zones[zone];
	enum migratetype type = buddy_block_type(a->buddy, zone, pfn);
	uint32_t slot;

	return pfn >= z->start && pfn + block_pages(a) <= z->end &&
	       find_slot(a->buddy, &a->buddy->zones[zone], pfn, &slot) && type != MIGRATE_ISOLATE &&
	       type != MIGRATE_HIGHATOMIC &&
	       ((cma && type == MIGRATE_CMA) || !has_unmovable(a, zone, pfn));
}

/* The free block that holds both the page before @pfn and that at @pfn. */
static bool find_across(const struct page_alloc *a, uint32_t zone, pfn_t pfn,
			struct buddy_block *ret)
{
	return buddy_find(a->buddy, zone, pfn, ret) && ret->pfn < pfn;
}

/* Cuts a free block of several pageblocks; each part goes to the list of its pageblock, merging. */
static void cut(struct page_alloc *a, uint32_t zone, const struct buddy_block *block,
		enum buddy_place place)
{
	struct buddy *b = a->buddy;

	buddy_carve(b, zone, block, block->pfn, block->order, block->type);
	for (pfn_t pfn = block->pfn; pfn < block->pfn + (1ULL << block->order);
	     pfn += block_pages(a))
		buddy_free(b, zone, pfn, b->pageblock_order, place);
}

bool page_isolation_start(struct page_alloc *a, uint32_t zone, pfn_t *start_at, pfn_t *end_at,
			  bool cma)
{
	pfn_t start = block_start(a, *start_at), end = block_start(a, *end_at + block_pages(a) - 1);
	struct buddy *b = a->buddy;
	struct buddy_block block;

	if (!a->rules.isolation_splits) {
		if (find_across(a, zone, start, &block))
			start = block.pfn;
		if (find_across(a, zone, end, &block))
			end = block.pfn + (1ULL << block.order);
	}
	if (is_held_across(a, zone, start) || is_held_across(a, zone, end))
		return false;
	for (pfn_t pfn = start; pfn < end; pfn += block_pages(a))
		if (!can_isolate(a, zone, pfn, cma))
			return false;
	*start_at = start;
	*end_at = end;
	/* Two that are isolated one after the other stay two. */
	b->types_changed_free = true;
	for (pfn_t pfn = start; pfn < end; pfn += block_pages(a)) {
		bool large = buddy_find(b, zone, pfn, &block) && block.order > b->pageblock_order;

		if (large && (block.pfn < start || block.pfn + (1ULL << block.order) > end)) {
			buddy_set_block_type(b, zone, pfn, MIGRATE_ISOLATE);
			cut(a, zone, &block, BUDDY_PLACE_FREED);
			continue;
		}
		if (!large || block.pfn == pfn)
			buddy_move_block(b, zone, pfn, MIGRATE_ISOLATE, a->rules.moves_to_tail);
		buddy_set_block_type(b, zone, pfn, MIGRATE_ISOLATE);
	}
	return true;
}

/* unset_migratetype_isolate(). */
static void undo_block(struct page_alloc *a, uint32_t zone, pfn_t pfn, enum migratetype type)
{
	struct buddy *b = a->buddy;
	struct buddy_block block, other;
	bool whole = buddy_find(b, zone, pfn, &block) && block.order >= b->pageblock_order;

	buddy_set_block_type(b, zone, pfn, type);
	if (whole && block.order > b->pageblock_order) {
		cut(a, zone, &block, BUDDY_PLACE_TAIL);
		return;
	}
	/* A neighbour with which it could merge again. */
	if (whole && block.order < b->max_order &&
	    buddy_find(b, zone, pfn ^ block_pages(a), &other) && other.order == block.order &&
	    buddy_block_type(b, zone, other.pfn) != MIGRATE_ISOLATE) {
		cut(a, zone, &block, BUDDY_PLACE_TAIL);
		return;
	}
	buddy_move_block(b, zone, pfn, type, a->rules.moves_to_tail);
}

void page_isolation_undo(struct page_alloc *a, uint32_t zone, pfn_t start, pfn_t end,
			 enum migratetype type)
{
	struct buddy *b = a->buddy;

	for (pfn_t pfn = block_start(a, start); pfn < end; pfn += block_pages(a))
		if (buddy_block_type(b, zone, pfn) == MIGRATE_ISOLATE &&
		    pfn >= b->zones[zone].start && pfn < b->zones[zone].end)
			undo_block(a, zone, pfn, type);
}
