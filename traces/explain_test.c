/* SPDX-License-Identifier: MIT */
/*
 * Tests of explanations: masks, versions, zones and what binds a request, each by a report made for
 * it; all the sample reports, whole and damaged, must add up (explain_check.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/explain.h"
#include "traces/testing/check.h"
#include "traces/testing/explain_check.h"
#include "traces/testing/robust.h"

#define DATA "traces/testdata/explain/"

struct log {
	struct log_text text;
	struct explanations all;
};

static void explain_bytes(const void *data, size_t len, const struct explain_options *options,
			  struct log *ret)
{
	struct error *err;

	*ret = (struct log){ 0 };
	err = log_text_parse(data, len, &ret->text);
	/* No text at all is an error of that layer. */
	if (err) {
		error_destroy(err);
		return;
	}
	check_ok(explain_log(ret->text.lines, ret->text.nlines, options, &ret->all));
	for (size_t i = 0; i < ret->all.count; i++)
		explain_check(&ret->all.all[i], "log");
}

static const struct explanation *
explain_text(const char *text, const struct explain_options *options, struct log *ret)
{
	explain_bytes(text, strlen(text), options, ret);
	assert_true(ret->all.count > 0);
	return &ret->all.all[0];
}

static void end(struct log *log)
{
	explanations_deinit(&log->all);
	log_text_deinit(&log->text);
}

/* ---- masks ---- */

static void masks(void **state)
{
	const uint32_t wait = EXPLAIN_GFP_DIRECT_RECLAIM, high = EXPLAIN_GFP_HIGH;
	const uint32_t atomic = EXPLAIN_GFP_HIGH | EXPLAIN_GFP_ATOMIC;
	const uint32_t user = wait | EXPLAIN_GFP_HARDWALL;
	const uint32_t movable = user | EXPLAIN_GFP_HIGHMEM | EXPLAIN_GFP_MOVABLE;
	const struct {
		const char *version, *names;
		uint64_t number;
		uint32_t bits;
		bool unknown;
	} cases[] = {
		{ "2.6.32", NULL, 0x20, high, false },
		{ "2.6.32", NULL, 0xd0, wait, false },
		{ "2.6.32", "", 0x200da, movable, false },
		{ "3.10", NULL, 0x52000,
		  EXPLAIN_GFP_MEMALLOC | EXPLAIN_GFP_NOMEMALLOC | EXPLAIN_GFP_THISNODE, false },
		{ "4.4.302", NULL, 0x2080020, atomic, false },
		{ "4.4.302", NULL, 0x24200ca, movable, false },
		{ "4.19.300", NULL, 0x6000c0, wait, false },
		{ "4.19.300", NULL, 0x480020, atomic, false },
		{ "5.10.223", NULL, 0xcc0, wait, false },
		{ "5.10.223", NULL, 0xa20, atomic, false },
		{ "5.10.223", NULL, 0x1c20ca,
		  EXPLAIN_GFP_NOMEMALLOC | EXPLAIN_GFP_HARDWALL | EXPLAIN_GFP_HIGHMEM |
			  EXPLAIN_GFP_MOVABLE,
		  false },
		{ "5.10.223", NULL, 0x220cc4,
		  wait | EXPLAIN_GFP_DMA32 | EXPLAIN_GFP_MEMALLOC | EXPLAIN_GFP_THISNODE, false },
		/* Names count, not the number: both kernels mean the same. */
		{ "6.12.107", "GFP_ATOMIC|__GFP_COMP", 0, high, false },
		{ "6.1.176", "GFP_ATOMIC|__GFP_COMP", 0, atomic, false },
		{ "2.6.32", "GFP_HIGHUSER_MOVABLE|__GFP_ZERO", 0xffff, movable, false },
		{ "6.1.176", "__GFP_HIGH|__GFP_KSWAPD_RECLAIM", 0x820, high, false },
		{ "6.1.176", "GFP_KERNEL|0x8000000", 0x8000cc0, wait, false },
		{ "6.1.176", "GFP_KERNEL|__GFP_WONDER", 0, wait, true },
		{ "6.1.176", "GFP_KERNEL||__GFP_ZERO", 0, wait, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct facts facts;
		uint32_t version, bits;
		bool unknown;

		assert_true(facts_parse_version(cases[i].version, &version));
		facts_init(&facts, version);
		bits = explain_gfp_read(cases[i].number, cases[i].names, &facts, &unknown);
		if (bits != cases[i].bits || unknown != cases[i].unknown)
			fail_msg("case %zu: %#x, not %#x", i, bits, cases[i].bits);
	}
}

/* ---- versions ---- */

#define REPORT                                                                                     \
	"[    1.000000] Mem-Info:\n"                                                               \
	"[    1.000000] Node 0 Normal free:4000kB boost:0kB min:8000kB low:9000kB high:10000kB "   \
	"present:40000kB managed:40000kB\n"                                                        \
	"[    1.000000] lowmem_reserve[]: 0 0\n"                                                   \
	"[    1.000000] Node 0 Normal: 1000*4kB (UME) 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB " \
	"0*512kB 0*1024kB 0*2048kB 0*4096kB = 4000kB\n"
#define REQUEST                                                                        \
	"[    1.000000] a: page allocation failure: order:0, mode:0xcc0(GFP_KERNEL), " \
	"nodemask=(null),cpuset=/,mems_allowed=0\n"

#define OTHER "[    2.000000] CPU: 0 PID: 2 Comm: b Not tainted 5.4.7 #1\n"

static void versions(void **state)
{
	static const struct {
		const char *head; /* before REPORT */
		enum explain_source source;
		uint32_t version;
		const char *release;
		const char *tail; /* behind it */
	} cases[] = {
		{ REQUEST "[    1.000000] CPU: 0 PID: 1 Comm: a Not tainted 5.4.100 #1\n",
		  EXPLAIN_VERSION_REPORT, FACTS_VERSION(5, 4, 100), "5.4.100", NULL },
		{ REQUEST "[    1.000000] CPU: 0 UID: 0 PID: 1 Comm: a Tainted: G        W  O  "
			  "6.12.3-dirty #1\n",
		  EXPLAIN_VERSION_REPORT, FACTS_VERSION(6, 12, 3), "6.12.3-dirty", NULL },
		{ REQUEST "[    1.000000] CPU: 0 PID: 1 Comm: a Not tainted 6.1.0-13-amd64 #1 "
			  "Debian 6.1.55-1\n",
		  EXPLAIN_VERSION_REPORT, FACTS_VERSION(6, 1, 55), "6.1.0-13-amd64", NULL },
		/* linux-next is what the next release is made of. */
		{ REQUEST "[    1.000000] CPU: 0 PID: 1 Comm: a Not tainted "
			  "5.8.0-rc4-next-20200710 #1\n",
		  EXPLAIN_VERSION_REPORT, FACTS_VERSION(5, 9, 0), "5.8.0-rc4-next-20200710", NULL },
		{ REQUEST "[    1.000000] CPU: 0 PID: 1 Comm: a Not tainted "
			  "5.19.0-rc1-next-20220610 #1\n",
		  EXPLAIN_VERSION_REPORT, FACTS_VERSION(6, 0, 0), "5.19.0-rc1-next-20220610",
		  NULL },
		/* Wrapped. */
		{ REQUEST "[    1.000000] CPU: 0 PID: 1 Comm: a Not tainted\n5.15.7 #1\n",
		  EXPLAIN_VERSION_REPORT, FACTS_VERSION(5, 15, 7), "5.15.7", NULL },
		/* The report knows better than the start of the log, if it says it. */
		{ "[    0.000000] Linux version 4.4.1 (x) #1\n" REQUEST, EXPLAIN_VERSION_BANNER,
		  FACTS_VERSION(4, 4, 1), "4.4.1", NULL },
		{ "[    0.000000] Linux version 4.4.1 (x) #1\n" REQUEST
		  "[    1.000000] CPU: 0 PID: 1 Comm: a Not tainted 5.4.100 #1\n",
		  EXPLAIN_VERSION_REPORT, FACTS_VERSION(5, 4, 100), "5.4.100", NULL },
		/* Another report of the log says it: the nearest before, or else one behind. */
		{ "[    0.500000] CPU: 0 PID: 2 Comm: b Not tainted 4.9.4 #1\n"
		  "[    0.600000] CPU: 0 PID: 2 Comm: b Not tainted 4.9.5 #1\n" REQUEST,
		  EXPLAIN_VERSION_REPORT, FACTS_VERSION(4, 9, 5), "4.9.5", OTHER },
		{ "[    0.000000] Linux version 4.4.1 (x) #1\n"
		  "[    0.600000] CPU: 0 PID: 2 Comm: b Not tainted 4.4.0-22 #1\n" REQUEST,
		  EXPLAIN_VERSION_BANNER, FACTS_VERSION(4, 4, 1), "4.4.1", OTHER },
		{ REQUEST, EXPLAIN_VERSION_REPORT, FACTS_VERSION(5, 4, 7), "5.4.7", OTHER },
		/* Not told: "boost" is in the report. */
		{ REQUEST, EXPLAIN_VERSION_SHAPE, FACTS_VERSION(6, 1, 176), "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[2048];
		struct log log;
		const struct explanation *e;

		snprintf(text, sizeof(text), "%s%s%s", cases[i].head, REPORT,
			 cases[i].tail ? cases[i].tail : "");
		e = explain_text(text, NULL, &log);
		if (e->version_source != cases[i].source || e->version != cases[i].version ||
		    strcmp(e->release, cases[i].release) != 0)
			fail_msg("case %zu: source %d, version %#x, release %s", i,
				 (int)e->version_source, e->version, e->release);
		assert_int_equal(e->verdict, EXPLAIN_REFUSED);
		end(&log);
	}
}

static void given_version(void **state)
{
	struct explain_options options = { .has_version = true,
					   .version = FACTS_VERSION(4, 4, 302) };
	struct log log;
	const struct explanation *e = explain_text(
		REQUEST "[    1.0] CPU: 0 PID: 1 Comm: a Not tainted 6.1.5 #1\n" REPORT, &options,
		&log);

	(void)state;
	assert_int_equal(e->version_source, EXPLAIN_VERSION_GIVEN);
	assert_int_equal(e->version, FACTS_VERSION(4, 4, 302));
	end(&log);
}

/* ---- places in lowmem_reserve[] ---- */

/* A zone line without more than is needed, and its reserves. */
static size_t put_zone(char *text, size_t size, const char *name, const char *reserve)
{
	return (size_t)snprintf(text, size,
				"[    1.000000] %s free:400kB min:80kB low:90kB high:100kB "
				"present:40000kB managed:40000kB\n"
				"[    1.000000] lowmem_reserve[]: %s\n",
				name, reserve);
}

static void places(void **state)
{
	static const struct {
		const char *zones[3][2]; /* name, reserve */
		const char *gfp;
		enum zone_type highest;
		unsigned int rank;
		uint64_t reserve; /* of the first zone */
	} cases[] = {
		/* x86-64 with and without ZONE_DEVICE */
		{ { { "Node 0 DMA", "0 10 20 20" }, { "Node 0 DMA32", "0 0 15 15" } },
		  "GFP_KERNEL",
		  ZONE_NORMAL,
		  2,
		  20 },
		{ { { "Node 0 DMA", "0 10 20 30 30" },
		    { "Node 0 DMA32", "0 0 15 25 25" },
		    { "Node 0 Normal", "0 0 0 11 11" } },
		  "GFP_HIGHUSER_MOVABLE",
		  ZONE_MOVABLE,
		  3,
		  30 },
		{ { { "Node 0 DMA", "0 10 20 30 30" } }, "GFP_DMA32", ZONE_DMA32, 1, 10 },
		/* i386: HighMem's place is zone 2 of 4 */
		{ { { "DMA", "0 800 1900 800" },
		    { "Normal", "0 0 8900 0" },
		    { "HighMem", "0 0 0 0" } },
		  "GFP_HIGHUSER",
		  ZONE_HIGHMEM,
		  2,
		  1900 },
		{ { { "DMA", "0 800 1900 800" },
		    { "Normal", "0 0 8900 0" },
		    { "HighMem", "0 0 0 0" } },
		  "GFP_HIGHUSER_MOVABLE",
		  ZONE_MOVABLE,
		  3,
		  800 },
		/* Two zones with memory of three: which is the third shows in the places. */
		{ { { "Normal", "0 0 40960" }, { "Movable", "0 0 0" } },
		  "GFP_HIGHUSER_MOVABLE",
		  ZONE_MOVABLE,
		  2,
		  40960 },
		{ { { "Normal", "0 40960 40960" }, { "Movable", "0 0 0" } },
		  "GFP_HIGHUSER_MOVABLE",
		  ZONE_MOVABLE,
		  1,
		  40960 },
		/* Without HighMem its requests use Normal; without DMA those do. */
		{ { { "Normal", "0 0" } }, "GFP_KERNEL|__GFP_HIGHMEM", ZONE_NORMAL, 0, 0 },
		{ { { "Normal", "0 0" } }, "GFP_KERNEL|GFP_DMA", ZONE_NORMAL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[4096];
		size_t n = (size_t)snprintf(
			text, sizeof(text),
			"[    1.000000] a: page allocation failure: order:0, mode:0x0(%s), "
			"nodemask=(null)\n[    1.000000] Mem-Info:\n",
			cases[i].gfp);
		struct log log;
		const struct explanation *e;
		bool found = false;

		for (size_t z = 0; z < 3 && cases[i].zones[z][0]; z++)
			n += put_zone(text + n, sizeof(text) - n, cases[i].zones[z][0],
				      cases[i].zones[z][1]);
		e = explain_text(text, NULL, &log);
		if (e->highest != cases[i].highest || e->highest_rank != cases[i].rank)
			fail_msg("case %zu: up to %s, place %u", i, zone_type_name(e->highest),
				 e->highest_rank);
		for (uint32_t z = 0; z < e->nzones; z++) {
			if (e->zones[z].seen != &e->report->zones[0])
				continue;
			found = true;
			assert_true(e->zones[z].has_reserve);
			assert_int_equal(e->zones[z].numbers.reserve, cases[i].reserve);
		}
		assert_true(found);
		end(&log);
	}
}

/* ---- what binds a request ---- */

static void bonds(void **state)
{
	static const struct {
		const char *gfp, *where;
		enum explain_zone_state node[2];
		bool softwall;
		enum explain_verdict verdict;
	} cases[] = {
		{ "GFP_USER",
		  "nodemask=(null),cpuset=/,mems_allowed=0-1",
		  { EXPLAIN_ZONE_REFUSES, EXPLAIN_ZONE_REFUSES },
		  false,
		  EXPLAIN_REFUSED },
		{ "GFP_USER",
		  "nodemask=(null),cpuset=a,mems_allowed=1",
		  { EXPLAIN_ZONE_CPUSET, EXPLAIN_ZONE_REFUSES },
		  false,
		  EXPLAIN_REFUSED },
		/* Without __GFP_HARDWALL a cpuset gives way. */
		{ "GFP_KERNEL",
		  "nodemask=(null),cpuset=a,mems_allowed=1",
		  { EXPLAIN_ZONE_REFUSES, EXPLAIN_ZONE_REFUSES },
		  true,
		  EXPLAIN_REFUSED },
		/* What cannot wait is not bound by it. */
		{ "GFP_ATOMIC|__GFP_HARDWALL",
		  "nodemask=(null),cpuset=a,mems_allowed=1",
		  { EXPLAIN_ZONE_REFUSES, EXPLAIN_ZONE_REFUSES },
		  false,
		  EXPLAIN_REFUSED },
		{ "GFP_KERNEL",
		  "nodemask=0,cpuset=/,mems_allowed=0-1",
		  { EXPLAIN_ZONE_REFUSES, EXPLAIN_ZONE_NODEMASK },
		  false,
		  EXPLAIN_REFUSED },
		{ "GFP_KERNEL",
		  "nodemask=0,2-7,cpuset=/,mems_allowed=0-7",
		  { EXPLAIN_ZONE_REFUSES, EXPLAIN_ZONE_NODEMASK },
		  false,
		  EXPLAIN_REFUSED },
		{ "GFP_USER",
		  "nodemask=2,cpuset=/,mems_allowed=0-7",
		  { EXPLAIN_ZONE_NODEMASK, EXPLAIN_ZONE_NODEMASK },
		  false,
		  EXPLAIN_NO_ZONE_ALLOWED },
		{ "GFP_USER",
		  "nodemask=1,cpuset=/,mems_allowed=0",
		  { EXPLAIN_ZONE_NODEMASK, EXPLAIN_ZONE_CPUSET },
		  false,
		  EXPLAIN_NO_ZONE_ALLOWED },
		/* Takes what there is. */
		{ "GFP_KERNEL|__GFP_MEMALLOC",
		  "nodemask=0,cpuset=/,mems_allowed=0-1",
		  { EXPLAIN_ZONE_PASSES, EXPLAIN_ZONE_NODEMASK },
		  false,
		  EXPLAIN_PASSES },
		{ "GFP_KERNEL|__GFP_MEMALLOC|__GFP_NOMEMALLOC",
		  "nodemask=0,cpuset=/,mems_allowed=0-1",
		  { EXPLAIN_ZONE_REFUSES, EXPLAIN_ZONE_NODEMASK },
		  false,
		  EXPLAIN_REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[4096];
		size_t n = (size_t)snprintf(
			text, sizeof(text),
			"[    1.000000] a: page allocation failure: order:0, mode:0x0(%s), %s\n"
			"[    1.000000] CPU: 0 PID: 1 Comm: a Not tainted 6.12.3 #1\n"
			"[    1.000000] Mem-Info:\n",
			cases[i].gfp, cases[i].where);
		struct log log;
		const struct explanation *e;

		for (int nid = 0; nid < 2; nid++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "[    1.000000] Node %d Normal free:40kB min:8000kB "
					      "low:9000kB high:10000kB managed:40000kB\n"
					      "[    1.000000] lowmem_reserve[]: 0 0\n",
					      nid);
		e = explain_text(text, NULL, &log);
		assert_int_equal(e->nzones, 2);
		if (e->zones[0].state != cases[i].node[0] ||
		    e->zones[1].state != cases[i].node[1] || e->softwall != cases[i].softwall ||
		    e->verdict != cases[i].verdict)
			fail_msg("case %zu: %s, %s, %s", i,
				 explain_zone_state_name(e->zones[0].state),
				 explain_zone_state_name(e->zones[1].state),
				 explain_verdict_name(e->verdict));
		end(&log);
	}
}

/* ---- single zones ---- */

/* One zone with these free lists, asked for @order by a kernel. */
static const struct explanation *one_zone(const char *version, const char *gfp, unsigned int order,
					  const char *zone, const char *lists, struct log *log)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "[    1.000000] a: page allocation failure: order:%u, mode:0x0(%s), "
		 "nodemask=(null)\n"
		 "[    1.000000] CPU: 0 PID: 1 Comm: a Not tainted %s #1\n"
		 "[    1.000000] Mem-Info:\n"
		 "[    1.000000] Normal %s managed:40000kB\n"
		 "[    1.000000] lowmem_reserve[]: 0 0\n"
		 "[    1.000000] Normal: %s\n",
		 order, gfp, version, zone, lists);
	return explain_text(text, NULL, log);
}

static void kept_for_atomic(void **state)
{
	const char *zone = "free:400kB min:80kB low:90kB high:100kB";
	const char *lists = "0*4kB 10*8kB (H) 20*16kB (UH) = 400kB";
	const struct explanation *e;
	struct log log;

	(void)state;
	/* Not printed before 5.5, and overlooked by the fast check of 4.7 to 5.8. */
	e = one_zone("5.0", "GFP_KERNEL", 0, zone, lists, &log);
	assert_false(e->zones[0].highatomic_unknown);
	end(&log);
	e = one_zone("4.4.302", "GFP_KERNEL", 0, zone, lists, &log);
	assert_true(e->zones[0].highatomic_unknown);
	assert_int_equal(e->zones[0].numbers.highatomic, 0);
	end(&log);
	/* A request with the right to it does not care. */
	e = one_zone("4.4.302", "GFP_ATOMIC", 0, zone, lists, &log);
	assert_false(e->zones[0].highatomic_unknown);
	end(&log);
	/* 6.12 counts free pages: at least what stands alone, not what was reserved. */
	e = one_zone("6.12.3", "GFP_KERNEL", 0,
		     "free:400kB min:80kB low:90kB high:100kB reserved_highatomic:2048KB", lists,
		     &log);
	assert_int_equal(e->zones[0].numbers.highatomic, 20);
	assert_true(e->zones[0].highatomic_unknown);
	end(&log);
	e = one_zone("7.2", "GFP_KERNEL", 0,
		     "free:400kB min:80kB low:90kB high:100kB reserved_highatomic:2048KB "
		     "free_highatomic:200KB",
		     lists, &log);
	assert_int_equal(e->zones[0].numbers.highatomic, 50);
	assert_false(e->zones[0].highatomic_unknown);
	end(&log);
	e = one_zone("6.1.5", "GFP_KERNEL", 0,
		     "free:400kB min:80kB low:90kB high:100kB reserved_highatomic:2048KB", lists,
		     &log);
	assert_int_equal(e->zones[0].answer.highatomic, 512);
	assert_true(e->zones[0].highatomic_decides);
	end(&log);
}

/* Each remedy where it just helps, and where it just does not. */
static void remedies(void **state)
{
	static const struct {
		const char *zone, *gfp;
		bool boost, cma;
		uint64_t need_pages;
		int64_t mark_max;
	} cases[] = {
		{ "free:80kB min:80kB low:90kB high:100kB", "GFP_KERNEL", false, false, 1, 19 },
		{ "free:4kB min:80kB low:90kB high:100kB", "GFP_KERNEL", false, false, 20, 0 },
		{ "free:0kB min:80kB low:90kB high:100kB", "GFP_KERNEL", false, false, 21, -1 },
		{ "free:84kB boost:40kB min:120kB low:130kB high:140kB", "GFP_KERNEL", true, false,
		  10, 20 },
		{ "free:80kB boost:40kB min:120kB low:130kB high:140kB", "GFP_KERNEL", false, false,
		  11, 19 },
		{ "free:84kB min:80kB low:90kB high:100kB free_cma:4kB", "GFP_KERNEL", false, true,
		  1, 19 },
		{ "free:80kB min:80kB low:90kB high:100kB free_cma:4kB", "GFP_KERNEL", false, false,
		  2, 18 },
		/* Movable requests have it already. */
		{ "free:80kB min:80kB low:90kB high:100kB free_cma:4kB", "GFP_HIGHUSER_MOVABLE",
		  false, false, 1, 19 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct log log;
		const struct explain_zone *z = &one_zone("6.1.5", cases[i].gfp, 0, cases[i].zone,
							 "20*4kB (UM) = 80kB", &log)
							->zones[0];

		assert_int_equal(z->state, EXPLAIN_ZONE_REFUSES);
		if (z->boost_decides != cases[i].boost || z->cma_decides != cases[i].cma ||
		    z->need_pages != cases[i].need_pages || z->mark_max != cases[i].mark_max)
			fail_msg("case %zu: boost %d, cma %d, %u pages, min %d", i,
				 z->boost_decides, z->cma_decides, (unsigned int)z->need_pages,
				 (int)z->mark_max);
		end(&log);
	}
}

/* The lowmem reserve: 21 pages are enough without it, by one. */
static void reserve_decides(void **state)
{
	static const struct {
		const char *free;
		bool decides;
	} cases[] = { { "84kB", true }, { "80kB", false } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char text[1024];
		struct log log;
		const struct explanation *e;

		snprintf(
			text, sizeof(text),
			"[    1.000000] a: page allocation failure: order:0, mode:0x0(GFP_KERNEL)\n"
			"[    1.000000] Mem-Info:\n"
			"[    1.000000] DMA free:%s min:80kB low:90kB high:100kB managed:4000kB\n"
			"[    1.000000] lowmem_reserve[]: 0 5 5\n",
			cases[i].free);
		e = explain_text(text, NULL, &log);
		assert_int_equal(e->zones[0].state, EXPLAIN_ZONE_REFUSES);
		assert_int_equal(e->zones[0].reserve_decides, cases[i].decides);
		end(&log);
	}
}

static void lists_of_other_types(void **state)
{
	const char *zone = "free:400kB min:80kB low:90kB high:100kB";
	const struct explanation *e;
	struct log log;

	(void)state;
	/* All that is free is kept for atomic requests of higher order. */
	e = one_zone("5.10.3", "GFP_ATOMIC", 0, zone, "100*4kB (H) 0*8kB = 400kB", &log);
	assert_int_equal(e->verdict, EXPLAIN_REFUSED);
	assert_int_equal(e->zones[0].state, EXPLAIN_ZONE_LISTS);
	assert_int_equal(e->zones[0].largest_order, -1);
	assert_int_equal(e->zones[0].largest_other, 0);
	end(&log);
	/* Since 6.12 it gets them after all. */
	e = one_zone("6.12.3", "GFP_ATOMIC", 0, zone, "100*4kB (H) 0*8kB = 400kB", &log);
	assert_int_equal(e->verdict, EXPLAIN_PASSES);
	end(&log);
	/* A block of CMA is large enough, and only movable requests may have it. */
	e = one_zone("6.12.3", "GFP_KERNEL", 1, zone, "90*4kB (U) 5*8kB (C) = 400kB", &log);
	assert_int_equal(e->zones[0].state, EXPLAIN_ZONE_REFUSES);
	assert_int_equal(e->zones[0].answer.refusal, WATERMARK_NO_BLOCK);
	assert_int_equal(e->zones[0].largest_other, 1);
	end(&log);
	e = one_zone("6.12.3", "GFP_HIGHUSER_MOVABLE", 1, zone, "90*4kB (U) 5*8kB (C) = 400kB",
		     &log);
	assert_int_equal(e->verdict, EXPLAIN_PASSES);
	end(&log);
	/* A list that is not whole says nothing about larger blocks. */
	e = one_zone("6.12.3", "GFP_KERNEL", 1, zone, "90*4kB (U)", &log);
	assert_int_equal(e->verdict, EXPLAIN_NO_NUMBERS);
	end(&log);
}

/* ---- all samples ---- */

static const char *const samples[] = { "2.6.32", "4.4", "5.10",	  "6.1",
				       "6.12",	 "7.2", "others", "cut" };

static void requests_without_report(void **state)
{
	static const enum explain_verdict want[] = { EXPLAIN_NO_REQUEST, EXPLAIN_NO_ZONES,
						     EXPLAIN_NO_NUMBERS, EXPLAIN_NO_REPORT };
	struct log log;
	size_t len;
	char *text = check_read(DATA "cut.txt", &len);

	(void)state;
	explain_bytes(text, len, NULL, &log);
	assert_int_equal(log.all.count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(log.all.all[i].verdict, want[i]);
		assert_false(explain_is_explained(want[i]));
	}
	end(&log);
	free(text);
}

static void read_any(const uint8_t *data, size_t len)
{
	static const struct explain_options options[] = {
		{ 0 },
		{ .has_order = true, .order = 3, .has_gfp = true, .gfp_names = "GFP_ATOMIC" },
		{ .has_version = true,
		  .version = FACTS_VERSION(2, 6, 32),
		  .has_order = true,
		  .order = 4 },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct log log;

		explain_bytes(data, len, &options[i], &log);
		end(&log);
	}
}

static void damage(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		char path[128];
		size_t len;
		char *text;

		snprintf(path, sizeof(path), DATA "%s.txt", samples[i]);
		text = check_read(path, &len);
		read_any((const uint8_t *)text, len);
		robust_damage(read_any, text, len, i + 1, 400);
		free(text);
	}
}

static void numbers_beyond_measure(void **state)
{
	struct log log;
	const struct explanation *e = one_zone(
		"6.12.3", "GFP_KERNEL", 3,
		"free:18446744073709551615kB boost:9223372036854775807kB "
		"min:18446744073709551615kB low:1kB high:18446744073709551615kB "
		"free_cma:18446744073709551615kB reserved_highatomic:18446744073709551615KB",
		"18446744073709551615*4kB (UMEHC) 18446744073709551615*8kB (H) = 4kB", &log);

	(void)state;
	assert_int_equal(e->nzones, 1);
	end(&log);
	e = one_zone("6.12.3", "GFP_KERNEL", 4000000000U, "free:4kB min:4kB", "1*4kB (U) = 4kB",
		     &log);
	assert_int_equal(e->verdict, EXPLAIN_TOO_LARGE);
	end(&log);
}

/* Up to 4.10 vmalloc told in a line of its own that it had found no range of addresses. */
static void vmalloc_before(void **state)
{
	static const struct {
		const char *before;
		enum explain_verdict verdict;
	} cases[] = {
		{ "[    1.000000] vmalloc: allocation failure: 17178820608 bytes\n",
		  EXPLAIN_NOT_PAGES },
		{ "[    1.000000] vmalloc: allocation failure: 17178820608 bytes\n"
		  "[    1.000000] b: something\n[    1.000000] c: else\n",
		  EXPLAIN_NOT_PAGES },
		{ "[    1.000000] vmalloc: allocation failure, allocated 12 of 4096 bytes\n",
		  EXPLAIN_REFUSED },
		{ "[    1.000000] vmalloc: allocation failure: 8192 bytes\n"
		  "[    1.000000] b\n[    1.000000] c\n[    1.000000] d\n[    1.000000] e\n",
		  EXPLAIN_REFUSED },
		{ "", EXPLAIN_REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct explanation *e;
		char text[4096];
		struct log log;

		snprintf(text, sizeof(text), "%s%s%s", cases[i].before, REQUEST, REPORT);
		e = explain_text(text, NULL, &log);
		assert_int_equal(log.all.count, 1);
		assert_int_equal(e->verdict, cases[i].verdict);
		assert_int_equal(e->report->request.kind, cases[i].verdict == EXPLAIN_NOT_PAGES
								  ? MEMINFO_REQUEST_VMALLOC
								  : MEMINFO_REQUEST_PAGE_ALLOC);
		if (!i)
			assert_int_equal(e->vmalloc_bytes, 17178820608);
		end(&log);
	}
}

/* What reclaim could have freed: anonymous pages only as far as swap has room. */
static void reclaimable(void **state)
{
	static const struct {
		const char *swap;
		uint64_t pages;
	} cases[] = {
		{ "", 300 },
		{ "[    1.000000] Free swap  = 0kB\n", 300 },
		{ "[    1.000000] Free swap  = 84kB\n", 321 },
		{ "[    1.000000] Free swap  = 999999kB\n", 1000 },
		/* What is in the swap cache has its place there already; it is not looked at where none is free. */
		{ "[    1.000000] 40 pages in swap cache\n[    1.000000] Free swap  = 84kB\n",
		  361 },
		{ "[    1.000000] 4000 pages in swap cache\n[    1.000000] Free swap  = 84kB\n",
		  1000 },
		{ "[    1.000000] 40 pages in swap cache\n[    1.000000] Free swap  = 0kB\n", 300 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct explanation *e;
		char text[4096];
		struct log log;

		snprintf(
			text, sizeof(text),
			"%s[    1.000000] Mem-Info:\n"
			"[    1.000000] Node 0 Normal free:4000kB min:8000kB low:9000kB high:10000kB "
			"active_anon:2000kB inactive_anon:800kB active_file:1000kB "
			"inactive_file:200kB present:40000kB managed:40000kB\n%s",
			REQUEST, cases[i].swap);
		e = explain_text(text, NULL, &log);
		assert_int_equal(e->nzones, 1);
		assert_int_equal(e->zones[0].reclaimable_pages, cases[i].pages);
		end(&log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vmalloc_before),
		cmocka_unit_test(reclaimable),
		cmocka_unit_test(masks),
		cmocka_unit_test(versions),
		cmocka_unit_test(given_version),
		cmocka_unit_test(places),
		cmocka_unit_test(bonds),
		cmocka_unit_test(kept_for_atomic),
		cmocka_unit_test(remedies),
		cmocka_unit_test(reserve_decides),
		cmocka_unit_test(lists_of_other_types),
		cmocka_unit_test(requests_without_report),
		cmocka_unit_test(damage),
		cmocka_unit_test(numbers_beyond_measure),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
