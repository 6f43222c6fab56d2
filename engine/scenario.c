/* SPDX-License-Identifier: MIT */
#include "engine/scenario.h"

#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "engine/buddy_invariants.h"
#include "engine/compaction.h"
#include "engine/digest.h"
#include "engine/hotplug_invariants.h"
#include "engine/page_isolation.h"
#include "engine/pageset.h"
#include "engine/scenario_hotplug.h"
#include "engine/shuffle.h"

void scenario_init(struct scenario *s)
{
	memset(s, 0, sizeof(*s));
	machine_init(&s->machine);
	findings_clear(&s->findings);
}

static void release(struct scenario *s)
{
	hotplug_deinit(&s->hotplug);
	page_alloc_deinit(&s->alloc);
	machine_deinit(&s->machine);
	free(s->blocks);
	free(s->zones);
	free(s->spare_zones);
	free(s->seen);
	free(s->sorted);
	free(s->used);
}

void scenario_deinit(struct scenario *s)
{
	if (s->again)
		release(s->again);
	free(s->again);
	release(s);
	memset(s, 0, sizeof(*s));
}

/* Room for @count elements of @size in *@buffer, whose contents are void then. */
static bool make_room(void *buffer, size_t *room, size_t count, size_t size)
{
	void **at = buffer, *grown;

	if (count <= *room)
		return true;
	grown = realloc(*at, count * 2 * size);
	if (!grown)
		return false;
	*at = grown;
	*room = count * 2;
	return true;
}

/* ---- counts ------------------------------------------------------------------------------------ */

/* Pages of @zone in page sets, by their counts. */
static uint64_t pages_in_sets(struct scenario *s, uint32_t zone)
{
	uint64_t pages = 0;

	for (uint32_t cpu = 0; cpu < s->alloc.cpu_count; cpu++)
		pages += page_alloc_set(&s->alloc, zone, cpu)->count;
	return pages;
}

/* Pages of @zone on free lists and in page sets, by the blocks that are on lists. */
static uint64_t pages_on_lists(struct scenario *s, uint32_t zone)
{
	const struct buddy *b = s->machine.buddy;
	uint64_t pages = 0;

	for (unsigned int order = 0; order <= b->max_order; order++)
		for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
			pages += (uint64_t)b->zones[zone].lists[order][t].count << order;
	for (uint32_t cpu = 0; cpu < s->alloc.cpu_count; cpu++)
		for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
			uint64_t count = page_alloc_set(&s->alloc, zone, cpu)->lists[index].count;

			/* A list that this kernel has not has no order. */
			if (count)
				pages += count << pageset_list_order(&s->alloc, index);
		}
	return pages;
}

static uint64_t mix(uint64_t value)
{
	value *= 0x9e3779b97f4a7c15ULL;
	value ^= value >> 29;
	return value * 0xbf58476d1ce4e5b9ULL;
}

/* The same for the same free blocks in whatever order; larger ones count as their pageblocks. */
static uint64_t digest_of(const struct buddy *b, uint32_t zone)
{
	uint64_t digest = 0;

	for (unsigned int order = 0; order <= b->max_order; order++) {
		unsigned int part = order < b->pageblock_order ? order : b->pageblock_order;

		for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
			uint32_t cursor = BUDDY_LIST_START;
			uint32_t left = b->zones[zone].lists[order][t].count;
			pfn_t pfn;

			/* No more than there should be: it is not known yet whether lists have an end. */
			while (left-- > 0 &&
			       buddy_list_next(b, zone, order, (enum migratetype)t, &cursor, &pfn))
				for (pfn_t at = pfn; at < pfn + (1ULL << order); at += 1ULL << part)
					digest += mix(at << 5 | part);
		}
	}
	return digest;
}

/* ---- boot -------------------------------------------------------------------------------------- */

static void start_alloc(struct scenario *s, const struct scenario_options *options)
{
	struct machine *m = &s->machine;

	page_alloc_renew(&s->alloc, m->buddy, &m->config, &m->facts, m->nodes, m->node_count,
			 &m->zonelists, s->cpu_count);
	if (s->alloc.out_of_memory ||
	    !make_room(&s->zones, &s->zone_room, s->alloc.zone_count, sizeof(*s->zones)) ||
	    !make_room(&s->seen, &s->seen_room, s->alloc.zone_count, sizeof(*s->seen))) {
		s->out_of_memory = true;
		return;
	}
	s->has_alloc = true;
	s->zone_count = s->alloc.zone_count;
	s->alloc.keeps_boost = true;
	page_alloc_set_watermarks(&s->alloc, m->nodes);
	for (uint32_t zone = 0; zone < m->buddy->zone_count; zone++) {
		const struct buddy_zone *bz = &m->buddy->zones[zone];
		const struct zone *z = &m->nodes[bz->nid].zones[bz->type];

		page_alloc_set_pagesets(&s->alloc, zone, z->batch, z->high, z->high_min,
					z->high_max);
		s->zones[zone] = (struct scenario_zone){
			.at_boot = buddy_zone_free_pages(m->buddy, zone),
			.nid = bz->nid,
			.type = bz->type,
			.managed = z->managed,
		};
		if (options->end_cost >= INVARIANT_COST_DEEP)
			s->zones[zone].digest = digest_of(m->buddy, zone);
	}
	hotplug_init(&s->hotplug, m, &s->alloc);
	memset(s->cpu_offline, 0, sizeof(s->cpu_offline));
	s->out_of_memory |= s->hotplug.out_of_memory;
}

void scenario_boot(struct scenario *s, const struct boot_input *in,
		   const struct scenario_options *options)
{
	s->has_alloc = false;
	machine_reset(&s->machine);
	findings_clear(&s->findings);
	s->block_count = 0;
	s->held_pages = 0;
	s->lists_broken = false;
	s->out_of_memory = false;
	s->machine.want_lists = options->want_lists;
	s->machine.findings = &s->findings;
	boot_run(&s->machine, in, STAGE_LATE);
	s->out_of_memory = s->machine.out_of_memory;
	s->cpu_count = in->online_cpus ? in->online_cpus : 1;
	if (s->cpu_count > SCENARIO_CPUS_MAX)
		s->cpu_count = SCENARIO_CPUS_MAX;
	if (!s->out_of_memory && s->machine.buddy)
		start_alloc(s, options);
}

/* ---- checks ------------------------------------------------------------------------------------ */

static void add(struct scenario *s, enum invariant invariant, uint32_t zone, pfn_t pfn,
		uint64_t expected, uint64_t seen, const char *what)
{
	const struct buddy_zone *z = &s->machine.buddy->zones[zone];

	findings_add(&s->findings, invariant, z->nid, (int32_t)z->type, pfn, expected, seen, what);
}

static void check_conserved(struct scenario *s, enum invariant_cost cost)
{
	for (uint32_t zone = 0; zone < s->alloc.zone_count; zone++) {
		const struct scenario_zone *z = &s->zones[zone];
		uint64_t want = z->at_boot - z->held - z->poisoned;
		uint64_t have =
			buddy_zone_free_pages(s->machine.buddy, zone) + pages_in_sets(s, zone);

		if (have != want)
			add(s, INVARIANT_PAGES_CONSERVED, zone, FINDING_NOWHERE, want, have,
			    "pages were lost, or are there twice, by the counters");
		if (cost < INVARIANT_COST_DEEP)
			continue;
		have = pages_on_lists(s, zone);
		if (have != want)
			add(s, INVARIANT_PAGES_LISTED, zone, FINDING_NOWHERE, want, have,
			    "pages were lost, or are there twice, by the lists");
	}
}

static int by_pfn(const void *left, const void *right)
{
	const struct scenario_block *a = left, *b = right;

	return (a->pfn > b->pfn) - (a->pfn < b->pfn);
}

static void check_held(struct scenario *s)
{
	uint32_t count = 0;

	if (!make_room(&s->sorted, &s->sorted_room, s->block_count, sizeof(*s->sorted))) {
		s->out_of_memory = true;
		return;
	}
	for (uint32_t i = 0; i < s->block_count; i++)
		if (s->blocks[i].pfn != PFN_NONE)
			s->sorted[count++] = s->blocks[i];
	if (count)
		qsort(s->sorted, count, sizeof(*s->sorted), by_pfn);
	for (uint32_t i = 0; i < count; i++) {
		const struct scenario_block *block = &s->sorted[i];
		struct buddy_block free_block;

		if (i && block[-1].pfn + block[-1].pages > block->pfn)
			add(s, INVARIANT_HELD_ONCE, block->zone, block->pfn, 0, 0,
			    "a page was handed out twice");
		if (buddy_find(s->machine.buddy, block->zone, block->pfn, &free_block) ||
		    pageset_holds(&s->alloc, block->zone, block->pfn))
			add(s, INVARIANT_HELD_ONCE, block->zone, block->pfn, 0, 0,
			    "a page that was handed out is free");
	}
}

void scenario_check(struct scenario *s, enum invariant_cost cost)
{
	if (s->out_of_memory || s->machine.stage < STAGE_ZONES)
		return;
	invariant_check_machine(&s->machine, cost, &s->findings);
	/* Lists that cannot be followed have no end, either. */
	s->lists_broken |= s->findings.count[INVARIANT_BUDDY_LISTS] != 0;
	if (!s->has_alloc || s->lists_broken)
		return;
	page_alloc_invariants_check(&s->alloc, s->machine.nodes, cost, &s->findings);
	if (cost < INVARIANT_COST_WALK)
		return;
	check_conserved(s, cost);
	check_held(s);
	hotplug_invariants_check(&s->hotplug, cost >= INVARIANT_COST_DEEP, &s->findings);
}

/* ---- operations -------------------------------------------------------------------------------- */

static struct scenario_block *add_block(struct scenario *s)
{
	if (s->block_count == s->block_room) {
		uint32_t room = s->block_room ? s->block_room * 2 : 64;
		struct scenario_block *blocks = realloc(s->blocks, room * sizeof(*blocks));

		if (!blocks) {
			s->out_of_memory = true;
			return NULL;
		}
		s->blocks = blocks;
		s->block_room = room;
	}
	s->blocks[s->block_count] = (struct scenario_block){ .pfn = PFN_NONE };
	return &s->blocks[s->block_count++];
}

/* The request of an operation; false: it is none. */
bool scenario_request(const struct scenario *s, const struct operation *op,
		      struct alloc_request *ret)
{
	const uint32_t rights = ALLOC_RIGHTS | ALLOC_NO_WATERMARKS | ALLOC_SKIP_BOOST;
	const uint32_t known = rights | ALLOC_KSWAPD;

	*ret = (struct alloc_request){ .cpu = op->cpu,
				       .nid = op->nid,
				       .order = op->order,
				       .type = op->type,
				       .highest = op->highest };
	/* Of other types there are no requests. */
	if (!nid_within(op->nid, s->machine.node_count) ||
	    op->order > s->machine.config.max_order ||
	    (unsigned int)op->type >= MIGRATE_HIGHATOMIC ||
	    (unsigned int)op->highest >= ZONE_TYPE_COUNT)
		return false;
	/* gfp_migratetype(). */
	if (s->machine.buddy->mobility_off)
		ret->type = MIGRATE_UNMOVABLE;
	ret->flags = page_alloc_fast_flags(&s->alloc, ret);
	if (op->flags & rights)
		ret->flags &= ~(uint32_t)(ALLOC_WMARK_MASK | ALLOC_NOFRAGMENT);
	ret->flags |= op->flags & known;
	return true;
}

void scenario_hold(struct scenario *s, struct scenario_block *block, pfn_t pfn, uint64_t pages)
{
	block->pfn = pfn;
	block->pages = pages;
	s->held_pages += pages;
	s->zones[block->zone].held += pages;
}

static void do_alloc(struct scenario *s, const struct operation *op, struct scenario_block *block)
{
	struct alloc_request req;
	pfn_t pfn;

	if (!scenario_request(s, op, &req))
		return;
	page_alloc_invariants_look(&s->alloc, s->seen);
	pfn = page_alloc_get(&s->alloc, &req, &block->zone);
	page_alloc_invariants_request(&s->alloc, s->seen, &req, pfn, block->zone, &s->findings);
	if (pfn == PFN_NONE)
		return;
	block->order = op->order;
	scenario_hold(s, block, pfn, 1ULL << op->order);
}

/* What operation @target got and still has, or NULL. */
struct scenario_block *scenario_held(struct scenario *s, uint32_t target)
{
	return target < s->block_count && s->blocks[target].pfn != PFN_NONE ? &s->blocks[target]
									    : NULL;
}

void scenario_let_go(struct scenario *s, struct scenario_block *block)
{
	s->held_pages -= block->pages;
	s->zones[block->zone].held -= block->pages;
	block->pfn = PFN_NONE;
}

static void free_block(struct scenario *s, uint32_t cpu, struct scenario_block *block, bool past)
{
	uint64_t before = page_alloc_set(&s->alloc, block->zone, cpu)->count;

	if (block->contiguous) {
		free_contig_range(&s->alloc, cpu, block->pfn, block->pages);
	} else if (past) {
		page_alloc_put_past(&s->alloc, cpu, block->pfn, block->order);
	} else {
		page_alloc_put(&s->alloc, cpu, block->pfn, block->order);
		page_alloc_invariants_free(&s->alloc, block->zone, cpu, before, block->pfn,
					   block->order, &s->findings);
	}
	scenario_let_go(s, block);
}

static void do_free(struct scenario *s, const struct operation *op)
{
	struct scenario_block *block = scenario_held(s, op->target);

	if (block)
		free_block(s, op->cpu, block, op->value != 0);
}

static void drain_all(struct scenario *s, uint32_t cpu)
{
	for (uint32_t zone = 0; zone < s->alloc.zone_count; zone++) {
		struct pageset *set = page_alloc_set(&s->alloc, zone, cpu);

		pageset_drain(&s->alloc, zone, set, set->count, 0);
	}
}

static void do_unreserve(struct scenario *s, const struct operation *op)
{
	struct alloc_request req;

	if (scenario_request(s, op, &req))
		page_alloc_unreserve(&s->alloc, &req, op->value != 0);
}

/*
 * The page that an operation names: its pfn, or with a value that of the pageblock so many behind what an
 * earlier operation got.  What is no memory stands for some that is.
 */
static pfn_t named_page(struct scenario *s, const struct operation *op)
{
	const struct scenario_block *block = op->value ? scenario_held(s, op->target) : NULL;
	const struct machine *m = &s->machine;
	uint64_t present = 0, number;
	pfn_t pfn = op->pfn;

	if (block)
		pfn = block->pfn + ((uint64_t)op->value << m->config.pageblock_order);
	if (page_alloc_zone_of(&s->alloc, pfn) != BUDDY_ZONE_NONE)
		return pfn;
	for (uint32_t i = 0; i < m->range_count; i++)
		present += m->ranges[i].end - m->ranges[i].start;
	if (!present)
		return pfn;
	number = pfn % present;
	for (uint32_t i = 0; i < m->range_count; i++) {
		if (number < m->ranges[i].end - m->ranges[i].start)
			return m->ranges[i].start + number;
		number -= m->ranges[i].end - m->ranges[i].start;
	}
	return pfn;
}

/* The pageblocks that an operation names, if they begin in a zone; its zone. */
static uint32_t find_range(struct scenario *s, const struct operation *op, pfn_t *start, pfn_t *end)
{
	/* No more than a few: what there is to isolate at once is small. */
	const uint64_t most = 64ULL << s->machine.config.pageblock_order;
	uint64_t pages = min_u64(max_u64(op->pages, 1), most);

	*start = named_page(s, op);
	if (*start > UINT64_MAX - pages)
		return BUDDY_ZONE_NONE;
	*end = *start + pages;
	return page_alloc_zone_of(&s->alloc, *start);
}

static void do_isolate(struct scenario *s, const struct operation *op)
{
	pfn_t start, end;
	uint32_t zone = find_range(s, op, &start, &end);

	if (zone != BUDDY_ZONE_NONE)
		page_isolation_start(&s->alloc, zone, &start, &end, false);
}

/* Does the pageblock at @pfn belong to a CMA area? */
static bool is_in_cma(const struct scenario *s, pfn_t pfn)
{
	phys_t at = (phys_t)pfn << s->machine.config.page_shift;

	for (uint32_t i = 0; i < s->machine.cma_count; i++)
		if (at >= s->machine.cma[i].start && at < s->machine.cma[i].end)
			return true;
	return false;
}

static void do_unisolate(struct scenario *s, const struct operation *op)
{
	uint64_t block = 1ULL << s->machine.config.pageblock_order;
	pfn_t start, end;
	uint32_t zone = find_range(s, op, &start, &end);

	if (zone == BUDDY_ZONE_NONE)
		return;
	for (pfn_t pfn = start & ~(block - 1); pfn < end; pfn += block)
		page_isolation_undo(&s->alloc, zone, pfn, pfn + block,
				    is_in_cma(s, pfn) ? MIGRATE_CMA : MIGRATE_MOVABLE);
}

static void do_poison(struct scenario *s, const struct operation *op)
{
	pfn_t pfn = named_page(s, op);

	if (page_alloc_poison(&s->alloc, pfn))
		s->zones[page_alloc_zone_of(&s->alloc, pfn)].poisoned++;
}

/*
 * Up to 5.13 a free compares the page set's count with the high that it read, and then drains the batch
 * that it reads: a sysctl, or memory that comes or goes, may have changed both in between.
 */
static void do_fraction(struct scenario *s, const struct operation *op)
{
	struct scenario_block *block = scenario_held(s, op->target);
	struct page_alloc *a = &s->alloc;
	struct pageset *set = NULL;
	uint32_t zone = 0;

	if (block && block->pages == 1 && a->rules.drain_amount == DRAIN_BATCH) {
		unsigned int index;

		zone = block->zone;
		index = a->rules.list_of_freed[0][buddy_block_type(a->buddy, zone, block->pfn)];
		if (index != PCP_LIST_NONE) {
			set = page_alloc_set(a, zone, op->cpu);
			pageset_insert(a, zone, set, index, block->pfn, false);
			if (set->count < set->high)
				set = NULL;
			scenario_let_go(s, block);
		}
	}
	if (op->value >= 0)
		page_alloc_set_fraction(a, s->machine.nodes, (uint64_t)op->value, s->cpu_count,
					&s->machine.config, &s->machine.facts);
	if (set)
		pageset_drain(a, zone, set, set->batch, 0);
}

/* The zone of @block among the @count @zones of now.  One that is in none is forgotten: nobody can free it. */
static void follow_block(struct scenario *s, struct scenario_zone *zones, uint32_t count,
			 struct scenario_block *block)
{
	const struct scenario_zone *old = &s->zones[block->zone];

	block->zone = page_alloc_zone_of(&s->alloc, block->pfn);
	if (block->zone != BUDDY_ZONE_NONE)
		return;
	findings_add(&s->findings, INVARIANT_HELD_ZONE, old->nid, (int32_t)old->type, block->pfn, 0,
		     0, "a page that is handed out is in no zone any more");
	for (uint32_t zone = 0; zone < count; zone++)
		if (zones[zone].nid == old->nid && zones[zone].type == old->type)
			zones[zone].held -= block->pages;
	s->held_pages -= block->pages;
	block->pfn = PFN_NONE;
}

bool scenario_follow_zones(struct scenario *s)
{
	const struct machine *m = &s->machine;
	uint32_t count = s->alloc.zone_count;
	struct scenario_zone *zones;
	size_t room;

	if (!make_room(&s->spare_zones, &s->spare_zone_room, count, sizeof(*zones)) ||
	    !make_room(&s->seen, &s->seen_room, count, sizeof(*s->seen)))
		return false;
	zones = s->spare_zones;
	for (uint32_t zone = 0; zone < count; zone++) {
		const struct buddy_zone *bz = &m->buddy->zones[zone];
		uint64_t managed = m->nodes[bz->nid].zones[bz->type].managed;

		zones[zone] = (struct scenario_zone){ .nid = bz->nid, .type = bz->type };
		for (uint32_t old = 0; old < s->zone_count; old++)
			if (s->zones[old].nid == bz->nid && s->zones[old].type == bz->type)
				zones[zone] = s->zones[old];
		zones[zone].changed |= zones[zone].managed != managed;
		zones[zone].at_boot += managed - zones[zone].managed;
		zones[zone].managed = managed;
	}
	for (uint32_t i = 0; i < s->block_count; i++)
		if (s->blocks[i].pfn != PFN_NONE)
			follow_block(s, zones, count, &s->blocks[i]);
	s->spare_zones = s->zones;
	s->zones = zones;
	s->zone_count = count;
	room = s->spare_zone_room;
	s->spare_zone_room = s->zone_room;
	s->zone_room = room;
	return true;
}

/* The zone that an operation names by node and type. */
static uint32_t named_zone(const struct scenario *s, const struct operation *op)
{
	return buddy_zone_find(s->machine.buddy, op->nid, op->highest);
}

static void do_shuffle(struct scenario *s, const struct operation *op)
{
	uint32_t zone = named_zone(s, op);
	struct buddy_violation wrong;

	if (zone == BUDDY_ZONE_NONE)
		return;
	shuffle_zone(s->machine.buddy, zone, (uint64_t)op->value);
	/* Who shuffles looks at all blocks anyway: what it broke is seen at once. */
	if (!buddy_find_violation(s->machine.buddy, false, &wrong))
		return;
	buddy_invariants_check(s->machine.buddy, INVARIANT_COST_DEEP, &s->findings);
	s->lists_broken = true;
}

static void do_compact(struct scenario *s, const struct operation *op)
{
	uint32_t zone = named_zone(s, op);
	pfn_t first;

	if (zone == BUDDY_ZONE_NONE || op->order > s->machine.config.max_order)
		return;
	first = compaction_fast_isolate(&s->alloc, zone, op->cpu, op->order);
	if (first != PFN_NONE && (first < s->machine.buddy->zones[zone].start ||
				  first >= s->machine.buddy->zones[zone].end))
		add(s, INVARIANT_COMPACTION_ZONE, zone, first, s->machine.buddy->zones[zone].start,
		    first, "compaction looks at a page outside of its zone");
}

/* What is allocated of [@start, @end) as contiguous ranges; their number. */
static uint32_t find_used(struct scenario *s, pfn_t start, pfn_t end)
{
	uint32_t count = 0;

	if (!make_room(&s->used, &s->used_room, s->block_count, sizeof(*s->used))) {
		s->out_of_memory = true;
		return 0;
	}
	for (uint32_t i = 0; i < s->block_count; i++)
		if (s->blocks[i].contiguous && s->blocks[i].pfn != PFN_NONE &&
		    s->blocks[i].pfn >= start && s->blocks[i].pfn < end)
			s->used[count++] =
				(struct contig_range){ s->blocks[i].pfn,
						       s->blocks[i].pfn + s->blocks[i].pages };
	return count;
}

static void do_cma_alloc(struct scenario *s, const struct operation *op,
			 struct scenario_block *block)
{
	struct machine *m = &s->machine;
	const struct cma_area *area;
	struct contig_range pages;
	uint32_t used, zone;
	pfn_t pfn;

	/* Alignments beyond a largest block or two are nobody's wish. */
	if (!m->cma_count || op->order > m->config.max_order + 8)
		return;
	area = &m->cma[op->target % m->cma_count];
	pages = (struct contig_range){ area->start >> m->config.page_shift,
				       area->end >> m->config.page_shift };
	zone = page_alloc_zone_of(&s->alloc, pages.start);
	if (!area->active || zone == BUDDY_ZONE_NONE)
		return;
	used = find_used(s, pages.start, pages.end);
	pfn = cma_alloc(&s->alloc, zone, op->cpu, &pages, op->pages, op->order, s->used, used);
	if (pfn == PFN_NONE)
		return;
	block->zone = zone;
	block->contiguous = true;
	scenario_hold(s, block, pfn, op->pages);
	if (pfn & ((1ULL << op->order) - 1) || pfn < pages.start || pfn + op->pages > pages.end)
		add(s, INVARIANT_CMA_ALIGNED, zone, pfn, 0, 0,
		    "pages of a CMA area are not where they were wanted");
}

void scenario_do(struct scenario *s, const struct operation *op)
{
	struct scenario_block *block = add_block(s);

	if (!block || s->out_of_memory || !s->has_alloc || s->lists_broken ||
	    op->cpu >= s->cpu_count)
		return;
	if (s->cpu_offline[op->cpu] != (op->kind == OPERATION_CPU_UP))
		return;
	switch (op->kind) {
	case OPERATION_ALLOC:
		do_alloc(s, op, block);
		break;
	case OPERATION_FREE:
		do_free(s, op);
		break;
	case OPERATION_DRAIN:
		drain_all(s, op->cpu);
		break;
	case OPERATION_BALANCE:
		page_alloc_balance(&s->alloc, op->nid);
		break;
	case OPERATION_UNRESERVE:
		do_unreserve(s, op);
		break;
	case OPERATION_ISOLATE_BLOCKS:
		do_isolate(s, op);
		break;
	case OPERATION_UNISOLATE_BLOCKS:
		do_unisolate(s, op);
		break;
	case OPERATION_SHUFFLE:
		do_shuffle(s, op);
		break;
	case OPERATION_COMPACT:
		do_compact(s, op);
		break;
	case OPERATION_CMA_ALLOC:
		do_cma_alloc(s, op, block);
		break;
	case OPERATION_POISON:
		do_poison(s, op);
		break;
	case OPERATION_PCP_FRACTION:
		do_fraction(s, op);
		break;
	default:
		scenario_do_hotplug(s, op, block);
		break;
	}
	s->out_of_memory |= s->machine.buddy->out_of_memory;
}

/* ---- once more --------------------------------------------------------------------------------- */

/* Of @zone's marks and page sets, in their order. */
static uint64_t digest_of_sets(struct scenario *s, uint32_t zone)
{
	const struct alloc_zone *z = &s->alloc.zones[zone];
	uint64_t digest = digest_add(z->managed, z->boost);

	for (unsigned int w = 0; w < WMARK_COUNT; w++)
		digest = digest_add(digest, z->watermark[w]);
	digest = digest_add(digest, z->reserved_highatomic);
	for (uint32_t cpu = 0; cpu < s->alloc.cpu_count; cpu++) {
		const struct pageset *set = page_alloc_set(&s->alloc, zone, cpu);

		digest = digest_add(digest_add(digest, set->count), set->high);
		for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
			uint32_t cursor = BUDDY_LIST_START, left = set->lists[index].count;
			pfn_t pfn;

			digest = digest_add(digest, left);
			while (left-- > 0 && pageset_next(&s->alloc, set, index, &cursor, &pfn))
				digest = digest_add(digest, pfn);
		}
	}
	return digest;
}

/* What operations got; the number of the first that got something else, or how many there are. */
static uint32_t first_other_block(const struct scenario *a, const struct scenario *b)
{
	uint32_t i = 0;

	while (i < a->block_count && i < b->block_count && a->blocks[i].pfn == b->blocks[i].pfn &&
	       (a->blocks[i].pfn == PFN_NONE || a->blocks[i].zone == b->blocks[i].zone))
		i++;
	return i;
}

void scenario_check_repeated(struct scenario *s, struct scenario *again)
{
	uint32_t other = first_other_block(s, again);

	if (s->out_of_memory || again->out_of_memory || s->findings.total)
		return;
	if (again->findings.total || s->has_alloc != again->has_alloc ||
	    s->block_count != again->block_count ||
	    (s->has_alloc && s->zone_count != again->zone_count)) {
		findings_add(&s->findings, INVARIANT_LIFE_REPEATED, -1, -1, FINDING_NOWHERE, 0, 0,
			     "the same boot makes another machine");
		return;
	}
	if (other < s->block_count)
		findings_add(&s->findings, INVARIANT_LIFE_REPEATED, -1, -1, s->blocks[other].pfn,
			     s->blocks[other].pfn, again->blocks[other].pfn,
			     "an operation got another page the second time");
	if (!s->has_alloc)
		return;
	for (uint32_t zone = 0; zone < s->zone_count; zone++)
		if (digest_of_sets(s, zone) != digest_of_sets(again, zone))
			add(s, INVARIANT_LIFE_REPEATED, zone, FINDING_NOWHERE,
			    digest_of_sets(s, zone), digest_of_sets(again, zone),
			    "page sets or marks are others the second time (digests)");
	if (buddy_hash(s->machine.buddy) != buddy_hash(again->machine.buddy))
		findings_add(&s->findings, INVARIANT_LIFE_REPEATED, -1, -1, FINDING_NOWHERE,
			     buddy_hash(s->machine.buddy), buddy_hash(again->machine.buddy),
			     "free lists are others the second time (digests)");
}

void scenario_repeat(struct scenario *s, const struct boot_input *in,
		     const struct operation *operations, uint32_t count,
		     const struct scenario_options *options)
{
	/* Broken lists, which checks keep a life from, could not be worked on here. */
	if (s->out_of_memory || s->findings.total)
		return;
	if (!s->again) {
		s->again = malloc(sizeof(*s->again));
		if (!s->again) {
			s->out_of_memory = true;
			return;
		}
		scenario_init(s->again);
	}
	scenario_boot(s->again, in, options);
	for (uint32_t i = 0; i < count; i++)
		scenario_do(s->again, &operations[i]);
	s->findings.event = FINDING_NOWHERE;
	scenario_check_repeated(s, s->again);
}

/* ---- the end ----------------------------------------------------------------------------------- */

void scenario_undo(struct scenario *s)
{
	if (s->out_of_memory || !s->has_alloc || s->findings.total)
		return;
	for (uint32_t i = 0; i < s->block_count; i++)
		if (s->blocks[i].pfn != PFN_NONE)
			free_block(s, 0, &s->blocks[i], false);
	for (uint32_t cpu = 0; cpu < s->cpu_count; cpu++)
		drain_all(s, cpu);
	for (uint32_t zone = 0; zone < s->alloc.zone_count; zone++)
		if (!s->zones[zone].poisoned && !s->zones[zone].changed &&
		    digest_of(s->machine.buddy, zone) != s->zones[zone].digest)
			add(s, INVARIANT_LIFE_UNDONE, zone, FINDING_NOWHERE, s->zones[zone].digest,
			    digest_of(s->machine.buddy, zone),
			    "other blocks are free than after the boot (digests)");
}

void scenario_run(struct scenario *s, const struct boot_input *in,
		  const struct operation *operations, uint32_t count,
		  const struct scenario_options *options)
{
	scenario_boot(s, in, options);
	scenario_check(s, options->boot_cost);
	for (uint32_t i = 0; i < count; i++) {
		s->findings.event = i;
		scenario_do(s, &operations[i]);
		scenario_check(s, options->step_cost);
	}
	if (count)
		scenario_check(s, options->end_cost);
	if (options->end_cost < INVARIANT_COST_DEEP)
		return;
	scenario_repeat(s, in, operations, count, options);
	scenario_undo(s);
}
