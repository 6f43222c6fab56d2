/* SPDX-License-Identifier: MIT */
/*
 * Extfrag: how fragmented free memory is, by the two indices that a kernel with CONFIG_DEBUG_FS and compaction has
 * below /sys/kernel/debug/extfrag.  Both are of a zone and an order, in thousandths, and follow from the numbers of
 * free blocks of each order (a row of /proc/buddyinfo).
 *
 *	unusable index		the part of free memory in blocks too small for the order: 0 none, 1000 all
 *	fragmentation index	why a request fails: towards 0 for lack of memory, towards 1000 for fragmentation
 *
 * Evidence: mm/vmstat.c 6.1 and 6.12: unusable_free_index, __fragmentation_index (2.6.35: mm: export unusable free
 * space index via debugfs, mm: export fragmentation index via debugfs).
 */
#ifndef ENGINE_EXTFRAG_H
#define ENGINE_EXTFRAG_H

#include "engine/buddy.h"
#include "engine/sink.h"

/* What there is for a request: an index of one that would not fail. */
#define EXTFRAG_WOULD_PASS (-1000)

/* @nr_free: free blocks of each of @order_count orders.  Of a zone with nothing free all is unusable: 1000. */
unsigned int extfrag_unusable_index(const uint64_t *nr_free, unsigned int order_count,
				    unsigned int order);
/*
 * EXTFRAG_WOULD_PASS where a block is large enough; else from 0 (also with nothing free) to 1000; below 0 for a
 * zone with less free than is asked for.
 */
int extfrag_index(const uint64_t *nr_free, unsigned int order_count, unsigned int order);

/* Free blocks of zone number @zone by order; returns how many orders there are. */
unsigned int extfrag_count(const struct buddy *b, uint32_t zone, uint64_t ret[BUDDY_ORDER_COUNT]);

/* As the kernel's files unusable_index and extfrag_index. */
void extfrag_dump_unusable(const struct buddy *b, const struct sink *sink);
void extfrag_dump_index(const struct buddy *b, const struct sink *sink);

#endif
