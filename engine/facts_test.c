/* SPDX-License-Identifier: MIT */
/* Tests of the list of facts: each row is well formed, and versions, names and values are read right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/facts.h"

#define V(major, minor, patch) FACTS_VERSION(major, minor, patch)

/* Every history begins at the beginning and goes on upwards, with evidence at each step. */
static void rows_are_well_formed(void **state)
{
	(void)state;
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		const struct fact_info *info = fact_info((enum fact)f);

		if (!info->history_count || info->history[0].since)
			fail_msg("%s does not begin at the beginning", info->name);
		if (!*info->meaning)
			fail_msg("%s has no meaning", info->name);
		for (unsigned int i = 0; i < info->history_count; i++) {
			const struct fact_change *c = &info->history[i];

			if (i && c->since <= c[-1].since)
				fail_msg("%s: entry %u is not later than the one before",
					 info->name, i);
			if (!c->citation || !*c->citation)
				fail_msg("%s: entry %u has no evidence", info->name, i);
			if (info->kind == FACT_KIND_BOOL && c->value != 0 && c->value != 1)
				fail_msg("%s: entry %u is neither on nor off", info->name, i);
		}
		for (unsigned int k = 0; k < f; k++)
			assert_string_not_equal(info->name, fact_info((enum fact)k)->name);
		for (const char *p = info->name; *p; p++)
			if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", *p))
				fail_msg("%s: a name of other letters", info->name);
	}
}

/* The newest entry that is not newer than the version, looked for from the end. */
static int64_t value_at(const struct fact_info *info, uint32_t version)
{
	unsigned int i = info->history_count - 1;

	while (info->history[i].since > version)
		i--;
	return info->history[i].value;
}

static void a_version_is_a_row_of_values(void **state)
{
	struct facts facts;

	(void)state;
	/* On the spot, just before and just after each change of each fact. */
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		const struct fact_info *info = fact_info((enum fact)f);

		for (unsigned int i = 0; i < info->history_count; i++) {
			for (uint32_t near = 0; near < 3; near++) {
				uint32_t version = info->history[i].since + near - 1;

				if (!info->history[i].since && !near)
					version = UINT32_MAX;
				facts_init(&facts, version);
				for (unsigned int k = 0; k < FACT_COUNT; k++)
					if (fact_get(&facts, (enum fact)k) !=
					    value_at(fact_info((enum fact)k), version))
						fail_msg("%s in %u.%u.%u",
							 fact_info((enum fact)k)->name,
							 version >> 24, version >> 16 & 255,
							 version & 0xffff);
			}
		}
	}
	/* One by hand, with a stable release that had it earlier. */
	facts_init(&facts, V(5, 4, 99));
	assert_int_equal(fact_get(&facts, FACT_memblock_bottom_up_after_kernel), 0);
	facts_init(&facts, V(5, 4, 98));
	assert_int_equal(fact_get(&facts, FACT_memblock_bottom_up_after_kernel), 1);
	facts_init(&facts, V(5, 5, 0));
	assert_int_equal(fact_get(&facts, FACT_memblock_bottom_up_after_kernel), 1);
}

static void versions_are_read(void **state)
{
	static const struct {
		const char *text;
		uint32_t version; /* 0: none */
	} rows[] = {
		{ "5.15", V(5, 15, 0) },
		{ "5.15.3", V(5, 15, 3) },
		{ "6.1.0-50-amd64", V(6, 1, 0) },
		{ "6.12.107+deb13-amd64", V(6, 12, 107) },
		{ "4.4.0-142-generic", V(4, 4, 0) },
		{ "2.6.32.67", V(2, 6, 32) },
		{ "3.0-rc1", V(3, 0, 0) },
		{ "5.4.x", V(5, 4, 0) },
		/* An era stands for its newest release. */
		{ "2.6.32", V(2, 6, 32) },
		{ "4.4", V(4, 4, 302) },
		{ "6.1", V(6, 1, 176) },
		{ "6.1.0", V(6, 1, 0) },
		{ "6.1-rc5", V(6, 1, 0) },
		/* Numbers too large are the largest there are. */
		{ "999.4.1", V(255, 4, 1) },
		{ "4.99999999999999999999.1", V(4, 255, 1) },
		{ "4.4.99999999999999999999", V(4, 4, 65535) },
		{ "", 0 },
		{ "6", 0 },
		{ "6.", 0 },
		{ ".1", 0 },
		{ "v6.1", 0 },
		{ " 6.1", 0 },
		{ "-6.1", 0 },
		{ "6,1", 0 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t version = 77;

		assert_int_equal(facts_parse_version(rows[i].text, &version), rows[i].version != 0);
		assert_int_equal(version, rows[i].version ? rows[i].version : 77);
	}
	assert_int_equal(facts_age_of(V(2, 6, 31)), FACTS_TOO_OLD);
	assert_int_equal(facts_age_of(0), FACTS_TOO_OLD);
	assert_int_equal(facts_age_of(V(2, 6, 32)), FACTS_KNOWN);
	assert_int_equal(facts_age_of(eras[era_count - 1].version | 0xffff), FACTS_KNOWN);
	assert_int_equal(facts_age_of((eras[era_count - 1].version | 0xffff) + 1), FACTS_TOO_NEW);
	for (unsigned int i = 0; i < era_count; i++) {
		uint32_t version;

		assert_true(facts_parse_version(eras[i].name, &version));
		assert_int_equal(version, eras[i].version);
		if (i)
			assert_true(eras[i].version > eras[i - 1].version);
	}
}

static void expect_set(enum fact fact, const char *assignment, int64_t value)
{
	struct facts before, facts;

	facts_init(&facts, V(6, 1, 0));
	before = facts;
	assert_null(facts_set(&facts, assignment));
	assert_int_equal(fact_get(&facts, fact), value);
	/* No other one is touched. */
	facts.v[fact] = before.v[fact];
	assert_memory_equal(&facts, &before, sizeof(facts));
}

static void facts_can_be_set(void **state)
{
	static const char *const wrong[] = {
		"",
		"memblock_flags",
		"memblock_flags=",
		"memblock_flags=2",
		"memblock_flags=On",
		"memblock_flags=on ",
		"memblock_flag=on",
		"memblock_flagss=on",
		" memblock_flags=on",
		"=on",
		"min_free_kbytes_cap=",
		"min_free_kbytes_cap=-",
		"min_free_kbytes_cap=on",
		"min_free_kbytes_cap=1k",
		"min_free_kbytes_cap=0x10",
		"min_free_kbytes_cap=99999999999999999999",
	};
	struct facts before, facts;

	(void)state;
	expect_set(FACT_memblock_flags, "memblock_flags=off", 0);
	expect_set(FACT_memblock_flags, "memblock_flags=on", 1);
	expect_set(FACT_memblock_flags, "memblock_flags=false", 0);
	expect_set(FACT_memblock_flags, "memblock_flags=true", 1);
	expect_set(FACT_memblock_flags, "memblock_flags=0", 0);
	expect_set(FACT_memblock_flags, "memblock_flags=1", 1);
	expect_set(FACT_min_free_kbytes_cap, "min_free_kbytes_cap=123456", 123456);
	expect_set(FACT_min_free_kbytes_cap, "min_free_kbytes_cap=0", 0);
	expect_set(FACT_min_free_kbytes_cap, "min_free_kbytes_cap=-5", -5);
	facts_init(&facts, V(6, 1, 0));
	before = facts;
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_non_null(facts_set(&facts, wrong[i]));
		assert_memory_equal(&facts, &before, sizeof(facts));
	}
	/* What is wrong is said: no '=', no such name, no such value. */
	assert_string_equal(facts_set(&facts, "memblock_flags"), "expected FACT=VALUE");
	assert_non_null(strstr(facts_set(&facts, "x=on"), "no fact of that name"));
	assert_string_equal(facts_set(&facts, "memblock_flags=3"), "the value must be on or off");
	assert_string_equal(facts_set(&facts, "min_free_kbytes_cap=x"),
			    "the value must be a number");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_well_formed),
		cmocka_unit_test(a_version_is_a_row_of_values),
		cmocka_unit_test(versions_are_read),
		cmocka_unit_test(facts_can_be_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
