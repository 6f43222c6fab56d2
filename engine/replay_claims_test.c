/* SPDX-License-Identifier: MIT */
/*
 * Pageblocks that a replay sees claimed, by another type or in another place than it thought.
 */
#include "engine/replay.h"
#include "engine/testing/rig.h"

enum { LARGEST = 10, PAGEBLOCK = 512 };

/* An unmovable request takes pages of a movable block of the largest order, which is to be unmovable now. */
static struct event claim(unsigned int order)
{
	struct event e = rig_by_idle(rig_event(EVENT_EXTFRAG, UNMOVABLE));

	e.order = (uint8_t)order;
	e.fallback_order = LARGEST;
	e.fallback_migratetype = MOVABLE;
	e.flags = EVENT_CHANGE_OWNERSHIP;
	return e;
}

static void hand_out(struct rig *f, struct event from, pfn_t pfn)
{
	struct event e = rig_request(0, UNMOVABLE);

	e.order = from.order;
	rig_tell(f, from, pfn);
	rig_tell(f, e, pfn);
}

/* Such a block at @pfn is claimed, and all of it handed out but for its last block of order @left, if that is above 0. */
static void use_up(struct rig *f, pfn_t pfn, unsigned int left)
{
	struct event e = rig_event(EVENT_ZONE_LOCKED, UNMOVABLE);

	hand_out(f, claim(0), pfn);
	for (e.order = 0; e.order < LARGEST; e.order++)
		if (!left || e.order != left)
			hand_out(f, e, pfn + (1U << e.order));
}

static void expect_types(const struct rig *f, pfn_t block, enum migratetype type)
{
	assert_int_equal(rig_block_type(f, block), type);
	assert_int_equal(rig_block_type(f, block + PAGEBLOCK), type);
}

/* The free block that holds @pfn. */
static struct buddy_block free_block(const struct rig *f, pfn_t pfn)
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
static void claim_another(struct rig *f, struct event e, pfn_t model, pfn_t other)
{
	struct event movable = rig_event(EVENT_ZONE_LOCKED, MOVABLE);

	rig_tell(f, e, other);
	assert_int_equal(f->guess, model);
	assert_int_equal(f->miss, REPLAY_MISS_SPLIT);
	expect_types(f, other, MIGRATE_UNMOVABLE);
	assert_false(rig_is_free(f, other));
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
		assert_int_equal(rig_guess(f, movable), model);
}

/* For a list, and past all lists. */
static const unsigned int claimed_orders[] = { 0, 3, 4, 9 };

/*
 *	1M	    16M				128M
 *	| DMA  c    | DMA32   m			|	the model thinks that m is claimed, and it is c
 */
static void test_a_claim_in_another_zone(void **state)
{
	struct rig f;

	(void)state;
	for (unsigned int i = 0; i < sizeof(claimed_orders) / sizeof(claimed_orders[0]); i++) {
		struct event e = claim(claimed_orders[i]);

		rig_set_up(&f, "6.12", 0);
		/* Else what comes before it would be thought to be gone. */
		use_up(&f, 0x400, 0);
		claim_another(&f, e, rig_guess(&f, e), 0xc00);
		assert_true(f.guess >= 16 * RIG_MIB / 4096);
		rig_tear_down(&f);
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
		struct rig f;

		rig_set_up(&f, "6.12", 0);
		rig_tell(&f, rig_by_idle(rig_event(EVENT_ZONE_LOCKED, UNMOVABLE)), rows[i].pfn);
		assert_true(f.guess >= 16 * RIG_MIB / 4096);
		assert_int_equal(rig_block_type(&f, block), MIGRATE_UNMOVABLE);
		assert_int_equal(rig_block_type(&f, block + PAGEBLOCK),
				 rows[i].whole ? MIGRATE_UNMOVABLE : MIGRATE_MOVABLE);
		rig_tear_down(&f);
	}
}

/*
 *	DMA32	[  used up  ][  m  ][  c  ]		likewise
 */
static void test_a_claim_of_another_block(void **state)
{
	struct rig f;

	(void)state;
	for (unsigned int i = 0; i < sizeof(claimed_orders) / sizeof(claimed_orders[0]); i++) {
		struct event e = claim(claimed_orders[i]);
		pfn_t model;

		rig_set_up(&f, "6.12", 0);
		use_up(&f, rig_guess(&f, claim(0)), 0);
		model = rig_guess(&f, e);
		claim_another(&f, e, model, model + 1024);
		rig_tear_down(&f);
	}
}

/*
 * A list is filled with RIG_FILLED pages, two of which are left of a block:
 *
 *	DMA32	[  used up, two left  ][  m  ][  c  ]
 */
static void test_a_claim_amid_a_refill(void **state)
{
	struct event e = rig_event(EVENT_ZONE_LOCKED, UNMOVABLE),
		     marker = { .kind = EVENT_MARKER, .pid = 1 };
	struct rig f;
	pfn_t first, model;

	(void)state;
	rig_set_up(&f, "6.12", 0);
	first = rig_guess(&f, claim(0));
	use_up(&f, first, 1);
	replay_event(f.replay, &marker);
	for (unsigned int i = 2; i < 4; i++) {
		rig_tell(&f, e, first + i);
		assert_int_equal(f.guess, first + i);
	}
	model = rig_guess(&f, claim(0));
	assert_int_equal(model, first + 1024);
	claim_another(&f, claim(0), model, model + 1024);
	/* The rest comes of that block. */
	for (unsigned int i = 1; i < RIG_FILLED - 2; i++) {
		rig_tell(&f, e, model + 1024 + i);
		assert_int_equal(f.guess, model + 1024 + i);
	}
	rig_tear_down(&f);
}

/*
 * Pages of the type are free by the model's account, and by the kernel's are not:
 *
 *	DMA32	[  used up, two left  ][  ...  ][  c  ]
 */
static void test_a_claim_for_no_reason(void **state)
{
	struct rig f;
	pfn_t first, other;

	(void)state;
	rig_set_up(&f, "6.12", 0);
	first = rig_guess(&f, claim(0));
	use_up(&f, first, 1);
	other = first + 2048;
	rig_tell(&f, claim(0), other);
	assert_int_equal(f.guess, first + 2);
	expect_types(&f, other, MIGRATE_UNMOVABLE);
	for (unsigned int order = 0; order < LARGEST; order++)
		assert_int_equal(free_block(&f, other + (1U << order)).type, MIGRATE_UNMOVABLE);
	assert_int_equal(free_block(&f, first + 2).type, MIGRATE_UNMOVABLE);
	rig_tear_down(&f);
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
		struct event e = claim(4), movable = rig_event(EVENT_ZONE_LOCKED, MOVABLE);
		struct event unmovable = rig_event(EVENT_ZONE_LOCKED, UNMOVABLE);
		bool gives = rows[i].rest == MIGRATE_MOVABLE;
		struct rig f;
		pfn_t in_use, small, model;

		rig_set_up(&f, rows[i].version, 0);
		if (!gives)
			rig_tell(&f, rig_by_idle(unmovable), 0x407);
		else
			use_up(&f, rig_guess(&f, claim(0)), 0);
		in_use = rig_guess(&f, movable);
		rig_tell(&f, movable, in_use);
		rig_tell(&f, rig_request(0, MOVABLE), in_use);
		small = in_use + 32;
		assert_int_equal(free_block(&f, small).order, 5);
		e.fallback_order = 5;
		e.flags = 0;
		unmovable.order = e.order;
		model = rig_guess(&f, gives ? e : unmovable);
		assert_int_not_equal(model, small);
		rig_tell(&f, e, small);
		if (!gives)
			rig_tell(&f, unmovable, small);
		assert_int_equal(f.guess, model);
		assert_false(rig_is_free(&f, small));
		assert_int_equal(free_block(&f, small + 16).order, 4);
		assert_int_equal(free_block(&f, small + 16).type, rows[i].rest);
		expect_types(&f, in_use, MIGRATE_MOVABLE);
		rig_tear_down(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_claim_in_another_zone),
		cmocka_unit_test(test_a_claim_before_all),
		cmocka_unit_test(test_a_claim_of_another_block),
		cmocka_unit_test(test_a_claim_amid_a_refill),
		cmocka_unit_test(test_a_claim_for_no_reason),
		cmocka_unit_test(test_pages_that_are_stolen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
