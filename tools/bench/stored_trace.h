/* SPDX-License-Identifier: MIT */
/* Stored trace: one in memory, for benchmarks that read it again and again. */
#ifndef TOOLS_BENCH_STORED_TRACE_H
#define TOOLS_BENCH_STORED_TRACE_H

#include "engine/error.h"
#include "engine/sink.h"

/*
 * All events of the trace @path as a stored file, appended to @ret, which the caller gives back in both
 * cases; *@events_ret is how many.
 */
struct error *stored_trace_make(const char *path, struct sink_text *ret, uint64_t *events_ret);

#endif
