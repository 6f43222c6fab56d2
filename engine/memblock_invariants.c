/* SPDX-License-Identifier: MIT */
/*
 * Free memory is found here the plain way: each region of memory, less every reservation, one after the
 * other, without any of memblock's own searches.
 */
#include "engine/memblock_invariants.h"

/* ---- free memory, counted anew ----------------------------------------------------------------- */

static phys_t end_of(const struct memblock_region *r)
{
	return r->base + r->size;
}

/* The first byte of a reservation at or above @from; PHYS_MAX when there is none. */
static phys_t next_reserved(const struct memblock *mb, phys_t from)
{
	for (uint32_t i = 0; i < mb->reserved.cnt; i++)
		if (end_of(&mb->reserved.regions[i]) > from)
			return max_u64(mb->reserved.regions[i].base, from);
	return PHYS_MAX;
}

/* The first byte at or above @from that is not reserved. */
static phys_t next_unreserved(const struct memblock *mb, phys_t from)
{
	for (uint32_t i = 0; i < mb->reserved.cnt; i++)
		if (mb->reserved.regions[i].base <= from && end_of(&mb->reserved.regions[i]) > from)
			from = end_of(&mb->reserved.regions[i]);
	return from;
}

/* May a search with @flags look at a region with those of its own? */
static bool admitted(const struct memblock *mb, const struct memblock_region *r, uint32_t flags)
{
	if (mb->movable_node && r->flags & MEMBLOCK_HOTPLUG && !(flags & MEMBLOCK_HOTPLUG))
		return false;
	if (r->flags & (MEMBLOCK_NOMAP | MEMBLOCK_DRIVER_MANAGED) & ~flags)
		return false;
	if (flags & MEMBLOCK_MIRROR && !(r->flags & MEMBLOCK_MIRROR))
		return false;
	return !(flags & MEMBLOCK_KHO_SCRATCH) || r->flags & MEMBLOCK_KHO_SCRATCH;
}

struct wish {
	uint64_t size, align;
	phys_t start, end;
	int32_t nid; /* negative: any */
	uint32_t flags;
};

/* Does a block of @w->size bytes fit into [low, high)? */
static bool fits(const struct wish *w, phys_t low, phys_t high)
{
	low = max_u64(low, w->start);
	high = min_u64(high, w->end);
	/* Where rounding up would wrap, nothing fits either. */
	if (low >= high || low > PHYS_MAX - w->align)
		return false;
	low = (low + w->align - 1) / w->align * w->align;
	return low < high && high - low >= w->size;
}

static bool anything_fits(const struct memblock *mb, const struct wish *w)
{
	for (uint32_t i = 0; i < mb->memory.cnt; i++) {
		const struct memblock_region *r = &mb->memory.regions[i];
		phys_t low = r->base;

		if ((w->nid >= 0 && r->nid != w->nid) || !admitted(mb, r, w->flags))
			continue;
		while (low < end_of(r)) {
			phys_t high;

			low = next_unreserved(mb, low);
			high = min_u64(next_reserved(mb, low), end_of(r));
			if (low < high && fits(w, low, high))
				return true;
			low = max_u64(high, low);
		}
	}
	return false;
}

/* Bytes of @type's regions in [start, end). */
static uint64_t bytes_in(const struct memblock_type *type, phys_t start, phys_t end, int32_t nid)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < type->cnt; i++) {
		phys_t low = max_u64(type->regions[i].base, start);
		phys_t high = min_u64(end_of(&type->regions[i]), end);

		if (low < high && (nid < 0 || type->regions[i].nid == nid))
			bytes += high - low;
	}
	return bytes;
}

/* ---- allocations ------------------------------------------------------------------------------- */

static struct wish wish_of(const struct memblock *mb, const struct memblock_request *req)
{
	struct wish w = { .size = req->size,
			  .align = req->align ? req->align : mb->smp_cache_bytes,
			  .start = req->retry_below_min ? 0 : req->min_addr,
			  .end = req->max_addr,
			  .nid = req->exact_nid ? req->nid : NID_NONE,
			  .flags = mb->scratch_only ? MEMBLOCK_KHO_SCRATCH : 0 };

	if (w.end <= MEMBLOCK_ALLOC_NOLEAKTRACE ||
	    (req->retry_below_min && w.end > mb->current_limit))
		w.end = mb->current_limit;
	/* The first page is never given away, nor the last byte of the address space. */
	w.start = max_u64(w.start, 1ULL << mb->page_shift);
	w.end = min_u64(w.end, mb->phys_max);
	return w;
}

/* Could the reservation itself have failed? */
/* Could a list of @type have to grow?  An empty one has a region without size in it, in older kernels. */
static bool may_grow(const struct memblock *mb, const struct memblock_type *type)
{
	uint64_t dummy = (uint64_t)fact_get(mb->facts, FACT_memblock_dummy_region);

	return max_u64(type->cnt, dummy) + 2 > type->max;
}

static bool list_full(const struct memblock *mb)
{
	return mb->panicked || mb->out_of_memory || may_grow(mb, &mb->reserved);
}

static void check_failure(const struct memblock *mb, const struct memblock_request *req,
			  struct findings *ret)
{
	struct wish w = wish_of(mb, req);

	if (w.size && !list_full(mb) && anything_fits(mb, &w))
		findings_add(ret, INVARIANT_MEMBLOCK_SEARCH, req->nid, -1, req->min_addr, 0, 0,
			     "a request failed that free memory would have served");
}

void memblock_invariants_result(const struct memblock *before, const struct memblock_request *req,
				phys_t address, struct findings *ret)
{
	struct wish w = wish_of(before, req);
	phys_t end = address + req->size;
	const char *wrong = NULL;

	if (!req->size)
		return;
	if (address < w.start || end > w.end)
		wrong = "an allocation lies out of its bounds";
	else if (address % w.align)
		wrong = "an allocation is not aligned";
	else if (bytes_in(&before->memory, address, end, w.nid) != req->size)
		wrong = "an allocation is not memory of the node it was demanded from";
	else if (bytes_in(&before->reserved, address, end, NID_NONE))
		wrong = "an allocation was reserved already";
	if (wrong)
		findings_add(ret, INVARIANT_MEMBLOCK_RESULT, req->nid, -1, address, 0, 0, wrong);
}

bool memblock_invariants_alloc(struct memblock *mb, const struct memblock_request *req,
			       phys_t *address, struct memblock *before, struct findings *ret)
{
	bool ok;

	if (!ret)
		return memblock_alloc(mb, req, address);
	memblock_copy(before, mb);
	ok = memblock_alloc(mb, req, address);
	/* Nor is it known what an alignment means that is no power of two. */
	if (before->out_of_memory || req->align & (req->align - 1))
		return ok;
	if (ok)
		memblock_invariants_result(before, req, *address, ret);
	else
		check_failure(mb, req, ret);
	return ok;
}

/* ---- limits ------------------------------------------------------------------------------------ */

/* What a cap leaves of memory: what is inside, and what has no mapping. */
static uint64_t bytes_left(const struct memblock_type *memory, phys_t start, phys_t end)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < memory->cnt; i++) {
		const struct memblock_region *r = &memory->regions[i];
		phys_t low = max_u64(r->base, start), high = min_u64(end_of(r), end);

		if (r->flags & MEMBLOCK_NOMAP)
			bytes += r->size;
		else if (low < high)
			bytes += high - low;
	}
	return bytes;
}

void memblock_invariants_cap(struct memblock *mb, phys_t base, uint64_t size,
			     struct memblock *before, struct findings *ret)
{
	phys_t end = size > mb->phys_max - min_u64(base, mb->phys_max) ? mb->phys_max : base + size;
	bool nothing;
	uint64_t memory, reserved;

	if (!ret) {
		memblock_cap_memory_range(mb, base, size);
		return;
	}
	memblock_copy(before, mb);
	memblock_cap_memory_range(mb, base, size);
	if (before->out_of_memory || list_full(before) || may_grow(before, &before->memory))
		return;
	nothing = !size || !before->memory.cnt;
	memory = bytes_left(&before->memory, nothing ? 0 : base, nothing ? PHYS_MAX : end);
	reserved =
		bytes_in(&before->reserved, nothing ? 0 : base, nothing ? PHYS_MAX : end, NID_NONE);
	if (bytes_in(&mb->memory, 0, PHYS_MAX, NID_NONE) != memory)
		findings_add(ret, INVARIANT_MEMBLOCK_CAP, -1, -1, base, memory,
			     bytes_in(&mb->memory, 0, PHYS_MAX, NID_NONE),
			     "a cap leaves another amount of memory");
	/*
	 * Where base + size overflows, all reservations may go, and what memory lost at its ends by page
	 * counts as memory to the end: docs/FINDINGS.md.
	 */
	if (size && (((base + size) & mb->phys_max) < base ||
		     (!before->memory.cnt && before->memory.total_size)))
		return;
	if (bytes_in(&mb->reserved, 0, PHYS_MAX, NID_NONE) != reserved)
		findings_add(ret, INVARIANT_MEMBLOCK_CAP, -1, -1, base, reserved,
			     bytes_in(&mb->reserved, 0, PHYS_MAX, NID_NONE),
			     "a cap leaves other reservations");
}

/* ---- events ------------------------------------------------------------------------------------ */

void memblock_invariants_event(const struct memblock *mb, const struct memblock_event *event,
			       struct findings *ret)
{
	struct wish w = { event->size,	event->align,
			  event->start, min_u64(event->end, mb->phys_max),
			  event->nid,	event->flags };

	if (!ret)
		return;
	/* From address 0 on no window lies below, and 0 reads as "anywhere". */
	if (event->kind == MEMBLOCK_EVENT_DOUBLED && event->start > MEMBLOCK_ALLOC_NOLEAKTRACE &&
	    event->base < event->end && event->base + event->size > event->start)
		findings_add(ret, INVARIANT_MEMBLOCK_ARRAY, -1, -1, event->base, 0, 0,
			     "the array lies in the range that is being reserved");
	if (event->kind == MEMBLOCK_EVENT_BOTTOM_UP_FAILED && w.size && w.start < w.end &&
	    anything_fits(mb, &w))
		findings_add(ret, INVARIANT_MEMBLOCK_SEARCH, event->nid, -1, event->start, 0, 0,
			     "a search from below gave up though free memory would have done");
}

/* ---- the lists --------------------------------------------------------------------------------- */

/* Asks about the last page of @type and all above it, beyond the end of addresses too. */
static void check_overlap(const struct memblock *mb, enum memblock_which which,
			  const struct memblock_type *type, struct findings *ret)
{
	uint64_t page = 1ULL << mb->page_shift;
	phys_t last, base;

	if (!type->cnt)
		return;
	last = end_of(&type->regions[type->cnt - 1]) - 1;
	base = last & ~(page - 1);
	if (base < page)
		return;
	for (int higher = 0; higher < 2; higher++, base = last + 1) {
		uint64_t size = mb->phys_max - base;
		bool expected = base <= last;

		if (base >= mb->phys_max || size > UINT64_MAX - 2 * page)
			continue;
		size += 2 * page;
		if (memblock_overlaps(mb, which, base, size) != expected)
			findings_add(
				ret, INVARIANT_MEMBLOCK_OVERLAP, -1, -1, base, expected, !expected,
				"a range up to the end of addresses overlaps, or not, as it should not");
	}
}

void memblock_invariants_check(const struct memblock *mb, struct findings *ret)
{
	const char *wrong = memblock_check(mb);

	if (wrong)
		findings_add(ret, INVARIANT_MEMBLOCK_LISTS, -1, -1, FINDING_NOWHERE, 0, 0, wrong);
	check_overlap(mb, MEMBLOCK_MEMORY, &mb->memory, ret);
	check_overlap(mb, MEMBLOCK_RESERVED, &mb->reserved, ret);
}
