/* SPDX-License-Identifier: MIT */
/*
 * Turns between CMA areas and the rest that the model did not expect.  The kernel is a second allocator, of which the
 * statistics worker folds what its CPU has counted, or which has pages more:
 *
 *	kernel	[ m m m c c c c c c c m m m m m m m c ... ]
 *	model	[ m m m m m m m c c c c c c c m m m m ... ]	the fourth page is not the one that was named
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

enum { BATCH = 31, HIGH = 100, THRESHOLD = 6, RAW_CMA = 4 };

struct world {
	struct one_model one;
	struct replay_model *model;
	struct one_kernel kernel;
	struct alloc_events told;
	unsigned int misses; /* pages, and with fills that are told those of fills */
};

/* Half of the zone is a CMA area. */
static void add_cma(struct page_alloc *a)
{
	a->rules.cma = true;
	a->zones[0].stat_threshold = THRESHOLD;
	for (pfn_t pfn = START; pfn < START + 0x2000; pfn += 1ULL << a->buddy->pageblock_order) {
		buddy_set_block_type(a->buddy, 0, pfn, MIGRATE_CMA);
		buddy_move_block(a->buddy, 0, pfn, MIGRATE_CMA, true);
	}
}

static struct world *start(uint32_t version, bool told)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct stage_sizes sizes = { BATCH, HIGH, HIGH, HIGH };

	assert_non_null(w);
	one_model_make(&w->one, version, START, 1, sizes);
	w->model = w->one.model;
	w->one.setup.types[RAW_CMA] = MIGRATE_CMA;
	if (told)
		w->one.setup.kinds |= 1u << EVENT_ZONE_LOCKED;
	one_kernel_make(&w->kernel, &w->one, version, START, 1, sizes);
	if (told)
		w->kernel.alloc.events = &w->told;
	add_cma(&w->kernel.alloc);
	add_cma(&w->model->alloc);
	return w;
}

static void finish(struct world *w)
{
	one_kernel_deinit(&w->kernel);
	one_model_deinit(&w->one);
	free(w->told.events);
	free(w);
}

static void tell(struct world *w, const struct event *e)
{
	if (replay_model_event(w->model, e)->miss == REPLAY_HIT)
		return;
	w->misses++;
	if (e->kind == EVENT_ALLOC)
		assert_true(replay_model_correct(w->model, e, REPLAY_BY_STATE));
}

/* The kernel gives @count movable pages. */
static void take(struct world *w, unsigned int count)
{
	const struct alloc_request req = { .type = MIGRATE_MOVABLE,
					   .highest = ZONE_MOVABLE,
					   .flags = ALLOC_CMA };
	struct event e = { .kind = EVENT_ALLOC, .migratetype = 1 };

	while (count--) {
		w->told.count = 0;
		e.pfn = page_alloc_get(&w->kernel.alloc, &req, NULL);
		assert_int_not_equal(e.pfn, PFN_NONE);
		for (uint32_t i = 0; i < w->told.count; i++) {
			struct event *told = &w->told.events[i];
			bool cma = buddy_block_type(w->kernel.alloc.buddy, 0, told->pfn) ==
				   MIGRATE_CMA;

			told->migratetype = cma ? RAW_CMA : 1;
			tell(w, told);
		}
		tell(w, &e);
	}
}

static struct pageset *set_of(struct page_alloc *a)
{
	return page_alloc_set(a, 0, 0);
}

/* The statistics worker: all that a CPU counted is seen.  Some of it is of what the CPU did just behind. */
static void a_fold_is_found(void **state)
{
	static const uint32_t versions[] = { FACTS_VERSION(6, 12, 0), FACTS_VERSION(7, 2, 0) };

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		struct world *w = start(versions[i / 4], i & 1);
		int32_t free = i & 2 ? -4 : 0, cma = i & 2 ? -1 : 0;
		unsigned int folds = 0;

		take(w, 20 * BATCH);
		assert_int_equal(w->misses, 0);
		for (unsigned int n = 0; n < 40; n++) {
			struct pageset *set = set_of(&w->kernel.alloc);

			take(w, 4 * BATCH);
			folds += set->diff.free != free || set->diff.cma != cma;
			set->diff = (struct stat_diff){ free, cma };
		}
		take(w, 4 * BATCH);
		assert_in_range(w->misses, 1, i & 2 ? 3 * folds : folds);
		finish(w);
	}
}

/* The kernel counts more pages as free than are known, or less; one after the other shows at first. */
static void other_counts_are_learned(void **state)
{
	enum { OTHER = 20 };
	static const uint32_t versions[] = { FACTS_VERSION(6, 1, 0), FACTS_VERSION(6, 12, 0) };

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		struct world *w = start(versions[i / 4], i & 1);

		w->kernel.alloc.zones[0].seen_more = i & 2 ? OTHER : -OTHER;
		take(w, 40 * BATCH);
		assert_in_range(w->misses, 1, OTHER);
		w->misses = 0;
		take(w, 40 * BATCH);
		assert_int_equal(w->misses, 0);
		finish(w);
	}
}

/* Blocks that come in another order leave the turns as they were. */
static void turns_go_on_behind_a_miss(void **state)
{
	struct world *w = start(FACTS_VERSION(6, 12, 0), true);
	struct buddy *b = w->kernel.alloc.buddy;
	struct buddy_block block;

	(void)state;
	take(w, 20 * BATCH);
	assert_int_equal(w->misses, 0);
	for (unsigned int type = MIGRATE_MOVABLE; type <= MIGRATE_CMA;
	     type += MIGRATE_CMA - MIGRATE_MOVABLE) {
		assert_true(buddy_find(b, 0, buddy_head(b, 0, b->max_order, type), &block));
		buddy_move(b, 0, &block, type, true);
	}
	take(w, 100 * BATCH);
	assert_in_range(w->misses, 1, 3);
	finish(w);
}

/* The last block of a fill is another than was thought: the fill is over all the same, and counted. */
static void a_fill_ends_with_a_miss(void **state)
{
	const struct alloc_request req = { .type = MIGRATE_MOVABLE,
					   .highest = ZONE_MOVABLE,
					   .flags = ALLOC_CMA };
	struct world *w = start(FACTS_VERSION(6, 1, 0), true);

	(void)state;
	/* No turn of CMA, as others than are known are free. */
	w->kernel.alloc.zones[0].seen_more = w->model->alloc.zones[0].seen_more = 0x4000;
	assert_int_not_equal(page_alloc_get(&w->kernel.alloc, &req, NULL), PFN_NONE);
	assert_int_equal(w->told.count, BATCH);
	for (uint32_t i = 0; i < w->told.count; i++) {
		if (i == w->told.count - 1)
			w->told.events[i].pfn += BATCH;
		w->told.events[i].migratetype = 1;
		tell(w, &w->told.events[i]);
	}
	assert_int_equal(w->misses, 1);
	assert_int_equal(set_of(&w->model->alloc)->diff.free, 0);
	finish(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fold_is_found),
		cmocka_unit_test(other_counts_are_learned),
		cmocka_unit_test(turns_go_on_behind_a_miss),
		cmocka_unit_test(a_fill_ends_with_a_miss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
