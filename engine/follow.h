/* SPDX-License-Identifier: MIT */
/*
 * Follow: a trace taken at its word.  Every recorded page frame is accepted, and only what became of each
 * page is kept: no lists, no policy, so that what is found is about the trace, never about the model.
 *
 *	            mm_page_alloc                    mm_page_free
 *	  any ------------------------> in use ------------------------> free
 *	        zone_locked                              pcpu_drain
 *	  free, listed ------> taken        free, taken ------------> listed
 *
 * A page nobody spoke of yet is unknown, and anything may happen to it: a free of one is a ghost, a page
 * that was allocated before the trace began.  After lost events all pages are unknown again.
 *
 * Some pages are handed out without an event: from 5.13 on those of bulk allocations (vmalloc, the network),
 * off the per-CPU lists; in any kernel those of compaction and of contiguous allocations, off the free
 * lists.  Their frees are events, and look like those of a page freed twice.  What tells them apart:
 *
 *   - they come in groups: the free before it on that CPU, or after it, is of a page that was not known to
 *     be in use either;
 *   - or, of bulk allocations and of what was on the free lists, another task frees the page than the one
 *     that had last to do with it;
 *   - or a list was filled with the page, and nobody was seen to be handed it since.
 *
 * Such frees are counted as silent; the others are findings.
 *
 * A trace may have been recorded without some kinds of events.  Where not one event was seen of a kind that would
 * explain them, a few findings are believed, but not many: those are withdrawn.
 *
 * Memory: 8 bytes a page, in chunks of 1024 pages that exist once one of them was named.
 */
#ifndef ENGINE_FOLLOW_H
#define ENGINE_FOLLOW_H

#include "engine/event.h"
#include "engine/impossible.h"
#include "engine/machine.h"

enum follow_state {
	FOLLOW_UNKNOWN,
	FOLLOW_IN_USE,
	FOLLOW_FREE, /* freed: on a per-CPU list or a free list */
	FOLLOW_TAKEN, /* from the free lists, to a per-CPU list or a request */
	FOLLOW_LISTED, /* put on the free lists */
	FOLLOW_STATE_COUNT
};
/* "unknown", "in use" ... */
const char *follow_state_name(enum follow_state state);

struct follow_finding {
	enum impossible what;
	struct event event;
	uint64_t index; /* of the event, from 0 */
	pfn_t page; /* the first page of the block that is wrong; PFN_NONE: the event itself is */
	/* What the page was, and since which line; 0: not known. */
	enum follow_state before;
	uint64_t line_before;
};

struct follow_stats {
	uint64_t events; /* used; a loss is none, though kinds counts it */
	uint64_t kinds[EVENT_KIND_COUNT];
	uint64_t failed; /* allocations without a page */
	uint64_t exact; /* frees of a block as it was allocated */
	uint64_t pieces; /* frees of a part of a block, or of several at once */
	uint64_t ghosts; /* frees of blocks that were allocated before the trace began */
	uint64_t silent; /* frees of blocks that had been handed out without an event */
	uint64_t gaps; /* lost events: all was forgotten there */
	uint64_t pages[FOLLOW_STATE_COUNT]; /* now; pages never named are not in UNKNOWN */
	uint64_t in_use_max; /* most pages in use that were seen to be allocated */
	uint64_t findings[IMPOSSIBLE_COUNT];
};

struct follow_options {
	uint32_t kinds; /* bit per enum event_kind that is used; 0 = all */
	uint32_t cpu_count; /* CPUs the machine has */
	/* Called for each impossible event; may be NULL. */
	void (*found)(void *ctx, const struct follow_finding *f);
	/* All findings of @what so far are none; may be NULL. */
	void (*withdrawn)(void *ctx, enum impossible what);
	void *ctx;
};

struct follow;

/* @m, which has its zones, is borrowed.  NULL when the host has no memory. */
struct follow *follow_create(const struct machine *m, const struct follow_options *options);
void follow_destroy(struct follow *f);

/* An event with a finding changes pages all the same: what was recorded last is believed. */
void follow_event(struct follow *f, const struct event *e);
/* The trace is over: nothing follows that could explain what is open. */
void follow_end(struct follow *f);
const struct follow_stats *follow_stats(const struct follow *f);
enum follow_state follow_page(const struct follow *f, pfn_t pfn);
/* Host memory for pages, in bytes. */
uint64_t follow_memory_bytes(const struct follow *f);
bool follow_out_of_memory(const struct follow *f);

/* Counts all pages again; NULL, or a static sentence that says what is wrong. */
const char *follow_check(const struct follow *f);

#endif
