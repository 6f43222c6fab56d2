/* SPDX-License-Identifier: MIT */
/*
 * Traces that do not tell the truth: from some event on, recorded page frames, orders, CPUs and the like are
 * exchanged for others that the machine could have recorded as well.  Whatever the model makes of that, every
 * page has to stay in one block at most, and every list whole: replay_check().
 */
#include <stdlib.h>
#include <string.h>

#include "engine/prng.h"
#include "engine/replay.h"
#include "traces/testing/booted.h"
#include "traces/testing/check.h"
#include "traces/testing/recordings.h"
#include "traces/trace/trace.h"

/* Events of a trace that are used; the first of those that lie; after how many all lists are looked at. */
enum { EVENTS_MAX = 2000, LIES_FROM = 500, LOOK_SPACING = 250 };
/* A page frame is one of the last ones: so that it is one that the model knows much of. */
enum { PAGES_NEAR = 64 };

#define ALLOC_AND_FREE (1U << EVENT_ALLOC | 1U << EVENT_FREE)

/* What is exchanged. */
enum lie {
	LIE_PAGE = 1, /* one of the whole trace */
	LIE_PAGE_NEAR = 2,
	LIE_ORDER = 4,
	LIE_CPU = 8,
	LIE_KIND = 16,
	LIE_TYPE = 32,
	LIE_TASK = 64,
	LIE_TIME = 128,
	LIE_CONTEXT = 256,
	LIE_AGAIN = 512, /* the event before once more */
	LIE_ALL = 1023,
};

struct subject {
	struct booted boot;
	struct event events[EVENTS_MAX], told[EVENTS_MAX];
	uint64_t count;
};

static void read_events(const char *path, struct subject *s)
{
	struct trace_options options = { .facts = &s->boot.log.input.facts };
	const struct event *batch;
	struct trace *t;
	size_t n;

	check_ok(trace_open(path, &options, &t));
	do {
		check_ok(trace_next(t, &batch, &n));
		for (size_t i = 0; i < n && s->count < EVENTS_MAX; i++)
			if (batch[i].kind <= EVENT_EXTFRAG && batch[i].pfn != PFN_NONE)
				s->events[s->count++] = batch[i];
	} while (n && s->count < EVENTS_MAX);
	trace_close(t);
}

static void open_subject(const char *path, struct subject *s)
{
	memset(s, 0, sizeof(*s));
	booted_open(&s->boot, path);
	read_events(path, s);
	assert_true(s->count > LIES_FROM);
}

static void close_subject(struct subject *s)
{
	booted_close(&s->boot);
}

/* Makes event @i one that is not true. */
static void lie(struct subject *s, struct prng *prng, uint64_t i, unsigned int lies)
{
	const struct event *any = &s->events[prng_below(prng, s->count)];
	struct event *e = &s->told[i];

	if (lies & LIE_AGAIN && prng_chance(prng, 1, 4)) {
		e->kind = s->told[i - 1].kind;
		e->pfn = s->told[i - 1].pfn;
		e->order = s->told[i - 1].order;
	}
	if (lies & LIE_PAGE_NEAR && prng_chance(prng, 1, 2))
		any = &s->told[i - prng_below(prng, i < PAGES_NEAR ? i : PAGES_NEAR)];
	if (lies & (LIE_PAGE | LIE_PAGE_NEAR) && prng_chance(prng, 3, 4))
		e->pfn = any->pfn + (lies & LIE_PAGE_NEAR ? prng_skewed(prng, 16) : 0);
	if (lies & LIE_ORDER && prng_chance(prng, 1, 4))
		e->order = (uint8_t)prng_skewed(prng, s->boot.machine.config.max_order + 2);
	if (lies & LIE_CPU && prng_chance(prng, 1, 4))
		e->cpu = (uint16_t)prng_below(prng, 3);
	if (lies & LIE_KIND && prng_chance(prng, 1, 4))
		e->kind = (uint8_t)prng_below(prng, EVENT_EXTFRAG + 1);
	if (lies & LIE_TYPE && prng_chance(prng, 1, 4))
		e->migratetype = (uint8_t)prng_skewed(prng, 8);
	if (lies & LIE_TASK && prng_chance(prng, 1, 8))
		e->pid = (int32_t)prng_below(prng, 4);
	if (lies & LIE_TIME && prng_chance(prng, 1, 64))
		e->time = prng_skewed(prng, UINT64_MAX);
	if (lies & LIE_CONTEXT && prng_chance(prng, 1, 8))
		e->context = (uint8_t)prng_next(prng);
	/* Most of what is not aligned would take no part. */
	if (prng_chance(prng, 15, 16))
		e->pfn &= ~((1ULL << e->order % BUDDY_ORDER_COUNT) - 1);
}

static void look(const struct replay *r, const char *name, uint64_t i, unsigned int lies,
		 uint32_t kinds)
{
	const char *wrong = replay_check(r);

	if (wrong)
		fail_msg("%s, event %llu, lies %u, kinds %u: %s", name, (unsigned long long)i, lies,
			 (unsigned int)kinds, wrong);
}

static void replay(struct subject *s, const char *name, unsigned int lies, uint32_t kinds,
		   uint64_t from)
{
	struct replay_options options = { .kinds = kinds, .cpu_count = 2 };
	struct prng prng = prng_init(lies + from);
	struct replay *r;

	booted_again(&s->boot);
	memcpy(s->told, s->events, s->count * sizeof(*s->told));
	r = replay_create(&s->boot.machine, &s->boot.late, &options);
	assert_non_null(r);
	for (uint64_t i = 0; i < s->count; i++) {
		if (i >= from)
			lie(s, &prng, i, lies);
		replay_event(r, &s->told[i]);
		if (i % LOOK_SPACING == LOOK_SPACING - 1)
			look(r, name, i, lies, kinds);
	}
	assert_false(replay_out_of_memory(r));
	replay_destroy(r);
}

static bool visit(const struct recording *r)
{
	static const unsigned int lies[] = { LIE_PAGE, LIE_PAGE_NEAR | LIE_AGAIN,
					     LIE_PAGE | LIE_ORDER | LIE_TYPE,
					     LIE_KIND | LIE_CPU | LIE_CONTEXT, LIE_ALL };
	static const uint32_t kinds[] = { 0, ALLOC_AND_FREE,
					  ALLOC_AND_FREE | 1U << EVENT_PCPU_DRAIN |
						  1U << EVENT_FREE_BATCHED };
	struct subject *s = malloc(sizeof(*s));

	assert_non_null(s);
	open_subject(r->path, s);
	/* Every second pair of the two: each kind of lie with each set of events, of one trace or another. */
	for (unsigned int i = 0; i < sizeof(lies) / sizeof(*lies); i++)
		for (unsigned int k = (i + r->v[0]) % 2; k < sizeof(kinds) / sizeof(*kinds); k += 2)
			replay(s, r->name, lies[i], kinds[k], i % 2 ? LIES_FROM : 1);
	close_subject(s);
	free(s);
	return true;
}

static void test_lies(void **state)
{
	(void)state;
	recordings_each("traces.txt", visit);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
