/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/text.h"

static char *text;
static size_t size;

static FILE *begin(void)
{
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	return f;
}

static void check(FILE *f, const char *expected)
{
	fclose(f);
	assert_string_equal(text, expected);
	free(text);
}

static void check_paragraph(unsigned int indent, unsigned int column, unsigned int width,
			    const char *in, const char *expected)
{
	FILE *f = begin();

	text_wrap_paragraph(f, indent, column, width, in, strlen(in));
	check(f, expected);
}

/* A line is filled to its width and not a byte more; a longer word stands alone. */
static void paragraphs(void **state)
{
	(void)state;
	check_paragraph(0, 0, 7, "aaa bbb ccc", "aaa bbb\nccc\n");
	check_paragraph(0, 0, 6, "aaa bbb ccc", "aaa\nbbb\nccc\n");
	check_paragraph(2, 0, 9, "aaa bbb ccc", "  aaa bbb\n  ccc\n");
	check_paragraph(4, 2, 7, "aaa bbb", "  aaa\n    bbb\n");
	check_paragraph(0, 0, 4, "a bbbbbbb c", "a\nbbbbbbb\nc\n");
	check_paragraph(0, 0, 9, "  a  \n b ", "a b\n");
	check_paragraph(3, 0, 9, "", "\n");
}

/* A blank line separates, a line that begins with a blank stays as it is. */
static void blocks(void **state)
{
	FILE *f = begin();

	(void)state;
	text_wrap(f, 2, 0, "one\ntwo\n\nthree\n  kept   as is\nfour");
	check(f, "  one two\n\n  three\n    kept   as is\n  four\n");
}

static void distances(void **state)
{
	char word[65];

	(void)state;
	assert_int_equal(text_distance("", ""), 0);
	assert_int_equal(text_distance("", "abc"), 3);
	assert_int_equal(text_distance("abc", ""), 3);
	assert_int_equal(text_distance("facts", "facts"), 0);
	assert_int_equal(text_distance("facs", "facts"), 1);
	assert_int_equal(text_distance("faccts", "facts"), 1);
	assert_int_equal(text_distance("fakts", "facts"), 1);
	assert_int_equal(text_distance("fcats", "facts"), 1);
	assert_int_equal(text_distance("kitten", "sitting"), 3);

	/* The longest word that fits, and one more. */
	memset(word, 'a', sizeof(word));
	word[64] = 0;
	assert_int_equal(text_distance(word, "a"), 64);
	word[63] = 0;
	assert_int_equal(text_distance(word, "a"), 62);
	assert_int_equal(text_distance("a", word), 62);
}

static const char *nearest(const char *word)
{
	static const char *const names[] = { "boot", "check", "convert", "facts", "help" };
	struct text_nearest n = { .word = word };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		text_nearest_offer(&n, names[i]);
	return n.best;
}

static void suggestions(void **state)
{
	struct text_nearest two = { .word = "ax" };

	(void)state;
	assert_string_equal(nearest("chekc"), "check");
	assert_string_equal(nearest("boots"), "boot");
	assert_string_equal(nearest("conv"), "convert");
	assert_string_equal(nearest("hepl"), "help");
	assert_null(nearest("zzz"));
	assert_null(nearest("x"));
	/* One letter says too little, even the first; in two, one slip is half of it. */
	assert_null(nearest("b"));
	text_nearest_offer(&two, "at");
	assert_null(two.best);
	assert_null(nearest(""));
	assert_null(nearest("replay"));
}

static void safe(void **state)
{
	FILE *f = begin();

	(void)state;
	text_print_safe(f, "a\x1b[31m\n\x7f\xc3\xa9");
	check(f, "a\\x1b[31m\\x0a\\x7f\xc3\xa9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paragraphs), cmocka_unit_test(blocks),
		cmocka_unit_test(distances),  cmocka_unit_test(suggestions),
		cmocka_unit_test(safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
