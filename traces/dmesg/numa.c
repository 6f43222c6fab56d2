/* SPDX-License-Identifier: MIT */
/* NUMA: affinity tables as the kernel printed them, nodes made up, node data. */
#include "traces/dmesg/reader.h"

static void join(struct reader *r, uint32_t nid, const phys_t range[6])
{
	struct answer *a = reader_answer(r, ANSWER_NUMA_JOIN);

	a->index = r->join_count++;
	a->nid = (int32_t)nid;
	for (int i = 0; i < 6; i++)
		a->v[i] = range[i];
}

/* 0,a0000) + [100000,40000000) -> [0,40000000) */
static bool srat_join_old(struct reader *r, uint32_t nid, struct scan s)
{
	phys_t range[6];

	for (int i = 0; i < 6; i += 2) {
		if (i && !scan_lit(&s, i == 2 ? " + [" : " -> ["))
			return false;
		if (!scan_hex(&s, &range[i]) || !scan_char(&s, ',') ||
		    !scan_hex(&s, &range[i + 1]) || !scan_char(&s, ')'))
			return false;
	}
	join(r, nid, range);
	return true;
}

/* 0 PXM 0 [mem 0x00000000-0x0009ffff][ hotplug][ non-volatile]; 2.6.32: 0 PXM 0 0-a0000 */
bool line_srat_memory(struct reader *r, struct scan s)
{
	struct affinity_memory *m;
	uint32_t nid, pxm;
	phys_t start, end;
	struct scan t;

	if (!scan_u32(&s, &nid) || nid >= NODES_MAX)
		return false;
	if (scan_lit(&s, " ["))
		return srat_join_old(r, nid, s);
	if (!scan_lit(&s, " PXM ") || !scan_u32(&s, &pxm) || !scan_ws(&s))
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

	if (!scan_u32(&s, &nid) || !scan_ws(&s) || !scan_mem_range(&s, &range[0], &range[1]) ||
	    !scan_lit(&s, " + ") || !scan_mem_range(&s, &range[2], &range[3]) ||
	    !scan_lit(&s, " -> ") || !scan_mem_range(&s, &range[4], &range[5]))
		return false;
	join(r, nid, range);
	return true;
}

/* [mem a-b]; up to 3.4: 0000000000000000-00000000bf6d0000 */
bool line_faking_a_node(struct reader *r, struct scan s)
{
	phys_t start, end;
	struct scan t = s;
	struct answer *a;

	if (!scan_mem_range(&s, &start, &end) && !scan_plain_range(&t, &start, &end))
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

	if (!scan_u32(&s, &nid) || !scan_lit(&s, ") allocated ") ||
	    !scan_mem_range(&s, &start, &end))
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

/* 0000000100000000 - 0000000100004fff], 3.5 to 3.17 mem a-b]; of the node just set up */
bool line_node_data_old(struct reader *r, struct scan s)
{
	phys_t start, end;

	if (scan_lit(&s, "mem ")) {
		if (!scan_0x(&s, &start) || !scan_char(&s, '-') || !scan_0x(&s, &end))
			return false;
	} else if (!scan_plain_range(&s, &start, &end)) {
		return false;
	}
	return scan_char(&s, ']') && r->node >= 0 &&
	       node_data(r, (uint32_t)r->node, start, end + 1);
}

/*
 * The tables the firmware has.  A machine without a distance table has the default distances.
 * RSDP 0x00000000000F05B0 000014 (v00 BOCHS )
 * SLIT table looks invalid. Not used.
 */
bool line_acpi_table(struct reader *r, struct scan s)
{
	struct scan_str name;
	struct scan t;
	uint64_t address;

	if (!scan_word(&s, &name) || name.len != 4)
		return false;
	t = s;
	if (scan_str_eq(name, "SLIT") && scan_lit(&t, " table looks invalid")) {
		r->log->input.distances_told = false;
		return true;
	}
	t = s;
	if (!scan_ws1(&t) || (!scan_0x(&t, &address) && !scan_hex(&t, &address)))
		return false;
	if (scan_str_eq(name, "RSDP"))
		r->log->input.tables_listed = true;
	else if (scan_str_eq(name, "SLIT"))
		r->log->input.distances_told = true;
	return true;
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
