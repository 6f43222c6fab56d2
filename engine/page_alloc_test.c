/* SPDX-License-Identifier: MIT */
/*
 * Tests of the walk over zones by machines that can be followed by hand: zones that have not enough and grow by
 * their deferred memory.  Random machines are tried in page_alloc_random_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/page_alloc.h"

enum { DMA32 = 0, NORMAL = 1 }; /* zones by number */
#define LOW_START 0x8000
#define LOW_END 0x10000
#define START 0x100000 /* of zone Normal, and of a section of 0x8000 pages */
#define PENDING_START 0x108000
#define END 0x120000
#define SECTION 0x8000

struct fixture {
	struct facts facts;
	struct arch_config config;
	struct node node;
	struct buddy b;
	struct page_alloc a;
};

/*
 *	0x8000       0x10000       0x100000  0x100400    0x108000   0x110000   0x118000   0x120000
 *	[   DMA32    ]             [ Normal  | in use    | pending                        ]
 *	  free			     free
 */
static struct fixture *start(const char *version)
{
	static const struct node_range ranges[] = { { .start = LOW_START, .end = LOW_END },
						    { .start = START, .end = END } };
	static const enum zone_type types[] = { ZONE_DMA32, ZONE_NORMAL };
	struct fixture *f = calloc(1, sizeof(*f));
	struct zonelists lists = { 0 };
	uint8_t distance = 10;
	uint32_t v;

	assert_non_null(f);
	assert_true(facts_parse_version(version, &v));
	facts_init(&f->facts, v);
	arch_config_default(ARCH_X86_64, false, &f->config);
	f->node.possible = f->node.memory = true;
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t pages = ranges[i].end - ranges[i].start;

		f->node.present += pages;
		f->node.zones[types[i]] = (struct zone){ .type = types[i],
							 .start_pfn = ranges[i].start,
							 .spanned = pages,
							 .present = pages,
							 .managed = pages };
	}
	buddy_init(&f->b, &f->config, &f->facts, &f->node, 1, ranges, 2);
	buddy_set_block_types(&f->b, DMA32, LOW_START, LOW_END, MIGRATE_MOVABLE);
	buddy_free_range(&f->b, DMA32, LOW_START, LOW_END, 10, BUDDY_PLACE_FRESH);
	buddy_set_block_types(&f->b, NORMAL, START, PENDING_START, MIGRATE_MOVABLE);
	buddy_free_range(&f->b, NORMAL, START, START + 0x400, 10, BUDDY_PLACE_FRESH);
	buddy_add_pending(&f->b, NORMAL, PENDING_START, END);
	zonelists_build(&lists, &f->node, 1, &distance, NULL, &f->config, &f->facts);
	page_alloc_init(&f->a, &f->b, &f->config, &f->facts, &f->node, 1, &lists, 1);
	zonelists_deinit(&lists);
	assert_false(f->b.out_of_memory || f->a.out_of_memory);
	return f;
}

static void finish(struct fixture *f)
{
	assert_null(buddy_check(&f->b, false));
	page_alloc_deinit(&f->a);
	buddy_deinit(&f->b);
	free(f);
}

static struct alloc_request request(unsigned int order, enum migratetype type)
{
	return (struct alloc_request){
		.order = order, .type = type, .highest = ZONE_NORMAL, .flags = ALLOC_WMARK_LOW
	};
}

/* Serves @req, which has to come from @zone. */
static pfn_t get_from(struct fixture *f, struct alloc_request req, uint32_t zone)
{
	uint32_t from = BUDDY_ZONE_NONE;
	pfn_t pfn = page_alloc_get(&f->a, &req, &from);

	assert_int_not_equal(pfn, PFN_NONE);
	assert_int_equal(from, zone);
	return pfn;
}

static uint64_t free_pages(const struct fixture *f)
{
	return buddy_zone_free_pages(&f->b, NORMAL);
}

static void expect_pending(const struct fixture *f, pfn_t from)
{
	assert_int_equal(f->b.pending_count, from < END);
	if (from < END)
		assert_int_equal(f->b.pending[0].start, from);
}

/*
 * Whatever watermark zone Normal is below: it grows by one section, and what came is not weighed.  Kernels before 4.17
 * go on to the next zone.
 */
static void a_zone_below_its_watermark_grows(void **state)
{
	static const struct {
		const char *version;
		uint64_t low;
		bool grows;
	} rows[] = {
		{ "4.16", 0x400, false }, { "4.17", 0x400, true }, { "6.12", 0x400, true },
		{ "6.12", 0x9000, true }, { "7.2", 0x9000, true },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = start(rows[i].version);
		struct zone *z = &f->node.zones[ZONE_NORMAL];
		struct alloc_request req = request(0, MIGRATE_MOVABLE);

		z->watermark[WMARK_LOW] = z->watermark[WMARK_HIGH] = rows[i].low;
		page_alloc_set_watermarks(&f->a, &f->node);
		get_from(f, req, rows[i].grows ? NORMAL : DMA32);
		assert_int_equal(free_pages(f), 0x400 + (rows[i].grows ? SECTION - 1 : 0));
		expect_pending(f, rows[i].grows ? PENDING_START + SECTION : PENDING_START);
		finish(f);
	}
}

/* The same where the zone is only asked for. */
static void the_zone_that_is_chosen_grows(void **state)
{
	struct fixture *f = start("6.12");
	struct alloc_request req = request(0, MIGRATE_MOVABLE);

	(void)state;
	assert_int_equal(page_alloc_choose_zone(&f->a, &req), NORMAL);
	expect_pending(f, PENDING_START);
	for (enum zone_type t = ZONE_DMA32; t <= ZONE_NORMAL; t++)
		f->node.zones[t].watermark[WMARK_LOW] = f->node.zones[t].watermark[WMARK_HIGH] =
			0x8000;
	page_alloc_set_watermarks(&f->a, &f->node);
	/* Requests that may not use the zone do not make it grow. */
	req.highest = ZONE_DMA32;
	assert_int_equal(page_alloc_choose_zone(&f->a, &req), DMA32);
	expect_pending(f, PENDING_START);
	req.highest = ZONE_NORMAL;
	assert_int_equal(page_alloc_choose_zone(&f->a, &req), NORMAL);
	expect_pending(f, PENDING_START + SECTION);
	finish(f);
}

/* A zone that has enough, but nothing on the lists that the request may use. */
static void a_zone_with_empty_lists_grows(void **state)
{
	struct fixture *f = start("6.12");
	struct alloc_request req = request(10, MIGRATE_MOVABLE);

	(void)state;
	req.flags = ALLOC_NO_WATERMARKS;
	assert_int_equal(get_from(f, req, NORMAL), START);
	expect_pending(f, PENDING_START);
	assert_int_equal(get_from(f, req, NORMAL), PENDING_START);
	expect_pending(f, PENDING_START + SECTION);
	assert_int_equal(free_pages(f), SECTION - 0x400);
	finish(f);
}

/* Half of the last free pageblock is left: it is not mixed while there is memory to come. */
static void a_zone_grows_before_pageblocks_are_mixed(void **state)
{
	struct fixture *f = start("6.12");

	(void)state;
	get_from(f, request(9, MIGRATE_MOVABLE), NORMAL);
	get_from(f, request(8, MIGRATE_MOVABLE), NORMAL);
	assert_int_equal(free_pages(f), 0x100);
	assert_true(f->a.zones[NORMAL].avoids_fragments);
	assert_int_equal(get_from(f, request(0, MIGRATE_UNMOVABLE), NORMAL), PENDING_START);
	expect_pending(f, PENDING_START + SECTION);
	finish(f);
}

/*
 *	0x108000    0x110000
 *	[# # # # # #|###########]	no large block in the first section: the second has to come
 */
static void a_zone_grows_until_a_block_is_large_enough(void **state)
{
	struct fixture *f = start("6.12");
	struct alloc_request req = request(10, MIGRATE_MOVABLE);

	(void)state;
	req.flags = ALLOC_NO_WATERMARKS;
	f->b.pending_count = 0;
	for (pfn_t pfn = START + 0x400; pfn < 0x118000; pfn += 0x400)
		buddy_add_pending(&f->b, NORMAL, pfn, pfn + 0x3ff);
	buddy_add_pending(&f->b, NORMAL, 0x118000, END);
	get_from(f, req, NORMAL);
	assert_int_equal(get_from(f, req, NORMAL), 0x118000);
	assert_int_equal(f->b.pending_count, 0);
	/* When nothing is left, the next zone is looked at. */
	while (buddy_head(&f->b, NORMAL, 10, MIGRATE_MOVABLE) != PFN_NONE)
		get_from(f, req, NORMAL);
	get_from(f, req, DMA32);
	finish(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zone_below_its_watermark_grows),
		cmocka_unit_test(the_zone_that_is_chosen_grows),
		cmocka_unit_test(a_zone_with_empty_lists_grows),
		cmocka_unit_test(a_zone_grows_before_pageblocks_are_mixed),
		cmocka_unit_test(a_zone_grows_until_a_block_is_large_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
