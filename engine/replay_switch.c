/* SPDX-License-Identifier: MIT */
/*
 * Tasks that lose the CPU in the middle of an allocation or a free, and interrupts that come in the middle
 * of one.  No event tells of either; the order of pages does:
 *
 *	allocation	list [ a b c ]	task 1 takes a and loses the CPU	task 2: b c	task 1: a
 *	batch of frees	task 1 announces x y and loses the CPU; the list gets them when it is back
 *	interrupt	the page set is locked: what is freed goes past it
 *	PREEMPT_RT	a task loses the CPU while it has the page set locked: what others allocate and free goes
 *			past it until that task goes on
 */
#include <string.h>

#include "engine/pageset.h"
#include "engine/replay_parts.h"

static struct replay_away *away_of(struct replay_cpu *c, int32_t pid)
{
	for (unsigned int i = 0; i < REPLAY_AWAY; i++)
		if (c->away[i].pid == pid)
			return &c->away[i];
	return NULL;
}

/* What was announced and held back goes to the lists. */
static void release(struct replay_model *r, uint32_t cpu, struct replay_away *w)
{
	for (unsigned int i = 0; i < w->held; i++) {
		uint32_t zone = page_alloc_zone_of(&r->alloc, w->frees[i].pfn);

		if (zone == BUDDY_ZONE_NONE)
			continue;
		replay_take_out(r, cpu, zone, w->frees[i].pfn, w->frees[i].order);
		page_alloc_put(&r->alloc, cpu, w->frees[i].pfn, w->frees[i].order);
	}
	w->held = 0;
}

/* What the next allocations of @cpu take from its lists, as far as it is known of which zones' page sets. */
static void note_heads(struct replay_model *r, uint32_t cpu, pfn_t heads[PCP_LISTS_MAX])
{
	const struct list_run *runs = r->cpus[cpu].runs;

	for (unsigned int i = 0; i < PCP_LISTS_MAX; i++)
		heads[i] = runs[i].zone == BUDDY_ZONE_NONE
				   ? PFN_NONE
				   : pageset_head(&r->alloc,
						  page_alloc_set(&r->alloc, runs[i].zone, cpu), i);
}

/* The task of the CPU's last event is not the one of @e. */
static void leave(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct replay_away *w = away_of(c, c->last_pid);

	if (!w) {
		w = &c->away[c->away_next++ % REPLAY_AWAY];
		if (w->pid >= 0)
			release(r, e->cpu, w);
		c->away_pages -= w->page != PFN_NONE;
	}
	*w = (struct replay_away){ .pid = c->last_pid,
				   .page = w->pid == c->last_pid ? w->page : PFN_NONE,
				   .index = w->index };
	note_heads(r, e->cpu, w->heads);
	memcpy(w->frees, c->trail + c->trail_first, c->trail_count * sizeof(*w->frees));
	w->count = c->trail_count;
}

/* @w is back; if others freed to the list that its last page went to, it may have waited. */
static void remember_late(struct replay_model *r, uint32_t cpu, const struct replay_away *w)
{
	struct replay_cpu *c = &r->cpus[cpu];
	struct replay_late *l = &c->late[c->late_next % REPLAY_LATE];
	pfn_t last = w->count ? w->frees[w->count - 1].pfn : PFN_NONE;
	uint32_t zone = w->count ? page_alloc_zone_of(&r->alloc, last) : BUDDY_ZONE_NONE, depth;
	unsigned int index;

	if (zone == BUDDY_ZONE_NONE || !pageset_holds(&r->alloc, zone, last) ||
	    !pageset_find(&r->alloc, page_alloc_set(&r->alloc, zone, cpu), last, &index, &depth) ||
	    !depth)
		return;
	c->late_next++;
	memcpy(l->frees, w->frees, w->count * sizeof(*w->frees));
	l->count = w->count;
	l->below = PFN_NONE;
	note_heads(r, cpu, l->heads);
}

void replay_watch_switch(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct replay_away *w;

	replay_commit_unbatched(r, e->cpu, c->last_pid);
	replay_commit_pending(r, e);
	leave(r, e);
	c->trail_count = 0;
	w = away_of(c, e->pid);
	if (!w)
		return;
	remember_late(r, e->cpu, w);
	release(r, e->cpu, w);
}

void replay_trail(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];

	if (e->context & EVENT_CONTEXT_INTERRUPT)
		return;
	if (e->kind != EVENT_FREE) {
		c->trail_first = c->trail_count = 0;
		return;
	}
	if (c->trail_count == REPLAY_BATCH) {
		c->trail_first++;
		c->trail_count--;
	}
	if (c->trail_first + c->trail_count == 2 * REPLAY_BATCH) {
		memmove(c->trail, c->trail + c->trail_first, c->trail_count * sizeof(*c->trail));
		c->trail_first = 0;
	}
	c->trail[c->trail_first + c->trail_count++] = (struct replay_freed){ e->pfn, e->order };
}

pfn_t replay_taken_before(struct replay_model *r, const struct event *e, unsigned int index)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct replay_away *w = c->away_pages ? away_of(c, e->pid) : NULL;
	pfn_t page;

	if (index == PCP_LIST_NONE || !w || w->page == PFN_NONE || w->index != index)
		return PFN_NONE;
	page = w->page;
	w->page = PFN_NONE;
	c->away_pages--;
	return page;
}

/* Was the page of @e, which lies below others, taken before these were freed? */
static bool returned_with(struct replay_model *r, const struct event *e, unsigned int index)
{
	struct replay_away *w = away_of(&r->cpus[e->cpu], e->pid);

	if (!w || w->heads[index] != e->pfn)
		return false;
	w->heads[index] = PFN_NONE;
	return true;
}

/*
 * Can what @w announced, from number @from on, wait for it?  All of it is on lists then by the model's account, as
 * what waits for its task is handed to nobody; and on list @index lie those @found at its head alone, as what was
 * freed later would lie above them.
 */
static bool can_wait(struct replay_model *r, uint32_t cpu, const struct replay_away *w,
		     uint32_t from, uint32_t found, unsigned int index)
{
	struct page_alloc *a = &r->alloc;
	uint32_t here = 0;

	for (uint32_t k = from; k < w->count; k++) {
		uint32_t zone = page_alloc_zone_of(a, w->frees[k].pfn), depth;
		unsigned int on;

		if (zone == BUDDY_ZONE_NONE || !pageset_holds(a, zone, w->frees[k].pfn) ||
		    !pageset_find(a, page_alloc_set(a, zone, cpu), w->frees[k].pfn, &on, &depth))
			return false;
		here += on == index;
	}
	return here == found;
}

/* Are the first @depth pages of a list the last that some task announced?  Then these wait. */
static bool hold_back(struct replay_model *r, const struct event *e, uint32_t zone,
		      unsigned int index, uint32_t depth)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);

	for (unsigned int i = 0; i < REPLAY_AWAY; i++) {
		struct replay_away *w = &c->away[i];
		uint32_t cursor = BUDDY_LIST_START, at = w->count, found = 0;
		pfn_t pfn;

		if (w->pid < 0 || w->pid == e->pid || w->held || !w->count)
			continue;
		while (found < depth && pageset_next(a, set, index, &cursor, &pfn)) {
			while (at && w->frees[at - 1].pfn != pfn && w->frees[at - 1].pfn != e->pfn)
				at--;
			if (!at || w->frees[at - 1].pfn == e->pfn)
				break;
			at--;
			found++;
		}
		if (!depth || found < depth || !can_wait(r, e->cpu, w, at, found, index))
			continue;
		w->held = w->count - at;
		memmove(w->frees, w->frees + at, w->held * sizeof(*w->frees));
		w->count = 0;
		for (unsigned int k = 0; k < w->held; k++) {
			unsigned int on;
			uint32_t deep;
			uint32_t of = page_alloc_zone_of(a, w->frees[k].pfn);

			if (of != BUDDY_ZONE_NONE && pageset_holds(a, of, w->frees[k].pfn) &&
			    pageset_find(a, page_alloc_set(a, of, e->cpu), w->frees[k].pfn, &on,
					 &deep))
				pageset_remove(a, of, page_alloc_set(a, of, e->cpu), on,
					       w->frees[k].pfn);
		}
		return true;
	}
	return false;
}

/* Were the first @depth pages of a list taken by tasks that lost the CPU then? */
static bool hold_taken(struct replay_model *r, const struct event *e, uint32_t zone,
		       unsigned int index, uint32_t depth)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);
	struct replay_away *owners[REPLAY_SWAP_DEPTH];
	uint32_t cursor = BUDDY_LIST_START;
	pfn_t pfn;

	if (depth > REPLAY_SWAP_DEPTH)
		return false;
	for (uint32_t k = 0; k < depth; k++) {
		struct replay_away *owner = NULL;

		if (!pageset_next(a, set, index, &cursor, &pfn))
			return false;
		for (unsigned int i = 0; i < REPLAY_AWAY && !owner; i++)
			if (c->away[i].pid >= 0 && c->away[i].pid != e->pid &&
			    c->away[i].heads[index] == pfn)
				owner = &c->away[i];
		if (!owner || owner->page != PFN_NONE)
			return false;
		owners[k] = owner;
	}
	for (uint32_t k = 0; k < depth; k++) {
		owners[k]->page = pageset_pop(a, set, index);
		c->away_pages++;
		owners[k]->index = (uint8_t)index;
	}
	return true;
}

/* Which of what @l remembers is @pfn?  count: none. */
static unsigned int late_at(const struct replay_late *l, pfn_t pfn)
{
	unsigned int at = 0;

	while (at < l->count && l->frees[at].pfn != pfn)
		at++;
	return at;
}

/* The page on list @index right above @pfn, which lies @depth pages deep. */
static pfn_t above(const struct page_alloc *a, const struct pageset *set, unsigned int index,
		   uint32_t depth)
{
	uint32_t cursor = BUDDY_LIST_START;
	pfn_t pfn = PFN_NONE;

	while (depth-- && pageset_next(a, set, index, &cursor, &pfn))
		continue;
	return pfn;
}

/*
 * Had a task that announced the page of @e lost the CPU before it freed it, and did so when it was back?  What others
 * freed meanwhile lies below it then:
 *
 *	announced	a b | x y | c		model [ c y x b a ]	kernel [ c b a y x ]
 */
static bool came_late(struct replay_model *r, const struct event *e, uint32_t zone,
		      unsigned int index, uint32_t depth)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);
	pfn_t head = pageset_head(a, set, index);

	for (unsigned int i = 0; i < REPLAY_LATE; i++) {
		struct replay_late *l = &c->late[i];
		unsigned int last = late_at(l, e->pfn);

		if (last == l->count || l->heads[index] != head || late_at(l, head) != l->count)
			continue;
		l->below = above(a, set, index, depth);
		for (unsigned int k = 0; k <= last; k++) {
			unsigned int on;
			uint32_t at;

			if (page_alloc_zone_of(a, l->frees[k].pfn) != zone ||
			    !pageset_holds(a, zone, l->frees[k].pfn) ||
			    !pageset_find(a, set, l->frees[k].pfn, &on, &at) || on != index)
				continue;
			pageset_remove(a, zone, set, index, l->frees[k].pfn);
			pageset_insert(a, zone, set, index, l->frees[k].pfn, false);
		}
		return true;
	}
	return false;
}

/* Most pages that were freed while a task had lost the CPU. */
enum { MEANWHILE_MAX = 512 };

/*
 * What is left of it at the head of the list was of batches that had been freed before:
 *
 *	announced	a | b | x y	b was late		model [ a y x ]	kernel [ y x a ]
 */
static bool came_early(struct replay_model *r, const struct event *e, uint32_t zone,
		       unsigned int index, uint32_t depth)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);

	for (unsigned int i = 0; i < REPLAY_LATE; i++) {
		struct replay_late *l = &c->late[i];
		uint32_t cursor = BUDDY_LIST_START, count = 0;
		pfn_t pages[MEANWHILE_MAX], pfn = PFN_NONE;

		if (!l->count || l->below == PFN_NONE || late_at(l, e->pfn) != l->count)
			continue;
		for (uint32_t k = 0; k < depth; k++)
			if (!pageset_next(a, set, index, &cursor, &pfn) ||
			    late_at(l, pfn) == l->count)
				break;
		if (late_at(l, pfn) == l->count || above(a, set, index, depth) != pfn)
			continue;
		while (count < MEANWHILE_MAX && pfn != l->below &&
		       pageset_next(a, set, index, &cursor, &pfn))
			pages[count++] = pfn;
		if (pfn != l->below)
			continue;
		while (count--) {
			pageset_remove(a, zone, set, index, pages[count]);
			pageset_insert(a, zone, set, index, pages[count], false);
		}
		l->count = 0;
		return true;
	}
	return false;
}

bool replay_blame_switch(struct replay_model *r, const struct event *e, uint32_t zone,
			 unsigned int index, uint32_t depth)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);

	if (!r->setup->lazy_preemption)
		return false;
	if (!returned_with(r, e, index) && !hold_back(r, e, zone, index, depth) &&
	    !came_late(r, e, zone, index, depth) && !came_early(r, e, zone, index, depth) &&
	    !hold_taken(r, e, zone, index, depth))
		return false;
	pageset_remove(a, zone, set, index, e->pfn);
	return true;
}

bool replay_release_held(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];

	for (unsigned int i = 0; i < REPLAY_AWAY; i++)
		for (unsigned int k = 0; k < c->away[i].held; k++)
			if (c->away[i].frees[k].pfn == e->pfn) {
				release(r, e->cpu, &c->away[i]);
				return true;
			}
	return false;
}

/* ---- interrupts --------------------------------------------------------------------------------- */

/* Locks that a page set's user holds: the CPU is pinned, and the set is locked. */
enum { PAGESET_DEPTH = 2 };

static unsigned int depth_of(const struct event *e)
{
	return e->context >> EVENT_CONTEXT_DEPTH_SHIFT;
}

/*
 * What an interrupt that had to wait frees comes within so many nanoseconds: softirqs leave what takes more than
 * 2 ms (MAX_SOFTIRQ_TIME), and callbacks of RCU more than 3 (rcu_resched_ns), to a task.  The rest is for machines
 * that are slow to look at the clock.
 */
enum { WAITED_MAX = 7500000 };

/*
 * Not every kernel counts how often a task may not be preempted (CONFIG_PREEMPT_COUNT), and where there is
 * high memory its pages are mapped like that, too.
 */
static bool depth_tells(const struct replay_model *r)
{
	return r->depth_counted && r->setup->config->pointer_bytes == 8;
}

/* Reasons at least while a list is filled: the CPU is pinned, the page set is locked, and the zone. */
enum { REFILL_DEPTH = PAGESET_DEPTH + 1 };

bool replay_watch_taken(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];

	if (!r->setup->preemptible || !(e->context & EVENT_CONTEXT_TOLD) ||
	    pageset_list(&r->alloc, e->order, requested_type(r, e)) == PCP_LIST_NONE)
		return false;
	if (e->kind != EVENT_ZONE_LOCKED)
		return c->doing == DOING_BLOCK;
	if (depth_of(e) >= REFILL_DEPTH) {
		c->holder = -1;
		return false;
	}
	if (c->holder < 0 && c->last_pid != e->pid)
		c->holder = c->last_pid;
	return true;
}

bool replay_in_locked(const struct replay_model *r, const struct event *e)
{
	const struct replay_cpu *c = &r->cpus[e->cpu];

	/* The idle task has no page set in use, but may not be preempted either. */
	if (!r->setup->interruptible || !e->pid || !(e->context & EVENT_CONTEXT_INTERRUPT))
		return false;
	/* It may have, where nothing tells. */
	if (!depth_tells(r))
		return true;
	return depth_of(e) >= (unsigned int)c->depth + PAGESET_DEPTH;
}

void replay_watch_depth(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];

	c->was_locked = c->in_locked;
	if (e->context & EVENT_CONTEXT_INTERRUPT) {
		/* What it frees may make it drain lists: it goes on behind that. */
		c->in_locked = e->kind == EVENT_FREE
				       ? replay_in_locked(r, e)
				       : c->in_locked && e->kind == EVENT_PCPU_DRAIN &&
						 c->last_pid == e->pid;
		return;
	}
	c->in_locked = false;
	if (!r->depth_counted)
		r->depth_counted = e->pid && depth_of(e);
	if (e->kind == EVENT_ALLOC || e->kind == EVENT_FREE) {
		c->depth = (uint8_t)depth_of(e);
		c->depth_kind = e->kind;
		c->depth_pid = e->pid;
		c->depth_index = e->kind == EVENT_ALLOC
					 ? (uint8_t)pageset_list(&r->alloc, e->order, type_of(r, e))
					 : PCP_LIST_NONE;
	}
}

/* Is it the lock of a page set, by what came before? */
static bool passes(const struct replay_model *r, const struct event *e)
{
	const struct replay_cpu *c = &r->cpus[e->cpu];

	/* The locks are its own. */
	if (c->locked_announces)
		return false;
	/* A block that is freed alone is soon on its list, unless that is drained. */
	if (r->setup->kinds >> EVENT_PCPU_DRAIN & 1 && c->before == EVENT_FREE &&
	    c->last_pid == e->pid)
		return false;
	/*
	 * An interrupt that had to wait while the list was filled, or a batch was freed, comes right behind
	 * that; an allocation from a list that has pages is over too soon for one.
	 */
	if (c->depth_kind != EVENT_ALLOC || c->depth_pid != e->pid)
		return true;
	/* It told that it fills or drains one. */
	if (c->last_pid == e->pid &&
	    (c->before == EVENT_ZONE_LOCKED || c->before == EVENT_PCPU_DRAIN))
		return true;
	return c->depth_index != PCP_LIST_NONE && c->runs[c->depth_index].zone != BUDDY_ZONE_NONE &&
	       !r->alloc.sets[c->runs[c->depth_index].zone * r->alloc.cpu_count + e->cpu]
			.lists[c->depth_index]
			.count;
}

bool replay_model_may_pass(struct replay_model *r, const struct event *e)
{
	const struct replay_cpu *c = &r->cpus[e->cpu];
	uint32_t zone = page_alloc_zone_of(&r->alloc, e->pfn);
	const struct pageset *set;

	if (e->kind != EVENT_FREE || zone == BUDDY_ZONE_NONE || depth_tells(r) || c->in_locked ||
	    c->before != EVENT_FREE || c->last_pid != e->pid || !replay_in_locked(r, e))
		return false;
	/* Else it will turn out before the next drain. */
	set = page_alloc_set(&r->alloc, zone, e->cpu);
	return 2 * set->count >= set->high;
}

void replay_model_pass(struct replay_model *r, const struct event *e)
{
	r->cpus[e->cpu].pass_next = true;
}

/* @pfn is within the bounds from now on.  @first: and nothing else is. */
static void stretch(struct replay_bounds *b, pfn_t pfn, bool first)
{
	pfn_t highest = b->lowest + b->span;

	if (first)
		b->lowest = highest = pfn;
	highest = pfn > highest ? pfn : highest;
	b->lowest = pfn < b->lowest ? pfn : b->lowest;
	b->span = highest - b->lowest;
}

void replay_note_locked(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct replay_run *run;

	if (!c->in_locked) {
		bool same = c->last_pid == e->pid;

		/* Batches that nothing tells of may be at their end at any page. */
		c->locked_announces = tells_of_batches(r) && depth_tells(r) &&
				      replay_announces(c, e->pid);
		/* Where the trace begins late, lists are not known well enough. */
		c->passes = depth_tells(r) &&
			    (r->from_idle || r->setup->kinds >> EVENT_PCPU_DRAIN & 1) &&
			    passes(r, e);
		c->locked_next = (c->locked_next + 1) % REPLAY_RUNS;
		run = &c->locked_runs[c->locked_next];
		if (run->count && run->past)
			c->past_runs[c->past_next++ % REPLAY_PAST] = *run;
		c->locked_runs[c->locked_next].count = 0;
		/*
		 * What waited while the lists were drained or filled comes when the zone is unlocked again,
		 * and the page set is not yet.
		 */
		c->locked_zone = BUDDY_ZONE_NONE;
		/* Of what was in the middle of it is known which page set it has locked. */
		if (same && c->passes && c->before <= EVENT_PCPU_DRAIN && c->before != EVENT_ALLOC)
			c->locked_zone = page_alloc_zone_of(&r->alloc, c->before_pfn);
		if (same && !depth_tells(r) && e->time - c->before_time <= WAITED_MAX &&
		    (c->before == EVENT_PCPU_DRAIN ||
		     (c->before == EVENT_ZONE_LOCKED && c->doing == DOING_REFILL))) {
			c->passes = true;
			c->locked_zone = page_alloc_zone_of(&r->alloc, c->before_pfn);
		}
		if (c->pass_next) {
			c->passes = true;
			c->locked_zone = page_alloc_zone_of(&r->alloc, c->before_pfn);
		}
		c->pass_next = false;
		c->locked_runs[c->locked_next].past = c->passes;
		c->in_batch = same && !depth_tells(r) && c->before == EVENT_FREE_BATCHED;
	}
	run = &c->locked_runs[c->locked_next];
	if (run->count == REPLAY_BATCH)
		return;
	stretch(&c->locked_bounds[c->locked_next], e->pfn, !run->count);
	run->orders[run->count] = e->order;
	run->pages[run->count++] = e->pfn;
}

/* Which of @run is @pfn?  count: none. */
static unsigned int at_of(const struct replay_run *run, pfn_t pfn)
{
	unsigned int at = 0;

	while (at < run->count && run->pages[at] != pfn)
		at++;
	return at;
}

static bool has_page(const struct replay_run *run, pfn_t pfn)
{
	return at_of(run, pfn) < run->count;
}

void replay_forget_run(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];

	for (unsigned int i = 0; i < REPLAY_RUNS; i++) {
		const struct replay_bounds *b = &c->locked_bounds[i];

		if (e->pfn - b->lowest <= b->span && has_page(&c->locked_runs[i], e->pfn))
			c->locked_runs[i].count = 0;
	}
}

/* Does list @index begin with what is on it of @run, and @pfn, which is not of it, behind that? */
static bool begins_with(struct replay_model *r, const struct replay_run *run,
			const struct pageset *set, unsigned int index, pfn_t pfn)
{
	const struct page_alloc *a = &r->alloc;
	uint32_t cursor = BUDDY_LIST_START, found = 0;
	unsigned int at = run->count;
	pfn_t page;

	/* Where nothing tells of locks, little speaks for one. */
	if (!depth_tells(r) && has_page(run, pfn))
		return false;
	while (pageset_next(a, set, index, &cursor, &page)) {
		if (page == pfn)
			return found;
		while (at && run->pages[at - 1] != page)
			at--;
		if (!at--)
			return false;
		found++;
	}
	return false;
}

/* Each zone has its page set: @only is the zone whose set was locked, BUDDY_ZONE_NONE if that is not known. */
static void move_run(struct replay_model *r, uint32_t cpu, struct replay_run *run, uint32_t only)
{
	struct page_alloc *a = &r->alloc;

	run->past = !run->past;
	for (unsigned int i = 0; i < run->count; i++) {
		uint32_t zone = page_alloc_zone_of(a, run->pages[i]);
		struct buddy_block block;

		/* Only what nobody has allocated since. */
		if (zone == BUDDY_ZONE_NONE || (only != BUDDY_ZONE_NONE && zone != only) ||
		    (run->past ? !pageset_holds(a, zone, run->pages[i])
			       : !buddy_find(a->buddy, zone, run->pages[i], &block)))
			continue;
		replay_take_out(r, cpu, zone, run->pages[i], run->orders[i]);
		if (run->past)
			page_alloc_put_past(a, cpu, run->pages[i], run->orders[i]);
		else
			page_alloc_put(a, cpu, run->pages[i], run->orders[i]);
	}
}

void replay_watch_batch(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct replay_run *run = &c->locked_runs[c->locked_next];

	/* In the middle of a batch the page set stays locked; so it is when all of one were announced. */
	if ((c->in_batch || c->locked_announces) && c->in_locked && c->last_pid == e->pid &&
	    !run->past && !(e->context & EVENT_CONTEXT_INTERRUPT))
		move_run(r, e->cpu, run, page_alloc_zone_of(&r->alloc, e->pfn));
}

/*
 * A bulk allocation holds the lock as long as it takes pages, of which nothing tells but their frees:
 *
 *	list [ a b c ]	taken: a; interrupt: frees x; b		then freed: b, or a	x is not on the list
 *
 * Had the interrupt come before it, x would be the first to be taken.
 */
void replay_watch_bulk(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct replay_run *run = &c->locked_runs[c->locked_next];
	uint32_t zone = page_alloc_zone_of(&r->alloc, e->pfn), depth;
	unsigned int index;

	if (!c->in_locked || run->past || e->context & EVENT_CONTEXT_INTERRUPT ||
	    c->last_pid != e->pid || !depth_tells(r) || zone == BUDDY_ZONE_NONE ||
	    has_page(run, e->pfn))
		return;
	/* It was freed before, which may not have been carried out yet. */
	if (replay_is_announced(c, e->pfn))
		replay_commit_loose(r, e);
	if (!pageset_holds(&r->alloc, zone, e->pfn))
		return;
	if (!pageset_find(&r->alloc, page_alloc_set(&r->alloc, zone, e->cpu), e->pfn, &index,
			  &depth) ||
	    index)
		return;
	/* They may not have been carried out yet. */
	if (c->free_count == run->count)
		replay_commit_interrupts(r, e->cpu);
	move_run(r, e->cpu, run, zone);
}

enum blame { BLAME_NOT, BLAME_IT, BLAME_FAILED };

/* Does @run explain the page of @e?  @last: it is the CPU's last one. */
static enum blame blame_run(struct replay_model *r, const struct event *e, uint32_t zone,
			    unsigned int index, struct replay_run *run, bool last)
{
	const struct replay_cpu *c = &r->cpus[e->cpu];
	struct pageset *set = page_alloc_set(&r->alloc, zone, e->cpu);
	bool told = r->setup->kinds >> EVENT_ZONE_LOCKED & 1;

	if (!run->count)
		return BLAME_NOT;
	if (run->past ? !has_page(run, e->pfn) : !begins_with(r, run, set, index, e->pfn))
		return BLAME_NOT;
	/* A list of another order was filled with it: it was free. */
	if (run->past && run->orders[at_of(run, e->pfn)] != e->order)
		return BLAME_NOT;
	/* Nothing filled the list: a page of the run was on it, however deep. */
	if (run->past && !told && run->pages[run->count - 1] != e->pfn)
		return BLAME_NOT;
	/* It came when the task had its page, and had not told of it: that is longer than the lock is held. */
	if (last && !run->past && c->was_locked && c->last_pid == e->pid && !depth_tells(r)) {
		pageset_remove(&r->alloc, zone, set, index, e->pfn);
		return BLAME_IT;
	}
	move_run(r, e->cpu, run, BUDDY_ZONE_NONE);
	if (pageset_head(&r->alloc, set, index) != e->pfn)
		return BLAME_FAILED;
	pageset_pop(&r->alloc, set, index);
	return BLAME_IT;
}

bool replay_blame_lock(struct replay_model *r, const struct event *e, uint32_t zone,
		       unsigned int index)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	enum blame blame = BLAME_NOT;

	for (unsigned int i = 0; i < REPLAY_RUNS && blame == BLAME_NOT; i++)
		blame = blame_run(r, e, zone, index,
				  &c->locked_runs[(c->locked_next + REPLAY_RUNS - i) % REPLAY_RUNS],
				  !i);
	for (unsigned int i = 0; i < REPLAY_PAST && blame == BLAME_NOT; i++)
		blame = blame_run(r, e, zone, index,
				  &c->past_runs[(c->past_next + REPLAY_PAST - 1 - i) % REPLAY_PAST],
				  false);
	return blame == BLAME_IT;
}
