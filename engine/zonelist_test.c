/* SPDX-License-Identifier: MIT */
/*
 * Tests of fallback orders: small machines by hand, some of them with the lists that kernels printed,
 * then random ones against a model that picks node by node.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/prng.h"
#include "engine/testing/zonelist_oracle.h"
#include "engine/zonelist.h"

#define NODES 5

struct fixture {
	struct facts facts;
	struct arch_config config;
	struct node nodes[NODES];
	struct zonelists lists;
};

/* Nodes with 512 MiB of DMA32 each; node 0 has DMA too. */
static void begin(struct fixture *f, const char *version, uint32_t node_count)
{
	uint32_t v;

	memset(f, 0, sizeof(*f));
	assert_true(facts_parse_version(version, &v));
	facts_init(&f->facts, v);
	arch_config_default(ARCH_X86_64, false, &f->config);
	for (uint32_t n = 0; n < node_count; n++) {
		f->nodes[n].possible = f->nodes[n].memory = true;
		f->nodes[n].zones[ZONE_DMA32].present = 0x20000;
	}
	f->nodes[0].zones[ZONE_DMA].present = 3998;
}

static void build(struct fixture *f, uint32_t node_count, const uint8_t *distance)
{
	zonelists_build(&f->lists, f->nodes, node_count, distance, NULL, &f->config, &f->facts);
	assert_false(f->lists.out_of_memory);
	assert_int_equal(f->lists.node_count, node_count);
}

/* @text names nodes by one digit each: "0132". */
static void expect_order(const struct fixture *f, uint32_t nid, const char *text)
{
	char got[NODES + 1] = "";

	for (uint32_t i = 0; i < f->lists.length[nid]; i++)
		got[i] = (char)('0' + f->lists.order[(size_t)nid * f->lists.node_count + i]);
	assert_string_equal(got, text);
}

/* "0:2" is DMA32 of node 0; zones of @nid's list, parted by blanks. */
static void expect_zones(const struct fixture *f, int32_t nid, enum zone_type highest,
			 bool thisnode, const char *text)
{
	struct zoneref refs[NODES * ZONE_TYPE_COUNT];
	char got[4 * NODES * ZONE_TYPE_COUNT + 1] = "", *p = got;
	uint32_t count =
		zonelist_zones(&f->lists, nid, highest, thisnode, refs, NODES * ZONE_TYPE_COUNT);

	for (uint32_t i = 0; i < count; i++) {
		if (i)
			*p++ = ' ';
		*p++ = (char)('0' + refs[i].nid);
		*p++ = ':';
		*p++ = (char)('0' + refs[i].type);
	}
	*p = 0;
	assert_string_equal(got, text);
}

/*
 *	0 -16- 1
 *	|      |	opposite corners are 24 apart
 *	3 -16- 2
 *
 * Both neighbours are equally far; the one with the higher id wins over one below the local node.
 */
static const uint8_t ring[] = {
	10, 16, 24, 16, /**/ 16, 10, 16, 24, /**/ 24, 16, 10, 16, /**/ 16, 24, 16, 10,
};

static void a_ring_of_four(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "5.10", 4);
	build(&f, 4, ring);
	expect_order(&f, 0, "0132");
	expect_order(&f, 1, "1203");
	expect_order(&f, 2, "2310");
	expect_order(&f, 3, "3021");
	assert_int_equal(f.lists.policy_zone, ZONE_DMA32);
	zonelists_deinit(&f.lists);
	assert_null(f.lists.order);
}

/*
 *	0 -12- 1 ---32--- 2 -12- 3
 *
 * From 5.16 on load counts how often a node was the first of a distance group.  Each row: who opens one.
 *	local 0: 1 opens 12, 2 opens 32 (3 does not)		load 0 1 1 0
 *	local 1: 0 opens 12, 3 (0) before 2 (1) opens 32	load 1 1 1 1
 *	local 2: 3 opens 12, 0 ties with 1 and opens 32		load 2 1 1 2
 *	local 3: 2 opens 12, 1 (1) before 0 (2)
 * Before, it was set to the number of nodes still to come:
 *	local 0: load 0 3 2 0; local 1: 3 3 2 2; local 2: 2 3 2 3; local 3: 0 (2) before 1 (3)
 */
static const uint8_t pairs[] = {
	10, 12, 32, 32, /**/ 12, 10, 32, 32, /**/ 32, 32, 10, 12, /**/ 32, 32, 12, 10,
};

static void load_decides_among_equals(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "6.1", 4);
	build(&f, 4, pairs);
	expect_order(&f, 0, "0123");
	expect_order(&f, 1, "1032");
	expect_order(&f, 2, "2301");
	expect_order(&f, 3, "3210");
	/* A second build begins with no load, and takes the room of the first. */
	build(&f, 4, pairs);
	expect_order(&f, 0, "0123");
	expect_order(&f, 3, "3210");
	zonelists_deinit(&f.lists);
	begin(&f, "5.10", 4);
	build(&f, 4, pairs);
	expect_order(&f, 0, "0123");
	expect_order(&f, 1, "1032");
	expect_order(&f, 2, "2301");
	expect_order(&f, 3, "3201");
	zonelists_deinit(&f.lists);
}

/* Node 1 has no memory.  The kernels that know better leave it out of its own list. */
static void a_node_without_memory(void **state)
{
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		begin(&f, i ? "6.12" : "6.1", 4);
		f.nodes[1].memory = false;
		f.nodes[1].zones[ZONE_DMA32].present = 0;
		build(&f, 4, ring);
		expect_order(&f, 0, "032");
		expect_order(&f, 1, i ? "203" : "1203");
		expect_order(&f, 2, "230");
		expect_zones(&f, 1, ZONE_NORMAL, false, "2:1 0:1 0:0 3:1");
		expect_zones(&f, 1, ZONE_NORMAL, true, "");
		zonelists_deinit(&f.lists);
	}
	/* One that cannot exist has no list and is in none. */
	begin(&f, "6.1", 4);
	f.nodes[2].possible = f.nodes[2].memory = false;
	build(&f, 4, ring);
	expect_order(&f, 0, "013");
	expect_order(&f, 2, "");
	zonelists_deinit(&f.lists);
}

/* CPUs count one of distance, which at boot no node has yet. */
static void cpus_are_avoided(void **state)
{
	static const bool cpus[] = { true, true, false, false };
	static const uint8_t even[] = {
		10, 20, 20, 20, /**/ 20, 10, 20, 20, /**/ 20, 20, 10, 20, /**/ 20, 20, 20, 10,
	};
	struct fixture f;

	(void)state;
	begin(&f, "6.1", 4);
	zonelists_build(&f.lists, f.nodes, 4, even, cpus, &f.config, &f.facts);
	expect_order(&f, 0, "0231");
	build(&f, 4, even);
	expect_order(&f, 0, "0123");
	zonelists_deinit(&f.lists);
}

/*
 *	node	DMA	DMA32	Normal	Movable
 *	0	x	x	x
 *	1			x	x
 */
static void begin_two(struct fixture *f, const char *version)
{
	static const uint8_t distance[] = { 10, 20, 20, 10 };

	begin(f, version, 2);
	f->nodes[1].zones[ZONE_DMA32].present = 0;
	f->nodes[0].zones[ZONE_NORMAL].present = f->nodes[1].zones[ZONE_NORMAL].present = 0x40000;
	f->nodes[1].zones[ZONE_MOVABLE].present = 1;
	build(f, 2, distance);
}

static void zones_of_a_list(void **state)
{
	struct zoneref refs[3] = { { 7, ZONE_DEVICE }, { 7, ZONE_DEVICE }, { 7, ZONE_DEVICE } };
	struct fixture f;

	(void)state;
	begin_two(&f, "6.1");
	assert_int_equal(f.lists.policy_zone, ZONE_NORMAL);
	expect_zones(&f, 0, ZONE_DEVICE, false, "0:2 0:1 0:0 1:4 1:2");
	expect_zones(&f, 0, ZONE_NORMAL, false, "0:2 0:1 0:0 1:2");
	expect_zones(&f, 0, ZONE_DMA, false, "0:0");
	expect_zones(&f, 1, ZONE_MOVABLE, false, "1:4 1:2 0:2 0:1 0:0");
	expect_zones(&f, 1, ZONE_MOVABLE, true, "1:4 1:2");
	/* Zone order, which older kernels had too. */
	f.lists.by_zone = true;
	expect_zones(&f, 0, ZONE_DEVICE, false, "1:4 0:2 1:2 0:1 0:0");
	expect_zones(&f, 1, ZONE_DEVICE, false, "1:4 1:2 0:2 0:1 0:0");
	expect_zones(&f, 1, ZONE_NORMAL, false, "1:2 0:2 0:1 0:0");
	expect_zones(&f, 1, ZONE_NORMAL, true, "1:2");
	/* The count is of all, also where there is room for less. */
	for (unsigned int i = 0; i < 2; i++) {
		f.lists.by_zone = i > 0;
		assert_int_equal(zonelist_zones(&f.lists, 0, ZONE_DEVICE, false, refs, 2), 5);
		assert_int_equal(refs[1].nid, 0);
		assert_int_equal(refs[1].type, i ? ZONE_NORMAL : ZONE_DMA32);
		assert_int_equal(refs[2].nid, 7);
		assert_int_equal(zonelist_zones(&f.lists, 0, ZONE_DEVICE, false, NULL, 0), 5);
	}
	/* Nodes there are not. */
	assert_int_equal(zonelist_zones(&f.lists, -1, ZONE_DEVICE, false, refs, 2), 0);
	f.nodes[2].zones[ZONE_NORMAL].present = 1;
	assert_int_equal(zonelist_zones(&f.lists, 2, ZONE_DEVICE, true, refs, 2), 0);
	zonelists_deinit(&f.lists);
}

/* Without NUMA: the local node, higher ids, lower ids, whatever the distances. */
static void without_numa(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "6.1", 4);
	f.config.numa = false;
	f.nodes[2].possible = false;
	build(&f, 4, ring);
	expect_order(&f, 0, "013");
	expect_order(&f, 1, "130");
	expect_order(&f, 2, "");
	expect_order(&f, 3, "301");
	/* Built anew after a change. */
	f.nodes[2].possible = true;
	f.nodes[3].possible = false;
	build(&f, 4, ring);
	expect_order(&f, 2, "201");
	expect_order(&f, 3, "");
	zonelists_deinit(&f.lists);
	begin(&f, "6.1", 1);
	f.nodes[0].zones[ZONE_DMA32].present = 0;
	build(&f, 1, ring);
	expect_order(&f, 0, "0");
	assert_int_equal(f.lists.policy_zone, ZONE_DMA);
	/* Movable memory does not make a policy zone. */
	f.nodes[0].zones[ZONE_MOVABLE].present = 1;
	build(&f, 1, ring);
	assert_int_equal(f.lists.policy_zone, ZONE_DMA);
	zonelists_deinit(&f.lists);
	/* No node at all. */
	build(&f, 0, ring);
	expect_zones(&f, 0, ZONE_DEVICE, false, "");
	zonelists_deinit(&f.lists);
}

/*
 * Which order old kernels took by themselves: zone order where low zones (here DMA32) are small.  That is
 * when they hold at most half of all pages, and at most 70 % of each node above average size, where the
 * average is over one node more than there are.
 */
static void which_order_by_default(void **state)
{
	static const struct {
		uint64_t low[2], normal[2]; /* pages of the two nodes */
		bool by_zone, needs_normal; /* in 2.6.32, and from 2.6.35 on */
	} rows[] = {
		{ { 0, 0 }, { 1000, 1000 }, false, false }, /* nothing is low */
		{ { 100, 0 }, { 900, 1000 }, true, true },
		/* All: half of 2000 or of 2001 is 1000. */
		{ { 500, 500 }, { 500, 500 }, true, true },
		{ { 501, 500 }, { 500, 500 }, false, false },
		/* A node: 70 % of 1000. */
		{ { 700, 0 }, { 300, 1000 }, true, true },
		{ { 701, 0 }, { 299, 1000 }, false, false },
		{ { 0, 701 }, { 1000, 299 }, false, false },
		/* Average: a third of 2000 is 666. */
		{ { 666, 0 }, { 0, 1334 }, true, false },
		{ { 667, 0 }, { 0, 1333 }, false, false },
	};
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned int later = 0; later < 2; later++) {
			begin(&f, later ? "2.6.35" : "2.6.32", 3);
			f.nodes[2].possible = f.nodes[2].memory = false;
			f.nodes[0].zones[ZONE_DMA].present = 0;
			for (unsigned int n = 0; n < 2; n++) {
				f.nodes[n].zones[ZONE_DMA32].present = rows[i].low[n];
				f.nodes[n].zones[ZONE_NORMAL].present = rows[i].normal[n];
			}
			assert_int_equal(zonelists_default_by_zone(f.nodes, 3, &f.config, &f.facts),
					 later ? rows[i].needs_normal : rows[i].by_zone);
		}
	}
	/* Then the width of words decided, and in the end there is no choice. */
	begin(&f, "4.4", 1);
	assert_false(zonelists_default_by_zone(f.nodes, 1, &f.config, &f.facts));
	f.config.pointer_bytes = 4;
	assert_true(zonelists_default_by_zone(f.nodes, 1, &f.config, &f.facts));
	f.config.pointer_bytes = 8;
	f.config.numa = false;
	assert_true(zonelists_default_by_zone(f.nodes, 1, &f.config, &f.facts));
	begin(&f, "4.14", 1);
	f.config.pointer_bytes = 4;
	assert_false(zonelists_default_by_zone(f.nodes, 1, &f.config, &f.facts));
	f.config.numa = false;
	assert_false(zonelists_default_by_zone(f.nodes, 1, &f.config, &f.facts));
}

/* Few distances, so that load decides often; a small MAX_NUMNODES, so that it outweighs distance too. */
static void draw_machine(struct prng *prng, struct zonelist_oracle *o, struct node *nodes,
			 struct arch_config *config)
{
	memset(o, 0, sizeof(*o));
	memset(nodes, 0, ZONELIST_ORACLE_NODES * sizeof(*nodes));
	o->node_count = (uint32_t)prng_between(prng, 1, ZONELIST_ORACLE_NODES);
	config->nodes_shift = (unsigned int)prng_below(prng, 5);
	o->max_nodes = 1ULL << config->nodes_shift;
	for (uint32_t n = 0; n < o->node_count; n++) {
		nodes[n].possible = o->possible[n] = prng_chance(prng, 9, 10);
		nodes[n].memory = o->memory[n] = o->possible[n] && prng_chance(prng, 3, 4);
		o->cpus[n] = prng_chance(prng, 1, 3);
		for (uint32_t k = 0; k < o->node_count; k++)
			o->distance[n][k] = k == n ? 10 : (uint8_t)(10 + prng_below(prng, 4));
	}
}

static void random_orders_agree_with_the_model(void **state)
{
	static const char *const versions[] = { "2.6.32", "5.10", "6.1", "6.12" };

	(void)state;
	for (unsigned int run = 0; run < 4000; run++) {
		uint8_t distance[ZONELIST_ORACLE_NODES * ZONELIST_ORACLE_NODES];
		struct node nodes[ZONELIST_ORACLE_NODES];
		struct prng prng = prng_init(run);
		struct zonelists lists = { 0 };
		struct zonelist_oracle o;
		struct fixture f;

		begin(&f, versions[run % 4], 1);
		draw_machine(&prng, &o, nodes, &f.config);
		o.penalty = 1;
		o.accumulate = run % 4 >= 2;
		o.skip_memoryless = run % 4 == 3;
		for (uint32_t n = 0; n < o.node_count; n++)
			memcpy(distance + (size_t)n * o.node_count, o.distance[n], o.node_count);
		zonelist_oracle_build(&o);
		zonelists_build(&lists, nodes, o.node_count, distance, o.cpus, &f.config, &f.facts);
		for (uint32_t n = 0; n < o.node_count; n++) {
			if (lists.length[n] != o.length[n])
				fail_msg("run %u node %u: %u nodes, not %u", run, n,
					 lists.length[n], o.length[n]);
			for (uint32_t i = 0; i < o.length[n]; i++)
				if (lists.order[(size_t)n * o.node_count + i] != o.order[n][i])
					fail_msg("run %u node %u place %u: %u, not %u", run, n, i,
						 lists.order[(size_t)n * o.node_count + i],
						 o.order[n][i]);
		}
		zonelists_deinit(&lists);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_of_four),
		cmocka_unit_test(load_decides_among_equals),
		cmocka_unit_test(a_node_without_memory),
		cmocka_unit_test(cpus_are_avoided),
		cmocka_unit_test(zones_of_a_list),
		cmocka_unit_test(without_numa),
		cmocka_unit_test(which_order_by_default),
		cmocka_unit_test(random_orders_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
