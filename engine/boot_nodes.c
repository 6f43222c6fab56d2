/* SPDX-License-Identifier: MIT */
/*
 * Boot: which nodes there are, and which memory is theirs.
 */
#include "engine/boot_parts.h"
#include "engine/distance.h"
#include "engine/numa.h"
#include "engine/room.h"

static void reset_nids(struct machine *m)
{
	/* For a while "cleared" and "never set" were two things, which do not merge. */
	int32_t none = fact_get(&m->facts, FACT_memblock_clears_to_no_node) ? MEMBLOCK_NID_CLEARED
									    : NID_NONE;

	memblock_set_node(&m->mb, MEMBLOCK_MEMORY, 0, UINT64_MAX, none);
	memblock_set_node(&m->mb, MEMBLOCK_RESERVED, 0, UINT64_MAX, none);
	memblock_set_flag(&m->mb, MEMBLOCK_MEMORY, 0, UINT64_MAX, MEMBLOCK_HOTPLUG, false);
}

static void grow_nodes(struct machine *m, uint32_t count)
{
	if (count <= m->node_count)
		return;
	if (!room_make(&m->nodes, &m->room.nodes, count * sizeof(*m->nodes))) {
		m->out_of_memory = true;
		return;
	}
	memset(m->nodes + m->node_count, 0, (count - m->node_count) * sizeof(*m->nodes));
	m->node_count = count;
}

static void take_distance(struct machine *m, const struct boot_input *in)
{
	bool used = in->distance && distances_are_valid(in->distance, in->distance_count);
	uint32_t n = m->node_count, told = used ? in->distance_count : 0;

	if (!room_make(&m->distance, &m->room.distance, (size_t)n * n)) {
		m->out_of_memory = true;
		return;
	}
	/* A machine whose tables are listed and that has no distance table has the default distances. */
	m->distance_known = in->distance_count > 0 || n <= 2 || m->config.arch == ARCH_I386 ||
			    (in->tables_listed && !in->distances_told);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < n; j++)
			m->distance[(size_t)i * n + j] =
				i < told && j < told ? in->distance[(size_t)i * told + j]
						     : distance_default(i, j);
}

/*
 * A table that names a node which cannot be is not believed in anything ("SRAT: Too many proximity domains",
 * acpi_numa_memory_affinity_init() and bad_srat()).
 */
static bool nodes_can_be(const struct boot_input *in)
{
	for (uint32_t i = 0; i < in->affinity_count; i++)
		if (in->affinity[i].nid < 0 || in->affinity[i].nid >= NODES_MAX)
			return false;
	return true;
}

/*
 * Nodes where each block of the firmware is stamped as it is met.  Memory that no block names makes the
 * kernel forget them all.  Without blocks the nodes are those memory came with.
 */
bool boot_name_nodes(struct machine *m, const struct boot_input *in)
{
	bool nids = false, all = true;

	if (!nodes_can_be(in))
		return false;
	if (in->affinity_count)
		memblock_set_node(&m->mb, MEMBLOCK_MEMORY, 0, UINT64_MAX, NID_NONE);
	for (uint32_t i = 0; i < in->affinity_count; i++)
		if (!memblock_set_node(&m->mb, MEMBLOCK_MEMORY, in->affinity[i].start,
				       in->affinity[i].end - in->affinity[i].start,
				       in->affinity[i].nid))
			m->memory_unstamped = true;
	for (uint32_t i = 0; i < m->mb.memory.cnt; i++) {
		nids |= m->mb.memory.regions[i].nid > 0;
		all &= m->mb.memory.regions[i].nid >= 0;
	}
	return in->affinity_count ? all && !m->cmdline.numa_off : nids;
}

/*
 * Nodes are told before numa=fake= cuts them up, which takes memory for distances.  The first table of
 * distances is the firmware's, if it has one; it is read before.
 */
static void tell_nodes_before_emulation(struct boot *b, uint32_t first)
{
	struct answers *as = &b->m->answers;
	uint32_t at = b->in->step_count;

	for (uint32_t i = b->step; i-- > 0;) {
		const struct boot_step *s = &b->in->steps[i];

		if (s->kind != STEP_ALLOC)
			continue;
		if (name_is(s->name, "numa_emulation") ||
		    (name_is(s->name, "numa_alloc_distance") && at == b->in->step_count))
			at = i;
	}
	at = boot_placement_of(as, at);
	if (at < first)
		answers_move(as, first, as->count, at);
}

static void mark(struct machine *m, int32_t nid)
{
	if (nid_within(nid, m->node_count))
		m->nodes[nid].parsed = true;
}

/* Nodes the firmware names without memory are possible all the same; numbers it leaves out are not. */
static void mark_parsed(struct machine *m, const struct boot_input *in, bool named)
{
	/* Where a log does not tell the nodes of CPUs, one of those may have such a number. */
	bool cpus_told = in->cpu_nid_count || in->reservations_told;

	for (uint32_t n = 0; n < m->node_count; n++)
		m->nodes[n].parsed = m->emulated || (named && !cpus_told);
	if (!named)
		mark(m, 0);
	for (uint32_t i = 0; i < m->numa_block_count; i++)
		mark(m, m->numa_blocks[i].nid);
	for (uint32_t i = 0; named && i < m->window_count; i++)
		mark(m, m->window_nids[i]);
	for (uint32_t i = 0; i < m->mb.memory.cnt; i++)
		mark(m, m->mb.memory.regions[i].nid);
	for (uint32_t i = 0; named && i < in->cpu_nid_count; i++)
		mark(m, in->cpu_nid[i]);
	for (uint32_t i = 0; named && i < in->affinity_count; i++)
		mark(m, in->affinity[i].nid);
}

void boot_stamp_nodes(struct boot *b)
{
	struct machine *m = b->m;
	const struct boot_input *in = b->in;
	uint32_t count = 1, first = m->answers.count;
	bool named = false;

	if (b->stamped)
		return;
	b->stamped = true;
	boot_take_memory(b);
	if (!m->mb.memory.cnt) {
		/* Nothing tells what memory there is: nothing further can be said. */
		b->until = STAGE_SETUP_ARCH;
		return;
	}
	m->stage = STAGE_NUMA;
	m->mb.bottom_up = false;
	memblock_set_flag(&m->mb, MEMBLOCK_MEMORY, 0, UINT64_MAX, MEMBLOCK_KHO_SCRATCH, false);
	if (!m->config.numa) {
		memblock_set_node(&m->mb, MEMBLOCK_MEMORY, 0, UINT64_MAX, 0);
	} else if (arch_is_x86(&m->config) ||
		   (in->affinity_count && fact_get(&m->facts, FACT_numa_blocks_from_dram_start))) {
		phys_t high = pfn_phys(m->max_pfn, m->config.page_shift), low = 0;

		if (fact_get(&m->facts, FACT_numa_blocks_from_dram_start)) {
			low = memblock_start_of_dram(&m->mb);
			high = memblock_end_of_dram(&m->mb);
		}
		reset_nids(m);
		if (!m->cmdline.numa_off && in->affinity_count && nodes_can_be(in))
			named = numa_cleanup_blocks(m, in, low, high) &&
				numa_blocks_cover_memory(m);
		if (!named) {
			struct answer *a = answers_add(&m->answers, ANSWER_FAKING_NODE);

			a->nid = 0;
			a->v[0] = arch_is_x86(&m->config) ? 0 : low;
			a->v[1] = arch_is_x86(&m->config)
					  ? pfn_phys(m->max_pfn, m->config.page_shift)
					  : high;
			/* Memory beyond what page frames can be numbered is of no node. */
			numa_dummy_block(
				m, low,
				arch_is_x86(&m->config)
					? min_u64(high, pfn_phys(m->max_pfn, m->config.page_shift))
					: high);
		}
		for (uint32_t i = 0; named && i < in->affinity_count; i++)
			if (in->affinity[i].hotplug)
				memblock_set_flag(&m->mb, MEMBLOCK_MEMORY, in->affinity[i].start,
						  in->affinity[i].end - in->affinity[i].start,
						  MEMBLOCK_HOTPLUG, true);
	} else {
		named = boot_name_nodes(m, in);
		if (!named) {
			struct answer *a = answers_add(&m->answers, ANSWER_FAKING_NODE);

			a->nid = 0;
			a->v[0] = memblock_start_of_dram(&m->mb);
			a->v[1] = memblock_end_of_dram(&m->mb);
			memblock_set_node(&m->mb, MEMBLOCK_MEMORY, 0, UINT64_MAX, 0);
		}
	}
	for (uint32_t i = 0; named && i < in->cpu_nid_count; i++)
		if (in->cpu_nid[i] >= (int32_t)count)
			count = (uint32_t)in->cpu_nid[i] + 1;
	for (uint32_t i = 0; named && i < m->window_count; i++)
		if (m->window_nids[i] >= (int32_t)count)
			count = (uint32_t)m->window_nids[i] + 1;
	for (uint32_t i = 0; i < m->numa_block_count; i++)
		if (m->numa_blocks[i].nid >= (int32_t)count)
			count = (uint32_t)m->numa_blocks[i].nid + 1;
	for (uint32_t i = 0; i < m->mb.memory.cnt; i++)
		if (m->mb.memory.regions[i].nid >= (int32_t)count)
			count = (uint32_t)m->mb.memory.regions[i].nid + 1;
	if (named)
		for (uint32_t i = 0; i < in->affinity_count; i++)
			if (in->affinity[i].nid >= (int32_t)count)
				count = (uint32_t)in->affinity[i].nid + 1;
	if (m->config.arch == ARCH_OTHER && in->nr_node_ids > count)
		count = in->nr_node_ids;
	grow_nodes(m, count < NODES_MAX ? count : NODES_MAX);
	if (m->out_of_memory)
		return;
	take_distance(m, in);
	if (m->config.numa && m->cmdline.numa_fake[0] && arch_is_x86(&m->config) &&
	    (in->numa_source || !fact_get(&m->facts, FACT_fake_numa_needs_srat)))
		numa_emulate(m, m->cmdline.numa_fake);
	if (m->numa_block_count && m->config.numa)
		numa_register_blocks(m);
	numa_online_nodes(m);
	mark_parsed(m, in, named);
	m->affinity_used = named;
	if (m->emulated)
		tell_nodes_before_emulation(b, first);
}
