/* SPDX-License-Identifier: MIT */
#include "traces/picture_start.h"

#include <stdlib.h>
#include <string.h>

#include "engine/buddy_view.h"
#include "traces/procfs/pagetypeinfo.h"
#include "traces/procfs/zoneinfo.h"

bool picture_start_is_possible(const struct snapshot *s)
{
	return s->has_page_flags && s->buddy.count;
}

static bool copy_ranges(const struct picture_ranges *from, struct start_range **array,
			struct start_ranges *ret)
{
	*array = malloc(((size_t)from->count + 1) * sizeof(**array));
	if (!*array)
		return false;
	for (uint32_t i = 0; i < from->count; i++)
		(*array)[i] = (struct start_range){ from->ranges[i].start, from->ranges[i].end };
	*ret = (struct start_ranges){ *array, from->count };
	return true;
}

static struct error *take_types(const struct snapshot *s, const struct buddy *b,
				const struct facts *facts, struct start *ret)
{
	const struct picture_text *text = &s->text[PICTURE_PAGETYPEINFO];
	struct pagetypeinfo pi = { 0 };
	struct error *err =
		pagetypeinfo_parse(text->data, text->size, s->text_name[PICTURE_PAGETYPEINFO], &pi);

	for (uint32_t i = 0; !err && i < pi.nfree; i++) {
		const struct pagetypeinfo_free *f = &pi.free[i];
		uint32_t zone = buddy_view_find(b, f->nid, f->zone);
		enum migratetype type = migratetype_find(pi.types[f->type], facts);

		if (zone == BUDDY_ZONE_NONE || type == MIGRATE_TYPE_COUNT)
			continue;
		ret->zones[zone].has_free = true;
		for (uint32_t o = 0; o < pi.norders && o < BUDDY_ORDER_COUNT; o++)
			ret->zones[zone].free[o][type] = f->free[o];
	}
	for (uint32_t i = 0; !err && i < pi.nblocks; i++) {
		uint32_t zone = buddy_view_find(b, pi.blocks[i].nid, pi.blocks[i].zone);

		if (zone == BUDDY_ZONE_NONE)
			continue;
		ret->zones[zone].has_blocks = true;
		for (uint32_t t = 0; t < pi.ntypes; t++) {
			enum migratetype type = migratetype_find(pi.types[t], facts);

			if (type != MIGRATE_TYPE_COUNT)
				ret->zones[zone].blocks[type] = pi.blocks[i].blocks[t];
		}
	}
	pagetypeinfo_deinit(&pi);
	return err;
}

static uint32_t clamp(uint64_t pages)
{
	return pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX;
}

static struct error *take_sets(const struct snapshot *s, const struct page_alloc *a,
			       struct start *ret)
{
	const struct picture_text *text = &s->text[PICTURE_ZONEINFO];
	const uint32_t needed = ZONEINFO_PCP_COUNT | ZONEINFO_PCP_HIGH | ZONEINFO_PCP_BATCH;
	const uint32_t tuned = ZONEINFO_PCP_HIGH_MIN | ZONEINFO_PCP_HIGH_MAX;
	struct zoneinfo zi = { 0 };
	struct error *err =
		zoneinfo_parse(text->data, text->size, s->text_name[PICTURE_ZONEINFO], &zi);

	for (uint32_t i = 0; !err && i < zi.nzones; i++) {
		uint32_t zone = buddy_view_find(a->buddy, zi.zones[i].nid, zi.zones[i].name);

		for (uint32_t k = 0; zone != BUDDY_ZONE_NONE && k < zi.zones[i].npagesets; k++) {
			const struct zoneinfo_pageset *p = &zi.zones[i].pagesets[k];
			struct start_set *set;

			if (p->cpu >= a->cpu_count || (p->has & needed) != needed)
				continue;
			set = &ret->sets[zone * a->cpu_count + p->cpu];
			*set = (struct start_set){ .known = true,
						   .count = clamp(p->count),
						   .batch = clamp(p->batch),
						   .high = clamp(p->high) };
			if ((p->has & tuned) == tuned) {
				set->high_min = clamp(p->high_min);
				set->high_max = clamp(p->high_max);
			}
		}
	}
	zoneinfo_deinit(&zi);
	return err;
}

struct error *picture_start_read(const struct snapshot *s, const struct page_alloc *a,
				 const struct facts *facts, struct picture_start *ret)
{
	struct picture_start p = { .start = { .page_count = s->page_count,
					      .has_uses = s->has_uses } };
	struct start *start = &p.start;
	struct error *err = NULL;

	start->zones = calloc((size_t)a->zone_count + 1, sizeof(*start->zones));
	start->sets = calloc((size_t)a->zone_count * a->cpu_count + 1, sizeof(*start->sets));
	if (!start->zones || !start->sets || !copy_ranges(&s->buddy, &p.free, &start->free) ||
	    !copy_ranges(&s->lru, &p.lru, &start->lru) ||
	    !copy_ranges(&s->slab, &p.slab, &start->slab) ||
	    !copy_ranges(&s->reserved, &p.reserved, &start->reserved))
		err = error_no_memory();
	if (!err && s->text[PICTURE_PAGETYPEINFO].data)
		err = take_types(s, a->buddy, facts, start);
	if (!err && s->text[PICTURE_ZONEINFO].data)
		err = take_sets(s, a, start);
	if (err)
		picture_start_deinit(&p);
	else
		*ret = p;
	return err;
}

void picture_start_deinit(struct picture_start *p)
{
	free(p->free);
	free(p->lru);
	free(p->slab);
	free(p->reserved);
	free(p->start.zones);
	free(p->start.sets);
	*p = (struct picture_start){ 0 };
}
