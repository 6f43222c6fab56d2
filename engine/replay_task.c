/* SPDX-License-Identifier: MIT */
/* What is learned of tasks: stacks that nothing tells of, nodes that policies choose. */
#include <string.h>

#include "engine/pageset.h"
#include "engine/replay_parts.h"

/*
 * Stacks of forked processes.  Nothing tells of a stack's pages, but the page directory of the new process
 * is an event: two pages (page-table isolation), accounted and zeroed.  The first one of a task is that of
 * the program it executes, later ones are those of its children.  A CPU keeps the stacks of the last tasks
 * that ended on it (NR_CACHED_STACKS), and only when it has none are pages taken.
 */
enum { STACKS_CACHED = 2 };
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
	for (unsigned int i = 0; i < over && c->stacks_cached < STACKS_CACHED; i++)
		c->stacks_cached++;
	c->stacks_waiting -= over;
	memmove(c->stack_times, c->stack_times + over, c->stacks_waiting * sizeof(*c->stack_times));
}

void replay_keep_stack(const struct replay_model *r, struct replay_cpu *c, const struct event *e)
{
	end_waiting(c, e->time);
	if (c->stacks_cached < STACKS_CACHED)
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

static struct replay_task new_task(const struct event *e)
{
	return (struct replay_task){ .pid = e->pid,
				     .user = { .nid = -1 },
				     .kernel = { .nid = -1 } };
}

void replay_watch_fork(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct replay_task *t = &r->tasks[task_slot(e)];
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
	if (t->pid != e->pid)
		*t = new_task(e);
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
		replay_list_again(r, cpu, c->stack_zone, c->stack[--c->stack_count]);
		r->silent--;
	}
}

/* Times that an answer must have been better than another before it is believed, at most. */
enum { TRUST_MAX = 2 };

/* Interleaving goes round some of the nodes: what followed the last one the last time?  -1: not known. */
static int32_t next_node(const struct replay_nodes *n, int32_t nodes)
{
	int16_t after = n->nid < 0 ? 0 : n->after[n->nid % REPLAY_NODES_NOTED];

	return after > 0 && after <= nodes ? after - 1 : -1;
}

static void note_node(struct replay_nodes *n, int32_t nid)
{
	if (n->nid >= 0)
		n->after[n->nid % REPLAY_NODES_NOTED] = (int16_t)(nid + 1);
	n->nid = nid;
}

static bool is_movable(const struct replay_model *r, const struct event *e)
{
	return e->migratetype < MIGRATE_TYPE_COUNT &&
	       r->setup->types[e->migratetype] == MIGRATE_MOVABLE;
}

static bool names_node(const struct replay_model *r, const struct event *e)
{
	return e->kind == EVENT_ALLOC && gfp_has(&r->setup->gfp, e->gfp, GFP_BIT_THISNODE);
}

/*
 * Whose zonelist.  Of user memory that of the node the task had its last page from, for policies last; for
 * a task that had none, that of the CPU.  Of other memory that of the CPU, but for tasks that interleave,
 * as what initialises the system does; which of the two it is shows by what was right before.
 */
int32_t replay_node_of(const struct replay_model *r, const struct event *e)
{
	const struct replay_task *t = &r->tasks[task_slot(e)];
	int32_t nodes = (int32_t)r->setup->late->node_count, next;

	if (nodes == 1)
		return 0;
	if (names_node(r, e))
		return r->cpus[e->cpu].named_nid;
	if (t->pid != e->pid)
		return r->cpus[e->cpu].nid;
	if (!is_movable(r, e)) {
		next = t->interleaves > 0 ? next_node(&t->kernel, nodes) : -1;
		return next < 0 ? r->cpus[e->cpu].nid : next;
	}
	next = next_node(&t->user, nodes);
	if (next >= 0)
		return next;
	return t->user.nid < 0 ? r->cpus[e->cpu].nid : t->user.nid;
}

void replay_learn_node(struct replay_model *r, const struct event *e, uint32_t zone)
{
	struct replay_task *t = &r->tasks[task_slot(e)];
	struct replay_cpu *c = &r->cpus[e->cpu];
	int32_t nid, next;

	if (zone == BUDDY_ZONE_NONE || r->setup->late->node_count == 1)
		return;
	nid = r->alloc.buddy->zones[zone].nid;
	if (names_node(r, e)) {
		c->named_nid = nid;
		return;
	}
	if (t->pid != e->pid)
		*t = new_task(e);
	if (is_movable(r, e)) {
		note_node(&t->user, nid);
		return;
	}
	next = next_node(&t->kernel, (int32_t)r->setup->late->node_count);
	if (next == nid && c->nid != nid && t->interleaves < TRUST_MAX)
		t->interleaves++;
	else if (next != nid && c->nid == nid && t->interleaves > -TRUST_MAX)
		t->interleaves--;
	note_node(&t->kernel, nid);
	if (t->interleaves <= 0)
		c->nid = nid;
}
