/* SPDX-License-Identifier: MIT */
/* Tests of the invariants of hotplug: the quirk of each, with what triggers it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/hotplug_invariants.h"
#include "engine/testing/made_boot.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define PFN(bytes) ((bytes) >> 12)
#define SECTION PFN(128 * MIB)
#define COUNT(rows) ((uint32_t)(sizeof(rows) / sizeof((rows)[0])))

/* Memory below 2 GiB on node 0, which has the CPUs; node 1 above 4 GiB can get some. */
static void make_slots(struct made_boot *b)
{
	made_boot_init(b, ARCH_X86_64, "6.12");
	made_boot_memory(b, MIB, 2 * GIB, 0);
	made_boot_slot(b, 4 * GIB, 16 * GIB, 1);
	made_boot_cpus(b, 2, 0);
}

#define ADD(bytes, sections)                                                                       \
	{                                                                                          \
		.kind = OPERATION_HOTADD, .nid = 1, .pfn = PFN(bytes), .pages = (sections)*SECTION \
	}
#define ONLINE(bytes, how)                                                  \
	{                                                                   \
		.kind = OPERATION_ONLINE, .pfn = PFN(bytes), .value = (how) \
	}
#define OFFLINE(bytes)                                                       \
	{                                                                    \
		.kind = OPERATION_OFFLINE, .pfn = PFN(bytes), .target = 1000 \
	}
#define KERNEL 1
#define MOVABLE 2

static void emptied_node(void **unused)
{
	static const struct operation ops[] = { ADD(4 * GIB, 1), ONLINE(4 * GIB, KERNEL),
						OFFLINE(4 * GIB) };
	struct made_boot b;

	(void)unused;
	make_slots(&b);
	made_boot_quirk(&b, QUIRK_FALLBACK_LIST_KEEPS_EMPTIED_NODE, ops, COUNT(ops));
}

/* A balloon empties what is movable on node 1; other memory comes, and the balloon gives it back. */
static void ballooned_zone(void **unused)
{
	static const struct operation ops[] = {
		ADD(4 * GIB, 2),
		ONLINE(4 * GIB, MOVABLE),
		{ .kind = OPERATION_BALLOON, .nid = 1, .highest = ZONE_MOVABLE, .value = SECTION },
		ONLINE(4 * GIB + 128 * MIB, KERNEL),
		{ .kind = OPERATION_BALLOON,
		  .nid = 1,
		  .highest = ZONE_MOVABLE,
		  .value = -(int64_t)SECTION },
	};
	struct made_boot b;

	(void)unused;
	make_slots(&b);
	made_boot_quirk(&b, QUIRK_ZONELIST_SKIPS_UNMANAGED_ZONE, ops, COUNT(ops));
}

/*
 * Half of DMA32 is a contiguous area, which comes late, and then a balloon takes as much.  Page sets were sized
 * when all of it was there, and nothing sizes them anew.
 */
static void ballooned_after_cma(void **unused)
{
	static const struct operation ops[] = {
		{ .kind = OPERATION_BALLOON, .highest = ZONE_DMA32, .value = PFN(256 * MIB) },
	};
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	b.in.config.cma = true;
	b.in.reservations_told = true;
	made_boot_memory(&b, 0, 512 * MIB, -1);
	made_boot_alloc(&b, 4096, 4096, 0, 0);
	made_boot_step(&b, STEP_CMA_RESERVE, 0, 256 * MIB);
	made_boot_sound(&b, ops, COUNT(ops));
}

/*
 * Nodes meet in the first half of a largest block, and the other half, all of node 1's, is isolated.  When other
 * memory comes, isolated pageblocks are counted again.
 */
static void isolated_where_nodes_meet(void **unused)
{
	static const struct operation ops[] = {
		{ .kind = OPERATION_ISOLATE_BLOCKS, .pfn = PFN(258 * MIB), .pages = 1 },
		{ .kind = OPERATION_HOTADD, .nid = 1, .pfn = PFN(4 * GIB), .pages = SECTION },
	};
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, 0, 257 * MIB, 0);
	made_boot_memory(&b, 257 * MIB, 512 * MIB, 1);
	made_boot_memory(&b, 512 * MIB, 768 * MIB, 0);
	made_boot_cpus(&b, 1, 0);
	made_boot_sound(&b, ops, COUNT(ops));
}

/*
 * The first section goes, and comes back to Normal, as DMA begins behind it then.  That zone spans all of DMA
 * now, and a contiguous area there; but its pages are DMA's, as they were.
 */
static void spanned_area(void **unused)
{
	static const struct operation ops[] = { OFFLINE(0), ONLINE(0, KERNEL) };
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_ARM64, "6.12");
	b.in.config.cma = true;
	made_boot_memory(&b, 0, 5 * GIB, 0);
	made_boot_step(&b, STEP_CMA_RESERVE, 0, PFN(4 * GIB));
	made_boot_sound(&b, ops, COUNT(ops));
}

static void zones_counted(void **unused)
{
	static const struct operation ops[] = { ADD(4 * GIB, 2), ONLINE(4 * GIB, MOVABLE),
						ONLINE(4 * GIB + 128 * MIB, KERNEL) };
	struct made_boot b;

	(void)unused;
	make_slots(&b);
	made_boot_quirk(&b, QUIRK_NR_ZONES_SHRINKS_ON_ONLINE, ops, COUNT(ops));
}

static void span_from_zero(void **unused)
{
	static const struct operation ops[] = { ADD(4 * GIB, 3), ONLINE(4 * GIB, KERNEL),
						ONLINE(4 * GIB + 128 * MIB, KERNEL),
						ONLINE(4 * GIB + 256 * MIB, KERNEL),
						OFFLINE(4 * GIB + 256 * MIB) };
	struct made_boot b;

	(void)unused;
	make_slots(&b);
	made_boot_quirk(&b, QUIRK_NODE_SPAN_STARTS_AT_ZERO, ops, COUNT(ops));
}

static void regrown_zone(void **unused)
{
	static const struct operation ops[] = { ADD(4 * GIB, 1), ONLINE(4 * GIB, KERNEL),
						OFFLINE(4 * GIB), ONLINE(4 * GIB, KERNEL) };
	struct made_boot b;

	(void)unused;
	make_slots(&b);
	made_boot_quirk(&b, QUIRK_EMPTIED_ZONE_REGROWS_FROM_ZERO, ops, COUNT(ops));
}

static void contiguous_hole(void **unused)
{
	static const struct operation ops[] = { ADD(4 * GIB, 3), ONLINE(4 * GIB, KERNEL),
						ONLINE(4 * GIB + 256 * MIB, KERNEL) };
	struct made_boot b;

	(void)unused;
	make_slots(&b);
	made_boot_quirk(&b, QUIRK_CONTIGUOUS_FLAG_OVER_HOLE, ops, COUNT(ops));
}

/* The only page in use of a section is freed after its page sets were drained. */
static void freed_while_isolated(void **unused)
{
	static const struct operation ops[] = {
		ADD(4 * GIB, 1),
		ONLINE(4 * GIB, MOVABLE),
		{ .kind = OPERATION_ALLOC,
		  .nid = 1,
		  .type = MIGRATE_MOVABLE,
		  .highest = ZONE_MOVABLE },
		{ .kind = OPERATION_OFFLINE, .pfn = PFN(4 * GIB), .target = 2, .cpu = 1 },
	};
	struct made_boot b;

	(void)unused;
	make_slots(&b);
	made_boot_quirk(&b, QUIRK_OFFLINE_MISSES_REPOPULATED_PAGESETS, ops, COUNT(ops));
}

/* 16 TiB and 1 GiB, which without its upper bits is in the middle of DMA32. */
static void truncated_pfn(void **unused)
{
	static const struct operation ops[] = {
		{ .kind = OPERATION_HOTADD,
		  .nid = 0,
		  .pfn = (1ULL << 32) + PFN(GIB),
		  .pages = SECTION },
		{ .kind = OPERATION_ONLINE, .pfn = (1ULL << 32) + PFN(GIB), .value = KERNEL },
	};
	struct made_boot b;

	(void)unused;
	make_slots(&b);
	made_boot_quirk(&b, QUIRK_HOTPLUG_PFN_TRUNCATED, ops, COUNT(ops));
}

static void min_free_lost(void **unused)
{
	static const struct operation ops[] = { ADD(4 * GIB, 1), ONLINE(4 * GIB, KERNEL) };
	struct made_boot b;

	(void)unused;
	make_slots(&b);
	made_boot_quirk(&b, QUIRK_MIN_FREE_LOST_ON_HOTPLUG, ops, COUNT(ops));
}

/* ZONE_NORMAL, all there is, was second in the list, and is first when ZONE_MOVABLE is empty. */
static void raced_rebuild(void **unused)
{
	static const struct operation ops[] = {
		{ .kind = OPERATION_HOTADD, .pfn = PFN(8 * GIB), .pages = SECTION },
		ONLINE(8 * GIB, MOVABLE),
		OFFLINE(8 * GIB),
		{ .kind = OPERATION_ALLOC_RACED, .highest = ZONE_NORMAL },
	};
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, 5 * GIB, 6 * GIB, -1);
	made_boot_quirk(&b, QUIRK_ZONELIST_REBUILD_WINDOW, ops, COUNT(ops));
}

static void stranded_deltas(void **unused)
{
	static const struct operation ops[] = {
		ADD(4 * GIB, 1),
		ONLINE(4 * GIB, MOVABLE),
		{ .kind = OPERATION_NODE_STAT, .nid = 1, .value = 7 },
		OFFLINE(4 * GIB),
		{ .kind = OPERATION_HOTREMOVE, .pfn = PFN(4 * GIB), .pages = SECTION },
		ADD(4 * GIB, 1),
	};
	struct made_boot b;

	(void)unused;
	make_slots(&b);
	made_boot_quirk(&b, QUIRK_VMSTAT_DELTAS_STRANDED, ops, COUNT(ops));
}

/* What is wrong in a machine whose memory came and went is found wherever it is. */
static void broken_machine(void **unused)
{
	static const struct operation ops[] = { ADD(4 * GIB, 2), ONLINE(4 * GIB, KERNEL) };
	static const enum invariant expected[] = {
		INVARIANT_NODE_SPAN,	INVARIANT_NODE_SPAN,	   INVARIANT_NR_ZONES,
		INVARIANT_NODE_STAT,	INVARIANT_ZONE_CONTIGUOUS, INVARIANT_ZONE_START,
		INVARIANT_OFFLINE_ENDS, INVARIANT_OFFLINE_GONE,
	};
	struct made_boot b;
	struct scenario s;

	(void)unused;
	make_slots(&b);
	quirks_all_right(&b.in.facts);
	scenario_init(&s);
	for (unsigned int i = 0; i < COUNT(expected); i++) {
		struct node *node;
		struct findings found;

		scenario_run(&s, &b.in, ops, COUNT(ops),
			     &(struct scenario_options){ .want_lists = true });
		node = &s.machine.nodes[1];
		findings_clear(&found);
		hotplug_invariants_check(&s.hotplug, true, &found);
		assert_int_equal(found.total, 0);
		node->start_pfn -= i == 0;
		node->end_pfn += i == 1;
		node->nr_zones -= i == 2;
		s.hotplug.stat[1] += i == 3;
		if (i == 4) {
			s.machine.nodes[0].zones[ZONE_DMA32].spanned += SECTION;
			s.machine.nodes[0].zones[ZONE_DMA32].contiguous = true;
		}
		node->zones[ZONE_NORMAL].start_pfn += i == 5;
		s.hotplug.endless += i == 6;
		if (i == 7)
			s.hotplug.offline[0].start = PFN(4 * GIB);
		hotplug_invariants_check(&s.hotplug, true, &found);
		assert_true(found.count[expected[i]] > 0);
	}
	scenario_deinit(&s);
}

/* What is broken by hand: memory at the very limit of a zone is none of it any more. */
static void memory_beyond_a_zone(void **unused)
{
	static const struct scenario_options no_checks = { .want_lists = true };
	static const struct operation ops[] = {
		{ .kind = OPERATION_HOTADD, .nid = 0, .pfn = PFN(2 * GIB), .pages = SECTION },
		ONLINE(2 * GIB, KERNEL),
	};
	struct findings findings = { 0 };
	struct made_boot b;
	struct scenario s;
	struct machine *m = &s.machine;
	uint32_t r = 0;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, 2 * GIB, 0);
	made_boot_slot(&b, 2 * GIB, 16 * GIB, 0);
	made_boot_cpus(&b, 1, 0);
	scenario_init(&s);
	scenario_boot(&s, &b.in, &no_checks);
	for (uint32_t i = 0; i < COUNT(ops); i++)
		scenario_do(&s, &ops[i]);
	hotplug_invariants_check(&s.hotplug, true, &findings);
	assert_int_equal(findings.total, 0);
	while (r < m->range_count && m->ranges[r].start != PFN(2 * GIB))
		r++;
	assert_true(r < m->range_count);
	m->ranges[r].zone = ZONE_DMA32 + 1;
	hotplug_invariants_check(&s.hotplug, true, &findings);
	assert_int_equal(findings.count[INVARIANT_ZONE_CHOICE], 1);
	assert_int_equal(findings.first[INVARIANT_ZONE_CHOICE].expected, PFN(2 * GIB));
	scenario_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(emptied_node),
		cmocka_unit_test(ballooned_zone),
		cmocka_unit_test(ballooned_after_cma),
		cmocka_unit_test(spanned_area),
		cmocka_unit_test(isolated_where_nodes_meet),
		cmocka_unit_test(zones_counted),
		cmocka_unit_test(span_from_zero),
		cmocka_unit_test(regrown_zone),
		cmocka_unit_test(contiguous_hole),
		cmocka_unit_test(freed_while_isolated),
		cmocka_unit_test(truncated_pfn),
		cmocka_unit_test(min_free_lost),
		cmocka_unit_test(raced_rebuild),
		cmocka_unit_test(stranded_deltas),
		cmocka_unit_test(broken_machine),
		cmocka_unit_test(memory_beyond_a_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
