/* SPDX-License-Identifier: MIT */
#include "engine/wmark.h"

/* Amounts the kernel compares pages with are given in kB, so they depend on the page size. */
static uint64_t kb_to_pages(uint64_t kb, const struct arch_config *config)
{
	return kb >> (config->page_shift - 10);
}

/* The size "how full is this zone" goes by: present pages before managed pages existed. */
static uint64_t zone_pages(const struct zone *z, const struct facts *facts)
{
	return fact_get(facts, FACT_managed_pages) ? z->managed : z->present;
}

static uint64_t free_above_high(const struct wmark_input *in, enum zone_type highest)
{
	uint64_t sum = 0;
	const struct zonelists *zl = in->zonelists;

	if (!nid_within(in->boot_nid, zl->node_count))
		return 0;
	for (uint32_t i = 0; i < zl->length[in->boot_nid]; i++) {
		const struct node *node =
			&in->nodes[zl->order[(size_t)in->boot_nid * zl->node_count + i]];

		for (unsigned int t = 0; t <= (unsigned int)highest; t++) {
			const struct zone *z = &node->zones[t];
			uint64_t pages = zone_pages(z, in->facts), high = z->watermark[WMARK_HIGH];

			if (z->present && pages > high)
				sum += pages - high;
		}
	}
	return sum;
}

uint64_t wmark_free_buffer_pages(const struct wmark_input *in)
{
	return free_above_high(in, ZONE_NORMAL);
}

uint64_t wmark_min_free_kbytes(const struct wmark_input *in)
{
	uint64_t lowmem_kb = wmark_free_buffer_pages(in) << (in->config->page_shift - 10);

	return clamp_u64(isqrt_u64(lowmem_kb * 16), 128,
			 (uint64_t)fact_get(in->facts, FACT_min_free_kbytes_cap));
}

uint64_t wmark_khugepaged_kbytes(const struct wmark_input *in, uint64_t totalram_pages)
{
	uint64_t zones = 0, pages, pageblock = arch_pageblock_pages(in->config);
	bool low_only = fact_get(in->facts, FACT_khugepaged_counts_low_zones);

	/* Below 512 MiB huge pages do not raise the reserves. */
	if (totalram_pages < (512ULL << 20) >> in->config->page_shift)
		return 0;
	for (uint32_t n = 0; n < in->node_count; n++)
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
			if (in->nodes[n].zones[t].present && (!low_only || t <= ZONE_NORMAL))
				zones++;
	/* Two pageblocks per zone, and one for each pair of the three migratetypes. */
	pages = pageblock * zones * 2 + pageblock * zones * 3 * 3;
	pages = min_u64(pages, wmark_free_buffer_pages(in) / 20);
	return pages << (in->config->page_shift - 10);
}

static uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
	/* a * b / c without overflow for the sizes of real machines (a < 2^44, b < 2^16). */
	return a / c * b + a % c * b / c;
}

void wmark_setup_zones(const struct wmark_input *in, uint64_t min_free_kbytes,
		       uint64_t scale_factor)
{
	uint64_t pages_min = kb_to_pages(min_free_kbytes, in->config), lowmem = 0;
	bool movable_is_high = fact_get(in->facts, FACT_movable_min_like_highmem);
	bool scaled = fact_get(in->facts, FACT_watermark_scale_factor);

	for (uint32_t n = 0; n < in->node_count; n++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &in->nodes[n].zones[t];

			if (zone_is_highmem((enum zone_type)t, in->limits, in->zones_mask) ||
			    (movable_is_high && t == ZONE_MOVABLE))
				continue;
			lowmem += zone_pages(z, in->facts);
		}
	}
	for (uint32_t n = 0; n < in->node_count; n++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			struct zone *z = &in->nodes[n].zones[t];
			uint64_t pages = zone_pages(z, in->facts), share, step;
			uint64_t *w = z->watermark;

			share = lowmem ? pages_min * pages / lowmem : 0;
			if (zone_is_highmem((enum zone_type)t, in->limits, in->zones_mask) ||
			    (movable_is_high && t == ZONE_MOVABLE))
				w[WMARK_MIN] = clamp_u64(pages / 1024, 32, 128);
			else
				w[WMARK_MIN] = share;
			step = share >> 2;
			if (scaled)
				step = max_u64(step, mul_div(pages, scale_factor, 10000));
			w[WMARK_LOW] = w[WMARK_MIN] + step;
			/* Twice the step; the oldest kernels halve the share instead. */
			w[WMARK_HIGH] = w[WMARK_MIN] + (scaled ? 2 * step : share >> 1);
			w[WMARK_PROMO] = w[WMARK_HIGH] + step;
		}
	}
}

void wmark_setup_lowmem_reserve(const struct wmark_input *in)
{
	uint64_t ratio[ZONE_TYPE_COUNT] = { 256, 256, 32, 0, 0, 0 };
	bool clear_empty = fact_get(in->facts, FACT_lowmem_reserve_clears_empty_zones);
	bool none = fact_get(in->facts, FACT_lowmem_reserve_highmem_free);

	if (!none)
		ratio[ZONE_HIGHMEM] = 32;
	for (unsigned int t = 0, rank = 0; in->lowmem_ratio && t < ZONE_TYPE_COUNT; t++)
		if (in->zones_mask >> t & 1 && rank < in->lowmem_ratio_count)
			ratio[t] = max_u64(in->lowmem_ratio[rank++], none ? 0 : 1);
	for (uint32_t n = 0; n < in->node_count; n++) {
		struct node *node = &in->nodes[n];

		for (unsigned int i = 0; i < ZONE_TYPE_COUNT; i++) {
			struct zone *z = &node->zones[i];
			uint64_t above = 0;

			for (unsigned int j = 0; j < ZONE_TYPE_COUNT; j++)
				z->lowmem_reserve[j] = 0;
			for (unsigned int j = i + 1; j < ZONE_TYPE_COUNT; j++) {
				above += zone_pages(&node->zones[j], in->facts);
				if (ratio[i] && !(clear_empty && !zone_pages(z, in->facts)))
					z->lowmem_reserve[j] = above / ratio[i];
			}
		}
	}
}

uint64_t wmark_totalreserve_pages(const struct wmark_input *in)
{
	uint64_t total = 0;

	for (uint32_t n = 0; n < in->node_count; n++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &in->nodes[n].zones[t];
			uint64_t max = 0;

			for (unsigned int j = t; j < ZONE_TYPE_COUNT; j++)
				max = max_u64(max, z->lowmem_reserve[j]);
			max += z->watermark[WMARK_HIGH];
			total += min_u64(max, zone_pages(z, in->facts));
		}
	}
	return total;
}

uint64_t pageset_raw_batch(uint64_t managed, const struct arch_config *config,
			   const struct facts *facts)
{
	uint64_t cap = (uint64_t)fact_get(facts, FACT_pcp_batch_cap_bytes) >> config->page_shift;
	uint64_t batch;

	if (fact_get(facts, FACT_pcp_batch_quarter_folded)) {
		batch = min_u64(managed >> 12, cap);
		if (batch <= 1)
			return 1;
	} else {
		batch = min_u64(managed / 1024, cap) / 4;
		if (batch < 1)
			batch = 1;
	}
	return round_down_pow2(batch + batch / 2) - 1;
}

void pageset_size_zone(struct zone *zone, uint32_t cpus, uint32_t online_cpus, uint64_t fraction,
		       const struct arch_config *config, const struct facts *facts)
{
	uint64_t pages = zone_pages(zone, facts), divisor;

	zone->raw_batch = pageset_raw_batch(pages, config, facts);
	zone->batch = max_u64(1, zone->raw_batch);
	if (!fact_get(facts, FACT_pcp_high_from_low_wmark)) {
		zone->high = 6 * zone->raw_batch;
		if (fraction) {
			zone->high = pages / fraction;
			zone->batch =
				clamp_u64(zone->high / 4, 1, (uint64_t)config->page_shift * 8);
		}
		zone->high_min = zone->high_max = zone->high;
		return;
	}
	divisor = cpus || !fact_get(facts, FACT_pcp_high_split_cpuless) ? cpus : online_cpus;
	if (!divisor)
		divisor = 1;
	zone->high_min = fraction ? pages / fraction : zone->watermark[WMARK_LOW];
	zone->high_min = max_u64(zone->high_min / divisor, zone->batch << 2);
	if (fact_get(facts, FACT_pcp_high_auto) && !fraction)
		zone->high_max = max_u64(pages / 8 / divisor, zone->batch << 2);
	else
		zone->high_max = zone->high_min;
	zone->high = zone->high_min;
}

uint64_t stat_threshold(uint64_t managed, uint32_t online_cpus, const struct arch_config *config)
{
	/* Memory in units of 128 MB. */
	uint64_t mem = managed >> (27 - config->page_shift);
	uint64_t threshold = 2ULL * fls_u64(online_cpus) * (1 + fls_u64(mem));

	return min_u64(threshold, 125);
}
