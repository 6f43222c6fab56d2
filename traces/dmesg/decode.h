/* SPDX-License-Identifier: MIT */
/*
 * Decode: the bytes of a log file as source lines of plain text.
 *
 * The lowest step of text.h, private to it.  It undoes what happened to the bytes on their way:
 * UTF-16, quoted-printable, HTML, JSON objects around each message, escape sequences of terminals, backspaces, NUL bytes.  It knows
 * nothing of kernels.
 */
#ifndef TRACES_DMESG_DECODE_H
#define TRACES_DMESG_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

struct decoder {
	const uint8_t *data;
	size_t size;
	size_t pos;
	/* Number of the source line read last; 0: none yet. */
	uint32_t line;
	/* What the whole file is, found out at the start. */
	bool quoted_printable;
	bool html;
	bool json;
	/* Lines end with a carriage return alone. */
	bool cr_ends_lines;
	/* The bytes as UTF-8, if they were UTF-16; owned. */
	uint8_t *converted;
	/* A source line that had to be changed, and for each byte of it the column; owned. */
	char *scratch;
	uint32_t *columns;
	size_t scratch_size;
};

/* One source line; valid until the next call. */
struct source_line {
	/*
	 * Without its line end.  No NUL bytes, no control characters but tabs, and carriage
	 * returns that stand inside it.  Not NUL-terminated.
	 */
	const char *text;
	size_t len;
	/* Column of each byte, counted from 1; NULL: byte i stands in column i + 1. */
	const uint32_t *columns;
	uint32_t line;
	/* Source lines read: more than one after the soft line breaks of quoted-printable. */
	uint32_t span;
	/* It was too long, and its end is missing. */
	bool cut;
};

/*
 * Looks at @size bytes at @data, which must stay in place.  ERROR_FORMAT if they are no text, with
 * line and column of what shows it; ERROR_NO_MEMORY.
 */
struct error *decoder_init(struct decoder *decoder, const uint8_t *data, size_t size);
void decoder_deinit(struct decoder *decoder);

/* False at the end; then, if there was no memory, *@err_ret is set. */
bool decoder_next(struct decoder *decoder, struct source_line *ret, struct error **err_ret);

/* Starts over. */
void decoder_rewind(struct decoder *decoder);

static inline uint32_t source_line_column(const struct source_line *line, size_t offset)
{
	if (!line->columns)
		return (uint32_t)(offset + 1);
	if (offset < line->len)
		return line->columns[offset];
	return line->len ? line->columns[line->len - 1] + 1 : 1;
}

#endif
