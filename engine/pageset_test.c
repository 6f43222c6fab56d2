/* SPDX-License-Identifier: MIT */
/*
 * Tests of page sets by numbers that can be followed by hand.  Random machines are tried in
 * page_alloc_random_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/pageset.h"
#include "engine/testing/one_zone.h"

#define ZONE 0
#define START 0x10000
#define HUGE_ORDER 9

/* One zone Normal of 64 MiB, all of it free and Movable; one CPU. */
struct fixture {
	struct facts facts;
	struct arch_config config;
	struct node node;
	struct buddy b;
	struct page_alloc a;
	struct pageset *set;
};

static struct fixture *start(uint32_t version, uint64_t batch, uint64_t high_min, uint64_t high_max)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	one_zone_make(version, START, &f->facts, &f->config, &f->node, &f->b, &f->a);
	page_alloc_set_pagesets(&f->a, ZONE, batch, high_min, high_min, high_max);
	f->set = page_alloc_set(&f->a, ZONE, 0);
	return f;
}

static void finish(struct fixture *f)
{
	assert_null(buddy_check(&f->b, false));
	page_alloc_deinit(&f->a);
	buddy_deinit(&f->b);
	free(f);
}

static pfn_t get(struct fixture *f, unsigned int order)
{
	const struct alloc_request req = { .order = order,
					   .type = MIGRATE_MOVABLE,
					   .highest = ZONE_NORMAL };
	pfn_t pfn = page_alloc_get(&f->a, &req, NULL);

	assert_int_not_equal(pfn, PFN_NONE);
	return pfn;
}

/* Blocks of one refill: order 0 to 3 and huge.  5.10 keeps order 0 only, a whole batch. */
static void a_refill_is_a_batch_of_pages(void **state)
{
	static const struct {
		uint32_t version, batch;
		unsigned int blocks[5];
	} rows[] = {
		{ FACTS_VERSION(5, 10, 0), 31, { 31 } },
		{ FACTS_VERSION(6, 1, 0), 31, { 31, 15, 7, 3, 2 } },
		{ FACTS_VERSION(6, 1, 0), 15, { 15, 7, 3, 2, 2 } },
		{ FACTS_VERSION(6, 1, 0), 63, { 63, 31, 15, 7, 2 } },
		{ FACTS_VERSION(6, 1, 0), 1, { 1, 1, 1, 1, 1 } },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = start(rows[i].version, rows[i].batch, 1000, 1000);

		for (unsigned int n = 0; n < 5 && rows[i].blocks[n]; n++)
			assert_int_equal(pageset_refill_count(&f->a, ZONE, f->set, n < 4 ? n : 9),
					 rows[i].blocks[n]);
		finish(f);
	}
}

/* 6.7 and later: 15, 30, 60 ... until 2^5 batches, while nothing is freed; a free halves the power. */
static void a_tuned_refill_doubles(void **state)
{
	static const unsigned int blocks[] = { 15, 30, 60, 120, 240, 480, 480, 480 };
	struct fixture *f = start(FACTS_VERSION(6, 12, 0), 15, 60, 6000);
	pfn_t pfn;

	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(pageset_refill_count(&f->a, ZONE, f->set, 0), blocks[i]);
	pfn = get(f, 0);
	page_alloc_put(&f->a, 0, pfn, 0);
	assert_int_equal(f->set->alloc_factor, 2);
	finish(f);
}

/*
 *	list:	head [0x10000][0x10001][0x10002][0x10003] tail
 *
 * The page taken from the buddy lists first is handed out first; a page that is freed comes next.
 */
static void the_head_is_handed_out(void **state)
{
	struct fixture *f = start(FACTS_VERSION(6, 1, 0), 4, 100, 100);
	pfn_t first = get(f, 0), second = get(f, 0);

	(void)state;
	assert_int_equal(first, START);
	assert_int_equal(second, START + 1);
	page_alloc_put(&f->a, 0, first, 0);
	assert_int_equal(f->set->count, 3);
	assert_int_equal(get(f, 0), first);
	assert_int_equal(get(f, 0), START + 2);
	assert_int_equal(get(f, 0), START + 3);
	assert_int_equal(f->set->count, 0);
	assert_int_equal(get(f, 0), START + 4);
	finish(f);
}

/*
 * 6.1, batch 4, high 16: the 16th page held drains 4, then 8, then never more than high - batch.  With
 * the 12 that stay, the next drain comes after 4 more frees, the one after 8.
 */
static void drains_double(void **state)
{
	struct fixture *f = start(FACTS_VERSION(6, 1, 176), 4, 16, 16);
	static const uint32_t held[] = { 15, 12, 13, 14, 15, 8, 9 };
	pfn_t pages[64];

	(void)state;
	for (unsigned int i = 0; i < 64; i++)
		pages[i] = get(f, 0);
	assert_int_equal(f->set->count, 0);
	for (unsigned int i = 0; i < 14; i++)
		page_alloc_put(&f->a, 0, pages[i], 0);
	for (unsigned int i = 0; i < 7; i++) {
		page_alloc_put(&f->a, 0, pages[14 + i], 0);
		assert_int_equal(f->set->count, held[i]);
	}
	finish(f);
}

/* Batch 1, high 200: drains of 1, 2, 4 ... stop growing at 2^5 batches where the kernel says so. */
static void drains_stop_doubling(void **state)
{
	static const struct {
		uint32_t version, last;
	} rows[] = { { FACTS_VERSION(6, 1, 0), 128 }, { FACTS_VERSION(6, 1, 176), 32 } };
	pfn_t pages[1000];

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct fixture *f = start(rows[i].version, 1, 200, 200);
		uint32_t drained[8] = { 0 }, drains = 0, held;

		for (unsigned int p = 0; p < 1000; p++)
			pages[p] = get(f, 0);
		f->set->free_factor = 0;
		for (unsigned int p = 0; p < 1000 && drains < 8; p++) {
			held = f->set->count;
			page_alloc_put(&f->a, 0, pages[p], 0);
			if (f->set->count <= held)
				drained[drains++] = held + 1 - f->set->count;
		}
		for (unsigned int d = 0; d < 6; d++)
			assert_int_equal(drained[d], 1u << d);
		assert_int_equal(drained[7], rows[i].last);
		finish(f);
	}
}

/* Up to 5.13 each drain is one batch, from the tail: the pages freed first. */
static void an_old_drain_is_a_batch_from_the_tail(void **state)
{
	struct fixture *f = start(FACTS_VERSION(5, 10, 0), 3, 6, 6);
	pfn_t pages[6];

	(void)state;
	for (unsigned int i = 0; i < 6; i++)
		pages[i] = get(f, 0);
	for (unsigned int i = 0; i < 6; i++)
		page_alloc_put(&f->a, 0, pages[i], 0);
	assert_int_equal(f->set->count, 3);
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(pageset_holds(&f->a, ZONE, pages[i]), i >= 3);
	finish(f);
}

/*
 * Four pages freed in ascending order, the pageblock becoming one of a CMA area in between, and drained:
 *
 *	freed as	[ Movable ][ Movable ][ CMA ][ CMA ]	the four pages behind them are in use
 *
 * They merge, and the whole is of the type of the page that came last.  No page of it is on a list of its
 * own then.
 */
static void a_run_keeps_what_it_was_freed_as(void **state)
{
	struct fixture *f = start(FACTS_VERSION(6, 1, 0), 4, 100, 100);
	struct buddy_block block;
	pfn_t pages[8];

	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		pages[i] = get(f, 0);
	assert_int_equal(pages[7], START + 7);
	for (unsigned int i = 0; i < 4; i++) {
		if (i == 2)
			buddy_set_block_type(&f->b, ZONE, START, MIGRATE_CMA);
		page_alloc_put(&f->a, 0, pages[i], 0);
	}
	pageset_drain(&f->a, ZONE, f->set, 4, 1);
	assert_int_equal(f->set->count, 0);
	assert_true(buddy_find(&f->b, ZONE, START, &block));
	assert_int_equal(block.pfn, START);
	assert_int_equal(block.order, 2);
	assert_int_equal(block.type, MIGRATE_CMA);
	for (unsigned int i = 0; i < 4; i++)
		assert_false(pageset_holds(&f->a, ZONE, pages[i]));
	finish(f);
}

/* An eighth, but not more pages than 2^5 batches at once, and not below the least; the rest is drained. */
static void high_marks_sink(void **state)
{
	static const struct {
		uint32_t version, high, held, then, left;
	} rows[] = {
		{ FACTS_VERSION(6, 12, 0), 800, 100, 700, 100 },
		{ FACTS_VERSION(6, 12, 0), 800, 720, 700, 700 },
		{ FACTS_VERSION(6, 12, 0), 65, 64, 60, 60 },
		{ FACTS_VERSION(6, 12, 0), 60, 64, 60, 60 },
		{ FACTS_VERSION(6, 12, 0), 5000, 4990, 4510, 4510 },
		{ FACTS_VERSION(6, 6, 0), 800, 790, 800, 790 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = start(rows[i].version, 15, 60, 6000);

		f->set->high = rows[i].high;
		assert_int_equal(pageset_refill(&f->a, ZONE, f->set, 1, MIGRATE_MOVABLE, 0,
						rows[i].held),
				 rows[i].held);
		pageset_decay(&f->a, ZONE, f->set);
		assert_int_equal(f->set->high, rows[i].then);
		assert_int_equal(f->set->count, rows[i].left);
		finish(f);
	}
}

/* Blocks of 512 pages at the end of a page set, of which a part of one would do. */
static void parts_end_with_whole_blocks(void **state)
{
	static const struct {
		uint32_t version, left;
	} rows[] = {
		/* 105 pages: 31, 31, 31 and 12, or all at once. */
		{ FACTS_VERSION(6, 12, 66), 4 }, { FACTS_VERSION(6, 12, 67), 1 },
		{ FACTS_VERSION(6, 13, 0), 4 },	 { FACTS_VERSION(6, 18, 7), 1 },
		{ FACTS_VERSION(6, 19, 0), 1 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = start(rows[i].version, 31, 100, 100000);
		unsigned int huge = pageset_list(&f->a, HUGE_ORDER, MIGRATE_MOVABLE);

		assert_int_equal(pageset_refill(&f->a, ZONE, f->set, huge, MIGRATE_MOVABLE, 0, 5),
				 5);
		f->set->high = 2560;
		f->set->high_min = 2560 - 105;
		pageset_decay(&f->a, ZONE, f->set);
		assert_int_equal(f->set->high, 2560 - 105);
		assert_int_equal(f->set->count, rows[i].left << HUGE_ORDER);
		finish(f);
	}
}

/* So do the drains of frees, but not in all kernels. */
static void drains_of_frees_end_with_whole_blocks(void **state)
{
	static const struct {
		uint32_t version, left;
	} rows[] = {
		/* 617 pages with the one that is thought to have been freed. */
		{ FACTS_VERSION(6, 18, 7), 3 },
		{ FACTS_VERSION(6, 19, 0), 0 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = start(rows[i].version, 31, 1000, 1000);
		unsigned int huge = pageset_list(&f->a, HUGE_ORDER, MIGRATE_MOVABLE);

		assert_int_equal(pageset_refill(&f->a, ZONE, f->set, huge, MIGRATE_MOVABLE, 0, 5),
				 5);
		f->set->free_count = 105;
		pageset_drain_freed(&f->a, ZONE, f->set, huge);
		assert_int_equal(f->set->count, rows[i].left << HUGE_ORDER);
		finish(f);
	}
}

/* Counted at once as one by one. */
static void a_cpu_keeps_what_it_counts_to_itself(void **state)
{
	static const int32_t sizes[] = { 1, 2, 8, 512 };

	(void)state;
	for (int32_t threshold = 0; threshold < 14; threshold++)
		for (int32_t had = -threshold; had <= threshold; had++)
			for (unsigned int i = 0; i < 2 * sizeof(sizes) / sizeof(*sizes); i++) {
				int32_t pages = i % 2 ? sizes[i / 2] : -sizes[i / 2], x = had;

				for (uint32_t count = 0; count < 70; count++) {
					int32_t diff = had;

					pageset_count(&diff, pages, count, threshold);
					assert_int_equal(diff, x);
					x += pages;
					x = x > threshold || x < -threshold ? 0 : x;
				}
			}
}

/* So does what page sets do not hold. */
static void blocks_past_the_sets_are_counted(void **state)
{
	enum { ORDER = 5, HAD = 3 };
	struct fixture *f = start(FACTS_VERSION(6, 12, 0), 31, 1000, 1000);
	pfn_t pfn;

	(void)state;
	f->a.rules.cma = true;
	f->a.zones[ZONE].stat_threshold = 100;
	f->set->diff.free = HAD;
	pfn = get(f, ORDER);
	assert_int_equal(f->set->diff.free, HAD - (1 << ORDER));
	assert_true(page_alloc_put(&f->a, 0, pfn, ORDER));
	assert_int_equal(f->set->diff.free, HAD);
	f->a.zones[ZONE].stat_threshold = 6;
	get(f, ORDER);
	assert_int_equal(f->set->diff.free, 0);
	/* But for what is isolated. */
	pageset_count_free(&f->a, ZONE, &f->set->diff, 1, 1, MIGRATE_ISOLATE);
	assert_int_equal(f->set->diff.free, 0);
	finish(f);
}

/* @pages pages from @from on, which are free blocks of the largest order, become @type. */
static void set_type(struct fixture *f, pfn_t from, pfn_t pages, enum migratetype type)
{
	for (pfn_t pfn = from; pfn < from + pages; pfn += 1U << f->b.pageblock_order) {
		buddy_set_block_type(&f->b, ZONE, pfn, type);
		buddy_move_block(&f->b, ZONE, pfn, type, true);
	}
}

/* Half of the zone becomes a CMA area. */
static void set_half_cma(struct fixture *f)
{
	f->a.rules.cma = true;
	set_type(f, START, 0x2000, MIGRATE_CMA);
}

/* What a fill gives back is not counted, as if it had never come. */
static void what_is_given_back_is_not_counted(void **state)
{
	enum { BATCH = 31, SEEN = 7, GIVEN = 10 };
	static const uint32_t versions[] = { FACTS_VERSION(6, 12, 0), FACTS_VERSION(6, 1, 0) };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct fixture *f = start(versions[i], BATCH, 1000, 1000);
		unsigned int index = pageset_list(&f->a, 0, MIGRATE_MOVABLE);
		struct pageset before;

		set_half_cma(f);
		f->a.zones[ZONE].stat_threshold = SEEN - 1;
		for (unsigned int n = 0; n < 20; n++)
			pageset_refill(&f->a, ZONE, f->set, index, MIGRATE_MOVABLE, ALLOC_CMA,
				       BATCH);
		before = *f->set;
		pageset_refill(&f->a, ZONE, f->set, index, MIGRATE_MOVABLE, ALLOC_CMA, GIVEN);
		pageset_unrefill(&f->a, ZONE, f->set, index, GIVEN - SEEN);
		pageset_unrefill(&f->a, ZONE, f->set, index, SEEN);
		assert_int_equal(f->set->diff.free, before.diff.free);
		assert_int_equal(f->set->diff.cma, before.diff.cma);
		/* What others counted since stays. */
		pageset_refill(&f->a, ZONE, f->set, index, MIGRATE_MOVABLE, ALLOC_CMA, GIVEN);
		f->set->diff.free++;
		before = *f->set;
		pageset_unrefill(&f->a, ZONE, f->set, index, GIVEN);
		assert_int_equal(f->set->diff.free, before.diff.free);
		finish(f);
	}
}

/*
 * Half of the zone is a CMA area.  What the CPU counts is seen when it is more than 6 pages:
 *
 *	6.12	7 of CMA, 7 others, 7 of CMA ...
 *	5.10	of a refill some times 7 of CMA, which are counted at once; the rest are others
 */
static void cma_takes_turns_by_what_is_seen(void **state)
{
	enum { SEEN = 7, BATCH = 31, FILLS = 40 };
	static const uint32_t versions[] = { FACTS_VERSION(6, 12, 0), FACTS_VERSION(5, 10, 0) };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct fixture *f = start(versions[i], BATCH, 1000, 1000);
		unsigned int run = 0, runs = 0;
		bool last = false;

		set_half_cma(f);
		f->a.zones[ZONE].stat_threshold = SEEN - 1;
		for (unsigned int fill = 0; fill < FILLS; fill++) {
			unsigned int cma = 0, index = pageset_list(&f->a, 0, MIGRATE_MOVABLE);

			assert_int_equal(pageset_refill(&f->a, ZONE, f->set, index, MIGRATE_MOVABLE,
							ALLOC_CMA, BATCH),
					 BATCH);
			for (unsigned int n = 0; n < BATCH; n++) {
				pfn_t pfn = pageset_pop(&f->a, f->set, index);
				bool is_cma = buddy_block_type(&f->b, ZONE, pfn) == MIGRATE_CMA;

				cma += is_cma;
				if (is_cma == last) {
					run++;
					continue;
				}
				if (!i && ++runs > 2)
					assert_int_equal(run, SEEN);
				/* No other page comes before one of CMA. */
				assert_true(!i || !is_cma || !n);
				last = is_cma;
				run = 1;
			}
			if (i)
				assert_int_equal(cma % SEEN, 0);
			assert_in_range(cma, fill > 0, BATCH - 1);
		}
		finish(f);
	}
}

/* A drain finds that the zone has enough again: half of it is a CMA area, and a part is kept for atomic requests. */
static void what_is_kept_for_others_is_not_above_high(void **state)
{
	enum { HIGH = 4, TAKEN = 10, ATOMIC = 0x400, KEPT = START + 0x3000 };
	static const struct {
		uint64_t mark, boost;
		bool above;
	} rows[] = {
		{ 0x1e00 - ATOMIC, 0, true },
		{ 0x1e00 - ATOMIC, 0x200, false },
		{ 0x1e00, 0, false },
		{ 0x2100, 0, false },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture *f = start(FACTS_VERSION(6, 12, 0), 1, HIGH, HIGH);
		struct alloc_zone *z = &f->a.zones[ZONE];
		pfn_t pages[TAKEN];

		set_half_cma(f);
		for (unsigned int n = 0; n < TAKEN; n++)
			pages[n] = get(f, 0);
		z->watermark[WMARK_HIGH] = rows[i].mark;
		z->boost = rows[i].boost;
		z->reserved_highatomic = ATOMIC;
		set_type(f, KEPT, ATOMIC, MIGRATE_HIGHATOMIC);
		z->below_high = true;
		for (unsigned int n = 0; n < TAKEN; n++)
			assert_true(page_alloc_put(&f->a, 0, pages[n], 0));
		assert_int_equal(z->below_high, !rows[i].above);
		finish(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_for_others_is_not_above_high),
		cmocka_unit_test(a_cpu_keeps_what_it_counts_to_itself),
		cmocka_unit_test(blocks_past_the_sets_are_counted),
		cmocka_unit_test(cma_takes_turns_by_what_is_seen),
		cmocka_unit_test(what_is_given_back_is_not_counted),
		cmocka_unit_test(a_refill_is_a_batch_of_pages),
		cmocka_unit_test(a_tuned_refill_doubles),
		cmocka_unit_test(the_head_is_handed_out),
		cmocka_unit_test(drains_double),
		cmocka_unit_test(drains_stop_doubling),
		cmocka_unit_test(an_old_drain_is_a_batch_from_the_tail),
		cmocka_unit_test(a_run_keeps_what_it_was_freed_as),
		cmocka_unit_test(high_marks_sink),
		cmocka_unit_test(parts_end_with_whole_blocks),
		cmocka_unit_test(drains_of_frees_end_with_whole_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
