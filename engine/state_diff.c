/* SPDX-License-Identifier: MIT */
#include "engine/state_diff.h"

#include <stdlib.h>
#include <string.h>

#include "engine/buddy_view.h"
#include "engine/pageset.h"

/* A free block of one side; @where tells lists apart. */
struct block {
	pfn_t start, end;
	uint64_t where;
};

struct blocks {
	struct block *items;
	size_t count, room;
	bool out_of_memory;
};

struct walk {
	const struct page_alloc *sides[STATE_SIDES];
	state_diff_fn *visit;
	void *ctx;
	struct state_summary *sum;
	struct blocks blocks[STATE_SIDES];
	struct state_difference d; /* what all differences at hand have in common */
};

static void report(struct walk *w, const struct state_difference *d)
{
	switch (d->kind) {
	case STATE_DIFF_ZONE:
		w->sum->zones++;
		break;
	case STATE_DIFF_FREE_LIST:
	case STATE_DIFF_PCP_LIST:
		w->sum->lists++;
		break;
	case STATE_DIFF_BLOCK_TYPE:
		w->sum->block_types++;
		break;
	case STATE_DIFF_COUNTER:
		w->sum->counters++;
		break;
	}
	if (w->visit)
		w->visit(w->ctx, d);
}

static void add_block(struct blocks *to, pfn_t pfn, unsigned int order, uint64_t where)
{
	if (to->count == to->room) {
		size_t room = to->room ? to->room * 2 : 1024;
		struct block *items = realloc(to->items, room * sizeof(*items));

		if (!items) {
			to->out_of_memory = true;
			return;
		}
		to->items = items;
		to->room = room;
	}
	to->items[to->count++] = (struct block){ pfn, pfn + (1ULL << order), where };
}

static void counter(struct walk *w, const char *name, uint64_t a, uint64_t b)
{
	struct state_difference d = w->d;

	if (a == b)
		return;
	d.kind = STATE_DIFF_COUNTER;
	d.counter = name;
	d.value[0] = a;
	d.value[1] = b;
	report(w, &d);
}

/* ---- lists ------------------------------------------------------------------------------------- */

/* A walk along one list, of a zone or of a page set. */
struct along {
	const struct page_alloc *a;
	uint32_t zone;
	const struct pageset *set; /* NULL: of the zone */
	unsigned int index; /* of the page set's list, or PCP_LIST_NONE */
	uint32_t cursor;
};

static bool next(struct along *l, const struct state_difference *d, pfn_t *pfn)
{
	if (!l->set)
		return d->order <= l->a->buddy->max_order &&
		       buddy_list_next(l->a->buddy, l->zone, d->order, d->type, &l->cursor, pfn);
	return l->index != PCP_LIST_NONE && pageset_next(l->a, l->set, l->index, &l->cursor, pfn);
}

/* Two lists that hold the same, as w->d says. */
static void lists(struct walk *w, struct along two[STATE_SIDES])
{
	struct state_difference d = w->d;
	uint64_t where = ((uint64_t)d.cpu << 16 | d.order << 8 | d.type) + 1;
	bool more[STATE_SIDES] = { true, true }, differ = false;

	d.value[0] = d.value[1] = 0;
	for (uint32_t place = 0; more[0] || more[1]; place++) {
		pfn_t pfn[STATE_SIDES] = { PFN_NONE, PFN_NONE };

		for (unsigned int s = 0; s < STATE_SIDES; s++) {
			more[s] = more[s] && next(&two[s], &d, &pfn[s]);
			if (!more[s]) {
				pfn[s] = PFN_NONE;
				continue;
			}
			d.value[s]++;
			add_block(&w->blocks[s], pfn[s], d.order, where);
		}
		if (differ || pfn[0] == pfn[1])
			continue;
		differ = true;
		d.place = place;
		memcpy(d.pfn, pfn, sizeof(pfn));
	}
	if (differ)
		report(w, &d);
}

static void free_lists(struct walk *w, const uint32_t zone[STATE_SIDES])
{
	w->d.kind = STATE_DIFF_FREE_LIST;
	for (unsigned int o = 0; o < BUDDY_ORDER_COUNT; o++) {
		for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
			struct along two[STATE_SIDES];

			w->d.order = o;
			w->d.type = (enum migratetype)t;
			for (unsigned int s = 0; s < STATE_SIDES; s++)
				two[s] = (struct along){ w->sides[s], zone[s], NULL, PCP_LIST_NONE,
							 BUDDY_LIST_START };
			lists(w, two);
		}
	}
}

/* Does a list of @a hold blocks of that order for requests of that type, and is it told by it? */
static unsigned int list_index(const struct page_alloc *a, unsigned int order,
			       enum migratetype type)
{
	unsigned int index = pageset_list(a, order, type);

	/* Where huge pages have one list, it counts once: as Movable's. */
	if (index != PCP_LIST_NONE && type != MIGRATE_MOVABLE &&
	    index == pageset_list(a, order, MIGRATE_MOVABLE))
		return PCP_LIST_NONE;
	return index;
}

static void page_sets(struct walk *w, const uint32_t zone[STATE_SIDES])
{
	uint32_t cpus = w->sides[0]->cpu_count < w->sides[1]->cpu_count ? w->sides[0]->cpu_count
									: w->sides[1]->cpu_count;

	for (w->d.cpu = 0; w->d.cpu < cpus; w->d.cpu++) {
		const struct pageset *set[STATE_SIDES];

		for (unsigned int s = 0; s < STATE_SIDES; s++)
			set[s] = &w->sides[s]->sets[zone[s] * w->sides[s]->cpu_count + w->d.cpu];
		counter(w, "count", set[0]->count, set[1]->count);
		counter(w, "batch", set[0]->batch, set[1]->batch);
		counter(w, "high", set[0]->high, set[1]->high);
		for (unsigned int o = 0; o < BUDDY_ORDER_COUNT; o++) {
			for (unsigned int t = 0; t < MIGRATE_HIGHATOMIC; t++) {
				struct along two[STATE_SIDES];

				w->d.kind = STATE_DIFF_PCP_LIST;
				w->d.order = o;
				w->d.type = (enum migratetype)t;
				for (unsigned int s = 0; s < STATE_SIDES; s++)
					two[s] = (struct along){ w->sides[s], zone[s], set[s],
								 list_index(w->sides[s], o,
									    w->d.type),
								 BUDDY_LIST_START };
				lists(w, two);
			}
		}
	}
	w->d.cpu = UINT32_MAX;
}

/* ---- zones ------------------------------------------------------------------------------------- */

static void pageblocks(struct walk *w, const uint32_t zone[STATE_SIDES])
{
	const struct buddy *b = w->sides[0]->buddy, *other = w->sides[1]->buddy;
	const struct buddy_zone *z = &b->zones[zone[0]];
	uint64_t size = 1ULL << b->pageblock_order;

	if (b->pageblock_order != other->pageblock_order)
		return;
	w->d.kind = STATE_DIFF_BLOCK_TYPE;
	for (uint32_t i = 0; i < z->span_count; i++) {
		const struct buddy_span *span = &b->spans[z->first_span + i];
		pfn_t pfn = max_u64(span->start << b->max_order, round_down_to(z->start, size));
		pfn_t end = min_u64((span->start + span->count) << b->max_order, z->end);

		for (; pfn < end; pfn += size) {
			enum migratetype a = buddy_block_type(b, zone[0], pfn);
			enum migratetype c = buddy_block_type(other, zone[1], pfn);
			struct state_difference d = w->d;

			if (a == c)
				continue;
			d.pfn[0] = d.pfn[1] = pfn;
			d.value[0] = a;
			d.value[1] = c;
			report(w, &d);
		}
	}
}

static void one_zone(struct walk *w, const uint32_t zone[STATE_SIDES])
{
	static const char *const marks[WMARK_COUNT] = { "min", "low", "high", "promo" };
	const struct alloc_zone *z[STATE_SIDES];

	for (unsigned int s = 0; s < STATE_SIDES; s++)
		z[s] = &w->sides[s]->zones[zone[s]];
	counter(w, "nr_free_pages", page_alloc_zone_free(w->sides[0], zone[0]),
		page_alloc_zone_free(w->sides[1], zone[1]));
	counter(w, "managed", z[0]->managed, z[1]->managed);
	for (unsigned int m = 0; m < WMARK_COUNT; m++)
		counter(w, marks[m], z[0]->watermark[m] + z[0]->boost,
			z[1]->watermark[m] + z[1]->boost);
	counter(w, "nr_reserved_highatomic", z[0]->reserved_highatomic, z[1]->reserved_highatomic);
	free_lists(w, zone);
	page_sets(w, zone);
	pageblocks(w, zone);
}

/* Zones of side @s that the other lacks. */
static void missing_zones(struct walk *w, unsigned int s)
{
	const struct buddy *b = w->sides[s]->buddy, *other = w->sides[!s]->buddy;

	for (uint32_t z = 0; z < b->zone_count; z++) {
		struct state_difference d = w->d;

		d.nid = buddy_view_nid(b, z);
		d.zone = buddy_view_type(b, z);
		if (buddy_zone_find(other, d.nid, d.zone) != BUDDY_ZONE_NONE)
			continue;
		d.kind = STATE_DIFF_ZONE;
		d.value[s] = buddy_zone_free_pages(b, z);
		d.value[!s] = 0;
		report(w, &d);
	}
}

/* ---- pages ------------------------------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Both sides are sorted, and no two blocks of a side overlap. */
static void sweep(struct walk *w)
{
	const struct block *at[STATE_SIDES], *end[STATE_SIDES];
	pfn_t pfn = 0;

	for (unsigned int s = 0; s < STATE_SIDES; s++) {
		struct blocks *list = &w->blocks[s];

		if (list->count)
			qsort(list->items, list->count, sizeof(*list->items), by_start);
		at[s] = list->items;
		end[s] = list->items + list->count;
	}
	while (at[0] < end[0] || at[1] < end[1]) {
		bool in[STATE_SIDES];
		pfn_t until = PFN_NONE, start = PFN_NONE;

		for (unsigned int s = 0; s < STATE_SIDES; s++)
			if (at[s] < end[s])
				start = min_u64(start, max_u64(at[s]->start, pfn));
		for (unsigned int s = 0; s < STATE_SIDES; s++) {
			in[s] = at[s] < end[s] && at[s]->start <= start;
			if (at[s] < end[s])
				until = min_u64(until, in[s] ? at[s]->end : at[s]->start);
		}
		if (in[0] && in[1])
			w->sum->elsewhere += at[0]->where != at[1]->where ? until - start : 0;
		else
			w->sum->free_alone[in[0] ? 0 : 1] += until - start;
		pfn = until;
		for (unsigned int s = 0; s < STATE_SIDES; s++)
			if (at[s] < end[s] && at[s]->end <= pfn)
				at[s]++;
	}
}

bool state_diff(const struct page_alloc *a, const struct page_alloc *b, state_diff_fn *visit,
		void *ctx, struct state_summary *ret)
{
	struct walk w = { .sides = { a, b }, .visit = visit, .ctx = ctx, .sum = ret };
	bool failed;

	memset(ret, 0, sizeof(*ret));
	w.d.cpu = UINT32_MAX;
	w.d.pfn[0] = w.d.pfn[1] = PFN_NONE;
	missing_zones(&w, 0);
	missing_zones(&w, 1);
	for (uint32_t z = 0; z < a->zone_count; z++) {
		uint32_t zone[STATE_SIDES] = { z, BUDDY_ZONE_NONE };

		w.d.nid = buddy_view_nid(a->buddy, z);
		w.d.zone = buddy_view_type(a->buddy, z);
		zone[1] = buddy_zone_find(b->buddy, w.d.nid, w.d.zone);
		if (zone[1] != BUDDY_ZONE_NONE)
			one_zone(&w, zone);
	}
	failed = w.blocks[0].out_of_memory || w.blocks[1].out_of_memory;
	if (!failed)
		sweep(&w);
	free(w.blocks[0].items);
	free(w.blocks[1].items);
	return !failed;
}
