/* SPDX-License-Identifier: MIT */
/*
 * One pass over the log.  A line that says which request failed is remembered; "Mem-Info:" starts a
 * report; each line after it either is understood, belongs to somebody else, or ends the report:
 *
 * 1. What ends a report: the next "Mem-Info:" or failing request, the start of a kernel, or a
 *    number of lines in a row that are not understood.  Those are not counted: they come after it.
 * 2. Up to 4.8 the kernel printed a line in pieces, and other CPUs print between them:
 *
 *	Node 0 |DMA: |1*4kB |(U) |0*8kB |... |= 15908kB
 *	lowmem_reserve[]:| 0| 2804
 *
 *    So a node without anything waits for its zone, and pieces of a free list or of a reserve go to
 *    the one that was begun last.
 * 3. These lines are the longest of a log.  Where a mail program or a log daemon wrapped them, the
 *    rest stands in lines without time stamp; those are joined first.
 */
#include "traces/procfs/meminfo_report.h"

#include <stdlib.h>
#include <string.h>

#include "traces/grow.h"
#include "traces/scan.h"

/* Lines not understood in a row that end a report, before and after the line of "pages RAM". */
#define GAP_LINES 64
#define GAP_LINES_AFTER_RAM 16
/* The trace of calls between a request and its report is shorter. */
#define REQUEST_LINES 512
#define DISORDER_NS 1000000000
/* More of anything than a kernel prints is not kept. */
#define ZONES_MAX 8192
#define VALUES_MAX 256
#define RESERVES_MAX 64

#define NO_ZONE UINT32_MAX

/* A wrapped line has no more pieces and bytes than that. */
#define PIECES_MAX 24
#define JOINED_BYTES_MAX 8192

struct reader {
	const struct log_line *lines;
	struct meminfo_reports reports;
	uint32_t reports_room, alone_room;

	/* The last failing request that no report took yet. */
	struct meminfo_request request;
	struct strings request_strings;
	size_t request_at;
	/* One more than the index of the last line in which vmalloc found no range of addresses; 0: none. */
	size_t vmalloc_at;

	/* The report read now. */
	bool in_report;
	struct meminfo_report report;
	uint32_t nodes_room, zones_room, hugepages_room;
	uint32_t gap_lines, gap_first_line;
	int32_t waiting_nid;
	uint32_t list_zone; /* its free list is not complete */
	uint32_t reserve_zone; /* the last that was printed; its reserve follows */
	bool reserve_open;
	bool no_memory;
	char joined[JOINED_BYTES_MAX];
};

struct field {
	const char *name;
	uint32_t bit;
	size_t offset;
};

static const struct field zone_fields[] = {
	{ "free", MEMINFO_ZONE_FREE, offsetof(struct meminfo_report_zone, free_kb) },
	{ "boost", MEMINFO_ZONE_BOOST, offsetof(struct meminfo_report_zone, boost_kb) },
	{ "min", MEMINFO_ZONE_MIN, offsetof(struct meminfo_report_zone, min_kb) },
	{ "low", MEMINFO_ZONE_LOW, offsetof(struct meminfo_report_zone, low_kb) },
	{ "high", MEMINFO_ZONE_HIGH, offsetof(struct meminfo_report_zone, high_kb) },
	{ "reserved_highatomic", MEMINFO_ZONE_RESERVED_HIGHATOMIC,
	  offsetof(struct meminfo_report_zone, reserved_highatomic_kb) },
	{ "free_highatomic", MEMINFO_ZONE_FREE_HIGHATOMIC,
	  offsetof(struct meminfo_report_zone, free_highatomic_kb) },
	{ "present", MEMINFO_ZONE_PRESENT, offsetof(struct meminfo_report_zone, present_kb) },
	{ "managed", MEMINFO_ZONE_MANAGED, offsetof(struct meminfo_report_zone, managed_kb) },
	{ "free_pcp", MEMINFO_ZONE_FREE_PCP, offsetof(struct meminfo_report_zone, free_pcp_kb) },
	{ "local_pcp", MEMINFO_ZONE_LOCAL_PCP, offsetof(struct meminfo_report_zone, local_pcp_kb) },
	{ "free_cma", MEMINFO_ZONE_FREE_CMA, offsetof(struct meminfo_report_zone, free_cma_kb) },
};

/* "217507 total pagecache pages": a number, then these words.  Bit 0: known and not kept. */
static const struct field count_lines[] = {
	{ "total pagecache pages", MEMINFO_REPORT_PAGECACHE,
	  offsetof(struct meminfo_report, pagecache_pages) },
	{ "pages in swap cache", MEMINFO_REPORT_SWAPCACHE,
	  offsetof(struct meminfo_report, swapcache_pages) },
	{ "pages RAM", MEMINFO_REPORT_RAM, offsetof(struct meminfo_report, ram_pages) },
	{ "pages of RAM", MEMINFO_REPORT_RAM, offsetof(struct meminfo_report, ram_pages) },
	{ "pages HighMem", MEMINFO_REPORT_HIGHMEM, offsetof(struct meminfo_report, highmem_pages) },
	{ "pages of HIGHMEM", MEMINFO_REPORT_HIGHMEM,
	  offsetof(struct meminfo_report, highmem_pages) },
	{ "pages HighMem/MovableOnly", MEMINFO_REPORT_HIGHMEM,
	  offsetof(struct meminfo_report, highmem_pages) },
	{ "pages reserved", MEMINFO_REPORT_RESERVED,
	  offsetof(struct meminfo_report, reserved_pages) },
	{ "reserved pages", MEMINFO_REPORT_RESERVED,
	  offsetof(struct meminfo_report, reserved_pages) },
	{ "pages cma reserved", MEMINFO_REPORT_CMA, offsetof(struct meminfo_report, cma_pages) },
	{ "pages hwpoisoned", MEMINFO_REPORT_HWPOISON,
	  offsetof(struct meminfo_report, hwpoison_pages) },
	/* 2.6.32 to 3.x */
	{ "pages shared", 0, 0 },
	{ "pages non-shared", 0, 0 },
	{ "free pages", 0, 0 },
	{ "slab pages", 0, 0 },
	{ "pages swap cached", 0, 0 },
	{ "pages in pagetable cache", 0, 0 },
};

/* How the line that tells of a failing request begins, behind the name of the task. */
static const struct {
	const char *text;
	enum meminfo_request_kind kind;
} request_starts[] = {
	{ " invoked oom-killer:", MEMINFO_REQUEST_OOM },
	{ ": page allocation failure", MEMINFO_REQUEST_PAGE_ALLOC },
	{ ": vmemmap alloc failure", MEMINFO_REQUEST_PAGE_ALLOC },
	{ ": page allocation stalls for", MEMINFO_REQUEST_STALL },
	{ ": vmalloc: allocation failure", MEMINFO_REQUEST_VMALLOC },
	{ ": vmalloc error", MEMINFO_REQUEST_VMALLOC },
	{ ": vmalloc size", MEMINFO_REQUEST_VMALLOC },
};

static const char *copy(struct reader *r, struct strings *strings, struct scan_str str)
{
	const char *text = strings_add(strings, str.p, str.len);

	if (!text)
		r->no_memory = true;
	return text ? text : "";
}

/* Like grow(), for an array whose room follows from its length. */
static void *grow_small(struct reader *r, void *array, uint32_t count, size_t element_bytes)
{
	uint32_t room;
	void *moved;

	if (count && (count < 8 || (count & (count - 1))))
		return array;
	room = count ? 2 * count : 8;
	moved = realloc(array, room * element_bytes);
	if (!moved)
		r->no_memory = true;
	return moved;
}

static void add_value(struct reader *r, struct meminfo_report_value **values, uint32_t *n,
		      struct scan_str name, uint64_t value)
{
	struct meminfo_report_value *moved;

	if (*n >= VALUES_MAX) {
		r->report.unknown_fields++;
		return;
	}
	moved = grow_small(r, *values, *n, sizeof(*moved));
	if (!moved)
		return;
	*values = moved;
	moved[*n] = (struct meminfo_report_value){ copy(r, &r->report.strings, name), value };
	++*n;
}

/* Blanks, and line feeds that a log daemon wrote as four characters. */
static void skip_blanks(struct scan *s)
{
	do {
		scan_ws(s);
	} while (scan_lit(s, "\\x0a"));
}

static bool is_small(char c)
{
	return c >= 'a' && c <= 'z';
}

/*
 * One of "free:3588kB", "shmem_thp: 0kB", "isolated(anon):0", "all_unreclaimable? no", which has a
 * name of its own.  False if something else follows; then nothing is taken.
 */
static bool read_value(struct scan *s, struct scan_str *name_ret, uint64_t *value_ret, bool *kb_ret)
{
	struct scan t = *s;
	const char *start = t.p;
	uint64_t value;

	while (!scan_done(&t) && (is_small(*t.p) || (*t.p >= 'A' && *t.p <= 'Z') || *t.p == '_' ||
				  *t.p == '(' || *t.p == ')' || scan_is_digit(*t.p)))
		t.p++;
	if (t.p == start || *start == '(' || *start == ')' || scan_is_digit(*start))
		return false;
	*name_ret = (struct scan_str){ start, (size_t)(t.p - start) };
	*kb_ret = false;
	if (scan_char(&t, '?')) {
		scan_ws(&t);
		if (scan_lit(&t, "yes"))
			value = 1;
		else if (scan_lit(&t, "no"))
			value = 0;
		else
			return false;
	} else {
		if (!scan_char(&t, ':'))
			return false;
		scan_ws(&t);
		if (!scan_dec(&t, &value))
			return false;
		*kb_ret = scan_lit(&t, "kB") || scan_lit(&t, "KB");
	}
	if (!scan_done(&t) && !scan_is_blank(*t.p) && *t.p != ',' && *t.p != '\\')
		return false;
	*value_ret = value;
	*s = t;
	return true;
}

/* A line is full of values; what is not one is counted and passed over. */
static void read_values(struct reader *r, struct scan s, struct meminfo_report_value **values,
			uint32_t *n, struct meminfo_report_zone *zone)
{
	for (skip_blanks(&s); !scan_done(&s); skip_blanks(&s)) {
		struct scan_str name;
		uint64_t value;
		bool kb;

		if (!read_value(&s, &name, &value, &kb)) {
			r->report.unknown_fields++;
			if (!scan_word(&s, &name))
				s.p++;
			continue;
		}
		add_value(r, values, n, name, value);
		if (!zone)
			continue;
		for (size_t i = 0; i < sizeof(zone_fields) / sizeof(zone_fields[0]); i++) {
			if (!scan_str_eq(name, zone_fields[i].name))
				continue;
			*(uint64_t *)((char *)zone + zone_fields[i].offset) = value;
			zone->has |= zone_fields[i].bit;
		}
	}
}

/* Index of the zone, made if it is new; NO_ZONE if there is no room. */
static uint32_t get_zone(struct reader *r, int32_t nid, struct scan_str name, uint32_t line)
{
	struct meminfo_report *report = &r->report;
	struct meminfo_report_zone *zones;

	for (uint32_t i = 0; i < report->nzones; i++)
		if (report->zones[i].nid == nid && scan_str_eq(name, report->zones[i].name))
			return i;
	if (report->nzones >= ZONES_MAX)
		return NO_ZONE;
	zones = grow(report->zones, report->nzones, &r->zones_room, sizeof(*zones));
	if (!zones) {
		r->no_memory = true;
		return NO_ZONE;
	}
	report->zones = zones;
	zones[report->nzones] = (struct meminfo_report_zone){
		.nid = nid,
		.line = line,
		.name = copy(r, &report->strings, name),
	};
	return report->nzones++;
}

/* The zone has been printed already: a word and a colon are not just any words. */
static bool is_zone(const struct reader *r, struct scan_str name)
{
	for (uint32_t i = 0; i < r->report.nzones; i++)
		if (scan_str_eq(name, r->report.zones[i].name))
			return true;
	return false;
}

static uint8_t type_bit(char letter)
{
	switch (letter) {
	case 'U':
		return MEMINFO_TYPE_UNMOVABLE;
	case 'M':
		return MEMINFO_TYPE_MOVABLE;
	case 'E':
		return MEMINFO_TYPE_RECLAIMABLE;
	case 'H':
		return MEMINFO_TYPE_HIGHATOMIC;
	case 'R':
		return MEMINFO_TYPE_RESERVE;
	case 'C':
		return MEMINFO_TYPE_CMA;
	case 'I':
		return MEMINFO_TYPE_ISOLATE;
	}
	return MEMINFO_TYPE_OTHER;
}

/* "(UME)" */
static bool read_types(struct scan *s, uint8_t *ret)
{
	struct scan_str letters;
	uint8_t types = 0;
	struct scan t = *s;

	if (!scan_parens(&t, &letters) || !letters.len)
		return false;
	for (size_t i = 0; i < letters.len; i++) {
		if (letters.p[i] < 'A' || letters.p[i] > 'Z')
			return false;
		types |= type_bit(letters.p[i]);
	}
	*s = t;
	*ret = types;
	return true;
}

/* "23*4kB" of the next order */
static bool read_blocks(struct scan *s, struct meminfo_report_zone *zone)
{
	uint64_t blocks, kb;
	struct scan t = *s;

	if (!scan_dec(&t, &blocks) || !scan_char(&t, '*') || !scan_dec(&t, &kb) ||
	    !scan_lit(&t, "kB") || !kb || zone->norders == MEMINFO_REPORT_ORDERS_MAX)
		return false;
	if (!zone->norders)
		zone->block_kb = kb;
	else if (kb >> zone->norders != zone->block_kb || kb != zone->block_kb << zone->norders)
		return false;
	zone->blocks[zone->norders++] = blocks;
	*s = t;
	return true;
}

/*
 * "23*4kB (U) 2*8kB (U) ... = 3804kB", or a piece of it.  Returns false, and has done nothing, if
 * it is not even the beginning of one.
 */
static bool read_free_list(struct reader *r, struct scan s, uint32_t index)
{
	struct meminfo_report_zone *zone = &r->report.zones[index];
	bool any = false;

	for (scan_ws(&s); !scan_done(&s); scan_ws(&s)) {
		struct scan t = s;
		uint64_t kb;
		uint8_t types;

		if (read_blocks(&s, zone)) {
			any = true;
			continue;
		}
		if (zone->norders && !zone->types[zone->norders - 1] && read_types(&s, &types)) {
			zone->types[zone->norders - 1] = types;
			any = true;
			continue;
		}
		if (zone->norders && scan_char(&t, '=') && scan_ws(&t) && scan_dec(&t, &kb) &&
		    scan_lit(&t, "kB") && scan_blank_end(&t)) {
			zone->free_list_kb = kb;
			zone->has |= MEMINFO_ZONE_FREE_LIST | MEMINFO_ZONE_FREE_LIST_TOTAL;
			r->list_zone = NO_ZONE;
			return true;
		}
		if (!any)
			return false;
		/* A torn line: the orders after this are lost, so that none gets a wrong number. */
		r->report.unknown_fields++;
		r->list_zone = NO_ZONE;
		zone->has |= MEMINFO_ZONE_FREE_LIST;
		return true;
	}
	if (zone->norders)
		zone->has |= MEMINFO_ZONE_FREE_LIST;
	return any;
}

/* " 0 824 1947", or a piece of it. */
static bool read_reserve(struct reader *r, struct scan s)
{
	struct meminfo_report_zone *zone = &r->report.zones[r->reserve_zone];
	struct scan check = s;
	uint64_t value;

	while (!scan_blank_end(&check))
		if (!scan_ws(&check) || !scan_dec(&check, &value) ||
		    (!scan_done(&check) && !scan_is_blank(scan_peek(&check))))
			return false;
	while (!scan_blank_end(&s)) {
		uint64_t *moved;

		scan_ws(&s);
		scan_dec(&s, &value);
		if (zone->nlowmem_reserve == RESERVES_MAX) {
			r->report.unknown_fields++;
			return true;
		}
		moved = grow_small(r, zone->lowmem_reserve, zone->nlowmem_reserve, sizeof(*moved));
		if (!moved)
			return true;
		zone->lowmem_reserve = moved;
		moved[zone->nlowmem_reserve++] = value;
	}
	zone->has |= MEMINFO_ZONE_RESERVE;
	return true;
}

/* "hugepages_total=0 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB" */
static bool read_hugepages(struct reader *r, int32_t nid, struct scan s)
{
	struct meminfo_report_hugepages huge = { .nid = nid }, *moved;

	if (!scan_lit(&s, "hugepages_total=") || !scan_dec(&s, &huge.total) ||
	    !scan_lit(&s, " hugepages_free=") || !scan_dec(&s, &huge.free) ||
	    !scan_lit(&s, " hugepages_surp=") || !scan_dec(&s, &huge.surplus) ||
	    !scan_lit(&s, " hugepages_size=") || !scan_dec(&s, &huge.size_kb) ||
	    !scan_lit(&s, "kB"))
		return false;
	moved = grow(r->report.hugepages, r->report.nhugepages, &r->hugepages_room, sizeof(*moved));
	if (!moved) {
		r->no_memory = true;
		return true;
	}
	r->report.hugepages = moved;
	moved[r->report.nhugepages++] = huge;
	return true;
}

/* What may follow "Node 0 ", or stand alone on kernels without NUMA: a line about a zone. */
static bool read_zone_line(struct reader *r, int32_t nid, struct scan s, uint32_t line)
{
	struct scan_str name;
	struct scan t;
	uint32_t index;

	if (!scan_name(&s, &name) || *name.p < 'A' || *name.p > 'Z')
		return false;
	t = s;
	if (scan_lit(&t, " per-cpu:"))
		return true;
	t = s;
	if (scan_lit(&t, " free:") && scan_is_digit(scan_peek(&t))) {
		index = get_zone(r, nid, name, line);
		if (index == NO_ZONE)
			return true;
		/* Printed before: this is no line of this report. */
		if (r->report.zones[index].has & MEMINFO_ZONE_FREE)
			return false;
		read_values(r, s, &r->report.zones[index].values, &r->report.zones[index].nvalues,
			    &r->report.zones[index]);
		r->reserve_zone = index;
		r->reserve_open = false;
		return true;
	}
	t = s;
	if (!scan_char(&t, ':'))
		return false;
	s = t;
	if (scan_blank_end(&t)) {
		if (!is_zone(r, name))
			return false;
	} else {
		uint64_t blocks;

		if (!scan_ws1(&t) || !scan_dec(&t, &blocks) || !scan_char(&t, '*'))
			return false;
	}
	index = get_zone(r, nid, name, line);
	if (index == NO_ZONE)
		return true;
	if (r->report.zones[index].norders)
		return false;
	r->list_zone = index;
	read_free_list(r, s, index);
	return true;
}

static bool read_node_line(struct reader *r, int32_t nid, struct scan s, uint32_t line)
{
	struct meminfo_report_node *nodes;
	struct scan_str name;
	struct scan t = s;
	uint64_t value;
	bool kb;

	/* A capital letter starts the name of a zone. */
	if (!is_small(scan_peek(&t)) || !read_value(&t, &name, &value, &kb) || !kb)
		return false;
	nodes = grow(r->report.nodes, r->report.nnodes, &r->nodes_room, sizeof(*nodes));
	if (!nodes) {
		r->no_memory = true;
		return true;
	}
	r->report.nodes = nodes;
	nodes[r->report.nnodes] = (struct meminfo_report_node){ .nid = nid, .line = line };
	read_values(r, s, &nodes[r->report.nnodes].values, &nodes[r->report.nnodes].nvalues, NULL);
	r->report.nnodes++;
	return true;
}

/* "active_anon:5713 inactive_anon:2169 isolated_anon:0": numbers of pages, so none has a unit. */
static bool read_totals(struct reader *r, struct scan s)
{
	struct scan check = s;

	for (skip_blanks(&check); !scan_done(&check); skip_blanks(&check)) {
		struct scan_str name;
		uint64_t value;
		bool kb;

		if (!read_value(&check, &name, &value, &kb) || kb)
			return false;
	}
	read_values(r, s, &r->report.totals, &r->report.ntotals, NULL);
	return true;
}

/* "217507 total pagecache pages" and the like. */
static bool read_count(struct reader *r, struct scan s)
{
	struct meminfo_report *report = &r->report;
	struct scan_str words;
	uint64_t value;
	struct scan t = s;

	if (scan_dec(&t, &value) && scan_ws1(&t)) {
		scan_rest(&t, &words);
		for (size_t i = 0; i < sizeof(count_lines) / sizeof(count_lines[0]); i++) {
			if (!scan_str_eq(words, count_lines[i].name))
				continue;
			if (count_lines[i].bit && !(report->has & count_lines[i].bit)) {
				*(uint64_t *)((char *)report + count_lines[i].offset) = value;
				report->has |= count_lines[i].bit;
			}
			return true;
		}
		return false;
	}
	t = s;
	if (scan_lit(&t, "Free swap") && scan_ws(&t) && (scan_lit(&t, "=") || scan_lit(&t, ":")) &&
	    scan_ws(&t) && scan_dec(&t, &value) && scan_lit(&t, "kB")) {
		report->free_swap_kb = value;
		report->has |= MEMINFO_REPORT_FREE_SWAP;
		return true;
	}
	t = s;
	if (scan_lit(&t, "Total swap") && scan_ws(&t) && scan_char(&t, '=') && scan_ws(&t) &&
	    scan_dec(&t, &value) && scan_lit(&t, "kB")) {
		report->total_swap_kb = value;
		report->has |= MEMINFO_REPORT_TOTAL_SWAP;
		return true;
	}
	return scan_lit(&s, "Swap cache stats:");
}

/* "CPU    0: hi:  186, btch:  31 usd: 150", up to 4.1: known, and not kept. */
static bool is_pageset(struct scan s)
{
	uint32_t cpu;

	return scan_lit(&s, "CPU") && scan_ws1(&s) && scan_u32(&s, &cpu) && scan_char(&s, ':') &&
	       scan_ws1(&s) && (scan_lit(&s, "hi:") || scan_lit(&s, "Hot:"));
}

static bool read_report_line(struct reader *r, struct scan s, uint32_t line)
{
	struct scan t;
	uint32_t nid;

	scan_ws(&s);
	t = s;
	if (scan_lit(&t, "Node ") && scan_u32(&t, &nid) && nid <= INT32_MAX &&
	    (scan_done(&t) || scan_is_blank(scan_peek(&t)))) {
		if (scan_blank_end(&t)) {
			r->waiting_nid = (int32_t)nid;
			return true;
		}
		scan_ws(&t);
		r->waiting_nid = NID_NONE;
		return read_hugepages(r, (int32_t)nid, t) ||
		       read_node_line(r, (int32_t)nid, t, line) ||
		       read_zone_line(r, (int32_t)nid, t, line);
	}
	if (read_zone_line(r, r->waiting_nid, s, line)) {
		r->waiting_nid = NID_NONE;
		return true;
	}
	t = s;
	if (scan_lit(&t, "lowmem_reserve[]:")) {
		if (r->reserve_zone == NO_ZONE ||
		    (r->report.zones[r->reserve_zone].has & MEMINFO_ZONE_RESERVE))
			return false;
		r->reserve_open = true;
		return read_reserve(r, t);
	}
	if (r->reserve_open && scan_is_digit(scan_peek(&s)) && read_reserve(r, s))
		return true;
	if (r->list_zone != NO_ZONE && read_free_list(r, s, r->list_zone))
		return true;
	if (is_pageset(s) || read_count(r, s) || read_hugepages(r, NID_NONE, s))
		return true;
	return is_small(scan_peek(&s)) && read_totals(r, s);
}

static bool is_mem_info(struct scan s)
{
	scan_ws(&s);
	return (scan_lit(&s, "Mem-Info:") || scan_lit(&s, "Mem-info:")) && scan_blank_end(&s);
}

/* What follows a name like "order:" or "gfp_mask=" anywhere in a line. */
static bool find_value(struct scan s, const char *name, struct scan *ret)
{
	if (!scan_past(&s, name))
		return false;
	*ret = s;
	return true;
}

/* "(null)" or a list of nodes, "0-1,3", which itself may hold commas. */
static bool read_nodemask(struct scan s, struct scan_str *ret)
{
	const char *start = s.p;

	if (!scan_lit(&s, "(null)")) {
		while (!scan_done(&s) &&
		       (scan_is_digit(*s.p) || *s.p == '-' || (*s.p == ',' && s.p > start)))
			s.p++;
		while (s.p > start && s.p[-1] == ',')
			s.p--;
	}
	*ret = (struct scan_str){ start, (size_t)(s.p - start) };
	return s.p > start;
}

/* The task's name: what stands before the text, without what Android puts before that. */
static struct scan_str task_name(struct scan line, const char *end)
{
	struct scan s = { line.p, end };
	struct scan_str name;

	scan_ws(&s);
	if (scan_peek(&s) == '[')
		scan_past(&s, "] ");
	scan_rest(&s, &name);
	while (name.len && (name.p[name.len - 1] == ':' || scan_is_blank(name.p[name.len - 1])))
		name.len--;
	return name;
}

/* The request read last, if there was one, got no report. */
static void leave_alone(struct reader *r)
{
	struct meminfo_report *alone;

	if (r->request.kind == MEMINFO_REQUEST_NONE)
		return;
	alone = r->reports.nalone < UINT32_MAX ? grow(r->reports.alone, (uint32_t)r->reports.nalone,
						      &r->alone_room, sizeof(*alone))
					       : NULL;
	if (!alone) {
		r->no_memory = true;
		return;
	}
	r->reports.alone = alone;
	alone[r->reports.nalone++] = (struct meminfo_report){
		.request = r->request,
		.first = r->request_at,
		.end = r->request_at,
		.strings = r->request_strings,
	};
	r->request = (struct meminfo_request){ 0 };
	r->request_strings = (struct strings){ 0 };
}

static bool read_request(struct reader *r, struct scan line, uint32_t number)
{
	struct meminfo_request request = {
		.line = number, .comm = "", .gfp_text = "", .nodemask = ""
	};
	struct strings strings = { 0 };
	struct scan_str text;
	struct scan s = line, t;

	for (size_t i = 0; i < sizeof(request_starts) / sizeof(request_starts[0]); i++) {
		s = line;
		if (!scan_past(&s, request_starts[i].text))
			continue;
		request.kind = request_starts[i].kind;
		request.comm =
			copy(r, &strings, task_name(line, s.p - strlen(request_starts[i].text)));
		break;
	}
	if (request.kind == MEMINFO_REQUEST_NONE)
		return false;

	if ((find_value(s, "order:", &t) || find_value(s, "order=", &t) ||
	     find_value(s, "page order ", &t)) &&
	    scan_u32(&t, &request.order))
		request.has |= MEMINFO_REQUEST_ORDER;
	if ((find_value(s, "mode:", &t) || find_value(s, "gfp_mask=", &t)) &&
	    scan_0x(&t, &request.gfp)) {
		request.has |= MEMINFO_REQUEST_GFP;
		if (scan_parens(&t, &text)) {
			request.gfp_text = copy(r, &strings, text);
			request.has |= MEMINFO_REQUEST_GFP_TEXT;
		}
	}
	if (find_value(s, "nodemask=", &t) && read_nodemask(t, &text)) {
		request.nodemask = copy(r, &strings, text);
		request.has |= MEMINFO_REQUEST_NODEMASK;
	}
	if ((find_value(s, "oom_score_adj=", &t) || find_value(s, "oom_adj=", &t)) &&
	    scan_i32(&t, &request.oom_adj))
		request.has |= MEMINFO_REQUEST_OOM_ADJ;

	leave_alone(r);
	strings_deinit(&r->request_strings);
	r->request_strings = strings;
	r->request = request;
	return true;
}

static void report_deinit(struct meminfo_report *report)
{
	for (uint32_t i = 0; i < report->nzones; i++) {
		free(report->zones[i].values);
		free(report->zones[i].lowmem_reserve);
	}
	for (uint32_t i = 0; i < report->nnodes; i++)
		free(report->nodes[i].values);
	free(report->zones);
	free(report->nodes);
	free(report->hugepages);
	free(report->totals);
	strings_deinit(&report->strings);
	*report = (struct meminfo_report){ 0 };
}

static void end_report(struct reader *r)
{
	struct meminfo_report *reports;

	if (!r->in_report)
		return;
	r->in_report = false;
	reports = r->reports.nreports < UINT32_MAX
			  ? grow(r->reports.reports, (uint32_t)r->reports.nreports,
				 &r->reports_room, sizeof(*reports))
			  : NULL;
	if (!reports) {
		r->no_memory = true;
		return;
	}
	r->reports.reports = reports;
	reports[r->reports.nreports++] = r->report;
	r->report = (struct meminfo_report){ 0 };
}

/*
 * Was @line printed later than @other, which stands behind it?  Then one of them is quoted, from another place
 * of the log or from another log.  Lines of several CPUs may be a little out of order.
 */
static bool is_after(const struct log_line *line, const struct log_line *other)
{
	return line->has_time && other->has_time && line->time_ns > other->time_ns + DISORDER_NS;
}

static void start_report(struct reader *r, size_t at)
{
	end_report(r);
	if (r->no_memory)
		return;
	r->in_report = true;
	r->report = (struct meminfo_report){
		.request = { .comm = "", .gfp_text = "", .nodemask = "" },
		.first = at,
		.end = at + 1,
		.line = r->lines[at].line,
	};
	if (r->request.kind != MEMINFO_REQUEST_NONE && at - r->request_at <= REQUEST_LINES &&
	    !is_after(&r->lines[r->request_at], &r->lines[at])) {
		r->report.request = r->request;
		r->report.strings = r->request_strings;
		r->request_strings = (struct strings){ 0 };
		r->request = (struct meminfo_request){ 0 };
	} else {
		leave_alone(r);
	}
	r->nodes_room = r->zones_room = r->hugepages_room = 0;
	r->gap_lines = 0;
	r->waiting_nid = NID_NONE;
	r->list_zone = NO_ZONE;
	r->reserve_zone = NO_ZONE;
	r->reserve_open = false;
}

static bool contains(struct scan s, const char *text)
{
	return scan_past(&s, text);
}

static bool ends_with(struct scan s, const char *text)
{
	size_t len = strlen(text);

	return scan_left(&s) >= len && !memcmp(s.end - len, text, len);
}

/* Does the line end within the words that tell of a failing request, "dd invoked"? */
static bool is_cut_request(struct scan s)
{
	for (size_t i = 0; i < sizeof(request_starts) / sizeof(request_starts[0]); i++) {
		const char *text = request_starts[i].text, *end = text;

		while ((end = strchr(end + 1, ' '))) {
			size_t len = (size_t)(end - text);

			if (scan_left(&s) > len && !memcmp(s.end - len, text, len))
				return true;
		}
	}
	return false;
}

static bool has_request(struct scan s)
{
	for (size_t i = 0; i < sizeof(request_starts) / sizeof(request_starts[0]); i++)
		if (contains(s, request_starts[i].text))
			return true;
	return false;
}

/* A line that can be long enough to be wrapped, and is not complete. */
static bool may_go_on(struct scan s)
{
	return (contains(s, "kB") && !contains(s, " = ") && !contains(s, "all_unreclaimable? ")) ||
	       contains(s, "invoked oom-killer:") || contains(s, "allocation failure") ||
	       contains(s, "vmemmap alloc failure") || contains(s, "vmalloc error") ||
	       is_cut_request(s);
}

static bool may_be_rest(struct scan s)
{
	static const char *const marks[] = {
		"kB",	     "KB",     "all_unreclaimable", "gfp_mask=", "mode:",
		"nodemask=", "order=", "oom_score_adj="
	};

	if (scan_lit(&s, "Node ") || scan_lit(&s, "lowmem_reserve[]"))
		return false;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (contains(s, marks[i]))
			return true;
	return (scan_lit(&s, "yes") || scan_lit(&s, "no")) && scan_blank_end(&s);
}

/*
 * Puts the rest of a wrapped line behind it.  Some wrap at a blank and take it away, some after so
 * many bytes, in a word or not: where the last word is complete a blank is missing.  Returns the
 * number of lines it took.
 */
static size_t join(struct reader *r, size_t at, size_t nlines, struct scan *s)
{
	size_t n, len = scan_left(s);

	if (!(r->lines[at].flags & LOG_LINE_PREFIXED) || at + 1 == nlines ||
	    (r->lines[at + 1].flags & (LOG_LINE_PREFIXED | LOG_LINE_SPLIT)) ||
	    len >= sizeof(r->joined) || !may_go_on(*s))
		return 1;
	memcpy(r->joined, s->p, len);
	*s = scan_of(r->joined, len);
	for (n = 1; n < PIECES_MAX && at + n < nlines && may_go_on(*s); n++) {
		const struct log_line *line = &r->lines[at + n];
		struct scan piece = scan_of(line->text, line->len);

		/* These lines have no tabs: it is how a mail was quoted. */
		while (scan_char(&piece, '\t'))
			;
		if ((line->flags & (LOG_LINE_PREFIXED | LOG_LINE_SPLIT)) ||
		    scan_left(&piece) + 1 >= sizeof(r->joined) - len)
			break;
		if (is_cut_request(*s)) {
			r->joined[len] = ' ';
			memcpy(r->joined + len + 1, piece.p, scan_left(&piece));
			if (has_request(scan_of(r->joined, len + 1 + scan_left(&piece)))) {
				len += 1 + scan_left(&piece);
				*s = scan_of(r->joined, len);
				continue;
			}
		}
		if (!may_be_rest(piece))
			break;
		if (ends_with(*s, "kB") || ends_with(*s, "KB") || ends_with(*s, ")") ||
		    ends_with(*s, ",") || ends_with(*s, ":"))
			r->joined[len++] = ' ';
		memcpy(r->joined + len, piece.p, scan_left(&piece));
		len += scan_left(&piece);
		*s = scan_of(r->joined, len);
	}
	return n;
}

/* "vmalloc: allocation failure: 17178820608 bytes"; other lines of it are about pages. */
static bool is_vmalloc(struct scan s)
{
	uint64_t bytes;

	return scan_lit(&s, "vmalloc: allocation failure: ") && scan_dec(&s, &bytes) &&
	       scan_lit(&s, " bytes") && scan_blank_end(&s);
}

/* Reads line @at and what belongs to it; returns how many lines that were. */
static size_t read_line(struct reader *r, size_t at, size_t nlines)
{
	const struct log_line *line = &r->lines[at];
	struct scan s = scan_of(line->text, line->len);
	size_t n = 1;
	bool after_ram;

	if (is_mem_info(s)) {
		start_report(r, at);
		return n;
	}
	if (is_vmalloc(s))
		r->vmalloc_at = at + 1;
	n = join(r, at, nlines, &s);
	if (read_request(r, s, line->line)) {
		r->request_at = at;
		if (r->request.kind == MEMINFO_REQUEST_PAGE_ALLOC && r->vmalloc_at &&
		    at - r->vmalloc_at < MEMINFO_VMALLOC_LINES)
			r->request.kind = MEMINFO_REQUEST_VMALLOC;
		r->vmalloc_at = 0;
		end_report(r);
		return n;
	}
	if (!r->in_report)
		return 1;
	if (scan_lit(&s, "Linux version ")) {
		end_report(r);
		return n;
	}
	if (scan_blank_end(&s))
		return n;
	if (read_report_line(r, s, line->line)) {
		if (r->gap_lines && !r->report.unknown_lines)
			r->report.first_unknown_line = r->gap_first_line;
		r->report.unknown_lines += r->gap_lines;
		r->gap_lines = 0;
		r->report.end = at + n;
		return n;
	}
	if (!r->gap_lines++)
		r->gap_first_line = line->line;
	after_ram = r->report.has & MEMINFO_REPORT_RAM;
	if (r->gap_lines >= (after_ram ? GAP_LINES_AFTER_RAM : GAP_LINES))
		end_report(r);
	return 1;
}

struct error *meminfo_reports_parse(const struct log_line *lines, size_t nlines,
				    struct meminfo_reports *ret)
{
	struct reader r = { .lines = lines };

	for (size_t i = 0; i < nlines && !r.no_memory;)
		i += read_line(&r, i, nlines);
	end_report(&r);
	leave_alone(&r);
	strings_deinit(&r.request_strings);
	report_deinit(&r.report);
	if (r.no_memory) {
		meminfo_reports_deinit(&r.reports);
		return error_no_memory();
	}
	*ret = r.reports;
	return NULL;
}

void meminfo_reports_deinit(struct meminfo_reports *reports)
{
	for (size_t i = 0; i < reports->nreports; i++)
		report_deinit(&reports->reports[i]);
	for (size_t i = 0; i < reports->nalone; i++)
		report_deinit(&reports->alone[i]);
	free(reports->reports);
	free(reports->alone);
	*reports = (struct meminfo_reports){ 0 };
}

const struct meminfo_report_zone *meminfo_report_find(const struct meminfo_report *report,
						      int32_t nid, const char *zone)
{
	for (uint32_t i = 0; i < report->nzones; i++)
		if (report->zones[i].nid == nid && !strcmp(report->zones[i].name, zone))
			return &report->zones[i];
	return NULL;
}

bool meminfo_report_value_of(const struct meminfo_report_value *values, uint32_t nvalues,
			     const char *name, uint64_t *ret)
{
	for (uint32_t i = 0; i < nvalues; i++) {
		if (!strcmp(values[i].name, name)) {
			*ret = values[i].value;
			return true;
		}
	}
	return false;
}
