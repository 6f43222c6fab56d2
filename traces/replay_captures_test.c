/* SPDX-License-Identifier: MIT */
/*
 * Every recorded trace, predicted from its first event to its last: how often is the first guess right?
 *
 * The limits are the aims of the project where a trace meets them, and else a little below what it reaches
 * today; a rule that gets lost costs far more.  The lists have to be sound at the end whatever happened.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "engine/buddy.h"
#include "engine/replay.h"
#include "traces/capture.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"
#include "traces/trace/trace.h"

struct limits {
	/* Right guesses of a thousand allocations. */
	unsigned int one_cpu, several_cpus,
		late; /* late: as the hand-over left it, no picture is taken over */
};

struct tally {
	uint32_t kinds;
	struct limits limits;
	unsigned int traces;
};

static void boot(const char *path, struct boot_log *log, struct machine *m, enum boot_stage until)
{
	machine_init(m);
	memset(log, 0, sizeof(*log));
	check_ok(capture_read(path, log));
	m->want_lists = true;
	boot_run(m, &log->input, until);
	assert_false(m->out_of_memory);
}

/* Returns whether the trace begins with the boot: its first allocation fills a list. */
static bool run(struct replay *r, const char *path, const struct facts *facts)
{
	struct trace_options options = { .facts = facts };
	const struct event *batch;
	bool from_boot = false, first = true;
	struct trace *t;
	size_t n;

	check_ok(trace_open(path, &options, &t));
	do {
		check_ok(trace_next(t, &batch, &n));
		if (first && n)
			from_boot = batch[0].kind == EVENT_ZONE_LOCKED;
		first = false;
		for (size_t i = 0; i < n; i++)
			replay_event(r, &batch[i]);
	} while (n);
	trace_close(t);
	return from_boot;
}

static void visit(const char *path, void *ctx)
{
	struct tally *tally = ctx;
	struct boot_log early, whole;
	struct machine booted, late;
	const struct replay_stats *stats;
	struct replay_options options = { .kinds = tally->kinds };
	struct replay *r;
	char *trace;
	unsigned int limit;
	bool from_boot;

	check_ok(capture_trace_path(path, &trace));
	if (!trace)
		return;
	boot(path, &early, &booted, STAGE_MEM_INIT);
	boot(path, &whole, &late, STAGE_LATE);
	options.cpu_count = boot_input_cpu_count(&early.input);
	r = replay_create(&booted, &late, &options);
	assert_non_null(r);
	from_boot = run(r, trace, &early.input.facts);
	stats = replay_stats(r);
	limit = late.online_cpus == 1 ? tally->limits.one_cpu
		: from_boot	      ? tally->limits.several_cpus
				      : tally->limits.late;
	if (stats->right[EVENT_ALLOC] * 1000 < stats->predicted[EVENT_ALLOC] * limit)
		fail_msg("%s: %llu of %llu guesses are right", path,
			 (unsigned long long)stats->right[EVENT_ALLOC],
			 (unsigned long long)stats->predicted[EVENT_ALLOC]);
	assert_null(buddy_check(booted.buddy, false));
	tally->traces++;
	replay_destroy(r);
	machine_deinit(&booted);
	machine_deinit(&late);
	boot_log_deinit(&early);
	boot_log_deinit(&whole);
	free(trace);
}

/* Beginnings alone: a miss weighs more, and several CPUs have not settled yet. */
static void test_captures_of_the_tree(void **state)
{
	struct tally all = { 0, { 985, 930, 930 }, 0 };
	struct tally alone = { 1U << EVENT_ALLOC | 1U << EVENT_FREE, { 985, 840, 840 }, 0 };

	(void)state;
	captures_each("traces/captures", visit, &all);
	captures_each("traces/captures", visit, &alone);
	assert_true(all.traces > 0);
}

static void test_all_events(void **state)
{
	struct tally tally = { 0, { 998, 994, 990 }, 0 };

	(void)state;
	captures_each(captures_dir(), visit, &tally);
	assert_true(tally.traces > 0);
	print_message("%u traces\n", tally.traces);
}

static void test_allocations_and_frees_alone(void **state)
{
	struct tally tally = { 1U << EVENT_ALLOC | 1U << EVENT_FREE, { 997, 990, 925 }, 0 };

	(void)state;
	captures_each(captures_dir(), visit, &tally);
	assert_true(tally.traces > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captures_of_the_tree),
		cmocka_unit_test(test_all_events),
		cmocka_unit_test(test_allocations_and_frees_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
