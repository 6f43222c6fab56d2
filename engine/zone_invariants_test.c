/* SPDX-License-Identifier: MIT */
/* Tests of the invariants of zones: quirks on whole machines, and zones broken by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/testing/made_boot.h"
#include "engine/zone_invariants.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static void init(struct made_boot *b, const char *command_line)
{
	made_boot_init(b, ARCH_X86_64, "6.12");
	b->in.command_line = command_line;
}

static void movable_start_beyond_end(void **unused)
{
	struct made_boot b;

	(void)unused;
	init(&b, "kernelcore=1022M");
	made_boot_memory(&b, MIB, 1023 * MIB + 128ULL * 1024, -1);
	made_boot_quirk(&b, QUIRK_MOVABLE_START_BEYOND_NODE_END, NULL, 0);
}

static void mirror_without_mirror(void **unused)
{
	struct made_boot b;

	(void)unused;
	init(&b, "kernelcore=mirror");
	made_boot_memory(&b, MIB, 2 * GIB, -1);
	made_boot_memory(&b, 4 * GIB, 10 * GIB, -1);
	made_boot_quirk(&b, QUIRK_KERNELCORE_MIRROR_WITHOUT_MIRROR, NULL, 0);
}

static void movablecore_too_large(void **unused)
{
	struct made_boot b;

	(void)unused;
	init(&b, "movablecore=100G");
	made_boot_memory(&b, MIB, 2 * GIB, -1);
	made_boot_memory(&b, 4 * GIB, 6 * GIB, -1);
	made_boot_quirk(&b, QUIRK_MOVABLECORE_LARGER_THAN_RAM, NULL, 0);
}

/* ZONE_MOVABLE is cut from low memory, and taken for high memory: it is freed with both. */
static void movable_freed_twice(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_I386, "5.10");
	b.in.command_line = "kernelcore=1M";
	made_boot_memory(&b, 0, 17 * MIB, -1);
	made_boot_quirk(&b, QUIRK_MOVABLE_LOW_MEMORY_FREED_TWICE, NULL, 0);
}

/* Low memory ends at 0x377fe, within a largest block.  What is cut from that block is low memory's still. */
static void highmem_in_a_low_block(void **unused)
{
	static const struct operation op = { .kind = OPERATION_POISON, .pfn = 0x377fd };
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_I386, "7.0");
	made_boot_memory(&b, 0, GIB, -1);
	made_boot_quirk(&b, QUIRK_HIGHMEM_IN_BLOCKS_OF_LOWMEM, &op, 1);
}

/* Pageblocks kept back as up to 4.3 are of another type than the larger blocks that they lie in, on any kernel. */
static void reserve_of_old(void **unused)
{
	struct made_boot b;

	(void)unused;
	init(&b, "movablecore=1M");
	b.in.facts.v[FACT_migrate_reserve] = 1;
	made_boot_memory(&b, 0, 16 * MIB, -1);
	made_boot_sound(&b, NULL, 0);
}

static void kernelcore_too_large(void **unused)
{
	struct made_boot b;

	(void)unused;
	init(&b, "kernelcore=3G");
	made_boot_memory(&b, MIB, GIB, 0);
	made_boot_memory(&b, GIB, 2 * GIB, 1);
	made_boot_quirk(&b, QUIRK_KERNELCORE_LARGER_THAN_RAM, NULL, 0);
}

/* Node 0 lies below 4 GiB, where all is core; node 1 above has none left to give. */
static void movable_only_node(void **unused)
{
	struct made_boot b;

	(void)unused;
	init(&b, "kernelcore=1G");
	made_boot_memory(&b, MIB, 2 * GIB, 0);
	made_boot_memory(&b, 5 * GIB, 6 * GIB, 1);
	made_boot_quirk(&b, QUIRK_MOVABLE_ONLY_NODE_NEGATIVE_PRESENT, NULL, 0);
}

static void zone_behind_movable(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_OTHER, "6.12");
	b.in.config.zones_mask |= 1U << ZONE_DEVICE;
	made_boot_memory(&b, 256 * MIB, GIB, -1);
	b.in.given_zones = 1U << ZONE_NORMAL | 1U << ZONE_DEVICE;
	b.in.given_zone_end[ZONE_NORMAL] = GIB;
	b.in.given_zone_end[ZONE_DEVICE] = 2 * GIB;
	made_boot_quirk(&b, QUIRK_ZONE_AFTER_MOVABLE_STARTS_AT_ZERO, NULL, 0);
}

/* Memory at [2G, 4G) and [32G, 40G), and no bus that tells what it reaches. */
static void arm64_dma_zone(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_ARM64, "6.12");
	made_boot_memory(&b, 2 * GIB, 4 * GIB, -1);
	made_boot_memory(&b, 32 * GIB, 40 * GIB, -1);
	made_boot_quirk(&b, QUIRK_ARM64_DMA_ZONE_LIMITS, NULL, 0);
}

static void node_without_pgdat(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, GIB, 0);
	made_boot_memory(&b, GIB, 2 * GIB, 1);
	made_boot_slot(&b, 16 * GIB, 32 * GIB, 2);
	made_boot_cpus(&b, 1, 0);
	made_boot_quirk(&b, QUIRK_OFFLINE_NODE_WITHOUT_PGDAT, NULL, 0);
}

/* Every kernel has the same right rules. */
static void all_eras(void **unused)
{
	static const char *const lines[] = { "",
					     "kernelcore=512M",
					     "movablecore=1G",
					     "movable_node",
					     "movablecore=100G",
					     "kernelcore=99%",
					     "kernelcore=mirror" };
	struct made_boot b;

	(void)unused;
	for (unsigned int e = 0; e < era_count; e++) {
		for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
			made_boot_init(&b, ARCH_X86_64, eras[e].name);
			b.in.command_line = lines[i];
			made_boot_memory(&b, 0, 0x9fc00, 0);
			made_boot_memory(&b, MIB, 2 * GIB, 0);
			made_boot_memory(&b, 4 * GIB, 5 * GIB, 0);
			made_boot_memory(&b, 5 * GIB, 6 * GIB + 3 * MIB, 1);
			made_boot_cpus(&b, 2, 0);
			made_boot_cpus(&b, 1, 2);
			made_boot_sound(&b, NULL, 0);
		}
	}
}

enum break_kind {
	PRESENT,
	MANAGED,
	EMPTY_START,
	OVERLAP,
	HOLE,
	HOLE_ALONE,
	FEWER_PRESENT,
	NODE_SUM,
	MOVABLE,
	LIMIT,
	BREAK_COUNT
};

static enum invariant break_machine(struct machine *m, enum break_kind kind)
{
	struct node *node = &m->nodes[0];

	switch (kind) {
	case PRESENT:
		node->zones[ZONE_DMA].present = node->zones[ZONE_DMA].spanned + 1;
		return INVARIANT_ZONE_SIZES;
	case MANAGED:
		node->zones[ZONE_DMA].managed = node->zones[ZONE_DMA].present + 1;
		return INVARIANT_ZONE_SIZES;
	case EMPTY_START:
		node->zones[ZONE_DEVICE].start_pfn = 1;
		return INVARIANT_ZONE_SIZES;
	case OVERLAP:
		node->zones[ZONE_DMA].spanned += 1;
		return INVARIANT_ZONE_DISJOINT;
	case HOLE:
		node->zones[ZONE_DMA32].spanned -= 1;
		return INVARIANT_ZONE_COVER;
	case HOLE_ALONE:
		/* A page that is in no zone, and in no zone's counts. */
		node->zones[ZONE_DMA32].spanned -= 1;
		node->zones[ZONE_DMA32].present -= 1;
		node->zones[ZONE_DMA32].managed -= 1;
		return INVARIANT_ZONE_COVER;
	case FEWER_PRESENT:
		node->zones[ZONE_DMA32].present -= 1;
		node->zones[ZONE_DMA32].managed -= 1;
		return INVARIANT_ZONE_COVER;
	case NODE_SUM:
		node->present++;
		return INVARIANT_NODE_PRESENT;
	case MOVABLE:
		node->movable_pfn = node->end_pfn;
		return INVARIANT_MOVABLE_START;
	case LIMIT:
		m->limits.lowest[ZONE_NORMAL]++;
		return INVARIANT_ZONE_LIMITS;
	case BREAK_COUNT:
		break;
	}
	return INVARIANT_COUNT;
}

static void broken_zones(void **unused)
{
	struct made_boot b;
	struct scenario s;

	(void)unused;
	init(&b, "");
	made_boot_memory(&b, MIB, GIB, -1);
	scenario_init(&s);
	for (unsigned int kind = 0; kind < BREAK_COUNT; kind++) {
		enum invariant invariant;

		scenario_boot(&s, &b.in, &(struct scenario_options){ .want_lists = false });
		invariant = break_machine(&s.machine, (enum break_kind)kind);
		assert_int_equal(s.findings.total, 0);
		scenario_check(&s, INVARIANT_COST_WALK);
		assert_true(s.findings.count[invariant] > 0);
	}
	scenario_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(movable_start_beyond_end),
		cmocka_unit_test(mirror_without_mirror),
		cmocka_unit_test(movablecore_too_large),
		cmocka_unit_test(kernelcore_too_large),
		cmocka_unit_test(movable_freed_twice),
		cmocka_unit_test(reserve_of_old),
		cmocka_unit_test(highmem_in_a_low_block),
		cmocka_unit_test(movable_only_node),
		cmocka_unit_test(zone_behind_movable),
		cmocka_unit_test(arm64_dma_zone),
		cmocka_unit_test(node_without_pgdat),
		cmocka_unit_test(all_eras),
		cmocka_unit_test(broken_zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
