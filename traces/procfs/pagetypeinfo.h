/* SPDX-License-Identifier: MIT */
/*
 * Pagetypeinfo: /proc/pagetypeinfo as plain values.
 *
 *	Page block order: 9
 *	Pages per block:  512
 *
 *	Free pages count per migrate type at order       0      1  ...     10
 *	Node    0, zone      DMA, type    Unmovable      1      0  ...      0
 *
 *	Number of blocks type     Unmovable      Movable ...      Isolate
 *	Node 0, zone      DMA            1            7  ...            0
 *
 * The whole is repeated for each node.  Despite its title the first table counts free blocks, not
 * pages.  Which migrate types there are, and their order, differs between kernels: they are known
 * here by name, and by an index into @types that means something in this file alone.
 *
 * From 5.5 on the kernel stops counting a list at 100000 and prints ">100000": see @capped.
 */
#ifndef TRACES_PROCFS_PAGETYPEINFO_H
#define TRACES_PROCFS_PAGETYPEINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

/* Orders and migrate types a file may have at most. */
#define PAGETYPEINFO_ORDERS_MAX 64
#define PAGETYPEINFO_TYPES_MAX 64

struct pagetypeinfo_free {
	int32_t nid;
	uint32_t type; /* index into types */
	uint32_t line; /* counted from 1 */
	const char *zone;
	const uint64_t *free; /* free blocks of each order, norders of them */
	uint64_t capped; /* bit n: order n has more than the count says */
};

struct pagetypeinfo_blocks {
	int32_t nid;
	uint32_t line;
	const char *zone;
	const uint64_t *blocks; /* pageblocks of each type, ntypes of them; absent types are 0 */
};

struct pagetypeinfo {
	/* 2.6.25 and older do not say them. */
	bool has_block_order;
	uint32_t block_order; /* pageblock order */
	bool has_pages_per_block;
	uint64_t pages_per_block;
	const char **types; /* in order of first appearance; no two are equal */
	uint32_t ntypes;
	uint32_t norders;
	struct pagetypeinfo_free *free; /* in the order printed */
	uint32_t nfree;
	struct pagetypeinfo_blocks *blocks; /* "Number of blocks type" */
	uint32_t nblocks;
	struct pagetypeinfo_blocks *mixed; /* "Number of mixed blocks", with page_owner=on */
	uint32_t nmixed;
	uint32_t unknown_lines;
	uint32_t first_unknown_line;
	/* Private. */
	uint64_t *counts;
	char *names;
};

/*
 * Reads @len bytes at @text, which are not needed afterwards.  @name is what errors call the text.
 * Rows that a mail program wrapped are understood.
 *
 * Errors: ERROR_FORMAT without any row, ERROR_SYNTAX for a row that breaks off in a word,
 * ERROR_RANGE for a number beyond 64 bits, a row with a number of columns other than its table's or
 * given twice, or page block orders that contradict each other, ERROR_LIMIT, ERROR_NO_MEMORY.  On
 * failure @ret is untouched.
 */
struct error *pagetypeinfo_parse(const char *text, size_t len, const char *name,
				 struct pagetypeinfo *ret);
/* Accepts a zeroed struct; leaves it zeroed. */
void pagetypeinfo_deinit(struct pagetypeinfo *pi);

/* Index of a migrate type by name; UINT32_MAX if the file does not have it. */
uint32_t pagetypeinfo_type(const struct pagetypeinfo *pi, const char *type);
/* NULL if there is no such row. */
const struct pagetypeinfo_free *pagetypeinfo_find_free(const struct pagetypeinfo *pi, int32_t nid,
						       const char *zone, const char *type);
const struct pagetypeinfo_blocks *pagetypeinfo_find_blocks(const struct pagetypeinfo *pi,
							   int32_t nid, const char *zone);

#endif
