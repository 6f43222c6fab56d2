/* SPDX-License-Identifier: MIT */
/*
 * Any bytes are read as a trace, in whatever form they seem to be in, and what is handed out is what is
 * counted.  There is a target for each form, as an input hardly ever turns from one into another.
 */
#include "traces/trace/trace.h"
#include "fuzz/targets/import_state.h"

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
	const struct event *events;
	const struct trace_stats *stats;
	uint64_t handed = 0, counted = 0;
	struct trace *t;
	struct error *err = trace_open_bytes("input", data, size, NULL, &t);
	size_t count = 1;

	(void)state;
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

const struct target target_ftrace = {
	.name = "ftrace",
	.property =
		"Any text is read as a trace of ftrace, trace-cmd or perf, and all of it is counted.",
	.create = import_create,
	.destroy = import_destroy,
	.run_bytes = run,
	.seeds = text_seeds,
	.words = words,
};

const struct target target_trace_dat = {
	.name = "trace_dat",
	.property = "Any bytes are read as a trace.dat, or refused, and all events are counted.",
	.create = import_create,
	.destroy = import_destroy,
	.run_bytes = run,
	.seeds = no_seeds,
};

const struct target target_perf_data = {
	.name = "perf_data",
	.property = "Any bytes are read as a perf.data, or refused, and all events are counted.",
	.create = import_create,
	.destroy = import_destroy,
	.run_bytes = run,
	.seeds = no_seeds,
};
