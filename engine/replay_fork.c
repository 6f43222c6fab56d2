/* SPDX-License-Identifier: MIT */
/*
 * New tasks where the page directory of a process is one page like every other page table, and kernel threads.
 * Nothing tells of the pages of a task's stack, but something else that making a task takes may be an event:
 *
 *	fork		[stack] directory, tables of each level, more tables ...	and then a user page
 *	execute		directory, tables of each level				and then a user page
 *	fault		tables of the levels that are missing			and then a user page
 *	kernel thread	kthreadd, which does nothing else, asks for some page before or behind [stack]
 *	vfork		[stack]; the first event of the new task is the directory of what it executes
 *
 * So how many tables come in a row tells which of the first three it was; before that it is taken for what
 * the task did the last time.  A CPU keeps the stacks of the last tasks that ended on it, and only when it
 * has none are pages taken.
 */
#include "engine/pageset.h"
#include "engine/replay_parts.h"

/* Levels of page tables. */
enum { TABLE_LEVELS = 4 };
/* The task that makes kernel threads (rest_init()). */
enum { KTHREADD = 2 };
/* How sure it can be that a task forks. */
enum { FORKS_MAX = 2 };
/* New processes that have done nothing yet, at most. */
enum { UNBORN_MAX = 64 };

static bool is_table(const struct replay_model *r, const struct event *e)
{
	const struct gfp_table *gfp = &r->setup->gfp;

	return !e->order && type_of(r, e) == MIGRATE_UNMOVABLE &&
	       gfp_has(gfp, e->gfp, GFP_BIT_ACCOUNT) && gfp_has(gfp, e->gfp, GFP_BIT_ZERO);
}

/*
 * Page tables are compound pages where pagetable_alloc() gives them, and the directory is none where pgd_alloc() does
 * without.  Once a copy has shown that, can @e, which asks for a table, ask for a directory?
 */
static bool may_be_directory(const struct replay_model *r, const struct event *e)
{
	return !r->directories_differ || !gfp_has(&r->setup->gfp, e->gfp, GFP_BIT_COMP);
}

/* Does a task allocate, where stacks are taken in bulk?  What an interrupt does is not the task's doing. */
static bool is_of_task(const struct replay_model *r, const struct event *e)
{
	return r->setup->bulk_stacks && e->kind == EVENT_ALLOC &&
	       !(e->context & EVENT_CONTEXT_INTERRUPT) && e->pid > 0;
}

/*
 * Does the model look for new tasks here at @e?  Where directories are larger, replay_stack.c looks for copies.  And which
 * of several CPUs kept stacks is not clear enough unless it is told when lists are filled.
 */
static bool watches(const struct replay_model *r, const struct event *e)
{
	bool clear = r->setup->cpu_count == 1 || r->setup->kinds >> EVENT_ZONE_LOCKED & 1;

	return is_of_task(r, e) && (r->setup->plain_directories || (e->pid == KTHREADD && clear));
}

/*
 * A task is made: one of the stacks that were kept is used, or pages are taken from the list.  @filled: the
 * list was filled for @e just now, when what it had before was gone.  Where no event tells of that, it is filled as
 * soon as it is empty.
 */
static enum stack_source use_stack(struct replay_model *r, const struct event *e, bool filled)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct page_alloc *a = &r->alloc;
	struct alloc_request req = { .cpu = e->cpu,
				     .type = MIGRATE_UNMOVABLE,
				     .nid = replay_node_of(r, e),
				     .highest = ZONE_NORMAL };
	unsigned int pages = REPLAY_STACK_PAGES;
	bool told = r->setup->kinds >> EVENT_ZONE_LOCKED & 1;
	struct pageset *set;
	uint32_t zone;

	if (replay_use_kept_stack(c, e))
		return STACK_KEPT;
	req.flags = page_alloc_fast_flags(a, &req);
	zone = replay_choose_zone(r, &req);
	if (zone == BUDDY_ZONE_NONE)
		return STACK_NONE;
	set = page_alloc_set(a, zone, e->cpu);
	c->stack_zone = zone;
	c->stack_count = 0;
	if (filled && c->filled_zone == zone)
		pages -= c->filled_old < pages ? c->filled_old : pages;
	for (; pages; pages--) {
		if (!told && !set->lists[0].count)
			pageset_refill(a, zone, set, 0, req.type, req.flags,
				       replay_refill_count(r, e->cpu, zone, 0));
		if (!set->lists[0].count)
			break;
		c->stack[c->stack_count++] = pageset_pop(a, set, 0);
		r->silent++;
	}
	return STACK_TAKEN;
}

void replay_take_due_stack(struct replay_model *r, const struct event *e, bool filled)
{
	struct replay_cpu *c = &r->cpus[e->cpu];

	if (!c->stack_due || e->context & EVENT_CONTEXT_INTERRUPT)
		return;
	c->stack_due = false;
	use_stack(r, e, filled && !e->order);
}

static void note_directory(struct replay_model *r, pfn_t pfn, int32_t owner)
{
	unsigned int at = r->directory_next++ % REPLAY_DIRECTORIES;

	r->directories[at] = pfn;
	r->directory_owners[at] = owner;
}

/* No more tables come in a row. */
static void end_row(struct replay_model *r, struct replay_cpu *c, struct replay_task *t)
{
	if (t->tables == TABLE_LEVELS) {
		if (!r->directories_differ)
			note_directory(r, t->directory, t->pid);
		t->own = t->directory;
		t->executing = true;
	}
	if (t->tables && t->tables <= TABLE_LEVELS) {
		/* It was no fork after all. */
		if (t->stack == STACK_KEPT && t->forks && c->stacks_cached < REPLAY_STACKS_CACHED)
			c->stacks_cached++;
		if (t->forks)
			t->forks--;
	}
	t->tables = 0;
	t->stack = STACK_NONE;
}

void replay_foresee_stack(struct replay_model *r, const struct event *e, bool filled)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct replay_task *t;
	bool fresh;

	if (!is_of_task(r, e))
		return;
	replay_take_due_stack(r, e, filled);
	if (e->pid == KTHREADD) {
		if (!c->makes_thread && watches(r, e))
			use_stack(r, e, filled && !e->order);
		c->makes_thread = true;
		return;
	}
	c->makes_thread = false;
	if (!r->setup->plain_directories)
		return;
	fresh = e->pid > r->last_task && !r->unborn;
	t = replay_task_of(r, e);
	if (!is_table(r, e) || !may_be_directory(r, e))
		return;
	if (r->directories_differ)
		end_row(r, c, t);
	if (t->tables || t->stack == STACK_SEEN)
		return;
	if (fresh || t->forks)
		t->stack = use_stack(r, e, filled);
}

bool replay_model_may_make_thread(const struct replay_model *r, const struct event *e)
{
	const struct replay_cpu *c = &r->cpus[e->cpu];

	return e->pid == KTHREADD && watches(r, e) && !r->setup->plain_directories &&
	       !c->makes_thread && !c->stacks_cached;
}

void replay_model_make_none(struct replay_model *r, const struct event *e)
{
	r->cpus[e->cpu].makes_thread = true;
}

void replay_stack_kept(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];

	if (!watches(r, e))
		return;
	if (e->pid == KTHREADD)
		c->stack_due = true;
	else
		replay_task_of(r, e)->stack = STACK_NONE;
	c->stacks_cached = 0;
}

void replay_stack_seen(struct replay_model *r, const struct event *e)
{
	if (watches(r, e) && e->pid != KTHREADD)
		replay_task_of(r, e)->stack = STACK_SEEN;
}

/* That many tables are of a copy of the task's memory. */
static void note_fork(struct replay_model *r, struct replay_cpu *c, struct replay_task *t)
{
	if (!r->directories_differ)
		note_directory(r, t->directory, -1);
	if (t->stack == STACK_NONE && c->stacks_cached)
		c->stacks_cached--;
	if (t->forks < FORKS_MAX)
		t->forks++;
	if (r->unborn < UNBORN_MAX)
		r->unborn++;
	r->directories_differ |= t->differs;
}

void replay_watch_tables(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];
	struct replay_task *t;
	bool compound;

	if (!watches(r, e))
		return;
	if (e->pid > r->last_task) {
		r->unborn -= r->unborn > 0;
		r->last_task = e->pid;
	}
	t = replay_task_of(r, e);
	if (requested_type(r, e) == MIGRATE_MOVABLE) {
		end_row(r, c, t);
		return;
	}
	if (!is_table(r, e))
		return;
	if (!t->tables && !may_be_directory(r, e))
		return;
	compound = gfp_has(&r->setup->gfp, e->gfp, GFP_BIT_COMP);
	t->differs = t->tables ? t->differs && compound : !compound;
	if (!t->tables) {
		t->directory = e->pfn;
		if (r->directories_differ)
			note_directory(r, e->pfn, -1);
	}
	if (t->tables <= TABLE_LEVELS && ++t->tables > TABLE_LEVELS)
		note_fork(r, c, t);
}

void replay_watch_directory(struct replay_model *r, const struct event *e)
{
	struct replay_cpu *c = &r->cpus[e->cpu];

	if (e->order)
		return;
	for (unsigned int i = 0; i < REPLAY_DIRECTORIES; i++) {
		struct replay_task *t = &r->tasks[task_slot(e)];

		if (r->directories[i] != e->pfn)
			continue;
		r->directories[i] = PFN_NONE;
		/*
		 * A task gives back its old directory itself when it executes a program; and the new one,
		 * when it cannot, as the first tasks of a kernel that has no file system yet.
		 */
		if (t->pid == e->pid && t->executing && e->pfn != t->own &&
		    (r->directory_owners[i] < 0 || r->directory_owners[i] == e->pid))
			t->executing = false;
		else
			replay_keep_stack(r, c, e);
		return;
	}
}
