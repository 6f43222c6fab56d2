/* SPDX-License-Identifier: MIT */
/*
 * Alloc flags: what a request may use, as the page allocator decides from its gfp mask
 * (gfp_to_alloc_flags in mm/page_alloc.c), and which free lists that opens.
 *
 * Names are the kernel's newest; kernels up to 6.2 say ALLOC_HARDER for ALLOC_NON_BLOCK and ALLOC_HIGH
 * for ALLOC_MIN_RESERVE.
 */
#ifndef ENGINE_ALLOC_FLAGS_H
#define ENGINE_ALLOC_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/facts.h"
#include "engine/migratetype.h"

enum alloc_flag {
	ALLOC_WMARK_MIN = 0,
	ALLOC_WMARK_LOW = 1,
	ALLOC_WMARK_HIGH = 2,
	ALLOC_WMARK_MASK = 3, /* enum watermark */
	ALLOC_NO_WATERMARKS = 1 << 2,
	ALLOC_OOM = 1 << 3, /* a victim of the OOM killer */
	ALLOC_NON_BLOCK = 1 << 4, /* cannot wait, or up to 6.2: real-time */
	ALLOC_MIN_RESERVE = 1 << 5, /* __GFP_HIGH, or since 6.3: real-time */
	ALLOC_CPUSET = 1 << 6, /* bound by the task's cpuset */
	ALLOC_CMA = 1 << 7, /* may use CMA areas */
	ALLOC_NOFRAGMENT = 1 << 8,
	ALLOC_HIGHATOMIC = 1 << 9, /* may use pageblocks kept for high-order atomic requests */
	ALLOC_KSWAPD = 1 << 11,
	ALLOC_FAIR = 1 << 17, /* zones take turns; a bit of its own here, 3.15 to 4.7 */
	/* Not a kernel's flag: the boost of the min watermark does not bind this request. */
	ALLOC_SKIP_BOOST = 1 << 16,

	ALLOC_RIGHTS = ALLOC_OOM | ALLOC_NON_BLOCK | ALLOC_MIN_RESERVE | ALLOC_HIGHATOMIC,
};

/* Of a gfp mask, what the flags depend on. */
struct alloc_gfp {
	bool high; /* __GFP_HIGH */
	bool atomic; /* __GFP_ATOMIC, 4.4 to 6.2 */
	bool can_wait; /* __GFP_WAIT, or since 4.4 __GFP_DIRECT_RECLAIM */
	bool nomemalloc; /* __GFP_NOMEMALLOC */
	bool memalloc; /* __GFP_MEMALLOC */
	bool movable; /* __GFP_MOVABLE: of migratetype MOVABLE */
};

/*
 * The flags of the slow path, where a request ends that finds nothing above the low watermark: enum
 * alloc_flag.  Of the task nothing is known here: real-time tasks, reclaiming ones and victims may do
 * more.
 */
unsigned int alloc_flags_slow(const struct facts *facts, const struct alloc_gfp *gfp,
			      unsigned int order);

/*
 * A bit for each migratetype from whose free lists a request of these flags can be served in the end,
 * by fallback too: what the watermark check lets pass may still find none of them.
 */
uint32_t alloc_flags_types(const struct facts *facts, unsigned int alloc_flags, unsigned int order);

#endif
