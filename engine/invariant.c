/* SPDX-License-Identifier: MIT */
#include "engine/invariant.h"

#include <inttypes.h>

#include "engine/buddy_invariants.h"
#include "engine/cma_invariants.h"
#include "engine/deferred_invariants.h"
#include "engine/handover_invariants.h"
#include "engine/memblock_invariants.h"
#include "engine/memmap_invariants.h"
#include "engine/numa_invariants.h"
#include "engine/wmark_invariants.h"
#include "engine/zone_invariants.h"
#include "engine/zonelist_invariants.h"

static const struct invariant_info infos[INVARIANT_COUNT] = {
#define INVARIANT(name, id, cost, owner, sentence) \
	[INVARIANT_##name] = { id, owner, sentence, INVARIANT_COST_##cost },
#include "engine/invariant.def"
#undef INVARIANT
};

const struct invariant_info *invariant_info(enum invariant invariant)
{
	return &infos[invariant];
}

enum invariant invariant_parse(const char *id, size_t len)
{
	unsigned int i = 0;

	while (i < INVARIANT_COUNT && (strlen(infos[i].id) != len || memcmp(infos[i].id, id, len)))
		i++;
	return (enum invariant)i;
}

const char *invariant_cost_name(enum invariant_cost cost)
{
	static const char *const names[] = { "constant", "walk", "deep" };

	return names[cost];
}

void finding_print(const struct finding *f, const struct sink *sink)
{
	sink_puts(sink, infos[f->invariant].id);
	sink_puts(sink, ":");
	if (f->nid >= 0)
		sink_printf(sink, " node %" PRId32 ",", f->nid);
	if (f->zone >= 0)
		sink_printf(sink, " zone %s,", zone_type_name((enum zone_type)f->zone));
	if (f->place != FINDING_NOWHERE)
		sink_printf(sink, " at 0x%" PRIx64 ",", f->place);
	if (f->event != FINDING_NOWHERE)
		sink_printf(sink, " after operation %" PRIu64 ",", f->event);
	sink_printf(sink, " %s", f->what);
	if (f->expected != f->seen)
		sink_printf(sink, " (expected %" PRIu64 ", seen %" PRIu64 ")", f->expected,
			    f->seen);
	sink_puts(sink, "\n");
}

static void check_reserves(const struct machine *m, struct findings *ret)
{
	const struct reserve_source source = { .nodes = m->nodes,
					       .node_count = m->node_count,
					       .limits = &m->limits,
					       .zones_mask = m->config.zones_mask,
					       .cmdline = &m->cmdline,
					       .config = &m->config,
					       .facts = &m->facts,
					       .online_cpus = m->online_cpus,
					       .cpu_coming = m->cpu_coming,
					       .hugepage_totalram = m->hugepage_totalram,
					       .min_free_kbytes = m->min_free_kbytes,
					       .totalreserve = m->totalreserve };

	wmark_invariants_check(&source, ret);
}

void invariant_check_machine(const struct machine *m, enum invariant_cost cost,
			     struct findings *ret)
{
	const struct zone_source source = { .ranges = m->ranges,
					    .range_count = m->range_count,
					    .limits = &m->limits,
					    .zones_mask = m->config.zones_mask,
					    .cmdline = &m->cmdline,
					    .config = &m->config,
					    .facts = &m->facts };
	/* A kernel that was built for fewer nodes does not know these, and its loads would outweigh distance. */
	bool goes_by_distance = m->config.numa && m->node_count <= 1u << m->config.nodes_shift;

	if (cost >= INVARIANT_COST_WALK) {
		memblock_invariants_check(&m->mb, ret);
		numa_invariants_check(m, ret);
		memmap_invariants_check(m, ret);
		deferred_invariants_check(m, ret);
		zone_invariants_check(m->nodes, m->node_count, &source, ret);
		if (m->stage >= STAGE_ZONELISTS)
			zonelist_invariants_check(&m->zonelists, m->nodes,
						  goes_by_distance ? m->distance : NULL, ret);
	}
	if (cost >= INVARIANT_COST_WALK && m->stage >= STAGE_LATE) {
		check_reserves(m, ret);
		cma_invariants_check(m, ret);
		handover_invariants_check(m, ret);
	}
	if (m->buddy)
		buddy_invariants_check(m->buddy, cost, ret);
}
