/* SPDX-License-Identifier: MIT */
/*
 * Dump walk: where a MEMBLOCK dump begins and ends, and whether all its lines are there.
 *
 *	MEMBLOCK configuration:
 *	 memory size = 0x000000007ff7ac00 reserved size = 0x000000000318c0e8
 *	 memory.cnt  = 0x2
 *	 memory[0x0]	[0x0000000000001000-0x000000000009efff], ...
 *	 memory[0x1]	...
 *	 reserved.cnt  = 0x1
 *	 reserved[0x0]	...
 *
 * A log may have lost any of them, the heading too.  So a line that cannot stand where it does belongs to
 * another dump: one that comes earlier in this order, an index that does not grow or that the count above it
 * rules out, and any dump line after another line of memblock's.
 */
#ifndef TRACES_DMESG_DUMP_WALK_H
#define TRACES_DMESG_DUMP_WALK_H

#include "traces/dmesg/text.h"

/* In the order of a dump. */
enum dump_part {
	DUMP_NOWHERE,
	DUMP_HEADING,
	DUMP_SIZES,
	DUMP_MEMORY_COUNT,
	DUMP_MEMORY,
	DUMP_RESERVED_COUNT,
	DUMP_RESERVED
};

/* All zero before the first line. */
struct dump_walk {
	enum dump_part part; /* of the last line */
	uint64_t told, next; /* regions the list has by its count; index that comes next */
	bool begins; /* the last line was the first one of a dump */
	bool whole; /* all lines of the dump up to here were there */
};

void dump_walk_line(struct dump_walk *w, const char *text);

/* Are all lines there of the dump whose heading is line @first of @text? */
bool dump_walk_is_whole(const struct log_text *text, size_t first, size_t end);

#endif
