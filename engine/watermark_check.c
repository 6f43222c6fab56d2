/* SPDX-License-Identifier: MIT */
#include "engine/watermark_check.h"

void watermark_rules_init(struct watermark_rules *ret, const struct facts *facts)
{
	*ret = (struct watermark_rules){
		.fast = (enum watermark_fast_rule)fact_get(facts, FACT_watermark_fast),
		.min_reserve = fact_get(facts, FACT_watermark_min_reserve),
		.looks_for_block = fact_get(facts, FACT_watermark_looks_for_block),
		.harder_any_block = fact_get(facts, FACT_watermark_harder_any_block),
		.boost_retest = fact_get(facts, FACT_watermark_boost_retest),
	};
}

/* The mark less what the request's rights are worth. */
static void find_min(const struct watermark_rules *rules, int64_t mark, unsigned int flags,
		     struct watermark_answer *a)
{
	bool non_block = flags & ALLOC_NON_BLOCK;

	/* It adds to the right of __GFP_HIGH, or was one that victims had in another size. */
	non_block = non_block &&
		    (rules->min_reserve ? flags & ALLOC_MIN_RESERVE : !(flags & ALLOC_OOM));
	a->min = mark;
	a->high_part = flags & ALLOC_MIN_RESERVE ? a->min / 2 : 0;
	a->min -= a->high_part;
	a->non_block_part = non_block ? a->min / 4 : 0;
	a->min -= a->non_block_part;
	a->victim_part = flags & ALLOC_OOM ? a->min / 2 : 0;
	a->min -= a->victim_part;
}

uint32_t watermark_usable_types(const struct watermark_rules *rules, unsigned int alloc_flags)
{
	unsigned int highatomic = rules->min_reserve ? ALLOC_HIGHATOMIC | ALLOC_OOM
						     : ALLOC_NON_BLOCK | ALLOC_OOM;
	uint32_t types = 1U << MIGRATE_UNMOVABLE | 1U << MIGRATE_MOVABLE |
			 1U << MIGRATE_RECLAIMABLE;

	if (rules->harder_any_block && (alloc_flags & (ALLOC_NON_BLOCK | ALLOC_OOM)))
		return (1U << MIGRATE_TYPE_COUNT) - 1;
	if (alloc_flags & ALLOC_CMA)
		types |= 1U << MIGRATE_CMA;
	if (alloc_flags & highatomic)
		types |= 1U << MIGRATE_HIGHATOMIC;
	return types;
}

static bool has_block(const struct watermark_rules *rules, const struct watermark_zone *zone,
		      unsigned int order, unsigned int flags)
{
	uint32_t types = watermark_usable_types(rules, flags);
	uint32_t orders = 0;

	for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
		if (types >> t & 1)
			orders |= zone->nonempty[t];
	return orders >> order;
}

/* Step 3 of kernels up to 4.3.  Here pages of CMA areas count again. */
static bool enough_above(const struct watermark_zone *zone, unsigned int order,
			 struct watermark_answer *a)
{
	int64_t usable = zone->free - a->too_large, min = a->min;

	for (unsigned int o = 0; o < order; o++) {
		usable -= (int64_t)(zone->nr_free[o] << o);
		min /= 2;
		if (usable <= min) {
			a->order = o;
			a->usable_above = usable;
			a->min_above = min;
			return false;
		}
	}
	return true;
}

static enum watermark_refusal full(const struct watermark_rules *rules,
				   const struct watermark_zone *zone, int64_t mark,
				   unsigned int order, unsigned int flags,
				   struct watermark_answer *a)
{
	find_min(rules, mark, flags, a);
	a->limit = a->min + zone->reserve;
	if (a->usable <= a->limit)
		return WATERMARK_TOO_FEW;
	if (!order)
		return WATERMARK_PASSED;
	if (!rules->looks_for_block)
		return enough_above(zone, order, a) ? WATERMARK_PASSED : WATERMARK_TOO_FEW_ABOVE;
	return has_block(rules, zone, order, flags) ? WATERMARK_PASSED : WATERMARK_NO_BLOCK;
}

/* What the fast check, step 1, compares with the whole mark. */
static int64_t fast_usable(const struct watermark_rules *rules, const struct watermark_zone *zone,
			   const struct watermark_answer *a)
{
	int64_t usable = zone->free - a->highatomic - a->cma;

	switch (rules->fast) {
	case WATERMARK_FAST_NONE:
		break;
	case WATERMARK_FAST_CMA:
		return zone->free - a->cma;
	case WATERMARK_FAST_WRAPS:
		/* A negative number was compared with an unsigned one. */
		return usable < 0 ? INT64_MAX : usable;
	case WATERMARK_FAST_ALL:
		return usable < 0 ? 0 : usable;
	}
	return usable;
}

bool watermark_check(const struct watermark_rules *rules, const struct watermark_zone *zone,
		     unsigned int order, unsigned int alloc_flags, struct watermark_answer *ret)
{
	struct watermark_answer a = { .too_large = ((int64_t)1 << order) - 1 };

	if (!watermark_highatomic_right(rules, alloc_flags))
		a.highatomic = zone->highatomic;
	if (!(alloc_flags & ALLOC_CMA))
		a.cma = zone->free_cma;
	a.usable = zone->free - a.too_large - a.highatomic - a.cma;
	a.fast_usable = fast_usable(rules, zone, &a);
	if (!order && rules->fast && a.fast_usable > zone->mark + zone->reserve) {
		a.fast = true;
		a.min = zone->mark;
		a.limit = a.min + zone->reserve;
	} else {
		a.refusal = full(rules, zone, zone->mark, order, alloc_flags, &a);
		if (a.refusal && !order && rules->boost_retest && zone->boost &&
		    (alloc_flags & ALLOC_SKIP_BOOST) &&
		    (alloc_flags & ALLOC_WMARK_MASK) == ALLOC_WMARK_MIN) {
			a.retest = true;
			a.refusal =
				full(rules, zone, zone->mark - zone->boost, order, alloc_flags, &a);
		}
	}
	if (ret)
		*ret = a;
	return a.refusal == WATERMARK_PASSED;
}
