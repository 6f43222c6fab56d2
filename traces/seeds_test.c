/* SPDX-License-Identifier: MIT */
/*
 * Seeds: machines whose figures were published one by one, worked out from the rules here.
 *
 * 1. pc-2.6.32-i386.txt: a log of 2.6.32 whose every figure is computed by hand below.
 * 2. board-4.4-arm.txt: 1.5 GiB from 0x10000000.  What was reserved is known region by region, and how
 *    many pages the two zones manage: 0x2e2c8 and 0x1c000.
 * 3. soc-5.15-arm64.txt: ranges and pools of a system on chip; what /proc/zoneinfo shows of it.
 * 4. Lists of build_all_zonelists for nodes on a ring and on a line.
 */
#include "traces/testing/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "engine/wmark.h"
#include "traces/capture.h"
#include "traces/compare.h"
#include "traces/procfs/zoneinfo.h"

/* A boot of one of the logs, with the machine as it is afterwards. */
struct seed {
	struct boot_log log;
	struct machine m;
	struct comparison c;
};

static void boot_seed(struct seed *s, const char *path, uint32_t version)
{
	memset(s, 0, sizeof(*s));
	check_ok(capture_read(path, &s->log));
	if (version)
		boot_log_settle(&s->log, version);
	machine_init(&s->m);
	boot_run(&s->m, &s->log.input, STAGE_LATE);
	assert_false(s->m.out_of_memory);
	assert_true(compare_answers(&s->log.recorded, &s->m.answers, &s->c));
}

static void drop_seed(struct seed *s)
{
	comparison_deinit(&s->c);
	machine_deinit(&s->m);
	boot_log_deinit(&s->log);
}

static const struct zone *zone_of(const struct seed *s, enum zone_type type)
{
	return &s->m.nodes[0].zones[type];
}

/* ---- 2.6.32 ----------------------------------------------------------------------------------- */

/*
 * Page frames [0, 0x9f) and [0x100, 0x1fff0), 32 bytes of memory map each:
 *   DMA     spans 0x1000, holds 0x9f + 0xf00 = 3999, map 0x1000 * 32 / 4096 = 32    -> 3967
 *   Normal  spans and holds 0x1eff0 = 126960, map 126960 * 32 / 4096 = 991.875, 992 -> 125968
 * What is left is what the kernel calls present, and everything else follows from it.
 */
static void pc_of_2_6_32(void **state)
{
	struct seed s;

	(void)state;
	boot_seed(&s, "traces/testdata/seeds/pc-2.6.32-i386.txt", 0);
	assert_int_equal(s.c.total[COMPARE_AGREE], 13);
	/* Two maps and their total tell that a page takes 32 bytes: they are not predicted then. */
	assert_int_equal(s.c.total[COMPARE_GIVEN], 3);
	assert_int_equal(comparison_differences(&s.c), 0);
	assert_int_equal(s.c.total[COMPARE_UNPREDICTED], 0);
	assert_int_equal(zone_of(&s, ZONE_DMA)->present, 3967);
	assert_int_equal(zone_of(&s, ZONE_NORMAL)->present, 125968);
	assert_int_equal(s.m.nr_kernel_pages, 3967 + 125968);

	/* isqrt(129935 * 4 * 16) = 2883 kB = 720 pages, shared out: 720 * 3967 / 129935 = 21.98 ... */
	assert_int_equal(s.m.min_free_kbytes, 2883);
	assert_int_equal(zone_of(&s, ZONE_DMA)->watermark[WMARK_MIN], 21);
	assert_int_equal(zone_of(&s, ZONE_DMA)->watermark[WMARK_LOW], 26);
	assert_int_equal(zone_of(&s, ZONE_DMA)->watermark[WMARK_HIGH], 31);
	assert_int_equal(zone_of(&s, ZONE_NORMAL)->watermark[WMARK_MIN], 698);
	assert_int_equal(zone_of(&s, ZONE_NORMAL)->watermark[WMARK_LOW], 698 + 174);
	assert_int_equal(zone_of(&s, ZONE_NORMAL)->watermark[WMARK_HIGH], 698 + 349);
	assert_int_equal(zone_of(&s, ZONE_DMA)->lowmem_reserve[ZONE_NORMAL], 125968 / 256);
	assert_int_equal(zone_of(&s, ZONE_DMA)->lowmem_reserve[ZONE_HIGHMEM], 125968 / 256);
	/* 125968 / 1024 = 123, a quarter is 30, 30 + 15 down to a power of two is 32: one less. */
	assert_int_equal(zone_of(&s, ZONE_NORMAL)->batch, 31);
	assert_int_equal(zone_of(&s, ZONE_NORMAL)->high, 6 * 31);
	/* 3 / 4 is none, so one: 1 - 1 is printed, the sets use 1. */
	assert_int_equal(zone_of(&s, ZONE_DMA)->raw_batch, 0);
	assert_int_equal(zone_of(&s, ZONE_DMA)->batch, 1);
	drop_seed(&s);
}

/* Older still, the firmware's map did not count: one range up to the last page frame. */
static void pc_of_2_6_26(void **state)
{
	struct seed s;

	(void)state;
	boot_seed(&s, "traces/testdata/seeds/pc-2.6.32-i386.txt", FACTS_VERSION(2, 6, 26));
	assert_int_equal(s.m.nodes[0].present, 131056);
	drop_seed(&s);
}

/* In 2.6.34 the first page left the firmware's map. */
static void pc_of_2_6_34(void **state)
{
	struct seed s;

	(void)state;
	boot_seed(&s, "traces/testdata/seeds/pc-2.6.32-i386.txt", FACTS_VERSION(2, 6, 34));
	assert_int_equal(s.m.nodes[0].present, 130959 - 1);
	drop_seed(&s);
}

/* ---- a board with 4.4 --------------------------------------------------------------------------- */

/*
 * Why 0x2e2c8 of 0x30000 pages: each reserved region takes the pages it touches, and regions that
 * touch the same page take it once.
 *
 *	0x10004000 + 0x4000       first page table               4
 *	0x10100000 + 0x102a348    kernel image              0x102b
 *	0x18000000 + 0x17456      device tree                 0x18
 *	0x3f30d000 + 0xd2000      page tables and the like    0xd2
 *	0x3f3e1918 + 0xc1a6e8     memory map (0xc00000) ...  0xc1b   [0x3f3e1, 0x3fffc)
 *	0x3fffc880 ...            28 small ones                 1   [0x3fffc, 0x3fffd)
 *	0x3fffce58 + 0x31a8       percpu data                   3   to the end, one page shared
 */
static void board_lowmem(void **state)
{
	const uint64_t taken[] = { 0x4, 0x102b, 0x18, 0xd2, 0xc1b, 1, 3 };
	uint64_t sum = 0;
	struct seed s;

	(void)state;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sum += taken[i];
	assert_int_equal(sum, 0x1d38);
	boot_seed(&s, "traces/testdata/seeds/board-4.4-arm.txt", 0);
	assert_int_equal(comparison_differences(&s.c), 0);
	assert_int_equal(zone_of(&s, ZONE_NORMAL)->present, 0x30000);
	assert_int_equal(zone_of(&s, ZONE_NORMAL)->managed, 0x30000 - sum);
	assert_int_equal(zone_of(&s, ZONE_NORMAL)->managed, 0x2e2c8);
	assert_int_equal(zone_of(&s, ZONE_NORMAL)->cma, 0);
	drop_seed(&s);
}

/*
 * Highmem lacks 0x14000 pages when it is handed over: one region of 320 MiB, the CMA area.  They are
 * counted as cma-reserved, not as reserved, and join when the area is activated.
 */
static void board_highmem(void **state)
{
	struct seed s;

	(void)state;
	boot_seed(&s, "traces/testdata/seeds/board-4.4-arm.txt", 0);
	assert_int_equal(s.m.totalcma, 0x14000);
	assert_int_equal(zone_of(&s, ZONE_HIGHMEM)->present, 0x30000);
	assert_int_equal(zone_of(&s, ZONE_HIGHMEM)->early_free, 0x1c000);
	assert_int_equal(zone_of(&s, ZONE_HIGHMEM)->managed, 0x30000);
	assert_int_equal(zone_of(&s, ZONE_HIGHMEM)->cma, 0x14000);
	assert_int_equal(s.m.free_pages, 0x2e2c8 + 0x1c000);
	assert_int_equal(s.c.counts[ANSWER_MEMORY_AVAILABLE][COMPARE_AGREE], 1);
	assert_int_equal(s.c.counts[ANSWER_MEMORY_RESERVED][COMPARE_AGREE], 1);
	assert_int_equal(s.c.counts[ANSWER_MEMORY_CMA][COMPARE_AGREE], 1);
	assert_int_equal(s.c.counts[ANSWER_MEMORY_HIGHMEM][COMPARE_AGREE], 1);
	/* Flat memory has one map for all, for whole largest blocks: 0x60000 * 32 bytes. */
	assert_int_equal(0x60000 * 32, 0xc00000);
	drop_seed(&s);
}

/* ---- a system on chip ----------------------------------------------------------------------------- */

static const struct zoneinfo_zone *picture_of(const struct zoneinfo *zi, const char *name)
{
	for (uint32_t i = 0; i < zi->nzones; i++)
		if (!strcmp(zi->zones[i].name, name))
			return &zi->zones[i];
	fail_msg("the picture has no zone %s", name);
	return NULL;
}

static void read_picture(struct zoneinfo *zi)
{
	size_t len;
	char *text = check_read("traces/testdata/seeds/soc-5.15-arm64-zoneinfo.txt", &len);

	memset(zi, 0, sizeof(*zi));
	check_ok(zoneinfo_parse(text, len, "zoneinfo", zi));
	free(text);
}

/* Ranges and pools give the layout, and how much of it is CMA: 864 + 8 + 8 + 128 MiB. */
static void soc_layout(void **state)
{
	static const struct {
		enum zone_type type;
		const char *name;
	} zones[] = { { ZONE_DMA, "DMA" }, { ZONE_NORMAL, "Normal" } };
	struct zoneinfo zi;
	struct seed s;

	(void)state;
	boot_seed(&s, "traces/testdata/seeds/soc-5.15-arm64.txt", 0);
	read_picture(&zi);
	assert_int_equal(comparison_differences(&s.c), 0);
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		const struct zoneinfo_zone *seen = picture_of(&zi, zones[i].name);
		const struct zone *z = zone_of(&s, zones[i].type);

		assert_int_equal(z->spanned, seen->spanned);
		assert_int_equal(z->present, seen->present);
		assert_int_equal(z->start_pfn, seen->start_pfn);
		assert_int_equal(z->cma, seen->cma);
	}
	assert_int_equal(zone_of(&s, ZONE_DMA)->cma, (864 + 8 + 8 + 128) * 256);
	assert_int_equal(zone_of(&s, ZONE_DMA32)->present, 0);
	zoneinfo_deinit(&zi);
	drop_seed(&s);
}

/*
 * Where 459008 - 287941 = 171067 pages of the DMA zone are.  Derived: the ranges touch, so every second
 * one is kept apart by a flag, and all coherent pools (no-map) lie in those, no CMA pool does:
 *
 *	0x8b000000 + 32 MiB          8192
 *	0x8fd00000 +  1 MiB           256
 *	0x8fec0000 to 0xb2000000   139584
 *				   ------
 *				   148032 pages are never handed over.
 *
 * Given: the other 23035 (89 MiB) are the bounce buffer, which a machine with memory beyond 4 GiB has
 * (64 MiB, 16384 pages), the image and whatever was allocated below 4 GiB; the log does not tell.
 * The Normal zone lacks 360448 - 343886 = 16562: the memory map of 26 sections of 128 MiB is derived,
 * 26 * 512 = 13312, and 3250 (12.7 MiB) are given.
 */
static void soc_unmanaged(void **state)
{
	static const phys_t pools[] = { 0x8b000000, 0x8fec0000, 0x8ff00000,
					0x9a000000, 0x9c000000, 0xa1000000 };
	uint64_t unmapped = 0, sections = 0, last = UINT64_MAX;
	struct zoneinfo zi;
	struct seed s;

	(void)state;
	boot_seed(&s, "traces/testdata/seeds/soc-5.15-arm64.txt", 0);
	read_picture(&zi);
	for (uint32_t r = 0; r < s.m.range_count; r++) {
		const struct node_range *range = &s.m.ranges[r];

		if (range->flags & MEMBLOCK_UNTOLD)
			unmapped += range->end - range->start;
		for (uint64_t n = range->start >> 15; n <= (range->end - 1) >> 15; n++) {
			sections += n != last;
			last = n;
		}
		for (size_t p = 0; p < sizeof(pools) / sizeof(pools[0]); p++)
			if (pools[p] >> 12 >= range->start && pools[p] >> 12 < range->end)
				assert_true(range->flags & MEMBLOCK_UNTOLD);
		for (uint32_t c = 0; c < s.m.cma_count; c++)
			if (s.m.cma[c].start >> 12 >= range->start &&
			    s.m.cma[c].start >> 12 < range->end)
				assert_false(range->flags & MEMBLOCK_UNTOLD);
	}
	assert_int_equal(unmapped, 8192 + 256 + 139584);
	assert_int_equal(sections, 26);
	assert_int_equal(
		zone_of(&s, ZONE_DMA)->present - picture_of(&zi, "DMA")->managed - unmapped, 23035);
	assert_true(23035 > 16384);
	assert_int_equal(zone_of(&s, ZONE_NORMAL)->present - picture_of(&zi, "Normal")->managed -
				 sections * 512,
			 3250);
	zoneinfo_deinit(&zi);
	drop_seed(&s);
}

/* Watermarks of the two zones when they managed @dma and @normal pages. */
static void soc_watermarks(struct seed *s, uint64_t dma, uint64_t normal, uint64_t kbytes)
{
	struct wmark_input w = { .nodes = s->m.nodes,
				 .node_count = s->m.node_count,
				 .zonelists = &s->m.zonelists,
				 .limits = &s->m.limits,
				 .config = &s->m.config,
				 .facts = &s->m.facts,
				 .zones_mask = s->m.config.zones_mask };

	s->m.nodes[0].zones[ZONE_DMA].managed = dma;
	s->m.nodes[0].zones[ZONE_NORMAL].managed = normal;
	wmark_setup_zones(&w, kbytes, 10);
	wmark_setup_lowmem_reserve(&w);
}

/*
 * The marks are those of min_free_kbytes = 73728 (72 MiB, a setting: 6.2 MiB would be the kernel's own
 * choice), and of fewer pages in the DMA zone than at the end: 502 to 564 pages, about 2 MiB, came back
 * after they were computed, which is what "Freeing ... memory" lines are about.
 */
static void soc_reserves(void **state)
{
	const struct zoneinfo_zone *dma, *normal;
	uint64_t least = UINT64_MAX, most = 0;
	struct zoneinfo zi;
	struct seed s;

	(void)state;
	boot_seed(&s, "traces/testdata/seeds/soc-5.15-arm64.txt", 0);
	read_picture(&zi);
	dma = picture_of(&zi, "DMA");
	normal = picture_of(&zi, "Normal");
	for (uint64_t later = 0; later < 4096; later++) {
		const struct zone *z = s.m.nodes[0].zones;

		soc_watermarks(&s, dma->managed - later, normal->managed, 73728);
		if (z[ZONE_DMA].watermark[WMARK_MIN] != dma->min ||
		    z[ZONE_NORMAL].watermark[WMARK_MIN] != normal->min)
			continue;
		least = least < later ? least : later;
		most = later;
		assert_int_equal(z[ZONE_DMA].watermark[WMARK_LOW], dma->low);
		assert_int_equal(z[ZONE_DMA].watermark[WMARK_HIGH], dma->high);
		assert_int_equal(z[ZONE_NORMAL].watermark[WMARK_LOW], normal->low);
		assert_int_equal(z[ZONE_NORMAL].watermark[WMARK_HIGH], normal->high);
		/* 343886 / 256 */
		assert_int_equal(z[ZONE_DMA].lowmem_reserve[ZONE_NORMAL], 1343);
	}
	assert_int_equal(least, 502);
	assert_int_equal(most, 564);
	zoneinfo_deinit(&zi);
	drop_seed(&s);
}

/* ---- zonelists -------------------------------------------------------------------------------- */

#define RING_NODES 4

struct ring {
	struct node nodes[RING_NODES];
	uint8_t distance[RING_NODES * RING_NODES];
	struct arch_config config;
	struct facts facts;
	struct zonelists lists;
};

/* Nodes of 512 MiB each: node 0 has DMA and DMA32, the others have DMA32 or Normal. */
static void ring_init(struct ring *r, uint32_t version, const uint8_t *distance,
		      enum zone_type others)
{
	memset(r, 0, sizeof(*r));
	arch_config_default(ARCH_X86_64, false, &r->config);
	facts_init(&r->facts, version);
	memcpy(r->distance, distance, sizeof(r->distance));
	for (int32_t n = 0; n < RING_NODES; n++) {
		struct node *node = &r->nodes[n];

		node->memory = node->possible = true;
		if (!n)
			node->zones[ZONE_DMA].present = 4000;
		node->zones[n ? others : ZONE_DMA32].present = 128000;
		node->present = node->zones[ZONE_DMA].present + 128000;
	}
	zonelists_build(&r->lists, r->nodes, RING_NODES, r->distance, NULL, &r->config, &r->facts);
	assert_false(r->lists.out_of_memory);
}

static void check_order(const struct ring *r, uint32_t nid, const char *wanted)
{
	char text[64];
	size_t len = 0;

	for (uint32_t i = 0; i < r->lists.length[nid]; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%u", i ? " " : "",
					r->lists.order[nid * RING_NODES + i]);
	assert_string_equal(text, wanted);
}

static void check_zones(const struct ring *r, int32_t nid, enum zone_type highest, bool thisnode,
			const char *wanted)
{
	struct zoneref refs[RING_NODES * ZONE_TYPE_COUNT];
	uint32_t count = zonelist_zones(&r->lists, nid, highest, thisnode, refs,
					RING_NODES * ZONE_TYPE_COUNT);
	char text[256] = "";
	size_t len = 0;

	for (uint32_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%d:%s", i ? " " : "",
					refs[i].nid, zone_type_name(refs[i].type));
	assert_string_equal(text, wanted);
}

static const uint8_t ring_distance[] = { 10, 20, 30, 20, 20, 10, 20, 30,
					 30, 20, 10, 20, 20, 30, 20, 10 };
static const uint8_t line_distance[] = { 10, 20, 32, 32, 20, 10, 32, 32,
					 32, 32, 10, 20, 32, 32, 20, 10 };

/* The node itself, then by distance; a later node is the better one of two, and load settles ties. */
static void orders_of_a_ring(void **state)
{
	struct ring r;

	(void)state;
	ring_init(&r, FACTS_VERSION(5, 10, 223), ring_distance, ZONE_DMA32);
	check_order(&r, 0, "0 1 3 2");
	check_order(&r, 1, "1 2 0 3");
	check_order(&r, 2, "2 3 1 0");
	check_order(&r, 3, "3 0 2 1");
	check_zones(&r, 0, ZONE_NORMAL, false, "0:DMA32 0:DMA 1:DMA32 3:DMA32 2:DMA32");
	check_zones(&r, 0, ZONE_DMA, false, "0:DMA");
	check_zones(&r, 2, ZONE_NORMAL, false, "2:DMA32 3:DMA32 1:DMA32 0:DMA32 0:DMA");
	check_zones(&r, 2, ZONE_NORMAL, true, "2:DMA32");
	check_zones(&r, 2, ZONE_DMA, true, "");
	/* Movable and Device never count, and no node has Normal. */
	assert_int_equal(r.lists.policy_zone, ZONE_DMA32);
	zonelists_deinit(&r.lists);
}

/* Two pairs: what a far node got as load decides which of the two comes first. */
static void orders_of_two_pairs(void **state)
{
	struct ring r;

	(void)state;
	ring_init(&r, FACTS_VERSION(5, 10, 223), line_distance, ZONE_NORMAL);
	check_order(&r, 0, "0 1 2 3");
	check_order(&r, 1, "1 0 3 2");
	check_order(&r, 2, "2 3 0 1");
	check_order(&r, 3, "3 2 0 1");
	assert_int_equal(r.lists.policy_zone, ZONE_NORMAL);
	zonelists_deinit(&r.lists);
	ring_init(&r, FACTS_VERSION(6, 1, 176), line_distance, ZONE_NORMAL);
	check_order(&r, 3, "3 2 1 0");
	zonelists_deinit(&r.lists);
}

/* Zone order goes to other nodes before it goes to lower zones. */
static void zones_before_nodes(void **state)
{
	struct ring r;

	(void)state;
	ring_init(&r, FACTS_VERSION(2, 6, 32), ring_distance, ZONE_NORMAL);
	r.lists.by_zone = true;
	check_zones(&r, 0, ZONE_NORMAL, false, "1:Normal 3:Normal 2:Normal 0:DMA32 0:DMA");
	check_zones(&r, 1, ZONE_DMA32, false, "0:DMA32 0:DMA");
	check_zones(&r, 1, ZONE_NORMAL, true, "1:Normal");
	r.lists.by_zone = false;
	check_zones(&r, 0, ZONE_NORMAL, false, "0:DMA32 0:DMA 1:Normal 3:Normal 2:Normal");
	zonelists_deinit(&r.lists);
}

static bool default_by_zone(struct ring *r, uint32_t version)
{
	facts_init(&r->facts, version);
	return zonelists_default_by_zone(r->nodes, RING_NODES, &r->config, &r->facts);
}

static void which_order_by_default(void **state)
{
	const uint32_t old = FACTS_VERSION(2, 6, 32), lowmem = FACTS_VERSION(2, 6, 35),
		       wide = FACTS_VERSION(3, 16, 0), last = FACTS_VERSION(4, 14, 0);
	struct ring r;

	(void)state;
	ring_init(&r, old, ring_distance, ZONE_NORMAL);
	/* Low zones are 132000 of 516000, but all of node 0, which is larger than the average counted. */
	assert_false(default_by_zone(&r, old));
	/* 132000 + 300000 = 432000; the average is 163200, and 30 per cent are low. */
	r.nodes[0].zones[ZONE_NORMAL].present = 300000;
	assert_true(default_by_zone(&r, old));
	assert_true(default_by_zone(&r, lowmem));
	/* A node without Normal has to be served from low zones somewhere, best its own. */
	r.nodes[2].zones[ZONE_NORMAL].present = 0;
	assert_true(default_by_zone(&r, old));
	assert_false(default_by_zone(&r, lowmem));
	/* No low zone at all: there is nothing to keep. */
	r.nodes[0].zones[ZONE_DMA].present = r.nodes[0].zones[ZONE_DMA32].present = 0;
	assert_false(default_by_zone(&r, old));
	/* Then the width of words decided, at last nothing did. */
	assert_false(default_by_zone(&r, wide));
	r.config.pointer_bytes = 4;
	assert_true(default_by_zone(&r, wide));
	assert_false(default_by_zone(&r, last));
	/* Without nodes it is called zone order, until the name went away. */
	r.config.numa = false;
	assert_true(default_by_zone(&r, old));
	assert_true(default_by_zone(&r, wide));
	assert_false(default_by_zone(&r, last));
	zonelists_deinit(&r.lists);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pc_of_2_6_32),	      cmocka_unit_test(pc_of_2_6_26),
		cmocka_unit_test(pc_of_2_6_34),	      cmocka_unit_test(board_lowmem),
		cmocka_unit_test(board_highmem),      cmocka_unit_test(soc_layout),
		cmocka_unit_test(soc_unmanaged),      cmocka_unit_test(soc_reserves),
		cmocka_unit_test(orders_of_a_ring),   cmocka_unit_test(orders_of_two_pairs),
		cmocka_unit_test(zones_before_nodes), cmocka_unit_test(which_order_by_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
