/* SPDX-License-Identifier: MIT */
/*
 * A boot without its answers: the model must not need what it is compared with.
 *
 *	whole log ---------------------------> boot --> lines
 *	whole log -- answer lines taken out --> boot --> the same lines
 *
 * Taken out are the lines that lines.def calls ANSWER, the reserve lines of allocations, and every
 * MEMBLOCK dump but the first.  What is BOTH stays: that it is there is an input, what it says is not
 * looked at (changing it is another test's business).  So does the reserve line of an allocation that
 * no other line tells of: older kernels do not print every request, and its size is an input then.
 */
#include "traces/testing/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/boot.h"
#include "traces/answer_text.h"
#include "traces/capture.h"
#include "traces/dmesg/text.h"
#include "traces/testing/captures.h"

enum { INPUT, ANSWER, BOTH };

static const struct {
	const char *prefix;
	int yields;
} rows[] = {
#define LINE(id, family, prefix, yields, kernels) { prefix, yields },
#include "traces/lines.def"
#undef LINE
};

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* Is the line one that tells what the kernel decided? */
static bool tells_answer(const char *text)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!rows[i].prefix[0])
			return strstr(text, " hash table entries: ") != NULL;
		if (begins(text, rows[i].prefix))
			return rows[i].yields == ANSWER;
	}
	return false;
}

/* Line @i is what an allocation got, and the request or the user of it stands beside. */
static bool is_placement(const struct log_text *log, size_t i)
{
	const char *text = log->lines[i].text;
	const char *before = i ? log->lines[i - 1].text : "";
	const char *after = i + 1 < log->nlines ? log->lines[i + 1].text : "";

	if ((!begins(text, "memblock_reserve: [") && !begins(text, "__memblock_reserve: [")) ||
	    (!strstr(text, " memblock_alloc_") && !strstr(text, " memblock_virt_alloc_")))
		return false;
	return strstr(before, " bytes align=0x") || begins(after, "NODE_DATA(") ||
	       begins(after, "NUMA: NODE_DATA") || begins(after, "cma: Reserved") ||
	       begins(after, "Allocated new RAMDISK");
}

static bool is_dump(const char *text)
{
	return begins(text, "MEMBLOCK configuration:") || begins(text, " memory") ||
	       begins(text, " reserved");
}

/* Writes @log without its answers to @path; returns how many lines went. */
static unsigned int write_stripped(const struct log_text *log, const char *path)
{
	FILE *f = fopen(path, "w");
	unsigned int gone = 0, dumps = 0;

	assert_non_null(f);
	for (size_t i = 0; i < log->nlines; i++) {
		const char *text = log->lines[i].text;

		dumps += begins(text, "MEMBLOCK configuration:");
		if (tells_answer(text) || is_placement(log, i) || (dumps > 1 && is_dump(text)))
			gone++;
		else
			fprintf(f, "[    0.000000] %s\n", text);
	}
	assert_int_equal(fclose(f), 0);
	return gone;
}

/* The lines of a boot of @path. */
static char *lines_of(const char *path)
{
	struct boot_log log = { 0 };
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	struct answer_text t;
	struct machine m;

	machine_init(&m);
	check_ok(capture_read(path, &log));
	boot_run(&m, &log.input, STAGE_LATE);
	assert_false(m.out_of_memory);
	answer_text_init(&t, &log.input, &m.answers);
	answer_text_boot(&t, &m.answers, &sink);
	machine_deinit(&m);
	boot_log_deinit(&log);
	assert_non_null(text.data);
	return text.data;
}

/* Prints where two texts part; true when they do. */
static bool parts(const char *name, const char *a, const char *b)
{
	while (*a || *b) {
		size_t la = strcspn(a, "\n"), lb = strcspn(b, "\n");

		if (la != lb || memcmp(a, b, la)) {
			print_error("%s:\n  with answers    %.*s\n  without answers %.*s\n", name,
				    (int)la, a, (int)lb, b);
			return true;
		}
		a += la + (a[la] == '\n');
		b += lb + (b[lb] == '\n');
	}
	return false;
}

struct tally {
	unsigned int captures, gone, wrong, excused;
	char dir[256];
};

/* Where a crash kernel lies is not derived from crashkernel= yet. */
static bool is_excused(const char *path)
{
	return strstr(path, "-crash-huge") != NULL;
}

/* @log_only: the log by itself, without what lies beside it in the capture. */
static void compare(const char *path, struct tally *tally, bool log_only)
{
	static const char *const beside[] = { "SRAT.aml",    "SLIT.aml",    "kernel-config.txt",
					      "version.txt", "iomem.txt",   "numa",
					      "fdt.dtb",     "cmdline.txt", "sysctl" };
	char whole[4096], stripped[512], from[4096], to[512];
	struct log_text log = { 0 };
	struct input input;
	char *a, *b;

	captures_read(path, "dmesg.txt", &input);
	if (!input.data)
		return;
	check_ok(log_text_parse(input.data, input.size, &log));
	snprintf(stripped, sizeof(stripped), "%s/dmesg.txt", tally->dir);
	tally->gone += write_stripped(&log, stripped);
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]) && !log_only; i++) {
		snprintf(from, sizeof(from), "%s/%s", path, beside[i]);
		snprintf(to, sizeof(to), "%s/%s", tally->dir, beside[i]);
		if (!access(from, F_OK) && from[0] == '/')
			assert_int_equal(symlink(from, to), 0);
	}
	snprintf(whole, sizeof(whole), log_only ? "%s/dmesg.txt" : "%s", path);
	a = lines_of(whole);
	b = lines_of(log_only ? stripped : tally->dir);
	if (is_excused(path))
		tally->excused++;
	else
		tally->wrong += parts(whole, a, b);
	tally->captures++;
	free(a);
	free(b);
	unlink(stripped);
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		snprintf(to, sizeof(to), "%s/%s", tally->dir, beside[i]);
		unlink(to);
	}
	log_text_deinit(&log);
	input_deinit(&input);
}

static void compare_log(const char *path, void *ctx)
{
	compare(path, ctx, true);
}

static void compare_folder(const char *path, void *ctx)
{
	compare(path, ctx, false);
}

static void compare_all(const char *dir, void (*visit)(const char *path, void *ctx))
{
	const char *tmp = getenv("TEST_TMPDIR");
	struct tally tally = { 0 };

	snprintf(tally.dir, sizeof(tally.dir), "%s/deleted-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(tally.dir));
	captures_each(dir, visit, &tally);
	print_message("%u captures, %u lines taken out, %u boots differ\n", tally.captures,
		      tally.gone, tally.wrong);
	rmdir(tally.dir);
	assert_int_equal(tally.wrong, 0);
	assert_true(tally.captures > 0);
	assert_true(tally.gone > 20 * tally.captures);
}

static void small_logs_without_answers(void **state)
{
	(void)state;
	compare_all("traces/captures", compare_log);
}

static void all_logs_without_answers(void **state)
{
	(void)state;
	compare_all(captures_dir(), compare_log);
}

static void all_folders_without_answers(void **state)
{
	(void)state;
	compare_all(captures_dir(), compare_folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_logs_without_answers),
		cmocka_unit_test(all_logs_without_answers),
		cmocka_unit_test(all_folders_without_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
