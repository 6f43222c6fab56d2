/* SPDX-License-Identifier: MIT */
/* Tests of the boot as a whole; the captures test the rest of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/boot.h"

#define MIB (1ULL << 20)
#define BANKS 300

/*
 * A map of more banks than memblock's first array has room for:
 *
 *	0   9fc00   1M      2M      3M      4M
 *	|####|rsrv.|#######|       |#######|    ...
 *
 * with a state of @state_count reserved regions, or else all reservations told.
 */
static void boot_banks(struct machine *m, struct memblock_region *state, uint32_t state_count)
{
	static struct e820_entry map[BANKS + 1];
	struct boot_step step = {
		.kind = STEP_RESERVE, .base = 0x9f000, .size = 0x61000, .nid = NID_NONE, .name = ""
	};
	struct boot_input in = { .version = FACTS_VERSION(6, 12, 0),
				 .command_line = "",
				 .firmware = map,
				 .firmware_count = BANKS + 1,
				 .steps = &step,
				 .step_count = 1 };

	map[0] = (struct e820_entry){ 0, 0x9fc00, E820_RAM };
	for (uint64_t i = 0; i < BANKS; i++)
		map[i + 1] = (struct e820_entry){ (1 + 2 * i) * MIB, (2 + 2 * i) * MIB, E820_RAM };
	if (state_count) {
		step.kind = STEP_STATE;
		in.has_state = true;
		in.state.reserved = state;
		in.state.reserved_count = state_count;
	} else {
		in.reservations_told = true;
	}
	facts_init(&in.facts, in.version);
	arch_config_default(ARCH_X86_64, false, &in.config);
	machine_init(m);
	boot_run(m, &in, STAGE_ZONES);
	assert_false(m->out_of_memory);
	assert_int_equal(m->stage, STAGE_ZONES);
}

/* All banks are there; the arrays lie in the first MiB, the only memory that is mapped yet. */
static void large_map(void **unused)
{
	static const uint64_t expected[2][3] = { { 0x9d000, 0x9d000 + 6144, 256 },
						 { 0x9a000, 0x9a000 + 12288, 512 } };
	unsigned int found = 0;
	struct machine m;

	(void)unused;
	boot_banks(&m, NULL, 0);
	assert_int_equal(m.mb.memory.cnt, BANKS + 1);
	assert_int_equal(m.nodes[0].present, 0x9e + BANKS * 256);
	for (uint32_t i = 0; i < m.answers.count; i++) {
		const struct answer *a = &m.answers.items[i];

		if (a->kind != ANSWER_DOUBLED)
			continue;
		assert_in_range(found, 0, 1);
		assert_int_equal(a->basis, BASIS_PREDICTED);
		assert_memory_equal(a->v, expected[found], sizeof(expected[0]));
		found++;
	}
	assert_int_equal(found, 2);
	/* The first of them was given back. */
	assert_true(memblock_is_reserved(&m.mb, 0x9a000));
	assert_false(memblock_is_reserved(&m.mb, 0x9d000));
	assert_int_equal(m.mb.current_limit, PHYS_MAX);
	machine_deinit(&m);
}

/* Before the first dump nothing is known of where arrays went; the dump may tell. */
static void large_map_before_state(void **unused)
{
	struct memblock_region elsewhere[] = { { 0x9f000, 0x61000, 0, NID_NONE } };
	struct memblock_region there[] = { { 0x1000, 0xff000, 0, NID_NONE } };
	struct machine m;

	(void)unused;
	boot_banks(&m, elsewhere, 1);
	for (uint32_t i = 0; i < m.answers.count; i++) {
		const struct answer *a = &m.answers.items[i];

		if (a->kind == ANSWER_DOUBLED) {
			assert_int_equal(a->basis, BASIS_UNDERIVABLE);
			assert_non_null(a->reason);
		}
	}
	assert_false(m.mb.memory.array_allocated);
	assert_int_equal(m.mb.memory.cnt, BANKS + 1);
	machine_deinit(&m);

	boot_banks(&m, there, 1);
	assert_true(m.mb.memory.array_allocated);
	machine_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_map),
		cmocka_unit_test(large_map_before_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
