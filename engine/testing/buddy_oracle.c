/* SPDX-License-Identifier: MIT */
#include "engine/testing/buddy_oracle.h"

#include <string.h>

void buddy_oracle_init(struct buddy_oracle *o, const struct arch_config *config,
		       const struct facts *facts, const uint8_t page_zone[BUDDY_ORACLE_PAGES],
		       uint32_t zone_count)
{
	memset(o, 0, sizeof(*o));
	o->facts = facts;
	o->max_order = config->max_order;
	o->pageblock_order = config->pageblock_order;
	o->shared_types = config->section_shift != 0;
	o->zone_count = zone_count;
	memcpy(o->page_zone, page_zone, sizeof(o->page_zone));
}

void buddy_oracle_set_type(struct buddy_oracle *o, uint32_t zone, pfn_t pfn, enum migratetype type)
{
	for (uint32_t z = 0; z < o->zone_count; z++)
		if (z == zone || o->shared_types)
			o->types[z][pfn >> o->pageblock_order] = (uint8_t)type;
}

enum migratetype buddy_oracle_type(const struct buddy_oracle *o, uint32_t zone, pfn_t pfn)
{
	return (enum migratetype)o->types[zone][pfn >> o->pageblock_order];
}

bool buddy_oracle_find(const struct buddy_oracle *o, uint32_t zone, unsigned int order, pfn_t pfn,
		       enum migratetype *type, uint32_t *at)
{
	for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
		const struct buddy_oracle_list *list = &o->lists[zone][order][t];

		for (uint32_t i = 0; i < list->count; i++) {
			if (list->pfn[i] == pfn) {
				*type = (enum migratetype)t;
				*at = i;
				return true;
			}
		}
	}
	return false;
}

static void mark(struct buddy_oracle *o, pfn_t pfn, unsigned int order, bool free_now)
{
	for (pfn_t p = pfn; p < pfn + (1u << order); p++)
		o->page_free[p] = free_now;
}

void buddy_oracle_insert(struct buddy_oracle *o, uint32_t zone, unsigned int order,
			 enum migratetype type, pfn_t pfn, bool to_tail)
{
	struct buddy_oracle_list *list = &o->lists[zone][order][type];

	if (!to_tail)
		memmove(list->pfn + 1, list->pfn, list->count * sizeof(*list->pfn));
	list->pfn[to_tail ? list->count : 0] = (uint32_t)pfn;
	list->count++;
	mark(o, pfn, order, true);
}

void buddy_oracle_remove(struct buddy_oracle *o, uint32_t zone, unsigned int order,
			 enum migratetype type, uint32_t at)
{
	struct buddy_oracle_list *list = &o->lists[zone][order][type];

	mark(o, list->pfn[at], order, false);
	list->count--;
	memmove(list->pfn + at, list->pfn + at + 1, (list->count - at) * sizeof(*list->pfn));
}

/* Does what is freed as @a not merge with a buddy in a pageblock of type @c? */
static bool refuses(const struct buddy_oracle *o, enum migratetype a, enum migratetype c)
{
	int64_t isolated = fact_get(o->facts, FACT_isolated_merge_rule);

	if (a == c)
		return false;
	if (a == MIGRATE_ISOLATE)
		return isolated >= 1;
	if (c == MIGRATE_ISOLATE)
		return isolated == 2;
	return (fact_get(o->facts, FACT_merge_needs_fallback) ||
		fact_get(o->facts, FACT_merge_retypes_buddy)) &&
	       (a >= MIGRATE_HIGHATOMIC || c >= MIGRATE_HIGHATOMIC);
}

static void free_one(struct buddy_oracle *o, uint32_t zone, pfn_t pfn, unsigned int order,
		     enum migratetype type, enum buddy_place place)
{
	enum migratetype other;
	int64_t likely = fact_get(o->facts, FACT_likely_merge_rule);
	bool to_tail = place == BUDDY_PLACE_FRESH && fact_get(o->facts, FACT_fresh_pages_to_tail);
	pfn_t buddy, pair;
	uint32_t at;

	for (; order < o->max_order; order++) {
		buddy = pfn ^ (1u << order);
		if (!buddy_oracle_find(o, zone, order, buddy, &other, &at))
			break;
		if (order >= o->pageblock_order &&
		    refuses(o, type, buddy_oracle_type(o, zone, buddy)))
			break;
		buddy_oracle_remove(o, zone, order, other, at);
		if (order >= o->pageblock_order && fact_get(o->facts, FACT_merge_retypes_buddy))
			for (pfn_t p = buddy; p < buddy + (1u << order); p++)
				o->types[zone][p >> o->pageblock_order] = (uint8_t)type;
		pfn &= buddy;
	}
	if (order + 1 < o->max_order && (likely == 1 || (likely == 2 && !(pfn & 1u << order)))) {
		pair = pfn & ~(pfn_t)(1u << order);
		to_tail |= buddy_oracle_find(o, zone, order + 1, pair ^ (2u << order), &other, &at);
	}
	buddy_oracle_insert(o, zone, order, type, pfn, to_tail);
}

void buddy_oracle_free(struct buddy_oracle *o, uint32_t zone, pfn_t pfn, unsigned int order,
		       enum buddy_place place)
{
	unsigned int piece = order;

	if (fact_get(o->facts, FACT_free_splits_blocks) && piece > o->pageblock_order)
		piece = o->pageblock_order;
	for (pfn_t p = pfn; p < pfn + (1u << order); p += 1u << piece)
		free_one(o, zone, p, piece, buddy_oracle_type(o, zone, p), place);
}

void buddy_oracle_free_as(struct buddy_oracle *o, uint32_t zone, pfn_t pfn, unsigned int order,
			  enum migratetype type)
{
	free_one(o, zone, pfn, order, type, BUDDY_PLACE_FREED);
}

pfn_t buddy_oracle_take(struct buddy_oracle *o, uint32_t zone, unsigned int order,
			enum migratetype type)
{
	unsigned int have = order;
	pfn_t pfn;

	while (have <= o->max_order && !o->lists[zone][have][type].count)
		have++;
	if (have > o->max_order)
		return PFN_NONE;
	pfn = o->lists[zone][have][type].pfn[0];
	buddy_oracle_remove(o, zone, have, type, 0);
	while (have-- > order)
		buddy_oracle_insert(o, zone, have, type, pfn + (1u << have), false);
	return pfn;
}

uint64_t buddy_oracle_move_block(struct buddy_oracle *o, uint32_t zone, pfn_t pfn,
				 enum migratetype type, bool to_tail)
{
	pfn_t start = round_down_to(pfn, 1u << o->pageblock_order);
	uint64_t moved = 0;

	for (pfn_t p = start; p < start + (1u << o->pageblock_order); p++) {
		for (unsigned int order = 0; order <= o->max_order; order++) {
			enum migratetype was;
			uint32_t at;

			if (!buddy_oracle_find(o, zone, order, p, &was, &at))
				continue;
			buddy_oracle_remove(o, zone, order, was, at);
			buddy_oracle_insert(o, zone, order, type, p, to_tail);
			moved += 1u << order;
			break;
		}
	}
	return moved;
}

const char *buddy_oracle_compare(const struct buddy_oracle *o, const struct buddy *b)
{
	for (uint32_t z = 0; z < o->zone_count; z++) {
		uint64_t pages = 0;

		for (unsigned int order = 0; order <= o->max_order; order++) {
			for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
				const struct buddy_oracle_list *list = &o->lists[z][order][t];
				uint32_t cursor = BUDDY_LIST_START, i = 0;
				pfn_t pfn;

				while (buddy_list_next(b, z, order, (enum migratetype)t, &cursor,
						       &pfn))
					if (i >= list->count || list->pfn[i++] != pfn)
						return "a list has other blocks or another order";
				if (i != list->count || i != b->zones[z].lists[order][t].count)
					return "a list has too few blocks";
				pages += (uint64_t)i << order;
			}
		}
		if (pages != buddy_zone_free_pages(b, z))
			return "the free pages of a zone differ";
		for (pfn_t p = 0; p < BUDDY_ORACLE_PAGES; p++) {
			struct buddy_block found;

			if (o->page_zone[p] != z)
				continue;
			if (buddy_find(b, z, p, &found) != o->page_free[p])
				return "a page is free in one and not in the other";
			if (o->page_free[p] &&
			    (found.pfn > p || found.pfn + (1u << found.order) <= p))
				return "a page is said to lie in a block that does not hold it";
			if (buddy_block_type(b, z, p) != buddy_oracle_type(o, z, p))
				return "a pageblock has another type";
		}
	}
	return NULL;
}
