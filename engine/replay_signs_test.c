/* SPDX-License-Identifier: MIT */
/*
 * Made-up traces of new tasks and of interrupts, on a machine whose page directories are one page: what the
 * kernel does without an event is foreseen by its signs.
 *
 *	the list of single unmovable pages	next, next + 1 ...	as it was filled
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/boot.h"
#include "engine/gfp.h"
#include "engine/pageset.h"
#include "engine/replay.h"
#include "engine/replay_model.h"
#include "engine/testing/made_boot.h"

#define MIB (1ULL << 20)
#define ELSEWHERE 0x48000

enum { FILLED = 60, STACK = 4, TABLES = 7, NOBODY = -1, SHELL = 50, CHILD = 60, KTHREADD = 2 };

struct play {
	struct made_boot made;
	struct machine booted, late;
	struct gfp_table gfp;
	struct replay *replay;
	pfn_t guess; /* about the last event */
	uint64_t time;
	pfn_t next; /* that the kernel gives, if nothing came back */
};

static void on_prediction(void *ctx, const struct replay_prediction *p)
{
	((struct play *)ctx)->guess = p->predicted;
}

static void give(struct play *p, enum event_kind kind, int32_t pid, pfn_t pfn, uint32_t gfp,
		 uint8_t type, uint8_t context)
{
	struct event e = { .pfn = pfn,
			   .time = p->time += 1000,
			   .pid = pid,
			   .kind = kind,
			   .gfp = gfp,
			   .migratetype = type,
			   .context = EVENT_CONTEXT_TOLD | context };

	p->guess = PFN_NONE;
	replay_event(p->replay, &e);
}

static uint32_t kernel_gfp(const struct play *p)
{
	const uint32_t *mask = p->gfp.mask;

	return mask[GFP_BIT_IO] | mask[GFP_BIT_FS] | mask[GFP_BIT_DIRECT_RECLAIM] |
	       mask[GFP_BIT_KSWAPD_RECLAIM];
}

static uint32_t table_gfp(const struct play *p)
{
	return kernel_gfp(p) | p->gfp.mask[GFP_BIT_ACCOUNT] | p->gfp.mask[GFP_BIT_ZERO];
}

/* A page of the kernel's; true if it was guessed. */
static bool take(struct play *p, int32_t pid, uint32_t gfp, pfn_t pfn)
{
	give(p, EVENT_ALLOC, pid, pfn, gfp, 0, 0);
	if (pfn == p->next)
		p->next++;
	return p->guess == pfn;
}

/* A user page, which nobody guesses here; where it is. */
static pfn_t take_user(struct play *p, int32_t pid)
{
	pfn_t pfn = ELSEWHERE + p->time / 1000;
	static const enum gfp_bit bits[] = { GFP_BIT_MOVABLE, GFP_BIT_HARDWALL, GFP_BIT_HIGHMEM };
	uint32_t gfp = kernel_gfp(p);

	for (unsigned int i = 0; i < 3; i++)
		gfp |= p->gfp.mask[bits[i]];
	give(p, EVENT_ALLOC, pid, pfn, gfp, 1, 0);
	return pfn;
}

/* As it was since the boot: of whom the first is, is not told. */
static void fill(struct play *p)
{
	for (unsigned int i = 0; i < FILLED; i++)
		give(p, EVENT_ZONE_LOCKED, i ? SHELL : NOBODY, p->next + i, 0, 0, 0);
	assert_true(take(p, SHELL, kernel_gfp(p), p->next));
}

static void end(struct play *p)
{
	replay_destroy(p->replay);
	machine_deinit(&p->late);
	machine_deinit(&p->booted);
}

/* @two_zones: there is memory of ZONE_NORMAL, too, which comes first. */
static void boot(struct play *p, enum arch arch, uint32_t cpus, const char *version, bool two_zones)
{
	struct replay_options options = { .cpu_count = cpus, .predicted = on_prediction, .ctx = p };

	memset(p, 0, sizeof(*p));
	made_boot_init(&p->made, arch, version);
	p->made.in.config.deferred_struct_page = false;
	made_boot_memory(&p->made, 0x40000000, 0x40000000 + 2048 * MIB, -1);
	if (two_zones)
		made_boot_memory(&p->made, 4096 * MIB, 6144 * MIB, -1);
	made_boot_cpus(&p->made, 1, -1);
	machine_init(&p->booted);
	machine_init(&p->late);
	p->booted.want_lists = true;
	boot_run(&p->booted, &p->made.in, STAGE_MEM_INIT);
	boot_run(&p->late, &p->made.in, STAGE_LATE);
	assert_false(p->booted.out_of_memory || p->late.out_of_memory);
	gfp_table_init(&p->gfp, &p->made.in.facts);
	p->replay = replay_create(&p->booted, &p->late, &options);
	assert_non_null(p->replay);
}

/* The list is filled with what the kernel has first. */
static void begin_with(struct play *p, enum arch arch, const char *version, bool two_zones)
{
	pfn_t first;

	boot(p, arch, 1, version, two_zones);
	give(p, EVENT_ZONE_LOCKED, SHELL, ELSEWHERE, 0, 0, 0);
	first = p->guess;
	end(p);
	boot(p, arch, 1, version, two_zones);
	p->next = first;
	fill(p);
}

static void begin(struct play *p, const char *version)
{
	begin_with(p, ARCH_ARM64, version, false);
}

/* The page tables of a copy, or of a program; the first is @directory.  Was it guessed? */
static bool make_tables_at(struct play *p, int32_t pid, unsigned int count, pfn_t directory)
{
	bool guessed = take(p, pid, table_gfp(p), directory);

	for (unsigned int i = 1; i < count; i++)
		assert_true(take(p, pid, table_gfp(p), p->next));
	take_user(p, pid);
	return guessed;
}

static bool make_tables(struct play *p, int32_t pid, unsigned int count)
{
	return make_tables_at(p, pid, count, p->next);
}

/* A task that takes a stack, of which nothing has told before, copies itself; its directory. */
static pfn_t begin_with_fork(struct play *p)
{
	pfn_t directory;

	begin(p, "6.1");
	p->next += STACK;
	directory = p->next;
	assert_false(make_tables(p, SHELL, TABLES));
	return directory;
}

/* A task that forks takes a stack each time; the second time it is known before. */
static void a_fork_is_foreseen(void **state)
{
	struct play p;

	(void)state;
	begin_with_fork(&p);
	p.next += STACK;
	assert_true(make_tables(&p, SHELL, TABLES));
	p.next += STACK;
	assert_true(make_tables(&p, SHELL, TABLES));
	end(&p);
}

/* Where nothing tells when lists are filled: pages come one by one at first, and so do those of a stack. */
static void begin_untold(struct play *p, enum arch arch, uint32_t cpus)
{
	pfn_t first;

	boot(p, arch, cpus, "6.1", false);
	take(p, SHELL, kernel_gfp(p), ELSEWHERE);
	first = p->guess;
	end(p);
	boot(p, arch, cpus, "6.1", false);
	p->next = first;
	assert_true(take(p, SHELL, kernel_gfp(p), p->next));
}

/* A fork shows by what it asks for, whatever else is told. */
static void a_fork_is_foreseen_by_allocations(void **state)
{
	struct play p;

	(void)state;
	begin_untold(&p, ARCH_ARM64, 1);
	p.next += STACK;
	assert_false(make_tables(&p, SHELL, TABLES));
	for (unsigned int i = 0; i < 3; i++) {
		p.next += STACK;
		assert_true(make_tables(&p, SHELL, TABLES));
	}
	end(&p);
}

/* Page tables of which all but the first, at @directory, are compound pages. */
static bool make_compound(struct play *p, int32_t pid, unsigned int count, pfn_t directory)
{
	uint32_t compound = table_gfp(p) | p->gfp.mask[GFP_BIT_COMP];
	bool guessed = take(p, pid, directory == PFN_NONE ? compound : table_gfp(p),
			    directory == PFN_NONE ? p->next : directory);

	for (unsigned int i = 1; i < count; i++)
		assert_true(take(p, pid, compound, p->next));
	return guessed;
}

/* Where flags tell directories apart, a fault is no program, and a second copy may follow the first. */
static void directories_show(void **state)
{
	struct play p;
	pfn_t directory;

	(void)state;
	begin(&p, "6.12");
	p.next += STACK;
	directory = p.next;
	assert_false(make_compound(&p, SHELL, TABLES, directory));
	take_user(&p, SHELL);
	/* As many as a program has. */
	make_compound(&p, CHILD, 4, PFN_NONE);
	take_user(&p, CHILD);
	give(&p, EVENT_FREE, CHILD, directory, 0, 0, 0);
	assert_true(make_compound(&p, SHELL, TABLES, directory));
	for (unsigned int i = 0; i < 2; i++) {
		p.next += STACK;
		directory = p.next;
		assert_true(make_compound(&p, SHELL, TABLES, directory));
	}
	give(&p, EVENT_FREE, CHILD, directory, 0, 0, 0);
	assert_true(make_compound(&p, SHELL, TABLES, directory));
	end(&p);
}

/* The stack of a task that ended is used again. */
static void a_stack_is_kept(void **state)
{
	struct play p;
	pfn_t directory;

	(void)state;
	directory = begin_with_fork(&p);
	give(&p, EVENT_FREE, CHILD, directory, 0, 0, 0);
	assert_true(make_tables_at(&p, SHELL, TABLES, directory));
	p.next += STACK;
	assert_true(make_tables(&p, SHELL, TABLES));
	end(&p);
}

/*
 * There is room for two.  The third is kept if there is room when a grace period is over, and freed if not; older kernels
 * free it in any case.
 */
static void a_stack_is_kept_late(void **state)
{
	enum { LATER = 40000000 };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		bool kept = i == 2;
		struct play p;
		pfn_t directories[3];

		begin(&p, i == 3 ? "5.15" : "6.1");
		for (unsigned int k = 0; k < 3; k++) {
			p.next += STACK;
			directories[k] = p.next;
			assert_int_equal(make_tables(&p, SHELL, TABLES), k > 0);
		}
		for (unsigned int k = 0; k < 3; k++) {
			give(&p, EVENT_FREE, CHILD, directories[k], 0, 0, 0);
			assert_true(take(&p, SHELL, kernel_gfp(&p), directories[k]));
		}
		p.time += i == 1 ? LATER : 0;
		for (unsigned int k = 0; k < 2; k++)
			assert_true(make_tables(&p, SHELL, TABLES));
		p.time += i >= 2 ? LATER : 0;
		p.next += kept ? 0 : STACK;
		assert_true(make_tables(&p, SHELL, TABLES));
		end(&p);
	}
}

/* A program's tables are no copy, and what it asks for later is none; nor is its old directory an end. */
static void a_program_is_no_fork(void **state)
{
	struct play p;
	pfn_t directory;

	(void)state;
	directory = begin_with_fork(&p);
	assert_true(make_tables(&p, CHILD, 4));
	give(&p, EVENT_FREE, CHILD, directory, 0, 0, 0);
	assert_true(make_tables_at(&p, CHILD, 1, directory));
	assert_true(make_tables(&p, CHILD, 2));
	p.next += STACK;
	assert_true(make_tables(&p, SHELL, TABLES));
	end(&p);
}

/* A task that stops forking is believed to fork a while, and then not any more. */
static void faults_are_learned(void **state)
{
	/* A fault, and a program that is executed. */
	static const unsigned int tables[] = { 2, 4 };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct play p;

		begin_with_fork(&p);
		assert_false(make_tables(&p, SHELL, tables[i]));
		assert_true(make_tables(&p, SHELL, tables[i]));
		end(&p);
	}
}

/* kthreadd asks for nothing but what a new thread needs, before or behind its stack. */
static void kernel_threads_have_stacks(void **state)
{
	static const enum arch arches[] = { ARCH_ARM64, ARCH_X86_64 };

	(void)state;
	for (unsigned int i = 0; i < sizeof(arches) / sizeof(*arches); i++) {
		struct play p;

		begin_with(&p, arches[i], "6.1", false);
		p.next += STACK;
		assert_true(take(&p, KTHREADD, kernel_gfp(&p), p.next));
		assert_true(take(&p, KTHREADD, kernel_gfp(&p), p.next));
		assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
		assert_false(take(&p, KTHREADD, kernel_gfp(&p), p.next));
		p.next += STACK;
		assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
		end(&p);
	}
}

/* Nor of several CPUs that there is one at all. */
static void kernel_threads_of_several_cpus_are_seen(void **state)
{
	struct play p;

	(void)state;
	begin_untold(&p, ARCH_X86_64, 2);
	assert_true(take(&p, KTHREADD, kernel_gfp(&p), p.next));
	end(&p);
}

/* Where directories are larger, a page table alone makes no copy. */
static void a_table_is_no_directory(void **state)
{
	struct play p;

	(void)state;
	begin_with(&p, ARCH_X86_64, "6.1", false);
	assert_true(take(&p, CHILD, table_gfp(&p), p.next));
	end(&p);
}

/* Where less is told, it is not given up that a stack was kept. */
static void kernel_threads_may_keep_stacks(void **state)
{
	(void)state;
	for (unsigned int kept = 0; kept < 2; kept++) {
		struct play p;

		begin_untold(&p, ARCH_X86_64, 1);
		p.next += kept ? 0 : STACK;
		assert_int_equal(take(&p, KTHREADD, kernel_gfp(&p), p.next), !kept);
		assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
		end(&p);
	}
}

/* A new task that begins with a directory was not copied: who made it told of nothing. */
static void a_vfork_takes_a_stack(void **state)
{
	struct play p;

	(void)state;
	begin(&p, "6.1");
	p.next += STACK;
	assert_true(make_tables(&p, CHILD, 4));
	end(&p);
}

/* Not so the one that was copied just before; but the next. */
static void a_copy_is_born_once(void **state)
{
	struct play p;

	(void)state;
	begin_with_fork(&p);
	assert_true(make_tables(&p, CHILD, 2));
	p.next += STACK;
	assert_true(make_tables(&p, CHILD + 1, 4));
	end(&p);
}

/* Where stacks are not taken in bulk they are events. */
static void older_kernels_tell(void **state)
{
	struct play p;

	(void)state;
	begin(&p, "5.10");
	assert_true(make_tables(&p, SHELL, TABLES));
	assert_true(make_tables(&p, SHELL, TABLES));
	assert_true(take(&p, KTHREADD, kernel_gfp(&p), p.next));
	end(&p);
}

/*
 * What an interrupt frees in the middle of a batch goes past the page set, which is locked:
 *
 *	announced a b c		freed a	[interrupt: x]	b c		then: c b a
 */
static void interrupt_in_batch(const char *version, bool past)
{
	struct play p;
	pfn_t first;

	begin(&p, version);
	first = p.next;
	for (unsigned int i = 0; i < 4; i++)
		assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
	for (unsigned int i = 0; i < 3; i++)
		give(&p, EVENT_FREE, SHELL, first + i, 0, 0, 0);
	give(&p, EVENT_FREE_BATCHED, SHELL, first, 0, 0, 0);
	give(&p, EVENT_FREE, SHELL, first + 3, 0, 0, EVENT_CONTEXT_INTERRUPT);
	give(&p, EVENT_FREE_BATCHED, SHELL, first + 1, 0, 0, 0);
	give(&p, EVENT_FREE_BATCHED, SHELL, first + 2, 0, 0, 0);
	assert_true(take(&p, SHELL, kernel_gfp(&p), first + 2));
	assert_true(take(&p, SHELL, kernel_gfp(&p), first + 1));
	if (!past)
		assert_true(take(&p, SHELL, kernel_gfp(&p), first + 3));
	assert_true(take(&p, SHELL, kernel_gfp(&p), first));
	assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
	end(&p);
}

static void interrupts_meet_a_lock(void **state)
{
	(void)state;
	interrupt_in_batch("6.1.56", false);
	interrupt_in_batch("6.1.57", true);
	interrupt_in_batch("6.12", true);
}

/*
 * The first of pages of which a task gives three back, as a batch; in the middle of it an interrupt frees the next three,
 * which the model thinks to go past the page set.  Much else goes past it since.
 */
static pfn_t begin_past(struct play *p)
{
	enum { OTHERS = 2 * REPLAY_RUNS };
	pfn_t first, others;

	begin(p, "6.1.57");
	first = p->next;
	for (unsigned int i = 0; i < 6; i++)
		assert_true(take(p, SHELL, kernel_gfp(p), p->next));
	others = p->next;
	for (unsigned int i = 0; i < OTHERS; i++)
		assert_true(take(p, SHELL, kernel_gfp(p), p->next));
	for (unsigned int i = 0; i < 3; i++)
		give(p, EVENT_FREE, SHELL, first + i, 0, 0, 0);
	give(p, EVENT_FREE_BATCHED, SHELL, first, 0, 0, 0);
	for (unsigned int i = 3; i < 6; i++)
		give(p, EVENT_FREE, SHELL, first + i, 0, 0, EVENT_CONTEXT_INTERRUPT);
	give(p, EVENT_FREE_BATCHED, SHELL, first + 1, 0, 0, 0);
	give(p, EVENT_FREE_BATCHED, SHELL, first + 2, 0, 0, 0);
	for (unsigned int i = 0; i < OTHERS; i++) {
		take_user(p, SHELL);
		give(p, EVENT_FREE, SHELL, others + i, 0, 0, EVENT_CONTEXT_INTERRUPT);
		assert_true(take(p, SHELL, kernel_gfp(p), others + i));
	}
	return first;
}

/* There was no lock, as a page of them shows a long time later: the others are there, too. */
static void no_lock_is_found_out_late(void **state)
{
	struct play p;
	pfn_t first;

	(void)state;
	first = begin_past(&p);
	assert_false(take(&p, SHELL, kernel_gfp(&p), first + 5));
	assert_true(take(&p, SHELL, kernel_gfp(&p), first + 4));
	assert_true(take(&p, SHELL, kernel_gfp(&p), first + 3));
	assert_true(take(&p, SHELL, kernel_gfp(&p), first + 2));
	end(&p);
}

/* Two of them are handed out as one block: so they were free, as was thought. */
static void a_lock_is_confirmed(void **state)
{
	struct play p;
	struct event e = { .pid = SHELL, .kind = EVENT_ALLOC, .order = 1 };
	pfn_t first;

	(void)state;
	first = begin_past(&p);
	e.pfn = first + 3 + (first + 3) % 2;
	e.gfp = kernel_gfp(&p);
	replay_event(p.replay, &e);
	assert_true(take(&p, SHELL, kernel_gfp(&p), first + 2));
	end(&p);
}

/* Each zone has a page set: what an interrupt frees to another one meets no lock. */
static void another_zone_is_not_locked(void **state)
{
	struct page_alloc *a;
	struct play p;
	pfn_t first;

	(void)state;
	begin_with(&p, ARCH_ARM64, "6.1.57", true);
	first = p.next;
	for (unsigned int i = 0; i < 3; i++)
		assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
	for (unsigned int i = 0; i < 3; i++)
		give(&p, EVENT_FREE, SHELL, first + i, 0, 0, 0);
	give(&p, EVENT_FREE_BATCHED, SHELL, first, 0, 0, 0);
	give(&p, EVENT_FREE, SHELL, ELSEWHERE, 0, 0, EVENT_CONTEXT_INTERRUPT);
	give(&p, EVENT_FREE_BATCHED, SHELL, first + 1, 0, 0, 0);
	give(&p, EVENT_FREE_BATCHED, SHELL, first + 2, 0, 0, 0);
	a = replay_alloc(p.replay);
	assert_int_not_equal(page_alloc_zone_of(a, ELSEWHERE), page_alloc_zone_of(a, first));
	assert_true(pageset_holds(a, page_alloc_zone_of(a, ELSEWHERE), ELSEWHERE));
	assert_true(take(&p, SHELL, kernel_gfp(&p), first + 2));
	end(&p);
}

/*
 * Nor does one that comes long after lists were drained, for which it did not wait:
 *
 *	list [ x ... z ]	freed, drained: z	[interrupt: y]	y went past it	... or, later, lies above x
 */
static void a_late_interrupt_did_not_wait(void **state)
{
	(void)state;
	for (unsigned int late = 0; late < 2; late++) {
		struct play p;
		pfn_t first;

		begin(&p, "6.1.57");
		first = p.next;
		assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
		give(&p, EVENT_PCPU_DRAIN, SHELL, first + FILLED - 2, 0, 0, 0);
		p.time += late * UINT64_C(9000000);
		give(&p, EVENT_FREE, SHELL, first, 0, 0, EVENT_CONTEXT_INTERRUPT);
		assert_true(take(&p, SHELL, kernel_gfp(&p), late ? first : p.next));
		end(&p);
	}
}

/* The first of @count pages that a task had: it gives two of them back, and an interrupt then gives the others. */
static pfn_t begin_interrupted(struct play *p, unsigned int count)
{
	pfn_t first;

	begin(p, "6.1.57");
	first = p->next;
	for (unsigned int i = 0; i < count; i++)
		assert_true(take(p, SHELL, kernel_gfp(p), p->next));
	for (unsigned int i = 0; i < count; i++) {
		if (i == 2)
			take_user(p, SHELL);
		give(p, EVENT_FREE, SHELL, first + i, 0, 0, i < 2 ? 0 : EVENT_CONTEXT_INTERRUPT);
	}
	return first;
}

/* It turns out later, where it was not clear: what lies above the page that came is not there. */
static void a_lock_is_found_out(void **state)
{
	struct play p;
	pfn_t first;

	(void)state;
	first = begin_interrupted(&p, 4);
	take_user(&p, SHELL);
	assert_false(take(&p, SHELL, kernel_gfp(&p), first + 1));
	assert_true(take(&p, SHELL, kernel_gfp(&p), first));
	assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
	end(&p);
}

/*
 * Where the interrupt comes right before an allocation of the task that it came to, that had its page by then:
 *
 *	list [ b a ]	task: takes b	[interrupt: c d]	task: tells of b	then: d c a
 *
 * Or else it turns out soon that there was a lock after all.
 */
static void a_page_is_told_of_late(void **state)
{
	(void)state;
	for (unsigned int past = 0; past < 3; past++) {
		struct play p;
		pfn_t first;

		first = begin_interrupted(&p, 4);
		/* Another task did not have it. */
		assert_false(take(&p, past == 2 ? CHILD : SHELL, kernel_gfp(&p), first + 1));
		for (unsigned int i = 4; i-- > 2 && !past;)
			assert_true(take(&p, SHELL, kernel_gfp(&p), first + i));
		assert_int_equal(take(&p, SHELL, kernel_gfp(&p), first), past != 1);
		assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
		end(&p);
	}
}

/* So it does of what an interrupt freed before another one did. */
static void an_earlier_lock_is_found_out(void **state)
{
	struct play p;
	pfn_t first;
	uint64_t silent;

	(void)state;
	first = begin_interrupted(&p, 3);
	for (unsigned int i = 0; i < 3; i++) {
		take_user(&p, SHELL);
		give(&p, EVENT_FREE, SHELL, ELSEWHERE + p.time / 1000, 0, 0,
		     EVENT_CONTEXT_INTERRUPT);
	}
	silent = replay_stats(p.replay)->silent;
	assert_false(take(&p, SHELL, kernel_gfp(&p), first + 1));
	assert_true(take(&p, SHELL, kernel_gfp(&p), first));
	assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
	/* It went past the page set, and was taken by nobody. */
	assert_int_equal(replay_stats(p.replay)->silent, silent);
	end(&p);
}

/*
 *	freed	[interrupt: a]  x  [interrupt: b]	list [ b x a ]	the task gets x: b is not there, a is
 */
static void interrupts_are_told_apart(void **state)
{
	struct play p;
	pfn_t first;

	(void)state;
	begin(&p, "6.1.57");
	first = p.next;
	for (unsigned int i = 0; i < 3; i++)
		assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
	for (unsigned int i = 0; i < 3; i++)
		give(&p, EVENT_FREE, SHELL, first + i, 0, 0, i == 1 ? 0 : EVENT_CONTEXT_INTERRUPT);
	take_user(&p, SHELL);
	assert_false(take(&p, SHELL, kernel_gfp(&p), first + 1));
	assert_true(take(&p, SHELL, kernel_gfp(&p), first));
	assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
	end(&p);
}

/* What the model says @e is of. */
static pfn_t foretell(struct play *p, struct event e)
{
	struct replay_state *s = replay_save(p->replay);

	assert_non_null(s);
	p->guess = PFN_NONE;
	replay_event(p->replay, &e);
	assert_true(replay_restore(p->replay, s));
	replay_state_destroy(s);
	return p->guess;
}

/*
 * The smallest free block that will do is taken first.  One that is spared in the middle of a refill, for a page of a
 * larger block, again and again, is not there:
 *
 *	in the kernel	free [ a ] [ b c d ... ]	the list is filled with a, b, later with c d
 *	in the model	free [ a ] [ spared ] [ b c d ... ]
 *
 * The kernel is a second model, which was not told that the block was freed.
 */
static void a_smaller_block_is_spared(void **state)
{
	enum { ORDER = 6, REFILLS = 40 };
	struct event block = { .pid = SHELL, .order = ORDER, .context = EVENT_CONTEXT_TOLD };
	struct event fill = { .kind = EVENT_ZONE_LOCKED,
			      .pid = SHELL,
			      .context = EVENT_CONTEXT_TOLD };
	struct play kernel, model;
	pfn_t spared = PFN_NONE;
	unsigned int wrong = 0;

	(void)state;
	begin(&kernel, "6.1");
	begin(&model, "6.1");
	block.gfp = kernel_gfp(&kernel);
	/* The second keeps the first from merging with what follows. */
	for (unsigned int i = 0; i < 2; i++) {
		block.pfn = foretell(&kernel, block);
		if (!i)
			spared = block.pfn;
		replay_event(kernel.replay, &block);
		replay_event(model.replay, &block);
	}
	block.kind = EVENT_FREE;
	block.pfn = spared;
	replay_event(model.replay, &block);
	for (unsigned int i = 0; i < REFILLS; i++) {
		pfn_t pages[FILLED];

		for (unsigned int k = 0; k < FILLED; k++) {
			fill.pfn = pages[k] = foretell(&kernel, fill);
			replay_event(kernel.replay, &fill);
			replay_event(model.replay, &fill);
			wrong += model.guess >= spared && model.guess < spared + (1 << ORDER);
		}
		for (unsigned int k = 0; k < FILLED; k++) {
			give(&kernel, EVENT_ALLOC, SHELL, pages[k], block.gfp, 0, 0);
			give(&model, EVENT_ALLOC, SHELL, pages[k], block.gfp, 0, 0);
		}
	}
	assert_in_range(wrong, 1, 4);
	end(&kernel);
	end(&model);
}

/* A program that cannot be executed gives its directory back, and its task ends: its stack is used again. */
static void a_program_fails(void **state)
{
	struct play p;
	pfn_t directory;

	(void)state;
	begin(&p, "6.1");
	p.next += STACK;
	directory = p.next;
	assert_true(make_tables(&p, CHILD, 4));
	give(&p, EVENT_FREE, CHILD, directory, 0, 0, 0);
	assert_true(make_tables_at(&p, CHILD + 1, 4, directory));
	end(&p);
}

/*
 * kthreadd asks for a page, and then takes a stack, with what an interrupt freed in between, and before others
 * free anything:
 *
 *	list [ a b c d e ]	kthreadd: a	[interrupt: x]	stack: x b c d	then: e
 */
static void a_stack_is_taken_late(void **state)
{
	(void)state;
	for (unsigned int interrupt = 0; interrupt < 2; interrupt++) {
		struct play p;
		pfn_t freed;

		begin(&p, "6.1");
		freed = p.next;
		assert_true(take(&p, SHELL, kernel_gfp(&p), freed));
		assert_false(take(&p, KTHREADD, kernel_gfp(&p), p.next));
		give(&p, EVENT_FREE, KTHREADD, freed, 0, 0,
		     interrupt ? EVENT_CONTEXT_INTERRUPT : 0);
		if (!interrupt)
			assert_true(take(&p, SHELL, kernel_gfp(&p), freed));
		p.next += STACK - interrupt;
		assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
		end(&p);
	}
}

/*
 * A stack took what was left of a list and filled it again, while events were off.  Other amounts have other
 * reasons, and the list is still there.
 */
static void a_fill_is_not_told(void **state)
{
	(void)state;
	for (unsigned int more = 0; more < 2; more++) {
		struct play p;
		pfn_t left;

		begin(&p, "6.1");
		for (unsigned int i = 0; i < FILLED - 3; i++)
			assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
		left = p.next;
		p.next += STACK + more;
		assert_false(take(&p, SHELL, kernel_gfp(&p), p.next));
		assert_int_equal(take(&p, SHELL, kernel_gfp(&p), p.next), !more);
		assert_int_equal(p.guess == left, more);
		end(&p);
	}
}

/* A task that loses the CPU may be in the middle of a batch of frees, unless there are more than a batch has. */
static void more_than_a_batch_was_freed(void **state)
{
	enum { BATCH = 31 };

	(void)state;
	for (unsigned int more = 0; more < 2; more++) {
		pfn_t pages[BATCH + 1];
		struct play p;

		begin(&p, "7.0");
		for (unsigned int i = 0; i < BATCH + more; i++)
			pages[i] = take_user(&p, SHELL);
		for (unsigned int i = 0; i < BATCH + more; i++)
			give(&p, EVENT_FREE, SHELL, pages[i], 0, 0, 0);
		take_user(&p, CHILD);
		assert_int_equal(p.guess == pages[BATCH + more - 1], more);
		end(&p);
	}
}

/* ---- interrupts, where it is told how often a task may not be preempted --------------------------- */

enum { DEPTH = 1 << EVENT_CONTEXT_DEPTH_SHIFT };

/* A task that was preempted nowhere, and two pages that it has, the second one taken last. */
static pfn_t begin_with_depth(struct play *p)
{
	pfn_t first;

	begin(p, "6.12");
	first = p->next;
	for (unsigned int i = 0; i < 3; i++)
		assert_true(take(p, SHELL, kernel_gfp(p), p->next));
	give(p, EVENT_FREE, SHELL, first + 2, 0, 0, DEPTH);
	assert_true(take(p, SHELL, kernel_gfp(p), first + 2));
	return first;
}

/* While a list is filled its page set is locked, whatever the task did before. */
static void a_fill_locks(void **state)
{
	struct play p;
	pfn_t first, filled;

	(void)state;
	first = begin_with_depth(&p);
	filled = p.next + FILLED - 4;
	for (unsigned int i = 0; i < 8; i++)
		give(&p, EVENT_ZONE_LOCKED, SHELL, filled + i, 0, 0, 3 * DEPTH);
	give(&p, EVENT_FREE, SHELL, first, 0, 0, EVENT_CONTEXT_INTERRUPT | 3 * DEPTH);
	assert_true(take(&p, SHELL, kernel_gfp(&p), filled));
	end(&p);
}

/* While pages are taken in bulk, too, as their frees show; what was freed then is not on the list. */
static void a_bulk_locks(void **state)
{
	struct play p;
	pfn_t first, bulk;

	(void)state;
	first = begin_with_depth(&p);
	bulk = p.next;
	give(&p, EVENT_FREE, SHELL, first, 0, 0, EVENT_CONTEXT_INTERRUPT | 2 * DEPTH);
	give(&p, EVENT_FREE, SHELL, bulk + 1, 0, 0, 0);
	give(&p, EVENT_FREE, SHELL, bulk, 0, 0, 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_true(take(&p, SHELL, kernel_gfp(&p), bulk + i));
	end(&p);
}

/*
 * Pages of users are announced before the page set is locked for all of them:
 *
 *	announced a b	[interrupt: x, drains, y]	announced c	freed a b c	x and y are on the list
 *	announced a b c	[interrupt: x, drains, y]	freed a b c			they went past it
 */
static void announcing_locks_nothing(void **state)
{
	(void)state;
	for (unsigned int at = 2; at <= 3; at++) {
		struct play p;
		pfn_t first, user[3];

		first = begin_with_depth(&p);
		for (unsigned int i = 0; i < 3; i++)
			user[i] = take_user(&p, SHELL);
		for (unsigned int i = 0; i <= 3; i++) {
			if (i == at) {
				give(&p, EVENT_FREE, SHELL, first, 0, 0,
				     EVENT_CONTEXT_INTERRUPT | 2 * DEPTH);
				give(&p, EVENT_PCPU_DRAIN, SHELL, first + FILLED - 2, 0, 0,
				     EVENT_CONTEXT_INTERRUPT | 5 * DEPTH);
				give(&p, EVENT_FREE, SHELL, first + 1, 0, 0,
				     EVENT_CONTEXT_INTERRUPT | 2 * DEPTH);
			}
			if (i < 3)
				give(&p, EVENT_FREE, SHELL, user[i], 0, 0, 0);
		}
		for (unsigned int i = 0; i < 3; i++)
			give(&p, EVENT_FREE_BATCHED, SHELL, user[i], 0, 0, 2 * DEPTH);
		for (unsigned int i = 2; i-- && at == 2;)
			assert_true(take(&p, SHELL, kernel_gfp(&p), first + i));
		assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
		end(&p);
	}
}

/*
 * A block that is freed alone is soon on its list, so an interrupt behind it meets no lock, unless the same page is
 * freed again: it was taken in bulk by then, during which the interrupt came.
 *
 *	freed a	[interrupt: x]			list [ x a ]
 *	freed a	[interrupt: x]	freed a		list [ a ]
 */
static void a_free_does_not_lock_for_long(void **state)
{
	(void)state;
	for (unsigned int again = 0; again < 2; again++) {
		struct play p;
		pfn_t first;

		first = begin_with_depth(&p);
		give(&p, EVENT_FREE, SHELL, first, 0, 0, 0);
		give(&p, EVENT_FREE, SHELL, first + 1, 0, 0, EVENT_CONTEXT_INTERRUPT | 2 * DEPTH);
		if (again)
			give(&p, EVENT_FREE, SHELL, first, 0, 0, 0);
		else
			assert_true(take(&p, SHELL, kernel_gfp(&p), first + 1));
		assert_true(take(&p, SHELL, kernel_gfp(&p), first));
		assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
		end(&p);
	}
}

/* In the middle of a drain it is the page set of that zone which is locked, and no other one. */
static void a_drain_locks_one_zone(void **state)
{
	struct page_alloc *a;
	struct play p;
	pfn_t first;

	(void)state;
	begin_with(&p, ARCH_ARM64, "6.12", true);
	first = p.next;
	for (unsigned int i = 0; i < 2; i++)
		assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
	give(&p, EVENT_FREE, SHELL, first + 1, 0, 0, 0);
	give(&p, EVENT_PCPU_DRAIN, SHELL, first + FILLED - 2, 0, 0, 3 * DEPTH);
	give(&p, EVENT_FREE, SHELL, ELSEWHERE, 0, 0, EVENT_CONTEXT_INTERRUPT | 3 * DEPTH);
	give(&p, EVENT_FREE, SHELL, first, 0, 0, EVENT_CONTEXT_INTERRUPT | 3 * DEPTH);
	assert_true(take(&p, SHELL, kernel_gfp(&p), first + 1));
	assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
	a = replay_alloc(p.replay);
	assert_true(pageset_holds(a, page_alloc_zone_of(a, ELSEWHERE), ELSEWHERE));
	assert_false(pageset_holds(a, page_alloc_zone_of(a, first), first));
	end(&p);
}

/* Where a page of an interrupt was handed out as expected, there was no lock; and others go by later. */
static void a_lock_is_ruled_out(void **state)
{
	struct play p;
	pfn_t first;
	uint64_t silent;

	(void)state;
	begin(&p, "6.1.57");
	first = p.next;
	for (unsigned int i = 0; i < 2; i++)
		assert_true(take(&p, SHELL, kernel_gfp(&p), p.next));
	take_user(&p, SHELL);
	for (unsigned int i = 0; i < 2; i++)
		give(&p, EVENT_FREE, SHELL, first + i, 0, 0, EVENT_CONTEXT_INTERRUPT);
	for (unsigned int i = 2; i--;)
		assert_true(take(&p, SHELL, kernel_gfp(&p), first + i));
	for (unsigned int i = 0; i < 2; i++)
		give(&p, EVENT_FREE, SHELL, first + i, 0, 0, 0);
	take_user(&p, SHELL);
	silent = replay_stats(p.replay)->silent;
	assert_false(take(&p, SHELL, kernel_gfp(&p), p.next));
	assert_int_equal(replay_stats(p.replay)->silent, silent + 2);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fork_is_foreseen),
		cmocka_unit_test(a_fork_is_foreseen_by_allocations),
		cmocka_unit_test(directories_show),
		cmocka_unit_test(a_stack_is_kept),
		cmocka_unit_test(a_stack_is_kept_late),
		cmocka_unit_test(a_program_is_no_fork),
		cmocka_unit_test(faults_are_learned),
		cmocka_unit_test(kernel_threads_have_stacks),
		cmocka_unit_test(kernel_threads_may_keep_stacks),
		cmocka_unit_test(kernel_threads_of_several_cpus_are_seen),
		cmocka_unit_test(a_table_is_no_directory),
		cmocka_unit_test(a_vfork_takes_a_stack),
		cmocka_unit_test(a_copy_is_born_once),
		cmocka_unit_test(older_kernels_tell),
		cmocka_unit_test(interrupts_meet_a_lock),
		cmocka_unit_test(no_lock_is_found_out_late),
		cmocka_unit_test(a_lock_is_confirmed),
		cmocka_unit_test(another_zone_is_not_locked),
		cmocka_unit_test(a_late_interrupt_did_not_wait),
		cmocka_unit_test(a_lock_is_found_out),
		cmocka_unit_test(a_page_is_told_of_late),
		cmocka_unit_test(an_earlier_lock_is_found_out),
		cmocka_unit_test(interrupts_are_told_apart),
		cmocka_unit_test(a_smaller_block_is_spared),
		cmocka_unit_test(a_program_fails),
		cmocka_unit_test(a_stack_is_taken_late),
		cmocka_unit_test(a_fill_is_not_told),
		cmocka_unit_test(more_than_a_batch_was_freed),
		cmocka_unit_test(a_fill_locks),
		cmocka_unit_test(a_bulk_locks),
		cmocka_unit_test(announcing_locks_nothing),
		cmocka_unit_test(a_free_does_not_lock_for_long),
		cmocka_unit_test(a_drain_locks_one_zone),
		cmocka_unit_test(a_lock_is_ruled_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
