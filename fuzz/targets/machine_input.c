/* SPDX-License-Identifier: MIT */
#include "fuzz/targets/machine_input.h"

#include "engine/cmdline.h"
#include "engine/distance.h"
#include "traces/arena.h"

/* What the message of a finding may take in memory. */
#define MESSAGE_MEMORY_MAX ((size_t)512 << 20)

/* What x86-64 maps with page tables of four levels, and as much as arm64 mostly has. */
#define PHYSICAL_END (1ULL << 46)
/* Busses reach whole multiples of this. */
#define BUS_UNIT (16ULL << 20)

const char *const machine_words[] = {
	/* Parameters that change where memory is or whose it is. */
	"mem=",
	"memmap=",
	"numa=fake=",
	"numa=off",
	"kernelcore=",
	"movablecore=",
	"movable_node",
	"hugepages=",
	"hugepagesz=",
	"cma=",
	"crashkernel=",
	"memblock=debug",
	"numa=fake=4U",
	"kernelcore=mirror",
	"kernelcore=50%",
	"movablecore=10%",
	"numa_zonelist_order=n",
	"vmalloc=",
	"highmem=",
	"pcie_ecam=",
	"hashdist=0",
	"nr_cpus=",
	"maxcpus=",
	"crashkernel=64M,high",
	"cma=64M@0-4G",
	"mem=1G",
	"memmap=16M$64M",
	"memmap=64M!4G",
	"memmap=exactmap",
	"@",
	"$",
	"!",
	"#",
	"0x",
	"K",
	"M",
	"G",
	"%",
	",",
	"4096",
	"1",
	NULL
};

const char *const machine_seeds[] = {
	/* One node without a table that names it. */
	"input { kernel { version_major: 6 version_minor: 12 version_patch: 107 }\n"
	"  command_line: \"\" reservations_told: true online_cpus: 1\n"
	"  firmware { start: 0 end: 0x9fc00 type: 1 }\n"
	"  firmware { start: 0x9fc00 end: 0xa0000 type: 2 }\n"
	"  firmware { start: 0x100000 end: 0x8000000 type: 1 } }\n"
	"operation { kind: ALLOC order: 0 migratetype: MOVABLE highest_zone: NORMAL }\n"
	"operation { kind: ALLOC order: 3 migratetype: UNMOVABLE highest_zone: NORMAL }\n"
	"operation { kind: FREE target: 0 }\n"
	"operation { kind: FREE target: 1 }\n"
	"operation { kind: DRAIN cpu: 0 }\n",
	/* Two nodes, the second across 4G. */
	"input { kernel { version_major: 6 version_minor: 12 version_patch: 107 }\n"
	"  command_line: \"\" reservations_told: true numa_source: true\n"
	"  cpu_nid: [0, 0, 1, 1] online_cpus: 4 nr_cpu_ids: 4\n"
	"  distance_count: 2 distance: [10, 21, 21, 10]\n"
	"  firmware { start: 0 end: 0x9fc00 type: 1 }\n"
	"  firmware { start: 0x100000 end: 0x80000000 type: 1 }\n"
	"  firmware { start: 0x100000000 end: 0x140000000 type: 1 }\n"
	"  affinity { start: 0 end: 0x40000000 nid: 0 }\n"
	"  affinity { start: 0x40000000 end: 0x80000000 nid: 1 }\n"
	"  affinity { start: 0x100000000 end: 0x140000000 nid: 1 } }\n"
	"operation { kind: ALLOC cpu: 1 nid: 1 order: 9 migratetype: MOVABLE highest_zone: NORMAL }\n"
	"operation { kind: FREE cpu: 2 target: 0 }\n",
	/* Four nodes, of which one has no memory and one no CPU; a hole; movable memory. */
	"input { kernel { version_major: 6 version_minor: 12 version_patch: 107 }\n"
	"  command_line: \"movablecore=25%\" reservations_told: true numa_source: true\n"
	"  cpu_nid: [0, 1, 3, 3] online_cpus: 4 nr_cpu_ids: 8\n"
	"  distance_count: 4\n"
	"  distance: [10, 12, 21, 32, 12, 10, 32, 21, 21, 32, 10, 12, 32, 21, 12, 10]\n"
	"  firmware { start: 0 end: 0x9fc00 type: 1 }\n"
	"  firmware { start: 0x100000 end: 0x3fff0000 type: 1 }\n"
	"  firmware { start: 0x3fff0000 end: 0x40000000 type: 3 }\n"
	"  firmware { start: 0x100000000 end: 0x1c0000000 type: 1 }\n"
	"  affinity { start: 0 end: 0x40000000 nid: 0 }\n"
	"  affinity { start: 0x100000000 end: 0x140000000 nid: 1 }\n"
	"  affinity { start: 0x140000000 end: 0x1c0000000 nid: 2 hotplug: true } }\n"
	"operation { kind: ALLOC cpu: 0 nid: 2 order: 0 migratetype: MOVABLE highest_zone: MOVABLE }\n"
	"operation { kind: ALLOC cpu: 3 nid: 3 order: 4 migratetype: RECLAIMABLE highest_zone: NORMAL }\n"
	"operation { kind: FREE cpu: 1 target: 0 }\n",
	/* Steps of the early allocator. */
	"input { kernel { version_major: 6 version_minor: 12 version_patch: 107 }\n"
	"  command_line: \"\" reservations_told: true\n"
	"  firmware { start: 0 end: 0x40000000 type: 1 }\n"
	"  step { kind: RESERVE base_addr: 0x1000000 size: 0x2000000 name: \"kernel\" }\n"
	"  step { kind: ALLOC size: 0x4000 align: 0x1000 name: \"a\" }\n"
	"  step { kind: FREE base_addr: 0x1800000 size: 0x10000 name: \"b\" }\n"
	"  step { kind: CMA_RESERVE size: 0x4000000 }\n"
	"  step { kind: HASH name: \"Dentry cache\" bucket_bytes: 8 } }\n",
	/* Contiguous areas of two nodes and one of a fixed place, and memory that comes late. */
	"input { kernel { version_major: 6 version_minor: 12 version_patch: 107 }\n"
	"  command_line: \"cma=16M@256M-272M cma_pernuma=64M\" reservations_told: true\n"
	"  numa_source: true cpu_nid: [0, 1] online_cpus: 2 nr_cpu_ids: 2\n"
	"  firmware { start: 0x100000 end: 0x80000000 type: 1 }\n"
	"  affinity { start: 0 end: 0x40000000 nid: 0 }\n"
	"  affinity { start: 0x40000000 end: 0x80000000 nid: 1 }\n"
	"  window { start: 0x100000000 end: 0x180000000 }\n"
	"  step { kind: NODE_DATA size: 0x4000 nid: 0 }\n"
	"  step { kind: NODE_DATA size: 0x4000 nid: 1 }\n"
	"  step { kind: CMA_RESERVE size: 0x4000000 }\n"
	"  step { kind: CMA_RESERVE size: 0x4000000 }\n"
	"  step { kind: CMA_RESERVE size: 0x1000000 }\n"
	"  step { kind: RESERVE base_addr: 0x70000000 size: 0x100000 }\n"
	"  step { kind: FREE_LATE base_addr: 0x70000000 size: 0x100000 } }\n",
	/* 32 bits, with high memory. */
	"input { kernel { version_major: 6 version_minor: 1 config { arch: I386 pae: true } }\n"
	"  command_line: \"\" reservations_told: true\n"
	"  firmware { start: 0 end: 0x9fc00 type: 1 }\n"
	"  firmware { start: 0x100000 end: 0x7ffe0000 type: 1 } }\n",
	/* And without PAE, whose low memory ends elsewhere. */
	"input { kernel { version_major: 7 version_minor: 0 config { arch: I386 } }\n"
	"  command_line: \"\" reservations_told: true\n"
	"  firmware { start: 0 end: 0x9fc00 type: 1 }\n"
	"  firmware { start: 0x100000 end: 0x3ffe0000 type: 1 } }\n",
	/* arm64, from a device tree. */
	"input { kernel { version_major: 6 version_minor: 12 config { arch: ARM64 } }\n"
	"  command_line: \"\" reservations_told: true numa_source: true\n"
	"  tree {\n"
	"    memory { base_addr: 0x40000000 size: 0x40000000 nid: 0 enabled: true depth: 1 }\n"
	"    memory { base_addr: 0x80000000 size: 0x40000000 nid: 1 enabled: true depth: 1 }\n"
	"    reserved { size: 0x1000000 align: 0x1000 reusable: true dma_pool: true enabled: true }\n"
	"    distance { from_nid: 0 to_nid: 1 distance: 20 } } }\n",
	/* A node whose memory comes, part of it movable, and goes. */
	"input { kernel { version_major: 6 version_minor: 12 version_patch: 107 }\n"
	"  command_line: \"\" reservations_told: true numa_source: true\n"
	"  cpu_nid: [0, 0] online_cpus: 2 nr_cpu_ids: 2\n"
	"  firmware { start: 0x100000 end: 0x30000000 type: 1 }\n"
	"  affinity { start: 0 end: 0x30000000 nid: 0 }\n"
	"  affinity { start: 0x100000000 end: 0x140000000 nid: 1 hotplug: true } }\n"
	"operation { kind: HOTADD nid: 1 start_pfn: 0x100000 page_count: 0x18000 }\n"
	"operation { kind: ONLINE start_pfn: 0x100000 value: 2 }\n"
	"operation { kind: ONLINE start_pfn: 0x110000 value: 1 }\n"
	"operation { kind: NODE_STAT cpu: 1 nid: 1 value: 7 }\n"
	"operation { kind: ALLOC nid: 1 migratetype: MOVABLE highest_zone: MOVABLE }\n"
	"operation { kind: OFFLINE start_pfn: 0x100000 target: 4 cpu: 1 }\n"
	"operation { kind: ALLOC_RACED nid: 1 highest_zone: DMA }\n"
	"operation { kind: FREE target: 6 }\n"
	"operation { kind: DRAIN }\n"
	"operation { kind: OFFLINE start_pfn: 0x110000 }\n"
	"operation { kind: HOTREMOVE start_pfn: 0x100000 page_count: 0x18000 }\n"
	"operation { kind: HOTADD nid: 1 start_pfn: 0x100000 page_count: 0x8000 }\n",
	/* CPUs that go and come, and a balloon. */
	"input { kernel { version_major: 6 version_minor: 12 version_patch: 107 }\n"
	"  command_line: \"\" reservations_told: true online_cpus: 3 nr_cpu_ids: 3\n"
	"  firmware { start: 0 end: 0x9fc00 type: 1 }\n"
	"  firmware { start: 0x100000 end: 0x28000000 type: 1 }\n"
	"  firmware { start: 0x100000000 end: 0x110000000 type: 1 } }\n"
	"operation { kind: CPU_DOWN cpu: 2 }\n"
	"operation { kind: BALLOON highest_zone: NORMAL value: 5000 }\n"
	"operation { kind: CPU_UP cpu: 2 }\n"
	"operation { kind: OFFLINE start_pfn: 0x108000 }\n"
	"operation { kind: BALLOON highest_zone: NORMAL value: -5000 }\n"
	"operation { kind: BALLOON highest_zone: NORMAL value: 65536 }\n"
	"operation { kind: ONLINE start_pfn: 0x108000 value: 2 }\n"
	"operation { kind: BALLOON highest_zone: NORMAL value: -65536 }\n",
	/* Memory that comes far up, as devices bring it. */
	"input { kernel { version_major: 6 version_minor: 12 version_patch: 107 }\n"
	"  command_line: \"\" reservations_told: true online_cpus: 1 nr_cpu_ids: 1\n"
	"  firmware { start: 0x100000 end: 0x28000000 type: 1 } }\n"
	"operation { kind: HOTADD start_pfn: 0x100000000 page_count: 0x10000 }\n"
	"operation { kind: ONLINE start_pfn: 0x100000000 }\n"
	"operation { kind: ALLOC order: 4 highest_zone: NORMAL }\n",
	/* A small machine that runs out of memory, and requests that may not wait. */
	"input { kernel { version_major: 6 version_minor: 1 version_patch: 176 }\n"
	"  command_line: \"\" reservations_told: true online_cpus: 2 nr_cpu_ids: 2\n"
	"  firmware { start: 0 end: 0x9fc00 type: 1 }\n"
	"  firmware { start: 0x100000 end: 0x10000000 type: 1 } }\n"
	"operation { kind: ALLOC order: 3 migratetype: UNMOVABLE highest_zone: NORMAL flags: 0x230 }\n"
	"operation { kind: ALLOC order: 9 migratetype: MOVABLE highest_zone: NORMAL flags: 4 }\n"
	"operation { kind: ALLOC order: 10 migratetype: MOVABLE highest_zone: NORMAL flags: 4 }\n"
	"operation { kind: ALLOC order: 0 migratetype: RECLAIMABLE highest_zone: NORMAL }\n"
	"operation { kind: UNRESERVE order: 3 migratetype: MOVABLE highest_zone: NORMAL }\n"
	"operation { kind: FREE target: 1 }\n"
	"operation { kind: FREE target: 0 }\n"
	"operation { kind: BALANCE nid: 0 }\n",
	/* Half of it is for devices; until they want it, users have it. */
	"input { kernel { version_major: 6 version_minor: 12 version_patch: 107 config { cma: true thp: true } }\n"
	"  command_line: \"cma=256M\" reservations_told: true online_cpus: 1 nr_cpu_ids: 1\n"
	"  firmware { start: 0x100000 end: 0x20000000 type: 1 }\n"
	"  step { kind: RESERVE base_addr: 0x1000000 size: 0x2000000 name: \"kernel\" }\n"
	"  step { kind: ALLOC size: 0x4000 align: 0x1000 name: \"a\" }\n"
	"  step { kind: CMA_RESERVE size: 0x10000000 } }\n"
	"operation { kind: ALLOC order: 0 migratetype: MOVABLE highest_zone: NORMAL }\n"
	"operation { kind: ALLOC order: 9 migratetype: MOVABLE highest_zone: NORMAL }\n"
	"operation { kind: FREE target: 0 }\n"
	"operation { kind: CMA_ALLOC order: 4 page_count: 20 target: 0 }\n"
	"operation { kind: FREE target: 3 }\n",
	/* Two nodes, of which the second is the larger, on the newest and on old kernels. */
	"input { kernel { version_major: 7 version_minor: 2 version_patch: 13 }\n"
	"  command_line: \"\" reservations_told: true numa_source: true\n"
	"  cpu_nid: [0, 1] online_cpus: 2 nr_cpu_ids: 2 distance_count: 2 distance: [10, 20, 20, 10]\n"
	"  firmware { start: 0 end: 0x9fc00 type: 1 }\n"
	"  firmware { start: 0x100000 end: 0x40000000 type: 1 }\n"
	"  affinity { start: 0 end: 0x10000000 nid: 0 }\n"
	"  affinity { start: 0x10000000 end: 0x40000000 nid: 1 }\n"
	"  step { kind: RESERVE base_addr: 0x1000000 size: 0x2000000 name: \"kernel\" }\n"
	"  step { kind: NODE_DATA size: 0x4000 nid: 0 }\n"
	"  step { kind: NODE_DATA size: 0x4000 nid: 1 } }\n",
	"input { kernel { version_major: 5 version_minor: 10 version_patch: 223 }\n"
	"  command_line: \"\" reservations_told: true online_cpus: 2 nr_cpu_ids: 2\n"
	"  firmware { start: 0x100000 end: 0x20000000 type: 1 } }\n"
	"operation { kind: PCP_FRACTION value: 100 }\n"
	"operation { kind: ALLOC cpu: 1 migratetype: MOVABLE highest_zone: NORMAL }\n"
	"operation { kind: FREE cpu: 1 target: 1 }\n"
	"operation { kind: DRAIN cpu: 1 }\n",
	"input { kernel { version_major: 4 version_minor: 4 version_patch: 302 }\n"
	"  command_line: \"\" reservations_told: true numa_source: true\n"
	"  cpu_nid: [0, 1] online_cpus: 2 nr_cpu_ids: 2\n"
	"  firmware { start: 0x100000 end: 0x60000000 type: 1 }\n"
	"  affinity { start: 0 end: 0x20000000 nid: 0 }\n"
	"  affinity { start: 0x20000000 end: 0x60000000 nid: 1 }\n"
	"  step { kind: NODE_DATA size: 0x4000 nid: 0 }\n"
	"  step { kind: NODE_DATA size: 0x4000 nid: 1 }\n"
	"  step { kind: RESERVE base_addr: 0x30000000 size: 0x100000 } }\n"
	"operation { kind: ALLOC nid: 1 order: 1 migratetype: UNMOVABLE highest_zone: NORMAL flags: 0x230 }\n"
	"operation { kind: FREE target: 0 }\n",
	/* Nothing at all. */
	"", NULL
};

static bool is_small(const struct stored_scenario *s)
{
	return s->log.input.step_count <= MACHINE_INPUT_STEPS_MAX &&
	       s->operation_count <= MACHINE_INPUT_OPERATIONS_MAX;
}

/* A kernel that somebody could have built: what the architecture fixes is as it is. */
static void settle_config(struct boot_input *in)
{
	struct arch_config told = in->config, *c = &in->config;

	if (told.arch == ARCH_OTHER)
		told.arch = ARCH_X86_64;
	arch_config_default(told.arch, told.pae && told.arch != ARCH_X86_64, c);
	arch_config_apply_facts(c, &in->facts);
	/* Options that anyone can choose, for whatever architecture. */
	c->cma = told.cma;
	c->thp = told.thp;
	if (told.nodes_shift && told.nodes_shift < c->nodes_shift)
		c->nodes_shift = told.nodes_shift;
	c->deferred_struct_page &= told.deferred_struct_page;
	if (told.page_struct_bytes >= 40 && told.page_struct_bytes <= 128)
		c->page_struct_bytes = told.page_struct_bytes & ~7u;
	in->five_level &= c->arch == ARCH_X86_64;
}

/*
 * Of what a boot may be told, answers that were taken from a log are no part of a machine: they can say
 * anything, and then the model repeats it.
 */
static void forget_answers(struct boot_input *in)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < in->step_count; i++)
		if (in->steps[i].kind != STEP_STATE)
			in->steps[kept++] = in->steps[i];
	in->step_count = kept;
	in->has_state = false;
	in->state.memory_count = in->state.reserved_count = 0;
	in->given_range_count = 0;
	in->given_max_low_pfn = 0;
	in->given_total_kb = in->given_reserved_kb = in->given_cma_kb = in->given_total_pages = 0;
	in->given_zones = 0;
	in->has_given_dma_reserve = in->range_assumed = in->big_locks = false;
	in->fitted_page_struct = in->fitted_section = false;
	in->nr_node_ids = 0;
	in->reservations_told = true;
}

static phys_t clip(phys_t at)
{
	return at < PHYSICAL_END ? at : PHYSICAL_END;
}

/* Nothing is where no processor of these could reach it. */
static void clip_addresses(struct boot_input *in)
{
	for (uint32_t i = 0; i < in->firmware_count; i++) {
		in->firmware[i].start = clip(in->firmware[i].start);
		in->firmware[i].end = clip(in->firmware[i].end);
	}
	for (uint32_t i = 0; i < in->affinity_count; i++) {
		struct affinity_memory *a = &in->affinity[i];

		a->start = clip(a->start);
		a->end = clip(a->end);
		/* What comes of hot-pluggable parts of pages is known: docs/FINDINGS.md. */
		if (a->hotplug) {
			a->start &= ~(arch_page_size(&in->config) - 1);
			a->end &= ~(arch_page_size(&in->config) - 1);
		}
	}
	for (uint32_t i = 0; i < in->window_count; i++) {
		in->windows[i].start = clip(in->windows[i].start);
		in->windows[i].end = clip(in->windows[i].end);
	}
}

/* A rule is one that some kernel had. */
static void settle_facts(struct boot_input *in)
{
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		const struct fact_info *info = fact_info((enum fact)f);
		bool known = false;

		for (unsigned int i = 0; i < info->history_count && !known; i++)
			known = info->history[i].value == in->facts.v[f];
		if (!known)
			in->facts.v[f] = fact_change_at((enum fact)f, in->version)->value;
	}
}

/* Kernels ignore a table with one distance that cannot be, and hardly any that is made up has none. */
static void settle_distances(struct boot_input *in)
{
	for (uint32_t i = 0; i < in->distance_count; i++) {
		for (uint32_t j = 0; j < in->distance_count; j++) {
			uint8_t *value = &in->distance[(size_t)i * in->distance_count + j];

			if (i == j)
				*value = DISTANCE_LOCAL;
			else if (*value <= DISTANCE_LOCAL)
				*value += DISTANCE_LOCAL + 1;
		}
	}
}

static void settle(const struct target_settings *settings, struct boot_input *in)
{
	settle_facts(in);
	target_apply_settings(settings, &in->version, &in->facts);
	settle_config(in);
	in->tree.dma_limit &= ~(BUS_UNIT - 1);
	clip_addresses(in);
	settle_distances(in);
	forget_answers(in);
	/* What is not said is nothing. */
	if (!in->command_line)
		in->command_line = "";
	if (!in->version_text)
		in->version_text = "";
}

bool machine_input_take(const ProtobufCMessage *message, const struct target_settings *settings,
			struct stored_scenario *ret)
{
	struct error *err;

	stored_scenario_clear(ret);
	err = scenario_store_take((const Mmtrace__Scenario *)message, "input", ret);
	if (err) {
		error_destroy(err);
		return false;
	}
	settle(settings, &ret->log.input);
	return is_small(ret);
}

struct error *machine_input_read(const uint8_t *data, size_t size,
				 const struct target_settings *settings, const char *name,
				 struct stored_scenario *ret)
{
	struct arena arena = arena_init(MESSAGE_MEMORY_MAX);
	ProtobufCAllocator allocator = arena_allocator(&arena);
	ProtobufCMessage *message =
		protobuf_c_message_unpack(&mmtrace__scenario__descriptor, &allocator, size, data);
	struct error *err;

	err = message ? scenario_store_take((const Mmtrace__Scenario *)message, name, ret)
		      : error_create(ERROR_CORRUPT, name, 0, 0, "is no message Scenario");
	if (!err)
		settle(settings, &ret->log.input);
	arena_deinit(&arena);
	return err;
}

/* Free lists cost memory and time by their span; what there is to find shows on small machines. */
#define ADDRESS_MAX (1ULL << 33)

/* memmap= can add memory, wherever it likes. */
static bool adds_low(const struct boot_input *in)
{
	struct cmdline cmdline;

	cmdline_parse(in->command_line, true, &cmdline);
	for (unsigned int i = 0; i < cmdline.memmap_count; i++)
		if (cmdline.memmap[i].action == MEMMAP_ADD &&
		    (cmdline.memmap[i].start > ADDRESS_MAX || cmdline.memmap[i].size > ADDRESS_MAX))
			return false;
	return true;
}

bool machine_input_is_low(const struct boot_input *in)
{
	for (uint32_t i = 0; i < in->firmware_count; i++)
		if (in->firmware[i].end > ADDRESS_MAX &&
		    in->firmware[i].end > in->firmware[i].start)
			return false;
	for (uint32_t i = 0; i < in->affinity_count; i++)
		if (in->affinity[i].end > ADDRESS_MAX)
			return false;
	for (uint32_t i = 0; i < in->tree.memory_count; i++)
		if (in->tree.memory[i].range.base > ADDRESS_MAX ||
		    in->tree.memory[i].range.size > ADDRESS_MAX)
			return false;
	for (uint32_t i = 0; i < in->state.memory_count; i++)
		if (in->state.memory[i].base > ADDRESS_MAX ||
		    in->state.memory[i].size > ADDRESS_MAX)
			return false;
	for (uint32_t i = 0; i < in->step_count; i++)
		if ((in->steps[i].kind == STEP_ADD || in->steps[i].kind == STEP_E820_ADD) &&
		    (in->steps[i].base > ADDRESS_MAX || in->steps[i].size > ADDRESS_MAX))
			return false;
	for (uint32_t i = 0; i < in->given_range_count; i++)
		if (in->given_ranges[i].end > ADDRESS_MAX >> 12)
			return false;
	return adds_low(in);
}

static uint32_t bits_of(uint64_t value)
{
	uint32_t bits = 0;

	for (; value; value >>= 1)
		bits++;
	return bits;
}

/* A node by what it has, without its sizes. */
static uint32_t kind_of_node(const struct machine *m, uint32_t nid)
{
	const struct node *n = &m->nodes[nid];
	uint32_t kind = n->possible | (uint32_t)n->memory << 1 | (uint32_t)n->parsed << 2 |
			(uint32_t)(n->cpus != 0) << 3 | (uint32_t)(n->movable_pfn != 0) << 4 |
			(uint32_t)(n->first_deferred_pfn != PFN_NONE) << 5;

	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
		kind |= (uint32_t)(n->zones[t].present != 0) << (8 + t) |
			(uint32_t)(n->zones[t].spanned != n->zones[t].present) << (14 + t);
	return kind;
}

static uint32_t zeros_of(uint64_t value)
{
	uint32_t zeros = 0;

	for (; zeros < 20 && !(value >> zeros & 1); zeros++)
		;
	return zeros;
}

/* How near an array is to its end, and how often it grew. */
static uint32_t room_of(const struct memblock_type *type)
{
	return bits_of(type->max) << 4 | (uint32_t)min_u64(type->max - type->cnt, 15);
}

/* By how much what meets is aligned: pageblocks, largest blocks and sections all have edges. */
static void edge_features(const struct machine *m, struct target_report *report)
{
	for (uint32_t r = 0; r < m->range_count && r < 16; r++) {
		const struct node_range *range = &m->ranges[r];
		bool meets = r && m->ranges[r - 1].end == range->start;

		target_report_feature(report, 9u << 28 | zeros_of(range->start) << 8 |
						      (uint32_t)meets << 1 |
						      (r && m->ranges[r - 1].nid != range->nid));
		target_report_feature(report, 9u << 28 | 1u << 20 | zeros_of(range->end));
	}
	for (uint32_t nid = 0; nid < m->node_count && nid < 8; nid++)
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &m->nodes[nid].zones[t];

			if (z->present)
				target_report_feature(report, 10u << 28 | t << 16 |
								      bits_of(z->managed) << 8 |
								      zeros_of(zone_end_pfn(z)));
		}
	for (uint32_t i = 0; i < m->cma_count && i < 8; i++)
		target_report_feature(
			report, 11u << 28 | (uint32_t)m->cma[i].active << 16 |
					zeros_of(m->cma[i].start >> m->config.page_shift) << 8 |
					zeros_of(m->cma[i].end >> m->config.page_shift));
}

/* Where reservations are: in memory, beside it in a section that has some, or far from it. */
static void reserved_features(const struct machine *m, struct target_report *report)
{
	unsigned int shift = m->config.page_shift;
	uint32_t seen = 0;

	for (uint32_t i = 0; i < m->mb.reserved.cnt && i < 256; i++) {
		const struct memblock_region *region = &m->mb.reserved.regions[i];
		pfn_t start = region->base >> shift, end = (region->base + region->size) >> shift;
		uint64_t section = arch_section_pages(&m->config);
		uint32_t where = 0;

		for (uint32_t r = 0; r < m->range_count; r++) {
			const struct node_range *range = &m->ranges[r];

			if (start >= range->start && end <= range->end)
				where |= 4;
			else if (start < range->end && end > range->start)
				where |= 2;
			else if (section && start / section <= range->end / section &&
				 start / section >= range->start / section)
				where |= 1;
		}
		seen |= 1u << (where << 1 | (region->nid < 0));
	}
	target_report_feature(report, 12u << 28 | seen);
}

/* What was built into the kernel, and how it differs from others in what it comes to. */
static void kernel_features(const struct machine *m, uint32_t version, struct target_report *report)
{
	uint32_t era = 0, deferred = 0;

	while (era + 1 < era_count && version > eras[era].version)
		era++;
	for (uint32_t nid = 0; nid < m->node_count && nid < 8; nid++)
		deferred |= 1u << (m->nodes[nid].first_deferred_pfn != PFN_NONE);
	target_report_feature(report, 8u << 28 | era << 20 | (uint32_t)m->config.arch << 16 |
					      (uint32_t)(m->cma_count != 0) << 8 |
					      (uint32_t)(m->node_count > 1) << 7 |
					      (uint32_t)m->emulated << 6 | deferred << 4 |
					      (uint32_t)m->stage);
}

void machine_features(const struct machine *m, uint32_t version, struct target_report *report)
{
	uint32_t all = 0;

	/* Large machines take their time, so that no more are to be made of them. */
	if (m->node_count > 32 || m->mb.memory.cnt > 256)
		return;
	if (m->stage >= STAGE_ZONES)
		for (uint32_t nid = 0; nid < m->node_count && nid < 16; nid++) {
			uint32_t kind = kind_of_node(m, nid);

			all = all * 31 + kind;
			if (nid < 4)
				target_report_feature(report, kind << 2 | nid);
		}
	target_report_feature(report, all ^ 0x51ed2701u);
	target_report_feature(report, 1u << 28 | (uint32_t)m->stage);
	target_report_feature(report, 2u << 28 | bits_of(m->mb.memory.cnt) << 8 |
					      bits_of(m->mb.reserved.cnt));
	target_report_feature(report,
			      3u << 28 | bits_of(m->node_count) << 8 | bits_of(m->range_count));
	target_report_feature(
		report, 4u << 28 | (uint32_t)m->affinity_used | (uint32_t)m->emulated << 1 |
				(uint32_t)m->distance_known << 2 | (uint32_t)m->mobility_off << 3 |
				(uint32_t)m->config.arch << 4 | bits_of(m->cma_count) << 8);
	target_report_feature(report, 5u << 28 | bits_of(m->max_pfn));
	target_report_feature(report, 6u << 28 | bits_of(m->answers.count));
	target_report_feature(report, 7u << 28 | room_of(&m->mb.memory));
	target_report_feature(report, 7u << 28 | 1u << 20 | room_of(&m->mb.reserved));
	kernel_features(m, version, report);
	if (m->stage < STAGE_ZONES)
		return;
	edge_features(m, report);
	reserved_features(m, report);
}
