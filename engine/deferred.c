/* SPDX-License-Identifier: MIT */
#include "engine/deferred.h"

/*
 * The first page frame in [start, end) that is a multiple of @section and has more than @limit pages
 * counted up to and including it, where @counted pages came before @start.  PFN_NONE when there is none.
 */
static pfn_t first_aligned_beyond(pfn_t start, pfn_t end, uint64_t counted, uint64_t limit,
				  uint64_t section)
{
	pfn_t pfn = round_up_to(start, section);

	/* counted + (pfn - start) + 1 > limit */
	if (counted + (pfn - start) + 1 <= limit)
		pfn = round_up_to(start + (limit - counted), section);
	return pfn < end ? pfn : PFN_NONE;
}

/*
 * Pages the old rule initialises at once: 2 GiB or 1/256 of the node, and as many as the reservations that
 * lie in there or touch it have in all (d135e5750205 mm/page_alloc.c: broken deferred calculation).
 */
static uint64_t early_pages_two_gib(const struct node *node, const struct memblock *mb,
				    const struct arch_config *config)
{
	uint64_t pages = max_u64((2ULL << 30) >> config->page_shift, node->spanned >> 8);
	phys_t start = pfn_phys(node->start_pfn, config->page_shift);
	phys_t end = start + pfn_phys(pages, config->page_shift);
	uint64_t reserved = 0;

	for (uint32_t i = 0; i < mb->reserved.cnt; i++) {
		const struct memblock_region *r = &mb->reserved.regions[i];

		if (r->base <= end && r->base + r->size >= start)
			reserved += r->size;
	}
	return min_u64(pages + pfn_down(reserved, config->page_shift), node->spanned);
}

/* The old rules: each zone is walked on its own, from its first page. */
static void find_zone_by_zone(struct node *nodes, uint32_t node_count,
			      const struct node_range *ranges, uint32_t range_count,
			      const struct memblock *mb, const struct arch_config *config,
			      uint32_t zones_mask, enum deferred_rule rule)
{
	uint64_t section = arch_section_pages(config);

	for (uint32_t n = 0; n < node_count; n++) {
		struct node *node = &nodes[n];
		uint64_t limit = rule == DEFERRED_TWO_GIB ? early_pages_two_gib(node, mb, config)
							  : min_u64(section, node->spanned);

		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &node->zones[t];
			uint64_t counted = 0;

			/* Only the zone that ends with the node is deferred. */
			if (!(zones_mask >> t & 1) || !z->spanned ||
			    zone_end_pfn(z) < node_spanned_end_pfn(node))
				continue;
			for (uint32_t r = 0; r < range_count; r++) {
				pfn_t start = max_u64(ranges[r].start, z->start_pfn);
				pfn_t end = min_u64(ranges[r].end, zone_end_pfn(z));

				if (ranges[r].nid != (int32_t)n || start >= end ||
				    node->first_deferred_pfn != PFN_NONE)
					continue;
				node->first_deferred_pfn =
					first_aligned_beyond(start, end, counted, limit, section);
				counted += end - start;
			}
		}
	}
}

void deferred_find(struct node *nodes, uint32_t node_count, const struct node_range *ranges,
		   uint32_t range_count, const struct memblock *mb,
		   const struct arch_config *config, uint32_t zones_mask, const struct facts *facts)
{
	enum deferred_rule rule = (enum deferred_rule)fact_get(facts, FACT_deferred_rule);
	bool by_zone = fact_get(facts, FACT_deferred_by_zone_end);
	uint64_t section = arch_section_pages(config), counted = 0;
	pfn_t previous_end = 0;

	for (uint32_t n = 0; n < node_count; n++)
		nodes[n].first_deferred_pfn = PFN_NONE;
	if (rule == DEFERRED_NEVER || !config->deferred_struct_page || !section)
		return;
	if (rule == DEFERRED_TWO_GIB || rule == DEFERRED_SECTION) {
		find_zone_by_zone(nodes, node_count, ranges, range_count, mb, config, zones_mask,
				  rule);
		return;
	}

	/*
	 * One counter for all, which starts anew where another zone end is met.  For a while the end of a range
	 * was taken for the zone's.
	 */
	for (uint32_t r = 0; r < range_count; r++) {
		struct node *node = &nodes[ranges[r].nid];

		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &node->zones[t];
			pfn_t zone_end = zone_end_pfn(z);
			pfn_t start = max_u64(ranges[r].start, z->start_pfn);
			pfn_t end = min_u64(ranges[r].end, zone_end);
			bool never;

			if (!(zones_mask >> t & 1) || !z->spanned || start >= end)
				continue;
			if (!by_zone)
				zone_end = end;
			never = zone_end < node_spanned_end_pfn(node) ||
				node->first_deferred_pfn != PFN_NONE;
			if (previous_end != zone_end && (!never || rule == DEFERRED_COUNTED)) {
				counted = 0;
				previous_end = zone_end;
			}
			if (never)
				continue;
			node->first_deferred_pfn =
				first_aligned_beyond(start, end, counted, section, section);
			counted += end - start;
		}
	}
}
