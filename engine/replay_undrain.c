/* SPDX-License-Identifier: MIT */
/*
 * Drains that were none.  Where a trace does not tell of drains, their moments follow from how many pages
 * a page set holds and from a mark that may change; both can be off by what was taken without an event, or
 * before the trace.  So the last drained blocks are remembered, and put back when one of them is handed out:
 *
 *	model	[ a b c ] drained, last to first: d e f g	the list is empty, and filled anew
 *	kernel	[ a b c d e f g ]				the request got d: next are e f g
 */
#include "engine/pageset_list.h"
#include "engine/replay_parts.h"

/* A drained page is often what a refill would give first, too: so many make it sure that it was one. */
enum { RIGHT_ENOUGH = 4 };

static struct replay_drained *drained_at(struct replay_model *r, uint64_t at)
{
	return &r->drained[at % REPLAY_DRAINED];
}

/* What the model did to the page sets of @cpu is in its expected events, of which nobody is told. */
static void note_drained(struct replay_model *r, uint32_t cpu)
{
	struct replay_cpu *c = &r->cpus[cpu];
	bool first = true;

	for (uint32_t i = 0; i < c->expected.count; i++) {
		const struct event *e = &c->expected.events[i];
		enum migratetype type = type_of(r, e);

		if (e->kind != EVENT_PCPU_DRAIN)
			continue;
		*drained_at(r, r->drained_count++) = (struct replay_drained){
			.pfn = e->pfn,
			.cpu = cpu,
			.index = (uint8_t)pageset_list(&r->alloc, e->order,
						       type < MIGRATE_HIGHATOMIC ? type
										 : MIGRATE_MOVABLE),
			.first = first,
		};
		first = false;
	}
	expect_nothing(c);
}

void replay_put(struct replay_model *r, uint32_t cpu, pfn_t pfn, unsigned int order)
{
	struct page_alloc *a = &r->alloc;
	uint32_t zone = page_alloc_zone_of(a, pfn), i;
	struct pageset before;

	if (!replay_model_phase_known(r) && zone != BUDDY_ZONE_NONE &&
	    order <= a->buddy->max_order &&
	    a->rules.list_of_freed[order][near_type(a, pfn)] != PCP_LIST_NONE) {
		i = zone * a->cpu_count + cpu;
		before = a->sets[i];
		/* Else all go on alike. */
		if (order || a->zones[zone].below_high || before.count + 1 >= r->phases.lowest[i]) {
			before.alloc_factor >>= 1;
			replay_tune_freed(r, i, &before, order);
		}
	}
	r->alloc.events = &r->cpus[cpu].expected;
	page_alloc_put(&r->alloc, cpu, pfn, order);
	r->alloc.events = NULL;
	note_drained(r, cpu);
}

void replay_decay(struct replay_model *r, uint32_t cpu, uint32_t zone)
{
	r->alloc.events = &r->cpus[cpu].expected;
	pageset_decay(&r->alloc, zone, page_alloc_set(&r->alloc, zone, cpu));
	r->alloc.events = NULL;
	note_drained(r, cpu);
}

void replay_named_rightly(struct replay_model *r, const struct event *e, unsigned int index)
{
	struct list_run *run = &r->cpus[e->cpu].runs[index];

	if (r->fresh) {
		run->filled_at = r->drained_count;
		run->filled = r->fresh;
		run->filled_right = 0;
	}
	run->filled--;
	if (++run->filled_right < RIGHT_ENOUGH)
		return;
	run->drained_surely = run->filled_at;
	run->filled_right = 0;
}

/* Is all that list @index has of a refill of which it is not known whether it was one? */
static bool unsurely_filled(struct replay_model *r, const struct event *e, uint32_t zone,
			    unsigned int index)
{
	const struct list_run *run = &r->cpus[e->cpu].runs[index];
	uint32_t count = page_alloc_set(&r->alloc, zone, e->cpu)->lists[index].count;

	return count == r->fresh || (!r->fresh && run->filled_right && count == run->filled);
}

/* The first number that is remembered and not sure. */
static uint64_t unsure_from(const struct replay_model *r, const struct event *e, unsigned int index)
{
	uint64_t kept = r->drained_count > REPLAY_DRAINED ? r->drained_count - REPLAY_DRAINED : 0;
	uint64_t sure = r->cpus[e->cpu].runs[index].drained_surely;

	return kept > sure ? kept : sure;
}

/* The number of the page of @e, or drained_count. */
static uint64_t find_drained(struct replay_model *r, const struct event *e, unsigned int index)
{
	uint64_t from = unsure_from(r, e, index);

	for (uint64_t at = r->drained_count; at-- > from;) {
		const struct replay_drained *d = drained_at(r, at);

		if (d->pfn == e->pfn && d->index == index && d->cpu == e->cpu)
			return at;
	}
	return r->drained_count;
}

bool replay_may_undrain(struct replay_model *r, const struct event *e, uint32_t zone,
			unsigned int index)
{
	struct page_alloc *a = &r->alloc;
	struct buddy_block block;

	return index != PCP_LIST_NONE && zone == r->wrong_zone &&
	       unsurely_filled(r, e, zone, index) &&
	       (pageset_holds(a, zone, e->pfn) || buddy_find(a->buddy, zone, e->pfn, &block)) &&
	       find_drained(r, e, index) != r->drained_count;
}

bool replay_undrain(struct replay_model *r, const struct event *e, uint32_t zone,
		    unsigned int index, bool all)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);
	uint64_t from, at;

	if (!replay_may_undrain(r, e, zone, index))
		return false;
	from = unsure_from(r, e, index);
	at = find_drained(r, e, index) + 1;
	pageset_unrefill(a, zone, set, index, set->lists[index].count);
	while (at-- > from) {
		const struct replay_drained *d = drained_at(r, at);
		struct buddy_block block;

		if (d->index == index && d->cpu == e->cpu) {
			/* What was handed out since was drained surely, and so was what went before. */
			if (!buddy_find(a->buddy, zone, d->pfn, &block) || block.order < e->order)
				break;
			buddy_carve(a->buddy, zone, &block, d->pfn, e->order, block.type);
			pageset_insert(a, zone, set, index, d->pfn, true);
		}
		if (d->first && !all)
			break;
	}
	if (pageset_head(a, set, index) != e->pfn)
		return false;
	pageset_pop(a, set, index);
	if (set->count >= set->high)
		replay_no_drain(r, zone, e->cpu);
	return true;
}

bool replay_may_end(struct replay_model *r, const struct event *e, uint32_t zone,
		    unsigned int index)
{
	struct buddy_block block;

	/* Others are rather taken without an event than drained. */
	return index == pageset_list(&r->alloc, 0, MIGRATE_MOVABLE) && zone == r->wrong_zone &&
	       !r->fresh && page_alloc_set(&r->alloc, zone, e->cpu)->lists[index].count &&
	       (pageset_holds(&r->alloc, zone, e->pfn) ||
		buddy_find(r->alloc.buddy, zone, e->pfn, &block));
}

bool replay_end(struct replay_model *r, const struct event *e, const struct alloc_request *req,
		uint32_t zone, unsigned int index)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);

	if (!replay_may_end(r, e, zone, index))
		return false;
	pageset_unrefill(a, zone, set, index, set->lists[index].count);
	pageset_refill(a, zone, set, index, req->type, req->flags,
		       replay_refill_count(r, e->cpu, zone, req->order));
	if (pageset_head(a, set, index) != e->pfn)
		return false;
	pageset_pop(a, set, index);
	return true;
}

/* ---- drains from elsewhere ----------------------------------------------------------------------- */

/* So many batches make a page set large. */
enum { MANY_BATCHES = 4 };

/* The other CPU whose page set has the page; cpu_count: none has. */
static uint32_t holder_of(struct replay_model *r, const struct event *e, uint32_t zone)
{
	struct page_alloc *a = &r->alloc;
	unsigned int index;
	uint32_t depth;

	for (uint32_t cpu = 0; cpu < a->cpu_count; cpu++)
		if (cpu != e->cpu &&
		    pageset_find(a, page_alloc_set(a, zone, cpu), e->pfn, &index, &depth))
			return cpu;
	return a->cpu_count;
}

/*
 * A CPU hands out what another one has on a list, and that one has not so many pages yet that it drains them
 * itself.  So someone else did: the CPU is gone (page_alloc_cpu_dead()), or all page sets of the zone were
 * drained (drain_all_pages(), as when memory is to go offline).
 */
bool replay_may_be_elsewhere(struct replay_model *r, const struct event *e, uint32_t zone,
			     unsigned int index)
{
	struct page_alloc *a = &r->alloc;
	const struct pageset *set;
	uint32_t cpu;

	if (index == PCP_LIST_NONE || zone != r->wrong_zone || a->cpu_count == 1 ||
	    !pageset_holds(a, zone, e->pfn))
		return false;
	cpu = holder_of(r, e, zone);
	if (cpu == a->cpu_count)
		return false;
	/* Of small ones, it is soon not known well enough how many pages they have. */
	set = page_alloc_set(a, zone, cpu);
	return set->count >= MANY_BATCHES * set->batch && set->count + set->batch < set->high;
}

bool replay_drain_elsewhere(struct replay_model *r, const struct event *e,
			    const struct alloc_request *req, uint32_t zone, unsigned int index)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu);
	/* Where the list had pages, and the kernel filled it all the same, all sets were drained. */
	bool all = !r->fresh;
	uint32_t cpu;

	if (!replay_may_be_elsewhere(r, e, zone, index))
		return false;
	cpu = holder_of(r, e, zone);
	pageset_unrefill(a, zone, set, index, r->fresh);
	for (uint32_t i = 0; i < a->cpu_count; i++) {
		struct pageset *drained = page_alloc_set(a, zone, i);

		if (all || i == cpu)
			pageset_drain(a, zone, drained, drained->count, 0);
	}
	pageset_refill(a, zone, set, index, req->type, req->flags,
		       pageset_refill_count(a, zone, set, req->order));
	if (pageset_head(a, set, index) != e->pfn)
		return false;
	pageset_pop(a, set, index);
	return true;
}

/* ---- lists that end sooner ------------------------------------------------------------------------ */

/*
 * Another CPU filled its list less far than thought, or from elsewhere, or had drained it already, and so this list was
 * filled with what the model has at that one's end:
 *
 *	model	CPU 0 [ ... x y ]	CPU 1 filled: z ...		the request got x
 *	kernel	CPU 0 [ ... ]		CPU 1 filled: x y z ...
 */
bool replay_may_end_elsewhere(struct replay_model *r, const struct event *e, uint32_t zone,
			      unsigned int index)
{
	struct page_alloc *a = &r->alloc;
	unsigned int at;
	uint32_t cpu, depth;

	if (index == PCP_LIST_NONE || zone != r->wrong_zone || !pageset_holds(a, zone, e->pfn))
		return false;
	/* It was filled for this; or will be, when what was strange turns out to be over. */
	if (!r->fresh &&
	    !(r->wrong_strange && !page_alloc_set(a, zone, e->cpu)->lists[index].count))
		return false;
	cpu = holder_of(r, e, zone);
	return cpu < a->cpu_count &&
	       pageset_find(a, page_alloc_set(a, zone, cpu), e->pfn, &at, &depth) && at == index;
}

bool replay_end_elsewhere(struct replay_model *r, const struct event *e,
			  const struct alloc_request *req, uint32_t zone, unsigned int index)
{
	struct page_alloc *a = &r->alloc;
	struct pageset *set = page_alloc_set(a, zone, e->cpu), *other;
	unsigned int at;
	uint32_t depth;

	if (!replay_may_end_elsewhere(r, e, zone, index))
		return false;
	other = page_alloc_set(a, zone, holder_of(r, e, zone));
	if (!pageset_find(a, other, e->pfn, &at, &depth))
		return false;
	pageset_unrefill(a, zone, set, index, r->fresh);
	pageset_unrefill(a, zone, other, index, other->lists[index].count - depth);
	pageset_refill(a, zone, set, index, req->type, req->flags, r->fresh);
	if (pageset_head(a, set, index) != e->pfn)
		return false;
	pageset_pop(a, set, index);
	return true;
}
