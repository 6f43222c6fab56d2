/* SPDX-License-Identifier: MIT */
/* A target that has run an input asks the host for no memory when it runs it again, nor after others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fuzz/target.h"
#include "tools/bench/counted.h"

#define SEEDS_MAX 32

struct seed {
	uint8_t *data;
	size_t size;
};

static void run_all(struct target_runner *r, const struct seed *seeds, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		target_run_bytes(r, seeds[i].data, seeds[i].size);
}

static void steady(const char *name)
{
	const struct target *target = target_find(name);
	struct seed seeds[SEEDS_MAX];
	struct target_runner *r;
	unsigned int count = 0;
	uint64_t before;

	for (; target->seeds[count]; count++) {
		assert_true(count < SEEDS_MAX);
		assert_null(target_seed(target, count, &seeds[count].data, &seeds[count].size));
	}
	assert_true(count > 0);
	assert_null(target_runner_create(target, NULL, &r));
	/* Buffers grow to what the largest wants, and some change places with each run. */
	for (int i = 0; i < 4; i++)
		run_all(r, seeds, count);
	before = counted_now().calls;
	run_all(r, seeds, count);
	assert_int_equal(counted_now().calls - before, 0);
	target_runner_destroy(r);
	while (count--)
		free(seeds[count].data);
}

static void topology_is_steady(void **state)
{
	(void)state;
	steady("topology");
}

static void operations_are_steady(void **state)
{
	(void)state;
	steady("operations");
}

static void eras_are_steady(void **state)
{
	(void)state;
	steady("eras");
}

static void zonelists_are_steady(void **state)
{
	(void)state;
	steady("zonelist_oracle");
}

static void memblock_is_steady(void **state)
{
	(void)state;
	steady("memblock");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(topology_is_steady), cmocka_unit_test(operations_are_steady),
		cmocka_unit_test(eras_are_steady),    cmocka_unit_test(zonelists_are_steady),
		cmocka_unit_test(memblock_is_steady),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
