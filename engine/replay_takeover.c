/* SPDX-License-Identifier: MIT */
/*
 * Replay: a state that the machine told.  What changes while it is told is remembered, and what was freed
 * before.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/pageset.h"
#include "engine/pageset_list.h"
#include "engine/replay_internal.h"

void replay_note_freed(struct replay *r, const struct event *e)
{
	if (!r->freed)
		r->freed = malloc(FREED_MAX * sizeof(*r->freed));
	if (!r->freed) {
		r->out_of_memory = true;
		return;
	}
	r->freed[r->freed_count++ % FREED_MAX] = (struct start_freed){ e->pfn, e->cpu, e->order };
}

struct start_freed *replay_last_freed(const struct replay *r, uint32_t *count_ret)
{
	uint64_t from = r->freed_count > FREED_MAX ? r->freed_count - FREED_MAX : 0;
	struct start_freed *ret = malloc((r->freed_count - from + 1) * sizeof(*ret));

	*count_ret = 0;
	for (uint64_t at = from; ret && r->freed && at < r->freed_count; at++)
		ret[(*count_ret)++] = r->freed[at % FREED_MAX];
	return ret;
}

void replay_list_freed(struct replay *r)
{
	uint32_t count;
	struct start_freed *freed = replay_last_freed(r, &count);

	r->out_of_memory |= !freed || !start_list_freed(&r->models[0]->alloc, freed, count);
	free(freed);
}

void replay_forget(struct replay *r)
{
	replay_keep_one(r);
	r->setup.from_boot = false;
	r->taken_over = true;
	replay_model_start_late(r->models[0]);
	start_forget(&r->models[0]->alloc);
	replay_model_activate_cma(r->models[0]);
}

/* Where a trace tells when lists are filled and drained, the model knows what comes to them and goes. */
static void count_sets(struct replay *r, int32_t sign)
{
	const struct page_alloc *a = &r->models[0]->alloc;

	for (uint32_t i = 0; r->net && i < a->zone_count * a->cpu_count; i++)
		if (r->setup.kinds & TELLING)
			r->net[i] += sign * (int32_t)a->sets[i].count;
}

void replay_watch_changes(struct replay *r)
{
	const struct page_alloc *a = &r->models[0]->alloc;
	uint32_t sets = a->zone_count * a->cpu_count;

	r->watches = true;
	r->changed_count = 0;
	free(r->net);
	r->net = calloc((size_t)sets + 1, sizeof(*r->net));
	r->out_of_memory |= !r->net;
	count_sets(r, -1);
}

/* Pages that @e brings to the page set of its CPU, or (below 0) takes, where nothing tells of the rest. */
static int32_t pages_brought(struct replay *r, const struct event *e, uint32_t zone)
{
	struct page_alloc *a = &r->models[0]->alloc;
	enum migratetype type = buddy_block_type(a->buddy, zone, e->pfn);
	int32_t pages = 1 << e->order;

	if (e->order > a->buddy->max_order ||
	    a->rules.list_of_freed[e->order][type] == PCP_LIST_NONE)
		return 0;
	return e->kind == EVENT_ALLOC ? -pages : e->kind == EVENT_FREE ? pages : 0;
}

void replay_note_change(struct replay *r, const struct event *e)
{
	uint32_t zone = e->pfn == PFN_NONE ? BUDDY_ZONE_NONE
					   : page_alloc_zone_of(&r->models[0]->alloc, e->pfn);

	if (r->net && zone != BUDDY_ZONE_NONE && !(r->setup.kinds & TELLING))
		r->net[zone * r->setup.cpu_count + e->cpu] += pages_brought(r, e, zone);
	if (e->pfn == PFN_NONE || e->kind > EVENT_EXTFRAG)
		return;
	if (r->changed_count == r->changed_room) {
		uint32_t room = r->changed_room ? r->changed_room * 2 : 256;
		struct start_range *grown = realloc(r->changed, room * sizeof(*grown));

		if (!grown) {
			r->out_of_memory = true;
			return;
		}
		r->changed = grown;
		r->changed_room = room;
	}
	r->changed[r->changed_count++] =
		(struct start_range){ e->pfn, e->pfn + (1ULL << e->order) };
}

bool replay_take_over(struct replay *r, struct start *s, struct start_report *ret)
{
	struct start_freed *freed;
	bool done;

	replay_keep_one(r);
	/* What was expected are pages of lists that change now. */
	for (uint32_t cpu = 0; cpu < r->setup.cpu_count; cpu++)
		replay_model_settle(r->models[0], cpu);
	s->types = r->first.slots ? &r->first : NULL;
	s->changed = (struct start_ranges){ r->changed, r->changed_count };
	count_sets(r, 1);
	s->net = r->net;
	freed = replay_last_freed(r, &s->freed_count);
	s->freed = freed;
	/* Of what was freed since the boot, much was taken in bulk again, of which nothing tells. */
	s->late = !r->models[0]->from_idle;
	if (!s->late || r->setup.kinds & TELLING)
		s->freed_count = 0;
	r->watches = false;
	r->setup.from_boot = false;
	r->setup.all_told = !r->setup.alloc_bulk;
	r->taken_over = true;
	/* Whoever could tell has all memory. */
	r->models[0]->alloc.buddy->pending_count = 0;
	done = freed && start_apply(&r->models[0]->alloc, s, ret) && !r->out_of_memory &&
	       !r->first.out_of_memory;
	free(freed);
	free(r->freed);
	r->freed = NULL;
	s->freed = NULL;
	s->freed_count = 0;
	return done;
}

/*
 * Where nothing tells of drains, what page sets hold by the model's account may have been drained, and what it drained
 * may lie there.  Into @ret, which has room for all of it; how much that is.
 */
static uint32_t list_unsure(const struct replay_model *m, struct start_range *ret)
{
	const struct page_alloc *a = &m->alloc;
	uint64_t kept = m->drained_count > REPLAY_DRAINED ? m->drained_count - REPLAY_DRAINED : 0;
	uint32_t count = 0;

	for (uint32_t i = 0; i < a->zone_count * a->cpu_count; i++)
		for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
			uint32_t cursor = BUDDY_LIST_START;
			pfn_t pfn;

			while (pageset_next(a, &a->sets[i], index, &cursor, &pfn))
				ret[count++] = (struct start_range){
					pfn, pfn + (1ULL << pageset_list_order(a, index))
				};
		}
	for (uint64_t at = kept; at < m->drained_count; at++) {
		const struct replay_drained *d = &m->drained[at % REPLAY_DRAINED];

		ret[count++] =
			(struct start_range){ d->pfn,
					      d->pfn + (1ULL << pageset_list_order(a, d->index)) };
	}
	return count;
}

uint64_t replay_distance(const struct replay *r, struct start *s)
{
	const struct replay_model *m = r->models[0];
	uint64_t room = (uint64_t)r->changed_count + REPLAY_DRAINED, distance;
	uint32_t count = r->changed_count;
	struct start_range *ranges;

	for (uint32_t i = 0; i < m->alloc.zone_count * m->alloc.cpu_count; i++)
		for (unsigned int index = 0; index < PCP_LISTS_MAX; index++)
			room += m->alloc.sets[i].lists[index].count;
	ranges = malloc(room * sizeof(*ranges));
	if (!ranges)
		return UINT64_MAX;
	if (count)
		memcpy(ranges, r->changed, count * sizeof(*ranges));
	if (!(r->setup.kinds & TELLING))
		count += list_unsure(m, ranges + count);
	s->changed = (struct start_ranges){ ranges, count };
	distance = start_distance(&m->alloc, s);
	s->changed = (struct start_ranges){ r->changed, r->changed_count };
	free(ranges);
	return distance;
}
