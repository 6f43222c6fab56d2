/* SPDX-License-Identifier: MIT */
/* Small stories of a few pages, and what is to be found in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/follow.h"

/* Memory 0x1000 ... 0x2000 and 0x3000 ... 0x4000, two CPUs. */
struct fixture {
	struct machine m;
	struct node_range ranges[2];
	struct cma_area area; /* 0x3000 ... 0x3100 */
	struct follow *follow;
	uint64_t line;
	struct follow_finding last;
	uint32_t count; /* findings */
};

static void on_withdrawn(void *ctx, enum impossible what)
{
	struct fixture *f = ctx;

	f->count -= (uint32_t)follow_stats(f->follow)->findings[what];
}

static void on_finding(void *ctx, const struct follow_finding *finding)
{
	struct fixture *f = ctx;

	f->last = *finding;
	f->count++;
}

static struct fixture *start(const char *version, uint32_t kinds)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct follow_options options = { .kinds = kinds,
					  .cpu_count = 2,
					  .found = on_finding,
					  .withdrawn = on_withdrawn,
					  .ctx = f };
	uint32_t v;

	assert_non_null(f);
	machine_init(&f->m);
	assert_true(facts_parse_version(version, &v));
	facts_init(&f->m.facts, v);
	arch_config_default(ARCH_X86_64, false, &f->m.config);
	f->ranges[0] = (struct node_range){ .start = 0x1000, .end = 0x2000 };
	f->ranges[1] = (struct node_range){ .start = 0x3000, .end = 0x4000 };
	f->m.ranges = f->ranges;
	f->m.range_count = 2;
	f->m.cma = &f->area;
	f->m.cma_count = 1;
	f->area.start = 0x3000ULL << f->m.config.page_shift;
	f->area.end = 0x3100ULL << f->m.config.page_shift;
	f->follow = follow_create(&f->m, &options);
	assert_non_null(f->follow);
	return f;
}

static void finish(struct fixture *f)
{
	const char *wrong = follow_check(f->follow);

	if (wrong)
		fail_msg("%s", wrong);
	assert_false(follow_out_of_memory(f->follow));
	follow_destroy(f->follow);
	f->m.ranges = NULL;
	f->m.cma = NULL;
	machine_deinit(&f->m);
	free(f);
}

/* An event of CPU 0 and task 1. */
static void event_of(struct fixture *f, enum event_kind kind, pfn_t pfn, unsigned int order,
		     int32_t pid)
{
	struct event e = { .kind = (uint8_t)kind,
			   .pfn = pfn,
			   .order = (uint8_t)order,
			   .pid = pid,
			   .line = ++f->line };

	follow_event(f->follow, &e);
}

static void event(struct fixture *f, enum event_kind kind, pfn_t pfn, unsigned int order)
{
	event_of(f, kind, pfn, order, 1);
}

static void expect(const struct fixture *f, uint32_t count, enum impossible what, pfn_t page,
		   uint64_t line_before)
{
	assert_int_equal(f->count, count);
	assert_string_equal(impossible_name(f->last.what), impossible_name(what));
	assert_int_equal(f->last.page, page);
	assert_int_equal(f->last.line_before, line_before);
	assert_int_equal(f->last.index, f->last.event.line - 1);
}

/*
 * Before 5.13 a single page that was freed is on a page set, which only an event takes it from.  But a larger
 * block is on the free lists at once, and a contiguous area is isolated now and then, so that its pages are:
 *
 *	freed		[ order 9 ]		[ 0 ][ 1 ]		[ 0 ][ 1 ] of an area
 *	freed again	  page by page, both	  both: one too many	  both
 */
static void test_contiguous_allocations(void **state)
{
	struct fixture *f = start("5.10", 0);

	(void)state;
	event(f, EVENT_FREE, 0x1000, 9);
	event(f, EVENT_FREE, 0x1010, 0);
	event(f, EVENT_FREE, 0x1011, 0);
	follow_end(f->follow);
	assert_int_equal(f->count, 0);
	event(f, EVENT_FREE, 0x1010, 0);
	event(f, EVENT_FREE, 0x1011, 0);
	follow_end(f->follow);
	assert_int_equal(f->count, 2);
	expect(f, 2, IMPOSSIBLE_FREE, 0x1011, 3);
	event(f, EVENT_FREE, 0x3010, 0);
	event(f, EVENT_FREE, 0x3011, 0);
	event(f, EVENT_FREE, 0x3010, 0);
	event(f, EVENT_FREE, 0x3011, 0);
	follow_end(f->follow);
	assert_int_equal(f->count, 2);
	finish(f);
	/* From 5.14 on page sets hold such blocks, too. */
	f = start("6.1", 0);
	event(f, EVENT_FREE, 0x1000, 3);
	assert_int_equal(follow_page(f->follow, 0x1000), FOLLOW_FREE);
	event(f, EVENT_FREE, 0x1000, 3);
	event(f, EVENT_FREE, 0x1200, 9);
	assert_int_equal(follow_page(f->follow, 0x1200), FOLLOW_FREE);
	event(f, EVENT_FREE, 0x1400, 8);
	assert_int_equal(follow_page(f->follow, 0x1400), FOLLOW_LISTED);
	follow_end(f->follow);
	assert_int_equal(f->count, 1);
	finish(f);
}

static void test_a_good_life(void **state)
{
	struct fixture *f = start("6.1", 0);
	const struct follow_stats *s = follow_stats(f->follow);

	(void)state;
	event(f, EVENT_ZONE_LOCKED, 0x1004, 2);
	assert_int_equal(follow_page(f->follow, 0x1007), FOLLOW_TAKEN);
	event(f, EVENT_ALLOC, 0x1004, 2);
	assert_int_equal(s->pages[FOLLOW_IN_USE], 4);
	event(f, EVENT_FREE, 0x1004, 2);
	event(f, EVENT_FREE_BATCHED, 0x1004, 2);
	assert_int_equal(follow_page(f->follow, 0x1004), FOLLOW_FREE);
	event(f, EVENT_PCPU_DRAIN, 0x1004, 2);
	assert_int_equal(follow_page(f->follow, 0x1004), FOLLOW_LISTED);
	event(f, EVENT_ZONE_LOCKED, 0x1000, 3);
	event(f, EVENT_ALLOC, 0x1000, 3);
	event(f, EVENT_ALLOC, PFN_NONE, 9);
	event(f, EVENT_FREE, 0x1002, 1);
	event(f, EVENT_FREE, 0x3000, 0);
	follow_end(f->follow);
	assert_int_equal(f->count, 0);
	assert_int_equal(s->exact, 1);
	assert_int_equal(s->pieces, 1);
	assert_int_equal(s->ghosts, 1);
	assert_int_equal(s->failed, 1);
	assert_int_equal(s->pages[FOLLOW_IN_USE], 6);
	assert_int_equal(s->pages[FOLLOW_UNKNOWN], 0);
	assert_int_equal(s->in_use_max, 8);
	/* Two chunks of 1024 pages, 8 bytes each. */
	assert_int_equal(follow_memory_bytes(f->follow), 2 * 1024 * 8);
	finish(f);
}

static void test_in_use(void **state)
{
	struct fixture *f = start("6.1", 0);

	(void)state;
	event(f, EVENT_ALLOC, 0x1003, 0);
	event(f, EVENT_ALLOC, 0x1000, 2);
	expect(f, 1, IMPOSSIBLE_IN_USE, 0x1003, 1);
	event(f, EVENT_ZONE_LOCKED, 0x1001, 0);
	expect(f, 2, IMPOSSIBLE_IN_USE, 0x1001, 2);
	event(f, EVENT_PCPU_DRAIN, 0x1000, 0);
	expect(f, 3, IMPOSSIBLE_IN_USE, 0x1000, 2);
	event(f, EVENT_EXTFRAG, 0x1002, 0);
	expect(f, 4, IMPOSSIBLE_IN_USE, 0x1002, 2);
	event(f, EVENT_FREE_BATCHED, 0x1002, 0);
	expect(f, 5, IMPOSSIBLE_BATCHED, 0x1002, 2);
	finish(f);
}

/* What a trace has no events of cannot be missed in it: more than a few findings are none. */
static void test_one_kind_alone(void **state)
{
	static const struct {
		enum event_kind kind, other;
		uint32_t found;
	} cases[] = {
		{ EVENT_ALLOC, EVENT_FREE, 1 },
		{ EVENT_ZONE_LOCKED, EVENT_PCPU_DRAIN, 0 },
		{ EVENT_PCPU_DRAIN, EVENT_ZONE_LOCKED, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture *f = start("5.10", 0);

		for (unsigned int times = 0; times < 10; times++)
			event(f, cases[i].kind, 0x1000, 0);
		assert_int_equal(f->count, 9);
		for (unsigned int times = 0; times < 100; times++)
			event(f, cases[i].kind, 0x1000, 0);
		assert_int_equal(f->count, 0);
		/* Now it does have them. */
		event(f, cases[i].other, 0x3000, 0);
		event(f, cases[i].kind, 0x1000, 0);
		assert_int_equal(f->count, cases[i].found);
		finish(f);
		f = start("5.10", UINT32_MAX & ~(1U << cases[i].other));
		event(f, cases[i].kind, 0x1000, 0);
		event(f, cases[i].kind, 0x1000, 0);
		assert_int_equal(f->count, 0);
		finish(f);
	}
}

/* Up to 4.14 the batch is told first. */
static void test_batched_before_free(void **state)
{
	struct fixture *f = start("4.4", 0);

	(void)state;
	event(f, EVENT_ALLOC, 0x1000, 0);
	event(f, EVENT_FREE_BATCHED, 0x1000, 0);
	event(f, EVENT_FREE, 0x1000, 0);
	assert_int_equal(f->count, 0);
	finish(f);
}

static void test_lists(void **state)
{
	struct fixture *f = start("6.1", 0);

	(void)state;
	event(f, EVENT_ZONE_LOCKED, 0x1000, 0);
	event(f, EVENT_ZONE_LOCKED, 0x1000, 0);
	expect(f, 1, IMPOSSIBLE_TAKEN, 0x1000, 1);
	event(f, EVENT_PCPU_DRAIN, 0x1000, 0);
	event(f, EVENT_PCPU_DRAIN, 0x1000, 0);
	expect(f, 2, IMPOSSIBLE_LISTED, 0x1000, 3);
	finish(f);
}

static void test_shapes(void **state)
{
	struct fixture *f = start("6.1", 0);
	struct event odd = { .kind = EVENT_FREE, .pfn = 0x1000, .cpu = 2 };

	(void)state;
	event(f, EVENT_ALLOC, 0x2000, 0);
	expect(f, 1, IMPOSSIBLE_OUTSIDE, 0x2000, 0);
	event(f, EVENT_FREE, 0xfffffffffffffffeULL, 1);
	expect(f, 2, IMPOSSIBLE_OUTSIDE, 0xfffffffffffffffeULL, 0);
	/* Only an allocation can be of no page: it failed. */
	event(f, EVENT_FREE, PFN_NONE, 0);
	expect(f, 3, IMPOSSIBLE_OUTSIDE, PFN_NONE, 0);
	event(f, EVENT_ALLOC, 0x1000, 11);
	expect(f, 4, IMPOSSIBLE_ORDER, PFN_NONE, 0);
	event(f, EVENT_ALLOC, 0x1001, 1);
	expect(f, 5, IMPOSSIBLE_MISALIGNED, PFN_NONE, 0);
	follow_event(f->follow, &odd);
	assert_string_equal(impossible_name(f->last.what), "cpu");
	odd.cpu = 0;
	odd.migratetype = 9;
	follow_event(f->follow, &odd);
	assert_string_equal(impossible_name(f->last.what), "type");
	assert_int_equal(follow_memory_bytes(f->follow), 0);
	finish(f);
}

/* A page freed twice, by the same task, between frees of pages in use. */
static void free_twice(struct fixture *f)
{
	event(f, EVENT_ALLOC, 0x1000, 0);
	event(f, EVENT_ALLOC, 0x1001, 0);
	event(f, EVENT_ALLOC, 0x1002, 0);
	event(f, EVENT_FREE, 0x1000, 0);
	event(f, EVENT_FREE, 0x1001, 0);
	event(f, EVENT_FREE, 0x1001, 0);
	event(f, EVENT_FREE, 0x1002, 0);
	follow_end(f->follow);
}

static void test_free_of_free(void **state)
{
	static const char *const versions[] = { "4.4", "5.10", "6.1", "7.2" };

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		struct fixture *f = start(versions[i], 0);

		free_twice(f);
		expect(f, 1, IMPOSSIBLE_FREE, 0x1001, 5);
		assert_int_equal(f->last.event.line, 6);
		finish(f);
		f = start(versions[i], 1U << EVENT_ALLOC | 1U << EVENT_FREE);
		free_twice(f);
		expect(f, 1, IMPOSSIBLE_FREE, 0x1001, 5);
		finish(f);
	}
}

/* Four pages are freed, handed out in bulk, and freed again; the same without bulk allocation. */
static void free_group_twice(struct fixture *f)
{
	for (pfn_t pfn = 0x1000; pfn < 0x1004; pfn++)
		event(f, EVENT_ALLOC, pfn, 0);
	for (pfn_t pfn = 0x1000; pfn < 0x1004; pfn++)
		event(f, EVENT_FREE, pfn, 0);
	for (pfn_t pfn = 0x1004; pfn-- > 0x1000;)
		event(f, EVENT_FREE, pfn, 0);
	follow_end(f->follow);
}

static void test_bulk(void **state)
{
	struct fixture *f = start("6.1", 0);

	(void)state;
	free_group_twice(f);
	assert_int_equal(f->count, 0);
	assert_int_equal(follow_stats(f->follow)->silent, 4);
	finish(f);
	f = start("5.10", 0);
	free_group_twice(f);
	assert_int_equal(f->count, 4);
	assert_int_equal(follow_stats(f->follow)->silent, 0);
	finish(f);
}

/* What was on the free lists may have been taken by compaction. */
static void test_compaction(void **state)
{
	struct fixture *f = start("5.10", 0);

	(void)state;
	event(f, EVENT_PCPU_DRAIN, 0x1000, 0);
	event(f, EVENT_PCPU_DRAIN, 0x1002, 1);
	event(f, EVENT_FREE, 0x1000, 0);
	event(f, EVENT_FREE, 0x1002, 1);
	assert_int_equal(f->count, 0);
	assert_int_equal(follow_stats(f->follow)->silent, 2);
	finish(f);
}

/* A finding explains nothing; and what is alone at the end stays alone. */
static void test_alone(void **state)
{
	struct fixture *f = start("5.10", 0);

	(void)state;
	event(f, EVENT_ALLOC, 0x1000, 0);
	event(f, EVENT_PCPU_DRAIN, 0x1001, 0);
	event(f, EVENT_FREE, 0x1000, 0);
	event(f, EVENT_FREE, 0x1000, 0);
	expect(f, 1, IMPOSSIBLE_FREE, 0x1000, 3);
	event(f, EVENT_FREE, 0x1001, 0);
	assert_int_equal(f->count, 1);
	follow_end(f->follow);
	assert_int_equal(f->count, 2);
	assert_int_equal(f->last.event.line, 5);
	finish(f);
}

/* Blocks that page sets do not hold are given to memory that goes offline, and freed again when it comes back. */
static void test_large_blocks(void **state)
{
	struct fixture *f = start("6.12", 0);

	(void)state;
	event(f, EVENT_ALLOC, 0x3000, 0);
	event(f, EVENT_FREE, 0x1000, 10);
	event(f, EVENT_FREE, 0x1400, 10);
	event(f, EVENT_FREE, 0x1000, 10);
	event(f, EVENT_FREE, 0x1400, 10);
	follow_end(f->follow);
	assert_int_equal(f->count, 0);
	assert_int_equal(follow_stats(f->follow)->silent, 2);
	finish(f);
}

/* From 6.10 on a fallback hands a block out itself, so that it can be drained once more. */
static void test_fallback_gives(void **state)
{
	static const struct {
		const char *version;
		uint32_t found;
	} cases[] = { { "6.1", 1 }, { "6.12", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture *f = start(cases[i].version, 0);

		event(f, EVENT_ZONE_LOCKED, 0x3000, 0);
		event(f, EVENT_PCPU_DRAIN, 0x1000, 0);
		event(f, EVENT_EXTFRAG, 0x1000, 0);
		event(f, EVENT_PCPU_DRAIN, 0x1000, 0);
		assert_int_equal(f->count, cases[i].found);
		finish(f);
	}
	/* Where fallbacks are not recorded there may have been one. */
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture *f = start(cases[i].version,
					  (1U << EVENT_KIND_COUNT) - 1 - (1U << EVENT_EXTFRAG));

		event(f, EVENT_ZONE_LOCKED, 0x3000, 0);
		event(f, EVENT_PCPU_DRAIN, 0x1000, 0);
		event(f, EVENT_PCPU_DRAIN, 0x1000, 0);
		assert_int_equal(f->count, cases[i].found);
		finish(f);
	}
}

/* What an interrupt frees is not its task's. */
static void test_interrupt_and_task(void **state)
{
	struct event e = { .kind = EVENT_ALLOC, .pfn = 0x1000, .pid = 1 };
	struct fixture *f = start("6.1", 0);

	(void)state;
	follow_event(f->follow, &e);
	e.kind = EVENT_FREE;
	e.context = EVENT_CONTEXT_TOLD | EVENT_CONTEXT_INTERRUPT;
	follow_event(f->follow, &e);
	e.context = EVENT_CONTEXT_TOLD;
	follow_event(f->follow, &e);
	follow_end(f->follow);
	assert_int_equal(f->count, 0);
	assert_int_equal(follow_stats(f->follow)->silent, 1);
	finish(f);
}

static void test_another_task(void **state)
{
	struct fixture *f = start("6.1", 0);

	(void)state;
	event(f, EVENT_ALLOC, 0x1000, 0);
	event(f, EVENT_FREE, 0x1000, 0);
	event_of(f, EVENT_FREE, 0x1000, 0, 2);
	event_of(f, EVENT_ALLOC, 0x1001, 0, 2);
	assert_int_equal(f->count, 0);
	/* A task that is not told is no other. */
	event_of(f, EVENT_FREE, 0x1000, 0, -1);
	event_of(f, EVENT_ALLOC, 0x1002, 0, 2);
	assert_int_equal(f->count, 1);
	finish(f);
}

/* A task frees a page twice, which another one may have had meanwhile and passed on to it. */
static void test_a_page_that_came_back(void **state)
{
	static const struct {
		const char *version;
		unsigned int findings;
	} rows[] = { { "6.1", 0 }, { "5.10", 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture *f = start(rows[i].version, 0);

		event_of(f, EVENT_ALLOC, 0x1000, 0, 1);
		event_of(f, EVENT_FREE, 0x1000, 0, 1);
		event_of(f, EVENT_ALLOC, 0x1001, 0, 2);
		event_of(f, EVENT_FREE, 0x1000, 0, 1);
		event_of(f, EVENT_ALLOC, 0x1002, 0, 1);
		assert_int_equal(f->count, rows[i].findings);
		/* Nobody else was there since. */
		event_of(f, EVENT_FREE, 0x1000, 0, 1);
		event_of(f, EVENT_FREE, 0x1002, 0, 1);
		assert_int_equal(f->count, rows[i].findings + 1);
		finish(f);
	}
}

/* Compaction moves the pages of tasks one by one: between two of them are others. */
static void test_compaction_of_one(void **state)
{
	struct fixture *f = start("5.10", 0);

	(void)state;
	event_of(f, EVENT_PCPU_DRAIN, 0x1000, 0, 1);
	event_of(f, EVENT_ALLOC, 0x1800, 0, 2);
	event_of(f, EVENT_FREE, 0x1000, 0, 2);
	event_of(f, EVENT_FREE, 0x1800, 0, 2);
	assert_int_equal(f->count, 0);
	assert_int_equal(follow_stats(f->follow)->silent, 1);
	/* The task that freed it last frees it once more. */
	event_of(f, EVENT_PCPU_DRAIN, 0x1000, 0, 2);
	event_of(f, EVENT_FREE, 0x1000, 0, 2);
	event_of(f, EVENT_ALLOC, 0x1800, 0, 2);
	assert_int_equal(f->count, 1);
	finish(f);
}

/* Who filled the list says nothing of who is handed its pages in bulk. */
static void test_off_list(void **state)
{
	static const struct {
		const char *version;
		unsigned int findings;
	} rows[] = { { "6.1", 0 }, { "5.10", 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture *f = start(rows[i].version, 0);

		event_of(f, EVENT_ZONE_LOCKED, 0x1000, 0, 1);
		event_of(f, EVENT_FREE, 0x1000, 0, 1);
		event_of(f, EVENT_ALLOC, 0x1001, 0, 1);
		assert_int_equal(f->count, rows[i].findings);
		assert_int_equal(follow_stats(f->follow)->silent, !rows[i].findings);
		finish(f);
	}
}

static void test_gap(void **state)
{
	struct fixture *f = start("5.10", 0);

	(void)state;
	event(f, EVENT_ALLOC, 0x1000, 0);
	event(f, EVENT_LOST, PFN_NONE, 0);
	assert_int_equal(follow_page(f->follow, 0x1000), FOLLOW_UNKNOWN);
	event(f, EVENT_ALLOC, 0x1000, 0);
	assert_int_equal(f->count, 0);
	assert_int_equal(follow_stats(f->follow)->gaps, 1);
	assert_int_equal(follow_stats(f->follow)->events, 2);
	/* What was freed just before may be among what was lost. */
	event(f, EVENT_LOST, PFN_NONE, 0);
	event(f, EVENT_PCPU_DRAIN, 0x1000, 0);
	event(f, EVENT_FREE, 0x1000, 0);
	follow_end(f->follow);
	assert_int_equal(f->count, 0);
	finish(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_good_life),
		cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_one_kind_alone),
		cmocka_unit_test(test_batched_before_free),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_free_of_free),
		cmocka_unit_test(test_bulk),
		cmocka_unit_test(test_compaction),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_large_blocks),
		cmocka_unit_test(test_fallback_gives),
		cmocka_unit_test(test_interrupt_and_task),
		cmocka_unit_test(test_another_task),
		cmocka_unit_test(test_a_page_that_came_back),
		cmocka_unit_test(test_compaction_of_one),
		cmocka_unit_test(test_off_list),
		cmocka_unit_test(test_contiguous_allocations),
		cmocka_unit_test(test_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
