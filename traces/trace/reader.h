/* SPDX-License-Identifier: MIT */
/*
 * Reader: what the readers of traces share, behind the face of trace.h.
 *
 * A reader fills the batch: reader_event() gives a place for the next event, and a reader returns from
 * its next() when reader_full() or when it has nothing more.
 */
#ifndef TRACES_TRACE_READER_H
#define TRACES_TRACE_READER_H

#include <stdbool.h>

#include "traces/input.h"
#include "traces/trace/trace.h"

/* Events handed out at a time. */
#define READER_BATCH 2048

/* Bytes looked at to tell the forms of a trace apart. */
#define READER_HEAD_BYTES 16

struct reader_ops {
	/* Fills the batch; an empty one is the end. */
	struct error *(*next)(struct trace *t);
	void (*close)(struct trace *t);
	/* NULL: the strings are those of reader_string(). */
	const char *(*string)(const struct trace *t, uint32_t number);
	/* NULL: nothing is ever damaged that trace_stats() does not count by its line. */
	const struct error *(*damage)(const struct trace *t);
	/* NULL: cannot. */
	struct error *(*seek)(struct trace *t, uint64_t to, bool by_time);
};

struct reader_strings {
	char **text; /* by number; 0 is "" */
	uint32_t count, room;
	uint32_t *slots; /* numbers by hash, 0 = free; a power of two of them */
	uint32_t slot_count;
};

/* CPUs whose own order is looked at. */
#define READER_CPUS 512

/* What times have been, to see whether they run backwards. */
struct reader_order {
	uint64_t newest; /* of all events */
	uint64_t horizon; /* of those that are at least TRACE_ORDER_WINDOW events ago */
	uint64_t next_horizon;
	uint32_t place; /* in the window */
	uint64_t newest_of[READER_CPUS + 1]; /* the last: of CPUs above */
};

struct trace {
	const struct reader_ops *ops;
	void *reader; /* of the ops */
	struct gfp_table gfp;
	uint32_t gfp_unknown; /* bits that stand for unknown names */
	struct mmtrace_unpacker *unpacker; /* borrowed; NULL: its own */
	struct input_stream *stream;
	char *path; /* NULL: no file of its own: bytes or standard input */
	/* First bytes of the stream, read already. */
	uint8_t head[READER_HEAD_BYTES];
	size_t head_size;
	struct reader_strings strings;
	struct trace_stats stats;
	struct reader_order order;
	struct event *batch;
	size_t batch_room; /* READER_BATCH, or less where that many events cannot be */
	size_t count;
	struct error *failed; /* told once the batch is out */
	bool end;
};

/*
 * The number of a string, the same for the same bytes.  Without memory it is 0, and the trace will end
 * with that error.
 */
uint32_t reader_string(struct trace *t, const char *text, size_t len);

/* The bits of flags as text; unknown names get bits of their own. */
void reader_gfp(struct trace *t, const char *text, size_t len, struct event *event);

/* The trace ends with @err after the events of this batch; a second error is dropped. */
void reader_fail(struct trace *t, struct error *err);

static inline bool reader_full(const struct trace *t)
{
	return t->count == t->batch_room;
}

/* Counts a line that begins like an event we know and does not parse. */
static inline void reader_damaged(struct trace *t, uint64_t line)
{
	if (!t->stats.damaged++)
		t->stats.first_damaged_line = line;
}

static inline void reader_unknown(struct trace *t, uint64_t line)
{
	if (!t->stats.unknown++)
		t->stats.first_unknown_line = line;
}

struct error *text_reader_open(struct trace *t);
struct error *stored_reader_open(struct trace *t);
/* Whether a file begins as a trace.dat; reads one. */
bool dat_is(const uint8_t *head, size_t size);
struct error *dat_reader_open(struct trace *t);
/* The same of perf.data. */
bool perf_is(const uint8_t *head, size_t size);
struct error *perf_reader_open(struct trace *t);

#endif
