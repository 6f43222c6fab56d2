/* SPDX-License-Identifier: MIT */
#include "engine/testing/alloc_oracle.h"

#include <string.h>

#include "engine/pageset.h"

#define SCALE_MAX 5
#define NO_LIST 99

void alloc_oracle_init(struct alloc_oracle *o, const struct arch_config *config,
		       const struct facts *facts, const struct buddy_oracle *b)
{
	memset(o, 0, sizeof(*o));
	o->b = *b;
	o->config = *config;
	o->facts = facts;
}

static int64_t fact(const struct alloc_oracle *o, enum fact which)
{
	return fact_get(o->facts, which);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t between(int64_t x, int64_t low, int64_t high)
{
	return least(most(x, low), high);
}

/* ---- zones ------------------------------------------------------------------------------------- */

static int64_t free_of_type(const struct alloc_oracle *o, uint32_t zone, enum migratetype type)
{
	int64_t pages = 0;

	for (unsigned int order = 0; order <= o->b.max_order; order++)
		pages += (int64_t)o->b.lists[zone][order][type].count << order;
	return pages;
}

static int64_t free_pages(const struct alloc_oracle *o, uint32_t zone)
{
	int64_t pages = 0;

	for (unsigned int t = 0; t < MIGRATE_ISOLATE; t++)
		pages += free_of_type(o, zone, (enum migratetype)t);
	return pages;
}

static bool above_mark(const struct alloc_oracle *o, uint32_t zone, const struct alloc_request *req,
		       uint32_t flags)
{
	const struct alloc_oracle_zone *z = &o->zones[zone];
	uint32_t nonempty[MIGRATE_TYPE_COUNT] = { 0 };
	uint64_t nr_free[BUDDY_ORACLE_ORDERS] = { 0 };
	struct watermark_rules rules;
	struct watermark_zone w = { .free = free_pages(o, zone),
				    .mark = z->mark[flags & ALLOC_WMARK_MASK] + z->boost,
				    .boost = z->boost,
				    .highatomic = z->reserved,
				    .reserve = z->reserve[req->highest],
				    .nonempty = nonempty,
				    .nr_free = nr_free };

	watermark_rules_init(&rules, o->facts);
	if (o->config.cma)
		w.free_cma = free_of_type(o, zone, MIGRATE_CMA);
	if (fact(o, FACT_watermark_counts_free_highatomic))
		w.highatomic = free_of_type(o, zone, MIGRATE_HIGHATOMIC);
	for (unsigned int order = 0; order <= o->b.max_order; order++) {
		for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
			nr_free[order] += o->b.lists[zone][order][t].count;
			if (o->b.lists[zone][order][t].count)
				nonempty[t] |= 1u << order;
		}
	}
	return watermark_check(&rules, &w, req->order, flags, NULL);
}

/* ---- from the free lists ----------------------------------------------------------------------- */

static const enum migratetype others[3][2] = {
	{ MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE },
	{ MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE },
	{ MIGRATE_UNMOVABLE, MIGRATE_MOVABLE },
};

static bool suitable(const struct alloc_oracle *o, uint32_t zone, unsigned int order,
		     enum migratetype start, struct buddy_block *ret)
{
	for (unsigned int i = 0; i < 2; i++) {
		const struct buddy_oracle_list *l = &o->b.lists[zone][order][others[start][i]];

		if (l->count) {
			*ret = (struct buddy_block){ l->pfn[0], order, others[start][i] };
			return true;
		}
	}
	return false;
}

static bool may_steal(const struct alloc_oracle *o, unsigned int order, enum migratetype start)
{
	if (order >= o->b.pageblock_order / 2 || start == MIGRATE_RECLAIMABLE)
		return true;
	return fact(o, FACT_fallback_rule) > 0 && start == MIGRATE_UNMOVABLE;
}

/* Takes the lowest pages of @block; halves that are left over go to lists of @type. */
static void expand(struct alloc_oracle *o, uint32_t zone, const struct buddy_block *block,
		   unsigned int order, enum migratetype type)
{
	enum migratetype was;
	uint32_t at;

	if (!buddy_oracle_find(&o->b, zone, block->order, block->pfn, &was, &at))
		return;
	buddy_oracle_remove(&o->b, zone, block->order, was, at);
	for (unsigned int high = block->order; high > order; high--)
		buddy_oracle_insert(&o->b, zone, high - 1, type, block->pfn + (1u << (high - 1)),
				    false);
}

static void set_types(struct alloc_oracle *o, uint32_t zone, const struct buddy_block *block,
		      enum migratetype type)
{
	for (pfn_t p = block->pfn; p < block->pfn + (1u << block->order); p++)
		buddy_oracle_set_type(&o->b, zone, p, type);
}

/* Moves the free blocks that begin in [from, to) to lists of @type; returns their pages. */
static int64_t move(struct alloc_oracle *o, uint32_t zone, pfn_t from, pfn_t to,
		    enum migratetype type, bool to_tail)
{
	int64_t moved = 0;

	for (pfn_t p = from; p < to; p++) {
		for (unsigned int order = 0; order <= o->b.max_order; order++) {
			enum migratetype was;
			uint32_t at;

			if (!buddy_oracle_find(&o->b, zone, order, p, &was, &at))
				continue;
			buddy_oracle_remove(&o->b, zone, order, was, at);
			buddy_oracle_insert(&o->b, zone, order, type, p, to_tail);
			moved += 1 << order;
			break;
		}
	}
	return moved;
}

/* Of [from, to): pages free, and pages that movable requests have. */
static void count(const struct alloc_oracle *o, uint32_t zone, pfn_t from, pfn_t to,
		  int64_t *free_now, int64_t *movable)
{
	*free_now = *movable = 0;
	for (pfn_t p = from; p < to; p++) {
		if (o->b.page_zone[p] != zone)
			continue;
		*free_now += o->b.page_free[p];
		*movable += o->held[p] == MIGRATE_MOVABLE + 1;
	}
}

static bool half_is_alike(const struct alloc_oracle *o, uint32_t zone, pfn_t from, pfn_t to,
			  const struct buddy_block *block, enum migratetype start)
{
	int64_t size = 1 << o->b.pageblock_order, free_now, movable, alike = 0;

	count(o, zone, from, to, &free_now, &movable);
	if (start == MIGRATE_MOVABLE)
		alike = movable;
	else if (block->type == MIGRATE_MOVABLE)
		alike = size - (free_now + movable);
	return free_now + alike >= size / 2;
}

/* Mixing types makes the zone want more free pages. */
static void boost(struct alloc_oracle *o, uint32_t zone)
{
	struct alloc_oracle_zone *z = &o->zones[zone];
	int64_t block = 1 << o->b.pageblock_order;
	int64_t limit = z->mark[WMARK_HIGH] * fact(o, FACT_watermark_boost_factor) / 10000;

	if (!limit || (fact(o, FACT_boost_spares_small_zones) && z->managed < 4 * block))
		return;
	z->boost = least(z->boost + block, most(limit, block));
}

/* 4.12 to 6.9: moves @block, or its pageblock, and leaves taking to who comes next. */
static void steal(struct alloc_oracle *o, uint32_t zone, const struct buddy_block *block,
		  enum migratetype start)
{
	const struct alloc_oracle_zone *z = &o->zones[zone];
	pfn_t from = round_down_to(block->pfn, 1u << o->b.pageblock_order);
	pfn_t to = from + (1u << o->b.pageblock_order);
	bool tail = fact(o, FACT_moves_go_to_tail), alike;
	bool whole = may_steal(o, block->order, start);

	if (buddy_oracle_type(&o->b, zone, block->pfn) == MIGRATE_HIGHATOMIC) {
		whole = false;
	} else if (block->order >= o->b.pageblock_order) {
		set_types(o, zone, block, start);
		whole = false;
	} else {
		boost(o, zone);
	}
	if (from < z->start && fact(o, FACT_block_move_in_zone))
		whole = false;
	if (!whole || to > z->end) {
		move(o, zone, block->pfn, block->pfn + 1, start, tail);
		return;
	}
	if (from < z->start)
		from = block->pfn;
	alike = half_is_alike(o, zone, from, to, block, start);
	move(o, zone, from, to, start, tail);
	if (alike)
		buddy_oracle_set_type(&o->b, zone, block->pfn, start);
}

/* The block that a request of kernels up to 6.14 falls back to. */
static bool fall_back_to(const struct alloc_oracle *o, uint32_t zone, unsigned int order,
			 enum migratetype start, uint32_t flags, struct buddy_block *ret)
{
	bool small_first = fact(o, FACT_fallback_smallest_first);
	int lowest = (int)order;

	if (flags & ALLOC_NOFRAGMENT && order < o->b.pageblock_order)
		lowest = (int)o->b.pageblock_order;
	for (int p = (int)o->b.max_order; p >= lowest; p--) {
		if (!suitable(o, zone, (unsigned int)p, start, ret))
			continue;
		if (may_steal(o, (unsigned int)p, start) || start != MIGRATE_MOVABLE ||
		    p <= (int)order || !small_first)
			return true;
		for (unsigned int q = order; q <= o->b.max_order; q++)
			if (suitable(o, zone, q, start, ret))
				return true;
	}
	return false;
}

/* 2.6.24 to 4.11: the block that was found gives the page itself. */
static pfn_t steal_and_take(struct alloc_oracle *o, uint32_t zone, const struct buddy_block *block,
			    unsigned int order, enum migratetype start)
{
	const struct alloc_oracle_zone *z = &o->zones[zone];
	bool oldest = fact(o, FACT_fallback_rule) == 0;
	pfn_t from = round_down_to(block->pfn, 1u << o->b.pageblock_order);
	pfn_t to = from + (1u << o->b.pageblock_order);
	enum migratetype rest = oldest ? block->type : start;

	if (block->order >= o->b.pageblock_order) {
		set_types(o, zone, block, start);
		rest = start;
	} else if (may_steal(o, block->order, start)) {
		int64_t moved = 0;

		if (from < z->start)
			from = block->pfn;
		if (to <= z->end)
			moved = move(o, zone, from, to, start, fact(o, FACT_moves_go_to_tail));
		if (moved >= (1 << o->b.pageblock_order) / 2)
			buddy_oracle_set_type(&o->b, zone, block->pfn, start);
		rest = start;
	}
	expand(o, zone, block, order, rest);
	return block->pfn;
}

/* 6.10 on: all that is free in the pageblock becomes @start's, if that is worth it. */
static bool claim(struct alloc_oracle *o, uint32_t zone, const struct buddy_block *block,
		  enum migratetype start)
{
	const struct alloc_oracle_zone *z = &o->zones[zone];
	pfn_t from = round_down_to(block->pfn, 1u << o->b.pageblock_order);
	pfn_t to = from + (1u << o->b.pageblock_order);

	if (from < z->start) {
		if (fact(o, FACT_block_move_in_zone))
			return false;
		from = block->pfn;
	}
	if (to > z->end || buddy_oracle_type(&o->b, zone, from) == MIGRATE_HIGHATOMIC ||
	    !half_is_alike(o, zone, from, to, block, start))
		return false;
	move(o, zone, from, to, start, true);
	buddy_oracle_set_type(&o->b, zone, from, start);
	return true;
}

static pfn_t take_whole(struct alloc_oracle *o, uint32_t zone, const struct buddy_block *block,
			unsigned int order, enum migratetype start)
{
	set_types(o, zone, block, start);
	expand(o, zone, block, order, start);
	return block->pfn;
}

static pfn_t claim_any(struct alloc_oracle *o, uint32_t zone, unsigned int order,
		       enum migratetype start, uint32_t flags)
{
	int lowest = (int)order;

	if (flags & ALLOC_NOFRAGMENT && order < o->b.pageblock_order)
		lowest = (int)o->b.pageblock_order;
	for (int p = (int)o->b.max_order; p >= lowest; p--) {
		struct buddy_block block;

		if (!may_steal(o, (unsigned int)p, start))
			break;
		if (!suitable(o, zone, (unsigned int)p, start, &block))
			continue;
		if ((unsigned int)p >= o->b.pageblock_order)
			return take_whole(o, zone, &block, order, start);
		boost(o, zone);
		if (claim(o, zone, &block, start))
			return buddy_oracle_take(&o->b, zone, order, start);
	}
	return PFN_NONE;
}

enum mode { NORMAL, CMA, CLAIM, STEAL };

/* One page of a run of kernels that remember what the last page was found by. */
static pfn_t rmqueue_by_mode(struct alloc_oracle *o, uint32_t zone, unsigned int order,
			     enum migratetype start, uint32_t flags, enum mode *mode,
			     enum migratetype *type)
{
	struct buddy_block block;
	pfn_t pfn;

	*type = start;
	if (*mode == NORMAL) {
		pfn = buddy_oracle_take(&o->b, zone, order, start);
		if (pfn != PFN_NONE)
			return pfn;
	}
	if (*mode <= CMA && o->config.cma && flags & ALLOC_CMA) {
		pfn = buddy_oracle_take(&o->b, zone, order, MIGRATE_CMA);
		if (pfn != PFN_NONE) {
			*type = MIGRATE_CMA;
			*mode = CMA;
			return pfn;
		}
	}
	if (start >= MIGRATE_HIGHATOMIC)
		return PFN_NONE;
	if (*mode <= CLAIM) {
		pfn = claim_any(o, zone, order, start, flags);
		if (pfn != PFN_NONE) {
			*mode = NORMAL;
			return pfn;
		}
	}
	if (flags & ALLOC_NOFRAGMENT)
		return PFN_NONE;
	for (unsigned int p = order; p <= o->b.max_order; p++) {
		if (!suitable(o, zone, p, start, &block))
			continue;
		expand(o, zone, &block, order, block.type);
		*type = block.type;
		*mode = STEAL;
		return block.pfn;
	}
	return PFN_NONE;
}

/* __rmqueue(): *@type is that of the list the page came from. */
static pfn_t rmqueue(struct alloc_oracle *o, uint32_t zone, unsigned int order,
		     enum migratetype start, uint32_t flags, enum mode *mode,
		     enum migratetype *type)
{
	int64_t rule = fact(o, FACT_fallback_rule);
	bool cma = o->config.cma && flags & ALLOC_CMA;
	struct buddy_block block;
	pfn_t pfn;

	if (cma && fact(o, FACT_cma_balance) &&
	    free_of_type(o, zone, MIGRATE_CMA) > (free_pages(o, zone) + o->uncounted) / 2) {
		*type = MIGRATE_CMA;
		pfn = buddy_oracle_take(&o->b, zone, order, MIGRATE_CMA);
		if (pfn != PFN_NONE)
			return pfn;
	}
	if (rule == 4)
		return rmqueue_by_mode(o, zone, order, start, flags, mode, type);
	*type = start;
	pfn = buddy_oracle_take(&o->b, zone, order, start);
	if (pfn != PFN_NONE)
		return pfn;
	if (cma) {
		*type = MIGRATE_CMA;
		pfn = buddy_oracle_take(&o->b, zone, order, MIGRATE_CMA);
		if (pfn != PFN_NONE)
			return pfn;
	}
	*type = start;
	if (!fall_back_to(o, zone, order, start, flags, &block)) {
		if (!fact(o, FACT_migrate_reserve))
			return PFN_NONE;
		if (fact(o, FACT_reserve_pages_stay))
			*type = MIGRATE_HIGHATOMIC;
		return buddy_oracle_take(&o->b, zone, order, MIGRATE_HIGHATOMIC);
	}
	if (rule < 2)
		return steal_and_take(o, zone, &block, order, start);
	if (rule == 2) {
		steal(o, zone, &block, start);
		return buddy_oracle_take(&o->b, zone, order, start);
	}
	if (block.order >= o->b.pageblock_order)
		return take_whole(o, zone, &block, order, start);
	if (buddy_oracle_type(&o->b, zone, block.pfn) != MIGRATE_HIGHATOMIC)
		boost(o, zone);
	if (may_steal(o, block.order, start) && claim(o, zone, &block, start))
		return buddy_oracle_take(&o->b, zone, order, start);
	*type = block.type;
	expand(o, zone, &block, order, block.type);
	return block.pfn;
}

/* ---- page sets --------------------------------------------------------------------------------- */

static unsigned int number_of(const struct alloc_oracle *o, enum migratetype type)
{
	unsigned int n = 0;

	while (migratetype_at(n, &o->config, o->facts) != type)
		n++;
	return n;
}

static unsigned int list_for(const struct alloc_oracle *o, unsigned int order,
			     enum migratetype type)
{
	if (type >= MIGRATE_HIGHATOMIC)
		return NO_LIST;
	if (!order)
		return number_of(o, type);
	if (!fact(o, FACT_pcp_high_orders))
		return NO_LIST;
	if (order < 4)
		return order * 3 + number_of(o, type);
	if (!o->config.thp || order != o->b.pageblock_order)
		return NO_LIST;
	switch (fact(o, FACT_pcp_thp_lists)) {
	case 1:
		return 12;
	case 2:
		return type == MIGRATE_MOVABLE ? 13 : 12;
	default:
		return 12 + number_of(o, type);
	}
}

static unsigned int order_of(const struct alloc_oracle *o, unsigned int list)
{
	return list < 12 ? list / 3 : o->b.pageblock_order;
}

static void append(struct alloc_oracle_list *l, pfn_t pfn, enum migratetype type)
{
	l->pfn[l->count] = (uint32_t)pfn;
	l->type[l->count++] = (uint8_t)type;
}

static void prepend(struct alloc_oracle_list *l, pfn_t pfn, enum migratetype type)
{
	memmove(l->pfn + 1, l->pfn, l->count * sizeof(*l->pfn));
	memmove(l->type + 1, l->type, l->count);
	l->pfn[0] = (uint32_t)pfn;
	l->type[0] = (uint8_t)type;
	l->count++;
}

static int64_t refill_blocks(struct alloc_oracle *o, uint32_t zone, struct alloc_oracle_set *s,
			     unsigned int order)
{
	const struct alloc_oracle_zone *z = &o->zones[zone];
	int64_t batch = s->batch;

	switch (fact(o, FACT_pcp_refill_rule)) {
	case 0:
		return batch;
	case 1:
		return batch > 1 ? most(batch >> order, 2) : batch;
	default:
		break;
	}
	s->high = between(s->high, s->high_min, s->high_max);
	if (s->high < batch)
		return 1;
	if (!order)
		batch <<= s->alloc_factor;
	if (s->high_min != s->high_max && !z->below_high)
		s->high = least(s->high + batch, s->high_max);
	if (!order) {
		int64_t room = most(s->high - s->count - s->batch, s->batch);

		if (batch <= room && s->alloc_factor < SCALE_MAX)
			s->alloc_factor++;
		batch = least(batch, room);
	}
	return batch > 1 ? most(batch >> order, 2) : batch;
}

/* Frees the tail of list @index. */
static void drain_one(struct alloc_oracle *o, uint32_t zone, struct alloc_oracle_set *s,
		      unsigned int index)
{
	struct alloc_oracle_list *l = &s->lists[index];
	pfn_t pfn = l->pfn[--l->count];
	enum migratetype type = (enum migratetype)l->type[l->count];
	bool isolated = false;

	for (pfn_t p = 0; p < BUDDY_ORACLE_PAGES; p++)
		isolated |= o->b.page_zone[p] == zone &&
			    buddy_oracle_type(&o->b, zone, p) == MIGRATE_ISOLATE;
	if (isolated || fact(o, FACT_pcp_drain_current_type))
		type = buddy_oracle_type(&o->b, zone, pfn);
	s->count = most(0, s->count - (1 << order_of(o, index)));
	buddy_oracle_free_as(&o->b, zone, pfn, order_of(o, index), type);
}

static bool all_empty(const struct alloc_oracle_set *s)
{
	for (unsigned int i = 0; i < PCP_LISTS_MAX; i++)
		if (s->lists[i].count)
			return false;
	return true;
}

static void drain(struct alloc_oracle *o, uint32_t zone, struct alloc_oracle_set *s, int64_t pages,
		  unsigned int first)
{
	int64_t rule = fact(o, FACT_pcp_drain_order);
	unsigned int lists = 3, at = 0, quota = 0;

	if (fact(o, FACT_pcp_high_orders))
		lists = o->config.thp ? 15 : 12;
	pages = least(pages, s->count);
	while (rule < 2 && pages > 0 && !all_empty(s)) {
		do {
			quota++;
			at = (at + 1) % lists;
		} while (!s->lists[at].count);
		if (rule == 1 && quota == lists)
			quota = (unsigned int)pages;
		do {
			drain_one(o, zone, s, at);
			pages -= 1 << order_of(o, at);
			quota--;
		} while (pages > 0 && quota && s->lists[at].count);
	}
	for (at = first; rule == 2 && pages > 0 && !all_empty(s);) {
		if (!s->lists[at].count) {
			at = (at + 1) % PCP_LISTS_MAX;
			continue;
		}
		drain_one(o, zone, s, at);
		pages -= 1 << order_of(o, at);
	}
}

void alloc_oracle_drain(struct alloc_oracle *o, uint32_t zone, uint32_t cpu, int64_t pages,
			unsigned int first)
{
	drain(o, zone, &o->zones[zone].sets[cpu], pages, first);
}

/* 5.14 to 6.6. */
static void after_free_doubling(struct alloc_oracle *o, uint32_t zone, struct alloc_oracle_set *s,
				unsigned int order, unsigned int index)
{
	bool all = fact(o, FACT_pcp_drain_amount) == 2 && s->free_factor && order >= 1 &&
		   order <= 3;
	int64_t high = s->high, amount;

	if (o->zones[zone].reclaim_active)
		high = least(high, 4 * s->batch);
	if (!s->high)
		high = 0;
	if (all) {
		drain(o, zone, s, s->count, index);
		return;
	}
	if (s->count < high)
		return;
	if (high < s->batch) {
		drain(o, zone, s, 1, index);
		return;
	}
	amount = s->batch << s->free_factor;
	if (amount < high - s->batch &&
	    !(fact(o, FACT_pcp_free_factor_limited) && s->free_factor == SCALE_MAX))
		s->free_factor++;
	/* The lower bound yields to the upper one. */
	drain(o, zone, s, least(most(amount, s->batch), high - s->batch), index);
}

/* nr_pcp_high() of 6.7. */
static int64_t high_now(struct alloc_oracle *o, uint32_t zone, struct alloc_oracle_set *s, bool all)
{
	const struct alloc_oracle_zone *z = &o->zones[zone];
	int64_t h;

	h = s->high = between(s->high, s->high_min, s->high_max);
	if (!h)
		return 0;
	if (all) {
		s->high = most(h - (s->batch << SCALE_MAX), s->high_min);
		return 0;
	}
	if (z->reclaim_active) {
		s->high = most(h - most(s->free_count, s->batch), s->high_min);
		return least(4 * s->batch, s->high);
	}
	if (s->high_min == s->high_max)
		return h;
	if (z->below_high) {
		s->high = most(h - most(s->free_count, s->batch), s->high_min);
		return most(s->count, s->high_min);
	}
	if (s->count >= h && s->high < s->free_count + s->batch)
		s->high = between(s->free_count + s->batch, s->high_min, s->high_max);
	return h;
}

static void after_free_tuned(struct alloc_oracle *o, uint32_t zone, struct alloc_oracle_set *s,
			     unsigned int order, unsigned int index)
{
	/* A single page, for whoever may have it of any zone. */
	static const struct alloc_request plain = { .highest = ZONE_MOVABLE };
	struct alloc_oracle_zone *z = &o->zones[zone];
	int64_t threshold = s->batch, high, pages;
	bool all = false;

	if (fact(o, FACT_pcp_free_high_threshold))
		threshold += s->high_min / 2;
	if (order >= 1 && order <= 3) {
		all = s->free_count >= threshold && s->after_high_order &&
		      (!s->high_batch || s->count >= s->batch);
		s->after_high_order = true;
	} else {
		s->after_high_order = false;
	}
	if (s->free_count < s->batch << SCALE_MAX)
		s->free_count += 1 << order;
	high = high_now(o, zone, s, all);
	if (s->count < high)
		return;
	if (all)
		pages = least(s->count, s->batch << SCALE_MAX);
	else if (high < s->batch)
		pages = 1;
	else
		pages = least(most(s->free_count, s->batch), high - s->batch);
	/* One batch after the other, if that is the rule; the last block of each may be larger. */
	if (!fact(o, FACT_pcp_drain_chunked))
		drain(o, zone, s, pages, index);
	for (; fact(o, FACT_pcp_drain_chunked) && pages > 0 && s->count > 0; pages -= s->batch)
		drain(o, zone, s, least(pages, s->batch), index);
	if (z->below_high && above_mark(o, zone, &plain, WMARK_HIGH))
		z->below_high = false;
}

void alloc_oracle_put(struct alloc_oracle *o, uint32_t cpu, pfn_t pfn, unsigned int order)
{
	uint32_t zone = o->b.page_zone[pfn];
	struct alloc_oracle_set *s = &o->zones[zone].sets[cpu];
	enum migratetype type = buddy_oracle_type(&o->b, zone, pfn);
	unsigned int index = NO_LIST;

	memset(o->held + pfn, 0, (size_t)1 << order);
	if (type != MIGRATE_ISOLATE)
		index = list_for(o, order, type < MIGRATE_HIGHATOMIC ? type : MIGRATE_MOVABLE);
	if (index == NO_LIST) {
		buddy_oracle_free(&o->b, zone, pfn, order, BUDDY_PLACE_FREED);
		return;
	}
	s->alloc_factor /= 2;
	prepend(&s->lists[index], pfn, type);
	s->count += 1 << order;
	switch (fact(o, FACT_pcp_drain_amount)) {
	case 0:
		if (s->count >= s->high)
			drain(o, zone, s, s->batch, index);
		break;
	case 3:
		after_free_tuned(o, zone, s, order, index);
		break;
	default:
		after_free_doubling(o, zone, s, order, index);
	}
}

/* ---- requests ---------------------------------------------------------------------------------- */

/* Is it a request that pageblocks are kept for? */
static bool is_highatomic(const struct alloc_oracle *o, unsigned int order, uint32_t flags)
{
	if (!order || fact(o, FACT_migrate_reserve))
		return false;
	if (fact(o, FACT_watermark_min_reserve))
		return flags & ALLOC_HIGHATOMIC;
	return flags & ALLOC_NON_BLOCK;
}

static bool is_last_resort(const struct alloc_oracle *o, uint32_t flags)
{
	int64_t rule = fact(o, FACT_highatomic_last_resort);

	if (fact(o, FACT_migrate_reserve))
		return false;
	return (rule >= 1 && flags & ALLOC_OOM) || (rule == 2 && flags & ALLOC_NON_BLOCK);
}

static pfn_t past_the_sets(struct alloc_oracle *o, uint32_t zone, const struct alloc_request *req,
			   uint32_t flags)
{
	enum mode mode = NORMAL;
	enum migratetype type;
	pfn_t pfn = PFN_NONE;

	if (is_highatomic(o, req->order, flags))
		pfn = buddy_oracle_take(&o->b, zone, req->order, MIGRATE_HIGHATOMIC);
	if (pfn == PFN_NONE)
		pfn = rmqueue(o, zone, req->order, req->type, flags, &mode, &type);
	if (pfn == PFN_NONE && is_last_resort(o, flags))
		pfn = buddy_oracle_take(&o->b, zone, req->order, MIGRATE_HIGHATOMIC);
	return pfn;
}

/* Gives a pageblock a type, with what is free in it; false if it is in more than one zone and stays. */
static bool convert(struct alloc_oracle *o, uint32_t zone, pfn_t pfn, enum migratetype type)
{
	const struct alloc_oracle_zone *z = &o->zones[zone];
	pfn_t from = round_down_to(pfn, 1u << o->b.pageblock_order);
	pfn_t to = from + (1u << o->b.pageblock_order);

	if (fact(o, FACT_block_move_in_zone) && (from < z->start || to > z->end))
		return false;
	if (to <= z->end)
		move(o, zone, from < z->start ? pfn : from, to, type,
		     fact(o, FACT_moves_go_to_tail));
	buddy_oracle_set_type(&o->b, zone, pfn, type);
	return true;
}

static void reserve(struct alloc_oracle *o, uint32_t zone, pfn_t pfn, unsigned int order,
		    uint32_t flags)
{
	struct alloc_oracle_zone *z = &o->zones[zone];
	int64_t block = 1 << o->b.pageblock_order, limit = z->managed / 100 + block;
	struct buddy_block whole = { pfn, order, MIGRATE_HIGHATOMIC };

	if (!is_highatomic(o, order, flags))
		return;
	if (fact(o, FACT_highatomic_limit_rule)) {
		limit = 0;
		while (z->managed / 100 >= block && limit < z->managed / 100)
			limit += block;
	}
	if (z->reserved >= limit || buddy_oracle_type(&o->b, zone, pfn) >= MIGRATE_HIGHATOMIC)
		return;
	if (order >= o->b.pageblock_order && fact(o, FACT_highatomic_all_blocks)) {
		set_types(o, zone, &whole, MIGRATE_HIGHATOMIC);
		z->reserved += 1 << order;
	} else if (convert(o, zone, pfn, MIGRATE_HIGHATOMIC)) {
		z->reserved += block;
	}
}

static bool unreserve_in(struct alloc_oracle *o, uint32_t zone, enum migratetype type, bool force)
{
	struct alloc_oracle_zone *z = &o->zones[zone];
	int64_t block = 1 << o->b.pageblock_order;
	bool all = fact(o, FACT_highatomic_all_blocks);

	if (!force && z->reserved <= block)
		return false;
	for (unsigned int order = 0; order <= o->b.max_order; order++) {
		const struct buddy_oracle_list *l = &o->b.lists[zone][order][MIGRATE_HIGHATOMIC];
		struct buddy_block whole = { l->pfn[0], order, type };

		if (!l->count)
			continue;
		if (buddy_oracle_type(&o->b, zone, whole.pfn) == MIGRATE_HIGHATOMIC)
			z->reserved =
				most(0, z->reserved - (all ? most(block, 1 << order) : block));
		if (all && order >= o->b.pageblock_order) {
			move(o, zone, whole.pfn, whole.pfn + 1, type,
			     fact(o, FACT_moves_go_to_tail));
			set_types(o, zone, &whole, type);
			return true;
		}
		if (convert(o, zone, whole.pfn, type))
			return true;
	}
	return false;
}

bool alloc_oracle_unreserve(struct alloc_oracle *o, const struct alloc_request *req, bool force)
{
	if (fact(o, FACT_migrate_reserve))
		return false;
	for (uint32_t i = 0; i < o->row_length[req->nid]; i++) {
		uint32_t zone = o->rows[req->nid][i];

		if (o->zones[zone].type <= req->highest && unreserve_in(o, zone, req->type, force))
			return true;
	}
	return false;
}

static pfn_t block_from(struct alloc_oracle *o, uint32_t zone, const struct alloc_request *req,
			uint32_t flags, bool *past)
{
	struct alloc_oracle_set *s = &o->zones[zone].sets[req->cpu];
	unsigned int index = list_for(o, req->order, req->type);
	struct alloc_oracle_list *l;

	*past = true;
	if (index == NO_LIST || (fact(o, FACT_pcp_cma_bypass) && o->config.cma &&
				 req->type == MIGRATE_MOVABLE && !(flags & ALLOC_CMA)))
		return past_the_sets(o, zone, req, flags);
	if (fact(o, FACT_pcp_refill_rule) == 2)
		s->free_count /= 2;
	else
		s->free_factor /= 2;
	l = &s->lists[index];
	if (!l->count) {
		enum mode mode = NORMAL;
		int64_t n = refill_blocks(o, zone, s, req->order);

		if (flags & ALLOC_HIGHATOMIC && fact(o, FACT_highatomic_past_pagesets))
			n = 0;
		for (; n > 0; n--) {
			enum migratetype type;
			pfn_t pfn = rmqueue(o, zone, req->order, req->type, flags, &mode, &type);

			if (pfn == PFN_NONE)
				break;
			append(l, pfn, type);
			s->count += 1 << req->order;
			if (!fact(o, FACT_free_counted_by_page))
				o->uncounted += 1 << req->order;
		}
		o->uncounted = 0;
	}
	if (l->count) {
		pfn_t pfn = l->pfn[0];

		l->count--;
		memmove(l->pfn, l->pfn + 1, l->count * sizeof(*l->pfn));
		memmove(l->type, l->type + 1, l->count);
		s->count = most(0, s->count - (1 << req->order));
		*past = false;
		return pfn;
	}
	if (!fact(o, FACT_pcp_empty_tries_buddy))
		return PFN_NONE;
	return past_the_sets(o, zone, req, flags);
}

static pfn_t from_zone(struct alloc_oracle *o, uint32_t zone, const struct alloc_request *req,
		       uint32_t flags)
{
	bool past;
	pfn_t pfn = block_from(o, zone, req, flags, &past);

	if (pfn == PFN_NONE)
		return pfn;
	/* Who looks into the pageblock sees the block as taken by this request already. */
	memset(o->held + pfn, (int)req->type + 1, (size_t)1 << req->order);
	o->zones[zone].batch -= 1 << req->order;
	if (o->zones[zone].batch <= 0)
		o->zones[zone].depleted = true;
	if (past || !fact(o, FACT_highatomic_past_pagesets))
		reserve(o, zone, pfn, req->order, flags);
	return pfn;
}

static bool lets_pass(struct alloc_oracle *o, uint32_t zone, const struct alloc_request *req,
		      uint32_t flags)
{
	struct alloc_oracle_zone *z = &o->zones[zone];

	if (fact(o, FACT_zone_below_high) && !z->below_high) {
		if (above_mark(o, zone, req, (flags & ~3u) | WMARK_HIGH))
			return true;
		z->below_high = true;
	}
	return flags & ALLOC_NO_WATERMARKS || above_mark(o, zone, req, flags);
}

/* The node of the zone that @req prefers. */
static int32_t home(const struct alloc_oracle *o, const struct alloc_request *req)
{
	for (uint32_t i = 0; i < o->row_length[req->nid]; i++)
		if (o->zones[o->rows[req->nid][i]].type <= req->highest)
			return o->zones[o->rows[req->nid][i]].nid;
	return -1;
}

static pfn_t walk(struct alloc_oracle *o, const struct alloc_request *req, uint32_t flags,
		  bool fair)
{
	for (uint32_t i = 0; i < o->row_length[req->nid]; i++) {
		uint32_t zone = o->rows[req->nid][i];
		const struct alloc_oracle_zone *z = &o->zones[zone];
		bool local = z->nid == home(o, req);
		pfn_t pfn;

		if (z->type > req->highest || (req->thisnode && z->nid != req->nid))
			continue;
		if (fair && !local && fact(o, FACT_fair_zones) > 1)
			return PFN_NONE;
		if (fair && z->depleted)
			continue;
		if (flags & ALLOC_NOFRAGMENT && o->several_nodes && !local)
			return PFN_NONE;
		if (!lets_pass(o, zone, req, flags))
			continue;
		pfn = from_zone(o, zone, req, flags);
		if (pfn != PFN_NONE)
			return pfn;
	}
	return PFN_NONE;
}

/* Kernels in which zones take turns: the pass that minds it, and what comes after it. */
static pfn_t walk_fairly(struct alloc_oracle *o, const struct alloc_request *req, uint32_t flags)
{
	int64_t rule = fact(o, FACT_fair_zones);
	pfn_t pfn = walk(o, req, flags, true);
	bool skipped = false;

	if (pfn != PFN_NONE)
		return pfn;
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < o->row_length[req->nid]; i++) {
			struct alloc_oracle_zone *z = &o->zones[o->rows[req->nid][i]];

			if (z->type > req->highest || (rule > 1 && z->nid != home(o, req)))
				continue;
			skipped |= z->depleted && !pass;
			if (!pass || (rule == 3 && !skipped))
				continue;
			z->depleted = false;
			z->batch = z->mark[WMARK_HIGH] - z->mark[WMARK_LOW];
		}
	}
	if (rule == 3 && (skipped || o->several_nodes))
		return walk(o, req, flags, false);
	return PFN_NONE;
}

/* Does the first zone that @req may use stand for ALLOC_NOFRAGMENT? */
static bool spares_blocks(const struct alloc_oracle *o, const struct alloc_request *req)
{
	const struct alloc_oracle_zone *first = NULL;

	if (!fact(o, FACT_alloc_nofragment) || !(o->config.zones_mask >> ZONE_DMA32 & 1))
		return false;
	for (uint32_t i = 0; i < o->row_length[req->nid] && !first; i++)
		if (o->zones[o->rows[req->nid][i]].type <= req->highest)
			first = &o->zones[o->rows[req->nid][i]];
	if (!first || first->type != ZONE_NORMAL)
		return false;
	if (!o->several_nodes)
		return true;
	for (uint32_t z = 0; z < o->b.zone_count; z++)
		if (o->zones[z].nid == first->nid && o->zones[z].type == ZONE_DMA32)
			return true;
	return false;
}

pfn_t alloc_oracle_get(struct alloc_oracle *o, const struct alloc_request *req)
{
	uint32_t flags = req->flags;
	bool patient = (flags & ALLOC_WMARK_MASK) != WMARK_MIN;
	pfn_t pfn = PFN_NONE;

	if (fact(o, FACT_fair_zones) && patient) {
		pfn = walk_fairly(o, req, flags);
		return pfn != PFN_NONE ? pfn : walk(o, req, flags & ~3u, false);
	}
	if (patient && spares_blocks(o, req))
		pfn = walk(o, req, flags | ALLOC_NOFRAGMENT, false);
	if (pfn == PFN_NONE)
		pfn = walk(o, req, flags, false);
	if (pfn == PFN_NONE && patient)
		pfn = walk(o, req, flags & ~3u, false);
	return pfn;
}

uint32_t alloc_oracle_fast_flags(const struct alloc_oracle *o, const struct alloc_request *req)
{
	uint32_t flags = ALLOC_WMARK_LOW;

	if (req->type == MIGRATE_MOVABLE)
		flags |= ALLOC_CMA;
	if (req->nid >= 0 && (uint32_t)req->nid < o->node_count && spares_blocks(o, req))
		flags |= ALLOC_NOFRAGMENT;
	return flags;
}

/* The first zone of the walk that lets the request pass. */
static uint32_t first_open(struct alloc_oracle *o, const struct alloc_request *req, uint32_t flags)
{
	for (uint32_t i = 0; i < o->row_length[req->nid]; i++) {
		uint32_t zone = o->rows[req->nid][i];
		const struct alloc_oracle_zone *z = &o->zones[zone];

		if (z->type > req->highest || (req->thisnode && z->nid != req->nid))
			continue;
		if (flags & ALLOC_NOFRAGMENT && o->several_nodes && z->nid != home(o, req))
			break;
		if (lets_pass(o, zone, req, flags))
			return zone;
	}
	return BUDDY_ZONE_NONE;
}

uint32_t alloc_oracle_choose(struct alloc_oracle *o, const struct alloc_request *req)
{
	uint32_t zone = BUDDY_ZONE_NONE, spared = req->flags & ~(uint32_t)ALLOC_NOFRAGMENT;

	if (req->nid < 0 || (uint32_t)req->nid >= o->node_count)
		return zone;
	zone = first_open(o, req, req->flags);
	if (zone == BUDDY_ZONE_NONE && spared != req->flags)
		zone = first_open(o, req, spared);
	if (zone == BUDDY_ZONE_NONE && spared & ALLOC_WMARK_MASK)
		zone = first_open(o, req, spared & ~(uint32_t)ALLOC_WMARK_MASK);
	return zone;
}

/* ---- comparison -------------------------------------------------------------------------------- */

static const char *compare_set(const struct alloc_oracle *o, uint32_t zone, uint32_t cpu,
			       struct page_alloc *a)
{
	const struct alloc_oracle_set *s = &o->zones[zone].sets[cpu];
	const struct pageset *set = page_alloc_set(a, zone, cpu);

	for (unsigned int i = 0; i < PCP_LISTS_MAX; i++) {
		uint32_t cursor = BUDDY_LIST_START, n = 0;
		pfn_t pfn;

		while (pageset_next(a, set, i, &cursor, &pfn))
			if (n >= s->lists[i].count || s->lists[i].pfn[n++] != pfn)
				return "a per-CPU list has other pages or another order";
		if (n != s->lists[i].count || n != set->lists[i].count)
			return "a per-CPU list has too few pages";
		if ((set->nonempty >> i & 1) != (n > 0))
			return "the bitmap of per-CPU lists is wrong";
	}
	if (set->count != s->count)
		return "a page set counts other pages";
	if (fact(o, FACT_pcp_refill_rule) == 2) {
		if (set->high != s->high)
			return "a page set has another high";
		if (set->free_count != s->free_count || set->alloc_factor != s->alloc_factor)
			return "a page set is tuned otherwise";
	} else if (set->free_factor != s->free_factor) {
		return "a page set's drains have another size";
	}
	return NULL;
}

const char *alloc_oracle_compare(const struct alloc_oracle *o, struct page_alloc *a)
{
	const char *wrong = buddy_oracle_compare(&o->b, a->buddy);

	for (uint32_t zone = 0; !wrong && zone < a->zone_count; zone++) {
		if (a->zones[zone].below_high != o->zones[zone].below_high)
			wrong = "ZONE_BELOW_HIGH differs";
		else if ((int64_t)a->zones[zone].boost != o->zones[zone].boost)
			wrong = "the boost of a zone differs";
		else if ((int64_t)a->zones[zone].reserved_highatomic != o->zones[zone].reserved)
			wrong = "a zone keeps other numbers of pages for atomic requests";
		for (uint32_t cpu = 0; !wrong && cpu < a->cpu_count; cpu++)
			wrong = compare_set(o, zone, cpu, a);
	}
	return wrong;
}
