/* SPDX-License-Identifier: MIT */
/*
 * Boot: zonelists, and what is known when they are built.
 */
#include "engine/boot_parts.h"
#include "engine/hash_table.h"

/* Distances decide only between two other nodes with memory. */
static void judge_order(const struct machine *m, uint32_t local, struct answer *a)
{
	uint32_t others = 0;

	for (uint32_t n = 0; n < m->node_count; n++)
		others += n != local && m->nodes[n].memory;
	if (m->distance_known || others < 2)
		return;
	a->basis = BASIS_UNDERIVABLE;
	a->reason = "node distances are not in the log";
}

/*
 * Without memblock=debug the pages reserved below 16 MiB are not known, but whatever the total lacks is
 * theirs: then everything that follows from the total can be told.
 */
static uint64_t take_given_total(struct machine *m, const struct boot_input *in, uint64_t total)
{
	struct zone *z = &m->nodes[0].zones[ZONE_DMA];
	uint64_t missing;

	if (m->reserved_known || m->dma_reserve_given || m->config.arch != ARCH_X86_64 ||
	    !fact_get(&m->facts, FACT_memmap_accounting) || !in->given_total_pages ||
	    in->given_total_pages > total)
		return total;
	missing = total - in->given_total_pages;
	if (missing >= z->initial_free)
		return total;
	m->dma_reserve = missing;
	m->dma_reserve_given = true;
	z->initial_free -= missing;
	z->managed -= missing;
	if (!fact_get(&m->facts, FACT_managed_pages))
		z->present -= missing;
	m->nr_kernel_pages -= missing;
	m->nr_all_pages -= missing;
	return in->given_total_pages;
}

static bool is_online_without_memory(const struct machine *m, uint32_t n)
{
	return m->config.arch != ARCH_OTHER ||
	       (m->nodes[n].parsed && !fact_get(&m->facts, FACT_pgdat_for_possible_nodes));
}

static void answer_zonelists(struct machine *m, const struct boot_input *in)
{
	uint32_t nodes = 0;
	uint64_t total = 0;
	struct answer *a;
	struct zoneref *refs;

	for (uint32_t n = 0; n < m->node_count && m->config.numa; n++) {
		if (!m->nodes[n].possible || !fact_get(&m->facts, FACT_fallback_order_line))
			continue;
		a = answers_add(&m->answers, ANSWER_FALLBACK);
		a->nid = (int32_t)n;
		judge_order(m, n, a);
		for (uint32_t i = 0; i < m->zonelists.length[n]; i++)
			answers_push(&m->answers,
				     m->zonelists.order[(size_t)n * m->node_count + i]);
	}
	refs = machine_work(m, 0, (size_t)m->node_count * ZONE_TYPE_COUNT, sizeof(*refs));
	if (!refs)
		return;
	/* The verbose listing is quadratic: only machines small enough to be looked at have it. */
	for (uint32_t n = 0; n < m->node_count && m->node_count <= 64; n++) {
		for (uint32_t thisnode = 0; thisnode < (m->config.numa ? 2U : 1U); thisnode++) {
			for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
				uint32_t count;

				if (!m->nodes[n].zones[t].present)
					continue;
				a = answers_add(&m->answers, ANSWER_ZONELIST);
				a->nid = (int32_t)n;
				a->type = (int32_t)t;
				a->index = thisnode;
				if (!thisnode)
					judge_order(m, n, a);
				count = zonelist_zones(&m->zonelists, (int32_t)n, (enum zone_type)t,
						       thisnode, refs,
						       m->node_count * ZONE_TYPE_COUNT);
				for (uint32_t i = 0; i < count; i++)
					answers_push(&m->answers, (uint32_t)refs[i].nid << 8 |
									  (uint32_t)refs[i].type);
			}
		}
	}
	for (uint32_t n = 0; n < m->node_count; n++) {
		/* A node without memory is online when the firmware names it. */
		nodes += m->nodes[n].possible &&
			 (m->nodes[n].memory || is_online_without_memory(m, n));
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
			total += m->nodes[n].zones[t].managed;
	}
	total = take_given_total(m, in, total);
	m->mobility_off = !fact_get(&m->facts, FACT_mobility_grouping) ||
			  total < arch_pageblock_pages(&m->config) *
					  (uint64_t)(fact_get(&m->facts, FACT_migrate_types) +
						     (m->config.cma ? 1 : 0));
	a = answers_add(&m->answers, ANSWER_BUILT);
	a->v[0] = nodes;
	a->v[1] = !m->mobility_off;
	a->v[2] = total;
	if (m->totals_given) {
		a->v[2] = in->given_total_pages;
		a->basis = BASIS_GIVEN;
	}
	if (fact_get(&m->facts, FACT_zonelist_order_line))
		a->v[3] = m->zonelists.by_zone ? 2 : 1;
	if (m->page_struct_fitted)
		a->basis = BASIS_GIVEN;
	if (!m->reserved_known && m->config.arch == ARCH_X86_64 && !m->totals_given &&
	    fact_get(&m->facts, FACT_memmap_accounting)) {
		a->basis = m->dma_reserve_given ? BASIS_GIVEN : BASIS_UNDERIVABLE;
		a->reason = m->dma_reserve_given ? NULL : boot_unknown_below_16m;
	}
	if (m->config.numa) {
		a = answers_add(&m->answers, ANSWER_POLICY_ZONE);
		a->type = (int32_t)m->zonelists.policy_zone;
	}
}

/*
 * Newer kernels size tables by what memblock has free, older ones by what the memory map leaves.  Where
 * the log does not tell what was reserved, the free memory of its "Memory:" line is a lower bound.
 */
void boot_bound_kernel_pages(struct machine *m, const struct boot_input *in)
{
	bool accounting = fact_get(&m->facts, FACT_memmap_accounting);
	uint64_t taken = in->given_reserved_kb + in->given_cma_kb, free_kb = 0;

	if (m->reserved_known || m->totals_given || (accounting && m->config.arch != ARCH_X86_64) ||
	    (accounting && m->dma_reserve_given))
		return;
	if (accounting) {
		uint64_t dma = m->node_count ? m->nodes[0].zones[ZONE_DMA].initial_free : 0;

		/* Nothing but the pages reserved below 16 MiB is unknown. */
		m->nr_kernel_pages_over = min_u64(dma, m->nr_kernel_pages);
		return;
	}
	if (in->given_total_kb > taken && in->given_reserved_kb)
		free_kb = in->given_total_kb - taken;
	free_kb >>= m->config.page_shift - 10;
	/* Highmem is free in the line, but no kernel page. */
	if (m->nr_all_pages > m->nr_kernel_pages)
		free_kb -= min_u64(free_kb, m->nr_all_pages - m->nr_kernel_pages);
	m->nr_kernel_pages_over = m->nr_kernel_pages - min_u64(free_kb, m->nr_kernel_pages);
}

void boot_build_zonelists(struct boot *b)
{
	struct machine *m = b->m;

	boot_finish_zones(b);
	if (fact_get(&m->facts, FACT_zonelists_in_mm_core_init)) {
		boot_bound_kernel_pages(m, b->in);
		hash_tables_answer(m, HASH_GROUP_EARLY, UINT32_MAX);
	}
	m->stage = STAGE_ZONELISTS;
	zonelists_build(&m->zonelists, m->nodes, m->node_count, m->distance, NULL, &m->config,
			&m->facts);
	m->zonelists.by_zone =
		m->cmdline.zonelist_order
			? m->cmdline.zonelist_order == 'z' &&
				  fact_get(&m->facts, FACT_zonelist_order_rule) < 3
			: zonelists_default_by_zone(m->nodes, m->node_count, &m->config, &m->facts);
	m->out_of_memory |= m->zonelists.out_of_memory;
	if (!m->out_of_memory)
		answer_zonelists(m, b->in);
}
