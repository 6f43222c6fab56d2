/* SPDX-License-Identifier: MIT */
/*
 * For each report: (1) which kernel, (2) what it says around the report, (3) the request, (4) the
 * places of zones in lowmem_reserve[], (5) every zone's numbers, and its answer, (6) the verdict.
 */
#include "traces/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/alloc_flags.h"
#include "engine/gfp.h"
#include "engine/units.h"
#include "traces/grow.h"
#include "traces/scan.h"

/* Where a report has no end, the lines after its beginning that may still belong to it. */
#define TAIL_LINES 400
/* More pages than any machine has: what a damaged log says beyond that counts as that. */
#define PAGES_MAX ((uint64_t)1 << 52)
#define PAGE_KB_MAX 1024
/* Orders of kernels are below this. */
#define ORDERS_MAX 32
_Static_assert(MEMINFO_REPORT_ORDERS_MAX <= ORDERS_MAX, "a bit for each order");
/* A report without its request: how far back its kernel may be named. */
#define BACK_LINES 80

const char *explain_verdict_name(enum explain_verdict verdict)
{
	static const char *const names[EXPLAIN_VERDICT_COUNT] = {
		[EXPLAIN_REFUSED] = "refused",
		[EXPLAIN_PASSES] = "passes",
		[EXPLAIN_NO_ZONE_ALLOWED] = "no_zone_allowed",
		[EXPLAIN_MEMCG] = "memcg",
		[EXPLAIN_SYSRQ] = "sysrq",
		[EXPLAIN_PAGE_FAULT] = "page_fault",
		[EXPLAIN_NOT_PAGES] = "not_pages",
		[EXPLAIN_TOO_LARGE] = "too_large",
		[EXPLAIN_NO_LOW_ZONE] = "no_low_zone",
		[EXPLAIN_NO_REQUEST] = "no_request",
		[EXPLAIN_NO_REPORT] = "no_report",
		[EXPLAIN_NO_ZONES] = "no_zones",
		[EXPLAIN_NO_NUMBERS] = "no_numbers",
	};

	return names[verdict];
}

bool explain_is_explained(enum explain_verdict verdict)
{
	return verdict < EXPLAIN_NO_REQUEST;
}

const char *explain_zone_state_name(enum explain_zone_state state)
{
	static const char *const names[EXPLAIN_ZONE_STATE_COUNT] = {
		[EXPLAIN_ZONE_REFUSES] = "refuses",   [EXPLAIN_ZONE_LISTS] = "no_list",
		[EXPLAIN_ZONE_PASSES] = "passes",     [EXPLAIN_ZONE_ABOVE] = "above",
		[EXPLAIN_ZONE_NODEMASK] = "nodemask", [EXPLAIN_ZONE_CPUSET] = "cpuset",
		[EXPLAIN_ZONE_UNKNOWN] = "unknown",
	};

	return names[state];
}

/* ---- what stands around a report --------------------------------------------------------------- */

struct reader {
	const struct log_line *lines;
	size_t nlines;
	const struct explain_options *options;
	size_t from, to; /* lines of this report, and those that may belong to it */
};

static struct scan line_scan(const struct reader *r, size_t at)
{
	return scan_of(r->lines[at].text, r->lines[at].len);
}

static void copy_text(char *ret, size_t size, struct scan_str str)
{
	size_t len = str.len < size - 1 ? str.len : size - 1;

	memcpy(ret, str.p, len);
	ret[len] = '\0';
}

/* "0", "0-3", "0,2-3": one byte or more of digits, commas and hyphens. */
static bool read_node_list(struct scan s, struct scan_str *ret)
{
	const char *start = s.p;

	while (!scan_done(&s) && (scan_is_digit(*s.p) || *s.p == '-' || *s.p == ','))
		s.p++;
	while (s.p > start && !scan_is_digit(s.p[-1]))
		s.p--;
	*ret = (struct scan_str){ start, (size_t)(s.p - start) };
	return ret->len && scan_is_digit(*start);
}

static bool list_has(const char *list, int32_t nid)
{
	struct scan s = scan_of(list, strlen(list));
	int64_t node = nid == NID_NONE ? 0 : nid;
	uint32_t first, last;

	while (scan_u32(&s, &first)) {
		last = first;
		if (scan_char(&s, '-') && !scan_u32(&s, &last))
			return false;
		if (node >= first && node <= last)
			return true;
		if (!scan_char(&s, ','))
			break;
	}
	return false;
}

/* linux-next is what the following release is made of. */
static uint32_t version_after(uint32_t version)
{
	/* The last of each first number. */
	static const uint32_t last[] = { FACTS_VERSION(3, 19, 0), FACTS_VERSION(4, 20, 0),
					 FACTS_VERSION(5, 19, 0), FACTS_VERSION(6, 19, 0) };
	uint32_t series = version & 0xffff0000;

	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++)
		if (series == last[i])
			return ((series >> 24) + 1) << 24;
	return series + FACTS_VERSION(0, 1, 0);
}

/* "Linux version 6.1.0-13-amd64 (...) ... Debian 6.1.55-1": what the name says after "Debian" counts. */
static bool read_release(struct scan s, struct explanation *e)
{
	struct scan_str word;
	uint32_t version;
	char text[sizeof(e->release)];

	while (scan_ws(&s) && scan_word(&s, &word)) {
		if (!scan_is_digit(*word.p))
			continue;
		copy_text(text, sizeof(text), word);
		if (!facts_parse_version(text, &version))
			continue;
		memcpy(e->release, text, sizeof(text));
		e->version = strstr(text, "-next-") ? version_after(version) : version;
		while (scan_ws(&s) && scan_word(&s, &word)) {
			if (!scan_str_eq(word, "Debian"))
				continue;
			if (scan_ws(&s) && scan_word(&s, &word)) {
				copy_text(text, sizeof(text), word);
				if (facts_parse_version(text, &version))
					e->version = version;
			}
			break;
		}
		return true;
	}
	return false;
}

/* "CPU: 2 PID: 12944 Comm: kworker/2:0 Not tainted 5.0.10 #1"; a mail program may have wrapped it. */
static bool read_tainted(const struct reader *r, size_t at, struct explanation *e)
{
	struct scan s = line_scan(r, at);

	if (!scan_past(&s, "ainted"))
		return false;
	scan_char(&s, ':');
	if (!read_release(s, e) &&
	    (at + 1 >= r->nlines || r->lines[at + 1].flags & LOG_LINE_PREFIXED ||
	     !read_release(line_scan(r, at + 1), e)))
		return false;
	e->version_line = r->lines[at].line;
	return true;
}

static bool has_value(const struct meminfo_report_value *values, uint32_t n, const char *name)
{
	uint64_t value;

	return meminfo_report_value_of(values, n, name, &value);
}

/* The era that prints such reports; of several the one whose rules are in the middle. */
static const char *shape_of(const struct meminfo_report *report)
{
	const struct meminfo_report_zone *zone = report->nzones ? &report->zones[0] : NULL;
	uint32_t has = 0;

	for (uint32_t i = 0; i < report->nzones; i++)
		has |= report->zones[i].has;
	if (has & MEMINFO_ZONE_FREE_HIGHATOMIC)
		return "7.2";
	if ((has & MEMINFO_ZONE_BOOST) ||
	    has_value(report->totals, report->ntotals, "sec_pagetables"))
		return "6.1";
	if (has & MEMINFO_ZONE_RESERVED_HIGHATOMIC)
		return "5.10";
	if (report->nnodes)
		return "4.19";
	if (has & MEMINFO_ZONE_FREE_PCP)
		return "4.4";
	if (zone && (has & MEMINFO_ZONE_MANAGED))
		return "3.10";
	return zone ? "2.6.32" : "6.1";
}

/* The kernel that line @i names: the first line of a boot, or a report of whatever. */
static bool read_banner(const struct reader *r, size_t i, struct explanation *e)
{
	struct scan s = line_scan(r, i);

	if (!scan_lit(&s, "Linux version ") || !read_release(s, e))
		return false;
	e->version_source = EXPLAIN_VERSION_BANNER;
	e->version_line = r->lines[i].line;
	return true;
}

static bool read_other_report(const struct reader *r, size_t i, struct explanation *e)
{
	e->version_source = EXPLAIN_VERSION_REPORT;
	return read_tainted(r, i, e);
}

static void find_version(const struct reader *r, struct explanation *e)
{
	size_t first = e->report->first, from = r->from;

	/* Without its first line, the report begins before Mem-Info all the same. */
	if (e->report->request.kind == MEMINFO_REQUEST_NONE)
		from = first - (first < BACK_LINES ? first : BACK_LINES);
	for (size_t i = from; i < r->to && (i <= first || e->report->line == 0); i++) {
		struct scan s = line_scan(r, i);

		if (e->report->request.kind == MEMINFO_REQUEST_NONE && scan_lit(&s, "Mem-Info:") &&
		    i < first)
			continue;
		if (read_tainted(r, i, e)) {
			e->version_source = EXPLAIN_VERSION_REPORT;
			goto out;
		}
	}
	for (size_t i = r->from; i-- > 0;)
		if (read_banner(r, i, e))
			goto out;
	/* What the log says elsewhere is of the same machine: the nearest before, or else the first behind. */
	for (size_t i = r->from; i-- > 0;)
		if (read_other_report(r, i, e))
			goto out;
	for (size_t i = e->report->end; i < r->nlines; i++)
		if (read_banner(r, i, e) || read_other_report(r, i, e))
			goto out;
	e->version_source = EXPLAIN_VERSION_SHAPE;
	facts_parse_version(shape_of(e->report), &e->version);
out:
	if (r->options->has_version) {
		e->version = r->options->version;
		e->version_source = EXPLAIN_VERSION_GIVEN;
	}
	if (r->options->facts)
		r->options->facts(r->options->ctx, e->version, &e->facts);
	else
		facts_init(&e->facts, e->version);
}

static void read_context_line(struct scan line, struct explanation *e, bool *memcg)
{
	struct scan s = line;
	struct scan_str str;

	if (scan_past(&s, "mems_allowed=") && read_node_list(s, &str))
		copy_text(e->mems_allowed, sizeof(e->mems_allowed), str);
	s = line;
	if (scan_past(&s, "nodemask=") && read_node_list(s, &str))
		copy_text(e->nodemask, sizeof(e->nodemask), str);
	s = line;
	if (scan_past(&s, "constraint=CONSTRAINT_") && scan_name(&s, &str))
		copy_text(e->constraint, sizeof(e->constraint), str);
	s = line;
	if (scan_past(&s, "Memory cgroup out of memory") ||
	    scan_past(&s, " killed as a result of limit of "))
		*memcg = true;
	s = line;
	if (scan_lit(&s, "memory: usage ") && scan_dec(&s, &e->memcg_usage_kb) &&
	    scan_lit(&s, "kB, limit ") && scan_dec(&s, &e->memcg_limit_kb))
		*memcg = true;
}

static bool request_line_says(const struct reader *r, const char *text)
{
	/* Where the line was wrapped, in what follows. */
	for (size_t i = r->from; i < r->to && i < r->from + 4; i++) {
		struct scan s = line_scan(r, i);

		if (scan_past(&s, text))
			return true;
	}
	return false;
}

/* "vmalloc: allocation failure: 8589934588 bytes", "vmalloc error: size 4096, exceeds total pages" */
static bool is_vmalloc_alone(const struct reader *r, struct explanation *e)
{
	struct scan s;

	if (e->report->request.kind != MEMINFO_REQUEST_VMALLOC)
		return false;
	s = line_scan(r, r->from);
	if (scan_past(&s, "allocation failure: ") && scan_dec(&s, &e->vmalloc_bytes))
		return true;
	/* Up to 4.10 it was a line of its own before the request's. */
	for (size_t i = r->from; i > 0 && i + MEMINFO_VMALLOC_LINES > r->from; i--) {
		s = line_scan(r, i - 1);
		if (scan_lit(&s, "vmalloc: allocation failure: ") &&
		    scan_dec(&s, &e->vmalloc_bytes))
			return true;
	}
	s = line_scan(r, r->from);
	if (scan_past(&s, "size ") && scan_dec(&s, &e->vmalloc_bytes))
		return request_line_says(r, "exceeds total pages") ||
		       request_line_says(r, "vm_struct allocation failed");
	return false;
}

/* ---- the request ------------------------------------------------------------------------------- */

static void read_request(const struct reader *r, struct explanation *e)
{
	const struct meminfo_request *request = &e->report->request;
	const struct explain_options *o = r->options;
	const char *names = request->has & MEMINFO_REQUEST_GFP_TEXT ? request->gfp_text : "";
	struct alloc_gfp gfp;

	e->replaced = o->has_order || o->has_gfp;
	e->has_order = o->has_order || request->has & MEMINFO_REQUEST_ORDER;
	e->order = o->has_order ? o->order : request->order;
	e->has_gfp = o->has_gfp || request->has & MEMINFO_REQUEST_GFP;
	e->gfp = request->gfp;
	if (o->has_gfp) {
		e->gfp = o->gfp;
		names = o->gfp_names ? o->gfp_names : "";
	}
	copy_text(e->gfp_names, sizeof(e->gfp_names), (struct scan_str){ names, strlen(names) });
	if (!e->nodemask[0] && scan_is_digit(request->nodemask[0]))
		copy_text(e->nodemask, sizeof(e->nodemask),
			  (struct scan_str){ request->nodemask, strlen(request->nodemask) });
	e->gfp_bits = explain_gfp_read(e->gfp, names, &e->facts, &e->gfp_unknown);
	gfp = (struct alloc_gfp){
		.high = e->gfp_bits & EXPLAIN_GFP_HIGH,
		.atomic = e->gfp_bits & EXPLAIN_GFP_ATOMIC,
		.can_wait = e->gfp_bits & EXPLAIN_GFP_DIRECT_RECLAIM,
		.nomemalloc = e->gfp_bits & EXPLAIN_GFP_NOMEMALLOC,
		.memalloc = e->gfp_bits & EXPLAIN_GFP_MEMALLOC,
		.movable = e->gfp_bits & EXPLAIN_GFP_MOVABLE,
	};
	e->alloc_flags = alloc_flags_slow(&e->facts, &gfp, e->order);
	e->types = alloc_flags_types(&e->facts, e->alloc_flags, e->order);
}

/* ---- places of zones in lowmem_reserve[] ------------------------------------------------------- */

/*
 * How well a kernel with the zones of @mask fits what was printed: -1 if not at all, else the number
 * of places where a zone with memory is protected from, as it should be.
 */
static int mask_fits(const struct meminfo_report *report, uint32_t mask)
{
	int fits = 0;

	for (uint32_t i = 0; i < report->nzones; i++) {
		const struct meminfo_report_zone *z = &report->zones[i];
		enum zone_type type;
		unsigned int rank;

		if (!zone_type_parse(z->name, strlen(z->name), &type))
			continue;
		if (!(mask >> type & 1))
			return -1;
		rank = zone_rank(mask, type);
		for (unsigned int j = 0; j <= rank && j < z->nlowmem_reserve; j++)
			if (z->lowmem_reserve[j])
				return -1;
		for (uint32_t k = 0; k < report->nzones; k++) {
			const struct meminfo_report_zone *other = &report->zones[k];
			enum zone_type above;

			if (other->nid != z->nid ||
			    !zone_type_parse(other->name, strlen(other->name), &above) ||
			    above <= type || !(mask >> above & 1))
				continue;
			if (zone_rank(mask, above) < z->nlowmem_reserve &&
			    z->lowmem_reserve[zone_rank(mask, above)])
				fits++;
		}
	}
	return fits;
}

/* The zones this kernel is built with: as many as lowmem_reserve[] has entries, if that was printed. */
static uint32_t find_zones_mask(const struct meminfo_report *report)
{
	/* What may be there without memory, the likeliest first. */
	static const uint32_t extras[] = {
		0,
		1U << ZONE_DEVICE,
		1U << ZONE_DMA32,
		1U << ZONE_DMA,
		1U << ZONE_DMA | 1U << ZONE_DMA32,
		1U << ZONE_DMA | 1U << ZONE_DEVICE,
		1U << ZONE_DMA32 | 1U << ZONE_DEVICE,
		1U << ZONE_DMA | 1U << ZONE_DMA32 | 1U << ZONE_DEVICE,
		1U << ZONE_HIGHMEM,
		1U << ZONE_HIGHMEM | 1U << ZONE_DMA,
	};
	uint32_t seen = 1U << ZONE_NORMAL | 1U << ZONE_MOVABLE, places = 0, best = 0;
	int best_fits = -1;

	for (uint32_t i = 0; i < report->nzones; i++) {
		const struct meminfo_report_zone *z = &report->zones[i];
		enum zone_type type;

		if (zone_type_parse(z->name, strlen(z->name), &type))
			seen |= 1U << type;
		if (z->nlowmem_reserve > places)
			places = z->nlowmem_reserve;
	}
	for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
		uint32_t mask = seen | extras[i], count = 0;
		int fits = mask_fits(report, mask);

		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
			count += mask >> t & 1;
		if ((!places || count == places) && fits > best_fits) {
			best_fits = fits;
			best = mask;
		}
	}
	return best ? best : seen;
}

/* The highest zone the request may use.  Masks that contradict themselves are told as not known. */
static enum zone_type highest_zone(struct explanation *e, uint32_t mask)
{
	uint32_t gfp = e->gfp_bits & (EXPLAIN_GFP_DMA | EXPLAIN_GFP_HIGHMEM | EXPLAIN_GFP_DMA32 |
				      EXPLAIN_GFP_MOVABLE);
	enum zone_type type = gfp_zone(gfp, mask);

	if (type < ZONE_TYPE_COUNT)
		return type;
	e->gfp_unknown = true;
	return ZONE_NORMAL;
}

static int64_t bounded(uint64_t pages)
{
	return (int64_t)(pages < PAGES_MAX ? pages : PAGES_MAX);
}

/* ---- zones ------------------------------------------------------------------------------------- */

static void read_lists(const struct meminfo_report_zone *seen, struct explain_zone *z)
{
	static const struct {
		uint8_t bit;
		enum migratetype type;
	} letters[] = {
		{ MEMINFO_TYPE_UNMOVABLE, MIGRATE_UNMOVABLE },
		{ MEMINFO_TYPE_MOVABLE, MIGRATE_MOVABLE },
		{ MEMINFO_TYPE_RECLAIMABLE, MIGRATE_RECLAIMABLE },
		{ MEMINFO_TYPE_HIGHATOMIC, MIGRATE_HIGHATOMIC },
		{ MEMINFO_TYPE_RESERVE, MIGRATE_RESERVE },
		{ MEMINFO_TYPE_CMA, MIGRATE_CMA },
		{ MEMINFO_TYPE_ISOLATE, MIGRATE_ISOLATE },
	};

	z->has_lists = seen->has & MEMINFO_ZONE_FREE_LIST_TOTAL;
	for (uint32_t o = 0; o < seen->norders; o++)
		z->has_types |= seen->types[o] != 0;
	for (uint32_t o = 0; o < seen->norders; o++) {
		z->nr_free[o] = min_u64(seen->blocks[o], PAGES_MAX >> o);
		if (!seen->blocks[o])
			continue;
		/* Before 3.8 no types were printed: any block may be of any. */
		if (!z->has_types)
			for (unsigned int t = 0; t <= MIGRATE_RECLAIMABLE; t++)
				z->nonempty[t] |= 1U << o;
		for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
			if (seen->types[o] & letters[i].bit)
				z->nonempty[letters[i].type] |= 1U << o;
	}
}

/* Pages kept for high-order atomic requests, as far as they were printed. */
static void read_highatomic(const struct explanation *e, struct explain_zone *z)
{
	const struct meminfo_report_zone *seen = z->seen;
	uint64_t alone = 0;

	if (fact_get(&e->facts, FACT_migrate_reserve))
		return;
	if (!fact_get(&e->facts, FACT_watermark_counts_free_highatomic)) {
		z->numbers.highatomic = bounded(seen->reserved_highatomic_kb / e->page_kb);
		z->highatomic_unknown = !(seen->has & MEMINFO_ZONE_RESERVED_HIGHATOMIC) &&
					z->nonempty[MIGRATE_HIGHATOMIC];
		return;
	}
	if (seen->has & MEMINFO_ZONE_FREE_HIGHATOMIC) {
		z->numbers.highatomic = bounded(seen->free_highatomic_kb / e->page_kb);
		return;
	}
	/* Not printed: at least what lies in orders where no other type is. */
	for (uint32_t o = 0; o < seen->norders; o++)
		if (seen->types[o] == MEMINFO_TYPE_HIGHATOMIC)
			alone += z->nr_free[o] << o;
	z->numbers.highatomic = bounded(alone);
	z->highatomic_unknown = z->nonempty[MIGRATE_HIGHATOMIC];
}

static uint64_t pages_of_value(const struct explanation *e, const struct explain_zone *z,
			       const char *name)
{
	uint64_t kb = 0;

	meminfo_report_value_of(z->seen->values, z->seen->nvalues, name, &kb);
	return (uint64_t)bounded(kb / e->page_kb);
}

/*
 * Anonymous pages go as far as swap has room for them, or keeps it: for those of the swap cache.  Where none is
 * free, reclaim does not look at anonymous pages, be they in the swap cache (mm/vmscan.c 6.12: get_scan_count,
 * can_reclaim_anon_pages).
 */
static uint64_t swap_room(const struct explanation *e)
{
	uint64_t free = e->report->free_swap_kb / e->page_kb;

	return free ? free + e->report->swapcache_pages : 0;
}

static void read_numbers(struct explanation *e, struct explain_zone *z)
{
	const struct meminfo_report_zone *seen = z->seen;

	read_lists(seen, z);
	z->has_reserve = e->highest_rank < seen->nlowmem_reserve;
	z->numbers = (struct watermark_zone){
		.free = bounded(seen->free_kb / e->page_kb),
		.free_cma = bounded(seen->free_cma_kb / e->page_kb),
		.mark = bounded(seen->min_kb / e->page_kb),
		.boost = bounded(seen->boost_kb / e->page_kb),
		.reserve = z->has_reserve ? bounded(seen->lowmem_reserve[e->highest_rank]) : 0,
		.nonempty = z->nonempty,
		.nr_free = z->nr_free,
	};
	read_highatomic(e, z);
	z->reclaimable_pages =
		pages_of_value(e, z, "active_file") + pages_of_value(e, z, "inactive_file");
	z->reclaimable_pages +=
		min_u64(pages_of_value(e, z, "active_anon") + pages_of_value(e, z, "inactive_anon"),
			swap_room(e));
}

/* The largest order with a free block of these migratetypes, -1 if there is none. */
static int largest_of(const struct explain_zone *z, uint32_t types)
{
	uint32_t orders = 0;
	int largest = -1;

	for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
		if (types >> t & 1)
			orders |= z->nonempty[t];
	for (; orders; orders >>= 1)
		largest++;
	return largest;
}

/* As if there were a block of every order: the numbers of pages alone. */
static bool enough_pages(const struct watermark_rules *rules, struct watermark_zone numbers,
			 unsigned int order, unsigned int flags)
{
	static const uint32_t all[MIGRATE_TYPE_COUNT] = { UINT32_MAX, UINT32_MAX, UINT32_MAX };

	numbers.nonempty = all;
	return watermark_check(rules, &numbers, order, flags, NULL);
}

/* How many more free pages, in large blocks, make it pass.  It fails as it is. */
static uint64_t find_need(const struct watermark_rules *rules, struct watermark_zone n,
			  unsigned int order, unsigned int flags)
{
	int64_t free = n.free, low = 0, high = 1;

	for (n.free = free + high; !enough_pages(rules, n, order, flags); n.free = free + high) {
		low = high;
		high *= 2;
	}
	while (low + 1 < high) {
		int64_t middle = low + (high - low) / 2;

		n.free = free + middle;
		if (enough_pages(rules, n, order, flags))
			high = middle;
		else
			low = middle;
	}
	return (uint64_t)high;
}

static void find_remedies(const struct explanation *e, const struct watermark_rules *rules,
			  struct explain_zone *z)
{
	struct watermark_zone n = z->numbers;
	unsigned int flags = e->alloc_flags;
	int64_t low = -1, high = n.mark;

	if (z->answer.refusal != WATERMARK_NO_BLOCK)
		z->need_pages = find_need(rules, n, e->order, flags);
	z->mark_max = -1;
	if (!z->need_pages)
		return;
	/* The more is asked to stay free, the less passes: halve. */
	n.boost = 0;
	while (low < high) {
		int64_t middle = high - (high - low) / 2;

		n.mark = middle;
		if (enough_pages(rules, n, e->order, flags))
			low = middle;
		else
			high = middle - 1;
	}
	z->mark_max = low;
	if (z->mark_max > z->numbers.boost && z->numbers.mark > z->numbers.boost &&
	    z->type <= ZONE_NORMAL)
		z->need_min_free_kbytes = e->min_free_kb *
					  (uint64_t)(z->mark_max - z->numbers.boost) /
					  (uint64_t)(z->numbers.mark - z->numbers.boost);
	n = z->numbers;
	n.mark -= n.boost;
	n.boost = 0;
	z->boost_decides = z->numbers.boost && enough_pages(rules, n, e->order, flags);
	n = z->numbers;
	n.reserve = 0;
	z->reserve_decides = z->numbers.reserve && enough_pages(rules, n, e->order, flags);
	n = z->numbers;
	n.highatomic = 0;
	z->highatomic_decides = z->answer.highatomic && enough_pages(rules, n, e->order, flags);
	z->cma_decides = z->answer.cma &&
			 enough_pages(rules, z->numbers, e->order, flags | ALLOC_CMA);
}

static void ask(const struct explanation *e, const struct watermark_rules *rules,
		struct explain_zone *z)
{
	bool needs_lists = e->order, passes;

	/* Of what the fast check does not look at, nothing can be missing. */
	if (watermark_highatomic_right(rules, e->alloc_flags) ||
	    (!e->order && rules->fast == WATERMARK_FAST_CMA))
		z->highatomic_unknown = false;
	passes = watermark_check(rules, &z->numbers, e->order, e->alloc_flags, &z->answer) ||
		 (e->alloc_flags & ALLOC_NO_WATERMARKS);
	if (needs_lists && !z->has_lists && z->answer.refusal != WATERMARK_TOO_FEW &&
	    !(e->alloc_flags & ALLOC_NO_WATERMARKS)) {
		z->state = EXPLAIN_ZONE_UNKNOWN;
		return;
	}
	if (!passes) {
		z->state = EXPLAIN_ZONE_REFUSES;
		find_remedies(e, rules, z);
	} else if (z->has_lists && largest_of(z, e->types) < (int)e->order) {
		z->state = EXPLAIN_ZONE_LISTS;
	} else {
		z->state = EXPLAIN_ZONE_PASSES;
	}
	z->types = e->types;
	if (z->answer.refusal == WATERMARK_NO_BLOCK)
		z->types = e->check_types;
	else if (e->order && z->answer.refusal)
		z->types &= e->check_types;
	z->largest_order = largest_of(z, z->types);
	z->largest_other = largest_of(z, ~z->types);
	if (e->report->request.kind == MEMINFO_REQUEST_OOM && (z->seen->has & MEMINFO_ZONE_HIGH)) {
		struct watermark_zone n = z->numbers;

		n.mark = bounded(z->seen->high_kb / e->page_kb);
		z->has_last = true;
		watermark_check(rules, &n, e->order, ALLOC_WMARK_HIGH | ALLOC_CPUSET, &z->last);
	}
}

static void answer_zone(struct explanation *e, const struct watermark_rules *rules,
			struct explain_zone *z)
{
	bool bound = e->alloc_flags & ALLOC_CPUSET;

	if (!z->type_known || e->order >= ORDERS_MAX || !(z->seen->has & MEMINFO_ZONE_FREE) ||
	    !(z->seen->has & MEMINFO_ZONE_MIN)) {
		z->state = EXPLAIN_ZONE_UNKNOWN;
		return;
	}
	read_numbers(e, z);
	if (z->type > e->highest) {
		z->state = EXPLAIN_ZONE_ABOVE;
	} else if (e->nodemask[0] && !list_has(e->nodemask, z->seen->nid)) {
		z->state = EXPLAIN_ZONE_NODEMASK;
	} else if (bound && e->mems_allowed[0] && !list_has(e->mems_allowed, z->seen->nid) &&
		   (e->gfp_bits & EXPLAIN_GFP_HARDWALL)) {
		z->state = EXPLAIN_ZONE_CPUSET;
	} else {
		if (bound && e->mems_allowed[0] && !list_has(e->mems_allowed, z->seen->nid))
			e->softwall = true;
		ask(e, rules, z);
	}
}

static int compare_zones(const void *a, const void *b)
{
	const struct explain_zone *x = a, *y = b;

	if (x->seen->nid != y->seen->nid)
		return x->seen->nid < y->seen->nid ? -1 : 1;
	if (x->type != y->type)
		return x->type > y->type ? -1 : 1;
	return x->seen < y->seen ? -1 : x->seen > y->seen;
}

static bool make_zones(struct explanation *e)
{
	const struct meminfo_report *report = e->report;
	uint32_t mask = find_zones_mask(report);
	struct watermark_rules rules;

	e->page_kb = 4;
	for (uint32_t i = 0; i < report->nzones; i++) {
		const struct meminfo_report_zone *seen = &report->zones[i];
		enum zone_type type;

		if (seen->norders && seen->block_kb && seen->block_kb <= PAGE_KB_MAX)
			e->page_kb = (unsigned int)seen->block_kb;
		if (seen->norders > e->max_order + 1)
			e->max_order = seen->norders - 1;
		if (zone_type_parse(seen->name, strlen(seen->name), &type) && type <= ZONE_NORMAL &&
		    seen->min_kb >= seen->boost_kb)
			e->min_free_kb += seen->min_kb - seen->boost_kb;
	}
	e->highest = highest_zone(e, mask);
	e->highest_rank = zone_rank(mask, e->highest);
	e->zones = calloc(report->nzones + 1, sizeof(*e->zones));
	if (!e->zones)
		return false;
	e->nzones = report->nzones;
	for (uint32_t i = 0; i < e->nzones; i++) {
		struct explain_zone *z = &e->zones[i];

		z->seen = &report->zones[i];
		z->largest_order = z->largest_other = -1;
		z->type_known = zone_type_parse(z->seen->name, strlen(z->seen->name), &z->type);
	}
	qsort(e->zones, e->nzones, sizeof(*e->zones), compare_zones);
	watermark_rules_init(&rules, &e->facts);
	e->check_types = watermark_usable_types(&rules, e->alloc_flags);
	e->empty = true;
	for (uint32_t i = 0; i < e->nzones; i++) {
		struct explain_zone *z = &e->zones[i];

		/* The sort moved the arrays these lead to. */
		answer_zone(e, &rules, z);
		if (z->state > EXPLAIN_ZONE_PASSES)
			continue;
		e->empty = e->empty && !z->numbers.free && !z->numbers.mark;
		e->asked++;
		e->refused += z->state < EXPLAIN_ZONE_PASSES;
		e->passing += z->state == EXPLAIN_ZONE_PASSES;
	}
	return true;
}

/* ---- the verdict ------------------------------------------------------------------------------- */

static enum explain_verdict judge_zones(const struct explanation *e)
{
	uint32_t unknown = 0, kept_away = 0;

	for (uint32_t i = 0; i < e->nzones; i++) {
		enum explain_zone_state state = e->zones[i].state;

		unknown += state == EXPLAIN_ZONE_UNKNOWN;
		kept_away += state >= EXPLAIN_ZONE_ABOVE && state <= EXPLAIN_ZONE_CPUSET;
	}
	if (e->passing)
		return EXPLAIN_PASSES;
	if (unknown)
		return EXPLAIN_NO_NUMBERS;
	if (!e->asked && kept_away)
		return EXPLAIN_NO_ZONE_ALLOWED;
	return EXPLAIN_REFUSED;
}

static enum explain_verdict judge(const struct reader *r, struct explanation *e, bool memcg)
{
	const struct meminfo_request *request = &e->report->request;

	if (request->kind == MEMINFO_REQUEST_OOM && !e->replaced) {
		if (memcg || !strcmp(e->constraint, "MEMCG"))
			return EXPLAIN_MEMCG;
		if (request_line_says(r, "order=-1"))
			return EXPLAIN_SYSRQ;
		if (e->has_gfp && !e->gfp)
			return EXPLAIN_PAGE_FAULT;
	}
	if (!e->report->line)
		return EXPLAIN_NO_REPORT;
	if (!e->replaced && is_vmalloc_alone(r, e))
		return EXPLAIN_NOT_PAGES;
	if (!e->has_gfp)
		return EXPLAIN_NO_REQUEST;
	/* Zones above the request's highest are not printed since 6.1. */
	if (!e->nzones && e->highest <= ZONE_NORMAL && e->report->ram_pages &&
	    e->report->highmem_pages == e->report->ram_pages)
		return EXPLAIN_NO_LOW_ZONE;
	if (!e->nzones)
		return EXPLAIN_NO_ZONES;
	if (e->order >= ORDERS_MAX || (e->max_order && e->order > e->max_order))
		return EXPLAIN_TOO_LARGE;
	return judge_zones(e);
}

static bool explain_one(struct reader *r, const struct meminfo_report *report,
			struct explanation *e)
{
	bool memcg = false;

	*e = (struct explanation){ .report = report };
	e->first_line = report->request.kind != MEMINFO_REQUEST_NONE ? report->request.line
								     : report->line;
	find_version(r, e);
	for (size_t i = r->from; i < r->to; i++)
		read_context_line(line_scan(r, i), e, &memcg);
	read_request(r, e);
	if (!make_zones(e))
		return false;
	e->verdict = judge(r, e, memcg);
	return true;
}

/* ---- all of a log ------------------------------------------------------------------------------ */

/* The index of source line @line in the log, or of the first after it. */
static size_t find_line(const struct reader *r, uint32_t line)
{
	size_t low = 0, high = r->nlines;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->lines[middle].line < line)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct meminfo_report *report_at(const struct meminfo_reports *reports, size_t *i,
					      size_t *alone)
{
	const struct meminfo_report *report, *other;

	if (*i == reports->nreports && *alone == reports->nalone)
		return NULL;
	if (*alone == reports->nalone)
		return &reports->reports[(*i)++];
	if (*i == reports->nreports)
		return &reports->alone[(*alone)++];
	report = &reports->reports[*i];
	other = &reports->alone[*alone];
	if (other->first < report->first) {
		++*alone;
		return other;
	}
	++*i;
	return report;
}

static size_t begin_of(const struct reader *r, const struct meminfo_report *report)
{
	if (report->request.kind == MEMINFO_REQUEST_NONE)
		return report->first;
	return find_line(r, report->request.line);
}

struct error *explain_log(const struct log_line *lines, size_t nlines,
			  const struct explain_options *options, struct explanations *ret)
{
	static const struct explain_options none = { 0 };
	struct reader r = { .lines = lines,
			    .nlines = nlines,
			    .options = options ? options : &none };
	struct explanations all = { 0 };
	struct error *err = meminfo_reports_parse(lines, nlines, &all.reports);
	size_t total, i = 0, alone = 0;
	const struct meminfo_report *report, *next;

	if (err)
		return err;
	total = all.reports.nreports + all.reports.nalone;
	all.all = calloc(total + 1, sizeof(*all.all));
	next = report_at(&all.reports, &i, &alone);
	while (all.all && (report = next)) {
		next = report_at(&all.reports, &i, &alone);
		r.from = begin_of(&r, report);
		r.to = next ? begin_of(&r, next) : nlines;
		if (r.to > report->end + TAIL_LINES)
			r.to = report->end + TAIL_LINES;
		if (!explain_one(&r, report, &all.all[all.count]))
			break;
		all.count++;
	}
	if (all.count < total) {
		explanations_deinit(&all);
		return error_no_memory();
	}
	*ret = all;
	return NULL;
}

void explanations_deinit(struct explanations *explanations)
{
	for (size_t i = 0; explanations->all && i < explanations->count; i++)
		free(explanations->all[i].zones);
	free(explanations->all);
	meminfo_reports_deinit(&explanations->reports);
	*explanations = (struct explanations){ 0 };
}
