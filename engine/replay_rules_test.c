/* SPDX-License-Identifier: MIT */
/*
 * The rules by which a replay corrects itself, one by one, on a machine with two CPUs and little memory.  What
 * the kernel does is told event by event; what the model would say next is asked without telling it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/boot.h"
#include "engine/gfp.h"
#include "engine/pageset.h"
#include "engine/replay.h"
#include "engine/testing/made_boot.h"

#define MIB (1ULL << 20)
#define IN_USE_START (32 * MIB)
#define IN_USE_END (40 * MIB)
#define ALLOC_AND_FREE (1U << EVENT_ALLOC | 1U << EVENT_FREE)
enum { CPUS = 2, UNMOVABLE = 0, MOVABLE = 1 }; /* the kernel's numbers */

struct fixture {
	struct made_boot boot;
	struct machine booted, late;
	struct replay *replay;
	pfn_t guess; /* about the last event that had one */
};

static void on_prediction(void *ctx, const struct replay_prediction *p)
{
	struct fixture *f = ctx;

	f->guess = p->predicted;
}

static void boot(struct fixture *f, struct machine *m, enum boot_stage until)
{
	machine_init(m);
	m->want_lists = true;
	boot_run(m, &f->boot.in, until);
	assert_false(m->out_of_memory);
}

/* A replay of @kinds, 0 for all, of a kernel of @version. */
static void set_up(struct fixture *f, const char *version, uint32_t kinds)
{
	struct replay_options options = {
		.kinds = kinds, .cpu_count = CPUS, .predicted = on_prediction, .ctx = f
	};

	made_boot_init(&f->boot, ARCH_X86_64, version);
	made_boot_memory(&f->boot, MIB, 128 * MIB, -1);
	made_boot_reserve(&f->boot, IN_USE_START, IN_USE_END);
	made_boot_cpus(&f->boot, CPUS, 0);
	boot(f, &f->booted, STAGE_MEM_INIT);
	boot(f, &f->late, STAGE_LATE);
	f->replay = replay_create(&f->booted, &f->late, &options);
	assert_non_null(f->replay);
}

static void tear_down(struct fixture *f)
{
	assert_null(buddy_check(f->booted.buddy, false));
	assert_false(replay_out_of_memory(f->replay));
	replay_destroy(f->replay);
	machine_deinit(&f->late);
	machine_deinit(&f->booted);
}

/* For user memory (__GFP_HIGHMEM and __GFP_MOVABLE, of all kernels the same), or for the kernel itself. */
static struct event request(uint16_t cpu, unsigned int type)
{
	struct event e = {
		.kind = EVENT_ALLOC, .cpu = cpu, .pid = 1, .migratetype = (uint8_t)type
	};

	if (type == MOVABLE)
		e.gfp = 0x2 | 0x8;
	return e;
}

static void tell(struct fixture *f, struct event e, pfn_t pfn)
{
	e.pfn = pfn;
	replay_event(f->replay, &e);
}

/* Which page would the model name? */
static pfn_t guess(struct fixture *f, struct event e)
{
	struct replay_state *s = replay_save(f->replay);

	assert_non_null(s);
	tell(f, e, 0);
	assert_true(replay_restore(f->replay, s));
	replay_state_destroy(s);
	return f->guess;
}

/* Hands out @count pages as the model expects them; the last one. */
static pfn_t take(struct fixture *f, struct event e, unsigned int count)
{
	pfn_t pfn = PFN_NONE;

	while (count--) {
		pfn = guess(f, e);
		tell(f, e, pfn);
		assert_int_equal(f->guess, pfn);
	}
	return pfn;
}

static void release(struct fixture *f, struct event e, pfn_t pfn)
{
	e.kind = EVENT_FREE;
	tell(f, e, pfn);
}

/*
 * A trace that begins in the middle of a life: nothing is known but that [@start, @end), in blocks of the largest
 * order, is free, which is enough for the watermarks.
 */
static void begin_late(struct fixture *f, pfn_t start, pfn_t end)
{
	struct event e = { .kind = EVENT_FREE, .pid = 1, .order = 10 };

	replay_forget(f->replay);
	for (pfn_t pfn = start; pfn < end; pfn += 1024)
		tell(f, e, pfn);
}

/* ---- pages that the model knows nothing of ------------------------------------------------------- */

/* A page that nobody has been given, and which is not free by the model's account. */
static pfn_t page_in_use(void)
{
	return IN_USE_START / 4096 + 64;
}

/*
 *	model	list [ h ... ]		kernel	list [ x x+1 x+2 h ... ]
 */
static void test_unknown_pages_ascend(void **state)
{
	struct fixture f;
	struct event e;
	pfn_t known, pages;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	e = request(0, MOVABLE);
	take(&f, e, 8);
	known = guess(&f, e);
	pages = page_in_use();
	tell(&f, e, pages);
	assert_int_equal(guess(&f, e), pages + 1);
	tell(&f, e, pages + 1);
	assert_int_equal(guess(&f, e), pages + 2);
	/* They are over: what the list was thought to be is there. */
	tell(&f, e, known);
	assert_int_equal(guess(&f, e), known + 1);
	tear_down(&f);
}

static void test_unknown_pages_descend(void **state)
{
	struct fixture f;
	struct event e;
	pfn_t pages;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	e = request(0, MOVABLE);
	take(&f, e, 8);
	pages = page_in_use() + 8;
	tell(&f, e, pages);
	tell(&f, e, pages - 2);
	assert_int_equal(guess(&f, e), pages - 4);
	tear_down(&f);
}

/* What is freed goes on top of them, and they are below it when it is gone. */
static void test_known_pages_above_unknown(void **state)
{
	struct fixture f;
	struct event e = request(0, MOVABLE);
	const pfn_t freed = 0x1000, pages = 0x4000;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	begin_late(&f, 0x5000, 0x7000);
	release(&f, e, freed);
	assert_int_equal(guess(&f, e), freed);
	tell(&f, e, pages);
	assert_int_equal(guess(&f, e), pages + 1);
	release(&f, e, freed + 8);
	assert_int_equal(guess(&f, e), freed + 8);
	tell(&f, e, freed + 8);
	assert_int_equal(guess(&f, e), pages + 1);
	/* What they lay above comes: they are over, even if it is freed again. */
	tell(&f, e, freed);
	release(&f, e, freed);
	assert_int_equal(guess(&f, e), freed);
	tear_down(&f);
}

/* Another CPU's list is not concerned. */
static void test_unknown_pages_of_one_cpu(void **state)
{
	struct fixture f;
	struct event e;
	pfn_t other;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	e = request(0, MOVABLE);
	take(&f, request(1, MOVABLE), 1);
	take(&f, e, 8);
	other = guess(&f, request(1, MOVABLE));
	tell(&f, e, page_in_use());
	assert_int_equal(guess(&f, request(1, MOVABLE)), other);
	tear_down(&f);
}

/*
 *	model	free [ s ]  [ a b ... ]		the list is filled from a on, time and again
 */
static void test_spared_block_is_gone(void **state)
{
	struct fixture f;
	struct event e = request(0, MOVABLE), block = { .kind = EVENT_FREE, .pid = 1, .order = 8 };
	const pfn_t spared = 0x1000, taken = 0x5000;
	unsigned int misses = 0;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	begin_late(&f, 0x5000, 0x7000);
	tell(&f, block, spared);
	assert_int_equal(guess(&f, e), spared);
	for (unsigned int i = 0; i < 4096; i++) {
		tell(&f, e, taken + i);
		misses += i > 1024 && f.guess == spared;
	}
	assert_int_equal(misses, 0);
	tear_down(&f);
}

/* ---- traces that tell when lists are filled and drained ------------------------------------------ */

static struct event told(enum event_kind kind, unsigned int type)
{
	return (struct event){ .kind = (uint8_t)kind, .pid = 1, .migratetype = (uint8_t)type };
}

/* The same where the trace tells of it: each of a list's fills is an event. */
static void test_spared_block_is_gone_when_told(void **state)
{
	struct fixture f;
	struct event e = told(EVENT_ZONE_LOCKED, MOVABLE),
		     block = { .kind = EVENT_FREE, .pid = 1, .order = 8 };
	const pfn_t spared = 0x1000, taken = 0x5000;
	unsigned int wrong = 0;

	(void)state;
	set_up(&f, "6.1", 0);
	begin_late(&f, 0x5000, 0x7000);
	tell(&f, block, spared);
	assert_int_equal(guess(&f, e), spared);
	for (unsigned int i = 0; i < 4096; i += 8) {
		for (unsigned int k = 0; k < 8; k++) {
			tell(&f, e, taken + i + k);
			wrong += i > 2048 && f.guess == spared;
		}
		for (unsigned int k = 0; k < 8; k++)
			tell(&f, request(0, MOVABLE), taken + i + k);
	}
	assert_int_equal(wrong, 0);
	tear_down(&f);
}

/* Of a list that the model does not know the pages come in some order, too. */
static void test_unknown_pages_are_drained(void **state)
{
	struct fixture f;
	struct event e = told(EVENT_PCPU_DRAIN, MOVABLE);
	const pfn_t first = 0x2000;

	(void)state;
	set_up(&f, "6.1", 0);
	begin_late(&f, 0x5000, 0x7000);
	tell(&f, e, first);
	assert_int_equal(guess(&f, e), first + 1);
	tell(&f, e, first - 2);
	assert_int_equal(guess(&f, e), first - 4);
	/* From elsewhere on, as they came before. */
	tell(&f, e, first + 512);
	assert_int_equal(guess(&f, e), first + 510);
	/* One that someone has is not drained. */
	tell(&f, request(0, MOVABLE), first + 508);
	tell(&f, e, first + 510);
	assert_int_not_equal(guess(&f, e), first + 508);
	tear_down(&f);
}

static enum migratetype block_type(const struct fixture *f, pfn_t pfn)
{
	struct page_alloc *a = replay_alloc(f->replay);

	return buddy_block_type(a->buddy, page_alloc_zone_of(a, pfn), pfn);
}

/* A page that was on the list of a type lies in a pageblock of that type, unless an event tells of a theft. */
static void test_lists_tell_the_type_of_pageblocks(void **state)
{
	struct fixture f;
	struct event e = told(EVENT_ZONE_LOCKED, UNMOVABLE);
	const pfn_t page = page_in_use();

	(void)state;
	set_up(&f, "6.1", 0);
	assert_int_equal(block_type(&f, page), MIGRATE_MOVABLE);
	tell(&f, e, page);
	assert_int_equal(block_type(&f, page), MIGRATE_UNMOVABLE);
	tear_down(&f);
}

/* ---- tasks that lose the CPU, and interrupts ----------------------------------------------------- */

static struct event by(struct event e, int32_t pid)
{
	e.pid = pid;
	return e;
}

/* How deep the kernel was in what may not be preempted, where it counts that. */
static struct event at_depth(struct event e, unsigned int depth)
{
	e.context = (uint8_t)(EVENT_CONTEXT_TOLD | depth << EVENT_CONTEXT_DEPTH_SHIFT);
	return e;
}

/*
 * A list of four pages, the last one freed first on it, and a task that took the first, under a lock of its
 * own: so depths are counted.
 */
static void four_pages(struct fixture *f, const char *version, const pfn_t *pages)
{
	set_up(f, version, ALLOC_AND_FREE);
	begin_late(f, 0x5000, 0x7000);
	for (unsigned int i = 4; i--;)
		release(f, request(0, MOVABLE), pages[i]);
	tell(f, at_depth(by(request(0, MOVABLE), 1), 1), pages[0]);
	assert_int_equal(f->guess, pages[0]);
}

static const pfn_t four[] = { 0x1000, 0x1010, 0x1020, 0x1030 };

/*
 * Task 1 takes a page and loses the CPU before its event; task 2 gets the one behind it.
 */
static void test_task_keeps_its_page(void **state)
{
	struct fixture f;
	struct event e = request(0, MOVABLE);

	(void)state;
	four_pages(&f, "7.2", four);
	assert_int_equal(guess(&f, by(e, 2)), four[1]);
	tell(&f, by(e, 2), four[2]);
	assert_int_equal(guess(&f, by(e, 2)), four[3]);
	assert_int_equal(guess(&f, by(e, 1)), four[1]);
	tear_down(&f);
	/* Where that cannot be, the page was taken and is gone, or lies where it lay. */
	four_pages(&f, "6.1", four);
	tell(&f, by(e, 2), four[2]);
	assert_int_equal(guess(&f, by(e, 1)), guess(&f, by(e, 2)));
	tear_down(&f);
}

/* Task 1 announces frees and loses the CPU; the list gets them when it is back. */
static void test_task_keeps_its_frees(void **state)
{
	struct fixture f;
	struct event e = request(0, MOVABLE);

	(void)state;
	four_pages(&f, "7.2", four);
	release(&f, by(e, 1), 0x1800);
	release(&f, by(e, 1), 0x1810);
	assert_int_equal(guess(&f, by(e, 2)), 0x1810);
	tell(&f, by(e, 2), four[1]);
	assert_int_equal(guess(&f, by(e, 2)), four[2]);
	assert_int_equal(guess(&f, by(e, 1)), 0x1810);
	tear_down(&f);
}

/* An interrupt frees a page while the page set is locked: it goes past the set. */
static void test_interrupt_frees_past_the_set(void **state)
{
	const pfn_t past = 0x1800;
	struct fixture f;
	struct event e = request(0, MOVABLE), interrupt;
	struct page_alloc *a;
	struct buddy_block block;

	(void)state;
	four_pages(&f, "7.2", four);
	interrupt = at_depth(e, 3);
	interrupt.context |= EVENT_CONTEXT_INTERRUPT;
	release(&f, interrupt, past);
	assert_int_equal(guess(&f, e), past);
	tell(&f, e, four[1]);
	a = replay_alloc(f.replay);
	assert_false(pageset_holds(a, page_alloc_zone_of(a, past), past));
	assert_true(buddy_find(a->buddy, page_alloc_zone_of(a, past), past, &block));
	assert_int_equal(guess(&f, e), four[2]);
	tear_down(&f);
}

/* ---- stacks, of which nothing tells --------------------------------------------------------------- */

/* A page directory: two pages, accounted and zeroed. */
static struct event directory(const struct fixture *f, int32_t pid)
{
	struct event e = by(request(0, UNMOVABLE), pid);
	struct gfp_table gfp;

	gfp_table_init(&gfp, &f->boot.in.facts);
	e.order = 1;
	e.gfp = gfp_mask_of(&gfp, GFP_BIT_ACCOUNT) | gfp_mask_of(&gfp, GFP_BIT_ZERO);
	return e;
}

static void test_fork_takes_a_stack(void **state)
{
	struct fixture f;
	struct event e = request(0, UNMOVABLE), ends = request(0, UNMOVABLE);
	pfn_t first, program, child;

	(void)state;
	set_up(&f, "6.12", ALLOC_AND_FREE);
	begin_late(&f, 0x5000, 0x7000);
	/* So that the list has many pages. */
	first = take(&f, e, 1);
	/* The program that the task executes, and then a child. */
	program = take(&f, directory(&f, 7), 1);
	assert_int_equal(guess(&f, e), first + 1);
	child = take(&f, directory(&f, 7), 1);
	assert_int_equal(guess(&f, e), first + 5);
	/* What it executed before goes, and the child ends: its stack is there for the next one. */
	ends = by(ends, 7);
	ends.order = 1;
	release(&f, ends, program);
	release(&f, ends, child);
	take(&f, directory(&f, 7), 1);
	assert_int_equal(guess(&f, e), first + 5);
	tear_down(&f);
}

/* Pages before the one that came: of such as are allocated in bulk they are gone, of others they are there. */
static void test_pages_before(void **state)
{
	struct fixture f;
	struct event e = request(0, UNMOVABLE);
	pfn_t first;
	uint64_t silent;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	begin_late(&f, 0x5000, 0x7000);
	first = take(&f, e, 1);
	silent = replay_stats(f.replay)->silent;
	tell(&f, e, first + 5);
	assert_int_equal(guess(&f, e), first + 6);
	assert_int_equal(replay_stats(f.replay)->silent, silent + 4);
	tear_down(&f);
	four_pages(&f, "6.1", four);
	tell(&f, request(0, MOVABLE), four[2]);
	assert_int_equal(guess(&f, request(0, MOVABLE)), four[1]);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_pages_ascend),
		cmocka_unit_test(test_unknown_pages_descend),
		cmocka_unit_test(test_known_pages_above_unknown),
		cmocka_unit_test(test_unknown_pages_of_one_cpu),
		cmocka_unit_test(test_spared_block_is_gone),
		cmocka_unit_test(test_spared_block_is_gone_when_told),
		cmocka_unit_test(test_unknown_pages_are_drained),
		cmocka_unit_test(test_lists_tell_the_type_of_pageblocks),
		cmocka_unit_test(test_task_keeps_its_page),
		cmocka_unit_test(test_task_keeps_its_frees),
		cmocka_unit_test(test_interrupt_frees_past_the_set),
		cmocka_unit_test(test_fork_takes_a_stack),
		cmocka_unit_test(test_pages_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
