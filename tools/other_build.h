/* SPDX-License-Identifier: MIT */
/*
 * Other build: the states of a trace in this program beside those in another build of it, which is asked for
 * digests ('mmreplay diff --digests') and for a state as text (--state).
 */
#ifndef TOOLS_OTHER_BUILD_H
#define TOOLS_OTHER_BUILD_H

#include "engine/event.h"
#include "engine/rerun.h"
#include "engine/sink.h"

/* Where it all begins: a rerun that did nothing yet, of which copies do the work. */
struct own_build {
	const struct rerun *start;
	const struct event *events;
	uint64_t count;
};

/*
 * Writes a line "NUMBER DIGEST" for the state after @first events, then after every @every (at least 1) more,
 * and after @last (or all, if there are fewer).  ERROR_NO_MEMORY.
 */
struct error *own_build_digests(const struct own_build *own, uint64_t first, uint64_t last,
				uint64_t every, const struct sink *sink);
/*
 * Writes the state after @number events: a line for each list and for the pageblocks of each zone, "NAME",
 * a tab, and the items with blanks between them.
 */
struct error *own_build_state(const struct own_build *own, uint64_t number,
			      const struct sink *sink);

/* A line of that text which is not the same in both. */
struct other_line {
	char *name;
	uint64_t items[2]; /* how many there are; ours first */
	uint64_t place; /* of the first that differs */
	char item[2][32]; /* what is there; "-" where the line ended */
};

struct other_build {
	bool parted;
	uint64_t first; /* events done when the states are first not the same */
	struct other_line *lines;
	size_t count;
};

/*
 * Finds where the two part.  @argv is the other build with "diff", the source and its options, ended by NULL,
 * at most 250 words.  Errors are sentences: it cannot be run, it knows no digests, or has another number of
 * events.  @ret ends with other_build_deinit() in any case.
 */
struct error *other_build_compare(const struct own_build *own, const char *const argv[],
				  uint64_t stretch, struct other_build *ret);
void other_build_deinit(struct other_build *b);

#endif
