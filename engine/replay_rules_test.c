/* SPDX-License-Identifier: MIT */
/*
 * The rules by which a replay corrects itself, one by one, on a machine with two CPUs and little memory.  What
 * the kernel does is told event by event; what the model would say next is asked without telling it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

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
enum { UNMOVABLE = 0, MOVABLE = 1 }; /* the kernel's numbers */
enum { CPUS = 2, FILLED = 7 }; /* of the larger zone: pages that a list is filled with at once */

struct fixture {
	struct made_boot boot;
	struct machine booted, late;
	struct replay *replay;
	pfn_t guess; /* about the last event that had one */
	enum replay_miss miss; /* why it was wrong */
	uint32_t zone; /* of its page */
	unsigned int guesses;
};

static void on_prediction(void *ctx, const struct replay_prediction *p)
{
	struct fixture *f = ctx;

	f->guess = p->predicted;
	f->miss = p->miss;
	f->zone = p->zone;
	f->guesses++;
}

static void boot(struct fixture *f, struct machine *m, enum boot_stage until)
{
	machine_init(m);
	m->want_lists = true;
	boot_run(m, &f->boot.in, until);
	assert_false(m->out_of_memory);
}

/* A machine with a kernel of @version, which has not booted yet. */
static void prepare(struct fixture *f, const char *version)
{
	f->guesses = 0;
	made_boot_init(&f->boot, ARCH_X86_64, version);
	made_boot_memory(&f->boot, MIB, 128 * MIB, -1);
	made_boot_reserve(&f->boot, IN_USE_START, IN_USE_END);
	made_boot_cpus(&f->boot, CPUS, 0);
}

/* A replay of @kinds, 0 for all, once it has booted. */
static void start_replay(struct fixture *f, uint32_t kinds)
{
	struct replay_options options = {
		.kinds = kinds, .cpu_count = CPUS, .predicted = on_prediction, .ctx = f
	};

	f->replay = replay_create(&f->booted, &f->late, &options);
	assert_non_null(f->replay);
}

static void set_up(struct fixture *f, const char *version, uint32_t kinds)
{
	prepare(f, version);
	boot(f, &f->booted, STAGE_MEM_INIT);
	boot(f, &f->late, STAGE_LATE);
	start_replay(f, kinds);
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

/* The task that boots the machine does it. */
static struct event by_idle(struct event e)
{
	e.pid = 0;
	return e;
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

/*
 * Where all is told since the boot, nothing goes without an event once a list was filled: a block that was not
 * taken first is still there.
 */
static void test_passed_over_block_stays(void **state)
{
	struct event e = by_idle(told(EVENT_ZONE_LOCKED, UNMOVABLE));
	const pfn_t first = page_in_use(), second = first + 2;
	struct fixture f;

	(void)state;
	for (unsigned int fills = 0; fills < 2; fills++) {
		set_up(&f, "6.1", 0);
		for (unsigned int i = 0; i < fills; i++) {
			tell(&f, e, guess(&f, e));
			tell(&f, request(0, UNMOVABLE), f.guess);
		}
		tell(&f, by_idle(told(EVENT_PCPU_DRAIN, UNMOVABLE)), second);
		tell(&f, by_idle(told(EVENT_PCPU_DRAIN, UNMOVABLE)), first);
		assert_int_equal(guess(&f, e), first);
		tell(&f, e, second);
		assert_int_equal(guess(&f, e) == first, fills);
		tear_down(&f);
	}
}

static bool is_highmem(const struct fixture *f, pfn_t pfn)
{
	struct page_alloc *a = replay_alloc(f->replay);

	return a->buddy->zones[page_alloc_zone_of(a, pfn)].type == ZONE_HIGHMEM;
}

/*
 * An event of a fill tells neither the zone nor the flags of the request.  Page tables and vmalloc() ask for
 * unmovable pages of HighMem, one after the other or in bulk:
 *
 *	Normal	list [ a b ... ]	HighMem	list [ ]		a fill is for HighMem
 *	Normal	list [ a b ... ]	HighMem	list [ h ... ], just filled	and so is one right behind it
 */
static void test_unmovable_pages_of_highmem(void **state)
{
	struct event e = told(EVENT_ZONE_LOCKED, UNMOVABLE);
	struct fixture f = { .guesses = 0 };

	(void)state;
	made_boot_init(&f.boot, ARCH_I386, "6.1");
	made_boot_memory(&f.boot, MIB, 1200 * MIB, -1);
	made_boot_cpus(&f.boot, CPUS, 0);
	boot(&f, &f.booted, STAGE_MEM_INIT);
	boot(&f, &f.late, STAGE_LATE);
	start_replay(&f, 0);
	/* With nothing on any list it is for the kernel itself, as most are.  Lists hold more than one page later. */
	tell(&f, e, guess(&f, e));
	tell(&f, request(0, UNMOVABLE), f.guess);
	tell(&f, told(EVENT_MARKER, 0), 0);
	for (unsigned int i = 0; i < FILLED; i++) {
		assert_false(is_highmem(&f, guess(&f, e)));
		tell(&f, e, f.guess);
	}
	take(&f, request(0, UNMOVABLE), 1);
	for (unsigned int i = 0; i < 200; i++) {
		pfn_t pfn = guess(&f, e);

		assert_true(is_highmem(&f, pfn));
		tell(&f, e, pfn);
	}
	tear_down(&f);
}

/* Programs write markers: page sets and watermarks are what they are after the boot, if the trace tells of lists. */
static void test_sizes_when_the_boot_is_over(void **state)
{
	struct fixture f;
	struct event marker = { .kind = EVENT_MARKER, .pid = 1 };

	(void)state;
	for (unsigned int tells = 0; tells < 2; tells++) {
		const struct page_alloc *a;
		const struct zone *z;

		set_up(&f, "6.12", 0);
		a = replay_alloc(f.replay);
		z = &f.late.nodes[0].zones[a->buddy->zones[0].type];
		if (tells)
			tell(&f, by_idle(told(EVENT_ZONE_LOCKED, UNMOVABLE)), page_in_use());
		assert_false(replay_sizes_unseen(f.replay));
		assert_int_equal(a->zones[0].watermark[WMARK_LOW], 0);
		replay_event(f.replay, &marker);
		assert_int_equal(replay_sizes_unseen(f.replay), !tells);
		assert_int_equal(a->zones[0].watermark[WMARK_LOW],
				 tells ? z->watermark[WMARK_LOW] : 0);
		assert_int_equal(a->sets[0].high_max == z->high_max, tells);
		tear_down(&f);
	}
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

/* A drain that was expected says that the lists are known again. */
static void test_known_pages_are_drained(void **state)
{
	struct fixture f;
	struct event drain = told(EVENT_PCPU_DRAIN, MOVABLE);
	struct pageset *set;
	struct page_alloc *a;
	const pfn_t freed = 0x1000, unknown = 0x2000;
	pfn_t pfn;

	(void)state;
	set_up(&f, "6.1", 0);
	begin_late(&f, 0x5000, 0x7000);
	tell(&f, told(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
	tell(&f, request(0, MOVABLE), 0x5000);
	tell(&f, drain, unknown);
	assert_int_equal(guess(&f, drain), unknown + 1);
	a = replay_alloc(f.replay);
	set = page_alloc_set(a, page_alloc_zone_of(a, freed), 0);
	for (unsigned int i = 0; i < 8; i++)
		release(&f, request(0, MOVABLE), freed + 16ULL * i);
	set->high = set->high_min = set->high_max = set->count;
	release(&f, request(0, MOVABLE), freed + 0x80);
	pfn = guess(&f, drain);
	assert_true(pfn >= freed && pfn <= freed + 0x80);
	for (unsigned int i = 0; i < 9 && pfn >= freed && pfn <= freed + 0x80; i++) {
		tell(&f, drain, pfn);
		assert_int_equal(f.miss, REPLAY_HIT);
		pfn = guess(&f, drain);
		assert_int_not_equal(pfn, unknown + 1);
	}
	tear_down(&f);
}

/*
 * Lists that are not known are drained in turns, of those that empty ones follow on more than one page at a time:
 *
 *	unmovable a, movable m n, unmovable b, movable o p, ...
 */
static void test_unknown_lists_are_drained_in_turns(void **state)
{
	const pfn_t unmovable = 0x2000, movable = 0x3000;
	struct fixture f;
	unsigned int right = 0, alone = 0;

	(void)state;
	set_up(&f, "5.10", 0);
	begin_late(&f, 0x5000, 0x7000);
	for (unsigned int i = 0; i < 8; i++) {
		tell(&f, told(EVENT_PCPU_DRAIN, UNMOVABLE), unmovable + i);
		right += f.miss == REPLAY_HIT;
		tell(&f, told(EVENT_PCPU_DRAIN, MOVABLE), movable - 2ULL * i);
		right += f.miss == REPLAY_HIT;
		tell(&f, told(EVENT_PCPU_DRAIN, MOVABLE), movable - 2ULL * i - 1);
		right += f.miss == REPLAY_HIT;
	}
	/* What follows on what shows in the first two rounds. */
	assert_in_range(right, 18, 24);
	/* When one list is empty, the other goes on alone. */
	for (unsigned int i = 0; i < 8; i++) {
		tell(&f, told(EVENT_PCPU_DRAIN, UNMOVABLE), unmovable + 8 + i);
		alone += f.miss == REPLAY_HIT;
	}
	assert_in_range(alone, 7, 8);
	tear_down(&f);
}

/*
 * So is one that is known, with one that is not:
 *
 *	unmovable a, movable k, unmovable b, movable j, ...
 */
static void test_a_known_list_takes_its_turn(void **state)
{
	enum { KNOWN = 8 };
	const pfn_t unmovable = 0x2000, movable = 0x1000;
	struct event drain[] = { [UNMOVABLE] = told(EVENT_PCPU_DRAIN, UNMOVABLE),
				 [MOVABLE] = told(EVENT_PCPU_DRAIN, MOVABLE) };
	struct fixture f;
	unsigned int right = 0;

	(void)state;
	set_up(&f, "5.10", 0);
	begin_late(&f, 0x5000, 0x7000);
	tell(&f, told(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
	tell(&f, request(0, MOVABLE), 0x5000);
	tell(&f, drain[MOVABLE], 0x2800);
	for (unsigned int i = 0; i < KNOWN; i++)
		release(&f, request(0, MOVABLE), movable + 16ULL * i);
	for (unsigned int i = 0; i < KNOWN; i++) {
		tell(&f, drain[UNMOVABLE], unmovable + i);
		right += f.miss == REPLAY_HIT;
		tell(&f, drain[MOVABLE], movable + 16ULL * i);
		right += f.miss == REPLAY_HIT;
	}
	assert_in_range(right, 2 * KNOWN - 5, 2 * KNOWN);
	tear_down(&f);
}

enum { FULL = 32 };

/* A page set to which that many movable pages were freed, the last one more than it holds. */
static void begin_full(struct fixture *f, const char *version, pfn_t freed[FULL])
{
	struct page_alloc *a;
	struct pageset *set;

	set_up(f, version, 0);
	begin_late(f, 0x5000, 0x7000);
	tell(f, told(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
	tell(f, request(0, MOVABLE), 0x5000);
	tell(f, told(EVENT_PCPU_DRAIN, MOVABLE), 0x2000);
	for (unsigned int i = 0; i < FULL; i++)
		freed[i] = i < 2 ? 0x1000 + i : 0x1010 + 2ULL * i;
	for (unsigned int i = 0; i + 1 < FULL; i++)
		release(f, request(0, MOVABLE), freed[i]);
	/* They are carried out before something else happens. */
	tell(f, request(0, UNMOVABLE), 0x5001);
	a = replay_alloc(f->replay);
	set = page_alloc_set(a, page_alloc_zone_of(a, freed[0]), 0);
	assert_int_equal(set->lists[pageset_list(a, 0, MIGRATE_MOVABLE)].count, FULL - 1);
	set->high = set->high_min = set->high_max = set->count;
	release(f, request(0, MOVABLE), freed[FULL - 1]);
}

/*
 * A list is drained from its tail, so what lies behind a page that is drained is not there:
 *
 *	head [ ... e d c b a ] tail	drained: a, c, d ...	b was taken untold, and a lies behind c, d ... now
 */
static void test_what_a_drain_passes_over_is_gone(void **state)
{
	pfn_t freed[FULL];
	struct fixture f;
	struct event drain = told(EVENT_PCPU_DRAIN, MOVABLE);
	struct page_alloc *a;
	struct buddy_block block;
	uint64_t silent;
	uint32_t zone;

	(void)state;
	begin_full(&f, "6.1", freed);
	silent = replay_stats(f.replay)->silent;
	assert_int_equal(guess(&f, drain), freed[0]);
	tell(&f, drain, freed[0]);
	assert_int_equal(guess(&f, drain), freed[1]);
	tell(&f, drain, freed[2]);
	assert_int_equal(f.miss, REPLAY_MISS_UNASKED);
	for (unsigned int i = 3; i < 5; i++) {
		tell(&f, drain, freed[i]);
		assert_int_equal(f.miss, REPLAY_HIT);
	}
	a = replay_alloc(f.replay);
	zone = page_alloc_zone_of(a, freed[0]);
	assert_false(pageset_holds(a, zone, freed[1]) ||
		     buddy_find(a->buddy, zone, freed[1], &block));
	assert_int_equal(replay_stats(f.replay)->silent, silent + 1);
	assert_int_not_equal(guess(&f, told(EVENT_ZONE_LOCKED, MOVABLE)), freed[0]);
	tear_down(&f);
}

/* What another CPU got of it meanwhile is not freed with the others. */
static void test_what_is_taken_meanwhile_stays_taken(void **state)
{
	struct event drain = told(EVENT_PCPU_DRAIN, MOVABLE), other = request(0, MOVABLE);
	struct buddy_block block;
	struct page_alloc *a;
	struct fixture f;
	pfn_t freed[FULL];

	(void)state;
	begin_full(&f, "6.1", freed);
	other.cpu = 1;
	other.pid++;
	tell(&f, drain, freed[0]);
	tell(&f, other, freed[5]);
	tell(&f, drain, freed[2]);
	a = replay_alloc(f.replay);
	assert_false(buddy_find(a->buddy, page_alloc_zone_of(a, freed[5]), freed[5], &block));
	assert_null(replay_check(f.replay));
	tear_down(&f);
}

/* What is not drained after all lies on the list where it lay, whatever its pageblock is by now. */
static void test_what_is_not_drained_stays(void **state)
{
	struct fixture f;
	struct page_alloc *a;
	pfn_t freed[FULL];
	unsigned int index;
	uint32_t zone, depth;

	(void)state;
	begin_full(&f, "6.12", freed);
	a = replay_alloc(f.replay);
	zone = page_alloc_zone_of(a, freed[0]);
	buddy_set_block_type(a->buddy, zone, freed[0], MIGRATE_UNMOVABLE);
	/* The free is carried out, and nothing is drained. */
	tell(&f, request(0, UNMOVABLE), 0x5002);
	tell(&f, request(0, UNMOVABLE), 0x5003);
	a = replay_alloc(f.replay);
	assert_true(pageset_find(a, page_alloc_set(a, zone, 0), freed[0], &index, &depth));
	assert_int_equal(index, pageset_list(a, 0, MIGRATE_MOVABLE));
	tear_down(&f);
}

/*
 *	list [ e d c b a ]	drained: c, so a and b are not there, and d is next
 */
static void test_drains_go_on_from_the_middle(void **state)
{
	struct fixture f;
	struct event e = told(EVENT_PCPU_DRAIN, MOVABLE);
	const pfn_t first = 0x5000;

	(void)state;
	set_up(&f, "6.1", 0);
	begin_late(&f, 0x5000, 0x7000);
	tell(&f, e, 0x2000);
	for (pfn_t pfn = first; pfn < first + 5; pfn++) {
		tell(&f, request(0, MOVABLE), pfn);
		release(&f, request(0, MOVABLE), pfn);
	}
	tell(&f, e, first + 2);
	assert_int_equal(guess(&f, e), first + 3);
	tell(&f, e, first + 3);
	assert_int_equal(f.miss, REPLAY_HIT);
	tell(&f, e, first + 4);
	assert_int_equal(f.miss, REPLAY_HIT);
	tear_down(&f);
}

/*
 * Unforeseen, a CPU drains what it has of a node that it has left: of nodes 0, its own, and 1 it has pages of both.
 */
static void test_drains_of_nodes_that_are_left(void **state)
{
	struct event drain = told(EVENT_PCPU_DRAIN, MOVABLE);
	const pfn_t own = 0x1000, other = 0x9000;
	struct fixture f = { .guesses = 0 };

	(void)state;
	made_boot_init(&f.boot, ARCH_X86_64, "6.1");
	made_boot_memory(&f.boot, MIB, 128 * MIB, 0);
	made_boot_memory(&f.boot, 128 * MIB, 256 * MIB, 1);
	made_boot_cpus(&f.boot, CPUS, 0);
	boot(&f, &f.booted, STAGE_MEM_INIT);
	boot(&f, &f.late, STAGE_LATE);
	start_replay(&f, 0);
	begin_late(&f, 0x4000, 0x6000);
	tell(&f, drain, 0x2000);
	release(&f, request(0, UNMOVABLE), own);
	release(&f, request(0, UNMOVABLE), other);
	tell(&f, request(0, UNMOVABLE), own + 2);
	assert_int_equal(guess(&f, drain), other);
	/* What it had a page of just now it has not left. */
	tell(&f, request(0, UNMOVABLE), other + 2);
	assert_int_equal(guess(&f, drain), own);
	tear_down(&f);
}

static bool is_free(const struct fixture *f, pfn_t pfn)
{
	struct page_alloc *a = replay_alloc(f->replay);
	struct buddy_block block;

	return buddy_find(a->buddy, page_alloc_zone_of(a, pfn), pfn, &block);
}

/*
 *	in use by all accounts [ 0 1 2 3 4 5 6 7 ]	taken: 0, so 1 may be next, and so on
 */
static void test_unaccounted_blocks_come_page_by_page(void **state)
{
	struct fixture f;
	struct event e = told(EVENT_ZONE_LOCKED, MOVABLE);
	const pfn_t block = 0x2100;

	(void)state;
	set_up(&f, "6.1", 0);
	begin_late(&f, 0x5000, 0x7000);
	tell(&f, e, block + 0x21);
	tell(&f, request(0, MOVABLE), block + 6);
	tell(&f, e, block);
	for (pfn_t pfn = block + 1; pfn < block + 4; pfn++) {
		assert_int_equal(guess(&f, e), pfn);
		tell(&f, e, pfn);
	}
	/* Someone has one of those that would follow. */
	assert_int_not_equal(guess(&f, e), block + 4);
	tear_down(&f);

	set_up(&f, "6.1", 0);
	begin_late(&f, 0x5000, 0x7000);
	/* The first of no block but its own. */
	tell(&f, e, block + 1);
	assert_int_not_equal(guess(&f, e), block + 2);
	tell(&f, e, block + 4);
	assert_int_equal(guess(&f, e), block + 5);
	/* It was alone. */
	tell(&f, e, block + 0x11);
	assert_int_not_equal(guess(&f, e), block + 5);
	assert_false(is_free(&f, block + 5) || is_free(&f, block + 7));
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

/*
 * A page is handed out that lies in a free block of another type, while there are blocks of the type asked for:
 * they would have been taken first, and so the pageblock is of that type.
 */
static void test_pages_tell_the_type_of_pageblocks(void **state)
{
	const pfn_t own = 0x1200, page = 0x5410;
	struct event block = { .kind = EVENT_FREE, .pid = 1, .order = 5 };
	struct page_alloc *a;
	struct fixture f;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	begin_late(&f, 0x5000, 0x7000);
	a = replay_alloc(f.replay);
	buddy_set_block_type(a->buddy, page_alloc_zone_of(a, own), own, MIGRATE_UNMOVABLE);
	tell(&f, block, own);
	tell(&f, request(0, MOVABLE), page);
	assert_int_equal(block_type(&f, page), MIGRATE_MOVABLE);
	assert_int_equal(guess(&f, request(0, UNMOVABLE)), own);
	tell(&f, request(0, UNMOVABLE), page + 0x10);
	assert_int_equal(f.miss, REPLAY_MISS_SPLIT);
	assert_int_equal(block_type(&f, page), MIGRATE_UNMOVABLE);
	tear_down(&f);
}

/* ---- blocks of other types ----------------------------------------------------------------------- */

enum { LARGEST = 10, PAGEBLOCK = 512 };

/* An unmovable request takes pages of a movable block of the largest order, which is to be unmovable now. */
static struct event claim(unsigned int order)
{
	struct event e = by_idle(told(EVENT_EXTFRAG, UNMOVABLE));

	e.order = (uint8_t)order;
	e.fallback_order = LARGEST;
	e.fallback_migratetype = MOVABLE;
	e.flags = EVENT_CHANGE_OWNERSHIP;
	return e;
}

static void hand_out(struct fixture *f, struct event from, pfn_t pfn)
{
	struct event e = request(0, UNMOVABLE);

	e.order = from.order;
	tell(f, from, pfn);
	tell(f, e, pfn);
}

/* Such a block at @pfn is claimed, and all of it handed out but for its last block of order @left, if that is above 0. */
static void use_up(struct fixture *f, pfn_t pfn, unsigned int left)
{
	struct event e = told(EVENT_ZONE_LOCKED, UNMOVABLE);

	hand_out(f, claim(0), pfn);
	for (e.order = 0; e.order < LARGEST; e.order++)
		if (!left || e.order != left)
			hand_out(f, e, pfn + (1U << e.order));
}

static void expect_types(const struct fixture *f, pfn_t block, enum migratetype type)
{
	assert_int_equal(block_type(f, block), type);
	assert_int_equal(block_type(f, block + PAGEBLOCK), type);
}

/* The free block that holds @pfn. */
static struct buddy_block free_block(const struct fixture *f, pfn_t pfn)
{
	struct page_alloc *a = replay_alloc(f->replay);
	struct buddy_block block = { .pfn = PFN_NONE };

	assert_true(buddy_find(a->buddy, page_alloc_zone_of(a, pfn), pfn, &block));
	return block;
}

/*
 * The model thought that @model is claimed, and @e tells of @other: all of that is unmovable, in as many blocks as one
 * that was split has, and @model is free as before, and the first of its list.
 */
static void claim_another(struct fixture *f, struct event e, pfn_t model, pfn_t other)
{
	struct event movable = told(EVENT_ZONE_LOCKED, MOVABLE);

	tell(f, e, other);
	assert_int_equal(f->guess, model);
	assert_int_equal(f->miss, REPLAY_MISS_SPLIT);
	expect_types(f, other, MIGRATE_UNMOVABLE);
	assert_false(is_free(f, other));
	/* Smaller ones may be on the list that is filled. */
	for (unsigned int order = e.order > 3 ? e.order : 3; order < LARGEST; order++) {
		struct buddy_block block = free_block(f, other + (1U << order));

		assert_int_equal(block.order, order);
		assert_int_equal(block.type, MIGRATE_UNMOVABLE);
	}
	expect_types(f, model, MIGRATE_MOVABLE);
	assert_int_equal(free_block(f, model).order, LARGEST);
	assert_int_equal(free_block(f, model).type, MIGRATE_MOVABLE);
	movable.order = LARGEST;
	if (page_alloc_zone_of(replay_alloc(f->replay), model) ==
	    page_alloc_zone_of(replay_alloc(f->replay), other))
		assert_int_equal(guess(f, movable), model);
}

/* For a list, and past all lists. */
static const unsigned int claimed_orders[] = { 0, 3, 4, 9 };

/*
 *	1M	    16M				128M
 *	| DMA  c    | DMA32   m			|	the model thinks that m is claimed, and it is c
 */
static void test_a_claim_in_another_zone(void **state)
{
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < sizeof(claimed_orders) / sizeof(claimed_orders[0]); i++) {
		struct event e = claim(claimed_orders[i]);

		set_up(&f, "6.12", 0);
		/* Else what comes before it would be thought to be gone. */
		use_up(&f, 0x400, 0);
		claim_another(&f, e, guess(&f, e), 0xc00);
		assert_true(f.guess >= 16 * MIB / 4096);
		tear_down(&f);
	}
}

/*
 * Nothing told of the first pages that were taken from a zone, nor of the claim for them:
 *
 *	DMA	[ 7 taken x . . . ][        ][        ]		of the first block both pageblocks are claimed
 *
 * In another block x is no sign of that, and its own pageblock alone gets the type.
 */
static void test_a_claim_before_all(void **state)
{
	static const struct {
		pfn_t pfn;
		bool whole;
	} rows[] = { { 0x407, true }, { 0x807, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		pfn_t block = round_down_to(rows[i].pfn, 1U << LARGEST);
		struct fixture f;

		set_up(&f, "6.12", 0);
		tell(&f, by_idle(told(EVENT_ZONE_LOCKED, UNMOVABLE)), rows[i].pfn);
		assert_true(f.guess >= 16 * MIB / 4096);
		assert_int_equal(block_type(&f, block), MIGRATE_UNMOVABLE);
		assert_int_equal(block_type(&f, block + PAGEBLOCK),
				 rows[i].whole ? MIGRATE_UNMOVABLE : MIGRATE_MOVABLE);
		tear_down(&f);
	}
}

/*
 *	DMA32	[  used up  ][  m  ][  c  ]		likewise
 */
static void test_a_claim_of_another_block(void **state)
{
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < sizeof(claimed_orders) / sizeof(claimed_orders[0]); i++) {
		struct event e = claim(claimed_orders[i]);
		pfn_t model;

		set_up(&f, "6.12", 0);
		use_up(&f, guess(&f, claim(0)), 0);
		model = guess(&f, e);
		claim_another(&f, e, model, model + 1024);
		tear_down(&f);
	}
}

/*
 * A list is filled with FILLED pages, two of which are left of a block:
 *
 *	DMA32	[  used up, two left  ][  m  ][  c  ]
 */
static void test_a_claim_amid_a_refill(void **state)
{
	struct event e = told(EVENT_ZONE_LOCKED, UNMOVABLE),
		     marker = { .kind = EVENT_MARKER, .pid = 1 };
	struct fixture f;
	pfn_t first, model;

	(void)state;
	set_up(&f, "6.12", 0);
	first = guess(&f, claim(0));
	use_up(&f, first, 1);
	replay_event(f.replay, &marker);
	for (unsigned int i = 2; i < 4; i++) {
		tell(&f, e, first + i);
		assert_int_equal(f.guess, first + i);
	}
	model = guess(&f, claim(0));
	assert_int_equal(model, first + 1024);
	claim_another(&f, claim(0), model, model + 1024);
	/* The rest comes of that block. */
	for (unsigned int i = 1; i < FILLED - 2; i++) {
		tell(&f, e, model + 1024 + i);
		assert_int_equal(f.guess, model + 1024 + i);
	}
	tear_down(&f);
}

/*
 * Pages of the type are free by the model's account, and by the kernel's are not:
 *
 *	DMA32	[  used up, two left  ][  ...  ][  c  ]
 */
static void test_a_claim_for_no_reason(void **state)
{
	struct fixture f;
	pfn_t first, other;

	(void)state;
	set_up(&f, "6.12", 0);
	first = guess(&f, claim(0));
	use_up(&f, first, 1);
	other = first + 2048;
	tell(&f, claim(0), other);
	assert_int_equal(f.guess, first + 2);
	expect_types(&f, other, MIGRATE_UNMOVABLE);
	for (unsigned int order = 0; order < LARGEST; order++)
		assert_int_equal(free_block(&f, other + (1U << order)).type, MIGRATE_UNMOVABLE);
	assert_int_equal(free_block(&f, first + 2).type, MIGRATE_UNMOVABLE);
	tear_down(&f);
}

/*
 * Half of a small block, which stays movable, is told of, and the model thought that a large one is claimed:
 *
 *	DMA32	[  used up  ][ x . . . s ][  m  ]	x: in use, and movable
 *
 * Up to 6.9 the other half is on the lists of who asked, and the page comes behind what tells of it.
 */
static void test_pages_that_are_stolen(void **state)
{
	static const struct {
		const char *version;
		enum migratetype rest;
	} rows[] = { { "6.12", MIGRATE_MOVABLE }, { "6.1", MIGRATE_UNMOVABLE } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct event e = claim(4), movable = told(EVENT_ZONE_LOCKED, MOVABLE);
		struct event unmovable = told(EVENT_ZONE_LOCKED, UNMOVABLE);
		bool gives = rows[i].rest == MIGRATE_MOVABLE;
		struct fixture f;
		pfn_t in_use, small, model;

		set_up(&f, rows[i].version, 0);
		if (!gives)
			tell(&f, by_idle(unmovable), 0x407);
		else
			use_up(&f, guess(&f, claim(0)), 0);
		in_use = guess(&f, movable);
		tell(&f, movable, in_use);
		tell(&f, request(0, MOVABLE), in_use);
		small = in_use + 32;
		assert_int_equal(free_block(&f, small).order, 5);
		e.fallback_order = 5;
		e.flags = 0;
		unmovable.order = e.order;
		model = guess(&f, gives ? e : unmovable);
		assert_int_not_equal(model, small);
		tell(&f, e, small);
		if (!gives)
			tell(&f, unmovable, small);
		assert_int_equal(f.guess, model);
		assert_false(is_free(&f, small));
		assert_int_equal(free_block(&f, small + 16).order, 4);
		assert_int_equal(free_block(&f, small + 16).type, rows[i].rest);
		expect_types(&f, in_use, MIGRATE_MOVABLE);
		tear_down(&f);
	}
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

/*
 * They do not wait for it if one of them, freed later, was handed out meanwhile, or lies below one that was freed
 * before it: so they were drained.
 */
static void test_frees_that_were_used_wait_for_nobody(void **state)
{
	struct event e = request(0, MOVABLE);

	(void)state;
	for (unsigned int back = 0; back < 2; back++) {
		struct fixture f;

		four_pages(&f, "7.2", four);
		release(&f, by(e, 1), 0x1800);
		release(&f, by(e, 1), 0x1810);
		tell(&f, by(e, 2), 0x1810);
		if (back) {
			tell(&f, by(e, 2), 0x1800);
			tell(&f, by(e, 2), four[1]);
			release(&f, by(e, 2), 0x1810);
			release(&f, by(e, 2), four[1]);
			release(&f, by(e, 2), 0x1800);
		}
		assert_int_equal(guess(&f, by(e, 2)), 0x1800);
		tell(&f, by(e, 2), four[1]);
		assert_int_equal(guess(&f, by(e, 2)), back ? 0x1810 : four[2]);
		assert_true(is_free(&f, 0x1800));
		tear_down(&f);
	}
}

/* Task 1 announces two frees and loses the CPU; task 2 frees two pages; task 1 goes on. */
static void free_in_turns(struct fixture *f, int32_t first, int32_t second)
{
	struct event e = request(0, MOVABLE);

	four_pages(f, "7.2", four);
	release(f, by(e, first), 0x1800);
	release(f, by(e, first), 0x1810);
	release(f, by(e, second), 0x1900);
	release(f, by(e, second), 0x1910);
	release(f, by(e, first), 0x1820);
	take(f, by(request(0, UNMOVABLE), second), 1); /* it does not wait for anything */
	tell(f, by(e, 3), 0x1820);
	assert_int_equal(f->guess, 0x1820);
	assert_int_equal(guess(f, by(e, 3)), 0x1910);
	tell(f, by(e, 3), 0x1810);
}

/* Nobody was handed a page meanwhile, so that it shows only later that the list got them when task 1 was back. */
static void test_frees_that_waited_lie_above(void **state)
{
	static const pfn_t lie[] = { 0x1800, 0x1910, 0x1900, 0x1010 };
	struct event e = by(request(0, MOVABLE), 3);
	struct fixture f;

	(void)state;
	free_in_turns(&f, 1, 2);
	for (unsigned int i = 0; i < 4; i++) {
		tell(&f, e, lie[i]);
		assert_int_equal(f.guess, lie[i]);
	}
	tear_down(&f);
	/* Who did not lose the CPU freed them before. */
	free_in_turns(&f, 1, 1);
	assert_true(is_free(&f, 0x1910));
	tear_down(&f);
}

/* If what they would lie above was handed out before them, they did not. */
static void test_frees_that_did_not_wait_lie_below(void **state)
{
	struct event e = request(0, MOVABLE);
	struct fixture f;

	(void)state;
	four_pages(&f, "7.2", four);
	release(&f, by(e, 1), 0x1800);
	release(&f, by(e, 2), 0x1900);
	release(&f, by(e, 2), 0x1910);
	take(&f, by(request(0, UNMOVABLE), 2), 1);
	release(&f, by(e, 1), 0x1820);
	tell(&f, by(e, 3), 0x1820);
	tell(&f, by(e, 3), 0x1910);
	tell(&f, by(e, 3), 0x1800);
	assert_true(is_free(&f, 0x1900));
	tear_down(&f);
}

/* The first one was of a batch that was over before. */
static void test_frees_of_earlier_batches_did_not_wait(void **state)
{
	static const pfn_t lie[] = { 0x1900, 0x1800, 0x1010 };
	struct event e = by(request(0, MOVABLE), 3);
	struct fixture f;

	(void)state;
	free_in_turns(&f, 1, 2);
	tell(&f, e, 0x1910);
	assert_int_equal(f.guess, 0x1800);
	for (unsigned int i = 0; i < 3; i++) {
		tell(&f, e, lie[i]);
		assert_int_equal(f.guess, lie[i]);
	}
	tear_down(&f);
}

/* Of many tasks that came back to what they freed, those that others freed over are remembered. */
static void test_many_frees_may_have_waited(void **state)
{
	struct event e = request(0, MOVABLE), other = request(0, UNMOVABLE);
	struct fixture f;

	(void)state;
	four_pages(&f, "7.2", four);
	release(&f, by(e, 1), 0x1800);
	release(&f, by(e, 2), 0x1900);
	release(&f, by(e, 1), 0x1810);
	for (int32_t i = 0; i < 40; i++) {
		tell(&f, by(other, i % 2 + 1), guess(&f, by(other, i % 2 + 1)));
		release(&f, by(other, i % 2 + 1), f.guess);
	}
	tell(&f, by(e, 3), 0x1810);
	tell(&f, by(e, 3), 0x1800);
	assert_int_equal(f.guess, 0x1900);
	assert_int_equal(guess(&f, by(e, 3)), 0x1900);
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

/*
 * PREEMPT_RT: task 1 loses the CPU while it has the page set locked.  What task 2 wants and frees goes past the set
 * until task 1 is back, or it shows that the set is not locked.
 *
 *	page set [ set... ]	free lists [ first... ]		task 2: first, frees x to the free lists
 */
static void test_a_locked_set_is_passed(void **state)
{
	enum { ZONE_ONLY = 1, SET_AND_ZONE = 3 };
	const pfn_t freed[] = { 0x1000, 0x1800, 0x2000 };
	struct fixture f;
	struct event e = request(0, MOVABLE), locked = told(EVENT_ZONE_LOCKED, MOVABLE);
	pfn_t set, first;

	(void)state;
	for (unsigned int returns = 0; returns < 2; returns++) {
		prepare(&f, "6.12");
		f.boot.in.config.preemption = PREEMPTION_RT;
		boot(&f, &f.booted, STAGE_MEM_INIT);
		boot(&f, &f.late, STAGE_LATE);
		start_replay(&f, 0);
		begin_late(&f, 0x5000, 0x7000);
		for (unsigned int i = 4; i--;)
			release(&f, by(e, 1), four[i]);
		set = guess(&f, by(e, 1));
		assert_int_equal(set, four[0]);
		first = guess(&f, at_depth(by(locked, 2), ZONE_ONLY));
		tell(&f, at_depth(by(locked, 2), ZONE_ONLY), first);
		assert_true(is_free(&f, first + 1));
		assert_int_equal(guess(&f, by(e, 2)), first);
		tell(&f, by(e, 2), first);
		release(&f, by(e, 2), freed[0]);
		tell(&f, at_depth(by(locked, 2), ZONE_ONLY), first + 1);
		assert_true(is_free(&f, freed[0]));
		tell(&f, by(e, 2), first + 1);
		if (returns)
			release(&f, by(e, 1), freed[1]);
		else
			tell(&f, by(e, 2), set);
		/* The list of the set is as it was. */
		assert_int_equal(guess(&f, by(e, 2)), returns ? freed[1] : four[1]);
		release(&f, by(e, 2), freed[2]);
		assert_int_equal(guess(&f, by(e, 2)), freed[2]);
		assert_false(is_free(&f, freed[2]));
		/* Deeper in, the list is filled, whoever lost the CPU. */
		tell(&f, at_depth(by(locked, 3), SET_AND_ZONE), first + 2);
		assert_false(is_free(&f, first + 3));
		tear_down(&f);
	}
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

/* A page that the fork asks for between its stack and its directory shows the stack; it is not taken again. */
static void test_fork_is_seen_early(void **state)
{
	enum { PAGES = 7, DIRECTORIES = 2, STACK = 4 };
	struct event e = by(request(0, UNMOVABLE), 7), fill = told(EVENT_ZONE_LOCKED, UNMOVABLE);
	struct fixture f;
	pfn_t pages[PAGES], directories[DIRECTORIES];

	(void)state;
	set_up(&f, "6.12", 0);
	fill.order = 1;
	for (unsigned int i = 0; i < DIRECTORIES; i++) {
		directories[i] = guess(&f, fill);
		tell(&f, fill, directories[i]);
	}
	tell(&f, directory(&f, 7), directories[0]);
	fill.order = 0;
	for (unsigned int i = 0; i < PAGES; i++) {
		pages[i] = guess(&f, fill);
		tell(&f, fill, pages[i]);
	}
	tell(&f, e, pages[0]);
	assert_int_equal(f.guess, pages[0]);
	tell(&f, e, pages[STACK + 1]);
	assert_int_equal(f.guess, pages[1]);
	tell(&f, directory(&f, 7), directories[1]);
	assert_int_equal(replay_stats(f.replay)->silent, STACK);
	assert_int_equal(guess(&f, e), pages[STACK + 2]);
	tear_down(&f);
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

/* Pages before the one that came: of such as are allocated in bulk they are gone, others were drained. */
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
	assert_int_equal(guess(&f, request(0, MOVABLE)), four[3]);
	assert_true(is_free(&f, four[1]));
	tear_down(&f);
}

/*
 * Pages that were passed over again and again are not there; where one of them is handed out, they are.
 *
 *	list	[ 12 11 ... 1 ]		requests got: 6 5 4		then: 12
 */
static void test_passed_over_pages_come_back(void **state)
{
	struct event e = request(0, MOVABLE);
	enum { FREED = 12 };

	(void)state;
	for (unsigned int emptied = 0; emptied < 2; emptied++) {
		struct fixture f;

		set_up(&f, "6.1", ALLOC_AND_FREE);
		begin_late(&f, 0x5000, 0x7000);
		for (unsigned int i = 1; i <= FREED; i++)
			release(&f, e, 0x1000 + 16 * i);
		for (unsigned int i = 6; i > 3; i--) {
			assert_int_equal(guess(&f, e), 0x1000 + 16 * FREED);
			tell(&f, e, 0x1000 + 16 * i);
		}
		assert_int_equal(guess(&f, e), 0x1000 + 16 * 3);
		/* Unless the list was empty since, as its filling shows. */
		if (emptied)
			take(&f, e, 4);
		tell(&f, e, 0x1000 + 16 * FREED);
		tell(&f, e, 0x1000 + 16 * (FREED - 1));
		assert_int_equal(guess(&f, e) == 0x1000 + 16 * (FREED - 2), !emptied);
		tear_down(&f);
	}
}

/* The list of CPU 0 is filled with pages of @type, as the trace tells, and the first one is taken. */
static pfn_t fill(struct fixture *f, unsigned int type)
{
	pfn_t first = guess(f, told(EVENT_ZONE_LOCKED, type));

	assert_int_equal(take(f, told(EVENT_ZONE_LOCKED, type), FILLED), first + FILLED - 1);
	assert_int_equal(take(f, request(0, type), 1), first);
	return first;
}

/*
 *	list	[ 1 2 3 4 5 6 ]		the request got 5: of an unmovable list 1 to 4 are gone, without an event
 */
static void test_pages_before_where_all_is_told(void **state)
{
	struct fixture f;
	struct event e = request(0, UNMOVABLE);
	pfn_t first;
	uint64_t silent;

	(void)state;
	set_up(&f, "6.1", 0);
	begin_late(&f, 0x5000, 0x7000);
	first = fill(&f, UNMOVABLE);
	silent = replay_stats(f.replay)->silent;
	tell(&f, e, first + 5);
	assert_int_equal(f.miss, REPLAY_MISS_SILENT);
	assert_int_equal(replay_stats(f.replay)->silent, silent + 4);
	assert_int_equal(guess(&f, e), first + 6);
	/* One of them is handed out after all: so those behind it are there, too. */
	tell(&f, e, first + 2);
	assert_int_equal(replay_stats(f.replay)->silent, silent + 2);
	assert_int_equal(guess(&f, e), first + 3);
	tell(&f, e, first + 3);
	assert_int_equal(guess(&f, e), first + 4);
	tell(&f, e, first + 4);
	assert_int_equal(guess(&f, e), first + 6);
	tear_down(&f);

	/* Of movable pages nobody takes many at once: they were freed since. */
	e = request(0, MOVABLE);
	set_up(&f, "6.1", 0);
	begin_late(&f, 0x5000, 0x7000);
	first = fill(&f, MOVABLE);
	silent = replay_stats(f.replay)->silent;
	tell(&f, e, first + 4);
	assert_int_equal(replay_stats(f.replay)->silent, silent);
	assert_int_equal(guess(&f, e), first + 1);
	/* But for such as are passed over again and again. */
	tell(&f, e, first + 5);
	assert_int_equal(guess(&f, e), first + 1);
	tell(&f, e, first + 3);
	assert_int_equal(replay_stats(f.replay)->silent, silent + 2);
	assert_int_equal(guess(&f, e), first + 6);
	tear_down(&f);
}

/* ---- what is known of a page ----------------------------------------------------------------------- */

static bool is_listed(const struct fixture *f, pfn_t pfn)
{
	struct page_alloc *a = replay_alloc(f->replay);

	return pageset_holds(a, page_alloc_zone_of(a, pfn), pfn);
}

static void expect_miss(struct fixture *f, struct event e, pfn_t pfn, enum replay_miss miss)
{
	const struct replay_stats *s = replay_stats(f->replay);
	uint64_t before = s->misses[e.kind][miss], right = s->right[e.kind];

	tell(f, e, pfn);
	assert_int_equal(f->miss, miss);
	assert_int_equal(s->misses[e.kind][miss], before + 1);
	assert_int_equal(s->right[e.kind], right + (miss == REPLAY_HIT));
	/* Whoever has it now, no list does. */
	assert_false(is_listed(f, pfn) || is_free(f, pfn));
}

/*
 *	lists	CPU 0: movable [ 0x1030 0x1020 0x1010 0x1000 ] unmovable [ other ... ]	CPU 1: [ 0x1800 ]
 */
static void test_misses_have_reasons(void **state)
{
	struct fixture f;
	struct event e = request(0, MOVABLE), low = request(0, UNMOVABLE);
	pfn_t other;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	begin_late(&f, 0x5000, 0x7000);
	other = take(&f, low, 1) + 1;
	assert_int_equal(guess(&f, low), other);
	for (unsigned int i = 0; i < 4; i++)
		release(&f, e, 0x1000 + 16ULL * i);
	release(&f, request(1, MOVABLE), 0x1800);
	expect_miss(&f, e, 0x1030, REPLAY_HIT);
	assert_int_equal(f.zone, page_alloc_zone_of(replay_alloc(f.replay), 0x1030));
	expect_miss(&f, e, 0x1010, REPLAY_MISS_SILENT);
	expect_miss(&f, e, other, REPLAY_MISS_OTHER_LIST);
	expect_miss(&f, e, 0x1800, REPLAY_MISS_OTHER_CPU);
	expect_miss(&f, e, 0x6010, REPLAY_MISS_SPLIT);
	expect_miss(&f, e, page_in_use(), REPLAY_MISS_UNTRACED);
	e.gfp = 0x4; /* __GFP_DMA32 */
	expect_miss(&f, e, 0x800, REPLAY_MISS_OTHER_ZONE);
	tell(&f, e, 0x100000);
	assert_int_equal(f.miss, REPLAY_MISS_OUTSIDE);
	assert_int_equal(f.zone, BUDDY_ZONE_NONE);
	/* There is no page of this size. */
	low.order = 10;
	low.gfp = 0x1; /* __GFP_DMA */
	expect_miss(&f, low, 0x400, REPLAY_MISS_EMPTY);
	tear_down(&f);
}

/* What is not asked for is not counted, and what nobody listens to is not told. */
static void test_what_counts(void **state)
{
	struct fixture f;
	const struct replay_stats *s;
	struct event e = request(0, MOVABLE), marker = { .kind = EVENT_MARKER, .pfn = PFN_NONE };
	struct replay_state *saved;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	s = replay_stats(f.replay);
	take(&f, e, 3);
	f.guesses = 0;
	replay_event(f.replay, &marker);
	e.cpu = CPUS;
	tell(&f, e, 0x5000);
	assert_int_equal(f.guesses, 0);
	assert_int_equal(s->events, 3);
	assert_int_equal(s->kinds[EVENT_ALLOC], 3);
	assert_int_equal(s->predicted[EVENT_ALLOC], 3);
	assert_int_equal(s->right[EVENT_ALLOC], 3);
	assert_int_equal(replay_index(f.replay), 5);
	/* Silence is a part of the state, and does not keep the model from learning. */
	replay_set_silent(f.replay, true);
	saved = replay_save(f.replay);
	assert_non_null(saved);
	e.cpu = 0;
	tell(&f, e, 0x5000);
	replay_set_silent(f.replay, false);
	assert_int_equal(s->events, 3);
	assert_int_equal(f.guesses, 0);
	assert_false(is_listed(&f, 0x5000) || is_free(&f, 0x5000));
	assert_true(replay_restore(f.replay, saved));
	replay_state_destroy(saved);
	assert_true(is_listed(&f, 0x5000) || is_free(&f, 0x5000));
	tell(&f, e, 0x5000);
	assert_int_equal(s->events, 3);
	assert_int_equal(replay_index(f.replay), 6);
	replay_set_silent(f.replay, false);
	tell(&f, e, 0x5001);
	assert_int_equal(s->events, 4);
	tear_down(&f);
}

/* Where lists take turns, a drain of all that nothing foretold begins with the second of them, not the first. */
static void test_first_of_a_drain(void **state)
{
	static const struct {
		const char *version;
		unsigned int type;
	} rows[] = { { "5.10", MOVABLE }, { "6.1", UNMOVABLE } };
	const pfn_t pages[] = { [UNMOVABLE] = page_in_use(), [MOVABLE] = page_in_use() + 512 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct event block = request(0, UNMOVABLE);
		struct fixture f;
		struct buddy *b;

		set_up(&f, rows[i].version, 0);
		begin_late(&f, 0x5000, 0x7000);
		tell(&f, told(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
		tell(&f, request(0, MOVABLE), 0x5000);
		b = replay_alloc(f.replay)->buddy;
		for (unsigned int type = 0; type < 2; type++) {
			buddy_set_block_type(b, page_alloc_zone_of(replay_alloc(f.replay), 0x5000),
					     pages[type],
					     type ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE);
			tell(&f, told(EVENT_PCPU_DRAIN, type), pages[type] + 8);
			release(&f, request(0, type), pages[type]);
		}
		/* They are carried out before something else happens. */
		block.order = 4;
		tell(&f, block, round_up_to(page_in_use() + 1024, 1ULL << block.order));
		assert_int_equal(guess(&f, told(EVENT_PCPU_DRAIN, UNMOVABLE)), pages[rows[i].type]);
		tear_down(&f);
	}
}

/*
 * A task frees to one of two lists, and something is drained, though the set should hold more: if that task does it,
 * it is what it freed to, and if another does, all of the set.
 */
static void test_marks_have_sunk(void **state)
{
	const pfn_t pages[] = { [UNMOVABLE] = page_in_use(), [MOVABLE] = page_in_use() + 512 };
	struct event drain = told(EVENT_PCPU_DRAIN, MOVABLE),
		     batched = { .kind = EVENT_FREE_BATCHED };
	struct fixture f;
	struct page_alloc *a;

	(void)state;
	set_up(&f, "6.12", 0);
	begin_late(&f, 0x5000, 0x7000);
	tell(&f, told(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
	tell(&f, request(0, MOVABLE), 0x5000);
	a = replay_alloc(f.replay);
	for (unsigned int type = 0; type < 2; type++) {
		buddy_set_block_type(a->buddy, page_alloc_zone_of(a, pages[type]), pages[type],
				     type ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE);
		release(&f, request(0, type), pages[type]);
		batched.pid = 1;
		tell(&f, batched, pages[type]);
	}
	assert_int_equal(guess(&f, drain), pages[MOVABLE]);
	drain.pid = 2;
	assert_int_equal(guess(&f, drain), pages[UNMOVABLE]);
	tear_down(&f);
}

/* There is a free block of movable pages in @zone. */
static struct buddy_block largest_free(const struct page_alloc *a, uint32_t zone)
{
	struct buddy_block block = { .type = MIGRATE_MOVABLE, .order = a->buddy->max_order };

	while ((block.pfn = buddy_head(a->buddy, zone, block.order, block.type)) == PFN_NONE)
		block.order--;
	return block;
}

/* Takes free pages of @zone until it has @margin more than @mark. */
static void leave(struct page_alloc *a, uint32_t zone, const struct alloc_request *req,
		  enum watermark mark, int64_t margin)
{
	while (page_alloc_margin(a, zone, req, mark) > margin) {
		struct buddy_block block = largest_free(a, zone);

		buddy_carve(a->buddy, zone, &block, block.pfn, 0, block.type);
	}
}

/* Two zones, of a trace that tells of lists; the higher one has free pages. */
static struct page_alloc *set_up_zones(struct fixture *f, uint32_t *low, uint32_t *high)
{
	struct page_alloc *a;

	set_up(f, "6.1", 0);
	begin_late(f, 0x5000, 0x7000);
	tell(f, told(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
	tell(f, request(0, MOVABLE), 0x5000);
	a = replay_alloc(f->replay);
	*high = page_alloc_zone_of(a, 0x5000);
	*low = page_alloc_zone_of(a, 0x800);
	return a;
}

/*
 * The kernel passed over a zone that had a little more than the mark by the lists: so its counter is behind by
 * that, whatever the model had taken meanwhile to fill a list with.
 */
static void test_counter_behind_the_lists(void **state)
{
	enum { LEFT = FILLED + 3 };
	struct alloc_request req = { .type = MIGRATE_MOVABLE,
				     .highest = ZONE_MOVABLE,
				     .flags = WMARK_LOW };
	struct event e = told(EVENT_ZONE_LOCKED, MOVABLE);
	struct fixture f;
	struct page_alloc *a;
	uint32_t high, low;

	(void)state;
	a = set_up_zones(&f, &low, &high);
	assert_int_not_equal(low, high);
	leave(a, high, &req, WMARK_LOW, LEFT);
	tell(&f, e, 0x800);
	assert_int_equal(a->zones[high].drift, LEFT);
	/* It does not any more: why ever it did is over. */
	a = replay_alloc(f.replay);
	tell(&f, e, largest_free(a, high).pfn);
	assert_int_equal(replay_alloc(f.replay)->zones[high].drift, 0);
	tear_down(&f);
}

/*
 * No zone has as much as the fast path asks for, and the higher one a little less than the minimum by the lists.  The
 * kernel takes its pages: the counter is before them.
 */
static void test_counter_before_the_lists(void **state)
{
	enum { LESS = 5, MORE = 10 };
	struct alloc_request req = { .type = MIGRATE_MOVABLE, .highest = ZONE_MOVABLE };
	struct event e = told(EVENT_ZONE_LOCKED, MOVABLE);
	struct event freed = { .kind = EVENT_FREE, .pid = 1, .order = 10 };
	struct fixture f;
	struct page_alloc *a;
	uint32_t high, low;
	pfn_t guessed, page;

	(void)state;
	a = set_up_zones(&f, &low, &high);
	tell(&f, freed, 0x400);
	a = replay_alloc(f.replay);
	leave(a, low, &req, WMARK_LOW, 0);
	assert_true(page_alloc_margin(a, low, &req, WMARK_MIN) > 0);
	leave(a, high, &req, WMARK_MIN, -LESS);
	guessed = guess(&f, e);
	a = replay_alloc(f.replay);
	assert_int_equal(page_alloc_zone_of(a, guessed), low);
	page = largest_free(a, high).pfn;
	tell(&f, e, page);
	a = replay_alloc(f.replay);
	assert_int_equal(a->zones[high].drift, -LESS - 1);
	/* And once more: it may go on so. */
	tell(&f, request(0, MOVABLE), page);
	a = replay_alloc(f.replay);
	leave(a, high, &req, WMARK_MIN, -MORE);
	tell(&f, e, largest_free(a, high).pfn);
	assert_int_equal(replay_alloc(f.replay)->zones[high].drift, -LESS - 1 - 2 * (MORE + 1));
	tear_down(&f);
}

/* No zone has as much as the minimum, and requests are served all the same: from the list, and from free blocks. */
static void test_requests_below_the_minimum(void **state)
{
	enum { TAKEN = 2 * FILLED };
	static const struct alloc_request req = { .type = MIGRATE_MOVABLE,
						  .highest = ZONE_MOVABLE };
	struct fixture f;
	struct page_alloc *a;
	uint32_t high;
	pfn_t last;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	begin_late(&f, 0x5000, 0x7000);
	last = take(&f, request(0, MOVABLE), 3);
	a = replay_alloc(f.replay);
	high = page_alloc_zone_of(a, last);
	leave(a, high, &req, WMARK_MIN, -TAKEN);
	assert_true(page_alloc_zone_free(a, high) > TAKEN);
	take(&f, request(0, MOVABLE), TAKEN);
	assert_int_equal(f.miss, REPLAY_HIT);
	tear_down(&f);
}

/* What lists get and lose is told by the events of that; others say nothing of it, and are counted. */
static void test_what_tells_of_lists(void **state)
{
	const uint32_t batched = 1u << EVENT_FREE_BATCHED, drained = 1u << EVENT_PCPU_DRAIN,
		       taken = 1u << EVENT_ZONE_LOCKED, claimed = 1u << EVENT_EXTFRAG;
	const struct {
		uint32_t kinds;
		enum event_kind kind;
		bool tells;
	} rows[] = {
		{ batched, EVENT_FREE_BATCHED, false }, { claimed, EVENT_EXTFRAG, false },
		{ drained, EVENT_PCPU_DRAIN, false },	{ taken, EVENT_ZONE_LOCKED, true },
		{ ~0u, EVENT_FREE_BATCHED, false },	{ ~0u, EVENT_EXTFRAG, false },
		{ ~0u, EVENT_PCPU_DRAIN, true },	{ ~0u, EVENT_ZONE_LOCKED, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture f;

		set_up(&f, "6.1", ALLOC_AND_FREE | rows[i].kinds);
		begin_late(&f, 0x5000, 0x7000);
		tell(&f, request(0, MOVABLE), 0x5000);
		release(&f, request(0, MOVABLE), 0x5000);
		tell(&f, told(rows[i].kind, MOVABLE), 0x5000);
		assert_int_equal(replay_tells(f.replay), rows[i].tells);
		assert_int_equal(replay_stats(f.replay)->kinds[rows[i].kind], 1);
		tear_down(&f);
	}
}

/* A trace of the boot begins with the task that will be idle, which fills a list that is empty. */
static void test_when_a_trace_begins(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, "6.1", 0);
	assert_false(replay_tells(f.replay));
	assert_false(replay_begins_late(f.replay));
	tell(&f, by_idle(told(EVENT_ZONE_LOCKED, MOVABLE)), 0x5000);
	assert_true(replay_tells(f.replay));
	assert_false(replay_begins_late(f.replay));
	tear_down(&f);

	set_up(&f, "6.1", 0);
	tell(&f, told(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
	assert_true(replay_begins_late(f.replay));
	tear_down(&f);

	set_up(&f, "6.1", 0);
	tell(&f, request(0, MOVABLE), 0x5000);
	assert_false(replay_tells(f.replay));
	tell(&f, told(EVENT_ZONE_LOCKED, MOVABLE), 0x5001);
	assert_true(replay_tells(f.replay));
	assert_true(replay_begins_late(f.replay));
	tear_down(&f);

	set_up(&f, "6.1", 0);
	release(&f, request(0, MOVABLE), page_in_use());
	tell(&f, told(EVENT_ZONE_LOCKED, MOVABLE), 0x5001);
	assert_true(replay_begins_late(f.replay));
	tear_down(&f);
}

/* ---- blocks, and what is left of them -------------------------------------------------------------- */

/*
 *	[ block of eight                ]	was asked for
 *	[ kept           ][ left: 5 6 7 ]	goes back at once, past the page set
 */
static void leave_over(const char *version, bool past)
{
	struct fixture f;
	struct event e = request(0, UNMOVABLE);
	pfn_t block;

	set_up(&f, version, ALLOC_AND_FREE);
	begin_late(&f, 0x5000, 0x7000);
	e.order = 3;
	block = take(&f, e, 1);
	e.order = 0;
	for (unsigned int i = 5; i < 8; i++) {
		release(&f, e, block + i);
		assert_int_equal(is_listed(&f, block + i), !past);
		assert_int_equal(is_free(&f, block + i), past);
	}
	/* What lies behind it is no part of it. */
	release(&f, e, block + 8);
	assert_true(is_listed(&f, block + 8));
	/* Nor is what is freed when something else was. */
	release(&f, e, block + 1);
	assert_true(is_listed(&f, block + 1));
	tear_down(&f);

	/* The block itself is freed. */
	set_up(&f, version, ALLOC_AND_FREE);
	begin_late(&f, 0x5000, 0x7000);
	block = take(&f, e, 1);
	release(&f, e, block);
	assert_true(is_listed(&f, block));
	tear_down(&f);
}

static void test_leftovers_go_to_the_free_lists(void **state)
{
	(void)state;
	leave_over("6.1", true);
	leave_over("5.10", false);
}

/*
 *	[ 0 1 2 3 4 5 6 7 ]	of a block that was split, freed one by one: together, as large as they can be
 */
static void free_run(const char *version, unsigned int first, unsigned int count, pfn_t *block_ret,
		     struct fixture *f)
{
	struct event e = request(0, UNMOVABLE);

	set_up(f, version, ALLOC_AND_FREE);
	begin_late(f, 0x5000, 0x7000);
	e.order = 3;
	*block_ret = take(f, e, 1);
	tell(f, request(0, MOVABLE), guess(f, request(0, MOVABLE)));
	e.order = 0;
	for (unsigned int i = first; i < first + count; i++)
		release(f, e, *block_ret + i);
	/* What was announced is done when something else follows. */
	tell(f, request(0, MOVABLE), guess(f, request(0, MOVABLE)));
}

static pfn_t next_of_order(struct fixture *f, unsigned int order)
{
	struct event e = request(0, UNMOVABLE);

	e.order = (uint8_t)order;
	return guess(f, e);
}

static void test_neighbours_are_freed_together(void **state)
{
	struct fixture f;
	pfn_t block;

	(void)state;
	free_run("7.2", 0, 8, &block, &f);
	assert_int_equal(next_of_order(&f, 3), block);
	assert_int_not_equal(next_of_order(&f, 0), block + 7);
	tear_down(&f);
	free_run("7.2", 1, 6, &block, &f);
	assert_int_equal(next_of_order(&f, 1), block + 4);
	assert_int_equal(take(&f, request(0, UNMOVABLE), 1), block + 6);
	assert_int_equal(next_of_order(&f, 0), block + 1);
	tear_down(&f);
	free_run("6.12", 0, 8, &block, &f);
	assert_int_equal(next_of_order(&f, 0), block + 7);
	assert_int_not_equal(next_of_order(&f, 3), block);
	tear_down(&f);
}

/*
 * Pages that lie together and are not of a block that was split, freed over and over with nothing in between, as
 * a trace of frees alone has them: what waits for its neighbours is not looked at again for each page, and has an
 * end.
 */
static void test_frees_without_end(void **state)
{
	enum { FIRST = 0x5000, PAGES = 0x2000, FREES = (1 << 20) + 1 };
	struct event e = request(0, UNMOVABLE);
	struct page_alloc *a;
	struct fixture f;

	(void)state;
	set_up(&f, "7.2", ALLOC_AND_FREE);
	begin_late(&f, FIRST, FIRST + PAGES);
	a = replay_alloc(f.replay);
	for (uint32_t i = 0; i < FREES; i++)
		release(&f, e, FIRST + i % PAGES);
	assert_int_not_equal(page_alloc_set(a, page_alloc_zone_of(a, FIRST), 0)->count, 0);
	assert_null(replay_check(f.replay));
	tear_down(&f);
}

/* ---- contiguous areas ------------------------------------------------------------------------------ */

#define AREA_START (24 * MIB)
#define AREA_END (32 * MIB)

/* A machine with a contiguous area, whose second and third pageblocks, which do not merge, are free. */
static pfn_t set_up_area(struct fixture *f)
{
	const pfn_t area = AREA_START / 4096 + 512;
	struct event e = { .kind = EVENT_FREE, .pid = 1, .order = 9 };

	prepare(f, "6.1");
	f->boot.in.config.cma = true;
	made_boot_reserve(&f->boot, AREA_START, AREA_END);
	boot(f, &f->booted, STAGE_MEM_INIT);
	boot(f, &f->late, STAGE_LATE);
	f->late.cma = calloc(1, sizeof(*f->late.cma));
	assert_non_null(f->late.cma);
	f->late.cma[0] = (struct cma_area){ .start = AREA_START, .end = AREA_END };
	f->late.cma_count = f->late.cma_room = 1;
	start_replay(f, ALLOC_AND_FREE);
	tell(f, e, area);
	tell(f, e, area + 512);
	assert_int_equal(block_type(f, area), MIGRATE_CMA);
	assert_int_equal(block_type(f, area + 512), MIGRATE_CMA);
	return area;
}

static void test_areas_are_activated(void **state)
{
	struct fixture f;
	struct event e = { .kind = EVENT_FREE, .pid = 1, .order = 9 };
	pfn_t area;

	(void)state;
	area = set_up_area(&f);
	assert_true(is_free(&f, area) && is_free(&f, area + 1023));
	/* Not what lies before it, nor behind, nor a part of a pageblock. */
	tell(&f, e, IN_USE_START / 4096);
	assert_int_not_equal(block_type(&f, IN_USE_START / 4096), MIGRATE_CMA);
	tear_down(&f);
}

/*
 *	[ taken: 0 1 2 3 4 ][ given back: 5 6 ... ]	the first that comes back tells of all before it
 */
static void test_leftovers_of_areas(void **state)
{
	struct fixture f;
	struct event e = { .kind = EVENT_FREE, .pid = 1 };
	pfn_t area;
	uint64_t silent;

	(void)state;
	area = set_up_area(&f);
	silent = replay_stats(f.replay)->silent;
	for (unsigned int i = 5; i < 512; i++)
		tell(&f, e, area + i);
	for (unsigned int i = 0; i < 512; i++)
		assert_int_equal(is_free(&f, area + i), i >= 5);
	assert_int_equal(replay_stats(f.replay)->silent, silent);
	/* The next takes the second pageblock: the first was too small, but for what was free there. */
	for (unsigned int i = 510; i < 512; i++)
		tell(&f, e, area + 512 + i);
	for (unsigned int i = 0; i < 510; i++)
		assert_false(is_free(&f, area + 512 + i));
	assert_true(is_free(&f, area + 512 + 510) && is_free(&f, area + 512 + 511));
	tear_down(&f);
}

/* A place that would have done and was passed over is not free. */
static void test_places_that_were_passed_over(void **state)
{
	struct fixture f;
	struct event e = { .kind = EVENT_FREE, .pid = 1 };
	pfn_t area;
	uint64_t silent;

	(void)state;
	area = set_up_area(&f);
	silent = replay_stats(f.replay)->silent;
	tell(&f, e, area + 512 + 64);
	for (unsigned int i = 0; i < 512; i++)
		assert_false(is_free(&f, area + i));
	assert_int_equal(replay_stats(f.replay)->silent, silent + 512);
	assert_false(is_free(&f, area + 512 + 63));
	assert_true(is_free(&f, area + 512 + 64));
	tear_down(&f);
}

/* ---- a drain that tells of types --------------------------------------------------------------------- */

/* A full page set: the next free drains its oldest page, whose pageblock is of another type than was known. */
static void drain_tells_type(const char *version, unsigned int told_type, enum migratetype want)
{
	struct fixture f;
	struct event drain = told(EVENT_PCPU_DRAIN, told_type);
	struct page_alloc *a;
	struct pageset *set;
	struct buddy_block block;
	const pfn_t first = 0x1000;
	pfn_t drained;

	set_up(&f, version, 0);
	begin_late(&f, 0x5000, 0x7000);
	/* So that the trace tells. */
	tell(&f, told(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
	tell(&f, request(0, MOVABLE), 0x5000);
	a = replay_alloc(f.replay);
	set = page_alloc_set(a, page_alloc_zone_of(a, first), 0);
	for (unsigned int i = 0; i < 8; i++)
		release(&f, request(0, MOVABLE), first + 16ULL * i);
	tell(&f, request(0, UNMOVABLE), page_in_use());
	set->high = set->high_min = set->high_max = set->count;
	release(&f, request(0, MOVABLE), first + 0x80);
	assert_int_equal(block_type(&f, first), MIGRATE_MOVABLE);
	drained = guess(&f, drain);
	a = replay_alloc(f.replay);
	assert_true(drained >= first && drained < first + 0x90);
	tell(&f, drain, drained);
	assert_int_equal(f.miss, REPLAY_HIT);
	assert_true(buddy_find(a->buddy, page_alloc_zone_of(a, drained), drained, &block));
	assert_int_equal(block_type(&f, drained), want);
	/* It is on the list of that type. */
	assert_int_equal(block.type, want);
	tear_down(&f);
}

static void test_drains_tell_types(void **state)
{
	(void)state;
	drain_tells_type("6.12", MOVABLE, MIGRATE_MOVABLE);
	drain_tells_type("6.12", UNMOVABLE, MIGRATE_UNMOVABLE);
	drain_tells_type("5.10", UNMOVABLE, MIGRATE_UNMOVABLE);
}

/* Flags that contradict each other are no kernel's: such a request is taken for the usual of its type. */
static void test_flags_that_contradict(void **state)
{
	const struct event usual = request(0, UNMOVABLE);
	struct event odd = usual;
	struct fixture f;

	(void)state;
	prepare(&f, "6.1");
	f.boot.in.command_line = "kernelcore=48M";
	boot(&f, &f.booted, STAGE_MEM_INIT);
	boot(&f, &f.late, STAGE_LATE);
	start_replay(&f, ALLOC_AND_FREE);
	odd.gfp = 0x1 | 0x2;
	assert_int_equal(guess(&f, odd), guess(&f, usual));
	odd.gfp = 0x8 | 0x2;
	odd.migratetype = MOVABLE;
	assert_int_not_equal(guess(&f, odd), guess(&f, usual));
	tear_down(&f);
}

/* ---- a state that is told ---------------------------------------------------------------------------- */

/*
 *	told	[ free 0x2000 ... 0x2010 ]	else in use
 *	events	0x2004 was handed out, 0x3000 freed, while it was told
 */
static void take_over(bool watched)
{
	static const struct start_range ranges[] = { { 0x2000, 0x2010 } };
	struct fixture f;
	struct start_report report;
	struct start s = { .page_count = 128 * MIB / 4096, .free = { ranges, 1 } };
	struct page_alloc *a;

	set_up(&f, "6.1", 0);
	a = replay_alloc(f.replay);
	s.zones = calloc(a->zone_count, sizeof(*s.zones));
	s.sets = calloc((size_t)a->zone_count * CPUS, sizeof(*s.sets));
	assert_true(s.zones && s.sets);
	tell(&f, request(0, MOVABLE), 0x5000);
	tell(&f, told(EVENT_ZONE_LOCKED, MOVABLE), 0x5001);
	if (watched)
		replay_watch_changes(f.replay);
	tell(&f, request(0, MOVABLE), 0x2004);
	tell(&f, told(EVENT_PCPU_DRAIN, MOVABLE), 0x3000);
	/* Only two of the pages of which the two think otherwise have changed. */
	assert_true(replay_distance(f.replay, &s) > 0x1000);
	assert_true(replay_take_over(f.replay, &s, &report));
	assert_int_equal(replay_distance(f.replay, &s), 0);
	assert_false(replay_begins_late(f.replay) != replay_tells(f.replay));
	assert_int_equal(is_free(&f, 0x2004), !watched);
	assert_int_equal(is_free(&f, 0x3000), watched);
	assert_true(is_free(&f, 0x2003) && is_free(&f, 0x200f));
	assert_false(is_free(&f, 0x2010) || is_free(&f, 0x5001));
	assert_int_equal(report.pages, 0x10);
	/* Once it is over, changes are not remembered any more. */
	tell(&f, request(0, MOVABLE), 0x2005);
	assert_false(is_free(&f, 0x2005));
	replay_watch_changes(f.replay);
	assert_true(replay_take_over(f.replay, &s, &report));
	assert_true(is_free(&f, 0x2005) && is_free(&f, 0x2004));
	free(s.sets);
	free(s.zones);
	tear_down(&f);
}

/*
 * Whether a page lies on a page set or is free is not known well where nothing tells of drains: then it does not matter
 * for how far the two are apart if a page that the model has @listed, or drained, is free.
 */
static void picture_of_a_page(uint32_t kinds, bool listed)
{
	struct event e = request(0, MOVABLE);
	struct start_range range;
	struct start s = { .page_count = 128 * MIB / 4096, .free = { &range, 1 } };
	struct fixture f;
	uint64_t before;

	set_up(&f, "6.1", kinds);
	if (kinds) {
		/* Early in a boot page sets hold nothing. */
		if (listed)
			begin_late(&f, 0x5000, 0x7000);
		range.start = take(&f, e, 1);
		release(&f, e, range.start);
	} else {
		range.start = fill(&f, MOVABLE) + 1;
	}
	assert_int_equal(is_free(&f, range.start), !listed);
	range.end = range.start;
	before = replay_distance(f.replay, &s);
	range.end++;
	assert_int_equal(replay_distance(f.replay, &s), before + !kinds);
	tear_down(&f);
}

static void test_page_sets_are_no_distance(void **state)
{
	(void)state;
	picture_of_a_page(ALLOC_AND_FREE, true);
	picture_of_a_page(ALLOC_AND_FREE, false);
	picture_of_a_page(0, true);
}

static void test_what_is_told_is_taken_over(void **state)
{
	(void)state;
	take_over(false);
	take_over(true);
}

/* What was freed before and is not free lies on the list of its CPU: the trace tells of nothing else. */
static void test_what_was_freed_is_taken_over(void **state)
{
	static const struct start_range ranges[] = { { 0x2000, 0x2010 } };
	struct event e = request(0, MOVABLE);
	struct fixture f;
	struct start_report report;
	struct start s = { .page_count = 128 * MIB / 4096, .free = { ranges, 1 } };
	struct page_alloc *a;
	pfn_t last, before;
	uint32_t zone;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	a = replay_alloc(f.replay);
	s.zones = calloc(a->zone_count, sizeof(*s.zones));
	s.sets = calloc((size_t)a->zone_count * CPUS, sizeof(*s.sets));
	assert_true(s.zones && s.sets);
	before = take(&f, e, 1);
	last = take(&f, e, 1);
	release(&f, e, before);
	release(&f, e, last);
	zone = page_alloc_zone_of(replay_alloc(f.replay), last);
	s.sets[(size_t)zone * CPUS] =
		(struct start_set){ .known = true, .count = 9, .batch = 31, .high = 200 };
	assert_true(replay_take_over(f.replay, &s, &report));
	a = replay_alloc(f.replay);
	assert_true(pageset_holds(a, zone, last) && pageset_holds(a, zone, before));
	assert_int_equal(take(&f, e, 1), last);
	assert_int_equal(take(&f, e, 1), before);
	free(s.sets);
	free(s.zones);
	tear_down(&f);
}

/*
 *	model	[ a b c d ... ]		kernel	[ c d ... a b ]
 *
 * Once free pages were told, a kernel that allocates nothing in bulk takes none untold: a and b come later.  Others
 * may have taken them.
 */
static void passed_over(const char *version, bool comes)
{
	static const struct start_range ranges[] = { { 0x1000, 0x6000 } };
	enum { PASSED = 5, LATER = 200 };
	struct event e = request(0, UNMOVABLE);
	struct fixture f;
	struct start_report report;
	struct start s = { .page_count = 128 * MIB / 4096, .free = { ranges, 1 } };
	struct replay_state *kept;
	bool came = false;
	pfn_t first;

	set_up(&f, version, ALLOC_AND_FREE);
	s.zones = calloc(replay_alloc(f.replay)->zone_count, sizeof(*s.zones));
	s.sets = calloc((size_t)replay_alloc(f.replay)->zone_count * CPUS, sizeof(*s.sets));
	assert_true(s.zones && s.sets);
	for (uint32_t i = 0; i < replay_alloc(f.replay)->zone_count * CPUS; i++)
		s.sets[i] = (struct start_set){ .known = true, .batch = 31, .high = 186 };
	kept = replay_save(f.replay);
	assert_non_null(kept);
	assert_true(replay_take_over(f.replay, &s, &report));
	/* What is known is a part of the state. */
	if (comes) {
		struct replay_state *told = replay_save(f.replay);

		assert_non_null(told);
		assert_true(replay_restore(f.replay, kept) && replay_restore(f.replay, told));
		replay_state_destroy(told);
	}
	first = take(&f, e, 1) + 1;
	assert_int_equal(guess(&f, e), first);
	tell(&f, e, first + PASSED);
	for (unsigned int i = 0; i < LATER && !came; i++)
		came = take(&f, e, 1) == first;
	assert_int_equal(came, comes);
	replay_state_destroy(kept);
	free(s.sets);
	free(s.zones);
	tear_down(&f);
}

static void test_nothing_is_taken_untold(void **state)
{
	(void)state;
	passed_over("5.10", true);
	passed_over("6.1", false);
}

/* ---- memory that joins late -------------------------------------------------------------------------- */

/*
 *	1M	 2G	   4G			8G
 *	|  free  |	   | free| pending	|
 */
enum { NORMAL_START = 0x100000, SECTION = 0x8000 };

static void set_up_deferred(struct fixture *f, const char *version, uint32_t kinds)
{
	f->guesses = 0;
	made_boot_init(&f->boot, ARCH_X86_64, version);
	f->boot.in.config.deferred_struct_page = true;
	made_boot_memory(&f->boot, MIB, 2048 * MIB, 0);
	made_boot_memory(&f->boot, 4096 * MIB, 8192 * MIB, 0);
	made_boot_cpus(&f->boot, CPUS, 0);
	boot(f, &f->booted, STAGE_MEM_INIT);
	boot(f, &f->late, STAGE_LATE);
	start_replay(f, kinds);
	assert_int_not_equal(replay_alloc(f->replay)->buddy->pending_count, 0);
}

/* A page of memory that has not joined yet is handed out: so all of it had, before the trace began. */
static void test_memory_had_joined(void **state)
{
	struct fixture f;
	struct event e = request(0, MOVABLE);
	struct page_alloc *a;
	pfn_t pending, expected;

	(void)state;
	set_up_deferred(&f, "6.1", ALLOC_AND_FREE);
	a = replay_alloc(f.replay);
	pending = a->buddy->pending[0].end - 1;
	assert_false(is_free(&f, pending));
	expected = guess(&f, e);
	/* The guess is that of a model that does not know. */
	tell(&f, e, pending);
	assert_int_equal(f.guess, expected);
	/* Coming back from the guess made the model anew. */
	a = replay_alloc(f.replay);
	assert_int_equal(a->buddy->pending_count, 0);
	assert_true(is_free(&f, pending - 1) || is_listed(&f, pending - 1));
	assert_false(is_free(&f, pending) || is_listed(&f, pending));
	/* The page sets have their last sizes. */
	assert_true(page_alloc_set(a, page_alloc_zone_of(a, pending), 1)->batch > 1);
	tear_down(&f);
}

/* Of pages that join one by one some are lost: what follows a page that was taken has not joined yet. */
static void test_what_has_not_joined_is_not_free(void **state)
{
	struct fixture f;
	struct event freed = { .kind = EVENT_FREE, .pid = 19 };
	pfn_t first, second;

	(void)state;
	set_up_deferred(&f, "6.1", 0);
	tell(&f, by_idle(told(EVENT_ZONE_LOCKED, UNMOVABLE)), 0x104);
	first = replay_alloc(f.replay)->buddy->pending[0].start + 4;
	second = first + SECTION + 3;
	tell(&f, freed, first);
	tell(&f, freed, second);
	tell(&f, told(EVENT_ZONE_LOCKED, UNMOVABLE), second);
	tell(&f, told(EVENT_ZONE_LOCKED, UNMOVABLE), first);
	assert_null(replay_check(f.replay));
	assert_false(is_free(&f, first + 1) || is_listed(&f, first + 1));
	tear_down(&f);
}

/*
 * The idle task boots: pages of what is deferred joined because the zone had nothing left, a section at a time.
 * Else a task had the page, or the machine had booted and is idle, or its kernel does not do that: all had joined.
 */
struct first_event {
	const char *version;
	int32_t before, pid; /* before: of another event before it, -1 if it is the first */
	uint8_t context;
	uint64_t sections; /* its page is in the last of so many */
	bool grows;
};

static void first_event_tells(const struct first_event *row)
{
	struct fixture f;
	struct event e = request(0, UNMOVABLE);
	struct page_alloc *a;
	pfn_t page, expected;
	uint64_t left;

	set_up_deferred(&f, row->version, ALLOC_AND_FREE);
	page = replay_alloc(f.replay)->buddy->pending[0].start + (row->sections - 1) * SECTION;
	left = page - NORMAL_START;
	e.pid = row->before;
	if (row->before >= 0)
		release(&f, e, 0);
	e.pid = row->pid;
	e.context = row->context;
	expected = guess(&f, e);
	tell(&f, e, page);
	assert_int_equal(f.guess, expected);
	a = replay_alloc(f.replay);
	assert_false(is_free(&f, page) || is_listed(&f, page));
	assert_true(is_free(&f, page + SECTION - 1));
	assert_int_equal(a->buddy->pending_count, row->grows);
	/* Page sets get their last sizes when all has joined. */
	assert_int_equal(page_alloc_set(a, page_alloc_zone_of(a, page), 1)->batch > 1, !row->grows);
	if (row->grows) {
		assert_int_equal(a->buddy->pending[0].start, page + SECTION);
		assert_false(is_free(&f, page + SECTION));
	}
	/* Where a zone grows, all that was free before is gone: nobody knows where to. */
	for (pfn_t pfn = NORMAL_START; row->grows && pfn < page; pfn++)
		left -= !is_free(&f, pfn) && !is_listed(&f, pfn);
	assert_int_equal(left, row->grows ? 0 : page - NORMAL_START);
	assert_int_equal(replay_stats(f.replay)->silent, row->grows ? page - NORMAL_START : 0);
	tear_down(&f);
}

static void test_a_zone_had_grown(void **state)
{
	static const struct first_event rows[] = {
		{ "6.1", -1, 0, 0, 1, true },
		{ "6.12", -1, 0, EVENT_CONTEXT_TOLD, 3, true },
		{ "7.2", -1, 0, 0, 1, true },
		{ "6.12", 0, 0, 0, 1, true },
		{ "6.12", -1, 1, 0, 3, false },
		{ "6.12", 0, 1, 0, 1, false },
		{ "6.12", 1, 0, 0, 1, false },
		{ "6.12", -1, 0, EVENT_CONTEXT_TOLD | EVENT_CONTEXT_INTERRUPT, 3, false },
		{ "4.16", -1, 1, 0, 3, false },
		{ "4.16", -1, 0, 0, 3, false },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		first_event_tells(&rows[i]);
}

/* ---- traces that lie ---------------------------------------------------------------------------- */

/* The kernel's list has lost its first pages, by what @e got: how many does the model think are gone? */
static uint64_t pass_over(struct fixture *f, struct event e, pfn_t head)
{
	uint64_t before = replay_stats(f->replay)->silent;

	tell(f, e, head + 3);
	return replay_stats(f->replay)->silent - before;
}

/* Where hardly a guess is right, nothing is concluded from a wrong one; where they are right again, it is. */
static void test_lies_cost_little(void **state)
{
	struct fixture f;
	struct event e;
	pfn_t last;

	(void)state;
	set_up(&f, "6.1", ALLOC_AND_FREE);
	e = request(0, UNMOVABLE);
	last = take(&f, e, 4);
	assert_true(pass_over(&f, e, last + 1) >= 3);
	last = take(&f, e, 4);
	for (unsigned int i = 0; i < 4000; i++)
		tell(&f, e, IN_USE_START / 4096 + i * 37 % 2048);
	assert_int_equal(pass_over(&f, e, last + 1), 0);
	tell(&f, e, guess(&f, e));
	last = take(&f, e, 8);
	assert_true(pass_over(&f, e, last + 1) >= 3);
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
		cmocka_unit_test(test_passed_over_block_stays),
		cmocka_unit_test(test_unmovable_pages_of_highmem),
		cmocka_unit_test(test_sizes_when_the_boot_is_over),
		cmocka_unit_test(test_unknown_pages_are_drained),
		cmocka_unit_test(test_unknown_lists_are_drained_in_turns),
		cmocka_unit_test(test_a_known_list_takes_its_turn),
		cmocka_unit_test(test_what_a_drain_passes_over_is_gone),
		cmocka_unit_test(test_what_is_taken_meanwhile_stays_taken),
		cmocka_unit_test(test_what_is_not_drained_stays),
		cmocka_unit_test(test_drains_go_on_from_the_middle),
		cmocka_unit_test(test_drains_of_nodes_that_are_left),
		cmocka_unit_test(test_unaccounted_blocks_come_page_by_page),
		cmocka_unit_test(test_known_pages_are_drained),
		cmocka_unit_test(test_lists_tell_the_type_of_pageblocks),
		cmocka_unit_test(test_pages_tell_the_type_of_pageblocks),
		cmocka_unit_test(test_a_claim_in_another_zone),
		cmocka_unit_test(test_a_claim_before_all),
		cmocka_unit_test(test_a_claim_of_another_block),
		cmocka_unit_test(test_a_claim_amid_a_refill),
		cmocka_unit_test(test_a_claim_for_no_reason),
		cmocka_unit_test(test_pages_that_are_stolen),
		cmocka_unit_test(test_task_keeps_its_page),
		cmocka_unit_test(test_task_keeps_its_frees),
		cmocka_unit_test(test_frees_that_were_used_wait_for_nobody),
		cmocka_unit_test(test_frees_that_waited_lie_above),
		cmocka_unit_test(test_frees_that_did_not_wait_lie_below),
		cmocka_unit_test(test_frees_of_earlier_batches_did_not_wait),
		cmocka_unit_test(test_many_frees_may_have_waited),
		cmocka_unit_test(test_interrupt_frees_past_the_set),
		cmocka_unit_test(test_a_locked_set_is_passed),
		cmocka_unit_test(test_fork_is_seen_early),
		cmocka_unit_test(test_fork_takes_a_stack),
		cmocka_unit_test(test_pages_before),
		cmocka_unit_test(test_pages_before_where_all_is_told),
		cmocka_unit_test(test_passed_over_pages_come_back),
		cmocka_unit_test(test_misses_have_reasons),
		cmocka_unit_test(test_what_counts),
		cmocka_unit_test(test_first_of_a_drain),
		cmocka_unit_test(test_marks_have_sunk),
		cmocka_unit_test(test_counter_behind_the_lists),
		cmocka_unit_test(test_counter_before_the_lists),
		cmocka_unit_test(test_requests_below_the_minimum),
		cmocka_unit_test(test_what_tells_of_lists),
		cmocka_unit_test(test_when_a_trace_begins),
		cmocka_unit_test(test_leftovers_go_to_the_free_lists),
		cmocka_unit_test(test_neighbours_are_freed_together),
		cmocka_unit_test(test_frees_without_end),
		cmocka_unit_test(test_areas_are_activated),
		cmocka_unit_test(test_leftovers_of_areas),
		cmocka_unit_test(test_places_that_were_passed_over),
		cmocka_unit_test(test_drains_tell_types),
		cmocka_unit_test(test_flags_that_contradict),
		cmocka_unit_test(test_page_sets_are_no_distance),
		cmocka_unit_test(test_what_is_told_is_taken_over),
		cmocka_unit_test(test_nothing_is_taken_untold),
		cmocka_unit_test(test_what_was_freed_is_taken_over),
		cmocka_unit_test(test_memory_had_joined),
		cmocka_unit_test(test_what_has_not_joined_is_not_free),
		cmocka_unit_test(test_a_zone_had_grown),
		cmocka_unit_test(test_lies_cost_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
