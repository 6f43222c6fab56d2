/* SPDX-License-Identifier: MIT */
/*
 * After memblock_free_all, page_alloc_init_late and the initcalls that follow:
 *   1. every free range goes to the zones it lies in; deferred chunks count but are not free yet
 *   2. pages of doubled memblock arrays come back
 *   3. CMA areas are activated, watermarks and reserves computed, khugepaged raises them
 *   4. "Freeing ..." memory joins, page sets get their final size
 * Which of 2-4 comes first differs between kernels and is asked from facts.
 */
#include "engine/handover.h"

#include <stdlib.h>
#include <string.h>

#include "engine/handover_invariants.h"
#include "engine/handover_lists.h"
#include "engine/hash_table.h"
#include "engine/memmap_invariants.h"
#include "engine/reserves.h"

/* Values of the fact free_late_rule. */
enum free_late_rule { FREE_LATE_UNDEFERRED = 0, FREE_LATE_ALL = 1, FREE_LATE_REFUSED = 2 };

/* Of node @nid the zone that spans @pfn, or NULL. */
static struct zone *spanning(struct machine *m, int32_t nid, pfn_t pfn)
{
	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		struct zone *z = &m->nodes[nid].zones[t];

		if (z->spanned && pfn >= z->start_pfn && pfn < zone_end_pfn(z))
			return z;
	}
	return NULL;
}

/*
 * The zone of @pfn, which is of node @nid, in *ret, and in *until where it may end, which is @end at most.  False:
 * it is of none.
 */
static bool zone_of_node(struct machine *m, int32_t nid, pfn_t pfn, pfn_t end, struct zone **ret,
			 pfn_t *until)
{
	struct memmap_link link;

	if (memmap_zones_share(m, nid)) {
		if (!memmap_link_at(m, pfn, end, &link, until))
			return false;
		*ret = &m->nodes[link.nid].zones[link.type];
		return true;
	}
	*ret = spanning(m, nid, pfn);
	if (!*ret)
		return false;
	*until = min_u64(end, zone_end_pfn(*ret));
	return true;
}

static struct zone *zone_until(struct machine *m, pfn_t pfn, pfn_t end, pfn_t *until)
{
	for (uint32_t r = 0; r < m->range_count; r++) {
		struct zone *z;

		if (pfn >= m->ranges[r].start && pfn < m->ranges[r].end &&
		    zone_of_node(m, m->ranges[r].nid, pfn, end, &z, until))
			return z;
	}
	return NULL;
}

struct zone *machine_zone_of(struct machine *m, pfn_t pfn)
{
	pfn_t until;

	return zone_until(m, pfn, pfn + 1, &until);
}

/* Gives [start, end) page frames to @z. */
static uint64_t give_zone(struct machine *m, struct zone *z, pfn_t start, pfn_t end)
{
	pfn_t deferred = m->nodes[z->nid].first_deferred_pfn;

	if (start >= end)
		return 0;
	z->managed += end - start;
	if (start < deferred) {
		uint64_t now = min_u64(end, deferred) - start;

		m->free_pages += now;
		z->early_free += now;
	}
	if (zone_is_highmem(z->type, &m->limits, m->config.zones_mask))
		m->totalhigh += end - start;
	return end - start;
}

/* Gives [start, end) page frames of node @nid to its zones. */
static uint64_t give_range(struct machine *m, int32_t nid, pfn_t start, pfn_t end)
{
	struct node *node = &m->nodes[nid];
	uint64_t given = 0;

	while (memmap_zones_share(m, nid) && start < end) {
		struct zone *z;
		pfn_t until;

		/* Nobody initialised what comes. */
		if (!zone_of_node(m, nid, start, end, &z, &until))
			return given;
		given += give_zone(m, z, start, until);
		start = until;
	}
	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
		struct zone *z = &node->zones[t];

		if (z->spanned)
			given += give_zone(m, z, max_u64(start, z->start_pfn),
					   min_u64(end, zone_end_pfn(z)));
	}
	return given;
}

/* i386 gives highmem away first, zone by zone, and says so. */
static void answer_highmem(struct machine *m)
{
	static const enum zone_type types[] = { ZONE_HIGHMEM, ZONE_MOVABLE };

	if (m->config.arch != ARCH_I386 || !fact_get(&m->facts, FACT_init_highmem_line))
		return;
	for (uint32_t n = 0; n < m->node_count; n++) {
		for (unsigned int i = 0; i < 2; i++) {
			const struct zone *z = &m->nodes[n].zones[types[i]];
			struct answer *a;

			if (!zone_is_highmem(types[i], &m->limits, m->config.zones_mask))
				continue;
			a = answers_add(&m->answers, ANSWER_INIT_HIGHMEM);
			a->nid = (int32_t)n;
			a->type = (int32_t)types[i];
			a->v[0] = z->start_pfn;
			a->v[1] = zone_end_pfn(z);
		}
	}
}

/*
 * deferred_grow_zone: a zone without enough free pages initialises its next deferred ones early, in
 * windows of the largest block, until a section's worth of pages came free and a section boundary is
 * crossed.
 */
static void grow_deferred_windows(struct machine *m, struct zone *z)
{
	struct node *node = &m->nodes[z->nid];
	uint64_t section = arch_section_pages(&m->config), grown = 0;
	uint64_t window = arch_max_order_pages(&m->config);
	pfn_t last = 0; /* where the last window began */
	struct memblock_cursor cursor = { 0 };
	phys_t s, e;
	int32_t nid;

	while (memblock_next_free(&m->mb, &cursor, &s, &e, &nid)) {
		pfn_t start = max_u64(pfn_up(s, m->config.page_shift),
				      max_u64(z->start_pfn, node->first_deferred_pfn));
		pfn_t end = min_u64(pfn_down(e, m->config.page_shift), zone_end_pfn(z));

		if (nid != z->nid)
			continue;
		while (start < end) {
			pfn_t stop = min_u64(round_down_to(start, window) + window, end);

			/* The next window begins where free memory goes on, maybe in another section. */
			if (grown >= section && (last ^ start) >= section) {
				node->first_deferred_pfn = start;
				return;
			}
			grown += stop - start;
			m->free_pages += stop - start;
			z->early_free += stop - start;
			last = start;
			start = stop;
		}
	}
	node->first_deferred_pfn = PFN_NONE;
}

/* Newer kernels go from section to section, up to the zone's end, wherever that is in its section. */
static void grow_deferred_sections(struct machine *m, struct zone *z)
{
	struct node *node = &m->nodes[z->nid];
	uint64_t section = arch_section_pages(&m->config), grown = 0;
	pfn_t pfn = node->first_deferred_pfn;

	while (pfn < zone_end_pfn(z) && grown < section) {
		pfn_t stop = round_up_to(pfn + 1, section), next = PFN_NONE;
		struct memblock_cursor cursor = { 0 };
		phys_t s, e;
		int32_t nid;

		while (memblock_next_free(&m->mb, &cursor, &s, &e, &nid)) {
			pfn_t start = max_u64(pfn_up(s, m->config.page_shift), pfn);
			pfn_t end = pfn_down(e, m->config.page_shift);

			if (nid != z->nid || start >= end)
				continue;
			if (start < stop)
				grown += min_u64(end, stop) - start;
			if (end > stop)
				next = min_u64(next, max_u64(start, stop));
		}
		pfn = stop;
		/* Sections without free memory change nothing, however many there are. */
		if (grown < section) {
			pfn_t all = round_up_to(zone_end_pfn(z), section);

			pfn = max_u64(stop, round_down_to(min_u64(next, all), section));
		}
	}
	m->free_pages += grown;
	z->early_free += grown;
	node->first_deferred_pfn = pfn;
	if (pfn >= zone_end_pfn(z) && fact_get(&m->facts, FACT_deferred_grow_ends))
		node->first_deferred_pfn = PFN_NONE;
}

static void grow_deferred(struct machine *m, struct zone *z)
{
	const struct node *node = &m->nodes[z->nid];

	if (node->first_deferred_pfn == PFN_NONE || zone_end_pfn(z) != node_spanned_end_pfn(node))
		return;
	if (fact_get(&m->facts, FACT_deferred_grow_by_section))
		grow_deferred_sections(m, z);
	else
		grow_deferred_windows(m, z);
}

/* Page tables for the vmalloc area come from the free pages right before the Memory: line. */
static uint64_t preallocated_pages(const struct machine *m)
{
	/* One table per 512 GiB of 32 TiB, or per 256 TiB of 12.5 PiB; an unaligned start adds one. */
	uint64_t tables = m->five_level ? 50 : 64;

	if (m->config.arch != ARCH_X86_64 || !fact_get(&m->facts, FACT_x86_vmalloc_preallocated))
		return 0;
	return tables + !m->cmdline.nokaslr;
}

/* The zone they come from, in which there is room for them then; NULL when there is none. */
static struct zone *grow_for_tables(struct machine *m, uint64_t pages)
{
	struct zoneref refs[ZONE_TYPE_COUNT];
	struct zone *z;

	if (!pages || !zonelist_zones(&m->zonelists, 0, ZONE_NORMAL, false, refs, ZONE_TYPE_COUNT))
		return NULL;
	z = &m->nodes[refs[0].nid].zones[refs[0].type];
	if (z->early_free < pages)
		grow_deferred(m, z);
	return z;
}

static void preallocate(struct machine *m)
{
	uint64_t pages = preallocated_pages(m);

	if (grow_for_tables(m, pages))
		m->free_pages -= min_u64(m->free_pages, pages);
}

void handover_free_all(struct machine *m)
{
	struct memblock_cursor cursor = { 0 };
	phys_t s, e;
	int32_t nid;

	memmap_invariants_stamp(m, m->findings);
	answer_highmem(m);
	m->totalram = m->totalhigh = m->free_pages = 0;
	for (uint32_t n = 0; n < m->node_count; n++)
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
			m->nodes[n].zones[t].managed = m->nodes[n].zones[t].early_free = 0;
	memblock_set_flag(&m->mb, MEMBLOCK_MEMORY, 0, UINT64_MAX, MEMBLOCK_HOTPLUG, false);
	while (memblock_next_free(&m->mb, &cursor, &s, &e, &nid)) {
		pfn_t start = pfn_up(s, m->config.page_shift),
		      end = pfn_down(e, m->config.page_shift);

		if (start >= end)
			continue;
		if (!nid_within(nid, m->node_count))
			nid = 0;
		m->totalram += give_range(m, nid, start, end);
	}
	m->totalcma = 0;
	for (uint32_t i = 0; i < m->cma_count; i++)
		m->totalcma += (m->cma[i].end - m->cma[i].start) >> m->config.page_shift;
	handover_lists_free_all(m);
	if (m->findings)
		handover_invariants_freed(m, m->findings);
	/* Kernels that tell of memory later take the tables all the same. */
	if (fact_get(&m->facts, FACT_memory_line_after_deferred))
		grow_for_tables(m, preallocated_pages(m));
}

static void answer_kb(struct machine *m, enum answer_kind kind, uint64_t pages, const char *unknown)
{
	struct answer *a = answers_add(&m->answers, kind);

	a->v[0] = pages << (m->config.page_shift - 10);
	if (unknown) {
		a->basis = BASIS_UNDERIVABLE;
		a->reason = unknown;
	}
}

/* Does the log begin so late that contiguous areas may have been reserved before? */
static bool areas_lost(const struct machine *m, const struct boot_input *in)
{
	bool requests = false;

	for (uint32_t i = 0; i < in->step_count; i++)
		requests |= in->steps[i].kind == STEP_ALLOC;
	return m->config.cma && !m->cma_count && !m->reserved_known && requests;
}

/*
 * Before mem_init_print_info() each architecture told its own totals.  x86 counts page frames up to the
 * end of memory, holes included, and tells the holes apart on 64 bits; others count memory.
 */
static void answer_old_memory(struct machine *m, uint64_t present, const char *unknown)
{
	bool x86 = arch_is_x86(&m->config);
	uint64_t total = x86 ? m->max_pfn : present;
	uint64_t absent = m->config.arch == ARCH_X86_64 ? total - present : 0;
	bool boot_map = m->config.arch == ARCH_OTHER;

	answer_kb(m, ANSWER_MEMORY_AVAILABLE, m->totalram, unknown);
	/* mips and others count what the boot loader's map calls usable. */
	answer_kb(m, ANSWER_MEMORY_TOTAL, total,
		  boot_map ? "what counts is the boot loader's map, which is not followed" : NULL);
	if (m->config.arch == ARCH_X86_64)
		answer_kb(m, ANSWER_MEMORY_ABSENT, absent, NULL);
	/* Holes are neither absent nor reserved on i386. */
	answer_kb(m, ANSWER_MEMORY_RESERVED,
		  (m->config.arch == ARCH_I386 ? present : total - absent) - m->totalram, unknown);
	if (m->config.arch != ARCH_X86_64)
		answer_kb(m, ANSWER_MEMORY_HIGHMEM, m->totalhigh,
			  m->config.highmem ? unknown : NULL);
}

void handover_answer_memory(struct machine *m, const struct boot_input *in)
{
	const char *unknown =
		m->reserved_known ? NULL
				  : "what memblock had reserved is only known with memblock=debug";
	uint64_t present = 0;

	for (uint32_t n = 0; n < m->node_count; n++)
		present += m->nodes[n].present;
	if (!fact_get(&m->facts, FACT_memory_line_generic)) {
		answer_old_memory(m, present, unknown);
		return;
	}
	if (!fact_get(&m->facts, FACT_memory_line_after_deferred))
		preallocate(m);
	answer_kb(m, ANSWER_MEMORY_AVAILABLE, m->free_pages,
		  fact_get(&m->facts, FACT_memory_line_after_deferred)
			  ? "everything allocated until then is missing from it"
			  : unknown);
	/* Address randomisation rarely starts the vmalloc area aligned: then one table less is needed. */
	if (preallocated_pages(m) && !m->cmdline.nokaslr)
		m->answers.items[m->answers.count - 1].v[1] = arch_page_size(&m->config) >> 10;
	answer_kb(m, ANSWER_MEMORY_TOTAL, present, NULL);
	answer_kb(m, ANSWER_MEMORY_RESERVED, present - m->totalram - m->totalcma, unknown);
	answer_kb(m, ANSWER_MEMORY_CMA, m->totalcma,
		  areas_lost(m, in) ? "the log lost its beginning, where areas are reserved"
				    : NULL);
	if (m->config.highmem)
		answer_kb(m, ANSWER_MEMORY_HIGHMEM, m->totalhigh, unknown);
}

static void give_back_pages(struct machine *m, pfn_t s, pfn_t e, enum handover_source source)
{
	while (s < e) {
		pfn_t stop;
		struct zone *z = zone_until(m, s, e, &stop);

		if (!z)
			return;
		z->managed += stop - s;
		m->totalram += stop - s;
		if (zone_is_highmem(z->type, &m->limits, m->config.zones_mask))
			m->totalhigh += stop - s;
		handover_lists_give_back(m, s, stop, source);
		s = stop;
	}
}

/* The end of what was given back at @pfn; @pfn itself if nothing was. */
static pfn_t skip_given(const struct machine *m, pfn_t pfn)
{
	for (uint32_t i = 0; i < m->given_count; i++)
		if (m->given[i].start <= pfn && pfn < m->given[i].end)
			return skip_given(m, m->given[i].end);
	return pfn;
}

/*
 * Of a made-up machine: the first pages of [*start, end) that are reserved and were not given back, up to the
 * end that is returned.  There may be none; then *start has moved all the same.
 */
static pfn_t next_in_use(const struct machine *m, pfn_t *start, pfn_t end)
{
	unsigned int shift = m->config.page_shift;
	pfn_t low = end, high = end;

	for (uint32_t i = 0; i < m->mb.reserved.cnt && low == end; i++) {
		const struct memblock_region *r = &m->mb.reserved.regions[i];
		pfn_t from = max_u64(pfn_down(r->base, shift), *start);

		if (from >= min_u64(pfn_up(r->base + r->size, shift), end))
			continue;
		low = from;
		high = min_u64(pfn_up(r->base + r->size, shift), end);
	}
	low = skip_given(m, low);
	for (uint32_t i = 0; i < m->given_count; i++)
		if (m->given[i].start > low)
			high = min_u64(high, m->given[i].start);
	*start = low;
	return high;
}

static void give_back_claimed(struct machine *m, pfn_t s, pfn_t e, enum handover_source source)
{
	while (s < e && !m->out_of_memory) {
		pfn_t from = s, to = next_in_use(m, &from, e);

		s = max_u64(from, to);
		for (uint32_t r = 0; r < m->range_count; r++) {
			pfn_t low = max_u64(from, m->ranges[r].start),
			      high = min_u64(to, m->ranges[r].end);

			if (low < high)
				give_back_pages(m, low, high, source);
		}
		if (from >= to)
			continue;
		if (m->given_count == m->given_room) {
			uint32_t room = m->given_room ? m->given_room * 2 : 16;
			struct node_range *grown = realloc(m->given, room * sizeof(*grown));

			if (!grown) {
				m->out_of_memory = true;
				return;
			}
			m->given = grown;
			m->given_room = room;
		}
		m->given[m->given_count++] = (struct node_range){ .start = from, .end = to };
	}
}

/* Pages that come back one by one: [start, end) in bytes, whole pages inside. */
static void give_back_from(struct machine *m, phys_t start, phys_t end, enum handover_source source)
{
	pfn_t s = pfn_up(start, m->config.page_shift), e = pfn_down(end, m->config.page_shift);

	if (m->made_up)
		give_back_claimed(m, s, e, source);
	else
		give_back_pages(m, s, e, source);
}

static void give_back(struct machine *m, phys_t start, phys_t end)
{
	give_back_from(m, start, end, HANDOVER_RESERVED);
}

static bool is_alternatives(const struct boot_step *s)
{
	return !strcmp(s->name, "SMP alternatives");
}

/* "Freeing NAME memory": where it lay decides which zone gets it. */
static void take_late_free(struct machine *m, const struct boot_step *s)
{
	phys_t start = s->base;

	if (!strcmp(s->name, "initrd")) {
		if (m->ramdisk_start)
			start = round_down_to(m->ramdisk_start, arch_page_size(&m->config));
	} else if (!start) {
		start = m->kernel_start;
	}
	if (!start)
		return;
	give_back(m, start, start + s->size);
}

static bool anything_deferred(const struct machine *m)
{
	for (uint32_t n = 0; n < m->node_count; n++)
		if (m->nodes[n].first_deferred_pfn != PFN_NONE)
			return true;
	return false;
}

/*
 * Before deferred memory is there, memblock_free_late() mostly counted all its pages and left out those
 * without struct page; they are of no use to anybody from then on.
 */
static void give_back_undeferred(struct machine *m, phys_t start, phys_t end)
{
	pfn_t s = pfn_up(start, m->config.page_shift), e = pfn_down(end, m->config.page_shift);
	int64_t rule = fact_get(&m->facts, FACT_free_late_rule);

	if (rule == FREE_LATE_REFUSED && anything_deferred(m))
		return;
	while (s < e) {
		pfn_t stop, have;
		const struct zone *z = zone_until(m, s, e, &stop);

		if (!z)
			return;
		have = min_u64(stop, max_u64(s, m->nodes[z->nid].first_deferred_pfn));
		if (rule == FREE_LATE_ALL) {
			if (m->findings && have < stop)
				findings_add(m->findings, INVARIANT_HANDOVER_LATE, z->nid,
					     (int32_t)z->type, have, 0, 0,
					     "a page is freed that has no struct page yet");
			have = stop;
		}
		give_back(m, pfn_phys(s, m->config.page_shift),
			  pfn_phys(have, m->config.page_shift));
		m->totalram += stop - have;
		s = stop;
	}
}

/* Below it EFI boot services memory stays reserved: firmware may write there, a crash kernel needs it. */
#define EFI_KEPT_BELOW (1ULL << 20)

/* Gives [start, end) back but for what steps later than @step keep; returns bytes. */
static uint64_t give_back_unkept(struct machine *m, const struct boot_input *in, uint32_t step,
				 phys_t start, phys_t end)
{
	uint64_t given = 0;

	while (start < end) {
		phys_t stop = end, next = end;

		for (uint32_t i = step + 1; i < in->step_count; i++) {
			const struct boot_step *s = &in->steps[i];

			if (s->kind != STEP_EFI_KEPT || s->base + s->size <= start ||
			    s->base >= stop)
				continue;
			stop = max_u64(start, s->base);
			next = s->base + s->size;
		}
		give_back(m, start, stop);
		given += stop - start;
		start = next;
	}
	return given;
}

/*
 * EFI boot services memory comes back as a whole, but for what is not the kernel's alone: a range that was
 * reserved before is no step of its own.
 */
static void free_boot_services(struct machine *m, const struct boot_input *in)
{
	uint64_t freed = 0;
	struct answer *a;

	if (!fact_get(&m->facts, FACT_efi_boot_services_freed_late) || !arch_is_x86(&m->config))
		return;
	for (uint32_t i = 0; i < in->step_count; i++) {
		const struct boot_step *s = &in->steps[i];
		phys_t start = s->base, end = s->base + s->size;

		if (s->kind != STEP_RESERVE || strncmp(s->name, "efi_reserve_boot_services", 25))
			continue;
		if ((end > m->kernel_start && start <= m->kernel_end) ||
		    !e820_mapped_all(&m->e820, start, end, E820_RAM))
			continue;
		start = max_u64(start, EFI_KEPT_BELOW);
		if (start >= end)
			continue;
		freed += give_back_unkept(m, in, i, start, end);
	}
	if (!freed && m->reserved_known)
		return;
	a = answers_add(&m->answers, ANSWER_EFI_FREED);
	a->v[0] = freed >> 10;
	if (!m->reserved_known) {
		a->basis = BASIS_UNDERIVABLE;
		a->reason = "the firmware's own ranges are only known with memblock=debug";
	}
}

/* What is freed at about the same time; groups that come together keep the order of the log. */
enum late_group { LATE_ALTERNATIVES = 1, LATE_INITRD = 2, LATE_OTHERS = 4 };

/* kswapd works out thresholds as it goes to sleep for the first time, which is before init sections are freed. */
static void late_frees(struct machine *m, const struct boot_input *in, uint32_t groups)
{
	bool asleep = !(groups & LATE_OTHERS);

	for (uint32_t i = 0; i < in->step_count; i++) {
		const struct boot_step *s = &in->steps[i];
		enum late_group of = is_alternatives(s)		  ? LATE_ALTERNATIVES
				     : !strcmp(s->name, "initrd") ? LATE_INITRD
								  : LATE_OTHERS;

		if (s->kind != STEP_LATE_FREE || !(groups & of))
			continue;
		if (of == LATE_OTHERS && !asleep) {
			reserves_refresh_thresholds(m);
			asleep = true;
		}
		take_late_free(m, s);
	}
	if (!asleep)
		reserves_refresh_thresholds(m);
}

/* Where the pages of the zone that has @start end, or @end if that comes first. */
static pfn_t same_zone_until(struct machine *m, pfn_t start, pfn_t end)
{
	const struct zone *z = machine_zone_of(m, start);
	pfn_t pfn = start, stop = end;

	while (pfn < end && zone_until(m, pfn, end, &stop) == z) {
		stop = z ? stop : end;

		for (uint32_t r = 0; r < m->range_count; r++)
			if (m->ranges[r].start <= pfn && pfn < m->ranges[r].end)
				stop = min_u64(stop, m->ranges[r].end);
		pfn = stop;
	}
	return pfn;
}

/*
 * Do the pages of an area lie in one zone?  Newer kernels ask whether the span of more than one zone
 * reaches into it, which it may where nodes interleave.
 */
static bool one_zone(struct machine *m, const struct cma_area *area)
{
	pfn_t start = area->start >> m->config.page_shift, end = area->end >> m->config.page_shift;
	unsigned int zones = 0;

	if (!fact_get(&m->facts, FACT_cma_zone_by_span))
		return same_zone_until(m, start, end) == end;
	for (uint32_t n = 0; n < m->node_count; n++) {
		if (area->nid >= 0 && (int32_t)n != area->nid)
			continue;
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &m->nodes[n].zones[t];

			zones += z->spanned && start < zone_end_pfn(z) && end > z->start_pfn;
		}
	}
	return zones <= 1;
}

/*
 * An area of two zones is not used.  Its pages go back, or, in older kernels, the pageblocks before the
 * foreign page are activated nevertheless, and the rest is of no use to anybody.
 */
static void refuse_area(struct machine *m, struct cma_area *area, struct zone *z)
{
	unsigned int shift = m->config.page_shift;
	pfn_t start = area->start >> shift, end = area->end >> shift, stop;

	if (fact_get(&m->facts, FACT_cma_refused_before_activation)) {
		give_back(m, area->start, area->end);
		area->joined = end - start;
		m->totalcma -= end - start;
		return;
	}
	stop = same_zone_until(m, start, end);
	stop -= (stop - start) % arch_pageblock_pages(&m->config);
	give_back_from(m, area->start, pfn_phys(stop, shift), HANDOVER_CMA);
	area->joined = stop - start;
	z->cma += area->joined;
}

static void activate_cma(struct machine *m)
{
	for (uint32_t i = 0; i < m->cma_count; i++) {
		struct cma_area *area = &m->cma[i];
		struct zone *z = machine_zone_of(m, area->start >> m->config.page_shift);

		if (!z)
			continue;
		if (!one_zone(m, area)) {
			refuse_area(m, area, z);
			if (fact_get(&m->facts, FACT_cma_activation_goes_on))
				continue;
			return;
		}
		area->active = true;
		area->joined = (area->end - area->start) >> m->config.page_shift;
		z->cma += area->joined;
		give_back_from(m, area->start, area->end, HANDOVER_CMA);
	}
}

/* The kernel's doubled memblock arrays are of no use any more (unless the architecture keeps them). */
static void discard_memblock(struct machine *m)
{
	const struct memblock_type *types[2] = { &m->mb.reserved, &m->mb.memory };

	if (!arch_is_x86(&m->config))
		return;
	for (int i = 0; i < 2; i++)
		if (types[i]->array_allocated)
			give_back_from(m, types[i]->array_base,
				       types[i]->array_base +
					       round_up_to(types[i]->array_bytes,
							   arch_page_size(&m->config)),
				       HANDOVER_DISCARD);
}

/* Gigantic pages reserved at boot belong to their zones again once the huge page pool has them. */
static void join_gigantic(struct machine *m, const struct boot_input *in)
{
	for (uint32_t i = 0; i < m->answers.count; i++) {
		const struct answer *a = &m->answers.items[i];
		const struct boot_step *s;

		if (a->kind != ANSWER_PLACEMENT || a->index >= in->step_count)
			continue;
		s = &in->steps[a->index];
		if (a->v[1] && s->kind == STEP_ALLOC && s->size == s->align &&
		    s->size >= 1ULL << 29 &&
		    (!strncmp(s->name, "__alloc_bootmem_huge_page", 25) ||
		     !strncmp(s->name, "alloc_bootmem", 13)))
			give_back_from(m, a->v[0], a->v[1], HANDOVER_GIGANTIC);
	}
}

/* When setup_per_cpu_pageset() runs, zones have what was handed over at once and nothing else. */
static void size_pagesets_early(struct machine *m)
{
	for (uint32_t n = 0; n < m->node_count; n++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			struct zone *z = &m->nodes[n].zones[t];
			uint64_t managed = z->managed;

			if (!z->present)
				continue;
			z->managed = z->early_free;
			pageset_size_zone(z, m->nodes[n].cpus, m->online_cpus, 0, &m->config,
					  &m->facts);
			z->managed = managed;
		}
	}
}

static void count_cpus(struct machine *m, const struct boot_input *in)
{
	uint32_t known = 0;

	for (uint32_t n = 0; n < m->node_count; n++)
		m->nodes[n].cpus = n < in->node_cpus_count ? in->node_cpus[n] : 0;
	if (in->node_cpus_count)
		return;
	for (uint32_t i = 0; i < in->cpu_nid_count && known < m->online_cpus && m->affinity_used;
	     i++) {
		known++;
		/* A CPU belongs to every fake node cut from its own. */
		for (uint32_t n = 0; n < m->node_count; n++)
			if ((m->emulated ? m->nodes[n].physical : (int32_t)n) == in->cpu_nid[i])
				m->nodes[n].cpus++;
	}
	if (!known)
		for (uint32_t n = 0; n < m->node_count; n++)
			if (m->emulated ? m->nodes[n].physical == 0 : n == 0)
				m->nodes[n].cpus = m->online_cpus;
}

/* Reserves follow from managed pages; before there were any, from what the memory map leaves. */
static bool reserves_known(const struct machine *m)
{
	if (fact_get(&m->facts, FACT_managed_pages))
		return m->reserved_known;
	return m->reserved_known || m->dma_reserve_given || m->config.arch != ARCH_X86_64;
}

static void answer_field(struct machine *m, const struct zone *z, enum zone_field field,
			 uint64_t value)
{
	struct answer *a = answers_add(&m->answers, ANSWER_ZONEINFO);
	bool counted = field == ZONE_FIELD_MANAGED || field == ZONE_FIELD_CMA;
	bool known = counted ? m->reserved_known : reserves_known(m);

	a->nid = z->nid;
	a->type = (int32_t)z->type;
	a->index = field;
	a->v[0] = value;
	if (!known && field >= ZONE_FIELD_MANAGED && field != ZONE_FIELD_START_PFN && z->present) {
		a->basis = BASIS_UNDERIVABLE;
		a->reason = "managed pages follow from what was reserved, which is not in the log";
	}
}

static void answer_zoneinfo(struct machine *m)
{
	bool highs = fact_get(&m->facts, FACT_pcp_high_auto);

	for (uint32_t n = 0; n < m->node_count && m->node_count <= 64; n++) {
		if (!m->nodes[n].possible)
			continue;
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &m->nodes[n].zones[t];
			struct answer *a;

			if (!(m->config.zones_mask >> t & 1))
				continue;
			answer_field(m, z, ZONE_FIELD_SPANNED, z->spanned);
			answer_field(m, z, ZONE_FIELD_PRESENT, z->present);
			answer_field(m, z, ZONE_FIELD_MANAGED, z->managed);
			answer_field(m, z, ZONE_FIELD_CMA, z->cma);
			answer_field(m, z, ZONE_FIELD_MIN, z->watermark[WMARK_MIN]);
			answer_field(m, z, ZONE_FIELD_LOW, z->watermark[WMARK_LOW]);
			answer_field(m, z, ZONE_FIELD_HIGH, z->watermark[WMARK_HIGH]);
			answer_field(m, z, ZONE_FIELD_PROMO, z->watermark[WMARK_PROMO]);
			a = answers_add(&m->answers, ANSWER_PROTECTION);
			a->nid = (int32_t)n;
			a->type = (int32_t)t;
			if (!reserves_known(m)) {
				a->basis = BASIS_UNDERIVABLE;
				a->reason = "managed pages follow from what was reserved, which is "
					    "not in the log";
			}
			for (unsigned int j = 0; j < ZONE_TYPE_COUNT; j++)
				if (m->config.zones_mask >> j & 1)
					answers_push(&m->answers, (uint32_t)z->lowmem_reserve[j]);
			if (!z->present)
				continue;
			answer_field(m, z, ZONE_FIELD_START_PFN, z->start_pfn);
			answer_field(m, z, ZONE_FIELD_PCP_BATCH, z->batch);
			if (highs) {
				answer_field(m, z, ZONE_FIELD_PCP_HIGH_MIN, z->high_min);
				answer_field(m, z, ZONE_FIELD_PCP_HIGH_MAX, z->high_max);
			} else {
				answer_field(m, z, ZONE_FIELD_PCP_HIGH, z->high);
			}
			answer_field(m, z, ZONE_FIELD_STAT_THRESHOLD, z->stat_threshold);
		}
	}
}

/* sysctl.vm.* options of the command line are written when the boot is over. */
static void apply_sysctls(struct machine *m)
{
	struct wmark_input w = reserves_input(m);

	reserves_write_settings(m);
	if (!m->cmdline.sysctl_lowmem_set)
		return;
	w.lowmem_ratio = m->cmdline.sysctl_lowmem_ratio;
	w.lowmem_ratio_count = m->cmdline.sysctl_lowmem_count;
	wmark_setup_lowmem_reserve(&w);
	m->totalreserve = wmark_totalreserve_pages(&w);
}

bool handover_is_late_free(const struct boot_step *s)
{
	return s->kind == STEP_FREE && !strncmp(s->name, "efi_free_boot_services", 22);
}

void handover_late(struct machine *m, const struct boot_input *in)
{
	bool early_alternatives = arch_is_x86(&m->config) &&
				  fact_get(&m->facts, FACT_alternatives_freed_before_initcalls);
	bool early_gigantic = fact_get(&m->facts, FACT_gigantic_pages_joined_early);
	bool watermark_pagesets = fact_get(&m->facts, FACT_pcp_high_from_low_wmark);
	bool sized_early = fact_get(&m->facts, FACT_pcp_sized_early);
	bool discard_first = fact_get(&m->facts, FACT_memblock_arrays_in_blocks);
	bool after_initrd = fact_get(&m->facts, FACT_wmark_after_initrd);
	struct answer *a;

	m->stage = STAGE_LATE;
	for (uint32_t n = 0; n < m->node_count; n++)
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
			m->nodes[n].zones[t].joined = m->nodes[n].zones[t].counted =
				m->nodes[n].zones[t].managed;
	count_cpus(m, in);
	if (sized_early)
		size_pagesets_early(m);
	/* Firmware memory kept for a while (EFI boot services) comes back before SMP bring-up. */
	for (uint32_t i = 0; i < in->step_count; i++)
		if (in->steps[i].kind == STEP_FREE_LATE || handover_is_late_free(&in->steps[i]))
			give_back_undeferred(m, in->steps[i].base,
					     in->steps[i].base + in->steps[i].size);
	/* Page sets are sized while the deferred pages are still away, in the kernels that never look again. */
	if (early_alternatives)
		late_frees(m, in, LATE_ALTERNATIVES);
	if (early_gigantic)
		join_gigantic(m, in);
	hash_tables_answer(m, HASH_GROUP_VFS, UINT32_MAX);
	if (fact_get(&m->facts, FACT_memory_line_after_deferred))
		handover_answer_memory(m, in);
	if (discard_first)
		discard_memblock(m);
	handover_lists_deferred(m);
	if (!discard_first)
		discard_memblock(m);
	if (!watermark_pagesets && !sized_early)
		reserves_size_pagesets(m, 0);
	if (after_initrd)
		late_frees(m, in, LATE_INITRD);
	if (fact_get(&m->facts, FACT_wmark_after_cma))
		activate_cma(m);
	reserves_compute(m);
	handover_lists_reserve_blocks(m);
	if (!fact_get(&m->facts, FACT_wmark_after_cma))
		activate_cma(m);
	if (watermark_pagesets && !sized_early)
		reserves_size_pagesets(m, 0);
	if (!early_alternatives)
		late_frees(m, in, LATE_ALTERNATIVES);
	hash_tables_answer(m, HASH_GROUP_CORE, UINT32_MAX);
	free_boot_services(m, in);
	if (!early_gigantic)
		join_gigantic(m, in);
	{
		uint64_t before = m->min_free_kbytes;

		reserves_raise_for_khugepaged(m);
		if (watermark_pagesets && !sized_early && m->min_free_kbytes != before)
			reserves_size_pagesets(m, 0);
	}
	late_frees(m, in, after_initrd ? LATE_OTHERS : LATE_INITRD | LATE_OTHERS);
	if (fact_get(&m->facts, FACT_lowmem_reserve_follows_managed)) {
		struct wmark_input w = reserves_input(m);

		wmark_setup_lowmem_reserve(&w);
		m->totalreserve = wmark_totalreserve_pages(&w);
	}
	hash_tables_answer(m, HASH_GROUP_LATE, UINT32_MAX);
	apply_sysctls(m);
	a = answers_add(&m->answers, ANSWER_MIN_FREE_KBYTES);
	a->v[0] = m->min_free_kbytes;
	a->basis = reserves_known(m) ? BASIS_PREDICTED : BASIS_UNDERIVABLE;
	answer_kb(m, ANSWER_MEMTOTAL, m->totalram,
		  m->reserved_known ? NULL : "what was reserved is not in the log");
	answer_zoneinfo(m);
}
