/* SPDX-License-Identifier: MIT */
/*
 * Stored traces as a reader.  Strings, kinds and bits are as they were when the trace was stored: nothing is
 * left to be worked out, so that no kernel has to be named.
 */
#include <stdlib.h>
#include <string.h>

#include "traces/event_store.h"
#include "traces/mmtrace_file.h"
#include "traces/trace/reader.h"

struct stored_reader {
	struct mmtrace_reader *file;
	struct event_reader *events;
	bool named; /* unknown flags are */
};

/* Names of flags that the traced kernel did not have are known once the totals are. */
static void take_names(struct trace *t, const struct event_totals *totals)
{
	for (uint32_t i = 0; i < totals->gfp_name_count; i++) {
		const struct gfp_name *name = &totals->gfp_names[i];

		if (gfp_table_add_name(&t->gfp, name->text, strlen(name->text), name->mask))
			t->gfp_unknown |= name->mask;
	}
}

static struct error *stored_next(struct trace *t)
{
	struct stored_reader *r = t->reader;
	struct error *err = event_reader_read(r->events, t->batch, t->batch_room, &t->count);
	const struct event_totals *totals = event_reader_totals(r->events);

	t->stats.lines = totals->lines;
	t->stats.ignored = totals->ignored;
	t->stats.unknown = totals->unknown;
	t->stats.first_unknown_line = totals->first_unknown_line;
	t->stats.damaged = totals->damaged + event_reader_damaged(r->events);
	t->stats.first_damaged_line = totals->first_damaged_line;
	t->stats.overwritten = totals->overwritten;
	t->stats.bytes = totals->bytes;
	t->stats.counted = totals->counted;
	if (totals->gfp_name_count && !r->named) {
		take_names(t, totals);
		r->named = true;
	}
	return err;
}

static void stored_close(struct trace *t)
{
	struct stored_reader *r = t->reader;

	event_reader_destroy(r->events);
	mmtrace_reader_destroy(r->file);
	free(r);
}

static const char *stored_string(const struct trace *t, uint32_t number)
{
	const struct stored_reader *r = t->reader;

	return event_reader_string(r->events, number);
}

static const struct error *stored_damage(const struct trace *t)
{
	const struct stored_reader *r = t->reader;

	return event_reader_damage(r->events);
}

static struct error *stored_seek(struct trace *t, uint64_t to, bool by_time)
{
	const struct stored_reader *r = t->reader;

	return by_time ? event_reader_seek_time(r->events, to) : event_reader_seek(r->events, to);
}

static const struct reader_ops stored_ops = {
	.next = stored_next,
	.close = stored_close,
	.string = stored_string,
	.damage = stored_damage,
	.seek = stored_seek,
};

struct error *stored_reader_open(struct trace *t)
{
	struct stored_reader *r = calloc(1, sizeof(*r));
	struct error *err = NULL;

	if (!r)
		return error_no_memory();
	t->reader = r;
	t->ops = &stored_ops;
	/* A plain file is opened once more, to be sought in. */
	if (t->path && input_stream_packing(t->stream) == INPUT_PLAIN)
		err = mmtrace_file_open(t->path, &r->file);
	if (!err && !r->file)
		err = mmtrace_stream_open(t->stream, t->head, t->head_size, &r->file);
	if (err)
		return err;
	mmtrace_reader_lend(r->file, t->unpacker);
	return event_reader_create(r->file, input_stream_name(t->stream), &r->events);
}
