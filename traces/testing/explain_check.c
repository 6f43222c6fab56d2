/* SPDX-License-Identifier: MIT */
#include "traces/testing/explain_check.h"

#include <string.h>

#include "traces/testing/check.h"

#define HOLDS(condition)                                                                 \
	do {                                                                             \
		if (!(condition))                                                        \
			fail_msg("%s, report at line %u, zone at line %u: not %s", name, \
				 e->first_line, z ? z->seen->line : 0, #condition);      \
	} while (0)

/* Numbers that are not bounded for a machine beyond all measure. */
static bool plain(uint64_t kb)
{
	return kb < (uint64_t)1 << 40;
}

/* The arithmetic as a reader would do it, with the report in the other hand. */
static void check_sum(const struct explanation *e, const struct explain_zone *z, const char *name)
{
	const struct meminfo_report_zone *seen = z->seen;
	const struct watermark_answer *a = &z->answer;
	int64_t page = (int64_t)e->page_kb, mark = (int64_t)seen->min_kb / page;

	if (!plain(seen->free_kb) || !plain(seen->min_kb) || !plain(seen->free_cma_kb) ||
	    !plain(seen->boost_kb) || !plain(seen->reserved_highatomic_kb))
		return;
	HOLDS(z->numbers.free == (int64_t)seen->free_kb / page);
	HOLDS(a->too_large + 1 == (int64_t)1 << e->order);
	HOLDS(a->cma == 0 || a->cma == (int64_t)seen->free_cma_kb / page);
	HOLDS(a->usable == (int64_t)seen->free_kb / page - a->too_large - a->highatomic - a->cma);
	if (a->retest)
		mark -= (int64_t)seen->boost_kb / page;
	HOLDS(a->min == mark - a->high_part - a->non_block_part - a->victim_part);
	HOLDS(a->limit == a->min + z->numbers.reserve);
	if (z->has_reserve && plain(seen->lowmem_reserve[e->highest_rank]))
		HOLDS(z->numbers.reserve == (int64_t)seen->lowmem_reserve[e->highest_rank]);
	if (z->has_last && plain(seen->high_kb))
		HOLDS(z->last.min == (int64_t)seen->high_kb / page);
	switch (a->refusal) {
	case WATERMARK_PASSED:
		HOLDS((a->fast ? a->fast_usable : a->usable) > a->limit);
		break;
	case WATERMARK_TOO_FEW:
		HOLDS(a->usable <= a->limit);
		break;
	case WATERMARK_NO_BLOCK:
		HOLDS(a->usable > a->limit && e->order && z->largest_order < (int)e->order);
		break;
	case WATERMARK_TOO_FEW_ABOVE:
		HOLDS(a->usable_above <= a->min_above && a->order < e->order);
		break;
	}
}

static bool passes(const struct explanation *e, const struct watermark_zone *numbers)
{
	/* A block of every order, so that pages alone count. */
	const uint32_t all[MIGRATE_TYPE_COUNT] = { UINT32_MAX, UINT32_MAX, UINT32_MAX };
	struct watermark_zone n = *numbers;
	struct watermark_rules rules;

	watermark_rules_init(&rules, &e->facts);
	n.nonempty = all;
	return watermark_check(&rules, &n, e->order, e->alloc_flags, NULL);
}

/* What is said to help has to help, and no less than that does. */
static void check_remedies(const struct explanation *e, const struct explain_zone *z,
			   const char *name)
{
	struct watermark_zone n = z->numbers;

	if (!z->need_pages) {
		HOLDS(z->answer.refusal == WATERMARK_NO_BLOCK);
		return;
	}
	n.free = z->numbers.free + (int64_t)z->need_pages;
	HOLDS(passes(e, &n));
	n.free--;
	HOLDS(!passes(e, &n));
	n = z->numbers;
	n.boost = 0;
	if (z->mark_max >= 0) {
		n.mark = z->mark_max;
		HOLDS(passes(e, &n));
	}
	n.mark = z->mark_max + 1;
	HOLDS(!passes(e, &n));
	n = z->numbers;
	n.reserve = 0;
	HOLDS(passes(e, &n) == z->reserve_decides);
	n = z->numbers;
	n.highatomic = 0;
	HOLDS(passes(e, &n) == z->highatomic_decides);
}

static void check_zone(const struct explanation *e, const struct explain_zone *z, const char *name)
{
	HOLDS(z->state < EXPLAIN_ZONE_STATE_COUNT);
	switch (z->state) {
	case EXPLAIN_ZONE_REFUSES:
		HOLDS(z->answer.refusal != WATERMARK_PASSED);
		check_sum(e, z, name);
		check_remedies(e, z, name);
		break;
	case EXPLAIN_ZONE_LISTS:
		HOLDS(z->has_lists && z->largest_order < (int)e->order);
		check_sum(e, z, name);
		break;
	case EXPLAIN_ZONE_PASSES:
		HOLDS(z->answer.refusal == WATERMARK_PASSED ||
		      (e->alloc_flags & ALLOC_NO_WATERMARKS));
		check_sum(e, z, name);
		break;
	case EXPLAIN_ZONE_ABOVE:
		HOLDS(z->type > e->highest);
		break;
	case EXPLAIN_ZONE_NODEMASK:
		HOLDS(e->nodemask[0]);
		break;
	case EXPLAIN_ZONE_CPUSET:
		HOLDS(e->mems_allowed[0] && (e->alloc_flags & ALLOC_CPUSET));
		break;
	case EXPLAIN_ZONE_UNKNOWN:
	case EXPLAIN_ZONE_STATE_COUNT:
		break;
	}
}

void explain_check(const struct explanation *e, const char *name)
{
	uint32_t asked = 0, passing = 0;
	const struct explain_zone *z = NULL;

	HOLDS(e->verdict < EXPLAIN_VERDICT_COUNT);
	HOLDS(e->nzones == e->report->nzones);
	for (uint32_t i = 0; i < e->nzones; i++) {
		check_zone(e, &e->zones[i], name);
		asked += e->zones[i].state <= EXPLAIN_ZONE_PASSES;
		passing += e->zones[i].state == EXPLAIN_ZONE_PASSES;
	}
	HOLDS(e->asked == asked && e->passing == passing && e->refused == asked - passing);
	if (e->verdict == EXPLAIN_REFUSED)
		HOLDS(asked && !passing);
	if (e->verdict == EXPLAIN_PASSES)
		HOLDS(passing);
	HOLDS(explain_verdict_name(e->verdict)[0] && strlen(explain_verdict_name(e->verdict)) < 20);
}
