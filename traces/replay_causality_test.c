/* SPDX-License-Identifier: MIT */
/*
 * Causality: what the model says about event i follows from the events before it and from what it asks
 * for, never from the page frame it was given, nor from anything later.
 *
 * A trace is replayed as it is.  Then it is cut, and then it is spoiled: from event i on, i itself
 * included, every page frame is another.  All predictions up to i have to be those of the whole trace.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/buddy.h"
#include "engine/prng.h"
#include "engine/replay.h"
#include "traces/capture.h"
#include "traces/testing/booted.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"
#include "traces/trace/trace.h"

/* Events that are replayed of each trace, and events that are spoiled from a cut on. */
enum { EVENTS_MAX = 4000, SPOILED = 20 };
/* Places where a recorded trace is cut, and a made-up one, which is short. */
enum { CUTS_RECORDED = 3, CUTS_MADE_UP = 20 };

static const uint32_t kinds[] = { UINT32_MAX, 1U << EVENT_ALLOC | 1U << EVENT_FREE };

struct subject {
	struct booted boot;
	uint32_t kinds;
};

struct guesses {
	uint64_t count, index[EVENTS_MAX];
	pfn_t page[EVENTS_MAX];
};

struct tally {
	unsigned int traces;
	uint64_t compared;
};

static void on_prediction(void *ctx, const struct replay_prediction *p)
{
	struct guesses *g = ctx;

	assert_true(g->count < EVENTS_MAX);
	g->index[g->count] = p->index;
	g->page[g->count++] = p->predicted;
}

static void replay(struct subject *s, const struct event *events, uint64_t count,
		   struct guesses *ret)
{
	struct replay_options options = {
		.kinds = s->kinds, .cpu_count = 8, .predicted = on_prediction, .ctx = ret
	};
	struct replay *r;

	booted_again(&s->boot);
	ret->count = 0;
	r = replay_create(&s->boot.machine, &s->boot.late, &options);
	assert_non_null(r);
	for (uint64_t i = 0; i < count; i++)
		replay_event(r, &events[i]);
	replay_destroy(r);
}

/* Every guess about events up to @last is the same in both; returns how many there were. */
static uint64_t compare(const struct guesses *a, const struct guesses *b, uint64_t last)
{
	uint64_t i = 0;

	for (; i < a->count && a->index[i] <= last; i++) {
		assert_true(i < b->count);
		assert_int_equal(a->index[i], b->index[i]);
		if (a->page[i] != b->page[i])
			fail_msg("the guess about event %llu depends on what came later",
				 (unsigned long long)a->index[i]);
	}
	assert_true(i == b->count || b->index[i] > last);
	return i;
}

/* Another page of the same machine, as well aligned. */
static pfn_t other_page(const struct subject *s, struct prng *prng, const struct event *e)
{
	const struct node_range *r =
		&s->boot.machine.ranges[prng_below(prng, s->boot.machine.range_count)];
	pfn_t pfn = r->start + prng_below(prng, r->end - r->start);

	return round_down_to(pfn, 1ULL << e->order);
}

static void check_trace(struct subject *s, const struct event *events, uint64_t count,
			unsigned int cuts, struct tally *tally)
{
	struct guesses *whole = malloc(sizeof(*whole)), *part = malloc(sizeof(*part));
	struct event *spoiled = malloc(count * sizeof(*spoiled));
	struct prng prng = prng_init(count);

	assert_true(whole && part && spoiled);
	replay(s, events, count, whole);
	for (unsigned int k = 0; k < cuts; k++) {
		uint64_t cut = prng_below(&prng, count);
		uint64_t last = cut + SPOILED < count ? cut + SPOILED : count;

		replay(s, events, cut + 1, part);
		tally->compared += compare(whole, part, cut);
		memcpy(spoiled, events, last * sizeof(*spoiled));
		for (uint64_t i = cut; i < last; i++)
			if (spoiled[i].pfn != PFN_NONE)
				spoiled[i].pfn = other_page(s, &prng, &spoiled[i]);
		replay(s, spoiled, last, part);
		tally->compared += compare(whole, part, cut);
	}
	free(spoiled);
	free(part);
	free(whole);
}

/* ---- made-up traces ---------------------------------------------------------------------------- */

/*
 * Requests, and frees of earlier ones, on two CPUs.  The kernel that served them is a simple one, without
 * page sets; the model is right now and then.
 */
static uint64_t make_up(const struct subject *s, uint64_t seed, struct event *ret, uint64_t room)
{
	struct prng prng = prng_init(seed);
	struct event *held = calloc(room, sizeof(*held));
	uint64_t count = 0, held_count = 0;
	struct buddy kernel = { 0 };

	assert_non_null(held);
	buddy_copy(&kernel, &s->boot.lists);
	while (count < room) {
		struct event *e = &ret[count];
		uint64_t draw = prng_below(&prng, 16);
		uint32_t zone = kernel.zone_count - 1;

		*e = (struct event){ .line = count + 1, .pid = -1 };
		e->cpu = (uint16_t)prng_below(&prng, 2);
		if (draw < 6 && held_count) {
			uint64_t i = prng_below(&prng, held_count);

			e->kind = EVENT_FREE;
			e->pfn = held[i].pfn;
			e->order = held[i].order;
			held[i] = held[--held_count];
			buddy_free(&kernel, zone, e->pfn, e->order, BUDDY_PLACE_FREED);
		} else {
			e->kind = EVENT_ALLOC;
			e->order = (uint8_t)(draw < 14 ? 0 : prng_below(&prng, 5));
			e->migratetype = MIGRATE_MOVABLE;
			e->pfn = buddy_take(&kernel, zone, e->order, MIGRATE_MOVABLE);
			if (e->pfn != PFN_NONE)
				held[held_count++] = *e;
		}
		count++;
	}
	buddy_deinit(&kernel);
	free(held);
	return count;
}

static void visit_made_up(const char *path, void *ctx)
{
	enum { COUNT = 600 };
	struct event *events = malloc(COUNT * sizeof(*events));
	struct tally *tally = ctx;
	struct subject s;

	assert_non_null(events);
	booted_open(&s.boot, path);
	for (unsigned int k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		s.kinds = kinds[k];
		check_trace(&s, events, make_up(&s, k + 1, events, COUNT), CUTS_MADE_UP, tally);
	}
	tally->traces++;
	booted_close(&s.boot);
	free(events);
}

static void test_made_up(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	captures_each("traces/captures", visit_made_up, &tally);
	assert_true(tally.compared > 10000);
	print_message("%llu guesses compared\n", (unsigned long long)tally.compared);
}

/* ---- recorded ones ----------------------------------------------------------------------------- */

static uint64_t read_trace(const char *path, const struct facts *facts, struct event *ret)
{
	struct trace_options options = { .facts = facts };
	const struct event *batch;
	uint64_t count = 0;
	struct trace *t;
	size_t n;

	check_ok(trace_open(path, &options, &t));
	do {
		check_ok(trace_next(t, &batch, &n));
		if (n > EVENTS_MAX - count)
			n = EVENTS_MAX - count;
		if (n)
			memcpy(ret + count, batch, n * sizeof(*ret));
		count += n;
	} while (n);
	trace_close(t);
	return count;
}

static void visit_recorded(const char *path, void *ctx)
{
	struct event *events;
	struct tally *tally = ctx;
	struct subject s;
	char *trace;
	uint64_t count;

	check_ok(capture_trace_path(path, &trace));
	if (!trace)
		return;
	events = malloc(EVENTS_MAX * sizeof(*events));
	assert_non_null(events);
	booted_open(&s.boot, path);
	count = read_trace(trace, &s.boot.log.input.facts, events);
	for (unsigned int k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		s.kinds = kinds[k];
		check_trace(&s, events, count, CUTS_RECORDED, tally);
	}
	tally->traces++;
	booted_close(&s.boot);
	free(events);
	free(trace);
}

static void test_recorded(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	captures_each(captures_dir(), visit_recorded, &tally);
	assert_true(tally.traces > 0);
	print_message("%u traces, %llu guesses compared\n", tally.traces,
		      (unsigned long long)tally.compared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_up),
		cmocka_unit_test(test_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
