/* SPDX-License-Identifier: MIT */
/*
 * Device tree: what a flattened device tree says about memory, and what early boot makes of it.
 *
 * All arrays are in the order of the tree and belong to whoever filled them.
 */
#ifndef ENGINE_DEVICE_TREE_H
#define ENGINE_DEVICE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/units.h"

struct tree_range {
	phys_t base;
	uint64_t size;
};

/* One range of a memory node. */
struct tree_memory {
	struct tree_range range;
	int32_t nid; /* numa-node-id, or NID_NONE */
	bool hotpluggable;
	bool enabled; /* its status does not rule it out */
	uint32_t depth; /* of the node: 1 below the root */
};

/* A child of /reserved-memory. */
struct tree_reserved {
	const struct tree_range *ranges; /* reg; none: to be placed */
	uint32_t range_count;
	uint64_t size, align; /* to be placed */
	const struct tree_range *windows; /* alloc-ranges; none: anywhere */
	uint32_t window_count;
	bool no_map, reusable;
	bool dma_pool; /* compatible with shared-dma-pool */
	bool cma_default; /* linux,cma-default */
	bool enabled;
};

/* One triple of the distance map. */
struct tree_distance {
	uint32_t from, to, distance;
};

struct device_tree {
	struct tree_memory *memory;
	uint32_t memory_count;
	struct tree_range *usable; /* linux,usable-memory-range */
	uint32_t usable_count;
	struct tree_range *memreserve;
	uint32_t memreserve_count;
	struct tree_reserved *reserved;
	uint32_t reserved_count;
	struct tree_range *ranges; /* where the slices above lie */
	struct tree_distance *distances;
	uint32_t distance_count;
	phys_t dma_limit; /* exclusive end of what the smallest bus reaches, by dma-ranges; 0 = no limit */
	bool reserved_format_ok;
	bool uefi; /* memory comes from the EFI map instead */
	/* Bytes that arrays have room for, for a later use; 0: nobody knows. */
	struct tree_room {
		size_t memory, usable, memreserve, reserved, ranges, distances;
	} room;
};

/* A reserved-memory child that has its place. */
struct tree_placed {
	struct tree_range range;
	bool cma; /* a contiguous area of its own */
	bool refused; /* and given back */
	bool cma_default; /* the default area, where it became one */
	bool dynamic; /* placed by the kernel */
};

void device_tree_deinit(struct device_tree *tree);
/* Forgets all but the arrays, which are void and wait for the next tree. */
void device_tree_clear(struct device_tree *tree);

struct machine;

/* Memory as the tree gives it, into m->mb: trimmed to pages and to what an address can hold. */
void device_tree_add_memory(struct machine *m, const struct device_tree *tree);

/*
 * /memreserve/ and /reserved-memory: m->mb gets reservations and NOMAP marks.  What has a place is
 * appended to m->tree_placed.
 */
void device_tree_reserve(struct machine *m, const struct device_tree *tree);

/*
 * The block that an allocation of @size bytes inside [@min, @max) is for (@max 0: anywhere): the first
 * that is not reserved yet or, going backwards, the last that is.  NULL if it is not for the tree's.
 */
const struct tree_placed *device_tree_block(const struct machine *m, uint64_t size, phys_t min,
					    phys_t max, bool backwards);

/*
 * The order in which @count children are placed that were all saved at one address, as an unstable sort
 * leaves it: @order[i] is the tree's ordinal of the i-th.  @base and @size are what was saved (0 and 0
 * for those without a place).
 */
void device_tree_sort(const phys_t *base, const uint64_t *size, uint32_t count, bool bottom_up,
		      uint32_t *order);

#endif
