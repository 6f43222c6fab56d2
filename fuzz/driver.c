/* SPDX-License-Identifier: MIT */
#include "fuzz/driver.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/prng.h"
#include "fuzz/mutate/mutate.h"

/* Inputs the pool has at most, and their bytes: older ones make place. */
#define POOL_MAX 4096
#define POOL_BYTES_MAX ((size_t)256 << 20)
/* Executions an input is changed for before another one is taken. */
#define CHAIN_MAX 64
/* Features are told apart by their lowest bits, after scrambling. */
#define FEATURE_BITS 20
#define MESSAGE_MEMORY_MAX ((size_t)512 << 20)

struct pooled {
	uint8_t *data;
	size_t size;
};

/* The smallest input with a finding of this id so far. */
struct smallest {
	const char *id;
	size_t size;
};

struct driver {
	struct target_runner *runner;
	const struct target *target;
	struct driver_options options;
	bool begun; /* seeds were tried */
	size_t inputs_run; /* of those given */
	bool giving; /* the execution at hand is of a seed or an input */
	struct mutator *mutator;
	struct prng prng;
	struct arena arena; /* the message being changed */
	ProtobufCAllocator allocator;
	uint8_t *buffer; /* an input as bytes */
	size_t buffer_size, buffer_room;
	struct pooled pool[POOL_MAX];
	uint32_t pool_count, pool_next;
	uint32_t given_count; /* of the first of them: seeds and inputs */
	size_t pool_bytes;
	struct smallest smallest[TARGET_FINDINGS_MAX * 2];
	unsigned int smallest_count;
	uint64_t seen[(1u << FEATURE_BITS) / 64];
	struct driver_stats stats;
	bool out_of_memory, stop;
};

/* ---- the pool ---------------------------------------------------------------------------------- */

static void pool_add(struct driver *d, const uint8_t *data, size_t size)
{
	struct pooled *to;
	uint8_t *copy;

	if (size > POOL_BYTES_MAX / 16)
		return;
	copy = malloc(size + 1);
	if (!copy) {
		d->out_of_memory = true;
		return;
	}
	if (size)
		memcpy(copy, data, size);
	if (d->pool_count < POOL_MAX && d->pool_bytes + size <= POOL_BYTES_MAX) {
		to = &d->pool[d->pool_count++];
	} else {
		assert(d->pool_count);
		/* Those that were given stay, if they leave room. */
		if (d->given_count > d->pool_count / 2)
			d->given_count = 0;
		to = &d->pool[d->given_count + d->pool_next++ % (d->pool_count - d->given_count)];
		d->pool_bytes -= to->size;
		free(to->data);
	}
	*to = (struct pooled){ copy, size };
	d->pool_bytes += size;
	d->stats.pool = d->pool_count;
}

/*
 * Late ones more often: they are what is new.  Those that were given are not forgotten over them: a machine
 * as there are, with little done to it, is near to more than one with much.
 */
static const struct pooled *pool_draw(struct driver *d)
{
	uint32_t back = (uint32_t)prng_below(&d->prng, d->pool_count);
	uint32_t others = d->pool_count - d->given_count;

	if (d->given_count && prng_chance(&d->prng, 1, 6))
		return &d->pool[prng_below(&d->prng, d->given_count)];
	if (prng_chance(&d->prng, 1, 2))
		back = (uint32_t)prng_skewed(&d->prng, d->pool_count);
	/* Those given are the oldest.  In a full pool the one before the next to make place is the latest. */
	if (back >= others)
		return &d->pool[d->pool_count - 1 - back];
	return &d->pool[d->given_count + (d->pool_next + others - 1 - back) % others];
}

/* The shorter one of two, mostly: inputs grow by themselves, and long ones take their time. */
static const struct pooled *pool_pick(struct driver *d)
{
	const struct pooled *a = pool_draw(d), *b = pool_draw(d);

	return prng_chance(&d->prng, 3, 4) && b->size < a->size ? b : a;
}

/* ---- what came of an execution ------------------------------------------------------------------ */

static bool has_new_feature(struct driver *d, const struct target_report *report)
{
	bool any = false;

	for (unsigned int i = 0; i < report->feature_count; i++) {
		uint32_t bit = (report->features[i] * 0x9e3779b1u) >> (32 - FEATURE_BITS);
		uint64_t mask = 1ULL << (bit & 63);

		if (d->seen[bit >> 6] & mask)
			continue;
		d->seen[bit >> 6] |= mask;
		d->stats.features++;
		any = true;
	}
	return any;
}

/* Did earlier inputs have all of its findings? */
static bool all_known(const struct driver *d, const struct target_report *report)
{
	unsigned int known = 0;

	for (unsigned int i = 0; i < report->finding_count; i++)
		for (unsigned int k = 0; k < d->smallest_count; k++)
			known += !strcmp(d->smallest[k].id, report->findings[i].id);
	return known == report->finding_count;
}

/* Is it the first of an id, or the smallest? */
static bool is_news(struct driver *d, const struct target_report *report, size_t size)
{
	bool news = false;

	for (unsigned int i = 0; i < report->finding_count; i++) {
		unsigned int k = 0;

		while (k < d->smallest_count &&
		       strcmp(d->smallest[k].id, report->findings[i].id) != 0)
			k++;
		if (k == sizeof(d->smallest) / sizeof(*d->smallest))
			continue;
		if (k == d->smallest_count)
			d->smallest[d->smallest_count++] =
				(struct smallest){ report->findings[i].id, SIZE_MAX };
		if (size >= d->smallest[k].size)
			continue;
		d->smallest[k].size = size;
		news = true;
	}
	return news;
}

static bool reserve(struct driver *d, size_t size)
{
	uint8_t *bigger;

	if (size <= d->buffer_room)
		return true;
	bigger = realloc(d->buffer, size * 2);
	if (!bigger) {
		d->out_of_memory = true;
		return false;
	}
	d->buffer = bigger;
	d->buffer_room = size * 2;
	return true;
}

static bool has_inputs_left(const struct driver *d)
{
	return d->inputs_run < d->options.input_count;
}

/* The input that was run is @message, or without one the buffer.  Returns whether to go on from it. */
static bool look(struct driver *d, const ProtobufCMessage *message)
{
	const struct target_report *report = target_report(d->runner);
	const struct driver_options *o = &d->options;
	bool feature, known, packed = !message;

	d->stats.executions++;
	if (o->progress && d->stats.executions % DRIVER_PROGRESS == 0)
		d->stop = !o->progress(o->ctx, &d->stats);
	if (report->refused) {
		d->stats.refused++;
		return false;
	}
	feature = (d->giving || !has_inputs_left(d)) && has_new_feature(d, report);
	d->stats.findings += report->finding_count != 0;
	if (!feature && !report->finding_count)
		return true;
	if (!packed) {
		d->buffer_size = protobuf_c_message_get_packed_size(message);
		if (!reserve(d, d->buffer_size))
			return false;
		protobuf_c_message_pack(message, d->buffer);
	}
	known = all_known(d, report);
	if (report->finding_count && (is_news(d, report, d->buffer_size) || o->every_finding) &&
	    o->found)
		o->found(o->ctx, report, d->buffer, d->buffer_size, d->stats.executions - 1);
	/* What is known does not hide what lies behind it; but it is nothing to keep for others. */
	if (!known)
		return false;
	if (feature && d->buffer_size <= TARGET_BYTES_MAX) {
		pool_add(d, d->buffer, d->buffer_size);
		if (o->kept && !report->finding_count)
			o->kept(o->ctx, d->buffer, d->buffer_size);
	}
	return true;
}

static bool is_over(const struct driver *d)
{
	return d->stop || d->out_of_memory || d->stats.executions >= d->options.executions;
}

/* ---- executions -------------------------------------------------------------------------------- */

static ProtobufCMessage *unpack(struct driver *d, const struct pooled *from)
{
	return protobuf_c_message_unpack(d->target->message, &d->allocator, from->size, from->data);
}

/* Short ones stay near to where they began, long ones come far. */
static uint64_t draw_length(struct driver *d)
{
	return 1 + prng_below(&d->prng, prng_chance(&d->prng, 1, 2) ? 4 : CHAIN_MAX);
}

static void chain_of_messages(struct driver *d)
{
	uint64_t length = draw_length(d);
	ProtobufCMessage *message, *other;

	arena_rewind(&d->arena);
	message = unpack(d, pool_pick(d));
	for (uint64_t i = 0; message && i < length && !is_over(d); i++) {
		uint64_t changes = 1 + prng_skewed(&d->prng, 8);

		if (prng_chance(&d->prng, 1, 32)) {
			other = unpack(d, pool_pick(d));
			if (other)
				mutate_cross(d->mutator, message, other, &d->arena);
		}
		for (uint64_t k = 0; k < changes; k++)
			mutate_message(d->mutator, message, &d->arena);
		target_run_message(d->runner, message);
		if (!look(d, message))
			break;
	}
}

/*
 * Large inputs take their time, and a piece of one shows mostly what the whole does: it begins where the
 * input does, or with a line of it.
 */
static struct pooled piece_of(struct driver *d, const struct pooled *from, size_t most)
{
	struct pooled piece = *from;
	const uint8_t *newline;
	size_t start;

	if (from->size <= most || prng_chance(&d->prng, 1, 32))
		return piece;
	if (prng_chance(&d->prng, 1, 2)) {
		start = prng_below(&d->prng, from->size);
		newline = memchr(from->data + start, '\n', from->size - start);
		start = newline ? (size_t)(newline + 1 - from->data) : 0;
		piece.data += start;
		piece.size -= start;
	}
	most >>= prng_below(&d->prng, 4);
	if (piece.size > most)
		piece.size = most;
	return piece;
}

static void chain_of_bytes(struct driver *d)
{
	uint64_t length = draw_length(d);
	size_t most = d->target->usual_bytes_max ? d->target->usual_bytes_max : TARGET_BYTES_MAX;
	const struct pooled from = piece_of(d, pool_pick(d), most), *other;
	/* Most grow little: what is long takes its time. */
	size_t room = from.size * 2 + ((size_t)4096 >> prng_below(&d->prng, 6));

	if (room > most)
		room = most > from.size ? most : from.size;
	if (!reserve(d, room))
		return;
	d->buffer_size = from.size;
	if (from.size)
		memcpy(d->buffer, from.data, from.size);
	for (uint64_t i = 0; i < length && !is_over(d); i++) {
		uint64_t changes = 1 + prng_skewed(&d->prng, 8);

		if (prng_chance(&d->prng, 1, 32)) {
			other = pool_pick(d);
			d->buffer_size = mutate_cross_bytes(d->mutator, d->buffer, d->buffer_size,
							    room, other->data, other->size);
		}
		for (uint64_t k = 0; k < changes; k++)
			d->buffer_size = mutate_bytes(d->mutator, d->buffer, d->buffer_size, room);
		target_run_bytes(d->runner, d->buffer, d->buffer_size);
		if (!look(d, NULL))
			break;
	}
}

/* An input that was given; it stays in the pool whatever comes of it. */
static void first(struct driver *d, const uint8_t *data, size_t size)
{
	uint32_t before = d->pool_count;

	if (is_over(d) || size > TARGET_BYTES_MAX || !reserve(d, size + 1))
		return;
	if (size)
		memcpy(d->buffer, data, size);
	d->buffer_size = size;
	target_run_bytes(d->runner, data, size);
	d->giving = true;
	look(d, NULL);
	d->giving = false;
	if (d->pool_count == before && !target_report(d->runner)->refused)
		pool_add(d, data, size);
	/* In a full pool it stands anywhere. */
	if (!d->pool_next)
		d->given_count = d->pool_count;
}

static struct error *begin(struct driver *d)
{
	for (unsigned int i = 0; d->target->seeds[i]; i++) {
		uint8_t *data;
		size_t size;
		struct error *err = target_seed(d->target, i, &data, &size);

		if (err)
			return err;
		first(d, data, size);
		free(data);
	}
	d->begun = true;
	return NULL;
}

/* The next input that was given, if it is its turn. */
static bool run_given(struct driver *d)
{
	const struct driver_input *in;

	if (!has_inputs_left(d) ||
	    (d->pool_count && 2 * (uint64_t)d->inputs_run > d->stats.executions))
		return false;
	in = &d->options.inputs[d->inputs_run++];
	first(d, in->data, in->size);
	return true;
}

static void run_made_up(struct driver *d)
{
	if (!d->pool_count)
		pool_add(d, NULL, 0);
	if (d->out_of_memory)
		return;
	if (d->target->message)
		chain_of_messages(d);
	else
		chain_of_bytes(d);
}

struct error *driver_create(struct target_runner *r, const struct driver_options *options,
			    struct driver **ret)
{
	struct driver *d = calloc(1, sizeof(*d));
	struct error *err;

	if (!d)
		return error_no_memory();
	d->runner = r;
	d->target = target_runner_target(r);
	d->options = *options;
	d->prng = prng_init(options->seed);
	d->arena = arena_init(MESSAGE_MEMORY_MAX);
	d->allocator = arena_allocator(&d->arena);
	err = mutator_create(d->target->message, d->target->words, &d->mutator);
	if (err) {
		driver_destroy(d);
		return err;
	}
	if (d->target->unused)
		mutator_leave(d->mutator, d->target->unused);
	mutator_seed(d->mutator, prng_split(&d->prng));
	*ret = d;
	return NULL;
}

void driver_destroy(struct driver *d)
{
	if (!d)
		return;
	for (uint32_t i = 0; i < d->pool_count; i++)
		free(d->pool[i].data);
	mutator_destroy(d->mutator);
	arena_deinit(&d->arena);
	free(d->buffer);
	free(d);
}

struct error *driver_go_on(struct driver *d, uint64_t executions)
{
	struct error *err;

	d->options.executions = executions;
	d->stop = false;
	if (!d->begun) {
		err = begin(d);
		if (err)
			return err;
	}
	while (!is_over(d))
		if (!run_given(d))
			run_made_up(d);
	return d->out_of_memory ? error_no_memory() : NULL;
}

void driver_forget_findings(struct driver *d)
{
	d->smallest_count = 0;
}

const struct driver_stats *driver_stats(const struct driver *d)
{
	return &d->stats;
}

struct error *driver_run(struct target_runner *r, const struct driver_options *options,
			 struct driver_stats *ret)
{
	struct driver *d = NULL;
	struct error *err = driver_create(r, options, &d);

	if (!d)
		return err;
	err = driver_go_on(d, options->executions);
	*ret = d->stats;
	driver_destroy(d);
	return err;
}
