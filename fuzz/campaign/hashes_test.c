/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuzz/campaign/hashes.h"

/* Each is there once, also those that meet in one place, and none that was not added. */
static void each_once(void **unused)
{
	struct hashes h = { 0 };

	(void)unused;
	assert_false(hashes_has(&h, 0));
	assert_false(hashes_has(&h, 7));
	for (uint64_t i = 0; i < 1000; i++)
		assert_true(hashes_add(&h, i << 32));
	for (uint64_t i = 0; i < 1000; i++) {
		assert_false(hashes_add(&h, i << 32));
		assert_true(hashes_has(&h, i << 32));
		assert_false(hashes_has(&h, i << 32 | 1));
	}
	hashes_deinit(&h);
	assert_false(hashes_has(&h, 0));
	assert_false(hashes_has(&h, 1ULL << 32));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_once) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
