/* SPDX-License-Identifier: MIT */
/*
 * Meminfo: /proc/meminfo, and the meminfo of one node in sysfs, as key and value.
 *
 *	MemTotal:        2001712 kB
 *	HugePages_Total:       0
 *	Node 0 MemTotal:          964556 kB
 *
 * (The block of a kernel log that starts with "Mem-Info:" is something else: meminfo_report.h.)
 */
#ifndef TRACES_PROCFS_MEMINFO_H
#define TRACES_PROCFS_MEMINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

struct meminfo_entry {
	const char *key; /* "MemTotal", "Active(anon)" */
	uint64_t value;
	bool kb; /* printed with "kB"; otherwise it is a plain count, as "HugePages_Total" */
	uint32_t line; /* counted from 1 */
};

struct meminfo {
	int32_t nid; /* the node, or NID_NONE for a machine's file */
	struct meminfo_entry *entries; /* in the order printed; no key twice */
	uint32_t nentries;
	uint32_t unknown_lines;
	uint32_t first_unknown_line;
	char *names; /* private */
};

/*
 * Reads @len bytes at @text, which are not needed afterwards.  @name is what errors call the text.
 *
 * Errors: ERROR_FORMAT without any entry, ERROR_RANGE for a number beyond 64 bits, a key given
 * twice or lines of different nodes, ERROR_LIMIT, ERROR_NO_MEMORY.  On failure @ret is untouched.
 */
struct error *meminfo_parse(const char *text, size_t len, const char *name, struct meminfo *ret);
/* Accepts a zeroed struct; leaves it zeroed. */
void meminfo_deinit(struct meminfo *mi);

/* NULL if there is no such key. */
const struct meminfo_entry *meminfo_find(const struct meminfo *mi, const char *key);
/* The value of a key printed in kB.  False if there is none, or if it is a plain count. */
bool meminfo_kb(const struct meminfo *mi, const char *key, uint64_t *ret);

#endif
