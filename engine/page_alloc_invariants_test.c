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
#include "engine/pageset_list.h"
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
		/* By its number, or as the next pageblock. */
		if (v % 2)
			range(&l, OPERATION_ISOLATE_BLOCKS, pfn ^ 512, 1);
		else
			add(&l, (struct operation){ .kind = OPERATION_ISOLATE_BLOCKS,
						    .value = pfn & 512 ? -1 : 1 });
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
	get(&l, 0, MIGRATE_MOVABLE, 0);
	range(&l, OPERATION_POISON, page_of(&b, &l, 1), 0);
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

/*
 *	1M      100M     200M     300M
 *	| node 0 | node 1 | node 0 |
 */
static void shuffle_mixes_zones(void **unused)
{
	static const char *const versions[] = { "5.4", "5.10", "6.12", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 4; v++) {
		struct life l = { 0 };
		struct made_boot b;

		made_boot_init(&b, ARCH_X86_64, versions[v]);
		made_boot_memory(&b, MIB, 100 * MIB, 0);
		made_boot_memory(&b, 100 * MIB, 200 * MIB, 1);
		made_boot_memory(&b, 200 * MIB, 300 * MIB, 0);
		made_boot_cpus(&b, 1, 0);
		add(&l, (struct operation){
				.kind = OPERATION_SHUFFLE, .highest = ZONE_DMA32, .value = 7 });
		for (unsigned int i = 0; i < 80; i++)
			get(&l, 10, MIGRATE_MOVABLE, ALLOC_NO_WATERMARKS);
		made_boot_quirk(&b, QUIRK_SHUFFLE_MIXES_ZONES, l.ops, l.count);
	}
}

/* As in block_move_crosses_edge, but the last free block of node 1 is movable and small enough. */
static void compaction_leaves_zone(void **unused)
{
	static const char *const versions[] = { "5.4", "5.10", "6.12", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 4; v++) {
		struct life l = { 0 };
		struct made_boot b;

		made_boot_init(&b, ARCH_X86_64, versions[v]);
		made_boot_memory(&b, MIB, 129 * MIB, 0);
		made_boot_memory(&b, 129 * MIB, 140 * MIB, 1);
		made_boot_cpus(&b, 1, 0);
		add(&l, (struct operation){ .kind = OPERATION_COMPACT,
					    .nid = 1,
					    .highest = ZONE_DMA32,
					    .order = 10 });
		made_boot_quirk(&b, QUIRK_COMPACTION_LEAVES_ITS_ZONE, l.ops, l.count);
	}
}

/* An area that begins 4 MiB beyond a multiple of 16 MiB. */
static void cma_align_offset(void **unused)
{
	static const char *const versions[] = { "4.4", "5.10", "6.1", "6.12", "7.2" };

	(void)unused;
	for (unsigned int v = 0; v < 5; v++) {
		struct life l = { 0 };
		struct made_boot b;

		make_cma(&b, versions[v], 256, 68, 64);
		for (unsigned int i = 0; i < 4; i++)
			add(&l, (struct operation){
					.kind = OPERATION_CMA_ALLOC, .order = 12, .pages = 300 });
		add(&l, (struct operation){ .kind = OPERATION_CMA_ALLOC, .pages = 17 });
		put(&l, 1);
		add(&l,
		    (struct operation){ .kind = OPERATION_CMA_ALLOC, .order = 3, .pages = 4000 });
		made_boot_quirk(&b, QUIRK_CMA_ALIGN_OFFSET, l.ops, l.count);
		assert_int_equal(page_of(&b, &l, 0), 80 * MIB >> 12);
		assert_int_equal(page_of(&b, &l, 4), 68 * MIB >> 12);
	}
}

/* ---- broken by hand ---------------------------------------------------------------------------- */

/* A machine of two nodes, each with an order-10 and an order-0 allocation, that an invariant is broken on. */
struct broken {
	struct scenario s;
	struct buddy *b;
	uint32_t zone; /* ZONE_DMA32 of node 0 */
	pfn_t free_pfn; /* a free block of the largest order there */
};

static void lists(struct broken *t)
{
	t->b->zones[t->zone].lists[10][MIGRATE_MOVABLE].count++;
}

/* Two halves of a largest block, each on a list. */
static void merged(struct broken *t)
{
	struct buddy_zone *z = &t->b->zones[t->zone];
	pfn_t pfn = buddy_take(t->b, t->zone, 10, MIGRATE_MOVABLE);
	uint32_t slot = 0;

	assert_true(find_slot(t->b, z, pfn, &slot));
	list_insert(t->b, z, 9, MIGRATE_MOVABLE, pcp_link_in(t->b, slot, pfn), false);
	list_insert(t->b, z, 9, MIGRATE_MOVABLE, pcp_link_in(t->b, slot, pfn + 512), false);
}

static void counts(struct broken *t)
{
	t->b->zones[t->zone].free_pages[MIGRATE_MOVABLE]++;
}

static void block_zone(struct broken *t)
{
	uint32_t other = buddy_zone_find(t->b, 1, ZONE_DMA32);

	buddy_swap_largest(t->b, t->zone, t->free_pfn, other,
			   buddy_head(t->b, other, 10, MIGRATE_MOVABLE));
}

static void types(struct broken *t)
{
	buddy_set_block_type(t->b, t->zone, t->free_pfn + 512, MIGRATE_RECLAIMABLE);
}

static void apart(struct broken *t)
{
	buddy_set_block_type(t->b, t->zone, t->free_pfn, MIGRATE_ISOLATE);
}

static void cma_list(struct broken *t)
{
	buddy_set_block_type(t->b, t->zone, t->free_pfn, MIGRATE_CMA);
}

static void merge_reads(struct broken *t)
{
	buddy_note_merge_read(t->b, &t->b->zones[t->zone], 0);
}

/* The first operation's page, as if just allocated, by a request of node 0. */
static void judge(struct broken *t, uint32_t flags)
{
	struct alloc_request req = { .order = 10, .highest = ZONE_NORMAL, .flags = flags };

	page_alloc_invariants_request(&t->s.alloc, t->s.seen, &req, t->s.blocks[0].pfn,
				      t->s.blocks[0].zone, &t->s.findings);
}

static void watermark(struct broken *t)
{
	page_alloc_invariants_look(&t->s.alloc, t->s.seen);
	judge(t, 0);
	assert_int_equal(t->s.findings.total, 0);
	/* As many as the mark, the reserve, and what the request takes, are one too few. */
	memset(t->s.seen[t->zone].free_pages, 0, sizeof(t->s.seen[t->zone].free_pages));
	t->s.seen[t->zone].free_pages[MIGRATE_MOVABLE] =
		t->s.alloc.zones[t->zone].watermark[WMARK_MIN] +
		t->s.alloc.zones[t->zone].lowmem_reserve[ZONE_NORMAL] + 1024;
	judge(t, 0);
	assert_int_equal(t->s.findings.total, 0);
	judge(t, ALLOC_NO_WATERMARKS);
	assert_int_equal(t->s.findings.total, 0);
	t->s.seen[t->zone].free_pages[MIGRATE_MOVABLE]--;
	judge(t, ALLOC_MIN_RESERVE);
	judge(t, ALLOC_NO_WATERMARKS);
	assert_int_equal(t->s.findings.total, 0);
	judge(t, 0);
}

static void unusable(struct broken *t)
{
	t->s.alloc.rules.counts_free_highatomic = false;
	t->s.alloc.zones[t->zone].reserved_highatomic = 512;
}

static void boosted(struct broken *t)
{
	struct alloc_zone *z = &t->s.alloc.zones[t->zone];

	page_alloc_invariants_look(&t->s.alloc, t->s.seen);
	z->boost = max_u64(512, z->watermark[WMARK_HIGH] * 3 / 2);
	judge(t, ALLOC_NO_WATERMARKS);
	assert_int_equal(t->s.findings.total, 0);
	z->boost++;
	judge(t, ALLOC_NO_WATERMARKS);
}

static void highatomic_limit(struct broken *t)
{
	page_alloc_invariants_look(&t->s.alloc, t->s.seen);
	t->s.alloc.zones[t->zone].reserved_highatomic = 100000;
	judge(t, ATOMIC);
	t->s.alloc.zones[t->zone].reserved_highatomic = 0;
}

static void highatomic_blocks(struct broken *t)
{
	page_alloc_invariants_look(&t->s.alloc, t->s.seen);
	t->s.alloc.zones[t->zone].reserved_highatomic += 1024;
	judge(t, ATOMIC);
	t->s.alloc.zones[t->zone].reserved_highatomic = 0;
}

static void highatomic_count(struct broken *t)
{
	buddy_set_block_type(t->b, t->zone, t->s.blocks[0].pfn, MIGRATE_HIGHATOMIC);
}

static void cma_rights(struct broken *t)
{
	page_alloc_invariants_look(&t->s.alloc, t->s.seen);
	buddy_set_block_type(t->b, t->zone, t->s.blocks[0].pfn, MIGRATE_CMA);
	judge(t, ALLOC_CMA);
	assert_int_equal(t->s.findings.total, 0);
	judge(t, 0);
	buddy_set_block_type(t->b, t->zone, t->s.blocks[0].pfn, MIGRATE_MOVABLE);
}

static struct pageset *a_set(struct broken *t)
{
	return page_alloc_set(&t->s.alloc, t->zone, 0);
}

static void pcp_count(struct broken *t)
{
	a_set(t)->count++;
}

static void pcp_batch(struct broken *t)
{
	a_set(t)->batch = 0;
}

/* @pfn of @zone comes to the first list of the set of t->zone. */
static void smuggle(struct broken *t, uint32_t zone, pfn_t pfn)
{
	uint32_t slot = 0;

	assert_true(find_slot(t->b, &t->b->zones[zone], pfn, &slot));
	pcp_list_insert(t->b, a_set(t), 0, pcp_link_in(t->b, slot, pfn), MIGRATE_MOVABLE, false);
	a_set(t)->count++;
}

static void pcp_zone(struct broken *t)
{
	uint32_t other = buddy_zone_find(t->b, 1, ZONE_DMA32);

	smuggle(t, other, buddy_take(t->b, other, 0, MIGRATE_MOVABLE));
}

static void pcp_free(struct broken *t)
{
	pfn_t pfn = buddy_take(t->b, t->zone, 0, MIGRATE_MOVABLE);

	/* The second page of the order-1 block that is left of it. */
	smuggle(t, t->zone, pfn + 3);
}

static void drain_ends(struct broken *t)
{
	struct pageset *set = a_set(t);

	t->s.alloc.rules.drain_clamped = false;
	pageset_drain(&t->s.alloc, t->zone, set, set->count, 0);
	assert_int_equal(t->s.alloc.endless_drains, 0);
	pageset_drain(&t->s.alloc, t->zone, set, set->count + 1, 0);
}

static void pcp_sizes(struct broken *t)
{
	a_set(t)->high_min++;
}

static void conserved(struct broken *t)
{
	buddy_take(t->b, t->zone, 3, MIGRATE_MOVABLE);
}

static void held_twice(struct broken *t)
{
	t->s.blocks[1].pfn = t->s.blocks[0].pfn + 1023;
}

static void held_free(struct broken *t)
{
	buddy_free(t->b, t->zone, t->s.blocks[0].pfn, 10, BUDDY_PLACE_FREED);
}

static void undone(struct broken *t)
{
	t->s.zones[t->zone].digest++;
	scenario_undo(&t->s);
}

static void each_breaks(void **unused)
{
	static const struct {
		void (*damage)(struct broken *t);
		enum invariant invariant;
	} rows[] = {
		{ lists, INVARIANT_BUDDY_LISTS },
		{ merged, INVARIANT_BUDDY_MERGED },
		{ counts, INVARIANT_BUDDY_COUNTS },
		{ block_zone, INVARIANT_BUDDY_ZONE },
		{ types, INVARIANT_BUDDY_TYPES },
		{ apart, INVARIANT_BUDDY_APART },
		{ cma_list, INVARIANT_BUDDY_CMA },
		{ merge_reads, INVARIANT_MERGE_READS },
		{ watermark, INVARIANT_WATERMARK_KEPT },
		{ unusable, INVARIANT_WATERMARK_UNUSABLE },
		{ boosted, INVARIANT_BOOST_BOUNDED },
		{ highatomic_limit, INVARIANT_HIGHATOMIC_LIMIT },
		{ highatomic_blocks, INVARIANT_HIGHATOMIC_BLOCKS },
		{ highatomic_count, INVARIANT_HIGHATOMIC_COUNT },
		{ cma_rights, INVARIANT_CMA_RIGHTS },
		{ pcp_count, INVARIANT_PCP_COUNT },
		{ pcp_batch, INVARIANT_PCP_COUNT },
		{ pcp_zone, INVARIANT_PCP_ZONE },
		{ pcp_free, INVARIANT_PCP_FREE },
		{ drain_ends, INVARIANT_PCP_DRAIN_ENDS },
		{ pcp_sizes, INVARIANT_PCP_SIZES },
		{ conserved, INVARIANT_PAGES_CONSERVED },
		{ conserved, INVARIANT_PAGES_LISTED },
		{ held_twice, INVARIANT_HELD_ONCE },
		{ held_free, INVARIANT_HELD_ONCE },
		{ undone, INVARIANT_LIFE_UNDONE },
	};
	static const struct scenario_options deep = { .boot_cost = INVARIANT_COST_DEEP,
						      .end_cost = INVARIANT_COST_DEEP,
						      .want_lists = true };

	(void)unused;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct broken t = { 0 };
		struct life l = { 0 };
		struct made_boot b;

		made_boot_init(&b, ARCH_X86_64, "6.12");
		made_boot_memory(&b, MIB, 256 * MIB, 0);
		made_boot_memory(&b, 256 * MIB, 512 * MIB, 1);
		made_boot_cpus(&b, 1, 0);
		quirks_all_right(&b.in.facts);
		get(&l, 10, MIGRATE_MOVABLE, 0);
		get(&l, 0, MIGRATE_MOVABLE, 0);
		scenario_init(&t.s);
		scenario_boot(&t.s, &b.in, &deep);
		scenario_do(&t.s, &l.ops[0]);
		scenario_do(&t.s, &l.ops[1]);
		scenario_check(&t.s, INVARIANT_COST_DEEP);
		assert_int_equal(t.s.findings.total, 0);
		t.b = t.s.machine.buddy;
		t.zone = t.s.blocks[0].zone;
		t.free_pfn = buddy_head(t.b, t.zone, 10, MIGRATE_MOVABLE);
		rows[i].damage(&t);
		scenario_check(&t.s, INVARIANT_COST_DEEP);
		if (!t.s.findings.count[rows[i].invariant])
			fail_msg("row %u: %s holds", i, invariant_info(rows[i].invariant)->id);
		scenario_deinit(&t.s);
	}
}

/* Shuffled lists hold what they held, in an order that the seed tells. */
static void shuffled_lists_are_sound(void **unused)
{
	struct operation shuffle = { .kind = OPERATION_SHUFFLE, .highest = ZONE_DMA32 };
	uint64_t hash[3];
	struct made_boot b;
	struct scenario s;

	(void)unused;
	make(&b, "6.12", 256);
	quirks_all_right(&b.in.facts);
	scenario_init(&s);
	for (int i = 0; i < 3; i++) {
		uint64_t before;

		scenario_boot(&s, &b.in, &plain);
		before = buddy_hash(s.machine.buddy);
		shuffle.value = i / 2;
		scenario_do(&s, &shuffle);
		scenario_check(&s, INVARIANT_COST_DEEP);
		assert_int_equal(s.findings.total, 0);
		hash[i] = buddy_hash(s.machine.buddy);
		assert_int_not_equal(hash[i], before);
	}
	assert_int_equal(hash[0], hash[1]);
	assert_int_not_equal(hash[0], hash[2]);
	scenario_deinit(&s);
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
	/* Most of a life is getting and freeing; hotplug has a test of its own. */
	static const enum operation_kind kinds[] = { OPERATION_ALLOC, OPERATION_ALLOC,
						     OPERATION_ALLOC, OPERATION_FREE,
						     OPERATION_FREE };
	struct operation op = {
		.kind = prng_chance(prng, 4, 5)
				? kinds[prng_below(prng, 5)]
				: (enum operation_kind)prng_below(prng, OPERATION_HOTADD),
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
			fail_msg("seed %llu, %s, %s: %s", (unsigned long long)seed + run,
				 eras_tried[run % count],
				 s.findings.event < l.count
					 ? operation_name(l.ops[s.findings.event].kind)
					 : "boot",
				 sink_text_string(&text));
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
		cmocka_unit_test(shuffle_mixes_zones),
		cmocka_unit_test(compaction_leaves_zone),
		cmocka_unit_test(cma_align_offset),
		cmocka_unit_test(each_breaks),
		cmocka_unit_test(shuffled_lists_are_sound),
		cmocka_unit_test(nothing_breaks_when_rules_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
