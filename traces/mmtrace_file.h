/* SPDX-License-Identifier: MIT */
/*
 * Stored files on disk, block by block: nothing but one block is in memory, however long the file.
 */
#ifndef TRACES_MMTRACE_FILE_H
#define TRACES_MMTRACE_FILE_H

#include "traces/mmtrace.h"

/*
 * Opens @path if it is a stored file; *@ret is NULL, and nothing is wrong, if it is anything else: a
 * file that begins otherwise, a folder, a pipe, "-".  A file that is packed as a whole (gzip, xz, zstd)
 * has to be unpacked into memory, within the limits of input_read().
 *
 * Errors name the file: ERROR_NOT_FOUND, ERROR_OS, and those of mmtrace_reader_create().
 */
struct error *mmtrace_file_open(const char *path, struct mmtrace_reader **ret);

#endif
