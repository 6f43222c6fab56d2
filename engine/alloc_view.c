/* SPDX-License-Identifier: MIT */
#include "engine/alloc_view.h"

#include <inttypes.h>

#include "engine/buddy_view.h"
#include "engine/pageset.h"
#include "engine/wmark.h"

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

static void put_counter(const struct machine *m, const char *name, uint64_t value,
			const struct sink *sink)
{
	bool indented = fact_get(&m->facts, FACT_zoneinfo_counters_indented);

	sink_printf(sink, "%s%-12s %" PRIu64 "\n", indented ? "      " : "    ", name, value);
}

static void put_pageset(const struct pageset *set, uint32_t cpu, const struct machine *m,
			const struct zone *z, bool late_sizes, const struct sink *sink)
{
	bool tuned = set->high_min != set->high_max || (late_sizes && z->high_min != z->high_max);
	uint64_t high = late_sizes && !tuned ? z->high : set->high;
	bool limits = fact_get(&m->facts, FACT_zoneinfo_pcp_limits);
	int width = limits ? 9 : 6;

	sink_printf(sink, "    cpu: %" PRIu32 "\n", cpu);
	sink_printf(sink, "              %-*s %" PRIu32 "\n", width, "count:", set->count);
	sink_printf(sink, "              %-*s %" PRIu64 "\n", width, "high:", high);
	sink_printf(sink, "              %-*s %" PRIu64 "\n", width,
		    "batch:", late_sizes ? z->batch : set->batch);
	if (limits) {
		sink_printf(sink, "              %-*s %" PRIu64 "\n", width,
			    "high_min:", late_sizes ? z->high_min : set->high_min);
		sink_printf(sink, "              %-*s %" PRIu64 "\n", width,
			    "high_max:", late_sizes ? z->high_max : set->high_max);
	}
	sink_printf(sink, "  vm stats threshold: %" PRIu64 "\n", z->stat_threshold);
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

/* Has the boot come to where the kernel works out watermarks? */
static bool has_watermarks(const struct page_alloc *a)
{
	for (uint32_t zone = 0; zone < a->zone_count; zone++)
		if (a->zones[zone].watermark[WMARK_HIGH])
			return true;
	return false;
}

static void put_watermarks(const struct page_alloc *a, const struct machine *m,
			   const struct zone *z, uint32_t zone, bool late_sizes,
			   const struct sink *sink)
{
	static const uint64_t none[WMARK_COUNT];
	const uint64_t *mark = late_sizes || has_watermarks(a) ? z->watermark : none;
	uint64_t boost = 0;

	/* A zone without pages has marks, too: those of highmem are never 0. */
	if (zone != BUDDY_ZONE_NONE) {
		mark = late_sizes ? mark : a->zones[zone].watermark;
		boost = a->zones[zone].boost;
	}
	if (fact_get(&m->facts, FACT_zoneinfo_boost))
		put_field("boost", boost, sink);
	put_field("min", mark[WMARK_MIN] + boost, sink);
	put_field("low", mark[WMARK_LOW] + boost, sink);
	put_field("high", mark[WMARK_HIGH] + boost, sink);
	if (fact_get(&m->facts, FACT_zoneinfo_promo))
		put_field("promo", mark[WMARK_PROMO] + boost, sink);
}

static void put_counters(const struct page_alloc *a, const struct machine *m, uint32_t zone,
			 uint64_t free, const struct sink *sink)
{
	put_counter(m, "nr_free_pages", free, sink);
	if (fact_get(&m->facts, FACT_zoneinfo_free_blocks)) {
		unsigned int o = buddy_view_pageblock_order(a->buddy);
		uint64_t pages = 0;

		for (; o <= buddy_view_max_order(a->buddy); o++)
			for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
				if (t != MIGRATE_ISOLATE)
					pages += buddy_view_free(a->buddy, zone, o,
								 (enum migratetype)t)
						 << o;
		put_counter(m, "nr_free_pages_blocks", pages, sink);
	}
	if (fact_get(&m->facts, FACT_zoneinfo_free_cma))
		put_counter(m, "nr_free_cma", a->buddy->zones[zone].free_pages[MIGRATE_CMA], sink);
}

/* Of the CPUs that are online. */
static void put_pagesets(const struct page_alloc *a, const struct machine *m, const struct zone *z,
			 uint32_t zone, uint64_t cpus_down, bool late_sizes,
			 const struct sink *sink)
{
	uint32_t left = m->online_cpus ? m->online_cpus : 1;

	sink_puts(sink, "  pagesets\n");
	for (uint32_t cpu = 0; cpu < a->cpu_count && left; cpu++) {
		if (cpu < 64 && cpus_down >> cpu & 1)
			continue;
		put_pageset(&a->sets[zone * a->cpu_count + cpu], cpu, m, z, late_sizes, sink);
		left--;
	}
}

/* @zone: of the allocator; BUDDY_ZONE_NONE for a zone without pages. */
static void put_zone(const struct page_alloc *a, const struct machine *m, const struct zone *z,
		     uint32_t zone, uint64_t cpus_down, bool late_sizes, const struct sink *sink)
{
	uint64_t free = zone == BUDDY_ZONE_NONE ? 0 : page_alloc_zone_free(a, zone);
	bool first = fact_get(&m->facts, FACT_zoneinfo_protection_first);
	int width = fact_get(&m->facts, FACT_zoneinfo_node_fields) ? 20 : 18;

	sink_printf(sink, "  pages free     %" PRIu64 "\n", free);
	put_watermarks(a, m, z, zone, late_sizes, sink);
	put_field("spanned", z->spanned, sink);
	put_field("present", z->present, sink);
	if (fact_get(&m->facts, FACT_managed_pages))
		put_field("managed", z->managed, sink);
	if (fact_get(&m->facts, FACT_zoneinfo_cma))
		put_field("cma", z->cma, sink);
	if (first)
		put_protection(m, z, sink);
	if (zone == BUDDY_ZONE_NONE)
		return;
	put_counters(a, m, zone, free, sink);
	if (!first)
		put_protection(m, z, sink);
	put_pagesets(a, m, z, zone, cpus_down, late_sizes, sink);
	sink_printf(sink, "  %-*s %" PRIu64 "\n", width, "start_pfn:", z->start_pfn);
	if (!fact_get(&m->facts, FACT_zoneinfo_highatomic))
		return;
	sink_printf(sink, "  %-*s %" PRIu64 "\n", width,
		    "reserved_highatomic:", a->zones[zone].reserved_highatomic);
	sink_printf(sink, "  %-*s %" PRIu64 "\n", width,
		    "free_highatomic:", a->buddy->zones[zone].free_pages[MIGRATE_HIGHATOMIC]);
}

void alloc_view_zoneinfo(const struct page_alloc *a, const struct machine *late, uint64_t cpus_down,
			 bool late_sizes, const struct sink *sink)
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
			put_zone(a, late, z, zone, cpus_down, late_sizes, sink);
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
