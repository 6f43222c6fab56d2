/* SPDX-License-Identifier: MIT */
#include "fuzz/campaign/shrink.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "traces/arena.h"
#include "traces/message_field.h"
#include "traces/minimise.h"

/* What the message and its copies may take. */
#define MEMORY_MAX ((size_t)1 << 30)

/* A message as bytes, and as what it is while it is worked on. */
struct work {
	const ProtobufCMessageDescriptor *descriptor;
	const struct shrink_question *question;
	const uint8_t *data; /* of the message that is cut */
	size_t size;
	struct arena arena;
	ProtobufCAllocator allocator;
	uint64_t tests;
	bool out_of_memory, stopped;
	uint8_t *keep; /* by number of the element */
};

static bool may_test(struct work *w)
{
	w->stopped |= w->question->tests_max && w->tests >= w->question->tests_max;
	w->tests += !w->stopped;
	return !w->stopped;
}

static ProtobufCMessage *read_message(struct work *w)
{
	ProtobufCMessage *message;

	arena_reset(&w->arena);
	message = protobuf_c_message_unpack(w->descriptor, &w->allocator, w->size, w->data);
	w->out_of_memory |= !message;
	return message;
}

/* ---- the elements of a message ----------------------------------------------------------------- */

/* Is the field one element that is there?  (Of lists, each entry is one.) */
static bool is_there(ProtobufCMessage *message, const ProtobufCFieldDescriptor *f)
{
	if (f->label != PROTOBUF_C_LABEL_OPTIONAL || (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
		return false;
	return field_values(message, f);
}

static void leave_out(ProtobufCMessage *message, const ProtobufCFieldDescriptor *f)
{
	if (field_is_pointer(f)) {
		*(const void **)field_at(message, f) = f->default_value;
		return;
	}
	/* It reads as if it had never been there. */
	*field_has(message, f) = 0;
	if (f->default_value)
		memcpy(field_at(message, f), f->default_value, field_value_bytes(f));
	else
		memset(field_at(message, f), 0, field_value_bytes(f));
}

/* A walk over all elements, in the order of the message: an element comes before what is in it. */
struct walk {
	uint32_t next; /* number of the next element */
	uint32_t *needs; /* filled with the number of the element around each, or NULL */
	uint32_t room; /* of needs */
	const uint8_t *keep; /* elements that stay; NULL: all do */
};

static void walk_message(struct walk *w, ProtobufCMessage *message, uint32_t around);

/* Element number w->next, which is @value; false: it is to go. */
static bool walk_element(struct walk *w, const ProtobufCFieldDescriptor *f, void *value,
			 uint32_t around)
{
	uint32_t number = w->next++;

	if (w->needs && number < w->room)
		w->needs[number] = around;
	if (f->type == PROTOBUF_C_TYPE_MESSAGE)
		walk_message(w, *(ProtobufCMessage **)value, number);
	return !w->keep || w->keep[number];
}

static void walk_list(struct walk *w, ProtobufCMessage *message, const ProtobufCFieldDescriptor *f,
		      uint32_t around)
{
	size_t *count = field_count(message, f), kept = 0, bytes = field_value_bytes(f);
	char *list = *(char **)field_at(message, f);

	for (size_t i = 0; i < *count; i++) {
		if (!walk_element(w, f, list + i * bytes, around))
			continue;
		memmove(list + kept * bytes, list + i * bytes, bytes);
		kept++;
	}
	*count = kept;
}

static void walk_message(struct walk *w, ProtobufCMessage *message, uint32_t around)
{
	const ProtobufCMessageDescriptor *d = message->descriptor;

	for (unsigned int i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];

		if (f->label == PROTOBUF_C_LABEL_REPEATED)
			walk_list(w, message, f, around);
		else if (is_there(message, f) && !walk_element(w, f, field_at(message, f), around))
			leave_out(message, f);
	}
	/* Fields that are not known say nothing to anybody. */
	message->n_unknown_fields = 0;
}

/* ---- parts are left out ------------------------------------------------------------------------ */

static enum minimise_answer ask_parts(void *ctx, const uint32_t *elements, uint32_t count,
				      uint32_t *enough)
{
	struct work *w = ctx;
	ProtobufCMessage *message;
	struct walk walk = { .keep = w->keep };

	(void)enough;
	if (!may_test(w))
		return MINIMISE_STOP;
	message = read_message(w);
	if (!message)
		return MINIMISE_STOP;
	for (uint32_t i = 0; i < count; i++)
		w->keep[elements[i]] = 1;
	walk_message(&walk, message, MINIMISE_NONE);
	for (uint32_t i = 0; i < count; i++)
		w->keep[elements[i]] = 0;
	return w->question->message(w->question->ctx, message) ? MINIMISE_STILL : MINIMISE_GONE;
}

static bool pack(struct work *w, const ProtobufCMessage *message, struct shrink_result *ret)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data = malloc(size + 1);

	if (!data) {
		w->out_of_memory = true;
		return false;
	}
	protobuf_c_message_pack(message, data);
	free(ret->data);
	ret->data = data;
	ret->size = size;
	w->data = data;
	w->size = size;
	return true;
}

static void shrink_parts(struct work *w, struct shrink_result *ret)
{
	ProtobufCMessage *message = read_message(w);
	struct minimiser m = { 0 };
	struct walk walk = { 0 };
	uint32_t count;

	if (!message)
		return;
	walk_message(&walk, message, MINIMISE_NONE);
	count = walk.next;
	walk = (struct walk){ .needs = calloc((size_t)count + 1, sizeof(*walk.needs)),
			      .room = count };
	w->keep = calloc((size_t)count + 1, 1);
	if (!walk.needs || !w->keep) {
		w->out_of_memory = true;
	} else {
		walk_message(&walk, message, MINIMISE_NONE);
		w->out_of_memory |= !minimise(&m, count, walk.needs, ask_parts, w);
		ret->proven = m.proven;
	}
	message = w->out_of_memory ? NULL : read_message(w);
	if (message) {
		for (uint32_t i = 0; i < m.count; i++)
			w->keep[m.kept[i]] = 1;
		walk = (struct walk){ .needs = walk.needs, .keep = w->keep };
		walk_message(&walk, message, MINIMISE_NONE);
		pack(w, message, ret);
	}
	minimiser_deinit(&m);
	free(walk.needs);
	free(w->keep);
	w->keep = NULL;
}

/* ---- numbers become simpler -------------------------------------------------------------------- */

static unsigned int bits(uint64_t v)
{
	unsigned int n = 0;

	for (; v; v >>= 1)
		n++;
	return n;
}

static unsigned int ones(uint64_t v)
{
	unsigned int n = 0;

	for (; v; v &= v - 1)
		n++;
	return n;
}

/* The fewer bits are set, the simpler; then, the smaller.  So the search ends. */
static unsigned int cost(uint64_t v)
{
	return ones(v) * 65 + bits(v);
}

static uint64_t load(const void *p, size_t bytes)
{
	uint32_t four;
	uint64_t eight;

	if (bytes == 4) {
		memcpy(&four, p, 4);
		return four;
	}
	memcpy(&eight, p, 8);
	return eight;
}

static void store(void *p, size_t bytes, uint64_t v)
{
	uint32_t four = (uint32_t)v;

	if (bytes == 4)
		memcpy(p, &four, 4);
	else
		memcpy(p, &v, 8);
}

static bool is_number(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		return false;
	default:
		return true;
	}
}

/* Tries simpler values of the number at @p inside @top; true: it has become one. */
static bool simplify(struct work *w, const ProtobufCMessage *top, void *p, size_t bytes)
{
	/* Places that sizes and addresses are round at: 1 GiB, a section, a pageblock, a page ... */
	static const unsigned int round[] = { 30, 27, 22, 21, 18, 12, 10, 9, 4 };
	uint64_t old = load(p, bytes), tries[4 + sizeof(round) / sizeof(*round)];
	unsigned int count = 0;

	tries[count++] = 0;
	tries[count++] = 1;
	tries[count++] = old ? 1ULL << (bits(old) - 1) : 0;
	for (unsigned int i = 0; i < sizeof(round) / sizeof(*round); i++)
		tries[count++] = old >> round[i] << round[i];
	tries[count++] = old >> 1;
	for (unsigned int i = 0; i < count; i++) {
		if (cost(tries[i]) >= cost(old) || !may_test(w))
			continue;
		store(p, bytes, tries[i]);
		if (w->question->message(w->question->ctx, top))
			return true;
	}
	store(p, bytes, old);
	return false;
}

/* All numbers of @message once; true: one has become simpler. */
static bool simplify_message(struct work *w, const ProtobufCMessage *top, ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *d = message->descriptor;
	bool any = false;

	for (unsigned int i = 0; i < d->n_fields && !w->stopped; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];
		bool list = f->label == PROTOBUF_C_LABEL_REPEATED;
		size_t count = list ? *field_count(message, f) : is_there(message, f);
		char *values = list ? *(char **)field_at(message, f) : field_at(message, f);

		for (size_t n = 0; n < count; n++) {
			char *value = values + n * field_value_bytes(f);

			if (f->type == PROTOBUF_C_TYPE_MESSAGE)
				any |= simplify_message(w, top, *(ProtobufCMessage **)value);
			else if (is_number(f))
				while (simplify(w, top, value, field_value_bytes(f)))
					any = true;
		}
	}
	return any;
}

static void shrink_numbers(struct work *w, struct shrink_result *ret)
{
	ProtobufCMessage *message = read_message(w);

	if (!message)
		return;
	while (simplify_message(w, message, message) && !w->stopped)
		;
	pack(w, message, ret);
}

/* ---- bytes ------------------------------------------------------------------------------------- */

struct byte_work {
	struct work *w;
	const uint8_t *data;
	uint8_t *candidate;
};

static enum minimise_answer ask_bytes(void *ctx, const uint32_t *elements, uint32_t count,
				      uint32_t *enough)
{
	struct byte_work *b = ctx;

	(void)enough;
	if (!may_test(b->w))
		return MINIMISE_STOP;
	for (uint32_t i = 0; i < count; i++)
		b->candidate[i] = b->data[elements[i]];
	return b->w->question->bytes(b->w->question->ctx, b->candidate, count) ? MINIMISE_STILL
									       : MINIMISE_GONE;
}

static void shrink_bytes(struct work *w, struct shrink_result *ret)
{
	struct byte_work b = { w, w->data, malloc(w->size + 1) };
	struct minimiser m = { 0 };

	if (!b.candidate || !minimise(&m, (uint32_t)w->size, NULL, ask_bytes, &b)) {
		w->out_of_memory = true;
	} else {
		ret->proven = m.proven;
		ret->size = m.count;
		for (uint32_t i = 0; i < m.count; i++)
			ret->data[i] = w->data[m.kept[i]];
	}
	minimiser_deinit(&m);
	free(b.candidate);
}

/* ---- all of it --------------------------------------------------------------------------------- */

static bool shows(struct work *w)
{
	ProtobufCMessage *message;

	w->tests++;
	if (!w->descriptor)
		return w->question->bytes(w->question->ctx, w->data, w->size);
	message = read_message(w);
	return message && w->question->message(w->question->ctx, message);
}

static struct error *check(struct work *w)
{
	if (w->size >= UINT32_MAX)
		return error_create(ERROR_LIMIT, NULL, 0, 0, "the input is too large");
	if (shows(w))
		return NULL;
	if (w->out_of_memory && w->descriptor)
		return error_create(ERROR_FORMAT, NULL, 0, 0, "the input is no %s",
				    w->descriptor->name);
	return error_create(ERROR_RANGE, NULL, 0, 0,
			    "the input does not show what it is to be shrunk for");
}

struct error *shrink(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
		     const struct shrink_question *question, struct shrink_result *ret)
{
	struct shrink_result result = { .data = malloc(size + 1), .size = size };
	struct work w = { .descriptor = descriptor,
			  .question = question,
			  .data = data,
			  .size = size,
			  .arena = arena_init(MEMORY_MAX) };
	struct error *err;

	if (!result.data)
		return error_no_memory();
	if (size)
		memcpy(result.data, data, size);
	w.allocator = arena_allocator(&w.arena);
	err = check(&w);
	if (!err && descriptor) {
		shrink_parts(&w, &result);
		/* A simpler number may need fewer parts. */
		if (!w.out_of_memory && !w.stopped)
			shrink_numbers(&w, &result);
		if (!w.out_of_memory && !w.stopped)
			shrink_parts(&w, &result);
	} else if (!err) {
		shrink_bytes(&w, &result);
	}
	if (!err && w.out_of_memory)
		err = error_no_memory();
	arena_deinit(&w.arena);
	if (err) {
		free(result.data);
		return err;
	}
	result.tests = w.tests;
	*ret = result;
	return NULL;
}
