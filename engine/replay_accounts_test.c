/* SPDX-License-Identifier: MIT */
/*
 * Which accounts are followed on.  A replay is put together by hand: its models are copies of one, with as many
 * misses, and lists, as each test gives them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/pageset.h"
#include "engine/replay_internal.h"
#include "engine/testing/one_zone.h"

#define START 0x10000

enum { BATCH = 8, HIGH = 64 };

struct world {
	struct facts facts;
	struct arch_config config;
	struct node node;
	struct buddy lists;
	struct page_alloc unused;
	struct machine late;
	struct replay replay;
};

static struct world *start_with(uint32_t cpu_count)
{
	struct world *w = calloc(1, sizeof(*w));
	struct replay_setup *s;
	uint8_t distance = 10;

	assert_non_null(w);
	s = &w->replay.setup;
	one_zone_make(FACTS_VERSION(6, 1, 0), START, &w->facts, &w->config, &w->node, &w->lists,
		      &w->unused);
	w->late.nodes = &w->node;
	w->late.node_count = 1;
	zonelists_build(&w->late.zonelists, &w->node, 1, &distance, NULL, &w->config, &w->facts);
	s->late = &w->late;
	s->config = &w->config;
	s->facts = &w->facts;
	gfp_table_init(&s->gfp, &w->facts);
	for (unsigned int i = 0; i < MIGRATE_TYPE_COUNT; i++)
		s->types[i] = migratetype_at(i, &w->config, &w->facts);
	s->kinds = 1u << EVENT_ALLOC | 1u << EVENT_FREE;
	s->cpu_count = cpu_count;
	s->from_boot = true;
	for (unsigned int i = 0; i < REPLAY_STAGES; i++) {
		s->sizes[i] = calloc(2, sizeof(struct stage_sizes));
		assert_non_null(s->sizes[i]);
		s->sizes[i][0] = (struct stage_sizes){ BATCH, HIGH, HIGH, HIGH };
	}
	w->replay.buddy = &w->lists;
	w->replay.models[0] = replay_model_create(s, &w->lists);
	assert_non_null(w->replay.models[0]);
	w->replay.model_count = w->replay.unite_every = 1;
	return w;
}

static struct world *start(void)
{
	return start_with(1);
}

static void finish(struct world *w)
{
	struct replay *r = &w->replay;

	assert_false(r->out_of_memory);
	assert_ptr_equal(r->models[0]->alloc.buddy, &w->lists);
	for (uint32_t i = 0; i < r->model_count; i++) {
		assert_null(replay_model_check(r->models[i]));
		replay_model_destroy(r->models[i]);
	}
	for (unsigned int i = 0; i < REPLAY_STAGES; i++)
		free(r->setup.sizes[i]);
	zonelists_deinit(&w->late.zonelists);
	page_alloc_deinit(&w->unused);
	buddy_deinit(&w->lists);
	free(w);
}

/* One more account, which differs from the first by @taken pages that someone has. */
static struct replay_model *add(struct world *w, uint64_t misses, unsigned int taken)
{
	struct replay *r = &w->replay;
	struct replay_model *m = replay_model_clone(r->models[0]);

	assert_non_null(m);
	m->misses = misses;
	for (unsigned int i = 0; i < taken; i++) {
		struct event e = { .kind = EVENT_ALLOC, .migratetype = 1, .pfn = START };

		e.pfn = replay_model_event(m, &e)->pfn;
		if (m->wrong)
			replay_model_correct(m, &e, REPLAY_BY_STATE);
	}
	r->models[r->model_count++] = m;
	return m;
}

static void test_the_best_is_believed_and_those_far_behind_go(void **state)
{
	struct world *w = start();
	struct replay *r = &w->replay;
	struct replay_model *first = r->models[0], *best = add(w, 2, 1), *near = add(w, 6, 2);

	(void)state;
	first->misses = 3;
	add(w, 7, 3);
	replay_sift(r);
	assert_int_equal(r->model_count, 3);
	assert_ptr_equal(r->models[0], best);
	assert_ptr_equal(r->models[1], first);
	assert_ptr_equal(r->models[2], near);
	finish(w);
}

/* However few there are: many that are alike would soon keep others out. */
static void test_equal_ones_are_one(void **state)
{
	struct world *w = start();
	struct replay *r = &w->replay;

	(void)state;
	r->models[0]->misses = 2;
	add(w, 3, 0);
	add(w, 3, 1);
	add(w, 4, 1);
	/* They came alike; those that become so are looked for as time goes by. */
	r->united = r->model_count;
	r->unite_at = 1;
	replay_sift(r);
	assert_int_equal(r->model_count, 4);
	r->index = 1;
	replay_sift(r);
	assert_int_equal(r->model_count, 2);
	assert_int_equal(r->models[0]->misses, 2);
	assert_int_equal(r->models[1]->misses, 3);
	/* At once, when several came. */
	add(w, 2, 0);
	add(w, 2, 0);
	replay_sift(r);
	assert_int_equal(r->model_count, 4);
	add(w, 2, 0);
	add(w, 2, 0);
	replay_sift(r);
	assert_int_equal(r->model_count, 2);
	finish(w);
}

/* Those that did worst go, the last that came first; and then there is room. */
static void test_there_is_room_for_more(void **state)
{
	struct world *w = start();
	struct replay *r = &w->replay;
	struct replay_model *kept, *copy;

	(void)state;
	while (r->model_count < MODELS_MAX - 2)
		add(w, 1, r->model_count);
	kept = add(w, 0, r->model_count);
	r->models[0]->misses = 1;
	add(w, 1, r->model_count);
	assert_null(replay_copy_account(r, r->models[0]));
	replay_sift(r);
	assert_int_equal(r->model_count, MODELS_MAX - MODELS_MAX / 4);
	assert_ptr_equal(r->models[0], kept);
	/* Those that came first stayed, as they were as good. */
	for (uint32_t i = 1; i < r->model_count - 1; i++)
		assert_int_equal(r->models[i]->alloc.sets[0].count, (BATCH - i % BATCH) % BATCH);
	copy = replay_copy_account(r, r->models[0]);
	assert_non_null(copy);
	replay_model_destroy(copy);
	finish(w);
}

/* A page that was taken in bulk, perhaps, is no reason to make more of one that is often wrong. */
static void test_nothing_is_made_of_those_behind(void **state)
{
	static const struct {
		uint64_t misses;
		bool tried;
	} cases[] = { { 1, true }, { 3, true }, { 4, false } };

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct world *w = start();
		struct replay *r = &w->replay;
		struct replay_model *m;
		struct event e = { .kind = EVENT_ALLOC, .pfn = START };
		struct replay_model *asked;

		r->models[0]->misses = 1;
		asked = add(w, 0, 0);
		/* The third page from now on. */
		e.pfn = replay_model_event(asked, &e)->pfn + 2;
		replay_model_destroy(asked);
		r->model_count--;
		m = add(w, cases[i].misses, 0);
		replay_model_event(m, &e);
		assert_true(m->wrong);
		replay_correct(r, 1, &e, true);
		assert_int_equal(r->model_count > 2, cases[i].tried);
		finish(w);
	}
}

/* Copies take time: when too many were made, things go on with what there is. */
static void test_copies_are_counted(void **state)
{
	struct world *w = start();
	struct replay *r = &w->replay;
	struct replay_model *copy = replay_copy_account(r, r->models[0]);

	(void)state;
	assert_non_null(copy);
	replay_model_destroy(copy);
	assert_int_equal(r->copies, 1);
	r->copies = 5000;
	assert_null(replay_copy_account(r, r->models[0]));
	add(w, 0, 1);
	add(w, 0, 2);
	replay_sift(r);
	assert_int_equal(r->model_count, 3);
	r->stats.kinds[EVENT_ALLOC] = 10000;
	copy = replay_copy_account(r, r->models[0]);
	assert_non_null(copy);
	replay_model_destroy(copy);
	finish(w);
}

/* ---- what interrupts free ------------------------------------------------------------------------ */

enum { TASK = 5, PAGES_MAX = 48 };

static void replay(struct world *w, enum event_kind kind, pfn_t pfn, uint8_t context)
{
	struct event e = {
		.kind = kind, .pfn = pfn, .pid = TASK, .context = EVENT_CONTEXT_TOLD | context
	};

	replay_event(&w->replay, &e);
}

/* A task takes @taken pages and gives @freed of them back, and an interrupt two others. */
static struct world *interrupt(unsigned int taken, unsigned int freed, uint8_t depth,
			       pfn_t pages[PAGES_MAX])
{
	struct world *w = start();
	struct replay *r = &w->replay;

	r->wanted = r->setup.kinds;
	r->credit = CREDIT_MAX;
	r->taken_over = r->boot_over = r->setup.interruptible = true;
	while (replay_model_has_next_stage(r->models[0]))
		replay_model_next_stage(r->models[0]);
	for (unsigned int i = 0; i < taken; i++) {
		struct replay_model *asked = add(w, 0, 0);
		struct event e = { .kind = EVENT_ALLOC, .pfn = START, .pid = TASK };

		pages[i] = replay_model_event(asked, &e)->pfn;
		replay_model_destroy(asked);
		r->model_count--;
		replay(w, EVENT_ALLOC, pages[i], depth);
	}
	assert_int_equal(r->models[0]->misses, 0);
	for (unsigned int i = 0; i < freed + 2; i++)
		replay(w, EVENT_FREE, pages[i],
		       i < freed ? depth : (uint8_t)(3 * depth + EVENT_CONTEXT_INTERRUPT));
	return w;
}

static bool is_listed(struct world *w, pfn_t pfn)
{
	return pageset_holds(&w->replay.models[0]->alloc, 0, pfn);
}

/* Whether they went past the page set matters for the next drain, if that is not far: both are followed. */
static void test_an_interrupt_may_meet_a_batch(void **state)
{
	pfn_t pages[PAGES_MAX];
	struct world *w = interrupt(PAGES_MAX, PAGES_MAX - 6, 0, pages);
	struct replay *r = &w->replay;

	(void)state;
	assert_int_equal(r->model_count, 2);
	replay(w, EVENT_ALLOC, pages[PAGES_MAX - 7], 0);
	assert_int_equal(r->models[0]->misses, 0);
	assert_false(is_listed(w, pages[PAGES_MAX - 6]));
	finish(w);
	/* It came later. */
	w = interrupt(PAGES_MAX, PAGES_MAX - 6, 0, pages);
	replay(w, EVENT_ALLOC, pages[PAGES_MAX - 5], 0);
	assert_int_equal(w->replay.models[0]->misses, 0);
	assert_true(is_listed(w, pages[PAGES_MAX - 6]));
	finish(w);
}

/* If it is far, it is found out in time: what lies above a page that comes went past the set, and nobody took it. */
static void test_a_lock_explains_what_is_missing(void **state)
{
	pfn_t pages[PAGES_MAX];
	struct world *w = interrupt(8, 4, 0, pages);
	struct event late = { .kind = EVENT_ALLOC, .pid = TASK + 1 };
	struct replay_model *m;

	(void)state;
	assert_int_equal(w->replay.model_count, 1);
	late.pfn = pages[3];
	replay_event(&w->replay, &late);
	m = w->replay.models[0];
	assert_int_equal(m->misses, 1);
	assert_false(is_listed(w, pages[4]) || is_listed(w, pages[5]));
	assert_int_equal(m->silent, 0);
	finish(w);
}

/* Where it is told how often a task may not be preempted, that tells what was locked. */
static void test_depth_tells_of_locks(void **state)
{
	pfn_t pages[PAGES_MAX];
	struct world *w =
		interrupt(PAGES_MAX, PAGES_MAX - 6, 1 << EVENT_CONTEXT_DEPTH_SHIFT, pages);

	(void)state;
	assert_int_equal(w->replay.model_count, 1);
	replay(w, EVENT_ALLOC, pages[PAGES_MAX - 5], 0);
	assert_int_equal(w->replay.models[0]->misses, 0);
	finish(w);
}

/*
 * A trace that begins late tells at last when lists are filled and drained; as it told of none before, what was freed
 * lies on the lists, though the model had taken page sets for those of a boot, which hold nothing:
 *
 *	freed a b c, b handed out		list [ c a ... ]
 */
static void test_what_was_freed_lies_on_lists(void **state)
{
	struct world *w = start();
	struct replay *r = &w->replay;
	struct page_alloc *a;
	struct event e = { .kind = EVENT_ALLOC, .pid = 1 };
	pfn_t pages[3];
	unsigned int index;
	uint32_t depth;

	(void)state;
	r->wanted = UINT32_MAX;
	r->credit = 1;
	for (unsigned int i = 0; i < 3; i++) {
		e.pfn = pages[i] = START + 0x40 + 2 * i;
		replay_event(r, &e);
	}
	e.kind = EVENT_FREE;
	for (unsigned int i = 0; i < 3; i++) {
		e.pfn = pages[i];
		replay_event(r, &e);
	}
	e.kind = EVENT_ALLOC;
	e.pfn = pages[1];
	replay_event(r, &e);
	replay_keep_one(r);
	a = &r->models[0]->alloc;
	pageset_drain(a, 0, page_alloc_set(a, 0, 0), page_alloc_set(a, 0, 0)->count, 0);
	e.kind = EVENT_ZONE_LOCKED;
	e.order = 1;
	e.pfn = START + 0x80;
	replay_event(r, &e);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(pageset_holds(a, 0, pages[i]), i != 1);
		if (i == 1)
			continue;
		assert_true(pageset_find(a, page_alloc_set(a, 0, 0), pages[i], &index, &depth));
		assert_int_equal(depth, i == 0);
	}
	buddy_deinit(&r->first);
	free(r->freed);
	finish(w);
}

/*
 * One CPU announced frees, which make it drain more than once; another one looks at the free lists, as @looks.  The
 * first may stand still before any of its drains: one account for each.
 */
static void stands_before(const struct event *looks)
{
	struct world *w = start_with(2);
	struct replay *r = &w->replay;
	struct event e = { .kind = EVENT_ALLOC, .migratetype = 1 };
	pfn_t pages[2 * HIGH];
	uint32_t standing = 0, waiting = UINT32_MAX;

	r->setup.free_rule = 1;
	while (replay_model_has_next_stage(r->models[0]))
		replay_model_next_stage(r->models[0]);
	for (unsigned int i = 0; i < 2 * HIGH; i++) {
		e.pfn = START;
		e.pfn = pages[i] = replay_model_event(r->models[0], &e)->pfn;
		if (r->models[0]->wrong)
			replay_model_correct(r->models[0], &e, REPLAY_BY_STATE);
	}
	e.kind = EVENT_FREE;
	for (unsigned int i = 0; i < 2 * HIGH; i++) {
		e.pfn = pages[i];
		replay_model_event(r->models[0], &e);
	}
	replay_branch(r, looks);
	for (uint32_t i = 0; i < r->model_count; i++) {
		const struct replay_cpu *c = &r->models[i]->cpus[0];

		if (!c->stands)
			continue;
		standing++;
		assert_true(c->free_count < waiting);
		waiting = c->free_count;
	}
	assert_in_range(standing, 2, 2 * HIGH / BATCH);
	assert_false(r->models[0]->cpus[0].stands);
	assert_int_not_equal(r->models[0]->cpus[0].free_count, 0);
	finish(w);
}

/* A list has to be filled; or a block too large for lists is freed, and lies above what is drained later. */
static void test_another_cpu_may_stand_still(void **state)
{
	const struct event fill = { .kind = EVENT_ALLOC, .cpu = 1, .migratetype = 1 };
	const struct event give = { .kind = EVENT_FREE, .cpu = 1, .pfn = START, .order = 4 };

	(void)state;
	stands_before(&fill);
	stands_before(&give);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_best_is_believed_and_those_far_behind_go),
		cmocka_unit_test(test_equal_ones_are_one),
		cmocka_unit_test(test_there_is_room_for_more),
		cmocka_unit_test(test_nothing_is_made_of_those_behind),
		cmocka_unit_test(test_copies_are_counted),
		cmocka_unit_test(test_an_interrupt_may_meet_a_batch),
		cmocka_unit_test(test_a_lock_explains_what_is_missing),
		cmocka_unit_test(test_depth_tells_of_locks),
		cmocka_unit_test(test_what_was_freed_lies_on_lists),
		cmocka_unit_test(test_another_cpu_may_stand_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
