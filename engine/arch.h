/* SPDX-License-Identifier: MIT */
/*
 * Arch: what a machine is made of before any memory is known.  Zone types in the order of every
 * kernel that has them; a machine has a subset (zones_mask), and the index a kernel prints is the
 * rank within that subset.
 */
#ifndef ENGINE_ARCH_H
#define ENGINE_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/units.h"

enum arch {
	ARCH_X86_64,
	ARCH_I386,
	ARCH_ARM64,
	ARCH_ARM,
	ARCH_OTHER, /* an architecture whose early set-up is not modelled */
	ARCH_COUNT
};

enum zone_type {
	ZONE_DMA,
	ZONE_DMA32,
	ZONE_NORMAL,
	ZONE_HIGHMEM,
	ZONE_MOVABLE,
	ZONE_DEVICE,
	ZONE_TYPE_COUNT
};

/* "DMA", "DMA32" ... as the kernel prints them, without padding. */
const char *zone_type_name(enum zone_type type);
/* Returns false when @name is no zone's name. */
bool zone_type_parse(const char *name, size_t len, enum zone_type *ret);
const char *arch_name(enum arch arch);

/* Rank of @type among the zones of @mask, as printed in "zone 2". */
unsigned int zone_rank(uint32_t mask, enum zone_type type);

/* Block orders of any kernel are below this. */
#define ARCH_ORDERS_MAX 20

/* What a distribution kernel of that architecture is built with, unless the log says otherwise. */
/* When a task loses the CPU while it is in the kernel. */
enum preemption {
	PREEMPTION_BY_VERSION, /* not told: as kernels of the version usually are (the fact lazy_preemption) */
	PREEMPTION_VOLUNTARY, /* where it agrees to (PREEMPT_NONE, PREEMPT_VOLUNTARY) */
	PREEMPTION_ANYWHERE, /* wherever it holds no lock (PREEMPT, PREEMPT_LAZY) */
	PREEMPTION_RT, /* while it holds most locks, too (PREEMPT_RT) */
};

struct arch_config {
	enum arch arch;
	unsigned int phys_bits; /* width of phys_addr_t: 32 or 64 */
	unsigned int page_shift;
	unsigned int max_order; /* largest buddy order (inclusive) */
	unsigned int pageblock_order;
	unsigned int section_shift; /* log2 of bytes per SPARSEMEM section; 0 = FLATMEM */
	unsigned int page_struct_bytes;
	uint32_t zones_mask; /* bit per enum zone_type */
	uint32_t pointer_bytes;
	unsigned int nodes_shift; /* log2 of MAX_NUMNODES */
	bool numa;
	bool cma;
	bool deferred_struct_page;
	bool highmem;
	bool thp; /* transparent huge pages enabled by default (always or madvise) */
	bool pae;
	uint32_t preemption; /* enum preemption */
};

/* Fills @ret with the usual configuration for @arch; @pae matters for i386 and arm (LPAE). */
void arch_config_default(enum arch arch, bool pae, struct arch_config *ret);

/* Pages of another size bring other huge pages, and largest blocks as large as those. */
void arch_config_set_page_shift(struct arch_config *config, unsigned int page_shift);

struct facts;
/* Corrects what of @config depends on the kernel's version (section size). */
void arch_config_apply_facts(struct arch_config *config, const struct facts *facts);

static inline uint64_t arch_max_order_pages(const struct arch_config *c)
{
	return 1ULL << c->max_order;
}

static inline uint64_t arch_pageblock_pages(const struct arch_config *c)
{
	return 1ULL << c->pageblock_order;
}

static inline uint64_t arch_section_pages(const struct arch_config *c)
{
	return c->section_shift ? 1ULL << (c->section_shift - c->page_shift) : 0;
}

/* What one page table of 8-byte entries maps. */
static inline uint64_t arch_huge_page_size(const struct arch_config *c)
{
	return 1ULL << (2 * c->page_shift - 3);
}

/* 32 or 64 bits. */
static inline bool arch_is_x86(const struct arch_config *c)
{
	return c->arch == ARCH_X86_64 || c->arch == ARCH_I386;
}

static inline uint64_t arch_page_size(const struct arch_config *c)
{
	return 1ULL << c->page_shift;
}

#endif
