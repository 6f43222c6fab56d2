/* SPDX-License-Identifier: MIT */
#include "engine/hash_size.h"

#define ADAPT_SCALE_BASE (64ULL << 30)
#define ENTRIES_MAX (1ULL << 31)

uint64_t hash_size_entries(const struct hash_input *in)
{
	unsigned int page_shift = in->config->page_shift, scale = in->scale;
	uint64_t n = in->entries, max = in->high_limit, pages_max = UINT64_MAX >> page_shift;
	/* Facts can be given any value. */
	uint64_t bucket_bytes = in->bucket_bytes ? in->bucket_bytes : 1;

	if (!n) {
		/* More pages than 64 bits can address are a mistake of the source's. */
		n = min_u64(in->nr_kernel_pages, pages_max);
		if (page_shift < 20)
			n = round_up_to(n, (1ULL << 20) >> page_shift);
		/* Above 64 GiB tables grow by half as fast: one step of scale per factor of four. */
		if (in->config->pointer_bytes == 8 && !in->high_limit &&
		    fact_get(in->facts, FACT_hash_adaptive_scale))
			for (uint64_t adapt = ADAPT_SCALE_BASE >> page_shift; adapt < n;
			     adapt <<= 2)
				scale++;
		if (scale > page_shift)
			n >>= scale - page_shift;
		else
			n <<= page_shift - scale;
		if (in->small_shift) {
			if (!(n >> in->small_shift))
				n = 1ULL << in->small_shift;
		} else if (n < 1ULL << page_shift && n * bucket_bytes < 1ULL << page_shift) {
			n = (1ULL << page_shift) / bucket_bytes;
		}
	}
	n = round_up_pow2(min_u64(n, ENTRIES_MAX));
	if (!max)
		max = ((min_u64(in->nr_all_pages, pages_max) << page_shift) >> 4) / bucket_bytes;
	if (n < in->low_limit)
		n = in->low_limit;
	if (n > max)
		n = max;
	return round_down_pow2(n);
}

int hash_size_order(uint64_t bytes, const struct arch_config *config, const struct facts *facts)
{
	int order = 0;

	if (!fact_get(facts, FACT_hash_order_rounds_up))
		return (int)fls_u64(bytes) - 1 - (int)config->page_shift;
	while ((1ULL << config->page_shift << order) < bytes)
		order++;
	return order;
}
