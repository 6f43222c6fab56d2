/* SPDX-License-Identifier: MIT */
/*
 * Fallback orders pick by pick: each time every node is looked at anew and the best is taken, as
 * find_next_best_node does.  zonelist.c sorts once instead.
 */
#ifndef ENGINE_TESTING_ZONELIST_ORACLE_H
#define ENGINE_TESTING_ZONELIST_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#define ZONELIST_ORACLE_NODES 12

struct zonelist_oracle {
	uint32_t node_count;
	bool possible[ZONELIST_ORACLE_NODES], memory[ZONELIST_ORACLE_NODES];
	bool cpus[ZONELIST_ORACLE_NODES]; /* known to have CPUs when the order is built */
	uint8_t distance[ZONELIST_ORACLE_NODES][ZONELIST_ORACLE_NODES];
	uint64_t max_nodes; /* what the kernel was built for */
	uint64_t penalty; /* distance added for a node with CPUs */
	bool accumulate; /* load counts picks (5.16 and later) instead of being set */
	bool skip_memoryless; /* a node without memory does not lead its own list (6.7 and later) */
	/* The result. */
	uint32_t length[ZONELIST_ORACLE_NODES];
	uint32_t order[ZONELIST_ORACLE_NODES][ZONELIST_ORACLE_NODES];
};

void zonelist_oracle_build(struct zonelist_oracle *o);

#endif
