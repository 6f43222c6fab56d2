/* SPDX-License-Identifier: MIT */
/*
 * Tests of the hand-over: machines made by hand, and the lists that kernels of each era leave.  Real
 * boots are tried in traces/buddy_captures_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/buddy.h"
#include "engine/buddy_view.h"
#include "engine/handover.h"
#include "engine/handover_lists.h"
#include "engine/machine.h"

#define MIB (1ULL << 20)

/* A machine of one node whose memory is added by the test. */
static struct machine *begin(const char *version, enum arch arch)
{
	struct machine *m = calloc(1, sizeof(*m));
	uint32_t v;

	assert_non_null(m);
	machine_init(m);
	assert_true(facts_parse_version(version, &v));
	facts_init(&m->facts, v);
	arch_config_default(arch, false, &m->config);
	memblock_init(&m->mb, &m->facts, m->config.page_shift, 128, 128);
	m->nodes = calloc(1, sizeof(*m->nodes));
	assert_non_null(m->nodes);
	m->node_count = 1;
	m->nodes[0].first_deferred_pfn = PFN_NONE;
	m->max_low_pfn = PFN_NONE;
	m->want_lists = true;
	m->reserved_known = true;
	return m;
}

static void reserve(struct machine *m, pfn_t start, pfn_t end)
{
	memblock_reserve(&m->mb, start << 12, (end - start) << 12, NID_NONE, 0);
}

/* Sizes zones that end at the page frames given, 0 for those the machine does not have. */
static void size_zones(struct machine *m, pfn_t dma, pfn_t dma32, pfn_t normal, pfn_t high)
{
	pfn_t ends[ZONE_TYPE_COUNT] = { dma, dma32, normal, high };
	struct node *node = &m->nodes[0];
	uint32_t mask = 1U << ZONE_MOVABLE;

	for (unsigned int t = 0; t <= ZONE_HIGHMEM; t++)
		mask |= ends[t] ? 1U << t : 0;
	m->config.zones_mask = mask;
	m->ranges = calloc(m->mb.memory.cnt + 1, sizeof(*m->ranges));
	assert_non_null(m->ranges);
	for (uint32_t i = 0; i < m->mb.memory.cnt; i++) {
		const struct memblock_region *r = &m->mb.memory.regions[i];

		m->ranges[m->range_count++] =
			(struct node_range){ .start = pfn_up(r->base, 12),
					     .end = pfn_down(r->base + r->size, 12) };
	}
	node->memory = node->possible = true;
	node->start_pfn = m->ranges[0].start;
	node->end_pfn = m->ranges[m->range_count - 1].end;
	zone_limits_init(&m->limits, ends, mask, node->start_pfn, &m->facts);
	zone_size_node(node, 0, m->ranges, m->range_count, &m->limits, mask,
		       m->cmdline.kernelcore.mirror, &m->facts);
}

static void end(struct machine *m)
{
	const char *wrong = m->buddy ? buddy_check(m->buddy, true) : NULL;

	if (wrong)
		fail_msg("%s", wrong);
	machine_deinit(m);
	free(m);
}

static uint32_t zone(const struct machine *m, enum zone_type type)
{
	uint32_t found = buddy_zone_find(m->buddy, 0, type);

	assert_int_not_equal(found, BUDDY_ZONE_NONE);
	return found;
}

/* Checks that a list holds exactly the page frames that follow, 0 at the end. */
static void expect_list(const struct machine *m, enum zone_type in, unsigned int order,
			enum migratetype type, ...)
{
	uint32_t cursor = BUDDY_LIST_START, z = zone(m, in);
	unsigned int want;
	va_list args;
	pfn_t pfn;

	va_start(args, type);
	while ((want = va_arg(args, unsigned int))) {
		assert_true(buddy_list_next(m->buddy, z, order, type, &cursor, &pfn));
		assert_int_equal(pfn, want);
	}
	va_end(args);
	assert_false(buddy_list_next(m->buddy, z, order, type, &cursor, &pfn));
}

/*
 *	0x400           0x803 0x804            0x1000
 *	[    free       ][ r ][     free       ]
 */
static struct machine *small_machine(const char *version)
{
	struct machine *m = begin(version, ARCH_X86_64);

	memblock_add(&m->mb, 0x400000, 0xc00000, 0, 0);
	reserve(m, 0x803, 0x804);
	size_zones(m, 0, 0, 0x1000, 0);
	handover_free_all(m);
	assert_int_equal(m->nodes[0].zones[ZONE_NORMAL].managed, 0xc00 - 1);
	assert_int_equal(buddy_zone_free_pages(m->buddy, 0), 0xc00 - 1);
	return m;
}

/*
 * kernelcore=mirror where nothing is mirrored, and ZONE_MOVABLE begins at 0x800: DMA is not cut there, but the
 * struct pages are Movable's.
 *
 *	0x400      0x800          0x1000         0x2000
 *	[          DMA            ]
 *	           [            Movable           ]
 */
static void zones_span_the_same_pages(void **state)
{
	struct machine *m = begin("6.12", ARCH_X86_64);

	(void)state;
	memblock_add(&m->mb, 0x400000, 0x1c00000, 0, 0);
	m->cmdline.kernelcore.mirror = true;
	m->nodes[0].movable_pfn = 0x800;
	size_zones(m, 0x1000, 0, 0x2000, 0);
	assert_int_equal(m->nodes[0].zones[ZONE_DMA].spanned, 0xc00);
	handover_free_all(m);
	assert_int_equal(m->nodes[0].zones[ZONE_DMA].managed, 0x400);
	assert_int_equal(buddy_zone_free_pages(m->buddy, zone(m, ZONE_DMA)), 0x400);
	assert_int_equal(buddy_zone_free_pages(m->buddy, zone(m, ZONE_MOVABLE)), 0x1800);
	expect_list(m, ZONE_DMA, 10, MIGRATE_MOVABLE, 0x400, 0);
	expect_list(m, ZONE_MOVABLE, 10, MIGRATE_MOVABLE, 0x800, 0xc00, 0x1000, 0x1400, 0x1800,
		    0x1c00, 0);
	end(m);
}

/* Largest blocks, ascending, each at the tail. */
static void new_kernels_leave_ascending_lists(void **state)
{
	static const char *const versions[] = { "5.10", "6.1", "6.12", "7.2" };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct machine *m = small_machine(versions[i]);

		expect_list(m, ZONE_NORMAL, 10, MIGRATE_MOVABLE, 0x400, 0xc00, 0);
		expect_list(m, ZONE_NORMAL, 9, MIGRATE_MOVABLE, 0xa00, 0);
		expect_list(m, ZONE_NORMAL, 8, MIGRATE_MOVABLE, 0x900, 0);
		expect_list(m, ZONE_NORMAL, 2, MIGRATE_MOVABLE, 0x804, 0);
		expect_list(m, ZONE_NORMAL, 1, MIGRATE_MOVABLE, 0x800, 0);
		expect_list(m, ZONE_NORMAL, 0, MIGRATE_MOVABLE, 0x802, 0);
		end(m);
	}
}

/* The same blocks, each at the head: the highest comes first. */
static void older_kernels_leave_descending_lists(void **state)
{
	static const char *const versions[] = { "3.14", "4.4", "5.4" };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct machine *m = small_machine(versions[i]);

		expect_list(m, ZONE_NORMAL, 10, MIGRATE_MOVABLE, 0xc00, 0x400, 0);
		expect_list(m, ZONE_NORMAL, 0, MIGRATE_MOVABLE, 0x802, 0);
		end(m);
	}
}

/*
 * 2.6.32 frees words of 64 pages, but never the last of the node as a word, and always to the head.  The
 * word that holds the reserved page goes page by page.
 */
static void bootmem_frees_words_of_its_bitmap(void **state)
{
	struct machine *m = small_machine("2.6.32");

	(void)state;
	expect_list(m, ZONE_NORMAL, 10, MIGRATE_MOVABLE, 0xc00, 0x400, 0);
	expect_list(m, ZONE_NORMAL, 6, MIGRATE_MOVABLE, 0x840, 0);
	expect_list(m, ZONE_NORMAL, 5, MIGRATE_MOVABLE, 0x820, 0);
	end(m);
	/* One reserved page in every second word: the words that are left, the highest first. */
	m = begin("2.6.32", ARCH_X86_64);
	memblock_add(&m->mb, 0x400000, 0x100000, 0, 0);
	for (pfn_t pfn = 0x400; pfn < 0x500; pfn += 0x80)
		reserve(m, pfn, pfn + 1);
	size_zones(m, 0, 0, 0x1000, 0);
	handover_free_all(m);
	expect_list(m, ZONE_NORMAL, 6, MIGRATE_MOVABLE, 0x4c0, 0x440, 0);
	expect_list(m, ZONE_NORMAL, 0, MIGRATE_MOVABLE, 0x481, 0x401, 0);
	end(m);
}

/*
 * Watermarks set, 2.6.32 keeps the first pageblocks back whose first page is not reserved: min 600 pages
 * ask for two of 512.
 *
 *	0x400 reserved head   0x600    0x800    0xa00 ...
 *	[ r   skipped       ][RESERVE][RESERVE][Movable]
 */
static void old_kernels_keep_reserve_blocks(void **state)
{
	struct machine *m = begin("2.6.32", ARCH_X86_64);
	uint64_t blocks[MIGRATE_TYPE_COUNT];

	(void)state;
	memblock_add(&m->mb, 0x400000, 0xc00000, 0, 0);
	reserve(m, 0x400, 0x410);
	reserve(m, 0x900, 0x901);
	size_zones(m, 0, 0, 0x1000, 0);
	handover_free_all(m);
	m->nodes[0].zones[ZONE_NORMAL].watermark[WMARK_MIN] = 600;
	handover_lists_reserve_blocks(m);
	buddy_view_blocks(m->buddy, 0, blocks);
	assert_int_equal(blocks[MIGRATE_RESERVE], 2);
	assert_int_equal(blocks[MIGRATE_MOVABLE], 4);
	expect_list(m, ZONE_NORMAL, 9, MIGRATE_RESERVE, 0x600, 0);
	expect_list(m, ZONE_NORMAL, 8, MIGRATE_RESERVE, 0x800, 0);
	expect_list(m, ZONE_NORMAL, 7, MIGRATE_RESERVE, 0x980, 0);
	expect_list(m, ZONE_NORMAL, 9, MIGRATE_MOVABLE, 0xa00, 0);
	/* Once more changes nothing. */
	handover_lists_reserve_blocks(m);
	buddy_view_blocks(m->buddy, 0, blocks);
	assert_int_equal(blocks[MIGRATE_RESERVE], 2);
	end(m);
}

/*
 *	lowmem      0x800           highmem         0x1000
 *	[ ....       |  r0x900 ]
 *
 * Highmem goes page by page, like pages that were in use.
 */
static struct machine *highmem_machine(const char *version, enum arch arch)
{
	struct machine *m = begin(version, arch);

	memblock_add(&m->mb, 0x400000, 0xc00000, 0, 0);
	reserve(m, 0x900, 0x901);
	m->max_low_pfn = 0x7fe;
	size_zones(m, 0, 0, 0x7fe, 0x1000);
	handover_free_all(m);
	return m;
}

static void highmem_is_freed_page_by_page(void **state)
{
	static const struct {
		const char *version;
		enum arch arch;
	} rows[] = { { "2.6.32", ARCH_I386 },
		     { "4.4", ARCH_I386 },
		     { "4.4", ARCH_ARM },
		     { "5.10", ARCH_I386 },
		     { "6.1", ARCH_ARM } };

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		struct machine *m = highmem_machine(rows[i].version, rows[i].arch);

		assert_int_equal(m->nodes[0].zones[ZONE_NORMAL].managed, 0x3fe);
		assert_int_equal(m->nodes[0].zones[ZONE_HIGHMEM].managed, 0x801);
		assert_int_equal(buddy_zone_free_pages(m->buddy, zone(m, ZONE_NORMAL)), 0x3fe);
		assert_int_equal(buddy_zone_free_pages(m->buddy, zone(m, ZONE_HIGHMEM)), 0x801);
		/*
		 * 0x7fe and 0x7ff are alone in their zone.  The pageblock begins in zone Normal: with
		 * FLATMEM, where types belong to a zone, nobody makes this end of it Movable.
		 */
		expect_list(m, ZONE_HIGHMEM, 1,
			    m->config.section_shift ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE, 0x7fe,
			    0);
		expect_list(m, ZONE_HIGHMEM, 10, MIGRATE_MOVABLE, 0xc00, 0);
		end(m);
	}
}

/*
 * Since 6.15 highmem is freed in the same blocks: [0x400, 0x1000) without regard to the border at 0x7fe.
 * A block belongs to the zone of its first page.
 */
static void highmem_is_freed_with_the_rest(void **state)
{
	struct machine *m = highmem_machine("6.18", ARCH_I386);

	(void)state;
	expect_list(m, ZONE_NORMAL, 10, MIGRATE_MOVABLE, 0x400, 0);
	expect_list(m, ZONE_HIGHMEM, 8, MIGRATE_MOVABLE, 0x800, 0);
	expect_list(m, ZONE_HIGHMEM, 10, MIGRATE_MOVABLE, 0xc00, 0);
	end(m);
}

/* ---- deferred memory -------------------------------------------------------------------------------- */

/*
 *	0x8000   0x10000 first deferred   0x10600   0x10700 0x10800          0x18000
 *	[ early  |  waits                 | reserved ][ waits ...            ]
 *
 * The reserved pages cover the first half of the pageblock at 0x10600.
 */
static struct machine *deferred_machine(const char *version, uint32_t cpus)
{
	struct machine *m = begin(version, ARCH_X86_64);

	memblock_add(&m->mb, 0x8000ULL << 12, 0x10000ULL << 12, 0, 0);
	reserve(m, 0x10600, 0x10700);
	size_zones(m, 0, 0, 0x18000, 0);
	m->nodes[0].first_deferred_pfn = 0x10000;
	m->nodes[0].cpus = cpus;
	handover_free_all(m);
	assert_int_equal(m->buddy->pending_count, 2);
	assert_int_equal(buddy_zone_free_pages(m->buddy, 0), 0x8000);
	assert_int_equal(m->nodes[0].zones[ZONE_NORMAL].managed, 0x10000 - 0x100);
	handover_lists_deferred(m);
	assert_int_equal(m->buddy->pending_count, 0);
	assert_int_equal(buddy_zone_free_pages(m->buddy, 0), 0x10000 - 0x100);
	return m;
}

/*
 * Types of the pageblocks at 0x10000, 0x10200, 0x10400 and 0x10600, and of 0x10a00, by kernel.  4.4 types
 * whole largest blocks by their first pageblock alone; what is freed page by page stays Unmovable.
 */
static void deferred_blocks_get_their_types(void **state)
{
	static const struct {
		const char *version;
		enum migratetype at[5];
	} rows[] = {
		{ "4.4", { MIGRATE_MOVABLE, 0, 0, 0, 0 } },
		{ "4.19",
		  { MIGRATE_MOVABLE, MIGRATE_MOVABLE, MIGRATE_MOVABLE, 0, MIGRATE_MOVABLE } },
		{ "5.10",
		  { MIGRATE_MOVABLE, MIGRATE_MOVABLE, MIGRATE_MOVABLE, 0, MIGRATE_MOVABLE } },
		{ "6.1",
		  { MIGRATE_MOVABLE, MIGRATE_MOVABLE, MIGRATE_MOVABLE, 0, MIGRATE_MOVABLE } },
		{ "6.12",
		  { MIGRATE_MOVABLE, MIGRATE_MOVABLE, MIGRATE_MOVABLE, 0, MIGRATE_MOVABLE } },
		{ "7.2",
		  { MIGRATE_MOVABLE, MIGRATE_MOVABLE, MIGRATE_MOVABLE, MIGRATE_MOVABLE,
		    MIGRATE_MOVABLE } },
	};
	static const pfn_t places[5] = { 0x10000, 0x10200, 0x10400, 0x10600, 0x10a00 };

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct machine *m = deferred_machine(rows[i].version, 1);

		for (unsigned int p = 0; p < 5; p++)
			assert_int_equal(buddy_block_type(m->buddy, 0, places[p]), rows[i].at[p]);
		/* The half of a pageblock behind the reserved pages follows its type. */
		expect_list(m, ZONE_NORMAL, 8, rows[i].at[3], 0x10700, 0);
		expect_list(m, ZONE_NORMAL, 9, rows[i].at[2], 0x10400, 0);
		end(m);
	}
}

static void deferred_blocks_come_after_the_early_ones(void **state)
{
	struct machine *m = deferred_machine("6.1", 1);
	uint32_t cursor = BUDDY_LIST_START, n = 0;
	pfn_t pfn, last = 0;

	(void)state;
	while (buddy_list_next(m->buddy, 0, 10, MIGRATE_MOVABLE, &cursor, &pfn)) {
		assert_true(pfn > last);
		last = pfn;
		n++;
	}
	assert_int_equal(n, 0x10000 / 0x400 - 1);
	end(m);
	/* To the head in 4.19: the last is the first. */
	m = deferred_machine("4.19", 1);
	cursor = BUDDY_LIST_START;
	assert_true(buddy_list_next(m->buddy, 0, 10, MIGRATE_MOVABLE, &cursor, &pfn));
	assert_int_equal(pfn, 0x17c00);
	end(m);
}

/* Threads race when there are several CPUs and at least two sections of work for one job. */
static void racing_threads_are_told(void **state)
{
	static const struct {
		const char *version;
		uint32_t cpus;
		bool race;
	} rows[] = {
		{ "4.19", 8, false }, { "5.4", 8, false },  { "5.10", 1, false },
		{ "5.10", 2, false }, { "6.12", 2, false }, { "7.2", 2, false },
	};
	struct machine *m;

	(void)state;
	/* One section waits here, so there is never a second thread. */
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		m = deferred_machine(rows[i].version, rows[i].cpus);
		assert_int_equal(m->buddy->order_threads, rows[i].race);
		end(m);
	}
	/* Two sections, and one and a half, which are work for one thread alone. */
	for (unsigned int i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t cpus = rows[i / 2].cpus;

		m = begin(rows[i / 2].version, ARCH_X86_64);
		memblock_add(&m->mb, 0x8000ULL << 12, 0x18000ULL << 12, 0, 0);
		size_zones(m, 0, 0, 0x20000, 0);
		m->nodes[0].first_deferred_pfn = i % 2 ? 0x14000 : 0x10000;
		m->nodes[0].cpus = cpus;
		handover_free_all(m);
		handover_lists_deferred(m);
		assert_int_equal(m->buddy->order_threads,
				 i % 2 == 0 && cpus > 1 &&
					 fact_get(&m->facts, FACT_deferred_threads));
		end(m);
	}
}

/* ---- later frees ------------------------------------------------------------------------------------ */

/*
 * A CMA area of four pageblocks: they become CMA, each is freed as one block to the head, and pairs
 * merge.  Its neighbours are left alone.
 */
static void cma_areas_join_by_pageblock(void **state)
{
	struct machine *m = begin("6.1", ARCH_ARM64);
	uint64_t blocks[MIGRATE_TYPE_COUNT];

	(void)state;
	memblock_add(&m->mb, 0x1000ULL << 12, 0x2000ULL << 12, 0, 0);
	reserve(m, 0x1a00, 0x2200);
	size_zones(m, 0, 0, 0x3000, 0);
	handover_free_all(m);
	handover_lists_give_back(m, 0x1a00, 0x2200, HANDOVER_CMA);
	buddy_view_blocks(m->buddy, 0, blocks);
	assert_int_equal(blocks[MIGRATE_CMA], 4);
	assert_int_equal(blocks[MIGRATE_MOVABLE], 12);
	expect_list(m, ZONE_NORMAL, 10, MIGRATE_CMA, 0x1c00, 0);
	expect_list(m, ZONE_NORMAL, 9, MIGRATE_CMA, 0x2000, 0x1a00, 0);
	expect_list(m, ZONE_NORMAL, 9, MIGRATE_MOVABLE, 0x1800, 0x2200, 0);
	assert_false(m->buddy->order_pagesets);
	end(m);
}

static void late_frees_come_page_by_page(void **state)
{
	struct machine *m = begin("6.1", ARCH_X86_64);

	(void)state;
	memblock_add(&m->mb, 0x1000ULL << 12, 0x2000ULL << 12, 0, 0);
	reserve(m, 0x1001, 0x1003);
	reserve(m, 0x1400, 0x1800);
	size_zones(m, 0, 0, 0x3000, 0);
	handover_free_all(m);
	expect_list(m, ZONE_NORMAL, 0, MIGRATE_MOVABLE, 0x1000, 0x1003, 0);
	handover_lists_give_back(m, 0x1400, 0x1800, HANDOVER_RESERVED);
	expect_list(m, ZONE_NORMAL, 10, MIGRATE_MOVABLE, 0x1400, 0x1800, 0x1c00, 0x2000, 0x2400,
		    0x2800, 0x2c00, 0);
	assert_true(m->buddy->order_pagesets);
	assert_false(m->buddy->places_guessed);
	/* What is free already stays so: the pages that are not come instead. */
	handover_lists_give_back(m, 0x1000, 0x1002, HANDOVER_RESERVED);
	assert_true(m->buddy->places_guessed);
	expect_list(m, ZONE_NORMAL, 10, MIGRATE_MOVABLE, 0x1000, 0x1400, 0x1800, 0x1c00, 0x2000,
		    0x2400, 0x2800, 0x2c00, 0);
	assert_int_equal(buddy_zone_free_pages(m->buddy, 0), 0x2000);
	/* Gigantic pages are managed, but never on a list. */
	handover_lists_give_back(m, 0x1000, 0x1002, HANDOVER_GIGANTIC);
	assert_int_equal(buddy_zone_free_pages(m->buddy, 0), 0x2000);
	end(m);
}

/* memblock's arrays: with the rest in largest blocks up to 4.12, then page by page. */
static void arrays_of_memblock_are_fresh_pages(void **state)
{
	static const char *const versions[] = { "4.4", "5.10" };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct machine *m = begin(versions[i], ARCH_X86_64);

		memblock_add(&m->mb, 0x1000ULL << 12, 0x1000ULL << 12, 0, 0);
		reserve(m, 0x1101, 0x1107);
		reserve(m, 0x1005, 0x1006);
		size_zones(m, 0, 0, 0x2000, 0);
		handover_free_all(m);
		handover_lists_give_back(m, 0x1101, 0x1105, HANDOVER_DISCARD);
		/* 0x1101 joins 0x1100; 0x1102 and 0x1103 pair up; 0x1104 is alone. */
		expect_list(m, ZONE_NORMAL, 2, MIGRATE_MOVABLE, 0x1000, 0x1100, 0);
		if (i)
			expect_list(m, ZONE_NORMAL, 0, MIGRATE_MOVABLE, 0x1004, 0x1107, 0x1104, 0);
		else
			expect_list(m, ZONE_NORMAL, 0, MIGRATE_MOVABLE, 0x1104, 0x1107, 0x1004, 0);
		assert_int_equal(buddy_zone_free_pages(m->buddy, 0), 0x1000 - 3);
		end(m);
	}
}

/* ---- a machine explained ---------------------------------------------------------------------------- */

/*
 * An arm board with 1.5 GiB from 0x10000000 on, 768 MiB of it lowmem, under 4.4 with a flat memory map.
 * A debugger showed its reserved regions, zone Normal with 0x30000 present and 0x2e2c8 managed pages, and
 * zone HighMem with 0x30000 present and 0x1c000 managed ones.  Where are the others?
 *
 *	lowmem, 0x1d38 pages in all			pages
 *	0x10004000 + 0x4000	 page tables		0x0004
 *	0x10100000 + 0x102a348	 kernel image		0x102b	the last one in part
 *	0x18000000 + 0x17456	 device tree		0x0018	likewise
 *	0x3f30d000 + 0xd2000				0x00d2
 *	0x3f3e1918 + 0xc1a6e8	 memory map		0x0c1b	begins and ends within a page
 *	0x3fffc880 ... 0x3fffffff  small pieces		0x0004	never a whole page free between them
 *	highmem
 *	0x5c000000 + 0x14000000  CMA			0x14000	comes back later
 */
static void every_page_of_a_board_is_accounted_for(void **state)
{
	static const struct {
		phys_t base;
		uint64_t size;
	} regions[] = {
		{ 0x10004000, 0x4000 },	 { 0x10100000, 0x102a348 },  { 0x18000000, 0x17456 },
		{ 0x3f30d000, 0xd2000 }, { 0x3f3e1918, 0xc1a6e8 },   { 0x3fffc880, 0x3c },
		{ 0x3fffc8c0, 0x3c },	 { 0x3fffc900, 0x78 },	     { 0x3fffc980, 0x4 },
		{ 0x3fffc9c0, 0x4 },	 { 0x3fffca00, 0x4 },	     { 0x3fffca40, 0x4 },
		{ 0x3fffca80, 0x20 },	 { 0x3fffcac0, 0x20 },	     { 0x3fffcb00, 0x20 },
		{ 0x3fffcb28, 0x1b },	 { 0x3fffcb44, 0x1b },	     { 0x3fffcb60, 0x7b },
		{ 0x3fffcbdc, 0x1b },	 { 0x3fffcbf8, 0x1b },	     { 0x3fffcc14, 0x1b },
		{ 0x3fffcc30, 0x1b },	 { 0x3fffcc4c, 0x1b },	     { 0x3fffcc68, 0x1b },
		{ 0x3fffcc84, 0x1b },	 { 0x3fffcca0, 0xa9 },	     { 0x3fffcd4c, 0x19 },
		{ 0x3fffcd68, 0x19 },	 { 0x3fffcd84, 0x19 },	     { 0x3fffcda0, 0x1d },
		{ 0x3fffcdc0, 0x3d },	 { 0x3fffce00, 0x25 },	     { 0x3fffce28, 0x24 },
		{ 0x3fffce58, 0x31a8 },	 { 0x5c000000, 0x14000000 },
	};
	/* Pages of lowmem that one region after the other takes from the lists. */
	static const uint64_t left[] = { 0x30000 - 0x4, 0x30000 - 0x4 - 0x102b,
					 0x30000 - 0x102f - 0x18, 0x30000 - 0x1047 - 0xd2,
					 0x30000 - 0x1119 - 0xc1b };
	const struct zone *normal, *high;
	struct machine *m;
	unsigned int count = sizeof(regions) / sizeof(regions[0]);

	(void)state;
	for (unsigned int with = 1; with <= count; with++) {
		m = begin("4.4", ARCH_ARM);
		m->config.section_shift = 0;
		memblock_add(&m->mb, 0x10000000, 1536 * MIB, 0, 0);
		for (unsigned int i = 0; i < with; i++)
			memblock_reserve(&m->mb, regions[i].base, regions[i].size, NID_NONE, 0);
		m->max_low_pfn = 0x40000;
		size_zones(m, 0, 0, 0x40000, 0x70000);
		handover_free_all(m);
		normal = &m->nodes[0].zones[ZONE_NORMAL];
		high = &m->nodes[0].zones[ZONE_HIGHMEM];
		assert_int_equal(normal->start_pfn, 0x10000);
		assert_int_equal(normal->present, 0x30000);
		assert_int_equal(high->present, 0x30000);
		assert_int_equal(buddy_zone_free_pages(m->buddy, zone(m, ZONE_NORMAL)),
				 normal->managed);
		assert_int_equal(buddy_zone_free_pages(m->buddy, zone(m, ZONE_HIGHMEM)),
				 high->managed);
		if (with <= 5)
			assert_int_equal(normal->managed, left[with - 1]);
		assert_int_equal(high->managed, with < count ? 0x30000 : 0x1c000);
		if (with < count) {
			end(m);
			continue;
		}
		assert_int_equal(normal->managed, 0x2e2c8);
		assert_int_equal(normal->present - normal->managed, 0x1d38);
		assert_int_equal(m->totalram, 0x2e2c8 + 0x1c000);
		assert_int_equal(m->totalhigh, 0x1c000);
		/* The CMA area fills the gap when it is activated. */
		handover_lists_give_back(m, 0x5c000, 0x70000, HANDOVER_CMA);
		assert_int_equal(buddy_zone_free_pages(m->buddy, zone(m, ZONE_HIGHMEM)), 0x30000);
		end(m);
	}
}

static void nothing_is_built_unless_wanted(void **state)
{
	struct machine *m = begin("6.1", ARCH_X86_64);

	(void)state;
	m->want_lists = false;
	memblock_add(&m->mb, 0x400000, 0xc00000, 0, 0);
	size_zones(m, 0, 0, 0x1000, 0);
	handover_free_all(m);
	handover_lists_deferred(m);
	handover_lists_give_back(m, 0x500, 0x600, HANDOVER_RESERVED);
	handover_lists_reserve_blocks(m);
	assert_null(m->buddy);
	end(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_kernels_leave_ascending_lists),
		cmocka_unit_test(older_kernels_leave_descending_lists),
		cmocka_unit_test(bootmem_frees_words_of_its_bitmap),
		cmocka_unit_test(old_kernels_keep_reserve_blocks),
		cmocka_unit_test(highmem_is_freed_page_by_page),
		cmocka_unit_test(highmem_is_freed_with_the_rest),
		cmocka_unit_test(deferred_blocks_get_their_types),
		cmocka_unit_test(deferred_blocks_come_after_the_early_ones),
		cmocka_unit_test(racing_threads_are_told),
		cmocka_unit_test(cma_areas_join_by_pageblock),
		cmocka_unit_test(late_frees_come_page_by_page),
		cmocka_unit_test(arrays_of_memblock_are_fresh_pages),
		cmocka_unit_test(every_page_of_a_board_is_accounted_for),
		cmocka_unit_test(zones_span_the_same_pages),
		cmocka_unit_test(nothing_is_built_unless_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
