/* SPDX-License-Identifier: MIT */
/* Process: another program, run to its end, with what it prints in memory. */
#ifndef TOOLS_PROCESS_H
#define TOOLS_PROCESS_H

#include "engine/error.h"
#include "engine/sink.h"

/*
 * Runs @argv (ends with NULL; looked for in PATH) in @folder (NULL: here).  What it prints, on both channels,
 * replaces what is in @ret.  *@status_ret: its exit status, or 128 and the number of the signal that ended it.
 */
struct error *process_run(const char *folder, const char *const argv[], struct sink_text *ret,
			  int *status_ret);
/* The last line that is not empty, without its newline, cut off in place; "" if there is none. */
const char *process_last_line(struct sink_text *text);

#endif
