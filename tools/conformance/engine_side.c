/* SPDX-License-Identifier: MIT */
#include "tools/conformance/bridge.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/memblock.h"
#include "engine/testing/memblock_op.h"

static struct facts facts;
static struct memblock mb;

void bridge_init(unsigned int major, unsigned int minor, unsigned int patch)
{
	facts_init(&facts, FACTS_VERSION(major, minor, patch));
	memblock_init(&mb, &facts, 12, 128, 128);
}

bool bridge_dummy_region(void)
{
	return fact_get(&facts, FACT_memblock_dummy_region);
}

static void import_list(struct memblock_type *type, const struct bridge_list *list, uint64_t bytes)
{
	struct memblock_region *regions;

	if (list->max > type->room) {
		regions = realloc(type->regions, list->max * sizeof(*regions));
		if (!regions)
			abort();
		type->regions = regions;
		type->room = list->max;
	}
	for (uint32_t i = 0; i < list->cnt; i++)
		type->regions[i] = (struct memblock_region){
			.base = list->regions[i].base,
			.size = list->regions[i].size,
			.flags = list->regions[i].flags,
			.nid = list->regions[i].nid,
		};
	type->cnt = list->cnt;
	type->max = list->max;
	type->total_size = list->total_size;
	type->array_allocated = list->array != 0;
	type->array_base = list->array;
	type->array_bytes = list->array ? round_up_to(list->max * bytes, 4096) : 0;
	/* The tests trim, and put lists together by hand. */
	type->trimmed = true;
	type->unmerged = true;
}

static void import(const struct bridge_state *s)
{
	memblock_reset(&mb);
	import_list(&mb.memory, &s->list[0], s->region_bytes);
	import_list(&mb.reserved, &s->list[1], s->region_bytes);
	mb.current_limit = s->current_limit;
	mb.phys_max = s->phys_max;
	mb.region_bytes = s->region_bytes;
	mb.bottom_up = s->bottom_up;
	mb.can_resize = s->can_resize;
	mb.movable_node = s->movable_node;
}

static void export_list(struct bridge_list *list, const struct memblock_type *type)
{
	if (type->cnt > BRIDGE_REGIONS_MAX)
		abort();
	for (uint32_t i = 0; i < type->cnt; i++)
		list->regions[i] = (struct bridge_region){
			.base = type->regions[i].base,
			.size = type->regions[i].size,
			.flags = type->regions[i].flags,
			.nid = type->regions[i].nid,
		};
	list->cnt = type->cnt;
	list->max = type->max;
	list->total_size = type->total_size;
	list->array = type->array_allocated ? type->array_base : 0;
}

/* Also the moment to look at our own invariants. */
static void export(struct bridge_state *s)
{
	const char *wrong = memblock_check(&mb);

	if (wrong || mb.out_of_memory || mb.panicked) {
		fprintf(stderr, "engine: %s\n", wrong ? wrong : "the kernel would have panicked");
		abort();
	}
	export_list(&s->list[0], &mb.memory);
	export_list(&s->list[1], &mb.reserved);
}

bool bridge_add(struct bridge_state *s, int which, uint64_t base, uint64_t size, int32_t nid,
		uint32_t flags)
{
	bool ok;

	import(s);
	ok = which == MEMBLOCK_MEMORY ? memblock_add(&mb, base, size, nid, flags)
				      : memblock_reserve(&mb, base, size, nid, flags);
	export(s);
	return ok;
}

bool bridge_remove(struct bridge_state *s, int which, uint64_t base, uint64_t size)
{
	bool ok;

	import(s);
	ok = which == MEMBLOCK_MEMORY ? memblock_remove(&mb, base, size)
				      : memblock_free(&mb, base, size);
	export(s);
	return ok;
}

bool bridge_set_node(struct bridge_state *s, int which, uint64_t base, uint64_t size, int32_t nid)
{
	bool ok;

	import(s);
	ok = memblock_set_node(&mb, (enum memblock_which)which, base, size, nid);
	export(s);
	return ok;
}

void bridge_trim(struct bridge_state *s, uint64_t align)
{
	import(s);
	memblock_trim_memory(&mb, align);
	export(s);
}

bool bridge_overlaps(struct bridge_state *s, int which, uint64_t base, uint64_t size)
{
	import(s);
	return memblock_overlaps(&mb, (enum memblock_which)which, base, size);
}

uint64_t bridge_start_of_dram(struct bridge_state *s)
{
	import(s);
	return memblock_start_of_dram(&mb);
}

uint64_t bridge_end_of_dram(struct bridge_state *s)
{
	import(s);
	return memblock_end_of_dram(&mb);
}

uint64_t bridge_alloc(struct bridge_state *s, const struct bridge_request *request)
{
	struct memblock_request req = {
		.size = request->size,
		.align = request->align,
		.min_addr = request->min_addr,
		.max_addr = request->max_addr,
		.nid = request->nid,
		.exact_nid = request->exact_nid,
		.retry_below_min = request->virt,
	};
	phys_t addr = 0;

	import(s);
	if (!memblock_alloc(&mb, &req, &addr))
		addr = 0;
	export(s);
	return addr;
}

/* ---- Duel ---- */

static struct prng prng;
static struct memblock_op_space space;

_Static_assert((int)BRIDGE_OP_ALLOW_RESIZE == (int)MEMBLOCK_OP_ALLOW_RESIZE, "one list of kinds");
_Static_assert((int)BRIDGE_OP_ALLOC == (int)MEMBLOCK_OP_ALLOC, "one list of kinds");

void bridge_duel_begin(uint64_t seed, uint64_t bytes, uint32_t array_max)
{
	prng = prng_init(seed);
	space = (struct memblock_op_space){
		.bytes = bytes >> prng_below(&prng, 8),
		.page = 4096,
		.nodes = 1 + (unsigned int)prng_below(&prng, 3),
		.memory_flags = MEMBLOCK_HOTPLUG | MEMBLOCK_NOMAP | MEMBLOCK_DRIVER_MANAGED,
		.mirror = prng_chance(&prng, 1, 3),
		.scratch = fact_get(&facts, FACT_memblock_rsrv_kern) && prng_chance(&prng, 1, 3),
		.limits = prng_chance(&prng, 1, 2),
		.refuse_resize = prng_chance(&prng, 1, 6),
	};
	if (space.scratch)
		space.memory_flags |= MEMBLOCK_KHO_SCRATCH;
	if (prng_chance(&prng, 1, 2))
		space.memory_flags &= MEMBLOCK_NOMAP | MEMBLOCK_KHO_SCRATCH;
	memblock_deinit(&mb);
	memblock_init(&mb, &facts, 12, array_max, array_max);
}

struct bridge_op bridge_duel_draw(void)
{
	struct memblock_op op = memblock_op_draw(&prng, &space);
	struct bridge_op ret;

	if (!mb.can_resize && !space.refuse_resize)
		op.kind = MEMBLOCK_OP_ALLOW_RESIZE;
	/* Arrays are placed in what is added: it has to exist. */
	if (op.kind == MEMBLOCK_OP_ADD && op.size > space.bytes - op.base)
		op.size = space.bytes - op.base;
	if (op.kind == MEMBLOCK_OP_ALLOC && prng_chance(&prng, 1, 20))
		op.size = 0;
	/* The suite's stub of SMP_CACHE_BYTES is no kernel's. */
	if (op.kind == MEMBLOCK_OP_ALLOC && !op.align)
		op.align = 64;
	if (op.kind == MEMBLOCK_OP_RESERVE && !fact_get(&facts, FACT_memblock_rsrv_kern))
		op.nid = NID_NONE;
	ret = (struct bridge_op){
		.kind = (enum bridge_op_kind)op.kind,
		.which = op.which,
		.base = op.base,
		.size = op.size,
		.align = op.align,
		.max_addr = op.max_addr,
		.nid = op.nid,
		.flags = op.flags,
		.on = op.on,
		.exact_nid = op.exact_nid,
		.virt = op.virt,
	};
	return ret;
}

bool bridge_duel_apply(const struct bridge_op *op, uint64_t *addr_ret)
{
	struct memblock_op ours = {
		.kind = (enum memblock_op_kind)op->kind,
		.which = (enum memblock_which)op->which,
		.base = op->base,
		.size = op->size,
		.align = op->align,
		.max_addr = op->max_addr,
		.nid = op->nid,
		.flags = op->flags,
		.on = op->on,
		.exact_nid = op->exact_nid,
		.virt = op->virt,
	};
	struct memblock_op_result result = memblock_op_apply(&mb, &ours);

	*addr_ret = result.addr;
	return result.ok;
}

bool bridge_duel_panicked(void)
{
	return mb.panicked;
}

void bridge_duel_view(struct bridge_state *ret)
{
	export(ret);
}

const char *bridge_op_name(enum bridge_op_kind kind)
{
	return memblock_op_name((enum memblock_op_kind)kind);
}
