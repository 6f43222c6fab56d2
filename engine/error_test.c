/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/error.h"

static void expect_text(struct error *err, const char *want)
{
	char text[256], small[8];
	size_t len = error_format(err, text, sizeof(text));

	assert_string_equal(text, want);
	assert_int_equal(len, strlen(want));
	/* Cut, as snprintf() does, and measured without a buffer. */
	assert_int_equal(error_format(err, small, sizeof(small)), len);
	assert_int_equal(strlen(small), len < 7 ? len : 7);
	assert_memory_equal(small, want, strlen(small));
	assert_int_equal(error_format(err, NULL, 0), len);
	error_destroy(err);
}

static void formats_what_is_known(void **state)
{
	(void)state;
	expect_text(error_create(ERROR_SYNTAX, "a.txt", 7, 3, "expected %s, got %d", "a pfn", 5),
		    "a.txt:7:3: expected a pfn, got 5");
	expect_text(error_create(ERROR_SYNTAX, "a.txt", 7, 0, "x"), "a.txt:7: x");
	expect_text(error_create(ERROR_SYNTAX, "a.txt", 0, 0, "x"), "a.txt: x");
	/* A column without a line says nothing. */
	expect_text(error_create(ERROR_SYNTAX, "a.txt", 0, 3, "x"), "a.txt: x");
	expect_text(error_create(ERROR_SYNTAX, NULL, 7, 3, "x"), "line 7:3: x");
	expect_text(error_create(ERROR_SYNTAX, NULL, 7, 0, "x"), "line 7: x");
	expect_text(error_create(ERROR_SYNTAX, NULL, 0, 0, "x"), "x");
	expect_text(error_create(ERROR_SYNTAX, NULL, 0, 0, "%s", ""), "");
	expect_text(error_create_block(ERROR_CORRUPT, "a.bin", 0, "x %d", 1),
		    "a.bin: block 0: x 1");
	expect_text(error_create_block(ERROR_CORRUPT, NULL, 12, "x"), "block 12: x");
}

static void names_the_file_later(void **state)
{
	struct error *err = error_create(ERROR_RANGE, NULL, 1, 2, "x");

	(void)state;
	assert_null(err->file);
	assert_int_equal(err->block, -1);
	assert_ptr_equal(error_in_file(err, NULL), err);
	assert_null(err->file);
	assert_ptr_equal(error_in_file(err, "first"), err);
	assert_ptr_equal(error_in_file(err, "second"), err);
	assert_string_equal(err->file, "first");
	assert_int_equal(err->code, ERROR_RANGE);
	error_destroy(err);
	assert_null(error_in_file(NULL, "a"));
}

static void names_the_block_later(void **state)
{
	struct error *err;

	(void)state;
	err = error_in_block(error_create(ERROR_CORRUPT, NULL, 0, 0, "broken"), "a", 7);
	assert_int_equal(err->code, ERROR_CORRUPT);
	assert_int_equal(err->block, 7);
	assert_string_equal(err->file, "a");
	assert_string_equal(err->message, "broken");
	assert_ptr_equal(error_in_block(err, "b", 8), err);
	assert_int_equal(err->block, 7);
	error_destroy(err);
	assert_null(error_in_block(NULL, "a", 7));
	assert_ptr_equal(error_in_block(error_no_memory(), "a", 7), error_no_memory());
}

static void out_of_memory_is_static(void **state)
{
	struct error *err = error_no_memory();
	char text[64];

	(void)state;
	assert_int_equal(err->code, ERROR_NO_MEMORY);
	/* It belongs to nobody, and takes no name on. */
	assert_ptr_equal(error_in_file(err, "a"), err);
	assert_null(err->file);
	error_format(err, text, sizeof(text));
	assert_string_equal(text, "out of memory");
	error_destroy(err);
	error_destroy(err);
	error_destroy(NULL);
	assert_ptr_equal(error_no_memory(), err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_what_is_known),
		cmocka_unit_test(names_the_file_later),
		cmocka_unit_test(names_the_block_later),
		cmocka_unit_test(out_of_memory_is_static),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
