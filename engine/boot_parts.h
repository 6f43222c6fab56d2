/* SPDX-License-Identifier: MIT */
/*
 * The parts of a boot, for each other alone: boot.c takes the steps and does the stages in their order;
 * boot_nodes.c, boot_zones.c, boot_unavailable.c and boot_zonelists.c are those that are long.
 */
#ifndef ENGINE_BOOT_PARTS_H
#define ENGINE_BOOT_PARTS_H

#include <string.h>

#include "engine/machine.h"

/* A boot in progress. */
struct boot {
	struct machine *m;
	const struct boot_input *in;
	enum boot_stage until;
	uint32_t next_stage; /* the next stage to do, an enum boot_stage */
	uint32_t dumps; /* MEMBLOCK dumps so far */
	uint32_t step; /* index of the step being taken */
	uint32_t doublings;
	int32_t reserved_nid; /* the node the last allocation was reserved for */
	/* Landmarks in the list of steps; step_count when absent. */
	uint32_t first_node_data, last_node_data;
	uint32_t first_sparse, zones_start, zones_end;
	uint32_t first_late, after_zonelists;
	bool state_taken;
	bool memory_taken;
	bool memory_line_done;
	bool stamped; /* nodes are on memblock */
	bool zones_finished;
};

static inline bool name_is(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

/* ---- boot.c ---------------------------------------------------------------------------------- */

/* Takes the memory of the firmware map, once. */
void boot_take_memory(struct boot *b);

/* Is it a request of free_area_init() itself? */
bool boot_is_zone_step(const struct boot_step *s, const struct arch_config *config);

/* Where the placement of step @step stands among the answers; their number when it has none. */
uint32_t boot_placement_of(const struct answers *as, uint32_t step);

/* ---- boot_nodes.c ---------------------------------------------------------------------------- */

/*
 * Stamps memory with the nodes of the firmware's blocks, in their order, as is done where no table of them
 * is made first.  False when they are not believed, or there are none: then nothing names a node.
 */
bool boot_name_nodes(struct machine *m, const struct boot_input *in);

/* Finds the nodes and stamps them on memblock, once; a machine without memory goes no further. */
void boot_stamp_nodes(struct boot *b);

/* ---- boot_zones.c ---------------------------------------------------------------------------- */

/* Why an answer that depends on zone DMA's reserved pages is not known. */
extern const char boot_unknown_below_16m[];

/* What the memory map's set-up counts: the pages that zone DMA lacks. */
void boot_start_sparse(struct boot *b);

/* free_area_init(): zones of all nodes, and the lines about them. */
void boot_init_free_area(struct boot *b);

/* The end of free_area_init(), after its own allocations; once. */
void boot_finish_zones(struct boot *b);

/* Moves the lines of node @nid, whose pgdat came when zones were long there, behind that. */
void boot_tell_late_node(struct machine *m, int32_t nid);

/* ---- boot_unavailable.c ---------------------------------------------------------------------- */

/* Counts the page frames that have a struct page but are no memory, and answers the lines about them. */
void boot_answer_unavailable(struct machine *m);

/* ---- boot_zonelists.c ------------------------------------------------------------------------ */

void boot_build_zonelists(struct boot *b);

/* How much smaller nr_kernel_pages may be, where the log does not tell what was reserved. */
void boot_bound_kernel_pages(struct machine *m, const struct boot_input *in);

#endif
