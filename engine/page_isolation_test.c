/* SPDX-License-Identifier: MIT */
/* Tests of isolated pageblocks, and of contiguous allocations, which need them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/alloc_contig.h"
#include "engine/page_isolation.h"
#include "engine/pageset.h"
#include "engine/testing/made_boot.h"

#define MIB (1ULL << 20)
#define PB 512ULL

/* 256 MiB of which [64M, 96M) is a CMA area; ZONE_DMA32 and its free pages. */
struct fixture {
	struct made_boot boot;
	struct scenario s;
	struct page_alloc *a;
	struct buddy *b;
	uint32_t zone;
	uint64_t free_pages;
};

static void start(struct fixture *f, const char *version)
{
	static const struct scenario_options plain = { .want_lists = true };

	made_boot_init(&f->boot, ARCH_X86_64, version);
	made_boot_memory(&f->boot, MIB, 256 * MIB, -1);
	made_boot_cpus(&f->boot, 1, 0);
	f->boot.in.config.cma = true;
	made_boot_reserve(&f->boot, 64 * MIB, 96 * MIB);
	made_boot_step(&f->boot, STEP_POOL_CMA, 64 * MIB, 32 * MIB);
	quirks_all_right(&f->boot.in.facts);
	scenario_init(&f->s);
	scenario_boot(&f->s, &f->boot.in, &plain);
	f->a = &f->s.alloc;
	f->b = f->s.machine.buddy;
	f->zone = buddy_zone_find(f->b, 0, ZONE_DMA32);
	f->free_pages = page_alloc_zone_free(f->a, f->zone);
}

static void finish(struct fixture *f)
{
	assert_null(buddy_check(f->b, false));
	scenario_deinit(&f->s);
}

static bool isolate(struct fixture *f, pfn_t start, pfn_t end)
{
	return page_isolation_start(f->a, f->zone, &start, &end, false);
}

static void expect_block(const struct fixture *f, pfn_t pfn, unsigned int order,
			 enum migratetype type)
{
	struct buddy_block block;

	assert_true(buddy_find(f->b, f->zone, pfn, &block));
	assert_int_equal(block.pfn, pfn);
	assert_int_equal(block.order, order);
	assert_int_equal(block.type, type);
}

/*
 *	[        order 10, Movable        ]
 *	[ isolated, 9 ][    Movable, 9    ]	5.19 and later
 *	[       order 10, isolated        ]	before
 */
static void half_of_a_free_block(void **unused)
{
	static const char *const versions[] = { "5.10", "6.1", "6.12", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 4; v++) {
		struct fixture f;
		pfn_t pfn;

		start(&f, versions[v]);
		pfn = buddy_head(f.b, f.zone, 10, MIGRATE_MOVABLE);
		assert_true(isolate(&f, pfn + 3, pfn + 4));
		assert_false(isolate(&f, pfn, pfn + 1));
		if (v) {
			expect_block(&f, pfn, 9, MIGRATE_ISOLATE);
			expect_block(&f, pfn + PB, 9, MIGRATE_MOVABLE);
			assert_int_equal(page_alloc_zone_free(f.a, f.zone), f.free_pages - PB);
		} else {
			expect_block(&f, pfn, 10, MIGRATE_ISOLATE);
			assert_int_equal(page_alloc_zone_free(f.a, f.zone), f.free_pages - 2 * PB);
		}
		page_isolation_undo(f.a, f.zone, pfn, pfn + 2 * PB, MIGRATE_MOVABLE);
		expect_block(&f, pfn, 10, MIGRATE_MOVABLE);
		assert_int_equal(page_alloc_zone_free(f.a, f.zone), f.free_pages);
		assert_int_equal(f.b->zones[f.zone].isolated, 0);
		finish(&f);
	}
}

static pfn_t get(struct fixture *f, unsigned int order, enum migratetype type)
{
	struct alloc_request req = { .order = order, .type = type, .highest = ZONE_DMA32 };
	pfn_t pfn = page_alloc_get(f->a, &req, NULL);

	assert_true(pfn != PFN_NONE);
	return pfn;
}

static void what_cannot_be_isolated(void **unused)
{
	struct fixture f;
	pfn_t movable, unmovable, large;

	(void)unused;
	start(&f, "6.12");
	movable = get(&f, 5, MIGRATE_MOVABLE);
	unmovable = get(&f, 5, MIGRATE_UNMOVABLE);
	large = get(&f, 10, MIGRATE_MOVABLE);
	assert_true(isolate(&f, movable, movable + 1));
	assert_false(isolate(&f, unmovable, unmovable + 1));
	/* One end of the range is in the middle of a block in use. */
	assert_false(isolate(&f, large + PB, large + PB + 1));
	assert_false(isolate(&f, large, large + 1));
	buddy_set_block_type(f.b, f.zone, 0xf000, MIGRATE_HIGHATOMIC);
	assert_false(isolate(&f, 0xf000, 0xf001));
	buddy_set_block_type(f.b, f.zone, 0xf000, MIGRATE_MOVABLE);
	/* Beyond the zone. */
	assert_false(isolate(&f, 0xfe00, 0x10001));
	/* What is freed there is on no page set, and not free. */
	f.free_pages = page_alloc_zone_free(f.a, f.zone);
	assert_true(page_alloc_put(f.a, 0, movable, 5));
	assert_int_equal(page_alloc_zone_free(f.a, f.zone), f.free_pages);
	finish(&f);
}

/*
 *	before	[                free                ]
 *	after	[  free  ][ 10 ... 110 taken ][ free ]
 */
static void a_range_is_taken_and_given_back(void **unused)
{
	static const char *const versions[] = { "4.4", "5.10", "6.1", "6.12", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 5; v++) {
		struct buddy_block block;
		struct fixture f;
		pfn_t pfn;

		start(&f, versions[v]);
		pfn = buddy_head(f.b, f.zone, 10, MIGRATE_MOVABLE);
		assert_true(
			alloc_contig_range(f.a, f.zone, 0, pfn + 10, pfn + 110, MIGRATE_MOVABLE));
		assert_int_equal(page_alloc_zone_free(f.a, f.zone), f.free_pages - 100);
		assert_true(buddy_find(f.b, f.zone, pfn + 9, &block));
		assert_false(buddy_find(f.b, f.zone, pfn + 10, &block));
		assert_false(buddy_find(f.b, f.zone, pfn + 109, &block));
		assert_true(buddy_find(f.b, f.zone, pfn + 110, &block));
		assert_int_equal(buddy_block_type(f.b, f.zone, pfn), MIGRATE_MOVABLE);
		/* Each page by itself is in use, as the first of them is freed on its own. */
		for (pfn_t p = pfn + 9; p <= pfn + 110; p++)
			assert_int_equal(page_alloc_is_held(f.a, f.zone, p, 0),
					 p >= pfn + 10 && p < pfn + 110);
		assert_false(
			alloc_contig_range(f.a, f.zone, 0, pfn + 109, pfn + 120, MIGRATE_MOVABLE));
		assert_int_equal(page_alloc_zone_free(f.a, f.zone), f.free_pages - 100);
		assert_int_equal(f.b->zones[f.zone].isolated, 0);
		free_contig_range(f.a, 0, pfn + 10, 100);
		pageset_drain(f.a, f.zone, page_alloc_set(f.a, f.zone, 0), 1000, 0);
		expect_block(&f, pfn, 10, MIGRATE_MOVABLE);
		assert_int_equal(page_alloc_zone_free(f.a, f.zone), f.free_pages);
		finish(&f);
	}
}

/* The first place that is aligned, and in which nothing is in use. */
static void a_place_in_an_area(void **unused)
{
	const struct contig_range area = { 64 * MIB >> 12, 96 * MIB >> 12 };
	struct contig_range used[3];
	struct fixture f;

	(void)unused;
	start(&f, "6.12");
	for (unsigned int i = 0; i < 3; i++) {
		static const unsigned int aligns[] = { 0, 4, 0 };
		static const pfn_t places[] = { 0, 304, 404 };
		pfn_t pfn = cma_alloc(f.a, f.zone, 0, &area, i ? 100 : 300, aligns[i], used, i);

		assert_int_equal(pfn, area.start + places[i]);
		used[i] = (struct contig_range){ pfn, pfn + (i ? 100 : 300) };
	}
	/* A page of the area that was given to a movable request is in the way. */
	assert_true(alloc_contig_range(f.a, f.zone, 0, area.start + 504, area.start + 505,
				       MIGRATE_CMA));
	assert_int_equal(cma_alloc(f.a, f.zone, 0, &area, 8, 3, used, 3), area.start + 512);
	assert_int_equal(cma_alloc(f.a, f.zone, 0, &area, 4, 0, used, 3), area.start + 300);
	assert_true(cma_alloc(f.a, f.zone, 0, &area, 8193, 0, used, 3) == PFN_NONE);
	assert_true(cma_alloc(f.a, f.zone, 0, &area, 8192, 0, used, 3) == PFN_NONE);
	assert_true(cma_alloc(f.a, f.zone, 0, &area, 0, 0, used, 3) == PFN_NONE);
	finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_of_a_free_block),
		cmocka_unit_test(what_cannot_be_isolated),
		cmocka_unit_test(a_range_is_taken_and_given_back),
		cmocka_unit_test(a_place_in_an_area),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
