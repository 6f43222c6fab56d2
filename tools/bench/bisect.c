/* SPDX-License-Identifier: MIT */
/* Two machines held against each other over a million events, and a bisection over facts. */
#include <stdlib.h>
#include <unistd.h>

#include "engine/migratetype.h"
#include "engine/parting.h"
#include "engine/prng.h"
#include "engine/state_diff.h"
#include "tools/bench/bench.h"
#include "traces/bisect.h"
#include "traces/trial.h"

enum { EVENTS = 1000000, STRETCH = 4096 };

/* Of 6.1, on 3 GiB; or events made up for a machine that is always there. */
#define CAPTURE "trace-6.1-amd64-3g-smp2-zonefall"
#define TREE "boot-6.12-amd64-2g"

/* Requests of all small orders; half of the events give back what was taken long before. */
static void make_events(struct event *events)
{
	struct prng prng = prng_init(1);

	for (uint64_t i = 0; i < EVENTS; i++) {
		struct event *e = &events[i];

		*e = (struct event){ .kind = EVENT_ALLOC,
				     .pfn = (i & 0x7fff) << 4,
				     .order = (uint8_t)prng_skewed(&prng, 4),
				     .migratetype = MIGRATE_MOVABLE,
				     .gfp = 0x2 | 0x8 };
		if (i >= 0x8000 && i & 1) {
			*e = events[i - 0x7fff];
			e->kind = EVENT_FREE;
		}
	}
}

static struct error *read_million(struct bench *b, struct event *made, struct subject_file *file)
{
	const char *path = bench_capture(b, CAPTURE);
	struct error *err;

	if (!access(path, R_OK)) {
		err = subject_read(path, NULL, file);
	} else if (!made) {
		err = error_no_memory();
	} else {
		err = subject_read(bench_capture(b, TREE), NULL, file);
		make_events(made);
		file->subject.events = made;
		file->subject.event_count = EVENTS;
	}
	if (!err && file->subject.event_count > EVENTS)
		file->subject.event_count = EVENTS;
	return err;
}

static struct error *start(struct trial *trial, const struct subject *s, struct rerun **ret)
{
	const char *reason = NULL;
	struct error *err = trial_boot(trial, s, TRIAL_LISTS, &reason);
	struct rerun *r;

	if (!err && reason)
		err = error_create(ERROR_FORMAT, NULL, 0, 0, "%s", reason);
	if (err)
		return err;
	r = trial_rerun(trial, s);
	*ret = r ? rerun_clone(r) : NULL;
	return *ret ? NULL : error_no_memory();
}

/* All that 'mmreplay diff' does, but for words. */
static struct error *diff(struct bench *b, struct event *made, const char *version, bool *parted)
{
	struct trial *trials[PARTING_SIDES] = { trial_create(), trial_create() };
	struct rerun *reruns[PARTING_SIDES] = { NULL, NULL };
	struct subject_file file = { 0 };
	struct state_summary sum;
	struct parting p = { 0 };
	struct subject other;
	uint32_t number;
	struct error *err = read_million(b, made, &file);

	bench_part(b, "read");
	other = file.subject;
	if (facts_parse_version(version, &number))
		subject_set_version(&other, number);
	if (!err)
		err = start(trials[0], &file.subject, &reruns[0]);
	if (!err)
		err = start(trials[1], &other, &reruns[1]);
	bench_part(b, "boot");
	parting_init(&p, reruns[0], file.subject.events, file.subject.event_count, reruns[1],
		     other.events, other.event_count);
	if (!err && !parting_find(&p, STRETCH))
		err = error_no_memory();
	bench_part(b, "search");
	if (!err) {
		*parted = p.parted;
		parting_go_on(&p, UINT64_MAX);
		state_diff(rerun_alloc(p.sides[0]), rerun_alloc(p.sides[1]), NULL, NULL, &sum);
	}
	bench_part(b, "spread");
	parting_deinit(&p);
	trial_destroy(trials[0]);
	trial_destroy(trials[1]);
	subject_file_deinit(&file);
	return err;
}

static struct error *diff_rounds(struct bench *b, const char *version, bool expected)
{
	struct event *made = malloc((size_t)EVENTS * sizeof(*made));
	struct error *err = NULL;
	bool parted = expected;

	while (!err && bench_round(b)) {
		err = diff(b, made, version, &parted);
		if (!err && parted != expected)
			err = error_create(ERROR_RANGE, NULL, 0, 0, "the states %s",
					   parted ? "part" : "do not part");
	}
	free(made);
	return err;
}

struct error *bench_diff(struct bench *b)
{
	return diff_rounds(b, access(bench_capture(b, CAPTURE), R_OK) ? "6.1" : "6.12", true);
}

/* Every digest is taken. */
struct error *bench_diff_same(struct bench *b)
{
	return diff_rounds(b, "", false);
}

struct error *bench_bisect_facts(struct bench *b)
{
	struct subject_file file = { 0 };
	struct bisector bisector = { .subject = &file.subject };
	struct bisect_row good = { 0 }, bad = { 0 };
	struct error *err;

	err = subject_read(bench_capture(b, "boot-6.1-amd64-numa4-ring"), NULL, &file);
	good.facts = file.subject.log.input.facts;
	if (facts_parse_version("5.10", &bad.version))
		facts_init(&bad.facts, bad.version);
	if (!err)
		err = predicate_parse("boot-differs(zoneinfo)", &bisector.predicate);
	while (!err && bench_round(b)) {
		struct bisect_facts found;

		err = bisect_facts(&bisector, &good, &bad, &found);
		if (!err && (found.count != 1 || found.causes[0].count != 1))
			err = error_create(ERROR_RANGE, NULL, 0, 0, "one fact is the cause, not %u",
					   (unsigned int)found.count);
		bisect_facts_deinit(&found);
	}
	predicate_destroy(bisector.predicate);
	subject_file_deinit(&file);
	return err;
}
