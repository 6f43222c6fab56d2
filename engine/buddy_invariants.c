/* SPDX-License-Identifier: MIT */
#include "engine/buddy_invariants.h"

static const enum invariant broken_by[] = {
	INVARIANT_COUNT,
#define BUDDY_WRONG(name, invariant, text) INVARIANT_##invariant,
#include "engine/buddy_wrong.def"
#undef BUDDY_WRONG
};

/*
 * From 6.10 on every free block is on the list of its type; before, it could lie on others.  Where there is
 * too little memory for types, what is no longer isolated goes to Movable's lists all the same.  Pageblocks of
 * MIGRATE_RESERVE, long gone by then, were chosen one by one out of larger blocks.
 */
static bool is_hygienic(const struct buddy *b)
{
	return !b->mobility_off && fact_get(b->facts, FACT_fallback_rule) >= 3 &&
	       fact_get(b->facts, FACT_pcp_drain_current_type) &&
	       !fact_get(b->facts, FACT_migrate_reserve);
}

struct walk {
	const struct buddy *b;
	struct findings *findings;
	bool hygienic, apart, atomic_apart;
};

static void add(const struct walk *w, enum invariant invariant, uint32_t zone, pfn_t pfn,
		const char *what)
{
	const struct buddy_zone *z = &w->b->zones[zone];

	findings_add(w->findings, invariant, z->nid, (int32_t)z->type, pfn, 0, 0, what);
}

/* Are some, but not all, of the pageblocks of a free block of type @type? */
static bool is_part_of(const struct buddy *b, uint32_t zone, pfn_t pfn, unsigned int order,
		       enum migratetype type)
{
	pfn_t blocks = 1ULL << (order - b->pageblock_order), of_type = 0;

	for (pfn_t i = 0; i < blocks; i++)
		of_type += buddy_block_type(b, zone, pfn + (i << b->pageblock_order)) == type;
	return of_type && of_type < blocks;
}

/*
 * Does the type of a pageblock on the list of another break nothing?  Where nodes meet in it, kernels retype
 * it for one of them, if that spans all of it, or because its memory is initialised later (deferred).
 */
static bool is_excused(const struct buddy *b, uint32_t zone, pfn_t pfn, enum migratetype list)
{
	bool shared = false;

	for (uint32_t other = 0; other < b->zone_count && !shared; other++)
		shared = other != zone && buddy_block_has_memory(b, other, pfn);
	if (!shared)
		return false;
	return buddy_block_is_entangled(b, pfn) ||
	       (list == MIGRATE_UNMOVABLE && buddy_block_type(b, zone, pfn) == MIGRATE_MOVABLE &&
		fact_get(b->facts, FACT_deferred_rule));
}

static void check_block(const struct walk *w, uint32_t zone, pfn_t pfn, unsigned int order,
			enum migratetype list)
{
	const struct buddy *b = w->b;
	enum migratetype type = buddy_block_type(b, zone, pfn);
	pfn_t blocks = order > b->pageblock_order ? 1ULL << (order - b->pageblock_order) : 1;

	if (w->apart && (type == MIGRATE_CMA) != (list == MIGRATE_CMA))
		add(w, INVARIANT_BUDDY_CMA, zone, pfn,
		    type == MIGRATE_CMA
			    ? "a free block of a CMA area is on the list of another type"
			    : "a free block on CMA's list is of no CMA area");
	if (w->hygienic)
		for (pfn_t i = 0; i < blocks; i++)
			if (buddy_block_type(b, zone, pfn + (i << b->pageblock_order)) != list &&
			    !is_excused(b, zone, pfn + (i << b->pageblock_order), list))
				add(w, INVARIANT_BUDDY_TYPES, zone, pfn,
				    "a free block is on the list of another type than its pageblock's");
	if (blocks == 1)
		return;
	if (is_part_of(b, zone, pfn, order, MIGRATE_ISOLATE))
		add(w, INVARIANT_BUDDY_APART, zone, pfn,
		    "a free block lies in an isolated pageblock and in one that is not");
	if ((w->apart && is_part_of(b, zone, pfn, order, MIGRATE_CMA)) ||
	    (w->atomic_apart && is_part_of(b, zone, pfn, order, MIGRATE_HIGHATOMIC)))
		add(w, INVARIANT_BUDDY_APART, zone, pfn,
		    "a free block lies in pageblocks of types that must not be mixed");
}

/* The lists are sound. */
static void check_types(const struct walk *w, uint32_t zone)
{
	for (unsigned int order = 0; order <= w->b->max_order; order++) {
		for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++) {
			enum migratetype type = (enum migratetype)t;
			uint32_t cursor = BUDDY_LIST_START;
			pfn_t pfn;

			while (buddy_list_next(w->b, zone, order, type, &cursor, &pfn))
				check_block(w, zone, pfn, order, type);
		}
	}
}

void buddy_invariants_check(const struct buddy *b, enum invariant_cost cost, struct findings *ret)
{
	struct walk walk = { .b = b,
			     .findings = ret,
			     .hygienic = is_hygienic(b),
			     .apart = b->merge_needs_fallback };
	struct buddy_violation wrong;

	/* Page sets brought pages of a pageblock that was kept meanwhile back as of its former type. */
	walk.atomic_apart = walk.apart && walk.hygienic;
	if (b->stray_reads)
		findings_add(ret, INVARIANT_MERGE_READS, -1, -1, b->stray_read, 0, 0,
			     "a merge looks at a page that is not in the zone");
	if (cost < INVARIANT_COST_DEEP)
		return;
	if (buddy_find_violation(b, false, &wrong)) {
		bool some = wrong.zone != BUDDY_ZONE_NONE;

		findings_add(ret, broken_by[wrong.wrong], some ? b->zones[wrong.zone].nid : -1,
			     some ? (int32_t)b->zones[wrong.zone].type : -1,
			     wrong.pfn == PFN_NONE ? FINDING_NOWHERE : wrong.pfn, 0, 0, wrong.what);
		/* Counters that are off leave lists that can be walked. */
		if (broken_by[wrong.wrong] != INVARIANT_BUDDY_COUNTS)
			return;
	}
	for (uint32_t zone = 0; zone < b->zone_count; zone++)
		check_types(&walk, zone);
}
