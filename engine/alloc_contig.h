/* SPDX-License-Identifier: MIT */
/*
 * Contiguous allocation: a given range of page frames (alloc_contig_range in mm/page_alloc.c), and one
 * anywhere in a CMA area (cma_alloc in mm/cma.c).
 *
 * The pageblocks are isolated, page sets drained, the range taken off the free lists, and the rest of what
 * was isolated given back.  Not modelled: migration; a range in which pages are in use is refused.
 */
#ifndef ENGINE_ALLOC_CONTIG_H
#define ENGINE_ALLOC_CONTIG_H

#include "engine/page_alloc.h"

/* Takes [@start, @end) of @zone; pageblocks are of @type afterwards.  False: some of it is in use. */
bool alloc_contig_range(struct page_alloc *a, uint32_t zone, uint32_t cpu, pfn_t start, pfn_t end,
			enum migratetype type);
/* Frees the pages of it, one after the other, or since 7.0 in the largest blocks. */
void free_contig_range(struct page_alloc *a, uint32_t cpu, pfn_t start, uint64_t pages);

struct contig_range {
	pfn_t start, end;
};

/* Values of the fact cma_align_rule. */
enum cma_align_rule {
	CMA_ALIGN_AREA = 0, /* to the beginning of the area */
	CMA_ALIGN_WRONG_UNITS = 1, /* as the next: here areas have a bit a page */
	CMA_ALIGN_MISSING = 2, /* the bitmap is shifted by what is missing to the next boundary */
	CMA_ALIGN_BEYOND = 3, /* ... by what the area begins beyond the last */
};

/*
 * @pages pages of the area @area, aligned to 2^@align pages, past the @used_count ranges that are allocated
 * there already (in any order).  PFN_NONE: there is no room.
 */
pfn_t cma_alloc(struct page_alloc *a, uint32_t zone, uint32_t cpu, const struct contig_range *area,
		uint64_t pages, unsigned int align, const struct contig_range *used,
		uint32_t used_count);

#endif
