/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/device_tree.h"
#include "engine/machine.h"

#define MIB (1ULL << 20)

static void init(struct machine *m, const char *version, uint64_t mib)
{
	uint32_t v;

	assert_true(facts_parse_version(version, &v));
	machine_init(m);
	facts_init(&m->facts, v);
	arch_config_default(ARCH_ARM64, false, &m->config);
	arch_config_apply_facts(&m->config, &m->facts);
	memblock_init(&m->mb, &m->facts, m->config.page_shift, 128, 128);
	memblock_add(&m->mb, 1024 * MIB, mib * MIB, NID_NONE, 0);
}

/* What sort() leaves of three equal elements in front of larger ones, in both variants. */
static void sorts_like_the_kernel(void **state)
{
	static const phys_t base[] = { 60, 70, 74, 0, 0, 0, 78 };
	static const uint64_t size[] = { 1, 4, 3, 0, 0, 0, 2 };
	static const uint32_t bottom_up[] = { 5, 4, 3, 0, 1, 2, 6 };
	uint32_t order[7];

	(void)state;
	device_tree_sort(base, size, 7, true, order);
	assert_memory_equal(order, bottom_up, sizeof(order));
	device_tree_sort(base, size, 7, false, order);
	for (int i = 1; i < 7; i++)
		assert_true(base[order[i - 1]] <= base[order[i]]);
	device_tree_sort(base, size, 1, true, order);
	assert_int_equal(order[0], 0);
	device_tree_sort(base, size, 0, true, order);
}

/* Ranges are trimmed inwards; what has no whole page is left out. */
static void trims_memory(void **state)
{
	struct tree_memory memory[] = {
		{ { 0x1234, 0x2000 }, NID_NONE, false, true, 1 },
		{ { 0x10010, 0xff0 }, NID_NONE, false, true, 1 },
		{ { 0x20000, 0x3fff }, NID_NONE, false, true, 1 },
		{ { 0x40000, 0x1000 }, NID_NONE, false, false, 1 },
		{ { 0x50000, 0x1000 }, NID_NONE, false, true, 2 },
	};
	struct device_tree tree = { .memory = memory, .memory_count = 5 };
	struct machine m;

	(void)state;
	init(&m, "6.1", 1);
	memblock_remove(&m.mb, 0, UINT64_MAX);
	device_tree_add_memory(&m, &tree);
	assert_int_equal(m.mb.memory.cnt, 2);
	assert_int_equal(m.mb.memory.regions[0].base, 0x2000);
	assert_int_equal(m.mb.memory.regions[0].size, 0x1000);
	assert_int_equal(m.mb.memory.regions[1].base, 0x20000);
	assert_int_equal(m.mb.memory.regions[1].size, 0x3000);
	machine_deinit(&m);
	/* Older kernels look neither at the status nor at the depth. */
	init(&m, "5.10", 1);
	memblock_remove(&m.mb, 0, UINT64_MAX);
	device_tree_add_memory(&m, &tree);
	assert_int_equal(m.mb.memory.cnt, 4);
	machine_deinit(&m);
}

static const struct {
	const char *version;
	struct tree_reserved node;
	const char *cmdline;
	phys_t base; /* 0: given back */
	bool cma;
	uint32_t memory, reserved; /* regions afterwards */
} placements[] = {
	/* A pool is aligned to what an area needs, which was the largest block once. */
	{ "6.1", { .size = 3 * MIB, .dma_pool = true, .reusable = true }, "", 0, false, 1, 0 },
	{ "6.1",
	  { .size = 6 * MIB, .dma_pool = true, .reusable = true },
	  "",
	  1274 * MIB,
	  true,
	  1,
	  1 },
	{ "5.10",
	  { .size = 8 * MIB, .dma_pool = true, .reusable = true },
	  "",
	  1272 * MIB,
	  true,
	  1,
	  1 },
	{ "5.10", { .size = 6 * MIB, .dma_pool = true, .reusable = true }, "", 0, false, 1, 0 },
	/* cma= makes the kernel refuse the default area, and no other. */
	{ "6.1",
	  { .size = 4 * MIB, .dma_pool = true, .reusable = true, .cma_default = true },
	  "cma=8M",
	  0,
	  false,
	  1,
	  0 },
	{ "6.1",
	  { .size = 4 * MIB, .dma_pool = true, .reusable = true },
	  "cma=8M",
	  1276 * MIB,
	  true,
	  1,
	  1 },
	/* Only what can be used again has to be aligned as an area. */
	{ "6.1", { .size = 3 * MIB, .dma_pool = true }, "", 1277 * MIB, false, 1, 1 },
	{ "6.1", { .size = 3 * MIB, .reusable = true }, "", 1277 * MIB, false, 1, 1 },
	/* No area can be where nothing is mapped: the pool is memory again. */
	{ "6.1",
	  { .size = 4 * MIB, .dma_pool = true, .reusable = true, .no_map = true },
	  "",
	  0,
	  false,
	  1,
	  1 },
	/* No-map: marked and reserved, or taken away. */
	{ "6.1", { .size = MIB, .no_map = true }, "", 1279 * MIB, false, 2, 1 },
	{ "5.10", { .size = MIB, .no_map = true }, "", 1279 * MIB, false, 1, 0 },
};

static void places(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(placements) / sizeof(placements[0]); i++) {
		struct tree_reserved node = placements[i].node;
		struct device_tree tree = { .reserved = &node,
					    .reserved_count = 1,
					    .reserved_format_ok = true };
		struct machine m;

		node.enabled = true;
		init(&m, placements[i].version, 256);
		cmdline_parse(placements[i].cmdline, false, &m.cmdline);
		device_tree_reserve(&m, &tree);
		assert_int_equal(m.tree_placed_count, 1);
		assert_int_equal(m.tree_placed[0].refused, !placements[i].base);
		if (!m.tree_placed[0].refused) {
			assert_int_equal(m.tree_placed[0].range.base, placements[i].base);
			assert_int_equal(m.tree_placed[0].cma, placements[i].cma);
			assert_true(m.tree_placed[0].dynamic);
		}
		assert_int_equal(m.mb.memory.cnt, placements[i].memory);
		/* Up to 5.10 what is not to be mapped is no memory any more. */
		if (node.no_map && !fact_get(&m.facts, FACT_dt_dynamic_nomap_marked))
			assert_int_equal(m.mb.memory.total_size, 255 * MIB);
		else
			assert_int_equal(m.mb.memory.total_size, 256 * MIB);
		if (placements[i].reserved)
			assert_int_equal(m.mb.reserved.cnt, placements[i].reserved);
		else
			assert_int_equal(m.mb.reserved.total_size, 0);
		machine_deinit(&m);
	}
}

/* What somebody else has reserved stays mapped; a window next to a fixed block is filled from below. */
static void respects_others(void **state)
{
	const struct tree_range fixed = { 1100 * MIB, 4 * MIB };
	const struct tree_range window = { 1104 * MIB, 64 * MIB };
	struct tree_reserved nodes[] = {
		{ .ranges = &fixed, .range_count = 1, .no_map = true, .enabled = true },
		{ .size = MIB, .windows = &window, .window_count = 1, .enabled = true },
	};
	struct device_tree tree = { .reserved = nodes,
				    .reserved_count = 2,
				    .reserved_format_ok = true };
	struct machine m;

	(void)state;
	init(&m, "6.1", 256);
	memblock_reserve(&m.mb, 1103 * MIB, 4096, NID_NONE, 0);
	device_tree_reserve(&m, &tree);
	assert_int_equal(m.mb.memory.cnt, 1);
	assert_int_equal(m.tree_placed[0].range.base, 1167 * MIB);
	machine_deinit(&m);
	init(&m, "6.8", 256);
	device_tree_reserve(&m, &tree);
	assert_int_equal(m.mb.memory.cnt, 3);
	assert_int_equal(m.tree_placed[0].range.base, 1104 * MIB);
	machine_deinit(&m);
}

/*
 * Next to what was placed before it: from below behind it, from above before it, and between two from above.
 * Kernels that settle the fixed ones last do not see them.
 *
 *	1040              1104   1108             1140   1144      MiB
 *	[ <- third window ][first][ second window -> ]    [fixed]
 *	                          [   fourth window <-    ]
 */
static void windows_between_blocks(void **state)
{
	const struct tree_range fixed = { 1144 * MIB, 4 * MIB };
	const struct tree_range windows[] = { { 1104 * MIB, 4 * MIB },
					      { 1108 * MIB, 32 * MIB },
					      { 1040 * MIB, 64 * MIB },
					      { 1108 * MIB, 36 * MIB },
					      { 1148 * MIB, 8 * MIB } };
	const phys_t order_of_tree[] = { 1104, 1108, 1103, 1143, 1148 };
	const phys_t fixed_last[] = { 1104, 1108, 1103, 1109, 1155 };
	struct tree_reserved nodes[6] = { { .ranges = &fixed, .range_count = 1, .enabled = true } };
	struct device_tree tree = { .reserved = nodes,
				    .reserved_count = 6,
				    .reserved_format_ok = true };
	struct machine m;

	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		nodes[i + 1] = (struct tree_reserved){ .size = i ? MIB : 4 * MIB,
						       .windows = &windows[i],
						       .window_count = 1,
						       .enabled = true };
	for (int k = 0; k < 2; k++) {
		const phys_t *want = k ? fixed_last : order_of_tree;
		unsigned int found = 0;

		init(&m, k ? "6.12" : "6.8", 256);
		device_tree_reserve(&m, &tree);
		for (uint32_t i = 0; i < m.tree_placed_count; i++)
			if (m.tree_placed[i].dynamic)
				assert_int_equal(m.tree_placed[i].range.base, want[found++] * MIB);
		assert_int_equal(found, 5);
		machine_deinit(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts_like_the_kernel),
		cmocka_unit_test(trims_memory),
		cmocka_unit_test(places),
		cmocka_unit_test(respects_others),
		cmocka_unit_test(windows_between_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
