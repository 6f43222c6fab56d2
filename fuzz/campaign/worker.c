/* SPDX-License-Identifier: MIT */
#include "fuzz/campaign/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/prng.h"
#include "fuzz/campaign/message.h"
#include "fuzz/clock.h"

/*
 * Executions of a target before the next one has its turn; where there is no limit to them, also so long at most, so
 * that a slow target does not keep the others waiting.
 */
enum { TURN = 16384, TURN_MILLISECONDS = 3000 };
/* How often work is told. */
enum { TELL_MILLISECONDS = 250 };

/* What a worker knows of one target. */
struct own_target {
	struct target
		recording; /* the target, with the input left in shared memory before each run */
	const struct target *real;
	struct worker *worker;
	struct target_runner *runner;
	struct causes *causes;
	/* One for all turns: what it has kept need not run again to be known. */
	struct driver *driver;
	struct driver_stats told;
};

struct worker {
	const struct campaign_plan *plan;
	struct worker_shared *shared;
	struct own_target *targets;
	struct own_target *at; /* whose turn it is */
	int fd;
	bool gone; /* nobody listens any more */
	uint64_t told_at; /* milliseconds */
	uint64_t turn_ends; /* milliseconds; UINT64_MAX: by executions alone */
};

/* ---- recording --------------------------------------------------------------------------------- */

/* The state of a recording target; driver and target know nothing of it. */
struct recorder {
	struct own_target *own;
	void *state; /* of the real target */
};

/* Only one worker runs in a process, and create() is not told whose it is. */
static struct own_target *creating;

static void *recorder_create(const struct target_settings *settings)
{
	struct recorder *r = malloc(sizeof(*r));

	if (!r)
		return NULL;
	r->own = creating;
	r->state = creating->real->create(settings);
	if (!r->state) {
		free(r);
		return NULL;
	}
	return r;
}

static void recorder_destroy(void *state)
{
	struct recorder *r = state;

	r->own->real->destroy(r->state);
	free(r);
}

/* The run that begins now. */
static struct worker_shared *begin_run(struct recorder *r)
{
	struct worker_shared *shared = r->own->worker->shared;

	shared->runs++;
	shared->input_size = 0;
	return shared;
}

static void recorder_run_message(void *state, const ProtobufCMessage *message,
				 struct target_report *report)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	struct recorder *r = state;
	struct worker_shared *shared = begin_run(r);

	if (size <= sizeof(shared->input))
		shared->input_size = (uint32_t)protobuf_c_message_pack(message, shared->input);
	r->own->real->run_message(r->state, message, report);
}

static void recorder_run_bytes(void *state, const uint8_t *data, size_t size,
			       struct target_report *report)
{
	struct recorder *r = state;
	struct worker_shared *shared = begin_run(r);

	if (size && size <= sizeof(shared->input)) {
		memcpy(shared->input, data, size);
		shared->input_size = (uint32_t)size;
	}
	r->own->real->run_bytes(r->state, data, size, report);
}

static void own_deinit(struct own_target *own)
{
	driver_destroy(own->driver);
	causes_destroy(own->causes);
	target_runner_destroy(own->runner);
}

/* ---- what is told ------------------------------------------------------------------------------ */

static void tell(struct worker *w, const struct message *m)
{
	if (!w->gone && !message_write(w->fd, m))
		w->gone = true;
}

static void tell_work(struct worker *w, const struct driver_stats *stats, uint64_t milliseconds)
{
	struct own_target *at = w->at;
	struct message m = { .kind = MESSAGE_WORK,
			     .numbers = { stats->executions - at->told.executions,
					  stats->refused - at->told.refused, milliseconds,
					  stats->features },
			     .parts = { message_part_text(at->real->name) } };

	at->told = *stats;
	w->told_at += milliseconds;
	tell(w, &m);
}

static bool on_progress(void *ctx, const struct driver_stats *stats)
{
	struct worker *w = ctx;
	uint64_t now = clock_milliseconds();

	if (now - w->told_at >= TELL_MILLISECONDS)
		tell_work(w, stats, now - w->told_at);
	return !w->shared->stop && !w->gone && now < w->turn_ends;
}

static void on_kept(void *ctx, const uint8_t *data, size_t size)
{
	struct worker *w = ctx;
	struct message m = { .kind = MESSAGE_KEPT,
			     .parts = { message_part_text(w->at->real->name), { data, size } } };

	tell(w, &m);
}

bool worker_tell_findings(struct causes *causes, const struct target *target,
			  const struct target_report *report, const uint8_t *data, size_t size,
			  uint64_t executions, int fd)
{
	bool heard = true;

	for (unsigned int i = 0; heard && i < report->finding_count; i++) {
		const struct target_finding *f = &report->findings[i];
		char facts[1024] = "";
		struct message m = { .kind = MESSAGE_FINDING };

		if (causes)
			causes_name(causes, f->id, data, size, facts, sizeof(facts));
		m.numbers[0] = executions;
		m.parts[0] = message_part_text(target->name);
		m.parts[1] = message_part_text(f->id);
		m.parts[2] = message_part_text(facts);
		m.parts[3] = message_part_text(f->text);
		m.parts[4] = (struct message_part){ data, size };
		heard = message_write(fd, &m);
	}
	return heard;
}

static void on_finding(void *ctx, const struct target_report *report, const uint8_t *data,
		       size_t size, uint64_t execution)
{
	struct worker *w = ctx;

	if (!w->gone)
		w->gone = !worker_tell_findings(w->at->causes, w->at->real, report, data, size,
						execution, w->fd);
}

/* ---- turns ------------------------------------------------------------------------------------- */

static struct error *own_init(struct own_target *own, struct worker *w, const struct target *real,
			      const struct corpus *given, uint64_t seed)
{
	const struct driver_options options = { .seed = seed,
						.inputs = given->inputs,
						.input_count = given->count,
						.found = on_finding,
						.kept = on_kept,
						.progress = on_progress,
						.ctx = w };
	struct error *err;

	*own = (struct own_target){ .recording = *real, .real = real, .worker = w };
	own->recording.create = recorder_create;
	own->recording.destroy = recorder_destroy;
	if (real->run_message)
		own->recording.run_message = recorder_run_message;
	if (real->run_bytes)
		own->recording.run_bytes = recorder_run_bytes;
	creating = own;
	err = target_runner_create(&own->recording, &w->plan->settings, &own->runner);
	creating = NULL;
	if (!err)
		err = causes_create(real, &w->plan->settings, &own->causes);
	if (!err)
		err = driver_create(own->runner, &options, &own->driver);
	return err;
}

/* When a turn that begins now is over, for @waiting targets, this one included, to have theirs in time. */
static uint64_t turn_end(const struct worker *w, unsigned int waiting)
{
	uint64_t now = clock_milliseconds(), ends_at = w->plan->ends_at, share = 0;

	if (ends_at > now)
		share = (ends_at - now) / waiting;
	return now + (share < TURN_MILLISECONDS ? share : TURN_MILLISECONDS);
}

/* @ends: UINT64_MAX: @executions are what is left, or a part of it, and not to be cut short. */
static struct error *turn(struct worker *w, unsigned int target, uint64_t executions, uint64_t ends)
{
	struct driver *driver = w->targets[target].driver;
	const struct driver_stats *stats = driver_stats(driver);
	struct error *err;

	w->at = &w->targets[target];
	w->shared->target = target;
	w->turn_ends = ends;
	driver_forget_findings(driver);
	err = driver_go_on(driver, stats->executions + executions);
	tell_work(w, stats, clock_milliseconds() - w->told_at);
	return err;
}

struct error *worker_run(const struct campaign_plan *plan, unsigned int number, uint64_t executions,
			 int fd, struct worker_shared *shared)
{
	struct worker w = {
		.plan = plan, .shared = shared, .fd = fd, .told_at = clock_milliseconds()
	};
	/* Workers and targets draw apart, and each the same again from the same seed. */
	struct prng prng = prng_init(plan->seed ^ (uint64_t)number << 32);
	struct error *err = NULL;
	bool any = true;

	w.targets = calloc((size_t)plan->target_count + 1, sizeof(*w.targets));
	if (!w.targets)
		return error_no_memory();
	for (unsigned int i = 0; !err && i < plan->target_count; i++)
		err = own_init(&w.targets[i], &w, plan->targets[i], &plan->corpora[i],
			       prng_next(&prng));
	while (!err && any && !shared->stop && !w.gone) {
		any = false;
		for (unsigned int k = 0; !err && k < plan->target_count; k++) {
			/* Workers begin at different targets. */
			unsigned int i = (k + number) % plan->target_count;
			uint64_t left = executions;

			if (left != UINT64_MAX)
				left -= driver_stats(w.targets[i].driver)->executions;
			if (!left || shared->stop || w.gone)
				continue;
			err = turn(&w, i, left < TURN ? left : TURN,
				   executions == UINT64_MAX ? turn_end(&w, plan->target_count - k)
							    : UINT64_MAX);
			any = true;
		}
	}
	for (unsigned int i = 0; i < plan->target_count; i++)
		own_deinit(&w.targets[i]);
	free(w.targets);
	return err;
}
