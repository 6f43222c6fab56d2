/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "engine/units.h"
#include "traces/procfs/nodes.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"

static struct error *add(struct nodes *nodes, const char *file, const char *text)
{
	return nodes_add(nodes, file, text, strlen(text), file);
}

/* Node ids have a gap, files come in no order, and a node has no CPU. */
static void matrix(void **state)
{
	struct nodes nodes = { 0 };
	const struct nodes_node *node;
	uint32_t distance;

	(void)state;
	check_ok(add(&nodes, "node8.distance", "32 20 10\n"));
	check_ok(add(&nodes, "node0.cpulist", "0-1,4,6-7\n"));
	check_ok(add(&nodes, "node0.distance", "10 16 30"));
	check_ok(add(&nodes, "node3.distance", "17 10 21 \n\n"));
	check_ok(add(&nodes, "node3.cpulist", "\n"));
	check_ok(add(&nodes, "node8.cpulist", "65535\n"));
	check_ok(add(&nodes, "node8.meminfo", "Node 8 MemTotal: 5 kB\n"));
	check_ok(add(&nodes, "node8.numastat", "numa_hit 5\n"));
	check_ok(add(&nodes, "has_cpu", "0,8\n"));
	check_ok(add(&nodes, "node8.tomorrow", "?"));
	check_ok(add(&nodes, "nodeX.distance", "?"));
	check_ok(add(&nodes, "node99999.distance", "?"));
	check_ok(nodes_finish(&nodes, "numa"));

	assert_int_equal(nodes.nnodes, 3);
	assert_int_equal(nodes.unknown_files, 3);
	node = nodes_find(&nodes, 3);
	assert_ptr_equal(node, &nodes.nodes[1]);
	assert_true(node->has_cpus);
	assert_int_equal(node->ncpus, 0);
	assert_false(node->has_meminfo);
	assert_null(nodes_find(&nodes, 1));
	assert_int_equal(nodes.nodes[0].ncpus, 5);
	assert_int_equal(nodes.nodes[0].cpus[4], 7);
	assert_int_equal(nodes_of_cpu(&nodes, 6), 0);
	assert_int_equal(nodes_of_cpu(&nodes, 65535), 8);
	assert_int_equal(nodes_of_cpu(&nodes, 5), NID_NONE);
	assert_true(nodes_distance(&nodes, 0, 8, &distance));
	assert_int_equal(distance, 30);
	assert_true(nodes_distance(&nodes, 8, 0, &distance));
	assert_int_equal(distance, 32);
	assert_false(nodes_distance(&nodes, 0, 1, &distance));
	assert_int_equal(meminfo_find(&nodes.nodes[2].meminfo, "MemTotal")->value, 5);
	nodes_deinit(&nodes);
}

static void errors(void **state)
{
	static const struct {
		const char *file, *text;
		enum error_code code;
		uint32_t line, column;
	} cases[] = {
		{ "node0.distance", "", ERROR_FORMAT, 0, 0 },
		{ "node0.distance", "10 x", ERROR_SYNTAX, 1, 4 },
		{ "node0.distance", "10 4294967296", ERROR_RANGE, 1, 4 },
		{ "node0.distance", "10\n20\n", ERROR_SYNTAX, 1, 3 },
		{ "node0.cpulist", "0-", ERROR_SYNTAX, 1, 3 },
		{ "node0.cpulist", "3-1", ERROR_RANGE, 1, 4 },
		{ "node0.cpulist", "3,3", ERROR_RANGE, 1, 4 },
		{ "node0.cpulist", "0-3 5", ERROR_SYNTAX, 1, 5 },
		{ "node0.cpulist", "0-65536", ERROR_LIMIT, 1, 8 },
		{ "node0.cpulist", "4294967296", ERROR_RANGE, 1, 1 },
		{ "node0.cpulist", "x", ERROR_SYNTAX, 1, 1 },
		{ "node0.meminfo", "Node 1 MemTotal: 5 kB\n", ERROR_RANGE, 1, 0 },
		{ "node0.meminfo", "", ERROR_FORMAT, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nodes nodes = { 0 };

		check_error(add(&nodes, cases[i].file, cases[i].text), cases[i].code, cases[i].line,
			    cases[i].column);
		nodes_deinit(&nodes);
	}
}

static void contradictions(void **state)
{
	struct nodes nodes = { 0 };

	(void)state;
	check_ok(add(&nodes, "node0.distance", "10 20"));
	check_error(nodes_finish(&nodes, "numa"), ERROR_RANGE, 0, 0);
	check_ok(add(&nodes, "node1.cpulist", ""));
	check_ok(nodes_finish(&nodes, "numa"));
	check_error(add(&nodes, "node0.distance", "10 20"), ERROR_RANGE, 0, 0);
	check_error(add(&nodes, "node1.cpulist", ""), ERROR_RANGE, 0, 0);
	nodes_deinit(&nodes);
	check_error(nodes_read("traces/testdata/no such folder", &nodes), ERROR_NOT_FOUND, 0, 0);
}

static void read_list(const uint8_t *data, size_t len)
{
	struct nodes nodes = { 0 };

	error_destroy(nodes_add(&nodes, "node0.cpulist", (const char *)data, len, "x"));
	error_destroy(nodes_add(&nodes, "node0.distance", (const char *)data, len, "x"));
	error_destroy(nodes_finish(&nodes, "x"));
	nodes_deinit(&nodes);
}

static void damage(void **state)
{
	static const char text[] = "0-3,8,10-12,65535\n";

	(void)state;
	robust_truncate(read_list, text, sizeof(text) - 1);
	robust_damage(read_list, text, sizeof(text) - 1, 1, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matrix),
		cmocka_unit_test(errors),
		cmocka_unit_test(contradictions),
		cmocka_unit_test(damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
