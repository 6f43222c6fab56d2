/* SPDX-License-Identifier: MIT */
#include "traces/trace/record.h"

#include <stdlib.h>
#include <string.h>

#include "traces/grow.h"
#include "traces/trace/expression.h"
#include "traces/trace/gfp_format.h"
#include "traces/trace/text.h"

/* Events of one kernel; the most any has is some thousands. */
#define SYSTEMS_MAX 4096
#define EVENTS_MAX 65535

struct record_formats *record_formats_create(void)
{
	return calloc(1, sizeof(struct record_formats));
}

void record_formats_destroy(struct record_formats *formats)
{
	if (!formats)
		return;
	free(formats->list);
	free(formats->by_id);
	free(formats->comms.slots);
	free(formats);
}

/* ---- names of tasks ---- */

static uint32_t hash_pid(int32_t pid)
{
	return (uint32_t)pid * 0x9e3779b1U;
}

static void place(struct record_comms *comms, int32_t pid, uint32_t text)
{
	uint32_t slot = hash_pid(pid) & (comms->slot_count - 1);

	while (comms->slots[slot].text && comms->slots[slot].pid != pid)
		slot = (slot + 1) & (comms->slot_count - 1);
	comms->count += !comms->slots[slot].text;
	comms->slots[slot].pid = pid;
	comms->slots[slot].text = text;
}

bool record_set_comm(struct record_formats *formats, int32_t pid, uint32_t text)
{
	struct record_comms *comms = &formats->comms;

	if (!text)
		return true;
	if (comms->count * 2 >= comms->slot_count) {
		struct record_comms more = { .slot_count = comms->slot_count ? comms->slot_count * 2
									     : 64 };

		more.slots = calloc(more.slot_count, sizeof(*more.slots));
		if (!more.slots)
			return false;
		for (uint32_t i = 0; i < comms->slot_count; i++) {
			if (comms->slots[i].text)
				place(&more, comms->slots[i].pid, comms->slots[i].text);
		}
		free(comms->slots);
		*comms = more;
	}
	place(comms, pid, text);
	return true;
}

uint32_t record_comm(const struct record_formats *formats, int32_t pid)
{
	const struct record_comms *comms = &formats->comms;
	uint32_t slot;

	if (!comms->slot_count)
		return 0;
	slot = hash_pid(pid) & (comms->slot_count - 1);
	while (comms->slots[slot].text && comms->slots[slot].pid != pid)
		slot = (slot + 1) & (comms->slot_count - 1);
	return comms->slots[slot].text;
}

/* ---- formats ---- */

static int field_by_name(struct scan_str name)
{
	static const struct {
		const char *name;
		enum record_field field;
	} names[] = {
		{ "pfn", RECORD_PFN },
		{ "order", RECORD_ORDER },
		{ "alloc_order", RECORD_ORDER },
		{ "migratetype", RECORD_MIGRATETYPE },
		{ "alloc_migratetype", RECORD_MIGRATETYPE },
		{ "gfp_flags", RECORD_GFP },
		{ "percpu_refill", RECORD_REFILL },
		{ "cold", RECORD_COLD },
		{ "fallback_order", RECORD_FALLBACK_ORDER },
		{ "fallback_migratetype", RECORD_FALLBACK_MIGRATETYPE },
		{ "change_ownership", RECORD_CHANGE_OWNERSHIP },
		{ "count", RECORD_COUNT_PAGES },
		{ "errorno", RECORD_ERRORNO },
		{ "common_pid", RECORD_PID },
		{ "common_flags", RECORD_CONTEXT },
		{ "common_preempt_count", RECORD_DEPTH },
		{ "buf", RECORD_TEXT },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (scan_str_eq(name, names[i].name))
			return names[i].field;
	}
	return -1;
}

/* "	field:unsigned long pfn;	offset:8;	size:8;	signed:0;" */
static void add_field(struct scan s, struct record_format *format)
{
	struct scan_str what, word, name = { NULL, 0 };
	uint64_t offset, size, is_signed = 0;
	struct scan words;
	int field;

	if (!scan_ws(&s) || !scan_lit(&s, "field:") || !scan_until(&s, ';', &what) ||
	    !scan_lit(&s, ";") || !scan_ws(&s) || !scan_lit(&s, "offset:") ||
	    !scan_dec(&s, &offset) || !scan_lit(&s, ";") || !scan_ws(&s) ||
	    !scan_lit(&s, "size:") || !scan_dec(&s, &size))
		return;
	if (scan_lit(&s, ";") && scan_ws(&s) && scan_lit(&s, "signed:"))
		scan_dec(&s, &is_signed);
	/* The last name of the declaration, before "[16]". */
	words = scan_of_str(what);
	while (!scan_done(&words) && scan_peek(&words) != '[') {
		if (scan_name(&words, &word))
			name = word;
		else
			words.p++;
	}
	if (!name.len)
		return;
	field = field_by_name(name);
	if (field < 0 || offset > UINT16_MAX)
		return;
	/* Text may have no size of its own: it goes to the end of the record. */
	if (field == RECORD_TEXT)
		size = 1;
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return;
	format->fields[field].offset = (uint16_t)offset;
	format->fields[field].size = (uint8_t)size;
	format->fields[field].is_signed = is_signed != 0;
}

/* The pageblock order is a constant in the text that the kernel would print. */
static uint64_t pageblock_order_of(struct scan s)
{
	uint64_t order;

	if (!scan_past(&s, "REC->fallback_order < ") || !expression_read(&s, &order))
		return 0;
	return order;
}

/* Room for the number of format @id; false without memory. */
static bool make_id(struct record_formats *formats, uint32_t id)
{
	uint32_t count = formats->by_id_count ? formats->by_id_count : 256;
	uint16_t *by_id;

	while (count <= id)
		count *= 2;
	if (count == formats->by_id_count)
		return true;
	by_id = realloc(formats->by_id, count * sizeof(*by_id));
	if (!by_id)
		return false;
	memset(by_id + formats->by_id_count, 0, (count - formats->by_id_count) * sizeof(*by_id));
	formats->by_id = by_id;
	formats->by_id_count = count;
	return true;
}

/* False without memory. */
static bool add_format(struct trace *t, struct record_formats *formats, const char *text,
		       size_t len)
{
	struct scan_lines lines = scan_lines_of(text, len);
	struct record_format format = { .id = UINT32_MAX }, *list;
	struct scan_str name = { NULL, 0 };
	struct scan line;

	while (scan_next_line(&lines, &line)) {
		struct scan s = line;

		if (scan_lit(&s, "name: "))
			scan_word(&s, &name);
		else if (scan_lit(&s, "ID: "))
			scan_u32(&s, &format.id);
		else if (scan_lit(&s, "print fmt:"))
			break;
		else
			add_field(line, &format);
	}
	if (!name.len || format.id > UINT16_MAX || formats->count == EVENTS_MAX)
		return true;
	format.kind = (uint8_t)text_event_kind(name);
	format.name = reader_string(t, name.p, name.len);
	if (format.kind == EVENT_EXTFRAG)
		format.pageblock_order = pageblock_order_of(scan_of(text, len));
	if (format.kind == EVENT_ALLOC)
		gfp_format_read(text, len, &t->gfp);
	if (!make_id(formats, format.id))
		return false;
	list = grow(formats->list, formats->count, &formats->room, sizeof(*list));
	if (!list)
		return false;
	formats->list = list;
	list[formats->count++] = format;
	formats->by_id[format.id] = (uint16_t)formats->count;
	return true;
}

static void take_format(struct trace *t, struct record_formats *formats, struct raw_cursor *c)
{
	uint64_t size = raw_take_u64(c);
	char *text = raw_take_bytes(c, size);

	if (text && !add_format(t, formats, text, size) && !c->err)
		c->err = error_no_memory();
	free(text);
}

void record_read_headers(struct raw_cursor *c)
{
	char word[16];

	raw_take_text(c, word, sizeof(word));
	if (strcmp(word, "header_page") != 0)
		raw_refuse(c, "has no header_page where it should be");
	raw_skip(c, raw_take_u64(c));
	raw_take_text(c, word, sizeof(word));
	if (strcmp(word, "header_event") != 0)
		raw_refuse(c, "has no header_event where it should be");
	raw_skip(c, raw_take_u64(c));
}

void record_read_ftrace_formats(struct trace *t, struct record_formats *formats,
				struct raw_cursor *c)
{
	uint32_t count = raw_take_u32(c);

	for (uint32_t i = 0; i < count && !c->err; i++)
		take_format(t, formats, c);
}

void record_read_event_formats(struct trace *t, struct record_formats *formats,
			       struct raw_cursor *c)
{
	uint32_t systems = raw_take_u32(c);
	char name[256];

	if (systems > SYSTEMS_MAX)
		raw_refuse(c, "has too many systems of events");
	for (uint32_t i = 0; i < systems && !c->err; i++) {
		uint32_t count;

		raw_take_text(c, name, sizeof(name));
		count = raw_take_u32(c);
		for (uint32_t n = 0; n < count && !c->err; n++)
			take_format(t, formats, c);
	}
}

void record_read_comms(struct trace *t, struct record_formats *formats, struct raw_cursor *c)
{
	uint64_t size = raw_take_u64(c);
	char *text = raw_take_bytes(c, size);
	struct scan_lines lines;
	struct scan s;

	if (!text)
		return;
	lines = scan_lines_of(text, size);
	while (!c->err && scan_next_line(&lines, &s)) {
		struct scan_str comm;
		int32_t pid;

		/* "17 kworker/0:1" */
		if (scan_i32(&s, &pid) && scan_char(&s, ' ') && scan_rest(&s, &comm) &&
		    !record_set_comm(formats, pid, reader_string(t, comm.p, comm.len)))
			c->err = error_no_memory();
	}
	free(text);
}

void record_read_tracing_data(struct trace *t, struct record_formats *formats, struct raw_cursor *c,
			      bool with_comms)
{
	record_read_headers(c);
	record_read_ftrace_formats(t, formats, c);
	record_read_event_formats(t, formats, c);
	raw_skip(c, raw_take_u32(c)); /* kallsyms */
	raw_skip(c, raw_take_u32(c)); /* printk formats */
	if (with_comms)
		record_read_comms(t, formats, c);
}

/* ---- records ---- */

struct record {
	const struct record_format *format;
	const uint8_t *data;
	size_t size;
	bool big_endian;
	bool good;
};

static bool has(const struct record *r, enum record_field field)
{
	return r->format->fields[field].size != 0;
}

/* A field's value; a signed one that is negative is all ones above its size.  0 when there is none. */
static uint64_t value(struct record *r, enum record_field field)
{
	size_t offset = r->format->fields[field].offset, size = r->format->fields[field].size;
	uint64_t v = 0;

	if (!size)
		return 0;
	if (offset + size > r->size) {
		r->good = false;
		return 0;
	}
	for (size_t i = 0; i < size; i++)
		v = v << 8 | r->data[offset + (r->big_endian ? i : size - 1 - i)];
	if (r->format->fields[field].is_signed && size < 8 && v >> (size * 8 - 1))
		v |= UINT64_MAX << size * 8;
	return v;
}

static uint8_t small_value(struct record *r, enum record_field field)
{
	uint64_t v = value(r, field);

	if (v > UINT8_MAX)
		r->good = false;
	return (uint8_t)v;
}

static void decode_marker(struct trace *t, struct record *r, struct event *ret)
{
	size_t offset = r->format->fields[RECORD_TEXT].offset, len = 0;

	if (!has(r, RECORD_TEXT) || offset > r->size) {
		r->good = false;
		return;
	}
	while (offset + len < r->size && r->data[offset + len])
		len++;
	while (len && r->data[offset + len - 1] == '\n')
		len--;
	ret->text = reader_string(t, (const char *)r->data + offset, len);
}

/* Of the flags and the count that every record begins with, as enum event_context has it. */
static uint8_t context_of(uint64_t flags, uint64_t count)
{
	enum { NMI = 0x40, HARDIRQ = 0x08, SOFTIRQ = 0x10, DEPTH = 15, PINNED_SHIFT = 4 };
	/* The count's upper half is that of migrate_disable(), 5.12 and later; 0 before. */
	uint64_t deep = (count & DEPTH) + (count >> PINNED_SHIFT & DEPTH);

	if (deep > EVENT_CONTEXT_DEPTH_MAX)
		deep = EVENT_CONTEXT_DEPTH_MAX;

	return (uint8_t)(EVENT_CONTEXT_TOLD |
			 (flags & (NMI | HARDIRQ | SOFTIRQ) ? EVENT_CONTEXT_INTERRUPT : 0) |
			 deep << EVENT_CONTEXT_DEPTH_SHIFT);
}

bool record_decode(struct trace *t, const struct record_formats *formats, const uint8_t *record,
		   size_t size, bool big_endian, struct event *ret)
{
	struct record r = { .data = record, .size = size, .big_endian = big_endian, .good = true };
	uint32_t id, number;

	*ret = (struct event){ .pfn = PFN_NONE, .pid = -1 };
	if (size < 2)
		return false;
	id = raw_u16(record, big_endian);
	number = id < formats->by_id_count ? formats->by_id[id] : 0;
	if (!number) {
		ret->kind = EVENT_OTHER;
		return true;
	}
	r.format = &formats->list[number - 1];
	ret->kind = r.format->kind;
	if (has(&r, RECORD_PID))
		ret->pid = (int32_t)value(&r, RECORD_PID);
	if (ret->kind == EVENT_OTHER) {
		ret->text = r.format->name;
		return r.good;
	}
	if (ret->kind == EVENT_MARKER) {
		decode_marker(t, &r, ret);
		return r.good;
	}
	/* Before 4.1 there is the address of a struct page alone, which says nothing. */
	if (!has(&r, RECORD_PFN))
		return false;
	ret->text = record_comm(formats, ret->pid);
	ret->pfn = value(&r, RECORD_PFN);
	if (ret->pfn == UINT64_MAX ||
	    (ret->pfn == UINT32_MAX && r.format->fields[RECORD_PFN].size == 4 &&
	     !event_has_page(&(struct event){ .kind = ret->kind, .pfn = PFN_NONE })))
		ret->pfn = PFN_NONE;
	ret->order = small_value(&r, RECORD_ORDER);
	ret->migratetype = small_value(&r, RECORD_MIGRATETYPE);
	ret->fallback_order = small_value(&r, RECORD_FALLBACK_ORDER);
	ret->fallback_migratetype = small_value(&r, RECORD_FALLBACK_MIGRATETYPE);
	if (ret->kind == EVENT_ALLOC)
		ret->gfp = (uint32_t)value(&r, RECORD_GFP);
	if (ret->kind == EVENT_CMA_ALLOC || ret->kind == EVENT_CMA_RELEASE) {
		ret->count = (uint32_t)value(&r, RECORD_COUNT_PAGES);
		if (value(&r, RECORD_ERRORNO))
			ret->pfn = PFN_NONE;
	}
	if (has(&r, RECORD_CONTEXT) && has(&r, RECORD_DEPTH))
		ret->context = context_of(value(&r, RECORD_CONTEXT), value(&r, RECORD_DEPTH));
	/* What the format computes is not in the record. */
	if (ret->kind == EVENT_ZONE_LOCKED &&
	    (has(&r, RECORD_REFILL) ? value(&r, RECORD_REFILL) != 0 : !ret->order))
		ret->flags |= EVENT_PERCPU_REFILL;
	if (value(&r, RECORD_COLD))
		ret->flags |= EVENT_COLD;
	if (value(&r, RECORD_CHANGE_OWNERSHIP))
		ret->flags |= EVENT_CHANGE_OWNERSHIP;
	if (ret->kind == EVENT_EXTFRAG && ret->fallback_order < r.format->pageblock_order)
		ret->flags |= EVENT_FRAGMENTING;
	return r.good;
}
