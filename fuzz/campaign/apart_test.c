/* SPDX-License-Identifier: MIT */
#include "fuzz/campaign/apart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *create(const struct target_settings *settings)
{
	(void)settings;
	return malloc(1);
}

/* L: for ever; X: to a crash; E: to an exit; F: to a finding. */
static void run(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	volatile uint32_t turns = 0;

	(void)state;
	while (size && data[0] == 'L')
		turns++;
	if (size && data[0] == 'X')
		abort();
	if (size && data[0] == 'E')
		exit(7);
	if (size && data[0] == 'F')
		target_report_add(report, "found", "an F");
}

static const struct target target_letters = {
	.name = "letters",
	.property = "no input begins with one of LXEF",
	.create = create,
	.destroy = free,
	.run_bytes = run,
};

static void what_does_not_end_is_named(void **unused)
{
	static const struct {
		const char *input, *id;
		uint64_t milliseconds; /* what ends has all the time that a busy host may take */
	} rows[] = { { "fine", NULL, 60000 },
		     { "Found", NULL, 60000 }, /* for whoever runs it again */
		     { "Long", "hang", 1000 },
		     { "X", "crash-6", 60000 },
		     { "E", "crash-7", 60000 } };
	struct target_runner *runner = NULL;

	(void)unused;
	assert_null(target_runner_create(&target_letters, NULL, &runner));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct target_report report = { 0 };
		struct apart_id id;
		bool ends = apart_ends(runner, (const uint8_t *)rows[i].input,
				       strlen(rows[i].input), rows[i].milliseconds, &id, &report);

		assert_int_equal(ends, !rows[i].id);
		assert_int_equal(report.finding_count, !ends);
		if (!ends)
			assert_string_equal(report.findings[0].id, rows[i].id);
	}
	target_runner_destroy(runner);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_does_not_end_is_named) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
