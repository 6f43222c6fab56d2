/* SPDX-License-Identifier: MIT */
/*
 * Picture start: a picture of /proc as the state that a replay begins with, or takes over (engine/start.h).
 */
#ifndef TRACES_PICTURE_START_H
#define TRACES_PICTURE_START_H

#include "engine/start.h"
#include "traces/picture_set.h"

struct picture_start {
	struct start start; /* points into the rest */
	struct start_range *free, *lru, *slab, *reserved;
};

/* Does the picture tell where free pages lie? */
bool picture_start_is_possible(const struct snapshot *s);

/*
 * Reads @s, which tells where free pages lie, for a state of @a.  Errors: those of pagetypeinfo_parse() and
 * zoneinfo_parse(), ERROR_NO_MEMORY; then @ret is untouched.
 */
struct error *picture_start_read(const struct snapshot *s, const struct page_alloc *a,
				 const struct facts *facts, struct picture_start *ret);
/* Accepts a zeroed struct. */
void picture_start_deinit(struct picture_start *p);

#endif
