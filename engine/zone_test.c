/* SPDX-License-Identifier: MIT */
/*
 * Tests of zone layout: machines whose numbers kernels printed, then random ones against a model with one
 * cell a page.  ZONE_TEST_RUNS sets how many (default 3000), ZONE_TEST_SEED where they begin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/memblock.h"
#include "engine/prng.h"
#include "engine/testing/zone_oracle.h"
#include "engine/zone.h"

#define BIT(type) (1U << (type))
#define GIB (1ULL << 30)

struct fixture {
	struct facts facts;
	struct arch_config config;
	struct cmdline cmdline;
	struct zone_limits limits;
	struct node nodes[ZONE_ORACLE_NODES];
	uint32_t node_count;
	struct node_range ranges[64];
	uint32_t range_count;
	uint32_t mask;
};

static void begin(struct fixture *f, const char *version, enum arch arch, const char *cmdline)
{
	uint32_t v;

	memset(f, 0, sizeof(*f));
	assert_true(facts_parse_version(version, &v));
	facts_init(&f->facts, v);
	arch_config_default(arch, false, &f->config);
	f->mask = f->config.zones_mask;
	cmdline_parse(cmdline, arch == ARCH_X86_64 || arch == ARCH_I386, &f->cmdline);
}

static void add_range(struct fixture *f, int32_t nid, pfn_t start, pfn_t end, uint32_t flags)
{
	f->ranges[f->range_count++] = (struct node_range){
		.start = start, .end = end, .nid = nid, .flags = flags, .base_addr = start << 12
	};
	if ((uint32_t)nid >= f->node_count)
		f->node_count = (uint32_t)nid + 1;
}

/* Lays the machine out with the exclusive upper page frames given (0 for zones it does not have). */
static void lay_out(struct fixture *f, const pfn_t ends[ZONE_TYPE_COUNT])
{
	for (uint32_t r = 0; r < f->range_count; r++) {
		struct node *n = &f->nodes[f->ranges[r].nid];

		if (!n->memory)
			n->start_pfn = f->ranges[r].start;
		n->memory = n->possible = true;
		n->end_pfn = f->ranges[r].end;
	}
	zone_limits_init(&f->limits, ends, f->mask, f->ranges[0].start, &f->facts);
	zone_find_movable(f->nodes, f->node_count, f->ranges, f->range_count, &f->limits, f->mask,
			  &f->cmdline, &f->config, &f->facts);
	for (uint32_t n = 0; n < f->node_count; n++)
		zone_size_node(&f->nodes[n], (int32_t)n, f->ranges, f->range_count, &f->limits,
			       f->mask, f->cmdline.kernelcore.mirror, &f->facts);
}

static void lay_out_x86_64(struct fixture *f, pfn_t end)
{
	pfn_t ends[ZONE_TYPE_COUNT] = {
		[ZONE_DMA] = 0x1000, [ZONE_DMA32] = min_u64(0x100000, end), [ZONE_NORMAL] = end
	};

	lay_out(f, ends);
}

static void expect_zone(const struct fixture *f, int nid, enum zone_type type, pfn_t start,
			uint64_t spanned, uint64_t present)
{
	const struct zone *z = &f->nodes[nid].zones[type];

	assert_int_equal(z->start_pfn, start);
	assert_int_equal(z->spanned, spanned);
	assert_int_equal(z->present, present);
	assert_int_equal(z->nid, nid);
	assert_int_equal(z->type, type);
}

/* The usual 2 GiB of an emulated PC. */
static void add_pc_2g(struct fixture *f)
{
	add_range(f, 0, 0x1, 0x9f, 0);
	add_range(f, 0, 0x100, 0x7ffdc, 0);
}

static void a_pc_of_2_gib(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "6.1", ARCH_X86_64, "");
	add_pc_2g(&f);
	lay_out_x86_64(&f, 0x7ffdc);
	expect_zone(&f, 0, ZONE_DMA, 1, 4095, 3998);
	expect_zone(&f, 0, ZONE_DMA32, 4096, 520156, 520156);
	expect_zone(&f, 0, ZONE_NORMAL, 0, 0, 0);
	expect_zone(&f, 0, ZONE_MOVABLE, 0, 0, 0);
	assert_int_equal(f.nodes[0].present, 524154);
	assert_int_equal(f.nodes[0].spanned, 524251);
	assert_int_equal(zone_highest_usable(&f.limits, f.mask), ZONE_DMA32);
}

/* The hole below 4 GiB is spanned by DMA32, which is not present. */
static void a_pc_of_6_gib(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "6.12", ARCH_X86_64, "");
	add_pc_2g(&f);
	add_range(&f, 0, 0x100000, 0x200000, 0);
	lay_out_x86_64(&f, 0x200000);
	expect_zone(&f, 0, ZONE_DMA, 1, 4095, 3998);
	expect_zone(&f, 0, ZONE_DMA32, 4096, 1044480, 520156);
	expect_zone(&f, 0, ZONE_NORMAL, 0x100000, 1048576, 1048576);
	assert_int_equal(zone_highest_usable(&f.limits, f.mask), ZONE_NORMAL);
}

static void a_32_bit_pc_has_highmem(void **state)
{
	pfn_t ends[ZONE_TYPE_COUNT] = {
		[ZONE_DMA] = 0x1000, [ZONE_NORMAL] = 0x36ffe, [ZONE_HIGHMEM] = 0x5ffdd
	};
	struct fixture f;

	(void)state;
	begin(&f, "5.10", ARCH_I386, "");
	add_range(&f, 0, 0x1, 0x9f, 0);
	add_range(&f, 0, 0x100, 0x5ffdd, 0);
	lay_out(&f, ends);
	expect_zone(&f, 0, ZONE_DMA, 1, 4095, 3998);
	expect_zone(&f, 0, ZONE_NORMAL, 4096, 221182, 221182);
	expect_zone(&f, 0, ZONE_HIGHMEM, 225278, 167903, 167903);
	assert_true(zone_is_highmem(ZONE_HIGHMEM, &f.limits, f.mask));
	assert_true(zone_is_highmem(ZONE_MOVABLE, &f.limits, f.mask));
	assert_false(zone_is_highmem(ZONE_NORMAL, &f.limits, f.mask));
}

/* kernelcore=768M over two nodes of 1 GiB: the kernel prints 0x18400000 and 0x58000000. */
static void kernelcore_is_split_evenly(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "6.1", ARCH_X86_64, "kernelcore=768M");
	add_range(&f, 0, 0x1, 0x9f, 0);
	add_range(&f, 0, 0x100, 0x40000, 0);
	add_range(&f, 1, 0x40000, 0x7ffdc, 0);
	lay_out_x86_64(&f, 0x7ffdc);
	assert_int_equal(f.nodes[0].movable_pfn, 0x18400);
	assert_int_equal(f.nodes[1].movable_pfn, 0x58000);
	expect_zone(&f, 0, ZONE_DMA32, 4096, 0x17400, 0x17400);
	expect_zone(&f, 0, ZONE_MOVABLE, 0x18400, 0x27c00, 0x27c00);
	expect_zone(&f, 1, ZONE_DMA32, 0x40000, 0x18000, 0x18000);
	expect_zone(&f, 1, ZONE_MOVABLE, 0x58000, 0x27fdc, 0x27fdc);
	assert_false(zone_is_highmem(ZONE_MOVABLE, &f.limits, f.mask));
}

/*
 * What the options ask for, by hand, on 4 GiB (0x100000 pages) of which all is Normal: kernelcore in bytes
 * and per cent, movablecore as what is left.
 */
static void core_options_mean_pages(void **state)
{
	static const struct {
		const char *version, *cmdline;
		pfn_t movable; /* relative to 0x100000; 0 = no zone */
	} rows[] = {
		{ "6.1", "kernelcore=1G", 0x40000 },
		{ "6.1", "kernelcore=25%", 0x40000 },
		{ "6.1", "kernelcore=4G", 0 },
		{ "6.1", "kernelcore=5G", 0 },
		{ "6.1", "movablecore=1G", 0xc0000 },
		{ "6.1", "movablecore=75%", 0x40000 },
		{ "6.1", "kernelcore=71%", 0xb6000 }, /* 744488 pages, 40 beyond 0xb5c00 */
		{ "6.1", "movablecore=6G", 0 },
		{ "6.1", "kernelcore=1G movablecore=1G", 0xc0000 },
		{ "6.1", "kernelcore=3G movablecore=2G", 0xc0000 },
		/* Rounded up to largest blocks. */
		{ "6.1", "kernelcore=1028M", 0x40400 },
		{ "6.1", "kernelcore=1025M", 0x40400 },
		{ "6.1", "movablecore=1025M", 0xbfc00 },
		/* Before 4.2 nothing is capped; before 5.9 nobody asks whether it lies on the node. */
		{ "2.6.32", "kernelcore=4G", 0x100000 },
		{ "2.6.32", "movablecore=1G", 0xc0000 },
		{ "5.4", "kernelcore=4G", 0 },
		/* Before 4.17 a per cent sign says nothing: 25 bytes are no page. */
		{ "4.4", "kernelcore=25%", 0 },
		{ "4.16", "movablecore=75%", 0 },
		{ "4.17", "movablecore=75%", 0x40000 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture f;

		begin(&f, rows[i].version, ARCH_X86_64, rows[i].cmdline);
		add_range(&f, 0, 0x100000, 0x200000, 0);
		lay_out_x86_64(&f, 0x200000);
		assert_int_equal(f.nodes[0].movable_pfn,
				 rows[i].movable ? 0x100000 + rows[i].movable : 0);
	}
}

/* movable_node: hotpluggable memory, and all above it on its node; it comes before kernelcore=. */
static void movable_node_takes_hotpluggable_memory(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "6.1", ARCH_X86_64, "movable_node kernelcore=1G");
	add_range(&f, 0, 0x100000, 0x140000, 0);
	add_range(&f, 1, 0x140000, 0x150000, 0);
	add_range(&f, 1, 0x150010, 0x180000, MEMBLOCK_HOTPLUG);
	add_range(&f, 2, 0x180000, 0x1c0000, MEMBLOCK_HOTPLUG);
	lay_out_x86_64(&f, 0x1c0000);
	assert_int_equal(f.nodes[0].movable_pfn, 0);
	assert_int_equal(f.nodes[1].movable_pfn, 0x150400);
	assert_int_equal(f.nodes[2].movable_pfn, 0x180000);
	expect_zone(&f, 1, ZONE_NORMAL, 0x140000, 0x10400, 0x103f0);
	expect_zone(&f, 2, ZONE_NORMAL, 0, 0, 0);
	expect_zone(&f, 2, ZONE_MOVABLE, 0x180000, 0x40000, 0x40000);
	/* Where there is none, kernelcore= is ignored all the same. */
	begin(&f, "6.1", ARCH_X86_64, "movable_node kernelcore=1G");
	add_range(&f, 0, 0x100000, 0x200000, 0);
	lay_out_x86_64(&f, 0x200000);
	assert_int_equal(f.nodes[0].movable_pfn, 0);
	/* Nor did 3.10 know the option. */
	begin(&f, "3.10", ARCH_X86_64, "movable_node");
	add_range(&f, 0, 0x100000, 0x200000, MEMBLOCK_HOTPLUG);
	lay_out_x86_64(&f, 0x200000);
	assert_int_equal(f.nodes[0].movable_pfn, 0);
}

/*
 *	0x100000   0x110000   0x120003     0x130000
 *	[ mirrored ][  not    ][ mirrored  ]
 *
 * Normal spans all of it and has the mirrored pages; Movable begins at the first that is not.
 */
static void mirrored_memory_is_the_core(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "6.1", ARCH_X86_64, "kernelcore=mirror");
	add_pc_2g(&f);
	add_range(&f, 0, 0x100000, 0x110005, MEMBLOCK_MIRROR);
	add_range(&f, 0, 0x110005, 0x120003, 0);
	add_range(&f, 0, 0x120003, 0x130000, MEMBLOCK_MIRROR);
	lay_out_x86_64(&f, 0x130000);
	assert_int_equal(f.nodes[0].movable_pfn, 0x110400);
	expect_zone(&f, 0, ZONE_NORMAL, 0x100000, 0x30000, 0x10005 + 0xfffd);
	expect_zone(&f, 0, ZONE_MOVABLE, 0x110400, 0x1fc00, 0x120003 - 0x110400);
	expect_zone(&f, 0, ZONE_DMA32, 4096, 1044480, 520156);
	/* With nothing mirrored 6.12 ignores it; 6.1 makes everything above 4 GiB movable. */
	for (unsigned int i = 0; i < 2; i++) {
		begin(&f, i ? "6.12" : "6.1", ARCH_X86_64, "kernelcore=mirror");
		add_pc_2g(&f);
		add_range(&f, 0, 0x100000, 0x130000, 0);
		lay_out_x86_64(&f, 0x130000);
		assert_int_equal(f.nodes[0].movable_pfn, i ? 0 : 0x100000);
	}
}

/* A first zone that ends before memory begins: old kernels took its limit as it stood. */
static void limits_adjoin(void **state)
{
	static const struct {
		const char *version;
		pfn_t dma_end;
	} rows[] = { { "4.4", 0x1000 }, { "4.8", 0x40000 }, { "6.1", 0x40000 } };
	pfn_t ends[ZONE_TYPE_COUNT] = { [ZONE_DMA] = 0x1000, [ZONE_NORMAL] = 0x80000 };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct fixture f;

		begin(&f, rows[i].version, ARCH_ARM64, "");
		f.mask = BIT(ZONE_DMA) | BIT(ZONE_NORMAL) | BIT(ZONE_MOVABLE);
		zone_limits_init(&f.limits, ends, f.mask, 0x40000, &f.facts);
		assert_int_equal(f.limits.lowest[ZONE_DMA], 0x40000);
		assert_int_equal(f.limits.highest[ZONE_DMA], rows[i].dma_end);
		assert_int_equal(f.limits.lowest[ZONE_NORMAL], rows[i].dma_end);
		assert_int_equal(f.limits.highest[ZONE_NORMAL], 0x80000);
		assert_int_equal(f.limits.highest[ZONE_DMA32], 0);
		assert_int_equal(f.limits.highest[ZONE_MOVABLE], 0);
	}
}

/* ---- random machines -------------------------------------------------------------------------------- */

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

/* Ranges that do not touch where they could be joined, and limits anywhere. */
static void random_machine(struct fixture *f, struct zone_oracle *o, struct prng *prng,
			   bool mirrors)
{
	uint32_t nodes = (uint32_t)prng_between(prng, 1, ZONE_ORACLE_NODES);
	bool mixed = prng_chance(prng, 1, 4);
	pfn_t pfn = prng_skewed(prng, 300), ends[ZONE_TYPE_COUNT] = { 0 }, limit = 0;
	uint32_t nid = 0;

	memset(o, 0, sizeof(*o));
	memset(o->nid, -1, sizeof(o->nid));
	while (pfn < ZONE_ORACLE_PAGES && f->range_count < 60) {
		pfn_t end = min_u64(pfn + prng_between(prng, 1, 400), ZONE_ORACLE_PAGES);
		uint32_t flags = mirrors && prng_chance(prng, 1, 2) ? MEMBLOCK_MIRROR : 0;

		if (mixed)
			nid = (uint32_t)prng_below(prng, nodes);
		else if (nid + 1 < nodes && prng_chance(prng, 1, 3))
			nid++;
		add_range(f, (int32_t)nid, pfn, end, flags);
		o->begins[pfn] = true;
		for (pfn_t p = pfn; p < end; p++) {
			o->nid[p] = (int8_t)nid;
			o->mirror[p] = flags != 0;
		}
		pfn = end + (prng_chance(prng, 1, 2) ? prng_skewed(prng, 200) : 0);
	}
	f->mask = BIT(ZONE_MOVABLE) | BIT(ZONE_NORMAL);
	for (unsigned int t = 0; t <= ZONE_HIGHMEM; t++) {
		if (t != ZONE_NORMAL && prng_chance(prng, 1, 2))
			continue;
		f->mask |= BIT(t);
		limit = max_u64(limit, prng_below(prng, ZONE_ORACLE_PAGES));
		ends[t] = limit;
	}
	/* The highest zone mostly reaches to the end of memory. */
	if (prng_chance(prng, 3, 4))
		ends[f->mask & BIT(ZONE_HIGHMEM) ? ZONE_HIGHMEM : ZONE_NORMAL] = ZONE_ORACLE_PAGES;
	f->config.max_order = (unsigned int)prng_between(prng, 0, 4);
	zone_limits_init(&f->limits, ends, f->mask, f->ranges[0].start, &f->facts);
	o->zones_mask = f->mask;
	o->max_order_pages = 1ULL << f->config.max_order;
	o->facts = &f->facts;
	memcpy(o->lowest, f->limits.lowest, sizeof(o->lowest));
	memcpy(o->highest, f->limits.highest, sizeof(o->highest));
	lay_out(f, ends);
}

static void expect_like_model(const struct fixture *f, const struct zone_oracle *o, bool mirrored,
			      uint64_t seed)
{
	for (uint32_t n = 0; n < f->node_count; n++) {
		uint64_t all = 0;

		if (f->nodes[n].movable_pfn != o->movable[n])
			fail_msg("seed %llu node %u: movable from %llu, not %llu",
				 (unsigned long long)seed, n,
				 (unsigned long long)f->nodes[n].movable_pfn,
				 (unsigned long long)o->movable[n]);
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &f->nodes[n].zones[t];
			uint64_t spanned, present;
			pfn_t start;

			zone_oracle_size(o, (int)n, (enum zone_type)t, mirrored, &start, &spanned,
					 &present);
			if (z->start_pfn != start || z->spanned != spanned || z->present != present)
				fail_msg("seed %llu node %u zone %u: %llu+%llu (%llu), not "
					 "%llu+%llu (%llu)",
					 (unsigned long long)seed, n, t,
					 (unsigned long long)z->start_pfn,
					 (unsigned long long)z->spanned,
					 (unsigned long long)z->present, (unsigned long long)start,
					 (unsigned long long)spanned, (unsigned long long)present);
			all += present;
		}
		assert_int_equal(f->nodes[n].present, all);
	}
}

static void random_machines_agree_with_the_model(void **state)
{
	static const char *const versions[] = { "2.6.32", "4.4", "5.4", "5.10", "6.1", "7.2" };
	uint64_t runs = number_from_environment("ZONE_TEST_RUNS", 3000);
	uint64_t seed = number_from_environment("ZONE_TEST_SEED", 1);
	unsigned int movable = 0;

	(void)state;
	for (uint64_t run = 0; run < runs; run++) {
		struct prng prng = prng_init(seed + run);
		struct zone_oracle o;
		struct fixture f;
		uint64_t total = 0, core;

		begin(&f, versions[run % 6], ARCH_X86_64, "");
		/* What is asked for depends on how much there is: made twice, asked the second time. */
		random_machine(&f, &o, &prng, false);
		for (uint32_t r = 0; r < f.range_count; r++)
			total += f.ranges[r].end - f.ranges[r].start;
		core = prng_chance(&prng, 1, 5) ? 0 : prng_below(&prng, total + total / 8);
		prng = prng_init(seed + run);
		begin(&f, versions[run % 6], ARCH_X86_64, "");
		f.cmdline.kernelcore.set = core > 0;
		f.cmdline.kernelcore.bytes = core << 12;
		random_machine(&f, &o, &prng, false);
		if (core && !(core >= total && fact_get(&f.facts, FACT_movablecore_capped)))
			zone_oracle_spread(&o, core);
		for (uint32_t n = 0; n < f.node_count; n++)
			movable += o.movable[n] != 0;
		expect_like_model(&f, &o, false, seed + run);
	}
	assert_true(movable > 0 || runs < 100);
}

/* Mirrors, with the border set by hand: where it lies is a matter of 4 GiB and tested above. */
static void random_mirrors_agree_with_the_model(void **state)
{
	uint64_t runs = number_from_environment("ZONE_TEST_RUNS", 3000);
	uint64_t seed = number_from_environment("ZONE_TEST_SEED", 1);

	(void)state;
	for (uint64_t run = 0; run < runs; run++) {
		struct prng prng = prng_init(seed + run);
		struct zone_oracle o;
		struct fixture f;

		begin(&f, "6.1", ARCH_X86_64, "");
		random_machine(&f, &o, &prng, true);
		for (uint32_t n = 0; n < f.node_count; n++) {
			struct node *node = &f.nodes[n];

			if (!node->memory || prng_chance(&prng, 1, 4))
				continue;
			node->movable_pfn = prng_between(&prng, node->start_pfn + 1, node->end_pfn);
			o.movable[n] = node->movable_pfn;
			zone_size_node(node, (int32_t)n, f.ranges, f.range_count, &f.limits, f.mask,
				       true, &f.facts);
		}
		for (uint32_t n = 0; n < f.node_count; n++)
			zone_size_node(&f.nodes[n], (int32_t)n, f.ranges, f.range_count, &f.limits,
				       f.mask, true, &f.facts);
		expect_like_model(&f, &o, true, seed + run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pc_of_2_gib),
		cmocka_unit_test(a_pc_of_6_gib),
		cmocka_unit_test(a_32_bit_pc_has_highmem),
		cmocka_unit_test(kernelcore_is_split_evenly),
		cmocka_unit_test(core_options_mean_pages),
		cmocka_unit_test(movable_node_takes_hotpluggable_memory),
		cmocka_unit_test(mirrored_memory_is_the_core),
		cmocka_unit_test(limits_adjoin),
		cmocka_unit_test(random_machines_agree_with_the_model),
		cmocka_unit_test(random_mirrors_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
