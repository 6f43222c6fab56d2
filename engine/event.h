/* SPDX-License-Identifier: MIT */
/*
 * Event: one record of a page-allocation trace, in the vocabulary of the kernel's kmem tracepoints
 * (include/trace/events/kmem.h), whatever tool wrote it down.
 *
 * The fields are the kernel's own values: an order, a migratetype by its number, GFP bits by theirs.
 * What a number means in that kernel is asked from the facts (migratetype.h, gfp.h).
 */
#ifndef ENGINE_EVENT_H
#define ENGINE_EVENT_H

#include <stdbool.h>

#include "engine/units.h"

enum event_kind {
	EVENT_ALLOC, /* mm_page_alloc; pfn is PFN_NONE when the allocation failed */
	EVENT_FREE, /* mm_page_free; mm_page_free_direct up to 3.2 */
	EVENT_FREE_BATCHED, /* mm_page_free_batched; mm_pagevec_free up to 3.2 */
	EVENT_ZONE_LOCKED, /* mm_page_alloc_zone_locked */
	EVENT_PCPU_DRAIN, /* mm_page_pcpu_drain */
	EVENT_EXTFRAG, /* mm_page_alloc_extfrag */
	EVENT_MARKER, /* tracing_mark_write; text is what was written */
	EVENT_LOST, /* the ring buffer of cpu overflowed here; count is how many, 0 = not told */
	EVENT_CMA_ALLOC, /* count pages at pfn, PFN_NONE when it failed */
	EVENT_CMA_RELEASE, /* count pages at pfn */
	EVENT_OTHER, /* any other event; text is its name */
	EVENT_KIND_COUNT
};

enum event_flag {
	EVENT_PERCPU_REFILL = 1, /* zone_locked */
	EVENT_CHANGE_OWNERSHIP = 2, /* extfrag */
	EVENT_FRAGMENTING = 4, /* extfrag */
	EVENT_COLD = 8, /* free_batched up to 4.14 */
	EVENT_GFP_UNKNOWN = 16, /* alloc: some name of the flags was not understood */
	EVENT_GIVES_PAGE = 32, /* extfrag of the model: no zone_locked tells of this page */
};

/*
 * What the CPU was doing: TOLD unless the trace does not say; the depth counts what keeps the task from being
 * preempted or moved to another CPU.
 */
enum event_context {
	EVENT_CONTEXT_TOLD = 1,
	EVENT_CONTEXT_INTERRUPT = 2, /* a hardware or software interrupt, or a non-maskable one */
	EVENT_CONTEXT_DEPTH_SHIFT =
		4, /* reasons not to be preempted or moved: locks that were held and more */
	EVENT_CONTEXT_DEPTH_MAX = 15,
};

struct event {
	pfn_t pfn; /* first page frame of the block, or PFN_NONE; see event_has_page() */
	/* Nanoseconds; or the counter's own units where the trace clock counts otherwise. */
	uint64_t time;
	uint64_t line; /* in the text, from 1; where there is no text, the record's number from 1 */
	union {
		uint32_t gfp; /* alloc: GFP bits as that kernel numbers them */
		uint32_t count; /* lost: events; cma: pages */
	};
	int32_t pid; /* of the task that ran; -1 = not told */
	uint32_t
		text; /* number of a string of the trace: the task's name; see EVENT_MARKER, _OTHER */
	uint16_t cpu;
	uint8_t kind; /* enum event_kind */
	uint8_t order;
	uint8_t migratetype; /* alloc: of the request; zone_locked, drain: of the list; extfrag: alloc_ */
	uint8_t fallback_order, fallback_migratetype; /* extfrag */
	uint8_t flags; /* enum event_flag */
	uint8_t context; /* enum event_context */
};

/*
 * Does the event name a page frame?  What was asked for may have come to none; but a page that is freed is
 * there, so that one of PFN_NONE is of the frame with that number, however wrong.
 */
bool event_has_page(const struct event *e);

/* "mm_page_alloc" ...: the name a row of output has for @kind. */
const char *event_kind_name(enum event_kind kind);

#endif
