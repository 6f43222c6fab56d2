/* SPDX-License-Identifier: MIT */
#include "engine/scenario_hotplug.h"

#include <string.h>

#include "engine/pageset.h"

static bool names_node(const struct scenario *s, const struct operation *op)
{
	return nid_within(op->nid, s->machine.node_count) &&
	       (unsigned int)op->highest < ZONE_TYPE_COUNT;
}

static void do_offline(struct scenario *s, const struct operation *op)
{
	struct scenario_block *block = scenario_held(s, op->target);
	uint64_t section = s->hotplug.section_pages;
	struct buddy_block found;
	uint32_t zone;
	pfn_t pfn;

	/* Contiguous pages are their owner's, who is not asked here. */
	if (!block || block->contiguous || !section || block->pfn / section != op->pfn / section) {
		hotplug_offline(&s->hotplug, op->pfn, PFN_NONE, 0, 0);
		return;
	}
	zone = block->zone;
	pfn = block->pfn;
	/* It is let go before, as its zone may be gone after; what stays in use was not freed. */
	scenario_let_go(s, block);
	if (!hotplug_offline(&s->hotplug, op->pfn, pfn, block->order, op->cpu) &&
	    !buddy_find(s->machine.buddy, zone, pfn, &found) &&
	    !pageset_holds(&s->alloc, zone, pfn))
		scenario_hold(s, block, pfn, 1ULL << block->order);
}

static void do_cpu(struct scenario *s, const struct operation *op, bool online)
{
	if (hotplug_cpu(&s->hotplug, op->cpu, online))
		s->cpu_offline[op->cpu] = !online;
}

/* page_alloc_get() of a request that starts at place @place of its node's zonelist. */
static pfn_t get_from(struct page_alloc *a, const struct alloc_request *req, uint32_t place,
		      uint32_t *zone_ret)
{
	uint32_t *row = a->rows + (size_t)(uint32_t)req->nid * a->row_room;
	uint32_t *length = &a->row_length[req->nid], all = *length, skipped[HOTPLUG_PLACES_MAX];
	pfn_t pfn;

	if (place > all)
		place = all;
	memcpy(skipped, row, place * sizeof(*row));
	memmove(row, row + place, (all - place) * sizeof(*row));
	*length = all - place;
	pfn = page_alloc_get(a, req, zone_ret);
	*length = all;
	memmove(row + place, row, (all - place) * sizeof(*row));
	memcpy(row, skipped, place * sizeof(*row));
	return pfn;
}

/* The loser of a race with a rebuild of the zonelists: its place is that of the lists before. */
static void do_alloc_raced(struct scenario *s, const struct operation *op,
			   struct scenario_block *block)
{
	struct alloc_request req;
	uint32_t place, zone;
	pfn_t pfn;

	if (!scenario_request(s, op, &req))
		return;
	place = hotplug_place_before(&s->hotplug, op->nid, op->highest);
	pfn = get_from(&s->alloc, &req, place, &zone);
	if (pfn == PFN_NONE && fact_get(&s->machine.facts, FACT_zonelist_rebuild_retried))
		pfn = page_alloc_get(&s->alloc, &req, &zone);
	if (pfn == PFN_NONE) {
		pfn = page_alloc_get(&s->alloc, &req, &zone);
		if (pfn != PFN_NONE)
			findings_add(&s->findings, INVARIANT_ALLOC_RACED, op->nid,
				     (int32_t)op->highest, pfn, 0, 0,
				     "a request failed that the new zonelist serves");
	}
	if (pfn == PFN_NONE)
		return;
	*block = (struct scenario_block){ .zone = zone, .order = op->order };
	scenario_hold(s, block, pfn, 1ULL << op->order);
}

void scenario_do_hotplug(struct scenario *s, const struct operation *op,
			 struct scenario_block *block)
{
	struct hotplug *h = &s->hotplug;

	switch (op->kind) {
	case OPERATION_HOTADD:
		hotplug_add(h, op->nid, op->pfn, op->pages);
		break;
	case OPERATION_HOTREMOVE:
		hotplug_remove(h, op->pfn, op->pages);
		break;
	case OPERATION_ONLINE:
		hotplug_online(h, op->pfn,
			       op->value == 1	? ONLINE_KERNEL
			       : op->value == 2 ? ONLINE_MOVABLE
						: ONLINE_DEFAULT);
		break;
	case OPERATION_OFFLINE:
		do_offline(s, op);
		break;
	case OPERATION_BALLOON:
		if (names_node(s, op))
			hotplug_balloon(h, op->nid, op->highest, op->value);
		break;
	case OPERATION_CPU_DOWN:
	case OPERATION_CPU_UP:
		do_cpu(s, op, op->kind == OPERATION_CPU_UP);
		break;
	case OPERATION_NODE_STAT:
		hotplug_count(h, op->cpu, op->nid, op->value);
		break;
	case OPERATION_ALLOC_RACED:
		do_alloc_raced(s, op, block);
		break;
	default:
		break;
	}
	s->out_of_memory |= h->out_of_memory || !scenario_follow_zones(s);
}
