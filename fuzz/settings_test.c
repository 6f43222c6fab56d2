/* SPDX-License-Identifier: MIT */
#include "fuzz/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_all(void **state)
{
	struct settings_text s;

	(void)state;
	assert_null(settings_read(NULL, NULL, &s));
	assert_int_equal(s.settings.version, 0);
	assert_int_equal(s.settings.fact_count, 0);
	assert_null(settings_read("6.1.9",
				  "node_load_accumulates=0,memoryless_local_node_skipped=on", &s));
	assert_int_equal(s.settings.version, FACTS_VERSION(6, 1, 9));
	assert_int_equal(s.settings.fact_count, 2);
	assert_int_equal(s.settings.facts[0].fact, FACT_node_load_accumulates);
	assert_int_equal(s.settings.facts[0].value, 0);
	assert_int_equal(s.settings.facts[1].fact, FACT_memoryless_local_node_skipped);
	assert_int_equal(s.settings.facts[1].value, 1);
}

static void refuse(const char *era, const char *set)
{
	struct settings_text s;
	struct error *err = settings_read(era, set, &s);

	assert_non_null(err);
	error_destroy(err);
}

static void test_refused(void **state)
{
	static char many[SETTINGS_FACTS_MAX * 32];

	(void)state;
	refuse("none", NULL);
	refuse(NULL, "no_such_fact=1");
	refuse(NULL, "node_load_accumulates");
	refuse(NULL, "node_load_accumulates=maybe");
	refuse(NULL, ",");
	for (int i = 0; i <= SETTINGS_FACTS_MAX; i++)
		strcat(many, "node_load_accumulates=0,");
	refuse(NULL, many);
}

/* As a recipe has them, and a campaign its settings. */
static void test_written(void **state)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	struct settings_text s;

	(void)state;
	assert_null(settings_read(NULL, NULL, &s));
	settings_write(&s.settings, ", ", &sink);
	assert_int_equal(text.len, 0);
	assert_null(settings_read("5.10.3", "node_load_accumulates=0,memblock_nomap=1", &s));
	s.settings.quirks = true;
	settings_write(&s.settings, ", ", &sink);
	assert_string_equal(sink_text_string(&text),
			    ", era 5.10.3, set node_load_accumulates=0, set memblock_nomap=1, "
			    "as-is");
	sink_text_deinit(&text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
