/* SPDX-License-Identifier: MIT */
/*
 * Traces as text: lines out of a stream, through text.h, into events.
 *
 * One buffer holds a piece of the stream.  Whole lines are taken from it; what is left of the last one
 * moves to the front before the next piece is read.  A line longer than the buffer is no line of a trace:
 * it counts as one unknown line, and its rest is passed over.
 */
#include <stdlib.h>
#include <string.h>

#include "traces/trace/reader.h"
#include "traces/trace/text.h"

#define BUFFER_BYTES ((size_t)256 << 10)

/* Texts of gfp_flags read before, by a hash. */
#define GFP_SEEN 256

struct gfp_seen {
	size_t len;
	uint32_t gfp;
	uint8_t flags; /* of the event */
	char text[240];
};

struct text_reader {
	char *buffer;
	size_t start, end; /* of what is left in the buffer */
	bool last; /* nothing follows the buffer */
	bool passing_over; /* inside of a line that was too long */
	struct gfp_seen gfp[GFP_SEEN];
};

/* Moves what is left to the front, and reads on. */
static struct error *fill(struct trace *t, struct text_reader *r)
{
	struct error *err;
	size_t n;

	memmove(r->buffer, r->buffer + r->start, r->end - r->start);
	r->end -= r->start;
	r->start = 0;
	err = input_stream_read(t->stream, r->buffer + r->end, BUFFER_BYTES - r->end, &n);
	if (err)
		return err;
	r->end += n;
	r->last = !n;
	t->stats.bytes += n;
	return NULL;
}

static uint32_t hash_gfp(struct scan_str text)
{
	uint32_t hash = (uint32_t)text.len * 0x9e3779b1U;

	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (uint8_t)text.p[i]) * 16777619U;
	return hash ^ hash >> 15;
}

/* The bits of flags as text; the same few texts come again and again. */
static void take_gfp(struct trace *t, struct scan_str text, struct event *event)
{
	struct text_reader *r = t->reader;
	struct gfp_seen *seen = &r->gfp[hash_gfp(text) & (GFP_SEEN - 1)];
	bool understood;

	if (seen->len == text.len && text.len && !memcmp(seen->text, text.p, text.len)) {
		event->gfp = seen->gfp;
		event->flags |= seen->flags;
		return;
	}
	understood = gfp_parse(&t->gfp, text.p, text.len, &event->gfp);
	if (!understood)
		event->flags |= EVENT_GFP_UNKNOWN;
	if (text.len > sizeof(seen->text))
		return;
	memcpy(seen->text, text.p, text.len);
	seen->len = text.len;
	seen->gfp = event->gfp;
	seen->flags = understood ? 0 : EVENT_GFP_UNKNOWN;
}

static void take_line(struct trace *t, const char *line, const char *end)
{
	uint64_t number = ++t->stats.lines;
	struct text_line parsed;
	struct event *event;

	switch (text_line_parse(line, end, &parsed)) {
	case TEXT_IGNORED:
		t->stats.ignored++;
		t->stats.overwritten += parsed.overwritten;
		return;
	case TEXT_DAMAGED:
		reader_damaged(t, number);
		return;
	case TEXT_UNKNOWN:
		reader_unknown(t, number);
		return;
	case TEXT_LOST:
	case TEXT_EVENT:
		break;
	}
	event = &t->batch[t->count++];
	*event = parsed.event;
	event->line = number;
	if (event->kind == EVENT_ALLOC)
		take_gfp(t, parsed.gfp, event);
	if (event->kind == EVENT_MARKER || event->kind == EVENT_OTHER)
		event->text = reader_string(t, parsed.text.p, parsed.text.len);
	else
		event->text = reader_string(t, parsed.comm.p, parsed.comm.len);
}

static struct error *text_next(struct trace *t)
{
	struct text_reader *r = t->reader;
	struct error *err = NULL;

	while (!err && !reader_full(t)) {
		const char *line = r->buffer + r->start;
		const char *feed = memchr(line, '\n', r->end - r->start);

		if (feed) {
			if (!r->passing_over)
				take_line(t, line, feed);
			r->passing_over = false;
			r->start = (size_t)(feed - r->buffer) + 1;
			continue;
		}
		if (r->last) {
			if (r->start < r->end && !r->passing_over)
				take_line(t, line, r->buffer + r->end);
			r->start = r->end;
			break;
		}
		if (r->end - r->start == BUFFER_BYTES) {
			if (!r->passing_over)
				reader_unknown(t, ++t->stats.lines);
			r->passing_over = true;
			r->start = r->end;
		}
		err = fill(t, r);
	}
	return err;
}

static void text_close(struct trace *t)
{
	struct text_reader *r = t->reader;

	free(r->buffer);
	free(r);
}

static const struct reader_ops text_ops = { text_next, text_close };

struct error *text_reader_open(struct trace *t)
{
	struct text_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return error_no_memory();
	t->reader = r;
	t->ops = &text_ops;
	r->buffer = malloc(BUFFER_BYTES);
	if (!r->buffer)
		return error_no_memory();
	memcpy(r->buffer, t->head, t->head_size);
	r->end = t->head_size;
	t->stats.bytes = t->head_size;
	return NULL;
}
