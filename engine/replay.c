/* SPDX-License-Identifier: MIT */
/*
 * When the page sets of a boot get larger is in no event.  A trace of every event shows it soon: lists are
 * filled with more pages at once.  A trace of allocations and frees alone shows it only by where the next
 * pages come from.  So whenever a list is filled there, one more model is followed for which the sizes
 * have just changed; those that are wrong where others are right are dropped.
 */
#include "engine/replay.h"

#include <stdlib.h>
#include <string.h>

#include "engine/digest.h"
#include "engine/replay_model.h"
#include "engine/wmark.h"

/*
 * Models followed at once; when to look for equal ones; how many misses behind the best ends one, and if
 * there are many; what they may take on the whole.
 */
enum { MODELS_MAX = 64, MODELS_MANY = 24, MISSES_BEHIND = 8, MISSES_LEAST = 3 };
/* Models that come before it is looked for equal ones again; that are made before it is asked what for. */
enum { UNITE_SPACING = 3, COPIES_FREE = 4096 };
enum { MODELS_BYTES = 256 << 20 };
/* Blocks that were freed and are remembered. */
enum { FREED_MAX = 1 << 15 };

/*
 * To find out what may have happened when a guess was wrong takes time, and is worth it where guesses are right
 * mostly.  So each wrong one costs a part of what right ones have earned; at most so much is kept.
 */
enum { CREDIT_MAX = 2048 };
/* After so many wrong guesses in a row several accounts are no better than two. */
enum { STREAK_MAX = 128 };

/* With larger pages a thread's stack is a single one, which is no bulk. */
enum { STACK_PAGE_SHIFT = 12 };

struct replay {
	struct replay_options options;
	struct replay_setup setup;
	struct replay_stats stats;
	struct replay_model *models[MODELS_MAX]; /* the first is the one that is believed */
	uint32_t model_count;
	struct buddy *buddy; /* the first model's lists */
	uint64_t index;
	uint32_t united; /* models that were left when equal ones were last united */
	uint64_t copies; /* models that were made */
	uint32_t credit; /* see CREDIT_MAX */
	uint32_t streak; /* guesses that were wrong since the last right one */
	uint32_t wanted; /* kinds of events that are used */
	bool silent; /* predictions are not counted */
	bool taken_over; /* the state is one that the machine told */
	bool boot_over; /* programs run */
	bool watches; /* changes are remembered: the page frames of events, as they come */
	struct start_range *changed;
	uint32_t changed_count, changed_room;
	int32_t *net; /* pages that came to each page set since @watches began */
	/* Blocks that were freed, the last FREED_MAX in turn, until a picture is taken over. */
	struct start_freed *freed;
	uint64_t freed_count;
	bool out_of_memory; /* changes, or models, are missing */
	struct buddy
		first; /* of a trace that begins late: what is learned begins with these types */
};

/* Kinds that tell how pages reach and leave the per-CPU lists; a trace has all of them or none. */
enum {
	TELLING = 1 << EVENT_ZONE_LOCKED | 1 << EVENT_PCPU_DRAIN | 1 << EVENT_FREE_BATCHED |
		  1 << EVENT_EXTFRAG,
};

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
	s->lazy_preemption = fact_get(s->facts, FACT_lazy_preemption);
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

/* ---- what was freed ----------------------------------------------------------------------------- */

static void note_freed(struct replay *r, const struct event *e)
{
	if (!r->freed)
		r->freed = malloc(FREED_MAX * sizeof(*r->freed));
	if (!r->freed) {
		r->out_of_memory = true;
		return;
	}
	r->freed[r->freed_count++ % FREED_MAX] = (struct start_freed){ e->pfn, e->cpu, e->order };
}

/* What note_freed() remembers, the oldest first, to be freed; NULL: the host has no memory. */
static struct start_freed *last_freed(const struct replay *r, uint32_t *count_ret)
{
	uint64_t from = r->freed_count > FREED_MAX ? r->freed_count - FREED_MAX : 0;
	struct start_freed *ret = malloc((r->freed_count - from + 1) * sizeof(*ret));

	*count_ret = 0;
	for (uint64_t at = from; ret && r->freed && at < r->freed_count; at++)
		ret[(*count_ret)++] = r->freed[at % FREED_MAX];
	return ret;
}

/* ---- states to come back to -------------------------------------------------------------------- */

/* The models have lists of their own here. */
struct replay_state {
	struct replay_stats stats;
	struct replay_model *models[MODELS_MAX];
	uint32_t model_count, united, credit, streak, kinds;
	uint64_t copies;
	bool from_boot, silent, taken_over, boot_over;
	uint64_t index;
	struct start_freed *freed; /* NULL: none are remembered */
	uint32_t freed_kept;
	uint64_t freed_count;
};

/* False, and no models: the host has no memory. */
static bool clone_models(struct replay_model *const *from, uint32_t count,
			 struct replay_model **ret)
{
	for (uint32_t i = 0; i < count; i++) {
		ret[i] = replay_model_clone(from[i]);
		if (ret[i])
			continue;
		while (i--)
			replay_model_destroy(ret[i]);
		return false;
	}
	return true;
}

struct replay_state *replay_save(const struct replay *r)
{
	struct replay_state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	if (r->freed)
		s->freed = last_freed(r, &s->freed_kept);
	if ((r->freed && !s->freed) || !clone_models(r->models, r->model_count, s->models)) {
		free(s->freed);
		free(s);
		return NULL;
	}
	s->freed_count = r->freed_count;
	s->stats = r->stats;
	s->model_count = r->model_count;
	s->united = r->united;
	s->copies = r->copies;
	s->credit = r->credit;
	s->streak = r->streak;
	s->kinds = r->setup.kinds;
	s->from_boot = r->setup.from_boot;
	s->silent = r->silent;
	s->taken_over = r->taken_over;
	s->boot_over = r->boot_over;
	s->index = r->index;
	return s;
}

void replay_state_destroy(struct replay_state *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->model_count; i++)
		replay_model_destroy(s->models[i]);
	free(s->freed);
	free(s);
}

bool replay_restore(struct replay *r, const struct replay_state *s)
{
	struct replay_model *models[MODELS_MAX];

	if (s->freed && !r->freed)
		r->freed = malloc(FREED_MAX * sizeof(*r->freed));
	if ((s->freed && !r->freed) || !clone_models(s->models, s->model_count, models))
		return false;
	if (s->freed && r->freed)
		for (uint32_t i = 0; i < s->freed_kept; i++)
			r->freed[(s->freed_count - s->freed_kept + i) % FREED_MAX] = s->freed[i];
	r->freed_count = s->freed_count;
	for (uint32_t i = 0; i < r->model_count; i++)
		replay_model_destroy(r->models[i]);
	memcpy(r->models, models, s->model_count * sizeof(struct replay_model *));
	/* The lists of the first lie where callers look. */
	buddy_deinit(r->buddy);
	*r->buddy = r->models[0]->lists;
	memset(&r->models[0]->lists, 0, sizeof(r->models[0]->lists));
	r->models[0]->alloc.buddy = r->buddy;
	r->stats = s->stats;
	r->model_count = s->model_count;
	r->united = s->united;
	r->copies = s->copies;
	r->credit = s->credit;
	r->streak = s->streak;
	r->setup.kinds = s->kinds;
	r->setup.from_boot = s->from_boot;
	r->silent = s->silent;
	r->taken_over = s->taken_over;
	r->boot_over = s->boot_over;
	r->index = s->index;
	r->watches = false;
	r->changed_count = 0;
	return true;
}

uint64_t replay_state_index(const struct replay_state *s)
{
	return s->index;
}

uint64_t replay_state_bytes(const struct replay_state *s)
{
	uint64_t bytes = sizeof(*s) + s->freed_kept * sizeof(*s->freed);

	for (uint32_t i = 0; i < s->model_count; i++)
		bytes += replay_model_bytes(s->models[i]);
	return bytes;
}

/* ---- several accounts --------------------------------------------------------------------------- */

/* Makes model @i the one that is believed; its lists move to where callers look. */
static void believe(struct replay *r, uint32_t i)
{
	struct replay_model *now = r->models[i], *before = r->models[0];
	struct buddy lists = *r->buddy;

	*r->buddy = now->lists;
	before->lists = lists;
	memset(&now->lists, 0, sizeof(now->lists));
	now->alloc.buddy = r->buddy;
	before->alloc.buddy = &before->lists;
	r->models[0] = now;
	r->models[i] = before;
}

static void drop(struct replay *r, uint32_t i)
{
	r->out_of_memory |= replay_model_out_of_memory(r->models[i]);
	replay_model_destroy(r->models[i]);
	memmove(&r->models[i], &r->models[i + 1],
		(r->model_count - i - 1) * sizeof(struct replay_model *));
	r->model_count--;
}

/* How many accounts are worth following: few once even the best of them is often wrong, or of large machines. */
static uint32_t models_worth(const struct replay *r)
{
	uint64_t misses = r->models[0]->misses, share = r->stats.kinds[EVENT_ALLOC] / 128;
	uint64_t bytes = ((uint64_t)r->buddy->chunk_count + 1)
			 << r->buddy->max_order << 3; /* of a model's pages */
	uint32_t most = misses < 128 || misses < share	      ? MODELS_MAX
			: misses < 1024 || misses < 4 * share ? MODELS_MANY
							      : 2;

	if (r->copies > COPIES_FREE + r->stats.kinds[EVENT_ALLOC] / 8 || r->streak >= STREAK_MAX)
		most = 2;
	return bytes * most > MODELS_BYTES ? (uint32_t)(MODELS_BYTES / bytes) + 2 : most;
}

/* One more account, which is that of @m so far; NULL when there are @most, or the host has no memory. */
static struct replay_model *branch_off(struct replay *r, const struct replay_model *m,
				       uint32_t most)
{
	struct replay_model *next;

	if (r->model_count >= most)
		return NULL;
	next = replay_model_clone(m);
	if (!next) {
		r->out_of_memory = true;
		return NULL;
	}
	r->models[r->model_count++] = next;
	r->copies++;
	return next;
}

/* One more account for each in which the sizes may change at this very moment. */
static void branch(struct replay *r, const struct event *e)
{
	for (uint32_t i = r->model_count; i--;) {
		struct replay_model *m = r->models[i], *next;

		if (!replay_model_has_next_stage(m) || !replay_model_would_refill(m, e))
			continue;
		next = branch_off(r, m, models_worth(r));
		if (next)
			replay_model_next_stage(next);
	}
}

/* Pages freed while a list is filled do not reach the page set. */
static void branch_at_interrupt(struct replay *r, const struct event *e)
{
	for (uint32_t i = 0, n = r->model_count, most = models_worth(r); i < n; i++) {
		struct replay_model *next;

		if (r->model_count >= most || !replay_model_may_bypass(r->models[i], e))
			continue;
		next = branch_off(r, r->models[i], most);
		if (next)
			replay_model_bypass(next, e);
	}
}

/*
 * A drain comes later where a stack was taken that no event tells of: one more account for it, from the
 * one that is believed.
 */
static void branch_at_drain(struct replay *r, const struct event *e)
{
	struct replay_model *next;

	if (r->model_count >= MODELS_MANY || r->model_count >= models_worth(r) ||
	    !r->setup.bulk_stacks || !replay_model_would_drain(r->models[0], e))
		return;
	next = branch_off(r, r->models[0], MODELS_MANY);
	if (next)
		replay_model_take_stack(next, e);
}

/* A copy of @m, which is a model by itself from now on; NULL when there is no room. */
static struct replay_model *copy_of(struct replay *r, const struct replay_model *m)
{
	struct replay_model *copy;

	if (r->model_count >= models_worth(r))
		return NULL;
	copy = replay_model_clone(m);
	r->out_of_memory |= !copy;
	r->copies++;
	return copy;
}

/* Where pages are drained because high marks sank, each part of a second has a model of its own. */
static void branch_at_decay(struct replay *r, const struct event *e)
{
	for (uint32_t i = 0, n = r->model_count; i < n; i++) {
		struct replay_model *m = r->models[i];

		for (uint64_t left = replay_model_sinking(m, e); left;) {
			uint64_t alike = replay_model_alike(m, lowest_bit_u64(left)) & left;
			struct replay_model *other;

			left &= ~alike;
			if (replay_model_is_all(m, alike))
				break;
			other = copy_of(r, m);
			if (!other)
				return;
			replay_model_limit(other, alike);
			replay_model_limit(m, ~alike);
			r->models[r->model_count++] = other;
		}
	}
	for (uint32_t i = 0, n = r->model_count; i < n && r->model_count < MODELS_MANY; i++) {
		struct replay_model *other;

		if (!replay_model_may_sink(r->models[i], e) ||
		    (e->kind == EVENT_ALLOC && !replay_model_would_refill(r->models[i], e)))
			continue;
		other = copy_of(r, r->models[i]);
		if (!other)
			return;
		replay_model_sink(other, e);
		r->models[r->model_count++] = other;
	}
}

/*
 * Model @i gave another page than the kernel.  Where two things may have happened, both are followed.
 */
static void correct(struct replay *r, uint32_t i, const struct event *e, bool blind)
{
	struct replay_model *m = r->models[i];

	static const enum replay_correction others[] = { REPLAY_BY_OTHER,    REPLAY_BY_STACKS,
							 REPLAY_BY_BULK,     REPLAY_BY_END,
							 REPLAY_BY_DRAINS,   REPLAY_BY_DRAIN,
							 REPLAY_BY_ELSEWHERE };
	unsigned int count = sizeof(others) / sizeof(*others);
	uint32_t first = r->model_count, likely = 0;

	if (m->thrifty) {
		replay_model_correct(m, e, REPLAY_BY_PAGE);
		return;
	}
	for (unsigned int k = 0; blind && k < count && r->model_count < models_worth(r); k++) {
		struct replay_model *other;

		if (m->outcome.miss == REPLAY_MISS_UNTRACED)
			break;
		if (!replay_model_may_correct(m, e, others[k]))
			continue;
		other = branch_off(r, m, MODELS_MAX);
		if (other && !replay_model_correct(other, e, others[k]))
			drop(r, r->model_count - 1);
		/* Drains from elsewhere are rare: they have to be right more often before they are believed. */
		if (others[k] != REPLAY_BY_ELSEWHERE)
			likely = r->model_count - first;
	}
	replay_model_correct(m, e, REPLAY_BY_STATE);
	if (!i && likely)
		believe(r, first);
}

/* Accounts that have become the same are one. */
static void unite(struct replay *r)
{
	uint64_t hashes[MODELS_MAX] = { 0 }, glances[MODELS_MAX] = { 0 };

	for (uint32_t i = 0; i < r->model_count; i++)
		glances[i] = replay_model_glance(r->models[i]);
	/* Most look like no other. */
	for (uint32_t i = 0; i < r->model_count; i++) {
		bool alike = false;

		for (uint32_t k = 0; k < r->model_count && !alike; k++)
			alike = k != i && glances[k] == glances[i];
		hashes[i] = alike ? replay_model_hash(r->models[i]) : 0;
	}
	for (uint32_t i = r->model_count; --i;) {
		uint32_t same = 0;

		while (same < i && (glances[same] != glances[i] || hashes[same] != hashes[i]))
			same++;
		if (same == i || !replay_model_join_phases(r->models[same], r->models[i]))
			continue;
		if (r->models[i]->misses < r->models[same]->misses)
			r->models[same]->misses = r->models[i]->misses;
		drop(r, i);
	}
}

static void sift(struct replay *r)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < r->model_count; i++)
		if (r->models[i]->misses < r->models[best]->misses)
			best = i;
	if (best)
		believe(r, best);
	for (unsigned int behind = MISSES_BEHIND; behind >= MISSES_LEAST; behind--) {
		for (uint32_t i = r->model_count; --i;)
			if (r->models[i]->misses >= r->models[0]->misses + behind)
				drop(r, i);
		if (r->model_count <= models_worth(r) / 2)
			break;
	}
	if (r->model_count > MODELS_MANY && r->model_count > r->united + UNITE_SPACING) {
		unite(r);
		r->united = r->model_count;
	}
	if (r->model_count < r->united)
		r->united = r->model_count;
}

static void count(struct replay *r, const struct event *e, const struct replay_outcome *o)
{
	struct replay_prediction p = { e, r->index, o->pfn, o->zone, o->miss };

	if (r->silent)
		return;
	r->stats.predicted[e->kind]++;
	r->stats.right[e->kind] += o->miss == REPLAY_HIT;
	r->stats.misses[e->kind][o->miss]++;
	if (r->options.predicted)
		r->options.predicted(r->options.ctx, &p);
}

/* The trace does tell of more than allocations and frees. */
static void tells(struct replay *r)
{
	r->setup.kinds = r->wanted;
	/* The first page sets of a boot are empty: each page is taken from the free lists. */
	r->setup.from_boot = !r->taken_over && !r->stats.kinds[EVENT_ALLOC] &&
			     !r->stats.kinds[EVENT_FREE];
	while (r->model_count > 1)
		drop(r, r->model_count - 1);
	/* What drains tell is better than when they might be due. */
	replay_model_limit(r->models[0], 1ULL << r->models[0]->phases.chosen);
	if (r->setup.from_boot || r->taken_over)
		return;
	replay_model_start_late(r->models[0]);
	replay_model_activate_cma(r->models[0]);
	buddy_copy(&r->first, r->buddy);
}

/* ---- a state that was told ----------------------------------------------------------------------- */

void replay_forget(struct replay *r)
{
	while (r->model_count > 1)
		drop(r, r->model_count - 1);
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

static void note_change(struct replay *r, const struct event *e)
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

	while (r->model_count > 1)
		drop(r, r->model_count - 1);
	/* What was expected are pages of lists that change now. */
	for (uint32_t cpu = 0; cpu < r->setup.cpu_count; cpu++)
		replay_model_settle(r->models[0], cpu);
	s->types = r->first.slots ? &r->first : NULL;
	s->changed = (struct start_ranges){ r->changed, r->changed_count };
	count_sets(r, 1);
	s->net = r->net;
	freed = last_freed(r, &s->freed_count);
	s->freed = freed;
	/* Of what was freed since the boot, much was taken in bulk again, of which nothing tells. */
	s->late = !r->models[0]->from_idle;
	if (!s->late || r->setup.kinds & TELLING)
		s->freed_count = 0;
	r->watches = false;
	r->setup.from_boot = false;
	r->taken_over = true;
	done = freed && start_apply(&r->models[0]->alloc, s, ret) && !r->out_of_memory &&
	       !r->first.out_of_memory;
	free(freed);
	free(r->freed);
	r->freed = NULL;
	s->freed = NULL;
	s->freed_count = 0;
	return done;
}

bool replay_begins_late(const struct replay *r)
{
	return r->setup.kinds & TELLING && !r->setup.from_boot;
}

bool replay_tells(const struct replay *r)
{
	return r->setup.kinds & TELLING;
}

uint64_t replay_distance(const struct replay *r, struct start *s)
{
	s->changed = (struct start_ranges){ r->changed, r->changed_count };
	return start_distance(&r->models[0]->alloc, s);
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
		correct(r, i, e, !(r->setup.kinds & TELLING));
}

/* The trace is not what the model takes it for: its page frames are believed, and nothing is made of them. */
static void give_thriftily(struct replay *r, const struct event *e)
{
	while (r->model_count > 1)
		drop(r, r->model_count - 1);
	r->models[0]->thrifty = true;
	give(r, 0, e);
	r->models[0]->thrifty = false;
}

/*
 * The same; should the event go another way for other parts of a second, a copy of the model is given it for
 * those.  When there is no room for one they stay where they are.
 */
static void give_parted(struct replay *r, uint32_t i, const struct event *e)
{
	struct replay_model *m = r->models[i], *before = NULL;
	uint32_t first = r->model_count;
	uint64_t rest;

	if (replay_model_may_part(m, e))
		before = copy_of(r, m);
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

/* An event of a trace that has only allocations and frees. */
static __attribute__((noinline)) void give_blind(struct replay *r, const struct event *e)
{
	while (r->streak >= STREAK_MAX && r->model_count > 2)
		drop(r, r->model_count - 1);
	if (e->kind == EVENT_ALLOC)
		branch(r, e);
	if (e->kind == EVENT_FREE)
		branch_at_drain(r, e);
	branch_at_decay(r, e);
	if (e->kind == EVENT_ALLOC)
		branch_at_interrupt(r, e);
	for (uint32_t i = 0, n = r->model_count; i < n; i++)
		give_parted(r, i, e);
	if (r->model_count > 1)
		sift(r);
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
	/* The model would not have named a page of no zone: a miss like others. */
	zone = page_alloc_zone_of(a, e->pfn);
	return zone == BUDDY_ZONE_NONE || !e->order ||
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
	return r->boot_over && replay_model_has_next_stage(r->models[0]);
}

static inline void take_in(struct replay *r, const struct event *e)
{
	uint32_t kind = 1u << e->kind;

	if (!(r->wanted & kind) || !fits(r, e))
		return;
	if (kind & TELLING & ~r->setup.kinds)
		tells(r);
	if (!r->boot_over)
		r->boot_over = comes_after_boot(r, e);
	if (r->watches)
		note_change(r, e);
	if (e->kind == EVENT_FREE && !r->taken_over && !(r->setup.kinds & TELLING))
		note_freed(r, e);
	if (!r->silent) {
		r->stats.events++;
		r->stats.kinds[e->kind]++;
	}
	/* Once the trace tells, there is one model. */
	if (r->setup.kinds & TELLING)
		give(r, 0, e);
	else if (r->credit)
		give_blind(r, e);
	else
		give_thriftily(r, e);
	r->stats.silent = r->models[0]->silent;
}

void replay_event(struct replay *r, const struct event *e)
{
	/* Lists that miss something are not gone through any more. */
	if (!r->out_of_memory)
		take_in(r, e);
	r->index++;
}
