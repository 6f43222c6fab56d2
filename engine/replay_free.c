/* SPDX-License-Identifier: MIT */
/* Frees: one by one, in batches, and those that are none. */
#include <stdlib.h>
#include <string.h>

#include "engine/buddy_pending.h"
#include "engine/pageset_list.h"
#include "engine/replay_parts.h"

/* Most pages a contiguous allocation is aligned to (CONFIG_CMA_ALIGNMENT). */
enum { CMA_ALIGNMENT = 256 };
/* Most frees that wait for what follows them, of one CPU: 4 GiB of single pages. */
enum { ANNOUNCED_MAX = 1 << 20 };

/* Task @pid frees a block. */
static void commit_free(struct replay_model *r, uint32_t cpu, int32_t pid, pfn_t pfn,
			unsigned int order)
{
	struct replay_cpu *c = &r->cpus[cpu];
	struct page_alloc *a = &r->alloc;
	uint32_t zone = page_alloc_zone_of(a, pfn);

	if (zone != BUDDY_ZONE_NONE && replay_goes_past(r, cpu, pid)) {
		/* What the holder is in the middle of goes on. */
		replay_take_out(r, cpu, zone, pfn, order);
		page_alloc_put_past(a, cpu, pfn, order);
		return;
	}
	replay_settle(r, cpu);
	if (zone == BUDDY_ZONE_NONE)
		return;
	if (!(r->setup->kinds >> EVENT_PCPU_DRAIN & 1)) {
		bool returned = replay_reveal(r, cpu, zone, pfn, order);

		replay_take_out(r, cpu, zone, pfn, order);
		replay_put(r, cpu, pfn, order);
		c->returned += returned;
		return;
	}
	replay_take_out(r, cpu, zone, pfn, order);
	c->factor = page_alloc_set(a, zone, cpu)->free_factor;
	a->events = &c->expected;
	page_alloc_put(a, cpu, pfn, order);
	a->events = NULL;
	c->doing = DOING_DRAIN;
	c->zone = zone;
	c->order = order;
	c->type = near_type(a, pfn);
}

/* Does the page hold the kernel or its first file system, which are freed page by page? */
static bool boot_image(const struct replay_setup *s, pfn_t pfn)
{
	phys_t addr = pfn_phys(pfn, s->config->page_shift);

	return (addr >= s->late->ramdisk_start && addr < s->late->ramdisk_end) ||
	       (addr >= s->late->kernel_start && addr < s->late->kernel_end);
}

/* Was the page not allocated on its own?  So are those of vmalloc areas: in bulk, or split. */
static bool of_an_area(struct replay_model *r, pfn_t pfn)
{
	uint32_t zone = page_alloc_zone_of(&r->alloc, pfn);

	return zone != BUDDY_ZONE_NONE && !boot_image(r->setup, pfn) &&
	       !page_alloc_is_held(&r->alloc, zone, pfn, 0);
}

/* Was the page allocated as a part of a larger block, which was split? */
static bool of_split_block(struct replay_model *r, pfn_t pfn)
{
	uint32_t zone = page_alloc_zone_of(&r->alloc, pfn);

	for (unsigned int order = 1; order <= r->alloc.buddy->max_order; order++)
		if (page_alloc_held_order(&r->alloc, zone, round_down_to(pfn, 1ULL << order)) >=
		    (int)order)
			return true;
	return false;
}

/* Single pages that lie together, freed one after the other: as large blocks. */
static void commit_run(struct replay_model *r, uint32_t cpu, int32_t pid, pfn_t pfn, uint32_t count,
		       unsigned int order)
{
	if (count == 1) {
		commit_free(r, cpu, pid, pfn, order);
		return;
	}
	while (count) {
		order = r->alloc.buddy->max_order;
		while (order && (pfn & ((1ULL << order) - 1) || count < 1u << order))
			order--;
		commit_free(r, cpu, pid, pfn, order);
		pfn += 1ULL << order;
		count -= 1u << order;
	}
}

/* Is entry @f one of those that @pid announced?  Where tasks are not preempted, all are of one. */
static bool announced_by(const struct replay_model *r, const struct announced *f, int32_t pid)
{
	/* Pages of user memory are freed in batches, in the middle of which a task may lose the CPU. */
	return !r->setup->lazy_preemption || f->pid == pid || !f->movable ||
	       !(r->setup->kinds >> EVENT_FREE_BATCHED & 1);
}

static struct announced *announced(const struct replay_cpu *c)
{
	return c->frees + c->free_first;
}

bool replay_announces(const struct replay_cpu *c, int32_t pid)
{
	const struct announced *f = announced(c) + c->free_count;
	uint32_t count = 0;

	if (c->before != EVENT_FREE || c->last_pid != pid)
		return false;
	while (count < c->free_count && f[-1].pid == pid && f[-1].movable && !f[-1].batch &&
	       !f[-1].interrupt) {
		f--;
		count++;
	}
	return count % REPLAY_BATCH;
}

bool replay_is_announced(const struct replay_cpu *c, pfn_t pfn)
{
	for (uint32_t i = 0; i < c->free_count; i++)
		if (announced(c)[i].pfn == pfn)
			return true;
	return false;
}

/* @count entries from the one numbered @at on are done; those before it are few. */
static void forget_announced(struct replay_cpu *c, uint32_t at, uint32_t count)
{
	struct announced *frees = announced(c);

	if (at + count == c->free_count)
		c->free_first = at ? c->free_first : 0;
	else if (at)
		memmove(frees + at, frees + at + count,
			(c->free_count - at - count) * sizeof(*frees));
	else
		c->free_first += count;
	c->free_count -= count;
}

/*
 * Carries out what @pid announced, of the first @limit entries; what is known to belong to a batch under
 * way only if @batches.
 */
static void commit_announced(struct replay_model *r, uint32_t cpu, uint32_t limit, int32_t pid,
			     bool batches)
{
	struct replay_cpu *c = &r->cpus[cpu];
	struct announced *frees = announced(c);
	bool told = r->setup->kinds >> EVENT_FREE_BATCHED & 1;
	/* Up to @alone each page was freed by itself, which is known of the run that it is in. */
	uint32_t kept = 0, i = 0, alone = 0;

	if (!limit || (!batches && !c->free_loose))
		return;
	while (i < limit) {
		const struct announced *f = &frees[i];
		uint32_t run = 1;

		if (!announced_by(r, f, pid) || (f->batch && !batches)) {
			frees[kept++] = frees[i++];
			continue;
		}
		bool split = told;

		while (r->setup->contiguous_runs && i >= alone && i + run < limit && !f->order &&
		       !f[run].order && f[run].pfn == f->pfn + run &&
		       announced_by(r, &f[run], pid) && (batches || !f[run].batch) &&
		       of_an_area(r, f->pfn) && of_an_area(r, f[run].pfn) &&
		       page_alloc_zone_of(&r->alloc, f[run].pfn) ==
			       page_alloc_zone_of(&r->alloc, f->pfn))
			run++;
		for (uint32_t k = 0; k < run && run > 1 && !split; k++)
			split = of_split_block(r, f[k].pfn);
		if (!split && run > 1) {
			alone = i + run;
			run = 1;
		}
		for (uint32_t k = 0; k < run; k++)
			c->free_loose -= !f[k].batch;
		commit_run(r, cpu, f->pid, f->pfn, run, f->order);
		i += run;
	}
	forget_announced(c, kept, limit - kept);
}

void replay_commit_unbatched(struct replay_model *r, uint32_t cpu, int32_t pid)
{
	struct replay_cpu *c = &r->cpus[cpu];
	uint32_t loose = 0;

	for (uint32_t i = 0; c->free_loose > REPLAY_BATCH && i < c->free_count; i++)
		loose += announced(c)[i].pid == pid && !announced(c)[i].batch &&
			 !announced(c)[i].interrupt;
	if (loose > REPLAY_BATCH)
		commit_announced(r, cpu, c->free_count, pid, false);
}

void replay_commit_loose(struct replay_model *r, const struct event *e)
{
	const struct replay_cpu *c = &r->cpus[e->cpu];

	/* An interrupt does what it will; the task that it came to goes on announcing. */
	if (c->in_locked && c->locked_announces && e->context & EVENT_CONTEXT_INTERRUPT)
		replay_commit_interrupts(r, e->cpu);
	else
		commit_announced(r, e->cpu, c->free_count, e->pid, false);
}

void replay_commit_first(struct replay_model *r, uint32_t cpu)
{
	commit_announced(r, cpu, 1, r->cpus[cpu].last_pid, false);
}

void replay_model_commit(struct replay_model *r, uint32_t cpu)
{
	struct replay_cpu *c = &r->cpus[cpu];

	commit_announced(r, cpu, c->free_count, c->last_pid, false);
}

/* A whole pageblock of a CMA area is freed for the first time: cma_init_reserved_areas() does. */
static void activate_cma(struct replay_model *r, const struct event *e)
{
	struct buddy *b = r->alloc.buddy;
	unsigned int shift = r->setup->config->page_shift;

	for (uint32_t i = 0; i < r->setup->late->cma_count && e->order >= b->pageblock_order; i++) {
		const struct cma_area *area = &r->setup->late->cma[i];
		uint32_t zone;

		if (e->pfn < area->start >> shift ||
		    e->pfn + (1ULL << e->order) > area->end >> shift)
			continue;
		zone = page_alloc_zone_of(&r->alloc, e->pfn);
		for (pfn_t pfn = e->pfn;
		     zone != BUDDY_ZONE_NONE && pfn < e->pfn + (1ULL << e->order);
		     pfn += 1ULL << b->pageblock_order)
			buddy_set_block_type(b, zone, pfn, MIGRATE_CMA);
	}
}

/* drain_all_pages(). */
static void drain_all(struct replay_model *r, uint32_t zone)
{
	struct page_alloc *a = &r->alloc;

	for (uint32_t cpu = 0; cpu < a->cpu_count; cpu++) {
		struct pageset *set = page_alloc_set(a, zone, cpu);

		pageset_drain(a, zone, set, set->count, 0);
	}
}

/* Are all of @count pages at @pfn free? */
static bool all_free(const struct buddy *b, uint32_t zone, pfn_t pfn, uint64_t count)
{
	for (pfn_t at = pfn; at < pfn + count;) {
		struct buddy_block block;

		if (!buddy_find(b, zone, at, &block))
			return false;
		at = block.pfn + (1ULL << block.order);
	}
	return true;
}

/*
 * cma_alloc() takes the first place of its area that is free: of @count pages, at @pfn.  So what lies
 * before it and would have done is not free; it was allocated and nothing was left over to tell of it.
 */
static void take_passed_over(struct replay_model *r, const struct event *e, uint32_t zone,
			     pfn_t pfn, uint64_t count)
{
	unsigned int shift = r->setup->config->page_shift;
	uint64_t align = 1;

	while (align < count && align < CMA_ALIGNMENT)
		align *= 2;
	for (uint32_t i = 0; count && i < r->setup->late->cma_count; i++) {
		const struct cma_area *area = &r->setup->late->cma[i];

		if (e->pfn < area->start >> shift || e->pfn >= area->end >> shift)
			continue;
		for (pfn_t at = area->start >> shift; at + count <= pfn; at += align) {
			if (!all_free(r->alloc.buddy, zone, at, count))
				continue;
			for (pfn_t page = at; page < at + count; page++)
				replay_take_out(r, e->cpu, zone, page, 0);
			r->silent += count;
		}
	}
}

/*
 * alloc_contig_range() takes whole free blocks of a CMA area and gives back, page by page and past the page
 * sets, what it was not asked for:
 *
 *	[ free block                         ]		in the model
 *	[ allocated ][ given back: a b c ... ]		the first of these frees is of page a
 *
 * So a free of a page that is free there means that what lies before it in its block was allocated.
 */
static bool contig_leftover(struct replay_model *r, const struct event *e)
{
	struct buddy *b = r->alloc.buddy;
	uint32_t zone = page_alloc_zone_of(&r->alloc, e->pfn);
	struct buddy_block block;
	bool told = r->setup->kinds >> EVENT_PCPU_DRAIN & 1;

	if (e->order || zone == BUDDY_ZONE_NONE || near_type(&r->alloc, e->pfn) != MIGRATE_CMA ||
	    !buddy_find(b, zone, e->pfn, &block))
		return false;
	if (e->pfn != r->contig_next) {
		/* alloc_contig_range() drains before it looks for what is free. */
		if (!told)
			drain_all(r, zone);
		if (!buddy_find(b, zone, e->pfn, &block))
			return false;
		take_passed_over(r, e, zone, block.pfn, e->pfn - block.pfn);
	}
	/* The pages after the first one are known already. */
	for (pfn_t at = e->pfn == r->contig_next ? e->pfn : block.pfn; at < e->pfn;) {
		unsigned int order = block.order;

		while (order && (at & ((1ULL << order) - 1) || e->pfn - at < 1ULL << order))
			order--;
		replay_take_out(r, e->cpu, zone, at, order);
		at += 1ULL << order;
	}
	r->contig_next = e->pfn + 1;
	return true;
}

/* Memory that came online is freed for the first time, in the largest blocks there are. */
static bool comes_online(struct replay_model *r, const struct event *e)
{
	uint32_t zone;

	if (e->pfn < r->fresh_start || e->pfn >= r->fresh_end ||
	    e->order < r->alloc.buddy->pageblock_order)
		return false;
	zone = page_alloc_zone_of(&r->alloc, e->pfn);
	if (zone == BUDDY_ZONE_NONE || page_alloc_is_held(&r->alloc, zone, e->pfn, e->order))
		return false;
	replay_take_out(r, e->cpu, zone, e->pfn, e->order);
	buddy_free(r->alloc.buddy, zone, e->pfn, e->order, BUDDY_PLACE_FRESH);
	return true;
}

void replay_on_free(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	bool told = r->setup->free_rule && r->setup->kinds & 1u << EVENT_FREE_BATCHED;
	bool batchable = (told || r->setup->contiguous_runs || replay_frees_wait(r, e)) &&
			 pageset_list(&r->alloc, e->order, MIGRATE_MOVABLE) != PCP_LIST_NONE;
	uint64_t held;
	bool movable;
	uint32_t zone;

	if (r->alloc.buddy->pending_count) {
		if (buddy_pending_free(r->alloc.buddy, e->pfn, e->order))
			return;
		buddy_pending_drop(r->alloc.buddy, e->pfn, e->order);
	}
	if (contig_leftover(r, e) || comes_online(r, e))
		return;
	replay_take_due_stack(r, e, false);
	activate_cma(r, e);
	replay_watch_exit(r, e);
	if (r->setup->exact_to_tail && !e->order && c->last != PFN_NONE && e->pfn > c->last &&
	    e->pfn < c->last + (1ULL << c->last_order)) {
		zone = page_alloc_zone_of(&r->alloc, e->pfn);
		if (zone == BUDDY_ZONE_NONE)
			return;
		replay_take_out(r, e->cpu, zone, e->pfn, 0);
		buddy_free(r->alloc.buddy, zone, e->pfn, 0, BUDDY_PLACE_TAIL);
		return;
	}
	c->last = PFN_NONE;
	replay_watch_bulk(r, e);
	if (replay_in_locked(r, e)) {
		replay_note_locked(r, e);
		zone = page_alloc_zone_of(&r->alloc, e->pfn);
		if (c->passes && zone != BUDDY_ZONE_NONE &&
		    (c->locked_zone == BUDDY_ZONE_NONE || c->locked_zone == zone)) {
			replay_take_out(r, e->cpu, zone, e->pfn, e->order);
			page_alloc_put_past(&r->alloc, e->cpu, e->pfn, e->order);
			return;
		}
	}
	if (!batchable || (r->setup->free_rule == 1 && e->order)) {
		/* A list of pages is freed with nothing in between. */
		if (r->setup->free_rule == 1 || !told)
			replay_commit_pending(r, e);
		commit_free(r, e->cpu, e->pid, e->pfn, e->order);
		return;
	}
	/* More than any batch or area has; what is left of them follows alike. */
	if (c->free_count >= ANNOUNCED_MAX)
		replay_commit_loose(r, e);
	zone = page_alloc_zone_of(&r->alloc, e->pfn);
	held = zone == BUDDY_ZONE_NONE ? 0 : near_entry(&r->alloc, e->pfn);
	movable = entry_is_held(held) && held_type(held) == MIGRATE_MOVABLE;
	if (c->free_first > c->free_room / 2) {
		memmove(c->frees, announced(c), c->free_count * sizeof(*c->frees));
		c->free_first = 0;
	}
	if (c->free_first + c->free_count == c->free_room) {
		uint32_t room = c->free_room ? c->free_room * 2 : 64;
		struct announced *grown = realloc(c->frees, room * sizeof(*grown));

		if (!grown) {
			r->alloc.out_of_memory = true;
			return;
		}
		c->frees = grown;
		c->free_room = room;
	}
	announced(c)[c->free_count++] =
		(struct announced){ e->pfn, e->pid,  e->order,
				    false,  movable, e->context & EVENT_CONTEXT_INTERRUPT };
	c->free_loose++;
}

void replay_commit_interrupts(struct replay_model *r, uint32_t cpu)
{
	struct replay_cpu *c = &r->cpus[cpu];

	if (!c->free_loose)
		return;
	for (uint32_t i = 0; i < c->free_count;) {
		const struct announced f = announced(c)[i];

		if (!f.interrupt) {
			i++;
			continue;
		}
		c->free_loose--;
		forget_announced(c, i, 1);
		commit_free(r, cpu, f.pid, f.pfn, f.order);
	}
}

void replay_on_free_batched(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	unsigned int order;
	uint32_t i = 0, count;
	int32_t pid;

	if (!r->setup->free_rule)
		return;
	while (i < c->free_count && announced(c)[i].pfn != e->pfn)
		i++;
	if (i == c->free_count)
		return;
	pid = announced(c)[i].pid;
	for (uint32_t k = i; c->free_loose && k < c->free_count; k++) {
		struct announced *f = &announced(c)[k];

		/* An interrupt interrupts batches, and frees none itself. */
		if (f->batch || f->interrupt || !announced_by(r, f, pid))
			continue;
		f->batch = true;
		c->free_loose--;
	}
	/* What was announced before and is not in the batch was freed by itself. */
	count = c->free_count;
	commit_announced(r, e->cpu, i, pid, true);
	i -= count - c->free_count;
	order = announced(c)[i].order; /* the event says 0 for all */
	c->free_loose -= !announced(c)[i].batch;
	forget_announced(c, i, 1);
	replay_commit_interrupts(r, e->cpu);
	replay_watch_batch(r, e);
	commit_free(r, e->cpu, e->pid, e->pfn, order);
}

bool replay_model_would_drain(struct replay_model *r, const struct event *e)
{
	struct page_alloc *a = &r->alloc;
	uint32_t zone = page_alloc_zone_of(a, e->pfn);
	const struct pageset *set;

	if (e->kind != EVENT_FREE || zone == BUDDY_ZONE_NONE || r->alloc.buddy->pending_count ||
	    (r->cpus[e->cpu].free_count && !r->setup->contiguous_runs) ||
	    pageset_list(a, e->order, MIGRATE_MOVABLE) == PCP_LIST_NONE)
		return false;
	set = page_alloc_set(a, zone, e->cpu);
	return set->high && set->count + (1u << e->order) >= set->high &&
	       set->lists[0].count >= REPLAY_STACK_PAGES;
}

bool replay_model_may_bypass(struct replay_model *r, const struct event *e)
{
	const struct replay_cpu *c = &r->cpus[e->cpu];

	return c->free_count && r->setup->contiguous_runs && replay_model_would_refill(r, e);
}

void replay_model_bypass(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];

	for (uint32_t i = 0; i < c->free_count; i++) {
		const struct announced *f = &announced(c)[i];
		uint32_t zone = page_alloc_zone_of(&r->alloc, f->pfn);

		if (zone == BUDDY_ZONE_NONE)
			continue;
		replay_take_out(r, e->cpu, zone, f->pfn, f->order);
		buddy_free_as(r->alloc.buddy, zone, f->pfn, f->order,
			      buddy_block_type(r->alloc.buddy, zone, f->pfn));
	}
	c->free_count = c->free_loose = 0;
}
