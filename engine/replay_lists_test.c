/* SPDX-License-Identifier: MIT */
/*
 * What a replay knows of per-CPU lists: of those of before the trace, and of those of which it tells when they are
 * filled and drained.
 */
#include "engine/pageset.h"
#include "engine/replay.h"
#include "engine/testing/rig.h"

/* ---- pages that the model knows nothing of ------------------------------------------------------- */

/*
 *	model	list [ h ... ]		kernel	list [ x x+1 x+2 h ... ]
 */
static void test_unknown_pages_ascend(void **state)
{
	struct rig f;
	struct event e;
	pfn_t known, pages;

	(void)state;
	rig_set_up(&f, "6.1", RIG_ALLOC_AND_FREE);
	e = rig_request(0, MOVABLE);
	rig_take(&f, e, 8);
	known = rig_guess(&f, e);
	pages = rig_page_in_use();
	rig_tell(&f, e, pages);
	assert_int_equal(rig_guess(&f, e), pages + 1);
	rig_tell(&f, e, pages + 1);
	assert_int_equal(rig_guess(&f, e), pages + 2);
	/* They are over: what the list was thought to be is there. */
	rig_tell(&f, e, known);
	assert_int_equal(rig_guess(&f, e), known + 1);
	rig_tear_down(&f);
}

static void test_unknown_pages_descend(void **state)
{
	struct rig f;
	struct event e;
	pfn_t pages;

	(void)state;
	rig_set_up(&f, "6.1", RIG_ALLOC_AND_FREE);
	e = rig_request(0, MOVABLE);
	rig_take(&f, e, 8);
	pages = rig_page_in_use() + 8;
	rig_tell(&f, e, pages);
	rig_tell(&f, e, pages - 2);
	assert_int_equal(rig_guess(&f, e), pages - 4);
	rig_tear_down(&f);
}

/* What is freed goes on top of them, and they are below it when it is gone. */
static void test_known_pages_above_unknown(void **state)
{
	struct rig f;
	struct event e = rig_request(0, MOVABLE);
	const pfn_t freed = 0x1000, pages = 0x4000;

	(void)state;
	rig_set_up(&f, "6.1", RIG_ALLOC_AND_FREE);
	rig_begin_late(&f, 0x5000, 0x7000);
	rig_release(&f, e, freed);
	assert_int_equal(rig_guess(&f, e), freed);
	rig_tell(&f, e, pages);
	assert_int_equal(rig_guess(&f, e), pages + 1);
	rig_release(&f, e, freed + 8);
	assert_int_equal(rig_guess(&f, e), freed + 8);
	rig_tell(&f, e, freed + 8);
	assert_int_equal(rig_guess(&f, e), pages + 1);
	/* What they lay above comes: they are over, even if it is freed again. */
	rig_tell(&f, e, freed);
	rig_release(&f, e, freed);
	assert_int_equal(rig_guess(&f, e), freed);
	rig_tear_down(&f);
}

/* Another CPU's list is not concerned. */
static void test_unknown_pages_of_one_cpu(void **state)
{
	struct rig f;
	struct event e;
	pfn_t other;

	(void)state;
	rig_set_up(&f, "6.1", RIG_ALLOC_AND_FREE);
	e = rig_request(0, MOVABLE);
	rig_take(&f, rig_request(1, MOVABLE), 1);
	rig_take(&f, e, 8);
	other = rig_guess(&f, rig_request(1, MOVABLE));
	rig_tell(&f, e, rig_page_in_use());
	assert_int_equal(rig_guess(&f, rig_request(1, MOVABLE)), other);
	rig_tear_down(&f);
}

/*
 *	model	free [ s ]  [ a b ... ]		the list is filled from a on, time and again
 */
static void test_spared_block_is_gone(void **state)
{
	struct rig f;
	struct event e = rig_request(0, MOVABLE),
		     block = { .kind = EVENT_FREE, .pid = 1, .order = 8 };
	const pfn_t spared = 0x1000, taken = 0x5000;
	unsigned int misses = 0;

	(void)state;
	rig_set_up(&f, "6.1", RIG_ALLOC_AND_FREE);
	rig_begin_late(&f, 0x5000, 0x7000);
	rig_tell(&f, block, spared);
	assert_int_equal(rig_guess(&f, e), spared);
	for (unsigned int i = 0; i < 4096; i++) {
		rig_tell(&f, e, taken + i);
		misses += i > 1024 && f.guess == spared;
	}
	assert_int_equal(misses, 0);
	rig_tear_down(&f);
}

/* ---- traces that tell when lists are filled and drained ------------------------------------------ */

/* The same where the trace tells of it: each of a list's fills is an event. */
static void test_spared_block_is_gone_when_told(void **state)
{
	struct rig f;
	struct event e = rig_event(EVENT_ZONE_LOCKED, MOVABLE),
		     block = { .kind = EVENT_FREE, .pid = 1, .order = 8 };
	const pfn_t spared = 0x1000, taken = 0x5000;
	unsigned int wrong = 0;

	(void)state;
	rig_set_up(&f, "6.1", 0);
	rig_begin_late(&f, 0x5000, 0x7000);
	rig_tell(&f, block, spared);
	assert_int_equal(rig_guess(&f, e), spared);
	for (unsigned int i = 0; i < 4096; i += 8) {
		for (unsigned int k = 0; k < 8; k++) {
			rig_tell(&f, e, taken + i + k);
			wrong += i > 2048 && f.guess == spared;
		}
		for (unsigned int k = 0; k < 8; k++)
			rig_tell(&f, rig_request(0, MOVABLE), taken + i + k);
	}
	assert_int_equal(wrong, 0);
	rig_tear_down(&f);
}

/*
 * Where all is told since the boot, nothing goes without an event once a list was filled: a block that was not
 * taken first is still there.
 */
static void test_passed_over_block_stays(void **state)
{
	struct event e = rig_by_idle(rig_event(EVENT_ZONE_LOCKED, UNMOVABLE));
	const pfn_t first = rig_page_in_use(), second = first + 2;
	struct rig f;

	(void)state;
	for (unsigned int fills = 0; fills < 2; fills++) {
		rig_set_up(&f, "6.1", 0);
		for (unsigned int i = 0; i < fills; i++) {
			rig_tell(&f, e, rig_guess(&f, e));
			rig_tell(&f, rig_request(0, UNMOVABLE), f.guess);
		}
		rig_tell(&f, rig_by_idle(rig_event(EVENT_PCPU_DRAIN, UNMOVABLE)), second);
		rig_tell(&f, rig_by_idle(rig_event(EVENT_PCPU_DRAIN, UNMOVABLE)), first);
		assert_int_equal(rig_guess(&f, e), first);
		rig_tell(&f, e, second);
		assert_int_equal(rig_guess(&f, e) == first, fills);
		rig_tear_down(&f);
	}
}

static bool is_highmem(const struct rig *f, pfn_t pfn)
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
	struct event e = rig_event(EVENT_ZONE_LOCKED, UNMOVABLE);
	struct rig f = { .guesses = 0 };

	(void)state;
	made_boot_init(&f.boot, ARCH_I386, "6.1");
	made_boot_memory(&f.boot, RIG_MIB, 1200 * RIG_MIB, -1);
	made_boot_cpus(&f.boot, RIG_CPUS, 0);
	rig_boot(&f);
	rig_start(&f, 0);
	/* With nothing on any list it is for the kernel itself, as most are.  Lists hold more than one page later. */
	rig_tell(&f, e, rig_guess(&f, e));
	rig_tell(&f, rig_request(0, UNMOVABLE), f.guess);
	rig_tell(&f, rig_event(EVENT_MARKER, 0), 0);
	for (unsigned int i = 0; i < RIG_FILLED; i++) {
		assert_false(is_highmem(&f, rig_guess(&f, e)));
		rig_tell(&f, e, f.guess);
	}
	rig_take(&f, rig_request(0, UNMOVABLE), 1);
	for (unsigned int i = 0; i < 200; i++) {
		pfn_t pfn = rig_guess(&f, e);

		assert_true(is_highmem(&f, pfn));
		rig_tell(&f, e, pfn);
	}
	rig_tear_down(&f);
}

/* Programs write markers: page sets and watermarks are what they are after the boot, if the trace tells of lists. */
static void test_sizes_when_the_boot_is_over(void **state)
{
	struct rig f;
	struct event marker = { .kind = EVENT_MARKER, .pid = 1 };

	(void)state;
	for (unsigned int tells = 0; tells < 2; tells++) {
		const struct page_alloc *a;
		const struct zone *z;

		rig_set_up(&f, "6.12", 0);
		a = replay_alloc(f.replay);
		z = &f.late.nodes[0].zones[a->buddy->zones[0].type];
		if (tells)
			rig_tell(&f, rig_by_idle(rig_event(EVENT_ZONE_LOCKED, UNMOVABLE)),
				 rig_page_in_use());
		assert_false(replay_sizes_unseen(f.replay));
		assert_int_equal(a->zones[0].watermark[WMARK_LOW], 0);
		replay_event(f.replay, &marker);
		assert_int_equal(replay_sizes_unseen(f.replay), !tells);
		assert_int_equal(a->zones[0].watermark[WMARK_LOW],
				 tells ? z->watermark[WMARK_LOW] : 0);
		assert_int_equal(a->sets[0].high_max == z->high_max, tells);
		rig_tear_down(&f);
	}
}

/* Of a list that the model does not know the pages come in some order, too. */
static void test_unknown_pages_are_drained(void **state)
{
	struct rig f;
	struct event e = rig_event(EVENT_PCPU_DRAIN, MOVABLE);
	const pfn_t first = 0x2000;

	(void)state;
	rig_set_up(&f, "6.1", 0);
	rig_begin_late(&f, 0x5000, 0x7000);
	rig_tell(&f, e, first);
	assert_int_equal(rig_guess(&f, e), first + 1);
	rig_tell(&f, e, first - 2);
	assert_int_equal(rig_guess(&f, e), first - 4);
	/* From elsewhere on, as they came before. */
	rig_tell(&f, e, first + 512);
	assert_int_equal(rig_guess(&f, e), first + 510);
	/* One that someone has is not drained. */
	rig_tell(&f, rig_request(0, MOVABLE), first + 508);
	rig_tell(&f, e, first + 510);
	assert_int_not_equal(rig_guess(&f, e), first + 508);
	rig_tear_down(&f);
}

/* A drain that was expected says that the lists are known again. */
static void test_known_pages_are_drained(void **state)
{
	struct rig f;
	struct event drain = rig_event(EVENT_PCPU_DRAIN, MOVABLE);
	struct pageset *set;
	struct page_alloc *a;
	const pfn_t freed = 0x1000, unknown = 0x2000;
	pfn_t pfn;

	(void)state;
	rig_set_up(&f, "6.1", 0);
	rig_begin_late(&f, 0x5000, 0x7000);
	rig_tell(&f, rig_event(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
	rig_tell(&f, rig_request(0, MOVABLE), 0x5000);
	rig_tell(&f, drain, unknown);
	assert_int_equal(rig_guess(&f, drain), unknown + 1);
	a = replay_alloc(f.replay);
	set = page_alloc_set(a, page_alloc_zone_of(a, freed), 0);
	for (unsigned int i = 0; i < 8; i++)
		rig_release(&f, rig_request(0, MOVABLE), freed + 16ULL * i);
	set->high = set->high_min = set->high_max = set->count;
	rig_release(&f, rig_request(0, MOVABLE), freed + 0x80);
	pfn = rig_guess(&f, drain);
	assert_true(pfn >= freed && pfn <= freed + 0x80);
	for (unsigned int i = 0; i < 9 && pfn >= freed && pfn <= freed + 0x80; i++) {
		rig_tell(&f, drain, pfn);
		assert_int_equal(f.miss, REPLAY_HIT);
		pfn = rig_guess(&f, drain);
		assert_int_not_equal(pfn, unknown + 1);
	}
	rig_tear_down(&f);
}

/*
 * Lists that are not known are drained in turns, of those that empty ones follow on more than one page at a time:
 *
 *	unmovable a, movable m n, unmovable b, movable o p, ...
 */
static void test_unknown_lists_are_drained_in_turns(void **state)
{
	const pfn_t unmovable = 0x2000, movable = 0x3000;
	struct rig f;
	unsigned int right = 0, alone = 0;

	(void)state;
	rig_set_up(&f, "5.10", 0);
	rig_begin_late(&f, 0x5000, 0x7000);
	for (unsigned int i = 0; i < 8; i++) {
		rig_tell(&f, rig_event(EVENT_PCPU_DRAIN, UNMOVABLE), unmovable + i);
		right += f.miss == REPLAY_HIT;
		rig_tell(&f, rig_event(EVENT_PCPU_DRAIN, MOVABLE), movable - 2ULL * i);
		right += f.miss == REPLAY_HIT;
		rig_tell(&f, rig_event(EVENT_PCPU_DRAIN, MOVABLE), movable - 2ULL * i - 1);
		right += f.miss == REPLAY_HIT;
	}
	/* What follows on what shows in the first two rounds. */
	assert_in_range(right, 18, 24);
	/* When one list is empty, the other goes on alone. */
	for (unsigned int i = 0; i < 8; i++) {
		rig_tell(&f, rig_event(EVENT_PCPU_DRAIN, UNMOVABLE), unmovable + 8 + i);
		alone += f.miss == REPLAY_HIT;
	}
	assert_in_range(alone, 7, 8);
	rig_tear_down(&f);
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
	struct event drain[] = { [UNMOVABLE] = rig_event(EVENT_PCPU_DRAIN, UNMOVABLE),
				 [MOVABLE] = rig_event(EVENT_PCPU_DRAIN, MOVABLE) };
	struct rig f;
	unsigned int right = 0;

	(void)state;
	rig_set_up(&f, "5.10", 0);
	rig_begin_late(&f, 0x5000, 0x7000);
	rig_tell(&f, rig_event(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
	rig_tell(&f, rig_request(0, MOVABLE), 0x5000);
	rig_tell(&f, drain[MOVABLE], 0x2800);
	for (unsigned int i = 0; i < KNOWN; i++)
		rig_release(&f, rig_request(0, MOVABLE), movable + 16ULL * i);
	for (unsigned int i = 0; i < KNOWN; i++) {
		rig_tell(&f, drain[UNMOVABLE], unmovable + i);
		right += f.miss == REPLAY_HIT;
		rig_tell(&f, drain[MOVABLE], movable + 16ULL * i);
		right += f.miss == REPLAY_HIT;
	}
	assert_in_range(right, 2 * KNOWN - 5, 2 * KNOWN);
	rig_tear_down(&f);
}

enum { FULL = 32 };

/* A page set to which that many movable pages were freed, the last one more than it holds. */
static void begin_full(struct rig *f, const char *version, pfn_t freed[FULL])
{
	struct page_alloc *a;
	struct pageset *set;

	rig_set_up(f, version, 0);
	rig_begin_late(f, 0x5000, 0x7000);
	rig_tell(f, rig_event(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
	rig_tell(f, rig_request(0, MOVABLE), 0x5000);
	rig_tell(f, rig_event(EVENT_PCPU_DRAIN, MOVABLE), 0x2000);
	for (unsigned int i = 0; i < FULL; i++)
		freed[i] = i < 2 ? 0x1000 + i : 0x1010 + 2ULL * i;
	for (unsigned int i = 0; i + 1 < FULL; i++)
		rig_release(f, rig_request(0, MOVABLE), freed[i]);
	/* They are carried out before something else happens. */
	rig_tell(f, rig_request(0, UNMOVABLE), 0x5001);
	a = replay_alloc(f->replay);
	set = page_alloc_set(a, page_alloc_zone_of(a, freed[0]), 0);
	assert_int_equal(set->lists[pageset_list(a, 0, MIGRATE_MOVABLE)].count, FULL - 1);
	set->high = set->high_min = set->high_max = set->count;
	rig_release(f, rig_request(0, MOVABLE), freed[FULL - 1]);
}

/*
 * A list is drained from its tail, so what lies behind a page that is drained is not there:
 *
 *	head [ ... e d c b a ] tail	drained: a, c, d ...	b was taken untold, and a lies behind c, d ... now
 */
static void test_what_a_drain_passes_over_is_gone(void **state)
{
	pfn_t freed[FULL];
	struct rig f;
	struct event drain = rig_event(EVENT_PCPU_DRAIN, MOVABLE);
	struct page_alloc *a;
	struct buddy_block block;
	uint64_t silent;
	uint32_t zone;

	(void)state;
	begin_full(&f, "6.1", freed);
	silent = replay_stats(f.replay)->silent;
	assert_int_equal(rig_guess(&f, drain), freed[0]);
	rig_tell(&f, drain, freed[0]);
	assert_int_equal(rig_guess(&f, drain), freed[1]);
	rig_tell(&f, drain, freed[2]);
	assert_int_equal(f.miss, REPLAY_MISS_UNASKED);
	for (unsigned int i = 3; i < 5; i++) {
		rig_tell(&f, drain, freed[i]);
		assert_int_equal(f.miss, REPLAY_HIT);
	}
	a = replay_alloc(f.replay);
	zone = page_alloc_zone_of(a, freed[0]);
	assert_false(pageset_holds(a, zone, freed[1]) ||
		     buddy_find(a->buddy, zone, freed[1], &block));
	assert_int_equal(replay_stats(f.replay)->silent, silent + 1);
	assert_int_not_equal(rig_guess(&f, rig_event(EVENT_ZONE_LOCKED, MOVABLE)), freed[0]);
	rig_tear_down(&f);
}

/* What another CPU got of it meanwhile is not freed with the others. */
static void test_what_is_taken_meanwhile_stays_taken(void **state)
{
	struct event drain = rig_event(EVENT_PCPU_DRAIN, MOVABLE), other = rig_request(0, MOVABLE);
	struct buddy_block block;
	struct page_alloc *a;
	struct rig f;
	pfn_t freed[FULL];

	(void)state;
	begin_full(&f, "6.1", freed);
	other.cpu = 1;
	other.pid++;
	rig_tell(&f, drain, freed[0]);
	rig_tell(&f, other, freed[5]);
	rig_tell(&f, drain, freed[2]);
	a = replay_alloc(f.replay);
	assert_false(buddy_find(a->buddy, page_alloc_zone_of(a, freed[5]), freed[5], &block));
	assert_null(replay_check(f.replay));
	rig_tear_down(&f);
}

/* What is not drained after all lies on the list where it lay, whatever its pageblock is by now. */
static void test_what_is_not_drained_stays(void **state)
{
	struct rig f;
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
	rig_tell(&f, rig_request(0, UNMOVABLE), 0x5002);
	rig_tell(&f, rig_request(0, UNMOVABLE), 0x5003);
	a = replay_alloc(f.replay);
	assert_true(pageset_find(a, page_alloc_set(a, zone, 0), freed[0], &index, &depth));
	assert_int_equal(index, pageset_list(a, 0, MIGRATE_MOVABLE));
	rig_tear_down(&f);
}

/*
 *	list [ e d c b a ]	drained: c, so a and b are not there, and d is next
 */
static void test_drains_go_on_from_the_middle(void **state)
{
	struct rig f;
	struct event e = rig_event(EVENT_PCPU_DRAIN, MOVABLE);
	const pfn_t first = 0x5000;

	(void)state;
	rig_set_up(&f, "6.1", 0);
	rig_begin_late(&f, 0x5000, 0x7000);
	rig_tell(&f, e, 0x2000);
	for (pfn_t pfn = first; pfn < first + 5; pfn++) {
		rig_tell(&f, rig_request(0, MOVABLE), pfn);
		rig_release(&f, rig_request(0, MOVABLE), pfn);
	}
	rig_tell(&f, e, first + 2);
	assert_int_equal(rig_guess(&f, e), first + 3);
	rig_tell(&f, e, first + 3);
	assert_int_equal(f.miss, REPLAY_HIT);
	rig_tell(&f, e, first + 4);
	assert_int_equal(f.miss, REPLAY_HIT);
	rig_tear_down(&f);
}

/*
 * Unforeseen, a CPU drains what it has of a node that it has left: of nodes 0, its own, and 1 it has pages of both.
 */
static void test_drains_of_nodes_that_are_left(void **state)
{
	struct event drain = rig_event(EVENT_PCPU_DRAIN, MOVABLE);
	const pfn_t own = 0x1000, other = 0x9000;
	struct rig f = { .guesses = 0 };

	(void)state;
	made_boot_init(&f.boot, ARCH_X86_64, "6.1");
	made_boot_memory(&f.boot, RIG_MIB, 128 * RIG_MIB, 0);
	made_boot_memory(&f.boot, 128 * RIG_MIB, 256 * RIG_MIB, 1);
	made_boot_cpus(&f.boot, RIG_CPUS, 0);
	rig_boot(&f);
	rig_start(&f, 0);
	rig_begin_late(&f, 0x4000, 0x6000);
	rig_tell(&f, drain, 0x2000);
	rig_release(&f, rig_request(0, UNMOVABLE), own);
	rig_release(&f, rig_request(0, UNMOVABLE), other);
	rig_tell(&f, rig_request(0, UNMOVABLE), own + 2);
	assert_int_equal(rig_guess(&f, drain), other);
	/* What it had a page of just now it has not left. */
	rig_tell(&f, rig_request(0, UNMOVABLE), other + 2);
	assert_int_equal(rig_guess(&f, drain), own);
	rig_tear_down(&f);
}

/*
 *	in use by all accounts [ 0 1 2 3 4 5 6 7 ]	taken: 0, so 1 may be next, and so on
 */
static void test_unaccounted_blocks_come_page_by_page(void **state)
{
	struct rig f;
	struct event e = rig_event(EVENT_ZONE_LOCKED, MOVABLE);
	const pfn_t block = 0x2100;

	(void)state;
	rig_set_up(&f, "6.1", 0);
	rig_begin_late(&f, 0x5000, 0x7000);
	rig_tell(&f, e, block + 0x21);
	rig_tell(&f, rig_request(0, MOVABLE), block + 6);
	rig_tell(&f, e, block);
	for (pfn_t pfn = block + 1; pfn < block + 4; pfn++) {
		assert_int_equal(rig_guess(&f, e), pfn);
		rig_tell(&f, e, pfn);
	}
	/* Someone has one of those that would follow. */
	assert_int_not_equal(rig_guess(&f, e), block + 4);
	rig_tear_down(&f);

	rig_set_up(&f, "6.1", 0);
	rig_begin_late(&f, 0x5000, 0x7000);
	/* The first of no block but its own. */
	rig_tell(&f, e, block + 1);
	assert_int_not_equal(rig_guess(&f, e), block + 2);
	rig_tell(&f, e, block + 4);
	assert_int_equal(rig_guess(&f, e), block + 5);
	/* It was alone. */
	rig_tell(&f, e, block + 0x11);
	assert_int_not_equal(rig_guess(&f, e), block + 5);
	assert_false(rig_is_free(&f, block + 5) || rig_is_free(&f, block + 7));
	rig_tear_down(&f);
}

/* A page that was on the list of a type lies in a pageblock of that type, unless an event tells of a theft. */
static void test_lists_tell_the_type_of_pageblocks(void **state)
{
	struct rig f;
	struct event e = rig_event(EVENT_ZONE_LOCKED, UNMOVABLE);
	const pfn_t page = rig_page_in_use();

	(void)state;
	rig_set_up(&f, "6.1", 0);
	assert_int_equal(rig_block_type(&f, page), MIGRATE_MOVABLE);
	rig_tell(&f, e, page);
	assert_int_equal(rig_block_type(&f, page), MIGRATE_UNMOVABLE);
	rig_tear_down(&f);
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
	struct rig f;

	(void)state;
	rig_set_up(&f, "6.1", RIG_ALLOC_AND_FREE);
	rig_begin_late(&f, 0x5000, 0x7000);
	a = replay_alloc(f.replay);
	buddy_set_block_type(a->buddy, page_alloc_zone_of(a, own), own, MIGRATE_UNMOVABLE);
	rig_tell(&f, block, own);
	rig_tell(&f, rig_request(0, MOVABLE), page);
	assert_int_equal(rig_block_type(&f, page), MIGRATE_MOVABLE);
	assert_int_equal(rig_guess(&f, rig_request(0, UNMOVABLE)), own);
	rig_tell(&f, rig_request(0, UNMOVABLE), page + 0x10);
	assert_int_equal(f.miss, REPLAY_MISS_SPLIT);
	assert_int_equal(rig_block_type(&f, page), MIGRATE_UNMOVABLE);
	rig_tear_down(&f);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
