/* SPDX-License-Identifier: MIT */
/*
 * The free lists as a boot leaves them: which blocks are freed one after the other, by whom, and where a
 * kernel of that time puts them.  Each function here stands for a moment of handover.h and does nothing
 * unless the machine wants lists (m->want_lists).
 *
 * Not modelled: the allocations a running kernel makes meanwhile, and the per-CPU lists that pages freed
 * late pass through (b->order_pagesets tells); several threads that free deferred memory are taken to
 * work one after the other (b->order_threads).  A kernel shuffles nothing here: page_alloc.shuffle is off.
 */
#ifndef ENGINE_HANDOVER_LISTS_H
#define ENGINE_HANDOVER_LISTS_H

#include "engine/buddy.h"
#include "engine/machine.h"

/* Makes m->buddy and frees what memblock has free; deferred memory becomes pending. */
void handover_lists_free_all(struct machine *m);
/* page_alloc_init_late(): pending memory is freed. */
void handover_lists_deferred(struct machine *m);

/* Who gives pages back. */
enum handover_source {
	HANDOVER_DISCARD, /* memblock's own arrays */
	HANDOVER_CMA, /* a CMA area is activated: whole pageblocks */
	HANDOVER_GIGANTIC, /* gigantic pages become managed, but stay with the huge page pool */
	HANDOVER_RESERVED, /* free_reserved_page(): "Freeing ... memory" */
};
/*
 * Page frames [start, end), which one zone holds, come back.  A log tells how many pages of the kernel
 * image are freed late, but not always where: for a page that is free already, the next one of its zone
 * that is not comes back instead (b->places_guessed).
 */
void handover_lists_give_back(struct machine *m, pfn_t start, pfn_t end,
			      enum handover_source source);
/* setup_zone_migrate_reserve() after watermarks were computed, where kernels have MIGRATE_RESERVE. */
void handover_lists_reserve_blocks(struct machine *m);

#endif
