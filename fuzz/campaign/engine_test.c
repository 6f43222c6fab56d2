/* SPDX-License-Identifier: MIT */
/* How engines are started, and what they say, by programs that only pretend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fuzz/campaign/engine.h"

static const char *const words[] = { "node", "\"\\\n", NULL };
static const struct target target = { .name = "memblock", .words = words };
static const struct target *const list[] = { &target };
static const struct target_fact facts[] = { { FACT_memblock_flags, 0 },
					    { FACT_memblock_nomap, 1 } };
static const struct target_settings settings = {
	.version = FACTS_VERSION(6, 12, 3), .facts = facts, .fact_count = 2, .quirks = true
};

static char folder[256], programs[300], old_path[4096];
static struct engine engine;
static struct engine_job job;

static int set_up(void **unused)
{
	const char *top = getenv("TEST_TMPDIR");

	(void)unused;
	snprintf(folder, sizeof(folder), "%s/engine-XXXXXX", top ? top : ".");
	if (!mkdtemp(folder))
		return -1;
	snprintf(programs, sizeof(programs), "%s/programs", folder);
	engine = (struct engine){ ENGINE_LIBFUZZER, programs, NULL };
	job = (struct engine_job){ .engine = &engine,
				   .target = &target,
				   .settings = &settings,
				   .folder = folder,
				   .job = 1,
				   .campaign_seed = 9,
				   .seed = 4,
				   .executions = 77 };
	return mkdir(programs, 0777);
}

static void write_program(const char *name, const char *text)
{
	char path[600];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", programs, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", text);
	fclose(f);
	chmod(path, 0755);
}

/* The file @name of the job as text, with its folder as DIR. */
static const char *read_own(const char *name)
{
	static char text[8192], *found;
	char path[600];
	size_t size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", job.own, name);
	f = fopen(path, "r");
	assert_non_null(f);
	size = fread(text, 1, sizeof(text) - 1, f);
	text[size] = '\0';
	fclose(f);
	while ((found = strstr(text, folder))) {
		memcpy(found, "DIR", 3);
		memmove(found + 3, found + strlen(folder), strlen(found + strlen(folder)) + 1);
	}
	return text;
}

static void finish(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void refuse(const char *file, const char *part)
{
	struct error *err = engine_check(&engine, list, 1);

	assert_non_null(err);
	assert_int_equal(err->code, ERROR_NOT_FOUND);
	if (file)
		assert_non_null(strstr(err->file, file));
	else
		assert_null(err->file);
	assert_non_null(strstr(err->message, part));
	error_destroy(err);
}

/* What is not there is named, and how to come by it. */
static void missing(void **unused)
{
	(void)unused;
	refuse("/memblock_libfuzzer", "no such program; 'bazel build --config=libfuzzer");
	write_program("memblock_libfuzzer", "");
	assert_null(engine_check(&engine, list, 1));
	engine.kind = ENGINE_AFL;
	refuse("/memblock_afl", "no such program; 'bazel build --config=afl");
	write_program("memblock_afl", "");
	refuse("/afl_mutator.so", "bazel build --config=afl");
	write_program("afl_mutator.so", "");
	setenv("PATH", folder, 1);
	refuse(NULL, "afl-fuzz");
	write_program("afl-fuzz", "");
	setenv("PATH", programs, 1);
	assert_null(engine_check(&engine, list, 1));
	setenv("PATH", old_path, 1);
}

static const char environment[] =
	"env | grep '^MMREPLAY_FUZZ_\\|^AFL_[CA]' | sort; for a; do echo \"[$a]\"; done";

static void libfuzzer(void **unused)
{
	pid_t pid;

	(void)unused;
	write_program("memblock_libfuzzer", environment);
	assert_null(engine_job_init(&job));
	assert_null(engine_job_start(&job, &pid));
	finish(pid);
	assert_string_equal(
		read_own("log"),
		"MMREPLAY_FUZZ_AS_IS=1\n"
		"MMREPLAY_FUZZ_COUNT=DIR/engine/memblock/job-1/count\n"
		"MMREPLAY_FUZZ_ERA=6.12.3\n"
		"MMREPLAY_FUZZ_FINDINGS=DIR/engine/memblock/job-1/findings\n"
		"MMREPLAY_FUZZ_GO_ON=1\n"
		"MMREPLAY_FUZZ_SET=memblock_flags=0,memblock_nomap=1\n"
		"[-seed=5]\n[-rss_limit_mb=4096]\n[-timeout=60]\n[-print_final_stats=1]\n"
		"[-artifact_prefix=DIR/engine/memblock/job-1/crashes/]\n[-runs=77]\n"
		"[-dict=DIR/engine/memblock/job-1/words]\n[DIR/engine/memblock/libfuzzer]\n"
		"[DIR/engine/memblock/job-1/seeds]\n");
	assert_string_equal(read_own("words"), "\"node\"\n\"\\x22\\x5c\\x0a\"\n");
	/* On one file, it says what a finding is by itself alone. */
	assert_null(engine_job_run_file(&job, "FILE", &pid));
	finish(pid);
	assert_string_equal(read_own("again"),
			    "MMREPLAY_FUZZ_AS_IS=1\n"
			    "MMREPLAY_FUZZ_ERA=6.12.3\n"
			    "MMREPLAY_FUZZ_GO_ON=1\n"
			    "MMREPLAY_FUZZ_SET=memblock_flags=0,memblock_nomap=1\n"
			    "[-rss_limit_mb=4096]\n[-timeout=60]\n[FILE]\n");
	engine_job_deinit(&job);
}

/* One is the main one; all have the same output, perhaps in a folder that other machines see. */
static void afl(void **unused)
{
	char shared[300], path[4400];
	pid_t pid;

	(void)unused;
	write_program("afl-fuzz", environment);
	write_program("memblock_afl", "");
	engine.kind = ENGINE_AFL;
	job.executions = UINT64_MAX;
	snprintf(path, sizeof(path), "%s:%s", programs, old_path);
	setenv("PATH", path, 1);
	assert_null(engine_job_init(&job));
	assert_null(engine_job_start(&job, &pid));
	finish(pid);
	assert_string_equal(read_own("log"),
			    "AFL_AUTORESUME=1\n"
			    "AFL_CUSTOM_MUTATOR_LIBRARY=DIR/programs/afl_mutator.so\n"
			    "MMREPLAY_FUZZ_AS_IS=1\n"
			    "MMREPLAY_FUZZ_COUNT=DIR/engine/memblock/job-1/count\n"
			    "MMREPLAY_FUZZ_ERA=6.12.3\n"
			    "MMREPLAY_FUZZ_FINDINGS=DIR/engine/memblock/job-1/findings\n"
			    "MMREPLAY_FUZZ_GO_ON=1\n"
			    "MMREPLAY_FUZZ_SET=memblock_flags=0,memblock_nomap=1\n"
			    "MMREPLAY_FUZZ_TARGET=memblock\n"
			    "[-S]\n[job-9-1]\n[-s]\n[4]\n[-m]\n[none]\n[-t]\n[2000]\n"
			    "[-x]\n[DIR/engine/memblock/job-1/words]\n"
			    "[-i]\n[DIR/engine/memblock/job-1/seeds]\n"
			    "[-o]\n[DIR/engine/memblock/afl]\n[--]\n[DIR/programs/memblock_afl]\n");
	engine_job_deinit(&job);
	snprintf(shared, sizeof(shared), "%s/everywhere", folder);
	engine.shared = shared;
	job.job = 0;
	assert_null(engine_job_init(&job));
	assert_null(engine_job_start(&job, &pid));
	finish(pid);
	assert_non_null(strstr(read_own("log"), "[-M]\n[main-9]\n"));
	assert_non_null(strstr(read_own("log"), "[-o]\n[DIR/everywhere/memblock/afl]\n"));
	engine_job_deinit(&job);
	setenv("PATH", old_path, 1);
}

/* Numbers are those of the engine, and never go down. */
static void statistics(void **unused)
{
	struct engine_stats stats = { 0 };
	char path[600];
	pid_t pid;
	FILE *f;

	(void)unused;
	write_program(
		"memblock_libfuzzer",
		"printf '\\007\\000\\000\\000\\000\\000\\000\\000\\002\\000\\000\\000\\000\\000"
		"\\000\\000' >$MMREPLAY_FUZZ_COUNT\n"
		"echo '#1 INITED cov: 12 ft: 13 corp: 1/1b exec/s: 0'\n"
		"echo '#2 NEW    cov: 30 ft: 31 corp: 2/2b exec/s: 0 L: 1/1 MS: 1 -'\n"
		"echo 'stat::number_of_executed_units: 2'\n");
	assert_null(engine_job_init(&job));
	assert_null(engine_job_start(&job, &pid));
	finish(pid);
	engine_job_stats(&job, &stats);
	assert_int_equal(stats.executions, 7);
	assert_int_equal(stats.refused, 2);
	assert_int_equal(stats.coverage, 30);
	engine_job_deinit(&job);
	engine.kind = ENGINE_AFL;
	assert_null(engine_job_init(&job));
	mkdir(job.instance, 0777);
	snprintf(path, sizeof(path), "%s/fuzzer_stats", job.instance);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("execs_done        : 4711\nedges_found       : 41\n", f);
	fclose(f);
	engine_job_stats(&job, &stats);
	assert_int_equal(stats.executions, 7);
	assert_int_equal(stats.coverage, 41);
	snprintf(path, sizeof(path), "%s/plot_data", job.instance);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("# relative_time, ..., total_execs, edges_found\n5, 0, 99, 43\n10, 0, 120, 44\n", f);
	fclose(f);
	engine_job_stats(&job, &stats);
	assert_int_equal(stats.coverage, 44);
	engine_job_deinit(&job);
}

static void summaries(void **unused)
{
	static const struct {
		const char *log, *id, *text;
	} cases[] = {
		{ "==1==ERROR\nSUMMARY: AddressSanitizer: heap-buffer-overflow a.c:3:4 in f\n",
		  "crash-heap-buffer-overflow",
		  "AddressSanitizer: heap-buffer-overflow a.c:3:4 in f" },
		{ "SUMMARY: UndefinedBehaviorSanitizer: undefined-behavior a.c:1:2 \nabort",
		  "crash-undefined-behavior",
		  "UndefinedBehaviorSanitizer: undefined-behavior a.c:1:2" },
		{ "SUMMARY: AddressSanitizer: 8 byte(s) leaked in 1 allocation(s).", "crash-leak",
		  "AddressSanitizer: 8 byte(s) leaked in 1 allocation(s)." },
		{ "SUMMARY: libFuzzer: timeout\n", "crash-timeout", "libFuzzer: timeout" },
		{ "SUMMARY: A: one x\nSUMMARY: \033[1mB: two y\033[0m\n", "crash-two", "B: two y" },
		{ "no SUMMARY: A: one\n", NULL, NULL },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char id[64] = "", text[100] = "";

		assert_int_equal(engine_summary(cases[i].log, id, sizeof(id), text, sizeof(text)),
				 cases[i].id != NULL);
		assert_string_equal(id, cases[i].id ? cases[i].id : "");
		assert_string_equal(text, cases[i].text ? cases[i].text : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(missing, set_up),
		cmocka_unit_test_setup(libfuzzer, set_up),
		cmocka_unit_test_setup(afl, set_up),
		cmocka_unit_test_setup(statistics, set_up),
		cmocka_unit_test(summaries),
	};

	snprintf(old_path, sizeof(old_path), "%s", getenv("PATH"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
