/* SPDX-License-Identifier: MIT */
/*
 * Tests of GFP flags: values that kernels printed next to the names, and the way back, per kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/gfp.h"
#include "engine/prng.h"

static void table_of(const char *version, struct gfp_table *ret)
{
	struct facts facts;
	uint32_t number;

	assert_true(facts_parse_version(version, &number));
	facts_init(&facts, number);
	gfp_table_init(ret, &facts);
}

static void check_same(const struct gfp_table *table, const char *text, uint32_t gfp)
{
	char printed[512];
	uint32_t got = 0;

	assert_true(gfp_parse(table, text, strlen(text), &got));
	assert_int_equal(got, gfp);
	assert_int_equal(gfp_format(table, gfp, printed, sizeof(printed)), strlen(text));
	assert_string_equal(printed, text);
}

/* The values are those of page allocation failures and OOM reports of such kernels. */
static void test_values(void **state)
{
	static const struct {
		const char *version, *text;
		uint32_t gfp;
	} cases[] = {
		{ "2.6.32", "GFP_KERNEL", 0xd0 },
		{ "2.6.32", "GFP_ATOMIC", 0x20 },
		{ "2.6.32", "GFP_NOWAIT", 0 },
		{ "2.6.32", "GFP_HIGHUSER_MOVABLE", 0x200da },
		{ "2.6.32", "GFP_KERNEL|GFP_REPEAT|GFP_ZERO|0x2", 0x84d2 },
		{ "2.6.32", "GFP_TEMPORARY", 0x800d0 },
		{ "2.6.32", "GFP_NOIO|GFP_ZERO|0x80", 0x8090 },
		{ "3.10", "GFP_TRANSHUGE", 0x4352da },
		{ "3.10", "GFP_KERNEL|GFP_KMEMCG", 0x1000d0 },
		{ "4.4", "GFP_KERNEL", 0x24000c0 },
		/* GFP_HIGHUSER_MOVABLE and four more bits, without 0x2000000, which wakes kswapd. */
		{ "4.4", "GFP_TRANSHUGE", 0x4352ca },
		{ "4.4", "GFP_ATOMIC", 0x2080020 },
		{ "4.4", "GFP_HIGHUSER_MOVABLE", 0x24200ca },
		{ "4.4", "GFP_HIGH|GFP_ATOMIC", 0x80020 },
		{ "2.6.32", "GFP_NOIO|GFP_MOVABLE", 0x18 },
		{ "4.4", "GFP_MOVABLE", 0x8 },
		{ "4.4", "GFP_NOIO|GFP_ATOMIC", 0x2480000 },
		{ "4.4", "GFP_NOWAIT", 0 },
		{ "4.9", "GFP_ATOMIC|__GFP_COMP", 0x2084020 },
		{ "4.9", "GFP_KERNEL_ACCOUNT|__GFP_NOTRACK", 0x27000c0 },
		{ "4.9", "none", 0 },
		{ "4.13.11", "GFP_KERNEL", 0x14000c0 },
		{ "4.13.11", "GFP_HIGHUSER_MOVABLE", 0x14200ca },
		{ "4.13.5", "GFP_KERNEL_ACCOUNT|__GFP_ZERO|__GFP_NOTRACK", 0x17080c0 },
		{ "4.15", "GFP_ATOMIC", 0x1080020 },
		{ "4.18", "GFP_KERNEL", 0x6000c0 },
		{ "4.19", "GFP_ATOMIC", 0x480020 },
		{ "5.4", "GFP_KERNEL|__GFP_ZERO", 0xdc0 },
		{ "5.10", "GFP_TRANSHUGE_LIGHT|__GFP_THISNODE", 0x3c20ca },
		{ "5.10", "GFP_TRANSHUGE", 0x1c24ca },
		{ "6.1", "GFP_ATOMIC|__GFP_ZEROTAGS", 0x800a20 },
		{ "6.1", "GFP_NOWAIT|__GFP_NOWARN", 0x2800 },
		{ "6.12", "GFP_NOWAIT", 0x2800 },
		{ "6.12", "GFP_ATOMIC", 0x820 },
		{ "6.12", "GFP_USER|__GFP_WRITE", 0x101cc0 },
		{ "6.12", "GFP_KERNEL|0x1000000", 0x1000cc0 },
		{ "7.2", "GFP_KERNEL|__GFP_ZERO|__GFP_COMP", 0x40dc0 },
		{ "7.2", "GFP_KERNEL|__GFP_NO_OBJ_EXT", 0x1000cc0 },
		{ "7.2", "__GFP_HIGHMEM|__GFP_MOVABLE", 0xa },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gfp_table table;

		table_of(cases[i].version, &table);
		check_same(&table, cases[i].text, cases[i].gfp);
	}
}

/* Whatever a kernel prints is read back; only GFP_ATOMIC of 4.4 can stand for two things. */
static void test_both_ways(void **state)
{
	static const char *const versions[] = { "2.6.32", "3.10", "4.4",  "4.6",  "4.9",  "4.12",
						"4.15",	  "4.18", "5.4",  "5.10", "5.15", "6.1",
						"6.3",	  "6.6",  "6.12", "7.2" };
	struct prng prng = prng_init(7);

	(void)state;
	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
		struct gfp_table table;

		table_of(versions[v], &table);
		for (unsigned int i = 0; i < 20000; i++) {
			uint32_t gfp = (uint32_t)prng_next(&prng), got;
			char text[1024];
			size_t len;

			for (unsigned int fewer = i % 3; fewer; fewer--)
				gfp &= (uint32_t)prng_next(&prng);
			len = gfp_format(&table, gfp, text, sizeof(text));
			assert_true(len < sizeof(text));
			assert_true(gfp_parse(&table, text, len, &got));
			if (got != gfp &&
			    !(!strcmp(versions[v], "4.4") && strstr(text, "GFP_ATOMIC")))
				fail_msg("%s: 0x%x is \"%s\", which is 0x%x", versions[v], gfp,
					 text, got);
		}
	}
}

static void test_not_understood(void **state)
{
	static const char *const texts[] = { "",
					     "GFP_KERNEL|",
					     "GFP_KERNEL|__GFP_NEW",
					     "0x",
					     "0xg",
					     "0x100000000",
					     "GFP_KERNEL |__GFP_ZERO",
					     "GFP",
					     "__GFP_A_NAME_LONGER_THAN_ANY_THERE_IS" };
	struct gfp_table table;
	uint32_t gfp;

	(void)state;
	table_of("6.1", &table);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(gfp_parse(&table, texts[i], strlen(texts[i]), &gfp));
	assert_false(gfp_parse(&table, "GFP_KERNEL|__GFP_NEW|__GFP_ZERO", 31, &gfp));
	assert_int_equal(gfp, 0xdc0);
	/* When waiting became two flags it lost its name. */
	table_of("3.10", &table);
	assert_true(gfp_parse(&table, "GFP_WAIT", 8, &gfp));
	assert_int_equal(gfp, 0x10);
	table_of("4.4", &table);
	assert_false(gfp_parse(&table, "GFP_WAIT", 8, &gfp));
	/* Numbers alone, as perf writes raw fields. */
	assert_true(gfp_parse(&table, "3264", 4, &gfp));
	assert_int_equal(gfp, 0xcc0);
}

static void test_format_cut_off(void **state)
{
	struct gfp_table table;
	char text[8] = "#######";

	(void)state;
	table_of("6.1", &table);
	assert_int_equal(gfp_format(&table, 0xcc0, text, sizeof(text)), 10);
	assert_string_equal(text, "GFP_KER");
	assert_int_equal(gfp_format(&table, 0xcc0, NULL, 0), 10);
}

static void test_zone(void **state)
{
	uint32_t x86_64 = 1U << ZONE_DMA | 1U << ZONE_DMA32 | 1U << ZONE_NORMAL |
			  1U << ZONE_MOVABLE;
	uint32_t i386 = 1U << ZONE_DMA | 1U << ZONE_NORMAL | 1U << ZONE_HIGHMEM |
			1U << ZONE_MOVABLE;
	static const struct {
		uint32_t gfp;
		enum zone_type x86_64, i386;
	} cases[] = {
		{ 0xcc0, ZONE_NORMAL, ZONE_NORMAL },
		{ 0x1, ZONE_DMA, ZONE_DMA },
		{ 0x9, ZONE_DMA, ZONE_DMA },
		{ 0x2, ZONE_NORMAL, ZONE_HIGHMEM },
		{ 0x4, ZONE_DMA32, ZONE_NORMAL },
		{ 0xc, ZONE_DMA32, ZONE_NORMAL },
		{ 0x8, ZONE_NORMAL, ZONE_NORMAL },
		{ 0x100cca, ZONE_MOVABLE, ZONE_MOVABLE },
		{ 0x3, ZONE_TYPE_COUNT, ZONE_TYPE_COUNT },
		{ 0xf, ZONE_TYPE_COUNT, ZONE_TYPE_COUNT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(gfp_zone(cases[i].gfp, x86_64), cases[i].x86_64);
		assert_int_equal(gfp_zone(cases[i].gfp, i386), cases[i].i386);
	}
}

static void test_migratetype(void **state)
{
	struct gfp_table table;

	(void)state;
	table_of("6.1", &table);
	assert_int_equal(gfp_migratetype(&table, 0xcc0), 0);
	assert_int_equal(gfp_migratetype(&table, 0x100cca), 1);
	assert_int_equal(gfp_migratetype(&table, 0xcd0), 2);
	assert_int_equal(gfp_migratetype(&table, 0x18), 3);
	table_of("2.6.32", &table);
	assert_int_equal(gfp_migratetype(&table, 0xd0), 0);
	assert_int_equal(gfp_migratetype(&table, 0x800d0), 1);
	assert_int_equal(gfp_migratetype(&table, 0x200da), 2);
}

/* Where each numbering has its bits; include/linux/gfp.h of these versions. */
static void test_numbering(void **state)
{
	static const char *const versions[] = { "2.6.32", "3.10", "4.4", "4.12", "4.19", "5.4" };
	static const struct {
		enum gfp_bit bit;
		uint32_t mask[6];
	} rows[] = {
		{ GFP_BIT_DMA, { 0x1, 0x1, 0x1, 0x1, 0x1, 0x1 } },
		{ GFP_BIT_HIGHMEM, { 0x2, 0x2, 0x2, 0x2, 0x2, 0x2 } },
		{ GFP_BIT_DMA32, { 0x4, 0x4, 0x4, 0x4, 0x4, 0x4 } },
		{ GFP_BIT_MOVABLE, { 0x8, 0x8, 0x8, 0x8, 0x8, 0x8 } },
		{ GFP_BIT_RECLAIMABLE, { 0x80000, 0x80000, 0x10, 0x10, 0x10, 0x10 } },
		{ GFP_BIT_HIGH, { 0x20, 0x20, 0x20, 0x20, 0x20, 0x20 } },
		{ GFP_BIT_IO, { 0x40, 0x40, 0x40, 0x40, 0x40, 0x40 } },
		{ GFP_BIT_FS, { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80 } },
		{ GFP_BIT_COLD, { 0x100, 0x100, 0x100, 0x100, 0, 0 } },
		{ GFP_BIT_NOWARN, { 0x200, 0x200, 0x200, 0x200, 0x200, 0x2000 } },
		{ GFP_BIT_REPEAT, { 0x400, 0x400, 0x400, 0x400, 0x400, 0x4000 } },
		{ GFP_BIT_NOFAIL, { 0x800, 0x800, 0x800, 0x800, 0x800, 0x8000 } },
		{ GFP_BIT_NORETRY, { 0x1000, 0x1000, 0x1000, 0x1000, 0x1000, 0x10000 } },
		{ GFP_BIT_MEMALLOC, { 0, 0x2000, 0x2000, 0x2000, 0x2000, 0x20000 } },
		{ GFP_BIT_COMP, { 0x4000, 0x4000, 0x4000, 0x4000, 0x4000, 0x40000 } },
		{ GFP_BIT_ZERO, { 0x8000, 0x8000, 0x8000, 0x8000, 0x8000, 0x100 } },
		{ GFP_BIT_NOMEMALLOC, { 0x10000, 0x10000, 0x10000, 0x10000, 0x10000, 0x80000 } },
		{ GFP_BIT_HARDWALL, { 0x20000, 0x20000, 0x20000, 0x20000, 0x20000, 0x100000 } },
		{ GFP_BIT_THISNODE, { 0x40000, 0x40000, 0x40000, 0x40000, 0x40000, 0x200000 } },
		{ GFP_BIT_ATOMIC, { 0, 0, 0x80000, 0x80000, 0x80000, 0x200 } },
		{ GFP_BIT_ACCOUNT, { 0, 0x100000, 0x100000, 0x100000, 0x100000, 0x400000 } },
		{ GFP_BIT_NOTRACK, { 0x200000, 0x200000, 0x200000, 0x200000, 0, 0 } },
		{ GFP_BIT_NO_KSWAPD, { 0, 0x400000, 0, 0, 0, 0 } },
		{ GFP_BIT_WAIT, { 0x10, 0x10, 0x400000, 0x400000, 0x200000, 0x400 } },
		{ GFP_BIT_OTHER_NODE, { 0, 0x800000, 0x800000, 0, 0, 0 } },
		{ GFP_BIT_WRITE, { 0, 0x1000000, 0x1000000, 0x800000, 0x100, 0x1000 } },
		{ GFP_BIT_KSWAPD_RECLAIM, { 0, 0, 0x2000000, 0x1000000, 0x400000, 0x800 } },
	};

	(void)state;
	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
		uint32_t all = 0, seen = 0;
		struct gfp_table table;

		table_of(versions[v], &table);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			if (gfp_mask_of(&table, rows[i].bit) != rows[i].mask[v])
				fail_msg("%s: bit %d is 0x%x", versions[v], rows[i].bit,
					 gfp_mask_of(&table, rows[i].bit));
			seen |= rows[i].mask[v];
		}
		/* And no others. */
		for (unsigned int bit = 0; bit < GFP_BIT_COUNT; bit++)
			all |= gfp_mask_of(&table, bit);
		assert_int_equal(all, seen);
	}
}

/* Bits by name, and those that come and go with the kernel's configuration. */
static void test_bits(void **state)
{
	struct gfp_table table;
	struct facts facts;
	uint32_t version;

	(void)state;
	table_of("2.6.32", &table);
	assert_int_equal(gfp_mask_of(&table, GFP_BIT_WAIT), 0x10);
	assert_int_equal(gfp_mask_of(&table, GFP_BIT_ATOMIC), 0);
	assert_int_equal(gfp_mask_of(&table, GFP_BIT_COLD), 0x100);
	assert_int_equal(gfp_mask_of(&table, GFP_BIT_MEMALLOC), 0);
	table_of("6.1", &table);
	assert_true(gfp_has(&table, 0xa20, GFP_BIT_ATOMIC));
	assert_false(gfp_has(&table, 0xcc0, GFP_BIT_HIGH));
	assert_int_equal(gfp_mask_of(&table, GFP_BIT_NOLOCKDEP), 0);

	assert_true(facts_parse_version("6.1", &version));
	facts_init(&facts, version);
	assert_null(facts_set(&facts, "config_lockdep=on"));
	assert_null(facts_set(&facts, "config_kasan_hw_tags=on"));
	gfp_table_init(&table, &facts);
	assert_int_equal(gfp_mask_of(&table, GFP_BIT_NOLOCKDEP), 0x8000000);
	check_same(&table, "GFP_HIGHUSER_MOVABLE|__GFP_SKIP_ZERO", 0x7100cca);

	assert_true(facts_parse_version("7.2", &version));
	facts_init(&facts, version);
	assert_null(facts_set(&facts, "config_lockdep=on"));
	gfp_table_init(&table, &facts);
	check_same(&table, "GFP_KERNEL|__GFP_NOLOCKDEP|__GFP_NO_OBJ_EXT", 0x3000cc0);
	assert_null(facts_set(&facts, "config_kasan_hw_tags=on"));
	gfp_table_init(&table, &facts);
	check_same(&table, "GFP_KERNEL|__GFP_SKIP_ZERO|__GFP_NO_OBJ_EXT", 0x9000cc0);
}

static void test_names_of_a_trace(void **state)
{
	struct gfp_table table;

	(void)state;
	table_of("6.1", &table);
	gfp_table_clear_names(&table);
	assert_true(gfp_table_add_name(&table, "GFP_KERNEL", 10, 0x7));
	assert_true(gfp_table_add_name(&table, "__GFP_NEW", 9, 0x100));
	assert_true(gfp_table_add_name(&table, "__GFP_ZERO", 10, 0x200));
	assert_false(gfp_table_add_name(&table, "__GFP_NOTHING", 13, 0));
	check_same(&table, "GFP_KERNEL|__GFP_NEW|__GFP_ZERO|0x8", 0x30f);
	assert_int_equal(gfp_mask_of(&table, GFP_BIT_ZERO), 0x200);
	for (unsigned int i = table.name_count; i < GFP_NAMES_MAX; i++)
		assert_true(gfp_table_add_name(&table, "X", 1, 1));
	assert_false(gfp_table_add_name(&table, "X", 1, 1));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_not_understood),
		cmocka_unit_test(test_format_cut_off),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_migratetype),
		cmocka_unit_test(test_numbering),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_names_of_a_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
