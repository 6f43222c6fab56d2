/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "engine/units.h"
#include "traces/procfs/meminfo.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"

#define SAMPLE                          \
	"MemTotal:        2001712 kB\n" \
	"Active(anon):       1712 kB\n" \
	"HugePages_Total:       3\n"    \
	"VmallocTotal:   34359738367 kB\n"

static void machine(void **state)
{
	struct meminfo mi;
	uint64_t kb = 77;

	(void)state;
	check_ok(meminfo_parse(SAMPLE, strlen(SAMPLE), "x", &mi));
	assert_int_equal(mi.nid, NID_NONE);
	assert_int_equal(mi.nentries, 4);
	assert_int_equal(mi.unknown_lines, 0);
	assert_true(meminfo_kb(&mi, "Active(anon)", &kb));
	assert_int_equal(kb, 1712);
	assert_true(meminfo_kb(&mi, "VmallocTotal", &kb));
	assert_true(kb == 34359738367);
	assert_false(meminfo_kb(&mi, "HugePages_Total", &kb));
	assert_int_equal(meminfo_find(&mi, "HugePages_Total")->value, 3);
	assert_int_equal(meminfo_find(&mi, "HugePages_Total")->line, 3);
	assert_null(meminfo_find(&mi, "Active"));
	meminfo_deinit(&mi);
}

static void node(void **state)
{
	static const char text[] = "\nNode 12 MemTotal:          964556 kB\n"
				   "a table of old\n"
				   "Node 12 Pages: many\n"
				   "Node 12 MemFree: 5 MB\n"
				   "Node 12 HugePages_Free:      4\n";
	struct meminfo mi;

	(void)state;
	check_ok(meminfo_parse(text, sizeof(text) - 1, "x", &mi));
	assert_int_equal(mi.nid, 12);
	assert_int_equal(mi.nentries, 2);
	assert_int_equal(mi.unknown_lines, 3);
	assert_int_equal(mi.first_unknown_line, 3);
	assert_string_equal(mi.entries[0].key, "MemTotal");
	assert_false(mi.entries[1].kb);
	meminfo_deinit(&mi);
}

/* What was there before a refusal is there after it. */
static struct error *refused(const char *text, size_t len)
{
	struct meminfo mi = { .nentries = 77 };
	struct error *err = meminfo_parse(text, len, "x", &mi);

	assert_int_equal(mi.nentries, 77);
	return err;
}

static void errors(void **state)
{
	static const struct check_row rows[] = {
		{ "", ERROR_FORMAT, 0, 0 },
		{ "x\n", ERROR_FORMAT, 0, 0 },
		{ "MemTotal: 18446744073709551616 kB\n", ERROR_RANGE, 1, 11 },
		{ "MemTotal: 5 kB\nMemTotal: 5 kB\n", ERROR_RANGE, 2, 1 },
		{ "Node 0 MemTotal: 5 kB\nNode 1 MemFree: 5 kB\n", ERROR_RANGE, 2, 1 },
		{ "Node x MemTotal: 5 kB\n", ERROR_SYNTAX, 1, 6 },
	};

	(void)state;
	check_errors(rows, sizeof(rows) / sizeof(rows[0]), refused);
}

static void read_any(const uint8_t *data, size_t len)
{
	struct meminfo mi;
	struct error *err = meminfo_parse((const char *)data, len, "x", &mi);

	error_destroy(err);
	if (!err)
		meminfo_deinit(&mi);
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
		cmocka_unit_test(machine),
		cmocka_unit_test(node),
		cmocka_unit_test(errors),
		cmocka_unit_test(damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
