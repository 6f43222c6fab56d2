/* SPDX-License-Identifier: MIT */
/*
 * Capture: whatever a user points at, as one boot log.
 *
 *   a folder	dmesg.txt (or dmesg-raw.txt, serial.txt, kmsg.txt, any of them packed) with what lies
 *		beside it: firmware tables, configuration, pictures of /proc
 *   a file	a kernel log in any shape, or a stored boot (boot_store.h), packed or not, or the text of a
 *		scenario (scenario_store.h)
 *   -		the same on standard input
 *
 * Pictures taken after boot become recorded answers; firmware tables and the configuration become
 * inputs.
 */
#ifndef TRACES_CAPTURE_H
#define TRACES_CAPTURE_H

#include "engine/gfp.h"
#include "traces/boot_log.h"
#include "traces/input.h"

/*
 * Reads @path into @ret (zeroed).  Errors name the file.  A log that holds no memory line at all is
 * ERROR_FORMAT.
 */
struct error *capture_read(const char *path, struct boot_log *ret);
/* The same for a file whose bytes are at hand. */
struct error *capture_read_input(const struct input *input, struct boot_log *ret);

/*
 * The trace that belongs to the source @path: trace.txt (packed or not) or trace.mmtrace of a folder, and
 * a stored file itself, which may have one.  NULL in *@ret: there is none.  The caller frees it.
 */
struct error *capture_trace_path(const char *path, char **ret);

/*
 * What the kernel of the source @path calls its GFP flags: by its own word, where a folder has it
 * (events/mm_page_alloc.format), else by @facts.
 */
struct error *capture_gfp_table(const char *path, const struct facts *facts, struct gfp_table *ret);

#endif
