/* SPDX-License-Identifier: MIT */
#include "engine/reserves.h"

#include "engine/sysctl.h"

#define DEFAULT_SCALE_FACTOR 10

struct wmark_input reserves_input(struct machine *m)
{
	struct wmark_input w = { .nodes = m->nodes,
				 .node_count = m->node_count,
				 .zonelists = &m->zonelists,
				 .limits = &m->limits,
				 .config = &m->config,
				 .facts = &m->facts,
				 .zones_mask = m->config.zones_mask };

	while (w.boot_nid + 1 < (int32_t)m->node_count && !m->zonelists.length[w.boot_nid])
		w.boot_nid++;
	return w;
}

void reserves_refresh_thresholds(struct machine *m)
{
	bool by_managed = fact_get(&m->facts, FACT_managed_pages);

	for (uint32_t n = 0; n < m->node_count; n++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			struct zone *z = &m->nodes[n].zones[t];

			z->stat_threshold = stat_threshold(by_managed ? z->managed : z->present,
							   m->online_cpus, &m->config);
		}
	}
}

void reserves_compute(struct machine *m)
{
	struct wmark_input w = reserves_input(m);

	m->min_free_kbytes = wmark_min_free_kbytes(&w);
	wmark_setup_zones(&w, m->min_free_kbytes, DEFAULT_SCALE_FACTOR);
	reserves_refresh_thresholds(m);
	wmark_setup_lowmem_reserve(&w);
	m->totalreserve = wmark_totalreserve_pages(&w);
}

/* @factor: watermark_scale_factor. */
static void raise_for_khugepaged(struct machine *m, uint64_t factor)
{
	struct wmark_input w = reserves_input(m);
	uint64_t wanted;

	if (!fact_get(&m->facts, FACT_transparent_hugepage) || !m->config.thp ||
	    fact_get(&m->facts, FACT_khugepaged_raise_lost))
		return;
	if (m->cmdline.thp_never) {
		/* Below 512 MiB huge pages are not even set up. */
		if (fact_get(&m->facts, FACT_khugepaged_off_recalculates) &&
		    m->hugepage_totalram >= (512ULL << 20) >> m->config.page_shift) {
			m->min_free_kbytes = wmark_min_free_kbytes(&w);
			wmark_setup_zones(&w, m->min_free_kbytes, factor);
			m->totalreserve = wmark_totalreserve_pages(&w);
		}
		return;
	}
	wanted = wmark_khugepaged_kbytes(&w, m->hugepage_totalram);
	if (wanted <= m->min_free_kbytes)
		return;
	m->min_free_kbytes = wanted;
	wmark_setup_zones(&w, wanted, factor);
	m->totalreserve = wmark_totalreserve_pages(&w);
}

void reserves_raise_for_khugepaged(struct machine *m)
{
	m->hugepage_totalram = m->totalram;
	raise_for_khugepaged(m, DEFAULT_SCALE_FACTOR);
}

void reserves_size_pagesets(struct machine *m, uint64_t fraction)
{
	for (uint32_t n = 0; n < m->node_count; n++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			struct zone *z = &m->nodes[n].zones[t];

			if (!z->present)
				continue;
			pageset_size_zone(z, m->nodes[n].cpus, m->online_cpus, fraction, &m->config,
					  &m->facts);
			z->joined = z->managed;
		}
	}
}

uint64_t reserves_pageset_fraction(const struct machine *m)
{
	uint64_t fraction = fact_get(&m->facts, FACT_pcp_high_from_low_wmark)
				    ? m->cmdline.sysctl_pcp_high_fraction
				    : m->cmdline.sysctl_pcp_fraction;

	return fraction == UINT64_MAX ? 0 : fraction;
}

uint64_t reserves_scale_factor(const struct machine *m)
{
	struct sysctl_limits limits = sysctl_limits(SYSCTL_WATERMARK_SCALE_FACTOR, &m->facts);
	uint64_t user = m->cmdline.sysctl_watermark_scale_factor;

	if (user == UINT64_MAX || user > (uint64_t)limits.max)
		return DEFAULT_SCALE_FACTOR;
	return user;
}

/* As reserves_input(), with the lowmem_reserve_ratio of the user. */
static struct wmark_input input_of_user(struct machine *m)
{
	struct wmark_input w = reserves_input(m);

	if (m->cmdline.sysctl_lowmem_set) {
		w.lowmem_ratio = m->cmdline.sysctl_lowmem_ratio;
		w.lowmem_ratio_count = m->cmdline.sysctl_lowmem_count;
	}
	return w;
}

void reserves_renew(struct machine *m, struct zone *zone)
{
	struct wmark_input w = input_of_user(m);
	uint64_t user = m->cmdline.sysctl_min_free_kbytes, computed = wmark_min_free_kbytes(&w);
	uint64_t factor = reserves_scale_factor(m);

	/* A user's value stays, unless memory wants more. */
	if (user == UINT64_MAX || computed > user)
		m->min_free_kbytes = computed;
	wmark_setup_zones(&w, m->min_free_kbytes, factor);
	reserves_refresh_thresholds(m);
	wmark_setup_lowmem_reserve(&w);
	m->totalreserve = wmark_totalreserve_pages(&w);
	if (fact_get(&m->facts, FACT_hotplug_asks_khugepaged))
		raise_for_khugepaged(m, factor);
	for (uint32_t n = 0; n < m->node_count; n++)
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
			m->nodes[n].zones[t].counted = m->nodes[n].zones[t].managed;
	zone->joined = zone->managed;
	m->cpu_coming = false;
	if (!fact_get(&m->facts, FACT_pcp_high_from_low_wmark)) {
		if (zone->present)
			pageset_size_zone(zone, m->nodes[zone->nid].cpus, m->online_cpus,
					  reserves_pageset_fraction(m), &m->config, &m->facts);
		return;
	}
	reserves_size_pagesets(m, reserves_pageset_fraction(m));
}

/* What the sysctl is when the user has set it. */
static uint64_t *setting_of(struct cmdline *c, enum sysctl which)
{
	switch (which) {
	case SYSCTL_MIN_FREE_KBYTES:
		return &c->sysctl_min_free_kbytes;
	case SYSCTL_WATERMARK_SCALE_FACTOR:
		return &c->sysctl_watermark_scale_factor;
	case SYSCTL_PCP_FRACTION:
		return &c->sysctl_pcp_fraction;
	case SYSCTL_PCP_HIGH_FRACTION:
		return &c->sysctl_pcp_high_fraction;
	default:
		return NULL;
	}
}

bool reserves_write(struct machine *m, enum sysctl which, uint64_t value)
{
	struct wmark_input w = input_of_user(m);
	struct sysctl_limits limits = sysctl_limits(which, &m->facts);
	bool wmarks = which == SYSCTL_MIN_FREE_KBYTES || which == SYSCTL_WATERMARK_SCALE_FACTOR;
	uint64_t *setting = setting_of(&m->cmdline, which);

	if (!setting || !sysctl_exists(which, &m->facts) || value > (uint64_t)limits.max ||
	    (value < (uint64_t)limits.min && !(limits.or_zero && !value)))
		return false;
	*setting = value;
	if (which == SYSCTL_MIN_FREE_KBYTES)
		m->min_free_kbytes = value;
	if (wmarks) {
		wmark_setup_zones(&w, m->min_free_kbytes, reserves_scale_factor(m));
		m->totalreserve = wmark_totalreserve_pages(&w);
	}
	if (wmarks && !fact_get(&m->facts, FACT_pcp_high_from_low_wmark))
		return true;
	m->cpu_coming = false;
	reserves_size_pagesets(m, reserves_pageset_fraction(m));
	return true;
}

void reserves_write_settings(struct machine *m)
{
	for (unsigned int which = 0; which < SYSCTL_COUNT; which++) {
		const uint64_t *setting = setting_of(&m->cmdline, (enum sysctl)which);

		if (setting && *setting != UINT64_MAX)
			reserves_write(m, (enum sysctl)which, *setting);
	}
}

void reserves_follow_managed(struct machine *m)
{
	struct wmark_input w = input_of_user(m);

	if (!fact_get(&m->facts, FACT_lowmem_reserve_follows_managed))
		return;
	wmark_setup_lowmem_reserve(&w);
	m->totalreserve = wmark_totalreserve_pages(&w);
}
