/* SPDX-License-Identifier: MIT */
#include "engine/cma.h"

#include "engine/memblock_invariants.h"

#define FOUR_GIB (1ULL << 32)
#define CRASH_ALIGN (16ULL << 20)
#define CRASH_HIGH_MAX (64ULL << 40)

/* End of memory the kernel has mapped for good: highmem starts here. */
static phys_t highmem_start(const struct machine *m)
{
	return m->config.highmem ? pfn_phys(m->max_low_pfn, m->config.page_shift)
				 : memblock_end_of_dram(&m->mb);
}

/* The end of ZONE_DMA on arm64: what the smallest bus reaches, or 32 bits (30 for a while). */
static phys_t arm64_dma_end(const struct machine *m)
{
	phys_t start = memblock_start_of_dram(&m->mb), end = memblock_end_of_dram(&m->mb);
	phys_t bus = 1ULL << fact_get(&m->facts, FACT_arm64_zone_dma_bits);

	if (!fact_get(&m->facts, FACT_arm64_dma_limit_by_mask))
		return min_u64((start & ~(bus - 1)) + bus, end);
	if (m->dma_limit) {
		bus = m->dma_limit;
		/* Up to the next power of two. */
		if (!fact_get(&m->facts, FACT_arm64_dma_limit_exact))
			while (bus & (bus - 1))
				bus += bus & -bus;
	}
	if (!m->dma_limit && !fact_get(&m->facts, FACT_arm64_low_ram_dma))
		return end;
	/* Memory that begins beyond the bus is none of its business; beyond 32 bits nothing is. */
	if (start >= FOUR_GIB)
		return end;
	return min_u64(end, start >= bus ? FOUR_GIB : min_u64(bus, FOUR_GIB));
}

phys_t cma_dma_limit(const struct machine *m)
{
	if (m->config.arch == ARCH_ARM64)
		return arm64_dma_end(m);
	if (m->config.arch == ARCH_ARM)
		return FOUR_GIB - 1; /* arm_dma_limit of a machine without a DMA zone: inclusive */
	return 0;
}

static bool try_on_node(struct machine *m, uint64_t size, uint64_t align, phys_t start, phys_t end,
			int32_t nid, bool bottom_up, phys_t *ret)
{
	struct memblock_request req = { .size = size,
					.align = align,
					.min_addr = start,
					.max_addr = end,
					.nid = nid,
					.exact_nid = fact_get(&m->facts, FACT_cma_exact_node) };
	bool saved = m->mb.bottom_up, ok;

	if (start >= end)
		return false;
	m->mb.bottom_up = bottom_up;
	ok = memblock_invariants_alloc(&m->mb, &req, ret, &m->before, m->findings);
	m->mb.bottom_up = saved;
	return ok;
}

static bool try_range(struct machine *m, uint64_t size, uint64_t align, phys_t start, phys_t end,
		      bool bottom_up, phys_t *ret)
{
	return try_on_node(m, size, align, start, end, NID_NONE, bottom_up, ret);
}

uint64_t cma_min_align(const struct machine *m)
{
	uint64_t pages = arch_pageblock_pages(&m->config);

	if (!fact_get(&m->facts, FACT_cma_pageblock_aligned))
		pages = max_u64(pages, arch_max_order_pages(&m->config));
	return pages << m->config.page_shift;
}

bool cma_declare(struct machine *m, const struct cma_request *req, phys_t *ret)
{
	uint64_t align = max_u64(req->align, cma_min_align(m));
	phys_t base = round_up_to(req->base, align), limit = round_down_to(req->limit, align);
	uint64_t size = round_up_to(req->size, align);
	phys_t end = memblock_end_of_dram(&m->mb), high = highmem_start(m), found = 0;
	bool fixed = req->base && req->base + req->size == req->limit;
	bool bottom_first = fact_get(&m->facts, FACT_cma_bottom_up_first);
	bool from_4g = fact_get(&m->facts, FACT_cma_bottom_up_from_4g) &&
		       m->config.phys_bits == 64 && !m->mb.bottom_up;

	if (!size)
		return false;
	if (!limit || limit > end)
		limit = end;
	/* That holds for no fixed place which is not aligned. */
	if ((base > limit || size > limit - base) &&
	    (!fixed || fact_get(&m->facts, FACT_cma_fixed_exact)))
		return false;
	if (fixed) {
		if ((base < high && base + size > high) ||
		    memblock_overlaps(&m->mb, MEMBLOCK_RESERVED, base, size))
			return false;
		memblock_reserve(&m->mb, base, size, NID_NONE, 0);
		*ret = base;
		return true;
	}
	from_4g = from_4g && end >= FOUR_GIB + size;
	if (bottom_first && from_4g)
		try_on_node(m, size, align, FOUR_GIB, limit, req->nid, true, &found);
	/* An area lies in one zone: above low memory if that is possible. */
	if (!found && base < high && limit > high) {
		try_on_node(m, size, align, high, limit, req->nid, false, &found);
		limit = high;
	}
	/* Without bottom_first this try is made even if the one before had found something. */
	if (!bottom_first && from_4g) {
		phys_t again = 0;

		try_on_node(m, size, align, FOUR_GIB, limit, req->nid, true, &again);
		found = again;
	}
	if (!found && !try_on_node(m, size, align, base, limit, req->nid, false, &found))
		return false;
	*ret = found;
	return true;
}

bool crashkernel_reserve(struct machine *m, uint64_t size, bool high, phys_t *ret)
{
	phys_t low_max = m->config.arch == ARCH_I386 ? 512ULL << 20 : FOUR_GIB;

	if (!high && try_range(m, size, CRASH_ALIGN, CRASH_ALIGN, low_max, false, ret))
		return true;
	return try_range(m, size, CRASH_ALIGN, CRASH_ALIGN,
			 m->config.arch == ARCH_I386 ? low_max : CRASH_HIGH_MAX, false, ret);
}

bool crashkernel_reserve_low(struct machine *m, uint64_t size, phys_t *ret)
{
	return try_range(m, size, CRASH_ALIGN, 0, FOUR_GIB, false, ret);
}
