/* SPDX-License-Identifier: MIT */
/*
 * Causality: what the model says about event i follows from the events before it and from what it asks
 * for, never from the page frame it was given, nor from anything later.
 *
 * The first events of a trace are replayed as they are.  Then they are cut, and then they are spoiled: from event i
 * on, i itself included, every page frame is another.  All predictions up to i have to be those of the whole.
 *
 * To do that anew for each cut takes too long elsewhere.  There the replay is kept at the cut, given what follows as
 * it is, and again spoiled (replay_save()): made-up traces, whole recordings, and recordings whose page frames are
 * mostly exchanged, in which the model is wrong all the time and has to repair what it knows.
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
#include "traces/testing/recordings.h"
#include "traces/trace/trace.h"

/* Events that are replayed of each trace, and events that are spoiled from a cut on. */
enum { EVENTS_MAX = 4000, SPOILED = 20 };
/* Places where a recorded trace is cut. */
enum { CUTS_RECORDED = 3 };

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

/* Another page of the same machine, as well aligned, whose block lies in one zone: others no kernel has. */
static pfn_t other_page(const struct subject *s, struct prng *prng, const struct event *e)
{
	const struct machine *m = &s->boot.machine;

	for (;;) {
		const struct node_range *r = &m->ranges[prng_below(prng, m->range_count)];
		pfn_t pfn = r->start + prng_below(prng, r->end - r->start);
		pfn_t start = round_down_to(pfn, 1ULL << e->order);

		if (!e->order || buddy_zone_at(m->buddy, start) ==
					 buddy_zone_at(m->buddy, start + (1ULL << e->order) - 1))
			return start;
	}
}

static void check_trace(struct subject *s, const struct event *events, uint64_t count,
			struct tally *tally)
{
	struct guesses *whole = malloc(sizeof(*whole)), *part = malloc(sizeof(*part));
	struct event *spoiled = malloc(count * sizeof(*spoiled));
	struct prng prng = prng_init(count);

	assert_true(whole && part && spoiled);
	replay(s, events, count, whole);
	for (unsigned int k = 0; k < CUTS_RECORDED; k++) {
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
		check_trace(&s, events, count, tally);
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

/* ---- from a kept state ----------------------------------------------------------------------------- */

/* How much of a whole recording: the usual run, and that of a name of its own with MMREPLAY_DEEP, which has an hour. */
struct extent {
	unsigned int cuts;
	uint64_t blind_max; /* events that are replayed of allocations and frees alone */
	uint64_t exchanged_max; /* events of a recording whose page frames are exchanged */
	bool captures; /* the large ones, too */
};

static struct extent extent_wanted(void)
{
	static const struct extent usual = { 24, 20000, 3000, false },
				   deep = { 400, UINT64_MAX, UINT64_MAX, true };

	return getenv("MMREPLAY_DEEP") ? deep : usual;
}

/* What was guessed since it was emptied. */
struct latest {
	uint64_t count, index[64];
	pfn_t page[64];
};

static void on_latest(void *ctx, const struct replay_prediction *p)
{
	struct latest *l = ctx;

	assert_true(l->count < 64);
	l->index[l->count] = p->index;
	l->page[l->count++] = p->predicted;
}

struct whole {
	struct subject s;
	struct event *events;
	uint64_t count;
	const char *name;
	struct latest now;
	struct prng prng;
	struct tally *tally;
};

/* The guesses about event @at, given it and what follows as it is, and spoiled.  @r is left as it was. */
static void check_cut(struct whole *w, struct replay *r, uint64_t at)
{
	struct replay_state *before = replay_save(r);
	uint64_t last = at + SPOILED < w->count ? at + SPOILED : w->count, found = 0;
	struct latest real;

	assert_non_null(before);
	w->now.count = 0;
	replay_event(r, &w->events[at]);
	real = w->now;
	assert_true(replay_restore(r, before));
	w->now.count = 0;
	for (uint64_t i = at; i < last; i++) {
		struct event e = w->events[i];

		if (e.pfn != PFN_NONE)
			e.pfn = other_page(&w->s, &w->prng, &e);
		replay_event(r, &e);
	}
	for (uint64_t i = 0; i < w->now.count && w->now.index[i] <= at; i++, found++)
		if (i >= real.count || real.index[i] != w->now.index[i] ||
		    real.page[i] != w->now.page[i])
			fail_msg("%s: the guess about event %llu depends on what came later",
				 w->name, (unsigned long long)at);
	assert_int_equal(found, real.count);
	w->tally->compared += found;
	assert_true(replay_restore(r, before));
	replay_state_destroy(before);
}

/* Cuts are spread over the first @count events, each at one that is guessed about. */
static void walk(struct whole *w, uint64_t count, unsigned int cuts)
{
	struct replay_options options = {
		.kinds = w->s.kinds, .cpu_count = 8, .predicted = on_latest, .ctx = &w->now
	};
	uint64_t share = count / cuts + 1, next = prng_below(&w->prng, share), part = 0;
	struct replay *r;

	booted_again(&w->s.boot);
	r = replay_create(&w->s.boot.machine, &w->s.boot.late, &options);
	assert_non_null(r);
	for (uint64_t i = 0; i < count; i++) {
		if (i >= next && w->events[i].kind == EVENT_ALLOC) {
			check_cut(w, r, i);
			part = i / share + 1;
			next = part * share + prng_below(&w->prng, share);
		}
		w->now.count = 0;
		replay_event(r, &w->events[i]);
	}
	assert_false(replay_out_of_memory(r));
	replay_destroy(r);
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
	enum { COUNT = 600, CUTS = 30 };
	struct whole w = { .name = path, .prng = prng_init(1), .tally = ctx };

	w.events = malloc(COUNT * sizeof(*w.events));
	assert_non_null(w.events);
	booted_open(&w.s.boot, path);
	for (unsigned int k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		w.s.kinds = kinds[k];
		w.count = make_up(&w.s, k + 1, w.events, COUNT);
		walk(&w, w.count, CUTS);
	}
	w.tally->traces++;
	booted_close(&w.s.boot);
	free(w.events);
}

static void test_made_up(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	captures_each("traces/captures", visit_made_up, &tally);
	assert_true(tally.compared > 500);
	print_message("%llu guesses compared\n", (unsigned long long)tally.compared);
}

/* ---- whole recordings ---------------------------------------------------------------------------- */

/* Three of four page frames are those of other events. */
static void exchange_pages(struct whole *w)
{
	for (uint64_t i = 0; i < w->count; i++) {
		struct event *e = &w->events[i];
		pfn_t pfn = w->events[prng_below(&w->prng, w->count)].pfn;

		if (e->pfn != PFN_NONE && pfn != PFN_NONE && prng_chance(&w->prng, 3, 4))
			e->pfn = round_down_to(pfn, 1ULL << e->order % BUDDY_ORDER_COUNT);
	}
}

static void read_whole(const char *path, struct whole *w)
{
	struct trace_options options = { .facts = &w->s.boot.log.input.facts };
	uint64_t room = 1 << 16;
	const struct event *batch;
	struct trace *t;
	size_t n;

	w->events = malloc(room * sizeof(*w->events));
	assert_non_null(w->events);
	check_ok(trace_open(path, &options, &t));
	do {
		check_ok(trace_next(t, &batch, &n));
		if (w->count + n > room) {
			room *= 2;
			w->events = realloc(w->events, room * sizeof(*w->events));
			assert_non_null(w->events);
		}
		for (size_t i = 0; i < n; i++)
			if (batch[i].kind <= EVENT_EXTFRAG)
				w->events[w->count++] = batch[i];
	} while (n);
	trace_close(t);
}

/* @source with the trace @path. */
static void walk_all(const char *name, const char *source, const char *path, struct tally *tally)
{
	struct extent extent = extent_wanted();
	struct whole w = { .name = name, .prng = prng_init(1), .tally = tally };

	booted_open(&w.s.boot, source);
	read_whole(path, &w);
	for (unsigned int k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		w.s.kinds = kinds[k];
		walk(&w, k ? min_u64(w.count, extent.blind_max) : w.count, extent.cuts);
	}
	exchange_pages(&w);
	for (unsigned int k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		w.s.kinds = kinds[k];
		walk(&w, min_u64(w.count, extent.exchanged_max), extent.cuts);
	}
	tally->traces++;
	free(w.events);
	booted_close(&w.s.boot);
}

static struct tally stored_tally;

static bool visit_stored(const struct recording *r)
{
	walk_all(r->name, r->path, r->path, &stored_tally);
	return true;
}

static void test_whole(void **state)
{
	(void)state;
	recordings_each("traces.txt", visit_stored);
	assert_true(stored_tally.compared > 500);
	print_message("%u traces, %llu guesses compared\n", stored_tally.traces,
		      (unsigned long long)stored_tally.compared);
}

static void visit_capture(const char *path, void *ctx)
{
	char *trace;

	check_ok(capture_trace_path(path, &trace));
	if (trace)
		walk_all(path, path, trace, ctx);
	free(trace);
}

static void test_whole_captures(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	if (!extent_wanted().captures)
		return;
	captures_each(captures_dir(), visit_capture, &tally);
	assert_true(tally.traces > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_up),
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_whole_captures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
