/* SPDX-License-Identifier: MIT */
/*
 * Where a replay does not begin with the boot, or not with all of its memory.
 */
#include <stdlib.h>

#include "engine/pageset.h"
#include "engine/replay.h"
#include "engine/testing/rig.h"

/* ---- a state that is told ---------------------------------------------------------------------------- */

/*
 *	told	[ free 0x2000 ... 0x2010 ]	else in use
 *	events	0x2004 was handed out, 0x3000 freed, while it was told
 */
static void take_over(bool watched)
{
	static const struct start_range ranges[] = { { 0x2000, 0x2010 } };
	struct rig f;
	struct start_report report;
	struct start s = { .page_count = 128 * RIG_MIB / 4096, .free = { ranges, 1 } };
	struct page_alloc *a;

	rig_set_up(&f, "6.1", 0);
	a = replay_alloc(f.replay);
	s.zones = calloc(a->zone_count, sizeof(*s.zones));
	s.sets = calloc((size_t)a->zone_count * RIG_CPUS, sizeof(*s.sets));
	assert_true(s.zones && s.sets);
	rig_tell(&f, rig_request(0, MOVABLE), 0x5000);
	rig_tell(&f, rig_event(EVENT_ZONE_LOCKED, MOVABLE), 0x5001);
	if (watched)
		replay_watch_changes(f.replay);
	rig_tell(&f, rig_request(0, MOVABLE), 0x2004);
	rig_tell(&f, rig_event(EVENT_PCPU_DRAIN, MOVABLE), 0x3000);
	/* Only two of the pages of which the two think otherwise have changed. */
	assert_true(replay_distance(f.replay, &s) > 0x1000);
	assert_true(replay_take_over(f.replay, &s, &report));
	assert_int_equal(replay_distance(f.replay, &s), 0);
	assert_false(replay_begins_late(f.replay) != replay_tells(f.replay));
	assert_int_equal(rig_is_free(&f, 0x2004), !watched);
	assert_int_equal(rig_is_free(&f, 0x3000), watched);
	assert_true(rig_is_free(&f, 0x2003) && rig_is_free(&f, 0x200f));
	assert_false(rig_is_free(&f, 0x2010) || rig_is_free(&f, 0x5001));
	assert_int_equal(report.pages, 0x10);
	/* Once it is over, changes are not remembered any more. */
	rig_tell(&f, rig_request(0, MOVABLE), 0x2005);
	assert_false(rig_is_free(&f, 0x2005));
	replay_watch_changes(f.replay);
	assert_true(replay_take_over(f.replay, &s, &report));
	assert_true(rig_is_free(&f, 0x2005) && rig_is_free(&f, 0x2004));
	free(s.sets);
	free(s.zones);
	rig_tear_down(&f);
}

/*
 * Whether a page lies on a page set or is free is not known well where nothing tells of drains: then it does not matter
 * for how far the two are apart if a page that the model has @listed, or drained, is free.
 */
static void picture_of_a_page(uint32_t kinds, bool listed)
{
	struct event e = rig_request(0, MOVABLE);
	struct start_range range;
	struct start s = { .page_count = 128 * RIG_MIB / 4096, .free = { &range, 1 } };
	struct rig f;
	uint64_t before;

	rig_set_up(&f, "6.1", kinds);
	if (kinds) {
		/* Early in a boot page sets hold nothing. */
		if (listed)
			rig_begin_late(&f, 0x5000, 0x7000);
		range.start = rig_take(&f, e, 1);
		rig_release(&f, e, range.start);
	} else {
		range.start = rig_fill(&f, MOVABLE) + 1;
	}
	assert_int_equal(rig_is_free(&f, range.start), !listed);
	range.end = range.start;
	before = replay_distance(f.replay, &s);
	range.end++;
	assert_int_equal(replay_distance(f.replay, &s), before + !kinds);
	rig_tear_down(&f);
}

static void test_page_sets_are_no_distance(void **state)
{
	(void)state;
	picture_of_a_page(RIG_ALLOC_AND_FREE, true);
	picture_of_a_page(RIG_ALLOC_AND_FREE, false);
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
	struct event e = rig_request(0, MOVABLE);
	struct rig f;
	struct start_report report;
	struct start s = { .page_count = 128 * RIG_MIB / 4096, .free = { ranges, 1 } };
	struct page_alloc *a;
	pfn_t last, before;
	uint32_t zone;

	(void)state;
	rig_set_up(&f, "6.1", RIG_ALLOC_AND_FREE);
	a = replay_alloc(f.replay);
	s.zones = calloc(a->zone_count, sizeof(*s.zones));
	s.sets = calloc((size_t)a->zone_count * RIG_CPUS, sizeof(*s.sets));
	assert_true(s.zones && s.sets);
	before = rig_take(&f, e, 1);
	last = rig_take(&f, e, 1);
	rig_release(&f, e, before);
	rig_release(&f, e, last);
	zone = page_alloc_zone_of(replay_alloc(f.replay), last);
	s.sets[(size_t)zone * RIG_CPUS] =
		(struct start_set){ .known = true, .count = 9, .batch = 31, .high = 200 };
	assert_true(replay_take_over(f.replay, &s, &report));
	a = replay_alloc(f.replay);
	assert_true(pageset_holds(a, zone, last) && pageset_holds(a, zone, before));
	assert_int_equal(rig_take(&f, e, 1), last);
	assert_int_equal(rig_take(&f, e, 1), before);
	free(s.sets);
	free(s.zones);
	rig_tear_down(&f);
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
	struct event e = rig_request(0, UNMOVABLE);
	struct rig f;
	struct start_report report;
	struct start s = { .page_count = 128 * RIG_MIB / 4096, .free = { ranges, 1 } };
	struct replay_state *kept;
	bool came = false;
	pfn_t first;

	rig_set_up(&f, version, RIG_ALLOC_AND_FREE);
	s.zones = calloc(replay_alloc(f.replay)->zone_count, sizeof(*s.zones));
	s.sets = calloc((size_t)replay_alloc(f.replay)->zone_count * RIG_CPUS, sizeof(*s.sets));
	assert_true(s.zones && s.sets);
	for (uint32_t i = 0; i < replay_alloc(f.replay)->zone_count * RIG_CPUS; i++)
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
	first = rig_take(&f, e, 1) + 1;
	assert_int_equal(rig_guess(&f, e), first);
	rig_tell(&f, e, first + PASSED);
	for (unsigned int i = 0; i < LATER && !came; i++)
		came = rig_take(&f, e, 1) == first;
	assert_int_equal(came, comes);
	replay_state_destroy(kept);
	free(s.sets);
	free(s.zones);
	rig_tear_down(&f);
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

static void set_up_deferred(struct rig *f, const char *version, uint32_t kinds)
{
	f->guesses = 0;
	made_boot_init(&f->boot, ARCH_X86_64, version);
	f->boot.in.config.deferred_struct_page = true;
	made_boot_memory(&f->boot, RIG_MIB, 2048 * RIG_MIB, 0);
	made_boot_memory(&f->boot, 4096 * RIG_MIB, 8192 * RIG_MIB, 0);
	made_boot_cpus(&f->boot, RIG_CPUS, 0);
	rig_boot(f);
	rig_start(f, kinds);
	assert_int_not_equal(replay_alloc(f->replay)->buddy->pending_count, 0);
}

/* A page of memory that has not joined yet is handed out: so all of it had, before the trace began. */
static void test_memory_had_joined(void **state)
{
	struct rig f;
	struct event e = rig_request(0, MOVABLE);
	struct page_alloc *a;
	pfn_t pending, expected;

	(void)state;
	set_up_deferred(&f, "6.1", RIG_ALLOC_AND_FREE);
	a = replay_alloc(f.replay);
	pending = a->buddy->pending[0].end - 1;
	assert_false(rig_is_free(&f, pending));
	expected = rig_guess(&f, e);
	/* The guess is that of a model that does not know. */
	rig_tell(&f, e, pending);
	assert_int_equal(f.guess, expected);
	/* Coming back from the guess made the model anew. */
	a = replay_alloc(f.replay);
	assert_int_equal(a->buddy->pending_count, 0);
	assert_true(rig_is_free(&f, pending - 1) || rig_is_listed(&f, pending - 1));
	assert_false(rig_is_free(&f, pending) || rig_is_listed(&f, pending));
	/* The page sets have their last sizes. */
	assert_true(page_alloc_set(a, page_alloc_zone_of(a, pending), 1)->batch > 1);
	rig_tear_down(&f);
}

/* Of pages that join one by one some are lost: what follows a page that was taken has not joined yet. */
static void test_what_has_not_joined_is_not_free(void **state)
{
	struct rig f;
	struct event freed = { .kind = EVENT_FREE, .pid = 19 };
	pfn_t first, second;

	(void)state;
	set_up_deferred(&f, "6.1", 0);
	rig_tell(&f, rig_by_idle(rig_event(EVENT_ZONE_LOCKED, UNMOVABLE)), 0x104);
	first = replay_alloc(f.replay)->buddy->pending[0].start + 4;
	second = first + SECTION + 3;
	rig_tell(&f, freed, first);
	rig_tell(&f, freed, second);
	rig_tell(&f, rig_event(EVENT_ZONE_LOCKED, UNMOVABLE), second);
	rig_tell(&f, rig_event(EVENT_ZONE_LOCKED, UNMOVABLE), first);
	assert_null(replay_check(f.replay));
	assert_false(rig_is_free(&f, first + 1) || rig_is_listed(&f, first + 1));
	rig_tear_down(&f);
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
	struct rig f;
	struct event e = rig_request(0, UNMOVABLE);
	struct page_alloc *a;
	pfn_t page, expected;
	uint64_t left;

	set_up_deferred(&f, row->version, RIG_ALLOC_AND_FREE);
	page = replay_alloc(f.replay)->buddy->pending[0].start + (row->sections - 1) * SECTION;
	left = page - NORMAL_START;
	e.pid = row->before;
	if (row->before >= 0)
		rig_release(&f, e, 0);
	e.pid = row->pid;
	e.context = row->context;
	expected = rig_guess(&f, e);
	rig_tell(&f, e, page);
	assert_int_equal(f.guess, expected);
	a = replay_alloc(f.replay);
	assert_false(rig_is_free(&f, page) || rig_is_listed(&f, page));
	assert_true(rig_is_free(&f, page + SECTION - 1));
	assert_int_equal(a->buddy->pending_count, row->grows);
	/* Page sets get their last sizes when all has joined. */
	assert_int_equal(page_alloc_set(a, page_alloc_zone_of(a, page), 1)->batch > 1, !row->grows);
	if (row->grows) {
		assert_int_equal(a->buddy->pending[0].start, page + SECTION);
		assert_false(rig_is_free(&f, page + SECTION));
	}
	/* Where a zone grows, all that was free before is gone: nobody knows where to. */
	for (pfn_t pfn = NORMAL_START; row->grows && pfn < page; pfn++)
		left -= !rig_is_free(&f, pfn) && !rig_is_listed(&f, pfn);
	assert_int_equal(left, row->grows ? 0 : page - NORMAL_START);
	assert_int_equal(replay_stats(f.replay)->silent, row->grows ? page - NORMAL_START : 0);
	rig_tear_down(&f);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_sets_are_no_distance),
		cmocka_unit_test(test_what_is_told_is_taken_over),
		cmocka_unit_test(test_nothing_is_taken_untold),
		cmocka_unit_test(test_what_was_freed_is_taken_over),
		cmocka_unit_test(test_memory_had_joined),
		cmocka_unit_test(test_what_has_not_joined_is_not_free),
		cmocka_unit_test(test_a_zone_had_grown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
