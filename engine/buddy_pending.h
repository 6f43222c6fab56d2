/* SPDX-License-Identifier: MIT */
/*
 * Deferred memory (CONFIG_DEFERRED_STRUCT_PAGE_INIT) on its way into the free lists: struct pages that are not
 * initialised yet wait as struct buddy_pending, and join
 *
 *	all at once, or in pieces that a trace tells	when the threads that initialise them run
 *	by the section					before that, when a zone has not enough
 *
 * Which pages are deferred is in deferred.h.
 */
#ifndef ENGINE_BUDDY_PENDING_H
#define ENGINE_BUDDY_PENDING_H

#include "engine/buddy.h"

/* page_alloc_init_late(): all that is pending is freed. */
void buddy_pending_join(struct buddy *b);

/*
 * Frees the 2^@order pages at @pfn if they are pending, as the thread that initialises them does: past
 * the page sets.  False: they are not pending.
 */
bool buddy_pending_free(struct buddy *b, pfn_t pfn, unsigned int order);
/* Those of the 2^@order pages at @pfn that are pending will not be freed with the others. */
void buddy_pending_drop(struct buddy *b, pfn_t pfn, unsigned int order);
/* Is any of the 2^@order pages at @pfn pending? */
bool buddy_pending_has(const struct buddy *b, pfn_t pfn, unsigned int order);

/*
 * deferred_grow_zone(): the lowest pending memory of @zone is freed, up to the end of a section, until that
 * was a section's worth of pages.  False: nothing of it is pending, or kernels of that time do not do it.
 */
bool buddy_pending_grow(struct buddy *b, uint32_t zone);

#endif
