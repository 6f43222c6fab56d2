/* SPDX-License-Identifier: MIT */
/*
 * Tests of watermarks, reserves and page sets: values of /proc/zoneinfo as kernels showed them, the edges
 * of each formula, and what has to hold on any machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/prng.h"
#include "engine/wmark.h"

#define NODES 4

struct fixture {
	struct facts facts;
	struct arch_config config;
	struct node nodes[NODES];
	struct zonelists lists;
	struct zone_limits limits;
	struct wmark_input in;
};

static void begin(struct fixture *f, const char *version, enum arch arch, uint32_t node_count)
{
	uint32_t v;

	memset(f, 0, sizeof(*f));
	assert_true(facts_parse_version(version, &v));
	facts_init(&f->facts, v);
	arch_config_default(arch, false, &f->config);
	f->limits.highest[ZONE_NORMAL] = 1;
	if (arch == ARCH_I386)
		f->limits.highest[ZONE_HIGHMEM] = 1;
	f->in = (struct wmark_input){ .nodes = f->nodes,
				      .node_count = node_count,
				      .zonelists = &f->lists,
				      .limits = &f->limits,
				      .config = &f->config,
				      .facts = &f->facts,
				      .zones_mask = f->config.zones_mask };
}

static void add_zone(struct fixture *f, uint32_t nid, enum zone_type type, uint64_t present,
		     uint64_t managed)
{
	struct node *node = &f->nodes[nid];

	node->possible = node->memory = true;
	node->zones[type].present = present;
	node->zones[type].managed = managed;
}

static void build_lists(struct fixture *f)
{
	uint8_t distance[NODES * NODES];

	memset(distance, 20, sizeof(distance));
	zonelists_build(&f->lists, f->nodes, f->in.node_count, distance, NULL, &f->config,
			&f->facts);
	assert_false(f->lists.out_of_memory);
}

static void expect_wmarks(const struct fixture *f, uint32_t nid, enum zone_type type, uint64_t min,
			  uint64_t low, uint64_t high)
{
	const uint64_t *w = f->nodes[nid].zones[type].watermark;

	assert_int_equal(w[WMARK_MIN], min);
	assert_int_equal(w[WMARK_LOW], low);
	assert_int_equal(w[WMARK_HIGH], high);
}

static void expect_reserve(const struct fixture *f, uint32_t nid, enum zone_type type,
			   uint64_t dma32, uint64_t normal, uint64_t movable)
{
	const uint64_t *r = f->nodes[nid].zones[type].lowmem_reserve;

	assert_int_equal(r[ZONE_DMA], 0);
	assert_int_equal(r[ZONE_DMA32], dma32);
	assert_int_equal(r[ZONE_NORMAL], normal);
	assert_int_equal(r[ZONE_MOVABLE], movable);
	assert_int_equal(r[ZONE_DEVICE], movable);
}

/* A PC of 2 GiB, Debian's 6.1; 492694 pages of DMA32 are managed when watermarks are computed. */
static void begin_2g(struct fixture *f, const char *version)
{
	begin(f, version, ARCH_X86_64, 1);
	add_zone(f, 0, ZONE_DMA, 3998, 3840);
	add_zone(f, 0, ZONE_DMA32, 520156, 492694);
	build_lists(f);
}

static void a_pc_of_2_gib(void **state)
{
	struct fixture f;

	(void)state;
	begin_2g(&f, "6.1");
	assert_int_equal(wmark_free_buffer_pages(&f.in), 496534);
	/* 496534 * 4 * 16 = 31778176; 5637^2 = 31775769, 5638^2 = 31787044 */
	assert_int_equal(wmark_min_free_kbytes(&f.in), 5637);
	wmark_setup_zones(&f.in, 5637, 10);
	/* 1409 pages * 492694 / 496534 = 1398; the step is a quarter, which is less than 1/1000: 492 */
	expect_wmarks(&f, 0, ZONE_DMA, 10, 13, 16);
	expect_wmarks(&f, 0, ZONE_DMA32, 1398, 1890, 2382);
	/* What is above high now: 496534 - 16 - 2382. */
	assert_int_equal(wmark_free_buffer_pages(&f.in), 494136);
	/* khugepaged: (2 + 9) pageblocks of 512 for each of two zones = 11264 pages; 494136 / 20 is more */
	assert_int_equal(wmark_khugepaged_kbytes(&f.in, 496534), 45056);
	wmark_setup_zones(&f.in, 45056, 10);
	expect_wmarks(&f, 0, ZONE_DMA, 87, 108, 129);
	expect_wmarks(&f, 0, ZONE_DMA32, 11176, 13970, 16764);
	expect_wmarks(&f, 0, ZONE_NORMAL, 0, 0, 0);
	expect_wmarks(&f, 0, ZONE_MOVABLE, 0, 0, 0);
	assert_int_equal(f.nodes[0].zones[ZONE_DMA32].watermark[WMARK_PROMO], 19558);
	wmark_setup_lowmem_reserve(&f.in);
	expect_reserve(&f, 0, ZONE_DMA, 1924, 1924, 1924);
	expect_reserve(&f, 0, ZONE_DMA32, 0, 0, 0);
	/* (1924 + 129) + (0 + 16764) */
	assert_int_equal(wmark_totalreserve_pages(&f.in), 18817);
	zonelists_deinit(&f.lists);
}

/*
 * Two nodes of 1 GiB with kernelcore=768M, Debian's 5.10, with what was managed then worked back from the
 * protection it showed: 372 and 943 are (DMA32) / 256 and (DMA32 + Movable) / 256.
 */
static void movable_is_low_memory_until_6_6(void **state)
{
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		begin(&f, i ? "6.6" : "5.10", ARCH_X86_64, 2);
		add_zone(&f, 0, ZONE_DMA, 3998, 3977);
		add_zone(&f, 0, ZONE_DMA32, 95232, 95232);
		add_zone(&f, 0, ZONE_MOVABLE, 162816, 146343);
		add_zone(&f, 1, ZONE_DMA32, 98304, 98304);
		add_zone(&f, 1, ZONE_MOVABLE, 163804, 154588);
		build_lists(&f);
		wmark_setup_lowmem_reserve(&f.in);
		expect_reserve(&f, 0, ZONE_DMA, 372, 372, 943);
		expect_reserve(&f, 0, ZONE_DMA32, 0, 0, 571);
		expect_reserve(&f, 0, ZONE_MOVABLE, 0, 0, 0);
		expect_reserve(&f, 1, ZONE_DMA32, 0, 0, 603);
		/* No pages, no reserve: node 1 has no DMA. */
		expect_reserve(&f, 1, ZONE_DMA, 0, 0, 0);
		/* Movable counts for neither: 3977 + 95232 + 98304 = 197513. */
		assert_int_equal(wmark_free_buffer_pages(&f.in), 197513);
		/* 3 zones up to Normal, 5632 pages each; 197513 / 20 = 9875 is less. */
		assert_int_equal(wmark_khugepaged_kbytes(&f.in, 500000), 9875 * 4);
		wmark_setup_zones(&f.in, 39352, 10);
		if (!i) {
			/* 9838 * M / 498444; 9838 pages are 39352 kB */
			expect_wmarks(&f, 0, ZONE_DMA, 78, 97, 116);
			expect_wmarks(&f, 0, ZONE_DMA32, 1879, 2348, 2817);
			expect_wmarks(&f, 0, ZONE_MOVABLE, 2888, 3610, 4332);
			expect_wmarks(&f, 1, ZONE_DMA32, 1940, 2425, 2910);
			expect_wmarks(&f, 1, ZONE_MOVABLE, 3051, 3813, 4575);
			expect_wmarks(&f, 1, ZONE_HIGHMEM, 32, 32, 32);
		} else {
			/* 9838 * M / 197513, and 1/1024 of Movable, at most 128, at least 32 */
			expect_wmarks(&f, 0, ZONE_DMA, 198, 247, 296);
			expect_wmarks(&f, 0, ZONE_DMA32, 4743, 5928, 7113);
			/* The step stays the share's: 9838 * 146343 / 197513 = 7289 */
			expect_wmarks(&f, 0, ZONE_MOVABLE, 128, 128 + 1822, 128 + 3644);
		}
		zonelists_deinit(&f.lists);
	}
}

/* High memory: at least 32, at most 128 pages of min, 1/1024 between; HighMem has no part in low memory. */
static void highmem_keeps_little_back(void **state)
{
	static const struct {
		uint64_t managed, min;
	} rows[] = { { 0, 32 },	      { 1, 32 },       { 33791, 32 },	{ 33792, 33 },
		     { 131071, 127 }, { 131072, 128 }, { 132096, 128 }, { 10000000, 128 } };
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t share = 1000 * rows[i].managed / 200000, step;

		begin(&f, "6.1", ARCH_I386, 1);
		add_zone(&f, 0, ZONE_NORMAL, 221182, 200000);
		add_zone(&f, 0, ZONE_HIGHMEM, rows[i].managed, rows[i].managed);
		wmark_setup_zones(&f.in, 4003, 10); /* 1000 pages and 3 kB */
		expect_wmarks(&f, 0, ZONE_NORMAL, 1000, 1250, 1500);
		step = max_u64(share / 4, rows[i].managed / 1000);
		expect_wmarks(&f, 0, ZONE_HIGHMEM, rows[i].min, rows[i].min + step,
			      rows[i].min + 2 * step);
		/* Movable is cut from HighMem here. */
		expect_wmarks(&f, 0, ZONE_MOVABLE, 32, 32, 32);
	}
}

/* The spacing: a quarter of the share, or so many 10000ths of the zone; 4.4 knew the share alone. */
static void spacing_of_watermarks(void **state)
{
	static const struct {
		const char *version;
		uint64_t scale, low, high;
	} rows[] = {
		{ "6.1", 10, 1250, 1500 },   { "6.1", 0, 1250, 1500 },
		{ "6.1", 25, 1250, 1500 }, /* 100007 * 25 / 10000 = 250.02 */
		{ "6.1", 26, 1260, 1520 },   { "6.1", 3000, 31002, 61004 }, /* 30002.1 */
		{ "4.4", 3000, 1250, 1500 }, { "2.6.32", 3000, 1250, 1500 },
	};
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&f, rows[i].version, ARCH_X86_64, 1);
		add_zone(&f, 0, ZONE_NORMAL, 100007, 100007);
		wmark_setup_zones(&f.in, 4000, rows[i].scale);
		expect_wmarks(&f, 0, ZONE_NORMAL, 1000, rows[i].low, rows[i].high);
	}
	/* A share of 7: 1 + 1, but half of it, 3, in the old form. */
	for (unsigned int i = 0; i < 2; i++) {
		begin(&f, i ? "4.4" : "6.1", ARCH_X86_64, 1);
		add_zone(&f, 0, ZONE_NORMAL, 900, 900);
		wmark_setup_zones(&f.in, 28, 10);
		expect_wmarks(&f, 0, ZONE_NORMAL, 7, 8, i ? 10 : 9);
	}
	/* 64-KiB pages: 40960 kB are 640. */
	begin(&f, "6.1", ARCH_ARM64, 1);
	arch_config_set_page_shift(&f.config, 16);
	add_zone(&f, 0, ZONE_DMA, 65536, 60000);
	wmark_setup_zones(&f.in, 40960 + 63, 10);
	expect_wmarks(&f, 0, ZONE_DMA, 640, 800, 960);
	/* No memory at all. */
	begin(&f, "6.12", ARCH_X86_64, 1);
	wmark_setup_zones(&f.in, 128, 10);
	expect_wmarks(&f, 0, ZONE_NORMAL, 0, 0, 0);
	expect_wmarks(&f, 0, ZONE_MOVABLE, 32, 32, 32);
	assert_int_equal(wmark_totalreserve_pages(&f.in), 0);
}

/* isqrt(16 * kB of low memory) between 128 and 65536, from 5.7 on 262144. */
static void limits_of_min_free(void **state)
{
	static const struct {
		const char *version;
		uint64_t managed, kbytes;
	} rows[] = {
		{ "6.1", 0, 128 },
		{ "6.1", 256, 128 }, /* 1 MiB: isqrt(16384) = 128 */
		{ "6.1", 260, 128 }, /* 16640 = 128.99^2 */
		{ "6.1", 261, 129 },
		{ "5.5", 67108863, 65535 }, /* 16 * 4 * that is 65536^2 - 64 */
		{ "5.5", 67108864, 65536 },
		{ "5.5", 67500000, 65536 },
		{ "5.10", 67108864, 65536 },
		{ "5.10", 67500000, 65726 },
		{ "5.10", 1073741824, 262144 }, /* 4 TiB */
		{ "5.10", 2147483648, 262144 },
	};
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&f, rows[i].version, ARCH_X86_64, 1);
		add_zone(&f, 0, ZONE_NORMAL, max_u64(1, rows[i].managed), rows[i].managed);
		build_lists(&f);
		assert_int_equal(wmark_min_free_kbytes(&f.in), rows[i].kbytes);
		/* A boot CPU on no node sees no memory. */
		f.in.boot_nid = NID_NONE;
		assert_int_equal(wmark_free_buffer_pages(&f.in), 0);
		f.in.boot_nid = 1;
		assert_int_equal(wmark_free_buffer_pages(&f.in), 0);
		zonelists_deinit(&f.lists);
	}
	/* 1600 pages of 64 KiB: 102400 kB * 16 = 1280^2 */
	begin(&f, "6.1", ARCH_ARM64, 1);
	arch_config_set_page_shift(&f.config, 16);
	add_zone(&f, 0, ZONE_DMA, 1600, 1600);
	build_lists(&f);
	assert_int_equal(wmark_min_free_kbytes(&f.in), 1280);
	zonelists_deinit(&f.lists);
	/* Where high is above what is managed nothing is taken off the rest. */
	begin(&f, "6.1", ARCH_X86_64, 1);
	add_zone(&f, 0, ZONE_DMA, 100, 10);
	add_zone(&f, 0, ZONE_NORMAL, 100, 90);
	f.nodes[0].zones[ZONE_DMA].watermark[WMARK_HIGH] = 11;
	f.nodes[0].zones[ZONE_NORMAL].watermark[WMARK_HIGH] = 30;
	build_lists(&f);
	assert_int_equal(wmark_free_buffer_pages(&f.in), 60);
	zonelists_deinit(&f.lists);
	/* 2.6.32 goes by present pages, which it had reduced. */
	begin(&f, "2.6.32", ARCH_X86_64, 1);
	add_zone(&f, 0, ZONE_NORMAL, 100, 0);
	build_lists(&f);
	assert_int_equal(wmark_free_buffer_pages(&f.in), 100);
	zonelists_deinit(&f.lists);
}

/* khugepaged asks for nothing below 512 MiB, and before 4.17 counted every zone with memory. */
static void what_khugepaged_asks_for(void **state)
{
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		begin(&f, i ? "4.4" : "4.17", ARCH_X86_64, 1);
		add_zone(&f, 0, ZONE_NORMAL, 1000000, 1000000);
		add_zone(&f, 0, ZONE_MOVABLE, 1000000, 1000000);
		build_lists(&f);
		assert_int_equal(wmark_khugepaged_kbytes(&f.in, 131071), 0);
		assert_int_equal(wmark_khugepaged_kbytes(&f.in, 131072), (i + 1) * 5632 * 4);
		zonelists_deinit(&f.lists);
	}
}

/* Ratios by rank, as the sysctl has them; HighMem against Movable was protected until 4.17, and 0 was 1. */
static void ratios_of_reserves(void **state)
{
	static const uint64_t ratio[] = { 100, 0, 10 };
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		begin(&f, i ? "4.4" : "6.1", ARCH_I386, 1);
		add_zone(&f, 0, ZONE_DMA, 4000, 4000);
		add_zone(&f, 0, ZONE_NORMAL, 200000, 200000);
		add_zone(&f, 0, ZONE_HIGHMEM, 64000, 64000);
		add_zone(&f, 0, ZONE_MOVABLE, 6400, 6400);
		wmark_setup_lowmem_reserve(&f.in);
		assert_int_equal(f.nodes[0].zones[ZONE_DMA].lowmem_reserve[ZONE_NORMAL], 781);
		assert_int_equal(f.nodes[0].zones[ZONE_DMA].lowmem_reserve[ZONE_HIGHMEM], 1031);
		assert_int_equal(f.nodes[0].zones[ZONE_DMA].lowmem_reserve[ZONE_MOVABLE], 1056);
		assert_int_equal(f.nodes[0].zones[ZONE_NORMAL].lowmem_reserve[ZONE_HIGHMEM], 2000);
		assert_int_equal(f.nodes[0].zones[ZONE_NORMAL].lowmem_reserve[ZONE_MOVABLE], 2200);
		assert_int_equal(f.nodes[0].zones[ZONE_HIGHMEM].lowmem_reserve[ZONE_MOVABLE],
				 i ? 200 : 0);
		/* DMA 100, Normal 0, HighMem 10: this machine has no DMA32. */
		f.in.lowmem_ratio = ratio;
		f.in.lowmem_ratio_count = 3;
		wmark_setup_lowmem_reserve(&f.in);
		assert_int_equal(f.nodes[0].zones[ZONE_DMA].lowmem_reserve[ZONE_NORMAL], 2000);
		assert_int_equal(f.nodes[0].zones[ZONE_NORMAL].lowmem_reserve[ZONE_HIGHMEM],
				 i ? 64000 : 0);
		assert_int_equal(f.nodes[0].zones[ZONE_HIGHMEM].lowmem_reserve[ZONE_MOVABLE], 640);
		/* The largest reserve of a zone counts, but no more than the zone has. */
		f.in.lowmem_ratio_count = 1;
		f.nodes[0].zones[ZONE_DMA].managed = 2703;
		f.nodes[0].zones[ZONE_NORMAL].watermark[WMARK_HIGH] = 5;
		wmark_setup_lowmem_reserve(&f.in);
		assert_int_equal(wmark_totalreserve_pages(&f.in), 2703 + 2200 + 5 + (i ? 200 : 0));
		f.nodes[0].zones[ZONE_DMA].managed = 2705;
		assert_int_equal(wmark_totalreserve_pages(&f.in), 2704 + 2200 + 5 + (i ? 200 : 0));
	}
	/* A zone without pages protected what lies above it until 5.8. */
	for (unsigned int i = 0; i < 2; i++) {
		begin(&f, i ? "5.5" : "5.8", ARCH_X86_64, 1);
		add_zone(&f, 0, ZONE_NORMAL, 25600, 25600);
		wmark_setup_lowmem_reserve(&f.in);
		expect_reserve(&f, 0, ZONE_DMA, 0, i ? 100 : 0, i ? 100 : 0);
	}
}

/* One batch is a little less than a power of two; what kernels print as "LIFO batch". */
static void batches(void **state)
{
	static const struct {
		const char *version;
		uint64_t managed, batch;
	} rows[] = {
		/* /1024, at most 256, a quarter: the next power of two below 1.5 of that, less one */
		{ "6.1", 0, 0 },
		{ "6.1", 3840, 0 }, /* 3 / 4 is none: at least 1, and 1.5 is 1 */
		{ "6.1", 8191, 0 },
		{ "6.1", 8192, 1 }, /* 2: 3 */
		{ "6.1", 12287, 1 },
		{ "6.1", 12288, 3 }, /* 3: 4 */
		{ "5.10", 85626, 15 }, /* 20: 30 */
		{ "5.10", 98304, 31 }, /* 24: 36 */
		{ "6.1", 495089, 63 }, /* 64: 96 */
		{ "6.1", UINT64_MAX, 63 },
		/* Until 4.19 the cap was half a megabyte. */
		{ "4.4", 98304, 31 },
		{ "4.4", 495089, 31 }, /* 32: 48 */
		/* 7.2: /4096, at most 64, 0 and 1 are 1. */
		{ "7.2", 0, 1 },
		{ "7.2", 8191, 1 },
		{ "7.2", 8192, 1 },
		{ "7.2", 12288, 3 },
		{ "7.2", UINT64_MAX, 63 },
	};
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&f, rows[i].version, ARCH_X86_64, 1);
		assert_int_equal(pageset_raw_batch(rows[i].managed, &f.config, &f.facts),
				 rows[i].batch);
	}
	/* 64-KiB pages: 1 MiB is 16 of them, a quarter 4. */
	begin(&f, "6.1", ARCH_ARM64, 1);
	arch_config_set_page_shift(&f.config, 16);
	assert_int_equal(pageset_raw_batch(1000000, &f.config, &f.facts), 3);
}

static void expect_pageset(const char *version, const struct zone *start, uint32_t cpus,
			   uint32_t online, uint64_t fraction, uint64_t batch, uint64_t high_min,
			   uint64_t high_max)
{
	struct zone z = *start;
	struct fixture f;

	begin(&f, version, ARCH_X86_64, 1);
	pageset_size_zone(&z, cpus, online, fraction, &f.config, &f.facts);
	assert_int_equal(z.batch, batch);
	assert_int_equal(z.high, high_min);
	assert_int_equal(z.high_min, high_min);
	assert_int_equal(z.high_max, high_max);
}

static void sizes_of_page_sets(void **state)
{
	struct zone dma32 = { .managed = 495089, .watermark = { 11176, 13970, 16764 } };
	struct zone dma = { .managed = 3840, .watermark = { 87, 108, 129 } };

	(void)state;
	/* The low watermark over the CPUs of the node, or all where it has none; at least 4 batches. */
	expect_pageset("6.1", &dma32, 2, 8, 0, 63, 6985, 6985);
	expect_pageset("6.1", &dma32, 0, 8, 0, 63, 1746, 1746);
	expect_pageset("6.1", &dma32, 0, 0, 0, 63, 13970, 13970);
	expect_pageset("6.1", &dma32, 64, 64, 0, 63, 252, 252);
	expect_pageset("6.1", &dma, 2, 2, 0, 1, 54, 54);
	expect_pageset("6.1", &dma, 100, 100, 0, 1, 4, 4);
	/* A fraction of the zone instead: 495089 / 8 / 2. */
	expect_pageset("6.1", &dma32, 2, 2, 8, 63, 30943, 30943);
	/* It tunes itself up to an eighth of the zone: 495089 / 8 = 61886; a fraction ends that. */
	expect_pageset("6.12", &dma32, 2, 2, 0, 63, 6985, 30943);
	expect_pageset("6.12", &dma32, 64, 64, 0, 63, 252, 966);
	expect_pageset("6.12", &dma32, 512, 512, 0, 63, 252, 252);
	expect_pageset("6.12", &dma32, 2, 2, 16, 63, 15471, 15471);
	/* Six batches, by the raw batch: none for a tiny zone. */
	expect_pageset("5.10", &dma32, 2, 2, 0, 63, 378, 378);
	expect_pageset("5.10", &dma, 2, 2, 0, 1, 0, 0);
	/* A fraction: batches are a quarter of it, 1 to 96. */
	expect_pageset("5.10", &dma32, 2, 2, 8, 96, 61886, 61886);
	expect_pageset("5.10", &dma32, 2, 2, 2000, 61, 247, 247);
	expect_pageset("5.10", &dma, 2, 2, 2000, 1, 1, 1);
}

/* 2 * bits of the number of CPUs * (1 + bits of the zone in 128 MiB), at most 125. */
static void thresholds_of_statistics(void **state)
{
	static const struct {
		uint64_t managed;
		uint32_t cpus;
		uint64_t threshold;
	} rows[] = {
		{ 0, 1, 2 },	     { 32767, 1, 2 },	{ 32768, 1, 4 },
		{ 3840, 2, 4 },	     { 495089, 2, 20 }, { 503772, 4, 30 },
		{ 3594759, 4, 48 },  { 3594759, 0, 0 }, { 3594759, 1023, 125 },
		{ 32767, 1023, 20 },
	};
	struct fixture f;

	(void)state;
	begin(&f, "6.1", ARCH_X86_64, 1);
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(stat_threshold(rows[i].managed, rows[i].cpus, &f.config),
				 rows[i].threshold);
	/* 64-KiB pages: 2048 of them are 128 MiB. */
	arch_config_set_page_shift(&f.config, 16);
	assert_int_equal(stat_threshold(2048, 1, &f.config), 4);
}

/* The largest r with r * r <= x, by halving the gap. */
static uint64_t slow_isqrt(uint64_t x)
{
	uint64_t low = 0, high = 1ULL << 32; /* low^2 <= x < high^2 */

	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (middle * middle <= x)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static void square_roots(void **state)
{
	struct prng prng = prng_init(1);

	(void)state;
	for (uint64_t x = 0; x < 5000; x++)
		assert_int_equal(isqrt_u64(x), slow_isqrt(x));
	for (unsigned int i = 0; i < 20000; i++) {
		uint64_t r = prng_skewed(&prng, 1ULL << 32), x = r * r;

		assert_int_equal(isqrt_u64(x), r);
		if (r)
			assert_int_equal(isqrt_u64(x - 1), r - 1);
		x = prng_next(&prng);
		assert_int_equal(isqrt_u64(x), slow_isqrt(x));
	}
	assert_int_equal(isqrt_u64(UINT64_MAX), UINT32_MAX);
}

static void draw_zones(struct fixture *f, struct prng *prng)
{
	for (uint32_t n = 0; n < f->in.node_count; n++) {
		for (unsigned int t = 0; t < ZONE_DEVICE; t++) {
			uint64_t present;

			if (!(f->in.zones_mask >> t & 1) || prng_chance(prng, 1, 3))
				continue;
			present = prng_skewed(prng, 1ULL << 34) + 1;
			add_zone(f, n, (enum zone_type)t, present,
				 present - prng_below(prng, present / 2 + 1));
		}
	}
}

/* Written out per zone, with products that fit 64 bits; the sums are those of the whole machine. */
static void expect_rules(const struct fixture *f, uint64_t pages_min, uint64_t scale,
			 unsigned int run)
{
	uint64_t lowmem = 0, mins = 0, low_zones = 0, reserve = 0;

	for (uint32_t n = 0; n < f->in.node_count; n++)
		for (unsigned int t = 0; t < ZONE_MOVABLE; t++)
			if (t != ZONE_HIGHMEM)
				lowmem += f->nodes[n].zones[t].managed;
	for (uint32_t n = 0; n < f->in.node_count; n++) {
		uint64_t above[ZONE_TYPE_COUNT] = { 0 };

		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &f->nodes[n].zones[t];
			uint64_t share = lowmem ? pages_min * z->managed / lowmem : 0;
			uint64_t step = max_u64(share / 4, z->managed * scale / 10000);
			const uint64_t *w = z->watermark;

			if (t == ZONE_HIGHMEM || t == ZONE_MOVABLE) {
				if (w[WMARK_MIN] < 32 || w[WMARK_MIN] > 128)
					fail_msg("run %u: min of high memory", run);
			} else {
				mins += w[WMARK_MIN];
				low_zones++;
			}
			if (w[WMARK_LOW] != w[WMARK_MIN] + step ||
			    w[WMARK_HIGH] != w[WMARK_LOW] + step ||
			    w[WMARK_PROMO] != w[WMARK_HIGH] + step)
				fail_msg("run %u node %u zone %u: steps are not %llu", run, n, t,
					 (unsigned long long)step);
			/* Each zone that lies lower keeps back for those who could go here. */
			for (unsigned int k = 0; k < t; k++) {
				const struct zone *lower = &f->nodes[n].zones[k];
				uint64_t ratio = k < ZONE_NORMAL ? 256 : k == ZONE_NORMAL ? 32 : 0;

				above[k] += z->managed;
				if (lower->lowmem_reserve[t] !=
				    (ratio && lower->managed ? above[k] / ratio : 0))
					fail_msg("run %u node %u zone %u for %u", run, n, k, t);
			}
			reserve +=
				min_u64(z->lowmem_reserve[ZONE_DEVICE] + w[WMARK_HIGH], z->managed);
		}
	}
	/* Nothing but what is rounded off gets lost. */
	if (lowmem && (mins > pages_min || mins + low_zones <= pages_min))
		fail_msg("run %u: %llu of %llu pages", run, (unsigned long long)mins,
			 (unsigned long long)pages_min);
	assert_int_equal(wmark_totalreserve_pages(&f->in), reserve);
}

static void any_machine_keeps_the_rules(void **state)
{
	(void)state;
	for (unsigned int run = 0; run < 3000; run++) {
		struct prng prng = prng_init(run);
		struct fixture f;
		uint64_t kbytes, scale;

		begin(&f, "6.12", run % 3 ? ARCH_X86_64 : ARCH_I386,
		      (uint32_t)prng_between(&prng, 1, NODES));
		draw_zones(&f, &prng);
		kbytes = prng_between(&prng, 128, 262144);
		scale = prng_skewed(&prng, 3001);
		wmark_setup_zones(&f.in, kbytes, scale);
		wmark_setup_lowmem_reserve(&f.in);
		expect_rules(&f, kbytes / 4, scale, run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pc_of_2_gib),
		cmocka_unit_test(movable_is_low_memory_until_6_6),
		cmocka_unit_test(highmem_keeps_little_back),
		cmocka_unit_test(spacing_of_watermarks),
		cmocka_unit_test(limits_of_min_free),
		cmocka_unit_test(what_khugepaged_asks_for),
		cmocka_unit_test(ratios_of_reserves),
		cmocka_unit_test(batches),
		cmocka_unit_test(sizes_of_page_sets),
		cmocka_unit_test(thresholds_of_statistics),
		cmocka_unit_test(square_roots),
		cmocka_unit_test(any_machine_keeps_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
