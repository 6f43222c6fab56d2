/* SPDX-License-Identifier: MIT */
/*
 * Runs targets by the built-in driver: what the tests of fuzz/ are, and by hand.  Prints TAP.
 *
 *	run --target NAME [--seed N] [--executions N] [--era E] [--set FACT=VALUE,...] [--captures DIR]
 *	    [--save DIR] [FILE...]
 *	run --target NAME --seeds DIR [--captures DIR] [FILE...]
 *
 * Each FILE is an input; --save writes findings into DIR, as they can be given back.  --era makes every
 * input one of that kernel, --set gives facts a value, for random inputs and corpus alike.
 * --seeds runs nothing and writes what an engine begins with: an input a file, and DIR.dict beside it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuzz/corpus.h"
#include "fuzz/driver.h"
#include "fuzz/settings.h"
#include "traces/message_text.h"
#include "traces/scenario_store.h"

struct run {
	const struct target *target;
	uint64_t seed, executions;
	const char *captures, *save, *seeds, *era, *set;
	struct corpus corpus;
	unsigned int cases, failed;
	bool case_failed;
};

static void end_case(struct run *run, const char *name)
{
	run->cases++;
	run->failed += run->case_failed;
	printf("%sok %u - %s: %s\n", run->case_failed ? "not " : "", run->cases, run->target->name,
	       name);
	run->case_failed = false;
	fflush(stdout);
}

static void write_file(void *ctx, const char *text, size_t len)
{
	fwrite(text, 1, len, ctx);
}

/* DIR/TARGET-ID: text if it is a message. */
static void save(const struct run *run, const struct target_report *report, const uint8_t *data,
		 size_t size)
{
	const ProtobufCMessageDescriptor *type = run->target->message;
	ProtobufCMessage *message = type ? protobuf_c_message_unpack(type, NULL, size, data) : NULL;
	char path[4096];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s-%s", run->save, run->target->name,
		 report->findings[0].id);
	out = fopen(path, "wb");
	if (!out) {
		perror(path);
		return;
	}
	if (message) {
		struct sink sink = { write_file, out };

		fputs(SCENARIO_STORE_TEXT, out);
		message_text_write(message, 0, &sink);
		protobuf_c_message_free_unpacked(message, NULL);
	} else {
		fwrite(data, 1, size, out);
	}
	if (fclose(out))
		perror(path);
}

static void on_finding(void *ctx, const struct target_report *report, const uint8_t *data,
		       size_t size, uint64_t execution)
{
	struct run *run = ctx;

	run->case_failed = true;
	if (run->save && data)
		save(run, report, data, size);
	for (unsigned int i = 0; i < report->finding_count; i++)
		printf("# execution %" PRIu64 ", %zu bytes: %s: %s\n", execution, size,
		       report->findings[i].id, report->findings[i].text);
}

/* Each seed and each file of the corpus: no finding, and the seeds are not refused. */
static void run_corpus(struct run *run, struct target_runner *r)
{
	const struct target_report *report = target_report(r);

	for (unsigned int i = 0; run->target->seeds[i]; i++) {
		uint8_t *data;
		size_t size;

		if (target_seed(run->target, i, &data, &size))
			abort();
		target_run_bytes(r, data, size);
		free(data);
		if (report->refused) {
			printf("# seed %u is refused\n", i);
			run->case_failed = true;
		}
		if (report->finding_count)
			on_finding(run, report, NULL, size, i);
	}
	end_case(run, "seeds");
	for (size_t i = 0; i < run->corpus.count; i++) {
		target_run_bytes(r, run->corpus.inputs[i].data, run->corpus.inputs[i].size);
		if (!report->finding_count)
			continue;
		printf("# %s\n", run->corpus.names[i]);
		on_finding(run, report, NULL, run->corpus.inputs[i].size, i);
	}
	if (run->corpus.count)
		end_case(run, "corpus");
}

static void run_random(struct run *run, struct target_runner *r)
{
	struct driver_options how = { .seed = run->seed,
				      .executions = run->executions,
				      .inputs = run->corpus.inputs,
				      .input_count = run->corpus.count,
				      .found = on_finding,
				      .ctx = run };
	struct driver_stats stats;
	struct timespec before, after;
	double seconds;

	printf("# seed %" PRIu64 "; to repeat: bazel run //fuzz:run -- --target %s --seed %" PRIu64
	       " --executions %" PRIu64 "%s%s%s%s\n",
	       run->seed, run->target->name, run->seed, run->executions, run->era ? " --era " : "",
	       run->era ? run->era : "", run->set ? " --set " : "", run->set ? run->set : "");
	fflush(stdout);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	if (driver_run(r, &how, &stats)) {
		fputs("# out of memory\n", stdout);
		run->case_failed = true;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	seconds = (double)(after.tv_sec - before.tv_sec) +
		  (double)(after.tv_nsec - before.tv_nsec) / 1e9;
	printf("# %" PRIu64 " executions, %" PRIu64 " refused, %" PRIu64
	       " with findings, %u inputs kept, %u features, %.0f executions a second of one CPU\n",
	       stats.executions, stats.refused, stats.findings, stats.pool, stats.features,
	       (double)stats.executions / seconds);
	end_case(run, "random inputs");
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || *end || !*text) {
		fprintf(stderr, "run: '%s' is no number\n", text);
		exit(2);
	}
	return value;
}

static void take_arguments(struct run *run, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "--target"))
			run->target = target_find(value);
		else if (!strcmp(argv[i], "--seed"))
			run->seed = number(value);
		else if (!strcmp(argv[i], "--executions"))
			run->executions = number(value);
		else if (!strcmp(argv[i], "--captures"))
			run->captures = value;
		else if (!strcmp(argv[i], "--seeds"))
			run->seeds = value;
		else if (!strcmp(argv[i], "--era"))
			run->era = value;
		else if (!strcmp(argv[i], "--set"))
			run->set = value;
		else if (!strcmp(argv[i], "--save"))
			run->save = value;
		else
			continue;
		argv[i] = NULL;
		argv[++i] = NULL;
	}
	if (!run->target) {
		fputs("usage: run --target NAME [--seed N] [--executions N] [--era E] [--set FACT=VALUE,...]\n"
		      "           [--captures DIR] [--save DIR] [FILE...]\n"
		      "targets:\n",
		      stderr);
		for (unsigned int i = 0; i < target_count; i++)
			fprintf(stderr, "  %-12s %s\n", targets[i]->name, targets[i]->property);
		exit(2);
	}
}

static bool write_to(const char *path, const uint8_t *data, size_t size)
{
	FILE *out = fopen(path, "wb");
	bool ok = out && fwrite(data, 1, size, out) == size;

	if ((out && fclose(out)) || !ok) {
		perror(path);
		return false;
	}
	return true;
}

static int write_seeds(const struct run *run)
{
	char path[4096];
	size_t count = 0;
	struct error *err;

	for (unsigned int i = 0; run->target->seeds[i]; i++, count++) {
		uint8_t *data;
		size_t size;
		bool ok;

		if (target_seed(run->target, i, &data, &size))
			return 2;
		snprintf(path, sizeof(path), "%s/%03zu", run->seeds, count);
		ok = write_to(path, data, size);
		free(data);
		if (!ok)
			return 2;
	}
	for (size_t i = 0; i < run->corpus.count; i++, count++) {
		snprintf(path, sizeof(path), "%s/%03zu", run->seeds, count);
		if (!write_to(path, run->corpus.inputs[i].data, run->corpus.inputs[i].size))
			return 2;
	}
	snprintf(path, sizeof(path), "%s.dict", run->seeds);
	err = corpus_write_words(path, run->target->words);
	if (err)
		fprintf(stderr, "run: %s: %s\n", path, err->message);
	error_destroy(err);
	return err ? 2 : 0;
}

int main(int argc, char **argv)
{
	struct run run = { .seed = 1,
			   .executions = 10000,
			   .captures = getenv("MMREPLAY_CAPTURES") };
	struct settings_text settings;
	struct target_runner *r;
	struct error *err;
	int code;

	take_arguments(&run, argc, argv);
	err = settings_read(run.era, run.set, &settings);
	for (int i = 1; i < argc && !err; i++)
		if (argv[i])
			err = corpus_add_file(&run.corpus, run.target, argv[i]);
	if (!err && run.captures && *run.captures)
		err = corpus_add_captures(&run.corpus, run.target, run.captures);
	if (!err)
		err = target_runner_create(run.target, &settings.settings, &r);
	if (err) {
		char text[512];

		error_format(err, text, sizeof(text));
		fprintf(stderr, "run: %s\n", text);
		error_destroy(err);
		return 2;
	}
	if (run.seeds) {
		code = write_seeds(&run);
	} else {
		run_corpus(&run, r);
		run_random(&run, r);
		printf("1..%u\n", run.cases);
		code = run.failed != 0;
	}
	target_runner_destroy(r);
	corpus_deinit(&run.corpus);
	return code;
}
