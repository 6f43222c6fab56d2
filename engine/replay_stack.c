/* SPDX-License-Identifier: MIT */
/*
 * Stacks of tasks, which are allocated in bulk and so by no event, where the page directory of a process is two
 * pages; and what a CPU keeps of them, wherever.  replay_fork.c has the machines with plain directories.
 *
 * Nothing tells of a stack's pages, but the page directory of the new process is an event: two pages (page-table
 * isolation), accounted and zeroed.  The first one of a task is that of the program it executes, later ones are those
 * of its children.  A CPU keeps the stacks of the last tasks that ended on it, and only when it has none are pages
 * taken.
 */
#include <string.h>

#include "engine/pageset.h"
#include "engine/replay_parts.h"

/*
 * Nanoseconds that an RCU callback waits, about: for the rest of the grace period that is under way, and for one more, of two
 * or three ticks each, of 4 ms mostly.
 */
enum { GRACE = 30000000 };

/* What waited for a grace period that is over by @time is kept, if there is room then, or else is freed. */
static void end_waiting(struct replay_cpu *c, uint64_t time)
{
	unsigned int over = 0;

	while (over < c->stacks_waiting && time >= c->stack_times[over] + GRACE)
		over++;
	for (unsigned int i = 0; i < over && c->stacks_cached < REPLAY_STACKS_CACHED; i++)
		c->stacks_cached++;
	c->stacks_waiting -= over;
	memmove(c->stack_times, c->stack_times + over, c->stacks_waiting * sizeof(*c->stack_times));
}

void replay_keep_stack(const struct replay_model *r, struct replay_cpu *c, const struct event *e)
{
	end_waiting(c, e->time);
	if (c->stacks_cached < REPLAY_STACKS_CACHED)
		c->stacks_cached++;
	else if (r->setup->kept_late && c->stacks_waiting < REPLAY_STACKS_WAITING)
		c->stack_times[c->stacks_waiting++] = e->time;
}

bool replay_use_kept_stack(struct replay_cpu *c, const struct event *e)
{
	end_waiting(c, e->time);
	if (!c->stacks_cached)
		return false;
	c->stacks_cached--;
	return true;
}

void replay_watch_fork(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct replay_task *t;
	const struct gfp_table *gfp = &r->setup->gfp;
	struct page_alloc *a = &r->alloc;
	struct pageset *set;
	uint32_t zone;

	if (r->setup->plain_directories) {
		replay_watch_tables(r, e);
		return;
	}
	/* User memory: whatever took a stack, no fork is under way. */
	if (c->stack_pid == e->pid && requested_type(r, e) == MIGRATE_MOVABLE)
		c->stack_pid = 0;
	if (!r->setup->bulk_stacks || e->order != 1 || e->migratetype ||
	    !gfp_has(gfp, e->gfp, GFP_BIT_ACCOUNT) || !gfp_has(gfp, e->gfp, GFP_BIT_ZERO))
		return;
	t = replay_task_of(r, e);
	r->directories[r->directory_next++ % REPLAY_DIRECTORIES] = e->pfn;
	if (!t->executed) {
		t->executed = t->executing = true;
		return;
	}
	/* Another page that the fork asked for has shown already that a stack is gone. */
	if (e->pid && c->stack_pid == e->pid) {
		c->stack_pid = 0;
		return;
	}
	if (replay_use_kept_stack(c, e))
		return;
	zone = page_alloc_zone_of(a, e->pfn);
	set = page_alloc_set(a, zone, e->cpu);
	c->stack_zone = zone;
	c->stack_count = 0;
	while (c->stack_count < REPLAY_STACK_PAGES && set->lists[0].count) {
		c->stack[c->stack_count++] = pageset_pop(a, set, 0);
		r->silent++;
	}
}

/* A page directory is given back: a process ended, unless it began to execute another program. */
void replay_watch_exit(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct replay_task *t = &r->tasks[task_slot(e)];

	if (r->setup->plain_directories) {
		replay_watch_directory(r, e);
		return;
	}
	if (e->order != 1 || !r->setup->bulk_stacks)
		return;
	for (unsigned int i = 0; i < REPLAY_DIRECTORIES; i++) {
		if (r->directories[i] != e->pfn)
			continue;
		r->directories[i] = PFN_NONE;
		if (t->pid == e->pid && t->executing)
			t->executing = false;
		else
			replay_keep_stack(r, c, e);
		return;
	}
}

/* No stack was taken after all: its pages go back to the head of the list. */
void replay_give_stack_back(struct replay_model *r, uint32_t cpu)
{
	struct replay_cpu *c = &r->cpus[cpu];

	while (c->stack_count) {
		replay_list_again(r, cpu, c->stack_zone, 0, c->stack[--c->stack_count]);
		r->silent--;
	}
}
