/* SPDX-License-Identifier: MIT */
/* What the model believed wrongly, and what the trace proves instead. */
#include <stdlib.h>

#include "engine/pageset_list.h"
#include "engine/replay_parts.h"
#include "engine/rmqueue.h"

void replay_learn_type(struct replay_model *r, uint32_t zone, pfn_t pfn, enum migratetype type)
{
	struct buddy *b = r->alloc.buddy;

	if ((r->setup->from_boot && !(r->setup->kinds >> EVENT_EXTFRAG & 1)) ||
	    type > MIGRATE_RECLAIMABLE || buddy_block_type(b, zone, pfn) == type ||
	    buddy_block_type(b, zone, pfn) > MIGRATE_RECLAIMABLE)
		return;
	buddy_move_block(b, zone, pfn, type, false);
	buddy_set_block_type(b, zone, pfn, type);
}

/* Most blocks that are moved behind the one which the kernel took. */
enum { PASSED_OVER_MAX = 8 };

/*
 * @pfn begins a free block, and the kernel took it before others of its order: those lie behind it, or are of
 * other lists.
 */
static bool put_behind(struct replay_model *r, uint32_t zone, const struct alloc_request *req,
		       pfn_t pfn)
{
	struct page_alloc *a = &r->alloc;
	struct buddy_block wanted, block;

	if (!buddy_find(a->buddy, zone, pfn, &wanted) || wanted.pfn != pfn)
		return false;
	for (unsigned int i = 0; i < PASSED_OVER_MAX; i++) {
		enum rmqueue_mode mode = RMQUEUE_NORMAL;
		pfn_t at = rmqueue_one(a, zone, req->order, req->type, req->flags, &mode);

		if (at == PFN_NONE || at == pfn)
			return at == pfn;
		buddy_untake(a->buddy, zone, at, req->order, buddy_block_type(a->buddy, zone, at));
		if (!buddy_find(a->buddy, zone, at, &block) || block.order != wanted.order ||
		    block.type != wanted.type)
			return false;
		buddy_move(a->buddy, zone, &block, block.type, true);
	}
	return false;
}

/*
 * A refill of list @index gave what the kernel did not take: it goes back, and starts again at @pfn.  False:
 * that would not have given @pfn.  Then the list is filled from what is free now, if it was filled just
 * before, and else stays as it was.
 */
static bool refill_again(struct replay_model *r, uint32_t cpu, uint32_t zone, unsigned int index,
			 const struct alloc_request *req, pfn_t pfn)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, cpu);
	unsigned int blocks = set->lists[index].count, count = 0;
	uint32_t cursor = BUDDY_LIST_START;
	pfn_t *kept = r->fresh ? NULL : malloc((blocks + 1) * sizeof(*kept));
	bool found;

	while (kept && pageset_next(a, set, index, &cursor, &kept[count]))
		count++;
	a->out_of_memory |= !r->fresh && !kept;
	pageset_unrefill(a, zone, set, index, blocks);
	/* What no kernel without bulk allocations takes in silence lies behind. */
	found = (!r->setup->alloc_bulk && put_behind(r, zone, req, pfn)) ||
		replay_catch_up(r, zone, req, pfn) || put_behind(r, zone, req, pfn);
	if (found && blocks)
		blocks--;
	if (found || r->fresh)
		pageset_refill(a, zone, set, index, req->type, req->flags, blocks);
	for (unsigned int i = 0; !found && i < count; i++) {
		replay_take_out(r, cpu, zone, kept[i], req->order);
		pageset_insert(a, zone, set, index, kept[i], true);
	}
	free(kept);
	return found;
}

/*
 * Another list was filled less far than thought, and so this one began where that one ends:
 *
 *	model	[ other: ... x y ]  [ this: z ... ]		the request got x
 *	kernel	[ other: ... ]  [ this: x y z ... ]
 *
 * False: that would not have given @pfn.
 */
static bool other_was_shorter(struct replay_model *r, uint32_t cpu, uint32_t zone,
			      unsigned int index, const struct alloc_request *req, pfn_t pfn)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, cpu);
	unsigned int blocks = set->lists[index].count, other;
	uint32_t depth;

	if (!pageset_find(a, set, pfn, &other, &depth) || other == index)
		return false;
	pageset_unrefill(a, zone, set, index, blocks);
	pageset_unrefill(a, zone, set, other, set->lists[other].count - depth);
	pageset_refill(a, zone, set, index, req->type, req->flags, blocks);
	return pageset_head(a, set, index) == pfn;
}

/* Where the page was by the model's account. */
enum replay_miss replay_explain(struct replay_model *r, const struct event *e, unsigned int index,
				uint32_t zone)
{
	struct page_alloc *a = &r->alloc;
	struct buddy_block block;
	unsigned int at;
	uint32_t depth;

	if (pageset_holds(a, zone, e->pfn)) {
		if (!pageset_find(a, page_alloc_set(a, zone, e->cpu), e->pfn, &at, &depth))
			return REPLAY_MISS_OTHER_CPU;
		return at == index ? REPLAY_MISS_SILENT : REPLAY_MISS_OTHER_LIST;
	}
	return buddy_find(a->buddy, zone, e->pfn, &block) ? REPLAY_MISS_SPLIT
							  : REPLAY_MISS_UNTRACED;
}

/* Misses, page behind page, after which the list is thought to have been filled with these. */
enum { CLIMB_LEAST = 2 };

static bool is_free(struct replay_model *r, uint32_t zone, pfn_t pfn, unsigned int order)
{
	for (pfn_t at = pfn; at < pfn + (1ULL << order); at++) {
		struct buddy_block block;

		if (page_alloc_zone_of(&r->alloc, at) != zone ||
		    (!pageset_holds(&r->alloc, zone, at) &&
		     !buddy_find(r->alloc.buddy, zone, at, &block)))
			return false;
	}
	return true;
}

/*
 * Page after page comes from where the model did not fill the list from: so nothing of what it has on the
 * list is there, and the list was filled with what follows.
 *
 *	model	[ d e f ... ]	requests got: a b	then: [ c ... ]
 */
static void fill_from(struct replay_model *r, const struct event *e,
		      const struct alloc_request *req, unsigned int index, uint32_t zone)
{
	struct page_alloc *a = &r->alloc;
	struct list_run *run = &r->cpus[e->cpu].runs[index];
	struct pageset *set = page_alloc_set(a, zone, e->cpu);
	unsigned int blocks = set->lists[index].count, size = 1u << req->order;
	pfn_t next = e->pfn + size;

	pageset_unrefill(a, zone, set, index, blocks);
	if (!run->climb_filled)
		blocks = replay_refill_count(r, e->cpu, zone, req->order);
	blocks = blocks > run->climbed ? blocks - run->climbed : 0;
	for (; blocks && is_free(r, zone, next, req->order); blocks--, next += size) {
		replay_take_out(r, e->cpu, zone, next, req->order);
		pageset_insert(a, zone, set, index, next, true);
	}
	pageset_refill(a, zone, set, index, req->type, req->flags, blocks);
}

/* Does the page of @e, which the model did not name, go on where the last such page was? */
static bool climbs(struct replay_model *r, const struct event *e, unsigned int index)
{
	struct list_run *run = &r->cpus[e->cpu].runs[index];

	if (e->pfn == run->climb_next) {
		run->climbed++;
	} else {
		run->climbed = 1;
		run->climb_filled = r->fresh;
	}
	run->climb_next = e->pfn + (1ULL << e->order);
	return run->climbed >= CLIMB_LEAST;
}

/* Most pages of a pageblock that are moved to where they were freed to. */
enum { MOVED_MAX = 1024 };

/* The pages of the pageblock of @pfn, which were freed to list @from, were freed to list @to. */
static void move_freed(struct replay_model *r, uint32_t zone, struct pageset *set,
		       unsigned int from, unsigned int to, pfn_t pfn)
{
	struct page_alloc *a = &r->alloc;
	uint32_t cursor = BUDDY_LIST_START, count = 0;
	pfn_t pages[MOVED_MAX], at;

	if (r->setup->from_boot)
		return;
	while (count < MOVED_MAX && pageset_next(a, set, from, &cursor, &at))
		if (!((at ^ pfn) >> a->buddy->pageblock_order))
			pages[count++] = at;
	while (count--) {
		pageset_remove(a, zone, set, from, pages[count]);
		pageset_insert(a, zone, set, to, pages[count], false);
	}
}

/*
 * A page of a list of another order: that list was drained, from its tail to this page at least, and what
 * went back was split, or merged.
 */
static void drained_through(struct replay_model *r, const struct event *e, uint32_t zone)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);
	unsigned int at;
	uint32_t depth;

	if (pageset_find(a, set, e->pfn, &at, &depth) && pageset_list_order(a, at) != e->order)
		pageset_unrefill(a, zone, set, at, set->lists[at].count - depth);
}

/*
 * Or else that page alone was not there, as one that was freed past the page set.  Not so if several of the list are of
 * the block of @e, which is too large for any list: they merged among the free blocks.
 */
static bool may_be_alone(struct replay_model *r, const struct event *e, uint32_t zone)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);
	unsigned int at;
	uint32_t depth;

	if (!pageset_holds(a, zone, e->pfn) || !pageset_find(a, set, e->pfn, &at, &depth) ||
	    pageset_list_order(a, at) == e->order || depth + 1 == set->lists[at].count)
		return false;
	if (pageset_list(a, e->order, requested_type(r, e)) != PCP_LIST_NONE)
		return true;
	for (pfn_t pfn = e->pfn + 1; pfn < e->pfn + (1ULL << e->order); pfn++)
		if (pageset_holds(a, zone, pfn))
			return false;
	return true;
}

/*
 * A page that was thought gone with others is handed out: it was not, and so those behind it were not.
 */
static void bring_back(struct replay_model *r, const struct event *e, unsigned int index,
		       uint32_t zone)
{
	struct replay_gone *g = &r->cpus[e->cpu].gone[index > 0];
	struct page_alloc *a = &r->alloc;
	unsigned int at = 0;

	while (at < g->count && g->pages[at] != e->pfn)
		at++;
	if (at == g->count || g->zone != zone || g->index != index)
		return;
	while (g->count > at + 1) {
		pfn_t pfn = g->pages[--g->count];

		if (is_free(r, zone, pfn, e->order) ||
		    page_alloc_held_type(a, zone, pfn) != MIGRATE_TYPE_COUNT)
			continue;
		replay_list_again(r, e->cpu, zone, index, pfn);
		r->silent -= 1ULL << e->order;
	}
	g->count = 0;
}

/*
 * A block that was thought to be taken before the list was filled is handed out: it came to the list, and so did those
 * behind it.
 */
static void find_again(struct replay_model *r, const struct event *e, unsigned int index,
		       uint32_t zone)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	unsigned int at = 0;

	while (at < c->lost_count && c->lost[at] != e->pfn)
		at++;
	if (at == c->lost_count || c->lost_zone != zone || c->lost_index != index)
		return;
	while (c->lost_count > at + 1) {
		pfn_t pfn = c->lost[--c->lost_count];

		if (is_free(r, zone, pfn, e->order) ||
		    page_alloc_held_type(a, zone, pfn) != MIGRATE_TYPE_COUNT)
			continue;
		replay_list_again(r, e->cpu, zone, index, pfn);
		r->silent -= 1ULL << e->order;
	}
	c->lost_count = at;
}

/* Times that a list's head is passed over until nobody believes in it. */
enum { PASSED_MAX = 2 };

/*
 * In a trace that begins late, a page comes off a list that nobody knew to be there.  It lay below those
 * that came to the list since; if that happens again and again, these are not there.
 */
static void pass_over(struct replay_model *r, const struct event *e, unsigned int index,
		      uint32_t zone)
{
	struct page_alloc *a = &r->alloc;
	struct list_run *run = &r->cpus[e->cpu].runs[index];
	struct pageset *set = page_alloc_set(a, zone, e->cpu);
	pfn_t head = pageset_head(a, set, index);

	if (r->setup->from_boot || head == PFN_NONE)
		return;
	run->passed = run->passed_head == head ? run->passed + 1 : 0;
	run->passed_head = head;
	if (run->passed < PASSED_MAX)
		return;
	while (set->lists[index].count) {
		pageset_pop(a, set, index);
		r->silent += 1ULL << e->order;
	}
}

bool replay_model_may_correct(struct replay_model *r, const struct event *e,
			      enum replay_correction how)
{
	struct page_alloc *a = &r->alloc;
	unsigned int index = pageset_list(a, e->order, requested_type(r, e)), at;
	uint32_t zone = page_alloc_zone_of(a, e->pfn), depth;
	const struct replay_cpu *c = &r->cpus[e->cpu];

	if (how == REPLAY_BY_STATE || zone == BUDDY_ZONE_NONE)
		return how == REPLAY_BY_STATE;
	if (how == REPLAY_BY_ALONE)
		return may_be_alone(r, e, zone);
	/* Nothing but areas of unmovable pages is allocated in bulk. */
	if (how == REPLAY_BY_BULK)
		return !r->setup->all_told && index != PCP_LIST_NONE && !e->order &&
		       requested_type(r, e) == MIGRATE_UNMOVABLE;
	if (zone != r->wrong_zone)
		return false;
	if (how == REPLAY_BY_ELSEWHERE)
		return replay_may_be_elsewhere(r, e, zone, index);
	if (how == REPLAY_BY_OTHER_CPU)
		return replay_may_end_elsewhere(r, e, zone, index);
	if (how == REPLAY_BY_END)
		return replay_may_end(r, e, zone, index);
	if (how == REPLAY_BY_DRAIN || how == REPLAY_BY_DRAINS)
		return replay_may_undrain(r, e, zone, index);
	if (how == REPLAY_BY_STACKS)
		return index != 0 && (index == PCP_LIST_NONE || r->fresh);
	/* It is on another list, or will be when a stack that was not taken has come back. */
	if (!r->fresh)
		return false;
	if (index == 0 && c->stack_count && e->pfn == c->stack[0])
		return true;
	return pageset_holds(a, zone, e->pfn) &&
	       pageset_find(a, page_alloc_set(a, zone, e->cpu), e->pfn, &at, &depth) && at != index;
}

/*
 * The smallest block that will do is taken first, and of a list the first.  So a block that would have been
 * taken again and again is not there:
 *
 *	model	free [ s ]  [ a b c d ... ]		the list was filled with a b, later with c d
 */
bool replay_is_spared(struct list_run *run, pfn_t pfn)
{
	run->spared_count = run->spared == pfn ? run->spared_count + 1 : 0;
	run->spared = pfn;
	return run->spared_count >= PASSED_MAX;
}

void replay_drop_spared(struct replay_model *r, uint32_t zone, pfn_t pfn)
{
	struct buddy *b = r->alloc.buddy;
	struct buddy_block block;

	if (!buddy_find(b, zone, pfn, &block))
		return;
	buddy_carve(b, zone, &block, block.pfn, block.order, block.type);
	r->silent += 1ULL << block.order;
}

/* The list that was filled just before was not filled with a block that is not there. */
static void drop_spared(struct replay_model *r, const struct event *e,
			const struct alloc_request *req, unsigned int index, uint32_t zone)
{
	struct page_alloc *a = &r->alloc;
	struct list_run *run = &r->cpus[e->cpu].runs[index];
	struct pageset *set = page_alloc_set(a, zone, e->cpu);
	pfn_t pfn = r->outcome.pfn;
	unsigned int blocks = r->fresh;

	if (!replay_is_spared(run, pfn))
		return;
	pageset_unrefill(a, zone, set, index, blocks);
	replay_drop_spared(r, zone, pfn);
	r->fresh = pageset_refill(a, zone, set, index, req->type, req->flags, blocks);
}

/* The page of @e is on no list any more. */
static bool finish(struct replay_model *r, const struct event *e, unsigned int index, uint32_t zone,
		   bool strange)
{
	r->cpus[e->cpu].last_pid = e->pid;
	page_alloc_mark(&r->alloc, zone, e->pfn, e->order, requested_type(r, e));
	if (index != PCP_LIST_NONE)
		replay_note_strange(r, e, index, zone, strange);
	if (r->setup->interruptible)
		replay_forget_run(r, e);
	replay_watch_fork(r, e);
	return true;
}

/* One of the pages that were not known by name was handed out. */
static void name_unknown(struct pageset *set, unsigned int order)
{
	uint32_t pages = 1u << order;

	if (set->unknown < pages)
		return;
	set->unknown -= pages;
	pcp_count_down(set, pages);
}

/*
 * The block at the head of a list is not there.  No event tells who has it, and so it was drained: it lies behind
 * what is known to be free.
 */
static void drain_head(struct replay_model *r, uint32_t zone, struct pageset *set,
		       unsigned int index)
{
	struct page_alloc *a = &r->alloc;
	struct buddy_block block;
	pfn_t pfn = pageset_pop(a, set, index);

	buddy_free_as(a->buddy, zone, pfn, pageset_list_order(a, index),
		      buddy_block_type(a->buddy, zone, pfn));
	if (buddy_find(a->buddy, zone, pfn, &block))
		buddy_move(a->buddy, zone, &block, block.type, true);
}

/*
 * What lies above the block at @pfn on its list is there, as nothing leaves a list untold, and so it lies behind: the
 * list was filled from free blocks in another order than the model has them in.
 *
 *	model	[ a b X c ]	kernel	[ X c a b ]
 */
static void pass_behind(struct replay_model *r, uint32_t zone, struct pageset *set,
			unsigned int index, pfn_t pfn)
{
	struct page_alloc *a = &r->alloc;

	while (pageset_head(a, set, index) != pfn)
		pageset_insert(a, zone, set, index, pageset_pop(a, set, index), true);
}

static bool correct(struct replay_model *r, const struct event *e, enum replay_correction how)
{
	struct page_alloc *a = &r->alloc;
	struct alloc_request req = replay_request(r, e);
	unsigned int index = pageset_list(a, req.order, req.type);
	uint32_t zone = page_alloc_zone_of(a, e->pfn);
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct pageset *set;
	struct buddy_block block;
	bool done = false, told = r->setup->kinds >> EVENT_ZONE_LOCKED & 1, strange = false;

	if (index == 0 && c->stack_count) {
		bool first = e->pfn == c->stack[0];

		if (first) {
			replay_give_stack_back(r, e->cpu);
			c->stacks_cached = 1;
			replay_stack_kept(r, e);
		}
		c->stack_count = 0;
	}
	/* A page that was thought gone comes a little later: tasks were preempted on their way. */
	if (e->pfn == c->skipped)
		r->swaps = true;

	r->wrong = r->blamed = false;
	if (zone == BUDDY_ZONE_NONE)
		return how == REPLAY_BY_STATE;
	if (how == REPLAY_BY_PAGE) {
		replay_take_out(r, e->cpu, zone, e->pfn, e->order);
		return finish(r, e, index, zone, true);
	}
	set = page_alloc_set(a, zone, e->cpu);
	if (how == REPLAY_BY_ALONE && !may_be_alone(r, e, zone))
		return false;
	if (r->wrong_strange && zone == r->wrong_zone) {
		/* What was strange is over, or goes on elsewhere: what would the list have been? */
		if (!set->lists[index].count)
			r->fresh = pageset_refill(a, zone, set, index, req.type, req.flags,
						  replay_refill_count(r, e->cpu, zone, req.order));
		if (pageset_head(a, set, index) == e->pfn) {
			if (how != REPLAY_BY_STATE)
				return false;
			pageset_pop(a, set, index);
			return finish(r, e, index, zone, false);
		}
	}
	if (!told && how == REPLAY_BY_STATE && index != PCP_LIST_NONE && r->fresh &&
	    zone == r->wrong_zone) {
		drop_spared(r, e, &req, index, zone);
		if (pageset_head(a, set, index) == e->pfn) {
			pageset_pop(a, set, index);
			return finish(r, e, index, zone, false);
		}
	}
	if (how == REPLAY_BY_BULK) {
		/* Nothing but areas of unmovable pages is allocated in bulk. */
		if (index == PCP_LIST_NONE || req.order || req.type != MIGRATE_UNMOVABLE ||
		    !replay_bulk_until(r, e, &req, index, zone))
			return false;
		done = true;
	} else if (how == REPLAY_BY_DRAIN || how == REPLAY_BY_DRAINS) {
		if (!replay_undrain(r, e, zone, index, how == REPLAY_BY_DRAINS))
			return false;
		done = true;
	} else if (how == REPLAY_BY_END) {
		if (!replay_end(r, e, &req, zone, index))
			return false;
		done = true;
	} else if (how == REPLAY_BY_ELSEWHERE) {
		if (!replay_drain_elsewhere(r, e, &req, zone, index))
			return false;
		done = true;
	} else if (how == REPLAY_BY_OTHER_CPU) {
		if (!replay_end_elsewhere(r, e, &req, zone, index))
			return false;
		done = true;
	} else if (how == REPLAY_BY_OTHER) {
		if (!r->fresh || r->wrong_zone != zone || !pageset_holds(a, zone, e->pfn) ||
		    !other_was_shorter(r, e->cpu, zone, index, &req, e->pfn))
			return false;
		pageset_pop(a, set, index);
		done = true;
	} else if (how == REPLAY_BY_STACKS) {
		if (!replay_stacks_until(r, e, &req, index, zone))
			return false;
		done = true;
	} else if (!told && index != PCP_LIST_NONE && zone == r->wrong_zone &&
		   replay_fill_in_turn(r, e, &req, zone, index)) {
		done = true;
	} else if (index != PCP_LIST_NONE && replay_blame_lock(r, e, zone, index)) {
		done = r->blamed = true;
	} else if (index != PCP_LIST_NONE &&
		   (pageset_holds(a, zone, e->pfn) || replay_release_held(r, e)) &&
		   pageset_holds(a, zone, e->pfn)) {
		unsigned int at;
		uint32_t depth;

		if (r->fresh && r->wrong_zone == zone) {
			/* The list was filled too early: what is missing went before. */
			done = refill_again(r, e->cpu, zone, index, &req, e->pfn);
		} else if (pageset_find(a, set, e->pfn, &at, &depth) && at == index) {
			bool bulk = !req.order && req.type == MIGRATE_UNMOVABLE &&
				    (!r->swaps || !(depth % REPLAY_STACK_PAGES));
			struct list_run *run = &c->runs[index];
			pfn_t head = pageset_head(a, set, index);

			/* A page that is passed over again and again is not there. */
			run->passed = run->passed_head == head ? run->passed + 1 : 0;
			run->passed_head = head;
			bulk |= run->passed >= 2;

			if (!depth) {
				pageset_pop(a, set, index);
			} else if (replay_blame_switch(r, e, zone, index, depth)) {
				run->passed = 0;
				run->passed_head = PFN_NONE;
			} else if (!told && r->setup->all_told) {
				pass_behind(r, zone, set, index, e->pfn);
				pageset_pop(a, set, index);
			} else if (!bulk &&
				   (told || r->setup->preemptible || depth > REPLAY_SWAP_DEPTH)) {
				/* It was taken before the pages above it were freed. */
				pageset_remove(a, zone, set, index, e->pfn);
			} else if (!bulk) {
				for (; depth; depth--)
					drain_head(r, zone, set, index);
				pageset_pop(a, set, index);
			} else {
				c->skipped = pageset_head(a, set, index);
				if (index == 0 && depth == REPLAY_STACK_PAGES) {
					c->stacks_cached = 0;
					/*
					 * Page tables come behind the directory.  Where nothing tells
					 * of lists, other things look like that, too.
					 */
					if (told && !gfp_has(&r->setup->gfp, e->gfp, GFP_BIT_ZERO))
						c->stack_pid = e->pid;
				}
				if (!index)
					replay_stack_seen(r, e);
				c->gone[index > 0].count = 0;
				c->gone[index > 0].index = index;
				c->gone[index > 0].zone = zone;
				for (; depth; depth--) {
					struct replay_gone *g = &c->gone[index > 0];
					pfn_t gone = pageset_pop(a, set, index);

					if (g->count < REPLAY_GONE_MAX)
						g->pages[g->count++] = gone;
					r->silent += 1ULL << req.order;
				}
				pageset_pop(a, set, index);
			}
			done = true;
		}
	} else if (told && !index && req.type == MIGRATE_UNMOVABLE && r->setup->from_boot &&
		   zone == r->wrong_zone && buddy_find(a->buddy, zone, e->pfn, &block)) {
		done = replay_filled_untold(r, e, &req, zone);
	} else if (!told && buddy_find(a->buddy, zone, e->pfn, &block)) {
		/* It has blocks of that type, and took none of another for it. */
		if (block.type != req.type && block.type <= MIGRATE_RECLAIMABLE &&
		    a->buddy->zones[zone].free_pages[req.type])
			replay_learn_type(r, zone, e->pfn, req.type);
		done = index != PCP_LIST_NONE ? refill_again(r, e->cpu, zone, index, &req, e->pfn)
					      : replay_catch_up(r, zone, &req, e->pfn);
	}
	if (!done && !told && how != REPLAY_BY_ALONE && pageset_holds(a, zone, e->pfn))
		drained_through(r, e, zone);
	if (!done) {
		unsigned int at;
		uint32_t depth;

		if (index != PCP_LIST_NONE && pageset_holds(a, zone, e->pfn) &&
		    pageset_find(a, set, e->pfn, &at, &depth) && at != index &&
		    pageset_list_order(a, at) == e->order) {
			replay_learn_type(r, zone, e->pfn, req.type);
			move_freed(r, zone, set, at, index, e->pfn);
		}
	}
	if (!done) {
		enum replay_miss was = replay_take_out(r, e->cpu, zone, e->pfn, e->order);

		if (was == REPLAY_MISS_UNTRACED && index != PCP_LIST_NONE)
			name_unknown(set, e->order);
		/* What the list was filled with just now is not on it. */
		if (!told && r->fresh && was == REPLAY_MISS_UNTRACED && r->wrong_zone == zone)
			pageset_unrefill(a, zone, set, index, r->fresh);
		strange = true;
		if (index != PCP_LIST_NONE && was == REPLAY_MISS_UNTRACED)
			bring_back(r, e, index, zone);
		if (index != PCP_LIST_NONE && was == REPLAY_MISS_UNTRACED)
			find_again(r, e, index, zone);
		if (index != PCP_LIST_NONE && was == REPLAY_MISS_UNTRACED && told)
			pass_over(r, e, index, zone);
		if (index != PCP_LIST_NONE && !told && was != REPLAY_MISS_UNTRACED &&
		    climbs(r, e, index)) {
			fill_from(r, e, &req, index, zone);
			c->runs[index].climbed = 0;
		}
	}
	return finish(r, e, index, zone, strange);
}

bool replay_model_correct(struct replay_model *r, const struct event *e, enum replay_correction how)
{
	bool done;

	/* Lists that miss something are not gone through any more. */
	if (replay_model_out_of_memory(r))
		return false;
	/* What is tried here may be wrong, and says nothing of when high marks sink. */
	r->phases.correcting = true;
	done = correct(r, e, how);
	r->phases.correcting = false;
	return done;
}
