/* SPDX-License-Identifier: MIT */
/*
 * Every recorded trace with kpageflags, cut at its first picture: what the machine told of itself there is
 * all that is known.  How often is the first guess right from then on?
 *
 * The limit is a little below what the worst trace reaches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/boot.h"
#include "engine/buddy.h"
#include "engine/replay.h"
#include "traces/capture.h"
#include "traces/picture_start.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"
#include "traces/trace/trace.h"

/* Right guesses of a thousand. */
#define RIGHT_MIN 993
/* Pages, of a hundred thousand that are free, that the model has otherwise right after the picture. */
#define APART_MAX 500

static void boot(const char *path, struct boot_log *log, struct machine *m, enum boot_stage until)
{
	machine_init(m);
	memset(log, 0, sizeof(*log));
	check_ok(capture_read(path, log));
	m->want_lists = true;
	boot_run(m, &log->input, until);
	assert_false(m->out_of_memory);
}

static void take_over(struct replay *r, const struct snapshot *s, const struct facts *facts,
		      struct start_report *ret)
{
	struct picture_start told;

	check_ok(picture_start_read(s, replay_alloc(r), facts, &told));
	assert_true(replay_take_over(r, &told.start, ret));
	picture_start_deinit(&told);
}

/* Gives the trace to @r from the end of the picture "boot" on. */
static void run(struct replay *r, const char *path, const struct snapshot *s,
		const struct facts *facts, struct start_report *ret)
{
	struct trace_options options = { .facts = facts };
	enum { BEFORE, MEANWHILE, AFTER } at = BEFORE;
	const struct event *batch;
	struct trace *t;
	size_t n;

	check_ok(trace_open(path, &options, &t));
	do {
		check_ok(trace_next(t, &batch, &n));
		for (size_t i = 0; i < n; i++) {
			const char *text =
				batch[i].kind == EVENT_MARKER ? trace_string(t, batch[i].text) : "";

			if (!strcmp(text, "SNAP boot end")) {
				replay_forget(r);
				take_over(r, s, facts, ret);
				replay_watch_changes(r);
				replay_set_silent(r, true);
				at = MEANWHILE;
			} else if (!strcmp(text, "SNAP boot done")) {
				take_over(r, s, facts, ret);
				replay_set_silent(r, false);
				at = AFTER;
			} else if (at != BEFORE) {
				replay_event(r, &batch[i]);
			}
		}
	} while (n);
	trace_close(t);
	assert_int_equal(at, AFTER);
}

static void visit(const char *path, void *ctx)
{
	struct boot_log early, whole;
	struct machine booted, late;
	const struct replay_stats *stats;
	struct replay_options options = { 0 };
	struct picture_set pictures = { 0 };
	struct start_report report = { 0 };
	const struct snapshot *s;
	unsigned int *traces = ctx;
	struct replay *r;
	char *trace;

	check_ok(capture_trace_path(path, &trace));
	check_ok(picture_set_read(path, &pictures));
	s = picture_set_find(&pictures, "boot");
	if (!trace || !s || !picture_start_is_possible(s)) {
		picture_set_deinit(&pictures);
		free(trace);
		return;
	}
	boot(path, &early, &booted, STAGE_MEM_INIT);
	boot(path, &whole, &late, STAGE_LATE);
	options.cpu_count = boot_input_cpu_count(&early.input);
	r = replay_create(&booted, &late, &options);
	assert_non_null(r);
	run(r, trace, s, &early.input.facts, &report);
	stats = replay_stats(r);
	if ((report.freed + report.taken) * 100000 > report.pages * APART_MAX)
		fail_msg("%s: %llu pages were freed and %llu taken while kpageflags was read", path,
			 (unsigned long long)report.freed, (unsigned long long)report.taken);
	if (stats->right[EVENT_ALLOC] * 1000 < stats->predicted[EVENT_ALLOC] * RIGHT_MIN)
		fail_msg("%s: %llu of %llu guesses are right", path,
			 (unsigned long long)stats->right[EVENT_ALLOC],
			 (unsigned long long)stats->predicted[EVENT_ALLOC]);
	assert_null(buddy_check(booted.buddy, false));
	(*traces)++;
	replay_destroy(r);
	machine_deinit(&booted);
	machine_deinit(&late);
	boot_log_deinit(&early);
	boot_log_deinit(&whole);
	picture_set_deinit(&pictures);
	free(trace);
}

static void traces_can_begin_with_a_picture(void **state)
{
	unsigned int traces = 0;

	(void)state;
	captures_each(captures_dir(), visit, &traces);
	print_message("%u traces\n", traces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traces_can_begin_with_a_picture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
