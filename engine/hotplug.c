/* SPDX-License-Identifier: MIT */
/*
 * Memory hotplug, after mm/memory_hotplug.c.
 *   1. Adding makes sections known, and a node that had nothing online.
 *   2. Onlining grows the zone and the node, makes the node one with memory, lists the zone if it had no
 *      pages, frees the pages, and works reserves out again.
 *   3. Offlining isolates and drains, takes the pages, works reserves out, takes the node out of those with
 *      memory, lists zones anew if one is empty, and shrinks spans.
 */
#include "engine/hotplug.h"

#include <stdlib.h>
#include <string.h>

#include "engine/hotplug_lists.h"
#include "engine/hotplug_parts.h"
#include "engine/pageset.h"
#include "engine/reserves.h"
#include "engine/room.h"

/* ---- life ---------------------------------------------------------------------------------------- */

static void init_nodes(struct hotplug *h)
{
	struct machine *m = h->machine;

	for (uint32_t nid = 0; nid < m->node_count; nid++) {
		struct node *node = &m->nodes[nid];

		h->node_online[nid] = node->memory || node->cpus;
		node->nr_zones = 0;
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			node->zones[t].nid = (int32_t)nid;
			node->zones[t].type = (enum zone_type)t;
			if (node->zones[t].spanned)
				node->nr_zones = t + 1;
			node->zones[t].contiguous = false;
			if (node->zones[t].present)
				hotplug_set_contiguous(h, &node->zones[t]);
		}
	}
}

/* Zeroed @bytes in the buffer that *@at points to. */
static bool renew(void *at, size_t *room, size_t bytes)
{
	void *buffer;

	if (!room_make(at, room, bytes))
		return false;
	memcpy(&buffer, at, sizeof(buffer));
	memset(buffer, 0, bytes);
	return true;
}

/* CPUs have numbers node by node. */
static void place_cpus(struct hotplug *h)
{
	const struct machine *m = h->machine;
	uint32_t cpu = 0;

	for (uint32_t i = 0; i < h->cpu_count; i++)
		h->cpu_nid[i] = NID_NONE;
	for (uint32_t nid = 0; nid < m->node_count; nid++)
		for (uint32_t i = 0; i < m->nodes[nid].cpus && cpu < h->cpu_count; i++)
			h->cpu_nid[cpu++] = (int32_t)nid;
}

void hotplug_init(struct hotplug *h, struct machine *m, struct page_alloc *a)
{
	h->machine = m;
	h->alloc = a;
	h->cpu_count = a->cpu_count;
	h->prepared = h->possible = h->begun = h->rebuilt = h->out_of_memory = false;
	h->offline_count = h->balloon_count = 0;
	h->endless = 0;
	h->section_pages = arch_section_pages(&m->config);
}

bool hotplug_ready(struct hotplug *h)
{
	const struct machine *m = h->machine;
	size_t nodes = m->node_count;

	if (h->prepared)
		return h->possible && !h->out_of_memory;
	h->prepared = true;
	h->possible = h->section_pages && !m->cmdline.kernelcore.mirror &&
		      fact_get(&m->facts, FACT_managed_pages) && !m->buddy->pending_count &&
		      hotplug_zones_have_all(m);
	if (!h->possible)
		return false;
	h->out_of_memory =
		!renew(&h->node_online, &h->node_online_room, nodes * sizeof(*h->node_online)) ||
		!renew(&h->stat, &h->stat_room, nodes * sizeof(*h->stat)) ||
		!renew(&h->stat_sum, &h->stat_sum_room, nodes * sizeof(*h->stat_sum)) ||
		!renew(&h->stat_diff, &h->stat_diff_room, nodes * h->cpu_count) ||
		!renew(&h->cpu_nid, &h->cpu_nid_room, h->cpu_count * sizeof(*h->cpu_nid));
	if (h->out_of_memory)
		return false;
	place_cpus(h);
	init_nodes(h);
	return true;
}

/* @bytes of @from in the buffer that *@at points to; none of 0. */
static bool copy(void *at, size_t *room, const void *from, size_t bytes)
{
	void *buffer;

	if (!bytes)
		return true;
	if (!room_make(at, room, bytes))
		return false;
	memcpy(&buffer, at, sizeof(buffer));
	memcpy(buffer, from, bytes);
	return true;
}

bool hotplug_copy(struct hotplug *h, const struct hotplug *from, struct machine *m,
		  struct page_alloc *a)
{
	size_t nodes = m->node_count, offline_room = 0, balloon_room = 0;

	*h = (struct hotplug){ .machine = m,
			       .alloc = a,
			       .prepared = from->prepared,
			       .possible = from->possible,
			       .begun = from->begun,
			       .section_pages = from->section_pages,
			       .endless = from->endless,
			       .cpu_count = from->cpu_count,
			       .out_of_memory = from->out_of_memory };
	if (!from->possible || from->out_of_memory)
		return true;
	h->out_of_memory = !copy(&h->node_online, &h->node_online_room, from->node_online,
				 nodes * sizeof(*h->node_online)) ||
			   !copy(&h->cpu_nid, &h->cpu_nid_room, from->cpu_nid,
				 from->cpu_count * sizeof(*h->cpu_nid)) ||
			   !copy(&h->stat, &h->stat_room, from->stat, nodes * sizeof(*h->stat)) ||
			   !copy(&h->stat_sum, &h->stat_sum_room, from->stat_sum,
				 nodes * sizeof(*h->stat_sum)) ||
			   !copy(&h->stat_diff, &h->stat_diff_room, from->stat_diff,
				 nodes * from->cpu_count) ||
			   !copy(&h->offline, &offline_room, from->offline,
				 from->offline_count * sizeof(*h->offline)) ||
			   !copy(&h->balloon, &balloon_room, from->balloon,
				 from->balloon_count * sizeof(*h->balloon));
	if (h->out_of_memory)
		return false;
	h->offline_count = h->offline_room = from->offline_count;
	h->balloon_count = h->balloon_room = from->balloon_count;
	return true;
}

void hotplug_deinit(struct hotplug *h)
{
	zonelists_deinit(&h->before);
	free(h->node_online);
	free(h->cpu_nid);
	free(h->offline);
	free(h->balloon);
	free(h->stat);
	free(h->stat_sum);
	free(h->stat_diff);
	free(h->with_cpus);
	if (h->old_lists)
		buddy_deinit(h->old_lists);
	free(h->old_lists);
	free(h->old_zones);
	free(h->old_sets);
	memset(h, 0, sizeof(*h));
}

/* ---- nodes and lists of zones -------------------------------------------------------------------- */

static bool find_nodes_with_cpus(struct hotplug *h)
{
	uint32_t count = h->machine->node_count;

	if (!room_make(&h->with_cpus, &h->with_cpus_room, count * sizeof(*h->with_cpus))) {
		h->out_of_memory = true;
		return false;
	}
	for (uint32_t n = 0; n < count; n++)
		h->with_cpus[n] = h->machine->nodes[n].cpus;
	return true;
}

/* Keeps the lists as they are, for those who look at them while they are built anew. */
static void remember_zonelists(struct hotplug *h)
{
	const struct zonelists *z = &h->machine->zonelists;
	struct zonelists *to = &h->before;
	size_t nodes = z->node_count;

	if (!room_make(&to->order, &to->order_room, nodes * nodes * sizeof(*to->order)) ||
	    !room_make(&to->length, &to->length_room, nodes * sizeof(*to->length)) ||
	    !room_make(&to->zones, &to->zones_room, nodes * sizeof(*to->zones))) {
		zonelists_deinit(to);
		h->out_of_memory = true;
		return;
	}
	to->node_count = z->node_count;
	memcpy(to->order, z->order, nodes * nodes * sizeof(*to->order));
	memcpy(to->length, z->length, nodes * sizeof(*to->length));
	memcpy(to->zones, z->zones, nodes);
	to->by_zone = z->by_zone;
	h->rebuilt = true;
}

uint32_t hotplug_place_before(const struct hotplug *h, int32_t nid, enum zone_type highest)
{
	struct zoneref refs[HOTPLUG_PLACES_MAX];
	uint32_t count, place = 0;

	if (!h->rebuilt)
		return 0;
	count = zonelist_zones(&h->before, nid, (enum zone_type)(ZONE_TYPE_COUNT - 1), false, refs,
			       HOTPLUG_PLACES_MAX);
	count = count < HOTPLUG_PLACES_MAX ? count : HOTPLUG_PLACES_MAX;
	while (place < count && refs[place].type > highest)
		place++;
	return place;
}

/* build_all_zonelists(); of a node that comes online (not NID_NONE), its own list alone. */
static void build_zonelists(struct hotplug *h, int32_t nid)
{
	struct machine *m = h->machine;

	if (!find_nodes_with_cpus(h))
		return;
	remember_zonelists(h);
	if (nid != NID_NONE)
		zonelists_build_node(&m->zonelists, (uint32_t)nid, m->nodes, m->distance,
				     h->with_cpus, &m->config, &m->facts);
	else
		zonelists_build(&m->zonelists, m->nodes, m->node_count, m->distance, h->with_cpus,
				&m->config, &m->facts);
	h->out_of_memory |= m->zonelists.out_of_memory;
}

/* hotadd_init_pgdat(). */
static void bring_node_online(struct hotplug *h, int32_t nid)
{
	struct node *node = &h->machine->nodes[nid];
	bool folds = fact_get(&h->machine->facts, FACT_vmstat_folds_stranded);

	node->possible = true;
	node->nr_zones = 0;
	node->start_pfn = node->end_pfn = 0;
	for (uint32_t cpu = 0; cpu < h->cpu_count; cpu++) {
		if (folds)
			hotplug_fold(h, nid, cpu);
		*hotplug_diff(h, nid, cpu) = 0;
	}
	build_zonelists(h, nid);
	h->node_online[nid] = true;
}

/* ---- add and remove ------------------------------------------------------------------------------ */

/* The sections of [@pfn, @pfn + @pages), at least one; false: there can be none. */
static bool take_sections(const struct hotplug *h, pfn_t pfn, uint64_t pages, pfn_t *start,
			  uint64_t *count)
{
	*start = round_down_to(pfn, h->section_pages);
	*count = max_u64(min_u64(pages / h->section_pages, HOTPLUG_SECTIONS_MAX), 1);
	/* Numbers of runs of the largest blocks have 32 bits. */
	return pfn >> 31 < 1ULL << h->machine->config.max_order &&
	       pfn >> 1 < UINT64_MAX >> (h->machine->config.page_shift + 1);
}

static bool is_known(const struct hotplug *h, pfn_t start)
{
	const struct machine *m = h->machine;

	for (uint32_t r = 0; r < m->range_count; r++)
		if (hotplug_shared(m->ranges[r].start, m->ranges[r].end, start,
				   start + h->section_pages))
			return true;
	return hotplug_offline_at(h, start);
}

static bool insert_offline(struct hotplug *h, const struct offline_section *new)
{
	uint32_t at = 0;

	if (h->offline_count == h->offline_room) {
		uint32_t room = h->offline_room ? h->offline_room * 2 : 16;
		struct offline_section *grown = realloc(h->offline, room * sizeof(*grown));

		if (!grown) {
			h->out_of_memory = true;
			return false;
		}
		h->offline = grown;
		h->offline_room = room;
	}
	while (at < h->offline_count && h->offline[at].start < new->start)
		at++;
	memmove(h->offline + at + 1, h->offline + at,
		(h->offline_count - at) * sizeof(*h->offline));
	h->offline[at] = *new;
	h->offline_count++;
	return true;
}

static void drop_offline(struct hotplug *h, uint32_t i)
{
	memmove(h->offline + i, h->offline + i + 1, (--h->offline_count - i) * sizeof(*h->offline));
}

bool hotplug_add(struct hotplug *h, int32_t nid, pfn_t pfn, uint64_t pages)
{
	struct machine *m = h->machine;
	uint64_t count;
	pfn_t start;

	if (!nid_within(nid, m->node_count) || !hotplug_begin(h) ||
	    !take_sections(h, pfn, pages, &start, &count) ||
	    (!m->nodes[nid].possible && !m->nodes[nid].parsed))
		return false;
	for (uint64_t i = 0; i < count; i++)
		if (is_known(h, start + i * h->section_pages))
			return false;
	if (!h->node_online[nid])
		bring_node_online(h, nid);
	for (uint64_t i = 0; i < count; i++)
		if (!insert_offline(h, &(struct offline_section){
					       .start = start + i * h->section_pages, .nid = nid }))
			return false;
	if (!h->out_of_memory)
		hotplug_lists_move(h);
	return true;
}

/* try_offline_node(). */
static void take_node_offline(struct hotplug *h, int32_t nid)
{
	const struct node *node = &h->machine->nodes[nid];

	if (node->end_pfn > node->start_pfn || node->cpus)
		return;
	for (uint32_t i = 0; i < h->offline_count; i++)
		if (h->offline[i].nid == nid)
			return;
	h->node_online[nid] = false;
}

bool hotplug_remove(struct hotplug *h, pfn_t pfn, uint64_t pages)
{
	uint64_t count, done = 0;
	pfn_t start;

	if (!hotplug_begin(h) || !take_sections(h, pfn, pages, &start, &count))
		return false;
	for (uint32_t i = 0; i < h->offline_count;) {
		struct offline_section gone = h->offline[i];

		if (gone.start < start || gone.start >= start + count * h->section_pages) {
			i++;
			continue;
		}
		drop_offline(h, i);
		if (gone.zone)
			hotplug_leave_zone(
				h, hotplug_zone(h, gone.nid, (enum zone_type)(gone.zone - 1)),
				gone.start);
		take_node_offline(h, gone.nid);
		done++;
	}
	return done;
}

/* ---- online -------------------------------------------------------------------------------------- */

static bool intersects(const struct zone *z, pfn_t pfn, uint64_t pages)
{
	return z->spanned && pfn < zone_end_pfn(z) && pfn + pages > z->start_pfn;
}

static enum zone_type kernel_zone_for(const struct hotplug *h, int32_t nid, pfn_t pfn,
				      uint64_t pages)
{
	const struct machine *m = h->machine;

	if (fact_get(&m->facts, FACT_hotplug_pfn_bits) == 32)
		pfn = (uint32_t)pfn;
	for (unsigned int t = 0; t < ZONE_NORMAL; t++)
		if (intersects(hotplug_zone(h, nid, (enum zone_type)t), pfn, pages))
			return (enum zone_type)t;
	return ZONE_NORMAL;
}

enum zone_type hotplug_zone_for(const struct hotplug *h, int32_t nid, pfn_t pfn, uint64_t pages,
				enum online_type type)
{
	const struct machine *m = h->machine;
	enum zone_type kernel = kernel_zone_for(h, nid, pfn, pages);
	bool in_kernel, in_movable;

	if (type != ONLINE_DEFAULT)
		return type == ONLINE_KERNEL ? kernel : ZONE_MOVABLE;
	in_kernel = intersects(hotplug_zone(h, nid, kernel), pfn, pages);
	in_movable = intersects(hotplug_zone(h, nid, ZONE_MOVABLE), pfn, pages);
	if (in_kernel != in_movable)
		return in_kernel ? kernel : ZONE_MOVABLE;
	return m->cmdline.movable_node && fact_get(&m->facts, FACT_movable_node_option)
		       ? ZONE_MOVABLE
		       : kernel;
}

static void count_pages(struct hotplug *h, struct zone *z, int64_t pages)
{
	z->managed += (uint64_t)pages;
	z->present += (uint64_t)pages;
	h->machine->nodes[z->nid].present += (uint64_t)pages;
	h->machine->totalram += (uint64_t)pages;
}

/* All but that its pages are free; the zone in *@ret. */
static bool bring(struct hotplug *h, pfn_t pfn, enum online_type type, struct node_range *range,
		  uint32_t *ret)
{
	struct machine *m = h->machine;
	const struct offline_section *at = hotplug_begin(h) ? hotplug_offline_at(h, pfn) : NULL;
	struct offline_section section;
	struct zone *z;
	bool listed;

	if (!at)
		return false;
	section = *at;
	*range = (struct node_range){ .start = section.start,
				      .end = section.start + h->section_pages,
				      .nid = section.nid };
	z = hotplug_zone(h, section.nid,
			 hotplug_zone_for(h, section.nid, section.start, h->section_pages, type));
	/* It can still be spanned by the zone it was in. */
	if (section.zone && section.zone != (unsigned int)z->type + 1)
		hotplug_leave_zone(h,
				   hotplug_zone(h, section.nid, (enum zone_type)(section.zone - 1)),
				   section.start);
	range->zone = (uint8_t)(z->type + 1);
	hotplug_enter_zone(h, z, range->start, range->end);
	drop_offline(h, (uint32_t)(at - h->offline));
	if (!hotplug_insert_range(h, range))
		return false;
	listed = z->present;
	count_pages(h, z, (int64_t)h->section_pages);
	m->nodes[z->nid].memory = true;
	if (!listed)
		build_zonelists(h, NID_NONE);
	reserves_renew(m, z);
	hotplug_lists_move(h);
	*ret = h->out_of_memory ? BUDDY_ZONE_NONE : buddy_zone_find(m->buddy, z->nid, z->type);
	if (*ret == BUDDY_ZONE_NONE)
		return false;
	buddy_set_block_types(m->buddy, *ret, range->start, range->end, MIGRATE_MOVABLE);
	return true;
}

bool hotplug_online(struct hotplug *h, pfn_t pfn, enum online_type type)
{
	struct machine *m = h->machine;
	struct node_range range;
	uint32_t zone;

	if (!bring(h, pfn, type, &range, &zone))
		return false;
	buddy_free_range(m->buddy, zone, range.start, range.end, m->config.max_order,
			 BUDDY_PLACE_FRESH);
	return true;
}

bool hotplug_bring(struct hotplug *h, pfn_t pfn, enum online_type type)
{
	struct node_range range;
	uint32_t zone;

	return bring(h, pfn, type, &range, &zone);
}

/* ---- offline ------------------------------------------------------------------------------------- */

/* The zone that has all of the section at @start; NULL: there are holes, or several zones. */
static struct zone *zone_with_all(const struct hotplug *h, pfn_t start)
{
	const struct machine *m = h->machine;
	const struct node_range *first = NULL;
	uint64_t pages = 0;

	for (uint32_t r = 0; r < m->range_count; r++) {
		const struct node_range *range = &m->ranges[r];
		uint64_t here =
			hotplug_shared(range->start, range->end, start, start + h->section_pages);

		if (!here)
			continue;
		if (first && (first->nid != range->nid || first->zone != range->zone))
			return NULL;
		first = range;
		pages += here;
	}
	if (!first || pages != h->section_pages)
		return NULL;
	return hotplug_zone(h, first->nid, (enum zone_type)(first->zone - 1));
}

/* Pageblocks that are kept for someone are not given away. */
static bool blocks_are_kept(const struct hotplug *h, uint32_t zone, pfn_t start, pfn_t end)
{
	const struct buddy *b = h->machine->buddy;

	for (; start < end; start += 1ULL << b->pageblock_order)
		if (buddy_block_type(b, zone, start) >= MIGRATE_HIGHATOMIC)
			return true;
	return false;
}

/* Isolates the range and looks until all of it is free: the kernel's loop without migration. */
static bool isolate(struct hotplug *h, uint32_t zone, pfn_t start, pfn_t end, pfn_t race,
		    unsigned int race_order, uint32_t race_cpu)
{
	uint64_t pages;

	if (blocks_are_kept(h, zone, start, end))
		return false;
	hotplug_lists_drain(h, zone);
	/* Whoever read the type of the pageblock before it was isolated frees to a page set. */
	if (race != PFN_NONE)
		page_alloc_put(h->alloc, race_cpu, race, race_order);
	if (fact_get(&h->machine->facts, FACT_hotplug_drains_again))
		hotplug_lists_drain(h, zone);
	pages = hotplug_lists_free_pages(h, zone, start, end);
	if (pages + hotplug_lists_set_pages(h, zone, start, end) == end - start &&
	    pages < end - start)
		h->endless++;
	return pages == end - start;
}

static void empty_zone(struct hotplug *h, struct zone *z)
{
	struct node *node = &h->machine->nodes[z->nid];
	bool first = fact_get(&h->machine->facts, FACT_hotplug_node_left_first);

	if (first)
		node->memory = node->present;
	if (!z->present) {
		build_zonelists(h, NID_NONE);
		z->batch = z->high = z->high_min = z->high_max = z->raw_batch = 0;
	}
	node->memory = node->present;
}

/* The section at @start, which is @z's, is offline. */
static bool take_away(struct hotplug *h, struct zone *z, pfn_t start)
{
	struct machine *m = h->machine;
	bool shrinks = fact_get(&m->facts, FACT_hotplug_offline_shrinks);
	struct offline_section section = { .start = start, .nid = z->nid };

	if (!hotplug_cut_range(h, start, start + h->section_pages))
		return false;
	count_pages(h, z, -(int64_t)h->section_pages);
	reserves_renew(m, z);
	empty_zone(h, z);
	section.zone = shrinks ? 0 : (uint8_t)(z->type + 1);
	insert_offline(h, &section);
	if (shrinks)
		hotplug_leave_zone(h, z, start);
	else
		hotplug_set_contiguous(h, z);
	hotplug_lists_move(h);
	return true;
}

/* The zone of the section at @start, if that can go. */
static struct zone *zone_to_leave(struct hotplug *h, pfn_t start)
{
	struct zone *z = hotplug_begin(h) ? zone_with_all(h, start) : NULL;

	return z && z->managed >= h->section_pages ? z : NULL;
}

bool hotplug_offline(struct hotplug *h, pfn_t pfn, pfn_t race, unsigned int race_order,
		     uint32_t race_cpu)
{
	struct zone *z;
	uint32_t zone;
	pfn_t start;

	if (!hotplug_ready(h))
		return false;
	start = round_down_to(pfn, h->section_pages);
	z = zone_to_leave(h, start);
	if (!z)
		return false;
	zone = buddy_zone_find(h->machine->buddy, z->nid, z->type);
	return zone != BUDDY_ZONE_NONE &&
	       isolate(h, zone, start, start + h->section_pages, race, race_order, race_cpu) &&
	       take_away(h, z, start);
}

bool hotplug_take_away(struct hotplug *h, pfn_t pfn)
{
	struct zone *z;
	pfn_t start;

	if (!hotplug_ready(h))
		return false;
	start = round_down_to(pfn, h->section_pages);
	z = zone_to_leave(h, start);
	return z && take_away(h, z, start);
}
