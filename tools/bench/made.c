/* SPDX-License-Identifier: MIT */
#include "tools/bench/made.h"

#include <stdlib.h>
#include <string.h>

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

#define NODES_PER_BOARD 4
#define NODES_PER_RACK 32

static uint8_t made_distance(uint32_t from, uint32_t to)
{
	if (from == to)
		return 10;
	if (from / NODES_PER_BOARD == to / NODES_PER_BOARD)
		return 12;
	return from / NODES_PER_RACK == to / NODES_PER_RACK ? 21 : 32;
}

static void add_firmware(struct boot_input *in, phys_t start, phys_t end, uint32_t type)
{
	in->firmware[in->firmware_count++] =
		(struct e820_entry){ .start = start, .end = end, .type = type };
}

static void add_affinity(struct boot_input *in, phys_t start, phys_t end, uint32_t nid)
{
	in->affinity[in->affinity_count++] =
		(struct affinity_memory){ .start = start, .end = end, .nid = (int32_t)nid };
}

/* What the firmware tells of one node, which has @bytes from @start on. */
static void add_node(struct boot_input *in, uint32_t nid, phys_t start, uint64_t bytes)
{
	phys_t end = start + bytes;

	add_affinity(in, start, end, nid);
	add_firmware(in, start, end - 64 * MIB, E820_RAM);
	add_firmware(in, end - 64 * MIB, end - 63 * MIB, E820_RESERVED);
	add_firmware(in, end - 63 * MIB, end, E820_RAM);
}

static struct boot_step *add_step(struct boot_input *in, enum boot_step_kind kind, const char *name)
{
	struct boot_step *s = &in->steps[in->step_count++];

	*s = (struct boot_step){ .kind = kind, .nid = NID_NONE, .name = name };
	return s;
}

static void add_alloc(struct boot_input *in, const char *name, uint64_t size, uint64_t align,
		      int32_t nid)
{
	struct boot_step *s = add_step(in, STEP_ALLOC, name);

	s->size = size;
	s->align = align;
	s->nid = nid;
	s->min_addr = nid >= 0 ? 16 * MIB : 0;
}

static void add_steps(struct boot_input *in, const struct made_machine *what)
{
	struct boot_step *s;

	s = add_step(in, STEP_RESERVE, "setup_arch");
	s->base = 16 * MIB;
	s->size = 48 * MIB;
	s = add_step(in, STEP_RESERVE, "early_reserve_initrd");
	s->base = what->node_bytes < 2 * GIB ? what->node_bytes / 2 : GIB;
	s->size = 32 * MIB;
	s = add_step(in, STEP_RESERVE, "reserve_bios_regions");
	s->base = 0x9f000;
	s->size = 0x61000;
	add_alloc(in, "setup_log_buf", 4 * MIB, 8, NID_NONE);
	for (uint32_t n = 0; n < what->nodes; n++) {
		s = add_step(in, STEP_NODE_DATA, "setup_node_data");
		s->nid = (int32_t)n;
		s->size = 0x2b000;
	}
	for (uint32_t n = 0; n < what->nodes; n++) {
		add_alloc(in, "sparse_init_nid", 16 << 10, 64, (int32_t)n);
		add_alloc(in, "sparse_init_nid", what->node_bytes / 64, 2 * MIB, (int32_t)n);
	}
	for (uint32_t n = 0; n < what->nodes; n++)
		add_alloc(in, "setup_usemap", 4096, 64, (int32_t)n);
	add_alloc(in, "alloc_large_system_hash", 8 * MIB, 64, NID_NONE);
	add_alloc(in, "alloc_large_system_hash", 4 * MIB, 64, NID_NONE);
	add_step(in, STEP_MEMORY_LINE, "mem_init");
	s = add_step(in, STEP_LATE_FREE, "unused kernel image (initmem)");
	s->size = 2 * MIB;
}

bool made_init(struct boot_input *ret, const struct made_machine *what)
{
	uint32_t nodes = what->nodes;
	uint64_t low = what->node_bytes < 2 * GIB ? what->node_bytes : 2 * GIB;
	phys_t start = 4 * GIB;

	memset(ret, 0, sizeof(*ret));
	ret->version = FACTS_VERSION(6, 12, 0);
	facts_init(&ret->facts, ret->version);
	arch_config_default(ARCH_X86_64, false, &ret->config);
	arch_config_apply_facts(&ret->config, &ret->facts);
	ret->version_text = "6.12.0";
	ret->command_line = "memblock=debug";
	ret->five_level = ret->reservations_told = true;
	ret->numa_source = ret->tables_listed = ret->distances_told = true;
	ret->firmware = calloc(3 * (size_t)nodes + 4, sizeof(*ret->firmware));
	ret->affinity = calloc((size_t)nodes + 1, sizeof(*ret->affinity));
	ret->distance = malloc((size_t)nodes * nodes);
	ret->cpu_nid = calloc((size_t)nodes * what->cpus_per_node, sizeof(*ret->cpu_nid));
	ret->steps = calloc(4 * (size_t)nodes + 16, sizeof(*ret->steps));
	if (!ret->firmware || !ret->affinity || !ret->distance || !ret->cpu_nid || !ret->steps)
		return false;

	add_firmware(ret, 0, 0x9fc00, E820_RAM);
	add_firmware(ret, 0x9fc00, MIB, E820_RESERVED);
	add_firmware(ret, MIB, low, E820_RAM);
	add_affinity(ret, 0, low, 0);
	for (uint32_t n = 0; n < nodes; n++) {
		uint64_t bytes = what->node_bytes;

		/* The first node has begun below. */
		if (!n)
			bytes -= low;
		if (bytes)
			add_node(ret, n, start, bytes);
		start += bytes;
		for (uint32_t to = 0; to < nodes; to++)
			ret->distance[(size_t)n * nodes + to] = made_distance(n, to);
		for (uint32_t c = 0; c < what->cpus_per_node; c++)
			ret->cpu_nid[ret->cpu_nid_count++] = (int32_t)n;
	}
	ret->distance_count = nodes;
	ret->nr_cpu_ids = ret->online_cpus = ret->cpu_nid_count;
	add_steps(ret, what);
	return true;
}

void made_deinit(struct boot_input *in)
{
	free(in->firmware);
	free(in->affinity);
	free(in->distance);
	free(in->cpu_nid);
	free(in->steps);
	memset(in, 0, sizeof(*in));
}
