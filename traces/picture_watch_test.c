/* SPDX-License-Identifier: MIT */
/* A small machine, pictures written by hand, and what changes while they are read. */
#include <stdlib.h>
#include <string.h>

#include "engine/buddy.h"
#include "engine/sink.h"
#include "traces/picture_watch.h"
#include "traces/testing/check.h"

/* Memory 0x1000 ... 0x1800, pageblocks of 512, two free blocks of order 10, all Movable. */
struct fixture {
	struct facts facts;
	struct arch_config config;
	struct node node;
	struct node_range range;
	struct buddy b;
	struct picture_range free_pages;
	struct snapshot snapshot;
	struct picture_set set;
	struct picture_watch *watch;
};

/* Two blocks of order 10; one, with a page taken out of the other's front. */
#define WHOLE "Node 0, zone   Normal 0 0 0 0 0 0 0 0 0 0 2\n"
#define TAKEN "Node 0, zone   Normal 1 1 1 1 1 1 1 1 1 1 1\n"
#define TYPES_HEAD                                                            \
	"Page block order: 9\nPages per block:  512\n\n"                      \
	"Free pages count per migrate type at order 0 1 2 3 4 5 6 7 8 9 10\n" \
	"Node 0, zone Normal, type Unmovable 0 0 0 0 0 0 0 0 0 0 0\n"

static void set_text(struct fixture *f, enum picture_file file, const char *text)
{
	f->snapshot.text[file].data = (char *)text;
	f->snapshot.text[file].size = strlen(text);
	f->snapshot.text_name[file] = (char *)"picture";
}

static struct fixture *start(const char *buddyinfo, const char *pagetypeinfo)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct zone *z;
	uint32_t v;

	assert_non_null(f);
	assert_true(facts_parse_version("6.1", &v));
	facts_init(&f->facts, v);
	arch_config_default(ARCH_X86_64, false, &f->config);
	z = &f->node.zones[ZONE_NORMAL];
	z->type = ZONE_NORMAL;
	z->start_pfn = 0x1000;
	z->spanned = z->present = 0x800;
	f->range = (struct node_range){ .start = 0x1000, .end = 0x1800 };
	buddy_init(&f->b, &f->config, &f->facts, &f->node, 1, &f->range, 1);
	buddy_set_block_types(&f->b, 0, 0x1000, 0x1800, MIGRATE_MOVABLE);
	buddy_free_range(&f->b, 0, 0x1000, 0x1800, 10, BUDDY_PLACE_FRESH);
	f->snapshot.name = (char *)"one";
	if (buddyinfo)
		set_text(f, PICTURE_BUDDYINFO, buddyinfo);
	if (pagetypeinfo)
		set_text(f, PICTURE_PAGETYPEINFO, pagetypeinfo);
	f->free_pages = (struct picture_range){ 0x1000, 0x1800 };
	f->snapshot.has_page_flags = true;
	f->snapshot.page_count = 0x1800;
	f->snapshot.buddy = (struct picture_ranges){ .ranges = &f->free_pages, .count = 1 };
	f->set = (struct picture_set){ .snapshots = &f->snapshot, .count = 1 };
	check_ok(picture_watch_create(&f->set, &f->b, &f->config, &f->facts, &f->watch));
	return f;
}

static void finish(struct fixture *f)
{
	assert_false(picture_watch_out_of_memory(f->watch));
	picture_watch_destroy(f->watch);
	buddy_deinit(&f->b);
	free(f);
}

static void mark(struct fixture *f, const char *text)
{
	picture_watch_marker(f->watch, text, 7);
}

/* A page is taken, or put back. */
static void take(struct fixture *f)
{
	assert_int_equal(buddy_take(&f->b, 0, 0, MIGRATE_MOVABLE), 0x1000);
	picture_watch_look(f->watch);
}

static void put(struct fixture *f)
{
	buddy_free(&f->b, 0, 0x1000, 0, BUDDY_PLACE_FREED);
	picture_watch_look(f->watch);
}

static void expect(struct fixture *f, enum picture_table table, enum picture_match match,
		   uint64_t differ)
{
	uint32_t count;
	const struct picture_result *r = picture_watch_results(f->watch, &count);

	assert_int_equal(count, 1);
	assert_string_equal(picture_match_name(r->tables[table].match), picture_match_name(match));
	assert_int_equal(r->tables[table].differ, differ);
	assert_true(r->tables[table].entries_differ <= r->tables[table].entries);
	assert_true(r->tables[table].entries_differ <= differ);
	assert_int_equal(!r->tables[table].entries_differ, !differ);
	assert_int_equal(!r->tables[table].entries, match == PICTURE_NOT_SEEN);
}

static void explain(struct fixture *f, const char *expected)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);

	picture_watch_explain(f->watch, 0, &sink);
	assert_string_equal(sink_text_string(&text), expected);
	sink_text_deinit(&text);
}

static void test_equal_at_begin(void **state)
{
	struct fixture *f = start(WHOLE, NULL);

	(void)state;
	assert_false(picture_watch_active(f->watch));
	mark(f, "SNAP one begin");
	assert_true(picture_watch_active(f->watch));
	take(f);
	mark(f, "SNAP one end");
	put(f);
	mark(f, "SNAP one done");
	assert_false(picture_watch_active(f->watch));
	expect(f, PICTURE_TABLE_BUDDYINFO, PICTURE_EQUAL_AT_BEGIN, 0);
	expect(f, PICTURE_TABLE_PAGETYPEINFO, PICTURE_NOT_SEEN, 0);
	expect(f, PICTURE_TABLE_KPAGEFLAGS, PICTURE_EQUAL_AT_END, 0);
	explain(f, "");
	finish(f);
}

static void test_equal_at_end(void **state)
{
	struct fixture *f = start(TAKEN, NULL);

	(void)state;
	mark(f, "SNAP one begin");
	take(f);
	mark(f, "SNAP one end");
	expect(f, PICTURE_TABLE_BUDDYINFO, PICTURE_EQUAL_AT_END, 0);
	finish(f);
}

static void test_equal_between(void **state)
{
	struct fixture *f = start(TAKEN, NULL);

	(void)state;
	f->free_pages.start++;
	mark(f, "SNAP one begin");
	take(f);
	put(f);
	mark(f, "SNAP one end");
	take(f);
	put(f);
	mark(f, "SNAP one done");
	expect(f, PICTURE_TABLE_BUDDYINFO, PICTURE_EQUAL_BETWEEN, 0);
	expect(f, PICTURE_TABLE_KPAGEFLAGS, PICTURE_EQUAL_BETWEEN, 0);
	finish(f);
}

/* The nearest moment counts: the page was taken once, which was nearer. */
static void test_differs(void **state)
{
	struct fixture *f = start("Node 0, zone   Normal 1 1 1 1 3 1 1 1 1 1 0\n", NULL);

	(void)state;
	f->free_pages.start += 2;
	mark(f, "SNAP one begin");
	take(f);
	put(f);
	mark(f, "SNAP one end");
	take(f);
	mark(f, "SNAP one done");
	expect(f, PICTURE_TABLE_BUDDYINFO, PICTURE_DIFFERS, 3);
	expect(f, PICTURE_TABLE_KPAGEFLAGS, PICTURE_DIFFERS, 1);
	explain(f, "buddyinfo: Node 0, zone Normal, order 4: kernel 3, model 1\n"
		   "buddyinfo: Node 0, zone Normal, order 10: kernel 0, model 1\n"
		   "kpageflags: 1001-1001 (1 pages) free in the model only\n");
	finish(f);
}

static void test_types(void **state)
{
	struct fixture *f = start(NULL, TYPES_HEAD
				  "Node 0, zone Normal, type Movable 0 0 0 0 0 0 0 0 0 0 2\n"
				  "\nNumber of blocks type Unmovable Movable\n"
				  "Node 0, zone Normal 1 3\n");

	(void)state;
	mark(f, "SNAP one begin");
	mark(f, "SNAP one end");
	expect(f, PICTURE_TABLE_PAGETYPEINFO, PICTURE_EQUAL_AT_BEGIN, 0);
	expect(f, PICTURE_TABLE_PAGEBLOCKS, PICTURE_DIFFERS, 2);
	explain(f, "pageblocks: Node 0, zone Normal, type Unmovable: kernel 1, model 0\n"
		   "pageblocks: Node 0, zone Normal, type Movable: kernel 3, model 4\n");
	finish(f);
}

/* A kernel that stopped counting has at least so many. */
static void test_capped(void **state)
{
	struct fixture *f = start(NULL, TYPES_HEAD
				  "Node 0, zone Normal, type Movable 0 0 0 0 0 0 0 0 0 0 >1\n");

	(void)state;
	mark(f, "SNAP one begin");
	mark(f, "SNAP one end");
	expect(f, PICTURE_TABLE_PAGETYPEINFO, PICTURE_EQUAL_AT_BEGIN, 0);
	finish(f);
}

/* A zone, a type or an order the model does not have counts as empty. */
static void test_unknown(void **state)
{
	struct fixture *f = start("Node 1, zone   Normal 0 0 0 0 0 0 0 0 0 0 2\n",
				  "Free pages count per migrate type at order 0 1 2\n"
				  "Node 0, zone Normal, type Odd 1 0 3\n");

	(void)state;
	mark(f, "SNAP one begin");
	mark(f, "SNAP one end");
	expect(f, PICTURE_TABLE_BUDDYINFO, PICTURE_DIFFERS, 2);
	expect(f, PICTURE_TABLE_PAGETYPEINFO, PICTURE_DIFFERS, 4);
	explain(f, "buddyinfo: Node 1, zone Normal, order 10: kernel 2, model 0\n"
		   "pagetypeinfo: Node 0, zone Normal, type Odd, order 0: kernel 1, model 0\n"
		   "pagetypeinfo: Node 0, zone Normal, type Odd, order 2: kernel 3, model 0\n");
	finish(f);
}

/* Markers out of order, twice, or of other things start nothing and end nothing. */
static void test_markers(void **state)
{
	struct fixture *f = start(WHOLE, NULL);

	(void)state;
	mark(f, "SNAP one end");
	mark(f, "SNAP one done");
	mark(f, "SNAP two begin");
	mark(f, "SNAP one");
	mark(f, "SNAP ");
	mark(f, "WORK one begin");
	mark(f, "SNAP onebegin");
	assert_false(picture_watch_active(f->watch));
	expect(f, PICTURE_TABLE_BUDDYINFO, PICTURE_NOT_SEEN, 0);
	mark(f, "SNAP one begin");
	mark(f, "SNAP one done");
	assert_true(picture_watch_active(f->watch));
	mark(f, "SNAP one end");
	take(f);
	mark(f, "SNAP one begin");
	mark(f, "SNAP one done");
	expect(f, PICTURE_TABLE_BUDDYINFO, PICTURE_EQUAL_AT_BEGIN, 0);
	expect(f, PICTURE_TABLE_KPAGEFLAGS, PICTURE_EQUAL_AT_BEGIN, 0);
	finish(f);
}

static void test_unreadable(void **state)
{
	struct fixture *f = start(WHOLE, NULL);
	struct picture_watch *watch;

	(void)state;
	set_text(f, PICTURE_BUDDYINFO, "nothing of the kind\n");
	check_error(picture_watch_create(&f->set, &f->b, &f->config, &f->facts, &watch),
		    ERROR_FORMAT, 0, 0);
	finish(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_at_begin), cmocka_unit_test(test_equal_at_end),
		cmocka_unit_test(test_equal_between),  cmocka_unit_test(test_differs),
		cmocka_unit_test(test_types),	       cmocka_unit_test(test_capped),
		cmocka_unit_test(test_unknown),	       cmocka_unit_test(test_markers),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
