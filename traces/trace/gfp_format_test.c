/* SPDX-License-Identifier: MIT */
/*
 * Tests of the list of GFP names that a kernel gives: what the facts say of each captured kernel is what
 * that kernel says itself, and every flag text of the captured traces is read and printed as it stood.
 */
#include <string.h>

#include "traces/testing/captures.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"
#include "traces/trace/expression.h"
#include "traces/trace/gfp_format.h"
#include "traces/trace/trace.h"

static const char format[] =
	"print fmt: \"gfp_flags=%s\", (REC->gfp_flags) ? __print_flags(REC->gfp_flags, \"|\", "
	"{(unsigned long)((( gfp_t)(0x400u|0x800u)) | (( gfp_t)0x40u)), \"GFP_NOFS\"}, "
	"{( unsigned long)((((((1UL))) << (13)))), \"__GFP_NOWARN\"}, "
	"{(unsigned long)((0xffu | 0x700u) & ~(( gfp_t)0x40u)), \"X\"} ) : \"none\"\n";

static void newest(struct gfp_table *ret)
{
	struct facts facts;

	facts_init(&facts, eras[era_count - 1].version);
	gfp_table_init(ret, &facts);
}

static void test_expressions(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} cases[] = {
		{ "(21 - 12)", 9 },
		{ "2 + 3 * 4 - 1", 13 },
		{ "1 << 2 + 1", 8 },
		{ "((unsigned int)((21 - 12))) < ((unsigned int)(11 - 1)) ? 5 : (7)", 5 },
		{ "0x10UL | 3 & ~1", 0x12 },
		{ "1 ? 0 ? 2 : 3 : 4", 3 },
	};
	struct gfp_table table;

	(void)state;
	newest(&table);
	assert_true(gfp_format_read(format, strlen(format), &table));
	assert_int_equal(table.name_count, 3);
	assert_string_equal(table.names[0].text, "GFP_NOFS");
	assert_int_equal(table.names[0].mask, 0xc40);
	assert_int_equal(table.names[1].mask, 0x2000);
	assert_int_equal(table.names[2].mask, 0x7bf);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scan s = scan_of(cases[i].text, strlen(cases[i].text));
		uint64_t value;

		assert_true(expression_read(&s, &value));
		assert_true(scan_done(&s));
		assert_int_equal(value, cases[i].value);
	}
}

static void test_refused(void **state)
{
#define LIST(items) "__print_flags(REC->gfp_flags, \"|\", " items
	static const char *const texts[] = {
		"",
		"print fmt: \"order=%d\"",
		LIST(""),
		LIST("{0x1u, NAME}"),
		LIST("{0x1u, \"A\""),
		LIST("{((((1UL))) << (___GFP_IO_BIT)), \"__GFP_IO\"}"),
		LIST("{(1 << 64), \"A\"}"),
		LIST("{(1 | ), \"A\"}"),
		LIST("{0, \"A\"}"),
		LIST("{1, \"A_NAME_THAT_IS_LONGER_THAN_ANY_OF_THEM\"}"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct gfp_table table;
		unsigned int count;

		newest(&table);
		count = table.name_count;
		assert_false(gfp_format_read(texts[i], strlen(texts[i]), &table));
		assert_int_equal(table.name_count, count);
	}
}

static void read_any(const uint8_t *data, size_t len)
{
	struct gfp_table table;

	newest(&table);
	(void)gfp_format_read((const char *)data, len, &table);
}

static void test_robust(void **state)
{
	char deep[2000];

	(void)state;
	robust_truncate(read_any, format, strlen(format));
	robust_damage(read_any, format, strlen(format), 1, 5000);
	strcpy(deep, LIST("{"));
	memset(deep + strlen(deep), '(', 1900);
	read_any((const uint8_t *)deep, 1900);
}

static void facts_of(const char *dir, struct facts *ret)
{
	struct input version;
	uint32_t number;

	captures_read(dir, "version.txt", &version);
	assert_non_null(version.data);
	assert_true(!strncmp((const char *)version.data, "Linux version ", 14));
	assert_true(facts_parse_version((const char *)version.data + 14, &number));
	facts_init(ret, number);
	input_deinit(&version);
}

static void compare_capture(const char *dir, void *ctx)
{
	struct gfp_table table, told;
	struct input text;
	struct facts facts;

	(void)ctx;
	captures_read(dir, "events/mm_page_alloc.format", &text);
	if (!text.data)
		return;
	facts_of(dir, &facts);
	gfp_table_init(&table, &facts);
	told = table;
	assert_true(gfp_format_read((const char *)text.data, text.size, &told));
	input_deinit(&text);
	assert_int_equal(table.name_count, told.name_count);
	for (unsigned int i = 0; i < table.name_count; i++) {
		if (strcmp(table.names[i].text, told.names[i].text) != 0 ||
		    table.names[i].mask != told.names[i].mask)
			fail_msg("%s: name %u is %s 0x%x, expected %s 0x%x", dir, i,
				 table.names[i].text, table.names[i].mask, told.names[i].text,
				 told.names[i].mask);
	}
	for (unsigned int bit = 0; bit < GFP_BIT_COUNT; bit++)
		assert_int_equal(table.mask[bit], told.mask[bit]);
}

static void test_facts_agree_with_kernels_of_the_tree(void **state)
{
	(void)state;
	assert_true(captures_each("traces/captures", compare_capture, NULL) > 0);
}

static void test_facts_agree_with_kernels(void **state)
{
	(void)state;
	assert_true(captures_each(captures_dir(), compare_capture, NULL) > 0);
}

struct texts {
	unsigned int count;
	uint64_t events;
};

/* Each "gfp_flags=" of the text; the last text is remembered, as most repeat it. */
static void print_back(const char *dir, void *ctx)
{
	struct input_limits limits = { .bytes_max = (size_t)1 << 30 };
	struct texts *texts = ctx;
	const char *p, *next, *end, *last = "";
	struct gfp_table table;
	struct facts facts;
	struct input text;
	size_t last_len = 0;
	bool absent = true;

	check_ok(input_read_in(dir, "trace.txt.zst", &limits, &absent, &text));
	if (absent)
		return;
	facts_of(dir, &facts);
	gfp_table_init(&table, &facts);
	next = (const char *)text.data;
	end = next + text.size;
	/* By lines, as the address sanitizer reads all that strstr and memmem may read, each time. */
	while (next < end) {
		const char *line = next, *line_end = memchr(line, '\n', (size_t)(end - line));
		char printed[512];
		uint32_t gfp;
		size_t len;

		if (!line_end)
			line_end = end;
		next = line_end + 1;
		p = memmem(line, (size_t)(line_end - line), "gfp_flags=", 10);
		if (!p)
			continue;
		p += 10;
		len = (size_t)(line_end - p);
		texts->events++;
		if (len == last_len && !memcmp(p, last, len))
			continue;
		last = p;
		last_len = len;
		texts->count++;
		assert_true(gfp_parse(&table, p, len, &gfp));
		assert_int_equal(gfp_format(&table, gfp, printed, sizeof(printed)), len);
		assert_memory_equal(printed, p, len);
	}
	input_deinit(&text);
}

static void test_texts_of_traces(void **state)
{
	const char *dir = captures_dir();
	struct texts texts = { 0 };

	(void)state;
	captures_each(dir, print_back, &texts);
	print_message("%llu flag texts\n", (unsigned long long)texts.events);
	assert_true(texts.events > 1000000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expressions),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_robust),
		cmocka_unit_test(test_facts_agree_with_kernels_of_the_tree),
		cmocka_unit_test(test_facts_agree_with_kernels),
		cmocka_unit_test(test_texts_of_traces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
