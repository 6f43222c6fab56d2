/* SPDX-License-Identifier: MIT */
/*
 * Meminfo report: the picture of memory that the kernel prints into its log when an allocation
 * failed, when the OOM killer ran, or on SysRq-m, Linux 2.6.32 to 7.2:
 *
 *	X invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
 *	...
 *	Mem-Info:
 *	active_anon:5713 inactive_anon:2169 isolated_anon:0
 *	 ...
 *	Node 0 active_anon:22852kB inactive_anon:8676kB ... all_unreclaimable? no
 *	Node 0 DMA free:3588kB boost:0kB min:68kB ... present:15964kB managed:15876kB ...
 *	lowmem_reserve[]: 0 824 1947
 *	Node 0 DMA: 23*4kB (U) 2*8kB (U) ... = 3804kB
 *	Node 0 hugepages_total=0 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB
 *	217507 total pagecache pages
 *	512559 pages RAM
 *
 * Zones are named as printed; kernels without NUMA print no "Node N", which is NID_NONE here.  What
 * was not printed is absent, which is not 0.
 *
 * The numbers of a zone were read one after the other while the machine ran: the free list of a
 * zone often differs a little from its "free".
 *
 * Lines of one report may be torn apart and mixed with others on a busy console; what still can be
 * told is put together, and lines in between are counted.
 */
#ifndef TRACES_PROCFS_MEMINFO_REPORT_H
#define TRACES_PROCFS_MEMINFO_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "engine/units.h"
#include "traces/dmesg/text.h"
#include "traces/strings.h"

#define MEMINFO_REPORT_ORDERS_MAX 32

enum meminfo_request_kind {
	MEMINFO_REQUEST_NONE, /* no failing request was found before the report */
	MEMINFO_REQUEST_OOM, /* "X invoked oom-killer: ..." */
	MEMINFO_REQUEST_PAGE_ALLOC, /* "X: page allocation failure: ...", "vmemmap alloc ..." */
	MEMINFO_REQUEST_STALL, /* "X: page allocation stalls for 10004ms, ..." */
	/*
	 * "X: vmalloc: allocation failure: ..." and its variants; up to 4.10 "vmalloc: allocation failure:
	 * N bytes" in one of the MEMINFO_VMALLOC_LINES before "X: page allocation failure: ..."
	 */
	MEMINFO_REQUEST_VMALLOC,
};
#define MEMINFO_VMALLOC_LINES 4

enum meminfo_request_field {
	MEMINFO_REQUEST_ORDER = 1 << 0,
	MEMINFO_REQUEST_GFP = 1 << 1,
	MEMINFO_REQUEST_GFP_TEXT = 1 << 2,
	MEMINFO_REQUEST_NODEMASK = 1 << 3,
	MEMINFO_REQUEST_OOM_ADJ = 1 << 4,
};

struct meminfo_request {
	enum meminfo_request_kind kind;
	uint32_t line; /* of the log */
	uint32_t has;
	uint32_t order;
	uint64_t gfp; /* "gfp_mask=" or "mode:"; bits differ between kernels */
	int32_t oom_adj; /* "oom_score_adj" or, before 2.6.36, "oom_adj" */
	const char *comm; /* the task; empty if not printed */
	const char *gfp_text; /* "GFP_KERNEL|__GFP_ZERO" */
	const char *nodemask; /* "(null)", "0", "0-3" */
};

/* A number with its name as printed, "active_anon". */
struct meminfo_report_value {
	const char *name;
	uint64_t value;
};

/* Bits of struct meminfo_report_zone.has. */
enum meminfo_zone_field {
	MEMINFO_ZONE_FREE = 1 << 0,
	MEMINFO_ZONE_BOOST = 1 << 1,
	MEMINFO_ZONE_MIN = 1 << 2,
	MEMINFO_ZONE_LOW = 1 << 3,
	MEMINFO_ZONE_HIGH = 1 << 4,
	MEMINFO_ZONE_RESERVED_HIGHATOMIC = 1 << 5,
	MEMINFO_ZONE_FREE_HIGHATOMIC = 1 << 6,
	MEMINFO_ZONE_PRESENT = 1 << 7,
	MEMINFO_ZONE_MANAGED = 1 << 8,
	MEMINFO_ZONE_FREE_PCP = 1 << 9,
	MEMINFO_ZONE_LOCAL_PCP = 1 << 10,
	MEMINFO_ZONE_FREE_CMA = 1 << 11,
	MEMINFO_ZONE_RESERVE = 1 << 12, /* the lowmem_reserve line */
	MEMINFO_ZONE_FREE_LIST = 1 << 13, /* the "1*4kB (U) ..." line, at least its beginning */
	MEMINFO_ZONE_FREE_LIST_TOTAL = 1 << 14,
};

/* Bits of struct meminfo_report_zone.types: letters after a free list's entry. */
enum meminfo_type_bit {
	MEMINFO_TYPE_UNMOVABLE = 1 << 0, /* U */
	MEMINFO_TYPE_MOVABLE = 1 << 1, /* M */
	MEMINFO_TYPE_RECLAIMABLE = 1 << 2, /* E */
	MEMINFO_TYPE_HIGHATOMIC = 1 << 3, /* H */
	MEMINFO_TYPE_RESERVE = 1 << 4, /* R, before 4.4 */
	MEMINFO_TYPE_CMA = 1 << 5, /* C */
	MEMINFO_TYPE_ISOLATE = 1 << 6, /* I */
	MEMINFO_TYPE_OTHER = 1 << 7, /* any other letter */
};

struct meminfo_report_zone {
	int32_t nid; /* NID_NONE if no node was printed */
	uint32_t line; /* where it was first seen, of the log */
	const char *name;
	uint32_t has;
	/* kB, as printed; all others of the line are in @values. */
	uint64_t free_kb;
	uint64_t boost_kb;
	uint64_t min_kb;
	uint64_t low_kb;
	uint64_t high_kb;
	uint64_t reserved_highatomic_kb;
	uint64_t free_highatomic_kb;
	uint64_t present_kb;
	uint64_t managed_kb;
	uint64_t free_pcp_kb;
	uint64_t local_pcp_kb;
	uint64_t free_cma_kb;
	/* Every one of the line, in its order; "all_unreclaimable? yes" is 1. */
	struct meminfo_report_value *values;
	uint32_t nvalues;
	uint64_t *lowmem_reserve; /* pages */
	uint32_t nlowmem_reserve;
	/* Free blocks of each order; @block_kb is the size of order 0, mostly 4. */
	uint32_t norders;
	uint64_t block_kb;
	uint64_t blocks[MEMINFO_REPORT_ORDERS_MAX];
	uint8_t types[MEMINFO_REPORT_ORDERS_MAX]; /* enum meminfo_type_bit; 0: none printed */
	uint64_t free_list_kb; /* the sum the kernel printed, "= 3804kB" */
};

struct meminfo_report_node {
	int32_t nid;
	uint32_t line;
	struct meminfo_report_value *values; /* kB; "all_unreclaimable? yes" is 1 */
	uint32_t nvalues;
};

struct meminfo_report_hugepages {
	int32_t nid; /* NID_NONE if no node was printed */
	uint64_t total;
	uint64_t free;
	uint64_t surplus;
	uint64_t size_kb;
};

/* Bits of struct meminfo_report.has. */
enum meminfo_report_field {
	MEMINFO_REPORT_PAGECACHE = 1 << 0,
	MEMINFO_REPORT_SWAPCACHE = 1 << 1,
	MEMINFO_REPORT_FREE_SWAP = 1 << 2,
	MEMINFO_REPORT_TOTAL_SWAP = 1 << 3,
	MEMINFO_REPORT_RAM = 1 << 4,
	MEMINFO_REPORT_HIGHMEM = 1 << 5,
	MEMINFO_REPORT_RESERVED = 1 << 6,
	MEMINFO_REPORT_CMA = 1 << 7,
	MEMINFO_REPORT_HWPOISON = 1 << 8,
};

struct meminfo_report {
	struct meminfo_request request;
	/* Log lines [first, end), by index: "Mem-Info:" to the last that belongs to it. */
	size_t first;
	size_t end;
	uint32_t line; /* of "Mem-Info:" in the log, counted from 1 */
	/* The machine's totals, in pages: "active_anon" ... "free_cma". */
	struct meminfo_report_value *totals;
	uint32_t ntotals;
	struct meminfo_report_node *nodes; /* since 4.8 */
	uint32_t nnodes;
	struct meminfo_report_zone *zones; /* in the order first seen */
	uint32_t nzones;
	struct meminfo_report_hugepages *hugepages;
	uint32_t nhugepages;
	uint32_t has;
	uint64_t pagecache_pages;
	uint64_t swapcache_pages;
	uint64_t free_swap_kb;
	uint64_t total_swap_kb;
	uint64_t ram_pages; /* Σ present */
	uint64_t highmem_pages; /* "HighMem" or "HighMem/MovableOnly" */
	uint64_t reserved_pages; /* Σ present - managed */
	uint64_t cma_pages;
	uint64_t hwpoison_pages;
	/* Lines between @first and @end that we do not know; other programs' lines among them. */
	uint32_t unknown_lines;
	uint32_t first_unknown_line;
	/* Parts of known lines we could not read: a torn line, a word without value. */
	uint32_t unknown_fields;
	struct strings strings; /* private */
};

struct meminfo_reports {
	struct meminfo_report *reports; /* in the order of the log */
	size_t nreports;
	/*
	 * Failing requests that no "Mem-Info:" followed: the log is cut off there, or the kernel told
	 * something else, as when a memory cgroup was at its limit.  Of these reports only @request is
	 * filled in; @first and @end are the index of its line.
	 */
	struct meminfo_report *alone; /* in the order of the log */
	size_t nalone;
};

/*
 * Finds every report in log lines [0, @nlines), which are not needed afterwards: those of a struct
 * log_text, or any array with @text, @len and @line filled in.  No report at all is a success.
 *
 * A log is no place to be strict: a part that cannot be read, a number beyond 64 bits included, is
 * counted and left out.  The only error is ERROR_NO_MEMORY; then @ret is untouched.
 */
struct error *meminfo_reports_parse(const struct log_line *lines, size_t nlines,
				    struct meminfo_reports *ret);
/* Accepts a zeroed struct; leaves it zeroed. */
void meminfo_reports_deinit(struct meminfo_reports *reports);

/* NULL if there is no such zone. */
const struct meminfo_report_zone *meminfo_report_find(const struct meminfo_report *report,
						      int32_t nid, const char *zone);
/* A value by name in any of the lists above.  False if it was not printed. */
bool meminfo_report_value_of(const struct meminfo_report_value *values, uint32_t nvalues,
			     const char *name, uint64_t *ret);

#endif
