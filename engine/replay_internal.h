/* SPDX-License-Identifier: MIT */
/*
 * The parts of a replay, for each other alone: replay.c gives events to models and counts; replay_accounts.c
 * follows several models where a trace leaves something open; replay_state.c keeps states to come back to;
 * replay_takeover.c makes the state one that the machine told.
 */
#ifndef ENGINE_REPLAY_INTERNAL_H
#define ENGINE_REPLAY_INTERNAL_H

#include "engine/hotplug.h"
#include "engine/replay.h"
#include "engine/replay_model.h"

/* Models followed at once. */
enum { MODELS_MAX = 64 };
/* Blocks that were freed and are remembered. */
enum { FREED_MAX = 1 << 15 };

/*
 * To find out what may have happened when a guess was wrong takes time, and is worth it where guesses are right
 * mostly.  So each wrong one costs a part of what right ones have earned; at most so much is kept.
 */
enum { CREDIT_MAX = 2048 };
/* After so many wrong guesses in a row several accounts are no better than two. */
enum { STREAK_MAX = 128 };
/* CPUs of which it is remembered that they are offline. */
enum { REPLAY_CPUS_NOTED = 64 };

/* The machine as it has become since the boot. */
struct replay_plant {
	struct machine
		machine; /* nodes and ranges are its own; free lists those of whom it is for at the moment */
	struct hotplug hotplug;
};

struct replay {
	struct replay_options options;
	struct replay_setup setup;
	struct replay_stats stats;
	struct replay_model *models[MODELS_MAX]; /* the first is the one that is believed */
	uint32_t model_count;
	struct buddy *buddy; /* the first model's lists */
	uint64_t index;
	uint32_t united; /* models that were left when equal ones were last united */
	/* The event behind which it is looked for equal ones again, however many there are; how far it was off. */
	uint64_t unite_at;
	uint32_t unite_every;
	uint64_t copies; /* models that were made */
	uint32_t credit; /* see CREDIT_MAX */
	uint32_t streak; /* guesses that were wrong since the last right one */
	uint32_t wanted; /* kinds of events that are used */
	bool silent; /* predictions are not counted */
	bool taken_over; /* the state is one that the machine told */
	bool boot_over; /* programs run */
	bool watches; /* changes are remembered: the page frames of events, as they come */
	struct start_range *changed;
	uint32_t changed_count, changed_room;
	int32_t *net; /* pages that came to each page set since @watches began */
	/* Blocks that were freed, the last FREED_MAX in turn, until a picture is taken over. */
	struct start_freed *freed;
	uint64_t freed_count;
	bool allocated; /* an allocation was among the events, of which no other kind told yet */
	bool out_of_memory; /* changes, or models, are missing */
	const struct machine *late; /* as it has booted */
	struct replay_plant *plant; /* NULL: it is still that */
	uint64_t cpus_down; /* bit per CPU */
	/* What is to be done when the drains that go before it have been told of; how many have. */
	struct replay_change change;
	bool change_due;
	uint64_t change_drains;
	struct buddy
		first; /* of a trace that begins late: what is learned begins with these types */
};

/*
 * Kinds that tell how pages reach and leave the per-CPU lists.  The first two tell what lists get and lose, and the rest
 * is of use beside them alone: a trace has all of them, or is taken for one that has none.
 */
enum {
	LISTING = 1 << EVENT_ZONE_LOCKED | 1 << EVENT_PCPU_DRAIN,
	TELLING = 1 << EVENT_ZONE_LOCKED | 1 << EVENT_PCPU_DRAIN | 1 << EVENT_FREE_BATCHED |
		  1 << EVENT_EXTFRAG,
};

/* ---- replay_accounts.c ----------------------------------------------------------------------- */

/* All models but the one that is believed go. */
void replay_keep_one(struct replay *r);

/* Before @e is given: one more model for each thing that may happen now and that nothing tells. */
void replay_branch(struct replay *r, const struct event *e);

/* A copy of @m, the caller's, which is no model of @r yet; NULL: there is no room, no memory, or none is to be made. */
struct replay_model *replay_copy_account(struct replay *r, const struct replay_model *m);

/*
 * Model @i gave another page than the kernel.  Where several things may have happened, which only a trace
 * that is @blind leaves open, each is followed.
 */
void replay_correct(struct replay *r, uint32_t i, const struct event *e, bool blind);

/* After an event: the best model is believed, those far behind go, equal ones are one, and there is room for more. */
void replay_sift(struct replay *r);

/* ---- replay_takeover.c ------------------------------------------------------------------------- */

/* Remembers what @e, a free, brings. */
void replay_note_freed(struct replay *r, const struct event *e);

/* What is remembered so, the oldest first, the caller's; NULL without memory. */
struct start_freed *replay_last_freed(const struct replay *r, uint32_t *count_ret);

/*
 * The trace, which begins late, tells when lists are filled and drained, and told of none before: what was freed
 * went to page sets, however large they were by the model's account, and lies there if nobody was handed it.
 */
void replay_list_freed(struct replay *r);

/* Remembers that @e changes something, while a picture is taken. */
void replay_note_change(struct replay *r, const struct event *e);

/* ---- replay_change.c --------------------------------------------------------------------------- */

/* NULL: the host has no memory. */
struct replay_plant *replay_plant_copy(const struct replay_plant *from);
/* Accepts NULL. */
void replay_plant_destroy(struct replay_plant *p);
/* The machine is @p from now on, which is @r's then; NULL: what has booted. */
void replay_set_plant(struct replay *r, struct replay_plant *p);

/* Before @e, while a change is due: is it time? */
void replay_watch_change(struct replay *r, const struct event *e);

/* Before @e, while CPUs are offline: what one got before it was is drained. */
void replay_drain_gone(struct replay *r, const struct event *e);

#endif
