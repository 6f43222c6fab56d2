/* SPDX-License-Identifier: MIT */
/* Rival: a program of the system doing the same work, to measure against. */
#ifndef TOOLS_BENCH_RIVAL_H
#define TOOLS_BENCH_RIVAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Runs @argv (ends with NULL; the name is looked up in PATH), its output thrown away, and waits.
 * False when it could not be started or failed.
 */
bool rival_run(const char *const *argv);
/* The same, but the first @size - 1 bytes of its output are kept in @text, which ends with a NUL byte. */
bool rival_output(const char *const *argv, char *text, size_t size);

#endif
