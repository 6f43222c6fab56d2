/* SPDX-License-Identifier: MIT */
/*
 * Tasks that lose the CPU in a replay, and interrupts that come in the middle of something.
 */
#include "engine/pageset.h"
#include "engine/replay.h"
#include "engine/testing/rig.h"

/*
 * Task 1 takes a page and loses the CPU before its event; task 2 gets the one behind it.
 */
static void test_task_keeps_its_page(void **state)
{
	struct rig f;
	struct event e = rig_request(0, MOVABLE);

	(void)state;
	rig_four_pages(&f, "7.2");
	assert_int_equal(rig_guess(&f, rig_by(e, 2)), rig_four[1]);
	rig_tell(&f, rig_by(e, 2), rig_four[2]);
	assert_int_equal(rig_guess(&f, rig_by(e, 2)), rig_four[3]);
	assert_int_equal(rig_guess(&f, rig_by(e, 1)), rig_four[1]);
	rig_tear_down(&f);
	/* Where that cannot be, the page was taken and is gone, or lies where it lay. */
	rig_four_pages(&f, "6.1");
	rig_tell(&f, rig_by(e, 2), rig_four[2]);
	assert_int_equal(rig_guess(&f, rig_by(e, 1)), rig_guess(&f, rig_by(e, 2)));
	rig_tear_down(&f);
}

/* Task 1 announces frees and loses the CPU; the list gets them when it is back. */
static void test_task_keeps_its_frees(void **state)
{
	struct rig f;
	struct event e = rig_request(0, MOVABLE);

	(void)state;
	rig_four_pages(&f, "7.2");
	rig_release(&f, rig_by(e, 1), 0x1800);
	rig_release(&f, rig_by(e, 1), 0x1810);
	assert_int_equal(rig_guess(&f, rig_by(e, 2)), 0x1810);
	rig_tell(&f, rig_by(e, 2), rig_four[1]);
	assert_int_equal(rig_guess(&f, rig_by(e, 2)), rig_four[2]);
	assert_int_equal(rig_guess(&f, rig_by(e, 1)), 0x1810);
	rig_tear_down(&f);
}

/*
 * They do not wait for it if one of them, freed later, was handed out meanwhile, or lies below one that was freed
 * before it: so they were drained.
 */
static void test_frees_that_were_used_wait_for_nobody(void **state)
{
	struct event e = rig_request(0, MOVABLE);

	(void)state;
	for (unsigned int back = 0; back < 2; back++) {
		struct rig f;

		rig_four_pages(&f, "7.2");
		rig_release(&f, rig_by(e, 1), 0x1800);
		rig_release(&f, rig_by(e, 1), 0x1810);
		rig_tell(&f, rig_by(e, 2), 0x1810);
		if (back) {
			rig_tell(&f, rig_by(e, 2), 0x1800);
			rig_tell(&f, rig_by(e, 2), rig_four[1]);
			rig_release(&f, rig_by(e, 2), 0x1810);
			rig_release(&f, rig_by(e, 2), rig_four[1]);
			rig_release(&f, rig_by(e, 2), 0x1800);
		}
		assert_int_equal(rig_guess(&f, rig_by(e, 2)), 0x1800);
		rig_tell(&f, rig_by(e, 2), rig_four[1]);
		assert_int_equal(rig_guess(&f, rig_by(e, 2)), back ? 0x1810 : rig_four[2]);
		assert_true(rig_is_free(&f, 0x1800));
		rig_tear_down(&f);
	}
}

/* Task 1 announces two frees and loses the CPU; task 2 frees two pages; task 1 goes on. */
static void free_in_turns(struct rig *f, int32_t first, int32_t second)
{
	struct event e = rig_request(0, MOVABLE);

	rig_four_pages(f, "7.2");
	rig_release(f, rig_by(e, first), 0x1800);
	rig_release(f, rig_by(e, first), 0x1810);
	rig_release(f, rig_by(e, second), 0x1900);
	rig_release(f, rig_by(e, second), 0x1910);
	rig_release(f, rig_by(e, first), 0x1820);
	rig_take(f, rig_by(rig_request(0, UNMOVABLE), second),
		 1); /* it does not wait for anything */
	rig_tell(f, rig_by(e, 3), 0x1820);
	assert_int_equal(f->guess, 0x1820);
	assert_int_equal(rig_guess(f, rig_by(e, 3)), 0x1910);
	rig_tell(f, rig_by(e, 3), 0x1810);
}

/* Nobody was handed a page meanwhile, so that it shows only later that the list got them when task 1 was back. */
static void test_frees_that_waited_lie_above(void **state)
{
	static const pfn_t lie[] = { 0x1800, 0x1910, 0x1900, 0x1010 };
	struct event e = rig_by(rig_request(0, MOVABLE), 3);
	struct rig f;

	(void)state;
	free_in_turns(&f, 1, 2);
	for (unsigned int i = 0; i < 4; i++) {
		rig_tell(&f, e, lie[i]);
		assert_int_equal(f.guess, lie[i]);
	}
	rig_tear_down(&f);
	/* Who did not lose the CPU freed them before. */
	free_in_turns(&f, 1, 1);
	assert_true(rig_is_free(&f, 0x1910));
	rig_tear_down(&f);
}

/* If what they would lie above was handed out before them, they did not. */
static void test_frees_that_did_not_wait_lie_below(void **state)
{
	struct event e = rig_request(0, MOVABLE);
	struct rig f;

	(void)state;
	rig_four_pages(&f, "7.2");
	rig_release(&f, rig_by(e, 1), 0x1800);
	rig_release(&f, rig_by(e, 2), 0x1900);
	rig_release(&f, rig_by(e, 2), 0x1910);
	rig_take(&f, rig_by(rig_request(0, UNMOVABLE), 2), 1);
	rig_release(&f, rig_by(e, 1), 0x1820);
	rig_tell(&f, rig_by(e, 3), 0x1820);
	rig_tell(&f, rig_by(e, 3), 0x1910);
	rig_tell(&f, rig_by(e, 3), 0x1800);
	assert_true(rig_is_free(&f, 0x1900));
	rig_tear_down(&f);
}

/* The first one was of a batch that was over before. */
static void test_frees_of_earlier_batches_did_not_wait(void **state)
{
	static const pfn_t lie[] = { 0x1900, 0x1800, 0x1010 };
	struct event e = rig_by(rig_request(0, MOVABLE), 3);
	struct rig f;

	(void)state;
	free_in_turns(&f, 1, 2);
	rig_tell(&f, e, 0x1910);
	assert_int_equal(f.guess, 0x1800);
	for (unsigned int i = 0; i < 3; i++) {
		rig_tell(&f, e, lie[i]);
		assert_int_equal(f.guess, lie[i]);
	}
	rig_tear_down(&f);
}

/* Of many tasks that came back to what they freed, those that others freed over are remembered. */
static void test_many_frees_may_have_waited(void **state)
{
	struct event e = rig_request(0, MOVABLE), other = rig_request(0, UNMOVABLE);
	struct rig f;

	(void)state;
	rig_four_pages(&f, "7.2");
	rig_release(&f, rig_by(e, 1), 0x1800);
	rig_release(&f, rig_by(e, 2), 0x1900);
	rig_release(&f, rig_by(e, 1), 0x1810);
	for (int32_t i = 0; i < 40; i++) {
		rig_tell(&f, rig_by(other, i % 2 + 1), rig_guess(&f, rig_by(other, i % 2 + 1)));
		rig_release(&f, rig_by(other, i % 2 + 1), f.guess);
	}
	rig_tell(&f, rig_by(e, 3), 0x1810);
	rig_tell(&f, rig_by(e, 3), 0x1800);
	assert_int_equal(f.guess, 0x1900);
	assert_int_equal(rig_guess(&f, rig_by(e, 3)), 0x1900);
	rig_tear_down(&f);
}

/* An interrupt frees a page while the page set is locked: it goes past the set. */
static void test_interrupt_frees_past_the_set(void **state)
{
	const pfn_t past = 0x1800;
	struct rig f;
	struct event e = rig_request(0, MOVABLE), interrupt;
	struct page_alloc *a;
	struct buddy_block block;

	(void)state;
	rig_four_pages(&f, "7.2");
	interrupt = rig_at_depth(e, 3);
	interrupt.context |= EVENT_CONTEXT_INTERRUPT;
	rig_release(&f, interrupt, past);
	assert_int_equal(rig_guess(&f, e), past);
	rig_tell(&f, e, rig_four[1]);
	a = replay_alloc(f.replay);
	assert_false(pageset_holds(a, page_alloc_zone_of(a, past), past));
	assert_true(buddy_find(a->buddy, page_alloc_zone_of(a, past), past, &block));
	assert_int_equal(rig_guess(&f, e), rig_four[2]);
	rig_tear_down(&f);
}

/*
 * PREEMPT_RT: task 1 loses the CPU while it has the page set locked.  What task 2 wants and frees goes past the set
 * until task 1 is back, or it shows that the set is not locked.
 *
 *	page set [ set... ]	free lists [ first... ]		task 2: first, frees x to the free lists
 */
static void test_a_locked_set_is_passed(void **state)
{
	enum { ZONE_ONLY = 1, SET_AND_ZONE = 3 };
	const pfn_t freed[] = { 0x1000, 0x1800, 0x2000 };
	struct rig f;
	struct event e = rig_request(0, MOVABLE), locked = rig_event(EVENT_ZONE_LOCKED, MOVABLE);
	pfn_t set, first;

	(void)state;
	for (unsigned int returns = 0; returns < 2; returns++) {
		rig_prepare(&f, "6.12");
		f.boot.in.config.preemption = PREEMPTION_RT;
		rig_boot(&f);
		rig_start(&f, 0);
		rig_begin_late(&f, 0x5000, 0x7000);
		for (unsigned int i = 4; i--;)
			rig_release(&f, rig_by(e, 1), rig_four[i]);
		set = rig_guess(&f, rig_by(e, 1));
		assert_int_equal(set, rig_four[0]);
		first = rig_guess(&f, rig_at_depth(rig_by(locked, 2), ZONE_ONLY));
		rig_tell(&f, rig_at_depth(rig_by(locked, 2), ZONE_ONLY), first);
		assert_true(rig_is_free(&f, first + 1));
		assert_int_equal(rig_guess(&f, rig_by(e, 2)), first);
		rig_tell(&f, rig_by(e, 2), first);
		rig_release(&f, rig_by(e, 2), freed[0]);
		rig_tell(&f, rig_at_depth(rig_by(locked, 2), ZONE_ONLY), first + 1);
		assert_true(rig_is_free(&f, freed[0]));
		rig_tell(&f, rig_by(e, 2), first + 1);
		if (returns)
			rig_release(&f, rig_by(e, 1), freed[1]);
		else
			rig_tell(&f, rig_by(e, 2), set);
		/* The list of the set is as it was. */
		assert_int_equal(rig_guess(&f, rig_by(e, 2)), returns ? freed[1] : rig_four[1]);
		rig_release(&f, rig_by(e, 2), freed[2]);
		assert_int_equal(rig_guess(&f, rig_by(e, 2)), freed[2]);
		assert_false(rig_is_free(&f, freed[2]));
		/* Deeper in, the list is filled, whoever lost the CPU. */
		rig_tell(&f, rig_at_depth(rig_by(locked, 3), SET_AND_ZONE), first + 2);
		assert_false(rig_is_free(&f, first + 3));
		rig_tear_down(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_task_keeps_its_page),
		cmocka_unit_test(test_task_keeps_its_frees),
		cmocka_unit_test(test_frees_that_were_used_wait_for_nobody),
		cmocka_unit_test(test_frees_that_waited_lie_above),
		cmocka_unit_test(test_frees_that_did_not_wait_lie_below),
		cmocka_unit_test(test_frees_of_earlier_batches_did_not_wait),
		cmocka_unit_test(test_many_frees_may_have_waited),
		cmocka_unit_test(test_interrupt_frees_past_the_set),
		cmocka_unit_test(test_a_locked_set_is_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
