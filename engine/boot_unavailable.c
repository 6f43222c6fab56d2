/* SPDX-License-Identifier: MIT */
/*
 * Boot: page frames in holes that have a struct page all the same ("On node 0, zone DMA: 1 pages in
 * unavailable ranges"; before, "Zeroed struct page in unavailable ranges").
 */
#include "engine/boot_parts.h"
#include "engine/memmap.h"

/*
 * A flat memory map covers all frames, but arm gives its parts without memory back, rounded to whole
 * pageblocks: a frame has a struct page when its pageblock has memory.
 */
static uint64_t flat_pages_with_memmap(const struct machine *m, pfn_t start, pfn_t end)
{
	uint64_t block = arch_pageblock_pages(&m->config), pages = 0;
	pfn_t covered = start;

	if (!fact_get(&m->facts, FACT_flatmem_unavailable_ranges))
		return 0;
	if (m->config.arch != ARCH_ARM)
		return end - start;
	for (uint32_t r = 0; r < m->range_count; r++) {
		pfn_t first = max_u64(round_down_to(m->ranges[r].start, block), covered);
		pfn_t stop = min_u64(round_up_to(m->ranges[r].end, block), end);

		if (first >= stop)
			continue;
		pages += stop - first;
		covered = stop;
	}
	return pages;
}

/* Is it memory without a mapping?  Of ranges that touch on arm64, every second one is. */
static bool is_unmapped(const struct machine *m, const struct node_range *r)
{
	return r->flags & MEMBLOCK_NOMAP ||
	       (m->config.arch == ARCH_ARM64 && r->flags & MEMBLOCK_UNTOLD);
}

/* Where only the first frame of a pageblock is looked at, the hole's first pageblock may count. */
static uint64_t pages_behind_memory(const struct machine *m, pfn_t start, pfn_t end)
{
	uint64_t block = arch_pageblock_pages(&m->config);
	pfn_t first = round_down_to(start, block);

	for (uint32_t r = 0; r < m->range_count; r++)
		if (first >= m->ranges[r].start && first < m->ranges[r].end &&
		    !is_unmapped(m, &m->ranges[r]))
			return min_u64(end, first + block) - start;
	return 0;
}

/* Page frames of [start, end) that have a struct page although they are no memory. */
static uint64_t pages_with_memmap(const struct machine *m, pfn_t start, pfn_t end)
{
	uint64_t section = arch_section_pages(&m->config), pages = 0;
	uint32_t r = 0;

	if (!section)
		return flat_pages_with_memmap(m, start, end);
	if (m->config.arch == ARCH_ARM64 && fact_get(&m->facts, FACT_arm64_pfn_valid_is_memory))
		return pages_behind_memory(m, start, end);
	for (pfn_t s = round_down_to(start, section); s < end;) {
		/* A section is present when any memory lies in it. */
		while (r < m->range_count && m->ranges[r].end <= s)
			r++;
		if (r == m->range_count)
			break;
		if (m->ranges[r].start >= s + section) {
			s = round_down_to(m->ranges[r].start, section);
			continue;
		}
		pages += min_u64(end, s + section) - max_u64(start, s);
		s += section;
	}
	return pages;
}

static void answer_hole(struct machine *m, uint32_t *ordinal, pfn_t start, pfn_t end, int32_t nid,
			unsigned int type)
{
	uint64_t pages = start < end ? pages_with_memmap(m, start, end) : 0;
	struct answer *a;

	if (!pages)
		return;
	m->nodes[nid].zones[type].unavailable += pages;
	a = answers_add(&m->answers, ANSWER_UNAVAILABLE);
	a->basis = m->section_fitted ? BASIS_GIVEN : BASIS_PREDICTED;
	a->nid = nid;
	a->type = (int32_t)type;
	a->index = (*ordinal)++;
	a->v[0] = pages;
}

/* Older kernels go through the holes without looking at zones, and tell one sum. */
static void count_zeroed(struct machine *m)
{
	int64_t rule = fact_get(&m->facts, FACT_zeroed_ranges);
	uint64_t pages = 0;
	pfn_t hole = 0;
	struct answer *a;

	if (!rule || fact_get(&m->facts, FACT_unavailable_ranges) || !m->range_count)
		return;
	for (uint32_t r = 0; r < m->range_count; r++) {
		/* What is not mapped is a hole like any. */
		if (is_unmapped(m, &m->ranges[r]))
			continue;
		if (hole < m->ranges[r].start)
			pages += pages_with_memmap(m, hole, m->ranges[r].start);
		hole = m->ranges[r].end;
	}
	if (rule == 2 && m->config.section_shift)
		pages += pages_with_memmap(m, hole,
					   round_up_to(hole, arch_section_pages(&m->config)));
	if (!pages)
		return;
	a = answers_add(&m->answers, ANSWER_UNAVAILABLE);
	a->v[0] = pages;
}

static void count_hole(void *ctx, const struct memmap_link *link)
{
	struct machine *m = ctx;

	if (link->hole)
		m->nodes[link->nid].zones[link->type].unavailable +=
			pages_with_memmap(m, link->start, link->end);
}

/* For a while each zone told one sum, with the rest of its last section, which is the next one's too. */
static void find_unavailable_by_zone(struct machine *m)
{
	uint32_t ordinal = 0;

	memmap_walk(m, count_hole, m);
	for (uint32_t n = 0; n < m->node_count; n++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			struct answer *a;

			if (!m->nodes[n].zones[t].unavailable)
				continue;
			a = answers_add(&m->answers, ANSWER_UNAVAILABLE);
			a->basis = m->section_fitted ? BASIS_GIVEN : BASIS_PREDICTED;
			a->nid = (int32_t)n;
			a->type = (int32_t)t;
			a->index = ordinal++;
			a->v[0] = m->nodes[n].zones[t].unavailable;
		}
	}
}

static void find_unavailable(struct machine *m)
{
	pfn_t hole = 0, end = 0;
	int32_t nid = 0;
	unsigned int type = 0;
	uint32_t ordinal = 0;

	if (!fact_get(&m->facts, FACT_unavailable_ranges))
		return;
	if (!fact_get(&m->facts, FACT_unavailable_by_address)) {
		find_unavailable_by_zone(m);
		return;
	}
	for (uint32_t r = 0; r < m->range_count; r++) {
		nid = m->ranges[r].nid;
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &m->nodes[nid].zones[t];
			pfn_t start;

			if (!z->present)
				continue;
			start = clamp_u64(m->ranges[r].start, z->start_pfn, zone_end_pfn(z));
			end = clamp_u64(m->ranges[r].end, z->start_pfn, zone_end_pfn(z));
			if (start >= end)
				continue;
			if (hole < start)
				answer_hole(m, &ordinal, hole, start, nid, t);
			hole = end;
			type = t;
		}
	}
	if (!m->range_count)
		return;
	if (m->config.section_shift)
		end = round_up_to(hole, arch_section_pages(&m->config));
	else if (fact_get(&m->facts, FACT_flatmem_tail_to_max_order))
		end = round_up_to(hole, arch_max_order_pages(&m->config));
	else
		end = hole;
	answer_hole(m, &ordinal, hole, end, nid, type);
}

void boot_answer_unavailable(struct machine *m)
{
	count_zeroed(m);
	find_unavailable(m);
}
