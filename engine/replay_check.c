/* SPDX-License-Identifier: MIT */
/*
 * What holds of a replay at any time, whatever a trace says: each page is in one block at most, and a block is
 * free, on a per-CPU list, or handed out.  buddy_check() looks at the free lists.  Here
 *
 * 1. every per-CPU list is followed from its head to its tail, and where its blocks begin is noted;
 * 2. the entries are read in the order of their pages: within a block that is free or listed there is nothing.
 *
 *	entries  [ free, order 2 |0|0|0 ][ held ][0][ listed, order 1 |0 ]
 *
 * Not checked: the number of pages that a page set counts, which a trace may prove to be off.
 */
#include <stdlib.h>

#include "engine/pageset_list.h"
#include "engine/replay_parts.h"

/* Does @link lead to an entry of @zone? */
static bool is_of_zone(const struct buddy *b, uint32_t zone, uint32_t link)
{
	struct buddy_zone z = b->zones[zone];
	uint32_t slot;

	return link >> b->max_order < b->chunk_count &&
	       b->homes[link >> b->max_order].slot < b->slot_count &&
	       find_slot(b, &z, small_link_pfn(b, link), &slot) &&
	       slot == b->homes[link >> b->max_order].slot;
}

/* @listed: by link, one more than the order of the block on a list that begins there. */
static const char *check_list(const struct page_alloc *a, uint32_t zone, const struct pageset *set,
			      unsigned int index, uint8_t *listed)
{
	const struct pcp_list *list = &set->lists[index];
	unsigned int order = pageset_list_order(a, index);
	uint32_t link = list->head, before = LINK_NONE;
	const struct buddy *b = a->buddy;

	if ((set->nonempty >> index & 1) != (list->count > 0))
		return "a page set does not know which of its lists have pages";
	for (uint32_t n = 0; n < list->count; n++) {
		uint64_t entry;

		if (!is_of_zone(b, zone, link))
			return "a per-CPU list leads out of its zone";
		entry = b->entries[link];
		if (entry_order(entry) != ENTRY_ORDER_PCP || !(entry >> 60))
			return "a block of a per-CPU list is not known to be on one";
		if (entry_before(entry) != before)
			return "the links of a per-CPU list do not meet";
		if (small_link_pfn(b, link) & ((1ULL << order) - 1))
			return "a block of a per-CPU list is not aligned";
		if (listed[link])
			return "a block is on two per-CPU lists";
		listed[link] = (uint8_t)(order + 1);
		before = link;
		link = entry_after(entry);
	}
	return list->count && (link != LINK_NONE || list->tail != before)
		       ? "a per-CPU list goes on behind its end"
		       : NULL;
}

static const char *check_lists(const struct page_alloc *a, uint8_t *listed)
{
	for (uint32_t i = 0; i < a->zone_count * a->cpu_count; i++) {
		for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
			const char *wrong =
				check_list(a, i / a->cpu_count, &a->sets[i], index, listed);

			if (wrong)
				return wrong;
		}
	}
	return NULL;
}

/* @entries and @listed of one chunk. */
static const char *check_chunk(const struct buddy *b, const uint64_t *entries,
			       const uint8_t *listed)
{
	for (uint32_t at = 0; at < slot_pages(b);) {
		uint32_t end = at + 1;

		if (entry_is_free(entries[at]))
			end = at + (1u << entry_order(entries[at]));
		else if (listed[at])
			end = at + (1u << (listed[at] - 1));
		else if (entries[at] >> 60)
			return "a block that is said to be on a per-CPU list is on none";
		while (++at < end)
			if (entries[at])
				return "a block that is free, or on a per-CPU list, has another within";
	}
	return NULL;
}

static const char *check_pending(struct page_alloc *a)
{
	const struct buddy *b = a->buddy;

	for (uint32_t i = 0; i < b->pending_count; i++) {
		const struct buddy_pending *p = &b->pending[i];
		struct buddy_block block;

		for (pfn_t pfn = p->start; pfn < p->end; pfn++)
			if (buddy_find(b, p->zone, pfn, &block) || pageset_holds(a, p->zone, pfn))
				return "memory that has not joined yet is on a list";
	}
	return NULL;
}

/* What is counted of frees that wait. */
static const char *check_announced(const struct replay_model *r)
{
	for (uint32_t cpu = 0; cpu < r->setup->cpu_count; cpu++) {
		const struct replay_cpu *c = &r->cpus[cpu];
		uint32_t loose = 0;

		for (uint32_t i = 0; i < c->free_count; i++)
			loose += !c->frees[c->free_first + i].batch;
		if (loose != c->free_loose)
			return "frees that wait are not as many as they are counted";
	}
	return NULL;
}

const char *replay_model_check(struct replay_model *r)
{
	struct page_alloc *a = &r->alloc;
	const struct buddy *b = a->buddy;
	const char *wrong = buddy_check(b, false);
	uint8_t *listed;

	if (!wrong)
		wrong = check_announced(r);
	if (wrong)
		return wrong;
	listed = calloc(((size_t)b->chunk_count << b->max_order) + 1, 1);
	if (!listed)
		return "the host has no memory for the check";
	wrong = check_lists(a, listed);
	for (uint32_t chunk = 0; !wrong && chunk < b->chunk_count; chunk++)
		if (b->homes[chunk].slot != UINT32_MAX)
			wrong = check_chunk(b, b->entries + ((size_t)chunk << b->max_order),
					    listed + ((size_t)chunk << b->max_order));
	free(listed);
	return wrong ? wrong : check_pending(a);
}
