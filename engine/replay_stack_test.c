/* SPDX-License-Identifier: MIT */
/*
 * Stacks, and what else is taken of which nothing tells a replay.
 */
#include "engine/gfp.h"
#include "engine/replay.h"
#include "engine/testing/rig.h"

/* A page directory: two pages, accounted and zeroed. */
static struct event directory(const struct rig *f, int32_t pid)
{
	struct event e = rig_by(rig_request(0, UNMOVABLE), pid);
	struct gfp_table gfp;

	gfp_table_init(&gfp, &f->boot.in.facts);
	e.order = 1;
	e.gfp = gfp_mask_of(&gfp, GFP_BIT_ACCOUNT) | gfp_mask_of(&gfp, GFP_BIT_ZERO);
	return e;
}

/* A page that the fork asks for between its stack and its directory shows the stack; it is not taken again. */
static void test_fork_is_seen_early(void **state)
{
	enum { PAGES = 7, DIRECTORIES = 2, STACK = 4 };
	struct event e = rig_by(rig_request(0, UNMOVABLE), 7),
		     fill = rig_event(EVENT_ZONE_LOCKED, UNMOVABLE);
	struct rig f;
	pfn_t pages[PAGES], directories[DIRECTORIES];

	(void)state;
	rig_set_up(&f, "6.12", 0);
	fill.order = 1;
	for (unsigned int i = 0; i < DIRECTORIES; i++) {
		directories[i] = rig_guess(&f, fill);
		rig_tell(&f, fill, directories[i]);
	}
	rig_tell(&f, directory(&f, 7), directories[0]);
	fill.order = 0;
	for (unsigned int i = 0; i < PAGES; i++) {
		pages[i] = rig_guess(&f, fill);
		rig_tell(&f, fill, pages[i]);
	}
	rig_tell(&f, e, pages[0]);
	assert_int_equal(f.guess, pages[0]);
	rig_tell(&f, e, pages[STACK + 1]);
	assert_int_equal(f.guess, pages[1]);
	rig_tell(&f, directory(&f, 7), directories[1]);
	assert_int_equal(replay_stats(f.replay)->silent, STACK);
	assert_int_equal(rig_guess(&f, e), pages[STACK + 2]);
	rig_tear_down(&f);
}

static void test_fork_takes_a_stack(void **state)
{
	struct rig f;
	struct event e = rig_request(0, UNMOVABLE), ends = rig_request(0, UNMOVABLE);
	pfn_t first, program, child;

	(void)state;
	rig_set_up(&f, "6.12", RIG_ALLOC_AND_FREE);
	rig_begin_late(&f, 0x5000, 0x7000);
	/* So that the list has many pages. */
	first = rig_take(&f, e, 1);
	/* The program that the task executes, and then a child. */
	program = rig_take(&f, directory(&f, 7), 1);
	assert_int_equal(rig_guess(&f, e), first + 1);
	child = rig_take(&f, directory(&f, 7), 1);
	assert_int_equal(rig_guess(&f, e), first + 5);
	/* What it executed before goes, and the child ends: its stack is there for the next one. */
	ends = rig_by(ends, 7);
	ends.order = 1;
	rig_release(&f, ends, program);
	rig_release(&f, ends, child);
	rig_take(&f, directory(&f, 7), 1);
	assert_int_equal(rig_guess(&f, e), first + 5);
	rig_tear_down(&f);
}

/* Pages before the one that came: of such as are allocated in bulk they are gone, others were drained. */
static void test_pages_before(void **state)
{
	struct rig f;
	struct event e = rig_request(0, UNMOVABLE);
	pfn_t first;
	uint64_t silent;

	(void)state;
	rig_set_up(&f, "6.1", RIG_ALLOC_AND_FREE);
	rig_begin_late(&f, 0x5000, 0x7000);
	first = rig_take(&f, e, 1);
	silent = replay_stats(f.replay)->silent;
	rig_tell(&f, e, first + 5);
	assert_int_equal(rig_guess(&f, e), first + 6);
	assert_int_equal(replay_stats(f.replay)->silent, silent + 4);
	rig_tear_down(&f);
	rig_four_pages(&f, "6.1");
	rig_tell(&f, rig_request(0, MOVABLE), rig_four[2]);
	assert_int_equal(rig_guess(&f, rig_request(0, MOVABLE)), rig_four[3]);
	assert_true(rig_is_free(&f, rig_four[1]));
	rig_tear_down(&f);
}

/*
 * Pages that were passed over again and again are not there; where one of them is handed out, they are.
 *
 *	list	[ 12 11 ... 1 ]		requests got: 6 5 4		then: 12
 */
static void test_passed_over_pages_come_back(void **state)
{
	struct event e = rig_request(0, MOVABLE);
	enum { FREED = 12 };

	(void)state;
	for (unsigned int emptied = 0; emptied < 2; emptied++) {
		struct rig f;

		rig_set_up(&f, "6.1", RIG_ALLOC_AND_FREE);
		rig_begin_late(&f, 0x5000, 0x7000);
		for (unsigned int i = 1; i <= FREED; i++)
			rig_release(&f, e, 0x1000 + 16 * i);
		for (unsigned int i = 6; i > 3; i--) {
			assert_int_equal(rig_guess(&f, e), 0x1000 + 16 * FREED);
			rig_tell(&f, e, 0x1000 + 16 * i);
		}
		assert_int_equal(rig_guess(&f, e), 0x1000 + 16 * 3);
		/* Unless the list was empty since, as its filling shows. */
		if (emptied)
			rig_take(&f, e, 4);
		rig_tell(&f, e, 0x1000 + 16 * FREED);
		rig_tell(&f, e, 0x1000 + 16 * (FREED - 1));
		assert_int_equal(rig_guess(&f, e) == 0x1000 + 16 * (FREED - 2), !emptied);
		rig_tear_down(&f);
	}
}

/*
 *	list	[ 1 2 3 4 5 6 ]		the request got 5: of an unmovable list 1 to 4 are gone, without an event
 */
static void test_pages_before_where_all_is_told(void **state)
{
	struct rig f;
	struct event e = rig_request(0, UNMOVABLE);
	pfn_t first;
	uint64_t silent;

	(void)state;
	rig_set_up(&f, "6.1", 0);
	rig_begin_late(&f, 0x5000, 0x7000);
	first = rig_fill(&f, UNMOVABLE);
	silent = replay_stats(f.replay)->silent;
	rig_tell(&f, e, first + 5);
	assert_int_equal(f.miss, REPLAY_MISS_SILENT);
	assert_int_equal(replay_stats(f.replay)->silent, silent + 4);
	assert_int_equal(rig_guess(&f, e), first + 6);
	/* One of them is handed out after all: so those behind it are there, too. */
	rig_tell(&f, e, first + 2);
	assert_int_equal(replay_stats(f.replay)->silent, silent + 2);
	assert_int_equal(rig_guess(&f, e), first + 3);
	rig_tell(&f, e, first + 3);
	assert_int_equal(rig_guess(&f, e), first + 4);
	rig_tell(&f, e, first + 4);
	assert_int_equal(rig_guess(&f, e), first + 6);
	rig_tear_down(&f);

	/* Of movable pages nobody takes many at once: they were freed since. */
	e = rig_request(0, MOVABLE);
	rig_set_up(&f, "6.1", 0);
	rig_begin_late(&f, 0x5000, 0x7000);
	first = rig_fill(&f, MOVABLE);
	silent = replay_stats(f.replay)->silent;
	rig_tell(&f, e, first + 4);
	assert_int_equal(replay_stats(f.replay)->silent, silent);
	assert_int_equal(rig_guess(&f, e), first + 1);
	/* But for such as are passed over again and again. */
	rig_tell(&f, e, first + 5);
	assert_int_equal(rig_guess(&f, e), first + 1);
	rig_tell(&f, e, first + 3);
	assert_int_equal(replay_stats(f.replay)->silent, silent + 2);
	assert_int_equal(rig_guess(&f, e), first + 6);
	rig_tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fork_is_seen_early),
		cmocka_unit_test(test_fork_takes_a_stack),
		cmocka_unit_test(test_pages_before),
		cmocka_unit_test(test_pages_before_where_all_is_told),
		cmocka_unit_test(test_passed_over_pages_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
