/* SPDX-License-Identifier: MIT */
/*
 * How it works
 *
 * 1. A type is one sorted array.  Every verb finds its place by bisection, touches the regions in
 *    its range and looks at their two outer neighbours: as lists are minimal before a verb, only
 *    there can a merge arise.  The one exception is noted in the type (unmerged) and costs a whole
 *    pass.
 * 2. An insertion first counts the gaps it fills, then makes the kernel's array double as often as
 *    cnt + gaps > max, and only then inserts.  The kernel's one-pass shortcut for arrays that are
 *    less than half full needs no model: 2 * cnt + 1 regions always fit there, so no doubling is
 *    skipped.
 * 3. Our buffers (room) and the kernel's (max) are two things.  max doubles by the kernel's rule,
 *    with the new array placed and reserved in the modelled memory; room only ever grows.
 * 4. A search walks free gaps from one end, memory and reserved lists side by side.  It begins by
 *    bisection at the end it was given and stops when it passes the other.
 *
 * Where the kernel does something odd it is kept and marked "quirk".
 *
 * Behaviour from Linux mm/memblock.c of 3.10, 4.4, 5.10, 6.1, 6.12 and 7.2.
 */
#include "engine/memblock.h"

#include <stdlib.h>
#include <string.h>

static bool double_array(struct memblock *mb, enum memblock_which which, phys_t area_base,
			 uint64_t area_size, bool reserving);

static struct memblock_type *type_of(struct memblock *mb, enum memblock_which which)
{
	return which == MEMBLOCK_MEMORY ? &mb->memory : &mb->reserved;
}

static const struct memblock_type *const_type_of(const struct memblock *mb,
						 enum memblock_which which)
{
	return which == MEMBLOCK_MEMORY ? &mb->memory : &mb->reserved;
}

static inline phys_t region_end(const struct memblock_region *r)
{
	return r->base + r->size;
}

/* The kernel's rounding is by masks and wraps at the width of its addresses. */
static inline phys_t mask_up(const struct memblock *mb, phys_t x, uint64_t align)
{
	return (((x - 1) | (align - 1)) + 1) & mb->phys_max;
}

static inline phys_t mask_down(phys_t x, uint64_t align)
{
	return x & ~(align - 1);
}

static inline uint64_t cap_size(const struct memblock *mb, phys_t base, uint64_t size)
{
	if (base > mb->phys_max)
		return 0;
	return min_u64(size, mb->phys_max - base);
}

static void tell(const struct memblock *mb, const struct memblock_event *event)
{
	if (mb->observer)
		mb->observer(mb->observer_ctx, event);
}

/* ---- Life ---- */

static bool ensure_room(struct memblock *mb, struct memblock_type *type, uint32_t count)
{
	struct memblock_region *regions;
	uint32_t room = type->room;

	if (count <= room)
		return true;
	while (room < count)
		room = room ? 2 * room : 16;
	regions = realloc(type->regions, room * sizeof(*regions));
	if (!regions) {
		mb->out_of_memory = true;
		return false;
	}
	type->regions = regions;
	type->room = room;
	return true;
}

static void type_reset(struct memblock_type *type)
{
	type->cnt = 0;
	type->max = type->init_max;
	type->total_size = 0;
	type->array_allocated = false;
	type->array_base = 0;
	type->array_bytes = 0;
	type->trimmed = false;
	type->unmerged = false;
}

void memblock_reset(struct memblock *mb)
{
	type_reset(&mb->memory);
	type_reset(&mb->reserved);
	mb->current_limit = mb->phys_max;
	mb->bottom_up = false;
	mb->can_resize = false;
	mb->movable_node = false;
	mb->has_mirror = false;
	mb->scratch_only = false;
	mb->kernel_end = 0;
	mb->slab_available = false;
	mb->panicked = false;
	mb->out_of_memory = false;
}

void memblock_init(struct memblock *mb, const struct facts *facts, unsigned int page_shift,
		   uint32_t memory_max, uint32_t reserved_max)
{
	memset(mb, 0, sizeof(*mb));
	memblock_renew(mb, facts, page_shift, memory_max, reserved_max);
}

void memblock_renew(struct memblock *mb, const struct facts *facts, unsigned int page_shift,
		    uint32_t memory_max, uint32_t reserved_max)
{
	mb->observer = NULL;
	mb->observer_ctx = NULL;
	mb->facts = facts;
	mb->page_shift = page_shift;
	mb->region_bytes = 24;
	mb->smp_cache_bytes = 64;
	mb->phys_max = PHYS_MAX;
	mb->memory.init_max = memory_max;
	mb->reserved.init_max = reserved_max;
	memblock_reset(mb);
	ensure_room(mb, &mb->memory, memory_max);
	ensure_room(mb, &mb->reserved, reserved_max);
}

void memblock_deinit(struct memblock *mb)
{
	free(mb->memory.regions);
	free(mb->reserved.regions);
	memset(mb, 0, sizeof(*mb));
}

static void type_copy(struct memblock *mb, struct memblock_type *dst,
		      const struct memblock_type *src)
{
	struct memblock_region *regions;
	uint32_t room;

	if (!ensure_room(mb, dst, src->cnt))
		return;
	regions = dst->regions;
	room = dst->room;
	*dst = *src;
	dst->regions = regions;
	dst->room = room;
	if (src->cnt)
		memcpy(regions, src->regions, src->cnt * sizeof(*regions));
}

void memblock_copy(struct memblock *dst, const struct memblock *src)
{
	struct memblock_type memory = dst->memory, reserved = dst->reserved;

	*dst = *src;
	type_copy(dst, &memory, &src->memory);
	type_copy(dst, &reserved, &src->reserved);
	dst->memory = memory;
	dst->reserved = reserved;
}

/* ---- Lists ---- */

/* Index of the first region that ends above @addr; cnt if none. */
static uint32_t first_ending_above(const struct memblock_type *type, phys_t addr)
{
	uint32_t lo = 0, hi = type->cnt;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (region_end(&type->regions[mid]) <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Index of the first region that starts at or above @addr; cnt if none. */
static uint32_t first_starting_from(const struct memblock_type *type, phys_t addr)
{
	uint32_t lo = 0, hi = type->cnt;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (type->regions[mid].base < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool joinable(const struct memblock_region *low, const struct memblock_region *high)
{
	return region_end(low) == high->base && low->nid == high->nid && low->flags == high->flags;
}

/* Joins neighbours among regions [start - 1, end]. */
static void merge_window(struct memblock_type *type, uint32_t start, uint32_t end)
{
	struct memblock_region *r = type->regions;
	uint32_t kept, last;

	if (type->cnt < 2)
		return;
	kept = start ? start - 1 : 0;
	last = end < type->cnt - 1 ? end : type->cnt - 1;
	if (kept >= last)
		return;
	for (uint32_t i = kept + 1; i <= last; i++) {
		if (joinable(&r[kept], &r[i]))
			r[kept].size += r[i].size;
		else
			r[++kept] = r[i];
	}
	if (kept == last)
		return;
	memmove(&r[kept + 1], &r[last + 1], (type->cnt - last - 1) * sizeof(*r));
	type->cnt -= last - kept;
}

/*
 * Merges after a change to regions [start, end).  Kernels that scan everything differ only when
 * mergeable neighbours were left elsewhere.
 */
static void merge(struct memblock *mb, struct memblock_type *type, uint32_t start, uint32_t end)
{
	if (type->unmerged && fact_get(mb->facts, FACT_memblock_merges_everywhere)) {
		merge_window(type, 0, type->cnt);
		type->unmerged = false;
		return;
	}
	merge_window(type, start, end);
}

static void delete_regions(struct memblock_type *type, uint32_t start, uint32_t end)
{
	if (start == end)
		return;
	for (uint32_t i = start; i < end; i++)
		type->total_size -= type->regions[i].size;
	memmove(&type->regions[start], &type->regions[end],
		(type->cnt - end) * sizeof(*type->regions));
	type->cnt -= end - start;
}

/* Gaps of [base, end) that regions [first, *last) leave; *last is the first region above. */
static uint32_t count_gaps(const struct memblock_type *type, uint32_t first, phys_t base,
			   phys_t end, uint32_t *last)
{
	uint32_t i, gaps = 0;

	for (i = first; i < type->cnt && type->regions[i].base < end; i++) {
		if (type->regions[i].base > base)
			gaps++;
		base = min_u64(region_end(&type->regions[i]), end);
	}
	*last = i;
	return gaps + (base < end);
}

/*
 * Fills the gaps of [base, end) between regions [first, last), from above so that each region moves
 * once:
 *
 *	            base                         end
 *	  before:   |      [ A ]       [ B ]     |      [ C ]
 *	  after:    [ new ][ A ][ new ][ B ][ new]      [ C ]
 */
static void fill_gaps(struct memblock *mb, struct memblock_type *type, uint32_t first,
		      uint32_t last, uint32_t gaps, phys_t base, phys_t end, int32_t nid,
		      uint32_t flags)
{
	struct memblock_region *r = type->regions;
	uint32_t to = last + gaps, lowest = 0, highest = 0;
	phys_t high = end;

	memmove(&r[to], &r[last], (type->cnt - last) * sizeof(*r));
	type->cnt += gaps;
	for (uint32_t i = last;; i--) {
		phys_t low = i > first ? region_end(&r[i - 1]) : base;

		if (low < high) {
			r[--to] = (struct memblock_region){
				.base = low, .size = high - low, .flags = flags, .nid = nid
			};
			type->total_size += high - low;
			if (!highest)
				highest = to + 1;
			lowest = to;
		}
		if (i == first)
			break;
		high = r[i - 1].base;
		r[--to] = r[i - 1];
	}
	merge(mb, type, lowest, highest);
}

static bool add_range(struct memblock *mb, enum memblock_which which, phys_t base, uint64_t size,
		      int32_t nid, uint32_t flags)
{
	struct memblock_type *type = type_of(mb, which);
	uint32_t first, last, gaps;
	phys_t end;

	size = cap_size(mb, base, size);
	end = base + size;
	if (!size)
		return true;

	if (!type->cnt) {
		if (!ensure_room(mb, type, 1))
			return false;
		type->regions[0] = (struct memblock_region){
			.base = base, .size = size, .flags = flags, .nid = nid
		};
		type->cnt = 1;
		/* Quirk: set, not added: forgets what trim_memory left behind. */
		type->total_size = size;
		type->trimmed = false;
		return true;
	}

	first = first_ending_above(type, base);
	gaps = count_gaps(type, first, base, end, &last);
	if (!gaps)
		return true;
	if (type->cnt + gaps > type->max) {
		while (type->cnt + gaps > type->max) {
			if (!double_array(mb, which, base, size, true))
				return false;
		}
		/* The new array may have been reserved in this very list. */
		first = first_ending_above(type, base);
		gaps = count_gaps(type, first, base, end, &last);
		if (!gaps)
			return true;
		if (type->cnt + gaps > type->max) {
			mb->panicked = true;
			return false;
		}
	}
	if (!ensure_room(mb, type, type->cnt + gaps))
		return false;
	fill_gaps(mb, type, first, last, gaps, base, end, nid, flags);
	return true;
}

/* Cuts region @i at @addr, which lies inside it. */
static void split(struct memblock_type *type, uint32_t i, phys_t addr)
{
	struct memblock_region *r = &type->regions[i];

	memmove(r + 1, r, (type->cnt - i) * sizeof(*r));
	type->cnt++;
	r[0].size = addr - r[0].base;
	r[1].base = addr;
	r[1].size -= r[0].size;
}

/*
 * Cuts regions at both edges of the range; *start and *end become the indices of the regions
 * inside, 0 and 0 when there are none.  Quirk: room for two cuts is demanded even when none is
 * needed.
 */
static bool isolate(struct memblock *mb, enum memblock_which which, phys_t base, uint64_t size,
		    uint32_t *start, uint32_t *end)
{
	struct memblock_type *type = type_of(mb, which);
	uint32_t first, last;
	phys_t limit;

	*start = *end = 0;
	size = cap_size(mb, base, size);
	if (!size)
		return true;
	limit = base + size;
	while (max_u64(type->cnt, fact_get(mb->facts, FACT_memblock_dummy_region)) + 2 >
	       type->max) {
		if (!double_array(mb, which, base, size, false))
			return false;
	}
	if (!ensure_room(mb, type, type->cnt + 2))
		return false;

	first = first_ending_above(type, base);
	if (first == type->cnt || type->regions[first].base >= limit)
		return true;
	if (type->regions[first].base < base)
		split(type, first++, base);
	last = first;
	while (last < type->cnt && type->regions[last].base < limit)
		last++;
	if (region_end(&type->regions[last - 1]) > limit)
		split(type, last - 1, limit);
	*start = first;
	*end = last;
	return true;
}

static bool remove_range(struct memblock *mb, enum memblock_which which, phys_t base, uint64_t size)
{
	uint32_t start, end;

	if (!isolate(mb, which, base, size, &start, &end))
		return false;
	delete_regions(type_of(mb, which), start, end);
	return true;
}

/* ---- Search ---- */

static uint32_t choose_flags(const struct memblock *mb)
{
	if (mb->scratch_only)
		return MEMBLOCK_KHO_SCRATCH;
	return mb->has_mirror ? MEMBLOCK_MIRROR : 0;
}

struct filter {
	uint32_t forbidden, required;
	int32_t nid;
};

static struct filter make_filter(const struct memblock *mb, int32_t nid, uint32_t flags)
{
	struct filter f = { .nid = nid };

	f.forbidden = (MEMBLOCK_NOMAP | MEMBLOCK_DRIVER_MANAGED) & ~flags;
	if (mb->movable_node)
		f.forbidden |= MEMBLOCK_HOTPLUG & ~flags;
	f.required = (MEMBLOCK_MIRROR | MEMBLOCK_KHO_SCRATCH) & flags;
	return f;
}

static inline bool passes(const struct filter *f, const struct memblock_region *r)
{
	return (f->nid < 0 || f->nid == r->nid) && !(r->flags & f->forbidden) &&
	       !(~r->flags & f->required);
}

/*
 * Both searches see the gaps that for_each_free_mem_range() and its reverse give, clamped to
 * [start, end).  A size of 0 is the reason why nothing is skipped for it (quirk): a range above
 * @end clamps to nothing at @end, which is room enough for 0 bytes.
 */
static bool find_top_down(const struct memblock *mb, phys_t start, phys_t end, uint64_t size,
			  uint64_t align, const struct filter *filter, phys_t *ret)
{
	const struct memblock_region *mem = mb->memory.regions, *rsv = mb->reserved.regions;
	uint32_t mi = size ? first_starting_from(&mb->memory, end) : mb->memory.cnt;
	uint32_t ri = mb->reserved.cnt;

	if (mi && size)
		ri = first_starting_from(&mb->reserved, min_u64(end, region_end(&mem[mi - 1])));
	while (mi) {
		const struct memblock_region *m = &mem[--mi];
		phys_t high = region_end(m);

		if (size && high <= start)
			return false;
		if (!passes(filter, m))
			continue;
		while (ri && rsv[ri - 1].base >= high)
			ri--;
		for (;;) {
			phys_t low = ri ? max_u64(m->base, region_end(&rsv[ri - 1])) : m->base;

			if (low < region_end(m) && low <= high) {
				phys_t to = clamp_u64(high, start, end);

				low = clamp_u64(low, start, end);
				if (to >= size && mask_down(to - size, align) >= low) {
					*ret = mask_down(to - size, align);
					return true;
				}
				if (size && high <= start)
					return false;
			}
			if (!ri || rsv[ri - 1].base <= m->base)
				break;
			high = rsv[--ri].base;
		}
	}
	return false;
}

static bool find_bottom_up(const struct memblock *mb, phys_t start, phys_t end, uint64_t size,
			   uint64_t align, const struct filter *filter, phys_t *ret)
{
	const struct memblock_region *mem = mb->memory.regions, *rsv = mb->reserved.regions;
	uint32_t mi = first_ending_above(&mb->memory, start), ri = 0;

	if (mi < mb->memory.cnt)
		ri = first_ending_above(&mb->reserved, mem[mi].base);
	for (; mi < mb->memory.cnt; mi++) {
		const struct memblock_region *m = &mem[mi];
		phys_t low = m->base;

		if (low >= end)
			return false;
		if (!passes(filter, m))
			continue;
		while (ri < mb->reserved.cnt && region_end(&rsv[ri]) <= low)
			ri++;
		for (;;) {
			phys_t high = region_end(m);

			if (ri < mb->reserved.cnt)
				high = min_u64(high, rsv[ri].base);
			if (low < high) {
				phys_t from = clamp_u64(low, start, end), cand;

				high = clamp_u64(high, start, end);
				cand = mask_up(mb, from, align);
				if (cand < high && high - cand >= size) {
					*ret = cand;
					/* Quirk: an address that wrapped to 0 means failure. */
					return cand != 0;
				}
			}
			if (ri == mb->reserved.cnt || region_end(&rsv[ri]) >= region_end(m))
				break;
			low = region_end(&rsv[ri++]);
			if (low >= end)
				return false;
		}
	}
	return false;
}

bool memblock_find(const struct memblock *mb, uint64_t size, uint64_t align, phys_t start,
		   phys_t end, int32_t nid, uint32_t flags, phys_t *ret)
{
	struct filter filter = make_filter(mb, nid, flags);

	if (end == MEMBLOCK_ALLOC_ACCESSIBLE || end == MEMBLOCK_ALLOC_NOLEAKTRACE)
		end = mb->current_limit;
	start = max_u64(start, 1ULL << mb->page_shift);
	end = max_u64(start, end);

	if (!mb->bottom_up)
		return find_top_down(mb, start, end, size, align, &filter, ret);
	if (!fact_get(mb->facts, FACT_memblock_bottom_up_after_kernel))
		return find_bottom_up(mb, start, end, size, align, &filter, ret);
	if (end > mb->kernel_end) {
		struct memblock_event event = { .kind = MEMBLOCK_EVENT_BOTTOM_UP_FAILED,
						.size = size,
						.align = align,
						.start = start,
						.end = end,
						.flags = flags,
						.nid = nid };

		if (find_bottom_up(mb, max_u64(start, mb->kernel_end), end, size, align, &filter,
				   ret))
			return true;
		tell(mb, &event);
	}
	return find_top_down(mb, start, end, size, align, &filter, ret);
}

static void tell_mirror_retry(const struct memblock *mb, uint64_t size)
{
	struct memblock_event event = { .kind = MEMBLOCK_EVENT_MIRROR_RETRY,
					.which = MEMBLOCK_MEMORY,
					.size = size,
					.nid = NID_NONE };

	tell(mb, &event);
}

/* ---- Doubling ---- */

static bool reserve_found(struct memblock *mb, phys_t base, uint64_t size, int32_t nid)
{
	struct memblock_event event = { .kind = MEMBLOCK_EVENT_RESERVE,
					.which = MEMBLOCK_RESERVED,
					.base = base,
					.size = size,
					.nid = NID_NONE };

	if (fact_get(mb->facts, FACT_memblock_rsrv_kern)) {
		event.nid = nid;
		event.flags = MEMBLOCK_RSRV_KERN;
	}
	/* Before the insertion, as the kernel prints it: a doubling comes after. */
	tell(mb, &event);
	return add_range(mb, MEMBLOCK_RESERVED, base, size, event.nid, event.flags);
}

/* Room for an array in [start, end): any node, mirrored memory first. */
static bool find_for_array(const struct memblock *mb, phys_t start, phys_t end, uint64_t size,
			   phys_t *ret)
{
	uint32_t flags = choose_flags(mb);
	uint64_t align = 1ULL << mb->page_shift;

	if (memblock_find(mb, size, align, start, end, NID_NONE, flags, ret))
		return true;
	if (!(flags & MEMBLOCK_MIRROR))
		return false;
	tell_mirror_retry(mb, size);
	return memblock_find(mb, size, align, start, end, NID_NONE, flags & ~MEMBLOCK_MIRROR, ret);
}

/*
 * A new reserved array keeps off the range that is being reserved or freed:
 *
 *	0          area_base      area_base + area_size        current_limit
 *	|  second  |     never    |           first            |
 *
 * Quirk: an area at 0 (or 1) makes the end of the second window read as "accessible", so there the
 * array may land in the area itself.
 *
 * Quirk: the new memory array is not reserved yet when the old one is freed.  If that doubles the
 * reserved array, it takes the same place; the kernel then has two lists in one array.
 */
static bool double_array(struct memblock *mb, enum memblock_which which, phys_t area_base,
			 uint64_t area_size, bool reserving)
{
	struct memblock_type *type = type_of(mb, which);
	uint64_t bytes = 2ULL * type->max * mb->region_bytes, page = 1ULL << mb->page_shift;
	uint64_t alloc_bytes = round_up_to(bytes, page);
	struct memblock_event event = { .which = which, .count = type->max, .nid = NID_NONE };
	phys_t pending = area_base, pending_end = area_base + area_size;
	bool old_allocated = type->array_allocated;
	phys_t old_base = type->array_base, addr = 0;
	uint64_t old_bytes = type->array_bytes;

	if (mb->panicked || mb->out_of_memory)
		return false;
	if (!mb->can_resize) {
		if (fact_get(mb->facts, FACT_memblock_resize_refused_panics)) {
			mb->panicked = true;
			event.kind = MEMBLOCK_EVENT_CANNOT_RESIZE;
			tell(mb, &event);
		}
		return false;
	}
	if (!mb->slab_available) {
		if (which != MEMBLOCK_RESERVED ||
		    !fact_get(mb->facts, FACT_memblock_resize_keeps_off))
			area_base = area_size = 0;
		if (!find_for_array(mb, area_base + area_size, mb->current_limit, alloc_bytes,
				    &addr) &&
		    (!area_size || !find_for_array(mb, 0, min_u64(area_base, mb->current_limit),
						   alloc_bytes, &addr))) {
			event.kind = MEMBLOCK_EVENT_DOUBLE_FAILED;
			tell(mb, &event);
			return false;
		}
	}
	type->max *= 2;
	type->array_allocated = !mb->slab_available;
	type->array_base = addr;
	type->array_bytes = type->array_allocated ? alloc_bytes : 0;
	event.kind = MEMBLOCK_EVENT_DOUBLED;
	event.count = type->max;
	event.base = addr;
	event.size = bytes;
	if (reserving && which == MEMBLOCK_RESERVED && !mb->slab_available) {
		event.start = pending;
		event.end = pending_end;
	}
	tell(mb, &event);

	if (old_allocated) {
		event.kind = MEMBLOCK_EVENT_FREE;
		event.base = old_base;
		event.size = old_bytes;
		tell(mb, &event);
		remove_range(mb, MEMBLOCK_RESERVED, old_base, old_bytes);
	}
	if (!mb->slab_available && !reserve_found(mb, addr, alloc_bytes, NID_NONE)) {
		mb->panicked = true;
		return false;
	}
	return true;
}

/* ---- Verbs ---- */

bool memblock_add(struct memblock *mb, phys_t base, uint64_t size, int32_t nid, uint32_t flags)
{
	return add_range(mb, MEMBLOCK_MEMORY, base, size, nid, flags);
}

bool memblock_reserve(struct memblock *mb, phys_t base, uint64_t size, int32_t nid, uint32_t flags)
{
	return add_range(mb, MEMBLOCK_RESERVED, base, size, nid, flags);
}

bool memblock_remove(struct memblock *mb, phys_t base, uint64_t size)
{
	return remove_range(mb, MEMBLOCK_MEMORY, base, size);
}

bool memblock_free(struct memblock *mb, phys_t base, uint64_t size)
{
	return remove_range(mb, MEMBLOCK_RESERVED, base, size);
}

bool memblock_set_node(struct memblock *mb, enum memblock_which which, phys_t base, uint64_t size,
		       int32_t nid)
{
	struct memblock_type *type = type_of(mb, which);
	uint32_t start, end;

	if (!isolate(mb, which, base, size, &start, &end))
		return false;
	for (uint32_t i = start; i < end; i++)
		type->regions[i].nid = nid;
	merge(mb, type, start, end);
	return true;
}

bool memblock_set_flag(struct memblock *mb, enum memblock_which which, phys_t base, uint64_t size,
		       uint32_t flag, bool set)
{
	struct memblock_type *type = type_of(mb, which);
	uint32_t start, end;

	if (set && (flag & MEMBLOCK_MIRROR))
		mb->has_mirror = true;
	if (!isolate(mb, which, base, size, &start, &end))
		return false;
	for (uint32_t i = start; i < end; i++) {
		if (set)
			type->regions[i].flags |= flag;
		else
			type->regions[i].flags &= ~flag;
	}
	merge(mb, type, start, end);
	return true;
}

/*
 * Not modelled: a region that begins in the last piece of the address space, whose start would
 * round up to 0 and make it overlap everything.  It goes.
 */
void memblock_trim_memory(struct memblock *mb, uint64_t align)
{
	struct memblock_type *type = &mb->memory;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < type->cnt; i++) {
		struct memblock_region r = type->regions[i];
		phys_t start = mask_up(mb, r.base, align), end = mask_down(region_end(&r), align);

		if (start == r.base && end == region_end(&r)) {
			type->regions[kept++] = r;
		} else if (start >= r.base && start < end) {
			r.base = start;
			r.size = end - start;
			type->regions[kept++] = r;
			type->trimmed = true;
		} else {
			type->total_size -= r.size;
		}
	}
	type->cnt = kept;
}

/* The address below which @limit bytes of memory lie; phys_max when there is less. */
static phys_t find_max_addr(const struct memblock *mb, uint64_t limit)
{
	for (uint32_t i = 0; i < mb->memory.cnt; i++) {
		const struct memblock_region *r = &mb->memory.regions[i];

		if (limit <= r->size)
			return r->base + limit;
		limit -= r->size;
	}
	return mb->phys_max;
}

void memblock_enforce_memory_limit(struct memblock *mb, uint64_t limit)
{
	phys_t max_addr;

	if (!limit)
		return;
	max_addr = find_max_addr(mb, limit);
	if (max_addr == mb->phys_max)
		return;
	remove_range(mb, MEMBLOCK_MEMORY, max_addr, mb->phys_max);
	remove_range(mb, MEMBLOCK_RESERVED, max_addr, mb->phys_max);
}

void memblock_cap_memory_range(struct memblock *mb, phys_t base, uint64_t size)
{
	struct memblock_type *type = &mb->memory;
	uint32_t start, end, kept = 0;

	if (!size)
		return;
	if (!type->total_size && fact_get(mb->facts, FACT_memblock_cap_needs_memory))
		return;
	if (!isolate(mb, MEMBLOCK_MEMORY, base, size, &start, &end))
		return;
	for (uint32_t i = 0; i < type->cnt; i++) {
		const struct memblock_region *r = &type->regions[i];

		if (i >= start && i < end) {
			type->regions[kept++] = *r;
		} else if (r->flags & MEMBLOCK_NOMAP) {
			/* Quirk: the two halves of a cut NOMAP region are not joined again. */
			type->unmerged = true;
			type->regions[kept++] = *r;
		} else {
			type->total_size -= r->size;
		}
	}
	type->cnt = kept;

	remove_range(mb, MEMBLOCK_RESERVED, 0, base);
	remove_range(mb, MEMBLOCK_RESERVED, (base + size) & mb->phys_max, mb->phys_max);
}

void memblock_mem_limit_remove_map(struct memblock *mb, uint64_t limit)
{
	phys_t max_addr;

	if (!limit)
		return;
	max_addr = find_max_addr(mb, limit);
	if (max_addr != mb->phys_max)
		memblock_cap_memory_range(mb, 0, max_addr);
}

/* ---- Allocation ---- */

struct window {
	uint64_t size, align;
	phys_t start, end;
	int32_t nid;
	bool exact_nid;
};

/* One search; a found range that can not be reserved counts as not found. */
static bool find_and_reserve(struct memblock *mb, const struct window *w, int32_t nid,
			     uint32_t flags, phys_t *ret)
{
	phys_t found;

	if (!memblock_find(mb, w->size, w->align, w->start, w->end, nid, flags, &found) ||
	    !reserve_found(mb, found, w->size, nid))
		return false;
	*ret = found;
	return true;
}

/* The asked node, any node; the same without the wish for mirrored memory. */
static bool alloc_range(struct memblock *mb, const struct window *w, phys_t *ret)
{
	uint32_t flags = choose_flags(mb);

	for (;;) {
		if (find_and_reserve(mb, w, w->nid, flags, ret))
			return true;
		if (w->nid >= 0 && !w->exact_nid && find_and_reserve(mb, w, NID_NONE, flags, ret))
			return true;
		if (!(flags & MEMBLOCK_MIRROR) || mb->panicked)
			return false;
		flags &= ~MEMBLOCK_MIRROR;
		tell_mirror_retry(mb, w->size);
	}
}

/*
 * Virtual-address calls before 5.1: the lower bound goes before the mirror, and (quirk) a range
 * that was found is used even if it could not be reserved.
 */
static bool alloc_virt_early(struct memblock *mb, struct window *w, phys_t *ret)
{
	uint32_t flags = choose_flags(mb);
	phys_t found;

	for (;;) {
		if (memblock_find(mb, w->size, w->align, w->start, w->end, w->nid, flags, &found))
			break;
		if (w->nid >= 0 && !w->exact_nid &&
		    memblock_find(mb, w->size, w->align, w->start, w->end, NID_NONE, flags, &found))
			break;
		if (w->start) {
			w->start = 0;
		} else if (flags & MEMBLOCK_MIRROR) {
			flags &= ~MEMBLOCK_MIRROR;
			tell_mirror_retry(mb, w->size);
		} else {
			return false;
		}
	}
	reserve_found(mb, found, w->size, NID_NONE);
	*ret = found;
	return !mb->panicked && !mb->out_of_memory;
}

/*
 * Physical-address calls before 5.1: with a node, that node with mirror and without (silently);
 * then, and without a node at once, any memory.
 */
static bool alloc_phys_early(struct memblock *mb, const struct window *w, phys_t *ret)
{
	uint32_t flags = choose_flags(mb);

	if (w->nid >= 0) {
		if (find_and_reserve(mb, w, w->nid, flags, ret))
			return true;
		if ((flags & MEMBLOCK_MIRROR) &&
		    find_and_reserve(mb, w, w->nid, flags & ~MEMBLOCK_MIRROR, ret))
			return true;
		if (w->exact_nid)
			return false;
	}
	return find_and_reserve(mb, w, NID_NONE, flags & ~MEMBLOCK_MIRROR, ret);
}

bool memblock_alloc(struct memblock *mb, const struct memblock_request *req, phys_t *ret)
{
	bool early = fact_get(mb->facts, FACT_memblock_separate_virt_alloc);
	struct window w = {
		.size = req->size,
		.align = req->align ? req->align : mb->smp_cache_bytes,
		.start = req->min_addr,
		.end = req->max_addr,
		.nid = req->nid,
		.exact_nid = req->exact_nid,
	};

	if (mb->panicked || mb->out_of_memory)
		return false;
	if ((req->retry_below_min || fact_get(mb->facts, FACT_memblock_phys_alloc_limited)) &&
	    w.end > mb->current_limit)
		w.end = mb->current_limit;
	if (early)
		return req->retry_below_min ? alloc_virt_early(mb, &w, ret)
					    : alloc_phys_early(mb, &w, ret);
	if (alloc_range(mb, &w, ret))
		return true;
	if (!req->retry_below_min || !w.start || mb->panicked)
		return false;
	w.start = 0;
	return alloc_range(mb, &w, ret);
}

/* ---- Questions ---- */

bool memblock_next_free(const struct memblock *mb, struct memblock_cursor *cursor, phys_t *start,
			phys_t *end, int32_t *nid)
{
	struct filter filter = make_filter(mb, NID_NONE, 0);
	const struct memblock_type *mem = &mb->memory, *rsv = &mb->reserved;
	uint32_t mi = cursor->memory, ri = cursor->reserved;

	/* Reserved regions before ri are behind us; the gap looked at ends at region ri. */
	for (; mi < mem->cnt; mi++) {
		const struct memblock_region *m = &mem->regions[mi];

		if (!passes(&filter, m))
			continue;
		for (; ri <= rsv->cnt; ri++) {
			phys_t low = ri ? region_end(&rsv->regions[ri - 1]) : 0;
			phys_t high = ri < rsv->cnt ? rsv->regions[ri].base : PHYS_MAX;

			if (low >= region_end(m))
				break;
			low = max_u64(low, m->base);
			high = min_u64(high, region_end(m));
			if (low >= high)
				continue;
			*start = low;
			*end = high;
			*nid = m->nid;
			if (high == region_end(m))
				mi++;
			else
				ri++;
			cursor->memory = mi;
			cursor->reserved = ri;
			return true;
		}
	}
	cursor->memory = mi;
	cursor->reserved = ri;
	return false;
}

phys_t memblock_start_of_dram(const struct memblock *mb)
{
	return mb->memory.cnt ? mb->memory.regions[0].base : 0;
}

phys_t memblock_end_of_dram(const struct memblock *mb)
{
	return mb->memory.cnt ? region_end(&mb->memory.regions[mb->memory.cnt - 1]) : 0;
}

const struct memblock_region *memblock_region_at(const struct memblock *mb,
						 enum memblock_which which, phys_t addr)
{
	const struct memblock_type *type = const_type_of(mb, which);
	uint32_t i = first_ending_above(type, addr);

	return i < type->cnt && type->regions[i].base <= addr ? &type->regions[i] : NULL;
}

bool memblock_is_memory(const struct memblock *mb, phys_t addr)
{
	return memblock_region_at(mb, MEMBLOCK_MEMORY, addr);
}

bool memblock_is_reserved(const struct memblock *mb, phys_t addr)
{
	return memblock_region_at(mb, MEMBLOCK_RESERVED, addr);
}

bool memblock_is_region_memory(const struct memblock *mb, phys_t base, uint64_t size)
{
	const struct memblock_region *r = memblock_region_at(mb, MEMBLOCK_MEMORY, base);

	return r && region_end(r) >= base + cap_size(mb, base, size);
}

/* Quirk: a size of 0 overlaps the region it lies strictly inside of. */
bool memblock_overlaps(const struct memblock *mb, enum memblock_which which, phys_t base,
		       uint64_t size)
{
	const struct memblock_type *type = const_type_of(mb, which);
	uint32_t i = first_ending_above(type, base);

	if (fact_get(mb->facts, FACT_memblock_overlap_capped))
		size = cap_size(mb, base, size);
	return i < type->cnt && type->regions[i].base < ((base + size) & mb->phys_max);
}

uint64_t memblock_memory_bytes(const struct memblock *mb, phys_t start, phys_t end)
{
	const struct memblock_type *type = &mb->memory;
	uint64_t bytes = 0;

	for (uint32_t i = first_ending_above(type, start); i < type->cnt; i++) {
		const struct memblock_region *r = &type->regions[i];

		if (r->base >= end)
			break;
		bytes += min_u64(region_end(r), end) - max_u64(r->base, start);
	}
	return bytes;
}

static const char *check_type(const struct memblock_type *type)
{
	uint64_t sum = 0;

	if (type->cnt > type->max)
		return "more regions than the kernel's array holds";
	if (type->cnt > type->room)
		return "more regions than our array holds";
	for (uint32_t i = 0; i < type->cnt; i++) {
		const struct memblock_region *r = &type->regions[i];

		if (!r->size)
			return "a region has no size";
		if (r->base > PHYS_MAX - r->size)
			return "a region wraps";
		if (i && region_end(r - 1) > r->base)
			return "regions overlap or are out of order";
		if (i && !type->unmerged && joinable(r - 1, r))
			return "neighbouring regions should have been merged";
		sum += r->size;
	}
	if (type->trimmed ? type->total_size < sum : type->total_size != sum)
		return "total size is not the sum of the regions";
	return NULL;
}

const char *memblock_check(const struct memblock *mb)
{
	const char *wrong = check_type(&mb->memory);

	return wrong ? wrong : check_type(&mb->reserved);
}
