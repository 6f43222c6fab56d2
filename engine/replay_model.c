/* SPDX-License-Identifier: MIT */
#include "engine/replay_model.h"

#include <stdlib.h>
#include <string.h>

#include "engine/buddy_pending.h"
#include "engine/digest.h"
#include "engine/pageset.h"
#include "engine/replay_parts.h"
#include "engine/rmqueue.h"

/* Zones whose page sets can be disabled. */
enum { ZONES_MARKED = 64 };

static bool is_marked(uint64_t zones, uint32_t zone)
{
	return zone < ZONES_MARKED && zones >> zone & 1;
}

static void apply_stage(struct replay_model *r, unsigned int stage)
{
	const struct replay_setup *s = r->setup;

	r->stage = stage;
	for (uint32_t zone = 0; zone < r->alloc.zone_count; zone++) {
		const struct stage_sizes *sizes = &s->sizes[stage][zone];

		page_alloc_set_pagesets(&r->alloc, zone, sizes->batch, sizes->high, sizes->high_min,
					sizes->high_max);
		/* What CPUID tells of caches is known by then; few have less than three batches. */
		for (uint32_t cpu = 0; s->cached && cpu < r->alloc.cpu_count; cpu++)
			page_alloc_set(&r->alloc, zone, cpu)->high_batch = stage ==
									   REPLAY_STAGES - 1;
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
	if (!replay_phases_init(r) || r->alloc.out_of_memory || !r->cpus) {
		replay_model_destroy(r);
		return NULL;
	}
	for (unsigned int i = 0; i < REPLAY_DIRECTORIES; i++)
		r->directories[i] = PFN_NONE;
	for (uint32_t cpu = 0; cpu < s->cpu_count; cpu++) {
		for (unsigned int i = 0; i < PCP_LISTS_MAX; i++)
			r->cpus[cpu].runs[i] = (struct list_run){ .last = PFN_NONE,
								  .step = 1,
								  .zone = BUDDY_ZONE_NONE,
								  .passed_head = PFN_NONE,
								  .climb_next = PFN_NONE,
								  .strange = PFN_NONE,
								  .spared = PFN_NONE };
		r->cpus[cpu].holder = -1;
		r->cpus[cpu].held = r->cpus[cpu].last = r->cpus[cpu].last_taken =
			r->cpus[cpu].skipped = r->cpus[cpu].drained = r->cpus[cpu].drain_next =
				PFN_NONE;
	}
	for (uint32_t cpu = 0; cpu < s->cpu_count; cpu++)
		r->cpus[cpu].returned_zone = BUDDY_ZONE_NONE;
	for (uint32_t cpu = 0; cpu < s->cpu_count; cpu++)
		for (unsigned int i = 0; i < REPLAY_AWAY; i++)
			r->cpus[cpu].away[i] = (struct replay_away){ .pid = -1, .page = PFN_NONE };
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
	replay_phases_deinit(&r->phases);
	page_alloc_deinit(&r->alloc);
	if (r->lists.slots)
		buddy_deinit(&r->lists);
	free(r);
}

struct replay_model *replay_model_clone(const struct replay_model *from)
{
	struct replay_model *r = malloc(sizeof(*r));
	const struct replay_setup *s = from->setup;
	bool failed = false;

	if (!r)
		return NULL;
	*r = *from;
	memset(&r->lists, 0, sizeof(r->lists));
	memset(&r->alloc, 0, sizeof(r->alloc));
	failed = !replay_phases_copy(r, from);
	r->cpus = malloc(s->cpu_count * sizeof(*r->cpus));
	if (!r->cpus) {
		replay_phases_deinit(&r->phases);
		free(r);
		return NULL;
	}
	buddy_copy(&r->lists, from->alloc.buddy);
	page_alloc_copy(&r->alloc, &from->alloc, &r->lists);
	for (uint32_t cpu = 0; cpu < s->cpu_count; cpu++) {
		const struct replay_cpu *f = &from->cpus[cpu];
		struct replay_cpu *c = &r->cpus[cpu];

		*c = *f;
		c->expected.events =
			malloc(((size_t)f->expected.room + 1) * sizeof(*f->expected.events));
		c->frees = malloc(((size_t)f->free_room + 1) * sizeof(*f->frees));
		if (!c->expected.events || !c->frees) {
			failed = true;
			continue;
		}
		if (f->expected.count)
			memcpy(c->expected.events, f->expected.events,
			       f->expected.count * sizeof(*f->expected.events));
		if (f->free_count)
			memcpy(c->frees + f->free_first, f->frees + f->free_first,
			       f->free_count * sizeof(*f->frees));
	}
	if (failed || r->lists.out_of_memory || r->alloc.out_of_memory) {
		replay_model_destroy(r);
		return NULL;
	}
	return r;
}

uint64_t replay_model_bytes(const struct replay_model *r)
{
	const struct page_alloc *a = &r->alloc;
	uint64_t bytes = sizeof(*r) + buddy_memory_bytes(a->buddy) + replay_phases_bytes(r);

	bytes += (uint64_t)a->zone_count * (sizeof(*a->zones) + a->cpu_count * sizeof(*a->sets));
	for (uint32_t cpu = 0; cpu < r->setup->cpu_count; cpu++)
		bytes += sizeof(*r->cpus) +
			 r->cpus[cpu].expected.room * sizeof(*r->cpus->expected.events) +
			 r->cpus[cpu].free_room * sizeof(*r->cpus->frees);
	return bytes;
}

uint64_t replay_model_hash(const struct replay_model *r)
{
	const struct page_alloc *a = &r->alloc;
	uint64_t hash = digest_add(buddy_hash(a->buddy), r->disabled << 2 | r->stage);

	for (uint32_t cpu = 0; cpu < a->cpu_count; cpu++) {
		const struct replay_cpu *c = &r->cpus[cpu];

		for (unsigned int i = 0; i < PCP_LISTS_MAX; i++)
			if (c->runs[i].strange != PFN_NONE)
				hash = digest_add(digest_add(hash, c->runs[i].strange),
						  (uint64_t)c->runs[i].strange_step << 8 | i);
		for (unsigned int i = 0; i < REPLAY_AWAY; i++) {
			hash = digest_add(hash, c->away[i].page);
			for (unsigned int k = 0; k < c->away[i].held; k++)
				hash = digest_add(hash, c->away[i].frees[k].pfn);
		}
		hash = digest_add(hash, (uint64_t)c->holder);
		hash = digest_add(hash, (uint64_t)c->free_count << 1 | c->stands);
	}

	for (uint32_t i = 0; i < a->zone_count * a->cpu_count; i++) {
		const struct pageset *set = &a->sets[i];

		for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
			uint32_t cursor = BUDDY_LIST_START;
			pfn_t pfn;

			while (pageset_next(a, set, index, &cursor, &pfn))
				hash = digest_add(hash, pfn);
			hash = digest_add(hash, index);
		}
		hash = digest_add(hash, set->unknown);
		/* What a CPU counts alone matters where turns are taken. */
		if (a->buddy->zones[i / a->cpu_count].free_pages[MIGRATE_CMA])
			hash = digest_add(hash, (uint64_t)(uint32_t)set->diff.free << 32 |
							(uint32_t)set->diff.cma);
		hash = digest_add(digest_add(hash, r->phases.highs ? 0 : set->high),
				  (uint64_t)set->free_count << 16 | set->alloc_factor << 8 |
					  set->free_factor);
	}
	return hash;
}

uint64_t replay_model_glance(const struct replay_model *r)
{
	const struct page_alloc *a = &r->alloc;
	uint64_t hash = digest_add(0, r->disabled << 2 | r->stage);

	for (uint32_t zone = 0; zone < a->zone_count; zone++)
		for (unsigned int order = 0; order <= a->buddy->max_order; order++)
			for (unsigned int type = 0; type < MIGRATE_TYPE_COUNT; type++)
				hash = digest_add(hash,
						  a->buddy->zones[zone].lists[order][type].count);
	for (uint32_t i = 0; i < a->zone_count * a->cpu_count; i++) {
		const struct pageset *set = &a->sets[i];

		for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
			hash = digest_add(hash, set->lists[index].count);
			hash = digest_add(hash, pageset_head(a, set, index));
			hash = digest_add(hash, pageset_tail(a, set, index));
		}
		hash = digest_add(hash, r->phases.highs ? 0 : set->high);
		hash = digest_add(hash, (uint64_t)set->unknown << 32 | set->free_count);
		hash = digest_add(hash, (uint64_t)set->alloc_factor << 8 | set->free_factor);
	}
	return hash;
}

bool replay_model_has_next_stage(const struct replay_model *r)
{
	/* The last sizes are computed when all memory has joined. */
	return r->disabled ||
	       (r->stage + 1 < REPLAY_STAGES && (!r->stage || !r->alloc.buddy->pending_count));
}

void replay_model_start_late(struct replay_model *r)
{
	buddy_pending_join(r->alloc.buddy);
	apply_stage(r, REPLAY_STAGES - 1);
}

void replay_model_activate_cma(struct replay_model *r)
{
	struct buddy *b = r->alloc.buddy;
	unsigned int shift = r->setup->config->page_shift;

	for (uint32_t i = 0; i < r->setup->late->cma_count; i++) {
		const struct cma_area *area = &r->setup->late->cma[i];

		for (pfn_t pfn = area->start >> shift; pfn < area->end >> shift;
		     pfn += 1ULL << b->pageblock_order) {
			uint32_t zone = page_alloc_zone_of(&r->alloc, pfn);

			if (zone != BUDDY_ZONE_NONE)
				buddy_set_block_type(b, zone, pfn, MIGRATE_CMA);
		}
	}
}

void replay_model_settle(struct replay_model *r, uint32_t cpu)
{
	replay_settle(r, cpu);
}

static void size_zone(struct replay_model *r, uint32_t zone)
{
	const struct stage_sizes *sizes = &r->setup->sizes[r->stage][zone];

	page_alloc_set_pagesets(&r->alloc, zone, sizes->batch, sizes->high, sizes->high_min,
				sizes->high_max);
}

void replay_model_next_stage(struct replay_model *r)
{
	uint64_t disabled = r->disabled;

	r->disabled = 0;
	if (!disabled) {
		apply_stage(r, r->stage + 1);
		return;
	}
	for (uint32_t zone = 0; zone < r->alloc.zone_count; zone++)
		if (is_marked(disabled, zone))
			size_zone(r, zone);
}

void replay_model_disable(struct replay_model *r, uint32_t zone)
{
	if (zone >= ZONES_MARKED)
		return;
	r->disabled |= 1ULL << zone;
	page_alloc_set_pagesets(&r->alloc, zone, 1, 0, 0, 0);
}

void replay_model_resize(struct replay_model *r)
{
	if (r->stage != REPLAY_STAGES - 1)
		return;
	page_alloc_set_watermarks(&r->alloc, r->setup->late->nodes);
	for (uint32_t zone = 0; zone < r->alloc.zone_count; zone++)
		if (!is_marked(r->disabled, zone))
			size_zone(r, zone);
}

static void on_event(struct replay_model *r, const struct event *e);

/*
 * All events are of the idle task, which boots the machine and has no programs: the threads that free deferred
 * memory do not run yet, and @e's page joined because all that was free before was taken, by what the boot
 * allocates for itself (buffers of the trace, as a rule), page by page.  False: the machine had booted, as one that
 * is idle allocates in interrupts alone, or its kernel does not do that.
 */
static bool grow_unseen(struct replay_model *r, const struct event *e)
{
	struct page_alloc *a = &r->alloc;
	uint32_t zone = page_alloc_zone_of(a, e->pfn);
	struct alloc_request req = replay_request(r, e);

	if (!r->idle_alone || req.type != MIGRATE_UNMOVABLE ||
	    e->context & EVENT_CONTEXT_INTERRUPT || zone == BUDDY_ZONE_NONE ||
	    !fact_get(r->setup->facts, FACT_deferred_grows))
		return false;
	while (buddy_pending_has(a->buddy, e->pfn, e->order)) {
		enum rmqueue_mode mode = RMQUEUE_NORMAL;

		while (rmqueue_one(a, zone, 0, req.type, req.flags, &mode) != PFN_NONE)
			r->silent++;
		if (!buddy_pending_grow(a->buddy, zone))
			return false;
	}
	return true;
}

/*
 * A page of memory that has not joined yet is in use: so it had joined before the trace began, and the page
 * sets have had their last sizes since, unless the boot had come no further than that its zone had to grow.
 * The page tells this, so the prediction is that of a model that does not know it.
 */
static void join_unseen(struct replay_model *r, const struct event *e)
{
	struct replay_model *unaware = replay_model_clone(r);

	if (!grow_unseen(r, e)) {
		buddy_pending_join(r->alloc.buddy);
		apply_stage(r, REPLAY_STAGES - 1);
	}
	on_event(r, e);
	if (!unaware) {
		r->alloc.out_of_memory = true;
		return;
	}
	on_event(unaware, e);
	r->outcome = unaware->outcome;
	r->alloc.out_of_memory |= replay_model_out_of_memory(unaware);
	replay_model_destroy(unaware);
}

static void on_event(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	bool of_page = e->kind <= EVENT_EXTFRAG;

	r->outcome.predicted = false;
	r->wrong = false;
	r->fresh = 0;
	replay_commit_others(r, e);
	if (of_page && r->setup->lazy_preemption && e->pid != c->last_pid)
		replay_watch_switch(r, e);
	/* It goes on; or another one has the page set. */
	if (e->kind == EVENT_FREE_BATCHED || (of_page && c->holder == e->pid))
		c->holder = -1;
	if (e->kind != EVENT_FREE)
		c->last = PFN_NONE;
	switch ((enum event_kind)e->kind) {
	case EVENT_ALLOC:
		replay_on_alloc(r, e);
		break;
	case EVENT_FREE:
		replay_on_free(r, e);
		break;
	case EVENT_FREE_BATCHED:
		replay_on_free_batched(r, e);
		break;
	case EVENT_ZONE_LOCKED:
	case EVENT_EXTFRAG:
		replay_on_taken(r, e);
		break;
	case EVENT_PCPU_DRAIN:
		replay_on_drain(r, e);
		break;
	default:
		break;
	}
	if (of_page) {
		c->before = (enum event_kind)e->kind;
		c->before_pfn = e->pfn;
		c->before_time = e->time;
		if (r->setup->interruptible)
			replay_watch_depth(r, e);
		if (r->setup->lazy_preemption)
			replay_trail(r, e);
		/* A model that is wrong has still to know who was there before. */
		if (!r->wrong)
			c->last_pid = e->pid;
	}
}

const struct replay_outcome *replay_model_event(struct replay_model *r, const struct event *e)
{
	if (!(r->setup->kinds >> EVENT_PCPU_DRAIN & 1))
		replay_phases_advance(r, e);
	if (e->pid) {
		r->idle_alone = false;
	} else {
		r->seen_idle = true;
		r->from_idle |= !r->begun;
		r->idle_alone |= !r->begun;
	}
	r->begun = true;
	if (r->alloc.buddy->pending_count && e->kind != EVENT_FREE && e->pfn != PFN_NONE &&
	    buddy_pending_has(r->alloc.buddy, e->pfn, e->order))
		join_unseen(r, e);
	else
		on_event(r, e);
	return &r->outcome;
}
