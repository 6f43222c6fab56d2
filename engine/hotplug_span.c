/* SPDX-License-Identifier: MIT */
/* Ranges of memory, and what zones and nodes span of them. */
#include "engine/hotplug_parts.h"

#include <stdlib.h>
#include <string.h>

/* Spans shrink by subsections. */
#define SUBSECTION_BYTES (2ULL << 20)

/* ---- ranges -------------------------------------------------------------------------------------- */

/* Is every page of memory in one zone, so that ranges can name theirs? */
bool hotplug_zones_have_all(const struct machine *m)
{
	for (uint32_t r = 0; r < m->range_count; r++) {
		const struct node_range *range = &m->ranges[r];
		uint64_t pages = 0;

		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &m->nodes[range->nid].zones[t];

			pages += hotplug_shared(range->start, range->end, z->start_pfn,
						zone_end_pfn(z));
		}
		if (pages != range->end - range->start)
			return false;
	}
	return true;
}

static bool range_room(struct hotplug *h, uint32_t count)
{
	struct machine *m = h->machine;
	struct node_range *grown;

	if (count <= m->range_room)
		return true;
	grown = realloc(m->ranges, (size_t)count * 2 * sizeof(*grown));
	if (!grown) {
		h->out_of_memory = true;
		return false;
	}
	m->ranges = grown;
	m->range_room = count * 2;
	return true;
}

/* Cuts ranges where zones meet, so that each can name its own. */
bool hotplug_begin(struct hotplug *h)
{
	struct machine *m = h->machine;

	if (!hotplug_ready(h))
		return false;
	if (h->begun)
		return true;
	for (uint32_t r = 0; r < m->range_count; r++) {
		struct node_range *range = &m->ranges[r];
		const struct zone *zones = m->nodes[range->nid].zones;
		unsigned int t = 0;
		pfn_t end;

		while (range->start < zones[t].start_pfn || range->start >= zone_end_pfn(&zones[t]))
			t++;
		end = zone_end_pfn(&zones[t]);
		range->zone = (uint8_t)(t + 1);
		if (end >= range->end)
			continue;
		if (!range_room(h, m->range_count + 1))
			return false;
		range = &m->ranges[r];
		memmove(range + 1, range, (m->range_count - r) * sizeof(*range));
		m->range_count++;
		range->end = end;
		range[1].start = end;
		range[1].zone = 0;
	}
	/* Deferred memory has come long ago. */
	for (uint32_t nid = 0; nid < m->node_count; nid++)
		m->nodes[nid].first_deferred_pfn = PFN_NONE;
	h->begun = true;
	return true;
}

bool hotplug_insert_range(struct hotplug *h, const struct node_range *new)
{
	struct machine *m = h->machine;
	uint32_t at = 0;

	if (!range_room(h, m->range_count + 1))
		return false;
	while (at < m->range_count && m->ranges[at].start < new->start)
		at++;
	memmove(m->ranges + at + 1, m->ranges + at, (m->range_count - at) * sizeof(*m->ranges));
	m->ranges[at] = *new;
	m->range_count++;
	return true;
}

/* Takes [@start, @end) out of the ranges. */
bool hotplug_cut_range(struct hotplug *h, pfn_t start, pfn_t end)
{
	struct machine *m = h->machine;

	for (uint32_t r = 0; r < m->range_count;) {
		struct node_range *range = &m->ranges[r], rest = *range;

		if (!hotplug_shared(range->start, range->end, start, end)) {
			r++;
		} else if (range->start < start && range->end > end) {
			rest.start = end;
			range->end = start;
			return hotplug_insert_range(h, &rest);
		} else if (range->start < start) {
			range->end = start;
		} else if (range->end > end) {
			range->start = end;
		} else {
			memmove(range, range + 1, (--m->range_count - r) * sizeof(*range));
		}
	}
	return true;
}

/* ---- spans --------------------------------------------------------------------------------------- */

/* Is [@start, @end), a part of one section, online memory of @type? */
static bool is_online(const struct machine *m, int32_t nid, enum zone_type type, pfn_t start,
		      pfn_t end)
{
	const struct zone *z = &m->nodes[nid].zones[type];

	for (uint32_t r = 0; r < m->range_count; r++) {
		const struct node_range *range = &m->ranges[r];

		if (node_range_is_of(range, nid, type) &&
		    hotplug_shared(max_u64(range->start, z->start_pfn),
				   min_u64(range->end, zone_end_pfn(z)), start, end))
			return true;
	}
	return false;
}

const struct offline_section *hotplug_offline_at(const struct hotplug *h, pfn_t pfn)
{
	for (uint32_t i = 0; i < h->offline_count; i++)
		if (pfn - h->offline[i].start < h->section_pages)
			return &h->offline[i];
	return NULL;
}

/* set_zone_contiguous(), section by section. */
void hotplug_set_contiguous(struct hotplug *h, struct zone *z)
{
	bool only_online = fact_get(&h->machine->facts, FACT_hotplug_contiguous_if_online);
	pfn_t end = zone_end_pfn(z), next;

	z->contiguous = z->spanned;
	for (pfn_t pfn = z->start_pfn; pfn < end && z->contiguous; pfn = next) {
		const struct offline_section *off = hotplug_offline_at(h, pfn);

		next = min_u64(round_down_to(pfn, h->section_pages) + h->section_pages, end);
		z->contiguous = is_online(h->machine, z->nid, z->type, pfn, next) ||
				(!only_online && off && off->nid == z->nid);
	}
}

/* The first page of @z in [@from, @to), as far as subsections tell; @to when there is none. */
static pfn_t lowest_page(const struct hotplug *h, const struct zone *z, pfn_t from, pfn_t to)
{
	const struct machine *m = h->machine;
	uint64_t step = max_u64(SUBSECTION_BYTES >> m->config.page_shift, 1);
	pfn_t lowest = to;

	for (uint32_t r = 0; r < m->range_count; r++)
		if (node_range_is_of(&m->ranges[r], z->nid, z->type) &&
		    hotplug_shared(m->ranges[r].start, m->ranges[r].end, from, to))
			lowest = min_u64(lowest,
					 max_u64(round_down_to(m->ranges[r].start, step), from));
	return lowest;
}

/* The end of its last one; @from when there is none. */
static pfn_t highest_end(const struct hotplug *h, const struct zone *z, pfn_t from, pfn_t to)
{
	const struct machine *m = h->machine;
	uint64_t step = max_u64(SUBSECTION_BYTES >> m->config.page_shift, 1);
	pfn_t highest = from;

	for (uint32_t r = 0; r < m->range_count; r++)
		if (node_range_is_of(&m->ranges[r], z->nid, z->type) &&
		    hotplug_shared(m->ranges[r].start, m->ranges[r].end, from, to))
			highest =
				max_u64(highest, min_u64(round_up_to(m->ranges[r].end, step), to));
	return highest;
}

static void shrink_zone(const struct hotplug *h, struct zone *z, pfn_t start, pfn_t end)
{
	pfn_t zone_end = zone_end_pfn(z), edge;

	if (z->start_pfn == start) {
		edge = lowest_page(h, z, end, zone_end);
		z->start_pfn = edge;
		z->spanned = zone_end - min_u64(edge, zone_end);
	} else if (zone_end == end) {
		edge = highest_end(h, z, z->start_pfn, start);
		z->spanned = edge - z->start_pfn;
	}
	if (!z->spanned)
		z->start_pfn = 0;
}

/* update_pgdat_span(). */
static void shrink_node(const struct hotplug *h, struct node *node)
{
	bool first = fact_get(&h->machine->facts, FACT_hotplug_span_from_zones);
	pfn_t start = 0, end = 0;

	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		const struct zone *z = &node->zones[t];

		if (!z->spanned)
			continue;
		if ((first && !end) || z->start_pfn < start)
			start = z->start_pfn;
		end = max_u64(end, zone_end_pfn(z));
	}
	node->start_pfn = start;
	node->end_pfn = end;
	node->spanned = end - start;
}

void hotplug_leave_zone(struct hotplug *h, struct zone *z, pfn_t start)
{
	shrink_zone(h, z, start, start + h->section_pages);
	shrink_node(h, &h->machine->nodes[z->nid]);
	hotplug_set_contiguous(h, z);
}

/* Grows a span, [*start, *end), which is empty where these are equal, by [@from, @to). */
static void grow(const struct hotplug *h, pfn_t *start, pfn_t *end, pfn_t from, pfn_t to)
{
	bool empty = *start == *end && fact_get(&h->machine->facts, FACT_hotplug_regrows_from_new);

	if (empty || from < *start)
		*start = from;
	*end = max_u64(*end, to);
}

/* move_pfn_range_to_zone(). */
void hotplug_enter_zone(struct hotplug *h, struct zone *z, pfn_t start, pfn_t end)
{
	struct node *node = &h->machine->nodes[z->nid];
	pfn_t zone_end = zone_end_pfn(z);
	uint32_t number = (uint32_t)z->type + 1;

	if (!z->spanned &&
	    (number > node->nr_zones || !fact_get(&h->machine->facts, FACT_hotplug_nr_zones_grows)))
		node->nr_zones = number;
	grow(h, &z->start_pfn, &zone_end, start, end);
	z->spanned = zone_end - z->start_pfn;
	grow(h, &node->start_pfn, &node->end_pfn, start, end);
	node->spanned = node->end_pfn - node->start_pfn;
	/* The pages are not online yet, so a zone that grows is not contiguous at first. */
	hotplug_set_contiguous(h, z);
}
