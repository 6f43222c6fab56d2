/* SPDX-License-Identifier: MIT */
/* Tests of the boot as a whole; the captures test the rest of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/boot.h"
#include "engine/buddy.h"
#include "engine/numa.h"
#include "engine/prng.h"

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

/* ---- a machine that was used before ------------------------------------------------------------ */

struct made {
	struct boot_input in;
	struct e820_entry map[BANKS + 1];
	struct affinity_memory affinity[BANKS + 1];
	uint8_t distance[4 * 4];
	struct boot_step steps[40];
};

/* A machine of 1 to 4 nodes in up to BANKS banks, of any era, with random requests. */
static void draw_machine(struct made *made, struct prng *prng)
{
	uint32_t nodes = (uint32_t)prng_between(prng, 1, 4);
	uint32_t banks = (uint32_t)prng_between(prng, nodes, prng_chance(prng, 1, 4) ? BANKS : 16);
	struct boot_input *in = &made->in;
	phys_t at = MIB;

	memset(made, 0, sizeof(*made));
	in->version = eras[prng_below(prng, era_count)].version;
	facts_init(&in->facts, in->version);
	arch_config_default(ARCH_X86_64, false, &in->config);
	arch_config_apply_facts(&in->config, &in->facts);
	if (prng_chance(prng, 1, 4))
		in->config.max_order = in->config.pageblock_order;
	in->command_line = prng_chance(prng, 1, 4) ? "kernelcore=50%" : "";
	in->firmware = made->map;
	in->affinity = made->affinity;
	in->distance = made->distance;
	in->distance_count = nodes;
	in->steps = made->steps;
	in->reservations_told = true;
	in->online_cpus = in->nr_cpu_ids = (uint32_t)prng_between(prng, 1, 8);
	made->map[in->firmware_count++] = (struct e820_entry){ 0, 0x9f000, E820_RAM };
	for (uint32_t i = 0; i < banks; i++) {
		uint64_t size = prng_between(prng, 1, 64) * MIB;
		int32_t nid = (int32_t)((uint64_t)i * nodes / banks);

		made->map[in->firmware_count++] = (struct e820_entry){ at, at + size, E820_RAM };
		made->affinity[in->affinity_count++] = (struct affinity_memory){
			.start = i ? at : 0, .end = at + size, .nid = nid
		};
		at += size + prng_below(prng, 3) * MIB;
	}
	for (uint32_t i = 0; i < nodes * nodes; i++)
		made->distance[i] = i / nodes == i % nodes ? 10
							   : (uint8_t)prng_between(prng, 11, 40);
	for (uint32_t i = 0; i < 40; i++) {
		struct boot_step *s = &made->steps[in->step_count++];

		s->kind = i < 4 ? STEP_RESERVE : STEP_ALLOC;
		s->base = prng_below(prng, at);
		s->size = prng_skewed(prng, 4 * MIB) + 1;
		s->align = 64;
		s->nid = prng_chance(prng, 1, 2) ? NID_NONE : (int32_t)prng_below(prng, nodes);
		s->name = i < 10 ? "early" : i < 20 ? "sparse_init_nid" : "alloc_large_system_hash";
	}
}

static void check_same(const struct machine *m, const struct machine *fresh)
{
	assert_false(fresh->out_of_memory);
	assert_false(m->out_of_memory);
	assert_int_equal(m->stage, fresh->stage);
	assert_int_equal(m->answers.count, fresh->answers.count);
	for (uint32_t i = 0; i < m->answers.count; i++) {
		const struct answer *a = &m->answers.items[i], *f = &fresh->answers.items[i];

		assert_true(answer_same_key(a, f));
		assert_int_equal(a->basis, f->basis);
		assert_true(answer_same_value(&m->answers, a, &fresh->answers, f));
	}
	assert_int_equal(m->mb.reserved.cnt, fresh->mb.reserved.cnt);
	assert_int_equal(m->mb.current_limit, fresh->mb.current_limit);
	assert_int_equal(m->zonelists.policy_zone, fresh->zonelists.policy_zone);
	assert_int_equal(m->buddy != NULL, fresh->buddy != NULL);
	if (m->buddy) {
		assert_int_equal(buddy_hash(m->buddy), buddy_hash(fresh->buddy));
		assert_null(buddy_check(m->buddy, false));
	}
}

/* Kernels believe all of a table of distances, or nothing of it. */
static void a_distance_that_cannot_be_spoils_the_table(void **unused)
{
	static const struct {
		uint8_t distance[4];
		uint8_t want[4];
	} rows[] = {
		{ { 10, 11, 31, 10 }, { 10, 11, 31, 10 } },
		{ { 10, 10, 31, 10 }, { 10, 20, 20, 10 } },
		{ { 10, 15, 0, 10 }, { 10, 20, 20, 10 } },
		{ { 9, 15, 31, 10 }, { 10, 20, 20, 10 } },
		{ { 10, 15, 31, 11 }, { 10, 20, 20, 10 } },
	};
	struct made *made = calloc(1, sizeof(*made));
	struct prng prng = prng_init(1);
	struct machine m;

	(void)unused;
	assert_non_null(made);
	do
		draw_machine(made, &prng);
	while (made->in.distance_count != 2);
	machine_init(&m);
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(made->distance, rows[i].distance, 4);
		machine_reset(&m);
		boot_run(&m, &made->in, STAGE_LATE);
		for (uint32_t k = 0; k < 4; k++)
			assert_int_equal(numa_distance(&m, k / 2, k % 2), rows[i].want[k]);
	}
	machine_deinit(&m);
	free(made);
}

/* One machine boots one input after the other, each time as if it were new. */
static void a_reset_machine_boots_like_a_new_one(void **unused)
{
	struct made *made = calloc(1, sizeof(*made));
	struct prng prng = prng_init(1);
	struct machine m;

	(void)unused;
	assert_non_null(made);
	machine_init(&m);
	for (unsigned int i = 0; i < 200; i++) {
		enum boot_stage until = prng_chance(&prng, 3, 4)
						? STAGE_LATE
						: (enum boot_stage)prng_below(&prng, STAGE_COUNT);
		struct machine fresh;

		draw_machine(made, &prng);
		machine_init(&fresh);
		machine_reset(&m);
		assert_null(m.buddy);
		assert_int_equal(m.answers.count, 0);
		fresh.want_lists = m.want_lists = prng_chance(&prng, 3, 4);
		boot_run(&fresh, &made->in, until);
		boot_run(&m, &made->in, until);
		check_same(&m, &fresh);
		machine_deinit(&fresh);
	}
	machine_deinit(&m);
	free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_map),
		cmocka_unit_test(large_map_before_state),
		cmocka_unit_test(a_distance_that_cannot_be_spoils_the_table),
		cmocka_unit_test(a_reset_machine_boots_like_a_new_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
