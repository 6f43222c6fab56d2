/* SPDX-License-Identifier: MIT */
/* Who counts what, on two nodes: zone 0 is DMA32 of node 0, 1 is Normal of node 0, 2 is Normal of node 1. */
#include "engine/numa_stat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { DMA32_0, NORMAL_0, NORMAL_1, ZONES };

static struct buddy_zone zones[ZONES];
static const struct buddy lists = { .zones = zones, .zone_count = ZONES };

static int set_up(void **state)
{
	(void)state;
	memset(zones, 0, sizeof(zones));
	zones[NORMAL_1].nid = 1;
	return 0;
}

static void test_counts(void **state)
{
	struct numa_stat s[ZONES] = { 0 };
	const struct numa_stat first = { .hit = 2, .local = 2 };

	(void)state;
	/* The zone first tried, and a lower one of its node. */
	numa_stat_count(s, &lists, NORMAL_0, NORMAL_0, 0);
	numa_stat_count(s, &lists, NORMAL_0, NORMAL_0, 0);
	numa_stat_count(s, &lists, DMA32_0, NORMAL_0, 0);
	assert_memory_equal(&s[NORMAL_0], &first, sizeof(first));
	assert_int_equal(s[DMA32_0].hit, 1);
	assert_int_equal(s[DMA32_0].local, 1);
	/* Node 0 has nothing left. */
	numa_stat_count(s, &lists, NORMAL_1, NORMAL_0, 0);
	assert_int_equal(s[NORMAL_1].miss, 1);
	assert_int_equal(s[NORMAL_1].other, 1);
	assert_int_equal(s[NORMAL_1].hit, 0);
	assert_int_equal(s[NORMAL_0].foreign, 1);
	assert_int_equal(s[NORMAL_1].foreign, 0);
	/* A policy asked for node 1. */
	numa_stat_count(s, &lists, NORMAL_1, BUDDY_ZONE_NONE, 0);
	assert_int_equal(s[NORMAL_1].hit, 1);
	assert_int_equal(s[NORMAL_1].miss, 1);
	assert_int_equal(s[NORMAL_1].other, 2);
	/* A CPU of a node without memory: what is nearest is preferred, and other all the same. */
	numa_stat_count(s, &lists, NORMAL_0, NORMAL_0, 2);
	assert_int_equal(s[NORMAL_0].hit, 3);
	assert_int_equal(s[NORMAL_0].other, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_counts, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
