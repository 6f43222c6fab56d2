/* SPDX-License-Identifier: MIT */
/*
 * Rules of Linux that changed, each found by a bisection over facts, from real machines: the capture is of a
 * kernel after (or before) the change, and the other end is a kernel on the other side of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/alloc_flags.h"
#include "engine/operation.h"
#include "traces/bisect.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"

struct rule {
	const char *capture, *good, *bad, *predicate; /* good NULL: as recorded */
	enum fact fact; /* the only one */
};

static const struct rule rules[] = {
	/* 5.16: the load of nodes adds up in the order of node fallback lists. */
	{ "boot-6.12-amd64-numa8", "6.1", "5.15.100,fallback_order_line=on",
	  "boot-differs(fallback order)", FACT_node_load_accumulates },
	/* 5.14: the size of page sets follows from the low watermark. */
	{ "boot-6.1-amd64-2g", NULL, "5.10", "boot-differs(zoneinfo)",
	  FACT_pcp_high_from_low_wmark },
	{ "boot-5.10-amd64-2g", NULL, "6.1", "boot-differs(zoneinfo)",
	  FACT_pcp_high_from_low_wmark },
	/* 6.10: which pages a fallback takes, and when it claims the pageblock. */
	{ "trace-6.12-amd64-1g-smp2-frag", "6.12", "6.9", "misses > 100", FACT_fallback_rule },
	/* 6.7: nodes without memory are not in fallback lists. */
	{ "boot-6.12-amd64-numa-cpuless-memless", NULL, "6.1", "boot-differs(fallback order)",
	  FACT_memoryless_local_node_skipped },
};

static struct bisect_row row_of(const struct subject *s, const char *text)
{
	struct bisect_row row = { .facts = s->log.input.facts };
	const char *comma = text ? strchr(text, ',') : NULL;

	if (!text)
		return row;
	assert_true(facts_parse_version(text, &row.version));
	facts_init(&row.facts, row.version);
	if (comma)
		assert_null(facts_set(&row.facts, comma + 1));
	return row;
}

static void check_rule(const char *dir, const struct rule *rule)
{
	struct subject_file file = { 0 };
	struct bisector b = { .subject = &file.subject };
	struct bisect_row good, bad;
	struct bisect_facts found;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, rule->capture);
	check_ok(subject_read(path, NULL, &file));
	check_ok(predicate_parse(rule->predicate, &b.predicate));
	good = row_of(&file.subject, rule->good);
	bad = row_of(&file.subject, rule->bad);
	check_ok(bisect_facts(&b, &good, &bad, &found));
	if (!bisect_ends_differ(&found.ends))
		fail_msg("%s: the ends do not differ: %s; %s", rule->capture, found.ends.good.why,
			 found.ends.bad.why);
	assert_true(found.differ > 10);
	assert_int_equal(found.count, 1);
	assert_false(found.more);
	assert_int_equal(found.causes[0].count, 1);
	assert_string_equal(fact_info(found.causes[0].facts[0])->name, fact_info(rule->fact)->name);
	assert_int_equal(found.causes[0].reverted.verdict, VERDICT_GOOD);
	bisect_facts_deinit(&found);
	predicate_destroy(b.predicate);
	subject_file_deinit(&file);
}

static void rules_that_changed_are_found(void **state)
{
	const char *dir = captures_dir();

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		check_rule(dir, &rules[i]);
}

/*
 * 6.8: a zone too small for it keeps no pageblock for atomic requests.  No capture has such a request on
 * so small a machine, so it is added: of order 4, without the right to wait.
 */
static void atomic_reserve_is_found(void **state)
{
	const struct operation op = { .kind = OPERATION_ALLOC,
				      .order = 4,
				      .type = MIGRATE_UNMOVABLE,
				      .highest = ZONE_NORMAL,
				      .flags = ALLOC_WMARK_MIN | ALLOC_NON_BLOCK |
					       ALLOC_MIN_RESERVE | ALLOC_HIGHATOMIC };
	struct subject_file file = { 0 };
	struct bisector b = { .subject = &file.subject };
	struct bisect_row good, bad;
	struct bisect_facts found;
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/boot-6.1-amd64-160m", captures_dir());
	check_ok(subject_read(path, NULL, &file));
	file.subject.operations = &op;
	file.subject.operation_count = 1;
	check_ok(predicate_parse("invariant:highatomic-limit", &b.predicate));
	good = row_of(&file.subject, "6.12");
	bad = row_of(&file.subject, NULL);
	check_ok(bisect_facts(&b, &good, &bad, &found));
	assert_true(bisect_ends_differ(&found.ends));
	assert_true(found.differ > 10);
	assert_int_equal(found.count, 1);
	assert_int_equal(found.causes[0].count, 1);
	assert_int_equal(found.causes[0].facts[0], FACT_highatomic_limit_rule);
	bisect_facts_deinit(&found);
	predicate_destroy(b.predicate);
	subject_file_deinit(&file);
}

/* In 290,000 events, the one with which the predictions of another kernel were wrong once too often. */
static void the_event_of_a_drift_is_found(void **state)
{
	struct subject_file file = { 0 };
	struct bisector b = { .subject = &file.subject };
	struct bisect_events found;
	uint32_t version;
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/trace-6.12-amd64-1g-smp2-frag", captures_dir());
	check_ok(subject_read(path, NULL, &file));
	assert_true(facts_parse_version("6.1", &version));
	subject_set_version(&file.subject, version);
	check_ok(predicate_parse("misses > 1000", &b.predicate));
	check_ok(bisect_events(&b, &found));
	assert_true(bisect_ends_differ(&found.ends));
	assert_int_equal(found.bad, found.good + 1);
	assert_true(found.bad < file.subject.event_count);
	/* The predicate names the event, so there is nothing to halve. */
	assert_true(b.tests <= 4);
	predicate_destroy(b.predicate);
	subject_file_deinit(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_that_changed_are_found),
		cmocka_unit_test(atomic_reserve_is_found),
		cmocka_unit_test(the_event_of_a_drift_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
