/* SPDX-License-Identifier: MIT */
#include "engine/sink.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sink_write(const struct sink *sink, const char *text, size_t len)
{
	if (len)
		sink->write(sink->ctx, text, len);
}

void sink_puts(const struct sink *sink, const char *text)
{
	sink_write(sink, text, strlen(text));
}

void sink_printf(const struct sink *sink, const char *format, ...)
{
	char small[256], *large;
	va_list args, again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (len > 0 && (size_t)len < sizeof(small)) {
		sink_write(sink, small, (size_t)len);
	} else if (len > 0) {
		large = malloc((size_t)len + 1);
		if (large) {
			vsnprintf(large, (size_t)len + 1, format, again);
			sink_write(sink, large, (size_t)len);
			free(large);
		}
	}
	va_end(again);
}

static void append(void *ctx, const char *text, size_t len)
{
	struct sink_text *t = ctx;

	if (t->out_of_memory)
		return;
	if (len >= t->room - t->len) {
		size_t room = t->room ? t->room * 2 : 256;
		char *grown;

		while (room - t->len <= len)
			room *= 2;
		grown = realloc(t->data, room);
		if (!grown) {
			t->out_of_memory = true;
			return;
		}
		t->data = grown;
		t->room = room;
	}
	memcpy(t->data + t->len, text, len);
	t->len += len;
	t->data[t->len] = 0;
}

struct sink sink_to_text(struct sink_text *text)
{
	return (struct sink){ append, text };
}

const char *sink_text_string(const struct sink_text *text)
{
	return text->data && text->len ? text->data : "";
}

void sink_text_clear(struct sink_text *text)
{
	text->len = 0;
}

void sink_text_deinit(struct sink_text *text)
{
	free(text->data);
	memset(text, 0, sizeof(*text));
}
