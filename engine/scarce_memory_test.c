/* SPDX-License-Identifier: MIT */
/*
 * The host has no memory while a made-up machine boots and lives: that is told, or all is as ever.
 * traces/scarce_memory_test.c does the same to machines of captures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/boot.h"
#include "engine/buddy.h"
#include "engine/digest.h"
#include "engine/follow.h"
#include "engine/parting.h"
#include "engine/prng.h"
#include "engine/replay_history.h"
#include "engine/sink.h"
#include "engine/state_diff.h"
#include "engine/testing/made_boot.h"
#include "engine/testing/scarce.h"

#define MiB (1ULL << 20)

enum { OPERATIONS = 400, EVENTS = 600, CPUS = 2 };

struct job {
	struct made_boot boot;
	struct operation operations[OPERATIONS];
	struct event events[EVENTS];
	uint64_t digest;
	bool known;
};

static void same_result(struct job *j, uint64_t digest)
{
	if (j->known)
		assert_int_equal(digest, j->digest);
	j->digest = digest;
	j->known = true;
}

/* Two nodes, memory that may come, a CMA area. */
static void make_machine(struct job *j, const char *version)
{
	static const uint8_t distance[] = { 10, 20, 20, 10 };

	made_boot_init(&j->boot, ARCH_X86_64, version);
	made_boot_memory(&j->boot, 1 * MiB, 256 * MiB, 0);
	made_boot_memory(&j->boot, 256 * MiB, 512 * MiB, 1);
	made_boot_slot(&j->boot, 512 * MiB, 1024 * MiB, 1);
	made_boot_cpus(&j->boot, 1, 0);
	made_boot_cpus(&j->boot, 1, 1);
	made_boot_distance(&j->boot, distance, 2);
	made_boot_reserve(&j->boot, 16 * MiB, 32 * MiB);
	made_boot_step(&j->boot, STEP_CMA_RESERVE, 0, 16 * MiB);
}

static void make_operations(struct job *j)
{
	struct prng prng = prng_init(1);

	for (unsigned int i = 0; i < OPERATIONS; i++)
		j->operations[i] = (struct operation){
			.kind = (enum operation_kind)prng_below(&prng, OPERATION_COUNT),
			.cpu = (uint32_t)prng_below(&prng, CPUS),
			.nid = (int32_t)prng_below(&prng, 2),
			.order = (unsigned int)prng_below(&prng, 4),
			.type = (enum migratetype)prng_below(&prng, 3),
			.highest = ZONE_MOVABLE,
			.target = (uint32_t)prng_below(&prng, i + 1),
			.pfn = prng_below(&prng, 8) << 15,
			.pages = 1 << 15,
			.value = (int64_t)prng_below(&prng, 3),
		};
}

static bool live_job(void *ctx)
{
	static const struct scenario_options options = { .boot_cost = INVARIANT_COST_DEEP,
							 .step_cost = INVARIANT_COST_CONSTANT,
							 .end_cost = INVARIANT_COST_DEEP,
							 .want_lists = true };
	struct job *j = ctx;
	struct scenario s;
	uint64_t digest;
	bool done;

	scenario_init(&s);
	scenario_run(&s, &j->boot.in, j->operations, OPERATIONS, &options);
	done = !s.out_of_memory;
	if (done) {
		digest = s.held_pages;
		for (uint32_t i = 0; i < s.block_count; i++)
			digest = digest_add(digest, s.blocks[i].pfn);
		same_result(j, digest_add(digest, s.findings.total));
	}
	scenario_deinit(&s);
	return done;
}

static void test_lives(void **state)
{
	static const char *const versions[] = { "5.10", "6.12" };

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		struct job *j = calloc(1, sizeof(*j));

		assert_non_null(j);
		make_machine(j, versions[i]);
		make_operations(j);
		print_message("%s: %u refused\n", versions[i], scarce_try(live_job, j));
		assert_true(j->known);
		free(j);
	}
}

/* ---- boots of other kinds ------------------------------------------------------------------------ */

static bool boot_job(void *ctx)
{
	struct job *j = ctx;
	struct machine m;
	bool done;

	machine_init(&m);
	m.want_lists = true;
	boot_run(&m, &j->boot.in, STAGE_LATE);
	done = !m.out_of_memory;
	if (done) {
		uint64_t digest = digest_add(m.totalram, m.answers.count);

		assert_int_equal(m.stage, STAGE_LATE);
		for (uint32_t i = 0; i < m.answers.count; i++)
			for (unsigned int v = 0; v < 4; v++)
				digest = digest_add(digest, m.answers.items[i].v[v]);
		same_result(j, digest_add(digest, buddy_hash(m.buddy)));
	}
	machine_deinit(&m);
	return done;
}

static void try_boot(struct job *j, const char *what)
{
	print_message("%s: %u refused\n", what, scarce_try(boot_job, j));
	assert_true(j->known);
	free(j);
}

static struct job *new_job(void)
{
	struct job *j = calloc(1, sizeof(*j));

	assert_non_null(j);
	return j;
}

/* Nodes cut in pieces, by either rule, with a part for what can be moved. */
static void test_fake_nodes(void **state)
{
	static const char *const versions[] = { "5.10", "6.12" };
	static const char *const options[] = { "numa=fake=4 kernelcore=40%", "numa=fake=64M",
					       "numa=fake=2U movable_node", "numa=off cma=16M" };

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		struct job *j = new_job();

		make_machine(j, versions[i / 4]);
		j->boot.in.command_line = options[i % 4];
		try_boot(j, options[i % 4]);
	}
}

/* More reservations than memblock has room for at first. */
static void test_many_reservations(void **state)
{
	struct job *j = new_job();

	(void)state;
	make_machine(j, "6.1");
	for (phys_t i = 0; i < 200; i++)
		made_boot_reserve(&j->boot, 64 * MiB + i * 0x3000, 64 * MiB + i * 0x3000 + 0x1000);
	try_boot(j, "reservations");
}

/* A board whose device tree has memory set aside, fixed and to be placed. */
static void test_device_tree(void **state)
{
	static const struct tree_range fixed = { 1100 * MiB, 4 * MiB };
	struct tree_memory memory[] = { { { 1024 * MiB, 256 * MiB }, NID_NONE, false, true, 1 },
					{ { 2048 * MiB, 256 * MiB }, NID_NONE, false, true, 1 } };
	struct tree_reserved nodes[] = {
		{ .ranges = &fixed, .range_count = 1, .no_map = true, .enabled = true },
		{ .size = 16 * MiB, .dma_pool = true, .reusable = true, .enabled = true },
		{ .size = MiB, .enabled = true },
	};
	struct job *j = new_job();

	(void)state;
	made_boot_init(&j->boot, ARCH_ARM64, "6.12");
	j->boot.in.has_tree = true;
	j->boot.in.tree = (struct device_tree){ .memory = memory,
						.memory_count = 2,
						.reserved = nodes,
						.reserved_count = 3,
						.reserved_format_ok = true };
	made_boot_cpus(&j->boot, 2, 0);
	try_boot(j, "device tree");
}

/* ---- two machines serve the same trace, and are compared ---------------------------------------- */

static void make_events(struct job *j)
{
	struct prng prng = prng_init(2);

	for (uint64_t i = 0; i < EVENTS; i++) {
		struct event *e = &j->events[i];

		*e = (struct event){ .kind = EVENT_ALLOC,
				     .pfn = 0x10000 + (i << 4),
				     .order = (uint8_t)prng_below(&prng, 4),
				     .migratetype = (uint8_t)prng_below(&prng, 3),
				     .cpu = (uint16_t)prng_below(&prng, CPUS) };
		if (i && prng_chance(&prng, 1, 3)) {
			const struct event *taken = &j->events[prng_below(&prng, i)];

			e->kind = EVENT_FREE;
			e->pfn = taken->pfn;
			e->order = taken->order;
		}
	}
}

static bool compare(struct job *j, struct machine m[PARTING_SIDES], struct rerun *sides[])
{
	struct follow_options options = { .cpu_count = CPUS };
	struct follow *f = follow_create(&m[0], &options);
	struct state_summary summary = { 0 };
	struct parting p;
	bool done = f;

	parting_init(&p, sides[0], j->events, EVENTS, sides[1], j->events, EVENTS);
	sides[0] = sides[1] = NULL;
	done = done && parting_find(&p, 64) && !rerun_out_of_memory(p.sides[0]) &&
	       !rerun_out_of_memory(p.sides[1]) &&
	       state_diff(rerun_alloc(p.sides[0]), rerun_alloc(p.sides[1]), NULL, NULL, &summary);
	for (uint32_t i = 0; done && i < EVENTS; i++)
		follow_event(f, &j->events[i]);
	done = done && !follow_out_of_memory(f);
	if (done) {
		assert_null(follow_check(f));
		same_result(j, digest_add(digest_add(p.first, summary.lists),
					  follow_stats(f)->in_use_max));
	}
	parting_deinit(&p);
	follow_destroy(f);
	return done;
}

static bool part_job(void *ctx)
{
	struct job *j = ctx;
	struct machine m[PARTING_SIDES];
	struct rerun *sides[PARTING_SIDES] = { NULL, NULL };
	bool done = true;

	for (unsigned int side = 0; side < PARTING_SIDES; side++) {
		machine_init(&m[side]);
		m[side].want_lists = true;
		j->boot.in.facts.v[FACT_fallback_rule] = side ? 0 : 2;
		boot_run(&m[side], &j->boot.in, STAGE_LATE);
		done = done && !m[side].out_of_memory;
		if (done)
			sides[side] = rerun_create(&m[side], &m[side], j->boot.cpu_nid, CPUS);
		done = done && sides[side];
	}
	done = done && compare(j, m, sides);
	for (unsigned int side = 0; side < PARTING_SIDES; side++) {
		rerun_destroy(sides[side]);
		machine_deinit(&m[side]);
	}
	return done;
}

static void test_partings(void **state)
{
	struct job *j = calloc(1, sizeof(*j));

	(void)state;
	assert_non_null(j);
	make_machine(j, "6.12");
	make_events(j);
	print_message("%u refused\n", scarce_try(part_job, j));
	assert_true(j->known);
	free(j);
}

/* ---- replays ------------------------------------------------------------------------------------- */

enum { REPLAYED = 160, SPACING = 16 };

/* A small machine, and pages that its kernel could hand out: some in a row, some from anywhere. */
static void make_replayed(struct job *j, const char *version)
{
	struct prng prng = prng_init(3);
	pfn_t next = 0x400;

	made_boot_init(&j->boot, ARCH_X86_64, version);
	made_boot_memory(&j->boot, 1 * MiB, 24 * MiB, -1);
	made_boot_cpus(&j->boot, 1, 0);
	for (uint32_t i = 0; i < REPLAYED; i++) {
		struct event *e = &j->events[i];

		next = prng_chance(&prng, 1, 4) ? 0x200 + prng_below(&prng, 0x1000) : next + 1;
		*e = (struct event){ .kind = EVENT_ALLOC,
				     .pfn = next,
				     .pid = (int32_t)prng_between(&prng, 1, 3),
				     .time = i * 20000000ULL,
				     .migratetype = (uint8_t)prng_below(&prng, 2),
				     .context = EVENT_CONTEXT_TOLD };
		if (i > 8 && prng_chance(&prng, 1, 3)) {
			e->kind = EVENT_FREE;
			e->pfn = j->events[prng_below(&prng, i)].pfn;
		}
	}
}

/* All of it, and the second half of it again. */
static bool play(struct job *j, struct replay *r)
{
	const struct replay_history_options how = { .spacing = SPACING };
	struct replay_history *h = replay_history_create(r, &how);
	bool done = h;
	uint64_t hash, at;

	for (uint32_t i = 0; done && i < REPLAYED; i++) {
		replay_event(r, &j->events[i]);
		replay_history_note(h);
	}
	done = done && !replay_out_of_memory(r);
	if (done) {
		hash = replay_hash(r);
		same_result(j, digest_add(hash, replay_stats(r)->right[EVENT_ALLOC]));
		at = replay_history_go(h, REPLAYED / 2, &done);
		assert_true(at <= REPLAYED / 2 || !done);
		while (done && at < REPLAYED)
			replay_event(r, &j->events[at++]);
		done = done && !replay_out_of_memory(r);
		if (done)
			assert_int_equal(replay_hash(r), hash);
	}
	replay_history_destroy(h);
	return done;
}

static bool replay_job(void *ctx)
{
	struct replay_options options = { .kinds = 1U << EVENT_ALLOC | 1U << EVENT_FREE };
	struct job *j = ctx;
	struct machine booted, late;
	struct replay *r = NULL;
	bool done;

	machine_init(&booted);
	machine_init(&late);
	booted.want_lists = true;
	boot_run(&booted, &j->boot.in, STAGE_MEM_INIT);
	boot_run(&late, &j->boot.in, STAGE_LATE);
	done = !booted.out_of_memory && !late.out_of_memory;
	if (done)
		r = replay_create(&booted, &late, &options);
	done = r && play(j, r);
	replay_destroy(r);
	machine_deinit(&late);
	machine_deinit(&booted);
	return done;
}

static void test_replays(void **state)
{
	static const char *const versions[] = { "6.12", "7.2" };

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		struct job *j = new_job();

		make_replayed(j, versions[i]);
		print_message("%s: %u refused\n", versions[i], scarce_try(replay_job, j));
		assert_true(j->known);
		free(j);
	}
}

/* Text is whole, or says that it is not. */
static bool text_job(void *ctx)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	size_t *written = ctx;
	bool whole;

	*written = 0;
	for (unsigned int i = 0; i < 300; i++) {
		sink_puts(&sink, "0123456789");
		*written += 10;
	}
	whole = !text.out_of_memory;
	if (whole)
		assert_int_equal(text.len, *written);
	sink_text_deinit(&text);
	return whole;
}

static void test_texts(void **state)
{
	size_t written;

	(void)state;
	assert_true(scarce_try(text_job, &written) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),	    cmocka_unit_test(test_lives),
		cmocka_unit_test(test_fake_nodes),  cmocka_unit_test(test_many_reservations),
		cmocka_unit_test(test_device_tree), cmocka_unit_test(test_partings),
		cmocka_unit_test(test_replays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
