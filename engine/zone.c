/* SPDX-License-Identifier: MIT */
/*
 * Zone layout, after free_area_init (mm/mm_init.c, mm/page_alloc.c before 6.4).
 *   1. zone_limits_init: the arch's limits become adjoining possible ranges.
 *   2. zone_find_movable: kernelcore=, movablecore=, movable_node decide zone_movable_pfn per node.
 *   3. zone_size_node: the node's span clipped to each zone; holes counted from the ranges.
 */
#include "engine/zone.h"

#include <string.h>

#include "engine/memblock.h"

void zone_limits_init(struct zone_limits *ret, const pfn_t max_zone_pfn[ZONE_TYPE_COUNT],
		      uint32_t zones_mask, pfn_t dram_start_pfn, const struct facts *facts)
{
	bool first = true, carried = fact_get(facts, FACT_zone_limit_carried);
	pfn_t start = dram_start_pfn;

	memset(ret, 0, sizeof(*ret));
	for (unsigned int i = 0; i < ZONE_TYPE_COUNT; i++) {
		if (i == ZONE_MOVABLE) {
			/* It has no limits of its own, and the zone behind it once began where it ends. */
			if (!carried)
				start = 0;
			continue;
		}
		if (!(zones_mask >> i & 1))
			continue;
		ret->lowest[i] = start;
		ret->highest[i] = max_u64(max_zone_pfn[i], start);
		/* The old code took the first zone's limit without looking at the start. */
		if (first && fact_get(facts, FACT_first_zone_limit_unchecked))
			ret->highest[i] = max_zone_pfn[i];
		first = false;
		start = ret->highest[i];
	}
}

enum zone_type zone_highest_usable(const struct zone_limits *limits, uint32_t zones_mask)
{
	enum zone_type highest = ZONE_DMA;

	for (unsigned int i = 0; i < ZONE_TYPE_COUNT; i++)
		if (i != ZONE_MOVABLE && (zones_mask >> i & 1) &&
		    limits->highest[i] > limits->lowest[i])
			highest = (enum zone_type)i;
	return highest;
}

bool zone_is_highmem(enum zone_type type, const struct zone_limits *limits, uint32_t zones_mask)
{
	if (type == ZONE_HIGHMEM)
		return true;
	return type == ZONE_MOVABLE && (limits->movable_is_highmem ||
					zone_highest_usable(limits, zones_mask) == ZONE_HIGHMEM);
}

/* One round of spreading the core; see zone_find_movable. */
static void spread_core(struct node *nodes, uint32_t node_count, const struct node_range *ranges,
			uint32_t range_count, pfn_t usable, uint64_t users, uint64_t *remaining)
{
	uint64_t share = *remaining / users;
	uint32_t r = 0;

	for (uint32_t n = 0; n < node_count; n++) {
		struct node *node = &nodes[n];
		uint64_t quota;

		if (!node->memory)
			continue;
		/* Keep the last nodes from taking more than what is left. */
		if (*remaining < share)
			share = *remaining / users;
		quota = share;
		for (r = 0; r < range_count; r++) {
			pfn_t start = ranges[r].start, end = ranges[r].end;
			uint64_t take;

			if (ranges[r].nid != (int32_t)n)
				continue;
			start = max_u64(start, node->movable_pfn);
			if (start >= end)
				continue;
			if (start < usable) {
				/* Below the highest zone everything is core, whatever the quota. */
				uint64_t core = min_u64(end, usable) - start;

				quota -= min_u64(core, quota);
				*remaining -= min_u64(core, *remaining);
				if (end <= usable) {
					node->movable_pfn = end;
					continue;
				}
				start = usable;
			}
			take = min_u64(end - start, quota);
			node->movable_pfn = start + take;
			*remaining -= min_u64(take, *remaining);
			quota -= take;
			if (!quota)
				break;
		}
	}
}

static uint64_t pages_of_option(const struct core_option *o, uint64_t total,
				const struct arch_config *config, const struct facts *facts)
{
	if (!o->set || o->mirror)
		return 0;
	if (o->percent && !fact_get(facts, FACT_core_percent))
		return 0; /* so many bytes, and less than a page */
	if (o->percent)
		return total * 100 * o->percent / 10000;
	return o->bytes >> config->page_shift;
}

void zone_find_movable(struct node *nodes, uint32_t node_count, const struct node_range *ranges,
		       uint32_t range_count, struct zone_limits *limits, uint32_t zones_mask,
		       const struct cmdline *cmdline, const struct arch_config *config,
		       const struct facts *facts)
{
	enum zone_type top = zone_highest_usable(limits, zones_mask);
	pfn_t usable = limits->lowest[top];
	uint64_t max_order_pages = arch_max_order_pages(config);
	uint64_t total = 0, core, movable, users = 0, mirrored = 0;

	for (uint32_t r = 0; r < range_count; r++) {
		total += ranges[r].end - ranges[r].start;
		mirrored += !!(ranges[r].flags & MEMBLOCK_MIRROR);
	}
	for (uint32_t n = 0; n < node_count; n++)
		if (nodes[n].memory)
			users++;

	/* With movable_node the other options count for nothing, whether or not memory is hotpluggable. */
	if (cmdline->movable_node && fact_get(facts, FACT_movable_node_option)) {
		for (uint32_t r = 0; r < range_count; r++) {
			struct node *node = &nodes[ranges[r].nid];
			pfn_t start = ranges[r].base_addr >> config->page_shift;

			if (!(ranges[r].flags & MEMBLOCK_HOTPLUG))
				continue;
			node->movable_pfn = node->movable_pfn ? min_u64(node->movable_pfn, start)
							      : start;
		}
		goto align;
	}
	if (cmdline->kernelcore.mirror && fact_get(facts, FACT_kernelcore_mirror)) {
		/* Without any mirrored memory newer kernels ignore the option. */
		if (!mirrored && fact_get(facts, FACT_kernelcore_mirror_needs_mirror))
			return;
		for (uint32_t r = 0; r < range_count; r++) {
			struct node *node = &nodes[ranges[r].nid];
			pfn_t start = ranges[r].start;

			if (ranges[r].flags & MEMBLOCK_MIRROR ||
			    start < (1ULL << 32) >> config->page_shift)
				continue;
			node->movable_pfn = node->movable_pfn ? min_u64(node->movable_pfn, start)
							      : start;
		}
		goto align;
	}

	core = pages_of_option(&cmdline->kernelcore, total, config, facts);
	movable = pages_of_option(&cmdline->movablecore, total, config, facts);
	if (movable) {
		movable = round_up_to(movable, max_order_pages);
		if (fact_get(facts, FACT_movablecore_capped))
			movable = min_u64(movable, total);
		core = max_u64(core, total - movable);
	}
	limits->core_pages = core;
	if (!core || (core >= total && fact_get(facts, FACT_kernelcore_capped)))
		return;
	limits->core_spread = true;

	/* At most one round a node; what the last round leaves, less than a page each, stays unplaced. */
	for (; users > 0; users--) {
		spread_core(nodes, node_count, ranges, range_count, usable, users, &core);
		if (core < users)
			break;
	}
align:
	for (uint32_t n = 0; n < node_count; n++) {
		struct node *node = &nodes[n];

		if (!node->movable_pfn)
			continue;
		node->movable_pfn = round_up_to(node->movable_pfn, max_order_pages);
		if (node->movable_pfn >= node->end_pfn &&
		    fact_get(facts, FACT_movable_start_checked))
			node->movable_pfn = 0;
	}
}

/* Pages of @nid's ranges inside [start, end), all of them or only the (un)mirrored ones. */
static uint64_t range_pages(const struct node_range *ranges, uint32_t range_count, int32_t nid,
			    pfn_t start, pfn_t end, uint32_t flag_mask, uint32_t flag_value)
{
	uint64_t pages = 0;

	for (uint32_t r = 0; r < range_count; r++) {
		pfn_t s = max_u64(ranges[r].start, start), e = min_u64(ranges[r].end, end);

		if (ranges[r].nid == nid && s < e && (ranges[r].flags & flag_mask) == flag_value)
			pages += e - s;
	}
	return pages;
}

void zone_size_node(struct node *node, int32_t nid, const struct node_range *ranges,
		    uint32_t range_count, const struct zone_limits *limits, uint32_t zones_mask,
		    bool mirrored_kernelcore, const struct facts *facts)
{
	enum zone_type top = zone_highest_usable(limits, zones_mask);
	bool clipped = fact_get(facts, FACT_node_hole_clipped);

	node->present = node->spanned = 0;
	for (unsigned int i = 0; i < ZONE_TYPE_COUNT; i++) {
		struct zone *z = &node->zones[i];
		pfn_t start, end, movable = node->movable_pfn;

		z->type = (enum zone_type)i;
		z->nid = nid;
		z->start_pfn = 0;
		z->spanned = z->present = 0;
		if (!(zones_mask >> i & 1) || node->start_pfn == node->end_pfn)
			continue;
		start = clamp_u64(node->start_pfn, limits->lowest[i], limits->highest[i]);
		end = clamp_u64(node->end_pfn, limits->lowest[i], limits->highest[i]);
		if (movable) {
			if (i == ZONE_MOVABLE) {
				start = movable;
				end = min_u64(node->end_pfn, limits->highest[top]);
			} else if (!mirrored_kernelcore && start < movable && end > movable) {
				end = movable;
			} else if (start >= movable) {
				start = end;
			}
		}
		/*
		 * Of a node above the zone that is all movable, the hole before its memory was once counted
		 * from the end of the zone, and so more pages were missing than spanned.
		 */
		if (!clipped && movable && i != ZONE_MOVABLE && movable <= node->start_pfn &&
		    limits->highest[i] < node->start_pfn) {
			z->present = limits->highest[i] - node->start_pfn;
			node->present += z->present;
		}
		if (end < node->start_pfn || start > node->end_pfn || start >= end)
			continue;
		start = max_u64(start, node->start_pfn);
		end = min_u64(end, node->end_pfn);
		if (start >= end)
			continue;
		z->start_pfn = start;
		z->spanned = end - start;
		z->present = range_pages(ranges, range_count, nid, start, end, 0, 0);
		if (mirrored_kernelcore && movable) {
			/* A mirrored page is Normal's, an unmirrored one Movable's. */
			if (i == ZONE_MOVABLE)
				z->present = range_pages(ranges, range_count, nid, start, end,
							 MEMBLOCK_MIRROR, 0);
			else if (i == ZONE_NORMAL)
				z->present = range_pages(ranges, range_count, nid, start, end,
							 MEMBLOCK_MIRROR, MEMBLOCK_MIRROR);
		}
		node->present += z->present;
		node->spanned += z->spanned;
	}
}
