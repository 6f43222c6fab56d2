/* SPDX-License-Identifier: MIT */
#include "tools/git_bisect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/sink.h"
#include "tools/process.h"

/*
 * One revision, which is checked out: built if it is not yet, and asked.  Its exit code is that of git bisect
 * run; what came of it is a line of $MMREPLAY_RESULTS: revision, code, whether it was built now, and why.
 */
static const char step_script[] =
	"rev=$(git rev-parse HEAD) || exit 125\n"
	"kept=$MMREPLAY_CACHE/$rev\n"
	"built=kept\n"
	"done_with() {\n"
	"	printf '%s %s %s %s\\n' \"$rev\" \"$1\" \"$built\" \"$2\" >>\"$MMREPLAY_RESULTS\"\n"
	"	exit \"$1\"\n"
	"}\n"
	"if [ ! -x \"$kept/mmreplay\" ] && [ ! -e \"$kept/failed\" ]; then\n"
	"	built=built\n"
	"	mkdir -p \"$kept\" || done_with 125 'the cache cannot be written'\n"
	"	rm -f \"$kept/new\"\n"
	"	MMREPLAY_OUT=$kept/new sh -c \"$MMREPLAY_BUILD\" >\"$kept/log\" 2>&1 </dev/null\n"
	"	code=$?\n"
	"	[ $code -lt 128 ] || done_with 125 'the build was interrupted'\n"
	"	if [ $code = 0 ] && [ -x \"$kept/new\" ]; then\n"
	"		mv \"$kept/new\" \"$kept/mmreplay\" || done_with 125 'the cache cannot be written'\n"
	"	else\n"
	"		: >\"$kept/failed\"\n"
	"	fi\n"
	"	git checkout -q -f HEAD\n"
	"fi\n"
	"[ -x \"$kept/mmreplay\" ] || done_with 125 \"it does not build: $kept/log tells why\"\n"
	"MMREPLAY=$kept/mmreplay\n"
	"export MMREPLAY\n"
	"asked=$MMREPLAY\n"
	"case $MMREPLAY_FAILS in exit*) asked=$MMREPLAY_SELF ;; esac\n"
	"set -- bisect-run \"$MMREPLAY_SOURCE\" --fails \"$MMREPLAY_FAILS\"\n"
	"[ -z \"$MMREPLAY_TRACE\" ] || set -- \"$@\" --trace \"$MMREPLAY_TRACE\"\n"
	"why=$(\"$asked\" \"$@\" 2>&1 </dev/null)\n"
	"code=$?\n"
	"why=$(printf '%s\\n' \"$why\" | tail -n 1)\n"
	"case $code in 0 | 1) done_with $code \"$why\" ;; esac\n"
	"done_with 125 \"cannot tell: $why\"\n";

static const char bazel_build[] =
	"bazel --output_base=\"$MMREPLAY_CACHE/bazel\" build -c opt //:mmreplay && "
	"cp -L bazel-bin/tools/mmreplay \"$MMREPLAY_OUT\"";

struct search {
	const struct git_bisect_options *how;
	struct git_bisected *ret;
	char *repository; /* its common git folder */
	char *cache, *work, *step, *results;
	char *good, *bad; /* full names of revisions */
	int lock;
};

/* ---- processes --------------------------------------------------------------------------------- */

/* Runs git, which must succeed, and gives the last line it printed; the caller frees. */
static struct error *git(const char *folder, const char *const argv[], char **ret)
{
	struct sink_text text = { 0 };
	int status = 0;
	struct error *err = process_run(folder, argv, &text, &status);

	if (!err && status)
		err = error_create(ERROR_OS, NULL, 0, 0, "git: %s", process_last_line(&text));
	if (!err && ret) {
		*ret = strdup(process_last_line(&text));
		err = *ret ? NULL : error_no_memory();
	}
	sink_text_deinit(&text);
	return err;
}

static char *joined(const char *folder, const char *name)
{
	size_t size = strlen(folder) + strlen(name) + 2;
	char *ret = malloc(size);

	if (ret)
		snprintf(ret, size, "%s/%s", folder, name);
	return ret;
}

/* ---- before ------------------------------------------------------------------------------------ */

/* Makes @path and the folders above it. */
static struct error *make_folder(char *path)
{
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0777) && errno != EEXIST) {
			struct error *err = error_create(ERROR_OS, path, 0, 0, "cannot be made: %s",
							 strerror(errno));

			*p = c;
			return err;
		}
		*p = c;
		if (!c)
			return NULL;
	}
}

static struct error *find_cache(struct search *s)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char buf[PATH_MAX], *path;
	struct error *err;

	if (s->how->cache)
		snprintf(buf, sizeof(buf), "%s", s->how->cache);
	else if (base && *base)
		snprintf(buf, sizeof(buf), "%s/mmreplay/builds", base);
	else if (home && *home)
		snprintf(buf, sizeof(buf), "%s/.cache/mmreplay/builds", home);
	else
		return error_create(ERROR_NOT_FOUND, NULL, 0, 0,
				    "there is no HOME for the cache: give --cache FOLDER");
	err = make_folder(buf);
	if (err)
		return err;
	path = realpath(buf, NULL);
	if (!path)
		return error_create(ERROR_OS, buf, 0, 0, "%s", strerror(errno));
	s->cache = path;
	s->work = joined(path, "work");
	s->step = joined(path, "step");
	s->results = joined(path, "results");
	path = joined(path, "lock");
	if (!s->work || !s->step || !s->results || !path) {
		free(path);
		return error_no_memory();
	}
	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (s->lock < 0)
		err = error_create(ERROR_OS, path, 0, 0, "%s", strerror(errno));
	else if (flock(s->lock, LOCK_EX | LOCK_NB))
		err = error_create(ERROR_OS, s->cache, 0, 0, "another bisection uses this cache");
	free(path);
	return err;
}

static struct error *find_revision(struct search *s, const char *what, const char *revision,
				   char **ret)
{
	char name[256];
	const char *const argv[] = { "git", "rev-parse", "--verify", "--quiet", "--end-of-options",
				     name,  NULL };
	struct error *err;

	if (snprintf(name, sizeof(name), "%s^{commit}", revision) >= (int)sizeof(name))
		return error_create(ERROR_SYNTAX, NULL, 0, 0, "that is no revision: %.80s",
				    revision);
	err = git(s->how->repository, argv, ret);
	if (!err)
		return NULL;
	error_destroy(err);
	return error_create(ERROR_NOT_FOUND, NULL, 0, 0, "--%s: there is no revision '%s' in '%s'",
			    what, revision, s->how->repository ? s->how->repository : ".");
}

static struct error *find_repository(struct search *s)
{
	static const char *const argv[] = { "git", "rev-parse", "--path-format=absolute",
					    "--git-common-dir", NULL };
	struct error *err = git(s->how->repository, argv, &s->repository);

	if (!err)
		return NULL;
	error_destroy(err);
	return error_create(ERROR_NOT_FOUND, s->how->repository ? s->how->repository : ".", 0, 0,
			    "is no git repository, or git is not installed");
}

static struct error *write_step(const struct search *s)
{
	FILE *f = fopen(s->step, "w");
	bool ok = f && fputs(step_script, f) >= 0;

	if (f)
		ok &= !fclose(f);
	return ok ? NULL : error_create(ERROR_OS, s->step, 0, 0, "%s", strerror(errno));
}

static struct error *set(const char *name, const char *value)
{
	return setenv(name, value ? value : "", 1) ? error_no_memory() : NULL;
}

static struct error *set_path(const char *name, const char *path)
{
	char *full = path ? realpath(path, NULL) : NULL;
	struct error *err;

	if (path && !full)
		return error_create(ERROR_OS, path, 0, 0, "%s", strerror(errno));
	err = set(name, full);
	free(full);
	return err;
}

/* What the step reads, and nothing that leads git elsewhere. */
static struct error *set_environment(const struct search *s)
{
	static const char *const git_variables[] = { "GIT_DIR",	       "GIT_WORK_TREE",
						     "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY",
						     "GIT_COMMON_DIR", "GIT_PREFIX",
						     "GIT_NAMESPACE",  "GIT_CEILING_DIRECTORIES" };
	struct error *err = NULL;

	for (size_t i = 0; i < sizeof(git_variables) / sizeof(*git_variables); i++)
		unsetenv(git_variables[i]);
	if (!err)
		err = set("LC_ALL", "C");
	if (!err)
		err = set("MMREPLAY_CACHE", s->cache);
	if (!err)
		err = set("MMREPLAY_RESULTS", s->results);
	if (!err)
		err = set("MMREPLAY_BUILD", s->how->build ? s->how->build : bazel_build);
	if (!err)
		err = set("MMREPLAY_FAILS", s->how->fails);
	if (!err)
		err = set_path("MMREPLAY_SELF", "/proc/self/exe");
	if (!err)
		err = set_path("MMREPLAY_SOURCE", s->how->source);
	return err ? err : set_path("MMREPLAY_TRACE", s->how->trace);
}

static struct error *make_clone(const struct search *s)
{
	const char *const away[] = { "rm", "-rf", "--", s->work, NULL };
	const char *const clone[] = { "git", "clone",	    "-q",    "--shared", "--no-checkout",
				      "--",  s->repository, s->work, NULL };
	struct error *err = git(NULL, away, NULL);

	if (!err)
		err = git(NULL, clone, NULL);
	if (!err && s->results && unlink(s->results) && errno != ENOENT)
		err = error_create(ERROR_OS, s->results, 0, 0, "%s", strerror(errno));
	return err;
}

/* ---- one revision ------------------------------------------------------------------------------ */

/* "1a2b3c4d5e6f 2024-05-06 area: what", the caller frees. */
static struct error *describe(const struct search *s, const char *revision, char **ret)
{
	const char *const argv[] = { "git",    "log", "-1", "--abbrev=12", "--format=%h %as %s",
				     revision, NULL };

	return git(s->work, argv, ret);
}

/* Tests one end; what was said of it goes to *@ret, which the caller frees. */
static struct error *test_end(const struct search *s, const char *revision, int *status_ret,
			      char **ret)
{
	const char *const checkout[] = {
		"git", "checkout", "-q", "-f", "--detach", revision, NULL
	};
	const char *const step[] = { "sh", s->step, NULL };
	const char *const tail[] = { "tail", "-n", "1", "--", s->results, NULL };
	struct sink_text text = { 0 };
	char *about = NULL, *line = NULL;
	const char *why;
	struct error *err = git(s->work, checkout, NULL);

	if (!err)
		err = process_run(s->work, step, &text, status_ret);
	sink_text_deinit(&text);
	if (!err)
		err = describe(s, revision, &about);
	if (!err)
		err = git(s->work, tail, &line);
	if (!err && about && line) {
		/* revision code built why */
		why = line;
		for (unsigned int i = 0; i < 3 && why; i++)
			why = strchr(why, ' ') ? strchr(why, ' ') + 1 : NULL;
		why = why ? why : "";
		*ret = malloc(strlen(about) + strlen(why) + 3);
		if (*ret)
			sprintf(*ret, "%s: %s", about, why);
		else
			err = error_no_memory();
	}
	free(about);
	free(line);
	return err;
}

static struct error *check_ends(const struct search *s)
{
	struct git_bisected *r = s->ret;
	int good = 0, bad = 0;
	struct error *err = test_end(s, s->good, &good, &r->good);

	if (!err && good != 0 && good != 1)
		return error_create(ERROR_FORMAT, NULL, 0, 0,
				    "the good revision cannot be told: %s", r->good);
	if (!err)
		err = test_end(s, s->bad, &bad, &r->bad);
	if (err)
		return err;
	if (bad != 0 && bad != 1)
		return error_create(ERROR_FORMAT, NULL, 0, 0, "the bad revision cannot be told: %s",
				    r->bad);
	if (good == 1 && bad == 1)
		return error_create(ERROR_FORMAT, NULL, 0, 0,
				    "'%s' holds on both ends, so there is nothing to find (%s)",
				    s->how->fails, r->good);
	if (good == 0 && bad == 0)
		return error_create(ERROR_FORMAT, NULL, 0, 0,
				    "'%s' holds on neither end, so there is nothing to find (%s)",
				    s->how->fails, r->bad);
	if (good == 1)
		return error_create(
			ERROR_FORMAT, NULL, 0, 0,
			"'%s' holds on the good end and not on the bad one: the two are "
			"the wrong way round",
			s->how->fails);
	return NULL;
}

/* ---- the search -------------------------------------------------------------------------------- */

/* Counts what the steps did. */
static struct error *read_results(const struct search *s)
{
	FILE *f = fopen(s->results, "r");
	char line[4096];
	bool starts = true;

	if (!f)
		return error_create(ERROR_OS, s->results, 0, 0, "%s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		/* revision code built why */
		const char *code = strchr(line, ' ');
		const char *built = code ? strchr(code + 1, ' ') : NULL;

		if (starts && built) {
			s->ret->tested++;
			s->ret->built += !strncmp(built, " built ", 7);
			s->ret->skipped += !strncmp(code, " 125 ", 5);
		}
		starts = strchr(line, '\n');
	}
	fclose(f);
	return NULL;
}

static struct error *add_culprit(const struct search *s, const char *revision, struct sink_text *to)
{
	struct sink sink = sink_to_text(to);
	char *about = NULL;
	struct error *err = describe(s, revision, &about);

	if (!err)
		sink_printf(&sink, "%s%s", to->len ? "\n" : "", about);
	free(about);
	return err;
}

/* What 'git bisect log' says at its end. */
static struct error *read_verdict(const struct search *s)
{
	static const char first[] = "# first bad commit: [",
			  possible[] = "# possible first bad commit: [";
	static const char *const argv[] = { "git", "bisect", "log", NULL };
	struct sink_text log = { 0 }, found = { 0 };
	int status = 0;
	struct error *err = process_run(s->work, argv, &log, &status);
	const char *p = sink_text_string(&log);

	while (!err && *p) {
		bool sure = !strncmp(p, first, strlen(first));
		size_t len = strcspn(p, "\n");
		char revision[65] = "";

		if (sure || !strncmp(p, possible, strlen(possible))) {
			sscanf(p + strlen(sure ? first : possible), "%64[0-9a-f]", revision);
			err = add_culprit(s, revision, &found);
			s->ret->candidates += !sure;
		}
		p += len + (p[len] == '\n');
	}
	if (!err && !found.len)
		err = error_create(ERROR_OS, s->work, 0, 0, "git bisect came to no end");
	if (!err) {
		s->ret->culprit = strdup(sink_text_string(&found));
		err = s->ret->culprit ? NULL : error_no_memory();
	}
	sink_text_deinit(&log);
	sink_text_deinit(&found);
	return err;
}

static struct error *bisect(const struct search *s)
{
	const char *const start[] = { "git", "bisect", "start", s->bad, s->good, "--", NULL };
	const char *const go[] = { "git", "bisect", "run", "sh", s->step, NULL };
	struct sink_text text = { 0 };
	int status = 0;
	struct error *err = git(s->work, start, NULL);

	/* 2: only skipped ones are left. */
	if (!err)
		err = process_run(s->work, go, &text, &status);
	if (!err && status >= 128)
		err = error_create(ERROR_OS, s->work, 0, 0, "git bisect: %s",
				   process_last_line(&text));
	sink_text_deinit(&text);
	return err ? err : read_verdict(s);
}

static void stop_bazel(const struct search *s)
{
	char *base = joined(s->cache, "bazel");
	char option[PATH_MAX];
	const char *const argv[] = { "bazel", option, "shutdown", NULL };
	struct sink_text text = { 0 };
	int status;

	if (base && !access(base, F_OK) &&
	    snprintf(option, sizeof(option), "--output_base=%s", base) < (int)sizeof(option))
		error_destroy(process_run(s->work, argv, &text, &status));
	sink_text_deinit(&text);
	free(base);
}

struct error *git_bisect(const struct git_bisect_options *how, struct git_bisected *ret)
{
	struct search s = { .how = how, .ret = ret, .lock = -1 };
	struct error *err = find_repository(&s);

	if (!err)
		err = find_revision(&s, "good", how->good, &s.good);
	if (!err)
		err = find_revision(&s, "bad", how->bad, &s.bad);
	if (!err)
		err = find_cache(&s);
	if (!err)
		err = write_step(&s);
	if (!err)
		err = set_environment(&s);
	if (!err)
		err = make_clone(&s);
	if (!err)
		err = check_ends(&s);
	if (!err)
		err = bisect(&s);
	if (!err)
		err = read_results(&s);
	if (s.lock >= 0) {
		if (!how->build)
			stop_bazel(&s);
		close(s.lock);
	}
	free(s.repository);
	free(s.cache);
	free(s.work);
	free(s.step);
	free(s.results);
	free(s.good);
	free(s.bad);
	return err;
}

void git_bisected_deinit(struct git_bisected *g)
{
	free(g->good);
	free(g->bad);
	free(g->culprit);
	memset(g, 0, sizeof(*g));
}
