/* SPDX-License-Identifier: MIT */
/*
 * Blocks of more than a page in a replay: what is left of them, and contiguous areas.
 */
#include <stdlib.h>

#include "engine/replay.h"
#include "engine/testing/rig.h"

/* ---- blocks, and what is left of them -------------------------------------------------------------- */

/*
 *	[ block of eight                ]	was asked for
 *	[ kept           ][ left: 5 6 7 ]	goes back at once, past the page set
 */
static void leave_over(const char *version, bool past)
{
	struct rig f;
	struct event e = rig_request(0, UNMOVABLE);
	pfn_t block;

	rig_set_up(&f, version, RIG_ALLOC_AND_FREE);
	rig_begin_late(&f, 0x5000, 0x7000);
	e.order = 3;
	block = rig_take(&f, e, 1);
	e.order = 0;
	for (unsigned int i = 5; i < 8; i++) {
		rig_release(&f, e, block + i);
		assert_int_equal(rig_is_listed(&f, block + i), !past);
		assert_int_equal(rig_is_free(&f, block + i), past);
	}
	/* What lies behind it is no part of it. */
	rig_release(&f, e, block + 8);
	assert_true(rig_is_listed(&f, block + 8));
	/* Nor is what is freed when something else was. */
	rig_release(&f, e, block + 1);
	assert_true(rig_is_listed(&f, block + 1));
	rig_tear_down(&f);

	/* The block itself is freed. */
	rig_set_up(&f, version, RIG_ALLOC_AND_FREE);
	rig_begin_late(&f, 0x5000, 0x7000);
	block = rig_take(&f, e, 1);
	rig_release(&f, e, block);
	assert_true(rig_is_listed(&f, block));
	rig_tear_down(&f);
}

static void test_leftovers_go_to_the_free_lists(void **state)
{
	(void)state;
	leave_over("6.1", true);
	leave_over("5.10", false);
}

/*
 *	[ 0 1 2 3 4 5 6 7 ]	of a block that was split, freed one by one: together, as large as they can be
 */
static void free_run(const char *version, unsigned int first, unsigned int count, pfn_t *block_ret,
		     struct rig *f)
{
	struct event e = rig_request(0, UNMOVABLE);

	rig_set_up(f, version, RIG_ALLOC_AND_FREE);
	rig_begin_late(f, 0x5000, 0x7000);
	e.order = 3;
	*block_ret = rig_take(f, e, 1);
	rig_tell(f, rig_request(0, MOVABLE), rig_guess(f, rig_request(0, MOVABLE)));
	e.order = 0;
	for (unsigned int i = first; i < first + count; i++)
		rig_release(f, e, *block_ret + i);
	/* What was announced is done when something else follows. */
	rig_tell(f, rig_request(0, MOVABLE), rig_guess(f, rig_request(0, MOVABLE)));
}

static pfn_t next_of_order(struct rig *f, unsigned int order)
{
	struct event e = rig_request(0, UNMOVABLE);

	e.order = (uint8_t)order;
	return rig_guess(f, e);
}

static void test_neighbours_are_freed_together(void **state)
{
	struct rig f;
	pfn_t block;

	(void)state;
	free_run("7.2", 0, 8, &block, &f);
	assert_int_equal(next_of_order(&f, 3), block);
	assert_int_not_equal(next_of_order(&f, 0), block + 7);
	rig_tear_down(&f);
	free_run("7.2", 1, 6, &block, &f);
	assert_int_equal(next_of_order(&f, 1), block + 4);
	assert_int_equal(rig_take(&f, rig_request(0, UNMOVABLE), 1), block + 6);
	assert_int_equal(next_of_order(&f, 0), block + 1);
	rig_tear_down(&f);
	free_run("6.12", 0, 8, &block, &f);
	assert_int_equal(next_of_order(&f, 0), block + 7);
	assert_int_not_equal(next_of_order(&f, 3), block);
	rig_tear_down(&f);
}

/*
 * Pages that lie together and are not of a block that was split, freed over and over with nothing in between, as
 * a trace of frees alone has them: what waits for its neighbours is not looked at again for each page, and has an
 * end.
 */
static void test_frees_without_end(void **state)
{
	enum { FIRST = 0x5000, PAGES = 0x2000, FREES = (1 << 20) + 1 };
	struct event e = rig_request(0, UNMOVABLE);
	struct page_alloc *a;
	struct rig f;

	(void)state;
	rig_set_up(&f, "7.2", RIG_ALLOC_AND_FREE);
	rig_begin_late(&f, FIRST, FIRST + PAGES);
	a = replay_alloc(f.replay);
	for (uint32_t i = 0; i < FREES; i++)
		rig_release(&f, e, FIRST + i % PAGES);
	assert_int_not_equal(page_alloc_set(a, page_alloc_zone_of(a, FIRST), 0)->count, 0);
	assert_null(replay_check(f.replay));
	rig_tear_down(&f);
}

/* ---- contiguous areas ------------------------------------------------------------------------------ */

#define AREA_START (24 * RIG_MIB)
#define AREA_END (32 * RIG_MIB)

/* A machine with a contiguous area, whose second and third pageblocks, which do not merge, are free. */
static pfn_t set_up_area(struct rig *f)
{
	const pfn_t area = AREA_START / 4096 + 512;
	struct event e = { .kind = EVENT_FREE, .pid = 1, .order = 9 };

	rig_prepare(f, "6.1");
	f->boot.in.config.cma = true;
	made_boot_reserve(&f->boot, AREA_START, AREA_END);
	rig_boot(f);
	f->late.cma = calloc(1, sizeof(*f->late.cma));
	assert_non_null(f->late.cma);
	f->late.cma[0] = (struct cma_area){ .start = AREA_START, .end = AREA_END };
	f->late.cma_count = f->late.cma_room = 1;
	rig_start(f, RIG_ALLOC_AND_FREE);
	rig_tell(f, e, area);
	rig_tell(f, e, area + 512);
	assert_int_equal(rig_block_type(f, area), MIGRATE_CMA);
	assert_int_equal(rig_block_type(f, area + 512), MIGRATE_CMA);
	return area;
}

static void test_areas_are_activated(void **state)
{
	struct rig f;
	struct event e = { .kind = EVENT_FREE, .pid = 1, .order = 9 };
	pfn_t area;

	(void)state;
	area = set_up_area(&f);
	assert_true(rig_is_free(&f, area) && rig_is_free(&f, area + 1023));
	/* Not what lies before it, nor behind, nor a part of a pageblock. */
	rig_tell(&f, e, RIG_IN_USE_START / 4096);
	assert_int_not_equal(rig_block_type(&f, RIG_IN_USE_START / 4096), MIGRATE_CMA);
	rig_tear_down(&f);
}

/*
 *	[ taken: 0 1 2 3 4 ][ given back: 5 6 ... ]	the first that comes back tells of all before it
 */
static void test_leftovers_of_areas(void **state)
{
	struct rig f;
	struct event e = { .kind = EVENT_FREE, .pid = 1 };
	pfn_t area;
	uint64_t silent;

	(void)state;
	area = set_up_area(&f);
	silent = replay_stats(f.replay)->silent;
	for (unsigned int i = 5; i < 512; i++)
		rig_tell(&f, e, area + i);
	for (unsigned int i = 0; i < 512; i++)
		assert_int_equal(rig_is_free(&f, area + i), i >= 5);
	assert_int_equal(replay_stats(f.replay)->silent, silent);
	/* The next takes the second pageblock: the first was too small, but for what was free there. */
	for (unsigned int i = 510; i < 512; i++)
		rig_tell(&f, e, area + 512 + i);
	for (unsigned int i = 0; i < 510; i++)
		assert_false(rig_is_free(&f, area + 512 + i));
	assert_true(rig_is_free(&f, area + 512 + 510) && rig_is_free(&f, area + 512 + 511));
	rig_tear_down(&f);
}

/* A place that would have done and was passed over is not free. */
static void test_places_that_were_passed_over(void **state)
{
	struct rig f;
	struct event e = { .kind = EVENT_FREE, .pid = 1 };
	pfn_t area;
	uint64_t silent;

	(void)state;
	area = set_up_area(&f);
	silent = replay_stats(f.replay)->silent;
	rig_tell(&f, e, area + 512 + 64);
	for (unsigned int i = 0; i < 512; i++)
		assert_false(rig_is_free(&f, area + i));
	assert_int_equal(replay_stats(f.replay)->silent, silent + 512);
	assert_false(rig_is_free(&f, area + 512 + 63));
	assert_true(rig_is_free(&f, area + 512 + 64));
	rig_tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leftovers_go_to_the_free_lists),
		cmocka_unit_test(test_neighbours_are_freed_together),
		cmocka_unit_test(test_frees_without_end),
		cmocka_unit_test(test_areas_are_activated),
		cmocka_unit_test(test_leftovers_of_areas),
		cmocka_unit_test(test_places_that_were_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
