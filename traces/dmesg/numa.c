/* SPDX-License-Identifier: MIT */
/* NUMA: affinity tables as the kernel printed them, nodes made up, node data. */
#include "traces/dmesg/reader.h"

/* 0 PXM 0 [mem 0x00000000-0x0009ffff][ hotplug][ non-volatile]; 2.6.32: 0 PXM 0 0-a0000 */
bool line_srat_memory(struct reader *r, struct scan s)
{
	struct affinity_memory *m;
	uint32_t nid, pxm;
	phys_t start, end;
	struct scan t;

	if (!scan_u32(&s, &nid) || nid >= NODES_MAX || !scan_lit(&s, " PXM ") || !scan_u32(&s, &pxm) ||
	    !scan_ws(&s))
		return false;
	t = s;
	if (!scan_mem_range(&s, &start, &end)) {
		s = t;
		if (!scan_hex(&s, &start) || !scan_char(&s, '-') || !scan_hex(&s, &end))
			return false;
	}
	m = boot_log_add_affinity(r->log);
	if (!m)
		return false;
	m->start = start;
	m->end = end;
	m->nid = (int32_t)nid;
	t = s;
	m->hotplug = scan_past(&t, "hotplug");
	t = s;
	m->nonvolatile = scan_past(&t, "non-volatile");
	r->log->input.numa_source = true;
	return true;
}

bool line_srat_memory_old(struct reader *r, struct scan s)
{
	return line_srat_memory(r, s);
}

/* SRAT: PXM 0 -> APIC 0x00 -> Node 0 */
bool line_srat_cpu(struct reader *r, struct scan s)
{
	uint32_t nid;

	if (!scan_past(&s, "-> Node ") || !scan_u32(&s, &nid) || nid >= NODES_MAX)
		return false;
	return boot_log_add_cpu(r->log, (int32_t)nid);
}

/* 0 [mem a-b] + [mem a-b] -> [mem a-b] */
bool line_numa_join(struct reader *r, struct scan s)
{
	uint32_t nid;
	phys_t range[6];
	struct answer *a;

	if (!scan_u32(&s, &nid) || !scan_ws(&s) || !scan_mem_range(&s, &range[0], &range[1]) ||
	    !scan_lit(&s, " + ") || !scan_mem_range(&s, &range[2], &range[3]) ||
	    !scan_lit(&s, " -> ") || !scan_mem_range(&s, &range[4], &range[5]))
		return false;
	a = reader_answer(r, ANSWER_NUMA_JOIN);
	a->index = r->join_count++;
	a->nid = (int32_t)nid;
	for (int i = 0; i < 6; i++)
		a->v[i] = range[i];
	return true;
}

bool line_faking_a_node(struct reader *r, struct scan s)
{
	phys_t start, end;
	struct answer *a;

	if (!scan_mem_range(&s, &start, &end))
		return false;
	a = reader_answer(r, ANSWER_FAKING_NODE);
	a->nid = 0;
	a->v[0] = start;
	a->v[1] = end;
	return true;
}

bool line_faking_a_node_arm(struct reader *r, struct scan s)
{
	return line_faking_a_node(r, s);
}

/* Faking node 0 at [mem a-b] (512MB) */
bool line_faking_node(struct reader *r, struct scan s)
{
	uint32_t nid;
	phys_t start, end;
	struct answer *a;

	if (!scan_u32(&s, &nid) || !scan_lit(&s, " at ") || !scan_mem_range(&s, &start, &end))
		return false;
	a = reader_answer(r, ANSWER_FAKING_NODE);
	a->nid = (int32_t)nid;
	a->index = 1;
	a->v[0] = start;
	a->v[1] = end;
	return true;
}

static bool node_data(struct reader *r, uint32_t nid, phys_t start, phys_t end)
{
	struct boot_step *step;
	struct answer *a;

	if (nid >= NODES_MAX || !reader_flush_orphans(r, 1))
		return false;
	step = boot_log_add_step(r->log, STEP_NODE_DATA, r->line->line);
	if (!step)
		return false;
	step->nid = (int32_t)nid;
	step->size = end - start;
	r->request = READER_NO_STEP;
	reader_adopt_orphan(r, r->log->input.step_count - 1);
	a = reader_answer(r, ANSWER_NODE_DATA);
	a->nid = (int32_t)nid;
	a->v[0] = start;
	a->v[1] = end;
	r->node_data_count++;
	return true;
}

/* 0) allocated [mem a-b] */
bool line_node_data(struct reader *r, struct scan s)
{
	uint32_t nid;
	phys_t start, end;

	if (!scan_u32(&s, &nid) || !scan_lit(&s, ") allocated ") || !scan_mem_range(&s, &start, &end))
		return false;
	return node_data(r, nid, start, end);
}

/* [mem a-b]: nodes with memory, in ascending order */
bool line_node_data_arm(struct reader *r, struct scan s)
{
	phys_t start, end;

	if (!scan_mem_range(&s, &start, &end))
		return false;
	return node_data(r, r->node_data_count, start, end);
}

/* 1) on node 3 */
bool line_node_data_on(struct reader *r, struct scan s)
{
	struct answers *recorded = &r->log->recorded;
	uint32_t nid, on;

	if (!scan_u32(&s, &nid) || !scan_lit(&s, ") on node ") || !scan_u32(&s, &on))
		return false;
	for (uint32_t i = recorded->count; i-- > 0;) {
		if (recorded->items[i].kind == ANSWER_NODE_DATA) {
			recorded->items[i].v[2] = (uint64_t)on + 1;
			break;
		}
	}
	return true;
}

bool line_node_data_on_arm(struct reader *r, struct scan s)
{
	return line_node_data_on(r, s);
}
