/* SPDX-License-Identifier: MIT */
/*
 * Nodes: what a capture's numa/ folder says about the NUMA nodes of a running machine.  It holds
 * copies of /sys/devices/system/node/nodeN/{distance,cpulist,meminfo}, named nodeN.distance and so
 * on.
 *
 * A node's distance file has one number for each node that is online, in order of node ids.  Node
 * ids may have gaps, so the matrix here goes by index into @nodes, which is sorted by node id.
 */
#ifndef TRACES_PROCFS_NODES_H
#define TRACES_PROCFS_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "traces/procfs/meminfo.h"

/* CPU numbers are below this. */
#define NODES_CPUS_MAX 65536

struct nodes_node {
	int32_t nid;
	bool has_distances;
	bool has_cpus;
	bool has_meminfo;
	uint32_t *distances; /* one a node, if has_distances */
	uint32_t ndistances; /* nnodes, or 0 */
	uint32_t *cpus; /* ascending; empty for a node without CPUs */
	uint32_t ncpus;
	struct meminfo meminfo;
};

struct nodes {
	struct nodes_node *nodes; /* by node id, ascending */
	uint32_t nnodes;
	/* Files in the folder whose name we do not know (numastat, has_cpu ... are known). */
	uint32_t unknown_files;
};

/*
 * Reads a folder.  A folder that exists and is empty is a success without nodes: kernels built
 * without NUMA have none.
 *
 * Errors: those of input_read_in() and meminfo_parse(), ERROR_SYNTAX, and ERROR_RANGE for CPUs out
 * of order or a row of distances that does not have one number a node.  On failure @ret is
 * untouched.
 */
struct error *nodes_read(const char *dir, struct nodes *ret);
/* Accepts a zeroed struct; leaves it zeroed. */
void nodes_deinit(struct nodes *nodes);

/*
 * The same piece by piece, for tests and other sources: start with a zeroed struct, give the files
 * in any order, finish.  @file is "node3.distance"; @name is what errors call it.  After an error
 * only nodes_deinit() may be called.
 */
struct error *nodes_add(struct nodes *nodes, const char *file, const char *text, size_t len,
			const char *name);
struct error *nodes_finish(struct nodes *nodes, const char *name);

/* NULL if there is no such node. */
const struct nodes_node *nodes_find(const struct nodes *nodes, int32_t nid);
/* The first node with this CPU, or NID_NONE.  With numa=fake= a CPU is in more than one. */
int32_t nodes_of_cpu(const struct nodes *nodes, uint32_t cpu);
/* False if one of the nodes is not there or has no distances. */
bool nodes_distance(const struct nodes *nodes, int32_t from, int32_t to, uint32_t *ret);

#endif
