/* SPDX-License-Identifier: MIT */
/*
 * The kernel command line, as far as it shapes memory.  Unknown options are left alone; an option
 * whose value makes no sense is ignored as the kernel does.
 */
#ifndef ENGINE_CMDLINE_H
#define ENGINE_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/sysctl.h"
#include "engine/units.h"

enum memmap_action {
	MEMMAP_EXACTMAP,
	MEMMAP_ADD, /* N@S, N#S (ACPI), N!S (persistent): add with type */
	MEMMAP_RESERVE, /* N$S: whatever is there becomes reserved */
	MEMMAP_CONVERT, /* N%S-old+new; 0 = unset */
	/* mem=N, memmap=N: usable memory from N up is removed; UINT64_MAX: nothing, as by mem=0 */
	MEMMAP_LIMIT,
};

struct memmap_option {
	enum memmap_action action;
	phys_t start;
	uint64_t size;
	uint32_t type, old_type; /* e820 types */
};

#define CMDLINE_MEMMAPS_MAX 64
#define CMDLINE_FAKE_MAX 64
#define CMDLINE_NODES_MAX 64

/* kernelcore=, movablecore=: bytes or per cent of memory, or mirror. */
struct core_option {
	bool set;
	bool mirror;
	uint64_t bytes;
	unsigned int percent; /* 0 = bytes */
};

struct cmdline {
	struct memmap_option memmap[CMDLINE_MEMMAPS_MAX];
	unsigned int memmap_count;
	bool has_mem_limit; /* mem= on architectures that limit the amount */
	uint64_t mem_limit;
	bool mem_elsewhere; /* mem=N@S where that names a bank */
	struct core_option kernelcore, movablecore;
	bool movable_node;
	bool numa_off;
	char zonelist_order; /* numa_zonelist_order=: 'n' node, 'z' zone, 0 the kernel's choice */
	char numa_fake[CMDLINE_FAKE_MAX]; /* the text after numa=fake=, "" when absent */
	bool cma_set;
	uint64_t cma_size, cma_base, cma_limit; /* bytes; base 0 = anywhere; limit 0 = none */
	uint64_t cma_pernuma; /* cma_pernuma=N */
	uint64_t numa_cma[CMDLINE_NODES_MAX]; /* numa_cma=NODE:N,... */
	bool numa_cma_set; /* one of the two was given */
	bool nokaslr;
	bool thp_never;
	uint64_t vmalloc_bytes; /* vmalloc=N; 0 = default */
	uint64_t highmem_bytes; /* highmem=N; UINT64_MAX = default */
	char crashkernel[CMDLINE_FAKE_MAX];
	bool mem_debug; /* memblock=debug was given */
	/* sysctl.vm.* options; UINT64_MAX = not given. */
	uint64_t sysctl_min_free_kbytes;
	uint64_t sysctl_watermark_scale_factor;
	uint64_t sysctl_pcp_fraction; /* percpu_pagelist_fraction */
	uint64_t sysctl_pcp_high_fraction; /* percpu_pagelist_high_fraction */
	bool sysctl_lowmem_set; /* it was written, if only with what the kernel refuses */
	uint64_t sysctl_lowmem_ratio[SYSCTL_VALUES_MAX]; /* by rank of the zone */
	unsigned int sysctl_lowmem_count;
	unsigned int mminit_loglevel; /* mminit_loglevel=N; 0 = none */
};

/* Parses @text (NUL-terminated). @x86 selects what mem= means. */
void cmdline_parse(const char *text, bool x86, struct cmdline *ret);

/*
 * Takes the next word off *@text, for messages: without its quotes, cut to @room bytes.  *@modelled_ret tells
 * whether it is an option that the model knows, whatever its value.  False: there is none any more.
 */
bool cmdline_next(const char **text, bool x86, char *word, size_t room, bool *modelled_ret);

/* Parses a size with an optional K/M/G/T/P/E suffix (binary multiples, 0x for hex, leading 0 octal). */
uint64_t memparse(const char *text, const char **end);

#endif
