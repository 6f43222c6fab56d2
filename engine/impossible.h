/* SPDX-License-Identifier: MIT */
/*
 * Impossible: events that cannot have come from the machine they are said to come from.  Each is a
 * finding about the trace (or about the machine), and is not given to the model.
 */
#ifndef ENGINE_IMPOSSIBLE_H
#define ENGINE_IMPOSSIBLE_H

#include "engine/event.h"

enum impossible {
	POSSIBLE,
#define IMPOSSIBLE(name, text, meaning) IMPOSSIBLE_##name,
#include "engine/impossible.def"
#undef IMPOSSIBLE
	IMPOSSIBLE_COUNT
};

/* "cpu", "order" ... */
const char *impossible_name(enum impossible what);
/* A phrase: "the machine has no such CPU". */
const char *impossible_meaning(enum impossible what);

/* What can be told without knowing any page: of events of pages, order, alignment, type and CPU. */
enum impossible impossible_shape(const struct event *e, uint32_t cpu_count, unsigned int max_order,
				 unsigned int type_count);

#endif
