/* SPDX-License-Identifier: MIT */
/* The list of quirks: what each is called, and that it is wrong in one value and right in another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/quirk.h"

static void test_ids(void **state)
{
	char longer[128];

	(void)state;
	for (unsigned int q = 0; q < QUIRK_COUNT; q++) {
		const char *id = quirk_info((enum quirk)q)->id;
		size_t len = strlen(id);

		assert_int_equal(quirk_parse(id, len), q);
		/* Neither a part of it nor more than it, unless that is the name of another. */
		assert_int_not_equal(quirk_parse(id, len - 1), q);
		assert_true((size_t)snprintf(longer, sizeof(longer), "%sx", id) < sizeof(longer));
		assert_int_equal(quirk_parse(longer, len), q);
		assert_int_equal(quirk_parse(longer, len + 1), QUIRK_COUNT);
		longer[len - 1] = '#';
		assert_int_equal(quirk_parse(longer, len), QUIRK_COUNT);
	}
	assert_int_equal(quirk_parse("", 0), QUIRK_COUNT);
}

static void test_all_right(void **state)
{
	struct facts facts;

	(void)state;
	memset(&facts, 0xa5, sizeof(facts));
	quirks_all_right(&facts);
	for (unsigned int q = 0; q < QUIRK_COUNT; q++) {
		const struct quirk_info *info = quirk_info((enum quirk)q);

		assert_int_not_equal(info->wrong, info->right);
		assert_int_equal(fact_get(&facts, info->fact), info->right);
		assert_int_not_equal(strlen(info->trigger), 0);
	}
}

static void test_those_outside(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < quirks_outside_count; i++) {
		const char *id = quirks_outside[i].id;

		assert_int_equal(quirk_parse(id, strlen(id)), QUIRK_COUNT);
		assert_int_not_equal(strlen(quirks_outside[i].reason), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_all_right),
		cmocka_unit_test(test_those_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
