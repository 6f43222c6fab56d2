/* SPDX-License-Identifier: MIT */
/*
 * Event store: from blocks of columns to events, and to any place among them.
 */
#include "traces/event_store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/column.h"
#include "traces/event_store_columns.h"
#include "traces/grow.h"
#include "traces/strings.h"

struct place {
	int32_t pid;
	uint32_t text;
	uint16_t cpu;
};

/* Strings [first, first + count). */
struct string_run {
	uint32_t first, count;
	uint32_t at; /* of the first in the list of all */
};

/* A block of events, for seeking. */
struct event_span {
	uint64_t first; /* number of its first event */
	uint64_t time_max; /* UINT64_MAX: not known */
	uint32_t block, events;
};

struct event_reader {
	struct mmtrace_reader *r;
	char *name;

	/* Strings, with gaps where blocks were lost. */
	struct strings memory;
	const char **strings;
	uint32_t string_count, string_room;
	struct string_run *runs;
	uint32_t run_count, run_room;

	/* The block at hand; its columns live in the mmtrace reader. */
	struct column_reader columns[COLUMNS];
	struct event *shapes;
	struct place *places;
	size_t shape_room, place_room;
	uint32_t left; /* events not handed out yet */
	uint64_t block_first;
	/* Of the last event. */
	uint64_t line, time, unit, pfn[EVENT_KIND_COUNT];

	uint64_t position; /* number of the next event */
	bool lost; /* since the last event something was damaged */
	bool end, has_totals;
	bool met; /* some block of a trace */
	struct event_totals totals;
	struct gfp_name gfp_names[EVENT_GFP_NAMES_MAX]; /* of the totals */
	uint64_t damaged; /* blocks that mmtrace found whole and that make no sense */
	struct error *damage; /* the first of these */

	struct event_span *spans;
	uint32_t span_count, span_room;
	bool has_spans;
	uint32_t strings_read; /* those that stand before this block */
};

struct error *event_reader_create(struct mmtrace_reader *mr, const char *name,
				  struct event_reader **ret)
{
	struct event_reader *r = calloc(1, sizeof(*r));
	size_t size = strlen(name) + 1;

	if (r)
		r->name = malloc(size);
	if (!r || !r->name) {
		free(r);
		return error_no_memory();
	}
	memcpy(r->name, name, size);
	r->r = mr;
	*ret = r;
	return NULL;
}

void event_reader_destroy(struct event_reader *r)
{
	if (!r)
		return;
	strings_deinit(&r->memory);
	free(r->strings);
	free(r->runs);
	free(r->shapes);
	free(r->places);
	free(r->spans);
	error_destroy(r->damage);
	free(r->name);
	free(r);
}

const struct event_totals *event_reader_totals(const struct event_reader *r)
{
	return &r->totals;
}

uint64_t event_reader_damaged(const struct event_reader *r)
{
	return r->damaged + mmtrace_summary(r->r).damaged;
}

const struct error *event_reader_damage(const struct event_reader *r)
{
	const struct error *first = mmtrace_summary(r->r).first;

	if (!first || !r->damage)
		return first ? first : r->damage;
	return r->damage->block < first->block ? r->damage : first;
}

uint64_t event_reader_position(const struct event_reader *r)
{
	return r->position;
}

/* Counts block @number as damaged, by @err. */
static void note_damage(struct event_reader *r, uint32_t number, struct error *err)
{
	r->lost = true;
	r->damaged++;
	if (!r->damage)
		r->damage = error_create_block(err->code, r->name, number, "%s", err->message);
	error_destroy(err);
}

/* ---- strings ---- */

const char *event_reader_string(const struct event_reader *r, uint32_t number)
{
	uint32_t low = 0, high = r->run_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct string_run *run = &r->runs[middle];

		if (number < run->first)
			high = middle;
		else if (number - run->first >= run->count)
			low = middle + 1;
		else
			return r->strings[run->at + (number - run->first)];
	}
	return "";
}

static bool add_string(struct event_reader *r, const ProtobufCBinaryData *text)
{
	const char **grown = grow(r->strings, r->string_count, &r->string_room, sizeof(*grown));

	if (!grown)
		return false;
	r->strings = grown;
	grown[r->string_count] = strings_add(&r->memory, (const char *)text->data, text->len);
	return grown[r->string_count++] != NULL;
}

/* Room for one more run of strings, or for longer ones. */
static struct string_run *next_run(struct event_reader *r, uint32_t first)
{
	struct string_run *last = r->run_count ? &r->runs[r->run_count - 1] : NULL, *grown;

	if (last && last->first + last->count == first)
		return last;
	grown = grow(r->runs, r->run_count, &r->run_room, sizeof(*grown));
	if (!grown)
		return NULL;
	r->runs = grown;
	grown[r->run_count] = (struct string_run){ .first = first, .at = r->string_count };
	return &grown[r->run_count++];
}

static struct error *take_strings(struct event_reader *r, const Mmtrace__Strings *s)
{
	const struct string_run *last = r->run_count ? &r->runs[r->run_count - 1] : NULL;
	uint32_t known = last ? last->first + last->count : 0;
	struct string_run *run;

	if (s->n_text > EVENT_STRINGS_MAX || s->first > EVENT_STRINGS_MAX - s->n_text)
		return error_create(ERROR_LIMIT, NULL, 0, 0,
				    "there are more than %" PRIu32 " strings, the limit",
				    EVENT_STRINGS_MAX);
	/* Met before, on the way to another place. */
	if (s->first + s->n_text <= known)
		return NULL;
	if (s->first < known)
		return error_create(ERROR_CORRUPT, NULL, 0, 0,
				    "strings from number %" PRIu32 " on were there before",
				    s->first);
	run = next_run(r, s->first);
	if (!run)
		return error_no_memory();
	for (size_t i = 0; i < s->n_text; i++) {
		if (!add_string(r, &s->text[i]))
			return error_no_memory();
		run->count++;
	}
	return NULL;
}

/* ---- blocks of events ---- */

static struct error *out_of_range(const char *what)
{
	return error_create(ERROR_RANGE, NULL, 0, 0, "%s cannot be", what);
}

static void *fit(void *array, size_t *room, size_t count, size_t bytes)
{
	void *grown;

	if (count <= *room)
		return array;
	grown = realloc(array, count * bytes);
	if (grown)
		*room = count;
	return grown;
}

static struct error *take_shapes(struct event_reader *r, const Mmtrace__Events *m)
{
	size_t count = m->n_kind;
	struct event *shapes;

	if (m->n_order != count || m->n_migratetype != count || m->n_fallback_order != count ||
	    m->n_fallback_migratetype != count || m->n_flags != count || m->n_value != count ||
	    m->n_no_pfn != count || (m->n_context && m->n_context != count) ||
	    count > EVENT_BLOCK_MAX)
		return error_create(ERROR_CORRUPT, NULL, 0, 0,
				    "the columns of shapes have not one length");
	if (!count)
		return out_of_range("a block of events without a shape");
	shapes = fit(r->shapes, &r->shape_room, count, sizeof(*shapes));
	if (!shapes)
		return error_no_memory();
	r->shapes = shapes;
	for (size_t i = 0; i < count; i++) {
		if (m->kind[i] >= EVENT_KIND_COUNT)
			return out_of_range("a kind of events");
		if ((m->order[i] | m->migratetype[i] | m->fallback_order[i] |
		     m->fallback_migratetype[i] | m->flags[i] |
		     (m->n_context ? m->context[i] : 0)) > UINT8_MAX)
			return out_of_range("an order, a migratetype or flags");
		shapes[i] = (struct event){
			.pfn = m->no_pfn[i] ? PFN_NONE : 0,
			.gfp = m->value[i],
			.kind = (uint8_t)m->kind[i],
			.order = (uint8_t)m->order[i],
			.migratetype = (uint8_t)m->migratetype[i],
			.fallback_order = (uint8_t)m->fallback_order[i],
			.fallback_migratetype = (uint8_t)m->fallback_migratetype[i],
			.flags = (uint8_t)m->flags[i],
			.context = (uint8_t)(m->n_context ? m->context[i] : 0),
		};
	}
	return NULL;
}

static struct error *take_places(struct event_reader *r, const Mmtrace__Events *m)
{
	size_t count = m->n_cpu;
	struct place *places;

	if (m->n_pid != count || m->n_text != count || count > EVENT_BLOCK_MAX)
		return error_create(ERROR_CORRUPT, NULL, 0, 0,
				    "the columns of places have not one length");
	if (!count)
		return out_of_range("a block of events without a place");
	places = fit(r->places, &r->place_room, count, sizeof(*places));
	if (!places)
		return error_no_memory();
	r->places = places;
	for (size_t i = 0; i < count; i++) {
		if (m->cpu[i] > UINT16_MAX)
			return out_of_range("a CPU");
		places[i] = (struct place){ m->pid[i], m->text[i], (uint16_t)m->cpu[i] };
	}
	return NULL;
}

static struct error *take_columns(struct event_reader *r, const Mmtrace__Events *m, uint32_t count)
{
	static const Mmtrace__Column zeros = MMTRACE__COLUMN__INIT;
	const Mmtrace__Column *const columns[COLUMNS] = {
		[COLUMN_SHAPE] = m->shape, [COLUMN_PLACE] = m->place, [COLUMN_TIME] = m->time,
		[COLUMN_LINE] = m->line,   [COLUMN_PFN] = m->pfn,
	};

	for (int c = 0; c < COLUMNS; c++) {
		struct error *err =
			column_read_begin(columns[c] ? columns[c] : &zeros, count, &r->columns[c]);

		if (err)
			return err;
	}
	if (column_max(&r->columns[COLUMN_SHAPE]) >= m->n_kind ||
	    column_max(&r->columns[COLUMN_PLACE]) >= m->n_cpu)
		return out_of_range("the number of a shape or a place");
	return NULL;
}

/* Makes the block that mmtrace gave last the one at hand. */
static struct error *take_events(struct event_reader *r, const Mmtrace__Events *m, uint32_t count)
{
	struct error *err;

	if (!count || count > EVENT_BLOCK_MAX)
		return error_create(ERROR_RANGE, NULL, 0, 0,
				    "a block has %" PRIu32 " events; 1 to %d can be", count,
				    EVENT_BLOCK_MAX);
	if (m->first < r->position || m->first > UINT64_MAX / 2)
		return error_create(ERROR_RANGE, NULL, 0, 0,
				    "the block begins with event %" PRIu64 ", not %" PRIu64,
				    m->first, r->position);
	err = take_shapes(r, m);
	if (!err)
		err = take_places(r, m);
	if (!err)
		err = take_columns(r, m, count);
	if (err)
		return err;
	r->left = count;
	r->block_first = m->first;
	r->line = m->line_before;
	r->time = m->time_before;
	r->unit = m->time_unit;
	memset(r->pfn, 0, sizeof(r->pfn));
	return NULL;
}

/* Stands for the events [position, @first), which are missing. */
static void put_lost(struct event_reader *r, uint64_t first, struct event *ret)
{
	uint64_t count = first - r->position;

	r->lost = false;
	r->position = first;
	*ret = (struct event){
		.pfn = PFN_NONE,
		.time = r->time,
		.line = r->line,
		.count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX,
		.pid = -1,
		.kind = EVENT_LOST,
	};
}

/* Unpacks up to @room events, of the block at hand. */
static size_t put_events(struct event_reader *r, struct event *ret, size_t room)
{
	enum { BATCH = 512 };
	uint64_t values[COLUMNS][BATCH];
	uint64_t line = r->line, time = r->time, unit = r->unit, pfns[EVENT_KIND_COUNT];
	size_t count = room < r->left ? room : r->left;

	if (count > BATCH)
		count = BATCH;
	memcpy(pfns, r->pfn, sizeof(pfns));
	for (int c = 0; c < COLUMNS; c++)
		column_read(&r->columns[c], count, values[c]);
	for (size_t i = 0; i < count; i++) {
		const struct event *shape = &r->shapes[values[COLUMN_SHAPE][i]];
		const struct place *place = &r->places[values[COLUMN_PLACE][i]];
		uint64_t pfn = pfns[shape->kind] + column_unfold(values[COLUMN_PFN][i]);
		struct event *e = &ret[i];

		time += column_unfold(values[COLUMN_TIME][i]) * unit;
		line += column_unfold(values[COLUMN_LINE][i]) + 1;
		pfns[shape->kind] = pfn;
		*e = *shape;
		e->pfn = shape->pfn | pfn;
		e->time = time;
		e->line = line;
		e->pid = place->pid;
		e->text = place->text;
		e->cpu = place->cpu;
	}
	memcpy(r->pfn, pfns, sizeof(pfns));
	r->line = line;
	r->time = time;
	r->left -= (uint32_t)count;
	r->position += count;
	return count;
}

static void take_totals(struct event_reader *r, const Mmtrace__EventTotals *t)
{
	r->has_totals = true;
	r->totals = (struct event_totals){
		.events = t->events,
		.lines = t->lines,
		.ignored = t->ignored,
		.unknown = t->unknown,
		.first_unknown_line = t->first_unknown_line,
		.damaged = t->damaged,
		.first_damaged_line = t->first_damaged_line,
		.overwritten = t->overwritten,
		.bytes = t->bytes,
		.counted = t->counted,
		.gfp_names = r->gfp_names,
	};
	for (size_t i = 0; i < t->n_gfp_name && r->totals.gfp_name_count < EVENT_GFP_NAMES_MAX;
	     i++) {
		const Mmtrace__GfpName *from = t->gfp_name[i];
		struct gfp_name *to = &r->gfp_names[r->totals.gfp_name_count];

		/* What can be no name is passed over. */
		if (!from->mask || from->mask > UINT32_MAX || !from->name.len ||
		    from->name.len >= sizeof(to->text) ||
		    memchr(from->name.data, 0, from->name.len))
			continue;
		memcpy(to->text, from->name.data, from->name.len);
		to->text[from->name.len] = '\0';
		to->mask = (uint32_t)from->mask;
		r->totals.gfp_name_count++;
	}
}

/* What is missing at the end of the file. */
static size_t put_end(struct event_reader *r, struct event *ret)
{
	uint64_t missing = 0;

	r->end = true;
	if (r->has_totals && r->totals.events > r->position)
		missing = r->totals.events - r->position;
	/* A boot without a trace may be cut off too. */
	if (!missing && (!r->lost || r->has_totals || !r->met))
		return 0;
	put_lost(r, r->position + missing, ret);
	return 1;
}

/*
 * Takes the whole block @block of the file.  A message that makes no sense is damage; an error is what
 * reading cannot go on after.
 */
static struct error *take_block(struct event_reader *r, const struct mmtrace_block *block)
{
	const ProtobufCMessageDescriptor *descriptor = mmtrace_message(block->type);
	const ProtobufCMessage *message;
	struct error *err;

	if (!descriptor && block->flags & MMTRACE_ESSENTIAL)
		return error_create_block(ERROR_UNSUPPORTED, r->name, block->number,
					  "the block is essential and of type %u, not known here",
					  block->type);
	if (block->type != MMTRACE_EVENTS && block->type != MMTRACE_STRINGS &&
	    block->type != MMTRACE_EVENT_TOTALS)
		return NULL;
	r->met = true;
	err = mmtrace_unpack(r->r, descriptor, &message);
	if (err && err->code == ERROR_NO_MEMORY)
		return err;
	if (err) {
		/* Counted by mmtrace. */
		r->lost = true;
		error_destroy(err);
		return NULL;
	}
	if (block->type == MMTRACE_EVENTS)
		err = take_events(r, (const Mmtrace__Events *)message, block->items);
	else if (block->type == MMTRACE_STRINGS)
		err = take_strings(r, (const Mmtrace__Strings *)message);
	else
		take_totals(r, (const Mmtrace__EventTotals *)message);
	if (err && err->code == ERROR_NO_MEMORY)
		return err;
	if (err)
		note_damage(r, block->number, err);
	return NULL;
}

/* Reads on to the next block of events, or to the end. */
static struct error *next_block(struct event_reader *r)
{
	struct mmtrace_block block;

	while (!r->left && mmtrace_next(r->r, &block)) {
		struct error *err;

		if (block.error) {
			if (block.error->code == ERROR_NO_MEMORY || block.error->code == ERROR_OS)
				return error_create(block.error->code, r->name, 0, 0, "%s",
						    block.error->message);
			r->lost = true;
			continue;
		}
		err = take_block(r, &block);
		if (err)
			return err;
	}
	return NULL;
}

struct error *event_reader_read(struct event_reader *r, struct event *events, size_t room,
				size_t *count_ret)
{
	size_t count = 0;

	assert(room);
	while (count < room && !r->end) {
		struct error *err;

		if (r->left && r->block_first > r->position) {
			put_lost(r, r->block_first, &events[count++]);
		} else if (r->left) {
			count += put_events(r, &events[count], room - count);
		} else if (count) {
			break; /* what is given stays as it is while blocks are read */
		} else {
			err = next_block(r);
			if (err)
				return err;
			if (!r->left)
				count += put_end(r, &events[count]);
		}
	}
	*count_ret = count;
	return NULL;
}

/* ---- seeking ---- */

static struct error *add_span(struct event_reader *r, uint32_t block, uint32_t events)
{
	struct event_span *grown = grow(r->spans, r->span_count, &r->span_room, sizeof(*grown));
	const struct event_span *last;

	if (!grown)
		return error_no_memory();
	r->spans = grown;
	last = r->span_count ? &grown[r->span_count - 1] : NULL;
	grown[r->span_count++] = (struct event_span){
		.first = last ? last->first + last->events : 0,
		.time_max = UINT64_MAX,
		.block = block,
		.events = events,
	};
	return NULL;
}

/* Adds the times that @x tells to the spans from @at on; returns where the next index goes on. */
static uint32_t take_times(struct event_reader *r, const Mmtrace__EventIndex *x, uint32_t at)
{
	uint64_t time = 0, block = 0;

	if (x->n_events != x->n_block || x->n_time_min != x->n_block ||
	    x->n_time_span != x->n_block)
		return at;
	for (size_t i = 0; i < x->n_block; i++) {
		block += x->block[i];
		time += (uint64_t)x->time_min[i];
		while (at < r->span_count && r->spans[at].block < block)
			at++;
		if (at < r->span_count && r->spans[at].block == block)
			r->spans[at].time_max = time + x->time_span[i];
	}
	return at;
}

/* The next block is number @number; NULL in *@message_ret: it is damaged. */
static struct error *read_at(struct event_reader *r, uint32_t number,
			     const ProtobufCMessage **message_ret)
{
	struct mmtrace_block block;
	struct error *err = mmtrace_seek(r->r, number);

	*message_ret = NULL;
	if (err || !mmtrace_next(r->r, &block) || block.error || block.number != number ||
	    !mmtrace_message(block.type))
		return err;
	err = mmtrace_unpack(r->r, mmtrace_message(block.type), message_ret);
	if (err && err->code != ERROR_NO_MEMORY) {
		error_destroy(err);
		err = NULL;
	}
	return err;
}

/* Learns where the events are. */
static struct error *load_spans(struct event_reader *r, const struct mmtrace_index *index)
{
	struct error *err = NULL;
	uint32_t at = 0;

	if (r->has_spans)
		return NULL;
	r->span_count = 0;
	for (uint32_t i = 0; i < index->count && !err; i++)
		if (index->types[i] == MMTRACE_EVENTS)
			err = add_span(r, i, index->items[i]);
	for (uint32_t i = 0; i < index->count && !err; i++) {
		const ProtobufCMessage *message;

		if (index->types[i] != MMTRACE_EVENT_INDEX)
			continue;
		err = read_at(r, i, &message);
		if (!err && message)
			at = take_times(r, (const Mmtrace__EventIndex *)message, at);
	}
	r->has_spans = !err;
	return err;
}

/* Reads all strings that stand before block @end. */
static struct error *load_strings(struct event_reader *r, const struct mmtrace_index *index,
				  uint32_t end)
{
	struct error *err = NULL;

	for (uint32_t i = r->strings_read; i < end && !err; i++) {
		const ProtobufCMessage *message;

		if (index->types[i] != MMTRACE_STRINGS)
			continue;
		err = read_at(r, i, &message);
		if (!err && message)
			err = take_strings(r, (const Mmtrace__Strings *)message);
		if (err && err->code != ERROR_NO_MEMORY && err->code != ERROR_OS) {
			note_damage(r, i, err);
			err = NULL;
		}
	}
	if (!err && end > r->strings_read)
		r->strings_read = end;
	return err;
}

/* Goes to the block of span @at, or to the end behind the last. */
static struct error *go_to(struct event_reader *r, const struct mmtrace_index *index, uint32_t at)
{
	uint32_t block = at < r->span_count ? r->spans[at].block : index->count;
	struct error *err = load_strings(r, index, block);

	if (err)
		return err;
	r->left = 0;
	r->lost = false;
	if (at == r->span_count) {
		r->end = true;
		r->position = at ? r->spans[at - 1].first + r->spans[at - 1].events : 0;
		return NULL;
	}
	r->end = false;
	r->position = r->spans[at].first;
	err = mmtrace_seek(r->r, block);
	return err ? err : next_block(r);
}

/* Leaves out the events of the block at hand before event @number. */
static void skip_to_number(struct event_reader *r, uint64_t number)
{
	struct event events[64];

	if (r->left && r->block_first > r->position) {
		r->position = clamp_u64(number, r->position, r->block_first);
		return;
	}
	while (r->left && r->position < number)
		put_events(r, events, (size_t)min_u64(number - r->position, 64));
}

/* Leaves out the events of the block at hand before the first at @time or later. */
static void skip_to_time(struct event_reader *r, uint64_t time)
{
	while (r->left && r->block_first <= r->position) {
		struct event_reader before = *r;
		struct event event;

		put_events(r, &event, 1);
		if (event.time < time)
			continue;
		*r = before;
		return;
	}
}

static struct error *seek(struct event_reader *r, uint64_t to, bool by_time)
{
	const struct mmtrace_index *index;
	struct error *err = mmtrace_load_index(r->r, &index);
	uint32_t at = 0;

	if (err)
		return err;
	err = load_spans(r, index);
	if (err)
		return err;
	while (at < r->span_count && (by_time ? r->spans[at].time_max < to
					      : r->spans[at].first + r->spans[at].events <= to))
		at++;
	do {
		err = go_to(r, index, at);
		if (!err && by_time)
			skip_to_time(r, to);
		else if (!err)
			skip_to_number(r, to);
		/* What a damaged index told may be wrong. */
	} while (!err && by_time && !r->left && at++ < r->span_count);
	return err;
}

struct error *event_reader_seek(struct event_reader *r, uint64_t number)
{
	return seek(r, number, false);
}

struct error *event_reader_seek_time(struct event_reader *r, uint64_t time)
{
	return seek(r, time, true);
}
