/* SPDX-License-Identifier: MIT */
/*
 * Text, fast: lines of traces that look like those before them.
 *
 * Almost all lines of a trace are five events in one layout, written by few tasks with few kinds of
 * flags.  For such a line text_fast_parse() does what text_line_parse() does, field by field without
 * looking back; of any other it says that it does not know, and the general parser decides.  It knows a
 * task's name and an alloc's flags only from text_fast_learn(), so it never has an opinion of its own on
 * what they mean.
 */
#ifndef TRACES_TRACE_TEXT_FAST_H
#define TRACES_TRACE_TEXT_FAST_H

#include "engine/event.h"
#include "traces/trace/text.h"

/* Bytes that can be read behind the lines, whatever is in them. */
#define TEXT_FAST_MARGIN 64

#define TEXT_FAST_TASKS 256
#define TEXT_FAST_TASK_BYTES \
	24 /* of a line: a task's name, "-" or a blank, and a pid in seven columns */
#define TEXT_FAST_GFPS 256
#define TEXT_FAST_GFP_BYTES 112

struct text_fast {
	struct {
		uint64_t key[TEXT_FAST_TASK_BYTES / 8]; /* all 0: free */
		uint32_t text; /* number of the name */
		int32_t pid;
		uint32_t bracket; /* the column of "[", from 0 */
	} tasks[TEXT_FAST_TASKS];
	struct {
		uint32_t len; /* 0: free */
		uint32_t gfp;
		uint32_t flags; /* of the event */
		char text[TEXT_FAST_GFP_BYTES];
	} gfps[TEXT_FAST_GFPS];
};

/*
 * Reads the line that begins at @line into all of *@ret but its line number.  Returns where its line feed
 * is, or NULL when the general parser has to look at it; *@ret is then anything.  @limit is the end of
 * the text, behind a line feed.
 */
const char *text_fast_parse(const struct text_fast *fast, const char *line, const char *limit,
			    struct event *ret);

/*
 * Remembers what the general parser made of [@line, @end), an event: the task in @event->text, and of an
 * alloc the flags.
 */
void text_fast_learn(struct text_fast *fast, const char *line, const char *end,
		     const struct text_line *parsed, const struct event *event);

#endif
