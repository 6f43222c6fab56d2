/* SPDX-License-Identifier: MIT */
/*
 * The page allocator beside the slow model of engine/testing/alloc_oracle.h: random requests, frees and
 * drains on random small machines.
 *
 * ALLOC_TEST_RUNS sets how many machines are tried for each kernel (default 30); ALLOC_TEST_SEED where
 * they begin.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/testing/alloc_pair.h"

#define STEPS 400

static const char *const versions[] = { "2.6.32",  "3.10", "3.12", "3.14",     "3.17",
					"4.4",	   "4.14", "5.10", "5.15.100", "6.0",
					"6.1.176", "6.8",  "6.11", "6.12.107", "7.2" };
#define VERSION_COUNT (sizeof(versions) / sizeof(versions[0]))

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static struct alloc_request draw_request(const struct alloc_pair *p, struct prng *prng)
{
	static const uint32_t rights[] = { ALLOC_OOM,
					   ALLOC_NON_BLOCK,
					   ALLOC_MIN_RESERVE,
					   ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK,
					   ALLOC_HIGHATOMIC | ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK,
					   ALLOC_NO_WATERMARKS };
	struct alloc_request req = {
		.cpu = (uint32_t)prng_below(prng, p->cpu_count),
		.nid = (int32_t)prng_below(prng, p->node_count),
		.order = (unsigned int)prng_skewed(prng, p->config.max_order + 1),
		.type = (enum migratetype)prng_below(prng, 3),
		.highest = prng_chance(prng, 4, 5) ? ZONE_NORMAL : ZONE_DMA32,
		.flags = prng_chance(prng, 4, 5) ? ALLOC_WMARK_LOW : ALLOC_WMARK_MIN,
		.thisnode = prng_chance(prng, 1, 10),
	};

	if (req.type == MIGRATE_MOVABLE && prng_chance(prng, 3, 4))
		req.flags |= ALLOC_CMA;
	if (prng_chance(prng, 1, 10))
		req.flags |= rights[prng_below(prng, 6)];
	return req;
}

static struct alloc_step draw_step(const struct alloc_pair *p, struct prng *prng)
{
	static const enum alloc_step_kind rare[] = { ALLOC_STEP_DRAIN, ALLOC_STEP_RETYPE,
						     ALLOC_STEP_BALANCE, ALLOC_STEP_UNRESERVE,
						     ALLOC_STEP_RECLAIM };
	uint64_t kind = prng_below(prng, 113);
	struct alloc_step step = {
		.req = draw_request(p, prng),
		.zone = (uint32_t)prng_below(prng, BUDDY_ORACLE_ZONES),
		.target = (uint32_t)prng_below(prng, ALLOC_PAIR_HELD_MAX),
		.pages = (uint32_t)prng_skewed(prng, 200),
		.first = (unsigned int)prng_below(prng, 12),
		.type = (enum migratetype)prng_below(prng, 3),
		.pfn = prng_below(prng, BUDDY_ORACLE_PAGES),
		.on = prng_chance(prng, 1, 2),
	};

	if (kind < 62)
		step.kind = ALLOC_STEP_GET;
	else if (kind < 95)
		step.kind = ALLOC_STEP_PUT;
	else if (kind < 100)
		step.kind = rare[kind - 95];
	else
		step.kind = ALLOC_STEP_CHOOSE;
	if (step.kind == ALLOC_STEP_CHOOSE)
		step.req.nid = (int32_t)prng_below(prng, p->node_count + 2) - 1;
	return step;
}

static void random_steps_agree_with_the_model(void **state)
{
	uint64_t runs = number_from_environment("ALLOC_TEST_RUNS", 30) * VERSION_COUNT;
	uint64_t seed = number_from_environment("ALLOC_TEST_SEED", 1);
	struct alloc_pair *p = malloc(sizeof(*p));
	uint64_t tried = 0, served = 0;

	(void)state;
	assert_non_null(p);
	for (uint64_t run = 0; run < runs; run++) {
		struct prng prng = prng_init(~(seed + run));
		const char *version = versions[run % VERSION_COUNT], *wrong = NULL;
		struct facts facts;
		uint32_t v;

		assert_true(facts_parse_version(version, &v));
		facts_init(&facts, v);
		assert_true(alloc_pair_start(p, seed + run, &facts));
		for (unsigned int i = 0; i < STEPS; i++) {
			struct alloc_step step = draw_step(p, &prng);

			wrong = alloc_pair_step(p, &step);
			if (!wrong && i % 16 == 15)
				wrong = alloc_pair_compare(p);
			if (wrong)
				fail_msg("seed %llu, %s, step %u: %s",
					 (unsigned long long)seed + run, version, i, wrong);
		}
		tried += p->tried;
		served += p->served;
		alloc_pair_finish(p);
	}
	/* Machines run full, and not all the time. */
	assert_in_range(served, tried / 2, tried - tried / 20);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_steps_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
