/* SPDX-License-Identifier: MIT */
/*
 * Replay: several accounts of what nothing tells.
 *
 * When the page sets of a boot get larger is in no event.  A trace of every event shows it soon: lists are
 * filled with more pages at once.  A trace of allocations and frees alone shows it only by where the next
 * pages come from.  So whenever a list is filled there, one more model is followed for which the sizes
 * have just changed; those that are wrong where others are right are dropped.
 */
#include <string.h>

#include "engine/replay_internal.h"

/*
 * Models that are many; how many misses behind the best ends one, and behind how many nothing more is made of
 * one: what else may have happened to who is wrong so often is less likely still.
 */
enum { MODELS_MANY = 24, MISSES_BEHIND = 5, MISSES_TRUSTED = 2 };
/* Models that come, or events, before it is looked for equal ones again; of events more where there were none. */
enum { UNITE_SPACING = 3, UNITE_EVENTS = 64, UNITE_EVENTS_MAX = 8192 };
/*
 * To copy a model takes time.  So many may be made, and one more for so many allocations; the rest of what may
 * happen is not followed then.
 */
enum { COPIES_FREE = 4096, ALLOCS_PER_COPY = 8 };
/* The part of those worth following that there is room for behind each event; what they may take on the whole. */
enum { ROOM_SHARE = 4 };
enum { MODELS_BYTES = 256 << 20 };

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

void replay_keep_one(struct replay *r)
{
	while (r->model_count > 1)
		drop(r, r->model_count - 1);
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

	if (r->streak >= STREAK_MAX)
		most = 2;
	return bytes * most > MODELS_BYTES ? (uint32_t)(MODELS_BYTES / bytes) + 2 : most;
}

static struct replay_model *clone_account(struct replay *r, const struct replay_model *m)
{
	struct replay_model *copy;

	if (r->copies > COPIES_FREE + r->stats.kinds[EVENT_ALLOC] / ALLOCS_PER_COPY)
		return NULL;
	copy = replay_model_clone(m);
	r->out_of_memory |= !copy;
	r->copies++;
	return copy;
}

/* One more account, which is that of @m so far; NULL when there are @most, or none is to be made. */
static struct replay_model *branch_off(struct replay *r, const struct replay_model *m,
				       uint32_t most)
{
	struct replay_model *next = r->model_count < most ? clone_account(r, m) : NULL;

	if (next)
		r->models[r->model_count++] = next;
	return next;
}

struct replay_model *replay_copy_account(struct replay *r, const struct replay_model *m)
{
	return r->model_count < models_worth(r) ? clone_account(r, m) : NULL;
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

/* Nor does what is freed while a batch of frees is carried out, which counts when the page set is drained next. */
static void branch_at_batch(struct replay *r, const struct event *e)
{
	for (uint32_t i = 0, n = r->model_count; i < n; i++) {
		struct replay_model *next;

		if (!replay_model_may_pass(r->models[i], e))
			continue;
		next = branch_off(r, r->models[i], models_worth(r));
		if (next)
			replay_model_pass(next, e);
	}
}

/*
 * A drain comes later where a stack was taken that no event tells of: one more account for it, from the
 * one that is believed.
 */
static void branch_at_drain(struct replay *r, const struct event *e)
{
	struct replay_model *next;

	if (r->model_count >= models_worth(r) || !r->setup.bulk_stacks ||
	    !replay_model_would_drain(r->models[0], e))
		return;
	next = branch_off(r, r->models[0], models_worth(r));
	if (next)
		replay_model_take_stack(next, e);
}

/* Another CPU that announced frees may stand still before it has drained: one more account for each drain. */
static void branch_at_stand(struct replay *r, const struct event *e)
{
	uint32_t cpus = r->setup.cpu_count;
	/* Frees are many: it is enough to ask who is believed, of blocks that lists of page sets do not take. */
	uint32_t n = e->kind != EVENT_FREE		      ? r->model_count
		     : replay_model_has_list(r->models[0], e) ? 0
							      : 1;

	for (uint32_t i = 0; i < n && cpus > 1; i++) {
		struct replay_model *m = r->models[i];

		if (m->misses > r->models[0]->misses + MISSES_TRUSTED)
			continue;
		for (uint32_t cpu = 0; (cpu = replay_model_may_stand(m, e, cpu)) < cpus; cpu++) {
			unsigned int drains = 0;
			struct replay_model *next;

			do {
				next = branch_off(r, m, models_worth(r));
			} while (next && replay_model_stand(next, cpu, drains++));
			if (!next)
				return;
			drop(r, r->model_count - 1);
		}
	}
}

/* kthreadd may have used a stack that was kept of a thread that nothing told of: one more account, of the one that is believed. */
static void branch_at_thread(struct replay *r, const struct event *e)
{
	struct replay_model *next;

	if (!replay_model_may_make_thread(r->models[0], e))
		return;
	next = branch_off(r, r->models[0], models_worth(r));
	if (next)
		replay_model_make_none(next, e);
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
			other = replay_copy_account(r, m);
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
		other = replay_copy_account(r, r->models[i]);
		if (!other)
			return;
		replay_model_sink(other, e);
		r->models[r->model_count++] = other;
	}
}

void replay_branch(struct replay *r, const struct event *e)
{
	while (r->streak >= STREAK_MAX && r->model_count > 2)
		drop(r, r->model_count - 1);
	if (e->kind == EVENT_ALLOC) {
		branch_at_stand(r, e);
		branch_at_thread(r, e);
		branch(r, e);
	}
	if (e->kind == EVENT_FREE) {
		branch_at_stand(r, e);
		branch_at_drain(r, e);
		branch_at_batch(r, e);
	}
	branch_at_decay(r, e);
	if (e->kind == EVENT_ALLOC)
		branch_at_interrupt(r, e);
}

void replay_correct(struct replay *r, uint32_t i, const struct event *e, bool blind)
{
	static const enum replay_correction others[] = { REPLAY_BY_OTHER,     REPLAY_BY_STACKS,
							 REPLAY_BY_BULK,      REPLAY_BY_END,
							 REPLAY_BY_DRAINS,    REPLAY_BY_DRAIN,
							 REPLAY_BY_ELSEWHERE, REPLAY_BY_OTHER_CPU,
							 REPLAY_BY_ALONE };
	unsigned int count = sizeof(others) / sizeof(*others);
	struct replay_model *m = r->models[i];
	uint32_t first = r->model_count, likely = 0;

	replay_model_see(m, e);
	if (m->thrifty) {
		replay_model_correct(m, e, REPLAY_BY_PAGE);
		return;
	}
	blind &= m->misses <= r->models[0]->misses + MISSES_TRUSTED;
	for (unsigned int k = 0; blind && k < count && r->model_count < models_worth(r); k++) {
		struct replay_model *other;

		if (m->outcome.miss == REPLAY_MISS_UNTRACED)
			break;
		if (!replay_model_may_correct(m, e, others[k]))
			continue;
		other = branch_off(r, m, MODELS_MAX);
		if (other && !replay_model_correct(other, e, others[k]))
			drop(r, r->model_count - 1);
		/* What is rarely so has to be right more often before it is believed: other CPUs did it, or one block is wrong. */
		if (others[k] != REPLAY_BY_ELSEWHERE && others[k] != REPLAY_BY_ALONE &&
		    others[k] != REPLAY_BY_OTHER_CPU)
			likely = r->model_count - first;
	}
	replay_model_correct(m, e, REPLAY_BY_STATE);
	/* A lock explains it to the page. */
	if (!i && likely && !m->blamed)
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

/*
 * Those that did worst go, and of these the last that came, so that there is room for what may happen next: else
 * many that are wrong alike would keep out the one that is right.
 */
static void make_room(struct replay *r)
{
	uint32_t worth = models_worth(r);

	while (r->model_count > worth - worth / ROOM_SHARE) {
		uint32_t worst = 1;

		for (uint32_t i = 2; i < r->model_count; i++)
			if (r->models[i]->misses >= r->models[worst]->misses)
				worst = i;
		drop(r, worst);
	}
}

void replay_sift(struct replay *r)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < r->model_count; i++)
		if (r->models[i]->misses < r->models[best]->misses)
			best = i;
	if (best)
		believe(r, best);
	for (uint32_t i = r->model_count; --i;)
		if (r->models[i]->misses >= r->models[0]->misses + MISSES_BEHIND)
			drop(r, i);
	if (r->model_count > r->united + UNITE_SPACING || r->index >= r->unite_at) {
		uint32_t before = r->model_count;

		unite(r);
		r->unite_every = r->model_count < before ? UNITE_EVENTS : 2 * r->unite_every;
		if (r->unite_every > UNITE_EVENTS_MAX)
			r->unite_every = UNITE_EVENTS_MAX;
		r->united = r->model_count;
		r->unite_at = r->index + r->unite_every;
	}
	make_room(r);
	if (r->model_count < r->united)
		r->united = r->model_count;
}
