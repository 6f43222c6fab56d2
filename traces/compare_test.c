/* SPDX-License-Identifier: MIT */
/*
 * Two short lists of answers side by side, one case a test; and random lists against a plain model that
 * looks for each partner in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/prng.h"
#include "traces/compare.h"

static struct answer *add(struct answers *as, enum answer_kind kind, int32_t nid, uint64_t value)
{
	struct answer *a = answers_add(as, kind);

	a->nid = nid;
	a->v[0] = value;
	return a;
}

static void each_verdict(void **state)
{
	struct answers log = { 0 }, model = { 0 };
	struct comparison c;

	(void)state;
	add(&log, ANSWER_NODE_PAGES, 0, 10);
	add(&log, ANSWER_NODE_PAGES, 1, 11);
	add(&log, ANSWER_NODE_PAGES, 2, 12);
	add(&log, ANSWER_NODE_PAGES, 3, 13);
	add(&log, ANSWER_NODE_PAGES, 4, 14);
	add(&log, ANSWER_NODE_PAGES, 5, 15);
	/* In another order: only keys count. */
	add(&model, ANSWER_NODE_PAGES, 9, 1);
	add(&model, ANSWER_NODE_PAGES, 4, 99)->basis = BASIS_GIVEN;
	add(&model, ANSWER_NODE_PAGES, 3, 99)->basis = BASIS_UNDERIVABLE;
	add(&model, ANSWER_NODE_PAGES, 2, 12)->basis = BASIS_GIVEN;
	add(&model, ANSWER_NODE_PAGES, 1, 99);
	add(&model, ANSWER_NODE_PAGES, 0, 10);
	assert_true(compare_answers(&log, &model, &c));
	assert_int_equal(c.count, 7);
	assert_int_equal(c.rows[0].verdict, COMPARE_AGREE);
	assert_int_equal(c.rows[1].verdict, COMPARE_DIFFER);
	assert_int_equal(c.rows[2].verdict, COMPARE_GIVEN);
	assert_int_equal(c.rows[3].verdict, COMPARE_UNPREDICTED);
	assert_int_equal(c.rows[4].verdict, COMPARE_DIFFER); /* given, and yet not the same */
	assert_int_equal(c.rows[5].verdict, COMPARE_NOT_IN_MODEL);
	assert_null(c.rows[5].model);
	assert_int_equal(c.rows[6].verdict, COMPARE_NOT_IN_LOG);
	assert_null(c.rows[6].recorded);
	assert_int_equal(comparison_differences(&c), 3);
	assert_int_equal(c.counts[ANSWER_NODE_PAGES][COMPARE_DIFFER], 2);
	comparison_deinit(&c);
	answers_deinit(&log);
	answers_deinit(&model);
}

/* What the log has none of is no question; neither is "nothing fits", nor a field no zone shows. */
static void silence_is_no_difference(void **state)
{
	struct answers log = { 0 }, model = { 0 };
	struct comparison c;
	struct answer *a;

	(void)state;
	add(&log, ANSWER_PLACEMENT, -1, 64)->index = 1;
	a = add(&log, ANSWER_ZONEINFO, 0, 5);
	a->index = ZONE_FIELD_MIN;
	add(&model, ANSWER_PLACEMENT, -1, 64)->index = 1;
	add(&model, ANSWER_PLACEMENT, -1, 0)->index = 2;
	add(&model, ANSWER_POLICY_ZONE, -1, 0);
	a = add(&model, ANSWER_ZONEINFO, 0, 5);
	a->index = ZONE_FIELD_MIN;
	a = add(&model, ANSWER_ZONEINFO, 0, 7);
	a->index = ZONE_FIELD_PROMO;
	a = add(&model, ANSWER_ZONEINFO, 1, 7);
	a->index = ZONE_FIELD_MIN;
	assert_true(compare_answers(&log, &model, &c));
	assert_int_equal(c.total[COMPARE_AGREE], 2);
	assert_int_equal(c.total[COMPARE_NOT_IN_LOG], 1);
	assert_int_equal(c.count, 3);
	assert_int_equal(c.rows[2].model->index, ZONE_FIELD_MIN);
	comparison_deinit(&c);
	answers_deinit(&log);
	answers_deinit(&model);
}

/* Lists are part of the value; the first of two with one key belongs to the first. */
static void lists_and_repeats(void **state)
{
	struct answers log = { 0 }, model = { 0 };
	struct comparison c;

	(void)state;
	for (int side = 0; side < 2; side++) {
		struct answers *as = side ? &model : &log;

		add(as, ANSWER_FALLBACK, 0, 0);
		answers_push(as, 0);
		answers_push(as, side ? 2 : 1);
		add(as, ANSWER_HASH, -1, 1);
		add(as, ANSWER_HASH, -1, 2);
	}
	assert_true(compare_answers(&log, &model, &c));
	assert_int_equal(c.counts[ANSWER_FALLBACK][COMPARE_DIFFER], 1);
	assert_int_equal(c.counts[ANSWER_HASH][COMPARE_AGREE], 2);
	comparison_deinit(&c);
	answers_deinit(&log);
	answers_deinit(&model);
}

/* The first answer of the model with this key that has no partner yet. */
static const struct answer *partner(const struct answers *model, const struct answer *a,
				    bool *taken)
{
	for (uint32_t i = 0; i < model->count; i++) {
		if (taken[i] || !answer_same_key(a, &model->items[i]))
			continue;
		taken[i] = true;
		return &model->items[i];
	}
	return NULL;
}

static void random_lists_as_a_plain_search(void **state)
{
	struct prng prng = prng_init(7);

	(void)state;
	for (int round = 0; round < 500; round++) {
		struct answers log = { 0 }, model = { 0 };
		uint32_t n = (uint32_t)prng_below(&prng, 40), seen = 0;
		bool *taken = calloc(100, sizeof(*taken));
		struct comparison c;

		assert_non_null(taken);
		for (uint32_t i = 0; i < 2 * n; i++)
			add(i & 1 ? &log : &model, (enum answer_kind)prng_below(&prng, 4),
			    (int32_t)prng_below(&prng, 5) - 1, prng_below(&prng, 2) + 1);
		assert_true(compare_answers(&log, &model, &c));
		for (uint32_t i = 0; i < c.count; i++) {
			if (!c.rows[i].recorded)
				continue;
			seen++;
		}
		assert_int_equal(seen, log.count);
		for (uint32_t i = 0; i < log.count; i++) {
			const struct answer *m = partner(&model, &log.items[i], taken);

			for (uint32_t r = 0; r < c.count; r++)
				if (c.rows[r].recorded == &log.items[i])
					assert_ptr_equal(c.rows[r].model, m);
		}
		comparison_deinit(&c);
		answers_deinit(&log);
		answers_deinit(&model);
		free(taken);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_verdict),
		cmocka_unit_test(silence_is_no_difference),
		cmocka_unit_test(lists_and_repeats),
		cmocka_unit_test(random_lists_as_a_plain_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
