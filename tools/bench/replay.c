/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of replaying a stored trace: unpacked from memory, each event predicted and taken in.  The
 * machine is booted once; a round begins with its free lists.
 */
#include "engine/replay.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/boot.h"
#include "engine/buddy_invariants.h"
#include "engine/impossible.h"
#include "engine/page_alloc_invariants.h"
#include "tools/bench/bench.h"
#include "tools/bench/stored_trace.h"
#include "traces/capture.h"
#include "traces/trace/trace.h"

/* Where the captures are not, a few hundred events on a machine that they fit. */
#define CAPTURE "trace-6.1-amd64-512m-up-mix"
#define TREE "boot-6.1-amd64-numa4-ring"
#define TRACE_OF_TREE "traces/testdata/trace/6.1-up.txt"

struct subject {
	struct boot_log log;
	struct machine booted, late;
	struct buddy lists; /* as they were handed over */
	struct sink_text file;
	uint64_t events;
};

/* What a benchmark does with each event. */
struct replay_bench {
	uint32_t kinds; /* 0: all */
	bool checked; /* every invariant that costs a few comparisons, after each event */
};

static struct error *start(struct bench *b, struct subject *s)
{
	const char *path = bench_capture(b, CAPTURE);
	bool have = !access(path, R_OK);
	char *trace = NULL;
	struct error *err;

	memset(s, 0, sizeof(*s));
	machine_init(&s->booted);
	machine_init(&s->late);
	if (!have)
		path = bench_capture(b, TREE);
	err = capture_read(path, &s->log);
	if (!err && have)
		err = capture_trace_path(path, &trace);
	if (!err)
		err = stored_trace_make(trace ? trace : TRACE_OF_TREE, &s->file, &s->events);
	free(trace);
	if (err)
		return err;
	s->booted.want_lists = true;
	boot_run(&s->booted, &s->log.input, STAGE_MEM_INIT);
	boot_run(&s->late, &s->log.input, STAGE_LATE);
	if (!s->booted.out_of_memory && !s->late.out_of_memory)
		buddy_copy(&s->lists, s->booted.buddy);
	return s->lists.zones ? NULL : error_no_memory();
}

static void finish(struct subject *s)
{
	sink_text_deinit(&s->file);
	buddy_deinit(&s->lists);
	machine_deinit(&s->booted);
	machine_deinit(&s->late);
	boot_log_deinit(&s->log);
}

/* As after each step of a scenario, but for what walks over lists. */
static void check(const struct subject *s, struct replay *r, struct findings *findings)
{
	buddy_invariants_check(s->booted.buddy, INVARIANT_COST_CONSTANT, findings);
	page_alloc_invariants_check(replay_alloc(r), s->late.nodes, INVARIANT_COST_CONSTANT,
				    findings);
}

static void replay_events(const struct subject *s, const struct replay_bench *how, struct replay *r,
			  const struct event *events, size_t count, struct findings *findings)
{
	unsigned int types = migratetype_count(&s->booted.config);

	for (size_t i = 0; i < count; i++) {
		const struct event *e = &events[i];

		if (how->checked && impossible_shape(e, 1, s->lists.max_order, types) != POSSIBLE)
			continue;
		replay_event(r, e);
		if (how->checked)
			check(s, r, findings);
	}
}

static struct error *replay_once(struct subject *s, const struct replay_bench *how,
				 struct findings *findings)
{
	struct replay_options options = { .kinds = how->kinds, .cpu_count = 1 };
	const struct event *events;
	struct error *err;
	struct replay *r;
	struct trace *t;
	size_t count;

	buddy_copy(s->booted.buddy, &s->lists);
	r = replay_create(&s->booted, &s->late, &options);
	if (!r)
		return error_no_memory();
	err = trace_open_bytes("stored", s->file.data, s->file.len, NULL, &t);
	if (err) {
		replay_destroy(r);
		return err;
	}
	do {
		err = trace_next(t, &events, &count);
		if (!err)
			replay_events(s, how, r, events, count, findings);
	} while (!err && count);
	trace_close(t);
	/* A figure for something that went wrong would be worth nothing. */
	if (!err &&
	    replay_stats(r)->right[EVENT_ALLOC] * 10 <
		    replay_stats(r)->predicted[EVENT_ALLOC] * 9 &&
	    s->events > 100000)
		err = error_create(ERROR_FORMAT, NULL, 0, 0, "the model is often wrong");
	replay_destroy(r);
	return err;
}

static struct error *rounds(struct bench *b, const struct replay_bench *how)
{
	static struct findings findings;
	struct subject s;
	struct error *err = start(b, &s);

	while (!err && bench_round(b)) {
		findings_clear(&findings);
		err = replay_once(&s, how, &findings);
		bench_work(b, s.events);
	}
	finish(&s);
	return err;
}

struct error *bench_replay(struct bench *b)
{
	return rounds(b, &(struct replay_bench){ 0 });
}

struct error *bench_replay_checked(struct bench *b)
{
	return rounds(b, &(struct replay_bench){ .checked = true });
}

struct error *bench_replay_two_kinds(struct bench *b)
{
	return rounds(b, &(struct replay_bench){ .kinds = 1u << EVENT_ALLOC | 1u << EVENT_FREE });
}
