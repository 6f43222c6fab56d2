/* SPDX-License-Identifier: MIT */
/*
 * The memory map: which node and zone each struct page says it is of.
 *
 * Links are made by range, some of them twice; what was written last counts.  They are worked out on demand
 * from the ranges and zones of a machine that has sized its zones, and kept nowhere.
 */
#ifndef ENGINE_MEMMAP_H
#define ENGINE_MEMMAP_H

#include "engine/machine.h"

struct memmap_link {
	pfn_t start, end; /* [start, end) page frames, of which some may have no struct page */
	int32_t nid;
	enum zone_type type;
	bool hole; /* no memory */
};

/* Calls @visit with each link in the order in which the kernel writes them. */
void memmap_walk(const struct machine *m, void (*visit)(void *ctx, const struct memmap_link *link),
		 void *ctx);

/*
 * The link that @pfn has in the end, in @ret, and in @until where it may end, which is @end at most.  False:
 * none was written.
 */
bool memmap_link_at(const struct machine *m, pfn_t pfn, pfn_t end, struct memmap_link *ret,
		    pfn_t *until);

/*
 * Do zones of node @nid span the same pages, or none of them pages that are there?  That is where
 * kernelcore=mirror deals pages out one by one; what a page is linked to is then its zone.
 */
bool memmap_zones_share(const struct machine *m, int32_t nid);

/* The node that early boot takes @pfn for: its memory's, or a default. */
int32_t memmap_early_nid(const struct machine *m, pfn_t pfn);

/*
 * The node that the struct pages of reservation @r are initialised with.  Only kernels that defer struct
 * pages ask; a negative value is no node.
 */
int32_t memmap_reserved_nid(const struct machine *m, const struct memblock_region *r);

/* Has any page frame of the section of @pfn memory, so that all have struct pages? */
bool memmap_section_present(const struct machine *m, pfn_t pfn);

/*
 * Before memory is handed over: reservations get the nodes of the memory that they are of.  False: for some
 * the array would have had to grow, and there was no place for it; the kernel goes on all the same.
 */
bool memmap_stamp_reserved(struct machine *m);

#endif
