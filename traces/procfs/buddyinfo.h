/* SPDX-License-Identifier: MIT */
/*
 * Buddyinfo: /proc/buddyinfo as plain values.  One row a populated zone:
 *
 *	Node 0, zone    DMA32      3      3      2      2  ...      1    119
 *
 * The column is the order; how many there are differs between kernels and is read from the file.
 */
#ifndef TRACES_PROCFS_BUDDYINFO_H
#define TRACES_PROCFS_BUDDYINFO_H

#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

struct buddyinfo_zone {
	int32_t nid;
	uint32_t line; /* counted from 1 */
	const char *name;
	const uint64_t *free; /* free blocks of each order, norders of them */
};

struct buddyinfo {
	struct buddyinfo_zone *zones; /* in the order printed; no node has two zones of one name */
	uint32_t nzones;
	uint32_t norders; /* the same in each zone */
	uint32_t unknown_lines;
	uint32_t first_unknown_line;
	/* Private. */
	uint64_t *counts;
	char *names;
};

/*
 * Reads @len bytes at @text, which are not needed afterwards.  @name is what errors call the text.
 *
 * Errors: ERROR_FORMAT without any zone, ERROR_SYNTAX for a row that breaks off in a word,
 * ERROR_RANGE for a number beyond 64 bits, a zone given twice or a row with more or fewer orders
 * than the first, ERROR_LIMIT, ERROR_NO_MEMORY.  On failure @ret is untouched.
 */
struct error *buddyinfo_parse(const char *text, size_t len, const char *name,
			      struct buddyinfo *ret);
/* Accepts a zeroed struct; leaves it zeroed. */
void buddyinfo_deinit(struct buddyinfo *bi);

/* NULL if there is no such zone. */
const struct buddyinfo_zone *buddyinfo_find(const struct buddyinfo *bi, int32_t nid,
					    const char *zone);
/* Free pages of a zone: the sum of blocks times their size.  Saturates at UINT64_MAX. */
uint64_t buddyinfo_free_pages(const struct buddyinfo *bi, const struct buddyinfo_zone *zone);

#endif
