/* SPDX-License-Identifier: MIT */
/* What became of the firmware's nodes and of numa=fake=, told from memory's marks and the option alone. */
#include "engine/numa_invariants.h"

#include <string.h>

#define FAKE_NODE_MIN (32ULL << 20)

static void check_memory(const struct machine *m, struct findings *ret)
{
	unsigned int shift = m->config.page_shift;
	uint64_t without = 0, allowed = (1ULL << 20) >> shift;

	for (uint32_t i = 0; i < m->mb.memory.cnt; i++) {
		const struct memblock_region *r = &m->mb.memory.regions[i];
		pfn_t start = pfn_up(r->base, shift), end = pfn_down(r->base + r->size, shift);

		if (start >= end)
			continue;
		if (r->nid < 0)
			without += end - start;
		else if ((uint32_t)r->nid < m->node_count && !m->nodes[r->nid].online)
			findings_add(ret, INVARIANT_NODE_ONLINE, r->nid, -1, r->base, 0, 0,
				     "memory belongs to a node without node data");
	}
	/* Where the array could not grow the rest keeps no node (docs/FINDINGS.md). */
	if (m->affinity_used && without && without >= allowed && !m->memory_unstamped)
		findings_add(ret, INVARIANT_NODE_COVER, -1, -1, FINDING_NOWHERE, 0, without,
			     "pages belong to no node though the firmware's nodes were accepted");
}

static void check_ids(const struct machine *m, struct findings *ret)
{
	for (uint32_t i = 0; i < m->numa_block_count; i++)
		if (!nid_within(m->numa_blocks[i].nid, m->node_count))
			findings_add(ret, INVARIANT_FAKE_IDS, m->numa_blocks[i].nid, -1,
				     m->numa_blocks[i].start, 0, 0,
				     "a made-up node has no number of a node");
	for (uint32_t n = 0; n < m->node_count; n++) {
		uint32_t i = 0;

		while (i < m->numa_block_count && m->numa_blocks[i].nid != (int32_t)n)
			i++;
		if (i == m->numa_block_count)
			findings_add(ret, INVARIANT_FAKE_IDS, (int32_t)n, -1, FINDING_NOWHERE, 0, 0,
				     "the number of a made-up node was left out");
	}
}

static void check_shares(const struct machine *m, uint64_t parts, struct findings *ret)
{
	/* Numbers run out. */
	if (m->node_count >= NODES_MAX)
		return;
	for (uint32_t n = 0; n < m->node_count; n++) {
		uint64_t pieces = 0;

		for (uint32_t k = 0; k < m->node_count; k++)
			pieces += m->nodes[k].physical == m->nodes[n].physical;
		if (pieces < parts)
			findings_add(ret, INVARIANT_FAKE_SHARE, m->nodes[n].physical, -1,
				     FINDING_NOWHERE, parts, pieces,
				     "a node was cut into fewer pieces than asked for");
	}
}

static void check_emulation(const struct machine *m, struct findings *ret)
{
	const char *option = m->cmdline.numa_fake;
	bool plain = !strchr(option, 'U') && !strchr(option, 'M') && !strchr(option, 'G');
	const char *rest;
	uint64_t count = memparse(option, &rest), memory = 0;

	if (!option[0] || !m->config.numa ||
	    (m->config.arch != ARCH_X86_64 && m->config.arch != ARCH_I386))
		return;
	for (uint32_t i = 0; i < m->mb.memory.cnt; i++) {
		unsigned int shift = m->config.page_shift;
		const struct memblock_region *r = &m->mb.memory.regions[i];
		pfn_t start = pfn_up(r->base, shift);
		pfn_t end = min_u64(pfn_down(r->base + r->size, shift), m->max_pfn);

		memory += start < end ? pfn_phys(end - start, shift) : 0;
	}
	if (m->emulated) {
		check_ids(m, ret);
		if (strchr(option, 'U'))
			check_shares(m, count, ret);
	} else if (plain && count && !m->affinity_used &&
		   memory / min_u64(count, NODES_MAX) >=
			   FAKE_NODE_MIN + arch_page_size(&m->config)) {
		findings_add(ret, INVARIANT_FAKE_DONE, -1, -1, FINDING_NOWHERE, count, 0,
			     "no nodes were made up though there is enough memory");
	}
}

void numa_invariants_check(const struct machine *m, struct findings *ret)
{
	check_memory(m, ret);
	check_emulation(m, ret);
}

/* ---- CXL windows ------------------------------------------------------------------------------- */

/* Are all blocks some bytes, and no byte two blocks'? */
static bool disjoint(const struct affinity_memory *blocks, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (blocks[i].start >= blocks[i].end)
			return false;
		for (uint32_t k = 0; k < i; k++)
			if (blocks[i].start < blocks[k].end && blocks[k].start < blocks[i].end)
				return false;
	}
	return true;
}

/* The first address of @window at or above @from that no block has; its end when there is none. */
static phys_t first_gap(const struct machine *m, const struct memory_window *window)
{
	phys_t at = window->start;

	for (uint32_t round = 0; round < m->numa_block_count && at < window->end; round++)
		for (uint32_t i = 0; i < m->numa_block_count; i++)
			if (m->numa_blocks[i].start <= at && at < m->numa_blocks[i].end)
				at = m->numa_blocks[i].end;
	return min_u64(at, window->end);
}

void numa_invariants_filled(const struct machine *m, const struct memory_window *window,
			    const struct affinity_memory *before, uint32_t count,
			    struct findings *ret)
{
	bool described = false;

	/* Of blocks that overlap nobody can say whose a byte is. */
	if (!disjoint(before, count))
		return;
	for (uint32_t i = 0; i < count; i++) {
		const struct affinity_memory *old = &before[i], *new = &m->numa_blocks[i];

		if (old->start < window->end && window->start < old->end)
			described = true;
		else if (old->start != new->start || old->end != new->end)
			findings_add(ret, INVARIANT_WINDOW_FILL, old->nid, -1, old->start, 0, 0,
				     "a block that has nothing of a window changed");
	}
	if (described && first_gap(m, window) < window->end)
		findings_add(ret, INVARIANT_WINDOW_FILL, -1, -1, first_gap(m, window), 0, 0,
			     "blocks do not cover their window");
	if (!disjoint(m->numa_blocks, count))
		findings_add(ret, INVARIANT_WINDOW_FILL, -1, -1, window->start, 0, 0,
			     "blocks overlap since a window was filled");
}

void numa_invariants_window(const struct boot_input *in, const struct memory_window *window,
			    int32_t nid, struct findings *ret)
{
	bool named = false;

	for (uint32_t i = 0; i < in->affinity_count; i++)
		named |= in->affinity[i].nid == nid;
	for (uint32_t i = 0; i < in->cpu_nid_count; i++)
		named |= in->cpu_nid[i] == nid;
	if (named)
		findings_add(ret, INVARIANT_WINDOW_NODE, nid, -1, window->start, 0, 0,
			     "a window gets a node that a table names");
}
