/* SPDX-License-Identifier: MIT */
#include "engine/shuffle.h"

#include "engine/buddy_entry.h"
#include "engine/prng.h"

/* How often a partner is drawn for each block. */
#define TRIES 10

/* The zone that the free block of the largest order at @pfn lies in, or BUDDY_ZONE_NONE. */
static uint32_t zone_of_block(const struct buddy *b, pfn_t pfn, enum migratetype *type)
{
	uint32_t zone = buddy_zone_at(b, pfn);
	struct buddy_block block;

	if (zone == BUDDY_ZONE_NONE || !buddy_find(b, zone, pfn, &block) ||
	    block.order != b->max_order)
		return BUDDY_ZONE_NONE;
	*type = block.type;
	return zone;
}

static void shuffle_block(struct buddy *b, uint32_t zone, pfn_t pfn, enum migratetype type,
			  struct prng *prng)
{
	const struct buddy_zone *z = &b->zones[zone];
	bool in_zone = fact_get(b->facts, FACT_shuffle_in_zone);

	for (unsigned int i = 0; i < TRIES; i++) {
		pfn_t other = z->start + prng_below(prng, z->end - z->start);
		enum migratetype other_type = MIGRATE_UNMOVABLE;
		uint32_t other_zone;

		other = round_down_to(other, slot_pages(b));
		other_zone = zone_of_block(b, other, &other_type);
		if (other_zone == BUDDY_ZONE_NONE || other == pfn || other_type != type ||
		    (in_zone && other_zone != zone))
			continue;
		buddy_swap_largest(b, zone, pfn, other_zone, other);
		return;
	}
}

void shuffle_zone(struct buddy *b, uint32_t zone, uint64_t seed)
{
	struct prng prng = prng_init(seed);
	const struct buddy_zone *z = &b->zones[zone];

	for (uint32_t s = z->first_span; s < z->first_span + z->span_count; s++) {
		for (uint64_t i = 0; i < b->spans[s].count; i++) {
			pfn_t pfn = (b->spans[s].start + i) << b->max_order;
			enum migratetype type = MIGRATE_UNMOVABLE;

			if (zone_of_block(b, pfn, &type) == zone)
				shuffle_block(b, zone, pfn, type, &prng);
		}
	}
}
