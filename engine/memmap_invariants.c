/* SPDX-License-Identifier: MIT */
/*
 * For each page frame whose place is beyond doubt the last link written to it is looked up, piece by piece,
 * among all that are written.  Where each is written once and right, which one look at all of them shows, that
 * is left out.
 */
#include "engine/memmap_invariants.h"

/* ---- links ------------------------------------------------------------------------------------- */

static void expect_link(const struct machine *m, pfn_t start, pfn_t end, int32_t nid,
			unsigned int type, enum invariant invariant, const char *what,
			struct findings *ret)
{
	while (start < end) {
		struct memmap_link link;
		pfn_t until;
		bool found = memmap_link_at(m, start, end, &link, &until);

		if (!found || link.nid != nid || (unsigned int)link.type != type) {
			findings_add(ret, invariant, nid, (int32_t)type, start, (uint64_t)nid,
				     found ? (uint64_t)(int64_t)link.nid : UINT64_MAX, what);
			return;
		}
		start = until;
	}
}

/* The first range that ends above @pfn. */
static uint32_t range_above(const struct machine *m, pfn_t pfn)
{
	uint32_t low = 0, high = m->range_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (m->ranges[middle].end <= pfn)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * The zone of memory at @pfn, which is of node @nid; ZONE_TYPE_COUNT when there is none, or two.  Where
 * kernelcore=mirror deals pages out, one that is not mirrored is none of Normal's (docs/FINDINGS.md).
 */
static unsigned int zone_of(const struct machine *m, int32_t nid, pfn_t pfn)
{
	unsigned int type = ZONE_TYPE_COUNT;

	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		const struct zone *z = &m->nodes[nid].zones[t];

		if (!z->spanned || pfn < z->start_pfn || pfn >= zone_end_pfn(z))
			continue;
		if (type != ZONE_TYPE_COUNT)
			return ZONE_TYPE_COUNT;
		type = t;
	}
	if (type == ZONE_NORMAL && memmap_zones_share(m, nid) &&
	    !(m->ranges[range_above(m, pfn)].flags & MEMBLOCK_MIRROR))
		return ZONE_TYPE_COUNT;
	return type;
}

/* Where the zones of node @nid that span @pfn may be others, at most @end. */
static pfn_t same_zones_until(const struct machine *m, int32_t nid, pfn_t pfn, pfn_t end)
{
	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		const struct zone *z = &m->nodes[nid].zones[t];

		if (z->start_pfn > pfn)
			end = min_u64(end, z->start_pfn);
		else if (zone_end_pfn(z) > pfn)
			end = min_u64(end, zone_end_pfn(z));
	}
	return end;
}

static void check_memory(const struct machine *m, struct findings *ret)
{
	for (uint32_t r = 0; r < m->range_count; r++) {
		int32_t nid = m->ranges[r].nid;
		pfn_t pfn = m->ranges[r].start;

		while (pfn < m->ranges[r].end) {
			unsigned int type = zone_of(m, nid, pfn);
			pfn_t end = same_zones_until(m, nid, pfn, m->ranges[r].end);

			if (type != ZONE_TYPE_COUNT)
				expect_link(m, pfn, end, nid, type, INVARIANT_MEMMAP_MEMORY,
					    "a page of memory is linked to another node or zone",
					    ret);
			pfn = end;
		}
	}
}

static bool one_zone_spans(const struct machine *m, pfn_t start, pfn_t end)
{
	unsigned int zones = 0;

	for (uint32_t n = 0; n < m->node_count; n++)
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &m->nodes[n].zones[t];

			zones += z->spanned && z->start_pfn < end && zone_end_pfn(z) > start;
		}
	return zones == 1;
}

/*
 * The zone on both sides of the hole below range @r, if there is one and no other zone spans a part of it;
 * else ZONE_TYPE_COUNT.
 */
static unsigned int zone_around(const struct machine *m, uint32_t r)
{
	const struct node_range *below = &m->ranges[r - 1], *above = &m->ranges[r];
	unsigned int type;

	if (below->end >= above->start || below->nid != above->nid)
		return ZONE_TYPE_COUNT;
	type = zone_of(m, below->nid, below->end - 1);
	if (type == ZONE_TYPE_COUNT || zone_of(m, above->nid, above->start) != type ||
	    !one_zone_spans(m, below->end, above->start))
		return ZONE_TYPE_COUNT;
	return type;
}

/* Holes are looked at as far as their sections have memory. */
static void check_holes(const struct machine *m, struct findings *ret)
{
	uint64_t section = arch_section_pages(&m->config);

	if (!section)
		return;
	for (uint32_t r = 1; r < m->range_count; r++) {
		const struct node_range *below = &m->ranges[r - 1], *above = &m->ranges[r];
		unsigned int type = zone_around(m, r);
		pfn_t start, end;

		if (type == ZONE_TYPE_COUNT)
			continue;
		end = min_u64(round_up_to(below->end, section), above->start);
		expect_link(m, below->end, end, below->nid, type, INVARIANT_MEMMAP_HOLE,
			    "a page of a hole is linked to another zone than those around it", ret);
		start = max_u64(round_down_to(above->start, section), below->end);
		expect_link(m, start, above->start, below->nid, type, INVARIANT_MEMMAP_HOLE,
			    "a page of a hole is linked to another zone than those around it", ret);
	}
}

/* What one look at all links tells. */
struct survey {
	const struct machine *m;
	uint64_t memory; /* pages linked as memory, right */
	uint64_t holes; /* with a zone around, linked to that as a whole */
	bool odd; /* something was written that has to be written over */
};

static void look_once(void *ctx, const struct memmap_link *link)
{
	struct survey *s = ctx;
	const struct machine *m = s->m;
	uint32_t r = range_above(m, link->start);
	const struct node_range *range = r < m->range_count ? &m->ranges[r] : NULL;

	if (!link->hole) {
		s->odd |= !range || range->start > link->start || range->end < link->end ||
			  range->nid != link->nid ||
			  zone_of(m, link->nid, link->start) != (unsigned int)link->type ||
			  zone_of(m, link->nid, link->end - 1) != (unsigned int)link->type;
		s->memory += link->end - link->start;
		return;
	}
	s->odd |= range && range->start < link->end;
	if (r && range && link->start == m->ranges[r - 1].end && link->end == range->start &&
	    zone_around(m, r) == (unsigned int)link->type && range->nid == link->nid)
		s->holes++;
}

static void check_links(const struct machine *m, struct findings *ret)
{
	struct survey s = { .m = m };
	uint64_t memory = 0, holes = 0;
	bool look_at_holes = m->config.section_shift &&
			     (m->config.arch != ARCH_ARM64 ||
			      !fact_get(&m->facts, FACT_arm64_pfn_valid_is_memory));

	memmap_walk(m, look_once, &s);
	for (uint32_t r = 0; r < m->range_count; r++) {
		memory += m->ranges[r].end - m->ranges[r].start;
		holes += r && zone_around(m, r) != ZONE_TYPE_COUNT;
	}
	if (s.odd || s.memory != memory)
		check_memory(m, ret);
	if (look_at_holes && (s.odd || s.holes != holes))
		check_holes(m, ret);
}

/* ---- reserved pages ---------------------------------------------------------------------------- */

static bool is_node(const struct machine *m, int32_t nid)
{
	return nid_within(nid, m->node_count) &&
	       (m->nodes[nid].online ||
		(fact_get(&m->facts, FACT_pgdat_for_possible_nodes) && m->nodes[nid].possible));
}

static void check_reserved(const struct machine *m, struct findings *ret)
{
	if (!m->config.deferred_struct_page || !m->config.section_shift || !m->config.numa ||
	    fact_get(&m->facts, FACT_deferred_rule) == 0)
		return;
	for (uint32_t i = 0; i < m->mb.reserved.cnt; i++) {
		const struct memblock_region *r = &m->mb.reserved.regions[i];
		int32_t nid = memmap_reserved_nid(m, r);

		if (!memmap_section_present(m, pfn_down(r->base, m->config.page_shift)))
			continue;
		/* Whoever reserves for a node that is not there gets what was asked for. */
		if (m->made_up && r->nid >= 0 && !is_node(m, r->nid))
			continue;
		if (!is_node(m, nid))
			findings_add(ret, INVARIANT_MEMMAP_RESERVED, nid, -1, r->base, 0, 0,
				     "reserved pages are initialised with a node that is none");
	}
}

static int32_t reserved_before(const struct memblock *before, phys_t at, int32_t otherwise)
{
	const struct memblock_region *r = memblock_region_at(before, MEMBLOCK_RESERVED, at);

	return r ? r->nid : otherwise;
}

static bool same_nid(int32_t a, int32_t b)
{
	return a == b || (a < 0 && b < 0);
}

/* Piece by piece: within one region of memory, or outside of all and within one reservation of before. */
static void check_stamp(const struct machine *m, const struct memblock *before,
			struct findings *ret)
{
	for (uint32_t i = 0; i < m->mb.reserved.cnt; i++) {
		const struct memblock_region *r = &m->mb.reserved.regions[i];
		phys_t at = r->base, end = r->base + r->size;

		while (at < end) {
			const struct memblock_region *memory =
				memblock_region_at(&m->mb, MEMBLOCK_MEMORY, at);
			const struct memblock_region *old =
				memblock_region_at(before, MEMBLOCK_RESERVED, at);
			phys_t stop = end;
			int32_t nid;

			for (uint32_t k = 0; k < m->mb.memory.cnt; k++)
				if (m->mb.memory.regions[k].base > at)
					stop = min_u64(stop, m->mb.memory.regions[k].base);
			if (memory)
				stop = min_u64(stop, memory->base + memory->size);
			else if (old)
				stop = min_u64(stop, old->base + old->size);
			nid = memory ? memory->nid : reserved_before(before, at, r->nid);
			if (!same_nid(r->nid, nid))
				findings_add(
					ret, INVARIANT_MEMMAP_STAMP, r->nid, -1, at,
					(uint64_t)(int64_t)nid, (uint64_t)(int64_t)r->nid,
					"a reservation has another node than its memory, or than before");
			at = stop;
		}
	}
}

void memmap_invariants_stamp(struct machine *m, struct findings *ret)
{
	if (!ret) {
		memmap_stamp_reserved(m);
		return;
	}
	memblock_copy(&m->before, &m->mb);
	/* Where the array has to grow and cannot, the rest keeps what it has: docs/FINDINGS.md. */
	if (!memmap_stamp_reserved(m))
		return;
	if (!m->before.out_of_memory && !m->mb.panicked && !m->mb.out_of_memory &&
	    fact_get(&m->facts, FACT_reserved_stamped) && m->reserved_known && m->config.numa)
		check_stamp(m, &m->before, ret);
}

void memmap_invariants_check(const struct machine *m, struct findings *ret)
{
	check_links(m, ret);
	if (m->stage >= STAGE_MEM_INIT && m->reserved_known)
		check_reserved(m, ret);
}
