/* SPDX-License-Identifier: MIT */
#include "engine/setup_arch.h"

#include <stdlib.h>
#include <string.h>

#include "engine/cma.h"
#include "engine/cma_invariants.h"
#include "engine/device_tree.h"

/* Low memory of 32-bit x86 with the distribution's address split: see setup_arch_memory. */
#define I386_MAXMEM_PFN_PAE 0x36ffe
#define I386_MAXMEM_PFN 0x377fe
#define I386_VMALLOC_DEFAULT (128ULL << 20)
#define I386_VMALLOC_OFFSET (8ULL << 20)
#define I386_MAX_NONPAE_PFN (1ULL << 20)

#define ARM_PMD_SIZE (2ULL << 20)
#define ARM_TABLE_BYTES 4096

static void answer_user_map(struct machine *m)
{
	for (uint32_t i = 0; i < m->e820.count; i++) {
		const struct e820_entry *e = &m->e820.entries[i];
		struct answer *a = answers_add(&m->answers, ANSWER_USER_MAP);

		a->index = i;
		a->v[0] = e->start;
		a->v[1] = e->end;
		a->v[2] = e->type;
	}
}

void setup_arch_firmware(struct machine *m, const struct boot_input *in)
{
	struct answer *a;
	bool acpi;
	pfn_t last, max_arch = m->config.arch == ARCH_X86_64
				       ? (in->five_level ? 0x10000000000 : 0x400000000)
			       : m->config.pae ? 0x1000000
					       : 0x100000;

	if (!arch_is_x86(&m->config) || !in->firmware_count)
		return;
	for (uint32_t i = 0; i < in->firmware_count; i++)
		e820_add(&m->e820, in->firmware[i].start, in->firmware[i].end,
			 in->firmware[i].type);
	e820_sanitize(&m->e820);
	if (e820_apply_cmdline(&m->e820, &m->cmdline))
		answer_user_map(m);
	/* Edits the log tells of and no rule here knows (MTRR, firmware quirks) come after. */
	for (uint32_t i = 0; i < in->step_count; i++) {
		const struct boot_step *s = &in->steps[i];
		phys_t end = s->size > UINT64_MAX - s->base ? UINT64_MAX : s->base + s->size;

		if (s->kind == STEP_E820_UPDATE)
			e820_update(&m->e820, s->base, end, (uint32_t)s->align,
				    (uint32_t)s->min_addr);
		else if (s->kind == STEP_E820_REMOVE)
			e820_remove(&m->e820, s->base, end, (uint32_t)s->align);
		else if (s->kind == STEP_E820_ADD)
			e820_add(&m->e820, s->base, end, E820_RAM);
	}
	if (fact_get(&m->facts, FACT_x86_bios_range_trimmed))
		e820_trim_bios_range(&m->e820);
	acpi = fact_get(&m->facts, FACT_x86_last_pfn_counts_acpi);
	last = e820_end_pfn(&m->e820, max_arch, acpi);
	m->max_pfn = last;
	a = answers_add(&m->answers, ANSWER_LAST_PFN);
	a->v[0] = last;
	a->v[1] = max_arch;
	if (last > 1ULL << 20 && m->config.arch == ARCH_X86_64) {
		a = answers_add(&m->answers, ANSWER_LAST_PFN);
		a->index = 1;
		a->v[0] = e820_end_pfn(&m->e820, 1ULL << 20, acpi);
		a->v[1] = max_arch;
	}
}

/*
 * Where low memory ends on 32-bit x86.  highmem= takes from low memory only where all fits into it;
 * else it is a limit for what lies above.
 */
static pfn_t i386_max_low_pfn(struct machine *m, const struct boot_input *in)
{
	pfn_t maxmem = m->config.pae ? I386_MAXMEM_PFN_PAE : I386_MAXMEM_PFN;
	pfn_t high = 0;

	if (m->cmdline.vmalloc_bytes)
		maxmem += (I386_VMALLOC_DEFAULT >> 12) -
			  ((m->cmdline.vmalloc_bytes + I386_VMALLOC_OFFSET) >> 12);
	/* How large the fixed mappings above are depends on the configuration. */
	if (in->given_max_low_pfn && in->given_max_low_pfn < m->max_pfn && m->max_pfn > maxmem &&
	    m->cmdline.highmem_bytes == UINT64_MAX && in->given_max_low_pfn != maxmem) {
		maxmem = in->given_max_low_pfn;
		m->zones_given = true;
	}
	if (m->cmdline.highmem_bytes != UINT64_MAX)
		high = m->cmdline.highmem_bytes >> 12;
	if (m->max_pfn <= maxmem) {
		/* Low memory may be given to highmem, down to 64 MiB. */
		if (high >= m->max_pfn || m->max_pfn - high < (64ULL << 20) >> 12)
			high = 0;
		return m->max_pfn - high;
	}
	if (m->cmdline.highmem_bytes != UINT64_MAX)
		m->max_pfn = min_u64(m->max_pfn, maxmem + high);
	if (!m->config.pae)
		m->max_pfn = min_u64(m->max_pfn, I386_MAX_NONPAE_PFN);
	return maxmem;
}

struct arm_bounds {
	phys_t lowmem_end;
	phys_t first_limit; /* of memblock until low memory is mapped */
};

/*
 * arm: low memory ends where the vmalloc area would begin, or at the end of what starts below.  Until
 * it is mapped memblock stays below the first edge of a bank that needs a page table of its own.
 */
static struct arm_bounds arm_bounds(const struct machine *m)
{
	const uint64_t page_offset = 0xc0000000, gap = 8ULL << 20;
	uint64_t vmalloc_end = fact_get(&m->facts, FACT_arm_vmalloc_end_mib) << 20;
	bool gap_kept = fact_get(&m->facts, FACT_arm_vmalloc_gap_kept);
	bool skip_nomap = fact_get(&m->facts, FACT_arm_lowmem_skips_nomap);
	phys_t limit, first_limit = 0, end = 0;
	uint64_t vmalloc = (240ULL << 20) + gap;

	if (m->cmdline.vmalloc_bytes) {
		uint64_t most = vmalloc_end - page_offset - (32ULL << 20) - (gap_kept ? gap : 0);

		vmalloc = clamp_u64(m->cmdline.vmalloc_bytes, 16ULL << 20, most);
		vmalloc += gap_kept ? gap : 0;
	}
	limit = memblock_start_of_dram(&m->mb) + (vmalloc_end - vmalloc - page_offset);
	for (uint32_t i = 0; i < m->mb.memory.cnt; i++) {
		const struct memblock_region *r = &m->mb.memory.regions[i];
		phys_t stop = r->base + r->size;

		if (r->base >= limit || (skip_nomap && r->flags & MEMBLOCK_NOMAP))
			continue;
		end = max_u64(end, min_u64(stop, limit));
		if (first_limit)
			continue;
		if (r->base % ARM_PMD_SIZE)
			first_limit = r->base;
		else if (stop % ARM_PMD_SIZE)
			first_limit = end;
	}
	return (struct arm_bounds){ end,
				    round_down_to(first_limit ? first_limit : end, ARM_PMD_SIZE) };
}

/*
 * Page tables that mapping low memory takes: one for each PMD a bank covers in part, unless the part is
 * made of whole sections (half a PMD where addresses are short).
 */
static uint32_t arm_lowmem_tables(const struct machine *m, phys_t lowmem_end)
{
	uint64_t section = m->config.pae ? ARM_PMD_SIZE : ARM_PMD_SIZE / 2;
	phys_t last = PHYS_MAX;
	uint32_t tables = 0;

	for (uint32_t i = 0; i < m->mb.memory.cnt; i++) {
		const struct memblock_region *r = &m->mb.memory.regions[i];
		phys_t edges[2] = { r->base, min_u64(r->base + r->size, lowmem_end) };

		if (r->flags & MEMBLOCK_NOMAP || r->base >= lowmem_end)
			continue;
		for (int e = 0; e < 2; e++) {
			phys_t pmd = round_down_to(edges[e], ARM_PMD_SIZE);

			if (edges[e] % section && pmd != last) {
				tables++;
				last = pmd;
			}
		}
	}
	return tables;
}

void setup_arch_map_lowmem(struct machine *m, const struct boot_step *s)
{
	if (m->config.arch != ARCH_ARM)
		return;
	/* Without a step: mapping begins.  It ends with its last page table. */
	if (!s)
		m->arm_tables =
			arm_lowmem_tables(m, pfn_phys(m->max_low_pfn, m->config.page_shift));
	else if (m->arm_tables && s->size == ARM_TABLE_BYTES && s->align == ARM_TABLE_BYTES)
		m->arm_tables--;
	else
		return;
	if (!m->arm_tables)
		m->mb.current_limit = pfn_phys(m->max_low_pfn, m->config.page_shift);
}

/* The import itself, where memblock=debug shows it: firmware edits no rule here knows are in it. */
static bool is_import(const struct boot_step *s)
{
	return s->kind == STEP_ADD && !strncmp(s->name, "e820__memblock_setup", 20);
}

static void memory_from_e820(struct machine *m, const struct boot_input *in)
{
	bool shown = false;

	if (m->config.arch == ARCH_I386 && !fact_get(&m->facts, FACT_i386_memory_from_map)) {
		memblock_add(&m->mb, 0, pfn_phys(m->max_pfn, m->config.page_shift), NID_NONE, 0);
		return;
	}
	/*
	 * A map may have more entries than memblock has room for, so arrays may double from here on.  Only
	 * the first MiB is sure to be mapped yet.
	 */
	m->mb.can_resize = true;
	m->mb.current_limit = 1 << 20;
	for (uint32_t i = 0; i < in->step_count; i++) {
		if (!is_import(&in->steps[i]))
			continue;
		shown = true;
		memblock_add(&m->mb, in->steps[i].base, in->steps[i].size, NID_NONE, 0);
	}
	for (uint32_t i = 0; i < m->e820.count && !shown; i++) {
		const struct e820_entry *e = &m->e820.entries[i];

		/* Without PAE an end beyond 32 bits cannot be told. */
		if (m->config.phys_bits == 32 && e->end >> 32)
			continue;
		if (e->type == E820_RAM || e->type == E820_RESERVED_KERN)
			memblock_add(&m->mb, e->start, e->end - e->start, NID_NONE, 0);
	}
	memblock_trim_memory(&m->mb, arch_page_size(&m->config));
	m->mb.current_limit = PHYS_MAX;
	if (fact_get(&m->facts, FACT_x86_low_1m_scratch))
		memblock_set_flag(&m->mb, MEMBLOCK_MEMORY, 0, 1 << 20, MEMBLOCK_KHO_SCRATCH, true);
}

/*
 * Without NUMA all memory is node 0's, and joins: later there may be no room to cut regions for that, and no
 * region of another node may be left.
 */
static int32_t nid_of(const struct machine *m, int32_t nid)
{
	return m->config.numa ? nid : 0;
}

/* Ranges the log lists as they are: those that touch were kept apart by a flag (NOMAP, mostly). */
static void add_given_ranges(struct machine *m, const struct boot_input *in)
{
	unsigned int shift = m->config.page_shift;
	uint32_t flags = 0;

	for (uint32_t i = 0; i < in->given_range_count; i++) {
		const struct node_range *r = &in->given_ranges[i];

		if (i && r[-1].nid == r->nid && r[-1].end == r->start)
			flags ^= MEMBLOCK_UNTOLD;
		else
			flags = 0;
		memblock_add(&m->mb, pfn_phys(r->start, shift), pfn_phys(r->end - r->start, shift),
			     r->nid, r->flags | flags);
	}
}

/*
 * mem= on arm replaces all memory by as much from its start; elsewhere it limits the amount, but never
 * the kernel itself.
 */
static void limit_tree_memory(struct machine *m, const struct boot_input *in)
{
	phys_t start = memblock_start_of_dram(&m->mb);
	uint64_t page = arch_page_size(&m->config);

	if (!m->cmdline.has_mem_limit)
		return;
	if (m->config.arch == ARCH_ARM) {
		memblock_remove(&m->mb, 0, UINT64_MAX);
		memblock_add(&m->mb, start, round_down_to(m->cmdline.mem_limit, page), NID_NONE, 0);
		return;
	}
	memblock_mem_limit_remove_map(&m->mb, round_down_to(m->cmdline.mem_limit, page));
	if (in->kernel_end > in->kernel_start)
		memblock_add(&m->mb, in->kernel_start, in->kernel_end - in->kernel_start, NID_NONE,
			     0);
}

/* The first bank has to start at a PMD's edge: what lies before it is not mapped. */
static void align_first_bank(struct machine *m)
{
	phys_t start = memblock_start_of_dram(&m->mb);

	if (m->config.arch == ARCH_ARM && start % ARM_PMD_SIZE &&
	    fact_get(&m->facts, FACT_arm_first_bank_pmd_aligned))
		memblock_set_flag(&m->mb, MEMBLOCK_MEMORY, start,
				  ARM_PMD_SIZE - start % ARM_PMD_SIZE, MEMBLOCK_NOMAP, true);
}

/* Blocks that are reserved for sure before the tree's own are. */
static void reserve_known(struct machine *m, const struct boot_input *in)
{
	if (in->kernel_end > in->kernel_start)
		memblock_reserve(&m->mb, in->kernel_start, in->kernel_end - in->kernel_start,
				 NID_NONE, 0);
	if (in->ramdisk_end > in->ramdisk_start)
		memblock_reserve(&m->mb, in->ramdisk_start, in->ramdisk_end - in->ramdisk_start,
				 NID_NONE, 0);
}

static bool pool_told(const struct boot_input *in, phys_t base)
{
	for (uint32_t i = 0; i < in->step_count; i++)
		if (in->steps[i].kind == STEP_POOL_CMA && in->steps[i].base == base)
			return true;
	return false;
}

/*
 * Memory as the device tree tells it, with what the kernel makes of /reserved-memory.  The reservations
 * themselves are left to the log, if there is one; only contiguous areas it does not tell of are taken from here.
 */
static bool memory_from_tree(struct machine *m, const struct boot_input *in)
{
	if (!in->has_tree || in->tree.uefi || !in->tree.memory_count || m->cmdline.mem_elsewhere ||
	    (m->config.arch != ARCH_ARM && m->config.arch != ARCH_ARM64))
		return false;
	memblock_remove(&m->mb, 0, UINT64_MAX);
	if (!in->reservations_told)
		memblock_free(&m->mb, 0, UINT64_MAX);
	device_tree_add_memory(m, &in->tree);
	limit_tree_memory(m, in);
	align_first_bank(m);
	reserve_known(m, in);
	device_tree_reserve(m, &in->tree);
	/* A log tells of these reservations, too, each when it was made. */
	if (!in->reservations_told)
		memblock_free(&m->mb, 0, UINT64_MAX);
	for (uint32_t i = 0; i < m->tree_placed_count; i++) {
		const struct tree_range *r = &m->tree_placed[i].range;

		if (m->tree_placed[i].cma && !pool_told(in, r->base))
			setup_arch_add_cma(m, r->base, r->base + r->size);
	}
	return m->mb.memory.cnt > 0;
}

void setup_arch_memory(struct machine *m, const struct boot_input *in)
{
	unsigned int shift = m->config.page_shift;

	if (in->has_tree && !in->tree.uefi)
		m->dma_limit = in->tree.dma_limit;
	if (arch_is_x86(&m->config) && in->firmware_count) {
		memblock_remove(&m->mb, 0, UINT64_MAX);
		memory_from_e820(m, in);
		m->memory_known = m->memory_predicted = true;
	} else if (memory_from_tree(m, in)) {
		m->memory_known = m->memory_predicted = true;
	} else if (in->has_state && !in->reservations_told && in->state.has_memory) {
		memblock_remove(&m->mb, 0, UINT64_MAX);
		for (uint32_t i = 0; i < in->state.memory_count; i++) {
			const struct memblock_region *r = &in->state.memory[i];

			memblock_add(&m->mb, r->base, r->size, r->nid, r->flags);
		}
		m->mb.memory.total_size = in->state.memory_size;
		m->memory_known = true;
	} else if (m->mb.memory.cnt && (in->has_state || !in->given_range_count)) {
		/* Calls alone may be a part of them: most are made before logging starts. */
		m->memory_known = true;
	} else if (in->affinity_count && !arch_is_x86(&m->config) && !in->given_range_count) {
		for (uint32_t i = 0; i < in->affinity_count; i++)
			memblock_add(&m->mb, in->affinity[i].start,
				     in->affinity[i].end - in->affinity[i].start,
				     nid_of(m, in->affinity[i].nid), 0);
		m->memory_known = true;
	} else {
		add_given_ranges(m, in);
	}
	if (!m->max_pfn)
		m->max_pfn = memblock_end_of_dram(&m->mb) >> shift;
	m->max_low_pfn = m->max_pfn;
	if (m->config.arch == ARCH_I386) {
		m->max_low_pfn = i386_max_low_pfn(m, in);
		m->mb.current_limit = pfn_phys(m->max_low_pfn, shift);
	} else if (m->config.arch == ARCH_ARM && m->mb.memory.cnt) {
		struct arm_bounds bounds = arm_bounds(m);

		m->max_low_pfn = in->given_max_low_pfn ? in->given_max_low_pfn
						       : bounds.lowmem_end >> shift;
		m->mb.current_limit = bounds.first_limit;
		/* Where kernel space begins elsewhere than at 3 GiB, low memory is larger. */
		if (in->given_zone_end[ZONE_NORMAL] &&
		    in->given_zone_end[ZONE_NORMAL] >> shift != m->max_low_pfn) {
			m->max_low_pfn = in->given_zone_end[ZONE_NORMAL] >> shift;
			m->mb.current_limit = in->given_zone_end[ZONE_NORMAL];
			m->zones_given = true;
		}
	}
}

/* Limits as "Zone ranges" tells them, for architectures whose rules are not modelled. */
static bool given_zone_pfns(struct machine *m, const struct boot_input *in, pfn_t *ret)
{
	unsigned int shift = m->config.page_shift;
	phys_t end = 0;

	if (!in->given_zones)
		return false;
	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		end = max_u64(end, in->given_zone_end[t]);
		if (in->given_zones >> t & 1)
			ret[t] = pfn_down(end, shift);
	}
	m->zones_given = true;
	return true;
}

static void arm64_zone_pfns(struct machine *m, const struct boot_input *in, pfn_t *ret)
{
	unsigned int shift = m->config.page_shift;
	phys_t start = memblock_start_of_dram(&m->mb), end = memblock_end_of_dram(&m->mb);
	const phys_t four_gib = 1ULL << 32;
	phys_t limit;

	if (!m->dma_limit && in->given_zones >> ZONE_DMA & in->given_zones >> ZONE_DMA32 & 1 &&
	    in->given_zone_end[ZONE_DMA] && in->given_zone_end[ZONE_DMA32] &&
	    in->given_zone_end[ZONE_DMA] < min_u64(end, four_gib)) {
		/* Some bus reaches less than 32 bits; only the firmware's tables say which. */
		m->zones_given = true;
		ret[ZONE_DMA] = pfn_down(in->given_zone_end[ZONE_DMA], shift);
		ret[ZONE_DMA32] = pfn_down(min_u64(end, four_gib), shift);
		ret[ZONE_NORMAL] = pfn_down(end, shift);
		return;
	}
	if (fact_get(&m->facts, FACT_arm64_dma_limit_by_mask)) {
		/* Memory that starts beyond 32 bits is all reachable; else DMA ends at 4 GiB. */
		limit = start > four_gib - 1 ? end : min_u64(end, four_gib);
	} else {
		limit = min_u64((start & ~(four_gib - 1)) + four_gib, end);
	}
	if (m->config.zones_mask & 1U << ZONE_DMA)
		ret[ZONE_DMA] = pfn_down(cma_dma_limit(m), shift);
	if (m->config.zones_mask & 1U << ZONE_DMA32)
		ret[ZONE_DMA32] = pfn_down(limit, shift);
	ret[ZONE_NORMAL] = pfn_down(end, shift);
}

void setup_arch_zone_pfns(struct machine *m, const struct boot_input *in,
			  pfn_t ret[ZONE_TYPE_COUNT])
{
	unsigned int shift = m->config.page_shift;

	memset(ret, 0, ZONE_TYPE_COUNT * sizeof(*ret));
	switch (m->config.arch) {
	case ARCH_X86_64:
		ret[ZONE_DMA] = min_u64((16ULL << 20) >> shift, m->max_low_pfn);
		ret[ZONE_DMA32] = (1ULL << 32) >> shift;
		if (fact_get(&m->facts, FACT_x86_dma32_limit_capped))
			ret[ZONE_DMA32] = min_u64(ret[ZONE_DMA32], m->max_low_pfn);
		ret[ZONE_NORMAL] = m->max_low_pfn;
		break;
	case ARCH_I386:
		ret[ZONE_DMA] = min_u64((16ULL << 20) >> shift, m->max_low_pfn);
		ret[ZONE_NORMAL] = m->max_low_pfn;
		ret[ZONE_HIGHMEM] = m->max_pfn;
		break;
	case ARCH_ARM64:
		arm64_zone_pfns(m, in, ret);
		break;
	case ARCH_ARM:
		if (m->config.zones_mask & 1U << ZONE_DMA) {
			ret[ZONE_DMA] = m->max_low_pfn;
			/* A machine may say that its bus reaches less. */
			if (in->given_zone_end[ZONE_DMA] && in->given_zone_end[ZONE_NORMAL]) {
				ret[ZONE_DMA] = in->given_zone_end[ZONE_DMA] >> shift;
				m->zones_given = true;
			}
		}
		ret[ZONE_NORMAL] = m->max_low_pfn;
		ret[ZONE_HIGHMEM] = m->max_pfn;
		break;
	case ARCH_OTHER:
	case ARCH_COUNT:
		if (!given_zone_pfns(m, in, ret))
			for (unsigned int t = 0; t < ZONE_MOVABLE; t++)
				if (m->config.zones_mask >> t & 1)
					ret[t] = m->max_pfn;
		break;
	}
}

static struct answer *answer_placement(struct machine *m, const struct boot_step *s, uint32_t step,
				       phys_t base, uint64_t size)
{
	struct answer *a = answers_add(&m->answers, ANSWER_PLACEMENT);

	a->index = step;
	a->line = s->line;
	a->v[0] = base;
	a->v[1] = base + size;
	if (fact_get(&m->facts, FACT_memblock_rsrv_kern)) {
		a->v[2] = MEMBLOCK_RSRV_KERN;
		a->v[3] = (uint64_t)(int64_t)NID_NONE;
	}
	if (!m->reserved_known) {
		a->basis = BASIS_UNDERIVABLE;
		a->reason = "what was reserved before is not in the log";
	}
	return a;
}

/* The initrd did not lie in mapped memory: it is copied to a block of its own. */
void setup_arch_move_ramdisk(struct machine *m, const struct boot_step *s, uint32_t step)
{
	struct memblock_request req = { .size = round_up_to(s->size, arch_page_size(&m->config)),
					.align = arch_page_size(&m->config),
					.max_addr = pfn_phys(m->max_low_pfn, m->config.page_shift),
					.nid = NID_NONE };
	struct answer *a;
	phys_t base;

	if (s->flags) {
		/* The allocation was a step of its own, the newest one. */
		uint32_t i = m->answers.count;

		while (i-- > 0 && m->answers.items[i].kind != ANSWER_PLACEMENT)
			;
		if (i == UINT32_MAX)
			return;
		base = m->answers.items[i].v[0];
	} else {
		/* Without memblock=debug memory may not be known at this point. */
		if (!memblock_alloc(&m->mb, &req, &base))
			base = PHYS_MAX;
		else
			answer_placement(m, s, step, base, req.size);
	}
	a = answers_add(&m->answers, ANSWER_RAMDISK_MOVED);
	if (!m->reserved_known) {
		a->basis = BASIS_UNDERIVABLE;
		a->reason = "what was reserved before is not in the log";
	}
	if (base == PHYS_MAX)
		return;
	a->v[0] = s->base;
	a->v[1] = s->base + s->size;
	a->v[2] = base;
	a->v[3] = base + s->size;
	m->ramdisk_start = base;
	m->ramdisk_end = base + s->size;
}

void setup_arch_add_node_cma(struct machine *m, phys_t start, phys_t end, int32_t nid)
{
	if (m->cma_count == m->cma_room) {
		uint32_t room = m->cma_room ? m->cma_room * 2 : 8;
		struct cma_area *grown = realloc(m->cma, room * sizeof(*grown));

		if (!grown) {
			m->out_of_memory = true;
			return;
		}
		m->cma = grown;
		m->cma_room = room;
	}
	m->cma[m->cma_count++] = (struct cma_area){ .start = start, .end = end, .nid = nid };
}

void setup_arch_add_cma(struct machine *m, phys_t start, phys_t end)
{
	setup_arch_add_node_cma(m, start, end, NID_NONE);
}

/* The @ordinal-th node with memory that gets an area of its own; NID_NONE when there are not as many. */
static int32_t node_with_area(const struct machine *m, uint64_t pernuma, bool two,
			      uint32_t *ordinal)
{
	for (int32_t nid = 0; nid < NODES_MAX; nid++) {
		uint64_t own = nid < CMDLINE_NODES_MAX ? m->cmdline.numa_cma[nid] : 0;
		uint32_t areas = two ? (pernuma > 0) + (own > 0) : pernuma || own;
		bool memory = false;

		if (!pernuma && nid >= CMDLINE_NODES_MAX)
			break;
		for (uint32_t i = 0; i < m->mb.memory.cnt && !memory; i++)
			memory = m->mb.memory.regions[i].nid == nid;
		if (!memory)
			continue;
		if (*ordinal < areas)
			return nid;
		*ordinal -= areas;
	}
	return NID_NONE;
}

static bool several_nodes(const struct machine *m)
{
	for (uint32_t i = 1; i < m->mb.memory.cnt; i++)
		if (m->mb.memory.regions[i].nid != m->mb.memory.regions[0].nid)
			return true;
	return false;
}

/* The node whose area the @ordinal-th one is; NID_NONE for the default area. */
static int32_t node_of_area(const struct machine *m, uint32_t ordinal)
{
	const struct cmdline *c = &m->cmdline;
	bool default_first = fact_get(&m->facts, FACT_cma_default_first), in_tree = false;
	uint64_t pernuma = c->cma_pernuma;

	if (!m->config.numa)
		return NID_NONE;
	for (uint32_t i = 0; i < m->tree_placed_count; i++)
		in_tree |= m->tree_placed[i].cma_default;
	if (default_first) {
		bool has_default = !c->cma_set || c->cma_size;

		if (has_default && !in_tree && !ordinal--)
			return NID_NONE;
		/* Any size will do here: the step has it. */
		if (!c->numa_cma_set && has_default && several_nodes(m))
			pernuma = 1;
	}
	return node_with_area(m, pernuma, !default_first, &ordinal);
}

#define CMA_FOR_HUGE_PAGES "hugetlb"

static bool is_area(const struct boot_step *s)
{
	return s->kind == STEP_CMA_RESERVE && strcmp(s->name, CMA_FOR_HUGE_PAGES);
}

static bool declare(struct machine *m, const struct cma_request *req, phys_t *ret)
{
	bool ok = cma_declare(m, req, ret);

	if (ok && m->findings)
		cma_invariants_declared(req, *ret, m->findings);
	return ok;
}

bool setup_arch_place_cma(struct machine *m, const struct boot_input *in, const struct boot_step *s,
			  phys_t *ret)
{
	const struct cmdline *c = &m->cmdline;
	struct cma_request req = { .size = s->size, .nid = s->nid };
	uint32_t ordinal = 0;

	/* Huge pages beyond the buddy allocator's: what one upper table maps, or a run of entries. */
	if (!is_area(s)) {
		req.align = m->config.page_shift == 16 ? 16ULL << 30 : 1ULL << 30;
		return declare(m, &req, ret);
	}
	for (const struct boot_step *before = in->steps; before < s; before++)
		ordinal += is_area(before);
	req.nid = node_of_area(m, ordinal);
	if (req.nid == NID_NONE) {
		req.limit = cma_dma_limit(m);
		/* An area the command line asks for has its own base and limit. */
		if (c->cma_set && c->cma_size == s->size && c->cma_limit)
			req.limit = req.limit ? min_u64(req.limit, c->cma_limit) : c->cma_limit;
		req.base = c->cma_set ? c->cma_base : 0;
	}
	return declare(m, &req, ret);
}

/* Areas the log tells of before @step: those are counted, whatever else there is. */
static uint32_t areas_told(const struct boot_input *in, uint32_t step)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < step; i++)
		count += in->steps[i].kind == STEP_CMA_RESERVE ||
			 in->steps[i].kind == STEP_POOL_CMA;
	return count;
}

void setup_arch_reserve_cma(struct machine *m, const struct boot_input *in,
			    const struct boot_step *s, uint32_t step)
{
	bool told = is_area(s) || !fact_get(&m->facts, FACT_hugetlb_cma_ranges);
	phys_t base = s->base;
	uint32_t ordinal = 0;
	struct answer *a;
	bool placed = m->reserved_known && setup_arch_place_cma(m, in, s, &base);
	int32_t nid = s->nid;

	for (const struct boot_step *before = in->steps; before < s; before++)
		ordinal += is_area(before);
	if (is_area(s))
		nid = node_of_area(m, ordinal);
	/* Newer kernels ask for a fixed area without an allocation of their own. */
	if (placed || !m->reserved_known) {
		a = answer_placement(m, s, step, base, s->size);
		if (fact_get(&m->facts, FACT_memblock_rsrv_kern))
			a->v[3] = (uint64_t)(int64_t)nid;
	}
	/* A log's area is where the log has it; a made-up one is nowhere if it finds no place. */
	if (placed || (base && !in->reservations_told))
		setup_arch_add_node_cma(m, base, base + s->size, nid);
	if (!told)
		return;
	a = answers_add(&m->answers, ANSWER_CMA_RESERVED);
	a->index = areas_told(in, step);
	a->basis = placed ? BASIS_PREDICTED : BASIS_GIVEN;
	a->v[0] = s->size >> 20;
	a->v[1] = base;
}

/* The newest placement of exactly @size bytes, by an allocation or by an explicit reservation. */
static bool last_placed(const struct machine *m, const struct boot_input *in, uint32_t step,
			uint64_t size, phys_t *ret)
{
	for (uint32_t i = m->answers.count; i-- > 0;) {
		const struct answer *a = &m->answers.items[i];

		if (a->kind == ANSWER_PLACEMENT && a->v[1] - a->v[0] == size) {
			*ret = a->v[0];
			return true;
		}
	}
	for (uint32_t i = step; i-- > 0;) {
		if (in->steps[i].kind == STEP_RESERVE && in->steps[i].size == size) {
			*ret = in->steps[i].base;
			return true;
		}
	}
	return false;
}

/* The line of the low part is the first, though the other one is placed before. */
static void tell_crashkernel_low_first(struct answers *as)
{
	uint32_t at = as->count ? as->count - 1 : 0;

	if (!as->count || as->items[at].kind != ANSWER_CRASHKERNEL || !as->items[at].index)
		return;
	while (at > 0 && as->items[at - 1].kind != ANSWER_CRASHKERNEL)
		at--;
	if (at > 0)
		answers_move(as, at, as->count, at - 1);
}

void setup_arch_crashkernel(struct machine *m, const struct boot_input *in,
			    const struct boot_step *s, uint32_t step)
{
	const char *option = m->cmdline.crashkernel;
	bool asked = false, placed;
	phys_t base = 0;
	struct answer *a;

	for (uint32_t i = step; i-- > 0 && i + 4 > step;)
		asked |= (in->steps[i].kind == STEP_ALLOC || in->steps[i].kind == STEP_RESERVE) &&
			 in->steps[i].size == s->size;
	if (asked) {
		placed = last_placed(m, in, step, s->size, &base);
	} else {
		placed = s->flags ? crashkernel_reserve_low(m, s->size, &base)
				  : crashkernel_reserve(m, s->size, strstr(option, ",high"), &base);
		if (placed)
			answer_placement(m, s, step, base, s->size);
	}
	/* Where the request was a step of its own, that step told. */
	for (uint32_t i = 0; i < m->answers.count; i++)
		if (m->answers.items[i].kind == ANSWER_CRASHKERNEL &&
		    m->answers.items[i].index == s->flags)
			return;
	a = answers_add(&m->answers, ANSWER_CRASHKERNEL);
	a->index = s->flags;
	a->basis = placed && m->reserved_known ? BASIS_PREDICTED : BASIS_UNDERIVABLE;
	if (a->basis == BASIS_UNDERIVABLE)
		a->reason = m->reserved_known ? "no place was found for it"
					      : "what was reserved before is not in the log";
	a->v[0] = base;
	a->v[1] = base + s->size;
	tell_crashkernel_low_first(&m->answers);
}

void setup_arch_answer_crashkernel(struct machine *m, phys_t base, uint64_t size,
				   enum answer_basis basis)
{
	uint32_t index = 0;
	struct answer *a;

	for (uint32_t i = 0; i < m->answers.count; i++)
		index |= m->answers.items[i].kind == ANSWER_CRASHKERNEL;
	a = answers_add(&m->answers, ANSWER_CRASHKERNEL);
	a->index = index;
	a->basis = m->reserved_known ? basis : BASIS_UNDERIVABLE;
	a->v[0] = base;
	a->v[1] = base + size;
	tell_crashkernel_low_first(&m->answers);
}

/* crashkernel=SIZE or crashkernel=1G-4G:128M,4G-:256M: the size for this much memory; 0 = none. */
static uint64_t crashkernel_size(const char *option, uint64_t memory)
{
	const char *p;
	uint64_t n = memparse(option, &p);

	while (*p == '-') {
		uint64_t from = n, to = UINT64_MAX, size;

		p++;
		if (*p != ':')
			to = memparse(p, &p);
		if (*p != ':')
			return 0;
		size = memparse(p + 1, &p);
		if (memory >= from && memory < to)
			return size;
		if (*p != ',')
			return 0;
		n = memparse(p + 1, &p);
	}
	return *p == '@' ? 0 : n;
}

/* What the command line alone tells of it, where no line of the log does; 0 = nothing, or it is there. */
static uint64_t crashkernel_wanted(const struct machine *m, const struct boot_input *in)
{
	if (!arch_is_x86(&m->config) || !m->reserved_known || !m->cmdline.crashkernel[0])
		return 0;
	/* No log is read of a made-up boot, whatever that kernel prints. */
	if (!m->made_up && fact_get(&m->facts, FACT_memblock_phys_alloc_logged))
		return 0;
	for (uint32_t i = 0; i < in->step_count; i++)
		if (in->steps[i].kind == STEP_CRASHKERNEL)
			return 0;
	for (uint32_t i = 0; i < m->answers.count; i++)
		if (m->answers.items[i].kind == ANSWER_CRASHKERNEL)
			return 0;
	return crashkernel_size(m->cmdline.crashkernel, m->mb.memory.total_size);
}

bool setup_arch_crashkernel_alloc(struct machine *m, const struct boot_input *in,
				  const struct boot_step *s, uint32_t step)
{
	phys_t base;

	if (!(s->flags & STEP_SIZE_GIVEN) || s->size != crashkernel_wanted(m, in) ||
	    !crashkernel_reserve(m, s->size, strstr(m->cmdline.crashkernel, ",high"), &base))
		return false;
	answer_placement(m, s, step, base, s->size);
	setup_arch_answer_crashkernel(m, base, s->size, BASIS_PREDICTED);
	return true;
}

void setup_arch_crashkernel_option(struct machine *m, const struct boot_input *in)
{
	const char *option = m->cmdline.crashkernel;
	uint64_t size = crashkernel_wanted(m, in);
	phys_t base;

	if (size && crashkernel_reserve(m, size, strstr(option, ",high"), &base)) {
		struct answer *a = answers_add(&m->answers, ANSWER_PLACEMENT);

		a->index = UINT32_MAX;
		a->v[0] = base;
		a->v[1] = base + size;
		setup_arch_answer_crashkernel(m, base, size, BASIS_PREDICTED);
	}
}
