/* SPDX-License-Identifier: MIT */
/*
 * Tests of deferred struct pages: the boots that told where it begins, the rules of old kernels, and random
 * machines against a model that counts page by page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/deferred.h"
#include "engine/prng.h"
#include "engine/testing/deferred_oracle.h"

#define NODES 4
#define RANGES 40
#define GIB_PAGES (1ULL << 18)

struct fixture {
	struct facts facts;
	struct arch_config config;
	struct memblock mb;
	struct node nodes[NODES];
	uint32_t node_count;
	struct node_range ranges[RANGES];
	uint32_t range_count;
};

static void begin(struct fixture *f, const char *version)
{
	uint32_t v;

	memset(f, 0, sizeof(*f));
	assert_true(facts_parse_version(version, &v));
	facts_init(&f->facts, v);
	arch_config_default(ARCH_X86_64, false, &f->config);
	memblock_init(&f->mb, &f->facts, f->config.page_shift, 128, 128);
}

static void add_range(struct fixture *f, int32_t nid, pfn_t start, pfn_t end)
{
	struct node *node = &f->nodes[nid];

	f->ranges[f->range_count++] = (struct node_range){ .start = start, .end = end, .nid = nid };
	if (!node->memory)
		node->start_pfn = start;
	node->memory = true;
	node->end_pfn = end;
	if ((uint32_t)nid >= f->node_count)
		f->node_count = (uint32_t)nid + 1;
}

/* Zones below @limits, the last to the end of each node. */
static void make_zones(struct fixture *f, pfn_t dma_end, pfn_t dma32_end)
{
	for (uint32_t n = 0; n < f->node_count; n++) {
		struct node *node = &f->nodes[n];
		pfn_t limits[] = { 0, dma_end, dma32_end, PFN_NONE };

		node->spanned = 0;
		for (unsigned int t = ZONE_DMA; t <= ZONE_NORMAL; t++) {
			pfn_t start = clamp_u64(node->start_pfn, limits[t], limits[t + 1]);
			pfn_t end = clamp_u64(node->end_pfn, limits[t], limits[t + 1]);

			node->zones[t].start_pfn = end > start ? start : 0;
			node->zones[t].spanned = end - start;
			node->spanned += end - start;
		}
	}
}

static void find(struct fixture *f)
{
	deferred_find(f->nodes, f->node_count, f->ranges, f->range_count, &f->mb, &f->config,
		      f->config.zones_mask, &f->facts);
}

static void expect_first(const char *version, pfn_t end, pfn_t first)
{
	struct fixture f;

	begin(&f, version);
	add_range(&f, 0, 1, 0x9f);
	add_range(&f, 0, 0x100, min_u64(end, 0x7ffdc));
	if (end > 0x100000)
		add_range(&f, 0, 0x100000, end);
	make_zones(&f, 0x1000, 0x100000);
	find(&f);
	assert_int_equal(f.nodes[0].first_deferred_pfn, first);
	memblock_deinit(&f.mb);
}

/*
 *	0x1000		0x8000	    0x9000	 0x10000
 *	[DMA32 .. one section is full here ..... ^ the next section begins
 */
static void one_section_and_up_to_the_next(void **state)
{
	(void)state;
	expect_first("6.1", 0x7ffdc, 0x10000);
	expect_first("6.12", 0x7ffdc, 0x10000);
	/* The hole below 4 GiB is of another zone; in Normal a section is full at 0x108000. */
	expect_first("6.1", 0x200000, 0x108000);
	/* Normal has one section to the page: nothing is deferred, nor is anything of DMA32. */
	expect_first("6.1", 0x108000, PFN_NONE);
	expect_first("6.1", 0x108001, 0x108000);
	/* A machine that ends before that. */
	expect_first("6.1", 0x10000, PFN_NONE);
	expect_first("6.1", 0x10001, 0x10000);
	expect_first("4.1", 0x200000, PFN_NONE);
}

/* Where it is not built in, or there are no sections, nothing is. */
static void not_everywhere(void **state)
{
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		begin(&f, "6.1");
		add_range(&f, 0, 0x1000, 0x100000);
		make_zones(&f, 0x1000, 0x100000);
		f.nodes[0].first_deferred_pfn = 7;
		if (i == 0)
			f.config.deferred_struct_page = false;
		if (i == 1)
			f.config.section_shift = 0;
		find(&f);
		assert_int_equal(f.nodes[0].first_deferred_pfn, i < 2 ? PFN_NONE : 0x10000);
		memblock_deinit(&f.mb);
	}
}

/*
 * Until 4.17: 2 GiB of the node, or a 256th, and as much as is reserved there.  A node of 4 GiB at 4 GiB;
 * 2 GiB of it end at 0x180000, where a section begins.
 */
static void two_gib_first(void **state)
{
	static const struct {
		phys_t base;
		uint64_t size;
		pfn_t first;
	} rows[] = {
		{ 5ULL << 30, 0, 0x180000 },
		/* 128 MiB more, and one byte less is not a whole page less: to the next section. */
		{ 5ULL << 30, 128 << 20, 0x188000 },
		{ 5ULL << 30, (128 << 20) - 4096, 0x188000 },
		{ 5ULL << 30, (128 << 20) + 4095, 0x188000 },
		{ 5ULL << 30, (128 << 20) + 4096, 0x190000 },
		/* What lies across either end counts whole, what touches it too, what is beyond not. */
		{ (4ULL << 30) - (127 << 20), 128 << 20, 0x188000 },
		{ (4ULL << 30) - (128 << 20), 128 << 20, 0x188000 },
		{ (4ULL << 30) - (129 << 20), 128 << 20, 0x180000 },
		{ (6ULL << 30) - (1 << 20), 128 << 20, 0x188000 },
		{ 6ULL << 30, 128 << 20, 0x188000 },
		{ (6ULL << 30) + 1, 128 << 20, 0x180000 },
		/* More than the node has: all of it at once. */
		{ 5ULL << 30, 2ULL << 30, PFN_NONE },
	};
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&f, "4.4");
		add_range(&f, 0, 0x100000, 0x200000);
		make_zones(&f, 0x1000, 0x100000);
		memblock_reserve(&f.mb, rows[i].base, rows[i].size, NID_NONE, 0);
		find(&f);
		assert_int_equal(f.nodes[0].first_deferred_pfn, rows[i].first);
		memblock_deinit(&f.mb);
	}
	/* Sizes are added up before they become pages: 8 times 16 MiB - 512 bytes are a page short. */
	begin(&f, "4.4");
	add_range(&f, 0, 0x100000, 0x200000);
	make_zones(&f, 0x1000, 0x100000);
	for (unsigned int i = 0; i < 8; i++)
		memblock_reserve(&f.mb, (5ULL << 30) + i * (32ULL << 20), (16 << 20) + 512,
				 NID_NONE, 0);
	find(&f);
	/* 128 MiB and 4096 bytes: one page more than a section. */
	assert_int_equal(f.nodes[0].first_deferred_pfn, 0x190000);
	memblock_deinit(&f.mb);
	/* A 256th of 1 TiB is 4 GiB. */
	begin(&f, "4.4");
	add_range(&f, 0, 0x100000, 0x100000 + 1024 * GIB_PAGES);
	make_zones(&f, 0x1000, 0x100000);
	find(&f);
	assert_int_equal(f.nodes[0].first_deferred_pfn, 0x200000);
	memblock_deinit(&f.mb);
	/* 4.17 to 4.19: a section of each node. */
	begin(&f, "4.19");
	add_range(&f, 0, 0x100000, 0x200000);
	add_range(&f, 1, 0x200000, 0x204000);
	make_zones(&f, 0x1000, 0x100000);
	find(&f);
	assert_int_equal(f.nodes[0].first_deferred_pfn, 0x108000);
	assert_int_equal(f.nodes[1].first_deferred_pfn, PFN_NONE);
	memblock_deinit(&f.mb);
}

/*
 *	0x100000   0x108000   0x109000	    0x120000
 *	[ node 0   | node 1   | node 0	    ]
 *
 * The first range is a section to the page.  Where each zone is counted by itself the next page of node 0
 * that begins a section is the first to be deferred, and that is 0x110000.  Where one counter starts anew
 * with each other zone, the count begins at 0x109000 and is a section at 0x111000.
 */
static void nodes_that_take_turns(void **state)
{
	static const struct {
		const char *version;
		pfn_t first;
	} rows[] = { { "4.19", 0x110000 }, { "5.10", 0x118000 }, { "6.12", 0x118000 } };
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		begin(&f, rows[i].version);
		add_range(&f, 0, 0x100000, 0x108000);
		add_range(&f, 1, 0x108000, 0x109000);
		add_range(&f, 0, 0x109000, 0x120000);
		make_zones(&f, 0x1000, 0x100000);
		find(&f);
		assert_int_equal(f.nodes[0].first_deferred_pfn, rows[i].first);
		assert_int_equal(f.nodes[1].first_deferred_pfn, PFN_NONE);
		memblock_deinit(&f.mb);
	}
}

/*
 * The same, but what lies between is a low zone: node 1 has Movable memory above.  Up to 6.8 that ends the
 * count too; from 6.9 on pages that can never be deferred are not looked at.
 */
static void low_zones_end_the_count(void **state)
{
	static const struct {
		const char *version;
		pfn_t first;
	} rows[] = { { "4.19", 0x110000 }, { "6.8", 0x118000 }, { "6.9", 0x110000 } };
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		begin(&f, rows[i].version);
		add_range(&f, 0, 0x100000, 0x108000);
		add_range(&f, 1, 0x108000, 0x109000);
		add_range(&f, 0, 0x109000, 0x11f000);
		add_range(&f, 1, 0x120000, 0x121000);
		make_zones(&f, 0x1000, 0x100000);
		f.nodes[1].zones[ZONE_NORMAL].spanned = 0x18000;
		f.nodes[1].zones[ZONE_MOVABLE].start_pfn = 0x120000;
		f.nodes[1].zones[ZONE_MOVABLE].spanned = 0x1000;
		find(&f);
		assert_int_equal(f.nodes[0].first_deferred_pfn, rows[i].first);
		assert_int_equal(f.nodes[1].first_deferred_pfn, PFN_NONE);
		memblock_deinit(&f.mb);
	}
}

/* Pages of 1 MiB and sections of 16 of them, so that 2 GiB are 2048 pages. */
static void random_machines_agree_with_the_model(void **state)
{
	static const char *const versions[] = { "4.4", "4.19", "6.1", "6.12" };
	static const enum deferred_rule rules[] = { DEFERRED_TWO_GIB, DEFERRED_SECTION,
						    DEFERRED_COUNTED, DEFERRED_COUNTED_LATE };
	unsigned int deferred = 0;

	(void)state;
	for (unsigned int run = 0; run < 3000; run++) {
		struct prng prng = prng_init(run);
		uint64_t early[NODES], low = prng_below(&prng, 500), high;
		uint32_t nodes = (uint32_t)prng_between(&prng, 1, NODES);
		enum deferred_rule rule = rules[run % 4];
		pfn_t pfn = prng_skewed(&prng, 100);
		struct fixture f;

		begin(&f, versions[run % 4]);
		f.config.page_shift = 20;
		f.config.section_shift = 24;
		while (f.range_count < RANGES && prng_chance(&prng, 12, 13)) {
			pfn_t end =
				pfn + prng_skewed(&prng, rule == DEFERRED_TWO_GIB ? 4000 : 100) + 1;

			add_range(&f, (int32_t)prng_below(&prng, nodes), pfn, end);
			pfn = end + (prng_chance(&prng, 1, 2) ? prng_skewed(&prng, 60) : 0);
		}
		high = low + prng_below(&prng, 500);
		make_zones(&f, low, high);
		for (uint32_t n = 0; n < f.node_count; n++)
			early[n] = min_u64(f.nodes[n].spanned,
					   rule == DEFERRED_SECTION
						   ? 16
						   : max_u64(2048, f.nodes[n].spanned >> 8));
		find(&f);
		for (uint32_t n = 0; n < f.node_count; n++) {
			pfn_t expected = deferred_oracle((int32_t)n, f.nodes, f.node_count,
							 f.ranges, f.range_count,
							 f.config.zones_mask, 16, rule, early);

			if (f.nodes[n].first_deferred_pfn != expected)
				fail_msg("run %u node %u: %llx, not %llx", run, n,
					 (unsigned long long)f.nodes[n].first_deferred_pfn,
					 (unsigned long long)expected);
			deferred += expected != PFN_NONE;
		}
		memblock_deinit(&f.mb);
	}
	assert_true(deferred > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_section_and_up_to_the_next),
		cmocka_unit_test(not_everywhere),
		cmocka_unit_test(two_gib_first),
		cmocka_unit_test(nodes_that_take_turns),
		cmocka_unit_test(low_zones_end_the_count),
		cmocka_unit_test(random_machines_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
