/* SPDX-License-Identifier: MIT */
/*
 * When high marks sink.  About once a second the kernel's statistics worker lowers the high marks of a CPU's
 * page sets, always at the same part of a second of the kernel's own clock (round_jiffies); where that lies in
 * a second of the trace is told by nothing:
 *
 *	trace	|.....x..............|.....x..............|.....x		one of 64 parts
 *
 * High marks are mostly far above what a page set holds, so it seldom matters.  Thus one model has them for
 * each part that is possible, and does what is the same for all; only where it is not, because a drain would
 * come or a refill be less, parts go to models of their own.  What these miss then tells which is right.
 *
 *	high	part 1  ----.__----.__---	pages held:	   __/\_
 *		part 2	--.__----.__-----			__/	\___
 */
#include <stdlib.h>
#include <string.h>

#include "engine/digest.h"
#include "engine/pageset.h"
#include "engine/replay_parts.h"

enum { SECOND = 1000000000, PART = SECOND / REPLAY_PHASES }; /* nanoseconds */
/* The first time is at least so much after the worker was started; round_jiffies() rounds to the nearest. */
enum { FIRST_DECAY = 750000000 };
/* Of what comes behind a longer silence, the seconds that count: high marks have sunk to nothing. */
enum { SECONDS_MAX = 64 };
/* Blocks freed at one event that are looked at one by one. */
enum { FREES_MAX = 512 };

static bool has(const struct replay_phases *p, unsigned int part)
{
	return p->may >> part & 1;
}

bool replay_phases_init(struct replay_model *r)
{
	struct replay_phases *p = &r->phases;
	size_t sets = (size_t)r->alloc.zone_count * r->alloc.cpu_count;

	p->may = p->agree = UINT64_MAX;
	if (!r->alloc.rules.high_decays)
		return true;
	p->highs = calloc(sets, sizeof(*p->highs));
	p->lowest = calloc(sets, sizeof(*p->lowest));
	p->highest = calloc(sets, sizeof(*p->highest));
	return p->highs && p->lowest && p->highest;
}

void replay_phases_deinit(struct replay_phases *p)
{
	free(p->highs);
	free(p->lowest);
	free(p->highest);
	memset(p, 0, sizeof(*p));
}

bool replay_phases_copy(struct replay_model *r, const struct replay_model *from)
{
	struct replay_phases *p = &r->phases;
	const struct replay_phases *f = &from->phases;
	size_t sets = (size_t)from->alloc.zone_count * from->alloc.cpu_count;

	*p = *f;
	p->highs = NULL;
	p->lowest = p->highest = NULL;
	if (!f->highs)
		return true;
	p->highs = malloc(sets * sizeof(*p->highs));
	p->lowest = malloc(sets * sizeof(*p->lowest));
	p->highest = malloc(sets * sizeof(*p->highest));
	if (!p->highs || !p->lowest || !p->highest)
		return false;
	memcpy(p->highs, f->highs, sets * sizeof(*p->highs));
	memcpy(p->lowest, f->lowest, sets * sizeof(*p->lowest));
	memcpy(p->highest, f->highest, sets * sizeof(*p->highest));
	return true;
}

uint64_t replay_phases_bytes(const struct replay_model *r)
{
	uint64_t sets = (uint64_t)r->alloc.zone_count * r->alloc.cpu_count;

	return r->phases.highs ? sets * (sizeof(*r->phases.highs) + 2 * sizeof(uint32_t)) : 0;
}

uint64_t replay_phases_hash(const struct replay_model *r)
{
	uint64_t hash = digest_add(0, r->phases.may);

	for (uint32_t i = 0; r->phases.highs && i < r->alloc.zone_count * r->alloc.cpu_count; i++)
		for (unsigned int part = 0; part < REPLAY_PHASES; part++)
			if (has(&r->phases, part))
				hash = digest_add(hash, r->phases.highs[i][part]);
	return hash;
}

bool replay_model_phase_known(const struct replay_model *r)
{
	return !r->phases.highs || !(r->phases.may & (r->phases.may - 1));
}

/* The bounds of page set @i. */
static void bound(struct replay_model *r, uint32_t i)
{
	struct replay_phases *p = &r->phases;
	uint32_t low = UINT32_MAX, high = 0;

	for (unsigned int part = 0; part < REPLAY_PHASES; part++) {
		uint32_t mark = p->highs[i][part];

		if (!has(p, part))
			continue;
		low = mark < low ? mark : low;
		high = mark > high ? mark : high;
	}
	p->lowest[i] = low;
	p->highest[i] = high;
}

static void bound_all(struct replay_model *r)
{
	for (uint32_t i = 0; i < r->alloc.zone_count * r->alloc.cpu_count; i++)
		bound(r, i);
}

/* The high mark of page set @i was changed by what knows of one part alone: it changes for the others, too. */
static void follow(struct replay_model *r, uint32_t i)
{
	struct replay_phases *p = &r->phases;
	const struct pageset *set = &r->alloc.sets[i];
	uint32_t was = p->highs[i][p->chosen];

	if (set->high == was)
		return;
	for (unsigned int part = 0; part < REPLAY_PHASES; part++) {
		int64_t mark = (int64_t)p->highs[i][part] + set->high - was;

		mark = mark > set->high_max ? set->high_max : mark;
		p->highs[i][part] = mark < set->high_min ? set->high_min : (uint32_t)mark;
	}
	p->highs[i][p->chosen] = set->high;
	bound(r, i);
}

/* The page sets have the marks of the part in the middle: what it does most parts do. */
static void choose(struct replay_model *r)
{
	struct replay_phases *p = &r->phases;
	uint32_t sets = r->alloc.zone_count * r->alloc.cpu_count, widest = 0;
	unsigned int order[REPLAY_PHASES], count = 0;

	for (uint32_t i = 1; i < sets; i++)
		if (p->highest[i] - p->lowest[i] > p->highest[widest] - p->lowest[widest])
			widest = i;
	for (unsigned int part = 0; part < REPLAY_PHASES; part++) {
		unsigned int at = count;

		if (!has(p, part))
			continue;
		for (; at && p->highs[widest][order[at - 1]] > p->highs[widest][part]; at--)
			order[at] = order[at - 1];
		order[at] = part;
		count++;
	}
	p->chosen = order[count / 2];
	for (uint32_t i = 0; i < sets; i++)
		r->alloc.sets[i].high = p->highs[i][p->chosen];
}

void replay_model_limit(struct replay_model *r, uint64_t may)
{
	struct replay_phases *p = &r->phases;

	if (!p->highs || !(p->may & may))
		return;
	for (uint32_t i = 0; i < r->alloc.zone_count * r->alloc.cpu_count; i++)
		follow(r, i);
	p->may &= may;
	p->agree = p->may;
	bound_all(r);
	choose(r);
}

uint64_t replay_model_part(struct replay_model *r, bool leave)
{
	struct replay_phases *p = &r->phases;
	uint64_t rest = p->may & ~p->agree;

	if (!rest || !p->highs || !leave) {
		p->agree = p->may;
		return 0;
	}
	p->may = p->agree;
	bound_all(r);
	return rest;
}

bool replay_model_join_phases(struct replay_model *r, const struct replay_model *from)
{
	struct replay_phases *p = &r->phases;
	const struct replay_phases *f = &from->phases;

	if (!p->highs)
		return true;
	for (uint32_t i = 0; i < r->alloc.zone_count * r->alloc.cpu_count; i++)
		for (unsigned int part = 0; part < REPLAY_PHASES; part++)
			if (has(f, part) && has(p, part) &&
			    p->highs[i][part] != f->highs[i][part] &&
			    min_u32(p->highs[i][part], f->highs[i][part]) <
				    2 * r->alloc.sets[i].count)
				return false;
	for (uint32_t i = 0; i < r->alloc.zone_count * r->alloc.cpu_count; i++)
		for (unsigned int part = 0; part < REPLAY_PHASES; part++)
			if (has(f, part) && !has(p, part))
				p->highs[i][part] = part == f->chosen ? from->alloc.sets[i].high
								      : f->highs[i][part];
	p->may |= f->may;
	p->agree = p->may;
	bound_all(r);
	return true;
}

/* ---- what time does ------------------------------------------------------------------------------- */

/* When the part numbered @number, from time 0, is over. */
static uint64_t end_of(uint64_t number)
{
	return (number + 1) * PART;
}

/* The first part that is not over for the CPU of @e, of those that count. */
static uint64_t first_part(const struct replay_model *r, const struct event *e)
{
	uint64_t now = e->time / PART, from = r->cpus[e->cpu].part;
	uint64_t most = (uint64_t)SECONDS_MAX * REPLAY_PHASES;

	return now > from + most ? now - most : from;
}

uint64_t replay_model_sinking(struct replay_model *r, const struct event *e)
{
	const struct page_alloc *a = &r->alloc;
	const struct replay_phases *p = &r->phases;
	uint64_t now = e->time / PART, sinking = 0;

	if (replay_model_phase_known(r) || !p->from || r->cpus[e->cpu].part >= now)
		return 0;
	for (uint32_t zone = 0; zone < a->zone_count; zone++) {
		uint32_t i = zone * a->cpu_count + e->cpu, marks[REPLAY_PHASES];
		struct pageset set = a->sets[i];

		follow(r, i);
		/* It would have to sink to less than nothing. */
		if (!set.count)
			continue;
		memcpy(marks, p->highs[i], sizeof(marks));
		for (uint64_t number = first_part(r, e); number < now; number++) {
			unsigned int part = number % REPLAY_PHASES;

			if (!has(p, part) || end_of(number) < p->from)
				continue;
			set.high = marks[part];
			marks[part] = pageset_decayed_high(&set);
			if (set.count > marks[part])
				sinking |= 1ULL << part;
		}
	}
	return sinking;
}

uint64_t replay_model_alike(const struct replay_model *r, unsigned int part)
{
	const struct replay_phases *p = &r->phases;
	uint64_t alike = p->may;

	for (uint32_t i = 0; p->highs && i < r->alloc.zone_count * r->alloc.cpu_count; i++)
		for (unsigned int other = 0; other < REPLAY_PHASES; other++)
			if (p->highs[i][other] != p->highs[i][part])
				alike &= ~(1ULL << other);
	return alike;
}

bool replay_model_is_all(const struct replay_model *r, uint64_t parts)
{
	return !(r->phases.may & ~parts);
}

/* The part is over for @cpu. */
static void sink(struct replay_model *r, uint32_t cpu, unsigned int part)
{
	struct page_alloc *a = &r->alloc;
	struct replay_phases *p = &r->phases;

	for (uint32_t zone = 0; zone < a->zone_count; zone++) {
		uint32_t i = zone * a->cpu_count + cpu;
		struct pageset set;

		follow(r, i);
		if (part == p->chosen) {
			replay_decay(r, cpu, zone);
			p->highs[i][part] = a->sets[i].high;
		} else {
			set = a->sets[i];
			set.high = p->highs[i][part];
			p->highs[i][part] = pageset_decayed_high(&set);
		}
		bound(r, i);
	}
}

void replay_phases_advance(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct replay_phases *p = &r->phases;
	uint64_t now = e->time / PART;

	if (!p->highs)
		return;
	if (!p->from) {
		/* The first initcalls start it; a trace that begins later begins with another task. */
		if (!e->pid)
			return;
		p->from = e->time + (r->seen_idle ? FIRST_DECAY : 1);
	}
	if (c->part >= now)
		return;
	for (c->part = first_part(r, e); c->part < now; c->part++)
		if (has(p, c->part % REPLAY_PHASES) && end_of(c->part) >= p->from &&
		    c->sunk != c->part + 1)
			sink(r, e->cpu, c->part % REPLAY_PHASES);
}

bool replay_model_may_sink(const struct replay_model *r, const struct event *e)
{
	const struct replay_phases *p = &r->phases;
	const struct page_alloc *a = &r->alloc;
	uint64_t now = e->time / PART;
	unsigned int part = now % REPLAY_PHASES;
	uint32_t freed = e->kind == EVENT_FREE ? 1u << e->order : 0;
	bool may = false;

	if (!p->highs || !p->from || e->time < p->from || !has(p, part) ||
	    r->cpus[e->cpu].sunk == now + 1 || (e->kind != EVENT_FREE && e->kind != EVENT_ALLOC))
		return false;
	for (uint32_t zone = 0; zone < a->zone_count; zone++) {
		uint32_t i = zone * a->cpu_count + e->cpu;
		struct pageset set = a->sets[i];

		if (part != p->chosen)
			set.high = p->highs[i][part];
		may |= set.high > set.high_min &&
		       set.count + freed > pageset_decayed_high(&set) - (freed > 0);
	}
	return may;
}

void replay_model_sink(struct replay_model *r, const struct event *e)
{
	uint64_t now = e->time / PART;

	replay_model_limit(r, 1ULL << now % REPLAY_PHASES);
	replay_phases_advance(r, e);
	sink(r, e->cpu, now % REPLAY_PHASES);
	r->cpus[e->cpu].sunk = now + 1;
}

/* ---- what events do ------------------------------------------------------------------------------- */

/* Does a free reach the page sets as soon as it is told? */
static bool frees_at_once(const struct replay_model *r, const struct event *e)
{
	return e->kind == EVENT_FREE &&
	       (!r->setup->contiguous_runs ||
		pageset_list(&r->alloc, e->order, MIGRATE_MOVABLE) == PCP_LIST_NONE);
}

/* Does what was only announced reach them at @e? */
static bool frees_announced(const struct replay_model *r, const struct event *e)
{
	return e->kind == EVENT_ALLOC ||
	       (r->setup->lazy_preemption && e->kind <= EVENT_EXTFRAG &&
		e->pid != r->cpus[e->cpu].last_pid) ||
	       (r->setup->free_rule == 1 && frees_at_once(r, e));
}

static bool reaches_sets(struct replay_model *r, uint32_t zone, pfn_t pfn, unsigned int order)
{
	const struct page_alloc *a = &r->alloc;

	return order <= a->buddy->max_order && page_alloc_zone_of(&r->alloc, pfn) == zone &&
	       a->rules.list_of_freed[order][buddy_block_type(a->buddy, zone, pfn)] !=
		       PCP_LIST_NONE;
}

/* What is freed to the page sets of @zone by the end of @e, as orders; returns how many, and their pages. */
static uint32_t list_freed(struct replay_model *r, const struct event *e, uint32_t zone,
			   uint8_t orders[FREES_MAX], uint32_t *pages_ret)
{
	const struct replay_cpu *c = &r->cpus[e->cpu];
	uint32_t count = 0;

	*pages_ret = 0;
	for (uint32_t k = 0; frees_announced(r, e) && k < c->free_count; k++) {
		const struct announced *f = &c->frees[c->free_first + k];

		if (!reaches_sets(r, zone, f->pfn, f->order))
			continue;
		*pages_ret += 1u << f->order;
		orders[count++ % FREES_MAX] = f->order;
	}
	if (frees_at_once(r, e) && reaches_sets(r, zone, e->pfn, e->order)) {
		*pages_ret += 1u << e->order;
		orders[count++ % FREES_MAX] = e->order;
	}
	return count;
}

/* Do @a and @b, which differ in their high marks, do the same when these blocks are freed, and for a refill? */
static bool go_alike(struct replay_model *r, uint32_t zone, struct pageset a, struct pageset b,
		     const uint8_t *orders, uint32_t count, const struct event *refill)
{
	unsigned int blocks;

	for (uint32_t k = 0; k < count; k++) {
		uint32_t from_a = 0, from_b = 0;
		bool drains;

		a.count += 1u << orders[k];
		b.count = a.count;
		a.alloc_factor >>= 1;
		b.alloc_factor >>= 1;
		drains = pageset_tune_freed(&r->alloc, zone, &a, orders[k], &from_a);
		if (drains != pageset_tune_freed(&r->alloc, zone, &b, orders[k], &from_b) ||
		    from_a != from_b)
			return false;
		a.count -= min_u32(a.count, from_a);
	}
	if (!refill)
		return true;
	b.count = a.count;
	blocks = pageset_refill_count(&r->alloc, zone, &a, refill->order);
	return blocks == pageset_refill_count(&r->alloc, zone, &b, refill->order) &&
	       a.alloc_factor == b.alloc_factor;
}

/* Does @e, and what is freed before it, go the same way for all parts in @zone? */
static bool all_go_alike(struct replay_model *r, uint32_t zone, const struct event *e,
			 const uint8_t *orders, uint32_t count, bool refill)
{
	const struct replay_phases *p = &r->phases;
	uint32_t i = zone * r->alloc.cpu_count + e->cpu, last = p->highs[i][p->chosen];
	struct pageset set = r->alloc.sets[i], other = set;

	for (unsigned int part = 0; part < REPLAY_PHASES; part++) {
		/* Neighbours have the same mark mostly. */
		if (!has(p, part) || p->highs[i][part] == last ||
		    p->highs[i][part] == p->highs[i][p->chosen])
			continue;
		last = other.high = p->highs[i][part];
		if (!go_alike(r, zone, set, other, orders, count, refill ? e : NULL))
			return false;
	}
	return true;
}

bool replay_model_may_part(struct replay_model *r, const struct event *e)
{
	const struct page_alloc *a = &r->alloc;
	const struct replay_phases *p = &r->phases;
	uint8_t orders[FREES_MAX];
	bool may = false;

	if (replay_model_phase_known(r))
		return false;
	for (uint32_t zone = 0; zone < a->zone_count && !may; zone++) {
		uint32_t i = zone * a->cpu_count + e->cpu, freed, count, most;
		const struct pageset *set = &a->sets[i];
		bool refill = false;

		follow(r, i);
		if (p->lowest[i] == p->highest[i])
			continue;
		count = list_freed(r, e, zone, orders, &freed);
		most = set->count + freed + set->batch + (set->batch << set->alloc_factor);
		if (e->kind == EVENT_ALLOC && most > p->lowest[i])
			refill = replay_model_would_refill(r, e);
		if (!refill && (!freed || set->count + freed < p->lowest[i]))
			continue;
		may = count > FREES_MAX || !all_go_alike(r, zone, e, orders, count, refill);
	}
	if (may)
		choose(r);
	return may;
}

unsigned int replay_refill_count(struct replay_model *r, uint32_t cpu, uint32_t zone,
				 unsigned int order)
{
	struct page_alloc *a = &r->alloc;
	struct replay_phases *p = &r->phases;
	uint32_t i = zone * a->cpu_count + cpu;
	struct pageset *set = &a->sets[i], before = *set;
	unsigned int count;

	if (replay_model_phase_known(r))
		return pageset_refill_count(a, zone, set, order);
	follow(r, i);
	count = pageset_refill_count(a, zone, set, order);
	for (unsigned int part = 0; part < REPLAY_PHASES; part++) {
		struct pageset other = before;
		unsigned int others;

		if (!has(p, part))
			continue;
		other.high = p->highs[i][part];
		others = pageset_refill_count(a, zone, &other, order);
		p->highs[i][part] = other.high;
		if ((others != count || other.alloc_factor != set->alloc_factor) && !p->correcting)
			p->agree &= ~(1ULL << part);
	}
	bound(r, i);
	return count;
}

void replay_tune_freed(struct replay_model *r, uint32_t i, const struct pageset *before,
		       unsigned int order)
{
	struct replay_phases *p = &r->phases;
	uint32_t zone = i / r->alloc.cpu_count, pages = 0;
	struct pageset set = *before;
	bool drains;

	follow(r, i);
	set.count += 1u << order;
	set.high = p->highs[i][p->chosen];
	drains = pageset_tune_freed(&r->alloc, zone, &set, order, &pages);
	for (unsigned int part = 0; part < REPLAY_PHASES; part++) {
		struct pageset other = *before;
		uint32_t others = 0;
		bool too;

		if (!has(p, part))
			continue;
		other.count += 1u << order;
		other.high = p->highs[i][part];
		too = pageset_tune_freed(&r->alloc, zone, &other, order, &others);
		p->highs[i][part] = other.high;
		if ((too != drains || others != pages) && !p->correcting)
			p->agree &= ~(1ULL << part);
	}
	bound(r, i);
}

void replay_no_drain(struct replay_model *r, uint32_t zone, uint32_t cpu)
{
	struct replay_phases *p = &r->phases;
	uint32_t i = zone * r->alloc.cpu_count + cpu;
	struct pageset *set = &r->alloc.sets[i], before = *set;

	pageset_no_drain(&r->alloc, set);
	if (replay_model_phase_known(r))
		return;
	for (unsigned int part = 0; part < REPLAY_PHASES; part++) {
		struct pageset other = before;

		other.high = p->highs[i][part];
		if (other.count >= other.high)
			pageset_no_drain(&r->alloc, &other);
		p->highs[i][part] = other.high;
	}
	p->highs[i][p->chosen] = set->high;
	bound(r, i);
}
