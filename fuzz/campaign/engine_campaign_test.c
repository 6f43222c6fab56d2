/* SPDX-License-Identifier: MIT */
/* Campaigns with engines that only pretend: shell programs that leave behind what real ones would. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fuzz/campaign/campaign.h"

static void *create(const struct target_settings *settings)
{
	struct target_settings *s = malloc(sizeof(*s));

	if (s)
		*s = *settings;
	return s;
}

/* Wrong is any input with a 'b'; 'X' crashes, and 'R' is refused. */
static void run(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	const struct target_settings *s = state;

	if (size && data[0] == 'X')
		abort();
	if (size && memchr(data, 'b', size) && s->fact_count && s->facts[0].value == 0)
		target_report_add(report, "has-b", "a 'b' in %zu bytes", size);
	report->refused = size && data[0] == 'R';
}

static const char *const seeds[] = { "aaa", NULL }, *const bad_seeds[] = { "Xseed", "aaa", NULL };
static struct target fake = { .name = "memblock",
			      .property = "no input has a b",
			      .create = create,
			      .destroy = free,
			      .run_bytes = run,
			      .seeds = seeds };
static const struct target *const list[] = { &fake };
static const struct target_fact facts[] = { { FACT_memblock_flags, 0 },
					    { FACT_memblock_nomap, 1 } };

/* As libFuzzer: on a file alone, a sanitizer sees what begins with an 'S'. */
#define LIBFUZZER(text)                                                                      \
	"for last; do :; done\n"                                                             \
	"case $1 in -rss*) if grep -q ^S \"$last\"; then\n"                                  \
	"  echo 'SUMMARY: AddressSanitizer: heap-buffer-overflow x.c:1 in f' >&2; exit 77\n" \
	"  fi; exit 0;;\n"                                                                   \
	"esac\n"                                                                             \
	"for a; do case $a in -artifact_prefix=*) crashes=${a#*=};; -*) ;;\n"                \
	"  */libfuzzer) corpus=$a;; esac; done\n"                                            \
	"echo $$ >$TOP/pid; ls \"$last\" >$TOP/seeds\n" text
#define COUNT                                                                                 \
	"printf '\\100\\000\\000\\000\\000\\000\\000\\000\\002\\000\\000\\000\\000\\000\\000" \
	"\\000' >$MMREPLAY_FUZZ_COUNT\n"
#define FINDS                                                                                      \
	"printf new >$corpus/0a; printf Refuse >$corpus/0b\n"                                      \
	"printf xxbxx >$MMREPLAY_FUZZ_FINDINGS/has-b; printf half >$MMREPLAY_FUZZ_FINDINGS/x.12\n" \
	"printf Xray >${crashes}crash-1; printf Sanitize >${crashes}crash-2\n"                     \
	"printf slow >${crashes}timeout-3; printf odd >${crashes}crash-4\n"                        \
	"echo '#64 NEW cov: 30 ft: 31 corp: 2/2b exec/s: 0'\n" COUNT "exec sleep 100000\n"
#define AFL                                                                                      \
	"[ -n \"$MMREPLAY_FUZZ_COUNT\" ] || exit 0\n"                                            \
	"while [ \"$1\" != -- ]; do case $1 in -M|-S) echo \"$1 $2\" >>$TOP/instances; n=$2;;\n" \
	"  -o) o=$2;; esac; shift; done\n"                                                       \
	"mkdir -p $o/$n/queue $o/$n/crashes $o/$n/hangs\n"                                       \
	"printf afl >$o/$n/queue/id:000000,time:0; printf X$n >$o/$n/crashes/id:000000,sig:06\n" \
	"printf Xtra >$o/$n/crashes/README.txt; printf slow >$o/$n/hangs/id:000000\n"            \
	"echo 'edges_found       : 41' >$o/$n/fuzzer_stats\n" COUNT                              \
	"trap 'echo in order >$o/$n/end; exit 0' INT\n"                                          \
	"while :; do sleep 0.1; done\n"

static char folder[512], programs[512], old_path[4096];

static int set_up(void **unused)
{
	const char *top = getenv("TEST_TMPDIR");

	(void)unused;
	snprintf(programs, sizeof(programs), "%s/programs-XXXXXX", top ? top : ".");
	snprintf(folder, sizeof(folder), "%s/engine-XXXXXX", top ? top : ".");
	fake.seeds = seeds;
	if (!mkdtemp(programs) || !mkdtemp(folder))
		return -1;
	setenv("TOP", programs, 1);
	return 0;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void write_program(const char *name, const char *text)
{
	char path[600];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", programs, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s", text);
	fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
}

/* A file of the fake engine, "" if there is none. */
static const char *read_file(const char *name)
{
	static char text[1000];
	char path[600];
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", programs, name);
	f = fopen(path, "r");
	if (f) {
		size = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[size] = '\0';
	return text;
}

static struct campaign_options options_of(enum engine_kind kind)
{
	struct campaign_options o = { .targets = list,
				      .target_count = 1,
				      .settings = { .facts = facts, .fact_count = 2 },
				      .description = "a test",
				      .engine = { .kind = kind, .programs = programs },
				      .jobs = 1,
				      .seed = 1,
				      .milliseconds = 1000,
				      .executions = UINT64_MAX,
				      .folder = folder };

	return o;
}

static bool append(void *ctx, const struct results_finding *f)
{
	char *text = ctx;

	snprintf(text + strlen(text), 600 - strlen(text), "%s [%s] %.*s %d %d;", f->id, f->facts,
		 (int)f->input_size, (const char *)f->input, f->minimised, (int)f->seen);
	return true;
}

static void read_groups(char text[600])
{
	char *path = campaign_results_path(folder);
	struct results *r;
	struct error *err;

	assert_non_null(path);
	*text = '\0';
	err = access(path, F_OK) ? NULL : results_open(path, &r);
	if (err) {
		/* It may be in the middle of making the file. */
		error_destroy(err);
	} else if (!access(path, F_OK)) {
		assert_null(results_each_finding(r, append, text));
		results_close(r);
	}
	free(path);
}

static void expect_groups(const char *expected)
{
	char text[600];

	read_groups(text);
	assert_string_equal(text, expected);
}

/* How many inputs the campaign kept. */
static int kept(void)
{
	char path[600];
	int count = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/corpus/memblock", folder);
	d = opendir(path);
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d));)
		count += e->d_name[0] != '.';
	closedir(d);
	return count;
}

#define FOUND                                                                            \
	"has-b [memblock_flags=0] b 1 1;crash-6 [] X 1 1;crash-heap-buffer-overflow [] " \
	"S 1 1;crash-once [] odd 0 1;"

/*
 * What breaks something is made small and names the fact that it takes; what crashes here, or under a sanitizer
 * alone, or did so once, is told apart; what was slow only there is nothing.  All of it is looked at once.
 */
static void left_behind(void **unused)
{
	struct campaign_options o = options_of(ENGINE_LIBFUZZER);
	struct campaign_status status = { 0 };
	char path[700];

	(void)unused;
	write_program("memblock_libfuzzer", LIBFUZZER(FINDS));
	assert_null(campaign_run(&o, &status));
	expect_groups(FOUND);
	assert_int_equal(status.executions, 0100);
	assert_int_equal(status.work.refused, 2);
	assert_int_equal(status.work.coverage, 30);
	assert_int_equal(status.crashes, 0);
	/* The seed, and what is new; not what is refused. */
	assert_int_equal(kept(), 2);
	assert_int_equal(status.work.kept, 2);
	o.resume = true;
	assert_null(campaign_run(&o, &status));
	expect_groups(FOUND);
	assert_int_equal(kept(), 2);
	assert_int_equal(status.work.kept, 2);
	/* Whatever came meanwhile is looked at, in the folders of jobs that are no more, too. */
	write_program("memblock_libfuzzer", LIBFUZZER(COUNT "exec sleep 100000\n"));
	snprintf(path, sizeof(path), "%s/engine/memblock/job-7", folder);
	assert_int_equal(mkdir(path, 0777), 0);
	strcat(path, "/crashes");
	assert_int_equal(mkdir(path, 0777), 0);
	strcat(path, "/crash-5");
	write_file(path, "SXS");
	assert_null(campaign_run(&o, &status));
	expect_groups("has-b [memblock_flags=0] b 1 1;crash-6 [] X 1 1;"
		      "crash-heap-buffer-overflow [] S 1 2;crash-once [] odd 0 1;");
}

static void leave_behind(const char *job, const char *kind, const char *name, const char *text)
{
	char path[700];

	snprintf(path, sizeof(path), "%s/engine/memblock/%s", folder, job);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/engine/memblock/%s/%s", folder, job, kind);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/engine/memblock/%s/%s/%s", folder, job, kind, name);
	write_file(path, text);
}

/*
 * Without an engine, too, what was left is looked at, but for what only the engine's program can tell: that waits
 * for the next run with one.
 */
static void left_to_the_driver(void **unused)
{
	struct campaign_options o = options_of(ENGINE_LIBFUZZER);
	struct campaign_status status = { 0 };

	(void)unused;
	write_program("memblock_libfuzzer", LIBFUZZER(FINDS));
	assert_null(campaign_run(&o, &status));
	expect_groups(FOUND);
	leave_behind("job-7", "findings", "has-b", "cb");
	leave_behind("job-7", "crashes", "crash-5", "Xb");
	leave_behind("job-7", "crashes", "crash-6", "SXS");
	o.resume = true;
	o.engine.kind = ENGINE_BUILTIN;
	o.executions = 1;
	for (int i = 0; i < 2; i++) {
		assert_null(campaign_run(&o, &status));
		expect_groups("has-b [memblock_flags=0] b 1 2;crash-6 [] X 1 2;"
			      "crash-heap-buffer-overflow [] S 1 1;crash-once [] odd 0 1;");
	}
	o.engine.kind = ENGINE_LIBFUZZER;
	o.executions = UINT64_MAX;
	write_program("memblock_libfuzzer", LIBFUZZER(COUNT "exec sleep 100000\n"));
	assert_null(campaign_run(&o, &status));
	expect_groups("has-b [memblock_flags=0] b 1 2;crash-6 [] X 1 2;"
		      "crash-heap-buffer-overflow [] S 1 2;crash-once [] odd 0 1;");
}

static bool is_alive(pid_t pid)
{
	return !kill(pid, 0);
}

static void wait_a_little(void)
{
	struct timespec t = { 0, 20000000 };

	nanosleep(&t, NULL);
}

/* The engine goes with the campaign, and what it left behind is found by the next run. */
static void killed(void **unused)
{
	struct campaign_options o = options_of(ENGINE_LIBFUZZER);
	struct campaign_status status = { 0 };
	char text[600], path[700];
	pid_t child, engine;

	(void)unused;
	write_program("memblock_libfuzzer", LIBFUZZER(FINDS));
	o.milliseconds = UINT64_MAX;
	child = fork();
	if (!child) {
		campaign_run(&o, &status);
		_exit(0);
	}
	assert_true(child > 0);
	do {
		wait_a_little();
		read_groups(text);
	} while (!strstr(text, "crash-once"));
	engine = (pid_t)strtol(read_file("pid"), NULL, 10);
	assert_true(engine > 1 && is_alive(engine));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	while (is_alive(engine))
		wait_a_little();
	snprintf(path, sizeof(path), "%s/engine/memblock/job-0/findings/has-b", folder);
	write_file(path, "cb");
	o.resume = true;
	o.milliseconds = 1000;
	write_program("memblock_libfuzzer", LIBFUZZER(COUNT "exec sleep 100000\n"));
	assert_null(campaign_run(&o, &status));
	read_groups(text);
	assert_non_null(strstr(text, "has-b [memblock_flags=0] b 1 2;"));
	assert_non_null(strstr(text, "crash-6 [] X 1 1;"));
}

/* A seed that crashes is a finding, and the engine begins without it. */
static void crashing_seed(void **unused)
{
	struct campaign_options o = options_of(ENGINE_LIBFUZZER);
	struct campaign_status status = { 0 };

	(void)unused;
	fake.seeds = bad_seeds;
	write_program("memblock_libfuzzer", LIBFUZZER(COUNT "exec sleep 100000\n"));
	o.milliseconds = 2000;
	assert_null(campaign_run(&o, &status));
	expect_groups("crash-6 [] X 1 1;");
	assert_int_equal(status.crashes, 1);
	assert_int_equal(status.executions, 0100);
	/* One name of sixteen digits, and the end of its line. */
	assert_int_equal(strlen(read_file("seeds")), 17);
}

/* An engine that comes to nothing ends the campaign with what it said. */
static void useless(void **unused)
{
	struct campaign_options o = options_of(ENGINE_LIBFUZZER);
	struct campaign_status status = { 0 };
	struct error *err;

	(void)unused;
	o.milliseconds = UINT64_MAX;
	write_program("memblock_libfuzzer", "printf '\\033[1mno good\\033[0m\\n\\n'; exit 1\n");
	err = campaign_run(&o, &status);
	assert_non_null(err);
	assert_int_equal(err->code, ERROR_OS);
	assert_non_null(strstr(err->message, "; it last said: no good"));
	error_destroy(err);
}

/* One that is not there does so before a folder is made. */
static void missing(void **unused)
{
	struct campaign_options o = options_of(ENGINE_LIBFUZZER);
	struct campaign_status status;
	struct error *err;

	(void)unused;
	assert_int_equal(rmdir(folder), 0);
	err = campaign_run(&o, &status);
	assert_non_null(err);
	assert_int_equal(err->code, ERROR_NOT_FOUND);
	error_destroy(err);
	assert_int_equal(access(folder, F_OK), -1);
}

/* As AFL++: a main instance and another, each with an output of its own, that end in order. */
static void afl(void **unused)
{
	struct campaign_options o = options_of(ENGINE_AFL);
	struct campaign_status status = { 0 };
	char path[5000];

	(void)unused;
	write_program("memblock_afl", AFL);
	write_program("afl_mutator.so", "");
	write_program("afl-fuzz", AFL);
	snprintf(path, sizeof(path), "%s:%s", programs, old_path);
	setenv("PATH", path, 1);
	o.jobs = 2;
	o.milliseconds = 2000;
	assert_null(campaign_run(&o, &status));
	setenv("PATH", old_path, 1);
	assert_int_equal(strlen(read_file("instances")), strlen("-M main-1\n-S job-1-1\n"));
	assert_non_null(strstr(read_file("instances"), "-M main-1\n"));
	assert_non_null(strstr(read_file("instances"), "-S job-1-1\n"));
	/* A crash of each. */
	expect_groups("crash-6 [] X 1 2;");
	assert_int_equal(status.executions, 0200);
	assert_int_equal(status.work.coverage, 41);
	assert_int_equal(kept(), 2);
	snprintf(path, sizeof(path), "%s/engine/memblock/afl/job-1-1/end", folder);
	assert_int_equal(access(path, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(left_behind, set_up),
		cmocka_unit_test_setup(killed, set_up),
		cmocka_unit_test_setup(left_to_the_driver, set_up),
		cmocka_unit_test_setup(crashing_seed, set_up),
		cmocka_unit_test_setup(useless, set_up),
		cmocka_unit_test_setup(missing, set_up),
		cmocka_unit_test_setup(afl, set_up),
	};

	snprintf(old_path, sizeof(old_path), "%s", getenv("PATH"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
