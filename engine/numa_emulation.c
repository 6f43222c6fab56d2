/* SPDX-License-Identifier: MIT */
/*
 * numa=fake=: nodes cut out of nodes, after mm/numa_emulation.c (arch/x86/mm before 6.12).
 *
 *   N	    N nodes of equal share, dealt over the physical nodes in turn until their memory is used up
 *   <size> the same with a size; the number of nodes follows
 *   <N>U   each physical node cut into N pieces of equal span, holes not looked at
 *
 * A piece never leaves a remainder behind that could not be a node of its own: it is stretched to 4 GiB
 * when less than the least node size would be left below, and to its block's end when less than a share
 * would be left above.
 */
#include <string.h>

#include "engine/numa.h"
#include "engine/room.h"

#define FAKE_NODE_MIN (32ULL << 20)
#define FOUR_GIB (1ULL << 32)
/* NR_NODE_MEMBLKS (arch/x86/include/asm/numa.h): emu_setup_memblk() fails when a piece more is made. */
#define NODE_BLOCKS_MAX (2 * NODES_MAX)

/* What is worked with, see machine_work(). */
enum { WORK_EMULATION, WORK_SAVED, WORK_MADE, WORK_DISTANCE };

struct emulation {
	struct machine *m;
	struct affinity_memory *made; /* fake blocks so far, room for NODE_BLOCKS_MAX */
	uint32_t made_count;
	int32_t physical[NODES_MAX]; /* physical node of each fake one; NID_NONE = unused */
	uint64_t size; /* bytes of memory, or of span, a fake node should have */
	uint64_t big; /* the first so many nodes get FAKE_NODE_MIN more */
	uint32_t wrap; /* fake ids count modulo this */
	int64_t next; /* next fake id before wrapping; -1: one that is no node's, and then 0 */
	bool by_span;
	bool too_many; /* pieces: the emulation fails */
};

/* Bytes of whole pages in [start, end) that are not memory. */
static uint64_t hole_bytes(const struct machine *m, phys_t start, phys_t end)
{
	unsigned int shift = m->config.page_shift;
	pfn_t s = pfn_up(start, shift), e = pfn_down(end, shift);
	uint64_t pages;

	if (s >= e)
		return 0;
	pages = e - s;
	for (uint32_t i = 0; i < m->mb.memory.cnt; i++) {
		const struct memblock_region *r = &m->mb.memory.regions[i];
		pfn_t a = max_u64(pfn_up(r->base, shift), s);
		pfn_t b = min_u64(pfn_down(r->base + r->size, shift), e);

		if (a < b)
			pages -= b - a;
	}
	return pfn_phys(pages, shift);
}

static bool make_node(struct emulation *em, uint32_t block, phys_t end)
{
	struct machine *m = em->m;
	struct affinity_memory *from = &m->numa_blocks[block];
	int32_t nid = (int32_t)(em->next++ % (int64_t)em->wrap);
	struct answer *a;

	if (em->made_count == NODE_BLOCKS_MAX) {
		em->too_many = true;
		return false;
	}
	em->made[em->made_count++] =
		(struct affinity_memory){ .start = from->start, .end = end, .nid = nid };
	if (nid >= 0 && em->physical[nid] == NID_NONE)
		em->physical[nid] = from->nid;
	a = answers_add(&m->answers, ANSWER_FAKING_NODE);
	a->nid = nid;
	a->index = 1;
	a->v[0] = from->start;
	a->v[1] = end;
	from->start = end;
	if (from->start >= from->end) {
		m->numa_block_count--;
		memmove(from, from + 1, (m->numa_block_count - block) * sizeof(*from));
	}
	return true;
}

static uint32_t first_block_of(const struct machine *m, int32_t nid)
{
	uint32_t i = 0;

	while (i < m->numa_block_count && m->numa_blocks[i].nid != nid)
		i++;
	return i;
}

/* At least so many bytes from @at on hold no memory. */
static uint64_t bytes_to_memory(const struct machine *m, phys_t at)
{
	uint64_t page = pfn_phys(1, m->config.page_shift);

	for (uint32_t i = 0; i < m->mb.memory.cnt; i++) {
		const struct memblock_region *r = &m->mb.memory.regions[i];

		if (r->base + r->size > at)
			return r->base > at + page ? r->base - at - page : 0;
	}
	return 0;
}

/* Takes one piece from the first block of physical node @nid; false when the node has none left. */
static bool carve(struct emulation *em, int32_t nid)
{
	struct machine *m = em->m;
	uint32_t block = first_block_of(m, nid);
	phys_t start, limit, end;

	if (block == m->numa_block_count)
		return false;
	start = m->numa_blocks[block].start;
	limit = m->numa_blocks[block].end;
	end = start + em->size + (em->next < (int64_t)em->big ? FAKE_NODE_MIN : 0);
	while (!em->by_span && end <= limit) {
		uint64_t got = end - start - hole_bytes(m, start, end);
		uint64_t far = 0;

		if (got >= em->size)
			break;
		/* The kernel goes on by single steps; those that cannot be the last are left out. */
		far = em->size - got + bytes_to_memory(m, end);
		if (far >= limit - end) {
			end = limit;
			break;
		}
		end += round_up_to(far, FAKE_NODE_MIN);
	}
	if (!em->by_span && end > limit)
		end = limit;
	if (end < FOUR_GIB && FOUR_GIB - end - hole_bytes(m, end, FOUR_GIB) < FAKE_NODE_MIN)
		end = FOUR_GIB;
	/* Beyond the limit the difference wraps and is large: then min() below decides. */
	if (!em->by_span && limit - end - hole_bytes(m, end, limit) < em->size)
		end = limit;
	return make_node(em, block, min_u64(end, limit));
}

/* Deals pieces over the physical nodes of @mask until none has memory left. */
static void deal(struct emulation *em, bool *mask, uint32_t node_count)
{
	bool left = true;

	while (left && !em->m->out_of_memory && !em->too_many) {
		left = false;
		for (uint32_t n = 0; n < node_count; n++) {
			if (mask[n] && !carve(em, (int32_t)n))
				mask[n] = false;
			left |= mask[n];
		}
	}
}

static uint64_t span_share(const struct machine *m, uint64_t bytes, uint64_t parts)
{
	return pfn_phys((bytes >> m->config.page_shift) / parts, m->config.page_shift);
}

static bool split(struct emulation *em, const char *option, const char **rest)
{
	struct machine *m = em->m;
	phys_t max_addr = pfn_phys(m->max_pfn, m->config.page_shift);
	uint64_t memory = max_addr - hole_bytes(m, 0, max_addr);
	bool mask[NODES_MAX] = { false };

	for (uint32_t i = 0; i < m->numa_block_count; i++)
		mask[m->numa_blocks[i].nid] = true;
	if (strchr(option, 'U')) {
		uint64_t parts = memparse(option, rest);

		if (!parts || parts > NODES_MAX)
			return false;
		em->by_span = true;
		em->wrap = NODES_MAX;
		for (uint32_t n = 0; n < m->node_count; n++) {
			bool only[NODES_MAX] = { false };
			const struct affinity_memory *first = &m->numa_blocks[0];
			int64_t before = em->next, made;

			if (!mask[n])
				continue;
			if (!m->numa_block_count)
				return false;
			em->size = span_share(m, first->end - first->start, parts);
			em->size = round_up_to(max_u64(em->size, FAKE_NODE_MIN), FAKE_NODE_MIN);
			only[first->nid] = true;
			deal(em, only, NODES_MAX);
			made = em->next;
			if (fact_get(&m->facts, FACT_fake_numa_counts_each_node))
				made = em->next == before ? (int64_t)parts : em->next - before;
			if (made < (int64_t)parts)
				return false;
		}
		return true;
	}
	if (strchr(option, 'M') || strchr(option, 'G')) {
		uint64_t least = span_share(m, memory, NODES_MAX);

		em->size = memparse(option, rest);
		if (!em->size)
			return false;
		least = round_up_to(max_u64(least, FAKE_NODE_MIN), FAKE_NODE_MIN);
		em->size = round_down_to(max_u64(em->size, least), FAKE_NODE_MIN);
		em->wrap = NODES_MAX;
		em->next = fact_get(&m->facts, FACT_fake_numa_first_id);
	} else {
		uint64_t parts = memparse(option, rest);

		if (!parts)
			return false;
		if (parts > NODES_MAX)
			parts = NODES_MAX;
		em->size = span_share(m, memory, parts);
		em->big = (em->size % FAKE_NODE_MIN) * parts / FAKE_NODE_MIN;
		em->size = round_down_to(em->size, FAKE_NODE_MIN);
		if (!em->size)
			return false;
		em->wrap = (uint32_t)parts;
	}
	deal(em, mask, NODES_MAX);
	return true;
}

/* Distances: the option's list where it has one, else those of the physical nodes. */
static void remap_distance(struct emulation *em, uint32_t fake_count, const char *list)
{
	struct machine *m = em->m;
	size_t bytes = (size_t)fake_count * fake_count;
	uint8_t *distance = machine_work(m, WORK_DISTANCE, bytes, 1);

	if (!distance)
		return;
	if (*list == ':')
		list++;
	for (uint32_t i = 0; i < fake_count; i++) {
		for (uint32_t j = 0; j < fake_count; j++) {
			const char *end;
			uint64_t value = memparse(list, &end);

			if (end != list && *end == ',') {
				list = end + 1;
			} else {
				list = end;
				value = numa_distance(m, (uint32_t)em->physical[i],
						      (uint32_t)em->physical[j]);
			}
			/* What cannot be a distance is ignored. */
			if (value > 255 || (i == j && value != 10))
				value = i == j ? 10 : 20;
			distance[(size_t)i * fake_count + j] = (uint8_t)value;
		}
	}
	if (room_make(&m->distance, &m->room.distance, bytes))
		memcpy(m->distance, distance, bytes);
	else
		m->out_of_memory = true;
}

/* Nodes as they are before anything is known of them, but where they were cut from. */
static void take_nodes(struct emulation *em, uint32_t count)
{
	struct machine *m = em->m;

	if (!room_make(&m->nodes, &m->room.nodes, count * sizeof(*m->nodes))) {
		m->out_of_memory = true;
		return;
	}
	memset(m->nodes, 0, count * sizeof(*m->nodes));
	for (uint32_t i = 0; i < count; i++)
		m->nodes[i].physical = em->physical[i];
	m->node_count = count;
	m->emulated = true;
}

bool numa_emulate(struct machine *m, const char *option)
{
	uint32_t saved_count = m->numa_block_count, fake_count = 0;
	struct affinity_memory *saved = machine_work(m, WORK_SAVED, saved_count, sizeof(*saved));
	struct emulation *em = machine_work(m, WORK_EMULATION, 1, sizeof(*em));
	const char *rest = option;
	int32_t fallback = 0;
	bool ok;

	if (!em || !saved)
		return false;
	memcpy(saved, m->numa_blocks, saved_count * sizeof(*saved));
	em->m = m;
	em->made = machine_work(m, WORK_MADE, (size_t)NODE_BLOCKS_MAX, sizeof(*em->made));
	if (!em->made)
		return false;
	for (uint32_t i = 0; i < NODES_MAX; i++)
		em->physical[i] = NID_NONE;
	ok = split(em, option, &rest);
	for (uint32_t i = NODES_MAX; i-- > 0;) {
		if (em->physical[i] == NID_NONE)
			continue;
		if (i >= fake_count)
			fake_count = i + 1;
		fallback = em->physical[i];
	}
	/*
	 * Where ids begin at -1, the only node made may have none: that is no node.  What was printed of nodes
	 * that are given up stays printed (emu_setup_memblk, mm/numa_emulation.c 6.12).
	 */
	if (!ok || !em->made_count || !fake_count || em->too_many || m->out_of_memory) {
		memcpy(m->numa_blocks, saved, saved_count * sizeof(*saved));
		m->numa_block_count = saved_count;
		return false;
	}
	if (!room_make(&m->numa_blocks, &m->room.numa_blocks, em->made_count * sizeof(*em->made))) {
		m->out_of_memory = true;
		return false;
	}
	memcpy(m->numa_blocks, em->made, em->made_count * sizeof(*em->made));
	m->numa_block_count = em->made_count;
	numa_join_blocks(m);
	for (uint32_t i = 0; i < fake_count; i++)
		if (em->physical[i] == NID_NONE)
			em->physical[i] = fallback;
	remap_distance(em, fake_count, rest);
	take_nodes(em, fake_count);
	return !m->out_of_memory;
}
