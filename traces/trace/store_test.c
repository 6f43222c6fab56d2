/* SPDX-License-Identifier: MIT */
/*
 * A trace that was stored is the trace that it was stored from: the same events, strings and counts.
 */
#include "traces/trace/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sink.h"
#include "traces/capture.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"

static void store(struct trace *t, struct sink_text *ret, uint64_t *events_ret)
{
	struct mmtrace_writer *w;

	check_ok(mmtrace_writer_create(sink_to_text(ret), &w));
	check_ok(trace_store(t, w, events_ret));
	check_ok(mmtrace_write_end(w));
	mmtrace_writer_destroy(w);
}

static bool same_event(const struct event *a, const struct event *b)
{
	return a->pfn == b->pfn && a->time == b->time && a->line == b->line && a->gfp == b->gfp &&
	       a->pid == b->pid && a->text == b->text && a->cpu == b->cpu && a->kind == b->kind &&
	       a->order == b->order && a->migratetype == b->migratetype &&
	       a->fallback_order == b->fallback_order &&
	       a->fallback_migratetype == b->fallback_migratetype && a->flags == b->flags &&
	       a->context == b->context;
}

/* One event after the other, whatever batches a reader makes. */
struct pulled {
	struct trace *t;
	const struct event *events;
	size_t count, at;
};

static const struct event *pull(struct pulled *p)
{
	if (p->at == p->count) {
		check_ok(trace_next(p->t, &p->events, &p->count));
		p->at = 0;
	}
	return p->at < p->count ? &p->events[p->at++] : NULL;
}

/* Reads both to their ends; returns how many events there were.  @older: @b knew no contexts yet. */
static uint64_t check_same_but(struct trace *a, struct trace *b, bool older)
{
	struct pulled pa = { .t = a }, pb = { .t = b };
	const struct event *ea, *eb;
	uint64_t count = 0;

	do {
		ea = pull(&pa);
		eb = pull(&pb);
		assert_int_equal(!ea, !eb);
		if (!ea)
			break;
		struct event expected = *ea;

		expected.context = older ? 0 : ea->context;
		if (!same_event(&expected, eb))
			fail_msg("event %" PRIu64 " is another", count);
		if (strcmp(trace_string(a, ea->text), trace_string(b, eb->text)) != 0)
			fail_msg("event %" PRIu64 ": %s is %s", count, trace_string(a, ea->text),
				 trace_string(b, eb->text));
		count++;
	} while (true);
	assert_memory_equal(trace_stats(a), trace_stats(b), sizeof(struct trace_stats));
	assert_null(trace_damage(b));
	return count;
}

static uint64_t check_same(struct trace *a, struct trace *b)
{
	return check_same_but(a, b, false);
}

/* ---- an example ---- */

static const char example[] =
	"# tracer: nop\n"
	"#\n"
	"# entries-in-buffer/entries-written: 9/12   #P:2\n"
	"          <idle>-0     [000] d..4.     0.000000: mm_page_alloc_zone_locked: page=(____ptrval____) pfn=0x52ef order=0 migratetype=0 percpu_refill=1\n"
	"          <idle>-0     [000] d..1.     0.000001: mm_page_alloc: page=(____ptrval____) pfn=0x52ef order=0 migratetype=0 gfp_flags=GFP_KERNEL|__GFP_ZERO\n"
	"            init-1     [001] .....     0.000003: tracing_mark_write: SNAP boot begin\n"
	"            init-1     [001] .....     0.000009: mm_page_alloc: page=(null) pfn=0x0 order=9 migratetype=1 gfp_flags=GFP_NOWAIT|__GFP_NOWARN\n"
	"what is this\n"
	"            init-1     [001] d..2.     0.000012: mm_page_alloc_extfrag: page=(____ptrval____) pfn=0x7e00 alloc_order=0 fallback_order=3 pageblock_order=9 alloc_migratetype=1 fallback_migratetype=0 fragmenting=1 change_ownership=0\n"
	"CPU:1 [LOST 53 EVENTS]\n"
	"            init-1     [001] .....     0.000090: mm_page_free: page=(____ptrval____) pfn=0x52ef order=0\n"
	"            init-1     [001] .....     0.000090: mm_page_free_batched: page=(____ptrval____) pfn=0x52ef\n"
	"            init-1     [001] .....     0.000085: mm_page_pcpu_drain: page=(____ptrval____) pfn=0x52ef order=0 migratetype=0\n"
	"            init-1     [001] .....     0.000100: sched_switch: prev_comm=init\n";

static void test_example(void **state)
{
	struct trace *text, *again, *stored;
	struct sink_text file = { 0 };
	uint64_t events;

	(void)state;
	check_ok(trace_open_bytes("text", example, sizeof(example) - 1, NULL, &text));
	check_ok(trace_open_bytes("text", example, sizeof(example) - 1, NULL, &again));
	store(text, &file, &events);
	assert_true(events >= 10);
	check_ok(trace_open_bytes("file", file.data, file.len, NULL, &stored));
	assert_int_equal(check_same(again, stored), events);
	assert_int_equal(trace_stats(stored)->unknown, 1);
	assert_int_equal(trace_stats(stored)->first_unknown_line, 8);
	assert_int_equal(trace_stats(stored)->overwritten, 3);
	assert_int_equal(trace_stats(stored)->bytes, sizeof(example) - 1);
	trace_close(text);
	trace_close(again);
	trace_close(stored);
	sink_text_deinit(&file);
}

/* A block that is damaged: its events are lost, the damage is counted and told. */
static void test_damage(void **state)
{
	const struct event *events;
	struct trace *text, *stored;
	struct sink_text file = { 0 };
	struct mmtrace_reader *r;
	struct mmtrace_block block;
	uint64_t total;
	size_t count;

	(void)state;
	check_ok(trace_open_bytes("text", example, sizeof(example) - 1, NULL, &text));
	store(text, &file, &total);
	check_ok(mmtrace_reader_create_bytes(file.data, file.len, "file", &r));
	while (mmtrace_next(r, &block) && block.type != MMTRACE_EVENTS)
		;
	file.data[block.offset + 45] ^= 1;
	check_ok(trace_open_bytes("file", file.data, file.len, NULL, &stored));
	check_ok(trace_next(stored, &events, &count));
	assert_int_equal(count, 1);
	assert_int_equal(events[0].kind, EVENT_LOST);
	assert_int_equal(events[0].count, total);
	check_ok(trace_next(stored, &events, &count));
	assert_int_equal(count, 0);
	assert_int_equal(trace_stats(stored)->events[EVENT_LOST], 1);
	assert_int_equal(trace_stats(stored)->damaged, 1);
	assert_int_equal(trace_damage(stored)->block, block.number);
	mmtrace_reader_destroy(r);
	trace_close(text);
	trace_close(stored);
	sink_text_deinit(&file);
}

/* Puts @file on disk below the test's own folder. */
static const char *put_file(const char *name, const struct sink_text *file)
{
	static char path[4096];
	const char *dir = getenv("TEST_TMPDIR");
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : "/tmp", name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(file->data, 1, file->len, f), file->len);
	assert_int_equal(fclose(f), 0);
	return path;
}

static void test_seek(void **state)
{
	const struct event *events;
	struct trace *text, *stored;
	struct sink_text file = { 0 };
	uint64_t total;
	size_t count;

	(void)state;
	check_ok(trace_open_bytes("text", example, sizeof(example) - 1, NULL, &text));
	check_error(trace_seek(text, 1), ERROR_UNSUPPORTED, 0, 0);
	check_error(trace_seek_time(text, 1), ERROR_UNSUPPORTED, 0, 0);
	store(text, &file, &total);
	check_ok(trace_open(put_file("seek.mmtrace", &file), NULL, &stored));
	/* To the end first, so that the way back is one too. */
	do {
		check_ok(trace_next(stored, &events, &count));
	} while (count);
	check_ok(trace_seek(stored, 2));
	check_ok(trace_next(stored, &events, &count));
	assert_int_equal(count, total - 2);
	assert_int_equal(events[0].kind, EVENT_MARKER);
	assert_string_equal(trace_string(stored, events[0].text), "SNAP boot begin");
	check_ok(trace_seek_time(stored, 10000));
	check_ok(trace_next(stored, &events, &count));
	assert_int_equal(events[0].kind, EVENT_EXTFRAG);
	assert_int_equal(events[0].time, 12000);
	check_ok(trace_seek(stored, total));
	check_ok(trace_next(stored, &events, &count));
	assert_int_equal(count, 0);
	trace_close(text);
	trace_close(stored);
	sink_text_deinit(&file);
}

/* ---- a file of the first days ---- */

static void test_golden(void **state)
{
	struct trace *text, *stored;

	(void)state;
	check_ok(trace_open_bytes("text", example, sizeof(example) - 1, NULL, &text));
	check_ok(trace_open("traces/testdata/store/events.mmtrace", NULL, &stored));
	check_same_but(text, stored, true);
	trace_close(text);
	trace_close(stored);
}

/* ---- captures ---- */

static void visit(const char *path, void *ctx)
{
	uint64_t *total = ctx, events;
	struct sink_text file = { 0 };
	struct trace_options options = { 0 };
	struct boot_log log = { 0 };
	struct trace *text, *stored;
	char *trace;

	check_ok(capture_trace_path(path, &trace));
	if (!trace)
		return;
	check_ok(capture_read(path, &log));
	options.facts = &log.input.facts;
	check_ok(trace_open(trace, &options, &text));
	store(text, &file, &events);
	trace_close(text);
	check_ok(trace_open(trace, &options, &text));
	check_ok(trace_open_bytes(path, file.data, file.len, NULL, &stored));
	assert_int_equal(check_same(text, stored), events);
	assert_true(events > 0);
	print_message("%s: %" PRIu64 " events, %zu bytes\n", path, events, file.len);
	/* What the format promises; real traces take less than a third of it. */
	assert_true(file.len <= 3 * events);
	*total += events;
	trace_close(text);
	trace_close(stored);
	boot_log_deinit(&log);
	sink_text_deinit(&file);
	free(trace);
}

static void store_all(const char *dir)
{
	uint64_t total = 0;

	captures_each(dir, visit, &total);
	assert_true(total > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example), cmocka_unit_test(test_damage),
		cmocka_unit_test(test_seek),	cmocka_unit_test(test_golden),
		CAPTURES_TESTS(store_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
