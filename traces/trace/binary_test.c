/* SPDX-License-Identifier: MIT */
/*
 * Tests of binary traces: what trace-cmd and perf themselves make of a file, as text, is what we make of
 * it; and damaged files are errors or counted, never more.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/prng.h"
#include "traces/input.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"
#include "traces/trace/trace.h"

#define DATA "traces/testdata/trace/"

static void open_trace(const char *path, struct trace **ret)
{
	static struct facts facts;
	static struct trace_options options = { .facts = &facts };

	facts_init(&facts, FACTS_VERSION(6, 18, 44));
	check_ok(trace_open(path, &options, ret));
}

/* The next event of a trace; false at its end. */
struct walk {
	struct trace *t;
	const struct event *events;
	size_t count, at;
};

static bool walk_next(struct walk *w, struct event *ret)
{
	if (w->at == w->count) {
		check_ok(trace_next(w->t, &w->events, &w->count));
		w->at = 0;
	}
	if (!w->count)
		return false;
	*ret = w->events[w->at++];
	return true;
}

/* All but the number of the line. */
static void compare(const char *binary, const char *text, unsigned int expected)
{
	struct walk a = { 0 }, b = { 0 };
	struct event x, y;
	unsigned int count = 0;

	open_trace(binary, &a.t);
	open_trace(text, &b.t);
	while (walk_next(&a, &x)) {
		assert_true(walk_next(&b, &y));
		assert_int_equal(x.kind, y.kind);
		assert_int_equal(x.pfn, y.pfn);
		assert_int_equal(x.time, y.time);
		assert_int_equal(x.gfp, y.gfp);
		assert_int_equal(x.pid, y.pid);
		assert_int_equal(x.cpu, y.cpu);
		assert_int_equal(x.order, y.order);
		assert_int_equal(x.migratetype, y.migratetype);
		assert_int_equal(x.flags, y.flags);
		assert_string_equal(trace_string(a.t, x.text), trace_string(b.t, y.text));
		count++;
		assert_int_equal(x.line, count);
	}
	assert_false(walk_next(&b, &y));
	assert_int_equal(count, expected);
	assert_int_equal(trace_stats(a.t)->damaged, 0);
	assert_int_equal(trace_stats(b.t)->damaged + trace_stats(b.t)->unknown, 0);
	trace_close(a.t);
	trace_close(b.t);
}

static void test_trace_cmd(void **state)
{
	(void)state;
	compare(DATA "trace-cmd-6.dat.zst", DATA "trace-cmd.txt.zst", 587);
	compare(DATA "trace-cmd-7-zstd.dat", DATA "trace-cmd.txt.zst", 587);
}

static void test_perf(void **state)
{
	(void)state;
	compare(DATA "perf.data.zst", DATA "perf.txt", 51);
}

/* Names of flags come with the file: no kernel has to be named. */
static void test_own_names(void **state)
{
	char text[64];
	struct trace *t;

	(void)state;
	check_ok(trace_open(DATA "trace-cmd-6.dat.zst", NULL, &t));
	gfp_format(trace_gfp(t), 0x440dc0, text, sizeof(text));
	assert_string_equal(text, "GFP_KERNEL_ACCOUNT|__GFP_ZERO|__GFP_COMP");
	trace_close(t);
}

static void read_any(const uint8_t *data, size_t len)
{
	const struct event *events;
	struct error *err;
	struct trace *t;
	size_t count;

	err = trace_open_bytes("any", data, len, NULL, &t);
	if (err) {
		assert_string_equal(err->file ? err->file : "any", "any");
		error_destroy(err);
		return;
	}
	do {
		err = trace_next(t, &events, &count);
		for (size_t i = 0; !err && i < count; i++)
			assert_non_null(trace_string(t, events[i].text));
	} while (!err && count);
	error_destroy(err);
	trace_close(t);
}

/* Bytes changed one at a time, most of them where sizes and places stand. */
static void damage(const char *path, unsigned int rounds)
{
	struct prng prng = prng_init(23);
	struct input in;

	check_ok(input_read(path, NULL, &in));
	for (unsigned int i = 0; i < rounds; i++) {
		size_t at = prng_below(&prng, i % 2 ? in.size : in.size < 300 ? in.size : 300);
		uint8_t was = in.data[at];

		in.data[at] = (uint8_t)prng_next(&prng);
		read_any(in.data, in.size);
		in.data[at] = was;
	}
	robust_damage(read_any, in.data, in.size, 3, rounds);
	for (unsigned int i = 0; i < rounds; i++)
		read_any(in.data, prng_below(&prng, in.size));
	input_deinit(&in);
}

static void test_damaged(void **state)
{
	(void)state;
	damage(DATA "trace-cmd-6.dat.zst", 300);
	damage(DATA "trace-cmd-7-zstd.dat", 300);
	damage(DATA "perf.data.zst", 300);
}

/* What is there of each CPU is told, and then that there should be more. */
static void test_cut_off(void **state)
{
	const struct event *events;
	unsigned int seen[2] = { 0 };
	struct error *err;
	struct input in;
	struct trace *t;
	size_t count;

	(void)state;
	check_ok(input_read(DATA "trace-cmd-6.dat.zst", NULL, &in));
	/* Of the second CPU's three pages one is left. */
	check_ok(trace_open_bytes("cut", in.data, in.size - (size_t)2 * 4096, NULL, &t));
	while (!(err = trace_next(t, &events, &count)) && count) {
		for (size_t i = 0; i < count; i++)
			seen[events[i].cpu]++;
	}
	check_error(err, ERROR_CORRUPT, 0, 0);
	assert_true(seen[0] > 200 && seen[1] > 50 && seen[1] < 150);
	check_ok(trace_next(t, &events, &count));
	assert_int_equal(count, 0);
	trace_close(t);
	input_deinit(&in);
}

static void expect_refused(const char *path, size_t at, char byte, enum error_code code)
{
	struct error *err = NULL;
	struct input in;
	struct trace *t;

	check_ok(input_read(path, NULL, &in));
	in.data[at] = (uint8_t)byte;
	err = trace_open_bytes("changed", in.data, in.size, NULL, &t);
	check_error(err, code, 0, 0);
	input_deinit(&in);
}

static void test_refused(void **state)
{
	(void)state;
	/* A version that does not exist, a packing we lack, a pipe's head, another machine. */
	expect_refused(DATA "trace-cmd-6.dat.zst", 10, '5', ERROR_UNSUPPORTED);
	expect_refused(DATA "trace-cmd-7-zstd.dat", 18, 'l', ERROR_UNSUPPORTED);
	expect_refused(DATA "perf.data.zst", 8, 16, ERROR_UNSUPPORTED);
	expect_refused(DATA "perf.data.zst", 72, 0, ERROR_FORMAT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trace_cmd), cmocka_unit_test(test_perf),
		cmocka_unit_test(test_own_names), cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_refused),	  cmocka_unit_test(test_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
