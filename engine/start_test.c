/* SPDX-License-Identifier: MIT */
/* Tests of starts from pictures: what a machine of 64 MiB tells of itself becomes its state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/buddy_view.h"
#include "engine/pageset.h"
#include "engine/start.h"
#include "engine/start_types.h"
#include "engine/testing/one_zone.h"

#define ZONE 0
#define START 0x10000
#define END (START + 0x4000)
#define BLOCKS 32

/* One zone Normal of 64 MiB, all of it free and Movable; one CPU. */
struct fixture {
	struct facts facts;
	struct arch_config config;
	struct node node;
	struct buddy b;
	struct page_alloc a;
	struct start s;
	struct start_zone zone;
	struct start_set set;
};

static struct fixture *begin(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	one_zone_make(FACTS_VERSION(6, 1, 0), START, &f->facts, &f->config, &f->node, &f->b, &f->a);
	f->s.page_count = END;
	f->s.zones = &f->zone;
	f->s.sets = &f->set;
	return f;
}

static void finish(struct fixture *f)
{
	assert_null(buddy_check(&f->b, false));
	page_alloc_deinit(&f->a);
	buddy_deinit(&f->b);
	free(f);
}

static bool is_free(const struct fixture *f, pfn_t pfn)
{
	struct buddy_block block;

	return buddy_find(&f->b, ZONE, pfn, &block);
}

/*
 *	told	[ free 3 pages ] ... [ free 0x400, one block ] ...	else in use
 *
 * Blocks come out as large as they can be; the rest is no part of any list.
 */
static void what_is_told_is_free(void **state)
{
	static const struct start_range ranges[] = { { START + 5, START + 8 },
						     { START + 0x800, START + 0xc00 } };
	struct fixture *f = begin();
	struct start_report report;

	(void)state;
	f->s.free = (struct start_ranges){ ranges, 2 };
	assert_int_equal(start_distance(&f->a, &f->s), 0x4000 - 0x403);
	assert_true(start_apply(&f->a, &f->s, &report));
	assert_int_equal(start_distance(&f->a, &f->s), 0);
	assert_int_equal(buddy_zone_free_pages(&f->b, ZONE), 0x403);
	for (pfn_t pfn = START; pfn < END; pfn++)
		assert_int_equal(is_free(f, pfn),
				 (pfn >= START + 5 && pfn < START + 8) ||
					 (pfn >= START + 0x800 && pfn < START + 0xc00));
	assert_int_equal(buddy_view_nr_free(&f->b, ZONE, 0), 1);
	assert_int_equal(buddy_view_nr_free(&f->b, ZONE, 1), 1);
	assert_int_equal(buddy_view_nr_free(&f->b, ZONE, 10), 1);
	assert_int_equal(report.pages, 0x403);
	assert_int_equal(report.taken, 0x4000 - 0x403);
	assert_int_equal(report.freed, 0);
	finish(f);
}

/* Nothing is known, and then all of it is told: the same lists from nothing. */
static void it_can_begin_with_nothing(void **state)
{
	static const struct start_range ranges[] = { { START + 4, START + 8 } };
	struct fixture *f = begin();
	struct start_report report;

	(void)state;
	pageset_insert(&f->a, ZONE, page_alloc_set(&f->a, ZONE, 0), 0,
		       buddy_take(&f->b, ZONE, 0, MIGRATE_MOVABLE), false);
	start_forget(&f->a);
	assert_int_equal(buddy_zone_free_pages(&f->b, ZONE), 0);
	assert_int_equal(page_alloc_set(&f->a, ZONE, 0)->count, 0);
	page_alloc_mark(&f->a, ZONE, START + 6, 0, MIGRATE_MOVABLE);
	f->s.free = (struct start_ranges){ ranges, 1 };
	assert_true(start_apply(&f->a, &f->s, &report));
	assert_int_equal(buddy_view_nr_free(&f->b, ZONE, 2), 1);
	/* Whoever had one of them has it no more. */
	assert_false(page_alloc_is_held(&f->a, ZONE, START + 6, 0));
	assert_int_equal(report.freed, 4);
	assert_int_equal(report.taken, 0);
	finish(f);
}

/* A page that an event told of meanwhile stays as that left it; so does one on a CPU's list. */
static void what_changed_meanwhile_stays(void **state)
{
	static const struct start_range ranges[] = { { START + 0x400, END } };
	static const struct start_range changed[] = { { START + 1, START + 2 },
						      { START + 0x401, START + 0x402 } };
	struct fixture *f = begin();
	struct start_report report;
	struct buddy_block block;
	struct pageset *set = page_alloc_set(&f->a, ZONE, 0);

	(void)state;
	assert_true(buddy_find(&f->b, ZONE, START + 0x401, &block));
	buddy_carve(&f->b, ZONE, &block, START + 0x401, 0, block.type);
	assert_true(buddy_find(&f->b, ZONE, START + 2, &block));
	buddy_carve(&f->b, ZONE, &block, START + 2, 0, block.type);
	pageset_insert(&f->a, ZONE, set, 1, START + 2, false);
	f->s.free = (struct start_ranges){ ranges, 1 };
	f->s.changed = (struct start_ranges){ changed, 2 };
	assert_int_equal(start_distance(&f->a, &f->s), 0x400 - 2);
	assert_true(start_apply(&f->a, &f->s, &report));
	assert_true(is_free(f, START + 1));
	assert_false(is_free(f, START + 3));
	assert_false(is_free(f, START + 0x401));
	assert_true(is_free(f, START + 0x402));
	assert_true(pageset_holds(&f->a, ZONE, START + 2));
	assert_int_equal(set->count, 1);
	finish(f);
}

/* A page that the machine has free cannot be on a CPU's list. */
static void a_free_page_leaves_its_list(void **state)
{
	static const struct start_range ranges[] = { { START, END } };
	struct fixture *f = begin();
	struct start_report report;
	struct pageset *set = page_alloc_set(&f->a, ZONE, 0);

	(void)state;
	pageset_insert(&f->a, ZONE, set, 1, buddy_take(&f->b, ZONE, 0, MIGRATE_MOVABLE), false);
	f->s.free = (struct start_ranges){ ranges, 1 };
	assert_true(start_apply(&f->a, &f->s, &report));
	assert_int_equal(set->count, 0);
	assert_int_equal(report.freed, 1);
	assert_int_equal(buddy_zone_free_pages(&f->b, ZONE), 0x4000);
	finish(f);
}

/* So it is when the page is not the first of its block there; the rest of that is in use then. */
static void a_free_page_takes_its_block_along(void **state)
{
	static const struct start_range ranges[] = { { START, START + 1 }, { START + 2, END } };
	struct fixture *f = begin();
	struct start_report report;
	struct pageset *set = page_alloc_set(&f->a, ZONE, 0);
	struct buddy_block block;

	(void)state;
	assert_true(buddy_find(&f->b, ZONE, START, &block));
	buddy_carve(&f->b, ZONE, &block, START, 2, block.type);
	pageset_insert(&f->a, ZONE, set, 7, START, false);
	f->s.free = (struct start_ranges){ ranges, 2 };
	assert_true(start_apply(&f->a, &f->s, &report));
	assert_int_equal(set->count, 0);
	assert_int_equal(report.freed, 3);
	assert_true(is_free(f, START) && !is_free(f, START + 1) && is_free(f, START + 2));
	finish(f);
}

/* Page sets get the marks that were told; what they hold is counted, but not known. */
static void page_sets_are_sized(void **state)
{
	struct fixture *f = begin();
	struct start_report report;
	struct pageset *set = page_alloc_set(&f->a, ZONE, 0);

	(void)state;
	f->set = (struct start_set){ .known = true, .count = 77, .batch = 31, .high = 200 };
	assert_true(start_apply(&f->a, &f->s, &report));
	assert_int_equal(set->batch, 31);
	assert_int_equal(set->high, 200);
	assert_int_equal(set->high_min, 200);
	assert_int_equal(set->high_max, 200);
	assert_int_equal(report.unlisted, 0);
	f->s.late = true;
	assert_true(start_apply(&f->a, &f->s, &report));
	assert_int_equal(report.unlisted, 77);
	f->set.high_min = 100;
	f->set.high_max = 300;
	assert_true(start_apply(&f->a, &f->s, &report));
	assert_int_equal(set->high_min, 100);
	assert_int_equal(set->high_max, 300);
	finish(f);
}

/*
 *	freed, one after the other	a b c d a e		d was handed out again, e is free
 *	list				[ a c b x ]		x, which it was filled with, lay there
 */
static void what_was_freed_lies_on_its_list(void **state)
{
	static const struct start_range ranges[] = { { START + 0x40, END } };
	static const struct start_freed freed[] = { { START + 0, 0, 0 },    { START + 2, 0, 0 },
						    { START + 4, 0, 0 },    { START + 6, 0, 0 },
						    { START + 0, 0, 0 },    { START + 0x80, 0, 0 },
						    { START + 0x20, 0, 1 }, { START + 0x30, 0, 4 },
						    { START + 0x11, 0, 0 } };
	static const pfn_t expected[] = { START + 0, START + 4, START + 2, START + 0x3f };
	struct fixture *f = begin();
	struct start_report report;
	struct pageset *set = page_alloc_set(&f->a, ZONE, 0);
	struct buddy_block block;
	uint32_t cursor = BUDDY_LIST_START;
	pfn_t pfn;

	(void)state;
	assert_true(buddy_find(&f->b, ZONE, START + 0x3f, &block));
	buddy_carve(&f->b, ZONE, &block, START + 0x3f, 0, block.type);
	pageset_insert(&f->a, ZONE, set, 1, START + 0x3f, false);
	/* The allocator had put it elsewhere. */
	assert_true(buddy_find(&f->b, ZONE, START + 4, &block));
	buddy_carve(&f->b, ZONE, &block, START + 4, 0, block.type);
	pageset_insert(&f->a, ZONE, set, 0, START + 4, false);
	assert_true(buddy_find(&f->b, ZONE, START + 6, &block));
	buddy_carve(&f->b, ZONE, &block, START + 6, 0, block.type);
	page_alloc_mark(&f->a, ZONE, START + 6, 0, MIGRATE_MOVABLE);
	/* So was what begins before a page that was freed. */
	assert_true(buddy_find(&f->b, ZONE, START + 0x10, &block));
	buddy_carve(&f->b, ZONE, &block, START + 0x10, 1, block.type);
	page_alloc_mark(&f->a, ZONE, START + 0x10, 1, MIGRATE_MOVABLE);
	set->free_factor = 3;
	f->s.free = (struct start_ranges){ ranges, 1 };
	f->s.late = true;
	f->s.freed = freed;
	f->s.freed_count = sizeof(freed) / sizeof(*freed);
	f->set = (struct start_set){ .known = true, .count = 9, .batch = 31, .high = 200 };
	assert_true(start_apply(&f->a, &f->s, &report));
	for (unsigned int i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		assert_true(pageset_next(&f->a, set, 1, &cursor, &pfn));
		assert_int_equal(pfn, expected[i]);
	}
	assert_false(pageset_next(&f->a, set, 1, &cursor, &pfn));
	assert_int_equal(set->lists[0].count, 0);
	assert_int_equal(pageset_head(&f->a, set, 4), START + 0x20);
	/* Order 4 has no list. */
	assert_false(pageset_holds(&f->a, ZONE, START + 0x30));
	assert_int_equal(set->free_factor, 0);
	/* Four pages and a block of two are known by name. */
	assert_int_equal(set->count, 9);
	assert_int_equal(set->unknown, 3);
	assert_int_equal(report.unlisted, 3);
	finish(f);
}

/*
 * While all was told, pages went on to be freed.  What the model drained of these was not drained where the
 * kernel's page set is the larger one, and else was.
 */
static void what_is_freed_meanwhile_is_kept_by_a_larger_set(void **state)
{
	static const struct start_range changed[] = { { START, START + 1 } };
	static const struct start_freed freed[] = { { START, 0, 0 } };
	static const struct start_range ranges[] = { { START, END } };

	(void)state;
	for (uint32_t high = 100; high <= 200; high += 100) {
		struct fixture *f = begin();
		struct start_report report;

		page_alloc_set(&f->a, ZONE, 0)->high = 100;
		f->s.free = (struct start_ranges){ ranges, 1 };
		f->s.changed = (struct start_ranges){ changed, 1 };
		f->s.freed = freed;
		f->s.freed_count = 1;
		f->set = (struct start_set){ .known = true, .batch = 31, .high = high };
		assert_true(start_apply(&f->a, &f->s, &report));
		assert_int_equal(is_free(f, START), high == 100);
		assert_int_equal(pageset_holds(&f->a, ZONE, START), high == 200);
		finish(f);
	}
}

/* How many pages a page set has is told for a moment; what came and went since counts, too. */
static void page_sets_change_meanwhile(void **state)
{
	static const struct start_range ranges[] = { { START, END } };
	static const int32_t net[] = { -7 };
	struct fixture *f = begin();
	struct start_report report;
	struct pageset *set = page_alloc_set(&f->a, ZONE, 0);

	(void)state;
	f->set = (struct start_set){ .known = true, .count = 77, .batch = 31, .high = 200 };
	f->s.free = (struct start_ranges){ ranges, 1 };
	f->s.late = true;
	f->s.net = net;
	assert_true(start_apply(&f->a, &f->s, &report));
	assert_int_equal(set->unknown, 70);
	assert_int_equal(set->count, 70);
	/* They lie below all others: what is drained first is of them. */
	pageset_insert(&f->a, ZONE, set, 1, buddy_take(&f->b, ZONE, 0, MIGRATE_MOVABLE), false);
	pageset_drain(&f->a, ZONE, set, 31, 0);
	assert_int_equal(set->unknown, 39);
	assert_int_equal(set->count, 40);
	assert_int_equal(set->lists[1].count, 1);
	pageset_drain(&f->a, ZONE, set, 40, 0);
	assert_int_equal(set->count, 0);
	assert_int_equal(set->lists[1].count, 0);
	finish(f);
}

/*
 *	pageblock	0: slabs	1: files	2: free	 ... all others
 *
 * One is Reclaimable and one Unmovable; there is a free block of order 9 that is Unmovable.
 */
static void pageblocks_get_types(void **state)
{
	static const struct start_range ranges[] = { { START + 0x400, START + 0x600 },
						     { START + 0x800, END } };
	static const struct start_range slab[] = { { START, START + 0x200 } };
	static const struct start_range lru[] = { { START + 0x200, START + 0x400 },
						  { START + 0x600, START + 0x800 } };
	struct fixture *f = begin();
	struct start_report report;

	(void)state;
	f->s.free = (struct start_ranges){ ranges, 2 };
	f->s.slab = (struct start_ranges){ slab, 1 };
	f->s.lru = (struct start_ranges){ lru, 2 };
	f->s.has_uses = true;
	f->zone.has_blocks = f->zone.has_free = true;
	f->zone.blocks[MIGRATE_UNMOVABLE] = 1;
	f->zone.blocks[MIGRATE_RECLAIMABLE] = 1;
	f->zone.blocks[MIGRATE_MOVABLE] = BLOCKS - 2;
	f->zone.free[9][MIGRATE_UNMOVABLE] = 1;
	f->zone.free[10][MIGRATE_MOVABLE] = (BLOCKS - 4) / 2;
	assert_true(start_apply(&f->a, &f->s, &report));
	assert_int_equal(buddy_block_type(&f->b, ZONE, START), MIGRATE_RECLAIMABLE);
	assert_int_equal(buddy_block_type(&f->b, ZONE, START + 0x200), MIGRATE_MOVABLE);
	assert_int_equal(buddy_block_type(&f->b, ZONE, START + 0x400), MIGRATE_UNMOVABLE);
	assert_int_equal(buddy_block_type(&f->b, ZONE, START + 0x600), MIGRATE_MOVABLE);
	assert_int_equal(buddy_view_free(&f->b, ZONE, 9, MIGRATE_UNMOVABLE), 1);
	assert_int_equal(report.retyped, 2);
	assert_int_equal(report.unexplained, 0);
	assert_null(buddy_check(&f->b, true));
	finish(f);
}

/* A pageblock that is all free goes with what lies in the other half of a larger block. */
static void an_unused_pageblock_follows_its_neighbour(void **state)
{
	struct start_block blocks[] = {
		{ .pfn = 0x000, .unused = true, .hint = MIGRATE_TYPE_COUNT },
		{ .pfn = 0x200, .unused = true, .hint = MIGRATE_TYPE_COUNT },
		{ .pfn = 0x400, .slab = 300, .other = 100, .hint = MIGRATE_TYPE_COUNT },
		{ .pfn = 0x600, .unused = true, .hint = MIGRATE_UNMOVABLE },
	};
	uint64_t wanted[MIGRATE_TYPE_COUNT] = { [MIGRATE_UNMOVABLE] = 2, [MIGRATE_MOVABLE] = 2 };
	uint64_t misfits;

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		blocks[i].type = MIGRATE_MOVABLE;
	assert_int_equal(start_types_suggested(&blocks[2]), MIGRATE_UNMOVABLE);
	assert_true(start_types_assign(blocks, 4, wanted, NULL, &misfits));
	assert_int_equal(blocks[0].type, MIGRATE_MOVABLE);
	assert_int_equal(blocks[1].type, MIGRATE_MOVABLE);
	assert_int_equal(blocks[2].type, MIGRATE_UNMOVABLE);
	assert_int_equal(blocks[3].type, MIGRATE_UNMOVABLE);
	assert_int_equal(misfits, 0);
}

/* The neighbour may lie before it or behind it, in the same block of the largest order. */
static void neighbours_lie_on_both_sides(void **state)
{
	(void)state;
	for (unsigned int used = 4; used < 6; used++) {
		const pfn_t slab_start = START + used * 512ULL + 10, slab_end = slab_start + 90;
		const struct start_range ranges[] = { { START, slab_start }, { slab_end, END } };
		const struct start_range slab[] = { { slab_start, slab_end } };
		struct fixture *f = begin();
		struct start_report report;

		f->s.free = (struct start_ranges){ ranges, 2 };
		f->s.has_uses = true;
		f->s.slab = (struct start_ranges){ slab, 1 };
		f->zone.has_blocks = true;
		f->zone.blocks[MIGRATE_UNMOVABLE] = 2;
		f->zone.blocks[MIGRATE_MOVABLE] = (END - START) / 512 - 2;
		assert_true(start_apply(&f->a, &f->s, &report));
		for (pfn_t pfn = START; pfn < END; pfn += 512)
			assert_int_equal(buddy_block_type(&f->b, ZONE, pfn),
					 (pfn - START) / 1024 == 2 ? MIGRATE_UNMOVABLE
								   : MIGRATE_MOVABLE);
		finish(f);
	}
}

/* Numbers of free blocks decide between pageblocks that are used alike; what does not fit is told. */
static void free_blocks_decide(void **state)
{
	struct start_block blocks[] = {
		{ .pfn = 0x600, .lru = 400, .type = MIGRATE_MOVABLE },
		{ .pfn = 0x000, .lru = 100, .type = MIGRATE_MOVABLE, .free = { [3] = 2 } },
		{ .pfn = 0x200, .lru = 100, .type = MIGRATE_MOVABLE, .free = { [5] = 1 } },
		{ .pfn = 0x400, .type = MIGRATE_CMA, .fixed = true, .free = { [1] = 1 } },
	};
	uint64_t wanted[MIGRATE_TYPE_COUNT] = {
		[MIGRATE_UNMOVABLE] = 1, [MIGRATE_MOVABLE] = 2, [MIGRATE_CMA] = 1
	};
	uint64_t free_blocks[BUDDY_ORDER_COUNT][MIGRATE_TYPE_COUNT] = {
		[3] = { [MIGRATE_MOVABLE] = 2 },
		[5] = { [MIGRATE_UNMOVABLE] = 1 },
		[7] = { [MIGRATE_UNMOVABLE] = 1 },
	};
	uint64_t misfits;

	(void)state;
	assert_true(start_types_assign(
		blocks, 4, wanted, (const uint64_t(*)[MIGRATE_TYPE_COUNT])free_blocks, &misfits));
	assert_int_equal(blocks[0].type, MIGRATE_MOVABLE);
	assert_int_equal(blocks[1].type, MIGRATE_MOVABLE);
	assert_int_equal(blocks[2].type, MIGRATE_UNMOVABLE);
	assert_int_equal(blocks[3].type, MIGRATE_CMA);
	assert_int_equal(misfits, 2); /* the one of order 7, and the one of CMA */
}

/* Of pageblocks that are used alike, those keep their types that were thought to have them. */
static void what_was_thought_stays(void **state)
{
	struct start_block blocks[] = {
		{ .pfn = 0x000, .slab = 100, .type = MIGRATE_MOVABLE },
		{ .pfn = 0x200, .slab = 100, .type = MIGRATE_UNMOVABLE },
		{ .pfn = 0x400, .slab = 100, .type = MIGRATE_MOVABLE },
	};
	uint64_t wanted[MIGRATE_TYPE_COUNT] = { [MIGRATE_UNMOVABLE] = 1, [MIGRATE_MOVABLE] = 2 };
	uint64_t misfits;

	(void)state;
	assert_true(start_types_assign(blocks, 3, wanted, NULL, &misfits));
	assert_int_equal(blocks[0].type, MIGRATE_MOVABLE);
	assert_int_equal(blocks[1].type, MIGRATE_UNMOVABLE);
	assert_int_equal(blocks[2].type, MIGRATE_MOVABLE);
}

/*
 * What was thought agrees with all that is told, and stays, though it looks unlikely, and three exchanges away:
 *
 *	used by		slabs		slabs		files	others		nobody
 *	thought		unmovable	unmovable	movable	movable		reclaimable
 *	likely		reclaimable	unmovable	movable	unmovable	movable
 */
static void what_agrees_stays(void **state)
{
	struct start_block blocks[] = {
		{ .pfn = 0x000, .slab = 100, .type = MIGRATE_UNMOVABLE },
		{ .pfn = 0x200, .slab = 50, .type = MIGRATE_UNMOVABLE },
		{ .pfn = 0x400, .lru = 500, .type = MIGRATE_MOVABLE },
		{ .pfn = 0x600, .other = 400, .type = MIGRATE_MOVABLE },
		{ .pfn = 0x800,
		  .unused = true,
		  .hint = MIGRATE_RECLAIMABLE,
		  .type = MIGRATE_RECLAIMABLE,
		  .free = { [9] = 1 } },
	};
	uint64_t wanted[MIGRATE_TYPE_COUNT] = {
		[MIGRATE_UNMOVABLE] = 2, [MIGRATE_MOVABLE] = 2, [MIGRATE_RECLAIMABLE] = 1
	};
	uint64_t free_blocks[BUDDY_ORDER_COUNT][MIGRATE_TYPE_COUNT] = {
		[9] = { [MIGRATE_RECLAIMABLE] = 1 }
	};
	enum migratetype thought[5];
	uint64_t misfits;

	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		thought[i] = blocks[i].type;
	assert_true(start_types_assign(
		blocks, 5, wanted, (const uint64_t(*)[MIGRATE_TYPE_COUNT])free_blocks, &misfits));
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(blocks[i].type, thought[i]);
	assert_int_equal(misfits, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_told_is_free),
		cmocka_unit_test(it_can_begin_with_nothing),
		cmocka_unit_test(what_changed_meanwhile_stays),
		cmocka_unit_test(a_free_page_leaves_its_list),
		cmocka_unit_test(a_free_page_takes_its_block_along),
		cmocka_unit_test(page_sets_are_sized),
		cmocka_unit_test(what_was_freed_lies_on_its_list),
		cmocka_unit_test(what_is_freed_meanwhile_is_kept_by_a_larger_set),
		cmocka_unit_test(page_sets_change_meanwhile),
		cmocka_unit_test(pageblocks_get_types),
		cmocka_unit_test(an_unused_pageblock_follows_its_neighbour),
		cmocka_unit_test(neighbours_lie_on_both_sides),
		cmocka_unit_test(free_blocks_decide),
		cmocka_unit_test(what_was_thought_stays),
		cmocka_unit_test(what_agrees_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
