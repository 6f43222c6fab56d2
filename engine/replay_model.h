/* SPDX-License-Identifier: MIT */
/*
 * Replay model: one account of what happened, followed through a trace.  replay.h keeps several where a
 * trace does not tell at once which is true.
 */
#ifndef ENGINE_REPLAY_MODEL_H
#define ENGINE_REPLAY_MODEL_H

#include "engine/gfp.h"
#include "engine/replay.h"

/*
 * The page sets of a boot have three sizes: one page at first; by what each zone has before deferred
 * memory joins; the final ones.  When one follows another is not in the trace.
 */
enum { REPLAY_STAGES = 3 };
/* How deep a page may lie below those that preempted tasks took and have not told of yet. */
enum { REPLAY_SWAP_DEPTH = 4 };
/* Tasks that are remembered after another one followed; frees of a batch (PAGEVEC_SIZE). */
enum { REPLAY_AWAY = 16, REPLAY_BATCH = 31 };
/* Tasks that came back to a batch of frees and are remembered, the last ones. */
enum { REPLAY_LATE = 8 };
/* How many times an interrupt freed pages while locks were held, of the last ones. */
enum { REPLAY_RUNS = 8 };
/* Of older ones, how many went past the page set. */
enum { REPLAY_PAST = 16 };
/* Pages of a thread's stack; page directories that are remembered. */
enum { REPLAY_STACK_PAGES = 4, REPLAY_DIRECTORIES = 64 };
/* Stacks of ended tasks that wait for a grace period. */
enum { REPLAY_STACKS_WAITING = 16 };
/* Nodes whose successors are remembered for a task. */
enum { REPLAY_NODES_NOTED = 8 };
/* Pages that were thought to be taken without an event at once, and are remembered. */
enum { REPLAY_GONE_MAX = 512 };
/* Blocks that were thought to be taken before a list was filled, at most. */
enum { REPLAY_LOST_MAX = 64 };
/* Drained blocks that are remembered, the last ones. */
enum { REPLAY_DRAINED = 2048 };
/* Parts of a second that are told apart, one bit each. */
enum { REPLAY_PHASES = 64 };

/* Page set sizes of a zone between two moments of the boot, in pages. */
struct stage_sizes {
	uint64_t batch, high, high_min, high_max;
};

/* What all models of a replay share. */
struct replay_setup {
	const struct machine *late;
	const struct arch_config *config;
	const struct facts *facts;
	struct gfp_table gfp;
	struct stage_sizes *sizes[REPLAY_STAGES]; /* by zone */
	enum migratetype types[MIGRATE_TYPE_COUNT]; /* by the kernel's number */
	uint32_t kinds; /* bit per enum event_kind that the trace has */
	uint32_t cpu_count;
	unsigned int free_rule;
	bool from_boot; /* the trace has all since the hand-over, but for what is never traced */
	/* Every page that leaves a list is told of: free pages were told, and nobody takes any in bulk. */
	bool all_told;
	bool cached; /* CPUs tell that they have caches of their own */
	bool alloc_bulk, contiguous_runs, exact_to_tail, bulk_stacks;
	bool lazy_preemption; /* tasks lose the CPU within an allocation or free */
	bool kept_late; /* a stack may be kept when a grace period is over */
	bool plain_directories; /* stacks are taken in bulk, and a page directory is one page */
	bool interruptible; /* interrupts come while a page set is locked */
	bool preemptible; /* so do other tasks */
};

struct replay_outcome {
	bool predicted; /* otherwise the rest is void */
	pfn_t pfn;
	uint32_t zone; /* of the recorded page */
	enum replay_miss miss;
};

/* A block whose free was announced (mm_page_free) and not yet carried out. */
struct announced {
	pfn_t pfn;
	int32_t pid; /* of the task that does it */
	uint8_t order;
	bool batch, movable; /* batch: others of its batch have been carried out */
	bool interrupt; /* an interrupt does it */
};

/* What the CPU is in the middle of. */
enum doing { DOING_NOTHING, DOING_REFILL, DOING_BLOCK, DOING_DRAIN };

/* Where the last page from a per-CPU list came from, and in which direction the next may lie. */
struct list_run {
	pfn_t last;
	int64_t step;
	int64_t stride; /* how far the last page was from the one before; 0: not near */
	uint32_t zone;
	pfn_t passed_head; /* the head that pages below it were taken past, so many times */
	uint32_t passed;
	/* Pages that the model did not name, each right behind the one before. */
	pfn_t climb_next;
	uint32_t climbed;
	bool climb_filled; /* the first of them came where the model filled the list itself */
	/*
	 * The last page that was not on the list by the model's account, while all that was asked for
	 * since came from where that one did; how far it was from the one before; and the list's head then,
	 * below which the model's own pages lie.
	 */
	pfn_t strange, strange_head;
	int64_t strange_step;
	pfn_t spared; /* the free page that the list was not filled with, against expectation, so many times */
	uint32_t spared_count;
	/*
	 * The last refill: how many blocks the model had drained before; how many of its own are left; how
	 * many it named rightly since, 0 when that was enough.  So many drained blocks surely were.
	 */
	uint64_t filled_at;
	uint32_t filled;
	uint32_t filled_right;
	uint64_t drained_surely;
};

/* A block that the model drained where the trace does not tell of drains. */
struct replay_drained {
	pfn_t pfn;
	uint32_t cpu;
	uint8_t index; /* of the list */
	bool first; /* of those that one free or one run of the statistics worker drained */
};

struct replay_freed {
	pfn_t pfn;
	uint8_t order;
};

/* What was last taken off a list of a zone as silent, in that order. */
struct replay_gone {
	pfn_t pages[REPLAY_GONE_MAX];
	unsigned int count, index;
	uint32_t zone;
};

/* What an interrupt freed that may have come while a page set was locked. */
struct replay_run {
	pfn_t pages[REPLAY_BATCH];
	uint8_t orders[REPLAY_BATCH];
	uint8_t count;
	bool past; /* it went past the page set, as far as is known */
};

/* What lies from @lowest to @lowest + @span, both included. */
struct replay_bounds {
	pfn_t lowest, span;
};

/* What is known of a list that is not known: pages that were drained from it. */
struct replay_strange {
	pfn_t page;
	int64_t step; /* to the page that follows; 0: there was none */
	uint32_t run; /* pages in a row, before those of another type */
	uint8_t next; /* that type, and 1; 0: there was none */
	bool known; /* the page was on the model's list */
};

/* A task that ran on the CPU, as it was when another one followed. */
struct replay_away {
	int32_t pid; /* -1: none */
	uint8_t count,
		held; /* of frees: the last announced; those of them that wait for the task */
	uint8_t index;
	pfn_t page; /* taken from list index and not told of yet; or PFN_NONE */
	pfn_t heads[PCP_LISTS_MAX]; /* what it would have taken */
	struct replay_freed frees[REPLAY_BATCH];
};

/*
 * What a task had announced when it lost the CPU, seen from when it was back: the heads of lists then, and when they
 * were heads, which were freed before these if the task had not got that far.
 */
struct replay_late {
	struct replay_freed frees[REPLAY_BATCH];
	uint8_t count;
	pfn_t heads[PCP_LISTS_MAX];
	pfn_t below; /* what others freed meanwhile ends there on its list, if it lies below all of this; or PFN_NONE */
};

struct replay_cpu {
	enum doing doing;
	struct alloc_events expected; /* what the model did and the trace has not told yet */
	uint32_t at; /* next of it */
	/* The refill or drain at hand. */
	uint32_t zone;
	unsigned int index, order, done, wanted;
	enum migratetype type;
	/* Where the last drained page was: CPU's page set of the zone, and list. */
	uint32_t run_zone, run_cpu;
	unsigned int run_index;
	/* The last drained page, if no list of the model had it. */
	pfn_t drained;
	struct replay_strange strange[MIGRATE_TYPE_COUNT]; /* one of each type */
	/* Of the page that was drained last; so many in a row were; a step that was right, for lists without one. */
	uint8_t drained_type;
	uint32_t drained_run;
	int64_t drained_step;
	pfn_t drain_next; /* the block before it on the model's list, or PFN_NONE */
	uint8_t factor; /* the page set's free_factor before the last free */
	bool tuned; /* the page set knows already of the allocation that is coming */
	/* A block taken past the page sets, until its mm_page_alloc. */
	pfn_t held;
	uint32_t held_zone;
	unsigned int held_order;
	enum migratetype held_type;
	int32_t last_pid; /* of the task of the CPU's last event */
	int32_t holder; /* of the task that lost the CPU while it had its page set locked; -1: none */
	/* The last frees of that task, if nothing else followed; tasks that ran before it. */
	struct replay_freed trail[2 * REPLAY_BATCH]; /* those from trail_first on */
	unsigned int trail_first, trail_count;
	struct replay_away away[REPLAY_AWAY];
	unsigned int away_next;
	struct replay_late late[REPLAY_LATE]; /* the last ones */
	unsigned int late_next;
	unsigned int away_pages; /* of these, tasks that have a page */
	/*
	 * How often the CPU was forbidden to change tasks at the last event that no interrupt caused, and
	 * what that was.
	 */
	uint8_t depth, depth_kind, depth_index;
	int32_t depth_pid;
	bool in_locked; /* the last event was a free of an interrupt while locks were held */
	bool was_locked; /* so was the one before it */
	bool passes; /* such frees go past the page set */
	bool pass_next; /* the next ones will */
	uint32_t locked_zone; /* if they are of this zone; BUDDY_ZONE_NONE: of any */
	bool in_batch; /* they came behind a free of a batch */
	bool locked_announces; /* they came while a batch was announced, or behind that */
	struct replay_run locked_runs[REPLAY_RUNS]; /* the last ones */
	/* Of the pages of each, side by side: every allocation is looked for in them. */
	struct replay_bounds locked_bounds[REPLAY_RUNS];
	unsigned int locked_next; /* behind the last */
	struct replay_run past_runs[REPLAY_PAST]; /* older ones that went past */
	unsigned int past_next;
	/* Of list 0, and of the others, of which there is less. */
	struct replay_gone gone[2];
	/*
	 * Blocks that were thought to be taken without an event before the list was filled, in that order, where nothing
	 * tells of it; the list.
	 */
	pfn_t lost[REPLAY_LOST_MAX];
	unsigned int lost_count, lost_index;
	uint32_t lost_zone;
	pfn_t skipped; /* first page that was last thought to be taken without an event */
	int32_t nid; /* where a task that is new here had its first page from */
	int32_t named_nid; /* where the last page came from that was to be of one node */
	/* Stacks that ended tasks left; the pages of one that was taken a moment ago. */
	unsigned int stacks_cached;
	/* Others that may be kept, or else are freed, when a grace period is over that began then. */
	unsigned int stacks_waiting;
	uint64_t stack_times[REPLAY_STACKS_WAITING];
	pfn_t stack[REPLAY_STACK_PAGES];
	unsigned int stack_count;
	uint32_t stack_zone;
	bool makes_thread; /* kthreadd asked for something, and no other task since */
	bool stack_due; /* it will take a stack behind the page at hand */
	int32_t stack_pid; /* a task that was seen to have taken one, for a fork whose directory is to come; 0 */
	/* Pages that went without an event when the list of single unmovable pages was filled last. */
	unsigned int filled_old;
	uint32_t filled_zone;
	/*
	 * Pages at the head of the list of single unmovable pages that came back since the first one of a
	 * bulk allocation did, of which nothing had told.
	 */
	unsigned int returned;
	uint32_t returned_zone; /* BUDDY_ZONE_NONE: none did */
	struct list_run runs[PCP_LISTS_MAX];
	pfn_t last_taken; /* of the last mm_page_alloc_zone_locked */
	/* Pages that are thought to be free as the one before them was: from rest_start up to rest_end. */
	pfn_t rest_start, rest_end;
	uint32_t rest_zone;
	/* The block allocated last, while nothing but its own pages was freed. */
	pfn_t last;
	unsigned int last_order;
	enum event_kind before; /* the CPU's last event, its page, and its time */
	pfn_t before_pfn;
	/* Of the last EVENT_EXTFRAG. */
	uint8_t before_fallback_order, before_fallback_type, before_fallback_flags;
	uint64_t before_time;
	uint64_t part; /* of a second, counted from time 0, that is not over */
	uint64_t
		sunk; /* one more than the part in which high marks sank before it was over; or 0 */
	/*
	 * Frees that may yet turn out to be batched: those from free_first on.  Of free_loose of them it is
	 * not known to what batch they belong.
	 */
	struct announced *frees;
	uint32_t free_first, free_count, free_loose, free_room;
	uint64_t waits_since; /* when the first of those that wait was announced */
	bool stands; /* it stands still before it carries them out, whatever other CPUs do */
};

/* Where a task's pages of some kind came from. */
struct replay_nodes {
	int32_t nid; /* the last one; -1: it had none */
	int16_t after[REPLAY_NODES_NOTED]; /* by node: one more than the node that came after it */
};

/* Where the stack of a new task came from, as far as it is known. */
enum stack_source {
	STACK_NONE, /* it is not known that there is one */
	STACK_KEPT, /* one that the CPU had kept */
	STACK_TAKEN, /* pages were taken for it, as was foreseen */
	STACK_SEEN, /* a page lay so much deeper on the list */
};

/* What is remembered of a task. */
struct replay_task {
	int32_t pid;
	struct replay_nodes user, kernel; /* movable pages, and others */
	int8_t interleaves; /* above 0: kernel tells better where the next one comes from than the CPU */
	bool executed; /* it had a page directory of its own */
	bool executing; /* it has not given its old one back yet */
	/* Page tables that it asked for in a row; the first of them; how sure it is that it forks. */
	uint8_t tables, forks;
	bool differs; /* all of these but the first are compound pages */
	uint8_t stack; /* enum stack_source; of the task that it may be making */
	pfn_t directory;
	pfn_t own; /* the last directory that it had for itself */
};

/*
 * In which part of each second the statistics worker may run, as far as is known: several parts are followed
 * by one model as long as it would do the same for each (replay_phase.c).  What differs are the high marks.
 */
struct replay_phases {
	uint64_t may,
		agree; /* bit per part; agree: of those, which the event at hand went alike for */
	unsigned int chosen; /* the part whose high marks the page sets have */
	uint64_t from; /* not before this time; 0 as long as that is not known */
	/*
	 * By page set and part: the high mark.  By page set: the lowest and the highest of these.  NULL: high
	 * marks do not sink.
	 */
	uint32_t (*highs)[REPLAY_PHASES];
	uint32_t *lowest, *highest;
	bool correcting; /* no part is given up */
};

struct replay_model {
	const struct replay_setup *setup; /* borrowed */
	struct page_alloc alloc;
	struct buddy lists; /* unless they are borrowed: zeroed then */
	unsigned int stage;
	struct replay_cpu *cpus;
	struct replay_task tasks[1024]; /* by a hash of the pid */
	/* Page directories in use, the last ones. */
	pfn_t directories[REPLAY_DIRECTORIES];
	int32_t directory_owners[REPLAY_DIRECTORIES]; /* who executes there; -1: not known */
	uint32_t directory_next;
	int32_t last_task; /* the highest pid so far */
	bool directories_differ; /* they are no compound pages, and other page tables are */
	uint32_t unborn; /* forked processes of which nothing came yet */
	struct replay_outcome outcome; /* of the event at hand */
	bool wrong; /* it was an allocation of another page: replay_model_correct() is due */
	unsigned int fresh; /* blocks that this event's prediction put on the list */
	bool thrifty; /* nothing that takes long is done to find out what may have happened */
	bool wrong_strange; /* it thought that the page was not on the list */
	bool blamed; /* the last correction found that what an interrupt freed met a lock, or did not */
	uint32_t wrong_zone; /* where the model took its page from */
	pfn_t contig_next; /* the page after the last one a contiguous allocation gave back */
	bool swaps; /* events of two tasks come in another order than their pages left the list */
	uint32_t
		vain; /* times in a row that it was looked for a bulk allocation, and there was none */
	uint64_t silent; /* pages found to have been taken without an event */
	uint64_t misses;
	struct replay_drained drained[REPLAY_DRAINED]; /* the last of drained_count, in turn */
	uint64_t drained_count;
	struct replay_phases phases;
	uint64_t filled
		[MIGRATE_TYPE_COUNT]; /* bit per zone that a list of the type was filled from */
	bool depth_counted; /* the trace tells how often a task may not be preempted */
	bool seen_idle; /* the trace began while there were no tasks */
	/* Some event came; the first one was of the idle task, and so were all. */
	bool begun, from_idle, idle_alone;
	uint64_t disabled; /* bit per zone: its page sets hold nothing */
	pfn_t fresh_start, fresh_end; /* memory that came online last */
	/* Whose page sets are about to be drained: CPUs from hint_cpu up to hint_end, of zones up to hint_zones. */
	uint32_t hint_cpu, hint_end, hint_zone, hint_zones;
};

/* A model over @buddy, which is borrowed and changes.  NULL when the host has no memory. */
struct replay_model *replay_model_create(const struct replay_setup *s, struct buddy *buddy);
void replay_model_destroy(struct replay_model *r);
/* An equal model with lists of its own. */
struct replay_model *replay_model_clone(const struct replay_model *from);

/* Did the host refuse memory to its lists or to what it remembers?  It is void then. */
static inline bool replay_model_out_of_memory(const struct replay_model *r)
{
	return r->alloc.out_of_memory || r->alloc.buddy->out_of_memory;
}

/* Host memory it takes, its lists included. */
uint64_t replay_model_bytes(const struct replay_model *r);

/*
 * Follows every list and reads every entry: NULL, or a static sentence that names what is wrong, which is a
 * mistake of ours whatever the trace says.  Slow.
 */
const char *replay_model_check(struct replay_model *r);

/* Equal for models that will predict the same as long as high marks do not matter. */
uint64_t replay_model_hash(const struct replay_model *r);

/* Of the high marks and when they sink. */
uint64_t replay_phases_hash(const struct replay_model *r);

/*
 * As replay_model_hash() from counts and the ends of lists alone, which takes far less time: equal for equal models, and
 * seldom for others.
 */
uint64_t replay_model_glance(const struct replay_model *r);

bool replay_model_has_next_stage(const struct replay_model *r);
/* The trace begins after the boot: all memory has joined, the page sets have their last sizes. */
void replay_model_start_late(struct replay_model *r);
void replay_model_next_stage(struct replay_model *r);
/* The contiguous areas of the boot have their type. */
void replay_model_activate_cma(struct replay_model *r);
/* What was freed on @cpu, and might have been part of a batch, was none. */
void replay_model_commit(struct replay_model *r, uint32_t cpu);
/* Nothing more follows of what @cpu is in the middle of. */
void replay_model_settle(struct replay_model *r, uint32_t cpu);
/*
 * The page sets of @zone hold nothing until replay_model_next_stage().  And the machine has other sizes and watermarks
 * from now on.
 */
void replay_model_disable(struct replay_model *r, uint32_t zone);
void replay_model_resize(struct replay_model *r);
/* Would this model have to fill a per-CPU list to answer @e? */
bool replay_model_would_refill(struct replay_model *r, const struct event *e);
/* Would the free @e make this model drain? */
bool replay_model_would_drain(struct replay_model *r, const struct event *e);
/* Is it known in which part of a second the statistics worker runs, or does it not matter? */
bool replay_model_phase_known(const struct replay_model *r);
/*
 * The parts, as bits, for which the high marks sink so far by @e that pages are drained; each needs a model of
 * its own before @e is given.
 */
uint64_t replay_model_sinking(struct replay_model *r, const struct event *e);
/* Would it matter for @e whether high marks have sunk already in the part of a second that is not over? */
bool replay_model_may_sink(const struct replay_model *r, const struct event *e);
/* They have; it is the only part that may be. */
void replay_model_sink(struct replay_model *r, const struct event *e);
/* The parts whose high marks are those of @part. */
uint64_t replay_model_alike(const struct replay_model *r, unsigned int part);
/* Are these all parts of the model? */
bool replay_model_is_all(const struct replay_model *r, uint64_t parts);
/* May @e go another way for some parts than for others?  Makes ready for it. */
bool replay_model_may_part(struct replay_model *r, const struct event *e);
/*
 * Behind @e: for which parts did it go another way than it went?  If they are to @leave, they are the model's no
 * longer.
 */
uint64_t replay_model_part(struct replay_model *r, bool leave);
/* No other part than those of @may is the model's, some of which are. */
void replay_model_limit(struct replay_model *r, uint64_t may);
/*
 * The parts of @from, which is equal but for its high marks, are those of @r, too.  False: both have some part,
 * with other marks that may soon matter, and nothing changes.
 */
bool replay_model_join_phases(struct replay_model *r, const struct replay_model *from);
/*
 * Would @e find an empty list but for pages that were freed just before it?  Then these may have been freed
 * by an interrupt while the list was filled, past the page set, whose lock was taken.
 */
bool replay_model_may_bypass(struct replay_model *r, const struct event *e);
void replay_model_bypass(struct replay_model *r, const struct event *e);
/*
 * Is @e the first that an interrupt frees behind frees of a task, and drains not far?  These may not have been over:
 * the page set was locked, and what the interrupt frees goes past it.
 */
bool replay_model_may_pass(struct replay_model *r, const struct event *e);
void replay_model_pass(struct replay_model *r, const struct event *e);
/* Is there a list of page sets for blocks as large as that of @e? */
bool replay_model_has_list(const struct replay_model *r, const struct event *e);
/*
 * Does @e look at the free lists, while frees wait on another CPU?  The first such CPU from @from on; cpu_count: there
 * is none.
 */
uint32_t replay_model_may_stand(struct replay_model *r, const struct event *e, uint32_t from);
/* @cpu stands still since it has drained @count times.  False: it does not drain any more, and nothing waits. */
bool replay_model_stand(struct replay_model *r, uint32_t cpu, unsigned int count);
/* The kernel gave another page at @e: what waits has been carried out, where no CPU is thought to stand still. */
void replay_model_see(struct replay_model *r, const struct event *e);
/* Will this model think that kthreadd, which allocates at @e, took a stack before?  Then it did not. */
bool replay_model_may_make_thread(const struct replay_model *r, const struct event *e);
void replay_model_make_none(struct replay_model *r, const struct event *e);
/* A thread's stack was taken from the CPU's list without an event. */
void replay_model_take_stack(struct replay_model *r, const struct event *e);
/*
 * Predicts and then takes in one event; e->cpu is below setup->cpu_count.  If the model is wrong
 * afterwards, the same event must be given to replay_model_correct().  Valid until the next call.
 */
const struct replay_outcome *replay_model_event(struct replay_model *r, const struct event *e);

/* What may have happened when the kernel gave another page. */
enum replay_correction {
	REPLAY_BY_STATE, /* what the place of the page in the model's lists suggests */
	REPLAY_BY_OTHER, /* another list was filled less far than thought */
	REPLAY_BY_STACKS, /* stacks of new threads were, so that another list was filled before */
	REPLAY_BY_BULK, /* pages before it were taken from the per-CPU list in bulk */
	REPLAY_BY_DRAIN, /* what the model drained with it was not drained */
	REPLAY_BY_DRAINS, /* nor what it drained from the list before */
	REPLAY_BY_END, /* all of the list was drained, and it was filled anew */
	REPLAY_BY_ELSEWHERE, /* page sets were drained from elsewhere, one that had the page among them */
	REPLAY_BY_OTHER_CPU, /* another CPU's list was filled less far than thought, or drained already */
	REPLAY_BY_ALONE, /* it comes from a list of another order, which was not drained */
	REPLAY_BY_PAGE, /* who knows: the page is on no list any more */
};
/* False: replay_model_correct() would say so, too.  For who would have to copy the model to ask it. */
bool replay_model_may_correct(struct replay_model *r, const struct event *e,
			      enum replay_correction how);
/* Takes in the page of @e.  False: it cannot have been so, and the model is void. */
bool replay_model_correct(struct replay_model *r, const struct event *e,
			  enum replay_correction how);

#endif
