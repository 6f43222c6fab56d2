/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fuzz/campaign/kept.h"

/* How often somebody waited for the disk. */
static unsigned int syncs;

int fsync(int fd)
{
	(void)fd;
	syncs++;
	return 0;
}

static char folder[512];

static int set_up(void **unused)
{
	const char *top = getenv("TEST_TMPDIR");

	(void)unused;
	snprintf(folder, sizeof(folder), "%s/kept-XXXXXX", top ? top : "/tmp");
	syncs = 0;
	return mkdtemp(folder) ? 0 : -1;
}

/* Inputs come about again, and there are many: nobody waits for the disk.  A finding is worth it. */
static void waits_for_disk(void **unused)
{
	const struct target *target = target_find("dmesg");
	const struct target_settings settings = { 0 };
	const struct results_finding f = {
		.target = "dmesg", .id = "crash-6", .input = "abc", .input_size = 3
	};
	char path[600];
	bool is_new = false;

	(void)unused;
	assert_non_null(target);
	assert_null(kept_make_folders(folder));
	assert_null(kept_add_input(folder, "dmesg", "abc", 3, &is_new));
	assert_true(is_new);
	assert_null(kept_add_input(folder, "dmesg", "abc", 3, &is_new));
	assert_false(is_new);
	assert_true(kept_has_input(folder, "dmesg", kept_hash("abc", 3)));
	assert_int_equal(syncs, 0);
	snprintf(path, sizeof(path), "%s/findings/0001-crash-6.bin", folder);
	assert_null(kept_write_finding(path, target, &settings, &f));
	assert_int_equal(access(path, R_OK), 0);
	assert_int_equal(syncs, 2);
}

static void expect_settings_path(const char *finding, const char *expected)
{
	char *path = kept_settings_path(finding);

	assert_non_null(path);
	assert_string_equal(path, expected);
	free(path);
}

/* A finding comes with what it takes to run it again. */
static void comes_with_settings(void **unused)
{
	static const char expected[] = "# How 0001-has-b.bin was found.\ntarget dmesg\nera 6.1.0\n"
				       "set memblock_flags=0\nas-is\n";
	const struct target_fact fact = { FACT_memblock_flags, 0 };
	const struct target_settings settings = {
		.version = 6u << 24 | 1u << 16, .facts = &fact, .fact_count = 1, .quirks = true
	};
	const struct results_finding f = {
		.target = "dmesg", .id = "has-b", .input = "abc", .input_size = 3
	};
	char path[600], text[200] = "";
	char *beside;
	FILE *in;

	(void)unused;
	assert_null(kept_make_folders(folder));
	snprintf(path, sizeof(path), "%s/findings/0001-has-b.bin", folder);
	assert_null(kept_write_finding(path, target_find("dmesg"), &settings, &f));
	beside = kept_settings_path(path);
	assert_non_null(beside);
	in = fopen(beside, "r");
	assert_non_null(in);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, in), strlen(expected));
	assert_string_equal(text, expected);
	fclose(in);
	free(beside);
	expect_settings_path("a.b/c", "a.b/c.conf");
	expect_settings_path("c.mmtrace", "c.conf");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(waits_for_disk, set_up),
		cmocka_unit_test_setup(comes_with_settings, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
