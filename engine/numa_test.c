/* SPDX-License-Identifier: MIT */
/*
 * Tests of early nodes: blocks of the firmware cleaned up and stamped, and nodes made up by numa=fake=,
 * with what kernels printed and what holds for any option.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/numa.h"
#include "engine/prng.h"

#define KIB (1ULL << 10)
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define COUNT(rows) ((uint32_t)(sizeof(rows) / sizeof((rows)[0])))

static void begin(struct machine *m, const char *version)
{
	uint32_t v;

	machine_init(m);
	assert_true(facts_parse_version(version, &v));
	facts_init(&m->facts, v);
	arch_config_default(ARCH_X86_64, false, &m->config);
	memblock_init(&m->mb, &m->facts, m->config.page_shift, 128, 128);
}

static void add_memory(struct machine *m, phys_t start, phys_t end)
{
	memblock_add(&m->mb, start, end - start, NID_NONE, 0);
	m->max_pfn = end >> 12;
}

/* Takes @blocks for the firmware's, below the end of memory. */
static bool clean_up(struct machine *m, struct affinity_memory *blocks, uint32_t count)
{
	struct boot_input in = { .affinity = blocks, .affinity_count = count };

	m->node_count = 0;
	for (uint32_t i = 0; i < count; i++)
		if ((uint32_t)blocks[i].nid >= m->node_count)
			m->node_count = (uint32_t)blocks[i].nid + 1;
	return numa_cleanup_blocks(m, &in, 0, m->max_pfn << 12);
}

static void expect_blocks(const struct machine *m, const struct affinity_memory *rows,
			  uint32_t count)
{
	assert_int_equal(m->numa_block_count, count);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(m->numa_blocks[i].start, rows[i].start);
		assert_int_equal(m->numa_blocks[i].end, rows[i].end);
		assert_int_equal(m->numa_blocks[i].nid, rows[i].nid);
	}
}

#define EXPECT_BLOCKS(m, ...)                                                  \
	do {                                                                   \
		static const struct affinity_memory rows_[] = { __VA_ARGS__ }; \
		expect_blocks(m, rows_, COUNT(rows_));                         \
	} while (0)

/*
 *	0    640K  1M		 2G  3G	    4G		6G	8G
 *	[ 0 ]	   [ 0		    ]	    [ 0		| 1	   ]	blocks
 *	[   ]	   [		]	    [			]	memory
 *
 * Node 0's blocks are joined one after the other; node 1's is cut at the end of memory.
 */
static void blocks_of_a_node_are_joined(void **state)
{
	struct affinity_memory blocks[] = { { 0, 640 * KIB, 0, false, false },
					    { MIB, 3 * GIB, 0, false, false },
					    { 4 * GIB, 6 * GIB, 0, false, false },
					    { 6 * GIB, 8 * GIB, 1, false, false } };
	struct machine m;

	(void)state;
	begin(&m, "6.1");
	add_memory(&m, 0x1000, 0x9f000);
	add_memory(&m, MIB, 2 * GIB);
	add_memory(&m, 4 * GIB, 7 * GIB);
	assert_true(clean_up(&m, blocks, 4));
	EXPECT_BLOCKS(&m, { .start = 0, .end = 6 * GIB, .nid = 0 },
		      { .start = 6 * GIB, .end = 7 * GIB, .nid = 1 });
	assert_int_equal(m.answers.count, 2);
	assert_int_equal(m.answers.items[0].kind, ANSWER_NUMA_JOIN);
	assert_int_equal(m.answers.items[0].v[1], 640 * KIB);
	assert_int_equal(m.answers.items[0].v[5], 3 * GIB);
	assert_int_equal(m.answers.items[1].index, 1);
	assert_int_equal(m.answers.items[1].v[1], 3 * GIB);
	assert_int_equal(m.answers.items[1].v[2], 4 * GIB);
	assert_int_equal(m.answers.items[1].v[5], 6 * GIB);
	assert_true(numa_blocks_cover_memory(&m));
	machine_deinit(&m);
}

/* Where another node lies between, blocks stay apart; where nodes overlap, none is believed. */
static void nodes_between_and_overlapping(void **state)
{
	struct affinity_memory between[] = { { 0, GIB, 0, false, false },
					     { 2 * GIB, 3 * GIB, 0, false, false },
					     { GIB, 2 * GIB, 1, false, false },
					     { 3 * GIB, 4 * GIB, 0, false, false } };
	struct affinity_memory itself[] = { { 0, 3 * GIB, 0, false, false },
					    { GIB, 2 * GIB, 0, false, false } };
	struct affinity_memory over[] = { { 0, GIB + 1, 0, false, false },
					  { GIB, 2 * GIB, 1, false, false } };
	struct machine m;

	(void)state;
	begin(&m, "6.1");
	add_memory(&m, 0, 4 * GIB);
	assert_true(clean_up(&m, between, 4));
	EXPECT_BLOCKS(&m, { .start = 0, .end = GIB, .nid = 0 },
		      { .start = 2 * GIB, .end = 4 * GIB, .nid = 0 },
		      { .start = GIB, .end = 2 * GIB, .nid = 1 });
	assert_true(clean_up(&m, itself, 2));
	EXPECT_BLOCKS(&m, { .start = 0, .end = 3 * GIB, .nid = 0 });
	assert_false(clean_up(&m, over, 2));
	over[0].end = GIB;
	assert_true(clean_up(&m, over, 2));
	assert_int_equal(m.numa_block_count, 2);
	assert_true(clean_up(&m, over, 0));
	assert_int_equal(m.numa_block_count, 0);
	numa_dummy_block(&m, 0x1000, 4 * GIB);
	EXPECT_BLOCKS(&m, { .start = 0x1000, .end = 4 * GIB, .nid = 0 });
	machine_deinit(&m);
}

/*
 *	0	  2G	    3G	      4G	6G
 *	[ 0	   | 1 hole   |	       [ 0	  ]
 *
 * Node 1 has no memory there.  From 4.3 on that block is gone before anything is compared.
 */
static void blocks_without_memory(void **state)
{
	struct affinity_memory blocks[] = { { 0, 2 * GIB, 0, false, false },
					    { 2 * GIB, 3 * GIB, 1, false, false },
					    { 4 * GIB, 6 * GIB, 0, false, false } };
	struct machine m;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		begin(&m, i ? "4.3" : "4.2");
		add_memory(&m, 0, 2 * GIB);
		add_memory(&m, 4 * GIB, 6 * GIB);
		assert_true(clean_up(&m, blocks, 3));
		assert_int_equal(m.numa_block_count, i ? 1 : 3);
		machine_deinit(&m);
	}
}

/* Less than 1 MiB of memory may be no node's. */
static void memory_must_be_covered(void **state)
{
	struct affinity_memory block = { 0, GIB, 0, false, false };
	struct machine m;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		begin(&m, "6.1");
		add_memory(&m, 0, GIB + (i ? MIB : MIB - 4096));
		if (i == 2)
			add_memory(&m, 2 * GIB, 2 * GIB + 4096);
		assert_true(clean_up(&m, &block, 1));
		assert_int_equal(numa_blocks_cover_memory(&m), i == 0);
		machine_deinit(&m);
	}
}

/* Stamped memory knows its node; nodes with reservations are not hotpluggable. */
static void stamping(void **state)
{
	struct affinity_memory blocks[] = { { 0, GIB, 0, true, false },
					    { GIB, 2 * GIB, 1, true, false } };
	struct machine m;

	(void)state;
	begin(&m, "6.1");
	add_memory(&m, 0, 2 * GIB);
	memblock_reserve(&m.mb, 16 * MIB, MIB, NID_NONE, 0);
	memblock_set_flag(&m.mb, MEMBLOCK_MEMORY, 0, 2 * GIB, MEMBLOCK_HOTPLUG, true);
	assert_true(clean_up(&m, blocks, 2));
	numa_register_blocks(&m);
	assert_int_equal(m.mb.memory.cnt, 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(m.mb.memory.regions[i].nid, i);
		assert_int_equal(m.mb.memory.regions[i].base, i * GIB);
		assert_int_equal(m.mb.memory.regions[i].flags, i ? MEMBLOCK_HOTPLUG : 0);
	}
	assert_int_equal(m.mb.reserved.regions[0].nid, 0);
	machine_deinit(&m);
}

static void distances(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, "6.1");
	m.node_count = 2;
	assert_int_equal(numa_distance(&m, 0, 0), 10);
	assert_int_equal(numa_distance(&m, 0, 1), 20);
	m.distance = malloc(4);
	assert_non_null(m.distance);
	memcpy(m.distance, "\012\025\026\013", 4);
	assert_int_equal(numa_distance(&m, 0, 1), 21);
	assert_int_equal(numa_distance(&m, 1, 0), 22);
	assert_int_equal(numa_distance(&m, 1, 1), 11);
	/* Beyond the table. */
	assert_int_equal(numa_distance(&m, 1, 2), 20);
	assert_int_equal(numa_distance(&m, 2, 2), 10);
	machine_deinit(&m);
}

/* ---- numa=fake= -------------------------------------------------------------------------------- */

/* Two nodes: [0, 2G) with a hole from 640K to 1M, and [4G, 6G). */
static void begin_two(struct machine *m)
{
	struct affinity_memory blocks[] = { { 0, 2 * GIB, 0, false, false },
					    { 4 * GIB, 6 * GIB, 1, false, false } };

	begin(m, "6.1");
	add_memory(m, 0, 640 * KIB);
	add_memory(m, MIB, 2 * GIB);
	add_memory(m, 4 * GIB, 6 * GIB);
	assert_true(clean_up(m, blocks, 2));
	m->nodes = calloc(2, sizeof(*m->nodes));
	assert_non_null(m->nodes);
}

/* A PC of 2 GiB without nodes, as 5.10 told of numa=fake=4: 512 MB each, the last a little less. */
static void four_nodes_of_one(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, "5.10");
	add_memory(&m, 0x1000, 0x9f000);
	add_memory(&m, MIB, 0x7ffdc000);
	m.node_count = 1;
	m.nodes = calloc(1, sizeof(*m.nodes));
	assert_non_null(m.nodes);
	numa_dummy_block(&m, 0, 0x7ffdc000);
	assert_true(numa_emulate(&m, "4"));
	EXPECT_BLOCKS(&m, { .start = 0, .end = 0x20000000, .nid = 0 },
		      { .start = 0x20000000, .end = 0x40000000, .nid = 1 },
		      { .start = 0x40000000, .end = 0x60000000, .nid = 2 },
		      { .start = 0x60000000, .end = 0x7ffdc000, .nid = 3 });
	assert_int_equal(m.node_count, 4);
	assert_true(m.emulated);
	assert_int_equal(m.answers.count, 4);
	assert_int_equal(m.answers.items[3].kind, ANSWER_FAKING_NODE);
	assert_int_equal(m.answers.items[3].v[1], 0x7ffdc000);
	/* All of one physical node, so all are near. */
	assert_int_equal(numa_distance(&m, 0, 3), 10);
	machine_deinit(&m);
}

/*
 * Pieces are dealt over the physical nodes in turn: 4 GiB less 384 KiB for 4 nodes are 1023.9 MiB each,
 * 992 MiB by steps of 32 and 3 of them 32 MiB more.  The hole at 640K makes the first grow by 32 MiB.
 */
static void nodes_take_turns(void **state)
{
	struct machine m;

	(void)state;
	begin_two(&m);
	assert_true(numa_emulate(&m, "4"));
	EXPECT_BLOCKS(&m, { .start = 0, .end = GIB, .nid = 0 },
		      { .start = 4 * GIB, .end = 5 * GIB, .nid = 1 },
		      { .start = GIB, .end = 2 * GIB, .nid = 2 },
		      { .start = 5 * GIB, .end = 6 * GIB, .nid = 3 });
	assert_int_equal(m.nodes[2].physical, 0);
	assert_int_equal(m.nodes[3].physical, 1);
	assert_int_equal(numa_distance(&m, 0, 2), 10);
	assert_int_equal(numa_distance(&m, 0, 3), 20);
	machine_deinit(&m);
	/* One node of two: ids count modulo one, and the pieces stay pieces, as a hole lies between. */
	begin_two(&m);
	assert_true(numa_emulate(&m, "1"));
	assert_int_equal(m.node_count, 1);
	/* It counts as what its first piece is of. */
	assert_int_equal(m.nodes[0].physical, 0);
	EXPECT_BLOCKS(&m, { .start = 0, .end = 6 * GIB, .nid = 0 });
	machine_deinit(&m);
}

/* A size: at least so much memory each; the rest that would be too small is taken along. */
static void nodes_of_a_size(void **state)
{
	struct machine m;

	(void)state;
	begin_two(&m);
	assert_true(numa_emulate(&m, "1G"));
	/* The first piece has a hole and takes 32 MiB more; then not enough is left for another. */
	EXPECT_BLOCKS(&m, { .start = 0, .end = 2 * GIB, .nid = 0 },
		      { .start = 4 * GIB, .end = 5 * GIB, .nid = 1 },
		      { .start = 5 * GIB, .end = 6 * GIB, .nid = 2 });
	machine_deinit(&m);
	/* Less than 32 MiB is not to be had: 128 nodes of that, one of them larger by the hole. */
	begin_two(&m);
	assert_true(numa_emulate(&m, "1M"));
	assert_int_equal(m.node_count, 127);
	machine_deinit(&m);
	/* A size that is no multiple is rounded down. */
	begin_two(&m);
	assert_true(numa_emulate(&m, "1055M"));
	assert_int_equal(m.node_count, 3);
	assert_int_equal(m.numa_blocks[1].end, 5 * GIB);
	machine_deinit(&m);
}

static void begin_one(struct machine *m, phys_t low_end, phys_t end)
{
	begin(m, "6.1");
	add_memory(m, 0, low_end);
	add_memory(m, 4 * GIB, end);
	m->node_count = 1;
	m->nodes = calloc(1, sizeof(*m->nodes));
	assert_non_null(m->nodes);
	numa_dummy_block(m, 0, end);
}

/*
 *	0		  3552M	 3570M		4G		  8G
 *	[ 3552M of memory | 18M ]		[		  ]
 *
 * Less than 32 MiB would be left of what 32-bit devices reach, so the first node is stretched to 4 GiB;
 * with 32 MiB it is not.
 */
static void a_rest_below_4_gib(void **state)
{
	struct machine m;

	(void)state;
	begin_one(&m, 3570 * MIB, 8 * GIB);
	assert_true(numa_emulate(&m, "3552M"));
	EXPECT_BLOCKS(&m, { .start = 0, .end = 4 * GIB, .nid = 0 },
		      { .start = 4 * GIB, .end = 8 * GIB, .nid = 1 });
	machine_deinit(&m);
	begin_one(&m, 3584 * MIB, 8 * GIB);
	assert_true(numa_emulate(&m, "3552M"));
	assert_int_equal(m.numa_blocks[0].end, 3552 * MIB);
	machine_deinit(&m);
}

/* No more nodes than any kernel has: 64 GiB in 1024 pieces of 64 MiB. */
static void more_nodes_than_there_are(void **state)
{
	struct machine m;

	(void)state;
	begin_one(&m, 4 * GIB, 64 * GIB);
	assert_true(numa_emulate(&m, "2000"));
	assert_int_equal(m.node_count, NODES_MAX);
	assert_int_equal(m.numa_blocks[0].end, 64 * MIB);
	machine_deinit(&m);
}

/* Each node into so many pieces of equal span, whatever holes there are. */
static void nodes_of_equal_span(void **state)
{
	struct machine m;

	(void)state;
	begin_two(&m);
	assert_true(numa_emulate(&m, "2U"));
	EXPECT_BLOCKS(&m, { .start = 0, .end = GIB, .nid = 0 },
		      { .start = GIB, .end = 2 * GIB, .nid = 1 },
		      { .start = 4 * GIB, .end = 5 * GIB, .nid = 2 },
		      { .start = 5 * GIB, .end = 6 * GIB, .nid = 3 });
	assert_int_equal(m.nodes[1].physical, 0);
	assert_int_equal(m.nodes[2].physical, 1);
	machine_deinit(&m);
}

/* Distances may follow a colon; what cannot be one, and what is missing, is filled up. */
static void distances_of_made_up_nodes(void **state)
{
	struct machine m;

	(void)state;
	begin_two(&m);
	assert_true(numa_emulate(&m, "2:10,31,32,10,"));
	assert_int_equal(numa_distance(&m, 0, 1), 31);
	assert_int_equal(numa_distance(&m, 1, 0), 32);
	assert_int_equal(numa_distance(&m, 1, 1), 10);
	machine_deinit(&m);
	begin_two(&m);
	assert_true(numa_emulate(&m, "2:11,256,40"));
	assert_int_equal(numa_distance(&m, 0, 0), 10);
	assert_int_equal(numa_distance(&m, 0, 1), 20);
	/* The last without a comma is not counted. */
	assert_int_equal(numa_distance(&m, 1, 0), 20);
	machine_deinit(&m);
}

/* An option without sense changes nothing; what was said of nodes before it turned out so stays said. */
static void options_without_sense(void **state)
{
	static const struct {
		const char *option;
		uint32_t said;
	} options[] = { { "", 0 },  { "0", 0 },	 { "x", 0 },	  { "0M", 0 },
			{ "U", 0 }, { "0U", 0 }, { "1000U", 64 }, { "99999999U", 0 } };
	struct machine m;

	(void)state;
	for (uint32_t i = 0; i < COUNT(options); i++) {
		begin_two(&m);
		assert_false(numa_emulate(&m, options[i].option));
		EXPECT_BLOCKS(&m, { .start = 0, .end = 2 * GIB, .nid = 0 },
			      { .start = 4 * GIB, .end = 6 * GIB, .nid = 1 });
		assert_int_equal(m.answers.count, options[i].said);
		assert_int_equal(m.node_count, 2);
		assert_false(m.emulated);
		machine_deinit(&m);
	}
}

/*
 * Whatever the option and the machine: the pieces are the physical blocks cut up, each byte of them is in
 * one piece, and pieces are of the physical node their fake node is said to be of (or share its id).
 */
static void any_option_keeps_all_memory(void **state)
{
	static const char *const forms[] = { "%u", "%uM", "%uU", "%uG" };
	unsigned int made = 0;

	(void)state;
	for (unsigned int run = 0; run < 1500; run++) {
		struct prng prng = prng_init(run);
		struct affinity_memory blocks[6];
		uint64_t total = 0, pieces = 0;
		uint32_t count = 0;
		phys_t at = 0;
		struct machine m;
		char option[32];

		begin(&m, "6.1");
		while (count < 6 && (!count || prng_chance(&prng, 3, 4))) {
			phys_t end = at + prng_between(&prng, 1, 512) * 4 * MIB;

			blocks[count] = (struct affinity_memory){
				.start = at, .end = end, .nid = (int32_t)prng_below(&prng, 3)
			};
			/* Holes within. */
			add_memory(&m, at, at + (end - at) / 4096 / 2 * 4096 + 4096);
			add_memory(&m, end - prng_between(&prng, 1, 256) * 4096, end);
			at = end + prng_below(&prng, 3) * GIB / 2;
			count++;
		}
		if (!clean_up(&m, blocks, count))
			fail_msg("run %u: blocks", run);
		m.nodes = calloc(m.node_count, sizeof(*m.nodes));
		assert_non_null(m.nodes);
		for (uint32_t i = 0; i < m.numa_block_count; i++)
			total += m.numa_blocks[i].end - m.numa_blocks[i].start;
		snprintf(option, sizeof(option), forms[run % 4],
			 (unsigned int)prng_skewed(&prng, run % 4 == 1 ? 2000 : 40));
		if (numa_emulate(&m, option)) {
			made++;
			for (uint32_t i = 0; i < m.answers.count; i++) {
				const struct answer *a = &m.answers.items[i];

				if (a->kind != ANSWER_FAKING_NODE)
					continue;
				if (a->v[1] <= a->v[0])
					fail_msg("run %u (%s): an empty piece", run, option);
				pieces += a->v[1] - a->v[0];
			}
		} else {
			for (uint32_t i = 0; i < m.numa_block_count; i++)
				pieces += m.numa_blocks[i].end - m.numa_blocks[i].start;
		}
		if (pieces != total)
			fail_msg("run %u (%s): %llu of %llu bytes", run, option,
				 (unsigned long long)pieces, (unsigned long long)total);
		for (uint32_t i = 0; i < m.numa_block_count; i++)
			assert_in_range(m.numa_blocks[i].nid, 0, m.node_count - 1);
		machine_deinit(&m);
	}
	assert_true(made > 700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_of_a_node_are_joined),
		cmocka_unit_test(nodes_between_and_overlapping),
		cmocka_unit_test(blocks_without_memory),
		cmocka_unit_test(memory_must_be_covered),
		cmocka_unit_test(stamping),
		cmocka_unit_test(distances),
		cmocka_unit_test(four_nodes_of_one),
		cmocka_unit_test(nodes_take_turns),
		cmocka_unit_test(nodes_of_a_size),
		cmocka_unit_test(a_rest_below_4_gib),
		cmocka_unit_test(more_nodes_than_there_are),
		cmocka_unit_test(nodes_of_equal_span),
		cmocka_unit_test(distances_of_made_up_nodes),
		cmocka_unit_test(options_without_sense),
		cmocka_unit_test(any_option_keeps_all_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
