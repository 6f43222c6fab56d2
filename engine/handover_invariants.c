/* SPDX-License-Identifier: MIT */
/* Pages in use are counted by reservation, and free ones are what is left: the other way round than memblock. */
#include "engine/handover_invariants.h"

/* Pages of [start, end) in which no byte is reserved. */
static uint64_t unreserved(const struct machine *m, pfn_t start, pfn_t end)
{
	unsigned int shift = m->config.page_shift;
	uint64_t pages = 0;

	for (uint32_t i = 0; i < m->mb.reserved.cnt && start < end; i++) {
		const struct memblock_region *r = &m->mb.reserved.regions[i];
		pfn_t low = pfn_down(r->base, shift), high = pfn_up(r->base + r->size, shift);

		if (high <= start)
			continue;
		if (low >= end)
			break;
		if (low > start)
			pages += low - start;
		start = high;
	}
	return start < end ? pages + end - start : pages;
}

/* Pages of [start, end) of node @nid that some zone of it spans.  ZONE_MOVABLE may share its span with others. */
static uint64_t in_zones(const struct machine *m, int32_t nid, pfn_t start, pfn_t end)
{
	const struct zone *movable = &m->nodes[nid].zones[ZONE_MOVABLE];
	uint64_t pages = 0;

	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		const struct zone *z = &m->nodes[nid].zones[t];
		pfn_t s = max_u64(start, z->start_pfn), e = min_u64(end, zone_end_pfn(z));

		if (s >= e)
			continue;
		pages += unreserved(m, s, e);
		s = max_u64(s, movable->start_pfn);
		e = min_u64(e, zone_end_pfn(movable));
		if (t != ZONE_MOVABLE && s < e)
			pages -= unreserved(m, s, e);
	}
	return pages;
}

static uint64_t sum_managed(const struct machine *m)
{
	uint64_t pages = 0;

	for (uint32_t n = 0; n < m->node_count; n++)
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
			pages += m->nodes[n].zones[t].managed;
	return pages;
}

void handover_invariants_freed(const struct machine *m, struct findings *ret)
{
	uint64_t expected = 0;

	if (!m->reserved_known || m->ranges_share_page)
		return;
	for (uint32_t r = 0; r < m->range_count; r++)
		if (!(m->ranges[r].flags & (MEMBLOCK_NOMAP | MEMBLOCK_DRIVER_MANAGED)))
			expected +=
				in_zones(m, m->ranges[r].nid, m->ranges[r].start, m->ranges[r].end);
	if (sum_managed(m) != expected)
		findings_add(ret, INVARIANT_HANDOVER_ALL, -1, -1, FINDING_NOWHERE, expected,
			     sum_managed(m),
			     "more or fewer pages were handed over than are not reserved");
}

void handover_invariants_check(const struct machine *m, struct findings *ret)
{
	if (m->reserved_known && m->totalram != sum_managed(m))
		findings_add(ret, INVARIANT_HANDOVER_LATE, -1, -1, FINDING_NOWHERE, sum_managed(m),
			     m->totalram, "other pages are told to be there than zones manage");
}
