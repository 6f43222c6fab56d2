/* SPDX-License-Identifier: MIT */
/*
 * When high marks sink, as far as one model knows.  The model is told what it expects itself, at times that
 * the tests choose; its high marks are set by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/pageset.h"
#include "engine/testing/one_model.h"

#define START 0x10000
#define SECOND 1000000000ULL
#define LOW_PARTS UINT32_MAX /* those of the first half of a second */

enum { BATCH = 8, HIGH = 128, HIGH_MIN = 16, HIGH_MAX = 256, PAGES = 160 };

struct world {
	struct one_model one;
	struct replay_model *model;
	pfn_t pages[PAGES];
};

/* A model that knows from one second on that the statistics worker runs. */
static struct world *start(uint32_t version)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct event first = { .kind = EVENT_MARKER, .time = SECOND - 1, .pid = 1 };

	assert_non_null(w);
	one_model_make(&w->one, version, START, 1,
		       (struct stage_sizes){ BATCH, HIGH, HIGH_MIN, HIGH_MAX });
	w->model = w->one.model;
	replay_model_event(w->model, &first);
	return w;
}

static void finish(struct world *w)
{
	one_model_deinit(&w->one);
	free(w);
}

static struct pageset *set_of(struct world *w)
{
	return page_alloc_set(&w->model->alloc, 0, 0);
}

static struct event at(uint64_t time, enum event_kind kind, pfn_t pfn)
{
	return (struct event){
		.kind = (uint8_t)kind, .time = time, .pid = 1, .migratetype = 1, .pfn = pfn
	};
}

/* Takes PAGES pages and gives @back of them back, all in the first moments of a second. */
static void use(struct world *w, unsigned int back)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		struct event e = at(SECOND, EVENT_ALLOC, START);
		struct replay_model *asked = replay_model_clone(w->model);

		assert_non_null(asked);
		w->pages[i] = e.pfn = replay_model_event(asked, &e)->pfn;
		replay_model_destroy(asked);
		assert_int_equal(replay_model_event(w->model, &e)->miss, REPLAY_HIT);
	}
	pageset_drain(&w->model->alloc, 0, set_of(w), set_of(w)->count, 0);
	set_of(w)->high = HIGH;
	for (unsigned int i = 0; i < back; i++) {
		const struct event e = at(SECOND, EVENT_FREE, w->pages[i]);

		replay_model_event(w->model, &e);
	}
	assert_int_equal(set_of(w)->count, back);
	assert_true(w->model->phases.may == UINT64_MAX);
}

static uint32_t mark(struct world *w, unsigned int part)
{
	return w->model->phases.highs[0][part];
}

/* Once a second, each part when it is over. */
static void test_each_part_has_marks_of_its_own(void **state)
{
	struct world *w = start(FACTS_VERSION(6, 12, 0));
	struct event e = at(SECOND + SECOND / 2, EVENT_MARKER, 0);

	(void)state;
	use(w, 0);
	replay_model_event(w->model, &e);
	assert_int_equal(mark(w, 0), HIGH - HIGH / 8);
	assert_int_equal(mark(w, 31), HIGH - HIGH / 8);
	assert_int_equal(mark(w, 32), HIGH);
	assert_int_equal(w->model->phases.lowest[0], HIGH - HIGH / 8);
	assert_int_equal(w->model->phases.highest[0], HIGH);
	e.time += SECOND;
	replay_model_event(w->model, &e);
	assert_int_equal(mark(w, 0), HIGH - HIGH / 8 - HIGH / 8 + HIGH / 64);
	assert_int_equal(mark(w, 63), HIGH - HIGH / 8);
	/* However long it takes. */
	e.time += 1000 * SECOND;
	replay_model_event(w->model, &e);
	assert_int_equal(w->model->phases.highest[0], HIGH_MIN);
	finish(w);
}

/* Of a kernel whose marks stay nothing of this is known, nor needed. */
static void test_where_marks_stay(void **state)
{
	struct world *w = start(FACTS_VERSION(6, 1, 0));
	struct event e = at(9 * SECOND, EVENT_FREE, START);

	(void)state;
	assert_true(replay_model_phase_known(w->model));
	assert_true(replay_model_sinking(w->model, &e) == 0);
	assert_false(replay_model_may_part(w->model, &e));
	assert_true(replay_model_part(w->model, true) == 0);
	finish(w);
}

/* As long as the marks are above what the set holds, nothing need be decided. */
static void test_parts_that_drain_part(void **state)
{
	struct world *w = start(FACTS_VERSION(6, 12, 0));
	struct event e = at(SECOND + SECOND / 2, EVENT_MARKER, 0);
	struct replay_model *other;
	uint64_t sinking;

	(void)state;
	use(w, HIGH - HIGH / 8);
	assert_true(replay_model_sinking(w->model, &e) == 0);
	finish(w);

	w = start(FACTS_VERSION(6, 12, 0));
	use(w, HIGH - HIGH / 8 + 1);
	sinking = replay_model_sinking(w->model, &e);
	assert_true(sinking == LOW_PARTS);
	assert_true(replay_model_alike(w->model, 3) == UINT64_MAX);
	assert_false(replay_model_is_all(w->model, sinking));
	other = replay_model_clone(w->model);
	assert_non_null(other);
	replay_model_limit(other, sinking);
	replay_model_limit(w->model, ~sinking);
	assert_true(replay_model_is_all(other, sinking));
	replay_model_event(other, &e);
	replay_model_event(w->model, &e);
	assert_int_equal(page_alloc_set(&other->alloc, 0, 0)->count, HIGH - HIGH / 8);
	assert_int_equal(set_of(w)->count, HIGH - HIGH / 8 + 1);
	assert_true(replay_phases_hash(other) != replay_phases_hash(w->model));
	replay_model_join_phases(w->model, other);
	assert_true(replay_model_is_all(w->model, UINT64_MAX));
	assert_int_equal(w->model->phases.lowest[0], HIGH - HIGH / 8);
	replay_model_destroy(other);
	finish(w);
}

/* A free drains where the mark has sunk; the model does what the part in the middle of all marks does. */
static void test_a_free_parts(void **state)
{
	struct world *w = start(FACTS_VERSION(6, 12, 0));
	struct event e = at(SECOND + SECOND / 4, EVENT_MARKER, 0);
	struct replay_model *before;
	uint64_t rest;

	(void)state;
	use(w, HIGH - HIGH / 8 - 1);
	replay_model_event(w->model, &e);
	e = at(SECOND + SECOND / 4, EVENT_FREE, w->pages[PAGES - 1]);
	assert_true(replay_model_may_part(w->model, &e));
	/* What page sets do not hold drains nothing. */
	e.order = 5;
	e.pfn = START;
	assert_false(replay_model_may_part(w->model, &e));
	e.order = 0;
	e.pfn = w->pages[PAGES - 1];
	before = replay_model_clone(w->model);
	assert_non_null(before);
	replay_model_event(w->model, &e);
	rest = replay_model_part(w->model, true);
	assert_true(rest == UINT16_MAX);
	assert_int_equal(set_of(w)->count, HIGH - HIGH / 8);
	replay_model_limit(before, rest);
	replay_model_event(before, &e);
	assert_true(replay_model_part(before, true) == 0);
	assert_true(page_alloc_set(&before->alloc, 0, 0)->count < HIGH - HIGH / 8);
	/* One page less, and it would not have mattered. */
	assert_false(replay_model_may_part(before, &e));
	replay_model_destroy(before);
	finish(w);
}

/* The nearer the mark, the less a list is filled with. */
static void test_a_refill_parts(void **state)
{
	struct world *w = start(FACTS_VERSION(6, 12, 0));
	struct event e = at(SECOND + 3 * SECOND / 4, EVENT_MARKER, 0);

	(void)state;
	use(w, 0);
	replay_model_event(w->model, &e);
	e.kind = EVENT_ALLOC;
	set_of(w)->alloc_factor = 0;
	assert_false(replay_model_may_part(w->model, &e));
	/* Near the marks, but they rise first. */
	set_of(w)->alloc_factor = 4;
	assert_false(replay_model_may_part(w->model, &e));
	/* Lower for all, and a zone with so little left that the refill does not raise it first. */
	set_of(w)->high = 24;
	w->model->alloc.zones[0].below_high = true;
	assert_true(replay_model_may_part(w->model, &e));
	e.pfn = w->pages[0];
	replay_model_event(w->model, &e);
	assert_int_equal(set_of(w)->count, 24 - BATCH);
	assert_true(replay_model_part(w->model, true) == 0xffff000000000000ULL);
	finish(w);
}

/* What is freed while the part is not over can come before the marks sink, or behind that. */
static void test_marks_sink_before_the_part_is_over(void **state)
{
	struct world *w = start(FACTS_VERSION(6, 12, 0));
	struct event e = at(SECOND + SECOND / 1000, EVENT_FREE, w->pages[0]);
	struct replay_model *other;
	uint32_t high;

	(void)state;
	use(w, HIGH - HIGH / 8 - 2);
	e.pfn = w->pages[PAGES - 1];
	assert_false(replay_model_may_sink(w->model, &e));
	replay_model_event(w->model, &e);
	e.pfn = w->pages[PAGES - 2];
	assert_true(replay_model_may_sink(w->model, &e));
	other = replay_model_clone(w->model);
	assert_non_null(other);
	replay_model_sink(other, &e);
	assert_true(other->phases.may == 1);
	assert_false(replay_model_may_sink(other, &e));
	replay_model_event(other, &e);
	replay_model_event(w->model, &e);
	assert_int_equal(set_of(w)->count, HIGH - HIGH / 8);
	assert_true(page_alloc_set(&other->alloc, 0, 0)->count < HIGH - HIGH / 8);
	/* Once: not again when it is over. */
	high = page_alloc_set(&other->alloc, 0, 0)->high;
	e = at(SECOND + SECOND / 2, EVENT_MARKER, 0);
	replay_model_event(other, &e);
	assert_int_equal(page_alloc_set(&other->alloc, 0, 0)->high, high);
	replay_model_destroy(other);
	finish(w);
}

/* Parts that would go another way can stay, too. */
static void test_parts_can_stay(void **state)
{
	struct world *w = start(FACTS_VERSION(6, 12, 0));
	struct event e = at(SECOND + SECOND / 4, EVENT_MARKER, 0);

	(void)state;
	use(w, HIGH - HIGH / 8 - 1);
	replay_model_event(w->model, &e);
	e = at(SECOND + SECOND / 4, EVENT_FREE, w->pages[PAGES - 1]);
	assert_true(replay_model_may_part(w->model, &e));
	replay_model_event(w->model, &e);
	assert_true(replay_model_part(w->model, false) == 0);
	assert_true(replay_model_is_all(w->model, UINT64_MAX));
	assert_false(replay_model_is_all(w->model, 1));
	finish(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_part_has_marks_of_its_own),
		cmocka_unit_test(test_where_marks_stay),
		cmocka_unit_test(test_parts_that_drain_part),
		cmocka_unit_test(test_a_free_parts),
		cmocka_unit_test(test_a_refill_parts),
		cmocka_unit_test(test_marks_sink_before_the_part_is_over),
		cmocka_unit_test(test_parts_can_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
