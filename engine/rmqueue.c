/* SPDX-License-Identifier: MIT */
#include "engine/rmqueue.h"

#include "engine/pageset.h"

/* Whose blocks a type takes when its own lists are empty, in this order. */
static const enum migratetype fallbacks[MIGRATE_HIGHATOMIC][2] = {
	[MIGRATE_UNMOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE },
	[MIGRATE_MOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE },
	[MIGRATE_RECLAIMABLE] = { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE },
};

static void note_locked(struct page_alloc *a, pfn_t pfn, unsigned int order, enum migratetype type)
{
	struct event e = { .kind = EVENT_ZONE_LOCKED,
			   .pfn = pfn,
			   .order = (uint8_t)order,
			   .migratetype = a->rules.list_rank[type] };

	if (pageset_list(a, order, type) != PCP_LIST_NONE)
		e.flags = EVENT_PERCPU_REFILL;
	page_alloc_note(a, &e);
}

static pfn_t smallest(struct page_alloc *a, uint32_t zone, unsigned int order,
		      enum migratetype type)
{
	pfn_t pfn = buddy_take(a->buddy, zone, order, type);

	if (pfn == PFN_NONE)
		return pfn;
	a->taken_type = type;
	if (a->events && a->rules.locked_lists_type)
		note_locked(a, pfn, order, type);
	return pfn;
}

/* find_suitable_fallback(): whose list of @order has a block. */
static bool find_fallback(const struct buddy *b, uint32_t zone, unsigned int order,
			  enum migratetype type, struct buddy_block *ret)
{
	for (unsigned int i = 0; i < 2; i++) {
		pfn_t pfn = buddy_head(b, zone, order, fallbacks[type][i]);

		if (pfn != PFN_NONE) {
			*ret = (struct buddy_block){ pfn, order, fallbacks[type][i] };
			return true;
		}
	}
	return false;
}

/* can_steal_fallback(), should_try_claim_block(). */
static bool may_claim(const struct page_alloc *a, unsigned int order, enum migratetype type)
{
	const struct buddy *b = a->buddy;

	if (a->rules.fallback == FALLBACK_2_6_24)
		return order >= b->pageblock_order / 2 || type == MIGRATE_RECLAIMABLE ||
		       b->mobility_off;
	return order >= b->pageblock_order / 2 || type != MIGRATE_MOVABLE || b->mobility_off;
}

static void note_extfrag(struct page_alloc *a, uint32_t zone, const struct buddy_block *block,
			 pfn_t pfn, unsigned int order, enum migratetype type, bool gives_page)
{
	struct event e = { .kind = EVENT_EXTFRAG,
			   .pfn = pfn,
			   .order = (uint8_t)order,
			   .migratetype = a->rules.list_rank[type],
			   .fallback_order = (uint8_t)block->order,
			   .fallback_migratetype = a->rules.list_rank[block->type] };

	if (!a->events)
		return;
	if (gives_page)
		e.flags |= EVENT_GIVES_PAGE;
	if (block->order < a->buddy->pageblock_order)
		e.flags |= EVENT_FRAGMENTING;
	if (buddy_block_type(a->buddy, zone, block->pfn) == type)
		e.flags |= EVENT_CHANGE_OWNERSHIP;
	page_alloc_note(a, &e);
}

/* change_pageblock_range() of a block of one or more pageblocks. */
static void retype(struct buddy *b, uint32_t zone, const struct buddy_block *block,
		   enum migratetype type)
{
	for (pfn_t pfn = block->pfn; pfn < block->pfn + (1ULL << block->order);
	     pfn += 1ULL << b->pageblock_order)
		buddy_set_block_type(b, zone, pfn, type);
}

/* boost_watermark(). */
static void boost(struct page_alloc *a, uint32_t zone)
{
	uint64_t block = 1ULL << a->buddy->pageblock_order, most;
	struct alloc_zone *z = &a->zones[zone];

	if (!a->keeps_boost || (a->rules.boost_spares_small && z->managed < 4 * block))
		return;
	most = z->watermark[WMARK_HIGH] * a->rules.boost_factor / 10000;
	if (!most)
		return;
	most = max_u64(most, block);
	z->boost = min_u64(z->boost + block, most);
}

struct claim {
	pfn_t start; /* of the pageblock, or of the block where that begins before the zone */
	bool straddles; /* it ends beyond its zone, or begins before */
	bool ends_beyond;
	bool enough; /* half of it is free or like what is wanted */
	bool any_free;
};

/* What is in the pageblock of @block, and is it worth taking whole? */
static struct claim weigh(const struct page_alloc *a, uint32_t zone,
			  const struct buddy_block *block, enum migratetype type)
{
	const struct buddy *b = a->buddy;
	const struct buddy_zone *z = &b->zones[zone];
	uint64_t pages = 1ULL << b->pageblock_order, free_pages, movable, alike = 0;
	struct claim ret = { .start = round_down_to(block->pfn, pages) };

	ret.ends_beyond = ret.start + pages > z->end;
	ret.straddles = ret.start < z->start || ret.ends_beyond;
	/* The pages before the block stay then, and count for nothing. */
	if (ret.start < z->start)
		ret.start = block->pfn;
	buddy_census(b, zone, ret.start, &free_pages, &movable);
	ret.any_free = free_pages > 0;
	if (type == MIGRATE_MOVABLE)
		alike = movable;
	else if (block->type == MIGRATE_MOVABLE && free_pages + movable < pages)
		alike = pages - (free_pages + movable);
	ret.enough = free_pages + alike >= pages / 2 || b->mobility_off;
	return ret;
}

/*
 * steal_suitable_fallback() up to 6.9: moves the block, or with it all that is free in its pageblock, to
 * the lists of @type.
 */
static void steal(struct page_alloc *a, uint32_t zone, const struct buddy_block *block,
		  enum migratetype type, bool whole)
{
	struct buddy *b = a->buddy;
	bool tail = a->rules.moves_to_tail;
	struct claim claim;

	if (buddy_block_type(b, zone, block->pfn) == MIGRATE_HIGHATOMIC)
		whole = false;
	else if (block->order >= b->pageblock_order) {
		retype(b, zone, block, type);
		whole = false;
	} else {
		boost(a, zone);
	}
	if (whole) {
		claim = weigh(a, zone, block, type);
		/* A pageblock that ends beyond the zone is left alone; one that begins before may not be. */
		if (claim.ends_beyond || !claim.any_free ||
		    (claim.straddles && a->rules.block_move_in_zone))
			whole = false;
	}
	if (!whole) {
		buddy_move(b, zone, block, type, tail);
		return;
	}
	buddy_move_rest(b, zone, claim.start, type, tail);
	if (claim.enough)
		buddy_set_block_type(b, zone, block->pfn, type);
}

/* Which block __rmqueue_fallback() up to 6.14 goes for: the largest, or the smallest if it takes no more. */
static bool find_block(const struct page_alloc *a, uint32_t zone, unsigned int order,
		       enum migratetype type, uint32_t flags, struct buddy_block *block)
{
	const struct buddy *b = a->buddy;
	unsigned int least = order;

	if (flags & ALLOC_NOFRAGMENT && order < b->pageblock_order)
		least = b->pageblock_order;
	for (unsigned int o = b->max_order + 1; o-- > least;) {
		if (!find_fallback(b, zone, o, type, block))
			continue;
		if (may_claim(a, o, type) || type != MIGRATE_MOVABLE || o == order ||
		    !a->rules.smallest_first)
			return true;
		for (o = order; !find_fallback(b, zone, o, type, block);)
			o++;
		return true;
	}
	return false;
}

/* __rmqueue_fallback() of 4.12 to 6.9: after it the lists of @type have a block. */
static bool fallback_by_steal(struct page_alloc *a, uint32_t zone, unsigned int order,
			      enum migratetype type, uint32_t flags)
{
	struct buddy_block block;

	if (!find_block(a, zone, order, type, flags, &block))
		return false;
	steal(a, zone, &block, type, may_claim(a, block.order, type));
	note_extfrag(a, zone, &block, block.pfn, order, type, false);
	return true;
}

/*
 * __rmqueue_fallback() up to 4.11: the block that was found gives the page, even if a smaller one came
 * over from its pageblock with it.
 */
static pfn_t fallback_at_once(struct page_alloc *a, uint32_t zone, unsigned int order,
			      enum migratetype type, uint32_t flags)
{
	bool keeps_rest = a->rules.fallback == FALLBACK_2_6_24;
	struct buddy *b = a->buddy;
	struct buddy_block block;
	enum migratetype rest;

	if (!find_block(a, zone, order, type, flags, &block))
		return PFN_NONE;
	rest = keeps_rest ? block.type : type;
	if (block.order >= b->pageblock_order) {
		retype(b, zone, &block, type);
		rest = type;
	} else if (may_claim(a, block.order, type)) {
		struct claim claim = weigh(a, zone, &block, type);
		uint64_t moved = 0;

		if (!claim.ends_beyond)
			moved = buddy_move_rest(b, zone, claim.start, type, a->rules.moves_to_tail);
		if (moved >= 1ULL << b->pageblock_order >> 1 || b->mobility_off)
			buddy_set_block_type(b, zone, block.pfn, type);
		rest = type;
	}
	buddy_carve(b, zone, &block, block.pfn, order, rest);
	a->taken_type = type;
	note_extfrag(a, zone, &block, block.pfn, order, type, false);
	return block.pfn;
}

/* A whole block becomes @type and gives its first pages. */
static pfn_t take_large(struct page_alloc *a, uint32_t zone, const struct buddy_block *block,
			unsigned int order, enum migratetype type)
{
	retype(a->buddy, zone, block, type);
	buddy_carve(a->buddy, zone, block, block->pfn, order, type);
	a->taken_type = type;
	note_extfrag(a, zone, block, block->pfn, order, type, true);
	return block->pfn;
}

/* Moves all that is free in the pageblock to @type, if it is worth it, and takes the smallest there. */
static pfn_t try_claim(struct page_alloc *a, uint32_t zone, const struct buddy_block *block,
		       unsigned int order, enum migratetype type)
{
	struct claim claim = weigh(a, zone, block, type);
	pfn_t pfn;

	if (claim.ends_beyond || (claim.straddles && a->rules.block_move_in_zone) ||
	    !claim.enough || buddy_block_type(a->buddy, zone, block->pfn) == MIGRATE_HIGHATOMIC)
		return PFN_NONE;
	buddy_move_rest(a->buddy, zone, claim.start, type, true);
	buddy_set_block_type(a->buddy, zone, block->pfn, type);
	pfn = smallest(a, zone, order, type);
	note_extfrag(a, zone, block, pfn, order, type, false);
	return pfn;
}

/* Takes pages of another type's block, which stays that type's. */
static pfn_t take_single(struct page_alloc *a, uint32_t zone, const struct buddy_block *block,
			 unsigned int order, enum migratetype type)
{
	buddy_carve(a->buddy, zone, block, block->pfn, order, block->type);
	a->taken_type = block->type;
	note_extfrag(a, zone, block, block->pfn, order, type, true);
	return block->pfn;
}

/* __rmqueue_fallback() of 6.10 to 6.14. */
static pfn_t fallback_with_page(struct page_alloc *a, uint32_t zone, unsigned int order,
				enum migratetype type, uint32_t flags)
{
	struct buddy *b = a->buddy;
	struct buddy_block block;

	if (!find_block(a, zone, order, type, flags, &block))
		return PFN_NONE;
	if (block.order >= b->pageblock_order)
		return take_large(a, zone, &block, order, type);
	if (buddy_block_type(b, zone, block.pfn) != MIGRATE_HIGHATOMIC)
		boost(a, zone);
	if (may_claim(a, block.order, type)) {
		pfn_t pfn = try_claim(a, zone, &block, order, type);

		if (pfn != PFN_NONE)
			return pfn;
	}
	return take_single(a, zone, &block, order, type);
}

/* __rmqueue_claim() of 6.15. */
static pfn_t claim_block(struct page_alloc *a, uint32_t zone, unsigned int order,
			 enum migratetype type, uint32_t flags)
{
	struct buddy *b = a->buddy;
	unsigned int least = order;

	if (flags & ALLOC_NOFRAGMENT && order < b->pageblock_order)
		least = b->pageblock_order;
	for (unsigned int o = b->max_order + 1; o-- > least;) {
		struct buddy_block block;
		pfn_t pfn;

		if (!may_claim(a, o, type))
			break;
		if (!find_fallback(b, zone, o, type, &block))
			continue;
		if (o >= b->pageblock_order)
			return take_large(a, zone, &block, order, type);
		boost(a, zone);
		pfn = try_claim(a, zone, &block, order, type);
		if (pfn != PFN_NONE)
			return pfn;
	}
	return PFN_NONE;
}

/* __rmqueue_steal() of 6.15. */
static pfn_t steal_page(struct page_alloc *a, uint32_t zone, unsigned int order,
			enum migratetype type)
{
	for (unsigned int o = order; o <= a->buddy->max_order; o++) {
		struct buddy_block block;

		if (find_fallback(a->buddy, zone, o, type, &block))
			return take_single(a, zone, &block, order, type);
	}
	return PFN_NONE;
}

void rmqueue_seen(const struct page_alloc *a, uint32_t zone, int64_t *free_ret, int64_t *cma_ret)
{
	int64_t all = (int64_t)page_alloc_zone_free(a, zone) + a->zones[zone].seen_more;
	int64_t cma = (int64_t)a->buddy->zones[zone].free_pages[MIGRATE_CMA];

	for (uint32_t cpu = 0; cpu < a->cpu_count; cpu++) {
		const struct stat_diff *diff = &a->sets[zone * a->cpu_count + cpu].diff;

		all -= diff->free;
		cma -= diff->cma;
	}
	*free_ret = all;
	*cma_ret = cma;
}

static bool cma_is_first(const struct page_alloc *a, uint32_t zone, uint32_t flags)
{
	int64_t all, cma;

	if (!a->rules.cma_balance || !a->rules.cma || !(flags & ALLOC_CMA))
		return false;
	rmqueue_seen(a, zone, &all, &cma);
	return rmqueue_cma_turn(all, cma);
}

static pfn_t by_mode(struct page_alloc *a, uint32_t zone, unsigned int order, enum migratetype type,
		     uint32_t flags, enum rmqueue_mode *mode)
{
	pfn_t pfn;

	switch (*mode) {
	case RMQUEUE_NORMAL:
		pfn = smallest(a, zone, order, type);
		if (pfn != PFN_NONE)
			return pfn;
		/* Fall through. */
	case RMQUEUE_CMA:
		if (a->rules.cma && flags & ALLOC_CMA) {
			pfn = smallest(a, zone, order, MIGRATE_CMA);
			if (pfn != PFN_NONE) {
				*mode = RMQUEUE_CMA;
				return pfn;
			}
		}
		/* Fall through. */
	case RMQUEUE_CLAIM:
		if (type >= MIGRATE_HIGHATOMIC)
			return PFN_NONE;
		pfn = claim_block(a, zone, order, type, flags);
		if (pfn != PFN_NONE) {
			*mode = RMQUEUE_NORMAL;
			return pfn;
		}
		/* Fall through. */
	case RMQUEUE_STEAL:
		if (flags & ALLOC_NOFRAGMENT)
			return PFN_NONE;
		pfn = steal_page(a, zone, order, type);
		if (pfn != PFN_NONE)
			*mode = RMQUEUE_STEAL;
		return pfn;
	}
	return PFN_NONE;
}

/* Up to 4.3 the pages of MIGRATE_RESERVE pageblocks, which stand in HIGHATOMIC's place, are the last. */
static pfn_t from_reserve(struct page_alloc *a, uint32_t zone, unsigned int order,
			  enum migratetype type)
{
	pfn_t pfn;

	if (!a->rules.migrate_reserve)
		return PFN_NONE;
	pfn = smallest(a, zone, order, MIGRATE_HIGHATOMIC);
	if (pfn != PFN_NONE && !a->rules.reserve_pages_stay)
		a->taken_type = type;
	return pfn;
}

static pfn_t rmqueue_type(struct page_alloc *a, uint32_t zone, unsigned int order,
			  enum migratetype type, uint32_t flags, enum rmqueue_mode *mode)
{
	pfn_t pfn = PFN_NONE;

	if (cma_is_first(a, zone, flags)) {
		pfn = smallest(a, zone, order, MIGRATE_CMA);
		if (pfn != PFN_NONE)
			return pfn;
	}
	if (a->rules.fallback == FALLBACK_6_15)
		return by_mode(a, zone, order, type, flags, mode);
	do {
		pfn = smallest(a, zone, order, type);
		if (pfn == PFN_NONE && a->rules.cma && flags & ALLOC_CMA)
			pfn = smallest(a, zone, order, MIGRATE_CMA);
		if (pfn != PFN_NONE || type >= MIGRATE_HIGHATOMIC)
			return pfn;
		if (a->rules.fallback < FALLBACK_4_12) {
			pfn = fallback_at_once(a, zone, order, type, flags);
			return pfn != PFN_NONE ? pfn : from_reserve(a, zone, order, type);
		}
		if (a->rules.fallback == FALLBACK_6_10)
			return fallback_with_page(a, zone, order, type, flags);
	} while (fallback_by_steal(a, zone, order, type, flags));
	return PFN_NONE;
}

pfn_t rmqueue_one(struct page_alloc *a, uint32_t zone, unsigned int order, enum migratetype type,
		  uint32_t flags, enum rmqueue_mode *mode)
{
	pfn_t pfn = rmqueue_type(a, zone, order, type, flags, mode);

	if (pfn != PFN_NONE && a->events && !a->rules.locked_lists_type)
		note_locked(a, pfn, order, type);
	return pfn;
}

/* Is it a request that pageblocks are kept for? */
static bool is_highatomic(const struct alloc_rules *r, unsigned int order, uint32_t flags)
{
	if (r->migrate_reserve || !order)
		return false;
	return flags & (r->watermark.min_reserve ? ALLOC_HIGHATOMIC : ALLOC_NON_BLOCK);
}

/* Values of the fact highatomic_last_resort. */
static bool is_last_resort(const struct alloc_rules *r, uint32_t flags)
{
	if (r->migrate_reserve || !r->highatomic_last_resort)
		return false;
	return flags & (r->highatomic_last_resort == 1 ? ALLOC_OOM : ALLOC_OOM | ALLOC_NON_BLOCK);
}

pfn_t rmqueue_buddy(struct page_alloc *a, uint32_t zone, unsigned int order, enum migratetype type,
		    uint32_t flags)
{
	enum rmqueue_mode mode = RMQUEUE_NORMAL;
	pfn_t pfn = PFN_NONE;

	if (is_highatomic(&a->rules, order, flags))
		pfn = smallest(a, zone, order, MIGRATE_HIGHATOMIC);
	if (pfn == PFN_NONE)
		pfn = rmqueue_one(a, zone, order, type, flags, &mode);
	if (pfn == PFN_NONE && is_last_resort(&a->rules, flags))
		pfn = smallest(a, zone, order, MIGRATE_HIGHATOMIC);
	return pfn;
}

/* May another pageblock be kept? */
static bool reserve_is_open(const struct page_alloc *a, uint32_t zone)
{
	uint64_t block = 1ULL << a->buddy->pageblock_order, part = a->zones[zone].managed / 100;

	if (!a->rules.highatomic_limit)
		return a->zones[zone].reserved_highatomic < part + block;
	return part >= block && a->zones[zone].reserved_highatomic < round_up_to(part, block);
}

/*
 * Gives the pageblock at @pfn the type @type, with what is free in it.  False: it reaches beyond the zone,
 * and nothing was done.
 */
static bool convert(struct page_alloc *a, uint32_t zone, pfn_t pfn, enum migratetype type)
{
	struct buddy *b = a->buddy;
	uint64_t block = 1ULL << b->pageblock_order;
	pfn_t start = pfn & ~(pfn_t)(block - 1);
	bool below = start<b->zones[zone].start, beyond = start + block> b->zones[zone].end;

	if (a->rules.block_move_in_zone && (below || beyond))
		return false;
	if (!beyond)
		buddy_move_rest(b, zone, below ? pfn : start, type, a->rules.moves_to_tail);
	buddy_set_block_type(b, zone, pfn, type);
	return true;
}

void rmqueue_reserve(struct page_alloc *a, uint32_t zone, pfn_t pfn, unsigned int order,
		     uint32_t flags)
{
	struct buddy_block block = { pfn, order, MIGRATE_HIGHATOMIC };
	struct alloc_zone *z = &a->zones[zone];
	struct buddy *b = a->buddy;

	if (!is_highatomic(&a->rules, order, flags) || !reserve_is_open(a, zone) ||
	    buddy_block_type(b, zone, pfn) >= MIGRATE_HIGHATOMIC)
		return;
	if (order >= b->pageblock_order && a->rules.highatomic_all_blocks) {
		retype(b, zone, &block, MIGRATE_HIGHATOMIC);
		z->reserved_highatomic += 1ULL << order;
	} else if (convert(a, zone, pfn, MIGRATE_HIGHATOMIC)) {
		z->reserved_highatomic += 1ULL << b->pageblock_order;
	}
}

bool rmqueue_unreserve(struct page_alloc *a, uint32_t zone, enum migratetype type, bool force)
{
	struct alloc_zone *z = &a->zones[zone];
	struct buddy *b = a->buddy;
	uint64_t size = 1ULL << b->pageblock_order;

	if (a->rules.migrate_reserve || (!force && z->reserved_highatomic <= size))
		return false;
	for (unsigned int order = 0; order <= b->max_order; order++) {
		struct buddy_block block = { buddy_head(b, zone, order, MIGRATE_HIGHATOMIC), order,
					     MIGRATE_HIGHATOMIC };

		if (block.pfn == PFN_NONE)
			continue;
		if (a->rules.highatomic_all_blocks)
			size = max_u64(size, 1ULL << order);
		if (buddy_block_type(b, zone, block.pfn) == MIGRATE_HIGHATOMIC)
			z->reserved_highatomic -= min_u64(size, z->reserved_highatomic);
		b->types_changed_free |= order >= b->pageblock_order;
		if (order >= b->pageblock_order && a->rules.highatomic_all_blocks) {
			buddy_move(b, zone, &block, type, a->rules.moves_to_tail);
			retype(b, zone, &block, type);
			return true;
		}
		if (convert(a, zone, block.pfn, type))
			return true;
	}
	return false;
}
