/* SPDX-License-Identifier: MIT */
/*
 * Zones and nodes: which page frames belong to which zone of which node.
 *
 *   spanned_pages = zone end - zone_start_pfn, holes included
 *   present_pages = spanned_pages - absent (pages of memory; NOMAP memory counts)
 *   managed_pages = present_pages - reserved (pages the buddy allocator was given)
 *
 * The functions here take plain ranges (struct node_range) so that the same code serves memblock and
 * the early_node_map of 2.6.32.
 */
#ifndef ENGINE_ZONE_H
#define ENGINE_ZONE_H

#include "engine/arch.h"
#include "engine/cmdline.h"
#include "engine/facts.h"
#include "engine/units.h"

enum watermark { WMARK_MIN, WMARK_LOW, WMARK_HIGH, WMARK_PROMO, WMARK_COUNT };

struct zone {
	enum zone_type type;
	int32_t nid;
	pfn_t start_pfn; /* 0 when spanned is 0 */
	uint64_t spanned, present, managed, cma; /* pages */
	uint64_t memmap_pages; /* pages used for memmap, as accounted at boot (0 when not) */
	uint64_t initial_free; /* "free" of the memmap accounting: present - memmap - dma reserve */
	uint64_t watermark[WMARK_COUNT]; /* pages */
	uint64_t lowmem_reserve[ZONE_TYPE_COUNT]; /* pages, by zone type of the request */
	uint64_t raw_batch; /* zone_batchsize; the page sets use at least 1 */
	uint64_t batch, high, high_min, high_max; /* page sets after boot */
	uint64_t
		joined; /* managed when deferred memory had come, or page sets were last sized by it */
	uint64_t
		counted; /* managed when reserves were last worked out from it, as far as is known */
	uint64_t stat_threshold; /* of its per-CPU counters; see reserves_refresh_thresholds() */
	uint64_t early_free; /* pages free right after the hand-over, deferred ones away */
	uint64_t unavailable; /* pages in unavailable ranges attributed to this zone */
	bool contiguous; /* every section it spans is online and its own; see hotplug.h */
};

struct node {
	bool possible; /* has a pgdat by the end of boot */
	bool parsed; /* named by the firmware or the command line */
	bool online; /* has memory, and node data from the start */
	bool memory; /* has present pages (N_MEMORY) */
	pfn_t start_pfn, end_pfn; /* 0, 0 without memory */
	uint64_t present, spanned; /* pages */
	pfn_t movable_pfn; /* where ZONE_MOVABLE starts; 0 = none */
	pfn_t first_deferred_pfn; /* PFN_NONE = nothing deferred */
	uint32_t cpus; /* online CPUs of the node after boot */
	int32_t physical; /* the node it was cut from by numa=fake= */
	uint32_t nr_zones; /* zones that kswapd looks at: the highest that ever had pages, plus 1 */
	struct zone zones[ZONE_TYPE_COUNT];
};

static inline pfn_t zone_end_pfn(const struct zone *z)
{
	return z->start_pfn + z->spanned;
}

/*
 * pgdat_end_pfn(): the end of the node if its zones adjoin.  Zones that share pages (kernelcore=mirror) count
 * them twice, and it lies beyond.
 */
static inline pfn_t node_spanned_end_pfn(const struct node *node)
{
	return node->start_pfn + node->spanned;
}

/* [start, end) page frames of memory on one node. Sorted by start; neighbours may touch. */
struct node_range {
	pfn_t start, end;
	int32_t nid;
	uint32_t flags; /* memblock flags */
	phys_t base_addr; /* byte address before rounding (movable_node, mirror) */
	uint8_t zone; /* enum zone_type plus 1; 0: the one that spans it, as before any hotplug */
};

/* Is memory of @range, where zones span it, that of a zone of @type? */
static inline bool node_range_is_of(const struct node_range *range, int32_t nid,
				    enum zone_type type)
{
	return range->nid == nid && (!range->zone || range->zone == (unsigned int)type + 1);
}

struct zone_limits {
	pfn_t lowest[ZONE_TYPE_COUNT], highest[ZONE_TYPE_COUNT]; /* [lowest, highest) */
	bool movable_is_highmem; /* even if nothing of it is cut from HighMem */
	uint64_t core_pages; /* required_kernelcore, from kernelcore= and movablecore= */
	bool core_spread; /* ... and it was spread over the nodes */
};

/* Limits of each zone from the architecture's exclusive upper page frames (0 for absent zones). */
void zone_limits_init(struct zone_limits *ret, const pfn_t max_zone_pfn[ZONE_TYPE_COUNT],
		      uint32_t zones_mask, pfn_t dram_start_pfn, const struct facts *facts);

/*
 * Where ZONE_MOVABLE starts on each node, into nodes[].movable_pfn (which must be 0 on entry).
 * nodes[].start_pfn/end_pfn must be set; of @limits, core_pages and core_spread are filled in.
 */
void zone_find_movable(struct node *nodes, uint32_t node_count, const struct node_range *ranges,
		       uint32_t range_count, struct zone_limits *limits, uint32_t zones_mask,
		       const struct cmdline *cmdline, const struct arch_config *config,
		       const struct facts *facts);

/* spanned, present and start_pfn of every zone of @node, and the node's sums. */
void zone_size_node(struct node *node, int32_t nid, const struct node_range *ranges,
		    uint32_t range_count, const struct zone_limits *limits, uint32_t zones_mask,
		    bool mirrored_kernelcore, const struct facts *facts);

/* Highest zone type with a possible range, ZONE_MOVABLE and ZONE_DEVICE excluded. */
enum zone_type zone_highest_usable(const struct zone_limits *limits, uint32_t zones_mask);

/* The zone type "highmem" is told by: HighMem itself, or Movable when it was cut from HighMem. */
bool zone_is_highmem(enum zone_type type, const struct zone_limits *limits, uint32_t zones_mask);

#endif
