/* SPDX-License-Identifier: MIT */
/* Areas are held against ranges of memory and spans of zones, page frame by page frame where they part. */
#include "engine/cma_invariants.h"

void cma_invariants_declared(const struct cma_request *req, phys_t base, struct findings *ret)
{
	if (req->base && req->size && req->base + req->size == req->limit && base != req->base)
		findings_add(ret, INVARIANT_CMA_FIXED, req->nid, -1, base, req->base, base,
			     "a contiguous area lies elsewhere than where it has to");
}

struct area {
	pfn_t start, end;
	uint64_t memory; /* pages of it that are memory */
	uint64_t foreign; /* ... of another node than its own */
	unsigned int zones; /* that have pages of it */
	uint64_t zoned; /* pages of memory that zones have */
	unsigned int spans; /* of zones that reach into it */
	bool shared; /* another area has pages of it, too */
	bool moved; /* memory came or went since it was put into use, or not */
};

static struct area look_at(const struct machine *m, uint32_t i)
{
	unsigned int shift = m->config.page_shift;
	struct area a = { .start = m->cma[i].start >> shift, .end = m->cma[i].end >> shift };

	for (uint32_t r = 0; r < m->range_count; r++) {
		pfn_t start = max_u64(m->ranges[r].start, a.start);
		pfn_t end = min_u64(m->ranges[r].end, a.end);

		if (start >= end)
			continue;
		a.memory += end - start;
		a.moved |= m->ranges[r].zone != 0;
		if (m->cma[i].nid >= 0 && m->ranges[r].nid != m->cma[i].nid)
			a.foreign += end - start;
	}
	for (uint32_t n = 0; n < m->node_count; n++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &m->nodes[n].zones[t];
			bool has = false;

			for (uint32_t r = 0; r < m->range_count; r++) {
				pfn_t start = max_u64(m->ranges[r].start, a.start);
				pfn_t end = min_u64(m->ranges[r].end, a.end);

				start = max_u64(start, z->start_pfn);
				end = min_u64(end, zone_end_pfn(z));
				if (start >= end ||
				    !node_range_is_of(&m->ranges[r], (int32_t)n, (enum zone_type)t))
					continue;
				a.zoned += end - start;
				has = true;
			}
			a.zones += has;
			a.spans += z->spanned && z->start_pfn < a.end && zone_end_pfn(z) > a.start;
		}
	}
	for (uint32_t k = 0; k < m->cma_count; k++)
		a.shared |= k != i && m->cma[k].start < m->cma[i].end &&
			    m->cma[i].start < m->cma[k].end;
	return a;
}

void cma_invariants_check(const struct machine *m, struct findings *ret)
{
	uint64_t counted = 0, used = 0;
	bool odd = false;

	for (uint32_t i = 0; i < m->cma_count; i++) {
		const struct cma_area *area = &m->cma[i];
		struct area a = look_at(m, i);

		/*
		 * An area that is no memory of ours or not all in zones (highmem= cuts the last one), or twice
		 * the same, tells nothing; nor do zones that share their span.
		 */
		if (a.memory != a.end - a.start || a.zoned < a.memory || !a.zones || a.shared ||
		    m->cmdline.kernelcore.mirror) {
			odd = true;
			continue;
		}
		if (a.foreign)
			findings_add(ret, INVARIANT_CMA_NODE, area->nid, -1, a.start, 0, a.foreign,
				     "pages of a node's own area are of another node");
		if (area->joined != a.end - a.start)
			findings_add(ret, INVARIANT_CMA_PAGES, area->nid, -1, a.start,
				     a.end - a.start, area->joined,
				     "pages of an area are neither in use nor given back");
		if (area->active ? a.zones > 1 : a.spans == 1 && !a.moved)
			findings_add(ret, INVARIANT_CMA_EACH, area->nid, -1, a.start, !area->active,
				     area->active,
				     "an area is in use, or not, as it should not be");
		if (area->active)
			used += a.end - a.start;
	}
	for (uint32_t n = 0; n < m->node_count; n++)
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
			counted += m->nodes[n].zones[t].cma;
	if (!odd && (counted != used || m->totalcma != used))
		findings_add(ret, INVARIANT_CMA_PAGES, -1, -1, FINDING_NOWHERE, used,
			     counted != used ? counted : m->totalcma,
			     "areas in use and the pages that are counted for them differ");
}
