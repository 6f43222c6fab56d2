/* SPDX-License-Identifier: MIT */
#include "traces/trace/store.h"

#include "traces/event_store.h"

static const char *string_of(const void *ctx, uint32_t number)
{
	return trace_string(ctx, number);
}

/* Names that the kernel of the trace does not have; how many. */
static uint32_t unknown_names(const struct trace *t, struct gfp_name *ret)
{
	const struct gfp_table *gfp = trace_gfp(t);
	uint32_t count = 0;

	for (unsigned int i = 0; i < gfp->name_count && count < EVENT_GFP_NAMES_MAX; i++)
		if (!(gfp->names[i].mask & ~trace_gfp_unknown(t)))
			ret[count++] = gfp->names[i];
	return count;
}

static struct event_totals totals_of(const struct trace_stats *stats)
{
	return (struct event_totals){
		.lines = stats->lines,
		.ignored = stats->ignored,
		.unknown = stats->unknown,
		.first_unknown_line = stats->first_unknown_line,
		.damaged = stats->damaged,
		.first_damaged_line = stats->first_damaged_line,
		.overwritten = stats->overwritten,
		.bytes = stats->bytes,
		.counted = stats->counted,
	};
}

struct error *trace_store(struct trace *t, struct mmtrace_writer *w, uint64_t *events_ret)
{
	struct gfp_name names[EVENT_GFP_NAMES_MAX];
	struct event_totals totals;
	struct event_writer *ew;
	struct error *err = event_writer_create(w, string_of, t, &ew);
	uint64_t total = 0;
	size_t count = 1;

	if (err)
		return err;
	while (!err && count) {
		const struct event *events;

		err = trace_next(t, &events, &count);
		if (!err)
			err = event_writer_add(ew, events, count);
		if (!err)
			total += count;
	}
	if (!err) {
		totals = totals_of(trace_stats(t));
		totals.gfp_names = names;
		totals.gfp_name_count = unknown_names(t, names);
		err = event_writer_end(ew, &totals);
	}
	event_writer_destroy(ew);
	if (!err)
		*events_ret = total;
	return err;
}
