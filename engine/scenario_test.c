/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/quirk.h"
#include "engine/scenario.h"
#include "engine/testing/made_boot.h"

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

static enum migratetype type_at(const struct scenario *s, pfn_t pfn)
{
	uint32_t zone = buddy_zone_at(s->machine.buddy, pfn);

	assert_int_not_equal(zone, BUDDY_ZONE_NONE);
	return buddy_block_type(s->machine.buddy, zone, pfn);
}

/* A pageblock that is isolated no longer is again what it was for: an area's, of several, or Movable. */
static void isolated_blocks_come_back(void **unused)
{
	static const pfn_t pfns[] = { 64 * MIB >> 12, 80 * MIB >> 12, 96 * MIB >> 12 };
	struct operation op = { .pages = 512 };
	struct boot_input in;
	struct scenario s;
	struct cma_area *areas = calloc(2, sizeof(*areas));

	(void)unused;
	assert_non_null(areas);
	make_input(&in, FACT_memoryless_local_node_skipped, 1);
	scenario_init(&s);
	scenario_boot(&s, &in, &all);
	assert_int_equal(s.machine.cma_count, 0);
	free(s.machine.cma);
	s.machine.cma = areas;
	s.machine.cma_count = s.machine.cma_room = 2;
	for (unsigned int i = 0; i < 2; i++) {
		areas[i] = (struct cma_area){ .start = (pfns[i] - 512) << 12,
					      .end = (pfns[i] + 512) << 12 };
		buddy_set_block_type(s.machine.buddy, buddy_zone_at(s.machine.buddy, pfns[i]),
				     pfns[i], MIGRATE_CMA);
	}
	for (unsigned int i = 0; i < 3; i++) {
		enum migratetype was = type_at(&s, pfns[i]);

		assert_int_equal(was, i < 2 ? MIGRATE_CMA : MIGRATE_MOVABLE);
		op.kind = OPERATION_ISOLATE_BLOCKS;
		op.pfn = pfns[i];
		scenario_do(&s, &op);
		assert_int_equal(type_at(&s, pfns[i]), MIGRATE_ISOLATE);
		op.kind = OPERATION_UNISOLATE_BLOCKS;
		scenario_do(&s, &op);
		assert_int_equal(type_at(&s, pfns[i]), was);
	}
	scenario_deinit(&s);
}

/*
 * A page outside all zones names one of what memory there is, by its number:
 *
 *	1M          64M         96M          256M
 *	|###########|           |############|		the first behind the hole is number 63M
 */
static void pages_are_named_by_number(void **unused)
{
	static const pfn_t first = 63 * MIB >> 12, present = 223 * MIB >> 12, far = 1 << 20;
	struct operation op = { .kind = OPERATION_ISOLATE_BLOCKS, .pages = 1 };
	struct made_boot b;
	struct scenario s;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, 64 * MIB, -1);
	made_boot_memory(&b, 96 * MIB, 256 * MIB, -1);
	made_boot_cpus(&b, 1, -1);
	scenario_init(&s);
	scenario_boot(&s, &b.in, &all);
	op.pfn = (far / present) * present + first;
	assert_int_equal(type_at(&s, 96 * MIB >> 12), MIGRATE_MOVABLE);
	scenario_do(&s, &op);
	assert_int_equal(type_at(&s, 96 * MIB >> 12), MIGRATE_ISOLATE);
	op.pfn--;
	assert_int_equal(type_at(&s, (64 * MIB >> 12) - 1), MIGRATE_MOVABLE);
	scenario_do(&s, &op);
	assert_int_equal(type_at(&s, (64 * MIB >> 12) - 1), MIGRATE_ISOLATE);
	scenario_deinit(&s);
}

/* The last pageblock that a zone keeps for high-order atomic requests goes by force alone. */
static void the_last_reserve_goes_by_force(void **unused)
{
	static const struct operation get = { .kind = OPERATION_ALLOC,
					      .nid = 1,
					      .order = 3,
					      .highest = ZONE_NORMAL,
					      .flags = ALLOC_HIGHATOMIC | ALLOC_MIN_RESERVE |
						       ALLOC_NON_BLOCK };
	struct operation unreserve = { .kind = OPERATION_UNRESERVE,
				       .nid = 1,
				       .highest = ZONE_NORMAL };
	struct boot_input in;
	struct scenario s;

	(void)unused;
	make_input(&in, FACT_memoryless_local_node_skipped, 1);
	scenario_init(&s);
	scenario_boot(&s, &in, &all);
	for (int64_t force = 0; force < 2; force++) {
		uint64_t reserved = 0, left = 0;

		scenario_do(&s, &get);
		for (uint32_t z = 0; z < s.alloc.zone_count; z++)
			reserved += s.alloc.zones[z].reserved_highatomic;
		assert_true(reserved > 0);
		unreserve.value = force;
		scenario_do(&s, &unreserve);
		for (uint32_t z = 0; z < s.alloc.zone_count; z++)
			left += s.alloc.zones[z].reserved_highatomic;
		assert_int_equal(left, force ? 0 : reserved);
	}
	scenario_deinit(&s);
}

/* Once lists are broken nothing is done with them any more, however often they are looked at. */
static void broken_lists_stay_broken(void **unused)
{
	static const struct operation get = { .kind = OPERATION_ALLOC,
					      .nid = 1,
					      .highest = ZONE_NORMAL };
	struct boot_input in;
	struct scenario s;

	(void)unused;
	make_input(&in, FACT_memoryless_local_node_skipped, 1);
	scenario_init(&s);
	scenario_boot(&s, &in, &all);
	s.lists_broken = true;
	scenario_check(&s, INVARIANT_COST_DEEP);
	assert_true(s.lists_broken);
	scenario_do(&s, &get);
	assert_int_equal(s.held_pages, 0);
	scenario_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(life),
		cmocka_unit_test(wrong_rule),
		cmocka_unit_test(isolated_blocks_come_back),
		cmocka_unit_test(pages_are_named_by_number),
		cmocka_unit_test(the_last_reserve_goes_by_force),
		cmocka_unit_test(broken_lists_stay_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
