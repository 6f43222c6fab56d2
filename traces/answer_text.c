/* SPDX-License-Identifier: MIT */
#include "traces/answer_text.h"

#include <inttypes.h>
#include <string.h>

#include "engine/hash_table.h"

static bool fact(const struct answer_text *t, enum fact f)
{
	return fact_get(&t->in->facts, f);
}

static bool is_arm64(const struct answer_text *t)
{
	return t->in->config.arch == ARCH_ARM64;
}

/* As "%pa": a phys_addr_t in full. */
static void put_pa(const struct answer_text *t, phys_t addr, const struct sink *sink)
{
	if (t->in->config.phys_bits <= 32)
		sink_printf(sink, "0x%08" PRIx32, (uint32_t)addr);
	else
		sink_printf(sink, "0x%016" PRIx64, addr);
}

static void put_pa_range(const struct answer_text *t, phys_t start, phys_t end,
			 const struct sink *sink)
{
	put_pa(t, start, sink);
	sink_puts(sink, "-");
	put_pa(t, end - 1, sink);
}

/* As "[mem %#018Lx-%#018Lx]". */
static void put_wide(phys_t start, phys_t end, const struct sink *sink)
{
	sink_printf(sink, "[mem 0x%016" PRIx64 "-0x%016" PRIx64 "]", start, end - 1);
}

/* As "[mem %#010Lx-%#010Lx]". */
static void put_short(phys_t start, phys_t end, const struct sink *sink)
{
	sink_printf(sink, "[mem 0x%08" PRIx64 "-0x%08" PRIx64 "]", start, end - 1);
}

/* A range of the zone layout, where the width changed. */
static void put_range(const struct answer_text *t, phys_t start, phys_t end,
		      const struct sink *sink)
{
	if (fact(t, FACT_lines_wide_ranges))
		put_wide(start, end, sink);
	else
		put_short(start, end, sink);
}

/* As "0x%08lx -> 0x%08lx", page frames. */
static void put_pfns(const struct answer_text *t, phys_t start, phys_t end, const struct sink *sink)
{
	unsigned int shift = t->in->config.page_shift;

	sink_printf(sink, "0x%08" PRIx64 " -> 0x%08" PRIx64, start >> shift, end >> shift);
}

static const char *type_name(const struct answer *a)
{
	return a->type >= 0 && a->type < ZONE_TYPE_COUNT ? zone_type_name((enum zone_type)a->type)
							 : "?";
}

static void put_e820_type(const struct answer_text *t, uint32_t type, const struct sink *sink)
{
	static const struct {
		uint32_t type;
		const char *name, *resource;
	} names[] = {
		{ E820_RAM, "usable", "System RAM" },
		{ E820_RESERVED_KERN, "usable", "System RAM" },
		{ E820_RESERVED, "reserved", "device reserved" },
		{ E820_SOFT_RESERVED, "soft reserved", "soft reserved" },
		{ E820_ACPI, "ACPI data", "ACPI reclaimable" },
		{ E820_NVS, "ACPI NVS", "ACPI NV storage" },
		{ E820_UNUSABLE, "unusable", "unusable" },
		{ E820_PMEM, "persistent (type 7)", "persistent RAM (type 7)" },
		{ E820_PRAM, "persistent (type 12)", "persistent RAM (type 12)" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].type == type) {
			sink_puts(sink, fact(t, FACT_e820_types_as_resources) ? names[i].resource
									      : names[i].name);
			return;
		}
	}
	sink_printf(sink, "type %" PRIu32, type);
}

static void put_user_map(const struct answer_text *t, const struct answer *a,
			 const struct sink *sink)
{
	if (!fact(t, FACT_lines_mem_ranges)) {
		sink_printf(sink, " user: %016" PRIx64 " - %016" PRIx64 " (", a->v[0], a->v[1]);
		put_e820_type(t, (uint32_t)a->v[2], sink);
		sink_puts(sink, ")");
		return;
	}
	sink_puts(sink, "user: ");
	put_wide(a->v[0], a->v[1], sink);
	sink_puts(sink, fact(t, FACT_e820_types_as_resources) ? "  " : " ");
	put_e820_type(t, (uint32_t)a->v[2], sink);
}

/* One region of a dump: index within its list, base, size. */
static void put_region(const struct answer_text *t, bool reserved, uint32_t index, phys_t base,
		       uint64_t size, int32_t nid, uint64_t flags, const struct sink *sink)
{
	bool pa = fact(t, FACT_memblock_lines_pa);

	sink_printf(sink, " %s[0x%" PRIx32 "]\t[", reserved ? "reserved" : "memory", index);
	if (pa) {
		put_pa_range(t, base, base + size, sink);
		sink_puts(sink, "], ");
		put_pa(t, size, sink);
	} else {
		sink_printf(sink, "0x%014" PRIx64 "-0x%014" PRIx64 "], 0x%" PRIx64, base,
			    base + size - 1, size);
	}
	sink_puts(sink, " bytes");
	if (nid >= 0)
		sink_printf(sink, " on node %" PRId32, nid);
	if (fact(t, FACT_memblock_flags))
		sink_printf(sink, " flags: 0x%" PRIx64, flags);
}

static void put_dump_size(const struct answer_text *t, const struct answer *a,
			  const struct sink *sink)
{
	if (!fact(t, FACT_memblock_lines_pa)) {
		sink_printf(sink, " memory size = 0x%" PRIx64 " reserved size = 0x%" PRIx64,
			    a->v[0], a->v[1]);
		return;
	}
	sink_puts(sink, " memory size = ");
	put_pa(t, a->v[0], sink);
	sink_puts(sink, " reserved size = ");
	put_pa(t, a->v[1], sink);
}

static void put_doubled(const struct answer_text *t, const struct answer *a,
			const struct sink *sink)
{
	sink_printf(sink, "memblock: %s is doubled to %" PRIu64 " at [",
		    a->type == 1 ? "reserved" : "memory", a->v[2]);
	if (fact(t, FACT_memblock_doubled_pa))
		put_pa_range(t, a->v[0], a->v[1], sink);
	else
		sink_printf(sink, "0x%08" PRIx64 "-0x%08" PRIx64, a->v[0], a->v[1] - 1);
	sink_puts(sink, "]");
}

static void put_faking(const struct answer_text *t, const struct answer *a, const struct sink *sink)
{
	if (a->index) {
		sink_printf(sink, "Faking node %" PRId32 " at ", a->nid);
		put_wide(a->v[0], a->v[1], sink);
		sink_printf(sink, " (%" PRIu64 "MB)", (a->v[1] - a->v[0]) >> 20);
	} else if (!fact(t, FACT_lines_mem_ranges)) {
		sink_printf(sink, "Faking a node at %016" PRIx64 "-%016" PRIx64, a->v[0], a->v[1]);
	} else {
		sink_puts(sink, is_arm64(t) ? "NUMA: Faking a node at " : "Faking a node at ");
		put_wide(a->v[0], a->v[1], sink);
	}
}

static void put_node_data(const struct answer_text *t, const struct answer *a,
			  const struct sink *sink)
{
	bool named = arch_is_x86(&t->in->config) ? fact(t, FACT_node_data_line_names_node)
						 : fact(t, FACT_node_data_generic);
	const char *prefix = named || !is_arm64(t) ? "    " : "NUMA: ";

	if (named)
		sink_printf(sink, "NODE_DATA(%" PRId32 ") allocated ", a->nid);
	else
		sink_puts(sink, is_arm64(t) ? "NUMA: NODE_DATA " : "  NODE_DATA ");
	if (fact(t, FACT_lines_mem_ranges))
		put_short(a->v[0], a->v[1], sink);
	else
		sink_printf(sink, "[%016" PRIx64 " - %016" PRIx64 "]", a->v[0], a->v[1] - 1);
	if (a->v[2])
		sink_printf(sink, "\n%sNODE_DATA(%" PRId32 ") on node %" PRIu64, prefix, a->nid,
			    a->v[2] - 1);
}

static void put_crashkernel(const struct answer_text *t, const struct answer *a,
			    const struct sink *sink)
{
	uint64_t mib = (a->v[1] - a->v[0]) >> 20;

	if (arch_is_x86(&t->in->config) && !fact(t, FACT_crashkernel_generic)) {
		sink_printf(sink,
			    "Reserving %" PRIu64 "MB of %smemory at %" PRIu64 "MB for crashkernel",
			    mib, a->index ? "low " : "", a->v[0] >> 20);
		if (!a->index && t->memory_bytes)
			sink_printf(sink, " (System RAM: %" PRIu64 "MB)", t->memory_bytes >> 20);
		else if (a->index && fact(t, FACT_crashkernel_low_tells_limit))
			sink_puts(sink, " (low RAM limit: 4096MB)");
	} else if (a->index) {
		sink_printf(sink,
			    "crashkernel low memory reserved: 0x%08" PRIx64 " - 0x%08" PRIx64
			    " (%" PRIu64 " MB)",
			    a->v[0], a->v[1], mib);
	} else {
		sink_printf(sink,
			    "crashkernel reserved: 0x%016" PRIx64 " - 0x%016" PRIx64 " (%" PRIu64
			    " MB)",
			    a->v[0], a->v[1], mib);
	}
}

static void put_cma(const struct answer_text *t, const struct answer *a, const struct sink *sink)
{
	if (!fact(t, FACT_cma_line_pa)) {
		sink_printf(sink, "cma: CMA: reserved %" PRIu64 " MiB at %08" PRIx64, a->v[0],
			    a->v[1]);
		return;
	}
	sink_printf(sink, "cma: Reserved %" PRIu64 " MiB at ", a->v[0]);
	put_pa(t, a->v[1], sink);
	if (fact(t, FACT_cma_line_tells_node))
		sink_printf(sink, " on node %" PRId32, a->nid);
}

static void put_ramdisk(const struct answer_text *t, const struct answer *a,
			const struct sink *sink)
{
	if (!fact(t, FACT_lines_mem_ranges)) {
		sink_printf(sink, "Allocated new RAMDISK: %08" PRIx64 " - %08" PRIx64, a->v[2],
			    a->v[3]);
		sink_printf(sink,
			    "\nMove RAMDISK from %016" PRIx64 " - %016" PRIx64 " to %08" PRIx64
			    " - %08" PRIx64,
			    a->v[0], a->v[1] - 1, a->v[2], a->v[3] - 1);
		return;
	}
	sink_puts(sink, "Allocated new RAMDISK: ");
	put_short(a->v[2], a->v[3], sink);
	sink_puts(sink, "\nMove RAMDISK from ");
	put_short(a->v[0], a->v[1], sink);
	sink_puts(sink, " to ");
	put_short(a->v[2], a->v[3], sink);
}

static void put_zone_range(const struct answer_text *t, const struct answer *a,
			   const struct sink *sink)
{
	sink_printf(sink, "  %-8s ", type_name(a));
	if (a->v[0] == a->v[1])
		sink_puts(sink, "empty");
	else if (!fact(t, FACT_lines_mem_ranges))
		put_pfns(t, a->v[0], a->v[1], sink);
	else
		put_range(t, a->v[0], a->v[1], sink);
}

static void put_movable(const struct answer_text *t, const struct answer *a,
			const struct sink *sink)
{
	if (!fact(t, FACT_lines_mem_ranges))
		sink_printf(sink, "  Node %" PRId32 ": %" PRIu64, a->nid,
			    a->v[0] >> t->in->config.page_shift);
	else
		sink_printf(sink, "  Node %" PRId32 ": 0x%0*" PRIx64, a->nid,
			    fact(t, FACT_lines_wide_ranges) ? 16 : 8, a->v[0]);
}

static void put_node_range(const struct answer_text *t, const struct answer *a,
			   const struct sink *sink)
{
	if (!fact(t, FACT_lines_mem_ranges)) {
		sink_printf(sink, "  %3" PRId32 ": ", a->nid);
		put_pfns(t, a->v[0], a->v[1], sink);
	} else {
		sink_printf(sink, "  node %3" PRId32 ": ", a->nid);
		put_range(t, a->v[0], a->v[1], sink);
	}
}

static void put_initmem(const struct answer_text *t, const struct answer *a,
			const struct sink *sink)
{
	sink_printf(sink, "Initmem setup node %" PRId32 " ", a->nid);
	if (a->v[2])
		sink_puts(sink, "as memoryless");
	else
		put_range(t, a->v[0], a->v[1] ? a->v[1] : 1, sink);
}

static void put_zonelist(const struct answers *as, const struct answer *a, const struct sink *sink)
{
	sink_printf(sink, "mminit::zonelist %s %" PRId32 ":%s =", a->index ? "thisnode" : "general",
		    a->nid, type_name(a));
	for (uint32_t i = 0; i < a->list_count; i++) {
		uint32_t ref = as->list[a->list_start + i], type = ref & 0xff;

		sink_printf(sink, " %" PRIu32 ":%s", ref >> 8,
			    type < ZONE_TYPE_COUNT ? zone_type_name((enum zone_type)type) : "?");
	}
}

static void put_list(const struct answers *as, const struct answer *a, const char *between,
		     const struct sink *sink)
{
	for (uint32_t i = 0; i < a->list_count; i++)
		sink_printf(sink, "%s%" PRIu32, i ? between : "", as->list[a->list_start + i]);
}

/*
 * PID hash table entries: 4096 (order: 3, 32768 bytes[, linear])
 * Mount-cache hash table entries: 256
 * [VFS: ]Dquot-cache hash table entries: 512 ([order 0, ]4096 bytes)
 * futex hash table entries: 256 (16384 bytes on 4 NUMA nodes, total 64 KiB, linear).
 */
static void put_hash(const struct answer_text *t, const struct answer *a, const struct sink *sink)
{
	static const char *const how[] = { "", ", linear", ", vmalloc", ", vmalloc hugepage" };
	const char *name = a->index < HASH_TABLE_COUNT ? hash_table_name((enum hash_table)a->index)
						       : "?";
	const char *memory = a->v[3] <= 3 ? how[a->v[3]] : "";
	bool dquot = a->index == HASH_TABLE_DQUOT;

	sink_printf(sink, "%s%s hash table entries: %" PRIu64,
		    dquot && fact(t, FACT_dquot_line_prefixed) ? "VFS: " : "", name, a->v[0]);
	if (!a->v[2])
		return;
	if (a->v[4])
		sink_printf(sink,
			    " (%" PRIu64 " bytes on %" PRIu64 " NUMA nodes, total %" PRIu64
			    " KiB%s).",
			    a->v[2], a->v[4], a->v[2] * a->v[4] >> 10, memory);
	else if (dquot && !fact(t, FACT_dquot_line_tells_order))
		sink_printf(sink, " (%" PRIu64 " bytes)", a->v[2]);
	else
		sink_printf(sink, " (order%s %" PRId64 ", %" PRIu64 " bytes%s)", dquot ? "" : ":",
			    (int64_t)a->v[1], a->v[2], memory);
}

void answer_text_value(const struct answer_text *t, const struct answers *as,
		       const struct answer *a, const struct sink *sink)
{
	unsigned int rank;

	switch (a->kind) {
	case ANSWER_USER_MAP:
		put_user_map(t, a, sink);
		break;
	case ANSWER_LAST_PFN:
		sink_printf(sink, "%slast_pfn = 0x%" PRIx64 " max_arch_pfn = 0x%" PRIx64,
			    fact(t, FACT_e820_lines_prefixed) ? "e820: " : "", a->v[0], a->v[1]);
		break;
	case ANSWER_PLACEMENT:
		if (!a->v[0] && !a->v[1]) {
			sink_puts(sink, "nothing fits");
			break;
		}
		sink_puts(sink, "memblock_reserve: [");
		put_pa_range(t, a->v[0], a->v[1], sink);
		sink_puts(sink, "]");
		break;
	case ANSWER_DOUBLED:
		put_doubled(t, a, sink);
		break;
	case ANSWER_DUMP_SIZE:
		put_dump_size(t, a, sink);
		break;
	case ANSWER_DUMP_COUNT:
		sink_printf(sink, " %s.cnt  = 0x%" PRIx64, a->type == 1 ? "reserved" : "memory",
			    a->v[0]);
		break;
	case ANSWER_DUMP_REGION:
		put_region(t, a->type == 1, a->index & 0xffff, a->v[0], a->v[1], a->nid, a->v[2],
			   sink);
		break;
	case ANSWER_NUMA_JOIN:
		sink_printf(sink, "NUMA: Node %" PRId32 " ", a->nid);
		put_short(a->v[0], a->v[1], sink);
		sink_puts(sink, " + ");
		put_short(a->v[2], a->v[3], sink);
		sink_puts(sink, " -> ");
		put_short(a->v[4], a->v[5], sink);
		break;
	case ANSWER_FAKING_NODE:
		put_faking(t, a, sink);
		break;
	case ANSWER_NODE_DATA:
		put_node_data(t, a, sink);
		break;
	case ANSWER_CMA_RESERVED:
		put_cma(t, a, sink);
		break;
	case ANSWER_CRASHKERNEL:
		put_crashkernel(t, a, sink);
		break;
	case ANSWER_RAMDISK_MOVED:
		put_ramdisk(t, a, sink);
		break;
	case ANSWER_ZONE_RANGE:
		put_zone_range(t, a, sink);
		break;
	case ANSWER_MOVABLE_START:
		put_movable(t, a, sink);
		break;
	case ANSWER_NODE_RANGE:
		put_node_range(t, a, sink);
		break;
	case ANSWER_INITMEM:
		put_initmem(t, a, sink);
		break;
	case ANSWER_NODE_PAGES:
		sink_printf(sink, "On node %" PRId32 " totalpages: %" PRIu64, a->nid, a->v[0]);
		break;
	case ANSWER_ZONE_MEMMAP:
		sink_printf(sink, "  %s zone: %" PRIu64 " pages used for memmap", type_name(a),
			    a->v[0]);
		break;
	case ANSWER_ZONE_RESERVED:
		sink_printf(sink, "  %s zone: %" PRIu64 " pages reserved", type_name(a), a->v[0]);
		break;
	case ANSWER_ZONE_PAGES:
		sink_printf(sink, "  %s zone: %" PRIu64 " pages, LIFO batch:%" PRIu64, type_name(a),
			    a->v[0], a->v[1]);
		break;
	case ANSWER_MEMMAP_INIT:
		/* A stored file may name a zone that there is not. */
		rank = a->type >= 0 && a->type < ZONE_TYPE_COUNT
			       ? zone_rank(t->in->config.zones_mask, (enum zone_type)a->type)
			       : 0;
		sink_printf(sink,
			    "mminit::memmap_init Initialising map node %" PRId32
			    " zone %u pfns %" PRIu64 " -> %" PRIu64,
			    a->nid, rank, a->v[0], a->v[1]);
		break;
	case ANSWER_UNAVAILABLE:
		if (a->nid < 0) {
			sink_printf(sink,
				    "Zeroed struct page in unavailable ranges: %" PRIu64 " pages",
				    a->v[0]);
			break;
		}
		sink_printf(sink,
			    "On node %" PRId32 ", zone %s: %" PRIu64 " pages in unavailable ranges",
			    a->nid, type_name(a), a->v[0]);
		break;
	case ANSWER_FALLBACK:
		sink_printf(sink, "Fallback order for Node %" PRId32 ": ", a->nid);
		put_list(as, a, " ", sink);
		break;
	case ANSWER_ZONELIST:
		put_zonelist(as, a, sink);
		break;
	case ANSWER_BUILT:
		sink_printf(sink,
			    "Built %" PRIu64 " zonelists%s, mobility grouping %s.  Total pages: "
			    "%" PRIu64,
			    a->v[0],
			    !fact(t, FACT_zonelist_order_line) ? ""
			    : a->v[3] == 2		       ? " in Zone order"
							       : " in Node order",
			    a->v[1] ? "on" : "off", a->v[2]);
		break;
	case ANSWER_POLICY_ZONE:
		sink_printf(sink, "Policy zone: %s", type_name(a));
		break;
	case ANSWER_HASH:
		put_hash(t, a, sink);
		break;
	case ANSWER_INIT_HIGHMEM:
		sink_printf(sink,
			    "Initializing %s for node %" PRId32 " (%08" PRIx64 ":%08" PRIx64 ")",
			    type_name(a), a->nid, a->v[0], a->v[1]);
		break;
	case ANSWER_MEMORY_AVAILABLE:
	case ANSWER_MEMORY_TOTAL:
	case ANSWER_MEMORY_RESERVED:
	case ANSWER_MEMORY_CMA:
	case ANSWER_MEMORY_HIGHMEM:
	case ANSWER_MEMORY_ABSENT:
		sink_printf(sink, "%" PRIu64 "K", a->v[0]);
		break;
	case ANSWER_EFI_FREED:
		sink_printf(sink, "efi: Freeing EFI boot services memory: %" PRIu64 "K", a->v[0]);
		break;
	case ANSWER_MIN_FREE_KBYTES:
	case ANSWER_MEMTOTAL:
		sink_printf(sink, "%" PRIu64 " kB", a->v[0]);
		break;
	case ANSWER_ZONEINFO:
		sink_printf(sink, "%" PRIu64, a->v[0]);
		break;
	case ANSWER_PROTECTION:
		sink_puts(sink, "(");
		put_list(as, a, ", ", sink);
		sink_puts(sink, ")");
		break;
	case ANSWER_SWIOTLB:
	case ANSWER_FINAL_REGION:
		sink_puts(sink, "[");
		put_pa_range(t, a->v[0], a->v[1], sink);
		sink_puts(sink, "]");
		break;
	case ANSWER_KIND_COUNT:
		break;
	}
}

void answer_text_key(const struct answer_text *t, const struct answer *a, const struct sink *sink)
{
	const char *name = answer_kind_name(a->kind);

	switch (a->kind) {
	case ANSWER_PLACEMENT:
		if (a->index < t->in->step_count && t->in->steps[a->index].name[0])
			sink_printf(sink, "%s for %s", name, t->in->steps[a->index].name);
		else
			sink_puts(sink, name);
		break;
	case ANSWER_DUMP_SIZE:
		sink_printf(sink, "%s, dump %" PRIu32, name, a->index + 1);
		break;
	case ANSWER_DUMP_COUNT:
		sink_printf(sink, "%s, dump %" PRIu32 " %s", name, a->index + 1,
			    a->type == 1 ? "reserved" : "memory");
		break;
	case ANSWER_DUMP_REGION:
		sink_printf(sink, "%s, dump %" PRIu32 " %s[0x%" PRIx32 "]", name,
			    (a->index >> 16) + 1, a->type == 1 ? "reserved" : "memory",
			    a->index & 0xffff);
		break;
	case ANSWER_FINAL_REGION:
		sink_printf(sink, "%s, %s[%" PRIu32 "]", name, a->type == 1 ? "reserved" : "memory",
			    a->index);
		break;
	case ANSWER_ZONEINFO:
		sink_printf(sink, "Node %" PRId32 ", zone %s: %s", a->nid, type_name(a),
			    a->index < ZONE_FIELD_COUNT ? zone_field_name((enum zone_field)a->index)
							: "?");
		break;
	case ANSWER_HASH:
		sink_printf(sink, "%s %s", name,
			    a->index < HASH_TABLE_COUNT ? hash_table_name((enum hash_table)a->index)
							: "?");
		break;
	case ANSWER_ZONELIST:
		sink_printf(sink, "Node %" PRId32 ", zone %s: %s %s", a->nid, type_name(a), name,
			    a->index ? "(this node)" : "(general)");
		break;
	case ANSWER_POLICY_ZONE:
		sink_puts(sink, name); /* the type is the answer, not the question */
		break;
	default:
		if (a->nid >= 0 && a->type >= 0)
			sink_printf(sink, "Node %" PRId32 ", zone %s: %s", a->nid, type_name(a),
				    name);
		else if (a->nid >= 0)
			sink_printf(sink, "Node %" PRId32 ": %s", a->nid, name);
		else if (a->type >= 0 && a->kind != ANSWER_DOUBLED)
			sink_printf(sink, "%s %s", name, type_name(a));
		else
			sink_puts(sink, name);
		if (a->index && a->kind != ANSWER_FAKING_NODE)
			sink_printf(sink, " #%" PRIu32, a->index + 1);
	}
}

/* ---- the whole boot ---------------------------------------------------------------------------- */

static bool asked_memblock(const struct answer_text *t)
{
	return !t->has_cmdline || t->cmdline.mem_debug;
}

/* mminit_verify_zonelist and mminit_dprintk: 1 and 3 or more. */
static bool asked_mminit(const struct answer_text *t, unsigned int level)
{
	return t->has_cmdline && t->cmdline.mminit_loglevel >= level;
}

bool answer_text_is_line(const struct answer_text *t, enum answer_kind kind)
{
	switch (kind) {
	case ANSWER_PLACEMENT:
	case ANSWER_DOUBLED:
	case ANSWER_DUMP_SIZE:
	case ANSWER_DUMP_COUNT:
	case ANSWER_DUMP_REGION:
		return asked_memblock(t);
	case ANSWER_MEMMAP_INIT:
		return asked_mminit(t, 3);
	case ANSWER_ZONELIST:
		return asked_mminit(t, 1);
	case ANSWER_INITMEM:
		return fact(t, FACT_initmem_line);
	case ANSWER_NODE_PAGES:
	case ANSWER_ZONE_MEMMAP:
	case ANSWER_ZONE_RESERVED:
	case ANSWER_ZONE_PAGES:
		return fact(t, FACT_node_pages_lines);
	case ANSWER_UNAVAILABLE:
		return fact(t, FACT_unavailable_ranges) || fact(t, FACT_zeroed_ranges);
	case ANSWER_FALLBACK:
		return fact(t, FACT_fallback_order_line);
	case ANSWER_SWIOTLB:
	case ANSWER_MIN_FREE_KBYTES:
	case ANSWER_MEMTOTAL:
	case ANSWER_ZONEINFO:
	case ANSWER_PROTECTION:
	case ANSWER_FINAL_REGION:
	case ANSWER_KIND_COUNT:
		return false;
	default:
		return true;
	}
}

struct headings {
	bool user_map, zones, movable, ranges;
};

static uint32_t count_kind(const struct answers *as, enum answer_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < as->count; i++)
		n += as->items[i].kind == kind;
	return n;
}

static void put_heading(const struct answer_text *t, const struct answers *as,
			const struct answer *a, struct headings *done, const struct sink *sink)
{
	bool pfns = !fact(t, FACT_lines_mem_ranges);

	if (a->kind == ANSWER_USER_MAP && !done->user_map) {
		done->user_map = true;
		sink_printf(sink, "%suser-defined physical RAM map:\n",
			    fact(t, FACT_e820_lines_prefixed) ? "e820: " : "");
	} else if (a->kind == ANSWER_ZONE_RANGE && !done->zones) {
		done->zones = true;
		sink_puts(sink, pfns ? "Zone PFN ranges:\n" : "Zone ranges:\n");
	} else if (a->kind == ANSWER_DUMP_SIZE) {
		sink_puts(sink, "MEMBLOCK configuration:\n");
	}
	/* This one is printed even with nothing under it. */
	if ((a->kind == ANSWER_MOVABLE_START || a->kind == ANSWER_NODE_RANGE) && !done->movable) {
		done->movable = true;
		sink_puts(sink, pfns ? "Movable zone start PFN for each node\n"
				     : "Movable zone start for each node\n");
	}
	if (a->kind == ANSWER_NODE_RANGE && !done->ranges) {
		done->ranges = true;
		if (pfns && fact(t, FACT_early_memory_line))
			sink_puts(sink, "Early memory PFN ranges\n");
		else if (pfns)
			sink_printf(sink, "early_node_map[%" PRIu32 "] active PFN ranges\n",
				    count_kind(as, ANSWER_NODE_RANGE));
		else
			sink_puts(sink, "Early memory node ranges\n");
	}
}

/* What the first dump holds of reserved memory is an input; the model's answers do not repeat it. */
static void put_first_reserved(const struct answer_text *t, const struct sink *sink)
{
	const struct boot_state *state = &t->in->state;

	sink_printf(sink, " reserved.cnt  = 0x%" PRIx32 "\n", state->reserved_count);
	for (uint32_t i = 0; i < state->reserved_count; i++) {
		const struct memblock_region *r = &state->reserved[i];

		put_region(t, true, i, r->base, r->size, r->nid, r->flags, sink);
		sink_puts(sink, "\n");
	}
}

static bool is_dump(enum answer_kind kind)
{
	return kind == ANSWER_DUMP_SIZE || kind == ANSWER_DUMP_COUNT || kind == ANSWER_DUMP_REGION;
}

static uint32_t dump_of(const struct answer *a)
{
	return a->kind == ANSWER_DUMP_REGION ? a->index >> 16 : a->index;
}

/* Is @i the last answer of the first dump, and is its other half missing? */
static bool ends_first_dump(const struct answers *as, uint32_t i)
{
	const struct answer *a = &as->items[i];

	if (!is_dump(a->kind) || dump_of(a) || a->type == 1)
		return false;
	if (i + 1 == as->count)
		return true;
	a++;
	return !is_dump(a->kind) || dump_of(a);
}

static bool is_memory_part(enum answer_kind kind)
{
	return kind >= ANSWER_MEMORY_AVAILABLE && kind <= ANSWER_MEMORY_ABSENT;
}

static void put_part(const struct sink *sink, bool *any, const struct answer *a, uint64_t kb,
		     const char *name)
{
	if (a ? a->basis == BASIS_UNDERIVABLE : kb == UINT64_MAX)
		return;
	sink_printf(sink, "%s%" PRIu64 "K %s", *any ? ", " : "", a ? a->v[0] : kb, name);
	*any = true;
}

static void put_known(const struct sink *sink, const struct answer *a)
{
	if (a && a->basis != BASIS_UNDERIVABLE)
		sink_printf(sink, "%" PRIu64 "K", a->v[0]);
	else
		sink_puts(sink, "?K");
}

/* The Memory: line from the parts that stand together in [first, end). */
static void put_memory_line(const struct answer_text *t, const struct answers *as, uint32_t first,
			    uint32_t end, const struct sink *sink)
{
	const struct boot_sections *sections = &t->in->sections;
	const struct answer *parts[ANSWER_KIND_COUNT] = { NULL };
	bool any = false;

	for (uint32_t i = first; i < end; i++)
		parts[as->items[i].kind] = &as->items[i];
	if (!fact(t, FACT_memory_line_generic))
		return;
	sink_puts(sink, "Memory: ");
	put_known(sink, parts[ANSWER_MEMORY_AVAILABLE]);
	sink_puts(sink, "/");
	put_known(sink, parts[ANSWER_MEMORY_TOTAL]);
	sink_puts(sink, " available (");
	put_part(sink, &any, NULL, sections->code_kb, "kernel code");
	put_part(sink, &any, NULL, sections->rwdata_kb, "rwdata");
	put_part(sink, &any, NULL, sections->rodata_kb, "rodata");
	put_part(sink, &any, NULL, sections->init_kb, "init");
	put_part(sink, &any, NULL, sections->bss_kb, "bss");
	if (parts[ANSWER_MEMORY_RESERVED])
		put_part(sink, &any, parts[ANSWER_MEMORY_RESERVED], 0, "reserved");
	if (parts[ANSWER_MEMORY_CMA] && fact(t, FACT_memory_line_cma))
		put_part(sink, &any, parts[ANSWER_MEMORY_CMA], 0, "cma-reserved");
	if (parts[ANSWER_MEMORY_HIGHMEM])
		put_part(sink, &any, parts[ANSWER_MEMORY_HIGHMEM], 0, "highmem");
	sink_puts(sink, ")\n");
}

void answer_text_boot(const struct answer_text *t, const struct answers *as,
		      const struct sink *sink)
{
	struct headings done = { false };

	for (uint32_t i = 0; i < as->count; i++) {
		const struct answer *a = &as->items[i];

		if (is_memory_part(a->kind)) {
			uint32_t end = i + 1;

			while (end < as->count && is_memory_part(as->items[end].kind))
				end++;
			put_memory_line(t, as, i, end, sink);
			i = end - 1;
			continue;
		}
		if (!answer_text_is_line(t, a->kind))
			continue;
		if (a->basis == BASIS_UNDERIVABLE ||
		    (a->kind == ANSWER_PLACEMENT && !a->v[0] && !a->v[1]))
			continue;
		put_heading(t, as, a, &done, sink);
		answer_text_value(t, as, a, sink);
		sink_puts(sink, "\n");
		if (t->in->has_state && ends_first_dump(as, i))
			put_first_reserved(t, sink);
	}
}

void answer_text_init(struct answer_text *t, const struct boot_input *in,
		      const struct answers *answers)
{
	memset(t, 0, sizeof(*t));
	t->in = in;
	t->has_cmdline = in->command_line;
	cmdline_parse(in->command_line ? in->command_line : "", arch_is_x86(&t->in->config),
		      &t->cmdline);
	/* The kernel counts what memblock has; without a dump the node ranges say nearly the same. */
	for (uint32_t i = 0; i < answers->count; i++) {
		const struct answer *a = &answers->items[i];

		if (a->kind == ANSWER_DUMP_SIZE && !a->index) {
			t->memory_bytes = a->v[0];
			return;
		}
	}
	for (uint32_t i = 0; i < answers->count; i++)
		if (answers->items[i].kind == ANSWER_NODE_RANGE)
			t->memory_bytes += answers->items[i].v[1] - answers->items[i].v[0];
}
