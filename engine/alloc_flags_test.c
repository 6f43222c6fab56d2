/* SPDX-License-Identifier: MIT */
/* Tests of alloc flags: requests as kernels of each era take them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/alloc_flags.h"

#define KERNEL                   \
	{                        \
		.can_wait = true \
	}
#define NOWAIT    \
	{         \
		0 \
	}
#define ATOMIC                               \
	{                                    \
		.high = true, .atomic = true \
	}
/* __GFP_HIGH alone added to GFP_KERNEL. */
#define URGENT                                 \
	{                                      \
		.high = true, .can_wait = true \
	}
#define MOVABLE                                   \
	{                                         \
		.can_wait = true, .movable = true \
	}

static struct facts facts_of(const char *version)
{
	struct facts facts;
	uint32_t v;

	assert_true(facts_parse_version(version, &v));
	facts_init(&facts, v);
	return facts;
}

static void test_slow(void **state)
{
	static const struct {
		const char *version;
		struct alloc_gfp gfp;
		unsigned int order, flags;
	} cases[] = {
		{ "2.6.32", KERNEL, 0, ALLOC_CPUSET },
		{ "2.6.32", NOWAIT, 0, ALLOC_NON_BLOCK },
		{ "2.6.32", ATOMIC, 1, ALLOC_NON_BLOCK | ALLOC_MIN_RESERVE | ALLOC_SKIP_BOOST },
		{ "4.4.302", NOWAIT, 0, ALLOC_CPUSET },
		{ "5.10.223", ATOMIC, 1, ALLOC_NON_BLOCK | ALLOC_MIN_RESERVE | ALLOC_SKIP_BOOST },
		{ "5.10.223", URGENT, 0, ALLOC_MIN_RESERVE | ALLOC_CPUSET },
		{ "5.10.223", MOVABLE, 0, ALLOC_CMA | ALLOC_CPUSET },
		{ "6.1.115", NOWAIT, 0, ALLOC_CPUSET },
		{ "6.1.176", NOWAIT, 0, ALLOC_NON_BLOCK | ALLOC_CPUSET },
		{ "6.1.176", URGENT, 0, ALLOC_MIN_RESERVE | ALLOC_CPUSET },
		{ "6.12.107", URGENT, 0, ALLOC_MIN_RESERVE | ALLOC_CPUSET | ALLOC_SKIP_BOOST },
		{ "6.12.107", ATOMIC, 0, ALLOC_NON_BLOCK | ALLOC_MIN_RESERVE | ALLOC_SKIP_BOOST },
		{ "6.12.107", ATOMIC, 1,
		  ALLOC_NON_BLOCK | ALLOC_MIN_RESERVE | ALLOC_HIGHATOMIC | ALLOC_SKIP_BOOST },
		{ "6.12.107", NOWAIT, 1, ALLOC_NON_BLOCK | ALLOC_CPUSET },
		{ "7.2.13",
		  { .high = true, .nomemalloc = true },
		  1,
		  ALLOC_MIN_RESERVE | ALLOC_SKIP_BOOST },
		{ "7.2.13",
		  { .can_wait = true, .memalloc = true },
		  0,
		  ALLOC_CPUSET | ALLOC_NO_WATERMARKS },
		{ "7.2.13",
		  { .can_wait = true, .memalloc = true, .nomemalloc = true },
		  0,
		  ALLOC_CPUSET },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct facts facts = facts_of(cases[i].version);
		unsigned int got = alloc_flags_slow(&facts, &cases[i].gfp, cases[i].order);

		if (got != cases[i].flags)
			fail_msg("case %zu, %s: %#x, not %#x", i, cases[i].version, got,
				 cases[i].flags);
	}
}

static void test_types(void **state)
{
	const uint32_t plain = 1U << MIGRATE_UNMOVABLE | 1U << MIGRATE_MOVABLE |
			       1U << MIGRATE_RECLAIMABLE;
	const uint32_t kept = 1U << MIGRATE_HIGHATOMIC, cma = 1U << MIGRATE_CMA;
	const unsigned int urgent = ALLOC_NON_BLOCK | ALLOC_MIN_RESERVE;
	const struct {
		const char *version;
		unsigned int flags, order;
		uint32_t types;
	} cases[] = {
		{ "2.6.32", 0, 0, plain | kept },
		{ "4.4.302", 0, 0, plain },
		{ "4.4.302", ALLOC_CMA, 0, plain | cma },
		{ "4.4.302", urgent, 0, plain },
		{ "4.4.302", urgent, 1, plain | kept },
		{ "5.10.223", ALLOC_OOM, 1, plain },
		{ "5.15.171", urgent, 0, plain | kept },
		{ "6.1.115", urgent, 0, plain },
		{ "6.1.116", urgent, 0, plain | kept },
		{ "6.3", urgent, 0, plain },
		{ "6.3", ALLOC_OOM, 0, plain | kept },
		{ "6.3", urgent, 1, plain },
		{ "6.3", urgent | ALLOC_HIGHATOMIC, 1, plain | kept },
		{ "6.6.59", urgent, 0, plain },
		{ "6.6.60", urgent, 0, plain | kept },
		{ "6.11.6", urgent, 0, plain },
		{ "6.12.107", ALLOC_NON_BLOCK, 0, plain | kept },
		{ "7.2.13", ALLOC_MIN_RESERVE, 0, plain },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct facts facts = facts_of(cases[i].version);
		uint32_t got = alloc_flags_types(&facts, cases[i].flags, cases[i].order);

		if (got != cases[i].types)
			fail_msg("case %zu, %s: %#x, not %#x", i, cases[i].version, got,
				 cases[i].types);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests_name("alloc_flags", tests, NULL, NULL);
}
