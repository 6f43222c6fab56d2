/* SPDX-License-Identifier: MIT */
#include "traces/trial.h"

#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "engine/buddy.h"
#include "engine/impossible.h"
#include "engine/migratetype.h"

/* A booted machine, and the copy of its lists that a run may change. */
struct side {
	struct machine m;
	struct buddy *kept; /* as the boot left them; m.buddy unless a run has its own */
	struct buddy work;
	bool booted, lists;
};

struct trial {
	struct side late, early;
	/* What they were booted from. */
	uint64_t boot;
	struct facts facts;
	/* The run at hand. */
	struct replay *replay;
	struct rerun *rerun;
	struct follow *follow;
	uint32_t cpu_count;
	unsigned int max_order, type_count;
};

struct trial *trial_create(void)
{
	struct trial *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	machine_init(&t->late.m);
	machine_init(&t->early.m);
	return t;
}

static void end_run(struct trial *t)
{
	replay_destroy(t->replay);
	rerun_destroy(t->rerun);
	follow_destroy(t->follow);
	t->replay = NULL;
	t->rerun = NULL;
	t->follow = NULL;
	if (t->late.kept)
		t->late.m.buddy = t->late.kept;
	if (t->early.kept)
		t->early.m.buddy = t->early.kept;
}

static void end_side(struct side *side)
{
	machine_deinit(&side->m);
	buddy_deinit(&side->work);
}

void trial_destroy(struct trial *t)
{
	if (!t)
		return;
	end_run(t);
	end_side(&t->late);
	end_side(&t->early);
	free(t);
}

/* ---- boot -------------------------------------------------------------------------------------- */

static bool is_booted(const struct trial *t, const struct subject *s)
{
	return s->boot && s->boot == t->boot &&
	       !memcmp(&t->facts, &s->log.input.facts, sizeof(t->facts));
}

static bool boot_side(struct side *side, const struct subject *s, enum boot_stage until, bool lists)
{
	if (side->booted && (side->lists || !lists))
		return true;
	machine_reset(&side->m);
	side->m.want_lists = lists;
	boot_run(&side->m, &s->log.input, until);
	side->kept = side->m.buddy;
	side->booted = true;
	side->lists = lists;
	return !side->m.out_of_memory && !(side->kept && side->kept->out_of_memory);
}

static void remember(struct trial *t, const struct subject *s)
{
	t->boot = s->boot;
	memcpy(&t->facts, &s->log.input.facts, sizeof(t->facts));
	t->late.booted = t->early.booted = false;
}

struct error *trial_boot(struct trial *t, const struct subject *s, enum trial_want want,
			 const char **reason_ret)
{
	bool done;

	end_run(t);
	if (!is_booted(t, s))
		remember(t, s);
	done = boot_side(&t->late, s, STAGE_LATE, want != TRIAL_BOOT) &&
	       (want != TRIAL_REPLAY || boot_side(&t->early, s, STAGE_MEM_INIT, true));
	if (!done) {
		t->late.booted = t->early.booted = false;
		return error_no_memory();
	}
	*reason_ret = NULL;
	if (want != TRIAL_BOOT && (!t->late.kept || !t->late.m.reserved_known))
		*reason_ret = "what memblock had reserved is not known, and so the free lists are "
			      "not";
	else if (want == TRIAL_REPLAY && (!t->early.kept || !t->early.m.reserved_known))
		*reason_ret = "what memblock had reserved at the hand-over is not known";
	return NULL;
}

const struct machine *trial_machine(const struct trial *t)
{
	return &t->late.m;
}

/* ---- runs -------------------------------------------------------------------------------------- */

/* CPUs that the run must know: of those the machine has, up to the last one that is named. */
static uint32_t count_cpus(const struct subject *s)
{
	uint32_t most = subject_cpu_count(s), count = 1;

	for (uint32_t i = 0; i < s->event_count; i++)
		if (s->events[i].cpu >= count)
			count = s->events[i].cpu + 1U;
	return count < most ? count : most;
}

static bool begin_run(struct trial *t, struct side *side, const struct subject *s)
{
	end_run(t);
	t->cpu_count = count_cpus(s);
	t->max_order = side->m.config.max_order;
	t->type_count = migratetype_count(&s->traced_config);
	if (!side->kept)
		return true;
	buddy_copy(&side->work, side->kept);
	side->m.buddy = &side->work;
	return !side->work.out_of_memory;
}

struct replay *trial_replay(struct trial *t, const struct subject *s,
			    const struct replay_options *options)
{
	struct replay_options how = *options;

	if (!begin_run(t, &t->early, s))
		return NULL;
	how.cpu_count = t->cpu_count;
	t->replay = replay_create(&t->early.m, &t->late.m, &how);
	return t->replay;
}

struct rerun *trial_rerun(struct trial *t, const struct subject *s)
{
	struct machine traced_by;
	int32_t *nids;

	if (!begin_run(t, &t->late, s))
		return NULL;
	machine_init(&traced_by);
	traced_by.facts = s->traced_facts;
	traced_by.config = s->traced_config;
	nids = rerun_cpu_nodes(&t->late.m, &s->log.input, t->cpu_count);
	if (nids)
		t->rerun = rerun_create(&t->late.m, &traced_by, nids, t->cpu_count);
	free(nids);
	machine_deinit(&traced_by);
	return t->rerun;
}

struct follow *trial_follow(struct trial *t, const struct subject *s,
			    const struct follow_options *options)
{
	struct follow_options how = *options;

	if (!begin_run(t, &t->late, s))
		return NULL;
	how.cpu_count = subject_cpu_count(s);
	t->follow = follow_create(&t->late.m, &how);
	return t->follow;
}

bool trial_allows(struct trial *t, const struct event *e)
{
	if (impossible_shape(e, t->cpu_count, t->max_order, t->type_count) != POSSIBLE)
		return false;
	if (!t->replay || e->pfn == PFN_NONE || e->kind >= EVENT_MARKER)
		return true;
	return page_alloc_zone_of(replay_alloc(t->replay), e->pfn) != BUDDY_ZONE_NONE;
}

uint64_t trial_hash(const struct trial *t)
{
	return buddy_hash(t->replay ? t->early.m.buddy : t->late.m.buddy);
}
