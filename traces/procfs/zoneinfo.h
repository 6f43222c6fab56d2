/* SPDX-License-Identifier: MIT */
/*
 * Zoneinfo: /proc/zoneinfo as plain values, Linux 2.6.32 to 7.2.
 *
 * Every number of the file is kept: the fields we know by name below, everything else that has a
 * name and a value as a statistic.  What a kernel did not print is absent, which is not 0: ask
 * zoneinfo_has().  Kernels before 4.19 do not list zones without memory at all, later ones list
 * them with zeros and without statistics and pagesets.
 *
 * All counts are in pages of the machine that printed the file, which does not say how large they
 * are.
 */
#ifndef TRACES_PROCFS_ZONEINFO_H
#define TRACES_PROCFS_ZONEINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

/* Bits of struct zoneinfo_zone.has: the member of the same name was printed. */
enum zoneinfo_field {
	ZONEINFO_FREE = 1 << 0,
	ZONEINFO_BOOST = 1 << 1,
	ZONEINFO_MIN = 1 << 2,
	ZONEINFO_LOW = 1 << 3,
	ZONEINFO_HIGH = 1 << 4,
	ZONEINFO_PROMO = 1 << 5,
	ZONEINFO_SCANNED = 1 << 6,
	ZONEINFO_SPANNED = 1 << 7,
	ZONEINFO_PRESENT = 1 << 8,
	ZONEINFO_MANAGED = 1 << 9,
	ZONEINFO_CMA = 1 << 10,
	ZONEINFO_START_PFN = 1 << 11,
	ZONEINFO_UNRECLAIMABLE = 1 << 12,
	ZONEINFO_PREV_PRIORITY = 1 << 13,
	ZONEINFO_INACTIVE_RATIO = 1 << 14,
	ZONEINFO_RESERVED_HIGHATOMIC = 1 << 15,
	ZONEINFO_FREE_HIGHATOMIC = 1 << 16,
};

struct zoneinfo_stat {
	const char *name; /* as printed: "nr_free_pages" */
	uint64_t value;
};

/* Bits of struct zoneinfo_pageset.has. */
enum zoneinfo_pageset_field {
	ZONEINFO_PCP_COUNT = 1 << 0,
	ZONEINFO_PCP_HIGH = 1 << 1,
	ZONEINFO_PCP_BATCH = 1 << 2,
	ZONEINFO_PCP_HIGH_MIN = 1 << 3,
	ZONEINFO_PCP_HIGH_MAX = 1 << 4,
	ZONEINFO_PCP_STAT_THRESHOLD = 1 << 5,
};

struct zoneinfo_pageset {
	uint32_t cpu;
	uint32_t has;
	uint64_t count;
	uint64_t high;
	uint64_t batch;
	uint64_t high_min;
	uint64_t high_max;
	uint64_t stat_threshold; /* "vm stats threshold" */
};

struct zoneinfo_zone {
	int32_t nid;
	uint32_t line; /* of "Node N, zone NAME", counted from 1 */
	const char *name;
	uint32_t has;
	uint64_t free; /* "pages free" */
	uint64_t boost;
	uint64_t min;
	uint64_t low;
	uint64_t high;
	uint64_t promo;
	uint64_t scanned; /* "scanned" or "node_scanned" */
	uint64_t spanned;
	uint64_t present;
	uint64_t managed;
	uint64_t cma;
	uint64_t start_pfn;
	uint64_t unreclaimable; /* "all_unreclaimable" or "node_unreclaimable" */
	uint64_t prev_priority;
	uint64_t inactive_ratio; /* "inactive_ratio" or "node_inactive_ratio" */
	uint64_t reserved_highatomic;
	uint64_t free_highatomic;
	/* lowmem_reserve, one per zone type; NULL if not printed.  Owned by struct zoneinfo. */
	const uint64_t *protection;
	uint32_t nprotection;
	/* In the order printed; the arrays are owned by struct zoneinfo, NULL when empty. */
	const struct zoneinfo_stat *stats;
	uint32_t nstats;
	/* The "per-node stats" printed inside this zone's block: mostly the node's first zone. */
	const struct zoneinfo_stat *node_stats;
	uint32_t nnode_stats;
	const struct zoneinfo_pageset *pagesets;
	uint32_t npagesets;
};

struct zoneinfo {
	struct zoneinfo_zone *zones; /* in the order printed; no node has two zones of one name */
	uint32_t nzones;
	/* Lines that are neither blank nor understood, and the number of the first one. */
	uint32_t unknown_lines;
	uint32_t first_unknown_line;
	/* What the zones point into; private. */
	uint64_t *protections;
	struct zoneinfo_stat *all_stats;
	struct zoneinfo_pageset *all_pagesets;
	char *names;
};

/*
 * Reads @len bytes at @text, which are not needed afterwards.  @name is what errors call the text.
 *
 * Errors: ERROR_FORMAT without any zone, ERROR_SYNTAX for a zone line or a known field that has no
 * number, ERROR_RANGE for a number beyond 64 bits or a zone, field or CPU given twice, ERROR_LIMIT,
 * ERROR_NO_MEMORY.  On failure @ret is untouched.
 */
struct error *zoneinfo_parse(const char *text, size_t len, const char *name, struct zoneinfo *ret);
/* Accepts a zeroed struct; leaves it zeroed. */
void zoneinfo_deinit(struct zoneinfo *zi);

static inline bool zoneinfo_has(const struct zoneinfo_zone *zone, enum zoneinfo_field field)
{
	return (zone->has & (uint32_t)field) != 0;
}

/* NULL if there is no such zone, CPU or statistic. */
const struct zoneinfo_zone *zoneinfo_find(const struct zoneinfo *zi, int32_t nid, const char *zone);
const struct zoneinfo_pageset *zoneinfo_pageset_of(const struct zoneinfo_zone *zone, uint32_t cpu);
const struct zoneinfo_stat *zoneinfo_stat_of(const struct zoneinfo_zone *zone, const char *name);
/* Statistics of a node, wherever they were printed. */
const struct zoneinfo_stat *zoneinfo_node_stat_of(const struct zoneinfo *zi, int32_t nid,
						  const char *name);

#endif
