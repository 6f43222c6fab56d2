/* SPDX-License-Identifier: MIT */
/*
 * trace.dat, the file of trace-cmd, versions 6 and 7; the layout is told by the manual pages
 * trace-cmd.dat.v6(5) and v7(5), that of the ring buffer's pages by the kernel's events/header_page and
 * header_event.
 *
 * There is a library for it, libtracecmd, and it is not used: version 3.1.6 runs into invalid memory when
 * one byte of a file's options is changed, and a damaged file has to be an error here.
 *
 * 1. The head gives the layouts of events, the names of tasks, and where each CPU's pages lie.
 * 2. Each CPU has one page in memory (or one piece of packed pages), and its next event.
 * 3. The CPUs stand in a heap by the time of their next events; the first is handed out.
 */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "traces/trace/record.h"

#define PAGE_BYTES_MAX ((uint32_t)1 << 20)
#define PIECE_BYTES_MAX ((uint32_t)64 << 20)
#define CPUS_MAX 65536
#define OPTIONS_MAX 65536

enum section { SECTION_OPTIONS = 0 };
enum option {
	OPTION_DONE = 0,
	OPTION_BUFFER = 3,
	OPTION_HEADER_INFO = 16,
	OPTION_FTRACE_EVENTS = 17,
	OPTION_EVENT_FORMATS = 18,
	OPTION_CMDLINES = 21,
};

/* Of the first word of a record in a page: what is no length of data. */
enum { TYPE_PADDING = 29, TYPE_TIME_EXTEND = 30, TYPE_TIME_STAMP = 31 };

/* Bits of the count of bytes in a page's head. */
#define COMMIT_BYTES 0x07ffffffU
#define COMMIT_MISSED_STORED (1U << 30)
#define COMMIT_MISSED (1U << 31)

enum packing { PACKING_NONE, PACKING_ZLIB, PACKING_ZSTD };

struct cpu {
	uint32_t number;
	uint64_t offset, end; /* of its pages in the file, what is left */
	/* Packed pages: how many pieces are left, and the one at hand. */
	uint32_t pieces;
	uint8_t *piece;
	uint32_t piece_size, piece_at;
	uint8_t *page;
	uint32_t at, page_end; /* of the next record in the page */
	uint64_t time; /* of the record before it */
	bool begun; /* any page was read */
	/* The next event, and one to tell before it. */
	struct event event;
	bool lost;
	uint32_t lost_count;
};

struct dat_reader {
	struct raw_file file;
	struct record_formats *formats;
	enum packing packing; /* of sections and pages that are packed */
	bool version_7;
	bool packed_pages;
	unsigned int head_bytes; /* of a page: time and count */
	unsigned int long_bytes;
	uint32_t page_bytes;
	struct cpu *cpus;
	uint32_t cpu_count;
	uint32_t *heap; /* numbers of CPUs with a next event, the earliest first */
	uint32_t heap_count;
	struct error *failed; /* the first that a CPU's pages ended with */
};

/* ---- packed parts ---- */

/* @size bytes of zlib's format, which has no head that unpack_detect() would know. */
static void unpack_zlib(struct raw_cursor *c, const uint8_t *from, uint32_t from_size, uint8_t *to,
			uint32_t size)
{
	uLongf made = size;

	if (uncompress(to, &made, from, from_size) != Z_OK || made != size)
		c->err = error_create(ERROR_CORRUPT, c->file->name, 0, 0,
				      "has a packed part that is damaged");
}

static void unpack_zstd(struct raw_cursor *c, const uint8_t *from, uint32_t from_size, uint8_t *to,
			uint32_t size)
{
	/* One byte more than there should be tells whether more comes. */
	struct unpack_step step = { .in = from,
				    .in_size = from_size,
				    .in_last = true,
				    .out = to,
				    .out_room = (size_t)size + 1 };
	struct unpacker *unpacker;
	bool end = false;

	c->err = unpacker_create(c->file->name, INPUT_ZSTD, &unpacker);
	if (c->err)
		return;
	while (!c->err && !end && step.out_room)
		c->err = unpacker_step(unpacker, &step, &end);
	unpacker_destroy(unpacker);
	if (!c->err && step.out != to + size)
		c->err = error_create(ERROR_CORRUPT, c->file->name, 0, 0,
				      "has a packed part of another size than it says");
}

/* A part as trace-cmd packs it: both sizes, then the data.  NULL after an error. */
static uint8_t *take_packed(struct raw_cursor *c, enum packing packing, uint32_t *size_ret)
{
	uint32_t packed = raw_take_u32(c), size = raw_take_u32(c);
	char *data = raw_take_bytes(c, packed);
	uint8_t *ret = NULL;

	if (size > PIECE_BYTES_MAX)
		raw_refuse(c, "has a packed part of more than 64 MiB");
	if (!c->err) {
		ret = malloc((size_t)size + 1);
		if (!ret)
			c->err = error_no_memory();
	}
	if (!c->err && packing == PACKING_ZSTD)
		unpack_zstd(c, (const uint8_t *)data, packed, ret, size);
	else if (!c->err && packing == PACKING_ZLIB)
		unpack_zlib(c, (const uint8_t *)data, packed, ret, size);
	else
		raw_refuse(c, "has packed parts and does not say how they are packed");
	free(data);
	if (c->err) {
		free(ret);
		return NULL;
	}
	*size_ret = size;
	return ret;
}

/* ---- the head ---- */

static struct cpu *add_cpus(struct raw_cursor *c, struct dat_reader *r, uint32_t count)
{
	struct cpu *cpus;

	if (count > CPUS_MAX - r->cpu_count) {
		raw_refuse(c, "has too many CPUs");
		return NULL;
	}
	cpus = realloc(r->cpus, ((size_t)r->cpu_count + count + 1) * sizeof(*cpus));
	if (!cpus) {
		if (!c->err)
			c->err = error_no_memory();
		return NULL;
	}
	memset(cpus + r->cpu_count, 0, ((size_t)count + 1) * sizeof(*cpus));
	r->cpus = cpus;
	r->cpu_count += count;
	return cpus + r->cpu_count - count;
}

static void read_head_6(struct trace *t, struct dat_reader *r, struct raw_cursor *c)
{
	uint32_t count;
	struct cpu *cpus;
	char word[10];

	record_read_tracing_data(t, r->formats, c, true);
	count = raw_take_u32(c);
	raw_take(c, word, sizeof(word));
	if (!c->err && !memcmp(word, "options  ", sizeof(word))) {
		for (uint32_t i = 0; i < OPTIONS_MAX && raw_take_u16(c) && !c->err; i++)
			raw_skip(c, raw_take_u32(c));
		raw_take(c, word, sizeof(word));
	}
	if (!c->err && memcmp(word, "flyrecord", sizeof(word)) != 0)
		raw_refuse(c, "has no trace of the kind flyrecord");
	if (c->err)
		return;
	cpus = add_cpus(c, r, count);
	for (uint32_t i = 0; cpus && i < count && !c->err; i++) {
		cpus[i].number = i;
		cpus[i].offset = raw_take_u64(c);
		cpus[i].end = raw_take_u64(c);
		if (cpus[i].end > UINT64_MAX - cpus[i].offset)
			raw_refuse(c, "has pages beyond all bounds");
		cpus[i].end += cpus[i].offset;
	}
}

struct section_head {
	uint16_t id, flags;
	uint64_t size;
};

static void take_section_head(struct raw_cursor *c, struct section_head *ret)
{
	ret->id = raw_take_u16(c);
	ret->flags = raw_take_u16(c);
	raw_skip(c, 4); /* a description */
	ret->size = raw_take_u64(c);
}

/* Calls @read with a cursor in the section at @offset, unpacked. */
static void with_section(struct trace *t, struct dat_reader *r, struct raw_cursor *c,
			 uint64_t offset,
			 void (*read)(struct trace *t, struct dat_reader *r, struct raw_cursor *c))
{
	struct raw_cursor in = { .file = &r->file, .offset = offset };
	struct section_head head;

	if (c->err)
		return;
	take_section_head(&in, &head);
	if (!in.err && head.flags & 1) {
		struct raw_file unpacked = { 0 };
		uint32_t size = 0;
		uint8_t *bytes = take_packed(&in, r->packing, &size);

		if (bytes) {
			raw_file_of_bytes(r->file.name, bytes, size, r->file.big_endian, &unpacked);
			in.file = &unpacked;
			in.offset = 0;
			read(t, r, &in);
			raw_file_deinit(&unpacked);
		}
	} else if (!in.err) {
		read(t, r, &in);
	}
	c->err = in.err;
}

static void read_header_info(struct trace *t, struct dat_reader *r, struct raw_cursor *c)
{
	(void)t;
	(void)r;
	record_read_headers(c);
}

static void read_ftrace_events(struct trace *t, struct dat_reader *r, struct raw_cursor *c)
{
	record_read_ftrace_formats(t, r->formats, c);
}

static void read_event_formats(struct trace *t, struct dat_reader *r, struct raw_cursor *c)
{
	record_read_event_formats(t, r->formats, c);
}

static void read_cmdlines(struct trace *t, struct dat_reader *r, struct raw_cursor *c)
{
	record_read_comms(t, r->formats, c);
}

/* Where the pages of one buffer lie. */
static void read_buffer_option(struct dat_reader *r, struct raw_cursor *c)
{
	struct raw_cursor section = { .file = c->file, .offset = raw_take_u64(c) };
	struct section_head head = { 0 };
	uint32_t page_bytes, count;
	struct cpu *cpus;
	char text[256];

	raw_take_text(c, text, sizeof(text)); /* the instance's name */
	raw_take_text(c, text, sizeof(text)); /* its clock */
	page_bytes = raw_take_u32(c);
	count = raw_take_u32(c);
	if (!c->err)
		take_section_head(&section, &head);
	if (!c->err)
		c->err = section.err;
	else
		error_destroy(section.err);
	if (r->cpu_count && (page_bytes != r->page_bytes || r->packed_pages != (head.flags & 1)))
		raw_refuse(c, "has buffers with pages of different kinds");
	if (c->err)
		return;
	r->page_bytes = page_bytes;
	r->packed_pages = head.flags & 1;
	cpus = add_cpus(c, r, count);
	for (uint32_t i = 0; cpus && i < count && !c->err; i++) {
		cpus[i].number = raw_take_u32(c);
		cpus[i].offset = raw_take_u64(c);
		cpus[i].end = raw_take_u64(c);
		if (cpus[i].end > UINT64_MAX - cpus[i].offset)
			raw_refuse(c, "has pages beyond all bounds");
		cpus[i].end += cpus[i].offset;
	}
}

/* One section of options; *@next gets where more are, 0: nowhere. */
static void read_options(struct trace *t, struct dat_reader *r, struct raw_cursor *c,
			 uint64_t *next)
{
	*next = 0;
	for (uint32_t i = 0; i < OPTIONS_MAX && !c->err; i++) {
		uint16_t id = raw_take_u16(c);
		uint32_t size = raw_take_u32(c);
		uint64_t data = c->offset;

		switch (id) {
		case OPTION_DONE:
			if (size >= 8)
				*next = raw_take_u64(c);
			return;
		case OPTION_BUFFER:
			read_buffer_option(r, c);
			break;
		case OPTION_HEADER_INFO:
			with_section(t, r, c, raw_take_u64(c), read_header_info);
			break;
		case OPTION_FTRACE_EVENTS:
			with_section(t, r, c, raw_take_u64(c), read_ftrace_events);
			break;
		case OPTION_EVENT_FORMATS:
			with_section(t, r, c, raw_take_u64(c), read_event_formats);
			break;
		case OPTION_CMDLINES:
			with_section(t, r, c, raw_take_u64(c), read_cmdlines);
			break;
		default:
			break;
		}
		if (!c->err) {
			c->offset = data;
			raw_skip(c, size);
		}
	}
	raw_refuse(c, "has options without end");
}

static void read_head_7(struct trace *t, struct dat_reader *r, struct raw_cursor *c)
{
	char name[64], version[64];
	uint64_t next;

	raw_take_text(c, name, sizeof(name));
	raw_take_text(c, version, sizeof(version));
	if (!strcmp(name, "zstd"))
		r->packing = PACKING_ZSTD;
	else if (!strcmp(name, "zlib"))
		r->packing = PACKING_ZLIB;
	else if (!c->err && strcmp(name, "none") != 0)
		c->err = error_create(ERROR_UNSUPPORTED, c->file->name, 0, 0,
				      "is packed with %s; zstd and zlib can be read", name);
	next = raw_take_u64(c);
	for (uint32_t i = 0; next && !c->err; i++) {
		struct section_head head;

		c->offset = next;
		take_section_head(c, &head);
		if (head.id != SECTION_OPTIONS || head.flags & 1)
			raw_refuse(c, "has no options where they should be");
		if (i == 64)
			raw_refuse(c, "has options without end");
		if (!c->err)
			read_options(t, r, c, &next);
	}
}

static void read_head(struct trace *t, struct dat_reader *r, struct raw_cursor *c)
{
	uint8_t magic[10], byte[2];
	char version[16];

	raw_take(c, magic, sizeof(magic));
	raw_take_text(c, version, sizeof(version));
	raw_take(c, byte, sizeof(byte));
	r->file.big_endian = byte[0] == 1;
	r->page_bytes = raw_take_u32(c);
	if (c->err)
		return;
	/* The kernel's own width may differ: a page's head tells, see page_head(). */
	r->long_bytes = byte[1] == 4 ? 4 : 8;
	r->version_7 = !strcmp(version, "7");
	if (!r->version_7 && strcmp(version, "6") != 0)
		c->err = error_create(ERROR_UNSUPPORTED, c->file->name, 0, 0,
				      "is a trace.dat of version %s; 6 and 7 can be read", version);
	else if (r->version_7)
		read_head_7(t, r, c);
	else
		read_head_6(t, r, c);
	if (!c->err && (r->page_bytes < 64 || r->page_bytes > PAGE_BYTES_MAX))
		raw_refuse(c, "has pages of an impossible size");
	r->head_bytes = 8 + r->long_bytes;
}

/* ---- pages ---- */

/* The next page of @cpu; false at its end or after an error. */
static bool next_page(struct dat_reader *r, struct raw_cursor *c, struct cpu *cpu)
{
	if (!cpu->page)
		cpu->page = malloc(r->page_bytes);
	if (!cpu->page) {
		c->err = error_no_memory();
		return false;
	}
	if (!r->packed_pages) {
		if (cpu->offset >= cpu->end)
			return false;
		c->err = raw_file_read(&r->file, cpu->offset, cpu->page, r->page_bytes);
		cpu->offset += r->page_bytes;
		return !c->err;
	}
	if (cpu->piece_at == cpu->piece_size) {
		c->offset = cpu->offset;
		if (!cpu->begun && cpu->offset < cpu->end)
			cpu->pieces = raw_take_u32(c);
		free(cpu->piece);
		cpu->piece = NULL;
		cpu->piece_size = cpu->piece_at = 0;
		if (c->err || !cpu->pieces)
			return false;
		cpu->pieces--;
		cpu->piece = take_packed(c, r->packing, &cpu->piece_size);
		cpu->offset = c->offset;
		if (cpu->piece && (!cpu->piece_size || cpu->piece_size % r->page_bytes))
			raw_refuse(c, "has a packed part that holds no whole pages");
		if (c->err)
			return false;
	}
	/* There is a piece, or it would have been read or refused. */
	if (!cpu->piece)
		return false;
	memcpy(cpu->page, cpu->piece + cpu->piece_at, r->page_bytes);
	cpu->piece_at += r->page_bytes;
	return true;
}

static void begin_page(struct dat_reader *r, struct cpu *cpu)
{
	bool big = r->file.big_endian;
	/* Where a long has 8 bytes, flags and count are in its lower half. */
	uint32_t commit = r->long_bytes == 8 ? (uint32_t)raw_u64(cpu->page + 8, big)
					     : raw_u32(cpu->page + 8, big);
	uint32_t bytes = commit & COMMIT_BYTES, room = r->page_bytes - r->head_bytes;

	cpu->time = raw_u64(cpu->page, big);
	cpu->at = r->head_bytes;
	cpu->page_end = r->head_bytes + (bytes < room ? bytes : room);
	if (commit & COMMIT_MISSED) {
		cpu->lost = true;
		cpu->lost_count = 0;
		if (commit & COMMIT_MISSED_STORED && bytes <= room - r->long_bytes) {
			const uint8_t *p = cpu->page + r->head_bytes + bytes;
			uint64_t count = r->long_bytes == 8 ? raw_u64(p, big) : raw_u32(p, big);

			cpu->lost_count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
		}
	}
	cpu->begun = true;
}

/*
 * The next record with data in the page: where that is and how long.  False at the page's end, for which
 * a damaged record is taken too.
 */
static bool next_record(struct dat_reader *r, struct cpu *cpu, const uint8_t **ret, uint32_t *size)
{
	bool big = r->file.big_endian;

	while (cpu->page_end - cpu->at >= 4) {
		uint32_t word = raw_u32(cpu->page + cpu->at, big);
		uint32_t type = big ? word >> 27 : word & 31;
		uint32_t delta = big ? word & COMMIT_BYTES : word >> 5;
		uint32_t left = cpu->page_end - cpu->at - 4, more, len;

		if (type && type < TYPE_PADDING) {
			len = type * 4;
			if (len > left)
				return false;
			cpu->time += delta;
			*ret = cpu->page + cpu->at + 4;
			*size = len;
			cpu->at += 4 + len;
			return true;
		}
		if (left < 4)
			return false;
		more = raw_u32(cpu->page + cpu->at + 4, big);
		switch (type) {
		case TYPE_PADDING:
			/* Without a time it fills the page; with one it was an event that is gone. */
			if (!delta || more > left)
				return false;
			cpu->time += delta;
			cpu->at += 4 + more;
			break;
		case TYPE_TIME_EXTEND:
			cpu->time += ((uint64_t)more << 27) + delta;
			cpu->at += 8;
			break;
		case TYPE_TIME_STAMP:
			/* 59 bits of it; those above stay. */
			cpu->time = (cpu->time & ~((1ULL << 59) - 1)) | (uint64_t)more << 27 |
				    delta;
			cpu->at += 8;
			break;
		default:
			if (more < 4 || more > left)
				return false;
			cpu->time += delta;
			*ret = cpu->page + cpu->at + 8;
			*size = more - 4;
			cpu->at += 4 + more;
			return true;
		}
	}
	return false;
}

/*
 * Puts the next event of @cpu to it; false when there is none any more.  Pages that cannot be read end
 * that CPU's trace alone: the error is told after the others'.
 */
static bool next_event(struct trace *t, struct dat_reader *r, struct cpu *cpu)
{
	struct raw_cursor c = { .file = &r->file };
	const uint8_t *data;
	uint32_t size;

	for (;;) {
		if (!next_record(r, cpu, &data, &size)) {
			if (!next_page(r, &c, cpu)) {
				if (r->failed)
					error_destroy(c.err);
				else
					r->failed = c.err;
				return false;
			}
			begin_page(r, cpu);
			continue;
		}
		if (!record_decode(t, r->formats, data, size, r->file.big_endian, &cpu->event)) {
			reader_damaged(t, ++t->stats.lines);
			continue;
		}
		cpu->event.time = cpu->time;
		cpu->event.cpu = (uint16_t)cpu->number;
		return true;
	}
}

/* ---- the heap ---- */

static bool before(const struct dat_reader *r, uint32_t a, uint32_t b)
{
	const struct cpu *x = &r->cpus[a], *y = &r->cpus[b];

	return x->event.time != y->event.time ? x->event.time < y->event.time : a < b;
}

static void sink_down(struct dat_reader *r, uint32_t at)
{
	for (;;) {
		uint32_t least = at, number = r->heap[at];

		for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
			if (child < r->heap_count && before(r, r->heap[child], r->heap[least]))
				least = child;
		}
		if (least == at)
			return;
		r->heap[at] = r->heap[least];
		r->heap[least] = number;
		at = least;
	}
}

static struct error *dat_next(struct trace *t)
{
	struct dat_reader *r = t->reader;
	struct error *err = NULL;

	/* Room for two, as a loss comes before an event. */
	while (r->heap_count && t->count + 2 <= t->batch_room) {
		struct cpu *cpu = &r->cpus[r->heap[0]];
		struct event *event = &t->batch[t->count];

		if (cpu->lost) {
			*event++ = (struct event){ .kind = EVENT_LOST,
						   .pfn = PFN_NONE,
						   .pid = -1,
						   .cpu = cpu->event.cpu,
						   .time = cpu->event.time,
						   .count = cpu->lost_count,
						   .line = ++t->stats.lines };
			t->count++;
			cpu->lost = false;
		}
		*event = cpu->event;
		event->line = ++t->stats.lines;
		t->count++;
		if (!next_event(t, r, cpu))
			r->heap[0] = r->heap[--r->heap_count];
		sink_down(r, 0);
	}
	if (!r->heap_count) {
		err = r->failed;
		r->failed = NULL;
	}
	return err;
}

static void dat_close(struct trace *t)
{
	struct dat_reader *r = t->reader;

	for (uint32_t i = 0; i < r->cpu_count; i++) {
		free(r->cpus[i].page);
		free(r->cpus[i].piece);
	}
	free(r->cpus);
	free(r->heap);
	error_destroy(r->failed);
	record_formats_destroy(r->formats);
	raw_file_deinit(&r->file);
	free(r);
}

static const struct reader_ops dat_ops = { .next = dat_next, .close = dat_close };

bool dat_is(const uint8_t *head, size_t size)
{
	return size >= 10 && !memcmp(head, "\x17\x08\x44tracing", 10);
}

struct error *dat_reader_open(struct trace *t)
{
	struct dat_reader *r = calloc(1, sizeof(*r));
	struct raw_cursor c = { 0 };

	if (!r)
		return error_no_memory();
	r->file.fd = -1;
	t->reader = r;
	t->ops = &dat_ops;
	c.file = &r->file;
	c.err = raw_file_open(t, &r->file);
	r->formats = record_formats_create();
	if (!c.err && !r->formats)
		c.err = error_no_memory();
	if (!c.err)
		read_head(t, r, &c);
	if (!c.err) {
		r->heap = calloc((size_t)r->cpu_count + 1, sizeof(*r->heap));
		if (!r->heap)
			c.err = error_no_memory();
	}
	for (uint32_t i = 0; i < r->cpu_count && !c.err; i++) {
		r->cpus[i].at = r->cpus[i].page_end = 0;
		if (r->cpus[i].number > UINT16_MAX)
			raw_refuse(&c, "has a CPU with an impossible number");
		else if (next_event(t, r, &r->cpus[i]))
			r->heap[r->heap_count++] = i;
	}
	for (uint32_t i = r->heap_count; i > 0 && !c.err; i--)
		sink_down(r, i - 1);
	t->stats.bytes = r->file.size;
	return c.err;
}
