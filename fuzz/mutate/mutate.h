/* SPDX-License-Identifier: MIT */
/*
 * Mutate: changes of any protobuf message, made from a seed, that keep sense.
 *
 * A change goes down the message from its root, at each step to a field that is drawn by weight, and does
 * something to what it finds: another number, an element more or less, copied, moved, swapped, a range cut in
 * two.  hints.def tells what the numbers of a field are, so that addresses meet at the same page and node
 * numbers stay small; what changes several fields at once (a node more, distances permuted) is in machine.c.
 *
 * A message is changed in place, and what it grows by comes from an arena: copies are the caller's to make,
 * and nothing is given back before the arena is rewound.  Messages that came from elsewhere are welcome,
 * whatever their values.  The same seed and message give the same change on every host.
 */
#ifndef FUZZ_MUTATE_MUTATE_H
#define FUZZ_MUTATE_MUTATE_H

#include <protobuf-c/protobuf-c.h>

#include "engine/error.h"
#include "engine/prng.h"
#include "traces/arena.h"

enum mutate_hint {
	MUTATE_PLAIN,
	MUTATE_LEFT, /* left as it is */
	MUTATE_RARE, /* plain, and changed seldom: a wrong value has the whole input refused */
	MUTATE_ADDRESS, /* bytes, mostly at a page or where another address is */
	MUTATE_SIZE, /* bytes, mostly whole pages */
	MUTATE_ALIGN, /* mostly a power of two */
	MUTATE_PFN,
	MUTATE_NID, /* a node or a CPU: few and small; -1 is none */
	MUTATE_ORDER, /* 0 to 10, seldom more */
	MUTATE_SMALL,
	MUTATE_PAGES, /* how many: few, a power of two, or about one */
	MUTATE_AMOUNT, /* anything that is counted: mostly few, of either sign, sometimes very many */
	MUTATE_FLAGS, /* bits */
	MUTATE_DISTANCE, /* 10 to 255 */
	MUTATE_EARLIER, /* number of an earlier element of the list it stands in */
	MUTATE_FACT, /* name of a fact */
};

/* Elements of one repeated field are not made more than this. */
#define MUTATE_ELEMENTS_MAX 256
/* Bytes of one text likewise. */
#define MUTATE_TEXT_MAX 512

struct mutator;

/* For messages of type @root (NULL: for bytes alone).  @words (NULL or ending with NULL) are borrowed. */
struct error *mutator_create(const ProtobufCMessageDescriptor *root, const char *const *words,
			     struct mutator **ret);
void mutator_destroy(struct mutator *m);
/* Field @name of the root is left as it is from here on: nobody looks at it. */
void mutator_leave(struct mutator *m, const char *name);
/* All chance from here on comes from @prng. */
void mutator_seed(struct mutator *m, struct prng prng);

/* One change of @message, which is of the mutator's type; new parts come from @arena. */
void mutate_message(struct mutator *m, ProtobufCMessage *message, struct arena *arena);
/* Puts a part of @other into its place in @message, by copy.  Both are of the mutator's type. */
void mutate_cross(struct mutator *m, ProtobufCMessage *message, const ProtobufCMessage *other,
		  struct arena *arena);
/* A copy with all its parts, unknown fields left out; NULL when the arena has no room. */
ProtobufCMessage *mutate_copy(const ProtobufCMessage *message, struct arena *arena);

/* How many parts there are that can be left out: elements of lists, optional messages, at any depth. */
size_t mutate_parts(const ProtobufCMessage *message);
/* Leaves out part number @part; false if there is none. */
bool mutate_drop_part(ProtobufCMessage *message, size_t part);

/* One change of @size bytes, of lines of text too; at most @room of them.  Returns how many there are. */
size_t mutate_bytes(struct mutator *m, uint8_t *data, size_t size, size_t room);
/* Puts a part of @other into @data. */
size_t mutate_cross_bytes(struct mutator *m, uint8_t *data, size_t size, size_t room,
			  const uint8_t *other, size_t other_size);

#endif
