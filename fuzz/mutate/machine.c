/* SPDX-License-Identifier: MIT */
/*
 * Machine: changes that take several fields of a machine at once, as one field after the other would
 * hardly ever come to them.
 */
#include <string.h>

#include "engine/facts.h"
#include "fuzz/mutate/internal.h"
#include "traces/record.pb-c.h"

#define MIB (1ULL << 20)
/* Nodes that these changes make; more come from changes of single fields. */
#define NODES_SMALL 64

#define MAKE_ROOM(m, array, count, at, more) \
	mutate_make_room(m, (void **)&(array), &(count), at, more, sizeof(*(array)))

/* ---- nodes ------------------------------------------------------------------------------------- */

static int32_t nodes_of(const Mmtrace__BootInput *in)
{
	int32_t count = 1;

	for (size_t i = 0; i < in->n_affinity; i++)
		if (in->affinity[i]->nid >= count && in->affinity[i]->nid < NODES_SMALL)
			count = in->affinity[i]->nid + 1;
	for (size_t i = 0; i < in->n_cpu_nid; i++)
		if (in->cpu_nid[i] >= count && in->cpu_nid[i] < NODES_SMALL)
			count = in->cpu_nid[i] + 1;
	return count;
}

static uint8_t draw_distance(struct mutator *m)
{
	return (uint8_t)mutate_number(m, MUTATE_DISTANCE, 20);
}

/* Makes the table fit @count nodes; what is new is drawn. */
static bool size_distances(struct mutator *m, Mmtrace__BootInput *in, uint32_t count)
{
	uint32_t old = in->distance_count, *table = NULL;
	bool valid = (uint64_t)old * old == in->n_distance;

	if (count > NODES_SMALL)
		return false;
	table = arena_array(m->arena, (size_t)count * count + 1, sizeof(*table));
	if (!table)
		return false;
	for (uint32_t a = 0; a < count; a++)
		for (uint32_t b = 0; b < count; b++)
			table[a * count + b] = valid && a < old && b < old
						       ? in->distance[a * old + b]
					       : a == b ? 10
							: draw_distance(m);
	in->distance = table;
	in->n_distance = (size_t)count * count;
	in->distance_count = count;
	in->has_distance_count = 1;
	return true;
}

static Mmtrace__AffinityMemory *add_affinity(struct mutator *m, Mmtrace__BootInput *in, size_t at,
					     uint64_t start, uint64_t end, int32_t nid)
{
	Mmtrace__AffinityMemory *a = arena_alloc(m->arena, sizeof(*a));
	Mmtrace__AffinityMemory **to;

	if (!a)
		return NULL;
	to = MAKE_ROOM_FOR(m, in->affinity, in->n_affinity, at, 1);
	if (!to)
		return NULL;
	mmtrace__affinity_memory__init(a);
	a->has_start = a->has_end = a->has_nid = 1;
	a->start = start;
	a->end = end;
	a->nid = nid;
	in->has_numa_source = in->numa_source = 1;
	return *to = a;
}

static void add_firmware(struct mutator *m, Mmtrace__BootInput *in, uint64_t start, uint64_t end)
{
	Mmtrace__FirmwareEntry *e = arena_alloc(m->arena, sizeof(*e));
	Mmtrace__FirmwareEntry **to;

	if (!e)
		return;
	to = MAKE_ROOM_FOR(m, in->firmware, in->n_firmware, in->n_firmware, 1);
	if (!to)
		return;
	mmtrace__firmware_entry__init(e);
	e->has_start = e->has_end = e->has_type = 1;
	e->start = start;
	e->end = end;
	e->type = 1;
	*to = e;
}

static uint64_t top_of(const Mmtrace__BootInput *in)
{
	uint64_t top = MIB;

	for (size_t i = 0; i < in->n_firmware; i++)
		if (in->firmware[i]->end > top && in->firmware[i]->end < 1ULL << 46)
			top = in->firmware[i]->end;
	return top;
}

/* A node more: memory like that of one there is, above all, and a CPU perhaps. */
static bool copy_node(struct mutator *m, Mmtrace__BootInput *in)
{
	int32_t nid = nodes_of(in), *cpu;
	uint64_t start = top_of(in), length = 64 * MIB << prng_below(&m->prng, 6);

	if (nid >= NODES_SMALL)
		return false;
	if (one_in(m, 4))
		nid = (int32_t)prng_below(&m->prng, NODES_SMALL);
	if (in->n_affinity) {
		const Mmtrace__AffinityMemory *a =
			in->affinity[prng_below(&m->prng, in->n_affinity)];

		if (a->end > a->start && a->end - a->start < 1ULL << 44)
			length = a->end - a->start;
	}
	if (one_in(m, 4))
		start = (start + (1ULL << 30)) & ~((1ULL << 30) - 1);
	if (!one_in(m, 8)) {
		if (!add_affinity(m, in, in->n_affinity, start, start + length, nid))
			return false;
		add_firmware(m, in, start, start + length);
	}
	if (!one_in(m, 4)) {
		cpu = MAKE_ROOM(m, in->cpu_nid, in->n_cpu_nid, in->n_cpu_nid, 1);
		if (cpu)
			*cpu = nid;
	}
	if (in->n_distance && !one_in(m, 8))
		size_distances(m, in, (uint32_t)nodes_of(in));
	return true;
}

/* Memory of one node is dealt to two in turns. */
static bool interleave(struct mutator *m, Mmtrace__BootInput *in)
{
	uint64_t pieces = 2 + prng_below(&m->prng, 6), step, start, end;
	Mmtrace__AffinityMemory *a;
	int32_t other;
	size_t at;

	if (!in->n_affinity)
		return false;
	at = prng_below(&m->prng, in->n_affinity);
	a = in->affinity[at];
	start = a->start;
	end = a->end;
	step = (end - start) / pieces & ~4095ULL;
	if (end <= start || !step)
		return false;
	other = (int32_t)prng_below(&m->prng, (uint64_t)nodes_of(in) + 1);
	a->end = start + step;
	for (uint64_t i = 1; i < pieces; i++)
		if (!add_affinity(m, in, at + i, start + i * step,
				  i + 1 == pieces ? end : start + (i + 1) * step,
				  i & 1 ? other : a->nid))
			break;
	return true;
}

/* Two nodes change their numbers, everywhere; or a node gets a number that there was not. */
static bool swap_nodes(struct mutator *m, Mmtrace__BootInput *in)
{
	uint64_t count = (uint64_t)nodes_of(in);
	int32_t a = (int32_t)prng_below(&m->prng, count);
	int32_t b = (int32_t)prng_below(&m->prng, count + 2);

	for (size_t i = 0; i < in->n_step; i++)
		if (in->step[i]->has_nid && (in->step[i]->nid == a || in->step[i]->nid == b))
			in->step[i]->nid = a + b - in->step[i]->nid;
	for (size_t i = 0; i < in->n_affinity; i++)
		if (in->affinity[i]->nid == a || in->affinity[i]->nid == b)
			in->affinity[i]->nid = a + b - in->affinity[i]->nid;
	for (size_t i = 0; i < in->n_cpu_nid; i++)
		if (in->cpu_nid[i] == a || in->cpu_nid[i] == b)
			in->cpu_nid[i] = a + b - in->cpu_nid[i];
	return true;
}

static void swap_cells(uint32_t *x, uint32_t *y)
{
	uint32_t kept = *x;

	*x = *y;
	*y = kept;
}

/* Two nodes change places in the table, or one gets the distances of another, or one distance changes. */
static bool change_distances(struct mutator *m, Mmtrace__BootInput *in)
{
	uint32_t n = in->distance_count, a, b;

	if (!in->n_distance || (uint64_t)n * n != in->n_distance || one_in(m, 8))
		return size_distances(m, in, (uint32_t)nodes_of(in));
	a = (uint32_t)prng_below(&m->prng, n);
	b = (uint32_t)prng_below(&m->prng, n);
	switch (prng_below(&m->prng, 5)) {
	case 0:
		for (uint32_t i = 0; i < n; i++)
			swap_cells(&in->distance[a * n + i], &in->distance[b * n + i]);
		for (uint32_t i = 0; i < n; i++)
			swap_cells(&in->distance[i * n + a], &in->distance[i * n + b]);
		break;
	case 1:
		for (uint32_t i = 0; i < n; i++)
			if (i != a && i != b)
				in->distance[a * n + i] = in->distance[i * n + a] =
					in->distance[b * n + i];
		break;
	case 2: /* one way alone */
		in->distance[a * n + b] = draw_distance(m);
		break;
	case 3:
		size_distances(m, in, n + 1);
		break;
	default:
		in->distance[a * n + b] = in->distance[b * n + a] =
			a == b && !one_in(m, 8) ? 10 : draw_distance(m);
	}
	return true;
}

/* CPUs are told anew: none, one a node, on some nodes. */
static bool change_cpus(struct mutator *m, Mmtrace__BootInput *in)
{
	uint64_t nodes = (uint64_t)nodes_of(in), count = prng_below(&m->prng, nodes * 2 + 1);
	int32_t *cpus = arena_array(m->arena, count + 1, sizeof(*cpus));

	if (!cpus)
		return false;
	for (uint64_t i = 0; i < count; i++)
		cpus[i] = one_in(m, 16)	 ? -1
			  : one_in(m, 2) ? (int32_t)(i % nodes)
					 : (int32_t)prng_below(&m->prng, nodes);
	in->cpu_nid = cpus;
	in->n_cpu_nid = count;
	if (one_in(m, 2)) {
		in->has_online_cpus = in->has_nr_cpu_ids = 1;
		in->nr_cpu_ids = (uint32_t)count;
		in->online_cpus = (uint32_t)prng_below(&m->prng, count + 1);
	}
	return true;
}

/* A range of the map goes elsewhere as it is, with what belongs to it. */
static bool shift_memory(struct mutator *m, Mmtrace__BootInput *in)
{
	uint64_t by = 4096ULL << prng_below(&m->prng, 24), start, end;
	Mmtrace__FirmwareEntry *e;

	if (!in->n_firmware)
		return false;
	if (one_in(m, 2))
		by = -by;
	e = in->firmware[prng_below(&m->prng, in->n_firmware)];
	start = e->start;
	end = e->end;
	e->start += by;
	e->end += by;
	for (size_t i = 0; i < in->n_affinity; i++) {
		if (in->affinity[i]->start < start || in->affinity[i]->end > end)
			continue;
		in->affinity[i]->start += by;
		in->affinity[i]->end += by;
	}
	return true;
}

/* All of the map gets its affinity, in as many equal shares as there are nodes. */
static bool share_memory(struct mutator *m, Mmtrace__BootInput *in)
{
	uint64_t nodes = 1 + prng_below(&m->prng, one_in(m, 8) ? 16 : 4), top = top_of(in);
	uint64_t step = (top / nodes) & ~((1ULL << (12 + prng_below(&m->prng, 16))) - 1);

	if (!step)
		return false;
	in->n_affinity = 0;
	for (uint64_t i = 0; i < nodes; i++)
		if (!add_affinity(m, in, i, i * step, i + 1 == nodes ? top : (i + 1) * step,
				  (int32_t)i))
			break;
	if (one_in(m, 2))
		size_distances(m, in, (uint32_t)nodes);
	return true;
}

/* Reservations memblock has room for before its array grows. */
#define RESERVED_ROOM 128

/* Small reservations in a row, about as many as there is room for. */
static bool fill_reservations(struct mutator *m, Mmtrace__BootInput *in)
{
	uint64_t step = 8192ULL << prng_below(&m->prng, 8), at = MIB << prng_below(&m->prng, 10);
	size_t have = 0, run, before = in->n_step;
	Mmtrace__Step **to;

	for (size_t i = 0; i < before; i++)
		have += in->step[i]->kind == MMTRACE__STEP__KIND__RESERVE ||
			in->step[i]->kind == MMTRACE__STEP__KIND__ALLOC ||
			in->step[i]->kind == MMTRACE__STEP__KIND__NODE_DATA;
	run = RESERVED_ROOM - 4 + prng_below(&m->prng, 6);
	if (have >= run)
		return false;
	run -= have;
	to = MAKE_ROOM_FOR(m, in->step, in->n_step, before, run);
	for (size_t i = 0; i < run && to; i++) {
		to[i] = arena_alloc(m->arena, sizeof(*to[i]));
		if (!to[i]) {
			in->n_step = before + i;
			return true;
		}
		mmtrace__step__init(to[i]);
		to[i]->has_kind = to[i]->has_base_addr = to[i]->has_size = 1;
		to[i]->kind = MMTRACE__STEP__KIND__RESERVE;
		to[i]->base_addr = at + i * step;
		to[i]->size = 4096;
	}
	return to;
}

/* @at, or somewhat before or behind it. */
static uint64_t near(struct mutator *m, uint64_t at)
{
	uint64_t by = one_in(m, 2) ? 0 : 4096ULL << prng_below(&m->prng, 18);

	return one_in(m, 2) && by <= at ? at - by : at + by;
}

/* A node's memory is in use, all of it or most; and perhaps some beside it. */
static bool reserve_node(struct mutator *m, Mmtrace__BootInput *in)
{
	const Mmtrace__AffinityMemory *a;
	uint64_t start, end;
	Mmtrace__Step *step, **to;

	if (!in->n_affinity)
		return false;
	a = in->affinity[prng_below(&m->prng, in->n_affinity)];
	start = near(m, a->start);
	end = near(m, a->end);
	if (end <= start)
		return false;
	step = arena_alloc(m->arena, sizeof(*step));
	if (!step)
		return false;
	mmtrace__step__init(step);
	step->has_kind = step->has_base_addr = step->has_size = 1;
	step->kind = MMTRACE__STEP__KIND__RESERVE;
	step->base_addr = start;
	step->size = end - start;
	to = MAKE_ROOM_FOR(m, in->step, in->n_step, prng_below(&m->prng, in->n_step + 1), 1);
	if (to)
		*to = step;
	return to;
}

/* A window of memory that devices bring: above all there is, or about what a table names. */
static bool add_window(struct mutator *m, Mmtrace__BootInput *in)
{
	uint64_t unit = (64 * MIB) << prng_below(&m->prng, 6), start, end;
	Mmtrace__MemoryWindow *w = arena_alloc(m->arena, sizeof(*w)), **to;

	start = (top_of(in) + unit - 1) & ~(unit - 1);
	end = start + unit;
	if (in->n_affinity && one_in(m, 2)) {
		const Mmtrace__AffinityMemory *a =
			in->affinity[prng_below(&m->prng, in->n_affinity)];

		start = near(m, a->start);
		end = near(m, a->end);
	}
	if (!w || end <= start)
		return false;
	mmtrace__memory_window__init(w);
	w->has_start = w->has_end = 1;
	w->start = start;
	w->end = end;
	to = MAKE_ROOM_FOR(m, in->window, in->n_window, in->n_window, 1);
	if (to)
		*to = w;
	return to;
}

/* The command line gets a word more, or one of its numbers changes. */
static bool change_command_line(struct mutator *m, Mmtrace__BootInput *in)
{
	size_t len = in->command_line.len < MUTATE_TEXT_MAX ? in->command_line.len
							    : MUTATE_TEXT_MAX;
	char *text = arena_alloc(m->arena, MUTATE_TEXT_MAX);

	if (!text)
		return false;
	if (len)
		memcpy(text, in->command_line.data, len);
	len = one_in(m, 2) ? mutate_add_parameter(m, text, len)
			   : mutate_change_parameter(m, text, len);
	in->has_command_line = 1;
	in->command_line = (ProtobufCBinaryData){ len, (uint8_t *)text };
	return true;
}

bool mutate_boot_input(struct mutator *m, ProtobufCMessage *message)
{
	static bool (*const changes[])(struct mutator * m, Mmtrace__BootInput * in) = {
		copy_node,	  copy_node,	       interleave,	    swap_nodes,
		change_distances, change_cpus,	       shift_memory,	    share_memory,
		change_distances, change_command_line, change_command_line, fill_reservations,
		reserve_node,	  add_window,
	};

	return changes[prng_below(&m->prng, sizeof(changes) / sizeof(*changes))](
		m, (Mmtrace__BootInput *)message);
}

/* ---- kernels ----------------------------------------------------------------------------------- */

/* An option that whoever builds a kernel chooses is chosen anew; the others stay what is usual. */
static bool change_build(struct mutator *m, Mmtrace__Kernel *kernel)
{
	Mmtrace__Config *c = kernel->config;

	if (!c) {
		c = arena_alloc(m->arena, sizeof(*c));
		if (!c)
			return false;
		mmtrace__config__init(c);
		kernel->config = c;
	}
	switch (prng_below(&m->prng, 5)) {
	case 0:
		c->has_cma = 1;
		c->cma = !c->cma;
		break;
	case 1:
		c->has_thp = 1;
		c->thp = !c->thp;
		break;
	case 2:
		c->has_deferred_struct_page = 1;
		c->deferred_struct_page = !c->deferred_struct_page;
		break;
	case 3:
		c->has_page_struct_bytes = 1;
		c->page_struct_bytes = 40 + 8 * (uint32_t)prng_below(&m->prng, 12);
		break;
	default: /* as few nodes as there are, too */
		c->has_nodes_shift = 1;
		c->nodes_shift = 1 + (uint32_t)prng_below(&m->prng, one_in(m, 2) ? 3 : 10);
	}
	return true;
}

/* Another era, an option of its build, or a fact of another era. */
bool mutate_kernel(struct mutator *m, ProtobufCMessage *message)
{
	Mmtrace__Kernel *kernel = (Mmtrace__Kernel *)message;
	uint32_t version = eras[prng_below(&m->prng, era_count)].version;
	const struct fact_info *info;
	Mmtrace__Fact *fact, **to;

	if (one_in(m, 4))
		return change_build(m, kernel);
	if (one_in(m, 2)) {
		kernel->has_version_major = kernel->has_version_minor = kernel->has_version_patch =
			1;
		kernel->version_major = version >> 24;
		kernel->version_minor = version >> 16 & 0xff;
		kernel->version_patch = version & 0xffff;
		return true;
	}
	fact = arena_alloc(m->arena, sizeof(*fact));
	to = fact ? MAKE_ROOM_FOR(m, kernel->fact, kernel->n_fact, kernel->n_fact, 1) : NULL;
	if (!to)
		return false;
	info = fact_info((enum fact)prng_below(&m->prng, FACT_COUNT));
	mmtrace__fact__init(fact);
	fact->name = (char *)(uintptr_t)info->name;
	fact->has_value = 1;
	fact->value = info->history[prng_below(&m->prng, info->history_count)].value;
	*to = fact;
	return true;
}
