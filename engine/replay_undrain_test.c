/* SPDX-License-Identifier: MIT */
/*
 * Drains that the model made and the kernel did not, or the other way round.  The kernel is a second
 * allocator with another high mark here; of what it does, the model is told allocations and frees alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/pageset.h"
#include "engine/testing/one_model.h"

#define START 0x10000

enum { CPUS = 2, BATCH = 8, HIGH = 32, HIGH_MAX = 64, PAGES = 48 };

struct world {
	struct one_model one;
	struct replay_model *model;
	struct one_kernel kernel;
	pfn_t pages[PAGES];
	uint32_t cpu; /* that works */
	struct event last;
};

static struct world *start(uint32_t version)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	one_model_make(&w->one, version, START, CPUS,
		       (struct stage_sizes){ BATCH, HIGH, HIGH, HIGH_MAX });
	w->model = w->one.model;
	one_kernel_make(&w->kernel, &w->one, version, START, CPUS,
			(struct stage_sizes){ BATCH, HIGH, HIGH, HIGH_MAX });
	return w;
}

static void finish(struct world *w)
{
	one_kernel_deinit(&w->kernel);
	one_model_deinit(&w->one);
	free(w);
}

static struct pageset *set_of(struct page_alloc *a)
{
	return page_alloc_set(a, 0, 0);
}

/* The kernel gives a page of @type; did the model name it?  If not, it is not corrected yet. */
static bool take(struct world *w, enum migratetype type, pfn_t *ret)
{
	const struct alloc_request req = { .cpu = w->cpu, .type = type, .highest = ZONE_NORMAL };

	*ret = page_alloc_get(&w->kernel.alloc, &req, NULL);
	assert_int_not_equal(*ret, PFN_NONE);
	w->last = (struct event){ .kind = EVENT_ALLOC,
				  .cpu = w->cpu,
				  .pfn = *ret,
				  .migratetype = type == MIGRATE_MOVABLE };
	return replay_model_event(w->model, &w->last)->miss == REPLAY_HIT;
}

static void give(struct world *w, pfn_t pfn)
{
	const struct event e = { .kind = EVENT_FREE, .cpu = w->cpu, .pfn = pfn };

	page_alloc_put(&w->kernel.alloc, w->cpu, pfn, 0);
	replay_model_event(w->model, &e);
}

/* Pages are taken, and given back: the kernel drains at @kernel_high, the model at @model_high. */
static void take_and_give(struct world *w, enum migratetype type, uint32_t kernel_high,
			  uint32_t model_high)
{
	for (unsigned int i = 0; i < PAGES; i++)
		assert_true(take(w, type, &w->pages[i]));
	set_of(&w->kernel.alloc)->high = set_of(&w->kernel.alloc)->high_min = kernel_high;
	set_of(&w->model->alloc)->high = set_of(&w->model->alloc)->high_min = model_high;
	for (unsigned int i = 0; i < PAGES; i++)
		give(w, w->pages[i]);
}

/* Takes pages until the model is wrong; false if it never is. */
static bool until_wrong(struct world *w, enum migratetype type)
{
	pfn_t pfn;

	for (unsigned int i = 0; i < 2 * PAGES; i++)
		if (!take(w, type, &pfn))
			return true;
	return false;
}

/* Are the next @count pages those that the model names? */
static bool goes_on(struct world *w, unsigned int count)
{
	pfn_t pfn;

	while (count--)
		if (!take(w, MIGRATE_MOVABLE, &pfn))
			return false;
	return true;
}

static void test_what_was_not_drained_comes_back(void **state)
{
	struct world *w = start(FACTS_VERSION(6, 12, 0));
	uint32_t left;

	(void)state;
	take_and_give(w, MIGRATE_MOVABLE, HIGH_MAX, HIGH);
	assert_true(set_of(&w->model->alloc)->count < set_of(&w->kernel.alloc)->count);
	assert_true(until_wrong(w, MIGRATE_MOVABLE));
	left = set_of(&w->kernel.alloc)->count;
	assert_true(left > 2);
	assert_true(replay_model_may_correct(w->model, &w->last, REPLAY_BY_DRAINS));
	assert_true(replay_model_correct(w->model, &w->last, REPLAY_BY_DRAINS));
	assert_int_equal(set_of(&w->model->alloc)->count, left);
	assert_true(goes_on(w, left));
	finish(w);
}

/* Marks of older kernels change, too, when CPUs come and go or someone sets the watermarks. */
static void test_it_comes_back_where_marks_do_not_sink(void **state)
{
	struct world *w = start(FACTS_VERSION(6, 1, 0));
	uint32_t left;

	(void)state;
	take_and_give(w, MIGRATE_MOVABLE, HIGH_MAX, HIGH);
	assert_true(until_wrong(w, MIGRATE_MOVABLE));
	left = set_of(&w->kernel.alloc)->count;
	assert_true(replay_model_may_correct(w->model, &w->last, REPLAY_BY_DRAINS));
	assert_true(replay_model_correct(w->model, &w->last, REPLAY_BY_DRAINS));
	assert_int_equal(set_of(&w->model->alloc)->count, left);
	assert_true(goes_on(w, left));
	finish(w);
}

/* One drain at a time: what went back with the page, but nothing that went before. */
static void test_one_drain_comes_back(void **state)
{
	struct world *w = start(FACTS_VERSION(6, 12, 0));
	uint32_t left;

	(void)state;
	take_and_give(w, MIGRATE_MOVABLE, HIGH_MAX, HIGH);
	assert_true(until_wrong(w, MIGRATE_MOVABLE));
	left = set_of(&w->kernel.alloc)->count;
	assert_true(replay_model_correct(w->model, &w->last, REPLAY_BY_DRAIN));
	assert_in_range(set_of(&w->model->alloc)->count, 1, left - 1);
	assert_true(goes_on(w, set_of(&w->model->alloc)->count));
	finish(w);
}

static void test_what_was_drained_goes(void **state)
{
	struct world *w = start(FACTS_VERSION(6, 12, 0));

	(void)state;
	take_and_give(w, MIGRATE_MOVABLE, HIGH, HIGH_MAX);
	assert_true(set_of(&w->model->alloc)->count > set_of(&w->kernel.alloc)->count);
	assert_true(until_wrong(w, MIGRATE_MOVABLE));
	assert_true(replay_model_may_correct(w->model, &w->last, REPLAY_BY_END));
	assert_true(replay_model_correct(w->model, &w->last, REPLAY_BY_END));
	assert_true(goes_on(w, BATCH - 1));
	finish(w);
}

/* Unmovable pages may be taken without an event. */
static void test_where_it_cannot_be(void **state)
{
	struct world *w = start(FACTS_VERSION(6, 12, 0));

	(void)state;
	take_and_give(w, MIGRATE_UNMOVABLE, HIGH, HIGH_MAX);
	assert_true(until_wrong(w, MIGRATE_UNMOVABLE));
	assert_false(replay_model_may_correct(w->model, &w->last, REPLAY_BY_END));
	finish(w);
}

/*
 *	CPU 1	[ a b c ... ]	which are drained as the CPU goes	CPU 0	[ ]	is filled with a b ...
 *
 * Where CPU 0 has pages on its list and gets others all the same, its own are drained, too.
 */
static void test_page_sets_are_drained_from_elsewhere(void **state)
{
	(void)state;
	for (unsigned int kept = 0; kept <= 2; kept += 2) {
		struct world *w = start(FACTS_VERSION(6, 1, 0));
		pfn_t mine[2];

		for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
			page_alloc_set(&w->kernel.alloc, 0, cpu)->high = 4 * PAGES;
			page_alloc_set(&w->model->alloc, 0, cpu)->high = 4 * PAGES;
		}
		for (unsigned int i = 0; i < kept; i++)
			assert_true(take(w, MIGRATE_MOVABLE, &mine[i]));
		w->cpu = 1;
		for (unsigned int i = 0; i < PAGES; i++)
			assert_true(take(w, MIGRATE_MOVABLE, &w->pages[i]));
		for (unsigned int i = 0; i < PAGES; i++)
			give(w, w->pages[i]);
		w->cpu = 0;
		for (uint32_t cpu = kept ? 0 : 1; cpu < CPUS; cpu++) {
			struct pageset *set = page_alloc_set(&w->kernel.alloc, 0, cpu);

			pageset_drain(&w->kernel.alloc, 0, set, set->count, 0);
		}
		assert_true(until_wrong(w, MIGRATE_MOVABLE));
		assert_true(replay_model_may_correct(w->model, &w->last, REPLAY_BY_ELSEWHERE));
		assert_true(replay_model_correct(w->model, &w->last, REPLAY_BY_ELSEWHERE));
		assert_int_equal(page_alloc_set(&w->model->alloc, 0, 1)->count, 0);
		assert_true(goes_on(w, PAGES));
		finish(w);
	}
}

/* So many pages that the CPU may have drained them itself; so few that it is not known how many. */
static void test_whoever_has_many_pages_drains_them(void **state)
{
	static const uint32_t highs[] = { PAGES + BATCH, 4 * PAGES, 4 * PAGES };
	static const unsigned int left[] = { PAGES, PAGES, 4 * BATCH - 1 };

	(void)state;
	for (unsigned int k = 0; k < 3; k++) {
		struct world *w = start(FACTS_VERSION(6, 1, 0));
		struct pageset *set = page_alloc_set(&w->model->alloc, 0, 1);

		w->cpu = 1;
		page_alloc_set(&w->kernel.alloc, 0, 1)->high = set->high = 4 * PAGES;
		for (unsigned int i = 0; i < PAGES; i++)
			assert_true(take(w, MIGRATE_MOVABLE, &w->pages[i]));
		for (unsigned int i = 0; i < PAGES; i++)
			give(w, w->pages[i]);
		w->cpu = 0;
		pageset_drain(&w->kernel.alloc, 0, page_alloc_set(&w->kernel.alloc, 0, 1), PAGES,
			      0);
		assert_true(until_wrong(w, MIGRATE_MOVABLE));
		set->high = highs[k];
		set->count = left[k];
		assert_int_equal(replay_model_may_correct(w->model, &w->last, REPLAY_BY_ELSEWHERE),
				 k == 1);
		finish(w);
	}
}

/*
 *	model	CPU 1 [ a b c d ]	CPU 0 filled: e f g h
 *	kernel	CPU 1 [ a b ]		CPU 0 filled: c d e f
 *
 * The model's list of CPU 1 ends behind b as well, and CPU 0 goes on as the kernel's does.  What lies on another list is
 * no reason.
 */
static void test_a_list_ends_where_another_cpu_begins(void **state)
{
	struct world *w = start(FACTS_VERSION(6, 1, 0));
	struct pageset *other = page_alloc_set(&w->model->alloc, 0, 1);
	pfn_t pfn;

	(void)state;
	page_alloc_set(&w->kernel.alloc, 0, 1)->batch = BATCH / 2;
	w->cpu = 1;
	assert_true(take(w, MIGRATE_MOVABLE, &pfn));
	assert_int_equal(other->count, BATCH - 1);
	assert_false(replay_model_may_correct(w->model, &w->last, REPLAY_BY_OTHER_CPU));
	w->cpu = 0;
	assert_false(take(w, MIGRATE_MOVABLE, &pfn));
	assert_true(replay_model_may_correct(w->model, &w->last, REPLAY_BY_OTHER_CPU));
	w->last.migratetype = 0;
	assert_false(replay_model_may_correct(w->model, &w->last, REPLAY_BY_OTHER_CPU));
	w->last.migratetype = 1;
	assert_true(replay_model_correct(w->model, &w->last, REPLAY_BY_OTHER_CPU));
	assert_int_equal(other->count, BATCH / 2 - 1);
	assert_true(goes_on(w, 2 * BATCH));
	assert_null(replay_model_check(w->model));
	finish(w);
}

/*
 * Pages that were thought to be taken before a list was filled come from it after all, and so do those behind them:
 *
 *	model	free: a b c d e		the request got d, so a b c were gone
 *	kernel	list [ d b c e ]	then: b, and c is next
 */
static void test_what_was_thought_taken_is_found_again(void **state)
{
	struct world *w = start(FACTS_VERSION(6, 1, 0));
	struct event e = { .kind = EVENT_ALLOC, .migratetype = 1 };
	uint64_t silent;

	(void)state;
	e.pfn = START + 3;
	assert_int_equal(replay_model_event(w->model, &e)->pfn, START);
	assert_true(replay_model_correct(w->model, &e, REPLAY_BY_STATE));
	silent = w->model->silent;
	assert_int_equal(silent, 3);
	e.pfn = START + 1;
	assert_int_equal(replay_model_event(w->model, &e)->miss, REPLAY_MISS_UNTRACED);
	assert_true(replay_model_correct(w->model, &e, REPLAY_BY_STATE));
	assert_int_equal(w->model->silent, silent - 1);
	assert_int_equal(pageset_head(&w->model->alloc, set_of(&w->model->alloc), 1), START + 2);
	e.pfn = START + 2;
	assert_int_equal(replay_model_event(w->model, &e)->miss, REPLAY_HIT);
	if (w->model->wrong)
		replay_model_correct(w->model, &e, REPLAY_BY_STATE);
	e.pfn = START + 4;
	assert_int_equal(replay_model_event(w->model, &e)->miss, REPLAY_HIT);
	assert_null(replay_model_check(w->model));
	finish(w);
}

/*
 * Two pages of the list are handed out as one block: the list was drained to there, or only the model's account of these
 * is wrong.  Where no list has such blocks, they merged as free ones, and it was drained.
 */
static void test_blocks_of_other_lists(void **state)
{
	static const uint32_t versions[] = { FACTS_VERSION(5, 10, 0), FACTS_VERSION(6, 12, 0) };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct world *w = start(versions[i % 2]);
		struct event e = { .kind = EVENT_ALLOC, .order = 1, .migratetype = 1 };
		bool alone = i == 3;
		uint32_t left;

		take_and_give(w, MIGRATE_MOVABLE, HIGH_MAX, HIGH_MAX);
		e.pfn = w->pages[PAGES / 2] & ~(pfn_t)1;
		replay_model_event(w->model, &e);
		left = set_of(&w->model->alloc)->count - 2;
		assert_int_equal(replay_model_may_correct(w->model, &e, REPLAY_BY_ALONE), i % 2);
		assert_int_equal(replay_model_correct(w->model, &e,
						      i < 2 ? REPLAY_BY_STATE : REPLAY_BY_ALONE),
				 i != 2);
		if (i != 2)
			assert_int_equal(set_of(&w->model->alloc)->count == left, alone);
		finish(w);
	}
}

/* The kernel gives what lies @depth pages deep on its list, which the model does not expect. */
static void take_deep(struct world *w, enum migratetype type, unsigned int depth)
{
	struct page_alloc *a = &w->kernel.alloc;
	unsigned int index = pageset_list(a, 0, type);
	uint32_t cursor = BUDDY_LIST_START;
	pfn_t pfn = PFN_NONE;

	for (unsigned int i = 0; i <= depth; i++)
		assert_true(pageset_next(a, set_of(a), index, &cursor, &pfn));
	while (pageset_head(a, set_of(a), index) != pfn)
		pageset_insert(a, 0, set_of(a), index, pageset_pop(a, set_of(a), index), true);
	assert_false(take(w, type, &pfn));
}

/*
 *	model	[ a b c d e ]		kernel	[ d e a b c ]
 *
 * Where nothing is taken untold, what lies above d comes later; and nobody took it in bulk.
 */
static void test_what_was_passed_over_lies_behind(void **state)
{
	static const enum migratetype types[] = { MIGRATE_MOVABLE, MIGRATE_UNMOVABLE };

	(void)state;
	for (unsigned int i = 0; i < sizeof(types) / sizeof(*types); i++) {
		for (unsigned int depth = 3; depth <= 6; depth += 3) {
			struct world *w = start(FACTS_VERSION(5, 10, 0));
			pfn_t pfn;

			w->one.setup.all_told = true;
			take_and_give(w, types[i], HIGH_MAX, HIGH_MAX);
			take_deep(w, types[i], depth);
			assert_false(replay_model_may_correct(w->model, &w->last, REPLAY_BY_BULK));
			assert_true(replay_model_correct(w->model, &w->last, REPLAY_BY_STATE));
			assert_int_equal(set_of(&w->model->alloc)->count,
					 set_of(&w->kernel.alloc)->count);
			for (unsigned int k = 1; k < PAGES; k++)
				assert_true(take(w, types[i], &pfn));
			finish(w);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_not_drained_comes_back),
		cmocka_unit_test(test_it_comes_back_where_marks_do_not_sink),
		cmocka_unit_test(test_one_drain_comes_back),
		cmocka_unit_test(test_what_was_drained_goes),
		cmocka_unit_test(test_where_it_cannot_be),
		cmocka_unit_test(test_page_sets_are_drained_from_elsewhere),
		cmocka_unit_test(test_whoever_has_many_pages_drains_them),
		cmocka_unit_test(test_blocks_of_other_lists),
		cmocka_unit_test(test_a_list_ends_where_another_cpu_begins),
		cmocka_unit_test(test_what_was_thought_taken_is_found_again),
		cmocka_unit_test(test_what_was_passed_over_lies_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
