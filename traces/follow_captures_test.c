/* SPDX-License-Identifier: MIT */
/* Every recorded trace, followed: real kernels do nothing that is impossible. */
#include <stdlib.h>

#include "engine/boot.h"
#include "engine/follow.h"
#include "traces/capture.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"
#include "traces/trace/trace.h"

struct tally {
	unsigned int traces;
	uint64_t events;
};

static void on_finding(void *ctx, const struct follow_finding *f)
{
	fail_msg("%s line %llu: %s", (const char *)ctx, (unsigned long long)f->event.line,
		 impossible_meaning(f->what));
}

static uint64_t follow_trace(const char *path, const struct boot_log *log, const struct machine *m,
			     uint32_t kinds)
{
	struct follow_options options = {
		.kinds = kinds,
		.cpu_count = m->online_cpus,
		.found = on_finding,
		.ctx = (void *)path,
	};
	struct trace_options how = { .facts = &log->input.facts };
	struct follow *f = follow_create(m, &options);
	const struct event *events;
	uint64_t count;
	struct trace *t;
	size_t n;

	assert_non_null(f);
	check_ok(trace_open(path, &how, &t));
	do {
		check_ok(trace_next(t, &events, &n));
		for (size_t i = 0; i < n; i++)
			follow_event(f, &events[i]);
	} while (n);
	follow_end(f);
	assert_null(follow_check(f));
	assert_false(follow_out_of_memory(f));
	count = follow_stats(f)->events;
	assert_true(follow_stats(f)->exact > 0);
	trace_close(t);
	follow_destroy(f);
	return count;
}

static void visit(const char *path, void *ctx)
{
	struct boot_log log = { 0 };
	struct tally *tally = ctx;
	struct machine m;
	char *trace;

	check_ok(capture_trace_path(path, &trace));
	if (!trace)
		return;
	machine_init(&m);
	check_ok(capture_read(path, &log));
	boot_run(&m, &log.input, STAGE_LATE);
	tally->events += follow_trace(trace, &log, &m, 0);
	tally->events += follow_trace(trace, &log, &m, 1U << EVENT_ALLOC | 1U << EVENT_FREE);
	tally->traces++;
	machine_deinit(&m);
	boot_log_deinit(&log);
	free(trace);
}

static void follow_all(const char *dir)
{
	struct tally tally = { 0 };

	captures_each(dir, visit, &tally);
	assert_true(tally.traces > 0);
	print_message("%u traces, %llu events\n", tally.traces, (unsigned long long)tally.events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPTURES_TESTS(follow_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
