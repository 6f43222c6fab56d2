/* SPDX-License-Identifier: MIT */
#include "fuzz/campaign/campaign.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/campaign/apart.h"
#include "fuzz/campaign/engine_worker.h"
#include "fuzz/campaign/kept.h"
#include "fuzz/campaign/message.h"
#include "fuzz/campaign/shrinker.h"
#include "fuzz/campaign/worker.h"
#include "fuzz/clock.h"

/* Crashes of workers after which a campaign is of no use. */
enum { CRASHES_MAX = 1000 };
enum { TICK_MILLISECONDS = 200 };
/*
 * How long engines of others work on one target before the next has its turn: each start costs them a while.
 * Of short campaigns every target gets its part.
 */
enum { ENGINE_TURN_MIN = 3000, ENGINE_TURN_MAX = 120000 };

struct process {
	pid_t pid; /* 0: none */
	int fd;
	struct message_reader reader;
	struct worker_shared *shared; /* of a worker */
	uint32_t runs; /* of a worker, when it was looked at last ... */
	uint64_t ran_at; /* ... and when that was another number */
	bool hung; /* it was killed for that */
	int64_t group; /* that a shrinker works on */
};

struct campaign {
	const struct campaign_options *options;
	struct campaign_plan plan;
	struct engine_plan engine_plan;
	struct hashes *looked; /* by target */
	struct corpus *corpora; /* by target */
	uint64_t *
		kept; /* by target: inputs that came to the folder, and are not in the results yet */
	struct results *results;
	struct process *workers; /* options->jobs of them */
	struct process shrinker;
	uint64_t start;
	uint64_t executions; /* of this run */
	unsigned int crashes, generation;
	int64_t shrunk_to; /* groups up to this number were given to a shrinker that failed */
	bool stopping;
	struct error *error; /* the first one */
};

static void note_error(struct campaign *c, struct error *err)
{
	if (err && c->error)
		error_destroy(err);
	else if (err)
		c->error = err;
}

/* "9999", "12k", "123k", "1.2M": at most four characters. */
#define SHORT_SIZE 5

static void shorten(uint64_t number, char ret[SHORT_SIZE])
{
	static const char units[] = " kMGTPE";
	unsigned int unit = 0, tenths = 0;
	char text[40] = "";

	if (number >= 10000) {
		for (; number >= 1000; number /= 1000) {
			tenths = (unsigned int)(number % 1000 / 100);
			unit++;
		}
	}
	if (!unit)
		snprintf(text, sizeof(text), "%" PRIu64, number);
	else if (number < 10)
		snprintf(text, sizeof(text), "%" PRIu64 ".%u%c", number, tenths, units[unit]);
	else
		snprintf(text, sizeof(text), "%" PRIu64 "%c", number, units[unit]);
	memcpy(ret, text, SHORT_SIZE - 1);
	ret[SHORT_SIZE - 1] = '\0';
}

void campaign_status_text(const struct campaign_status *status, char ret[CAMPAIGN_STATUS_SIZE])
{
	uint64_t ms = status->milliseconds;
	bool minutes = ms / 1000 >= 10000;
	char time[SHORT_SIZE], executions[SHORT_SIZE], rate[SHORT_SIZE], coverage[SHORT_SIZE],
		kept[SHORT_SIZE], groups[SHORT_SIZE], minimised[SHORT_SIZE];

	shorten(ms / (minutes ? 60000 : 1000), time);
	shorten(status->executions, executions);
	shorten(ms ? status->executions * 1000 / ms : 0, rate);
	shorten(status->work.coverage, coverage);
	shorten(status->work.kept, kept);
	shorten(status->groups, groups);
	shorten(status->minimised, minimised);
	snprintf(ret, CAMPAIGN_STATUS_SIZE,
		 "%s %s: %s runs, %s/s; coverage %s; kept %s; found %s, small %s", time,
		 minutes ? "min" : "s", executions, rate, coverage, kept, groups, minimised);
}

char *campaign_results_path(const char *folder)
{
	return kept_path(folder, "campaign.sqlite", NULL);
}

char *campaign_finding_path(const char *folder, const struct results_finding *f)
{
	const struct target *target = target_find(f->target);
	char name[160];

	snprintf(name, sizeof(name), "%04" PRId64 "-%.100s.%s", f->number, f->id,
		 target && kept_is_scenario(target) ? "mmtrace" : "bin");
	return kept_path(folder, "findings", name);
}

/* The number of a target of this campaign; the count for one of an earlier run that is not tried any more. */
static unsigned int target_index(const struct campaign *c, const char *name)
{
	unsigned int i = 0;

	while (i < c->options->target_count && strcmp(c->options->targets[i]->name, name) != 0)
		i++;
	return i;
}

/* NULL where target_index() has none. */
static const struct target *find_target(const struct campaign *c, const char *name)
{
	unsigned int i = target_index(c, name);

	return i < c->options->target_count ? c->options->targets[i] : NULL;
}

/* ---- processes --------------------------------------------------------------------------------- */

/* Begins a child that writes to a pipe.  0 in the child, its end of the pipe in *@fd_ret. */
static pid_t begin_child(struct campaign *c, struct process *p, int *fd_ret)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds)) {
		note_error(c, error_create(ERROR_OS, NULL, 0, 0, "no pipe: %s", strerror(errno)));
		return -1;
	}
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		note_error(c, error_create(ERROR_OS, NULL, 0, 0, "no process can be started: %s",
					   strerror(errno)));
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	if (!pid) {
		/* Only the parent holds the reading ends, so that workers notice when it is gone. */
		close(fds[0]);
		for (unsigned int i = 0; i < c->options->jobs; i++)
			if (c->workers[i].pid)
				close(c->workers[i].fd);
		if (c->shrinker.pid)
			close(c->shrinker.fd);
		signal(SIGPIPE, SIG_IGN);
		signal(SIGINT, SIG_IGN);
		*fd_ret = fds[1];
		return 0;
	}
	close(fds[1]);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	p->pid = pid;
	p->fd = fds[0];
	return pid;
}

static void begin_worker(struct campaign *c, unsigned int number)
{
	struct process *p = &c->workers[number];
	int fd;

	assert(c->workers && p->shared);
	p->shared->stop = p->shared->input_size = 0;
	p->ran_at = clock_milliseconds();
	p->hung = false;
	if (!begin_child(c, p, &fd)) {
		/* A worker that takes the place of a crashed one draws other inputs. */
		unsigned int draws = number + c->generation * c->options->jobs;
		uint64_t executions = c->options->executions;
		struct error *err = NULL;

		if (c->options->engine.kind == ENGINE_BUILTIN && c->options->resume && !number)
			engine_worker_catch_up(&c->plan, &c->engine_plan, fd, p->shared);
		if (c->options->engine.kind == ENGINE_BUILTIN)
			err = worker_run(&c->plan, draws, executions, fd, p->shared);
		else
			engine_worker_run(&c->plan, &c->engine_plan, draws, executions, fd,
					  p->shared);
		_exit(err ? 1 : 0);
	}
}

static void take_kept(struct campaign *c, const struct message *m)
{
	unsigned int i = target_index(c, m->parts[0].data);
	bool is_new = false;

	/* Another worker, or an earlier run, may have kept the same. */
	note_error(c, kept_add_input(c->options->folder, m->parts[0].data, m->parts[1].data,
				     m->parts[1].size, &is_new));
	if (is_new && i < c->options->target_count)
		c->kept[i]++;
}

static void write_finding(struct campaign *c, const struct results_finding *f)
{
	char *path = campaign_finding_path(c->options->folder, f);
	const struct target *target = find_target(c, f->target);

	if (!path)
		note_error(c, error_no_memory());
	else if (target)
		note_error(c, kept_write_finding(path, target, &c->plan.settings, f));
	free(path);
}

static void take_finding(struct campaign *c, const struct message *m)
{
	struct results_finding f = { .target = m->parts[0].data,
				     .id = m->parts[1].data,
				     .facts = m->parts[2].data,
				     .text = m->parts[3].data,
				     .input = m->parts[4].data,
				     .input_size = m->parts[4].size,
				     .first_executions = m->numbers[0],
				     .first_milliseconds = clock_milliseconds() - c->start };
	bool is_new;
	struct error *err = results_add_finding(c->results, &f, &f.number, &is_new);

	if (err) {
		note_error(c, err);
		return;
	}
	if (!is_new)
		return;
	write_finding(c, &f);
	if (c->options->found)
		c->options->found(c->options->ctx, &f);
}

static void take_shrunk(struct campaign *c, const struct message *m)
{
	note_error(c, results_set_minimised(c->results, (int64_t)m->numbers[0], m->parts[0].data,
					    m->parts[1].data, m->parts[1].size));
}

static void take_work(struct campaign *c, const struct message *m)
{
	unsigned int i = target_index(c, m->parts[0].data);
	struct results_work work = { .executions = m->numbers[0],
				     .refused = m->numbers[1],
				     .milliseconds = m->numbers[2],
				     .coverage = m->numbers[3] };

	if (i < c->options->target_count) {
		work.kept = c->kept[i];
		c->kept[i] = 0;
	}
	c->executions += work.executions;
	note_error(c, results_add_work(c->results, m->parts[0].data, &work));
}

static void note_looked(struct campaign *c, const char *target, uint64_t hash)
{
	unsigned int i = target_index(c, target);

	if (i < c->options->target_count)
		hashes_add(&c->looked[i], hash);
	note_error(c, results_add_looked(c->results, target, hash));
}

static void take(struct campaign *c, const struct message *m)
{
	switch (m->kind) {
	case MESSAGE_WORK:
		take_work(c, m);
		break;
	case MESSAGE_KEPT:
		take_kept(c, m);
		break;
	case MESSAGE_FINDING:
		take_finding(c, m);
		break;
	case MESSAGE_SHRUNK:
		take_shrunk(c, m);
		break;
	case MESSAGE_LOOKED:
		note_looked(c, m->parts[0].data, m->numbers[0]);
		break;
	case MESSAGE_ERROR:
		note_error(c, error_create(ERROR_OS, m->parts[0].size ? m->parts[0].data : NULL, 0,
					   0, "%s", (const char *)m->parts[1].data));
		break;
	case MESSAGE_KIND_COUNT:
		break;
	}
}

/* Takes what a child has told.  False: it has ended, with *@status. */
static bool listen_to(struct campaign *c, struct process *p, int *status)
{
	bool open = message_reader_fill(&p->reader, p->fd);
	struct message m;

	while (message_reader_next(&p->reader, &m))
		take(c, &m);
	if (open)
		return true;
	close(p->fd);
	message_reader_deinit(&p->reader);
	while (waitpid(p->pid, status, 0) < 0 && errno == EINTR)
		;
	p->pid = 0;
	return false;
}

/* ---- making findings small --------------------------------------------------------------------- */

/* The first group that is not small yet, in the child's own memory. */
struct pick {
	struct campaign *c;
	int64_t number;
};

static bool pick_group(void *ctx, const struct results_finding *f)
{
	struct pick *pick = ctx;
	const struct target *target = find_target(pick->c, f->target);
	int fd;

	if (!target || f->minimised || f->number <= pick->c->shrunk_to ||
	    !shrinker_takes(&pick->c->engine_plan, f))
		return true;
	pick->number = f->number;
	pick->c->shrinker.group = f->number;
	if (!begin_child(pick->c, &pick->c->shrinker, &fd)) {
		/* Findings go on being found meanwhile. */
		errno = 0;
		if (nice(10) == -1 && errno)
			errno = 0;
		_exit(!shrinker_run(&pick->c->plan, &pick->c->engine_plan, target, f, fd));
	}
	return false;
}

/* False: nothing is left to be made small. */
static bool begin_shrinker(struct campaign *c)
{
	struct pick pick = { c, 0 };

	note_error(c, results_each_finding(c->results, pick_group, &pick));
	return pick.number != 0;
}

static bool rewrite_group(void *ctx, const struct results_finding *f)
{
	struct campaign *c = ctx;

	if (f->number == c->shrinker.group)
		write_finding(c, f);
	return f->number < c->shrinker.group;
}

/* ---- the run ----------------------------------------------------------------------------------- */

static void take_crash(struct campaign *c, struct process *p, int status)
{
	const struct target *target = c->plan.targets[p->shared->target];
	char id[32], facts[16] = "";
	struct message m = { .kind = MESSAGE_FINDING };

	c->crashes++;
	c->generation++;
	if (p->hung)
		snprintf(id, sizeof(id), APART_HANG);
	else
		snprintf(id, sizeof(id), "crash-%d",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	m.numbers[0] = c->executions;
	m.parts[0] = message_part_text(target->name);
	m.parts[1] = message_part_text(id);
	m.parts[2] = message_part_text(facts);
	m.parts[3] = message_part_text(p->hung ? "the input ran for too long"
					       : "the program ended while it ran this input");
	m.parts[4] = (struct message_part){ p->shared->input, p->shared->input_size };
	take(c, &m);
	/* Engines begin with the same inputs again, and what they left is looked at again. */
	if (c->options->engine.kind != ENGINE_BUILTIN || c->options->resume)
		note_looked(c, target->name, kept_hash(p->shared->input, p->shared->input_size));
}

static bool count_group(void *ctx, const struct results_finding *f)
{
	struct campaign_status *status = ctx;

	status->groups++;
	status->minimised += f->minimised;
	return true;
}

static void fill_status(struct campaign *c, struct campaign_status *ret)
{
	*ret = (struct campaign_status){ .milliseconds = clock_milliseconds() - c->start,
					 .executions = c->executions,
					 .crashes = c->crashes };
	note_error(c, results_work(c->results, NULL, &ret->work));
	note_error(c, results_each_finding(c->results, count_group, ret));
}

static void report_progress(struct campaign *c)
{
	struct campaign_status status;

	if (!c->options->progress)
		return;
	fill_status(c, &status);
	c->options->progress(c->options->ctx, &status);
}

/* Waits until somebody has something to tell, or a tick has passed. */
static void wait_for_news(struct campaign *c, struct pollfd *polls)
{
	nfds_t count = 0;

	for (unsigned int i = 0; i < c->options->jobs; i++)
		if (c->workers[i].pid)
			polls[count++] =
				(struct pollfd){ .fd = c->workers[i].fd, .events = POLLIN };
	if (c->shrinker.pid)
		polls[count++] = (struct pollfd){ .fd = c->shrinker.fd, .events = POLLIN };
	poll(polls, count, TICK_MILLISECONDS);
}

static bool any_worker(const struct campaign *c)
{
	for (unsigned int i = 0; i < c->options->jobs; i++)
		if (c->workers[i].pid)
			return true;
	return false;
}

static void listen_to_all(struct campaign *c)
{
	int status = 0;

	for (unsigned int i = 0; i < c->options->jobs; i++) {
		struct process *p = &c->workers[i];

		if (!p->pid || listen_to(c, p, &status))
			continue;
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			continue;
		take_crash(c, p, status);
		if (!c->stopping && c->crashes < CRASHES_MAX)
			begin_worker(c, i);
	}
	if (c->shrinker.pid && !listen_to(c, &c->shrinker, &status)) {
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			note_error(c, results_each_finding(c->results, rewrite_group, c));
		else
			c->shrunk_to = c->shrinker.group;
	}
}

/* What workers kept that crashed before they told of their work. */
static void count_rest(struct campaign *c)
{
	for (unsigned int i = 0; i < c->options->target_count; i++) {
		const struct results_work work = { .kept = c->kept[i] };

		if (work.kept)
			note_error(c, results_add_work(c->results, c->options->targets[i]->name,
						       &work));
		c->kept[i] = 0;
	}
}

static bool asked_to_stop(const struct campaign *c)
{
	return c->options->stop && *c->options->stop;
}

static void stop_workers(struct campaign *c)
{
	for (unsigned int i = 0; i < c->options->jobs; i++)
		c->workers[i].shared->stop = 1;
}

/* Ends workers that came to no new input for too long. */
static void end_hung(struct campaign *c)
{
	for (unsigned int i = 0; i < c->options->jobs; i++) {
		struct process *p = &c->workers[i];

		if (!p->pid || p->hung)
			continue;
		if (p->runs != p->shared->runs) {
			p->runs = p->shared->runs;
			p->ran_at = clock_milliseconds();
		} else if (clock_milliseconds() - p->ran_at > c->plan.hang_milliseconds) {
			p->hung = true;
			kill(p->pid, SIGKILL);
		}
	}
}

static void work(struct campaign *c, struct pollfd *polls)
{
	uint64_t told = 0;
	bool shrinking = true;

	for (unsigned int i = 0; i < c->options->jobs && !c->error; i++)
		begin_worker(c, i);
	while (any_worker(c) || c->shrinker.pid || (shrinking && !asked_to_stop(c) && !c->error)) {
		wait_for_news(c, polls);
		listen_to_all(c);
		if (!c->stopping && (asked_to_stop(c) || c->error ||
				     clock_milliseconds() - c->start >= c->options->milliseconds)) {
			c->stopping = true;
			stop_workers(c);
		}
		end_hung(c);
		if (asked_to_stop(c) && c->shrinker.pid)
			kill(c->shrinker.pid, SIGKILL);
		if (!c->shrinker.pid && !asked_to_stop(c) && !c->error)
			shrinking = begin_shrinker(c);
		if (clock_milliseconds() - told >= TICK_MILLISECONDS) {
			told = clock_milliseconds();
			report_progress(c);
		}
	}
}

/* ---- beginning and end ------------------------------------------------------------------------- */

static struct error *open_folder(struct campaign *c)
{
	const struct campaign_options *o = c->options;
	char *path = campaign_results_path(o->folder), *old = NULL;
	bool there = path && !access(path, F_OK);
	struct error *err = NULL;

	if (!path)
		err = error_no_memory();
	else if (o->resume && !there)
		err = error_create(ERROR_RANGE, o->folder, 0, 0,
				   "no campaign is there to go on with");
	else if (!o->resume && there)
		err = error_create(ERROR_RANGE, o->folder, 0, 0,
				   "is a campaign already; --resume goes on with it");
	if (!err)
		err = kept_make_folders(o->folder);
	if (!err)
		err = results_open(path, &c->results);
	if (!err)
		err = results_get(c->results, "settings", &old);
	if (!err && old && strcmp(old, o->description))
		err = error_create(ERROR_RANGE, o->folder, 0, 0,
				   "is a campaign of other settings: %s", old);
	if (!err && !old)
		err = results_set(c->results, "settings", o->description);
	free(old);
	free(path);
	return err;
}

static bool add_looked(void *ctx, uint64_t hash)
{
	hashes_add(ctx, hash);
	return true;
}

static struct error *begin_engine(struct campaign *c)
{
	const struct campaign_options *o = c->options;
	struct error *err = NULL;
	uint64_t turn = UINT64_MAX;

	if (o->target_count > 1) {
		turn = ENGINE_TURN_MAX;
		if (o->milliseconds / o->target_count * o->jobs < turn)
			turn = o->milliseconds / o->target_count * o->jobs;
		if (turn < ENGINE_TURN_MIN)
			turn = ENGINE_TURN_MIN;
	}
	c->engine_plan = (struct engine_plan){ .engine = o->engine,
					       .folder = o->folder,
					       .looked = c->looked,
					       .turn_milliseconds = turn,
					       .jobs = o->jobs };
	for (unsigned int i = 0; !err && i < o->target_count; i++)
		err = results_each_looked(c->results, o->targets[i]->name, add_looked,
					  &c->looked[i]);
	return err;
}

static struct error *begin(struct campaign *c)
{
	const struct campaign_options *o = c->options;
	struct error *err = NULL;

	if (o->engine.kind != ENGINE_BUILTIN)
		err = engine_check(&o->engine, o->targets, o->target_count);
	if (!err)
		err = open_folder(c);
	c->corpora = calloc(o->target_count, sizeof(*c->corpora));
	c->looked = calloc(o->target_count, sizeof(*c->looked));
	c->kept = calloc(o->target_count, sizeof(*c->kept));
	if (!err && (!c->corpora || !c->looked || !c->kept))
		err = error_no_memory();
	if (!err)
		err = kept_read(o->folder, o->targets, o->target_count, c->corpora);
	assert(!o->input_count || o->target_count == 1);
	for (unsigned int i = 0; !err && i < o->input_count; i++)
		err = corpus_add_file(&c->corpora[0], o->targets[0], o->inputs[i]);
	for (unsigned int i = 0; !err && o->captures && i < o->target_count; i++)
		err = corpus_add_captures(&c->corpora[i], o->targets[i], o->captures);
	if (!err && (o->engine.kind != ENGINE_BUILTIN || o->resume))
		err = begin_engine(c);
	if (err)
		return err;
	c->plan = (struct campaign_plan){ .targets = o->targets,
					  .target_count = o->target_count,
					  .settings = o->settings,
					  .seed = o->seed,
					  .hang_milliseconds = o->hang_milliseconds
								       ? o->hang_milliseconds
								       : APART_MILLISECONDS,
					  .ends_at = o->milliseconds < UINT64_MAX - c->start
							     ? c->start + o->milliseconds
							     : UINT64_MAX,
					  .corpora = c->corpora };
	c->workers = calloc(o->jobs, sizeof(*c->workers));
	if (!c->workers)
		return error_no_memory();
	for (unsigned int i = 0; i < o->jobs; i++) {
		void *p = mmap(NULL, sizeof(struct worker_shared), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return error_no_memory();
		c->workers[i].shared = p;
	}
	return NULL;
}

struct error *campaign_run(const struct campaign_options *options, struct campaign_status *ret)
{
	struct campaign c = { .options = options, .start = clock_milliseconds() };
	struct pollfd *polls = calloc((size_t)options->jobs + 1, sizeof(*polls));
	struct error *err;

	assert(options->jobs && options->target_count);
	err = polls ? begin(&c) : error_no_memory();
	if (!err) {
		work(&c, polls);
		count_rest(&c);
		fill_status(&c, ret);
		err = c.error;
	}
	for (unsigned int i = 0; c.workers && i < options->jobs; i++)
		if (c.workers[i].shared)
			munmap(c.workers[i].shared, sizeof(struct worker_shared));
	free(c.workers);
	free(polls);
	for (unsigned int i = 0; c.corpora && i < options->target_count; i++)
		corpus_deinit(&c.corpora[i]);
	free(c.corpora);
	for (unsigned int i = 0; c.looked && i < options->target_count; i++)
		hashes_deinit(&c.looked[i]);
	free(c.looked);
	free(c.kept);
	results_close(c.results);
	return err;
}
