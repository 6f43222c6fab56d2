/* SPDX-License-Identifier: MIT */
#include "traces/trace/trace.h"

#include <stdlib.h>
#include <string.h>

#include "traces/mmtrace.h"
#include "traces/trace/reader.h"

static uint32_t hash_bytes(const char *text, size_t len)
{
	uint32_t hash = 2166136261U; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)text[i]) * 16777619U;
	return hash;
}

static bool strings_grow(struct reader_strings *strings)
{
	uint32_t slot_count = strings->slot_count ? strings->slot_count * 2 : 64;
	uint32_t room = slot_count / 2;
	uint32_t *slots = calloc(slot_count, sizeof(*slots));
	char **text = realloc(strings->text, room * sizeof(*text));

	if (text)
		strings->text = text;
	if (!slots || !text) {
		free(slots);
		return false;
	}
	for (uint32_t n = 1; n < strings->count; n++) {
		uint32_t slot = hash_bytes(text[n], strlen(text[n])) & (slot_count - 1);

		while (slots[slot])
			slot = (slot + 1) & (slot_count - 1);
		slots[slot] = n;
	}
	free(strings->slots);
	strings->slots = slots;
	strings->slot_count = slot_count;
	strings->room = room;
	return true;
}

/* String 0 is the empty one. */
static bool strings_begin(struct reader_strings *strings)
{
	if (!strings_grow(strings))
		return false;
	strings->text[0] = calloc(1, 1);
	strings->count = strings->text[0] != NULL;
	return strings->count;
}

uint32_t reader_string(struct trace *t, const char *text, size_t len)
{
	struct reader_strings *strings = &t->strings;
	const char *nul = len ? memchr(text, '\0', len) : NULL;
	uint32_t slot, n;

	/* What a string cannot hold ends it. */
	if (nul)
		len = (size_t)(nul - text);
	if (!len)
		return 0;
	if (strings->count >= strings->room && !strings_grow(strings)) {
		reader_fail(t, error_no_memory());
		return 0;
	}
	slot = hash_bytes(text, len) & (strings->slot_count - 1);
	while ((n = strings->slots[slot])) {
		if (!strncmp(strings->text[n], text, len) && !strings->text[n][len])
			return n;
		slot = (slot + 1) & (strings->slot_count - 1);
	}
	n = strings->count;
	strings->text[n] = malloc(len + 1);
	if (!strings->text[n]) {
		reader_fail(t, error_no_memory());
		return 0;
	}
	memcpy(strings->text[n], text, len);
	strings->text[n][len] = '\0';
	strings->slots[slot] = n;
	strings->count++;
	return n;
}

/* Gives bits to the names of @text that have none, as far as there are any left. */
static void name_unknown(struct trace *t, const char *text, size_t len)
{
	const char *end = text + len;
	uint32_t used = t->gfp_unknown;

	for (unsigned int bit = 0; bit < GFP_BIT_COUNT; bit++)
		used |= t->gfp.mask[bit];
	for (unsigned int i = 0; i < t->gfp.name_count; i++)
		used |= t->gfp.names[i].mask;
	while (text < end) {
		const char *bar = memchr(text, '|', (size_t)(end - text));
		size_t item = (size_t)((bar ? bar : end) - text);
		uint32_t bit = 1U << 31, gfp;

		while (bit & used)
			bit >>= 1;
		if (!gfp_parse(&t->gfp, text, item, &gfp) &&
		    gfp_table_add_name(&t->gfp, text, item, bit)) {
			t->gfp_unknown |= bit;
			used |= bit;
		}
		text += item + 1;
	}
}

void reader_gfp(struct trace *t, const char *text, size_t len, struct event *event)
{
	bool understood = gfp_parse(&t->gfp, text, len, &event->gfp);

	if (!understood) {
		name_unknown(t, text, len);
		gfp_parse(&t->gfp, text, len, &event->gfp);
	}
	if (!understood || event->gfp & t->gfp_unknown)
		event->flags |= EVENT_GFP_UNKNOWN;
}

const struct gfp_table *trace_gfp(const struct trace *t)
{
	return &t->gfp;
}

uint32_t trace_gfp_unknown(const struct trace *t)
{
	return t->gfp_unknown;
}

bool trace_is_text(const struct trace *t)
{
	return !mmtrace_is(t->head, t->head_size) && !dat_is(t->head, t->head_size) &&
	       !perf_is(t->head, t->head_size);
}

void reader_fail(struct trace *t, struct error *err)
{
	t->end = true;
	if (t->failed)
		error_destroy(err);
	else
		t->failed = err;
}

static void init_gfp(const struct trace_options *options, struct gfp_table *ret)
{
	struct facts newest;

	if (options && options->gfp) {
		*ret = *options->gfp;
		return;
	}
	facts_init(&newest, eras[era_count - 1].version);
	gfp_table_init(ret, options && options->facts ? options->facts : &newest);
}

/* A few bytes in memory need no room for very many events; more of them come in turns. */
static size_t batch_room(const struct input_stream *stream)
{
	size_t bytes, room;

	if (!input_stream_bytes(stream, &bytes))
		return READER_BATCH;
	room = bytes / 32 + 16;
	return room < READER_BATCH ? room : READER_BATCH;
}

/* Takes @stream and @path over, whatever happens. */
static struct error *open_stream(struct input_stream *stream, char *path,
				 const struct trace_options *options, struct trace **ret)
{
	struct trace *t = calloc(1, sizeof(*t));
	struct error *err = NULL;

	if (!t) {
		input_stream_close(stream);
		free(path);
		return error_no_memory();
	}
	t->stream = stream;
	t->path = path;
	init_gfp(options, &t->gfp);
	t->unpacker = options ? options->unpacker : NULL;
	t->batch_room = batch_room(stream);
	t->batch = calloc(t->batch_room, sizeof(*t->batch));
	if (!t->batch || !strings_begin(&t->strings))
		err = error_no_memory();
	while (!err && t->head_size < sizeof(t->head)) {
		size_t n;

		err = input_stream_read(stream, t->head + t->head_size,
					sizeof(t->head) - t->head_size, &n);
		if (err || !n)
			break;
		t->head_size += n;
	}
	if (!err && mmtrace_is(t->head, t->head_size))
		err = stored_reader_open(t);
	else if (!err && dat_is(t->head, t->head_size))
		err = dat_reader_open(t);
	else if (!err && perf_is(t->head, t->head_size))
		err = perf_reader_open(t);
	else if (!err)
		err = text_reader_open(t);
	if (err) {
		trace_close(t);
		return err;
	}
	*ret = t;
	return NULL;
}

struct error *trace_open(const char *path, const struct trace_options *options, struct trace **ret)
{
	struct input_stream *stream;
	struct error *err;
	char *copy = NULL;

	if (strcmp(path, "-") != 0) {
		copy = strdup(path);
		if (!copy)
			return error_no_memory();
	}
	err = input_stream_open(path, &stream);
	if (err) {
		free(copy);
		return err;
	}
	return open_stream(stream, copy, options, ret);
}

struct error *trace_open_bytes(const char *name, const void *data, size_t size,
			       const struct trace_options *options, struct trace **ret)
{
	struct input_stream *stream;
	struct error *err;

	err = input_stream_from_bytes(name, data, size, &stream);
	if (err)
		return err;
	return open_stream(stream, NULL, options, ret);
}

void trace_close(struct trace *t)
{
	if (!t)
		return;
	if (t->ops)
		t->ops->close(t);
	for (uint32_t n = 0; n < t->strings.count; n++)
		free(t->strings.text[n]);
	free(t->strings.text);
	free(t->strings.slots);
	input_stream_close(t->stream);
	error_destroy(t->failed);
	free(t->batch);
	free(t->path);
	free(t);
}

static void count_losses(struct trace *t)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct event *e = &t->batch[i];

		if (e->kind != EVENT_LOST)
			continue;
		t->stats.lost += e->count;
		t->stats.lost_untold += !e->count;
		if (!t->stats.first_lost_line)
			t->stats.first_lost_line = e->line;
	}
}

static void count_unknown_flags(struct trace *t)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct event *e = &t->batch[i];

		if (!(e->flags & EVENT_GFP_UNKNOWN))
			continue;
		if (!t->stats.gfp_unknown++)
			t->stats.first_gfp_unknown_line = e->line;
	}
}

/* No event is older than the one before it, nor than @newest. */
static bool is_forward(const struct event *events, size_t count, uint64_t newest)
{
	bool back = false;

	for (size_t i = 0; i < count; i++) {
		back |= events[i].time < newest;
		newest = events[i].time;
	}
	return !back;
}

static uint64_t *newest_of(struct reader_order *order, const struct event *e)
{
	return &order->newest_of[e->cpu < READER_CPUS ? e->cpu : READER_CPUS];
}

static void count_behind(struct trace *t, const struct event *e)
{
	struct reader_order *order = &t->order;
	uint64_t *own = newest_of(order, e);

	/* What is lost has no time. */
	if (e->kind == EVENT_LOST)
		return;
	if (e->time < order->horizon && e->time < *own && e->cpu < READER_CPUS) {
		if (!t->stats.behind_own++)
			t->stats.first_behind_own_line = e->line;
	} else if (e->time < order->horizon) {
		if (!t->stats.behind_others++)
			t->stats.first_behind_others_line = e->line;
	}
	*own = max_u64(*own, e->time);
	order->newest = max_u64(order->newest, e->time);
}

/* Window by window: what is compared with is newest before the one that precedes. */
static void count_order(struct trace *t)
{
	struct reader_order *order = &t->order;
	size_t count;

	for (size_t at = 0; at < t->count; at += count) {
		const struct event *events = &t->batch[at];

		count = min_u64(t->count - at, TRACE_ORDER_WINDOW - order->place);
		if (is_forward(events, count, order->newest)) {
			for (size_t i = 0; i < count; i++)
				*newest_of(order, &events[i]) = events[i].time;
			order->newest = events[count - 1].time;
		} else {
			for (size_t i = 0; i < count; i++)
				count_behind(t, &events[i]);
		}
		order->place += (uint32_t)count;
		if (order->place < TRACE_ORDER_WINDOW)
			continue;
		order->place = 0;
		order->horizon = order->next_horizon;
		order->next_horizon = order->newest;
	}
}

/*
 * count_order() of events of which none is older than the one before it.  @alone: all are of one CPU.
 *
 *	. . . | . . . x | . . . y | .		place 1, then 1; windows of 4: the horizon is x, the next one y
 */
static void pass_in_order(struct trace *t, bool alone)
{
	struct reader_order *order = &t->order;
	const struct event *events = t->batch;
	size_t count = t->count, after = (order->place + count) % TRACE_ORDER_WINDOW;

	if (!count)
		return;
	for (size_t i = alone ? count - 1 : 0; i < count; i++)
		*newest_of(order, &events[i]) = events[i].time;
	order->newest = events[count - 1].time;
	if (order->place + count >= TRACE_ORDER_WINDOW) {
		order->horizon = count >= after + 1 + TRACE_ORDER_WINDOW
					 ? events[count - after - 1 - TRACE_ORDER_WINDOW].time
					 : order->next_horizon;
		order->next_horizon = events[count - after - 1].time;
	}
	order->place = (uint32_t)after;
}

/* Neighbours are often of one kind: in one table each addition would wait for the one before it. */
static void count_events(struct trace *t)
{
	uint32_t counts[4][EVENT_KIND_COUNT] = { 0 };
	uint64_t newest = t->order.newest;
	uint32_t cpus = 0; /* bits in which they differ */
	uint8_t flags = 0;
	bool back = false;

	for (size_t i = 0; i < t->count; i++) {
		const struct event *e = &t->batch[i];

		counts[i % 4][e->kind]++;
		flags |= e->flags;
		cpus |= e->cpu ^ t->batch[0].cpu;
		back |= e->time < newest;
		newest = e->time;
	}
	for (int k = 0; k < EVENT_KIND_COUNT; k++)
		t->stats.events[k] +=
			(uint64_t)counts[0][k] + counts[1][k] + counts[2][k] + counts[3][k];
	if (counts[0][EVENT_LOST] + counts[1][EVENT_LOST] + counts[2][EVENT_LOST] +
	    counts[3][EVENT_LOST])
		count_losses(t);
	if (flags & EVENT_GFP_UNKNOWN)
		count_unknown_flags(t);
	if (back)
		count_order(t);
	else
		pass_in_order(t, !cpus);
}

/* More than @few, and than one of @share events; or a third of all. */
static bool is_many(const struct trace *t, uint64_t count, uint64_t few, uint64_t share)
{
	uint64_t events = 0;

	for (int k = 0; k < EVENT_KIND_COUNT; k++)
		events += k == EVENT_LOST ? 0 : t->stats.events[k];
	return count > events / 3 || (count > few && count > events / share);
}

bool trace_runs_backwards(const struct trace *t)
{
	return is_many(t, t->stats.behind_own, 1024, 1000);
}

bool trace_is_disordered(const struct trace *t)
{
	return is_many(t, t->stats.behind_others, 64, 10000);
}

struct error *trace_next(struct trace *t, const struct event **ret, size_t *count)
{
	t->count = 0;
	if (!t->end) {
		struct error *err = t->ops->next(t);

		if (err)
			reader_fail(t, err);
		else if (!t->count)
			t->end = true;
	}
	count_events(t);
	if (!t->count && t->failed) {
		struct error *err = t->failed;

		t->failed = NULL;
		return err;
	}
	*ret = t->batch;
	*count = t->count;
	return NULL;
}

const char *trace_string(const struct trace *t, uint32_t number)
{
	if (t->ops->string)
		return t->ops->string(t, number);
	return number < t->strings.count ? t->strings.text[number] : "";
}

const struct trace_stats *trace_stats(const struct trace *t)
{
	return &t->stats;
}

const struct error *trace_damage(const struct trace *t)
{
	return t->ops->damage ? t->ops->damage(t) : NULL;
}

static struct error *seek(struct trace *t, uint64_t to, bool by_time)
{
	struct error *err;

	if (!t->ops->seek)
		return error_create(ERROR_UNSUPPORTED, input_stream_name(t->stream), 0, 0,
				    "cannot be read anywhere but from its start on");
	err = t->ops->seek(t, to, by_time);
	if (err)
		return err;
	/* What was read before is not what stands before. */
	t->order = (struct reader_order){ 0 };
	if (!t->failed)
		t->end = false;
	return err;
}

struct error *trace_seek(struct trace *t, uint64_t number)
{
	return seek(t, number, false);
}

struct error *trace_seek_time(struct trace *t, uint64_t time)
{
	return seek(t, time, true);
}
