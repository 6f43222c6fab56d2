/* SPDX-License-Identifier: MIT */
/* The driver on targets of its own, which count what they are given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/driver.h"

/* Each input that is given has a number, in text; what is made up may have one, too. */
enum { GIVEN_COUNT = 3000, GIVEN_SIZE = 32 };

static char given_text[GIVEN_COUNT][GIVEN_SIZE + 1];
static unsigned int given_runs[GIVEN_COUNT], other_runs;

static void *create(const struct target_settings *settings)
{
	(void)settings;
	return malloc(1);
}

/* Every input does something new. */
static void run_counter(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	static uint32_t feature;
	char text[GIVEN_SIZE + 1] = "";
	unsigned long number;

	(void)state;
	target_report_feature(report, feature++);
	if (size == GIVEN_SIZE)
		memcpy(text, data, size);
	number = strtoul(text, NULL, 10);
	if (number < GIVEN_COUNT && !strcmp(text, given_text[number]))
		given_runs[number]++;
	else
		other_runs++;
}

static const char *const seeds[] = { "seed", NULL };
static const struct target counter = { .name = "counter",
				       .property = "none",
				       .create = create,
				       .destroy = free,
				       .run_bytes = run_counter,
				       .seeds = seeds };

static void count_kept(void *ctx, const uint8_t *data, size_t size)
{
	(void)data;
	(void)size;
	++*(unsigned int *)ctx;
}

/*
 *	turn        0    1    2    3  ...
 *	given     ooooo|ooooo|oo   |          each once, no more than every other execution
 *	made up    xxxxx|xxxxx|xxxx|xxxxx     from the first turn on
 */
static void many_inputs(void **unused)
{
	struct driver_input inputs[GIVEN_COUNT];
	unsigned int kept = 0, given = 0;
	struct driver_options options = { .seed = 1,
					  .inputs = inputs,
					  .input_count = GIVEN_COUNT,
					  .kept = count_kept,
					  .ctx = &kept };
	struct target_runner *r;
	struct driver *d;

	(void)unused;
	for (unsigned int i = 0; i < GIVEN_COUNT; i++) {
		snprintf(given_text[i], sizeof(given_text[i]), "%032u", i);
		inputs[i] = (struct driver_input){ (const uint8_t *)given_text[i], GIVEN_SIZE };
	}
	assert_null(target_runner_create(&counter, NULL, &r));
	assert_null(driver_create(r, &options, &d));
	assert_null(driver_go_on(d, GIVEN_COUNT / 2));
	/* A mutant may come out as one of them by chance, here and below. */
	assert_true(other_runs >= GIVEN_COUNT / 5);
	/* What is made up counts for new when all that is known was seen. */
	assert_true(kept <= GIVEN_COUNT / 4 + 2);
	assert_null(driver_go_on(d, (uint64_t)GIVEN_COUNT * 3));
	for (unsigned int i = 0; i < GIVEN_COUNT; i++) {
		assert_true(given_runs[i] >= 1);
		given += given_runs[i];
	}
	assert_true(given < GIVEN_COUNT * 3 / 2);
	assert_true(kept > GIVEN_COUNT * 3 / 2);
	driver_destroy(d);
	target_runner_destroy(r);
}

enum { LINED_UP = 6000, A_FEW = 96 };

static unsigned int lined_up_runs[LINED_UP];

static void run_lined_up(void *state, const uint8_t *data, size_t size,
			 struct target_report *report)
{
	char text[GIVEN_SIZE + 1] = "";
	unsigned long number;

	(void)state;
	(void)report;
	if (size != GIVEN_SIZE)
		return;
	memcpy(text, data, size);
	number = strtoul(text, NULL, 10);
	if (number < LINED_UP)
		lined_up_runs[number]++;
}

static unsigned int runs_of(unsigned int first, unsigned int count)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < count; i++)
		sum += lined_up_runs[first + i];
	return sum;
}

/* When older ones have made place the latest are still drawn most, and not those that stand at the end. */
static void latest_of_full_pool(void **unused)
{
	static char texts[LINED_UP][GIVEN_SIZE + 1];
	static struct driver_input inputs[LINED_UP];
	struct driver_options options = {
		.seed = 1, .executions = 100000, .inputs = inputs, .input_count = LINED_UP
	};
	struct target target = counter;
	struct driver_stats stats;
	struct target_runner *r;

	(void)unused;
	target.run_bytes = run_lined_up;
	for (unsigned int i = 0; i < LINED_UP; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%032u", i);
		inputs[i] = (struct driver_input){ (const uint8_t *)texts[i], GIVEN_SIZE };
	}
	assert_null(target_runner_create(&target, NULL, &r));
	assert_null(driver_run(r, &options, &stats));
	assert_true(stats.pool < LINED_UP);
	assert_true(runs_of(LINED_UP - A_FEW, A_FEW) > 2 * runs_of(stats.pool - A_FEW, A_FEW));
	target_runner_destroy(r);
}

static const char marked[] = "0123456789abcdefghijklmnopqrstuv";
static unsigned int runs, marked_runs;

/* Each input is new, so that the pool is full soon; how many are still much like the one that was given? */
static void run_marked(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	(void)state;
	runs++;
	target_report_feature(report, runs);
	marked_runs += runs > 20000 && size >= 24 && !memcmp(data, marked, 24);
}

/* Those that were given are not among the old ones that make place. */
static void given_stay_in_full_pool(void **unused)
{
	static const char *const one[] = { marked, NULL };
	struct driver_options options = { .seed = 1, .executions = 60000 };
	struct target target = counter;
	struct driver_stats stats;
	struct target_runner *r;

	(void)unused;
	target.run_bytes = run_marked;
	target.seeds = one;
	assert_null(target_runner_create(&target, NULL, &r));
	assert_null(driver_run(r, &options, &stats));
	assert_true(stats.pool < 20000);
	assert_true(marked_runs > 20);
	target_runner_destroy(r);
}

/* Without any seed or input it begins with an empty one. */
static void nothing_given(void **unused)
{
	static const char *const none[] = { NULL };
	struct driver_options options = { .seed = 1, .executions = 100 };
	struct target target = counter;
	struct driver_stats stats;
	struct target_runner *r;

	(void)unused;
	target.seeds = none;
	assert_null(target_runner_create(&target, NULL, &r));
	assert_null(driver_run(r, &options, &stats));
	assert_int_equal(stats.executions, 100);
	target_runner_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_inputs),
		cmocka_unit_test(latest_of_full_pool),
		cmocka_unit_test(given_stay_in_full_pool),
		cmocka_unit_test(nothing_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
