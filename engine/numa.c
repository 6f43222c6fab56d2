/* SPDX-License-Identifier: MIT */
/*
 * After mm/numa_memblks.c (6.12+) and arch/x86/mm/numa.c (before): cleanup and registration.
 */
#include "engine/numa.h"

#include <string.h>

#include "engine/distance.h"
#include "engine/room.h"

static bool set_blocks(struct machine *m, const struct affinity_memory *blocks, uint32_t count)
{
	if (!room_make(&m->numa_blocks, &m->room.numa_blocks, count * sizeof(*blocks))) {
		m->out_of_memory = true;
		m->numa_block_count = 0;
		return false;
	}
	if (count)
		memcpy(m->numa_blocks, blocks, count * sizeof(*blocks));
	m->numa_block_count = count;
	return true;
}

static void drop_block(struct machine *m, uint32_t i)
{
	m->numa_block_count--;
	memmove(&m->numa_blocks[i], &m->numa_blocks[i + 1],
		(m->numa_block_count - i) * sizeof(*m->numa_blocks));
}

static void answer_join(struct machine *m, uint32_t ordinal, const struct affinity_memory *a,
			const struct affinity_memory *b, phys_t start, phys_t end)
{
	struct answer *join = answers_add(&m->answers, ANSWER_NUMA_JOIN);

	join->index = ordinal;
	join->nid = a->nid;
	join->v[0] = a->start;
	join->v[1] = a->end;
	join->v[2] = b->start;
	join->v[3] = b->end;
	join->v[4] = start;
	join->v[5] = end;
}

/* Does a block of another node than @nid reach into [start, end)? */
static bool other_node_inside(const struct machine *m, int32_t nid, phys_t start, phys_t end)
{
	for (uint32_t k = 0; k < m->numa_block_count; k++) {
		const struct affinity_memory *b = &m->numa_blocks[k];

		if (b->nid != nid && start < b->end && end > b->start)
			return true;
	}
	return false;
}

bool numa_cleanup_blocks(struct machine *m, const struct boot_input *in, phys_t low, phys_t high)
{
	bool need_memory = fact_get(&m->facts, FACT_numa_blocks_need_memory);

	if (!set_blocks(m, in->affinity, in->affinity_count) || !numa_add_windows(m, in))
		return false;
	for (uint32_t i = 0; i < m->numa_block_count;) {
		struct affinity_memory *b = &m->numa_blocks[i];

		b->start = max_u64(b->start, low);
		b->end = min_u64(b->end, high);
		if (b->start >= b->end ||
		    (need_memory &&
		     !memblock_overlaps(&m->mb, MEMBLOCK_MEMORY, b->start, b->end - b->start)))
			drop_block(m, i);
		else
			i++;
	}
	return numa_join_blocks(m);
}

bool numa_join_blocks(struct machine *m)
{
	uint32_t joins = 0;

	for (uint32_t i = 0; i < m->numa_block_count; i++) {
		for (uint32_t j = i + 1; j < m->numa_block_count; j++) {
			struct affinity_memory *a = &m->numa_blocks[i], *b = &m->numa_blocks[j];
			phys_t start, end;

			if (a->nid != b->nid) {
				if (b->end > a->start && b->start < a->end)
					return false;
				continue;
			}
			start = min_u64(a->start, b->start);
			end = max_u64(a->end, b->end);
			if (other_node_inside(m, a->nid, start, end))
				continue;
			answer_join(m, joins++, a, b, start, end);
			a->start = start;
			a->end = end;
			drop_block(m, j);
			j--;
		}
	}
	return true;
}

void numa_dummy_block(struct machine *m, phys_t start, phys_t end)
{
	struct affinity_memory block = { .start = start, .end = end, .nid = 0 };

	set_blocks(m, &block, 1);
}

void numa_register_blocks(struct machine *m)
{
	for (uint32_t i = 0; i < m->numa_block_count; i++) {
		const struct affinity_memory *b = &m->numa_blocks[i];

		if (!memblock_set_node(&m->mb, MEMBLOCK_MEMORY, b->start, b->end - b->start,
				       b->nid))
			m->memory_unstamped = true;
	}
	for (uint32_t i = 0; i < m->numa_block_count; i++) {
		const struct affinity_memory *b = &m->numa_blocks[i];

		memblock_set_node(&m->mb, MEMBLOCK_RESERVED, b->start, b->end - b->start, b->nid);
	}
	/* Nodes that hold reserved memory cannot be unplugged: their memory is not hotpluggable. */
	for (uint32_t i = 0; i < m->numa_block_count; i++) {
		const struct affinity_memory *b = &m->numa_blocks[i];
		bool reserved = false;

		for (uint32_t r = 0; r < m->mb.reserved.cnt && !reserved; r++)
			reserved = m->mb.reserved.regions[r].nid == b->nid;
		if (reserved)
			memblock_set_flag(&m->mb, MEMBLOCK_MEMORY, b->start, b->end - b->start,
					  MEMBLOCK_HOTPLUG, false);
	}
}

void numa_online_nodes(struct machine *m)
{
	uint64_t least = (uint64_t)fact_get(&m->facts, FACT_node_min_bytes);

	for (uint32_t i = 0; i < m->mb.memory.cnt; i++) {
		int32_t nid = m->mb.memory.regions[i].nid;

		/* What has no node will be node 0's. */
		m->nodes[nid_within(nid, m->node_count) ? nid : 0].online = true;
	}
	if (!least || (m->config.arch != ARCH_X86_64 && m->config.arch != ARCH_I386))
		return;
	for (uint32_t n = 0; n < m->node_count; n++) {
		phys_t start = PHYS_MAX, end = 0;

		for (uint32_t i = 0; i < m->numa_block_count; i++) {
			if (m->numa_blocks[i].nid != (int32_t)n)
				continue;
			start = min_u64(start, m->numa_blocks[i].start);
			end = max_u64(end, m->numa_blocks[i].end);
		}
		if (start < end && end - start < least)
			m->nodes[n].online = false;
	}
}

bool numa_blocks_cover_memory(const struct machine *m)
{
	unsigned int shift = m->config.page_shift;
	uint64_t uncovered = 0;

	/* One kind of "no node" was looked for, and the other one was there. */
	if (!fact_get(&m->facts, FACT_uncovered_memory_found))
		return true;

	for (uint32_t i = 0; i < m->mb.memory.cnt; i++) {
		const struct memblock_region *r = &m->mb.memory.regions[i];
		pfn_t start = pfn_up(r->base, shift), end = pfn_down(r->base + r->size, shift);

		if (start >= end)
			continue;
		uncovered += end - start;
		for (uint32_t k = 0; k < m->numa_block_count; k++) {
			pfn_t s = max_u64(start, m->numa_blocks[k].start >> shift);
			pfn_t e = min_u64(end, m->numa_blocks[k].end >> shift);

			if (s < e)
				uncovered -= min_u64(e - s, uncovered);
		}
	}
	return uncovered < (1ULL << 20) >> shift;
}

uint8_t numa_distance(const struct machine *m, uint32_t from, uint32_t to)
{
	if (!m->distance || from >= m->node_count || to >= m->node_count)
		return distance_default(from, to);
	return m->distance[(size_t)from * m->node_count + to];
}
