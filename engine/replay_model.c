/* SPDX-License-Identifier: MIT */
#include "engine/replay_model.h"

#include <stdlib.h>
#include <string.h>

#include "engine/handover_lists.h"
#include "engine/pageset.h"
#include "engine/rmqueue.h"
#include "engine/wmark.h"

/* ---- life -------------------------------------------------------------------------------------- */

static void apply_stage(struct replay_model *r, unsigned int stage)
{
	const struct replay_setup *s = r->setup;

	r->stage = stage;
	for (uint32_t zone = 0; zone < r->alloc.zone_count; zone++) {
		const struct stage_sizes *sizes = &s->sizes[stage][zone];

		page_alloc_set_pagesets(&r->alloc, zone, sizes->batch, sizes->high, sizes->high_min,
					sizes->high_max);
	}
	if (stage == REPLAY_STAGES - 1)
		page_alloc_set_watermarks(&r->alloc, s->late->nodes);
}

struct replay_model *replay_model_create(const struct replay_setup *s, struct buddy *buddy)
{
	struct replay_model *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->setup = s;
	page_alloc_init(&r->alloc, buddy, s->config, s->facts, s->late->nodes, s->late->node_count,
			&s->late->zonelists, s->cpu_count);
	r->cpus = calloc(s->cpu_count, sizeof(*r->cpus));
	if (r->alloc.out_of_memory || !r->cpus) {
		replay_model_destroy(r);
		return NULL;
	}
	for (unsigned int i = 0; i < REPLAY_DIRECTORIES; i++)
		r->directories[i] = PFN_NONE;
	for (uint32_t cpu = 0; cpu < s->cpu_count; cpu++) {
		for (unsigned int i = 0; i < PCP_LISTS_MAX; i++)
			r->cpus[cpu].runs[i] =
				(struct list_run){ PFN_NONE, 1, BUDDY_ZONE_NONE, PFN_NONE, 0 };
		r->cpus[cpu].held = r->cpus[cpu].last = r->cpus[cpu].last_taken =
			r->cpus[cpu].skipped = PFN_NONE;
	}
	apply_stage(r, 0);
	return r;
}

void replay_model_destroy(struct replay_model *r)
{
	if (!r)
		return;
	for (uint32_t cpu = 0; r->cpus && cpu < r->setup->cpu_count; cpu++) {
		free(r->cpus[cpu].expected.events);
		free(r->cpus[cpu].frees);
	}
	free(r->cpus);
	page_alloc_deinit(&r->alloc);
	if (r->lists.slots)
		buddy_deinit(&r->lists);
	free(r);
}

struct replay_model *replay_model_clone(const struct replay_model *from)
{
	struct replay_model *r = calloc(1, sizeof(*r));
	const struct replay_setup *s = from->setup;
	bool failed = false;

	if (!r)
		return NULL;
	*r = *from;
	memset(&r->lists, 0, sizeof(r->lists));
	memset(&r->alloc, 0, sizeof(r->alloc));
	r->cpus = calloc(s->cpu_count, sizeof(*r->cpus));
	if (!r->cpus) {
		free(r);
		return NULL;
	}
	buddy_copy(&r->lists, from->alloc.buddy);
	page_alloc_copy(&r->alloc, &from->alloc, &r->lists);
	for (uint32_t cpu = 0; cpu < s->cpu_count; cpu++) {
		const struct replay_cpu *f = &from->cpus[cpu];
		struct replay_cpu *c = &r->cpus[cpu];

		*c = *f;
		c->expected.events = calloc(f->expected.room + 1, sizeof(*f->expected.events));
		c->frees = calloc(f->free_room + 1, sizeof(*f->frees));
		if (!c->expected.events || !c->frees) {
			failed = true;
			continue;
		}
		if (f->expected.count)
			memcpy(c->expected.events, f->expected.events,
			       f->expected.count * sizeof(*f->expected.events));
		if (f->free_count)
			memcpy(c->frees, f->frees, f->free_count * sizeof(*f->frees));
	}
	if (failed || r->lists.out_of_memory || r->alloc.out_of_memory) {
		replay_model_destroy(r);
		return NULL;
	}
	return r;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

uint64_t replay_model_hash(const struct replay_model *r)
{
	const struct page_alloc *a = &r->alloc;
	uint64_t hash = mix(buddy_hash(a->buddy), r->stage);

	for (uint32_t i = 0; i < a->zone_count * a->cpu_count; i++) {
		const struct pageset *set = &a->sets[i];

		for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
			uint32_t cursor = BUDDY_LIST_START;
			pfn_t pfn;

			while (pageset_next(a, set, index, &cursor, &pfn))
				hash = mix(hash, pfn);
			hash = mix(hash, index);
		}
		hash = mix(mix(hash, set->high), (uint64_t)set->free_count << 16 |
							 set->alloc_factor << 8 | set->free_factor);
	}
	return hash;
}

bool replay_model_has_next_stage(const struct replay_model *r)
{
	/* The last sizes are computed when all memory has joined. */
	return r->stage + 1 < REPLAY_STAGES && (!r->stage || !r->alloc.buddy->pending_count);
}

void replay_model_start_late(struct replay_model *r)
{
	handover_lists_join(r->alloc.buddy);
	apply_stage(r, REPLAY_STAGES - 1);
}

void replay_model_next_stage(struct replay_model *r)
{
	apply_stage(r, r->stage + 1);
}

/* ---- what was predicted ------------------------------------------------------------------------- */

static void tell(struct replay_model *r, const struct event *e, pfn_t predicted, uint32_t zone,
		 enum replay_miss miss)
{
	(void)e;
	r->outcome = (struct replay_outcome){ true, predicted, zone, miss };
}

static enum migratetype type_of(const struct replay_model *r, const struct event *e)
{
	return e->migratetype < MIGRATE_TYPE_COUNT ? r->setup->types[e->migratetype]
						   : MIGRATE_UNMOVABLE;
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
static enum replay_miss take_from_sets(struct replay_model *r, uint32_t cpu, uint32_t zone,
				       pfn_t pfn, unsigned int *order)
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
static void take_larger(struct replay_model *r, uint32_t cpu, uint32_t zone, pfn_t pfn)
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
static enum replay_miss take_out(struct replay_model *r, uint32_t cpu, uint32_t zone, pfn_t pfn,
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
static bool catch_up(struct replay_model *r, uint32_t zone, const struct alloc_request *req,
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
	if (found)
		r->silent += (uint64_t)count << req->order;
	else
		for (; count; count--)
			buddy_free_as(a->buddy, zone, taken[count - 1], req->order,
				      buddy_block_type(a->buddy, zone, taken[count - 1]));
	free(taken);
	return found;
}

/* The trace moved on while the model expected more of what it was doing. */
static void settle(struct replay_model *r, uint32_t cpu)
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
			enum migratetype type = type_of(r, e);
			unsigned int index = pageset_list(
				a, e->order, type < MIGRATE_HIGHATOMIC ? type : MIGRATE_MOVABLE);

			if (!buddy_find(a->buddy, c->zone, e->pfn, &block) ||
			    block.order < e->order)
				continue;
			buddy_carve(a->buddy, c->zone, &block, e->pfn, e->order, block.type);
			pageset_insert(a, c->zone, set, index, e->pfn, true);
		}
		/* More is kept than the model knew: the next sizes are in force, or its count is off. */
		if (replay_model_has_next_stage(r))
			apply_stage(r, r->stage + 1);
		else if (!c->at)
			pageset_no_drain(a, set);
	}
	expect_nothing(c);
}

/* ---- tasks ------------------------------------------------------------------------------------- */

static uint32_t task_slot(const struct event *e)
{
	return ((uint32_t)e->pid * 0x9e3779b1u) >> 22;
}

/*
 * Stacks of forked processes.  Nothing tells of a stack's pages, but the page directory of the new process
 * is an event: two pages (page-table isolation), accounted and zeroed.  The first one of a task is that of
 * the program it executes, later ones are those of its children.  A CPU keeps the stacks of the last tasks
 * that ended on it (NR_CACHED_STACKS), and only when it has none are pages taken.
 */
enum { STACKS_CACHED = 2 };

static void watch_fork(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct replay_task *t = &r->tasks[task_slot(e)];
	const struct gfp_table *gfp = &r->setup->gfp;
	struct page_alloc *a = &r->alloc;
	struct pageset *set;
	uint32_t zone;

	if (!r->setup->bulk_stacks || e->order != 1 || e->migratetype ||
	    !gfp_has(gfp, e->gfp, GFP_BIT_ACCOUNT) || !gfp_has(gfp, e->gfp, GFP_BIT_ZERO))
		return;
	if (t->pid != e->pid)
		*t = (struct replay_task){ e->pid, -1, { 0 }, false, false };
	r->directories[r->directory_next++ % REPLAY_DIRECTORIES] = e->pfn;
	if (!t->executed) {
		t->executed = t->executing = true;
		return;
	}
	if (c->stacks_cached) {
		c->stacks_cached--;
		return;
	}
	zone = page_alloc_zone_of(a, e->pfn);
	if (zone == BUDDY_ZONE_NONE)
		return;
	set = page_alloc_set(a, zone, e->cpu);
	c->stack_zone = zone;
	c->stack_count = 0;
	while (c->stack_count < REPLAY_STACK_PAGES && set->lists[0].count) {
		c->stack[c->stack_count++] = pageset_pop(a, set, 0);
		r->silent++;
	}
}

/* A page directory is given back: a process ended, unless it began to execute another program. */
static void watch_exit(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct replay_task *t = &r->tasks[task_slot(e)];

	if (e->order != 1 || !r->setup->bulk_stacks)
		return;
	for (unsigned int i = 0; i < REPLAY_DIRECTORIES; i++) {
		if (r->directories[i] != e->pfn)
			continue;
		r->directories[i] = PFN_NONE;
		if (t->pid == e->pid && t->executing)
			t->executing = false;
		else if (c->stacks_cached < STACKS_CACHED)
			c->stacks_cached++;
		return;
	}
}

/* No stack was taken after all: its pages go back to the head of the list. */
static void give_stack_back(struct replay_model *r, uint32_t cpu)
{
	struct replay_cpu *c = &r->cpus[cpu];
	struct pageset *set = page_alloc_set(&r->alloc, c->stack_zone, cpu);

	while (c->stack_count) {
		pageset_insert(&r->alloc, c->stack_zone, set, 0, c->stack[--c->stack_count], false);
		r->silent--;
	}
}

/* ---- frees ------------------------------------------------------------------------------------- */

static void commit_free(struct replay_model *r, uint32_t cpu, pfn_t pfn, unsigned int order)
{
	struct replay_cpu *c = &r->cpus[cpu];
	struct page_alloc *a = &r->alloc;
	uint32_t zone = page_alloc_zone_of(a, pfn);

	settle(r, cpu);
	if (zone == BUDDY_ZONE_NONE)
		return;
	take_out(r, cpu, zone, pfn, order);
	if (!(r->setup->kinds >> EVENT_PCPU_DRAIN & 1)) {
		page_alloc_put(a, cpu, pfn, order);
		return;
	}
	a->events = &c->expected;
	page_alloc_put(a, cpu, pfn, order);
	a->events = NULL;
	c->doing = DOING_DRAIN;
	c->zone = zone;
	c->order = order;
	c->type = buddy_block_type(a->buddy, zone, pfn);
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

/* Single pages that lie together, freed one after the other: as large blocks. */
static void commit_run(struct replay_model *r, uint32_t cpu, pfn_t pfn, uint32_t count,
		       unsigned int order)
{
	if (count == 1) {
		commit_free(r, cpu, pfn, order);
		return;
	}
	while (count) {
		order = r->alloc.buddy->max_order;
		while (order && (pfn & ((1ULL << order) - 1) || count < 1u << order))
			order--;
		commit_free(r, cpu, pfn, order);
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

/*
 * Carries out what @pid announced, of the first @limit entries; what is known to belong to a batch under
 * way only if @batches.
 */
static void commit_announced(struct replay_model *r, uint32_t cpu, uint32_t limit, int32_t pid,
			     bool batches)
{
	struct replay_cpu *c = &r->cpus[cpu];
	uint32_t kept = 0, i = 0;

	while (i < limit) {
		const struct announced *f = &c->frees[i];
		uint32_t run = 1;

		if (!announced_by(r, f, pid) || (f->batch && !batches)) {
			c->frees[kept++] = c->frees[i++];
			continue;
		}
		while (r->setup->contiguous_runs && i + run < limit && !f->order && !f[run].order &&
		       f[run].pfn == f->pfn + run && announced_by(r, &f[run], pid) &&
		       (batches || !f[run].batch) && of_an_area(r, f->pfn) &&
		       of_an_area(r, f[run].pfn))
			run++;
		commit_run(r, cpu, f->pfn, run, f->order);
		i += run;
	}
	memmove(c->frees + kept, c->frees + limit, (c->free_count - limit) * sizeof(*c->frees));
	c->free_count -= limit - kept;
}

/*
 * Something else follows: frees that were only announced were no part of a batch.  While a batch is being
 * carried out, which drains and interrupts do not end, they are kept.
 */
static void commit_pending(struct replay_model *r, const struct event *e)
{
	commit_announced(r, e->cpu, r->cpus[e->cpu].free_count, e->pid, false);
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

	if (e->order || zone == BUDDY_ZONE_NONE ||
	    buddy_block_type(b, zone, e->pfn) != MIGRATE_CMA ||
	    !buddy_find(b, zone, e->pfn, &block))
		return false;
	/* The pages after the first one are known already. */
	for (pfn_t at = e->pfn == r->contig_next ? e->pfn : block.pfn; at < e->pfn;) {
		unsigned int order = block.order;

		while (order && (at & ((1ULL << order) - 1) || e->pfn - at < 1ULL << order))
			order--;
		take_out(r, e->cpu, zone, at, order);
		at += 1ULL << order;
	}
	r->contig_next = e->pfn + 1;
	return true;
}

static void on_free(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	bool told = r->setup->free_rule && r->setup->kinds & 1u << EVENT_FREE_BATCHED;
	bool batchable = (told || r->setup->contiguous_runs) &&
			 pageset_list(&r->alloc, e->order, MIGRATE_MOVABLE) != PCP_LIST_NONE;
	bool movable;
	uint32_t zone;

	if (handover_lists_free_deferred(r->alloc.buddy, e->pfn, e->order))
		return;
	if (contig_leftover(r, e))
		return;
	activate_cma(r, e);
	watch_exit(r, e);
	if (r->setup->exact_to_tail && !e->order && c->last != PFN_NONE && e->pfn > c->last &&
	    e->pfn < c->last + (1ULL << c->last_order)) {
		zone = page_alloc_zone_of(&r->alloc, e->pfn);
		if (zone != BUDDY_ZONE_NONE)
			buddy_free(r->alloc.buddy, zone, e->pfn, 0, BUDDY_PLACE_TAIL);
		return;
	}
	if (!batchable || (r->setup->free_rule == 1 && e->order)) {
		/* A list of pages is freed with nothing in between. */
		if (r->setup->free_rule == 1)
			commit_pending(r, e);
		commit_free(r, e->cpu, e->pfn, e->order);
		return;
	}
	zone = page_alloc_zone_of(&r->alloc, e->pfn);
	movable = zone != BUDDY_ZONE_NONE &&
		  page_alloc_held_type(&r->alloc, zone, e->pfn) == MIGRATE_MOVABLE;
	if (c->free_count == c->free_room) {
		uint32_t room = c->free_room ? c->free_room * 2 : 64;
		struct announced *grown = realloc(c->frees, room * sizeof(*grown));

		if (!grown)
			return;
		c->frees = grown;
		c->free_room = room;
	}
	c->frees[c->free_count++] = (struct announced){ e->pfn, e->pid, e->order, false, movable };
}

static void on_free_batched(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	unsigned int order;
	uint32_t i = 0, count;

	if (!r->setup->free_rule)
		return;
	while (i < c->free_count && c->frees[i].pfn != e->pfn)
		i++;
	if (i == c->free_count)
		return;
	for (uint32_t k = i; k < c->free_count; k++)
		c->frees[k].batch |= announced_by(r, &c->frees[k], c->frees[i].pid);
	/* What was announced before and is not in the batch was freed by itself. */
	count = c->free_count;
	commit_announced(r, e->cpu, i, c->frees[i].pid, true);
	i -= count - c->free_count;
	order = c->frees[i].order; /* the event says 0 for all */
	memmove(c->frees + i, c->frees + i + 1, (c->free_count - i - 1) * sizeof(*c->frees));
	c->free_count--;
	commit_free(r, e->cpu, e->pfn, order);
}

/* ---- allocations ------------------------------------------------------------------------------- */

/*
 * Whose zonelist: that of the node the task had its last page from, for policies last; for a task that
 * had none, that of the CPU.
 */
static int32_t node_of(const struct replay_model *r, const struct event *e)
{
	const struct replay_task *t = &r->tasks[task_slot(e)];
	int32_t nodes = (int32_t)r->setup->late->node_count;

	if (nodes == 1)
		return 0;
	if (t->pid != e->pid || t->nid < 0 || e->migratetype >= MIGRATE_TYPE_COUNT ||
	    r->setup->types[e->migratetype] != MIGRATE_MOVABLE)
		return r->cpus[e->cpu].nid;
	/* Interleaving goes round some of the nodes: what followed this one the last time? */
	if (t->after[t->nid % REPLAY_NODES_NOTED] > 0 &&
	    t->after[t->nid % REPLAY_NODES_NOTED] <= nodes)
		return t->after[t->nid % REPLAY_NODES_NOTED] - 1;
	return t->nid;
}

static void learn_node(struct replay_model *r, const struct event *e, uint32_t zone)
{
	struct replay_task *t = &r->tasks[task_slot(e)];
	int32_t nid;

	if (zone == BUDDY_ZONE_NONE || r->setup->late->node_count == 1)
		return;
	nid = r->alloc.buddy->zones[zone].nid;
	if (e->migratetype >= MIGRATE_TYPE_COUNT ||
	    r->setup->types[e->migratetype] != MIGRATE_MOVABLE) {
		r->cpus[e->cpu].nid = nid;
		return;
	}
	if (t->pid != e->pid)
		*t = (struct replay_task){ e->pid, -1, { 0 }, false, false };
	if (t->nid >= 0)
		t->after[t->nid % REPLAY_NODES_NOTED] = (int16_t)(nid + 1);
	t->nid = nid;
}

static struct alloc_request request_of(const struct replay_model *r, const struct event *e)
{
	struct alloc_request req = { .cpu = e->cpu, .order = e->order };

	req.type = type_of(r, e);
	if (req.type == MIGRATE_CMA)
		req.type = MIGRATE_MOVABLE;
	/* Only mm_page_alloc tells what was asked for; the rest is taken for the usual of its type. */
	req.highest = req.type == MIGRATE_MOVABLE ? ZONE_MOVABLE : ZONE_NORMAL;
	req.nid = node_of(r, e);
	if (e->kind == EVENT_ALLOC) {
		enum zone_type highest = gfp_zone(e->gfp, r->setup->config->zones_mask);

		if (highest != ZONE_TYPE_COUNT)
			req.highest = highest;
		req.thisnode = gfp_has(&r->setup->gfp, e->gfp, GFP_BIT_THISNODE);
	}
	req.flags = page_alloc_fast_flags(&r->alloc, &req);
	return req;
}

/* Most that per-CPU counters can hide: their thresholds are at most 125 pages. */
enum { DRIFT_MAX = 1000 };

/* The kernel passed over a zone, or did not, against the watermark: its counter is behind. */
static void learn_drift(struct replay_model *r, const struct alloc_request *req, uint32_t chosen,
			uint32_t real)
{
	struct page_alloc *a = &r->alloc;
	struct alloc_zone *z;
	uint32_t zone;
	int64_t drift;

	if (chosen == BUDDY_ZONE_NONE || real == BUDDY_ZONE_NONE || chosen == real || req->order ||
	    a->buddy->zones[chosen].nid != a->buddy->zones[real].nid)
		return;
	/* Zones of a node are in ascending order of type. */
	zone = chosen > real ? chosen : real;
	z = &a->zones[zone];
	drift = z->drift + page_alloc_margin(a, zone, req, WMARK_LOW) - (chosen > real ? 0 : 1);
	/* What was allocated before a trace that begins late can be any amount. */
	if (!r->setup->from_boot || (drift <= DRIFT_MAX && drift >= -DRIFT_MAX))
		z->drift = drift;
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

/* The first record of something: the model does it all now, as far as it knows. */
static void begin_taking(struct replay_model *r, const struct event *e)
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
	if (r->setup->from_boot && set->lists[index].count &&
	    (req.order || req.type != MIGRATE_UNMOVABLE)) {
		/* Its list needs no pages, and nobody takes such pages in bulk: it is for another zone. */
		uint32_t other = next_empty(r, &req, index, zone);

		if (other != BUDDY_ZONE_NONE) {
			zone = other;
			set = page_alloc_set(a, zone, e->cpu);
		}
	}
	if (set->lists[index].count && zone != page_alloc_zone_of(a, e->pfn)) {
		c->zone = zone;
		c->index = index;
		c->order = req.order;
		c->type = req.type;
		c->done = 0;
		c->wanted = 1;
		c->doing = DOING_REFILL;
		return;
	}
	while (set->lists[index].count) {
		pageset_pop(a, set, index);
		r->silent += 1ULL << req.order;
	}
	pageset_before_alloc(a, set);
	c->tuned = true;
	c->done = 0;
	c->wanted = pageset_refill_count(a, zone, set, req.order);
	start_refill(r, e->cpu, zone, index, &req, c->wanted);
}

/* A refill that goes on after the model thought it was over. */
static bool refill_goes_on(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct alloc_request req = request_of(r, e);

	return c->doing == DOING_REFILL && !expects(c) && c->order == req.order &&
	       c->type == req.type;
}

static void on_taken(struct replay_model *r, const struct event *e)
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
	commit_pending(r, e);
	if (c->doing == DOING_DRAIN)
		settle(r, e->cpu);
	if (refill_goes_on(r, e)) {
		/* Larger batches than thought; or pages are taken in bulk and the list is filled again. */
		req = request_of(r, e);
		if (replay_model_has_next_stage(r)) {
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
		} else if (req.order || req.type != MIGRATE_UNMOVABLE) {
			/* Nobody takes such pages in bulk: the list gets more than was known. */
			c->wanted =
				c->done + pageset_refill_count(a, c->zone,
							       page_alloc_set(a, c->zone, e->cpu),
							       req.order);
			start_refill(r, e->cpu, c->zone, c->index, &req, c->wanted - c->done);
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
	req = request_of(r, e);
	/* A request for a low zone is never a movable one. */
	if (req.type == MIGRATE_MOVABLE)
		learn_drift(r, &req, c->doing == DOING_BLOCK ? c->held_zone : c->zone, zone);
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

			/* For another zone's list, which holds another amount. */
			if (c->zone != zone && !done)
				wanted = pageset_refill_count(a, zone, set, e->order);

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

/* A refill of list @index gave what the kernel did not take: it goes back, and starts again at @pfn. */
static bool refill_again(struct replay_model *r, uint32_t cpu, uint32_t zone, unsigned int index,
			 const struct alloc_request *req, pfn_t pfn)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, cpu);
	unsigned int blocks = set->lists[index].count;
	bool found;

	pageset_unrefill(a, zone, set, index, blocks);
	found = catch_up(r, zone, req, pfn);
	if (found && blocks)
		blocks--;
	pageset_refill(a, zone, set, index, req->type, req->flags, blocks);
	return found;
}

/* Where the page was by the model's account. */
static enum replay_miss explain(struct replay_model *r, const struct event *e, unsigned int index,
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

/* Most pages that one bulk allocation takes without an event. */
enum { BULK_MAX = 2048 };

/* Takes pages like a bulk allocation, which tells nothing, until @pfn comes. */
static bool bulk_until(struct replay_model *r, const struct event *e,
		       const struct alloc_request *req, unsigned int index, uint32_t zone)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);

	for (unsigned int i = 0; i <= BULK_MAX; i++) {
		if (!set->lists[index].count)
			pageset_refill(a, zone, set, index, req->type, req->flags,
				       pageset_refill_count(a, zone, set, req->order));
		if (!set->lists[index].count)
			return false;
		if (pageset_pop(a, set, index) == e->pfn)
			return true;
		r->silent += 1ULL << req->order;
	}
	return false;
}

/* A thread's stack is so many pages, taken in bulk; and how many stacks go by at most. */
enum { STACK_PAGES = REPLAY_STACK_PAGES, STACKS_MAX = 16 };

/*
 * Stacks were taken from the list of single unmovable pages, which was filled again by that, and so the
 * pages of other lists moved on:
 *
 *	model	[ list: a b c ] next free: d e f g ...		this request: d
 *	kernel	took a b c and then one of  d e f g		this request: h
 */
static bool stacks_until(struct replay_model *r, const struct event *e,
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
		for (unsigned int i = 0; i < STACK_PAGES; i++) {
			if (!set->lists[0].count) {
				fills++;
				pageset_refill(a, zone, set, 0, MIGRATE_UNMOVABLE, req->flags,
					       pageset_refill_count(a, zone, set, 0));
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

bool replay_model_correct(struct replay_model *r, const struct event *e, enum replay_correction how)
{
	struct page_alloc *a = &r->alloc;
	struct alloc_request req = request_of(r, e);
	unsigned int index = pageset_list(a, req.order, req.type);
	uint32_t zone = page_alloc_zone_of(a, e->pfn);
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct pageset *set;
	struct buddy_block block;
	bool done = false;

	if (index == 0 && c->stack_count) {
		bool first = e->pfn == c->stack[0];

		if (first) {
			give_stack_back(r, e->cpu);
			c->stacks_cached = 1;
		}
		c->stack_count = 0;
	}
	/* A page that was thought gone comes a little later: tasks were preempted on their way. */
	if (e->pfn == c->skipped)
		r->swaps = true;

	r->wrong = false;
	if (zone == BUDDY_ZONE_NONE)
		return how == REPLAY_BY_STATE;
	set = page_alloc_set(a, zone, e->cpu);
	if (how == REPLAY_BY_BULK) {
		/* Nothing but areas of unmovable pages is allocated in bulk. */
		if (index == PCP_LIST_NONE || req.order || req.type != MIGRATE_UNMOVABLE ||
		    !bulk_until(r, e, &req, index, zone))
			return false;
		done = true;
	} else if (how == REPLAY_BY_STACKS) {
		if (!stacks_until(r, e, &req, index, zone))
			return false;
		done = true;
	} else if (index != PCP_LIST_NONE && pageset_holds(a, zone, e->pfn)) {
		unsigned int at;
		uint32_t depth;

		if (r->fresh && r->wrong_zone == zone) {
			/* The list was filled too early: what is missing went before. */
			done = refill_again(r, e->cpu, zone, index, &req, e->pfn);
		} else if (pageset_find(a, set, e->pfn, &at, &depth) && at == index) {
			bool bulk = !req.order && req.type == MIGRATE_UNMOVABLE &&
				    (!r->swaps || !(depth % STACK_PAGES));
			struct list_run *run = &c->runs[index];
			pfn_t head = pageset_head(a, set, index);

			/* A page that is passed over again and again is not there. */
			run->passed = run->passed_head == head ? run->passed + 1 : 0;
			run->passed_head = head;
			bulk |= run->passed >= 2;

			if (!bulk && (c->last_pid != e->pid || !r->setup->lazy_preemption ||
				      depth > REPLAY_SWAP_DEPTH)) {
				/* It was taken before the pages above it were freed. */
				pageset_remove(a, zone, set, index, e->pfn);
			} else if (!bulk) {
				c->flying_pid = e->pid;
				c->flying_index = index;
				for (c->flying_count = 0; c->flying_count < depth;)
					c->flying[c->flying_count++] = pageset_pop(a, set, index);
				pageset_pop(a, set, index);
			} else {
				c->skipped = pageset_head(a, set, index);
				if (index == 0 && depth == STACK_PAGES)
					c->stacks_cached = 0;
				for (; depth; depth--) {
					pageset_pop(a, set, index);
					r->silent += 1ULL << req.order;
				}
				pageset_pop(a, set, index);
			}
			done = true;
		}
	} else if (!(r->setup->kinds >> EVENT_ZONE_LOCKED & 1) &&
		   buddy_find(a->buddy, zone, e->pfn, &block)) {
		done = index != PCP_LIST_NONE ? refill_again(r, e->cpu, zone, index, &req, e->pfn)
					      : catch_up(r, zone, &req, e->pfn);
	}
	if (!done)
		take_out(r, e->cpu, zone, e->pfn, e->order);
	c->last_pid = e->pid;
	page_alloc_mark(a, zone, e->pfn, e->order, req.type);
	watch_fork(r, e);
	return true;
}

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

/* Lists that were filled give ascending pages, lists of freed pages often descending ones. */
static void note_neighbour(struct list_run *run, const struct event *e, uint32_t zone)
{
	int64_t size = (int64_t)1 << e->order;

	run->step = run->last != PFN_NONE && run->last == e->pfn + (pfn_t)size ? -size : size;
	run->last = e->pfn;
	run->zone = zone;
}

static void on_alloc(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	struct alloc_request req = request_of(r, e);
	unsigned int index = pageset_list(a, req.order, req.type);
	uint32_t zone, real;
	pfn_t predicted = PFN_NONE;
	enum replay_miss miss = REPLAY_HIT;
	struct pageset *set = NULL;
	bool flew = false, told = r->setup->kinds >> EVENT_ZONE_LOCKED & 1;
	uint32_t filled;

	commit_pending(r, e);
	filled = c->doing == DOING_REFILL && c->index == index ? c->zone : BUDDY_ZONE_NONE;
	settle(r, e->cpu);
	if (e->pfn == PFN_NONE)
		return;
	real = page_alloc_zone_of(a, e->pfn);
	learn_node(r, e, real);
	if (c->flying_count && c->flying_pid != e->pid && index == c->flying_index) {
		/* Back to the task that was preempted between its page and its event. */
		predicted = c->flying[0];
		c->flying_count--;
		memmove(c->flying, c->flying + 1, c->flying_count * sizeof(*c->flying));
		if (predicted != e->pfn)
			c->flying_count = 0;
		zone = real;
		flew = true;
	} else if (c->held != PFN_NONE && c->held_order == req.order) {
		predicted = c->held;
		c->held = PFN_NONE;
		zone = c->held_zone;
	} else {
		zone = page_alloc_choose_zone(a, &req);
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
			if (!set->lists[index].count)
				r->fresh = pageset_refill(a, zone, set, index, req.type, req.flags,
							  pageset_refill_count(a, zone, set,
									       req.order));
			predicted = pageset_head(a, set, index);
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
	if (predicted == e->pfn && real != BUDDY_ZONE_NONE) {
		if (set)
			pageset_pop(a, set, index);
		else if (flew)
			take_out(r, e->cpu, real, e->pfn, e->order);
		page_alloc_mark(a, real, e->pfn, e->order, req.type);
		tell(r, e, predicted, real, miss);
		watch_fork(r, e);
		return;
	}
	if (real == BUDDY_ZONE_NONE) {
		if (!set && predicted != PFN_NONE && !flew)
			buddy_free_as(a->buddy, zone, predicted, req.order, req.type);
		tell(r, e, predicted, real, REPLAY_MISS_OUTSIDE);
		return;
	}
	if (!set && predicted != PFN_NONE && !flew)
		buddy_free_as(a->buddy, zone, predicted, req.order, req.type);
	r->wrong = true;
	r->wrong_zone = zone;
	if (filled == BUDDY_ZONE_NONE)
		learn_drift(r, &req, zone, real);
	miss = real != zone ? REPLAY_MISS_OTHER_ZONE : explain(r, e, index, real);
	if (predicted == PFN_NONE)
		miss = REPLAY_MISS_EMPTY;
	tell(r, e, predicted, real, miss);
}

/* The first list from @index on that is not empty; PCP_LIST_NONE if all are. */
static unsigned int next_list(const struct pageset *set, unsigned int index)
{
	for (unsigned int i = 0; i < PCP_LISTS_MAX; i++) {
		unsigned int at = (index + i) % PCP_LISTS_MAX;

		if (set->lists[at].count)
			return at;
	}
	return PCP_LIST_NONE;
}

/* What is drained next when nothing is known but that something is. */
static pfn_t guess_drain(struct replay_model *r, uint32_t cpu)
{
	struct replay_cpu *c = &r->cpus[cpu];
	struct page_alloc *a = &r->alloc;
	unsigned int index;

	if (c->before == EVENT_PCPU_DRAIN) {
		struct pageset *set = page_alloc_set(a, c->run_zone, c->run_cpu);

		index = next_list(set, c->run_index);
		if (index != PCP_LIST_NONE)
			return pageset_tail(a, set, index);
	}
	for (uint32_t zone = 0; zone < a->zone_count; zone++) {
		struct pageset *set = page_alloc_set(a, zone, cpu);

		index = next_list(set, 0);
		if (index != PCP_LIST_NONE)
			return pageset_tail(a, set, index);
	}
	return PFN_NONE;
}

/* Remembers where @pfn is, so that the next page of a drain can be guessed. */
static void note_run(struct replay_model *r, uint32_t cpu, uint32_t zone, pfn_t pfn)
{
	struct replay_cpu *c = &r->cpus[cpu];
	struct page_alloc *a = &r->alloc;

	if (!pageset_holds(a, zone, pfn))
		return;
	for (uint32_t i = 0; i < a->cpu_count; i++) {
		uint32_t at = i ? (i <= cpu ? i - 1 : i) : cpu;
		const struct pageset *set = page_alloc_set(a, zone, at);

		for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
			if (pageset_tail(a, set, index) != pfn)
				continue;
			c->run_zone = zone;
			c->run_cpu = at;
			c->run_index = index;
			return;
		}
	}
}

/* A drain right after a free that should not have caused one. */
static bool drain_late(struct replay_model *r, const struct event *e, uint32_t zone)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);
	unsigned int index =
		pageset_list(a, c->order, c->type < MIGRATE_HIGHATOMIC ? c->type : MIGRATE_MOVABLE);

	if (c->doing != DOING_DRAIN || c->expected.count || c->zone != zone ||
	    index == PCP_LIST_NONE || c->before == EVENT_PCPU_DRAIN)
		return false;
	if (a->rules.drain_order == 2 && pageset_tail(a, set, index) != e->pfn)
		return false;
	c->at = 0;
	a->events = &c->expected;
	pageset_drain_late(a, zone, set, c->order, index);
	a->events = NULL;
	if (expects(c) && c->expected.events[0].pfn == e->pfn)
		return true;
	settle(r, e->cpu);
	return false;
}

/* The kernel knows the block's type better. */
static void trust_type(struct replay_model *r, uint32_t zone, const struct event *told,
		       const struct event *expected)
{
	struct buddy *b = r->alloc.buddy;
	struct buddy_block block;
	enum migratetype type = type_of(r, told);

	if (told->migratetype == expected->migratetype)
		return;
	if (buddy_find(b, zone, told->pfn, &block))
		buddy_move(b, zone, &block, type, false);
	if (r->alloc.rules.drain_current_type || type >= MIGRATE_HIGHATOMIC)
		buddy_set_block_type(b, zone, told->pfn, type);
}

static void on_drain(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	uint32_t zone = page_alloc_zone_of(a, e->pfn);
	enum replay_miss miss;
	pfn_t predicted;

	commit_pending(r, e);
	if (c->doing == DOING_DRAIN && expects(c)) {
		predicted = c->expected.events[c->at].pfn;
		if (predicted == e->pfn) {
			trust_type(r, zone, e, &c->expected.events[c->at]);
			c->at++;
			c->run_zone = zone;
			c->run_cpu = e->cpu;
			c->run_index = pageset_list(a, e->order,
						    type_of(r, e) < MIGRATE_HIGHATOMIC
							    ? type_of(r, e)
							    : MIGRATE_MOVABLE);
			tell(r, e, predicted, zone, REPLAY_HIT);
			return;
		}
	} else {
		predicted = guess_drain(r, e->cpu);
	}
	if (zone == BUDDY_ZONE_NONE) {
		tell(r, e, predicted, zone, REPLAY_MISS_OUTSIDE);
		return;
	}
	if (c->doing == DOING_DRAIN && expects(c))
		settle(r, e->cpu);
	if (drain_late(r, e, zone)) {
		c->at++;
		c->run_zone = zone;
		c->run_cpu = e->cpu;
		c->run_index = pageset_list(
			a, e->order, c->type < MIGRATE_HIGHATOMIC ? c->type : MIGRATE_MOVABLE);
		tell(r, e, predicted, zone, predicted == e->pfn ? REPLAY_HIT : REPLAY_MISS_UNASKED);
		return;
	}
	expect_nothing(c);
	note_run(r, e->cpu, zone, e->pfn);
	miss = take_out(r, e->cpu, zone, e->pfn, e->order);
	if (predicted == e->pfn)
		miss = REPLAY_HIT;
	else if (miss == REPLAY_MISS_OTHER_LIST)
		miss = REPLAY_MISS_UNASKED;
	buddy_free_as(a->buddy, zone, e->pfn, e->order, type_of(r, e));
	tell(r, e, predicted, zone, miss);
}

bool replay_model_would_refill(struct replay_model *r, const struct event *e)
{
	struct page_alloc *a = &r->alloc;
	struct alloc_request req = request_of(r, e);
	unsigned int index = pageset_list(a, req.order, req.type);
	uint32_t zone;

	if (e->kind != EVENT_ALLOC || index == PCP_LIST_NONE)
		return false;
	zone = page_alloc_choose_zone(a, &req);
	return zone != BUDDY_ZONE_NONE && !page_alloc_set(a, zone, e->cpu)->lists[index].count;
}

/* Is @pfn memory that has not joined yet? */
static bool is_pending(const struct replay_model *r, pfn_t pfn)
{
	const struct buddy *b = r->alloc.buddy;

	for (uint32_t i = 0; i < b->pending_count; i++)
		if (pfn >= b->pending[i].start && pfn < b->pending[i].end)
			return true;
	return false;
}

static void on_event(struct replay_model *r, const struct event *e);

/*
 * A page of memory that has not joined yet is in use: so it had joined before the trace began, and the page
 * sets have had their last sizes since.  The page tells this, so the prediction is that of a model that
 * does not know it.
 */
static void join_unseen(struct replay_model *r, const struct event *e)
{
	struct replay_model *unaware = replay_model_clone(r);

	handover_lists_join(r->alloc.buddy);
	apply_stage(r, REPLAY_STAGES - 1);
	on_event(r, e);
	if (!unaware)
		return;
	on_event(unaware, e);
	r->outcome = unaware->outcome;
	replay_model_destroy(unaware);
}

static void on_event(struct replay_model *r, const struct event *e)
{
	r->outcome.predicted = false;
	r->wrong = false;
	r->fresh = 0;
	if (e->kind != EVENT_FREE)
		r->cpus[e->cpu].last = PFN_NONE;
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
	if (e->kind <= EVENT_EXTFRAG) {
		r->cpus[e->cpu].before = (enum event_kind)e->kind;
		/* A model that is wrong has still to know who was there before. */
		if (!r->wrong)
			r->cpus[e->cpu].last_pid = e->pid;
	}
}

bool replay_model_would_drain(struct replay_model *r, const struct event *e)
{
	struct page_alloc *a = &r->alloc;
	uint32_t zone = page_alloc_zone_of(a, e->pfn);
	const struct pageset *set;

	if (e->kind != EVENT_FREE || zone == BUDDY_ZONE_NONE || r->alloc.buddy->pending_count ||
	    pageset_list(a, e->order, MIGRATE_MOVABLE) == PCP_LIST_NONE)
		return false;
	set = page_alloc_set(a, zone, e->cpu);
	return set->high && set->count + (1u << e->order) >= set->high &&
	       set->lists[0].count >= STACK_PAGES;
}

void replay_model_take_stack(struct replay_model *r, const struct event *e)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, page_alloc_zone_of(a, e->pfn), e->cpu);

	for (unsigned int i = 0; i < STACK_PAGES && set->lists[0].count; i++) {
		pageset_pop(a, set, 0);
		r->silent++;
	}
}

struct replay_outcome replay_model_event(struct replay_model *r, const struct event *e)
{
	if (r->alloc.buddy->pending_count && e->kind != EVENT_FREE && is_pending(r, e->pfn))
		join_unseen(r, e);
	else
		on_event(r, e);
	return r->outcome;
}
