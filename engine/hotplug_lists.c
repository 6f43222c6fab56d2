/* SPDX-License-Identifier: MIT */
#include "engine/hotplug_lists.h"

#include <stdlib.h>
#include <string.h>

#include "engine/buddy_entry.h"
#include "engine/pageset.h"
#include "engine/pageset_list.h"
#include "engine/room.h"

/* ---- free lists ---------------------------------------------------------------------------------- */

/* The slot of @pfn in @zone, if memory of that zone is there. */
static bool slot_of(struct buddy *b, uint32_t zone, pfn_t pfn, uint32_t *slot)
{
	return zone != BUDDY_ZONE_NONE && find_slot(b, &b->zones[zone], pfn, slot);
}

static void move_blocks(struct buddy *to, uint32_t zone, const struct buddy *from, uint32_t old)
{
	for (unsigned int order = 0; order <= from->max_order; order++) {
		for (unsigned int type = 0; type < MIGRATE_TYPE_COUNT; type++) {
			uint32_t cursor = BUDDY_LIST_START, slot, link;
			pfn_t pfn;

			while (buddy_list_next(from, old, order, (enum migratetype)type, &cursor,
					       &pfn)) {
				if (!slot_of(to, zone, pfn, &slot))
					continue;
				link = slot;
				if (order < to->max_order) {
					link = pcp_link_in(to, slot, pfn);
					if (link == LINK_NONE)
						return;
				}
				list_insert(to, &to->zones[zone], order, (enum migratetype)type,
					    link, true);
			}
		}
	}
}

static void move_block_types(struct buddy *to, uint32_t zone, const struct buddy *from,
			     const struct buddy_zone *old)
{
	uint64_t pageblock = 1ULL << from->pageblock_order;

	for (uint32_t s = old->first_span; s < old->first_span + old->span_count; s++) {
		const struct buddy_span *span = &from->spans[s];
		pfn_t pfn = span->start << from->max_order;
		pfn_t end = (span->start + span->count) << from->max_order;

		for (; pfn < end; pfn += pageblock) {
			uint32_t slot,
				old_slot = span->first_slot +
					   (uint32_t)((pfn >> from->max_order) - span->start);
			enum migratetype type = block_type(from, block_index(from, old_slot, pfn));

			if (!slot_of(to, zone, pfn, &slot))
				continue;
			to->zones[zone].isolated += type == MIGRATE_ISOLATE &&
						    buddy_block_has_memory(to, zone, pfn);
			set_block_type(to, block_index(to, slot, pfn), type);
		}
	}
}

/* Marks of blocks that were handed out. */
static void move_marks(struct buddy *to, uint32_t zone, const struct buddy *from,
		       const struct buddy_zone *old)
{
	for (uint32_t s = old->first_span; s < old->first_span + old->span_count; s++) {
		uint32_t first = from->spans[s].first_slot;

		for (uint32_t i = first; i < first + from->spans[s].count; i++) {
			const uint64_t *entries;
			uint32_t slot, link;

			if (from->slots[i].chunk == CHUNK_NONE ||
			    !slot_of(to, zone, slot_pfn(from, i), &slot))
				continue;
			entries = from->entries + ((size_t)from->slots[i].chunk << from->max_order);
			for (uint32_t off = 0; off < slot_pages(from); off++) {
				if (!entry_is_held(entries[off]))
					continue;
				link = pcp_link_in(to, slot, slot_pfn(from, i) + off);
				if (link == LINK_NONE)
					return;
				to->entries[link] = entries[off];
			}
		}
	}
}

static void move_buddy(struct buddy *to, const struct buddy *from)
{
	to->mobility_off = from->mobility_off;
	to->hole_type = from->hole_type;
	to->stray_reads = from->stray_reads;
	to->stray_read = from->stray_read;
	to->types_changed_free = from->types_changed_free;
	to->order_threads = from->order_threads;
	to->order_pagesets = from->order_pagesets;
	to->places_guessed = from->places_guessed;
	for (uint32_t old = 0; old < from->zone_count; old++) {
		const struct buddy_zone *z = &from->zones[old];
		uint32_t zone = buddy_zone_find(to, z->nid, z->type);

		if (zone == BUDDY_ZONE_NONE)
			continue;
		move_block_types(to, zone, from, z);
		move_blocks(to, zone, from, old);
		move_marks(to, zone, from, z);
	}
}

/* ---- page sets ----------------------------------------------------------------------------------- */

static void move_set(struct page_alloc *a, uint32_t zone, struct pageset *to,
		     const struct pageset *from, const struct buddy *old)
{
	*to = *from;
	to->nonempty = 0;
	for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
		uint32_t link = from->lists[index].head, slot;

		to->lists[index] = (struct pcp_list){ LINK_NONE, LINK_NONE, 0 };
		for (uint32_t i = 0; i < from->lists[index].count; i++) {
			pfn_t pfn = pcp_link_pfn(old, link);

			if (slot_of(a->buddy, zone, pfn, &slot)) {
				uint32_t moved = pcp_link_in(a->buddy, slot, pfn);

				if (moved == LINK_NONE)
					return;
				pcp_list_insert(a->buddy, to, index, moved,
						entry_type(old->entries[link]), true);
			} else {
				pcp_count_down(to, 1u << pageset_list_order(a, index));
			}
			link = entry_after(old->entries[link]);
		}
	}
}

/* What is kept of the allocator while it is laid out anew. */
struct kept {
	const struct alloc_zone *zones;
	const struct pageset *sets;
	struct alloc_events *events;
	bool keeps_boost;
	uint64_t endless_drains;
	uint32_t cpu_count;
};

static bool keep(struct hotplug *h, struct kept *k)
{
	const struct page_alloc *a = h->alloc;
	size_t zones = a->zone_count * sizeof(*a->zones);
	size_t sets = (size_t)a->zone_count * a->cpu_count * sizeof(*a->sets);

	if (!room_make(&h->old_zones, &h->old_zones_room, zones) ||
	    !room_make(&h->old_sets, &h->old_sets_room, sets))
		return false;
	memcpy(h->old_zones, a->zones, zones);
	memcpy(h->old_sets, a->sets, sets);
	k->zones = h->old_zones;
	k->sets = h->old_sets;
	k->events = a->events;
	k->keeps_boost = a->keeps_boost;
	k->endless_drains = a->endless_drains;
	k->cpu_count = a->cpu_count;
	return true;
}

static void move_zones(struct page_alloc *a, const struct kept *k, const struct buddy *old)
{
	a->events = k->events;
	a->keeps_boost = k->keeps_boost;
	a->endless_drains = k->endless_drains;
	for (uint32_t was = 0; was < old->zone_count; was++) {
		uint32_t zone =
			buddy_zone_find(a->buddy, old->zones[was].nid, old->zones[was].type);
		bool avoids;

		if (zone == BUDDY_ZONE_NONE)
			continue;
		avoids = a->zones[zone].avoids_fragments;
		a->zones[zone] = k->zones[was];
		a->zones[zone].avoids_fragments = avoids;
		for (uint32_t cpu = 0; cpu < k->cpu_count; cpu++)
			move_set(a, zone, page_alloc_set(a, zone, cpu),
				 &k->sets[(size_t)was * k->cpu_count + cpu], old);
	}
}

void hotplug_lists_size(struct hotplug *h)
{
	const struct node *nodes = h->machine->nodes;
	struct page_alloc *a = h->alloc;

	for (uint32_t zone = 0; zone < a->zone_count; zone++) {
		const struct buddy_zone *bz = &a->buddy->zones[zone];
		const struct zone *z = &nodes[bz->nid].zones[bz->type];

		page_alloc_set_pagesets(a, zone, z->batch, z->high, z->high_min, z->high_max);
	}
}

void hotplug_lists_move(struct hotplug *h)
{
	struct machine *m = h->machine;
	struct kept kept = { 0 };
	struct buddy old;

	if (!h->old_lists)
		h->old_lists = calloc(1, sizeof(*h->old_lists));
	if (!h->old_lists) {
		h->out_of_memory = true;
		return;
	}
	/* The new ones are laid out in the buffers of those before the old ones. */
	old = *m->buddy;
	*m->buddy = *h->old_lists;
	*h->old_lists = old;
	buddy_init(m->buddy, &m->config, &m->facts, m->nodes, m->node_count, m->ranges,
		   m->range_count);
	if (!m->buddy->out_of_memory)
		move_buddy(m->buddy, h->old_lists);
	if (m->buddy->out_of_memory || !keep(h, &kept)) {
		h->out_of_memory = true;
	} else {
		page_alloc_renew(h->alloc, m->buddy, &m->config, &m->facts, m->nodes, m->node_count,
				 &m->zonelists, kept.cpu_count);
		h->out_of_memory |= h->alloc->out_of_memory;
	}
	if (!h->out_of_memory) {
		move_zones(h->alloc, &kept, h->old_lists);
		page_alloc_set_watermarks(h->alloc, m->nodes);
		hotplug_lists_size(h);
		h->out_of_memory |= m->buddy->out_of_memory;
	}
}

/* ---- looking ------------------------------------------------------------------------------------- */

uint64_t hotplug_lists_free_pages(const struct hotplug *h, uint32_t zone, pfn_t start, pfn_t end)
{
	const struct buddy *b = h->machine->buddy;
	uint64_t pages = 0;

	while (start < end) {
		struct buddy_block block;
		pfn_t next = start + 1;

		if (buddy_find(b, zone, start, &block)) {
			next = min_u64(block.pfn + (1ULL << block.order), end);
			pages += next - start;
		}
		start = next;
	}
	return pages;
}

uint64_t hotplug_lists_set_pages(const struct hotplug *h, uint32_t zone, pfn_t start, pfn_t end)
{
	struct page_alloc *a = h->alloc;
	uint64_t pages = 0;

	for (uint32_t cpu = 0; cpu < a->cpu_count; cpu++) {
		const struct pageset *set = page_alloc_set(a, zone, cpu);

		for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
			uint32_t link = set->lists[index].head;

			for (uint32_t i = 0; i < set->lists[index].count; i++) {
				pfn_t pfn = pcp_link_pfn(a->buddy, link);

				if (pfn >= start && pfn < end)
					pages += 1ULL << pageset_list_order(a, index);
				link = entry_after(a->buddy->entries[link]);
			}
		}
	}
	return pages;
}

void hotplug_lists_drain(struct hotplug *h, uint32_t zone)
{
	for (uint32_t cpu = 0; cpu < h->alloc->cpu_count; cpu++) {
		struct pageset *set = page_alloc_set(h->alloc, zone, cpu);

		pageset_drain(h->alloc, zone, set, set->count, 0);
	}
}
