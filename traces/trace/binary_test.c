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
		if (y.context)
			assert_int_equal(x.context, y.context);
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

/* ---- made by hand ---- */

static void put(uint8_t *p, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const uint8_t *p, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | p[bytes];
	return value;
}

/* mm_page_alloc_zone_locked of the kernel that made the file: 28 bytes. */
#define ZONE_LOCKED 652
#define RECORD_BYTES 28

static uint8_t *put_record(uint8_t *p, uint64_t pfn, uint32_t refill)
{
	memset(p, 0, RECORD_BYTES);
	put(p, ZONE_LOCKED, 2);
	/* Not to be preempted for one reason, nor moved for two, or 15. */
	put(p + 3, refill ? 0x21 : 0xf1, 1);
	put(p + 4, 3788, 4);
	put(p + 8, pfn, 8);
	put(p + 16, 2, 4);
	put(p + 20, 1, 4);
	put(p + 24, refill, 4);
	return p + RECORD_BYTES;
}

/* Every kind of record that a page can hold, where the first page of the first CPU was. */
static void test_page(void **state)
{
	static const struct {
		uint64_t time, pfn;
	} expected[] = {
		{ 1000 + (5ULL << 27) + 3 + 2, 10 },
		{ 1000 + (5ULL << 27) + 3 + 2 + 1 + 4, 11 },
		{ (77ULL << 27) + 9 + 1, 12 },
	};
	const struct event *events;
	struct input in;
	struct trace *t;
	uint8_t *page, *p;
	size_t count;

	(void)state;
	check_ok(input_read(DATA "trace-cmd-6.dat.zst", NULL, &in));
	/* Six pages at the end, three a CPU; the second CPU's come much later. */
	page = in.data + in.size - (size_t)6 * 4096;
	p = page + 16;
	put(page, 1000, 8);
	put(p, 30 | 3 << 5, 4); /* a time that is added */
	put(p + 4, 5, 4);
	p += 8;
	put(p, RECORD_BYTES / 4 | 2 << 5, 4); /* a record */
	p = put_record(p + 4, 10, 1);
	put(p, 29 | 1 << 5, 4); /* one that was given up */
	put(p + 4, 12, 4);
	p += 16;
	put(p, 4 << 5, 4); /* one that tells its length apart */
	put(p + 4, RECORD_BYTES + 4, 4);
	p = put_record(p + 8, 11, 0);
	put(p, 31 | 9 << 5, 4); /* a time that is set */
	put(p + 4, 77, 4);
	p += 8;
	put(p, RECORD_BYTES / 4 | 1 << 5, 4);
	p = put_record(p + 4, 12, 1);
	put(p, 123, 8); /* how many were lost before the page */
	put(page + 8, (uint64_t)(p - page - 16) | 3U << 30, 8);

	check_ok(trace_open_bytes("made", in.data, in.size, NULL, &t));
	check_ok(trace_next(t, &events, &count));
	assert_true(count > 4);
	assert_int_equal(events[0].kind, EVENT_LOST);
	assert_int_equal(events[0].count, 123);
	assert_int_equal(trace_stats(t)->lost, 123);
	assert_int_equal(trace_stats(t)->first_lost_line, 1);
	assert_int_equal(events[0].cpu, 0);
	for (size_t i = 0; i < 3; i++) {
		const struct event *e = &events[i + 1];

		assert_int_equal(e->kind, EVENT_ZONE_LOCKED);
		assert_int_equal(e->time, expected[i].time);
		assert_int_equal(e->pfn, expected[i].pfn);
		assert_int_equal(e->order, 2);
		assert_int_equal(e->migratetype, 1);
		assert_int_equal(e->flags, i == 1 ? 0 : EVENT_PERCPU_REFILL);
		assert_int_equal(e->context,
				 EVENT_CONTEXT_TOLD | (i == 1 ? 15 : 3)
							      << EVENT_CONTEXT_DEPTH_SHIFT);
		assert_string_equal(trace_string(t, e->text), "ls");
	}
	trace_close(t);
	input_deinit(&in);
}

/*
 * perf.data with its samples dealt to two CPUs, one of which always comes a round late, as buffers are
 * emptied in turns.  @ret gets @size bytes more than the file had.
 */
#define SAMPLES 51
#define ROUND 4

static uint8_t *deal(const struct input *in, size_t *size_ret)
{
	uint64_t data = get(in->data + 40, 8), bytes = get(in->data + 48, 8);
	const uint8_t *samples[SAMPLES], *p = in->data + data, *end = p + bytes;
	unsigned int count = 0, features = 0;
	uint8_t *ret = malloc(in->size + 4096), *to;
	uint64_t more;

	assert_non_null(ret);
	memcpy(ret, in->data, data);
	to = ret + data;
	for (; p < end; p += get(p + 6, 2)) {
		if (get(p, 4) == 9) {
			assert_true(count < SAMPLES);
			samples[count++] = p;
		} else if (get(p, 4) != 68) {
			memcpy(to, p, get(p + 6, 2));
			to += get(p + 6, 2);
		}
	}
	assert_int_equal(count, SAMPLES);
	for (unsigned int round = 0; round <= SAMPLES / ROUND + 1; round++) {
		for (unsigned int late = 0; late < 2; late++) {
			for (unsigned int i = (round - late) * ROUND;
			     round >= late && i < (round - late + 1) * ROUND && i < SAMPLES; i++) {
				size_t len = get(samples[i] + 6, 2);

				if (i % 2 != late)
					continue;
				memcpy(to, samples[i], len);
				to += len;
			}
		}
		put(to, 68, 8);
		put(to + 6, 8, 2);
		to += 8;
	}
	more = (uint64_t)(to - ret) - data - bytes;
	put(ret + 48, bytes + more, 8);
	memcpy(to, end, in->size - data - bytes);
	/* What lies behind has moved. */
	for (uint64_t bit = get(in->data + 72, 8); bit; bit >>= 1)
		features += bit & 1;
	for (unsigned int i = 0; i < features; i++)
		put(to + (size_t)16 * i, get(to + (size_t)16 * i, 8) + more, 8);
	*size_ret = in->size + more;
	return ret;
}

static void test_rounds(void **state)
{
	struct walk a = { 0 }, b = { 0 };
	struct event x, y;
	struct input in;
	uint8_t *made;
	size_t size;

	(void)state;
	check_ok(input_read(DATA "perf.data.zst", NULL, &in));
	made = deal(&in, &size);
	check_ok(trace_open_bytes("made", made, size, NULL, &a.t));
	open_trace(DATA "perf.data.zst", &b.t);
	while (walk_next(&b, &y)) {
		assert_true(walk_next(&a, &x));
		assert_int_equal(x.time, y.time);
		assert_int_equal(x.pfn, y.pfn);
		assert_int_equal(x.line, y.line);
	}
	assert_false(walk_next(&a, &x));
	trace_close(a.t);
	trace_close(b.t);
	free(made);
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

/* ---- perf.data made by hand ------------------------------------------------------------------- */

/* Bits of what a sample holds, as perf_event_open(2) has them. */
enum {
	S_IP = 1,
	S_TID = 2,
	S_TIME = 4,
	S_ADDR = 8,
	S_READ = 16,
	S_CALLCHAIN = 32,
	S_ID = 64,
	S_CPU = 128,
	S_PERIOD = 256,
	S_STREAM_ID = 512,
	S_RAW = 1024,
	S_IDENTIFIER = 1 << 16,
};
enum {
	R_LOST = 2,
	R_COMM = 3,
	R_FORK = 7,
	R_SAMPLE = 9,
	R_ROUND = 68,
	R_AUXTRACE = 71,
	R_PACKED = 81
};

#define PERF_ATTRS 104
#define PERF_DATA (PERF_ATTRS + 64)

struct made {
	uint8_t data[4096];
	size_t size, record; /* where the last record begins */
};

static void add(struct made *m, uint64_t value, unsigned int bytes)
{
	assert_true(m->size + bytes <= sizeof(m->data));
	put(m->data + m->size, value, bytes);
	m->size += bytes;
}

static void add_text(struct made *m, const char *text)
{
	do
		add(m, (uint8_t)*text, 1);
	while (*text++);
}

/* The head and one event, of which samples are to hold @type, and counts @format. */
static void begin_perf(struct made *m, uint64_t type, uint64_t format, bool id_all)
{
	const uint64_t head[] = { 104, 64, PERF_ATTRS, 64, PERF_DATA, 0, 0, 0, 2, 0, 0, 0 };
	const uint64_t attr[] = {
		2 | 64ULL << 32, 6, 1, type, format, (uint64_t)id_all << 18, 0, 0
	};

	m->size = 0;
	for (const char *magic = "PERFILE2"; *magic; magic++)
		add(m, (uint8_t)*magic, 1);
	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		add(m, head[i], 8);
	for (size_t i = 0; i < sizeof(attr) / sizeof(attr[0]); i++)
		add(m, attr[i], 8);
	assert_int_equal(m->size, PERF_DATA);
}

static void begin_record(struct made *m, uint32_t type)
{
	m->record = m->size;
	add(m, type, 8);
}

static void end_record(struct made *m)
{
	while (m->size % 8)
		add(m, 0, 1);
	put(m->data + m->record + 6, m->size - m->record, 2);
}

/* What a free of @pfn by @pid leaves, as the format below lays it out. */
static void add_free(struct made *m, uint32_t pid, uint64_t pfn)
{
	add(m, 20, 4);
	add(m, 5, 4);
	add(m, pid, 4);
	add(m, pfn, 8);
	add(m, 3, 4);
}

/* A sample of nothing but task, time, CPU and the record. */
static void add_sample(struct made *m, uint32_t pid, uint64_t time, uint32_t cpu, uint64_t pfn)
{
	begin_record(m, R_SAMPLE);
	add(m, pid, 4);
	add(m, pid, 4);
	add(m, time, 8);
	add(m, cpu, 8);
	add_free(m, pid, pfn);
	end_record(m);
}

/* Where the tracing data is, and the data itself: one format, and the name of task 17. */
static void end_perf(struct made *m)
{
	static const char format[] =
		"name: mm_page_free\nID: 5\nformat:\n"
		"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
		"\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;\n"
		"\tfield:unsigned int order;\toffset:16;\tsize:4;\tsigned:0;\n";
	static const char comms[] = "17 bash\n";

	put(m->data + 48, m->size - PERF_DATA, 8);
	add(m, m->size + 16, 8);
	add(m, 0, 8);
	add_text(m, "\x17\x08\x44tracing0.6");
	add(m, 0x0800, 2);
	add(m, 4096, 4);
	add_text(m, "header_page");
	add(m, 0, 8);
	add_text(m, "header_event");
	add(m, 0, 8);
	add(m, 0, 4);
	add(m, 1, 4);
	add_text(m, "kmem");
	add(m, 1, 4);
	add(m, sizeof(format) - 1, 8);
	add_text(m, format);
	m->size--;
	add(m, 0, 8);
	add(m, sizeof(comms) - 1, 8);
	add_text(m, comms);
	m->size--;
}

/* All events of @m, of which there are @count; 0, or the code of the error that ends them. */
static void read_made(const struct made *m, struct event *ret, size_t count, int code,
		      struct trace **trace)
{
	const struct event *events;
	struct error *err = NULL;
	size_t n = 1, seen = 0;

	check_ok(trace_open_bytes("made", m->data, m->size, NULL, trace));
	while (!(err = trace_next(*trace, &events, &n)) && n) {
		assert_true(seen + n <= count);
		memcpy(ret + seen, events, n * sizeof(*events));
		seen += n;
	}
	assert_int_equal(seen, count);
	if (code)
		check_error(err, (enum error_code)code, 0, 0);
	else
		check_ok(err);
}

/* A task is called as the one that made it, until it calls itself otherwise; losses stand where they were. */
static void test_perf_records(void **state)
{
	struct event e[4] = { 0 };
	struct made m = { 0 };
	struct trace *t;

	(void)state;
	begin_perf(&m, S_TID | S_TIME | S_CPU | S_RAW, 0, true);
	begin_record(&m, R_FORK);
	add(&m, 18 | 17ULL << 32, 8);
	add(&m, 18 | 17ULL << 32, 8);
	end_record(&m);
	add_sample(&m, 18, 1000, 0, 100);
	begin_record(&m, R_LOST);
	add(&m, 5, 8);
	add(&m, 1ULL << 40, 8);
	/* Whose it was, when, and on which CPU. */
	add(&m, 17 | 17ULL << 32, 8);
	add(&m, 1001, 8);
	add(&m, 3, 8);
	end_record(&m);
	begin_record(&m, R_ROUND);
	end_record(&m);
	/* Where a round ends, names do not: they are looked up when a sample is read. */
	begin_record(&m, R_COMM);
	add(&m, 18 | 18ULL << 32, 8);
	add_text(&m, "cat");
	end_record(&m);
	begin_record(&m, R_AUXTRACE);
	add(&m, 16, 8);
	end_record(&m);
	add(&m, UINT64_MAX, 8);
	add(&m, UINT64_MAX, 8);
	add_sample(&m, 18, 1002, 1, 101);
	end_perf(&m);
	read_made(&m, e, 3, 0, &t);
	assert_int_equal(e[0].kind, EVENT_FREE);
	assert_int_equal(e[0].pfn, 100);
	assert_string_equal(trace_string(t, e[0].text), "bash");
	assert_int_equal(e[1].kind, EVENT_LOST);
	assert_int_equal(e[1].count, UINT32_MAX);
	assert_int_equal(e[1].time, 1001);
	assert_int_equal(e[1].cpu, 3);
	assert_int_equal(e[2].pfn, 101);
	assert_int_equal(e[2].cpu, 1);
	assert_int_equal(e[2].order, 3);
	assert_string_equal(trace_string(t, e[2].text), "cat");
	assert_int_equal(trace_stats(t)->damaged, 0);
	assert_int_equal(trace_stats(t)->lost, UINT32_MAX);
	assert_int_equal(trace_stats(t)->first_lost_line, e[1].line);
	trace_close(t);
}

/* Everything that perf can add stands before the record, which is found behind all of it. */
static void test_perf_fields(void **state)
{
	struct event e[4] = { 0 };
	struct made m = { 0 };
	struct trace *t;

	(void)state;
	begin_perf(&m,
		   S_IDENTIFIER | S_IP | S_TID | S_TIME | S_ADDR | S_ID | S_STREAM_ID | S_CPU |
			   S_PERIOD | S_READ | S_CALLCHAIN | S_RAW,
		   31, false);
	for (unsigned int chain = 0; chain < 3; chain++) {
		begin_record(&m, R_SAMPLE);
		add(&m, 7, 8); /* identifier */
		add(&m, 0xffff, 8); /* address of the code */
		add(&m, 17 | 17ULL << 32, 8);
		add(&m, 1000 + chain, 8);
		add(&m, 1, 8); /* address, id, stream */
		add(&m, 2, 8);
		add(&m, 3, 8);
		add(&m, 2, 8); /* CPU */
		add(&m, 1, 8); /* period */
		/* A group of two counters: times, then value, id and lost of each. */
		add(&m, 2, 8);
		for (unsigned int i = 0; i < 2 + 2 * 3; i++)
			add(&m, 1000000, 8);
		/* The last claims to be longer than the record. */
		add(&m, chain == 2 ? 1000 : chain, 8);
		for (unsigned int i = 0; i < chain; i++)
			add(&m, 0xfeed, 8);
		add_free(&m, 17, 100 + chain);
		end_record(&m);
	}
	end_perf(&m);
	read_made(&m, e, 2, 0, &t);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(e[i].kind, EVENT_FREE);
		assert_int_equal(e[i].pfn, 100 + i);
		assert_int_equal(e[i].time, 1000 + i);
		assert_int_equal(e[i].cpu, 2);
	}
	assert_int_equal(trace_stats(t)->damaged, 1);
	trace_close(t);
}

/* Counters that claim to be more than there are; samples without a record are none of ours. */
static void test_perf_odd_samples(void **state)
{
	struct event e[1];
	struct made m = { 0 };
	struct trace *t;

	(void)state;
	begin_perf(&m, S_READ | S_RAW, 8, false);
	begin_record(&m, R_SAMPLE);
	add(&m, UINT64_MAX, 8);
	end_record(&m);
	end_perf(&m);
	read_made(&m, e, 0, 0, &t);
	assert_int_equal(trace_stats(t)->damaged, 1);
	trace_close(t);
	begin_perf(&m, S_TIME, 0, false);
	begin_record(&m, R_SAMPLE);
	add(&m, 1000, 8);
	end_record(&m);
	end_perf(&m);
	read_made(&m, e, 0, 0, &t);
	assert_int_equal(trace_stats(t)->damaged, 0);
	assert_int_equal(trace_stats(t)->ignored, 1);
	trace_close(t);
}

/* What was read before stays, then comes why there is no more. */
static void test_perf_ends_early(void **state)
{
	struct event e[1];
	struct made m = { 0 };
	struct trace *t;

	(void)state;
	begin_perf(&m, S_TID | S_TIME | S_CPU | S_RAW, 0, false);
	add_sample(&m, 17, 1000, 0, 100);
	begin_record(&m, R_PACKED);
	end_record(&m);
	end_perf(&m);
	read_made(&m, e, 1, ERROR_UNSUPPORTED, &t);
	trace_close(t);
	/* A record of no size. */
	put(m.data + m.record, 0, 8);
	read_made(&m, e, 1, ERROR_CORRUPT, &t);
	trace_close(t);
	/* One that leads beyond the data. */
	begin_perf(&m, S_TID | S_TIME | S_CPU | S_RAW, 0, false);
	add_sample(&m, 17, 1000, 0, 100);
	begin_record(&m, R_AUXTRACE);
	add(&m, 1000000, 8);
	end_record(&m);
	add_sample(&m, 17, 1001, 0, 101);
	end_perf(&m);
	read_made(&m, e, 1, ERROR_CORRUPT, &t);
	trace_close(t);
	/* The same, as the last. */
	begin_perf(&m, S_TID | S_TIME | S_CPU | S_RAW, 0, false);
	add_sample(&m, 17, 1000, 0, 100);
	begin_record(&m, R_AUXTRACE);
	add(&m, 8, 8);
	end_record(&m);
	end_perf(&m);
	read_made(&m, e, 1, ERROR_CORRUPT, &t);
	trace_close(t);
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
		cmocka_unit_test(test_trace_cmd),
		cmocka_unit_test(test_perf),
		cmocka_unit_test(test_own_names),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_perf_records),
		cmocka_unit_test(test_perf_fields),
		cmocka_unit_test(test_perf_odd_samples),
		cmocka_unit_test(test_perf_ends_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
