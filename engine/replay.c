/* SPDX-License-Identifier: MIT */
#include "engine/replay.h"

#include <stdlib.h>
#include <string.h>

#include "engine/handover_lists.h"
#include "engine/pageset.h"
#include "engine/rmqueue.h"
#include "engine/wmark.h"

/* A block whose free was announced (mm_page_free) and not yet carried out. */
struct announced {
	pfn_t pfn;
	uint8_t order;
};

/* What the CPU is in the middle of. */
enum doing { DOING_NOTHING, DOING_REFILL, DOING_BLOCK, DOING_DRAIN };

struct replay_cpu {
	enum doing doing;
	struct alloc_events expected; /* what the model did and the trace has not told yet */
	uint32_t at; /* next of it */
	/* The refill or drain at hand. */
	uint32_t zone;
	unsigned int index, order, done, wanted;
	enum migratetype type;
	bool tuned; /* the page set knows already of the allocation that is coming */
	/* A block taken past the page sets, until its mm_page_alloc. */
	pfn_t held;
	uint32_t held_zone;
	unsigned int held_order;
	enum migratetype held_type;
	pfn_t last_taken; /* of the last mm_page_alloc_zone_locked */
	/* The block allocated last, while nothing but its own pages was freed. */
	pfn_t last;
	unsigned int last_order;
	enum event_kind before; /* the CPU's last event */
	/* Frees that may yet turn out to be batched. */
	struct announced *frees;
	uint32_t free_count, free_room;
};

/* Page set sizes of a zone between two moments of the boot. */
struct stage_sizes {
	uint64_t batch, high, high_min, high_max;
};

enum { STAGES = 3 };

struct replay {
	struct page_alloc alloc;
	struct replay_options options;
	struct replay_stats stats;
	struct machine *booted;
	const struct machine *late;
	struct stage_sizes *sizes[STAGES]; /* by zone */
	unsigned int stage;
	struct replay_cpu *cpus;
	enum migratetype types[MIGRATE_TYPE_COUNT]; /* by the kernel's number */
	unsigned int free_rule;
	bool contiguous_runs, exact_to_tail;
	uint64_t index;
};

static const char *const miss_names[] = {
	"hit",
#define MISS(name, text, meaning) text,
#include "engine/replay_miss.def"
#undef MISS
};

const char *replay_miss_name(enum replay_miss miss)
{
	return miss_names[miss];
}

/* ---- life -------------------------------------------------------------------------------------- */

/* What the page sets hold when they are first sized, before anything deferred has joined. */
static void early_sizes(const struct machine *booted, const struct buddy_zone *bz,
			struct stage_sizes *ret)
{
	struct zone z = booted->nodes[bz->nid].zones[bz->type];

	z.managed = z.early_free;
	memset(z.watermark, 0, sizeof(z.watermark));
	pageset_size_zone(&z, 0, 1, 0, &booted->config, &booted->facts);
	*ret = (struct stage_sizes){ z.batch, z.high, z.high_min, z.high_max };
}

static void apply_stage(struct replay *r, unsigned int stage)
{
	r->stage = stage;
	for (uint32_t zone = 0; zone < r->alloc.zone_count; zone++) {
		const struct stage_sizes *s = &r->sizes[stage][zone];

		page_alloc_set_pagesets(&r->alloc, zone, s->batch, s->high, s->high_min,
					s->high_max);
	}
	if (stage == STAGES - 1)
		page_alloc_set_watermarks(&r->alloc, r->late->nodes);
}

struct replay *replay_create(struct machine *booted, const struct machine *late,
			     const struct replay_options *options)
{
	struct replay *r = calloc(1, sizeof(*r));
	uint32_t zones = booted->buddy->zone_count;

	if (!r)
		return NULL;
	r->options = *options;
	if (!r->options.kinds)
		r->options.kinds = UINT32_MAX;
	if (!r->options.cpu_count)
		r->options.cpu_count = 1;
	r->booted = booted;
	r->late = late;
	r->exact_to_tail = fact_get(&booted->facts, FACT_exact_leftovers_to_tail);
	r->free_rule = (unsigned int)fact_get(&booted->facts, FACT_free_batch_rule);
	r->contiguous_runs = fact_get(&booted->facts, FACT_free_contiguous_runs);
	page_alloc_init(&r->alloc, booted->buddy, &booted->config, &booted->facts, booted->nodes,
			booted->node_count, &late->zonelists, r->options.cpu_count);
	r->cpus = calloc(r->options.cpu_count, sizeof(*r->cpus));
	for (unsigned int s = 0; s < STAGES; s++)
		r->sizes[s] = calloc(zones + 1, sizeof(*r->sizes[s]));
	if (r->alloc.out_of_memory || !r->cpus || !r->sizes[0] || !r->sizes[1] || !r->sizes[2]) {
		replay_destroy(r);
		return NULL;
	}
	for (uint32_t cpu = 0; cpu < r->options.cpu_count; cpu++)
		r->cpus[cpu].held = PFN_NONE;
	for (unsigned int number = 0; number < MIGRATE_TYPE_COUNT; number++)
		r->types[number] = migratetype_at(number, &booted->config, &booted->facts);
	for (uint32_t zone = 0; zone < zones; zone++) {
		const struct buddy_zone *bz = &booted->buddy->zones[zone];
		const struct zone *z = &late->nodes[bz->nid].zones[bz->type];

		r->sizes[0][zone] = (struct stage_sizes){ 1, 0, 0, 0 };
		early_sizes(booted, bz, &r->sizes[1][zone]);
		r->sizes[2][zone] =
			(struct stage_sizes){ z->batch, z->high, z->high_min, z->high_max };
	}
	apply_stage(r, 0);
	return r;
}

void replay_destroy(struct replay *r)
{
	if (!r)
		return;
	for (uint32_t cpu = 0; r->cpus && cpu < r->options.cpu_count; cpu++) {
		free(r->cpus[cpu].expected.events);
		free(r->cpus[cpu].frees);
	}
	for (unsigned int s = 0; s < STAGES; s++)
		free(r->sizes[s]);
	free(r->cpus);
	page_alloc_deinit(&r->alloc);
	free(r);
}

const struct replay_stats *replay_stats(const struct replay *r)
{
	return &r->stats;
}

struct page_alloc *replay_alloc(struct replay *r)
{
	return &r->alloc;
}

/* ---- what was predicted ------------------------------------------------------------------------- */

static void tell(struct replay *r, const struct event *e, pfn_t predicted, uint32_t zone,
		 enum replay_miss miss)
{
	struct replay_prediction p = { e, r->index, predicted, zone, miss };

	r->stats.predicted[e->kind]++;
	r->stats.right[e->kind] += miss == REPLAY_HIT;
	r->stats.misses[e->kind][miss]++;
	if (r->options.predicted)
		r->options.predicted(r->options.ctx, &p);
}

static void expect_nothing(struct replay_cpu *c)
{
	c->expected.count = c->at = 0;
	c->doing = DOING_NOTHING;
}

/* Does the model's event stand for a block that was taken? */
static bool gives_page(const struct event *e)
{
	return e->kind == EVENT_ZONE_LOCKED || e->flags & EVENT_GIVES_PAGE;
}

static bool expects(const struct replay_cpu *c)
{
	return c->at < c->expected.count;
}

/* ---- what the model believed wrongly ------------------------------------------------------------ */

/* Takes the block at @pfn off whatever per-CPU list it is on. */
static enum replay_miss take_from_sets(struct replay *r, uint32_t cpu, uint32_t zone, pfn_t pfn,
				       unsigned int *order)
{
	struct page_alloc *a = &r->alloc;

	for (uint32_t i = 0; i < a->cpu_count; i++) {
		uint32_t at = i ? (i <= cpu ? i - 1 : i) : cpu, depth;
		struct pageset *set = page_alloc_set(a, zone, at);
		unsigned int index;

		if (!pageset_find(a, set, pfn, &index, &depth))
			continue;
		*order = pageset_list_order(a, index);
		pageset_remove(a, zone, set, index, pfn);
		return at == cpu ? REPLAY_MISS_OTHER_LIST : REPLAY_MISS_OTHER_CPU;
	}
	return REPLAY_MISS_UNTRACED;
}

/* A per-CPU block that begins before @pfn and holds it. */
static void take_larger(struct replay *r, uint32_t cpu, uint32_t zone, pfn_t pfn)
{
	static const unsigned int orders[] = { 1, 2, 3 };
	const struct page_alloc *a = &r->alloc;

	for (unsigned int i = 0; a->rules.high_orders && i < 4; i++) {
		unsigned int order = i < 3 ? orders[i] : a->rules.huge_order, size;
		pfn_t head;

		if (order > a->buddy->max_order)
			continue;
		head = round_down_to(pfn, 1ULL << order);
		if (head == pfn || !pageset_holds(&r->alloc, zone, head))
			continue;
		/* A smaller block may begin there as well. */
		for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
			if (pageset_list_order(a, index) < order)
				continue;
			for (uint32_t at = 0; at < a->cpu_count; at++) {
				struct pageset *set = page_alloc_set(&r->alloc, zone, at);
				unsigned int found;
				uint32_t depth;

				if (set->lists[index].count &&
				    pageset_find(a, set, head, &found, &depth) && found == index) {
					take_from_sets(r, cpu, zone, head, &size);
					return;
				}
			}
		}
	}
}

/* Makes 2^@order pages at @pfn no part of any list of the model.  Where was the first? */
static enum replay_miss take_out(struct replay *r, uint32_t cpu, uint32_t zone, pfn_t pfn,
				 unsigned int order)
{
	struct page_alloc *a = &r->alloc;
	enum replay_miss first = REPLAY_MISS_UNTRACED;
	pfn_t end = pfn + (1ULL << order);

	take_larger(r, cpu, zone, pfn);
	for (pfn_t at = pfn; at < end;) {
		enum replay_miss miss = REPLAY_MISS_UNTRACED;
		struct buddy_block block;
		unsigned int size = 0;

		if (pageset_holds(a, zone, at)) {
			miss = take_from_sets(r, cpu, zone, at, &size);
		} else if (buddy_find(a->buddy, zone, at, &block)) {
			size = block.order < order ? block.order : order;
			buddy_carve(a->buddy, zone, &block, at, size, block.type);
			miss = REPLAY_MISS_SPLIT;
		}
		if (at == pfn)
			first = miss;
		at += 1ULL << size;
	}
	return first;
}

/* Most blocks that are thought to be gone without a trace: before the trace began, and later. */
enum { UNTRACED_AT_START = 1 << 18, UNTRACED_LATER = 64 };

/*
 * Takes blocks like the kernel would until @pfn comes, if it comes soon: what came before it went
 * without an event.  Otherwise nothing changes.
 */
static bool catch_up(struct replay *r, uint32_t zone, const struct alloc_request *req, pfn_t pfn)
{
	struct page_alloc *a = &r->alloc;
	uint32_t limit = r->stage == 0 ? UNTRACED_AT_START : UNTRACED_LATER, count = 0;
	pfn_t *taken = malloc(limit * sizeof(*taken));
	enum rmqueue_mode mode = RMQUEUE_NORMAL;
	struct buddy_block block;
	bool found = false;

	while (taken && count < limit && buddy_find(a->buddy, zone, pfn, &block)) {
		pfn_t at = rmqueue_one(a, zone, req->order, req->type, req->flags, &mode);

		if (at == PFN_NONE)
			break;
		if (at == pfn) {
			found = true;
			break;
		}
		taken[count++] = at;
	}
	if (found)
		r->stats.silent += (uint64_t)count << req->order;
	else
		for (; count; count--)
			buddy_free_as(a->buddy, zone, taken[count - 1], req->order,
				      buddy_block_type(a->buddy, zone, taken[count - 1]));
	free(taken);
	return found;
}

/* The trace moved on while the model expected more of what it was doing. */
static void settle(struct replay *r, uint32_t cpu)
{
	struct replay_cpu *c = &r->cpus[cpu];
	struct page_alloc *a = &r->alloc;

	if (c->doing == DOING_REFILL && expects(c)) {
		uint32_t left = 0;

		for (uint32_t i = c->at; i < c->expected.count; i++)
			left += gives_page(&c->expected.events[i]);
		pageset_unrefill(a, c->zone, page_alloc_set(a, c->zone, cpu), c->index, left);
	} else if (c->doing == DOING_DRAIN && expects(c)) {
		struct pageset *set = page_alloc_set(a, c->zone, cpu);

		for (uint32_t i = c->expected.count; i-- > c->at;) {
			const struct event *e = &c->expected.events[i];
			struct buddy_block block;
			enum migratetype type = r->types[e->migratetype];
			unsigned int index = pageset_list(
				a, e->order, type < MIGRATE_HIGHATOMIC ? type : MIGRATE_MOVABLE);

			if (!buddy_find(a->buddy, c->zone, e->pfn, &block) ||
			    block.order < e->order)
				continue;
			buddy_carve(a->buddy, c->zone, &block, e->pfn, e->order, block.type);
			pageset_insert(a, c->zone, set, index, e->pfn, true);
		}
		/* More is kept than the model knew: the next sizes are in force. */
		if (r->stage + 1 < STAGES)
			apply_stage(r, r->stage + 1);
	}
	expect_nothing(c);
}

/* ---- frees ------------------------------------------------------------------------------------- */

static void commit_free(struct replay *r, uint32_t cpu, pfn_t pfn, unsigned int order)
{
	struct replay_cpu *c = &r->cpus[cpu];
	struct page_alloc *a = &r->alloc;
	uint32_t zone = page_alloc_zone_of(a, pfn);

	settle(r, cpu);
	if (zone == BUDDY_ZONE_NONE)
		return;
	take_out(r, cpu, zone, pfn, order);
	a->events = &c->expected;
	page_alloc_put(a, cpu, pfn, order);
	a->events = NULL;
	c->doing = DOING_DRAIN;
	c->zone = zone;
}

static void commit_announced(struct replay *r, uint32_t cpu, uint32_t count)
{
	struct replay_cpu *c = &r->cpus[cpu];

	for (uint32_t i = 0; i < count; i++)
		commit_free(r, cpu, c->frees[i].pfn, c->frees[i].order);
	memmove(c->frees, c->frees + count, (c->free_count - count) * sizeof(*c->frees));
	c->free_count -= count;
}

/*
 * Something else follows: frees that were only announced were no part of a batch.  While a batch is being
 * carried out, which drains and interrupts do not end, they are kept.
 */
static void commit_pending(struct replay *r, uint32_t cpu)
{
	struct replay_cpu *c = &r->cpus[cpu];

	if (c->before == EVENT_FREE)
		commit_announced(r, cpu, c->free_count);
}

static void on_free(struct replay *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	bool batchable = r->free_rule && r->options.kinds & 1u << EVENT_FREE_BATCHED &&
			 pageset_list(&r->alloc, e->order, MIGRATE_MOVABLE) != PCP_LIST_NONE;

	if (handover_lists_free_deferred(r->booted, e->pfn, e->order))
		return;
	if (r->exact_to_tail && !e->order && c->last != PFN_NONE && e->pfn > c->last &&
	    e->pfn < c->last + (1ULL << c->last_order)) {
		uint32_t zone = page_alloc_zone_of(&r->alloc, e->pfn);

		if (zone != BUDDY_ZONE_NONE)
			buddy_free(r->alloc.buddy, zone, e->pfn, 0, BUDDY_PLACE_TAIL);
		return;
	}
	if (!batchable || (r->free_rule == 1 && e->order)) {
		/* A list of pages is freed with nothing in between. */
		if (r->free_rule == 1)
			commit_announced(r, e->cpu, c->free_count);
		commit_free(r, e->cpu, e->pfn, e->order);
		return;
	}
	if (c->free_count == c->free_room) {
		uint32_t room = c->free_room ? c->free_room * 2 : 64;
		struct announced *grown = realloc(c->frees, room * sizeof(*grown));

		if (!grown)
			return;
		c->frees = grown;
		c->free_room = room;
	}
	c->frees[c->free_count++] = (struct announced){ e->pfn, e->order };
}

static void on_free_batched(struct replay *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	uint32_t i = 0;

	if (!r->free_rule)
		return;
	while (i < c->free_count && c->frees[i].pfn != e->pfn)
		i++;
	if (i == c->free_count)
		return;
	commit_announced(r, e->cpu, i + 1);
}

/* ---- allocations ------------------------------------------------------------------------------- */

static struct alloc_request request_of(const struct replay *r, const struct event *e)
{
	struct alloc_request req = { .cpu = e->cpu, .order = e->order };

	req.type = e->migratetype < MIGRATE_TYPE_COUNT ? r->types[e->migratetype]
						       : MIGRATE_UNMOVABLE;
	if (req.type == MIGRATE_CMA)
		req.type = MIGRATE_MOVABLE;
	req.flags = WMARK_LOW | (req.type == MIGRATE_MOVABLE ? ALLOC_CMA : 0);
	req.highest = req.type == MIGRATE_MOVABLE ? ZONE_MOVABLE : ZONE_NORMAL;
	return req;
}

static void start_refill(struct replay *r, uint32_t cpu, uint32_t zone, unsigned int index,
			 const struct alloc_request *req, unsigned int blocks)
{
	struct replay_cpu *c = &r->cpus[cpu];
	struct page_alloc *a = &r->alloc;

	c->expected.count = c->at = 0;
	c->doing = DOING_REFILL;
	c->zone = zone;
	c->index = index;
	c->order = req->order;
	c->type = req->type;
	a->events = &c->expected;
	pageset_refill(a, zone, page_alloc_set(a, zone, cpu), index, req->type, req->flags, blocks);
	a->events = NULL;
}

/* The first record of something: the model does it all now, as far as it knows. */
static void begin_taking(struct replay *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	struct alloc_request req = request_of(r, e);
	unsigned int index = pageset_list(a, req.order, req.type);
	uint32_t zone = page_alloc_choose_zone(a, &req);
	struct pageset *set;

	if (zone == BUDDY_ZONE_NONE)
		return;
	if (index == PCP_LIST_NONE) {
		c->doing = DOING_BLOCK;
		a->events = &c->expected;
		c->held = rmqueue_buddy(a, zone, req.order, req.type, req.flags);
		a->events = NULL;
		c->held_zone = zone;
		c->held_order = req.order;
		c->held_type = req.type;
		return;
	}
	set = page_alloc_set(a, zone, e->cpu);
	while (set->lists[index].count) {
		pageset_pop(a, set, index);
		r->stats.silent += 1ULL << req.order;
	}
	pageset_before_alloc(a, set);
	c->tuned = true;
	c->done = 0;
	c->wanted = pageset_refill_count(a, zone, set, req.order);
	start_refill(r, e->cpu, zone, index, &req, c->wanted);
}

/* A refill that goes on after the model thought it was over. */
static bool refill_goes_on(struct replay *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct alloc_request req = request_of(r, e);

	return c->doing == DOING_REFILL && !expects(c) && c->order == req.order &&
	       c->type == req.type;
}

static void on_taken(struct replay *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	uint32_t zone = page_alloc_zone_of(a, e->pfn);
	const struct event *want;
	enum replay_miss miss;
	struct alloc_request req;

	if (e->kind == EVENT_EXTFRAG &&
	    (r->alloc.rules.fallback < 3 ||
	     (c->before == EVENT_ZONE_LOCKED && c->last_taken == e->pfn)))
		return; /* tells how, not what */
	c->last_taken = e->pfn;
	commit_pending(r, e->cpu);
	if (c->doing == DOING_DRAIN)
		settle(r, e->cpu);
	if (refill_goes_on(r, e)) {
		/* Larger batches than thought; or pages are taken in bulk and the list is filled again. */
		req = request_of(r, e);
		if (r->stage + 1 < STAGES) {
			struct pageset *set = page_alloc_set(a, c->zone, e->cpu);
			unsigned int wanted;

			apply_stage(r, r->stage + 1);
			wanted = pageset_refill_count(a, c->zone, set, req.order);
			if (wanted > c->done) {
				c->wanted = wanted;
				start_refill(r, e->cpu, c->zone, c->index, &req, wanted - c->done);
			} else {
				begin_taking(r, e);
			}
		} else {
			begin_taking(r, e);
		}
	} else if (!expects(c)) {
		expect_nothing(c);
		begin_taking(r, e);
	}
	while (expects(c) && !gives_page(&c->expected.events[c->at]))
		c->at++;
	want = expects(c) ? &c->expected.events[c->at] : NULL;
	if (want && want->pfn == e->pfn) {
		c->at++;
		c->done++;
		tell(r, e, want->pfn, zone, REPLAY_HIT);
		return;
	}
	if (zone == BUDDY_ZONE_NONE) {
		tell(r, e, want ? want->pfn : PFN_NONE, zone, REPLAY_MISS_OUTSIDE);
		return;
	}
	/* Undo what was wrong, do what is right, and go on from there. */
	{
		pfn_t predicted = want ? want->pfn : PFN_NONE;
		unsigned int done = c->done, wanted = c->wanted;

		if (c->doing == DOING_BLOCK) {
			if (c->held != PFN_NONE)
				buddy_free_as(a->buddy, c->held_zone, c->held, c->held_order,
					      c->held_type);
			miss = take_out(r, e->cpu, zone, e->pfn, e->order);
			c->held = e->pfn;
			c->held_zone = zone;
			c->at = c->expected.count;
		} else {
			struct pageset *set = page_alloc_set(a, zone, e->cpu);
			unsigned int index = c->index;

			settle(r, e->cpu);
			req = request_of(r, e);
			if (catch_up(r, zone, &req, e->pfn))
				miss = REPLAY_MISS_SPLIT;
			else
				miss = take_out(r, e->cpu, zone, e->pfn, e->order);
			pageset_insert(a, zone, set, index, e->pfn, true);
			req = request_of(r, e);
			c->done = done + 1;
			c->wanted = wanted;
			if (wanted > done + 1)
				start_refill(r, e->cpu, zone, index, &req, wanted - done - 1);
			else {
				c->doing = DOING_REFILL;
				c->zone = zone;
			}
		}
		tell(r, e, predicted, zone, miss);
	}
}

static void on_alloc(struct replay *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	struct alloc_request req = request_of(r, e);
	unsigned int index = pageset_list(a, req.order, req.type);
	uint32_t zone, real;
	pfn_t predicted = PFN_NONE;
	enum replay_miss miss = REPLAY_HIT;
	struct pageset *set = NULL;

	commit_pending(r, e->cpu);
	settle(r, e->cpu);
	if (e->pfn == PFN_NONE)
		return;
	real = page_alloc_zone_of(a, e->pfn);
	if (c->held != PFN_NONE && c->held_order == req.order) {
		predicted = c->held;
		c->held = PFN_NONE;
		zone = c->held_zone;
	} else {
		zone = page_alloc_choose_zone(a, &req);
		if (zone != BUDDY_ZONE_NONE && index != PCP_LIST_NONE) {
			set = page_alloc_set(a, zone, e->cpu);
			if (!c->tuned)
				pageset_before_alloc(a, set);
			if (!set->lists[index].count)
				pageset_refill(a, zone, set, index, req.type, req.flags,
					       pageset_refill_count(a, zone, set, req.order));
			predicted = pageset_head(a, set, index);
		} else if (zone != BUDDY_ZONE_NONE) {
			predicted = rmqueue_buddy(a, zone, req.order, req.type, req.flags);
		}
	}
	c->tuned = false;
	c->last = e->pfn;
	c->last_order = e->order;
	if (predicted == e->pfn) {
		if (set)
			pageset_pop(a, set, index);
		page_alloc_mark(a, real, e->pfn, e->order, req.type);
		tell(r, e, predicted, real, miss);
		return;
	}
	if (real == BUDDY_ZONE_NONE) {
		tell(r, e, predicted, real, REPLAY_MISS_OUTSIDE);
		return;
	}
	if (!set && predicted != PFN_NONE)
		buddy_free_as(a->buddy, zone, predicted, req.order, req.type);
	{
		unsigned int at;
		uint32_t depth;

		if (set && real == zone && pageset_find(a, set, e->pfn, &at, &depth) &&
		    at == index) {
			while (depth--) {
				pageset_pop(a, set, index);
				r->stats.silent += 1ULL << req.order;
			}
			pageset_pop(a, set, index);
			miss = REPLAY_MISS_SILENT;
		} else {
			miss = take_out(r, e->cpu, real, e->pfn, e->order);
			if (predicted == PFN_NONE)
				miss = REPLAY_MISS_EMPTY;
			else if (real != zone)
				miss = REPLAY_MISS_OTHER_ZONE;
		}
	}
	page_alloc_mark(a, real, e->pfn, e->order, req.type);
	tell(r, e, predicted, real, miss);
}

static void on_drain(struct replay *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	uint32_t zone = page_alloc_zone_of(a, e->pfn);
	enum replay_miss miss;
	pfn_t predicted = PFN_NONE;

	commit_pending(r, e->cpu);
	if (c->doing == DOING_DRAIN && expects(c)) {
		predicted = c->expected.events[c->at].pfn;
		if (predicted == e->pfn) {
			c->at++;
			tell(r, e, predicted, zone, REPLAY_HIT);
			return;
		}
	}
	if (zone == BUDDY_ZONE_NONE) {
		tell(r, e, predicted, zone, REPLAY_MISS_OUTSIDE);
		return;
	}
	if (c->doing == DOING_DRAIN)
		expect_nothing(c);
	miss = predicted == PFN_NONE ? REPLAY_MISS_UNASKED
				     : take_out(r, e->cpu, zone, e->pfn, e->order);
	if (predicted == PFN_NONE)
		take_out(r, e->cpu, zone, e->pfn, e->order);
	buddy_free_as(a->buddy, zone, e->pfn, e->order,
		      e->migratetype < MIGRATE_TYPE_COUNT ? r->types[e->migratetype]
							  : MIGRATE_UNMOVABLE);
	tell(r, e, predicted, zone, miss);
}

void replay_event(struct replay *r, const struct event *e)
{
	if (r->options.kinds >> e->kind & 1 && e->cpu < r->options.cpu_count) {
		if (e->kind != EVENT_FREE)
			r->cpus[e->cpu].last = PFN_NONE;
		r->stats.events++;
		r->stats.kinds[e->kind]++;
		switch ((enum event_kind)e->kind) {
		case EVENT_ALLOC:
			on_alloc(r, e);
			break;
		case EVENT_FREE:
			on_free(r, e);
			break;
		case EVENT_FREE_BATCHED:
			on_free_batched(r, e);
			break;
		case EVENT_ZONE_LOCKED:
		case EVENT_EXTFRAG:
			on_taken(r, e);
			break;
		case EVENT_PCPU_DRAIN:
			on_drain(r, e);
			break;
		default:
			break;
		}
		r->cpus[e->cpu].before = (enum event_kind)e->kind;
	}
	r->index++;
}
