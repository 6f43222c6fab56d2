/* SPDX-License-Identifier: MIT */
#include "engine/alloc_view.h"

#include <inttypes.h>

#include "engine/buddy_view.h"
#include "engine/pageset.h"

enum migratetype alloc_view_list_type(const struct page_alloc *a, unsigned int index)
{
	unsigned int order = pageset_list_order(a, index);

	/* Movable first: where huge pages have one list, it is theirs. */
	if (pageset_list(a, order, MIGRATE_MOVABLE) == index)
		return MIGRATE_MOVABLE;
	if (pageset_list(a, order, MIGRATE_RECLAIMABLE) == index)
		return MIGRATE_RECLAIMABLE;
	return MIGRATE_UNMOVABLE;
}

/* ---- /proc/zoneinfo ---------------------------------------------------------------------------- */

static void put_field(const char *name, uint64_t value, const struct sink *sink)
{
	sink_printf(sink, "        %-8s %" PRIu64 "\n", name, value);
}

static void put_pageset(const struct pageset *set, uint32_t cpu, bool limits,
			const struct sink *sink)
{
	int width = limits ? 9 : 6;

	sink_printf(sink, "    cpu: %" PRIu32 "\n", cpu);
	sink_printf(sink, "              %-*s %" PRIu32 "\n", width, "count:", set->count);
	sink_printf(sink, "              %-*s %" PRIu32 "\n", width, "high:", set->high);
	sink_printf(sink, "              %-*s %" PRIu32 "\n", width, "batch:", set->batch);
	if (!limits)
		return;
	sink_printf(sink, "              %-*s %" PRIu32 "\n", width, "high_min:", set->high_min);
	sink_printf(sink, "              %-*s %" PRIu32 "\n", width, "high_max:", set->high_max);
}

static void put_protection(const struct machine *m, const struct zone *z, const struct sink *sink)
{
	const char *before = "";

	sink_puts(sink, "        protection: (");
	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		if (!(m->config.zones_mask >> t & 1))
			continue;
		sink_printf(sink, "%s%" PRIu64, before, z->lowmem_reserve[t]);
		before = ", ";
	}
	sink_puts(sink, ")\n");
}

/* @zone: of the allocator; BUDDY_ZONE_NONE for a zone without pages. */
static void put_zone(const struct page_alloc *a, const struct machine *m, const struct zone *z,
		     uint32_t zone, const struct sink *sink)
{
	static const struct alloc_zone empty;
	const struct alloc_zone *az = zone == BUDDY_ZONE_NONE ? &empty : &a->zones[zone];
	uint64_t free = zone == BUDDY_ZONE_NONE ? 0 : page_alloc_zone_free(a, zone);

	sink_printf(sink, "  pages free     %" PRIu64 "\n", free);
	put_field("min", az->watermark[WMARK_MIN] + az->boost, sink);
	put_field("low", az->watermark[WMARK_LOW] + az->boost, sink);
	put_field("high", az->watermark[WMARK_HIGH] + az->boost, sink);
	if (fact_get(&m->facts, FACT_zoneinfo_promo))
		put_field("promo", az->watermark[WMARK_PROMO] + az->boost, sink);
	put_field("spanned", z->spanned, sink);
	put_field("present", z->present, sink);
	if (fact_get(&m->facts, FACT_managed_pages))
		put_field("managed", z->managed, sink);
	if (fact_get(&m->facts, FACT_zoneinfo_cma))
		put_field("cma", z->cma, sink);
	put_protection(m, z, sink);
	if (zone == BUDDY_ZONE_NONE)
		return;
	sink_printf(sink, "      nr_free_pages %" PRIu64 "\n", free);
	sink_puts(sink, "  pagesets\n");
	for (uint32_t cpu = 0; cpu < a->cpu_count && cpu < (m->online_cpus ? m->online_cpus : 1);
	     cpu++)
		put_pageset(&a->sets[zone * a->cpu_count + cpu], cpu,
			    fact_get(&m->facts, FACT_zoneinfo_pcp_limits), sink);
	sink_printf(sink, "  %-*s %" PRIu64 "\n",
		    fact_get(&m->facts, FACT_zoneinfo_node_fields) ? 20 : 18,
		    "start_pfn:", z->start_pfn);
}

void alloc_view_zoneinfo(const struct page_alloc *a, const struct machine *late,
			 const struct sink *sink)
{
	bool all = fact_get(&late->facts, FACT_zoneinfo_empty_zones);

	for (uint32_t n = 0; n < late->node_count; n++) {
		if (!late->nodes[n].memory)
			continue;
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &late->nodes[n].zones[t];
			uint32_t zone = buddy_zone_find(a->buddy, (int32_t)n, (enum zone_type)t);

			if (!(late->config.zones_mask >> t & 1) ||
			    (zone == BUDDY_ZONE_NONE && !all))
				continue;
			sink_printf(sink, "Node %" PRIu32 ", zone %8s\n", n,
				    zone_type_name((enum zone_type)t));
			put_zone(a, late, z, zone, sink);
		}
	}
}

/* ---- page sets --------------------------------------------------------------------------------- */

static void put_lists(const struct page_alloc *a, const struct pageset *set,
		      const struct sink *sink)
{
	for (unsigned int i = 0; i < PCP_LISTS_MAX; i++) {
		uint32_t cursor = BUDDY_LIST_START;
		pfn_t pfn;

		if (!set->lists[i].count)
			continue;
		sink_printf(sink, "  order %u %s:", pageset_list_order(a, i),
			    migratetype_name(alloc_view_list_type(a, i), a->buddy->facts));
		while (pageset_next(a, set, i, &cursor, &pfn))
			sink_printf(sink, " 0x%" PRIx64, pfn);
		sink_puts(sink, "\n");
	}
}

void alloc_view_pcp(const struct page_alloc *a, const struct sink *sink)
{
	for (uint32_t zone = 0; zone < a->zone_count; zone++) {
		for (uint32_t cpu = 0; cpu < a->cpu_count; cpu++) {
			const struct pageset *set = &a->sets[zone * a->cpu_count + cpu];

			if (!set->count)
				continue;
			sink_printf(sink,
				    "Node %" PRId32 ", zone %8s, cpu %" PRIu32 ": count %" PRIu32
				    ", high %" PRIu32 ", batch %" PRIu32 "\n",
				    buddy_view_nid(a->buddy, zone),
				    zone_type_name(buddy_view_type(a->buddy, zone)), cpu,
				    set->count, set->high, set->batch);
			put_lists(a, set, sink);
		}
	}
}

/* ---- pageblocks -------------------------------------------------------------------------------- */

static void put_run(const struct page_alloc *a, uint32_t zone, pfn_t start, pfn_t end,
		    const struct sink *sink)
{
	const struct buddy *b = a->buddy;

	sink_printf(sink, "Node %" PRId32 ", zone %8s  %10" PRIx64 "-%-10" PRIx64 " %s\n",
		    buddy_view_nid(b, zone), zone_type_name(buddy_view_type(b, zone)), start,
		    end - 1, migratetype_name(buddy_block_type(b, zone, start), b->facts));
}

void alloc_view_pageblocks(const struct page_alloc *a, const struct sink *sink)
{
	const struct buddy *b = a->buddy;
	uint64_t block = 1ULL << b->pageblock_order;

	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		for (uint32_t s = 0; s < b->zones[zone].span_count; s++) {
			const struct buddy_span *span = &b->spans[b->zones[zone].first_span + s];
			pfn_t start = max_u64(span->start << b->max_order, b->zones[zone].start);
			pfn_t end = min_u64((span->start + span->count) << b->max_order,
					    b->zones[zone].end);
			pfn_t run = start;

			for (pfn_t pfn = start; pfn < end;) {
				pfn_t next = min_u64(round_down_to(pfn, block) + block, end);

				if (buddy_block_type(b, zone, pfn) !=
				    buddy_block_type(b, zone, run)) {
					put_run(a, zone, run, pfn, sink);
					run = pfn;
				}
				pfn = next;
			}
			put_run(a, zone, run, end, sink);
		}
	}
}
