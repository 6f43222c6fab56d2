/* SPDX-License-Identifier: MIT */
/* Benchmarks of reading traces. */
#include "traces/trace/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/bench/bench.h"
#include "tools/bench/rival.h"
#include "traces/input.h"

/*
 * A long trace from a real one, which is repeated: of the captures if they are there, or else the few
 * hundred lines in the tree.
 */
#define LONG_TRACE_BYTES ((size_t)256 << 20)
#define TRACE_OF_CAPTURES "trace-6.1-amd64-512m-up-mix/trace.txt.zst"
#define TRACE_OF_TREE "traces/testdata/trace/6.1-up.txt"

static struct error *write_long_trace(struct bench *b, FILE *out)
{
	const char *path = bench_capture(b, TRACE_OF_CAPTURES);
	struct input in = { 0 };
	struct error *err;

	err = input_read(access(path, R_OK) ? TRACE_OF_TREE : path, NULL, &in);
	if (err)
		return err;
	for (size_t written = 0; written < LONG_TRACE_BYTES; written += in.size) {
		if (!in.size || fwrite(in.data, 1, in.size, out) != in.size) {
			input_deinit(&in);
			return error_create(ERROR_OS, NULL, 0, 0, "the long trace: %s",
					    strerror(errno));
		}
	}
	input_deinit(&in);
	return NULL;
}

static struct error *read_all(const char *path, const struct trace_options *options, uint64_t *ret)
{
	const struct event *events;
	struct error *err;
	struct trace *t;
	size_t count;

	err = trace_open(path, options, &t);
	if (err)
		return err;
	do
		err = trace_next(t, &events, &count);
	while (!err && count);
	*ret = trace_stats(t)->bytes;
	if (!err && trace_stats(t)->unknown + trace_stats(t)->damaged)
		err = error_create(ERROR_FORMAT, path, 0, 0, "lines were not understood");
	trace_close(t);
	return err;
}

static struct error *trace_rounds(struct bench *b, const char *path)
{
	const char *const wc[] = { "wc", "-l", path, NULL };
	struct trace_options options = { 0 };
	bool have_wc = rival_run(wc);
	struct error *err = NULL;
	struct facts facts;
	uint64_t bytes = 0;
	uint32_t version;

	if (facts_parse_version("6.1", &version)) {
		facts_init(&facts, version);
		options.facts = &facts;
	}
	while (!err && bench_round(b)) {
		err = read_all(path, &options, &bytes);
		bench_work(b, bytes);
		if (have_wc) {
			bench_rival(b, "wc -l");
			rival_run(wc);
		}
	}
	return err;
}

struct error *bench_trace_import(struct bench *b)
{
	char path[] = "/tmp/mmreplay-bench-XXXXXX";
	int fd = mkstemp(path);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	struct error *err;

	if (!out) {
		err = error_create(ERROR_OS, path, 0, 0, "%s", strerror(errno));
		if (fd >= 0) {
			close(fd);
			unlink(path);
		}
		return err;
	}
	err = write_long_trace(b, out);
	if (fclose(out) && !err)
		err = error_create(ERROR_OS, path, 0, 0, "%s", strerror(errno));
	if (!err)
		err = trace_rounds(b, path);
	unlink(path);
	return err;
}
