/* SPDX-License-Identifier: MIT */
/*
 * Tests of the invariants of the allocator: each quirk on the smallest machine and life that shows it,
 * lives by chance with all rules right, and states broken by hand.
 *
 * LIFE_TEST_RUNS sets how many lives are tried for each kernel (default 3); LIFE_TEST_SEED where they begin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/buddy_entry.h"
#include "engine/page_alloc_invariants.h"
#include "engine/pageset.h"
#include "engine/prng.h"
#include "engine/testing/made_boot.h"

#define MIB (1ULL << 20)
#define ATOMIC (ALLOC_HIGHATOMIC | ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK)

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

/* ---- lives ------------------------------------------------------------------------------------- */

struct life {
	struct operation ops[256];
	uint32_t count;
};

static uint32_t add(struct life *l, struct operation op)
{
	assert_true(l->count < sizeof(l->ops) / sizeof(l->ops[0]));
	l->ops[l->count] = op;
	return l->count++;
}

/* A request of node @nid for its zones up to @highest. */
static uint32_t get_at(struct life *l, int32_t nid, enum zone_type highest, unsigned int order,
		       enum migratetype type, uint32_t flags)
{
	return add(l, (struct operation){ .kind = OPERATION_ALLOC,
					  .nid = nid,
					  .highest = highest,
					  .order = order,
					  .type = type,
					  .flags = flags });
}

static uint32_t get(struct life *l, unsigned int order, enum migratetype type, uint32_t flags)
{
	return get_at(l, 0, ZONE_NORMAL, order, type, flags);
}

static void put(struct life *l, uint32_t target)
{
	add(l, (struct operation){ .kind = OPERATION_FREE, .target = target });
}

static void drain(struct life *l)
{
	add(l, (struct operation){ .kind = OPERATION_DRAIN });
}

static void range(struct life *l, enum operation_kind kind, pfn_t pfn, uint64_t pages)
{
	add(l, (struct operation){ .kind = kind, .pfn = pfn, .pages = pages });
}

static const struct scenario_options plain = { .want_lists = true };

/* The page that operation @op gets when all rules are right. */
static pfn_t page_of(const struct made_boot *b, const struct life *l, uint32_t op)
{
	struct boot_input in = b->in;
	struct scenario s;
	pfn_t pfn;

	quirks_all_right(&in.facts);
	scenario_init(&s);
	scenario_run(&s, &in, l->ops, l->count, &plain);
	pfn = s.blocks[op].pfn;
	scenario_deinit(&s);
	assert_true(pfn != PFN_NONE);
	return pfn;
}

/* One node of @mib MiB with a CPU. */
static void make(struct made_boot *b, const char *version, uint64_t mib)
{
	made_boot_init(b, ARCH_X86_64, version);
	made_boot_memory(b, MIB, mib * MIB, -1);
	made_boot_cpus(b, 1, 0);
}

/* ---- quirks ------------------------------------------------------------------------------------ */

/* Two pageblocks are kept and in use, less than that is free, and an ordinary request comes. */
static void fast_check_wraps(void **unused)
{
	static const char *const versions[] = { "5.10", "6.1", "6.12", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 4; v++) {
		struct life l = { 0 };
		struct made_boot b;

		make(&b, versions[v], 256);
		get(&l, 9, MIGRATE_UNMOVABLE, ATOMIC);
		get(&l, 9, MIGRATE_UNMOVABLE, ATOMIC);
		for (int i = 0; i < 58; i++)
			get(&l, 10, MIGRATE_UNMOVABLE, ALLOC_NO_WATERMARKS);
		get(&l, 8, MIGRATE_UNMOVABLE, ALLOC_NO_WATERMARKS);
		get(&l, 8, MIGRATE_UNMOVABLE, ALLOC_NO_WATERMARKS);
		get(&l, 0, MIGRATE_UNMOVABLE, 0);
		made_boot_quirk(&b, QUIRK_WATERMARK_FAST_UNSIGNED_WRAP, l.ops, l.count);
	}
}

/*
 * ZONE_DMA32 of three pageblocks:
 *
 *	16M         20M   22M
 *	|##########|#####|
 *	 taken      half taken, and then mixed
 */
static void boost_on_tiny_zone(void **unused)
{
	static const char *const versions[] = { "5.10", "6.1", "6.11", "6.12", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 5; v++) {
		struct life l = { 0 };
		struct made_boot b;

		make(&b, versions[v], 22);
		get(&l, 10, MIGRATE_MOVABLE, ALLOC_NO_WATERMARKS);
		get(&l, 8, MIGRATE_MOVABLE, ALLOC_NO_WATERMARKS);
		get(&l, 1, MIGRATE_UNMOVABLE, ALLOC_NO_WATERMARKS);
		made_boot_quirk(&b, QUIRK_BOOST_ON_TINY_ZONE, l.ops, l.count);
	}
}

/* A page set of one page when its batch grows. */
static void bulk_free_never_ends(void **unused)
{
	struct life l = { 0 };
	struct made_boot b;

	(void)unused;
	make(&b, "5.10", 256);
	add(&l,
	    (struct operation){ .kind = OPERATION_PCP_FRACTION, .value = 100000, .target = 99 });
	get(&l, 0, MIGRATE_MOVABLE, 0);
	add(&l, (struct operation){ .kind = OPERATION_PCP_FRACTION, .value = 8, .target = 1 });
	made_boot_quirk(&b, QUIRK_PCP_BULK_FREE_NEVER_ENDS, l.ops, l.count);
}

/* Half of a largest block is isolated while it is free, then the other half is freed. */
static void isolated_block_merges(void **unused)
{
	static const char *const versions[] = { "4.3", "5.10", "6.1", "6.12", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 5; v++) {
		struct life l = { 0 };
		struct made_boot b;
		pfn_t pfn;

		make(&b, versions[v], 256);
		get(&l, 9, MIGRATE_MOVABLE, 0);
		pfn = page_of(&b, &l, 0);
		range(&l, OPERATION_ISOLATE_BLOCKS, pfn ^ 512, 1);
		put(&l, 0);
		drain(&l);
		made_boot_quirk(&b, QUIRK_ISOLATED_BLOCK_MERGES_WITH_NORMAL, l.ops, l.count);
	}
}

/* A node that begins one pageblock above the edge of a largest block. */
static void merge_reads_missing_buddy(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.1");
	made_boot_memory(&b, MIB, 128 * MIB, 0);
	made_boot_memory(&b, 130 * MIB, 256 * MIB, 1);
	made_boot_cpus(&b, 1, 0);
	made_boot_quirk(&b, QUIRK_MERGE_CHECK_READS_MISSING_BUDDY, NULL, 0);
}

static void reserve_in_small_zone(void **unused)
{
	static const char *const versions[] = { "4.4", "5.10", "6.1", "6.12", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 5; v++) {
		struct life l = { 0 };
		struct made_boot b;

		make(&b, versions[v], 64);
		get(&l, 4, MIGRATE_UNMOVABLE, ATOMIC);
		made_boot_quirk(&b, QUIRK_HIGHATOMIC_RESERVE_IN_SMALL_ZONE, l.ops, l.count);
	}
}

static void only_first_block_is_typed(void **unused)
{
	static const char *const versions[] = { "4.4", "5.10", "6.1", "6.12", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 5; v++) {
		struct life l = { 0 };
		struct made_boot b;

		make(&b, versions[v], 512);
		get(&l, 10, MIGRATE_UNMOVABLE, ATOMIC);
		put(&l, 0);
		add(&l, (struct operation){ .kind = OPERATION_UNRESERVE,
					    .highest = ZONE_NORMAL,
					    .type = MIGRATE_MOVABLE,
					    .value = 1 });
		made_boot_quirk(&b, QUIRK_HIGHATOMIC_TYPES_ONLY_FIRST_BLOCK, l.ops, l.count);
	}
}

static void kept_pages_in_use_count(void **unused)
{
	static const char *const versions[] = { "4.4", "5.10", "6.1", "6.12", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 5; v++) {
		struct life l = { 0 };
		struct made_boot b;

		make(&b, versions[v], 512);
		get(&l, 9, MIGRATE_UNMOVABLE, ATOMIC);
		made_boot_quirk(&b, QUIRK_HIGHATOMIC_COUNTS_USED_AS_FREE, l.ops, l.count);
	}
}

/*
 * Two nodes meet in the middle of a pageblock:
 *
 *	128M    129M    130M              140M
 *	| node 0|       node 1            |
 *	| free  | free  | taken           |
 */
static void block_move_crosses_edge(void **unused)
{
	static const char *const versions[] = { "6.12", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 2; v++) {
		struct life l = { 0 };
		struct made_boot b;

		made_boot_init(&b, ARCH_X86_64, versions[v]);
		made_boot_memory(&b, MIB, 129 * MIB, 0);
		made_boot_memory(&b, 129 * MIB, 140 * MIB, 1);
		made_boot_cpus(&b, 1, 0);
		for (int i = 0; i < 2; i++)
			get_at(&l, 1, ZONE_NORMAL, 10, MIGRATE_MOVABLE, ALLOC_NO_WATERMARKS);
		get_at(&l, 1, ZONE_NORMAL, 9, MIGRATE_MOVABLE, ALLOC_NO_WATERMARKS);
		get_at(&l, 1, ZONE_NORMAL, 1, MIGRATE_UNMOVABLE, ALLOC_NO_WATERMARKS);
		made_boot_quirk(&b, QUIRK_BLOCK_MOVE_CROSSES_ZONE_EDGE, l.ops, l.count);
	}
}

/* The free half of a largest block has become movable when the unmovable half is freed. */
static void merged_blocks_keep_types(void **unused)
{
	static const char *const versions[] = { "6.12", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 2; v++) {
		struct life l = { 0 };
		struct made_boot b;
		pfn_t pfn;

		make(&b, versions[v], 256);
		get(&l, 9, MIGRATE_UNMOVABLE, 0);
		pfn = page_of(&b, &l, 0);
		range(&l, OPERATION_ISOLATE_BLOCKS, pfn ^ 512, 512);
		range(&l, OPERATION_UNISOLATE_BLOCKS, pfn ^ 512, 512);
		put(&l, 0);
		drain(&l);
		made_boot_quirk(&b, QUIRK_MERGED_BLOCKS_KEEP_OLD_TYPES, l.ops, l.count);
	}
}

static void poisoned_page_counts(void **unused)
{
	struct life l = { 0 };
	struct made_boot b;

	(void)unused;
	make(&b, "5.10", 256);
	range(&l, OPERATION_POISON, 0x9000, 0);
	/* One that is in use is not taken off the lists. */
	range(&l, OPERATION_POISON, 0, 0);
	made_boot_quirk(&b, QUIRK_POISONED_PAGE_FREE_COUNT, l.ops, l.count);
}

/* A machine of @mib MiB with a CMA area from @start MiB on. */
static void make_cma(struct made_boot *b, const char *version, uint64_t mib, uint64_t start,
		     uint64_t size)
{
	make(b, version, mib);
	b->in.config.cma = true;
	made_boot_reserve(b, start * MIB, (start + size) * MIB);
	made_boot_step(b, STEP_POOL_CMA, start * MIB, size * MIB);
}

/* A page of the area is freed while somebody else has the lock of the page set. */
static void page_past_set_loses_type(void **unused)
{
	static const char *const versions[] = { "6.1", "6.12", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 3; v++) {
		struct life l = { 0 };
		struct made_boot b;

		make_cma(&b, versions[v], 1024, 128, 768);
		get(&l, 0, MIGRATE_MOVABLE, 0);
		add(&l, (struct operation){ .kind = OPERATION_FREE, .target = 0, .value = 1 });
		made_boot_quirk(&b, QUIRK_PCP_DRAIN_TO_WRONG_LIST, l.ops, l.count);
	}
}

/* A huge page of the area is freed, and an unmovable request comes on the same CPU. */
static void huge_pages_mix(void **unused)
{
	static const char *const versions[] = { "6.1", "6.8", "6.12", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 4; v++) {
		struct life l = { 0 };
		struct made_boot b;

		make_cma(&b, versions[v], 1024, 128, 768);
		get(&l, 9, MIGRATE_MOVABLE, 0);
		put(&l, 0);
		get(&l, 9, MIGRATE_UNMOVABLE, 0);
		made_boot_quirk(&b, QUIRK_THP_PAGESET_MIXES_CMA, l.ops, l.count);
	}
}

static void fraction_is_set_back(void **unused)
{
	static const char *const versions[] = { "2.6.32", "4.4", "5.10", "6.1", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 5; v++) {
		struct life l = { 0 };
		struct made_boot b;

		make(&b, versions[v], 256);
		add(&l,
		    (struct operation){ .kind = OPERATION_PCP_FRACTION, .value = 8, .target = 99 });
		add(&l,
		    (struct operation){ .kind = OPERATION_PCP_FRACTION, .value = 3, .target = 99 });
		add(&l,
		    (struct operation){ .kind = OPERATION_PCP_FRACTION, .value = 0, .target = 99 });
		made_boot_quirk(&b, QUIRK_PCP_FRACTION_BACK_TO_DEFAULT, l.ops, l.count);
	}
}

/* ---- lives by chance --------------------------------------------------------------------------- */

static const char *const eras_tried[] = { "2.6.32", "3.10", "3.13", "4.4", "4.14", "5.4",
					  "5.10",   "5.15", "5.19", "6.1", "6.6",  "6.8",
					  "6.10",   "6.12", "6.15", "7.2" };

static void draw_machine(struct made_boot *b, struct prng *prng, const char *version)
{
	uint64_t at = 1 + prng_below(prng, 8), area = 0, mib;
	uint32_t nodes = 1 + (uint32_t)prng_below(prng, 2);

	made_boot_init(b, ARCH_X86_64, version);
	for (uint32_t i = 0; i < 1 + 2 * nodes; i++) {
		mib = prng_between(prng, 2, 90);
		made_boot_memory(b, at * MIB, (at + mib) * MIB,
				 nodes > 1 ? (int32_t)(i % nodes) : -1);
		if (mib >= 40)
			area = (at + 3) & ~3ULL;
		at += mib + (prng_chance(prng, 1, 3) ? prng_below(prng, 20) : 0);
	}
	made_boot_cpus(b, 1 + (uint32_t)prng_below(prng, 3), 0);
	b->in.config.thp = prng_chance(prng, 1, 2);
	if (!area || !prng_chance(prng, 1, 2))
		return;
	b->in.config.cma = true;
	mib = 4 * prng_between(prng, 1, 9);
	made_boot_reserve(b, area * MIB, (area + mib) * MIB);
	made_boot_step(b, STEP_POOL_CMA, area * MIB, mib * MIB);
}

static struct operation draw_operation(struct prng *prng, uint32_t number)
{
	static const uint32_t rights[] = { 0,
					   0,
					   ALLOC_OOM,
					   ALLOC_NON_BLOCK,
					   ATOMIC,
					   ATOMIC,
					   ALLOC_MIN_RESERVE | ALLOC_SKIP_BOOST,
					   ALLOC_NO_WATERMARKS };
	/* Most of a life is getting and freeing. */
	static const enum operation_kind kinds[] = { OPERATION_ALLOC, OPERATION_ALLOC,
						     OPERATION_ALLOC, OPERATION_FREE,
						     OPERATION_FREE };
	struct operation op = {
		.kind = prng_chance(prng, 4, 5)
				? kinds[prng_below(prng, 5)]
				: (enum operation_kind)prng_below(prng, OPERATION_COUNT),
		.cpu = (uint32_t)prng_below(prng, 3),
		.nid = (int32_t)prng_below(prng, 2),
		.order = (unsigned int)prng_below(prng, 11),
		.type = (enum migratetype)prng_below(prng, 3),
		.highest = prng_chance(prng, 1, 5) ? ZONE_DMA : ZONE_NORMAL,
		.flags = rights[prng_below(prng, 8)],
		.target = (uint32_t)prng_below(prng, number + 1),
		.pfn = prng_below(prng, 0x18000),
		.pages = prng_skewed(prng, 4096),
	};

	if (prng_chance(prng, 1, 2))
		op.order = (unsigned int)prng_below(prng, 4);
	if (prng_chance(prng, 1, 4))
		op.value = (int64_t)prng_skewed(prng, 200000);
	return op;
}

/* With every rule right nothing breaks, in whatever kernel. */
static void nothing_breaks_when_rules_are_right(void **unused)
{
	static const struct scenario_options deep = { .boot_cost = INVARIANT_COST_DEEP,
						      .end_cost = INVARIANT_COST_DEEP,
						      .want_lists = true };
	const unsigned int count = sizeof(eras_tried) / sizeof(eras_tried[0]);
	uint64_t runs = number_from_environment("LIFE_TEST_RUNS", 3) * count;
	uint64_t seed = number_from_environment("LIFE_TEST_SEED", 1), got = 0;
	struct scenario s;

	(void)unused;
	scenario_init(&s);
	for (uint64_t run = 0; run < runs; run++) {
		struct prng prng = prng_init(seed + run);
		struct life l = { 0 };
		struct made_boot b;

		draw_machine(&b, &prng, eras_tried[run % count]);
		quirks_all_right(&b.in.facts);
		for (uint32_t i = 0; i < sizeof(l.ops) / sizeof(l.ops[0]); i++)
			add(&l, draw_operation(&prng, i));
		scenario_boot(&s, &b.in, &deep);
		scenario_check(&s, INVARIANT_COST_DEEP);
		for (uint32_t i = 0; i < l.count && !s.findings.total; i++) {
			s.findings.event = i;
			scenario_do(&s, &l.ops[i]);
			got += s.blocks[i].pfn != PFN_NONE;
			scenario_check(&s, i % 16 ? INVARIANT_COST_WALK : INVARIANT_COST_DEEP);
		}
		if (!s.findings.total)
			scenario_run(&s, &b.in, l.ops, l.count, &deep);
		assert_false(s.out_of_memory);
		if (s.findings.total) {
			struct sink_text text = { 0 };
			struct sink sink = sink_to_text(&text);

			for (unsigned int i = 0; i < INVARIANT_COUNT; i++)
				if (s.findings.count[i])
					finding_print(&s.findings.first[i], &sink);
			fail_msg("seed %llu, %s: %s", (unsigned long long)(seed + run),
				 eras_tried[run % count], sink_text_string(&text));
		}
	}
	assert_in_range(got, runs * 20, runs * 200);
	scenario_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fast_check_wraps),
		cmocka_unit_test(boost_on_tiny_zone),
		cmocka_unit_test(bulk_free_never_ends),
		cmocka_unit_test(isolated_block_merges),
		cmocka_unit_test(merge_reads_missing_buddy),
		cmocka_unit_test(reserve_in_small_zone),
		cmocka_unit_test(only_first_block_is_typed),
		cmocka_unit_test(kept_pages_in_use_count),
		cmocka_unit_test(block_move_crosses_edge),
		cmocka_unit_test(merged_blocks_keep_types),
		cmocka_unit_test(poisoned_page_counts),
		cmocka_unit_test(page_past_set_loses_type),
		cmocka_unit_test(huge_pages_mix),
		cmocka_unit_test(fraction_is_set_back),
		cmocka_unit_test(nothing_breaks_when_rules_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
