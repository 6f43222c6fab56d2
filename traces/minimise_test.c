/* SPDX-License-Identifier: MIT */
#include "traces/minimise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/prng.h"

enum { MANY = 20000 };

/* Shows it as long as all of certain elements are there. */
struct essential {
	const uint32_t *elements;
	uint32_t count;
	uint64_t stop_after; /* tests; 0: never */
	uint64_t tests, elements_seen;
	const uint32_t *needs; /* what is tested must be closed under these */
};

static bool has(const uint32_t *elements, uint32_t count, uint32_t which)
{
	while (count && elements[count - 1] > which)
		count--;
	return count && elements[count - 1] == which;
}

static enum minimise_answer has_all(void *ctx, const uint32_t *elements, uint32_t count,
				    uint32_t *enough)
{
	struct essential *e = ctx;

	(void)enough;
	e->elements_seen += count;
	for (uint32_t i = 0; e->needs && i < count; i++)
		assert_true(e->needs[elements[i]] == MINIMISE_NONE ||
			    has(elements, i, e->needs[elements[i]]));
	for (uint32_t i = 1; i < count; i++)
		assert_true(elements[i - 1] < elements[i]);
	if (e->stop_after && e->tests++ == e->stop_after)
		return MINIMISE_STOP;
	for (uint32_t i = 0; i < e->count; i++)
		if (!has(elements, count, e->elements[i]))
			return MINIMISE_GONE;
	return MINIMISE_STILL;
}

/* Three of very many are found with few tests of lists that get short soon. */
static void test_three_of_many(void **state)
{
	static const uint32_t which[] = { 17, 9000, 19999 };
	struct essential e = { .elements = which, .count = 3 };
	struct minimiser m = { 0 };

	(void)state;
	assert_true(minimise(&m, MANY, NULL, has_all, &e));
	assert_int_equal(m.count, 3);
	assert_memory_equal(m.kept, which, sizeof(which));
	assert_true(m.proven);
	assert_true(m.tests < 200);
	assert_true(e.elements_seen < 20ULL * MANY);
	minimiser_deinit(&m);
}

static void test_small(void **state)
{
	static const uint32_t first[] = { 0 };
	struct essential none = { 0 }, one = { .elements = first, .count = 1 };
	struct minimiser m = { 0 };

	(void)state;
	assert_true(minimise(&m, 0, NULL, has_all, &none));
	assert_true(m.proven && !m.count && !m.tests);
	assert_true(minimise(&m, MANY, NULL, has_all, &none));
	assert_true(m.proven && !m.count && m.tests == 1);
	assert_true(minimise(&m, 1, NULL, has_all, &one));
	assert_true(m.proven && m.count == 1);
	assert_true(minimise(&m, 2, NULL, has_all, &one));
	assert_true(m.proven && m.count == 1 && m.kept[0] == 0);
	minimiser_deinit(&m);
}

/* Elements that all matter stay, and each was tried. */
static void test_all_matter(void **state)
{
	uint32_t all[300];
	struct essential e = { .elements = all, .count = 300 };
	struct minimiser m = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 300; i++)
		all[i] = i;
	assert_true(minimise(&m, 300, NULL, has_all, &e));
	assert_true(m.proven && m.count == 300 && m.tests >= 300);
	minimiser_deinit(&m);
}

/* Every element needs the one before it in its chain; a test never sees one without the other. */
static void test_needs(void **state)
{
	struct prng prng = prng_init(5);

	(void)state;
	for (unsigned int round = 0; round < 200; round++) {
		uint32_t count = 1 + (uint32_t)prng_below(&prng, 60), needs[60], which;
		struct essential e = { .elements = &which, .count = 1, .needs = needs };
		struct minimiser m = { 0 };
		uint32_t chain = 0;

		for (uint32_t i = 0; i < count; i++)
			needs[i] = i && prng_chance(&prng, 1, 2) ? (uint32_t)prng_below(&prng, i)
								 : MINIMISE_NONE;
		which = (uint32_t)prng_below(&prng, count);
		for (uint32_t i = which; i != MINIMISE_NONE; i = needs[i])
			chain++;
		assert_true(minimise(&m, count, needs, has_all, &e));
		assert_true(m.proven);
		assert_int_equal(m.count, chain);
		assert_int_equal(m.kept[chain - 1], which);
		minimiser_deinit(&m);
	}
}

/* A test that is not monotone: an answer of its own for each of the 2^n lists. */
struct table {
	uint8_t shows[1 << 10];
	uint64_t tests;
};

static uint32_t mask_of(const uint32_t *elements, uint32_t count)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < count; i++)
		mask |= 1U << elements[i];
	return mask;
}

static enum minimise_answer in_table(void *ctx, const uint32_t *elements, uint32_t count,
				     uint32_t *enough)
{
	struct table *t = ctx;

	(void)enough;
	t->tests++;
	return t->shows[mask_of(elements, count)] ? MINIMISE_STILL : MINIMISE_GONE;
}

/* Whatever the answers: what is left shows it, and without any one of them it does not. */
static void test_one_minimal(void **state)
{
	struct prng prng = prng_init(1);
	struct minimiser m = { 0 };

	(void)state;
	for (unsigned int round = 0; round < 2000; round++) {
		uint32_t count = (uint32_t)prng_below(&prng, 11), mask, again[10];
		uint64_t dense = prng_below(&prng, 100);
		struct table t = { .tests = 0 };

		for (uint32_t i = 0; i < 1U << count; i++)
			t.shows[i] = prng_chance(&prng, dense, 100);
		t.shows[(1U << count) - 1] = 1;
		assert_true(minimise(&m, count, NULL, in_table, &t));
		assert_true(m.proven);
		assert_int_equal(m.tests, t.tests);
		mask = mask_of(m.kept, m.count);
		assert_true(t.shows[mask]);
		for (uint32_t i = 0; i < m.count; i++)
			assert_false(t.shows[mask & ~(1U << m.kept[i])]);
		memcpy(again, m.kept, m.count * sizeof(*again));
		assert_true(minimise(&m, count, NULL, in_table, &t));
		assert_int_equal(mask_of(m.kept, m.count), mask);
	}
	minimiser_deinit(&m);
}

/* Stopped at any moment: the best so far still shows it, and is not called proven. */
static void test_stopped(void **state)
{
	static const uint32_t which[] = { 100, 700 };
	struct minimiser m = { 0 };
	uint32_t before = 1000;

	(void)state;
	for (uint64_t after = 1; after < 30; after++) {
		struct essential e = { .elements = which, .count = 2, .stop_after = after };

		assert_true(minimise(&m, 1000, NULL, has_all, &e));
		assert_false(m.proven);
		assert_int_equal(m.tests, after + 1);
		assert_true(has(m.kept, m.count, 100) && has(m.kept, m.count, 700));
		assert_true(m.count <= before);
		before = m.count;
	}
	assert_true(before < 1000);
	minimiser_deinit(&m);
}

/* Needs element 40 alone, and says that what comes behind it does not count. */
static enum minimise_answer ends_early(void *ctx, const uint32_t *elements, uint32_t count,
				       uint32_t *enough)
{
	uint64_t *longest = ctx;

	*longest = count > *longest ? count : *longest;
	for (uint32_t i = 0; i < count; i++) {
		if (elements[i] == 40) {
			*enough = i + 1;
			return MINIMISE_STILL;
		}
	}
	return MINIMISE_GONE;
}

static void test_enough(void **state)
{
	struct minimiser m = { 0 };
	uint64_t longest = 0;

	(void)state;
	assert_true(minimise(&m, 1000, NULL, ends_early, &longest));
	assert_int_equal(m.count, 1);
	assert_int_equal(m.kept[0], 40);
	assert_true(m.tests < 20);
	minimiser_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_three_of_many), cmocka_unit_test(test_small),
		cmocka_unit_test(test_all_matter),    cmocka_unit_test(test_needs),
		cmocka_unit_test(test_one_minimal),   cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
