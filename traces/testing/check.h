/* SPDX-License-Identifier: MIT */
/*
 * Check: what tests of readers share.  Includes cmocka.
 */
#ifndef TRACES_TESTING_CHECK_H
#define TRACES_TESTING_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/error.h"

/* Ends the test with the sentence if there is an error. */
void check_ok(struct error *err);
/* Ends the test unless there is this error; gives it back.  @line and @column 0: not said. */
void check_error(struct error *err, enum error_code code, uint32_t line, uint32_t column);

/* Texts that a reader refuses, and how. */
struct check_row {
	const char *text;
	enum error_code code;
	uint32_t line, column;
};

/* Each of the rows is refused so by @read, which is to leave nothing behind. */
void check_errors(const struct check_row *rows, size_t count,
		  struct error *(*read)(const char *text, size_t len));

/* A file of the tree, "traces/testdata/...", with a NUL behind; the caller frees it. */
char *check_read(const char *path, size_t *len_ret);

#endif
