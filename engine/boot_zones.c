/* SPDX-License-Identifier: MIT */
/*
 * Boot: free_area_init().  Zones, what they begin with, and the lines about them.
 */
#include <stdlib.h>

#include "engine/boot_parts.h"
#include "engine/deferred.h"
#include "engine/deferred_invariants.h"
#include "engine/setup_arch.h"
#include "engine/wmark.h"

/* Memory below 16 MiB that zone DMA does not have because it is reserved. */
static uint64_t count_dma_reserve(struct machine *m)
{
	pfn_t max_dma = (16ULL << 20) >> m->config.page_shift, start, end;
	struct memblock_cursor cursor = { 0 };
	uint64_t pages = 0, free_pages = 0;
	phys_t s, e;
	int32_t nid;

	for (uint32_t i = 0; i < m->mb.memory.cnt; i++) {
		const struct memblock_region *r = &m->mb.memory.regions[i];

		start = min_u64(pfn_up(r->base, m->config.page_shift), max_dma);
		end = min_u64(pfn_down(r->base + r->size, m->config.page_shift), max_dma);
		if (start < end)
			pages += end - start;
	}
	while (memblock_next_free(&m->mb, &cursor, &s, &e, &nid)) {
		start = min_u64(pfn_up(s, m->config.page_shift), max_dma);
		end = min_u64(pfn_down(e, m->config.page_shift), max_dma);
		if (start < end)
			free_pages += end - start;
	}
	return pages - free_pages;
}

void boot_start_sparse(struct boot *b)
{
	struct machine *m = b->m;
	/* A list of what is reserved at the end does not tell what was when zones were sized. */
	bool reserved = m->reserved_known && !m->reserved_at_end;

	m->stage = STAGE_SPARSE;
	setup_arch_crashkernel_option(m, b->in);
	if (m->config.arch == ARCH_X86_64 && fact_get(&m->facts, FACT_memmap_accounting))
		m->dma_reserve = reserved || !b->in->has_given_dma_reserve
					 ? count_dma_reserve(m)
					 : b->in->given_dma_reserve;
	m->dma_reserve_given = !reserved && b->in->has_given_dma_reserve;
}

static void take_ranges(struct machine *m)
{
	unsigned int shift = m->config.page_shift;

	m->range_count = 0;
	if (m->range_room < m->mb.memory.cnt + 1) {
		free(m->ranges);
		m->range_room = m->mb.memory.cnt + 1;
		m->ranges = malloc(m->range_room * sizeof(*m->ranges));
		if (!m->ranges) {
			m->range_room = 0;
			m->out_of_memory = true;
			return;
		}
	}
	for (uint32_t i = 0; i < m->mb.memory.cnt; i++) {
		const struct memblock_region *r = &m->mb.memory.regions[i];
		pfn_t start = pfn_up(r->base, shift), end = pfn_down(r->base + r->size, shift);
		int32_t nid = nid_within(r->nid, m->node_count) ? r->nid : 0;

		m->ranges_share_page |= i && r->base % arch_page_size(&m->config) &&
					r[-1].base + r[-1].size == r->base;
		if (start < end)
			m->ranges[m->range_count++] =
				(struct node_range){ start, end, nid, r->flags, r->base, 0 };
	}
}

static void answer_zone_layout(struct machine *m)
{
	unsigned int shift = m->config.page_shift;
	struct answer *a;

	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		if (t == ZONE_MOVABLE || !(m->config.zones_mask >> t & 1))
			continue;
		a = answers_add(&m->answers, ANSWER_ZONE_RANGE);
		a->type = (int32_t)t;
		a->basis = m->zones_given ? BASIS_GIVEN : BASIS_PREDICTED;
		if (m->limits.lowest[t] != m->limits.highest[t]) {
			a->v[0] = pfn_phys(m->limits.lowest[t], shift);
			a->v[1] = pfn_phys(m->limits.highest[t], shift);
		}
	}
	for (uint32_t n = 0; n < m->node_count; n++) {
		if (!m->nodes[n].movable_pfn)
			continue;
		a = answers_add(&m->answers, ANSWER_MOVABLE_START);
		a->nid = (int32_t)n;
		a->v[0] = pfn_phys(m->nodes[n].movable_pfn, shift);
	}
	for (uint32_t r = 0; r < m->range_count; r++) {
		a = answers_add(&m->answers, ANSWER_NODE_RANGE);
		a->index = r;
		a->nid = m->ranges[r].nid;
		a->v[0] = pfn_phys(m->ranges[r].start, shift);
		a->v[1] = pfn_phys(m->ranges[r].end, shift);
		a->basis = m->memory_known ? BASIS_PREDICTED : BASIS_GIVEN;
	}
}

/* Pages of memmap a zone needs: by what is spanned, or present when the holes are large (SPARSEMEM). */
static uint64_t memmap_pages(const struct machine *m, const struct zone *z)
{
	uint64_t pages = z->spanned;

	if (m->config.section_shift && z->spanned > z->present + (z->present >> 4) &&
	    fact_get(&m->facts, FACT_memmap_by_present))
		pages = z->present;
	pages *= m->config.page_struct_bytes;
	if (fact_get(&m->facts, FACT_memmap_rounds_up))
		pages += arch_page_size(&m->config) - 1;
	return pages >> m->config.page_shift;
}

const char boot_unknown_below_16m[] =
	"the pages reserved below 16 MiB are only known with memblock=debug";

static struct answer *answer_zone(struct machine *m, enum answer_kind kind, uint32_t nid,
				  unsigned int type, uint64_t value)
{
	struct answer *a = answers_add(&m->answers, kind);

	a->nid = (int32_t)nid;
	a->type = (int32_t)type;
	a->v[0] = value;
	return a;
}

/*
 * Takes what the memory map needs from @free_pages of a zone and returns the rest.  The oldest kernels
 * did so for highmem too, whose memory map lies in low memory, and told the zone is that much smaller.
 */
static uint64_t account_memmap(struct machine *m, struct zone *z, uint32_t n, bool high,
			       uint64_t free_pages)
{
	uint64_t memmap = memmap_pages(m, z);
	bool of_highmem = fact_get(&m->facts, FACT_memmap_of_highmem);

	z->memmap_pages = 0;
	if ((high && !of_highmem) || free_pages < memmap)
		return free_pages;
	z->memmap_pages = memmap;
	if (memmap || fact_get(&m->facts, FACT_memmap_line_zero)) {
		struct answer *a = answer_zone(m, ANSWER_ZONE_MEMMAP, n, z->type, memmap);

		a->basis = m->page_struct_fitted ? BASIS_GIVEN : BASIS_PREDICTED;
	}
	return free_pages - memmap;
}

/* What a node's zones start with, and the lines about it. */
static void account_node(struct machine *m, uint32_t n)
{
	struct node *node = &m->nodes[n];
	bool accounting = fact_get(&m->facts, FACT_memmap_accounting), first = true;
	bool managed = fact_get(&m->facts, FACT_managed_pages);

	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		struct zone *z = &node->zones[t];
		uint64_t free_pages = z->present, memmap;
		bool high = zone_is_highmem((enum zone_type)t, &m->limits, m->config.zones_mask);
		bool is_first = first;
		struct answer *a;

		if (!(m->config.zones_mask >> t & 1))
			continue;
		first = false;
		z->memmap_pages = 0;
		if (accounting) {
			memmap = memmap_pages(m, z);
			free_pages = account_memmap(m, z, n, high, free_pages);
			if (is_first && free_pages > m->dma_reserve) {
				free_pages -= m->dma_reserve;
				a = answer_zone(m, ANSWER_ZONE_RESERVED, n, t, m->dma_reserve);
				if (m->config.arch == ARCH_X86_64 &&
				    (!m->reserved_known || m->reserved_at_end)) {
					a->basis = m->dma_reserve_given ? BASIS_GIVEN
									: BASIS_UNDERIVABLE;
					a->reason = m->dma_reserve_given ? NULL
									 : boot_unknown_below_16m;
				}
			}
			if (!high)
				m->nr_kernel_pages += free_pages;
			else if (managed && m->nr_kernel_pages > memmap * 2)
				m->nr_kernel_pages -= memmap;
			m->nr_all_pages += free_pages;
			/* There was one count, and it is this one. */
			if (!managed)
				z->present = free_pages;
		}
		z->initial_free = high ? z->present : free_pages;
		z->managed = z->initial_free;
		if (!z->spanned)
			continue;
		if (z->present) {
			a = answer_zone(m, ANSWER_ZONE_PAGES, n, t, z->present);
			a->v[1] = pageset_raw_batch(z->managed, &m->config, &m->facts);
		}
		a = answer_zone(m, ANSWER_MEMMAP_INIT, n, t, z->start_pfn);
		a->v[1] = zone_end_pfn(z);
	}
}

static void answer_initmem(struct machine *m, uint32_t n)
{
	const struct node *node = &m->nodes[n];
	struct answer *a = answers_add(&m->answers, ANSWER_INITMEM);

	a->nid = (int32_t)n;
	if (!fact_get(&m->facts, FACT_initmem_line) && arch_is_x86(&m->config)) {
		/* Told when nodes were found, of the firmware's blocks. */
		for (uint32_t i = 0; i < m->numa_block_count; i++) {
			const struct affinity_memory *block = &m->numa_blocks[i];

			if (block->nid != (int32_t)n)
				continue;
			a->v[0] = a->v[1] ? min_u64(a->v[0], block->start) : block->start;
			a->v[1] = max_u64(a->v[1], block->end);
		}
	} else if (node->start_pfn != node->end_pfn) {
		a->v[0] = pfn_phys(node->start_pfn, m->config.page_shift);
		a->v[1] = pfn_phys(node->end_pfn, m->config.page_shift);
	}
	if (!node->memory && fact_get(&m->facts, FACT_pgdat_for_possible_nodes)) {
		a->v[2] = 1;
		return;
	}
	a = answers_add(&m->answers, ANSWER_NODE_PAGES);
	a->nid = (int32_t)n;
	a->v[0] = node->present;
}

/* nr_all_pages and nr_kernel_pages as newer kernels count them: what memblock has free. */
static void count_free_memblock(struct machine *m)
{
	struct memblock_cursor cursor = { 0 };
	pfn_t high = m->config.highmem ? m->max_low_pfn : PFN_NONE;
	phys_t s, e;
	int32_t nid;

	m->nr_all_pages = m->nr_kernel_pages = 0;
	while (memblock_next_free(&m->mb, &cursor, &s, &e, &nid)) {
		pfn_t start = pfn_up(s, m->config.page_shift),
		      end = pfn_down(e, m->config.page_shift);

		if (start >= end)
			continue;
		m->nr_all_pages += end - start;
		start = min_u64(start, high);
		end = min_u64(end, high);
		m->nr_kernel_pages += end - start;
	}
}

/*
 * Only the size of memory is known, not where it is: whatever depends on that is void, and totals of the
 * log stand in for ours.
 */
static void void_layout(struct machine *m, const struct boot_input *in)
{
	static const char reason[] = "the log does not tell where memory is";
	static const enum answer_kind kinds[] = { ANSWER_ZONE_RANGE,  ANSWER_MOVABLE_START,
						  ANSWER_NODE_RANGE,  ANSWER_INITMEM,
						  ANSWER_ZONE_MEMMAP, ANSWER_ZONE_RESERVED,
						  ANSWER_ZONE_PAGES,  ANSWER_MEMMAP_INIT,
						  ANSWER_UNAVAILABLE };
	uint64_t high = m->nr_all_pages - min_u64(m->nr_kernel_pages, m->nr_all_pages);

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (uint32_t i = 0; i < m->answers.count; i++) {
			if (m->answers.items[i].kind != kinds[k])
				continue;
			m->answers.items[i].basis = BASIS_UNDERIVABLE;
			m->answers.items[i].reason = reason;
		}
		answers_add_unknowable(&m->answers, kinds[k], reason);
	}
	if (!fact_get(&m->facts, FACT_memmap_accounting) || in->given_total_pages < high)
		return;
	m->totals_given = true;
	m->nr_all_pages = in->given_total_pages;
	m->nr_kernel_pages = in->given_total_pages - high;
}

/* Without NUMA some kernels call ZONE_MOVABLE highmem by its number alone. */
static bool movable_is_highmem(const struct machine *m)
{
	uint64_t rule = fact_get(&m->facts, FACT_movable_is_highmem);

	return m->config.highmem && !m->config.numa &&
	       (rule == 1 || (rule == 2 && m->config.arch == ARCH_ARM));
}

/* Is a pgdat made for node @n, by the end of the boot? */
static bool has_pgdat(const struct machine *m, const struct boot_input *in, uint32_t n)
{
	const struct node *node = &m->nodes[n];

	if (node->memory || (m->config.arch == ARCH_OTHER && m->node_count > 1))
		return true;
	if (!node->parsed || m->node_count == 1)
		return false;
	/* For a long time x86 did so for nodes with memory or CPUs only. */
	if (!arch_is_x86(&m->config) || m->emulated || !in->cpu_nid_count ||
	    fact_get(&m->facts, FACT_pgdat_for_possible_nodes))
		return true;
	for (uint32_t i = 0; i < in->cpu_nid_count; i++)
		if (in->cpu_nid[i] == (int32_t)n)
			return true;
	return false;
}

void boot_init_free_area(struct boot *b)
{
	struct machine *m = b->m;
	pfn_t max_zone_pfn[ZONE_TYPE_COUNT];
	bool all_possible = fact_get(&m->facts, FACT_pgdat_for_possible_nodes);

	m->stage = STAGE_ZONES;
	take_ranges(m);
	for (uint32_t r = 0; r < m->range_count; r++) {
		struct node *node = &m->nodes[m->ranges[r].nid];

		/* What was never online is left alone, memory or not. */
		if (!node->online)
			continue;
		if (!node->memory) {
			node->memory = true;
			node->start_pfn = m->ranges[r].start;
		}
		node->start_pfn = min_u64(node->start_pfn, m->ranges[r].start);
		node->end_pfn = max_u64(node->end_pfn, m->ranges[r].end);
	}
	setup_arch_zone_pfns(m, b->in, max_zone_pfn);
	zone_limits_init(&m->limits, max_zone_pfn, m->config.zones_mask,
			 m->range_count ? m->ranges[0].start : 0, &m->facts);
	m->limits.movable_is_highmem = movable_is_highmem(m);
	zone_find_movable(m->nodes, m->node_count, m->ranges, m->range_count, &m->limits,
			  m->config.zones_mask, &m->cmdline, &m->config, &m->facts);
	answer_zone_layout(m);
	m->nr_kernel_pages = m->nr_all_pages = 0;
	for (uint32_t n = 0; n < m->node_count; n++) {
		struct node *node = &m->nodes[n];

		node->possible = has_pgdat(m, b->in, n);
		zone_size_node(node, (int32_t)n, m->ranges, m->range_count, &m->limits,
			       m->config.zones_mask, m->cmdline.kernelcore.mirror, &m->facts);
		node->memory = node->present > 0;
		/* Where memoryless nodes come late, their lines do too. */
		if (!node->memory &&
		    ((!all_possible && arch_is_x86(&m->config)) || !node->possible))
			continue;
		answer_initmem(m, n);
		account_node(m, n);
	}
	boot_answer_unavailable(m);
	deferred_find(m->nodes, m->node_count, m->ranges, m->range_count, &m->mb, &m->config,
		      m->config.zones_mask, &m->facts);
	if (m->findings)
		deferred_invariants_found(m, m->findings);
	if (!all_possible && arch_is_x86(&m->config)) {
		for (uint32_t n = 0; n < m->node_count; n++)
			if (m->nodes[n].possible && !m->nodes[n].memory)
				answer_initmem(m, n);
	}
	if (b->in->range_assumed)
		void_layout(m, b->in);
}

/* The first answer of @kind from @from on, of any node or @nid. */
static uint32_t find_answer(const struct answers *as, uint32_t from, enum answer_kind kind,
			    int32_t nid)
{
	while (from < as->count &&
	       (as->items[from].kind != kind || (nid != NID_NONE && as->items[from].nid != nid)))
		from++;
	return from;
}

/*
 * free_area_init() allocates between its lines: the pgdat of a node without memory comes before the node's
 * line, its flat memory map after it, and the pageblock bits of each zone before the line of its map.
 */
static void order_zone_answers(struct boot *b)
{
	struct answers *as = &b->m->answers;
	uint32_t pgdat = 0, map = 0, bits = 0;

	for (uint32_t i = b->zones_start; i < b->zones_end; i++) {
		const struct boot_step *s = &b->in->steps[i];
		uint32_t at = boot_placement_of(as, i), to, end = at;

		if (s->kind != STEP_ALLOC || at == as->count)
			continue;
		while (as->items[end++].kind != ANSWER_PLACEMENT)
			continue;
		if (name_is(s->name, "setup_usemap")) {
			bits = to = find_answer(as, bits, ANSWER_MEMMAP_INIT, NID_NONE);
			bits += 1 + end - at;
		} else if (boot_is_zone_step(s, &b->m->config) &&
			   (name_is(s->name, "alloc_node_mem_map") ||
			    name_is(s->name, "memmap_alloc"))) {
			map = find_answer(as, map, ANSWER_INITMEM, NID_NONE);
			to = ++map;
			if (to < as->count && as->items[to].kind == ANSWER_NODE_PAGES)
				to++;
		} else {
			while (pgdat < as->count &&
			       (as->items[pgdat].kind != ANSWER_INITMEM || !as->items[pgdat].v[2]))
				pgdat++;
			to = pgdat;
			pgdat += 1 + end - at;
		}
		if (to < at)
			answers_move(as, at, end, to);
	}
}

/* The end of free_area_init, after its own allocations. */
void boot_finish_zones(struct boot *b)
{
	if (b->zones_finished || b->next_stage <= STAGE_ZONES)
		return;
	b->zones_finished = true;
	order_zone_answers(b);
	if (!fact_get(&b->m->facts, FACT_memmap_accounting))
		count_free_memblock(b->m);
}

/* The lines of a node whose pgdat comes when zones are long there follow that. */
void boot_tell_late_node(struct machine *m, int32_t nid)
{
	struct answers *as = &m->answers;
	uint32_t at = find_answer(as, 0, ANSWER_INITMEM, nid), end = at + 1;

	if (at == as->count)
		return;
	while (end < as->count && as->items[end].kind == ANSWER_NODE_PAGES &&
	       as->items[end].nid == nid)
		end++;
	answers_move(as, end, as->count, at);
}
