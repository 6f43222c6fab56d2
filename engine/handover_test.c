/* SPDX-License-Identifier: MIT */
/* Tests of the hand-over's numbers: what comes back late, and contiguous areas that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/boot.h"
#include "engine/testing/made_boot.h"

#define KIB (1ULL << 10)
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define PAGES(bytes) ((bytes) >> 12)

static void boot(struct machine *m, struct made_boot *b)
{
	machine_init(m);
	boot_run(m, &b->in, STAGE_LATE);
	assert_int_equal(m->stage, STAGE_LATE);
	assert_false(m->out_of_memory);
}

/* What is managed in all when @b boots without areas. */
static uint64_t managed_without(enum arch arch, const struct facts *facts,
				void (*memory)(struct made_boot *b))
{
	struct made_boot b;
	struct machine m;
	uint64_t pages;

	made_boot_init(&b, arch, "6.12");
	b.in.facts = *facts;
	memory(&b);
	boot(&m, &b);
	pages = m.totalram;
	machine_deinit(&m);
	return pages;
}

/*
 *	1M         64M..80M           4G-24M   4G   4G+8M     5G
 *	|            |####|             |######|####|          |
 *	                                 DMA32  Normal
 */
static void two_areas(struct made_boot *b)
{
	made_boot_memory(b, MIB, 5 * GIB, -1);
	made_boot_reserve(b, 4 * GIB - 24 * MIB, 4 * GIB + 8 * MIB);
	made_boot_reserve(b, 64 * MIB, 80 * MIB);
}

/* An area of two zones comes back as a whole, or up to its second zone; who follows it may be out of luck. */
static void an_area_of_two_zones(void **state)
{
	(void)state;
	for (unsigned int rules = 0; rules < 8; rules++) {
		bool whole = rules & 1, goes_on = rules & 2, by_span = rules & 4;
		const struct zone *dma32, *normal;
		uint64_t without;
		struct made_boot b;
		struct machine m;

		made_boot_init(&b, ARCH_X86_64, "6.12");
		b.in.facts.v[FACT_cma_refused_before_activation] = whole;
		b.in.facts.v[FACT_cma_activation_goes_on] = goes_on;
		b.in.facts.v[FACT_cma_zone_by_span] = by_span;
		without = managed_without(ARCH_X86_64, &b.in.facts, two_areas);
		two_areas(&b);
		made_boot_step(&b, STEP_POOL_CMA, 4 * GIB - 24 * MIB, 32 * MIB);
		made_boot_step(&b, STEP_POOL_CMA, 64 * MIB, 16 * MIB);
		boot(&m, &b);
		dma32 = &m.nodes[0].zones[ZONE_DMA32];
		normal = &m.nodes[0].zones[ZONE_NORMAL];
		assert_int_equal(m.cma_count, 2);
		assert_false(m.cma[0].active);
		assert_int_equal(m.cma[1].active, goes_on);
		assert_int_equal(m.cma[0].joined, PAGES(whole ? 32 * MIB : 24 * MIB));
		assert_int_equal(m.cma[1].joined, goes_on ? PAGES(16 * MIB) : 0);
		/* What is not an area's any more is not told as one. */
		assert_int_equal(m.totalcma, PAGES(whole ? 16 * MIB : 48 * MIB));
		assert_int_equal(dma32->cma,
				 (whole ? 0 : PAGES(24 * MIB)) + (goes_on ? PAGES(16 * MIB) : 0));
		assert_int_equal(normal->cma, 0);
		assert_int_equal(m.totalram, without + m.cma[0].joined + m.cma[1].joined);
		machine_deinit(&m);
	}
}

/*
 *	1M                224M    240M+20K  240M+40K      512M
 *	|                  |###########|        |##         |
 *
 * Where frames are looked at, a hole is foreign; what came before it counts by whole pageblocks.
 */
static void holed_area(struct made_boot *b)
{
	made_boot_memory(b, MIB, 240 * MIB + 20 * KIB, -1);
	made_boot_memory(b, 240 * MIB + 40 * KIB, 512 * MIB, -1);
	made_boot_reserve(b, 224 * MIB, 240 * MIB + 20 * KIB);
	made_boot_reserve(b, 240 * MIB + 40 * KIB, 256 * MIB);
}

static void an_area_with_a_hole(void **state)
{
	(void)state;
	for (unsigned int rules = 0; rules < 4; rules++) {
		bool whole = rules & 1, by_span = rules & 2;
		const struct zone *z;
		uint64_t without;
		struct made_boot b;
		struct machine m;

		made_boot_init(&b, ARCH_X86_64, "6.12");
		b.in.facts.v[FACT_cma_refused_before_activation] = whole;
		b.in.facts.v[FACT_cma_zone_by_span] = by_span;
		without = managed_without(ARCH_X86_64, &b.in.facts, holed_area);
		holed_area(&b);
		made_boot_step(&b, STEP_POOL_CMA, 224 * MIB, 32 * MIB);
		boot(&m, &b);
		z = &m.nodes[0].zones[ZONE_DMA32];
		assert_int_equal(m.cma[0].active, by_span);
		if (by_span || whole) {
			assert_int_equal(m.cma[0].joined, PAGES(32 * MIB));
			assert_int_equal(m.totalram, without + PAGES(32 * MIB) - 5);
			assert_int_equal(z->cma, by_span ? PAGES(32 * MIB) : 0);
		} else {
			assert_int_equal(m.cma[0].joined, PAGES(16 * MIB));
			assert_int_equal(m.totalram, without + PAGES(16 * MIB));
			assert_int_equal(z->cma, PAGES(16 * MIB));
		}
		machine_deinit(&m);
	}
}

static void one_bank(struct made_boot *b)
{
	made_boot_memory(b, MIB, 512 * MIB, -1);
	made_boot_reserve(b, 100 * MIB, 120 * MIB);
}

/* What is freed late comes back once, as far as it was in use, in whole pages. */
static void late_frees(void **state)
{
	static const struct {
		phys_t start[3];
		uint64_t size[3];
		uint64_t pages;
	} rows[] = {
		{ { 100 * MIB }, { 20 * MIB }, PAGES(20 * MIB) },
		{ { 110 * MIB }, { 4 * MIB }, PAGES(4 * MIB) },
		/* Twice, and over the edges of what is reserved. */
		{ { 110 * MIB, 110 * MIB }, { 4 * MIB, 4 * MIB }, PAGES(4 * MIB) },
		{ { 98 * MIB, 110 * MIB }, { 4 * MIB, 30 * MIB }, PAGES(12 * MIB) },
		{ { 110 * MIB, 104 * MIB, 100 * MIB },
		  { 4 * MIB, 8 * MIB, 20 * MIB },
		  PAGES(20 * MIB) },
		/* Parts of pages stay. */
		{ { 100 * MIB + 1 }, { 8 * KIB }, 1 },
		{ { 100 * MIB + 4095 }, { 4096 }, 0 },
		/* Nothing was in use here. */
		{ { 200 * MIB }, { 4 * MIB }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct made_boot b;
		struct machine m;

		made_boot_init(&b, ARCH_X86_64, "6.12");
		one_bank(&b);
		for (unsigned int k = 0; k < 3 && rows[i].size[k]; k++)
			made_boot_step(&b, STEP_LATE_FREE, rows[i].start[k], rows[i].size[k])
				->name = "unused kernel";
		boot(&m, &b);
		assert_int_equal(m.totalram, managed_without(ARCH_X86_64, &b.in.facts, one_bank) +
						     rows[i].pages);
		assert_int_equal(m.nodes[0].zones[ZONE_DMA].managed +
					 m.nodes[0].zones[ZONE_DMA32].managed,
				 m.totalram);
		machine_deinit(&m);
	}
}

/* The initrd lies where the boot loader said, and the kernel's image where nobody says otherwise. */
static void frees_without_a_place(void **state)
{
	static const struct {
		const char *name;
		phys_t at; /* as the log has it */
		uint64_t pages;
	} rows[] = {
		{ "initrd", 0, PAGES(2 * MIB) },
		{ "initrd", 300 * MIB, PAGES(2 * MIB) },
		{ "unused kernel", 0, PAGES(2 * MIB) },
		{ "unused kernel", 300 * MIB, 0 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		bool known = i % 2;
		struct made_boot b;
		struct machine m;

		made_boot_init(&b, ARCH_X86_64, "6.12");
		one_bank(&b);
		if (known) {
			b.in.ramdisk_start = 112 * MIB;
			b.in.ramdisk_end = 114 * MIB;
			b.in.kernel_start = 102 * MIB;
			b.in.kernel_end = 106 * MIB;
		}
		made_boot_step(&b, STEP_LATE_FREE, rows[i / 2].at, 2 * MIB)->name =
			rows[i / 2].name;
		boot(&m, &b);
		assert_int_equal(m.totalram, managed_without(ARCH_X86_64, &b.in.facts, one_bank) +
						     (known ? rows[i / 2].pages : 0));
		machine_deinit(&m);
	}
}

/*
 * Where pages are dealt out by what is mirrored, two zones may have one span; each page given is of one of them:
 *
 *	1G         2G        5G        6G         7G
 *	| mirrored |         |         | mirrored |
 *	 DMA                  Movable   Normal
 */
static void zones_that_share_a_span(void **state)
{
	static struct memblock_region memory[] = {
		{ .base = GIB, .size = GIB, .flags = MEMBLOCK_MIRROR },
		{ .base = 5 * GIB, .size = GIB },
		{ .base = 6 * GIB, .size = GIB, .flags = MEMBLOCK_MIRROR },
	};
	uint64_t managed = 0;
	struct made_boot b;
	struct machine m;

	(void)state;
	made_boot_init(&b, ARCH_ARM64, "6.12");
	b.in.command_line = "kernelcore=mirror";
	b.in.reservations_told = false;
	b.in.has_state = b.in.state.has_memory = true;
	b.in.state.memory = memory;
	b.in.state.memory_count = 3;
	b.in.state.memory_size = 3 * GIB;
	made_boot_cpus(&b, 1, -1);
	made_boot_step(&b, STEP_STATE, 0, 0);
	boot(&m, &b);
	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
		managed += m.nodes[0].zones[t].managed;
	assert_int_equal(m.nodes[0].zones[ZONE_MOVABLE].managed, PAGES(GIB));
	assert_true(m.totalram > PAGES(2 * GIB));
	assert_int_equal(m.totalram, managed);
	machine_deinit(&m);
}

/*
 * The last zone is short of pages when page tables are made for the vmalloc area: it gets one more section, and what
 * is behind it stays deferred.
 *
 *	4G          4G+128M     4G+256M              6G
 *	|##########|           |                    |
 */
static void a_zone_grows_by_a_section(void **state)
{
	(void)state;
	for (int64_t by_section = 0; by_section < 2; by_section++) {
		struct made_boot b;
		struct machine m;
		uint64_t before;

		made_boot_init(&b, ARCH_X86_64, "6.12");
		b.in.facts.v[FACT_deferred_grow_by_section] = by_section;
		made_boot_memory(&b, MIB, GIB, -1);
		made_boot_memory(&b, 4 * GIB, 6 * GIB, -1);
		made_boot_cpus(&b, 1, -1);
		made_boot_reserve(&b, 4 * GIB, 4 * GIB + 128 * MIB);
		machine_init(&m);
		boot_run(&m, &b.in, STAGE_ZONES);
		assert_int_equal(m.nodes[0].first_deferred_pfn, PAGES(4 * GIB + 128 * MIB));
		before = m.nodes[0].zones[ZONE_NORMAL].early_free;
		machine_deinit(&m);
		machine_init(&m);
		boot_run(&m, &b.in, STAGE_MEM_INIT);
		assert_int_equal(m.nodes[0].first_deferred_pfn, PAGES(4 * GIB + 256 * MIB));
		assert_int_equal(m.nodes[0].zones[ZONE_NORMAL].early_free,
				 before + PAGES(128 * MIB));
		machine_deinit(&m);
	}
}

/*
 * The same with more in use.  A section's worth of pages is enough, even if free memory ends with it; where it is
 * met amid a section, the rest of that comes as well.  Old kernels note the page that is next, newer ones the section.
 *
 *	4G	 +128M	    +256M      +384M	  +512M		6G
 *	| in use | joins    | in use		  |		|
 *	| in use |in| joins	       |			|
 *		   use
 */
static void a_zone_grows_up_to_a_hole(void **state)
{
	static const struct {
		phys_t start, end; /* in use, from 4 GiB on, in MiB like the others */
		uint64_t grown;
		phys_t first[2]; /* that is deferred then, by the fact */
	} rows[] = { { 256, 512, 128, { 512, 256 } }, { 128, 136, 248, { 384, 384 } } };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		phys_t in_use = rows[i / 2].start * MIB, until = rows[i / 2].end * MIB;
		struct made_boot b;
		struct machine m;
		uint64_t before;

		made_boot_init(&b, ARCH_X86_64, "6.12");
		b.in.facts.v[FACT_deferred_grow_by_section] = i % 2;
		made_boot_memory(&b, MIB, GIB, -1);
		made_boot_memory(&b, 4 * GIB, 6 * GIB, -1);
		made_boot_cpus(&b, 1, -1);
		made_boot_reserve(&b, 4 * GIB, 4 * GIB + 128 * MIB);
		made_boot_reserve(&b, 4 * GIB + in_use, 4 * GIB + until);
		machine_init(&m);
		boot_run(&m, &b.in, STAGE_ZONES);
		before = m.nodes[0].zones[ZONE_NORMAL].early_free;
		machine_deinit(&m);
		machine_init(&m);
		boot_run(&m, &b.in, STAGE_MEM_INIT);
		assert_int_equal(m.nodes[0].zones[ZONE_NORMAL].early_free,
				 before + PAGES(rows[i / 2].grown * MIB));
		assert_int_equal(m.nodes[0].first_deferred_pfn,
				 PAGES(4 * GIB + rows[i / 2].first[i % 2] * MIB));
		machine_deinit(&m);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_area_of_two_zones),
		cmocka_unit_test(an_area_with_a_hole),
		cmocka_unit_test(late_frees),
		cmocka_unit_test(frees_without_a_place),
		cmocka_unit_test(zones_that_share_a_span),
		cmocka_unit_test(a_zone_grows_by_a_section),
		cmocka_unit_test(a_zone_grows_up_to_a_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
