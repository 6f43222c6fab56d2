/* SPDX-License-Identifier: MIT */
#include "engine/start.h"

#include <stdlib.h>
#include <string.h>

#include "engine/buddy_view.h"
#include "engine/pageset.h"
#include "engine/pageset_list.h"
#include "engine/start_types.h"

/* Bits by page frame. */
struct bits {
	uint64_t *words;
	uint64_t count; /* of bits */
};

struct work {
	struct page_alloc *a;
	const struct start *s;
	struct bits free, lru, slab, reserved, changed;
	struct bits listed; /* of what was freed: it lies on a page set */
	struct start_report report;
	bool out_of_memory;
};

static bool bits_make(struct bits *bits, uint64_t count, const struct start_ranges *ranges)
{
	bits->count = count;
	bits->words = calloc(count / 64 + 1, sizeof(*bits->words));
	for (uint32_t i = 0; bits->words && i < ranges->count; i++)
		for (pfn_t pfn = ranges->ranges[i].start;
		     pfn < ranges->ranges[i].end && pfn < count; pfn++)
			bits->words[pfn / 64] |= 1ULL << pfn % 64;
	return bits->words;
}

static bool bit(const struct bits *bits, pfn_t pfn)
{
	return pfn < bits->count && bits->words[pfn / 64] >> pfn % 64 & 1;
}

/* How many of [@start, @end) are set. */
static uint32_t bits_count(const struct bits *bits, pfn_t start, pfn_t end)
{
	uint32_t sum = 0;

	for (pfn_t pfn = start; pfn < end && pfn < bits->count; pfn++)
		sum += bit(bits, pfn);
	return sum;
}

/* ---- what is free and should not be ------------------------------------------------------------- */

/* All free blocks of a zone; the caller frees.  NULL without memory. */
static struct buddy_block *list_blocks(const struct buddy *b, uint32_t zone, uint32_t *count_ret)
{
	const struct buddy_zone *z = &b->zones[zone];
	struct buddy_block *blocks;
	size_t sum = 0;

	for (unsigned int o = 0; o <= b->max_order; o++)
		for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
			sum += z->lists[o][t].count;
	blocks = malloc((sum + 1) * sizeof(*blocks));
	*count_ret = 0;
	for (unsigned int o = 0; blocks && o <= b->max_order; o++) {
		for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
			uint32_t cursor = BUDDY_LIST_START;
			pfn_t pfn;

			while (buddy_list_next(b, zone, o, (enum migratetype)t, &cursor, &pfn))
				blocks[(*count_ret)++] =
					(struct buddy_block){ pfn, o, (enum migratetype)t };
		}
	}
	return blocks;
}

void start_forget(struct page_alloc *a)
{
	struct buddy *b = a->buddy;

	for (uint32_t zone = 0; zone < a->zone_count; zone++) {
		for (unsigned int o = 0; o <= b->max_order; o++) {
			for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
				struct buddy_block block = { .order = o,
							     .type = (enum migratetype)t };

				while ((block.pfn = buddy_head(b, zone, o, block.type)) != PFN_NONE)
					buddy_carve(b, zone, &block, block.pfn, o, block.type);
			}
		}
		for (uint32_t cpu = 0; cpu < a->cpu_count; cpu++) {
			struct pageset *set = page_alloc_set(a, zone, cpu);

			for (unsigned int index = 0; index < PCP_LISTS_MAX; index++)
				while (set->lists[index].count)
					pageset_pop(a, set, index);
		}
	}
	b->pending_count = 0;
}

/* Is the page, which the lists have as free, in use? */
static bool goes(const struct work *w, pfn_t pfn)
{
	return pfn < w->s->page_count && !bit(&w->free, pfn) && !bit(&w->changed, pfn);
}

/* Takes what is in use of the 2^@order pages at @pfn, which lie in one free block, out of it. */
static void drop(struct work *w, uint32_t zone, pfn_t pfn, unsigned int order)
{
	uint64_t pages = 1ULL << order, gone = 0;
	struct buddy_block block;

	for (uint64_t i = 0; i < pages; i++)
		gone += goes(w, pfn + i);
	if (!gone)
		return;
	if (gone < pages) {
		drop(w, zone, pfn, order - 1);
		drop(w, zone, pfn + pages / 2, order - 1);
		return;
	}
	if (buddy_find(w->a->buddy, zone, pfn, &block))
		buddy_carve(w->a->buddy, zone, &block, pfn, order, block.type);
	w->report.taken += pages;
}

static void drop_all(struct work *w)
{
	for (uint32_t zone = 0; zone < w->a->zone_count; zone++) {
		uint32_t count = 0;
		struct buddy_block *blocks = list_blocks(w->a->buddy, zone, &count);

		w->out_of_memory |= !blocks;
		for (uint32_t i = 0; blocks && i < count; i++)
			drop(w, zone, blocks[i].pfn, blocks[i].order);
		free(blocks);
	}
}

/* ---- pageblocks --------------------------------------------------------------------------------- */

/* Memory of @zone's machine in [@start, @end). */
static uint32_t memory_pages(const struct buddy *b, pfn_t start, pfn_t end)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < b->memory_count; i++) {
		pfn_t low = b->memory[i].start > start ? b->memory[i].start : start;
		pfn_t high = b->memory[i].end < end ? b->memory[i].end : end;

		if (low < high)
			sum += high - low;
	}
	return (uint32_t)sum;
}

/* The largest order of a block that begins at @pfn with all its pages free. */
static unsigned int free_order(const struct work *w, pfn_t pfn)
{
	const struct buddy *b = w->a->buddy;
	unsigned int order = 0;

	while (order < b->max_order && !(pfn & ((2ULL << order) - 1)) &&
	       bits_count(&w->free, pfn + (1ULL << order), pfn + (2ULL << order)) == 1U << order)
		order++;
	return order;
}

/*
 * A pageblock without pages in use may belong to others: pageblocks change their types together where a
 * larger free block was split.
 */
static void give_hints(const struct buddy *b, struct start_block *blocks, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		blocks[i].hint = MIGRATE_TYPE_COUNT;
		for (uint32_t k = i ? i - 1 : 0; blocks[i].unused && k <= i + 1 && k < count; k++)
			if (!((blocks[i].pfn ^ blocks[k].pfn) >> b->max_order) && !blocks[k].unused)
				blocks[i].hint = start_types_suggested(&blocks[k]);
	}
}

static struct start_block *list_pageblocks(struct work *w, uint32_t zone, uint32_t *count_ret)
{
	const struct buddy *b = w->a->buddy;
	const struct buddy_zone *z = &b->zones[zone];
	uint64_t pages = 1ULL << b->pageblock_order;
	pfn_t first = round_down_to(z->start, pages), covered = first;
	struct start_block *blocks = calloc((z->end - first) / pages + 2, sizeof(*blocks));
	uint32_t count = 0;

	for (pfn_t at = first; blocks && at < z->end; at += pages) {
		struct start_block *block = &blocks[count];
		pfn_t start = at > z->start ? at : z->start;
		pfn_t end = at + pages < z->end ? at + pages : z->end;
		uint32_t memory = memory_pages(b, start, end), used;

		if (!memory || !buddy_block_has_memory(b, zone, start))
			continue;
		used = memory - bits_count(&w->free, start, end) -
		       bits_count(&w->reserved, start, end);
		block->unused = bits_count(&w->free, start, end) == memory;
		block->pfn = start;
		block->type = buddy_block_type(w->s->types ? w->s->types : b, zone, start);
		block->fixed = block->type == MIGRATE_CMA || block->type == MIGRATE_ISOLATE;
		block->lru = bits_count(&w->lru, start, end);
		block->slab = bits_count(&w->slab, start, end);
		block->other = used > block->lru + block->slab ? used - block->lru - block->slab
							       : 0;
		if (!w->s->has_uses)
			block->other = 0;
		for (pfn_t pfn = start > covered ? start : covered; pfn < end;) {
			unsigned int order;

			if (!bit(&w->free, pfn)) {
				pfn++;
				continue;
			}
			order = free_order(w, pfn);
			block->free[order]++;
			pfn += 1ULL << order;
			covered = pfn;
		}
		count++;
	}
	*count_ret = count;
	give_hints(b, blocks, count);
	return blocks;
}

static void assign_types(struct work *w, uint32_t zone)
{
	const struct start_zone *told = &w->s->zones[zone];
	struct buddy *b = w->a->buddy;
	uint64_t have[MIGRATE_TYPE_COUNT], wanted[MIGRATE_TYPE_COUNT] = { 0 }, misfits = 0;
	struct start_block *blocks;
	uint32_t count = 0;

	if (!told->has_blocks)
		return;
	blocks = list_pageblocks(w, zone, &count);
	/* The kernel counts pageblocks without memory, too: only by how many types differ matters. */
	buddy_view_blocks(w->s->types ? w->s->types : b, zone, have);
	for (uint32_t i = 0; blocks && i < count; i++)
		wanted[blocks[i].type]++;
	for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
		uint64_t sum = wanted[t] + told->blocks[t];

		wanted[t] = sum > have[t] ? sum - have[t] : 0;
	}
	w->out_of_memory |= !blocks ||
			    !start_types_assign(blocks, count, wanted,
						told->has_free ? told->free : NULL, &misfits);
	for (uint32_t i = 0; blocks && i < count; i++) {
		if (buddy_block_type(b, zone, blocks[i].pfn) == blocks[i].type)
			continue;
		w->report.retyped++;
		buddy_set_block_type(b, zone, blocks[i].pfn, blocks[i].type);
		buddy_move_block(b, zone, blocks[i].pfn, blocks[i].type, false);
	}
	w->report.unexplained += misfits;
	w->a->zones[zone].reserved_highatomic = told->blocks[MIGRATE_HIGHATOMIC]
						<< b->pageblock_order;
	free(blocks);
}

/* ---- what is in use and should not be ----------------------------------------------------------- */

static bool comes(const struct work *w, pfn_t pfn)
{
	return bit(&w->free, pfn) && !bit(&w->changed, pfn);
}

/* Takes blocks off the list that hold a page which is free. */
static void unlist(struct work *w, uint32_t zone, struct pageset *set, unsigned int index)
{
	unsigned int order = pageset_list_order(w->a, index);
	uint32_t cursor = BUDDY_LIST_START, count = 0;
	pfn_t *blocks = malloc(((size_t)set->lists[index].count + 1) * sizeof(*blocks)), pfn;

	w->out_of_memory |= !blocks;
	while (blocks && pageset_next(w->a, set, index, &cursor, &pfn)) {
		bool is_free = false;

		for (uint64_t i = 0; i < 1ULL << order; i++)
			is_free |= comes(w, pfn + i);
		if (is_free)
			blocks[count++] = pfn;
	}
	while (count)
		pageset_remove(w->a, zone, set, index, blocks[--count]);
	free(blocks);
}

static void unlist_all(struct work *w)
{
	struct page_alloc *a = w->a;

	for (uint32_t zone = 0; zone < a->zone_count; zone++)
		for (uint32_t cpu = 0; cpu < a->cpu_count; cpu++)
			for (unsigned int index = 0; index < PCP_LISTS_MAX; index++)
				unlist(w, zone, page_alloc_set(a, zone, cpu), index);
}

/* Frees what is free of the 2^@order pages at @pfn, in blocks as large as can be, the lowest first. */
static void add(struct work *w, uint32_t zone, pfn_t pfn, unsigned int order)
{
	struct buddy *b = w->a->buddy;
	uint64_t pages = 1ULL << order, came = 0, there = 0;
	struct buddy_block block;

	for (uint64_t i = 0; i < pages; i++) {
		if (!comes(w, pfn + i) || page_alloc_zone_of(w->a, pfn + i) != zone)
			continue;
		came++;
		there += buddy_find(b, zone, pfn + i, &block);
	}
	if (came == there)
		return;
	if (came < pages || there) {
		add(w, zone, pfn, order - 1);
		add(w, zone, pfn + pages / 2, order - 1);
		return;
	}
	/* Nobody has any of it any more. */
	for (uint64_t i = 0; i < pages; i++)
		page_alloc_unmark(w->a, zone, pfn + i);
	buddy_free_as(b, zone, pfn, order, buddy_block_type(b, zone, pfn));
	w->report.freed += pages;
}

/*
 * Which blocks lie before others on their list is not told.  Those of the largest order have mostly lain
 * there since the boot, the lowest first.  Others were freed, and mostly one after the other as memory
 * goes: the last, which is the highest, lies first.
 */
static void add_all(struct work *w)
{
	const struct buddy *b = w->a->buddy;
	uint64_t pages = 1ULL << b->max_order;

	for (uint32_t zone = 0; zone < w->a->zone_count; zone++) {
		pfn_t start = round_down_to(b->zones[zone].start, pages);
		pfn_t end = b->zones[zone].end < w->s->page_count ? b->zones[zone].end
								  : w->s->page_count;

		for (pfn_t pfn = round_down_to(end, pages) + pages; pfn > start;) {
			pfn -= pages;
			if (bits_count(&w->free, pfn, pfn + pages) == pages)
				add(w, zone, pfn, b->max_order);
		}
		for (pfn_t pfn = start; pfn < end; pfn += pages)
			if (bits_count(&w->free, pfn, pfn + pages))
				add(w, zone, pfn, b->max_order);
	}
}

/* ---- page sets ---------------------------------------------------------------------------------- */

/* Was the page handed to someone, by itself or as part of a larger block? */
static bool is_handed_out(struct page_alloc *a, uint32_t zone, pfn_t pfn)
{
	for (unsigned int order = 0; order <= a->buddy->max_order; order++) {
		pfn_t head = round_down_to(pfn, 1ULL << order);

		if (page_alloc_zone_of(a, head) == zone &&
		    page_alloc_held_order(a, zone, head) >= (int)order)
			return true;
	}
	return false;
}

/*
 * Does the freed block lie on a page set of its CPU, which nothing tells: it is no part of what is free, and
 * nobody was handed it since?  Of what changed while all was told the lists know it, unless they drained
 * what the kernel, whose page sets are larger, kept.
 */
static bool lies_on_set(struct work *w, uint32_t zone, const struct start_freed *f)
{
	struct page_alloc *a = w->a;
	const struct start_set *told = w->s->sets ? &w->s->sets[zone * a->cpu_count + f->cpu]
						  : NULL;
	bool drained = told && told->known && told->high > page_alloc_set(a, zone, f->cpu)->high;

	for (pfn_t pfn = f->pfn; pfn < f->pfn + (1ULL << f->order); pfn++) {
		if (page_alloc_zone_of(a, pfn) != zone || is_handed_out(a, zone, pfn))
			return false;
		if (bit(&w->changed, pfn) ? !drained && !pageset_holds(a, zone, pfn)
					  : bit(&w->free, pfn))
			return false;
	}
	return true;
}

/*
 * What was freed last lies at the head of its list; what the lists have been filled with lies below all that:
 *
 *	freed a, b, c		list [ c b a, what was there ]
 *
 * First it is found out what that is, while the lists are as they were.  False: the host has no memory.
 */
static bool find_listed(struct work *w)
{
	struct page_alloc *a = w->a;
	bool made = bits_make(&w->listed, w->s->freed_count, &(struct start_ranges){ NULL, 0 });
	struct bits seen;

	made = bits_make(&seen, w->s->page_count, &(struct start_ranges){ NULL, 0 }) && made;
	for (uint32_t i = w->s->freed_count; made && i--;) {
		const struct start_freed *f = &w->s->freed[i];
		uint32_t zone = page_alloc_zone_of(a, f->pfn);
		bool again = zone == BUDDY_ZONE_NONE;

		for (pfn_t pfn = f->pfn; pfn < f->pfn + (1ULL << f->order); pfn++) {
			again |= pfn >= seen.count || bit(&seen, pfn);
			if (pfn < seen.count)
				seen.words[pfn / 64] |= 1ULL << pfn % 64;
		}
		if (!again && lies_on_set(w, zone, f))
			w->listed.words[i / 64] |= 1ULL << i % 64;
	}
	free(seen.words);
	return made;
}

/* Takes what the lists have of the block at @pfn off them. */
static void forget_block(struct work *w, uint32_t zone, pfn_t pfn, unsigned int order)
{
	struct page_alloc *a = w->a;

	for (pfn_t at = pfn; at < pfn + (1ULL << order); at++) {
		struct buddy_block block;
		unsigned int index;
		uint32_t depth;

		if (buddy_find(a->buddy, zone, at, &block))
			buddy_carve(a->buddy, zone, &block, at, 0, block.type);
		for (uint32_t cpu = 0; pageset_holds(a, zone, at) && cpu < a->cpu_count; cpu++)
			if (pageset_find(a, page_alloc_set(a, zone, cpu), at, &index, &depth))
				pageset_remove(a, zone, page_alloc_set(a, zone, cpu), index, at);
	}
}

static void list_freed(struct work *w)
{
	struct page_alloc *a = w->a;

	for (uint32_t i = 0; i < w->s->freed_count; i++) {
		const struct start_freed *f = &w->s->freed[i];
		uint32_t zone = page_alloc_zone_of(a, f->pfn);
		struct pageset *set;
		unsigned int index;

		if (!bit(&w->listed, i))
			continue;
		index = a->rules.list_of_freed[f->order][buddy_block_type(a->buddy, zone, f->pfn)];
		if (index == PCP_LIST_NONE)
			continue;
		set = page_alloc_set(a, zone, f->cpu);
		forget_block(w, zone, f->pfn, f->order);
		pageset_insert(a, zone, set, index, f->pfn, false);
		/* Nothing was drained, and so nothing makes it grow. */
		set->free_factor = 0;
	}
}

bool start_list_freed(struct page_alloc *a, const struct start_freed *freed, uint32_t count)
{
	const struct buddy *b = a->buddy;
	struct start s = { .freed = freed, .freed_count = count };
	struct work w = { .a = a, .s = &s };
	bool made;

	for (uint32_t zone = 0; zone < a->zone_count; zone++)
		if (s.page_count < b->zones[zone].end)
			s.page_count = b->zones[zone].end;
	made = find_listed(&w);
	if (made)
		list_freed(&w);
	free(w.listed.words);
	return made && !b->out_of_memory;
}

/* Pages on all lists of @set. */
static uint32_t listed_pages(const struct page_alloc *a, const struct pageset *set)
{
	uint32_t pages = 0;

	for (unsigned int index = 0; index < PCP_LISTS_MAX; index++)
		pages += set->lists[index].count << pageset_list_order(a, index);
	return pages;
}

static void size_sets(struct work *w)
{
	struct page_alloc *a = w->a;

	for (uint32_t i = 0; i < a->zone_count * a->cpu_count; i++) {
		const struct start_set *told = &w->s->sets[i];
		struct pageset *set = &a->sets[i];
		int64_t held;

		if (!told->known)
			continue;
		set->batch = told->batch;
		set->high = told->high;
		set->high_min = told->high_max ? told->high_min : told->high;
		set->high_max = told->high_max ? told->high_max : told->high;
		pcp_count_down(set, set->unknown);
		set->unknown = 0;
		if (w->s->freed_count)
			set->count = listed_pages(a, set);
		if (!w->s->late)
			continue;
		held = (int64_t)told->count + (w->s->net ? w->s->net[i] : 0);
		if (held <= set->count)
			continue;
		set->unknown = (uint32_t)(held - set->count);
		set->count += set->unknown;
		w->report.unlisted += set->unknown;
	}
}

uint64_t start_distance(const struct page_alloc *a, const struct start *s)
{
	struct work w = { .s = s };
	uint64_t model_only = 0, both = 0, sum = 0;
	bool made = bits_make(&w.free, s->page_count, &s->free);

	made = bits_make(&w.changed, s->page_count, &s->changed) && made;
	for (uint32_t zone = 0; made && zone < a->zone_count; zone++) {
		uint32_t count = 0;
		struct buddy_block *blocks = list_blocks(a->buddy, zone, &count);

		made = blocks;
		for (uint32_t i = 0; blocks && i < count; i++) {
			for (pfn_t pfn = blocks[i].pfn;
			     pfn < blocks[i].pfn + (1ULL << blocks[i].order); pfn++) {
				model_only += goes(&w, pfn);
				both += comes(&w, pfn);
			}
		}
		free(blocks);
	}
	for (pfn_t pfn = 0; made && pfn < s->page_count; pfn++)
		sum += comes(&w, pfn);
	free(w.free.words);
	free(w.changed.words);
	return made ? model_only + sum - both : UINT64_MAX;
}

bool start_apply(struct page_alloc *a, const struct start *s, struct start_report *ret)
{
	struct work w = { .a = a, .s = s };
	bool made = bits_make(&w.free, s->page_count, &s->free);

	made = bits_make(&w.lru, s->page_count, &s->lru) && made;
	made = bits_make(&w.slab, s->page_count, &s->slab) && made;
	made = bits_make(&w.reserved, s->page_count, &s->reserved) && made;
	made = bits_make(&w.changed, s->page_count, &s->changed) && made;
	made = made && find_listed(&w);
	if (made) {
		w.report.pages = bits_count(&w.free, 0, s->page_count);
		drop_all(&w);
		for (uint32_t zone = 0; zone < a->zone_count; zone++)
			assign_types(&w, zone);
		unlist_all(&w);
		list_freed(&w);
		add_all(&w);
		size_sets(&w);
	}
	free(w.free.words);
	free(w.lru.words);
	free(w.slab.words);
	free(w.reserved.words);
	free(w.changed.words);
	free(w.listed.words);
	*ret = w.report;
	return made && !w.out_of_memory && !a->buddy->out_of_memory;
}
