/* SPDX-License-Identifier: MIT */
/* From which node: policies and cpusets, which no event tells of, are learned from the pages that came. */
#include "engine/replay_parts.h"

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
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct replay_task *t;
	int32_t nid, next;

	if (zone == BUDDY_ZONE_NONE || r->setup->late->node_count == 1)
		return;
	nid = r->alloc.buddy->zones[zone].nid;
	if (names_node(r, e)) {
		c->named_nid = nid;
		return;
	}
	t = replay_task_of(r, e);
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
