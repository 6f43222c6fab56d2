/* SPDX-License-Identifier: MIT */
/*
 * The quirks of the allocator: each on the smallest machine and life that shows it, in every generation of
 * the rule.  The wrong value breaks its invariant, the right one nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/testing/life.h"

#define MIB (1ULL << 20)
#define VERSIONS 5

/* Two pageblocks are kept and in use, less than that is free, and an ordinary request comes. */
static void fast_check_wraps(struct life *l, const char *version)
{
	life_init_mib(l, version, 256);
	life_get(l, 9, MIGRATE_UNMOVABLE, LIFE_ATOMIC);
	life_get(l, 9, MIGRATE_UNMOVABLE, LIFE_ATOMIC);
	for (int i = 0; i < 58; i++)
		life_get(l, 10, MIGRATE_UNMOVABLE, ALLOC_NO_WATERMARKS);
	life_get(l, 8, MIGRATE_UNMOVABLE, ALLOC_NO_WATERMARKS);
	life_get(l, 8, MIGRATE_UNMOVABLE, ALLOC_NO_WATERMARKS);
	life_get(l, 0, MIGRATE_UNMOVABLE, 0);
}

/*
 * ZONE_DMA32 of three pageblocks:
 *
 *	16M         20M   22M
 *	|##########|#####|
 *	 taken      half taken, and then mixed
 */
static void boost_on_tiny_zone(struct life *l, const char *version)
{
	life_init_mib(l, version, 22);
	life_get(l, 10, MIGRATE_MOVABLE, ALLOC_NO_WATERMARKS);
	life_get(l, 8, MIGRATE_MOVABLE, ALLOC_NO_WATERMARKS);
	life_get(l, 1, MIGRATE_UNMOVABLE, ALLOC_NO_WATERMARKS);
}

/* A page set of one page when its batch grows. */
static void bulk_free_never_ends(struct life *l, const char *version)
{
	life_init_mib(l, version, 256);
	life_add(l, (struct operation){
			    .kind = OPERATION_PCP_FRACTION, .value = 100000, .target = 99 });
	life_get(l, 0, MIGRATE_MOVABLE, 0);
	life_add(l, (struct operation){ .kind = OPERATION_PCP_FRACTION, .value = 8, .target = 1 });
}

/* Half of a largest block is isolated while it is free, then the other half is freed. */
static void isolated_block_merges(struct life *l, const char *version)
{
	pfn_t pfn;

	life_init_mib(l, version, 256);
	life_get(l, 9, MIGRATE_MOVABLE, 0);
	pfn = life_page(l, 0);
	life_range(l, OPERATION_ISOLATE_BLOCKS, pfn ^ 512, 1);
	life_put(l, 0);
	life_drain(l);
}

/* The same, told as the next pageblock and not by its number. */
static void isolated_neighbour_merges(struct life *l, const char *version)
{
	pfn_t pfn;

	life_init_mib(l, version, 256);
	life_get(l, 9, MIGRATE_MOVABLE, 0);
	pfn = life_page(l, 0);
	life_add(l, (struct operation){ .kind = OPERATION_ISOLATE_BLOCKS,
					.value = pfn & 512 ? -1 : 1 });
	life_put(l, 0);
	life_drain(l);
}

/* A node that begins one pageblock above the edge of a largest block. */
static void merge_reads_missing_buddy(struct life *l, const char *version)
{
	life_init(l, version);
	made_boot_memory(&l->b, MIB, 128 * MIB, 0);
	made_boot_memory(&l->b, 130 * MIB, 256 * MIB, 1);
	made_boot_cpus(&l->b, 1, 0);
}

static void reserve_in_small_zone(struct life *l, const char *version)
{
	life_init_mib(l, version, 64);
	life_get(l, 4, MIGRATE_UNMOVABLE, LIFE_ATOMIC);
}

static void only_first_block_is_typed(struct life *l, const char *version)
{
	life_init_mib(l, version, 512);
	life_get(l, 10, MIGRATE_UNMOVABLE, LIFE_ATOMIC);
	life_put(l, 0);
	life_add(l, (struct operation){ .kind = OPERATION_UNRESERVE,
					.highest = ZONE_NORMAL,
					.type = MIGRATE_MOVABLE,
					.value = 1 });
}

static void kept_pages_in_use_count(struct life *l, const char *version)
{
	life_init_mib(l, version, 512);
	life_get(l, 9, MIGRATE_UNMOVABLE, LIFE_ATOMIC);
}

/*
 * Two nodes meet in the middle of a pageblock:
 *
 *	128M    129M    130M              140M
 *	| node 0|       node 1            |
 *	| free  | free  | taken           |
 */
static void block_move_crosses_edge(struct life *l, const char *version)
{
	life_init(l, version);
	made_boot_memory(&l->b, MIB, 129 * MIB, 0);
	made_boot_memory(&l->b, 129 * MIB, 140 * MIB, 1);
	made_boot_cpus(&l->b, 1, 0);
	for (int i = 0; i < 2; i++)
		life_get_at(l, 1, ZONE_NORMAL, 10, MIGRATE_MOVABLE, ALLOC_NO_WATERMARKS);
	life_get_at(l, 1, ZONE_NORMAL, 9, MIGRATE_MOVABLE, ALLOC_NO_WATERMARKS);
	life_get_at(l, 1, ZONE_NORMAL, 1, MIGRATE_UNMOVABLE, ALLOC_NO_WATERMARKS);
}

/* The free half of a largest block has become movable when the unmovable half is freed. */
static void merged_blocks_keep_types(struct life *l, const char *version)
{
	pfn_t pfn;

	life_init_mib(l, version, 256);
	life_get(l, 9, MIGRATE_UNMOVABLE, 0);
	pfn = life_page(l, 0);
	life_range(l, OPERATION_ISOLATE_BLOCKS, pfn ^ 512, 512);
	life_range(l, OPERATION_UNISOLATE_BLOCKS, pfn ^ 512, 512);
	life_put(l, 0);
	life_drain(l);
}

static void poisoned_page_counts(struct life *l, const char *version)
{
	life_init_mib(l, version, 256);
	life_range(l, OPERATION_POISON, 0x9000, 0);
	/* One that is in use is not taken off the lists. */
	life_get(l, 0, MIGRATE_MOVABLE, 0);
	life_range(l, OPERATION_POISON, life_page(l, 1), 0);
}

/* A machine of @mib MiB with a CMA area of @size MiB from @start MiB on. */
static void init_cma(struct life *l, const char *version, uint64_t mib, uint64_t start,
		     uint64_t size)
{
	life_init_mib(l, version, mib);
	l->b.in.config.cma = true;
	made_boot_reserve(&l->b, start * MIB, (start + size) * MIB);
	made_boot_step(&l->b, STEP_POOL_CMA, start * MIB, size * MIB);
}

/* A page of the area is freed while somebody else has the lock of the page set. */
static void page_past_set_loses_type(struct life *l, const char *version)
{
	init_cma(l, version, 1024, 128, 768);
	life_get(l, 0, MIGRATE_MOVABLE, 0);
	life_add(l, (struct operation){ .kind = OPERATION_FREE, .target = 0, .value = 1 });
}

/* A huge page of the area is freed, and an unmovable request comes on the same CPU. */
static void huge_pages_mix(struct life *l, const char *version)
{
	init_cma(l, version, 1024, 128, 768);
	life_get(l, 9, MIGRATE_MOVABLE, 0);
	life_put(l, 0);
	life_get(l, 9, MIGRATE_UNMOVABLE, 0);
}

static void fraction_is_set_back(struct life *l, const char *version)
{
	life_init_mib(l, version, 256);
	life_add(l, (struct operation){ .kind = OPERATION_PCP_FRACTION, .value = 8, .target = 99 });
	life_add(l, (struct operation){ .kind = OPERATION_PCP_FRACTION, .value = 3, .target = 99 });
	life_add(l, (struct operation){ .kind = OPERATION_PCP_FRACTION, .value = 0, .target = 99 });
}

/*
 *	1M      100M     200M     300M
 *	| node 0 | node 1 | node 0 |
 */
static void shuffle_mixes_zones(struct life *l, const char *version)
{
	life_init(l, version);
	made_boot_memory(&l->b, MIB, 100 * MIB, 0);
	made_boot_memory(&l->b, 100 * MIB, 200 * MIB, 1);
	made_boot_memory(&l->b, 200 * MIB, 300 * MIB, 0);
	made_boot_cpus(&l->b, 1, 0);
	life_add(l, (struct operation){
			    .kind = OPERATION_SHUFFLE, .highest = ZONE_DMA32, .value = 7 });
	for (unsigned int i = 0; i < 80; i++)
		life_get(l, 10, MIGRATE_MOVABLE, ALLOC_NO_WATERMARKS);
}

/* As in block_move_crosses_edge, but the last free block of node 1 is movable and small enough. */
static void compaction_leaves_zone(struct life *l, const char *version)
{
	life_init(l, version);
	made_boot_memory(&l->b, MIB, 129 * MIB, 0);
	made_boot_memory(&l->b, 129 * MIB, 140 * MIB, 1);
	made_boot_cpus(&l->b, 1, 0);
	life_add(l,
		 (struct operation){
			 .kind = OPERATION_COMPACT, .nid = 1, .highest = ZONE_DMA32, .order = 10 });
}

/* An area that begins 4 MiB beyond a multiple of 16 MiB. */
static void cma_align_offset(struct life *l, const char *version)
{
	init_cma(l, version, 256, 68, 64);
	for (unsigned int i = 0; i < 4; i++)
		life_add(l, (struct operation){
				    .kind = OPERATION_CMA_ALLOC, .order = 12, .pages = 300 });
	life_add(l, (struct operation){ .kind = OPERATION_CMA_ALLOC, .pages = 17 });
	life_put(l, 1);
	life_add(l, (struct operation){ .kind = OPERATION_CMA_ALLOC, .order = 3, .pages = 4000 });
}

/* ---- all of them ------------------------------------------------------------------------------- */

static const struct quirk_case {
	const char *name;
	void (*live)(struct life *l, const char *version);
	enum quirk quirk;
	const char *versions[VERSIONS];
} cases[] = {
	{ "fast_check_wraps",
	  fast_check_wraps,
	  QUIRK_WATERMARK_FAST_UNSIGNED_WRAP,
	  { "5.10", "6.1", "6.12", "7.2" } },
	{ "boost_on_tiny_zone",
	  boost_on_tiny_zone,
	  QUIRK_BOOST_ON_TINY_ZONE,
	  { "5.10", "6.1", "6.11", "6.12", "7.2" } },
	{ "bulk_free_never_ends",
	  bulk_free_never_ends,
	  QUIRK_PCP_BULK_FREE_NEVER_ENDS,
	  { "5.10" } },
	{ "isolated_block_merges",
	  isolated_block_merges,
	  QUIRK_ISOLATED_BLOCK_MERGES_WITH_NORMAL,
	  { "4.3", "5.10", "6.1", "6.12", "7.2" } },
	{ "isolated_neighbour_merges",
	  isolated_neighbour_merges,
	  QUIRK_ISOLATED_BLOCK_MERGES_WITH_NORMAL,
	  { "4.3", "5.10", "6.1", "6.12", "7.2" } },
	{ "merge_reads_missing_buddy",
	  merge_reads_missing_buddy,
	  QUIRK_MERGE_CHECK_READS_MISSING_BUDDY,
	  { "6.1" } },
	{ "reserve_in_small_zone",
	  reserve_in_small_zone,
	  QUIRK_HIGHATOMIC_RESERVE_IN_SMALL_ZONE,
	  { "4.4", "5.10", "6.1", "6.12", "7.2" } },
	{ "only_first_block_is_typed",
	  only_first_block_is_typed,
	  QUIRK_HIGHATOMIC_TYPES_ONLY_FIRST_BLOCK,
	  { "4.4", "5.10", "6.1", "6.12", "7.2" } },
	{ "kept_pages_in_use_count",
	  kept_pages_in_use_count,
	  QUIRK_HIGHATOMIC_COUNTS_USED_AS_FREE,
	  { "4.4", "5.10", "6.1", "6.12", "7.2" } },
	{ "block_move_crosses_edge",
	  block_move_crosses_edge,
	  QUIRK_BLOCK_MOVE_CROSSES_ZONE_EDGE,
	  { "6.12", "7.2" } },
	{ "merged_blocks_keep_types",
	  merged_blocks_keep_types,
	  QUIRK_MERGED_BLOCKS_KEEP_OLD_TYPES,
	  { "6.12", "7.2" } },
	{ "poisoned_page_counts",
	  poisoned_page_counts,
	  QUIRK_POISONED_PAGE_FREE_COUNT,
	  { "5.10" } },
	{ "page_past_set_loses_type",
	  page_past_set_loses_type,
	  QUIRK_PCP_DRAIN_TO_WRONG_LIST,
	  { "6.1", "6.12", "7.2" } },
	{ "huge_pages_mix",
	  huge_pages_mix,
	  QUIRK_THP_PAGESET_MIXES_CMA,
	  { "6.1", "6.8", "6.12", "7.2" } },
	{ "fraction_is_set_back",
	  fraction_is_set_back,
	  QUIRK_PCP_FRACTION_BACK_TO_DEFAULT,
	  { "2.6.32", "4.4", "5.10", "6.1", "7.2" } },
	{ "shuffle_mixes_zones",
	  shuffle_mixes_zones,
	  QUIRK_SHUFFLE_MIXES_ZONES,
	  { "5.4", "5.10", "6.12", "7.2" } },
	{ "compaction_leaves_zone",
	  compaction_leaves_zone,
	  QUIRK_COMPACTION_LEAVES_ITS_ZONE,
	  { "5.4", "5.10", "6.12", "7.2" } },
	{ "cma_align_offset",
	  cma_align_offset,
	  QUIRK_CMA_ALIGN_OFFSET,
	  { "4.4", "5.10", "6.1", "6.12", "7.2" } },
};

static void run(void **state)
{
	const struct quirk_case *c = *state;
	struct life l;

	for (unsigned int v = 0; v < VERSIONS && c->versions[v]; v++) {
		c->live(&l, c->versions[v]);
		made_boot_quirk(&l.b, c->quirk, l.ops, l.count);
	}
}

/* Where the right rule puts the pages of an area that begins askew. */
static void cma_is_aligned_by_frame_numbers(void **unused)
{
	static const char *const versions[] = { "4.4", "5.10", "6.1", "6.12", "7.2" };
	struct life l;

	(void)unused;
	for (unsigned int v = 0; v < 5; v++) {
		cma_align_offset(&l, versions[v]);
		assert_int_equal(life_page(&l, 0), 80 * MIB >> 12);
		assert_int_equal(life_page(&l, 4), 68 * MIB >> 12);
	}
}

#define COUNT (sizeof(cases) / sizeof(cases[0]))

int main(void)
{
	struct CMUnitTest tests[COUNT + 1] = { cmocka_unit_test(cma_is_aligned_by_frame_numbers) };

	for (size_t i = 0; i < COUNT; i++)
		tests[1 + i] = (struct CMUnitTest){ .name = cases[i].name,
						    .test_func = run,
						    .initial_state = (void *)&cases[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
