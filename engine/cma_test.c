/* SPDX-License-Identifier: MIT */
/*
 * Tests of where contiguous areas land.  The machines have memory from 1 MiB on; pictures show what is
 * reserved (#) and what is asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/cma.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define NOWHERE UINT64_MAX

/* Memory from @start to @end; low memory ends at @low where there is high memory (0: none). */
static void begin(struct machine *m, const char *version, enum arch arch, phys_t start, phys_t end,
		  phys_t low)
{
	uint32_t v;

	machine_init(m);
	assert_true(facts_parse_version(version, &v));
	facts_init(&m->facts, v);
	arch_config_default(arch, true, &m->config);
	memblock_init(&m->mb, &m->facts, m->config.page_shift, 128, 128);
	memblock_add(&m->mb, start, end - start, 0, 0);
	m->max_low_pfn = low >> m->config.page_shift;
}

static phys_t declare(struct machine *m, uint64_t size, phys_t base, phys_t limit)
{
	struct cma_request req = { .size = size, .base = base, .limit = limit, .nid = NID_NONE };
	uint64_t before = m->mb.reserved.total_size;
	phys_t found = 77;

	if (!cma_declare(m, &req, &found)) {
		/* A refusal leaves everything as it was. */
		assert_int_equal(found, 77);
		assert_int_equal(m->mb.reserved.total_size, before);
		return NOWHERE;
	}
	assert_true(memblock_is_reserved(&m->mb, found));
	return found;
}

/* Areas begin and end with pageblocks, up to 5.17 with largest blocks. */
static void areas_are_aligned(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, "6.1", ARCH_X86_64, MIB, GIB, 0);
	assert_int_equal(cma_min_align(&m), 2 * MIB);
	/* The top of memory, rounded up to 4 MiB. */
	assert_int_equal(declare(&m, 3 * MIB, 0, 0), GIB - 4 * MIB);
	assert_int_equal(m.mb.reserved.total_size, 4 * MIB);
	assert_int_equal(declare(&m, 1, 0, 0), GIB - 6 * MIB);
	machine_deinit(&m);
	begin(&m, "5.10", ARCH_X86_64, MIB, GIB, 0);
	assert_int_equal(cma_min_align(&m), 4 * MIB);
	assert_int_equal(declare(&m, 1, 0, 0), GIB - 4 * MIB);
	machine_deinit(&m);
	/* Or with what is asked for, if that is more. */
	begin(&m, "6.1", ARCH_X86_64, MIB, GIB, 0);
	for (unsigned int i = 0; i < 2; i++) {
		struct cma_request req = { .size = MIB,
					   .align = i ? MIB : 64 * MIB,
					   .nid = NID_NONE };
		phys_t found;

		assert_true(cma_declare(&m, &req, &found));
		assert_int_equal(found, i ? GIB - 66 * MIB : GIB - 64 * MIB);
	}
	machine_deinit(&m);
}

/* Between base and limit, as high as possible; nothing where that is no room. */
static void base_and_limit(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, "6.1", ARCH_X86_64, MIB, GIB, 0);
	assert_int_equal(declare(&m, 0, 0, 0), NOWHERE);
	assert_int_equal(declare(&m, 2 * GIB, 0, 0), NOWHERE);
	assert_int_equal(declare(&m, UINT64_MAX - MIB, 4 * MIB, 0), NOWHERE);
	assert_int_equal(declare(&m, 16 * MIB, 0, 512 * MIB), 496 * MIB);
	/* The limit is rounded down, and more than there is counts as the end. */
	assert_int_equal(declare(&m, 16 * MIB, 0, 257 * MIB), 240 * MIB);
	assert_int_equal(declare(&m, 16 * MIB, 0, 8 * GIB), GIB - 16 * MIB);
	/* 16 MiB above 100 MiB and below 118 MiB: the highest place. */
	assert_int_equal(declare(&m, 16 * MIB, 100 * MIB, 118 * MIB), 102 * MIB);
	assert_int_equal(declare(&m, 16 * MIB, 100 * MIB, 118 * MIB), NOWHERE);
	assert_int_equal(declare(&m, 20 * MIB, 300 * MIB, 318 * MIB), NOWHERE);
	machine_deinit(&m);
}

/* A base and the end that goes with it are a place: there or nowhere. */
static void fixed_places(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, "6.1", ARCH_X86_64, MIB, GIB, 0);
	/* Round the end of the address space. */
	assert_int_equal(declare(&m, -(4 * MIB), 4 * MIB, 0), NOWHERE);
	assert_int_equal(declare(&m, 16 * MIB, 64 * MIB, 80 * MIB), 64 * MIB);
	/* Taken, the last byte of it taken, beside it. */
	assert_int_equal(declare(&m, 16 * MIB, 64 * MIB, 80 * MIB), NOWHERE);
	memblock_reserve(&m.mb, 128 * MIB - 1, 1, NID_NONE, 0);
	assert_int_equal(declare(&m, 16 * MIB, 112 * MIB, 128 * MIB), NOWHERE);
	assert_int_equal(declare(&m, 16 * MIB, 80 * MIB, 96 * MIB), 80 * MIB);
	/* Not aligned; of a size that is not; beyond the end. */
	assert_int_equal(declare(&m, 16 * MIB, 161 * MIB, 177 * MIB), NOWHERE);
	assert_int_equal(declare(&m, 15 * MIB, 160 * MIB, 175 * MIB), NOWHERE);
	assert_int_equal(declare(&m, 16 * MIB, GIB - 8 * MIB, GIB + 8 * MIB), NOWHERE);
	machine_deinit(&m);
	/* Across the end of low memory, and up to it. */
	begin(&m, "6.1", ARCH_ARM, MIB, GIB, 768 * MIB);
	assert_int_equal(declare(&m, 16 * MIB, 760 * MIB, 776 * MIB), NOWHERE);
	assert_int_equal(declare(&m, 16 * MIB, GIB - 8 * MIB, GIB + 8 * MIB), NOWHERE);
	assert_int_equal(declare(&m, 16 * MIB, 752 * MIB, 768 * MIB), 752 * MIB);
	assert_int_equal(declare(&m, 16 * MIB, 768 * MIB, 784 * MIB), 768 * MIB);
	machine_deinit(&m);
}

/*
 *	1M		   768M	       1G
 *	[ low memory	   | high      ]	high memory is tried first, then low memory below it
 */
static void areas_lie_in_one_zone(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, "6.1", ARCH_ARM, MIB, GIB, 768 * MIB);
	assert_int_equal(declare(&m, 64 * MIB, 0, 0), GIB - 64 * MIB);
	assert_int_equal(declare(&m, 256 * MIB, 0, 0), 512 * MIB);
	/* Below a limit in high memory; in low memory alone. */
	assert_int_equal(declare(&m, 32 * MIB, 0, 832 * MIB), 800 * MIB);
	assert_int_equal(declare(&m, 32 * MIB, 0, 768 * MIB), 480 * MIB);
	/* A base above its end looks nowhere else. */
	assert_int_equal(declare(&m, 128 * MIB, 832 * MIB, 0), 832 * MIB);
	assert_int_equal(declare(&m, 128 * MIB, 800 * MIB, 0), NOWHERE);
	assert_int_equal(declare(&m, 32 * MIB, 900 * MIB, 0), NOWHERE);
	assert_int_equal(declare(&m, 32 * MIB, 768 * MIB, 0), 768 * MIB);
	machine_deinit(&m);
}

/* From 5.11 on areas lie as low as possible above 4 GiB where there is memory for that. */
static void bottom_up_above_4_gib(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, "5.10", ARCH_X86_64, MIB, 8 * GIB, 0);
	assert_int_equal(declare(&m, GIB, 0, 0), 7 * GIB);
	machine_deinit(&m);
	begin(&m, "6.1", ARCH_X86_64, MIB, 8 * GIB, 0);
	assert_int_equal(declare(&m, GIB, 0, 0), 4 * GIB);
	assert_int_equal(declare(&m, GIB, 0, 0), 5 * GIB);
	/* A limit below 4 GiB, or no room above: from the top as ever. */
	assert_int_equal(declare(&m, GIB, 0, 2 * GIB), GIB);
	assert_int_equal(declare(&m, 3 * GIB, 0, 0), NOWHERE);
	assert_int_equal(declare(&m, 2 * GIB, 0, 0), 6 * GIB);
	assert_int_equal(declare(&m, GIB, 0, 0), 3 * GIB);
	machine_deinit(&m);
	/* Memory has to reach 4 GiB and the size of the area; it is not so when searching so anyway. */
	begin(&m, "6.1", ARCH_X86_64, MIB, 5 * GIB, 0);
	assert_int_equal(declare(&m, GIB, 0, 0), 4 * GIB);
	machine_deinit(&m);
	begin(&m, "6.1", ARCH_X86_64, MIB, 5 * GIB - 4096, 0);
	assert_int_equal(declare(&m, GIB, 0, 0), 4 * GIB - 2 * MIB);
	machine_deinit(&m);
	begin(&m, "6.1", ARCH_X86_64, MIB, 8 * GIB, 0);
	m.mb.bottom_up = true;
	assert_int_equal(declare(&m, GIB, 0, 0), 7 * GIB);
	assert_true(m.mb.bottom_up);
	machine_deinit(&m);
}

/*
 * High memory beyond 4 GiB: up to 6.2 the second search forgot what the first had reserved.
 *
 *	1M	 768M		4G		 6G
 *	[ low	 | high			    ####]	reserved and forgotten; the area is at 4 GiB or
 *							below low memory's end
 */
static void a_forgotten_area(void **state)
{
	struct machine m;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		begin(&m, i ? "6.3" : "6.1", ARCH_ARM, MIB, 6 * GIB, 768 * MIB);
		assert_int_equal(declare(&m, 64 * MIB, 0, 0), i ? 4 * GIB : 704 * MIB);
		assert_int_equal(memblock_is_reserved(&m.mb, 6 * GIB - 1), !i);
		assert_int_equal(m.mb.reserved.total_size, (i ? 64 : 128) * MIB);
		machine_deinit(&m);
	}
}

static void nodes_of_their_own(void **state)
{
	struct cma_request req = { .size = 64 * MIB, .nid = 1 };
	struct machine m;
	phys_t found;

	(void)state;
	begin(&m, "6.1", ARCH_ARM64, GIB, 2 * GIB, 0);
	memblock_add(&m.mb, 2 * GIB, GIB, 1, 0);
	memblock_add(&m.mb, 3 * GIB, GIB / 2, 2, 0);
	assert_true(cma_declare(&m, &req, &found));
	assert_int_equal(found, 3 * GIB - 64 * MIB);
	/* No other node will do. */
	req.size = GIB;
	assert_false(cma_declare(&m, &req, &found));
	machine_deinit(&m);
}

/* Which memory every device reaches; the default area lies below its end. */
static void limits_of_dma(void **state)
{
	static const struct {
		const char *version;
		phys_t start, end, bus, limit;
	} rows[] = {
		/* The first 4 GiB that memory is in. */
		{ "4.4", GIB, 8 * GIB, 0, 4 * GIB },
		{ "4.4", GIB, 2 * GIB, 0, 2 * GIB },
		{ "4.4", 5 * GIB, 10 * GIB, 0, 8 * GIB },
		/* The first 1 GiB, for a while. */
		{ "5.5", GIB, 8 * GIB, 0, 2 * GIB },
		{ "5.5", 0, 8 * GIB, 0, GIB },
		/* What the smallest bus reaches, at most 32 bits; up to 6.11 to a power of two. */
		{ "6.1", GIB, 8 * GIB, 0, 4 * GIB },
		{ "6.1", 0, 8 * GIB, GIB, GIB },
		{ "6.1", 0, 8 * GIB, 768 * MIB, GIB },
		{ "6.12", 0, 8 * GIB, 768 * MIB, 768 * MIB },
		{ "6.1", 0, 512 * MIB, GIB, 512 * MIB },
		{ "6.1", 0, 8 * GIB, 16 * GIB, 4 * GIB },
		/* Memory that begins beyond: then 32 bits, or all. */
		{ "6.1", GIB, 8 * GIB, GIB, 4 * GIB },
		{ "6.1", 4 * GIB, 8 * GIB, 0, 8 * GIB },
	};
	struct machine m;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&m, rows[i].version, ARCH_ARM64, rows[i].start, rows[i].end, 0);
		m.dma_limit = rows[i].bus;
		assert_int_equal(cma_dma_limit(&m), rows[i].limit);
		machine_deinit(&m);
	}
	begin(&m, "6.1", ARCH_ARM, MIB, GIB, 0);
	assert_int_equal(cma_dma_limit(&m), 0xffffffff);
	machine_deinit(&m);
	begin(&m, "6.1", ARCH_X86_64, MIB, GIB, 0);
	assert_int_equal(cma_dma_limit(&m), 0);
	machine_deinit(&m);
}

/* Below 4 GiB (512 MiB on i386), else anywhere below 64 TiB; aligned to 16 MiB, never the first of them. */
static void crash_kernels(void **state)
{
	struct machine m;
	phys_t at;

	(void)state;
	begin(&m, "5.10", ARCH_X86_64, 0, 8 * GIB, 0);
	assert_true(crashkernel_reserve(&m, 256 * MIB, false, &at));
	assert_int_equal(at, 4 * GIB - 256 * MIB);
	assert_true(crashkernel_reserve(&m, 256 * MIB, true, &at));
	assert_int_equal(at, 8 * GIB - 256 * MIB);
	assert_true(crashkernel_reserve_low(&m, 72 * MIB, &at));
	assert_int_equal(at, 4 * GIB - 336 * MIB);
	/* More than there is below 4 GiB. */
	assert_true(crashkernel_reserve(&m, 15 * GIB / 4, false, &at));
	assert_int_equal(at, 4 * GIB);
	assert_false(crashkernel_reserve(&m, 8 * GIB, false, &at));
	machine_deinit(&m);
	begin(&m, "5.10", ARCH_I386, 0, 2 * GIB, 0);
	assert_true(crashkernel_reserve(&m, 64 * MIB, false, &at));
	assert_int_equal(at, 448 * MIB);
	assert_true(crashkernel_reserve(&m, 64 * MIB, true, &at));
	assert_int_equal(at, 384 * MIB);
	assert_false(crashkernel_reserve(&m, GIB, true, &at));
	machine_deinit(&m);
	begin(&m, "5.10", ARCH_X86_64, 0, 24 * MIB, 0);
	assert_false(crashkernel_reserve(&m, 16 * MIB, false, &at));
	assert_false(crashkernel_reserve_low(&m, 16 * MIB, &at));
	machine_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(areas_are_aligned),	 cmocka_unit_test(base_and_limit),
		cmocka_unit_test(fixed_places),		 cmocka_unit_test(areas_lie_in_one_zone),
		cmocka_unit_test(bottom_up_above_4_gib), cmocka_unit_test(a_forgotten_area),
		cmocka_unit_test(nodes_of_their_own),	 cmocka_unit_test(limits_of_dma),
		cmocka_unit_test(crash_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
