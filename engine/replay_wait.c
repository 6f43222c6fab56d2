/* SPDX-License-Identifier: MIT */
/*
 * Frees that wait where no event tells when they are carried out.  A batch of frees is announced at once, and then the
 * page set takes them one by one and drains what is too much (free_unref_page_list()).  Between the two, another CPU may
 * look at the free lists, most of all where CPUs are threads of a host, which takes them away:
 *
 *	CPU 0	free a b c ...			[ drains x y z ]
 *	CPU 1			filled: d e f ...			filled: z y x
 *
 * So a free that drains waits, with what comes behind it, until its CPU does something else, or another one looks at
 * the free lists.  Then it has been carried out, and there is one account for each drain before which the CPU may stand
 * still instead.
 */
#include "engine/pageset.h"
#include "engine/replay_parts.h"

/* Most frees that wait: pages that leave a process's memory together (MAX_GATHER_BATCH). */
enum { GATHERED_MAX = 512 };

/*
 * Runs of pages are freed when it is known how long they are, which is a waiting of its own; and where high marks sink
 * with time, a free that is carried out later would find another one.
 */
static bool may_wait(const struct replay_model *r)
{
	return r->setup->cpu_count > 1 && r->setup->free_rule && !tells_of_batches(r) &&
	       !r->setup->contiguous_runs && !r->phases.highs;
}

/* Would a free of 2^@order pages at @pfn make the page set drain? */
static bool drains(struct replay_model *r, uint32_t cpu, pfn_t pfn, unsigned int order)
{
	uint32_t zone = page_alloc_zone_of(&r->alloc, pfn);
	const struct pageset *set;

	if (zone == BUDDY_ZONE_NONE)
		return false;
	set = page_alloc_set(&r->alloc, zone, cpu);
	return set->high && set->count + (1U << order) >= set->high;
}

/* May the free at @e be one of a batch?  Those of interrupts are none, and up to 6.8 batches are of single pages. */
static bool in_batch(const struct replay_model *r, const struct event *e)
{
	return !(e->context & EVENT_CONTEXT_INTERRUPT) && (!e->order || r->setup->free_rule > 1);
}

bool replay_frees_wait(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];

	if (!may_wait(r) || !in_batch(r, e))
		return false;
	if (c->free_count >= GATHERED_MAX)
		replay_commit_loose(r, e);
	if (c->free_count)
		return true;
	c->waits_since = e->time;
	return drains(r, e->cpu, e->pfn, e->order);
}

/* Does the free at @e reach the free lists at once? */
static bool reaches_lists(struct replay_model *r, const struct event *e)
{
	const struct replay_cpu *c = &r->cpus[e->cpu];

	if (pageset_list(&r->alloc, e->order, MIGRATE_MOVABLE) == PCP_LIST_NONE)
		return true;
	/* What is left over of an exact amount goes past the page set. */
	if (c->last != PFN_NONE && e->pfn > c->last && e->pfn < c->last + (1ULL << c->last_order))
		return true;
	return !in_batch(r, e) && (c->free_count || drains(r, e->cpu, e->pfn, e->order));
}

/* Does @e look at the free lists? */
static bool looks_at_lists(struct replay_model *r, const struct event *e)
{
	if (e->kind == EVENT_FREE)
		return reaches_lists(r, e);
	if (e->kind != EVENT_ALLOC)
		return true;
	return r->cpus[e->cpu].free_count ||
	       pageset_list(&r->alloc, e->order, requested_type(r, e)) == PCP_LIST_NONE ||
	       replay_model_would_refill(r, e);
}

/* Does something wait on @cpu, which does not stand still? */
static bool is_due(const struct replay_cpu *c)
{
	return c->free_count && !c->stands;
}

void replay_commit_others(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *own = &r->cpus[e->cpu];
	bool looks = false;

	if (!may_wait(r))
		return;
	own->stands = false;
	for (uint32_t cpu = 0; cpu < r->setup->cpu_count && !looks; cpu++)
		looks = is_due(&r->cpus[cpu]);
	if (!looks || !looks_at_lists(r, e))
		return;
	/* Those first that were announced before what waits here. */
	for (uint32_t cpu = 0; cpu < r->setup->cpu_count; cpu++)
		if (cpu != e->cpu && is_due(&r->cpus[cpu]) &&
		    (!own->free_count || r->cpus[cpu].waits_since <= own->waits_since))
			replay_model_commit(r, cpu);
	replay_model_commit(r, e->cpu);
	for (uint32_t cpu = 0; cpu < r->setup->cpu_count; cpu++)
		if (is_due(&r->cpus[cpu]))
			replay_model_commit(r, cpu);
}

/* Does a part of the block at @pfn wait? */
static bool is_announced(const struct replay_cpu *c, pfn_t pfn, unsigned int order)
{
	for (uint32_t i = 0; i < c->free_count; i++)
		if (c->frees[c->free_first + i].pfn >> order == pfn >> order)
			return true;
	return false;
}

void replay_model_see(struct replay_model *r, const struct event *e)
{
	for (uint32_t cpu = 0; may_wait(r) && cpu < r->setup->cpu_count; cpu++)
		if (is_due(&r->cpus[cpu]) || is_announced(&r->cpus[cpu], e->pfn, e->order))
			replay_model_commit(r, cpu);
}

bool replay_model_has_list(const struct replay_model *r, const struct event *e)
{
	return pageset_list(&r->alloc, e->order, MIGRATE_MOVABLE) != PCP_LIST_NONE;
}

uint32_t replay_model_may_stand(struct replay_model *r, const struct event *e, uint32_t from)
{
	uint32_t cpus = r->setup->cpu_count;

	while (may_wait(r) && from < cpus && (from == e->cpu || !is_due(&r->cpus[from])))
		from++;
	return from < cpus && may_wait(r) && looks_at_lists(r, e) ? from : cpus;
}

bool replay_model_stand(struct replay_model *r, uint32_t cpu, unsigned int count)
{
	struct replay_cpu *c = &r->cpus[cpu];

	for (unsigned int drained = 0; c->free_count; replay_commit_first(r, cpu)) {
		const struct announced *f = &c->frees[c->free_first];

		if (!drains(r, cpu, f->pfn, f->order))
			continue;
		if (drained++ == count) {
			c->stands = true;
			return true;
		}
	}
	return false;
}
