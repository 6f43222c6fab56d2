/* SPDX-License-Identifier: MIT */
#include "engine/page_alloc.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/buddy_entry.h"
#include "engine/buddy_pending.h"
#include "engine/pageset.h"
#include "engine/pageset_list.h"
#include "engine/rmqueue.h"
#include "engine/wmark.h"

/* ---- life -------------------------------------------------------------------------------------- */

static void read_rules(struct alloc_rules *r, const struct arch_config *config,
		       const struct facts *facts)
{
	r->refill = (unsigned int)fact_get(facts, FACT_pcp_refill_rule);
	r->drain_amount = (unsigned int)fact_get(facts, FACT_pcp_drain_amount);
	r->drain_order = (unsigned int)fact_get(facts, FACT_pcp_drain_order);
	r->thp_lists = (unsigned int)fact_get(facts, FACT_pcp_thp_lists);
	r->fallback = (unsigned int)fact_get(facts, FACT_fallback_rule);
	r->free_high_threshold = (unsigned int)fact_get(facts, FACT_pcp_free_high_threshold);
	r->high_orders = fact_get(facts, FACT_pcp_high_orders);
	r->free_factor_limited = fact_get(facts, FACT_pcp_free_factor_limited);
	r->drain_current_type = fact_get(facts, FACT_pcp_drain_current_type);
	r->empty_tries_buddy = fact_get(facts, FACT_pcp_empty_tries_buddy);
	r->cma_bypass = fact_get(facts, FACT_pcp_cma_bypass);
	r->smallest_first = fact_get(facts, FACT_fallback_smallest_first);
	r->moves_to_tail = fact_get(facts, FACT_moves_go_to_tail);
	r->locked_lists_type = fact_get(facts, FACT_zone_locked_lists_type);
	r->cma = config->cma;
	r->cma_balance = fact_get(facts, FACT_cma_balance);
	r->free_counted_by_page = fact_get(facts, FACT_free_counted_by_page);
	r->nofragment = fact_get(facts, FACT_alloc_nofragment) &&
			config->zones_mask & 1u << ZONE_DMA32;
	r->below_high = fact_get(facts, FACT_zone_below_high);
	r->high_decays = fact_get(facts, FACT_pcp_high_decays);
	r->decay_chunked = fact_get(facts, FACT_pcp_decay_chunked);
	r->drain_chunked = fact_get(facts, FACT_pcp_drain_chunked);
	r->thp = config->thp;
	r->counts_free_highatomic = fact_get(facts, FACT_watermark_counts_free_highatomic);
	r->migrate_reserve = fact_get(facts, FACT_migrate_reserve);
	r->reserve_pages_stay = fact_get(facts, FACT_reserve_pages_stay);
	r->highatomic_all_blocks = fact_get(facts, FACT_highatomic_all_blocks);
	r->highatomic_past_pagesets = fact_get(facts, FACT_highatomic_past_pagesets);
	r->highatomic_limit = (unsigned int)fact_get(facts, FACT_highatomic_limit_rule);
	r->highatomic_last_resort = (unsigned int)fact_get(facts, FACT_highatomic_last_resort);
	r->boost_factor = (unsigned int)fact_get(facts, FACT_watermark_boost_factor);
	r->boost_spares_small = fact_get(facts, FACT_boost_spares_small_zones);
	r->block_move_in_zone = fact_get(facts, FACT_block_move_in_zone);
	r->isolation_splits = fact_get(facts, FACT_isolation_splits);
	r->compaction_in_zone = fact_get(facts, FACT_compaction_in_zone);
	r->poison_counted = fact_get(facts, FACT_poison_counted);
	r->drain_clamped = fact_get(facts, FACT_pcp_drain_clamped);
	r->bypass_keeps_type = fact_get(facts, FACT_pcp_bypass_keeps_type);
	r->fair = (enum fair_zones)fact_get(facts, FACT_fair_zones);
	watermark_rules_init(&r->watermark, facts);
	/* What wraps is a count of whole pageblocks: a count of free pages is never more than what is free. */
	if (r->watermark.fast == WATERMARK_FAST_WRAPS)
		r->counts_free_highatomic = false;
	r->huge_order = r->high_orders && config->thp ? config->pageblock_order : UINT_MAX;
	for (unsigned int number = 0; number < MIGRATE_TYPE_COUNT; number++) {
		enum migratetype type = migratetype_at(number, config, facts);

		if (number < migratetype_count(config))
			r->list_rank[type] = (uint8_t)number;
	}
	pageset_init_lists(r);
}

/* The first zone of a node's row whose type is @highest or below. */
static uint32_t first_up_to(const struct page_alloc *a, uint32_t nid, enum zone_type highest)
{
	const uint32_t *row = a->rows + (size_t)nid * a->row_room;

	for (uint32_t i = 0; i < a->row_length[nid]; i++)
		if (a->buddy->zones[row[i]].type <= highest)
			return row[i];
	return BUDDY_ZONE_NONE;
}

/* Room for @count elements of @size; the contents are void.  Without memory the buffer stays. */
static bool make_room(void *buffer, size_t *room, size_t count, size_t size)
{
	void **at = buffer, *grown;

	if (count <= *room)
		return true;
	grown = realloc(*at, count * size);
	if (!grown)
		return false;
	*at = grown;
	*room = count;
	return true;
}

static void build_rows(struct page_alloc *a, uint32_t node_count, const struct zonelists *zonelists)
{
	size_t lengths = a->node_room, firsts = a->node_room;

	a->row_room = a->zone_count;
	if (!make_room(&a->rows, &a->row_entries_room, (size_t)node_count * a->row_room + 1,
		       sizeof(*a->rows)) ||
	    !make_room(&a->refs, &a->ref_room, a->zone_count + 1, sizeof(*a->refs)) ||
	    !make_room(&a->row_length, &lengths, node_count + 1, sizeof(*a->row_length)) ||
	    !make_room(&a->first_zone, &firsts, node_count + 1,
		       sizeof(*a->first_zone) * ZONE_TYPE_COUNT)) {
		a->out_of_memory = true;
		return;
	}
	a->node_room = lengths;
	a->node_count = node_count;
	for (uint32_t nid = 0; nid < node_count; nid++) {
		uint32_t count = zonelist_zones(zonelists, (int32_t)nid,
						(enum zone_type)(ZONE_TYPE_COUNT - 1), false,
						a->refs, a->zone_count);

		a->row_length[nid] = 0;
		for (uint32_t i = 0; i < count && i < a->zone_count; i++) {
			uint32_t zone = buddy_zone_find(a->buddy, a->refs[i].nid, a->refs[i].type);

			if (zone != BUDDY_ZONE_NONE)
				a->rows[(size_t)nid * a->row_room + a->row_length[nid]++] = zone;
		}
		for (unsigned int type = 0; type < ZONE_TYPE_COUNT; type++)
			a->first_zone[nid * ZONE_TYPE_COUNT + type] =
				first_up_to(a, nid, (enum zone_type)type);
	}
}

/* alloc_flags_nofragment(). */
static bool avoids_fragments(const struct page_alloc *a, uint32_t zone)
{
	const struct buddy_zone *z = &a->buddy->zones[zone];

	if (!a->rules.nofragment || z->type != ZONE_NORMAL)
		return false;
	return !a->several_nodes ||
	       buddy_zone_find(a->buddy, z->nid, ZONE_DMA32) != BUDDY_ZONE_NONE;
}

/* Everything but the buffers is forgotten. */
static void keep_buffers(struct page_alloc *a)
{
	struct page_alloc kept = { .zones = a->zones,
				   .sets = a->sets,
				   .rows = a->rows,
				   .row_length = a->row_length,
				   .first_zone = a->first_zone,
				   .refs = a->refs,
				   .zone_room = a->zone_room,
				   .set_room = a->set_room,
				   .row_entries_room = a->row_entries_room,
				   .node_room = a->node_room,
				   .ref_room = a->ref_room };

	*a = kept;
}

void page_alloc_renew(struct page_alloc *a, struct buddy *buddy, const struct arch_config *config,
		      const struct facts *facts, const struct node *nodes, uint32_t node_count,
		      const struct zonelists *zonelists, uint32_t cpu_count)
{
	uint32_t online = 0;
	size_t sets;

	keep_buffers(a);
	a->buddy = buddy;
	a->zone_count = buddy->zone_count;
	a->cpu_count = cpu_count ? cpu_count : 1;
	read_rules(&a->rules, config, facts);
	sets = (size_t)a->zone_count * a->cpu_count;
	if (!make_room(&a->zones, &a->zone_room, a->zone_count + 1, sizeof(*a->zones)) ||
	    !make_room(&a->sets, &a->set_room, sets + 1, sizeof(*a->sets))) {
		a->out_of_memory = true;
		return;
	}
	memset(a->zones, 0, a->zone_count * sizeof(*a->zones));
	memset(a->sets, 0, sets * sizeof(*a->sets));
	for (uint32_t nid = 0; nid < node_count; nid++)
		online += nodes[nid].memory || nodes[nid].cpus;
	a->several_nodes = online > 1;
	for (uint32_t zone = 0; zone < a->zone_count; zone++) {
		page_alloc_set_pagesets(a, zone, 1, 0, 0, 0);
		a->zones[zone].avoids_fragments = avoids_fragments(a, zone);
	}
	build_rows(a, node_count, zonelists);
}

void page_alloc_init(struct page_alloc *a, struct buddy *buddy, const struct arch_config *config,
		     const struct facts *facts, const struct node *nodes, uint32_t node_count,
		     const struct zonelists *zonelists, uint32_t cpu_count)
{
	memset(a, 0, sizeof(*a));
	page_alloc_renew(a, buddy, config, facts, nodes, node_count, zonelists, cpu_count);
}

void page_alloc_deinit(struct page_alloc *a)
{
	free(a->zones);
	free(a->sets);
	free(a->rows);
	free(a->row_length);
	free(a->first_zone);
	free(a->refs);
	memset(a, 0, sizeof(*a));
}

static void *copy_of(const void *from, size_t bytes, bool *failed)
{
	void *to = malloc(bytes + 1);

	if (!to)
		*failed = true;
	else
		memcpy(to, from, bytes);
	return to;
}

void page_alloc_copy(struct page_alloc *dst, const struct page_alloc *src, struct buddy *buddy)
{
	bool failed = false;

	*dst = *src;
	dst->buddy = buddy;
	dst->events = NULL;
	dst->zones = copy_of(src->zones, src->zone_count * sizeof(*src->zones), &failed);
	dst->sets = copy_of(src->sets,
			    (size_t)src->zone_count * src->cpu_count * sizeof(*src->sets), &failed);
	dst->rows = copy_of(src->rows, (size_t)src->node_count * src->row_room * sizeof(*src->rows),
			    &failed);
	dst->first_zone = copy_of(
		src->first_zone,
		(size_t)src->node_count * ZONE_TYPE_COUNT * sizeof(*src->first_zone), &failed);
	dst->row_length =
		copy_of(src->row_length, src->node_count * sizeof(*src->row_length), &failed);
	dst->refs = NULL;
	/* Buffers of a copy are as small as they can be, and are not used again. */
	dst->zone_room = dst->set_room = dst->row_entries_room = dst->node_room = dst->ref_room = 0;
	dst->out_of_memory |= failed;
}

void page_alloc_set_watermarks(struct page_alloc *a, const struct node *nodes)
{
	for (uint32_t zone = 0; zone < a->zone_count; zone++) {
		const struct buddy_zone *bz = &a->buddy->zones[zone];
		const struct zone *z = &nodes[bz->nid].zones[bz->type];

		a->zones[zone].managed = z->managed;
		a->zones[zone].stat_threshold = (int32_t)z->stat_threshold;
		memcpy(a->zones[zone].watermark, z->watermark, sizeof(z->watermark));
		memcpy(a->zones[zone].lowmem_reserve, z->lowmem_reserve, sizeof(z->lowmem_reserve));
		a->zones[zone].alloc_batch =
			(int64_t)(z->watermark[WMARK_HIGH] - z->watermark[WMARK_LOW]);
	}
}

void page_alloc_set_pagesets(struct page_alloc *a, uint32_t zone, uint64_t batch, uint64_t high,
			     uint64_t high_min, uint64_t high_max)
{
	for (uint32_t cpu = 0; cpu < a->cpu_count; cpu++) {
		struct pageset *set = page_alloc_set(a, zone, cpu);

		set->batch = (uint32_t)batch;
		set->high_min = (uint32_t)high_min;
		set->high_max = (uint32_t)high_max;
		/* The tuned high is carried over. */
		if (a->rules.refill != 2)
			set->high = (uint32_t)high;
	}
}

/* What is written is taken from this on; less would be a page set of more than an eighth of its zone. */
#define PCP_FRACTION_MIN 8

bool page_alloc_set_fraction(struct page_alloc *a, const struct node *nodes, uint64_t fraction,
			     uint32_t online_cpus, const struct arch_config *config,
			     const struct facts *facts)
{
	if (fraction && fraction < PCP_FRACTION_MIN)
		return false;
	a->pcp_fraction = fraction;
	/* A division by zero: nothing comes of it. */
	if (!fraction && !fact_get(facts, FACT_pcp_fraction_restores))
		return true;
	for (uint32_t zone = 0; zone < a->zone_count; zone++) {
		const struct buddy_zone *bz = &a->buddy->zones[zone];
		struct zone z = nodes[bz->nid].zones[bz->type];

		if (fraction)
			pageset_size_zone(&z, nodes[bz->nid].cpus, online_cpus, fraction, config,
					  facts);
		page_alloc_set_pagesets(a, zone, z.batch, z.high, z.high_min, z.high_max);
	}
	return true;
}

void page_alloc_note(struct page_alloc *a, const struct event *e)
{
	struct event *room = a->events ? page_alloc_note_room(a, 1) : NULL;

	if (!room)
		return;
	*room = *e;
	a->events->count++;
}

struct event *page_alloc_note_room(struct page_alloc *a, uint32_t count)
{
	struct alloc_events *l = a->events;

	if (l->room - l->count < count) {
		uint32_t room = l->room ? l->room : 64;
		struct event *grown;

		while (room - l->count < count)
			room *= 2;
		grown = realloc(l->events, room * sizeof(*grown));
		if (!grown) {
			l->out_of_memory = a->out_of_memory = true;
			return NULL;
		}
		l->events = grown;
		l->room = room;
	}
	return &l->events[l->count];
}

/* ---- which zone -------------------------------------------------------------------------------- */

uint32_t page_alloc_search_zone(struct page_alloc *a, pfn_t pfn)
{
	const struct buddy *b = a->buddy;
	const struct node_range *range = buddy_memory_at(b, pfn);
	uint32_t zone = buddy_zone_at(b, pfn), slot;
	const struct buddy_zone *z;

	if (zone == BUDDY_ZONE_NONE)
		return zone;
	z = &b->zones[zone];
	if (!find_slot(b, &b->zones[zone], pfn, &slot))
		return BUDDY_ZONE_NONE;
	a->near.start = pfn;
	a->near.pages = 1;
	if (range && range->nid == z->nid) {
		a->near.start = max_u64(z->start, range->start);
		a->near.pages = min_u64(z->end, range->end) - a->near.start;
	}
	a->near.zone = zone;
	/* All of a range lies in one span of slots. */
	a->near.slots_before = slot - (uint32_t)(pfn >> b->max_order);
	a->near.blocks_before = a->near.slots_before << (b->max_order - b->pageblock_order);
	return zone;
}

/* Free blocks of each order, whatever their type. */
static void count_blocks(const struct buddy *b, uint32_t zone, uint64_t nr_free[BUDDY_ORDER_COUNT])
{
	for (unsigned int order = 0; order < BUDDY_ORDER_COUNT; order++) {
		nr_free[order] = 0;
		for (unsigned int type = 0; type < MIGRATE_TYPE_COUNT; type++)
			nr_free[order] += b->zones[zone].lists[order][type].count;
	}
}

/* What the watermark check is to know of @zone for the mark that @flags name. */
static inline struct watermark_zone numbers_of(const struct page_alloc *a, uint32_t zone,
					       const struct alloc_request *req, uint32_t flags)
{
	const struct alloc_zone *z = &a->zones[zone];
	const struct buddy_zone *bz = &a->buddy->zones[zone];

	return (struct watermark_zone){
		.free = (int64_t)page_alloc_zone_free(a, zone) - z->drift,
		.free_cma = a->rules.cma ? (int64_t)bz->free_pages[MIGRATE_CMA] : 0,
		.highatomic = (int64_t)page_alloc_highatomic(a, zone),
		.mark = (int64_t)(z->watermark[flags & ALLOC_WMARK_MASK] + z->boost),
		.boost = (int64_t)z->boost,
		.reserve = (int64_t)z->lowmem_reserve[req->highest],
		.nonempty = bz->nonempty,
	};
}

/* zone_watermark_fast(). */
static bool passes(const struct page_alloc *a, uint32_t zone, const struct alloc_request *req,
		   uint32_t flags)
{
	uint64_t nr_free[BUDDY_ORDER_COUNT];
	struct watermark_zone w = numbers_of(a, zone, req, flags);

	if (req->order && !a->rules.watermark.looks_for_block) {
		count_blocks(a->buddy, zone, nr_free);
		w.nr_free = nr_free;
	}
	return watermark_ok(&a->rules.watermark, &w, req->order, flags);
}

int64_t page_alloc_margin(const struct page_alloc *a, uint32_t zone,
			  const struct alloc_request *req, enum watermark mark)
{
	uint32_t flags = (req->flags & ~(uint32_t)ALLOC_WMARK_MASK) | mark;
	struct watermark_zone w = numbers_of(a, zone, req, flags);
	struct watermark_answer answer;

	/* As for order 0: blocks are not the question here. */
	w.free -= (1LL << req->order) - 1;
	watermark_check(&a->rules.watermark, &w, 0, flags, &answer);
	return answer.usable - answer.limit;
}

/* Is @zone one that the request may use, and has enough?  Order of the tests as in the kernel. */
static inline bool zone_serves(struct page_alloc *a, uint32_t zone, const struct alloc_request *req,
			       uint32_t flags)
{
	if (a->rules.below_high && !a->zones[zone].below_high) {
		if (passes(a, zone, req, (flags & ~(uint32_t)ALLOC_WMARK_MASK) | ALLOC_WMARK_HIGH))
			return true;
		a->zones[zone].below_high = true;
	}
	return flags & ALLOC_NO_WATERMARKS || passes(a, zone, req, flags);
}

/* The first zone of the row that the request may use at all. */
static inline uint32_t preferred_zone(const struct page_alloc *a, const struct alloc_request *req)
{
	return a->first_zone[(uint32_t)req->nid * ZONE_TYPE_COUNT + req->highest];
}

/* Is @zone on the node of the zone the request prefers? */
static bool is_local(const struct page_alloc *a, const struct alloc_request *req, uint32_t zone)
{
	return a->buddy->zones[zone].nid == a->buddy->zones[preferred_zone(a, req)].nid;
}

/* Does deferred memory join @zone, which has not enough? */
static bool grow(struct page_alloc *a, uint32_t zone)
{
	return a->buddy->pending_count && buddy_pending_grow(a->buddy, zone);
}

/* One pass of get_page_from_freelist() up to the choice of a zone, from entry *@at of the row on. */
static uint32_t next_zone(struct page_alloc *a, const struct alloc_request *req, uint32_t flags,
			  uint32_t *at)
{
	const uint32_t *row = a->rows + (size_t)(uint32_t)req->nid * a->row_room;

	for (; *at < a->row_length[req->nid]; ++*at) {
		uint32_t zone = row[*at];
		const struct buddy_zone *z = &a->buddy->zones[zone];

		if (z->type > req->highest || (req->thisnode && z->nid != req->nid))
			continue;
		if (flags & ALLOC_FAIR) {
			if (a->rules.fair != FAIR_ALL && !is_local(a, req, zone))
				return BUDDY_ZONE_NONE;
			if (a->zones[zone].fair_depleted)
				continue;
		}
		/* Pages nearby are worth more than pageblocks of one type. */
		if (flags & ALLOC_NOFRAGMENT && a->several_nodes && !is_local(a, req, zone))
			return BUDDY_ZONE_NONE;
		/* What just came is not weighed any more. */
		if (zone_serves(a, zone, req, flags) || grow(a, zone))
			return zone;
	}
	return BUDDY_ZONE_NONE;
}

uint32_t page_alloc_fast_flags(const struct page_alloc *a, const struct alloc_request *req)
{
	uint32_t flags = WMARK_LOW, first;

	if (req->type == MIGRATE_MOVABLE)
		flags |= ALLOC_CMA;
	if (!nid_within(req->nid, a->node_count))
		return flags;
	first = preferred_zone(a, req);
	if (first != BUDDY_ZONE_NONE && a->zones[first].avoids_fragments)
		flags |= ALLOC_NOFRAGMENT;
	return flags;
}

/*
 * The common case of that answer for the first zone of the row: it has plenty, by the mark that is asked
 * about first.  False: ask on.
 */
static inline bool has_plenty(const struct page_alloc *a, const struct alloc_request *req,
			      uint32_t zone)
{
	const struct buddy_zone *bz = &a->buddy->zones[zone];
	const struct alloc_zone *z = &a->zones[zone];
	uint32_t mark = req->flags & ALLOC_WMARK_MASK;
	int64_t least;

	if (req->thisnode && bz->nid != req->nid)
		return false;
	if (a->rules.below_high && !z->below_high)
		mark = WMARK_HIGH;
	/* What is open to everybody, less all that may be kept for others: at least so much is usable. */
	least = (int64_t)(bz->free_pages[MIGRATE_UNMOVABLE] + bz->free_pages[MIGRATE_MOVABLE] +
			  bz->free_pages[MIGRATE_RECLAIMABLE] - z->reserved_highatomic) -
		z->drift;
	return watermark_least(
		&a->rules.watermark, bz->nonempty, least,
		(int64_t)(z->watermark[mark] + z->boost + z->lowmem_reserve[req->highest]),
		req->order);
}

uint32_t page_alloc_choose_zone(struct page_alloc *a, const struct alloc_request *req)
{
	uint32_t at = 0, zone;

	if (!nid_within(req->nid, a->node_count))
		return BUDDY_ZONE_NONE;
	zone = preferred_zone(a, req);
	if (zone == BUDDY_ZONE_NONE || has_plenty(a, req, zone))
		return zone;
	zone = next_zone(a, req, req->flags, &at);
	if (zone == BUDDY_ZONE_NONE && req->flags & ALLOC_NOFRAGMENT) {
		at = 0;
		zone = next_zone(a, req, req->flags & ~(uint32_t)ALLOC_NOFRAGMENT, &at);
	}
	if (zone == BUDDY_ZONE_NONE && (req->flags & ALLOC_WMARK_MASK) != WMARK_MIN) {
		/* The slow path begins with the minimum. */
		at = 0;
		zone = next_zone(
			a, req, req->flags & ~(uint32_t)(ALLOC_WMARK_MASK | ALLOC_NOFRAGMENT), &at);
	}
	return zone;
}

/* ---- get and put ------------------------------------------------------------------------------- */

void page_alloc_mark(struct page_alloc *a, uint32_t zone, pfn_t pfn, unsigned int order,
		     enum migratetype type)
{
	struct buddy *b = a->buddy;
	uint32_t slot;

	if (find_slot(b, &b->zones[zone], pfn, &slot) && b->slots[slot].chunk != CHUNK_NONE)
		b->entries[((size_t)b->slots[slot].chunk << b->max_order) +
			   (pfn & (slot_pages(b) - 1))] = held_make(order, type);
}

static uint64_t *place_of(struct page_alloc *a, uint32_t zone, pfn_t pfn)
{
	struct buddy *b = a->buddy;
	uint32_t slot;

	if (!find_slot(b, &b->zones[zone], pfn, &slot) || b->slots[slot].chunk == CHUNK_NONE)
		return NULL;
	return &b->entries[((size_t)b->slots[slot].chunk << b->max_order) +
			   (pfn & (slot_pages(b) - 1))];
}

static uint64_t entry_at(struct page_alloc *a, uint32_t zone, pfn_t pfn)
{
	const uint64_t *entry = place_of(a, zone, pfn);

	return entry ? *entry : 0;
}

void page_alloc_unmark(struct page_alloc *a, uint32_t zone, pfn_t pfn)
{
	uint64_t *entry = place_of(a, zone, pfn);

	if (entry && entry_is_held(*entry))
		*entry = 0;
}

bool page_alloc_is_held(struct page_alloc *a, uint32_t zone, pfn_t pfn, unsigned int order)
{
	uint64_t entry = entry_at(a, zone, pfn);

	return entry_is_held(entry) && entry_order(entry) == order;
}

int page_alloc_held_order(struct page_alloc *a, uint32_t zone, pfn_t pfn)
{
	uint64_t entry = entry_at(a, zone, pfn);

	return entry_is_held(entry) ? (int)entry_order(entry) : -1;
}

enum migratetype page_alloc_held_type(struct page_alloc *a, uint32_t zone, pfn_t pfn)
{
	uint64_t entry = entry_at(a, zone, pfn);

	return entry_is_held(entry) ? held_type(entry) : MIGRATE_TYPE_COUNT;
}

/* The page set's list that serves the request, or PCP_LIST_NONE. */
static inline unsigned int list_for(const struct page_alloc *a, const struct alloc_request *req)
{
	if (a->rules.cma_bypass && a->rules.cma && req->type == MIGRATE_MOVABLE &&
	    !(req->flags & ALLOC_CMA))
		return PCP_LIST_NONE;
	return a->rules.list_of[req->order][req->type];
}

/* Hands the head of list @index, which is not empty, out to the request. */
static inline pfn_t take_head(struct page_alloc *a, struct pageset *set, unsigned int index,
			      const struct alloc_request *req)
{
	uint32_t link = pcp_list_pop(a->buddy, set, index);

	a->buddy->entries[link] = held_make(req->order, req->type);
	pcp_count_down(set, 1u << req->order);
	return pcp_link_pfn(a->buddy, link);
}

/* Takes what the request wants from @zone, by its page set or past it. */
static pfn_t take_block(struct page_alloc *a, uint32_t zone, const struct alloc_request *req,
			uint32_t flags)
{
	unsigned int index = list_for(a, req);
	pfn_t pfn;

	if (index != PCP_LIST_NONE) {
		struct pageset *set = page_alloc_set(a, zone, req->cpu);

		pageset_before_alloc(a, set);
		if (!set->lists[index].count) {
			unsigned int blocks = pageset_refill_count(a, zone, set, req->order);

			if (!a->rules.highatomic_past_pagesets || !(flags & ALLOC_HIGHATOMIC))
				pageset_refill(a, zone, set, index, req->type, flags, blocks);
		}
		if (set->lists[index].count)
			return take_head(a, set, index, req);
		if (!a->rules.empty_tries_buddy)
			return PFN_NONE;
	}
	pfn = rmqueue_buddy(a, zone, req->order, req->type, flags);
	if (pfn != PFN_NONE) {
		pageset_count_free(a, zone, &page_alloc_set(a, zone, req->cpu)->diff,
				   -(1 << req->order), 1, a->taken_type);
		page_alloc_mark(a, zone, pfn, req->order, req->type);
		if (a->rules.highatomic_past_pagesets && flags & ALLOC_RIGHTS)
			rmqueue_reserve(a, zone, pfn, req->order, flags);
	}
	return pfn;
}

static pfn_t take(struct page_alloc *a, uint32_t zone, const struct alloc_request *req,
		  uint32_t flags)
{
	pfn_t pfn = take_block(a, zone, req, flags);

	if (pfn == PFN_NONE)
		return pfn;
	if (a->rules.fair) {
		a->zones[zone].alloc_batch -= 1LL << req->order;
		a->zones[zone].fair_depleted |= a->zones[zone].alloc_batch <= 0;
	}
	if (flags & ALLOC_RIGHTS && !a->rules.highatomic_past_pagesets)
		rmqueue_reserve(a, zone, pfn, req->order, flags);
	return pfn;
}

/* Does @zone take turns for this request? */
static bool takes_turns(const struct page_alloc *a, const struct alloc_request *req, uint32_t zone)
{
	return a->buddy->zones[zone].type <= req->highest &&
	       (a->rules.fair == FAIR_ALL || is_local(a, req, zone));
}

/* After a fair pass: batches are filled again.  Is there another pass before the slow path? */
static bool end_fair_pass(struct page_alloc *a, const struct alloc_request *req)
{
	const uint32_t *row = a->rows + (size_t)(uint32_t)req->nid * a->row_room;
	bool skipped = false;

	for (uint32_t i = 0; i < a->row_length[req->nid]; i++)
		skipped |= takes_turns(a, req, row[i]) && a->zones[row[i]].fair_depleted;
	if (skipped || a->rules.fair != FAIR_LOCAL_THEN_ALL) {
		for (uint32_t i = 0; i < a->row_length[req->nid]; i++) {
			struct alloc_zone *z = &a->zones[row[i]];

			if (!takes_turns(a, req, row[i]))
				continue;
			z->fair_depleted = false;
			z->alloc_batch =
				(int64_t)(z->watermark[WMARK_HIGH] - z->watermark[WMARK_LOW]);
		}
	}
	return a->rules.fair == FAIR_LOCAL_THEN_ALL && (skipped || a->several_nodes);
}

/*
 * get_page_from_freelist(), and what its callers change when it finds nothing.  Not inlined: the common
 * case would save registers that only this needs.
 */
static __attribute__((noinline)) pfn_t get_from_zones(struct page_alloc *a,
						      const struct alloc_request *req,
						      uint32_t flags, uint32_t *zone_ret)
{
	if (a->rules.fair && (flags & ALLOC_WMARK_MASK) != WMARK_MIN)
		flags |= ALLOC_FAIR;
	for (;;) {
		uint32_t at = 0, zone;

		for (; (zone = next_zone(a, req, flags, &at)) != BUDDY_ZONE_NONE; at++) {
			pfn_t pfn = take(a, zone, req, flags);

			while (pfn == PFN_NONE && grow(a, zone))
				pfn = take(a, zone, req, flags);
			if (pfn == PFN_NONE)
				continue;
			if (zone_ret)
				*zone_ret = zone;
			return pfn;
		}
		if (flags & ALLOC_FAIR) {
			flags &= ~(uint32_t)ALLOC_FAIR;
			if (!end_fair_pass(a, req))
				flags &= ~(uint32_t)ALLOC_WMARK_MASK;
		} else if (flags & ALLOC_NOFRAGMENT) {
			flags &= ~(uint32_t)ALLOC_NOFRAGMENT;
		} else if ((flags & ALLOC_WMARK_MASK) != WMARK_MIN) {
			flags &= ~(uint32_t)ALLOC_WMARK_MASK;
			a->past_low++;
		} else {
			return PFN_NONE;
		}
	}
}

/* page_alloc_get() where the common case is not at hand; @first is the zone that the request prefers. */
static __attribute__((noinline)) pfn_t get_otherwise(struct page_alloc *a,
						     const struct alloc_request *req,
						     uint32_t first, uint32_t *zone_ret)
{
	uint32_t flags = req->flags;

	/* Those who begin with the lowest watermark are past the fast path, and its care for pageblocks. */
	if (a->zones[first].avoids_fragments && (flags & ALLOC_WMARK_MASK) != WMARK_MIN)
		flags |= ALLOC_NOFRAGMENT;
	return get_from_zones(a, req, flags, zone_ret);
}

/*
 * The end of page_alloc_get() for a block that page sets do not hold, from a zone that has plenty.  The common
 * case is that of rmqueue_buddy() where nobody is told and the lists of the type have a block.
 */
static __attribute__((noinline)) pfn_t get_past_sets(struct page_alloc *a,
						     const struct alloc_request *req, uint32_t zone,
						     uint32_t *zone_ret)
{
	struct buddy *b = a->buddy;
	uint32_t link;

	if (a->events || req->order == b->max_order ||
	    (a->rules.cma_balance && req->flags & ALLOC_CMA) ||
	    !list_take(b, &b->zones[zone], req->order, req->type, &link))
		return get_otherwise(a, req, zone, zone_ret);
	a->taken_type = req->type;
	pageset_count_free(a, zone, &page_alloc_set(a, zone, req->cpu)->diff, -(1 << req->order), 1,
			   req->type);
	b->entries[link] = held_make(req->order, req->type);
	if (zone_ret)
		*zone_ret = zone;
	return small_link_pfn(b, link);
}

/*
 * The common case: the first zone has plenty, by the mark that is asked about first, and the page set has what
 * is wanted.  It calls nothing but to end, so that it saves few registers.
 */
pfn_t page_alloc_get(struct page_alloc *a, const struct alloc_request *req, uint32_t *zone_ret)
{
	struct pageset *set;
	unsigned int index;
	uint32_t first;

	/* A negative number of a node is larger than any. */
	if ((uint32_t)req->nid >= a->node_count || req->cpu >= a->cpu_count ||
	    req->order > a->buddy->max_order)
		return PFN_NONE;
	first = preferred_zone(a, req);
	if (first == BUDDY_ZONE_NONE)
		return PFN_NONE;
	index = list_for(a, req);
	set = page_alloc_set(a, first, req->cpu);
	if ((req->flags & ALLOC_RIGHTS) | a->rules.fair ||
	    (index != PCP_LIST_NONE && !set->lists[index].count) || !has_plenty(a, req, first))
		return get_otherwise(a, req, first, zone_ret);
	if (index == PCP_LIST_NONE)
		return get_past_sets(a, req, first, zone_ret);
	if (zone_ret)
		*zone_ret = first;
	pageset_before_alloc(a, set);
	return take_head(a, set, index, req);
}

/* page_alloc_put() of a block that page sets do not hold. */
static __attribute__((noinline)) bool put_past_sets(struct page_alloc *a, uint32_t slot,
						    uint32_t cpu, pfn_t pfn, unsigned int order,
						    enum migratetype type)
{
	struct buddy *b = a->buddy;
	uint32_t zone = a->near.zone;

	pageset_count_free(a, zone, &page_alloc_set(a, zone, cpu)->diff, 1 << order, 1, type);
	if (order > b->pageblock_order)
		buddy_free(b, zone, pfn, order, BUDDY_PLACE_FREED);
	else
		free_in_slot(b, &b->zones[zone], slot, pfn, order, type, false);
	return true;
}

/* page_alloc_put() of a page that lies elsewhere than the last one. */
static __attribute__((noinline)) bool put_far(struct page_alloc *a, uint32_t cpu, pfn_t pfn,
					      unsigned int order)
{
	return order <= a->buddy->max_order && page_alloc_search_zone(a, pfn) != BUDDY_ZONE_NONE &&
	       page_alloc_put(a, cpu, pfn, order);
}

/* page_alloc_put() of a page in @slot that has no chunk yet. */
static __attribute__((noinline)) bool put_in_chunk(struct page_alloc *a, uint32_t slot,
						   uint32_t cpu, pfn_t pfn, unsigned int order)
{
	return !buddy_get_chunk(a->buddy, slot) || page_alloc_put(a, cpu, pfn, order);
}

/* The end of page_alloc_put() where the page set has too much, or is tuned. */
static __attribute__((noinline)) bool drain_freed(struct page_alloc *a, uint32_t zone,
						  struct pageset *set, unsigned int index)
{
	pageset_drain_freed(a, zone, set, index);
	return true;
}

bool page_alloc_put(struct page_alloc *a, uint32_t cpu, pfn_t pfn, unsigned int order)
{
	uint32_t zone = a->near.zone, slot;
	struct buddy *b = a->buddy;
	enum migratetype type;
	struct pageset *set;
	unsigned int index;

	if (order > b->max_order || pfn - a->near.start >= a->near.pages)
		return put_far(a, cpu, pfn, order);
	slot = near_slot(a, pfn);
	type = near_type(a, pfn);
	index = a->rules.list_of_freed[order][type];
	if (index == PCP_LIST_NONE)
		return put_past_sets(a, slot, cpu, pfn, order, type);
	if (b->slots[slot].chunk == CHUNK_NONE)
		return put_in_chunk(a, slot, cpu, pfn, order);
	set = page_alloc_set(a, zone, cpu);
	set->alloc_factor >>= 1;
	if (pageset_passes_on(a, set, order))
		return put_past_sets(a, slot, cpu, pfn, order, type);
	return !pageset_free_to(a, zone, set, index, order, type, pcp_link_at(b, slot, pfn)) ||
	       drain_freed(a, zone, set, index);
}

bool page_alloc_put_past(struct page_alloc *a, uint32_t cpu, pfn_t pfn, unsigned int order)
{
	uint32_t zone = order <= a->buddy->max_order ? page_alloc_zone_of(a, pfn) : BUDDY_ZONE_NONE;
	enum migratetype type;

	/* Before 6.0 page sets had no locks. */
	if (!a->rules.empty_tries_buddy)
		return page_alloc_put(a, cpu, pfn, order);
	if (zone == BUDDY_ZONE_NONE)
		return false;
	type = buddy_block_type(a->buddy, zone, pfn);
	pageset_count_free(a, zone, &page_alloc_set(a, zone, cpu)->diff, 1 << order, 1, type);
	if (!a->rules.bypass_keeps_type && type != MIGRATE_ISOLATE && type >= MIGRATE_HIGHATOMIC &&
	    a->rules.list_of_freed[order][type] != PCP_LIST_NONE)
		buddy_free_as(a->buddy, zone, pfn, order, MIGRATE_MOVABLE);
	else
		buddy_free(a->buddy, zone, pfn, order, BUDDY_PLACE_FREED);
	return true;
}

bool page_alloc_poison(struct page_alloc *a, pfn_t pfn)
{
	uint32_t zone = page_alloc_zone_of(a, pfn);
	struct buddy_block block;

	if (zone == BUDDY_ZONE_NONE || !buddy_find(a->buddy, zone, pfn, &block))
		return false;
	buddy_carve(a->buddy, zone, &block, pfn, 0, block.type);
	if (!a->rules.poison_counted && block.type != MIGRATE_ISOLATE)
		a->buddy->zones[zone].free_pages[block.type]++;
	return true;
}

void page_alloc_balance(struct page_alloc *a, int32_t nid)
{
	for (uint32_t zone = 0; zone < a->zone_count; zone++)
		if (a->buddy->zones[zone].nid == nid)
			a->zones[zone].boost = 0;
}

bool page_alloc_unreserve(struct page_alloc *a, const struct alloc_request *req, bool force)
{
	const uint32_t *row;

	if (!nid_within(req->nid, a->node_count))
		return false;
	row = a->rows + (size_t)(uint32_t)req->nid * a->row_room;
	for (uint32_t i = 0; i < a->row_length[req->nid]; i++)
		if (a->buddy->zones[row[i]].type <= req->highest &&
		    rmqueue_unreserve(a, row[i], req->type, force))
			return true;
	return false;
}
