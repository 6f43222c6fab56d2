/* SPDX-License-Identifier: MIT */
/*
 * What /proc/buddyinfo and /proc/pagetypeinfo show of the free lists.  Numbers only; the text of those
 * files is another module's.
 */
#ifndef ENGINE_BUDDY_VIEW_H
#define ENGINE_BUDDY_VIEW_H

#include "engine/buddy.h"

/* Zones are numbered as in struct buddy: those with memory, by node, then type. */
uint32_t buddy_view_zones(const struct buddy *b);
int32_t buddy_view_nid(const struct buddy *b, uint32_t zone);
enum zone_type buddy_view_type(const struct buddy *b, uint32_t zone);
/* The zone of node @nid that is called @type ("DMA32"); BUDDY_ZONE_NONE: none with memory is. */
uint32_t buddy_view_find(const struct buddy *b, int32_t nid, const char *type);
/* Largest order; columns are 0 ... this. */
unsigned int buddy_view_max_order(const struct buddy *b);
/* "Page block order". */
unsigned int buddy_view_pageblock_order(const struct buddy *b);

/* Free blocks of exactly @order on the list of @type. */
uint64_t buddy_view_free(const struct buddy *b, uint32_t zone, unsigned int order,
			 enum migratetype type);
/* The same over all types: a column of /proc/buddyinfo. */
uint64_t buddy_view_nr_free(const struct buddy *b, uint32_t zone, unsigned int order);
/*
 * "Number of blocks type": pageblocks by type, found in steps of a pageblock from the start of the zone
 * wherever a struct page is in use: with SPARSEMEM in sections that hold memory, later in their parts of
 * 2 MiB that do.
 */
void buddy_view_blocks(const struct buddy *b, uint32_t zone, uint64_t ret[MIGRATE_TYPE_COUNT]);

/*
 * The part of free memory that lies in blocks too small for 2^@order pages, in thousandths; 0 when nothing is
 * free: unusable_index of the kernel's extfrag, of all zones together.
 */
unsigned int buddy_view_unusable(const struct buddy *b, unsigned int order);

#endif
