/* SPDX-License-Identifier: MIT */
/*
 * History: a state that is reached backwards is the one that was reached forwards.
 *
 * A trace is replayed to its end; at some places its digest is taken on the way, and all predictions are
 * kept.  Then these places are gone to in another order: the digest must be the same, and so must what is
 * predicted from there on.
 */
#include "engine/replay_history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/prng.h"
#include "traces/capture.h"
#include "traces/marker_change.h"
#include "traces/testing/booted.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"
#include "traces/trace/trace.h"

/* By then a CPU has gone and come back. */
enum { EVENTS_MAX = 50000, PLACES = 24, AFTER = 200 };

static const uint32_t kinds[] = { UINT32_MAX, 1U << EVENT_ALLOC | 1U << EVENT_FREE };

struct subject {
	struct booted boot;
	struct trace *trace; /* has the texts of the events */
	struct event events[EVENTS_MAX];
	uint64_t count;
	struct replay *replay;
	struct replay_history *history;
	pfn_t guess; /* about the event at hand; it has one if guessed */
	bool guessed;
	pfn_t guesses[EVENTS_MAX];
	bool known[EVENTS_MAX];
	unsigned int traces;
};

static void on_prediction(void *ctx, const struct replay_prediction *p)
{
	struct subject *s = ctx;

	s->guess = p->predicted;
	s->guessed = true;
}

static void step(struct subject *s, uint64_t i)
{
	s->guessed = false;
	s->guess = PFN_NONE;
	marker_change_replay(s->replay, &s->events[i], trace_string(s->trace, s->events[i].text));
	replay_history_note(s->history);
}

static void start(struct subject *s, const char *path, uint32_t kind,
		  const struct replay_history_options *how)
{
	struct replay_options options = {
		.kinds = kind, .cpu_count = 8, .predicted = on_prediction, .ctx = s
	};

	booted_open(&s->boot, path);
	s->replay = replay_create(&s->boot.machine, &s->boot.late, &options);
	assert_non_null(s->replay);
	s->history = replay_history_create(s->replay, how);
	assert_non_null(s->history);
}

static void end(struct subject *s)
{
	replay_history_destroy(s->history);
	replay_destroy(s->replay);
	trace_close(s->trace);
	booted_close(&s->boot);
}

static void read_events(struct subject *s, const char *path, const struct facts *facts)
{
	struct trace_options options = { .facts = facts };
	const struct event *batch;
	size_t n;

	s->count = 0;
	check_ok(trace_open(path, &options, &s->trace));
	do {
		check_ok(trace_next(s->trace, &batch, &n));
		if (n > EVENTS_MAX - s->count)
			n = EVENTS_MAX - s->count;
		if (n)
			memcpy(s->events + s->count, batch, n * sizeof(*batch));
		s->count += n;
	} while (n);
}

/* To where event @place comes next. */
static void go(struct subject *s, uint64_t place, uint64_t most)
{
	bool ok;
	uint64_t at = replay_history_go(s->history, place, &ok);

	assert_true(ok);
	assert_true(at <= place && place - at <= most);
	while (at < place)
		step(s, at++);
	assert_int_equal(replay_index(s->replay), place);
}

/* @most: events that are replayed again at most to get anywhere. */
static void walk(struct subject *s, uint64_t most)
{
	struct prng prng = prng_init(s->count);
	uint64_t places[PLACES] = { 0 }, hashes[PLACES] = { 0 };

	for (unsigned int k = 1; k < PLACES; k++)
		places[k] = prng_below(&prng, s->count);
	for (uint64_t i = 0; i < s->count; i++) {
		for (unsigned int k = 0; k < PLACES; k++)
			if (places[k] == i)
				hashes[k] = replay_hash(s->replay);
		step(s, i);
		s->guesses[i] = s->guess;
		s->known[i] = s->guessed;
	}
	for (unsigned int k = PLACES; k--;) {
		go(s, places[k], most);
		assert_int_equal(replay_hash(s->replay), hashes[k]);
		for (uint64_t i = places[k]; i < s->count && i < places[k] + AFTER; i++) {
			step(s, i);
			assert_int_equal(s->guessed, s->known[i]);
			assert_int_equal(s->guess, s->guesses[i]);
		}
	}
}

/* In the tree: some hundred events, on a machine that they fit. */
static void test_short(void **state)
{
	static const struct replay_history_options often = { .spacing = 10 };
	struct subject *s = calloc(1, sizeof(*s));

	(void)state;
	assert_non_null(s);
	for (unsigned int k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		start(s, "traces/captures/boot-6.1-amd64-numa4-ring", kinds[k], &often);
		read_events(s, "traces/testdata/trace/6.1-up.txt", &s->boot.log.input.facts);
		assert_true(s->count > 200);
		walk(s, 10 + AFTER);
		assert_int_equal(replay_history_count(s->history), (s->count / 10) + 1);
		end(s);
	}
	free(s);
}

/* Too many states, or too large ones: every second one goes. */
static void test_thinned(void **state)
{
	static const struct replay_history_options rows[] = {
		{ .spacing = 1 }, { .spacing = 4, .bytes_max = 1 << 21 }
	};
	struct subject *s = calloc(1, sizeof(*s));

	(void)state;
	assert_non_null(s);
	for (unsigned int k = 0; k < 2; k++) {
		start(s, "traces/captures/boot-6.1-amd64-numa4-ring", kinds[0], &rows[k]);
		read_events(s, "traces/testdata/trace/6.1-up.txt", &s->boot.log.input.facts);
		walk(s, s->count);
		assert_in_range(replay_history_count(s->history), 2, 63);
		if (rows[k].bytes_max)
			assert_in_range(replay_history_bytes(s->history), 1, rows[k].bytes_max);
		end(s);
	}
	free(s);
}

static void visit(const char *path, void *ctx)
{
	static const struct replay_history_options often = { .spacing = 4096 };
	struct subject *s = ctx;
	char *trace;

	check_ok(capture_trace_path(path, &trace));
	if (!trace)
		return;
	for (unsigned int k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		start(s, path, kinds[k], &often);
		read_events(s, trace, &s->boot.log.input.facts);
		walk(s, s->count);
		assert_true(replay_history_count(s->history) > 1);
		end(s);
	}
	s->traces++;
	free(trace);
}

static void test_recorded(void **state)
{
	struct subject *s = calloc(1, sizeof(*s));

	(void)state;
	assert_non_null(s);
	captures_each(captures_dir(), visit, s);
	assert_true(s->traces > 0);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_thinned),
		cmocka_unit_test(test_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
