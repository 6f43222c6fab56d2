/* SPDX-License-Identifier: MIT */
/*
 * The inside of the per-CPU lists, shared by the modules that work on single pages at full speed
 * (pageset.c, page_alloc.c).  Others use pageset.h.
 *
 * A block on such a list has an entry as in buddy_entry.h, in a chunk whatever its order; links are
 * indices of entries.
 */
#ifndef ENGINE_PAGESET_LIST_H
#define ENGINE_PAGESET_LIST_H

#include "engine/buddy_entry.h"
#include "engine/pageset.h"

static inline pfn_t pcp_link_pfn(const struct buddy *b, uint32_t link)
{
	return small_link_pfn(b, link);
}

/* The link of page @pfn in @slot, which has a chunk. */
static inline uint32_t pcp_link_at(const struct buddy *b, uint32_t slot, pfn_t pfn)
{
	return (uint32_t)b->slots[slot].chunk << b->max_order |
	       ((uint32_t)pfn & (slot_pages(b) - 1));
}

/* The same of a slot that gets a chunk if it has none; LINK_NONE without memory. */
static inline uint32_t pcp_link_in(struct buddy *b, uint32_t slot, pfn_t pfn)
{
	if (b->slots[slot].chunk == CHUNK_NONE && !buddy_get_chunk(b, slot))
		return LINK_NONE;
	return pcp_link_at(b, slot, pfn);
}

/* The slot of a page that page_alloc_zone_of() has just told the zone of. */
static inline uint32_t near_slot(const struct page_alloc *a, pfn_t pfn)
{
	return (uint32_t)(pfn >> a->buddy->max_order) + a->near.slots_before;
}

/* Likewise the entry of that page, 0 where it has none; and the type of its pageblock. */
static inline uint64_t near_entry(const struct page_alloc *a, pfn_t pfn)
{
	const struct buddy *b = a->buddy;
	uint32_t chunk = b->slots[near_slot(a, pfn)].chunk;

	return chunk == CHUNK_NONE
		       ? 0
		       : b->entries[((size_t)chunk << b->max_order) + (pfn & (slot_pages(b) - 1))];
}

static inline enum migratetype near_type(const struct page_alloc *a, pfn_t pfn)
{
	return block_type(a->buddy,
			  (uint32_t)(pfn >> a->buddy->pageblock_order) + a->near.blocks_before);
}

/* Pages are not counted here. */
static inline void pcp_list_insert(struct buddy *b, struct pageset *set, unsigned int index,
				   uint32_t link, enum migratetype type, bool to_tail)
{
	struct pcp_list *list = &set->lists[index];

	if (!list->count++) {
		list->head = list->tail = link;
		set->nonempty |= 1u << index;
		b->entries[link] = entry_make(LINK_NONE, LINK_NONE, ENTRY_ORDER_PCP, type);
	} else if (to_tail) {
		entry_set_after(&b->entries[list->tail], link);
		b->entries[link] = entry_make(list->tail, LINK_NONE, ENTRY_ORDER_PCP, type);
		list->tail = link;
	} else {
		entry_set_before(&b->entries[list->head], link);
		b->entries[link] = entry_make(LINK_NONE, list->head, ENTRY_ORDER_PCP, type);
		list->head = link;
	}
}

/* Appends @count blocks of @order that lie one after the other from @link on. */
static inline void pcp_list_append_run(struct buddy *b, struct pageset *set, unsigned int index,
				       uint32_t link, unsigned int order, uint32_t count,
				       enum migratetype type)
{
	struct pcp_list *list = &set->lists[index];
	uint32_t before = LINK_NONE, last = link + ((count - 1) << order);

	if (list->count) {
		before = list->tail;
		entry_set_after(&b->entries[before], link);
	} else {
		list->head = link;
		set->nonempty |= 1u << index;
	}
	for (; link != last; link += 1u << order) {
		b->entries[link] = entry_make(before, link + (1u << order), ENTRY_ORDER_PCP, type);
		before = link;
	}
	b->entries[last] = entry_make(before, LINK_NONE, ENTRY_ORDER_PCP, type);
	list->tail = last;
	list->count += count;
}

/* Takes @link off, leaves @left for its entry, and returns the type that was remembered with it. */
static inline enum migratetype pcp_list_remove(struct buddy *b, struct pageset *set,
					       unsigned int index, uint32_t link, uint64_t left)
{
	struct pcp_list *list = &set->lists[index];
	uint64_t entry = b->entries[link];
	uint32_t before = entry_before(entry), after = entry_after(entry);

	if (before == LINK_NONE)
		list->head = after;
	else
		entry_set_after(&b->entries[before], after);
	if (after == LINK_NONE)
		list->tail = before;
	else
		entry_set_before(&b->entries[after], before);
	b->entries[link] = left;
	if (!--list->count)
		set->nonempty &= ~(1u << index);
	return entry_type(entry);
}

/* Takes the head off a list that is not empty and returns it; its entry is the caller's to write. */
static inline uint32_t pcp_list_pop(struct buddy *b, struct pageset *set, unsigned int index)
{
	struct pcp_list *list = &set->lists[index];
	uint32_t link = list->head, after = entry_after(b->entries[link]);

	list->head = after;
	if (--list->count) {
		entry_set_before(&b->entries[after], LINK_NONE);
	} else {
		list->tail = LINK_NONE;
		set->nonempty &= ~(1u << index);
	}
	return link;
}

/* The count may be off from the lists where a trace proved it so. */
static inline void pcp_count_down(struct pageset *set, uint32_t pages)
{
	set->count = set->count > pages ? set->count - pages : 0;
}

/* Takes the head of list @index, which is not empty, off, leaves @left for its entry, and returns its link. */
static inline uint32_t pageset_take(struct page_alloc *a, struct pageset *set, unsigned int index,
				    uint64_t left)
{
	uint32_t link = pcp_list_pop(a->buddy, set, index);

	a->buddy->entries[link] = left;
	pcp_count_down(set, 1u << pageset_list_order(a, index));
	return link;
}

/*
 * Does a block of @order that is freed to @set go straight to the free lists?  An empty set that is
 * emptied at every free of a high order while others are freed in a row (6.0 to 6.6) gives it away at once.
 */
static inline bool pageset_passes_on(const struct page_alloc *a, const struct pageset *set,
				     unsigned int order)
{
	return order && order <= 3 && set->free_factor && !(set->nonempty | set->count) &&
	       a->rules.drain_amount == DRAIN_HIGH_ORDERS && !a->events;
}

/*
 * Frees the block at @link, whose pageblock is of @type, to list @index, which is of @order:
 * free_unref_page_commit().  Is it for pageset_drain_freed() to go on?  What drains nothing and tunes nothing
 * needs no call.
 */
static inline bool pageset_free_to(struct page_alloc *a, uint32_t zone, struct pageset *set,
				   unsigned int index, unsigned int order, enum migratetype type,
				   uint32_t link)
{
	pcp_list_insert(a->buddy, set, index, link, type, false);
	set->count += 1u << order;
	return set->count >= set->high || (order && set->free_factor) ||
	       a->rules.drain_amount == DRAIN_TUNED || a->zones[zone].reclaim_active;
}

#endif
