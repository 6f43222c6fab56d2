/* SPDX-License-Identifier: MIT */
/*
 * Units: the integer vocabulary of the engine.
 *
 * "Page" alone is ambiguous here as it is in the kernel, so the words are kept apart:
 *   phys   a byte address in physical memory (64 bits wide on every host, so that the log of a
 *          32-bit machine replays alike everywhere);
 *   pfn    a page frame number, phys >> page_shift;
 *   pages  a count of page frames.
 *
 * Ranges are half-open [start, end) inside the engine.  Kernel logs print inclusive ends; only
 * importers and printers convert.
 */
#ifndef ENGINE_UNITS_H
#define ENGINE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t phys_t;
typedef uint64_t pfn_t;

/* "No node": prints as nothing in a memblock dump and as nid=-1 in a request. */
#define NID_NONE (-1)
/* Largest number of nodes a machine may have (the largest NODES_SHIFT of distribution kernels). */
#define NODES_MAX 1024
#define PHYS_MAX UINT64_MAX
/* No page frame. */
#define PFN_NONE UINT64_MAX

/* Is it one of @count nodes?  No node, like every negative number, is not. */
static inline bool nid_within(int32_t nid, uint32_t count)
{
	return (uint32_t)nid < count;
}

static inline uint64_t round_down_to(uint64_t x, uint64_t align)
{
	return x - x % align;
}

/* Saturates at the largest multiple of @align that fits instead of wrapping. */
static inline uint64_t round_up_to(uint64_t x, uint64_t align)
{
	uint64_t rem = x % align;

	if (!rem)
		return x;
	return x > UINT64_MAX - (align - rem) ? x - rem : x + (align - rem);
}

/* First page frame that starts at or after @addr. */
static inline pfn_t pfn_up(phys_t addr, unsigned int page_shift)
{
	return (addr >> page_shift) + ((addr & ((1ULL << page_shift) - 1)) != 0);
}

/* Page frame that holds @addr. */
static inline pfn_t pfn_down(phys_t addr, unsigned int page_shift)
{
	return addr >> page_shift;
}

static inline phys_t pfn_phys(pfn_t pfn, unsigned int page_shift)
{
	return pfn << page_shift;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static inline uint64_t clamp_u64(uint64_t x, uint64_t lo, uint64_t hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

/* Greatest power of two <= @x; 0 for 0. */
static inline uint64_t round_down_pow2(uint64_t x)
{
	while (x & (x - 1))
		x &= x - 1;
	return x;
}

/* Smallest power of two >= @x; 1 for 0.  @x <= 2^63. */
static inline uint64_t round_up_pow2(uint64_t x)
{
	uint64_t p = 1;

	while (p < x)
		p <<= 1;
	return p;
}

/* Position of the lowest set bit, counted from 0; @x is not 0. */
static inline unsigned int lowest_bit_u32(uint32_t x)
{
	return (unsigned int)__builtin_ctz(x);
}
static inline unsigned int lowest_bit_u64(uint64_t x)
{
	return (unsigned int)__builtin_ctzll(x);
}

/* Position of the highest set bit, counted from 1; 0 for 0 (the kernel's fls). */
static inline unsigned int fls_u64(uint64_t x)
{
	unsigned int n = 0;

	for (; x; x >>= 1)
		n++;
	return n;
}

/* Floor of the square root. */
static inline uint64_t isqrt_u64(uint64_t x)
{
	uint64_t bit = 1ULL << 62, res = 0;

	while (bit > x)
		bit >>= 2;
	for (; bit; bit >>= 2) {
		if (x >= res + bit) {
			x -= res + bit;
			res = (res >> 1) + bit;
		} else {
			res >>= 1;
		}
	}
	return res;
}

#endif
