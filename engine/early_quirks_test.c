/* SPDX-License-Identifier: MIT */
/*
 * Quirks of memblock, early nodes, the memory map, deferred pages and contiguous areas, each on a machine
 * that shows it: the wrong rule breaks its invariant, and with the right one nothing is broken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/testing/made_boot.h"

#define KIB (1ULL << 10)
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

/* ---- memblock ---------------------------------------------------------------------------------- */

/*
 *	1M                 64M          128M
 *	|#.#.#.#. ... #.#.#|            |  then, as one more, [64M, 128M)
 */
static void array_in_pending_range(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, 128 * MIB, -1);
	/* A request makes the boot take its memory, so that there is some for an array. */
	made_boot_alloc(&b, 4 * KIB, 4 * KIB, MIB, 2 * MIB);
	for (phys_t at = 3 * MIB; at < 3 * MIB + 64 * KIB * 127; at += 64 * KIB)
		made_boot_reserve(&b, at, at + 4 * KIB);
	made_boot_reserve(&b, 64 * MIB, 128 * MIB);
	made_boot_quirk(&b, QUIRK_DOUBLE_ARRAY_OVERLAPS_PENDING_RANGE, NULL, 0);
}

/*
 *	1M                        1G kernel 1G+32M  1.5G
 *	|                          |########|        |  a request of 1000 MiB
 */
static void nothing_above_kernel(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "5.10");
	b.in.command_line = "movable_node";
	b.in.kernel_start = GIB;
	b.in.kernel_end = GIB + 32 * MIB;
	made_boot_memory(&b, MIB, GIB + 512 * MIB, -1);
	made_boot_reserve(&b, GIB, GIB + 32 * MIB);
	made_boot_alloc(&b, 1000 * MIB, MIB, 0, 0);
	made_boot_quirk(&b, QUIRK_BOTTOM_UP_BELOW_KERNEL_END, NULL, 0);
}

static void range_above_limit(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_I386, "6.12");
	made_boot_memory(&b, MIB, 3 * GIB, -1);
	made_boot_alloc(&b, MIB, MIB, 2 * GIB, 3 * GIB);
	made_boot_quirk(&b, QUIRK_CURRENT_LIMIT_APPLIED_TO_PHYS_ALLOC, NULL, 0);
}

static void query_past_the_end(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, 128 * MIB, -1);
	made_boot_quirk(&b, QUIRK_OVERLAP_TEST_WRAPS, NULL, 0);
}

static void cap_before_memory(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, 128 * MIB, -1);
	made_boot_reserve(&b, 64 * MIB, 65 * MIB);
	made_boot_step(&b, STEP_CAP, MIB, 32 * MIB);
	made_boot_quirk(&b, QUIRK_CAP_RANGE_BEFORE_MEMORY, NULL, 0);
}

/* Caps that do their work, or have none, and all else memblock is asked for, in every era. */
static void memblock_sound(void **unused)
{
	(void)unused;
	for (unsigned int era = 0; era < era_count; era++) {
		struct made_boot b;

		made_boot_init(&b, ARCH_X86_64, eras[era].name);
		made_boot_memory(&b, MIB, 128 * MIB, -1);
		made_boot_memory(&b, 256 * MIB, 512 * MIB, -1);
		made_boot_reserve(&b, 64 * MIB, 65 * MIB);
		made_boot_alloc(&b, MIB, 4 * KIB, 0, 0);
		made_boot_alloc(&b, GIB, 4 * KIB, 0, 0);
		made_boot_alloc(&b, 8 * MIB, MIB, 128 * MIB, 300 * MIB);
		made_boot_alloc(&b, 8 * MIB, MIB, 128 * MIB, 255 * MIB);
		made_boot_alloc(&b, 8 * MIB, MIB, 128 * MIB, 255 * MIB)->call = ALLOC_TRY_NID;
		made_boot_step(&b, STEP_CAP, 2 * MIB, 300 * MIB);
		made_boot_step(&b, STEP_CAP, 2 * MIB, 0);
		made_boot_step(&b, STEP_CAP, 0, UINT64_MAX);
		made_boot_sound(&b, NULL, 0);
	}
}

/* ---- the memory map ---------------------------------------------------------------------------- */

static void node_data(struct made_boot *b, int32_t nid)
{
	made_boot_step(b, STEP_NODE_DATA, 0, 16 * KIB)->nid = nid;
}

static void descending_nodes(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "5.12");
	made_boot_memory(&b, MIB, 1088 * MIB, 1);
	made_boot_memory(&b, 1088 * MIB, 2 * GIB, 0);
	made_boot_quirk(&b, QUIRK_DESCENDING_NODES_MEMMAP_OVERWRITE, NULL, 0);
}

static void hole_within_pageblock(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "5.10");
	made_boot_memory(&b, MIB, 3 * GIB, -1);
	made_boot_memory(&b, 4 * GIB, 5 * GIB, -1);
	made_boot_memory(&b, 5 * GIB + 64 * KIB, 6 * GIB, -1);
	made_boot_quirk(&b, QUIRK_HOLE_PAGES_LINKED_TO_ZONE_ZERO, NULL, 0);
}

/*
 *	1M         1G     1G+64M      2G
 *	|##########|  r   |###########|  what is reserved in the hole has a struct page
 */
static void reserved_in_hole(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	b.in.config.deferred_struct_page = true;
	made_boot_memory(&b, MIB, GIB, 0);
	made_boot_memory(&b, GIB + 64 * MIB, 2 * GIB, 0);
	made_boot_cpus(&b, 1, 0);
	node_data(&b, 0);
	made_boot_reserve(&b, GIB + MIB, GIB + MIB + 64 * KIB);
	made_boot_quirk(&b, QUIRK_RESERVED_OUTSIDE_MEMORY_BAD_NID, NULL, 0);
}

static void only_node_is_one(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "4.4");
	b.in.config.deferred_struct_page = true;
	made_boot_memory(&b, MIB, GIB, 1);
	made_boot_memory(&b, GIB + 64 * MIB, 2 * GIB, 1);
	made_boot_cpus(&b, 1, 1);
	node_data(&b, 1);
	made_boot_reserve(&b, GIB + MIB, GIB + MIB + 64 * KIB);
	made_boot_quirk(&b, QUIRK_PFN_WITHOUT_NODE_MEANS_NODE_ZERO, NULL, 0);
}

/*
 *	1M       1G  r      2G       3G
 *	| node 0 |          | node 1 |
 */
static void stamp_beyond_node(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, GIB, 0);
	made_boot_memory(&b, 2 * GIB, 3 * GIB, 1);
	node_data(&b, 0);
	node_data(&b, 1);
	made_boot_reserve(&b, GIB, GIB + 64 * KIB);
	made_boot_quirk(&b, QUIRK_SET_NODE_GETS_END_INSTEAD_OF_SIZE, NULL, 0);
}

/*
 *	1M                        254M  256M       512M
 *	|#.#.#. ... .#            |#####|##########|
 *	            node 0              |  node 1  |
 */
static void array_grows_mid_walk(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, 256 * MIB, 0);
	made_boot_memory(&b, 256 * MIB, 512 * MIB, 1);
	node_data(&b, 0);
	node_data(&b, 1);
	made_boot_reserve(&b, 254 * MIB, 512 * MIB);
	for (phys_t at = 3 * MIB; at < 3 * MIB + 64 * KIB * 125; at += 64 * KIB)
		made_boot_reserve(&b, at, at + 4 * KIB);
	made_boot_quirk(&b, QUIRK_RESERVED_ARRAY_DOUBLED_MID_WALK, NULL, 0);
}

/* ---- deferred struct pages ---------------------------------------------------------------------- */

static void last_zone_with_hole(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "5.10");
	b.in.config.deferred_struct_page = true;
	made_boot_memory(&b, MIB, 3 * GIB, -1);
	made_boot_memory(&b, 4 * GIB, 8 * GIB, -1);
	made_boot_memory(&b, 9 * GIB, 10 * GIB, -1);
	made_boot_quirk(&b, QUIRK_DEFERRED_DECISION_USES_RANGE_END, NULL, 0);
}

/*
 *	1M  16M                      1G     1G+64M
 *	|   |########################|      |  sections end at 1G and 1G+128M
 */
static void last_section_is_short(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "7.2");
	b.in.config.deferred_struct_page = true;
	made_boot_memory(&b, MIB, GIB + 64 * MIB, -1);
	made_boot_reserve(&b, 16 * MIB, GIB);
	made_boot_quirk(&b, QUIRK_DEFERRED_GROW_PAST_ZONE_END, NULL, 0);
}

/* What is reserved when memory was handed over is not there to be freed. */
static void reserved_too_late(void **unused)
{
	static const enum boot_step_kind kinds[] = { STEP_RESERVE, STEP_NODE_DATA };

	(void)unused;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct made_boot b;

		made_boot_init(&b, ARCH_X86_64, "6.12");
		b.in.config.deferred_struct_page = false;
		made_boot_memory(&b, MIB, GIB, -1);
		made_boot_step(&b, STEP_FREE_LATE, 32 * MIB, 512 * MIB);
		made_boot_step(&b, kinds[i], 32 * MIB, 512 * MIB)->nid = 0;
		made_boot_sound(&b, NULL, 0);
	}
}

/* Who reserves for a node that is not there has asked for that. */
static void reserved_for_no_node(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, GIB, -1);
	/* Nodes were told by then, and where no memory is no region tells better. */
	made_boot_step(&b, STEP_NODE_DATA, 0, 0)->nid = 0;
	made_boot_step(&b, STEP_RESERVE, 0, 1)->nid = 5;
	made_boot_sound(&b, NULL, 0);
}

/* Freed late: memory whose struct pages are deferred, and memory whose are not. */
static void freed_while_deferred(void **unused)
{
	struct made_boot b;
	struct scenario s;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.1");
	b.in.config.deferred_struct_page = true;
	made_boot_memory(&b, MIB, 3 * GIB, -1);
	made_boot_reserve(&b, 2 * GIB, 2 * GIB + 16 * MIB);
	made_boot_reserve(&b, 32 * MIB, 48 * MIB);
	made_boot_step(&b, STEP_FREE_LATE, 2 * GIB, 16 * MIB);
	made_boot_step(&b, STEP_FREE_LATE, 32 * MIB, 16 * MIB);
	made_boot_quirk(&b, QUIRK_FREE_LATE_VS_DEFERRED, NULL, 0);
	/* For a while they were freed although they had no struct pages. */
	quirks_all_right(&b.in.facts);
	b.in.facts.v[FACT_free_late_rule] = 1;
	scenario_init(&s);
	scenario_run(&s, &b.in, NULL, 0,
		     &(struct scenario_options){ .boot_cost = INVARIANT_COST_DEEP });
	assert_int_equal(s.findings.count[INVARIANT_HANDOVER_LATE], 1);
	assert_int_equal(s.findings.total, 1);
	scenario_deinit(&s);
	/* Where nothing is deferred, all is freed. */
	b.in.config.deferred_struct_page = false;
	made_boot_sound(&b, NULL, 0);
}

/* ---- early nodes ------------------------------------------------------------------------------- */

static void node_of_three_mib(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, GIB, 0);
	made_boot_memory(&b, GIB, GIB + 3 * MIB, 1);
	made_boot_quirk(&b, QUIRK_TINY_NODE_MEMORY_WITHOUT_NODE, NULL, 0);
}

/* The firmware names a node for [0, 1G), and memory goes on to 2G. */
static void half_without_node(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, GIB, 0);
	made_boot_memory(&b, GIB, 2 * GIB, -1);
	made_boot_quirk(&b, QUIRK_NO_NODE_SENTINEL_MISMATCH, NULL, 0);
}

static void fake_by_size(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	b.in.command_line = "numa=fake=512M";
	made_boot_memory(&b, MIB, 2 * GIB, -1);
	made_boot_quirk(&b, QUIRK_FAKE_NUMA_UNIFORM_REUSES_IDS, NULL, 0);
}

/* The only node that is made gets the id -1: no node was made, and the machine has the one it had. */
static void fake_without_an_id(void **unused)
{
	const struct quirk_info *q = quirk_info(QUIRK_FAKE_NUMA_UNIFORM_REUSES_IDS);
	struct scenario_options look = { .boot_cost = INVARIANT_COST_DEEP };
	struct made_boot b;
	struct scenario s;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	b.in.command_line = "numa=fake=4G";
	made_boot_memory(&b, MIB, 2 * GIB, -1);
	b.in.facts.v[q->fact] = q->wrong;
	scenario_init(&s);
	scenario_run(&s, &b.in, NULL, 0, &look);
	assert_false(s.machine.emulated);
	assert_int_equal(s.machine.node_count, 1);
	assert_true(s.machine.nodes[0].memory);
	scenario_deinit(&s);
}

static void fake_of_a_small_node(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	b.in.command_line = "numa=fake=4U";
	made_boot_memory(&b, MIB, 2 * GIB, 0);
	made_boot_memory(&b, 2 * GIB, 2 * GIB + 64 * MIB, 1);
	made_boot_quirk(&b, QUIRK_FAKE_NUMA_UNDER_ALLOCATION_MISSED, NULL, 0);
	/* Twice as many of twice the size are fine. */
	b.in.command_line = "numa=fake=2U";
	made_boot_sound(&b, NULL, 0);
}

static void fake_without_firmware(void **unused)
{
	static const char *const options[] = { "numa=fake=4",  "numa=fake=1000",
					       "numa=fake=0",  "numa=fake=4U",
					       "numa=fake=1G", "numa=fake=3:10,20,30" };
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, 2 * GIB, -1);
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		b.in.command_line = options[i];
		made_boot_sound(&b, NULL, 0);
	}
	b.in.command_line = options[0];
	made_boot_quirk(&b, QUIRK_FAKE_NUMA_NEEDS_SRAT, NULL, 0);
	/* Without NUMA nobody knows the option. */
	made_boot_init(&b, ARCH_I386, "6.1");
	b.in.config.numa = false;
	b.in.command_line = options[0];
	made_boot_memory(&b, MIB, 2 * GIB, -1);
	made_boot_sound(&b, NULL, 0);
}

static void add_window(struct made_boot *b, struct memory_window *windows, phys_t start, phys_t end)
{
	b->in.windows = windows;
	windows[b->in.window_count++] = (struct memory_window){ start, end };
}

/*
 *	1M       2G                4G       5G  6G                 8G
 *	| node 0 |                 | node 1 |   | slot of node 2 |
 *	                                    |      window      |
 */
static void window_next_to_node(void **unused)
{
	struct memory_window windows[2];
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, 2 * GIB, 0);
	made_boot_memory(&b, 4 * GIB, 5 * GIB, 1);
	made_boot_slot(&b, 6 * GIB, 8 * GIB, 2);
	made_boot_cpus(&b, 1, 0);
	add_window(&b, windows, 5 * GIB, 7 * GIB);
	made_boot_quirk(&b, QUIRK_FILL_MEMBLKS_OVERLAP_AND_SORT, NULL, 0);
}

/* Two slots in a window, the upper one first, and so far apart that the difference's low half is negative. */
static void window_with_slots_apart(void **unused)
{
	struct memory_window windows[2];
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, 2 * GIB, 0);
	made_boot_slot(&b, 27 * GIB, 28 * GIB, 2);
	made_boot_slot(&b, 20 * GIB, 21 * GIB, 1);
	made_boot_cpus(&b, 1, 0);
	add_window(&b, windows, 16 * GIB, 32 * GIB);
	made_boot_quirk(&b, QUIRK_FILL_MEMBLKS_OVERLAP_AND_SORT, NULL, 0);
}

static void window_without_node(void **unused)
{
	struct memory_window windows[2];
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	b.in.config.nodes_shift = 1;
	made_boot_memory(&b, MIB, GIB, 0);
	made_boot_memory(&b, GIB, 2 * GIB, 1);
	made_boot_cpus(&b, 1, 0);
	add_window(&b, windows, 8 * GIB, 9 * GIB);
	made_boot_quirk(&b, QUIRK_FAKE_PROXIMITY_DOMAIN_COLLIDES, NULL, 0);
}

/* Two windows, of which each gets a node, and a kernel that looks at their starts alone. */
static void windows_with_nodes(void **unused)
{
	static const char *const versions[] = { "5.15", "6.6", "6.12" };

	(void)unused;
	for (unsigned int v = 0; v < 3; v++) {
		struct memory_window windows[2];
		struct made_boot b;
		struct scenario s;

		made_boot_init(&b, ARCH_X86_64, versions[v]);
		made_boot_memory(&b, MIB, 2 * GIB, 0);
		made_boot_memory(&b, 4 * GIB, 6 * GIB, 2);
		made_boot_cpus(&b, 1, 0);
		add_window(&b, windows, 8 * GIB, 10 * GIB);
		add_window(&b, windows, 5 * GIB, 7 * GIB);
		quirks_all_right(&b.in.facts);
		scenario_init(&s);
		scenario_run(&s, &b.in, NULL, 0,
			     &(struct scenario_options){ .boot_cost = INVARIANT_COST_DEEP });
		assert_int_equal(s.findings.total, 0);
		assert_int_equal(s.machine.window_count, 2);
		/* The first that is free, if windows are looked at; the other lies in node 2's block. */
		assert_int_equal(s.machine.window_nids[0], v ? 1 : NID_NONE);
		assert_int_equal(s.machine.window_nids[1], NID_NONE);
		assert_int_equal(s.machine.node_count, 3);
		assert_int_equal(s.machine.nodes[1].parsed, v > 0);
		scenario_deinit(&s);
	}
}

/* ---- contiguous areas -------------------------------------------------------------------------- */

/*
 *	1M                 1G         1G+128M
 *	|      node 0      |  node 1  |  two areas of 256 MiB, one a node
 */
static void area_larger_than_node(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	b.in.command_line = "cma=0 cma_pernuma=256M";
	made_boot_memory(&b, MIB, GIB, 0);
	made_boot_memory(&b, GIB, GIB + 128 * MIB, 1);
	made_boot_cpus(&b, 1, 0);
	node_data(&b, 0);
	node_data(&b, 1);
	made_boot_step(&b, STEP_CMA_RESERVE, 0, 256 * MIB);
	made_boot_step(&b, STEP_CMA_RESERVE, 0, 256 * MIB);
	made_boot_quirk(&b, QUIRK_PERNUMA_CMA_FALLS_BACK_TO_OTHER_NODE, NULL, 0);
}

static void place_not_aligned(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	b.in.command_line = "cma=16M@101M-117M";
	made_boot_memory(&b, MIB, GIB, -1);
	made_boot_alloc(&b, 4 * KIB, 4 * KIB, MIB, 2 * MIB);
	made_boot_step(&b, STEP_CMA_RESERVE, 0, 16 * MIB);
	made_boot_quirk(&b, QUIRK_FIXED_CMA_MOVES, NULL, 0);
	b.in.command_line = "cma=16M@104M-120M";
	made_boot_sound(&b, NULL, 0);
}

/*
 *	1M            4G-16M  4G  4G+16M        5G
 *	|             |########|########|        |  and one of 16 MiB at 64 MiB
 */
static void area_of_two_zones(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, 5 * GIB, -1);
	made_boot_reserve(&b, 4 * GIB - 16 * MIB, 4 * GIB + 16 * MIB);
	made_boot_reserve(&b, 64 * MIB, 80 * MIB);
	made_boot_step(&b, STEP_POOL_CMA, 4 * GIB - 16 * MIB, 32 * MIB);
	made_boot_step(&b, STEP_POOL_CMA, 64 * MIB, 16 * MIB);
	made_boot_quirk(&b, QUIRK_CMA_FAILED_ACTIVATION_LEAKS, NULL, 0);
	made_boot_quirk(&b, QUIRK_ONE_BAD_CMA_STOPS_ALL, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(array_in_pending_range), cmocka_unit_test(nothing_above_kernel),
		cmocka_unit_test(range_above_limit),	  cmocka_unit_test(query_past_the_end),
		cmocka_unit_test(cap_before_memory),	  cmocka_unit_test(memblock_sound),
		cmocka_unit_test(area_larger_than_node),  cmocka_unit_test(place_not_aligned),
		cmocka_unit_test(area_of_two_zones),	  cmocka_unit_test(node_of_three_mib),
		cmocka_unit_test(half_without_node),	  cmocka_unit_test(fake_by_size),
		cmocka_unit_test(fake_without_an_id),	  cmocka_unit_test(fake_of_a_small_node),
		cmocka_unit_test(fake_without_firmware),  cmocka_unit_test(descending_nodes),
		cmocka_unit_test(hole_within_pageblock),  cmocka_unit_test(reserved_in_hole),
		cmocka_unit_test(only_node_is_one),	  cmocka_unit_test(stamp_beyond_node),
		cmocka_unit_test(array_grows_mid_walk),	  cmocka_unit_test(last_zone_with_hole),
		cmocka_unit_test(last_section_is_short),  cmocka_unit_test(freed_while_deferred),
		cmocka_unit_test(window_next_to_node),	  cmocka_unit_test(window_with_slots_apart),
		cmocka_unit_test(window_without_node),	  cmocka_unit_test(windows_with_nodes),
		cmocka_unit_test(reserved_too_late),	  cmocka_unit_test(reserved_for_no_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
