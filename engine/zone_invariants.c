/* SPDX-License-Identifier: MIT */
#include "engine/zone_invariants.h"

#include "engine/memblock.h"

/* Memory that kernelcore=mirror deals out page by page: zones of a node may then span the same range. */
static bool dealt_by_mirror(const struct zone_source *source)
{
	return source->cmdline->kernelcore.mirror;
}

/* Kernels that do not count managed pages apart leave the memory map out of what is present. */
static bool counts_managed(const struct zone_source *source)
{
	return fact_get(source->facts, FACT_managed_pages);
}

/* After memory came or went, ranges name their zones, which may interleave, and limits are of the past. */
static bool is_replugged(const struct zone_source *source)
{
	return source->range_count && source->ranges[0].zone;
}

static uint64_t shared(pfn_t a_start, pfn_t a_end, pfn_t b_start, pfn_t b_end)
{
	pfn_t start = max_u64(a_start, b_start), end = min_u64(a_end, b_end);

	return start < end ? end - start : 0;
}

/*
 * Memory that kernelcore=mirror leaves in no zone: Normal's span has it, which is for what is mirrored, and
 * Movable begins behind it.  Some zone that does not span it manages it (docs/FINDINGS.md).
 */
static uint64_t unzoned(const struct node *nodes, uint32_t node_count,
			const struct zone_source *source)
{
	uint64_t pages = 0;

	for (uint32_t r = 0; r < source->range_count && dealt_by_mirror(source); r++) {
		const struct node_range *range = &source->ranges[r];
		const struct zone *normal, *movable;

		if (!nid_within(range->nid, node_count) || !nodes[range->nid].movable_pfn ||
		    range->flags & MEMBLOCK_MIRROR)
			continue;
		normal = &nodes[range->nid].zones[ZONE_NORMAL];
		movable = &nodes[range->nid].zones[ZONE_MOVABLE];
		pages += shared(range->start, range->end, normal->start_pfn, zone_end_pfn(normal)) -
			 shared(max_u64(range->start, normal->start_pfn),
				min_u64(range->end, zone_end_pfn(normal)), movable->start_pfn,
				zone_end_pfn(movable));
	}
	return pages;
}

/* Of @strays pages nobody can say which zone manages them. */
static void check_zone(const struct zone *z, int32_t nid, unsigned int type, uint64_t strays,
		       const struct zone_source *source, struct findings *ret)
{
	if (z->present > z->spanned)
		findings_add(ret, INVARIANT_ZONE_SIZES, nid, (int32_t)type, z->start_pfn,
			     z->spanned, z->present, "more pages are present than spanned");
	if (z->managed > z->present + strays && counts_managed(source))
		findings_add(ret, INVARIANT_ZONE_SIZES, nid, (int32_t)type, z->start_pfn,
			     z->present, z->managed, "more pages are managed than present");
	if (!z->spanned && z->start_pfn)
		findings_add(ret, INVARIANT_ZONE_SIZES, nid, (int32_t)type, z->start_pfn, 0,
			     z->start_pfn, "the zone is empty and has a start");
}

static bool overlap(const struct zone *a, const struct zone *b)
{
	return a->spanned && b->spanned && a->start_pfn < zone_end_pfn(b) &&
	       b->start_pfn < zone_end_pfn(a);
}

static void check_node(const struct node *node, int32_t nid, uint64_t strays,
		       const struct zone_source *source, struct findings *ret)
{
	uint64_t present = 0;

	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		const struct zone *z = &node->zones[t];

		present += z->present;
		check_zone(z, nid, t, strays, source, ret);
		for (unsigned int u = 0; u < t && !dealt_by_mirror(source) && !is_replugged(source);
		     u++)
			if (overlap(z, &node->zones[u]))
				findings_add(ret, INVARIANT_ZONE_DISJOINT, nid, (int32_t)t,
					     z->start_pfn, 0, 0, "another zone spans a part of it");
	}
	if (present != node->present && counts_managed(source))
		findings_add(ret, INVARIANT_NODE_PRESENT, nid, -1, FINDING_NOWHERE, present,
			     node->present, "pages of the node and of its zones differ");
	/* A first page that is not all memory is part of no zone, but a start is rounded down to it. */
	if (node->movable_pfn && !is_replugged(source) &&
	    (node->movable_pfn >= node->end_pfn || node->movable_pfn + 1 < node->start_pfn))
		findings_add(ret, INVARIANT_MOVABLE_START, nid, ZONE_MOVABLE, node->movable_pfn,
			     node->end_pfn, node->movable_pfn,
			     "ZONE_MOVABLE starts where the node has no memory");
}

/* Every page of memory, range by range: how many zones of its node have it? */
static void check_cover(const struct node *nodes, const struct zone_source *source, pfn_t low,
			pfn_t high, struct findings *ret)
{
	for (uint32_t r = 0; r < source->range_count; r++) {
		const struct node_range *range = &source->ranges[r];
		uint64_t pages = shared(range->start, range->end, low, high), covered = 0;

		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &nodes[range->nid].zones[t];

			if (node_range_is_of(range, range->nid, (enum zone_type)t))
				covered += shared(range->start, range->end, z->start_pfn,
						  zone_end_pfn(z));
		}
		if (covered != pages)
			findings_add(ret, INVARIANT_ZONE_COVER, range->nid, -1, range->start, pages,
				     covered, "not every page of a range is in one zone");
	}
}

static void check_present(const struct node *nodes, uint32_t node_count,
			  const struct zone_source *source, struct findings *ret)
{
	for (uint32_t nid = 0; nid < node_count; nid++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &nodes[nid].zones[t];
			uint64_t pages = 0;

			for (uint32_t r = 0; r < source->range_count; r++)
				if (node_range_is_of(&source->ranges[r], (int32_t)nid,
						     (enum zone_type)t))
					pages += shared(source->ranges[r].start,
							source->ranges[r].end, z->start_pfn,
							zone_end_pfn(z));
			if (pages != z->present)
				findings_add(ret, INVARIANT_ZONE_COVER, (int32_t)nid, (int32_t)t,
					     z->start_pfn, pages, z->present,
					     "what is present is not the memory within");
		}
	}
}

/* Returns false when the limits make no sense; [*low, *high) is what zones can have. */
static bool check_limits(const struct zone_source *source, pfn_t *low, pfn_t *high,
			 struct findings *ret)
{
	const struct zone_limits *l = source->limits;
	bool first = true, ok = true;

	*low = *high = 0;
	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		if (t == ZONE_MOVABLE || !(source->zones_mask >> t & 1))
			continue;
		if (first) {
			*low = l->lowest[t];
		} else if (l->lowest[t] != *high || l->highest[t] < l->lowest[t]) {
			findings_add(ret, INVARIANT_ZONE_LIMITS, -1, (int32_t)t, l->lowest[t],
				     *high, l->lowest[t],
				     "the range of a zone does not begin where the one below ends");
			ok = false;
		}
		/* Before 4.8 the limit of the first zone could lie below all memory. */
		ok &= l->highest[t] >= l->lowest[t];
		*high = l->highest[t];
		first = false;
	}
	if (source->range_count && *low != source->ranges[0].start) {
		findings_add(ret, INVARIANT_ZONE_LIMITS, -1, -1, *low, source->ranges[0].start,
			     *low, "the lowest zone does not begin with memory");
		ok = false;
	}
	return ok;
}

static void check_core(const struct node *nodes, uint32_t node_count,
		       const struct zone_source *source, struct findings *ret)
{
	const struct core_option *kernelcore = &source->cmdline->kernelcore;
	const struct zone_limits *l = source->limits;
	uint64_t total = 0, asked = 0;
	bool mirrored = false;

	for (uint32_t r = 0; r < source->range_count; r++) {
		total += source->ranges[r].end - source->ranges[r].start;
		mirrored |= source->ranges[r].flags & MEMBLOCK_MIRROR;
	}
	if (kernelcore->set && !kernelcore->mirror)
		asked = kernelcore->percent ? UINT64_MAX
					    : kernelcore->bytes >> source->config->page_shift;
	if (l->core_pages > max_u64(total, asked))
		findings_add(ret, INVARIANT_CORE_BOUNDED, -1, -1, FINDING_NOWHERE, total,
			     l->core_pages, "more than all memory is left to the kernel");
	if (l->core_spread && l->core_pages >= total)
		findings_add(ret, INVARIANT_CORE_SPREAD, -1, -1, FINDING_NOWHERE, total,
			     l->core_pages, "all memory was spread as core");
	for (uint32_t nid = 0; nid < node_count; nid++)
		if (kernelcore->mirror && !mirrored && !source->cmdline->movable_node &&
		    !source->cmdline->movablecore.set && nodes[nid].movable_pfn)
			findings_add(ret, INVARIANT_MIRROR_MOVABLE, (int32_t)nid, ZONE_MOVABLE,
				     nodes[nid].movable_pfn, 0, 0,
				     "nothing is mirrored, and yet there is a ZONE_MOVABLE");
}

/* arm64: the DMA zones have the memory below 4 GiB, and where there is any, no other. */
static void check_dma(const struct zone_source *source, struct findings *ret)
{
	const struct zone_limits *l = source->limits;
	pfn_t limit = (1ULL << 32) >> source->config->page_shift, low_end = 0, dma_end = 0;

	if (source->config->arch != ARCH_ARM64)
		return;
	for (uint32_t r = 0; r < source->range_count; r++)
		if (source->ranges[r].start < limit)
			low_end = min_u64(source->ranges[r].end, limit);
	for (unsigned int t = ZONE_DMA; t <= ZONE_DMA32; t++)
		if (source->zones_mask >> t & 1)
			dma_end = max_u64(dma_end, l->highest[t]);
	if (low_end && dma_end > limit)
		findings_add(ret, INVARIANT_ZONE_DMA_32BIT, -1, ZONE_DMA, FINDING_NOWHERE, limit,
			     dma_end, "a DMA zone reaches beyond 4 GiB");
	if (source->zones_mask >> ZONE_DMA32 & 1 && dma_end < low_end)
		findings_add(ret, INVARIANT_ZONE_DMA_32BIT, -1, ZONE_DMA32, FINDING_NOWHERE,
			     low_end, dma_end, "memory below 4 GiB is in no DMA zone");
}

/* Whatever the firmware names can be asked for memory, and so needs node data. */
static void check_pgdat(const struct node *nodes, uint32_t node_count,
			const struct zone_source *source, struct findings *ret)
{
	for (uint32_t nid = 0; nid < node_count && source->config->numa && node_count > 1; nid++)
		if (nodes[nid].parsed && !nodes[nid].possible)
			findings_add(ret, INVARIANT_NODE_DATA, (int32_t)nid, -1, FINDING_NOWHERE, 0,
				     0, "a node that may be asked for memory has no node data");
}

void zone_invariants_check(const struct node *nodes, uint32_t node_count,
			   const struct zone_source *source, struct findings *ret)
{
	uint64_t strays = unzoned(nodes, node_count, source);
	pfn_t low, high;

	for (uint32_t nid = 0; nid < node_count; nid++)
		check_node(&nodes[nid], (int32_t)nid, strays, source, ret);
	if (is_replugged(source)) {
		check_cover(nodes, source, 0, PFN_NONE, ret);
		check_present(nodes, node_count, source, ret);
		return;
	}
	if (check_limits(source, &low, &high, ret) && !dealt_by_mirror(source)) {
		check_cover(nodes, source, low, high, ret);
		if (counts_managed(source))
			check_present(nodes, node_count, source, ret);
	}
	check_core(nodes, node_count, source, ret);
	check_dma(source, ret);
	check_pgdat(nodes, node_count, source, ret);
}
