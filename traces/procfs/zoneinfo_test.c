/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/procfs/zoneinfo.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"

#define DATA "traces/testdata/procfs/zoneinfo-"

#define LEVELS                                                                            \
	(ZONEINFO_FREE | ZONEINFO_MIN | ZONEINFO_LOW | ZONEINFO_HIGH | ZONEINFO_SPANNED | \
	 ZONEINFO_PRESENT)
#define END (ZONEINFO_START_PFN | ZONEINFO_UNRECLAIMABLE)
#define PCP \
	(ZONEINFO_PCP_COUNT | ZONEINFO_PCP_HIGH | ZONEINFO_PCP_BATCH | ZONEINFO_PCP_STAT_THRESHOLD)

static const struct {
	const char *era;
	uint32_t nzones;
	uint32_t has; /* of the first zone */
	uint32_t pcp_has;
	uint32_t nprotection, nstats, nnode_stats, npagesets;
} eras[] = {
	{ "2.6.32", 2,
	  LEVELS | END | ZONEINFO_SCANNED | ZONEINFO_PREV_PRIORITY | ZONEINFO_INACTIVE_RATIO, PCP,
	  3, 4, 0, 2 },
	{ "4.4", 1, LEVELS | END | ZONEINFO_SCANNED | ZONEINFO_MANAGED | ZONEINFO_INACTIVE_RATIO,
	  PCP, 2, 4, 0, 1 },
	{ "4.9", 1, LEVELS | END | ZONEINFO_SCANNED | ZONEINFO_MANAGED | ZONEINFO_INACTIVE_RATIO,
	  PCP, 3, 6, 4, 1 },
	{ "5.10", 4, LEVELS | END | ZONEINFO_MANAGED, PCP, 4, 6, 4, 2 },
	{ "6.1", 4, LEVELS | END | ZONEINFO_MANAGED | ZONEINFO_BOOST | ZONEINFO_CMA, PCP, 4, 6, 4,
	  2 },
	{ "6.12", 4,
	  LEVELS | END | ZONEINFO_MANAGED | ZONEINFO_BOOST | ZONEINFO_CMA | ZONEINFO_PROMO,
	  PCP | ZONEINFO_PCP_HIGH_MIN | ZONEINFO_PCP_HIGH_MAX, 4, 6, 4, 2 },
	{ "7.2", 4,
	  LEVELS | END | ZONEINFO_MANAGED | ZONEINFO_BOOST | ZONEINFO_CMA | ZONEINFO_PROMO |
		  ZONEINFO_RESERVED_HIGHATOMIC | ZONEINFO_FREE_HIGHATOMIC,
	  PCP | ZONEINFO_PCP_HIGH_MIN | ZONEINFO_PCP_HIGH_MAX, 4, 6, 4, 2 },
};

static char *read_era(size_t i, size_t *len_ret)
{
	char path[128];

	snprintf(path, sizeof(path), DATA "%s.txt", eras[i].era);
	return check_read(path, len_ret);
}

/* What each kernel prints is there, and nothing else. */
static void every_era(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(eras) / sizeof(eras[0]); i++) {
		const struct zoneinfo_zone *zone;
		struct zoneinfo zi;
		size_t len;
		char *text = read_era(i, &len);

		check_ok(zoneinfo_parse(text, len, eras[i].era, &zi));
		free(text);
		zone = &zi.zones[0];
		if (zi.nzones != eras[i].nzones || zi.unknown_lines || zone->has != eras[i].has ||
		    zone->nprotection != eras[i].nprotection || zone->nstats != eras[i].nstats ||
		    zone->nnode_stats != eras[i].nnode_stats ||
		    zone->npagesets != eras[i].npagesets ||
		    zone->pagesets[0].has != eras[i].pcp_has)
			fail_msg("%s: %u zones, %u unknown, has %x, %u %u %u %u, pcp %x",
				 eras[i].era, zi.nzones, zi.unknown_lines, zone->has,
				 zone->nprotection, zone->nstats, zone->nnode_stats,
				 zone->npagesets, zone->pagesets[0].has);
		zoneinfo_deinit(&zi);
		assert_null(zi.zones);
	}
}

static void values_of_2_6_32(void **state)
{
	const struct zoneinfo_zone *zone;
	struct zoneinfo zi;
	size_t len;
	char *text = read_era(0, &len);

	(void)state;
	check_ok(zoneinfo_parse(text, len, "zoneinfo", &zi));
	free(text);
	zone = zoneinfo_find(&zi, 0, "DMA32");
	assert_non_null(zone);
	assert_int_equal(zone->line, 29);
	assert_int_equal(zone->free, 480000);
	assert_int_equal(zone->min, 5602);
	assert_int_equal(zone->low, 7002);
	assert_int_equal(zone->high, 8403);
	assert_int_equal(zone->scanned, 0);
	assert_int_equal(zone->spanned, 524272);
	assert_int_equal(zone->present, 511200);
	assert_int_equal(zone->prev_priority, 12);
	assert_int_equal(zone->inactive_ratio, 1);
	assert_int_equal(zone->start_pfn, 4096);
	assert_false(zoneinfo_has(zone, ZONEINFO_MANAGED));
	assert_int_equal(zone->pagesets[1].count, 55);
	assert_int_equal(zone->pagesets[1].high, 186);
	assert_int_equal(zone->pagesets[1].stat_threshold, 24);
	assert_int_equal(zi.zones[0].protection[2], 1996);
	zoneinfo_deinit(&zi);
}

static void values_of_7_2(void **state)
{
	const struct zoneinfo_zone *zone;
	struct zoneinfo zi;
	size_t len;
	char *text = read_era(6, &len);

	(void)state;
	check_ok(zoneinfo_parse(text, len, "zoneinfo", &zi));
	free(text);
	zone = zoneinfo_find(&zi, 0, "DMA32");
	assert_int_equal(zone->promo, 14350);
	assert_int_equal(zone->managed, 501022);
	assert_int_equal(zone->reserved_highatomic, 512);
	assert_int_equal(zone->free_highatomic, 480);
	assert_int_equal(zone->nnode_stats, 0);
	assert_int_equal(zoneinfo_pageset_of(zone, 1)->count, 12);
	assert_int_equal(zoneinfo_pageset_of(zone, 1)->high_min, 378);
	assert_int_equal(zoneinfo_pageset_of(zone, 1)->high_max, 1512);
	assert_int_equal(zoneinfo_pageset_of(zone, 1)->batch, 63);
	assert_null(zoneinfo_pageset_of(zone, 2));
	assert_int_equal(zoneinfo_stat_of(zone, "numa_hit")->value, 35);
	assert_null(zoneinfo_stat_of(zone, "nr_mapped"));
	assert_int_equal(zoneinfo_node_stat_of(&zi, 1, "nr_mapped")->value, 22);
	assert_null(zoneinfo_node_stat_of(&zi, 2, "nr_mapped"));

	/* A zone without memory is all zeros, and has no pagesets. */
	zone = zoneinfo_find(&zi, 0, "Movable");
	assert_int_equal(zone->present, 0);
	assert_true(zoneinfo_has(zone, ZONEINFO_PRESENT));
	assert_false(zoneinfo_has(zone, ZONEINFO_START_PFN));
	assert_int_equal(zone->nprotection, 4);
	assert_null(zone->pagesets);
	assert_null(zoneinfo_find(&zi, 1, "DMA32"));
	zoneinfo_deinit(&zi);
}

/* Statistics of the node, of the zone and of CPUs stay apart, whatever their names. */
static void sections(void **state)
{
	static const char text[] = "Node 0, zone A\n"
				   "  per-node stats\n"
				   "      nr_x 1\n"
				   "      cma  2\n"
				   "Node 0, zone B\n"
				   "        min      3\n"
				   "      nr_x 4\n"
				   "Node 1, zone A\n"
				   "  per-node stats\n"
				   "      nr_x 5\n"
				   "  pages free     6\n"
				   "        min      7\n"
				   "      nr_y 8\n"
				   "    cpu: 3\n"
				   "              high:  9\n"
				   "        high     10\n";
	const struct zoneinfo_zone *zone;
	struct zoneinfo zi;

	(void)state;
	check_ok(zoneinfo_parse(text, sizeof(text) - 1, "x", &zi));
	assert_int_equal(zi.unknown_lines, 0);
	assert_int_equal(zi.zones[0].has, 0);
	assert_int_equal(zi.zones[0].nnode_stats, 2);
	assert_int_equal(zoneinfo_node_stat_of(&zi, 0, "cma")->value, 2);
	assert_int_equal(zi.zones[1].min, 3);
	assert_int_equal(zi.zones[1].nnode_stats, 0);
	assert_int_equal(zoneinfo_stat_of(&zi.zones[1], "nr_x")->value, 4);
	zone = &zi.zones[2];
	assert_int_equal(zone->nnode_stats, 1);
	assert_int_equal(zone->node_stats[0].value, 5);
	assert_int_equal(zone->nstats, 1);
	assert_string_equal(zone->stats[0].name, "nr_y");
	assert_int_equal(zone->stats[0].value, 8);
	assert_int_equal(zone->pagesets[0].cpu, 3);
	assert_int_equal(zone->pagesets[0].high, 9);
	assert_int_equal(zone->high, 10);
	zoneinfo_deinit(&zi);
}

/* Fields of kernels to come are counted, and the rest is read. */
static void unknown_lines(void **state)
{
	static const char text[] = "> Node 0, zone   Normal\n"
				   "  pages free     5\n"
				   "        ??\n"
				   "        tomorrow 5 apples\n"
				   "  new_field: 7\n"
				   "        min      4 (as scanned was once)\r\n"
				   "\n"
				   "  start_pfn:  18446744073709551615\n";
	struct zoneinfo zi;

	(void)state;
	check_ok(zoneinfo_parse(text, sizeof(text) - 1, "x", &zi));
	assert_int_equal(zi.unknown_lines, 3);
	assert_int_equal(zi.first_unknown_line, 3);
	assert_int_equal(zi.zones[0].nstats, 0);
	assert_int_equal(zi.zones[0].min, 4);
	assert_true(zi.zones[0].start_pfn == UINT64_MAX);
	zoneinfo_deinit(&zi);
}

/* What was there before a refusal is there after it. */
static struct error *refused(const char *text, size_t len)
{
	struct zoneinfo zi = { .nzones = 77 };
	struct error *err = zoneinfo_parse(text, len, "x", &zi);

	assert_int_equal(zi.nzones, 77);
	return err;
}

static void errors(void **state)
{
#define ZONE "Node 0, zone DMA\n"
	static const struct check_row rows[] = {
		{ "", ERROR_FORMAT, 0, 0 },
		{ "MemTotal: 5 kB\n", ERROR_FORMAT, 0, 0 },
		{ "Node x, zone DMA\n", ERROR_SYNTAX, 1, 6 },
		{ "Node 4294967296, zone DMA\n", ERROR_RANGE, 1, 6 },
		{ "Node 0, zo", ERROR_SYNTAX, 1, 7 },
		{ "Node 0, zone DMA 5\n", ERROR_SYNTAX, 1, 17 },
		{ ZONE ZONE, ERROR_RANGE, 2, 14 },
		{ ZONE "  pages free x\n", ERROR_SYNTAX, 2, 14 },
		{ ZONE "  pages free 18446744073709551616\n", ERROR_RANGE, 2, 14 },
		{ ZONE "  pages free 5 6\n", ERROR_SYNTAX, 2, 15 },
		{ ZONE "  min 5\n  min 5\n", ERROR_RANGE, 3, 3 },
		{ ZONE "  min x\n", ERROR_SYNTAX, 2, 7 },
		{ ZONE "  nr_x 99999999999999999999\n", ERROR_RANGE, 2, 8 },
		{ ZONE "  protection: 5\n", ERROR_SYNTAX, 2, 15 },
		{ ZONE "  protection: (5, 6\n", ERROR_SYNTAX, 2, 20 },
		{ ZONE "  protection: (5, 99999999999999999999)\n", ERROR_RANGE, 2, 19 },
		{ ZONE "  protection: (5)\n  protection: (5)\n", ERROR_RANGE, 3, 14 },
		{ ZONE "  cpu: 1\n  cpu: 1\n", ERROR_RANGE, 3, 9 },
		{ ZONE "  cpu: 1\n  count: 1\n  count: 1\n", ERROR_RANGE, 4, 3 },
		{ ZONE "  cpu: x\n", ERROR_SYNTAX, 2, 8 },
	};

	(void)state;
	check_errors(rows, sizeof(rows) / sizeof(rows[0]), refused);
}

static void read_any(const uint8_t *data, size_t len)
{
	struct zoneinfo zi;
	struct error *err = zoneinfo_parse((const char *)data, len, "x", &zi);

	error_destroy(err);
	if (!err)
		zoneinfo_deinit(&zi);
}

static void damage(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(eras) / sizeof(eras[0]); i++) {
		size_t len;
		char *text = read_era(i, &len);

		robust_truncate(read_any, text, len);
		robust_damage(read_any, text, len, i + 1, 2000);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_era),	 cmocka_unit_test(values_of_2_6_32),
		cmocka_unit_test(values_of_7_2), cmocka_unit_test(sections),
		cmocka_unit_test(unknown_lines), cmocka_unit_test(errors),
		cmocka_unit_test(damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
