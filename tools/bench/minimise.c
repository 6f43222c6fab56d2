/* SPDX-License-Identifier: MIT */
/* Minimising: 20,000 events of which three matter. */
#include <stdlib.h>
#include <string.h>

#include "tools/bench/bench.h"
#include "traces/minimise.h"
#include "traces/reduce.h"

enum { EVENTS = 20000, ESSENTIAL = 3, ELEMENTS = 1000000 };

static struct event block(enum event_kind kind, pfn_t pfn, unsigned int order,
			  enum migratetype type)
{
	return (struct event){ .kind = (uint8_t)kind,
			       .pfn = pfn,
			       .order = (uint8_t)order,
			       .migratetype = (uint8_t)type,
			       .gfp = type == MIGRATE_MOVABLE ? 0x2 | 0x8 : 0x10,
			       .line = 1 };
}

/*
 * Pages come and go, each in a pair of events; three requests for a largest block have to take it from another
 * migratetype.
 */
static void make_events(struct event *events)
{
	static const unsigned int essential[ESSENTIAL] = { 1001, 9001, 17001 };

	for (unsigned int i = 0; i < EVENTS; i++)
		events[i] = block(i % 2 ? EVENT_FREE : EVENT_ALLOC, 0x10000 + i / 2, 0,
				  MIGRATE_MOVABLE);
	for (unsigned int i = 0; i < ESSENTIAL; i++)
		events[essential[i]] =
			block(EVENT_ALLOC, (pfn_t)(64 + i) << 10, 10, MIGRATE_RECLAIMABLE);
}

struct error *bench_minimise(struct bench *b)
{
	const struct reduce_options options = { .predicate = "fallbacks > 2" };
	struct event *events = calloc(EVENTS, sizeof(*events));
	struct subject_file file = { 0 };
	struct error *err;
	struct subject s;

	if (!events)
		return error_no_memory();
	make_events(events);
	err = subject_read(bench_capture(b, "boot-6.12-amd64-2g"), NULL, &file);
	s = file.subject;
	s.events = events;
	s.event_count = EVENTS;
	while (!err && bench_round(b)) {
		struct reduced r = { 0 };

		err = reduce(&s, &options, &r);
		if (!err && (!r.proven || r.subject.event_count != ESSENTIAL))
			err = error_create(ERROR_RANGE, NULL, 0, 0, "%u events are left, not %d",
					   (unsigned int)r.subject.event_count, ESSENTIAL);
		reduced_deinit(&r);
	}
	subject_file_deinit(&file);
	free(events);
	return err;
}

static enum minimise_answer has_three(void *ctx, const uint32_t *elements, uint32_t count,
				      uint32_t *enough)
{
	uint32_t found = 0;

	(void)ctx;
	(void)enough;
	for (uint32_t i = 0; i < count; i++)
		found += elements[i] == 5 || elements[i] == 500000 || elements[i] == 999999;
	return found == 3 ? MINIMISE_STILL : MINIMISE_GONE;
}

struct error *bench_minimise_list(struct bench *b)
{
	struct minimiser m = { 0 };
	struct error *err = NULL;

	while (!err && bench_round(b))
		if (!minimise(&m, ELEMENTS, NULL, has_three, NULL))
			err = error_no_memory();
	minimiser_deinit(&m);
	return err;
}
