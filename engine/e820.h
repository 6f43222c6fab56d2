/* SPDX-License-Identifier: MIT */
/*
 * The x86 firmware map: a table of disjoint typed ranges, edited by the command line and by fixed
 * rules before memblock is filled from it.
 */
#ifndef ENGINE_E820_H
#define ENGINE_E820_H

#include "engine/cmdline.h"
#include "engine/units.h"

/* Entry types with the kernel's numbers. */
enum e820_type {
	E820_RAM = 1,
	E820_RESERVED = 2,
	E820_ACPI = 3,
	E820_NVS = 4,
	E820_UNUSABLE = 5,
	E820_PMEM = 7,
	E820_PRAM = 12,
	E820_RESERVED_KERN = 128,
	E820_SOFT_RESERVED = 0x7fffffff, /* stands for 0xefffffff */
};

struct e820_entry {
	phys_t start, end; /* end exclusive; a range that ends at 2^64 has end UINT64_MAX */
	uint32_t type;
};

struct e820 {
	struct e820_entry *entries; /* sorted, disjoint after e820_sanitize */
	uint32_t count, room;
	/* Kept for e820_sanitize(): all ends, and the table that comes of them; rooms in bytes. */
	phys_t *edges;
	struct e820_entry *spare;
	size_t edge_room, spare_room;
	bool out_of_memory;
};

void e820_deinit(struct e820 *e);
void e820_clear(struct e820 *e);
void e820_copy(struct e820 *dst, const struct e820 *src);
void e820_add(struct e820 *e, phys_t start, phys_t end, uint32_t type);
/* Ranges of @old_type inside become @new_type; old_type 0 = any. */
void e820_update(struct e820 *e, phys_t start, phys_t end, uint32_t old_type, uint32_t new_type);
/* Removes ranges of @type inside; type 0 = any. */
void e820_remove(struct e820 *e, phys_t start, phys_t end, uint32_t type);
/* Resolves overlaps (the highest type wins), sorts, joins neighbours of one type. */
void e820_sanitize(struct e820 *e);
/* Applies mem= and memmap=.  Returns true when the kernel would print a user-defined map. */
bool e820_apply_cmdline(struct e820 *e, const struct cmdline *cmdline);
/* Page 0 is reserved, a0000-fffff is no memory (trim_bios_range). */
void e820_trim_bios_range(struct e820 *e);
/* Exclusive end, in page frames, of the highest RAM (@acpi: or ACPI) below @limit_pfn; 0 when none. */
pfn_t e820_end_pfn(const struct e820 *e, pfn_t limit_pfn, bool acpi);
/* Is every byte of [start, end) in ranges of @type?  Needs a map that e820_sanitize has seen. */
bool e820_mapped_all(const struct e820 *e, phys_t start, phys_t end, uint32_t type);

#endif
