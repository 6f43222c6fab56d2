/* SPDX-License-Identifier: MIT */
/*
 * The boot, step by step.
 *
 * Inputs come as an ordered list of steps (memblock calls, NODE_DATA, late frees ...).  Between them the
 * kernel does work of its own: it stamps nodes on memblock, sizes zones, builds zonelists, hands memory
 * over.  That work is a stage; reach() does every stage that is due before a step is taken.  A step tells
 * which stage it belongs to by its kind and its caller, never by where an answer was printed, so a log
 * without its answers boots the same way.
 */
#include "engine/boot.h"

#include <stdlib.h>
#include <string.h>

#include "engine/cma.h"
#include "engine/deferred.h"
#include "engine/deferred_invariants.h"
#include "engine/device_tree.h"
#include "engine/handover.h"
#include "engine/hash_table.h"
#include "engine/memblock_invariants.h"
#include "engine/memmap.h"
#include "engine/numa.h"
#include "engine/rewind.h"
#include "engine/room.h"
#include "engine/setup_arch.h"
#include "engine/wmark.h"

const char *const boot_stage_names[] = { "setup_arch", "numa",	   "sparse", "zones",
					 "zonelists",  "mem_init", "late",   NULL };

/* A boot in progress. */
struct boot {
	struct machine *m;
	const struct boot_input *in;
	enum boot_stage until;
	uint32_t next_stage; /* the next stage to do, an enum boot_stage */
	uint32_t dumps; /* MEMBLOCK dumps so far */
	uint32_t step; /* index of the step being taken */
	uint32_t doublings;
	int32_t reserved_nid; /* the node the last allocation was reserved for */
	/* Landmarks in the list of steps; step_count when absent. */
	uint32_t first_node_data, last_node_data;
	uint32_t first_sparse, zones_start, zones_end;
	uint32_t first_late, after_zonelists;
	bool state_taken;
	bool memory_taken;
	bool memory_line_done;
	bool stamped; /* nodes are on memblock */
	bool zones_finished;
};

static bool is_x86(const struct machine *m)
{
	return m->config.arch == ARCH_X86_64 || m->config.arch == ARCH_I386;
}

static bool name_is(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

/* Callers that set up the memory map of SPARSEMEM. */
static bool is_sparse_step(const struct boot_step *s, const struct arch_config *config)
{
	if (s->kind != STEP_ALLOC && s->kind != STEP_FREE)
		return false;
	return name_is(s->name, "sparse_") || name_is(s->name, "vmemmap_") ||
	       name_is(s->name, "__earlyonly_bootmem_alloc") ||
	       (config->section_shift && name_is(s->name, "memmap_alloc"));
}

/* Callers inside free_area_init: the flat memory map, pageblock bitmaps, pgdats without memory. */
static bool is_zone_step(const struct boot_step *s, const struct arch_config *config)
{
	return s->kind == STEP_ALLOC &&
	       (name_is(s->name, "alloc_node_mem_map") || name_is(s->name, "setup_usemap") ||
		name_is(s->name, "free_area_init") || name_is(s->name, "alloc_offline_node_data") ||
		(!config->section_shift && name_is(s->name, "memmap_alloc")));
}

/* Frees that happen when the page allocator has long taken over. */
static bool is_late_step(const struct boot_step *s)
{
	if (s->kind == STEP_LATE_FREE || s->kind == STEP_FREE_LATE || s->kind == STEP_MEMORY_LINE)
		return true;
	return s->kind == STEP_FREE &&
	       (handover_is_late_free(s) || name_is(s->name, "free_initrd_mem") ||
		name_is(s->name, "free_initmem") || name_is(s->name, "free_init_"));
}

static void answer_dump(struct boot *b, bool memory_only)
{
	struct machine *m = b->m;
	uint32_t dump = b->dumps;
	struct answer *a = answers_add(&m->answers, ANSWER_DUMP_SIZE);

	a->index = dump;
	a->v[0] = m->mb.memory.total_size;
	a->v[1] = memory_only ? b->in->state.reserved_size : m->mb.reserved.total_size;
	for (int which = 0; which < 2; which++) {
		const struct memblock_type *type = which ? &m->mb.reserved : &m->mb.memory;

		if (which && memory_only)
			break;
		a = answers_add(&m->answers, ANSWER_DUMP_COUNT);
		a->index = dump;
		a->type = which;
		a->v[0] = type->cnt;
		for (uint32_t i = 0; i < type->cnt; i++) {
			const struct memblock_region *r = &type->regions[i];

			a = answers_add(&m->answers, ANSWER_DUMP_REGION);
			a->index = dump << 16 | i;
			a->type = which;
			a->nid = m->config.numa && r->nid >= 0 ? r->nid : NID_NONE;
			a->v[0] = r->base;
			a->v[1] = r->size;
			a->v[2] = r->flags;
		}
	}
}

static const char unknown_reserved[] = "what was reserved before is not in the log";

/* memblock tells what an allocation did. */
static void observe(void *ctx, const struct memblock_event *event)
{
	struct boot *b = ctx;
	struct answer *a;

	memblock_invariants_event(&b->m->mb, event, b->m->findings);
	if (event->kind == MEMBLOCK_EVENT_RESERVE)
		b->reserved_nid = event->nid;
	if (event->kind != MEMBLOCK_EVENT_DOUBLED)
		return;
	a = answers_add(&b->m->answers, ANSWER_DOUBLED);
	a->index = b->doublings++;
	a->type = event->which == MEMBLOCK_RESERVED;
	if (!b->m->reserved_known) {
		a->basis = BASIS_UNDERIVABLE;
		a->reason = unknown_reserved;
	}
	a->v[0] = event->base;
	a->v[1] = event->base + event->size;
	a->v[2] = event->count;
}

/*
 * Callers that only run once the zonelists stand: what comes first of them depends on whether zonelists
 * are built on their own or as a part of mm_core_init.
 */
static bool is_after_zonelists(const struct boot_step *s, const struct facts *facts)
{
	if (s->kind != STEP_ALLOC && s->kind != STEP_RESERVE)
		return false;
	if (name_is(s->name, "page_ext_init_flatmem"))
		return true;
	if (name_is(s->name, "swiotlb_"))
		return !fact_get(facts, FACT_swiotlb_before_zonelists);
	return !fact_get(facts, FACT_zonelists_in_mm_core_init) &&
	       (name_is(s->name, "alloc_large_system_hash") || name_is(s->name, "spp_getpage"));
}

/* Landmarks, found before anything runs. */
static void survey(struct boot *b)
{
	const struct boot_input *in = b->in;
	const struct arch_config *config = &b->m->config;
	uint32_t n = in->step_count, last_sparse = n, first_zone = n, last_zone = n;
	uint32_t cma = n, percpu_end = n;
	/* Where pgdats of memoryless nodes come late, their NODE_DATA lines do too. */
	bool late_node_data = !fact_get(&b->m->facts, FACT_pgdat_for_possible_nodes);

	b->first_node_data = b->last_node_data = b->first_sparse = b->first_late = n;
	b->after_zonelists = n;
	for (uint32_t i = 0; i < n; i++) {
		const struct boot_step *s = &in->steps[i];

		if (s->kind == STEP_NODE_DATA && !(late_node_data && b->first_sparse < n)) {
			if (b->first_node_data == n)
				b->first_node_data = i;
			b->last_node_data = i;
		}
		if (is_sparse_step(s, config)) {
			if (b->first_sparse == n)
				b->first_sparse = i;
			last_sparse = i;
		}
		if (is_zone_step(s, config)) {
			if (first_zone == n)
				first_zone = i;
			last_zone = i;
		}
		if (is_late_step(s) && b->first_late == n)
			b->first_late = i;
		if (s->kind == STEP_CMA_RESERVE && cma == n)
			cma = i;
		if (name_is(s->name, "pcpu_") || name_is(s->name, "setup_per_cpu_areas") ||
		    name_is(s->name, "alloc_bootmem_cpumask_var"))
			percpu_end = i + 1;
		if (is_after_zonelists(s, &b->m->facts) && b->after_zonelists == n)
			b->after_zonelists = i;
	}
	/* Nothing is allocated between the per-cpu areas and the zonelists where those come next. */
	if (!fact_get(&b->m->facts, FACT_zonelists_in_mm_core_init) && percpu_end < n)
		b->after_zonelists = percpu_end;
	b->zones_start = last_sparse < n ? last_sparse + 1 : first_zone;
	if (b->zones_start == n && config->arch == ARCH_ARM64 &&
	    fact_get(&b->m->facts, FACT_arm64_cma_after_zones))
		b->zones_start = cma;
	b->zones_end = b->zones_start;
	if (last_zone < n)
		b->zones_end = last_zone + 1;
	/*
	 * Newer kernels hide callers: pgdats of memoryless nodes are allocated in free_area_init, right
	 * after the memory map, and are as big as NODE_DATA (which may be rounded up to a page).
	 */
	if (last_sparse < n && b->first_node_data < n) {
		uint64_t pgdat = in->steps[b->first_node_data].size;

		while (b->zones_end < n && in->steps[b->zones_end].kind == STEP_ALLOC &&
		       in->steps[b->zones_end].size <= pgdat &&
		       in->steps[b->zones_end].size + arch_page_size(config) > pgdat)
			b->zones_end++;
	}
}

/* ---- stages ---------------------------------------------------------------------------------- */

static void take_memory(struct boot *b)
{
	if (b->memory_taken)
		return;
	b->memory_taken = true;
	setup_arch_memory(b->m, b->in);
}

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
	uint32_t n = m->node_count;

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
				i < in->distance_count && j < in->distance_count
					? in->distance[(size_t)i * in->distance_count + j]
				: i == j ? 10
					 : 20;
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
static bool name_nodes(struct machine *m, const struct boot_input *in)
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

/* Where the placement of @step stands among the answers; their number when it has none. */
static uint32_t placement_of(const struct answers *as, uint32_t step)
{
	uint32_t i = 0;

	while (i < as->count &&
	       (as->items[i].kind != ANSWER_PLACEMENT || as->items[i].index != step))
		i++;
	/* An array that grew did so before. */
	while (i < as->count && i > 0 && as->items[i - 1].kind == ANSWER_DOUBLED)
		i--;
	return i;
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
	at = placement_of(as, at);
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

static void stamp_nodes(struct boot *b)
{
	struct machine *m = b->m;
	const struct boot_input *in = b->in;
	uint32_t count = 1, first = m->answers.count;
	bool named = false;

	if (b->stamped)
		return;
	b->stamped = true;
	take_memory(b);
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
	} else if (is_x86(m) ||
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
			a->v[0] = is_x86(m) ? 0 : low;
			a->v[1] = is_x86(m) ? pfn_phys(m->max_pfn, m->config.page_shift) : high;
			/* Memory beyond what page frames can be numbered is of no node. */
			numa_dummy_block(m, low,
					 is_x86(m) ? min_u64(high, pfn_phys(m->max_pfn,
									    m->config.page_shift))
						   : high);
		}
		for (uint32_t i = 0; named && i < in->affinity_count; i++)
			if (in->affinity[i].hotplug)
				memblock_set_flag(&m->mb, MEMBLOCK_MEMORY, in->affinity[i].start,
						  in->affinity[i].end - in->affinity[i].start,
						  MEMBLOCK_HOTPLUG, true);
	} else {
		named = name_nodes(m, in);
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
	if (m->config.numa && m->cmdline.numa_fake[0] && is_x86(m) &&
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

static void finish_numa(struct boot *b)
{
	struct machine *m = b->m;

	stamp_nodes(b);
	if (!m->mb.memory.cnt)
		return;
	if (is_x86(m) && m->config.numa && m->reserved_known)
		answer_dump(b, false);
	/* Without the first dump this is none that is counted: the next one is the state. */
	if (is_x86(m) && b->state_taken)
		b->dumps++;
}

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

static void start_sparse(struct boot *b)
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

static const char unknown_below_16m[] =
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
					a->reason = m->dma_reserve_given ? NULL : unknown_below_16m;
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

/*
 * A flat memory map covers all frames, but arm gives its parts without memory back, rounded to whole
 * pageblocks: a frame has a struct page when its pageblock has memory.
 */
static uint64_t flat_pages_with_memmap(const struct machine *m, pfn_t start, pfn_t end)
{
	uint64_t block = arch_pageblock_pages(&m->config), pages = 0;
	pfn_t covered = start;

	if (!fact_get(&m->facts, FACT_flatmem_unavailable_ranges))
		return 0;
	if (m->config.arch != ARCH_ARM)
		return end - start;
	for (uint32_t r = 0; r < m->range_count; r++) {
		pfn_t first = max_u64(round_down_to(m->ranges[r].start, block), covered);
		pfn_t stop = min_u64(round_up_to(m->ranges[r].end, block), end);

		if (first >= stop)
			continue;
		pages += stop - first;
		covered = stop;
	}
	return pages;
}

/* Is it memory without a mapping?  Of ranges that touch on arm64, every second one is. */
static bool is_unmapped(const struct machine *m, const struct node_range *r)
{
	return r->flags & MEMBLOCK_NOMAP ||
	       (m->config.arch == ARCH_ARM64 && r->flags & MEMBLOCK_UNTOLD);
}

/* Where only the first frame of a pageblock is looked at, the hole's first pageblock may count. */
static uint64_t pages_behind_memory(const struct machine *m, pfn_t start, pfn_t end)
{
	uint64_t block = arch_pageblock_pages(&m->config);
	pfn_t first = round_down_to(start, block);

	for (uint32_t r = 0; r < m->range_count; r++)
		if (first >= m->ranges[r].start && first < m->ranges[r].end &&
		    !is_unmapped(m, &m->ranges[r]))
			return min_u64(end, first + block) - start;
	return 0;
}

/* Page frames of [start, end) that have a struct page although they are no memory. */
static uint64_t pages_with_memmap(const struct machine *m, pfn_t start, pfn_t end)
{
	uint64_t section = arch_section_pages(&m->config), pages = 0;
	uint32_t r = 0;

	if (!section)
		return flat_pages_with_memmap(m, start, end);
	if (m->config.arch == ARCH_ARM64 && fact_get(&m->facts, FACT_arm64_pfn_valid_is_memory))
		return pages_behind_memory(m, start, end);
	for (pfn_t s = round_down_to(start, section); s < end;) {
		/* A section is present when any memory lies in it. */
		while (r < m->range_count && m->ranges[r].end <= s)
			r++;
		if (r == m->range_count)
			break;
		if (m->ranges[r].start >= s + section) {
			s = round_down_to(m->ranges[r].start, section);
			continue;
		}
		pages += min_u64(end, s + section) - max_u64(start, s);
		s += section;
	}
	return pages;
}

static void answer_unavailable(struct machine *m, uint32_t *ordinal, pfn_t start, pfn_t end,
			       int32_t nid, unsigned int type)
{
	uint64_t pages = start < end ? pages_with_memmap(m, start, end) : 0;
	struct answer *a;

	if (!pages)
		return;
	m->nodes[nid].zones[type].unavailable += pages;
	a = answers_add(&m->answers, ANSWER_UNAVAILABLE);
	a->basis = m->section_fitted ? BASIS_GIVEN : BASIS_PREDICTED;
	a->nid = nid;
	a->type = (int32_t)type;
	a->index = (*ordinal)++;
	a->v[0] = pages;
}

/* Older kernels go through the holes without looking at zones, and tell one sum. */
static void count_zeroed(struct machine *m)
{
	int64_t rule = fact_get(&m->facts, FACT_zeroed_ranges);
	uint64_t pages = 0;
	pfn_t hole = 0;
	struct answer *a;

	if (!rule || fact_get(&m->facts, FACT_unavailable_ranges) || !m->range_count)
		return;
	for (uint32_t r = 0; r < m->range_count; r++) {
		/* What is not mapped is a hole like any. */
		if (is_unmapped(m, &m->ranges[r]))
			continue;
		if (hole < m->ranges[r].start)
			pages += pages_with_memmap(m, hole, m->ranges[r].start);
		hole = m->ranges[r].end;
	}
	if (rule == 2 && m->config.section_shift)
		pages += pages_with_memmap(m, hole,
					   round_up_to(hole, arch_section_pages(&m->config)));
	if (!pages)
		return;
	a = answers_add(&m->answers, ANSWER_UNAVAILABLE);
	a->v[0] = pages;
}

static void count_hole(void *ctx, const struct memmap_link *link)
{
	struct machine *m = ctx;

	if (link->hole)
		m->nodes[link->nid].zones[link->type].unavailable +=
			pages_with_memmap(m, link->start, link->end);
}

/* For a while each zone told one sum, with the rest of its last section, which is the next one's too. */
static void find_unavailable_by_zone(struct machine *m)
{
	uint32_t ordinal = 0;

	memmap_walk(m, count_hole, m);
	for (uint32_t n = 0; n < m->node_count; n++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			struct answer *a;

			if (!m->nodes[n].zones[t].unavailable)
				continue;
			a = answers_add(&m->answers, ANSWER_UNAVAILABLE);
			a->basis = m->section_fitted ? BASIS_GIVEN : BASIS_PREDICTED;
			a->nid = (int32_t)n;
			a->type = (int32_t)t;
			a->index = ordinal++;
			a->v[0] = m->nodes[n].zones[t].unavailable;
		}
	}
}

static void find_unavailable(struct machine *m)
{
	pfn_t hole = 0, end = 0;
	int32_t nid = 0;
	unsigned int type = 0;
	uint32_t ordinal = 0;

	if (!fact_get(&m->facts, FACT_unavailable_ranges))
		return;
	if (!fact_get(&m->facts, FACT_unavailable_by_address)) {
		find_unavailable_by_zone(m);
		return;
	}
	for (uint32_t r = 0; r < m->range_count; r++) {
		nid = m->ranges[r].nid;
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &m->nodes[nid].zones[t];
			pfn_t start;

			if (!z->present)
				continue;
			start = clamp_u64(m->ranges[r].start, z->start_pfn, zone_end_pfn(z));
			end = clamp_u64(m->ranges[r].end, z->start_pfn, zone_end_pfn(z));
			if (start >= end)
				continue;
			if (hole < start)
				answer_unavailable(m, &ordinal, hole, start, nid, t);
			hole = end;
			type = t;
		}
	}
	if (!m->range_count)
		return;
	if (m->config.section_shift)
		end = round_up_to(hole, arch_section_pages(&m->config));
	else if (fact_get(&m->facts, FACT_flatmem_tail_to_max_order))
		end = round_up_to(hole, arch_max_order_pages(&m->config));
	else
		end = hole;
	answer_unavailable(m, &ordinal, hole, end, nid, type);
}

static void answer_initmem(struct machine *m, uint32_t n)
{
	const struct node *node = &m->nodes[n];
	struct answer *a = answers_add(&m->answers, ANSWER_INITMEM);

	a->nid = (int32_t)n;
	if (!fact_get(&m->facts, FACT_initmem_line) && is_x86(m)) {
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
	if (!is_x86(m) || m->emulated || !in->cpu_nid_count ||
	    fact_get(&m->facts, FACT_pgdat_for_possible_nodes))
		return true;
	for (uint32_t i = 0; i < in->cpu_nid_count; i++)
		if (in->cpu_nid[i] == (int32_t)n)
			return true;
	return false;
}

static void init_free_area(struct boot *b)
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
		if (!node->memory && ((!all_possible && is_x86(m)) || !node->possible))
			continue;
		answer_initmem(m, n);
		account_node(m, n);
	}
	count_zeroed(m);
	find_unavailable(m);
	deferred_find(m->nodes, m->node_count, m->ranges, m->range_count, &m->mb, &m->config,
		      m->config.zones_mask, &m->facts);
	if (m->findings)
		deferred_invariants_found(m, m->findings);
	if (!all_possible && is_x86(m)) {
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
		uint32_t at = placement_of(as, i), to, end = at;

		if (s->kind != STEP_ALLOC || at == as->count)
			continue;
		while (as->items[end++].kind != ANSWER_PLACEMENT)
			continue;
		if (name_is(s->name, "setup_usemap")) {
			bits = to = find_answer(as, bits, ANSWER_MEMMAP_INIT, NID_NONE);
			bits += 1 + end - at;
		} else if (is_zone_step(s, &b->m->config) &&
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
static void finish_zones(struct boot *b)
{
	if (b->zones_finished || b->next_stage <= STAGE_ZONES)
		return;
	b->zones_finished = true;
	order_zone_answers(b);
	if (!fact_get(&b->m->facts, FACT_memmap_accounting))
		count_free_memblock(b->m);
}

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
		a->reason = m->dma_reserve_given ? NULL : unknown_below_16m;
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
static void bound_kernel_pages(struct machine *m, const struct boot_input *in)
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

static void build_zonelists(struct boot *b)
{
	struct machine *m = b->m;

	finish_zones(b);
	if (fact_get(&m->facts, FACT_zonelists_in_mm_core_init)) {
		bound_kernel_pages(m, b->in);
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

static void init_mem(struct boot *b)
{
	struct machine *m = b->m;

	m->stage = STAGE_MEM_INIT;
	bound_kernel_pages(m, b->in);
	hash_tables_answer(m, HASH_GROUP_EARLY, UINT32_MAX);
	handover_free_all(m);
	if (!fact_get(&m->facts, FACT_memory_line_after_deferred))
		handover_answer_memory(m, b->in);
}

/* The memory map's allocations belong to the stage that is named after them. */
static bool is_in_sparse(const struct boot *b)
{
	return b->until == STAGE_SPARSE && b->first_sparse <= b->step && b->step < b->zones_start;
}

/* Does every stage up to and including @stage, unless the boot is to stop before. */
static void reach(struct boot *b, enum boot_stage stage)
{
	while (b->next_stage <= (uint32_t)stage && b->next_stage <= (uint32_t)b->until &&
	       !b->m->out_of_memory) {
		enum boot_stage now = (enum boot_stage)b->next_stage++;

		switch (now) {
		case STAGE_SETUP_ARCH:
			take_memory(b);
			break;
		case STAGE_NUMA:
			finish_numa(b);
			break;
		case STAGE_SPARSE:
			start_sparse(b);
			break;
		case STAGE_ZONES:
			init_free_area(b);
			break;
		case STAGE_ZONELISTS:
			build_zonelists(b);
			break;
		case STAGE_MEM_INIT:
			init_mem(b);
			break;
		case STAGE_LATE:
			handover_late(b->m, b->in);
			break;
		case STAGE_COUNT:
			break;
		}
	}
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* A block of the device tree was placed when memory was taken; here it gets reserved. */
static bool place_for_tree(struct machine *m, const struct boot_step *s, phys_t *base)
{
	const struct tree_placed *p;

	if (!rewind_tree_step(s))
		return false;
	p = device_tree_block(m, s->size, s->min_addr, s->max_addr, false);
	if (!p)
		return false;
	*base = p->range.base;
	memblock_reserve(&m->mb, *base, s->size, NID_NONE, 0);
	return true;
}

static void place(struct boot *b, const struct memblock_request *req, phys_t *base)
{
	struct machine *m = b->m;
	struct answer *a;
	bool ok;

	b->reserved_nid = req->nid;
	ok = place_for_tree(m, &b->in->steps[b->step], base) ||
	     memblock_invariants_alloc(&m->mb, req, base, &m->before, m->findings);
	a = answers_add(&m->answers, ANSWER_PLACEMENT);
	a->index = b->step;
	a->line = b->in->steps[b->step].line;
	if (!m->reserved_known) {
		a->basis = BASIS_UNDERIVABLE;
		a->reason = unknown_reserved;
	}
	if (b->in->steps[b->step].flags & STEP_SIZE_GIVEN &&
	    b->in->steps[b->step].kind == STEP_ALLOC && m->reserved_known)
		a->basis = BASIS_GIVEN;
	if (!ok) {
		*base = PHYS_MAX;
		return; /* v = 0, 0: nothing fits */
	}
	a->v[0] = *base;
	a->v[1] = *base + req->size;
	if (fact_get(&m->facts, FACT_memblock_rsrv_kern)) {
		a->v[2] = MEMBLOCK_RSRV_KERN;
		a->v[3] = (uint64_t)(int64_t)b->reserved_nid;
	}
}

static struct memblock_request request_of(const struct machine *m, const struct boot_step *s)
{
	struct memblock_request req = { .size = s->size, .nid = s->nid };

	if (s->kind == STEP_NODE_DATA) {
		req.align = fact_get(&m->facts, FACT_node_data_page_aligned) && is_x86(m)
				    ? arch_page_size(&m->config)
				    : 64;
		return req;
	}
	req.align = s->align;
	req.min_addr = s->min_addr;
	req.max_addr = s->max_addr;
	req.exact_nid = s->call == ALLOC_EXACT_NID;
	req.retry_below_min = s->call != ALLOC_PHYS_RANGE;
	return req;
}

/* A step's effect on memblock alone, for working backwards. */
static void step_forward(struct machine *m, const struct boot_input *in, const struct boot_step *s)
{
	struct memblock_request req = request_of(m, s);
	phys_t base;

	switch (s->kind) {
	case STEP_RESERVE:
		memblock_reserve(&m->mb, s->base, s->size, NID_NONE, 0);
		break;
	case STEP_FREE:
		memblock_free(&m->mb, s->base, s->size);
		break;
	case STEP_ALLOC:
	case STEP_NODE_DATA:
		if (!place_for_tree(m, s, &base))
			memblock_alloc(&m->mb, &req, &base);
		break;
	case STEP_CMA_RESERVE:
		setup_arch_place_cma(m, in, s, &base);
		break;
	default:
		break;
	}
}

/* The lines of a node whose pgdat comes when zones are long there follow that. */
static void tell_late_node(struct machine *m, int32_t nid)
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

static void take_node_data(struct boot *b, const struct boot_step *s)
{
	struct machine *m = b->m;
	struct memblock_request req = request_of(m, s);
	phys_t base;
	struct answer *a;

	place(b, &req, &base);
	a = answers_add(&m->answers, ANSWER_NODE_DATA);
	a->nid = s->nid;
	a->basis = m->reserved_known ? BASIS_PREDICTED : BASIS_UNDERIVABLE;
	a->reason = m->reserved_known ? NULL : unknown_reserved;
	if (base == PHYS_MAX)
		return;
	a->v[0] = base;
	a->v[1] = base + s->size;
	for (uint32_t i = 0; i < m->mb.memory.cnt; i++) {
		const struct memblock_region *r = &m->mb.memory.regions[i];

		if (base >= r->base && base < r->base + r->size && r->nid != s->nid && r->nid >= 0)
			a->v[2] = (uint64_t)r->nid + 1;
	}
	if (b->zones_finished)
		tell_late_node(m, s->nid);
}

/*
 * Where the kernel lies, if nobody said: x86 reserves the end of its brk area right above the image, and
 * the first dump shows both as one region.
 */
static void find_kernel(struct boot *b)
{
	struct machine *m = b->m;

	if (m->kernel_start || !is_x86(m))
		return;
	for (uint32_t i = 0; i < b->step; i++) {
		const struct boot_step *s = &b->in->steps[i];

		if (s->kind != STEP_RESERVE || !name_is(s->name, "setup_arch"))
			continue;
		for (uint32_t r = 0; r < m->mb.reserved.cnt; r++) {
			const struct memblock_region *region = &m->mb.reserved.regions[r];

			if (s->base <= region->base || s->base >= region->base + region->size)
				continue;
			m->kernel_start = region->base;
			m->kernel_end = m->mb.kernel_end = s->base;
		}
	}
}

/* An array that doubled while it was not known what is reserved lies elsewhere, unless the state has it. */
static void forget_array(const struct memblock *mb, struct memblock_type *type)
{
	const struct memblock_region *r =
		memblock_region_at(mb, MEMBLOCK_RESERVED, type->array_base);

	if (!r || type->array_bytes > r->base + r->size - type->array_base)
		type->array_allocated = false;
}

static void take_state(struct boot *b)
{
	struct machine *m = b->m;
	const struct boot_state *state = &b->in->state;
	uint32_t first;

	if (b->state_taken)
		return;
	b->state_taken = true;
	take_memory(b);
	memblock_free(&m->mb, 0, UINT64_MAX);
	for (uint32_t i = 0; i < state->reserved_count; i++)
		memblock_reserve(&m->mb, state->reserved[i].base, state->reserved[i].size,
				 state->reserved[i].nid, state->reserved[i].flags);
	m->mb.reserved.total_size = state->reserved_size;
	forget_array(&m->mb, &m->mb.memory);
	forget_array(&m->mb, &m->mb.reserved);
	m->reserved_known = true;
	m->mb.can_resize = true;
	find_kernel(b);
	first = m->answers.count;
	answer_dump(b, true);
	/* Without a firmware map the memory of the dump is what we were told. */
	if (!m->memory_known || !m->memory_predicted)
		for (uint32_t i = first; i < m->answers.count; i++)
			m->answers.items[i].basis = BASIS_GIVEN;
	b->dumps++;
	setup_arch_map_lowmem(m, NULL);
}

static void take_ramdisk(struct machine *m, const struct boot_step *s)
{
	m->ramdisk_start = s->base;
	m->ramdisk_end = s->base + s->size;
}

/* The firmware map, or a dump still to come, says what memory there is better than single calls. */
static bool memory_is_final(const struct boot *b)
{
	return b->in->firmware_count || (b->memory_taken && !b->state_taken);
}

/*
 * Of a boot that is made up: memory that was handed over is not memblock's any more, so that what asks for some
 * of it, or brings some, has no effect.
 */
static bool comes_too_late(const struct boot *b, const struct boot_step *s)
{
	if (!b->in->reservations_told || b->m->stage < STAGE_MEM_INIT)
		return false;
	return s->kind == STEP_ADD || s->kind == STEP_REMOVE || s->kind == STEP_RESERVE ||
	       s->kind == STEP_ALLOC || s->kind == STEP_NODE_DATA || s->kind == STEP_RAMDISK_MOVE ||
	       s->kind == STEP_CRASHKERNEL;
}

static void take_step(struct boot *b, const struct boot_step *s)
{
	struct machine *m = b->m;
	struct memblock_request req = { 0 };
	phys_t base;

	if (comes_too_late(b, s))
		return;
	switch (s->kind) {
	case STEP_ADD:
		if (!memory_is_final(b))
			memblock_add(&m->mb, s->base, s->size, s->nid, s->flags);
		break;
	case STEP_REMOVE:
		if (!memory_is_final(b))
			memblock_remove(&m->mb, s->base, s->size);
		break;
	case STEP_RESERVE:
		if (!strcmp(s->name, BOOT_STEP_EARLY_RES) && !m->reserved_at_end) {
			/* The list has it all; what was placed without knowing better is no part of it. */
			memblock_free(&m->mb, 0, UINT64_MAX);
			m->reserved_known = m->reserved_at_end = true;
		}
		memblock_reserve(&m->mb, s->base, s->size, s->nid, s->flags);
		if (name_is(s->name, "reserve_initrd_mem"))
			take_ramdisk(m, s);
		break;
	case STEP_FREE:
		memblock_free(&m->mb, s->base, s->size);
		if (name_is(s->name, "free_initrd_mem"))
			take_ramdisk(m, s);
		break;
	case STEP_ALLOC:
		if (b->in->reservations_told)
			take_memory(b);
		if (setup_arch_crashkernel_alloc(m, b->in, s, b->step))
			break;
		req = request_of(m, s);
		place(b, &req, &base);
		setup_arch_map_lowmem(m, s);
		if (name_is(s->name, "alloc_large_system_hash")) {
			bound_kernel_pages(m, b->in);
			hash_tables_answer(m, HASH_GROUP_EARLY, 1);
		}
		if (name_is(s->name, "reserve_crashkernel") && base != PHYS_MAX)
			setup_arch_answer_crashkernel(m, base, s->size, BASIS_PREDICTED);
		break;
	case STEP_STATE:
		/* A boot that is made up has no dump: all that would be in it is told. */
		if (!b->in->reservations_told)
			take_state(b);
		break;
	case STEP_NODE_DATA:
		take_node_data(b, s);
		break;
	case STEP_RAMDISK:
		take_ramdisk(m, s);
		break;
	case STEP_RAMDISK_MOVE:
		take_memory(b);
		setup_arch_move_ramdisk(m, s, b->step);
		break;
	case STEP_CMA_RESERVE:
		/* Memory that was handed over is not memblock's any more. */
		if (m->stage < STAGE_MEM_INIT)
			setup_arch_reserve_cma(m, b->in, s, b->step);
		break;
	case STEP_POOL_CMA:
		/* A log tells of pools that became areas; a made-up one may not be aligned, and is none then. */
		if (m->stage < STAGE_MEM_INIT &&
		    (!m->made_up || !((s->base | s->size) & (cma_min_align(m) - 1))))
			setup_arch_add_cma(m, s->base, s->base + s->size);
		break;
	case STEP_CRASHKERNEL:
		setup_arch_crashkernel(m, b->in, s, b->step);
		break;
	case STEP_CAP:
		if (!b->stamped)
			memblock_invariants_cap(&m->mb, s->base, s->size, &m->before, m->findings);
		break;
	case STEP_E820_UPDATE:
	case STEP_E820_REMOVE:
	case STEP_E820_ADD:
	case STEP_POOL_DMA:
	case STEP_HASH:
	case STEP_FREE_LATE:
	case STEP_LATE_FREE:
	case STEP_MEMORY_LINE:
	case STEP_EFI_KEPT:
	case STEP_KIND_COUNT:
		break;
	}
}

/*
 * Where the first dump comes after steps that allocate and no firmware map tells the start, the state
 * they began with is worked out from the dump.
 */
static void start_before_state(struct boot *b)
{
	const struct boot_input *in = b->in;
	uint32_t state = 0;
	bool allocates = false;

	if (!in->has_state || in->reservations_told || is_x86(b->m))
		return;
	for (; state < in->step_count && in->steps[state].kind != STEP_STATE; state++)
		allocates |= in->steps[state].kind != STEP_RESERVE &&
			     in->steps[state].kind != STEP_ADD;
	if (!allocates)
		return;
	take_memory(b);
	b->m->mb.observer = NULL;
	/* Requests for a node are among the steps, so nodes have to be there already. */
	if (!b->m->config.numa || !name_nodes(b->m, in))
		memblock_set_node(&b->m->mb, MEMBLOCK_MEMORY, 0, UINT64_MAX, 0);
	b->m->reserved_known = rewind_to_start(b->m, in, state, step_forward);
	b->m->mb.observer = observe;
}

void boot_run(struct machine *m, const struct boot_input *in, enum boot_stage until)
{
	struct boot b = { .m = m, .in = in, .until = until };

	m->facts = in->facts;
	m->config = in->config;
	cmdline_parse(in->command_line ? in->command_line : "", is_x86(m), &m->cmdline);
	/* A size of nothing, for kernels that do not know the word. */
	m->cmdline.kernelcore.mirror &= fact_get(&m->facts, FACT_kernelcore_mirror) != 0;
	memblock_renew(&m->mb, &m->facts, m->config.page_shift, 128, 128);
	m->mb.observer = observe;
	m->mb.observer_ctx = &b;
	m->mb.movable_node = m->cmdline.movable_node;
	m->ramdisk_start = in->ramdisk_start;
	m->ramdisk_end = in->ramdisk_end;
	m->five_level = in->five_level;
	m->page_struct_fitted = in->fitted_page_struct;
	m->section_fitted = in->fitted_section;
	if (in->big_locks)
		memcpy(m->given_bucket_bytes, in->given_bucket_bytes,
		       sizeof(m->given_bucket_bytes));
	for (unsigned int t = 0;
	     t < sizeof(in->given_bucket_bytes) / sizeof(in->given_bucket_bytes[0]); t++)
		if (in->given_bucket_bytes[t])
			m->tables_told |= 1U << t;
	m->kernel_start = in->kernel_start;
	m->kernel_end = m->mb.kernel_end = in->kernel_end;
	m->online_cpus = in->online_cpus ? in->online_cpus : in->nr_cpu_ids ? in->nr_cpu_ids : 1;
	m->possible_cpus = in->nr_cpu_ids;
	m->kasan = in->kasan;
	m->mb.bottom_up = is_x86(m) && m->cmdline.movable_node &&
			  fact_get(&m->facts, FACT_movable_node_option);
	m->reserved_known = m->made_up = in->reservations_told;
	survey(&b);
	setup_arch_firmware(m, in);
	start_before_state(&b);

	for (b.step = 0; b.step < in->step_count && !m->out_of_memory; b.step++) {
		const struct boot_step *s = &in->steps[b.step];

		if (b.step == b.first_late)
			reach(&b, STAGE_MEM_INIT);
		if (s->kind == STEP_NODE_DATA && b.step == b.first_node_data) {
			reach(&b, STAGE_SETUP_ARCH);
			if (until >= STAGE_NUMA)
				stamp_nodes(&b);
		}
		if (b.step == b.last_node_data + 1 && b.last_node_data < in->step_count)
			reach(&b, STAGE_NUMA);
		if (b.step == b.first_sparse)
			reach(&b, STAGE_SPARSE);
		if (b.step == b.zones_start)
			reach(&b, STAGE_ZONES);
		if (b.step == b.zones_end)
			finish_zones(&b);
		if (b.step == b.after_zonelists)
			reach(&b, STAGE_ZONELISTS);
		if (b.next_stage > (uint32_t)until && until < STAGE_MEM_INIT && !is_in_sparse(&b))
			break;
		take_step(&b, s);
	}
	b.step = in->step_count;
	reach(&b, STAGE_LATE);
	m->out_of_memory |= m->answers.out_of_memory || m->mb.out_of_memory ||
			    m->e820.out_of_memory;
	m->mb.observer = NULL;
}
