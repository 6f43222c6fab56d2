/* SPDX-License-Identifier: MIT */
#include "traces/procfs/buddyinfo.h"

#include <stdlib.h>
#include <string.h>

#include "traces/grow.h"
#include "traces/procfs/picture.h"
#include "traces/scan.h"

/* No kernel has more: a block of 2^63 pages would not fit a 64-bit address. */
#define ORDERS_MAX 64

struct reader {
	struct picture picture;
	struct buddyinfo bi;
	uint32_t zones_room;
	uint32_t ncounts, counts_room;
};

static struct error *read_row(struct reader *r, struct scan s)
{
	struct buddyinfo *bi = &r->bi;
	struct buddyinfo_zone *zones;
	struct scan_str zone;
	const char *name;
	struct error *err;
	uint32_t norders = 0;
	int32_t nid;

	err = picture_node_zone(&r->picture, &s, &nid, &zone);
	if (err)
		return err;
	while (!scan_blank_end(&s)) {
		uint64_t value, *counts;
		bool blank = scan_ws1(&s);

		if (norders == ORDERS_MAX)
			return picture_error(&r->picture, ERROR_LIMIT, s.p, "more than %d orders",
					     ORDERS_MAX);
		if (!blank || !scan_dec(&s, &value))
			return picture_number_error(&r->picture, &s, "an order");
		counts = grow(bi->counts, r->ncounts, &r->counts_room, sizeof(*counts));
		if (!counts)
			return error_no_memory();
		bi->counts = counts;
		counts[r->ncounts++] = value;
		norders++;
	}
	if (!norders)
		return picture_error(&r->picture, ERROR_SYNTAX, s.p, "the row has no numbers");
	if (bi->nzones && norders != bi->norders)
		return picture_error(&r->picture, ERROR_RANGE, s.p,
				     "%u orders here and %u in the first row", norders,
				     bi->norders);
	bi->norders = norders;

	if (bi->nzones >= PICTURE_ZONES_MAX)
		return picture_error(&r->picture, ERROR_LIMIT, s.p, "more than %d zones",
				     PICTURE_ZONES_MAX);
	zones = grow(bi->zones, bi->nzones, &r->zones_room, sizeof(*zones));
	if (!zones)
		return error_no_memory();
	bi->zones = zones;
	name = picture_name(&r->picture, zone);
	if (buddyinfo_find(bi, nid, name))
		return picture_error(&r->picture, ERROR_RANGE, zone.p,
				     "node %d has a zone %s already", (int)nid, name);
	zones[bi->nzones++] = (struct buddyinfo_zone){
		.nid = nid,
		.line = r->picture.lines.line,
		.name = name,
	};
	return NULL;
}

struct error *buddyinfo_parse(const char *text, size_t len, const char *name, struct buddyinfo *ret)
{
	struct reader r = { 0 };
	struct error *err;
	struct scan s;

	err = picture_open(&r.picture, text, len, name);
	while (!err && picture_next(&r.picture, &s)) {
		if (picture_is_node(&s))
			err = read_row(&r, s);
		else
			picture_unknown(&r.picture);
	}
	if (!err && !r.bi.nzones)
		err = picture_format_error(&r.picture, "buddyinfo: no zone was found");
	if (err) {
		buddyinfo_deinit(&r.bi);
	} else {
		for (uint32_t i = 0; i < r.bi.nzones; i++)
			r.bi.zones[i].free = r.bi.counts + (size_t)i * r.bi.norders;
		picture_keep(&r.picture, &r.bi.names, &r.bi.unknown_lines,
			     &r.bi.first_unknown_line);
		*ret = r.bi;
	}
	picture_close(&r.picture);
	return err;
}

void buddyinfo_deinit(struct buddyinfo *bi)
{
	free(bi->zones);
	free(bi->counts);
	free(bi->names);
	*bi = (struct buddyinfo){ 0 };
}

const struct buddyinfo_zone *buddyinfo_find(const struct buddyinfo *bi, int32_t nid,
					    const char *zone)
{
	for (uint32_t i = 0; i < bi->nzones; i++)
		if (bi->zones[i].nid == nid && !strcmp(bi->zones[i].name, zone))
			return &bi->zones[i];
	return NULL;
}

uint64_t buddyinfo_free_pages(const struct buddyinfo *bi, const struct buddyinfo_zone *zone)
{
	uint64_t pages = 0;

	for (uint32_t order = 0; order < bi->norders; order++) {
		uint64_t blocks = zone->free[order];

		if (blocks > UINT64_MAX >> order || blocks << order > UINT64_MAX - pages)
			return UINT64_MAX;
		pages += blocks << order;
	}
	return pages;
}
