/* SPDX-License-Identifier: MIT */
/*
 * Counted: what our own code takes from malloc.
 *
 * The linker sends calls of malloc, calloc, realloc and free here (--wrap, in BUILD).  Sizes are those
 * the allocator gives, which are a little larger than what was asked for.
 */
#ifndef TOOLS_BENCH_COUNTED_H
#define TOOLS_BENCH_COUNTED_H

#include <stdint.h>

struct counted {
	uint64_t calls; /* that took memory */
	uint64_t bytes; /* held now */
	uint64_t peak; /* most bytes held at one time */
};

struct counted counted_now(void);
/* From here on the peak counts anew. */
void counted_reset_peak(void);

#endif
