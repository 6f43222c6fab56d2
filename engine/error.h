/* SPDX-License-Identifier: MIT */
/*
 * Error: something given to us could not be used, and where that was found.
 *
 * Functions that read input return a `struct error *`: NULL is success, anything else is owned by
 * the caller, who ends it with error_destroy().  On failure a function leaves its outputs untouched.
 *
 * An error is about input.  A modelled outcome ("no page at this order") is a value, a broken
 * invariant is a finding, and a mistake of our own is an assertion.
 *
 * Nothing here reads, writes or prints.
 */
#ifndef ENGINE_ERROR_H
#define ENGINE_ERROR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* What a caller might want to tell apart; everything else is in the sentence. */
enum error_code {
	ERROR_NO_MEMORY = 1, /* we could not get memory */
	ERROR_NOT_FOUND, /* a file or an entry does not exist */
	ERROR_OS, /* the system refused: permission, a directory, a failing disk */
	ERROR_LIMIT, /* larger than the limit that applies */
	ERROR_CORRUPT, /* damaged or cut off: bad checksum, truncated compression */
	ERROR_FORMAT, /* not the kind of input that was expected */
	ERROR_SYNTAX, /* the right kind of input, with a part that does not parse */
	ERROR_RANGE, /* parses, but a value is impossible or contradicts another */
	ERROR_UNSUPPORTED, /* understood, and not something we can do */
};

struct error {
	enum error_code code;
	/* Name of the file, owned; NULL: none or not known yet (see error_in_file()). */
	char *file;
	/* Line and byte column, counted from 1; 0: none. */
	uint32_t line;
	uint32_t column;
	/* Index of the block in a binary file, counted from 0; -1: none. */
	int64_t block;
	/* One sentence without a final newline.  Never NULL. */
	const char *message;
};

#if defined(__GNUC__)
#define ERROR_PRINTF(format_arg, first_arg) __attribute__((format(printf, format_arg, first_arg)))
#else
#define ERROR_PRINTF(format_arg, first_arg)
#endif

/*
 * Makes an error.  @file may be NULL and is copied; @line and @column may be 0.  The sentence is
 * formatted as by printf().  Never returns NULL: without memory it returns the one static
 * out-of-memory error, whose code is ERROR_NO_MEMORY.
 */
struct error *error_create(enum error_code code, const char *file, uint32_t line, uint32_t column,
			   const char *format, ...) ERROR_PRINTF(5, 6);
struct error *error_create_va(enum error_code code, const char *file, uint32_t line,
			      uint32_t column, const char *format, va_list args) ERROR_PRINTF(5, 0);

/* The same about block number @block of a binary file. */
struct error *error_create_block(enum error_code code, const char *file, int64_t block,
				 const char *format, ...) ERROR_PRINTF(4, 5);

/* The static out-of-memory error: needs no memory, belongs to nobody, may be destroyed freely. */
struct error *error_no_memory(void);

/* Accepts NULL and the static error. */
void error_destroy(struct error *err);

/*
 * Names the file of an error made by a layer that saw only bytes.  A name that is there already
 * stays.  Accepts NULL and returns @err, so that calls can be nested:
 *	return error_in_file(log_text_parse(data, size, &text), name);
 */
struct error *error_in_file(struct error *err, const char *file);

/*
 * Names the file and the block of an error made by a layer that saw the contents of one; the error is made
 * anew.  A block that is there already stays, and so does the out-of-memory error.  Accepts NULL.
 */
struct error *error_in_block(struct error *err, const char *file, int64_t block);

/*
 * Writes "file:line:column: sentence" to @buf; parts that are absent are left out, and a block is
 * written "file: block 7: sentence".  Works as snprintf() does: at most @size bytes with the
 * terminating NUL, and the full length is returned.  @buf may be NULL if @size is 0.
 */
size_t error_format(const struct error *err, char *buf, size_t size);

#endif
