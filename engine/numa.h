/* SPDX-License-Identifier: MIT */
/*
 * Early NUMA: which address belongs to which node, before any node exists.  Blocks come from the SRAT
 * (or a device tree), are cleaned up, perhaps cut into fake nodes, and then stamped on memblock.
 */
#ifndef ENGINE_NUMA_H
#define ENGINE_NUMA_H

#include "engine/machine.h"

/*
 * Copies the input's blocks into m->numa_blocks, clipped to [low, high), empty ones and (in newer kernels)
 * those without memory dropped, blocks of one node joined where no other node's block lies between (each
 * join is an answer).  Returns false when two nodes' blocks overlap: the kernel then rejects the whole table.
 */
bool numa_cleanup_blocks(struct machine *m, const struct boot_input *in, phys_t low, phys_t high);

/*
 * What the input's CXL windows make of m->numa_blocks, and the nodes that they get: m->window_nids.  False
 * without memory.
 */
bool numa_add_windows(struct machine *m, const struct boot_input *in);

/* Joins blocks of one node between which no other node lies. Returns false when nodes overlap. */
bool numa_join_blocks(struct machine *m);

/* One block, node 0, all of [start, end). */
void numa_dummy_block(struct machine *m, phys_t start, phys_t end);

/*
 * Cuts m->numa_blocks into fake nodes as numa=fake= says; answers are added.  Returns false when the
 * option makes no sense (the kernel then ignores it).  m->distance is rebuilt for the fake nodes.
 */
bool numa_emulate(struct machine *m, const char *option);

/* Do the blocks cover all memory but less than 1 MiB?  Else the kernel uses none of them. */
bool numa_blocks_cover_memory(const struct machine *m);

/* Stamps the blocks on memblock's memory and reserved regions; clears HOTPLUG where the kernel does. */
void numa_register_blocks(struct machine *m);

/* Gives node data to the nodes that memory belongs to: nodes[].online. */
void numa_online_nodes(struct machine *m);

/* Distance of @to from @from: the table's, or 10 / 20. */
uint8_t numa_distance(const struct machine *m, uint32_t from, uint32_t to);

#endif
