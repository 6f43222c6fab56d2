/* SPDX-License-Identifier: MIT */
/*
 * The rest of the rules by which a replay corrects itself, one by one.
 */
#include "engine/replay.h"
#include "engine/testing/rig.h"

/* ---- what is known of a page ----------------------------------------------------------------------- */

static void expect_miss(struct rig *f, struct event e, pfn_t pfn, enum replay_miss miss)
{
	const struct replay_stats *s = replay_stats(f->replay);
	uint64_t before = s->misses[e.kind][miss], right = s->right[e.kind];

	rig_tell(f, e, pfn);
	assert_int_equal(f->miss, miss);
	assert_int_equal(s->misses[e.kind][miss], before + 1);
	assert_int_equal(s->right[e.kind], right + (miss == REPLAY_HIT));
	/* Whoever has it now, no list does. */
	assert_false(rig_is_listed(f, pfn) || rig_is_free(f, pfn));
}

/*
 *	lists	CPU 0: movable [ 0x1030 0x1020 0x1010 0x1000 ] unmovable [ other ... ]	CPU 1: [ 0x1800 ]
 */
static void test_misses_have_reasons(void **state)
{
	struct rig f;
	struct event e = rig_request(0, MOVABLE), low = rig_request(0, UNMOVABLE);
	pfn_t other;

	(void)state;
	rig_set_up(&f, "6.1", RIG_ALLOC_AND_FREE);
	rig_begin_late(&f, 0x5000, 0x7000);
	other = rig_take(&f, low, 1) + 1;
	assert_int_equal(rig_guess(&f, low), other);
	for (unsigned int i = 0; i < 4; i++)
		rig_release(&f, e, 0x1000 + 16ULL * i);
	rig_release(&f, rig_request(1, MOVABLE), 0x1800);
	expect_miss(&f, e, 0x1030, REPLAY_HIT);
	assert_int_equal(f.zone, page_alloc_zone_of(replay_alloc(f.replay), 0x1030));
	expect_miss(&f, e, 0x1010, REPLAY_MISS_SILENT);
	expect_miss(&f, e, other, REPLAY_MISS_OTHER_LIST);
	expect_miss(&f, e, 0x1800, REPLAY_MISS_OTHER_CPU);
	expect_miss(&f, e, 0x6010, REPLAY_MISS_SPLIT);
	expect_miss(&f, e, rig_page_in_use(), REPLAY_MISS_UNTRACED);
	e.gfp = 0x4; /* __GFP_DMA32 */
	expect_miss(&f, e, 0x800, REPLAY_MISS_OTHER_ZONE);
	rig_tell(&f, e, 0x100000);
	assert_int_equal(f.miss, REPLAY_MISS_OUTSIDE);
	assert_int_equal(f.zone, BUDDY_ZONE_NONE);
	/* There is no page of this size. */
	low.order = 10;
	low.gfp = 0x1; /* __GFP_DMA */
	expect_miss(&f, low, 0x400, REPLAY_MISS_EMPTY);
	rig_tear_down(&f);
}

/* What is not asked for is not counted, and what nobody listens to is not told. */
static void test_what_counts(void **state)
{
	struct rig f;
	const struct replay_stats *s;
	struct event e = rig_request(0, MOVABLE),
		     marker = { .kind = EVENT_MARKER, .pfn = PFN_NONE };
	struct replay_state *saved;

	(void)state;
	rig_set_up(&f, "6.1", RIG_ALLOC_AND_FREE);
	s = replay_stats(f.replay);
	rig_take(&f, e, 3);
	f.guesses = 0;
	replay_event(f.replay, &marker);
	e.cpu = RIG_CPUS;
	rig_tell(&f, e, 0x5000);
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
	rig_tell(&f, e, 0x5000);
	replay_set_silent(f.replay, false);
	assert_int_equal(s->events, 3);
	assert_int_equal(f.guesses, 0);
	assert_false(rig_is_listed(&f, 0x5000) || rig_is_free(&f, 0x5000));
	assert_true(replay_restore(f.replay, saved));
	replay_state_destroy(saved);
	assert_true(rig_is_listed(&f, 0x5000) || rig_is_free(&f, 0x5000));
	rig_tell(&f, e, 0x5000);
	assert_int_equal(s->events, 3);
	assert_int_equal(replay_index(f.replay), 6);
	replay_set_silent(f.replay, false);
	rig_tell(&f, e, 0x5001);
	assert_int_equal(s->events, 4);
	rig_tear_down(&f);
}

/* Where lists take turns, a drain of all that nothing foretold begins with the second of them, not the first. */
static void test_first_of_a_drain(void **state)
{
	static const struct {
		const char *version;
		unsigned int type;
	} rows[] = { { "5.10", MOVABLE }, { "6.1", UNMOVABLE } };
	const pfn_t pages[] = {
		[UNMOVABLE] = rig_page_in_use(), [MOVABLE] = rig_page_in_use() + 512
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct event block = rig_request(0, UNMOVABLE);
		struct rig f;
		struct buddy *b;

		rig_set_up(&f, rows[i].version, 0);
		rig_begin_late(&f, 0x5000, 0x7000);
		rig_tell(&f, rig_event(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
		rig_tell(&f, rig_request(0, MOVABLE), 0x5000);
		b = replay_alloc(f.replay)->buddy;
		for (unsigned int type = 0; type < 2; type++) {
			buddy_set_block_type(b, page_alloc_zone_of(replay_alloc(f.replay), 0x5000),
					     pages[type],
					     type ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE);
			rig_tell(&f, rig_event(EVENT_PCPU_DRAIN, type), pages[type] + 8);
			rig_release(&f, rig_request(0, type), pages[type]);
		}
		/* They are carried out before something else happens. */
		block.order = 4;
		rig_tell(&f, block, round_up_to(rig_page_in_use() + 1024, 1ULL << block.order));
		assert_int_equal(rig_guess(&f, rig_event(EVENT_PCPU_DRAIN, UNMOVABLE)),
				 pages[rows[i].type]);
		rig_tear_down(&f);
	}
}

/*
 * A task frees to one of two lists, and something is drained, though the set should hold more: if that task does it,
 * it is what it freed to, and if another does, all of the set.
 */
static void test_marks_have_sunk(void **state)
{
	const pfn_t pages[] = {
		[UNMOVABLE] = rig_page_in_use(), [MOVABLE] = rig_page_in_use() + 512
	};
	struct event drain = rig_event(EVENT_PCPU_DRAIN, MOVABLE),
		     batched = { .kind = EVENT_FREE_BATCHED };
	struct rig f;
	struct page_alloc *a;

	(void)state;
	rig_set_up(&f, "6.12", 0);
	rig_begin_late(&f, 0x5000, 0x7000);
	rig_tell(&f, rig_event(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
	rig_tell(&f, rig_request(0, MOVABLE), 0x5000);
	a = replay_alloc(f.replay);
	for (unsigned int type = 0; type < 2; type++) {
		buddy_set_block_type(a->buddy, page_alloc_zone_of(a, pages[type]), pages[type],
				     type ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE);
		rig_release(&f, rig_request(0, type), pages[type]);
		batched.pid = 1;
		rig_tell(&f, batched, pages[type]);
	}
	assert_int_equal(rig_guess(&f, drain), pages[MOVABLE]);
	drain.pid = 2;
	assert_int_equal(rig_guess(&f, drain), pages[UNMOVABLE]);
	rig_tear_down(&f);
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
static struct page_alloc *set_up_zones(struct rig *f, uint32_t *low, uint32_t *high)
{
	struct page_alloc *a;

	rig_set_up(f, "6.1", 0);
	rig_begin_late(f, 0x5000, 0x7000);
	rig_tell(f, rig_event(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
	rig_tell(f, rig_request(0, MOVABLE), 0x5000);
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
	enum { LEFT = RIG_FILLED + 3 };
	struct alloc_request req = { .type = MIGRATE_MOVABLE,
				     .highest = ZONE_MOVABLE,
				     .flags = WMARK_LOW };
	struct event e = rig_event(EVENT_ZONE_LOCKED, MOVABLE);
	struct rig f;
	struct page_alloc *a;
	uint32_t high, low;

	(void)state;
	a = set_up_zones(&f, &low, &high);
	assert_int_not_equal(low, high);
	leave(a, high, &req, WMARK_LOW, LEFT);
	rig_tell(&f, e, 0x800);
	assert_int_equal(a->zones[high].drift, LEFT);
	/* It does not any more: why ever it did is over. */
	a = replay_alloc(f.replay);
	rig_tell(&f, e, largest_free(a, high).pfn);
	assert_int_equal(replay_alloc(f.replay)->zones[high].drift, 0);
	rig_tear_down(&f);
}

/*
 * No zone has as much as the fast path asks for, and the higher one a little less than the minimum by the lists.  The
 * kernel takes its pages: the counter is before them.
 */
static void test_counter_before_the_lists(void **state)
{
	enum { LESS = 5, MORE = 10 };
	struct alloc_request req = { .type = MIGRATE_MOVABLE, .highest = ZONE_MOVABLE };
	struct event e = rig_event(EVENT_ZONE_LOCKED, MOVABLE);
	struct event freed = { .kind = EVENT_FREE, .pid = 1, .order = 10 };
	struct rig f;
	struct page_alloc *a;
	uint32_t high, low;
	pfn_t guessed, page;

	(void)state;
	a = set_up_zones(&f, &low, &high);
	rig_tell(&f, freed, 0x400);
	a = replay_alloc(f.replay);
	leave(a, low, &req, WMARK_LOW, 0);
	assert_true(page_alloc_margin(a, low, &req, WMARK_MIN) > 0);
	leave(a, high, &req, WMARK_MIN, -LESS);
	guessed = rig_guess(&f, e);
	a = replay_alloc(f.replay);
	assert_int_equal(page_alloc_zone_of(a, guessed), low);
	page = largest_free(a, high).pfn;
	rig_tell(&f, e, page);
	a = replay_alloc(f.replay);
	assert_int_equal(a->zones[high].drift, -LESS - 1);
	/* And once more: it may go on so. */
	rig_tell(&f, rig_request(0, MOVABLE), page);
	a = replay_alloc(f.replay);
	leave(a, high, &req, WMARK_MIN, -MORE);
	rig_tell(&f, e, largest_free(a, high).pfn);
	assert_int_equal(replay_alloc(f.replay)->zones[high].drift, -LESS - 1 - 2 * (MORE + 1));
	rig_tear_down(&f);
}

/* No zone has as much as the minimum, and requests are served all the same: from the list, and from free blocks. */
static void test_requests_below_the_minimum(void **state)
{
	enum { TAKEN = 2 * RIG_FILLED };
	static const struct alloc_request req = { .type = MIGRATE_MOVABLE,
						  .highest = ZONE_MOVABLE };
	struct rig f;
	struct page_alloc *a;
	uint32_t high;
	pfn_t last;

	(void)state;
	rig_set_up(&f, "6.1", RIG_ALLOC_AND_FREE);
	rig_begin_late(&f, 0x5000, 0x7000);
	last = rig_take(&f, rig_request(0, MOVABLE), 3);
	a = replay_alloc(f.replay);
	high = page_alloc_zone_of(a, last);
	leave(a, high, &req, WMARK_MIN, -TAKEN);
	assert_true(page_alloc_zone_free(a, high) > TAKEN);
	rig_take(&f, rig_request(0, MOVABLE), TAKEN);
	assert_int_equal(f.miss, REPLAY_HIT);
	rig_tear_down(&f);
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
		struct rig f;

		rig_set_up(&f, "6.1", RIG_ALLOC_AND_FREE | rows[i].kinds);
		rig_begin_late(&f, 0x5000, 0x7000);
		rig_tell(&f, rig_request(0, MOVABLE), 0x5000);
		rig_release(&f, rig_request(0, MOVABLE), 0x5000);
		rig_tell(&f, rig_event(rows[i].kind, MOVABLE), 0x5000);
		assert_int_equal(replay_tells(f.replay), rows[i].tells);
		assert_int_equal(replay_stats(f.replay)->kinds[rows[i].kind], 1);
		rig_tear_down(&f);
	}
}

/* A trace of the boot begins with the task that will be idle, which fills a list that is empty. */
static void test_when_a_trace_begins(void **state)
{
	struct rig f;

	(void)state;
	rig_set_up(&f, "6.1", 0);
	assert_false(replay_tells(f.replay));
	assert_false(replay_begins_late(f.replay));
	rig_tell(&f, rig_by_idle(rig_event(EVENT_ZONE_LOCKED, MOVABLE)), 0x5000);
	assert_true(replay_tells(f.replay));
	assert_false(replay_begins_late(f.replay));
	rig_tear_down(&f);

	rig_set_up(&f, "6.1", 0);
	rig_tell(&f, rig_event(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
	assert_true(replay_begins_late(f.replay));
	rig_tear_down(&f);

	rig_set_up(&f, "6.1", 0);
	rig_tell(&f, rig_request(0, MOVABLE), 0x5000);
	assert_false(replay_tells(f.replay));
	rig_tell(&f, rig_event(EVENT_ZONE_LOCKED, MOVABLE), 0x5001);
	assert_true(replay_tells(f.replay));
	assert_true(replay_begins_late(f.replay));
	rig_tear_down(&f);

	rig_set_up(&f, "6.1", 0);
	rig_release(&f, rig_request(0, MOVABLE), rig_page_in_use());
	rig_tell(&f, rig_event(EVENT_ZONE_LOCKED, MOVABLE), 0x5001);
	assert_true(replay_begins_late(f.replay));
	rig_tear_down(&f);
}

/* ---- a drain that tells of types --------------------------------------------------------------------- */

/* A full page set: the next free drains its oldest page, whose pageblock is of another type than was known. */
static void drain_tells_type(const char *version, unsigned int told_type, enum migratetype want)
{
	struct rig f;
	struct event drain = rig_event(EVENT_PCPU_DRAIN, told_type);
	struct page_alloc *a;
	struct pageset *set;
	struct buddy_block block;
	const pfn_t first = 0x1000;
	pfn_t drained;

	rig_set_up(&f, version, 0);
	rig_begin_late(&f, 0x5000, 0x7000);
	/* So that the trace tells. */
	rig_tell(&f, rig_event(EVENT_ZONE_LOCKED, MOVABLE), 0x5000);
	rig_tell(&f, rig_request(0, MOVABLE), 0x5000);
	a = replay_alloc(f.replay);
	set = page_alloc_set(a, page_alloc_zone_of(a, first), 0);
	for (unsigned int i = 0; i < 8; i++)
		rig_release(&f, rig_request(0, MOVABLE), first + 16ULL * i);
	rig_tell(&f, rig_request(0, UNMOVABLE), rig_page_in_use());
	set->high = set->high_min = set->high_max = set->count;
	rig_release(&f, rig_request(0, MOVABLE), first + 0x80);
	assert_int_equal(rig_block_type(&f, first), MIGRATE_MOVABLE);
	drained = rig_guess(&f, drain);
	a = replay_alloc(f.replay);
	assert_true(drained >= first && drained < first + 0x90);
	rig_tell(&f, drain, drained);
	assert_int_equal(f.miss, REPLAY_HIT);
	assert_true(buddy_find(a->buddy, page_alloc_zone_of(a, drained), drained, &block));
	assert_int_equal(rig_block_type(&f, drained), want);
	/* It is on the list of that type. */
	assert_int_equal(block.type, want);
	rig_tear_down(&f);
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
	const struct event usual = rig_request(0, UNMOVABLE);
	struct event odd = usual;
	struct rig f;

	(void)state;
	rig_prepare(&f, "6.1");
	f.boot.in.command_line = "kernelcore=48M";
	rig_boot(&f);
	rig_start(&f, RIG_ALLOC_AND_FREE);
	odd.gfp = 0x1 | 0x2;
	assert_int_equal(rig_guess(&f, odd), rig_guess(&f, usual));
	odd.gfp = 0x8 | 0x2;
	odd.migratetype = MOVABLE;
	assert_int_not_equal(rig_guess(&f, odd), rig_guess(&f, usual));
	rig_tear_down(&f);
}

/* ---- traces that lie ---------------------------------------------------------------------------- */

/* The kernel's list has lost its first pages, by what @e got: how many does the model think are gone? */
static uint64_t pass_over(struct rig *f, struct event e, pfn_t head)
{
	uint64_t before = replay_stats(f->replay)->silent;

	rig_tell(f, e, head + 3);
	return replay_stats(f->replay)->silent - before;
}

/* Where hardly a guess is right, nothing is concluded from a wrong one; where they are right again, it is. */
static void test_lies_cost_little(void **state)
{
	struct rig f;
	struct event e;
	pfn_t last;

	(void)state;
	rig_set_up(&f, "6.1", RIG_ALLOC_AND_FREE);
	e = rig_request(0, UNMOVABLE);
	last = rig_take(&f, e, 4);
	assert_true(pass_over(&f, e, last + 1) >= 3);
	last = rig_take(&f, e, 4);
	for (unsigned int i = 0; i < 4000; i++)
		rig_tell(&f, e, RIG_IN_USE_START / 4096 + i * 37 % 2048);
	assert_int_equal(pass_over(&f, e, last + 1), 0);
	rig_tell(&f, e, rig_guess(&f, e));
	last = rig_take(&f, e, 8);
	assert_true(pass_over(&f, e, last + 1) >= 3);
	rig_tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_misses_have_reasons),
		cmocka_unit_test(test_what_counts),
		cmocka_unit_test(test_first_of_a_drain),
		cmocka_unit_test(test_marks_have_sunk),
		cmocka_unit_test(test_counter_behind_the_lists),
		cmocka_unit_test(test_counter_before_the_lists),
		cmocka_unit_test(test_requests_below_the_minimum),
		cmocka_unit_test(test_what_tells_of_lists),
		cmocka_unit_test(test_when_a_trace_begins),
		cmocka_unit_test(test_drains_tell_types),
		cmocka_unit_test(test_flags_that_contradict),
		cmocka_unit_test(test_lies_cost_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
