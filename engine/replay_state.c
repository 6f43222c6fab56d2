/* SPDX-License-Identifier: MIT */
/*
 * Replay: states to come back to.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/replay_internal.h"

/* The models have lists of their own here. */
struct replay_state {
	struct replay_stats stats;
	struct replay_model *models[MODELS_MAX];
	uint32_t model_count, united, unite_every, credit, streak, kinds;
	uint64_t copies, unite_at;
	bool from_boot, all_told, silent, taken_over, boot_over, allocated;
	uint64_t index;
	struct replay_plant *plant; /* NULL: the machine is as it has booted */
	uint64_t cpus_down;
	struct replay_change change;
	bool change_due;
	uint64_t change_drains;
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
		s->freed = replay_last_freed(r, &s->freed_kept);
	if (r->plant)
		s->plant = replay_plant_copy(r->plant);
	if ((r->plant && !s->plant) || (r->freed && !s->freed) ||
	    !clone_models(r->models, r->model_count, s->models)) {
		replay_plant_destroy(s->plant);
		free(s->freed);
		free(s);
		return NULL;
	}
	s->freed_count = r->freed_count;
	s->stats = r->stats;
	s->model_count = r->model_count;
	s->united = r->united;
	s->copies = r->copies;
	s->unite_at = r->unite_at;
	s->unite_every = r->unite_every;
	s->credit = r->credit;
	s->streak = r->streak;
	s->kinds = r->setup.kinds;
	s->from_boot = r->setup.from_boot;
	s->all_told = r->setup.all_told;
	s->silent = r->silent;
	s->taken_over = r->taken_over;
	s->boot_over = r->boot_over;
	s->allocated = r->allocated;
	s->index = r->index;
	s->cpus_down = r->cpus_down;
	s->change = r->change;
	s->change_due = r->change_due;
	s->change_drains = r->change_drains;
	return s;
}

void replay_state_destroy(struct replay_state *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->model_count; i++)
		replay_model_destroy(s->models[i]);
	replay_plant_destroy(s->plant);
	free(s->freed);
	free(s);
}

bool replay_restore(struct replay *r, const struct replay_state *s)
{
	struct replay_plant *plant = s->plant ? replay_plant_copy(s->plant) : NULL;
	struct replay_model *models[MODELS_MAX];

	if (s->freed && !r->freed)
		r->freed = malloc(FREED_MAX * sizeof(*r->freed));
	if ((s->plant && !plant) || (s->freed && !r->freed) ||
	    !clone_models(s->models, s->model_count, models)) {
		replay_plant_destroy(plant);
		return false;
	}
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
	r->unite_at = s->unite_at;
	r->unite_every = s->unite_every;
	r->credit = s->credit;
	r->streak = s->streak;
	r->setup.kinds = s->kinds;
	r->setup.from_boot = s->from_boot;
	r->setup.all_told = s->all_told;
	r->silent = s->silent;
	r->taken_over = s->taken_over;
	r->boot_over = s->boot_over;
	r->allocated = s->allocated;
	r->index = s->index;
	r->cpus_down = s->cpus_down;
	r->change = s->change;
	r->change_due = s->change_due;
	r->change_drains = s->change_drains;
	if (plant || r->plant)
		replay_set_plant(r, plant);
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
