/* SPDX-License-Identifier: MIT */
/*
 * A boot without its answers: the model must not need what it is compared with.
 *
 *	whole log ---------------------------> boot --> lines
 *	whole log -- answer lines taken out --> boot --> the same lines
 *	whole log -- some of them taken out --> boot --> the same lines
 *	whole log -- lines of the first dump taken out --> boot --> nothing that the log contradicts
 *
 * The last is another matter: the first dump is an input, and nothing else tells what it holds.  But half
 * of it must not be taken for all.
 *
 * Taken out are the lines that lines.def calls ANSWER, the reserve lines of allocations, and every
 * MEMBLOCK dump but the first.  What is BOTH stays: that it is there is an input, what it says is not
 * looked at (changing it is another test's business).  So does the reserve line of an allocation that
 * no other line tells of: older kernels do not print every request, and its size is an input then.
 */
#include "traces/testing/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/boot.h"
#include "engine/prng.h"
#include "traces/answer_text.h"
#include "traces/capture.h"
#include "traces/compare.h"
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

enum loss {
	LOSE_ALL, /* answers */
	LOSE_SOME, /* of them, by chance */
	LOSE_MEMORY_LINE, /* which tells both, and is no input to any other line */
	LOSE_FIRST_DUMP, /* some of its lines, by chance */
};

/* Writes @log without what is lost to @path; returns how many lines went. */
static unsigned int write_stripped(const struct log_text *log, const char *path, enum loss loss,
				   uint64_t seed)
{
	struct prng prng = prng_init(seed);
	FILE *f = fopen(path, "w");
	unsigned int gone = 0, dumps = 0;

	assert_non_null(f);
	for (size_t i = 0; i < log->nlines; i++) {
		const char *text = log->lines[i].text;
		bool answer, lost;

		dumps += begins(text, "MEMBLOCK configuration:");
		answer = tells_answer(text) || is_placement(log, i) || (dumps > 1 && is_dump(text));
		lost = loss == LOSE_MEMORY_LINE	 ? begins(text, "Memory: ")
		       : loss == LOSE_FIRST_DUMP ? dumps == 1 && is_dump(text)
						 : answer;
		if ((loss == LOSE_SOME || loss == LOSE_FIRST_DUMP) && prng_chance(&prng, 1, 2))
			lost = false;
		if (lost)
			gone++;
		else
			fprintf(f, "[    0.000000] %s\n", text);
	}
	assert_int_equal(fclose(f), 0);
	return gone;
}

/* Without the sizes of the kernel's sections, which no other line tells. */
static void forget_sections(char *text)
{
	char *line = strstr(text, "Memory: "), *open = line ? strchr(line, '(') : NULL;
	char *last = open ? strstr(open, "K bss, ") : NULL;

	if (last)
		memmove(open + 1, last + 7, strlen(last + 7) + 1);
}

/* What of @path the model contradicts. */
static uint32_t differences_of(const char *path)
{
	struct boot_log log = { 0 };
	struct comparison c;
	struct machine m;
	uint32_t ret;

	machine_init(&m);
	check_ok(capture_read(path, &log));
	boot_run(&m, &log.input, STAGE_LATE);
	assert_true(compare_answers(&log.recorded, &m.answers, &c));
	ret = comparison_differences(&c);
	comparison_deinit(&c);
	machine_deinit(&m);
	boot_log_deinit(&log);
	return ret;
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
	forget_sections(text.data);
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

#define SEEDS 4

struct tally {
	unsigned int captures, gone, wrong;
	enum loss loss;
	uint64_t seed;
	char dir[256];
};

/* The same for a capture wherever it lies. */
static uint64_t seed_of(const char *path, uint64_t seed)
{
	const char *name = strrchr(path, '/');

	for (name = name ? name + 1 : path; *name; name++)
		seed = seed * 31 + (unsigned char)*name;
	return seed;
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
	tally->gone += write_stripped(&log, stripped, tally->loss, seed_of(path, tally->seed));
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]) && !log_only; i++) {
		snprintf(from, sizeof(from), "%s/%s", path, beside[i]);
		snprintf(to, sizeof(to), "%s/%s", tally->dir, beside[i]);
		if (!access(from, F_OK) && from[0] == '/')
			assert_int_equal(symlink(from, to), 0);
	}
	snprintf(whole, sizeof(whole), log_only ? "%s/dmesg.txt" : "%s", path);
	if (tally->loss == LOSE_FIRST_DUMP) {
		uint32_t differences = differences_of(log_only ? stripped : tally->dir);

		if (differences)
			print_error("%s, seed %" PRIu64 ": %" PRIu32 " answers differ\n", whole,
				    tally->seed, differences);
		tally->wrong += differences > 0;
	} else {
		a = lines_of(whole);
		b = lines_of(log_only ? stripped : tally->dir);
		tally->wrong += parts(whole, a, b);
		free(a);
		free(b);
	}
	tally->captures++;
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

static void compare_all(const char *dir, void (*visit)(const char *path, void *ctx), enum loss loss,
			uint64_t seed, unsigned int least)
{
	const char *tmp = getenv("TEST_TMPDIR");
	struct tally tally = { .loss = loss, .seed = seed };

	snprintf(tally.dir, sizeof(tally.dir), "%s/deleted-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(tally.dir));
	captures_each(dir, visit, &tally);
	print_message("%u captures, seed %" PRIu64 ", %u lines taken out, %u boots differ\n",
		      tally.captures, seed, tally.gone, tally.wrong);
	rmdir(tally.dir);
	assert_int_equal(tally.wrong, 0);
	assert_true(tally.captures > 0);
	assert_true(tally.gone >= least * tally.captures);
}

static void small_logs_without_answers(void **state)
{
	(void)state;
	compare_all("traces/captures", compare_log, LOSE_ALL, 0, 20);
}

static void all_logs_without_answers(void **state)
{
	(void)state;
	compare_all(captures_dir(), compare_log, LOSE_ALL, 0, 20);
}

static void all_folders_without_answers(void **state)
{
	(void)state;
	compare_all(captures_dir(), compare_folder, LOSE_ALL, 0, 20);
}

static void small_logs_without_some(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		compare_all("traces/captures", compare_log, LOSE_SOME, seed, 10);
}

static void all_logs_without_some(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		compare_all(captures_dir(), compare_log, LOSE_SOME, seed, 10);
}

static void all_folders_without_some(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		compare_all(captures_dir(), compare_folder, LOSE_SOME, seed, 10);
}

static void all_logs_without_memory_line(void **state)
{
	(void)state;
	compare_all(captures_dir(), compare_log, LOSE_MEMORY_LINE, 0, 1);
}

static void small_logs_with_parts_of_a_dump(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		compare_all("traces/captures", compare_log, LOSE_FIRST_DUMP, seed, 1);
}

static void all_logs_with_parts_of_a_dump(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		compare_all(captures_dir(), compare_log, LOSE_FIRST_DUMP, seed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_logs_without_answers),
		cmocka_unit_test(all_logs_without_answers),
		cmocka_unit_test(all_folders_without_answers),
		cmocka_unit_test(small_logs_without_some),
		cmocka_unit_test(all_logs_without_some),
		cmocka_unit_test(all_folders_without_some),
		cmocka_unit_test(all_logs_without_memory_line),
		cmocka_unit_test(small_logs_with_parts_of_a_dump),
		cmocka_unit_test(all_logs_with_parts_of_a_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
