/* SPDX-License-Identifier: MIT */
/*
 * Tests of what a log shows beyond its words, and of how lines looked before.  Every log here is made
 * up; what it should come to is worked out beside it.
 */
#include "traces/testing/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "engine/hash_table.h"
#include "traces/boot_log.h"
#include "traces/compare.h"
#include "traces/dmesg/text.h"

struct fixture {
	struct boot_log log;
	struct machine m;
	struct comparison c;
};

static void read_log(struct fixture *f, const char *text)
{
	struct log_text lines = { 0 };

	memset(f, 0, sizeof(*f));
	check_ok(log_text_parse((const uint8_t *)text, strlen(text), &lines));
	check_ok(boot_log_read(&lines, 0, lines.nlines, "made up", &f->log));
	log_text_deinit(&lines);
	machine_init(&f->m);
	boot_run(&f->m, &f->log.input, STAGE_LATE);
	assert_true(compare_answers(&f->log.recorded, &f->m.answers, &f->c));
}

static void drop_log(struct fixture *f)
{
	comparison_deinit(&f->c);
	machine_deinit(&f->m);
	boot_log_deinit(&f->log);
}

static uint32_t count(const struct fixture *f, enum answer_kind kind, enum compare_verdict verdict)
{
	return f->c.counts[kind][verdict];
}

static const struct answer *answer_of(const struct answers *list, enum answer_kind kind,
				      int32_t nid, int32_t type)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i].kind == kind && list->items[i].nid == nid &&
		    list->items[i].type == type)
			return &list->items[i];
	fail_msg("there is no %s", answer_kind_name(kind));
	return NULL;
}

/* ---- lines of few kernels ---------------------------------------------------------------------- */

static const struct boot_step *step_of(const struct fixture *f, enum boot_step_kind kind)
{
	for (uint32_t i = 0; i < f->log.input.step_count; i++)
		if (f->log.input.steps[i].kind == kind)
			return &f->log.input.steps[i];
	fail_msg("there is no step of kind %d", (int)kind);
	return NULL;
}

static void calls_and_maps(void **state)
{
	const struct boot_step *step;
	const struct answer *a;
	struct fixture f;

	(void)state;
	read_log(
		&f,
		"Linux version 6.12.0 (gcc)\n"
		"BIOS-e820: [mem 0x0000000000000000-0x000000007fffffff] usable\n"
		"user: [gap 0x0000000040000000-0x000000007fffffff]\n"
		"user: [mem 0x0000000000000000-0x000000003fffffff] usable\n"
		"last_pfn = 0x40000 max_arch_pfn = 0x10000000000\n"
		"memblock_add_node: [0x0000000080000000-0x00000000bfffffff] nid=1 flags=2 "
		"numa_add+0x1/0x2\n"
		"memblock: reserved is doubled to 256 at [0x0000000000001000-0x00000000000027ff]\n");
	assert_true(f.log.input.five_level);
	a = answer_of(&f.log.recorded, ANSWER_USER_MAP, NID_NONE, -1);
	assert_int_equal(a->v[0], 0);
	assert_int_equal(a->v[1], 0x40000000);
	step = step_of(&f, STEP_ADD);
	assert_int_equal(step->base, 0x80000000);
	assert_int_equal(step->size, 0x40000000);
	assert_int_equal(step->nid, 1);
	assert_int_equal(step->flags, 2);
	assert_string_equal(step->name, "numa_add");
	a = answer_of(&f.log.recorded, ANSWER_DOUBLED, NID_NONE, 1);
	assert_int_equal(a->v[0], 0x1000);
	assert_int_equal(a->v[1], 0x2800);
	assert_int_equal(a->v[2], 256);
	drop_log(&f);
}

/* Areas as 3.x told of them, and those for gigantic pages. */
static void areas_and_totals(void **state)
{
	static const char *const calls[] = { "memblock_virt_alloc_try_nid",
					     "memblock_virt_alloc_try_nid_raw",
					     "memblock_virt_alloc_try_nid_nopanic",
					     "memblock_alloc_try_nid_nopanic" };
	const struct boot_step *step;
	struct fixture f;
	char text[400];

	(void)state;
	read_log(&f, "Linux version 3.2.0 (gcc)\nCPU: ARMv7 Processor [412fc0f1] revision 1\n"
		     "cma: CMA: reserved 16 MiB at 2f000000\n"
		     "Memory: 64MB 64MB = 128MB total\n");
	step = step_of(&f, STEP_CMA_RESERVE);
	assert_int_equal(step->base, 0x2f000000);
	assert_int_equal(step->size, 16 << 20);
	assert_int_equal(f.log.input.given_total_kb, 128 << 10);
	drop_log(&f);
	read_log(&f, "Linux version 6.1.0-arm64 (gcc)\ncma: Reserved 1024 MiB in 1 range\n"
		     "hugetlb_cma: reserved 1024 MiB on node 1\n");
	step = step_of(&f, STEP_CMA_RESERVE);
	assert_int_equal(step->size, 1 << 30);
	assert_int_equal(step->nid, 1);
	assert_string_equal(step->name, "hugetlb");
	drop_log(&f);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		snprintf(
			text, sizeof(text),
			"Linux version 4.19.0-amd64 (gcc)\n%s: 64 bytes align=0x80 nid=1 from=0x1000 "
			"max_addr=0x2000 first+0x1/0x2\n",
			calls[i]);
		read_log(&f, text);
		step = step_of(&f, STEP_ALLOC);
		assert_int_equal(step->call, ALLOC_TRY_NID);
		assert_int_equal(step->size, 64);
		assert_int_equal(step->align, 0x80);
		assert_int_equal(step->nid, 1);
		assert_int_equal(step->min_addr, 0x1000);
		assert_int_equal(step->max_addr, 0x2000);
		drop_log(&f);
	}
}

/* ---- the version ------------------------------------------------------------------------------- */

/* What an old kernel of arm64 does not know is not taken from the one that is chosen. */
static void eras_that_were_tried(void **state)
{
	struct fixture f;

	(void)state;
	/* No kernel counts pages like that, so that all of them are tried. */
	read_log(&f, "psci: probing for conduit method from DT.\n"
		     "Zone ranges:\n"
		     "  DMA      [mem 0x0000000040000000-0x000000007fffffff]\n"
		     "  DMA32    empty\n"
		     "  Normal   empty\n"
		     "Movable zone start for each node\n"
		     "Early memory node ranges\n"
		     "  node   0: [mem 0x0000000040000000-0x000000007fffffff]\n"
		     "Built 1 zonelists, mobility grouping on.  Total pages: 17\n");
	assert_int_equal(f.log.input.config.arch, ARCH_ARM64);
	assert_int_equal(f.log.input.version, eras[era_count - 1].version);
	assert_true(f.log.input.config.zones_mask >> ZONE_DMA & 1);
	assert_true(f.log.input.config.zones_mask >> ZONE_DMA32 & 1);
	drop_log(&f);
}

/* ---- the page, the words, the zones ------------------------------------------------------------ */

/* 2^21 bytes of order 5 is a page of 2^16; 8 bytes an entry are words of 64 bits. */
static void pages_of_64k(void **state)
{
	struct fixture f;

	(void)state;
	read_log(
		&f,
		"[    0.000000] Linux version 4.4.73 (gcc)\n"
		"[    0.000000] Zone ranges:\n"
		"[    0.000000]   DMA      [mem 0x0000000000000000-0x000000007fffffff]\n"
		"[    0.000000]   Normal   empty\n"
		"[    0.000000] Movable zone start for each node\n"
		"[    0.000000] Early memory node ranges\n"
		"[    0.000000]   node   0: [mem 0x0000000000000000-0x000000007fffffff]\n"
		"[    0.000000] On node 0 totalpages: 32768\n"
		"[    0.000000]   DMA zone: 32 pages used for memmap\n"
		"[    0.000000]   DMA zone: 0 pages reserved\n"
		"[    0.000000]   DMA zone: 32768 pages, LIFO batch:1\n"
		"[    0.000000] Built 1 zonelists in Node order, mobility grouping on.  Total "
		"pages: 32736\n"
		"[    0.000000] Policy zone: DMA\n"
		"[    0.000000] Dentry cache hash table entries: 262144 (order: 5, 2097152 bytes)\n");
	assert_int_equal(f.log.input.config.arch, ARCH_OTHER);
	assert_int_equal(f.log.input.config.page_shift, 16);
	assert_int_equal(f.log.input.config.pointer_bytes, 8);
	assert_true(f.log.input.config.numa);
	assert_int_equal(f.log.input.config.zones_mask,
			 1U << ZONE_DMA | 1U << ZONE_NORMAL | 1U << ZONE_MOVABLE);
	assert_int_equal(comparison_differences(&f.c), 0);
	/* Limits of zones of an architecture we have no rules for are the log's own. */
	assert_int_equal(count(&f, ANSWER_ZONE_RANGE, COMPARE_GIVEN), 2);
	assert_int_equal(count(&f, ANSWER_ZONE_MEMMAP, COMPARE_AGREE), 1);
	assert_int_equal(count(&f, ANSWER_BUILT, COMPARE_AGREE), 1);
	assert_int_equal(count(&f, ANSWER_POLICY_ZONE, COMPARE_AGREE), 1);
	assert_int_equal(count(&f, ANSWER_HASH, COMPARE_AGREE), 1);
	drop_log(&f);
}

/* A zone that is not listed is absent only where another one has its place: its line may be lost. */
static void zones_that_are_not_listed(void **state)
{
	static const char x86[] = "Linux version 6.1.0 (gcc)\n"
				  "BIOS-e820: [mem 0x0000000000000000-0x000000013fffffff] usable\n"
				  "last_pfn = 0x140000 max_arch_pfn = 0x400000000\nZone ranges:\n";
	static const char arm[] =
		"Booting Linux on physical CPU 0x0\nLinux version 6.1.0 (gcc)\n"
		"CPU: ARMv7 Processor [412fc0f1] revision 1 (ARMv7), cr=10c5387d\n"
		"  node   0: [mem 0x0000000040000000-0x000000009fffffff]\n"
		"Zone ranges:\n";
	static const char dma[] = "  DMA      [mem 0x0000000000001000-0x0000000000ffffff]\n";
	static const char dma32[] = "  DMA32    [mem 0x0000000001000000-0x00000000ffffffff]\n";
	static const char normal[] = "  Normal   [mem 0x0000000100000000-0x000000013fffffff]\n";
	const struct {
		const char *head, *lines[3];
		bool dma, dma32, highmem;
	} rows[] = {
		{ x86, { dma, dma32, normal }, true, true, false },
		{ x86, { "", dma32, normal }, true, true, false },
		{ x86, { dma, "", normal }, true, true, false },
		{ x86, { dma, dma32, "" }, true, true, false },
		{ x86, { "", "", normal }, true, true, false },
		{ x86, { "", "", "  Normal   empty\n" }, true, true, false },
		{ x86,
		  { "", "  DMA32    [mem 0x0000000000001000-0x00000000ffffffff]\n", normal },
		  false,
		  true,
		  false },
		{ x86,
		  { dma, "", "  Normal   [mem 0x0000000001000000-0x000000013fffffff]\n" },
		  true,
		  false,
		  false },
		{ arm, { "  Normal   empty\n", "", "" }, true, false, true },
		{ arm,
		  { "  Normal   [mem 0x0000000040000000-0x000000006fffffff]\n", "", "" },
		  false,
		  false,
		  true },
		/* The line of totals has a word for highmem where there may be some. */
		{ arm,
		  { "  Normal   empty\n",
		    "Memory: 1K/2K available (3K reserved, 0K cma-reserved)\n", "" },
		  true,
		  false,
		  false },
		{ arm,
		  { "  Normal   empty\n",
		    "Memory: 1K/2K available (3K reserved, 0K cma-reserved, 0K highmem)\n", "" },
		  true,
		  false,
		  true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture f;
		char text[2048];
		uint32_t mask;

		snprintf(text, sizeof(text), "%s%s%s%s", rows[i].head, rows[i].lines[0],
			 rows[i].lines[1], rows[i].lines[2]);
		read_log(&f, text);
		mask = f.log.input.config.zones_mask;
		assert_int_equal(mask >> ZONE_DMA & 1, rows[i].dma);
		assert_int_equal(mask >> ZONE_DMA32 & 1, rows[i].dma32);
		assert_int_equal(mask >> ZONE_NORMAL & 1, 1);
		assert_int_equal(mask >> ZONE_HIGHMEM & 1, rows[i].highmem);
		assert_int_equal(f.log.input.config.highmem, rows[i].highmem);
		drop_log(&f);
	}
}

/* Without tables, a node's bytes over its pages tell; a node can be without memory. */
static void pages_by_totals(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, "Early memory node ranges\n"
		     "  node   0: [mem 0x0000000000000000-0x00000000ffffffff]\n"
		     "Initmem setup node 0 [mem 0x0000000000000000-0x00000000ffffffff]\n"
		     "On node 0 totalpages: 262144\n"
		     "Initmem setup node 1 [mem 0x0000000000000000-0x0000000000000000]\n"
		     "On node 1 totalpages: 0\n");
	assert_int_equal(f.log.input.config.page_shift, 14);
	assert_int_equal(f.log.input.nr_node_ids, 2);
	assert_int_equal(comparison_differences(&f.c), 0);
	assert_int_equal(count(&f, ANSWER_NODE_PAGES, COMPARE_AGREE), 2);
	drop_log(&f);
}

/*
 * 8 MiB of the Normal zone are 2048 page frames.  36 bytes a page are 18 pages, and nothing else in
 * reach is: 40 bytes are 20.
 */
static void page_struct_is_fitted(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, "Linux version 5.4.0 (gcc)\n"
		     "Determined physical RAM map:\n"
		     " memory: 00800000 @ 00000000 (usable)\n"
		     "Zone ranges:\n"
		     "  Normal   [mem 0x0000000000000000-0x00000000007fffff]\n"
		     "Movable zone start for each node\n"
		     "Early memory node ranges\n"
		     "  node   0: [mem 0x0000000000000000-0x00000000007fffff]\n"
		     "Initmem setup node 0 [mem 0x0000000000000000-0x00000000007fffff]\n"
		     "On node 0 totalpages: 2048\n"
		     "  Normal zone: 18 pages used for memmap\n"
		     "  Normal zone: 0 pages reserved\n"
		     "  Normal zone: 2048 pages, LIFO batch:0\n"
		     "Built 1 zonelists, mobility grouping off.  Total pages: 2030\n");
	assert_int_equal(f.log.input.config.page_struct_bytes, 36);
	assert_true(f.log.input.fitted_page_struct);
	assert_false(f.log.input.config.numa);
	assert_int_equal(comparison_differences(&f.c), 0);
	assert_int_equal(count(&f, ANSWER_ZONE_MEMMAP, COMPARE_GIVEN), 1);
	assert_int_equal(count(&f, ANSWER_BUILT, COMPARE_GIVEN), 1);
	drop_log(&f);
}

/*
 * The same by the total of the zonelists alone.  It was looked at where it does not tell, on x86-64, and
 * nowhere else.
 */
static void page_struct_of_the_total(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, "Linux version 5.4.0 (gcc)\n"
		     "Zone ranges:\n"
		     "  Normal   [mem 0x0000000000000000-0x00000000007fffff]\n"
		     "Movable zone start for each node\n"
		     "Early memory node ranges\n"
		     "  node   0: [mem 0x0000000000000000-0x00000000007fffff]\n"
		     "Initmem setup node 0 [mem 0x0000000000000000-0x00000000007fffff]\n"
		     "Built 1 zonelists, mobility grouping off.  Total pages: 2030\n");
	assert_int_equal(f.log.input.config.page_struct_bytes, 36);
	assert_int_equal(comparison_differences(&f.c), 0);
	assert_int_equal(count(&f, ANSWER_BUILT, COMPARE_GIVEN), 1);
	drop_log(&f);
}

/*
 * The hole before memory has no page until the section memory begins in: 0x1100 pages from 0 with
 * sections of 256 MiB.  The tail to the next section is 0x10000 - 0x8000.
 */
static void sections_of_a_family(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, "Linux version 6.12.0 (gcc)\n"
		     "Determined physical RAM map:\n"
		     "Zone ranges:\n"
		     "  DMA32    [mem 0x0000000001100000-0x00000000efffffff]\n"
		     "  Normal   empty\n"
		     "Movable zone start for each node\n"
		     "Early memory node ranges\n"
		     "  node   0: [mem 0x0000000001100000-0x0000000007ffffff]\n"
		     "Initmem setup node 0 [mem 0x0000000001100000-0x0000000007ffffff]\n"
		     "On node 0, zone DMA32: 4352 pages in unavailable ranges\n"
		     "On node 0, zone DMA32: 32768 pages in unavailable ranges\n");
	assert_int_equal(f.log.input.config.section_shift, 28);
	assert_int_equal(comparison_differences(&f.c), 0);
	assert_int_equal(count(&f, ANSWER_UNAVAILABLE, COMPARE_AGREE), 2);
	assert_false(f.log.input.fitted_section);
	drop_log(&f);
}

/* ---- arm64 ------------------------------------------------------------------------------------ */

/* Ranges that touch differ in a flag; a bus of 31 bits is told by nothing but the zones. */
static void arm64_ranges_and_buses(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, "Booting Linux on physical CPU 0x0000000000 [0x411fd073]\n"
		     "Linux version 5.15.0 (gcc)\n"
		     "Zone ranges:\n"
		     "  DMA      [mem 0x0000000040000000-0x000000007fffffff]\n"
		     "  DMA32    [mem 0x0000000080000000-0x00000000ffffffff]\n"
		     "  Normal   [mem 0x0000000100000000-0x000000017fffffff]\n"
		     "Movable zone start for each node\n"
		     "Early memory node ranges\n"
		     "  node   0: [mem 0x0000000040000000-0x0000000043ffffff]\n"
		     "  node   0: [mem 0x0000000044000000-0x0000000044ffffff]\n"
		     "  node   0: [mem 0x0000000045000000-0x00000000bfffffff]\n"
		     "  node   0: [mem 0x0000000140000000-0x000000017fffffff]\n"
		     "Initmem setup node 0 [mem 0x0000000040000000-0x000000017fffffff]\n");
	assert_int_equal(comparison_differences(&f.c), 0);
	assert_int_equal(f.m.range_count, 4);
	assert_true(f.m.ranges[1].flags & MEMBLOCK_UNTOLD);
	assert_false((f.m.ranges[0].flags | f.m.ranges[2].flags | f.m.ranges[3].flags) &
		     MEMBLOCK_UNTOLD);
	assert_int_equal(count(&f, ANSWER_ZONE_RANGE, COMPARE_GIVEN), 3);
	assert_int_equal(f.m.nodes[0].zones[ZONE_DMA].present, 0x40000);
	assert_int_equal(f.m.nodes[0].zones[ZONE_DMA32].present, 0x40000);
	drop_log(&f);
}

/* ---- x86 -------------------------------------------------------------------------------------- */

#define E820_2G                                                           \
	"BIOS-e820: [mem 0x0000000000000000-0x000000000009ffff] usable\n" \
	"BIOS-e820: [mem 0x0000000000100000-0x000000007fffffff] usable\n" \
	"e820: update [mem 0x00000000-0x00000fff] usable ==> reserved\n"  \
	"e820: remove [mem 0x000a0000-0x000fffff] usable\n"               \
	"last_pfn = 0x80000 max_arch_pfn = 0x400000000\n"

/* What happens to the map after memory was taken from it changes memory no more. */
static void map_edits_after_the_import(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, "Linux version 6.1.0 (gcc)\n" E820_2G
		     "e820: update [mem 0x7a88a000-0x7a88afff] usable ==> reserved\n"
		     "Early memory node ranges\n"
		     "  node   0: [mem 0x0000000000001000-0x000000000009ffff]\n"
		     "  node   0: [mem 0x0000000000100000-0x000000007fffffff]\n");
	assert_int_equal(comparison_differences(&f.c), 0);
	assert_int_equal(count(&f, ANSWER_NODE_RANGE, COMPARE_AGREE), 2);
	drop_log(&f);
}

/* Before it, they do: with more than 4 GiB the second last_pfn line is the sign. */
static void map_edits_before_the_import(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, "Linux version 6.1.0 (gcc)\n"
		     "BIOS-e820: [mem 0x0000000000000000-0x000000000009ffff] usable\n"
		     "BIOS-e820: [mem 0x0000000000100000-0x000000007fffffff] usable\n"
		     "BIOS-e820: [mem 0x0000000100000000-0x000000017fffffff] usable\n"
		     "last_pfn = 0x180000 max_arch_pfn = 0x400000000\n"
		     "e820: update [mem 0x70000000-0xffffffff] usable ==> reserved\n"
		     "last_pfn = 0x70000 max_arch_pfn = 0x400000000\n"
		     "e820: update [mem 0x60000000-0x60000fff] usable ==> reserved\n"
		     "Early memory node ranges\n"
		     "  node   0: [mem 0x0000000000001000-0x000000000009ffff]\n"
		     "  node   0: [mem 0x0000000000100000-0x000000006fffffff]\n"
		     "  node   0: [mem 0x0000000100000000-0x000000017fffffff]\n");
	assert_int_equal(comparison_differences(&f.c), 0);
	assert_int_equal(count(&f, ANSWER_LAST_PFN, COMPARE_AGREE), 2);
	drop_log(&f);
}

/*
 * Two nodes of 2.6.35, as its lines were: blanks before the map, exclusive ends, decimal "reserved",
 * node blocks in half-open brackets.  56 bytes a page: 4080 and 258048 page frames of node 0 take
 * 55.8 -> 56 and 3528 pages, 262144 of node 1 take 3584.
 */
static void lines_of_2_6_35(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f,
		 "Linux version 2.6.35-19-generic (gcc)\n"
		 "Command line: ro quiet\n"
		 "BIOS-provided physical RAM map:\n"
		 " BIOS-e820: 0000000000000000 - 00000000000a0000 (usable)\n"
		 " BIOS-e820: 0000000000100000 - 0000000080000000 (usable)\n"
		 "e820 update range: 0000000000000000 - 0000000000010000 (usable) ==> (reserved)\n"
		 "e820 update range: 0000000000000000 - 0000000000001000 (usable) ==> (reserved)\n"
		 "e820 remove range: 00000000000a0000 - 0000000000100000 (usable)\n"
		 "last_pfn = 0x80000 max_arch_pfn = 0x400000000\n"
		 "initial memory mapped : 0 - 20000000\n"
		 "init_memory_mapping: 0000000000000000-0000000080000000\n"
		 "RAMDISK: 2e9cc000 - 2f9ec000\n"
		 "SRAT: PXM 0 -> APIC 0x00 -> Node 0\n"
		 "SRAT: PXM 1 -> APIC 0x01 -> Node 1\n"
		 "SRAT: Node 0 PXM 0 0-a0000\n"
		 "SRAT: Node 0 PXM 0 100000-40000000\n"
		 "SRAT: Node 1 PXM 1 40000000-80000000\n"
		 "SRAT: Node 0 [0,a0000) + [100000,40000000) -> [0,40000000)\n"
		 "Initmem setup node 0 0000000000000000-0000000040000000\n"
		 "  NODE_DATA [000000003fffb000 - 000000003fffffff]\n"
		 "Initmem setup node 1 0000000040000000-0000000080000000\n"
		 "  NODE_DATA [000000007fffb000 - 000000007fffffff]\n"
		 "Zone PFN ranges:\n"
		 "  DMA      0x00000010 -> 0x00001000\n"
		 "  DMA32    0x00001000 -> 0x00100000\n"
		 "  Normal   empty\n"
		 "Movable zone start PFN for each node\n"
		 "early_node_map[3] active PFN ranges\n"
		 "    0: 0x00000010 -> 0x000000a0\n"
		 "    0: 0x00000100 -> 0x00040000\n"
		 "    1: 0x00040000 -> 0x00080000\n"
		 "On node 0 totalpages: 262032\n"
		 "  DMA zone: 56 pages used for memmap\n"
		 "  DMA zone: 5 pages reserved\n"
		 "  DMA zone: 3923 pages, LIFO batch:0\n"
		 "  DMA32 zone: 3528 pages used for memmap\n"
		 "  DMA32 zone: 254520 pages, LIFO batch:31\n"
		 "On node 1 totalpages: 262144\n"
		 "  DMA32 zone: 3584 pages used for memmap\n"
		 "  DMA32 zone: 258560 pages, LIFO batch:31\n"
		 "Built 2 zonelists in Node order, mobility grouping on.  Total pages: 517003\n"
		 "Policy zone: DMA32\n"
		 "Memory: 2050000k/2097152k available (5701k kernel code, 448k absent, 46704k "
		 "reserved, 5388k data, 908k init)\n");
	assert_int_equal(comparison_differences(&f.c), 0);
	assert_int_equal(f.log.input.config.page_struct_bytes, 56);
	assert_int_equal(f.log.input.config.arch, ARCH_X86_64);
	assert_int_equal(count(&f, ANSWER_NUMA_JOIN, COMPARE_AGREE), 1);
	assert_int_equal(count(&f, ANSWER_NODE_RANGE, COMPARE_AGREE), 3);
	assert_int_equal(count(&f, ANSWER_NODE_PAGES, COMPARE_AGREE), 2);
	assert_int_equal(count(&f, ANSWER_INITMEM, COMPARE_AGREE), 2);
	assert_int_equal(count(&f, ANSWER_ZONE_RANGE, COMPARE_AGREE), 3);
	assert_int_equal(count(&f, ANSWER_ZONE_PAGES, COMPARE_AGREE), 3);
	assert_int_equal(count(&f, ANSWER_MEMORY_TOTAL, COMPARE_AGREE), 1);
	assert_int_equal(count(&f, ANSWER_MEMORY_ABSENT, COMPARE_AGREE), 1);
	/* Where there is no Normal zone on some node, lists go by node. */
	assert_int_equal(answer_of(&f.m.answers, ANSWER_BUILT, -1, -1)->v[3], 1);
	drop_log(&f);
}

/* The 112 pages the total lacks are those reserved below 16 MiB. */
static void dma_reserve_of_the_total(void **state)
{
	struct fixture f;

	(void)state;
	/* 3999 - 64 and 520192 - 8128 pages are left: 515999. */
	read_log(&f, "Linux version 6.1.0 (gcc)\n" E820_2G
		     "Built 1 zonelists, mobility grouping on.  Total pages: 515887\n"
		     "Policy zone: DMA32\n"
		     "Dentry cache hash table entries: 262144 (order: 9, 2097152 bytes, linear)\n");
	assert_int_equal(comparison_differences(&f.c), 0);
	assert_int_equal(f.m.dma_reserve, 112);
	assert_int_equal(f.m.nr_all_pages, 515887);
	assert_int_equal(count(&f, ANSWER_BUILT, COMPARE_GIVEN), 1);
	assert_int_equal(count(&f, ANSWER_HASH, COMPARE_AGREE), 1);
	drop_log(&f);
}

/* 1 + 96 pages of holes; the tail of the last section, 0x80000 to 0x80000, is none; then 32 MiB are. */
static void holes_in_one_sum(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, "Linux version 5.4.8 (gcc)\n" E820_2G
		     "Zeroed struct page in unavailable ranges: 97 pages\n");
	assert_int_equal(count(&f, ANSWER_UNAVAILABLE, COMPARE_AGREE), 1);
	drop_log(&f);
	/* 0x7e000 to 0x80000 are 8192 more, once the tail counts. */
	read_log(&f, "Linux version 5.6.0 (gcc)\n"
		     "BIOS-e820: [mem 0x0000000000000000-0x000000000009ffff] usable\n"
		     "BIOS-e820: [mem 0x0000000000100000-0x000000007dffffff] usable\n"
		     "Zeroed struct page in unavailable ranges: 8289 pages\n");
	assert_int_equal(count(&f, ANSWER_UNAVAILABLE, COMPARE_AGREE), 1);
	drop_log(&f);
}

/* The list of 2.6.35 is all that is reserved at the hand-over; NODE_DATA is not in this one. */
static void list_of_reservations(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, "Linux version 2.6.35 (gcc)\n"
		     "BIOS-provided physical RAM map:\n"
		     " BIOS-e820: 0000000000000000 - 00000000000a0000 (usable)\n"
		     " BIOS-e820: 0000000000100000 - 0000000080000000 (usable)\n"
		     "last_pfn = 0x80000 max_arch_pfn = 0x400000000\n"
		     "Initmem setup node 0 0000000000000000-0000000080000000\n"
		     "  NODE_DATA [000000007fffb000 - 000000007fffffff]\n"
		     "  DMA zone: 5 pages reserved\n"
		     "Built 1 zonelists in Node order, mobility grouping on.  Total pages: 515994\n"
		     "Policy zone: DMA32\n"
		     "Subtract (3 early reservations)\n"
		     "  #1 [0001000000 - 0001d20114]   TEXT DATA BSS\n"
		     "  #2 [000009f000 - 00000a0000]   BIOS reserved\n"
		     "Memory: 2083316k/2097152k available (100k kernel code, 388k absent, 13448k "
		     "reserved, 0k data, 0k init)\n");
	/* 0xd21 and 1 pages are reserved, pfn 0 and 96 are absent: 524288 - 97 - 3362 = 520829. */
	assert_int_equal(f.m.totalram, 520829);
	assert_true(f.m.reserved_at_end);
	assert_int_equal(f.m.dma_reserve, 5);
	assert_int_equal(count(&f, ANSWER_MEMORY_AVAILABLE, COMPARE_AGREE), 1);
	assert_int_equal(count(&f, ANSWER_MEMORY_RESERVED, COMPARE_AGREE), 1);
	assert_int_equal(count(&f, ANSWER_MEMORY_ABSENT, COMPARE_AGREE), 1);
	drop_log(&f);
}

/* The kernel tells its command line in pieces when it is long. */
static void command_line_in_pieces(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, "Linux version 6.19.0 (gcc)\n"
		     "Command line: root=/dev/sda\n" E820_2G
		     "Kernel command line: numa=fake=2 console=ttyS0 \\\n"
		     "Kernel command line: root=/dev/sda\n");
	assert_string_equal(f.log.input.command_line, "numa=fake=2 console=ttyS0 root=/dev/sda");
	assert_int_equal(f.m.node_count, 2);
	drop_log(&f);
}

/* ---- patches and versions ---------------------------------------------------------------------- */

/* What lines show of patches counts more than the version: distributions carry them back. */
static void lines_overrule_versions(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, "Linux version 5.2.0-07809-ga345d99661ff (gcc)\n" E820_2G
		     "Built 1 zonelists, mobility grouping on.  Total pages: 515887\n"
		     "Policy zone: DMA32\n"
		     "Dentry cache hash table entries: 262144 (order: 9, 2097152 bytes, linear)\n");
	assert_int_equal(fact_get(&f.log.input.facts, FACT_hash_line_tells_memory), 1);
	assert_int_equal(fact_get(&f.log.input.facts, FACT_hash_spread_on_one_node), 0);
	assert_int_equal(comparison_differences(&f.c), 0);
	/* But not when someone asks what another kernel would have done. */
	boot_log_settle(&f.log, FACTS_VERSION(5, 2, 0));
	assert_int_equal(fact_get(&f.log.input.facts, FACT_hash_line_tells_memory), 0);
	drop_log(&f);
}

/* A log that lost its head is read as the era that comes nearest. */
static void era_of_a_torso(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, E820_2G "Faking a node at [mem 0x0000000000000000-0x000000007fffffff]\n"
			     "On node 0, zone DMA: 1 pages in unavailable ranges\n"
			     "On node 0, zone DMA: 96 pages in unavailable ranges\n"
			     "Fallback order for Node 0: 0 \n"
			     "Built 1 zonelists, mobility grouping on.  Total pages: 515887\n"
			     "Policy zone: DMA32\n");
	assert_false(f.log.has_version);
	assert_int_equal(f.log.input.version >> 16, FACTS_VERSION(6, 1, 0) >> 16);
	assert_int_equal(comparison_differences(&f.c), 0);
	drop_log(&f);
}

/* Nothing says where memory is, one line how much: totals and tables follow, the layout does not. */
static void size_without_place(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, "Linux version 4.4.0 (gcc)\n"
		     "Determined physical RAM map:\n"
		     "  Normal zone: 16384 pages, LIFO batch:3\n"
		     "Built 1 zonelists, mobility grouping on.  Total pages: 16256\n"
		     "Dentry cache hash table entries: 8192 (order: 3, 32768 bytes)\n"
		     "Inode-cache hash table entries: 4096 (order: 2, 16384 bytes)\n"
		     "Memory: 56376K/65536K available (5376K kernel code, 9160K reserved, 0K "
		     "cma-reserved)\n");
	assert_true(f.log.input.range_assumed);
	assert_int_equal(comparison_differences(&f.c), 0);
	assert_int_equal(count(&f, ANSWER_ZONE_PAGES, COMPARE_UNPREDICTED), 1);
	assert_int_equal(count(&f, ANSWER_BUILT, COMPARE_GIVEN), 1);
	assert_int_equal(count(&f, ANSWER_HASH, COMPARE_GIVEN), 2);
	assert_int_equal(count(&f, ANSWER_MEMORY_TOTAL, COMPARE_AGREE), 1);
	drop_log(&f);
}

/* A line cut at the edge of a screen is no word against the model. */
static void cut_lines(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, "Linux version 5.5.0 (gcc)\n" E820_2G
		     "Dentry cache hash table entries: 262144 (order: 9, 2097152 bytes,)\n");
	assert_int_equal(f.log.recorded.count, 1);
	assert_int_equal(f.log.recorded.items[0].kind, ANSWER_LAST_PFN);
	drop_log(&f);
}

/*
 * Lines with other words in their brackets.  Three CPUs there can be, of which one may come later; the log
 * says so in three places, and one is enough.
 */
static void hash_lines_of_their_own(void **state)
{
	static const char *const cpus[] = {
		"CPU topo: Allowing 2 present CPUs plus 1 hotplug CPUs\n",
		"smpboot: Allowing 3 CPUs, 1 hotplug CPUs\n",
		"SMP: Allowing 3 CPUs, 1 hotplug CPUs\n",
		"rcu: \tRCU restricting CPUs from NR_CPUS=64 to nr_cpu_ids=3.\n",
		"\tRCU restricting CPUs from NR_CPUS=64 to nr_cpu_ids=3.\n",
		"setup_percpu: NR_CPUS:64 nr_cpumask_bits:3 nr_cpu_ids:3 nr_node_ids:1\n",
	};
	static const char lines[] =
		"PV qspinlock hash table entries: 256 (order: 0, 4096 bytes, linear)\n"
		"kasan: KernelAddressSanitizer initialized\n"
		"stackdepot hash table entries: 1048576 (order: 12, 16777216 bytes, linear)\n"
		"posixtimers hash table entries: 2048 (order: 3, 32768 bytes, linear)\n"
		"futex hash table entries: 1024 (65536 bytes on 1 NUMA nodes, total 64 KiB, linear).\n"
		"VFS: Dquot-cache hash table entries: 512 (4096 bytes)\n";
	struct fixture f;
	char text[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++) {
		snprintf(text, sizeof(text), "Linux version 7.2.0 (gcc)\n" E820_2G "%s%s", cpus[i],
			 lines);
		read_log(&f, text);
		assert_int_equal(f.log.input.nr_cpu_ids, 3);
		assert_int_equal(count(&f, ANSWER_HASH, COMPARE_AGREE), 5);
		assert_int_equal(comparison_differences(&f.c), 0);
		drop_log(&f);
	}
	/* Without them the tables are recorded, and nothing is said against them. */
	snprintf(text, sizeof(text), "Linux version 7.2.0 (gcc)\n" E820_2G "%s", lines);
	read_log(&f, text);
	assert_int_equal(count(&f, ANSWER_HASH, COMPARE_AGREE), 2);
	assert_int_equal(count(&f, ANSWER_HASH, COMPARE_UNPREDICTED), 3);
	drop_log(&f);
	read_log(&f, "Linux version 2.6.32 (gcc)\n" E820_2G "Mount-cache hash table entries: 256\n"
		     "Dquot-cache hash table entries: 512 (order 0, 4096 bytes)\n");
	assert_int_equal(count(&f, ANSWER_HASH, COMPARE_AGREE), 2);
	drop_log(&f);
}

/* Cut lines that look like the forms above. */
static void cut_hash_lines(void **state)
{
	static const char *const lines[] = {
		"futex hash table entries: 1024",
		"futex hash table entries: 1024 (65536 bytes on 1 NUMA nodes, total 64 KiB, li",
		"futex hash table entries: 1024 (65536 bytes on 1 NUMA nodes, total",
		"futex hash table entries: 1024 (order: 4, 65536",
		"VFS: Dquot-cache hash table entries: 512 (ord",
		"Dentry cache hash table entries: 262144",
	};
	struct fixture f;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), "Linux version 7.2.0 (gcc)\n%s\n", lines[i]);
		read_log(&f, text);
		assert_int_equal(f.log.recorded.count, 0);
		drop_log(&f);
	}
}

/* Tables of kernels with lock debugging have buckets of their own. */
static void large_locks(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, "Linux version 6.12.0 (gcc)\n" E820_2G
		     "UDP hash table entries: 1024 (order: 5, 98304 bytes, linear)\n");
	assert_true(f.log.input.big_locks);
	assert_int_equal(f.m.given_bucket_bytes[HASH_TABLE_UDP], 96);
	drop_log(&f);
	read_log(&f, "Linux version 6.12.0 (gcc)\n" E820_2G
		     "UDP hash table entries: 1024 (order: 3, 32768 bytes, linear)\n");
	assert_false(f.log.input.big_locks);
	drop_log(&f);
}

/* When tasks lose the CPU: by the kernel's name, and by what was chosen at boot. */
static void preemption(void **state)
{
	static const struct {
		const char *build, *line;
		enum preemption preemption;
	} cases[] = {
		{ "#1 SMP Debian 6.12.107-1", "", PREEMPTION_BY_VERSION },
		{ "#1 SMP PREEMPT_DYNAMIC Debian 6.12.107-1", "", PREEMPTION_BY_VERSION },
		{ "#1 SMP PREEMPT_DYNAMIC 2025", "Dynamic Preempt: voluntary\n",
		  PREEMPTION_VOLUNTARY },
		{ "#1 SMP PREEMPT_DYNAMIC 2025", "Dynamic Preempt: full\n", PREEMPTION_ANYWHERE },
		{ "#1 SMP PREEMPT_DYNAMIC 2025", "Dynamic Preempt: lazy\n", PREEMPTION_ANYWHERE },
		{ "#1 SMP PREEMPT Mon Jan 1", "", PREEMPTION_ANYWHERE },
		{ "#1 SMP PREEMPT_RT Debian 6.12.107-1", "Dynamic Preempt: lazy\n", PREEMPTION_RT },
	};
	struct fixture f;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "Linux version 6.12.0 (gcc) %s\n" E820_2G "%s",
			 cases[i].build, cases[i].line);
		read_log(&f, text);
		assert_int_equal(f.log.input.config.preemption, cases[i].preemption);
		/* No transparent huge pages with PREEMPT_RT. */
		assert_int_equal(f.log.input.config.thp, cases[i].preemption != PREEMPTION_RT);
		drop_log(&f);
	}
}

/* A package's name hides the release; the end of the line tells it, and no other version does. */
static void release_of_a_package(void **state)
{
	static const struct {
		const char *line;
		uint32_t version;
	} cases[] = {
		{ "Linux version 5.4.0-90-generic (b@h) (gcc version 9.4.0 (Ubuntu 9.4.0-1)) #1-Ubuntu "
		  "SMP (Ubuntu 5.4.0-90.100-generic 5.4.157)\n",
		  FACTS_VERSION(5, 4, 157) },
		{ "Linux version 5.4.0-90-generic (b@h) (gcc version 9.4.0 (Ubuntu 5.4.0-1 5.4.9)) #1\n",
		  FACTS_VERSION(5, 4, 9) },
		{ "Linux version 5.4.0-90-generic (gcc version 9.4.0 (Ubuntu 9.4.0-1 9.4.1)) #1\n",
		  FACTS_VERSION(5, 4, 0) },
		{ "Linux version 6.1.0-50-amd64 (gcc) #1 SMP Debian 6.1.176-1 (2026-07-02)\n",
		  FACTS_VERSION(6, 1, 176) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;

		read_log(&f, cases[i].line);
		assert_int_equal(f.log.input.version, cases[i].version);
		drop_log(&f);
	}
}

/*
 * arm64: the second of three ranges that touch is not mapped, and its 4 pages lie in a pageblock that
 * begins with memory.  The range that does not touch begins anew with mapped memory.
 *
 *	40000000    80000000 80004000     c0000000       100000000
 *	[  mapped   ][ not   ][  mapped   ]      ...      [ mapped ]
 */
static void holes_that_are_not_mapped(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f, "[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x410fd034]\n"
		     "[    0.000000] Linux version 5.8.10 (gcc) #1 SMP\n"
		     "[    0.000000] Zone ranges:\n"
		     "[    0.000000]   DMA32    [mem 0x0000000040000000-0x00000000ffffffff]\n"
		     "[    0.000000]   Normal   [mem 0x0000000100000000-0x000000013fffffff]\n"
		     "[    0.000000] Movable zone start for each node\n"
		     "[    0.000000] Early memory node ranges\n"
		     "[    0.000000]   node   0: [mem 0x0000000040000000-0x0000000080000fff]\n"
		     "[    0.000000]   node   0: [mem 0x0000000080001000-0x0000000080004fff]\n"
		     "[    0.000000]   node   0: [mem 0x0000000080005000-0x00000000bfffffff]\n"
		     "[    0.000000]   node   0: [mem 0x0000000100000000-0x000000013fffffff]\n"
		     "[    0.000000] Zeroed struct page in unavailable ranges: 4 pages\n");
	assert_int_equal(count(&f, ANSWER_UNAVAILABLE, COMPARE_AGREE), 1);
	drop_log(&f);
}

/* 3.10 with later patches: nodes are told when their memory map is, and a bucket has one chain. */
static void patched_kernels(void **state)
{
	struct fixture f;

	(void)state;
	read_log(
		&f,
		"[    0.000000] Linux version 3.10.0-1.el7.x86_64 (gcc) #1 SMP\n"
		"[    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009ffff] usable\n"
		"[    0.000000] BIOS-e820: [mem 0x0000000000100000-0x000000007fffffff] usable\n"
		"[    0.000000] e820: last_pfn = 0x80000 max_arch_pfn = 0x400000000\n"
		"[    0.000000] Early memory node ranges\n"
		"[    0.000000]   node   0: [mem 0x00001000-0x0009ffff]\n"
		"[    0.000000]   node   0: [mem 0x00100000-0x7fffffff]\n"
		"[    0.000000] Initmem setup node 0 [mem 0x00001000-0x7fffffff]\n"
		"[    0.100000] TCP established hash table entries: 16384 (order: 5, 131072 bytes)\n");
	assert_int_equal(count(&f, ANSWER_INITMEM, COMPARE_AGREE), 1);
	assert_int_equal(count(&f, ANSWER_HASH, COMPARE_AGREE), 1);
	drop_log(&f);
}

/* 3.3 and 3.4 have a heading of their own above the ranges. */
static void heading_of_3_4(void **state)
{
	struct fixture f;

	(void)state;
	read_log(&f,
		 "[    0.000000] Linux version 3.4.0 (gcc) #1 SMP\n"
		 "[    0.000000] CPU: ARMv7 Processor [512f06f0] revision 0 (ARMv7), cr=10c5387d\n"
		 "[    0.000000] Zone PFN ranges:\n"
		 "[    0.000000]   Normal   0x00040000 -> 0x00050000\n"
		 "[    0.000000] Movable zone start PFN for each node\n"
		 "[    0.000000] Early memory PFN ranges\n"
		 "[    0.000000]     0: 0x00040000 -> 0x00050000\n"
		 "[    0.000000] On node 0 totalpages: 65536\n");
	assert_int_equal(f.log.input.given_range_count, 1);
	assert_int_equal(count(&f, ANSWER_NODE_RANGE, COMPARE_GIVEN), 1);
	assert_int_equal(count(&f, ANSWER_NODE_PAGES, COMPARE_AGREE), 1);
	drop_log(&f);
}

/* Kernels that defer struct pages say so before they free anything late. */
static void deferring_is_told(void **state)
{
	static const char start[] = "[    0.000000] Linux version 5.4.100 (gcc) #1 SMP\n"
				    "[    0.000000] BIOS-e820: [mem 0x0-0xfffff] usable\n";
	static const struct {
		const char *end;
		bool deferred;
	} cases[] = {
		{ "", true },
		{ "[    1.000000] Freeing initrd memory: 100K\n", false },
		{ "[    0.500000] node 0 deferred pages initialised in 2ms\n"
		  "[    1.000000] Freeing initrd memory: 100K\n",
		  true },
		{ "[    0.500000] node 0 initialised, 1000 pages in 2ms\n"
		  "[    1.000000] Freeing initrd memory: 100K\n",
		  true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];
		struct fixture f;

		snprintf(text, sizeof(text), "%s%s", start, cases[i].end);
		read_log(&f, text);
		assert_int_equal(f.log.input.config.deferred_struct_page, cases[i].deferred);
		drop_log(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_of_64k),
		cmocka_unit_test(zones_that_are_not_listed),
		cmocka_unit_test(pages_by_totals),
		cmocka_unit_test(page_struct_is_fitted),
		cmocka_unit_test(page_struct_of_the_total),
		cmocka_unit_test(sections_of_a_family),
		cmocka_unit_test(arm64_ranges_and_buses),
		cmocka_unit_test(map_edits_after_the_import),
		cmocka_unit_test(map_edits_before_the_import),
		cmocka_unit_test(lines_of_2_6_35),
		cmocka_unit_test(dma_reserve_of_the_total),
		cmocka_unit_test(holes_in_one_sum),
		cmocka_unit_test(list_of_reservations),
		cmocka_unit_test(command_line_in_pieces),
		cmocka_unit_test(lines_overrule_versions),
		cmocka_unit_test(calls_and_maps),
		cmocka_unit_test(areas_and_totals),
		cmocka_unit_test(eras_that_were_tried),
		cmocka_unit_test(era_of_a_torso),
		cmocka_unit_test(size_without_place),
		cmocka_unit_test(cut_lines),
		cmocka_unit_test(hash_lines_of_their_own),
		cmocka_unit_test(cut_hash_lines),
		cmocka_unit_test(large_locks),
		cmocka_unit_test(preemption),
		cmocka_unit_test(release_of_a_package),
		cmocka_unit_test(holes_that_are_not_mapped),
		cmocka_unit_test(patched_kernels),
		cmocka_unit_test(heading_of_3_4),
		cmocka_unit_test(deferring_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
