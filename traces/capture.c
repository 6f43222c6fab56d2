/* SPDX-License-Identifier: MIT */
#include "traces/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "traces/boot_store.h"
#include "traces/firmware/fdt.h"
#include "traces/firmware/slit.h"
#include "traces/firmware/srat.h"
#include "traces/input.h"
#include "traces/mmtrace_file.h"
#include "traces/procfs/iomem.h"
#include "traces/procfs/meminfo.h"
#include "traces/procfs/nodes.h"
#include "traces/procfs/pagetypeinfo.h"
#include "traces/procfs/zoneinfo.h"
#include "traces/scan.h"
#include "traces/scenario_store.h"
#include "traces/trace/gfp_format.h"

/* A folder's file, or *absent. */
static struct error *read_file(const char *dir, const char *name, bool *absent, struct input *ret)
{
	memset(ret, 0, sizeof(*ret));
	*absent = false;
	return input_read_in(dir, name, NULL, absent, ret);
}

static struct error *read_log_bytes(const struct input *input, struct boot_log *ret)
{
	struct log_text text = { 0 };
	struct error *err = log_text_parse(input->data, input->size, &text);
	size_t boot;

	if (err)
		return error_in_file(err, input->name);
	boot = log_text_default_boot(&text);
	if (boot == SIZE_MAX)
		err = error_create(ERROR_FORMAT, input->name, 0, 0, "there is no log line in it");
	else
		err = boot_log_read(&text, text.boots[boot].first, text.boots[boot].end,
				    input->name, ret);
	log_text_deinit(&text);
	return err;
}

/* ---- configuration ---------------------------------------------------------------------------- */

static void set_zone(struct arch_config *c, enum zone_type type, bool on)
{
	if (on)
		c->zones_mask |= 1U << type;
	else
		c->zones_mask &= ~(1U << type);
}

/* One CONFIG_NAME=value line. */
static void take_config(struct arch_config *c, const char *name, size_t len, const char *value)
{
	uint64_t n = strtoull(value, NULL, 0);
	char key[64];

	if (len >= sizeof(key))
		return;
	memcpy(key, name, len);
	key[len] = 0;
	if (!strcmp(key, "NUMA"))
		c->numa = true;
	else if (!strcmp(key, "NODES_SHIFT"))
		c->nodes_shift = (unsigned int)(n > 10 ? 10 : n);
	else if (!strcmp(key, "ZONE_DMA"))
		set_zone(c, ZONE_DMA, true);
	else if (!strcmp(key, "ZONE_DMA32"))
		set_zone(c, ZONE_DMA32, true);
	else if (!strcmp(key, "ZONE_DEVICE"))
		set_zone(c, ZONE_DEVICE, true);
	else if (!strcmp(key, "HIGHMEM"))
		set_zone(c, ZONE_HIGHMEM, true);
	else if (!strcmp(key, "SPARSEMEM") && !c->section_shift)
		c->section_shift = 27;
	else if (!strcmp(key, "FLATMEM"))
		c->section_shift = 0;
	else if (!strcmp(key, "CMA"))
		c->cma = true;
	else if (!strcmp(key, "DEFERRED_STRUCT_PAGE_INIT"))
		c->deferred_struct_page = true;
	else if (!strcmp(key, "TRANSPARENT_HUGEPAGE_ALWAYS") ||
		 !strcmp(key, "TRANSPARENT_HUGEPAGE_MADVISE"))
		c->thp = true;
	else if (!strcmp(key, "PREEMPT_RT"))
		c->preemption = PREEMPTION_RT;
	/* What the log says of the boot itself counts for more. */
	else if ((!strcmp(key, "PREEMPT") || !strcmp(key, "PREEMPT_LAZY")) && !c->preemption)
		c->preemption = PREEMPTION_ANYWHERE;
	else if ((!strcmp(key, "PREEMPT_VOLUNTARY") || !strcmp(key, "PREEMPT_NONE")) &&
		 !c->preemption)
		c->preemption = PREEMPTION_VOLUNTARY;
	else if (!strcmp(key, "ARM64_16K_PAGES"))
		arch_config_set_page_shift(c, 14);
	else if (!strcmp(key, "ARM64_64K_PAGES"))
		arch_config_set_page_shift(c, 16);
	else if (!strcmp(key, "X86_PAE"))
		c->pae = true;
}

/* The log may have lost its head; the folder still knows the kernel. */
static struct error *take_version(const char *dir, struct boot_log *log)
{
	struct input input;
	struct scan s;
	bool absent;
	struct error *err = read_file(dir, "version.txt", &absent, &input);

	if (err || absent)
		return err;
	s = scan_of((const char *)input.data, input.size);
	if (!log->has_version && scan_lit(&s, "Linux version "))
		boot_log_take_version(log, s.p, scan_left(&s));
	input_deinit(&input);
	err = read_file(dir, "cmdline.txt", &absent, &input);
	if (err || absent)
		return err;
	if (!log->input.command_line) {
		s = scan_of((const char *)input.data, input.size);
		while (scan_left(&s) && s.end[-1] == '\n')
			s.end--;
		log->input.command_line = boot_log_text(log, s.p, scan_left(&s));
	}
	input_deinit(&input);
	return NULL;
}

static struct error *take_config_file(const char *dir, struct boot_log *log)
{
	struct arch_config *c = &log->input.config;
	struct scan_lines lines;
	struct input input;
	struct scan line;
	struct error *err;
	bool absent;

	err = read_file(dir, "kernel-config.txt", &absent, &input);
	if (err || absent)
		return err;
	/* What a configuration lists only when it is on. */
	c->numa = c->cma = c->deferred_struct_page = c->thp = false;
	set_zone(c, ZONE_DMA, false);
	set_zone(c, ZONE_DMA32, false);
	set_zone(c, ZONE_DEVICE, false);
	set_zone(c, ZONE_HIGHMEM, false);
	lines = scan_lines_of((const char *)input.data, input.size);
	while (scan_next_line(&lines, &line)) {
		struct scan_str name;
		char value[32];
		size_t len;

		if (!scan_lit(&line, "CONFIG_") || !scan_name(&line, &name) ||
		    !scan_char(&line, '='))
			continue;
		len = scan_left(&line) < sizeof(value) - 1 ? scan_left(&line) : sizeof(value) - 1;
		memcpy(value, line.p, len);
		value[len] = 0;
		take_config(c, name.p, name.len, value);
	}
	input_deinit(&input);
	return NULL;
}

/* The free lists show how large blocks may be, whatever configuration decided it. */
static struct error *take_block_orders(const char *dir, struct boot_log *log)
{
	struct arch_config *c = &log->input.config;
	struct pagetypeinfo pi = { 0 };
	struct input input;
	bool absent;
	struct error *err = read_file(dir, "snap-boot/pagetypeinfo.txt", &absent, &input);

	if (err || absent)
		return err;
	err = pagetypeinfo_parse((const char *)input.data, input.size, input.name, &pi);
	input_deinit(&input);
	if (err)
		return err;
	if (pi.norders && pi.norders <= ARCH_ORDERS_MAX)
		c->max_order = pi.norders - 1;
	if (pi.has_block_order && pi.block_order < ARCH_ORDERS_MAX)
		c->pageblock_order = pi.block_order;
	pagetypeinfo_deinit(&pi);
	return NULL;
}

/* ---- firmware tables --------------------------------------------------------------------------- */

struct pxm_map {
	uint32_t pxm[NODES_MAX];
	uint32_t count;
};

/* Proximity domains become nodes in the order they are met; -1 when there are too many. */
static int32_t node_of_pxm(struct pxm_map *map, uint32_t pxm, bool add)
{
	for (uint32_t i = 0; i < map->count; i++)
		if (map->pxm[i] == pxm)
			return (int32_t)i;
	if (!add || map->count == NODES_MAX)
		return NID_NONE;
	map->pxm[map->count] = pxm;
	return (int32_t)map->count++;
}

static struct error *take_srat(const char *dir, struct boot_log *log, struct pxm_map *map)
{
	struct boot_input *in = &log->input;
	bool had_memory = in->affinity_count > 0, absent;
	struct srat srat = { 0 };
	struct input input;
	struct error *err = read_file(dir, "SRAT.aml", &absent, &input);

	if (err || absent)
		return err;
	err = srat_parse(input.data, input.size, input.name, ACPI_LENIENT, &srat);
	input_deinit(&input);
	if (err)
		return err;
	in->cpu_nid_count = 0;
	/* Processors first, then memory: that is how the kernel walks the table. */
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < srat.nentries; i++) {
			const struct srat_entry *e = &srat.entries[i];
			bool cpu = e->type == SRAT_APIC || e->type == SRAT_X2APIC ||
				   e->type == SRAT_GICC;
			int32_t nid;

			if (!e->enabled ||
			    (pass ? e->type != SRAT_MEMORY : !cpu && e->type != SRAT_INITIATOR))
				continue;
			nid = node_of_pxm(map, e->pxm, true);
			if (nid < 0)
				continue;
			in->numa_source = true;
			if (cpu) {
				boot_log_add_cpu(log, nid);
			} else if (e->type == SRAT_MEMORY && !had_memory && e->bytes) {
				struct affinity_memory *m = boot_log_add_affinity(log);

				if (!m)
					break;
				m->start = e->base;
				m->end = e->bytes > UINT64_MAX - e->base ? UINT64_MAX
									 : e->base + e->bytes;
				m->nid = nid;
				m->hotplug = e->flags & SRAT_MEMORY_HOTPLUG;
				m->nonvolatile = e->flags & SRAT_MEMORY_NONVOLATILE;
			}
		}
	}
	srat_deinit(&srat);
	return NULL;
}

static bool set_distances(struct boot_log *log, uint32_t count)
{
	free(log->input.distance);
	log->input.distance = malloc((size_t)count * count + 1);
	log->input.distance_count = log->input.distance ? count : 0;
	log->out_of_memory |= !log->input.distance;
	return log->input.distance;
}

static struct error *take_slit(const char *dir, struct boot_log *log, struct pxm_map *map)
{
	struct slit slit = { 0 };
	struct input input;
	bool absent;
	struct error *err = read_file(dir, "SLIT.aml", &absent, &input);

	if (err)
		return err;
	if (absent) {
		/* A machine with an affinity table and no distance table has the default distances. */
		if (map->count && set_distances(log, map->count))
			for (uint32_t i = 0; i < map->count; i++)
				for (uint32_t j = 0; j < map->count; j++)
					log->input.distance[i * map->count + j] = i == j ? 10 : 20;
		return NULL;
	}
	err = slit_parse(input.data, input.size, input.name, ACPI_LENIENT, &slit);
	input_deinit(&input);
	if (err)
		return err;
	if (slit_is_valid(&slit) && set_distances(log, map->count ? map->count : slit.n)) {
		uint32_t n = log->input.distance_count;

		for (uint32_t i = 0; i < n; i++) {
			for (uint32_t j = 0; j < n; j++) {
				uint32_t from = map->count ? map->pxm[i] : i;
				uint32_t to = map->count ? map->pxm[j] : j;

				log->input.distance[(size_t)i * n + j] =
					from < slit.n && to < slit.n
						? slit_distance(&slit, from, to)
					: i == j ? 10
						 : 20;
			}
		}
	}
	slit_deinit(&slit);
	return NULL;
}

static struct tree_range *copy_ranges(struct device_tree *tree, uint32_t *used,
				      const struct fdt_ranges *from)
{
	struct tree_range *first = tree->ranges + *used;

	for (uint32_t i = 0; i < from->n; i++)
		tree->ranges[(*used)++] =
			(struct tree_range){ from->ranges[i].base, from->ranges[i].bytes };
	return first;
}

/* The ranges of a memory node that count: the kernel prefers those named usable. */
static const struct fdt_ranges *memory_ranges(const struct fdt_memory *m)
{
	return m->usable.present ? &m->usable : &m->reg;
}

static bool allocate_tree(struct device_tree *tree, const struct fdt *fdt)
{
	uint32_t memory = 0, ranges = 0;

	for (uint32_t i = 0; i < fdt->nmemory; i++)
		memory += memory_ranges(&fdt->memory[i])->n;
	for (uint32_t i = 0; i < fdt->nreserved; i++)
		ranges += fdt->reserved[i].reg.n + fdt->reserved[i].alloc_ranges.n;
	device_tree_deinit(tree);
	tree->memory = calloc(memory + 1, sizeof(*tree->memory));
	tree->usable = calloc(fdt->usable_memory_range.n + 1, sizeof(*tree->usable));
	tree->memreserve = calloc(fdt->nmemreserve + 1, sizeof(*tree->memreserve));
	tree->reserved = calloc(fdt->nreserved + 1, sizeof(*tree->reserved));
	tree->ranges = calloc(ranges + 1, sizeof(*tree->ranges));
	tree->distances = calloc(fdt->ndistances + 1, sizeof(*tree->distances));
	return tree->memory && tree->usable && tree->memreserve && tree->reserved && tree->ranges &&
	       tree->distances;
}

static void take_reserved(struct device_tree *tree, const struct fdt *fdt)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < fdt->nreserved; i++) {
		const struct fdt_reserved *from = &fdt->reserved[i];

		tree->reserved[tree->reserved_count++] = (struct tree_reserved){
			.ranges = copy_ranges(tree, &used, &from->reg),
			.range_count = from->reg.n,
			.size = from->has_size && !from->reg.present ? from->bytes : 0,
			.align = from->has_alignment ? from->alignment_bytes : 0,
			.windows = copy_ranges(tree, &used, &from->alloc_ranges),
			.window_count = from->alloc_ranges.n,
			.no_map = from->no_map,
			.reusable = from->reusable,
			.dma_pool = !strcmp(from->compatible, "shared-dma-pool"),
			.cma_default = from->cma_default,
			.enabled = from->enabled,
		};
	}
}

/* Nodes the tree names.  With UEFI they come from ACPI tables. */
static void take_tree_nodes(struct boot_log *log, const struct fdt *fdt)
{
	struct boot_input *in = &log->input;
	uint32_t nodes = 0;

	if (fdt->uefi || in->affinity_count || !in->config.numa)
		return;
	for (uint32_t i = 0; i < fdt->nmemory; i++) {
		const struct fdt_memory *m = &fdt->memory[i];

		for (uint32_t k = 0; k < m->reg.n && m->nid >= 0 && m->nid < NODES_MAX; k++) {
			struct affinity_memory *a = boot_log_add_affinity(log);

			if (!a)
				return;
			a->start = m->reg.ranges[k].base;
			a->end = a->start + m->reg.ranges[k].bytes;
			a->nid = m->nid;
			nodes = (uint32_t)max_u64(nodes, (uint64_t)m->nid + 1);
		}
	}
	if (!nodes)
		return;
	in->numa_source = true;
	in->cpu_nid_count = 0;
	for (uint32_t i = 0; i < fdt->ncpus; i++) {
		boot_log_add_cpu(log, fdt->cpus[i].nid);
		if (fdt->cpus[i].nid >= 0 && fdt->cpus[i].nid < NODES_MAX)
			nodes = (uint32_t)max_u64(nodes, (uint64_t)fdt->cpus[i].nid + 1);
	}
	if (!fdt->ndistances || !set_distances(log, nodes))
		return;
	for (uint32_t i = 0; i < nodes * nodes; i++)
		in->distance[i] = i / nodes == i % nodes ? 10 : 20;
	/* A distance counts for the way back too, unless that is given later. */
	for (uint32_t i = 0; i < fdt->ndistances; i++) {
		const struct fdt_distance *d = &fdt->distances[i];

		if (d->from >= nodes || d->to >= nodes || d->distance > 255)
			continue;
		in->distance[(size_t)d->from * nodes + d->to] = (uint8_t)d->distance;
		if (d->to > d->from)
			in->distance[(size_t)d->to * nodes + d->from] = (uint8_t)d->distance;
	}
}

/* What the engine is told of the tree. */
static struct error *take_tree(struct boot_log *log, const struct fdt *fdt)
{
	struct device_tree *tree = &log->input.tree;

	if (!allocate_tree(tree, fdt))
		return error_no_memory();
	for (uint32_t i = 0; i < fdt->nmemory; i++) {
		const struct fdt_memory *m = &fdt->memory[i];
		const struct fdt_ranges *ranges = memory_ranges(m);

		for (uint32_t k = 0; k < ranges->n; k++)
			tree->memory[tree->memory_count++] = (struct tree_memory){
				.range = { ranges->ranges[k].base, ranges->ranges[k].bytes },
				.nid = m->nid,
				.hotpluggable = m->hotpluggable,
				.enabled = m->enabled,
				.depth = m->depth,
			};
	}
	for (uint32_t i = 0; i < fdt->usable_memory_range.n; i++)
		tree->usable[tree->usable_count++] =
			(struct tree_range){ fdt->usable_memory_range.ranges[i].base,
					     fdt->usable_memory_range.ranges[i].bytes };
	for (uint32_t i = 0; i < fdt->nmemreserve; i++)
		tree->memreserve[tree->memreserve_count++] =
			(struct tree_range){ fdt->memreserve[i].base, fdt->memreserve[i].bytes };
	take_reserved(tree, fdt);
	for (uint32_t i = 0; i < fdt->ndistances; i++)
		tree->distances[tree->distance_count++] =
			(struct tree_distance){ fdt->distances[i].from, fdt->distances[i].to,
						fdt->distances[i].distance };
	take_tree_nodes(log, fdt);
	tree->reserved_format_ok = fdt->reserved_format_ok;
	tree->uefi = fdt->uefi;
	tree->dma_limit = fdt->dma_limit;
	log->input.has_tree = true;
	return NULL;
}

static struct error *take_fdt(const char *dir, struct boot_log *log)
{
	struct boot_input *in = &log->input;
	struct fdt fdt = { 0 };
	struct input input;
	bool absent;
	struct error *err = read_file(dir, "fdt.dtb", &absent, &input);

	if (err || absent)
		return err;
	err = fdt_parse(input.data, input.size, input.name, &fdt);
	input_deinit(&input);
	if (err)
		return err;
	if (fdt.has & FDT_INITRD_START && fdt.has & FDT_INITRD_END) {
		in->ramdisk_start = fdt.initrd_start;
		in->ramdisk_end = fdt.initrd_end;
	}
	err = take_tree(log, &fdt);
	fdt_deinit(&fdt);
	return err;
}

/* ---- pictures --------------------------------------------------------------------------------- */

static struct error *take_nodes(const char *dir, struct boot_log *log)
{
	struct boot_input *in = &log->input;
	struct nodes nodes = { 0 };
	char path[4096];
	struct stat st;
	struct error *err;
	uint32_t top = 0, cpus = 0;

	if ((size_t)snprintf(path, sizeof(path), "%s/numa", dir) >= sizeof(path) || stat(path, &st))
		return NULL;
	err = nodes_read(path, &nodes);
	if (err)
		return err;
	for (uint32_t i = 0; i < nodes.nnodes; i++) {
		if ((uint32_t)nodes.nodes[i].nid >= top && nodes.nodes[i].nid < NODES_MAX)
			top = (uint32_t)nodes.nodes[i].nid + 1;
		cpus += nodes.nodes[i].ncpus;
	}
	if (!in->distance_count && top && set_distances(log, top)) {
		for (uint32_t i = 0; i < top; i++) {
			for (uint32_t j = 0; j < top; j++) {
				uint32_t d = i == j ? 10 : 20;

				nodes_distance(&nodes, (int32_t)i, (int32_t)j, &d);
				in->distance[(size_t)i * top + j] = (uint8_t)(d > 255 ? 255 : d);
			}
		}
	}
	if (cpus && top) {
		in->node_cpus = calloc(top, sizeof(*in->node_cpus));
		in->node_cpus_count = in->node_cpus ? top : 0;
		log->out_of_memory |= !in->node_cpus;
		for (uint32_t i = 0; i < nodes.nnodes && in->node_cpus; i++)
			if ((uint32_t)nodes.nodes[i].nid < top)
				in->node_cpus[nodes.nodes[i].nid] = nodes.nodes[i].ncpus;
	}
	nodes_deinit(&nodes);
	return NULL;
}

/*
 * Memory that is not mapped stands at the top as reserved, other memory as System RAM: that tells
 * which of the ranges a log without a memory map lists are which.
 */
static void take_nomap(struct boot_log *log, const struct iomem *im)
{
	struct boot_input *in = &log->input;

	if (in->config.arch != ARCH_ARM64)
		return;
	for (uint32_t g = 0; g < in->given_range_count; g++) {
		phys_t start = in->given_ranges[g].start << in->config.page_shift;

		for (uint32_t i = 0; i < im->nranges; i++) {
			const struct iomem_range *r = &im->ranges[i];

			if (!r->depth && r->kind == IOMEM_RESERVED && start >= r->start &&
			    start < r->end)
				in->given_ranges[g].flags |= MEMBLOCK_NOMAP;
		}
	}
}

static struct error *take_iomem(const char *dir, struct boot_log *log)
{
	struct iomem im = { 0 };
	struct input input;
	bool absent;
	struct error *err = read_file(dir, "iomem.txt", &absent, &input);

	if (err || absent)
		return err;
	err = iomem_parse((const char *)input.data, input.size, input.name, &im);
	input_deinit(&input);
	if (err)
		return err;
	if (!im.hidden)
		take_nomap(log, &im);
	for (uint32_t i = 0; i < im.nranges && !im.hidden; i++) {
		const struct iomem_range *r = &im.ranges[i];

		if (r->kind == IOMEM_KERNEL_CODE)
			log->input.kernel_start = r->start;
		if (r->kind == IOMEM_KERNEL_CODE || r->kind == IOMEM_KERNEL_DATA ||
		    r->kind == IOMEM_KERNEL_BSS || r->kind == IOMEM_KERNEL_RODATA)
			log->input.kernel_end =
				r->end > log->input.kernel_end ? r->end : log->input.kernel_end;
	}
	iomem_deinit(&im);
	return NULL;
}

static void record_field(struct boot_log *log, const struct zoneinfo_zone *z, enum zone_type type,
			 enum zone_field field, uint64_t value)
{
	struct answer *a = answers_add(&log->recorded, ANSWER_ZONEINFO);

	a->nid = z->nid;
	a->type = (int32_t)type;
	a->index = field;
	a->line = z->line;
	a->v[0] = value;
}

static void record_zone(struct boot_log *log, const struct zoneinfo_zone *z)
{
	static const struct {
		uint32_t has;
		enum zone_field field;
		size_t offset;
	} fields[] = {
		{ ZONEINFO_SPANNED, ZONE_FIELD_SPANNED, offsetof(struct zoneinfo_zone, spanned) },
		{ ZONEINFO_PRESENT, ZONE_FIELD_PRESENT, offsetof(struct zoneinfo_zone, present) },
		{ ZONEINFO_MANAGED, ZONE_FIELD_MANAGED, offsetof(struct zoneinfo_zone, managed) },
		{ ZONEINFO_CMA, ZONE_FIELD_CMA, offsetof(struct zoneinfo_zone, cma) },
		{ ZONEINFO_MIN, ZONE_FIELD_MIN, offsetof(struct zoneinfo_zone, min) },
		{ ZONEINFO_LOW, ZONE_FIELD_LOW, offsetof(struct zoneinfo_zone, low) },
		{ ZONEINFO_HIGH, ZONE_FIELD_HIGH, offsetof(struct zoneinfo_zone, high) },
		{ ZONEINFO_PROMO, ZONE_FIELD_PROMO, offsetof(struct zoneinfo_zone, promo) },
		{ ZONEINFO_START_PFN, ZONE_FIELD_START_PFN,
		  offsetof(struct zoneinfo_zone, start_pfn) },
	};
	enum zone_type type;

	if (!zone_type_parse(z->name, strlen(z->name), &type))
		return;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint64_t value = *(const uint64_t *)((const char *)z + fields[i].offset);
		bool mark = fields[i].field >= ZONE_FIELD_MIN &&
			    fields[i].field <= ZONE_FIELD_PROMO;

		if (!(z->has & fields[i].has))
			continue;
		/* A boost is for the moment and shown on top of every mark. */
		if (mark && z->has & ZONEINFO_BOOST && z->boost <= value)
			value -= z->boost;
		record_field(log, z, type, fields[i].field, value);
	}
	if (z->protection) {
		struct answer *a = answers_add(&log->recorded, ANSWER_PROTECTION);

		a->nid = z->nid;
		a->type = (int32_t)type;
		a->line = z->line;
		for (uint32_t i = 0; i < z->nprotection; i++)
			answers_push(&log->recorded, (uint32_t)z->protection[i]);
	}
	if (z->npagesets) {
		const struct zoneinfo_pageset *p = &z->pagesets[0];
		/* Where high tunes itself it moves all the time and is no answer about the boot. */
		bool tuned = fact_get(&log->input.facts, FACT_pcp_high_auto);

		record_field(log, z, type, ZONE_FIELD_PCP_BATCH, p->batch);
		if (!tuned)
			record_field(log, z, type, ZONE_FIELD_PCP_HIGH, p->high);
		if (p->has & ZONEINFO_PCP_HIGH_MIN)
			record_field(log, z, type, ZONE_FIELD_PCP_HIGH_MIN, p->high_min);
		if (p->has & ZONEINFO_PCP_HIGH_MAX)
			record_field(log, z, type, ZONE_FIELD_PCP_HIGH_MAX, p->high_max);
		if (p->has & ZONEINFO_PCP_STAT_THRESHOLD)
			record_field(log, z, type, ZONE_FIELD_STAT_THRESHOLD, p->stat_threshold);
	}
}

static struct error *take_pictures(const char *dir, struct boot_log *log)
{
	struct zoneinfo zi = { 0 };
	struct meminfo mi = { 0 };
	struct input input;
	struct error *err;
	uint64_t kb;
	bool absent;

	err = read_file(dir, "snap-boot/zoneinfo.txt", &absent, &input);
	if (err)
		return err;
	if (!absent) {
		err = zoneinfo_parse((const char *)input.data, input.size, input.name, &zi);
		input_deinit(&input);
		if (err)
			return err;
		for (uint32_t i = 0; i < zi.nzones; i++)
			record_zone(log, &zi.zones[i]);
		zoneinfo_deinit(&zi);
	}
	err = read_file(dir, "snap-boot/meminfo.txt", &absent, &input);
	if (err)
		return err;
	if (!absent) {
		err = meminfo_parse((const char *)input.data, input.size, input.name, &mi);
		input_deinit(&input);
		if (err)
			return err;
		if (meminfo_kb(&mi, "MemTotal", &kb))
			answers_add(&log->recorded, ANSWER_MEMTOTAL)->v[0] = kb;
		meminfo_deinit(&mi);
	}
	/* The sysctls are read last: they tell of the boot only if nothing was done after it. */
	err = read_file(dir, "snap-1/zoneinfo.txt", &absent, &input);
	if (err)
		return err;
	if (!absent) {
		input_deinit(&input);
		return NULL;
	}
	err = read_file(dir, "sysctl/min_free_kbytes", &absent, &input);
	if (err)
		return err;
	if (!absent) {
		struct scan s = scan_of((const char *)input.data, input.size);

		if (scan_dec(&s, &kb))
			answers_add(&log->recorded, ANSWER_MIN_FREE_KBYTES)->v[0] = kb;
		input_deinit(&input);
	}
	return NULL;
}

/* Length of the line at @p without its end, and where the next one begins. */
static size_t line_at(const uint8_t *p, size_t size, size_t *next)
{
	const uint8_t *lf = memchr(p, '\n', size);
	size_t len = lf ? (size_t)(lf - p) : size;

	*next = len + (lf != NULL);
	while (len && p[len - 1] == '\r')
		len--;
	return len;
}

/* Do @count lines at @a stand at @b too? */
static bool same_lines(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, int count)
{
	for (int i = 0; i < count; i++) {
		size_t a_next, b_next;
		size_t a_len = line_at(a, a_size, &a_next), b_len = line_at(b, b_size, &b_next);

		if (!a_len || a_len != b_len || memcmp(a, b, a_len))
			return false;
		a += a_next;
		a_size -= a_next;
		b += b_next;
		b_size -= b_next;
	}
	return true;
}

/*
 * The kernel's buffer lost the beginning of the boot, but an early console kept it: @log is read again
 * with what @console has before the line that @log begins with.
 */
static struct error *read_joined(const struct input *console, const struct input *log,
				 struct boot_log *ret)
{
	static char name[] = "serial.txt and dmesg.txt";
	struct input joined = { .name = name };
	struct boot_log whole = { 0 };
	struct error *err;
	size_t at = 0, next;
	uint8_t *data;

	while (at < console->size &&
	       !same_lines(console->data + at, console->size - at, log->data, log->size, 3)) {
		line_at(console->data + at, console->size - at, &next);
		at += next;
	}
	if (!at || at >= console->size)
		return NULL;
	data = malloc(at + log->size);
	if (!data)
		return error_no_memory();
	memcpy(data, console->data, at);
	memcpy(data + at, log->data, log->size);
	joined.data = data;
	joined.size = at + log->size;
	err = read_log_bytes(&joined, &whole);
	free(data);
	if (err || !whole.has_version) {
		boot_log_deinit(&whole);
		return err;
	}
	boot_log_deinit(ret);
	*ret = whole;
	return NULL;
}

static struct error *read_beginning(const char *dir, const struct input *log, struct boot_log *ret)
{
	struct input console;
	bool absent;
	struct error *err = read_file(dir, "serial.txt", &absent, &console);

	if (!err && !absent) {
		err = read_joined(&console, log, ret);
		input_deinit(&console);
	}
	return err;
}

static struct error *read_folder(const char *dir, struct boot_log *ret)
{
	static const char *const logs[] = { "dmesg.txt",    "dmesg.txt.zst", "dmesg.txt.gz",
					    "dmesg.txt.xz", "dmesg-raw.txt", "dmesg",
					    "kmsg.txt",	    "serial.txt",    NULL };
	struct pxm_map *map;
	struct input input;
	struct error *err = NULL;
	bool absent = true;

	for (unsigned int i = 0; logs[i] && absent; i++) {
		err = read_file(dir, logs[i], &absent, &input);
		if (err)
			return err;
	}
	if (absent)
		return error_create(ERROR_NOT_FOUND, dir, 0, 0,
				    "the folder has no kernel log (dmesg.txt, dmesg-raw.txt ...)");
	err = read_log_bytes(&input, ret);
	if (!err && !ret->has_version)
		err = read_beginning(dir, &input, ret);
	input_deinit(&input);
	if (err)
		return err;
	map = calloc(1, sizeof(*map));
	if (!map)
		return error_no_memory();
	err = take_version(dir, ret);
	if (!err)
		err = take_config_file(dir, ret);
	if (!err)
		err = take_block_orders(dir, ret);
	if (!err)
		err = take_srat(dir, ret, map);
	if (!err)
		err = take_slit(dir, ret, map);
	if (!err)
		err = take_fdt(dir, ret);
	if (!err)
		err = take_nodes(dir, ret);
	if (!err)
		err = take_iomem(dir, ret);
	boot_log_settle(ret, 0);
	if (!err)
		err = take_pictures(dir, ret);
	free(map);
	return err || !ret->out_of_memory ? err : error_no_memory();
}

/* The boot of it. */
static struct error *read_scenario(const struct input *input, struct boot_log *ret)
{
	struct stored_scenario s = { 0 };
	struct error *err =
		scenario_store_read_bytes(input->data, input->size, input->name, NULL, &s);

	*ret = s.log;
	s.log = (struct boot_log){ 0 };
	stored_scenario_deinit(&s);
	return err;
}

struct error *capture_read_input(const struct input *input, struct boot_log *ret)
{
	if (mmtrace_is(input->data, input->size))
		return boot_store_read_bytes(input->data, input->size, input->name, ret);
	if (scenario_store_is_text(input->data, input->size))
		return read_scenario(input, ret);
	return read_log_bytes(input, ret);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return strcmp(path, "-") != 0 && !stat(path, &st) && S_ISDIR(st.st_mode);
}

struct error *capture_read(const char *path, struct boot_log *ret)
{
	struct mmtrace_reader *stored;
	struct input input = { 0 };
	struct error *err;

	if (is_folder(path))
		return read_folder(path, ret);
	/* Block by block: a trace behind the boot may be longer than memory. */
	err = mmtrace_file_open(path, &stored);
	if (err)
		return err;
	if (stored) {
		err = boot_store_read(stored, path, ret);
		mmtrace_reader_destroy(stored);
		return err;
	}
	err = input_read(path, NULL, &input);
	if (err)
		return err;
	err = capture_read_input(&input, ret);
	input_deinit(&input);
	return err;
}

static struct error *trace_of_folder(const char *dir, char **ret)
{
	static const char *const names[] = { "trace.txt",    "trace.txt.zst", "trace.txt.gz",
					     "trace.txt.xz", "trace.mmtrace", NULL };
	size_t size = strlen(dir) + sizeof("/trace.txt.zst");
	char *path = malloc(size);
	struct stat st;

	if (!path)
		return error_no_memory();
	for (unsigned int i = 0; names[i]; i++) {
		snprintf(path, size, "%s/%s", dir, names[i]);
		if (!stat(path, &st)) {
			*ret = path;
			return NULL;
		}
	}
	free(path);
	return NULL;
}

struct error *capture_trace_path(const char *path, char **ret)
{
	struct mmtrace_reader *stored;
	struct error *err;

	*ret = NULL;
	if (is_folder(path))
		return trace_of_folder(path, ret);
	err = mmtrace_file_open(path, &stored);
	if (err || !stored)
		return err;
	mmtrace_reader_destroy(stored);
	*ret = strdup(path);
	return *ret ? NULL : error_no_memory();
}

struct error *capture_gfp_table(const char *path, const struct facts *facts, struct gfp_table *ret)
{
	struct input input;
	struct error *err;
	bool absent;

	gfp_table_init(ret, facts);
	if (!strcmp(path, "-") || !is_folder(path))
		return NULL;
	err = read_file(path, "events/mm_page_alloc.format", &absent, &input);
	if (err || absent)
		return err;
	gfp_format_read((const char *)input.data, input.size, ret);
	input_deinit(&input);
	return NULL;
}
