/* SPDX-License-Identifier: MIT */
#include "engine/buddy_pending.h"

/* Values of the fact deferred_free_rule. */
enum deferred_free_rule {
	DEFERRED_FREE_OLD = 1, /* whole largest blocks, whose first pageblock becomes Movable */
	DEFERRED_FREE_PAGEBLOCKS = 2, /* whole pageblocks */
	DEFERRED_FREE_MAX_ORDER = 3, /* whole largest blocks */
};

static enum deferred_free_rule free_rule(const struct buddy *b)
{
	return (enum deferred_free_rule)fact_get(b->facts, FACT_deferred_free_rule);
}

/* What is freed at once, at most: pages. */
static uint64_t window_pages(const struct buddy *b)
{
	return 1ULL << (free_rule(b) == DEFERRED_FREE_PAGEBLOCKS ? b->pageblock_order
								 : b->max_order);
}

/* One free run that lies in one window: a whole block, or single pages. */
static void free_run(struct buddy *b, uint32_t zone, pfn_t start, pfn_t end)
{
	enum deferred_free_rule rule = free_rule(b);
	unsigned int order = rule == DEFERRED_FREE_PAGEBLOCKS ? b->pageblock_order : b->max_order;
	uint64_t block = 1ULL << b->pageblock_order;

	if (end - start == 1ULL << order) {
		buddy_set_block_types(b, zone, start, rule == DEFERRED_FREE_OLD ? start + 1 : end,
				      MIGRATE_MOVABLE);
		buddy_free(b, zone, start, order, BUDDY_PLACE_FRESH);
		return;
	}
	/* Page by page, and the type of a pageblock with its first page. */
	while (start < end) {
		pfn_t stop = min_u64(end, round_down_to(start, block) + block);

		if (rule != DEFERRED_FREE_OLD)
			buddy_set_block_types(b, zone, start, stop, MIGRATE_MOVABLE);
		buddy_free_pages(b, zone, start, stop, BUDDY_PLACE_FRESH);
		start = stop;
	}
}

static void free_range(struct buddy *b, uint32_t zone, pfn_t start, pfn_t end)
{
	uint64_t window = window_pages(b);

	while (start < end) {
		pfn_t stop = min_u64(end, round_down_to(start, window) + window);

		free_run(b, zone, start, stop);
		start = stop;
	}
}

void buddy_pending_join(struct buddy *b)
{
	for (uint32_t i = 0; i < b->pending_count; i++)
		free_range(b, b->pending[i].zone, b->pending[i].start, b->pending[i].end);
	b->pending_count = 0;
}

/* Takes [start, end) out of pending memory. */
static void cut(struct buddy *b, struct buddy_pending *p, pfn_t start, pfn_t end)
{
	pfn_t rest = p->end;
	uint32_t zone = p->zone;

	if (start == p->start) {
		p->start = end;
		if (end == rest)
			*p = b->pending[--b->pending_count];
		return;
	}
	p->end = start;
	if (end < rest)
		buddy_add_pending(b, zone, end, rest);
}

bool buddy_pending_free(struct buddy *b, pfn_t pfn, unsigned int order)
{
	pfn_t end = pfn + (1ULL << order);

	for (uint32_t i = 0; i < b->pending_count; i++) {
		struct buddy_pending *p = &b->pending[i];
		uint32_t zone = p->zone;
		bool old;

		if (pfn < p->start || end > p->end)
			continue;
		old = free_rule(b) == DEFERRED_FREE_OLD;
		cut(b, p, pfn, end);
		if (order || !old)
			buddy_set_block_types(b, zone, pfn, old ? pfn + 1 : end, MIGRATE_MOVABLE);
		buddy_free(b, zone, pfn, order, BUDDY_PLACE_FRESH);
		return true;
	}
	return false;
}

void buddy_pending_drop(struct buddy *b, pfn_t pfn, unsigned int order)
{
	pfn_t end = pfn + (1ULL << order);

	/* From the last on: what is cut off goes behind it, and needs no look. */
	for (uint32_t i = b->pending_count; i--;) {
		struct buddy_pending *p = &b->pending[i];
		pfn_t from = max_u64(pfn, p->start), to = min_u64(end, p->end);

		if (from < to)
			cut(b, p, from, to);
	}
}

bool buddy_pending_has(const struct buddy *b, pfn_t pfn, unsigned int order)
{
	for (uint32_t i = 0; i < b->pending_count; i++)
		if (pfn + (1ULL << order) > b->pending[i].start && pfn < b->pending[i].end)
			return true;
	return false;
}

static struct buddy_pending *lowest(struct buddy *b, uint32_t zone)
{
	struct buddy_pending *found = NULL;

	for (uint32_t i = 0; i < b->pending_count; i++)
		if (b->pending[i].zone == zone && (!found || b->pending[i].start < found->start))
			found = &b->pending[i];
	return found;
}

/*
 * The kernel goes on in windows of the largest block, or since 6.18 by sections, and ends where the next free memory
 * lies in another section than the step began in, which comes to the same:
 *
 *	section |              |              |              |
 *	free	  ######## ####  ########## ##  #############
 *	windows	  [ ][ ][ ][  ]  [ ][ ][ ][  ]		ended, if these were a section's worth of pages
 */
bool buddy_pending_grow(struct buddy *b, uint32_t zone)
{
	struct buddy_pending *p = lowest(b, zone);
	uint64_t grown = 0;
	pfn_t start = 0;

	if (!fact_get(b->facts, FACT_deferred_grows))
		return false;
	while (p && (grown < b->section_pages || (start ^ p->start) < b->section_pages)) {
		pfn_t stop;

		start = p->start;
		stop = min_u64(p->end, round_down_to(start, b->section_pages) + b->section_pages);
		cut(b, p, start, stop);
		free_range(b, zone, start, stop);
		grown += stop - start;
		p = lowest(b, zone);
	}
	return grown;
}
