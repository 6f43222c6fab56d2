/* SPDX-License-Identifier: MIT */
/*
 * A zone's block, as 6.12 prints it; what differs between kernels is said beside it.
 *
 *	Node 0, zone      DMA
 *	  per-node stats			since 4.8; in the first populated zone of a node
 *	      nr_inactive_anon 113
 *	  pages free     3913			ends the statistics of the node
 *	        boost    0			since 5.14
 *	        min      197
 *	        ...
 *	        protection: (0, 487, 487)	before 4.9: after the statistics
 *	      nr_free_pages 3913
 *	  pagesets
 *	    cpu: 0
 *	              count:    0
 *	              ...
 *	  vm stats threshold: 6			of the CPU before it
 *	  node_unreclaimable:  0
 *	  start_pfn:           1
 *
 * Blanks differ between kernels and mean nothing.  So a line is known by its words alone, and by
 * whether it stands before "pages free".
 */
#include "traces/procfs/zoneinfo.h"

#include <stdlib.h>
#include <string.h>

#include "traces/grow.h"
#include "traces/procfs/picture.h"
#include "traces/scan.h"

#define STATS_MAX (1u << 22)
#define PROTECTIONS_MAX (1u << 18)

struct field {
	const char *name;
	uint32_t bit;
	size_t offset;
};

/* Kernels disagree on colons: "min      197", "start_pfn:         1". */
static const struct field zone_fields[] = {
	{ "boost", ZONEINFO_BOOST, offsetof(struct zoneinfo_zone, boost) },
	{ "min", ZONEINFO_MIN, offsetof(struct zoneinfo_zone, min) },
	{ "low", ZONEINFO_LOW, offsetof(struct zoneinfo_zone, low) },
	{ "high", ZONEINFO_HIGH, offsetof(struct zoneinfo_zone, high) },
	{ "promo", ZONEINFO_PROMO, offsetof(struct zoneinfo_zone, promo) },
	{ "scanned", ZONEINFO_SCANNED, offsetof(struct zoneinfo_zone, scanned) },
	{ "node_scanned", ZONEINFO_SCANNED, offsetof(struct zoneinfo_zone, scanned) },
	{ "spanned", ZONEINFO_SPANNED, offsetof(struct zoneinfo_zone, spanned) },
	{ "present", ZONEINFO_PRESENT, offsetof(struct zoneinfo_zone, present) },
	{ "managed", ZONEINFO_MANAGED, offsetof(struct zoneinfo_zone, managed) },
	{ "cma", ZONEINFO_CMA, offsetof(struct zoneinfo_zone, cma) },
	{ "start_pfn", ZONEINFO_START_PFN, offsetof(struct zoneinfo_zone, start_pfn) },
	{ "all_unreclaimable", ZONEINFO_UNRECLAIMABLE,
	  offsetof(struct zoneinfo_zone, unreclaimable) },
	{ "node_unreclaimable", ZONEINFO_UNRECLAIMABLE,
	  offsetof(struct zoneinfo_zone, unreclaimable) },
	{ "prev_priority", ZONEINFO_PREV_PRIORITY, offsetof(struct zoneinfo_zone, prev_priority) },
	{ "inactive_ratio", ZONEINFO_INACTIVE_RATIO,
	  offsetof(struct zoneinfo_zone, inactive_ratio) },
	{ "node_inactive_ratio", ZONEINFO_INACTIVE_RATIO,
	  offsetof(struct zoneinfo_zone, inactive_ratio) },
	{ "reserved_highatomic", ZONEINFO_RESERVED_HIGHATOMIC,
	  offsetof(struct zoneinfo_zone, reserved_highatomic) },
	{ "free_highatomic", ZONEINFO_FREE_HIGHATOMIC,
	  offsetof(struct zoneinfo_zone, free_highatomic) },
};

/* These have a colon in every kernel: "high:" is one of a pageset, "high" one of the zone. */
static const struct field pageset_fields[] = {
	{ "count", ZONEINFO_PCP_COUNT, offsetof(struct zoneinfo_pageset, count) },
	{ "high", ZONEINFO_PCP_HIGH, offsetof(struct zoneinfo_pageset, high) },
	{ "batch", ZONEINFO_PCP_BATCH, offsetof(struct zoneinfo_pageset, batch) },
	{ "high_min", ZONEINFO_PCP_HIGH_MIN, offsetof(struct zoneinfo_pageset, high_min) },
	{ "high_max", ZONEINFO_PCP_HIGH_MAX, offsetof(struct zoneinfo_pageset, high_max) },
};

/* Where a zone's slices start; as indices, since the arrays still move. */
struct slices {
	uint32_t stats, node_stats, pagesets, protection;
};

struct reader {
	struct picture picture;
	struct zoneinfo zi;
	struct slices *slices;
	uint32_t zones_room, slices_room;
	uint32_t nstats, stats_room;
	uint32_t npagesets, pagesets_room;
	uint32_t nprotections, protections_room;
	bool in_node_stats;
};

static const struct field *find_field(const struct field *fields, size_t n, struct scan_str name)
{
	for (size_t i = 0; i < n; i++)
		if (scan_str_eq(name, fields[i].name))
			return &fields[i];
	return NULL;
}

static struct error *set_field(struct reader *r, void *base, uint32_t *has,
			       const struct field *field, const char *at, uint64_t value)
{
	if (*has & field->bit)
		return picture_error(&r->picture, ERROR_RANGE, at, "%s is given twice",
				     field->name);
	*has |= field->bit;
	*(uint64_t *)((char *)base + field->offset) = value;
	return NULL;
}

static struct error *start_zone(struct reader *r, struct scan s)
{
	struct zoneinfo *zi = &r->zi;
	struct zoneinfo_zone *zones;
	struct slices *slices;
	struct scan_str zone;
	const char *name;
	struct error *err;
	int32_t nid;

	err = picture_node_zone(&r->picture, &s, &nid, &zone);
	if (err)
		return err;
	if (!scan_blank_end(&s))
		return picture_error(&r->picture, ERROR_SYNTAX, s.p,
				     "there is more than a node and a zone");
	if (zi->nzones >= PICTURE_ZONES_MAX)
		return picture_error(&r->picture, ERROR_LIMIT, s.p, "more than %d zones",
				     PICTURE_ZONES_MAX);
	zones = grow(zi->zones, zi->nzones, &r->zones_room, sizeof(*zones));
	if (!zones)
		return error_no_memory();
	zi->zones = zones;
	slices = grow(r->slices, zi->nzones, &r->slices_room, sizeof(*slices));
	if (!slices)
		return error_no_memory();
	r->slices = slices;

	name = picture_name(&r->picture, zone);
	if (zoneinfo_find(zi, nid, name))
		return picture_error(&r->picture, ERROR_RANGE, zone.p,
				     "node %d has a zone %s already", (int)nid, name);
	slices[zi->nzones] = (struct slices){ r->nstats, r->nstats, r->npagesets, r->nprotections };
	zones[zi->nzones++] = (struct zoneinfo_zone){
		.nid = nid,
		.line = r->picture.lines.line,
		.name = name,
	};
	r->in_node_stats = false;
	return NULL;
}

static struct error *add_stat(struct reader *r, struct zoneinfo_zone *zone, struct scan_str name,
			      uint64_t value)
{
	struct zoneinfo_stat *stats;

	if (r->nstats >= STATS_MAX)
		return picture_error(&r->picture, ERROR_LIMIT, name.p, "more than %u statistics",
				     STATS_MAX);
	stats = grow(r->zi.all_stats, r->nstats, &r->stats_room, sizeof(*stats));
	if (!stats)
		return error_no_memory();
	r->zi.all_stats = stats;
	stats[r->nstats++] = (struct zoneinfo_stat){ picture_name(&r->picture, name), value };
	if (r->in_node_stats) {
		zone->nnode_stats++;
		r->slices[r->zi.nzones - 1].stats = r->nstats;
	} else {
		zone->nstats++;
	}
	return NULL;
}

static struct error *add_pageset(struct reader *r, struct zoneinfo_zone *zone, struct scan s)
{
	struct zoneinfo_pageset *pagesets;
	uint32_t cpu;

	scan_ws(&s);
	if (!scan_u32(&s, &cpu))
		return picture_number_error(&r->picture, &s, "cpu");
	if (!scan_blank_end(&s)) {
		picture_unknown(&r->picture);
		return NULL;
	}
	/* CPUs are printed in order, so a repeated one shows at once. */
	if (zone->npagesets && r->zi.all_pagesets[r->npagesets - 1].cpu >= cpu)
		return picture_error(&r->picture, ERROR_RANGE, s.p, "cpu %u comes after cpu %u",
				     cpu, r->zi.all_pagesets[r->npagesets - 1].cpu);
	pagesets = grow(r->zi.all_pagesets, r->npagesets, &r->pagesets_room, sizeof(*pagesets));
	if (!pagesets)
		return error_no_memory();
	r->zi.all_pagesets = pagesets;
	pagesets[r->npagesets++] = (struct zoneinfo_pageset){ .cpu = cpu };
	zone->npagesets++;
	return NULL;
}

/* "(0, 487, 487)"; 2.6.32 and a zone list of one entry included. */
static struct error *add_protection(struct reader *r, struct zoneinfo_zone *zone, struct scan s)
{
	if (zone->nprotection)
		return picture_error(&r->picture, ERROR_RANGE, s.p, "protection is given twice");
	scan_ws(&s);
	if (!scan_char(&s, '('))
		return picture_error(&r->picture, ERROR_SYNTAX, s.p, "protection has no list");
	do {
		uint64_t value, *protections;

		scan_ws(&s);
		if (!scan_dec(&s, &value))
			return picture_number_error(&r->picture, &s, "protection");
		if (r->nprotections >= PROTECTIONS_MAX)
			return picture_error(&r->picture, ERROR_LIMIT, s.p,
					     "more than %u protections", PROTECTIONS_MAX);
		protections = grow(r->zi.protections, r->nprotections, &r->protections_room,
				   sizeof(*protections));
		if (!protections)
			return error_no_memory();
		r->zi.protections = protections;
		protections[r->nprotections++] = value;
		zone->nprotection++;
	} while (scan_char(&s, ','));
	if (!scan_char(&s, ')') || !scan_blank_end(&s))
		return picture_error(&r->picture, ERROR_SYNTAX, s.p,
				     "the list of protection does not end");
	return NULL;
}

/* All that are one name, perhaps a colon, and one number. */
static struct error *read_value(struct reader *r, struct zoneinfo_zone *zone, struct scan s)
{
	const struct field *field = NULL;
	void *base = zone;
	uint32_t *has = &zone->has;
	struct scan_str name, remark;
	uint64_t value;
	bool colon;

	if (!scan_name(&s, &name)) {
		picture_unknown(&r->picture);
		return NULL;
	}
	colon = scan_char(&s, ':');
	if (colon && zone->npagesets) {
		field = find_field(pageset_fields,
				   sizeof(pageset_fields) / sizeof(pageset_fields[0]), name);
		if (field) {
			base = &r->zi.all_pagesets[r->npagesets - 1];
			has = &r->zi.all_pagesets[r->npagesets - 1].has;
		}
	}
	/* A statistic of the node may have any name, a field of the zone too. */
	if (!field && !r->in_node_stats)
		field = find_field(zone_fields, sizeof(zone_fields) / sizeof(zone_fields[0]), name);

	scan_ws(&s);
	if (!scan_dec(&s, &value)) {
		if (!field && !scan_number_too_large(&s)) {
			picture_unknown(&r->picture);
			return NULL;
		}
		return picture_number_error(&r->picture, &s, picture_name(&r->picture, name));
	}
	if (!scan_blank_end(&s)) {
		/* Old kernels: "scanned  0 (aa: 1 ia: 0 f: 1)". */
		scan_ws(&s);
		if (field && scan_parens(&s, &remark) && scan_blank_end(&s))
			return set_field(r, base, has, field, name.p, value);
		if (field)
			return picture_error(&r->picture, ERROR_SYNTAX, s.p,
					     "there is more than a number after %s", field->name);
		picture_unknown(&r->picture);
		return NULL;
	}
	if (field)
		return set_field(r, base, has, field, name.p, value);
	/* What has a colon and is unknown is a field of a kernel to come, and no statistic. */
	if (colon) {
		picture_unknown(&r->picture);
		return NULL;
	}
	return add_stat(r, zone, name, value);
}

static struct error *read_line(struct reader *r, struct scan s)
{
	static const struct field free_field = { "pages free", ZONEINFO_FREE,
						 offsetof(struct zoneinfo_zone, free) };
	static const struct field threshold_field = {
		"vm stats threshold", ZONEINFO_PCP_STAT_THRESHOLD,
		offsetof(struct zoneinfo_pageset, stat_threshold)
	};
	struct zoneinfo_zone *zone;
	struct scan t;
	uint64_t value;

	if (picture_is_node(&s))
		return start_zone(r, s);
	if (!r->zi.nzones) {
		picture_unknown(&r->picture);
		return NULL;
	}
	zone = &r->zi.zones[r->zi.nzones - 1];
	scan_ws(&s);
	t = s;
	if (scan_lit(&t, "per-node stats") && scan_blank_end(&t)) {
		if (zone->has || zone->nstats || zone->nnode_stats)
			picture_unknown(&r->picture);
		else
			r->in_node_stats = true;
		return NULL;
	}
	t = s;
	if (scan_lit(&t, "pages free") && scan_ws1(&t)) {
		r->in_node_stats = false;
		if (!scan_dec(&t, &value))
			return picture_number_error(&r->picture, &t, "pages free");
		if (!scan_blank_end(&t))
			return picture_error(&r->picture, ERROR_SYNTAX, t.p,
					     "there is more than a number after pages free");
		return set_field(r, zone, &zone->has, &free_field, s.p, value);
	}
	t = s;
	if (scan_lit(&t, "pagesets") && scan_blank_end(&t))
		return NULL;
	t = s;
	if (scan_lit(&t, "protection:"))
		return add_protection(r, zone, t);
	t = s;
	if (scan_lit(&t, "cpu:"))
		return add_pageset(r, zone, t);
	t = s;
	if (scan_lit(&t, "vm stats threshold:") && zone->npagesets) {
		struct zoneinfo_pageset *pageset = &r->zi.all_pagesets[r->npagesets - 1];

		scan_ws(&t);
		if (!scan_dec(&t, &value))
			return picture_number_error(&r->picture, &t, "vm stats threshold");
		return set_field(r, pageset, &pageset->has, &threshold_field, s.p, value);
	}
	return read_value(r, zone, s);
}

static void set_slices(struct reader *r)
{
	struct zoneinfo *zi = &r->zi;

	for (uint32_t i = 0; i < zi->nzones; i++) {
		struct zoneinfo_zone *zone = &zi->zones[i];
		const struct slices *from = &r->slices[i];

		if (zone->nstats)
			zone->stats = zi->all_stats + from->stats;
		if (zone->nnode_stats)
			zone->node_stats = zi->all_stats + from->node_stats;
		if (zone->npagesets)
			zone->pagesets = zi->all_pagesets + from->pagesets;
		if (zone->nprotection)
			zone->protection = zi->protections + from->protection;
	}
}

struct error *zoneinfo_parse(const char *text, size_t len, const char *name, struct zoneinfo *ret)
{
	struct reader r = { 0 };
	struct error *err;
	struct scan s;

	err = picture_open(&r.picture, text, len, name);
	while (!err && picture_next(&r.picture, &s))
		err = read_line(&r, s);
	if (!err && !r.zi.nzones)
		err = picture_format_error(&r.picture, "zoneinfo: no zone was found");
	if (err) {
		zoneinfo_deinit(&r.zi);
	} else {
		set_slices(&r);
		picture_keep(&r.picture, &r.zi.names, &r.zi.unknown_lines,
			     &r.zi.first_unknown_line);
		*ret = r.zi;
	}
	free(r.slices);
	picture_close(&r.picture);
	return err;
}

void zoneinfo_deinit(struct zoneinfo *zi)
{
	free(zi->zones);
	free(zi->protections);
	free(zi->all_stats);
	free(zi->all_pagesets);
	free(zi->names);
	*zi = (struct zoneinfo){ 0 };
}

const struct zoneinfo_zone *zoneinfo_find(const struct zoneinfo *zi, int32_t nid, const char *zone)
{
	for (uint32_t i = 0; i < zi->nzones; i++)
		if (zi->zones[i].nid == nid && !strcmp(zi->zones[i].name, zone))
			return &zi->zones[i];
	return NULL;
}

const struct zoneinfo_pageset *zoneinfo_pageset_of(const struct zoneinfo_zone *zone, uint32_t cpu)
{
	for (uint32_t i = 0; i < zone->npagesets; i++)
		if (zone->pagesets[i].cpu == cpu)
			return &zone->pagesets[i];
	return NULL;
}

static const struct zoneinfo_stat *find_stat(const struct zoneinfo_stat *stats, uint32_t nstats,
					     const char *name)
{
	for (uint32_t i = 0; i < nstats; i++)
		if (!strcmp(stats[i].name, name))
			return &stats[i];
	return NULL;
}

const struct zoneinfo_stat *zoneinfo_stat_of(const struct zoneinfo_zone *zone, const char *name)
{
	return find_stat(zone->stats, zone->nstats, name);
}

const struct zoneinfo_stat *zoneinfo_node_stat_of(const struct zoneinfo *zi, int32_t nid,
						  const char *name)
{
	for (uint32_t i = 0; i < zi->nzones; i++) {
		const struct zoneinfo_zone *zone = &zi->zones[i];
		const struct zoneinfo_stat *stat;

		if (zone->nid != nid)
			continue;
		stat = find_stat(zone->node_stats, zone->nnode_stats, name);
		if (stat)
			return stat;
	}
	return NULL;
}
