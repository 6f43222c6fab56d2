/* SPDX-License-Identifier: MIT */
/*
 * Where a contiguous area lands: the default CMA area and the crash kernel.  Both search memblock with
 * rules of their own, which changed often.
 */
#ifndef ENGINE_CMA_H
#define ENGINE_CMA_H

#include "engine/machine.h"

/*
 * cma_declare_contiguous for an area of @size bytes; @base and @limit as given on the command line (0 =
 * anywhere, none).  Reserves it and returns true, with its first byte in @ret.
 */
bool cma_declare(struct machine *m, uint64_t size, phys_t base, phys_t limit, phys_t *ret);

/* The architecture's limit for DMA memory, which the default area must lie below; 0 = none. */
phys_t cma_dma_limit(const struct machine *m);

/*
 * reserve_crashkernel with the old x86 rules: @size bytes, first below 4 GiB unless @high.  Reserves it.
 */
bool crashkernel_reserve(struct machine *m, uint64_t size, bool high, phys_t *ret);
/* The part below 4 GiB that goes with a crash kernel above it. */
bool crashkernel_reserve_low(struct machine *m, uint64_t size, phys_t *ret);

#endif
