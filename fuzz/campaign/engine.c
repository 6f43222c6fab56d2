/* SPDX-License-Identifier: MIT */
#include "fuzz/campaign/engine.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/campaign/kept.h"

/* The end of a log that is looked at for what it says last. */
enum { LOG_TAIL = 16384 };
/* Words of a command line, and of each the bytes. */
enum { WORDS_MAX = 32 };

const char *const engine_names[ENGINE_KIND_COUNT + 1] = { "builtin", "libfuzzer", "afl", NULL };

/* ---- is it there? ------------------------------------------------------------------------------ */

static char *program_path(const struct engine *e, const struct target *target)
{
	char name[128];

	snprintf(name, sizeof(name), "%s_%s", target->name, engine_names[e->kind]);
	return kept_path(e->programs, name, NULL);
}

/* As a shell would find it; NULL: nowhere, or no memory. */
static char *find_afl_fuzz(void)
{
	const char *path = getenv("PATH");

	while (path && *path) {
		size_t len = strcspn(path, ":");
		char folder[4096], *found;

		snprintf(folder, sizeof(folder), "%.*s", (int)(len < 4095 ? len : 4095), path);
		found = len ? kept_path(folder, "afl-fuzz", NULL) : NULL;
		if (found && !access(found, X_OK))
			return found;
		free(found);
		path += len + (path[len] == ':');
	}
	return NULL;
}

static struct error *check_file(char *path, int mode, enum engine_kind kind)
{
	struct error *err = NULL;

	if (!path)
		return error_no_memory();
	if (access(path, mode))
		err = error_create(
			ERROR_NOT_FOUND, path, 0, 0,
			"%s; 'bazel build --config=%s //fuzz:%s' makes it, and --engines "
			"tells where it is",
			errno == ENOENT ? "there is no such program" : strerror(errno),
			engine_names[kind], engine_names[kind]);
	free(path);
	return err;
}

struct error *engine_check(const struct engine *e, const struct target *const *list,
			   unsigned int count)
{
	struct error *err = NULL;
	char *afl;

	for (unsigned int i = 0; !err && i < count; i++)
		err = check_file(program_path(e, list[i]), X_OK, e->kind);
	if (err || e->kind != ENGINE_AFL)
		return err;
	err = check_file(kept_path(e->programs, "afl_mutator.so", NULL), R_OK, e->kind);
	if (err)
		return err;
	afl = find_afl_fuzz();
	if (!afl)
		err = error_create(
			ERROR_NOT_FOUND, NULL, 0, 0,
			"there is no afl-fuzz in PATH; it is part of AFL++, Debian's package afl++");
	free(afl);
	return err;
}

/* ---- folders ----------------------------------------------------------------------------------- */

static struct error *os_error(const char *path)
{
	return error_create(ERROR_OS, path, 0, 0, "%s", strerror(errno));
}

/* Makes the folder @path and those above it. */
static struct error *make_folders(const char *path)
{
	char *copy = strdup(path);
	struct error *err = NULL;

	if (!copy)
		return error_no_memory();
	for (char *p = copy + 1; !err && *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0777) && errno != EEXIST)
			err = os_error(copy);
		*p = '/';
	}
	if (!err && mkdir(copy, 0777) && errno != EEXIST)
		err = os_error(copy);
	free(copy);
	return err;
}

static struct error *make_own(const struct engine_job *job, const char *name)
{
	char *path = kept_path(job->own, name, NULL);
	struct error *err = path ? make_folders(path) : error_no_memory();

	free(path);
	return err;
}

/* Whoever looks for what instances of AFL++ found goes by the link. */
static struct error *make_link(const struct engine_job *job)
{
	char *path = kept_path(job->own, "afl", NULL), *top = realpath(job->corpus, NULL);
	char *instance = strrchr(job->instance, '/') + 1;
	char *to = top ? kept_path(top, instance, NULL) : NULL;
	struct error *err = NULL;

	if (!path || !to)
		err = error_no_memory();
	else if (unlink(path) && errno != ENOENT)
		err = os_error(path);
	else if (symlink(to, path))
		err = os_error(path);
	free(path);
	free(top);
	free(to);
	return err;
}

struct error *engine_job_init(struct engine_job *job)
{
	const struct engine *e = job->engine;
	char own[160], corpus[160], instance[64];
	char *top = kept_path(job->folder, "engine", NULL);
	struct error *err = NULL;

	snprintf(own, sizeof(own), "%.100s/job-%u", job->target->name, job->job);
	snprintf(corpus, sizeof(corpus), "%.100s/%s", job->target->name, engine_names[e->kind]);
	snprintf(instance, sizeof(instance), "main-%" PRIu64, job->campaign_seed);
	if (job->job)
		snprintf(instance, sizeof(instance), "job-%" PRIu64 "-%u", job->campaign_seed,
			 job->job);
	job->own = top ? kept_path(top, own, NULL) : NULL;
	job->corpus = top ? kept_path(e->shared ? e->shared : top, corpus, NULL) : NULL;
	job->instance = job->corpus ? kept_path(job->corpus, instance, NULL) : NULL;
	free(top);
	if (!job->own || !job->instance)
		return error_no_memory();
	err = make_folders(job->corpus);
	if (!err)
		err = make_own(job, "seeds");
	if (!err)
		err = make_own(job, "findings");
	if (!err)
		err = make_own(job, "crashes");
	if (!err && e->kind == ENGINE_AFL)
		err = make_link(job);
	return err;
}

void engine_job_deinit(struct engine_job *job)
{
	free(job->own);
	free(job->corpus);
	free(job->instance);
	job->own = job->corpus = job->instance = NULL;
}

static char *seed_path(const struct engine_job *job, const uint8_t *data, size_t size)
{
	char name[32];

	snprintf(name, sizeof(name), "%016" PRIx64, kept_hash(data, size));
	return kept_path(job->own, "seeds", name);
}

struct error *engine_job_add_seed(const struct engine_job *job, const uint8_t *data, size_t size)
{
	char *path = seed_path(job, data, size);
	struct error *err = NULL;
	FILE *f;

	if (!path)
		return error_no_memory();
	f = fopen(path, "wb");
	if (!f || (size && fwrite(data, 1, size, f) != size))
		err = os_error(path);
	if (f && fclose(f) && !err)
		err = os_error(path);
	free(path);
	return err;
}

void engine_job_remove_input(const struct engine_job *job, const char *name, const uint8_t *data,
			     size_t size)
{
	/* libFuzzer calls inputs by their SHA-1, and artifacts KIND-SHA1. */
	const char *hash = strrchr(name, '-');
	char *path = seed_path(job, data, size);

	if (path)
		unlink(path);
	free(path);
	if (!hash || job->engine->kind != ENGINE_LIBFUZZER)
		return;
	path = kept_path(job->corpus, hash + 1, NULL);
	if (path)
		unlink(path);
	free(path);
}

/* ---- starting ---------------------------------------------------------------------------------- */

/* A command line; what does not fit is a mistake of ours. */
struct command {
	char *words[WORDS_MAX + 1];
	unsigned int count;
	bool out_of_memory;
};

static void add_word(struct command *c, const char *format, ...) ERROR_PRINTF(2, 3);

static void add_word(struct command *c, const char *format, ...)
{
	char text[8192];
	va_list args;

	assert(c->count < WORDS_MAX);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	c->words[c->count] = strdup(text);
	if (!c->words[c->count++])
		c->out_of_memory = true;
}

static void command_deinit(struct command *c)
{
	for (unsigned int i = 0; i < c->count; i++)
		free(c->words[i]);
}

/* Limits that every run of a program of libFuzzer has. */
static void add_limits(struct command *c)
{
	add_word(c, "-rss_limit_mb=4096");
	/* Under sanitizers, and perhaps on a busy machine: what hangs is for this program to say. */
	add_word(c, "-timeout=60");
}

static void libfuzzer_command(const struct engine_job *job, const char *program, struct command *c)
{
	add_word(c, "%s", program);
	/* 0 would be one of its own choice. */
	add_word(c, "-seed=%" PRIu32, (uint32_t)(job->seed % UINT32_MAX) + 1);
	add_limits(c);
	add_word(c, "-print_final_stats=1");
	add_word(c, "-artifact_prefix=%s/crashes/", job->own);
	if (job->executions != UINT64_MAX)
		add_word(c, "-runs=%" PRIu64, job->executions);
	if (job->target->words)
		add_word(c, "-dict=%s/words", job->own);
	add_word(c, "%s", job->corpus);
	add_word(c, "%s/seeds", job->own);
}

static void afl_command(const struct engine_job *job, const char *program, struct command *c)
{
	add_word(c, "afl-fuzz");
	add_word(c, "%s", job->job ? "-S" : "-M");
	add_word(c, "%s", strrchr(job->instance, '/') + 1);
	add_word(c, "-s");
	add_word(c, "%" PRIu32, (uint32_t)job->seed);
	add_word(c, "-m");
	add_word(c, "none");
	add_word(c, "-t");
	add_word(c, "2000");
	if (job->executions != UINT64_MAX) {
		add_word(c, "-E");
		add_word(c, "%" PRIu64, job->executions);
	}
	if (job->target->words) {
		add_word(c, "-x");
		add_word(c, "%s/words", job->own);
	}
	add_word(c, "-i");
	add_word(c, "%s/seeds", job->own);
	add_word(c, "-o");
	add_word(c, "%s", job->corpus);
	add_word(c, "--");
	add_word(c, "%s", program);
}

static void set_own(const struct engine_job *job, const char *variable, const char *name)
{
	char *path = kept_path(job->own, name, NULL);

	if (path)
		setenv(variable, path, 1);
	free(path);
}

/* In the child: what fuzz/engine.c and fuzz/afl_mutator.c read. */
static void set_environment(const struct engine_job *job, bool alone)
{
	const struct target_settings *s = job->settings;
	char *facts = calloc((size_t)s->fact_count + 1, 128), *mutator;
	char version[64];
	size_t len = 0;

	snprintf(version, sizeof(version), "%u.%u.%u", s->version >> 24, s->version >> 16 & 0xff,
		 s->version & 0xffff);
	if (s->version)
		setenv("MMREPLAY_FUZZ_ERA", version, 1);
	else
		unsetenv("MMREPLAY_FUZZ_ERA");
	for (unsigned int i = 0; facts && i < s->fact_count; i++)
		len += (size_t)snprintf(facts + len, 128, "%s%s=%" PRId64, i ? "," : "",
					fact_info(s->facts[i].fact)->name, s->facts[i].value);
	setenv("MMREPLAY_FUZZ_SET", facts ? facts : "", 1);
	if (s->quirks)
		setenv("MMREPLAY_FUZZ_AS_IS", "1", 1);
	else
		unsetenv("MMREPLAY_FUZZ_AS_IS");
	free(facts);
	setenv("MMREPLAY_FUZZ_GO_ON", "1", 1);
	unsetenv("MMREPLAY_FUZZ_FINDINGS");
	unsetenv("MMREPLAY_FUZZ_COUNT");
	if (alone)
		return;
	set_own(job, "MMREPLAY_FUZZ_FINDINGS", "findings");
	set_own(job, "MMREPLAY_FUZZ_COUNT", "count");
	if (job->engine->kind != ENGINE_AFL)
		return;
	mutator = kept_path(job->engine->programs, "afl_mutator.so", NULL);
	setenv("AFL_CUSTOM_MUTATOR_LIBRARY", mutator ? mutator : "", 1);
	free(mutator);
	setenv("MMREPLAY_FUZZ_TARGET", job->target->name, 1);
	setenv("AFL_NO_UI", "1", 1);
	setenv("AFL_NO_AFFINITY", "1", 1);
	setenv("AFL_SKIP_CPUFREQ", "1", 1);
	setenv("AFL_FAST_CAL", "1", 1);
	/* Programs that dump core are told by their signal all the same, a little later. */
	setenv("AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES", "1", 1);
	setenv("AFL_HANG_TMOUT", "10000", 1);
	setenv("AFL_AUTORESUME", "1", 1);
}

/* In the child: it does not come back. */
static void become(const struct engine_job *job, const struct command *c, const char *output,
		   pid_t parent, bool alone)
{
	int log = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0666),
	    none = open("/dev/null", O_RDONLY);

	/* Engines end in order when the campaign is gone, however it went. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
		_exit(127);
	setpgid(0, 0);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (none < 0 || log < 0 || dup2(none, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		_exit(127);
	close(none);
	close(log);
	set_environment(job, alone);
	execvp(c->words[0], c->words);
	fprintf(stderr, "%s: %s\n", c->words[0], strerror(errno));
	_exit(127);
}

static struct error *start(const struct engine_job *job, struct command *c, const char *name,
			   bool alone, pid_t *ret)
{
	char *output = kept_path(job->own, name, NULL);
	struct error *err = NULL;
	pid_t self = getpid(), pid;

	c->words[c->count] = NULL;
	if (!output || c->out_of_memory) {
		free(output);
		return error_no_memory();
	}
	fflush(NULL);
	pid = fork();
	if (!pid)
		become(job, c, output, self, alone);
	if (pid > 0) {
		/* By both, since either may be first. */
		setpgid(pid, pid);
		*ret = pid;
	} else {
		err = error_create(ERROR_OS, NULL, 0, 0, "no process can be started: %s",
				   strerror(errno));
	}
	free(output);
	return err;
}

static struct error *write_count(const struct engine_job *job)
{
	static const uint64_t zero[2];
	char *path = kept_path(job->own, "count", NULL);
	struct error *err = NULL;
	FILE *f;

	if (!path)
		return error_no_memory();
	f = fopen(path, "wb");
	if (!f || fwrite(zero, sizeof(zero), 1, f) != 1)
		err = os_error(path);
	if (f && fclose(f) && !err)
		err = os_error(path);
	free(path);
	return err;
}

static struct error *write_words(const struct engine_job *job)
{
	char *path = kept_path(job->own, "words", NULL);
	struct error *err = path ? corpus_write_words(path, job->target->words) : error_no_memory();

	free(path);
	return err;
}

struct error *engine_job_start(const struct engine_job *job, pid_t *ret)
{
	char *program = program_path(job->engine, job->target);
	struct error *err = program ? write_count(job) : error_no_memory();
	struct command c = { 0 };

	if (!err && job->target->words)
		err = write_words(job);
	if (!err && job->engine->kind == ENGINE_AFL)
		afl_command(job, program, &c);
	else if (!err)
		libfuzzer_command(job, program, &c);
	if (!err)
		err = start(job, &c, "log", false, ret);
	command_deinit(&c);
	free(program);
	return err;
}

struct error *engine_job_run_file(const struct engine_job *job, const char *path, pid_t *ret)
{
	char *program = program_path(job->engine, job->target);
	struct command c = { 0 };
	struct error *err;

	if (!program)
		return error_no_memory();
	add_word(&c, "%s", program);
	if (job->engine->kind == ENGINE_LIBFUZZER)
		add_limits(&c);
	add_word(&c, "%s", path);
	err = start(job, &c, "again", true, ret);
	command_deinit(&c);
	free(program);
	return err;
}

/* ---- what it says ------------------------------------------------------------------------------ */

/* The end of a file as text; "" if there is none. */
static void read_tail(const char *folder, const char *name, char *ret, size_t room)
{
	char *path = kept_path(folder, name, NULL);
	FILE *f = path ? fopen(path, "rb") : NULL;
	size_t size = 0;

	if (f && !fseek(f, 0, SEEK_END)) {
		long end = ftell(f), most = (long)room - 1;

		fseek(f, end > most ? end - most : 0, SEEK_SET);
		size = fread(ret, 1, room - 1, f);
	}
	ret[size] = '\0';
	for (size_t i = 0; i < size; i++)
		if (!ret[i])
			ret[i] = ' ';
	if (f)
		fclose(f);
	free(path);
}

static void raise_to(uint64_t *value, uint64_t to)
{
	if (to > *value)
		*value = to;
}

/* The number behind the last @name in @text; 0 if there is none. */
static uint64_t last_number(const char *text, const char *name)
{
	const char *found = NULL;

	for (const char *p = text; (p = strstr(p, name)); p++)
		found = p + strlen(name);
	return found ? strtoull(found, NULL, 10) : 0;
}

/*
 * AFL++ writes fuzzer_stats once a minute and at its end, "edges_found       : 815", and plot_data every five
 * seconds, whose lines end with that number.
 */
static uint64_t afl_coverage(const struct engine_job *job)
{
	char text[LOG_TAIL], *line, *comma;
	uint64_t stats, plot = 0;

	read_tail(job->instance, "fuzzer_stats", text, sizeof(text));
	stats = last_number(text, "edges_found       : ");
	read_tail(job->instance, "plot_data", text, sizeof(text));
	line = strrchr(text, '\n');
	if (line)
		*line = '\0';
	line = line ? strrchr(text, '\n') : NULL;
	comma = line ? strrchr(line, ',') : NULL;
	if (comma && isdigit((unsigned char)line[1]))
		plot = strtoull(comma + 1, NULL, 10);
	return plot > stats ? plot : stats;
}

/* "#4096	pulse  cov: 3155 ft: 9038 corp: 1041/1921Kb lim: 4096 exec/s: 954 rss: 391Mb" */
static uint64_t libfuzzer_coverage(const struct engine_job *job)
{
	char log[LOG_TAIL];

	read_tail(job->own, "log", log, sizeof(log));
	return last_number(log, " cov: ");
}

void engine_job_stats(const struct engine_job *job, struct engine_stats *stats)
{
	char *path = kept_path(job->own, "count", NULL);
	FILE *f = path ? fopen(path, "rb") : NULL;
	uint64_t count[2];

	raise_to(&stats->coverage,
		 job->engine->kind == ENGINE_AFL ? afl_coverage(job) : libfuzzer_coverage(job));
	/* Engines tell how much they executed now and then; our own count is exact at any time. */
	if (f && fread(count, sizeof(count), 1, f) == 1) {
		raise_to(&stats->executions, count[0]);
		raise_to(&stats->refused, count[1]);
	}
	if (f)
		fclose(f);
	free(path);
}

/* Ends @text at its line, and takes what colours terminals away. */
static void cut_line(const char *text, char *ret, size_t room)
{
	size_t len = 0;

	for (const char *p = text; *p && *p != '\n' && len + 1 < room; p++) {
		if (*p == '\033') {
			p += strcspn(p, "m\n");
			if (*p != 'm')
				break;
			continue;
		}
		if (isprint((unsigned char)*p))
			ret[len++] = *p;
	}
	while (len && ret[len - 1] == ' ')
		len--;
	ret[len] = '\0';
}

bool engine_summary(const char *log, char *id, size_t id_room, char *text, size_t text_room)
{
	static const char mark[] = "SUMMARY: ";
	const char *found = NULL, *kind;
	size_t len;

	for (const char *p = log; (p = strstr(p, mark)); p++)
		if (p == log || p[-1] == '\n')
			found = p + strlen(mark);
	if (!found)
		return false;
	cut_line(found, text, text_room);
	/* "AddressSanitizer: heap-buffer-overflow FILE:LINE in FUNCTION", "...: 8 byte(s) leaked in ..." */
	kind = strstr(text, ": ");
	kind = kind ? kind + 2 : text;
	len = strcspn(kind, " ");
	if (isdigit((unsigned char)*kind))
		snprintf(id, id_room, "crash-leak");
	else
		snprintf(id, id_room, "crash-%.*s", (int)len, kind);
	return true;
}

bool engine_job_summary(const struct engine_job *job, char *id, size_t id_room, char *text,
			size_t text_room)
{
	char log[LOG_TAIL];

	read_tail(job->own, "again", log, sizeof(log));
	return engine_summary(log, id, id_room, text, text_room);
}

void engine_last_words(const struct engine_job *job, char *ret, size_t room)
{
	char log[LOG_TAIL], *line = log;

	*ret = '\0';
	read_tail(job->own, "log", log, sizeof(log));
	while (*line) {
		char text[512];

		cut_line(line, text, sizeof(text));
		if (*text)
			snprintf(ret, room, "%s", text);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
}
