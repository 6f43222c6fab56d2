/* SPDX-License-Identifier: MIT */
/*
 * Infer: what a log shows about the kernel it came from, beyond what it says.
 *
 * A log names neither the page size nor how the kernel was configured, but its answers follow from
 * them: which zones are listed, whether nodes are spoken of, how large a table of a given order is.
 *    Any of these lines may be lost, so that one is missing proves nothing; see zone_is_absent().
 * 1. infer_line() looks at every line before any is parsed, infer_machine() turns that into the
 *    configuration the parsers need: page size, family of the architecture, zone types, NUMA.
 * 2. infer_fit() runs when all lines are parsed.  A log without its first line gets the era that comes
 *    nearest, one without any range of memory a range as long as its total.  If the usual configuration does not give the memory
 *    map's size and the holes the log tells, the first of a short list that does is taken, and the
 *    input is marked so: answers that depend on it count as given, not as predicted.
 */
#ifndef TRACES_INFER_H
#define TRACES_INFER_H

#include "traces/boot_log.h"

struct infer {
	unsigned int page_shift; /* 0 = not shown */
	unsigned int pointer_bytes; /* 4 or 8; 0 = not shown */
	unsigned int section_shift; /* of the architecture's family; 0 = unknown */
	uint64_t node_bytes, node_pages; /* of all nodes: what their ranges hold and "totalpages" */
	uint32_t nodes; /* highest node spoken of + 1 */
	/* Zone types listed, 0 = none; lines of the list may be lost.  Starts in bytes, PHYS_MAX = empty. */
	uint32_t zones_mask;
	phys_t zone_start[ZONE_TYPE_COUNT];
	phys_t lowest; /* start of memory as ranges of nodes tell it; only with node_bytes */
	bool in_zones; /* inside the list */
	bool memory_line, memory_line_highmem; /* the "Memory:" line; and it tells of highmem */
	bool built, policy_zone; /* zonelists were built; and with a policy zone */
	bool numa_code; /* code that only a NUMA kernel has has spoken */
};

void infer_line(struct infer *infer, const struct log_line *line);
void infer_machine(const struct infer *infer, struct boot_log *log);
/* Facts that lines show, where the version says otherwise: patches are carried between versions. */
void infer_facts(struct boot_log *log);
void infer_fit(struct boot_log *log);

#endif
