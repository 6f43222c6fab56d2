/* SPDX-License-Identifier: MIT */
#include "engine/follow.h"

#include <stdlib.h>
#include <string.h>

#include "engine/migratetype.h"

enum { CHUNK_ORDER = 10, CHUNK_PAGES = 1 << CHUNK_ORDER };
/* From this value of the fact fallback_rule on, a fallback hands its block out itself. */
enum { FALLBACK_GIVES = 3 };
/* Largest order that page sets hold, huge pages aside (PAGE_ALLOC_COSTLY_ORDER). */
enum { COSTLY_ORDER = 3 };

struct page {
	uint32_t line; /* of the last event that named it; 0: beyond 32 bits */
	uint32_t state : 3; /* enum follow_state */
	uint32_t head : 5; /* order + 1 of the block that was allocated here; 0: none begins here */
	uint32_t pid : 16; /* of that event's task, its low bits */
	uint32_t cpu : 8; /* of that event, its low bits */
};

/* Each CPU: were the last pages it freed known to be in use?  A free that waits for the next one. */
struct follow_cpu {
	bool unknown_before;
	bool open;
	struct follow_finding finding;
	uint32_t pid; /* of its last event, as in struct page */
	uint64_t since; /* the line from which on all its events are of that task */
};

struct chunk {
	struct page *pages; /* CHUNK_PAGES, or NULL */
};

struct range {
	pfn_t start, end;
	struct chunk *chunks;
};

struct follow {
	struct follow_options options;
	struct follow_stats stats;
	struct range *ranges; /* in address order */
	uint32_t range_count, near;
	struct range *areas; /* that contiguous allocations are made in; without chunks */
	uint32_t area_count;
	unsigned int max_order, type_count;
	struct follow_cpu *cpus;
	bool fallback_gives; /* mm_page_alloc_extfrag stands for a block that was taken, too */
	bool withdrawn[IMPOSSIBLE_COUNT]; /* findings that were none */
	bool high_orders; /* page sets hold blocks up to COSTLY_ORDER, and huge pages; otherwise single pages */
	unsigned int huge_order;
	bool bulk; /* order 0 is handed out in bulk, without events */
	bool batched_after; /* mm_page_free_batched follows the mm_page_free of the same page */
	uint64_t index, chunk_count;
	bool out_of_memory;
};

static const char *const state_names[] = { "unknown", "in use", "free", "taken", "listed" };

const char *follow_state_name(enum follow_state state)
{
	return state_names[state];
}

/* ---- life -------------------------------------------------------------------------------------- */

struct follow *follow_create(const struct machine *m, const struct follow_options *options)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->options = *options;
	if (!f->options.kinds)
		f->options.kinds = UINT32_MAX;
	f->max_order = m->config.max_order;
	f->type_count = migratetype_count(&m->config);
	f->batched_after = fact_get(&m->facts, FACT_free_batch_rule) != 0;
	f->high_orders = fact_get(&m->facts, FACT_pcp_high_orders);
	f->huge_order = m->config.pageblock_order;
	f->bulk = fact_get(&m->facts, FACT_alloc_bulk);
	f->fallback_gives = fact_get(&m->facts, FACT_fallback_rule) >= FALLBACK_GIVES;
	f->ranges = calloc((size_t)m->range_count + 1, sizeof(*f->ranges));
	f->cpus = calloc((size_t)options->cpu_count + 1, sizeof(*f->cpus));
	f->areas = calloc((size_t)m->cma_count + 1, sizeof(*f->areas));
	if (!f->ranges || !f->cpus || !f->areas) {
		follow_destroy(f);
		return NULL;
	}
	for (; f->area_count < m->cma_count; f->area_count++)
		f->areas[f->area_count] =
			(struct range){ .start = m->cma[f->area_count].start >>
						 m->config.page_shift,
					.end = m->cma[f->area_count].end >> m->config.page_shift };
	for (uint32_t i = 0; i < m->range_count; i++) {
		const struct node_range *from = &m->ranges[i];
		struct range *last = f->range_count ? &f->ranges[f->range_count - 1] : NULL;

		if (last && last->end >= from->start)
			last->end = max_u64(last->end, from->end);
		else
			f->ranges[f->range_count++] =
				(struct range){ .start = from->start, .end = from->end };
	}
	for (uint32_t i = 0; i < f->range_count; i++) {
		struct range *r = &f->ranges[i];

		r->chunks = calloc((size_t)((r->end - r->start) >> CHUNK_ORDER) + 1,
				   sizeof(*r->chunks));
		if (!r->chunks) {
			follow_destroy(f);
			return NULL;
		}
	}
	return f;
}

static uint64_t range_chunks(const struct range *r)
{
	return ((r->end - r->start) >> CHUNK_ORDER) + 1;
}

void follow_destroy(struct follow *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; f->ranges && i < f->range_count; i++) {
		struct range *r = &f->ranges[i];

		for (uint64_t c = 0; r->chunks && c < range_chunks(r); c++)
			free(r->chunks[c].pages);
		free(r->chunks);
	}
	free(f->ranges);
	free(f->areas);
	free(f->cpus);
	free(f);
}

const struct follow_stats *follow_stats(const struct follow *f)
{
	return &f->stats;
}

uint64_t follow_memory_bytes(const struct follow *f)
{
	return f->chunk_count * CHUNK_PAGES * sizeof(struct page);
}

bool follow_out_of_memory(const struct follow *f)
{
	return f->out_of_memory;
}

/* ---- pages ------------------------------------------------------------------------------------- */

/* The range that holds @pfn, or NULL. */
static struct range *find_range(struct follow *f, pfn_t pfn)
{
	uint32_t low = 0, high = f->range_count;

	if (f->near < f->range_count && pfn >= f->ranges[f->near].start &&
	    pfn < f->ranges[f->near].end)
		return &f->ranges[f->near];
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (f->ranges[middle].end <= pfn)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == f->range_count || pfn < f->ranges[low].start)
		return NULL;
	f->near = low;
	return &f->ranges[low];
}

/* The page, whose chunk comes into being; NULL outside of memory, or without memory of the host. */
static struct page *get_page(struct follow *f, pfn_t pfn)
{
	struct range *r = find_range(f, pfn);
	struct chunk *chunk;

	if (!r)
		return NULL;
	chunk = &r->chunks[(pfn - r->start) >> CHUNK_ORDER];
	if (!chunk->pages) {
		chunk->pages = calloc(CHUNK_PAGES, sizeof(*chunk->pages));
		if (!chunk->pages) {
			f->out_of_memory = true;
			return NULL;
		}
		f->chunk_count++;
	}
	return &chunk->pages[(pfn - r->start) & (CHUNK_PAGES - 1)];
}

enum follow_state follow_page(const struct follow *f, pfn_t pfn)
{
	for (uint32_t i = 0; i < f->range_count; i++) {
		const struct range *r = &f->ranges[i];
		const struct page *pages;

		if (pfn < r->start || pfn >= r->end)
			continue;
		pages = r->chunks[(pfn - r->start) >> CHUNK_ORDER].pages;
		return pages ? (enum follow_state)pages[(pfn - r->start) & (CHUNK_PAGES - 1)].state
			     : FOLLOW_UNKNOWN;
	}
	return FOLLOW_UNKNOWN;
}

/* An interrupt does nothing of the task that it interrupts, and stands for a task of its own. */
static uint32_t pid_of(const struct event *e)
{
	return (e->context & EVENT_CONTEXT_INTERRUPT ? UINT32_MAX : (uint32_t)e->pid) & 0xffff;
}

static void set_block(struct follow *f, const struct event *e, enum follow_state state)
{
	uint64_t *pages = f->stats.pages;

	for (pfn_t pfn = e->pfn; pfn < e->pfn + (1ULL << e->order); pfn++) {
		struct page *p = get_page(f, pfn);

		if (!p)
			continue;
		if (p->state != FOLLOW_UNKNOWN)
			pages[p->state]--;
		pages[state]++;
		*p = (struct page){ .line = e->line <= UINT32_MAX ? (uint32_t)e->line : 0,
				    .state = state,
				    .pid = pid_of(e),
				    .cpu = (uint8_t)e->cpu };
	}
	if (pages[FOLLOW_IN_USE] > f->stats.in_use_max)
		f->stats.in_use_max = pages[FOLLOW_IN_USE];
}

/* The first page of the block in one of the states of @mask, or NULL. */
static const struct page *find_state(struct follow *f, const struct event *e, uint32_t mask,
				     pfn_t *pfn_ret)
{
	for (pfn_t pfn = e->pfn; pfn < e->pfn + (1ULL << e->order); pfn++) {
		const struct page *p = get_page(f, pfn);

		if (p && mask >> p->state & 1) {
			*pfn_ret = pfn;
			return p;
		}
	}
	return NULL;
}

static void forget(struct follow *f)
{
	for (uint32_t i = 0; i < f->range_count; i++) {
		struct range *r = &f->ranges[i];

		for (uint64_t c = 0; c < range_chunks(r); c++) {
			free(r->chunks[c].pages);
			r->chunks[c].pages = NULL;
		}
	}
	f->chunk_count = 0;
	memset(f->stats.pages, 0, sizeof(f->stats.pages));
	for (uint32_t cpu = 0; cpu < f->options.cpu_count; cpu++)
		f->cpus[cpu] = (struct follow_cpu){ .unknown_before = true };
}

/* ---- findings ---------------------------------------------------------------------------------- */

static struct follow_finding make_finding(const struct follow *f, enum impossible what,
					  const struct event *e, const struct page *page, pfn_t pfn)
{
	struct follow_finding finding = { what, *e, f->index, pfn, FOLLOW_UNKNOWN, 0 };

	if (page) {
		finding.before = (enum follow_state)page->state;
		finding.line_before = page->line;
	}
	return finding;
}

/* Findings of a kind that are made although no event was seen yet of what would explain them. */
enum { DOUBTFUL_MAX = 64 };

/*
 * The kinds of events, a bit each, without which a finding may be a thing that was not recorded.  Some record
 * allocations alone, say: then no page is ever given back.
 */
static uint32_t explained_by(const struct follow *f, enum impossible what)
{
	switch (what) {
	case IMPOSSIBLE_IN_USE:
	case IMPOSSIBLE_BATCHED:
		return 1U << EVENT_FREE;
	case IMPOSSIBLE_FREE:
		return 1U << EVENT_ALLOC;
	case IMPOSSIBLE_TAKEN:
		return 1U << EVENT_FREE | 1U << EVENT_PCPU_DRAIN;
	case IMPOSSIBLE_LISTED:
		return 1U << EVENT_ZONE_LOCKED | (uint32_t)f->fallback_gives << EVENT_EXTFRAG;
	default:
		return 0;
	}
}

/* Was it recorded at all what would explain @what?  So many findings, and not one such event: it was not. */
static bool is_believed(struct follow *f, enum impossible what)
{
	uint32_t kinds = explained_by(f, what), seen = 0;

	for (unsigned int k = 0; k < EVENT_KIND_COUNT; k++)
		seen |= (uint32_t)(f->stats.kinds[k] != 0) << k;
	if (kinds & ~f->options.kinds)
		return false;
	if (!(kinds & ~seen) || f->stats.findings[what] < DOUBTFUL_MAX)
		return !(kinds & ~seen) || !f->withdrawn[what];
	if (f->options.withdrawn)
		f->options.withdrawn(f->options.ctx, what);
	f->stats.findings[what] = 0;
	f->withdrawn[what] = true;
	return false;
}

static void report(struct follow *f, const struct follow_finding *finding)
{
	if (!is_believed(f, finding->what))
		return;
	f->stats.findings[finding->what]++;
	if (f->options.found)
		f->options.found(f->options.ctx, finding);
}

static void tell(struct follow *f, enum impossible what, const struct event *e,
		 const struct page *page, pfn_t pfn)
{
	struct follow_finding finding = make_finding(f, what, e, page, pfn);

	report(f, &finding);
}

/* Tells @what if a page of the block is in a state of @mask. */
static void refuse(struct follow *f, enum impossible what, const struct event *e, uint32_t mask)
{
	pfn_t pfn = PFN_NONE;
	const struct page *p = find_state(f, e, mask, &pfn);

	if (p)
		tell(f, what, e, p, pfn);
}

static bool uses(const struct follow *f, enum event_kind kind)
{
	return f->options.kinds >> kind & 1;
}

/* ---- frees of pages that are not in use --------------------------------------------------------- */

/* The CPU freed or allocated once more.  @unknown: the page was not known to be in use. */
static void close_open(struct follow *f, struct follow_cpu *cpu, bool unknown)
{
	if (!cpu->open)
		return;
	cpu->open = false;
	if (unknown)
		f->stats.silent++;
	else
		report(f, &cpu->finding);
}

/* Is it a page of a contiguous area?  Where it went when it was freed depends on whether that was isolated. */
static bool in_area(const struct follow *f, pfn_t pfn)
{
	for (uint32_t i = 0; i < f->area_count; i++)
		if (pfn >= f->areas[i].start && pfn < f->areas[i].end)
			return true;
	return false;
}

/* May the page have been handed out without an event, if this CPU frees more such pages? */
static bool may_be_silent(const struct follow *f, const struct event *e, const struct page *page)
{
	if (!e->order && in_area(f, e->pfn))
		return true;
	/* What page sets do not hold lies on the free lists when it was freed. */
	if (f->bulk)
		return !e->order || page->state == FOLLOW_LISTED || e->order > COSTLY_ORDER;
	return page->state == FOLLOW_LISTED ||
	       (page->state == FOLLOW_FREE && !uses(f, EVENT_PCPU_DRAIN));
}

/*
 * Has another task worked since on the CPU of @page's last event?  It may have been handed the page in bulk there, and
 * passed it on (a pipe).
 */
static bool others_worked(const struct follow *f, const struct page *page)
{
	return f->bulk && page->cpu < f->options.cpu_count && page->line &&
	       f->cpus[page->cpu].since > page->line;
}

/* A free of @page, which is not in use by what was recorded. */
static void on_free_unused(struct follow *f, const struct event *e, const struct page *page,
			   pfn_t pfn)
{
	struct follow_cpu *cpu = &f->cpus[e->cpu];
	bool silent = may_be_silent(f, e, page);
	bool other_task = (f->bulk || page->state == FOLLOW_LISTED) && !e->order && e->pid >= 0 &&
			  (page->pid != pid_of(e) || others_worked(f, page));
	/* Nobody but its list's refill had to do with it, so nobody freed it twice. */
	bool off_list = f->bulk && !e->order && page->state == FOLLOW_TAKEN;

	close_open(f, cpu, true);
	if (silent && (cpu->unknown_before || other_task || off_list)) {
		f->stats.silent++;
	} else if (silent) {
		cpu->open = true;
		cpu->finding = make_finding(f, IMPOSSIBLE_FREE, e, page, pfn);
	} else {
		tell(f, IMPOSSIBLE_FREE, e, page, pfn);
	}
	cpu->unknown_before = silent;
}

/* ---- events ------------------------------------------------------------------------------------ */

static void on_alloc(struct follow *f, const struct event *e)
{
	struct follow_cpu *cpu = &f->cpus[e->cpu];
	struct page *first;

	close_open(f, cpu, false);
	cpu->unknown_before = false;
	refuse(f, IMPOSSIBLE_IN_USE, e, 1U << FOLLOW_IN_USE);
	set_block(f, e, FOLLOW_IN_USE);
	first = get_page(f, e->pfn);
	if (first)
		first->head = (e->order + 1U) & 31;
}

/* Are freed blocks of @order on the free lists at once? */
static bool past_sets(const struct follow *f, unsigned int order)
{
	if (!f->high_orders)
		return order;
	return order > COSTLY_ORDER && order != f->huge_order;
}

static void on_free(struct follow *f, const struct event *e)
{
	static const uint32_t unused = 1U << FOLLOW_FREE | 1U << FOLLOW_TAKEN | 1U << FOLLOW_LISTED;
	struct follow_cpu *cpu = &f->cpus[e->cpu];
	const struct page *first = get_page(f, e->pfn), *page;
	pfn_t pfn = PFN_NONE;

	page = find_state(f, e, unused, &pfn);
	if (page) {
		on_free_unused(f, e, page, pfn);
	} else if (find_state(f, e, 1U << FOLLOW_UNKNOWN, &pfn)) {
		close_open(f, cpu, true);
		cpu->unknown_before = true;
		f->stats.ghosts++;
	} else {
		close_open(f, cpu, false);
		cpu->unknown_before = false;
		if (first && first->head == e->order + 1U)
			f->stats.exact++;
		else
			f->stats.pieces++;
	}
	set_block(f, e, past_sets(f, e->order) ? FOLLOW_LISTED : FOLLOW_FREE);
}

static void on_pages(struct follow *f, const struct event *e)
{
	switch ((enum event_kind)e->kind) {
	case EVENT_ALLOC:
		on_alloc(f, e);
		break;
	case EVENT_FREE:
		on_free(f, e);
		break;
	case EVENT_FREE_BATCHED:
		/* It repeats mm_page_free, as far as that was recorded. */
		if (f->batched_after && uses(f, EVENT_FREE))
			refuse(f, IMPOSSIBLE_BATCHED, e, 1U << FOLLOW_IN_USE);
		break;
	case EVENT_ZONE_LOCKED:
		refuse(f, IMPOSSIBLE_IN_USE, e, 1U << FOLLOW_IN_USE);
		refuse(f, IMPOSSIBLE_TAKEN, e, 1U << FOLLOW_TAKEN);
		set_block(f, e, FOLLOW_TAKEN);
		break;
	case EVENT_PCPU_DRAIN:
		refuse(f, IMPOSSIBLE_IN_USE, e, 1U << FOLLOW_IN_USE);
		refuse(f, IMPOSSIBLE_LISTED, e, 1U << FOLLOW_LISTED);
		set_block(f, e, FOLLOW_LISTED);
		break;
	case EVENT_EXTFRAG:
		refuse(f, IMPOSSIBLE_IN_USE, e, 1U << FOLLOW_IN_USE);
		if (f->fallback_gives)
			set_block(f, e, FOLLOW_TAKEN);
		break;
	default:
		break;
	}
}

static void follow_used(struct follow *f, const struct event *e)
{
	enum impossible what =
		impossible_shape(e, f->options.cpu_count, f->max_order, f->type_count);

	f->stats.events += e->kind != EVENT_LOST;
	f->stats.kinds[e->kind]++;
	if (what != POSSIBLE) {
		tell(f, what, e, NULL, PFN_NONE);
	} else if (e->kind == EVENT_LOST) {
		f->stats.gaps++;
		forget(f);
	} else if (e->kind >= EVENT_MARKER) {
		return;
	} else if (e->pfn == PFN_NONE && e->kind == EVENT_ALLOC) {
		f->stats.failed++;
	} else if (e->pfn == PFN_NONE || !find_range(f, e->pfn) ||
		   !find_range(f, e->pfn + (1ULL << e->order) - 1)) {
		tell(f, IMPOSSIBLE_OUTSIDE, e, NULL, e->pfn);
	} else {
		struct follow_cpu *cpu = &f->cpus[e->cpu];

		if (cpu->pid != pid_of(e)) {
			cpu->pid = pid_of(e);
			cpu->since = e->line;
		}
		on_pages(f, e);
	}
}

void follow_event(struct follow *f, const struct event *e)
{
	if (uses(f, (enum event_kind)e->kind))
		follow_used(f, e);
	f->index++;
}

void follow_end(struct follow *f)
{
	for (uint32_t cpu = 0; cpu < f->options.cpu_count; cpu++)
		close_open(f, &f->cpus[cpu], false);
}

/* ---- check ------------------------------------------------------------------------------------- */

const char *follow_check(const struct follow *f)
{
	uint64_t pages[FOLLOW_STATE_COUNT] = { 0 }, chunks = 0;

	for (uint32_t i = 0; i < f->range_count; i++) {
		const struct range *r = &f->ranges[i];

		for (uint64_t c = 0; c < range_chunks(r); c++) {
			if (!r->chunks[c].pages)
				continue;
			chunks++;
			for (unsigned int p = 0; p < CHUNK_PAGES; p++) {
				const struct page *page = &r->chunks[c].pages[p];

				if (page->state >= FOLLOW_STATE_COUNT)
					return "a page is in no state there is";
				if (page->head && page->state != FOLLOW_IN_USE)
					return "a block begins at a page that is not in use";
				pages[page->state]++;
			}
		}
	}
	if (chunks != f->chunk_count)
		return "chunks were counted wrongly";
	for (unsigned int s = FOLLOW_UNKNOWN + 1; s < FOLLOW_STATE_COUNT; s++)
		if (pages[s] != f->stats.pages[s])
			return "pages were counted wrongly";
	return NULL;
}
