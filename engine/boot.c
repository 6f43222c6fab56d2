/* SPDX-License-Identifier: MIT */
/*
 * The boot, step by step.
 *
 * Inputs come as an ordered list of steps (memblock calls, NODE_DATA, late frees ...).  Between them the
 * kernel does work of its own: it stamps nodes on memblock, sizes zones, builds zonelists, hands memory
 * over.  That work is a stage; reach() does every stage that is due before a step is taken.  A step tells
 * which stage it belongs to by its kind and its caller, never by where an answer was printed, so a log
 * without its answers boots the same way.
 */
#include "engine/boot.h"

#include <string.h>

#include "engine/boot_parts.h"
#include "engine/cma.h"
#include "engine/device_tree.h"
#include "engine/handover.h"
#include "engine/hash_table.h"
#include "engine/memblock_invariants.h"
#include "engine/rewind.h"
#include "engine/setup_arch.h"

const char *const boot_stage_names[] = { "setup_arch", "numa",	   "sparse", "zones",
					 "zonelists",  "mem_init", "late",   NULL };

/* Callers that set up the memory map of SPARSEMEM. */
static bool is_sparse_step(const struct boot_step *s, const struct arch_config *config)
{
	if (s->kind != STEP_ALLOC && s->kind != STEP_FREE)
		return false;
	return name_is(s->name, "sparse_") || name_is(s->name, "vmemmap_") ||
	       name_is(s->name, "__earlyonly_bootmem_alloc") ||
	       (config->section_shift && name_is(s->name, "memmap_alloc"));
}

/* Callers inside free_area_init: the flat memory map, pageblock bitmaps, pgdats without memory. */
bool boot_is_zone_step(const struct boot_step *s, const struct arch_config *config)
{
	return s->kind == STEP_ALLOC &&
	       (name_is(s->name, "alloc_node_mem_map") || name_is(s->name, "setup_usemap") ||
		name_is(s->name, "free_area_init") || name_is(s->name, "alloc_offline_node_data") ||
		(!config->section_shift && name_is(s->name, "memmap_alloc")));
}

/* Frees that happen when the page allocator has long taken over. */
static bool is_late_step(const struct boot_step *s)
{
	if (s->kind == STEP_LATE_FREE || s->kind == STEP_FREE_LATE || s->kind == STEP_MEMORY_LINE)
		return true;
	return s->kind == STEP_FREE &&
	       (handover_is_late_free(s) || name_is(s->name, "free_initrd_mem") ||
		name_is(s->name, "free_initmem") || name_is(s->name, "free_init_"));
}

static void answer_dump(struct boot *b, bool memory_only)
{
	struct machine *m = b->m;
	uint32_t dump = b->dumps;
	struct answer *a = answers_add(&m->answers, ANSWER_DUMP_SIZE);

	a->index = dump;
	a->v[0] = m->mb.memory.total_size;
	a->v[1] = memory_only ? b->in->state.reserved_size : m->mb.reserved.total_size;
	for (int which = 0; which < 2; which++) {
		const struct memblock_type *type = which ? &m->mb.reserved : &m->mb.memory;

		if (which && memory_only)
			break;
		a = answers_add(&m->answers, ANSWER_DUMP_COUNT);
		a->index = dump;
		a->type = which;
		a->v[0] = type->cnt;
		for (uint32_t i = 0; i < type->cnt; i++) {
			const struct memblock_region *r = &type->regions[i];

			a = answers_add(&m->answers, ANSWER_DUMP_REGION);
			a->index = dump << 16 | i;
			a->type = which;
			a->nid = m->config.numa && r->nid >= 0 ? r->nid : NID_NONE;
			a->v[0] = r->base;
			a->v[1] = r->size;
			a->v[2] = r->flags;
		}
	}
}

static const char unknown_reserved[] = "what was reserved before is not in the log";

/* memblock tells what an allocation did. */
static void observe(void *ctx, const struct memblock_event *event)
{
	struct boot *b = ctx;
	struct answer *a;

	memblock_invariants_event(&b->m->mb, event, b->m->findings);
	if (event->kind == MEMBLOCK_EVENT_RESERVE)
		b->reserved_nid = event->nid;
	if (event->kind != MEMBLOCK_EVENT_DOUBLED)
		return;
	a = answers_add(&b->m->answers, ANSWER_DOUBLED);
	a->index = b->doublings++;
	a->type = event->which == MEMBLOCK_RESERVED;
	if (!b->m->reserved_known) {
		a->basis = BASIS_UNDERIVABLE;
		a->reason = unknown_reserved;
	}
	a->v[0] = event->base;
	a->v[1] = event->base + event->size;
	a->v[2] = event->count;
}

/*
 * Callers that only run once the zonelists stand: what comes first of them depends on whether zonelists
 * are built on their own or as a part of mm_core_init.
 */
static bool is_after_zonelists(const struct boot_step *s, const struct facts *facts)
{
	if (s->kind != STEP_ALLOC && s->kind != STEP_RESERVE)
		return false;
	if (name_is(s->name, "page_ext_init_flatmem"))
		return true;
	if (name_is(s->name, "swiotlb_"))
		return !fact_get(facts, FACT_swiotlb_before_zonelists);
	return !fact_get(facts, FACT_zonelists_in_mm_core_init) &&
	       (name_is(s->name, "alloc_large_system_hash") || name_is(s->name, "spp_getpage"));
}

/* Landmarks, found before anything runs. */
static void survey(struct boot *b)
{
	const struct boot_input *in = b->in;
	const struct arch_config *config = &b->m->config;
	uint32_t n = in->step_count, last_sparse = n, first_zone = n, last_zone = n;
	uint32_t cma = n, percpu_end = n;
	/* Where pgdats of memoryless nodes come late, their NODE_DATA lines do too. */
	bool late_node_data = !fact_get(&b->m->facts, FACT_pgdat_for_possible_nodes);

	b->first_node_data = b->last_node_data = b->first_sparse = b->first_late = n;
	b->after_zonelists = n;
	for (uint32_t i = 0; i < n; i++) {
		const struct boot_step *s = &in->steps[i];

		if (s->kind == STEP_NODE_DATA && !(late_node_data && b->first_sparse < n)) {
			if (b->first_node_data == n)
				b->first_node_data = i;
			b->last_node_data = i;
		}
		if (is_sparse_step(s, config)) {
			if (b->first_sparse == n)
				b->first_sparse = i;
			last_sparse = i;
		}
		if (boot_is_zone_step(s, config)) {
			if (first_zone == n)
				first_zone = i;
			last_zone = i;
		}
		if (is_late_step(s) && b->first_late == n)
			b->first_late = i;
		if (s->kind == STEP_CMA_RESERVE && cma == n)
			cma = i;
		if (name_is(s->name, "pcpu_") || name_is(s->name, "setup_per_cpu_areas") ||
		    name_is(s->name, "alloc_bootmem_cpumask_var"))
			percpu_end = i + 1;
		if (is_after_zonelists(s, &b->m->facts) && b->after_zonelists == n)
			b->after_zonelists = i;
	}
	/* Nothing is allocated between the per-cpu areas and the zonelists where those come next. */
	if (!fact_get(&b->m->facts, FACT_zonelists_in_mm_core_init) && percpu_end < n)
		b->after_zonelists = percpu_end;
	b->zones_start = last_sparse < n ? last_sparse + 1 : first_zone;
	if (b->zones_start == n && config->arch == ARCH_ARM64 &&
	    fact_get(&b->m->facts, FACT_arm64_cma_after_zones))
		b->zones_start = cma;
	b->zones_end = b->zones_start;
	if (last_zone < n)
		b->zones_end = last_zone + 1;
	/*
	 * Newer kernels hide callers: pgdats of memoryless nodes are allocated in free_area_init, right
	 * after the memory map, and are as big as NODE_DATA (which may be rounded up to a page).
	 */
	if (last_sparse < n && b->first_node_data < n) {
		uint64_t pgdat = in->steps[b->first_node_data].size;

		while (b->zones_end < n && in->steps[b->zones_end].kind == STEP_ALLOC &&
		       in->steps[b->zones_end].size <= pgdat &&
		       in->steps[b->zones_end].size + arch_page_size(config) > pgdat)
			b->zones_end++;
	}
}

/* ---- stages ---------------------------------------------------------------------------------- */

void boot_take_memory(struct boot *b)
{
	if (b->memory_taken)
		return;
	b->memory_taken = true;
	setup_arch_memory(b->m, b->in);
}

/* Where the placement of @step stands among the answers; their number when it has none. */
uint32_t boot_placement_of(const struct answers *as, uint32_t step)
{
	uint32_t i = 0;

	while (i < as->count &&
	       (as->items[i].kind != ANSWER_PLACEMENT || as->items[i].index != step))
		i++;
	/* An array that grew did so before. */
	while (i < as->count && i > 0 && as->items[i - 1].kind == ANSWER_DOUBLED)
		i--;
	return i;
}

static void finish_numa(struct boot *b)
{
	struct machine *m = b->m;

	boot_stamp_nodes(b);
	if (!m->mb.memory.cnt)
		return;
	if (arch_is_x86(&m->config) && m->config.numa && m->reserved_known)
		answer_dump(b, false);
	/* Without the first dump this is none that is counted: the next one is the state. */
	if (arch_is_x86(&m->config) && b->state_taken)
		b->dumps++;
}

static void init_mem(struct boot *b)
{
	struct machine *m = b->m;

	m->stage = STAGE_MEM_INIT;
	boot_bound_kernel_pages(m, b->in);
	hash_tables_answer(m, HASH_GROUP_EARLY, UINT32_MAX);
	handover_free_all(m);
	if (!fact_get(&m->facts, FACT_memory_line_after_deferred))
		handover_answer_memory(m, b->in);
}

/* The memory map's allocations belong to the stage that is named after them. */
static bool is_in_sparse(const struct boot *b)
{
	return b->until == STAGE_SPARSE && b->first_sparse <= b->step && b->step < b->zones_start;
}

/* Does every stage up to and including @stage, unless the boot is to stop before. */
static void reach(struct boot *b, enum boot_stage stage)
{
	while (b->next_stage <= (uint32_t)stage && b->next_stage <= (uint32_t)b->until &&
	       !b->m->out_of_memory) {
		enum boot_stage now = (enum boot_stage)b->next_stage++;

		switch (now) {
		case STAGE_SETUP_ARCH:
			boot_take_memory(b);
			break;
		case STAGE_NUMA:
			finish_numa(b);
			break;
		case STAGE_SPARSE:
			boot_start_sparse(b);
			break;
		case STAGE_ZONES:
			boot_init_free_area(b);
			break;
		case STAGE_ZONELISTS:
			boot_build_zonelists(b);
			break;
		case STAGE_MEM_INIT:
			init_mem(b);
			break;
		case STAGE_LATE:
			handover_late(b->m, b->in);
			break;
		case STAGE_COUNT:
			break;
		}
	}
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* A block of the device tree was placed when memory was taken; here it gets reserved. */
static bool place_for_tree(struct machine *m, const struct boot_step *s, phys_t *base)
{
	const struct tree_placed *p;

	if (!rewind_tree_step(s))
		return false;
	p = device_tree_block(m, s->size, s->min_addr, s->max_addr, false);
	if (!p)
		return false;
	*base = p->range.base;
	memblock_reserve(&m->mb, *base, s->size, NID_NONE, 0);
	return true;
}

static void place(struct boot *b, const struct memblock_request *req, phys_t *base)
{
	struct machine *m = b->m;
	struct answer *a;
	bool ok;

	b->reserved_nid = req->nid;
	ok = place_for_tree(m, &b->in->steps[b->step], base) ||
	     memblock_invariants_alloc(&m->mb, req, base, &m->before, m->findings);
	a = answers_add(&m->answers, ANSWER_PLACEMENT);
	a->index = b->step;
	a->line = b->in->steps[b->step].line;
	if (!m->reserved_known) {
		a->basis = BASIS_UNDERIVABLE;
		a->reason = unknown_reserved;
	}
	if (b->in->steps[b->step].flags & STEP_SIZE_GIVEN &&
	    b->in->steps[b->step].kind == STEP_ALLOC && m->reserved_known)
		a->basis = BASIS_GIVEN;
	if (!ok) {
		*base = PHYS_MAX;
		return; /* v = 0, 0: nothing fits */
	}
	a->v[0] = *base;
	a->v[1] = *base + req->size;
	if (fact_get(&m->facts, FACT_memblock_rsrv_kern)) {
		a->v[2] = MEMBLOCK_RSRV_KERN;
		a->v[3] = (uint64_t)(int64_t)b->reserved_nid;
	}
}

static struct memblock_request request_of(const struct machine *m, const struct boot_step *s)
{
	struct memblock_request req = { .size = s->size, .nid = s->nid };

	if (s->kind == STEP_NODE_DATA) {
		req.align = fact_get(&m->facts, FACT_node_data_page_aligned) &&
					    arch_is_x86(&m->config)
				    ? arch_page_size(&m->config)
				    : 64;
		return req;
	}
	req.align = s->align;
	req.min_addr = s->min_addr;
	req.max_addr = s->max_addr;
	req.exact_nid = s->call == ALLOC_EXACT_NID;
	req.retry_below_min = s->call != ALLOC_PHYS_RANGE;
	return req;
}

/* A step's effect on memblock alone, for working backwards. */
static void step_forward(struct machine *m, const struct boot_input *in, const struct boot_step *s)
{
	struct memblock_request req = request_of(m, s);
	phys_t base;

	switch (s->kind) {
	case STEP_RESERVE:
		memblock_reserve(&m->mb, s->base, s->size, NID_NONE, 0);
		break;
	case STEP_FREE:
		memblock_free(&m->mb, s->base, s->size);
		break;
	case STEP_ALLOC:
	case STEP_NODE_DATA:
		if (!place_for_tree(m, s, &base))
			memblock_alloc(&m->mb, &req, &base);
		break;
	case STEP_CMA_RESERVE:
		setup_arch_place_cma(m, in, s, &base);
		break;
	default:
		break;
	}
}

static void take_node_data(struct boot *b, const struct boot_step *s)
{
	struct machine *m = b->m;
	struct memblock_request req = request_of(m, s);
	phys_t base;
	struct answer *a;

	place(b, &req, &base);
	a = answers_add(&m->answers, ANSWER_NODE_DATA);
	a->nid = s->nid;
	a->basis = m->reserved_known ? BASIS_PREDICTED : BASIS_UNDERIVABLE;
	a->reason = m->reserved_known ? NULL : unknown_reserved;
	if (base == PHYS_MAX)
		return;
	a->v[0] = base;
	a->v[1] = base + s->size;
	for (uint32_t i = 0; i < m->mb.memory.cnt; i++) {
		const struct memblock_region *r = &m->mb.memory.regions[i];

		if (base >= r->base && base < r->base + r->size && r->nid != s->nid && r->nid >= 0)
			a->v[2] = (uint64_t)r->nid + 1;
	}
	if (b->zones_finished)
		boot_tell_late_node(m, s->nid);
}

/*
 * Where the kernel lies, if nobody said: x86 reserves the end of its brk area right above the image, and
 * the first dump shows both as one region.
 */
static void find_kernel(struct boot *b)
{
	struct machine *m = b->m;

	if (m->kernel_start || !arch_is_x86(&m->config))
		return;
	for (uint32_t i = 0; i < b->step; i++) {
		const struct boot_step *s = &b->in->steps[i];

		if (s->kind != STEP_RESERVE || !name_is(s->name, "setup_arch"))
			continue;
		for (uint32_t r = 0; r < m->mb.reserved.cnt; r++) {
			const struct memblock_region *region = &m->mb.reserved.regions[r];

			if (s->base <= region->base || s->base >= region->base + region->size)
				continue;
			m->kernel_start = region->base;
			m->kernel_end = m->mb.kernel_end = s->base;
		}
	}
}

/* An array that doubled while it was not known what is reserved lies elsewhere, unless the state has it. */
static void forget_array(const struct memblock *mb, struct memblock_type *type)
{
	const struct memblock_region *r =
		memblock_region_at(mb, MEMBLOCK_RESERVED, type->array_base);

	if (!r || type->array_bytes > r->base + r->size - type->array_base)
		type->array_allocated = false;
}

static void take_state(struct boot *b)
{
	struct machine *m = b->m;
	const struct boot_state *state = &b->in->state;
	uint32_t first;

	if (b->state_taken)
		return;
	b->state_taken = true;
	boot_take_memory(b);
	memblock_free(&m->mb, 0, UINT64_MAX);
	for (uint32_t i = 0; i < state->reserved_count; i++)
		memblock_reserve(&m->mb, state->reserved[i].base, state->reserved[i].size,
				 state->reserved[i].nid, state->reserved[i].flags);
	m->mb.reserved.total_size = state->reserved_size;
	forget_array(&m->mb, &m->mb.memory);
	forget_array(&m->mb, &m->mb.reserved);
	m->reserved_known = true;
	m->mb.can_resize = true;
	find_kernel(b);
	first = m->answers.count;
	answer_dump(b, true);
	/* Without a firmware map the memory of the dump is what we were told. */
	if (!m->memory_known || !m->memory_predicted)
		for (uint32_t i = first; i < m->answers.count; i++)
			m->answers.items[i].basis = BASIS_GIVEN;
	b->dumps++;
	setup_arch_map_lowmem(m, NULL);
}

static void take_ramdisk(struct machine *m, const struct boot_step *s)
{
	m->ramdisk_start = s->base;
	m->ramdisk_end = s->base + s->size;
}

/* The firmware map, or a dump still to come, says what memory there is better than single calls. */
static bool memory_is_final(const struct boot *b)
{
	return b->in->firmware_count || (b->memory_taken && !b->state_taken);
}

/*
 * Of a boot that is made up: memory that was handed over is not memblock's any more, so that what asks for some
 * of it, or brings some, has no effect.
 */
static bool comes_too_late(const struct boot *b, const struct boot_step *s)
{
	if (!b->in->reservations_told || b->m->stage < STAGE_MEM_INIT)
		return false;
	return s->kind == STEP_ADD || s->kind == STEP_REMOVE || s->kind == STEP_RESERVE ||
	       s->kind == STEP_ALLOC || s->kind == STEP_NODE_DATA || s->kind == STEP_RAMDISK_MOVE ||
	       s->kind == STEP_CRASHKERNEL;
}

static void take_step(struct boot *b, const struct boot_step *s)
{
	struct machine *m = b->m;
	struct memblock_request req = { 0 };
	phys_t base;

	if (comes_too_late(b, s))
		return;
	switch (s->kind) {
	case STEP_ADD:
		if (!memory_is_final(b))
			memblock_add(&m->mb, s->base, s->size, s->nid, s->flags);
		break;
	case STEP_REMOVE:
		if (!memory_is_final(b))
			memblock_remove(&m->mb, s->base, s->size);
		break;
	case STEP_RESERVE:
		if (!strcmp(s->name, BOOT_STEP_EARLY_RES) && !m->reserved_at_end) {
			/* The list has it all; what was placed without knowing better is no part of it. */
			memblock_free(&m->mb, 0, UINT64_MAX);
			m->reserved_known = m->reserved_at_end = true;
		}
		memblock_reserve(&m->mb, s->base, s->size, s->nid, s->flags);
		if (name_is(s->name, "reserve_initrd_mem"))
			take_ramdisk(m, s);
		break;
	case STEP_FREE:
		memblock_free(&m->mb, s->base, s->size);
		if (name_is(s->name, "free_initrd_mem"))
			take_ramdisk(m, s);
		break;
	case STEP_ALLOC:
		if (b->in->reservations_told)
			boot_take_memory(b);
		if (setup_arch_crashkernel_alloc(m, b->in, s, b->step))
			break;
		req = request_of(m, s);
		place(b, &req, &base);
		setup_arch_map_lowmem(m, s);
		if (name_is(s->name, "alloc_large_system_hash")) {
			boot_bound_kernel_pages(m, b->in);
			hash_tables_answer(m, HASH_GROUP_EARLY, 1);
		}
		if (name_is(s->name, "reserve_crashkernel") && base != PHYS_MAX)
			setup_arch_answer_crashkernel(m, base, s->size, BASIS_PREDICTED);
		break;
	case STEP_STATE:
		/* A boot that is made up has no dump: all that would be in it is told. */
		if (!b->in->reservations_told)
			take_state(b);
		break;
	case STEP_NODE_DATA:
		take_node_data(b, s);
		break;
	case STEP_RAMDISK:
		take_ramdisk(m, s);
		break;
	case STEP_RAMDISK_MOVE:
		boot_take_memory(b);
		setup_arch_move_ramdisk(m, s, b->step);
		break;
	case STEP_CMA_RESERVE:
		/* Some areas are for nodes, which are found before; a made-up boot may not tell when. */
		if (b->in->reservations_told && b->until >= STAGE_NUMA)
			boot_stamp_nodes(b);
		/* Memory that was handed over is not memblock's any more. */
		if (m->stage < STAGE_MEM_INIT)
			setup_arch_reserve_cma(m, b->in, s, b->step);
		break;
	case STEP_POOL_CMA:
		/* A log tells of pools that became areas; a made-up one may not be aligned, and is none then. */
		if (m->stage < STAGE_MEM_INIT &&
		    (!m->made_up || !((s->base | s->size) & (cma_min_align(m) - 1))))
			setup_arch_add_cma(m, s->base, s->base + s->size);
		break;
	case STEP_CRASHKERNEL:
		setup_arch_crashkernel(m, b->in, s, b->step);
		break;
	case STEP_CAP:
		if (!b->stamped)
			memblock_invariants_cap(&m->mb, s->base, s->size, &m->before, m->findings);
		break;
	case STEP_E820_UPDATE:
	case STEP_E820_REMOVE:
	case STEP_E820_ADD:
	case STEP_POOL_DMA:
	case STEP_HASH:
	case STEP_FREE_LATE:
	case STEP_LATE_FREE:
	case STEP_MEMORY_LINE:
	case STEP_EFI_KEPT:
	case STEP_KIND_COUNT:
		break;
	}
}

/*
 * Where the first dump comes after steps that allocate and no firmware map tells the start, the state
 * they began with is worked out from the dump.
 */
static void start_before_state(struct boot *b)
{
	const struct boot_input *in = b->in;
	uint32_t state = 0;
	bool allocates = false;

	if (!in->has_state || in->reservations_told || arch_is_x86(&b->m->config))
		return;
	for (; state < in->step_count && in->steps[state].kind != STEP_STATE; state++)
		allocates |= in->steps[state].kind != STEP_RESERVE &&
			     in->steps[state].kind != STEP_ADD;
	if (!allocates)
		return;
	boot_take_memory(b);
	b->m->mb.observer = NULL;
	/* Requests for a node are among the steps, so nodes have to be there already. */
	if (!b->m->config.numa || !boot_name_nodes(b->m, in))
		memblock_set_node(&b->m->mb, MEMBLOCK_MEMORY, 0, UINT64_MAX, 0);
	b->m->reserved_known = rewind_to_start(b->m, in, state, step_forward);
	b->m->mb.observer = observe;
}

void boot_run(struct machine *m, const struct boot_input *in, enum boot_stage until)
{
	struct boot b = { .m = m, .in = in, .until = until };

	m->facts = in->facts;
	m->config = in->config;
	cmdline_parse(in->command_line ? in->command_line : "", arch_is_x86(&m->config),
		      &m->cmdline);
	/* A size of nothing, for kernels that do not know the word. */
	m->cmdline.kernelcore.mirror &= fact_get(&m->facts, FACT_kernelcore_mirror) != 0;
	memblock_renew(&m->mb, &m->facts, m->config.page_shift, 128, 128);
	m->mb.observer = observe;
	m->mb.observer_ctx = &b;
	m->mb.movable_node = m->cmdline.movable_node;
	m->ramdisk_start = in->ramdisk_start;
	m->ramdisk_end = in->ramdisk_end;
	m->five_level = in->five_level;
	m->page_struct_fitted = in->fitted_page_struct;
	m->section_fitted = in->fitted_section;
	if (in->big_locks)
		memcpy(m->given_bucket_bytes, in->given_bucket_bytes,
		       sizeof(m->given_bucket_bytes));
	for (unsigned int t = 0;
	     t < sizeof(in->given_bucket_bytes) / sizeof(in->given_bucket_bytes[0]); t++)
		if (in->given_bucket_bytes[t])
			m->tables_told |= 1U << t;
	m->kernel_start = in->kernel_start;
	m->kernel_end = m->mb.kernel_end = in->kernel_end;
	m->online_cpus = in->online_cpus ? in->online_cpus : in->nr_cpu_ids ? in->nr_cpu_ids : 1;
	m->possible_cpus = in->nr_cpu_ids;
	m->kasan = in->kasan;
	m->mb.bottom_up = arch_is_x86(&m->config) && m->cmdline.movable_node &&
			  fact_get(&m->facts, FACT_movable_node_option);
	m->reserved_known = m->made_up = in->reservations_told;
	survey(&b);
	setup_arch_firmware(m, in);
	start_before_state(&b);

	for (b.step = 0; b.step < in->step_count && !m->out_of_memory; b.step++) {
		const struct boot_step *s = &in->steps[b.step];

		if (b.step == b.first_late)
			reach(&b, STAGE_MEM_INIT);
		if (s->kind == STEP_NODE_DATA && b.step == b.first_node_data) {
			reach(&b, STAGE_SETUP_ARCH);
			if (until >= STAGE_NUMA)
				boot_stamp_nodes(&b);
		}
		if (b.step == b.last_node_data + 1 && b.last_node_data < in->step_count)
			reach(&b, STAGE_NUMA);
		if (b.step == b.first_sparse)
			reach(&b, STAGE_SPARSE);
		if (b.step == b.zones_start)
			reach(&b, STAGE_ZONES);
		if (b.step == b.zones_end)
			boot_finish_zones(&b);
		if (b.step == b.after_zonelists)
			reach(&b, STAGE_ZONELISTS);
		if (b.next_stage > (uint32_t)until && until < STAGE_MEM_INIT && !is_in_sparse(&b))
			break;
		take_step(&b, s);
	}
	b.step = in->step_count;
	reach(&b, STAGE_LATE);
	m->out_of_memory |= m->answers.out_of_memory || m->mb.out_of_memory ||
			    m->e820.out_of_memory;
	m->mb.observer = NULL;
}
