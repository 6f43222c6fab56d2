/* SPDX-License-Identifier: MIT */
/*
 * Rerun: the requests of a trace, served by a machine of one's own choice.
 *
 * Of every allocation only what was asked for is taken: CPU, order, migratetype, zones.  The machine hands
 * out a page of its own, and remembers it under the page frame that was recorded; a free of that frame, or
 * of a part of it, frees its own.  So two machines that differ in one setting can be asked what the same
 * work would have done to them.
 *
 * It starts as the boot left it.  Frees of pages from before the trace, which it does not have, are left
 * out; what the kernel reclaimed is freed when the trace says so, however much memory there is.
 *
 * So nothing is reclaimed here.  A request is served as far as the slow path goes without: from the low
 * watermark, then from the min watermark, then with the rights of its gfp flags.  If that does not serve it,
 * it has no page, and its free does nothing; the real one had its page only because memory was reclaimed or
 * compacted first, or because that machine had more left.
 */
#ifndef ENGINE_RERUN_H
#define ENGINE_RERUN_H

#include "engine/event.h"
#include "engine/machine.h"
#include "engine/page_alloc.h"

struct rerun_stats {
	uint64_t requests; /* allocations that the trace has a page for */
	/* Of these, requests that ... */
	uint64_t
		below_low; /* ... found all zones below their low watermark: kswapd would be woken */
	uint64_t
		from_reserves; /* ... were served below the min watermark, by rights of their gfp flags */
	uint64_t failed; /* ... got no page */
	uint64_t must_reclaim; /* ... got none, but could have waited for memory to be reclaimed */
	uint64_t failed_order[BUDDY_ORDER_COUNT];
	uint64_t failed_in_trace; /* allocations that the trace has no page for: left out */
	uint64_t fallbacks; /* pages from a list of another migratetype */
	uint64_t claimed; /* ... where the pageblock changed its type */
	uint64_t remote; /* pages from another node than that of the CPU */
	uint64_t lower_zone; /* pages from a lower zone than the request allowed and the node has */
	uint64_t frees; /* blocks, or parts of them */
	uint64_t
		failed_frees; /* of blocks whose request had failed here: there is nothing to free */
	uint64_t unknown_frees; /* of pages this trace has not allocated */
	uint64_t lock_takes; /* of a zone's lock */
	/* What the trace itself tells, of the kernel that wrote it, by the zones that this machine has. */
	struct rerun_told {
		uint64_t extfrag, claimed; /* events, and those that changed a pageblock's type */
		uint64_t remote, lower_zone; /* recorded pages, as above */
		uint64_t frees;
	} told;
};

/* What the last event did to the machine. */
struct rerun_step {
	enum rerun_did {
		RERUN_NOTHING, /* not an allocation or free, or one that cannot be served here */
		RERUN_ALLOC,
		RERUN_FREE
	} did;
	pfn_t pfn; /* first page of our own block; PFN_NONE: there was none, or of a free, unknown */
	uint32_t zone; /* alloc: that it came from, or BUDDY_ZONE_NONE */
	uint32_t
		moves; /* pages and blocks that lists of the zones took or gave, pageblocks claimed */
};

struct rerun;

/* The node of each of @count CPUs of @m, which was booted from @in; the caller frees.  NULL without memory. */
int32_t *rerun_cpu_nodes(const struct machine *m, const struct boot_input *in, uint32_t count);

/*
 * @m was booted to its end with free lists, which change.  @traced_by is the kernel that wrote the trace:
 * its numbers of migratetypes and GFP bits.  @cpu_nid has the node of each of @cpu_count CPUs.  All are
 * borrowed but @cpu_nid.  NULL when the host has no memory.
 */
struct rerun *rerun_create(struct machine *m, const struct machine *traced_by,
			   const int32_t *cpu_nid, uint32_t cpu_count);
void rerun_destroy(struct rerun *r);
/* An equal one with free lists of its own; the machine stays borrowed.  NULL when the host has no memory. */
struct rerun *rerun_clone(const struct rerun *from);

void rerun_event(struct rerun *r, const struct event *e);
const struct rerun_stats *rerun_stats(const struct rerun *r);
/* Of the event given last; void before the first. */
const struct rerun_step *rerun_last(const struct rerun *r);
/* The state: lists and page sets.  Lent until the next event. */
const struct page_alloc *rerun_alloc(const struct rerun *r);
/*
 * A digest of the state: equal where every free page has the same place on the same list, be it of a zone
 * or a CPU, and every pageblock the same type, whatever the facts of the two machines are.  How large page
 * sets may grow is not part of it.
 */
uint64_t rerun_hash(const struct rerun *r);
/* Free pages of all zones. */
uint64_t rerun_free_pages(const struct rerun *r);
/* buddy_view_unusable() of it. */
unsigned int rerun_unusable(const struct rerun *r, unsigned int order);
bool rerun_out_of_memory(const struct rerun *r);

#endif
