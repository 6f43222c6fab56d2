/* SPDX-License-Identifier: MIT */
#include "engine/event.h"

bool event_has_page(const struct event *e)
{
	switch ((enum event_kind)e->kind) {
	case EVENT_ALLOC:
	case EVENT_ZONE_LOCKED:
	case EVENT_CMA_ALLOC:
		return e->pfn != PFN_NONE;
	case EVENT_FREE:
	case EVENT_FREE_BATCHED:
	case EVENT_PCPU_DRAIN:
	case EVENT_EXTFRAG:
	case EVENT_CMA_RELEASE:
		return true;
	default:
		return false;
	}
}

const char *event_kind_name(enum event_kind kind)
{
	switch (kind) {
	case EVENT_ALLOC:
		return "mm_page_alloc";
	case EVENT_FREE:
		return "mm_page_free";
	case EVENT_FREE_BATCHED:
		return "mm_page_free_batched";
	case EVENT_ZONE_LOCKED:
		return "mm_page_alloc_zone_locked";
	case EVENT_PCPU_DRAIN:
		return "mm_page_pcpu_drain";
	case EVENT_EXTFRAG:
		return "mm_page_alloc_extfrag";
	case EVENT_MARKER:
		return "tracing_mark_write";
	case EVENT_LOST:
		return "lost";
	case EVENT_CMA_ALLOC:
		return "cma_alloc";
	case EVENT_CMA_RELEASE:
		return "cma_release";
	case EVENT_OTHER:
	case EVENT_KIND_COUNT:
		break;
	}
	return "other";
}
