/* SPDX-License-Identifier: MIT */
/*
 * Traces as text: lines out of a stream, through text.h, into events.
 *
 * One buffer holds a piece of the stream.  Whole lines are taken from it; what is left of the last one
 * moves to the front before the next piece is read.  A line longer than the buffer is no line of a trace:
 * it counts as one unknown line, and its rest is passed over.
 *
 * Packed text that is cut off or damaged ends with its last whole line, and a loss of which nobody knows
 * how many events it took; what is left of a line might be taken for another.
 */
#include <stdlib.h>
#include <string.h>

#include "traces/trace/reader.h"
#include "traces/trace/text.h"
#include "traces/trace/text_fast.h"

#define BUFFER_BYTES ((size_t)256 << 10)

struct text_reader {
	char *buffer;
	size_t room; /* its bytes, without a margin */
	size_t start, end; /* of what is left in the buffer */
	size_t whole; /* end of the last whole line in it */
	bool last; /* nothing follows the buffer */
	bool passing_over; /* inside of a line that was too long */
	struct error *damage; /* where unpacking came to its end before the text did, or NULL */
	struct text_fast fast;
};

/* Moves what is left to the front, and reads on. */
static struct error *fill(struct trace *t, struct text_reader *r)
{
	struct error *err;
	size_t n;

	memmove(r->buffer, r->buffer + r->start, r->end - r->start);
	r->end -= r->start;
	r->start = 0;
	err = input_stream_read(t->stream, r->buffer + r->end, r->room - r->end, &n);
	if (err)
		return err;
	r->end += n;
	r->last = !n;
	t->stats.bytes += n;
	r->whole = r->end;
	while (r->whole > 0 && r->buffer[r->whole - 1] != '\n')
		r->whole--;
	return NULL;
}

/* The text ends here, where @err says; the batch has room for what tells of it. */
static void take_damage(struct trace *t, struct text_reader *r, struct error *err)
{
	/* Beyond the numbers of an error there is no use in naming a line. */
	uint32_t line = t->stats.lines < UINT32_MAX ? (uint32_t)t->stats.lines + 1 : 0;

	r->damage = error_create(err->code, err->file, line, 0, "%s", err->message);
	error_destroy(err);
	r->last = true;
	r->start = r->end = r->whole = 0;
	t->batch[t->count++] = (struct event){
		.kind = EVENT_LOST, .pfn = PFN_NONE, .pid = -1, .line = t->stats.lines + 1
	};
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
	t->stats.counted |= parsed.counted;
	if (event->kind == EVENT_ALLOC)
		reader_gfp(t, parsed.gfp.p, parsed.gfp.len, event);
	if (event->kind == EVENT_MARKER || event->kind == EVENT_OTHER)
		event->text = reader_string(t, parsed.text.p, parsed.text.len);
	else
		event->text = reader_string(t, parsed.comm.p, parsed.comm.len);
	text_fast_learn(&((struct text_reader *)t->reader)->fast, line, end, &parsed, event);
}

/* As many lines as the fast parser knows. */
static void take_fast(struct trace *t, struct text_reader *r)
{
	const char *limit = r->buffer + r->whole, *line = r->buffer + r->start;
	struct event *event = t->batch + t->count, *end = t->batch + t->batch_room;
	uint64_t number = t->stats.lines;

	while (event < end) {
		const char *feed = text_fast_parse(&r->fast, line, limit, event);

		if (!feed)
			break;
		event->line = ++number;
		event++;
		line = feed + 1;
	}
	t->stats.lines = number;
	t->count = (size_t)(event - t->batch);
	r->start = (size_t)(line - r->buffer);
}

static struct error *text_next(struct trace *t)
{
	struct text_reader *r = t->reader;
	struct error *err = NULL;

	while (!err && !reader_full(t)) {
		const char *line, *feed;

		if (!r->passing_over)
			take_fast(t, r);
		if (reader_full(t))
			break;
		line = r->buffer + r->start;
		feed = memchr(line, '\n', r->end - r->start);
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
		if (r->end - r->start == r->room) {
			if (!r->passing_over)
				reader_unknown(t, ++t->stats.lines);
			r->passing_over = true;
			r->start = r->end;
		}
		err = fill(t, r);
		if (err && err->code == ERROR_CORRUPT) {
			take_damage(t, r, err);
			return NULL;
		}
	}
	return err;
}

static void text_close(struct trace *t)
{
	struct text_reader *r = t->reader;

	error_destroy(r->damage);
	free(r->buffer);
	free(r);
}

static const struct error *text_damage(const struct trace *t)
{
	const struct text_reader *r = t->reader;

	return r->damage;
}

static const struct reader_ops text_ops = {
	.next = text_next,
	.close = text_close,
	.damage = text_damage,
};

struct error *text_reader_open(struct trace *t)
{
	struct text_reader *r = calloc(1, sizeof(*r));
	size_t bytes;

	if (!r)
		return error_no_memory();
	t->reader = r;
	t->ops = &text_ops;
	/* Bytes in memory fit with one to spare, so that the end is seen before the buffer is full. */
	r->room = BUFFER_BYTES;
	if (input_stream_bytes(t->stream, &bytes) && bytes < BUFFER_BYTES)
		r->room = bytes + 1;
	r->buffer = calloc(1, r->room + TEXT_FAST_MARGIN);
	if (!r->buffer)
		return error_no_memory();
	memcpy(r->buffer, t->head, t->head_size);
	r->end = t->head_size;
	/* A byte order mark, as some editors put it before UTF-8. */
	if (r->end >= 3 && !memcmp(r->buffer, "\xef\xbb\xbf", 3))
		r->start = 3;
	t->stats.bytes = t->head_size;
	return NULL;
}
