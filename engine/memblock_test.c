/* SPDX-License-Identifier: MIT */
/*
 * Tests of memblock: pictures first, then random operations against the model of
 * engine/testing/memblock_oracle.h.
 *
 * MEMBLOCK_TEST_RUNS sets how many random lists are tried for each kernel and address space
 * (default 60); MEMBLOCK_TEST_SEED where they begin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/memblock.h"
#include "engine/testing/memblock_op.h"
#include "engine/testing/memblock_oracle.h"

#define KIB 1024ULL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

struct fixture {
	struct facts facts;
	struct memblock mb;
	struct memblock_event events[64];
	unsigned int event_count;
};

static struct fixture *start(const char *version)
{
	struct fixture *f = calloc(1, sizeof(*f));
	uint32_t v;

	assert_non_null(f);
	assert_true(facts_parse_version(version, &v));
	facts_init(&f->facts, v);
	memblock_init(&f->mb, &f->facts, 12, 128, 128);
	return f;
}

static void finish(struct fixture *f)
{
	assert_null(memblock_check(&f->mb));
	memblock_deinit(&f->mb);
	free(f);
}

static void record(void *ctx, const struct memblock_event *event)
{
	struct fixture *f = ctx;

	assert_in_range(f->event_count, 0, 63);
	f->events[f->event_count++] = *event;
}

static void observe(struct fixture *f)
{
	f->mb.observer = record;
	f->mb.observer_ctx = f;
	f->event_count = 0;
}

static void assert_region(const struct memblock_type *type, uint32_t i, phys_t base, phys_t end,
			  int nid, uint32_t flags)
{
	assert_in_range(i, 0, type->cnt - 1);
	assert_int_equal(type->regions[i].base, base);
	assert_int_equal(type->regions[i].base + type->regions[i].size, end);
	assert_int_equal(type->regions[i].nid, nid);
	assert_int_equal(type->regions[i].flags, flags);
}

static phys_t must_alloc(struct memblock *mb, struct memblock_request req)
{
	phys_t addr = 0;

	assert_true(memblock_alloc(mb, &req, &addr));
	return addr;
}

static void must_not_alloc(struct memblock *mb, struct memblock_request req)
{
	phys_t addr = 12345;

	assert_false(memblock_alloc(mb, &req, &addr));
	assert_int_equal(addr, 12345);
}

static const char *const era_names[] = { "3.10", "4.4", "5.10", "6.1", "6.12", "7.2" };
#define ERA_NAMES (sizeof(era_names) / sizeof(era_names[0]))

/* ---- Lists ---- */

static void test_begins_empty(void **state)
{
	struct fixture *f = start("6.12");
	phys_t a, b;
	int32_t nid;
	struct memblock_cursor cursor = { 0 };

	(void)state;
	assert_int_equal(f->mb.memory.cnt, 0);
	assert_int_equal(f->mb.reserved.max, 128);
	assert_int_equal(memblock_start_of_dram(&f->mb), 0);
	assert_int_equal(memblock_end_of_dram(&f->mb), 0);
	assert_false(memblock_next_free(&f->mb, &cursor, &a, &b, &nid));
	must_not_alloc(&f->mb, (struct memblock_request){ .size = 1, .nid = NID_NONE });
	assert_true(memblock_remove(&f->mb, 0, PHYS_MAX));
	assert_true(memblock_free(&f->mb, 4096, 4096));
	assert_true(memblock_add(&f->mb, 4096, 0, NID_NONE, 0));
	assert_int_equal(f->mb.memory.cnt, 0);
	finish(f);
}

/*
 *	before:      [ A nid 1 ]     [ B nid 2, HOTPLUG ]
 *	add nid 3: |----------------------------------------|
 *	after:     [3][ A nid 1 ][ 3 ][ B nid 2, HOTPLUG ][3]
 *
 * What was there keeps its node and flags; only the gaps are new.
 */
static void test_add_fills_gaps_only(void **state)
{
	struct fixture *f = start("6.12");
	struct memblock_type *mem = &f->mb.memory;

	(void)state;
	memblock_add(&f->mb, 0x2000, 0x2000, 1, 0);
	memblock_add(&f->mb, 0x6000, 0x2000, 2, MEMBLOCK_HOTPLUG);
	memblock_add(&f->mb, 0x1000, 0x8000, 3, 0);
	assert_int_equal(mem->cnt, 5);
	assert_region(mem, 0, 0x1000, 0x2000, 3, 0);
	assert_region(mem, 1, 0x2000, 0x4000, 1, 0);
	assert_region(mem, 2, 0x4000, 0x6000, 3, 0);
	assert_region(mem, 3, 0x6000, 0x8000, 2, MEMBLOCK_HOTPLUG);
	assert_region(mem, 4, 0x8000, 0x9000, 3, 0);
	assert_int_equal(mem->total_size, 0x8000);
	finish(f);
}

/*
 *	[ A ]   [ B ]  +  |gap|  =  [      one      ]     when node and flags are equal
 */
static void test_equal_neighbours_merge(void **state)
{
	struct fixture *f = start("6.12");
	struct memblock_type *rsv = &f->mb.reserved;

	(void)state;
	memblock_reserve(&f->mb, 0x1000, 0x10, NID_NONE, 0);
	memblock_reserve(&f->mb, 0x1020, 0x10, NID_NONE, 0);
	memblock_reserve(&f->mb, 0x1010, 0x10, NID_NONE, 0);
	assert_int_equal(rsv->cnt, 1);
	assert_region(rsv, 0, 0x1000, 0x1030, NID_NONE, 0);
	memblock_reserve(&f->mb, 0x1030, 0x10, 0, 0);
	memblock_reserve(&f->mb, 0x1040, 0x10, 0, MEMBLOCK_RSRV_NOINIT);
	memblock_reserve(&f->mb, 0x1050, 0x10, MEMBLOCK_NID_CLEARED, 0);
	memblock_reserve(&f->mb, 0x1060, 0x10, NID_NONE, 0);
	assert_int_equal(rsv->cnt, 5);
	finish(f);
}

/*
 *	[           A           ]
 *	        |remove|               leaves two, and splits copy node and flags
 */
static void test_remove_splits(void **state)
{
	struct fixture *f = start("6.12");
	struct memblock_type *mem = &f->mb.memory;

	(void)state;
	memblock_add(&f->mb, 0x1000, 0x9000, 2, MEMBLOCK_MIRROR);
	memblock_remove(&f->mb, 0x4000, 0x1001);
	assert_int_equal(mem->cnt, 2);
	assert_region(mem, 0, 0x1000, 0x4000, 2, MEMBLOCK_MIRROR);
	assert_region(mem, 1, 0x5001, 0xa000, 2, MEMBLOCK_MIRROR);
	assert_int_equal(mem->total_size, 0x9000 - 0x1001);
	memblock_remove(&f->mb, 0x3000, 0x10000);
	assert_int_equal(mem->cnt, 1);
	memblock_remove(&f->mb, 0, PHYS_MAX);
	assert_int_equal(mem->cnt, 0);
	assert_int_equal(mem->total_size, 0);
	finish(f);
}

/*
 *	[  node 0  ][  node 1  ]   set node 0 on all: one region again
 *	[    0   |    1    |   0 ] set node 1 in the middle: three
 */
static void test_nodes_and_flags_split_and_join(void **state)
{
	struct fixture *f = start("6.12");
	struct memblock_type *mem = &f->mb.memory;

	(void)state;
	memblock_add(&f->mb, 0x1000, 0x8000, NID_NONE, 0);
	memblock_set_node(&f->mb, MEMBLOCK_MEMORY, 0x3000, 0x2000, 1);
	assert_int_equal(mem->cnt, 3);
	assert_region(mem, 1, 0x3000, 0x5000, 1, 0);
	memblock_set_node(&f->mb, MEMBLOCK_MEMORY, 0, PHYS_MAX, 0);
	assert_int_equal(mem->cnt, 1);
	memblock_set_flag(&f->mb, MEMBLOCK_MEMORY, 0x1000, 0x1000, MEMBLOCK_HOTPLUG, true);
	memblock_set_flag(&f->mb, MEMBLOCK_MEMORY, 0x2000, 0x1000, MEMBLOCK_NOMAP, true);
	assert_int_equal(mem->cnt, 3);
	memblock_set_flag(&f->mb, MEMBLOCK_MEMORY, 0, PHYS_MAX, MEMBLOCK_HOTPLUG, false);
	memblock_set_flag(&f->mb, MEMBLOCK_MEMORY, 0x2000, 0x1000, MEMBLOCK_NOMAP, false);
	assert_int_equal(mem->cnt, 1);
	assert_false(f->mb.has_mirror);
	memblock_set_flag(&f->mb, MEMBLOCK_MEMORY, 0x2000, 0x1000, MEMBLOCK_MIRROR, true);
	assert_true(f->mb.has_mirror);
	finish(f);
}

/* The last byte of the address space can not be described: ends are capped one below. */
static void test_ends_are_capped(void **state)
{
	struct fixture *f = start("6.12");
	phys_t a;

	(void)state;
	memblock_add(&f->mb, PHYS_MAX - 0xfff, UINT64_MAX, 0, 0);
	assert_region(&f->mb.memory, 0, PHYS_MAX - 0xfff, PHYS_MAX, 0, 0);
	memblock_reset(&f->mb);
	f->mb.phys_max = UINT32_MAX;
	memblock_add(&f->mb, 0xf0000000, 0x10000000, 0, 0);
	assert_region(&f->mb.memory, 0, 0xf0000000, 0xffffffff, 0, 0);
	/* Rounding up wraps with the width of addresses, and 0 is no address. */
	f->mb.bottom_up = true;
	f->mb.current_limit = 0xffffffff;
	assert_false(memblock_find(&f->mb, 1, 0x20000000, 0, 0, NID_NONE, 0, &a));
	finish(f);
}

/*
 *	[0x1234     0x5678)   trimmed to pages:   [0x2000   0x5000)
 *	[0x6100 0x6f00)       goes
 *
 * Quirk: the recorded size loses what goes whole, not what is cut off.
 */
static void test_trim_keeps_the_recorded_size(void **state)
{
	struct fixture *f = start("6.12");
	struct memblock_type *mem = &f->mb.memory;

	(void)state;
	memblock_add(&f->mb, 0x1234, 0x4444, NID_NONE, 0);
	memblock_add(&f->mb, 0x6100, 0xe00, NID_NONE, 0);
	memblock_add(&f->mb, 0x8000, 0x1000, NID_NONE, 0);
	memblock_trim_memory(&f->mb, 0x1000);
	assert_int_equal(mem->cnt, 2);
	assert_region(mem, 0, 0x2000, 0x5000, NID_NONE, 0);
	assert_region(mem, 1, 0x8000, 0x9000, NID_NONE, 0);
	assert_int_equal(mem->total_size, 0x4444 + 0x1000);
	/* Emptied and begun anew, the list forgets. */
	memblock_remove(&f->mb, 0, PHYS_MAX);
	assert_int_equal(mem->total_size, 0x1444);
	memblock_add(&f->mb, 0x8000, 0x1000, NID_NONE, 0);
	assert_int_equal(mem->total_size, 0x1000);
	finish(f);
}

/* ---- Limits ---- */

/*
 * limit = 3 pages of memory:     [ 1 ][ 2 ]     [ 3 ][ - ]
 *	                          0x1000         0x8000
 */
static void test_limits_count_memory(void **state)
{
	struct fixture *f = start("6.12");

	(void)state;
	for (int remove_map = 0; remove_map < 2; remove_map++) {
		memblock_reset(&f->mb);
		memblock_add(&f->mb, 0x1000, 0x2000, NID_NONE, 0);
		memblock_add(&f->mb, 0x8000, 0x2000, NID_NONE, 0);
		memblock_add(&f->mb, 0x20000, 0x1000, NID_NONE, MEMBLOCK_NOMAP);
		memblock_reserve(&f->mb, 0x8800, 0x1000, NID_NONE, 0);
		if (remove_map)
			memblock_mem_limit_remove_map(&f->mb, 0x3000);
		else
			memblock_enforce_memory_limit(&f->mb, 0x3000);
		assert_int_equal(memblock_memory_bytes(&f->mb, 0, 0x20000), 0x3000);
		assert_region(&f->mb.memory, 1, 0x8000, 0x9000, NID_NONE, 0);
		assert_region(&f->mb.reserved, 0, 0x8800, 0x9000, NID_NONE, 0);
		/* Only the removal of mapped memory keeps NOMAP. */
		assert_int_equal(f->mb.memory.cnt, remove_map ? 3 : 2);
	}
	/* More than there is, or nothing: no limit. */
	memblock_enforce_memory_limit(&f->mb, 0x5000);
	memblock_enforce_memory_limit(&f->mb, 0);
	memblock_mem_limit_remove_map(&f->mb, 0);
	assert_int_equal(f->mb.memory.cnt, 3);
	finish(f);
}

/*
 *	[     NOMAP     ]
 *	         |cap ...
 *	[ NOMAP ][NOMAP ]   two neighbours that nothing distinguishes
 *
 * A later merge anywhere joins them in kernels that scan the whole list.
 */
static void test_cap_leaves_a_cut(void **state)
{
	(void)state;
	for (int everywhere = 0; everywhere < 2; everywhere++) {
		struct fixture *f = start("6.12");

		f->facts.v[FACT_memblock_merges_everywhere] = everywhere;
		memblock_add(&f->mb, 0x1000, 0x4000, 0, MEMBLOCK_NOMAP);
		memblock_add(&f->mb, 0x8000, 0x4000, 0, 0);
		memblock_cap_memory_range(&f->mb, 0x3000, 0x100000);
		assert_int_equal(f->mb.memory.cnt, 3);
		assert_region(&f->mb.memory, 0, 0x1000, 0x3000, 0, MEMBLOCK_NOMAP);
		assert_region(&f->mb.memory, 1, 0x3000, 0x5000, 0, MEMBLOCK_NOMAP);
		memblock_add(&f->mb, 0x10000, 0x1000, 0, 0);
		assert_int_equal(f->mb.memory.cnt, everywhere ? 3 : 4);
		finish(f);
	}
}

/*
 *	memory      [ A ]          [ B ]
 *	reserved         [ x ]
 *	limit           |                  the size of A: ends with A, not where B begins
 */
static void test_limit_at_the_end_of_a_region(void **state)
{
	struct fixture *f = start("6.12");

	(void)state;
	memblock_add(&f->mb, 0x1000, 0x2000, NID_NONE, 0);
	memblock_add(&f->mb, 0x8000, 0x2000, NID_NONE, 0);
	memblock_reserve(&f->mb, 0x5000, 0x1000, NID_NONE, 0);
	memblock_enforce_memory_limit(&f->mb, 0x2000);
	assert_int_equal(f->mb.memory.cnt, 1);
	assert_int_equal(f->mb.reserved.cnt, 0);
	finish(f);
}

static void test_cap_without_memory(void **state)
{
	(void)state;
	for (int needs = 0; needs < 2; needs++) {
		struct fixture *f = start(needs ? "6.1" : "5.10");

		memblock_reserve(&f->mb, 0x1000, 0x8000, NID_NONE, 0);
		memblock_cap_memory_range(&f->mb, 0x2000, 0x1000);
		if (needs)
			assert_region(&f->mb.reserved, 0, 0x1000, 0x9000, NID_NONE, 0);
		else
			assert_region(&f->mb.reserved, 0, 0x2000, 0x3000, NID_NONE, 0);
		finish(f);
	}
}

/* ---- Search ---- */

/*
 *	memory    [1 MiB                         17 MiB)
 *	reserved         [5 MiB - 6 MiB)  [16.5 MiB ...
 *	top-down                       x|                   highest aligned block of the highest gap
 *	bottom-up |x                                        lowest aligned block of the lowest gap
 */
static void test_both_directions(void **state)
{
	(void)state;
	for (unsigned int e = 0; e < ERA_NAMES; e++) {
		struct fixture *f = start(era_names[e]);
		struct memblock_request req = { .size = 100, .align = 64 * KIB, .nid = NID_NONE };

		memblock_add(&f->mb, 1 * MIB, 16 * MIB, 0, 0);
		memblock_reserve(&f->mb, 5 * MIB, 1 * MIB, NID_NONE, 0);
		memblock_reserve(&f->mb, 16 * MIB + 512 * KIB, 1 * MIB, NID_NONE, 0);
		assert_int_equal(must_alloc(&f->mb, req), 16 * MIB + 448 * KIB);
		/* The size is not rounded: the next one fits behind. */
		req.align = 0;
		assert_int_equal(must_alloc(&f->mb, req), 16 * MIB + 512 * KIB - 128);
		f->mb.bottom_up = true;
		f->mb.kernel_end = 0;
		assert_int_equal(must_alloc(&f->mb, req), 1 * MIB);
		assert_int_equal(must_alloc(&f->mb, req), 1 * MIB + 128);
		req.size = 4 * MIB;
		assert_int_equal(must_alloc(&f->mb, req), 6 * MIB);
		finish(f);
	}
}

static void test_page_zero_is_never_given(void **state)
{
	struct fixture *f = start("6.12");
	struct memblock_request req = { .size = 64, .nid = NID_NONE };

	(void)state;
	memblock_add(&f->mb, 0, 4096 + 64, 0, 0);
	f->mb.bottom_up = true;
	assert_int_equal(must_alloc(&f->mb, req), 4096);
	must_not_alloc(&f->mb, req);
	f->mb.bottom_up = false;
	must_not_alloc(&f->mb, req);
	finish(f);
}

/*
 *	memory    [ node 0 ][ node 1 ]      a block never lies across the border
 */
static void test_gaps_end_at_regions(void **state)
{
	(void)state;
	for (int bottom_up = 0; bottom_up < 2; bottom_up++) {
		struct fixture *f = start("6.12");
		struct memblock_request req = { .size = 0x3001, .nid = NID_NONE };

		f->mb.bottom_up = bottom_up;
		memblock_add(&f->mb, 0x1000, 0x3000, 0, 0);
		memblock_add(&f->mb, 0x4000, 0x3000, 1, 0);
		must_not_alloc(&f->mb, req);
		req.size = 0x3000;
		assert_int_equal(must_alloc(&f->mb, req), bottom_up ? 0x1000 : 0x4000);
		finish(f);
	}
}

static void test_nodes(void **state)
{
	(void)state;
	for (unsigned int e = 0; e < ERA_NAMES; e++) {
		for (int virt = 0; virt < 2; virt++) {
			struct fixture *f = start(era_names[e]);
			struct memblock_request req = { .size = 0x2000,
							.nid = 0,
							.retry_below_min = virt };

			memblock_add(&f->mb, 0x1000, 0x2000, 0, 0);
			memblock_add(&f->mb, 0x4000, 0x4000, 1, 0);
			assert_int_equal(must_alloc(&f->mb, req), 0x1000);
			/* Full: another node serves, unless exactly this one was asked for. */
			req.exact_nid = true;
			must_not_alloc(&f->mb, req);
			req.exact_nid = false;
			assert_int_equal(must_alloc(&f->mb, req), 0x6000);
			finish(f);
		}
	}
}

/*
 * Kernels that mark their allocations keep the asked node, and none where another served.  The
 * others note neither, so all allocations merge.
 */
static void test_what_allocations_carry(void **state)
{
	(void)state;
	for (int marked = 0; marked < 2; marked++) {
		struct fixture *f = start(marked ? "7.2" : "6.12");
		struct memblock_request req = { .size = 0x1000, .align = 0x1000, .nid = 0 };
		struct memblock_type *rsv = &f->mb.reserved;

		memblock_add(&f->mb, 0x1000, 0x2000, 0, 0);
		memblock_add(&f->mb, 0x3000, 0x2000, 1, 0);
		memblock_reserve(&f->mb, 0x4000, 0x1000, NID_NONE, 0);
		must_alloc(&f->mb, req);
		must_alloc(&f->mb, req);
		must_alloc(&f->mb, req);
		if (marked) {
			assert_int_equal(rsv->cnt, 3);
			assert_region(rsv, 0, 0x1000, 0x3000, 0, MEMBLOCK_RSRV_KERN);
			assert_region(rsv, 1, 0x3000, 0x4000, NID_NONE, MEMBLOCK_RSRV_KERN);
			assert_region(rsv, 2, 0x4000, 0x5000, NID_NONE, 0);
		} else {
			assert_int_equal(rsv->cnt, 1);
			assert_region(rsv, 0, 0x1000, 0x5000, NID_NONE, 0);
		}
		finish(f);
	}
}

static void test_skipped_memory(void **state)
{
	struct fixture *f = start("7.2");
	struct memblock_request req = { .size = 0x1000, .align = 0x1000, .nid = NID_NONE };

	(void)state;
	memblock_add(&f->mb, 0x1000, 0x1000, 0, MEMBLOCK_KHO_SCRATCH);
	memblock_add(&f->mb, 0x2000, 0x1000, 0, 0);
	memblock_add(&f->mb, 0x3000, 0x1000, 0, MEMBLOCK_HOTPLUG);
	memblock_add(&f->mb, 0x4000, 0x1000, 0, MEMBLOCK_DRIVER_MANAGED);
	memblock_add(&f->mb, 0x5000, 0x1000, 0, MEMBLOCK_NOMAP);
	f->mb.scratch_only = true;
	assert_int_equal(must_alloc(&f->mb, req), 0x1000);
	must_not_alloc(&f->mb, req);
	f->mb.scratch_only = false;
	f->mb.movable_node = true;
	assert_int_equal(must_alloc(&f->mb, req), 0x2000);
	must_not_alloc(&f->mb, req);
	f->mb.movable_node = false;
	assert_int_equal(must_alloc(&f->mb, req), 0x3000);
	must_not_alloc(&f->mb, req);
	finish(f);
}

/* A search may be allowed what allocations never are. */
static void test_search_with_flags(void **state)
{
	(void)state;
	for (int bottom_up = 0; bottom_up < 2; bottom_up++) {
		static const uint32_t flags[] = { MEMBLOCK_HOTPLUG, MEMBLOCK_NOMAP,
						  MEMBLOCK_DRIVER_MANAGED };

		for (unsigned int i = 0; i < 3; i++) {
			struct fixture *f = start("6.12");
			phys_t a = 0;

			f->mb.bottom_up = bottom_up;
			f->mb.movable_node = true;
			memblock_add(&f->mb, 0x1000, 0x1000, 0, flags[i]);
			assert_false(memblock_find(&f->mb, 0x1000, 1, 0, 0, NID_NONE, 0, &a));
			assert_true(memblock_find(&f->mb, 0x1000, 1, 0, 0, NID_NONE, flags[i], &a));
			assert_int_equal(a, 0x1000);
			finish(f);
		}
	}
}

/*
 *	[ memory      |end ... ]     0 bytes: a range above the window clamps to its end, and that
 *	                             will do if it is aligned (top-down only)
 */
static void test_quirk_nothing_is_found_at_the_end(void **state)
{
	struct fixture *f = start("6.12");
	phys_t a = 0;

	(void)state;
	memblock_add(&f->mb, 0x1000, 0x1000, 0, 0);
	memblock_add(&f->mb, 0x9000, 0x1000, 0, 0);
	assert_true(memblock_find(&f->mb, 0, 0x1000, 0, 0x5000, NID_NONE, 0, &a));
	assert_int_equal(a, 0x5000);
	/* Between two reserved neighbours there is room for nothing, too. */
	memblock_reserve(&f->mb, 0x9000, 0x800, 0, 0);
	memblock_reserve(&f->mb, 0x9800, 0x800, 1, 0);
	memblock_reserve(&f->mb, 0x1000, 0x1000, 0, 0);
	assert_true(memblock_find(&f->mb, 0, 1, 0, 0, NID_NONE, 0, &a));
	assert_int_equal(a, 0x9800);
	f->mb.bottom_up = true;
	assert_false(memblock_find(&f->mb, 0, 1, 0, 0, NID_NONE, 0, &a));
	finish(f);
}

/*
 *	[ A: node 0, mirror ][ B: node 1, mirror ][ C: node 0 ][ D: node 1 ]
 *
 * From 5.1 on all of mirrored memory comes before the rest, a node's own before the others'.
 */
static void test_mirror(void **state)
{
	struct fixture *f = start("6.12");
	struct memblock_request req = { .size = 0x1000, .align = 0x1000, .nid = 0 };

	(void)state;
	memblock_add(&f->mb, 0x1000, 0x1000, 0, 0);
	memblock_add(&f->mb, 0x2000, 0x1000, 1, 0);
	memblock_add(&f->mb, 0x3000, 0x1000, 0, 0);
	memblock_add(&f->mb, 0x4000, 0x1000, 1, 0);
	memblock_set_flag(&f->mb, MEMBLOCK_MEMORY, 0x1000, 0x2000, MEMBLOCK_MIRROR, true);
	observe(f);
	assert_int_equal(must_alloc(&f->mb, req), 0x1000);
	assert_int_equal(must_alloc(&f->mb, req), 0x2000);
	assert_int_equal(f->event_count, 2);
	assert_int_equal(must_alloc(&f->mb, req), 0x3000);
	assert_int_equal(f->event_count, 4);
	assert_int_equal(f->events[2].kind, MEMBLOCK_EVENT_MIRROR_RETRY);
	assert_int_equal(f->events[2].size, 0x1000);
	assert_int_equal(must_alloc(&f->mb, req), 0x4000);
	finish(f);
}

/*
 *	[ A: plain ]  [ B: mirror ]  min_addr |  [ C: plain ]
 *
 * A virtual call gives up its lower bound last from 5.1 on (C), first before (B).  A physical call
 * without a node did not look at mirrors at all.
 */
static void test_mirror_or_lower_bound(void **state)
{
	static const struct {
		const char *version;
		bool virt;
		phys_t expected;
	} cases[] = {
		{ "6.12", true, 0x8000 },
		{ "4.4", true, 0x4000 },
		{ "6.12", false, 0x8000 },
		{ "4.4", false, 0x8000 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture *f = start(cases[i].version);
		struct memblock_request req = { .size = 0x1000,
						.min_addr = 0x6000,
						.nid = NID_NONE,
						.retry_below_min = cases[i].virt };

		memblock_add(&f->mb, 0x2000, 0x1000, 0, 0);
		memblock_add(&f->mb, 0x4000, 0x1000, 0, 0);
		memblock_add(&f->mb, 0x8000, 0x1000, 0, 0);
		memblock_set_flag(&f->mb, MEMBLOCK_MEMORY, 0x4000, 0x1000, MEMBLOCK_MIRROR, true);
		assert_int_equal(must_alloc(&f->mb, req), cases[i].expected);
		finish(f);
	}
}

static void test_lower_bound_is_given_up(void **state)
{
	(void)state;
	for (int bottom_up = 0; bottom_up < 2; bottom_up++) {
		struct fixture *f = start("6.12");
		struct memblock_request req = {
			.size = 0x1000, .align = 0x1000, .min_addr = 0x8000, .nid = NID_NONE
		};

		f->mb.bottom_up = bottom_up;
		memblock_add(&f->mb, 0x1000, 0x4000, 0, 0);
		must_not_alloc(&f->mb, req);
		req.retry_below_min = true;
		assert_int_equal(must_alloc(&f->mb, req), bottom_up ? 0x1000 : 0x4000);
		finish(f);
	}
}

/* current_limit binds virtual calls always, physical ones only where they say "accessible". */
static void test_current_limit(void **state)
{
	static const struct {
		const char *version;
		bool limited;
	} cases[] = { { "4.4", false }, { "5.3", true }, { "5.10", false }, { "7.2", false } };

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture *f = start(cases[i].version);
		struct memblock_request req = { .size = 0x1000, .align = 0x1000, .nid = NID_NONE };

		memblock_add(&f->mb, 0x1000, 0x9000, 0, 0);
		f->mb.current_limit = 0x6000;
		assert_int_equal(must_alloc(&f->mb, req), 0x5000);
		req.max_addr = MEMBLOCK_ALLOC_NOLEAKTRACE;
		assert_int_equal(must_alloc(&f->mb, req), 0x4000);
		req.max_addr = 0x9000;
		req.retry_below_min = true;
		assert_int_equal(must_alloc(&f->mb, req), 0x3000);
		req.retry_below_min = false;
		assert_int_equal(must_alloc(&f->mb, req), cases[i].limited ? 0x2000 : 0x8000);
		finish(f);
	}
}

/*
 *	[1 MiB    kernel_end     8 MiB)     bottom-up begins behind the kernel and, where that
 *	        ........|x                  fails, becomes top-down
 */
static void test_bottom_up_after_the_kernel(void **state)
{
	(void)state;
	for (int after = 0; after < 2; after++) {
		struct fixture *f = start(after ? "4.4.155" : "4.4");
		struct memblock_request req = { .size = 1 * MIB,
						.align = 1 * MIB,
						.nid = NID_NONE };

		memblock_add(&f->mb, 1 * MIB, 7 * MIB, 0, 0);
		f->mb.bottom_up = true;
		f->mb.kernel_end = 3 * MIB + 1;
		observe(f);
		assert_int_equal(must_alloc(&f->mb, req), after ? 4 * MIB : 1 * MIB);
		/* A window that ends below the kernel is searched top-down at once. */
		req.max_addr = 3 * MIB;
		assert_int_equal(must_alloc(&f->mb, req), 2 * MIB);
		assert_int_equal(f->event_count, 2);
		req.max_addr = 0;
		req.size = 3 * MIB;
		assert_int_equal(must_alloc(&f->mb, req), after ? 5 * MIB : 3 * MIB);
		req.size = 1 * MIB;
		if (after) {
			f->event_count = 0;
			assert_int_equal(must_alloc(&f->mb, req), 3 * MIB);
			assert_int_equal(f->events[0].kind, MEMBLOCK_EVENT_BOTTOM_UP_FAILED);
		}
		finish(f);
	}
}

/* ---- Doubling ---- */

static void fill_reserved(struct fixture *f, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		assert_true(memblock_reserve(&f->mb, 1 * GIB + i * 0x2000ULL, 0x1000, NID_NONE, 0));
}

/*
 *	memory   [1 MiB                                          16 MiB)
 *	reserve               |area|
 *	array                           first choice: above  xx|
 *	                  xx| else below
 */
static void test_new_reserved_array_keeps_off_the_area(void **state)
{
	(void)state;
	for (int bottom_up = 0; bottom_up < 2; bottom_up++) {
		for (int above = 0; above < 2; above++) {
			struct fixture *f = start("6.12");
			phys_t area = above ? 8 * MIB : 12 * MIB;
			phys_t expected;

			memblock_add(&f->mb, 1 * MIB, 15 * MIB, 0, 0);
			f->mb.bottom_up = bottom_up;
			f->mb.can_resize = true;
			fill_reserved(f, 128);
			assert_int_equal(f->mb.reserved.max, 128);
			memblock_reserve(&f->mb, area, 4 * MIB, NID_NONE, 0);
			assert_int_equal(f->mb.reserved.max, 256);
			assert_int_equal(f->mb.reserved.array_bytes, 0x2000);
			if (above)
				expected = bottom_up ? 12 * MIB : 16 * MIB - 0x2000;
			else
				expected = bottom_up ? 1 * MIB : 12 * MIB - 0x2000;
			assert_int_equal(f->mb.reserved.array_base, expected);
			assert_true(memblock_is_reserved(&f->mb, expected));
			finish(f);
		}
	}
}

/* What the kernel prints, in order: the request, the doubling, the old array, the new array. */
static void test_events_of_a_doubling(void **state)
{
	(void)state;
	for (int marked = 0; marked < 2; marked++) {
		struct fixture *f = start(marked ? "7.2" : "6.1");
		struct memblock_request req = { .size = 0x1000, .align = 0x2000, .nid = 0 };
		uint32_t flags = marked ? MEMBLOCK_RSRV_KERN : 0;
		phys_t first;

		memblock_add(&f->mb, 1 * MIB, 15 * MIB, 0, 0);
		f->mb.can_resize = true;
		fill_reserved(f, 255);
		assert_int_equal(f->mb.reserved.max, 256);
		assert_int_equal(f->mb.reserved.cnt, 256);
		first = f->mb.reserved.array_base;
		observe(f);
		must_alloc(&f->mb, req);
		assert_int_equal(f->event_count, 4);
		assert_int_equal(f->events[0].kind, MEMBLOCK_EVENT_RESERVE);
		assert_int_equal(f->events[0].size, 0x1000);
		assert_int_equal(f->events[0].flags, flags);
		assert_int_equal(f->events[0].nid, marked ? 0 : NID_NONE);
		assert_int_equal(f->events[1].kind, MEMBLOCK_EVENT_DOUBLED);
		assert_int_equal(f->events[1].which, MEMBLOCK_RESERVED);
		assert_int_equal(f->events[1].count, 512);
		assert_int_equal(f->events[1].size, 512 * 24);
		assert_int_equal(f->events[2].kind, MEMBLOCK_EVENT_FREE);
		assert_int_equal(f->events[2].base, first);
		assert_int_equal(f->events[2].size, 0x2000);
		assert_int_equal(f->events[3].kind, MEMBLOCK_EVENT_RESERVE);
		assert_int_equal(f->events[3].base, f->events[1].base);
		assert_int_equal(f->events[3].size, 0x3000);
		assert_int_equal(f->events[3].flags, flags);
		assert_int_equal(f->events[3].nid, NID_NONE);
		assert_false(memblock_is_reserved(&f->mb, first));
		finish(f);
	}
}

/* A full memory list doubles anywhere, into the very range that is being added as well. */
static void test_memory_array(void **state)
{
	struct fixture *f = start("6.12");

	(void)state;
	f->mb.can_resize = true;
	for (uint32_t i = 0; i < 128; i++)
		memblock_add(&f->mb, 1 * MIB + i * 0x20000ULL, 0x10000, NID_NONE, 0);
	assert_int_equal(f->mb.memory.max, 128);
	memblock_add(&f->mb, 1 * MIB, 512 * MIB, NID_NONE, 0);
	/* 128 gaps in one go. */
	assert_int_equal(f->mb.memory.max, 256);
	assert_int_equal(f->mb.memory.cnt, 1);
	assert_int_equal(f->mb.memory.array_base, 1 * MIB + 127 * 0x20000ULL + 0x10000 - 0x2000);
	assert_int_equal(f->mb.reserved.total_size, 0x2000);
	finish(f);
}

/*
 * An insertion that needs 129 more places than 128 doubles twice when the first array takes one:
 *
 *	before   128 single pages, every second one       128 of 128
 *	add      everything around them                   129 gaps -> 257 > 256
 */
static void test_doubles_twice_in_one_go(void **state)
{
	struct fixture *f = start("6.12");

	(void)state;
	memblock_add(&f->mb, 4 * GIB, 1 * GIB, 0, 0);
	f->mb.can_resize = true;
	fill_reserved(f, 128);
	memblock_reserve(&f->mb, 1 * GIB - 0x1000, 1 * GIB, NID_NONE, 0);
	assert_int_equal(f->mb.reserved.max, 512);
	assert_int_equal(f->mb.reserved.cnt, 2);
	finish(f);
}

/*
 * The kernel's single-pass shortcut (lists at most half full) never hides a doubling: what is
 * inserted fits in the other half.
 */
static void test_half_full_lists_never_double(void **state)
{
	struct fixture *f = start("6.12");

	(void)state;
	f->mb.can_resize = true;
	fill_reserved(f, 63);
	memblock_reserve(&f->mb, 1 * GIB - 0x1000, 1 * GIB, NID_NONE, 0);
	assert_int_equal(f->mb.reserved.max, 128);
	fill_reserved(f, 0);
	memblock_free(&f->mb, 0, PHYS_MAX);
	fill_reserved(f, 64);
	f->mb.can_resize = false;
	/* 65 gaps: one too many. */
	assert_false(memblock_reserve(&f->mb, 1 * GIB - 0x1000, 1 * GIB, NID_NONE, 0));
	f->mb.panicked = false;
	assert_true(memblock_reserve(&f->mb, 1 * GIB, 1 * GIB, NID_NONE, 0));
	finish(f);
}

/* Even a free that splits nothing wants room for two more. */
static void test_full_list_without_resizing(void **state)
{
	(void)state;
	for (int panics = 0; panics < 2; panics++) {
		struct fixture *f = start(panics ? "6.12" : "6.1");
		struct memblock_request req = { .size = 0x1000, .nid = NID_NONE };

		memblock_add(&f->mb, 1 * MIB, 15 * MIB, 0, 0);
		fill_reserved(f, 127);
		observe(f);
		assert_false(memblock_free(&f->mb, 1 * GIB, 0x1000));
		assert_int_equal(f->mb.reserved.cnt, 127);
		assert_int_equal(f->mb.panicked, panics);
		assert_int_equal(f->event_count, panics);
		if (panics)
			assert_int_equal(f->events[0].kind, MEMBLOCK_EVENT_CANNOT_RESIZE);
		f->mb.panicked = false;
		must_alloc(&f->mb, req);
		must_not_alloc(&f->mb, (struct memblock_request){
					       .size = 1, .nid = NID_NONE, .align = 0x2000 });
		/* No new region is needed here. */
		f->mb.panicked = false;
		assert_true(memblock_reserve(&f->mb, 1 * GIB, 0x800, NID_NONE, 0));
		finish(f);
	}
}

/* Before 5.1 a virtual call uses what it found even if the list is full. */
static void test_early_virtual_calls_ignore_a_full_list(void **state)
{
	struct fixture *f = start("4.4");
	struct memblock_request req = {
		.size = 0x1000, .align = 0x2000, .nid = NID_NONE, .retry_below_min = true
	};

	(void)state;
	memblock_add(&f->mb, 1 * MIB, 15 * MIB, 0, 0);
	fill_reserved(f, 128);
	assert_int_equal(must_alloc(&f->mb, req), 16 * MIB - 0x2000);
	assert_false(memblock_is_reserved(&f->mb, 16 * MIB - 0x2000));
	req.retry_below_min = false;
	must_not_alloc(&f->mb, req);
	finish(f);
}

static void test_no_place_for_the_array(void **state)
{
	struct fixture *f = start("6.12");

	(void)state;
	memblock_add(&f->mb, 1 * MIB, 0x1fff, 0, 0);
	f->mb.can_resize = true;
	fill_reserved(f, 128);
	observe(f);
	assert_false(memblock_reserve(&f->mb, 1 * MIB, 0x10, NID_NONE, 0));
	assert_int_equal(f->event_count, 1);
	assert_int_equal(f->events[0].kind, MEMBLOCK_EVENT_DOUBLE_FAILED);
	assert_int_equal(f->events[0].count, 128);
	assert_int_equal(f->mb.reserved.cnt, 128);
	assert_false(f->mb.panicked);
	finish(f);
}

/*
 *	[0 area              )[ nothing free ...
 *
 * Nothing above the area, and the second window [0, 0) reads as "accessible": the array lands in
 * the area itself.
 */
static void test_quirk_area_at_zero(void **state)
{
	struct fixture *f = start("6.12");

	(void)state;
	memblock_add(&f->mb, 0, 16 * MIB, 0, 0);
	f->mb.can_resize = true;
	fill_reserved(f, 128);
	assert_true(memblock_reserve(&f->mb, 0, 16 * MIB, NID_NONE, 0));
	assert_int_equal(f->mb.reserved.array_base, 16 * MIB - 0x2000);
	assert_region(&f->mb.reserved, 0, 0, 16 * MIB, NID_NONE, 0);
	finish(f);
}

static void test_slab_takes_the_arrays(void **state)
{
	struct fixture *f = start("6.12");

	(void)state;
	memblock_add(&f->mb, 1 * MIB, 15 * MIB, 0, 0);
	f->mb.can_resize = true;
	f->mb.slab_available = true;
	fill_reserved(f, 129);
	assert_int_equal(f->mb.reserved.max, 256);
	assert_int_equal(f->mb.reserved.cnt, 129);
	assert_false(f->mb.reserved.array_allocated);
	finish(f);
}

/* ---- Questions and life ---- */

static void test_questions(void **state)
{
	struct fixture *f = start("6.12");

	(void)state;
	memblock_add(&f->mb, 0x1000, 0x1000, 0, 0);
	memblock_add(&f->mb, 0x2000, 0x1000, 1, 0);
	memblock_add(&f->mb, 0x5000, 0x1000, 0, 0);
	assert_int_equal(memblock_start_of_dram(&f->mb), 0x1000);
	assert_int_equal(memblock_end_of_dram(&f->mb), 0x6000);
	assert_false(memblock_is_memory(&f->mb, 0xfff));
	assert_true(memblock_is_memory(&f->mb, 0x1000));
	assert_true(memblock_is_memory(&f->mb, 0x2fff));
	assert_false(memblock_is_memory(&f->mb, 0x3000));
	assert_int_equal(memblock_region_at(&f->mb, MEMBLOCK_MEMORY, 0x2fff)->nid, 1);
	assert_true(memblock_overlaps(&f->mb, MEMBLOCK_MEMORY, 0xfff, 2));
	assert_false(memblock_overlaps(&f->mb, MEMBLOCK_MEMORY, 0xfff, 1));
	assert_false(memblock_overlaps(&f->mb, MEMBLOCK_MEMORY, 0x3000, 0x2000));
	assert_true(memblock_overlaps(&f->mb, MEMBLOCK_MEMORY, 0x3000, UINT64_MAX));
	assert_true(memblock_overlaps(&f->mb, MEMBLOCK_MEMORY, 0x1800, 0));
	assert_false(memblock_overlaps(&f->mb, MEMBLOCK_MEMORY, 0x1000, 0));
	assert_true(memblock_is_region_memory(&f->mb, 0x1000, 0x1000));
	/* In memory, but of two regions. */
	assert_false(memblock_is_region_memory(&f->mb, 0x1000, 0x1001));
	assert_int_equal(memblock_memory_bytes(&f->mb, 0x1800, 0x5800), 0x800 + 0x1000 + 0x800);
	assert_int_equal(memblock_memory_bytes(&f->mb, 0x3000, 0x5000), 0);
	finish(f);
}

/*
 *	memory    [0x1000 n0 0x4000)[0x4000 n1 0x6000)  NOMAP [0x8000 0x9000)
 *	reserved       [0x2000      -      0x4800)
 *	free      [   )                       [      )
 */
static void test_free_ranges(void **state)
{
	struct fixture *f = start("6.12");
	struct memblock_cursor cursor = { 0 };
	phys_t a, b;
	int32_t nid;

	(void)state;
	memblock_add(&f->mb, 0x1000, 0x3000, 0, 0);
	memblock_add(&f->mb, 0x4000, 0x2000, 1, 0);
	memblock_add(&f->mb, 0x8000, 0x1000, 1, MEMBLOCK_NOMAP);
	memblock_reserve(&f->mb, 0x2000, 0x2800, NID_NONE, 0);
	assert_true(memblock_next_free(&f->mb, &cursor, &a, &b, &nid));
	assert_int_equal(a, 0x1000);
	assert_int_equal(b, 0x2000);
	assert_int_equal(nid, 0);
	assert_true(memblock_next_free(&f->mb, &cursor, &a, &b, &nid));
	assert_int_equal(a, 0x4800);
	assert_int_equal(b, 0x6000);
	assert_int_equal(nid, 1);
	assert_false(memblock_next_free(&f->mb, &cursor, &a, &b, &nid));
	assert_false(memblock_next_free(&f->mb, &cursor, &a, &b, &nid));
	finish(f);
}

static void test_copy_and_reset(void **state)
{
	struct fixture *f = start("6.12"), *g = start("4.4");

	(void)state;
	memblock_add(&f->mb, 1 * MIB, 15 * MIB, 0, 0);
	f->mb.can_resize = true;
	fill_reserved(f, 200);
	memblock_copy(&g->mb, &f->mb);
	assert_ptr_equal(g->mb.facts, &f->facts);
	assert_ptr_not_equal(g->mb.reserved.regions, f->mb.reserved.regions);
	assert_int_equal(g->mb.reserved.cnt, f->mb.reserved.cnt);
	assert_memory_equal(g->mb.reserved.regions, f->mb.reserved.regions,
			    f->mb.reserved.cnt * sizeof(struct memblock_region));
	assert_int_equal(g->mb.reserved.max, 256);
	/* Apart from now on. */
	memblock_free(&g->mb, 0, PHYS_MAX);
	assert_int_equal(f->mb.reserved.cnt, 201);
	memblock_reset(&f->mb);
	assert_int_equal(f->mb.reserved.cnt, 0);
	assert_int_equal(f->mb.reserved.max, 128);
	assert_false(f->mb.reserved.array_allocated);
	assert_false(f->mb.can_resize);
	assert_in_range(f->mb.reserved.room, 201, 4096);
	assert_int_equal(g->mb.memory.cnt, 1);
	finish(g);
	finish(f);
}

static void test_check_finds_damage(void **state)
{
	struct fixture *f = start("6.12");
	struct memblock_region *r = f->mb.memory.regions;

	(void)state;
	memblock_add(&f->mb, 0x1000, 0x1000, 0, 0);
	memblock_add(&f->mb, 0x4000, 0x1000, 1, 0);
	assert_null(memblock_check(&f->mb));
	r[1].base = 0x1fff;
	assert_string_equal(memblock_check(&f->mb), "regions overlap or are out of order");
	r[1].base = 0x2000;
	assert_null(memblock_check(&f->mb));
	r[1].nid = 0;
	assert_string_equal(memblock_check(&f->mb), "neighbouring regions should have been merged");
	r[1].nid = 1;
	r[1].size++;
	assert_string_equal(memblock_check(&f->mb), "total size is not the sum of the regions");
	r[1].size = 0;
	assert_string_equal(memblock_check(&f->mb), "a region has no size");
	r[1].size = PHYS_MAX;
	assert_string_equal(memblock_check(&f->mb), "a region wraps");
	r[1].size = 0x1000;
	f->mb.memory.max = 1;
	assert_string_equal(memblock_check(&f->mb), "more regions than the kernel's array holds");
	f->mb.memory.max = 128;
	finish(f);
}

/* ---- Against the model ---- */

#define OPS_MAX 160

struct run {
	struct facts facts;
	struct memblock_op_space space;
	struct memblock_op ops[OPS_MAX];
	unsigned int op_count;
	uint32_t memory_max, reserved_max;
	phys_t kernel_end;
};

struct event_log {
	struct memblock_event events[MEMBLOCK_ORACLE_EVENTS];
	unsigned int count;
};

static void log_event(void *ctx, const struct memblock_event *event)
{
	struct event_log *log = ctx;

	if (log->count < MEMBLOCK_ORACLE_EVENTS)
		log->events[log->count++] = *event;
}

static bool same_event(const struct memblock_event *a, const struct memblock_event *b)
{
	return a->kind == b->kind && a->which == b->which && a->base == b->base &&
	       a->size == b->size && a->count == b->count && a->flags == b->flags &&
	       a->nid == b->nid && a->align == b->align &&
	       (a->kind != MEMBLOCK_EVENT_BOTTOM_UP_FAILED ||
		(a->start == b->start && a->end == b->end));
}

/* Free ranges walked in the engine cover just the bytes that are free in the model. */
static const char *compare_free(const struct memblock_oracle *o, const struct memblock *mb)
{
	struct memblock_cursor cursor = { 0 };
	phys_t at = 0, from, to;
	int32_t nid;

	for (;;) {
		bool more = memblock_next_free(mb, &cursor, &from, &to, &nid);

		if (more && from >= to)
			return "an empty free range";
		if (more && from < at)
			return "free ranges out of order";
		for (; at < (more ? to : o->phys_max); at++) {
			const struct memblock_oracle_cell *m = &o->list[MEMBLOCK_MEMORY].cells[at];
			bool is_free = m->present &&
				       !o->list[MEMBLOCK_RESERVED].cells[at].present &&
				       !(m->flags & (MEMBLOCK_NOMAP | MEMBLOCK_DRIVER_MANAGED)) &&
				       !((m->flags & MEMBLOCK_HOTPLUG) && o->movable_node);

			if (is_free != (more && at >= from))
				return "free bytes differ";
			if (is_free && m->nid != nid)
				return "a free range has another node";
		}
		if (!more)
			return NULL;
	}
}

static const char *compare_questions(const struct memblock_oracle *o, const struct memblock *mb,
				     phys_t addr)
{
	uint64_t bytes = 0;

	if (addr >= o->phys_max)
		return NULL;
	if (memblock_is_memory(mb, addr) != o->list[MEMBLOCK_MEMORY].cells[addr].present)
		return "is_memory differs";
	if (memblock_is_reserved(mb, addr) != o->list[MEMBLOCK_RESERVED].cells[addr].present)
		return "is_reserved differs";
	for (phys_t at = addr; at < o->phys_max; at++)
		bytes += o->list[MEMBLOCK_MEMORY].cells[at].present;
	if (memblock_memory_bytes(mb, addr, PHYS_MAX) != bytes)
		return "memory_bytes differs";
	if (memblock_overlaps(mb, MEMBLOCK_MEMORY, addr, o->phys_max - addr) != (bytes != 0))
		return "overlaps differs";
	return NULL;
}

/* Runs the list on both; NULL, or what differs first and after which operation. */
static const char *execute(const struct run *run, unsigned int *at_ret)
{
	static const unsigned int page_shift = 6;
	static struct event_log log;
	struct memblock mb;
	struct memblock_oracle oracle;
	const char *wrong = NULL;

	memblock_init(&mb, &run->facts, page_shift, run->memory_max, run->reserved_max);
	mb.phys_max = run->space.bytes - 1;
	memblock_reset(&mb);
	mb.can_resize = !run->space.refuse_resize;
	mb.kernel_end = run->kernel_end;
	mb.observer = log_event;
	mb.observer_ctx = &log;
	assert_true(memblock_oracle_init(&oracle, &mb));
	for (unsigned int i = 0; i < run->op_count && !wrong; i++) {
		struct memblock_op_result ours, theirs;

		*at_ret = i;
		log.count = 0;
		oracle.event_count = 0;
		ours = memblock_op_apply(&mb, &run->ops[i]);
		theirs = memblock_oracle_apply(&oracle, &run->ops[i]);
		if (ours.ok != theirs.ok)
			wrong = ours.ok ? "it succeeds" : "it fails";
		else if (ours.addr != theirs.addr)
			wrong = "another address";
		if (!wrong && log.count != oracle.event_count)
			wrong = "another number of events";
		for (unsigned int j = 0; j < log.count && !wrong; j++) {
			if (!same_event(&log.events[j], &oracle.events[j]))
				wrong = "an event differs";
		}
		if (!wrong)
			wrong = memblock_oracle_compare(&oracle, &mb);
		if (mb.panicked)
			break;
		if (!wrong)
			wrong = memblock_check(&mb);
		if (!wrong)
			wrong = compare_free(&oracle, &mb);
		if (!wrong)
			wrong = compare_questions(&oracle, &mb, run->ops[i].base);
	}
	memblock_oracle_deinit(&oracle);
	memblock_deinit(&mb);
	return wrong;
}

/* Drops operations one by one as long as something still differs. */
static void shrink(struct run *run)
{
	unsigned int at;

	for (unsigned int i = run->op_count; i-- > 0;) {
		struct run smaller = *run;

		memmove(&smaller.ops[i], &smaller.ops[i + 1],
			(run->op_count - i - 1) * sizeof(run->ops[0]));
		smaller.op_count--;
		if (execute(&smaller, &at))
			*run = smaller;
	}
}

static void explain(const struct run *run)
{
	unsigned int at = 0;
	const char *wrong = execute(run, &at);

	for (unsigned int i = 0; i < run->op_count; i++) {
		const struct memblock_op *op = &run->ops[i];

		print_error("%s%s %s base=%#llx size=%#llx align=%#llx max=%#llx nid=%d flags=%#x "
			    "on=%d exact=%d virt=%d\n",
			    i == at ? "> " : "  ", memblock_op_name(op->kind),
			    op->which == MEMBLOCK_MEMORY ? "memory" : "reserved",
			    (unsigned long long)op->base, (unsigned long long)op->size,
			    (unsigned long long)op->align, (unsigned long long)op->max_addr,
			    op->nid, op->flags, op->on, op->exact_nid, op->virt);
	}
	print_error("arrays of %u and %u, kernel_end %#llx: %s\n", run->memory_max,
		    run->reserved_max, (unsigned long long)run->kernel_end,
		    wrong ? wrong : "(not repeatable)");
}

static unsigned long long setting(const char *name, unsigned long long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void against_the_model(const char *version)
{
	unsigned long long runs = setting("MEMBLOCK_TEST_RUNS", 60);
	unsigned long long seed = setting("MEMBLOCK_TEST_SEED", 1);
	static struct run run;
	uint32_t v;

	assert_true(facts_parse_version(version, &v));
	for (unsigned long long i = 0; i < runs; i++, seed++) {
		struct prng prng = prng_init(seed);
		unsigned int at;

		memset(&run, 0, sizeof(run));
		facts_init(&run.facts, v);
		run.space = (struct memblock_op_space){
			.bytes = prng_chance(&prng, 1, 2) ? 4096 : 16384,
			.page = 64,
			.nodes = 1 + (unsigned int)prng_below(&prng, 3),
			.memory_flags = MEMBLOCK_HOTPLUG | MEMBLOCK_NOMAP | MEMBLOCK_DRIVER_MANAGED,
			.mirror = prng_chance(&prng, 1, 2),
			.scratch = prng_chance(&prng, 1, 4),
			.limits = prng_chance(&prng, 1, 2),
			.refuse_resize = prng_chance(&prng, 1, 4),
		};
		if (run.space.scratch)
			run.space.memory_flags |= MEMBLOCK_KHO_SCRATCH;
		if (prng_chance(&prng, 1, 2))
			run.space.memory_flags &= MEMBLOCK_NOMAP | MEMBLOCK_KHO_SCRATCH;
		run.memory_max = 4 + (uint32_t)prng_skewed(&prng, 28);
		run.reserved_max = 4 + (uint32_t)prng_skewed(&prng, 28);
		run.kernel_end = prng_below(&prng, run.space.bytes);
		run.op_count = 8 + (unsigned int)prng_below(&prng, OPS_MAX - 7);
		for (unsigned int j = 0; j < run.op_count; j++)
			run.ops[j] = memblock_op_draw(&prng, &run.space);
		if (!execute(&run, &at))
			continue;
		print_error("version %s, MEMBLOCK_TEST_SEED=%llu\n", version, seed);
		shrink(&run);
		explain(&run);
		fail();
	}
}

static void test_model_3_10(void **state)
{
	(void)state;
	against_the_model("3.10");
}

static void test_model_4_4(void **state)
{
	(void)state;
	against_the_model("4.4");
}

/* With the bottom-up search that stays above the kernel. */
static void test_model_4_9_154(void **state)
{
	(void)state;
	against_the_model("4.9.154");
}

static void test_model_5_3(void **state)
{
	(void)state;
	against_the_model("5.3");
}

static void test_model_5_10(void **state)
{
	(void)state;
	against_the_model("5.10");
}

static void test_model_6_1(void **state)
{
	(void)state;
	against_the_model("6.1");
}

static void test_model_6_12(void **state)
{
	(void)state;
	against_the_model("6.12");
}

static void test_model_7_2(void **state)
{
	(void)state;
	against_the_model("7.2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begins_empty),
		cmocka_unit_test(test_add_fills_gaps_only),
		cmocka_unit_test(test_equal_neighbours_merge),
		cmocka_unit_test(test_remove_splits),
		cmocka_unit_test(test_nodes_and_flags_split_and_join),
		cmocka_unit_test(test_ends_are_capped),
		cmocka_unit_test(test_trim_keeps_the_recorded_size),
		cmocka_unit_test(test_limits_count_memory),
		cmocka_unit_test(test_cap_leaves_a_cut),
		cmocka_unit_test(test_limit_at_the_end_of_a_region),
		cmocka_unit_test(test_cap_without_memory),
		cmocka_unit_test(test_both_directions),
		cmocka_unit_test(test_page_zero_is_never_given),
		cmocka_unit_test(test_gaps_end_at_regions),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_what_allocations_carry),
		cmocka_unit_test(test_skipped_memory),
		cmocka_unit_test(test_search_with_flags),
		cmocka_unit_test(test_quirk_nothing_is_found_at_the_end),
		cmocka_unit_test(test_mirror),
		cmocka_unit_test(test_mirror_or_lower_bound),
		cmocka_unit_test(test_lower_bound_is_given_up),
		cmocka_unit_test(test_current_limit),
		cmocka_unit_test(test_bottom_up_after_the_kernel),
		cmocka_unit_test(test_new_reserved_array_keeps_off_the_area),
		cmocka_unit_test(test_events_of_a_doubling),
		cmocka_unit_test(test_memory_array),
		cmocka_unit_test(test_doubles_twice_in_one_go),
		cmocka_unit_test(test_half_full_lists_never_double),
		cmocka_unit_test(test_full_list_without_resizing),
		cmocka_unit_test(test_early_virtual_calls_ignore_a_full_list),
		cmocka_unit_test(test_no_place_for_the_array),
		cmocka_unit_test(test_quirk_area_at_zero),
		cmocka_unit_test(test_slab_takes_the_arrays),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_free_ranges),
		cmocka_unit_test(test_copy_and_reset),
		cmocka_unit_test(test_check_finds_damage),
		cmocka_unit_test(test_model_3_10),
		cmocka_unit_test(test_model_4_4),
		cmocka_unit_test(test_model_4_9_154),
		cmocka_unit_test(test_model_5_3),
		cmocka_unit_test(test_model_5_10),
		cmocka_unit_test(test_model_6_1),
		cmocka_unit_test(test_model_6_12),
		cmocka_unit_test(test_model_7_2),
	};

	return cmocka_run_group_tests_name("memblock", tests, NULL, NULL);
}
