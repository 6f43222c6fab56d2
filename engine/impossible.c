/* SPDX-License-Identifier: MIT */
#include "engine/impossible.h"

static const char *const names[] = {
	"possible",
#define IMPOSSIBLE(name, text, meaning) text,
#include "engine/impossible.def"
#undef IMPOSSIBLE
};

static const char *const meanings[] = {
	"nothing is wrong",
#define IMPOSSIBLE(name, text, meaning) meaning,
#include "engine/impossible.def"
#undef IMPOSSIBLE
};

const char *impossible_name(enum impossible what)
{
	return names[what];
}

const char *impossible_meaning(enum impossible what)
{
	return meanings[what];
}

/* Does the event name a block of pages? */
static bool has_block(const struct event *e)
{
	switch ((enum event_kind)e->kind) {
	case EVENT_ALLOC:
	case EVENT_FREE:
	case EVENT_FREE_BATCHED:
	case EVENT_ZONE_LOCKED:
	case EVENT_PCPU_DRAIN:
	case EVENT_EXTFRAG:
		return true;
	default:
		return false;
	}
}

enum impossible impossible_shape(const struct event *e, uint32_t cpu_count, unsigned int max_order,
				 unsigned int type_count)
{
	bool fallback = e->kind == EVENT_EXTFRAG;

	if (!has_block(e))
		return POSSIBLE;
	if (e->cpu >= cpu_count)
		return IMPOSSIBLE_CPU;
	if (e->order > max_order || (fallback && e->fallback_order > max_order))
		return IMPOSSIBLE_ORDER;
	if (e->pfn != PFN_NONE && e->pfn & ((1ULL << e->order) - 1))
		return IMPOSSIBLE_MISALIGNED;
	if (e->migratetype >= type_count || (fallback && e->fallback_migratetype >= type_count))
		return IMPOSSIBLE_TYPE;
	return POSSIBLE;
}
