/* SPDX-License-Identifier: MIT */
/*
 * A slow and obvious memblock: one cell per byte of a small address space.
 *
 * Each list is an array of cells that say whether the byte is in it, on which node and with which
 * flags.  A region is nothing but a longest run of equal cells, so there is no insertion, no split
 * and no merge to get wrong; what a search may take is found by looking at every address.  (Where
 * kernels leave two equal neighbours apart, a cell carries a cut in front of it.)
 *
 * Sizes of 0 are not asked of searches.
 */
#ifndef ENGINE_TESTING_MEMBLOCK_ORACLE_H
#define ENGINE_TESTING_MEMBLOCK_ORACLE_H

#include "engine/memblock.h"
#include "engine/testing/memblock_op.h"

#define MEMBLOCK_ORACLE_EVENTS 256

struct memblock_oracle_cell {
	bool present;
	bool cut; /* a region begins here, although the cell before is equal */
	int32_t nid;
	uint32_t flags;
};

struct memblock_oracle_list {
	struct memblock_oracle_cell *cells;
	uint32_t max;
	uint64_t total_size;
	bool array_allocated;
	phys_t array_base;
	uint64_t array_bytes;
};

struct memblock_oracle {
	struct memblock_oracle_list list[2]; /* by enum memblock_which */
	uint64_t *free_bytes; /* scratch: bytes free from here on in one memory region */
	/* As in struct memblock. */
	phys_t phys_max, current_limit, kernel_end;
	bool bottom_up, can_resize, movable_node, has_mirror, scratch_only, panicked;
	unsigned int page_shift;
	uint32_t region_bytes;
	const struct facts *facts;
	/* What an observer would have seen since the last clearing. */
	struct memblock_event events[MEMBLOCK_ORACLE_EVENTS];
	unsigned int event_count;
};

/* Begins in the state of @mb, whose lists must be empty; phys_max + 1 cells.  False: no memory. */
bool memblock_oracle_init(struct memblock_oracle *oracle, const struct memblock *mb);
void memblock_oracle_deinit(struct memblock_oracle *oracle);
struct memblock_op_result memblock_oracle_apply(struct memblock_oracle *oracle,
						const struct memblock_op *op);
/* NULL, or a static sentence on how the state of @mb differs. */
const char *memblock_oracle_compare(const struct memblock_oracle *oracle,
				    const struct memblock *mb);

#endif
