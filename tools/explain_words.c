/* SPDX-License-Identifier: MIT */
#include "tools/explain_words.h"

#include <assert.h>
#include <inttypes.h>

/* Some pages are on the LRU lists of any machine. */
#define RECLAIM_WORTH_TELLING 1024

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void put_zone(const struct sink *sink, const struct explain_zone *z)
{
	if (z->seen->nid != NID_NONE)
		sink_printf(sink, "Node %" PRId32 " ", z->seen->nid);
	sink_puts(sink, z->type_known ? zone_type_name(z->type) : "a zone");
}

int64_t explain_usable(const struct explain_zone *z)
{
	return z->answer.fast ? z->answer.fast_usable : z->answer.usable;
}

/* ---- a zone ------------------------------------------------------------------------------------ */

static void put_block_words(const struct explanation *e, const struct explain_zone *z,
			    const struct sink *sink)
{
	sink_printf(sink, "would pass with one free block of order %u or more of these types",
		    e->order);
	if (e->order && z->largest_order >= 0)
		sink_printf(sink, ": compaction, or a request of order %d at most",
			    z->largest_order);
}

static void put_page_words(const struct explanation *e, const struct explain_zone *z,
			   const struct sink *sink)
{
	sink_printf(sink, "would pass with %" PRIu64 " more free page%s", z->need_pages,
		    plural(z->need_pages));
	if (z->mark_max >= 0)
		sink_printf(sink, ", or a min watermark of at most %" PRId64 " page%s", z->mark_max,
			    plural((uint64_t)z->mark_max));
	if (z->need_min_free_kbytes)
		sink_printf(sink, " (vm.min_free_kbytes about %" PRIu64 " instead of %" PRIu64 ")",
			    z->need_min_free_kbytes, e->min_free_kb);
	if (z->boost_decides)
		sink_puts(sink, ", or without the boost (vm.watermark_boost_factor=0)");
	if (z->reserve_decides)
		sink_puts(sink, ", or without the lowmem reserve (vm.lowmem_reserve_ratio)");
	if (z->highatomic_decides)
		sink_puts(sink, ", or without the pages kept for atomic requests");
	if (z->cma_decides)
		sink_puts(sink, ", or as a movable request, which may use CMA areas");
	if (fact_get(&e->facts, FACT_watermark_looks_for_block) && z->has_lists &&
	    z->largest_order < (int)e->order)
		sink_printf(
			sink,
			"; and then with a free block of order %u or more, as there is none that "
			"it may use",
			e->order);
}

void explain_zone_words(const struct explanation *e, const struct explain_zone *z,
			const struct sink *sink)
{
	if (z->state == EXPLAIN_ZONE_LISTS ||
	    (z->state == EXPLAIN_ZONE_REFUSES && z->answer.refusal == WATERMARK_NO_BLOCK))
		put_block_words(e, z, sink);
	else if (z->state == EXPLAIN_ZONE_REFUSES)
		put_page_words(e, z, sink);
	else if (z->highatomic_unknown)
		sink_printf(
			sink,
			"the free lists show pages kept for atomic requests (H), but the report "
			"not how many: with %" PRId64 " more of them it would have refused",
			z->answer.usable - z->answer.limit);
}

/* ---- verdicts ---------------------------------------------------------------------------------- */

/* Where the OOM killer ran although reclaim had something left. */
static void put_reclaim_words(const struct explanation *e, const struct sink *sink)
{
	const struct explain_zone *most = NULL;

	if (e->report->request.kind != MEMINFO_REQUEST_OOM || e->replaced)
		return;
	for (uint32_t i = 0; i < e->nzones; i++) {
		const struct explain_zone *z = &e->zones[i];

		if (z->state <= EXPLAIN_ZONE_PASSES && z->reclaimable_pages > z->need_pages &&
		    (!most || z->reclaimable_pages > most->reclaimable_pages))
			most = z;
	}
	if (!most || most->reclaimable_pages < RECLAIM_WORTH_TELLING)
		return;
	sink_puts(sink, " Memory was not used up: in ");
	put_zone(sink, most);
	sink_printf(sink, ", %" PRIu64 " pages were on LRU lists that reclaim could have freed.",
		    most->reclaimable_pages);
}

/* What the refusing zones have in common, and the one that was nearest to passing. */
static void put_refused_words(const struct explanation *e, const struct sink *sink)
{
	const struct explain_zone *nearest = NULL;
	uint32_t blocks = 0, lists = 0, kept_away = 0;

	for (uint32_t i = 0; i < e->nzones; i++) {
		const struct explain_zone *z = &e->zones[i];

		lists += z->state == EXPLAIN_ZONE_LISTS;
		if (z->state != EXPLAIN_ZONE_REFUSES)
			continue;
		if (z->answer.refusal == WATERMARK_NO_BLOCK)
			blocks++;
		else if (!nearest || z->need_pages < nearest->need_pages)
			nearest = z;
	}
	for (uint32_t i = 0; i < e->nzones; i++)
		kept_away += e->zones[i].state == EXPLAIN_ZONE_NODEMASK ||
			     e->zones[i].state == EXPLAIN_ZONE_CPUSET;
	if (e->asked == 1)
		sink_puts(sink, "the one zone it may use refuses.");
	else if (e->asked == 2)
		sink_puts(sink, "both zones it may use refuse.");
	else
		sink_printf(sink, "all %" PRIu32 " zones it may use refuse.", e->asked);
	if (kept_away)
		sink_printf(sink, " %" PRIu32 " more %s kept from it by a node mask or a cpuset.",
			    kept_away, kept_away == 1 ? "is" : "are");
	if (e->empty) {
		sink_puts(sink, " No page is free and there are no watermarks: this early in the "
				"boot, memory has not been handed to the page allocator.");
		return;
	}
	if (blocks)
		sink_printf(
			sink,
			" Memory is fragmented: %" PRIu32
			" %s enough free pages, but in blocks that are too small or of types it "
			"may not use.",
			blocks, blocks == 1 ? "has" : "have");
	if (lists)
		sink_printf(sink,
			    " %" PRIu32
			    " would by the watermark, yet what is free there is of types it may "
			    "not use.",
			    lists);
	if (nearest && !blocks && !lists) {
		sink_puts(sink, " Nearest was ");
		put_zone(sink, nearest);
		sink_printf(sink, ": %" PRIu64 " more free page%s would have done.",
			    nearest->need_pages, plural(nearest->need_pages));
	}
	if (nearest && nearest->boost_decides && !blocks && !lists)
		sink_puts(sink, " It would have passed without the boost of its watermark.");
	put_reclaim_words(e, sink);
}

static void put_passes_words(const struct explanation *e, const struct sink *sink)
{
	bool high_refused = e->report->request.kind == MEMINFO_REQUEST_OOM;
	const struct explain_zone *best = NULL;
	int64_t spare = 0;

	for (uint32_t i = 0; i < e->nzones; i++) {
		const struct explain_zone *z = &e->zones[i];

		if (z->state != EXPLAIN_ZONE_PASSES)
			continue;
		high_refused = high_refused && z->has_last && z->last.refusal;
		if (!best || explain_usable(z) - z->answer.limit > spare) {
			best = z;
			spare = explain_usable(z) - z->answer.limit;
		}
	}
	assert(best);
	sink_puts(sink, "by the numbers printed, ");
	put_zone(sink, best);
	sink_printf(sink, " would serve it, with %" PRId64 " page%s to spare.", spare,
		    plural((uint64_t)spare));
	if (e->replaced)
		return;
	sink_puts(sink, " The report is made after the failure: ");
	if (best->highatomic_unknown)
		sink_puts(sink, "pages kept for atomic requests, which it does not show, refused "
				"it, or ");
	sink_puts(sink, "memory was freed in between");
	if (high_refused)
		sink_puts(sink, ", but less than the high watermark wants before the OOM killer");
	if (e->report->request.kind == MEMINFO_REQUEST_VMALLOC)
		sink_puts(sink, ", or vmalloc failed for another reason than pages");
	sink_puts(sink, ".");
	put_reclaim_words(e, sink);
}

static void put_vmalloc_words(const struct explanation *e, const struct sink *sink)
{
	uint64_t pages = e->vmalloc_bytes / 1024 / e->page_kb;

	if (e->report->ram_pages && pages > e->report->ram_pages)
		sink_printf(sink,
			    "vmalloc was asked for %" PRIu64 " pages on a machine of %" PRIu64
			    ": it refused before any zone was asked.",
			    pages, e->report->ram_pages);
	else
		sink_printf(sink,
			    "vmalloc found no range of addresses for %" PRIu64
			    " bytes: it gave up before any zone was asked.",
			    e->vmalloc_bytes);
}

void explain_verdict_words(const struct explanation *e, const struct sink *sink)
{
	switch (e->verdict) {
	case EXPLAIN_REFUSED:
		put_refused_words(e, sink);
		break;
	case EXPLAIN_PASSES:
		put_passes_words(e, sink);
		break;
	case EXPLAIN_NO_ZONE_ALLOWED:
		sink_puts(sink, "no zone of the report was open to it: node mask and cpuset leave "
				"none at or below its highest zone.");
		break;
	case EXPLAIN_MEMCG:
		sink_puts(sink, "a memory cgroup was at its limit");
		if (e->memcg_limit_kb)
			sink_printf(sink, ", %" PRIu64 " of %" PRIu64 " kB", e->memcg_usage_kb,
				    e->memcg_limit_kb);
		sink_puts(sink, ". The zones were not asked: this is no shortage of pages.");
		break;
	case EXPLAIN_SYSRQ:
		sink_puts(sink, "the OOM killer was called by hand (SysRq-f): no request failed.");
		break;
	case EXPLAIN_PAGE_FAULT:
		sink_puts(sink, "a page fault gave up and called the OOM killer without a request "
				"of its own: what failed inside it was not printed.");
		break;
	case EXPLAIN_NOT_PAGES:
		put_vmalloc_words(e, sink);
		break;
	case EXPLAIN_TOO_LARGE:
		sink_printf(sink, "order %u is larger than the largest block of ", e->order);
		if (e->max_order)
			sink_printf(sink, "this kernel, order %u.", e->max_order);
		else
			sink_puts(sink, "any kernel.");
		break;
	case EXPLAIN_NO_LOW_ZONE:
		sink_printf(sink,
			    "the report counts all %" PRIu64
			    " pages of the machine as HighMem or Movable, and the request may use "
			    "zones up to %s: there was none to ask.",
			    e->report->ram_pages, zone_type_name(e->highest));
		break;
	case EXPLAIN_NO_REQUEST:
		sink_puts(sink, "not explained: the log does not say which request failed. --order "
				"and --gfp ask for one.");
		break;
	case EXPLAIN_NO_REPORT:
		sink_puts(sink, "not explained: no Mem-Info follows, the log is cut off here.");
		break;
	case EXPLAIN_NO_ZONES:
		sink_puts(sink, "not explained: no zone was printed. The report is cut off, or the "
				"failure came before there were zones.");
		break;
	case EXPLAIN_NO_NUMBERS:
		sink_puts(sink, "not explained: free pages, watermarks or free lists of a zone are "
				"missing in the report.");
		break;
	case EXPLAIN_VERDICT_COUNT:
		break;
	}
}
