/* SPDX-License-Identifier: MIT */
/*
 * Trial: the machine of a subject (subject.h), booted and ready for its events, over and over.
 *
 * Minimising and bisecting run the same boot hundreds of times.  A trial keeps the last one, with its free
 * lists as the boot left them, and gives every run a copy: only a subject with another boot is booted.
 */
#ifndef TRACES_TRIAL_H
#define TRACES_TRIAL_H

#include "engine/follow.h"
#include "engine/machine.h"
#include "engine/replay.h"
#include "engine/rerun.h"
#include "traces/subject.h"

struct trial;

/* NULL without memory. */
struct trial *trial_create(void);
/* Accepts NULL. */
void trial_destroy(struct trial *t);

/* How far, and with what, the machine must have booted. */
enum trial_want {
	TRIAL_BOOT, /* to its end */
	TRIAL_LISTS, /* ... with free lists */
	TRIAL_REPLAY, /* ... and up to the hand-over of memory, with free lists, for engine/replay */
};

/*
 * Boots @s unless it did so last.  *@reason_ret is NULL, or a static phrase that says why it cannot be told
 * what this machine would do ("what memblock had reserved is not known").  ERROR_NO_MEMORY.
 */
struct error *trial_boot(struct trial *t, const struct subject *s, enum trial_want want,
			 const char **reason_ret);
/*
 * The machine booted to its end: as the boot left it, or, from a trial_replay() or trial_rerun() on, with
 * the free lists that the run changes.  Valid until the next call of trial_boot().
 */
const struct machine *trial_machine(const struct trial *t);

/*
 * A run over the booted machine: give it the events that trial_allows().  Only one at a time; ends with the
 * next trial_boot() or trial_destroy(), not by the caller.  NULL without memory.  @options get the CPUs
 * filled in.
 */
struct replay *trial_replay(struct trial *t, const struct subject *s,
			    const struct replay_options *options);
struct rerun *trial_rerun(struct trial *t, const struct subject *s);
struct follow *trial_follow(struct trial *t, const struct subject *s,
			    const struct follow_options *options);
/* False: the machine cannot have recorded @e, and no run is to be given it. */
bool trial_allows(struct trial *t, const struct event *e);
/* Equal for equal free lists of the run at hand, on every host. */
uint64_t trial_hash(const struct trial *t);

#endif
