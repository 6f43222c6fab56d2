/* SPDX-License-Identifier: MIT */
/* Tests of deferred memory on its way into the free lists of one zone, or two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/buddy_pending.h"

#define NORMAL 0 /* zones by number */
#define OTHER 1
#define START 0x10000 /* of zone Normal, and of a section of 0x8000 pages */
#define END 0x40000 /* where that of the other node begins */
#define OTHER_END 0x48000
#define PIECES 8

struct fixture {
	struct facts facts;
	struct arch_config config;
	struct node nodes[2];
	struct buddy b;
};

struct piece {
	pfn_t start, end;
};

/* Zones Normal of two nodes, none of whose memory is free or pending; pageblocks are Unmovable. */
static struct fixture *start(const char *version)
{
	static const struct node_range ranges[] = { { .start = START, .end = END },
						    { .start = END, .end = OTHER_END, .nid = 1 } };
	struct fixture *f = calloc(1, sizeof(*f));
	uint32_t v;

	assert_non_null(f);
	assert_true(facts_parse_version(version, &v));
	facts_init(&f->facts, v);
	arch_config_default(ARCH_X86_64, false, &f->config);
	for (int32_t n = 0; n < 2; n++)
		f->nodes[n].zones[ZONE_NORMAL] =
			(struct zone){ .type = ZONE_NORMAL,
				       .nid = n,
				       .start_pfn = ranges[n].start,
				       .spanned = ranges[n].end - ranges[n].start,
				       .present = ranges[n].end - ranges[n].start };
	buddy_init(&f->b, &f->config, &f->facts, f->nodes, 2, ranges, 2);
	assert_false(f->b.out_of_memory);
	assert_int_equal(f->b.section_pages, 0x8000);
	return f;
}

static void finish(struct fixture *f)
{
	assert_null(buddy_check(&f->b, true));
	assert_false(f->b.out_of_memory);
	buddy_deinit(&f->b);
	free(f);
}

static uint64_t free_pages(const struct fixture *f)
{
	return buddy_zone_free_pages(&f->b, NORMAL);
}

/* Checks that the pending memory of zone Normal is exactly @pieces, in any order, up to an empty one. */
static void expect_pending(const struct fixture *f, const struct piece *pieces)
{
	uint64_t want = 0, pages = 0;

	for (uint32_t i = 0; i < f->b.pending_count; i++)
		if (f->b.pending[i].zone == NORMAL)
			pages += f->b.pending[i].end - f->b.pending[i].start;
	for (; pieces->end; pieces++) {
		want += pieces->end - pieces->start;
		for (pfn_t pfn = pieces->start; pfn < pieces->end; pfn++)
			assert_true(buddy_pending_has(&f->b, pfn, 0));
	}
	assert_int_equal(pages, want);
}

/* The blocks of the largest order in zone Normal are [@start, @end), ascending or, @down, descending. */
static void expect_largest(const struct fixture *f, pfn_t from, pfn_t to, bool down)
{
	uint32_t cursor = BUDDY_LIST_START;
	pfn_t pfn;

	for (uint64_t i = 0; i < (to - from) / 0x400; i++) {
		assert_true(buddy_list_next(&f->b, NORMAL, 10, MIGRATE_MOVABLE, &cursor, &pfn));
		assert_int_equal(pfn, down ? to - (i + 1) * 0x400 : from + i * 0x400);
	}
	assert_false(buddy_list_next(&f->b, NORMAL, 10, MIGRATE_MOVABLE, &cursor, &pfn));
}

/* ---- all at once --------------------------------------------------------------------------------- */

/*
 *	0x10000        0x10c00   0x10d00     0x11000     0x11400
 *	[ three blocks ][ 0x100  ]           [ one block ]
 *
 * What is no block of the largest order is freed page by page.  Of 4.4's only the first pageblock of a whole block
 * gets the type; of 4.19's, which frees whole pageblocks, and of 6.12's each whose first page is there.
 */
static void all_joins_at_once(void **state)
{
	static const struct {
		const char *version;
		enum migratetype second,
			rest; /* the types of the second pageblock and of that at 0x10c00 */
	} rows[] = { { "4.4", MIGRATE_UNMOVABLE, MIGRATE_UNMOVABLE },
		     { "4.19", MIGRATE_MOVABLE, MIGRATE_MOVABLE },
		     { "6.12", MIGRATE_MOVABLE, MIGRATE_MOVABLE } };

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = start(rows[i].version);
		struct buddy_block block;

		buddy_add_pending(&f->b, NORMAL, 0x10000, 0x10d00);
		buddy_add_pending(&f->b, NORMAL, 0x11000, 0x11400);
		buddy_add_pending(&f->b, OTHER, END, END + 0x400);
		buddy_pending_join(&f->b);
		assert_int_equal(f->b.pending_count, 0);
		assert_int_equal(free_pages(f), 0xd00 + 0x400);
		assert_int_equal(buddy_zone_free_pages(&f->b, OTHER), 0x400);
		assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x10000), MIGRATE_MOVABLE);
		assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x10200), rows[i].second);
		assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x10c00), rows[i].rest);
		assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x10e00), MIGRATE_UNMOVABLE);
		assert_true(buddy_find(&f->b, NORMAL, 0x10cff, &block));
		assert_int_equal(block.order, 8);
		assert_int_equal(block.type, rows[i].rest);
		assert_true(buddy_find(&f->b, NORMAL, 0x11000, &block));
		assert_int_equal(block.order, 10);
		buddy_pending_join(&f->b);
		assert_int_equal(free_pages(f), 0xd00 + 0x400);
		finish(f);
	}
}

/* Fresh pages go to the tail since 5.10. */
static void blocks_join_in_order(void **state)
{
	static const char *const versions[] = { "4.19", "6.12" };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct fixture *f = start(versions[i]);

		buddy_add_pending(&f->b, NORMAL, 0x10000, 0x14000);
		buddy_pending_join(&f->b);
		expect_largest(f, 0x10000, 0x14000, i == 0);
		finish(f);
	}
}

/* ---- piece by piece ------------------------------------------------------------------------------ */

/*
 *	0x10000       0x11000 freed  0x11400       0x12000
 *	[ pending     |##############|     pending ]		then the first block, then the last page
 */
static void a_piece_is_freed(void **state)
{
	struct fixture *f = start("6.12");

	(void)state;
	buddy_add_pending(&f->b, NORMAL, 0x10000, 0x12000);
	assert_true(buddy_pending_free(&f->b, 0x11000, 10));
	expect_pending(f,
		       (const struct piece[]){ { 0x10000, 0x11000 }, { 0x11400, 0x12000 }, { 0 } });
	assert_int_equal(f->b.pending_count, 2);
	expect_largest(f, 0x11000, 0x11400, false);
	assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x11200), MIGRATE_MOVABLE);
	assert_true(buddy_pending_free(&f->b, 0x10000, 10));
	assert_true(buddy_pending_free(&f->b, 0x11fff, 0));
	expect_pending(f,
		       (const struct piece[]){ { 0x10400, 0x11000 }, { 0x11400, 0x11fff }, { 0 } });
	assert_int_equal(free_pages(f), 0x801);
	/* Not twice, and not what is pending in part only. */
	assert_false(buddy_pending_free(&f->b, 0x10000, 10));
	assert_false(buddy_pending_free(&f->b, 0x11ffe, 1));
	assert_false(buddy_pending_free(&f->b, 0x20000, 0));
	assert_int_equal(free_pages(f), 0x801);
	expect_pending(f,
		       (const struct piece[]){ { 0x10400, 0x11000 }, { 0x11400, 0x11fff }, { 0 } });
	/* Nothing is left of a piece that is freed as a whole. */
	buddy_pending_drop(&f->b, 0x11400, 10);
	for (pfn_t pfn = 0x10400; pfn < 0x11000; pfn += 0x400)
		assert_true(buddy_pending_free(&f->b, pfn, 10));
	expect_pending(f, (const struct piece[]){ { 0x11800, 0x11fff }, { 0 } });
	assert_int_equal(f->b.pending_count, 1);
	finish(f);
}

/* Which pageblocks a piece makes Movable: 4.4 a block's first and none for a page; later all, with their first page. */
static void a_piece_sets_types(void **state)
{
	static const struct {
		const char *version;
		bool second, page;
	} rows[] = { { "4.4", false, false }, { "4.19", true, true }, { "6.12", true, true } };

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = start(rows[i].version);

		buddy_add_pending(&f->b, NORMAL, 0x10000, 0x12000);
		assert_true(buddy_pending_free(&f->b, 0x10000, 10));
		assert_true(buddy_pending_free(&f->b, 0x11000, 0));
		assert_true(buddy_pending_free(&f->b, 0x11201, 0));
		assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x10000), MIGRATE_MOVABLE);
		assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x10200),
				 rows[i].second ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE);
		assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x11000),
				 rows[i].page ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE);
		assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x11200), MIGRATE_UNMOVABLE);
		finish(f);
	}
}

/*
 *	0x10000  0x10400  0x10600  0x10800    0x10c00
 *	[ pending         ]        [ pending          ]
 *	         |#### dropped ####|#########|			then the first piece, then nothing
 */
static void what_is_dropped_never_joins(void **state)
{
	struct fixture *f = start("6.12");

	(void)state;
	buddy_add_pending(&f->b, NORMAL, 0x10000, 0x10600);
	buddy_add_pending(&f->b, NORMAL, 0x10700, 0x10c00);
	buddy_pending_drop(&f->b, 0x10400, 10);
	expect_pending(f,
		       (const struct piece[]){ { 0x10000, 0x10400 }, { 0x10800, 0x10c00 }, { 0 } });
	buddy_pending_drop(&f->b, 0x10a00, 8);
	expect_pending(f, (const struct piece[]){ { 0x10000, 0x10400 },
						  { 0x10800, 0x10a00 },
						  { 0x10b00, 0x10c00 },
						  { 0 } });
	buddy_pending_drop(&f->b, 0x10000, 10);
	buddy_pending_drop(&f->b, 0x20000, 10);
	expect_pending(f,
		       (const struct piece[]){ { 0x10800, 0x10a00 }, { 0x10b00, 0x10c00 }, { 0 } });
	assert_int_equal(free_pages(f), 0);
	buddy_pending_join(&f->b);
	assert_int_equal(free_pages(f), 0x300);
	finish(f);
}

static void any_page_that_is_pending_tells(void **state)
{
	struct fixture *f = start("6.12");

	(void)state;
	assert_false(buddy_pending_has(&f->b, 0x10400, 10));
	buddy_add_pending(&f->b, NORMAL, 0x10401, 0x10403);
	assert_true(buddy_pending_has(&f->b, 0x10400, 10));
	assert_true(buddy_pending_has(&f->b, 0x10402, 0));
	assert_true(buddy_pending_has(&f->b, 0x10400, 1));
	assert_false(buddy_pending_has(&f->b, 0x10400, 0));
	assert_false(buddy_pending_has(&f->b, 0x10403, 0));
	assert_false(buddy_pending_has(&f->b, 0x10404, 2));
	finish(f);
}

/* ---- by the section ------------------------------------------------------------------------------ */

/*
 * Sections begin at multiples of 0x8000; the rows are
 *
 *		  0x10000   0x18000   0x20000   0x28000
 *	a section |#########|#########|#########|	a section's worth is enough
 *	a part	  |    #####|#########|#########|	the first border comes too early
 *	a little  |        #|#########|#########|	the same
 *	no more	  |    #####| ##      |         |	there was not enough
 *	its end	  |#########|         |#########|	what is next is in another section
 *	two parts |####     |####     |#########|	exactly enough where free memory ends
 *	a hole	  |## ######|#########|#########|	a page is missing, and all of a section comes for it
 *	small	  |# #      |   #     |#########|	the first sections have little
 *	past it	  |  #######|## ##    |####     |	enough amid a section, of which the rest comes as well
 */
static void a_zone_grows_up_to_a_section_s_end(void **state)
{
	static const struct {
		struct piece before[PIECES], after[PIECES];
		uint64_t grown;
	} rows[] = {
		{ { { 0x10000, 0x30000 } }, { { 0x18000, 0x30000 } }, 0x8000 },
		{ { { 0x14000, 0x30000 } }, { { 0x20000, 0x30000 } }, 0xc000 },
		{ { { 0x17c00, 0x30000 } }, { { 0x20000, 0x30000 } }, 0x8400 },
		{ { { 0x14000, 0x18000 }, { 0x19000, 0x1b000 } }, { { 0 } }, 0x6000 },
		{ { { 0x10000, 0x18000 }, { 0x20000, 0x28000 } },
		  { { 0x20000, 0x28000 } },
		  0x8000 },
		{ { { 0x10000, 0x14000 }, { 0x18000, 0x1c000 }, { 0x20000, 0x28000 } },
		  { { 0x20000, 0x28000 } },
		  0x8000 },
		{ { { 0x10000, 0x12000 }, { 0x12001, 0x30000 } },
		  { { 0x20000, 0x30000 } },
		  0xffff },
		{ { { 0x10000, 0x10100 },
		    { 0x10200, 0x10300 },
		    { 0x1a000, 0x1a100 },
		    { 0x20000, 0x30000 } },
		  { { 0x28000, 0x30000 } },
		  0x8300 },
		{ { { 0x12000, 0x18000 },
		    { 0x18000, 0x1a000 },
		    { 0x1b000, 0x1c000 },
		    { 0x20000, 0x24000 } },
		  { { 0x20000, 0x24000 } },
		  0x9000 },
	};

	(void)state;
	for (unsigned int i = 0; i < 4 * sizeof(rows) / sizeof(rows[0]); i++) {
		/* By windows and by sections it comes to the same; and pieces lie in no order. */
		struct fixture *f = start("6.12");
		const struct piece *before = rows[i / 4].before;
		unsigned int count = 0;

		f->facts.v[FACT_deferred_grow_by_section] = i & 1;
		while (before[count].end)
			count++;
		buddy_add_pending(&f->b, OTHER, END, OTHER_END);
		for (unsigned int k = 0; k < count; k++) {
			const struct piece *p = &before[i & 2 ? count - 1 - k : k];

			buddy_add_pending(&f->b, NORMAL, p->start, p->end);
		}
		assert_true(buddy_pending_grow(&f->b, NORMAL));
		assert_int_equal(free_pages(f), rows[i / 4].grown);
		expect_pending(f, rows[i / 4].after);
		assert_int_equal(buddy_zone_free_pages(&f->b, OTHER), 0);
		finish(f);
	}
}

/* One section after the other, until there is none; lists are as if all had joined at once. */
static void a_zone_grows_to_its_end(void **state)
{
	static const pfn_t ends[] = { 0x18000, 0x20000, 0x20400 };
	struct fixture *f = start("6.12");

	(void)state;
	buddy_add_pending(&f->b, NORMAL, 0x10000, 0x20400);
	buddy_add_pending(&f->b, OTHER, END, END + 0x400);
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(buddy_pending_grow(&f->b, NORMAL));
		expect_largest(f, 0x10000, ends[i], false);
	}
	assert_false(buddy_pending_grow(&f->b, NORMAL));
	assert_int_equal(f->b.pending_count, 1);
	assert_true(buddy_pending_grow(&f->b, OTHER));
	assert_false(buddy_pending_grow(&f->b, OTHER));
	assert_int_equal(buddy_zone_free_pages(&f->b, OTHER), 0x400);
	finish(f);
}

/* Pageblocks get their types as when all joins: the one whose first page is in use does not. */
static void what_grows_is_movable(void **state)
{
	struct fixture *f = start("6.12");

	(void)state;
	buddy_add_pending(&f->b, NORMAL, 0x10000, 0x10601);
	buddy_add_pending(&f->b, NORMAL, 0x10801, 0x10a00);
	assert_true(buddy_pending_grow(&f->b, NORMAL));
	assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x10200), MIGRATE_MOVABLE);
	assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x10600), MIGRATE_MOVABLE);
	assert_int_equal(buddy_block_type(&f->b, NORMAL, 0x10800), MIGRATE_UNMOVABLE);
	finish(f);
}

/* Before 4.17 memory waits for its threads; without sections there is none that is deferred. */
static void not_every_kernel_grows_zones(void **state)
{
	static const struct {
		const char *version;
		bool grows;
	} rows[] = { { "4.4", false }, { "4.16", false }, { "4.17", true }, { "7.2", true } };
	struct fixture *f;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f = start(rows[i].version);
		buddy_add_pending(&f->b, NORMAL, 0x10000, 0x30000);
		assert_int_equal(buddy_pending_grow(&f->b, NORMAL), rows[i].grows);
		assert_int_equal(free_pages(f), rows[i].grows ? 0x8000 : 0);
		finish(f);
	}
	f = start("6.12");
	buddy_add_pending(&f->b, NORMAL, 0x10000, 0x30000);
	f->b.section_pages = 0;
	assert_false(buddy_pending_grow(&f->b, NORMAL));
	assert_int_equal(free_pages(f), 0);
	finish(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_joins_at_once),
		cmocka_unit_test(blocks_join_in_order),
		cmocka_unit_test(a_piece_is_freed),
		cmocka_unit_test(a_piece_sets_types),
		cmocka_unit_test(what_is_dropped_never_joins),
		cmocka_unit_test(any_page_that_is_pending_tells),
		cmocka_unit_test(a_zone_grows_up_to_a_section_s_end),
		cmocka_unit_test(a_zone_grows_to_its_end),
		cmocka_unit_test(what_grows_is_movable),
		cmocka_unit_test(not_every_kernel_grows_zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
