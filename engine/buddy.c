/* SPDX-License-Identifier: MIT */
#include "engine/buddy.h"

#include <stdlib.h>
#include <string.h>

#include "engine/buddy_entry.h"
#include "engine/digest.h"
#include "engine/room.h"

/* For questions, which change nothing. */
static bool slot_at(const struct buddy *b, uint32_t zone, pfn_t pfn, uint32_t *slot)
{
	uint64_t number = pfn >> b->max_order;
	uint32_t span = b->zones[zone].near_span;

	if (number - b->spans[span].start >= b->spans[span].count &&
	    !span_search(b, &b->zones[zone], number, &span))
		return false;
	*slot = b->spans[span].first_slot + (uint32_t)(number - b->spans[span].start);
	return true;
}

/* ---- chunks ------------------------------------------------------------------------------------ */

static bool grow_chunks(struct buddy *b)
{
	uint32_t room = b->chunk_room ? b->chunk_room * 2 : 4, limit = LINK_NONE >> b->max_order;
	struct buddy_home *homes;
	uint64_t *entries;

	if (room > limit)
		room = limit;
	if (room <= b->chunk_room)
		return false;
	entries = realloc(b->entries, ((size_t)room << b->max_order) * sizeof(*entries));
	if (!entries)
		return false;
	b->entries = entries;
	homes = realloc(b->homes, room * sizeof(*homes));
	if (!homes)
		return false;
	b->homes = homes;
	b->chunk_room = room;
	return true;
}

bool buddy_get_chunk(struct buddy *b, uint32_t slot)
{
	uint32_t chunk;

	if (b->slots[slot].chunk != CHUNK_NONE)
		return true;
	if (b->free_chunk_count) {
		chunk = b->free_chunk;
		b->free_chunk = b->homes[chunk].number;
		b->free_chunk_count--;
	} else {
		if (b->chunk_count == b->chunk_room && !grow_chunks(b)) {
			b->out_of_memory = true;
			return false;
		}
		chunk = b->chunk_count++;
	}
	memset(b->entries + ((size_t)chunk << b->max_order), 0,
	       sizeof(*b->entries) << b->max_order);
	b->slots[slot].chunk = chunk;
	b->homes[chunk] = (struct buddy_home){ slot, b->slots[slot].number };
	return true;
}

void buddy_put_chunk(struct buddy *b, uint32_t slot)
{
	if (b->slots[slot].chunk == CHUNK_NONE)
		return;
	b->homes[b->slots[slot].chunk] = (struct buddy_home){ UINT32_MAX, b->free_chunk };
	b->free_chunk = b->slots[slot].chunk;
	b->free_chunk_count++;
	b->slots[slot].chunk = CHUNK_NONE;
}

/* ---- life -------------------------------------------------------------------------------------- */

static uint64_t ranges_in_zone(const struct buddy *b, const struct zone *z, int32_t nid,
			       const struct node_range *ranges, uint32_t range_count,
			       struct buddy_span *spans, uint64_t *slots)
{
	uint64_t count = 0, last_end = 0;
	uint32_t run = 1u << b->max_order;

	for (uint32_t r = 0; r < range_count; r++) {
		pfn_t start = max_u64(ranges[r].start, z->start_pfn);
		pfn_t end = min_u64(ranges[r].end, zone_end_pfn(z));
		uint64_t first, last;

		if (!node_range_is_of(&ranges[r], nid, z->type) || start >= end)
			continue;
		first = start / run;
		last = (end - 1) / run + 1;
		if (count && first < last_end)
			first = last_end;
		if (count && first == last_end) {
			if (spans)
				spans[count - 1].count += last - first;
		} else {
			if (spans)
				spans[count] = (struct buddy_span){ first, last - first, 0 };
			count++;
		}
		*slots += last - first;
		last_end = last;
	}
	return count;
}

static void init_zone(struct buddy_zone *bz, const struct zone *z, int32_t nid, enum zone_type type)
{
	bz->start = z->start_pfn;
	bz->end = zone_end_pfn(z);
	bz->nid = nid;
	bz->type = type;
	for (unsigned int o = 0; o < BUDDY_ORDER_COUNT; o++)
		for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
			bz->lists[o][t].head = bz->lists[o][t].tail = LINK_NONE;
}

static void mark_shared(struct buddy *b, uint32_t zone, pfn_t pfn)
{
	uint32_t slot;

	if (pfn & (slot_pages(b) - 1) && slot_at(b, zone, pfn, &slot))
		b->slots[slot].shared = 1;
}

/* Everything of a used @b is forgotten but its buffers. */
static void keep_buffers(struct buddy *b, unsigned int max_order)
{
	struct buddy kept = { .zones = b->zones,
			      .spans = b->spans,
			      .slots = b->slots,
			      .block_types = b->block_types,
			      .entries = b->entries,
			      .homes = b->homes,
			      .chunk_room = b->chunk_room,
			      .memory = b->memory,
			      .pending = b->pending,
			      .pending_room = b->pending_room,
			      .zones_room = b->zones_room,
			      .spans_room = b->spans_room,
			      .slots_room = b->slots_room,
			      .block_types_room = b->block_types_room,
			      .memory_room = b->memory_room };

	/* Chunks had another size. */
	if (b->max_order != max_order)
		kept.chunk_room = 0;
	*b = kept;
}

static bool allocate(struct buddy *b, uint64_t zones, uint64_t spans, uint64_t slots,
		     uint32_t ranges)
{
	uint64_t blocks = slots << (b->max_order - b->pageblock_order);

	if (slots >= LINK_NONE || spans >= UINT32_MAX || blocks / 2 >= SIZE_MAX / 2)
		return false;
	if (!room_make(&b->zones, &b->zones_room, (size_t)(zones + 1) * sizeof(*b->zones)) ||
	    !room_make(&b->spans, &b->spans_room, (size_t)(spans + 1) * sizeof(*b->spans)) ||
	    !room_make(&b->slots, &b->slots_room, (size_t)(slots + 1) * sizeof(*b->slots)) ||
	    !room_make(&b->block_types, &b->block_types_room, (size_t)(blocks / 2 + 1)) ||
	    !room_make(&b->memory, &b->memory_room, ((size_t)ranges + 1) * sizeof(*b->memory)))
		return false;
	memset(b->zones, 0, (size_t)(zones + 1) * sizeof(*b->zones));
	memset(b->block_types, 0, (size_t)(blocks / 2 + 1));
	return true;
}

void buddy_init(struct buddy *b, const struct arch_config *config, const struct facts *facts,
		const struct node *nodes, uint32_t node_count, const struct node_range *ranges,
		uint32_t range_count)
{
	uint64_t zones = 0, spans = 0, slots = 0;

	keep_buffers(b, config->max_order);
	b->max_order = config->max_order;
	b->pageblock_order = config->pageblock_order < config->max_order ? config->pageblock_order
									 : config->max_order;
	b->page_shift = config->page_shift;
	b->section_pages = arch_section_pages(config);
	b->facts = facts;
	b->fresh_to_tail = fact_get(facts, FACT_fresh_pages_to_tail);
	b->likely_merge_rule = (enum likely_merge_rule)fact_get(facts, FACT_likely_merge_rule);
	b->merge_needs_fallback = fact_get(facts, FACT_merge_needs_fallback);
	b->merge_retypes = fact_get(facts, FACT_merge_retypes_buddy);
	/* Who retypes relies on it that only ordinary types meet. */
	b->merge_needs_fallback |= b->merge_retypes;
	b->isolated_merge_rule =
		(enum isolated_merge_rule)fact_get(facts, FACT_isolated_merge_rule);
	b->merge_reads_rule = (enum merge_reads_rule)fact_get(facts, FACT_merge_reads_rule);
	b->free_splits = fact_get(facts, FACT_free_splits_blocks);
	b->subsections = config->pointer_bytes == 8 && fact_get(facts, FACT_online_by_subsection);
	if (b->max_order >= BUDDY_ORDER_COUNT) {
		b->out_of_memory = true;
		return;
	}
	for (uint32_t n = 0; n < node_count; n++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			if (!nodes[n].zones[t].present)
				continue;
			zones++;
			spans += ranges_in_zone(b, &nodes[n].zones[t], (int32_t)n, ranges,
						range_count, NULL, &slots);
		}
	}
	for (uint32_t r = 0; r < range_count; r++)
		if ((ranges[r].end - 1) >> b->max_order > UINT32_MAX)
			slots = UINT64_MAX >> 8;
	if (!allocate(b, zones, spans, slots, range_count)) {
		b->out_of_memory = true;
		return;
	}
	/* Where a zone without a span looks. */
	b->spans[spans] = (struct buddy_span){ 0 };
	for (uint32_t r = 0; r < range_count; r++)
		b->memory[b->memory_count++] = ranges[r];
	for (uint32_t n = 0; n < node_count; n++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &nodes[n].zones[t];
			struct buddy_zone *bz = &b->zones[b->zone_count];

			if (!z->present)
				continue;
			init_zone(bz, z, (int32_t)n, (enum zone_type)t);
			bz->first_span = bz->near_span = b->span_count;
			slots = 0;
			bz->span_count = (uint32_t)ranges_in_zone(b, z, (int32_t)n, ranges,
								  range_count,
								  b->spans + b->span_count, &slots);
			if (!bz->span_count)
				bz->near_span = (uint32_t)spans;
			for (uint32_t s = 0; s < bz->span_count; s++) {
				struct buddy_span *span = &b->spans[b->span_count++];

				span->first_slot = b->slot_count;
				for (uint64_t i = 0; i < span->count; i++)
					b->slots[b->slot_count++] =
						(struct buddy_slot){ 0, (uint32_t)(span->start + i),
								     CHUNK_NONE, 0 };
			}
			b->zone_count++;
		}
	}
	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		for (uint32_t r = 0; r < range_count; r++) {
			const struct buddy_zone *z = &b->zones[zone];
			pfn_t start = max_u64(ranges[r].start, z->start);
			pfn_t end = min_u64(ranges[r].end, z->end);

			if (!node_range_is_of(&ranges[r], z->nid, z->type) || start >= end)
				continue;
			mark_shared(b, zone, start);
			mark_shared(b, zone, end);
		}
	}
}

void buddy_deinit(struct buddy *b)
{
	free(b->zones);
	free(b->spans);
	free(b->slots);
	free(b->block_types);
	free(b->entries);
	free(b->homes);
	free(b->memory);
	free(b->pending);
	memset(b, 0, sizeof(*b));
}

static void *copy_of(const void *from, size_t bytes, size_t room, bool *failed)
{
	void *to;

	if (!room)
		return NULL;
	to = malloc(room);
	if (!to)
		*failed = true;
	else if (bytes)
		memcpy(to, from, bytes);
	return to;
}

static size_t block_type_bytes(const struct buddy *b)
{
	return ((size_t)b->slot_count << (b->max_order - b->pageblock_order)) / 2 + 1;
}

void buddy_copy(struct buddy *dst, const struct buddy *src)
{
	struct buddy copy = *src;
	bool failed = false;
	size_t chunk_bytes = sizeof(*src->entries) << src->max_order;

	copy.zones = copy_of(src->zones, src->zone_count * sizeof(*src->zones),
			     (src->zone_count + 1) * sizeof(*src->zones), &failed);
	copy.spans = copy_of(src->spans, src->span_count * sizeof(*src->spans),
			     (src->span_count + 1) * sizeof(*src->spans), &failed);
	copy.slots = copy_of(src->slots, src->slot_count * sizeof(*src->slots),
			     (src->slot_count + 1) * sizeof(*src->slots), &failed);
	copy.block_types = src->block_types ? copy_of(src->block_types, block_type_bytes(src),
						      block_type_bytes(src), &failed)
					    : NULL;
	copy.entries = copy_of(src->entries, src->chunk_count * chunk_bytes,
			       src->chunk_room * chunk_bytes, &failed);
	copy.homes = copy_of(src->homes, src->chunk_count * sizeof(*src->homes),
			     src->chunk_room * sizeof(*src->homes), &failed);
	copy.memory = copy_of(src->memory, src->memory_count * sizeof(*src->memory),
			      (src->memory_count + 1) * sizeof(*src->memory), &failed);
	copy.pending = copy_of(src->pending, src->pending_count * sizeof(*src->pending),
			       src->pending_room * sizeof(*src->pending), &failed);
	copy.zones_room = copy.spans_room = copy.slots_room = 0;
	copy.block_types_room = copy.memory_room = 0;
	buddy_deinit(dst);
	*dst = copy;
	if (failed) {
		buddy_deinit(dst);
		dst->out_of_memory = true;
	}
}

static bool same_zones(const struct buddy *a, const struct buddy *b)
{
	if (a->zone_count != b->zone_count || a->slot_count != b->slot_count ||
	    a->max_order != b->max_order || a->pageblock_order != b->pageblock_order)
		return false;
	for (uint32_t i = 0; i < a->zone_count; i++) {
		const struct buddy_zone *x = &a->zones[i], *y = &b->zones[i];

		if (x->nid != y->nid || x->type != y->type || x->start != y->start ||
		    x->end != y->end || x->span_count != y->span_count)
			return false;
	}
	for (uint32_t i = 0; i < a->slot_count; i++)
		if (a->slots[i].number != b->slots[i].number)
			return false;
	return true;
}

bool buddy_take_lists(struct buddy *dst, const struct buddy *src)
{
	const struct buddy own = *dst;

	if (!same_zones(dst, src))
		return false;
	buddy_copy(dst, src);
	if (dst->out_of_memory)
		return true;
	dst->likely_merge_rule = own.likely_merge_rule;
	dst->fresh_to_tail = own.fresh_to_tail;
	dst->merge_needs_fallback = own.merge_needs_fallback;
	dst->merge_retypes = own.merge_retypes;
	dst->free_splits = own.free_splits;
	dst->subsections = own.subsections;
	dst->mobility_off = own.mobility_off;
	dst->hole_type = own.hole_type;
	dst->facts = own.facts;
	return true;
}

uint64_t buddy_hash(const struct buddy *b)
{
	uint64_t hash = digest_add(b->zone_count, (uint64_t)b->max_order << 8 | b->pageblock_order);

	hash = digest_add(hash, b->mobility_off);
	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		const struct buddy_zone *z = &b->zones[zone];

		hash = digest_add(digest_add(digest_add(digest_add(hash, z->start), z->end),
					     (uint64_t)z->nid),
				  z->type);
		for (unsigned int o = 0; o <= b->max_order; o++) {
			for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
				uint32_t link = z->lists[o][t].head;

				hash = digest_add(hash, z->lists[o][t].count);
				for (; link != LINK_NONE; link = entry_after(*entry_of(b, o, link)))
					hash = digest_add(hash, link_pfn(b, o, link));
			}
		}
	}
	for (size_t i = 0; b->block_types && i < block_type_bytes(b); i++)
		hash = digest_add(hash, b->block_types[i]);
	for (uint32_t i = 0; i < b->pending_count; i++)
		hash = digest_add(digest_add(digest_add(hash, b->pending[i].start),
					     b->pending[i].end),
				  b->pending[i].zone);
	return hash;
}

const struct node_range *buddy_memory_at(const struct buddy *b, pfn_t pfn)
{
	uint32_t low = 0, high = b->memory_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (b->memory[mid].end <= pfn)
			low = mid + 1;
		else
			high = mid;
	}
	return low < b->memory_count && pfn >= b->memory[low].start ? &b->memory[low] : NULL;
}

uint32_t buddy_zone_at(const struct buddy *b, pfn_t pfn)
{
	const struct node_range *range = NULL;
	uint32_t slot, first = BUDDY_ZONE_NONE;

	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		const struct buddy_zone *z = &b->zones[zone];

		if (pfn < z->start || pfn >= z->end || !slot_at(b, zone, pfn, &slot))
			continue;
		if (!b->slots[slot].shared)
			return zone;
		/* Several zones have memory in this run: whose is it here? */
		if (!range)
			range = buddy_memory_at(b, pfn);
		if (range && node_range_is_of(range, z->nid, z->type))
			return zone;
		if (first == BUDDY_ZONE_NONE)
			first = zone;
	}
	return first;
}

uint32_t buddy_zone_find(const struct buddy *b, int32_t nid, enum zone_type type)
{
	for (uint32_t zone = 0; zone < b->zone_count; zone++)
		if (b->zones[zone].nid == nid && b->zones[zone].type == type)
			return zone;
	return BUDDY_ZONE_NONE;
}

/* ---- pageblocks -------------------------------------------------------------------------------- */

enum migratetype buddy_block_type(const struct buddy *b, uint32_t zone, pfn_t pfn)
{
	uint32_t slot;

	if (!slot_at(b, zone, pfn, &slot))
		return b->hole_type;
	return block_type(b, block_index(b, slot, pfn));
}

bool buddy_block_has_memory(const struct buddy *b, uint32_t zone, pfn_t pfn)
{
	const struct buddy_zone *z = &b->zones[zone];
	pfn_t start = pfn & ~((1ULL << b->pageblock_order) - 1);
	pfn_t end = start + (1ULL << b->pageblock_order);
	uint32_t slot;

	if (!slot_at(b, zone, start, &slot))
		return false;
	/* Else there is no other zone near, and a slot is where this one has memory. */
	for (uint32_t i = 0; b->slots[slot].shared && i < b->memory_count; i++)
		if (node_range_is_of(&b->memory[i], z->nid, z->type) &&
		    max_u64(max_u64(b->memory[i].start, z->start), start) <
			    min_u64(min_u64(b->memory[i].end, z->end), end))
			return true;
	return !b->slots[slot].shared;
}

bool buddy_block_is_entangled(const struct buddy *b, pfn_t pfn)
{
	pfn_t start = pfn & ~((1ULL << b->pageblock_order) - 1);
	unsigned int zones = 0;
	bool spanned = false;

	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		const struct buddy_zone *z = &b->zones[zone];

		if (!buddy_block_has_memory(b, zone, start))
			continue;
		zones++;
		spanned |= start >= z->start && start + (1ULL << b->pageblock_order) <= z->end;
	}
	return zones > 1 && spanned;
}

/* The pageblock of @slot at @pfn; one in which the zone has no memory does not count as isolated. */
static void retype(struct buddy *b, uint32_t zone, uint32_t slot, pfn_t pfn, enum migratetype type)
{
	size_t index = block_index(b, slot, pfn);
	enum migratetype was = block_type(b, index);

	if ((was == MIGRATE_ISOLATE) != (type == MIGRATE_ISOLATE) &&
	    buddy_block_has_memory(b, zone, pfn))
		b->zones[zone].isolated += type == MIGRATE_ISOLATE ? 1 : UINT32_MAX;
	set_block_type(b, index, type);
}

void buddy_set_block_type(struct buddy *b, uint32_t zone, pfn_t pfn, enum migratetype type)
{
	uint32_t slot;

	if (b->mobility_off && type < MIGRATE_HIGHATOMIC)
		type = MIGRATE_UNMOVABLE;
	if (!find_slot(b, &b->zones[zone], pfn, &slot))
		return;
	retype(b, zone, slot, pfn, type);
	/* With SPARSEMEM the types belong to the section, whatever zones meet in it. */
	if (!b->slots[slot].shared || !b->section_pages)
		return;
	for (uint32_t other = 0; other < b->zone_count; other++)
		if (slot_at(b, other, pfn, &slot))
			retype(b, other, slot, pfn, type);
}

void buddy_set_block_types(struct buddy *b, uint32_t zone, pfn_t start, pfn_t end,
			   enum migratetype type)
{
	const struct buddy_zone *z = &b->zones[zone];
	uint64_t block = 1ULL << b->pageblock_order;

	start = round_up_to(start, block);
	/* Only where there are slots: holes may be vast. */
	for (uint32_t s = z->first_span; s < z->first_span + z->span_count; s++) {
		pfn_t from = max_u64(start, b->spans[s].start << b->max_order);
		pfn_t to = min_u64(end, (b->spans[s].start + b->spans[s].count) << b->max_order);

		if (b->mobility_off || type == MIGRATE_ISOLATE || z->isolated) {
			for (pfn_t pfn = from; pfn < to; pfn += block)
				buddy_set_block_type(b, zone, pfn, type);
			continue;
		}
		/* The same without looking for each slot: a boot does this for all memory. */
		for (pfn_t pfn = from; pfn < to; pfn += block) {
			uint32_t slot = b->spans[s].first_slot +
					(uint32_t)((pfn >> b->max_order) - b->spans[s].start);

			if (b->slots[slot].shared)
				buddy_set_block_type(b, zone, pfn, type);
			else
				set_block_type(b, block_index(b, slot, pfn), type);
		}
	}
}

/* ---- verbs ------------------------------------------------------------------------------------- */

void buddy_note_merge_read(struct buddy *b, const struct buddy_zone *z, pfn_t pfn)
{
	const struct node_range *range = buddy_memory_at(b, pfn);

	if (range && node_range_is_of(range, z->nid, z->type) && pfn >= z->start && pfn < z->end)
		return;
	b->stray_reads++;
	b->stray_read = pfn;
}

/* Does a block of @order fill @slot, with pageblocks of one type? */
static bool is_one_type(const struct buddy *b, uint32_t slot, unsigned int order)
{
	size_t first = (size_t)slot << (b->max_order - b->pageblock_order);

	if (order != b->max_order)
		return false;
	for (size_t i = 1; i < 1u << (b->max_order - b->pageblock_order); i++)
		if (block_type(b, first + i) != block_type(b, first))
			return false;
	return true;
}

void buddy_free(struct buddy *b, uint32_t zone, pfn_t pfn, unsigned int order,
		enum buddy_place place)
{
	struct buddy_zone *z = &b->zones[zone];
	bool to_tail = place == BUDDY_PLACE_TAIL ||
		       (place == BUDDY_PLACE_FRESH && b->fresh_to_tail);
	uint32_t slot;

	if (!find_slot(b, z, pfn, &slot))
		return;
	/* Parts of one type become whole again at once: no chunk is needed for that. */
	if (b->free_splits && order > b->pageblock_order && !is_one_type(b, slot, order)) {
		pfn_t end = pfn + (1ULL << order);

		for (; pfn < end; pfn += 1ULL << b->pageblock_order)
			free_in_slot(b, z, slot, pfn, b->pageblock_order,
				     block_type(b, block_index(b, slot, pfn)), to_tail);
		return;
	}
	free_in_slot(b, z, slot, pfn, order, block_type(b, block_index(b, slot, pfn)), to_tail);
}

void buddy_free_as(struct buddy *b, uint32_t zone, pfn_t pfn, unsigned int order,
		   enum migratetype type)
{
	struct buddy_zone *z = &b->zones[zone];
	uint32_t slot;

	if (find_slot(b, z, pfn, &slot))
		free_in_slot(b, z, slot, pfn, order, type, false);
}

void buddy_untake(struct buddy *b, uint32_t zone, pfn_t pfn, unsigned int order,
		  enum migratetype type)
{
	enum likely_merge_rule rule = b->likely_merge_rule;

	/* It was the first of its list. */
	b->likely_merge_rule = LIKELY_MERGE_IGNORED;
	buddy_free_as(b, zone, pfn, order, type);
	b->likely_merge_rule = rule;
}

void buddy_free_range(struct buddy *b, uint32_t zone, pfn_t start, pfn_t end, unsigned int order,
		      enum buddy_place place)
{
	while (start < end && !b->out_of_memory) {
		unsigned int o = order;

		while (o && (start & ((1ULL << o) - 1) || end - start < 1ULL << o))
			o--;
		buddy_free(b, zone, start, o, place);
		start += 1ULL << o;
	}
}

/*
 * Single pages that fill an aligned block leave nothing behind but that block: it reaches its place with
 * the last of them, when all that its merges and its end of the list depend on is as it is for the block
 * freed at once; what was on lists in between is gone without having moved anything else.  Only
 * pageblocks must not be passed over, as their types decide merges.
 */
void buddy_free_pages(struct buddy *b, uint32_t zone, pfn_t start, pfn_t end,
		      enum buddy_place place)
{
	buddy_free_range(b, zone, start, end, b->pageblock_order, place);
}

/*
 * Takes the free block at @link, of order @have, off its list; its chunk is there afterwards if it is to
 * be split.  Returns the link of its first page in the chunk, or the block's own when it is not split.
 */
static inline uint32_t detach(struct buddy *b, struct buddy_zone *z, unsigned int have,
			      uint32_t link, unsigned int order, pfn_t *pfn)
{
	if (have == b->max_order && have > order) {
		if (!buddy_get_chunk(b, link)) {
			*pfn = PFN_NONE;
			return LINK_NONE;
		}
		list_remove(b, z, have, link);
		*pfn = slot_pfn(b, link);
		return b->slots[link].chunk << b->max_order;
	}
	*pfn = link_pfn(b, have, link);
	list_remove(b, z, have, link);
	return link;
}

pfn_t buddy_take(struct buddy *b, uint32_t zone, unsigned int order, enum migratetype type)
{
	struct buddy_zone *z = &b->zones[zone];
	uint32_t link;

	if (order < b->max_order)
		return list_take(b, z, order, type, &link) ? link_pfn(b, order, link) : PFN_NONE;
	if (!(z->nonempty[type] >> order & 1))
		return PFN_NONE;
	link = z->lists[order][type].head;
	list_remove(b, z, order, link);
	return slot_pfn(b, link);
}

pfn_t buddy_head(const struct buddy *b, uint32_t zone, unsigned int order, enum migratetype type)
{
	uint32_t link = b->zones[zone].lists[order][type].head;

	return link == LINK_NONE ? PFN_NONE : link_pfn(b, order, link);
}

/* The link of the free block @block; its slot too. */
static uint32_t block_link(const struct buddy *b, uint32_t slot, const struct buddy_block *block)
{
	if (block->order == b->max_order)
		return slot;
	return (b->slots[slot].chunk << b->max_order) +
	       ((uint32_t)block->pfn & (slot_pages(b) - 1));
}

void buddy_carve(struct buddy *b, uint32_t zone, const struct buddy_block *block, pfn_t pfn,
		 unsigned int order, enum migratetype type)
{
	struct buddy_zone *z = &b->zones[zone];
	unsigned int have = block->order;
	uint32_t slot, link;
	pfn_t start;

	if (!find_slot(b, z, block->pfn, &slot))
		return;
	link = detach(b, z, have, block_link(b, slot, block), order, &start);
	if (link == LINK_NONE)
		return;
	while (have > order) {
		have--;
		/* The half without what is wanted stays free. */
		if (pfn < start + (1ULL << have)) {
			list_insert(b, z, have, type, link + (1u << have), false);
		} else {
			list_insert(b, z, have, type, link, false);
			link += 1u << have;
			start += 1ULL << have;
		}
	}
}

void buddy_move(struct buddy *b, uint32_t zone, const struct buddy_block *block,
		enum migratetype type, bool to_tail)
{
	struct buddy_zone *z = &b->zones[zone];
	uint32_t slot, link;

	if (!find_slot(b, z, block->pfn, &slot))
		return;
	link = block_link(b, slot, block);
	list_remove(b, z, block->order, link);
	list_insert(b, z, block->order, type, link, to_tail);
}

/* Lets the neighbours of a slot that has taken another's place know, and the ends of the list. */
static void relink(struct buddy *b, struct buddy_list *list, uint32_t slot)
{
	uint64_t entry = b->slots[slot].entry;

	if (entry_before(entry) == LINK_NONE)
		list->head = slot;
	else
		entry_set_after(&b->slots[entry_before(entry)].entry, slot);
	if (entry_after(entry) == LINK_NONE)
		list->tail = slot;
	else
		entry_set_before(&b->slots[entry_after(entry)].entry, slot);
}

void buddy_swap_largest(struct buddy *b, uint32_t zone, pfn_t pfn, uint32_t other_zone, pfn_t other)
{
	struct buddy_list *list, *other_list;
	uint64_t entry, other_entry;
	uint32_t slot, other_slot;

	if (!find_slot(b, &b->zones[zone], pfn, &slot) ||
	    !find_slot(b, &b->zones[other_zone], other, &other_slot) || slot == other_slot)
		return;
	entry = b->slots[slot].entry;
	other_entry = b->slots[other_slot].entry;
	list = &b->zones[zone].lists[b->max_order][entry_type(entry)];
	other_list = &b->zones[other_zone].lists[b->max_order][entry_type(other_entry)];
	/* Of two neighbours each has the other where it stood itself. */
	if (entry_after(other_entry) == slot)
		entry_set_after(&other_entry, other_slot);
	if (entry_before(other_entry) == slot)
		entry_set_before(&other_entry, other_slot);
	if (entry_after(entry) == other_slot)
		entry_set_after(&entry, slot);
	if (entry_before(entry) == other_slot)
		entry_set_before(&entry, slot);
	b->slots[slot].entry = other_entry;
	b->slots[other_slot].entry = entry;
	relink(b, other_list, slot);
	relink(b, list, other_slot);
}

void buddy_census(const struct buddy *b, uint32_t zone, pfn_t pfn, uint64_t *free_pages,
		  uint64_t *movable_pages)
{
	uint32_t slot, off, end;

	*free_pages = *movable_pages = 0;
	if (!slot_at(b, zone, pfn, &slot))
		return;
	if (entry_is_free(b->slots[slot].entry)) {
		*free_pages = 1ULL << b->pageblock_order;
		return;
	}
	if (b->slots[slot].chunk == CHUNK_NONE)
		return;
	off = (uint32_t)pfn & (slot_pages(b) - 1);
	end = (uint32_t)round_down_to(off, 1ULL << b->pageblock_order) + (1u << b->pageblock_order);
	while (off < end) {
		uint64_t entry = b->entries[(b->slots[slot].chunk << b->max_order) + off];

		if (entry_is_free(entry)) {
			*free_pages += 1ULL << entry_order(entry);
			off += 1u << entry_order(entry);
		} else if (entry_is_held(entry)) {
			if (held_type(entry) == MIGRATE_MOVABLE)
				*movable_pages += 1ULL << entry_order(entry);
			off += 1u << entry_order(entry);
		} else {
			off++;
		}
	}
}

uint64_t buddy_move_block(struct buddy *b, uint32_t zone, pfn_t pfn, enum migratetype type,
			  bool to_tail)
{
	return buddy_move_rest(b, zone, round_down_to(pfn, 1ULL << b->pageblock_order), type,
			       to_tail);
}

uint64_t buddy_move_rest(struct buddy *b, uint32_t zone, pfn_t pfn, enum migratetype type,
			 bool to_tail)
{
	struct buddy_zone *z = &b->zones[zone];
	uint64_t moved = 0;
	uint32_t slot, chunk, off, end;

	if (!find_slot(b, z, pfn, &slot))
		return 0;
	if (entry_is_free(b->slots[slot].entry)) {
		/* A block of several pageblocks moves when it begins in this one. */
		if (pfn >> b->pageblock_order != slot_pfn(b, slot) >> b->pageblock_order)
			return 0;
		list_remove(b, z, b->max_order, slot);
		list_insert(b, z, b->max_order, type, slot, to_tail);
		return 1ULL << b->max_order;
	}
	chunk = b->slots[slot].chunk;
	if (chunk == CHUNK_NONE)
		return 0;
	off = (uint32_t)pfn & (slot_pages(b) - 1);
	end = (uint32_t)round_down_to(off, 1ULL << b->pageblock_order) + (1u << b->pageblock_order);
	while (off < end) {
		uint32_t link = chunk << b->max_order | off;
		unsigned int order;

		if (!entry_is_free(b->entries[link])) {
			off++;
			continue;
		}
		order = entry_order(b->entries[link]);
		list_remove(b, z, order, link);
		list_insert(b, z, order, type, link, to_tail);
		moved += 1ULL << order;
		off += 1u << order;
	}
	return moved;
}

void buddy_add_pending(struct buddy *b, uint32_t zone, pfn_t start, pfn_t end)
{
	if (b->pending_count == b->pending_room) {
		uint32_t room = b->pending_room ? b->pending_room * 2 : 16;
		struct buddy_pending *grown = realloc(b->pending, room * sizeof(*grown));

		if (!grown) {
			b->out_of_memory = true;
			return;
		}
		b->pending = grown;
		b->pending_room = room;
	}
	b->pending[b->pending_count++] = (struct buddy_pending){ start, end, zone };
}

/* ---- questions --------------------------------------------------------------------------------- */

bool buddy_find(const struct buddy *b, uint32_t zone, pfn_t pfn, struct buddy_block *ret)
{
	uint32_t slot, off = (uint32_t)pfn & (slot_pages(b) - 1);
	const uint64_t *entries;

	if (!slot_at(b, zone, pfn, &slot))
		return false;
	if (entry_is_free(b->slots[slot].entry)) {
		*ret = (struct buddy_block){ slot_pfn(b, slot), b->max_order,
					     entry_type(b->slots[slot].entry) };
		return true;
	}
	if (b->slots[slot].chunk == CHUNK_NONE)
		return false;
	entries = b->entries + ((size_t)b->slots[slot].chunk << b->max_order);
	/* A block that holds the page begins where some of the lowest bits of its number are cleared. */
	for (uint32_t head = off;; head &= head - 1) {
		uint64_t entry = entries[head];

		if (entry_is_free(entry) && (off - head) >> entry_order(entry) == 0) {
			*ret = (struct buddy_block){ slot_pfn(b, slot) + head, entry_order(entry),
						     entry_type(entry) };
			return true;
		}
		if (!head)
			return false;
	}
}

bool buddy_list_next(const struct buddy *b, uint32_t zone, unsigned int order,
		     enum migratetype type, uint32_t *cursor, pfn_t *pfn)
{
	if (*cursor == BUDDY_LIST_START)
		*cursor = b->zones[zone].lists[order][type].head;
	else
		*cursor = entry_after(*entry_of(b, order, *cursor));
	if (*cursor == LINK_NONE)
		return false;
	*pfn = link_pfn(b, order, *cursor);
	return true;
}

uint64_t buddy_zone_free_pages(const struct buddy *b, uint32_t zone)
{
	uint64_t pages = 0;

	for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
		pages += b->zones[zone].free_pages[t];
	return pages;
}

uint64_t buddy_memory_bytes(const struct buddy *b)
{
	return sizeof(*b) + b->zone_count * sizeof(*b->zones) + b->span_count * sizeof(*b->spans) +
	       b->slot_count * sizeof(*b->slots) + (b->slot_count ? block_type_bytes(b) : 0) +
	       (uint64_t)b->chunk_room *
		       ((sizeof(*b->entries) << b->max_order) + sizeof(*b->homes)) +
	       b->memory_count * sizeof(*b->memory) + b->pending_room * sizeof(*b->pending);
}

/* ---- check and dump ---------------------------------------------------------------------------- */

/*
 * Is a block on the list of @type as its pageblocks say?  Where merging does not retype, a block of
 * several pageblocks has the type of the one that was freed last.
 */
static bool block_has_type(const struct buddy *b, size_t index, unsigned int order,
			   enum migratetype type)
{
	size_t blocks = order > b->pageblock_order ? (size_t)1 << (order - b->pageblock_order) : 1;

	for (size_t i = 0; i < blocks; i++) {
		if (block_type(b, index + i) == type)
			return true;
		if (b->merge_retypes)
			return false;
	}
	return false;
}

/* Does what is kept for high orders stay apart here? */
static bool is_kept_apart(enum migratetype a, enum migratetype b)
{
	return a != b && (a == MIGRATE_HIGHATOMIC || b == MIGRATE_HIGHATOMIC);
}

/* A block on a list, seen on its own. */
static enum buddy_wrong check_block(const struct buddy *b, uint32_t zone, unsigned int order,
				    enum migratetype type, uint32_t link, bool typed)
{
	const struct buddy_zone *z = &b->zones[zone];
	pfn_t pfn = link_pfn(b, order, link);
	uint64_t entry = *entry_of(b, order, link);
	uint32_t slot, off = (uint32_t)pfn & (slot_pages(b) - 1), base;
	enum migratetype left, right, other;

	if (!entry_is(entry, order) || entry_type(entry) != type)
		return BUDDY_WRONG_ELSEWHERE;
	if (pfn & ((1ULL << order) - 1))
		return BUDDY_WRONG_UNALIGNED;
	if (pfn < z->start || pfn >= z->end || !slot_at(b, zone, pfn, &slot))
		return BUDDY_WRONG_OUTSIDE;
	if (order == b->max_order && link != slot)
		return BUDDY_WRONG_OUTSIDE;
	if (typed && !block_has_type(b, block_index(b, slot, pfn), order, type))
		return BUDDY_WRONG_UNTYPED;
	if (order == b->max_order)
		return b->slots[slot].chunk != CHUNK_NONE ? BUDDY_WRONG_CHUNK_OF_WHOLE
							  : BUDDY_RIGHT;
	base = b->slots[slot].chunk << b->max_order;
	if (b->slots[slot].chunk == CHUNK_NONE || link != base + off ||
	    b->homes[b->slots[slot].chunk].slot != slot)
		return BUDDY_WRONG_FOREIGN_CHUNK;
	for (uint32_t i = 1; i < 1u << order; i++)
		if (entry_is_free(b->entries[base + off + i]))
			return BUDDY_WRONG_NESTED;
	if (!entry_is(b->entries[base + (off ^ 1u << order)], order))
		return BUDDY_RIGHT;
	if (order < b->pageblock_order)
		return BUDDY_WRONG_UNMERGED;
	left = block_type(b, block_index(b, slot, off));
	right = block_type(b, block_index(b, slot, off ^ 1u << order));
	/*
	 * Whether types that are no fallbacks merge depends on the kernel, on who was freed last, and on
	 * the type of which it was remembered then, which is compared with the other's pageblock.
	 */
	other = entry_type(b->entries[base + (off ^ 1u << order)]);
	if (b->types_changed_free || is_kept_apart(type, other) || is_kept_apart(type, right) ||
	    is_kept_apart(other, left) ||
	    (left != right && (left >= MIGRATE_HIGHATOMIC || right >= MIGRATE_HIGHATOMIC)))
		return BUDDY_RIGHT;
	return BUDDY_WRONG_UNMERGED;
}

static enum buddy_wrong check_list(const struct buddy *b, uint32_t zone, unsigned int order,
				   enum migratetype type, bool typed, uint64_t *listed, pfn_t *at)
{
	const struct buddy_list *list = &b->zones[zone].lists[order][type];
	uint32_t before = LINK_NONE, count = 0;
	uint64_t limit = order == b->max_order ? b->slot_count
					       : (uint64_t)b->chunk_count << b->max_order;

	for (uint32_t link = list->head; link != LINK_NONE; count++) {
		uint64_t entry;
		enum buddy_wrong wrong;

		if (link >= limit || count >= list->count)
			return BUDDY_WRONG_LONG_LIST;
		if (order < b->max_order && b->homes[link >> b->max_order].slot >= b->slot_count)
			return BUDDY_WRONG_UNUSED_CHUNK;
		entry = *entry_of(b, order, link);
		*at = link_pfn(b, order, link);
		if (entry_before(entry) != before)
			return BUDDY_WRONG_LINKS;
		wrong = check_block(b, zone, order, type, link, typed);
		if (wrong)
			return wrong;
		before = link;
		link = entry_after(entry);
	}
	*at = PFN_NONE;
	if (count != list->count)
		return BUDDY_WRONG_SHORT_LIST;
	if (list->tail != before)
		return BUDDY_WRONG_TAIL;
	if ((b->zones[zone].nonempty[type] >> order & 1) != (count > 0))
		return BUDDY_WRONG_BITMAP;
	*listed += count;
	return BUDDY_RIGHT;
}

static uint32_t count_isolated(const struct buddy *b, uint32_t zone)
{
	const struct buddy_zone *z = &b->zones[zone];
	unsigned int shift = b->max_order - b->pageblock_order;
	uint32_t isolated = 0;

	for (uint32_t s = z->first_span; s < z->first_span + z->span_count; s++) {
		size_t first = (size_t)b->spans[s].first_slot << shift;
		pfn_t start = b->spans[s].start << b->max_order;

		for (size_t i = 0; i < b->spans[s].count << shift; i++)
			isolated +=
				block_type(b, first + i) == MIGRATE_ISOLATE &&
				buddy_block_has_memory(b, zone, start + (i << b->pageblock_order));
	}
	return isolated;
}

static enum buddy_wrong check_zone(const struct buddy *b, uint32_t zone, bool typed,
				   uint64_t *listed, pfn_t *at)
{
	*at = PFN_NONE;
	for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
		uint64_t pages = 0;

		for (unsigned int o = 0; o <= b->max_order; o++) {
			enum buddy_wrong wrong =
				check_list(b, zone, o, (enum migratetype)t, typed, listed, at);

			if (wrong)
				return wrong;
			pages += (uint64_t)b->zones[zone].lists[o][t].count << o;
		}
		if (pages != b->zones[zone].free_pages[t])
			return BUDDY_WRONG_SUM;
	}
	return count_isolated(b, zone) != b->zones[zone].isolated ? BUDDY_WRONG_ISOLATED
								  : BUDDY_RIGHT;
}

static uint64_t count_tags(const struct buddy *b)
{
	uint64_t tagged = 0;

	for (uint32_t slot = 0; slot < b->slot_count; slot++) {
		tagged += entry_is_free(b->slots[slot].entry);
		if (b->slots[slot].chunk == CHUNK_NONE)
			continue;
		for (uint32_t i = 0; i < slot_pages(b); i++)
			tagged += entry_is_free(
				b->entries[((size_t)b->slots[slot].chunk << b->max_order) + i]);
	}
	return tagged;
}

bool buddy_find_violation(const struct buddy *b, bool typed, struct buddy_violation *ret)
{
	static const char *const texts[] = {
		NULL,
#define BUDDY_WRONG(name, invariant, text) text,
#include "engine/buddy_wrong.def"
#undef BUDDY_WRONG
	};
	enum buddy_wrong wrong = BUDDY_RIGHT;
	uint32_t zone = BUDDY_ZONE_NONE;
	pfn_t at = PFN_NONE;
	uint64_t listed = 0;

	for (uint32_t i = 0; i < b->zone_count && !wrong; i++) {
		wrong = check_zone(b, i, typed, &listed, &at);
		zone = i;
	}
	if (!wrong && count_tags(b) != listed) {
		wrong = BUDDY_WRONG_UNLISTED;
		zone = BUDDY_ZONE_NONE;
	}
	if (wrong)
		*ret = (struct buddy_violation){ wrong, texts[wrong], zone, at };
	return wrong != BUDDY_RIGHT;
}

const char *buddy_check(const struct buddy *b, bool typed)
{
	struct buddy_violation violation;

	return buddy_find_violation(b, typed, &violation) ? violation.what : NULL;
}

void buddy_dump(const struct buddy *b, const struct sink *sink)
{
	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		const struct buddy_zone *z = &b->zones[zone];

		sink_printf(sink, "Node %d zone %s: %llu pages free\n", (int)z->nid,
			    zone_type_name(z->type),
			    (unsigned long long)buddy_zone_free_pages(b, zone));
		for (unsigned int o = 0; o <= b->max_order; o++) {
			for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
				uint32_t cursor = BUDDY_LIST_START;
				pfn_t pfn;

				if (!z->lists[o][t].count)
					continue;
				sink_printf(sink, "  order %u %s:", o,
					    migratetype_name((enum migratetype)t, b->facts));
				while (buddy_list_next(b, zone, o, (enum migratetype)t, &cursor,
						       &pfn))
					sink_printf(sink, " 0x%llx", (unsigned long long)pfn);
				sink_puts(sink, "\n");
			}
		}
	}
}
