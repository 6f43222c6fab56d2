/* SPDX-License-Identifier: MIT */
/*
 * Cut: a subject (subject.h) as lists of parts that can be left out, one kind of part after the other.
 *
 * What is left out is left out whole: an event's free goes with its allocation, a CPU's events run on
 * another, a node takes its memory and its CPUs along.  What is left is a subject that can be run.
 */
#ifndef TRACES_CUT_H
#define TRACES_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "traces/subject.h"

enum cut_part {
#define CUT(name, text, boots) CUT_##name,
#include "traces/cut.def"
#undef CUT
	CUT_COUNT
};
/* "events", "CPUs" ... */
const char *cut_name(enum cut_part part);
/* Is another machine booted without some of it? */
bool cut_boots(enum cut_part part);

/* Memory of the subjects that are made; serves any number of them.  Starts zeroed. */
#define CUT_BUFFERS 24
struct cutter {
	struct cut_buffer {
		void *data[2]; /* one may be of the subject at hand, the other takes the next */
		size_t room[2];
		unsigned int next;
	} buffers[CUT_BUFFERS];
	bool out_of_memory; /* what was made last is void */
};
void cutter_deinit(struct cutter *c);

/* How many parts of this kind there are. */
uint32_t cut_count(const struct subject *s, enum cut_part part);
/*
 * Which part each needs, as minimise.h has it; @ret has room for cut_count().  False: none needs another, and
 * @ret is untouched.  Memory is taken for events; without it c->out_of_memory is set.
 */
bool cut_needs(struct cutter *c, const struct subject *s, enum cut_part part, uint32_t *ret);
/*
 * Makes @s with @count parts @kept (in rising order) of this kind alone.  *@ret borrows from @s and from
 * buffers of @c, until it is made again from the same @s.  cut_accept() ends that: then @ret is to be the next
 * @s of all, and the subject before it is void.
 */
void cut(struct cutter *c, const struct subject *s, enum cut_part part, const uint32_t *kept,
	 uint32_t count, struct subject *ret);
void cut_accept(struct cutter *c, enum cut_part part);

#endif
