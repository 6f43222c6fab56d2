/* SPDX-License-Identifier: MIT */
/*
 * Tests of where dumps begin and whether they are whole: a dump with each line lost in turn, two dumps
 * of which the second lost its head, and noise.
 */
#include "traces/testing/check.h"

#include <string.h>

#include "traces/dmesg/dump_walk.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char *const dump[] = {
	"MEMBLOCK configuration:",
	" memory size = 0x000000007ff7ac00 reserved size = 0x000000000318c0e8",
	" memory.cnt  = 0x2",
	" memory[0x0]\t[0x0000000000001000-0x000000000009efff], 0x9e000 bytes flags: 0x0",
	" memory[0x1]\t[0x0000000000100000-0x000000007ffdbfff], 0x7fedc000 bytes flags: 0x0",
	" reserved.cnt  = 0x3",
	" reserved[0x0]\t[0x0000000000000000-0x0000000000000fff], 0x1000 bytes flags: 0x0",
	" reserved[0x1]\t[0x00000000000f5b90-0x00000000000f5c77], 0xe8 bytes flags: 0x0",
	" reserved[0x2]\t[0x0000000027800000-0x000000002a80cfff], 0x300d000 bytes flags: 0x0",
};

/* Is the dump of @lines, whose heading is the first, whole? */
static bool whole(const char *const *lines, size_t count)
{
	struct log_line items[32];
	struct log_text text = { .lines = items, .nlines = count };

	assert_true(count <= COUNT(items));
	memset(items, 0, sizeof(items));
	for (size_t i = 0; i < count; i++) {
		items[i].text = lines[i];
		items[i].len = strlen(lines[i]);
	}
	return dump_walk_is_whole(&text, 0, count);
}

static void each_line_counts(void **state)
{
	const char *lines[COUNT(dump)];

	(void)state;
	assert_true(whole(dump, COUNT(dump)));
	for (size_t lost = 1; lost < COUNT(dump); lost++) {
		size_t n = 0;

		for (size_t i = 0; i < COUNT(dump); i++)
			if (i != lost)
				lines[n++] = dump[i];
		assert_false(whole(lines, n));
		assert_false(whole(dump, lost));
	}
}

/* What follows a whole dump changes nothing, and what stands in it may be noise. */
static void what_else_there_may_be(void **state)
{
	const char *lines[COUNT(dump) + 2];

	(void)state;
	memcpy(lines, dump, sizeof(dump));
	lines[COUNT(dump)] = "memblock_reserve: [0x1000-0x1fff] x+0x1/0x2";
	lines[COUNT(dump) + 1] = dump[8];
	assert_true(whole(lines, COUNT(lines)));
	for (size_t at = 1; at < COUNT(dump); at++) {
		memcpy(lines, dump, at * sizeof(*lines));
		lines[at] = "random: crng init done";
		memcpy(lines + at + 1, dump + at, (COUNT(dump) - at) * sizeof(*lines));
		assert_true(whole(lines, COUNT(dump) + 1));
		lines[at] = "memblock_add: [0x1000-0x1fff] x+0x1/0x2";
		assert_false(whole(lines, COUNT(dump) + 1));
	}
}

/* A dump of empty lists. */
static void nothing_is_whole_too(void **state)
{
	static const char *const lines[] = {
		"MEMBLOCK configuration:",
		" memory size = 0x0 reserved size = 0x0",
		" memory.cnt  = 0x0",
		" reserved.cnt  = 0x0",
	};

	(void)state;
	assert_true(whole(lines, COUNT(lines)));
	assert_false(whole(lines, COUNT(lines) - 1));
}

/* After a whole dump each of these lines, by itself, is a second dump's that lost its head. */
static void a_second_dump(void **state)
{
	static const char *const seconds[] = {
		"MEMBLOCK configuration:",
		" memory size = 0x000000007ff7ac00 reserved size = 0x000000000318c0e8",
		" memory.cnt  = 0x2",
		" memory[0x1]\t[0x0000000000100000-0x000000007ffdbfff], 0x7fedc000 bytes",
		" reserved.cnt  = 0x9",
		" reserved[0x0]\t[0x0000000000000000-0x0000000000000fff], 0x1000 bytes",
		" reserved[0x2]\t[0x0000000027800000-0x000000002a80cfff], 0x300d000 bytes",
		" reserved[0x3]\t[0x0000000027800000-0x000000002a80cfff], 0x300d000 bytes",
	};

	(void)state;
	for (size_t s = 0; s < COUNT(seconds); s++) {
		struct dump_walk w = { .part = DUMP_NOWHERE };

		for (size_t i = 0; i < COUNT(dump); i++) {
			dump_walk_line(&w, dump[i]);
			assert_int_equal(w.begins, i == 0);
			assert_true(w.whole);
		}
		dump_walk_line(&w, seconds[s]);
		assert_true(w.begins);
		assert_int_equal(w.whole, s == 0);
	}
}

/* Lines lost within a dump do not make two of it. */
static void one_dump_with_gaps(void **state)
{
	(void)state;
	for (unsigned int kept = 1; kept < 1U << COUNT(dump); kept++) {
		struct dump_walk w = { .part = DUMP_NOWHERE };
		unsigned int begun = 0;

		for (size_t i = 0; i < COUNT(dump); i++) {
			if (!(kept >> i & 1))
				continue;
			dump_walk_line(&w, dump[i]);
			begun += w.begins;
		}
		assert_int_equal(begun, 1);
		assert_int_equal(w.whole, (kept & (kept + 1)) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_counts),	cmocka_unit_test(what_else_there_may_be),
		cmocka_unit_test(nothing_is_whole_too), cmocka_unit_test(a_second_dump),
		cmocka_unit_test(one_dump_with_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
