/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "traces/scan.h"
#include "traces/strings.h"

static struct scan of(const char *text)
{
	return scan_of(text, strlen(text));
}

/* What is left is exactly @text. */
static void check_left(const struct scan *s, const char *text)
{
	assert_int_equal(scan_left(s), strlen(text));
	assert_memory_equal(s->p, text, strlen(text));
}

static void check_str(struct scan_str str, const char *text)
{
	if (!scan_str_eq(str, text))
		fail_msg("'%.*s' is not '%s'", (int)str.len, str.p, text);
}

typedef bool (*number_step)(struct scan *s, uint64_t *ret);

static bool step_u32(struct scan *s, uint64_t *ret)
{
	uint32_t value = 77;
	bool ok = scan_u32(s, &value);

	*ret = value;
	return ok;
}

static bool step_i32(struct scan *s, uint64_t *ret)
{
	int32_t value = 77;
	bool ok = scan_i32(s, &value);

	*ret = (uint64_t)(int64_t)value;
	return ok;
}

static bool step_i64(struct scan *s, uint64_t *ret)
{
	int64_t value = 77;
	bool ok = scan_i64(s, &value);

	*ret = (uint64_t)value;
	return ok;
}

/* A step takes the number and leaves the rest, or takes nothing; was it too large? */
static void numbers(void **state)
{
	static const struct {
		number_step step;
		const char *text;
		bool ok;
		uint64_t value;
		const char *left;
		bool too_large;
	} cases[] = {
		{ scan_dec, "0", true, 0, "", false },
		{ scan_dec, "007kB", true, 7, "kB", false },
		{ scan_dec, "18446744073709551615 ", true, UINT64_MAX, " ", false },
		{ scan_dec, "18446744073709551616", false, 77, "18446744073709551616", true },
		{ scan_dec, "99999999999999999999", false, 77, "99999999999999999999", true },
		{ scan_dec, "000000000000000000000000018446744073709551615", true, UINT64_MAX, "",
		  false },
		{ scan_dec, "", false, 77, "", false },
		{ scan_dec, "-1", false, 77, "-1", false },
		{ scan_dec, " 1", false, 77, " 1", false },
		{ scan_dec, "x", false, 77, "x", false },
		{ step_u32, "4294967295", true, UINT32_MAX, "", false },
		{ step_u32, "4294967296", false, 77, "4294967296", true },
		{ step_i32, "-1,", true, (uint64_t)-1, ",", false },
		{ step_i32, "2147483647", true, INT32_MAX, "", false },
		{ step_i32, "2147483648", false, 77, "2147483648", true },
		{ step_i32, "--1", false, 77, "--1", false },
		{ step_i64, "-9223372036854775807", true, (uint64_t)-INT64_MAX, "", false },
		{ step_i64, "9223372036854775808", false, 77, "9223372036854775808", true },
		{ step_i64, "-9223372036854775808", false, 77, "-9223372036854775808", false },
		{ scan_hex, "7fDbfff-", true, 0x7fdbfff, "-", false },
		{ scan_hex, "ffffffffffffffff", true, UINT64_MAX, "", false },
		{ scan_hex, "10000000000000000", false, 77, "10000000000000000", true },
		{ scan_hex, "fffffffffffffffff", false, 77, "fffffffffffffffff", true },
		{ scan_hex, "x1", false, 77, "x1", false },
		{ scan_0x, "0x10)", true, 16, ")", false },
		{ scan_0x, "10", false, 77, "10", true },
		{ scan_0x, "0x", false, 77, "0x", false },
		{ scan_number, "0x1g", true, 1, "g", false },
		{ scan_number, "0x", true, 0, "x", false },
		{ scan_number, "12", true, 12, "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scan s = of(cases[i].text);
		uint64_t value = 77;

		if (cases[i].step(&s, &value) != cases[i].ok || value != cases[i].value ||
		    strcmp(s.p, cases[i].left) != 0 ||
		    (!cases[i].ok && scan_number_too_large(&s) != cases[i].too_large))
			fail_msg("case %zu, %s: %llu, left %s", i, cases[i].text,
				 (unsigned long long)value, s.p);
	}
}

static void words(void **state)
{
	struct scan s = of("Node 0, zone\t DMA32 (a(b)c)(  x");
	struct scan_str str;
	uint32_t nid;

	(void)state;
	assert_false(scan_lit(&s, "Nodes"));
	assert_true(scan_lit(&s, "Node "));
	assert_true(scan_u32(&s, &nid));
	assert_true(scan_char(&s, ','));
	assert_false(scan_char(&s, ','));
	assert_true(scan_ws1(&s));
	assert_false(scan_ws1(&s));
	assert_true(scan_word(&s, &str));
	check_str(str, "zone");
	assert_true(scan_ws(&s));
	assert_true(scan_name(&s, &str));
	check_str(str, "DMA32");
	assert_false(scan_name(&s, &str));
	assert_false(scan_word(&s, &str));
	scan_ws(&s);
	assert_true(scan_parens(&s, &str));
	check_str(str, "a(b)c");
	assert_false(scan_parens(&s, &str));
	check_left(&s, "(  x");
	assert_true(scan_until(&s, ' ', &str));
	check_str(str, "(");
	assert_false(scan_until(&s, ' ', &str));
	assert_false(scan_blank_end(&s));
	check_left(&s, "  x");
	assert_true(scan_past(&s, "x"));
	assert_false(scan_past(&s, "x"));
	assert_true(scan_done(&s));
	assert_true(scan_blank_end(&s));
	assert_int_equal(scan_peek(&s), '\0');

	s = of("  two words\t ");
	assert_true(scan_rest(&s, &str));
	check_str(str, "two words");
	assert_true(scan_done(&s));

	/* NUL and control characters belong to no word. */
	s = scan_of("a\0b", 3);
	assert_true(scan_word(&s, &str));
	check_str(str, "a");
	assert_false(scan_word(&s, &str));
	assert_false(scan_done(&s));
}

static void lines(void **state)
{
	static const char text[] = "one\r\n\n three\rx\r\nlast";
	struct scan_lines lines = scan_lines_of(text, sizeof(text) - 1);
	struct scan s;

	(void)state;
	assert_true(scan_next_line(&lines, &s));
	check_left(&s, "one");
	assert_true(scan_next_line(&lines, &s));
	check_left(&s, "");
	assert_true(scan_next_line(&lines, &s));
	check_left(&s, " three\rx");
	assert_int_equal(lines.line, 3);
	scan_ws(&s);
	assert_int_equal(scan_column(&lines, s.p), 2);
	assert_true(scan_next_line(&lines, &s));
	check_left(&s, "last");
	assert_false(scan_next_line(&lines, &s));

	lines = scan_lines_of("x\n", 2);
	assert_true(scan_next_line(&lines, &s));
	assert_false(scan_next_line(&lines, &s));
	lines = scan_lines_of("", 0);
	assert_false(scan_next_line(&lines, &s));
}

/* Copies stay where they are while others are added, whatever their sizes. */
static void strings(void **state)
{
	struct strings strings = { 0 };
	const char *copies[300];
	char text[600];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < 300; i++) {
		copies[i] = strings_add(&strings, text, 2 * i);
		assert_non_null(copies[i]);
	}
	for (size_t i = 0; i < 300; i++) {
		assert_int_equal(strlen(copies[i]), 2 * i);
		assert_memory_equal(copies[i], text, 2 * i);
	}
	strings_deinit(&strings);
	assert_null(strings.chunks);
	strings_deinit(&strings);
}

/* Every byte at every place of two words and a bit: plain text ends there, or not at all. */
static void plain_text(void **state)
{
	char text[19];

	(void)state;
	memset(text, '~', sizeof(text));
	for (size_t len = 0; len <= sizeof(text); len++) {
		assert_int_equal(scan_plain_len(text, len), len);
		for (size_t at = 0; at < len; at++) {
			for (unsigned int byte = 0; byte <= UINT8_MAX; byte++) {
				bool plain = byte >= ' ' && byte <= '~';

				text[at] = (char)byte;
				assert_int_equal(scan_plain_len(text, len), plain ? len : at);
			}
			text[at] = at % 2 ? ' ' : '~';
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),    cmocka_unit_test(words),	 cmocka_unit_test(lines),
		cmocka_unit_test(plain_text), cmocka_unit_test(strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
