/* SPDX-License-Identifier: MIT */
/*
 * Sink: where text goes.  Libraries write to one; only tools/ knows whether it is a file, a terminal
 * or a buffer.
 */
#ifndef ENGINE_SINK_H
#define ENGINE_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"

struct sink {
	/* Takes @len bytes, which need not end with a NUL and are borrowed for the call. */
	void (*write)(void *ctx, const char *text, size_t len);
	void *ctx;
};

void sink_write(const struct sink *sink, const char *text, size_t len);
void sink_puts(const struct sink *sink, const char *text);
/* As printf(), of any length.  Writes nothing where memory for a long text is missing. */
void sink_printf(const struct sink *sink, const char *format, ...) ERROR_PRINTF(2, 3);

/* Text that grows; starts zeroed.  @data ends with a NUL once anything was written. */
struct sink_text {
	char *data;
	size_t len, room;
	bool out_of_memory; /* something is missing at the end */
};

/* A sink that appends to @text, which the caller owns and ends with sink_text_deinit(). */
struct sink sink_to_text(struct sink_text *text);
/* What was written, never NULL; valid until the next write. */
const char *sink_text_string(const struct sink_text *text);
void sink_text_clear(struct sink_text *text);
void sink_text_deinit(struct sink_text *text);

#endif
