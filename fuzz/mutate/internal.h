/* SPDX-License-Identifier: MIT */
/* What the files of the mutator share. */
#ifndef FUZZ_MUTATE_INTERNAL_H
#define FUZZ_MUTATE_INTERNAL_H

#include "fuzz/mutate/mutate.h"
#include "traces/message_field.h"

#define PLANS_MAX 48
#define PLAN_FIELDS_MAX 80

/* What to do with the fields of one type of message. */
struct plan {
	const ProtobufCMessageDescriptor *type;
	/* Changes several fields at once; false: there was nothing to do. */
	bool (*special)(struct mutator *m, ProtobufCMessage *message);
	uint8_t hints[PLAN_FIELDS_MAX]; /* enum mutate_hint, by field */
};

struct mutator {
	struct prng prng;
	const char *const *words;
	unsigned int word_count;
	struct plan plans[PLANS_MAX];
	unsigned int plan_count;
	/* Of the change being made. */
	struct arena *arena;
	const ProtobufCMessage *root;
	size_t index; /* of the element of a repeated field we are in */
};

/* True once in @n times. */
static inline bool one_in(struct mutator *m, uint64_t n)
{
	return !prng_below(&m->prng, n);
}

const struct plan *mutate_plan(const struct mutator *m, const ProtobufCMessageDescriptor *type);

/* value.c: another number in place of @old; and somewhere in the message a number of this kind. */
uint64_t mutate_number(struct mutator *m, enum mutate_hint hint, uint64_t old);
bool mutate_find(struct mutator *m, const ProtobufCMessage *message, enum mutate_hint hint,
		 uint64_t *ret);
/* The number at @at, which is no text and no message; sign-extended. */
uint64_t mutate_get(const ProtobufCFieldDescriptor *field, const void *at);
void mutate_put(const ProtobufCFieldDescriptor *field, void *at, uint64_t value);

/* Puts @count elements of @bytes each, which are zeroed, in front of element @at; NULL: no room. */
void *mutate_make_room(struct mutator *m, void **array, size_t *array_count, size_t at,
		       size_t count, size_t bytes);

/* As above, of an array of messages. */
#define MAKE_ROOM_FOR(m, array, count, at, more) \
	mutate_make_room(m, (void **)&(array), &(count), at, more, sizeof(void *))

/* machine.c */
bool mutate_boot_input(struct mutator *m, ProtobufCMessage *message);
bool mutate_kernel(struct mutator *m, ProtobufCMessage *message);
/* command_line.c: @text, of @len bytes, has room for MUTATE_TEXT_MAX; returns how long it is then. */
size_t mutate_add_parameter(struct mutator *m, char *text, size_t len);
size_t mutate_change_parameter(struct mutator *m, char *text, size_t len);
/* life.c */
bool mutate_scenario(struct mutator *m, ProtobufCMessage *message);
bool mutate_operation(struct mutator *m, ProtobufCMessage *message);

#endif
