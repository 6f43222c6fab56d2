/* SPDX-License-Identifier: MIT */
/* Tests of what compaction takes when it looks for free pages of a request's order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/compaction.h"
#include "engine/testing/one_zone.h"

#define START 0x10000
#define BLOCK 0x200

/* One zone in which nothing is free but what a test frees. */
struct zone_of_few {
	struct facts facts;
	struct arch_config config;
	struct node node;
	struct buddy b;
	struct page_alloc a;
};

static void begin(struct zone_of_few *f)
{
	memset(f, 0, sizeof(*f));
	one_zone_make(FACTS_VERSION(6, 12, 0), START, &f->facts, &f->config, &f->node, &f->b,
		      &f->a);
	page_alloc_set_pagesets(&f->a, 0, 63, 1000, 1000, 1000);
	while (buddy_take(&f->b, 0, f->b.max_order, MIGRATE_MOVABLE) != PFN_NONE)
		;
}

static void end(struct zone_of_few *f)
{
	page_alloc_deinit(&f->a);
	buddy_deinit(&f->b);
}

static void free_block(struct zone_of_few *f, pfn_t pfn, unsigned int order)
{
	buddy_free(&f->b, 0, pfn, order, BUDDY_PLACE_FREED);
}

static bool is_free(const struct zone_of_few *f, pfn_t pfn)
{
	struct buddy_block block;

	return buddy_find(&f->b, 0, pfn, &block);
}

/*
 *	block 3: 0[2]  8[0]   block 5: 0[3]		the numbers in brackets are orders
 *
 * The largest block of at most the order that is wanted tells the pageblock, all of which is taken.
 */
static void the_largest_that_is_not_too_large(void **state)
{
	static const struct {
		unsigned int order;
		unsigned int block; /* that is taken; 0 = none */
	} rows[] = { { 0, 3 }, { 1, 3 }, { 2, 3 }, { 3, 5 }, { 8, 5 }, { 9, 5 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct zone_of_few f;
		pfn_t taken = START + rows[i].block * BLOCK;

		begin(&f);
		free_block(&f, START + 3 * BLOCK, 2);
		free_block(&f, START + 3 * BLOCK + 8, 0);
		free_block(&f, START + 5 * BLOCK, 3);
		assert_int_equal(compaction_fast_isolate(&f.a, 0, 0, rows[i].order), taken);
		/* They lie in the page set now. */
		assert_int_equal(page_alloc_set(&f.a, 0, 0)->count, rows[i].block == 3 ? 5 : 8);
		assert_int_equal(is_free(&f, START + 3 * BLOCK), rows[i].block != 3);
		assert_int_equal(is_free(&f, START + 3 * BLOCK + 8), rows[i].block != 3);
		assert_int_equal(is_free(&f, START + 5 * BLOCK), rows[i].block != 5);
		end(&f);
	}
}

/*
 *	pageblock [ no zone | zone ...  free: 0x20[2] ]
 *
 * A kernel that begins below its zone looks at pages that no zone has, and takes none of them.
 */
static void it_may_begin_below_the_zone(void **state)
{
	(void)state;
	for (unsigned int in_zone = 0; in_zone < 2; in_zone++) {
		struct zone_of_few f;

		begin(&f);
		free_block(&f, START + 0x20, 2);
		/* Enough to stay. */
		for (unsigned int i = 0; i < 16; i += 4)
			free_block(&f, START + 3 * BLOCK + i, 1);
		f.b.zones[0].start = START + 0x10;
		memset(&f.a.near, 0, sizeof(f.a.near));
		assert_int_equal(page_alloc_zone_of(&f.a, START), BUDDY_ZONE_NONE);
		f.a.rules.compaction_in_zone = in_zone;
		assert_int_equal(compaction_fast_isolate(&f.a, 0, 0, 9),
				 in_zone ? START + 0x10 : START);
		assert_int_equal(page_alloc_set(&f.a, 0, 0)->count, 4);
		assert_false(is_free(&f, START + 0x20));
		end(&f);
	}
}

static void nothing_that_can_be_moved(void **state)
{
	struct zone_of_few f;

	(void)state;
	begin(&f);
	assert_int_equal(compaction_fast_isolate(&f.a, 0, 0, 9), PFN_NONE);
	/* A block too large for the request, one as large as a pageblock, and one of another type. */
	free_block(&f, START + 3 * BLOCK, 4);
	assert_int_equal(compaction_fast_isolate(&f.a, 0, 0, 3), PFN_NONE);
	free_block(&f, START + 3 * BLOCK + 16, 4);
	buddy_take(&f.b, 0, 5, MIGRATE_MOVABLE);
	free_block(&f, START + 6 * BLOCK, 9);
	buddy_set_block_type(&f.b, 0, START + 9 * BLOCK, MIGRATE_UNMOVABLE);
	free_block(&f, START + 9 * BLOCK, 2);
	assert_int_equal(compaction_fast_isolate(&f.a, 0, 0, 10), PFN_NONE);
	assert_int_equal(page_alloc_set(&f.a, 0, 0)->count, 0);
	end(&f);
}

/* Enough has to stay: more than the min watermark and what is taken. */
static void enough_has_to_stay(void **state)
{
	(void)state;
	for (unsigned int mark = 3; mark <= 5; mark++) {
		struct zone_of_few f;
		bool taken = mark + 4 < 8;

		begin(&f);
		f.a.zones[0].watermark[WMARK_MIN] = mark;
		free_block(&f, START + 4 * BLOCK, 2);
		free_block(&f, START + 8 * BLOCK, 0);
		free_block(&f, START + 8 * BLOCK + 2, 0);
		free_block(&f, START + 8 * BLOCK + 4, 1);
		assert_int_equal(compaction_fast_isolate(&f.a, 0, 0, 2), START + 4 * BLOCK);
		assert_int_equal(is_free(&f, START + 4 * BLOCK), !taken);
		assert_int_equal(page_alloc_set(&f.a, 0, 0)->count, taken ? 4 : 0);
		end(&f);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_largest_that_is_not_too_large),
		cmocka_unit_test(it_may_begin_below_the_zone),
		cmocka_unit_test(nothing_that_can_be_moved),
		cmocka_unit_test(enough_has_to_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
