/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sink.h"

static void text_grows(void **state)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);

	(void)state;
	assert_string_equal(sink_text_string(&text), "");
	for (int i = 0; i < 1000; i++)
		sink_printf(&sink, "%d,", i % 10);
	assert_int_equal(text.len, 2000);
	assert_string_equal(sink_text_string(&text) + 1990, "5,6,7,8,9,");
	sink_text_clear(&text);
	assert_string_equal(sink_text_string(&text), "");
	sink_puts(&sink, "again");
	assert_string_equal(sink_text_string(&text), "again");
	sink_text_deinit(&text);
	assert_null(text.data);
}

/* Both sides of the buffer on the stack: 255 bytes fit, 256 do not. */
static void long_text_is_whole(void **state)
{
	static const int lengths[] = { 1, 254, 255, 256, 257, 5000 };
	char expected[5001];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct sink_text text = { 0 };
		struct sink sink = sink_to_text(&text);

		memset(expected, 'x', (size_t)lengths[i]);
		expected[lengths[i]] = 0;
		sink_printf(&sink, "%s", expected);
		assert_string_equal(sink_text_string(&text), expected);
		sink_text_deinit(&text);
	}
}

static void count_writes(void *ctx, const char *text, size_t len)
{
	(void)text;
	(void)len;
	++*(int *)ctx;
}

static void nothing_is_not_written(void **state)
{
	int writes = 0;
	struct sink sink = { count_writes, &writes };

	(void)state;
	sink_puts(&sink, "");
	sink_printf(&sink, "%s", "");
	sink_write(&sink, "abc", 0);
	assert_int_equal(writes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_grows),
		cmocka_unit_test(long_text_is_whole),
		cmocka_unit_test(nothing_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
