/* SPDX-License-Identifier: MIT */
/*
 * Where a contiguous area lands: the default CMA area and the crash kernel.  Both search memblock with
 * rules of their own, which changed often.
 */
#ifndef ENGINE_CMA_H
#define ENGINE_CMA_H

#include "engine/machine.h"

struct cma_request {
	uint64_t size;
	phys_t base, limit; /* as given on the command line; 0 = anywhere, none */
	uint64_t align; /* 0 = what any area needs */
	int32_t nid; /* NID_NONE = any */
};

/*
 * cma_declare_contiguous for one area.  Reserves it and returns true, with its first byte in @ret.
 */
bool cma_declare(struct machine *m, const struct cma_request *req, phys_t *ret);

/* Alignment of every area, bytes. */
uint64_t cma_min_align(const struct machine *m);

/* The architecture's limit for DMA memory, which the default area must lie below; 0 = none. */
phys_t cma_dma_limit(const struct machine *m);

/*
 * reserve_crashkernel with the old x86 rules: @size bytes, first below 4 GiB unless @high.  Reserves it.
 */
bool crashkernel_reserve(struct machine *m, uint64_t size, bool high, phys_t *ret);
/* The part below 4 GiB that goes with a crash kernel above it. */
bool crashkernel_reserve_low(struct machine *m, uint64_t size, phys_t *ret);

#endif
