/* SPDX-License-Identifier: MIT */
#include "engine/pageset.h"
#include "engine/cma_turns.h"

#include "engine/buddy_entry.h"
#include "engine/pageset_list.h"
#include "engine/rmqueue.h"

/* Refills and drains grow at most by this power of two (CONFIG_PCP_BATCH_SCALE_MAX). */
#define BATCH_SCALE_MAX 5

/* ---- lists ------------------------------------------------------------------------------------- */

static unsigned int list_of(const struct alloc_rules *r, unsigned int order, enum migratetype type)
{
	unsigned int rank = r->list_rank[type];

	if (!order)
		return rank;
	if (!r->high_orders)
		return PCP_LIST_NONE;
	if (order <= 3)
		return 3 * order + rank;
	if (order != r->huge_order)
		return PCP_LIST_NONE;
	if (r->thp_lists == 1)
		return PCP_HUGE_FIRST;
	if (r->thp_lists == 2)
		return PCP_HUGE_FIRST + (type == MIGRATE_MOVABLE);
	return PCP_HUGE_FIRST + rank;
}

void pageset_init_lists(struct alloc_rules *rules)
{
	for (unsigned int index = 0; index < PCP_LISTS_MAX; index++)
		rules->list_order[index] =
			(uint8_t)(index < PCP_HUGE_FIRST ? index / 3 : rules->huge_order);
	for (unsigned int order = 0; order < BUDDY_ORDER_COUNT; order++) {
		for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
			enum migratetype type = (enum migratetype)t;
			bool listed = type < MIGRATE_HIGHATOMIC;

			rules->list_of[order][t] =
				(uint8_t)(listed ? list_of(rules, order, type) : PCP_LIST_NONE);
			/* Pages of other types lie on Movable's lists, isolated ones on none. */
			if (type == MIGRATE_ISOLATE)
				rules->list_of_freed[order][t] = PCP_LIST_NONE;
			else
				rules->list_of_freed[order][t] = (uint8_t)list_of(
					rules, order, listed ? type : MIGRATE_MOVABLE);
		}
	}
}

/* The link of page @pfn of @zone, whose slot gets a chunk; LINK_NONE without memory. */
static inline uint32_t page_link(struct buddy *b, uint32_t zone, pfn_t pfn)
{
	uint32_t slot;

	return find_slot(b, &b->zones[zone], pfn, &slot) ? pcp_link_in(b, slot, pfn) : LINK_NONE;
}

pfn_t pageset_head(const struct page_alloc *a, const struct pageset *set, unsigned int index)
{
	return set->lists[index].count ? pcp_link_pfn(a->buddy, set->lists[index].head) : PFN_NONE;
}

pfn_t pageset_tail(const struct page_alloc *a, const struct pageset *set, unsigned int index)
{
	return set->lists[index].count ? pcp_link_pfn(a->buddy, set->lists[index].tail) : PFN_NONE;
}

pfn_t pageset_pop(struct page_alloc *a, struct pageset *set, unsigned int index)
{
	return pcp_link_pfn(a->buddy, pageset_take(a, set, index, 0));
}

bool pageset_next(const struct page_alloc *a, const struct pageset *set, unsigned int index,
		  uint32_t *cursor, pfn_t *pfn)
{
	if (*cursor == BUDDY_LIST_START)
		*cursor = set->lists[index].count ? set->lists[index].head : LINK_NONE;
	else
		*cursor = entry_after(a->buddy->entries[*cursor]);
	if (*cursor == LINK_NONE)
		return false;
	*pfn = pcp_link_pfn(a->buddy, *cursor);
	return true;
}

bool pageset_holds(struct page_alloc *a, uint32_t zone, pfn_t pfn)
{
	struct buddy *b = a->buddy;
	uint64_t entry;
	uint32_t slot;

	if (!find_slot(b, &b->zones[zone], pfn, &slot) || b->slots[slot].chunk == CHUNK_NONE)
		return false;
	entry = b->entries[((size_t)b->slots[slot].chunk << b->max_order) +
			   (pfn & (slot_pages(b) - 1))];
	return entry_order(entry) == ENTRY_ORDER_PCP;
}

/*
 * From the page along its list to whichever end is nearer, which tells the list:
 *
 *	head [ ][ ][pfn][ ][ ][ ] tail		ahead and behind go on in turns
 */
/* How far a page is from the nearer end of its list, and the pages that are as far from it both ways. */
struct pcp_place {
	uint32_t ahead, behind, steps;
};

/* Goes from @pfn, in @zone, both ways to the end that is nearer.  False: it is on no per-CPU list. */
static bool find_end(struct buddy *b, uint32_t zone, pfn_t pfn, struct pcp_place *ret)
{
	uint32_t slot, link, ahead, behind, steps = 0;

	if (!find_slot(b, &b->zones[zone], pfn, &slot) || b->slots[slot].chunk == CHUNK_NONE)
		return false;
	link = pcp_link_in(b, slot, pfn);
	if (entry_order(b->entries[link]) != ENTRY_ORDER_PCP)
		return false;
	for (ahead = behind = link;; steps++) {
		uint32_t before = entry_before(b->entries[ahead]);
		uint32_t after = entry_after(b->entries[behind]);

		if (before == LINK_NONE || after == LINK_NONE)
			break;
		ahead = before;
		behind = after;
	}
	*ret = (struct pcp_place){ ahead, behind, steps };
	return true;
}

static bool find_in(const struct pageset *set, const struct pcp_place *p, unsigned int *index_ret,
		    uint32_t *depth_ret)
{
	for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
		const struct pcp_list *list = &set->lists[index];

		if (!list->count || (list->head != p->ahead && list->tail != p->behind))
			continue;
		*index_ret = index;
		*depth_ret = list->head == p->ahead ? p->steps : list->count - 1 - p->steps;
		return true;
	}
	return false;
}

bool pageset_find(const struct page_alloc *a, const struct pageset *set, pfn_t pfn,
		  unsigned int *index_ret, uint32_t *depth_ret)
{
	uint32_t zone = (uint32_t)(set - a->sets) / a->cpu_count;
	struct pcp_place place;

	return find_end(a->buddy, zone, pfn, &place) && find_in(set, &place, index_ret, depth_ret);
}

struct pageset *pageset_of(const struct page_alloc *a, uint32_t zone, pfn_t pfn,
			   unsigned int *index_ret)
{
	struct pageset *sets = a->sets + (size_t)zone * a->cpu_count;
	struct pcp_place place;
	uint32_t depth;

	if (!find_end(a->buddy, zone, pfn, &place))
		return NULL;
	for (uint32_t cpu = 0; cpu < a->cpu_count; cpu++)
		if (find_in(&sets[cpu], &place, index_ret, &depth))
			return &sets[cpu];
	return NULL;
}

void pageset_remove(struct page_alloc *a, uint32_t zone, struct pageset *set, unsigned int index,
		    pfn_t pfn)
{
	uint32_t link = page_link(a->buddy, zone, pfn);

	pcp_list_remove(a->buddy, set, index, link, 0);
	pcp_count_down(set, 1u << pageset_list_order(a, index));
}

void pageset_insert(struct page_alloc *a, uint32_t zone, struct pageset *set, unsigned int index,
		    pfn_t pfn, bool to_tail)
{
	uint32_t link = page_link(a->buddy, zone, pfn);

	if (link == LINK_NONE)
		return;
	pcp_list_insert(a->buddy, set, index, link, buddy_block_type(a->buddy, zone, pfn), to_tail);
	set->count += 1u << pageset_list_order(a, index);
}

/* ---- refill ------------------------------------------------------------------------------------ */

/* @x, but at least @low, and at most @high whatever that is. */
static uint32_t clamp_u32(uint32_t x, uint32_t low, uint32_t high)
{
	return min_u32(max_u32(x, low), high);
}

/* A batch of pages as blocks of @order. */
static unsigned int by_order(uint32_t batch, unsigned int order)
{
	return batch > 1 ? max_u32(batch >> order, 2) : batch;
}

/* nr_pcp_alloc(). */
static unsigned int tuned_refill(const struct alloc_zone *z, struct pageset *set,
				 unsigned int order)
{
	uint32_t batch = set->batch, high;

	high = set->high = clamp_u32(set->high, set->high_min, set->high_max);
	if (high < batch)
		return 1;
	if (!order)
		batch <<= set->alloc_factor;
	if (set->high_min != set->high_max && !z->below_high)
		high = set->high = min_u32(high + batch, set->high_max);
	if (!order) {
		uint32_t held = set->count + set->batch;
		uint32_t most = max_u32(max_u32(high, held) - held, set->batch);

		if (batch <= most && set->alloc_factor < BATCH_SCALE_MAX)
			set->alloc_factor++;
		batch = min_u32(batch, most);
	}
	return by_order(batch, order);
}

unsigned int pageset_refill_count(struct page_alloc *a, uint32_t zone, struct pageset *set,
				  unsigned int order)
{
	switch ((enum refill_rule)a->rules.refill) {
	case REFILL_BATCH:
		return set->batch;
	case REFILL_BY_ORDER:
		return by_order(set->batch, order);
	case REFILL_TUNED:
		break;
	}
	return tuned_refill(&a->zones[zone], set, order);
}

/* Tells of @count blocks of list @index, one after the other from @pfn on. */
static void note_run(struct page_alloc *a, enum event_kind kind, uint8_t flags, pfn_t pfn,
		     unsigned int index, uint32_t count, enum migratetype type)
{
	unsigned int order = pageset_list_order(a, index);
	struct event *e = page_alloc_note_room(a, count);

	for (uint32_t i = 0; e && i < count; i++)
		e[i] = (struct event){ .kind = (uint8_t)kind,
				       .pfn = pfn + ((pfn_t)i << order),
				       .order = (uint8_t)order,
				       .migratetype = a->rules.list_rank[type],
				       .fallback_order = kind == EVENT_PCPU_DRAIN ? (uint8_t)index
										  : 0,
				       .flags = flags };
	a->events->count += e ? count : 0;
}

/*
 * A refill from the lists of @type alone.  Page after page would split the
 * smallest block that there is and take from what is left over until that is used up, too:
 *
 *	order 3, 5 pages wanted		[1][2][3][4][5][ ][      ]	order 0 and order 1 stay
 *
 * Lists below its order are empty before, so the order of what stays does not matter.
 */
static unsigned int refill_in_runs(struct page_alloc *a, uint32_t zone, struct pageset *set,
				   unsigned int index, enum migratetype type, unsigned int blocks)
{
	unsigned int order = pageset_list_order(a, index), done = 0, have;
	struct buddy *b = a->buddy;
	struct buddy_zone *z = &b->zones[zone];
	uint32_t link;

	while (done < blocks && list_take_head(b, z, order, type, &link, &have)) {
		uint32_t all = 1u << (have - order), count = blocks - done;

		if (count > all)
			count = all;
		pcp_list_append_run(b, set, index, link, order, count, type);
		if (a->events)
			note_run(a, EVENT_ZONE_LOCKED, EVENT_PERCPU_REFILL, small_link_pfn(b, link),
				 index, count, type);
		for (uint32_t at = count; at < all;) {
			unsigned int stays = lowest_bit_u32(at);

			list_link(b, z, order + stays, true, type, link + (at << order), false);
			at += 1u << stays;
		}
		z->free_pages[type] -= (uint64_t)count << order;
		done += count;
	}
	return done;
}

static void note_fill(const struct page_alloc *a, uint32_t zone, struct pageset *set,
		      unsigned int index, uint32_t flags)
{
	struct cma_fill *fill = &set->cma_fill;

	*fill = (struct cma_fill){ .diff = set->diff, .index = (uint8_t)index };
	fill->turns = a->rules.cma_balance && flags & ALLOC_CMA;
	rmqueue_seen(a, zone, &fill->free, &fill->cma);
	fill->free += set->diff.free;
	fill->cma += set->diff.cma;
}

unsigned int pageset_refill(struct page_alloc *a, uint32_t zone, struct pageset *set,
			    unsigned int index, enum migratetype type, uint32_t flags,
			    unsigned int blocks)
{
	unsigned int order = pageset_list_order(a, index), done = 0;
	enum rmqueue_mode mode = RMQUEUE_NORMAL;

	if (a->rules.cma)
		note_fill(a, zone, set, index, flags);
	if (order < a->buddy->max_order &&
	    !(flags & ALLOC_CMA && a->rules.cma && a->buddy->zones[zone].free_pages[MIGRATE_CMA]))
		done = refill_in_runs(a, zone, set, index, type, blocks);
	if (done)
		pageset_count_taken(a, zone, &set->diff, 1 << order, done, type);
	for (; done < blocks; done++) {
		pfn_t pfn = rmqueue_one(a, zone, order, type, flags, &mode);
		uint32_t link;

		if (pfn == PFN_NONE)
			break;
		link = page_link(a->buddy, zone, pfn);
		if (link == LINK_NONE)
			break;
		pcp_list_insert(a->buddy, set, index, link, a->taken_type, true);
		pageset_count_taken(a, zone, &set->diff, 1 << order, 1, a->taken_type);
	}
	pageset_count_filled(a, zone, set);
	set->cma_fill.blocks = done;
	set->cma_fill.after = set->diff;
	set->count += done << order;
	return done;
}

/* Is nothing counted since the last fill?  Then all is counted anew but for its last @blocks. */
static void count_back(const struct page_alloc *a, uint32_t zone, struct pageset *set,
		       unsigned int index, uint32_t blocks)
{
	struct cma_fill *fill = &set->cma_fill;
	struct cma_turns t = cma_turns_begin(fill);

	if (!a->rules.cma || fill->index != index || blocks > fill->blocks ||
	    set->diff.free != fill->after.free || set->diff.cma != fill->after.cma)
		return;
	fill->blocks -= blocks;
	for (uint32_t done = 0; done < fill->blocks; done++)
		cma_turns_give(a, zone, &t, 1 << pageset_list_order(a, index), cma_turns_next(&t));
	set->diff = fill->after = t.diff;
}

void pageset_unrefill(struct page_alloc *a, uint32_t zone, struct pageset *set, unsigned int index,
		      unsigned int blocks)
{
	unsigned int order = pageset_list_order(a, index);

	count_back(a, zone, set, index,
		   blocks < set->lists[index].count ? blocks : set->lists[index].count);
	while (blocks-- && set->lists[index].count) {
		uint32_t link = set->lists[index].tail;
		pfn_t pfn = pcp_link_pfn(a->buddy, link);
		enum migratetype type = pcp_list_remove(a->buddy, set, index, link, 0);

		pcp_count_down(set, 1u << order);
		buddy_untake(a->buddy, zone, pfn, order, type);
	}
}

/* ---- drain ------------------------------------------------------------------------------------- */

/*
 * Takes the block at the tail of list @index off, and with it those before it that lie right behind it in
 * its pageblock and were freed as of the same type, @most in all; returns how many.
 */
static uint32_t pop_tail_run(struct buddy *b, struct pageset *set, unsigned int index,
			     unsigned int order, uint32_t most, uint32_t *link_ret,
			     enum migratetype *type_ret)
{
	struct pcp_list *list = &set->lists[index];
	uint32_t link = list->tail, size = 1u << order, count = 0, at = link;
	uint64_t entry = b->entries[link];

	*link_ret = link;
	*type_ret = entry_type(entry);
	if (most > list->count)
		most = list->count;
	for (;;) {
		b->entries[at] = 0;
		if (++count == most)
			break;
		at += size;
		if (entry_before(entry) != at || (at ^ link) >> b->pageblock_order ||
		    entry_type(b->entries[at]) != *type_ret)
			break;
		entry = b->entries[at];
	}
	list->count -= count;
	list->tail = entry_before(entry);
	if (list->count) {
		entry_set_after(&b->entries[list->tail], LINK_NONE);
	} else {
		list->head = LINK_NONE;
		set->nonempty &= ~(1u << index);
	}
	return count;
}

/*
 * Frees up to @blocks blocks from the tail of list @index, which has one; returns how many.  Blocks that
 * come in ascending order are freed as the larger ones they become: the same lists come of it.
 */
static unsigned int drain_list(struct page_alloc *a, uint32_t zone, struct pageset *set,
			       unsigned int index, uint32_t blocks)
{
	unsigned int order = pageset_list_order(a, index), done = 0;
	struct buddy *b = a->buddy;
	bool current = a->rules.drain_current_type || b->zones[zone].isolated;

	do {
		enum migratetype type;
		uint32_t link,
			left = pop_tail_run(b, set, index, order, blocks - done, &link, &type);
		uint32_t slot = b->homes[link >> b->max_order].slot;
		pfn_t pfn = small_link_pfn(b, link);

		if (current)
			type = block_type(b, block_index(b, slot, pfn));
		done += left;
		pageset_count_free(a, zone, &set->diff, 1 << order, left, type);
		if (a->events)
			note_run(a, EVENT_PCPU_DRAIN, 0, pfn, index, left, type);
		while (left) {
			unsigned int larger = 0;

			while (2u << larger <= left && !(pfn & 1ULL << (order + larger)))
				larger++;
			free_in_slot(b, &b->zones[zone], slot, pfn, order + larger, type, false);
			pfn += 1ULL << (order + larger);
			left -= 1u << larger;
		}
	} while (done < blocks && set->lists[index].count);
	pcp_count_down(set, done << order);
	return done;
}

/*
 * Round after round over the lists; the more empty ones are passed, the more pages the next one gives.
 * @only: a list that is the only one gives all that is wanted.
 */
static void drain_in_turns(struct page_alloc *a, uint32_t zone, struct pageset *set, uint32_t pages,
			   bool only)
{
	unsigned int lists = !a->rules.high_orders ? 3 : a->rules.thp ? PCP_LISTS_MAX : 12;
	unsigned int index = 0, order;
	uint32_t quota = 0, given, most;
	int64_t left = pages;

	while (left > 0 && set->nonempty) {
		uint32_t later = set->nonempty >> (index + 1) << (index + 1);
		unsigned int next = lowest_bit_u32(later ? later : set->nonempty);

		quota += next > index ? next - index : next + lists - index;
		index = next;
		if (only && quota == lists)
			quota = (uint32_t)left;
		order = pageset_list_order(a, index);
		most = (uint32_t)((left + (1 << order) - 1) >> order);
		given = drain_list(a, zone, set, index, min_u32(most, quota));
		left -= (int64_t)given << order;
		quota -= given;
	}
}

void pageset_drain(struct page_alloc *a, uint32_t zone, struct pageset *set, uint32_t pages,
		   unsigned int first)
{
	unsigned int index = first, order;
	int64_t left;

	if (pages > set->count) {
		/* It would look for what is not there for ever; here it ends all the same. */
		a->endless_drains += !a->rules.drain_clamped;
		pages = set->count;
	}
	if (set->unknown) {
		uint32_t gone = min_u32(set->unknown, pages);

		set->unknown -= gone;
		pcp_count_down(set, gone);
		pages -= gone;
	}
	if (a->rules.drain_order != DRAIN_LIST_FIRST) {
		drain_in_turns(a, zone, set, pages, a->rules.drain_order == DRAIN_TURNS_OR_ONLY);
		return;
	}
	for (left = pages; left > 0 && set->nonempty;) {
		uint32_t from_here = set->nonempty >> index << index;

		index = lowest_bit_u32(from_here ? from_here : set->nonempty);
		order = pageset_list_order(a, index);
		left -= (int64_t)drain_list(a, zone, set, index,
					    (uint32_t)((left + (1 << order) - 1) >> order))
			<< order;
	}
}

/*
 * Drains @pages.  In chunks, each is counted as a batch, however much larger its last block is:
 *
 *	60 pages, of a list with two blocks of 512 and a batch of 31:	chunks of 31 and 29: both blocks
 *	at once:							one block
 */
static void drain_parts(struct page_alloc *a, uint32_t zone, struct pageset *set, uint32_t pages,
			unsigned int first, bool chunked)
{
	uint32_t most = chunked ? max_u32(set->batch, 1) : pages;

	/* What a page set counts may be more than it has, where a trace proved that. */
	while (pages && (set->nonempty || set->unknown)) {
		uint32_t chunk = min_u32(pages, most);

		pageset_drain(a, zone, set, chunk, first);
		pages -= chunk;
	}
}

/* ---- free -------------------------------------------------------------------------------------- */

/* nr_pcp_free() up to 6.6. */
static uint32_t doubling_amount(const struct alloc_rules *r, struct pageset *set, uint32_t high)
{
	uint32_t batch = set->batch, most, amount;

	if (high < batch)
		return 1;
	most = high - batch;
	amount = batch << set->free_factor;
	if (amount < most && (!r->free_factor_limited || set->free_factor < BATCH_SCALE_MAX))
		set->free_factor++;
	return clamp_u32(amount, batch, most);
}

/* free_unref_page_commit() of 5.14 to 6.6. */
static void drain_doubling(struct page_alloc *a, uint32_t zone, struct pageset *set,
			   unsigned int order, unsigned int index)
{
	bool free_high = a->rules.drain_amount == DRAIN_HIGH_ORDERS && set->free_factor && order &&
			 order <= 3;
	uint32_t high = set->high;

	if (free_high)
		high = 0;
	else if (a->zones[zone].reclaim_active)
		high = min_u32(high, set->batch * 4);
	if (set->count < high)
		return;
	pageset_drain(a, zone, set, free_high ? set->count : doubling_amount(&a->rules, set, high),
		      index);
}

/* zone_watermark_ok(zone, 0, high watermark, ZONE_MOVABLE, 0): what is kept for CMA and for atomic requests is not free. */
static bool above_high(const struct page_alloc *a, uint32_t zone)
{
	static const struct alloc_request plain = { .highest = ZONE_MOVABLE };

	return page_alloc_margin(a, zone, &plain, WMARK_HIGH) > 0;
}

/* nr_pcp_high() of 6.7 and later. */
static uint32_t tuned_high(const struct alloc_zone *z, struct pageset *set, bool free_high)
{
	uint32_t high = set->high = clamp_u32(set->high, set->high_min, set->high_max);
	uint32_t much = set->batch << BATCH_SCALE_MAX;
	uint32_t run = max_u32(set->free_count, set->batch);

	if (!high)
		return 0;
	if (free_high) {
		set->high = max_u32(high - min_u32(high, much), set->high_min);
		return 0;
	}
	if (z->reclaim_active) {
		set->high = max_u32(high - min_u32(high, run), set->high_min);
		return min_u32(set->batch * 4, set->high);
	}
	if (set->high_min == set->high_max)
		return high;
	if (z->below_high) {
		set->high = max_u32(high - min_u32(high, run), set->high_min);
		return max_u32(set->count, set->high_min);
	}
	if (set->count >= high && set->high < set->free_count + set->batch)
		set->high = clamp_u32(set->free_count + set->batch, set->high_min, set->high_max);
	return high;
}

bool pageset_tune_freed(struct page_alloc *a, uint32_t zone, struct pageset *set,
			unsigned int order, uint32_t *pages)
{
	uint32_t much = set->batch << BATCH_SCALE_MAX, high;
	bool free_high = false;

	if (order && order <= 3) {
		uint32_t threshold = set->batch;

		if (a->rules.free_high_threshold)
			threshold += set->high_min / 2;
		free_high = set->free_count >= threshold && set->freed_high_order &&
			    (!set->high_batch || set->count >= set->batch);
		set->freed_high_order = true;
	} else {
		set->freed_high_order = false;
	}
	if (set->free_count < much)
		set->free_count += 1u << order;
	high = tuned_high(&a->zones[zone], set, free_high);
	if (set->count < high)
		return false;
	if (free_high)
		*pages = min_u32(set->count, much);
	else if (high < set->batch)
		*pages = 1;
	else
		*pages = clamp_u32(set->free_count, set->batch, high - set->batch);
	return true;
}

/* free_unref_page_commit() of 6.7 and later, after the page is on its list. */
static void drain_tuned(struct page_alloc *a, uint32_t zone, struct pageset *set,
			unsigned int order, unsigned int index)
{
	uint32_t pages;

	if (!pageset_tune_freed(a, zone, set, order, &pages))
		return;
	drain_parts(a, zone, set, pages, index, a->rules.drain_chunked);
	if (a->zones[zone].below_high && above_high(a, zone))
		a->zones[zone].below_high = false;
}

uint32_t pageset_decayed_high(const struct pageset *set)
{
	uint32_t much = set->batch << BATCH_SCALE_MAX, least, eighth;

	if (set->high <= set->high_min)
		return set->high;
	least = set->count - min_u32(set->count, much);
	eighth = set->high - (set->high >> 3);
	return max_u32(max_u32(least, eighth), set->high_min);
}

void pageset_decay(struct page_alloc *a, uint32_t zone, struct pageset *set)
{
	if (!a->rules.high_decays)
		return;
	set->high = pageset_decayed_high(set);
	if (set->count > set->high)
		drain_parts(a, zone, set, set->count - set->high, 0, a->rules.decay_chunked);
}

void pageset_drain_late(struct page_alloc *a, uint32_t zone, struct pageset *set,
			unsigned int order, unsigned int index)
{
	uint32_t pages, most;

	switch ((enum drain_amount)a->rules.drain_amount) {
	case DRAIN_BATCH:
		set->count = set->high;
		pageset_drain(a, zone, set, set->batch, index);
		return;
	case DRAIN_DOUBLING:
	case DRAIN_HIGH_ORDERS:
		if (order && order <= 3 && !set->free_factor)
			set->free_factor = 1;
		set->count = max_u32(set->count, set->high);
		drain_doubling(a, zone, set, order, index);
		return;
	case DRAIN_TUNED:
		set->high = clamp_u32(set->count, set->high_min, set->high_max);
		most = set->high > set->batch ? set->high - set->batch : 1;
		pages = clamp_u32(set->free_count, set->batch, most);
		drain_parts(a, zone, set, pages, index, a->rules.drain_chunked);
	}
}

void pageset_no_drain(struct page_alloc *a, struct pageset *set)
{
	if (a->rules.drain_amount == DRAIN_TUNED) {
		set->high = clamp_u32(set->count + 1, set->high_min, set->high_max);
		return;
	}
	if (set->high && set->count >= set->high)
		set->count = set->high - 1;
}

void pageset_drain_freed(struct page_alloc *a, uint32_t zone, struct pageset *set,
			 unsigned int index)
{
	unsigned int order = pageset_list_order(a, index);

	switch ((enum drain_amount)a->rules.drain_amount) {
	case DRAIN_BATCH:
		if (set->count >= set->high)
			pageset_drain(a, zone, set, set->batch, index);
		return;
	case DRAIN_DOUBLING:
	case DRAIN_HIGH_ORDERS:
		drain_doubling(a, zone, set, order, index);
		return;
	case DRAIN_TUNED:
		drain_tuned(a, zone, set, order, index);
	}
}
