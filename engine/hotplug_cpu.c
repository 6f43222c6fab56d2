/* SPDX-License-Identifier: MIT */
/* CPUs that come and go, and what they count of nodes. */
#include "engine/hotplug_lists.h"
#include "engine/hotplug_parts.h"
#include "engine/pageset.h"
#include "engine/reserves.h"

/* ---- counters of nodes --------------------------------------------------------------------------- */

int8_t *hotplug_diff(const struct hotplug *h, int32_t nid, uint32_t cpu)
{
	return &h->stat_diff[(size_t)(uint32_t)nid * h->cpu_count + cpu];
}

void hotplug_fold(struct hotplug *h, int32_t nid, uint32_t cpu)
{
	h->stat[nid] += *hotplug_diff(h, nid, cpu);
	*hotplug_diff(h, nid, cpu) = 0;
}

void hotplug_count(struct hotplug *h, uint32_t cpu, int32_t nid, int64_t value)
{
	/* The largest there is; what is smaller in a small node is folded sooner. */
	const int64_t threshold = 125;
	int64_t diff;

	if (!nid_within(nid, h->machine->node_count) || cpu >= h->cpu_count || !hotplug_ready(h) ||
	    !h->node_online[nid] || value > threshold || value < -threshold)
		return;
	h->stat_sum[nid] += value;
	diff = *hotplug_diff(h, nid, cpu) + value;
	*hotplug_diff(h, nid, cpu) = 0;
	if (diff > threshold || diff < -threshold)
		h->stat[nid] += diff;
	else
		*hotplug_diff(h, nid, cpu) = (int8_t)diff;
}

/* ---- CPUs ---------------------------------------------------------------------------------------- */

/* How many CPUs the page sets of @node are split over while a CPU of its @own, or another's, comes or goes. */
static uint32_t sharing_cpus(const struct node *node, bool online, bool own)
{
	/* It is not in its node's mask yet, and is added to those of all. */
	return node->cpus + (online && !own);
}

/* CPUs of nodes that numa=fake= cut up are in several masks. */
static bool can_change(struct hotplug *h, uint32_t cpu, bool online)
{
	return !h->machine->emulated && hotplug_ready(h) && h->cpu_nid[cpu] != NID_NONE &&
	       (online || h->machine->online_cpus > 1);
}

bool hotplug_cpu(struct hotplug *h, uint32_t cpu, bool online)
{
	if (!can_change(h, cpu, online))
		return false;
	for (uint32_t zone = 0; zone < h->alloc->zone_count && !online; zone++) {
		struct pageset *set = page_alloc_set(h->alloc, zone, cpu);

		pageset_drain(h->alloc, zone, set, set->count, 0);
	}
	return hotplug_share(h, cpu, online);
}

bool hotplug_share(struct hotplug *h, uint32_t cpu, bool online)
{
	struct machine *m = h->machine;
	uint64_t fraction = reserves_pageset_fraction(m);
	struct node *own;

	if (!can_change(h, cpu, online))
		return false;
	own = &m->nodes[h->cpu_nid[cpu]];
	own->cpus += online ? 1 : -1U;
	m->online_cpus += online ? 1 : -1U;
	for (uint32_t nid = 0; nid < m->node_count && !online; nid++)
		if (h->node_online[nid])
			hotplug_fold(h, (int32_t)nid, cpu);
	reserves_refresh_thresholds(m);
	m->cpu_coming = online;
	if (!fact_get(&m->facts, FACT_pcp_high_from_low_wmark))
		return true;
	for (uint32_t nid = 0; nid < m->node_count; nid++) {
		struct node *node = &m->nodes[nid];

		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			struct zone *z = &node->zones[t];

			if (!z->present)
				continue;
			pageset_size_zone(z, sharing_cpus(node, online, node == own),
					  m->online_cpus, fraction, &m->config, &m->facts);
			z->joined = z->managed;
		}
	}
	hotplug_lists_size(h);
	return true;
}
