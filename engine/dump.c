/* SPDX-License-Identifier: MIT */
#include "engine/dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/buddy_view.h"

/* ---- memblock ---------------------------------------------------------------------------------- */

void dump_memblock_flags(uint32_t flags, const struct sink *sink)
{
	static const char *const names[] = { "HOTPLUG",	       "MIRROR",      "NOMAP",
					     "DRIVER_MANAGED", "RSRV_NOINIT", "RSRV_KERN",
					     "KHO_SCRATCH" };
	const char *between = "";

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(flags >> i & 1))
			continue;
		sink_printf(sink, "%s%s", between, names[i]);
		between = "|";
	}
}

static void dump_size(uint64_t bytes, bool more, const struct sink *sink)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB" };
	unsigned int unit = 0;

	while (unit < 3 && bytes && !(bytes & 1023)) {
		bytes >>= 10;
		unit++;
	}
	sink_printf(sink, more ? "%10" PRIu64 " %-3s" : "%10" PRIu64 " %s", bytes, units[unit]);
}

static void dump_type(const char *name, const struct memblock_type *type, const struct sink *sink)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < type->cnt; i++)
		bytes += type->regions[i].size;
	sink_printf(sink, "%s: %" PRIu32 " region%s of %" PRIu32 ", %" PRIu64 " bytes\n", name,
		    type->cnt, type->cnt == 1 ? "" : "s", type->max, bytes);
	for (uint32_t i = 0; i < type->cnt; i++) {
		const struct memblock_region *r = &type->regions[i];

		sink_printf(sink, "%5" PRIu32 "  0x%010" PRIx64 "-0x%010" PRIx64, i, r->base,
			    r->base + r->size - 1);
		dump_size(r->size, r->nid >= 0 || r->flags, sink);
		if (r->nid >= 0)
			sink_printf(sink, "  node %" PRId32, r->nid);
		if (r->flags) {
			sink_puts(sink, "  ");
			dump_memblock_flags(r->flags, sink);
		}
		sink_puts(sink, "\n");
	}
}

void dump_memblock(const struct machine *m, const struct sink *sink)
{
	dump_type("memory", &m->mb.memory, sink);
	dump_type("reserved", &m->mb.reserved, sink);
	if (!m->reserved_known)
		sink_puts(sink, "       (only what the source tells; the list is not complete)\n");
}

/* ---- zones ------------------------------------------------------------------------------------- */

static void dump_pages(bool known, uint64_t pages, const struct sink *sink)
{
	if (known)
		sink_printf(sink, " %10" PRIu64, pages);
	else
		sink_printf(sink, " %10s", "?");
}

void dump_zones(const struct machine *m, const struct sink *sink)
{
	bool handed = m->stage >= STAGE_MEM_INIT, late = m->stage >= STAGE_LATE;

	sink_printf(sink, "%-17s %10s %10s %10s %10s %8s %5s\n", "zone", "start_pfn", "spanned",
		    "present", "managed", "cma", "batch");
	for (uint32_t n = 0; n < m->node_count; n++) {
		const struct node *node = &m->nodes[n];

		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &node->zones[t];

			if (!z->spanned)
				continue;
			sink_printf(sink, "Node %3" PRIu32 " %-8s", n,
				    zone_type_name((enum zone_type)t));
			sink_printf(sink, " %10" PRIu64, z->start_pfn);
			sink_printf(sink, " %10" PRIu64 " %10" PRIu64, z->spanned, z->present);
			dump_pages(handed && m->reserved_known, z->managed, sink);
			sink_printf(sink, " %8" PRIu64, z->cma);
			if (late && m->reserved_known)
				sink_printf(sink, " %5" PRIu64 "\n", z->batch);
			else
				sink_printf(sink, " %5s\n", "?");
		}
		if (!node->present && node->possible)
			sink_printf(sink, "Node %3" PRIu32 " without memory\n", n);
		else if (node->movable_pfn)
			sink_printf(sink,
				    "Node %3" PRIu32 " ZONE_MOVABLE starts at pfn %" PRIu64 "\n", n,
				    node->movable_pfn);
		if (node->present && node->first_deferred_pfn != PFN_NONE &&
		    node->first_deferred_pfn)
			sink_printf(sink,
				    "Node %3" PRIu32 " struct pages deferred from pfn %" PRIu64
				    "\n",
				    n, node->first_deferred_pfn);
	}
}

/* ---- zonelists --------------------------------------------------------------------------------- */

static void dump_list(const struct machine *m, uint32_t nid, enum zone_type highest, bool thisnode,
		      struct zoneref *refs, const struct sink *sink)
{
	uint32_t room = m->node_count * ZONE_TYPE_COUNT;
	uint32_t count = zonelist_zones(&m->zonelists, (int32_t)nid, highest, thisnode, refs, room);
	unsigned int column;

	sink_printf(sink, "  %-9s %-8s", thisnode ? "this node" : "general",
		    zone_type_name(highest));
	column = 20;
	for (uint32_t i = 0; i < count && i < room; i++) {
		char text[32];
		int len = snprintf(text, sizeof(text), " %" PRId32 ":%s", refs[i].nid,
				   zone_type_name(refs[i].type));

		if (column + (unsigned int)len > 80) {
			sink_printf(sink, "\n%20s", "");
			column = 20;
		}
		sink_puts(sink, text);
		column += (unsigned int)len;
	}
	sink_puts(sink, "\n");
}

void dump_zonelists(const struct machine *m, const struct sink *sink)
{
	struct zoneref *refs;

	if (!m->zonelists.node_count)
		return;
	refs = malloc((size_t)m->node_count * ZONE_TYPE_COUNT * sizeof(*refs) + 1);
	if (!refs)
		return;
	for (uint32_t n = 0; n < m->node_count; n++) {
		const uint16_t *order = m->zonelists.order + (size_t)n * m->node_count;

		if (!m->nodes[n].possible)
			continue;
		sink_printf(sink, "Node %" PRIu32 ":", n);
		for (uint32_t i = 0; i < m->zonelists.length[n]; i++) {
			sink_printf(sink, " %u", (unsigned int)order[i]);
			if (m->distance)
				sink_printf(
					sink, "(%u)",
					(unsigned int)
						m->distance[(size_t)n * m->node_count + order[i]]);
		}
		sink_puts(sink, m->distance_known ? "\n" : "  (distances are not known)\n");
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
			if (m->nodes[n].zones[t].present)
				dump_list(m, n, (enum zone_type)t, false, refs, sink);
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
			if (m->nodes[n].zones[t].present && m->config.numa)
				dump_list(m, n, (enum zone_type)t, true, refs, sink);
	}
	if (m->config.numa)
		sink_printf(sink, "policy zone: %s\n", zone_type_name(m->zonelists.policy_zone));
	free(refs);
}

/* ---- /proc/zoneinfo ---------------------------------------------------------------------------- */

/* The answers about one zone; NULL where there is none or it is not known. */
struct zone_answers {
	const struct answer *fields[ZONE_FIELD_COUNT];
	const struct answer *protection;
	int32_t nid, type;
};

static void put_field(const struct zone_answers *z, enum zone_field field, const char *name,
		      const struct sink *sink)
{
	if (z->fields[field])
		sink_printf(sink, "        %-8s %" PRIu64 "\n", name, z->fields[field]->v[0]);
}

static void put_pageset_field(const struct zone_answers *z, enum zone_field field, const char *name,
			      int width, const struct sink *sink)
{
	if (z->fields[field])
		sink_printf(sink, "              %-*s %" PRIu64 "\n", width, name,
			    z->fields[field]->v[0]);
}

static void put_pagesets(const struct machine *m, const struct zone_answers *z,
			 const struct sink *sink)
{
	bool limits = fact_get(&m->facts, FACT_zoneinfo_pcp_limits);
	int width = limits ? 9 : 6;

	if (!z->fields[ZONE_FIELD_PCP_BATCH])
		return;
	sink_puts(sink, "  pagesets\n");
	for (uint32_t cpu = 0; cpu < m->online_cpus; cpu++) {
		sink_printf(sink, "    cpu: %" PRIu32 "\n", cpu);
		put_pageset_field(z, ZONE_FIELD_PCP_HIGH, "high:", width, sink);
		put_pageset_field(z, ZONE_FIELD_PCP_BATCH, "batch:", width, sink);
		if (limits) {
			put_pageset_field(z, ZONE_FIELD_PCP_HIGH_MIN, "high_min:", width, sink);
			put_pageset_field(z, ZONE_FIELD_PCP_HIGH_MAX, "high_max:", width, sink);
		}
		if (z->fields[ZONE_FIELD_STAT_THRESHOLD])
			sink_printf(sink, "  vm stats threshold: %" PRIu64 "\n",
				    z->fields[ZONE_FIELD_STAT_THRESHOLD]->v[0]);
	}
}

static void put_zone(const struct machine *m, const struct zone_answers *z, const struct sink *sink)
{
	bool populated = z->fields[ZONE_FIELD_PRESENT] && z->fields[ZONE_FIELD_PRESENT]->v[0];

	if (z->nid < 0 || (!populated && !fact_get(&m->facts, FACT_zoneinfo_empty_zones)))
		return;
	sink_printf(sink, "Node %" PRId32 ", zone %8s\n", z->nid,
		    zone_type_name((enum zone_type)z->type));
	put_field(z, ZONE_FIELD_MIN, "min", sink);
	put_field(z, ZONE_FIELD_LOW, "low", sink);
	put_field(z, ZONE_FIELD_HIGH, "high", sink);
	if (fact_get(&m->facts, FACT_zoneinfo_promo))
		put_field(z, ZONE_FIELD_PROMO, "promo", sink);
	put_field(z, ZONE_FIELD_SPANNED, "spanned", sink);
	put_field(z, ZONE_FIELD_PRESENT, "present", sink);
	if (fact_get(&m->facts, FACT_managed_pages))
		put_field(z, ZONE_FIELD_MANAGED, "managed", sink);
	if (fact_get(&m->facts, FACT_zoneinfo_cma))
		put_field(z, ZONE_FIELD_CMA, "cma", sink);
	if (z->protection) {
		sink_puts(sink, "        protection: (");
		for (uint32_t i = 0; i < z->protection->list_count; i++)
			sink_printf(sink, "%s%" PRIu32, i ? ", " : "",
				    m->answers.list[z->protection->list_start + i]);
		sink_puts(sink, ")\n");
	}
	if (!populated)
		return;
	put_pagesets(m, z, sink);
	if (z->fields[ZONE_FIELD_START_PFN])
		sink_printf(sink, "  %-*s %" PRIu64 "\n",
			    fact_get(&m->facts, FACT_zoneinfo_node_fields) ? 20 : 18,
			    "start_pfn:", z->fields[ZONE_FIELD_START_PFN]->v[0]);
}

void dump_zoneinfo(const struct machine *m, const struct sink *sink)
{
	struct zone_answers z = { .nid = -1 };

	for (uint32_t i = 0; i < m->answers.count; i++) {
		const struct answer *a = &m->answers.items[i];

		if (a->kind != ANSWER_ZONEINFO && a->kind != ANSWER_PROTECTION)
			continue;
		if (a->nid != z.nid || a->type != z.type) {
			put_zone(m, &z, sink);
			z = (struct zone_answers){ .nid = a->nid, .type = a->type };
		}
		if (a->basis == BASIS_UNDERIVABLE)
			continue;
		if (a->kind == ANSWER_PROTECTION)
			z.protection = a;
		else if (a->index < ZONE_FIELD_COUNT)
			z.fields[a->index] = a;
	}
	put_zone(m, &z, sink);
}

/* ---- /proc/buddyinfo, /proc/pagetypeinfo ------------------------------------------------------- */

#define PAGETYPEINFO_CAP 100000

void dump_buddyinfo(const struct machine *m, const struct sink *sink)
{
	const struct buddy *b = m->buddy;

	for (uint32_t z = 0; z < buddy_view_zones(b); z++) {
		sink_printf(sink, "Node %" PRId32 ", zone %8s ", buddy_view_nid(b, z),
			    zone_type_name(buddy_view_type(b, z)));
		for (unsigned int order = 0; order <= buddy_view_max_order(b); order++)
			sink_printf(sink, "%6" PRIu64 " ", buddy_view_nr_free(b, z, order));
		sink_puts(sink, "\n");
	}
}

static void put_free_counts(const struct machine *m, uint32_t zone, const struct sink *sink)
{
	const struct buddy *b = m->buddy;
	bool capped = fact_get(&m->facts, FACT_pagetypeinfo_capped);

	for (unsigned int i = 0; i < migratetype_count(&m->config); i++) {
		enum migratetype type = migratetype_at(i, &m->config, &m->facts);

		sink_printf(sink, "Node %4" PRId32 ", zone %8s, type %12s ",
			    buddy_view_nid(b, zone), zone_type_name(buddy_view_type(b, zone)),
			    migratetype_name(type, &m->facts));
		for (unsigned int order = 0; order <= buddy_view_max_order(b); order++) {
			uint64_t count = buddy_view_free(b, zone, order, type);

			if (capped && count >= PAGETYPEINFO_CAP)
				sink_printf(sink, ">%6d ", PAGETYPEINFO_CAP);
			else
				sink_printf(sink, "%6" PRIu64 " ", count);
		}
		sink_puts(sink, "\n");
	}
}

static void put_block_counts(const struct machine *m, uint32_t zone, const struct sink *sink)
{
	uint64_t blocks[MIGRATE_TYPE_COUNT];

	buddy_view_blocks(m->buddy, zone, blocks);
	sink_printf(sink, "Node %" PRId32 ", zone %8s ", buddy_view_nid(m->buddy, zone),
		    zone_type_name(buddy_view_type(m->buddy, zone)));
	for (unsigned int i = 0; i < migratetype_count(&m->config); i++)
		sink_printf(sink, "%12" PRIu64 " ",
			    blocks[migratetype_at(i, &m->config, &m->facts)]);
	sink_puts(sink, "\n");
}

void dump_pagetypeinfo(const struct machine *m, const struct sink *sink)
{
	const struct buddy *b = m->buddy;
	uint32_t end;

	/* The file repeats its headings for each node. */
	for (uint32_t first = 0; first < buddy_view_zones(b); first = end) {
		int32_t nid = buddy_view_nid(b, first);

		end = first;
		while (end < buddy_view_zones(b) && buddy_view_nid(b, end) == nid)
			end++;
		sink_printf(sink, "Page block order: %u\nPages per block:  %" PRIu64 "\n\n",
			    buddy_view_pageblock_order(b),
			    UINT64_C(1) << buddy_view_pageblock_order(b));
		sink_printf(sink, "%-43s ", "Free pages count per migrate type at order");
		for (unsigned int order = 0; order <= buddy_view_max_order(b); order++)
			sink_printf(sink, "%6u ", order);
		sink_puts(sink, "\n");
		for (uint32_t z = first; z < end; z++)
			put_free_counts(m, z, sink);
		sink_printf(sink, "\n%-23s", "Number of blocks type ");
		for (unsigned int i = 0; i < migratetype_count(&m->config); i++)
			sink_printf(sink, "%12s ",
				    migratetype_name(migratetype_at(i, &m->config, &m->facts),
						     &m->facts));
		sink_puts(sink, "\n");
		for (uint32_t z = first; z < end; z++)
			put_block_counts(m, z, sink);
	}
}
