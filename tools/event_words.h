/* SPDX-License-Identifier: MIT */
/*
 * Event words: what an event of a trace says, in a few words, as every command puts it.
 *
 *	mm_page_alloc 0x67d0 order 1 migratetype 0	mm_page_free 0x67d0 order 1
 *	mm_page_alloc no page order 9 migratetype 0	cma_alloc 0x6000, 64 pages
 *	tracing_mark_write SNAP boot begin		lost, 12 events
 */
#ifndef TOOLS_EVENT_WORDS_H
#define TOOLS_EVENT_WORDS_H

#include <stdio.h>

#include "engine/event.h"

/* @text: the string that @e->text is the number of. */
void event_words_print(FILE *out, const struct event *e, const char *text);

#endif
