/* SPDX-License-Identifier: MIT */
/*
 * Any bytes are read as a trace, in whatever form they seem to be in, and what is handed out is what is
 * counted.  There is a target for each form, as an input hardly ever turns from one into another.
 */
#include "traces/trace/trace.h"

#include <string.h>

#include "engine/gfp.h"
#include "fuzz/targets/import_state.h"

/* Names of flags, which would be made for each input anew. */
struct state {
	struct gfp_table gfp;
};

static void *create(const struct target_settings *settings)
{
	struct state *s = calloc(1, sizeof(*s));
	struct facts facts;

	if (!s)
		return NULL;
	facts_init(&facts, settings->version ? settings->version : eras[era_count - 1].version);
	gfp_table_init(&s->gfp, &facts);
	return s;
}

static void destroy(void *state)
{
	free(state);
}

static const char *const text_seeds[] = {
	"# tracer: nop\n#\n"
	"            bash-77      [000] d..1.     1.000001: mm_page_alloc: page=0xffff pfn=0x1000 order=0 "
	"migratetype=0 gfp_flags=GFP_KERNEL|__GFP_ZERO\n"
	"            bash-77      [000] d..1.     1.000002: mm_page_free: page=0xffff pfn=0x1000 order=0\n"
	"            bash-77      [000] d..1.     1.000003: mm_page_alloc_zone_locked: page=0xffff "
	"pfn=0x2000 order=0 migratetype=1 percpu_refill=1\n"
	"            bash-77      [000] .....     1.000004: tracing_mark_write: SNAP boot begin\n",
	"bash    77 [000]     1.000001: kmem:mm_page_alloc: page=(nil) pfn=0 order=0 migratetype=0 "
	"gfp_flags=GFP_NOWAIT\n",
	"cpus=2\n  bash-77  [001]  1.000001: mm_page_pcpu_drain: page=0x1 pfn=1 order=0 migratetype=2\n"
	"CPU:1 [LOST 55 EVENTS]\n",
	NULL
};
static const char *const no_seeds[] = { NULL };

static const char *const words[] = { "mm_page_alloc: ",
				     "mm_page_free: ",
				     "mm_page_alloc_zone_locked: ",
				     "mm_page_alloc_extfrag: ",
				     "mm_page_pcpu_drain: ",
				     "tracing_mark_write: ",
				     " pfn=0x",
				     " order=",
				     " migratetype=",
				     " gfp_flags=GFP_KERNEL",
				     "|__GFP_ZERO",
				     "[LOST 5 EVENTS]",
				     "kmem:",
				     "[000]",
				     NULL };

static void run(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	const struct state *s = state;
	const struct trace_options options = { .gfp = &s->gfp };
	const struct event *events;
	const struct trace_stats *stats;
	uint64_t handed = 0, counted = 0;
	struct trace *t;
	struct error *err = trace_open_bytes("input", data, size, &options, &t);
	size_t count = 1;

	if (err) {
		import_refuse(err, report);
		return;
	}
	while (!err && count) {
		err = trace_next(t, &events, &count);
		for (size_t i = 0; !err && i < count; i++)
			trace_string(t, events[i].text);
		handed += err ? 0 : count;
	}
	stats = trace_stats(t);
	for (unsigned int k = 0; k < EVENT_KIND_COUNT; k++) {
		counted += stats->events[k];
		import_count(k, stats->events[k], report);
	}
	if (!err && counted != handed)
		target_report_add(report, "trace-count", "%llu events are handed out, %llu counted",
				  (unsigned long long)handed, (unsigned long long)counted);
	import_count(100, stats->unknown, report);
	import_count(101, stats->damaged, report);
	import_count(102, stats->ignored, report);
	trace_close(t);
	import_refuse(err, report);
}

/* What does not begin as a file of its form would be read as text, which has a target of its own. */
static void run_beginning(void *state, const char *head, size_t head_size, const uint8_t *data,
			  size_t size, struct target_report *report)
{
	report->refused = size < head_size || memcmp(data, head, head_size) != 0;
	if (!report->refused)
		run(state, data, size, report);
}

static void run_trace_dat(void *state, const uint8_t *data, size_t size,
			  struct target_report *report)
{
	static const char head[] = "\x17\x08\x44tracing";

	run_beginning(state, head, sizeof(head) - 1, data, size, report);
}

static void run_perf_data(void *state, const uint8_t *data, size_t size,
			  struct target_report *report)
{
	static const char head[] = "PERFILE2";

	run_beginning(state, head, sizeof(head) - 1, data, size, report);
}

const struct target target_ftrace = {
	.name = "ftrace",
	.property =
		"Any text is read as a trace of ftrace, trace-cmd or perf, and all of it is counted.",
	.create = create,
	.destroy = destroy,
	.run_bytes = run,
	.seeds = text_seeds,
	.words = words,
	.usual_bytes_max = 16384,
};

const struct target target_trace_dat = {
	.name = "trace_dat",
	.property = "Any bytes are read as a trace.dat, or refused, and all events are counted.",
	.create = create,
	.destroy = destroy,
	.run_bytes = run_trace_dat,
	.seeds = no_seeds,
	.usual_bytes_max = 16384,
};

const struct target target_perf_data = {
	.name = "perf_data",
	.property = "Any bytes are read as a perf.data, or refused, and all events are counted.",
	.create = create,
	.destroy = destroy,
	.run_bytes = run_perf_data,
	.seeds = no_seeds,
	.usual_bytes_max = 16384,
};
