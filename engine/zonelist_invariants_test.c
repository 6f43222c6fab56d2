/* SPDX-License-Identifier: MIT */
/* Tests of the invariants of zonelists: quirks on whole machines, and orders broken by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/testing/made_boot.h"
#include "engine/zonelist_invariants.h"

#define MIB (1ULL << 20)

/* @count nodes of 256 MiB with a CPU each. */
static void make_nodes(struct made_boot *b, uint32_t count, const uint8_t *distance)
{
	made_boot_init(b, ARCH_X86_64, "6.12");
	for (uint32_t n = 0; n < count; n++) {
		made_boot_memory(b, n ? 256 * MIB * n : MIB, 256 * MIB * (n + 1), (int32_t)n);
		made_boot_cpus(b, 1, (int32_t)n);
	}
	made_boot_distance(b, distance, count);
}

static const uint8_t pairs[] = {
	10, 12, 32, 32, /* 0 1 */
	12, 10, 32, 32, 32, 32, 10, 12, 32, 32, 12, 10,
};

/* Both nodes of a pair fall back to the same node of the other, where they should take turns. */
static void load_not_accumulated(void **unused)
{
	struct made_boot b;

	(void)unused;
	make_nodes(&b, 4, pairs);
	made_boot_quirk(&b, QUIRK_NODE_LOAD_NOT_ACCUMULATED, NULL, 0);
}

static void memoryless_node_first(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, 256 * MIB, 1);
	made_boot_cpus(&b, 1, 0);
	made_boot_quirk(&b, QUIRK_MEMORYLESS_NODE_FIRST_IN_OWN_LIST, NULL, 0);
}

/* Each change of a sound order is found. */
static void broken_orders(void **unused)
{
	static const struct {
		uint32_t local;
		uint16_t length, order[4];
		enum invariant invariant;
	} rows[] = {
		{ 0, 4, { 0, 1, 1, 3 }, INVARIANT_FALLBACK_ONCE },
		{ 1, 3, { 1, 0, 2 }, INVARIANT_FALLBACK_ONCE },
		{ 1, 4, { 0, 1, 2, 3 }, INVARIANT_FALLBACK_DISTANCE },
		{ 3, 4, { 3, 0, 2, 1 }, INVARIANT_FALLBACK_DISTANCE },
		{ 3, 4, { 3, 2, 0, 1 }, INVARIANT_FALLBACK_TURNS },
		{ 2, 0, { 0 }, INVARIANT_NODE_DATA },
	};
	static struct findings found;
	struct made_boot b;
	struct scenario s;

	(void)unused;
	make_nodes(&b, 4, pairs);
	scenario_init(&s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct zonelists *z = &s.machine.zonelists;

		scenario_boot(&s, &b.in, &(struct scenario_options){ .want_lists = false });
		findings_clear(&found);
		zonelist_invariants_check(z, s.machine.nodes, s.machine.distance, &found);
		assert_int_equal(found.total, 0);
		memcpy(z->order + (size_t)4 * rows[i].local, rows[i].order, sizeof(rows[i].order));
		z->length[rows[i].local] = rows[i].length;
		zonelist_invariants_check(z, s.machine.nodes, s.machine.distance, &found);
		assert_true(found.count[rows[i].invariant] > 0);
	}
	scenario_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(load_not_accumulated),
		cmocka_unit_test(memoryless_node_first),
		cmocka_unit_test(broken_orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
