/* SPDX-License-Identifier: MIT */
#include "engine/rewind.h"

#include <stdlib.h>
#include <string.h>

#include "engine/device_tree.h"

/* Blocks tried in all: logs of real machines need about one a step. */
#define ATTEMPTS_MAX 200000

bool rewind_tree_step(const struct boot_step *s)
{
	return s->kind == STEP_ALLOC &&
	       !strncmp(s->name, "early_init_dt_alloc_reserved_memory_arch", 40);
}

static bool is_allocation(const struct boot_step *s)
{
	return s->kind == STEP_ALLOC || s->kind == STEP_NODE_DATA || s->kind == STEP_CMA_RESERVE ||
	       (s->kind == STEP_RAMDISK_MOVE && !s->flags);
}

/* Did @s take a block?  What the tree asks for may not fit, and then nothing became of it. */
static bool took_block(const struct machine *m, const struct boot_step *s)
{
	if (rewind_tree_step(s) && !device_tree_block(m, s->size, s->min_addr, s->max_addr, true) &&
	    !device_tree_block(m, s->size, s->min_addr, s->max_addr, false))
		return false;
	return is_allocation(s);
}

static bool same_reserved(const struct memblock *a, const struct memblock *b)
{
	if (a->reserved.cnt != b->reserved.cnt)
		return false;
	for (uint32_t i = 0; i < a->reserved.cnt; i++)
		if (a->reserved.regions[i].base != b->reserved.regions[i].base ||
		    a->reserved.regions[i].size != b->reserved.regions[i].size)
			return false;
	return true;
}

/* Blocks the device tree reserves stay what they are: no step of the log took them. */
static bool is_fixed(const struct machine *m, phys_t base, uint64_t size)
{
	for (uint32_t i = 0; i < m->tree_placed_count; i++) {
		const struct tree_range *r = &m->tree_placed[i].range;

		if (m->tree_placed[i].refused)
			continue;
		if (base < r->base + r->size && r->base < base + size)
			return true;
	}
	return false;
}

/* The lowest address above @from, inside @r, where a fixed block ends; PHYS_MAX when there is none. */
static phys_t next_fixed_end(const struct machine *m, const struct memblock_region *r, phys_t from)
{
	phys_t best = PHYS_MAX;

	for (uint32_t i = 0; i < m->tree_placed_count; i++) {
		phys_t end = m->tree_placed[i].range.base + m->tree_placed[i].range.size;

		if (end > from && end < best && end < r->base + r->size)
			best = end;
	}
	return best;
}

static bool fits_again(const struct machine *m, struct machine *scratch,
		       const struct boot_input *in, const struct boot_step *s, phys_t base,
		       rewind_step forward)
{
	memblock_copy(&scratch->mb, &m->mb);
	memblock_free(&scratch->mb, base, s->size);
	forward(scratch, in, s);
	return same_reserved(&scratch->mb, &m->mb);
}

/*
 * Finds the lowest reserved block at or above @from that the request of @s would get again if it were
 * free.  @scratch holds each attempt.  PHYS_MAX when there is none.
 */
static phys_t next_candidate(const struct machine *m, struct machine *scratch,
			     const struct boot_input *in, const struct boot_step *s, phys_t from,
			     rewind_step forward, uint32_t *budget)
{
	if (rewind_tree_step(s)) {
		const struct tree_placed *p =
			device_tree_block(m, s->size, s->min_addr, s->max_addr, true);

		return p && p->range.base >= from ? p->range.base : PHYS_MAX;
	}
	for (uint32_t i = 0; i < m->mb.reserved.cnt && *budget; i++) {
		const struct memblock_region *r = &m->mb.reserved.regions[i];
		phys_t base = r->base;

		/* A block lies at the lower end of what it merged with, or right above a fixed one. */
		for (; base != PHYS_MAX && *budget; base = next_fixed_end(m, r, base)) {
			if (base < from || r->base + r->size - base < s->size ||
			    is_fixed(m, base, s->size))
				continue;
			(*budget)--;
			if (fits_again(m, scratch, in, s, base, forward))
				return base;
		}
	}
	return PHYS_MAX;
}

static void load(struct machine *m, const struct memblock_region *regions, uint32_t count)
{
	memblock_free(&m->mb, 0, UINT64_MAX);
	for (uint32_t i = 0; i < count; i++)
		memblock_reserve(&m->mb, regions[i].base, regions[i].size, NID_NONE, 0);
}

bool rewind_to_start(struct machine *m, const struct boot_input *in, uint32_t state_step,
		     rewind_step forward)
{
	struct machine scratch = { 0 }, end = { 0 };
	uint32_t budget = ATTEMPTS_MAX;
	int64_t rsrv_kern = m->facts.v[FACT_memblock_rsrv_kern];
	phys_t *chosen;
	bool ok;

	/* What is reserved is compared, not for whom: all reserved regions shall merge. */
	m->facts.v[FACT_memblock_rsrv_kern] = 0;
	/* Machines with @m's rules and memory, for trying things out. */
	scratch.facts = end.facts = m->facts;
	scratch.config = end.config = m->config;
	scratch.cmdline = m->cmdline;
	scratch.max_pfn = m->max_pfn;
	scratch.max_low_pfn = m->max_low_pfn;
	scratch.tree_placed = m->tree_placed;
	scratch.tree_placed_count = m->tree_placed_count;
	memblock_init(&scratch.mb, &scratch.facts, m->config.page_shift, 128, 128);
	memblock_init(&end.mb, &end.facts, m->config.page_shift, 128, 128);
	memblock_copy(&end.mb, &m->mb);
	load(&end, in->state.reserved, in->state.reserved_count);
	load(m, in->state.reserved, in->state.reserved_count);

	/*
	 * Backwards from the dump, depth first: a small block may fit several holes, so a step that
	 * cannot be undone sends us back to the last one that had another choice.
	 */
	chosen = calloc(state_step + 1, sizeof(*chosen));
	ok = chosen;
	m->out_of_memory |= !chosen;
	for (uint32_t i = state_step; ok && i > 0;) {
		const struct boot_step *s = &in->steps[i - 1];
		phys_t base = 0;

		if (took_block(m, s)) {
			base = next_candidate(m, &scratch, in, s, 0, forward, &budget);
			if (base != PHYS_MAX)
				memblock_free(&m->mb, base, s->size);
		} else if (s->kind == STEP_RESERVE) {
			memblock_free(&m->mb, s->base, s->size);
		} else if (s->kind == STEP_FREE) {
			/* What was freed and is reserved again by nobody: a wrong turn before. */
			if (memblock_overlaps(&m->mb, MEMBLOCK_RESERVED, s->base, s->size))
				base = PHYS_MAX;
			else
				memblock_reserve(&m->mb, s->base, s->size, NID_NONE, 0);
		}
		if (base != PHYS_MAX) {
			chosen[--i] = base;
			continue;
		}
		/* Forwards again until a step has a higher candidate. */
		for (; i < state_step; i++) {
			s = &in->steps[i];
			if (s->kind == STEP_RESERVE)
				memblock_reserve(&m->mb, s->base, s->size, NID_NONE, 0);
			else if (s->kind == STEP_FREE)
				memblock_free(&m->mb, s->base, s->size);
			if (!took_block(m, s))
				continue;
			memblock_reserve(&m->mb, chosen[i], s->size, NID_NONE, 0);
			base = next_candidate(m, &scratch, in, s, chosen[i] + 1, forward, &budget);
			if (base != PHYS_MAX) {
				memblock_free(&m->mb, base, s->size);
				chosen[i] = base;
				break;
			}
		}
		ok = i < state_step && budget;
	}
	free(chosen);
	if (ok) {
		memblock_copy(&scratch.mb, &m->mb);
		for (uint32_t i = 0; i < state_step; i++)
			forward(&scratch, in, &in->steps[i]);
		ok = same_reserved(&scratch.mb, &end.mb);
	}
	m->facts.v[FACT_memblock_rsrv_kern] = rsrv_kern;
	if (!ok)
		memblock_free(&m->mb, 0, UINT64_MAX);
	scratch.tree_placed = NULL;
	machine_deinit(&scratch);
	machine_deinit(&end);
	return ok;
}
