/* SPDX-License-Identifier: MIT */
/*
 * Log text against real boots: of each, dmesg and dmesg -r were taken, and both must give the same
 * messages at the same times, none of them lost, split or joined.  What the console showed is
 * cleaned as well.
 */
#include <string.h>

#include "traces/dmesg/text.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"

struct comparison {
	unsigned int boots;
	size_t messages;
};

static void compare(const char *path, const struct log_text *plain, const struct log_text *raw)
{
	size_t i;

	if (plain->nlines != raw->nlines)
		fail_msg("%s: %zu messages without levels, %zu with", path, plain->nlines,
			 raw->nlines);
	for (i = 0; i < plain->nlines; i++) {
		const struct log_line *a = &plain->lines[i], *b = &raw->lines[i];

		if (strcmp(a->text, b->text) || a->time_ns != b->time_ns)
			fail_msg("%s: message %zu differs: \"%s\", \"%s\"", path, i, a->text,
				 b->text);
		assert_true(a->has_time && b->has_time);
		assert_int_equal(a->level, -1);
		assert_true(b->level >= 0);
	}
	assert_int_equal(plain->nlines, plain->counts.source_lines);
	assert_int_equal(plain->split_lines + plain->joined_lines + plain->cut_lines, 0);
	assert_int_equal(plain->nboots, 1);
}

static void visit(const char *path, void *ctx)
{
	struct comparison *comparison = ctx;
	struct input plain, raw, serial;
	struct log_text a = { 0 }, b = { 0 };

	captures_read(path, "dmesg.txt", &plain);
	captures_read(path, "dmesg-raw.txt", &raw);
	captures_read(path, "serial.txt", &serial);
	if (plain.data && raw.data) {
		check_ok(log_text_parse(plain.data, plain.size, &a));
		check_ok(log_text_parse(raw.data, raw.size, &b));
		compare(path, &a, &b);
		comparison->boots++;
		comparison->messages += a.nlines;
		log_text_deinit(&a);
		log_text_deinit(&b);
	}
	if (serial.size) {
		check_ok(log_text_parse(serial.data, serial.size, &a));
		log_text_deinit(&a);
	}
	input_deinit(&plain);
	input_deinit(&raw);
	input_deinit(&serial);
}

static void agrees_with_captures(void **state)
{
	const char *dir = captures_dir();
	struct comparison comparison = { 0 };

	(void)state;
	captures_each(dir, visit, &comparison);
	print_message("%u boots, %zu messages\n", comparison.boots, comparison.messages);
	assert_true(comparison.boots > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_captures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
