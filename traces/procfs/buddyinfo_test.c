/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "traces/procfs/buddyinfo.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"

#define DMA "Node 0, zone      DMA      1      0      0      1      2      1      0 \n"
#define DMA32 "Node 0, zone    DMA32     12      8      2      0      0      0    119 \n"
#define NODE1 "Node 1, zone   Normal      0      0      0      0      0      0      7 \n"
#define SAMPLE DMA DMA32 NODE1

static void rows(void **state)
{
	const struct buddyinfo_zone *zone;
	struct buddyinfo bi;

	(void)state;
	check_ok(buddyinfo_parse(SAMPLE, strlen(SAMPLE), "x", &bi));
	assert_int_equal(bi.nzones, 3);
	assert_int_equal(bi.norders, 7);
	assert_int_equal(bi.unknown_lines, 0);
	zone = buddyinfo_find(&bi, 0, "DMA32");
	assert_int_equal(zone->line, 2);
	assert_int_equal(zone->free[0], 12);
	assert_int_equal(zone->free[6], 119);
	assert_int_equal(buddyinfo_free_pages(&bi, zone), 12 + 16 + 8 + 64 * 119);
	assert_int_equal(buddyinfo_free_pages(&bi, buddyinfo_find(&bi, 0, "DMA")), 1 + 8 + 32 + 32);
	assert_null(buddyinfo_find(&bi, 1, "DMA32"));
	buddyinfo_deinit(&bi);
}

/* One order, as many as there may be, and sums that do not fit. */
static void sizes(void **state)
{
	static const char one[] = "Node 12, zone Device 18446744073709551615\n";
	static const char two[] = "quite unknown\nNode 0, zone X 2 9223372036854775807\n"
				  "Node 0, zone Y 2 9223372036854775808\n";
	char many[512] = "Node 0, zone X";
	struct buddyinfo bi;

	(void)state;
	check_ok(buddyinfo_parse(one, sizeof(one) - 1, "x", &bi));
	assert_int_equal(bi.zones[0].nid, 12);
	assert_true(buddyinfo_free_pages(&bi, &bi.zones[0]) == UINT64_MAX);
	buddyinfo_deinit(&bi);

	check_ok(buddyinfo_parse(two, sizeof(two) - 1, "x", &bi));
	assert_int_equal(bi.unknown_lines, 1);
	assert_int_equal(bi.first_unknown_line, 1);
	assert_true(buddyinfo_free_pages(&bi, &bi.zones[0]) == UINT64_MAX);
	assert_true(buddyinfo_free_pages(&bi, &bi.zones[1]) == UINT64_MAX);
	buddyinfo_deinit(&bi);

	for (int i = 0; i < 64; i++)
		strcat(many, " 1");
	check_ok(buddyinfo_parse(many, strlen(many), "x", &bi));
	assert_int_equal(bi.norders, 64);
	assert_true(buddyinfo_free_pages(&bi, &bi.zones[0]) == UINT64_MAX);
	buddyinfo_deinit(&bi);
	strcat(many, " 1");
	check_error(buddyinfo_parse(many, strlen(many), "x", &bi), ERROR_LIMIT, 1, 144);
}

/* What was there before a refusal is there after it. */
static struct error *refused(const char *text, size_t len)
{
	struct buddyinfo bi = { .nzones = 77 };
	struct error *err = buddyinfo_parse(text, len, "x", &bi);

	assert_int_equal(bi.nzones, 77);
	return err;
}

static void errors(void **state)
{
	static const struct check_row rows[] = {
		{ "", ERROR_FORMAT, 0, 0 },
		{ "\n\n", ERROR_FORMAT, 0, 0 },
		{ DMA DMA32 "Node 1, zone   Normal      0", ERROR_RANGE, 3, 29 },
		{ DMA "Node 1, zone   Normal\n", ERROR_SYNTAX, 2, 22 },
		{ DMA "Node 1, zone   Normal 5x\n", ERROR_SYNTAX, 2, 24 },
		{ DMA "Node 1, zone   Normal, type Movable 5\n", ERROR_SYNTAX, 2, 22 },
		{ "Node 0, zone DMA 18446744073709551616\n", ERROR_RANGE, 1, 18 },
		{ "Node 0, zone DMA -1\n", ERROR_SYNTAX, 1, 18 },
		{ DMA DMA, ERROR_RANGE, 2, 19 },
	};

	(void)state;
	check_errors(rows, sizeof(rows) / sizeof(rows[0]), refused);
}

static void read_any(const uint8_t *data, size_t len)
{
	struct buddyinfo bi;
	struct error *err = buddyinfo_parse((const char *)data, len, "x", &bi);

	error_destroy(err);
	if (err)
		return;
	for (uint32_t i = 0; i < bi.nzones; i++)
		buddyinfo_free_pages(&bi, &bi.zones[i]);
	buddyinfo_deinit(&bi);
}

static void damage(void **state)
{
	(void)state;
	robust_truncate(read_any, SAMPLE, strlen(SAMPLE));
	robust_damage(read_any, SAMPLE, strlen(SAMPLE), 1, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(sizes),
		cmocka_unit_test(errors),
		cmocka_unit_test(damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
