/* SPDX-License-Identifier: MIT */
/* Pages that leave the free lists: for a per-CPU list, or for a request itself. */
#include "engine/buddy_pending.h"
#include "engine/pageset.h"
#include "engine/replay_parts.h"
#include "engine/rmqueue.h"

struct alloc_request replay_request(const struct replay_model *r, const struct event *e)
{
	struct alloc_request req = { .cpu = e->cpu, .order = e->order };

	req.type = requested_type(r, e);
	/* Only mm_page_alloc tells what was asked for; the rest is taken for the usual of its type. */
	req.highest = req.type == MIGRATE_MOVABLE ? ZONE_MOVABLE : ZONE_NORMAL;
	req.nid = replay_node_of(r, e);
	if (e->kind == EVENT_ALLOC) {
		enum zone_type highest = gfp_zone(e->gfp, r->setup->config->zones_mask);

		if (highest != ZONE_TYPE_COUNT)
			req.highest = highest;
		req.thisnode = gfp_has(&r->setup->gfp, e->gfp, GFP_BIT_THISNODE);
	}
	req.flags = page_alloc_fast_flags(&r->alloc, &req);
	return req;
}

uint32_t replay_choose_zone(struct replay_model *r, const struct alloc_request *req)
{
	uint32_t zone = page_alloc_choose_zone(&r->alloc, req);
	struct alloc_request any;

	if (zone != BUDDY_ZONE_NONE)
		return zone;
	any = *req;
	any.flags |= ALLOC_NO_WATERMARKS;
	return page_alloc_choose_zone(&r->alloc, &any);
}

/* Most that per-CPU counters can hide: their thresholds are at most 125 pages. */
enum { DRIFT_MAX = 1000 };

/* The kernel passed over a zone, or did not, against the watermark: its counter is behind. */
void replay_learn_drift(struct replay_model *r, const struct alloc_request *req, uint32_t chosen,
			uint32_t real)
{
	struct page_alloc *a = &r->alloc;
	struct alloc_zone *z;
	enum watermark mark;
	uint32_t zone;
	int64_t margin, drift;

	if (chosen == BUDDY_ZONE_NONE || real == BUDDY_ZONE_NONE || chosen == real || req->order ||
	    a->buddy->zones[chosen].nid != a->buddy->zones[real].nid)
		return;
	/* Zones of a node are in ascending order of type. */
	zone = chosen > real ? chosen : real;
	z = &a->zones[zone];
	/* Where no zone has as much as the fast path asks for, the minimum decides. */
	mark = page_alloc_margin(a, chosen, req, WMARK_LOW) > 0 ? WMARK_LOW : WMARK_MIN;
	margin = z->drift + page_alloc_margin(a, zone, req, mark);
	/* What was learned before may have been over since: a boost, which kswapd ends. */
	drift = (margin > 0) == (chosen < real) ? 0 : margin - (chosen > real ? 0 : 1);
	/* Not enough was learned the last time: it may be as much more again. */
	if ((drift < z->drift && z->drift < 0) || (drift > z->drift && z->drift > 0))
		drift += drift - z->drift;
	/* What was allocated before a trace that begins late can be any amount. */
	if (!r->setup->from_boot || (drift <= DRIFT_MAX && drift >= -DRIFT_MAX))
		z->drift = drift;
}

/* What the model took is back.  A request for a low zone is never a movable one. */
static void learn_drift(struct replay_model *r, const struct alloc_request *req, uint32_t chosen,
			uint32_t real)
{
	if (req->type == MIGRATE_MOVABLE)
		replay_learn_drift(r, req, chosen, real);
}

static void start_refill(struct replay_model *r, uint32_t cpu, uint32_t zone, unsigned int index,
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

/* The next zone below @zone that the request may use and whose list is empty. */
static uint32_t next_empty(struct replay_model *r, const struct alloc_request *req,
			   unsigned int index, uint32_t zone)
{
	struct page_alloc *a = &r->alloc;

	while (zone--)
		if (a->buddy->zones[zone].type <= req->highest &&
		    !page_alloc_set(a, zone, req->cpu)->lists[index].count &&
		    page_alloc_zone_free(a, zone))
			return zone;
	return BUDDY_ZONE_NONE;
}

/*
 * Unmovable pages of HighMem are for page tables and vmalloc(), others not, and the event does not tell which.
 * Where the list of lowmem needs none and that of HighMem is empty, they are for that one.
 */
static bool is_for_highmem(struct replay_model *r, const struct alloc_request *req)
{
	struct page_alloc *a = &r->alloc;
	unsigned int index = pageset_list(a, req->order, req->type);
	uint32_t low, high;
	struct alloc_request other = *req;

	if (!(r->setup->config->zones_mask & 1u << ZONE_HIGHMEM) || index == PCP_LIST_NONE)
		return false;
	other.highest = ZONE_HIGHMEM;
	low = replay_choose_zone(r, req);
	high = replay_choose_zone(r, &other);
	return low != high && low != BUDDY_ZONE_NONE &&
	       page_alloc_set(a, low, req->cpu)->lists[index].count &&
	       !page_alloc_set(a, high, req->cpu)->lists[index].count;
}

/*
 * The first record of something: the model does it all now, as far as it knows.  @past: past the page sets,
 * whatever is wanted.  @on: a refill is over and the next one follows, of the same kind of request.
 */
static void begin_taking(struct replay_model *r, const struct event *e, bool past, bool on)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	struct alloc_request req = replay_request(r, e);
	unsigned int index = past ? PCP_LIST_NONE : pageset_list(a, req.order, req.type);
	struct pageset *set;
	uint32_t zone, old;

	if (req.highest == ZONE_NORMAL &&
	    (on ? a->buddy->zones[c->zone].type == ZONE_HIGHMEM : is_for_highmem(r, &req)))
		req.highest = ZONE_HIGHMEM;
	zone = replay_choose_zone(r, &req);
	c->rest_start = c->rest_end = 0;
	c->doing = index == PCP_LIST_NONE ? DOING_BLOCK : DOING_REFILL;
	c->zone = zone;
	c->index = index;
	c->order = req.order;
	c->type = req.type;
	c->done = c->wanted = 0;
	/* No zone has enough for it, and the page will come from one all the same. */
	if (zone == BUDDY_ZONE_NONE) {
		c->held = PFN_NONE;
		return;
	}
	if (index == PCP_LIST_NONE) {
		a->events = &c->expected;
		c->held = rmqueue_buddy(a, zone, req.order, req.type, req.flags);
		a->events = NULL;
		c->held_zone = zone;
		c->held_order = req.order;
		c->held_type = req.type;
		return;
	}
	set = page_alloc_set(a, zone, e->cpu);
	if (r->setup->from_boot && set->lists[index].count &&
	    (req.order || req.type != MIGRATE_UNMOVABLE)) {
		/* Its list needs no pages, and nobody takes such pages in bulk: it is for another zone. */
		uint32_t other = next_empty(r, &req, index, zone);

		if (other != BUDDY_ZONE_NONE) {
			zone = other;
			set = page_alloc_set(a, zone, e->cpu);
		}
	}
	/* What is on the list is gone by now, if it is this list that is filled. */
	old = set->lists[index].count;
	set->count -= old << req.order;
	pageset_before_alloc(a, set);
	c->tuned = true;
	c->done = 0;
	c->wanted = pageset_refill_count(a, zone, set, req.order);
	set->count += old << req.order;
	start_refill(r, e->cpu, zone, index, &req, c->wanted);
	if (zone != page_alloc_zone_of(a, e->pfn))
		return;
	if (!index) {
		c->filled_old = old;
		c->filled_zone = zone;
	}
	/* Should it be one refill that is larger than thought, they are not. */
	if (!index && old) {
		c->gone[0].count = 0;
		c->gone[0].zone = zone;
	}
	for (; old; old--) {
		pfn_t gone = pageset_pop(a, set, index);

		if (!index && c->gone[0].count < REPLAY_GONE_MAX)
			c->gone[0].pages[c->gone[0].count++] = gone;
		r->silent += 1ULL << req.order;
	}
}

/* A refill that goes on after the model thought it was over. */
static bool refill_goes_on(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];

	return c->doing == DOING_REFILL && !expects(c) && c->order == e->order &&
	       c->zone != BUDDY_ZONE_NONE && c->type == requested_type(r, e);
}

/* What goes on takes blocks of another order than @e: it was over, or the trace is not true. */
static bool is_of_another_order(const struct replay_cpu *c, const struct event *e)
{
	if (!expects(c))
		return false;
	return (c->doing == DOING_REFILL && c->order != e->order) ||
	       (c->doing == DOING_BLOCK && c->held_order != e->order);
}

static void give_up_taking(struct replay_model *r, uint32_t cpu)
{
	struct replay_cpu *c = &r->cpus[cpu];

	if (c->doing == DOING_BLOCK && c->held != PFN_NONE) {
		replay_free_again(r, cpu, c->held_zone, c->held, c->held_order, c->held_type);
		c->held = PFN_NONE;
	}
	replay_settle(r, cpu);
}

/* Most pages of a block that nobody is known to have, of which one was taken: 2^3. */
enum { REST_ORDER_MAX = 3 };

/* Is nothing known of any of 2^@order pages at @pfn: neither who has it, nor that it is free? */
static bool is_unaccounted(struct replay_model *r, uint32_t zone, pfn_t pfn, unsigned int order)
{
	struct page_alloc *a = &r->alloc;
	struct buddy_block block;

	/* Of memory that has not joined yet it is known. */
	if (buddy_pending_has(a->buddy, pfn, order))
		return false;
	for (pfn_t at = pfn; at < pfn + (1ULL << order); at++)
		if (page_alloc_zone_of(a, at) != zone || pageset_holds(a, zone, at) ||
		    page_alloc_held_type(a, zone, at) != MIGRATE_TYPE_COUNT ||
		    buddy_find(a->buddy, zone, at, &block))
			return false;
	return true;
}

/*
 * The kernel's list had the page of @e, which is free for no reason that is known.  Perhaps it came with others,
 * of which as little is known, and was the first of a block that was split:
 *
 *	taken [a]	perhaps free [b] [c d] [e f g h], and b is next
 */
static void loosen_rest(struct replay_model *r, const struct event *e, uint32_t zone)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct buddy *b = r->alloc.buddy;
	unsigned int order = e->order;

	c->rest_start = c->rest_end = e->pfn + (1ULL << order);
	c->rest_zone = zone;
	for (; order < REST_ORDER_MAX && !(e->pfn >> order & 1); order++) {
		pfn_t half = e->pfn + (1ULL << order);

		if (!is_unaccounted(r, zone, half, order))
			break;
		buddy_free_as(b, zone, half, order, type_of(r, e));
		c->rest_end = half + (1ULL << order);
	}
}

/* What was thought to come next of that did not: it is not free. */
static void withdraw_rest(struct replay_model *r, uint32_t cpu)
{
	struct replay_cpu *c = &r->cpus[cpu];
	struct buddy *b = r->alloc.buddy;
	struct buddy_block block;

	for (pfn_t at = c->rest_start; at < c->rest_end; at++)
		if (buddy_find(b, c->rest_zone, at, &block))
			buddy_carve(b, c->rest_zone, &block, at, 0, block.type);
	c->rest_start = c->rest_end = 0;
}

/*
 * Is it the first time that a list of that type is filled from the zone?  Then others were taken before, when
 * nothing was told yet; later nothing goes without an event.
 */
static bool is_first(const struct replay_model *r, uint32_t zone, enum migratetype type)
{
	return !r->setup->from_boot || zone >= 64 || !(r->filled[type] >> zone & 1);
}

/*
 * Does the page lie in the large free block that the kernel claims first?  Then somebody did, of whom nothing told, and
 * claimed all its pageblocks.
 */
static bool is_claimed_first(const struct replay_model *r, uint32_t zone, pfn_t pfn)
{
	const struct buddy *b = r->alloc.buddy;
	struct buddy_block block;

	return buddy_find(b, zone, pfn, &block) && block.order >= b->pageblock_order &&
	       buddy_head(b, zone, block.order, block.type) == block.pfn;
}

/*
 * Is the free block known in @zone that serves @e as a fallback?  The event that tells of it gives the page
 * itself, or comes before the one that does.
 */
static bool is_fallback(const struct replay_model *r, const struct event *e, uint32_t zone)
{
	const struct replay_cpu *c = &r->cpus[e->cpu];
	bool before = e->kind == EVENT_ZONE_LOCKED && c->before == EVENT_EXTFRAG &&
		      c->before_pfn == e->pfn;
	unsigned int order = before ? c->before_fallback_order : e->fallback_order;
	unsigned int type = before ? c->before_fallback_type : e->fallback_migratetype;
	struct buddy_block block;

	return (before || e->kind == EVENT_EXTFRAG) && type < MIGRATE_TYPE_COUNT &&
	       buddy_find(r->alloc.buddy, zone, e->pfn, &block) && block.pfn == e->pfn &&
	       block.order == order && block.type == r->setup->types[type];
}

/* Did the model claim pageblocks for the page it expects next? */
static bool has_claimed(const struct replay_cpu *c)
{
	return expects(c) && (c->expected.events[c->at].kind == EVENT_EXTFRAG ||
			      (c->at && c->expected.events[c->at - 1].kind == EVENT_EXTFRAG));
}

/*
 * Takes that block as the kernel does, whatever else the model has: a large one with all its pageblocks, and of a
 * small one a page.  False: the kernel claims what is free around it, and by the model's account would rather have
 * taken another.
 */
static bool fall_back(struct replay_model *r, const struct event *e, uint32_t zone,
		      const struct alloc_request *req)
{
	struct buddy *b = r->alloc.buddy;
	unsigned int flags = e->kind == EVENT_EXTFRAG ? e->flags
						      : r->cpus[e->cpu].before_fallback_flags;
	/* From 4.0 to 6.9 all of the block goes to the lists of who asked. */
	bool leaves_rest = r->alloc.rules.fallback >= FALLBACK_6_10 ||
			   r->alloc.rules.fallback == FALLBACK_2_6_24;
	enum rmqueue_mode mode = RMQUEUE_NORMAL;
	struct buddy_block block;
	pfn_t pfn;

	if (!buddy_find(b, zone, e->pfn, &block))
		return false;
	if (block.order >= b->pageblock_order) {
		buddy_set_block_types(b, zone, block.pfn, block.pfn + (1ULL << block.order),
				      req->type);
		buddy_carve(b, zone, &block, e->pfn, e->order, req->type);
		return true;
	}
	if (!(flags & EVENT_CHANGE_OWNERSHIP)) {
		buddy_carve(b, zone, &block, e->pfn, e->order,
			    leaves_rest ? block.type : req->type);
		return true;
	}
	buddy_move(b, zone, &block, block.type, false);
	pfn = rmqueue_one(&r->alloc, zone, e->order, req->type, req->flags, &mode);
	if (pfn != PFN_NONE && pfn != e->pfn)
		buddy_untake(b, zone, pfn, e->order, buddy_block_type(b, zone, pfn));
	return pfn == e->pfn;
}

/* Is @pfn in a smaller free block than @than?  Then it would have been taken first, if it were there. */
static bool is_smaller(const struct page_alloc *a, uint32_t zone, pfn_t pfn, pfn_t than)
{
	struct buddy_block block, larger;

	return buddy_find(a->buddy, zone, pfn, &block) &&
	       buddy_find(a->buddy, zone, than, &larger) && block.order < larger.order;
}

/*
 * What a refill had not given yet, and is back, began with the page of @e, as it was the turn of CMA areas, or not,
 * against expectation.  False: that does not explain it.
 */
static bool refill_in_turn(struct replay_model *r, const struct event *e,
			   const struct alloc_request *req, uint32_t zone, unsigned int wanted)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct pageset *set = page_alloc_set(&r->alloc, zone, e->cpu);
	struct stat_diff diff = set->diff;
	int64_t more = r->alloc.zones[zone].seen_more;

	if (!replay_turn_otherwise(r, e->cpu, zone, c->index, set->cma_fill.blocks,
				   replay_in_cma(r, zone, e->pfn)))
		return false;
	start_refill(r, e->cpu, zone, c->index, req, wanted - c->done);
	while (expects(c) && !gives_page(&c->expected.events[c->at]))
		c->at++;
	if (!expects(c) || c->expected.events[c->at].pfn != e->pfn) {
		replay_settle(r, e->cpu);
		set->diff = diff;
		r->alloc.zones[zone].seen_more = more;
		return false;
	}
	c->at++;
	c->done++;
	c->wanted = wanted;
	return true;
}

void replay_on_taken(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	uint32_t zone = page_alloc_zone_of(a, e->pfn);
	const struct event *want;
	enum replay_miss miss;
	struct alloc_request req;
	bool past, fallback, first, learn, other_claim;

	if (e->kind == EVENT_EXTFRAG) {
		c->before_fallback_order = e->fallback_order;
		c->before_fallback_type = e->fallback_migratetype;
		c->before_fallback_flags = e->flags;
	}
	if (e->kind == EVENT_EXTFRAG &&
	    (r->alloc.rules.fallback < FALLBACK_6_10 ||
	     (c->before == EVENT_ZONE_LOCKED && c->last_taken == e->pfn)))
		return; /* tells how, not what */
	c->last_taken = e->pfn;
	replay_commit_pending(r, e);
	past = replay_watch_taken(r, e);
	if (past && c->doing == DOING_DRAIN)
		expect_nothing(c); /* whoever has the page set locked will go on with it */
	else if (c->doing == DOING_DRAIN || (past && c->doing == DOING_REFILL))
		replay_settle(r, e->cpu);
	if (is_of_another_order(c, e))
		give_up_taking(r, e->cpu);
	if (refill_goes_on(r, e)) {
		/* Larger batches than thought; or pages are taken in bulk and the list is filled again. */
		req = replay_request(r, e);
		if (replay_model_has_next_stage(r)) {
			struct pageset *set = page_alloc_set(a, c->zone, e->cpu);
			unsigned int wanted;

			replay_model_next_stage(r);
			wanted = pageset_refill_count(a, c->zone, set, req.order);
			if (wanted > c->done) {
				c->wanted = wanted;
				start_refill(r, e->cpu, c->zone, c->index, &req, wanted - c->done);
			} else {
				begin_taking(r, e, past, true);
			}
		} else if (req.order || req.type != MIGRATE_UNMOVABLE) {
			/* Nobody takes such pages in bulk: the list gets more than was known. */
			c->wanted =
				c->done + pageset_refill_count(a, c->zone,
							       page_alloc_set(a, c->zone, e->cpu),
							       req.order);
			start_refill(r, e->cpu, c->zone, c->index, &req, c->wanted - c->done);
		} else {
			begin_taking(r, e, past, true);
		}
	} else if (!expects(c)) {
		expect_nothing(c);
		begin_taking(r, e, past, false);
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
	fallback = is_fallback(r, e, zone);
	/* The model thought of one, too, which did not happen. */
	other_claim = fallback && has_claimed(c);
	first = c->doing != DOING_BLOCK && r->setup->from_boot &&
		is_first(r, zone, type_of(r, e)) && is_claimed_first(r, zone, e->pfn);
	learn = c->before != EVENT_EXTFRAG && !fallback;
	/* Its pageblock gets the type with the others, as will be tried. */
	if (learn && !first)
		replay_learn_type(r, zone, e->pfn, type_of(r, e));
	req = replay_request(r, e);
	/* Undo what was wrong, do what is right, and go on from there. */
	{
		pfn_t predicted = want ? want->pfn : PFN_NONE;
		unsigned int done = c->done, wanted = c->wanted;

		if (c->doing == DOING_BLOCK) {
			if (c->held != PFN_NONE) {
				replay_free_again(r, e->cpu, c->held_zone, c->held, c->held_order,
						  c->held_type);
				if (c->held_zone != zone || other_claim)
					replay_undo_claims(r, e->cpu, c->held_zone);
			}
			learn_drift(r, &req, c->held_zone, zone);
			miss = fallback && fall_back(r, e, zone, &req)
				       ? REPLAY_MISS_SPLIT
				       : replay_take_out(r, e->cpu, zone, e->pfn, e->order);
			c->held = e->pfn;
			c->held_zone = zone;
			c->at = c->expected.count;
		} else {
			struct pageset *set = page_alloc_set(a, zone, e->cpu);
			unsigned int index = c->index;
			bool turned = want && c->zone == zone && !fallback &&
				      replay_in_cma(r, zone, want->pfn) !=
					      replay_in_cma(r, zone, e->pfn);

			/* For another zone's list, which holds another amount. */
			if (c->zone != zone && !done)
				wanted = pageset_refill_count(a, zone, set, e->order);

			if (c->zone != zone || other_claim)
				replay_settle_elsewhere(r, e->cpu);
			else
				replay_settle(r, e->cpu);
			if (turned && refill_in_turn(r, e, &req, zone, wanted)) {
				tell(r, e, predicted, zone, REPLAY_MISS_SPLIT);
				return;
			}
			learn_drift(r, &req, c->zone, zone);
			if (predicted != PFN_NONE && c->zone == zone &&
			    (!done || is_smaller(a, zone, predicted, e->pfn)) &&
			    replay_is_spared(&c->runs[index], predicted))
				replay_drop_spared(r, zone, predicted);
			if (predicted != PFN_NONE && predicted >= c->rest_start &&
			    predicted < c->rest_end)
				withdraw_rest(r, e->cpu);
			req = replay_request(r, e);
			if (is_first(r, zone, req.type) && replay_catch_up(r, zone, &req, e->pfn))
				miss = REPLAY_MISS_SPLIT;
			else {
				if (learn && first)
					replay_learn_type(r, zone, e->pfn, type_of(r, e));
				miss = fallback && fall_back(r, e, zone, &req)
					       ? REPLAY_MISS_SPLIT
					       : replay_take_out(r, e->cpu, zone, e->pfn, e->order);
			}
			if (miss == REPLAY_MISS_UNTRACED && wanted > done + 1)
				loosen_rest(r, e, zone);
			pageset_insert(a, zone, set, index, e->pfn, true);
			pageset_count_taken(a, zone, &set->diff, 1 << e->order, 1,
					    buddy_block_type(a->buddy, zone, e->pfn));
			req = replay_request(r, e);
			c->done = done + 1;
			c->wanted = wanted;
			if (wanted > done + 1)
				start_refill(r, e->cpu, zone, index, &req, wanted - done - 1);
			else {
				pageset_count_filled(a, zone, set);
				c->doing = DOING_REFILL;
				c->zone = zone;
			}
		}
		tell(r, e, predicted, zone, miss);
	}
}
