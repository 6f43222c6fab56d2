/* SPDX-License-Identifier: MIT */
/* A balloon: pages that stay present, but are managed no more. */
#include <stdlib.h>
#include <string.h>

#include "engine/hotplug_parts.h"
#include "engine/reserves.h"

static bool keep_block(struct hotplug *h, pfn_t pfn, unsigned int order)
{
	if (h->balloon_count == h->balloon_room) {
		uint32_t room = h->balloon_room ? h->balloon_room * 2 : 16;
		struct balloon_block *grown = realloc(h->balloon, room * sizeof(*grown));

		if (!grown) {
			h->out_of_memory = true;
			return false;
		}
		h->balloon = grown;
		h->balloon_room = room;
	}
	h->balloon[h->balloon_count++] = (struct balloon_block){ pfn, order };
	return true;
}

static void count_managed(struct hotplug *h, uint32_t zone, int64_t pages)
{
	struct machine *m = h->machine;
	const struct buddy_zone *bz = &m->buddy->zones[zone];

	m->nodes[bz->nid].zones[bz->type].managed += (uint64_t)pages;
	m->totalram += (uint64_t)pages;
}

static void inflate(struct hotplug *h, uint32_t zone, uint64_t pages)
{
	struct buddy *b = h->machine->buddy;

	for (unsigned int order = b->max_order + 1; order-- > 0;) {
		for (unsigned int type = 0; type < MIGRATE_HIGHATOMIC; type++) {
			while (pages >> order) {
				pfn_t pfn = buddy_take(b, zone, order, (enum migratetype)type);

				if (pfn == PFN_NONE)
					break;
				if (!keep_block(h, pfn, order))
					return;
				pages -= 1ULL << order;
				count_managed(h, zone, -(int64_t)(1ULL << order));
			}
		}
	}
}

static void deflate(struct hotplug *h, uint32_t zone, uint64_t pages)
{
	struct buddy *b = h->machine->buddy;

	for (uint32_t i = h->balloon_count; i-- > 0 && pages;) {
		struct balloon_block block = h->balloon[i];

		if (buddy_zone_at(b, block.pfn) != zone)
			continue;
		memmove(h->balloon + i, h->balloon + i + 1,
			(--h->balloon_count - i) * sizeof(*h->balloon));
		count_managed(h, zone, (int64_t)(1ULL << block.order));
		buddy_free(b, zone, block.pfn, block.order, BUDDY_PLACE_FREED);
		pages -= min_u64(1ULL << block.order, pages);
	}
}

void hotplug_balloon(struct hotplug *h, int32_t nid, enum zone_type type, int64_t pages)
{
	struct machine *m = h->machine;
	uint32_t zone = buddy_zone_find(m->buddy, nid, type);

	if (zone == BUDDY_ZONE_NONE || !hotplug_ready(h))
		return;
	/* A block may end beyond its zone, where pages are not the zone's. */
	if (pages >= 0)
		inflate(h, zone, min_u64((uint64_t)pages, m->nodes[nid].zones[type].managed));
	else
		deflate(h, zone, 0 - (uint64_t)pages);
	reserves_follow_managed(m);
	page_alloc_set_watermarks(h->alloc, m->nodes);
}
