/* SPDX-License-Identifier: MIT */
/*
 * Replay: a recorded trace against the model, event by event.
 *
 * For every event the model is first asked what the kernel will do, from what was recorded before and
 * from what this event asks for; only then it looks at what was done.  Where the two differ, the miss is
 * counted under the rule that explains it, and the model takes over what the event proves.
 *
 * So the answer to event i depends on events before i, and on what i asks for, alone.
 */
#ifndef ENGINE_REPLAY_H
#define ENGINE_REPLAY_H

#include "engine/machine.h"
#include "engine/page_alloc.h"
#include "engine/start.h"
#include "engine/sysctl.h"

/* Why a prediction was wrong. */
enum replay_miss {
	REPLAY_HIT,
#define MISS(name, text, meaning) REPLAY_MISS_##name,
#include "engine/replay_miss.def"
#undef MISS
	REPLAY_MISS_COUNT
};
/* "hit", "gap" ... */
const char *replay_miss_name(enum replay_miss miss);

struct replay_prediction {
	const struct event *event; /* borrowed */
	uint64_t index; /* of the event in the trace, from 0 */
	pfn_t predicted; /* PFN_NONE: the model expected no such event */
	uint32_t zone; /* of the recorded page; BUDDY_ZONE_NONE if no zone has it */
	enum replay_miss miss;
};

struct replay_options {
	uint32_t kinds; /* bit per enum event_kind that is used; 0 = all.  Others are skipped */
	uint32_t cpu_count; /* at least as many as the trace names */
	/* Called for each event that was predicted; may be NULL. */
	void (*predicted)(void *ctx, const struct replay_prediction *p);
	void *ctx;
};

struct replay_stats {
	uint64_t events; /* used */
	uint64_t kinds[EVENT_KIND_COUNT];
	uint64_t predicted[EVENT_KIND_COUNT], right[EVENT_KIND_COUNT];
	uint64_t misses[EVENT_KIND_COUNT][REPLAY_MISS_COUNT];
	uint64_t silent; /* pages found to have been taken without an event */
};

struct replay;

/*
 * @booted was booted up to the hand-over of memory with free lists (STAGE_MEM_INIT, want_lists): the
 * trace begins there.  @late is the same machine booted to its end.  Both are borrowed; @booted's free
 * lists change.  NULL when the host has no memory.
 */
struct replay *replay_create(struct machine *booted, const struct machine *late,
			     const struct replay_options *options);
void replay_destroy(struct replay *r);

/* An event that the machine cannot have recorded, as its block or CPU is none of it, keeps its number alone. */
void replay_event(struct replay *r, const struct event *e);

/*
 * A trace that begins in the middle of a machine's life can begin with what the machine told of itself
 * then, or take that over at any event.  While it is told pages change: from replay_watch_changes() on,
 * pages of events are remembered, and replay_take_over() leaves them as the events made them.
 *
 *	replay_forget()			nothing is known: every page is in use
 *	replay_watch_changes()		the machine begins to tell
 *	replay_event() ...
 *	replay_take_over()		it has told
 */
void replay_forget(struct replay *r);
void replay_watch_changes(struct replay *r);
/* @s->changed is set.  False: the host has no memory. */
bool replay_take_over(struct replay *r, struct start *s, struct start_report *ret);
/* Does the trace begin later than the hand-over of memory?  False also while that is not clear. */
bool replay_begins_late(const struct replay *r);
/*
 * Has the kernel its last watermarks and sizes of page sets by now, as programs run, while no event has shown
 * that to the model, which goes on with those before?
 */
bool replay_sizes_unseen(const struct replay *r);
/* Has the trace more than allocations and frees?  False also before the first such event. */
bool replay_tells(const struct replay *r);
/*
 * Pages that are free by the account of one of the two alone, the model or @s, but for what page sets may hold where
 * nothing tells of drains.  @s->changed is set.
 * UINT64_MAX: the host has no memory.
 */
uint64_t replay_distance(const struct replay *r, struct start *s);
/*
 * What someone has the machine do while it is traced, of which no event tells.  To be said when it begins: the events
 * that it brings come behind.  What the machine cannot do, or this replay cannot follow, changes nothing.
 */
enum replay_change_kind {
	REPLAY_CPU_DOWN, /* CPU number value goes offline, or comes back */
	REPLAY_CPU_UP,
	REPLAY_MEMORY_OFFLINE, /* so does the memory of section number value */
	REPLAY_MEMORY_ONLINE,
	REPLAY_SYSCTL, /* value is written to sysctl */
};
struct replay_change {
	enum replay_change_kind kind;
	uint64_t value;
	enum sysctl sysctl;
};
void replay_change(struct replay *r, const struct replay_change *c);
/* The machine as it has become by these, free lists aside; borrowed until the next event or change. */
const struct machine *replay_machine(const struct replay *r);
/* Bit per CPU, of the first 64: it has gone offline. */
uint64_t replay_cpus_down(const struct replay *r);
/* While @silent, events are taken in, but neither counted nor told of as predictions. */
void replay_set_silent(struct replay *r, bool silent);
const struct replay_stats *replay_stats(const struct replay *r);
struct page_alloc *replay_alloc(struct replay *r);
/* The host had none: predictions since are void. */
bool replay_out_of_memory(const struct replay *r);
/* Of the event that comes next, from 0. */
uint64_t replay_index(const struct replay *r);
/* Equal for replays that will predict the same. */
uint64_t replay_hash(const struct replay *r);

/*
 * Is every page in one block at most, and is every list whole, in all accounts that are followed?  NULL, or a
 * static sentence that says what is wrong: a mistake of ours, as no trace can make it so.  Slow.
 */
const char *replay_check(const struct replay *r);

/*
 * All that a replay was at one moment, to come back to; it may not outlive the replay.  What is remembered
 * for a picture that is being taken is no part of it.
 */
struct replay_state;
/* NULL when the host has no memory. */
struct replay_state *replay_save(const struct replay *r);
void replay_state_destroy(struct replay_state *s);
/* @r is as it was when @s was saved, which stays.  False: the host has no memory, and nothing changed. */
bool replay_restore(struct replay *r, const struct replay_state *s);
uint64_t replay_state_index(const struct replay_state *s);
/* Host memory it takes. */
uint64_t replay_state_bytes(const struct replay_state *s);

#endif
