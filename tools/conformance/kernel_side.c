/* SPDX-License-Identifier: MIT */
/*
 * Stands in for the kernel's mm/memblock.c when its tests are built: the global, and those
 * functions that the tests reach.  Each takes a picture of the global, lets the engine act on it,
 * and paints the result back.
 */
#include <linux/memblock.h>
#include <linux/memory_hotplug.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/conformance/bridge.h"

#define LIST_MAX 128

static struct memblock_region static_regions[2][LIST_MAX];
static int can_resize;

struct memblock memblock = {
	.memory = { .regions = static_regions[0], .max = LIST_MAX, .name = "memory" },
	.reserved = { .regions = static_regions[1], .max = LIST_MAX, .name = "reserved" },
	.current_limit = MEMBLOCK_ALLOC_ANYWHERE,
};

unsigned long max_low_pfn, min_low_pfn, max_pfn;
unsigned long long max_possible_pfn;

static struct bridge_state state;

__attribute__((constructor)) static void begin(void)
{
	/* What passed before an abort is to be seen. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	bridge_init(KERNEL_MAJOR, KERNEL_MINOR, KERNEL_PATCH);
	if (bridge_dummy_region())
		memblock.memory.cnt = memblock.reserved.cnt = 1;
}

static struct memblock_type *type_of(int which)
{
	return which ? &memblock.reserved : &memblock.memory;
}

/* A nid from the tests as the engine's lists hold it. */
static int32_t nid_from(int which, int nid)
{
	if (nid == MAX_NUMNODES)
		return BRIDGE_NID_UNSET;
	/* Since allocations know their node, reserved regions start at NUMA_NO_NODE instead. */
	if (nid == NUMA_NO_NODE)
		return which && KERNEL_HAS_RSRV_KERN ? BRIDGE_NID_UNSET : BRIDGE_NID_NO_NODE;
	return nid;
}

/*
 * Without NUMA the kernel reads 0 as the node of every region.  Only memory's node is ever looked
 * at alone, and inside one list all are equal, so each list gets what the engine gives new regions
 * there.
 */
static int32_t nid_in(int which, const struct memblock_region *r)
{
#ifdef CONFIG_NUMA
	return nid_from(which, r->nid);
#else
	return which ? BRIDGE_NID_UNSET : 0;
#endif
}

static void nid_out(int which, struct memblock_region *r, int32_t nid)
{
#ifdef CONFIG_NUMA
	if (nid == BRIDGE_NID_UNSET)
		nid = which && KERNEL_HAS_RSRV_KERN ? NUMA_NO_NODE : MAX_NUMNODES;
	else if (nid == BRIDGE_NID_NO_NODE)
		nid = NUMA_NO_NODE;
	r->nid = nid;
#endif
}

static struct bridge_state *look(void)
{
	for (int which = 0; which < 2; which++) {
		const struct memblock_type *type = type_of(which);
		struct bridge_list *list = &state.list[which];

		list->cnt = type->cnt;
		if (type->cnt == 1 && !type->regions[0].size)
			list->cnt = 0;
		if (list->cnt > BRIDGE_REGIONS_MAX)
			abort();
		for (uint32_t i = 0; i < list->cnt; i++) {
			const struct memblock_region *r = &type->regions[i];

			list->regions[i].base = r->base;
			list->regions[i].size = r->size;
			list->regions[i].flags = r->flags;
			list->regions[i].nid = nid_in(which, r);
		}
		list->max = type->max;
		list->total_size = type->total_size;
		list->array = type->regions == static_regions[which] ? 0 : (uintptr_t)type->regions;
	}
	state.current_limit = memblock.current_limit;
	state.phys_max = (phys_addr_t)-1;
	state.region_bytes = sizeof(struct memblock_region);
	state.bottom_up = memblock.bottom_up;
	state.can_resize = can_resize;
	state.movable_node = movable_node_is_enabled();
	return &state;
}

static void paint(void)
{
	for (int which = 0; which < 2; which++) {
		struct memblock_type *type = type_of(which);
		const struct bridge_list *list = &state.list[which];

		type->regions = list->array ? (void *)(uintptr_t)list->array
					    : static_regions[which];
		for (uint32_t i = 0; i < list->cnt; i++) {
			struct memblock_region *r = &type->regions[i];

			r->base = list->regions[i].base;
			r->size = list->regions[i].size;
			r->flags = list->regions[i].flags;
			nid_out(which, r, list->regions[i].nid);
		}
		type->cnt = list->cnt;
		type->max = list->max;
		type->total_size = list->total_size;
		if (!list->cnt) {
			memset(&type->regions[0], 0, sizeof(type->regions[0]));
			nid_out(which, &type->regions[0], BRIDGE_NID_UNSET);
			type->cnt = bridge_dummy_region();
		}
	}
}

static int add(int which, phys_addr_t base, phys_addr_t size, int nid, unsigned int flags)
{
	bool ok = bridge_add(look(), which, base, size, nid, flags);

	paint();
	return ok ? 0 : -1;
}

static int drop(int which, phys_addr_t base, phys_addr_t size)
{
	bool ok = bridge_remove(look(), which, base, size);

	paint();
	return ok ? 0 : -1;
}

void memblock_allow_resize(void)
{
	can_resize = 1;
}

int memblock_add_node(phys_addr_t base, phys_addr_t size, int nid, enum memblock_flags flags)
{
#ifndef CONFIG_NUMA
	nid = 0;
#endif
	return add(0, base, size, nid_from(0, nid), flags);
}

int memblock_add(phys_addr_t base, phys_addr_t size)
{
#ifdef CONFIG_NUMA
	return add(0, base, size, BRIDGE_NID_UNSET, 0);
#else
	return add(0, base, size, 0, 0);
#endif
}

int memblock_remove(phys_addr_t base, phys_addr_t size)
{
	return drop(0, base, size);
}

#if KERNEL_HAS_RSRV_KERN
int __memblock_reserve(phys_addr_t base, phys_addr_t size, int nid, enum memblock_flags flags)
{
	return add(1, base, size, nid_from(1, nid), flags);
}
#else
int memblock_reserve(phys_addr_t base, phys_addr_t size)
{
	return add(1, base, size, BRIDGE_NID_UNSET, 0);
}
#endif

int memblock_phys_free(phys_addr_t base, phys_addr_t size)
{
	return drop(1, base, size);
}

void memblock_free(void *ptr, size_t size)
{
	if (ptr)
		memblock_phys_free((uintptr_t)ptr, size);
}

int memblock_set_node(phys_addr_t base, phys_addr_t size, struct memblock_type *type, int nid)
{
#ifdef CONFIG_NUMA
	int which = type == &memblock.reserved;
	bool ok = bridge_set_node(look(), which, base, size, nid_from(which, nid));

	paint();
	return ok ? 0 : -1;
#else
	return 0;
#endif
}

void memblock_trim_memory(phys_addr_t align)
{
	bridge_trim(look(), align);
	paint();
}

bool memblock_overlaps_region(struct memblock_type *type, phys_addr_t base, phys_addr_t size)
{
	return bridge_overlaps(look(), type == &memblock.reserved, base, size);
}

phys_addr_t memblock_start_of_DRAM(void)
{
	return bridge_start_of_dram(look());
}

phys_addr_t memblock_end_of_DRAM(void)
{
	return bridge_end_of_dram(look());
}

phys_addr_t memblock_phys_mem_size(void)
{
	return memblock.memory.total_size;
}

phys_addr_t memblock_reserved_size(void)
{
	return memblock.reserved.total_size;
}

static phys_addr_t alloc(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
			 phys_addr_t max_addr, int nid, bool exact_nid, bool virt)
{
	struct bridge_request request = {
		.size = size,
		.align = align,
		.min_addr = min_addr,
		.max_addr = max_addr,
		.nid = nid == MAX_NUMNODES ? NUMA_NO_NODE : nid,
		.exact_nid = exact_nid,
		.virt = virt,
	};
	phys_addr_t found = bridge_alloc(look(), &request);

	paint();
	return found;
}

phys_addr_t memblock_alloc_range_nid(phys_addr_t size, phys_addr_t align, phys_addr_t start,
				     phys_addr_t end, int nid, bool exact_nid)
{
	return alloc(size, align, start, end, nid, exact_nid, false);
}

phys_addr_t memblock_phys_alloc_range(phys_addr_t size, phys_addr_t align, phys_addr_t start,
				      phys_addr_t end)
{
	return alloc(size, align, start, end, NUMA_NO_NODE, false, false);
}

phys_addr_t memblock_phys_alloc_try_nid(phys_addr_t size, phys_addr_t align, int nid)
{
	return alloc(size, align, 0, MEMBLOCK_ALLOC_ACCESSIBLE, nid, false, false);
}

void *memblock_alloc_exact_nid_raw(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
				   phys_addr_t max_addr, int nid)
{
	return (void *)(uintptr_t)alloc(size, align, min_addr, max_addr, nid, true, true);
}

void *memblock_alloc_try_nid_raw(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
				 phys_addr_t max_addr, int nid)
{
	return (void *)(uintptr_t)alloc(size, align, min_addr, max_addr, nid, false, true);
}

void *memblock_alloc_try_nid(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
			     phys_addr_t max_addr, int nid)
{
	void *ptr = memblock_alloc_try_nid_raw(size, align, min_addr, max_addr, nid);

	if (ptr)
		memset(ptr, 0, size);
	return ptr;
}
