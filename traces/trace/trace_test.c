/* SPDX-License-Identifier: MIT */
/*
 * Tests of traces as a whole: what each line becomes and how it is counted, buffers and batches, packed
 * and damaged files, and the captured traces against a count made another way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "engine/prng.h"
#include "engine/units.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"
#include "traces/trace/reader.h"
#include "traces/trace/trace.h"

#define HEAD "            init-1       [001] d..1.     1.721010: "

static const char sample[] =
	"# tracer: nop\n"
	"#\n"
	"# entries-in-buffer/entries-written: 7/9   #P:2\n"
	"#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
	"          <idle>-0       [000] d..4.     0.000003: mm_page_alloc_zone_locked: "
	"page=(____ptrval____) pfn=0x5315 order=0 migratetype=1 percpu_refill=1\n"
	"CPU:1 [LOST 5 EVENTS]\n" HEAD
	"mm_page_alloc: page=(____ptrval____) pfn=0x5315 order=0 migratetype=1 "
	"gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_ATOMIC\n" HEAD
	"mm_page_alloc: page=0000000000000000 pfn=0x0 order=9 migratetype=1 gfp_flags=__GFP_NEW\n"
	"##### CPU 1 buffer started ####\n" HEAD "tracing_mark_write: SNAP one begin\n" HEAD
	"mm_page_free: page=(____ptrval____) pfn=0x5315 order=0\n"
	"\n"
	"what is this\n" HEAD "mm_page_free: page=(____ptrval____) pfn=0x53\n" HEAD
	"sched_switch: prev_comm=init\n" HEAD
	"mm_page_free: page=(____ptrval____) pfn=0x16 order=10";

struct list {
	struct event *events;
	size_t count;
};

static void collect(struct trace *t, struct list *ret)
{
	*ret = (struct list){ 0 };
	for (;;) {
		const struct event *events;
		size_t count;

		check_ok(trace_next(t, &events, &count));
		if (!count)
			return;
		ret->events = realloc(ret->events, (ret->count + count) * sizeof(*events));
		assert_non_null(ret->events);
		memcpy(ret->events + ret->count, events, count * sizeof(*events));
		ret->count += count;
	}
}

static void facts_of(const char *version, struct facts *ret)
{
	uint32_t number;

	assert_true(facts_parse_version(version, &number));
	facts_init(ret, number);
}

static void test_sample(void **state)
{
	struct trace_options options = { 0 };
	const struct trace_stats *stats;
	const struct event *e;
	struct facts facts;
	struct trace *t;
	struct list list;
	char text[64];

	(void)state;
	facts_of("6.1", &facts);
	options.facts = &facts;
	check_ok(trace_open_bytes("sample", sample, strlen(sample), &options, &t));
	collect(t, &list);
	assert_int_equal(list.count, 8);
	e = list.events;
	assert_int_equal(e->kind, EVENT_ZONE_LOCKED);
	assert_int_equal(e->line, 5);
	assert_string_equal(trace_string(t, e->text), "<idle>");
	e++;
	assert_int_equal(e->kind, EVENT_LOST);
	assert_int_equal(e->cpu, 1);
	assert_int_equal(e->count, 5);
	assert_int_equal(e->line, 6);
	e++;
	assert_int_equal(e->kind, EVENT_ALLOC);
	assert_int_equal(e->gfp, 0x100eca);
	assert_int_equal(e->flags, 0);
	assert_string_equal(trace_string(t, e->text), "init");
	e++;
	assert_int_equal(e->pfn, PFN_NONE);
	assert_int_equal(e->flags, EVENT_GFP_UNKNOWN);
	assert_int_equal(e->gfp, 1U << 31);
	assert_int_equal(gfp_format(trace_gfp(t), e->gfp, text, sizeof(text)), 9);
	assert_string_equal(text, "__GFP_NEW");
	e++;
	assert_int_equal(e->kind, EVENT_MARKER);
	assert_string_equal(trace_string(t, e->text), "SNAP one begin");
	e++;
	assert_int_equal(e->kind, EVENT_FREE);
	e++;
	assert_int_equal(e->kind, EVENT_OTHER);
	assert_string_equal(trace_string(t, e->text), "sched_switch");
	e++;
	assert_int_equal(e->kind, EVENT_FREE);
	assert_int_equal(e->pfn, 0x16);
	assert_int_equal(e->line, 16);

	stats = trace_stats(t);
	assert_int_equal(stats->lines, 16);
	assert_int_equal(stats->ignored, 6);
	assert_int_equal(stats->unknown, 1);
	assert_int_equal(stats->first_unknown_line, 13);
	assert_int_equal(stats->damaged, 1);
	assert_int_equal(stats->first_damaged_line, 14);
	assert_int_equal(stats->overwritten, 2);
	assert_int_equal(stats->lost, 5);
	assert_int_equal(stats->lost_untold, 0);
	assert_int_equal(stats->first_lost_line, 6);
	assert_int_equal(stats->gfp_unknown, 1);
	assert_int_equal(stats->first_gfp_unknown_line, 8);
	assert_int_equal(trace_gfp_unknown(t), 1U << 31);
	assert_int_equal(stats->bytes, strlen(sample));
	assert_int_equal(stats->events[EVENT_FREE], 2);
	assert_string_equal(trace_string(t, 0), "");
	assert_string_equal(trace_string(t, 1000000), "");
	free(list.events);
	trace_close(t);
	trace_close(NULL);
}

/* Without facts the newest kernel's names are understood: __GFP_ATOMIC is none of them. */
static void test_flags_by_kernel(void **state)
{
	static const char line[] = HEAD "mm_page_alloc: page=ff pfn=1 order=0 migratetype=0 "
					"gfp_flags=GFP_ATOMIC|__GFP_ATOMIC\n";
	static const struct {
		const char *version;
		uint32_t gfp;
		uint8_t flags;
	} cases[] = {
		{ "5.10", 0xa20, 0 },
		{ "4.9", 0x2080020, 0 },
		{ NULL, 0x80000820, EVENT_GFP_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct trace_options options = { 0 };
		struct facts facts;
		struct trace *t;
		struct list list;

		if (cases[i].version) {
			facts_of(cases[i].version, &facts);
			options.facts = &facts;
		}
		check_ok(trace_open_bytes("line", line, strlen(line), &options, &t));
		collect(t, &list);
		assert_int_equal(list.count, 1);
		assert_int_equal(list.events[0].gfp, cases[i].gfp);
		assert_int_equal(list.events[0].flags, cases[i].flags);
		free(list.events);
		trace_close(t);
	}
}

/* Lines that lie across the ends of buffers, more tasks than are remembered, and one endless line. */
static void test_long(void **state)
{
	const unsigned int count = 30000;
	size_t room = (size_t)count * 120 + 700000, len = 0;
	char *text = malloc(room);
	struct trace *t;
	struct list list;

	(void)state;
	assert_non_null(text);
	for (unsigned int i = 0; i < count; i++) {
		len += (size_t)sprintf(text + len,
				       "%16s-%-7u [%03u] .....     1.%06u: mm_page_free: "
				       "page=(____ptrval____) pfn=0x%x order=0\n",
				       i % 3 ? "init" : "cat", i % 700 + 1, i % 4, i, i + 1);
		if (i == count / 2) {
			memset(text + len, 'x', 600000);
			len += 600000;
			text[len++] = '\n';
		}
	}
	check_ok(trace_open_bytes("long", text, len, NULL, &t));
	collect(t, &list);
	assert_int_equal(list.count, count);
	for (unsigned int i = 0; i < count; i++) {
		const struct event *e = &list.events[i];

		assert_int_equal(e->pfn, i + 1);
		assert_int_equal(e->pid, i % 700 + 1);
		assert_int_equal(e->cpu, i % 4);
		assert_int_equal(e->line, i + 1 + (i > count / 2));
		assert_int_equal(e->time, 1000000000 + (uint64_t)i * 1000);
		assert_string_equal(trace_string(t, e->text), i % 3 ? "init" : "cat");
	}
	assert_int_equal(trace_stats(t)->unknown, 1);
	assert_int_equal(trace_stats(t)->first_unknown_line, count / 2 + 2);
	assert_int_equal(trace_stats(t)->lines, count + 1);
	assert_int_equal(trace_stats(t)->bytes, len);
	free(list.events);
	trace_close(t);
	free(text);
}

static void test_errors(void **state)
{
	static const uint8_t cut_off[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58 };
	struct trace *t;

	(void)state;
	check_error(trace_open("/nonexistent/trace.txt", NULL, &t), ERROR_NOT_FOUND, 0, 0);
	check_error(trace_open_bytes("cut", cut_off, sizeof(cut_off), NULL, &t), ERROR_CORRUPT, 0,
		    0);
	check_ok(trace_open_bytes("empty", "", 0, NULL, &t));
	for (unsigned int i = 0; i < 3; i++) {
		const struct event *events;
		size_t count = 1;

		check_ok(trace_next(t, &events, &count));
		assert_int_equal(count, 0);
	}
	trace_close(t);
}

static void test_byte_order_mark(void **state)
{
	static const char marked[] = "\xef\xbb\xbf" HEAD
				     "mm_page_free: page=(____ptrval____) pfn=0x16 order=10\n";
	struct list list;
	struct trace *t;

	(void)state;
	check_ok(trace_open_bytes("marked", marked, sizeof(marked) - 1, NULL, &t));
	collect(t, &list);
	assert_int_equal(list.count, 1);
	assert_string_equal(trace_string(t, list.events[0].text), "init");
	assert_int_equal(trace_stats(t)->unknown, 0);
	assert_int_equal(trace_stats(t)->bytes, sizeof(marked) - 1);
	free(list.events);
	trace_close(t);
}

/* Bytes of gzip that unpack to @size bytes at @data, up to the last; the caller frees. */
static uint8_t *pack_cut(const char *data, size_t size, size_t *size_ret)
{
	uint8_t *ret = malloc(size + 256);
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size };

	assert_non_null(ret);
	stream.next_out = ret;
	stream.avail_out = (uInt)size + 256;
	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	assert_int_equal(deflate(&stream, Z_SYNC_FLUSH), Z_OK);
	*size_ret = size + 256 - stream.avail_out;
	deflateEnd(&stream);
	return ret;
}

/* All whole lines of packed text that is cut off are there, and no part of one; then comes a loss. */
static void test_cut_off(void **state)
{
	static const char line[] = HEAD "mm_page_free: page=(____ptrval____) pfn=0x16 order=10\n";
	enum { LINES = 5000 };
	size_t room = LINES * (sizeof(line) - 1), size, cut = room - 2;
	char *text = malloc(room);
	struct list list;
	struct trace *t;
	uint8_t *packed;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < LINES; i++)
		memcpy(text + i * (sizeof(line) - 1), line, sizeof(line) - 1);
	packed = pack_cut(text, cut, &size);
	check_ok(trace_open_bytes("cut", packed, size, NULL, &t));
	assert_null(trace_damage(t));
	collect(t, &list);
	assert_int_equal(list.count, LINES);
	for (size_t i = 0; i + 1 < LINES; i++) {
		assert_int_equal(list.events[i].kind, EVENT_FREE);
		assert_int_equal(list.events[i].order, 10);
		assert_int_equal(list.events[i].line, i + 1);
	}
	assert_int_equal(list.events[LINES - 1].kind, EVENT_LOST);
	assert_int_equal(list.events[LINES - 1].count, 0);
	assert_int_equal(list.events[LINES - 1].line, LINES);
	assert_int_equal(trace_stats(t)->lines, LINES - 1);
	assert_non_null(trace_damage(t));
	assert_int_equal(trace_damage(t)->code, ERROR_CORRUPT);
	assert_int_equal(trace_damage(t)->line, LINES);
	assert_string_equal(trace_damage(t)->file, "cut");
	free(list.events);
	trace_close(t);
	free(packed);
	free(text);
}

/* Reads all there is; whatever an event says has to be in its range. */
static void read_any(const uint8_t *data, size_t len)
{
	struct error *err;
	struct trace *t;

	err = trace_open_bytes("any", data, len, NULL, &t);
	if (err) {
		error_destroy(err);
		return;
	}
	for (;;) {
		const struct event *events;
		size_t count;

		err = trace_next(t, &events, &count);
		if (err || !count)
			break;
		for (size_t i = 0; i < count; i++) {
			assert_true(events[i].kind < EVENT_KIND_COUNT);
			assert_true(events[i].line > 0);
			assert_non_null(trace_string(t, events[i].text));
		}
	}
	error_destroy(err);
	trace_close(t);
}

static void test_robust(void **state)
{
	(void)state;
	robust_truncate(read_any, sample, strlen(sample));
	robust_damage(read_any, sample, strlen(sample), 11, 3000);
}

/* How often lines of the text have this after the head. */
/* By lines, as the address sanitizer reads all that strstr and memmem may read, each time. */
static uint64_t count_lines(const struct input *text, const char *name)
{
	const uint8_t *p = text->data, *end = p + text->size;
	size_t len = strlen(name);
	uint64_t count = 0;

	while (p < end) {
		const uint8_t *line_end = memchr(p, '\n', (size_t)(end - p));
		const uint8_t *next = line_end ? line_end + 1 : end;

		if (memmem(p, (size_t)(next - p), name, len))
			count++;
		p = next;
	}
	return count;
}

static void count_capture(const char *dir, void *ctx)
{
	static const char *const names[] = {
		[EVENT_ALLOC] = ": mm_page_alloc: ",
		[EVENT_FREE] = ": mm_page_free: ",
		[EVENT_FREE_BATCHED] = ": mm_page_free_batched: ",
		[EVENT_ZONE_LOCKED] = ": mm_page_alloc_zone_locked: ",
		[EVENT_PCPU_DRAIN] = ": mm_page_pcpu_drain: ",
		[EVENT_EXTFRAG] = ": mm_page_alloc_extfrag: ",
		[EVENT_MARKER] = ": tracing_mark_write: ",
	};
	struct input_limits limits = { .bytes_max = (size_t)1 << 30 };
	unsigned int *traces = ctx;
	const struct trace_stats *stats;
	uint64_t sum = 0, last = 0;
	bool absent = true;
	struct input text;
	struct trace *t;
	char path[4096];

	check_ok(input_read_in(dir, "trace.txt.zst", &limits, &absent, &text));
	if (absent)
		return;
	(*traces)++;
	snprintf(path, sizeof(path), "%s/trace.txt.zst", dir);
	check_ok(trace_open(path, NULL, &t));
	for (;;) {
		const struct event *events;
		size_t count;

		check_ok(trace_next(t, &events, &count));
		if (!count)
			break;
		for (size_t i = 0; i < count; i++) {
			assert_true(events[i].line > last);
			last = events[i].line;
		}
	}
	stats = trace_stats(t);
	for (unsigned int kind = 0; kind < sizeof(names) / sizeof(names[0]); kind++) {
		uint64_t counted = count_lines(&text, names[kind]);

		if (stats->events[kind] != counted)
			fail_msg("%s: %llu events%s, %llu lines", dir,
				 (unsigned long long)stats->events[kind], names[kind],
				 (unsigned long long)counted);
		sum += counted;
	}
	assert_int_equal(stats->lines, count_lines(&text, "\n"));
	assert_int_equal(stats->lines, sum + stats->ignored);
	assert_int_equal(stats->bytes, text.size);
	assert_int_equal(stats->unknown + stats->damaged, 0);
	input_deinit(&text);
	trace_close(t);
}

static void count_all(const char *dir)
{
	unsigned int traces = 0;

	captures_each(dir, count_capture, &traces);
	assert_true(traces > 0);
}

/* ---- order of time ----------------------------------------------------------------------------- */

struct made {
	char text[1024 * 1024];
	size_t len;
};

static void put(struct made *m, uint32_t cpu, uint32_t time)
{
	int len = snprintf(m->text + m->len, sizeof(m->text) - m->len,
			   "init-1 [%03u] %u.%06u: mm_page_free: page=0x1 pfn=0x%x order=0\n", cpu,
			   time / 1000000, time % 1000000, time + 1);

	assert_true(len > 0 && (size_t)len < sizeof(m->text) - m->len);
	m->len += (size_t)len;
}

/* Both CPUs in turn, as the file "trace" has them. */
static void put_in_order(struct made *m)
{
	for (uint32_t i = 0; i < 1000; i++)
		put(m, i & 1, i);
}

/* CPU 1 is a little late. */
static void put_late(struct made *m)
{
	for (uint32_t i = 0; i < 1000; i += 20) {
		for (uint32_t j = 0; j < 10; j++)
			put(m, 0, i + 10 + j);
		for (uint32_t j = 0; j < 10; j++)
			put(m, 1, i + j);
	}
}

/* As the kernel finds its clock, it goes on from a time that has been. */
static void put_set_back(struct made *m)
{
	for (uint32_t i = 0; i < 117; i++)
		put(m, 0, i * 150);
	for (uint32_t i = 0; i < 883; i++)
		put(m, 0, 7000 + i * 100);
}

/* The file of one CPU behind that of the other. */
static void put_blocks(struct made *m)
{
	for (uint32_t i = 0; i < 500; i++)
		put(m, 0, i * 2);
	for (uint32_t i = 0; i < 500; i++)
		put(m, 1, i * 2 + 1);
}

/* Few lines, of which each is far from where it belongs. */
static void put_small_blocks(struct made *m)
{
	for (uint32_t cpu = 0; cpu < 2; cpu++)
		for (uint32_t i = 0; i < 40; i++)
			put(m, cpu, i);
}

/* More CPUs than are told apart: none is taken for another. */
static void put_many_cpus(struct made *m)
{
	for (uint32_t cpu = 0; cpu < 2000; cpu += 200)
		for (uint32_t i = 0; i < 200; i++)
			put(m, cpu, i * 10);
}

/* A recording behind a later one. */
static void put_joined(struct made *m)
{
	for (uint32_t i = 0; i < 500; i++)
		put(m, i & 1, 10000 + i);
	for (uint32_t i = 0; i < 500; i++)
		put(m, i & 1, i);
}

/* What was lost has no time, and is not where time runs backwards. */
static void put_losses(struct made *m)
{
	for (uint32_t i = 0; i < 1000; i++) {
		if (i % 2)
			m->len += (size_t)sprintf(m->text + m->len, "CPU:1 [LOST 5 EVENTS]\n");
		put(m, 0, i);
	}
}

static void test_order(void **state)
{
	static const struct {
		void (*put)(struct made *m);
		struct {
			uint64_t count, first;
			bool told;
		} own, others;
	} rows[] = {
		{ put_in_order, { 0, 0, false }, { 0, 0, false } },
		{ put_late, { 0, 0, false }, { 0, 0, false } },
		{ put_set_back, { 104, 118, false }, { 0, 0, false } },
		{ put_blocks, { 0, 0, false }, { 499, 501, true } },
		{ put_small_blocks, { 0, 0, false }, { 39, 41, true } },
		{ put_joined, { 500, 501, true }, { 0, 0, false } },
		{ put_many_cpus, { 0, 0, false }, { 1791, 201, true } },
		{ put_losses, { 0, 0, false }, { 0, 0, false } },
	};
	struct made *m = malloc(sizeof(*m));

	(void)state;
	assert_non_null(m);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct trace_stats *stats;
		struct trace *t;
		struct list list;

		m->len = 0;
		rows[i].put(m);
		check_ok(trace_open_bytes("made", m->text, m->len, NULL, &t));
		collect(t, &list);
		stats = trace_stats(t);
		assert_true(list.count >= 80 && !stats->damaged && !stats->unknown);
		assert_int_equal(stats->behind_own, rows[i].own.count);
		assert_int_equal(stats->first_behind_own_line, rows[i].own.first);
		assert_int_equal(trace_runs_backwards(t), rows[i].own.told);
		assert_int_equal(stats->behind_others, rows[i].others.count);
		assert_int_equal(stats->first_behind_others_line, rows[i].others.first);
		assert_int_equal(trace_is_disordered(t), rows[i].others.told);
		free(list.events);
		trace_close(t);
	}
	free(m);
}

/* How many of @list are behind, and which line is the first one, as the words beside trace_stats say it. */
static void look_behind(const struct list *list, uint64_t counts[2], uint64_t firsts[2])
{
	uint64_t newest = 0, newest_of[4] = { 0 }, ends[2] = { 0 };

	for (size_t i = 0; i < list->count; i++) {
		const struct event *e = &list->events[i];

		if (i % TRACE_ORDER_WINDOW == 0) {
			ends[0] = ends[1];
			ends[1] = newest;
		}
		if (e->time < ends[0]) {
			bool others = e->time >= newest_of[e->cpu];

			if (!counts[others]++)
				firsts[others] = e->line;
		}
		newest = max_u64(newest, e->time);
		newest_of[e->cpu] = max_u64(newest_of[e->cpu], e->time);
	}
}

/*
 * Stretches in order, of one CPU or of several, longer than what is read at once; where one ends, some events are
 * older, or time goes back.
 */
static void put_stretches(struct made *m, struct prng *prng)
{
	enum { STRETCH = 300, TURN = 48 };
	uint32_t time = 1000000, cpus = 1;

	m->len = 0;
	for (uint32_t i = 0; i < 30 * STRETCH; i++) {
		bool turns = i >= STRETCH && i % STRETCH < TURN && prng_below(prng, 4) == 0;

		if (i % STRETCH == TURN)
			cpus = (uint32_t)prng_below(prng, 4) + 1;
		time += (uint32_t)prng_below(prng, 20);
		if (turns && prng_below(prng, 8) == 0)
			time -= 300;
		put(m, (uint32_t)prng_below(prng, turns ? 4 : cpus),
		    turns ? time - (uint32_t)prng_below(prng, 600) : time);
	}
}

static void test_order_by_definition(void **state)
{
	struct made *m = malloc(sizeof(*m));
	struct prng prng = prng_init(7);

	(void)state;
	assert_non_null(m);
	for (unsigned int round = 0; round < 10; round++) {
		uint64_t counts[2] = { 0 }, firsts[2] = { 0 };
		const struct trace_stats *stats;
		struct trace *t;
		struct list list;

		put_stretches(m, &prng);
		check_ok(trace_open_bytes("made", m->text, m->len, NULL, &t));
		t->batch_room = prng_below(&prng, 200) + 1;
		collect(t, &list);
		look_behind(&list, counts, firsts);
		stats = trace_stats(t);
		assert_true(counts[0] && counts[1]);
		assert_int_equal(stats->behind_own, counts[0]);
		assert_int_equal(stats->first_behind_own_line, firsts[0]);
		assert_int_equal(stats->behind_others, counts[1]);
		assert_int_equal(stats->first_behind_others_line, firsts[1]);
		free(list.events);
		trace_close(t);
	}
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_flags_by_kernel),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_byte_order_mark),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_robust),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_order_by_definition),
		CAPTURES_TESTS(count_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
