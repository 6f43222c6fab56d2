/* SPDX-License-Identifier: MIT */
#include "fuzz/campaign/engine_worker.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/prng.h"
#include "fuzz/campaign/apart.h"
#include "fuzz/campaign/child.h"
#include "fuzz/campaign/kept.h"
#include "fuzz/campaign/message.h"
#include "fuzz/clock.h"

/* How often an engine is looked after, its numbers told, and its folders read. */
enum { TICK_MILLISECONDS = 50, TELL_MILLISECONDS = 500, SCAN_MILLISECONDS = 2000 };
/* How long an engine has to end in order, and one input in its program. */
enum { END_MILLISECONDS = 10000, AGAIN_MILLISECONDS = 90000 };
/* An engine that ends so often with nothing done is no use. */
enum { FAILURES_MAX = 3 };
/* Exit code of a look that found something. */
enum { LOOK_FOUND = 10 };

/* Why a file is there. */
enum left {
	LEFT_INPUT, /* it did something new */
	LEFT_FINDING, /* it broke what must hold; the file has the name of that */
	LEFT_CRASH, /* the engine's program crashed, or wanted too much memory */
	LEFT_SLOW, /* it took too long, which sanitizers or a busy machine may be the cause of */
};

struct own_target {
	struct target_runner *runner;
	struct causes *causes;
	struct hashes looked; /* in addition to those of the plan */
	uint64_t executions;
	bool begun, done;
};

struct engine_worker {
	const struct campaign_plan *plan;
	const struct engine_plan *engine_plan;
	struct worker_shared *shared;
	struct own_target *targets;
	struct hashes seen; /* files, as they were */
	unsigned int target; /* whose turn it is */
	struct engine_job job;
	struct engine_stats stats, told; /* of the engine that runs, or ran last */
	uint64_t told_at, scanned_at; /* milliseconds */
	int fd;
	bool gone; /* nobody listens any more */
	bool alone; /* there is no engine: what takes its program waits for one */
};

static const struct target *target_of(const struct engine_worker *w)
{
	return w->plan->targets[w->target];
}

static void tell(struct engine_worker *w, const struct message *m)
{
	if (!w->gone && !message_write(w->fd, m))
		w->gone = true;
}

/* Takes the error. */
static void tell_error(struct engine_worker *w, struct error *err)
{
	struct message m = { .kind = MESSAGE_ERROR };

	if (!err)
		return;
	m.parts[0] = message_part_text(err->file ? err->file : "");
	m.parts[1] = message_part_text(err->message);
	tell(w, &m);
	error_destroy(err);
	w->gone = true;
}

/* The parent takes a worker that shows no life for one that hangs. */
static void live(void *ctx)
{
	struct engine_worker *w = ctx;

	w->shared->runs++;
}

static void wait_a_tick(struct engine_worker *w)
{
	const struct timespec t = { 0, TICK_MILLISECONDS * 1000000L };

	live(w);
	nanosleep(&t, NULL);
}

static bool told_to_stop(const struct engine_worker *w)
{
	return w->gone || w->shared->stop;
}

static void tell_work(struct engine_worker *w)
{
	uint64_t passed = clock_milliseconds() - w->told_at;
	struct message m = { .kind = MESSAGE_WORK,
			     .parts = { message_part_text(target_of(w)->name) } };

	engine_job_stats(&w->job, &w->stats);
	m.numbers[0] = w->stats.executions - w->told.executions;
	m.numbers[1] = w->stats.refused - w->told.refused;
	m.numbers[2] = passed;
	m.numbers[3] = w->stats.coverage;
	w->targets[w->target].executions += m.numbers[0];
	w->told = w->stats;
	w->told_at += passed;
	tell(w, &m);
}

/* ---- looking at inputs ------------------------------------------------------------------------- */

struct input {
	const char *path, *name;
	uint8_t *data;
	size_t size;
	uint64_t hash;
};

static bool wait_for(struct engine_worker *w, pid_t pid, uint64_t milliseconds, int *status)
{
	return child_wait(pid, milliseconds, live, w, status);
}

static void tell_finding(struct engine_worker *w, const struct input *in, const char *id,
			 const char *text)
{
	struct message m = { .kind = MESSAGE_FINDING,
			     .numbers = { w->targets[w->target].executions } };

	m.parts[0] = message_part_text(target_of(w)->name);
	m.parts[1] = message_part_text(id);
	m.parts[2] = message_part_text("");
	m.parts[3] = message_part_text(text);
	m.parts[4] = (struct message_part){ in->data, in->size };
	tell(w, &m);
}

static void tell_findings(struct engine_worker *w, const struct input *in)
{
	const struct own_target *own = &w->targets[w->target];

	if (!w->gone)
		w->gone = !worker_tell_findings(own->causes, target_of(w),
						target_report(own->runner), in->data, in->size,
						own->executions, w->fd);
}

/* Runs an input that something is wrong with in a child of this program.  False: nothing is wrong with it. */
static bool look_apart(struct engine_worker *w, const struct input *in)
{
	struct target_runner *runner = w->targets[w->target].runner;
	char id[32];
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return false;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		target_run_bytes(runner, in->data, in->size);
		tell_findings(w, in);
		_exit(target_report(runner)->finding_count ? LOOK_FOUND : 0);
	}
	if (!wait_for(w, pid, w->plan->hang_milliseconds, &status)) {
		tell_finding(w, in, APART_HANG, "the input ran for too long");
		return true;
	}
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == LOOK_FOUND)
		return true;
	child_name_crash(status, id, sizeof(id));
	tell_finding(w, in, id, "the program ended while it ran this input");
	return true;
}

/* Runs it in the program of the engine, whose sanitizers may see what this one does not. */
static void look_again(struct engine_worker *w, const struct input *in)
{
	const char *engine = engine_names[w->job.engine->kind];
	char id[64], text[300];
	int status = 0;
	pid_t pid;
	struct error *err = engine_job_run_file(&w->job, in->path, &pid);

	if (err) {
		tell_error(w, err);
		return;
	}
	if (!wait_for(w, pid, AGAIN_MILLISECONDS, &status)) {
		tell_finding(w, in, APART_HANG, "the input ran for too long under its engine");
		return;
	}
	if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		snprintf(text, sizeof(text), "%s_%s crashed, and does not do so again",
			 target_of(w)->name, engine);
		tell_finding(w, in, "crash-once", text);
		return;
	}
	if (!engine_job_summary(&w->job, id, sizeof(id), text, sizeof(text))) {
		child_name_crash(status, id, sizeof(id));
		snprintf(text, sizeof(text),
			 "%s_%s ended while it ran this input, this program does not",
			 target_of(w)->name, engine);
	}
	tell_finding(w, in, id, text);
}

static void look_at_failure(struct engine_worker *w, const struct input *in, enum left left)
{
	struct own_target *own = &w->targets[w->target];
	struct message m = { .kind = MESSAGE_LOOKED, .numbers = { in->hash } };

	if (hashes_has(&w->engine_plan->looked[w->target], in->hash) ||
	    !hashes_add(&own->looked, in->hash))
		return;
	if (!look_apart(w, in)) {
		char text[200];

		if (w->alone)
			return;
		snprintf(text, sizeof(text), "%s_%s says so, and this program does not",
			 target_of(w)->name, engine_names[w->job.engine->kind]);
		if (left == LEFT_FINDING)
			tell_finding(w, in, in->name, text);
		else if (left == LEFT_CRASH)
			look_again(w, in);
	}
	m.parts[0] = message_part_text(target_of(w)->name);
	tell(w, &m);
	/* An engine that crashes while it reads what it begins with would come no further. */
	if (left != LEFT_FINDING && !w->alone)
		engine_job_remove_input(&w->job, in->name, in->data, in->size);
}

/* What this program does with it is told, and it is kept if it is an input at all. */
static void look_at_input(struct engine_worker *w, const uint8_t *data, size_t size)
{
	struct target_runner *runner = w->targets[w->target].runner;
	struct worker_shared *shared = w->shared;
	struct input in = { .data = (uint8_t *)(uintptr_t)data, .size = size };
	struct message m = { .kind = MESSAGE_KEPT };

	in.hash = kept_hash(data, size);
	/* One that crashed was told by the parent. */
	if (hashes_has(&w->engine_plan->looked[w->target], in.hash))
		return;
	shared->target = w->target;
	if (size)
		memcpy(shared->input, data, size);
	shared->input_size = (uint32_t)size;
	live(w);
	target_run_bytes(runner, data, size);
	shared->input_size = 0;
	tell_findings(w, &in);
	if (target_report(runner)->refused ||
	    kept_has_input(w->engine_plan->folder, target_of(w)->name, in.hash))
		return;
	m.parts[0] = message_part_text(target_of(w)->name);
	m.parts[1] = (struct message_part){ data, size };
	tell(w, &m);
}

/* ---- reading folders --------------------------------------------------------------------------- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strcmp(entry->d_name, "README.txt") != 0;
}

/* Reads a file that is no longer than an input; false if it is none. */
static bool read_input(const char *path, size_t size, uint8_t **ret)
{
	uint8_t *data = malloc(size + 1);
	FILE *f = data ? fopen(path, "rb") : NULL;
	bool ok = f && fread(data, 1, size, f) == size;

	if (f)
		fclose(f);
	if (!ok)
		free(data);
	else
		*ret = data;
	return ok;
}

/* libFuzzer tells kinds by names; AFL++ has a folder for each. */
static enum left kind_of(const char *name, enum left left)
{
	static const char *const slow[] = { "timeout-", "slow-unit-" };

	for (size_t i = 0; left == LEFT_CRASH && i < sizeof(slow) / sizeof(*slow); i++)
		if (!strncmp(name, slow[i], strlen(slow[i])))
			return LEFT_SLOW;
	return left;
}

/* @last: nobody writes there any more; otherwise what is quite new may not be complete, and waits. */
static void scan_file(struct engine_worker *w, const char *path, const char *name, enum left left,
		      bool last)
{
	struct input in = { .path = path, .name = name };
	char state[64];
	struct stat st;

	if (stat(path, &st) || !S_ISREG(st.st_mode) || st.st_size > (off_t)TARGET_BYTES_MAX)
		return;
	if (!last && time(NULL) - st.st_mtime < 2)
		return;
	/* A smaller input for a finding has the same name. */
	snprintf(state, sizeof(state), "%lld %lld", (long long)st.st_size,
		 left == LEFT_FINDING ? (long long)st.st_mtime : 0);
	if (!hashes_add(&w->seen,
			kept_hash(path, strlen(path)) * 31 + kept_hash(state, strlen(state))))
		return;
	in.size = (size_t)st.st_size;
	if (!read_input(path, in.size, &in.data))
		return;
	in.hash = kept_hash(in.data, in.size);
	if (left != LEFT_INPUT)
		look_at_failure(w, &in, kind_of(name, left));
	else if (!kept_has_input(w->engine_plan->folder, target_of(w)->name, in.hash))
		look_at_input(w, in.data, in.size);
	free(in.data);
}

static void scan(struct engine_worker *w, const char *folder, const char *name, enum left left,
		 bool last)
{
	char *path = kept_path(folder, name, NULL);
	struct dirent **entries = NULL;
	int count = path ? scandir(path, &entries, is_visible, by_name) : -1;

	for (int i = 0; i < count; i++) {
		char *file = kept_path(path, entries[i]->d_name, NULL);

		live(w);
		/* What is being written as a finding has the number of its process behind a dot. */
		if (file && !w->gone && (left != LEFT_FINDING || !strchr(entries[i]->d_name, '.')))
			scan_file(w, file, entries[i]->d_name, left, last);
		free(file);
		free(entries[i]);
	}
	free(entries);
	free(path);
}

/* What is in the folder @own of a job. */
static void scan_own(struct engine_worker *w, const char *own, bool last)
{
	scan(w, own, "findings", LEFT_FINDING, last);
	scan(w, own, "crashes", LEFT_CRASH, last);
	scan(w, own, "afl/crashes", LEFT_CRASH, last);
	scan(w, own, "afl/hangs", LEFT_SLOW, last);
	scan(w, own, "afl/queue", LEFT_INPUT, last);
}

static void scan_all(struct engine_worker *w, bool last)
{
	w->scanned_at = clock_milliseconds();
	scan_own(w, w->job.own, last);
	if (w->job.engine->kind == ENGINE_LIBFUZZER)
		scan(w, w->job.corpus, "", LEFT_INPUT, last);
}

/* What jobs of an earlier run, perhaps more of them than now, left on this target. */
static void scan_left_over(struct engine_worker *w)
{
	char *top = kept_path(w->engine_plan->folder, "engine", target_of(w)->name);
	struct dirent **entries = NULL;
	int count = top ? scandir(top, &entries, is_visible, by_name) : -1;

	for (int i = 0; i < count; i++) {
		char *own = kept_path(top, entries[i]->d_name, NULL);

		if (own && !strncmp(entries[i]->d_name, "job-", 4))
			scan_own(w, own, true);
		else if (own && !strcmp(entries[i]->d_name, engine_names[ENGINE_LIBFUZZER]))
			scan(w, own, "", LEFT_INPUT, false);
		free(own);
		free(entries[i]);
	}
	free(entries);
	free(top);
}

/* ---- turns ------------------------------------------------------------------------------------- */

static struct error *add_seed(struct engine_worker *w, const uint8_t *data, size_t size)
{
	struct own_target *own = &w->targets[w->target];
	uint64_t hash = kept_hash(data, size);

	if (hashes_has(&w->engine_plan->looked[w->target], hash) || hashes_has(&own->looked, hash))
		return NULL;
	return engine_job_add_seed(&w->job, data, size);
}

/* Seeds of the target and of the campaign: each runs here first, and engines begin with them. */
static struct error *write_seeds(struct engine_worker *w)
{
	const struct corpus *given = &w->plan->corpora[w->target];
	const struct target *target = target_of(w);
	struct error *err = NULL;
	bool any = false;

	for (unsigned int i = 0; !err && target->seeds[i]; i++, any = true) {
		uint8_t *data = NULL;
		size_t size = 0;

		err = target_seed(target, i, &data, &size);
		if (!err && !w->targets[w->target].begun)
			look_at_input(w, data, size);
		if (!err)
			err = add_seed(w, data, size);
		free(data);
	}
	for (size_t i = 0; !err && i < given->count; i++, any = true) {
		if (given->inputs[i].size > TARGET_BYTES_MAX)
			continue;
		if (!w->targets[w->target].begun)
			look_at_input(w, given->inputs[i].data, given->inputs[i].size);
		err = add_seed(w, given->inputs[i].data, given->inputs[i].size);
	}
	/* AFL++ refuses to begin with nothing. */
	if (!err && !any)
		err = add_seed(w, (const uint8_t *)"\n", 1);
	return err;
}

static void end_engine(struct engine_worker *w, pid_t pid)
{
	int status;

	kill(pid, SIGINT);
	wait_for(w, pid, END_MILLISECONDS, &status);
	/* Whatever it started goes with it. */
	kill(-pid, SIGKILL);
}

/* Goes along with a running engine until it ends or the turn is over.  True: it ended by itself, with *@status. */
static bool look_after(struct engine_worker *w, pid_t pid, uint64_t until, int *status)
{
	for (;;) {
		uint64_t now = clock_milliseconds();

		if (waitpid(pid, status, WNOHANG) == pid) {
			kill(-pid, SIGKILL);
			return true;
		}
		if (told_to_stop(w) || now >= until) {
			end_engine(w, pid);
			return false;
		}
		if (now - w->told_at >= TELL_MILLISECONDS)
			tell_work(w);
		if (now - w->scanned_at >= SCAN_MILLISECONDS)
			scan_all(w, false);
		wait_a_tick(w);
	}
}

static void tell_failure(struct engine_worker *w)
{
	char words[400];

	engine_last_words(&w->job, words, sizeof(words));
	tell_error(w,
		   error_create(ERROR_OS, NULL, 0, 0,
				"%s ended again and again on target %s without doing anything%s%s",
				engine_names[w->job.engine->kind], target_of(w)->name,
				*words ? "; it last said: " : "", words));
}

/* Starts the engine, and again when a crash has ended it, until the turn is over. */
static void run_engine(struct engine_worker *w, struct prng *prng, uint64_t until, uint64_t limit)
{
	struct own_target *own = &w->targets[w->target];
	unsigned int failures = 0;
	bool ended = true;

	while (ended && !told_to_stop(w) && own->executions < limit) {
		struct error *err;
		int status = 0;
		pid_t pid;

		w->job.seed = prng_next(prng);
		w->job.executions = limit == UINT64_MAX ? limit : limit - own->executions;
		w->stats = w->told = (struct engine_stats){ 0 };
		err = write_seeds(w);
		own->begun = true;
		if (!err)
			err = engine_job_start(&w->job, &pid);
		if (err) {
			tell_error(w, err);
			return;
		}
		ended = look_after(w, pid, until, &status);
		scan_all(w, true);
		tell_work(w);
		if (ended && WIFEXITED(status) && !WEXITSTATUS(status) && limit != UINT64_MAX)
			own->done = true;
		if (own->done)
			return;
		/* libFuzzer runs an empty input before any other. */
		failures = ended && w->stats.executions < 2 ? failures + 1 : 0;
		if (failures == FAILURES_MAX)
			tell_failure(w);
		for (unsigned int i = 0; ended && i < 4; i++)
			wait_a_tick(w);
	}
}

static struct error *create_runner(struct engine_worker *w, struct own_target *own)
{
	const struct target_settings *settings = &w->plan->settings;
	struct error *err = target_runner_create(target_of(w), settings, &own->runner);

	return err ? err : causes_create(target_of(w), settings, &own->causes);
}

static void turn(struct engine_worker *w, struct prng *prng, unsigned int number, uint64_t limit)
{
	const struct engine_plan *e = w->engine_plan;
	struct own_target *own = &w->targets[w->target];
	uint64_t until = UINT64_MAX;
	struct error *err;

	if (e->turn_milliseconds != UINT64_MAX)
		until = clock_milliseconds() + e->turn_milliseconds;
	w->job = (struct engine_job){ .engine = &e->engine,
				      .target = target_of(w),
				      .settings = &w->plan->settings,
				      .folder = e->folder,
				      .job = number % e->jobs,
				      .campaign_seed = w->plan->seed };
	err = engine_job_init(&w->job);
	if (!err && !own->runner)
		err = create_runner(w, own);
	if (err) {
		tell_error(w, err);
	} else {
		scan_all(w, true);
		if (!own->begun && !number)
			scan_left_over(w);
		run_engine(w, prng, until, limit);
	}
	engine_job_deinit(&w->job);
}

/* ---- the worker -------------------------------------------------------------------------------- */

/*
 * The parent tells when to end, and the engine must not hold the pipe open.  When the parent is killed this
 * process is too, and with it, in order, the engine.
 */
static void keep_to_itself(const struct engine_worker *w)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fcntl(w->fd, F_SETFD, FD_CLOEXEC);
}

static void clean_up(struct engine_worker *w)
{
	for (unsigned int i = 0; w->targets && i < w->plan->target_count; i++) {
		target_runner_destroy(w->targets[i].runner);
		causes_destroy(w->targets[i].causes);
		hashes_deinit(&w->targets[i].looked);
	}
	hashes_deinit(&w->seen);
	free(w->targets);
}

void engine_worker_catch_up(const struct campaign_plan *plan, const struct engine_plan *engine_plan,
			    int fd, struct worker_shared *shared)
{
	struct engine_worker w = {
		.plan = plan, .engine_plan = engine_plan, .shared = shared, .fd = fd, .alone = true
	};

	w.targets = calloc((size_t)plan->target_count + 1, sizeof(*w.targets));
	if (!w.targets)
		tell_error(&w, error_no_memory());
	for (; !told_to_stop(&w) && w.target < plan->target_count; w.target++) {
		struct own_target *own = &w.targets[w.target];
		struct error *err = create_runner(&w, own);

		if (err)
			tell_error(&w, err);
		else
			scan_left_over(&w);
	}
	clean_up(&w);
}

void engine_worker_run(const struct campaign_plan *plan, const struct engine_plan *engine_plan,
		       unsigned int number, uint64_t executions, int fd,
		       struct worker_shared *shared)
{
	struct engine_worker w = { .plan = plan,
				   .engine_plan = engine_plan,
				   .shared = shared,
				   .fd = fd,
				   .told_at = clock_milliseconds() };
	struct prng prng = prng_init(plan->seed ^ (uint64_t)number << 32);
	bool any = true;

	keep_to_itself(&w);
	w.targets = calloc((size_t)plan->target_count + 1, sizeof(*w.targets));
	if (!w.targets) {
		tell_error(&w, error_no_memory());
		return;
	}
	while (any && !told_to_stop(&w)) {
		any = false;
		for (unsigned int k = 0; k < plan->target_count && !told_to_stop(&w); k++) {
			/* Jobs begin at different targets, and far from those of others. */
			w.target = (k + number % engine_plan->jobs * plan->target_count /
						engine_plan->jobs) %
				   plan->target_count;
			if (w.targets[w.target].done ||
			    w.targets[w.target].executions >= executions)
				continue;
			any = true;
			turn(&w, &prng, number, executions);
		}
	}
	clean_up(&w);
}
