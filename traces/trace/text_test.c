/* SPDX-License-Identifier: MIT */
/*
 * Tests of lines of traces: each tool's layout of the same event, names of tasks that look like
 * something else, each event's fields, and lines that are none.
 */
#include <stdio.h>
#include <string.h>

#include "traces/testing/check.h"
#include "traces/trace/text.h"

static enum text_class parse(const char *line, struct text_line *ret)
{
	return text_line_parse(line, line + strlen(line), ret);
}

static void check_str(struct scan_str got, const char *expected)
{
	char copy[256];

	assert_true(got.len < sizeof(copy));
	if (got.len)
		memcpy(copy, got.p, got.len);
	copy[got.len] = '\0';
	assert_string_equal(copy, expected);
}

static void test_layouts(void **state)
{
	static const struct {
		const char *line;
		const char *comm;
		int pid, cpu;
		uint64_t time;
	} cases[] = {
#define FREE "mm_page_free: page=ffffd1b840283500 pfn=41172 order=3"
		/* ftrace: 2.6.32, 5.10, 6.1 and later */
		{ "            init-1     [001]     1.721010: " FREE, "init", 1, 1, 1721010000 },
		{ "            init-1       [001] ....     1.721010: " FREE, "init", 1, 1,
		  1721010000 },
		{ "            init-1       [001] d..1.     1.721010: " FREE, "init", 1, 1,
		  1721010000 },
		{ "          <idle>-0       [000] dNs6. 12345.000001: " FREE, "<idle>", 0, 0,
		  12345000001000 },
		{ "           <...>-4194303 [127] bLZff     0.000009: " FREE, "<...>", 4194303, 127,
		  9000 },
		/* the counter clock, and nanoseconds of trace-cmd */
		{ "          <idle>-0       [000] d..4.            3: " FREE, "<idle>", 0, 0, 3 },
		{ "          <idle>-0       [000] d..4.  1.000000003: " FREE, "<idle>", 0, 0,
		  1000000003 },
		/* the option record-tgid */
		{ "            init-1       (      1) [001] d..1.     1.721010: " FREE, "init", 1,
		  1, 1721010000 },
		{ "            init-17      (-------) [001] d..1.     1.721010: " FREE, "init", 17,
		  1, 1721010000 },
		/* the option latency-format, and that with verbose */
		{ "    init-1         1d..2.   12us+: " FREE, "init", 1, 1, 12000 },
		{ "  <idle>-0         0.....   12us : " FREE, "<idle>", 0, 0, 12000 },
		{ "    init-1         1d..2.   12: " FREE, "init", 1, 1, 12 },
		{ "            init       1   0 1 00000001 0000002a [00001f3a] 7.994ms (+0.001ms): " FREE,
		  "init", 1, 0, 7994000 },
		{ "            init       1   2 1 00000001 0000002a [0000000000001f3a] 7994 (+1): " FREE,
		  "init", 1, 2, 7994 },
		{ "    init-1         1d..2.    1.721010: " FREE, "init", 1, 1, 1721010000 },
		/* comments in a function graph */
		{ "   1)               |  /* " FREE " */", "", -1, 1, 0 },
		{ "     1.721010 |   1)               |  /* " FREE " */", "", -1, 1, 1721010000 },
		/* trace-cmd report */
		{ "            init-1     [001]     1.721010: mm_page_free:         "
		  "page=0xffffd1b840283500 pfn=41172 order=3",
		  "init", 1, 1, 1721010000 },
		{ "            init-1     [001] d..2     1.721010: mm_page_free:         page=0x1 "
		  "pfn=0xa0d4 order=3",
		  "init", 1, 1, 1721010000 },
		/* perf script */
		{ "            init     1 [001]     1.721010: kmem:" FREE, "init", 1, 1,
		  1721010000 },
		{ "            init     1/17    [001]     1.721010:          1 kmem:" FREE, "init",
		  17, 1, 1721010000 },
		{ "init     1 [001]     1.721010:       kmem:mm_page_free: [FAILED TO PARSE] pfn=41172 "
		  "order=3",
		  "init", 1, 1, 1721010000 },
		{ "             :-1    -1 [001]     1.721010: kmem:" FREE, ":-1", -1, 1,
		  1721010000 },
		/* names of tasks */
		{ " kworker/u4:2+ev-17      [001] .....     1.721010: " FREE, "kworker/u4:2+ev", 17,
		  1, 1721010000 },
		{ "   Web Content 7-17      [001] .....     1.721010: " FREE, "Web Content 7", 17,
		  1, 1721010000 },
		{ "     x-5 [002] y-17      [001] .....     1.721010: " FREE, "x-5 [002] y", 17, 1,
		  1721010000 },
		{ "  a-5 [0] 1.0: b-17      [001] .....     1.721010: " FREE, "a-5 [0] 1.0: b", 17,
		  1, 1721010000 },
		{ "            (x)]-17      [001] .....     1.721010: " FREE, "(x)]", 17, 1,
		  1721010000 },
		{ "                -17      [001] .....     1.721010: " FREE, "", 17, 1,
		  1721010000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text_line line;

		if (parse(cases[i].line, &line) != TEXT_EVENT)
			fail_msg("not understood: %s", cases[i].line);
		check_str(line.comm, cases[i].comm);
		assert_int_equal(line.event.kind, EVENT_FREE);
		assert_int_equal(line.event.pid, cases[i].pid);
		assert_int_equal(line.event.cpu, cases[i].cpu);
		assert_int_equal(line.event.time, cases[i].time);
		assert_int_equal(line.event.pfn, 41172);
		assert_int_equal(line.event.order, 3);
	}
}

/* What the flags between "[CPU]" and the time tell, in each layout that has them. */
static void test_context(void **state)
{
	enum { TOLD = EVENT_CONTEXT_TOLD, INTERRUPT = EVENT_CONTEXT_INTERRUPT };
	static const struct {
		const char *line;
		unsigned int context;
	} cases[] = {
		{ "            init-1     [001]     1.721010: " FREE, 0 },
		{ "            init-1       [001] ....     1.721010: " FREE, TOLD },
		{ "            init-1       [001] d..1     1.721010: " FREE, TOLD | 1 << 4 },
		{ "            init-1       [001] .ls2.     1.721010: " FREE,
		  TOLD | INTERRUPT | 2 << 4 },
		{ "            init-1       [001] dNh..     1.721010: " FREE, TOLD | INTERRUPT },
		{ "            init-1       [001] d.Hf3     1.721010: " FREE,
		  TOLD | INTERRUPT | 15 << 4 },
		{ "            init-1       [001] d.Z.3     1.721010: " FREE,
		  TOLD | INTERRUPT | 3 << 4 },
		{ "            init-1       [001] d..12     1.721010: " FREE, TOLD | 3 << 4 },
		/* PREEMPT_RT of 6.1: lazy preemption has two columns. */
		{ "            init-1       [001] ....213     1.721010: " FREE, TOLD | 5 << 4 },
		{ "            init-1       [001] d..H...     1.721010: " FREE, TOLD | INTERRUPT },
		{ "    init-1         1d.s2.   12us+: " FREE, TOLD | INTERRUPT | 2 << 4 },
		{ "            init       1   0 1 00000001 0000002a [00001f3a] 7.994ms (+0.001ms): " FREE,
		  0 },
		{ "   1)               |  /* " FREE " */", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text_line line;

		assert_int_equal(parse(cases[i].line, &line), TEXT_EVENT);
		assert_int_equal(line.event.context, cases[i].context);
	}
}

#define HEAD "            init-1       [001] d..1.     1.721010: "

static void test_events(void **state)
{
	struct text_line line;

	(void)state;
	assert_int_equal(
		parse(HEAD "mm_page_alloc: page=(____ptrval____) pfn=0x3feaf order=4 migratetype=1 "
			   "gfp_flags=GFP_KERNEL|__GFP_ZERO",
		      &line),
		TEXT_EVENT);
	assert_int_equal(line.event.kind, EVENT_ALLOC);
	assert_int_equal(line.event.pfn, 0x3feaf);
	assert_int_equal(line.event.order, 4);
	assert_int_equal(line.event.migratetype, 1);
	check_str(line.gfp, "GFP_KERNEL|__GFP_ZERO");

	assert_int_equal(parse(HEAD
			       "mm_page_free_batched: page=ffffd1b840283500 pfn=7 order=0 cold=1",
			       &line),
			 TEXT_EVENT);
	assert_int_equal(line.event.kind, EVENT_FREE_BATCHED);
	assert_int_equal(line.event.flags, EVENT_COLD);

	assert_int_equal(parse(HEAD "mm_pagevec_free: page=ffffd1b840283500 pfn=7 order=0 cold=0",
			       &line),
			 TEXT_EVENT);
	assert_int_equal(line.event.kind, EVENT_FREE_BATCHED);
	assert_int_equal(line.event.flags, 0);

	assert_int_equal(parse(HEAD "mm_page_free_direct: page=ffffd1b840283500 pfn=7 order=2",
			       &line),
			 TEXT_EVENT);
	assert_int_equal(line.event.kind, EVENT_FREE);

	assert_int_equal(
		parse(HEAD "mm_page_alloc_zone_locked: page=(____ptrval____) pfn=0x5328 order=1 "
			   "migratetype=2 percpu_refill=1",
		      &line),
		TEXT_EVENT);
	assert_int_equal(line.event.kind, EVENT_ZONE_LOCKED);
	assert_int_equal(line.event.migratetype, 2);
	assert_int_equal(line.event.flags, EVENT_PERCPU_REFILL);

	/* A raw record lacks what the format computes. */
	assert_int_equal(
		parse(HEAD
		      "mm_page_alloc_zone_locked: [FAILED TO PARSE] pfn=7 order=0 migratetype=2",
		      &line),
		TEXT_EVENT);
	assert_int_equal(line.event.flags, EVENT_PERCPU_REFILL);
	assert_int_equal(
		parse(HEAD
		      "mm_page_alloc_zone_locked: [FAILED TO PARSE] pfn=7 order=1 migratetype=2",
		      &line),
		TEXT_EVENT);
	assert_int_equal(line.event.flags, 0);

	assert_int_equal(parse(HEAD "mm_page_pcpu_drain: page=(____ptrval____) pfn=0x5328 order=1 "
				    "migratetype=2",
			       &line),
			 TEXT_EVENT);
	assert_int_equal(line.event.kind, EVENT_PCPU_DRAIN);
	assert_int_equal(line.event.migratetype, 2);

	assert_int_equal(
		parse(HEAD "mm_page_alloc_extfrag: page=(____ptrval____) pfn=0x5400 alloc_order=1 "
			   "fallback_order=10 pageblock_order=9 alloc_migratetype=2 "
			   "fallback_migratetype=1 fragmenting=0 change_ownership=1",
		      &line),
		TEXT_EVENT);
	assert_int_equal(line.event.kind, EVENT_EXTFRAG);
	assert_int_equal(line.event.order, 1);
	assert_int_equal(line.event.fallback_order, 10);
	assert_int_equal(line.event.migratetype, 2);
	assert_int_equal(line.event.fallback_migratetype, 1);
	assert_int_equal(line.event.flags, EVENT_CHANGE_OWNERSHIP);

	assert_int_equal(parse(HEAD "tracing_mark_write: SNAP a: b=c  ", &line), TEXT_EVENT);
	assert_int_equal(line.event.kind, EVENT_MARKER);
	check_str(line.text, "SNAP a: b=c  ");
	assert_int_equal(parse(HEAD "print:                tracing_mark_write: SNAP", &line),
			 TEXT_EVENT);
	assert_int_equal(line.event.kind, EVENT_MARKER);
	check_str(line.text, "SNAP");
	assert_int_equal(parse(HEAD "print:                0xffffffff8149ab1a: SNAP", &line),
			 TEXT_EVENT);
	check_str(line.text, "SNAP");

	assert_int_equal(parse(HEAD "cma_alloc: pfn=100 page=ffff0000 count=16 align=4", &line),
			 TEXT_EVENT);
	assert_int_equal(line.event.kind, EVENT_CMA_ALLOC);
	assert_int_equal(line.event.pfn, 0x100);
	assert_int_equal(line.event.count, 16);
	assert_int_equal(
		parse(HEAD "cma_alloc: pfn=ffffffffffffffff page=          (null) count=16 align=4",
		      &line),
		TEXT_EVENT);
	assert_int_equal(line.event.pfn, PFN_NONE);
	assert_int_equal(parse(HEAD
			       "cma_alloc_finish: name=reserved pfn=0x100 page=(____ptrval____) "
			       "count=16 align=4 errorno=-16",
			       &line),
			 TEXT_EVENT);
	assert_int_equal(line.event.pfn, PFN_NONE);
	assert_int_equal(parse(HEAD
			       "cma_release: name=reserved pfn=0x40 page=(____ptrval____) count=2",
			       &line),
			 TEXT_EVENT);
	assert_int_equal(line.event.kind, EVENT_CMA_RELEASE);
	assert_int_equal(line.event.pfn, 0x40);

	assert_int_equal(parse(HEAD "mm_vmscan_kswapd_wake: nid=0 order=3", &line), TEXT_EVENT);
	assert_int_equal(line.event.kind, EVENT_OTHER);
	check_str(line.text, "mm_vmscan_kswapd_wake");
	assert_int_equal(parse(HEAD "cma_alloc_start: name=x count=1 align=0", &line), TEXT_EVENT);
	assert_int_equal(line.event.kind, EVENT_OTHER);
	assert_int_equal(parse(HEAD "schedule <-do_idle", &line), TEXT_EVENT);
	assert_int_equal(line.event.kind, EVENT_OTHER);
	check_str(line.text, "schedule");
}

static void test_no_page(void **state)
{
	static const struct {
		const char *page_pfn;
		bool none;
	} cases[] = {
		{ "page=          (null) pfn=0", true },
		{ "page=(null) pfn=6148914691236517205", true },
		{ "page=0000000000000000 pfn=0", true },
		{ "page=0000000000000000 pfn=0x0", true },
		{ "page=00000000 pfn=0x0", true },
		{ "page=(nil) pfn=0x0", true },
		{ "page=0x0 pfn=0", true },
		{ "pfn=18446744073709551615", true },
		{ "page=0xffff pfn=0xffffffffffffffff", true },
		{ "pfn=4294967295", true },
		{ "pfn=-1", true },
		/* The first page frame, and pointers that a tool could not compute. */
		{ "page=(____ptrval____) pfn=0x0", false },
		{ "page=(nil) pfn=0x12", false },
		{ "page=0 pfn=0x12", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];
		struct text_line line;

		snprintf(text, sizeof(text),
			 HEAD "mm_page_alloc: %s order=0 migratetype=0 gfp_flags=none",
			 cases[i].page_pfn);
		if (parse(text, &line) != TEXT_EVENT ||
		    (line.event.pfn == PFN_NONE) != cases[i].none)
			fail_msg("%s", text);
	}
}

/* A page that is freed is there, whatever number it has; 2^64 - 1 is PFN_NONE itself. */
static void test_frees_have_pages(void **state)
{
	static const char *const names[] = { "mm_page_free", "mm_page_free_batched",
					     "mm_page_pcpu_drain" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[256];
		struct text_line line;

		snprintf(text, sizeof(text),
			 HEAD "%s: page=(____ptrval____) pfn=0xffffffff order=0 migratetype=1",
			 names[i]);
		assert_int_equal(parse(text, &line), TEXT_EVENT);
		assert_int_equal(line.event.pfn, UINT32_MAX);
		assert_true(event_has_page(&line.event));
		snprintf(text, sizeof(text),
			 HEAD
			 "%s: page=(____ptrval____) pfn=0xffffffffffffffff order=0 migratetype=1",
			 names[i]);
		assert_int_equal(parse(text, &line), TEXT_EVENT);
		assert_int_equal(line.event.pfn, UINT64_MAX);
		assert_true(event_has_page(&line.event));
	}
}

static void test_other_lines(void **state)
{
	static const struct {
		const char *line;
		enum text_class class;
	} cases[] = {
		{ "", TEXT_IGNORED },
		{ "  \r", TEXT_IGNORED },
		{ "# tracer: nop", TEXT_IGNORED },
		{ "##### CPU 2 buffer started ####", TEXT_IGNORED },
		{ "cpus=2", TEXT_IGNORED },
		{ "CPU 1 is empty", TEXT_IGNORED },
		{ " => __alloc_pages", TEXT_IGNORED },
		{ "\tffffffff811a2b3c __alloc_pages+0x2c ([kernel.kallsyms])", TEXT_IGNORED },
		{ "   1)   0.131 us    |      __next_zones_zonelist();", TEXT_IGNORED },
		{ "   1)               |  /* mm_page_free: page=ff pfn=1 */", TEXT_DAMAGED },
		{ "\t               1 [unknown] ([unknown])", TEXT_IGNORED },
		{ "hello", TEXT_UNKNOWN },
		{ "[    0.000000] Linux version 6.1.0", TEXT_UNKNOWN },
		{ "CPU:0 [LOST 12 SHOES]", TEXT_UNKNOWN },
		{ "CPU:70000 [LOST 12 EVENTS]", TEXT_UNKNOWN },
		{ "CPU:0[LOST 12 EVENTS]", TEXT_UNKNOWN },
		{ "[LOST 12 SHOES]", TEXT_UNKNOWN },
		{ HEAD "PERF_RECORD_LOST lost many", TEXT_EVENT },
		{ HEAD, TEXT_UNKNOWN },
		{ "            init-1       [001] d..1.     1.721010 mm_page_free: pfn=1 order=0",
		  TEXT_UNKNOWN },
		{ "            init-1       [70000] d..1.     1.721010: mm_page_free: pfn=1 order=0",
		  TEXT_UNKNOWN },
		/* Cut off, and with impossible values. */
		{ HEAD "mm_page_free", TEXT_DAMAGED },
		{ HEAD "mm_page_free:", TEXT_DAMAGED },
		{ HEAD "mm_page_free: page=ffffd1b840283500 pfn=41172", TEXT_DAMAGED },
		{ HEAD "mm_page_free: page=ffffd1b840283500 pfn=41172 order=", TEXT_DAMAGED },
		{ HEAD "mm_page_free: page=ffffd1b840283500 pfn=41x72 order=0", TEXT_DAMAGED },
		{ HEAD "mm_page_free: page=ffffd1b840283500 pfn=0x order=0", TEXT_DAMAGED },
		{ HEAD "mm_page_free: page=ffffd1b840283500 pfn=41172 order=256", TEXT_DAMAGED },
		{ HEAD "mm_page_free: page=x pfn=99999999999999999999 order=0", TEXT_DAMAGED },
		{ HEAD "mm_page_alloc: page=x pfn=1 order=0 migratetype=0", TEXT_DAMAGED },
		{ HEAD "mm_page_alloc: page=x pfn=1 order=0 migratetype=0 gfp_flags=",
		  TEXT_DAMAGED },
		{ HEAD "mm_page_alloc: page=x pfn=1 order=0 migratetype=-1 gfp_flags=none",
		  TEXT_DAMAGED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text_line line;

		if (parse(cases[i].line, &line) != cases[i].class)
			fail_msg("\"%s\" is %d", cases[i].line, parse(cases[i].line, &line));
	}
}

/* Lines that a mail or a program's comment quotes. */
static void test_quoted(void **state)
{
	static const char event[] =
		"  <...>-187168 [003] 14540.343835: mm_page_free: page=0x3070e0 pfn=0x42 order=1";
	static const char *const quotes[] = { "", "> ", ">> > ", "\t// ", " * ", "# ", "\t# > " };
	struct text_line got;
	char line[256];

	(void)state;
	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
		int len = snprintf(line, sizeof(line), "%s%s", quotes[i], event);

		assert_int_equal(text_line_parse(line, line + len, &got), TEXT_EVENT);
		assert_int_equal(got.event.kind, EVENT_FREE);
		assert_int_equal(got.event.pfn, 0x42);
		assert_int_equal(got.event.cpu, 3);
		assert_int_equal(got.event.pid, 187168);
		check_str(got.comm, "<...>");
		len = snprintf(line, sizeof(line), "%s => free_pcp_prepare", quotes[i]);
		assert_int_equal(text_line_parse(line, line + len, &got), TEXT_IGNORED);
		len = snprintf(
			line, sizeof(line),
			"%s1287587.105144 |   1)    |  /* mm_page_free: page=1 pfn=0x42 order=1 */",
			quotes[i]);
		assert_int_equal(text_line_parse(line, line + len, &got), TEXT_EVENT);
		assert_int_equal(got.event.pfn, 0x42);
		assert_int_equal(got.event.cpu, 1);
	}
	/* Of others a comment is no event, but a quote is. */
	snprintf(line, sizeof(line), "# a-1 [000] 1.0: sched_switch: x");
	assert_int_equal(text_line_parse(line, line + strlen(line), &got), TEXT_IGNORED);
	snprintf(line, sizeof(line), "> a-1 [000] 1.0: sched_switch: x");
	assert_int_equal(text_line_parse(line, line + strlen(line), &got), TEXT_EVENT);
	snprintf(line, sizeof(line), "> # entries-in-buffer/entries-written: 140/150   #P:2");
	assert_int_equal(text_line_parse(line, line + strlen(line), &got), TEXT_IGNORED);
	assert_int_equal(got.overwritten, 10);
	/* A heading is nothing to be damaged. */
	snprintf(line, sizeof(line), "# mm_page_free: 12");
	assert_int_equal(text_line_parse(line, line + strlen(line), &got), TEXT_IGNORED);
}

/* Events of which nothing tells the CPU. */
static void test_bare(void **state)
{
	static const struct {
		const char *line;
		enum text_class class;
	} cases[] = {
		{ "  mm_page_alloc:  page=0x1 pfn=0x1 order=0 migratetype=1 gfp_flags=0x140cca",
		  TEXT_DAMAGED },
		{ "kmem:mm_page_free: page=0x1 pfn=0x1 order=0", TEXT_DAMAGED },
		{ "mm_page_free page=0x1 pfn=0x1 order=0", TEXT_UNKNOWN },
		{ "print: SNAP 1 begin", TEXT_UNKNOWN },
		{ "kmem:kmalloc: ptr=1", TEXT_UNKNOWN },
		{ "kmem:", TEXT_UNKNOWN },
		{ " 24)               |  /* mm_page_alloc: page=0 pfn=0", TEXT_DAMAGED },
		{ " 24)               |  /* memlatency: lat=3", TEXT_IGNORED },
	};
	struct text_line got;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(text_line_parse(cases[i].line,
						 cases[i].line + strlen(cases[i].line), &got),
				 cases[i].class);
}

static void test_lost(void **state)
{
	static const struct {
		const char *line;
		unsigned int count;
	} cases[] = {
		{ "CPU:3 [LOST 12 EVENTS]", 12 },
		{ "CPU:3 [LOST EVENTS]", 0 },
		{ "CPU:3 [12 EVENTS DROPPED]", 12 },
		{ "CPU:3 [EVENTS DROPPED]\r", 0 },
		{ "CPU:3 [LOST 99999999999 EVENTS]", UINT32_MAX },
	};
	struct text_line line;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(cases[i].line, &line), TEXT_LOST);
		assert_int_equal(line.event.kind, EVENT_LOST);
		assert_int_equal(line.event.cpu, 3);
		assert_int_equal(line.event.count, cases[i].count);
	}
	assert_int_equal(parse("[LOST 12 EVENTS]", &line), TEXT_LOST);
	assert_int_equal(line.event.count, 12);
	assert_int_equal(line.event.cpu, 0);
	assert_int_equal(parse("perf  6429 [002]    22.498450: PERF_RECORD_LOST lost 12", &line),
			 TEXT_LOST);
	assert_int_equal(line.event.kind, EVENT_LOST);
	assert_int_equal(line.event.count, 12);
	assert_int_equal(line.event.cpu, 2);
	assert_int_equal(parse("perf  6429 [002]    22.498450: PERF_RECORD_LOST_SAMPLES lost 5 ",
			       &line),
			 TEXT_LOST);
	assert_int_equal(line.event.count, 5);
	assert_int_equal(parse("# entries-in-buffer/entries-written: 140/150   #P:2", &line),
			 TEXT_IGNORED);
	assert_int_equal(line.overwritten, 10);
	assert_int_equal(parse("# entries-in-buffer/entries-written: 150/140   #P:2", &line),
			 TEXT_IGNORED);
	assert_int_equal(line.overwritten, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_no_page),
		cmocka_unit_test(test_frees_have_pages),
		cmocka_unit_test(test_other_lines),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_quoted),
		cmocka_unit_test(test_bare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
