/* SPDX-License-Identifier: MIT */
/* Bisections on the captures in the tree, and events made up for them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/migratetype.h"
#include "traces/bisect.h"
#include "traces/testing/check.h"

#define GUEST "traces/captures/boot-6.12-amd64-2g"
#define RING "traces/captures/boot-6.1-amd64-numa4-ring"

enum { EVENTS = 700 };

struct fixture {
	struct subject_file file;
	struct subject subject;
	struct event events[EVENTS];
	struct bisector b;
};

/* Requests of @order, none of which is ever freed. */
static struct fixture *start(const char *path, unsigned int order, const char *predicate)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	check_ok(subject_read(path, NULL, &f->file));
	f->subject = f->file.subject;
	for (uint64_t i = 0; i < EVENTS; i++)
		f->events[i] = (struct event){ .kind = EVENT_ALLOC,
					       .pfn = i << 10,
					       .order = (uint8_t)order,
					       .migratetype = MIGRATE_MOVABLE,
					       .gfp = 0x2 | 0x8 };
	f->subject.events = f->events;
	f->subject.event_count = EVENTS;
	check_ok(predicate_parse(predicate, &f->b.predicate));
	f->b.subject = &f->subject;
	return f;
}

static void finish(struct fixture *f)
{
	predicate_destroy(f->b.predicate);
	subject_file_deinit(&f->file);
	free(f);
}

/* ---- events ------------------------------------------------------------------------------------- */

static enum verdict of_first(struct fixture *f, uint32_t count)
{
	struct subject s = f->subject;
	struct judgement j;

	s.event_count = count;
	check_ok(predicate_test(f->b.predicate, &s, &j));
	return j.verdict;
}

/* No shorter part of the trace is bad: all of those near the event found, and some of the others, are tried. */
static void the_first_bad_event_is_found(void **state)
{
	static const char *const predicates[] = { "alloc-fails(order=10) > 0",
						  "alloc-fails(order=10) > 20",
						  "free-pages < 100000", "fallbacks > 0",
						  "lower-zone >= 2" };

	(void)state;
	for (size_t i = 0; i < sizeof(predicates) / sizeof(*predicates); i++) {
		struct fixture *f = start(GUEST, 10, predicates[i]);
		struct bisect_events found;

		check_ok(bisect_events(&f->b, &found));
		if (!bisect_ends_differ(&found.ends)) {
			/* This machine never comes to it. */
			assert_int_equal(of_first(f, EVENTS), VERDICT_GOOD);
			assert_int_equal(f->b.tests, 2);
			finish(f);
			continue;
		}
		assert_int_equal(of_first(f, found.bad), VERDICT_BAD);
		assert_int_equal(found.good, found.bad - 1);
		for (uint32_t n = 0; n < found.bad; n += n + 20 < found.bad ? 20 : 1)
			assert_int_equal(of_first(f, n), VERDICT_GOOD);
		assert_int_equal(found.at_bad.verdict, VERDICT_BAD);
		assert_int_equal(found.at_good.verdict, VERDICT_GOOD);
		assert_int_equal(found.unknown, 0);
		assert_true(f->b.tests <= 14);
		finish(f);
	}
}

static void ends_that_do_not_differ_are_told(void **state)
{
	struct fixture *f = start(GUEST, 0, "alloc-fails > 0");
	struct bisect_events found;

	(void)state;
	check_ok(bisect_events(&f->b, &found));
	assert_int_equal(found.ends.good.verdict, VERDICT_GOOD);
	assert_int_equal(found.ends.bad.verdict, VERDICT_GOOD);
	finish(f);
	f = start(GUEST, 0, "free-pages > 10");
	check_ok(bisect_events(&f->b, &found));
	assert_int_equal(found.ends.good.verdict, VERDICT_BAD);
	assert_int_equal(found.ends.bad.verdict, VERDICT_BAD);
	finish(f);
}

/*
 * Of some prefixes it cannot be told: what is found is good and bad with nothing but those between them.
 * The command looks at the size of the stored trace.
 */
static void what_cannot_be_told_is_gone_around(void **state)
{
	struct fixture *f = start(GUEST, 0, "free-pages < 0");
	struct sink_text stored[2] = { { 0 }, { 0 } };
	struct bisect_events found;
	char command[256];

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct subject s = f->subject;

		s.event_count = i ? 340 : 330;
		check_ok(subject_write(&s, "", sink_to_text(&stored[i])));
	}
	snprintf(
		command, sizeof(command),
		"exit f() { n=$(wc -c <\"$1\"); [ $n -lt %zu ] || { [ $n -ge %zu ] && exit 1; exit "
		"125; }; }; f",
		stored[0].len, stored[1].len + 1);
	predicate_destroy(f->b.predicate);
	f->b.predicate = NULL;
	check_ok(predicate_parse(command, &f->b.predicate));
	check_ok(bisect_events(&f->b, &found));
	assert_true(bisect_ends_differ(&found.ends));
	assert_int_equal(of_first(f, found.good), VERDICT_GOOD);
	assert_int_equal(of_first(f, found.bad), VERDICT_BAD);
	assert_true(found.good < found.bad);
	assert_true(found.unknown > 0);
	for (uint32_t i = found.good + 1; i < found.bad; i++)
		assert_int_equal(of_first(f, i), VERDICT_UNKNOWN);
	for (unsigned int i = 0; i < 2; i++)
		sink_text_deinit(&stored[i]);
	finish(f);
}

/* Of a scenario, the operation. */
static void the_first_bad_operation_is_found(void **state)
{
	struct fixture *f = start(GUEST, 0, "alloc-fails > 0");
	struct operation operations[40];
	struct bisect_events found;

	(void)state;
	memset(operations, 0, sizeof(operations));
	for (unsigned int i = 0; i < 40; i++)
		operations[i] = (struct operation){ .kind = OPERATION_ALLOC,
						    .order = i == 23 ? 14 : 3,
						    .type = MIGRATE_MOVABLE,
						    .highest = ZONE_NORMAL };
	f->subject.event_count = 0;
	f->subject.operations = operations;
	f->subject.operation_count = 40;
	check_ok(bisect_events(&f->b, &found));
	assert_true(found.operations);
	assert_true(bisect_ends_differ(&found.ends));
	assert_int_equal(found.good, 23);
	assert_int_equal(found.bad, 24);
	finish(f);
}

/* ---- facts -------------------------------------------------------------------------------------- */

static struct bisect_row row_of(const struct fixture *f, const char *version)
{
	struct bisect_row row = { .facts = f->file.subject.log.input.facts };

	if (version) {
		assert_true(facts_parse_version(version, &row.version));
		facts_init(&row.facts, row.version);
	}
	return row;
}

static void set(struct bisect_row *row, const char *assignment)
{
	assert_null(facts_set(&row->facts, assignment));
}

static void one_fact_of_many_is_found(void **state)
{
	struct fixture *f = start(RING, 0, "boot-differs(zoneinfo)");
	struct bisect_row good = row_of(f, NULL), bad = row_of(f, "5.10");
	struct bisect_facts found;

	(void)state;
	check_ok(bisect_facts(&f->b, &good, &bad, &found));
	assert_true(bisect_ends_differ(&found.ends));
	assert_true(found.differ > 40);
	assert_int_equal(found.count, 1);
	assert_false(found.more);
	assert_int_equal(found.causes[0].count, 1);
	assert_int_equal(found.causes[0].facts[0], FACT_pcp_high_from_low_wmark);
	assert_int_equal(found.causes[0].alone.verdict, VERDICT_BAD);
	assert_int_equal(found.causes[0].reverted.verdict, VERDICT_GOOD);
	bisect_facts_deinit(&found);
	finish(f);
}

/* Causes that do not need each other are found one after the other. */
static void every_cause_is_found(void **state)
{
	struct fixture *f = start(RING, 0, "boot-differs");
	struct bisect_row good = row_of(f, NULL), bad = good;
	const enum fact expected[] = { FACT_memmap_accounting, FACT_fallback_order_line,
				       FACT_pcp_high_from_low_wmark };
	struct bisect_facts found;

	(void)state;
	set(&bad, "fallback_order_line=off");
	set(&bad, "memmap_accounting=off");
	set(&bad, "pcp_high_from_low_wmark=off");
	/* And one that does nothing here. */
	set(&bad, "kernelcore_mirror=off");
	check_ok(bisect_facts(&f->b, &good, &bad, &found));
	assert_int_equal(found.differ, 4);
	assert_int_equal(found.count, 3);
	for (unsigned int i = 0; i < 3; i++) {
		bool known = false;

		assert_int_equal(found.causes[i].count, 1);
		for (unsigned int k = 0; k < 3; k++)
			known |= found.causes[i].facts[0] == expected[k];
		assert_true(known);
		assert_int_equal(found.causes[i].reverted.verdict,
				 i < 2 ? VERDICT_BAD : VERDICT_GOOD);
	}
	bisect_facts_deinit(&found);
	finish(f);
}

/*
 * Blocks of order 3 come from page sets only if these hold such orders, and how many a refill takes is another
 * fact: neither alone makes the free lists what both make them.
 */
static void facts_that_only_fail_together_are_found(void **state)
{
	struct fixture *f = start(GUEST, 3, "free-pages < 0");
	struct bisect_row good = row_of(f, "6.1"), bad = row_of(f, "5.10");
	struct bisect_facts found;
	struct judgement j;
	struct subject s;
	char figure[64], predicate[96];

	(void)state;
	f->subject.event_count = 1;
	set(&good, "pcp_high_orders=off");
	set(&good, "pcp_refill_rule=1");
	set(&bad, "pcp_high_orders=on");
	set(&bad, "pcp_refill_rule=0");
	s = bisect_subject(&f->b, &bad);
	check_ok(bisect_try(&f->b, &s, &j));
	assert_int_equal(sscanf(j.why, "free-pages: %32s", figure), 1);
	snprintf(predicate, sizeof(predicate), "free-pages == %s", figure);
	predicate_destroy(f->b.predicate);
	f->b.predicate = NULL;
	check_ok(predicate_parse(predicate, &f->b.predicate));
	check_ok(bisect_facts(&f->b, &good, &bad, &found));
	assert_true(bisect_ends_differ(&found.ends));
	assert_int_equal(found.count, 1);
	assert_int_equal(found.causes[0].count, 2);
	assert_int_equal(found.causes[0].facts[0] + found.causes[0].facts[1],
			 FACT_pcp_high_orders + FACT_pcp_refill_rule);
	assert_int_equal(found.causes[0].reverted.verdict, VERDICT_GOOD);
	bisect_facts_deinit(&found);
	finish(f);
}

static void equal_rows_are_no_ends(void **state)
{
	struct fixture *f = start(RING, 0, "boot-differs");
	struct bisect_row good = row_of(f, NULL), bad = good;
	struct bisect_facts found;

	(void)state;
	check_ok(bisect_facts(&f->b, &good, &bad, &found));
	assert_false(bisect_ends_differ(&found.ends));
	assert_int_equal(found.differ, 0);
	assert_int_equal(found.count, 0);
	bisect_facts_deinit(&found);
	finish(f);
}

/* ---- versions ----------------------------------------------------------------------------------- */

/* Both ways round, the neighbours are the same, and they differ in the fact that matters. */
static void the_version_of_a_change_is_found(void **state)
{
	struct fixture *f = start(RING, 0, "boot-differs(zoneinfo)");
	const struct fact_info *info = fact_info(FACT_pcp_high_from_low_wmark);
	uint32_t since = info->history[info->history_count - 1].since, old, now;
	struct bisect_versions found;

	(void)state;
	assert_true(facts_parse_version("5.10", &old));
	assert_true(facts_parse_version("6.1", &now));
	check_ok(bisect_versions(&f->b, now, old, &found));
	assert_true(bisect_ends_differ(&found.ends));
	assert_int_equal(found.good, since);
	assert_true(found.bad < since);
	assert_int_equal(found.unknown, 0);
	assert_true(found.candidates > 10);
	assert_int_equal(fact_change_at(FACT_pcp_high_from_low_wmark, found.bad)->value, 0);
	finish(f);
	/* The same question the other way round. */
	f = start(RING, 0, "differs-from pcp_high_from_low_wmark=off");
	check_ok(bisect_versions(&f->b, old, now, &found));
	assert_true(bisect_ends_differ(&found.ends));
	assert_int_equal(found.bad, since);
	assert_true(found.good < since);
	finish(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_bad_event_is_found),
		cmocka_unit_test(the_first_bad_operation_is_found),
		cmocka_unit_test(ends_that_do_not_differ_are_told),
		cmocka_unit_test(what_cannot_be_told_is_gone_around),
		cmocka_unit_test(one_fact_of_many_is_found),
		cmocka_unit_test(every_cause_is_found),
		cmocka_unit_test(facts_that_only_fail_together_are_found),
		cmocka_unit_test(equal_rows_are_no_ends),
		cmocka_unit_test(the_version_of_a_change_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
