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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
