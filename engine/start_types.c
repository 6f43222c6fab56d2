/* SPDX-License-Identifier: MIT */
#include "engine/start_types.h"

#include <stdlib.h>
#include <string.h>

/*
 * The types that pageblocks get here, those first that choose first; the others are those of known places.
 */
enum { TYPES = 4 };
static const enum migratetype types[TYPES] = { MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE,
					       MIGRATE_UNMOVABLE, MIGRATE_HIGHATOMIC };

/*
 * Prices: of a type that was not thought; of that where nothing was allocated since the boot, which the
 * model knows; of a pageblock without pages in use; of a rare type.
 */
enum {
	PRICE_OF_CHANGE = 64,
	PRICE_OF_RESERVED = 1024,
	PRICE_OF_UNUSED = 32,
	PRICE_OF_RARE = 256,
};
/* Of a page of another use.  What no flag tells of may be on a list of a CPU as well: it weighs less. */
enum { PRICE_OF_PAGE = 8, OTHER_SHARE = 4 };
/* What a free block too many or too few costs. */
enum { PRICE_OF_MISFIT = 32 };
/* Different pageblocks that are tried with each other, and exchanges. */
enum { KINDS_MAX = 512, EXCHANGES_MAX = 1024 };

struct assignment {
	struct start_block *blocks;
	uint32_t count;
	const uint64_t (*free)[MIGRATE_TYPE_COUNT];
	int64_t surplus[BUDDY_ORDER_COUNT][MIGRATE_TYPE_COUNT]; /* free blocks too many */
	enum migratetype *thought; /* by pageblock */
};

static int64_t price_of_use(const struct start_block *b, enum migratetype type)
{
	switch (type) {
	case MIGRATE_MOVABLE:
		return PRICE_OF_PAGE * (int64_t)b->slab + b->other / OTHER_SHARE;
	case MIGRATE_UNMOVABLE:
		return PRICE_OF_PAGE * (int64_t)b->lru;
	case MIGRATE_RECLAIMABLE:
		return PRICE_OF_PAGE * (int64_t)b->lru + b->other;
	default:
		return PRICE_OF_RARE;
	}
}

enum migratetype start_types_suggested(const struct start_block *block)
{
	enum migratetype best = MIGRATE_MOVABLE;

	for (unsigned int t = 1; t < TYPES; t++)
		if (price_of_use(block, types[t]) <= price_of_use(block, best))
			best = types[t];
	return best;
}

static int64_t price(const struct assignment *a, uint32_t i, enum migratetype type)
{
	const struct start_block *b = &a->blocks[i];
	int64_t sum = price_of_use(b, type);

	if (type != a->thought[i])
		sum += b->lru || b->slab || b->other || b->unused ? PRICE_OF_CHANGE
								  : PRICE_OF_RESERVED;
	if (b->unused && type != MIGRATE_MOVABLE && type != b->hint)
		sum += PRICE_OF_UNUSED;
	return sum;
}

/* Of the pageblocks of type @from, makes that one @to for which that is cheapest.  False: there is none. */
static bool change_cheapest(struct assignment *a, enum migratetype from, enum migratetype to)
{
	uint32_t best = UINT32_MAX;
	int64_t least = 0;

	for (uint32_t i = 0; i < a->count; i++) {
		int64_t cost;

		if (a->blocks[i].fixed || a->blocks[i].type != from)
			continue;
		cost = price(a, i, to) - price(a, i, from);
		if (best != UINT32_MAX && cost >= least)
			continue;
		best = i;
		least = cost;
	}
	if (best == UINT32_MAX)
		return false;
	a->blocks[best].type = to;
	return true;
}

/* As many of each type as there must be: first all are movable, the most common type. */
static void fill(struct assignment *a, const uint64_t wanted[MIGRATE_TYPE_COUNT])
{
	for (uint32_t i = 0; i < a->count; i++)
		if (!a->blocks[i].fixed)
			a->blocks[i].type = MIGRATE_MOVABLE;
	for (unsigned int t = 1; t < TYPES; t++)
		for (uint64_t n = 0; n < wanted[types[t]]; n++)
			if (!change_cheapest(a, MIGRATE_MOVABLE, types[t]))
				break;
}

/* As many of each type as there must be: as few as can be are not of the type that was thought. */
static void keep(struct assignment *a, const uint64_t wanted[MIGRATE_TYPE_COUNT])
{
	uint64_t have[MIGRATE_TYPE_COUNT] = { 0 };

	for (uint32_t i = 0; i < a->count; i++) {
		a->blocks[i].type = a->thought[i];
		have[a->thought[i]]++;
	}
	for (unsigned int from = 0; from < TYPES; from++)
		for (unsigned int to = 0; to < TYPES; to++)
			while (have[types[from]] > wanted[types[from]] &&
			       have[types[to]] < wanted[types[to]] &&
			       change_cheapest(a, types[from], types[to])) {
				have[types[from]]--;
				have[types[to]]++;
			}
}

static void count_free(struct assignment *a)
{
	memset(a->surplus, 0, sizeof(a->surplus));
	if (!a->free)
		return;
	for (unsigned int o = 0; o < BUDDY_ORDER_COUNT; o++)
		for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
			a->surplus[o][t] = -(int64_t)a->free[o][t];
	for (uint32_t i = 0; i < a->count; i++)
		for (unsigned int o = 0; o < BUDDY_ORDER_COUNT; o++)
			a->surplus[o][a->blocks[i].type] += a->blocks[i].free[o];
}

static int64_t magnitude(int64_t x)
{
	return x < 0 ? -x : x;
}

/* By how much an exchange of the types of @i and @k makes it all dearer. */
static int64_t exchange_cost(const struct assignment *a, uint32_t i, uint32_t k)
{
	const struct start_block *x = &a->blocks[i], *y = &a->blocks[k];
	int64_t cost = price(a, i, y->type) + price(a, k, x->type) - price(a, i, x->type) -
		       price(a, k, y->type);

	for (unsigned int o = 0; a->free && o < BUDDY_ORDER_COUNT; o++) {
		int64_t moved = (int64_t)x->free[o] - y->free[o];
		int64_t of_x = a->surplus[o][x->type], of_y = a->surplus[o][y->type];

		cost += PRICE_OF_MISFIT * (magnitude(of_x - moved) + magnitude(of_y + moved) -
					   magnitude(of_x) - magnitude(of_y));
	}
	return cost;
}

static bool alike(const struct assignment *a, uint32_t i, uint32_t k)
{
	const struct start_block *x = &a->blocks[i], *y = &a->blocks[k];

	return x->type == y->type && a->thought[i] == a->thought[k] && x->lru == y->lru &&
	       x->slab == y->slab && x->other == y->other &&
	       !memcmp(x->free, y->free, sizeof(x->free));
}

/* One pageblock for all that are alike. */
static uint32_t find_kinds(const struct assignment *a, uint32_t *kinds)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < a->count && count < KINDS_MAX; i++) {
		uint32_t at = count;

		if (a->blocks[i].fixed)
			continue;
		while (at && !alike(a, i, kinds[at - 1]))
			at--;
		if (!at)
			kinds[count++] = i;
	}
	return count;
}

/* The exchange that helps most.  False: none does. */
static bool exchange_best(struct assignment *a, uint32_t *kinds)
{
	uint32_t count = find_kinds(a, kinds), best_i = 0, best_k = 0;
	int64_t least = 0;
	enum migratetype type;

	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t k = i + 1; k < count; k++) {
			int64_t cost;

			if (a->blocks[kinds[i]].type == a->blocks[kinds[k]].type)
				continue;
			cost = exchange_cost(a, kinds[i], kinds[k]);
			if (cost >= least)
				continue;
			least = cost;
			best_i = kinds[i];
			best_k = kinds[k];
		}
	}
	if (!least)
		return false;
	type = a->blocks[best_i].type;
	a->blocks[best_i].type = a->blocks[best_k].type;
	a->blocks[best_k].type = type;
	count_free(a);
	return true;
}

static uint64_t misfits(const struct assignment *a)
{
	uint64_t sum = 0;

	for (unsigned int o = 0; o < BUDDY_ORDER_COUNT; o++)
		for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
			sum += (uint64_t)magnitude(a->surplus[o][t]);
	return sum;
}

/* Exchanges types as long as it helps, and tells what that costs. */
static int64_t settle(struct assignment *a, uint32_t *kinds)
{
	int64_t cost;

	count_free(a);
	for (unsigned int i = 0; i < EXCHANGES_MAX && exchange_best(a, kinds); i++)
		;
	cost = PRICE_OF_MISFIT * (int64_t)misfits(a);
	for (uint32_t i = 0; i < a->count; i++)
		cost += price(a, i, a->blocks[i].type);
	return cost;
}

bool start_types_assign(struct start_block *blocks, uint32_t count,
			const uint64_t wanted[MIGRATE_TYPE_COUNT],
			const uint64_t (*free_blocks)[MIGRATE_TYPE_COUNT], uint64_t *misfits_ret)
{
	struct assignment a = { .blocks = blocks, .count = count, .free = free_blocks };
	enum migratetype *filled = calloc((size_t)count + 1, sizeof(*filled));
	uint32_t *kinds = malloc(KINDS_MAX * sizeof(*kinds));
	bool done = false;

	a.thought = calloc((size_t)count + 1, sizeof(*a.thought));
	if (a.thought && filled && kinds) {
		int64_t cost;

		for (uint32_t i = 0; i < count; i++)
			a.thought[i] = blocks[i].type;
		fill(&a, wanted);
		cost = settle(&a, kinds);
		*misfits_ret = misfits(&a);
		for (uint32_t i = 0; i < count; i++)
			filled[i] = blocks[i].type;
		keep(&a, wanted);
		if (settle(&a, kinds) <= cost)
			*misfits_ret = misfits(&a);
		else
			for (uint32_t i = 0; i < count; i++)
				blocks[i].type = filled[i];
		done = true;
	}
	free(a.thought);
	free(filled);
	free(kinds);
	return done;
}
