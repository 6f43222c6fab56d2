/* SPDX-License-Identifier: MIT */
/*
 * Replay start: the option --start, which state a trace begins with.
 *
 *	handover	what the boot left, to the end
 *	auto		the same; where the trace turns out to begin later, the first picture that tells
 *			where free pages lie is taken over.  Allocations and frees alone do not tell when a
 *			trace begins; then it is taken over if the model is far from it
 *	unknown		nothing is known: every page is in use
 *	NAME		the picture of that name, at its markers in the trace; what comes before is left out.
 *			A trace without them begins when the picture was taken
 */
#ifndef TOOLS_REPLAY_START_H
#define TOOLS_REPLAY_START_H

#include "engine/replay.h"
#include "tools/replayed.h"

#define REPLAY_START_OPTION                                                                     \
	{                                                                                       \
		.name = "start", .kind = CLI_KIND_TEXT, .value = "STATE",                       \
		.help = "the state before the trace: handover, unknown, the NAME of a picture " \
			"(snap-NAME), or auto"                                                  \
	}

struct replay_start {
	enum {
		REPLAY_START_AUTO,
		REPLAY_START_HANDOVER,
		REPLAY_START_UNKNOWN,
		REPLAY_START_PICTURE
	} kind;
	enum {
		REPLAY_START_SKIPS, /* the markers of the picture are to come */
		REPLAY_START_LISTENS, /* the picture is being taken */
		REPLAY_START_RUNS
	} phase;
	const struct snapshot *picture; /* that is taken over, or was */
	const char *begin; /* the marker at which to listen: "begin" or "end"; NULL: none */
	bool done_marked; /* the trace says when the picture is complete */
	bool looked; /* at the first picture; no other is taken over */
	bool taken; /* and this is what came of it */
	uint64_t line; /* where; 0: before the first event */
	uint64_t skipped; /* events left out */
	struct start_report report;
};

/* Can the lists that the boot left be missing? */
bool replay_start_needs_no_lists(struct cli *cli);
/* Is the trace looked through for markers first?  Then it is to be kept (struct replayed). */
bool replay_start_reads_twice(struct cli *cli);
/* Reads the option and looks for markers.  @replay has seen no event. */
enum cli_exit replay_start_prepare(struct cli *cli, struct replayed *r, struct replay *replay,
				   struct replay_start *ret);
/*
 * To be called before each event is given to @replay; @uses_ret: it is to be given at all, and to whoever
 * watches pictures.
 */
enum cli_exit replay_start_event(struct cli *cli, struct replay_start *s, struct replayed *r,
				 struct replay *replay, const struct event *e, bool *uses_ret);

void replay_start_print(struct cli *cli, const struct replay_start *s);
void replay_start_json(struct json *j, const struct replay_start *s);

#endif
