/* SPDX-License-Identifier: MIT */
/*
 * Store: a trace of any form as blocks of a stored file.
 */
#ifndef TRACES_TRACE_STORE_H
#define TRACES_TRACE_STORE_H

#include "traces/mmtrace.h"
#include "traces/trace/trace.h"

/*
 * Writes all events that @t has left, with their strings and what was counted, to @w, behind what it got
 * before; the caller ends the file.  *@events_ret is how many.  Errors: those of trace_next() and of
 * event_writer_add().
 */
struct error *trace_store(struct trace *t, struct mmtrace_writer *w, uint64_t *events_ret);

#endif
