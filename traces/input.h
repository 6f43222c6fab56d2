/* SPDX-License-Identifier: MIT */
/*
 * Input: a file as bytes.
 *
 * A whole file, or standard input, is read into memory, and unpacked if its first bytes say that it
 * is gzip, xz or zstd; its name is not looked at.  Several compressed members or frames after each
 * other are one input, as their tools have it.  One layer of compression is undone, not more.
 *
 * Memory and time are bounded by struct input_limits.  Packed data that is damaged or cut off is an
 * error; the part that could be unpacked is never used silently.
 *
 * A struct input_stream hands out the same bytes piece by piece in bounded memory, for traces that
 * exceed it.
 */
#ifndef TRACES_INPUT_H
#define TRACES_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "traces/unpack.h"

/* Default of both limits.  A boot log has a few MiB at the most, with memblock=debug too. */
#define INPUT_BYTES_MAX ((size_t)256 << 20)

struct input_limits {
	/* Most bytes the file itself may have; 0: the default. */
	size_t stored_bytes_max;
	/* Most bytes it may have once unpacked; 0: the default.  Applies to plain files as well. */
	size_t bytes_max;
};

struct input {
	/* What to call it in messages: the path as given, or "<stdin>".  Owned. */
	char *name;
	/* @size bytes and one NUL byte that is not counted.  Owned, never NULL. */
	uint8_t *data;
	size_t size;
	/* How the file was stored, and its own size in bytes. */
	enum input_packing packing;
	size_t stored_size;
};

/*
 * Reads the file @path, or standard input if @path is "-".  @limits may be NULL for the defaults.
 * An empty file is a success of size 0.
 *
 * Errors name the file: ERROR_NOT_FOUND, ERROR_OS (a directory; permission; with the system's own
 * words), ERROR_LIMIT, ERROR_CORRUPT (damaged or cut off), ERROR_UNSUPPORTED (an xz or zstd file
 * that needs more memory to unpack than we allow), ERROR_NO_MEMORY.
 */
struct error *input_read(const char *path, const struct input_limits *limits, struct input *ret);

/* Can @path be read more than once, as a file or a folder can?  Standard input and pipes cannot. */
bool input_is_lasting(const char *path);

/*
 * Reads the file @name inside the folder @dir.  A file that does not exist is no error here:
 * *@absent_ret is set and @ret is left untouched.  A folder that does not exist is
 * ERROR_NOT_FOUND.
 */
struct error *input_read_in(const char *dir, const char *name, const struct input_limits *limits,
			    bool *absent_ret, struct input *ret);

/*
 * Makes an input of bytes in memory, unpacked by the same rules; for tests and fuzzing.  @name and
 * @data are copied.
 */
struct error *input_from_bytes(const char *name, const uint8_t *data, size_t size,
			       const struct input_limits *limits, struct input *ret);

/* Gives back what the functions above took.  Accepts a zeroed struct; leaves it zeroed. */
void input_deinit(struct input *input);

/*
 * A file as a stream.  No limit of size applies, as memory does not grow with it.
 */
struct input_stream;

/* Opens the file @path, or standard input if it is "-".  Errors as of input_read(). */
struct error *input_stream_open(const char *path, struct input_stream **ret);
/* The same for bytes in memory; @data is borrowed until input_stream_close(), @name copied. */
struct error *input_stream_from_bytes(const char *name, const void *data, size_t size,
				      struct input_stream **ret);
/* All *@size_ret bytes of a stream that was made of bytes which are not packed; NULL for any other. */
const uint8_t *input_stream_bytes(const struct input_stream *s, size_t *size_ret);
/*
 * Puts the next bytes, unpacked, to @to: as many as come at once, at most @room (> 0).  *@ret is how
 * many, 0 at the end alone.  An error comes when all that was unpacked before it is out; nothing may be
 * asked of a stream after one but its end.
 */
struct error *input_stream_read(struct input_stream *s, void *to, size_t room, size_t *ret);
/* What to call it in messages: the path as given, or "<stdin>". */
const char *input_stream_name(const struct input_stream *s);
enum input_packing input_stream_packing(const struct input_stream *s);
/* Accepts NULL. */
void input_stream_close(struct input_stream *s);

#endif
