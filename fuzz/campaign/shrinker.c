/* SPDX-License-Identifier: MIT */
#include "fuzz/campaign/shrinker.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/campaign/apart.h"
#include "fuzz/campaign/causes.h"
#include "fuzz/campaign/child.h"
#include "fuzz/campaign/kept.h"
#include "fuzz/campaign/message.h"
#include "fuzz/campaign/shrink.h"

/* Tries to make one input smaller: in this process, in a child, in a program that is started for each, and of hangs. */
enum { TESTS_MAX = 50000, CRASH_TESTS_MAX = 5000, PROGRAM_TESTS_MAX = 500, HANG_TESTS_MAX = 1000 };
/* How long one input that crashes may take. */
enum { CRASH_MILLISECONDS = 5000, PROGRAM_MILLISECONDS = 30000 };

static const char crash[] = "crash-";

struct shrinker {
	struct target_runner *runner;
	struct causes *causes; /* those of the group, which a smaller input has, too; NULL: any */
	const char *id;
	struct engine_job *job; /* of the program that sees the crash; NULL: this one does */
	char *path; /* of the input for that */
	uint64_t patience; /* milliseconds after which an input is taken to hang */
};

static bool is_hang(const char *id)
{
	return !strcmp(id, APART_HANG);
}

/* "crash-6": the program ended by signal 6.  Others are a sanitizer's. */
static bool is_crash(const char *id)
{
	return !strncmp(id, crash, strlen(crash));
}

static bool is_own_crash(const char *id)
{
	return is_crash(id) && isdigit((unsigned char)id[strlen(crash)]);
}

bool shrinker_takes(const struct engine_plan *engine_plan, const struct results_finding *f)
{
	if (!strcmp(f->id, "crash-once"))
		return false;
	return !is_crash(f->id) || is_own_crash(f->id) ||
	       engine_plan->engine.kind != ENGINE_BUILTIN;
}

static bool ask_message(void *ctx, const ProtobufCMessage *message)
{
	struct shrinker *s = ctx;

	target_run_message(s->runner, message);
	return target_report_has(target_report(s->runner), s->id) &&
	       (!s->causes || causes_hold(s->causes, s->id, message));
}

static bool ask_bytes(void *ctx, const uint8_t *data, size_t size)
{
	struct shrinker *s = ctx;

	target_run_bytes(s->runner, data, size);
	return target_report_has(target_report(s->runner), s->id) &&
	       (!s->causes || causes_hold_bytes(s->causes, s->id, data, size));
}

static bool ask_hang(void *ctx, const uint8_t *data, size_t size)
{
	struct shrinker *s = ctx;
	pid_t pid = apart_run(s->runner, data, size, true);
	int status = 0;

	return pid && !child_wait(pid, s->patience, NULL, NULL, &status);
}

static bool ask_crash(void *ctx, const uint8_t *data, size_t size)
{
	struct shrinker *s = ctx;
	pid_t pid = apart_run(s->runner, data, size, true);
	char id[32];
	int status = 0;

	if (!pid)
		return false;
	if (!child_wait(pid, CRASH_MILLISECONDS, NULL, NULL, &status) ||
	    (WIFEXITED(status) && !WEXITSTATUS(status)))
		return false;
	child_name_crash(status, id, sizeof(id));
	return !strcmp(id, s->id);
}

static bool ask_program(void *ctx, const uint8_t *data, size_t size)
{
	struct shrinker *s = ctx;
	FILE *f = fopen(s->path, "wb");
	bool ok = f && (!size || fwrite(data, 1, size, f) == size);
	char id[64], text[300];
	struct error *err;
	int status = 0;
	pid_t pid = 0;

	if (f)
		ok &= !fclose(f);
	err = ok ? engine_job_run_file(s->job, s->path, &pid) : NULL;
	error_destroy(err);
	return pid && child_wait(pid, PROGRAM_MILLISECONDS, NULL, NULL, &status) &&
	       engine_job_summary(s->job, id, sizeof(id), text, sizeof(text)) && !strcmp(id, s->id);
}

/* A message for those who ask about bytes. */
static bool ask_packed(void *ctx, const ProtobufCMessage *message)
{
	struct shrinker *s = ctx;
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data = calloc(1, size + 1);
	bool shows;

	if (!data)
		return false;
	protobuf_c_message_pack(message, data);
	if (s->job)
		shows = ask_program(s, data, size);
	else
		shows = is_hang(s->id) ? ask_hang(s, data, size) : ask_crash(s, data, size);
	free(data);
	return shows;
}

/* The sentence on the finding in @data; that of @f if it is none that this process sees. */
static const char *sentence(struct shrinker *s, const struct results_finding *f,
			    const uint8_t *data, size_t size)
{
	const struct target_report *report = target_report(s->runner);

	if (is_crash(f->id) || is_hang(f->id))
		return f->text;
	target_run_bytes(s->runner, data, size);
	for (unsigned int i = 0; i < report->finding_count; i++)
		if (!strcmp(report->findings[i].id, f->id))
			return report->findings[i].text;
	return f->text;
}

static bool run(struct shrinker *s, const struct target *target, const struct results_finding *f,
		uint64_t hang_milliseconds, int fd)
{
	struct shrink_question question = {
		.message = ask_message, .bytes = ask_bytes, .ctx = s, .tests_max = TESTS_MAX
	};
	struct message m = { .kind = MESSAGE_SHRUNK, .numbers = { (uint64_t)f->number } };
	struct shrink_result result;
	struct error *err;
	bool told;

	if (is_crash(f->id)) {
		question.message = ask_packed;
		question.bytes = s->job ? ask_program : ask_crash;
		question.tests_max = s->job ? PROGRAM_TESTS_MAX : CRASH_TESTS_MAX;
	} else if (is_hang(f->id)) {
		question.message = ask_packed;
		question.bytes = ask_hang;
		question.tests_max = HANG_TESTS_MAX;
		s->patience = hang_milliseconds / 10;
	}
	err = shrink(target->message, f->input, f->input_size, &question, &result);
	/* A crash may be of bytes that are no message at all. */
	if (err && err->code == ERROR_FORMAT) {
		error_destroy(err);
		err = shrink(NULL, f->input, f->input_size, &question, &result);
	}
	if (err) {
		error_destroy(err);
		return false;
	}
	/* What was merely slow is left as it is. */
	s->patience = hang_milliseconds;
	if (is_hang(f->id) && !ask_hang(s, result.data, result.size)) {
		free(result.data);
		return false;
	}
	m.parts[0] = message_part_text(sentence(s, f, result.data, result.size));
	m.parts[1] = (struct message_part){ result.data, result.size };
	told = message_write(fd, &m);
	free(result.data);
	return told;
}

bool shrinker_run(const struct campaign_plan *plan, const struct engine_plan *engine_plan,
		  const struct target *target, const struct results_finding *f, int fd)
{
	/* Its folder is that of no job. */
	struct engine_job job = { .engine = &engine_plan->engine,
				  .target = target,
				  .settings = &plan->settings,
				  .folder = engine_plan->folder,
				  .job = engine_plan->jobs,
				  .campaign_seed = plan->seed };
	struct shrinker s = { .id = f->id };
	struct error *err = target_runner_create(target, &plan->settings, &s.runner);
	bool done;

	if (!err && !is_crash(f->id) && !is_hang(f->id)) {
		err = causes_create(target, &plan->settings, &s.causes);
		if (!err)
			err = causes_choose(s.causes, f->facts);
	}
	if (!err && is_crash(f->id) && !is_own_crash(f->id)) {
		err = engine_job_init(&job);
		s.job = &job;
		s.path = err ? NULL : kept_path(job.own, "smaller", NULL);
	}
	done = !err && (!s.job || s.path) && run(&s, target, f, plan->hang_milliseconds, fd);
	error_destroy(err);
	if (s.path)
		unlink(s.path);
	free(s.path);
	engine_job_deinit(&job);
	causes_destroy(s.causes);
	target_runner_destroy(s.runner);
	return done;
}
