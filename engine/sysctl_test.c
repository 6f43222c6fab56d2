/* SPDX-License-Identifier: MIT */
/* Tests of the sysctls: which kernel has which, and what it takes for a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sysctl.h"

static void names(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < SYSCTL_COUNT; i++) {
		const char *name = sysctl_name((enum sysctl)i);

		assert_int_equal(sysctl_find(name, strlen(name)), i);
		assert_int_equal(sysctl_find(name, strlen(name) - 1), SYSCTL_COUNT);
	}
	assert_int_equal(sysctl_find("swappiness", 10), SYSCTL_COUNT);
	assert_int_equal(sysctl_find("min_free_kbytes=5", 15), SYSCTL_MIN_FREE_KBYTES);
}

static void kernels(void **state)
{
	static const struct {
		uint32_t version;
		bool factor, fraction, high_fraction;
		int64_t most;
	} rows[] = {
		{ FACTS_VERSION(2, 6, 32), false, true, false, 1000 },
		{ FACTS_VERSION(4, 4, 302), false, true, false, 1000 },
		{ FACTS_VERSION(5, 10, 223), true, true, false, 1000 },
		{ FACTS_VERSION(6, 1, 176), true, false, true, 3000 },
		{ FACTS_VERSION(6, 12, 107), true, false, true, 3000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts facts;

		facts_init(&facts, rows[i].version);
		assert_true(sysctl_exists(SYSCTL_MIN_FREE_KBYTES, &facts));
		assert_true(sysctl_exists(SYSCTL_LOWMEM_RESERVE_RATIO, &facts));
		assert_int_equal(sysctl_exists(SYSCTL_WATERMARK_SCALE_FACTOR, &facts),
				 rows[i].factor);
		assert_int_equal(sysctl_exists(SYSCTL_PCP_FRACTION, &facts), rows[i].fraction);
		assert_int_equal(sysctl_exists(SYSCTL_PCP_HIGH_FRACTION, &facts),
				 rows[i].high_fraction);
		assert_int_equal(sysctl_limits(SYSCTL_WATERMARK_SCALE_FACTOR, &facts).max,
				 rows[i].most);
	}
}

static void values(void **state)
{
	static const struct {
		enum sysctl which;
		const char *text;
		enum sysctl_verdict verdict;
		uint64_t value;
	} rows[] = {
		{ SYSCTL_MIN_FREE_KBYTES, "0", SYSCTL_WRITTEN, 0 },
		{ SYSCTL_MIN_FREE_KBYTES, " 65536\n", SYSCTL_WRITTEN, 65536 },
		{ SYSCTL_MIN_FREE_KBYTES, "0x1F", SYSCTL_WRITTEN, 31 },
		{ SYSCTL_MIN_FREE_KBYTES, "017", SYSCTL_WRITTEN, 15 },
		{ SYSCTL_MIN_FREE_KBYTES, "2147483647", SYSCTL_WRITTEN, INT32_MAX },
		{ SYSCTL_MIN_FREE_KBYTES, "2147483648", SYSCTL_OUT_OF_RANGE, 0 },
		{ SYSCTL_MIN_FREE_KBYTES, "18446744073709551617", SYSCTL_OUT_OF_RANGE, 0 },
		{ SYSCTL_MIN_FREE_KBYTES, "-1", SYSCTL_OUT_OF_RANGE, 0 },
		{ SYSCTL_MIN_FREE_KBYTES, "", SYSCTL_NO_NUMBER, 0 },
		{ SYSCTL_MIN_FREE_KBYTES, "-", SYSCTL_NO_NUMBER, 0 },
		{ SYSCTL_MIN_FREE_KBYTES, "abc", SYSCTL_NO_NUMBER, 0 },
		{ SYSCTL_MIN_FREE_KBYTES, "0x", SYSCTL_NO_NUMBER, 0 },
		{ SYSCTL_MIN_FREE_KBYTES, "64M", SYSCTL_NO_NUMBER, 0 },
		{ SYSCTL_MIN_FREE_KBYTES, "08", SYSCTL_NO_NUMBER, 0 },
		/* The second number is nothing to it. */
		{ SYSCTL_MIN_FREE_KBYTES, "5 x", SYSCTL_WRITTEN, 5 },
		{ SYSCTL_WATERMARK_SCALE_FACTOR, "0", SYSCTL_OUT_OF_RANGE, 0 },
		{ SYSCTL_WATERMARK_SCALE_FACTOR, "1", SYSCTL_WRITTEN, 1 },
		{ SYSCTL_WATERMARK_SCALE_FACTOR, "3000", SYSCTL_WRITTEN, 3000 },
		{ SYSCTL_WATERMARK_SCALE_FACTOR, "3001", SYSCTL_OUT_OF_RANGE, 0 },
		{ SYSCTL_PCP_FRACTION, "0", SYSCTL_WRITTEN, 0 },
		{ SYSCTL_PCP_FRACTION, "7", SYSCTL_OUT_OF_RANGE, 0 },
		{ SYSCTL_PCP_FRACTION, "8", SYSCTL_WRITTEN, 8 },
		{ SYSCTL_PCP_HIGH_FRACTION, "1", SYSCTL_OUT_OF_RANGE, 0 },
		{ SYSCTL_PCP_HIGH_FRACTION, "-8", SYSCTL_OUT_OF_RANGE, 0 },
		{ SYSCTL_LOWMEM_RESERVE_RATIO, "-4", SYSCTL_WRITTEN, 0 },
	};
	struct facts facts;

	(void)state;
	facts_init(&facts, FACTS_VERSION(6, 12, 107));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t got[SYSCTL_VALUES_MAX] = { 0 };
		unsigned int count;

		assert_int_equal(sysctl_read(rows[i].which, rows[i].text, &facts, got, &count),
				 rows[i].verdict);
		assert_int_equal(count, rows[i].verdict == SYSCTL_WRITTEN);
		assert_int_equal(got[0], rows[i].value);
	}
}

static void lists(void **state)
{
	uint64_t got[SYSCTL_VALUES_MAX];
	unsigned int count;

	(void)state;
	assert_int_equal(sysctl_read(SYSCTL_LOWMEM_RESERVE_RATIO, "256\t32 0 ", NULL, got, &count),
			 SYSCTL_WRITTEN);
	assert_int_equal(count, 3);
	assert_int_equal(got[0], 256);
	assert_int_equal(got[1], 32);
	assert_int_equal(got[2], 0);
	/* More than there can be are nothing. */
	assert_int_equal(sysctl_read(SYSCTL_LOWMEM_RESERVE_RATIO, "1 2 3 4 5 6 7 8 9", NULL, got,
				     &count),
			 SYSCTL_WRITTEN);
	assert_int_equal(count, SYSCTL_VALUES_MAX);
	/* What came before the mistake stays written. */
	assert_int_equal(sysctl_read(SYSCTL_LOWMEM_RESERVE_RATIO, "5 x", NULL, got, &count),
			 SYSCTL_NO_NUMBER);
	assert_int_equal(count, 1);
	assert_int_equal(got[0], 5);
	assert_int_equal(sysctl_read(SYSCTL_LOWMEM_RESERVE_RATIO, "1,2", NULL, got, &count),
			 SYSCTL_NO_NUMBER);
	assert_int_equal(count, 0);
	assert_int_equal(sysctl_read(SYSCTL_LOWMEM_RESERVE_RATIO, "", NULL, got, &count),
			 SYSCTL_NO_NUMBER);
	assert_int_equal(sysctl_read(SYSCTL_LOWMEM_RESERVE_RATIO, "7 -2147483649", NULL, got,
				     &count),
			 SYSCTL_OUT_OF_RANGE);
	assert_int_equal(count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(kernels),
		cmocka_unit_test(values),
		cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
