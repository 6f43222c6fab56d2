/* SPDX-License-Identifier: MIT */
#include "engine/testing/memblock_oracle.h"

#include <stdlib.h>
#include <string.h>

#define SMP_CACHE_BYTES 64

typedef struct memblock_oracle_cell cell;

static bool make_room(struct memblock_oracle *o, enum memblock_which which, uint32_t count,
		      phys_t base, uint64_t size);

bool memblock_oracle_init(struct memblock_oracle *o, const struct memblock *mb)
{
	memset(o, 0, sizeof(*o));
	o->phys_max = mb->phys_max;
	o->current_limit = mb->current_limit;
	o->kernel_end = mb->kernel_end;
	o->bottom_up = mb->bottom_up;
	o->can_resize = mb->can_resize;
	o->movable_node = mb->movable_node;
	o->has_mirror = mb->has_mirror;
	o->scratch_only = mb->scratch_only;
	o->page_shift = mb->page_shift;
	o->region_bytes = mb->region_bytes;
	o->facts = mb->facts;
	o->list[MEMBLOCK_MEMORY].max = mb->memory.max;
	o->list[MEMBLOCK_RESERVED].max = mb->reserved.max;
	for (int i = 0; i < 2; i++) {
		o->list[i].cells = calloc(o->phys_max + 1, sizeof(cell));
		if (!o->list[i].cells)
			return false;
	}
	o->free_bytes = calloc(o->phys_max + 2, sizeof(*o->free_bytes));
	return o->free_bytes;
}

void memblock_oracle_deinit(struct memblock_oracle *o)
{
	free(o->list[0].cells);
	free(o->list[1].cells);
	free(o->free_bytes);
}

static void tell(struct memblock_oracle *o, struct memblock_event event)
{
	if (o->event_count < MEMBLOCK_ORACLE_EVENTS)
		o->events[o->event_count++] = event;
}

/* ---- Cells ---- */

static bool same(const cell *a, const cell *b)
{
	return a->present == b->present && a->nid == b->nid && a->flags == b->flags;
}

static bool region_begins(const cell *cells, phys_t at)
{
	if (!cells[at].present)
		return false;
	return !at || !same(&cells[at - 1], &cells[at]) || cells[at].cut;
}

static phys_t region_end(const cell *cells, phys_t at)
{
	for (at++; cells[at].present && !region_begins(cells, at); at++)
		;
	return at;
}

static uint32_t count_regions(const struct memblock_oracle *o, enum memblock_which which)
{
	uint32_t count = 0;

	for (phys_t at = 0; at < o->phys_max; at++)
		count += region_begins(o->list[which].cells, at);
	return count;
}

static void uncut(struct memblock_oracle *o, enum memblock_which which, phys_t from, phys_t to)
{
	if (fact_get(o->facts, FACT_memblock_merges_everywhere)) {
		from = 0;
		to = o->phys_max;
	}
	for (phys_t at = from; at <= to; at++)
		o->list[which].cells[at].cut = false;
}

/* Cuts mean something between equal cells only. */
static void tidy_cuts(struct memblock_oracle *o, enum memblock_which which)
{
	cell *cells = o->list[which].cells;

	for (phys_t at = 0; at < o->phys_max; at++) {
		if (cells[at].cut &&
		    (!at || !cells[at].present || !same(&cells[at - 1], &cells[at])))
			cells[at].cut = false;
	}
}

static phys_t range_end(const struct memblock_oracle *o, phys_t base, uint64_t size)
{
	if (base >= o->phys_max)
		return base;
	return size > o->phys_max - base ? o->phys_max : base + size;
}

static void drop_cell(struct memblock_oracle *o, enum memblock_which which, phys_t at)
{
	cell *c = &o->list[which].cells[at];

	if (c->present)
		o->list[which].total_size--;
	*c = (cell){ .present = false };
}

/* ---- Search ---- */

static uint32_t choose_flags(const struct memblock_oracle *o)
{
	if (o->scratch_only)
		return MEMBLOCK_KHO_SCRATCH;
	return o->has_mirror ? MEMBLOCK_MIRROR : 0;
}

static bool suits(const struct memblock_oracle *o, const cell *c, int32_t nid, uint32_t flags)
{
	if (!c->present)
		return false;
	if (nid >= 0 && c->nid != nid)
		return false;
	if ((c->flags & MEMBLOCK_HOTPLUG) && o->movable_node)
		return false;
	if ((flags & MEMBLOCK_MIRROR) && !(c->flags & MEMBLOCK_MIRROR))
		return false;
	if (c->flags & (MEMBLOCK_NOMAP | MEMBLOCK_DRIVER_MANAGED))
		return false;
	if ((flags & MEMBLOCK_KHO_SCRATCH) && !(c->flags & MEMBLOCK_KHO_SCRATCH))
		return false;
	return true;
}

static bool fits(const struct memblock_oracle *o, phys_t at, uint64_t size, uint64_t align,
		 phys_t start, phys_t end)
{
	return at % align == 0 && at >= start && at <= end && end - at >= size &&
	       o->free_bytes[at] >= size;
}

static bool find(struct memblock_oracle *o, uint64_t size, uint64_t align, phys_t start, phys_t end,
		 int32_t nid, uint32_t flags, phys_t *ret)
{
	const cell *memory = o->list[MEMBLOCK_MEMORY].cells;
	const cell *reserved = o->list[MEMBLOCK_RESERVED].cells;
	bool bottom_up = o->bottom_up;
	uint64_t page = 1ULL << o->page_shift;

	if (end <= 1)
		end = o->current_limit;
	start = start < page ? page : start;
	end = end < start ? start : end;

	o->free_bytes[o->phys_max] = 0;
	for (phys_t at = o->phys_max; at-- > 0;) {
		o->free_bytes[at] = 0;
		if (!suits(o, &memory[at], nid, flags) || reserved[at].present)
			continue;
		o->free_bytes[at] = 1;
		if (memory[at + 1].present && !region_begins(memory, at + 1))
			o->free_bytes[at] += o->free_bytes[at + 1];
	}
	if (bottom_up && fact_get(o->facts, FACT_memblock_bottom_up_after_kernel)) {
		bottom_up = false;
		if (end > o->kernel_end) {
			for (phys_t at = start > o->kernel_end ? start : o->kernel_end;
			     at < o->phys_max; at++) {
				if (fits(o, at, size, align, start, end)) {
					*ret = at;
					return true;
				}
			}
			tell(o, (struct memblock_event){ .kind = MEMBLOCK_EVENT_BOTTOM_UP_FAILED,
							 .size = size,
							 .align = align,
							 .start = start,
							 .end = end,
							 .flags = flags,
							 .nid = nid });
		}
	}
	if (bottom_up) {
		for (phys_t at = 0; at < o->phys_max; at++) {
			if (fits(o, at, size, align, start, end)) {
				*ret = at;
				return true;
			}
		}
	} else {
		for (phys_t at = o->phys_max; at-- > 0;) {
			if (fits(o, at, size, align, start, end)) {
				*ret = at;
				return true;
			}
		}
	}
	return false;
}

/* ---- Lists ---- */

static bool add(struct memblock_oracle *o, enum memblock_which which, phys_t base, uint64_t size,
		int32_t nid, uint32_t flags)
{
	struct memblock_oracle_list *list = &o->list[which];
	phys_t end = range_end(o, base, size), first = 0, last = 0;
	bool empty = !count_regions(o, which);

	if (base == end)
		return true;
	for (int round = 0; !empty; round++) {
		uint32_t gaps = 0;

		for (phys_t at = base; at < end; at++)
			gaps += !list->cells[at].present &&
				(at == base || list->cells[at - 1].present);
		if (!gaps)
			return true;
		if (count_regions(o, which) + gaps <= list->max)
			break;
		if (round) {
			o->panicked = true;
			return false;
		}
		if (!make_room(o, which, gaps, base, end - base))
			return false;
	}
	if (empty)
		list->total_size = 0;
	for (phys_t at = base; at < end; at++) {
		if (list->cells[at].present)
			continue;
		if (!last)
			first = at;
		last = at + 1;
		list->cells[at] = (cell){ .present = true, .nid = nid, .flags = flags };
		list->total_size++;
	}
	uncut(o, which, first, last);
	return true;
}

/* What isolating needs, whether or not anything is split. */
static bool room_for_splits(struct memblock_oracle *o, enum memblock_which which, phys_t base,
			    phys_t end)
{
	return base == end || make_room(o, which, 2, base, end - base);
}

static bool drop(struct memblock_oracle *o, enum memblock_which which, phys_t base, uint64_t size)
{
	phys_t end = range_end(o, base, size);

	if (!room_for_splits(o, which, base, end))
		return false;
	for (phys_t at = base; at < end; at++)
		drop_cell(o, which, at);
	tidy_cuts(o, which);
	return true;
}

enum change { CHANGE_NODE, CHANGE_SET, CHANGE_CLEAR };

static bool change(struct memblock_oracle *o, enum memblock_which which, phys_t base, uint64_t size,
		   enum change what, int32_t nid, uint32_t flags)
{
	cell *cells = o->list[which].cells;
	phys_t end = range_end(o, base, size), first = 0, last = 0;
	bool any = false;

	if (base == end) {
		if (fact_get(o->facts, FACT_memblock_merges_everywhere))
			uncut(o, which, 0, 0);
		return true;
	}
	if (!room_for_splits(o, which, base, end))
		return false;
	for (phys_t at = base; at < end; at++) {
		if (!cells[at].present)
			continue;
		if (!any)
			first = at;
		any = true;
		last = at + 1;
		if (what == CHANGE_NODE)
			cells[at].nid = nid;
		else if (what == CHANGE_SET)
			cells[at].flags |= flags;
		else
			cells[at].flags &= ~flags;
	}
	if (any)
		uncut(o, which, first, last);
	else if (fact_get(o->facts, FACT_memblock_merges_everywhere))
		uncut(o, which, 0, 0);
	tidy_cuts(o, which);
	return true;
}

static bool find_for_array(struct memblock_oracle *o, uint64_t size, phys_t start, phys_t end,
			   phys_t *ret)
{
	uint64_t page = 1ULL << o->page_shift;

	if (find(o, size, page, start, end, NID_NONE, choose_flags(o), ret))
		return true;
	if (o->scratch_only || !o->has_mirror)
		return false;
	tell(o, (struct memblock_event){
			.kind = MEMBLOCK_EVENT_MIRROR_RETRY, .size = size, .nid = NID_NONE });
	return find(o, size, page, start, end, NID_NONE, 0, ret);
}

static bool reserve_found(struct memblock_oracle *o, phys_t base, uint64_t size, int32_t nid)
{
	bool marked = fact_get(o->facts, FACT_memblock_rsrv_kern);
	uint32_t flags = marked ? MEMBLOCK_RSRV_KERN : 0;

	nid = marked ? nid : NID_NONE;
	tell(o, (struct memblock_event){ .kind = MEMBLOCK_EVENT_RESERVE,
					 .which = MEMBLOCK_RESERVED,
					 .base = base,
					 .size = size,
					 .flags = flags,
					 .nid = nid });
	return add(o, MEMBLOCK_RESERVED, base, size, nid, flags);
}

static bool make_room(struct memblock_oracle *o, enum memblock_which which, uint32_t count,
		      phys_t base, uint64_t size)
{
	struct memblock_oracle_list *list = &o->list[which];
	uint64_t page = 1ULL << o->page_shift;
	uint32_t dummy = (uint32_t)fact_get(o->facts, FACT_memblock_dummy_region);

	for (;;) {
		uint32_t regions = count_regions(o, which);
		struct memblock_oracle_list old = *list;
		struct memblock_event event = { .which = which, .nid = NID_NONE };
		uint64_t bytes, rounded;
		phys_t to;
		bool found;

		if ((regions > dummy ? regions : dummy) + count <= list->max)
			return true;
		if (o->panicked)
			return false;
		event.count = list->max;
		if (!o->can_resize) {
			if (fact_get(o->facts, FACT_memblock_resize_refused_panics)) {
				o->panicked = true;
				event.kind = MEMBLOCK_EVENT_CANNOT_RESIZE;
				tell(o, event);
			}
			return false;
		}
		bytes = 2ULL * list->max * o->region_bytes;
		rounded = (bytes + page - 1) / page * page;
		if (which == MEMBLOCK_MEMORY ||
		    !fact_get(o->facts, FACT_memblock_resize_keeps_off)) {
			found = find_for_array(o, rounded, 0, o->current_limit, &to);
		} else {
			found = find_for_array(o, rounded, base + size, o->current_limit, &to);
			if (!found)
				found = find_for_array(
					o, rounded, 0,
					base < o->current_limit ? base : o->current_limit, &to);
		}
		if (!found) {
			event.kind = MEMBLOCK_EVENT_DOUBLE_FAILED;
			tell(o, event);
			return false;
		}
		list->max *= 2;
		list->array_allocated = true;
		list->array_base = to;
		list->array_bytes = rounded;
		event.kind = MEMBLOCK_EVENT_DOUBLED;
		event.count = list->max;
		event.base = to;
		event.size = bytes;
		tell(o, event);
		if (old.array_allocated) {
			event.kind = MEMBLOCK_EVENT_FREE;
			event.base = old.array_base;
			event.size = old.array_bytes;
			tell(o, event);
			drop(o, MEMBLOCK_RESERVED, old.array_base, old.array_bytes);
		}
		if (!reserve_found(o, to, rounded, NID_NONE)) {
			o->panicked = true;
			return false;
		}
	}
}

/* ---- Limits ---- */

static void trim(struct memblock_oracle *o, uint64_t align)
{
	struct memblock_oracle_list *list = &o->list[MEMBLOCK_MEMORY];
	phys_t at = 0;

	while (at < o->phys_max) {
		phys_t start = at, end, from, to;

		if (!region_begins(list->cells, at)) {
			at++;
			continue;
		}
		end = region_end(list->cells, at);
		from = (start + align - 1) / align * align;
		to = end / align * align;
		for (; at < end; at++) {
			if (from >= to)
				drop_cell(o, MEMBLOCK_MEMORY, at);
			else if (at < from || at >= to)
				list->cells[at] = (cell){ .present = false };
		}
	}
	tidy_cuts(o, MEMBLOCK_MEMORY);
}

static phys_t address_of_limit(const struct memblock_oracle *o, uint64_t limit)
{
	const cell *cells = o->list[MEMBLOCK_MEMORY].cells;

	for (phys_t at = 0; at < o->phys_max; at++) {
		if (cells[at].present && !--limit)
			return at + 1;
	}
	return o->phys_max;
}

static void cap(struct memblock_oracle *o, phys_t base, uint64_t size)
{
	struct memblock_oracle_list *list = &o->list[MEMBLOCK_MEMORY];
	phys_t end = range_end(o, base, size);
	bool nothing_inside = true;

	if (!size)
		return;
	if (!list->total_size && fact_get(o->facts, FACT_memblock_cap_needs_memory))
		return;
	if (!room_for_splits(o, MEMBLOCK_MEMORY, base, end))
		return;
	for (phys_t at = base; at < end; at++)
		nothing_inside = nothing_inside && !list->cells[at].present;
	if (!nothing_inside) {
		list->cells[base].cut = true;
		list->cells[end].cut = true;
	}
	for (phys_t at = 0; at < o->phys_max; at++) {
		if ((at < base || at >= end) && !(list->cells[at].flags & MEMBLOCK_NOMAP))
			drop_cell(o, MEMBLOCK_MEMORY, at);
	}
	list->cells[o->phys_max].cut = false;
	tidy_cuts(o, MEMBLOCK_MEMORY);
	drop(o, MEMBLOCK_RESERVED, 0, base);
	drop(o, MEMBLOCK_RESERVED, (base + size) & o->phys_max, o->phys_max);
}

/* ---- Allocation ---- */

static bool take(struct memblock_oracle *o, const struct memblock_op *op, phys_t start, phys_t end,
		 int32_t nid, uint32_t flags, phys_t *ret)
{
	phys_t found;

	if (!find(o, op->size, op->align ? op->align : SMP_CACHE_BYTES, start, end, nid, flags,
		  &found))
		return false;
	if (!reserve_found(o, found, op->size, nid))
		return false;
	*ret = found;
	return true;
}

static void tell_mirror_retry(struct memblock_oracle *o, uint64_t size)
{
	tell(o, (struct memblock_event){
			.kind = MEMBLOCK_EVENT_MIRROR_RETRY, .size = size, .nid = NID_NONE });
}

/* Each order of attempts written out as a list. */
static bool alloc(struct memblock_oracle *o, const struct memblock_op *op, phys_t *ret)
{
	uint32_t wish = choose_flags(o), plain = wish & ~(uint32_t)MEMBLOCK_MIRROR;
	bool any_node = op->nid >= 0 && !op->exact_nid;
	phys_t end = op->max_addr;
	phys_t starts[2] = { op->base, 0 };
	int start_count = op->virt && op->base ? 2 : 1;
	uint64_t align = op->align ? op->align : SMP_CACHE_BYTES;

	if (o->panicked)
		return false;
	if ((op->virt || fact_get(o->facts, FACT_memblock_phys_alloc_limited)) &&
	    end > o->current_limit)
		end = o->current_limit;

	if (!fact_get(o->facts, FACT_memblock_separate_virt_alloc)) {
		for (int i = 0; i < start_count; i++) {
			if (take(o, op, starts[i], end, op->nid, wish, ret))
				return true;
			if (any_node && take(o, op, starts[i], end, NID_NONE, wish, ret))
				return true;
			if (o->panicked)
				return false;
			if (wish == plain)
				continue;
			tell_mirror_retry(o, op->size);
			if (take(o, op, starts[i], end, op->nid, plain, ret))
				return true;
			if (any_node && take(o, op, starts[i], end, NID_NONE, plain, ret))
				return true;
			if (o->panicked)
				return false;
		}
		return false;
	}
	if (op->virt) {
		for (int mirror = wish != plain; mirror >= 0; mirror--) {
			uint32_t flags = mirror ? wish : plain;

			for (int i = 0; i < start_count; i++) {
				/* Without the wish, the lower bound was given up already. */
				if (start_count == 2 && !i && wish != plain && !mirror)
					continue;
				if (find(o, op->size, align, starts[i], end, op->nid, flags, ret) ||
				    (any_node && find(o, op->size, align, starts[i], end, NID_NONE,
						      flags, ret))) {
					reserve_found(o, *ret, op->size, NID_NONE);
					return !o->panicked;
				}
			}
			if (mirror)
				tell_mirror_retry(o, op->size);
		}
		return false;
	}
	if (op->nid >= 0) {
		if (take(o, op, op->base, end, op->nid, wish, ret))
			return true;
		if (wish != plain && take(o, op, op->base, end, op->nid, plain, ret))
			return true;
		if (op->exact_nid)
			return false;
	}
	return take(o, op, op->base, end, NID_NONE, plain, ret);
}

struct memblock_op_result memblock_oracle_apply(struct memblock_oracle *o,
						const struct memblock_op *op)
{
	struct memblock_op_result ret = { .ok = true };
	phys_t max_addr;

	switch (op->kind) {
	case MEMBLOCK_OP_ADD:
		ret.ok = add(o, MEMBLOCK_MEMORY, op->base, op->size, op->nid, op->flags);
		break;
	case MEMBLOCK_OP_RESERVE:
		ret.ok = add(o, MEMBLOCK_RESERVED, op->base, op->size, op->nid, op->flags);
		break;
	case MEMBLOCK_OP_REMOVE:
		ret.ok = drop(o, MEMBLOCK_MEMORY, op->base, op->size);
		break;
	case MEMBLOCK_OP_FREE:
		ret.ok = drop(o, MEMBLOCK_RESERVED, op->base, op->size);
		break;
	case MEMBLOCK_OP_SET_NODE:
		ret.ok = change(o, op->which, op->base, op->size, CHANGE_NODE, op->nid, 0);
		break;
	case MEMBLOCK_OP_SET_FLAG:
		if (op->flags & MEMBLOCK_MIRROR)
			o->has_mirror = true;
		ret.ok = change(o, op->which, op->base, op->size, CHANGE_SET, 0, op->flags);
		break;
	case MEMBLOCK_OP_CLEAR_FLAG:
		ret.ok = change(o, op->which, op->base, op->size, CHANGE_CLEAR, 0, op->flags);
		break;
	case MEMBLOCK_OP_TRIM:
		trim(o, op->align);
		break;
	case MEMBLOCK_OP_ENFORCE_LIMIT:
	case MEMBLOCK_OP_LIMIT_REMOVE_MAP:
		max_addr = address_of_limit(o, op->size);
		if (!op->size || max_addr == o->phys_max)
			break;
		if (op->kind == MEMBLOCK_OP_LIMIT_REMOVE_MAP) {
			cap(o, 0, max_addr);
		} else {
			drop(o, MEMBLOCK_MEMORY, max_addr, o->phys_max);
			drop(o, MEMBLOCK_RESERVED, max_addr, o->phys_max);
		}
		break;
	case MEMBLOCK_OP_CAP:
		cap(o, op->base, op->size);
		break;
	case MEMBLOCK_OP_ALLOC:
		ret.ok = alloc(o, op, &ret.addr);
		if (!ret.ok)
			ret.addr = 0;
		break;
	case MEMBLOCK_OP_SET_CURRENT_LIMIT:
		o->current_limit = op->base;
		break;
	case MEMBLOCK_OP_SET_BOTTOM_UP:
		o->bottom_up = op->on;
		break;
	case MEMBLOCK_OP_SET_MOVABLE_NODE:
		o->movable_node = op->on;
		break;
	case MEMBLOCK_OP_SET_SCRATCH_ONLY:
		o->scratch_only = op->on;
		break;
	case MEMBLOCK_OP_ALLOW_RESIZE:
		o->can_resize = true;
		break;
	case MEMBLOCK_OP_KIND_COUNT:
		break;
	}
	return ret;
}

/* ---- Comparison ---- */

static const char *compare_list(const struct memblock_oracle *o, enum memblock_which which,
				const struct memblock_type *type)
{
	const struct memblock_oracle_list *list = &o->list[which];
	uint32_t i = 0;

	for (phys_t at = 0; at < o->phys_max; at++) {
		const struct memblock_region *r = &type->regions[i];

		if (!region_begins(list->cells, at))
			continue;
		if (i == type->cnt)
			return "too few regions";
		if (r->base != at)
			return "a region begins elsewhere";
		if (r->base + r->size != region_end(list->cells, at))
			return "a region ends elsewhere";
		if (r->nid != list->cells[at].nid)
			return "a region has another node";
		if (r->flags != list->cells[at].flags)
			return "a region has other flags";
		i++;
	}
	if (i != type->cnt)
		return "too many regions";
	if (type->max != list->max)
		return "the capacity differs";
	if (type->total_size != list->total_size)
		return "the total size differs";
	if (type->array_allocated != list->array_allocated ||
	    type->array_base != list->array_base || type->array_bytes != list->array_bytes)
		return "the array lies elsewhere";
	return NULL;
}

const char *memblock_oracle_compare(const struct memblock_oracle *o, const struct memblock *mb)
{
	const char *wrong = compare_list(o, MEMBLOCK_MEMORY, &mb->memory);

	if (!wrong)
		wrong = compare_list(o, MEMBLOCK_RESERVED, &mb->reserved);
	if (!wrong && o->panicked != mb->panicked)
		wrong = "one of the two would have panicked";
	return wrong;
}
