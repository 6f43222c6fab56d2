/* SPDX-License-Identifier: MIT */
/*
 * Replay: CPUs and memory that come and go while a machine is traced, and reserves that are set.  No event tells of
 * it; whoever has the machine do it can say so (a marker in the trace).
 *
 *	marker		page sets are drained	memory goes, its page sets are disabled		they are enabled
 *	told by		drains						nothing		a list that is filled with more
 *
 * 1. The machine is changed as hotplug.h changes one that runs; the lists of every account follow.
 * 2. Where the trace tells of drains, what they come before is put off until they are over; else the lists are
 *    drained at once.
 * 3. Where offline_pages() disables page sets, an account has them so until it turns out that they are enabled.
 *
 * Not modelled: memory that cannot go is known by unmovable pages that events told of, not by what the boot left
 * there; pages that move out of memory that goes are those that events tell of; zones that come and go.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/hotplug_lists.h"
#include "engine/pageset_list.h"
#include "engine/replay_internal.h"
#include "engine/reserves.h"

/* A copy of @count elements of @size at @from, with one to spare; NULL without memory. */
static void *duplicate(const void *from, size_t count, size_t size)
{
	void *to = malloc((count + 1) * size);

	if (to && count)
		memcpy(to, from, count * size);
	return to;
}

static void destroy_plant(struct replay_plant *p)
{
	if (!p)
		return;
	hotplug_deinit(&p->hotplug);
	free(p->machine.nodes);
	free(p->machine.ranges);
	free(p);
}

/* What @from has become, over arrays of its own; all else is shared. */
static struct replay_plant *copy_machine(const struct machine *from)
{
	struct replay_plant *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->machine = *from;
	p->machine.nodes = duplicate(from->nodes, from->node_count, sizeof(*from->nodes));
	p->machine.ranges = duplicate(from->ranges, from->range_count, sizeof(*from->ranges));
	p->machine.range_room = from->range_count;
	if (!p->machine.nodes || !p->machine.ranges) {
		destroy_plant(p);
		return NULL;
	}
	return p;
}

struct replay_plant *replay_plant_copy(const struct replay_plant *from)
{
	struct replay_plant *p = copy_machine(&from->machine);

	if (!p)
		return NULL;
	/* hotplug_of() puts in the allocator that it is for. */
	if (!hotplug_copy(&p->hotplug, &from->hotplug, &p->machine, NULL)) {
		destroy_plant(p);
		return NULL;
	}
	return p;
}

void replay_plant_destroy(struct replay_plant *p)
{
	destroy_plant(p);
}

/* From now on the machine is @p, or what it was at first (NULL). */
void replay_set_plant(struct replay *r, struct replay_plant *p)
{
	const struct buddy *b = r->buddy;

	destroy_plant(r->plant);
	r->plant = p;
	r->setup.late = p ? &p->machine : r->late;
	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		const struct zone *z =
			&r->setup.late->nodes[b->zones[zone].nid].zones[b->zones[zone].type];

		r->setup.sizes[REPLAY_STAGES - 1][zone] =
			(struct stage_sizes){ z->batch, z->high, z->high_min, z->high_max };
	}
}

/* The machine as hotplug.h wants it, with the lists of model @i. */
static struct hotplug *hotplug_of(struct replay *r, uint32_t i)
{
	struct replay_plant *p = r->plant;

	p->machine.buddy = r->models[i]->alloc.buddy;
	p->hotplug.alloc = &r->models[i]->alloc;
	return &p->hotplug;
}

static bool begin(struct replay *r)
{
	if (r->plant || r->buddy->pending_count)
		return r->plant;
	r->plant = copy_machine(r->late);
	if (!r->plant) {
		r->out_of_memory = true;
		return false;
	}
	hotplug_init(&r->plant->hotplug, &r->plant->machine, &r->models[0]->alloc);
	r->setup.late = &r->plant->machine;
	return true;
}

static bool tells_of_drains(const struct replay *r)
{
	return r->setup.kinds >> EVENT_PCPU_DRAIN & 1;
}

static void drain(struct replay_model *m, uint32_t zone, uint32_t cpu)
{
	struct pageset *set = page_alloc_set(&m->alloc, zone, cpu);

	pageset_drain(&m->alloc, zone, set, set->count, 0);
}

/* What the page sets of @cpu have left when all was drained is not there. */
static void drop_rest(struct replay_model *m, uint32_t zone, uint32_t cpu)
{
	struct pageset *set = page_alloc_set(&m->alloc, zone, cpu);

	for (unsigned int index = 0; index < PCP_LISTS_MAX; index++)
		while (set->lists[index].count) {
			pageset_pop(&m->alloc, set, index);
			m->silent += 1ULL << pageset_list_order(&m->alloc, index);
		}
	set->count = set->unknown = 0;
}

/* Were the drains that were told of those of all page sets from @first up to @end, or do more come? */
static bool all_drained(const struct replay *r, uint32_t zone, uint32_t first, uint32_t end)
{
	const struct page_alloc *a = &r->models[0]->alloc;
	uint64_t left = 0;

	for (uint32_t cpu = first; cpu < end; cpu++) {
		const struct pageset *set = &a->sets[zone * a->cpu_count + cpu];

		for (unsigned int index = 0; index < PCP_LISTS_MAX; index++)
			left += set->lists[index].count;
	}
	return left <= r->change_drains / 4;
}

/* The drains of page sets of CPUs from @first up to @end, where the trace tells of them, are over. */
static void end_drains(struct replay *r, uint32_t zone, uint32_t first, uint32_t end)
{
	if (!all_drained(r, zone, first, end))
		return;
	for (uint32_t cpu = first; cpu < end; cpu++)
		drop_rest(r->models[0], zone, cpu);
}

/* Page sets and watermarks of the first @count accounts are those of the machine as it is now. */
static void follow_machine(struct replay *r, uint32_t count)
{
	struct replay_plant *p = r->plant;

	r->plant = NULL;
	replay_set_plant(r, p);
	for (uint32_t i = 0; i < count; i++)
		replay_model_resize(r->models[i]);
}

/* ---- memory ------------------------------------------------------------------------------------ */

/* Is any of the pages known to be in use for something that cannot be moved? */
static bool is_unmovable(struct page_alloc *a, uint32_t zone, pfn_t start, pfn_t end)
{
	for (pfn_t pfn = start; pfn < end; pfn++) {
		enum migratetype type = page_alloc_held_type(a, zone, pfn);

		if (type == MIGRATE_UNMOVABLE || type == MIGRATE_RECLAIMABLE)
			return true;
	}
	return false;
}

static void disable_pagesets(struct replay *r, uint32_t zone, uint32_t count)
{
	if (!fact_get(r->setup.facts, FACT_hotplug_disables_pagesets))
		return;
	for (uint32_t i = 0; i < count; i++)
		replay_model_disable(r->models[i], zone);
}

static void take_memory(struct replay *r, pfn_t start, uint32_t count)
{
	struct hotplug *h = hotplug_of(r, 0);
	struct page_alloc *a = h->alloc;
	uint32_t zone = page_alloc_zone_of(a, start);
	const struct zone *z;

	if (zone == BUDDY_ZONE_NONE)
		return;
	z = &h->machine->nodes[a->buddy->zones[zone].nid].zones[a->buddy->zones[zone].type];
	if (tells_of_drains(r))
		end_drains(r, zone, 0, a->cpu_count);
	else
		for (uint32_t i = 0; i < count; i++)
			for (uint32_t cpu = 0; cpu < a->cpu_count; cpu++)
				drain(r->models[i], zone, cpu);
	if (z->present > h->section_pages &&
	    !is_unmovable(a, zone, start, start + h->section_pages) && hotplug_take_away(h, start))
		for (uint32_t i = 1; i < r->model_count; i++)
			hotplug_lists_move(hotplug_of(r, i));
	follow_machine(r, count);
	disable_pagesets(r, zone, count);
}

static void bring_memory(struct replay *r, pfn_t start)
{
	struct hotplug *h = hotplug_of(r, 0);
	const struct offline_section *s = NULL;
	const struct zone *z;
	enum zone_type type;

	for (uint32_t i = 0; i < h->offline_count && !s; i++)
		if (h->offline[i].start == start)
			s = &h->offline[i];
	if (!s)
		return;
	type = hotplug_zone_for(h, s->nid, start, h->section_pages, ONLINE_DEFAULT);
	z = &h->machine->nodes[s->nid].zones[type];
	if (!z->present || !hotplug_bring(h, start, ONLINE_DEFAULT))
		return;
	for (uint32_t i = 1; i < r->model_count; i++) {
		struct replay_model *m = r->models[i];
		uint32_t zone;

		hotplug_lists_move(hotplug_of(r, i));
		zone = page_alloc_zone_of(&m->alloc, start);
		if (zone != BUDDY_ZONE_NONE)
			buddy_set_block_types(m->alloc.buddy, zone, start, start + h->section_pages,
					      MIGRATE_MOVABLE);
	}
	for (uint32_t i = 0; i < r->model_count; i++) {
		r->models[i]->fresh_start = start;
		r->models[i]->fresh_end = start + h->section_pages;
	}
	follow_machine(r, r->model_count);
}

/* ---- all of them ------------------------------------------------------------------------------- */

static void change_cpu(struct replay *r, uint32_t cpu, bool up, uint32_t count)
{
	struct hotplug *h = hotplug_of(r, 0);

	if (cpu >= r->setup.cpu_count || cpu >= REPLAY_CPUS_NOTED || !hotplug_ready(h) ||
	    up != (r->cpus_down >> cpu & 1) || (!up && h->machine->online_cpus == 1))
		return;
	for (uint32_t zone = 0; zone < h->alloc->zone_count; zone++) {
		if (tells_of_drains(r) && !up)
			end_drains(r, zone, cpu, cpu + 1);
		/* What a CPU that comes back would still have is gone. */
		else
			for (uint32_t i = 0; i < count; i++)
				drain(r->models[i], zone, cpu);
	}
	if (!hotplug_share(h, cpu, up))
		return;
	r->cpus_down ^= 1ULL << cpu;
	/* cpu_vm_stats_fold() */
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t zone = 0; zone < h->alloc->zone_count; zone++)
			page_alloc_set(&r->models[i]->alloc, zone, cpu)->diff =
				(struct stat_diff){ 0, 0 };
	follow_machine(r, count);
}

/* Nothing is in the middle of anything that lists which change now would have to give back. */
static void settle(struct replay *r)
{
	for (uint32_t i = 0; i < r->model_count; i++)
		for (uint32_t cpu = 0; cpu < r->setup.cpu_count; cpu++) {
			replay_model_commit(r->models[i], cpu);
			replay_model_settle(r->models[i], cpu);
		}
}

/* When it comes is not told exactly: one more account, in which the page sets know nothing of it yet. */
static void hold_back(struct replay *r)
{
	struct replay_model *m = tells_of_drains(r) ? NULL : replay_copy_account(r, r->models[0]);

	if (m)
		r->models[r->model_count++] = m;
}

static void carry_out(struct replay *r, const struct replay_change *c)
{
	uint64_t section = arch_section_pages(&r->late->config);
	uint32_t count = r->model_count;

	settle(r);
	if (!begin(r))
		return;
	hold_back(r);
	switch (c->kind) {
	case REPLAY_CPU_DOWN:
	case REPLAY_CPU_UP:
		if (c->value < r->setup.cpu_count)
			change_cpu(r, (uint32_t)c->value, c->kind == REPLAY_CPU_UP, count);
		break;
	case REPLAY_MEMORY_OFFLINE:
	case REPLAY_MEMORY_ONLINE:
		if (!section || c->value > UINT32_MAX || !hotplug_ready(hotplug_of(r, 0)))
			break;
		if (c->kind == REPLAY_MEMORY_OFFLINE)
			take_memory(r, c->value * section, count);
		else
			bring_memory(r, c->value * section);
		break;
	case REPLAY_SYSCTL:
		if (reserves_write(&r->plant->machine, c->sysctl, c->value))
			follow_machine(r, count);
		break;
	}
	r->out_of_memory |= r->plant->hotplug.out_of_memory;
}

static void finish_change(struct replay *r)
{
	if (!r->change_due)
		return;
	r->change_due = false;
	r->models[0]->hint_cpu = r->models[0]->hint_end = 0;
	carry_out(r, &r->change);
	r->change_drains = 0;
}

/* What will be drained first. */
static void hint(struct replay *r, const struct replay_change *c)
{
	struct replay_model *m = r->models[0];
	uint64_t section = arch_section_pages(&r->late->config);

	if (c->kind == REPLAY_CPU_DOWN && c->value < r->setup.cpu_count) {
		m->hint_cpu = (uint32_t)c->value;
		m->hint_end = m->hint_cpu + 1;
		m->hint_zone = 0;
		m->hint_zones = m->alloc.zone_count;
	}
	if (c->kind != REPLAY_MEMORY_OFFLINE || c->value > UINT32_MAX)
		return;
	m->hint_zone = page_alloc_zone_of(&m->alloc, c->value * section);
	if (m->hint_zone == BUDDY_ZONE_NONE)
		return;
	m->hint_zones = m->hint_zone + 1;
	m->hint_cpu = 0;
	m->hint_end = m->alloc.cpu_count;
}

void replay_change(struct replay *r, const struct replay_change *c)
{
	if (r->out_of_memory || r->setup.late->emulated)
		return;
	finish_change(r);
	if (!tells_of_drains(r) ||
	    (c->kind != REPLAY_CPU_DOWN && c->kind != REPLAY_MEMORY_OFFLINE)) {
		carry_out(r, c);
		return;
	}
	settle(r);
	hint(r, c);
	r->change = *c;
	r->change_due = true;
	r->change_drains = 0;
}

const struct machine *replay_machine(const struct replay *r)
{
	return r->setup.late;
}

uint64_t replay_cpus_down(const struct replay *r)
{
	return r->cpus_down;
}

void replay_watch_change(struct replay *r, const struct event *e)
{
	if (e->kind == EVENT_PCPU_DRAIN) {
		/* What was freed before is on the lists. */
		for (uint32_t cpu = 0; !r->change_drains && cpu < r->setup.cpu_count; cpu++)
			replay_model_commit(r->models[0], cpu);
		r->change_drains++;
	} else if (e->kind == EVENT_MARKER || r->change_drains) {
		finish_change(r);
	}
}

void replay_drain_gone(struct replay *r, const struct event *e)
{
	for (uint32_t cpu = 0; cpu < r->setup.cpu_count && cpu < REPLAY_CPUS_NOTED; cpu++) {
		if (cpu == e->cpu || !(r->cpus_down >> cpu & 1))
			continue;
		for (uint32_t i = 0; i < r->model_count; i++)
			for (uint32_t zone = 0; zone < r->buddy->zone_count; zone++)
				if (page_alloc_set(&r->models[i]->alloc, zone, cpu)->count)
					drain(r->models[i], zone, cpu);
	}
}
