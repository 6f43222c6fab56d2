/* SPDX-License-Identifier: MIT */
/*
 * Tests of boots in stages: a boot stops where it is told to, machines do not know of each other, and
 * input without sense comes to an end.  Whether its numbers are the kernel's is tried with real boots.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/boot.h"
#include "engine/dump.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define COUNT(rows) ((uint32_t)(sizeof(rows) / sizeof((rows)[0])))

static struct e820_entry map_of_1g[] = { { 0, 0x9fc00, E820_RAM }, { MIB, GIB, E820_RAM } };
static struct e820_entry map_of_6g[] = { { 0, 0x9fc00, E820_RAM },
					 { MIB, 2 * GIB, E820_RAM },
					 { 4 * GIB, 8 * GIB, E820_RAM } };
static struct affinity_memory two_nodes[] = { { 0, 2 * GIB, 0, false, false },
					      { 4 * GIB, 8 * GIB, 1, false, false } };
static struct boot_step state_alone[] = { { .kind = STEP_STATE, .nid = NID_NONE, .name = "" } };
static struct boot_step with_nodes[] = {
	{ .kind = STEP_STATE, .nid = NID_NONE, .name = "" },
	{ .kind = STEP_RESERVE,
	  .base = 16 * MIB,
	  .size = 32 * MIB,
	  .nid = NID_NONE,
	  .name = "setup_arch" },
	{ .kind = STEP_NODE_DATA, .size = 0x2a000, .nid = 0, .name = "" },
	{ .kind = STEP_NODE_DATA, .size = 0x2a000, .nid = 1, .name = "" },
	{ .kind = STEP_ALLOC,
	  .size = 64 * MIB,
	  .align = 4096,
	  .max_addr = 0,
	  .nid = 0,
	  .call = ALLOC_TRY_NID,
	  .name = "sparse_buffer_init" },
	{ .kind = STEP_ALLOC,
	  .size = 4096,
	  .align = 64,
	  .nid = NID_NONE,
	  .call = ALLOC_TRY_NID,
	  .name = "pcpu_embed_first_chunk" },
	{ .kind = STEP_LATE_FREE, .size = 2 * MIB, .nid = NID_NONE, .name = "initrd" },
};
/* Other machines are told of their memory by steps. */
static struct boot_step arm64_steps[] = {
	{ .kind = STEP_ADD,
	  .base = GIB,
	  .size = 2 * GIB,
	  .nid = NID_NONE,
	  .name = "early_init_dt" },
	{ .kind = STEP_RESERVE,
	  .base = GIB,
	  .size = 32 * MIB,
	  .nid = NID_NONE,
	  .name = "arm64_memblock_init" },
	{ .kind = STEP_STATE, .nid = NID_NONE, .name = "" },
};

enum kind { PC_1G, PC_6G, PC_32_BIT, ARM64, FAKE_NODES, KIND_COUNT };

static void fill(struct boot_input *in, enum kind kind, const char *version)
{
	static const struct {
		enum arch arch;
		const char *command_line;
	} rows[KIND_COUNT] = {
		{ ARCH_X86_64, "" },	   { ARCH_X86_64, "kernelcore=1G" },	  { ARCH_I386, "" },
		{ ARCH_ARM64, "cma=64M" }, { ARCH_X86_64, "numa=fake=3 mem=5G" },
	};

	memset(in, 0, sizeof(*in));
	assert_true(facts_parse_version(version, &in->version));
	facts_init(&in->facts, in->version);
	arch_config_default(rows[kind].arch, true, &in->config);
	arch_config_apply_facts(&in->config, &in->facts);
	in->command_line = rows[kind].command_line;
	in->has_state = true;
	in->online_cpus = 2;
	in->steps = state_alone;
	in->step_count = COUNT(state_alone);
	if (kind == ARM64) {
		in->steps = arm64_steps;
		in->step_count = COUNT(arm64_steps);
	} else if (kind == PC_6G || kind == FAKE_NODES) {
		in->firmware = map_of_6g;
		in->firmware_count = COUNT(map_of_6g);
		in->affinity = two_nodes;
		in->affinity_count = COUNT(two_nodes);
		in->steps = with_nodes;
		in->step_count = COUNT(with_nodes);
	} else {
		in->firmware = map_of_1g;
		in->firmware_count = COUNT(map_of_1g);
	}
}

static void boot(struct machine *m, const struct boot_input *in, enum boot_stage until)
{
	machine_init(m);
	m->want_lists = true;
	boot_run(m, in, until);
	assert_false(m->out_of_memory);
}

/* All that can be seen of a machine, as one text; the caller frees it with the sink's function. */
static void describe(const struct machine *m, struct sink_text *ret)
{
	struct sink sink = sink_to_text(ret);

	dump_memblock(m, &sink);
	if (m->stage >= STAGE_ZONES)
		dump_zones(m, &sink);
	if (m->stage >= STAGE_ZONELISTS)
		dump_zonelists(m, &sink);
	if (m->stage >= STAGE_LATE)
		dump_zoneinfo(m, &sink);
	if (m->buddy) {
		dump_buddyinfo(m, &sink);
		dump_pagetypeinfo(m, &sink);
	}
	for (uint32_t i = 0; i < m->answers.count; i++) {
		const struct answer *a = &m->answers.items[i];

		sink_printf(&sink, "%s %d %d %u %u:", answer_kind_name(a->kind), (int)a->nid,
			    (int)a->type, a->index, (unsigned int)a->basis);
		for (unsigned int v = 0; v < 6; v++)
			sink_printf(&sink, " %llx", (unsigned long long)a->v[v]);
		for (uint32_t k = 0; k < a->list_count; k++)
			sink_printf(&sink, " %x", m->answers.list[a->list_start + k]);
		sink_puts(&sink, a->reason ? a->reason : "");
		sink_puts(&sink, "\n");
	}
}

static const char *const versions[] = { "2.6.32", "4.4", "5.10", "6.1", "6.12", "7.2" };

/*
 * Each machine alone, then all at once: created together, booted in the other order, looked at last.  The
 * text of each is the same, and it is not the same for all.
 */
static void machines_do_not_know_of_each_other(void **state)
{
	enum { MACHINES = KIND_COUNT * COUNT(versions) };
	struct sink_text alone[MACHINES] = { { 0 } }, together = { 0 };
	struct machine *m = calloc(MACHINES, sizeof(*m));
	struct boot_input in;

	(void)state;
	assert_non_null(m);
	for (uint32_t i = 0; i < MACHINES; i++) {
		fill(&in, (enum kind)(i % KIND_COUNT), versions[i / KIND_COUNT]);
		boot(&m[0], &in, STAGE_LATE);
		assert_int_equal(m[0].stage, STAGE_LATE);
		describe(&m[0], &alone[i]);
		machine_deinit(&m[0]);
		if (i)
			assert_string_not_equal(sink_text_string(&alone[i]),
						sink_text_string(&alone[i - 1]));
	}
	for (uint32_t i = 0; i < MACHINES; i++)
		machine_init(&m[i]);
	for (uint32_t i = MACHINES; i-- > 0;) {
		fill(&in, (enum kind)(i % KIND_COUNT), versions[i / KIND_COUNT]);
		m[i].want_lists = true;
		boot_run(&m[i], &in, STAGE_LATE);
	}
	/* Every other one goes away while the rest is still there. */
	for (uint32_t i = 0; i < MACHINES; i += 2)
		machine_deinit(&m[i]);
	for (uint32_t i = 1; i < MACHINES; i += 2) {
		describe(&m[i], &together);
		assert_string_equal(sink_text_string(&together), sink_text_string(&alone[i]));
		sink_text_clear(&together);
		machine_deinit(&m[i]);
	}
	for (uint32_t i = 0; i < MACHINES; i++)
		sink_text_deinit(&alone[i]);
	sink_text_deinit(&together);
	free(m);
}

/*
 * A boot that is stopped early gives the first of the answers, the same as the whole boot, and has done
 * nothing that comes later.
 */
static void it_stops_where_it_is_told_to(void **state)
{
	struct machine whole, part;
	struct boot_input in;

	(void)state;
	for (uint32_t i = 0; i < KIND_COUNT * COUNT(versions); i++) {
		uint32_t before = 0;

		fill(&in, (enum kind)(i % KIND_COUNT), versions[i / KIND_COUNT]);
		boot(&whole, &in, STAGE_LATE);
		for (unsigned int until = 0; until < STAGE_COUNT; until++) {
			boot(&part, &in, (enum boot_stage)until);
			if (part.stage > until)
				fail_msg("%s kind %u: stage %u instead of %s",
					 versions[i / KIND_COUNT], i % KIND_COUNT,
					 (unsigned int)part.stage, boot_stage_names[until]);
			assert_true(part.answers.count >= before);
			assert_true(part.answers.count <= whole.answers.count);
			before = part.answers.count;
			for (uint32_t k = 0; k < before; k++) {
				const struct answer *a = &part.answers.items[k];
				const struct answer *b = &whole.answers.items[k];

				if (!answer_same_key(a, b) ||
				    !answer_same_value(&part.answers, a, &whole.answers, b))
					fail_msg("%s kind %u until %s: answer %u (%s)",
						 versions[i / KIND_COUNT], i % KIND_COUNT,
						 boot_stage_names[until], k,
						 answer_kind_name(a->kind));
			}
			assert_int_equal(part.buddy != NULL, until >= STAGE_MEM_INIT);
			assert_int_equal(part.zonelists.order != NULL, until >= STAGE_ZONELISTS);
			assert_int_equal(part.range_count > 0, until >= STAGE_ZONES);
			assert_int_equal(part.node_count > 0, until >= STAGE_NUMA);
			assert_int_equal(part.min_free_kbytes > 0, until >= STAGE_LATE);
			machine_deinit(&part);
		}
		assert_int_equal(before, whole.answers.count);
		machine_deinit(&whole);
	}
	assert_null(boot_stage_names[STAGE_COUNT]);
	assert_string_equal(boot_stage_names[STAGE_LATE], "late");
}

static uint32_t placements(const struct machine *m)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < m->answers.count; i++)
		count += m->answers.items[i].kind == ANSWER_PLACEMENT;
	return count;
}

/* The memory map is allocated in its own stage, and what comes after it is not. */
static void the_memory_map_has_its_stage(void **state)
{
	static const struct {
		enum boot_stage until;
		uint32_t placements;
	} rows[] = {
		{ STAGE_NUMA, 2 }, { STAGE_SPARSE, 3 }, { STAGE_ZONES, 3 }, { STAGE_LATE, 4 }
	};
	struct boot_input in;

	(void)state;
	fill(&in, PC_6G, "6.1");
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		struct machine m;

		boot(&m, &in, rows[i].until);
		assert_int_equal(placements(&m), rows[i].placements);
		machine_deinit(&m);
	}
}

/* 1 GiB with nothing reserved, followed by hand. */
static void a_machine_by_hand(void **state)
{
	struct boot_input in;
	struct machine m;
	const struct zone *z;

	(void)state;
	fill(&in, PC_1G, "6.1");
	boot(&m, &in, STAGE_LATE);
	assert_int_equal(m.max_pfn, 0x40000);
	assert_int_equal(m.node_count, 1);
	/* Page 0 is the BIOS's, and so is what lies from 0x9f to 0xff. */
	z = &m.nodes[0].zones[ZONE_DMA];
	assert_int_equal(z->start_pfn, 1);
	assert_int_equal(z->present, 0xfff - 0x61);
	z = &m.nodes[0].zones[ZONE_DMA32];
	assert_int_equal(z->present, 0x3f000);
	assert_int_equal(m.nodes[0].present, 0x3ff9e);
	assert_int_equal(m.nodes[0].zones[ZONE_NORMAL].spanned, 0);
	assert_true(m.totalram <= m.nodes[0].present);
	assert_int_equal(m.zonelists.policy_zone, ZONE_DMA32);
	/* isqrt(16 * kB) of what is managed, or what khugepaged wants: two zones, 11264 pages. */
	assert_int_equal(m.min_free_kbytes, 45056);
	machine_deinit(&m);
}

/* Where nothing tells of memory, nothing follows, and nothing breaks. */
static void nothing_to_boot_from(void **state)
{
	struct boot_input in;
	struct machine m;

	(void)state;
	for (uint32_t i = 0; i < COUNT(versions); i++) {
		for (unsigned int arch = 0; arch < ARCH_COUNT; arch++) {
			for (unsigned int until = 0; until < STAGE_COUNT; until++) {
				memset(&in, 0, sizeof(in));
				assert_true(facts_parse_version(versions[i], &in.version));
				facts_init(&in.facts, in.version);
				arch_config_default((enum arch)arch, false, &in.config);
				boot(&m, &in, (enum boot_stage)until);
				assert_int_equal(m.stage, STAGE_SETUP_ARCH);
				assert_null(m.buddy);
				machine_deinit(&m);
				/* Not even if it is known that nothing is reserved. */
				in.reservations_told = true;
				boot(&m, &in, (enum boot_stage)until);
				assert_int_equal(m.stage, STAGE_SETUP_ARCH);
				assert_int_equal(m.answers.count, 0);
				machine_deinit(&m);
				in.reservations_told = false;
				in.command_line = "mem=1K memmap=exactmap kernelcore=50%";
				in.steps = state_alone;
				in.step_count = 1;
				in.has_state = true;
				boot(&m, &in, (enum boot_stage)until);
				machine_deinit(&m);
			}
		}
	}
}

/* Tables of the firmware that make no sense are not believed, as the kernel does not. */
static void nodes_that_make_no_sense(void **state)
{
	static struct affinity_memory overlap[] = { { 0, 5 * GIB, 0, false, false },
						    { 4 * GIB, 8 * GIB, 1, false, false } };
	static struct affinity_memory half[] = { { 0, 2 * GIB, 1, false, false } };
	static struct affinity_memory empty[] = { { GIB, GIB, 3, false, false },
						  { UINT64_MAX - 1, UINT64_MAX, 2, false, false } };
	static struct affinity_memory far[] = { { 0, 8 * GIB, NODES_MAX - 1, true, false } };
	static const struct {
		struct affinity_memory *blocks;
		uint32_t count;
		bool believed;
		uint32_t nodes;
	} rows[] = {
		{ overlap, 2, false, 1 },
		{ half, 1, false, 1 },
		{ empty, 2, false, 1 },
		{ far, 1, true, NODES_MAX },
	};
	struct boot_input in;
	struct machine m;

	(void)state;
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		fill(&in, PC_6G, "6.1");
		in.command_line = "";
		in.steps = state_alone;
		in.step_count = 1;
		in.affinity = rows[i].blocks;
		in.affinity_count = rows[i].count;
		boot(&m, &in, STAGE_LATE);
		assert_int_equal(m.affinity_used, rows[i].believed);
		assert_int_equal(m.node_count, rows[i].nodes);
		assert_int_equal(m.nodes[m.node_count - 1].present,
				 0x200000 + 0x80000 - 0x100000 - 0x62);
		machine_deinit(&m);
	}
}

/* Others free what they call so when the rest is freed, whenever x86 does. */
static void alternatives_are_of_x86(void **unused)
{
	struct boot_step steps[] = {
		arm64_steps[0],
		arm64_steps[1],
		{ .kind = STEP_LATE_FREE,
		  .base = GIB,
		  .size = 16 * MIB,
		  .nid = NID_NONE,
		  .name = "SMP alternatives" },
	};
	struct machine before, after;
	struct boot_input in;

	(void)unused;
	fill(&in, ARM64, "7.2");
	in.has_state = false;
	in.reservations_told = true;
	in.steps = steps;
	in.step_count = COUNT(steps);
	in.facts.v[FACT_alternatives_freed_before_initcalls] = 0;
	boot(&after, &in, STAGE_LATE);
	in.facts.v[FACT_alternatives_freed_before_initcalls] = 1;
	boot(&before, &in, STAGE_LATE);
	assert_int_equal(before.answers.count, after.answers.count);
	for (uint32_t i = 0; i < after.answers.count; i++)
		assert_memory_equal(before.answers.items[i].v, after.answers.items[i].v,
				    sizeof(after.answers.items[i].v));
	machine_deinit(&before);
	machine_deinit(&after);
}

static uint32_t answer_at(const struct machine *m, enum answer_kind kind)
{
	uint32_t at = 0;

	while (at < m->answers.count && m->answers.items[at].kind != kind)
		at++;
	assert_true(at < m->answers.count);
	return at;
}

/* Who asks for memory tells whether the zonelists stand. */
static void zonelists_stand_before_some(void **state)
{
	static const struct {
		const char *version, *name;
		bool stand;
	} rows[] = {
		{ "6.1", "page_ext_init_flatmem", true },
		{ "6.12", "page_ext_init_flatmem", true },
		{ "6.1", "alloc_large_system_hash", true },
		{ "6.12", "alloc_large_system_hash", false },
		{ "6.1", "somebody", false },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		struct boot_step steps[] = {
			state_alone[0],
			{ .kind = STEP_ALLOC,
			  .size = 4096,
			  .align = 64,
			  .nid = NID_NONE,
			  .call = ALLOC_TRY_NID,
			  .name = rows[i].name },
		};
		struct boot_input in;
		struct machine m;

		fill(&in, PC_1G, rows[i].version);
		in.steps = steps;
		in.step_count = COUNT(steps);
		boot(&m, &in, STAGE_LATE);
		assert_int_equal(answer_at(&m, ANSWER_BUILT) < answer_at(&m, ANSWER_PLACEMENT),
				 rows[i].stand);
		machine_deinit(&m);
	}
}

/* A node whose data finds no place has none: neither a start nor an end is told. */
static void node_data_without_a_place(void **state)
{
	struct boot_step steps[] = {
		{ .kind = STEP_STATE, .nid = NID_NONE, .name = "" },
		{ .kind = STEP_NODE_DATA, .size = 0x2a000, .nid = 0, .name = "" },
		{ .kind = STEP_NODE_DATA, .size = 64 * GIB, .nid = 1, .name = "" },
	};
	struct boot_input in;
	struct machine m;
	uint32_t seen = 0;

	(void)state;
	fill(&in, PC_6G, "6.1");
	in.steps = steps;
	in.step_count = COUNT(steps);
	boot(&m, &in, STAGE_NUMA);
	for (uint32_t i = 0; i < m.answers.count; i++) {
		const struct answer *a = &m.answers.items[i];

		if (a->kind != ANSWER_NODE_DATA)
			continue;
		seen++;
		assert_int_equal(a->v[1] - a->v[0], a->nid ? 0 : 0x2a000);
		assert_int_equal(a->v[0] == 0, a->nid);
	}
	assert_int_equal(seen, 2);
	machine_deinit(&m);
}

/* Where memory is only assumed, nothing is told of zones, and pages are counted as the log counts them. */
static void memory_that_is_assumed(void **state)
{
	struct boot_input in;
	struct machine sure, assumed;
	uint64_t high;

	(void)state;
	fill(&in, PC_32_BIT, "6.1");
	boot(&sure, &in, STAGE_ZONES);
	high = sure.nr_all_pages - sure.nr_kernel_pages;
	assert_true(high > 0);
	assert_int_not_equal(sure.answers.items[answer_at(&sure, ANSWER_ZONE_RANGE)].basis,
			     BASIS_UNDERIVABLE);
	in.range_assumed = true;
	in.given_total_pages = high + 100000;
	boot(&assumed, &in, STAGE_ZONES);
	assert_true(assumed.totals_given);
	assert_int_equal(assumed.nr_all_pages, high + 100000);
	assert_int_equal(assumed.nr_kernel_pages, 100000);
	assert_int_equal(assumed.answers.items[answer_at(&assumed, ANSWER_ZONE_RANGE)].basis,
			 BASIS_UNDERIVABLE);
	assert_int_equal(assumed.answers.items[answer_at(&assumed, ANSWER_LAST_PFN)].basis,
			 sure.answers.items[answer_at(&sure, ANSWER_LAST_PFN)].basis);
	machine_deinit(&sure);
	machine_deinit(&assumed);
}

/* The data of a node without memory is allocated right before its line, which comes behind those of others. */
static void node_data_of_nodes_without_memory(void **state)
{
	static int32_t cpus[] = { 0, 1, 2, 3 };
	struct boot_step steps[COUNT(with_nodes)];
	struct boot_input in;
	struct machine m;
	uint32_t told = 0;

	(void)state;
	memcpy(steps, with_nodes, sizeof(with_nodes));
	/* Behind the memory map. */
	for (uint32_t i = COUNT(steps) - 2; i < COUNT(steps); i++)
		steps[i] = (struct boot_step){ .kind = STEP_ALLOC,
					       .size = 0x2a000,
					       .align = 64,
					       .nid = NID_NONE,
					       .call = ALLOC_TRY_NID,
					       .name = "memblock_alloc_try_nid" };
	fill(&in, PC_6G, "6.1");
	in.steps = steps;
	in.step_count = COUNT(steps);
	in.cpu_nid = cpus;
	in.cpu_nid_count = COUNT(cpus);
	boot(&m, &in, STAGE_LATE);
	for (uint32_t i = 1; i < m.answers.count; i++) {
		const struct answer *a = &m.answers.items[i];

		if (a->kind != ANSWER_INITMEM || a->nid < 2)
			continue;
		assert_int_equal(a[-1].kind, ANSWER_PLACEMENT);
		assert_int_equal(a[-1].index, COUNT(steps) - 2 + told);
		assert_int_equal(a->nid, 2 + told++);
	}
	assert_int_equal(told, 2);
	machine_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(machines_do_not_know_of_each_other),
		cmocka_unit_test(it_stops_where_it_is_told_to),
		cmocka_unit_test(the_memory_map_has_its_stage),
		cmocka_unit_test(a_machine_by_hand),
		cmocka_unit_test(nothing_to_boot_from),
		cmocka_unit_test(nodes_that_make_no_sense),
		cmocka_unit_test(alternatives_are_of_x86),
		cmocka_unit_test(node_data_without_a_place),
		cmocka_unit_test(zonelists_stand_before_some),
		cmocka_unit_test(node_data_of_nodes_without_memory),
		cmocka_unit_test(memory_that_is_assumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
