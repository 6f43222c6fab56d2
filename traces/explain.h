/* SPDX-License-Identifier: MIT */
/*
 * Explain: why an allocation failed or the OOM killer ran, from the report in the log.
 *
 * The report tells every zone's free pages, watermarks, reserves and free lists; the line before it
 * tells the request.  Each zone is asked again whether it would serve that request, by the rules of
 * that kernel (engine/watermark_check.h, engine/alloc_flags.h), and answers with every number it took.
 *
 * What a report does not tell, and what is done about it:
 *   - it was printed after the failure, so a zone may pass that had refused: then that is the answer
 *   - the node the request came from: every zone answers for itself, and no order is claimed
 *   - what the task was: a victim, a reclaiming or a real-time task may go lower than told here
 *   - before 5.5 the pages kept for high-order atomic requests: taken as 0, and said where it matters
 */
#ifndef TRACES_EXPLAIN_H
#define TRACES_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/arch.h"
#include "engine/error.h"
#include "engine/facts.h"
#include "engine/watermark_check.h"
#include "traces/dmesg/text.h"
#include "traces/procfs/meminfo_report.h"

enum explain_verdict {
	EXPLAIN_REFUSED, /* every zone the request may use refuses it: explained */
	EXPLAIN_PASSES, /* by the numbers printed, a zone would serve it */
	EXPLAIN_NO_ZONE_ALLOWED, /* node mask and cpuset leave no zone of the report */
	EXPLAIN_MEMCG, /* a memory cgroup was at its limit: the zones were not asked */
	EXPLAIN_SYSRQ, /* the OOM killer was called by hand: no request failed */
	EXPLAIN_PAGE_FAULT, /* a page fault ended in the OOM killer without a request of its own */
	EXPLAIN_NOT_PAGES, /* vmalloc gave up before it asked for pages */
	EXPLAIN_TOO_LARGE, /* the order is beyond the largest block of this kernel */
	EXPLAIN_NO_LOW_ZONE, /* all memory lies above the request's highest zone */
	/* From here on: could not be explained. */
	EXPLAIN_NO_REQUEST, /* "Mem-Info:" without the line that says what failed */
	EXPLAIN_NO_REPORT, /* the line without "Mem-Info:": cut off */
	EXPLAIN_NO_ZONES, /* "Mem-Info:" without any zone: cut off, or before there were zones */
	EXPLAIN_NO_NUMBERS, /* no zone has free pages and a min watermark */
	EXPLAIN_VERDICT_COUNT
};

/* Short and stable: "refused". */
const char *explain_verdict_name(enum explain_verdict verdict);
bool explain_is_explained(enum explain_verdict verdict);

/* Where the kernel's version comes from. */
enum explain_source {
	EXPLAIN_VERSION_GIVEN, /* by the caller */
	EXPLAIN_VERSION_REPORT, /* "Not tainted 6.1.0-13-amd64", of this report or the nearest other one */
	EXPLAIN_VERSION_BANNER, /* "Linux version ..." */
	EXPLAIN_VERSION_SHAPE, /* guessed from what the report looks like */
};

/* Bits of a gfp mask that matter here; the first four lie where every kernel has them. */
enum explain_gfp {
	EXPLAIN_GFP_DMA = 1 << 0,
	EXPLAIN_GFP_HIGHMEM = 1 << 1,
	EXPLAIN_GFP_DMA32 = 1 << 2,
	EXPLAIN_GFP_MOVABLE = 1 << 3,
	EXPLAIN_GFP_HIGH = 1 << 4,
	EXPLAIN_GFP_ATOMIC = 1 << 5,
	EXPLAIN_GFP_DIRECT_RECLAIM = 1 << 6,
	EXPLAIN_GFP_NOMEMALLOC = 1 << 7,
	EXPLAIN_GFP_MEMALLOC = 1 << 8,
	EXPLAIN_GFP_HARDWALL = 1 << 9,
	EXPLAIN_GFP_THISNODE = 1 << 10,
};

/*
 * Reads a mask as printed, "GFP_KERNEL|__GFP_ZERO" or NULL if only the number is there.  Names count
 * where there are any: they mean the same everywhere, numbers change with version and configuration.
 * *@unknown_ret tells whether a name is not known.
 */
uint32_t explain_gfp_read(uint64_t number, const char *names, const struct facts *facts,
			  bool *unknown_ret);

enum explain_zone_state {
	EXPLAIN_ZONE_REFUSES, /* by the watermark check: .answer says why */
	EXPLAIN_ZONE_LISTS, /* passes the check, but its free blocks are of types the request may not use */
	EXPLAIN_ZONE_PASSES,
	EXPLAIN_ZONE_ABOVE, /* not asked: above the request's highest zone */
	EXPLAIN_ZONE_NODEMASK, /* not asked: node not in the node mask */
	EXPLAIN_ZONE_CPUSET, /* not asked: node not in the task's cpuset */
	EXPLAIN_ZONE_UNKNOWN, /* free pages or watermark are missing in the report */
	EXPLAIN_ZONE_STATE_COUNT
};

const char *explain_zone_state_name(enum explain_zone_state state);

struct explain_zone {
	const struct meminfo_report_zone *seen; /* borrowed from the reports */
	enum explain_zone_state state;
	bool type_known;
	enum zone_type type;
	/* Pages all; the pointers lead to the arrays below. */
	struct watermark_zone numbers;
	uint32_t nonempty[MIGRATE_TYPE_COUNT];
	uint64_t nr_free[MEMINFO_REPORT_ORDERS_MAX];
	bool has_lists; /* the free list was printed, and is whole */
	bool has_types; /* with migratetypes, from 3.8 on */
	bool has_reserve; /* the lowmem reserve for this request was printed; else taken as 0 */
	/* Blocks are kept for atomic requests and would count here, how many was not printed. */
	bool highatomic_unknown;
	struct watermark_answer answer; /* at the min watermark: the slow path's last word */
	/* The one attempt at the high watermark before the OOM killer is called; OOM reports only. */
	bool has_last;
	struct watermark_answer last;
	/* What would have let it pass; where .state is EXPLAIN_ZONE_REFUSES. */
	uint64_t need_pages; /* so many more free pages, all else the same; 0: pages are enough */
	int64_t mark_max; /* or a min watermark (boost included) of at most this; -1: none would do */
	uint64_t need_min_free_kbytes; /* roughly what vm.min_free_kbytes would be then */
	bool boost_decides; /* without the boost of the watermark it would have passed */
	bool reserve_decides; /* without the lowmem reserve */
	bool highatomic_decides; /* without what is kept for atomic requests */
	bool cma_decides; /* if it could use CMA areas */
	uint32_t types; /* migratetypes that were looked at for a block */
	int largest_order; /* of the free blocks of these; -1: none */
	int largest_other; /* of the other free blocks; -1: none */
	/*
	 * File pages, and anonymous ones as far as there is free swap space, and for those of the swap cache: what
	 * reclaim could have freed at most.
	 */
	uint64_t reclaimable_pages;
};

struct explanation {
	const struct meminfo_report *report; /* borrowed */
	enum explain_verdict verdict;
	uint32_t first_line; /* of the log */
	/* The kernel. */
	enum explain_source version_source;
	uint32_t version, version_line;
	char release[64]; /* "5.0.10-zb64"; empty if not printed */
	struct facts facts;
	/* The request, with what the caller replaced. */
	bool has_order, has_gfp, gfp_unknown;
	bool replaced; /* order or mask are not those of the report */
	unsigned int order;
	uint64_t gfp;
	char gfp_names[256];
	uint32_t gfp_bits; /* enum explain_gfp */
	unsigned int alloc_flags; /* of the slow path */
	uint32_t types; /* migratetypes it can be served from: alloc_flags_types() */
	uint32_t
		check_types; /* with order > 0: those in which the watermark check looks for a block */
	enum zone_type highest; /* gfp_zone() */
	unsigned int highest_rank; /* its place in lowmem_reserve[] */
	char mems_allowed[64]; /* "0-3"; empty if not printed */
	char nodemask[64]; /* "0,2"; empty if there was none */
	char constraint[32]; /* "MEMCG", "CPUSET" ...; empty if not printed */
	bool softwall; /* bound by a cpuset, but not hard: other nodes may have been tried */
	uint64_t vmalloc_bytes; /* EXPLAIN_NOT_PAGES */
	uint64_t memcg_usage_kb, memcg_limit_kb; /* EXPLAIN_MEMCG; 0: not printed */
	/* The report. */
	unsigned int page_kb;
	unsigned int max_order; /* of the free lists; 0: none printed */
	uint64_t min_free_kb; /* Σ min of the low zones less boost: about vm.min_free_kbytes */
	struct explain_zone
		*zones; /* node by node, highest zone first: the order they are asked in */
	uint32_t nzones;
	uint32_t asked, refused, passing; /* zones */
	bool empty; /* no zone that was asked has a free page or a watermark: early in the boot */
};

/* What the caller knows better. */
struct explain_options {
	bool has_version;
	uint32_t version;
	bool has_order;
	unsigned int order;
	bool has_gfp;
	uint64_t gfp; /* if @gfp_names is NULL */
	const char *gfp_names;
	/* Makes the row of facts of a version; NULL: facts_init(). */
	void (*facts)(const void *ctx, uint32_t version, struct facts *ret);
	const void *ctx;
};

struct explanations {
	struct explanation *all; /* in the order of the log */
	size_t count;
	struct meminfo_reports reports;
};

/*
 * Explains every report and every request without one in log lines [0, @nlines), which are not needed
 * afterwards.  None at all is a success.  @options may be NULL.  The only error is ERROR_NO_MEMORY.
 */
struct error *explain_log(const struct log_line *lines, size_t nlines,
			  const struct explain_options *options, struct explanations *ret);
/* Accepts a zeroed struct; leaves it zeroed. */
void explanations_deinit(struct explanations *explanations);

#endif
