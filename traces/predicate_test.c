/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "engine/buddy.h"
#include "traces/predicate.h"
#include "traces/testing/check.h"

#define MIB (1ULL << 20)
#define GUEST "traces/captures/boot-6.12-amd64-2g"
#define RING "traces/captures/boot-6.1-amd64-numa4-ring"

/* ---- what is written ---------------------------------------------------------------------------- */

static void test_syntax(void **state)
{
	static const char *const right[] = {
		"diverges",
		"misses > 3",
		"fallbacks",
		"  fallbacks>100 \n",
		"alloc-fails(order=4)",
		"alloc-fails ( order = 4 ) >= 2",
		"alloc-fails != 1",
		"unusable(order=9) > 0.8",
		"unusable(order=9) <= 1.000",
		"free-pages < 18446744073709551615",
		"boot-differs",
		"boot-differs(fallback order)",
		"invariant:buddy-lists",
		"differs-from 6.12",
		"differs-from node_load_accumulates=off,pcp_high_auto=on",
		("differs-from " GUEST),
		"exit test -s",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		struct predicate *p = NULL;

		check_ok(predicate_parse(right[i], &p));
		assert_non_null(strstr(right[i], predicate_text(p)));
		predicate_destroy(p);
	}
}

static void test_syntax_wrong(void **state)
{
	static const struct {
		const char *text;
		uint32_t column;
	} wrong[] = {
		{ "", 1 },
		{ "fallbaks > 3", 1 },
		{ "fallbacks 3", 11 },
		{ "fallbacks >", 12 },
		{ "fallbacks > -3", 13 },
		{ "fallbacks > 3 4", 15 },
		{ "fallbacks > 18446744073709551616", 32 },
		{ "fallbacks(order=3) > 1", 10 },
		{ "alloc-fails(order=99)", 19 },
		{ "alloc-fails(node=1)", 13 },
		{ "alloc-fails(order=1", 20 },
		{ "unusable > 0.5", 10 },
		{ "unusable(order=3) > 1.5", 21 },
		{ "unusable(order=3) > 0.1234", 21 },
		{ "unusable(order=3) > x", 21 },
		{ "diverges often", 10 },
		{ "boot-differs(colour)", 14 },
		{ "boot-differs(colour", 14 },
		{ "invariant:", 11 },
		{ "invariant:no-such", 11 },
		{ "differs-from no_such_fact=1", 14 },
		{ "exit  ", 5 },
		{ "worse-than some/file", 12 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct predicate *p = NULL;

		check_error(predicate_parse(wrong[i].text, &p), ERROR_SYNTAX, 1, wrong[i].column);
		assert_null(p);
	}
}

static void test_other_absent(void **state)
{
	struct predicate *p = NULL;

	(void)state;
	check_error(predicate_parse("differs-from no/such/file", &p), ERROR_NOT_FOUND, 0, 0);
	assert_null(p);
}

/* ---- what is answered --------------------------------------------------------------------------- */

static struct judgement ask(const char *text, const struct subject *s)
{
	struct predicate *p = NULL;
	struct judgement first, again;

	check_ok(predicate_parse(text, &p));
	check_ok(predicate_test(p, s, &first));
	check_ok(predicate_test(p, s, &again));
	assert_int_equal(first.verdict, again.verdict);
	assert_int_equal(first.fingerprint, again.fingerprint);
	assert_string_equal(first.why, again.why);
	predicate_destroy(p);
	return first;
}

static void expect(enum verdict verdict, const char *text, const struct subject *s)
{
	struct judgement j = ask(text, s);

	if (j.verdict != verdict)
		fail_msg("'%s' is %s: %s", text, verdict_name(j.verdict), j.why);
	assert_true(j.why[0] != '\0');
}

static struct event block(enum event_kind kind, pfn_t pfn, unsigned int order)
{
	/* GFP_HIGHUSER_MOVABLE of 6.12. */
	return (struct event){ .kind = (uint8_t)kind,
			       .pfn = pfn,
			       .order = (uint8_t)order,
			       .migratetype = MIGRATE_MOVABLE,
			       .gfp = 0x2 | 0x8,
			       .pid = 1 };
}

/* 600 largest blocks are more than the machine of 2 GiB has. */
static void test_figures(void **state)
{
	struct subject_file f = { 0 };
	struct event events[600];
	struct subject s;
	struct judgement j;

	(void)state;
	check_ok(subject_read(GUEST, NULL, &f));
	s = f.subject;
	assert_int_equal(s.event_count, 0);
	expect(VERDICT_GOOD, "alloc-fails", &s);
	for (unsigned int i = 0; i < 600; i++)
		events[i] = block(EVENT_ALLOC, (pfn_t)i << 10, 10);
	s.events = events;
	s.event_count = 600;
	expect(VERDICT_BAD, "alloc-fails", &s);
	expect(VERDICT_BAD, "alloc-fails(order=10) > 50", &s);
	expect(VERDICT_GOOD, "alloc-fails(order=10) > 200", &s);
	expect(VERDICT_GOOD, "alloc-fails(order=9)", &s);
	expect(VERDICT_BAD, "alloc-fails(order=9) == 0", &s);
	expect(VERDICT_BAD, "alloc-fails(order=9) <= 0", &s);
	expect(VERDICT_GOOD, "alloc-fails <= 50", &s);
	expect(VERDICT_GOOD, "alloc-fails(order=9) != 0", &s);
	expect(VERDICT_BAD, "alloc-fails != 0", &s);
	expect(VERDICT_BAD, "free-pages < 100000", &s);
	expect(VERDICT_GOOD, "free-pages > 100000", &s);
	expect(VERDICT_BAD, "unusable(order=10) > 0.2", &s);
	expect(VERDICT_GOOD, "remote", &s);
	/* Where it was decided: the first request that failed, and not before. */
	j = ask("alloc-fails", &s);
	assert_true(j.at > 400 && j.at < 600);
	s.event_count = (uint32_t)j.at;
	expect(VERDICT_GOOD, "alloc-fails", &s);
	s.event_count++;
	expect(VERDICT_BAD, "alloc-fails", &s);
	s.event_count = 10;
	expect(VERDICT_GOOD, "unusable(order=10) > 0.05", &s);
	subject_file_deinit(&f);
}

/* The page a trace names is the model's own, or it is another one. */
static void test_diverges(void **state)
{
	struct subject_file f = { 0 };
	struct event e = block(EVENT_ALLOC, 0x8000, 10);
	struct machine m;
	struct subject s;
	struct judgement j;

	(void)state;
	check_ok(subject_read(GUEST, NULL, &f));
	s = f.subject;
	s.events = &e;
	s.event_count = 1;
	machine_init(&m);
	m.want_lists = true;
	boot_run(&m, &s.log.input, STAGE_MEM_INIT);
	for (uint32_t zone = 0; zone < m.buddy->zone_count; zone++)
		if (buddy_head(m.buddy, zone, 10, MIGRATE_MOVABLE) != PFN_NONE)
			e.pfn = buddy_head(m.buddy, zone, 10, MIGRATE_MOVABLE);
	machine_deinit(&m);
	expect(VERDICT_GOOD, "diverges", &s);
	expect(VERDICT_GOOD, "impossible", &s);
	e.pfn -= 1024;
	j = ask("diverges", &s);
	assert_int_equal(j.verdict, VERDICT_BAD);
	assert_int_equal(j.at, 0);
	expect(VERDICT_BAD, "misses == 1", &s);
	expect(VERDICT_GOOD, "misses > 1", &s);
	e.pfn++;
	expect(VERDICT_BAD, "impossible", &s);
	subject_file_deinit(&f);
}

static unsigned long count_misses(const struct subject *s)
{
	static const char head[] = "misses: ";
	struct judgement j = ask("misses == 0", s); /* counts them all */

	assert_memory_equal(j.why, head, strlen(head));
	return strtoul(j.why + strlen(head), NULL, 10);
}

/* A CPU goes while the trace is recorded: a marker tells, and what a replay follows a predicate does, too. */
static void test_markers(void **state)
{
	struct subject_file f = { 0 };
	unsigned long with, without;
	struct event *events;
	struct subject s;

	(void)state;
	check_ok(subject_read("traces/recordings/trace-6.1-amd64-700m-smp2-hotplug.mmtrace", NULL,
			      &f));
	s = f.subject;
	events = calloc(s.event_count, sizeof(*events));
	assert_non_null(events);
	memcpy(events, s.events, s.event_count * sizeof(*events));
	with = count_misses(&s);
	for (uint32_t i = 0; i < s.event_count; i++)
		if (events[i].kind == EVENT_MARKER)
			events[i].kind = EVENT_OTHER;
	s.events = events;
	without = count_misses(&s);
	if (with >= without)
		fail_msg("%lu misses, %lu where markers say nothing", with, without);
	free(events);
	subject_file_deinit(&f);
}

/* One fact wrong, and the sizes of the page sets are; nothing else is. */
static void test_boot(void **state)
{
	struct subject_file f = { 0 };
	struct subject s;
	struct judgement j;
	struct facts facts;

	(void)state;
	check_ok(subject_read(RING, NULL, &f));
	s = f.subject;
	expect(VERDICT_GOOD, "boot-differs", &s);
	expect(VERDICT_GOOD, "differs-from 6.1", &s);
	expect(VERDICT_BAD, "differs-from 5.10", &s);
	expect(VERDICT_BAD, "differs-from pcp_high_from_low_wmark=off", &s);
	expect(VERDICT_GOOD, "differs-from pcp_high_from_low_wmark=on", &s);
	expect(VERDICT_BAD, "differs-from " GUEST, &s);
	expect(VERDICT_GOOD, "differs-from " RING, &s);
	facts = s.log.input.facts;
	assert_null(facts_set(&facts, "pcp_high_from_low_wmark=off"));
	subject_set_facts(&s, &facts);
	expect(VERDICT_BAD, "boot-differs(zoneinfo)", &s);
	expect(VERDICT_GOOD, "boot-differs(zone range)", &s);
	j = ask("boot-differs", &s);
	assert_true(j.fingerprint != 0);
	assert_non_null(strstr(j.why, "recorded"));
	subject_file_deinit(&f);
}

/* The boots are the same; what a request of order 3 takes off the free lists is not. */
static void test_differs_later(void **state)
{
	struct subject_file f = { 0 };
	struct event events[2] = { block(EVENT_ALLOC, 0x8000, 0), block(EVENT_ALLOC, 0x9000, 3) };
	struct subject s;

	(void)state;
	check_ok(subject_read(GUEST, NULL, &f));
	s = f.subject;
	expect(VERDICT_GOOD, "differs-from pcp_high_orders=off", &s);
	s.events = events;
	s.event_count = 2;
	expect(VERDICT_BAD, "differs-from pcp_high_orders=off", &s);
	expect(VERDICT_GOOD, "differs-from pcp_high_orders=on", &s);
	subject_file_deinit(&f);
}

/* Two nodes, of which the first has CPUs only. */
static void make_memoryless(struct subject *s, int64_t skipped)
{
	static struct e820_entry map[] = { { 0, 0x9fc00, E820_RAM }, { MIB, 256 * MIB, E820_RAM } };
	static struct affinity_memory affinity[] = { { 0, 256 * MIB, 1, false, false } };
	static int32_t cpus[] = { 0 };
	struct boot_input *in = &s->log.input;

	memset(s, 0, sizeof(*s));
	in->version = FACTS_VERSION(6, 12, 0);
	in->command_line = in->version_text = "";
	in->firmware = map;
	in->firmware_count = 2;
	in->affinity = affinity;
	in->affinity_count = 1;
	in->numa_source = in->reservations_told = true;
	in->cpu_nid = cpus;
	in->cpu_nid_count = 1;
	facts_init(&in->facts, in->version);
	in->facts.v[FACT_memoryless_local_node_skipped] = skipped;
	arch_config_default(ARCH_X86_64, false, &in->config);
	arch_config_apply_facts(&in->config, &in->facts);
	s->traced_facts = in->facts;
	s->traced_config = in->config;
}

static void test_invariant(void **state)
{
	static const struct operation operations[] = {
		{ .kind = OPERATION_ALLOC, .nid = 1, .highest = ZONE_NORMAL },
		{ .kind = OPERATION_FREE, .target = 0 },
	};
	struct event e = block(EVENT_ALLOC, 0x8000, 0);
	struct subject s;

	(void)state;
	make_memoryless(&s, 0);
	expect(VERDICT_BAD, "invariant:fallback-memory", &s);
	expect(VERDICT_GOOD, "invariant:zone-sizes", &s);
	s.events = &e;
	s.event_count = 1;
	expect(VERDICT_BAD, "invariant:fallback-memory", &s);
	expect(VERDICT_GOOD, "invariant:buddy-lists", &s);
	make_memoryless(&s, 1);
	s.operations = operations;
	s.operation_count = 2;
	expect(VERDICT_GOOD, "invariant:fallback-memory", &s);
	expect(VERDICT_GOOD, "invariant:buddy-lists", &s);
}

/* The same figures of a scenario: 256 MiB are 63 blocks of the largest order, and some smaller ones. */
static void test_operations(void **state)
{
	struct operation operations[100];
	struct subject s;
	struct judgement j;

	(void)state;
	make_memoryless(&s, 1);
	for (unsigned int i = 0; i < 100; i++)
		operations[i] = (struct operation){ .kind = OPERATION_ALLOC,
						    .nid = 1,
						    .order = 10,
						    .type = MIGRATE_RECLAIMABLE,
						    .highest = ZONE_NORMAL };
	s.operations = operations;
	s.operation_count = 100;
	expect(VERDICT_BAD, "alloc-fails(order=10) > 36", &s);
	expect(VERDICT_GOOD, "alloc-fails(order=9)", &s);
	expect(VERDICT_BAD, "fallbacks > 10", &s);
	expect(VERDICT_BAD, "claimed > 10", &s);
	expect(VERDICT_GOOD, "fallbacks > 63", &s);
	expect(VERDICT_BAD, "free-pages < 2500", &s);
	expect(VERDICT_BAD, "unusable(order=10) > 0.4", &s);
	expect(VERDICT_UNKNOWN, "lock-takes", &s);
	j = ask("alloc-fails", &s);
	assert_true(j.at > 50 && j.at < 64);
	s.operation_count = (uint32_t)j.at;
	expect(VERDICT_GOOD, "alloc-fails", &s);
	s.operation_count = 2;
	expect(VERDICT_GOOD, "unusable(order=10) > 0.1", &s);
	expect(VERDICT_GOOD, "free-pages < 2500", &s);
}

/* Events for which the rules of one kernel name the page and those of another do not. */
static void test_worse(void **state)
{
	struct subject_file f = { 0 };
	struct subject s;
	struct facts facts;

	(void)state;
	check_ok(subject_read("traces/regressions/fallback-5.10.mmtrace", NULL, &f));
	s = f.subject;
	expect(VERDICT_GOOD, "worse-than 6.12", &s);
	facts = s.log.input.facts;
	assert_null(facts_set(&facts, "fallback_rule=3"));
	subject_set_facts(&s, &facts);
	expect(VERDICT_BAD, "worse-than fallback_rule=2", &s);
	expect(VERDICT_GOOD, "worse-than fallback_rule=3", &s);
	s.event_count--;
	expect(VERDICT_GOOD, "worse-than fallback_rule=2", &s);
	/* Right once, after a wrong one, may be chance. */
	s.events += s.event_count - 2;
	s.event_count = 3;
	expect(VERDICT_GOOD, "worse-than fallback_rule=2", &s);
	subject_file_deinit(&f);
}

/* A machine whose reservations nobody told has no free lists to serve from. */
static void test_unknown(void **state)
{
	struct event e = block(EVENT_ALLOC, 0x8000, 0);
	struct subject s;

	(void)state;
	make_memoryless(&s, 1);
	s.log.input.reservations_told = false;
	s.events = &e;
	s.event_count = 1;
	expect(VERDICT_UNKNOWN, "fallbacks", &s);
	expect(VERDICT_UNKNOWN, "diverges", &s);
	expect(VERDICT_GOOD, "boot-differs", &s);
}

static void test_command(void **state)
{
	struct subject_file f = { 0 };
	struct predicate *p = NULL;
	struct judgement j;

	(void)state;
	check_ok(subject_read(GUEST, NULL, &f));
	expect(VERDICT_GOOD, "exit test -s", &f.subject);
	expect(VERDICT_BAD, "exit test ! -s", &f.subject);
	expect(VERDICT_BAD, "exit exit 7 #", &f.subject);
	expect(VERDICT_UNKNOWN, "exit exit 125 #", &f.subject);
	check_ok(predicate_parse("exit kill -9 $$ #", &p));
	check_error(predicate_test(p, &f.subject, &j), ERROR_OS, 0, 0);
	predicate_destroy(p);
	check_ok(predicate_parse("exit no-such-command-anywhere", &p));
	check_error(predicate_test(p, &f.subject, &j), ERROR_OS, 0, 0);
	predicate_destroy(p);
	subject_file_deinit(&f);
}

/* A zone that is gone with one kernel's facts comes back with another's. */
static void test_facts_and_back(void **state)
{
	const uint32_t both = 1U << ZONE_DMA | 1U << ZONE_DMA32;
	struct subject s = { .boot = 1 };
	struct facts facts;

	(void)state;
	facts_init(&facts, FACTS_VERSION(6, 12, 0));
	arch_config_default(ARCH_ARM64, false, &s.log.input.config);
	s.log.input.config.zones_mask |= both;
	assert_null(facts_set(&facts, "arm64_dma_zones=1"));
	subject_set_facts(&s, &facts);
	assert_int_equal(s.log.input.config.zones_mask & both, 1U << ZONE_DMA);
	assert_null(facts_set(&facts, "arm64_dma_zones=2"));
	subject_set_facts(&s, &facts);
	assert_int_equal(s.log.input.config.zones_mask & both, 1U << ZONE_DMA32);
	assert_null(facts_set(&facts, "arm64_dma_zones=3"));
	subject_set_facts(&s, &facts);
	assert_int_equal(s.log.input.config.zones_mask & both, both);
}

/* What is written is read back to the same answers. */
static void test_stored(void **state)
{
	struct subject_file f = { 0 }, back = { 0 };
	struct event events[3] = { block(EVENT_ALLOC, 0x8000, 10), block(EVENT_FREE, 0x8000, 10),
				   block(EVENT_ALLOC, 0x9000, 0) };
	struct sink_text text = { 0 };
	struct subject s;

	(void)state;
	check_ok(subject_read(RING, NULL, &f));
	s = f.subject;
	s.events = events;
	s.event_count = 3;
	check_ok(subject_write(&s, "made", sink_to_text(&text)));
	check_ok(subject_read_bytes("made", text.data, text.len, &back));
	assert_int_equal(back.subject.event_count, 3);
	assert_memory_equal(back.events, events, sizeof(events));
	assert_int_equal(back.subject.log.recorded.count, s.log.recorded.count);
	expect(VERDICT_GOOD, "boot-differs", &back.subject);
	sink_text_deinit(&text);
	subject_file_deinit(&back);
	subject_file_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syntax),	       cmocka_unit_test(test_syntax_wrong),
		cmocka_unit_test(test_other_absent),   cmocka_unit_test(test_figures),
		cmocka_unit_test(test_diverges),       cmocka_unit_test(test_markers),
		cmocka_unit_test(test_boot),	       cmocka_unit_test(test_invariant),
		cmocka_unit_test(test_differs_later),  cmocka_unit_test(test_operations),
		cmocka_unit_test(test_worse),	       cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_command),	       cmocka_unit_test(test_stored),
		cmocka_unit_test(test_facts_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
