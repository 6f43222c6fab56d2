/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/quirk.h"
#include "fuzz/campaign/causes.h"

/* A wrong rule for each of three letters: 'c' takes two of them, and 'd' takes none. */
static const enum quirk quirk_of[] = { QUIRK_OVERLAP_TEST_WRAPS, QUIRK_CAP_RANGE_BEFORE_MEMORY };

static void *create(const struct target_settings *settings)
{
	struct facts *facts = malloc(sizeof(*facts));
	uint32_t version = 0;

	if (facts) {
		facts_parse_version("2.6.32", &version);
		facts_init(facts, version);
		target_apply_settings(settings, &version, facts);
	}
	return facts;
}

static bool is_wrong(const struct facts *facts, unsigned int i)
{
	return facts->v[quirk_info(quirk_of[i])->fact] == quirk_info(quirk_of[i])->wrong;
}

static void run(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	const struct facts *facts = state;

	for (size_t i = 0; i < size; i++)
		if ((data[i] == 'a' && is_wrong(facts, 0)) ||
		    (data[i] == 'b' && is_wrong(facts, 1)) ||
		    (data[i] == 'c' && is_wrong(facts, 0) && is_wrong(facts, 1)) || data[i] == 'd')
			target_report_add(report, "letter", "at %zu", i);
}

static const char *const seeds[] = { NULL };
static const struct target target = { .name = "letters",
				      .property = "none",
				      .create = create,
				      .destroy = free,
				      .run_bytes = run,
				      .seeds = seeds };

static void expect(struct causes *c, const char *input, const char *expected)
{
	char text[1024];

	causes_name(c, "letter", (const uint8_t *)input, strlen(input), text, sizeof(text));
	assert_string_equal(text, expected);
}

#define FIRST "memblock_overlap_capped=0"
#define SECOND "memblock_cap_needs_memory=0"

/* Rules of the kernel itself, whether the settings name one or inputs do. */
static void of_the_kernel(void **unused)
{
	struct target_settings settings = { .quirks = true };
	struct causes *c;

	(void)unused;
	assert_null(causes_create(&target, &settings, &c));
	expect(c, "a", FIRST);
	expect(c, "xb", SECOND);
	expect(c, "c", FIRST " " SECOND);
	/* One alone makes neither vanish, and it is nobody's fault. */
	expect(c, "ab", "");
	expect(c, "d", "");
	causes_destroy(c);
	assert_true(facts_parse_version("2.6.32", &settings.version));
	assert_null(causes_create(&target, &settings, &c));
	expect(c, "a", FIRST);
	causes_destroy(c);
}

/* Those that are set, with all others right. */
static void of_settings(void **unused)
{
	const struct quirk_info *first = quirk_info(quirk_of[0]);
	const struct target_fact fact = { first->fact, first->wrong };
	const struct target_settings settings = { .facts = &fact, .fact_count = 1 };
	struct causes *c;

	(void)unused;
	assert_null(causes_create(&target, &settings, &c));
	expect(c, "a", FIRST);
	expect(c, "d", "");
	causes_destroy(c);
}

/* An input that shows the same by another cause is none of the group. */
static void chosen(void **unused)
{
	const struct target_settings settings = { .quirks = true };
	struct causes *c;

	(void)unused;
	assert_null(causes_create(&target, &settings, &c));
	assert_null(causes_choose(c, FIRST " " SECOND));
	assert_true(causes_hold_bytes(c, "letter", (const uint8_t *)"c", 1));
	assert_false(causes_hold_bytes(c, "letter", (const uint8_t *)"a", 1));
	assert_null(causes_choose(c, SECOND));
	assert_true(causes_hold_bytes(c, "letter", (const uint8_t *)"b", 1));
	assert_false(causes_hold_bytes(c, "letter", (const uint8_t *)"a", 1));
	assert_null(causes_choose(c, ""));
	assert_true(causes_hold_bytes(c, "letter", (const uint8_t *)"d", 1));
	/* One that either cause shows does not become one of the first alone. */
	assert_true(causes_hold_bytes(c, "letter", (const uint8_t *)"ab", 2));
	assert_false(causes_hold_bytes(c, "letter", (const uint8_t *)"a", 1));
	causes_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_the_kernel),
		cmocka_unit_test(of_settings),
		cmocka_unit_test(chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
