/* SPDX-License-Identifier: MIT */
/* Tests of the invariants of memblock that no quirk breaks: lists and results made wrong by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/memblock_invariants.h"

#define MIB (1ULL << 20)

/*
 *	memory	 [1M     4M)[4M     8M)          [16M    24M)
 *	node	  0          1                     0
 *	reserved      [2M 3M)                         [18M 19M)
 */
struct fixture {
	struct facts facts;
	struct memblock mb;
	struct findings found;
};

static void set_up(struct fixture *f)
{
	facts_init(&f->facts, FACTS_VERSION(6, 12, 0));
	memblock_init(&f->mb, &f->facts, 12, 128, 128);
	assert_true(memblock_add(&f->mb, 1 * MIB, 3 * MIB, 0, 0));
	assert_true(memblock_add(&f->mb, 4 * MIB, 4 * MIB, 1, 0));
	assert_true(memblock_add(&f->mb, 16 * MIB, 8 * MIB, 0, 0));
	assert_true(memblock_reserve(&f->mb, 2 * MIB, MIB, NID_NONE, 0));
	assert_true(memblock_reserve(&f->mb, 18 * MIB, MIB, NID_NONE, 0));
	findings_clear(&f->found);
	memblock_invariants_check(&f->mb, &f->found);
	assert_int_equal(f->found.total, 0);
}

static void overlap(struct memblock *mb)
{
	mb->memory.regions[0].size += MIB;
	mb->memory.total_size += MIB;
}

static void disorder(struct memblock *mb)
{
	struct memblock_region first = mb->reserved.regions[0];

	mb->reserved.regions[0] = mb->reserved.regions[1];
	mb->reserved.regions[1] = first;
}

static void leave_apart(struct memblock *mb)
{
	mb->memory.regions[1].nid = 0;
}

static void empty(struct memblock *mb)
{
	mb->reserved.total_size -= mb->reserved.regions[1].size;
	mb->reserved.regions[1].size = 0;
}

static void wrap(struct memblock *mb)
{
	mb->memory.regions[2].base = UINT64_MAX - MIB;
}

static void count_wrong(struct memblock *mb)
{
	mb->reserved.total_size++;
}

static void overflow(struct memblock *mb)
{
	mb->memory.max = 2;
}

static void test_broken_lists(void **state)
{
	void (*const broken[])(struct memblock *) = {
		overlap, disorder, leave_apart, empty, wrap, count_wrong, overflow,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		struct fixture f;

		set_up(&f);
		broken[i](&f.mb);
		memblock_invariants_check(&f.mb, &f.found);
		assert_int_equal(f.found.count[INVARIANT_MEMBLOCK_LISTS], 1);
		memblock_deinit(&f.mb);
	}
}

static void test_wrong_results(void **state)
{
	const struct memblock_request req = { .size = MIB,
					      .align = MIB,
					      .min_addr = 2 * MIB,
					      .max_addr = 20 * MIB,
					      .nid = NID_NONE };
	struct memblock_request of_node = req;
	const struct {
		const struct memblock_request *req;
		phys_t address;
		bool right;
	} rows[] = {
		{ &req, 3 * MIB, true },	 { &req, 19 * MIB, true },
		{ &req, 20 * MIB, false }, /* above what was asked for */
		{ &req, 1 * MIB, false }, /* below it */
		{ &req, 4 * MIB + 4096, false }, /* not aligned */
		{ &req, 8 * MIB, false }, /* a hole */
		{ &req, 2 * MIB, false }, /* reserved */
		{ &of_node, 4 * MIB, true },	 { &of_node, 3 * MIB, false }, /* another node's */
	};
	struct fixture f;

	(void)state;
	of_node.nid = 1;
	of_node.exact_nid = true;
	set_up(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		findings_clear(&f.found);
		memblock_invariants_result(&f.mb, rows[i].req, rows[i].address, &f.found);
		assert_int_equal(f.found.count[INVARIANT_MEMBLOCK_RESULT], !rows[i].right);
	}
	memblock_deinit(&f.mb);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broken_lists),
		cmocka_unit_test(test_wrong_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
