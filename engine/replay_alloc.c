/* SPDX-License-Identifier: MIT */
/* Allocations: which page a request gets. */
#include <string.h>

#include "engine/pageset_list.h"
#include "engine/replay_parts.h"
#include "engine/rmqueue.h"

/*
 * Which zone's list gives the page, in a trace that tells when lists are filled: the one that was filled
 * for it just now, or else one that has pages.
 */
static uint32_t told_zone(struct replay_model *r, const struct alloc_request *req,
			  unsigned int index, uint32_t chosen, uint32_t filled)
{
	struct page_alloc *a = &r->alloc;

	if (filled != BUDDY_ZONE_NONE && page_alloc_set(a, filled, req->cpu)->lists[index].count)
		return filled;
	if (chosen != BUDDY_ZONE_NONE && page_alloc_set(a, chosen, req->cpu)->lists[index].count)
		return chosen;
	/* Where the trace begins late, lists have pages that are not known of. */
	if (!r->setup->from_boot)
		return chosen;
	for (uint32_t zone = a->zone_count; zone--;)
		if (a->buddy->zones[zone].type <= req->highest &&
		    page_alloc_set(a, zone, req->cpu)->lists[index].count)
			return zone;
	return chosen;
}

/*
 * Lists that were filled give ascending pages, lists of freed pages often descending ones, or every second
 * or fourth.
 */
static void note_neighbour(struct list_run *run, const struct event *e, uint32_t zone)
{
	int64_t size = (int64_t)1 << e->order;
	int64_t step = run->last == PFN_NONE ? 0 : (int64_t)(e->pfn - run->last);

	if (step && step == run->stride)
		run->step = step;
	else
		run->step = step == -size ? -size : size;
	run->stride = step <= STRIDE_MAX * size && step >= -STRIDE_MAX * size ? step : 0;
	run->last = e->pfn;
	run->zone = zone;
}

void replay_note_strange(struct replay_model *r, const struct event *e, unsigned int index,
			 uint32_t zone, bool strange)
{
	struct list_run *run = &r->cpus[e->cpu].runs[index];
	pfn_t head = pageset_head(&r->alloc, page_alloc_set(&r->alloc, zone, e->cpu), index);
	int64_t size = (int64_t)1 << e->order, step = (int64_t)(e->pfn - run->strange);

	if (!strange) {
		/* What comes and goes above them changes nothing; what lay below does. */
		if (run->strange_head == e->pfn || (run->strange_head == PFN_NONE && r->fresh))
			run->strange = PFN_NONE;
		return;
	}
	if (run->strange == PFN_NONE)
		run->strange_step = size;
	else if (step <= STRIDE_MAX * size && step >= -STRIDE_MAX * size)
		run->strange_step = step;
	run->strange = e->pfn;
	run->strange_head = head;
}

/*
 * The kernel's list has pages that the model knows nothing of, as shows by those that came: in a trace that
 * begins late they were freed before it, in others what was drained, or taken without an event, is not known
 * well.  They come in the order of their page frames mostly.
 *
 *	model	list [ h ... ]			requests got: a b		then: c
 *
 * PFN_NONE: the list is what the model thinks it is, for all that is known.
 */
static pfn_t next_strange(struct replay_model *r, const struct event *e, unsigned int index,
			  uint32_t zone, pfn_t head)
{
	const struct list_run *run = &r->cpus[e->cpu].runs[index];
	pfn_t next = run->strange + (pfn_t)run->strange_step;

	if (run->strange == PFN_NONE || run->strange_head != head || run->zone != zone ||
	    page_alloc_zone_of(&r->alloc, next) != zone)
		return PFN_NONE;
	/* Someone has it, as far as is known. */
	if (page_alloc_held_type(&r->alloc, zone, next) != MIGRATE_TYPE_COUNT)
		return PFN_NONE;
	return next;
}

void replay_on_alloc(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	struct alloc_request req = replay_request(r, e);
	unsigned int index = pageset_list(a, req.order, req.type);
	uint32_t zone, real;
	pfn_t predicted = PFN_NONE;
	enum replay_miss miss = REPLAY_HIT;
	struct pageset *set = NULL;
	/* flew, held: it is on no list by now, as far as is known. */
	bool flew = false, held = false, strange = false;
	bool told = r->setup->kinds >> EVENT_ZONE_LOCKED & 1;
	uint32_t filled;

	replay_commit_pending(r, e);
	filled = c->doing == DOING_REFILL && c->index == index ? c->zone : BUDDY_ZONE_NONE;
	if (filled < 64)
		r->filled[req.type] |= 1ULL << filled;
	replay_settle(r, e->cpu);
	if (e->pfn == PFN_NONE)
		return;
	real = page_alloc_zone_of(a, e->pfn);
	replay_learn_node(r, e, real);
	if (r->setup->bulk_stacks)
		replay_foresee_stack(r, e, filled != BUDDY_ZONE_NONE);
	predicted = replay_taken_before(r, e, index);
	if (predicted != PFN_NONE) {
		/* Back to the task that was preempted between its page and its event. */
		zone = real;
		flew = true;
	} else if (c->held != PFN_NONE && c->held_order == req.order) {
		predicted = c->held;
		held = true;
		c->held = PFN_NONE;
		zone = c->held_zone;
	} else {
		zone = replay_choose_zone(r, &req);
		/* Or else it would have been taken from the free lists. */
		if (index != PCP_LIST_NONE && replay_goes_past(r, e->cpu, e->pid))
			c->holder = -1;
		if (index != PCP_LIST_NONE && told)
			zone = told_zone(r, &req, index, zone, filled);
		if (zone != BUDDY_ZONE_NONE && index != PCP_LIST_NONE && told &&
		    !page_alloc_set(a, zone, e->cpu)->lists[index].count) {
			/* The list has pages from before the trace: likely neighbours of the last. */
			predicted = c->runs[index].last == PFN_NONE
					    ? PFN_NONE
					    : c->runs[index].last + (pfn_t)c->runs[index].step;
			flew = true;
		} else if (zone != BUDDY_ZONE_NONE && index != PCP_LIST_NONE) {
			set = page_alloc_set(a, zone, e->cpu);
			if (!c->tuned)
				pageset_before_alloc(a, set);
			if (!told)
				predicted = next_strange(r, e, index, zone,
							 pageset_head(a, set, index));
			strange = predicted != PFN_NONE;
			if (!strange && !set->lists[index].count)
				r->fresh = pageset_refill(a, zone, set, index, req.type, req.flags,
							  replay_refill_count(r, e->cpu, zone,
									      req.order));
			if (!strange)
				predicted = set->lists[index].count
						    ? pcp_link_pfn(a->buddy, set->lists[index].head)
						    : PFN_NONE;
		} else if (zone != BUDDY_ZONE_NONE) {
			predicted = rmqueue_buddy(a, zone, req.order, req.type, req.flags);
		}
	}
	c->tuned = false;
	c->last = e->pfn;
	c->last_order = e->order;
	if (index != PCP_LIST_NONE)
		note_neighbour(&c->runs[index], e, real);
	if (e->kind == EVENT_ALLOC && predicted == e->pfn && index == 0)
		c->stack_count = 0;
	if (index == 0) {
		c->returned = 0;
		c->returned_zone = BUDDY_ZONE_NONE;
	}
	if (predicted == e->pfn && real != BUDDY_ZONE_NONE) {
		tell(r, e, predicted, real, miss);
		if (strange) {
			/* Right as it is, the lists are not. */
			r->wrong = true;
			r->wrong_strange = false;
			r->wrong_zone = zone;
			return;
		}
		if (set && zone == real) {
			pageset_take(a, set, index, held_make(e->order, req.type));
		} else {
			if (set)
				pageset_pop(a, set, index);
			if (set || flew || held)
				replay_take_out(r, e->cpu, real, e->pfn, e->order);
			page_alloc_mark(a, real, e->pfn, e->order, req.type);
		}
		if (index != PCP_LIST_NONE)
			replay_note_strange(r, e, index, real, false);
		if (r->fresh || (set && c->runs[index].filled_right))
			replay_named_rightly(r, e, index);
		/* The list was empty, as was thought. */
		if (r->fresh)
			c->gone[index > 0].count = 0;
		if (r->setup->interruptible)
			replay_forget_run(r, e);
		replay_watch_fork(r, e);
		return;
	}
	if (!set && predicted != PFN_NONE && !flew)
		replay_free_again(r, e->cpu, zone, predicted, req.order, req.type);
	if (real == BUDDY_ZONE_NONE) {
		tell(r, e, predicted, real, REPLAY_MISS_OUTSIDE);
		return;
	}
	r->wrong = true;
	r->wrong_strange = strange;
	r->wrong_zone = zone;
	if (filled == BUDDY_ZONE_NONE)
		replay_learn_drift(r, &req, zone, real);
	miss = real != zone ? REPLAY_MISS_OTHER_ZONE : replay_explain(r, e, index, real);
	if (predicted == PFN_NONE)
		miss = REPLAY_MISS_EMPTY;
	tell(r, e, predicted, real, miss);
}

bool replay_model_would_refill(struct replay_model *r, const struct event *e)
{
	struct page_alloc *a = &r->alloc;
	struct alloc_request req;
	unsigned int index;
	uint32_t zone;

	if (e->kind != EVENT_ALLOC)
		return false;
	req = replay_request(r, e);
	index = pageset_list(a, req.order, req.type);
	if (index == PCP_LIST_NONE)
		return false;
	zone = replay_choose_zone(r, &req);
	return zone != BUDDY_ZONE_NONE && !page_alloc_set(a, zone, e->cpu)->lists[index].count;
}
