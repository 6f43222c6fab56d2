/* SPDX-License-Identifier: MIT */
/*
 * Fdt: what a flattened device tree says about memory, as read from /sys/firmware/fdt.
 *
 * Everything is in the order of the tree.  Values are the tree's own: an empty range, a range that
 * wraps or a node that the kernel would ignore is reported as it is; what the kernel does about it
 * is for the model to say.  A property whose length does not fit its meaning is not used and is
 * counted in @malformed.
 *
 * (The C library named libfdt does the decoding; it is seen in fdt.c only.)
 */
#ifndef TRACES_FIRMWARE_FDT_H
#define TRACES_FIRMWARE_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "engine/units.h"
#include "traces/strings.h"

/* Larger trees are refused. */
#define FDT_BYTES_MAX ((size_t)16 << 20)

struct fdt_range {
	phys_t base;
	uint64_t bytes;
};

/* A slice of struct fdt.all_ranges; NULL when empty. */
struct fdt_ranges {
	const struct fdt_range *ranges;
	uint32_t n;
	bool present; /* the property is there, even if empty */
};

/* A node with device_type = "memory", at any depth. */
struct fdt_memory {
	const char *path; /* "/memory@40000000" */
	struct fdt_ranges reg;
	struct fdt_ranges usable; /* linux,usable-memory: the kernel prefers it to reg */
	int32_t nid; /* numa-node-id, or NID_NONE */
	bool hotpluggable;
	bool enabled; /* no status, or "okay" or "ok" */
	uint32_t depth; /* of the node: 1 below the root */
};

struct fdt_reserved {
	const char *name; /* "linux,cma@f4000000": the node's name with its unit address */
	struct fdt_ranges reg;
	bool has_size;
	uint64_t bytes; /* size: to be placed by the kernel */
	bool has_alignment;
	uint64_t alignment_bytes;
	struct fdt_ranges alloc_ranges;
	bool no_map;
	bool reusable;
	bool cma_default; /* linux,cma-default */
	bool dma_default; /* linux,dma-default */
	bool enabled;
	int32_t nid; /* numa-node-id, or NID_NONE */
	const char *compatible; /* first of the list; empty if there is none */
};

struct fdt_cpu {
	const char *path;
	bool has_reg;
	uint64_t reg; /* MPIDR, hart id ... */
	int32_t nid; /* numa-node-id, or NID_NONE */
	bool enabled;
};

/* One triple of /distance-map. */
struct fdt_distance {
	uint32_t from;
	uint32_t to;
	uint32_t distance;
};

/* Bits of struct fdt.has. */
enum fdt_field {
	FDT_INITRD_START = 1 << 0,
	FDT_INITRD_END = 1 << 1,
	FDT_ELFCOREHDR = 1 << 2,
	FDT_BOOTARGS = 1 << 3,
	FDT_MODEL = 1 << 4,
	FDT_COMPATIBLE = 1 << 5,
	FDT_RESERVED_MEMORY = 1 << 6, /* there is a /reserved-memory */
	FDT_DISTANCE_MAP = 1 << 7,
};

struct fdt {
	uint32_t total_bytes; /* of the tree: the kernel reserves that much */
	uint32_t version;
	uint32_t boot_cpu; /* boot_cpuid_phys */
	uint32_t address_cells, size_cells; /* of the root */
	uint32_t has;
	const char *model; /* empty if absent */
	const char *compatible; /* the root's first; empty if absent */

	struct fdt_memory *memory;
	uint32_t nmemory;
	struct fdt_range *memreserve; /* /memreserve/ */
	uint32_t nmemreserve;
	struct fdt_reserved *reserved; /* children of /reserved-memory */
	uint32_t nreserved;
	/*
	 * /reserved-memory has the root's #address-cells and #size-cells and a "ranges": otherwise
	 * the kernel refuses it as "unsupported node format".
	 */
	bool reserved_format_ok;
	struct fdt_cpu *cpus;
	uint32_t ncpus;
	struct fdt_distance *distances;
	uint32_t ndistances;
	/*
	 * Exclusive end of the addresses of the CPU that the smallest bus with dma-ranges reaches;
	 * 0 if there is none.
	 */
	phys_t dma_limit;

	/* /chosen */
	const char *bootargs; /* empty if absent */
	phys_t initrd_start;
	phys_t initrd_end; /* exclusive, as printed */
	struct fdt_range elfcorehdr;
	struct fdt_ranges usable_memory_range;
	/* linux,uefi-system-table is there: memory comes from the EFI map, not from here. */
	bool uefi;

	/* Properties that could not be used, and a sentence about the first one, or NULL. */
	uint32_t malformed;
	const char *first_malformed;

	/* Private. */
	struct fdt_range *all_ranges;
	struct strings strings;
};

/*
 * Reads a tree of @len bytes, which is not needed afterwards.  @name is what errors call it.
 *
 * Errors: ERROR_FORMAT if it is no device tree, ERROR_CORRUPT if it is cut off or its structure is
 * broken, ERROR_UNSUPPORTED for #address-cells or #size-cells of the root beyond 2, ERROR_LIMIT,
 * ERROR_NO_MEMORY.  On failure @ret is untouched.
 */
struct error *fdt_parse(const uint8_t *data, size_t len, const char *name, struct fdt *ret);
/* Accepts a zeroed struct; leaves it zeroed. */
void fdt_deinit(struct fdt *fdt);

#endif
