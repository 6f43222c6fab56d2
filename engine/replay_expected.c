/* SPDX-License-Identifier: MIT */
/* What the model expected a CPU to do next, and how it is undone when the trace moves on without it. */
#include "engine/pageset_list.h"
#include "engine/replay_parts.h"

/*
 * Pageblocks that the model claimed for what did not happen are of the type again that they were of.  The
 * pages are back.
 */
void replay_undo_claims(struct replay_model *r, uint32_t cpu, uint32_t zone)
{
	struct replay_cpu *c = &r->cpus[cpu];
	struct buddy *b = r->alloc.buddy;
	uint32_t first = c->at;

	/* A claim is noted before the page that it was for. */
	while (first && !gives_page(&c->expected.events[first - 1]))
		first--;
	for (uint32_t i = c->expected.count; i-- > first;) {
		const struct event *e = &c->expected.events[i];
		unsigned int order = e->fallback_order > b->pageblock_order ? e->fallback_order
									    : b->pageblock_order;
		pfn_t start = round_down_to(e->pfn, 1ULL << order);
		enum migratetype type = r->setup->types[e->fallback_migratetype];

		if (e->kind != EVENT_EXTFRAG || !(e->flags & EVENT_CHANGE_OWNERSHIP))
			continue;
		for (pfn_t pfn = start; pfn < start + (1ULL << order);
		     pfn += 1ULL << b->pageblock_order) {
			if (page_alloc_zone_of(&r->alloc, pfn) != zone)
				continue;
			buddy_set_block_type(b, zone, pfn, type);
			buddy_move_block(b, zone, pfn, type, false);
		}
	}
}

/*
 * The last free did not make the kernel drain, and so did not raise the factor that the size of the next drain
 * comes of.
 */
static void no_drain(struct page_alloc *a, struct pageset *set, const struct replay_cpu *c)
{
	set->free_factor = c->factor;
	pageset_no_drain(a, set);
}

/* @elsewhere: it was done in another zone. */
static void settle(struct replay_model *r, uint32_t cpu, bool elsewhere)
{
	struct replay_cpu *c = &r->cpus[cpu];
	struct page_alloc *a = &r->alloc;

	if (c->doing == DOING_REFILL && expects(c)) {
		uint32_t left = 0;

		for (uint32_t i = c->at; i < c->expected.count; i++)
			left += gives_page(&c->expected.events[i]);
		pageset_unrefill(a, c->zone, page_alloc_set(a, c->zone, cpu), c->index, left);
		if (elsewhere)
			replay_undo_claims(r, cpu, c->zone);
	} else if (c->doing == DOING_DRAIN && expects(c)) {
		struct pageset *set = page_alloc_set(a, c->zone, cpu);

		for (uint32_t i = c->expected.count; i-- > c->at;) {
			const struct event *e = &c->expected.events[i];
			struct buddy_block block;

			if (!buddy_find(a->buddy, c->zone, e->pfn, &block) ||
			    block.order < e->order)
				continue;
			buddy_carve(a->buddy, c->zone, &block, e->pfn, e->order, block.type);
			pageset_insert(a, c->zone, set, e->fallback_order, e->pfn, true);
		}
		/* More is kept than the model knew: the next sizes are in force, or its count is off. */
		if (replay_model_has_next_stage(r))
			replay_model_next_stage(r);
		else if (!c->at)
			no_drain(a, set, c);
	}
	expect_nothing(c);
}

void replay_settle_expected(struct replay_model *r, uint32_t cpu)
{
	settle(r, cpu, false);
}

void replay_settle_elsewhere(struct replay_model *r, uint32_t cpu)
{
	settle(r, cpu, true);
}
