/* SPDX-License-Identifier: MIT */
/*
 * Raw file: a binary trace, read at any place.  A plain file is read where it lies, and so are bytes in
 * memory; what comes packed or through a pipe is first written to a temporary file, so memory does not
 * grow with it.
 *
 * Numbers are read in the byte order of the machine that made the file.
 */
#ifndef TRACES_TRACE_RAW_FILE_H
#define TRACES_TRACE_RAW_FILE_H

#include "traces/trace/reader.h"

struct raw_file {
	const char *name; /* borrowed, for errors */
	int fd; /* -1: bytes in memory */
	const uint8_t *bytes;
	uint8_t *owned; /* the same if it is to be freed */
	uint64_t size;
	bool big_endian;
};

/* Opens what @t has opened as a stream. */
struct error *raw_file_open(struct trace *t, struct raw_file *ret);
/* Bytes in memory, from malloc(), which it takes over. */
void raw_file_of_bytes(const char *name, uint8_t *bytes, uint64_t size, bool big_endian,
		       struct raw_file *ret);
/* Accepts a zeroed struct. */
void raw_file_deinit(struct raw_file *file);

/* Reads @size bytes at @offset.  ERROR_CORRUPT when the file ends before. */
struct error *raw_file_read(const struct raw_file *file, uint64_t offset, void *to, size_t size);

uint16_t raw_u16(const void *p, bool big_endian);
uint32_t raw_u32(const void *p, bool big_endian);
uint64_t raw_u64(const void *p, bool big_endian);

/* A place in the file that moves on; after an error nothing is read any more and numbers are 0. */
struct raw_cursor {
	const struct raw_file *file;
	uint64_t offset;
	struct error *err; /* of whoever has the cursor */
};

void raw_take(struct raw_cursor *c, void *to, size_t size);
uint16_t raw_take_u16(struct raw_cursor *c);
uint32_t raw_take_u32(struct raw_cursor *c);
uint64_t raw_take_u64(struct raw_cursor *c);
/* @size bytes with a NUL behind, from malloc(); NULL after an error.  ERROR_LIMIT above 64 MiB. */
char *raw_take_bytes(struct raw_cursor *c, uint64_t size);
/* A NUL-terminated text of at most @room bytes with its NUL. */
void raw_take_text(struct raw_cursor *c, char *to, size_t room);
void raw_skip(struct raw_cursor *c, uint64_t size);
/* Sets the error: ERROR_FORMAT, with the sentence. */
void raw_refuse(struct raw_cursor *c, const char *sentence);

#endif
