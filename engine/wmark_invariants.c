/* SPDX-License-Identifier: MIT */
#include "engine/wmark_invariants.h"

/* More pages than any machine can have: products of them do not fit. */
#define PAGES_ABSURD (1ULL << 44)

/* What stands for a zone's size: present pages in kernels that do not count managed ones. */
static uint64_t size_of(const struct zone *z, const struct reserve_source *s)
{
	return fact_get(s->facts, FACT_managed_pages) ? z->managed : z->present;
}

static bool shares_min_free(unsigned int type, const struct reserve_source *s)
{
	if (type == ZONE_MOVABLE && fact_get(s->facts, FACT_movable_min_like_highmem))
		return false;
	return !zone_is_highmem((enum zone_type)type, s->limits, s->zones_mask);
}

static void check_watermarks(const struct reserve_source *s, struct findings *ret)
{
	uint64_t min_pages = s->min_free_kbytes * 1024 >> s->config->page_shift, sum = 0, zones = 0;
	uint64_t pages = 0;

	for (uint32_t nid = 0; nid < s->node_count; nid++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &s->nodes[nid].zones[t];

			for (unsigned int w = WMARK_MIN; w < WMARK_PROMO; w++)
				if (z->watermark[w] > z->watermark[w + 1])
					findings_add(ret, INVARIANT_WATERMARK_ORDER, (int32_t)nid,
						     (int32_t)t, FINDING_NOWHERE, z->watermark[w],
						     z->watermark[w + 1],
						     "a watermark is below the one before it");
			if (!shares_min_free(t, s))
				continue;
			sum += z->watermark[WMARK_MIN];
			pages = min_u64(pages + min_u64(size_of(z, s), PAGES_ABSURD), PAGES_ABSURD);
			zones += z->spanned > 0;
		}
	}
	/* None has any where none had pages when they were worked out. */
	if (zones && sum && pages < PAGES_ABSURD && (sum > min_pages || sum + zones <= min_pages))
		findings_add(ret, INVARIANT_WATERMARK_SUM, -1, -1, FINDING_NOWHERE, min_pages, sum,
			     "min watermarks do not add up to min_free_kbytes");
}

/* sysctl_lowmem_reserve_ratio[] of zone type @type. */
static uint64_t ratio_of(unsigned int type, const struct reserve_source *s)
{
	unsigned int rank = zone_rank(s->zones_mask, (enum zone_type)type);

	if (!(s->zones_mask >> type & 1))
		return 0;
	if (s->cmdline->sysctl_lowmem_set && rank < s->cmdline->sysctl_lowmem_count) {
		uint64_t set = s->cmdline->sysctl_lowmem_ratio[rank];

		return !set && !fact_get(s->facts, FACT_lowmem_reserve_highmem_free) ? 1 : set;
	}
	if (type == ZONE_HIGHMEM)
		return fact_get(s->facts, FACT_lowmem_reserve_highmem_free) ? 0 : 32;
	return type < ZONE_NORMAL ? 256 : type == ZONE_NORMAL ? 32 : 0;
}

static void check_reserve(const struct reserve_source *s, uint32_t nid, unsigned int low,
			  unsigned int high, struct findings *ret)
{
	const struct zone *zones = s->nodes[nid].zones;
	uint64_t above = 0, ratio = ratio_of(low, s), expected;

	for (unsigned int t = high; t > low; t--)
		above += size_of(&zones[t], s);
	expected = ratio ? above / ratio : 0;
	if (zones[low].lowmem_reserve[high] != expected)
		findings_add(ret, INVARIANT_LOWMEM_RESERVE, (int32_t)nid, (int32_t)low,
			     FINDING_NOWHERE, expected, zones[low].lowmem_reserve[high],
			     "the reserve against a higher zone is another");
}

static void check_reserves(const struct reserve_source *s, struct findings *ret)
{
	uint64_t least = 0, most = 0;

	for (uint32_t nid = 0; nid < s->node_count; nid++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &s->nodes[nid].zones[t];
			uint64_t largest = 0, size = size_of(z, s);
			uint64_t fewest = min_u64(z->joined, z->counted);
			uint64_t most_pages = max_u64(z->joined, z->counted);

			for (unsigned int j = t + 1; j < ZONE_TYPE_COUNT; j++) {
				largest = max_u64(largest, z->lowmem_reserve[j]);
				if (size)
					check_reserve(s, nid, t, j, ret);
			}
			/* It is not worked out again with every page that comes or goes. */
			largest += z->watermark[WMARK_HIGH];
			most += min_u64(largest, max_u64(size, most_pages));
			least += min_u64(largest, min_u64(size, fewest));
		}
	}
	if (s->totalreserve > most || s->totalreserve < least)
		findings_add(ret, INVARIANT_TOTALRESERVE, -1, -1, FINDING_NOWHERE, least,
			     s->totalreserve,
			     "totalreserve_pages is not the sum of what zones keep");
}

/* The batch that @pages give: 2^n - 1 pages, and no larger than the cap. */
static uint64_t batch_for(uint64_t pages, const struct reserve_source *s)
{
	uint64_t cap = (uint64_t)fact_get(s->facts, FACT_pcp_batch_cap_bytes) >>
		       s->config->page_shift;
	uint64_t share, batch = 1;

	if (fact_get(s->facts, FACT_pcp_batch_quarter_folded)) {
		share = min_u64(pages / 4096, cap);
		if (share <= 1)
			return 1;
	} else {
		share = min_u64(pages / 1024, cap) / 4;
	}
	while (batch * 2 * 2 <= share * 3)
		batch *= 2;
	return batch > 1 ? batch - 1 : 1;
}

static void check_pagesets(const struct reserve_source *s, struct findings *ret)
{
	bool by_watermark = fact_get(s->facts, FACT_pcp_high_from_low_wmark);
	uint64_t fraction = by_watermark ? s->cmdline->sysctl_pcp_high_fraction
					 : s->cmdline->sysctl_pcp_fraction;
	bool is_set = fraction != UINT64_MAX && fraction;

	for (uint32_t nid = 0; nid < s->node_count; nid++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &s->nodes[nid].zones[t];
			uint64_t size = size_of(z, s), cpus = s->nodes[nid].cpus, low, most;
			uint64_t before = fact_get(s->facts, FACT_managed_pages) ? z->joined : size;

			if (!z->present)
				continue;
			low = batch_for(min_u64(before, size), s);
			if ((by_watermark || !is_set) &&
			    (z->batch < low || z->batch > batch_for(max_u64(before, size), s)))
				findings_add(ret, INVARIANT_PCP_BATCH, (int32_t)nid, (int32_t)t,
					     FINDING_NOWHERE, low, z->batch,
					     "the batch is not that of a zone of this size");
			if (!by_watermark || (s->cpu_coming && !cpus))
				continue;
			if (!cpus)
				cpus = s->online_cpus;
			most = is_set ? z->present / fraction : z->watermark[WMARK_LOW];
			if (z->high_min * cpus > most + cpus * 4 * z->batch)
				findings_add(ret, INVARIANT_PCP_SPLIT, (int32_t)nid, (int32_t)t,
					     FINDING_NOWHERE, most, z->high_min * cpus,
					     "CPUs together may keep more than the low watermark");
			/* A zone may manage pages that it does not span: docs/FINDINGS.md, kernelcore=mirror. */
			most = max_u64(most, max_u64(z->present, z->managed) / 8);
			if (z->high_max * cpus > most + cpus * 4 * z->batch)
				findings_add(
					ret, INVARIANT_PCP_SPLIT, (int32_t)nid, (int32_t)t,
					FINDING_NOWHERE, most, z->high_max * cpus,
					"CPUs together may keep more than an eighth of the zone");
		}
	}
}

/* Eleven pageblocks a zone are to be free for huge pages, but no more than 5 % of low memory. */
static void check_khugepaged(const struct reserve_source *s, struct findings *ret)
{
	bool low_only = fact_get(s->facts, FACT_khugepaged_counts_low_zones);
	uint64_t zones = 0, low_pages = 0, wanted;

	if (!fact_get(s->facts, FACT_transparent_hugepage) || !s->config->thp ||
	    s->cmdline->thp_never || fact_get(s->facts, FACT_khugepaged_raise_lost) ||
	    s->cmdline->sysctl_min_free_kbytes != UINT64_MAX ||
	    s->hugepage_totalram << s->config->page_shift < 512ULL << 20)
		return;
	for (uint32_t nid = 0; nid < s->node_count; nid++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &s->nodes[nid].zones[t];
			uint64_t pages = min_u64(size_of(z, s), z->counted);

			zones += z->present && (!low_only || t <= ZONE_NORMAL);
			/* A zone that had no pages when zonelists were built is in none: nobody counts it. */
			if (z->present && t <= ZONE_NORMAL && pages > z->watermark[WMARK_HIGH])
				low_pages += pages - z->watermark[WMARK_HIGH];
		}
	}
	wanted = min_u64(zones * 11 << s->config->pageblock_order, low_pages / 20)
		 << (s->config->page_shift - 10);
	if (s->min_free_kbytes < wanted)
		findings_add(ret, INVARIANT_KHUGEPAGED_MIN, -1, -1, FINDING_NOWHERE, wanted,
			     s->min_free_kbytes, "min_free_kbytes is less than huge pages want");
}

void wmark_invariants_check(const struct reserve_source *source, struct findings *ret)
{
	check_watermarks(source, ret);
	check_reserves(source, ret);
	check_pagesets(source, ret);
	check_khugepaged(source, ret);
}
