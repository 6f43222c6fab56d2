/* SPDX-License-Identifier: MIT */
/*
 * Tests of the firmware map: edits with their pictures, the edges of the address space, and random edits
 * against sheets of coloured cells.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/e820.h"
#include "engine/prng.h"
#include "engine/testing/e820_oracle.h"

#define KIB (1ULL << 10)
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static void expect_entries(const struct e820 *e, const struct e820_entry *rows, uint32_t count)
{
	assert_false(e->out_of_memory);
	assert_int_equal(e->count, count);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(e->entries[i].start, rows[i].start);
		assert_int_equal(e->entries[i].end, rows[i].end);
		assert_int_equal(e->entries[i].type, rows[i].type);
	}
}

#define EXPECT_ENTRIES(e, ...)                                                          \
	do {                                                                            \
		static const struct e820_entry rows_[] = { __VA_ARGS__ };               \
		expect_entries(e, rows_, (uint32_t)(sizeof(rows_) / sizeof(rows_[0]))); \
	} while (0)

/*
 *	   1    2    3    4    5    6
 *	   [RAM      |         ]
 *	        [res.|ACPI|    ]
 *	              =>
 *	   [RAM][res.|ACPI][RAM]
 */
static void the_higher_type_wins(void **state)
{
	struct e820 e = { 0 };

	(void)state;
	e820_add(&e, 3, 4, E820_ACPI);
	e820_add(&e, 1, 6, E820_RAM);
	e820_add(&e, 2, 3, E820_RESERVED);
	e820_add(&e, 5, 5, E820_NVS);
	e820_add(&e, 6, 5, E820_NVS);
	assert_int_equal(e.count, 3);
	e820_sanitize(&e);
	EXPECT_ENTRIES(&e, { 1, 2, E820_RAM }, { 2, 3, E820_RESERVED }, { 3, 4, E820_ACPI },
		       { 4, 6, E820_RAM });
	e820_deinit(&e);
	assert_null(e.entries);
}

/* Neighbours of one type are joined, also over an entry that lies inside; persistent ones are not. */
static void neighbours_are_joined(void **state)
{
	struct e820 e = { 0 };

	(void)state;
	e820_sanitize(&e);
	assert_int_equal(e.count, 0);
	e820_add(&e, 20, 30, E820_RAM);
	e820_add(&e, 10, 20, E820_RAM);
	e820_add(&e, 12, 15, E820_RAM);
	e820_add(&e, 31, 40, E820_RAM);
	e820_add(&e, 40, 50, E820_PRAM);
	e820_add(&e, 50, 60, E820_PRAM);
	e820_add(&e, 55, 57, E820_RAM);
	e820_add(&e, 60, 70, E820_SOFT_RESERVED);
	e820_add(&e, 70, 80, E820_SOFT_RESERVED);
	e820_sanitize(&e);
	EXPECT_ENTRIES(&e, { 10, 30, E820_RAM }, { 31, 40, E820_RAM }, { 40, 50, E820_PRAM },
		       { 50, 55, E820_PRAM }, { 55, 57, E820_PRAM }, { 57, 60, E820_PRAM },
		       { 60, 70, E820_SOFT_RESERVED }, { 70, 80, E820_SOFT_RESERVED });
	e820_deinit(&e);
}

/* An update or removal may hit the head, the middle, the tail, all of an entry, or none of it. */
static void edits_cut_entries(void **state)
{
	static const struct {
		phys_t start, end;
		struct e820_entry after[3]; /* of RAM from 10 to 20, reserved inside the edit */
	} rows[] = {
		{ 12, 14, { { 10, 12, 1 }, { 12, 14, 2 }, { 14, 20, 1 } } },
		{ 10, 14, { { 10, 14, 2 }, { 14, 20, 1 } } },
		{ 5, 14, { { 10, 14, 2 }, { 14, 20, 1 } } },
		{ 14, 20, { { 10, 14, 1 }, { 14, 20, 2 } } },
		{ 14, 25, { { 10, 14, 1 }, { 14, 20, 2 } } },
		{ 10, 20, { { 10, 20, 2 } } },
		{ 0, UINT64_MAX, { { 10, 20, 2 } } },
		{ 0, 10, { { 10, 20, 1 } } },
		{ 20, 30, { { 10, 20, 1 } } },
		{ 14, 14, { { 10, 20, 1 } } },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct e820_entry kept[3];
		struct e820 e = { 0 };
		uint32_t count = 0, rest = 0;

		while (count < 3 && rows[i].after[count].type)
			count++;
		for (uint32_t k = 0; k < count; k++)
			if (rows[i].after[k].type == E820_RAM)
				kept[rest++] = rows[i].after[k];
		e820_add(&e, 10, 20, E820_RAM);
		e820_update(&e, rows[i].start, rows[i].end, E820_RAM, E820_RESERVED);
		e820_sanitize(&e);
		expect_entries(&e, rows[i].after, count);
		/* Another type is left alone. */
		e820_update(&e, 0, UINT64_MAX, E820_ACPI, E820_NVS);
		e820_remove(&e, 0, UINT64_MAX, E820_NVS);
		expect_entries(&e, rows[i].after, count);
		e820_clear(&e);
		e820_add(&e, 10, 20, E820_RAM);
		e820_remove(&e, rows[i].start, rows[i].end, rows[i].start % 4 ? E820_RAM : 0);
		e820_sanitize(&e);
		expect_entries(&e, kept, rest);
		e820_deinit(&e);
	}
}

static void apply(struct e820 *e, const char *text, bool user_defined)
{
	struct cmdline c;

	cmdline_parse(text, true, &c);
	assert_int_equal(e820_apply_cmdline(e, &c), user_defined);
}

/* 640 KiB, the BIOS, RAM from 1 MiB to 2 GiB. */
static void begin_pc(struct e820 *e)
{
	memset(e, 0, sizeof(*e));
	e820_add(e, 0, 640 * KIB, E820_RAM);
	e820_add(e, 960 * KIB, MIB, E820_RESERVED);
	e820_add(e, MIB, 2 * GIB, E820_RAM);
}

static void options_edit_the_map(void **state)
{
	struct e820 e;

	(void)state;
	begin_pc(&e);
	apply(&e, "root=/dev/sda1 memory=1G", false);
	assert_int_equal(e.count, 3);
	e820_deinit(&e);

	begin_pc(&e);
	apply(&e, "mem=1G", true);
	EXPECT_ENTRIES(&e, { 0, 640 * KIB, E820_RAM }, { 960 * KIB, MIB, E820_RESERVED },
		       { MIB, GIB, E820_RAM });
	e820_deinit(&e);

	/* Only RAM is cut off. */
	begin_pc(&e);
	apply(&e, "mem=512K", true);
	EXPECT_ENTRIES(&e, { 0, 512 * KIB, E820_RAM }, { 960 * KIB, MIB, E820_RESERVED });
	e820_deinit(&e);

	begin_pc(&e);
	apply(&e, "memmap=1G", true);
	assert_int_equal(e.entries[2].end, GIB);
	e820_deinit(&e);

	/* In the order given: what was added before exactmap is forgotten. */
	begin_pc(&e);
	apply(&e, "memmap=1M@8G memmap=exactmap,640K@0,63M@1M,1M#64M memmap=1M$16M", true);
	EXPECT_ENTRIES(&e, { 0, 640 * KIB, E820_RAM }, { MIB, 16 * MIB, E820_RAM },
		       { 16 * MIB, 17 * MIB, E820_RESERVED }, { 17 * MIB, 64 * MIB, E820_RAM },
		       { 64 * MIB, 65 * MIB, E820_ACPI });
	e820_deinit(&e);

	begin_pc(&e);
	apply(&e, "memmap=1M!1G", true);
	EXPECT_ENTRIES(&e, { 0, 640 * KIB, E820_RAM }, { 960 * KIB, MIB, E820_RESERVED },
		       { MIB, GIB, E820_RAM }, { GIB, GIB + MIB, E820_PRAM },
		       { GIB + MIB, 2 * GIB, E820_RAM });
	e820_deinit(&e);
}

/* memmap=SIZE%START-OLD+NEW converts, adds, or removes. */
static void conversions(void **state)
{
	struct e820 e;

	(void)state;
	begin_pc(&e);
	apply(&e, "memmap=1M%1G-1+2", true);
	EXPECT_ENTRIES(&e, { 0, 640 * KIB, E820_RAM }, { 960 * KIB, MIB, E820_RESERVED },
		       { MIB, GIB, E820_RAM }, { GIB, GIB + MIB, E820_RESERVED },
		       { GIB + MIB, 2 * GIB, E820_RAM });
	apply(&e, "memmap=1M%1G-0x2+12", true);
	assert_int_equal(e.entries[3].type, E820_PRAM);
	/* Without an old type it adds, and the higher type wins; RAM under it stays what it is. */
	apply(&e, "memmap=2M%2G+3", true);
	assert_int_equal(e.count, 6);
	assert_int_equal(e.entries[5].type, E820_ACPI);
	apply(&e, "memmap=1M%2G-3", true);
	assert_int_equal(e.entries[5].start, 2 * GIB + MIB);
	/* Without either it removes whatever is there. */
	apply(&e, "memmap=4G%0", true);
	assert_int_equal(e.count, 0);
	e820_deinit(&e);
}

/* To the end of the address space, and no further. */
static void the_end_of_the_address_space(void **state)
{
	struct e820 e = { 0 };

	(void)state;
	e820_add(&e, UINT64_MAX - 4095, UINT64_MAX, E820_RESERVED);
	e820_add(&e, 0, GIB, E820_RAM);
	apply(&e, "memmap=8K$0xfffffffffffff000", true);
	EXPECT_ENTRIES(&e, { 0, GIB, E820_RAM }, { UINT64_MAX - 4095, UINT64_MAX, E820_RESERVED });
	apply(&e, "mem=0xffffffffffffffff", true);
	assert_int_equal(e.count, 2);
	apply(&e, "mem=1", true);
	EXPECT_ENTRIES(&e, { 0, 1, E820_RAM }, { UINT64_MAX - 4095, UINT64_MAX, E820_RESERVED });
	e820_deinit(&e);
}

/*
 *	0      4K              640K      1M
 *	[RAM                             |RAM	=>	[res.|RAM      |    |RAM
 */
static void the_bios_range(void **state)
{
	struct e820 e = { 0 };

	(void)state;
	e820_add(&e, 0, GIB, E820_RAM);
	e820_trim_bios_range(&e);
	EXPECT_ENTRIES(&e, { 0, 4 * KIB, E820_RESERVED }, { 4 * KIB, 640 * KIB, E820_RAM },
		       { MIB, GIB, E820_RAM });
	/* Again changes nothing, nor is anything but RAM taken away. */
	e820_add(&e, 960 * KIB, MIB, E820_RESERVED);
	e820_trim_bios_range(&e);
	EXPECT_ENTRIES(&e, { 0, 4 * KIB, E820_RESERVED }, { 4 * KIB, 640 * KIB, E820_RAM },
		       { 960 * KIB, MIB, E820_RESERVED }, { MIB, GIB, E820_RAM });
	e820_deinit(&e);
}

static void the_last_page_frame(void **state)
{
	struct e820 e = { 0 };

	(void)state;
	assert_int_equal(e820_end_pfn(&e, UINT64_MAX, true), 0);
	/* A part of a page counts as none. */
	e820_add(&e, 0, 0x3fff, E820_RAM);
	assert_int_equal(e820_end_pfn(&e, UINT64_MAX, false), 3);
	e820_add(&e, 0x8000, 0x9000, E820_ACPI);
	e820_add(&e, 0xa000, 0xb000, E820_RESERVED);
	assert_int_equal(e820_end_pfn(&e, UINT64_MAX, false), 3);
	assert_int_equal(e820_end_pfn(&e, UINT64_MAX, true), 9);
	e820_add(&e, 5 * GIB, 6 * GIB, E820_RAM);
	assert_int_equal(e820_end_pfn(&e, UINT64_MAX, false), 0x180000);
	/* Below 4 GiB; in the midst of an entry; at its start. */
	assert_int_equal(e820_end_pfn(&e, 0x100000, false), 3);
	assert_int_equal(e820_end_pfn(&e, 0x150000, false), 0x150000);
	assert_int_equal(e820_end_pfn(&e, 0x140000, false), 3);
	assert_int_equal(e820_end_pfn(&e, 0, false), 0);
	e820_deinit(&e);
}

static void copies(void **state)
{
	struct e820 a = { 0 }, b = { 0 };

	(void)state;
	for (phys_t i = 0; i < 100; i++)
		e820_add(&a, 2 * i, 2 * i + 1, E820_RAM);
	e820_add(&b, 1, 2, E820_NVS);
	e820_copy(&b, &a);
	expect_entries(&b, a.entries, 100);
	assert_ptr_not_equal(a.entries, b.entries);
	e820_clear(&a);
	e820_copy(&b, &a);
	assert_int_equal(b.count, 0);
	e820_deinit(&a);
	e820_deinit(&b);
}

static const uint32_t types[] = { E820_RAM,	 E820_RAM,  E820_RESERVED,     E820_ACPI,
				  E820_UNUSABLE, E820_PRAM, E820_SOFT_RESERVED };

static uint32_t draw_type(struct prng *prng)
{
	return types[prng_below(prng, sizeof(types) / sizeof(types[0]))];
}

static void expect_like_model(const struct e820 *e, const struct e820_oracle *o, unsigned int run)
{
	if (e->count != o->count)
		fail_msg("run %u: %u entries, not %u", run, e->count, o->count);
	for (uint32_t i = 0; i < o->count; i++) {
		unsigned int start = 0, end = E820_ORACLE_CELLS;

		while (!o->sheets[i][start])
			start++;
		while (!o->sheets[i][end - 1])
			end--;
		if (e->entries[i].start != start || e->entries[i].end != end ||
		    e->entries[i].type != o->sheets[i][start])
			fail_msg("run %u entry %u: [%llu, %llu) type %u, not [%u, %u) type %u", run,
				 i, (unsigned long long)e->entries[i].start,
				 (unsigned long long)e->entries[i].end, e->entries[i].type, start,
				 end, o->sheets[i][start]);
	}
}

static void random_edits_agree_with_the_model(void **state)
{
	(void)state;
	for (unsigned int run = 0; run < 2000; run++) {
		struct prng prng = prng_init(run);
		struct e820_oracle o = { .count = 0 };
		struct e820 e = { 0 };

		for (unsigned int step = 0; step < 30; step++) {
			unsigned int a = (unsigned int)prng_below(&prng, E820_ORACLE_CELLS);
			unsigned int b =
				(unsigned int)prng_between(&prng, a + 1, E820_ORACLE_CELLS);
			uint32_t old = draw_type(&prng), new = draw_type(&prng);

			switch (prng_below(&prng, 4)) {
			case 0:
				if (new == old)
					new = E820_NVS;
				e820_update(&e, a, b, old, new);
				e820_oracle_change(&o, a, b, old, new);
				break;
			case 1:
				if (prng_chance(&prng, 1, 8))
					old = 0;
				e820_remove(&e, a, b, old);
				e820_oracle_change(&o, a, b, old, 0);
				break;
			default:
				e820_add(&e, a, b, new);
				e820_oracle_add(&o, a, b, new);
			}
			if (!prng_chance(&prng, 1, 3))
				continue;
			e820_sanitize(&e);
			e820_oracle_sanitize(&o);
			expect_like_model(&e, &o, run);
		}
		e820_deinit(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_higher_type_wins),
		cmocka_unit_test(neighbours_are_joined),
		cmocka_unit_test(edits_cut_entries),
		cmocka_unit_test(options_edit_the_map),
		cmocka_unit_test(conversions),
		cmocka_unit_test(the_end_of_the_address_space),
		cmocka_unit_test(the_bios_range),
		cmocka_unit_test(the_last_page_frame),
		cmocka_unit_test(copies),
		cmocka_unit_test(random_edits_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
