/* SPDX-License-Identifier: MIT */
/* Two allocators over one zone each, which are alike but for what a test changes: that is told, and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/pageset.h"
#include "engine/state_diff.h"
#include "engine/testing/one_zone.h"

#define START 0x10000
#define BLOCKS (ONE_ZONE_PAGES >> 10)
#define TOLD_MAX 32

enum { A, B };

struct side {
	struct facts facts;
	struct arch_config config;
	struct node node;
	struct buddy lists;
	struct page_alloc alloc;
};

struct two {
	struct side sides[STATE_SIDES];
	struct state_difference told[TOLD_MAX];
	unsigned int count;
	struct state_summary sum;
};

static void start(struct two *t)
{
	memset(t, 0, sizeof(*t));
	for (unsigned int s = 0; s < STATE_SIDES; s++) {
		struct side *side = &t->sides[s];

		one_zone_make(FACTS_VERSION(6, 12, 0), START, &side->facts, &side->config,
			      &side->node, &side->lists, &side->alloc);
	}
}

static void end(struct two *t)
{
	for (unsigned int s = 0; s < STATE_SIDES; s++) {
		page_alloc_deinit(&t->sides[s].alloc);
		buddy_deinit(&t->sides[s].lists);
	}
}

static void note(void *ctx, const struct state_difference *d)
{
	struct two *t = ctx;

	assert_true(t->count < TOLD_MAX);
	t->told[t->count++] = *d;
}

/* Asks twice, with and without someone who listens. */
static void look(struct two *t)
{
	struct state_summary silent;

	t->count = 0;
	assert_true(state_diff(&t->sides[A].alloc, &t->sides[B].alloc, note, t, &t->sum));
	assert_true(state_diff(&t->sides[A].alloc, &t->sides[B].alloc, NULL, NULL, &silent));
	assert_memory_equal(&silent, &t->sum, sizeof(silent));
	assert_int_equal(t->count,
			 t->sum.lists + t->sum.block_types + t->sum.counters + t->sum.zones);
}

static struct state_difference *find(struct two *t, enum state_difference_kind kind,
				     unsigned int order, enum migratetype type)
{
	for (unsigned int i = 0; i < t->count; i++)
		if (t->told[i].kind == kind && t->told[i].order == order && t->told[i].type == type)
			return &t->told[i];
	fail_msg("no difference of order %u, type %u is told", order, (unsigned int)type);
	return NULL;
}

static void test_the_same(void **state)
{
	struct two t;

	(void)state;
	start(&t);
	look(&t);
	assert_int_equal(t.count, 0);
	assert_true(state_summary_same(&t.sum));
	assert_int_equal(t.sum.free_alone[A] + t.sum.free_alone[B] + t.sum.elsewhere, 0);
	end(&t);
}

/* Each counter by its name, with the values of both sides in their order. */
static void test_counters(void **state)
{
	static const struct {
		const char *name;
		bool of_set;
	} rows[] = {
		{ "managed", false }, { "min", false },	  { "low", false },
		{ "high", false },    { "promo", false }, { "nr_reserved_highatomic", false },
		{ "count", true },    { "batch", true },  { "high", true },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct two t;

		start(&t);
		for (unsigned int s = 0; s < STATE_SIDES; s++) {
			struct alloc_zone *z = &t.sides[s].alloc.zones[0];
			struct pageset *set = &t.sides[s].alloc.sets[0];

			if (i == 0)
				z->managed = 100 + s;
			else if (i < 5)
				z->watermark[i - 1] = 100 + s;
			else if (i == 5)
				z->reserved_highatomic = 100 + s;
			else
				*(i == 6   ? &set->count
				  : i == 7 ? &set->batch
					   : &set->high) = 100 + s;
		}
		look(&t);
		assert_int_equal(t.count, 1);
		assert_int_equal(t.sum.counters, 1);
		assert_true(state_summary_same(&t.sum));
		assert_int_equal(t.told[0].kind, STATE_DIFF_COUNTER);
		assert_string_equal(t.told[0].counter, rows[i].name);
		assert_int_equal(t.told[0].value[A], 100);
		assert_int_equal(t.told[0].value[B], 101);
		assert_int_equal(t.told[0].cpu, rows[i].of_set ? 0 : UINT32_MAX);
		assert_int_equal(t.told[0].nid, 0);
		assert_int_equal(t.told[0].zone, ZONE_NORMAL);
		end(&t);
	}
}

/* What a boost adds to all marks makes three of them differ, or four where there is one more. */
static void test_boosts_count(void **state)
{
	struct two t;

	(void)state;
	start(&t);
	t.sides[A].alloc.zones[0].boost = 5;
	look(&t);
	assert_int_equal(t.sum.counters, WMARK_COUNT);
	assert_int_equal(t.told[0].value[A], t.told[0].value[B] + 5);
	t.sides[B].alloc.zones[0].watermark[WMARK_LOW] = 5;
	look(&t);
	assert_int_equal(t.sum.counters, WMARK_COUNT - 1);
	end(&t);
}

/*
 *	A	order 10: [ 0 1 2 ... ]
 *	B	order 10: [ 1 2 ... ]	orders 0 to 9: one block each, of what was left of block 0
 */
static void test_free_lists(void **state)
{
	struct two t;
	struct buddy_block block;
	const struct state_difference *d;
	pfn_t pfn;

	(void)state;
	start(&t);
	pfn = buddy_head(&t.sides[B].lists, 0, 10, MIGRATE_MOVABLE);
	assert_true(buddy_find(&t.sides[B].lists, 0, pfn, &block));
	buddy_carve(&t.sides[B].lists, 0, &block, pfn, 0, MIGRATE_MOVABLE);
	look(&t);
	assert_int_equal(t.sum.lists, 11);
	assert_int_equal(t.sum.free_alone[A], 1);
	assert_int_equal(t.sum.free_alone[B], 0);
	assert_int_equal(t.sum.elsewhere, 1023);
	d = find(&t, STATE_DIFF_FREE_LIST, 10, MIGRATE_MOVABLE);
	assert_int_equal(d->value[A], BLOCKS);
	assert_int_equal(d->value[B], BLOCKS - 1);
	assert_int_equal(d->place, 0);
	assert_int_equal(d->pfn[A], pfn);
	assert_int_not_equal(d->pfn[B], pfn);
	for (unsigned int order = 0; order < 10; order++) {
		d = find(&t, STATE_DIFF_FREE_LIST, order, MIGRATE_MOVABLE);
		assert_int_equal(d->value[A], 0);
		assert_int_equal(d->value[B], 1);
		assert_int_equal(d->pfn[A], PFN_NONE);
		assert_int_equal(d->pfn[B], pfn + (1ULL << order));
	}
	/* The count of free pages is a counter. */
	assert_int_equal(t.sum.counters, 1);
	assert_string_equal(t.told[0].counter, "nr_free_pages");
	end(&t);
}

/* The same pages, on another list, or at another place of theirs. */
static void test_pages_elsewhere(void **state)
{
	struct two t;
	struct buddy_block block;
	const struct state_difference *d;
	pfn_t pfn;

	(void)state;
	start(&t);
	pfn = buddy_head(&t.sides[B].lists, 0, 10, MIGRATE_MOVABLE);
	assert_true(buddy_find(&t.sides[B].lists, 0, pfn, &block));
	buddy_move(&t.sides[B].lists, 0, &block, MIGRATE_UNMOVABLE, false);
	look(&t);
	assert_int_equal(t.sum.lists, 2);
	assert_int_equal(t.sum.elsewhere, 1024);
	assert_int_equal(t.sum.free_alone[A] + t.sum.free_alone[B], 0);
	assert_int_equal(find(&t, STATE_DIFF_FREE_LIST, 10, MIGRATE_UNMOVABLE)->value[B], 1);
	assert_true(buddy_find(&t.sides[B].lists, 0, pfn, &block));
	buddy_move(&t.sides[B].lists, 0, &block, MIGRATE_MOVABLE, false);
	look(&t);
	assert_int_equal(t.count, 0);
	assert_true(buddy_find(&t.sides[B].lists, 0, pfn, &block));
	buddy_move(&t.sides[B].lists, 0, &block, MIGRATE_MOVABLE, true);
	look(&t);
	assert_int_equal(t.sum.lists, 1);
	assert_int_equal(t.sum.elsewhere, 0);
	d = find(&t, STATE_DIFF_FREE_LIST, 10, MIGRATE_MOVABLE);
	assert_int_equal(d->value[A], d->value[B]);
	end(&t);
}

static void test_page_sets(void **state)
{
	struct two t;
	struct buddy_block block;
	const struct state_difference *d;
	const pfn_t pfn = START + 2048;

	(void)state;
	start(&t);
	for (unsigned int s = 0; s < STATE_SIDES; s++) {
		struct side *side = &t.sides[s];

		assert_true(buddy_find(&side->lists, 0, pfn, &block));
		buddy_carve(&side->lists, 0, &block, pfn, 2, MIGRATE_MOVABLE);
		pageset_insert(&side->alloc, 0, &side->alloc.sets[0],
			       pageset_list(&side->alloc, 2,
					    s ? MIGRATE_RECLAIMABLE : MIGRATE_MOVABLE),
			       pfn, true);
	}
	look(&t);
	assert_int_equal(t.sum.counters, 0);
	assert_int_equal(t.sum.lists, 2);
	assert_int_equal(t.sum.elsewhere, 4);
	d = find(&t, STATE_DIFF_PCP_LIST, 2, MIGRATE_MOVABLE);
	assert_int_equal(d->cpu, 0);
	assert_int_equal(d->pfn[A], pfn);
	assert_int_equal(d->pfn[B], PFN_NONE);
	d = find(&t, STATE_DIFF_PCP_LIST, 2, MIGRATE_RECLAIMABLE);
	assert_int_equal(d->value[B], 1);
	end(&t);
}

static void test_pageblocks(void **state)
{
	struct two t;
	const pfn_t last = START + ONE_ZONE_PAGES - 512;

	(void)state;
	start(&t);
	buddy_set_block_type(&t.sides[A].lists, 0, START, MIGRATE_UNMOVABLE);
	buddy_set_block_type(&t.sides[B].lists, 0, last, MIGRATE_RECLAIMABLE);
	look(&t);
	assert_int_equal(t.count, 2);
	assert_int_equal(t.sum.block_types, 2);
	assert_false(state_summary_same(&t.sum));
	assert_int_equal(t.told[0].pfn[A], START);
	assert_int_equal(t.told[0].pfn[B], START);
	assert_int_equal(t.told[0].value[A], MIGRATE_UNMOVABLE);
	assert_int_equal(t.told[0].value[B], MIGRATE_MOVABLE);
	assert_int_equal(t.told[1].pfn[A], last);
	assert_int_equal(t.told[1].value[B], MIGRATE_RECLAIMABLE);
	end(&t);
}

/* Zones of other nodes have nothing to do with each other. */
static void test_zones_alone(void **state)
{
	struct two t;

	(void)state;
	start(&t);
	t.sides[B].lists.zones[0].nid = 1;
	look(&t);
	assert_int_equal(t.count, 2);
	assert_int_equal(t.sum.zones, 2);
	assert_int_equal(t.told[0].kind, STATE_DIFF_ZONE);
	assert_int_equal(t.told[0].nid, 0);
	assert_int_equal(t.told[0].value[A], ONE_ZONE_PAGES);
	assert_int_equal(t.told[0].value[B], 0);
	assert_int_equal(t.told[1].nid, 1);
	assert_int_equal(t.told[1].value[A], 0);
	assert_int_equal(t.told[1].value[B], ONE_ZONE_PAGES);
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same),	cmocka_unit_test(test_counters),
		cmocka_unit_test(test_boosts_count),	cmocka_unit_test(test_free_lists),
		cmocka_unit_test(test_pages_elsewhere), cmocka_unit_test(test_page_sets),
		cmocka_unit_test(test_pageblocks),	cmocka_unit_test(test_zones_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
