/* SPDX-License-Identifier: MIT */
#include "engine/rerun.h"

#include <stdlib.h>
#include <string.h>

#include "engine/alloc_view.h"
#include "engine/buddy_view.h"
#include "engine/digest.h"
#include "engine/gfp.h"
#include "engine/pageset.h"

enum { CHUNK_ORDER = 10, CHUNK_PAGES = 1 << CHUNK_ORDER };

/* Our page frame for each of the recorded ones of a chunk; PFN_NONE: not allocated. */
struct chunk {
	uint64_t number; /* recorded page frame >> CHUNK_ORDER */
	pfn_t *own; /* NULL: the slot is free */
};

/* Kept for a page of a request that failed here. */
#define NOT_SERVED (PFN_NONE - 1)

struct rerun {
	struct page_alloc alloc;
	struct buddy lists; /* of a clone; zeroed where they are the machine's */
	struct rerun_stats stats;
	struct rerun_step last;
	struct alloc_events events; /* of one step */
	struct gfp_table gfp;
	const struct facts *facts; /* of the machine */
	enum migratetype types[MIGRATE_TYPE_COUNT]; /* by the tracing kernel's number */
	uint32_t traced_zones,
		zones; /* masks: of the tracing kernel; of types that have pages here */
	int32_t *cpu_nid;
	struct chunk *chunks; /* a hash table */
	uint64_t chunk_count, chunk_room; /* room is a power of two */
	bool out_of_memory;
};

/* ---- life -------------------------------------------------------------------------------------- */

int32_t *rerun_cpu_nodes(const struct machine *m, const struct boot_input *in, uint32_t count)
{
	int32_t *nids = calloc((size_t)count + 1, sizeof(*nids));
	uint32_t first = 0, node = 0, left;

	if (!nids)
		return NULL;
	while (first + 1 < m->node_count && !m->nodes[first].memory)
		first++;
	left = m->node_count ? m->nodes[0].cpus : 0;
	for (uint32_t cpu = 0; cpu < count; cpu++) {
		while (!left && node + 1 < m->node_count)
			left = m->nodes[++node].cpus;
		nids[cpu] = (int32_t)(left ? node : first);
		left -= left != 0;
		if (m->affinity_used && !m->emulated && cpu < in->cpu_nid_count &&
		    nid_within(in->cpu_nid[cpu], m->node_count))
			nids[cpu] = in->cpu_nid[cpu];
	}
	return nids;
}

struct rerun *rerun_create(struct machine *m, const struct machine *traced_by,
			   const int32_t *cpu_nid, uint32_t cpu_count)
{
	struct rerun *r = calloc(1, sizeof(*r));
	struct buddy *b = m->buddy;

	if (!r)
		return NULL;
	gfp_table_init(&r->gfp, &traced_by->facts);
	r->facts = &m->facts;
	for (unsigned int n = 0; n < MIGRATE_TYPE_COUNT; n++)
		r->types[n] = migratetype_at(n, &traced_by->config, &traced_by->facts);
	r->traced_zones = traced_by->config.zones_mask;
	page_alloc_init(&r->alloc, b, &m->config, &m->facts, m->nodes, m->node_count, &m->zonelists,
			cpu_count);
	r->chunk_room = 64;
	r->chunks = calloc(r->chunk_room, sizeof(*r->chunks));
	r->cpu_nid = calloc((size_t)cpu_count + 1, sizeof(*r->cpu_nid));
	if (r->alloc.out_of_memory || !r->chunks || !r->cpu_nid) {
		rerun_destroy(r);
		return NULL;
	}
	memcpy(r->cpu_nid, cpu_nid, cpu_count * sizeof(*r->cpu_nid));
	page_alloc_set_watermarks(&r->alloc, m->nodes);
	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		const struct buddy_zone *bz = &b->zones[zone];
		const struct zone *z = &m->nodes[bz->nid].zones[bz->type];

		r->zones |= 1U << bz->type;
		page_alloc_set_pagesets(&r->alloc, zone, z->batch, z->high, z->high_min,
					z->high_max);
	}
	r->alloc.events = &r->events;
	return r;
}

void rerun_destroy(struct rerun *r)
{
	if (!r)
		return;
	for (uint64_t i = 0; r->chunks && i < r->chunk_room; i++)
		free(r->chunks[i].own);
	free(r->chunks);
	free(r->cpu_nid);
	free(r->events.events);
	page_alloc_deinit(&r->alloc);
	if (r->lists.slots)
		buddy_deinit(&r->lists);
	free(r);
}

static bool copy_chunks(struct rerun *r, const struct rerun *from)
{
	r->chunks = calloc(r->chunk_room, sizeof(*r->chunks));
	for (uint64_t i = 0; r->chunks && i < r->chunk_room; i++) {
		const struct chunk *c = &from->chunks[i];

		if (!c->own)
			continue;
		r->chunks[i].own = malloc(CHUNK_PAGES * sizeof(*c->own));
		if (!r->chunks[i].own)
			return false;
		r->chunks[i].number = c->number;
		memcpy(r->chunks[i].own, c->own, CHUNK_PAGES * sizeof(*c->own));
	}
	return r->chunks;
}

struct rerun *rerun_clone(const struct rerun *from)
{
	struct rerun *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	*r = *from;
	memset(&r->lists, 0, sizeof(r->lists));
	memset(&r->events, 0, sizeof(r->events));
	buddy_copy(&r->lists, from->alloc.buddy);
	page_alloc_copy(&r->alloc, &from->alloc, &r->lists);
	r->alloc.events = &r->events;
	r->cpu_nid = calloc((size_t)r->alloc.cpu_count + 1, sizeof(*r->cpu_nid));
	if (!copy_chunks(r, from) || !r->cpu_nid || r->lists.out_of_memory ||
	    r->alloc.out_of_memory) {
		rerun_destroy(r);
		return NULL;
	}
	memcpy(r->cpu_nid, from->cpu_nid, r->alloc.cpu_count * sizeof(*r->cpu_nid));
	return r;
}

const struct rerun_stats *rerun_stats(const struct rerun *r)
{
	return &r->stats;
}

const struct rerun_step *rerun_last(const struct rerun *r)
{
	return &r->last;
}

const struct page_alloc *rerun_alloc(const struct rerun *r)
{
	return &r->alloc;
}

bool rerun_out_of_memory(const struct rerun *r)
{
	return r->out_of_memory || r->events.out_of_memory || r->alloc.buddy->out_of_memory;
}

/* ---- which page is which ----------------------------------------------------------------------- */

static struct chunk *find_slot(struct chunk *chunks, uint64_t room, uint64_t number)
{
	uint64_t at = (number * 0x9e3779b97f4a7c15ULL >> 20) & (room - 1);

	while (chunks[at].own && chunks[at].number != number)
		at = (at + 1) & (room - 1);
	return &chunks[at];
}

static bool grow_chunks(struct rerun *r)
{
	uint64_t room = r->chunk_room * 2;
	struct chunk *chunks = calloc(room, sizeof(*chunks));

	if (!chunks)
		return false;
	for (uint64_t i = 0; i < r->chunk_room; i++)
		if (r->chunks[i].own)
			*find_slot(chunks, room, r->chunks[i].number) = r->chunks[i];
	free(r->chunks);
	r->chunks = chunks;
	r->chunk_room = room;
	return true;
}

static bool is_page(pfn_t own)
{
	return own != PFN_NONE && own != NOT_SERVED;
}

/* Where our page for the recorded frame @pfn is kept; NULL without memory, or if not @make. */
static pfn_t *own_page(struct rerun *r, pfn_t pfn, bool make)
{
	uint64_t number = pfn >> CHUNK_ORDER;
	struct chunk *c = find_slot(r->chunks, r->chunk_room, number);

	if (!c->own && make) {
		if (r->chunk_count * 2 >= r->chunk_room && !grow_chunks(r)) {
			r->out_of_memory = true;
			return NULL;
		}
		c = find_slot(r->chunks, r->chunk_room, number);
		c->number = number;
		c->own = malloc(CHUNK_PAGES * sizeof(*c->own));
		if (!c->own) {
			r->out_of_memory = true;
			return NULL;
		}
		for (unsigned int i = 0; i < CHUNK_PAGES; i++)
			c->own[i] = PFN_NONE;
		r->chunk_count++;
	}
	return c->own ? &c->own[pfn & (CHUNK_PAGES - 1)] : NULL;
}

/* ---- events ------------------------------------------------------------------------------------ */

/* What the last step did. */
static void count_step(struct rerun *r)
{
	bool locked = false;

	for (uint32_t i = 0; i < r->events.count; i++) {
		const struct event *e = &r->events.events[i];

		locked |= e->kind == EVENT_ZONE_LOCKED || e->kind == EVENT_PCPU_DRAIN ||
			  e->flags & EVENT_GIVES_PAGE;
		if (e->kind == EVENT_EXTFRAG) {
			r->stats.fallbacks++;
			r->stats.claimed += (e->flags & EVENT_CHANGE_OWNERSHIP) != 0;
		}
	}
	r->stats.lock_takes += locked;
	r->last.moves += r->events.count;
	r->events.count = 0;
}

static void put(struct rerun *r, uint32_t cpu, pfn_t own, unsigned int order)
{
	bool held = pageset_list(&r->alloc, order, MIGRATE_MOVABLE) != PCP_LIST_NONE;

	if (r->last.did != RERUN_FREE)
		r->last = (struct rerun_step){ RERUN_FREE, own, BUDDY_ZONE_NONE, 0 };
	page_alloc_put(&r->alloc, cpu, own, order);
	r->stats.lock_takes += !held;
	count_step(r);
}

/* Frees what is kept for the recorded block; the largest parts that are one block here, too. */
static void free_block(struct rerun *r, const struct event *e)
{
	for (pfn_t pfn = e->pfn, end = e->pfn + (1ULL << e->order); pfn < end;) {
		pfn_t *first = own_page(r, pfn, false);
		pfn_t own = first ? *first : PFN_NONE;
		unsigned int order = 0;
		uint64_t pages = 1;

		if (first)
			*first = PFN_NONE;
		if (!is_page(own)) {
			pfn++;
			continue;
		}
		/* Pages that follow each other in both are freed together as far as they are one buddy. */
		while (order < e->order && !((pfn | own) & pages) && pfn + 2 * pages <= end) {
			uint64_t more = 0;

			for (; more < pages; more++) {
				const pfn_t *next = own_page(r, pfn + pages + more, false);

				if (!next || *next != own + pages + more)
					break;
			}
			if (more < pages)
				break;
			for (more = 0; more < pages; more++)
				*own_page(r, pfn + pages + more, false) = PFN_NONE;
			order++;
			pages *= 2;
		}
		put(r, e->cpu, own, order);
		pfn += pages;
	}
}

/* Which of the counts a free of @e's block belongs to: by its pages, of which it may be a part or several. */
static uint64_t *count_of_free(struct rerun *r, const struct event *e)
{
	uint64_t *count = &r->stats.unknown_frees;

	for (uint64_t i = 0; i < 1ULL << e->order; i++) {
		const pfn_t *own = own_page(r, e->pfn + i, false);

		if (own && is_page(*own))
			return &r->stats.frees;
		if (own && *own == NOT_SERVED)
			count = &r->stats.failed_frees;
	}
	return count;
}

static void on_free(struct rerun *r, const struct event *e)
{
	++*count_of_free(r, e);
	free_block(r, e);
}

static enum zone_type highest_zone(const struct rerun *r, const struct event *e)
{
	enum zone_type highest = gfp_zone(e->gfp, r->traced_zones);

	return highest == ZONE_TYPE_COUNT ? ZONE_NORMAL : highest;
}

static bool is_remote(const struct rerun *r, uint32_t zone, int32_t nid)
{
	return r->alloc.buddy->zones[zone].nid != nid;
}

/* Is @zone below the highest that has pages, up to @highest? */
static bool is_lower_zone(const struct rerun *r, uint32_t zone, enum zone_type highest)
{
	return (r->zones & ((2U << highest) - 1)) >> r->alloc.buddy->zones[zone].type > 1;
}

static struct alloc_request request_of(const struct rerun *r, const struct event *e)
{
	struct alloc_request req = { .cpu = e->cpu, .order = e->order, .nid = r->cpu_nid[e->cpu] };

	req.type = r->types[e->migratetype];
	if (req.type == MIGRATE_CMA)
		req.type = MIGRATE_MOVABLE;
	req.highest = highest_zone(r, e);
	req.thisnode = gfp_has(&r->gfp, e->gfp, GFP_BIT_THISNODE);
	req.flags = page_alloc_fast_flags(&r->alloc, &req);
	return req;
}

/* With the rights that the slow path gives to the flags of @e; PFN_NONE: it has none, or they do not help. */
static pfn_t get_from_reserves(struct rerun *r, const struct event *e,
			       const struct alloc_request *plain, uint32_t *zone_ret)
{
	const struct alloc_gfp gfp = {
		.high = gfp_has(&r->gfp, e->gfp, GFP_BIT_HIGH),
		.atomic = gfp_has(&r->gfp, e->gfp, GFP_BIT_ATOMIC),
		.can_wait = gfp_has(&r->gfp, e->gfp, GFP_BIT_DIRECT_RECLAIM),
		.nomemalloc = gfp_has(&r->gfp, e->gfp, GFP_BIT_NOMEMALLOC),
		.memalloc = gfp_has(&r->gfp, e->gfp, GFP_BIT_MEMALLOC),
		.movable = plain->type == MIGRATE_MOVABLE,
	};
	struct alloc_request req = *plain;
	pfn_t own = PFN_NONE;

	req.flags = alloc_flags_slow(r->facts, &gfp, e->order);
	if (req.flags & (ALLOC_RIGHTS | ALLOC_NO_WATERMARKS))
		own = page_alloc_get(&r->alloc, &req, zone_ret);
	r->stats.from_reserves += own != PFN_NONE;
	return own;
}

static void on_alloc(struct rerun *r, const struct event *e)
{
	struct alloc_request req = request_of(r, e);
	uint64_t past_low = r->alloc.past_low;
	uint32_t zone = BUDDY_ZONE_NONE;
	pfn_t own;

	/* It was freed without an event. */
	free_block(r, e);
	r->stats.requests++;
	own = page_alloc_get(&r->alloc, &req, &zone);
	r->stats.below_low += r->alloc.past_low != past_low;
	if (own == PFN_NONE)
		own = get_from_reserves(r, e, &req, &zone);
	r->last = (struct rerun_step){ RERUN_ALLOC, own, zone, 0 };
	count_step(r);
	if (own == PFN_NONE) {
		r->stats.failed++;
		r->stats.must_reclaim += gfp_has(&r->gfp, e->gfp, GFP_BIT_DIRECT_RECLAIM);
		r->stats.failed_order[e->order]++;
	}
	for (uint64_t i = 0; i < 1ULL << e->order; i++) {
		pfn_t *to = own_page(r, e->pfn + i, true);

		if (to)
			*to = own == PFN_NONE ? NOT_SERVED : own + i;
	}
	if (own == PFN_NONE)
		return;
	r->stats.remote += is_remote(r, zone, req.nid);
	r->stats.lower_zone += is_lower_zone(r, zone, req.highest);
}

/* An event that this machine can have recorded. */
static void count_told(struct rerun *r, const struct event *e)
{
	struct rerun_told *told = &r->stats.told;
	uint32_t zone;

	told->extfrag += e->kind == EVENT_EXTFRAG;
	told->claimed += e->kind == EVENT_EXTFRAG && e->flags & EVENT_CHANGE_OWNERSHIP;
	told->frees += e->kind == EVENT_FREE;
	if (e->kind != EVENT_ALLOC)
		return;
	zone = page_alloc_zone_of(&r->alloc, e->pfn);
	if (zone == BUDDY_ZONE_NONE)
		return;
	told->remote += is_remote(r, zone, r->cpu_nid[e->cpu]);
	told->lower_zone += is_lower_zone(r, zone, highest_zone(r, e));
}

void rerun_event(struct rerun *r, const struct event *e)
{
	r->last = (struct rerun_step){ RERUN_NOTHING, PFN_NONE, BUDDY_ZONE_NONE, 0 };
	r->stats.failed_in_trace += e->kind == EVENT_ALLOC && e->pfn == PFN_NONE;
	if (e->pfn == PFN_NONE || e->cpu >= r->alloc.cpu_count ||
	    e->order > r->alloc.buddy->max_order || e->migratetype >= MIGRATE_TYPE_COUNT ||
	    e->pfn & ((1ULL << e->order) - 1))
		return;
	count_told(r, e);
	if (e->kind == EVENT_ALLOC)
		on_alloc(r, e);
	else if (e->kind == EVENT_FREE)
		on_free(r, e);
}

/* ---- questions --------------------------------------------------------------------------------- */

uint64_t rerun_hash(const struct rerun *r)
{
	const struct page_alloc *a = &r->alloc;
	uint64_t hash = buddy_hash(a->buddy);

	for (uint32_t i = 0; i < a->zone_count * a->cpu_count; i++) {
		const struct pageset *set = &a->sets[i];

		/* Lists are numbered in another way by other kernels; what they hold is not. */
		for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
			uint32_t cursor = BUDDY_LIST_START;
			pfn_t pfn;

			if (!(set->nonempty >> index & 1))
				continue;
			hash = digest_add(hash, (uint64_t)i << 8 |
							pageset_list_order(a, index) << 4 |
							alloc_view_list_type(a, index));
			while (pageset_next(a, set, index, &cursor, &pfn))
				hash = digest_add(hash, pfn);
		}
	}
	return hash;
}

uint64_t rerun_free_pages(const struct rerun *r)
{
	uint64_t pages = 0;

	for (uint32_t zone = 0; zone < r->alloc.zone_count; zone++)
		pages += page_alloc_zone_free(&r->alloc, zone);
	return pages;
}

unsigned int rerun_unusable(const struct rerun *r, unsigned int order)
{
	return buddy_view_unusable(r->alloc.buddy, order);
}
