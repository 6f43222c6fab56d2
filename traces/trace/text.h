/* SPDX-License-Identifier: MIT */
/*
 * Text: one line of a trace, as ftrace, trace-cmd or perf writes it.
 *
 *	            init-1       [001] d..1.     1.721010: mm_page_free: page=ffffd1b8 pfn=0xa0d4 order=0
 *	            init-1       [001]     1.721010: mm_page_free:         page=0xffff pfn=41172 order=0
 *	            init     1 [001]     1.721010: kmem:mm_page_free: page=0xffff pfn=41172 order=0
 *
 * A line is a head (task, CPU, time), an event's name and its text.  Everything here works on bytes and
 * knows neither files nor strings' numbers; ftrace.c makes a reader of it.
 */
#ifndef TRACES_TRACE_TEXT_H
#define TRACES_TRACE_TEXT_H

#include <stdbool.h>

#include "engine/event.h"
#include "traces/scan.h"

enum text_class {
	TEXT_EVENT, /* any event with a head, of a kind we know or not */
	TEXT_LOST, /* the ring buffer overflowed */
	TEXT_IGNORED, /* headings, comments, stacks, empty lines */
	TEXT_DAMAGED, /* begins like an event we know */
	TEXT_UNKNOWN,
};

struct text_line {
	/* Everything but line, text and an alloc's gfp.  Zeroed where the line does not tell. */
	struct event event;
	struct scan_str comm; /* without the blanks around it; "<...>" and "<idle>" as they stand */
	struct scan_str text; /* a marker's text; another event's name */
	struct scan_str gfp; /* an alloc's gfp_flags as they stand */
	bool counted; /* the stamp has no point: the clock tells no seconds */
	uint64_t overwritten; /* a heading told of so many events */
};

/* Reads the line [@line, @end), which holds no line feed. */
enum text_class text_line_parse(const char *line, const char *end, struct text_line *ret);

/* The kind of an event by its name, without the system; EVENT_OTHER when it is none of ours. */
enum event_kind text_event_kind(struct scan_str name);

#endif
