/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/facts.h"
#include "fuzz/campaign/recipe.h"

static void write_recipe(char path[512], const char *text)
{
	const char *folder = getenv("TEST_TMPDIR");
	FILE *f;

	snprintf(path, 512, "%s/recipe.conf", folder ? folder : "/tmp");
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void all_settings(void **unused)
{
	struct recipe r = { 0 };
	char path[512];

	(void)unused;
	write_recipe(path, "# words\n\n  target topology\t\r\ntarget memblock\nera 6.12.3\n"
			   "set node_load_accumulates=off\ntime 10m\ntime 2h\n"
			   "engine libfuzzer\nengine afl\nas-is");
	assert_null(recipe_read(path, &r));
	assert_int_equal(r.target_count, 2);
	assert_string_equal(r.targets[0], "topology");
	assert_string_equal(r.targets[1], "memblock");
	assert_int_equal(r.version, FACTS_VERSION(6, 12, 3));
	assert_int_equal(r.fact_count, 1);
	assert_string_equal(r.facts[0], "node_load_accumulates=off");
	assert_string_equal(r.time, "2h");
	assert_string_equal(r.engine, "afl");
	assert_true(r.as_is);
	recipe_deinit(&r);
	remove(path);
}

static void refused(void **unused)
{
	static const struct {
		const char *text;
		uint32_t line, column;
	} cases[] = {
		{ "target a\nfarget b\n", 2, 1 },
		{ "\n\n  target\n", 3, 3 },
		{ "era never", 1, 1 },
		{ "time 5", 1, 1 },
		{ "set no_such_fact=1", 1, 1 },
		{ "set node_load_accumulates=maybe", 1, 1 },
		{ "as-is now", 1, 1 },
		{ "engine steam", 1, 1 },
	};
	char path[512];

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct recipe r = { 0 };
		struct error *err;

		write_recipe(path, cases[i].text);
		err = recipe_read(path, &r);
		assert_non_null(err);
		assert_int_equal(err->code, ERROR_SYNTAX);
		assert_int_equal(err->line, cases[i].line);
		assert_int_equal(err->column, cases[i].column);
		assert_string_equal(err->file, path);
		error_destroy(err);
		recipe_deinit(&r);
	}
	remove(path);
}

/* As a campaign's folder keeps them. */
static void settings_of_a_folder(void **unused)
{
	struct recipe r = { 0 }, wrong = { 0 };
	struct error *err;

	(void)unused;
	assert_null(recipe_parse_settings(
		"out",
		"target topology, target memblock, era 6.12.107, set node_load_accumulates=0, as-is",
		&r));
	assert_int_equal(r.target_count, 2);
	assert_string_equal(r.targets[1], "memblock");
	assert_int_equal(r.version, FACTS_VERSION(6, 12, 107));
	assert_string_equal(r.facts[0], "node_load_accumulates=0");
	assert_true(r.as_is);
	recipe_deinit(&r);
	err = recipe_parse_settings("out", "target topology, kernel 6.12", &wrong);
	assert_non_null(err);
	assert_int_equal(err->code, ERROR_SYNTAX);
	assert_string_equal(err->file, "out");
	error_destroy(err);
	recipe_deinit(&wrong);
}

static void durations(void **unused)
{
	static const struct {
		const char *text;
		int64_t milliseconds; /* -1: refused */
	} cases[] = { { "1s", 1000 },
		      { "90s", 90000 },
		      { "10m", 600000 },
		      { "8h", 28800000 },
		      { "1000d", 86400000000 },
		      { "1001d", -1 },
		      { "0", 0 },
		      { "0s", 0 },
		      { "5", -1 },
		      { "s", -1 },
		      { "", -1 },
		      { "1ss", -1 },
		      { "-1s", -1 },
		      { "99999999999999999999s", -1 } };
	uint64_t ret;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(recipe_duration(cases[i].text, &ret), cases[i].milliseconds >= 0);
		if (cases[i].milliseconds >= 0)
			assert_int_equal(ret, cases[i].milliseconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_settings),
		cmocka_unit_test(refused),
		cmocka_unit_test(settings_of_a_folder),
		cmocka_unit_test(durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
