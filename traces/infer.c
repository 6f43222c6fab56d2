/* SPDX-License-Identifier: MIT */
#include "traces/infer.h"

#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "engine/hash_table.h"
#include "traces/compare.h"
#include "traces/scan.h"

/* What is tried out many times has at most so many steps, ranges and answers. */
#define FIT_MAX 1000

/* ---- before parsing --------------------------------------------------------------------------- */

/* An order and a size tell the page: up to 6.0 the order is log2(bytes) - page shift. */
static void look_at_table(struct infer *infer, struct scan s)
{
	uint64_t entries, bytes;
	int32_t order;
	unsigned int shift = 0;

	if (!scan_dec(&s, &entries) || !scan_lit(&s, " (order: ") || !scan_i32(&s, &order) ||
	    !scan_lit(&s, ", ") || !scan_dec(&s, &bytes) || !bytes || (bytes & (bytes - 1)))
		return;
	/* A bucket of both is one pointer. */
	if (entries && (bytes / entries == 4 || bytes / entries == 8))
		infer->pointer_bytes = (unsigned int)(bytes / entries);
	if (!order)
		return;
	while (bytes >> shift > 1)
		shift++;
	if ((int64_t)shift - order >= 12 && (int64_t)shift - order <= 18)
		infer->page_shift = (unsigned int)((int64_t)shift - order);
}

/* Lines only one family of architectures prints, and the size of its sections. */
static const struct {
	const char *prefix;
	unsigned int section_shift;
} families[] = {
	{ "Determined physical RAM map:", 28 }, /* mips */
	{ "PROMLIB: ", 30 }, /* sparc64 */
	{ "SBI specification ", 27 }, /* riscv */
	{ "riscv: ", 27 },
	{ "numa:   NODE_DATA [mem ", 24 }, /* ppc64 */
	{ "Memory hole size: ", 24 }, /* ppc, and sparc64 after PROMLIB */
	{ "setup: Linux is running ", 28 }, /* s390 */
};

/* "DMA      [mem a-b]", "DMA      0x00000001 -> 0x00001000", "DMA32    empty" */
static bool zone_line(struct infer *infer, struct scan s)
{
	struct scan_str name;
	enum zone_type type;
	uint64_t start;

	if (!scan_lit(&s, "  ") || !scan_name(&s, &name) ||
	    !zone_type_parse(name.p, name.len, &type))
		return false;
	scan_ws(&s);
	infer->zones_mask |= 1U << type;
	infer->zone_start[type] = PHYS_MAX;
	if (scan_lit(&s, "[mem ") && scan_0x(&s, &start))
		infer->zone_start[type] = start;
	else if (scan_0x(&s, &start) && start <= PHYS_MAX >> 12)
		/* In page frames; all architectures that may lack a zone had pages of 4 KiB then. */
		infer->zone_start[type] = start << 12;
	return true;
}

void infer_line(struct infer *infer, const struct log_line *line)
{
	struct scan s = scan_of(line->text, line->len), t = s;
	uint64_t start, end, pages;
	uint32_t nid;

	if (infer->in_zones) {
		infer->in_zones = zone_line(infer, t);
		if (infer->in_zones)
			return;
	}
	/* No two of these begin alike, so what one has taken the others do not miss. */
	if (scan_lit(&t, "Zone ranges:") || scan_lit(&t, "Zone PFN ranges:"))
		infer->in_zones = true;
	else if (scan_lit(&t, "  node ") && scan_past(&t, ": [mem ") && scan_0x(&t, &start) &&
		 scan_char(&t, '-') && scan_0x(&t, &end) && end > start) {
		if (!infer->node_bytes || start < infer->lowest)
			infer->lowest = start;
		infer->node_bytes += end + 1 - start;
	} else if (scan_lit(&t, "Memory: ") && scan_past(&t, " available")) {
		infer->memory_line = true;
		infer->memory_line_highmem = scan_past(&t, " highmem");
	} else if (scan_lit(&t, "On node ") && scan_past(&t, " totalpages: ") &&
		   scan_dec(&t, &pages))
		infer->node_pages += pages;
	else if (scan_lit(&t, "Initmem setup node ") && scan_u32(&t, &nid) && nid < NODES_MAX &&
		 nid >= infer->nodes)
		infer->nodes = nid + 1;
	else if (scan_lit(&t, "Dentry cache hash table entries: ") ||
		 scan_lit(&t, "Inode-cache hash table entries: "))
		look_at_table(infer, t);
	else if (scan_lit(&t, "Policy zone: "))
		infer->policy_zone = true;
	else if (scan_lit(&t, "Faking a node at ") || scan_lit(&t, "No NUMA configuration found") ||
		 scan_lit(&t, "SRAT: ") || scan_lit(&t, "ACPI: SRAT: ") ||
		 scan_lit(&t, "NODE_DATA(") || scan_lit(&t, "NUMA: NODE_DATA") ||
		 scan_lit(&t, "NUMA: Node ") || scan_lit(&t, "NUMA: Faking a node at "))
		infer->numa_code = true;
	else if (scan_lit(&t, "Built ") && scan_past(&t, " zonelists"))
		infer->built = true;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && !infer->section_shift;
	     i++) {
		t = s;
		if (scan_lit(&t, families[i].prefix))
			infer->section_shift = families[i].section_shift;
	}
}

/* A node's bytes over its pages. */
static unsigned int page_shift_of_totals(const struct infer *infer)
{
	for (unsigned int shift = 12; shift <= 18 && infer->node_pages; shift++)
		if (infer->node_pages << shift == infer->node_bytes)
			return shift;
	return 0;
}

/*
 * A list without @type means that the kernel has no such zone only if another zone has the place that it
 * would take; else its line may be lost, or what it would hold is not there.
 */
static bool zone_is_absent(const struct infer *infer, const struct arch_config *c,
			   enum zone_type type)
{
	bool x86 = arch_is_x86(c);
	phys_t next = PHYS_MAX;

	/* Every kernel has a Normal zone; other rules than ours decide elsewhere. */
	if (type == ZONE_NORMAL || type == ZONE_MOVABLE || type == ZONE_DEVICE)
		return false;
	if (c->arch == ARCH_OTHER)
		return infer->zones_mask >> ZONE_NORMAL & 1;
	if (type == ZONE_HIGHMEM)
		return infer->memory_line && !infer->memory_line_highmem;
	for (unsigned int t = type + 1; t < ZONE_MOVABLE; t++)
		if (infer->zones_mask >> t & 1)
			next = min_u64(next, infer->zone_start[t]);
	if (next == PHYS_MAX)
		return false;
	if (type == ZONE_DMA32)
		return next < 1ULL << 32;
	return x86 ? next < 16ULL << 20 : infer->node_bytes && next <= infer->lowest;
}

static void infer_zones(const struct infer *infer, struct arch_config *c)
{
	uint32_t usual = c->zones_mask;

	if (!infer->zones_mask)
		return;
	c->zones_mask |= infer->zones_mask;
	for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
		if ((usual & ~infer->zones_mask) >> t & 1 &&
		    zone_is_absent(infer, c, (enum zone_type)t))
			c->zones_mask &= ~(1U << t);
	c->highmem = c->zones_mask >> ZONE_HIGHMEM & 1;
}

void infer_machine(const struct infer *infer, struct boot_log *log)
{
	struct arch_config *c = &log->input.config;
	unsigned int shift = infer->page_shift ? infer->page_shift : page_shift_of_totals(infer);

	/* x86 and 32-bit arm have one page size. */
	if (shift && (c->arch == ARCH_ARM64 || c->arch == ARCH_OTHER)) {
		if (c->arch == ARCH_ARM64)
			arch_config_set_page_shift(c, shift);
		c->page_shift = shift;
		if (c->arch == ARCH_OTHER && c->page_shift == 16)
			c->pageblock_order = c->max_order = 8;
	}
	if (c->arch == ARCH_OTHER) {
		c->section_shift = infer->section_shift;
		if (infer->pointer_bytes == 4) {
			c->pointer_bytes = 4;
			c->page_struct_bytes = 32;
		}
	}
	infer_zones(infer, c);
	/* One line alone may have been lost. */
	if (infer->built)
		c->numa = infer->policy_zone || infer->numa_code;
	if (c->arch == ARCH_OTHER && c->numa)
		c->nodes_shift = 8;
	if (c->arch == ARCH_OTHER && log->input.nr_node_ids < infer->nodes)
		log->input.nr_node_ids = infer->nodes;
}

/* ---- after parsing ---------------------------------------------------------------------------- */

/* A bucket of the TCP established table has one chain or two, and nothing else. */
static void infer_chains(struct boot_log *log, const struct answer *a)
{
	uint64_t pointer = log->input.config.pointer_bytes;

	if (a->v[0] && (a->v[2] == a->v[0] * pointer || a->v[2] == a->v[0] * pointer * 2))
		log->input.facts.v[FACT_hash_tcp_established_chains] =
			(int64_t)(a->v[2] / a->v[0] / pointer);
}

void infer_facts(struct boot_log *log)
{
	struct facts *f = &log->input.facts;
	bool hash = false, tells_memory = false, ranges = false, initmem = false;
	bool x86 = arch_is_x86(&log->input.config);

	for (uint32_t i = 0; i < log->recorded.count; i++) {
		const struct answer *a = &log->recorded.items[i];

		switch (a->kind) {
		case ANSWER_HASH:
			hash = true;
			tells_memory |= a->v[3] != HASH_MEMORY_UNKNOWN;
			if (a->v[3] == HASH_VMALLOC_HUGE)
				f->v[FACT_hash_vmalloc_huge] = 1;
			if (a->index == HASH_TABLE_TCP_ESTABLISHED)
				infer_chains(log, a);
			break;
		case ANSWER_NODE_RANGE:
			ranges = true;
			if (initmem && x86)
				f->v[FACT_initmem_line] = 0;
			break;
		case ANSWER_INITMEM:
			/* When nodes are found, before the ranges; or when their memory map is. */
			initmem = true;
			if (x86 && ranges)
				f->v[FACT_initmem_line] = 1;
			break;
		case ANSWER_UNAVAILABLE:
			/* In one sum, or zone by zone. */
			f->v[FACT_unavailable_ranges] = a->nid >= 0;
			break;
		case ANSWER_FALLBACK:
			f->v[FACT_fallback_order_line] = 1;
			break;
		case ANSWER_BUILT:
			f->v[FACT_zonelist_order_line] = a->v[3] != 0;
			break;
		default:
			break;
		}
	}
	if (hash)
		f->v[FACT_hash_line_tells_memory] = tells_memory;
	/* Two patches that went together. */
	if (tells_memory) {
		f->v[FACT_hash_vmalloc_when_large] = 1;
		f->v[FACT_hash_spread_on_one_node] = 0;
	}
}

/*
 * Does an answer depend on the size of struct page or of sections?  The total of the zonelists of an x86-64 lacks
 * what is reserved below 16 MiB, too, which no line tells.
 */
static bool shows_layout(const struct boot_log *log, const struct answer *r)
{
	const struct boot_input *in = &log->input;

	return r->kind == ANSWER_ZONE_MEMMAP || r->kind == ANSWER_UNAVAILABLE ||
	       (r->kind == ANSWER_BUILT &&
		(in->config.arch != ARCH_X86_64 || in->has_given_dma_reserve));
}

/* Boots @m, which may have been booted before, up to and including stage @until. */
static void try_boot(struct boot_log *log, struct machine *m, enum boot_stage until)
{
	machine_reset(m);
	boot_run(m, &log->input, until);
	log->out_of_memory |= m->out_of_memory;
}

/* How many of the recorded answers that show the layout come out right. */
static uint32_t agreeing(struct boot_log *log, struct machine *m)
{
	uint32_t agree = 0;

	try_boot(log, m, STAGE_ZONELISTS);
	for (uint32_t i = 0; i < log->recorded.count; i++) {
		const struct answer *r = &log->recorded.items[i];

		for (uint32_t j = 0; shows_layout(log, r) && j < m->answers.count; j++) {
			const struct answer *a = &m->answers.items[j];

			if (!answer_same_key(r, a))
				continue;
			agree += r->kind == ANSWER_BUILT ? a->v[2] == r->v[2] : a->v[0] == r->v[0];
			break;
		}
	}
	return agree;
}

/* Locks with debugging in them make buckets larger than any kernel's usual ones. */
static void fit_buckets(struct boot_input *in)
{
	static const enum hash_table tables[] = { HASH_TABLE_TCP_LISTEN, HASH_TABLE_TCP_BIND,
						  HASH_TABLE_UDP,	 HASH_TABLE_UDP_LITE,
						  HASH_TABLE_STACKDEPOT, HASH_TABLE_POSIXTIMERS,
						  HASH_TABLE_FUTEX };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		uint64_t given = in->given_bucket_bytes[tables[i]];

		if (given && given != hash_table_bucket_bytes(&in->config, &in->facts, tables[i]))
			in->big_locks = true;
	}
}

/* A part of a log may lack every line about where memory is, and still say how much there is. */
static void assume_range(struct boot_log *log)
{
	struct boot_input *in = &log->input;

	if (in->given_range_count || in->firmware_count || in->has_state || in->affinity_count ||
	    !in->given_total_kb || log->has_debug)
		return;
	in->given_ranges = calloc(1, sizeof(*in->given_ranges));
	if (!in->given_ranges) {
		log->out_of_memory = true;
		return;
	}
	log->given_room = in->given_range_count = 1;
	in->given_ranges[0].end = in->given_total_kb >> (in->config.page_shift - 10);
	in->range_assumed = true;
}

/*
 * Without its first line a log's kernel is the era whose answers are nearest to the recorded ones, the newest
 * of several.
 */
static void fit_version(struct boot_log *log, struct machine *m)
{
	/* What one era does not know is taken out of it, and another may have it. */
	const struct arch_config usual = log->input.config;
	uint32_t best = log->input.version, most = 0;

	for (unsigned int e = era_count; e-- > 0 && most < log->recorded.count;) {
		struct comparison c;
		uint32_t score = 0;

		log->input.config = usual;
		boot_log_settle(log, eras[e].version);
		try_boot(log, m, STAGE_LATE);
		if (compare_answers(&log->recorded, &m->answers, &c)) {
			score = c.total[COMPARE_AGREE] + c.total[COMPARE_GIVEN];
			comparison_deinit(&c);
		} else {
			log->out_of_memory = true;
		}
		if (score > most) {
			most = score;
			best = eras[e].version;
		}
	}
	if (!log->recorded.count)
		return;
	log->input.config = usual;
	log->input.version = best;
	boot_log_settle(log, 0);
}

/* Tries sizes of struct page and of sections until all that the log tells of them comes out right. */
static void fit_layout(struct boot_log *log, struct machine *m)
{
	static const unsigned int pages[] = { 32, 36, 40, 44, 48, 52,  56,  60,	 64, 68,
					      72, 76, 80, 88, 96, 104, 112, 120, 128 };
	static const unsigned int sections[] = { 0, 24, 26, 27, 28, 29, 30 };
	struct boot_input *in = &log->input;
	struct arch_config *c = &in->config, usual = *c, best = *c;
	uint32_t wanted = 0, most;

	for (uint32_t i = 0; i < log->recorded.count; i++)
		wanted += shows_layout(log, &log->recorded.items[i]);
	if (!wanted)
		return;
	most = agreeing(log, m);
	for (size_t s = 0; s <= sizeof(sections) / sizeof(sections[0]) && most < wanted; s++) {
		c->section_shift = s ? sections[s - 1] : usual.section_shift;
		if (c->section_shift && c->section_shift < c->page_shift)
			continue;
		for (size_t p = 0; p <= sizeof(pages) / sizeof(pages[0]) && most < wanted; p++) {
			uint32_t agree;

			c->page_struct_bytes = p ? pages[p - 1] : usual.page_struct_bytes;
			agree = agreeing(log, m);
			if (agree > most) {
				most = agree;
				best = *c;
			}
		}
	}
	*c = best;
	in->fitted_page_struct = best.page_struct_bytes != usual.page_struct_bytes;
	in->fitted_section = best.section_shift != usual.section_shift;
}

void infer_fit(struct boot_log *log)
{
	struct boot_input *in = &log->input;
	struct machine *m = malloc(sizeof(*m));

	if (!m) {
		log->out_of_memory = true;
		return;
	}
	machine_init(m);
	assume_range(log);
	if (!log->has_version && !log->guessed_era)
		fit_version(log, m);
	fit_buckets(in);
	/* Logs with memblock=debug tell all there is to know, and no machine is as large as these. */
	if (!log->has_debug && in->step_count <= FIT_MAX && in->given_range_count <= FIT_MAX &&
	    in->firmware_count <= FIT_MAX && log->recorded.count <= FIT_MAX)
		fit_layout(log, m);
	machine_deinit(m);
	free(m);
}
