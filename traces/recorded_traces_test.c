/* SPDX-License-Identifier: MIT */
/*
 * Real kernels are the oracle: in each stored trace of traces/recordings the model guesses as many pages as it
 * is known to, and finds nothing impossible.
 */
#include <string.h>

#include "engine/boot.h"
#include "engine/buddy.h"
#include "engine/follow.h"
#include "engine/replay.h"
#include "traces/capture.h"
#include "traces/marker_change.h"
#include "traces/picture_watch.h"
#include "traces/testing/check.h"
#include "traces/testing/recordings.h"
#include "traces/trace/trace.h"

/* Some guesses are luck, which a better rule may lose; a rule that gets lost costs far more. */
#define LUCK(right) ((right) / 1000)

#define ALLOC_AND_FREE (1U << EVENT_ALLOC | 1U << EVENT_FREE)

struct traced {
	struct boot_log log;
	struct machine booted, late;
	struct picture_set pictures;
	struct trace *trace;
};

static void open_traced(const struct recording *r, struct traced *t)
{
	struct trace_options options = { .facts = &t->log.input.facts };

	memset(t, 0, sizeof(*t));
	check_ok(capture_read(r->path, &t->log));
	machine_init(&t->booted);
	t->booted.want_lists = true;
	boot_run(&t->booted, &t->log.input, STAGE_MEM_INIT);
	machine_init(&t->late);
	boot_run(&t->late, &t->log.input, STAGE_LATE);
	assert_false(t->booted.out_of_memory || t->late.out_of_memory);
	check_ok(picture_set_read(r->path, &t->pictures));
	check_ok(trace_open(r->path, &options, &t->trace));
}

static void close_traced(struct traced *t)
{
	trace_close(t->trace);
	picture_set_deinit(&t->pictures);
	machine_deinit(&t->late);
	machine_deinit(&t->booted);
	boot_log_deinit(&t->log);
}

static uint32_t equal_pictures(const struct picture_watch *w)
{
	uint32_t count, equal = 0;
	const struct picture_result *results = picture_watch_results(w, &count);

	for (uint32_t i = 0; i < count; i++) {
		bool seen = false, differs = false;

		for (unsigned int t = 0; t < PICTURE_TABLE_COUNT; t++) {
			seen |= results[i].tables[t].match != PICTURE_NOT_SEEN;
			differs |= results[i].tables[t].match == PICTURE_DIFFERS;
		}
		equal += seen && !differs;
	}
	return equal;
}

/* How many pages were guessed right, of those that were handed out or put on a list for it; *@pictures_ret: how many pictures are equal. */
static uint64_t predict(const struct recording *rec, uint32_t kinds, uint32_t *pictures_ret)
{
	struct replay_options options = { .kinds = kinds };
	const struct event *batch;
	struct picture_watch *w;
	struct replay *r;
	struct traced t;
	uint64_t right;
	size_t n;

	open_traced(rec, &t);
	options.cpu_count = boot_input_cpu_count(&t.log.input);
	r = replay_create(&t.booted, &t.late, &options);
	assert_non_null(r);
	check_ok(picture_watch_create(&t.pictures, t.booted.buddy, &t.log.input.config,
				      &t.log.input.facts, &w));
	do {
		check_ok(trace_next(t.trace, &batch, &n));
		for (size_t i = 0; i < n; i++) {
			const char *text = batch[i].kind == EVENT_MARKER
						   ? trace_string(t.trace, batch[i].text)
						   : NULL;

			if (text)
				picture_watch_marker(w, text, batch[i].line);
			marker_change_replay(r, &batch[i], text);
			if (picture_watch_active(w))
				picture_watch_look(w);
		}
	} while (n);
	assert_null(buddy_check(t.booted.buddy, false));
	*pictures_ret = equal_pictures(w);
	right = replay_stats(r)->right[EVENT_ALLOC] + replay_stats(r)->right[EVENT_ZONE_LOCKED];
	picture_watch_destroy(w);
	replay_destroy(r);
	close_traced(&t);
	return right;
}

static bool all_events(const struct recording *r)
{
	uint32_t pictures;
	uint64_t right = predict(r, 0, &pictures);

	if (right >= r->v[0] - LUCK(r->v[0]) && pictures >= r->v[2])
		return true;
	print_message("# %s: %llu guesses are right, %u pictures are equal\n", r->name,
		      (unsigned long long)right, pictures);
	return false;
}

static void traces(void **state)
{
	(void)state;
	recordings_each("traces.txt", all_events);
}

static bool alloc_and_free(const struct recording *r)
{
	uint32_t pictures;
	uint64_t right;

	if (!r->v[1])
		return true;
	right = predict(r, ALLOC_AND_FREE, &pictures);
	if (right >= r->v[1] - LUCK(r->v[1]))
		return true;
	print_message("# %s: %llu guesses are right\n", r->name, (unsigned long long)right);
	return false;
}

static void traces_of_allocations_and_frees(void **state)
{
	(void)state;
	recordings_each("traces.txt", alloc_and_free);
}

static void on_finding(void *ctx, const struct follow_finding *f)
{
	fail_msg("%s line %llu: %s", (const char *)ctx, (unsigned long long)f->event.line,
		 impossible_meaning(f->what));
}

static bool followed(const struct recording *r)
{
	struct follow_options options = { .found = on_finding, .ctx = (void *)r->name };
	const struct event *batch;
	struct follow *f;
	struct traced t;
	size_t n;

	open_traced(r, &t);
	options.cpu_count = t.late.online_cpus;
	f = follow_create(&t.late, &options);
	assert_non_null(f);
	do {
		check_ok(trace_next(t.trace, &batch, &n));
		for (size_t i = 0; i < n; i++)
			follow_event(f, &batch[i]);
	} while (n);
	follow_end(f);
	assert_null(follow_check(f));
	assert_true(follow_stats(f)->exact > 0);
	follow_destroy(f);
	close_traced(&t);
	return true;
}

static void traces_followed(void **state)
{
	(void)state;
	recordings_each("traces.txt", followed);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(traces),
		cmocka_unit_test(traces_of_allocations_and_frees),
		cmocka_unit_test(traces_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
