/* SPDX-License-Identifier: MIT */
/*
 * Tests of the watermark check: random zones and requests of many kernels against a slow model that
 * builds every free block in a list and asks versions, and cases made by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/prng.h"
#include "engine/watermark_check.h"

#define ORDERS 11

struct block {
	unsigned int order;
	enum migratetype type;
};

/* A zone with its free blocks one by one, at most MAX_BLOCKS. */
#define MAX_BLOCKS 48
struct model {
	struct block blocks[MAX_BLOCKS];
	unsigned int count;
	int64_t loose; /* free pages that are on no list: per-cpu drift */
	int64_t reserved; /* pages of whole pageblocks kept for atomic requests */
	int64_t min, low, high, boost, reserve;
};

struct view {
	struct watermark_zone zone;
	uint32_t nonempty[MIGRATE_TYPE_COUNT];
	uint64_t nr_free[ORDERS];
};

static const char *const versions[] = {
	"2.6.32",  "3.10",     "4.3.6",	   "4.4.302", "4.6.7",	  "4.7",    "4.9.337",
	"4.14.1",  "4.15.1",   "4.19.300", "5.4.79",  "5.4.80",	  "5.8.18", "5.9.1",
	"5.10.1",  "5.10.223", "5.14.21",  "5.15.58", "5.15.171", "5.18.1", "5.19",
	"6.1.115", "6.1.176",  "6.3",	   "6.11.1",  "6.12.107", "7.2.13",
};

static struct facts facts_of(const char *version)
{
	struct facts facts;
	uint32_t v;

	assert_true(facts_parse_version(version, &v));
	facts_init(&facts, v);
	return facts;
}

static uint32_t number_of(const char *version)
{
	uint32_t v;

	assert_true(facts_parse_version(version, &v));
	return v;
}

static int64_t pages_of(const struct model *m, int type)
{
	int64_t pages = 0;

	for (unsigned int i = 0; i < m->count; i++)
		if (type < 0 || m->blocks[i].type == (enum migratetype)type)
			pages += (int64_t)1 << m->blocks[i].order;
	return pages;
}

static int64_t free_of(const struct model *m)
{
	return pages_of(m, -1) + m->loose;
}

static int64_t mark_of(const struct model *m, unsigned int flags)
{
	int64_t marks[] = { m->min, m->low, m->high, m->high };

	return marks[flags & ALLOC_WMARK_MASK] + m->boost;
}

static bool between(uint32_t v, uint32_t from, uint32_t to)
{
	return v >= from && v < to;
}

#define V FACTS_VERSION

/* The full test of one kernel version, as slowly as it can be said. */
static bool model_full(const struct model *m, uint32_t v, int64_t mark, unsigned int order,
		       unsigned int flags)
{
	bool new_rule = v >= V(6, 3, 0) || between(v, V(6, 1, 116), V(6, 2, 0)) ||
			between(v, V(5, 15, 171), V(5, 16, 0));
	bool high = flags & ALLOC_MIN_RESERVE, hard = flags & ALLOC_NON_BLOCK;
	bool victim = flags & ALLOC_OOM, high_order = flags & ALLOC_HIGHATOMIC;
	bool any_right = new_rule ? high || hard || victim || high_order : hard || victim;
	int64_t free = free_of(m), min = mark, cma = 0, kept = 0;

	if (!(flags & ALLOC_CMA))
		cma = pages_of(m, MIGRATE_CMA);
	if (v >= V(4, 4, 0) && !any_right)
		kept = v >= V(6, 12, 0) ? pages_of(m, MIGRATE_HIGHATOMIC) : m->reserved;
	if (high)
		min -= min / 2;
	if (new_rule && high && hard)
		min -= min / 4;
	if (victim)
		min -= min / 2;
	if (!new_rule && hard && !victim)
		min -= min / 4;

	/* Give the pages out one by one until the zone is at its limit. */
	for (int64_t taken = 0; taken < (int64_t)1 << order; taken++)
		if (free - taken - kept - cma <= min + m->reserve)
			return false;
	if (!order)
		return true;
	if (v < V(4, 4, 0)) {
		int64_t left = free - ((int64_t)1 << order) + 1;

		for (unsigned int o = 0; o < order; o++) {
			for (unsigned int i = 0; i < m->count; i++)
				if (m->blocks[i].order == o)
					left -= (int64_t)1 << o;
			min /= 2;
			if (left <= min)
				return false;
		}
		return true;
	}
	for (unsigned int i = 0; i < m->count; i++) {
		const struct block *b = &m->blocks[i];

		if (b->order < order)
			continue;
		if (v < V(4, 15, 0) && (hard || victim))
			return true;
		if (b->type == MIGRATE_UNMOVABLE || b->type == MIGRATE_MOVABLE ||
		    b->type == MIGRATE_RECLAIMABLE)
			return true;
		if (b->type == MIGRATE_CMA && (flags & ALLOC_CMA))
			return true;
		if (b->type == MIGRATE_HIGHATOMIC && v >= V(4, 15, 0) &&
		    (victim || (new_rule ? high_order : hard)))
			return true;
	}
	return false;
}

static bool model_check(const struct model *m, uint32_t v, unsigned int order, unsigned int flags)
{
	int64_t mark = mark_of(m, flags);
	bool retest = v >= V(5, 9, 0) || between(v, V(5, 4, 80), V(5, 5, 0));
	bool wraps = between(v, V(5, 9, 0), V(5, 10, 135)) ||
		     between(v, V(5, 11, 0), V(5, 15, 59)) || between(v, V(5, 16, 0), V(5, 19, 0));

	/* The one thing that the fast check changes: a negative number that counts as a huge one. */
	if (!order && wraps) {
		bool right = flags & (ALLOC_OOM | ALLOC_NON_BLOCK);
		int64_t usable = free_of(m) - (right ? 0 : m->reserved) -
				 (flags & ALLOC_CMA ? 0 : pages_of(m, MIGRATE_CMA));

		if (usable < 0)
			return true;
	}
	/* And up to 5.8 it did not see what was kept for atomic requests. */
	if (!order && between(v, V(4, 7, 0), V(5, 9, 0)) &&
	    free_of(m) - (flags & ALLOC_CMA ? 0 : pages_of(m, MIGRATE_CMA)) > mark + m->reserve)
		return true;
	if (model_full(m, v, mark, order, flags))
		return true;
	return retest && !order && (flags & ALLOC_SKIP_BOOST) &&
	       (flags & ALLOC_WMARK_MASK) == ALLOC_WMARK_MIN &&
	       model_full(m, v, m->min, order, flags);
}

static struct model random_model(struct prng *p, bool reserve_type)
{
	struct model m = { .count = (unsigned int)prng_below(p, MAX_BLOCKS + 1) };
	unsigned int max_order = 1 + (unsigned int)prng_below(p, ORDERS);
	int64_t free;

	for (unsigned int i = 0; i < m.count; i++) {
		m.blocks[i].order = (unsigned int)prng_below(p, max_order);
		m.blocks[i].type = (enum migratetype)prng_below(p, MIGRATE_TYPE_COUNT);
	}
	m.loose = (int64_t)prng_below(p, 8);
	if (!reserve_type)
		m.reserved = pages_of(&m, MIGRATE_HIGHATOMIC) + (int64_t)prng_below(p, 600);
	/* Watermarks near what is free: that is where answers differ. */
	free = free_of(&m);
	m.min = (int64_t)prng_below(p, (uint64_t)free * 2 + 4);
	m.low = m.min + (int64_t)prng_below(p, 64);
	m.high = m.low + (int64_t)prng_below(p, 64);
	m.reserve = prng_below(p, 3) ? 0 : (int64_t)prng_below(p, (uint64_t)free + 4);
	return m;
}

static void look(const struct model *m, uint32_t v, unsigned int flags, struct view *ret)
{
	*ret = (struct view){ 0 };
	for (unsigned int i = 0; i < m->count; i++) {
		ret->nonempty[m->blocks[i].type] |= 1U << m->blocks[i].order;
		ret->nr_free[m->blocks[i].order]++;
	}
	ret->zone = (struct watermark_zone){
		.free = free_of(m),
		.free_cma = pages_of(m, MIGRATE_CMA),
		.highatomic = v < V(4, 4, 0)	 ? 0
			      : v >= V(6, 12, 0) ? pages_of(m, MIGRATE_HIGHATOMIC)
						 : m->reserved,
		.mark = mark_of(m, flags),
		.boost = m->boost,
		.reserve = m->reserve,
		.nonempty = ret->nonempty,
		.nr_free = ret->nr_free,
	};
}

static unsigned int random_flags(struct prng *p, uint32_t v)
{
	static const unsigned int bits[] = { ALLOC_OOM, ALLOC_NON_BLOCK,  ALLOC_MIN_RESERVE,
					     ALLOC_CMA, ALLOC_HIGHATOMIC, ALLOC_SKIP_BOOST };
	unsigned int flags = (unsigned int)prng_below(p, 3);

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (!prng_below(p, 3))
			flags |= bits[i];
	/* Flags the kernel does not have yet. */
	if (v < V(4, 14, 0))
		flags &= ~(unsigned int)ALLOC_OOM;
	if (v < V(5, 15, 171))
		flags &= ~(unsigned int)ALLOC_HIGHATOMIC;
	return flags;
}

/* The answer's numbers have to say what the answer says. */
static void check_arithmetic(const struct view *view, unsigned int order, bool passed,
			     const struct watermark_answer *a)
{
	assert_int_equal(a->refusal == WATERMARK_PASSED, passed);
	assert_int_equal(a->too_large, ((int64_t)1 << order) - 1);
	assert_int_equal(a->usable, view->zone.free - a->too_large - a->highatomic - a->cma);
	assert_int_equal(a->limit, a->min + view->zone.reserve);
	assert_true(!a->retest || view->zone.boost);
	assert_int_equal(a->min + a->high_part + a->non_block_part + a->victim_part,
			 view->zone.mark - (a->retest ? view->zone.boost : 0));
	switch (a->refusal) {
	case WATERMARK_PASSED:
		assert_true((a->fast ? a->fast_usable : a->usable) > a->limit);
		break;
	case WATERMARK_TOO_FEW:
		assert_true(a->usable <= a->limit);
		break;
	case WATERMARK_NO_BLOCK:
		assert_true(order && a->usable > a->limit);
		break;
	case WATERMARK_TOO_FEW_ABOVE:
		assert_true(a->order < order && a->usable_above <= a->min_above);
		break;
	}
}

static void test_random(void **state)
{
	struct prng p = prng_init(20);
	uint64_t refused = 0, passed = 0;

	(void)state;
	for (unsigned int n = 0; n < 400000; n++) {
		const char *version = versions[n % (sizeof(versions) / sizeof(versions[0]))];
		uint32_t v = number_of(version);
		struct facts facts = facts_of(version);
		struct watermark_rules rules;
		struct model m = random_model(&p, v < V(4, 4, 0));
		unsigned int order = prng_below(&p, 2) ? 0 : (unsigned int)prng_below(&p, ORDERS);
		unsigned int flags = random_flags(&p, v);
		struct watermark_answer a;
		struct view view;
		bool want, got;

		if (v >= V(5, 0, 0) && !prng_below(&p, 3))
			m.boost = (int64_t)prng_below(&p, 300);
		watermark_rules_init(&rules, &facts);
		look(&m, v, flags, &view);
		want = model_check(&m, v, order, flags);
		got = watermark_check(&rules, &view.zone, order, flags, &a);
		if (got != want || watermark_ok(&rules, &view.zone, order, flags) != want)
			fail_msg("%s, request %u (order %u, flags %#x): the model %s", version, n,
				 order, flags, want ? "passes" : "refuses");
		check_arithmetic(&view, order, got, &a);
		*(got ? &passed : &refused) += 1;
	}
	/* Neither answer may be rare, or nothing was tried. */
	assert_true(passed > 100000 && refused > 100000);
}

/* One number with each flag: 1000 pages of mark, and how many must be free for order 0. */
static void test_rights(void **state)
{
	static const struct {
		const char *version;
		unsigned int flags;
		int64_t limit;
	} cases[] = {
		{ "2.6.32", 0, 1000 },
		{ "2.6.32", ALLOC_MIN_RESERVE, 500 },
		{ "2.6.32", ALLOC_NON_BLOCK, 750 },
		{ "2.6.32", ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK, 375 },
		{ "5.10.223", ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK, 375 },
		{ "5.10.223", ALLOC_NON_BLOCK, 750 },
		{ "5.10.223", ALLOC_OOM, 500 },
		{ "5.10.223", ALLOC_OOM | ALLOC_NON_BLOCK, 500 },
		{ "5.10.223", ALLOC_OOM | ALLOC_MIN_RESERVE, 250 },
		{ "6.1.115", ALLOC_NON_BLOCK, 750 },
		{ "6.1.176", ALLOC_NON_BLOCK, 1000 },
		{ "6.12.107", ALLOC_NON_BLOCK, 1000 },
		{ "6.12.107", ALLOC_MIN_RESERVE, 500 },
		{ "6.12.107", ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK, 375 },
		{ "6.12.107", ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK | ALLOC_OOM, 188 },
		{ "7.2.13", ALLOC_OOM, 500 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct facts facts = facts_of(cases[i].version);
		struct watermark_zone zone = { .free = cases[i].limit, .mark = 1000 };
		struct watermark_rules rules;
		struct watermark_answer a;

		watermark_rules_init(&rules, &facts);
		assert_false(watermark_check(&rules, &zone, 0, cases[i].flags, &a));
		assert_int_equal(a.limit, cases[i].limit);
		assert_int_equal(a.refusal, WATERMARK_TOO_FEW);
		zone.free++;
		assert_true(watermark_check(&rules, &zone, 0, cases[i].flags, NULL));
	}
}

/* 5.9 to 5.18 took fewer than no usable pages for very many. */
static void test_negative_wraps(void **state)
{
	struct watermark_zone zone = { .free = 100, .highatomic = 101, .mark = 50 };
	struct watermark_rules rules;
	struct facts facts = facts_of("5.10.134");

	(void)state;
	watermark_rules_init(&rules, &facts);
	assert_true(watermark_ok(&rules, &zone, 0, ALLOC_WMARK_LOW));
	zone.highatomic = 100;
	assert_false(watermark_ok(&rules, &zone, 0, ALLOC_WMARK_LOW));
	zone.highatomic = 101;
	facts = facts_of("5.10.135");
	watermark_rules_init(&rules, &facts);
	assert_false(watermark_ok(&rules, &zone, 0, ALLOC_WMARK_LOW));
}

/* Two free blocks: pages enough, and the larger one of a type that only some may use. */
static void test_block_types(void **state)
{
	static const struct {
		const char *version;
		enum migratetype type;
		unsigned int flags;
		bool ok;
	} cases[] = {
		{ "6.12.107", MIGRATE_MOVABLE, 0, true },
		{ "6.12.107", MIGRATE_CMA, 0, false },
		{ "6.12.107", MIGRATE_CMA, ALLOC_CMA, true },
		{ "6.12.107", MIGRATE_ISOLATE, ALLOC_CMA, false },
		{ "6.12.107", MIGRATE_HIGHATOMIC, 0, false },
		{ "6.12.107", MIGRATE_HIGHATOMIC, ALLOC_NON_BLOCK | ALLOC_MIN_RESERVE, false },
		{ "6.12.107", MIGRATE_HIGHATOMIC, ALLOC_HIGHATOMIC, true },
		{ "6.12.107", MIGRATE_HIGHATOMIC, ALLOC_OOM, true },
		{ "5.10.223", MIGRATE_HIGHATOMIC, ALLOC_NON_BLOCK, true },
		{ "5.10.223", MIGRATE_ISOLATE, ALLOC_NON_BLOCK, false },
		{ "4.4.302", MIGRATE_ISOLATE, ALLOC_NON_BLOCK, true },
		{ "4.4.302", MIGRATE_HIGHATOMIC, ALLOC_MIN_RESERVE, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct facts facts = facts_of(cases[i].version);
		uint32_t nonempty[MIGRATE_TYPE_COUNT] = { 1U << 2, 0 };
		struct watermark_zone zone = { .free = 2000, .mark = 10, .nonempty = nonempty };
		struct watermark_rules rules;
		struct watermark_answer a;

		nonempty[cases[i].type] |= 1U << 5;
		watermark_rules_init(&rules, &facts);
		assert_int_equal(watermark_check(&rules, &zone, 3, cases[i].flags, &a),
				 cases[i].ok);
		if (!cases[i].ok)
			assert_int_equal(a.refusal, WATERMARK_NO_BLOCK);
		assert_int_equal(watermark_usable_types(&rules, cases[i].flags) >> cases[i].type &
					 1,
				 cases[i].ok);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_negative_wraps),
		cmocka_unit_test(test_block_types),
	};

	return cmocka_run_group_tests_name("watermark_check", tests, NULL, NULL);
}
