/* SPDX-License-Identifier: MIT */
/*
 * perf.data with samples of tracepoints, as perf record writes it; the layout is told by
 * tools/perf/Documentation/perf.data-file-format.txt of the kernel, that of records by
 * perf_event_open(2).  No library in Debian reads it.
 *
 * perf writes the buffers of all CPUs in turns ("rounds"): what comes after the end of a round is not
 * older than the youngest of the round before it.  So events are kept, and sorted, until the round after
 * theirs has ended; memory goes with the size of two rounds.
 */
#include <stdlib.h>
#include <string.h>

#include "traces/grow.h"
#include "traces/trace/record.h"

#define WINDOW_BYTES ((size_t)256 << 10)
#define ATTRS_MAX 65536
#define FEATURE_TRACING_DATA 1

/* Events that are kept at most; more in two rounds are told as they stand. */
#define KEPT_MAX (4U << 20)

enum record_type {
	PERF_RECORD_LOST = 2,
	PERF_RECORD_COMM = 3,
	PERF_RECORD_FORK = 7,
	PERF_RECORD_SAMPLE = 9,
	PERF_RECORD_FINISHED_ROUND = 68,
	PERF_RECORD_AUXTRACE = 71,
	PERF_RECORD_COMPRESSED = 81,
	PERF_RECORD_COMPRESSED2 = 83,
};

enum sample_bit {
	SAMPLE_IP = 1 << 0,
	SAMPLE_TID = 1 << 1,
	SAMPLE_TIME = 1 << 2,
	SAMPLE_ADDR = 1 << 3,
	SAMPLE_READ = 1 << 4,
	SAMPLE_CALLCHAIN = 1 << 5,
	SAMPLE_ID = 1 << 6,
	SAMPLE_CPU = 1 << 7,
	SAMPLE_PERIOD = 1 << 8,
	SAMPLE_STREAM_ID = 1 << 9,
	SAMPLE_RAW = 1 << 10,
	SAMPLE_IDENTIFIER = 1 << 16,
};

enum read_bit { READ_ENABLED = 1, READ_RUNNING = 2, READ_ID = 4, READ_GROUP = 8, READ_LOST = 16 };

struct attr {
	uint64_t sample_type, read_format;
	bool id_all; /* other records end with the ids of a sample */
};

struct id {
	uint64_t id;
	uint32_t attr;
};

struct perf_reader {
	struct raw_file file;
	struct record_formats *formats;
	struct attr *attrs;
	uint32_t attr_count;
	struct id *ids; /* by id */
	uint32_t id_count, id_room;
	uint64_t offset, end; /* of the records that are left */
	uint8_t *window;
	uint64_t window_offset;
	size_t window_size;
	/* Events kept: those from @at to @ready are told next, the others wait. */
	struct event *kept;
	uint32_t kept_count, kept_room, at, ready;
	uint64_t round_time, limit_time; /* youngest of this round, and of the one before it */
	uint64_t told; /* events */
	bool done;
	struct error *failed; /* what is done ended with this */
};

/* ---- the head ---- */

static int compare_ids(const void *a, const void *b)
{
	const struct id *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void read_ids(struct perf_reader *r, struct raw_cursor *c, uint32_t attr)
{
	struct raw_cursor in = { .file = c->file };
	uint64_t size;

	in.offset = raw_take_u64(c);
	size = raw_take_u64(c);
	for (uint64_t i = 0; i < size / 8 && !c->err && !in.err; i++) {
		struct id *ids = grow(r->ids, r->id_count, &r->id_room, sizeof(*ids));

		if (!ids) {
			c->err = error_no_memory();
			break;
		}
		r->ids = ids;
		ids[r->id_count++] = (struct id){ raw_take_u64(&in), attr };
	}
	if (c->err)
		error_destroy(in.err);
	else
		c->err = in.err;
}

static void read_attrs(struct perf_reader *r, struct raw_cursor *c, uint64_t size,
		       uint64_t attr_size)
{
	uint64_t count = attr_size ? size / attr_size : 0, begin = c->offset;

	/* The fields up to the flags, and the place of the ids. */
	if (attr_size < 64 || !count || count > ATTRS_MAX) {
		raw_refuse(c, "has no events, or too many");
		return;
	}
	r->attrs = calloc(count, sizeof(*r->attrs));
	if (!r->attrs) {
		c->err = error_no_memory();
		return;
	}
	r->attr_count = (uint32_t)count;
	for (uint32_t i = 0; i < count && !c->err; i++) {
		c->offset = begin + i * attr_size;
		raw_skip(c, 24);
		r->attrs[i].sample_type = raw_take_u64(c);
		r->attrs[i].read_format = raw_take_u64(c);
		r->attrs[i].id_all = raw_take_u64(c) >> 18 & 1;
		c->offset = begin + (i + 1) * attr_size - 16;
		read_ids(r, c, i);
	}
	if (r->id_count)
		qsort(r->ids, r->id_count, sizeof(*r->ids), compare_ids);
}

/* The tracing data, which has a head like that of trace.dat. */
static void read_tracing_data(struct trace *t, struct perf_reader *r, struct raw_cursor *c)
{
	char magic[10], version[16];

	raw_take(c, magic, sizeof(magic));
	if (!c->err && memcmp(magic, "\x17\x08\x44tracing", sizeof(magic)) != 0)
		raw_refuse(c, "has no tracing data where it should be");
	raw_take_text(c, version, sizeof(version));
	raw_skip(c, 1 + 1 + 4);
	record_read_tracing_data(t, r->formats, c, !strcmp(version, "0.6"));
}

static void read_head(struct trace *t, struct perf_reader *r, struct raw_cursor *c)
{
	uint64_t head_size, attr_size, attrs_offset, attrs_size, features;

	raw_skip(c, 8);
	head_size = raw_take_u64(c);
	if (!c->err && head_size < 104) {
		c->err = error_create(ERROR_UNSUPPORTED, c->file->name, 0, 0,
				      "was written to a pipe (perf record -o -); "
				      "perf script makes text of it, which can be read");
		return;
	}
	attr_size = raw_take_u64(c);
	attrs_offset = raw_take_u64(c);
	attrs_size = raw_take_u64(c);
	r->offset = raw_take_u64(c);
	r->end = raw_take_u64(c);
	raw_skip(c, 16);
	features = raw_take_u64(c);
	if (c->err)
		return;
	if (r->end > UINT64_MAX - r->offset) {
		raw_refuse(c, "has data beyond all bounds");
		return;
	}
	r->end += r->offset;
	c->offset = attrs_offset;
	read_attrs(r, c, attrs_size, attr_size);
	if (!(features >> FEATURE_TRACING_DATA & 1)) {
		raw_refuse(c, "has no tracepoints");
		return;
	}
	/* Places of the features follow the data, in the order of their bits. */
	c->offset = r->end;
	raw_skip(c, features & 1 ? 16 : 0);
	c->offset = raw_take_u64(c);
	if (!c->err)
		read_tracing_data(t, r, c);
}

/* ---- records ---- */

/* @size bytes at the place reached, valid until the next call; NULL when the data ends before. */
static const uint8_t *look(struct perf_reader *r, struct raw_cursor *c, size_t size)
{
	uint64_t left = r->end - r->offset;
	uint64_t in_file = r->offset < r->file.size ? r->file.size - r->offset : 0;

	left = left < in_file ? left : in_file;
	if (size > left)
		return NULL;
	if (r->offset < r->window_offset || r->offset + size > r->window_offset + r->window_size) {
		r->window_size = left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
		r->window_offset = r->offset;
		c->err = raw_file_read(&r->file, r->offset, r->window, r->window_size);
		if (c->err)
			return NULL;
	}
	return r->window + (r->offset - r->window_offset);
}

static const struct attr *attr_of(const struct perf_reader *r, uint64_t id)
{
	struct id key = { .id = id };
	const struct id *found = NULL;

	if (r->id_count)
		found = bsearch(&key, r->ids, r->id_count, sizeof(*r->ids), compare_ids);
	return &r->attrs[found ? found->attr : 0];
}

/* A piece of a record. */
struct part {
	const uint8_t *p;
	size_t left;
	bool good;
};

static const uint8_t *part_take(struct part *part, uint64_t size)
{
	const uint8_t *p = part->p;

	if (size > part->left) {
		part->good = false;
		part->left = 0;
		return NULL;
	}
	part->p += size;
	part->left -= (size_t)size;
	return p;
}

static uint64_t part_u64(struct part *part)
{
	const uint8_t *p = part_take(part, 8);

	return p ? raw_u64(p, false) : 0;
}

static uint32_t part_u32(struct part *part)
{
	const uint8_t *p = part_take(part, 4);

	return p ? raw_u32(p, false) : 0;
}

static void skip_read(struct part *part, uint64_t format)
{
	uint64_t more = 8ULL * (((format & READ_ENABLED) != 0) + ((format & READ_RUNNING) != 0));
	uint64_t each = 8ULL * (1 + ((format & READ_ID) != 0) + ((format & READ_LOST) != 0));
	uint64_t count = 1;

	if (format & READ_GROUP)
		count = part_u64(part);
	part_take(part, more);
	if (count > part->left)
		part->good = false;
	else
		part_take(part, count * each);
}

static bool keep(struct perf_reader *r, const struct event *event)
{
	struct event *kept = grow(r->kept, r->kept_count, &r->kept_room, sizeof(*kept));

	if (!kept)
		return false;
	r->kept = kept;
	kept[r->kept_count] = *event;
	/* The order of the file, to tell equal times apart. */
	kept[r->kept_count].line = r->kept_count;
	r->kept_count++;
	if (event->time > r->round_time)
		r->round_time = event->time;
	return true;
}

static void take_sample(struct trace *t, struct perf_reader *r, struct raw_cursor *c,
			struct part part)
{
	const struct attr *attr = &r->attrs[0];
	uint64_t type = attr->sample_type, time = 0;
	const uint8_t *raw = NULL;
	uint32_t cpu = 0, raw_size = 0;
	struct event event;

	if (type & SAMPLE_IDENTIFIER) {
		attr = attr_of(r, part_u64(&part));
		type = attr->sample_type;
	}
	if (type & SAMPLE_IP)
		part_u64(&part);
	if (type & SAMPLE_TID)
		part_u64(&part);
	if (type & SAMPLE_TIME)
		time = part_u64(&part);
	if (type & SAMPLE_ADDR)
		part_u64(&part);
	if (type & SAMPLE_ID)
		part_u64(&part);
	if (type & SAMPLE_STREAM_ID)
		part_u64(&part);
	if (type & SAMPLE_CPU) {
		cpu = part_u32(&part);
		part_u32(&part);
	}
	if (type & SAMPLE_PERIOD)
		part_u64(&part);
	if (type & SAMPLE_READ)
		skip_read(&part, attr->read_format);
	if (type & SAMPLE_CALLCHAIN) {
		uint64_t count = part_u64(&part);

		if (count > part.left)
			part.good = false;
		else
			part_take(&part, count * 8);
	}
	if (type & SAMPLE_RAW) {
		raw_size = part_u32(&part);
		raw = part_take(&part, raw_size);
	}
	if (part.good && !(type & SAMPLE_RAW)) {
		t->stats.ignored++;
		return;
	}
	if (!part.good || cpu > UINT16_MAX ||
	    !record_decode(t, r->formats, raw, raw_size, false, &event)) {
		reader_damaged(t, t->stats.lines);
		return;
	}
	event.time = time;
	event.cpu = (uint16_t)cpu;
	if (!keep(r, &event))
		c->err = error_no_memory();
}

/* What stands at the end of a record that is no sample. */
static void take_ids(const struct perf_reader *r, struct part part, struct event *event)
{
	uint64_t type = r->attrs[0].sample_type;
	uint64_t size = 8ULL * (((type & SAMPLE_TID) != 0) + ((type & SAMPLE_TIME) != 0) +
				((type & SAMPLE_ID) != 0) + ((type & SAMPLE_STREAM_ID) != 0) +
				((type & SAMPLE_CPU) != 0) + ((type & SAMPLE_IDENTIFIER) != 0));

	if (!r->attrs[0].id_all || size > part.left)
		return;
	part_take(&part, part.left - size);
	if (type & SAMPLE_TID)
		part_u64(&part);
	if (type & SAMPLE_TIME)
		event->time = part_u64(&part);
	if (type & SAMPLE_ID)
		part_u64(&part);
	if (type & SAMPLE_STREAM_ID)
		part_u64(&part);
	if (type & SAMPLE_CPU)
		event->cpu = (uint16_t)part_u32(&part);
}

static void take_lost(struct perf_reader *r, struct raw_cursor *c, struct part part)
{
	struct event event = { .kind = EVENT_LOST, .pfn = PFN_NONE, .pid = -1 };
	uint64_t count;

	part_u64(&part);
	count = part_u64(&part);
	if (!part.good)
		return;
	event.count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
	event.time = r->round_time;
	take_ids(r, part, &event);
	if (!keep(r, &event))
		c->err = error_no_memory();
}

static void take_comm(struct trace *t, struct perf_reader *r, struct raw_cursor *c,
		      struct part part)
{
	const char *nul;
	int32_t tid;

	part_u32(&part);
	tid = (int32_t)part_u32(&part);
	nul = part.good ? memchr(part.p, '\0', part.left) : NULL;
	if (nul && !record_set_comm(r->formats, tid,
				    reader_string(t, (const char *)part.p,
						  (size_t)(nul - (const char *)part.p))))
		c->err = error_no_memory();
}

/* A new thread has the name of the one that made it. */
static void take_fork(struct perf_reader *r, struct raw_cursor *c, struct part part)
{
	int32_t tid, parent;

	part_u64(&part);
	tid = (int32_t)part_u32(&part);
	parent = (int32_t)part_u32(&part);
	if (part.good && !record_set_comm(r->formats, tid, record_comm(r->formats, parent)))
		c->err = error_no_memory();
}

static int compare_events(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

/* Makes ready what is kept up to a time. */
static void make_ready(struct perf_reader *r, uint64_t limit)
{
	if (!r->kept_count)
		return;
	qsort(r->kept, r->kept_count, sizeof(*r->kept), compare_events);
	while (r->ready < r->kept_count && r->kept[r->ready].time <= limit)
		r->ready++;
	for (uint32_t i = 0; i < r->kept_count; i++)
		r->kept[i].line = i;
}

static void end_round(struct perf_reader *r)
{
	make_ready(r, r->limit_time);
	r->limit_time = r->round_time;
}

/* Takes one record; false at the end of the data. */
static bool take_record(struct trace *t, struct perf_reader *r, struct raw_cursor *c)
{
	const uint8_t *head = look(r, c, 8), *record;
	uint64_t extra = 0;
	uint32_t type;
	uint16_t size;
	struct part part;

	if (!head)
		goto cut_off;
	type = raw_u32(head, false);
	size = raw_u16(head + 6, false);
	record = size >= 8 ? look(r, c, size) : NULL;
	if (!record)
		goto cut_off;
	part = (struct part){ record + 8, size - 8U, true };
	t->stats.lines++;
	switch (type) {
	case PERF_RECORD_SAMPLE:
		take_sample(t, r, c, part);
		break;
	case PERF_RECORD_LOST:
		take_lost(r, c, part);
		break;
	case PERF_RECORD_COMM:
		take_comm(t, r, c, part);
		t->stats.ignored++;
		break;
	case PERF_RECORD_FORK:
		take_fork(r, c, part);
		t->stats.ignored++;
		break;
	case PERF_RECORD_FINISHED_ROUND:
		end_round(r);
		t->stats.ignored++;
		break;
	case PERF_RECORD_COMPRESSED:
	case PERF_RECORD_COMPRESSED2:
		c->err = error_create(ERROR_UNSUPPORTED, c->file->name, 0, 0,
				      "holds packed records (perf record -z); "
				      "perf script makes text of it, which can be read");
		break;
	case PERF_RECORD_AUXTRACE:
		extra = part_u64(&part);
		t->stats.ignored++;
		break;
	default:
		t->stats.ignored++;
		break;
	}
	r->offset += size;
	if (extra <= r->end - r->offset) {
		r->offset += extra;
		return !c->err;
	}
cut_off:
	/* A record may well end with the data, but not what it says comes behind it. */
	if (!c->err && (extra || r->offset != r->end))
		c->err = error_create(ERROR_CORRUPT, c->file->name, 0, 0,
				      "is cut off or damaged: no record at %llu",
				      (unsigned long long)r->offset);
	return false;
}

static struct error *perf_next(struct trace *t)
{
	struct perf_reader *r = t->reader;
	struct raw_cursor c = { .file = &r->file };

	while (r->at == r->ready && !r->done) {
		/* What was told makes room. */
		if (r->at) {
			r->kept_count -= r->at;
			memmove(r->kept, r->kept + r->at, r->kept_count * sizeof(*r->kept));
			r->at = r->ready = 0;
		}
		if (!take_record(t, r, &c)) {
			r->done = true;
			make_ready(r, UINT64_MAX);
		} else if (r->kept_count >= KEPT_MAX) {
			make_ready(r, r->round_time);
		}
	}
	if (c.err)
		r->failed = c.err;
	while (r->at < r->ready && !reader_full(t)) {
		struct event *event = &t->batch[t->count++];

		*event = r->kept[r->at++];
		event->line = ++r->told;
	}
	/* An error is told after all that came before it. */
	if (r->at < r->ready || !r->failed)
		return NULL;
	c.err = r->failed;
	r->failed = NULL;
	return c.err;
}

static void perf_close(struct trace *t)
{
	struct perf_reader *r = t->reader;

	error_destroy(r->failed);
	free(r->attrs);
	free(r->ids);
	free(r->window);
	free(r->kept);
	record_formats_destroy(r->formats);
	raw_file_deinit(&r->file);
	free(r);
}

static const struct reader_ops perf_ops = { .next = perf_next, .close = perf_close };

bool perf_is(const uint8_t *head, size_t size)
{
	return size >= 8 && (!memcmp(head, "PERFILE2", 8) || !memcmp(head, "2ELIFREP", 8));
}

struct error *perf_reader_open(struct trace *t)
{
	struct perf_reader *r = calloc(1, sizeof(*r));
	struct raw_cursor c = { 0 };

	if (!r)
		return error_no_memory();
	r->file.fd = -1;
	t->reader = r;
	t->ops = &perf_ops;
	if (t->head[0] != 'P')
		return error_create(ERROR_UNSUPPORTED, input_stream_name(t->stream), 0, 0,
				    "was made on a big-endian machine; "
				    "perf script makes text of it, which can be read");
	c.file = &r->file;
	c.err = raw_file_open(t, &r->file);
	r->formats = record_formats_create();
	r->window = malloc(r->file.size < WINDOW_BYTES ? (size_t)r->file.size + 1 : WINDOW_BYTES);
	if (!c.err && (!r->formats || !r->window))
		c.err = error_no_memory();
	if (!c.err)
		read_head(t, r, &c);
	t->stats.bytes = r->file.size;
	return c.err;
}
