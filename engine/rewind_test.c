/* SPDX-License-Identifier: MIT */
/* Tests of what was reserved before the first step: choices that turn out wrong, and blocks of the device tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/rewind.h"

#define PAGE 0x1000ULL

enum { ISLANDS = 4, STEPS_MAX = 8 };

/*
 * Memory is islands of some pages each, so that what is reserved on one does not merge with the next:
 *
 *	0x10000		0x20000		0x30000		0x40000
 *	[ 0 ]		[ 1 ]		[ 2 ]		[ 3 ]
 */
struct fixture {
	struct machine m;
	struct boot_input in;
	struct boot_step steps[STEPS_MAX];
	struct memblock_region dump[ISLANDS];
};

static phys_t island(unsigned int i)
{
	return (i + 1) * 0x10000ULL;
}

static void begin(struct fixture *f, unsigned int pages)
{
	memset(f, 0, sizeof(*f));
	machine_init(&f->m);
	facts_init(&f->m.facts, FACTS_VERSION(6, 1, 0));
	arch_config_default(ARCH_ARM64, false, &f->m.config);
	memblock_init(&f->m.mb, &f->m.facts, 12, 128, 128);
	for (unsigned int i = 0; i < ISLANDS; i++)
		memblock_add(&f->m.mb, island(i), pages * PAGE, 0, 0);
	f->in.steps = f->steps;
	f->in.has_state = true;
	f->in.state.reserved = f->dump;
}

static void add_step(struct fixture *f, enum boot_step_kind kind, phys_t base, uint64_t size)
{
	f->steps[f->in.step_count++] = (struct boot_step){ .kind = kind,
							   .base = base,
							   .size = size,
							   .nid = NID_NONE,
							   .max_addr = UINT64_MAX,
							   .name = "" };
}

static void add_dump(struct fixture *f, phys_t base, uint64_t size)
{
	f->dump[f->in.state.reserved_count++] =
		(struct memblock_region){ .base = base, .size = size, .nid = NID_NONE };
}

/* An allocation gets the lowest free block. */
static void forward(struct machine *m, const struct boot_input *in, const struct boot_step *s)
{
	(void)in;
	if (s->kind == STEP_RESERVE)
		memblock_reserve(&m->mb, s->base, s->size, NID_NONE, 0);
	if (s->kind == STEP_FREE)
		memblock_free(&m->mb, s->base, s->size);
	if (s->kind != STEP_ALLOC)
		return;
	for (unsigned int i = 0; i < ISLANDS; i++) {
		for (phys_t at = island(i); at < island(i) + 4 * PAGE; at += PAGE) {
			if (at + s->size > s->max_addr ||
			    memblock_memory_bytes(&m->mb, at, at + s->size) < s->size ||
			    memblock_overlaps(&m->mb, MEMBLOCK_RESERVED, at, s->size))
				continue;
			memblock_reserve(&m->mb, at, s->size, NID_NONE, 0);
			return;
		}
	}
}

static bool rewind_all(struct fixture *f)
{
	return rewind_to_start(&f->m, &f->in, f->in.step_count, forward);
}

static void expect_reserved(const struct fixture *f, const phys_t *bases, uint32_t count)
{
	assert_int_equal(f->m.mb.reserved.cnt, count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(f->m.mb.reserved.regions[i].base, bases[i]);
}

/*
 * The last request would get the first island again, which is the only one for the first request: it got another,
 * and what came between happens again.
 *
 *	steps	a request below 0x20000, then half of [1] is reserved, [3] freed, and a request for anything
 *	dump	[0] [1] [2]		before all: [3]
 */
static void a_wrong_choice_is_taken_back(void **state)
{
	static const phys_t before[] = { 0x40000 };
	struct fixture f;

	(void)state;
	begin(&f, 2);
	add_step(&f, STEP_ALLOC, 0, 2 * PAGE);
	f.steps[0].max_addr = island(1);
	add_step(&f, STEP_RESERVE, island(1), PAGE);
	add_step(&f, STEP_MEMORY_LINE, 0, PAGE);
	add_step(&f, STEP_FREE, island(3), 2 * PAGE);
	add_step(&f, STEP_ALLOC, 0, 2 * PAGE);
	for (unsigned int i = 0; i < 3; i++)
		add_dump(&f, island(i), i == 1 ? PAGE : 2 * PAGE);
	assert_true(rewind_all(&f));
	expect_reserved(&f, before, 1);
	machine_deinit(&f.m);
}

/* A dump that no life leads to: nothing is known. */
static void no_choice_is_right(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 1);
	add_step(&f, STEP_ALLOC, 0, PAGE);
	f.steps[0].max_addr = island(1);
	add_step(&f, STEP_ALLOC, 0, PAGE);
	add_dump(&f, island(1), PAGE);
	add_dump(&f, island(2), PAGE);
	assert_false(rewind_all(&f));
	expect_reserved(&f, NULL, 0);
	machine_deinit(&f.m);
}

/*
 * A block that the tree reserved is no step's, but where it was refused; what was taken right above one is
 * found, although it is no region of its own.
 */
static void blocks_of_the_tree_stay(void **state)
{
	(void)state;
	for (unsigned int refused = 0; refused < 2; refused++) {
		const phys_t left[] = { 0x10000 };
		struct fixture f;

		begin(&f, 2);
		f.m.tree_placed = calloc(1, sizeof(*f.m.tree_placed));
		assert_non_null(f.m.tree_placed);
		f.m.tree_placed_count = 1;
		f.m.tree_placed[0].range.base = island(0);
		f.m.tree_placed[0].range.size = PAGE;
		f.m.tree_placed[0].refused = refused;
		add_step(&f, STEP_ALLOC, 0, PAGE);
		if (refused)
			add_step(&f, STEP_ALLOC, 0, PAGE);
		add_dump(&f, island(0), 2 * PAGE);
		assert_true(rewind_all(&f));
		expect_reserved(&f, left, !refused);
		machine_deinit(&f.m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_choice_is_taken_back),
		cmocka_unit_test(no_choice_is_right),
		cmocka_unit_test(blocks_of_the_tree_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
