/* SPDX-License-Identifier: MIT */
/*
 * The tree is checked as a whole first (libfdt's full check: every tag, name and property lies
 * inside and nodes nest), then walked once from front to back.  Nothing refers backwards in the
 * walk, so that no input can make it loop.
 *
 * Which node is meant follows the kernel: the first /chosen, /cpus and /reserved-memory, with or
 * without a unit address; any node whose device_type is "memory"; any that is compatible with
 * "numa-distance-map-v1".
 */
#include "traces/firmware/fdt.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/firmware/bytes.h"
#include "traces/grow.h"

/* The header of version 17 in bytes; older ones are shorter, but no tree ends there. */
#define HEADER_BYTES 40
/* The version of the format, in the header; from this one on, nodes have names without their path. */
#define VERSION_OFFSET 20
#define VERSION_MIN 16
/* Deeper trees and longer paths are refused; real ones have some ten levels. */
#define DEPTH_MAX 64
#define PATH_BYTES_MAX 4096
/* The kernel's values where the root does not say. */
#define DEFAULT_CELLS 1

enum section { SECTION_NONE, SECTION_CHOSEN, SECTION_CPUS, SECTION_RESERVED };

struct reader {
	const void *dt; /* an exact copy of the tree */
	const char *name;
	struct fdt fdt;
	uint32_t memory_room, reserved_room, cpus_room, distances_room;
	uint32_t nranges, ranges_max;

	int node;
	int depth;
	char path[PATH_BYTES_MAX];
	size_t path_len[DEPTH_MAX]; /* of the path of the node at each depth */
	int nodes[DEPTH_MAX]; /* offsets of the node at hand and of those above it */
	enum section section; /* of the node at depth 1 we are in */
	bool seen[SECTION_RESERVED + 1];
	uint32_t cpu_address_cells;
};

struct property {
	const uint8_t *p;
	uint32_t len;
};

static bool get(const struct reader *r, const char *name, struct property *ret)
{
	int len = 0;
	const void *p = fdt_getprop(r->dt, r->node, name, &len);

	if (!p || len < 0)
		return false;
	*ret = (struct property){ p, (uint32_t)len };
	return true;
}

static bool has(const struct reader *r, const char *name)
{
	struct property property;

	return get(r, name, &property);
}

/* Counts a property that cannot be used. */
static struct error *malformed(struct reader *r, const char *property)
{
	char text[PATH_BYTES_MAX + 128];

	if (r->fdt.malformed++)
		return NULL;
	snprintf(text, sizeof(text), "%s of %s has a wrong length", property, r->path);
	r->fdt.first_malformed = strings_add(&r->fdt.strings, text, strlen(text));
	return r->fdt.first_malformed ? NULL : error_no_memory();
}

/* The first string of a property; "" if it is absent. */
static struct error *get_string(struct reader *r, const char *name, const char **ret)
{
	struct property property = { (const uint8_t *)"", 0 };

	get(r, name, &property);
	*ret = strings_add(&r->fdt.strings, (const char *)property.p,
			   strnlen((const char *)property.p, property.len));
	return *ret ? NULL : error_no_memory();
}

static bool is_string(const struct reader *r, const char *name, const char *value)
{
	struct property property;

	return get(r, name, &property) && property.len == strlen(value) + 1 &&
	       !memcmp(property.p, value, property.len);
}

static bool is_compatible(const struct reader *r, const char *value)
{
	struct property property;

	return get(r, "compatible", &property) &&
	       fdt_stringlist_contains((const char *)property.p, (int)property.len, value);
}

static bool is_enabled(const struct reader *r)
{
	return !has(r, "status") || is_string(r, "status", "okay") || is_string(r, "status", "ok");
}

/* A number of 1 or 2 cells. */
static uint64_t read_cells(const uint8_t *p, uint32_t cells)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < cells; i++)
		value = value << 32 | read_be32(p + (size_t)4 * i);
	return value;
}

/* A property that is one number; absent or malformed leaves the outputs alone. */
static struct error *get_u32(struct reader *r, const char *name, bool *has_ret, uint32_t *ret)
{
	struct property property;

	if (!get(r, name, &property))
		return NULL;
	if (property.len != 4)
		return malformed(r, name);
	*has_ret = true;
	*ret = read_be32(property.p);
	return NULL;
}

/* As the kernel's of_read_number() of the whole property: 1 or 2 cells. */
static struct error *get_number(struct reader *r, const char *name, bool *has_ret, uint64_t *ret)
{
	struct property property;

	if (!get(r, name, &property))
		return NULL;
	if (property.len != 4 && property.len != 8)
		return malformed(r, name);
	*has_ret = true;
	*ret = read_cells(property.p, property.len / 4);
	return NULL;
}

/* The same of exactly @cells cells. */
static struct error *get_cells(struct reader *r, const char *name, uint32_t cells, bool *has_ret,
			       uint64_t *ret)
{
	struct property property;

	if (get(r, name, &property) && property.len != 4 * cells)
		return malformed(r, name);
	return get_number(r, name, has_ret, ret);
}

static struct error *get_nid(struct reader *r, int32_t *ret)
{
	bool present = false;
	uint32_t nid;
	struct error *err = get_u32(r, "numa-node-id", &present, &nid);

	*ret = NID_NONE;
	if (!err && present && nid <= INT32_MAX)
		*ret = (int32_t)nid;
	return err;
}

/* A list of addresses and sizes in the root's cells. */
static struct error *get_ranges(struct reader *r, const char *name, struct fdt_ranges *ret)
{
	uint32_t bytes = 4 * (r->fdt.address_cells + r->fdt.size_cells);
	struct fdt_range *to = r->fdt.all_ranges + r->nranges;
	struct property property;
	uint32_t n;

	*ret = (struct fdt_ranges){ 0 };
	if (!get(r, name, &property))
		return NULL;
	if (property.len % bytes)
		return malformed(r, name);
	ret->present = true;
	n = property.len / bytes;
	if (!n)
		return NULL;
	/* There is room for every byte of the tree; a property read twice would be our mistake. */
	if (n > r->ranges_max - r->nranges)
		return error_no_memory();
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *p = property.p + (size_t)i * bytes;

		to[i].base = read_cells(p, r->fdt.address_cells);
		to[i].bytes = read_cells(p + (size_t)4 * r->fdt.address_cells, r->fdt.size_cells);
	}
	r->nranges += n;
	ret->ranges = to;
	ret->n = n;
	return NULL;
}

static struct error *read_root(struct reader *r)
{
	struct fdt *fdt = &r->fdt;
	struct error *err;
	bool present;

	fdt->address_cells = DEFAULT_CELLS;
	fdt->size_cells = DEFAULT_CELLS;
	err = get_u32(r, "#address-cells", &present, &fdt->address_cells);
	if (!err)
		err = get_u32(r, "#size-cells", &present, &fdt->size_cells);
	if (err)
		return err;
	if (fdt->address_cells < 1 || fdt->address_cells > 2 || fdt->size_cells < 1 ||
	    fdt->size_cells > 2)
		return error_create(ERROR_UNSUPPORTED, r->name, 0, 0,
				    "addresses of %u cells and sizes of %u in the root",
				    fdt->address_cells, fdt->size_cells);
	if (has(r, "model"))
		fdt->has |= FDT_MODEL;
	if (has(r, "compatible"))
		fdt->has |= FDT_COMPATIBLE;
	err = get_string(r, "model", &fdt->model);
	if (!err)
		err = get_string(r, "compatible", &fdt->compatible);
	return err;
}

static struct error *read_memory(struct reader *r)
{
	struct fdt_memory *all, memory = { 0 };
	struct error *err;

	all = grow(r->fdt.memory, r->fdt.nmemory, &r->memory_room, sizeof(*all));
	if (!all)
		return error_no_memory();
	r->fdt.memory = all;
	memory.path = strings_add(&r->fdt.strings, r->path, strlen(r->path));
	if (!memory.path)
		return error_no_memory();
	memory.hotpluggable = has(r, "hotpluggable");
	memory.enabled = is_enabled(r);
	memory.depth = (uint32_t)r->depth;
	err = get_nid(r, &memory.nid);
	if (!err)
		err = get_ranges(r, "reg", &memory.reg);
	if (!err)
		err = get_ranges(r, "linux,usable-memory", &memory.usable);
	if (!err)
		all[r->fdt.nmemory++] = memory;
	return err;
}

static struct error *read_reserved(struct reader *r)
{
	struct fdt_reserved *all, reserved = { 0 };
	const char *node_name = strrchr(r->path, '/') + 1;
	struct error *err;

	all = grow(r->fdt.reserved, r->fdt.nreserved, &r->reserved_room, sizeof(*all));
	if (!all)
		return error_no_memory();
	r->fdt.reserved = all;
	reserved.name = strings_add(&r->fdt.strings, node_name, strlen(node_name));
	if (!reserved.name)
		return error_no_memory();
	reserved.no_map = has(r, "no-map");
	reserved.reusable = has(r, "reusable");
	reserved.cma_default = has(r, "linux,cma-default");
	reserved.dma_default = has(r, "linux,dma-default");
	reserved.enabled = is_enabled(r);
	err = get_nid(r, &reserved.nid);
	if (!err)
		err = get_ranges(r, "reg", &reserved.reg);
	if (!err)
		err = get_ranges(r, "alloc-ranges", &reserved.alloc_ranges);
	if (!err)
		err = get_cells(r, "size", r->fdt.size_cells, &reserved.has_size, &reserved.bytes);
	if (!err)
		err = get_cells(r, "alignment", r->fdt.address_cells, &reserved.has_alignment,
				&reserved.alignment_bytes);
	if (!err)
		err = get_string(r, "compatible", &reserved.compatible);
	if (!err)
		all[r->fdt.nreserved++] = reserved;
	return err;
}

static struct error *read_reserved_parent(struct reader *r)
{
	uint32_t address_cells = 0, size_cells = 0;
	bool present = false;
	struct error *err;

	r->fdt.has |= FDT_RESERVED_MEMORY;
	err = get_u32(r, "#address-cells", &present, &address_cells);
	if (!err)
		err = get_u32(r, "#size-cells", &present, &size_cells);
	r->fdt.reserved_format_ok = address_cells == r->fdt.address_cells &&
				    size_cells == r->fdt.size_cells && has(r, "ranges");
	return err;
}

static struct error *read_cpu(struct reader *r)
{
	struct fdt_cpu *all, cpu = { 0 };
	struct error *err;

	all = grow(r->fdt.cpus, r->fdt.ncpus, &r->cpus_room, sizeof(*all));
	if (!all)
		return error_no_memory();
	r->fdt.cpus = all;
	cpu.path = strings_add(&r->fdt.strings, r->path, strlen(r->path));
	if (!cpu.path)
		return error_no_memory();
	cpu.enabled = is_enabled(r);
	err = get_nid(r, &cpu.nid);
	if (!err)
		err = get_cells(r, "reg", r->cpu_address_cells, &cpu.has_reg, &cpu.reg);
	if (!err)
		all[r->fdt.ncpus++] = cpu;
	return err;
}

static struct error *read_distance_map(struct reader *r)
{
	struct property property;

	r->fdt.has |= FDT_DISTANCE_MAP;
	if (!get(r, "distance-matrix", &property))
		return NULL;
	if (property.len % 12)
		return malformed(r, "distance-matrix");
	for (uint32_t at = 0; at < property.len; at += 12) {
		struct fdt_distance *all =
			grow(r->fdt.distances, r->fdt.ndistances, &r->distances_room, sizeof(*all));

		if (!all)
			return error_no_memory();
		r->fdt.distances = all;
		all[r->fdt.ndistances++] = (struct fdt_distance){
			.from = read_be32(property.p + at),
			.to = read_be32(property.p + at + 4),
			.distance = read_be32(property.p + at + 8),
		};
	}
	return NULL;
}

static struct error *read_chosen(struct reader *r)
{
	struct fdt *fdt = &r->fdt;
	struct fdt_ranges elfcorehdr;
	bool has_start = false, has_end = false;
	struct error *err;

	if (has(r, "bootargs"))
		fdt->has |= FDT_BOOTARGS;
	fdt->uefi = has(r, "linux,uefi-system-table");
	err = get_string(r, "bootargs", &fdt->bootargs);
	if (!err)
		err = get_number(r, "linux,initrd-start", &has_start, &fdt->initrd_start);
	if (!err)
		err = get_number(r, "linux,initrd-end", &has_end, &fdt->initrd_end);
	if (!err)
		err = get_ranges(r, "linux,usable-memory-range", &fdt->usable_memory_range);
	if (!err)
		err = get_ranges(r, "linux,elfcorehdr", &elfcorehdr);
	if (err)
		return err;
	if (has_start)
		fdt->has |= FDT_INITRD_START;
	if (has_end)
		fdt->has |= FDT_INITRD_END;
	if (elfcorehdr.n) {
		fdt->elfcorehdr = elfcorehdr.ranges[0];
		fdt->has |= FDT_ELFCOREHDR;
	}
	return NULL;
}

/* "chosen" or "chosen@0" */
static bool is_named(const char *node, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(node, name, len) && (!node[len] || node[len] == '@');
}

/* Cells of the children of @node, as it says; the defaults of the specification. */
static uint32_t cells_of(const void *dt, int node, const char *name, uint32_t usual)
{
	int len = 0;
	const void *p = fdt_getprop(dt, node, name, &len);

	return p && len == 4 ? read_be32(p) : usual;
}

/* @addr of the bus at @depth as an address of the CPU: through all dma-ranges above it. */
static bool dma_translate(const struct reader *r, int depth, uint64_t *addr)
{
	const void *dt = r->dt;

	for (; depth > 0; depth--) {
		int node = r->nodes[depth], parent = r->nodes[depth - 1], len = 0;
		const uint8_t *p = fdt_getprop(dt, node, "dma-ranges", &len);
		uint32_t a = cells_of(dt, node, "#address-cells", 2),
			 s = cells_of(dt, node, "#size-cells", 1);
		uint32_t up = cells_of(dt, parent, "#address-cells", 2);
		uint32_t step = 4 * (a + up + s);
		bool found = false;

		/* Without ranges, or with empty ones, addresses are the same on both sides. */
		if (!p || !len)
			continue;
		if (!a || a > 3 || up > 2 || s > 2)
			return false;
		for (int at = 0; at + (int)step <= len && !found; at += (int)step) {
			/* A third cell comes first and says what space it is, as on PCI. */
			uint64_t child = read_cells(p + at + (a == 3 ? 4 : 0), a == 3 ? 2 : a);
			uint64_t base = read_cells(p + at + (size_t)4 * a, up);
			uint64_t size = read_cells(p + at + (size_t)4 * (a + up), s);

			found = *addr >= child && *addr - child < size;
			if (found)
				*addr = base + (*addr - child);
		}
		if (!found)
			return false;
	}
	return true;
}

/* The end of what the bus of this node reaches; the smallest of all buses counts. */
static void read_dma_ranges(struct reader *r)
{
	uint32_t a = cells_of(r->dt, r->node, "#address-cells", 2);
	uint32_t s = cells_of(r->dt, r->node, "#size-cells", 1);
	uint32_t up = cells_of(r->dt, r->nodes[r->depth - 1], "#address-cells", 2);
	uint32_t step = 4 * (a + up + s);
	struct property property;
	phys_t end = 0;

	if (!get(r, "dma-ranges", &property) || !property.len || !is_enabled(r) || !a || a > 3 ||
	    up > 2 || s > 2)
		return;
	for (size_t at = 0; at + step <= property.len; at += step) {
		uint64_t base = read_cells(property.p + at + (size_t)4 * a, up);
		uint64_t size = read_cells(property.p + at + (size_t)4 * (a + up), s);

		if (!size || !dma_translate(r, r->depth - 1, &base) || base + size < base)
			continue;
		end = end > base + size ? end : base + size;
	}
	if (end && (!r->fdt.dma_limit || end < r->fdt.dma_limit))
		r->fdt.dma_limit = end;
}

/* A node below the root: which of those with children of interest it is, the first of each. */
static struct error *enter_section(struct reader *r, const char *node_name)
{
	enum section section = is_named(node_name, "chosen")		? SECTION_CHOSEN
			       : is_named(node_name, "cpus")		? SECTION_CPUS
			       : is_named(node_name, "reserved-memory") ? SECTION_RESERVED
									: SECTION_NONE;
	bool present = false;

	r->section = SECTION_NONE;
	if (section == SECTION_NONE || r->seen[section])
		return NULL;
	r->section = section;
	r->seen[section] = true;
	if (section == SECTION_CHOSEN)
		return read_chosen(r);
	if (section == SECTION_RESERVED)
		return read_reserved_parent(r);
	r->cpu_address_cells = r->fdt.address_cells;
	return get_u32(r, "#address-cells", &present, &r->cpu_address_cells);
}

static struct error *read_node(struct reader *r, const char *node_name)
{
	struct error *err = NULL;

	if (r->depth == 1)
		err = enter_section(r, node_name);
	else if (r->depth == 2 && r->section == SECTION_RESERVED)
		err = read_reserved(r);
	else if (r->depth == 2 && r->section == SECTION_CPUS && is_string(r, "device_type", "cpu"))
		err = read_cpu(r);
	if (!err && is_string(r, "device_type", "memory"))
		err = read_memory(r);
	read_dma_ranges(r);
	if (!err && is_compatible(r, "numa-distance-map-v1"))
		err = read_distance_map(r);
	return err;
}

/* Path of the node: that of its parent, which was the last one at its depth, and its name. */
static struct error *set_path(struct reader *r, const char *node_name)
{
	size_t parent = r->depth > 1 ? r->path_len[r->depth - 1] : 0;
	size_t len = strlen(node_name);

	if (parent + 1 + len >= sizeof(r->path))
		return error_create(ERROR_LIMIT, r->name, 0, 0, "a path has more than %zu bytes",
				    sizeof(r->path) - 1);
	r->path[parent] = '/';
	memcpy(r->path + parent + 1, node_name, len + 1);
	r->path_len[r->depth] = parent + 1 + len;
	return NULL;
}

static struct error *walk(struct reader *r)
{
	struct error *err;

	r->node = 0;
	r->path[0] = '/';
	err = read_root(r);
	while (!err) {
		const char *node_name;
		int len = 0;

		r->node = fdt_next_node(r->dt, r->node, &r->depth);
		/* The end; the check at the start leaves no other reason. */
		if (r->node < 0 || r->depth < 1)
			break;
		if (r->depth >= DEPTH_MAX)
			return error_create(ERROR_LIMIT, r->name, 0, 0,
					    "nodes are nested more than %d deep", DEPTH_MAX - 1);
		r->nodes[r->depth] = r->node;
		node_name = fdt_get_name(r->dt, r->node, &len);
		if (!node_name)
			return error_create(ERROR_CORRUPT, r->name, 0, 0, "a node has no name");
		err = set_path(r, node_name);
		if (!err)
			err = read_node(r, node_name);
	}
	return err;
}

static struct error *read_memreserve(struct reader *r)
{
	int n = fdt_num_mem_rsv(r->dt);

	if (n < 0)
		return error_create(ERROR_CORRUPT, r->name, 0, 0,
				    "the list of reserved memory is broken");
	if (!n)
		return NULL;
	r->fdt.memreserve = calloc((size_t)n, sizeof(*r->fdt.memreserve));
	if (!r->fdt.memreserve)
		return error_no_memory();
	for (int i = 0; i < n; i++) {
		uint64_t base = 0, bytes = 0;

		if (fdt_get_mem_rsv(r->dt, i, &base, &bytes))
			return error_create(ERROR_CORRUPT, r->name, 0, 0,
					    "the list of reserved memory is broken");
		r->fdt.memreserve[r->fdt.nmemreserve++] = (struct fdt_range){ base, bytes };
	}
	return NULL;
}

struct error *fdt_parse(const uint8_t *data, size_t len, const char *name, struct fdt *ret)
{
	struct reader *r;
	struct error *err;
	uint32_t total;
	void *copy;
	int status;

	if (len < HEADER_BYTES || read_be32(data) != FDT_MAGIC)
		return error_create(ERROR_FORMAT, name, 0, 0, "this is not a device tree");
	total = read_be32(data + 4);
	if (total > len)
		return error_create(ERROR_CORRUPT, name, 0, 0,
				    "at byte 4: a length of %u is more than the file's %zu bytes",
				    total, len);
	if (total > FDT_BYTES_MAX)
		return error_create(ERROR_LIMIT, name, 0, 0, "a length of %u is more than %zu",
				    total, FDT_BYTES_MAX);
	if (total < HEADER_BYTES)
		return error_create(ERROR_CORRUPT, name, 0, 0,
				    "at byte 4: a length of %u is less than the header has", total);

	/* Names of older trees are paths, and libfdt's check of them reads nothing's first byte (1.6.1). */
	if (read_be32(data + VERSION_OFFSET) < VERSION_MIN)
		return error_create(ERROR_UNSUPPORTED, name, 0, 0,
				    "at byte %d: a tree of version %u; those from %d on are read",
				    VERSION_OFFSET, read_be32(data + VERSION_OFFSET), VERSION_MIN);
	/* libfdt asks for alignment; and what it is not given it cannot read. */
	copy = malloc(total);
	r = calloc(1, sizeof(*r));
	if (!copy || !r) {
		free(copy);
		free(r);
		return error_no_memory();
	}
	memcpy(copy, data, total);
	status = fdt_check_full(copy, total);
	if (status) {
		err = error_create(ERROR_CORRUPT, name, 0, 0, "the tree is broken: %s",
				   fdt_strerror(status));
		goto out;
	}
	r->dt = copy;
	r->name = name;
	r->fdt.total_bytes = total;
	r->fdt.version = fdt_version(copy);
	r->fdt.boot_cpu = fdt_boot_cpuid_phys(copy);
	r->fdt.model = r->fdt.compatible = r->fdt.bootargs = "";
	/* A range has two cells or more.  No property is read as ranges more than twice. */
	r->ranges_max = 2 * (fdt_size_dt_struct(copy) / 8) + 1;
	r->fdt.all_ranges = calloc(r->ranges_max, sizeof(*r->fdt.all_ranges));
	err = r->fdt.all_ranges ? read_memreserve(r) : error_no_memory();
	if (!err)
		err = walk(r);
	if (err)
		fdt_deinit(&r->fdt);
	else
		*ret = r->fdt;
out:
	free(copy);
	free(r);
	return err;
}

void fdt_deinit(struct fdt *fdt)
{
	free(fdt->memory);
	free(fdt->memreserve);
	free(fdt->reserved);
	free(fdt->cpus);
	free(fdt->distances);
	free(fdt->all_ranges);
	strings_deinit(&fdt->strings);
	*fdt = (struct fdt){ 0 };
}
