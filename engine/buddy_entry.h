/* SPDX-License-Identifier: MIT */
/*
 * The inside of the buddy lists, shared by the modules that work on single pages at full speed (buddy.c,
 * page_alloc.c).  Others use buddy.h.
 *
 * A free block is known by an entry of 64 bits: the links to its neighbours on the list, its order, and a
 * tag that says on which type's list it is.  An entry without a tag is no head of a free block.
 *
 *	 63    60 59   56 55            28 27             0
 *	+--------+-------+----------------+----------------+
 *	|  tag   | order |   link before  |   link after   |	tag = type + 1
 *	+--------+-------+----------------+----------------+
 *
 * Entries of blocks below max_order lie in chunks, one entry a page; a link there is the index of an
 * entry.  Blocks of max_order fill a slot, have their entry in it, and their links are slot numbers.  So
 * a list is always within one of the two arrays, which its order tells.
 *
 *	slots    [ 0 whole, free ][ 1 -> chunk 1 ][ 2 no chunk: nothing free ][ 3 -> chunk 0 ]
 *	entries  [ chunk 0: 1024 entries ][ chunk 1: 1024 entries ]
 *
 * Everything a merge looks at is in one chunk: buddies below max_order differ in bits below it.
 *
 * A block on a per-CPU list has an entry of the same form, with an order no free block has; which order
 * it is follows from the list.  A block that was handed out has a mark without a tag:
 *
 *	+--------+-------+------------------------------------+---+
 *	|   0    | order |                 type               | 1 |
 *	+--------+-------+------------------------------------+---+
 */
#ifndef ENGINE_BUDDY_ENTRY_H
#define ENGINE_BUDDY_ENTRY_H

#include "engine/buddy.h"

#define LINK_BITS 28
#define LINK_MASK ((1u << LINK_BITS) - 1)
#define LINK_NONE LINK_MASK
#define CHUNK_NONE 0x7fffffffu
/* What stands for the order of a block on a per-CPU list. */
#define ENTRY_ORDER_PCP 15

static inline uint64_t entry_make(uint32_t before, uint32_t after, unsigned int order,
				  enum migratetype type)
{
	return (uint64_t)(type + 1) << 60 | (uint64_t)(order & 0xf) << 56 |
	       (uint64_t)before << LINK_BITS | after;
}

static inline uint32_t entry_after(uint64_t entry)
{
	return entry & LINK_MASK;
}

static inline uint32_t entry_before(uint64_t entry)
{
	return entry >> LINK_BITS & LINK_MASK;
}

static inline unsigned int entry_order(uint64_t entry)
{
	return entry >> 56 & 0xf;
}

static inline void entry_set_after(uint64_t *entry, uint32_t after)
{
	*entry = (*entry & ~(uint64_t)LINK_MASK) | after;
}

static inline void entry_set_before(uint64_t *entry, uint32_t before)
{
	*entry = (*entry & ~((uint64_t)LINK_MASK << LINK_BITS)) | (uint64_t)before << LINK_BITS;
}

/* Is the entry that of the head of a free block? */
static inline bool entry_is_free(uint64_t entry)
{
	return entry >> 60 != 0 && entry_order(entry) != ENTRY_ORDER_PCP;
}

/* Marks of blocks that were handed out. */
static inline uint64_t held_make(unsigned int order, enum migratetype type)
{
	return (uint64_t)order << 56 | (uint64_t)type << 1 | 1;
}

static inline bool entry_is_held(uint64_t entry)
{
	return entry >> 60 == 0 && (entry & 1);
}

static inline enum migratetype held_type(uint64_t entry)
{
	return (enum migratetype)(entry >> 1 & 0x7);
}

static inline enum migratetype entry_type(uint64_t entry)
{
	return (enum migratetype)((entry >> 60) - 1);
}

/* A free block of exactly @order. */
static inline bool entry_is(uint64_t entry, unsigned int order)
{
	return entry >> 60 != 0 && entry_order(entry) == order;
}

/* @small: of a block below the largest order. */
static inline uint64_t *entry_in(const struct buddy *b, bool small, uint32_t link)
{
	return small ? &b->entries[link] : &b->slots[link].entry;
}

static inline uint64_t *entry_of(const struct buddy *b, unsigned int order, uint32_t link)
{
	return entry_in(b, order != b->max_order, link);
}

static inline uint32_t slot_pages(const struct buddy *b)
{
	return 1u << b->max_order;
}

static inline pfn_t slot_pfn(const struct buddy *b, uint32_t slot)
{
	return (pfn_t)b->slots[slot].number << b->max_order;
}

/* The page of a link within chunks. */
static inline pfn_t small_link_pfn(const struct buddy *b, uint32_t link)
{
	return ((pfn_t)b->homes[link >> b->max_order].number << b->max_order) |
	       (link & (slot_pages(b) - 1));
}

static inline pfn_t link_pfn(const struct buddy *b, unsigned int order, uint32_t link)
{
	return order == b->max_order ? slot_pfn(b, link) : small_link_pfn(b, link);
}

/* ---- where a page's entry is ------------------------------------------------------------------- */

static inline bool span_search(const struct buddy *b, const struct buddy_zone *z, uint64_t number,
			       uint32_t *span)
{
	uint32_t low = z->first_span, high = z->first_span + z->span_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (b->spans[mid].start + b->spans[mid].count <= number)
			low = mid + 1;
		else
			high = mid;
	}
	*span = low;
	return low < z->first_span + z->span_count && number >= b->spans[low].start;
}

static inline bool find_slot(const struct buddy *b, struct buddy_zone *z, pfn_t pfn, uint32_t *slot)
{
	uint64_t number = pfn >> b->max_order;

	if (number - b->spans[z->near_span].start >= b->spans[z->near_span].count) {
		uint32_t span;

		if (!span_search(b, z, number, &span))
			return false;
		z->near_span = span;
	}
	*slot = b->spans[z->near_span].first_slot +
		(uint32_t)(number - b->spans[z->near_span].start);
	return true;
}

/* Gives @slot a chunk, if it has none, whose entries are all zero. */
bool buddy_get_chunk(struct buddy *b, uint32_t slot);
/* Takes the chunk of @slot back, if it has one; no entry in it has a tag. */
void buddy_put_chunk(struct buddy *b, uint32_t slot);

/* ---- lists ------------------------------------------------------------------------------------- */

/* Puts @link, of an order below the largest if @small, on a list; free pages are not counted here. */
static inline void list_link(struct buddy *b, struct buddy_zone *z, unsigned int order, bool small,
			     enum migratetype type, uint32_t link, bool to_tail)
{
	struct buddy_list *list = &z->lists[order][type];
	uint64_t *entry = entry_in(b, small, link);

	if (!list->count++) {
		list->head = list->tail = link;
		z->nonempty[type] |= 1u << order;
		*entry = entry_make(LINK_NONE, LINK_NONE, order, type);
	} else if (to_tail) {
		uint64_t *last = entry_in(b, small, list->tail);

		entry_set_after(last, link);
		*entry = entry_make(list->tail, LINK_NONE, order, type);
		list->tail = link;
	} else {
		uint64_t *first = entry_in(b, small, list->head);

		entry_set_before(first, link);
		*entry = entry_make(LINK_NONE, list->head, order, type);
		list->head = link;
	}
}

/* Takes it off again; returns the type of the list. */
static inline enum migratetype list_unlink(struct buddy *b, struct buddy_zone *z,
					   unsigned int order, bool small, uint32_t link)
{
	uint64_t *at = entry_in(b, small, link);
	uint64_t entry = *at;
	enum migratetype type = entry_type(entry);
	struct buddy_list *list = &z->lists[order][type];
	uint32_t before = entry_before(entry), after = entry_after(entry);

	if (before == LINK_NONE)
		list->head = after;
	else
		entry_set_after(entry_in(b, small, before), after);
	if (after == LINK_NONE)
		list->tail = before;
	else
		entry_set_before(entry_in(b, small, after), before);
	*at = 0;
	if (!--list->count)
		z->nonempty[type] &= ~(1u << order);
	return type;
}

static inline void list_insert(struct buddy *b, struct buddy_zone *z, unsigned int order,
			       enum migratetype type, uint32_t link, bool to_tail)
{
	if (order == b->max_order)
		list_link(b, z, order, false, type, link, to_tail);
	else
		list_link(b, z, order, true, type, link, to_tail);
	z->free_pages[type] += 1ULL << order;
}

static inline void list_remove(struct buddy *b, struct buddy_zone *z, unsigned int order,
			       uint32_t link)
{
	enum migratetype type = order == b->max_order ? list_unlink(b, z, order, false, link)
						      : list_unlink(b, z, order, true, link);

	z->free_pages[type] -= 1ULL << order;
}

/*
 * Takes the block at the head of the smallest list of @type that has blocks of @order or more, for who
 * goes on with its link.  Its pages are still counted as free.  False when there is none, or no memory
 * for the chunk of one that must be split; @order is below the largest.
 */
static inline bool list_take_head(struct buddy *b, struct buddy_zone *z, unsigned int order,
				  enum migratetype type, uint32_t *link_ret,
				  unsigned int *order_ret)
{
	uint32_t orders = z->nonempty[type] >> order << order, link;
	unsigned int have;

	if (!orders)
		return false;
	have = lowest_bit_u32(orders);
	link = z->lists[have][type].head;
	if (have == b->max_order) {
		uint32_t slot = link;

		if (!buddy_get_chunk(b, slot))
			return false;
		list_unlink(b, z, have, false, slot);
		link = (uint32_t)b->slots[slot].chunk << b->max_order;
	} else {
		list_unlink(b, z, have, true, link);
	}
	*link_ret = link;
	*order_ret = have;
	return true;
}

/* buddy_take() of an @order below the largest, for who goes on with the link. */
static inline bool list_take(struct buddy *b, struct buddy_zone *z, unsigned int order,
			     enum migratetype type, uint32_t *ret)
{
	unsigned int have;

	if (!list_take_head(b, z, order, type, ret, &have))
		return false;
	while (have > order) {
		have--;
		list_link(b, z, have, true, type, *ret + (1u << have), false);
	}
	z->free_pages[type] -= 1ULL << order;
	return true;
}

/* ---- pageblocks -------------------------------------------------------------------------------- */

static inline size_t block_index(const struct buddy *b, uint32_t slot, pfn_t pfn)
{
	return ((size_t)slot << (b->max_order - b->pageblock_order)) +
	       ((pfn & (slot_pages(b) - 1)) >> b->pageblock_order);
}

static inline enum migratetype block_type(const struct buddy *b, size_t index)
{
	return (enum migratetype)(b->block_types[index / 2] >> (index % 2 * 4) & 0xf);
}

static inline void set_block_type(struct buddy *b, size_t index, enum migratetype type)
{
	uint8_t *pair = &b->block_types[index / 2];
	unsigned int shift = index % 2 * 4;

	*pair = (uint8_t)((*pair & ~(0xfu << shift)) | (unsigned int)type << shift);
}

/* ---- freeing ----------------------------------------------------------------------------------- */

/*
 * A block of @order at offset @off of its chunk is put on its list although it could not merge: will it
 * soon?  It will when the pair it lacks one half of has a free buddy.
 *
 *	order + 1:	[ this | missing ][      free       ]
 */
static inline bool merge_is_likely(const struct buddy *b, const uint64_t *entries, uint32_t off,
				   unsigned int order)
{
	uint32_t pair;

	if (b->likely_merge_rule == LIKELY_MERGE_IGNORED || order + 1 >= b->max_order)
		return false;
	if (b->likely_merge_rule == LIKELY_MERGE_LOWER_HALF && off & 1u << order)
		return false;
	pair = off & ~(1u << order);
	return entry_is(entries[pair ^ 2u << order], order + 1);
}

/* Does a block of type @a, which is freed, stay apart from one in a pageblock of type @c? */
static inline bool types_stay_apart(const struct buddy *b, enum migratetype a, enum migratetype c)
{
	if (a == c)
		return false;
	if (a == MIGRATE_ISOLATE || c == MIGRATE_ISOLATE)
		return b->isolated_merge_rule == ISOLATED_APART ||
		       (b->isolated_merge_rule == ISOLATED_STAYS && a == MIGRATE_ISOLATE);
	return b->merge_needs_fallback && (a >= MIGRATE_HIGHATOMIC || c >= MIGRATE_HIGHATOMIC);
}

/* A merge has read the type of the pageblock at @pfn without knowing whether there is a free buddy. */
void buddy_note_merge_read(struct buddy *b, const struct buddy_zone *z, pfn_t pfn);

/* Frees a block to the lists of @type, merging; @slot is its slot.  See buddy_free_as(). */
static inline void free_in_slot(struct buddy *b, struct buddy_zone *z, uint32_t slot, pfn_t pfn,
				unsigned int order, enum migratetype type, bool to_tail)
{
	uint32_t off = (uint32_t)pfn & (slot_pages(b) - 1);
	unsigned int freed = order;
	uint64_t *entries;
	uint32_t base;

	if (order == b->max_order) {
		buddy_put_chunk(b, slot);
		list_insert(b, z, order, type, slot, to_tail);
		return;
	}
	if (b->slots[slot].chunk == CHUNK_NONE && !buddy_get_chunk(b, slot))
		return;
	base = b->slots[slot].chunk << b->max_order;
	entries = b->entries + base;
	entries[off] = 0; /* no longer handed out */
	while (order < b->max_order) {
		uint32_t other = off ^ 1u << order;
		enum migratetype was;

		if (!entry_is(entries[other], order))
			break;
		if (order >= b->pageblock_order) {
			size_t index = block_index(b, slot, other);

			if (types_stay_apart(b, type, block_type(b, index)))
				break;
			/* An isolated one stays isolated: kernels that retype do not merge it. */
			if (b->merge_retypes && type != MIGRATE_ISOLATE &&
			    block_type(b, index) != MIGRATE_ISOLATE)
				for (size_t i = 0; i < 1u << (order - b->pageblock_order); i++)
					set_block_type(b, index + i, type);
		}
		was = list_unlink(b, z, order, true, base | other);
		if (was != type) {
			z->free_pages[was] -= 1ULL << order;
			z->free_pages[type] += 1ULL << order;
		}
		off &= other;
		order++;
	}
	z->free_pages[type] += 1ULL << freed;
	if (order >= b->pageblock_order && order < b->max_order &&
	    b->merge_reads_rule != MERGE_READS_LAST &&
	    (b->merge_reads_rule == MERGE_READS_FIRST || z->isolated))
		buddy_note_merge_read(b, z, slot_pfn(b, slot) + (off ^ 1u << order));
	if (order == b->max_order) {
		buddy_put_chunk(b, slot);
		list_link(b, z, order, false, type, slot, to_tail);
		return;
	}
	list_link(b, z, order, true, type, base | off,
		  to_tail || merge_is_likely(b, entries, off, order));
}

#endif
