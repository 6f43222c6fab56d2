/* SPDX-License-Identifier: MIT */
/*
 * Trace: page-allocation events from any source, in batches.
 *
 * One face for every form a trace has: ftrace text of any tool, trace.dat, perf.data, .mmtrace; packed
 * or not; a file, standard input or bytes in memory.  A reader keeps a bounded amount of memory
 * however long the trace is, the strings aside (task names and markers, each kept once).
 *
 * Lines and records that are no event are counted, never lost silently; see struct trace_stats.
 */
#ifndef TRACES_TRACE_TRACE_H
#define TRACES_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "engine/event.h"
#include "engine/facts.h"
#include "engine/gfp.h"

struct mmtrace_unpacker;
struct trace;

struct trace_options {
	/*
	 * Which kernel wrote it: what its names of GFP flags stand for.  NULL: the trace tells (trace.dat,
	 * .mmtrace), or else the newest kernel's meaning is taken.  Borrowed until trace_close().
	 */
	const struct facts *facts;
	/* The same as a table, from gfp_format_read() perhaps; NULL: that of the facts.  Borrowed alike. */
	const struct gfp_table *gfp;
	/* Unpacks .mmtrace (traces/mmtrace.h); NULL: each trace has its own.  Borrowed alike. */
	struct mmtrace_unpacker *unpacker;
};

/* Opens the file @path, or standard input if it is "-".  Errors name the file (and line, or block). */
struct error *trace_open(const char *path, const struct trace_options *options, struct trace **ret);
/* The same for bytes in memory; @name is what errors call them.  @data must stay until trace_close(). */
struct error *trace_open_bytes(const char *name, const void *data, size_t size,
			       const struct trace_options *options, struct trace **ret);
void trace_close(struct trace *t);

/*
 * The next events, in the order of the file (that of a CPU's own events is always kept).  *@count is
 * how many, 0 at the end; they are valid until the next call.  After an error the events that came
 * before it have all been handed out, and nothing follows.
 */
struct error *trace_next(struct trace *t, const struct event **ret, size_t *count);

/* String number @number of the trace: a task's name, a marker, an event's name.  Never NULL. */
const char *trace_string(const struct trace *t, uint32_t number);

/*
 * The kernel's names of the GFP bits of this trace's events.  A name that is not known is kept: it gets a
 * bit that this kernel does not use, from bit 31 down, and events with it have EVENT_GFP_UNKNOWN.  Valid
 * until the next call of trace_next().
 */
const struct gfp_table *trace_gfp(const struct trace *t);
/* Bits that stand for unknown names so far, which trace_gfp() has.  A stored trace tells them at its end. */
uint32_t trace_gfp_unknown(const struct trace *t);

struct trace_stats {
	uint64_t events[EVENT_KIND_COUNT];
	uint64_t lines; /* or records */
	uint64_t ignored; /* headings, comments, empty lines */
	uint64_t unknown; /* lines that are none of these */
	uint64_t first_unknown_line; /* 0 = none */
	uint64_t
		damaged; /* lines that begin like an event we know but do not parse; also .mmtrace blocks */
	uint64_t first_damaged_line; /* 0 = none */
	uint64_t
		overwritten; /* events the head of the trace says were overwritten before it begins */
	/* Of the EVENT_LOST among the events, which are no events themselves. */
	uint64_t lost; /* events, summed up */
	uint64_t lost_untold; /* losses that do not tell how many events they took */
	uint64_t first_lost_line; /* 0 = none */
	uint64_t gfp_unknown; /* events with EVENT_GFP_UNKNOWN */
	uint64_t first_gfp_unknown_line; /* 0 = none */
	bool counted; /* some stamp of the text is a whole number: the clock counts, and tells no seconds */
	/*
	 * Events that are older than one that stands at least a window of TRACE_ORDER_WINDOW events before their own
	 * window: than one of their own CPU, or of other CPUs alone.
	 */
	uint64_t behind_own, behind_others;
	uint64_t first_behind_own_line, first_behind_others_line; /* 0 = none */
	uint64_t bytes; /* of text, unpacked */
};
const struct trace_stats *trace_stats(const struct trace *t);

/*
 * A tracer that writes events of several CPUs as they come (trace_pipe) has some a little too late, and the clock
 * of a kernel that boots is set back once: up to 104 events were seen that came after later ones so.
 */
#define TRACE_ORDER_WINDOW 16
/* Are more events behind than comes of that: does time run backwards, or are CPUs not in order? */
bool trace_runs_backwards(const struct trace *t);
bool trace_is_disordered(const struct trace *t);
/* Is it text, as anything is that says nothing else of itself? */
bool trace_is_text(const struct trace *t);
/*
 * The first block of a stored trace that is damaged or missing, or the line at which packed text is cut off or
 * damaged; NULL: none so far.  Borrowed until the next call.
 */
const struct error *trace_damage(const struct trace *t);

/*
 * What is given next is event @number, counted from 0, or the first at @time or later; the end, if there
 * is none.  For stored traces in a file that is not packed once more; ERROR_UNSUPPORTED for any other,
 * which then goes on as before.  The statistics count what is handed out.
 */
struct error *trace_seek(struct trace *t, uint64_t number);
struct error *trace_seek_time(struct trace *t, uint64_t time);

#endif
