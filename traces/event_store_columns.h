/* SPDX-License-Identifier: MIT */
/*
 * A block of events, for event_store_write.c and event_store_read.c alone; message Events of record.proto
 * tells what its columns hold.
 */
#ifndef TRACES_EVENT_STORE_COLUMNS_H
#define TRACES_EVENT_STORE_COLUMNS_H

#include <assert.h>

#include "traces/event_store.h"

static_assert((int)EVENT_ALLOC == (int)MMTRACE__EVENTS__KIND__ALLOC &&
		      (int)EVENT_FREE == (int)MMTRACE__EVENTS__KIND__FREE &&
		      (int)EVENT_FREE_BATCHED == (int)MMTRACE__EVENTS__KIND__FREE_BATCHED &&
		      (int)EVENT_ZONE_LOCKED == (int)MMTRACE__EVENTS__KIND__ZONE_LOCKED &&
		      (int)EVENT_PCPU_DRAIN == (int)MMTRACE__EVENTS__KIND__PCPU_DRAIN &&
		      (int)EVENT_EXTFRAG == (int)MMTRACE__EVENTS__KIND__EXTFRAG &&
		      (int)EVENT_MARKER == (int)MMTRACE__EVENTS__KIND__MARKER &&
		      (int)EVENT_LOST == (int)MMTRACE__EVENTS__KIND__LOST_EVENTS &&
		      (int)EVENT_CMA_ALLOC == (int)MMTRACE__EVENTS__KIND__CMA_ALLOC &&
		      (int)EVENT_CMA_RELEASE == (int)MMTRACE__EVENTS__KIND__CMA_RELEASE &&
		      (int)EVENT_OTHER == (int)MMTRACE__EVENTS__KIND__OTHER_EVENT &&
		      EVENT_KIND_COUNT == 11,
	      "kinds are stored by their number");
static_assert((int)EVENT_PERCPU_REFILL == (int)MMTRACE__EVENTS__FLAG__PERCPU_REFILL &&
		      (int)EVENT_CHANGE_OWNERSHIP == (int)MMTRACE__EVENTS__FLAG__CHANGE_OWNERSHIP &&
		      (int)EVENT_FRAGMENTING == (int)MMTRACE__EVENTS__FLAG__FRAGMENTING &&
		      (int)EVENT_COLD == (int)MMTRACE__EVENTS__FLAG__COLD &&
		      (int)EVENT_GFP_UNKNOWN == (int)MMTRACE__EVENTS__FLAG__GFP_UNKNOWN,
	      "and so are flags");

enum { COLUMN_SHAPE, COLUMN_PLACE, COLUMN_TIME, COLUMN_LINE, COLUMN_PFN, COLUMNS };

#endif
