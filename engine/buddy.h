/* SPDX-License-Identifier: MIT */
/*
 * Buddy: the free lists of every zone, by order and migratetype, in the exact order of the kernel's.
 *
 * Words:
 *   block      2^order page frames, aligned to their size: what is on a free list
 *   pageblock  2^pageblock_order page frames that share one migratetype
 *   slot       our number for an aligned run of 2^max_order page frames of one zone.  Two buddies always
 *              lie in one slot.  Where zones meet inside such a run, each has a slot of its own, so a
 *              page of another zone is never taken for a buddy.
 *
 * Memory: 16 bytes a slot (and half a byte a pageblock) wherever a zone has memory; a slot that is not
 * one whole free block also has a chunk of 8 bytes a page.  A chunk goes back when its slot is whole
 * again.  Nothing inside is a pointer into itself, so a copy is a copy of arrays.
 *
 * Here: lists, merging, splitting, block types.  Elsewhere: which list a request looks at, per-CPU
 * lists, watermarks; how a boot fills the lists (handover_lists.h).
 */
#ifndef ENGINE_BUDDY_H
#define ENGINE_BUDDY_H

#include "engine/arch.h"
#include "engine/facts.h"
#include "engine/migratetype.h"
#include "engine/sink.h"
#include "engine/units.h"
#include "engine/zone.h"

#define BUDDY_ORDER_COUNT 16 /* room; a machine uses orders 0 ... max_order */
#define BUDDY_ZONE_NONE UINT32_MAX

struct buddy_list {
	uint32_t head, tail; /* links; void when empty */
	uint32_t count; /* blocks */
};

/* A run of slots: block numbers [start, start + count), a block number being pfn >> max_order. */
struct buddy_span {
	uint64_t start, count;
	uint32_t first_slot;
};

struct buddy_zone {
	pfn_t start, end; /* what the zone spans */
	int32_t nid;
	enum zone_type type;
	uint32_t first_span, span_count, near_span; /* near_span: where the last page was found */
	uint32_t nonempty[MIGRATE_TYPE_COUNT]; /* bit per order */
	uint64_t free_pages[MIGRATE_TYPE_COUNT];
	uint32_t isolated; /* pageblocks of type Isolate */
	struct buddy_list lists[BUDDY_ORDER_COUNT][MIGRATE_TYPE_COUNT];
};

struct buddy_slot {
	uint64_t entry; /* links of the whole slot as one free block */
	uint32_t number; /* pfn >> max_order */
	uint32_t chunk : 31, shared : 1; /* shared: another zone may have pages in the same run */
};

/* Whose a chunk is: so a link leads to its page in one step. */
struct buddy_home {
	uint32_t slot; /* UINT32_MAX: nobody's */
	uint32_t number; /* of the slot; of a chunk that is nobody's: the next such chunk */
};

/* Memory whose struct pages are not initialised yet (deferred), in address order. */
struct buddy_pending {
	pfn_t start, end;
	uint32_t zone;
};

/* Values of the fact likely_merge_rule: does a block that will soon merge go to the tail? */
enum likely_merge_rule {
	LIKELY_MERGE_IGNORED = 0,
	LIKELY_MERGE_TO_TAIL = 1,
	LIKELY_MERGE_LOWER_HALF = 2, /* 2.6.38 ... 3.6 looked in a wrong place for upper halves */
};

/* Values of the fact isolated_merge_rule. */
enum isolated_merge_rule {
	ISOLATED_MERGES = 0,
	ISOLATED_STAYS = 1, /* what is freed in an isolated pageblock stays within it */
	ISOLATED_APART = 2,
};

/* Values of the fact merge_reads_rule: when is the type of a buddy's pageblock read? */
enum merge_reads_rule {
	MERGE_READS_FIRST = 0,
	MERGE_READS_FIRST_IF_ISOLATED = 1,
	MERGE_READS_LAST = 2, /* when it is known that there is a buddy */
};

struct buddy {
	unsigned int max_order, pageblock_order, page_shift;
	uint64_t section_pages; /* 0 = FLATMEM: pageblock types belong to a zone */
	/* What the kernel does, from facts. */
	enum likely_merge_rule likely_merge_rule;
	enum isolated_merge_rule isolated_merge_rule;
	enum merge_reads_rule merge_reads_rule;
	bool fresh_to_tail, merge_needs_fallback, merge_retypes, free_splits;
	bool subsections; /* a struct page is in use if its 2 MiB hold memory */
	bool mobility_off; /* only unmovable pageblocks from now on */
	enum migratetype hole_type; /* of pageblocks without any memory */
	const struct facts *facts; /* borrowed */

	struct buddy_zone *zones;
	uint32_t zone_count;
	struct buddy_span *spans;
	uint32_t span_count;
	struct buddy_slot *slots;
	uint32_t slot_count;
	uint8_t *block_types; /* two pageblocks a byte, by slot */
	uint64_t *entries; /* 2^max_order a chunk */
	struct buddy_home *homes; /* by chunk */
	uint32_t chunk_count, chunk_room;
	uint32_t free_chunk, free_chunk_count; /* the first of those that are nobody's */
	struct node_range *memory; /* what the zones were made from */
	uint32_t memory_count;
	struct buddy_pending *pending;
	uint32_t pending_count, pending_room;
	/* Bytes that buffers have room for, for a later use. */
	size_t zones_room, spans_room, slots_room, block_types_room, memory_room;

	/* What a merge read of pages that are not the zone's, see merge_reads_rule: how often, and the last. */
	uint64_t stray_reads;
	pfn_t stray_read;
	bool types_changed_free; /* whole pageblocks changed their type on the lists, and may lie unmerged */

	/* Where the order of the lists is not that of the kernel for certain. */
	bool order_threads; /* several threads raced to free deferred memory */
	bool order_pagesets; /* late frees went through per-CPU lists, which are left out here */
	bool places_guessed; /* where a late free lay was not known exactly */
	bool out_of_memory; /* the host had no memory: contents are void */
};

/* Where a block that is not merged further goes on its list. */
enum buddy_place {
	BUDDY_PLACE_FREED, /* a page that was in use: head, or tail when a merge is likely */
	BUDDY_PLACE_FRESH, /* a page never used before (__free_pages_core): tail from 5.10 on */
	BUDDY_PLACE_TAIL, /* what an exact allocation leaves over, what isolation puts back: tail */
};

/*
 * Zones with memory, in order of node and type; no page is free and every pageblock Unmovable.  @b is
 * zeroed, or a buddy, whose buffers are used again.  @ranges
 * is memory in address order; @config, @nodes and @ranges are read now only, @facts is borrowed until
 * deinit.  On failure out_of_memory is set (also when a machine has more than 2^28 slots).
 */
void buddy_init(struct buddy *b, const struct arch_config *config, const struct facts *facts,
		const struct node *nodes, uint32_t node_count, const struct node_range *ranges,
		uint32_t range_count);
void buddy_deinit(struct buddy *b);
/* Makes @dst (zeroed, or a buddy) an equal copy of @src. */
void buddy_copy(struct buddy *dst, const struct buddy *src);
/*
 * Makes lists, pageblock types and pending memory of @dst those of @src; what the kernel does with them
 * stays its own.  False, and nothing changed, when they do not have the same zones.  @dst->out_of_memory
 * as of buddy_copy().
 */
bool buddy_take_lists(struct buddy *dst, const struct buddy *src);
/* Equal for equal lists, block types and pending memory, on every host. */
uint64_t buddy_hash(const struct buddy *b);

/*
 * The zone that has memory in the run of @pfn and spans it, where several do the one whose memory it is;
 * BUDDY_ZONE_NONE if none.  Slow.
 */
uint32_t buddy_zone_at(const struct buddy *b, pfn_t pfn);
/* The memory range that holds @pfn, or NULL. */
const struct node_range *buddy_memory_at(const struct buddy *b, pfn_t pfn);
uint32_t buddy_zone_find(const struct buddy *b, int32_t nid, enum zone_type type);

/* ---- pageblocks ---- */

/* Of the pageblock that holds @pfn; hole_type where the zone has no memory near. */
enum migratetype buddy_block_type(const struct buddy *b, uint32_t zone, pfn_t pfn);
/*
 * Does the pageblock at @pfn hold memory of several zones, one of which spans all of it?  Kernels look at
 * what a zone spans only, and take such a pageblock for its own.
 */
bool buddy_block_is_entangled(const struct buddy *b, pfn_t pfn);
/* Does @zone have memory in the pageblock at @pfn? */
bool buddy_block_has_memory(const struct buddy *b, uint32_t zone, pfn_t pfn);
/* Moves no free page.  With mobility_off the mixed types become Unmovable. */
void buddy_set_block_type(struct buddy *b, uint32_t zone, pfn_t pfn, enum migratetype type);
/* Sets every pageblock whose first page lies in [start, end), as memmap_init does. */
void buddy_set_block_types(struct buddy *b, uint32_t zone, pfn_t start, pfn_t end,
			   enum migratetype type);

/* ---- verbs ---- */

/*
 * Frees 2^@order pages at @pfn (aligned; in @zone; none of them free) to the list of their block's type,
 * merging with buddies.  A block may end beyond its zone: it belongs to the zone of its first page.
 */
void buddy_free(struct buddy *b, uint32_t zone, pfn_t pfn, unsigned int order,
		enum buddy_place place);
/* Frees [start, end) in the largest aligned blocks, ascending, none larger than 2^@order. */
void buddy_free_range(struct buddy *b, uint32_t zone, pfn_t start, pfn_t end, unsigned int order,
		      enum buddy_place place);
/* Frees [start, end) page by page, ascending: the same lists as from buddy_free() of each, only sooner. */
void buddy_free_pages(struct buddy *b, uint32_t zone, pfn_t start, pfn_t end,
		      enum buddy_place place);
/* The same to the lists of @type, whatever the type of the pageblock; a page that was in use. */
void buddy_free_as(struct buddy *b, uint32_t zone, pfn_t pfn, unsigned int order,
		   enum migratetype type);
/*
 * Undoes what buddy_take() or a fallback did: as buddy_free_as(), but the block goes to the head of its list,
 * where it was, whatever merge is likely.  Of several blocks the last that was taken comes first.
 */
void buddy_untake(struct buddy *b, uint32_t zone, pfn_t pfn, unsigned int order,
		  enum migratetype type);
/*
 * Takes 2^@order pages from the head of the smallest list of @type that has them and puts the upper
 * halves that are left over at the head of theirs (the kernel's __rmqueue_smallest).  Returns the first
 * page, PFN_NONE when no block is large enough.
 */
pfn_t buddy_take(struct buddy *b, uint32_t zone, unsigned int order, enum migratetype type);
/* Moves the free blocks of the pageblock at @pfn to the head (or tail) of the lists of @type. */
uint64_t buddy_move_block(struct buddy *b, uint32_t zone, pfn_t pfn, enum migratetype type,
			  bool to_tail);
/* Of them, those that begin at @pfn or behind it. */
uint64_t buddy_move_rest(struct buddy *b, uint32_t zone, pfn_t pfn, enum migratetype type,
			 bool to_tail);
/* The block at the head of a list, or PFN_NONE. */
pfn_t buddy_head(const struct buddy *b, uint32_t zone, unsigned int order, enum migratetype type);

struct buddy_block {
	pfn_t pfn;
	unsigned int order;
	enum migratetype type; /* of the list it is on */
};
/*
 * Takes the 2^@order pages at @pfn (aligned) out of the free block @block that holds them; the halves
 * that are left over go to the head of the lists of @type, the largest first.
 */
void buddy_carve(struct buddy *b, uint32_t zone, const struct buddy_block *block, pfn_t pfn,
		 unsigned int order, enum migratetype type);
/* Moves the free block @block to a list of @type. */
void buddy_move(struct buddy *b, uint32_t zone, const struct buddy_block *block,
		enum migratetype type, bool to_tail);
/*
 * Exchanges the places of the free blocks of the largest order at @pfn of @zone and at @other of
 * @other_zone on their lists, which are of one type.  Lists of two zones are no longer sound then.
 */
void buddy_swap_largest(struct buddy *b, uint32_t zone, pfn_t pfn, uint32_t other_zone,
			pfn_t other);
/*
 * Counts the pageblock from @pfn, where no block is cut, to its end: pages on free lists, and pages of blocks handed out to movable requests
 * (see page_alloc.h) that are still in use.
 */
void buddy_census(const struct buddy *b, uint32_t zone, pfn_t pfn, uint64_t *free_pages,
		  uint64_t *movable_pages);
/* Remembers deferred memory; see struct buddy_pending. */
void buddy_add_pending(struct buddy *b, uint32_t zone, pfn_t start, pfn_t end);

/* ---- questions ---- */

/* The free block that holds @pfn, which lies in @zone. */
bool buddy_find(const struct buddy *b, uint32_t zone, pfn_t pfn, struct buddy_block *ret);
/*
 * Walks one list from its head: *cursor begins as BUDDY_LIST_START.  The list must not change meanwhile.
 */
#define BUDDY_LIST_START UINT32_MAX
bool buddy_list_next(const struct buddy *b, uint32_t zone, unsigned int order,
		     enum migratetype type, uint32_t *cursor, pfn_t *pfn);
uint64_t buddy_zone_free_pages(const struct buddy *b, uint32_t zone);
/* Bytes of host memory, for reports and tests of the promise above. */
uint64_t buddy_memory_bytes(const struct buddy *b);

/* ---- check and dump ---- */

/* What can be wrong with the lists; BUDDY_RIGHT is 0. */
enum buddy_wrong {
	BUDDY_RIGHT,
#define BUDDY_WRONG(name, invariant, text) BUDDY_WRONG_##name,
#include "engine/buddy_wrong.def"
#undef BUDDY_WRONG
};

struct buddy_violation {
	enum buddy_wrong wrong;
	const char *what; /* static */
	uint32_t zone; /* BUDDY_ZONE_NONE: none in particular */
	pfn_t pfn; /* PFN_NONE likewise */
};

/* The first violation of what buddy_check() tells, if any. */
bool buddy_find_violation(const struct buddy *b, bool typed, struct buddy_violation *ret);

/*
 * Counts everything twice: counters against lists, lists against entries; links both ways, alignment,
 * no two free buddies that should have merged, no block inside another.  With @typed also: every block is
 * on the list of its pageblock's type, as it is until an allocation had to fall back.  Returns NULL or a
 * static sentence naming the first violation.
 */
const char *buddy_check(const struct buddy *b, bool typed);
/* Every list from head to tail, page frames in hexadecimal. */
void buddy_dump(const struct buddy *b, const struct sink *sink);

#endif
