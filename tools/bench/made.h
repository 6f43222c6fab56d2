/* SPDX-License-Identifier: MIT */
/*
 * Made: the boot of a machine that nobody has, from its size alone.
 *
 * An x86-64 of many nodes: what fits of the first lies below the hole at 2 GiB, each further node has
 * its memory after the one before, with a small reserved range inside.  A node has 256 MiB or more.
 * Nodes sit on boards and boards in racks, and distances grow with each step.  Steps are those of a 6.12
 * kernel up to zonelists (or to the end of the boot): image and ramdisk, page tables, NODE_DATA, memory
 * map, hash tables.
 */
#ifndef TOOLS_BENCH_MADE_H
#define TOOLS_BENCH_MADE_H

#include "engine/boot_input.h"

struct made_machine {
	uint32_t nodes;
	uint64_t node_bytes;
	uint32_t cpus_per_node;
};

/* Fills @ret; false without memory.  To be ended with made_deinit() in both cases. */
bool made_init(struct boot_input *ret, const struct made_machine *what);
void made_deinit(struct boot_input *in);

#endif
