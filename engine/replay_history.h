/* SPDX-License-Identifier: MIT */
/*
 * History: states of a replay on its way, so that going back means to go on from the nearest.
 *
 *	events	0       s       2s      3s      4s
 *	states	x       x       x       x	...	and, when there are too many or they take too much
 *	then	x               x               x	every second one goes, and s doubles
 *
 * The first one, of before the first event, is always there.
 */
#ifndef ENGINE_REPLAY_HISTORY_H
#define ENGINE_REPLAY_HISTORY_H

#include "engine/replay.h"

struct replay_history;

struct replay_history_options {
	uint64_t spacing; /* events between two states at first; 0: 16384 */
	uint64_t bytes_max; /* that states take on the whole, but for the first; 0: 256 MiB */
};

/* Of @r, which is borrowed, and has had no event yet.  NULL when the host has no memory. */
struct replay_history *replay_history_create(struct replay *r,
					     const struct replay_history_options *options);
/* Accepts NULL. */
void replay_history_destroy(struct replay_history *h);

/* An event was replayed: keeps the state, if it is time.  Without memory it does without. */
void replay_history_note(struct replay_history *h);
/*
 * Brings the replay to where event @index comes next, or to the nearest state before it, from where
 * events are to be replayed again.  A replay that is nearer already stays as it is.  Returns the number
 * of the event that comes next.  False in *@ok: the host has no memory, and nothing changed.
 */
uint64_t replay_history_go(struct replay_history *h, uint64_t index, bool *ok);

/* States that are kept, and what all but the first take. */
uint32_t replay_history_count(const struct replay_history *h);
uint64_t replay_history_bytes(const struct replay_history *h);

#endif
