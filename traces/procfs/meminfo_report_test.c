/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/procfs/meminfo_report.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"

#define DATA "traces/testdata/procfs/report-"
#define LINES_MAX 4096

/* Lines of a text whose time stamps, if any, are "[   12.345678] ".  Borrows the text. */
static size_t split(const char *text, size_t len, struct log_line *lines)
{
	size_t n = 0;

	for (const char *p = text, *end = text + len; p < end && n < LINES_MAX; n++) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *bracket;

		eol = eol ? eol : end;
		lines[n] = (struct log_line){ .text = p, .line = (uint32_t)n + 1, .span = 1 };
		bracket = *p == '[' ? memchr(p, ']', (size_t)(eol - p)) : NULL;
		if (bracket && bracket + 1 < eol) {
			lines[n].text = bracket + 2;
			lines[n].flags = LOG_LINE_PREFIXED;
		}
		lines[n].len = (uint32_t)(eol - lines[n].text);
		p = eol < end ? eol + 1 : end;
	}
	return n;
}

static void parse(const char *text, size_t len, struct meminfo_reports *ret)
{
	static struct log_line lines[LINES_MAX];

	check_ok(meminfo_reports_parse(lines, split(text, len, lines), ret));
}

static char *read_version(const char *version, size_t *len_ret)
{
	char path[128];

	snprintf(path, sizeof(path), DATA "%s.txt", version);
	return check_read(path, len_ret);
}

static void parse_version(const char *version, struct meminfo_reports *ret)
{
	size_t len;
	char *text = read_version(version, &len);

	parse(text, len, ret);
	free(text);
	assert_int_equal(ret->nreports, 1);
}

static uint64_t value_of(const struct meminfo_report_value *values, uint32_t n, const char *name)
{
	uint64_t value;

	if (!meminfo_report_value_of(values, n, name, &value))
		fail_msg("there is no %s", name);
	return value;
}

/* The blocks of each free list sum up to what the kernel summed up, in every version. */
static void every_era(void **state)
{
	static const struct {
		const char *version;
		enum meminfo_request_kind kind;
		size_t lines;
		uint32_t ntotals, nnodes, nzones, nvalues, unknown_lines;
	} cases[] = {
		{ "2.6.32", MEMINFO_REQUEST_OOM, 25, 17, 0, 2, 26, 0 },
		{ "4.4", MEMINFO_REQUEST_PAGE_ALLOC, 29, 9, 0, 2, 12, 3 },
		{ "5.10", MEMINFO_REQUEST_PAGE_ALLOC, 20, 9, 1, 2, 14, 0 },
		{ "7.2", MEMINFO_REQUEST_OOM, 28, 20, 2, 2, 16, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct meminfo_reports reports;
		const struct meminfo_report *report;

		parse_version(cases[i].version, &reports);
		report = &reports.reports[0];
		if (report->request.kind != cases[i].kind ||
		    report->end - report->first != cases[i].lines ||
		    report->ntotals != cases[i].ntotals || report->nnodes != cases[i].nnodes ||
		    report->nzones != cases[i].nzones ||
		    report->zones[0].nvalues != cases[i].nvalues ||
		    report->unknown_lines != cases[i].unknown_lines || report->unknown_fields)
			fail_msg("%s: kind %d, %zu lines, %u %u %u %u, unknown %u %u",
				 cases[i].version, (int)report->request.kind,
				 report->end - report->first, report->ntotals, report->nnodes,
				 report->nzones, report->zones[0].nvalues, report->unknown_lines,
				 report->unknown_fields);
		for (uint32_t j = 0; j < report->nzones; j++) {
			const struct meminfo_report_zone *zone = &report->zones[j];
			uint64_t kb = 0;

			assert_true(zone->has & MEMINFO_ZONE_FREE_LIST_TOTAL);
			assert_true(zone->has & MEMINFO_ZONE_RESERVE);
			assert_true(zone->has & MEMINFO_ZONE_PRESENT);
			for (uint32_t order = 0; order < zone->norders; order++)
				kb += zone->blocks[order] * zone->block_kb << order;
			assert_int_equal(kb, zone->free_list_kb);
		}
		meminfo_reports_deinit(&reports);
		assert_null(reports.reports);
	}
}

static void values_of_2_6_32(void **state)
{
	struct meminfo_reports reports;
	const struct meminfo_report *report;
	const struct meminfo_report_zone *zone;

	(void)state;
	parse_version("2.6.32", &reports);
	report = &reports.reports[0];
	assert_string_equal(report->request.comm, "cc1plus");
	assert_int_equal(report->request.gfp, 0x201da);
	assert_int_equal(report->request.oom_adj, -2);
	assert_int_equal(report->request.line, 1);
	assert_int_equal(report->request.has,
			 MEMINFO_REQUEST_ORDER | MEMINFO_REQUEST_GFP | MEMINFO_REQUEST_OOM_ADJ);
	assert_int_equal(report->line, 5);
	assert_int_equal(value_of(report->totals, report->ntotals, "unstable"), 0);
	assert_int_equal(value_of(report->totals, report->ntotals, "pagetables"), 6017);
	assert_int_equal(report->ram_pages, 327679);
	assert_int_equal(report->reserved_pages, 6214);
	assert_int_equal(report->pagecache_pages, 1204);
	assert_int_equal(report->swapcache_pages, 284);
	assert_int_equal(report->total_swap_kb, 976888);
	assert_int_equal(report->has, MEMINFO_REPORT_PAGECACHE | MEMINFO_REPORT_SWAPCACHE |
					      MEMINFO_REPORT_FREE_SWAP | MEMINFO_REPORT_TOTAL_SWAP |
					      MEMINFO_REPORT_RAM | MEMINFO_REPORT_RESERVED);
	zone = meminfo_report_find(report, 0, "DMA32");
	assert_int_equal(zone->line, 17);
	assert_int_equal(zone->free_kb, 2584);
	assert_int_equal(zone->min_kb, 3528);
	assert_int_equal(zone->low_kb, 4408);
	assert_int_equal(zone->high_kb, 5292);
	assert_int_equal(zone->present_kb, 1282056);
	assert_false(zone->has & MEMINFO_ZONE_MANAGED);
	assert_int_equal(value_of(zone->values, zone->nvalues, "isolated(anon)"), 128);
	assert_int_equal(value_of(zone->values, zone->nvalues, "all_unreclaimable"), 1);
	assert_int_equal(zone->types[0], 0);
	assert_int_equal(zone->blocks[1], 43);
	zone = meminfo_report_find(report, 0, "DMA");
	assert_int_equal(zone->nlowmem_reserve, 4);
	assert_int_equal(zone->lowmem_reserve[3], 1252);
	meminfo_reports_deinit(&reports);
}

/* A busy console: every line in pieces, with others between. */
static void torn(void **state)
{
	struct meminfo_reports reports;
	const struct meminfo_report *report;
	const struct meminfo_report_zone *zone;

	(void)state;
	parse_version("4.4", &reports);
	report = &reports.reports[0];
	assert_string_equal(report->request.comm, "worker/3");
	assert_int_equal(report->request.order, 2);
	assert_int_equal(report->first_unknown_line, 8);
	zone = meminfo_report_find(report, 0, "DMA");
	assert_non_null(zone);
	assert_null(meminfo_report_find(report, NID_NONE, "DMA"));
	assert_int_equal(zone->nlowmem_reserve, 3);
	assert_int_equal(zone->lowmem_reserve[0], 0);
	assert_int_equal(zone->lowmem_reserve[2], 3);
	assert_int_equal(zone->norders, 3);
	assert_int_equal(zone->blocks[2], 3);
	assert_int_equal(zone->types[1], MEMINFO_TYPE_UNMOVABLE | MEMINFO_TYPE_MOVABLE);
	assert_int_equal(zone->types[2], MEMINFO_TYPE_RESERVE);
	zone = meminfo_report_find(report, 0, "Normal");
	assert_int_equal(zone->types[0],
			 MEMINFO_TYPE_UNMOVABLE | MEMINFO_TYPE_MOVABLE | MEMINFO_TYPE_RECLAIMABLE);
	assert_int_equal(zone->types[1], 0);
	assert_int_equal(zone->types[2], MEMINFO_TYPE_MOVABLE | MEMINFO_TYPE_CMA);
	assert_int_equal(report->cma_pages, 8);
	meminfo_reports_deinit(&reports);
}

static void values_of_7_2(void **state)
{
	struct meminfo_reports reports;
	const struct meminfo_report *report;
	const struct meminfo_report_zone *zone;

	(void)state;
	parse_version("7.2", &reports);
	report = &reports.reports[0];
	assert_string_equal(report->request.gfp_text, "GFP_HIGHUSER_MOVABLE|__GFP_ZERO|__GFP_COMP");
	assert_string_equal(report->request.nodemask, "0-1,3");
	assert_int_equal(report->request.oom_adj, 1000);
	assert_int_equal(report->nodes[0].nid, 0);
	assert_int_equal(report->nodes[1].nid, 1);
	assert_int_equal(value_of(report->nodes[0].values, report->nodes[0].nvalues, "anon_thp"),
			 2048);
	assert_int_equal(value_of(report->nodes[0].values, report->nodes[0].nvalues, "Balloon"), 0);
	zone = meminfo_report_find(report, 0, "DMA32");
	assert_int_equal(zone->boost_kb, 2048);
	assert_int_equal(zone->reserved_highatomic_kb, 2048);
	assert_int_equal(zone->free_highatomic_kb, 1920);
	assert_int_equal(zone->managed_kb, 949000);
	assert_int_equal(zone->free_pcp_kb, 40);
	assert_int_equal(zone->local_pcp_kb, 20);
	assert_int_equal(zone->free_cma_kb, 0);
	assert_true(zone->has & MEMINFO_ZONE_FREE_CMA);
	assert_int_equal(zone->types[0], MEMINFO_TYPE_UNMOVABLE | MEMINFO_TYPE_MOVABLE |
						 MEMINFO_TYPE_RECLAIMABLE |
						 MEMINFO_TYPE_HIGHATOMIC);
	assert_int_equal(report->nhugepages, 2);
	assert_int_equal(report->hugepages[0].total, 4);
	assert_int_equal(report->hugepages[0].free, 3);
	assert_int_equal(report->hugepages[0].surplus, 1);
	assert_int_equal(report->hugepages[0].size_kb, 1048576);
	assert_true(report->has & MEMINFO_REPORT_HWPOISON);
	meminfo_reports_deinit(&reports);
}

static void without_numa(void **state)
{
	struct meminfo_reports reports;
	const struct meminfo_report *report;

	(void)state;
	parse_version("5.10", &reports);
	report = &reports.reports[0];
	assert_non_null(meminfo_report_find(report, NID_NONE, "HighMem"));
	assert_null(meminfo_report_find(report, 0, "HighMem"));
	assert_int_equal(report->highmem_pages, 196608);
	assert_int_equal(report->cma_pages, 8192);
	assert_string_equal(report->request.nodemask, "(null)");
	meminfo_reports_deinit(&reports);
}

static void requests(void **state)
{
	static const struct {
		const char *line;
		enum meminfo_request_kind kind;
		uint32_t has, order;
		uint64_t gfp;
		const char *comm, *gfp_text, *nodemask;
	} cases[] = {
		{ "a b: page allocation failure. order:4, mode:0x20", MEMINFO_REQUEST_PAGE_ALLOC,
		  MEMINFO_REQUEST_ORDER | MEMINFO_REQUEST_GFP, 4, 0x20, "a b", "", "" },
		{ "x: page allocation stalls for 10004ms, order:1, mode:0x1(A|B), nodemask=0,2,"
		  "cpuset=/",
		  MEMINFO_REQUEST_STALL,
		  MEMINFO_REQUEST_ORDER | MEMINFO_REQUEST_GFP | MEMINFO_REQUEST_GFP_TEXT |
			  MEMINFO_REQUEST_NODEMASK,
		  1, 1, "x", "A|B", "0,2" },
		{ "x: vmalloc: allocation failure: 8589934588 bytes, mode:0x14080c0(), "
		  "nodemask=(null)",
		  MEMINFO_REQUEST_VMALLOC,
		  MEMINFO_REQUEST_GFP | MEMINFO_REQUEST_GFP_TEXT | MEMINFO_REQUEST_NODEMASK, 0,
		  0x14080c0, "x", "", "(null)" },
		{ "x:1: vmalloc error: size 2097152, page order 9, failed to allocate pages, "
		  "mode:0xcc2(GFP_KERNEL|__GFP_HIGHMEM)",
		  MEMINFO_REQUEST_VMALLOC,
		  MEMINFO_REQUEST_ORDER | MEMINFO_REQUEST_GFP | MEMINFO_REQUEST_GFP_TEXT, 9, 0xcc2,
		  "x:1", "GFP_KERNEL|__GFP_HIGHMEM", "" },
		{ "x: vmemmap alloc failure: order:9, mode:0x4cc0", MEMINFO_REQUEST_PAGE_ALLOC,
		  MEMINFO_REQUEST_ORDER | MEMINFO_REQUEST_GFP, 9, 0x4cc0, "x", "", "" },
		{ "[3:  y:22875] y: page allocation failure: order:0, mode:0x480020",
		  MEMINFO_REQUEST_PAGE_ALLOC, MEMINFO_REQUEST_ORDER | MEMINFO_REQUEST_GFP, 0,
		  0x480020, "y", "", "" },
		{ "x invoked oom-killer: gfp_mask=0x1ffffffffffffffff, order=-1",
		  MEMINFO_REQUEST_OOM, 0, 0, 0, "x", "", "" },
		{ "we saw that it invoked oom-killer again", MEMINFO_REQUEST_NONE, 0, 0, 0, "", "",
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct meminfo_reports reports;
		const struct meminfo_request *request;
		char text[512];

		/* A space, as a bracket would be a time stamp. */
		snprintf(text, sizeof(text), " %s\nCall Trace:\nMem-Info:\nfree:5\n",
			 cases[i].line);
		parse(text, strlen(text), &reports);
		assert_int_equal(reports.nreports, 1);
		request = &reports.reports[0].request;
		if (request->kind != cases[i].kind || request->has != cases[i].has ||
		    request->order != cases[i].order || request->gfp != cases[i].gfp ||
		    strcmp(request->comm, cases[i].comm) != 0 ||
		    strcmp(request->gfp_text, cases[i].gfp_text) != 0 ||
		    strcmp(request->nodemask, cases[i].nodemask) != 0)
			fail_msg("%s: kind %d, has %x, order %u, gfp %llx '%s' '%s' '%s'",
				 cases[i].line, (int)request->kind, request->has, request->order,
				 (unsigned long long)request->gfp, request->comm, request->gfp_text,
				 request->nodemask);
		meminfo_reports_deinit(&reports);
	}
}

/* Wrapped after so many bytes, with a tab before the rest, or at a blank that is gone. */
static void wrapped(void **state)
{
	static const char text[] = "[    1.000000] x invoked oom-killer:\n"
				   "gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0,\n"
				   "oom_score_adj=7\n"
				   "[    1.000000] Mem-Info:\n"
				   "[    1.000000] Node 0 active_anon:360kB inactive_anon:26\n"
				   "96kB all_unreclaimable?\n"
				   "yes\n"
				   "[    1.000000] Node 0 DMA free:828kB min:14\n"
				   "\t64kB low:1572kB prese\n"
				   "\tnt:32768kB managed:12232kB\n"
				   "free_cma:4kB\n"
				   "[    1.000000] lowmem_reserve[]: 0 5\n"
				   "[    1.000000] Node 0 DMA: 3*4kB (UM) 2*8kB\n"
				   "(UM) 2*16kB (M) 0*32k\n"
				   "B = 60kB\n"
				   "and words that have nothing to do with it\n";
	struct meminfo_reports reports;
	const struct meminfo_report *report;
	const struct meminfo_report_zone *zone;

	(void)state;
	parse(text, sizeof(text) - 1, &reports);
	assert_int_equal(reports.nreports, 1);
	report = &reports.reports[0];
	assert_int_equal(report->request.gfp, 0x100cca);
	assert_int_equal(report->request.oom_adj, 7);
	assert_int_equal(report->unknown_lines, 0);
	assert_int_equal(report->unknown_fields, 0);
	assert_int_equal(report->end, 15);
	assert_int_equal(report->nodes[0].nvalues, 3);
	assert_int_equal(report->nodes[0].values[1].value, 2696);
	assert_int_equal(report->nodes[0].values[2].value, 1);
	zone = meminfo_report_find(report, 0, "DMA");
	assert_int_equal(zone->min_kb, 1464);
	assert_int_equal(zone->present_kb, 32768);
	assert_int_equal(zone->free_cma_kb, 4);
	assert_int_equal(zone->norders, 4);
	assert_int_equal(zone->types[1], MEMINFO_TYPE_UNMOVABLE | MEMINFO_TYPE_MOVABLE);
	assert_int_equal(zone->free_list_kb, 60);
	meminfo_reports_deinit(&reports);
}

/* A request that is cut within its first words, and one that a mail quotes from a later place of the log. */
static void quoted(void **state)
{
	static const char *const heads[] = {
		"[    2.000000] a b invoked\noom-killer: gfp_mask=0xcc0,\norder=3\n",
		"[    2.000000] a b: page\nallocation failure: order:3,\nmode:0xcc0\n",
		"[    2.000000] a b: page allocation\nfailure: order:3, mode:0xcc0\n",
		"[    2.000000] a b: vmalloc\nerror: size 4096, page order 3,\nmode:0xcc0\n",
	};
	struct log_line lines[8] = { 0 };
	struct meminfo_reports reports;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		snprintf(text, sizeof(text),
			 "[    1.000000] Call Trace:\n%s[    2.000000] Mem-Info:\n", heads[i]);
		parse(text, strlen(text), &reports);
		assert_int_equal(reports.nreports, 1);
		assert_int_equal(reports.nalone, 0);
		assert_string_equal(reports.reports[0].request.comm, "a b");
		assert_int_equal(reports.reports[0].request.order, 3);
		assert_int_equal(reports.reports[0].request.gfp, 0xcc0);
		meminfo_reports_deinit(&reports);
	}
	/* Words that end so and go on otherwise are none. */
	parse("[ 1.0] nobody invoked\nit: free 5kB\n[ 1.0] Mem-Info:\n", 52, &reports);
	assert_int_equal(reports.reports[0].request.kind, MEMINFO_REQUEST_NONE);
	meminfo_reports_deinit(&reports);

	for (uint64_t late = 0; late < 2; late++) {
		static const char said[] = "a invoked oom-killer: gfp_mask=0xcc0, order=1\n"
					   "Mem-Info:\n4 pages RAM\n";
		size_t n = split(said, sizeof(said) - 1, lines);

		for (size_t i = 0; i < n; i++)
			lines[i].has_time = true;
		lines[0].time_ns = 3000000000 + late;
		lines[1].time_ns = 2000000000;
		check_ok(meminfo_reports_parse(lines, n, &reports));
		assert_int_equal(reports.nalone, late);
		assert_int_equal(reports.reports[0].request.kind,
				 late ? MEMINFO_REQUEST_NONE : MEMINFO_REQUEST_OOM);
		meminfo_reports_deinit(&reports);
	}
}

/* Where one report ends and another begins. */
static void borders(void **state)
{
	static const char text[] = "Mem-Info:\n"
				   "free:5\n"
				   "x invoked oom-killer: gfp_mask=0x1, order=3\n"
				   "free:6\n"
				   "Mem-Info:\n"
				   "free:7 free_pcp:8\\x0a free_cma:9\n"
				   "not a line of it\n"
				   "Normal free:99999999999999999999kB min:5kB\n"
				   "Normal free:8kB\n"
				   "Normal free:9kB\n"
				   "Normal: 1*4kB 1*16kB = 20kB\n"
				   "DMA: 1*4kB (U) (M) 1*8kB = 12kB\n"
				   "4 pages RAM\n"
				   "Mem-Info:\n"
				   "1 pages RAM\n"
				   "Linux version 6.1.0\n"
				   "9 pages reserved\n";
	struct meminfo_reports reports;
	const struct meminfo_report *report;
	char *many;

	(void)state;
	parse(text, sizeof(text) - 1, &reports);
	assert_int_equal(reports.nreports, 3);
	assert_int_equal(reports.reports[0].request.kind, MEMINFO_REQUEST_NONE);
	assert_int_equal(reports.reports[0].ntotals, 1);
	assert_int_equal(reports.reports[0].end, 2);
	report = &reports.reports[1];
	assert_int_equal(report->request.order, 3);
	assert_int_equal(report->first, 4);
	assert_int_equal(report->end, 13);
	assert_int_equal(report->ntotals, 3);
	assert_int_equal(report->totals[2].value, 9);
	assert_int_equal(report->unknown_lines, 2);
	assert_int_equal(report->first_unknown_line, 7);
	/* Neither a number that does not fit nor an order that is missing is made up. */
	assert_int_equal(report->zones[0].has & MEMINFO_ZONE_FREE, MEMINFO_ZONE_FREE);
	assert_int_equal(report->zones[0].free_kb, 8);
	assert_int_equal(report->zones[0].norders, 1);
	assert_int_equal(report->zones[1].norders, 1);
	assert_int_equal(report->zones[1].types[0], MEMINFO_TYPE_UNMOVABLE);
	assert_int_equal(report->unknown_fields, 3);
	/* A request is taken by one report only, and a new kernel ends a report. */
	assert_int_equal(reports.reports[2].request.kind, MEMINFO_REQUEST_NONE);
	assert_int_equal(reports.reports[2].has, MEMINFO_REPORT_RAM);
	meminfo_reports_deinit(&reports);

	parse("nothing\n", 8, &reports);
	assert_int_equal(reports.nreports, 0);
	meminfo_reports_deinit(&reports);
	parse("", 0, &reports);
	assert_int_equal(reports.nreports, 0);

	/* What comes long after is not a part of it. */
	many = malloc(3000);
	strcpy(many, "Mem-Info:\nfree:1\n4 pages RAM\n");
	for (int i = 0; i < 20; i++)
		strcat(many, "something else\n");
	strcat(many, "free:2\n");
	parse(many, strlen(many), &reports);
	assert_int_equal(reports.reports[0].ntotals, 1);
	assert_int_equal(reports.reports[0].end, 3);
	assert_int_equal(reports.reports[0].unknown_lines, 0);
	meminfo_reports_deinit(&reports);
	free(many);
}

/* Requests that no report follows: before another request, too far away, and at the end. */
static void alone(void **state)
{
	char text[8192] = "a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=1\n"
			  "b invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=2\n"
			  "Mem-Info:\n"
			  "4 pages RAM\n"
			  "c: page allocation failure: order:3, mode:0xcc0(GFP_KERNEL)\n";
	struct meminfo_reports reports;

	(void)state;
	for (int i = 0; i < 600; i++)
		strcat(text, "call\n");
	strcat(text, "Mem-Info:\nd invoked oom-killer: gfp_mask=0xcc0, order=4\n");
	parse(text, strlen(text), &reports);
	assert_int_equal(reports.nreports, 2);
	assert_string_equal(reports.reports[0].request.comm, "b");
	assert_int_equal(reports.reports[1].request.kind, MEMINFO_REQUEST_NONE);
	assert_int_equal(reports.nalone, 3);
	for (uint32_t i = 0; i < 3; i++) {
		const struct meminfo_report *report = &reports.alone[i];

		assert_int_equal(report->request.order, i ? i + 2 : 1);
		assert_int_equal(report->line, 0);
		assert_int_equal(report->nzones, 0);
		assert_true(report->first == report->end &&
			    report->first + 1 == report->request.line);
	}
	assert_string_equal(reports.alone[0].request.gfp_text, "GFP_KERNEL");
	assert_string_equal(reports.alone[2].request.comm, "d");
	meminfo_reports_deinit(&reports);
}

/* More of everything than a kernel prints: kept up to a limit, the rest is counted. */
static void limits(void **state)
{
	struct meminfo_reports reports;
	const struct meminfo_report *report;
	char *text = malloc(100000), *p = text;

	(void)state;
	p += sprintf(p, "Mem-Info:\nfree:0");
	for (int i = 1; i < 300; i++)
		p += sprintf(p, " free:%d", i);
	p += sprintf(p, "\nNormal free:1kB\nlowmem_reserve[]:");
	for (int i = 0; i < 100; i++)
		p += sprintf(p, " %d", i);
	p += sprintf(p, "\nNormal:");
	for (int i = 0; i < 40; i++)
		p += sprintf(p, " 1*%llukB", 4ULL << i);
	p += sprintf(p, "\n");
	parse(text, (size_t)(p - text), &reports);
	report = &reports.reports[0];
	assert_int_equal(report->ntotals, 256);
	assert_int_equal(report->totals[255].value, 255);
	assert_int_equal(report->zones[0].nlowmem_reserve, 64);
	assert_int_equal(report->zones[0].norders, MEMINFO_REPORT_ORDERS_MAX);
	assert_int_equal(report->unknown_fields, 300 - 256 + 1 + 1);
	meminfo_reports_deinit(&reports);

	/* A line that seems to be wrapped over and over, in long pieces and in many. */
	for (int bytes = 10; bytes <= 3000; bytes += 2990) {
		p = text + sprintf(text, "[    1.000000] Mem-Info:\n[    1.000000] Node 0 a:1kB");
		for (int i = 0; i < 30; i++)
			p += sprintf(p, "\nb:%0*dkB", bytes, i);
		parse(text, (size_t)(p - text), &reports);
		report = &reports.reports[0];
		assert_int_equal(report->nnodes, 1);
		assert_int_equal(report->nodes[0].nvalues, bytes == 10 ? 24 : 3);
		meminfo_reports_deinit(&reports);
	}
	free(text);
}

static void read_any(const uint8_t *data, size_t len)
{
	static struct log_line lines[LINES_MAX];
	struct meminfo_reports reports;
	size_t n = split((const char *)data, len, lines);
	uint64_t sum = 0;

	check_ok(meminfo_reports_parse(lines, n, &reports));
	for (size_t i = 0; i < reports.nreports; i++) {
		const struct meminfo_report *report = &reports.reports[i];

		assert_true(report->first < report->end && report->end <= n);
		for (uint32_t j = 0; j < report->nzones; j++) {
			sum += strlen(report->zones[j].name);
			for (uint32_t k = 0; k < report->zones[j].nvalues; k++)
				sum += strlen(report->zones[j].values[k].name);
			for (uint32_t k = 0; k < report->zones[j].nlowmem_reserve; k++)
				sum += report->zones[j].lowmem_reserve[k];
		}
		sum += strlen(report->request.comm) + strlen(report->request.gfp_text);
	}
	(void)sum;
	meminfo_reports_deinit(&reports);
}

static void damage(void **state)
{
	static const char *const versions[] = { "2.6.32", "4.4", "5.10", "7.2" };

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		size_t len;
		char *text = read_version(versions[i], &len);

		robust_truncate(read_any, text, len);
		robust_damage(read_any, text, len, i + 1, 2000);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_era),	cmocka_unit_test(values_of_2_6_32),
		cmocka_unit_test(torn),		cmocka_unit_test(values_of_7_2),
		cmocka_unit_test(without_numa), cmocka_unit_test(requests),
		cmocka_unit_test(wrapped),	cmocka_unit_test(borders),
		cmocka_unit_test(limits),	cmocka_unit_test(damage),
		cmocka_unit_test(alone),	cmocka_unit_test(quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
