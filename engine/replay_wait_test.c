/* SPDX-License-Identifier: MIT */
/*
 * Frees that wait while other CPUs look at the free lists.  The kernel is a second allocator here; of what it does, the
 * model is told allocations and frees alone, and frees when they are announced.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/pageset.h"
#include "engine/replay_parts.h"
#include "engine/testing/one_model.h"

#define START 0x10000

enum { CPUS = 2, BATCH = 8, HIGH = 32, PAGES = 60 };

struct world {
	struct one_model one;
	struct replay_model *model;
	struct one_kernel kernel;
	pfn_t pages[PAGES]; /* that CPU 0 has */
	unsigned int carried_out; /* of them, by the kernel */
	struct event last;
};

/* CPU 0 has pages, and announces that it frees them all. */
static struct world *start(unsigned int free_rule, bool contiguous_runs)
{
	const uint32_t version = FACTS_VERSION(6, 1, 0);
	const struct alloc_request req = { .type = MIGRATE_MOVABLE, .highest = ZONE_NORMAL };
	struct world *w = calloc(1, sizeof(*w));
	struct event e = { .kind = EVENT_ALLOC, .migratetype = 1 };

	assert_non_null(w);
	one_model_make(&w->one, version, START, CPUS,
		       (struct stage_sizes){ BATCH, HIGH, HIGH, HIGH });
	w->one.setup.free_rule = free_rule;
	w->one.setup.contiguous_runs = contiguous_runs;
	w->model = w->one.model;
	one_kernel_make(&w->kernel, &w->one, version, START, CPUS,
			(struct stage_sizes){ BATCH, HIGH, HIGH, HIGH });
	for (unsigned int i = 0; i < PAGES; i++) {
		e.pfn = w->pages[i] = page_alloc_get(&w->kernel.alloc, &req, NULL);
		assert_int_equal(replay_model_event(w->model, &e)->miss, REPLAY_HIT);
	}
	e.kind = EVENT_FREE;
	for (unsigned int i = 0; i < PAGES; i++) {
		e.pfn = w->pages[i];
		replay_model_event(w->model, &e);
	}
	return w;
}

static void finish(struct world *w)
{
	assert_null(replay_model_check(w->model));
	one_kernel_deinit(&w->kernel);
	one_model_deinit(&w->one);
	free(w);
}

/* The kernel carries out announced frees until it drains; false: it does not any more. */
static bool until_drained(struct world *w)
{
	struct pageset *set = page_alloc_set(&w->kernel.alloc, 0, 0);

	while (w->carried_out < PAGES) {
		uint32_t before = set->count;

		page_alloc_put(&w->kernel.alloc, 0, w->pages[w->carried_out++], 0);
		if (set->count <= before)
			return true;
	}
	return false;
}

/* The kernel gives @cpu a page; does the model name it? */
static bool take(struct world *w, uint32_t cpu)
{
	const struct alloc_request req = { .cpu = cpu,
					   .type = MIGRATE_MOVABLE,
					   .highest = ZONE_NORMAL };

	w->last = (struct event){ .kind = EVENT_ALLOC, .cpu = cpu, .migratetype = 1 };
	w->last.pfn = page_alloc_get(&w->kernel.alloc, &req, NULL);
	return replay_model_event(w->model, &w->last)->miss == REPLAY_HIT;
}

/* Has the kernel drained @drains times when CPU 1 fills its list, and goes on then: is the model right all the way? */
static bool agrees(struct world *w, unsigned int drains)
{
	while (drains--)
		assert_true(until_drained(w));
	for (unsigned int i = 0; i < BATCH; i++)
		if (!take(w, 1))
			return false;
	while (until_drained(w))
		;
	for (unsigned int i = 0; i < PAGES; i++)
		if (!take(w, i % 2))
			return false;
	return true;
}

static const struct event fill = { .kind = EVENT_ALLOC, .cpu = 1, .migratetype = 1 };

static unsigned int drains_of(struct world *w)
{
	struct replay_model *m = replay_model_clone(w->model);
	unsigned int count = 0;

	assert_non_null(m);
	while (replay_model_stand(m, 0, count)) {
		count++;
		replay_model_destroy(m);
		m = replay_model_clone(w->model);
		assert_non_null(m);
	}
	replay_model_destroy(m);
	return count;
}

/* For all that is known, it was carried out before. */
static void test_what_waits_is_carried_out_when_another_cpu_looks(void **state)
{
	struct world *w = start(1, false);
	unsigned int drains = drains_of(w);

	(void)state;
	assert_true(drains >= 2);
	assert_int_equal(replay_model_may_stand(w->model, &fill, 0), 0);
	assert_true(agrees(w, drains));
	finish(w);
}

static void test_a_cpu_may_stand_still_before_each_drain(void **state)
{
	struct world *w = start(1, false);
	unsigned int drains = drains_of(w);

	(void)state;
	finish(w);
	for (unsigned int count = 0; count < drains; count++) {
		w = start(1, false);
		assert_true(replay_model_stand(w->model, 0, count));
		assert_int_equal(replay_model_may_stand(w->model, &fill, 0), CPUS);
		assert_true(agrees(w, count));
		finish(w);
		/* Whoever does not know it is wrong. */
		w = start(1, false);
		assert_false(agrees(w, count));
		replay_model_correct(w->model, &w->last, REPLAY_BY_STATE);
		finish(w);
	}
}

/* A page that is handed out to someone else was freed: its CPU does not stand still. */
static void test_a_page_that_is_seen_does_not_wait(void **state)
{
	struct world *w = start(1, false);
	struct event e = fill;

	(void)state;
	assert_true(replay_model_stand(w->model, 0, 0));
	e.pfn = w->pages[PAGES - 1];
	replay_model_event(w->model, &e);
	assert_true(w->model->wrong);
	assert_int_not_equal(w->model->cpus[0].free_count, 0);
	replay_model_see(w->model, &e);
	assert_int_equal(w->model->cpus[0].free_count, 0);
	replay_model_correct(w->model, &e, REPLAY_BY_STATE);
	finish(w);
}

/*
 * What interrupts free is no batch, nor is anything where each page is announced as it is freed; and who takes a page
 * off a list looks at no other.
 */
static void test_nothing_waits(void **state)
{
	struct world *w = start(1, false);
	struct event e = { .kind = EVENT_FREE, .context = EVENT_CONTEXT_INTERRUPT };

	(void)state;
	assert_true(replay_frees_wait(w->model, &(struct event){ .kind = EVENT_FREE }));
	assert_false(replay_frees_wait(w->model, &e));
	assert_true(agrees(w, drains_of(w)));
	for (unsigned int i = 0; i < PAGES; i++) {
		e = (struct event){ .kind = EVENT_FREE, .pfn = w->pages[i] };
		replay_model_event(w->model, &e);
	}
	assert_true(page_alloc_set(&w->model->alloc, 0, 1)->lists[1].count);
	assert_int_equal(replay_model_may_stand(w->model, &fill, 0), CPUS);
	finish(w);
	for (unsigned int i = 0; i < 2; i++) {
		w = start(i, i);
		assert_int_equal(replay_model_may_stand(w->model, &fill, 0), CPUS);
		finish(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_waits_is_carried_out_when_another_cpu_looks),
		cmocka_unit_test(test_a_cpu_may_stand_still_before_each_drain),
		cmocka_unit_test(test_a_page_that_is_seen_does_not_wait),
		cmocka_unit_test(test_nothing_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
