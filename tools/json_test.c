/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/json.h"

/* A writer into memory. */
struct memory {
	struct json j;
	FILE *file;
	char *text;
	size_t size;
};

static void begin(struct memory *m, enum json_style style)
{
	m->file = open_memstream(&m->text, &m->size);
	assert_non_null(m->file);
	json_init(&m->j, m->file, style);
}

static void check(struct memory *m, const char *expected)
{
	json_deinit(&m->j);
	fclose(m->file);
	assert_string_equal(m->text, expected);
	free(m->text);
}

/* The compact text of one string value of @len bytes. */
static void check_string(const char *bytes, size_t len, const char *expected)
{
	struct memory m;

	begin(&m, JSON_COMPACT);
	json_string_n(&m.j, bytes, len);
	check(&m, expected);
}
#define CHECK_STRING(literal, expected) check_string(literal, sizeof(literal) - 1, expected)

static void write_sample(struct json *j)
{
	json_object_begin(j);
	json_key_string(j, "z", "first");
	json_key_array_begin(j, "list");
	json_u64(j, 1);
	json_array_begin(j);
	json_array_end(j);
	json_object_begin(j);
	json_object_end(j);
	json_null(j);
	json_array_end(j);
	json_key_object_begin(j, "a");
	json_key_bool(j, "yes", true);
	json_key_bool(j, "no", false);
	json_key_null(j, "none");
	json_object_end(j);
	json_object_end(j);
}

/* Keys stay in the order of the calls; an empty list or object stays on its line. */
static void pretty(void **state)
{
	struct memory m;

	(void)state;
	begin(&m, JSON_PRETTY);
	write_sample(&m.j);
	check(&m, "{\n"
		  "  \"z\": \"first\",\n"
		  "  \"list\": [\n"
		  "    1,\n"
		  "    [],\n"
		  "    {},\n"
		  "    null\n"
		  "  ],\n"
		  "  \"a\": {\n"
		  "    \"yes\": true,\n"
		  "    \"no\": false,\n"
		  "    \"none\": null\n"
		  "  }\n"
		  "}\n");
}

static void compact(void **state)
{
	struct memory m;

	(void)state;
	begin(&m, JSON_COMPACT);
	write_sample(&m.j);
	check(&m, "{\"z\":\"first\",\"list\":[1,[],{},null],"
		  "\"a\":{\"yes\":true,\"no\":false,\"none\":null}}\n");
}

/* All 64 bits, as plain numbers. */
static void integers(void **state)
{
	struct memory m;

	(void)state;
	begin(&m, JSON_COMPACT);
	json_array_begin(&m.j);
	json_u64(&m.j, 0);
	json_u64(&m.j, UINT64_MAX);
	json_i64(&m.j, INT64_MIN);
	json_i64(&m.j, INT64_MAX);
	json_i64(&m.j, -1);
	json_array_end(&m.j);
	check(&m, "[0,18446744073709551615,-9223372036854775808,9223372036854775807,-1]\n");
}

static void escapes(void **state)
{
	(void)state;
	CHECK_STRING("", "\"\"\n");
	CHECK_STRING("a\"b\\c/d", "\"a\\\"b\\\\c/d\"\n");
	CHECK_STRING("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"\n");
	CHECK_STRING("\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"\n");
	CHECK_STRING("a\0b", "\"a\\u0000b\"\n");
}

static void utf8_valid(void **state)
{
	(void)state;
	/* The smallest and the largest of each length, and the neighbours of the surrogates. */
	CHECK_STRING("\xc2\x80\xdf\xbf", "\"\xc2\x80\xdf\xbf\"\n");
	CHECK_STRING("\xe0\xa0\x80\xef\xbf\xbf", "\"\xe0\xa0\x80\xef\xbf\xbf\"\n");
	CHECK_STRING("\xed\x9f\xbf\xee\x80\x80", "\"\xed\x9f\xbf\xee\x80\x80\"\n");
	CHECK_STRING("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"\n");
}

/* One replacement for each maximal part that could have begun a sequence (Unicode 3.9, table 3-8). */
static void utf8_invalid(void **state)
{
	(void)state;
	CHECK_STRING("a\x80z", "\"a\\ufffdz\"\n");
	CHECK_STRING("\xc0\xaf", "\"\\ufffd\\ufffd\"\n");
	CHECK_STRING("\xc1\xbf", "\"\\ufffd\\ufffd\"\n");
	CHECK_STRING("\xff\xfe", "\"\\ufffd\\ufffd\"\n");
	/* Overlong, surrogate, beyond U+10FFFF: the second byte is refused already. */
	CHECK_STRING("\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"\n");
	CHECK_STRING("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"\n");
	CHECK_STRING("\xf0\x80\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"\n");
	CHECK_STRING("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"\n");
	CHECK_STRING("\xf5\x80", "\"\\ufffd\\ufffd\"\n");
	/* Cut off: by the end, by another character, by another beginning. */
	CHECK_STRING("\xe2\x82", "\"\\ufffd\"\n");
	CHECK_STRING("\xf0\x9f\x92", "\"\\ufffd\"\n");
	CHECK_STRING("\xe2\x82z", "\"\\ufffdz\"\n");
	CHECK_STRING("\xe2\xc3\xa9", "\"\\ufffd\xc3\xa9\"\n");
	CHECK_STRING("\xf0\x9f\xf0\x9f\x92\xa9", "\"\\ufffd\xf0\x9f\x92\xa9\"\n");
}

/* A key may be any text too. */
static void keys(void **state)
{
	struct memory m;

	(void)state;
	begin(&m, JSON_COMPACT);
	json_object_begin(&m.j);
	json_key_u64(&m.j, "a\"\xff", 1);
	json_key_i64(&m.j, "", -2);
	json_object_end(&m.j);
	check(&m, "{\"a\\\"\\ufffd\":1,\"\":-2}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pretty),     cmocka_unit_test(compact),
		cmocka_unit_test(integers),   cmocka_unit_test(escapes),
		cmocka_unit_test(utf8_valid), cmocka_unit_test(utf8_invalid),
		cmocka_unit_test(keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
