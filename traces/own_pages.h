/* SPDX-License-Identifier: MIT */
/*
 * Own pages: the events of a trace with the page frames that a machine itself gives for them.
 *
 * Where a predicate only counts what the machine does (fallbacks, failures ...), a recorded page frame does no
 * more than tie a free to its allocation.  Cut down, the machine may not have that frame any longer, and whoever
 * replays the trace is told so at every event.  With the machine's own pages it fits again.
 */
#ifndef TRACES_OWN_PAGES_H
#define TRACES_OWN_PAGES_H

#include "engine/error.h"
#include "engine/event.h"
#include "traces/subject.h"
#include "traces/trial.h"

/*
 * @events: a copy of those of @s, or these themselves; their page frames are changed.  An allocation that gets
 * no page names a block of the machine that no other event names, if there is one: without any it would not
 * count as a request.  Events that are neither an allocation nor a free, frees of pages that the trace did not
 * allocate, and all of a machine whose free lists are not known, stay as they are.  ERROR_NO_MEMORY.
 */
struct error *own_pages(struct trial *trial, const struct subject *s, struct event *events);

#endif
