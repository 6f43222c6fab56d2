/* SPDX-License-Identifier: MIT */
#include "engine/page_alloc_invariants.h"

#include "engine/buddy_entry.h"
#include "engine/pageset.h"
#include "engine/pageset_list.h"

static void add(const struct page_alloc *a, struct findings *ret, enum invariant invariant,
		uint32_t zone, pfn_t pfn, uint64_t expected, uint64_t seen, const char *what)
{
	const struct buddy_zone *z = &a->buddy->zones[zone];

	findings_add(ret, invariant, z->nid, (int32_t)z->type, pfn, expected, seen, what);
}

static uint64_t pageblock_pages(const struct page_alloc *a)
{
	return 1ULL << a->buddy->pageblock_order;
}

/* ---- requests ---------------------------------------------------------------------------------- */

void page_alloc_invariants_look(const struct page_alloc *a, struct zone_seen *ret)
{
	for (uint32_t zone = 0; zone < a->zone_count; zone++) {
		const struct buddy_zone *z = &a->buddy->zones[zone];

		for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
			ret[zone].free_pages[t] = z->free_pages[t];
		ret[zone].reserved_highatomic = a->zones[zone].reserved_highatomic;
		ret[zone].boost = a->zones[zone].boost;
	}
}

/* The least that must be free for a request with these rights, by the watermark alone. */
static int64_t least_mark(const struct alloc_rules *r, const struct alloc_zone *z, uint64_t boost,
			  const struct alloc_request *req)
{
	int64_t min = (int64_t)z->watermark[WMARK_MIN];
	uint32_t flags = req->flags;

	if (req->order || !r->watermark.boost_retest || !(flags & ALLOC_SKIP_BOOST))
		min += (int64_t)boost;
	if (r->watermark.min_reserve) {
		if (flags & ALLOC_MIN_RESERVE) {
			min -= min / 2;
			if (flags & ALLOC_NON_BLOCK)
				min -= min / 4;
		}
		if (flags & ALLOC_OOM)
			min -= min / 2;
		return min;
	}
	if (flags & ALLOC_MIN_RESERVE)
		min -= min / 2;
	if (flags & ALLOC_OOM)
		min -= min / 2;
	else if (flags & ALLOC_NON_BLOCK)
		min -= min / 4;
	return min;
}

static void check_watermark(const struct page_alloc *a, const struct zone_seen *seen,
			    const struct alloc_request *req, pfn_t pfn, uint32_t zone,
			    struct findings *ret)
{
	const struct alloc_rules *r = &a->rules;
	const struct alloc_zone *z = &a->zones[zone];
	uint32_t right = r->watermark.min_reserve ? ALLOC_RIGHTS : ALLOC_NON_BLOCK | ALLOC_OOM;
	int64_t usable = 1 - (1LL << req->order), need;

	if (req->flags & ALLOC_NO_WATERMARKS)
		return;
	for (unsigned int t = 0; t < MIGRATE_ISOLATE; t++)
		usable += (int64_t)seen->free_pages[t];
	if (!(req->flags & right))
		usable -= (int64_t)(r->counts_free_highatomic ? seen->free_pages[MIGRATE_HIGHATOMIC]
							      : seen->reserved_highatomic);
	if (r->cma && !(req->flags & ALLOC_CMA))
		usable -= (int64_t)seen->free_pages[MIGRATE_CMA];
	need = least_mark(r, z, seen->boost, req) + (int64_t)z->lowmem_reserve[req->highest];
	if (usable <= need)
		add(a, ret, INVARIANT_WATERMARK_KEPT, zone, pfn, need > 0 ? (uint64_t)need + 1 : 0,
		    usable > 0 ? (uint64_t)usable : 0,
		    "pages were given although too few were free for that");
}

static void check_reservation(const struct page_alloc *a, const struct zone_seen *seen,
			      const struct alloc_request *req, pfn_t pfn, uint32_t zone,
			      struct findings *ret)
{
	uint64_t block = pageblock_pages(a), pages = max_u64(block, 1ULL << req->order);
	uint64_t grown = a->zones[zone].reserved_highatomic - seen->reserved_highatomic;

	if (!grown)
		return;
	if (grown != pages)
		add(a, ret, INVARIANT_HIGHATOMIC_BLOCKS, zone, pfn, pages, grown,
		    "another number of pages is kept than those of its pageblocks");
	for (pfn_t at = pfn; at < pfn + (1ULL << req->order); at += block)
		if (buddy_block_type(a->buddy, zone, at) != MIGRATE_HIGHATOMIC)
			add(a, ret, INVARIANT_HIGHATOMIC_BLOCKS, zone, at, 0, 0,
			    "a pageblock of the request is not kept");
}

/* What the request added in @zone; memory that goes later lowers limits, but takes nothing back. */
static void check_limits(const struct page_alloc *a, const struct zone_seen *seen, uint32_t zone,
			 struct findings *ret)
{
	const struct alloc_zone *z = &a->zones[zone];
	uint64_t block = pageblock_pages(a), part = z->managed / 100, most = 0;

	if (z->managed >= 4 * block)
		most = max_u64(block, z->watermark[WMARK_HIGH] + z->watermark[WMARK_HIGH] / 2);
	if (z->boost > seen->boost && z->boost > most)
		add(a, ret, INVARIANT_BOOST_BOUNDED, zone, FINDING_NOWHERE, most, z->boost,
		    "watermarks are boosted by more pages than that");
	most = 0;
	if (part >= block)
		most = round_up_to(part, block) + (1ULL << a->buddy->max_order) - block;
	if (z->reserved_highatomic > seen->reserved_highatomic && z->reserved_highatomic > most)
		add(a, ret, INVARIANT_HIGHATOMIC_LIMIT, zone, FINDING_NOWHERE, most,
		    z->reserved_highatomic, "more pages are kept for atomic requests than that");
}

void page_alloc_invariants_request(const struct page_alloc *a, const struct zone_seen *seen,
				   const struct alloc_request *req, pfn_t pfn, uint32_t zone,
				   struct findings *ret)
{
	for (uint32_t i = 0; i < a->zone_count; i++)
		check_limits(a, &seen[i], i, ret);
	if (pfn == PFN_NONE)
		return;
	check_watermark(a, &seen[zone], req, pfn, zone, ret);
	check_reservation(a, &seen[zone], req, pfn, zone, ret);
	if (!(req->flags & ALLOC_CMA) && buddy_block_type(a->buddy, zone, pfn) == MIGRATE_CMA)
		add(a, ret, INVARIANT_CMA_RIGHTS, zone, pfn, 0, 0,
		    "a page of a CMA area was given to a request that may not have it");
}

/* ---- page sets --------------------------------------------------------------------------------- */

/* Does @pfn lie in memory of @zone? */
static bool is_in_zone(const struct page_alloc *a, uint32_t zone, pfn_t pfn)
{
	const struct buddy_zone *z = &a->buddy->zones[zone];
	const struct node_range *range = buddy_memory_at(a->buddy, pfn);

	return range && node_range_is_of(range, z->nid, z->type) && pfn >= z->start && pfn < z->end;
}

/* Returns the blocks on the list, as far as it can be followed. */
static uint32_t check_list(struct page_alloc *a, uint32_t zone, const struct pcp_list *list,
			   struct findings *ret)
{
	const struct buddy *b = a->buddy;
	uint32_t link = list->head, before = LINK_NONE, n = 0;

	for (; n < list->count; n++) {
		struct buddy_block block;
		uint64_t entry;
		pfn_t pfn;

		if (link >> b->max_order >= b->chunk_count ||
		    b->homes[link >> b->max_order].slot >= b->slot_count)
			break;
		entry = b->entries[link];
		pfn = pcp_link_pfn(b, link);
		if (entry_order(entry) != ENTRY_ORDER_PCP || entry_before(entry) != before)
			break;
		if (!is_in_zone(a, zone, pfn))
			add(a, ret, INVARIANT_PCP_ZONE, zone, pfn, 0, 0,
			    "a page set has a page of another zone");
		if (buddy_find(b, zone, pfn, &block))
			add(a, ret, INVARIANT_PCP_FREE, zone, pfn, 0, 0,
			    "a page of a page set is on a free list, too");
		before = link;
		link = entry_after(entry);
	}
	if (n != list->count || (n && list->tail != before))
		add(a, ret, INVARIANT_PCP_COUNT, zone, FINDING_NOWHERE, list->count, n,
		    "a list of a page set cannot be followed to its end");
	return n;
}

static void check_set(struct page_alloc *a, uint32_t zone, uint32_t cpu, struct findings *ret)
{
	const struct pageset *set = page_alloc_set(a, zone, cpu);
	uint64_t pages = 0;

	for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
		if ((set->nonempty >> index & 1) != (set->lists[index].count > 0))
			add(a, ret, INVARIANT_PCP_COUNT, zone, FINDING_NOWHERE, 0, 0,
			    "the bitmap of a page set's lists is wrong");
		if (set->lists[index].count)
			pages += (uint64_t)check_list(a, zone, &set->lists[index], ret)
				 << pageset_list_order(a, index);
	}
	if (pages != set->count)
		add(a, ret, INVARIANT_PCP_COUNT, zone, FINDING_NOWHERE, pages, set->count,
		    "a page set counts other pages than it has");
	if (!set->batch)
		add(a, ret, INVARIANT_PCP_COUNT, zone, FINDING_NOWHERE, 1, 0,
		    "a page set has no batch");
}

static void check_sizes(struct page_alloc *a, uint32_t zone, uint32_t cpu, const struct node *nodes,
			struct findings *ret)
{
	const struct buddy_zone *bz = &a->buddy->zones[zone];
	const struct zone *z = &nodes[bz->nid].zones[bz->type];
	const struct pageset *set = page_alloc_set(a, zone, cpu);

	/* By a fraction they are something else, unless the boot's are as small. */
	if (!a->pcp_fraction && (set->batch != z->batch || set->high_min != z->high_min))
		add(a, ret, INVARIANT_PCP_SIZES, zone, FINDING_NOWHERE, z->high_min, set->high_min,
		    "page sets are not sized as at the boot, and there is no fraction");
}

void page_alloc_invariants_free(struct page_alloc *a, uint32_t zone, uint32_t cpu, uint64_t before,
				pfn_t pfn, unsigned int order, struct findings *ret)
{
	const struct pageset *set = page_alloc_set(a, zone, cpu);

	if (set->count >= set->high && set->count == before + (1ULL << order))
		add(a, ret, INVARIANT_PCP_HIGH, zone, pfn, set->high, set->count,
		    "a page set is at its high mark, and a free gave nothing of it back");
}

/* ---- zones ------------------------------------------------------------------------------------- */

static void check_zone(const struct page_alloc *a, uint32_t zone, struct findings *ret)
{
	uint64_t kept = page_alloc_highatomic(a, zone);
	uint64_t kept_free = a->buddy->zones[zone].free_pages[MIGRATE_HIGHATOMIC];

	if (kept > kept_free)
		add(a, ret, INVARIANT_WATERMARK_UNUSABLE, zone, FINDING_NOWHERE, kept_free, kept,
		    "pages are taken off as kept for atomic requests that are in use");
}

static void count_highatomic(const struct page_alloc *a, uint32_t zone, struct findings *ret)
{
	const struct buddy *b = a->buddy;
	const struct buddy_zone *z = &b->zones[zone];
	unsigned int shift = b->max_order - b->pageblock_order;
	uint64_t pages = 0;

	for (uint32_t s = z->first_span; s < z->first_span + z->span_count; s++) {
		size_t first = (size_t)b->spans[s].first_slot << shift;

		for (size_t i = 0; i < b->spans[s].count << shift; i++) {
			pfn_t pfn = (b->spans[s].start << b->max_order) + (i << b->pageblock_order);

			/* Whose it is cannot be told. */
			if (b->slots[(first + i) >> shift].shared &&
			    buddy_block_is_entangled(b, pfn))
				return;
			if (block_type(b, first + i) == MIGRATE_HIGHATOMIC &&
			    buddy_block_has_memory(b, zone, pfn))
				pages += pageblock_pages(a);
		}
	}
	if (pages != a->zones[zone].reserved_highatomic)
		add(a, ret, INVARIANT_HIGHATOMIC_COUNT, zone, FINDING_NOWHERE, pages,
		    a->zones[zone].reserved_highatomic,
		    "other pages are counted as kept for atomic requests than those of the type");
}

void page_alloc_invariants_check(struct page_alloc *a, const struct node *nodes,
				 enum invariant_cost cost, struct findings *ret)
{
	if (a->endless_drains)
		findings_add(ret, INVARIANT_PCP_DRAIN_ENDS, -1, -1, FINDING_NOWHERE, 0, 0,
			     "a drain goes on for ever: it was to free more pages than there were");
	for (uint32_t zone = 0; zone < a->zone_count; zone++) {
		check_zone(a, zone, ret);
		if (cost >= INVARIANT_COST_WALK) {
			for (uint32_t cpu = 0; cpu < a->cpu_count; cpu++) {
				check_set(a, zone, cpu, ret);
				check_sizes(a, zone, cpu, nodes, ret);
			}
		}
		/*
		 * As long as page sets gave pages back as of their former type, one block could hold a pageblock
		 * that is kept and one that is not.  It counts for as many as it has.
		 */
		if (cost >= INVARIANT_COST_DEEP && !a->rules.migrate_reserve &&
		    a->rules.drain_current_type)
			count_highatomic(a, zone, ret);
	}
}
