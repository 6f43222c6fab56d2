/* SPDX-License-Identifier: MIT */
/*
 * Explanations of real reports.  Those that strangers posted, every file of the folder that
 * MMREPLAY_PUBLIC_LOGS names: sums must add up, and whatever tells its request must be explained.
 * Those of captures: a machine of one CPU changes nothing between the failure and the report, so every
 * zone that refused must refuse again.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "traces/explain.h"
#include "traces/input.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"
#include "traces/testing/explain_check.h"

#define ONE_CPU "-up-" /* in the name of a capture */

struct tally {
	unsigned int files, reports, verdicts[EXPLAIN_VERDICT_COUNT];
};

static void look(const char *path, const char *name, struct tally *tally)
{
	struct explanations all = { 0 };
	struct log_text text = { 0 };
	struct input input = { 0 };
	struct error *err;

	check_ok(input_read(path, NULL, &input));
	err = log_text_parse(input.data, input.size, &text);
	input_deinit(&input);
	if (err) {
		error_destroy(err);
		return;
	}
	check_ok(explain_log(text.lines, text.nlines, NULL, &all));
	tally->files += all.count > 0;
	for (size_t i = 0; i < all.count; i++) {
		const struct explanation *e = &all.all[i];

		explain_check(e, name);
		tally->reports++;
		tally->verdicts[e->verdict]++;
		print_message("%s line %u: %s\n", name, e->first_line,
			      explain_verdict_name(e->verdict));
		if (e->report->request.kind != MEMINFO_REQUEST_NONE && e->report->line &&
		    !explain_is_explained(e->verdict))
			fail_msg("%s line %u has a request and is not explained: %s", name,
				 e->first_line, explain_verdict_name(e->verdict));
	}
	explanations_deinit(&all);
	log_text_deinit(&text);
}

static void reports_of_strangers(void **state)
{
	const char *dir = getenv("MMREPLAY_PUBLIC_LOGS");
	struct tally tally = { 0 };
	struct dirent **entries;
	int n;

	(void)state;
	if (!dir || !*dir) {
		print_message("skipped: MMREPLAY_PUBLIC_LOGS names no folder of logs\n");
		skip();
	}
	n = scandir(dir, &entries, NULL, alphasort);
	if (n < 0)
		fail_msg("%s cannot be read", dir);
	for (int i = 0; i < n; i++) {
		char path[4096];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (!stat(path, &st) && S_ISREG(st.st_mode))
			look(path, entries[i]->d_name, &tally);
		free(entries[i]);
	}
	free(entries);
	print_message("%u reports in %u files\n", tally.reports, tally.files);
	assert_true(tally.reports > 0);
}

static void look_at_capture(const char *path, void *ctx)
{
	struct explanations all = { 0 };
	struct log_text text = { 0 };
	struct tally *tally = ctx;
	struct input input;

	captures_read(path, "dmesg.txt", &input);
	if (!input.data)
		return;
	check_ok(log_text_parse(input.data, input.size, &text));
	check_ok(explain_log(text.lines, text.nlines, NULL, &all));
	for (size_t i = 0; i < all.count; i++) {
		const struct explanation *e = &all.all[i];

		explain_check(e, path);
		assert_int_equal(e->version_source, EXPLAIN_VERSION_REPORT);
		assert_true(explain_is_explained(e->verdict));
		if (strstr(path, ONE_CPU) && e->verdict != EXPLAIN_REFUSED)
			fail_msg("%s line %u: %s", path, e->first_line,
				 explain_verdict_name(e->verdict));
		tally->reports++;
	}
	explanations_deinit(&all);
	log_text_deinit(&text);
	input_deinit(&input);
}

static void reports_of_captures(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	captures_each(captures_dir(), look_at_capture, &tally);
	print_message("%u reports\n", tally.reports);
	assert_true(tally.reports > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_of_strangers),
		cmocka_unit_test(reports_of_captures),
	};

	return cmocka_run_group_tests_name("explain_captures", tests, NULL, NULL);
}
