/* SPDX-License-Identifier: MIT */
/*
 * Tests of the free lists: pictures first, then random operations against the model of
 * engine/testing/buddy_oracle.h.
 *
 * BUDDY_TEST_RUNS sets how many random machines are tried for each kernel (default 40);
 * BUDDY_TEST_SEED where they begin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/buddy.h"
#include "engine/buddy_view.h"
#include "engine/prng.h"
#include "engine/testing/buddy_oracle.h"

#define NORMAL 0 /* the one zone of the small machine */

struct fixture {
	struct facts facts;
	struct arch_config config;
	struct node nodes[4];
	struct node_range ranges[32];
	uint32_t range_count;
	struct buddy b;
};

static void set_zone(struct fixture *f, int32_t nid, enum zone_type type, pfn_t start, pfn_t end)
{
	struct zone *z = &f->nodes[nid].zones[type];

	z->type = type;
	z->nid = nid;
	z->start_pfn = start;
	z->spanned = z->present = end - start;
}

/* Memory [start, end), all of it zone Normal of node 0; @version's rules; orders 0 to 10. */
static struct fixture *start_at(const char *version, pfn_t start, pfn_t end)
{
	struct fixture *f = calloc(1, sizeof(*f));
	uint32_t v;

	assert_non_null(f);
	assert_true(facts_parse_version(version, &v));
	facts_init(&f->facts, v);
	arch_config_default(ARCH_X86_64, false, &f->config);
	set_zone(f, 0, ZONE_NORMAL, start, end);
	f->ranges[0] = (struct node_range){ .start = start, .end = end };
	f->range_count = 1;
	buddy_init(&f->b, &f->config, &f->facts, f->nodes, 1, f->ranges, 1);
	assert_false(f->b.out_of_memory);
	buddy_set_block_types(&f->b, NORMAL, start, end, MIGRATE_MOVABLE);
	return f;
}

static struct fixture *start(const char *version)
{
	return start_at(version, 0x1000, 0x3000);
}

static void finish(struct fixture *f)
{
	const char *wrong = buddy_check(&f->b, false);

	if (wrong)
		fail_msg("%s", wrong);
	buddy_deinit(&f->b);
	free(f);
}

/* Checks that the list of @type at @order holds exactly the page frames that follow, 0 at the end. */
static void expect_list(const struct fixture *f, uint32_t zone, unsigned int order,
			enum migratetype type, ...)
{
	uint32_t cursor = BUDDY_LIST_START;
	unsigned int want;
	va_list args;
	pfn_t pfn;

	va_start(args, type);
	while ((want = va_arg(args, unsigned int))) {
		assert_true(buddy_list_next(&f->b, zone, order, type, &cursor, &pfn));
		assert_int_equal(pfn, want);
	}
	va_end(args);
	assert_false(buddy_list_next(&f->b, zone, order, type, &cursor, &pfn));
}

/*
 *	before	[----------------- 0x1000, order 10 -----------------]
 *	take 0	[x][1][  2  ][    4    ] ... [       0x1200          ]
 *
 * The lowest page is returned; the upper halves stay, one on each list below.
 */
static void take_splits_and_keeps_upper_halves(void **state)
{
	struct fixture *f = start("6.1");

	(void)state;
	buddy_free(&f->b, NORMAL, 0x1000, 10, BUDDY_PLACE_FRESH);
	assert_int_equal(buddy_take(&f->b, NORMAL, 0, MIGRATE_MOVABLE), 0x1000);
	for (unsigned int order = 0; order < 10; order++)
		expect_list(f, NORMAL, order, MIGRATE_MOVABLE, 0x1000 + (1u << order), 0);
	expect_list(f, NORMAL, 10, MIGRATE_MOVABLE, 0);
	assert_int_equal(buddy_zone_free_pages(&f->b, NORMAL), 1023);
	/* The next page is the one on the lowest list, without a split. */
	assert_int_equal(buddy_take(&f->b, NORMAL, 0, MIGRATE_MOVABLE), 0x1001);
	assert_int_equal(buddy_take(&f->b, NORMAL, 3, MIGRATE_MOVABLE), 0x1008);
	assert_int_equal(buddy_take(&f->b, NORMAL, 10, MIGRATE_MOVABLE), PFN_NONE);
	assert_int_equal(buddy_take(&f->b, NORMAL, 0, MIGRATE_UNMOVABLE), PFN_NONE);
	finish(f);
}

/* The last page that comes back makes the slot whole, and its chunk is given back. */
static void pages_merge_to_the_largest_block(void **state)
{
	struct fixture *f = start("6.1");
	uint64_t empty = buddy_memory_bytes(&f->b);

	(void)state;
	for (pfn_t pfn = 0x1000; pfn < 0x1400; pfn++)
		buddy_free(&f->b, NORMAL, pfn ^ 0x155, 0, BUDDY_PLACE_FREED);
	expect_list(f, NORMAL, 10, MIGRATE_MOVABLE, 0x1000, 0);
	assert_int_equal(f->b.free_chunk_count, f->b.chunk_count);
	/* 8 bytes a page touched, a little more a slot; the first chunks come 4 at a time. */
	assert_true(buddy_memory_bytes(&f->b) - empty <= 4 * 1024 * 8 + 4 * 8);
	buddy_free_range(&f->b, NORMAL, 0x1400, 0x3000, 10, BUDDY_PLACE_FRESH);
	assert_int_equal(f->b.chunk_count, 1);
	finish(f);
}

/* So does the slot itself, with all of its pages at once. */
static void a_largest_block_gives_its_chunk_back(void **state)
{
	static const char *const versions[] = { "6.1", "6.12" };

	(void)state;
	for (unsigned int v = 0; v < 2; v++) {
		struct fixture *f = start(versions[v]);

		buddy_free(&f->b, NORMAL, 0x1000, 10, BUDDY_PLACE_FRESH);
		assert_int_equal(f->b.chunk_count, 0);
		for (unsigned int i = 0; i < 1024; i++)
			buddy_take(&f->b, NORMAL, 0, MIGRATE_MOVABLE);
		assert_int_equal(f->b.chunk_count - f->b.free_chunk_count, 1);
		buddy_free(&f->b, NORMAL, 0x1000, 10, BUDDY_PLACE_FREED);
		assert_int_equal(f->b.chunk_count - f->b.free_chunk_count, 0);
		expect_list(f, NORMAL, 10, MIGRATE_MOVABLE, 0x1000, 0);
		finish(f);
	}
}

/*
 *	freed, as pages that were in use:	0x1001 0x1003 0x1005 0x1007
 *	then 0x1009 as a fresh one
 */
static void freed_pages_go_to_the_head_and_fresh_ones_to_the_tail(void **state)
{
	static const char *const old[] = { "2.6.32", "4.4", "5.4.59" };
	struct fixture *f = start("5.10");

	(void)state;
	for (pfn_t pfn = 0x1001; pfn < 0x1009; pfn += 2)
		buddy_free(&f->b, NORMAL, pfn, 0, BUDDY_PLACE_FREED);
	buddy_free(&f->b, NORMAL, 0x1009, 0, BUDDY_PLACE_FRESH);
	expect_list(f, NORMAL, 0, MIGRATE_MOVABLE, 0x1007, 0x1005, 0x1003, 0x1001, 0x1009, 0);
	finish(f);
	for (unsigned int i = 0; i < 3; i++) {
		f = start(old[i]);
		buddy_free(&f->b, NORMAL, 0x1001, 0, BUDDY_PLACE_FRESH);
		buddy_free(&f->b, NORMAL, 0x1003, 0, BUDDY_PLACE_FRESH);
		expect_list(f, NORMAL, 0, MIGRATE_MOVABLE, 0x1003, 0x1001, 0);
		finish(f);
	}
}

/*
 *	order 1:  [0x1000 ?][0x1002 free]	0x1000 comes: its pair's buddy is free, so it waits at the tail
 *	order 0:  [0x1000][0x1001 in use]
 */
static void a_block_that_will_merge_soon_goes_to_the_tail(void **state)
{
	/* Kernel, does a lower half wait, does an upper half. */
	static const struct {
		const char *version;
		bool lower, upper;
	} rows[] = {
		{ "2.6.32", false, false }, { "2.6.35", true, true }, { "2.6.38", true, false },
		{ "3.5", true, false },	    { "3.10", true, true },   { "4.4", true, true },
		{ "5.10", true, true },	    { "6.12", true, true },   { "7.2", true, true },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = start(rows[i].version);

		buddy_free(&f->b, NORMAL, 0x1002, 1, BUDDY_PLACE_FREED);
		buddy_free(&f->b, NORMAL, 0x1011, 0, BUDDY_PLACE_FREED);
		buddy_free(&f->b, NORMAL, 0x1000, 0, BUDDY_PLACE_FREED);
		if (rows[i].lower)
			expect_list(f, NORMAL, 0, MIGRATE_MOVABLE, 0x1011, 0x1000, 0);
		else
			expect_list(f, NORMAL, 0, MIGRATE_MOVABLE, 0x1000, 0x1011, 0);
		finish(f);

		f = start(rows[i].version);
		buddy_free(&f->b, NORMAL, 0x1002, 1, BUDDY_PLACE_FREED);
		buddy_free(&f->b, NORMAL, 0x1011, 0, BUDDY_PLACE_FREED);
		buddy_free(&f->b, NORMAL, 0x1001, 0, BUDDY_PLACE_FREED);
		if (rows[i].upper)
			expect_list(f, NORMAL, 0, MIGRATE_MOVABLE, 0x1011, 0x1001, 0);
		else
			expect_list(f, NORMAL, 0, MIGRATE_MOVABLE, 0x1001, 0x1011, 0);
		finish(f);
	}
}

/*
 *	order 1:  [0x1002]
 *	order 0:  [0x1000][0x1011]	0x1000 is taken and put back: it is the first again, and does not wait
 */
static void what_was_taken_goes_back_to_where_it_was(void **state)
{
	struct fixture *f = start("6.12");

	(void)state;
	buddy_free(&f->b, NORMAL, 0x1011, 0, BUDDY_PLACE_FREED);
	buddy_free(&f->b, NORMAL, 0x1000, 0, BUDDY_PLACE_FREED);
	buddy_free(&f->b, NORMAL, 0x1002, 1, BUDDY_PLACE_FREED);
	assert_int_equal(buddy_take(&f->b, NORMAL, 0, MIGRATE_MOVABLE), 0x1000);
	buddy_untake(&f->b, NORMAL, 0x1000, 0, MIGRATE_MOVABLE);
	expect_list(f, NORMAL, 0, MIGRATE_MOVABLE, 0x1000, 0x1011, 0);
	/* What is freed goes by the rule again. */
	assert_int_equal(buddy_take(&f->b, NORMAL, 0, MIGRATE_MOVABLE), 0x1000);
	buddy_free_as(&f->b, NORMAL, 0x1000, 0, MIGRATE_MOVABLE);
	expect_list(f, NORMAL, 0, MIGRATE_MOVABLE, 0x1011, 0x1000, 0);
	finish(f);
}

/* Blocks of order 9 never wait: there is nothing above order 10 that they could become part of. */
static void the_second_largest_order_never_waits(void **state)
{
	struct fixture *f = start("6.1");

	(void)state;
	buddy_free(&f->b, NORMAL, 0x1000, 9, BUDDY_PLACE_FREED);
	buddy_free(&f->b, NORMAL, 0x1600, 9, BUDDY_PLACE_FREED);
	buddy_free(&f->b, NORMAL, 0x1800, 9, BUDDY_PLACE_FREED);
	expect_list(f, NORMAL, 9, MIGRATE_MOVABLE, 0x1800, 0x1600, 0x1000, 0);
	/* Order 8 does: 0x1400 with 0x1600 of order 9 free. */
	buddy_free(&f->b, NORMAL, 0x1a00, 8, BUDDY_PLACE_FREED);
	buddy_free(&f->b, NORMAL, 0x1400, 8, BUDDY_PLACE_FREED);
	expect_list(f, NORMAL, 8, MIGRATE_MOVABLE, 0x1a00, 0x1400, 0);
	finish(f);
}

/*
 *	0x1000          0x1234          0x1400
 *	[--- DMA32 -----|---- Normal ---]
 *
 * 0x1230 and 0x1234 are buddies of order 2 in different zones.
 */
static void blocks_of_two_zones_never_merge(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct buddy_block found;

	(void)state;
	assert_non_null(f);
	facts_init(&f->facts, FACTS_VERSION(6, 1, 0));
	arch_config_default(ARCH_X86_64, false, &f->config);
	set_zone(f, 0, ZONE_DMA32, 0x1000, 0x1234);
	set_zone(f, 0, ZONE_NORMAL, 0x1234, 0x1400);
	f->ranges[0] = (struct node_range){ .start = 0x1000, .end = 0x1400 };
	buddy_init(&f->b, &f->config, &f->facts, f->nodes, 1, f->ranges, 1);
	assert_int_equal(f->b.zone_count, 2);
	assert_int_equal(buddy_zone_at(&f->b, 0x1233), 0);
	assert_int_equal(buddy_zone_at(&f->b, 0x1234), 1);
	assert_int_equal(buddy_zone_at(&f->b, 0x1400), BUDDY_ZONE_NONE);
	assert_int_equal(buddy_zone_find(&f->b, 0, ZONE_NORMAL), 1);
	assert_int_equal(buddy_zone_find(&f->b, 1, ZONE_NORMAL), BUDDY_ZONE_NONE);
	buddy_free(&f->b, 0, 0x1230, 2, BUDDY_PLACE_FREED);
	buddy_free(&f->b, 1, 0x1234, 2, BUDDY_PLACE_FREED);
	expect_list(f, 0, 2, MIGRATE_UNMOVABLE, 0x1230, 0);
	expect_list(f, 1, 2, MIGRATE_UNMOVABLE, 0x1234, 0);
	assert_true(buddy_find(&f->b, 0, 0x1233, &found));
	assert_int_equal(found.pfn, 0x1230);
	assert_false(buddy_find(&f->b, 1, 0x1238, &found));

	/* With SPARSEMEM the pageblock where they meet has one type. */
	buddy_set_block_type(&f->b, 0, 0x1200, MIGRATE_MOVABLE);
	assert_int_equal(buddy_block_type(&f->b, 1, 0x1234), MIGRATE_MOVABLE);
	assert_int_equal(buddy_block_type(&f->b, 1, 0x1000), MIGRATE_UNMOVABLE);
	buddy_deinit(&f->b);
	/* With FLATMEM each zone has a bitmap of its own. */
	f->config.section_shift = 0;
	buddy_init(&f->b, &f->config, &f->facts, f->nodes, 1, f->ranges, 1);
	buddy_set_block_type(&f->b, 0, 0x1200, MIGRATE_MOVABLE);
	assert_int_equal(buddy_block_type(&f->b, 1, 0x1234), MIGRATE_UNMOVABLE);
	finish(f);
}

/*
 *	[ 0x1000 CMA ][ 0x1200 Movable ]	pageblocks of order 9 that would make a block of order 10
 */
static void types_without_fallbacks_stay_apart(void **state)
{
	static const struct {
		const char *version;
		enum migratetype type;
		bool merges;
	} rows[] = {
		{ "4.4", MIGRATE_CMA, true },	      { "5.10", MIGRATE_CMA, true },
		{ "6.1", MIGRATE_CMA, false },	      { "7.2", MIGRATE_CMA, false },
		{ "5.10", MIGRATE_HIGHATOMIC, true }, { "6.1", MIGRATE_HIGHATOMIC, false },
		{ "3.10", MIGRATE_ISOLATE, true },    { "4.3", MIGRATE_ISOLATE, true },
		{ "4.4", MIGRATE_ISOLATE, false },    { "6.12", MIGRATE_ISOLATE, false },
		{ "6.1", MIGRATE_UNMOVABLE, true },   { "6.12", MIGRATE_RECLAIMABLE, true },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = start(rows[i].version);

		buddy_set_block_type(&f->b, NORMAL, 0x1000, rows[i].type);
		buddy_free(&f->b, NORMAL, 0x1000, 9, BUDDY_PLACE_FREED);
		buddy_free(&f->b, NORMAL, 0x1200, 9, BUDDY_PLACE_FREED);
		if (rows[i].merges) {
			bool retypes = !strcmp(rows[i].version, "6.12");

			expect_list(f, NORMAL, 10, MIGRATE_MOVABLE, 0x1000, 0);
			assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x1000),
					 retypes ? MIGRATE_MOVABLE : rows[i].type);
		} else {
			expect_list(f, NORMAL, 9, rows[i].type, 0x1000, 0);
			expect_list(f, NORMAL, 9, MIGRATE_MOVABLE, 0x1200, 0);
		}
		assert_null(buddy_check(&f->b, true));
		finish(f);
	}
}

/*
 *	[0x1003, 0x1850) in largest blocks: 0x1003, 4 pages at 0x1004, 8 at 0x1008 ... up to 0x1400, then
 *	0x1400 of order 10, and down again: 0x1800 of order 6, 0x1840 of order 4.
 */
static void a_range_is_cut_by_alignment(void **state)
{
	struct fixture *f = start("6.1");

	(void)state;
	buddy_free_range(&f->b, NORMAL, 0x1003, 0x1850, 10, BUDDY_PLACE_FRESH);
	expect_list(f, NORMAL, 0, MIGRATE_MOVABLE, 0x1003, 0);
	expect_list(f, NORMAL, 1, MIGRATE_MOVABLE, 0);
	expect_list(f, NORMAL, 2, MIGRATE_MOVABLE, 0x1004, 0);
	expect_list(f, NORMAL, 4, MIGRATE_MOVABLE, 0x1010, 0x1840, 0);
	expect_list(f, NORMAL, 6, MIGRATE_MOVABLE, 0x1040, 0x1800, 0);
	expect_list(f, NORMAL, 9, MIGRATE_MOVABLE, 0x1200, 0);
	expect_list(f, NORMAL, 10, MIGRATE_MOVABLE, 0x1400, 0);
	assert_int_equal(buddy_zone_free_pages(&f->b, NORMAL), 0x1850 - 0x1003);
	finish(f);
}

static void a_copy_lives_on_its_own(void **state)
{
	struct fixture *f = start("6.1");
	struct buddy copy = { 0 };
	uint64_t hash;

	(void)state;
	buddy_free_range(&f->b, NORMAL, 0x1003, 0x2850, 10, BUDDY_PLACE_FRESH);
	buddy_take(&f->b, NORMAL, 3, MIGRATE_MOVABLE);
	buddy_add_pending(&f->b, NORMAL, 0x2900, 0x2a00);
	hash = buddy_hash(&f->b);
	buddy_copy(&copy, &f->b);
	assert_int_equal(buddy_hash(&copy), hash);
	/* Two that differ only in the order of a list are not equal. */
	assert_int_equal(buddy_take(&copy, NORMAL, 10, MIGRATE_MOVABLE), 0x1400);
	assert_int_not_equal(buddy_hash(&copy), hash);
	assert_int_equal(buddy_hash(&f->b), hash);
	buddy_free(&copy, NORMAL, 0x1400, 10, BUDDY_PLACE_FRESH);
	assert_int_equal(buddy_zone_free_pages(&copy, NORMAL),
			 buddy_zone_free_pages(&f->b, NORMAL));
	assert_int_not_equal(buddy_hash(&copy), hash);
	assert_null(buddy_check(&copy, true));
	/* And back again, over what was there. */
	buddy_copy(&copy, &f->b);
	assert_int_equal(buddy_hash(&copy), hash);
	while (buddy_take(&copy, NORMAL, 0, MIGRATE_MOVABLE) != PFN_NONE)
		;
	assert_int_equal(buddy_zone_free_pages(&copy, NORMAL), 0);
	assert_null(buddy_check(&copy, true));
	buddy_deinit(&copy);
	assert_int_equal(buddy_hash(&f->b), hash);
	finish(f);
}

/* With grouping off only Unmovable is handed out, but CMA stays CMA. */
static void without_mobility_blocks_become_unmovable(void **state)
{
	struct fixture *f = start("6.1");

	(void)state;
	f->b.mobility_off = true;
	buddy_set_block_type(&f->b, NORMAL, 0x1000, MIGRATE_RECLAIMABLE);
	assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x11ff), MIGRATE_UNMOVABLE);
	assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x1200), MIGRATE_MOVABLE);
	buddy_set_block_type(&f->b, NORMAL, 0x1200, MIGRATE_CMA);
	assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x1200), MIGRATE_CMA);
	finish(f);
}

/* A machine of 16 TiB takes 16 bytes for each 4 MiB, and half a byte for each 2 MiB. */
static void untouched_memory_costs_next_to_nothing(void **state)
{
	struct fixture *f = start_at("6.12", 0x100000, 0x100000 + (1ULL << 32));
	uint64_t bytes = buddy_memory_bytes(&f->b);

	(void)state;
	assert_true(bytes < (1ULL << 22) * 18);
	for (pfn_t pfn = 0x100000; pfn < 0x100000 + (1ULL << 32); pfn += 1024)
		buddy_free(&f->b, NORMAL, pfn, 10, BUDDY_PLACE_FRESH);
	assert_int_equal(buddy_zone_free_pages(&f->b, NORMAL), 1ULL << 32);
	/* Freed a pageblock at a time, but in one chunk after the other. */
	assert_true(buddy_memory_bytes(&f->b) - bytes < 140000);
	buddy_deinit(&f->b);
	free(f);
}

static void a_machine_too_large_is_refused(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	(void)state;
	assert_non_null(f);
	facts_init(&f->facts, FACTS_VERSION(6, 1, 0));
	arch_config_default(ARCH_X86_64, false, &f->config);
	set_zone(f, 0, ZONE_NORMAL, 0, 1ULL << 40);
	f->ranges[0] = (struct node_range){ .start = 0, .end = 1ULL << 40 };
	buddy_init(&f->b, &f->config, &f->facts, f->nodes, 1, f->ranges, 1);
	assert_true(f->b.out_of_memory);
	assert_int_equal(f->b.zone_count, 0);
	buddy_deinit(&f->b);
	/* Small, but at an address no slot number reaches. */
	set_zone(f, 0, ZONE_NORMAL, 1ULL << 43, (1ULL << 43) + 1024);
	f->ranges[0] = (struct node_range){ .start = 1ULL << 43, .end = (1ULL << 43) + 1024 };
	buddy_init(&f->b, &f->config, &f->facts, f->nodes, 1, f->ranges, 1);
	assert_true(f->b.out_of_memory);
	buddy_deinit(&f->b);
	free(f);
}

/* Each way to spoil the lists has its sentence. */
static void the_check_notices_damage(void **state)
{
	struct fixture *f = start("6.1");
	struct buddy spoiled = { 0 };
	struct buddy_zone *z;

	(void)state;
	for (pfn_t pfn = 0x1001; pfn < 0x1010; pfn += 2)
		buddy_free(&f->b, NORMAL, pfn, 0, BUDDY_PLACE_FRESH);
	buddy_free(&f->b, NORMAL, 0x1400, 10, BUDDY_PLACE_FRESH);
	buddy_free(&f->b, NORMAL, 0x1800, 4, BUDDY_PLACE_FRESH);
	assert_null(buddy_check(&f->b, true));

	buddy_copy(&spoiled, &f->b);
	spoiled.zones[0].free_pages[MIGRATE_MOVABLE]++;
	assert_string_equal(buddy_check(&spoiled, true),
			    "the free pages of a zone are not the sum of its lists");
	buddy_copy(&spoiled, &f->b);
	spoiled.zones[0].isolated++;
	assert_string_equal(buddy_check(&spoiled, true),
			    "a zone has another number of isolated pageblocks than it says");
	buddy_copy(&spoiled, &f->b);
	z = &spoiled.zones[0];
	z->lists[0][MIGRATE_MOVABLE].count++;
	assert_string_equal(buddy_check(&spoiled, true), "a list is shorter than its counter says");
	buddy_copy(&spoiled, &f->b);
	spoiled.zones[0].lists[0][MIGRATE_MOVABLE].count--;
	assert_string_equal(buddy_check(&spoiled, true), "a list is longer than its counter says");
	buddy_copy(&spoiled, &f->b);
	z = &spoiled.zones[0];
	z->lists[0][MIGRATE_MOVABLE].tail = z->lists[0][MIGRATE_MOVABLE].head;
	assert_string_equal(buddy_check(&spoiled, true),
			    "the tail of a list is not its last block");
	buddy_copy(&spoiled, &f->b);
	spoiled.zones[0].nonempty[MIGRATE_MOVABLE] ^= 1;
	assert_string_equal(buddy_check(&spoiled, true),
			    "the bitmap of lists with blocks is wrong");
	buddy_copy(&spoiled, &f->b);
	buddy_set_block_type(&spoiled, NORMAL, 0x1400, MIGRATE_RECLAIMABLE);
	buddy_set_block_type(&spoiled, NORMAL, 0x1600, MIGRATE_RECLAIMABLE);
	assert_string_equal(buddy_check(&spoiled, true),
			    "a free block is not on the list of its pageblock's type");
	assert_null(buddy_check(&spoiled, false));
	/* The entry of 0x1001 says order 1; the first link of 0x1003 leads elsewhere. */
	buddy_copy(&spoiled, &f->b);
	spoiled.entries[1] |= 1ULL << 56;
	assert_string_equal(buddy_check(&spoiled, true),
			    "an entry is on the list of another order or type");
	buddy_copy(&spoiled, &f->b);
	spoiled.entries[3] ^= 5ULL << 28;
	assert_string_equal(buddy_check(&spoiled, true), "the links of a list do not agree");
	buddy_copy(&spoiled, &f->b);
	spoiled.entries[0x20] = spoiled.entries[1];
	assert_string_equal(buddy_check(&spoiled, true), "a free block is on no list");
	/* A page that claims to be free inside the block of 16 pages at 0x1800. */
	buddy_copy(&spoiled, &f->b);
	spoiled.entries[1024 + 5] = spoiled.entries[1];
	assert_string_equal(buddy_check(&spoiled, true), "a free block lies inside another");
	buddy_copy(&spoiled, &f->b);
	spoiled.zones[0].start = 0x1002;
	assert_string_equal(buddy_check(&spoiled, true), "a free block begins outside its zone");
	buddy_deinit(&spoiled);
	finish(f);
}

static void two_buddies_left_apart_are_noticed(void **state)
{
	struct fixture *f = start("6.1");

	(void)state;
	/* Isolated while they were freed, not any more. */
	buddy_set_block_type(&f->b, NORMAL, 0x1000, MIGRATE_ISOLATE);
	buddy_free(&f->b, NORMAL, 0x1000, 9, BUDDY_PLACE_FREED);
	buddy_free(&f->b, NORMAL, 0x1200, 9, BUDDY_PLACE_FREED);
	assert_null(buddy_check(&f->b, true));
	buddy_set_block_type(&f->b, NORMAL, 0x1000, MIGRATE_MOVABLE);
	assert_string_equal(buddy_check(&f->b, false), "two free buddies were not merged");
	buddy_set_block_type(&f->b, NORMAL, 0x1000, MIGRATE_ISOLATE);
	finish(f);
}

static void a_dump_shows_every_list(void **state)
{
	struct fixture *f = start("4.1");
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);

	(void)state;
	buddy_free(&f->b, NORMAL, 0x1005, 0, BUDDY_PLACE_FREED);
	buddy_free(&f->b, NORMAL, 0x1001, 0, BUDDY_PLACE_FREED);
	buddy_set_block_type(&f->b, NORMAL, 0x1400, MIGRATE_RESERVE);
	buddy_free(&f->b, NORMAL, 0x1400, 10, BUDDY_PLACE_FREED);
	buddy_dump(&f->b, &sink);
	assert_string_equal(sink_text_string(&text), "Node 0 zone Normal: 1026 pages free\n"
						     "  order 0 Movable: 0x1001 0x1005\n"
						     "  order 10 Reserve: 0x1400\n");
	sink_text_deinit(&text);
	finish(f);
}

/*
 *	zone [1, 0x1000), memory [1, 0x9f) and [0x100, 0x1000): pageblocks are looked at in 1, 0x201 ...
 */
static void the_view_counts_blocks_and_lists(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	uint64_t blocks[MIGRATE_TYPE_COUNT];

	(void)state;
	assert_non_null(f);
	facts_init(&f->facts, FACTS_VERSION(6, 1, 0));
	arch_config_default(ARCH_X86_64, false, &f->config);
	set_zone(f, 0, ZONE_DMA, 1, 0x1000);
	f->ranges[0] = (struct node_range){ .start = 1, .end = 0x9f };
	f->ranges[1] = (struct node_range){ .start = 0x100, .end = 0x1000 };
	buddy_init(&f->b, &f->config, &f->facts, f->nodes, 1, f->ranges, 2);
	buddy_set_block_types(&f->b, 0, 1, 0x1000, MIGRATE_MOVABLE);
	buddy_view_blocks(&f->b, 0, blocks);
	assert_int_equal(blocks[MIGRATE_UNMOVABLE], 1);
	assert_int_equal(blocks[MIGRATE_MOVABLE], 7);
	buddy_free_range(&f->b, 0, 0x10, 0x9f, 10, BUDDY_PLACE_FRESH);
	buddy_free_range(&f->b, 0, 0x200, 0xa10, 10, BUDDY_PLACE_FRESH);
	/* 0x10 + 4, 0x20 + 5, 0x40 + 6, 0x80 + 4, 0x90 + 3, 0x98 + 2, 0x9c + 1, 0x9e */
	assert_int_equal(buddy_view_nr_free(&f->b, 0, 0), 1);
	assert_int_equal(buddy_view_nr_free(&f->b, 0, 4), 3);
	assert_int_equal(buddy_view_free(&f->b, 0, 4, MIGRATE_UNMOVABLE), 2);
	assert_int_equal(buddy_view_free(&f->b, 0, 4, MIGRATE_MOVABLE), 1);
	assert_int_equal(buddy_view_nr_free(&f->b, 0, 10), 1);
	assert_int_equal(buddy_view_zones(&f->b), 1);
	assert_int_equal(buddy_view_type(&f->b, 0), ZONE_DMA);
	assert_int_equal(buddy_view_nid(&f->b, 0), 0);
	assert_int_equal(buddy_view_max_order(&f->b), 10);
	assert_int_equal(buddy_view_pageblock_order(&f->b), 9);
	finish(f);
}

/*
 *	0x8000             0x10000      0x14000            0x18000
 *	[ memory, Movable ][ 64 MiB hole ][ memory, Movable ]
 *
 * The hole is in a section that has memory: a struct page exists for each page of it.  From 5.12 on the
 * kernel looks closer.
 */
static void the_view_counts_holes_like_the_kernel(void **state)
{
	static const struct {
		const char *version;
		unsigned int section_shift;
		uint64_t in_hole; /* pageblocks counted as Unmovable */
	} rows[] = { { "5.10", 27, 32 }, { "6.1", 27, 0 }, { "6.1", 0, 32 }, { "6.12", 27, 0 } };

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = calloc(1, sizeof(*f));
		uint64_t blocks[MIGRATE_TYPE_COUNT];
		uint32_t v;

		assert_non_null(f);
		assert_true(facts_parse_version(rows[i].version, &v));
		facts_init(&f->facts, v);
		arch_config_default(ARCH_X86_64, false, &f->config);
		f->config.section_shift = rows[i].section_shift;
		set_zone(f, 0, ZONE_NORMAL, 0x8000, 0x18000);
		f->ranges[0] = (struct node_range){ .start = 0x8000, .end = 0x10000 };
		f->ranges[1] = (struct node_range){ .start = 0x14000, .end = 0x18000 };
		buddy_init(&f->b, &f->config, &f->facts, f->nodes, 1, f->ranges, 2);
		buddy_set_block_types(&f->b, 0, 0x8000, 0x18000, MIGRATE_MOVABLE);
		buddy_view_blocks(&f->b, 0, blocks);
		assert_int_equal(blocks[MIGRATE_MOVABLE], 96);
		assert_int_equal(blocks[MIGRATE_UNMOVABLE], rows[i].in_hole);
		finish(f);
	}
}

static void migratetypes_are_numbered_as_in_their_kernel(void **state)
{
	static const struct {
		const char *version;
		bool cma;
		const char *names[7];
	} rows[] = {
		{ "2.6.32",
		  false,
		  { "Unmovable", "Reclaimable", "Movable", "Reserve", "Isolate" } },
		{ "4.3",
		  true,
		  { "Unmovable", "Reclaimable", "Movable", "Reserve", "CMA", "Isolate" } },
		{ "4.4",
		  true,
		  { "Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate" } },
		{ "7.2",
		  false,
		  { "Unmovable", "Movable", "Reclaimable", "HighAtomic", "Isolate" } },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arch_config config = { .cma = rows[i].cma };
		struct facts facts;
		unsigned int n = 0;
		uint32_t v;

		assert_true(facts_parse_version(rows[i].version, &v));
		facts_init(&facts, v);
		for (; rows[i].names[n]; n++)
			assert_string_equal(migratetype_name(migratetype_at(n, &config, &facts),
							     &facts),
					    rows[i].names[n]);
		assert_int_equal(migratetype_count(&config), n);
	}
}

/* ---- random machines and operations --------------------------------------------------------------- */

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

/* Cuts the pages into pieces, each a hole or memory of some zone; zones may be interleaved by node. */
static uint32_t random_machine(struct fixture *f, struct prng *prng, uint8_t page_zone[])
{
	static const unsigned int max_orders[] = { 3, 4, 5 };
	uint8_t key[BUDDY_ORACLE_PAGES];
	uint32_t nodes = 1 + (uint32_t)prng_below(prng, 3), zones = 0;
	pfn_t limit = prng_below(prng, BUDDY_ORACLE_PAGES);
	bool sparse = prng_chance(prng, 1, 2);

	arch_config_default(ARCH_X86_64, false, &f->config);
	f->config.max_order = max_orders[prng_below(prng, 3)];
	f->config.pageblock_order = (unsigned int)prng_between(prng, 1, f->config.max_order);
	f->config.section_shift = sparse ? 12 + 6 : 0;
	memset(f->nodes, 0, sizeof(f->nodes));
	memset(key, UINT8_MAX, sizeof(key));
	f->range_count = 0;
	for (pfn_t pfn = prng_below(prng, 100); pfn < BUDDY_ORACLE_PAGES && f->range_count < 30;) {
		pfn_t end = min_u64(pfn + prng_between(prng, 1, 200), BUDDY_ORACLE_PAGES);
		uint32_t nid = (uint32_t)prng_below(prng, nodes);

		if (prng_chance(prng, 1, 2))
			end = min_u64(round_up_to(end, 1u << f->config.max_order),
				      BUDDY_ORACLE_PAGES);
		if (prng_chance(prng, 4, 5)) {
			f->ranges[f->range_count++] = (struct node_range){ .start = pfn,
									   .end = end,
									   .nid = (int32_t)nid };
			for (pfn_t p = pfn; p < end; p++)
				key[p] = (uint8_t)(nid * 2 + (p >= limit));
		}
		pfn = end;
	}
	memset(page_zone, UINT8_MAX, BUDDY_ORACLE_PAGES);
	for (unsigned int k = 0; k < nodes * 2; k++) {
		pfn_t first = PFN_NONE, last = 0;

		for (pfn_t p = 0; p < BUDDY_ORACLE_PAGES; p++) {
			if (key[p] != k)
				continue;
			if (first == PFN_NONE)
				first = p;
			last = p + 1;
			page_zone[p] = (uint8_t)zones;
		}
		if (first == PFN_NONE)
			continue;
		set_zone(f, k / 2, k % 2 ? ZONE_NORMAL : ZONE_DMA32, first, last);
		zones++;
	}
	return zones;
}

static bool all_in_use(const struct buddy_oracle *o, uint32_t zone, pfn_t pfn, unsigned int order)
{
	for (pfn_t p = pfn; p < pfn + (1u << order); p++)
		if (p >= BUDDY_ORACLE_PAGES || o->page_zone[p] != zone || o->page_free[p])
			return false;
	return true;
}

static void random_operation(struct buddy *b, struct buddy_oracle *o, struct prng *prng)
{
	uint32_t zone = (uint32_t)prng_below(prng, o->zone_count);
	unsigned int order = (unsigned int)prng_skewed(prng, o->max_order + 1);
	pfn_t pfn = round_down_to(prng_below(prng, BUDDY_ORACLE_PAGES), 1u << order);
	enum migratetype type = (enum migratetype)prng_below(prng, MIGRATE_TYPE_COUNT);
	enum buddy_place place = prng_chance(prng, 1, 2) ? BUDDY_PLACE_FREED : BUDDY_PLACE_FRESH;
	uint64_t length = prng_below(prng, 100);
	pfn_t end;

	switch (prng_below(prng, 18)) {
	case 0:
		/* Only where nothing is free, so that lists and blocks agree. */
		pfn = round_down_to(pfn, 1u << o->pageblock_order);
		if (o->page_zone[pfn] == UINT8_MAX ||
		    !all_in_use(o, o->page_zone[pfn], pfn, o->pageblock_order))
			return;
		zone = o->page_zone[pfn];
		buddy_set_block_type(b, zone, pfn, type);
		buddy_oracle_set_type(o, zone, pfn, type);
		return;
	case 1:
		if (o->page_zone[pfn] == UINT8_MAX)
			return;
		zone = o->page_zone[pfn];
		assert_int_equal(buddy_move_block(b, zone, pfn, type, place == BUDDY_PLACE_FRESH),
				 buddy_oracle_move_block(o, zone, pfn, type,
							 place == BUDDY_PLACE_FRESH));
		return;
	case 2:
	case 3:
	case 4:
	case 5:
		assert_int_equal(buddy_take(b, zone, order, type),
				 buddy_oracle_take(o, zone, order, type));
		return;
	case 6:
	case 7:
		/* A run of any length at any place, as single pages. */
		zone = o->page_zone[pfn];
		for (end = pfn; zone != UINT8_MAX && end < pfn + length; end++)
			if (!all_in_use(o, zone, end, 0))
				break;
		if (zone != UINT8_MAX)
			buddy_free_pages(b, zone, pfn, end, place);
		for (; pfn < end; pfn++)
			buddy_oracle_free(o, zone, pfn, 0, place);
		return;
	default:
		if (o->page_zone[pfn] == UINT8_MAX || !all_in_use(o, o->page_zone[pfn], pfn, order))
			return;
		zone = o->page_zone[pfn];
		buddy_free(b, zone, pfn, order, place);
		buddy_oracle_free(o, zone, pfn, order, place);
	}
}

/* Pageblocks typed as a range, and one by one, are the same. */
static void check_block_types(struct buddy *b, struct buddy_oracle *o, struct prng *prng)
{
	uint32_t zone = (uint32_t)prng_below(prng, o->zone_count);
	enum migratetype type = (enum migratetype)prng_below(prng, MIGRATE_TYPE_COUNT);
	pfn_t start = prng_below(prng, BUDDY_ORACLE_PAGES);
	pfn_t end = prng_between(prng, start, BUDDY_ORACLE_PAGES);
	uint64_t block = 1ULL << b->pageblock_order;
	struct buddy copy = { 0 };

	buddy_copy(&copy, b);
	assert_false(copy.out_of_memory);
	buddy_set_block_types(b, zone, start, end, type);
	for (pfn_t pfn = round_up_to(start, block); pfn < end; pfn += block)
		buddy_set_block_type(&copy, zone, pfn, type);
	assert_int_equal(buddy_hash(b), buddy_hash(&copy));
	assert_null(buddy_check(b, true));
	assert_null(buddy_check(&copy, true));
	buddy_deinit(&copy);
}

static void random_operations_agree_with_the_model(void **state)
{
	static const char *const versions[] = {
		"2.6.32", "3.0", "4.4", "5.10", "6.1", "6.12", "7.2"
	};
	uint64_t runs = number_from_environment("BUDDY_TEST_RUNS", 40);
	uint64_t seed = number_from_environment("BUDDY_TEST_SEED", 1);
	struct buddy_oracle *o = malloc(sizeof(*o));
	struct fixture *f = calloc(1, sizeof(*f));

	(void)state;
	assert_non_null(o);
	assert_non_null(f);
	for (uint64_t run = 0; run < runs * 7; run++) {
		struct prng prng = prng_init(seed + run);
		const char *version = versions[run % 7], *wrong;
		uint8_t page_zone[BUDDY_ORACLE_PAGES];
		uint32_t v, zones;

		assert_true(facts_parse_version(version, &v));
		facts_init(&f->facts, v);
		zones = random_machine(f, &prng, page_zone);
		buddy_init(&f->b, &f->config, &f->facts, f->nodes, 4, f->ranges, f->range_count);
		assert_false(f->b.out_of_memory);
		assert_int_equal(f->b.zone_count, zones);
		buddy_oracle_init(o, &f->config, &f->facts, page_zone, zones);
		for (unsigned int i = 0; i < 10 && zones; i++)
			check_block_types(&f->b, o, &prng);
		buddy_deinit(&f->b);
		buddy_init(&f->b, &f->config, &f->facts, f->nodes, 4, f->ranges, f->range_count);
		for (unsigned int i = 0; i < 600 && zones; i++) {
			random_operation(&f->b, o, &prng);
			if (i % 20 != 19)
				continue;
			wrong = buddy_oracle_compare(o, &f->b);
			if (wrong)
				fail_msg("seed %llu, %s, operation %u: %s",
					 (unsigned long long)(seed + run), version, i, wrong);
		}
		buddy_deinit(&f->b);
	}
	free(f);
	free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(take_splits_and_keeps_upper_halves),
		cmocka_unit_test(pages_merge_to_the_largest_block),
		cmocka_unit_test(a_largest_block_gives_its_chunk_back),
		cmocka_unit_test(freed_pages_go_to_the_head_and_fresh_ones_to_the_tail),
		cmocka_unit_test(a_block_that_will_merge_soon_goes_to_the_tail),
		cmocka_unit_test(what_was_taken_goes_back_to_where_it_was),
		cmocka_unit_test(the_second_largest_order_never_waits),
		cmocka_unit_test(blocks_of_two_zones_never_merge),
		cmocka_unit_test(types_without_fallbacks_stay_apart),
		cmocka_unit_test(a_range_is_cut_by_alignment),
		cmocka_unit_test(a_copy_lives_on_its_own),
		cmocka_unit_test(without_mobility_blocks_become_unmovable),
		cmocka_unit_test(untouched_memory_costs_next_to_nothing),
		cmocka_unit_test(a_machine_too_large_is_refused),
		cmocka_unit_test(the_check_notices_damage),
		cmocka_unit_test(two_buddies_left_apart_are_noticed),
		cmocka_unit_test(a_dump_shows_every_list),
		cmocka_unit_test(the_view_counts_blocks_and_lists),
		cmocka_unit_test(the_view_counts_holes_like_the_kernel),
		cmocka_unit_test(migratetypes_are_numbered_as_in_their_kernel),
		cmocka_unit_test(random_operations_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
