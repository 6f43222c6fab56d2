/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/setup_arch.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static void init(struct machine *m, const char *version, enum arch arch, bool pae,
		 const char *command_line)
{
	uint32_t v;

	assert_true(facts_parse_version(version, &v));
	machine_init(m);
	facts_init(&m->facts, v);
	arch_config_default(arch, pae, &m->config);
	arch_config_apply_facts(&m->config, &m->facts);
	cmdline_parse(command_line, arch == ARCH_I386 || arch == ARCH_X86_64, &m->cmdline);
	memblock_init(&m->mb, &m->facts, m->config.page_shift, 128, 128);
}

#define BANKS_MAX 2

static const struct {
	const char *version, *command_line;
	struct tree_range banks[BANKS_MAX];
	phys_t lowmem_end;
	phys_t first_limit; /* of memblock while low memory is not mapped */
} arm[] = {
	{ "6.1", "", { { GIB, GIB } }, GIB + 768 * MIB, GIB + 768 * MIB },
	{ "6.1", "", { { GIB, 512 * MIB } }, GIB + 512 * MIB, GIB + 512 * MIB },
	/* The gap below the vmalloc area is part of what vmalloc= gives, or comes on top. */
	{ "5.10", "vmalloc=512M", { { GIB, GIB } }, GIB + 504 * MIB, GIB + 504 * MIB },
	{ "6.1", "vmalloc=512M", { { GIB, GIB } }, GIB + 496 * MIB, GIB + 496 * MIB },
	{ "6.1", "vmalloc=1M", { { GIB, GIB } }, GIB + 992 * MIB, GIB + 992 * MIB },
	{ "6.1", "vmalloc=4000M", { { GIB, GIB } }, GIB + 32 * MIB, GIB + 32 * MIB },
	/* The area ended lower once. */
	{ "4.1", "", { { GIB, GIB } }, GIB + 760 * MIB, GIB + 760 * MIB },
	/* An edge inside a PMD needs a page table, which must lie in what is mapped already. */
	{ "6.1",
	  "",
	  { { GIB, 257 * MIB }, { GIB + 512 * MIB, GIB } },
	  GIB + 768 * MIB,
	  GIB + 256 * MIB },
	{ "6.1",
	  "",
	  { { GIB, 256 * MIB }, { GIB + 513 * MIB, GIB } },
	  GIB + 768 * MIB,
	  GIB + 512 * MIB },
	/* Memory that starts above the limit does not count. */
	{ "6.1", "", { { GIB, 256 * MIB }, { 2 * GIB, GIB } }, GIB + 256 * MIB, GIB + 256 * MIB },
	/* mem= takes as much from the start. */
	{ "6.1", "mem=100M", { { GIB, GIB } }, GIB + 100 * MIB, GIB + 100 * MIB },
};

static void arm_low_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(arm) / sizeof(arm[0]); i++) {
		struct tree_memory memory[BANKS_MAX] = { 0 };
		struct boot_input in = { .has_tree = true, .tree.memory = memory };
		struct machine m;

		for (int b = 0; b < BANKS_MAX && arm[i].banks[b].size; b++)
			memory[in.tree.memory_count++] =
				(struct tree_memory){ arm[i].banks[b], NID_NONE, false, true, 1 };
		init(&m, arm[i].version, ARCH_ARM, true, arm[i].command_line);
		setup_arch_memory(&m, &in);
		assert_true(m.memory_predicted);
		assert_int_equal(m.max_low_pfn << 12, arm[i].lowmem_end);
		assert_int_equal(m.mb.current_limit, arm[i].first_limit);
		machine_deinit(&m);
	}
}

/* Page tables for the edges are taken one by one; then all of low memory is free to take from. */
static void arm_maps_low_memory(void **state)
{
	struct tree_memory memory[] = {
		{ { GIB, 257 * MIB }, NID_NONE, false, true, 1 },
		{ { GIB + 512 * MIB, 129 * MIB }, NID_NONE, false, true, 1 },
	};
	struct boot_input in = { .has_tree = true,
				 .tree = { .memory = memory, .memory_count = 2 } };
	const struct boot_step table = { .kind = STEP_ALLOC, .size = 4096, .align = 4096 };
	const struct boot_step other = { .kind = STEP_ALLOC, .size = 48, .align = 8 };
	struct machine m;

	(void)state;
	init(&m, "6.1", ARCH_ARM, true, "");
	setup_arch_memory(&m, &in);
	setup_arch_map_lowmem(&m, NULL);
	assert_int_equal(m.mb.current_limit, GIB + 256 * MIB);
	setup_arch_map_lowmem(&m, &other);
	setup_arch_map_lowmem(&m, &table);
	assert_int_equal(m.mb.current_limit, GIB + 256 * MIB);
	setup_arch_map_lowmem(&m, &table);
	assert_int_equal(m.mb.current_limit, GIB + 641 * MIB);
	machine_deinit(&m);
	/* Where sections are half as large, half a PMD needs none. */
	init(&m, "6.1", ARCH_ARM, false, "");
	setup_arch_memory(&m, &in);
	setup_arch_map_lowmem(&m, NULL);
	assert_int_equal(m.mb.current_limit, GIB + 641 * MIB);
	machine_deinit(&m);
}

/* A bus that reaches less than kernel space does follows from the log's zones alone. */
static void arm_dma_zone_of_the_log(void **state)
{
	static const struct {
		phys_t told, end;
	} rows[] = { { 0, GIB + 512 * MIB }, { GIB + 128 * MIB, GIB + 128 * MIB } };
	struct tree_memory memory[] = { { { GIB, 512 * MIB }, NID_NONE, false, true, 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct boot_input in = { .has_tree = true,
					 .tree = { .memory = memory, .memory_count = 1 } };
		pfn_t ends[ZONE_TYPE_COUNT] = { 0 };
		struct machine m;

		init(&m, "6.1", ARCH_ARM, true, "");
		m.config.zones_mask |= 1U << ZONE_DMA;
		setup_arch_memory(&m, &in);
		in.given_zone_end[ZONE_DMA] = rows[i].told;
		in.given_zone_end[ZONE_NORMAL] = GIB + 512 * MIB;
		setup_arch_zone_pfns(&m, &in, ends);
		assert_int_equal(ends[ZONE_DMA] << 12, rows[i].end);
		assert_int_equal(m.zones_given, rows[i].told != 0);
		machine_deinit(&m);
	}
}

/* Where the log's zones say otherwise, kernel space begins elsewhere, and they are believed. */
static void arm_zones_of_the_log(void **state)
{
	static const struct {
		phys_t told;
		phys_t lowmem_end;
		bool given;
	} rows[] = {
		{ 0, GIB + 512 * MIB, false },
		{ GIB + 512 * MIB, GIB + 512 * MIB, false },
		{ GIB + 256 * MIB, GIB + 256 * MIB, true },
	};
	struct tree_memory memory[] = { { { GIB, 512 * MIB }, NID_NONE, false, true, 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct boot_input in = { .has_tree = true,
					 .tree = { .memory = memory, .memory_count = 1 } };
		struct machine m;

		in.given_zone_end[ZONE_NORMAL] = rows[i].told;
		init(&m, "6.1", ARCH_ARM, true, "");
		setup_arch_memory(&m, &in);
		assert_int_equal(m.max_low_pfn << 12, rows[i].lowmem_end);
		assert_int_equal(m.zones_given, rows[i].given);
		if (rows[i].given)
			assert_int_equal(m.mb.current_limit, rows[i].lowmem_end);
		machine_deinit(&m);
		/* What tells low memory itself goes before what follows from banks. */
		in.given_max_low_pfn = (GIB + 64 * MIB) >> 12;
		in.given_zone_end[ZONE_NORMAL] = 0;
		init(&m, "6.1", ARCH_ARM, true, "");
		setup_arch_memory(&m, &in);
		assert_int_equal(m.max_low_pfn << 12, GIB + 64 * MIB);
		assert_false(m.zones_given);
		machine_deinit(&m);
	}
}

static const struct {
	const char *command_line;
	uint64_t ram;
	bool pae;
	pfn_t max_low, max;
} i386[] = {
	{ "", 512 * MIB, true, 0x20000, 0x20000 },
	{ "", GIB, true, 0x36ffe, 0x40000 },
	{ "", GIB, false, 0x377fe, 0x40000 },
	{ "vmalloc=512M", GIB, true, 0x1e7fe, 0x40000 },
	/* highmem= takes from low memory only where all fits into it, and leaves 64 MiB. */
	{ "highmem=128M", 512 * MIB, true, 0x18000, 0x20000 },
	{ "highmem=500M", 512 * MIB, true, 0x20000, 0x20000 },
	{ "highmem=256M", GIB, true, 0x36ffe, 0x40000 },
	{ "highmem=64M", GIB, true, 0x36ffe, 0x3affe },
};

static void i386_low_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(i386) / sizeof(i386[0]); i++) {
		struct e820_entry ram = { 0, i386[i].ram, E820_RAM };
		struct boot_input in = { .firmware = &ram, .firmware_count = 1 };
		struct machine m;

		init(&m, "6.1", ARCH_I386, i386[i].pae, i386[i].command_line);
		setup_arch_firmware(&m, &in);
		setup_arch_memory(&m, &in);
		assert_int_equal(m.max_low_pfn, i386[i].max_low);
		assert_int_equal(m.max_pfn, i386[i].max);
		machine_deinit(&m);
	}
}

static const struct {
	const char *version;
	phys_t start, end, bus;
	phys_t dma, dma32, normal; /* exclusive ends; 0: the kernel has no such zone */
} arm64[] = {
	{ "6.1", GIB, 3 * GIB, 0, 3 * GIB, 3 * GIB, 3 * GIB },
	{ "6.1", GIB, 8 * GIB, 0, 4 * GIB, 4 * GIB, 8 * GIB },
	{ "6.1", 8 * GIB, 16 * GIB, 0, 16 * GIB, 16 * GIB, 16 * GIB },
	/* A bus that reaches less: to the next power of two, or exactly. */
	{ "6.1", 0, 8 * GIB, GIB - MIB, GIB, 4 * GIB, 8 * GIB },
	{ "6.12", 0, 8 * GIB, GIB - MIB, GIB - MIB, 4 * GIB, 8 * GIB },
	{ "6.12", 2 * GIB, 8 * GIB, GIB, 4 * GIB, 4 * GIB, 8 * GIB },
	/* The sets of zones changed, and ZONE_DMA was as small as the smallest board's for a while. */
	{ "4.4", GIB, 8 * GIB, 0, 4 * GIB, 0, 8 * GIB },
	{ "4.4", 33 * GIB, 40 * GIB, 0, 36 * GIB, 0, 40 * GIB },
	{ "5.4", GIB, 8 * GIB, 0, 0, 4 * GIB, 8 * GIB },
	{ "5.6", 0, 8 * GIB, 0, GIB, 4 * GIB, 8 * GIB },
};

static void arm64_zones(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(arm64) / sizeof(arm64[0]); i++) {
		struct tree_memory memory = {
			{ arm64[i].start, arm64[i].end - arm64[i].start }, NID_NONE, false, true, 1
		};
		struct boot_input in = {
			.has_tree = true,
			.tree = { .memory = &memory, .memory_count = 1, .dma_limit = arm64[i].bus }
		};
		pfn_t pfns[ZONE_TYPE_COUNT];
		struct machine m;

		init(&m, arm64[i].version, ARCH_ARM64, false, "");
		setup_arch_memory(&m, &in);
		setup_arch_zone_pfns(&m, &in, pfns);
		assert_int_equal(pfns[ZONE_DMA] << 12, arm64[i].dma);
		assert_int_equal(pfns[ZONE_DMA32] << 12, arm64[i].dma32);
		assert_int_equal(pfns[ZONE_NORMAL] << 12, arm64[i].normal);
		machine_deinit(&m);
	}
}

/*
 * 8 GiB and crashkernel=256M: the allocation of that size, of which nothing else is told, lies below 4 GiB.
 * Others are left alone: of another size, with a request of their own, of kernels that print requests,
 * where a line tells of it, and after the first.
 */
static void crash_kernel_without_its_line(void **state)
{
	static const struct {
		const char *version, *command_line;
		uint64_t size;
		uint32_t flags;
		bool line, its, made_up;
	} rows[] = {
		{ "5.10", "crashkernel=256M", 256 * MIB, STEP_SIZE_GIVEN, false, true, false },
		{ "5.10", "crashkernel=1G-4G:128M,4G-:256M", 256 * MIB, STEP_SIZE_GIVEN, false,
		  true, false },
		{ "5.10", "crashkernel=256M", 128 * MIB, STEP_SIZE_GIVEN, false, false, false },
		{ "5.10", "crashkernel=256M", 256 * MIB, 0, false, false, false },
		{ "5.10", "crashkernel=256M", 256 * MIB, STEP_SIZE_GIVEN, true, false, false },
		{ "5.10", "", 256 * MIB, STEP_SIZE_GIVEN, false, false, false },
		{ "6.1", "crashkernel=256M", 256 * MIB, STEP_SIZE_GIVEN, false, false, false },
		/* What a kernel prints is no matter where no log is read. */
		{ "6.1", "crashkernel=256M", 256 * MIB, STEP_SIZE_GIVEN, false, true, true },
		{ "6.1", "crashkernel=256M", 256 * MIB, STEP_SIZE_GIVEN, true, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct boot_step steps[] = {
			{ .kind = STEP_ALLOC,
			  .size = rows[i].size,
			  .flags = rows[i].flags,
			  .name = "" },
			{ .kind = STEP_CRASHKERNEL, .size = 256 * MIB, .name = "" },
		};
		struct boot_input in = { .steps = steps, .step_count = rows[i].line ? 2 : 1 };
		struct machine m;

		init(&m, rows[i].version, ARCH_X86_64, false, rows[i].command_line);
		m.reserved_known = true;
		m.made_up = rows[i].made_up;
		memblock_add(&m.mb, 0, 8 * GIB, NID_NONE, 0);
		assert_int_equal(setup_arch_crashkernel_alloc(&m, &in, steps, 0), rows[i].its);
		if (rows[i].its) {
			assert_int_equal(m.answers.count, 2);
			assert_int_equal(m.answers.items[0].kind, ANSWER_PLACEMENT);
			assert_int_equal(m.answers.items[0].v[1], 4 * GIB);
			assert_int_equal(m.answers.items[1].kind, ANSWER_CRASHKERNEL);
			assert_int_equal(m.answers.items[1].v[0], 4 * GIB - 256 * MIB);
			assert_false(setup_arch_crashkernel_alloc(&m, &in, steps, 0));
			setup_arch_crashkernel_option(&m, &in);
		}
		assert_int_equal(m.answers.count, rows[i].its ? 2 : 0);
		machine_deinit(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arm_low_memory),
		cmocka_unit_test(arm_maps_low_memory),
		cmocka_unit_test(arm_zones_of_the_log),
		cmocka_unit_test(arm_dma_zone_of_the_log),
		cmocka_unit_test(i386_low_memory),
		cmocka_unit_test(arm64_zones),
		cmocka_unit_test(crash_kernel_without_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
