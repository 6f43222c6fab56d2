/* SPDX-License-Identifier: MIT */
/*
 * Device tree, after drivers/of/fdt.c and drivers/of/of_reserved_mem.c:
 *   1. Memory ranges are trimmed inwards to pages and added.
 *   2. Children of /reserved-memory with a place are reserved, or marked NOMAP if they must not be mapped.
 *   3. Then those without a place are allocated, in an order that depends on the era.
 *   4. Pools among them become contiguous areas; a pool that is refused is given back.
 */
#include "engine/device_tree.h"

#include <stdlib.h>
#include <string.h>

#include "engine/cma.h"
#include "engine/machine.h"
#include "engine/memblock_invariants.h"
#include "engine/room.h"

/* Children beyond these are not looked at by kernels with a fixed array. */
#define RESERVED_CHILDREN_MAX 64

void device_tree_deinit(struct device_tree *tree)
{
	free(tree->memory);
	free(tree->usable);
	free(tree->memreserve);
	free(tree->reserved);
	free(tree->ranges);
	free(tree->distances);
	memset(tree, 0, sizeof(*tree));
}

void device_tree_clear(struct device_tree *tree)
{
	*tree = (struct device_tree){ .memory = tree->memory,
				      .usable = tree->usable,
				      .memreserve = tree->memreserve,
				      .reserved = tree->reserved,
				      .ranges = tree->ranges,
				      .distances = tree->distances,
				      .room = tree->room };
}

static void add_memory(struct machine *m, const struct tree_memory *mem)
{
	uint64_t page = arch_page_size(&m->config);
	phys_t most = m->config.phys_bits == 32 ? UINT32_MAX : UINT64_MAX;
	phys_t base = mem->range.base;
	uint64_t size = mem->range.size;

	if (size < page - (base & (page - 1)))
		return;
	if (base & (page - 1)) {
		size -= page - (base & (page - 1));
		base = round_up_to(base, page);
	}
	size = round_down_to(size, page);
	if (!size || base > most)
		return;
	if (size - 1 > most - base)
		size = round_down_to(most - base, page);
	memblock_add(&m->mb, base, size, NID_NONE, 0);
	if (mem->hotpluggable && fact_get(&m->facts, FACT_dt_memory_hotpluggable))
		memblock_set_flag(&m->mb, MEMBLOCK_MEMORY, base, size, MEMBLOCK_HOTPLUG, true);
}

void device_tree_add_memory(struct machine *m, const struct device_tree *tree)
{
	bool root_only = fact_get(&m->facts, FACT_dt_memory_below_root);
	bool status = fact_get(&m->facts, FACT_dt_memory_status);

	for (uint32_t i = 0; i < tree->memory_count; i++) {
		const struct tree_memory *mem = &tree->memory[i];

		if ((!root_only || mem->depth == 1) && (!status || mem->enabled))
			add_memory(m, mem);
	}
	if (!tree->usable_count)
		return;
	/* The first range caps memory, the others come on top. */
	memblock_invariants_cap(&m->mb, tree->usable[0].base, tree->usable[0].size, &m->before,
				m->findings);
	for (uint32_t i = 1; i < tree->usable_count; i++)
		memblock_add(&m->mb, tree->usable[i].base, tree->usable[i].size, NID_NONE, 0);
}

/* ---- order -------------------------------------------------------------------------------------- */

struct sorter {
	const phys_t *base;
	const uint64_t *size;
	uint32_t *order;
};

/* Negative, 0 or positive as element @a of the order sorts before, with or after element @b. */
static int compare(const struct sorter *s, uint32_t a, uint32_t b)
{
	uint32_t i = s->order[a], k = s->order[b];

	if (s->base[i] != s->base[k])
		return s->base[i] < s->base[k] ? -1 : 1;
	return (s->size[i] > s->size[k]) - (s->size[i] < s->size[k]);
}

static void swap(struct sorter *s, uint32_t a, uint32_t b)
{
	uint32_t t = s->order[a];

	s->order[a] = s->order[b];
	s->order[b] = t;
}

/* Lets @root sink, step by step, while a child is larger. */
static void sink_down(struct sorter *s, uint32_t root, uint32_t count)
{
	for (uint32_t child; (child = 2 * root + 1) < count; root = child) {
		if (child + 1 < count && compare(s, child, child + 1) < 0)
			child++;
		if (compare(s, root, child) >= 0)
			return;
		swap(s, root, child);
	}
}

/*
 * The variant that compares less: goes down along the larger children to a leaf, then up again to where
 * @root belongs, and moves that path up by one.
 */
static void sink_bottom_up(struct sorter *s, uint32_t root, uint32_t count)
{
	uint32_t at = root, child;

	while ((child = 2 * at + 1) + 1 < count)
		at = compare(s, child, child + 1) >= 0 ? child : child + 1;
	if (child + 1 == count)
		at = child;
	while (at != root && compare(s, root, at) >= 0)
		at = (at - 1) / 2;
	child = at;
	while (at != root) {
		at = (at - 1) / 2;
		swap(s, at, child);
	}
}

void device_tree_sort(const phys_t *base, const uint64_t *size, uint32_t count, bool bottom_up,
		      uint32_t *order)
{
	struct sorter s = { base, size, order };
	void (*sift)(struct sorter * s, uint32_t root, uint32_t count) = bottom_up ? sink_bottom_up
										   : sink_down;

	for (uint32_t i = 0; i < count; i++)
		order[i] = i;
	for (uint32_t i = count / 2; i-- > 0;)
		sift(&s, i, count);
	for (uint32_t n = count; n > 1;) {
		n--;
		swap(&s, 0, n);
		sift(&s, 0, n);
	}
}

/* ---- reserved memory ---------------------------------------------------------------------------- */

static void set_nomap(struct machine *m, const struct tree_range *r, bool on)
{
	memblock_set_flag(&m->mb, MEMBLOCK_MEMORY, r->base, r->size, MEMBLOCK_NOMAP, on);
}

static void reserve_range(struct machine *m, const struct tree_reserved *node,
			  const struct tree_range *r)
{
	if (!r->size)
		return;
	if (!node->no_map) {
		memblock_reserve(&m->mb, r->base, r->size, NID_NONE, 0);
		return;
	}
	/* What somebody else has reserved must stay mapped. */
	if (memblock_overlaps(&m->mb, MEMBLOCK_RESERVED, r->base, r->size))
		return;
	if (fact_get(&m->facts, FACT_dt_nomap_marked))
		set_nomap(m, r, true);
	else
		memblock_remove(&m->mb, r->base, r->size);
}

static bool place_in(struct machine *m, const struct tree_reserved *node, uint64_t align,
		     phys_t start, phys_t end, bool bottom_up, struct tree_range *ret)
{
	struct memblock_request req = { .size = node->size,
					.align = align,
					.min_addr = start,
					.max_addr = end,
					.nid = NID_NONE,
					.exact_nid = true };
	bool saved = m->mb.bottom_up, ok;

	m->mb.bottom_up = bottom_up;
	ok = memblock_alloc(&m->mb, &req, &ret->base);
	m->mb.bottom_up = saved;
	ret->size = node->size;
	return ok;
}

static bool touches(const struct tree_range *r, phys_t at)
{
	return at >= r->base && at <= r->base + r->size;
}

/* Inside a window a block goes next to what lies at the window's edge, if that is the case at one end. */
static bool window_bottom_up(const struct machine *m, const struct device_tree *tree, phys_t start,
			     phys_t end)
{
	bool low = false, high = false;

	if (!fact_get(&m->facts, FACT_dt_reserved_contiguous))
		return false;
	for (uint32_t i = 0; i < m->tree_placed_count; i++) {
		low |= touches(&m->tree_placed[i].range, start);
		high |= touches(&m->tree_placed[i].range, end);
	}
	/* Newer kernels do not know the fixed ones yet. */
	for (uint32_t i = 0; i < tree->reserved_count; i++) {
		if (fact_get(&m->facts, FACT_dt_reserved_order) == 2)
			break;
		if (!tree->reserved[i].enabled || !tree->reserved[i].range_count)
			continue;
		low |= touches(&tree->reserved[i].ranges[0], start);
		high |= touches(&tree->reserved[i].ranges[0], end);
	}
	return low && !high;
}

static bool place(struct machine *m, const struct device_tree *tree,
		  const struct tree_reserved *node, struct tree_range *ret)
{
	uint64_t align = node->align;
	bool ok = false;

	if (node->dma_pool && node->reusable && !node->no_map && m->config.cma)
		align = max_u64(align, cma_min_align(m));
	if (!node->window_count)
		ok = place_in(m, node, align, 0, UINT64_MAX, false, ret);
	for (uint32_t i = 0; i < node->window_count && !ok; i++) {
		const struct tree_range *w = &node->windows[i];

		ok = place_in(m, node, align, w->base, w->base + w->size,
			      window_bottom_up(m, tree, w->base, w->base + w->size), ret);
	}
	if (!ok || !node->no_map)
		return ok;
	if (fact_get(&m->facts, FACT_dt_dynamic_nomap_marked)) {
		set_nomap(m, ret, true);
	} else {
		memblock_free(&m->mb, ret->base, ret->size);
		memblock_remove(&m->mb, ret->base, ret->size);
	}
	return ok;
}

static void append(struct machine *m, const struct tree_placed *placed)
{
	if (!room_make(&m->tree_placed, &m->room.tree_placed,
		       (m->tree_placed_count + 1) * sizeof(*m->tree_placed))) {
		m->out_of_memory = true;
		return;
	}
	m->tree_placed[m->tree_placed_count++] = *placed;
}

/* Drivers look at what was placed: pools become areas, or are refused and given back. */
static void settle(struct machine *m, const struct tree_reserved *node, const struct tree_range *r,
		   bool dynamic)
{
	struct tree_placed placed = { .range = *r, .dynamic = dynamic };

	if (node->dma_pool && node->reusable) {
		bool bypassed = node->cma_default && m->cmdline.cma_set &&
				fact_get(&m->facts, FACT_cma_cmdline_bypasses_tree);

		placed.cma = m->config.cma && !bypassed && !node->no_map &&
			     !((r->base | r->size) & (cma_min_align(m) - 1));
		placed.cma_default = placed.cma && node->cma_default;
		if (!placed.cma) {
			if (node->no_map)
				set_nomap(m, r, false);
			else
				memblock_free(&m->mb, r->base, r->size);
			placed.refused = true;
		}
	} else if (node->dma_pool && !node->no_map && m->config.arch == ARCH_ARM) {
		memblock_free(&m->mb, r->base, r->size);
		placed.refused = true;
	}
	append(m, &placed);
}

static void reserve_children(struct machine *m, const struct device_tree *tree)
{
	uint64_t rule = fact_get(&m->facts, FACT_dt_reserved_order);
	bool first_only = fact_get(&m->facts, FACT_dt_reserved_first_range);
	uint32_t count = 0, *index = machine_work(m, 0, tree->reserved_count, sizeof(*index));
	uint32_t *order = machine_work(m, 1, tree->reserved_count, sizeof(*order));
	phys_t *base = machine_work(m, 2, tree->reserved_count, sizeof(*base));
	uint64_t *size = machine_work(m, 3, tree->reserved_count, sizeof(*size));

	if (!index || !order || !base || !size)
		return;
	for (uint32_t i = 0; i < tree->reserved_count; i++) {
		const struct tree_reserved *node = &tree->reserved[i];

		if (!node->enabled || (rule != 2 && count == RESERVED_CHILDREN_MAX))
			continue;
		for (uint32_t r = 0; r < node->range_count && !(r && first_only); r++)
			reserve_range(m, node, &node->ranges[r]);
		if (!node->range_count && !node->size)
			continue;
		base[count] = node->range_count ? node->ranges[0].base : 0;
		size[count] = node->range_count ? node->ranges[0].size : 0;
		index[count++] = i;
	}
	if (rule == 0)
		device_tree_sort(base, size, count, fact_get(&m->facts, FACT_sort_bottom_up),
				 order);
	else
		for (uint32_t i = 0; i < count; i++)
			order[i] = i;
	/* With the old orders every child is settled in turn; those to be placed have address 0. */
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < count; i++) {
			const struct tree_reserved *node = &tree->reserved[index[order[i]]];
			struct tree_range r;

			if ((node->range_count > 0) != (pass > 0))
				continue;
			if (node->range_count)
				settle(m, node, &node->ranges[0], false);
			else if (place(m, tree, node, &r))
				settle(m, node, &r, true);
		}
	}
}

void device_tree_reserve(struct machine *m, const struct device_tree *tree)
{
	for (uint32_t i = 0; i < tree->memreserve_count; i++)
		memblock_reserve(&m->mb, tree->memreserve[i].base, tree->memreserve[i].size,
				 NID_NONE, 0);
	if (tree->reserved_count && tree->reserved_format_ok)
		reserve_children(m, tree);
}

const struct tree_placed *device_tree_block(const struct machine *m, uint64_t size, phys_t min,
					    phys_t max, bool backwards)
{
	const struct tree_placed *found = NULL;

	for (uint32_t i = 0; i < m->tree_placed_count; i++) {
		const struct tree_placed *p = &m->tree_placed[i];

		if (!p->dynamic || p->range.size != size || p->range.base < min ||
		    (max && p->range.base + size > max) ||
		    memblock_overlaps(&m->mb, MEMBLOCK_RESERVED, p->range.base, size) != backwards)
			continue;
		found = p;
		if (!backwards)
			break;
	}
	return found;
}
