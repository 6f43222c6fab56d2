/* SPDX-License-Identifier: MIT */
/*
 * After memmap_init and memmap_init_reserved_pages (mm/mm_init.c, mm/memblock.c; mm/page_alloc.c before 6.4).
 * Holes have been treated in four ways:
 *
 *   up to 5.7   a zone's pages are initialised from its first to its last, holes and all
 *   5.8 - 5.11  only memory is; pages of holes are zeroes, which reads as node 0 and the lowest zone
 *   5.12, 5.13  node by node and zone by zone: a hole is linked to the zone behind it, and the rest of the last
 *               section of each zone to that zone, whoever's it is
 *   from 5.14   range by range, in the order of addresses
 */
#include "engine/memmap.h"

struct walk {
	const struct machine *m;
	void (*visit)(void *ctx, const struct memmap_link *link);
	void *ctx;
};

static void tell(const struct walk *w, pfn_t start, pfn_t end, int32_t nid, unsigned int type,
		 bool hole)
{
	struct memmap_link link = { start, end, nid, (enum zone_type)type, hole };

	if (start < end)
		w->visit(w->ctx, &link);
}

/* Memory of zone @type of its node in range @r; empty where start >= end. */
static struct memmap_link part_of(const struct machine *m, uint32_t r, unsigned int type)
{
	const struct node_range *range = &m->ranges[r];
	const struct zone *z = &m->nodes[range->nid].zones[type];
	struct memmap_link part = { .nid = range->nid, .type = (enum zone_type)type };

	part.start = clamp_u64(range->start, z->start_pfn, zone_end_pfn(z));
	part.end = clamp_u64(range->end, z->start_pfn, zone_end_pfn(z));
	/* Where pages are dealt out one by one, mirrored ones are not movable. */
	if (type == ZONE_MOVABLE && m->cmdline.kernelcore.mirror && range->flags & MEMBLOCK_MIRROR)
		part.end = part.start;
	return part;
}

static bool is_empty(const struct memmap_link *part)
{
	return part->start >= part->end;
}

static void walk_spans(const struct walk *w)
{
	const struct machine *m = w->m;

	for (uint32_t n = 0; n < m->node_count; n++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &m->nodes[n].zones[t];
			pfn_t hole = z->start_pfn;

			if (!z->spanned)
				continue;
			/* Holes first: they are no other node's memory, or that is written over or under. */
			for (uint32_t r = 0; r < m->range_count; r++) {
				pfn_t start = clamp_u64(m->ranges[r].start, z->start_pfn,
							zone_end_pfn(z));

				tell(w, hole, start, (int32_t)n, t, true);
				hole = max_u64(hole, clamp_u64(m->ranges[r].end, z->start_pfn,
							       zone_end_pfn(z)));
			}
			tell(w, hole, zone_end_pfn(z), (int32_t)n, t, true);
			for (uint32_t r = 0; r < m->range_count; r++) {
				struct memmap_link part = part_of(m, r, t);

				if (m->ranges[r].nid == (int32_t)n)
					tell(w, part.start, part.end, part.nid, t, false);
			}
		}
	}
}

static void walk_nodes(const struct walk *w)
{
	const struct machine *m = w->m;
	uint64_t section = arch_section_pages(&m->config);
	pfn_t hole = 0;

	for (uint32_t n = 0; n < m->node_count; n++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &m->nodes[n].zones[t];

			if (!z->spanned)
				continue;
			for (uint32_t r = 0; r < m->range_count; r++) {
				struct memmap_link part = part_of(m, r, t);

				if (m->ranges[r].nid != (int32_t)n || is_empty(&part))
					continue;
				tell(w, part.start, part.end, part.nid, t, false);
				tell(w, hole, part.start, part.nid, t, true);
				hole = part.end;
			}
			/* A higher zone may begin in there; its own pages come later. */
			if (!section || hole >= round_up_to(zone_end_pfn(z), section))
				continue;
			tell(w, hole, round_up_to(zone_end_pfn(z), section), (int32_t)n, t, true);
			hole = round_up_to(zone_end_pfn(z), section);
		}
	}
}

static unsigned int lowest_zone(const struct machine *m)
{
	unsigned int t = 0;

	while (t + 1 < ZONE_TYPE_COUNT && !(m->config.zones_mask >> t & 1))
		t++;
	return t;
}

/* populated_zone(); where the memory map is no part of what is present, a zone may be nothing else. */
static bool is_populated(const struct machine *m, const struct zone *z)
{
	return fact_get(&m->facts, FACT_managed_pages) ? z->present > 0 : z->spanned > 0;
}

static void walk_ranges(const struct walk *w)
{
	const struct machine *m = w->m;
	bool linked = fact_get(&m->facts, FACT_unavailable_ranges);
	unsigned int type = 0, lowest = lowest_zone(m);
	pfn_t hole = 0, end = 0;
	int32_t nid = 0;

	for (uint32_t r = 0; r < m->range_count; r++) {
		nid = m->ranges[r].nid;
		end = m->ranges[r].end;
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			struct memmap_link part = part_of(m, r, t);

			if (!is_populated(m, &m->nodes[nid].zones[t]) || is_empty(&part))
				continue;
			tell(w, part.start, part.end, nid, t, false);
			tell(w, hole, part.start, linked ? nid : 0, linked ? t : lowest, true);
			hole = part.end;
			type = t;
		}
	}
	if (!m->range_count)
		return;
	if (m->config.section_shift)
		end = round_up_to(end, arch_section_pages(&m->config));
	else if (fact_get(&m->facts, FACT_flatmem_tail_to_max_order))
		end = round_up_to(end, arch_max_order_pages(&m->config));
	tell(w, hole, end, linked ? nid : 0, linked ? type : lowest, true);
}

void memmap_walk(const struct machine *m, void (*visit)(void *ctx, const struct memmap_link *link),
		 void *ctx)
{
	const struct walk w = { m, visit, ctx };

	if (!fact_get(&m->facts, FACT_memmap_init_by_region))
		walk_spans(&w);
	else if (fact_get(&m->facts, FACT_unavailable_ranges) &&
		 !fact_get(&m->facts, FACT_unavailable_by_address))
		walk_nodes(&w);
	else
		walk_ranges(&w);
}

/* The last link that a page frame gets. */
struct lookup {
	pfn_t pfn, until;
	struct memmap_link link;
	bool found;
};

static void look(void *ctx, const struct memmap_link *link)
{
	struct lookup *l = ctx;

	if (link->start <= l->pfn && l->pfn < link->end) {
		l->found = true;
		l->link = *link;
		l->until = link->end;
	} else if (link->start > l->pfn && link->start < l->until) {
		l->until = link->start;
	}
}

bool memmap_link_at(const struct machine *m, pfn_t pfn, pfn_t end, struct memmap_link *ret,
		    pfn_t *until)
{
	struct lookup l = { .pfn = pfn, .until = end };

	memmap_walk(m, look, &l);
	*until = min_u64(l.until, end);
	if (l.found)
		*ret = l.link;
	return l.found;
}

bool memmap_zones_share(const struct machine *m, int32_t nid)
{
	return m->cmdline.kernelcore.mirror && m->nodes[nid].movable_pfn;
}

/* ---- reserved pages ---------------------------------------------------------------------------- */

int32_t memmap_early_nid(const struct machine *m, pfn_t pfn)
{
	for (uint32_t r = 0; r < m->range_count; r++)
		if (pfn >= m->ranges[r].start && pfn < m->ranges[r].end)
			return m->ranges[r].nid;
	if (fact_get(&m->facts, FACT_early_nid_online))
		for (uint32_t n = 0; n < m->node_count; n++)
			if (m->nodes[n].online)
				return (int32_t)n;
	return 0;
}

int32_t memmap_reserved_nid(const struct machine *m, const struct memblock_region *r)
{
	if (fact_get(&m->facts, FACT_reserved_stamped) &&
	    (r->nid >= 0 || !fact_get(&m->facts, FACT_reserved_nid_checked)))
		return r->nid;
	return memmap_early_nid(m, pfn_down(r->base, m->config.page_shift));
}

bool memmap_section_present(const struct machine *m, pfn_t pfn)
{
	uint64_t section = arch_section_pages(&m->config);
	pfn_t start = section ? round_down_to(pfn, section) : pfn;
	pfn_t end = section ? start + section : pfn + 1;

	for (uint32_t r = 0; r < m->range_count; r++)
		if (m->ranges[r].start < end && m->ranges[r].end > start)
			return true;
	return false;
}

bool memmap_stamp_reserved(struct machine *m)
{
	bool by_end = !fact_get(&m->facts, FACT_reserved_stamp_by_size);
	bool done = true;
	uint32_t max;

	if (!fact_get(&m->facts, FACT_reserved_stamped) || !m->reserved_known || !m->config.numa)
		return true;
	do {
		max = m->mb.reserved.max;
		for (uint32_t i = 0; i < m->mb.memory.cnt; i++) {
			const struct memblock_region *r = &m->mb.memory.regions[i];

			done &= memblock_set_node(&m->mb, MEMBLOCK_RESERVED, r->base,
						  by_end ? r->base + r->size : r->size, r->nid);
		}
		/* A larger array may lie below what was being stamped. */
	} while (max != m->mb.reserved.max && fact_get(&m->facts, FACT_reserved_stamp_repeats) &&
		 !m->mb.panicked && !m->mb.out_of_memory);
	return done;
}
