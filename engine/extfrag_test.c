/* SPDX-License-Identifier: MIT */
/* Both indices, worked out by hand. */
#include "engine/extfrag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/*
 *	order	   0	1	2	3
 *	blocks	  10	5	0	2
 *	pages	  10   10	0      16	36 in all
 */
static void test_indices(void **state)
{
	static const uint64_t some[] = { 10, 5, 0, 2 }, small[] = { 6, 1, 0, 0 }, none[4] = { 0 };

	(void)state;
	assert_int_equal(extfrag_unusable_index(some, 4, 0), 0);
	assert_int_equal(extfrag_unusable_index(some, 4, 1), 277); /* 10 of 36 */
	assert_int_equal(extfrag_unusable_index(some, 4, 2), 555); /* 20 of 36 */
	assert_int_equal(extfrag_unusable_index(some, 4, 3), 555);
	assert_int_equal(extfrag_index(some, 4, 3), EXTFRAG_WOULD_PASS);
	/* Eight pages in seven blocks: order 2 lacks a block, order 3 as well. */
	assert_int_equal(extfrag_unusable_index(small, 4, 2), 1000);
	assert_int_equal(extfrag_index(small, 4, 1), EXTFRAG_WOULD_PASS);
	assert_int_equal(extfrag_index(small, 4, 2), 1000 - 3000 / 7);
	assert_int_equal(extfrag_index(small, 4, 3), 1000 - 2000 / 7);
	assert_int_equal(extfrag_unusable_index(none, 4, 0), 1000);
	assert_int_equal(extfrag_index(none, 4, 0), 0);
}

/* One block where twice as much is asked for: there is too little, and it is in one piece. */
static void test_too_little(void **state)
{
	static const uint64_t one[] = { 0, 0, 1, 0 };

	(void)state;
	assert_int_equal(extfrag_index(one, 4, 3), 1000 - 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_indices),
		cmocka_unit_test(test_too_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
