/* SPDX-License-Identifier: MIT */
/*
 * Free ranges come from memblock in address order.  How one is cut into blocks depends on the kernel:
 *
 *   largest blocks	every block as large as its alignment and the range allow (3.12 and later)
 *   words		pages up to a multiple of 64, then 64 at a time, then pages (nobootmem, 3.x)
 *   bitmap words	words of the bootmem bitmap, counted from the start of the node: 64 pages at a
 *			time where a word is wholly free, else page by page (2.6.32)
 *
 * Highmem is freed page by page: on i386 before everything else, on arm after it; since 6.15 it is freed
 * like all memory.  (mem_init() and memblock_free_all() of 2.6.32, 4.4, 5.10, 6.1, 6.12)
 */
#include "engine/handover_lists.h"

#include <stdlib.h>

#include "engine/buddy_pending.h"
#include "engine/memmap.h"

/* Values of the fact handover_chunks. */
enum handover_chunks { CHUNKS_BITMAP_WORDS = 0, CHUNKS_WORDS = 1, CHUNKS_LARGEST = 2 };

/* Values of the fact deferred_threads. */
enum deferred_threads {
	THREADS_ONE = 0,
	THREADS_X86 = 1, /* x86: a thread a CPU for each free range */
	THREADS_ALL = 2, /* everywhere */
	THREADS_ZONE = 3, /* and one job for the whole zone */
};

/*
 * The zone of node @nid that @pfn is in, or none, and in @until up to where that may be so, which is @end at
 * most.
 */
static uint32_t zone_of(const struct buddy *b, int32_t nid, pfn_t pfn, pfn_t end, pfn_t *until)
{
	const struct node_range *range = buddy_memory_at(b, pfn);

	*until = range ? min_u64(end, range->end) : end;
	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		const struct buddy_zone *z = &b->zones[zone];

		if (z->nid != nid || pfn < z->start || pfn >= z->end ||
		    (range && range->zone && range->zone != (unsigned int)z->type + 1))
			continue;
		*until = min_u64(range && range->zone ? *until : end, z->end);
		return zone;
	}
	return BUDDY_ZONE_NONE;
}

static bool zone_is_high(const struct machine *m, uint32_t zone)
{
	return zone_is_highmem(m->buddy->zones[zone].type, &m->limits, m->config.zones_mask);
}

/* ---- pageblocks ---------------------------------------------------------------------------------- */

/* memmap_init(): pageblocks become Movable, except where their first page waits or does not exist. */
static void init_block_types(struct machine *m)
{
	struct buddy *b = m->buddy;

	if (!fact_get(&m->facts, FACT_memmap_init_by_region)) {
		b->hole_type = MIGRATE_MOVABLE;
		for (uint32_t zone = 0; zone < b->zone_count; zone++)
			buddy_set_block_types(
				b, zone, b->zones[zone].start,
				min_u64(b->zones[zone].end,
					m->nodes[b->zones[zone].nid].first_deferred_pfn),
				MIGRATE_MOVABLE);
		return;
	}
	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		const struct buddy_zone *z = &b->zones[zone];

		for (uint32_t r = 0; r < m->range_count; r++) {
			pfn_t end = min_u64(m->ranges[r].end, z->end);

			if (m->ranges[r].nid != z->nid || m->ranges[r].end <= z->start)
				continue;
			if (m->ranges[r].start >= z->end)
				break;
			buddy_set_block_types(b, zone, max_u64(m->ranges[r].start, z->start),
					      min_u64(end, m->nodes[z->nid].first_deferred_pfn),
					      MIGRATE_MOVABLE);
		}
	}
}

/* The struct page of a reserved page above the deferred line is initialised, and its block with it. */
static void init_reserved_types(struct machine *m)
{
	struct buddy *b = m->buddy;

	if (!fact_get(&m->facts, FACT_deferred_reserved_movable))
		return;
	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		const struct buddy_zone *z = &b->zones[zone];
		pfn_t deferred = m->nodes[z->nid].first_deferred_pfn;

		if (deferred >= z->end)
			continue;
		for (uint32_t i = 0; i < m->mb.reserved.cnt; i++) {
			const struct memblock_region *r = &m->mb.reserved.regions[i];
			pfn_t start = pfn_down(r->base, b->page_shift);
			pfn_t end = pfn_up(r->base + r->size, b->page_shift);

			buddy_set_block_types(b, zone, max_u64(max_u64(start, z->start), deferred),
					      min_u64(end, z->end), MIGRATE_MOVABLE);
		}
	}
}

/* ---- memblock_free_all --------------------------------------------------------------------------- */

/* The largest block that begins at @start and does not reach beyond @end. */
static unsigned int largest_order(pfn_t start, pfn_t end, unsigned int max_order)
{
	unsigned int order = max_order;

	while (order && (start & ((1ULL << order) - 1) || end - start < 1ULL << order))
		order--;
	return order;
}

/* [start, end) of node @nid in largest blocks; each goes to the zone of its first page. */
static void free_largest(struct machine *m, int32_t nid, pfn_t start, pfn_t end)
{
	struct buddy *b = m->buddy;

	while (start < end) {
		pfn_t stop;
		uint32_t zone = zone_of(b, nid, start, end, &stop);

		if (zone == BUDDY_ZONE_NONE) {
			start = stop;
			continue;
		}
		while (start < stop) {
			unsigned int order = largest_order(start, end, b->max_order);

			buddy_free(b, zone, start, order, BUDDY_PLACE_FRESH);
			start += 1ULL << order;
		}
	}
}

/*
 * [start, end) of node @nid in words of the bitmap, where they are whole and end before @words_end, and page by
 * page elsewhere.  Within a zone both come to the same, see buddy_free_pages(); a word goes to the zone of its
 * first page, as a whole.
 */
static void free_words(struct machine *m, int32_t nid, pfn_t start, pfn_t end, pfn_t words_end)
{
	struct buddy *b = m->buddy;
	unsigned int order = m->config.pointer_bytes == 8 ? 6 : 5;
	uint64_t word = 1ULL << order;

	while (start < end) {
		pfn_t stop, last;
		uint32_t zone = zone_of(b, nid, start, end, &stop);

		if (zone == BUDDY_ZONE_NONE) {
			start = stop;
			continue;
		}
		last = round_down_to(stop, word);
		if (last >= start && last < stop && end - last >= word && last + word < words_end) {
			buddy_free_pages(b, zone, start, last, BUDDY_PLACE_FRESH);
			buddy_free(b, zone, last, order, BUDDY_PLACE_FRESH);
			start = last + word;
		} else {
			buddy_free_pages(b, zone, start, stop, BUDDY_PLACE_FRESH);
			start = stop;
		}
	}
}

/* Where words of node @nid end that bootmem frees as such: nowhere, if its bitmap begins within one. */
static pfn_t bootmem_words_end(const struct machine *m, int32_t nid)
{
	const struct node *node = &m->nodes[nid];

	if (node->start_pfn % (m->config.pointer_bytes == 8 ? 64 : 32))
		return 0;
	return m->config.highmem ? min_u64(node->end_pfn, m->max_low_pfn) : node->end_pfn;
}

static void hand_over(struct machine *m, int32_t nid, pfn_t start, pfn_t end)
{
	pfn_t deferred = m->nodes[nid].first_deferred_pfn;
	pfn_t stop = min_u64(end, deferred);

	if (start < stop) {
		switch ((enum handover_chunks)fact_get(&m->facts, FACT_handover_chunks)) {
		case CHUNKS_BITMAP_WORDS:
			free_words(m, nid, start, stop, bootmem_words_end(m, nid));
			break;
		case CHUNKS_WORDS:
			free_words(m, nid, start, stop, PFN_NONE);
			break;
		case CHUNKS_LARGEST:
			free_largest(m, nid, start, stop);
			break;
		}
	}
	/* Only the last zone of a node is deferred, so what waits is all in one zone. */
	start = max_u64(start, deferred);
	if (start < end) {
		uint32_t zone = zone_of(m->buddy, nid, start, end, &stop);

		if (zone != BUDDY_ZONE_NONE)
			buddy_add_pending(m->buddy, zone, start, end);
	}
}

/*
 * Walks what memblock has free.  Ranges of one node that touch are joined only for the bitmap of
 * bootmem, which does not know regions.
 */
static void walk_free(struct machine *m, pfn_t limit)
{
	struct memblock_cursor cursor = { 0 };
	bool join = fact_get(&m->facts, FACT_handover_chunks) == CHUNKS_BITMAP_WORDS;
	pfn_t start = 0, end = 0;
	int32_t nid, last = 0;
	phys_t s, e;

	while (memblock_next_free(&m->mb, &cursor, &s, &e, &nid)) {
		pfn_t from = pfn_up(s, m->config.page_shift);
		pfn_t to = min_u64(pfn_down(e, m->config.page_shift), limit);

		if (from >= to)
			continue;
		if (!nid_within(nid, m->node_count))
			nid = 0;
		if (join && end == from && last == nid) {
			end = to;
			continue;
		}
		if (start < end)
			hand_over(m, last, start, end);
		start = from;
		end = to;
		last = nid;
	}
	if (start < end)
		hand_over(m, last, start, end);
}

/* Page by page, zone by zone.  i386 takes all of a zone that is highmem for high, others what is above low memory. */
static void free_highmem(struct machine *m)
{
	pfn_t low = m->config.arch == ARCH_I386 ? 0 : m->max_low_pfn;
	struct buddy *b = m->buddy;

	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		pfn_t first = max_u64(b->zones[zone].start, low);
		struct memblock_cursor cursor = { 0 };
		phys_t s, e;
		int32_t nid;

		if (!zone_is_high(m, zone))
			continue;
		while (memblock_next_free(&m->mb, &cursor, &s, &e, &nid)) {
			pfn_t from = max_u64(pfn_up(s, b->page_shift), first);
			pfn_t to = min_u64(pfn_down(e, b->page_shift), b->zones[zone].end);

			if (nid_within(nid, m->node_count) && nid != b->zones[zone].nid)
				continue;
			for (pfn_t stop; from < to; from = stop) {
				uint32_t has = zone_of(b, b->zones[zone].nid, from, to, &stop);

				if (has == zone)
					buddy_free_pages(b, zone, from, stop, BUDDY_PLACE_FREED);
			}
		}
	}
}

/*
 * Ranges cut where the pages of a node change their zone, each with its own, into @ret unless that is NULL.
 * Returns how many there are.
 */
static uint32_t cut_by_links(const struct machine *m, struct node_range *ret)
{
	uint32_t count = 0;

	for (uint32_t r = 0; r < m->range_count; r++) {
		struct node_range part = m->ranges[r];
		struct memmap_link link;

		for (pfn_t end = part.end; part.start < end; part.start = part.end) {
			if (memmap_link_at(m, part.start, end, &link, &part.end) &&
			    link.nid == part.nid)
				part.zone = (uint8_t)(link.type + 1);
			else
				part.zone = m->ranges[r].zone;
			if (ret)
				ret[count] = part;
			count++;
		}
	}
	return count;
}

/* Where zones span the same pages, the lists are laid out by what each page is linked to. */
static void init_lists(struct machine *m)
{
	const struct node_range *ranges = m->ranges;
	uint32_t count = m->range_count;
	struct node_range *cut = NULL;
	bool share = false;

	for (uint32_t n = 0; n < m->node_count; n++)
		share |= memmap_zones_share(m, (int32_t)n);
	if (share) {
		count = cut_by_links(m, NULL);
		cut = malloc(((size_t)count + 1) * sizeof(*cut));
		if (!cut) {
			m->out_of_memory = true;
			return;
		}
		cut_by_links(m, cut);
		ranges = cut;
	}
	buddy_init(m->buddy, &m->config, &m->facts, m->nodes, m->node_count, ranges, count);
	m->out_of_memory |= m->buddy->out_of_memory;
	free(cut);
}

void handover_lists_free_all(struct machine *m)
{
	bool apart, first;

	if (!m->want_lists)
		return;
	if (!m->buddy) {
		m->buddy = m->spare_buddy;
		m->spare_buddy = NULL;
	}
	if (!m->buddy)
		m->buddy = calloc(1, sizeof(*m->buddy));
	if (!m->buddy) {
		m->out_of_memory = true;
		return;
	}
	init_lists(m);
	if (m->out_of_memory)
		return;
	init_block_types(m);
	m->buddy->mobility_off = m->mobility_off;
	init_reserved_types(m);
	apart = m->config.highmem && !fact_get(&m->facts, FACT_highmem_freed_with_lowmem);
	first = m->config.arch == ARCH_I386 && fact_get(&m->facts, FACT_i386_highmem_first);
	if (apart && first)
		free_highmem(m);
	walk_free(m, apart ? m->max_low_pfn : PFN_NONE);
	if (apart && !first)
		free_highmem(m);
	m->out_of_memory |= m->buddy->out_of_memory;
}

/* ---- deferred memory ------------------------------------------------------------------------------- */

/* Could several threads have freed these pages? */
static bool threads_race(const struct machine *m, const struct buddy_pending *p)
{
	const struct buddy_zone *z = &m->buddy->zones[p->zone];
	enum deferred_threads threads =
		(enum deferred_threads)fact_get(&m->facts, FACT_deferred_threads);
	uint64_t section = arch_section_pages(&m->config);
	pfn_t start = p->start, end = p->end;

	if (threads == THREADS_ONE || !section || m->nodes[z->nid].cpus < 2 ||
	    (threads == THREADS_X86 && m->config.arch != ARCH_X86_64))
		return false;
	if (threads == THREADS_ZONE && m->nodes[z->nid].first_deferred_pfn < z->end) {
		start = m->nodes[z->nid].first_deferred_pfn;
		end = z->end;
	}
	return round_up_to(end, section) - start >= 2 * section;
}

void handover_lists_deferred(struct machine *m)
{
	struct buddy *b = m->buddy;

	if (!b)
		return;
	for (uint32_t i = 0; i < b->pending_count; i++)
		b->order_threads |= threads_race(m, &b->pending[i]);
	buddy_pending_join(b);
	m->out_of_memory |= b->out_of_memory;
}

/* ---- later ----------------------------------------------------------------------------------------- */

/* The first page at or after @pfn that is memory of @zone and not free; PFN_NONE if there is none. */
static pfn_t next_in_use(const struct buddy *b, uint32_t zone, pfn_t pfn)
{
	const struct buddy_zone *z = &b->zones[zone];

	for (uint32_t s = z->first_span; s < z->first_span + z->span_count; s++) {
		pfn_t end =
			min_u64((b->spans[s].start + b->spans[s].count) << b->max_order, z->end);
		struct buddy_block found;

		pfn = max_u64(pfn, max_u64(b->spans[s].start << b->max_order, z->start));
		while (pfn < end && buddy_find(b, zone, pfn, &found))
			pfn = found.pfn + (1ULL << found.order);
		if (pfn < end)
			return pfn;
	}
	return PFN_NONE;
}

void handover_lists_give_back(struct machine *m, pfn_t start, pfn_t end,
			      enum handover_source source)
{
	struct buddy *b = m->buddy;
	bool blocks = source == HANDOVER_DISCARD &&
		      fact_get(&m->facts, FACT_memblock_arrays_in_blocks);
	uint64_t left = end - start, block;
	uint32_t zone;

	if (!b || start >= end || source == HANDOVER_GIGANTIC)
		return;
	zone = buddy_zone_at(b, start);
	if (zone == BUDDY_ZONE_NONE)
		return;
	if (source == HANDOVER_RESERVED)
		b->order_pagesets = true;
	block = 1ULL << b->pageblock_order;
	while (left && !b->out_of_memory) {
		unsigned int order = 0;
		pfn_t pfn = next_in_use(b, zone, start);

		if (pfn == PFN_NONE)
			return;
		b->places_guessed |= pfn != start;
		if (source == HANDOVER_CMA && pfn % block == 0 && left >= block) {
			order = b->pageblock_order;
			buddy_set_block_type(b, zone, pfn, MIGRATE_CMA);
		} else if (blocks) {
			order = largest_order(pfn, pfn + left, b->max_order);
		}
		buddy_free(b, zone, pfn, order,
			   source == HANDOVER_DISCARD ? BUDDY_PLACE_FRESH : BUDDY_PLACE_FREED);
		start = pfn + (1ULL << order);
		left -= 1ULL << order;
	}
	m->out_of_memory |= b->out_of_memory;
}

/* Is the struct page at @pfn that of memory which was never handed over? */
static bool is_reserved(const struct machine *m, int32_t nid, pfn_t pfn)
{
	phys_t addr = pfn_phys(pfn, m->config.page_shift);
	const struct memblock_region *r = memblock_region_at(&m->mb, MEMBLOCK_MEMORY, addr);

	return !r || (r->nid >= 0 && r->nid != nid) ||
	       memblock_overlaps(&m->mb, MEMBLOCK_RESERVED, addr, arch_page_size(&m->config));
}

void handover_lists_reserve_blocks(struct machine *m)
{
	struct buddy *b = m->buddy;
	uint64_t block;

	if (!b || !fact_get(&m->facts, FACT_migrate_reserve))
		return;
	block = 1ULL << b->pageblock_order;
	for (uint32_t zone = 0; zone < b->zone_count; zone++) {
		const struct buddy_zone *z = &b->zones[zone];
		uint64_t wanted = m->nodes[z->nid].zones[z->type].watermark[WMARK_MIN];

		wanted = min_u64(2, (wanted + block - 1) / block);
		for (uint32_t s = z->first_span; s < z->first_span + z->span_count && wanted; s++) {
			pfn_t pfn = max_u64(b->spans[s].start << b->max_order, z->start);
			pfn_t end = (b->spans[s].start + b->spans[s].count) << b->max_order;

			for (; pfn < end && pfn < z->end && wanted; pfn += block) {
				enum migratetype type = buddy_block_type(b, zone, pfn);

				if (is_reserved(m, z->nid, pfn))
					continue;
				if (type == MIGRATE_MOVABLE) {
					buddy_set_block_type(b, zone, pfn, MIGRATE_RESERVE);
					buddy_move_block(b, zone, pfn, MIGRATE_RESERVE, false);
				} else if (type != MIGRATE_RESERVE) {
					continue;
				}
				wanted--;
			}
		}
	}
}
