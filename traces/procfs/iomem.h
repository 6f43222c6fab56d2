/* SPDX-License-Identifier: MIT */
/*
 * Iomem: /proc/iomem as a tree of half-open ranges.
 *
 *	00100000-7ffdbfff : System RAM
 *	  2bc00000-2c801f41 : Kernel code
 *
 * The file prints the last byte; here @end is one past it.  A range that reaches the last byte of
 * the 64-bit space cannot say so and ends at PHYS_MAX, one byte short.
 *
 * Read without privilege, every address is 0: see @hidden.  The names are then all there is.
 */
#ifndef TRACES_PROCFS_IOMEM_H
#define TRACES_PROCFS_IOMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "engine/units.h"

#define IOMEM_NO_PARENT UINT32_MAX

/* What a name stands for, when it is about memory; compared exactly. */
enum iomem_kind {
	IOMEM_OTHER,
	IOMEM_SYSTEM_RAM, /* "System RAM", also with a remark in parentheses */
	IOMEM_KERNEL_CODE,
	IOMEM_KERNEL_RODATA,
	IOMEM_KERNEL_DATA,
	IOMEM_KERNEL_BSS,
	IOMEM_CRASH_KERNEL, /* "Crash kernel", "Crash kernel (low)" */
	/*
	 * "reserved" or "Reserved": by the firmware (x86; top level) or by memblock (arm64; inside
	 * System RAM).  The spelling changed over time and does not tell.
	 */
	IOMEM_RESERVED,
	IOMEM_ACPI_TABLES,
	IOMEM_ACPI_NVS, /* "ACPI Non-volatile Storage" */
	IOMEM_PERSISTENT, /* "Persistent Memory", also "(legacy)" */
	IOMEM_SOFT_RESERVED,
	IOMEM_UNUSABLE, /* "Unusable memory" */
	IOMEM_RAM_BUFFER,
};

struct iomem_range {
	phys_t start;
	phys_t end; /* exclusive */
	enum iomem_kind kind;
	uint32_t depth; /* 0 at the top */
	uint32_t parent; /* index of the range this one is indented under, or IOMEM_NO_PARENT */
	uint32_t line; /* counted from 1 */
	const char *name;
};

struct iomem {
	struct iomem_range *ranges; /* in the order printed: parents before children */
	uint32_t nranges;
	/* Every printed address is 0, and there are at least two ranges. */
	bool hidden;
	uint32_t unknown_lines;
	uint32_t first_unknown_line;
	char *names; /* private */
};

/*
 * Reads @len bytes at @text, which are not needed afterwards.  @name is what errors call the text.
 *
 * Errors: ERROR_FORMAT without any range, ERROR_RANGE for an address beyond 64 bits or a range that
 * ends before it starts (an empty one, whose last byte is the one before its first, is kept with
 * end == start), ERROR_LIMIT, ERROR_NO_MEMORY.  On failure @ret is untouched.
 */
struct error *iomem_parse(const char *text, size_t len, const char *name, struct iomem *ret);
/* Accepts a zeroed struct; leaves it zeroed. */
void iomem_deinit(struct iomem *im);

/* The first range of a kind at or after index @from; NULL if there is none. */
const struct iomem_range *iomem_next(const struct iomem *im, enum iomem_kind kind, uint32_t from);

#endif
