/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/quirk.h"
#include "engine/scenario.h"

#define MIB (1ULL << 20)

static const struct scenario_options all = { .boot_cost = INVARIANT_COST_DEEP,
					     .step_cost = INVARIANT_COST_DEEP,
					     .end_cost = INVARIANT_COST_DEEP,
					     .want_lists = true };

/*
 * Two nodes, of which the first has CPUs only:
 *
 *	1M          256M
 *	|###########|
 *	   node 1
 */
static void make_input(struct boot_input *in, enum fact fact, int64_t value)
{
	static struct e820_entry map[] = { { 0, 0x9fc00, E820_RAM }, { MIB, 256 * MIB, E820_RAM } };
	static struct affinity_memory affinity[] = { { 0, 256 * MIB, 1, false, false } };
	static int32_t cpus[] = { 0 };

	memset(in, 0, sizeof(*in));
	in->version = FACTS_VERSION(6, 12, 0);
	in->command_line = "";
	in->version_text = "";
	in->firmware = map;
	in->firmware_count = 2;
	in->affinity = affinity;
	in->affinity_count = 1;
	in->numa_source = true;
	in->cpu_nid = cpus;
	in->cpu_nid_count = 1;
	in->reservations_told = true;
	facts_init(&in->facts, in->version);
	in->facts.v[fact] = value;
	arch_config_default(ARCH_X86_64, false, &in->config);
	arch_config_apply_facts(&in->config, &in->facts);
}

/* A life without findings, in which pages go round. */
static void life(void **unused)
{
	static const struct operation operations[] = {
		{ .kind = OPERATION_ALLOC,
		  .nid = 1,
		  .type = MIGRATE_MOVABLE,
		  .highest = ZONE_NORMAL },
		{ .kind = OPERATION_ALLOC, .nid = 1, .order = 3, .highest = ZONE_NORMAL },
		{ .kind = OPERATION_FREE, .target = 0 },
		{ .kind = OPERATION_FREE, .target = 0 },
		{ .kind = OPERATION_FREE, .target = 1 },
		{ .kind = OPERATION_DRAIN },
		/* What names nothing does nothing. */
		{ .kind = OPERATION_ALLOC, .nid = 7 },
		{ .kind = OPERATION_ALLOC, .nid = 1, .order = 99 },
		{ .kind = OPERATION_FREE, .target = 99 },
		{ .kind = OPERATION_DRAIN, .cpu = 99 },
	};
	struct boot_input in;
	struct scenario s;
	uint64_t free_pages = 0;

	(void)unused;
	make_input(&in, FACT_memoryless_local_node_skipped, 1);
	scenario_init(&s);
	for (int round = 0; round < 2; round++) {
		scenario_boot(&s, &in, &all);
		scenario_check(&s, INVARIANT_COST_DEEP);
		assert_false(s.out_of_memory);
		free_pages = buddy_zone_free_pages(s.machine.buddy, 1);
		scenario_do(&s, &operations[0]);
		assert_int_equal(s.held_pages, 1);
		scenario_do(&s, &operations[1]);
		assert_int_equal(s.held_pages, 9);
		for (size_t i = 2; i < sizeof(operations) / sizeof(*operations); i++) {
			scenario_do(&s, &operations[i]);
			scenario_check(&s, INVARIANT_COST_DEEP);
		}
		assert_int_equal(s.held_pages, 0);
		assert_int_equal(buddy_zone_free_pages(s.machine.buddy, 1), free_pages);
		assert_int_equal(s.findings.total, 0);
	}
	scenario_deinit(&s);
}

/* The wrong rule is found, with its node, and printed. */
static void wrong_rule(void **unused)
{
	const struct quirk_info *q = quirk_info(QUIRK_MEMORYLESS_NODE_FIRST_IN_OWN_LIST);
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	struct boot_input in;
	struct scenario s;

	(void)unused;
	make_input(&in, q->fact, q->wrong);
	scenario_init(&s);
	scenario_run(&s, &in, NULL, 0, &all);
	assert_int_equal(s.findings.count[q->invariant], 1);
	assert_int_equal(s.findings.total, 1);
	assert_int_equal(s.findings.first[q->invariant].nid, 0);
	finding_print(&s.findings.first[q->invariant], &sink);
	assert_string_equal(sink_text_string(&text),
			    "fallback-memory: node 0, a node without memory is in its order\n");
	sink_text_deinit(&text);
	quirks_all_right(&in.facts);
	scenario_run(&s, &in, NULL, 0, &all);
	assert_int_equal(s.findings.total, 0);
	scenario_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(life),
		cmocka_unit_test(wrong_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
