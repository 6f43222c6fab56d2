/* SPDX-License-Identifier: MIT */
/*
 * Windows of CXL memory (CFMWS), after acpi_parse_cfmws (drivers/acpi/numa/srat.c) and numa_fill_memblks
 * (mm/numa_memblks.c; arch/x86/mm/numa.c before 6.12).  A window whose memory the SRAT describes, if only a
 * part of it, belongs to the nodes that it names; one that is not described gets a node of its own, by a
 * proximity domain that nobody uses.
 *
 * Not modelled: domains apart from numbers of nodes.  A node's domain is its number.
 */
#include <string.h>

#include "engine/numa.h"
#include "engine/numa_invariants.h"
#include "engine/room.h"

/* Values of the fact cxl_windows. */
enum cxl_windows { CXL_WINDOWS_IGNORED = 0, CXL_WINDOWS_BY_START = 1, CXL_WINDOWS_FILLED = 2 };

struct windows {
	struct machine *m;
	const struct boot_input *in;
	uint32_t node_limit; /* MAX_NUMNODES */
	uint32_t domain; /* the next that is made up */
	int32_t by_domain[NODES_MAX]; /* nodes of domains; NID_NONE: unused */
	bool used[NODES_MAX]; /* nodes that have a domain */
};

static void use_node(struct windows *w, int32_t nid)
{
	if (!nid_within(nid, w->node_limit))
		return;
	w->used[nid] = true;
	w->by_domain[nid] = nid;
}

static void find_domain(struct windows *w)
{
	uint32_t looked_at = w->node_limit;

	if (!fact_get(&w->m->facts, FACT_cxl_domain_unused))
		looked_at--;
	for (uint32_t n = 0; n < looked_at; n++)
		if (w->used[n])
			w->domain = n + 1;
}

/* A node for the next made-up domain; NID_NONE when there are no more. */
static int32_t make_node(struct windows *w)
{
	int32_t nid = 0;

	if (w->domain >= w->node_limit)
		return NID_NONE;
	if (w->by_domain[w->domain] != NID_NONE)
		return w->by_domain[w->domain];
	while ((uint32_t)nid < w->node_limit && w->used[nid])
		nid++;
	if ((uint32_t)nid == w->node_limit)
		return NID_NONE;
	w->used[nid] = true;
	w->by_domain[w->domain] = nid;
	return nid;
}

static bool in_window(const struct windows *w, const struct memory_window *window,
		      const struct affinity_memory *b)
{
	if (fact_get(&w->m->facts, FACT_cxl_fill_exact))
		return window->start < b->end && window->end > b->start;
	return window->start <= b->end && window->end >= b->start;
}

static bool comes_before(const struct windows *w, const struct affinity_memory *a,
			 const struct affinity_memory *b)
{
	if (fact_get(&w->m->facts, FACT_cxl_fill_exact))
		return a->start < b->start;
	/* The difference was returned as an int. */
	return ((a->start - b->start) & UINT32_MAX) >> 31;
}

/* Sorts indices of blocks. */
static void sort_blocks(const struct windows *w, uint32_t *blocks, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		uint32_t block = blocks[i], k = i;

		for (; k && comes_before(w, &w->m->numa_blocks[block],
					 &w->m->numa_blocks[blocks[k - 1]]);
		     k--)
			blocks[k] = blocks[k - 1];
		blocks[k] = block;
	}
}

/* The blocks in @window grow over what lies between them and around; false when there are none. */
static bool fill(const struct windows *w, const struct memory_window *window, uint32_t *blocks)
{
	struct affinity_memory *all = w->m->numa_blocks;
	uint32_t count = 0;
	phys_t end;

	for (uint32_t i = 0; i < w->m->numa_block_count; i++)
		if (in_window(w, window, &all[i]))
			blocks[count++] = i;
	if (!count)
		return false;
	sort_blocks(w, blocks, count);
	all[blocks[0]].start = min_u64(all[blocks[0]].start, window->start);
	all[blocks[count - 1]].end = max_u64(all[blocks[count - 1]].end, window->end);
	end = all[blocks[0]].end;
	for (uint32_t i = 1; i < count; i++) {
		struct affinity_memory *b = &all[blocks[i]];

		if (end < b->start)
			b->start = end;
		end = max_u64(end, b->end);
	}
	return true;
}

static bool is_described(const struct windows *w, const struct memory_window *window,
			 struct affinity_memory *before, uint32_t *blocks)
{
	struct machine *m = w->m;
	bool filled;

	if (fact_get(&m->facts, FACT_cxl_windows) == CXL_WINDOWS_BY_START) {
		for (uint32_t i = 0; i < m->numa_block_count; i++)
			if (m->numa_blocks[i].start <= window->start &&
			    window->start < m->numa_blocks[i].end)
				return true;
		return false;
	}
	memcpy(before, m->numa_blocks, m->numa_block_count * sizeof(*before));
	filled = fill(w, window, blocks);
	if (m->findings)
		numa_invariants_filled(m, window, before, m->numa_block_count, m->findings);
	return filled;
}

static void add_windows(struct windows *w, struct affinity_memory *before, uint32_t *blocks)
{
	struct machine *m = w->m;

	for (uint32_t i = 0; i < w->in->window_count; i++) {
		const struct memory_window *window = &w->in->windows[i];
		int32_t nid;

		if (window->start >= window->end || is_described(w, window, before, blocks))
			continue;
		nid = make_node(w);
		if (nid == NID_NONE)
			return;
		if (m->findings)
			numa_invariants_window(w->in, window, nid, m->findings);
		m->numa_blocks[m->numa_block_count++] = (struct affinity_memory){
			.start = window->start, .end = window->end, .nid = nid
		};
		m->window_nids[i] = nid;
		w->domain++;
	}
}

bool numa_add_windows(struct machine *m, const struct boot_input *in)
{
	size_t count = (size_t)m->numa_block_count + in->window_count;
	struct affinity_memory *before;
	uint32_t *blocks;
	struct windows *w;
	bool ok;

	if (!in->window_count)
		return true;
	m->window_count = 0;
	before = machine_work(m, 0, count, sizeof(*before));
	blocks = machine_work(m, 1, count, sizeof(*blocks));
	w = machine_work(m, 2, 1, sizeof(*w));
	ok = before && blocks && w &&
	     room_make(&m->window_nids, &m->room.window_nids,
		       in->window_count * sizeof(*m->window_nids)) &&
	     room_make(&m->numa_blocks, &m->room.numa_blocks, count * sizeof(*m->numa_blocks));
	if (ok) {
		m->window_count = in->window_count;
		for (uint32_t i = 0; i < in->window_count; i++)
			m->window_nids[i] = NID_NONE;
		w->m = m;
		w->in = in;
		w->node_limit = m->config.nodes_shift < 10 ? 1U << m->config.nodes_shift
							   : NODES_MAX;
		for (uint32_t n = 0; n < NODES_MAX; n++)
			w->by_domain[n] = NID_NONE;
		for (uint32_t i = 0; i < in->affinity_count; i++)
			use_node(w, in->affinity[i].nid);
		for (uint32_t i = 0; i < in->cpu_nid_count; i++)
			use_node(w, in->cpu_nid[i]);
		find_domain(w);
		if (fact_get(&m->facts, FACT_cxl_windows) != CXL_WINDOWS_IGNORED)
			add_windows(w, before, blocks);
	}
	m->out_of_memory |= !ok;
	return ok;
}
