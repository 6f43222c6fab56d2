/* SPDX-License-Identifier: MIT */
/* Campaigns against targets that are made to fail. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fuzz/campaign/campaign.h"

static void *create(const struct target_settings *settings)
{
	struct target_settings *s = malloc(sizeof(*s));

	if (s)
		*s = *settings;
	return s;
}

/* Wrong is any input with a 'b', as long as the first fact that is set has its value. */
static void run_finder(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	const struct target_settings *s = state;

	if (size && memchr(data, 'b', size) && s->fact_count && s->facts[0].value == 0)
		target_report_add(report, "has-b", "a 'b' in %zu bytes", size);
}

static void run_crasher(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	(void)state;
	(void)report;
	if (size && data[0] == 'X')
		abort();
}

static void run_looper(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	volatile uint32_t turns = 0;

	(void)state;
	(void)report;
	while (size && data[0] == 'L')
		turns++;
}

/* Many seeds, and how often any of them ran, by all processes together. */
enum { COUNTED_SEEDS = 4000, COUNTED_SIZE = 32 };
static volatile uint32_t *seed_runs;
static char counter_text[COUNTED_SEEDS][COUNTED_SIZE + 1];
static const char *counter_seeds[COUNTED_SEEDS + 1];

static void run_counter(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	char text[COUNTED_SIZE + 1] = "";
	unsigned long number;

	(void)state;
	(void)report;
	if (size != COUNTED_SIZE)
		return;
	memcpy(text, data, size);
	number = strtoul(text, NULL, 10);
	if (number < COUNTED_SEEDS && !strcmp(text, counter_text[number]))
		++*seed_runs;
}

static const char *const finder_seeds[] = { "aaab", NULL };
static const char *const crasher_seeds[] = { "fine", "Xray", NULL };
static const char *const looper_seeds[] = { "fine", "Long", NULL };
static const struct target finder = { .name = "finder",
				      .property = "no input has a b",
				      .create = create,
				      .destroy = free,
				      .run_bytes = run_finder,
				      .seeds = finder_seeds };
static const struct target crasher = { .name = "crasher",
				       .property = "no input begins with an X",
				       .create = create,
				       .destroy = free,
				       .run_bytes = run_crasher,
				       .seeds = crasher_seeds };
static const struct target looper = { .name = "looper",
				      .property = "no input begins with an L",
				      .create = create,
				      .destroy = free,
				      .run_bytes = run_looper,
				      .seeds = looper_seeds };

/* Inputs are told apart by their first byte.  There is a folder for the name. */
static void run_keeper(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	(void)state;
	target_report_feature(report, size ? data[0] : 256);
}

static const struct target keeper = { .name = "memblock",
				      .property = "none",
				      .create = create,
				      .destroy = free,
				      .run_bytes = run_keeper,
				      .seeds = looper_seeds };
static const struct target *const only_keeper[] = { &keeper };
static const struct target counter = { .name = "counter",
				       .property = "none",
				       .create = create,
				       .destroy = free,
				       .run_bytes = run_counter,
				       .seeds = counter_seeds };

static const struct target *const only_counter[] = { &counter };
static const struct target *const only_looper[] = { &looper };
static const struct target *const only_finder[] = { &finder }, *const both[] = { &finder,
										 &crasher };
static const struct target_fact facts[] = { { FACT_memblock_flags, 0 },
					    { FACT_memblock_nomap, 1 } };

static char folder[512];

static int set_up(void **unused)
{
	const char *top = getenv("TEST_TMPDIR");

	(void)unused;
	snprintf(folder, sizeof(folder), "%s/campaign-XXXXXX", top ? top : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static struct campaign_options options_of(const struct target *const *list, unsigned int count)
{
	struct campaign_options o = { .targets = list,
				      .target_count = count,
				      .settings = { .facts = facts, .fact_count = 2 },
				      .description = "a test",
				      .jobs = 2,
				      .seed = 1,
				      .milliseconds = UINT64_MAX,
				      .executions = 3000,
				      .folder = folder };

	return o;
}

/* The groups of the folder as text. */
static bool append(void *ctx, const struct results_finding *f)
{
	char *text = ctx;

	snprintf(text + strlen(text), 400 - strlen(text), "%s %s [%s] %.*s %d;", f->target, f->id,
		 f->facts, (int)f->input_size, (const char *)f->input, f->minimised);
	return true;
}

static void expect_groups(const char *expected, uint64_t executions_min)
{
	char *path = campaign_results_path(folder), text[400] = "";
	struct results_work work;
	struct results *r;

	assert_non_null(path);
	assert_null(results_open(path, &r));
	assert_null(results_each_finding(r, append, text));
	assert_null(results_work(r, NULL, &work));
	assert_string_equal(text, expected);
	assert_true(work.executions >= executions_min);
	results_close(r);
	free(path);
}

/* What is found is made small, and the fact that it takes is named; the other is not. */
static void found_and_small(void **unused)
{
	struct campaign_options o = options_of(only_finder, 1);
	struct campaign_status status = { 0 };
	struct error *err;

	(void)unused;
	assert_null(campaign_run(&o, &status));
	assert_int_equal(status.groups, 1);
	assert_int_equal(status.minimised, 1);
	assert_int_equal(status.executions, 6000);
	expect_groups("finder has-b [memblock_flags=0] b 1;", 6000);
	/* The folder is taken, but can be gone on with, by the same campaign. */
	err = campaign_run(&o, &status);
	assert_non_null(err);
	assert_int_equal(err->code, ERROR_RANGE);
	error_destroy(err);
	o.resume = true;
	assert_null(campaign_run(&o, &status));
	assert_int_equal(status.work.executions, 12000);
	expect_groups("finder has-b [memblock_flags=0] b 1;", 12000);
	o.description = "another test";
	err = campaign_run(&o, &status);
	assert_non_null(err);
	assert_int_equal(err->code, ERROR_RANGE);
	error_destroy(err);
}

/* What is known runs once, however many turns there are. */
static void known_runs_once(void **unused)
{
	struct campaign_options o = options_of(only_counter, 1);
	struct campaign_status status = { 0 };

	(void)unused;
	seed_runs = mmap(NULL, sizeof(*seed_runs), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(seed_runs != MAP_FAILED);
	for (unsigned int i = 0; i < COUNTED_SEEDS; i++) {
		snprintf(counter_text[i], sizeof(counter_text[i]), "%032u", i);
		counter_seeds[i] = counter_text[i];
	}
	o.jobs = 1;
	o.executions = 100000;
	assert_null(campaign_run(&o, &status));
	assert_int_equal(status.executions, 100000);
	assert_true(*seed_runs >= COUNTED_SEEDS);
	/* Some mutants come out as they were. */
	assert_true(*seed_runs < COUNTED_SEEDS * 2);
	munmap((void *)(uintptr_t)seed_runs, sizeof(*seed_runs));
}

static unsigned int count_files(void)
{
	unsigned int count = 0;
	struct dirent *entry;
	char path[600];
	DIR *dir;

	snprintf(path, sizeof(path), "%s/corpus/%s", folder, keeper.name);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* Kept is what is new in the folder, whichever worker told it, and in whichever run. */
static void counts_kept(void **unused)
{
	struct campaign_options o = options_of(only_keeper, 1);
	struct campaign_status status = { 0 };

	(void)unused;
	assert_null(campaign_run(&o, &status));
	assert_true(count_files() > 2);
	assert_int_equal(status.work.kept, count_files());
	o.resume = true;
	assert_null(campaign_run(&o, &status));
	assert_int_equal(status.work.kept, count_files());
}

static void run_sleeper(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	const struct timespec t = { 0, 200000 };

	(void)state;
	(void)data;
	(void)size;
	(void)report;
	nanosleep(&t, NULL);
}

/* One process tries all targets, however short the time and slow they are. */
static void all_have_a_turn(void **unused)
{
	static const char *const names[] = { "slow-1", "slow-2", "slow-3", "slow-4" };
	enum { COUNT = sizeof(names) / sizeof(*names) };
	struct target sleepers[COUNT];
	const struct target *list[COUNT];
	struct campaign_options o = options_of(list, COUNT);
	struct campaign_status status = { 0 };
	struct results *r;
	char *path = campaign_results_path(folder);

	(void)unused;
	assert_non_null(path);
	for (unsigned int i = 0; i < COUNT; i++) {
		sleepers[i] = looper;
		sleepers[i].name = names[i];
		sleepers[i].run_bytes = run_sleeper;
		list[i] = &sleepers[i];
	}
	o.jobs = 1;
	o.executions = UINT64_MAX;
	o.milliseconds = 2000;
	assert_null(campaign_run(&o, &status));
	assert_null(results_open(path, &r));
	for (unsigned int i = 0; i < COUNT; i++) {
		struct results_work work;

		assert_null(results_work(r, names[i], &work));
		assert_true(work.executions > 0);
	}
	results_close(r);
	free(path);
}

static void nothing_to_resume(void **unused)
{
	struct campaign_options o = options_of(only_finder, 1);
	struct campaign_status status;
	struct error *err;

	(void)unused;
	o.resume = true;
	err = campaign_run(&o, &status);
	assert_non_null(err);
	assert_int_equal(err->code, ERROR_RANGE);
	error_destroy(err);
}

/* A worker that crashes leaves its input, which is made small, and the others go on. */
static void crash(void **unused)
{
	struct campaign_options o = options_of(both, 2);
	struct campaign_status status = { 0 };

	(void)unused;
	o.jobs = 1;
	o.milliseconds = 1500;
	assert_null(campaign_run(&o, &status));
	assert_true(status.crashes > 0);
	assert_true(status.groups >= 2);
	expect_groups("finder has-b [memblock_flags=0] b 1;crasher crash-6 [] X 1;", 1);
}

/* So does one that hangs. */
static void endless(void **unused)
{
	struct campaign_options o = options_of(only_looper, 1);
	struct campaign_status status = { 0 };

	(void)unused;
	o.jobs = 1;
	o.milliseconds = 1500;
	o.hang_milliseconds = 1000;
	assert_null(campaign_run(&o, &status));
	assert_int_equal(status.groups, 1);
	expect_groups("looper hang [] L 1;", 0);
}

static void wait_a_little(void)
{
	struct timespec t = { 0, 20000000 };

	nanosleep(&t, NULL);
}

/* Whatever was found is there when the campaign is killed, and can be gone on with. */
static void killed(void **unused)
{
	struct campaign_options o = options_of(only_finder, 1);
	struct campaign_status status = { 0 };
	char *path = campaign_results_path(folder);
	bool found = false;
	pid_t child;

	(void)unused;
	o.executions = UINT64_MAX;
	child = fork();
	if (!child) {
		campaign_run(&o, &status);
		_exit(0);
	}
	assert_true(child > 0);
	while (!found) {
		char text[400] = "";
		struct results *r;
		struct error *err;

		wait_a_little();
		if (access(path, F_OK))
			continue;
		/* It may be in the middle of making the file. */
		err = results_open(path, &r);
		if (err) {
			error_destroy(err);
			continue;
		}
		assert_null(results_each_finding(r, append, text));
		found = strstr(text, "has-b") != NULL;
		results_close(r);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	o.resume = true;
	o.executions = 1024;
	assert_null(campaign_run(&o, &status));
	expect_groups("finder has-b [memblock_flags=0] b 1;", 1024);
	free(path);
}

/* Somebody sets the flag, and it ends. */
static void stopped(void **unused)
{
	static volatile sig_atomic_t stop = 1;
	struct campaign_options o = options_of(only_finder, 1);
	struct campaign_status status = { 0 };

	(void)unused;
	o.executions = UINT64_MAX;
	o.stop = &stop;
	assert_null(campaign_run(&o, &status));
}

/* The end of the line is what people wait for. */
static void status_fits(void **unused)
{
	struct campaign_status status = { .milliseconds = 61999, .executions = 123456 };
	char text[CAMPAIGN_STATUS_SIZE];

	(void)unused;
	status.work.coverage = 27465;
	status.work.kept = 9999;
	status.groups = 14;
	status.minimised = 12;
	campaign_status_text(&status, text);
	assert_string_equal(text, "61 s: 123k runs, 1991/s; coverage 27k; kept 9999; "
				  "found 14, small 12");
	status.milliseconds = UINT64_C(9999) * 60000;
	status.executions = UINT64_C(999999) * 600 * 1000000;
	memset(&status.work, 0xff, sizeof(status.work));
	status.groups = status.minimised = 9999;
	campaign_status_text(&status, text);
	assert_string_equal(text, "9999 min: 599T runs, 1.0G/s; coverage 18E; kept 18E; "
				  "found 9999, small 9999");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(found_and_small, set_up),
		cmocka_unit_test_setup(known_runs_once, set_up),
		cmocka_unit_test_setup(counts_kept, set_up),
		cmocka_unit_test_setup(all_have_a_turn, set_up),
		cmocka_unit_test(status_fits),
		cmocka_unit_test_setup(nothing_to_resume, set_up),
		cmocka_unit_test_setup(crash, set_up),
		cmocka_unit_test_setup(endless, set_up),
		cmocka_unit_test_setup(killed, set_up),
		cmocka_unit_test_setup(stopped, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
