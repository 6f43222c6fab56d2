/* SPDX-License-Identifier: MIT */
/*
 * What is taken without an event: blocks before the trace began, pages allocated in bulk, the stacks of threads.
 * The model takes them like the kernel would, until the page comes that the trace tells of, and counts them as
 * silent.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/pageset_list.h"
#include "engine/replay_parts.h"
#include "engine/rmqueue.h"

/* Most blocks that are thought to be gone without a trace: before the trace began, and later. */
enum { UNTRACED_AT_START = 1 << 18, UNTRACED_LATER = 64 };

/*
 * Takes blocks like the kernel would until @pfn comes, if it comes soon: what came before it went
 * without an event.  Otherwise nothing changes.
 */
bool replay_catch_up(struct replay_model *r, uint32_t zone, const struct alloc_request *req,
		     pfn_t pfn)
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
	a->out_of_memory |= !taken;
	if (found && count <= REPLAY_LOST_MAX && !(r->setup->kinds >> EVENT_ZONE_LOCKED & 1)) {
		struct replay_cpu *c = &r->cpus[req->cpu];

		c->lost_count = count;
		c->lost_zone = zone;
		c->lost_index = pageset_list(a, req->order, req->type);
		memcpy(c->lost, taken, count * sizeof(*taken));
	}
	if (found)
		r->silent += (uint64_t)count << req->order;
	else
		for (; count; count--)
			buddy_untake(a->buddy, zone, taken[count - 1], req->order,
				     buddy_block_type(a->buddy, zone, taken[count - 1]));
	free(taken);
	return found;
}

/* Most pages that one bulk allocation takes without an event. */
enum { BULK_MAX = 2048 };

bool replay_bulk_until(struct replay_model *r, const struct event *e,
		       const struct alloc_request *req, unsigned int index, uint32_t zone)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);

	for (unsigned int i = 0; i <= BULK_MAX; i++) {
		if (!set->lists[index].count)
			pageset_refill(a, zone, set, index, req->type, req->flags,
				       replay_refill_count(r, e->cpu, zone, req->order));
		if (!set->lists[index].count || a->buddy->out_of_memory)
			return false;
		if (pageset_pop(a, set, index) == e->pfn)
			return true;
		r->silent += 1ULL << req->order;
	}
	return false;
}

/*
 * Fills list 0 like a bulk allocation until @pfn is on it, and takes what lies before it.  What has come
 * back since, @returned pages, was not on the list yet:
 *
 *	model		[ returned: c b a ][ x y ]		next free: d e f g
 *	then, really	[ x y ]  -> taken, filled: d e f g	and now: c b a, f g when e comes back
 */
static bool fill_until(struct replay_model *r, uint32_t cpu, uint32_t zone, pfn_t pfn,
		       unsigned int returned)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, cpu);
	struct alloc_request req = { .cpu = cpu,
				     .type = MIGRATE_UNMOVABLE,
				     .nid = a->buddy->zones[zone].nid,
				     .highest = a->buddy->zones[zone].type };
	/* The last of what has come back, and how much of it that is. */
	uint32_t kept = BUDDY_LIST_START, passed = 0;

	req.flags = page_alloc_fast_flags(a, &req);
	for (unsigned int taken = 0; taken <= BULK_MAX;) {
		uint32_t cursor = kept;
		unsigned int count;
		pfn_t at;

		if (!pageset_next(a, set, 0, &cursor, &at)) {
			set->count -= returned;
			count = replay_refill_count(r, cpu, zone, 0);
			set->count += returned;
			if (!pageset_refill(a, zone, set, 0, req.type, req.flags, count))
				return false;
		} else if (passed < returned) {
			kept = cursor;
			passed++;
		} else if (at == pfn) {
			return true;
		} else {
			pageset_remove(a, zone, set, 0, at);
			r->silent++;
			taken++;
		}
	}
	return false;
}

/* After so many looks in a row that were in vain, only one of so many is taken. */
enum { VAIN_MAX = 64 };

bool replay_reveal(struct replay_model *r, uint32_t cpu, uint32_t zone, pfn_t pfn,
		   unsigned int order)
{
	struct page_alloc *a = &r->alloc;
	struct replay_cpu *c = &r->cpus[cpu];
	struct pageset *set = page_alloc_set(a, zone, cpu);
	struct replay_model *trial;
	struct buddy_block block;
	unsigned int index;
	uint32_t depth;
	bool possible;

	if (!r->setup->alloc_bulk || order)
		return false;
	if (c->returned_zone != zone) {
		c->returned = 0;
		c->returned_zone = BUDDY_ZONE_NONE;
	}
	if (pageset_holds(a, zone, pfn)) {
		if (pageset_find(a, set, pfn, &index, &depth) && index == 0) {
			if (depth < c->returned)
				c->returned--;
			c->returned_zone = zone;
		}
		return c->returned_zone == zone;
	}
	if (r->thrifty || c->returned_zone != zone || set->lists[0].count > 2 * c->returned ||
	    !buddy_find(a->buddy, zone, pfn, &block))
		return c->returned_zone == zone;
	if (r->vain >= VAIN_MAX && ++r->vain % VAIN_MAX)
		return true;
	/* Only if it is among the next. */
	trial = replay_model_clone(r);
	possible = trial && fill_until(trial, cpu, zone, pfn, c->returned);
	a->out_of_memory |= !trial || replay_model_out_of_memory(trial);
	replay_model_destroy(trial);
	r->vain = possible ? 0 : r->vain + 1;
	if (possible) {
		fill_until(r, cpu, zone, pfn, c->returned);
		c->returned_zone = zone;
	}
	return c->returned_zone == zone;
}

bool replay_filled_untold(struct replay_model *r, const struct event *e,
			  const struct alloc_request *req, uint32_t zone)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu), before = *set;
	uint32_t count = pageset_refill_count(a, zone, set, 0), depth;
	unsigned int index;

	count = pageset_refill(a, zone, set, 0, req->type, req->flags, count);
	if (!pageset_find(a, set, e->pfn, &index, &depth) || index || depth != REPLAY_STACK_PAGES) {
		pageset_unrefill(a, zone, set, 0, count);
		set->high = before.high;
		set->alloc_factor = before.alloc_factor;
		return false;
	}
	r->silent += depth;
	while (pageset_pop(a, set, 0) != e->pfn)
		continue;
	return true;
}

/* A thread's stack is so many pages, taken in bulk; and how many stacks go by at most. */
enum { STACKS_MAX = 16 };

/*
 * Stacks were taken from the list of single unmovable pages, which was filled again by that, and so the
 * pages of other lists moved on:
 *
 *	model	[ list: a b c ] next free: d e f g ...		this request: d
 *	kernel	took a b c and then one of  d e f g		this request: h
 */
bool replay_stacks_until(struct replay_model *r, const struct event *e,
			 const struct alloc_request *req, unsigned int index, uint32_t zone)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);
	unsigned int blocks = r->fresh;
	enum rmqueue_mode mode = RMQUEUE_NORMAL;

	if (zone != r->wrong_zone || (index != PCP_LIST_NONE && !blocks) || index == 0)
		return false;
	if (blocks)
		pageset_unrefill(a, zone, set, index, blocks);
	for (unsigned int stack = 0, fills = 0; stack < STACKS_MAX && !fills; stack++) {
		for (unsigned int i = 0; i < REPLAY_STACK_PAGES; i++) {
			if (!set->lists[0].count) {
				fills++;
				pageset_refill(a, zone, set, 0, MIGRATE_UNMOVABLE, req->flags,
					       replay_refill_count(r, e->cpu, zone, 0));
			}
			if (!set->lists[0].count)
				return false;
			pageset_pop(a, set, 0);
			r->silent++;
		}
	}
	if (!blocks)
		return rmqueue_one(a, zone, req->order, req->type, req->flags, &mode) == e->pfn;
	pageset_refill(a, zone, set, index, req->type, req->flags, blocks);
	return set->lists[index].count && pageset_pop(a, set, index) == e->pfn;
}

void replay_model_take_stack(struct replay_model *r, const struct event *e)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, page_alloc_zone_of(a, e->pfn), e->cpu);

	for (unsigned int i = 0; i < REPLAY_STACK_PAGES && set->lists[0].count; i++) {
		pageset_pop(a, set, 0);
		r->silent++;
	}
}
