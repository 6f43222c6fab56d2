/* SPDX-License-Identifier: MIT */
/*
 * Rig: a replay on a machine of x86_64 with two CPUs and 127 MiB of memory, on one node.  What the kernel does is told
 * event by event; what the model would say next is asked without telling it.  Whatever fails ends the test.  Includes
 * cmocka.
 */
#ifndef ENGINE_TESTING_RIG_H
#define ENGINE_TESTING_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/replay.h"
#include "engine/testing/made_boot.h"

#define RIG_MIB (1ULL << 20)
/* Memory that the boot keeps, in bytes; the end is exclusive. */
#define RIG_IN_USE_START (32 * RIG_MIB)
#define RIG_IN_USE_END (40 * RIG_MIB)
#define RIG_ALLOC_AND_FREE (1U << EVENT_ALLOC | 1U << EVENT_FREE)
enum { UNMOVABLE = 0, MOVABLE = 1 }; /* the kernel's numbers */
enum { RIG_CPUS = 2 };
enum { RIG_FILLED = 7 }; /* pages that a list of the larger zone is filled with at once */

struct rig {
	struct made_boot boot;
	struct machine booted, late;
	struct replay *replay;
	pfn_t guess; /* about the last event that had one */
	enum replay_miss miss; /* why it was wrong */
	uint32_t zone; /* of its page */
	unsigned int guesses;
};

/* A machine with a kernel of @version, which has not booted yet: @f->boot may be changed. */
void rig_prepare(struct rig *f, const char *version);
/* Boots it, up to where its free lists are handed over and to the end; @f->late may be changed. */
void rig_boot(struct rig *f);
/* A replay of @kinds of events (a bit each), 0 for all. */
void rig_start(struct rig *f, uint32_t kinds);
/* All three, one after another. */
void rig_set_up(struct rig *f, const char *version, uint32_t kinds);
/* And the end of it: the lists are whole, and memory sufficed. */
void rig_tear_down(struct rig *f);
/*
 * A trace that begins in the middle of a life: nothing is known but that page frames [@start, @end), in blocks of the
 * largest order, are free, which is enough for the watermarks.
 */
void rig_begin_late(struct rig *f, pfn_t start, pfn_t end);

/* Tells of @e, whose page is @pfn. */
void rig_tell(struct rig *f, struct event e, pfn_t pfn);
/* Tells that the block of @e, of whatever kind it is, was freed, and is @pfn. */
void rig_release(struct rig *f, struct event e, pfn_t pfn);
/* Which page would the model name for @e? */
pfn_t rig_guess(struct rig *f, struct event e);
/* Hands out @count pages as the model expects them; the last one, PFN_NONE for a @count of 0. */
pfn_t rig_take(struct rig *f, struct event e, unsigned int count);
/* The list of CPU 0 is filled with pages of @type, as the trace tells, and the first one is taken. */
pfn_t rig_fill(struct rig *f, unsigned int type);
/*
 * Sets up a list of the four pages, the last one freed first on it, and a task that took the first, under a lock of its
 * own: so depths are counted.
 */
void rig_four_pages(struct rig *f, const char *version);
extern const pfn_t rig_four[4];

/* For user memory (__GFP_HIGHMEM and __GFP_MOVABLE, of all kernels the same), or for the kernel itself. */
struct event rig_request(uint16_t cpu, unsigned int type);
/* Any other event, of CPU 0. */
struct event rig_event(enum event_kind kind, unsigned int type);
/* The task that boots the machine does it. */
struct event rig_by_idle(struct event e);
struct event rig_by(struct event e, int32_t pid);
/* How deep the kernel was in what may not be preempted, where it counts that. */
struct event rig_at_depth(struct event e, unsigned int depth);

/* A page that nobody has been given, and which is not free by the model's account. */
pfn_t rig_page_in_use(void);
/* Is the page in a free block? */
bool rig_is_free(const struct rig *f, pfn_t pfn);
/* Is it on a per-CPU list? */
bool rig_is_listed(const struct rig *f, pfn_t pfn);
/* The type of its pageblock. */
enum migratetype rig_block_type(const struct rig *f, pfn_t pfn);

#endif
