/* SPDX-License-Identifier: MIT */
/*
 * Event store: from events to blocks of columns.
 */
#include "traces/event_store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/column.h"
#include "traces/event_store_columns.h"
#include "traces/grow.h"

/* Blocks of events that one index tells of. */
#define INDEX_BLOCKS 64
/* Bytes of texts in one block of strings. */
#define STRINGS_BYTES ((size_t)1 << 20)
/* Slots of a dictionary being made: a power of two, more than half of them free. */
#define SLOTS ((size_t)4 * EVENT_BLOCK_MAX)

/* What was met, by order of its first time. */
struct dictionary {
	uint32_t *slots; /* index + 1 by hash; 0: free */
	uint64_t (*keys)[2];
	uint32_t count;
};

/* The elements of a block's dictionaries, one array a field. */
struct shapes_out {
	uint32_t kind[EVENT_BLOCK_MAX], order[EVENT_BLOCK_MAX], migratetype[EVENT_BLOCK_MAX];
	uint32_t fallback_order[EVENT_BLOCK_MAX], fallback_migratetype[EVENT_BLOCK_MAX];
	uint32_t flags[EVENT_BLOCK_MAX], value[EVENT_BLOCK_MAX], context[EVENT_BLOCK_MAX];
	protobuf_c_boolean no_pfn[EVENT_BLOCK_MAX];
	uint32_t cpu[EVENT_BLOCK_MAX], text[EVENT_BLOCK_MAX];
	int32_t pid[EVENT_BLOCK_MAX];
};

struct event_writer {
	struct mmtrace_writer *w;
	const char *(*string)(const void *ctx, uint32_t number);
	const void *ctx;

	struct event *events; /* of the block being filled */
	uint32_t count;
	uint64_t first; /* number of events[0] */
	uint64_t last_line, last_time; /* of the event before it */
	uint32_t string_count; /* written */
	uint32_t string_end; /* behind the last that an event named */

	struct dictionary shapes, places;
	struct shapes_out *out;
	uint64_t *values[COLUMNS];
	struct column_room rooms[COLUMNS];

	/* Of the blocks since the last index. */
	uint32_t index_count;
	uint64_t index_first, index_last_block;
	uint64_t index_last_time;
	uint32_t index_block[INDEX_BLOCKS], index_events[INDEX_BLOCKS];
	int64_t index_time[INDEX_BLOCKS];
	uint64_t index_span[INDEX_BLOCKS];
};

static bool dictionary_init(struct dictionary *d)
{
	d->slots = malloc((size_t)SLOTS * sizeof(*d->slots));
	d->keys = malloc(EVENT_BLOCK_MAX * sizeof(*d->keys));
	return d->slots && d->keys;
}

static void dictionary_deinit(struct dictionary *d)
{
	free(d->slots);
	free(d->keys);
}

static void dictionary_clear(struct dictionary *d)
{
	memset(d->slots, 0, (size_t)SLOTS * sizeof(*d->slots));
	d->count = 0;
}

/* The index of a key; a new one is the last. */
static uint32_t dictionary_find(struct dictionary *d, uint64_t a, uint64_t b)
{
	uint64_t hash = (a * 0x9e3779b97f4a7c15U ^ b) * 0xd6e8feb86659fd93U;
	size_t slot = (hash >> 32) % SLOTS;
	uint32_t i;

	while ((i = d->slots[slot])) {
		if (d->keys[i - 1][0] == a && d->keys[i - 1][1] == b)
			return i - 1;
		slot = (slot + 1) % SLOTS;
	}
	d->keys[d->count][0] = a;
	d->keys[d->count][1] = b;
	d->slots[slot] = ++d->count;
	return d->count - 1;
}

static uint32_t shape_of(struct event_writer *w, const struct event *e)
{
	bool no_pfn = e->pfn == PFN_NONE;
	uint64_t a = (uint64_t)e->gfp << 1 | no_pfn;
	uint64_t b = e->kind | (uint64_t)e->order << 8 | (uint64_t)e->migratetype << 16 |
		     (uint64_t)e->fallback_order << 24 | (uint64_t)e->fallback_migratetype << 32 |
		     (uint64_t)e->flags << 40 | (uint64_t)e->context << 48;
	uint32_t known = w->shapes.count, i = dictionary_find(&w->shapes, a, b);

	if (i == known) {
		w->out->kind[i] = e->kind;
		w->out->order[i] = e->order;
		w->out->migratetype[i] = e->migratetype;
		w->out->fallback_order[i] = e->fallback_order;
		w->out->fallback_migratetype[i] = e->fallback_migratetype;
		w->out->flags[i] = e->flags;
		w->out->context[i] = e->context;
		w->out->value[i] = e->gfp;
		w->out->no_pfn[i] = no_pfn;
	}
	return i;
}

static uint32_t place_of(struct event_writer *w, const struct event *e)
{
	uint64_t a = (uint64_t)(uint32_t)e->pid << 32 | e->text;
	uint32_t known = w->places.count, i = dictionary_find(&w->places, a, e->cpu);

	if (i == known) {
		w->out->cpu[i] = e->cpu;
		w->out->pid[i] = e->pid;
		w->out->text[i] = e->text;
	}
	return i;
}

struct error *event_writer_create(struct mmtrace_writer *mw,
				  const char *(*string)(const void *ctx, uint32_t number),
				  const void *ctx, struct event_writer **ret)
{
	struct event_writer *w = calloc(1, sizeof(*w));
	bool good;

	if (!w)
		return error_no_memory();
	w->w = mw;
	w->string = string;
	w->ctx = ctx;
	w->events = malloc(EVENT_BLOCK_MAX * sizeof(*w->events));
	w->out = malloc(sizeof(*w->out));
	good = w->events && w->out && dictionary_init(&w->shapes);
	good = dictionary_init(&w->places) && good;
	for (int c = 0; c < COLUMNS; c++) {
		w->values[c] = malloc(EVENT_BLOCK_MAX * sizeof(*w->values[c]));
		good = good && w->values[c];
	}
	if (!good) {
		event_writer_destroy(w);
		return error_no_memory();
	}
	*ret = w;
	return NULL;
}

void event_writer_destroy(struct event_writer *w)
{
	if (!w)
		return;
	dictionary_deinit(&w->shapes);
	dictionary_deinit(&w->places);
	for (int c = 0; c < COLUMNS; c++) {
		free(w->values[c]);
		column_room_deinit(&w->rooms[c]);
	}
	free(w->events);
	free(w->out);
	free(w);
}

/* ---- strings ---- */

static struct error *write_strings(struct event_writer *w, ProtobufCBinaryData *texts,
				   uint32_t count)
{
	Mmtrace__Strings s = MMTRACE__STRINGS__INIT;
	struct error *err;

	s.has_first = 1;
	s.first = w->string_count;
	s.n_text = count;
	s.text = texts;
	err = mmtrace_write(w->w, MMTRACE_STRINGS, 0, count, &s.base);
	if (!err)
		w->string_count += count;
	return err;
}

/* Writes the strings that events have named, or that stand before these, and were not written yet. */
static struct error *write_new_strings(struct event_writer *w)
{
	uint32_t room = 0, count = 0;
	ProtobufCBinaryData *texts = NULL;
	struct error *err = NULL;
	size_t bytes = 0;

	while (!err && w->string_count + count < w->string_end) {
		const char *text = w->string(w->ctx, w->string_count + count);
		ProtobufCBinaryData *grown = grow(texts, count, &room, sizeof(*texts));

		if (!grown) {
			err = error_no_memory();
			break;
		}
		texts = grown;
		texts[count++] = (ProtobufCBinaryData){ strlen(text), (uint8_t *)(uintptr_t)text };
		bytes += texts[count - 1].len + 8;
		if (bytes >= STRINGS_BYTES) {
			err = write_strings(w, texts, count);
			count = 0;
			bytes = 0;
		}
	}
	if (!err && count)
		err = write_strings(w, texts, count);
	free(texts);
	return err;
}

/* ---- blocks ---- */

static struct error *write_index(struct event_writer *w)
{
	Mmtrace__EventIndex x = MMTRACE__EVENT_INDEX__INIT;
	struct error *err;

	if (!w->index_count)
		return NULL;
	x.n_block = x.n_events = x.n_time_min = x.n_time_span = w->index_count;
	x.block = w->index_block;
	x.events = w->index_events;
	x.time_min = w->index_time;
	x.time_span = w->index_span;
	x.has_first = 1;
	x.first = w->index_first;
	err = mmtrace_write(w->w, MMTRACE_EVENT_INDEX, 0, w->index_count, &x.base);
	w->index_count = 0;
	return err;
}

static void add_to_index(struct event_writer *w, uint64_t block)
{
	uint64_t min = w->events[0].time, max = min;
	uint32_t i = w->index_count;

	for (uint32_t k = 1; k < w->count; k++) {
		min = min_u64(min, w->events[k].time);
		max = max_u64(max, w->events[k].time);
	}
	if (!i) {
		w->index_first = w->first;
		w->index_last_block = w->index_last_time = 0;
	}
	w->index_block[i] = (uint32_t)(block - w->index_last_block);
	w->index_events[i] = w->count;
	w->index_time[i] = (int64_t)(min - w->index_last_time);
	w->index_span[i] = max - min;
	w->index_last_block = block;
	w->index_last_time = min;
	w->index_count++;
}

/* The greatest common divisor of all steps of time; 1 if there is none. */
static uint64_t time_unit(const struct event_writer *w)
{
	uint64_t last = w->last_time, unit = 0;

	for (uint32_t i = 0; i < w->count && unit != 1; i++) {
		uint64_t step = w->events[i].time - last, a;

		last = w->events[i].time;
		step = step >> 63 ? 0 - step : step;
		/* Nearly always it is a multiple already. */
		if (unit && step % unit == 0)
			continue;
		for (a = unit; step;) {
			uint64_t rest = a % step;

			a = step;
			step = rest;
		}
		unit = a;
	}
	return unit ? unit : 1;
}

static uint64_t divide_signed(uint64_t difference, uint64_t unit)
{
	return difference >> 63 ? 0 - (0 - difference) / unit : difference / unit;
}

static void make_columns(struct event_writer *w, uint64_t unit)
{
	uint64_t line = w->last_line, time = w->last_time, pfn[EVENT_KIND_COUNT] = { 0 };

	dictionary_clear(&w->shapes);
	dictionary_clear(&w->places);
	for (uint32_t i = 0; i < w->count; i++) {
		const struct event *e = &w->events[i];
		uint64_t to_pfn = e->pfn == PFN_NONE ? pfn[e->kind] : e->pfn;

		w->values[COLUMN_SHAPE][i] = shape_of(w, e);
		w->values[COLUMN_PLACE][i] = place_of(w, e);
		w->values[COLUMN_TIME][i] = column_fold(divide_signed(e->time - time, unit));
		w->values[COLUMN_LINE][i] = column_fold(e->line - line - 1);
		w->values[COLUMN_PFN][i] = column_fold(to_pfn - pfn[e->kind]);
		time = e->time;
		line = e->line;
		pfn[e->kind] = to_pfn;
	}
}

static void set_dictionaries(struct event_writer *w, Mmtrace__Events *m)
{
	m->n_kind = m->n_order = m->n_migratetype = w->shapes.count;
	m->n_fallback_order = m->n_fallback_migratetype = w->shapes.count;
	m->n_flags = m->n_value = m->n_no_pfn = m->n_context = w->shapes.count;
	m->kind = w->out->kind;
	m->order = w->out->order;
	m->migratetype = w->out->migratetype;
	m->fallback_order = w->out->fallback_order;
	m->fallback_migratetype = w->out->fallback_migratetype;
	m->flags = w->out->flags;
	m->value = w->out->value;
	m->no_pfn = w->out->no_pfn;
	m->context = w->out->context;
	m->n_cpu = m->n_pid = m->n_text = w->places.count;
	m->cpu = w->out->cpu;
	m->pid = w->out->pid;
	m->text = w->out->text;
}

static struct error *write_block(struct event_writer *w)
{
	Mmtrace__Events m = MMTRACE__EVENTS__INIT;
	Mmtrace__Column columns[COLUMNS];
	struct error *err = NULL;
	uint64_t block, unit;

	if (!w->count)
		return NULL;
	unit = time_unit(w);
	make_columns(w, unit);
	err = write_new_strings(w);
	for (int c = 0; c < COLUMNS && !err; c++)
		err = column_pack(w->values[c], w->count, &w->rooms[c], &columns[c]);
	if (err)
		return err;
	m.has_first = m.has_line_before = m.has_time_before = 1;
	m.first = w->first;
	m.line_before = w->last_line;
	m.time_before = w->last_time;
	m.has_time_unit = unit != 1;
	m.time_unit = unit;
	set_dictionaries(w, &m);
	m.shape = &columns[COLUMN_SHAPE];
	m.place = &columns[COLUMN_PLACE];
	m.time = &columns[COLUMN_TIME];
	m.line = &columns[COLUMN_LINE];
	m.pfn = &columns[COLUMN_PFN];
	block = mmtrace_written(w->w).blocks;
	err = mmtrace_write(w->w, MMTRACE_EVENTS, 0, w->count, &m.base);
	if (err)
		return err;
	add_to_index(w, block);
	w->last_line = w->events[w->count - 1].line;
	w->last_time = w->events[w->count - 1].time;
	w->first += w->count;
	w->count = 0;
	return w->index_count == INDEX_BLOCKS ? write_index(w) : NULL;
}

static struct error *check_event(const struct event *e)
{
	if (e->kind >= EVENT_KIND_COUNT)
		return error_create(ERROR_RANGE, NULL, 0, 0,
				    "there is no kind %u of events to be stored", e->kind);
	if (e->text >= EVENT_STRINGS_MAX)
		return error_create(ERROR_LIMIT, NULL, 0, 0,
				    "there are more than %" PRIu32 " strings, the limit",
				    EVENT_STRINGS_MAX);
	return NULL;
}

struct error *event_writer_add(struct event_writer *w, const struct event *events, size_t count)
{
	struct error *err = NULL;

	for (size_t i = 0; i < count && !err; i++) {
		err = check_event(&events[i]);
		if (err)
			break;
		if (events[i].text >= w->string_end)
			w->string_end = events[i].text + 1;
		w->events[w->count++] = events[i];
		if (w->count == EVENT_BLOCK_MAX)
			err = write_block(w);
	}
	return err;
}

struct error *event_writer_end(struct event_writer *w, const struct event_totals *totals)
{
	Mmtrace__GfpName names[EVENT_GFP_NAMES_MAX], *pointers[EVENT_GFP_NAMES_MAX];
	Mmtrace__EventTotals t = MMTRACE__EVENT_TOTALS__INIT;
	struct error *err = write_block(w);

	if (!err)
		err = write_index(w);
	if (err)
		return err;
	t.has_events = 1;
	t.events = w->first;
#define SET(name)                         \
	t.has_##name = totals->name != 0; \
	t.name = totals->name
	SET(lines);
	SET(ignored);
	SET(unknown);
	SET(first_unknown_line);
	SET(damaged);
	SET(first_damaged_line);
	SET(overwritten);
	SET(bytes);
	SET(counted);
#undef SET
	for (; t.n_gfp_name < totals->gfp_name_count && t.n_gfp_name < EVENT_GFP_NAMES_MAX;
	     t.n_gfp_name++) {
		const struct gfp_name *from = &totals->gfp_names[t.n_gfp_name];
		Mmtrace__GfpName *to = &names[t.n_gfp_name];

		mmtrace__gfp_name__init(to);
		to->has_name = to->has_mask = 1;
		to->name = (ProtobufCBinaryData){ strlen(from->text), (uint8_t *)from->text };
		to->mask = from->mask;
		pointers[t.n_gfp_name] = to;
	}
	t.gfp_name = pointers;
	return mmtrace_write(w->w, MMTRACE_EVENT_TOTALS, 0, 1, &t.base);
}
