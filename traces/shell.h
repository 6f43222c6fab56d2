/* SPDX-License-Identifier: MIT */
/*
 * Shell: a command of the user's, run on bytes that we have in memory.
 */
#ifndef TRACES_SHELL_H
#define TRACES_SHELL_H

#include <stddef.h>

#include "engine/error.h"

/*
 * Writes @data to a temporary file (below TMPDIR, or /tmp), runs @command by /bin/sh with the file's path
 * as its last argument, and removes the file.  What the command prints on standard output goes to standard
 * error.  *@status_ret is its exit status, 0 to 127.
 *
 * ERROR_OS: the file or the process cannot be made, or a signal ended the command (or one that it ran,
 * which is a status of 128 or more), or there is no such command (127): nothing was said about the data.
 */
struct error *shell_run_on(const char *command, const void *data, size_t size, int *status_ret);

#endif
