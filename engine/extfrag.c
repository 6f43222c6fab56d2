/* SPDX-License-Identifier: MIT */
#include "engine/extfrag.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/buddy_view.h"

struct free_blocks {
	uint64_t pages, blocks; /* all */
	uint64_t suitable; /* blocks of the order that fit in */
};

static struct free_blocks add_up(const uint64_t *nr_free, unsigned int order_count,
				 unsigned int order)
{
	struct free_blocks ret = { 0 };

	for (unsigned int o = 0; o < order_count; o++) {
		ret.blocks += nr_free[o];
		ret.pages += nr_free[o] << o;
		if (o >= order)
			ret.suitable += nr_free[o] << (o - order);
	}
	return ret;
}

unsigned int extfrag_unusable_index(const uint64_t *nr_free, unsigned int order_count,
				    unsigned int order)
{
	struct free_blocks f = add_up(nr_free, order_count, order);

	if (!f.pages)
		return 1000;
	return (unsigned int)((f.pages - (f.suitable << order)) * 1000 / f.pages);
}

int extfrag_index(const uint64_t *nr_free, unsigned int order_count, unsigned int order)
{
	struct free_blocks f = add_up(nr_free, order_count, order);

	if (!f.blocks)
		return 0;
	if (f.suitable)
		return EXTFRAG_WOULD_PASS;
	return 1000 - (int)((1000 + (f.pages * 1000 >> order)) / f.blocks);
}

unsigned int extfrag_count(const struct buddy *b, uint32_t zone, uint64_t ret[BUDDY_ORDER_COUNT])
{
	unsigned int count = buddy_view_max_order(b) + 1;

	for (unsigned int o = 0; o < count; o++)
		ret[o] = buddy_view_nr_free(b, zone, o);
	return count;
}

static void put_zone(const struct buddy *b, uint32_t zone, const struct sink *sink)
{
	sink_printf(sink, "Node %" PRId32 ", zone %8s ", buddy_view_nid(b, zone),
		    zone_type_name(buddy_view_type(b, zone)));
}

/* A row for each zone, a column for each order, in the form of the kernel's file of either index. */
static void dump(const struct buddy *b, bool unusable, const struct sink *sink)
{
	uint64_t nr_free[BUDDY_ORDER_COUNT];

	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		unsigned int count = extfrag_count(b, zone, nr_free);

		put_zone(b, zone, sink);
		for (unsigned int o = 0; o < count; o++) {
			int index = unusable ? (int)extfrag_unusable_index(nr_free, count, o)
					     : extfrag_index(nr_free, count, o);

			sink_printf(sink, unusable ? "%d.%03d " : "%2d.%03d ", index / 1000,
				    index % 1000);
		}
		sink_puts(sink, "\n");
	}
}

void extfrag_dump_unusable(const struct buddy *b, const struct sink *sink)
{
	dump(b, true, sink);
}

void extfrag_dump_index(const struct buddy *b, const struct sink *sink)
{
	dump(b, false, sink);
}
