/* SPDX-License-Identifier: MIT */
/*
 * Replay: each event is given to the models that are followed, and the guess of the one that is believed
 * counts.
 */
#include "engine/replay.h"

#include <stdlib.h>
#include <string.h>

#include "engine/digest.h"
#include "engine/replay_internal.h"
#include "engine/wmark.h"

/* With larger pages a thread's stack is a single one, which is no bulk. */
enum { STACK_PAGE_SHIFT = 12 };

static const char *const miss_names[] = {
	"hit",
#define MISS(name, text, meaning) text,
#include "engine/replay_miss.def"
#undef MISS
};

const char *replay_miss_name(enum replay_miss miss)
{
	return miss_names[miss];
}

/* What the page sets hold when they are first sized, before anything deferred has joined. */
static void early_sizes(const struct machine *booted, const struct buddy_zone *bz,
			struct stage_sizes *ret)
{
	struct zone z = booted->nodes[bz->nid].zones[bz->type];

	z.managed = z.early_free;
	memset(z.watermark, 0, sizeof(z.watermark));
	pageset_size_zone(&z, 0, 1, 0, &booted->config, &booted->facts);
	*ret = (struct stage_sizes){ z.batch, z.high, z.high_min, z.high_max };
}

static bool set_up(struct replay_setup *s, const struct machine *booted, const struct machine *late,
		   const struct replay_options *options)
{
	uint32_t zones = booted->buddy->zone_count;

	s->late = late;
	s->config = &booted->config;
	s->facts = &booted->facts;
	gfp_table_init(&s->gfp, s->facts);
	s->cpu_count = options->cpu_count ? options->cpu_count : 1;
	s->exact_to_tail = fact_get(s->facts, FACT_exact_leftovers_to_tail);
	s->free_rule = (unsigned int)fact_get(s->facts, FACT_free_batch_rule);
	s->bulk_stacks = fact_get(s->facts, FACT_bulk_stacks) && s->config->pointer_bytes == 8;
	s->bulk_stacks &= s->config->page_shift == STACK_PAGE_SHIFT;
	s->plain_directories = s->bulk_stacks && s->config->arch == ARCH_ARM64;
	s->kept_late = fact_get(s->facts, FACT_stacks_kept_late);
	s->lazy_preemption = s->config->preemption ? s->config->preemption >= PREEMPTION_ANYWHERE
						   : (bool)fact_get(s->facts, FACT_lazy_preemption);
	/* A page set that cannot be locked at once is gone past. */
	s->preemptible = s->config->preemption == PREEMPTION_RT &&
			 fact_get(s->facts, FACT_pcp_empty_tries_buddy);
	s->interruptible = fact_get(s->facts, FACT_pageset_interruptible);
	s->cached = arch_is_x86(s->config);
	s->alloc_bulk = fact_get(s->facts, FACT_alloc_bulk);
	s->contiguous_runs = fact_get(s->facts, FACT_free_contiguous_runs);
	for (unsigned int number = 0; number < MIGRATE_TYPE_COUNT; number++)
		s->types[number] = migratetype_at(number, s->config, s->facts);
	for (unsigned int i = 0; i < REPLAY_STAGES; i++) {
		s->sizes[i] = calloc(zones + 1, sizeof(*s->sizes[i]));
		if (!s->sizes[i])
			return false;
	}
	for (uint32_t zone = 0; zone < zones; zone++) {
		const struct buddy_zone *bz = &booted->buddy->zones[zone];
		const struct zone *z = &late->nodes[bz->nid].zones[bz->type];

		s->sizes[0][zone] = (struct stage_sizes){ 1, 0, 0, 0 };
		early_sizes(booted, bz, &s->sizes[1][zone]);
		s->sizes[2][zone] =
			(struct stage_sizes){ z->batch, z->high, z->high_min, z->high_max };
	}
	return true;
}

struct replay *replay_create(struct machine *booted, const struct machine *late,
			     const struct replay_options *options)
{
	struct replay *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->options = *options;
	r->buddy = booted->buddy;
	r->late = late;
	r->wanted = options->kinds ? options->kinds : UINT32_MAX;
	r->setup.kinds = r->wanted & ~(uint32_t)TELLING;
	if (set_up(&r->setup, booted, late, options))
		r->models[0] = replay_model_create(&r->setup, booted->buddy);
	if (!r->models[0]) {
		replay_destroy(r);
		return NULL;
	}
	r->model_count = 1;
	r->credit = CREDIT_MAX;
	r->unite_every = 1;
	return r;
}

void replay_destroy(struct replay *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->model_count; i++)
		replay_model_destroy(r->models[i]);
	for (unsigned int i = 0; i < REPLAY_STAGES; i++)
		free(r->setup.sizes[i]);
	free(r->changed);
	free(r->net);
	free(r->freed);
	if (r->first.slots)
		buddy_deinit(&r->first);
	replay_plant_destroy(r->plant);
	free(r);
}

const struct replay_stats *replay_stats(const struct replay *r)
{
	return &r->stats;
}

bool replay_out_of_memory(const struct replay *r)
{
	bool out_of_memory = r->out_of_memory || r->buddy->out_of_memory;

	for (uint32_t i = 0; i < r->model_count; i++)
		out_of_memory |= replay_model_out_of_memory(r->models[i]);
	return out_of_memory;
}

struct page_alloc *replay_alloc(struct replay *r)
{
	return &r->models[0]->alloc;
}

uint64_t replay_index(const struct replay *r)
{
	return r->index;
}

uint64_t replay_hash(const struct replay *r)
{
	uint64_t hash = digest_add(r->index, (uint64_t)r->setup.kinds << 1 | r->setup.from_boot);

	for (unsigned int k = 0; k < EVENT_KIND_COUNT; k++)
		hash = digest_add(digest_add(hash, r->stats.kinds[k]), r->stats.right[k]);
	for (uint32_t i = 0; i < r->model_count; i++) {
		const struct page_alloc *a = &r->models[i]->alloc;

		hash = digest_add(digest_add(hash, replay_model_hash(r->models[i])),
				  r->models[i]->misses);
		hash = digest_add(hash, replay_phases_hash(r->models[i]));
		for (uint32_t k = 0; k < a->zone_count * a->cpu_count; k++)
			hash = digest_add(hash,
					  (uint64_t)a->sets[k].count << 32 | a->sets[k].batch);
	}
	return hash;
}

const char *replay_check(const struct replay *r)
{
	const char *wrong = NULL;

	for (uint32_t i = 0; i < r->model_count && !wrong; i++)
		wrong = replay_model_check(r->models[i]);
	return wrong;
}

static void count(struct replay *r, const struct event *e, const struct replay_outcome *o)
{
	if (r->silent)
		return;
	r->stats.predicted[e->kind]++;
	r->stats.right[e->kind] += o->miss == REPLAY_HIT;
	r->stats.misses[e->kind][o->miss]++;
	if (r->options.predicted) {
		struct replay_prediction p = { e, r->index, o->pfn, o->zone, o->miss };

		r->options.predicted(r->options.ctx, &p);
	}
}

/* The trace does tell of more than allocations and frees. */
static void tells(struct replay *r, const struct event *e)
{
	r->setup.kinds = r->wanted;
	/*
	 * The first page sets of a boot are empty: each page is taken from the free lists, and at first by the
	 * task that will be the idle one.
	 */
	r->setup.from_boot = !r->taken_over && !r->stats.kinds[EVENT_ALLOC] &&
			     !r->stats.kinds[EVENT_FREE] && e->pid <= 0;
	replay_keep_one(r);
	/* What drains tell is better than when they might be due. */
	replay_model_limit(r->models[0], 1ULL << r->models[0]->phases.chosen);
	if (r->setup.from_boot || r->taken_over)
		return;
	replay_model_start_late(r->models[0]);
	replay_model_activate_cma(r->models[0]);
	replay_list_freed(r);
	buddy_copy(&r->first, r->buddy);
}

bool replay_begins_late(const struct replay *r)
{
	return r->setup.kinds & TELLING && !r->setup.from_boot;
}

bool replay_tells(const struct replay *r)
{
	return r->setup.kinds & TELLING;
}

void replay_set_silent(struct replay *r, bool silent)
{
	r->silent = silent;
}

/* Gives the event to model @i. */
static inline void give(struct replay *r, uint32_t i, const struct event *e)
{
	struct replay_model *m = r->models[i];
	const struct replay_outcome *o = replay_model_event(m, e);

	if (o->predicted) {
		m->misses += o->miss != REPLAY_HIT;
		if (!i) {
			count(r, e, o);
			if (o->miss != REPLAY_HIT) {
				r->credit -= r->credit > 0;
				r->streak += r->streak < STREAK_MAX;
			} else {
				r->credit += r->credit < CREDIT_MAX;
				r->streak = 0;
			}
		}
	}
	if (m->wrong)
		replay_correct(r, i, e, !(r->setup.kinds & TELLING));
}

/* The trace is not what the model takes it for: its page frames are believed, and nothing is made of them. */
static void give_thriftily(struct replay *r, const struct event *e)
{
	replay_keep_one(r);
	r->models[0]->thrifty = true;
	give(r, 0, e);
	r->models[0]->thrifty = false;
}

/*
 * Gives the event to model @i; should it go another way for other parts of a second, a copy of the model is
 * given it for those.  When there is no room for one they stay where they are.
 */
static void give_parted(struct replay *r, uint32_t i, const struct event *e)
{
	struct replay_model *m = r->models[i], *before = NULL;
	uint32_t first = r->model_count;
	uint64_t rest;

	if (replay_model_may_part(m, e))
		before = replay_copy_account(r, m);
	give(r, i, e);
	rest = replay_model_part(m, before != NULL);
	/* What it may have been otherwise is known for the same parts. */
	for (uint32_t k = first; k < r->model_count; k++)
		replay_model_part(r->models[k], before != NULL);
	if (!i)
		replay_model_part(r->models[0], before != NULL);
	if (!before)
		return;
	if (!rest || r->model_count >= MODELS_MAX) {
		r->out_of_memory |= replay_model_out_of_memory(before);
		replay_model_destroy(before);
		return;
	}
	replay_model_limit(before, rest);
	r->models[r->model_count++] = before;
	give_parted(r, r->model_count - 1, e);
}

/* Gives the event to all models, and to those that it makes. */
static void give_blind(struct replay *r, const struct event *e)
{
	replay_branch(r, e);
	for (uint32_t i = 0, n = r->model_count; i < n; i++)
		give_parted(r, i, e);
	if (r->model_count > 1)
		replay_sift(r);
}

/* An event of a trace that has only allocations and frees, as far as is known. */
static __attribute__((noinline)) void give_untold(struct replay *r, const struct event *e)
{
	r->allocated |= e->kind == EVENT_ALLOC;
	if (e->kind == EVENT_FREE && !r->taken_over)
		replay_note_freed(r, e);
	if (r->credit)
		give_blind(r, e);
	else
		give_thriftily(r, e);
}

/*
 * Can the machine have recorded @e?  No kernel has a block that is not aligned, or not all in one zone; and only
 * an allocation can be of none.
 */
static inline bool fits(struct replay *r, const struct event *e)
{
	struct page_alloc *a = &r->models[0]->alloc;
	uint32_t zone;

	if (e->cpu >= r->setup.cpu_count)
		return false;
	if (e->kind > EVENT_EXTFRAG)
		return true;
	if (e->order > a->buddy->max_order)
		return false;
	if (e->pfn == PFN_NONE)
		return e->kind == EVENT_ALLOC;
	if (!e->order)
		return true;
	/* The model would not have named a page of no zone: a miss like others. */
	zone = page_alloc_zone_of(a, e->pfn);
	return zone == BUDDY_ZONE_NONE ||
	       (!(e->pfn & ((1ULL << e->order) - 1)) &&
		page_alloc_zone_of(a, e->pfn + (1ULL << e->order) - 1) == zone);
}

/*
 * Programs write markers, and movable pages are first asked for when the initial file system is unpacked or by
 * programs; by then the kernel has worked out watermarks and sized page sets for the last time.
 */
static bool comes_after_boot(const struct replay *r, const struct event *e)
{
	return e->kind == EVENT_MARKER ||
	       (e->kind == EVENT_ALLOC && e->migratetype < MIGRATE_TYPE_COUNT &&
		r->setup.types[e->migratetype] == MIGRATE_MOVABLE);
}

bool replay_sizes_unseen(const struct replay *r)
{
	return r->boot_over && r->models[0]->stage + 1 < REPLAY_STAGES &&
	       replay_model_has_next_stage(r->models[0]);
}

/*
 * The page sets have their last sizes.  Of a trace that does not tell when they are filled one model after
 * another finds out, as far as that is so.
 */
static void end_boot(struct replay *r)
{
	r->boot_over = true;
	while (r->setup.kinds & TELLING && replay_model_has_next_stage(r->models[0]))
		replay_model_next_stage(r->models[0]);
}

static void count_event(struct replay *r, const struct event *e)
{
	if (r->silent)
		return;
	r->stats.events++;
	r->stats.kinds[e->kind]++;
}

/*
 * Is an event of @kind, which was not used yet, one from which on the trace tells what lists get and lose?  From 6.10
 * on a claim tells of the page as well; but behind an allocation something else would have told of that.
 */
static bool begins_to_tell(const struct replay *r, uint32_t kind)
{
	bool claims = kind >> EVENT_EXTFRAG & 1 && !r->allocated &&
		      r->models[0]->alloc.rules.fallback >= FALLBACK_6_10;

	return (kind & LISTING || claims) && r->wanted >> EVENT_ZONE_LOCKED & 1;
}

/* @e is of a kind that was not used so far: is it used from now on? */
static __attribute__((noinline)) bool begins(struct replay *r, const struct event *e)
{
	uint32_t kind = 1u << e->kind;

	if (!(r->wanted & kind) || !fits(r, e))
		return false;
	if (!begins_to_tell(r, kind)) {
		count_event(r, e);
		return false;
	}
	tells(r, e);
	return true;
}

static inline void take_in(struct replay *r, const struct event *e)
{
	if (r->setup.kinds >> e->kind & 1 ? !fits(r, e) : !begins(r, e))
		return;
	if (!r->boot_over && comes_after_boot(r, e))
		end_boot(r);
	if (r->change_due)
		replay_watch_change(r, e);
	if (r->cpus_down && !(r->setup.kinds & TELLING))
		replay_drain_gone(r, e);
	if (r->watches)
		replay_note_change(r, e);
	count_event(r, e);
	/* Once the trace tells, there is one model. */
	if (r->setup.kinds & TELLING)
		give(r, 0, e);
	else
		give_untold(r, e);
	r->stats.silent = r->models[0]->silent;
}

void replay_event(struct replay *r, const struct event *e)
{
	/* Lists that miss something are not gone through any more. */
	if (!r->out_of_memory)
		take_in(r, e);
	r->index++;
}
