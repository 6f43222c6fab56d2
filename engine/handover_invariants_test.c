/* SPDX-License-Identifier: MIT */
/* Tests of the invariants of the hand-over: what zones got, made wrong by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/boot.h"
#include "engine/handover_invariants.h"
#include "engine/testing/made_boot.h"

#define MIB (1ULL << 20)

static struct findings freed(const struct machine *m)
{
	struct findings found = { .total = 0 };

	handover_invariants_freed(m, &found);
	return found;
}

/* A page more than is free in memblock, or one less. */
static void test_other_pages_than_are_free(void **state)
{
	struct made_boot b;
	struct machine m;
	struct zone *z;

	(void)state;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, 64 * MIB, -1);
	made_boot_cpus(&b, 1, -1);
	made_boot_reserve(&b, 32 * MIB, 40 * MIB);
	machine_init(&m);
	boot_run(&m, &b.in, STAGE_MEM_INIT);
	assert_true(m.reserved_known);
	assert_int_equal(freed(&m).total, 0);
	z = &m.nodes[0].zones[ZONE_DMA32];
	z->managed++;
	assert_int_equal(freed(&m).count[INVARIANT_HANDOVER_ALL], 1);
	z->managed -= 2;
	assert_int_equal(freed(&m).count[INVARIANT_HANDOVER_ALL], 1);
	machine_deinit(&m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_pages_than_are_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
