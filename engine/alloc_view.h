/* SPDX-License-Identifier: MIT */
/*
 * Alloc view: a running allocator as text, in the kernel's own form where it has one.  /proc/buddyinfo and
 * /proc/pagetypeinfo of it are in dump.h.
 */
#ifndef ENGINE_ALLOC_VIEW_H
#define ENGINE_ALLOC_VIEW_H

#include "engine/machine.h"
#include "engine/page_alloc.h"
#include "engine/sink.h"

/*
 * In the form of /proc/zoneinfo: free pages and page sets from @a, what a zone spans from @late, the same
 * machine at the end of its boot or as it has become since; with @late_sizes watermarks and the sizes of page
 * sets, too, which @a does not have yet.  @cpus_down has a bit for each CPU that has gone offline.  Counters that
 * the model does not keep are left out.  "high" of a page set that the kernel tunes is what @a has seen of it: it
 * sinks with time, which no event tells.
 */
void alloc_view_zoneinfo(const struct page_alloc *a, const struct machine *late, uint64_t cpus_down,
			 bool late_sizes, const struct sink *sink);
/* Every page set that is not empty: each list from head to tail, page frames in hexadecimal. */
void alloc_view_pcp(const struct page_alloc *a, const struct sink *sink);
/* Runs of pageblocks of one type, page frames in hexadecimal, the last one inclusive. */
void alloc_view_pageblocks(const struct page_alloc *a, const struct sink *sink);

/* What list @index of a page set holds: the type of its blocks. */
enum migratetype alloc_view_list_type(const struct page_alloc *a, unsigned int index);

#endif
