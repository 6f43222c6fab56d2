/* SPDX-License-Identifier: MIT */
/* One zone, all of it free and Movable, in which a test breaks one thing: that is found, where it holds at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/buddy_invariants.h"
#include "engine/testing/one_zone.h"

#define START 0x10000

/* Kernels before and behind the changes that the invariants are about. */
static const uint32_t versions[] = { FACTS_VERSION(5, 10, 0), FACTS_VERSION(6, 1, 0),
				     FACTS_VERSION(6, 10, 0), FACTS_VERSION(6, 12, 107) };
enum { VERSIONS = sizeof(versions) / sizeof(versions[0]), HYGIENIC_FROM = 2 };

struct fixture {
	struct facts facts;
	struct arch_config config;
	struct node node;
	struct buddy b;
	struct page_alloc a;
	struct findings found;
};

static void begin(struct fixture *f, uint32_t version)
{
	memset(f, 0, sizeof(*f));
	one_zone_make(version, START, &f->facts, &f->config, &f->node, &f->b, &f->a);
}

static void end(struct fixture *f)
{
	page_alloc_deinit(&f->a);
	buddy_deinit(&f->b);
}

static void look(struct fixture *f, enum invariant_cost cost)
{
	memset(&f->found, 0, sizeof(f->found));
	buddy_invariants_check(&f->b, cost, &f->found);
}

static void move_block(struct fixture *f, pfn_t pfn, enum migratetype type)
{
	struct buddy_block block;

	assert_true(buddy_find(&f->b, 0, pfn, &block));
	buddy_move(&f->b, 0, &block, type, false);
}

static void test_sound(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < VERSIONS; v++) {
		struct fixture f;

		begin(&f, versions[v]);
		look(&f, INVARIANT_COST_DEEP);
		assert_int_equal(f.found.total, 0);
		end(&f);
	}
}

/* Each of the two pageblocks of the block is on the wrong list, or one of them. */
static void test_types(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < VERSIONS; v++) {
		struct fixture f;

		begin(&f, versions[v]);
		move_block(&f, START, MIGRATE_UNMOVABLE);
		look(&f, INVARIANT_COST_DEEP);
		assert_int_equal(f.found.count[INVARIANT_BUDDY_TYPES], v < HYGIENIC_FROM ? 0 : 2);
		assert_int_equal(f.found.total, v < HYGIENIC_FROM ? 0 : 2);
		buddy_set_block_type(&f.b, 0, START + 512, MIGRATE_UNMOVABLE);
		look(&f, INVARIANT_COST_DEEP);
		assert_int_equal(f.found.count[INVARIANT_BUDDY_TYPES], v < HYGIENIC_FROM ? 0 : 1);
		if (v >= HYGIENIC_FROM) {
			const struct finding *first = &f.found.first[INVARIANT_BUDDY_TYPES];

			assert_int_equal(first->place, START);
			assert_int_equal(first->nid, 0);
			assert_int_equal(first->zone, ZONE_NORMAL);
		}
		/* It takes a walk along all lists. */
		look(&f, INVARIANT_COST_WALK);
		assert_int_equal(f.found.total, 0);
		/* Where there is too little memory for types, nothing is asked of them. */
		f.b.mobility_off = true;
		look(&f, INVARIANT_COST_DEEP);
		assert_int_equal(f.found.total, 0);
		end(&f);
	}
}

/* A free block that is isolated in part, or all of it. */
static void test_isolated_in_part(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < VERSIONS; v++) {
		for (unsigned int blocks = 1; blocks <= 2; blocks++) {
			struct fixture f;

			begin(&f, versions[v]);
			for (unsigned int i = 0; i < blocks; i++)
				buddy_set_block_type(&f.b, 0, START + 1024 + i * 512ULL,
						     MIGRATE_ISOLATE);
			look(&f, INVARIANT_COST_DEEP);
			assert_int_equal(f.found.count[INVARIANT_BUDDY_APART], blocks == 1);
			if (blocks == 1)
				assert_int_equal(f.found.first[INVARIANT_BUDDY_APART].place,
						 START + 1024);
			end(&f);
		}
	}
}

/* Areas are kept apart from the rest since blocks of different types do not merge. */
static void test_areas(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < VERSIONS; v++) {
		struct fixture f;

		begin(&f, versions[v]);
		buddy_set_block_type(&f.b, 0, START, MIGRATE_CMA);
		look(&f, INVARIANT_COST_DEEP);
		assert_int_equal(f.found.count[INVARIANT_BUDDY_CMA], f.b.merge_needs_fallback);
		assert_int_equal(f.found.count[INVARIANT_BUDDY_APART], f.b.merge_needs_fallback);
		buddy_set_block_type(&f.b, 0, START + 512, MIGRATE_CMA);
		look(&f, INVARIANT_COST_DEEP);
		assert_int_equal(f.found.count[INVARIANT_BUDDY_APART], 0);
		move_block(&f, START, MIGRATE_CMA);
		look(&f, INVARIANT_COST_DEEP);
		assert_int_equal(f.found.total, 0);
		/* The other way round. */
		move_block(&f, START + 2048, MIGRATE_CMA);
		look(&f, INVARIANT_COST_DEEP);
		assert_int_equal(f.found.count[INVARIANT_BUDDY_CMA], f.b.merge_needs_fallback);
		end(&f);
	}
}

/* What is kept for high-order atomic requests never merges with others where lists are kept clean. */
static void test_kept_in_part(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < VERSIONS; v++) {
		struct fixture f;

		begin(&f, versions[v]);
		buddy_set_block_type(&f.b, 0, START + 512, MIGRATE_HIGHATOMIC);
		look(&f, INVARIANT_COST_DEEP);
		assert_int_equal(f.found.count[INVARIANT_BUDDY_APART], v >= HYGIENIC_FROM);
		end(&f);
	}
}

/* Looks outside a zone are counted, and told at any cost; lists that are broken are not walked. */
static void test_strays_and_broken_lists(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, FACTS_VERSION(6, 12, 107));
	f.b.stray_reads = 1;
	f.b.stray_read = 77;
	look(&f, INVARIANT_COST_CONSTANT);
	assert_int_equal(f.found.count[INVARIANT_MERGE_READS], 1);
	assert_int_equal(f.found.first[INVARIANT_MERGE_READS].place, 77);
	assert_int_equal(f.found.total, 1);
	f.b.stray_reads = 0;
	move_block(&f, START, MIGRATE_UNMOVABLE);
	f.b.zones[0].lists[10][MIGRATE_MOVABLE].count++;
	look(&f, INVARIANT_COST_DEEP);
	assert_int_equal(f.found.count[INVARIANT_BUDDY_TYPES], 0);
	assert_int_equal(f.found.total, 1);
	f.b.zones[0].lists[10][MIGRATE_MOVABLE].count--;
	/* Counts of pages that are off leave lists that can be. */
	f.b.zones[0].free_pages[MIGRATE_MOVABLE]++;
	look(&f, INVARIANT_COST_DEEP);
	assert_int_equal(f.found.count[INVARIANT_BUDDY_COUNTS], 1);
	assert_int_equal(f.found.count[INVARIANT_BUDDY_TYPES], 2);
	f.b.zones[0].free_pages[MIGRATE_MOVABLE]--;
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_isolated_in_part),
		cmocka_unit_test(test_areas),
		cmocka_unit_test(test_kept_in_part),
		cmocka_unit_test(test_strays_and_broken_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
