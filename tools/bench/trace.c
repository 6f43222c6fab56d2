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
#include "tools/bench/stored_trace.h"
#include "traces/input.h"
#include "traces/mmtrace.h"
#include "traces/trace/store.h"

/*
 * A long trace from a real one, which is repeated: of the captures if they are there, or else the few
 * hundred lines in the tree.
 */
#define LONG_TRACE_BYTES ((size_t)256 << 20)
#define TRACE_OF_CAPTURES "trace-6.1-amd64-512m-up-mix/trace.txt.zst"
#define TRACE_OF_TREE "traces/testdata/trace/6.1-up.txt"

static struct error *write_long_trace(struct bench *b, size_t bytes, FILE *out)
{
	const char *path = bench_capture(b, TRACE_OF_CAPTURES);
	struct input in = { 0 };
	struct error *err;

	err = input_read(access(path, R_OK) ? TRACE_OF_TREE : path, NULL, &in);
	if (err)
		return err;
	for (size_t written = 0; written < bytes; written += in.size) {
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

/* Makes a file of that trace; @path ends with XXXXXX, for mkstemp(). */
static struct error *make_long_trace(struct bench *b, size_t bytes, char *path)
{
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
	err = write_long_trace(b, bytes, out);
	if (fclose(out) && !err)
		err = error_create(ERROR_OS, path, 0, 0, "%s", strerror(errno));
	if (err)
		unlink(path);
	return err;
}

struct error *bench_trace_import(struct bench *b)
{
	char path[] = "/tmp/mmreplay-bench-XXXXXX";
	struct error *err = make_long_trace(b, LONG_TRACE_BYTES, path);

	if (err)
		return err;
	err = trace_rounds(b, path);
	unlink(path);
	return err;
}

/* ---- stored ------------------------------------------------------------------------------------ */

/* As long as one of the captures, so that no rival is asked for more than a moment. */
#define STORED_TRACE_BYTES ((size_t)32 << 20)

struct error *stored_trace_make(const char *path, struct sink_text *ret, uint64_t *events_ret)
{
	struct mmtrace_writer *w;
	struct error *err;
	struct trace *t;

	err = trace_open(path, NULL, &t);
	if (err)
		return err;
	err = mmtrace_writer_create(sink_to_text(ret), &w);
	if (!err) {
		err = trace_store(t, w, events_ret);
		if (!err)
			err = mmtrace_write_end(w);
		mmtrace_writer_destroy(w);
	}
	trace_close(t);
	if (!err && ret->out_of_memory)
		err = error_no_memory();
	return err;
}

static struct error *read_stored(const struct sink_text *file, uint64_t *events_ret)
{
	const struct event *events;
	struct error *err;
	struct trace *t;
	size_t count;

	err = trace_open_bytes("stored", file->data, file->len, NULL, &t);
	if (err)
		return err;
	*events_ret = 0;
	do {
		err = trace_next(t, &events, &count);
		*events_ret += err ? 0 : count;
	} while (!err && count);
	trace_close(t);
	return err;
}

/* The text too is read from its file, and packed as people keep traces. */
static struct error *decode_rounds(struct bench *b, const char *path, const struct sink_text *file,
				   uint64_t events)
{
	char packed[64];
	const char *const pack[] = { "zstd", "-q", "-f", path, "-o", packed, NULL };
	const char *const wc[] = { "sh", "-c", "zstdcat \"$0\" | wc -l", packed, NULL };
	struct error *err = NULL;
	uint64_t seen, bytes;
	bool have_zstd;

	snprintf(packed, sizeof(packed), "%s.zst", path);
	have_zstd = rival_run(pack);
	while (!err && bench_round(b)) {
		err = read_stored(file, &seen);
		bench_work(b, events);
		if (!err && seen != events)
			err = error_create(ERROR_FORMAT, NULL, 0, 0, "events are missing");
		if (have_zstd) {
			bench_rival(b, "zstdcat | wc -l");
			rival_run(wc);
		} else if (!err) {
			bench_rival(b, "the same as text");
			err = read_all(path, NULL, &bytes);
		}
	}
	unlink(packed);
	return err;
}

struct error *bench_trace_decode(struct bench *b)
{
	char path[] = "/tmp/mmreplay-bench-XXXXXX";
	struct error *err = make_long_trace(b, STORED_TRACE_BYTES, path);
	struct sink_text file = { 0 };
	uint64_t events;

	if (err)
		return err;
	err = stored_trace_make(path, &file, &events);
	if (!err)
		err = decode_rounds(b, path, &file, events);
	sink_text_deinit(&file);
	unlink(path);
	return err;
}

struct error *bench_trace_text(struct bench *b)
{
	char path[] = "/tmp/mmreplay-bench-XXXXXX";
	struct error *err = make_long_trace(b, STORED_TRACE_BYTES, path);
	struct sink_text file = { 0 };
	uint64_t events = 0, bytes;

	if (err)
		return err;
	err = stored_trace_make(path, &file, &events);
	sink_text_deinit(&file);
	while (!err && bench_round(b)) {
		err = read_all(path, NULL, &bytes);
		bench_work(b, events);
	}
	unlink(path);
	return err;
}

static void forget(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	(void)text;
	(void)len;
}

/* From the stored form, which costs least to read. */
struct error *bench_trace_encode(struct bench *b)
{
	char path[] = "/tmp/mmreplay-bench-XXXXXX";
	struct error *err = make_long_trace(b, STORED_TRACE_BYTES, path);
	struct sink_text file = { 0 };
	uint64_t events;

	if (err)
		return err;
	err = stored_trace_make(path, &file, &events);
	while (!err && bench_round(b)) {
		struct mmtrace_writer *w;
		struct trace *t;

		err = trace_open_bytes("stored", file.data, file.len, NULL, &t);
		if (err)
			break;
		err = mmtrace_writer_create((struct sink){ forget, NULL }, &w);
		if (!err) {
			err = trace_store(t, w, &events);
			mmtrace_writer_destroy(w);
		}
		trace_close(t);
		bench_work(b, events);
	}
	sink_text_deinit(&file);
	unlink(path);
	return err;
}
