/* SPDX-License-Identifier: MIT */
/* Pages that the model has on a list of its own, or in a free block: off there, and back. */
#include "engine/pageset_list.h"
#include "engine/replay_parts.h"

/* Takes the block at @pfn off whatever per-CPU list it is on. */
static enum replay_miss take_from_sets(struct replay_model *r, uint32_t cpu, uint32_t zone,
				       pfn_t pfn, unsigned int *order)
{
	struct page_alloc *a = &r->alloc;

	unsigned int index;
	struct pageset *set = pageset_of(a, zone, pfn, &index);

	if (!set)
		return REPLAY_MISS_UNTRACED;
	*order = pageset_list_order(a, index);
	pageset_remove(a, zone, set, index, pfn);
	return set == page_alloc_set(a, zone, cpu) ? REPLAY_MISS_OTHER_LIST : REPLAY_MISS_OTHER_CPU;
}

/* A per-CPU block that begins before @pfn and holds it. */
static void take_larger(struct replay_model *r, uint32_t cpu, uint32_t zone, pfn_t pfn)
{
	static const unsigned int orders[] = { 1, 2, 3 };
	const struct page_alloc *a = &r->alloc;

	/* A block of its own is in no other. */
	if (page_alloc_held_type(&r->alloc, zone, pfn) != MIGRATE_TYPE_COUNT ||
	    pageset_holds(&r->alloc, zone, pfn))
		return;
	for (unsigned int i = 0; a->rules.high_orders && i < 4; i++) {
		unsigned int order = i < 3 ? orders[i] : a->rules.huge_order, size = 0;
		pfn_t head;

		if (order > a->buddy->max_order)
			continue;
		head = round_down_to(pfn, 1ULL << order);
		if (head == pfn || !pageset_holds(&r->alloc, zone, head))
			continue;
		/* A smaller block may begin there as well. */
		for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
			if (pageset_list_order(a, index) < order)
				continue;
			for (uint32_t at = 0; at < a->cpu_count; at++) {
				struct pageset *set = page_alloc_set(&r->alloc, zone, at);
				unsigned int found;
				uint32_t depth;

				if (set->lists[index].count &&
				    pageset_find(a, set, head, &found, &depth) && found == index) {
					take_from_sets(r, cpu, zone, head, &size);
					buddy_free_as(r->alloc.buddy, zone, head, size,
						      buddy_block_type(r->alloc.buddy, zone, head));
					return;
				}
			}
		}
	}
}

/*
 * A block of a page set of which only 2^@order pages at @pfn, its first, are wanted: it must have gone back
 * and been split.  *@size becomes @order.
 */
static void give_rest(struct replay_model *r, uint32_t zone, pfn_t pfn, unsigned int *size,
		      unsigned int order)
{
	struct buddy *b = r->alloc.buddy;

	while (*size > order) {
		(*size)--;
		buddy_free_as(b, zone, pfn + (1ULL << *size), *size,
			      buddy_block_type(b, zone, pfn));
	}
}

/*
 * Is the page on no list, which most are that are freed?  It was handed out by itself then, and is in no free
 * block that begins before it.  False: it may be, all the same.
 */
static bool is_apart(const struct page_alloc *a, uint32_t zone, pfn_t pfn)
{
	const struct buddy *b = a->buddy;
	uint32_t off = (uint32_t)pfn & (slot_pages(b) - 1), slot;
	const uint64_t *entries;

	if (pfn - a->near.start >= a->near.pages || a->near.zone != zone)
		return false;
	slot = near_slot(a, pfn);
	if (b->slots[slot].chunk == CHUNK_NONE || entry_is_free(b->slots[slot].entry))
		return false;
	entries = b->entries + ((size_t)b->slots[slot].chunk << b->max_order);
	if (!entry_is_held(entries[off]))
		return false;
	/* As buddy_find() looks for it. */
	for (uint32_t head = off; head;) {
		head &= head - 1;
		if (entry_is_free(entries[head]) && (off - head) >> entry_order(entries[head]) == 0)
			return false;
	}
	return true;
}

enum replay_miss replay_take_out(struct replay_model *r, uint32_t cpu, uint32_t zone, pfn_t pfn,
				 unsigned int order)
{
	struct page_alloc *a = &r->alloc;
	enum replay_miss first = REPLAY_MISS_UNTRACED;
	pfn_t end = pfn + (1ULL << order);

	if (!order && is_apart(a, zone, pfn))
		return first;
	take_larger(r, cpu, zone, pfn);
	for (pfn_t at = pfn; at < end;) {
		enum replay_miss miss = REPLAY_MISS_UNTRACED;
		struct buddy_block block;
		unsigned int size = 0;

		if (pageset_holds(a, zone, at)) {
			miss = take_from_sets(r, cpu, zone, at, &size);
			if (size > order)
				give_rest(r, zone, at, &size, order);
		} else if (buddy_find(a->buddy, zone, at, &block)) {
			size = block.order < order ? block.order : order;
			buddy_carve(a->buddy, zone, &block, at, size, block.type);
			miss = REPLAY_MISS_SPLIT;
		} else if (at != pfn) {
			/* Inside a block no page is held by itself any more. */
			page_alloc_unmark(a, zone, at);
		}
		if (at == pfn)
			first = miss;
		at += 1ULL << size;
	}
	return first;
}

void replay_free_again(struct replay_model *r, uint32_t cpu, uint32_t zone, pfn_t pfn,
		       unsigned int order, enum migratetype type)
{
	replay_take_out(r, cpu, zone, pfn, order);
	buddy_untake(r->alloc.buddy, zone, pfn, order, type);
}

void replay_list_again(struct replay_model *r, uint32_t cpu, uint32_t zone, unsigned int index,
		       pfn_t pfn)
{
	replay_take_out(r, cpu, zone, pfn, pageset_list_order(&r->alloc, index));
	pageset_insert(&r->alloc, zone, page_alloc_set(&r->alloc, zone, cpu), index, pfn, false);
}
