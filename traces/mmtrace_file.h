/* SPDX-License-Identifier: MIT */
/*
 * Stored files on disk, block by block: nothing but one block is in memory, however long the file.
 */
#ifndef TRACES_MMTRACE_FILE_H
#define TRACES_MMTRACE_FILE_H

#include "traces/input.h"
#include "traces/mmtrace.h"

/*
 * Opens @path if it is a stored file; *@ret is NULL, and nothing is wrong, if it is anything else: a
 * file that begins otherwise, a folder, a pipe, "-".  One that is packed as a whole (gzip, xz, zstd) can
 * be read from its start to its end alone: there is no seeking in it.
 *
 * Errors name the file: ERROR_NOT_FOUND, ERROR_OS, and those of mmtrace_reader_create().
 */
struct error *mmtrace_file_open(const char *path, struct mmtrace_reader **ret);

/*
 * Reads a stored file from @stream, which is borrowed, and whose first @head_size bytes (at most 16) were
 * read already and are in @head.  It cannot seek.
 */
struct error *mmtrace_stream_open(struct input_stream *stream, const void *head, size_t head_size,
				  struct mmtrace_reader **ret);

#endif
