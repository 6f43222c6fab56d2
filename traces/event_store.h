/* SPDX-License-Identifier: MIT */
/*
 * Event store: page-allocation events as blocks of columns, and back.
 *
 * A block has up to EVENT_BLOCK_MAX events.  What they asked for (kind, order, migratetype, flags) comes
 * from few shapes and where they ran from few places, so that an event is two small indices and three
 * small differences: of time, of line (seldom anything but 1) and of page frame to the last event of its
 * kind.  column.h packs each of the five by itself.
 *
 * Every field of every event comes back as it was.  Both ways work on streams: memory holds a block, the
 * strings of the trace, and an index of a few bytes a block.
 */
#ifndef TRACES_EVENT_STORE_H
#define TRACES_EVENT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "engine/event.h"
#include "engine/gfp.h"
#include "traces/mmtrace.h"

#define EVENT_BLOCK_MAX 65536
/* Most strings of a stored trace. */
#define EVENT_STRINGS_MAX ((uint32_t)1 << 24)
/* Most names of flags in its totals: one a bit. */
#define EVENT_GFP_NAMES_MAX 32

/* What the reader of the source counted, as trace.h has it. */
struct event_totals {
	uint64_t events;
	uint64_t lines, ignored;
	uint64_t unknown, first_unknown_line;
	uint64_t damaged, first_damaged_line;
	uint64_t overwritten;
	uint64_t bytes;
	bool counted;
	/* Names of GFP flags that the kernel of the trace does not have, with their bits; borrowed. */
	const struct gfp_name *gfp_names;
	uint32_t gfp_name_count;
};

/* ---- writing ---- */

struct event_writer;

/*
 * Writes to @w, which is borrowed and may have got other blocks before.  @string gives string @number of
 * the trace, for every number up to the largest that an event names; the texts stay where they are.
 */
struct error *event_writer_create(struct mmtrace_writer *w,
				  const char *(*string)(const void *ctx, uint32_t number),
				  const void *ctx, struct event_writer **ret);
void event_writer_destroy(struct event_writer *w);

/*
 * ERROR_RANGE: an event is of no kind there is; ERROR_LIMIT: too many strings, or a file too large;
 * ERROR_NO_MEMORY.
 */
struct error *event_writer_add(struct event_writer *w, const struct event *events, size_t count);
/* Writes what is left, the index and @totals, of which .events is counted here.  Nothing may follow. */
struct error *event_writer_end(struct event_writer *w, const struct event_totals *totals);

/* ---- reading ---- */

struct event_reader;

/* Reads blocks from @r, which is borrowed, from where it stands; @name is what errors call the file. */
struct error *event_reader_create(struct mmtrace_reader *r, const char *name,
				  struct event_reader **ret);
void event_reader_destroy(struct event_reader *r);

/*
 * Puts the next events, up to @room (at least 1), into @events; *@count_ret is 0 at the end.  Where blocks
 * are damaged an EVENT_LOST stands for the events that are missing, with their number (0: the file does
 * not tell it any more); its cpu is 0 and tells nothing, its line and time are those of the last one
 * missing.
 *
 * Errors: ERROR_OS, ERROR_NO_MEMORY; ERROR_UNSUPPORTED for an essential block that is not known here.
 */
struct error *event_reader_read(struct event_reader *r, struct event *events, size_t room,
				size_t *count_ret);

/* String @number, or "" if no block that was read has it.  Valid until the reader ends. */
const char *event_reader_string(const struct event_reader *r, uint32_t number);

/* Number, from 0 on, of the event that event_reader_read() gives next. */
uint64_t event_reader_position(const struct event_reader *r);

/*
 * What is given next is event @number, or the first one behind it that is whole; beyond the last it is
 * the end.  ERROR_UNSUPPORTED and ERROR_CORRUPT as of mmtrace_load_index(); then nothing has moved.
 */
struct error *event_reader_seek(struct event_reader *r, uint64_t number);
/* The same for the first event at @time or later. */
struct error *event_reader_seek_time(struct event_reader *r, uint64_t time);

/* The totals, once the reader met them; before it they are zero.  Names are the reader's. */
const struct event_totals *event_reader_totals(const struct event_reader *r);
/* How many blocks were damaged or missing so far, and the first such damage or NULL (borrowed). */
uint64_t event_reader_damaged(const struct event_reader *r);
const struct error *event_reader_damage(const struct event_reader *r);

#endif
