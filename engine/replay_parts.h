/* SPDX-License-Identifier: MIT */
/*
 * The parts of a replay model, for each other alone: replay_model.c owns it and hands each event to the
 * part it is for (replay_free.c, replay_take.c, replay_alloc.c, replay_drain.c); replay_repair.c corrects
 * the model, by means of replay_take_out.c, replay_silent.c and replay_undrain.c; replay_expected.c settles what
 * did not happen, replay_stack.c and replay_fork.c foresee stacks, replay_node.c nodes.
 */
#ifndef ENGINE_REPLAY_PARTS_H
#define ENGINE_REPLAY_PARTS_H

#include "engine/replay_model.h"

/* Blocks that the next one may be further on, where pages come in the order of their page frames. */
enum { STRIDE_MAX = 8 };
/* Stacks of tasks that ended, which a CPU keeps (NR_CACHED_STACKS). */
enum { REPLAY_STACKS_CACHED = 2 };

static inline void tell(struct replay_model *r, const struct event *e, pfn_t predicted,
			uint32_t zone, enum replay_miss miss)
{
	(void)e;
	r->outcome = (struct replay_outcome){ true, predicted, zone, miss };
}

static inline enum migratetype type_of(const struct replay_model *r, const struct event *e)
{
	return e->migratetype < MIGRATE_TYPE_COUNT ? r->setup->types[e->migratetype]
						   : MIGRATE_UNMOVABLE;
}

/* Pages of a CMA area go to movable requests. */
static inline enum migratetype requested_type(const struct replay_model *r, const struct event *e)
{
	enum migratetype type = type_of(r, e);

	return type == MIGRATE_CMA ? MIGRATE_MOVABLE : type;
}

static inline void expect_nothing(struct replay_cpu *c)
{
	c->expected.count = c->at = 0;
	c->doing = DOING_NOTHING;
}

/* Does the page lie in a pageblock of a CMA area? */
static inline bool replay_in_cma(const struct replay_model *r, uint32_t zone, pfn_t pfn)
{
	return buddy_block_type(r->alloc.buddy, zone, pfn) == MIGRATE_CMA;
}

/* Does the model's event stand for a block that was taken? */
static inline bool gives_page(const struct event *e)
{
	return e->kind == EVENT_ZONE_LOCKED || e->flags & EVENT_GIVES_PAGE;
}

static inline bool expects(const struct replay_cpu *c)
{
	return c->at < c->expected.count;
}

static inline uint32_t task_slot(const struct event *e)
{
	return ((uint32_t)e->pid * 0x9e3779b1u) >> 22;
}

/* What is known of the task of @e: nothing yet, where another one had its place. */
static inline struct replay_task *replay_task_of(struct replay_model *r, const struct event *e)
{
	struct replay_task *t = &r->tasks[task_slot(e)];

	if (t->pid != e->pid)
		*t = (struct replay_task){ .pid = e->pid,
					   .user = { .nid = -1 },
					   .kernel = { .nid = -1 } };
	return t;
}

/* An event of the kind each is named after. */
void replay_on_alloc(struct replay_model *r, const struct event *e);
void replay_on_free(struct replay_model *r, const struct event *e);
void replay_on_free_batched(struct replay_model *r, const struct event *e);
void replay_on_taken(struct replay_model *r, const struct event *e);
void replay_on_drain(struct replay_model *r, const struct event *e);

/* Makes 2^@order pages at @pfn no part of any list of the model.  Where was the first? */
enum replay_miss replay_take_out(struct replay_model *r, uint32_t cpu, uint32_t zone, pfn_t pfn,
				 unsigned int order);
/*
 * A block that the model took, and that is on no list of it since, is free after all.  A trace that does not tell
 * the truth may have put pages of it on lists meanwhile.
 */
void replay_free_again(struct replay_model *r, uint32_t cpu, uint32_t zone, pfn_t pfn,
		       unsigned int order, enum migratetype type);
/* The same for a block that is at the head of list @index of @zone again. */
void replay_list_again(struct replay_model *r, uint32_t cpu, uint32_t zone, unsigned int index,
		       pfn_t pfn);
/* Takes blocks like the kernel would until @pfn comes, if it comes soon.  Otherwise nothing changes. */
bool replay_catch_up(struct replay_model *r, uint32_t zone, const struct alloc_request *req,
		     pfn_t pfn);
/* Takes pages from list @index like a bulk allocation, which tells nothing, until that of @e comes. */
bool replay_bulk_until(struct replay_model *r, const struct event *e,
		       const struct alloc_request *req, unsigned int index, uint32_t zone);
/*
 * Takes stacks of threads, the pages of which come from list 0, until it had to be filled; list @index, or the
 * free blocks where there is none, gives the page of @e then, or else the model is void.
 */
bool replay_stacks_until(struct replay_model *r, const struct event *e,
			 const struct alloc_request *req, unsigned int index, uint32_t zone);
/*
 * Nothing told of the last time that list 0 was filled, for a stack, as events are off for a moment early in a
 * boot (event_trace_enable_again()).  False: it was not so, and nothing changes.
 */
bool replay_filled_untold(struct replay_model *r, const struct event *e,
			  const struct alloc_request *req, uint32_t zone);
/*
 * A page is freed that was not handed out by the model's account: if it was taken in bulk, so were those
 * before it.  True while pages of such an allocation come back.
 */
bool replay_reveal(struct replay_model *r, uint32_t cpu, uint32_t zone, pfn_t pfn,
		   unsigned int order);
/* What the model expected of @cpu was done in another zone than @zone: nothing was claimed here. */
void replay_undo_claims(struct replay_model *r, uint32_t cpu, uint32_t zone);
/* The trace moved on while the model expected more of what the CPU was doing; it does. */
void replay_settle_expected(struct replay_model *r, uint32_t cpu);
static inline void replay_settle(struct replay_model *r, uint32_t cpu)
{
	struct replay_cpu *c = &r->cpus[cpu];

	if (expects(c))
		replay_settle_expected(r, cpu);
	else
		expect_nothing(c);
}
/* The same, and replay_undo_claims(). */
void replay_settle_elsewhere(struct replay_model *r, uint32_t cpu);
/* Where the page of @e was by the model's account. */
enum replay_miss replay_explain(struct replay_model *r, const struct event *e, unsigned int index,
				uint32_t zone);
/*
 * Something else follows: frees that were only announced were no part of a batch.  While a batch is being
 * carried out, which drains and interrupts do not end, they are kept.
 */
void replay_commit_loose(struct replay_model *r, const struct event *e);
static inline void replay_commit_pending(struct replay_model *r, const struct event *e)
{
	if (r->cpus[e->cpu].free_loose)
		replay_commit_loose(r, e);
}
/* Carries out the first one. */
void replay_commit_first(struct replay_model *r, uint32_t cpu);
static inline bool tells_of_batches(const struct replay_model *r)
{
	return r->setup->kinds >> EVENT_FREE_BATCHED & 1;
}
/*
 * Where nothing tells when frees are carried out, and another CPU may look at the free lists before (replay_wait.c):
 * does the one at @e wait until its CPU does something else?
 */
bool replay_frees_wait(struct replay_model *r, const struct event *e);
/* Before @e: what waits on other CPUs is carried out if @e looks at the free lists. */
void replay_commit_others(struct replay_model *r, const struct event *e);
/* What interrupts freed since a batch began, and is only announced. */
void replay_commit_interrupts(struct replay_model *r, uint32_t cpu);
/* @pid loses the CPU: if it announced more frees than a batch has, it had carried them out. */
void replay_commit_unbatched(struct replay_model *r, uint32_t cpu, int32_t pid);

/*
 * The kernel's list of @type had the page, which only freeing puts there if its pageblock is of that type.
 * Where the trace begins late, or tells of every block of another type that is taken, the model learns.
 */
void replay_learn_type(struct replay_model *r, uint32_t zone, pfn_t pfn, enum migratetype type);
/* The page of @e was on list @index of the model, or else was not, and what was wrong is corrected. */
void replay_note_strange(struct replay_model *r, const struct event *e, unsigned int index,
			 uint32_t zone, bool strange);
/*
 * The list would have been filled with @pfn first, and was not.  Again, and so often that @pfn cannot be free?
 * Then its block is to be dropped.
 */
bool replay_is_spared(struct list_run *run, pfn_t pfn);
void replay_drop_spared(struct replay_model *r, uint32_t zone, pfn_t pfn);
/* What @e asks for. */
struct alloc_request replay_request(const struct replay_model *r, const struct event *e);
/*
 * The zone that serves a request which was served: where none has enough for it, by right of the task (reserves are for
 * atomic requests, and for who frees memory), or because a counter is behind, the first.
 */
uint32_t replay_choose_zone(struct replay_model *r, const struct alloc_request *req);
/* The kernel passed over a zone, or did not, against the watermark. */
void replay_learn_drift(struct replay_model *r, const struct alloc_request *req, uint32_t chosen,
			uint32_t real);
/* Whose zonelist the request of @e begins with; what its page tells of that. */
int32_t replay_node_of(const struct replay_model *r, const struct event *e);
void replay_learn_node(struct replay_model *r, const struct event *e, uint32_t zone);
/* An allocation of a page that a zone has, which may be a new process; a free that may end one. */
void replay_watch_fork(struct replay_model *r, const struct event *e);
void replay_watch_exit(struct replay_model *r, const struct event *e);
/*
 * Before an allocation: was a stack taken, as far as can be foreseen?  @filled: the list was filled for it
 * just now.
 */
void replay_foresee_stack(struct replay_model *r, const struct event *e, bool filled);
/* Before an allocation or a free: the stack that the last one showed to be due has been taken by now. */
void replay_take_due_stack(struct replay_model *r, const struct event *e, bool filled);
/* Behind it: is it a page table, of what? */
void replay_watch_tables(struct replay_model *r, const struct event *e);
/*
 * The stack of a task that ended is kept, if there is room: at once, or a grace period later (thread_stack_free_rcu()).
 * Is one that was kept used?
 */
void replay_keep_stack(const struct replay_model *r, struct replay_cpu *c, const struct event *e);
bool replay_use_kept_stack(struct replay_cpu *c, const struct event *e);
/* A free that may be of a page directory. */
void replay_watch_directory(struct replay_model *r, const struct event *e);
/* The stack that was foreseen for @e was not taken; or one that was not foreseen was. */
void replay_stack_kept(struct replay_model *r, const struct event *e);
void replay_stack_seen(struct replay_model *r, const struct event *e);
/*
 * Where tasks are preempted in the middle of an allocation: before an event of another task than the CPU's
 * last one.  And behind each event: what is the last that this task freed?
 */
void replay_watch_switch(struct replay_model *r, const struct event *e);
void replay_trail(struct replay_model *r, const struct event *e);
/* The page that the task of @e took from list @index before it lost the CPU, or PFN_NONE. */
pfn_t replay_taken_before(struct replay_model *r, const struct event *e, unsigned int index);
/*
 * The page of @e lay @depth pages deep on list @index.  True if tasks that lost the CPU explain it; then the
 * lists are right, and the page is on none.
 */
bool replay_blame_switch(struct replay_model *r, const struct event *e, uint32_t zone,
			 unsigned int index, uint32_t depth);
/* The page of @e was thought to wait for a task: it does not, and nothing that it announced does. */
bool replay_release_held(struct replay_model *r, const struct event *e);
/*
 * Where a task may lose the CPU while it has its page set locked: does what @pid allocates or frees go past
 * the set, as far as is known?
 */
static inline bool replay_goes_past(const struct replay_model *r, uint32_t cpu, int32_t pid)
{
	return r->cpus[cpu].holder >= 0 && r->cpus[cpu].holder != pid;
}
/* Before a block is taken as @e tells: it is past the page set; who has that locked is remembered. */
bool replay_watch_taken(struct replay_model *r, const struct event *e);
/* Behind each event, where interrupts come in the middle of an allocation: how deep was it? */
void replay_watch_depth(struct replay_model *r, const struct event *e);
/* Is the free @e by an interrupt that came while a page set's lock may have been held? */
bool replay_in_locked(const struct replay_model *r, const struct event *e);
/*
 * Is task @pid, whose free was the CPU's last event, about to free more pages of user memory together?  Each is
 * announced before the page set is locked for all of them.
 */
bool replay_announces(const struct replay_cpu *c, int32_t pid);
/* Is a free of @pfn announced, and not carried out? */
bool replay_is_announced(const struct replay_cpu *c, pfn_t pfn);
/* Such a free is remembered, for when it turns out that the lock was another one, or was that one. */
void replay_note_locked(struct replay_model *r, const struct event *e);
/* Behind an allocation: the page is one of such a run, which so is where it was thought to be. */
void replay_forget_run(struct replay_model *r, const struct event *e);
/* Before each event: did such frees come in the middle of a batch?  Then they went past the page set. */
void replay_watch_batch(struct replay_model *r, const struct event *e);
/* Before a free: does it show that such frees came in the middle of a bulk allocation? */
void replay_watch_bulk(struct replay_model *r, const struct event *e);
/*
 * The page of @e, in @zone, was not the head of list @index: would it be if what an interrupt freed a while
 * ago had gone past the page set, or had not?  Then so it was; the page is on no list.
 */
bool replay_blame_lock(struct replay_model *r, const struct event *e, uint32_t zone,
		       unsigned int index);
/*
 * The last fill of list @index that took turns with CMA gave @done blocks as the model thought, and the next from a CMA area or not, as
 * @cma says, and the model's was otherwise: what a CPU has counted alone was folded in between, of which nothing
 * tells.  The page set has what it would have now, if that explains it; false: nothing changed.
 */
bool replay_turn_otherwise(struct replay_model *r, uint32_t cpu, uint32_t zone, unsigned int index,
			   unsigned int done, bool cma);
/* The request of @e would have got its page, had the last fill of its list begun so: it did, and the page is taken. */
bool replay_fill_in_turn(struct replay_model *r, const struct event *e,
			 const struct alloc_request *req, uint32_t zone, unsigned int index);
/*
 * The high marks by when they sink (replay_phase.c): a part of the model, for replay_model.c.  False: the host
 * has no memory.
 */
bool replay_phases_init(struct replay_model *r);
bool replay_phases_copy(struct replay_model *r, const struct replay_model *from);
void replay_phases_deinit(struct replay_phases *p);
uint64_t replay_phases_bytes(const struct replay_model *r);
/* What must have happened before @e is done. */
void replay_phases_advance(struct replay_model *r, const struct event *e);
/* pageset_refill_count() of @cpu's page set of @zone, for all parts. */
unsigned int replay_refill_count(struct replay_model *r, uint32_t cpu, uint32_t zone,
				 unsigned int order);
/* A block of @order was freed to page set @i, which was @before: what does that do for all parts? */
void replay_tune_freed(struct replay_model *r, uint32_t i, const struct pageset *before,
		       unsigned int order);
/* pageset_no_drain(), for all parts. */
void replay_no_drain(struct replay_model *r, uint32_t zone, uint32_t cpu);
/* page_alloc_put() and pageset_decay(), remembering what is drained where the trace does not tell. */
void replay_put(struct replay_model *r, uint32_t cpu, pfn_t pfn, unsigned int order);
void replay_decay(struct replay_model *r, uint32_t cpu, uint32_t zone);
/*
 * The page of @e came off list @index, as the model said.  When enough do since it was filled, what it had
 * drained from the list before surely was.
 */
void replay_named_rightly(struct replay_model *r, const struct event *e, unsigned int index);
/* Did the model drain the page of @e from list @index, which ended too early for it? */
bool replay_may_undrain(struct replay_model *r, const struct event *e, uint32_t zone,
			unsigned int index);
/*
 * It did not drain it, nor what went back with it; @all: nor what it drained from the list before.  The page
 * is on no list.  False: it cannot have been so, and the model is void.
 */
bool replay_undrain(struct replay_model *r, const struct event *e, uint32_t zone,
		    unsigned int index, bool all);
/*
 * All that the model has on list @index, which is that of single movable pages, was drained, and the page
 * of @e came when it was filled.  It is on no list.  False: it cannot have been so, and the model is void.
 */
bool replay_may_end(struct replay_model *r, const struct event *e, uint32_t zone,
		    unsigned int index);
bool replay_end(struct replay_model *r, const struct event *e, const struct alloc_request *req,
		uint32_t zone, unsigned int index);
/*
 * Another CPU's page set, which has the page of @e, was drained from elsewhere, and perhaps all others of the
 * zone; the page came when the list was filled, and is on none.  False: it cannot have been so, and the model
 * is void.
 */
bool replay_may_be_elsewhere(struct replay_model *r, const struct event *e, uint32_t zone,
			     unsigned int index);
bool replay_drain_elsewhere(struct replay_model *r, const struct event *e,
			    const struct alloc_request *req, uint32_t zone, unsigned int index);
/*
 * The same list of another CPU, which has the page of @e, ends before it, and what lies behind is free; the page came
 * when the list was filled, and is on none.  False: it cannot have been so, and the model is void.
 */
bool replay_may_end_elsewhere(struct replay_model *r, const struct event *e, uint32_t zone,
			      unsigned int index);
bool replay_end_elsewhere(struct replay_model *r, const struct event *e,
			  const struct alloc_request *req, uint32_t zone, unsigned int index);
/* No stack was taken after all. */
void replay_give_stack_back(struct replay_model *r, uint32_t cpu);

#endif
