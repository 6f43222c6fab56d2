/* SPDX-License-Identifier: MIT */
/*
 * Watermarks, lowmem reserves and page-set sizes: what a zone keeps back and how much each CPU may
 * hold, computed from managed pages at the moments the kernel does it (see boot.c for the moments).
 * All amounts are pages unless named _kbytes.
 */
#ifndef ENGINE_WMARK_H
#define ENGINE_WMARK_H

#include "engine/zone.h"
#include "engine/zonelist.h"

struct wmark_input {
	struct node *nodes;
	uint32_t node_count;
	const struct zonelists *zonelists;
	int32_t boot_nid; /* node of the CPU that computes */
	const struct zone_limits *limits;
	const struct arch_config *config;
	const struct facts *facts;
	uint32_t zones_mask;
	const uint64_t *lowmem_ratio; /* by rank of the zone; NULL = the era's */
	uint32_t lowmem_ratio_count;
};

/* nr_free_buffer_pages(): managed minus high watermark over the fallback list, zones up to Normal. */
uint64_t wmark_free_buffer_pages(const struct wmark_input *in);

/* min_free_kbytes as init_per_zone_wmark_min computes it. */
uint64_t wmark_min_free_kbytes(const struct wmark_input *in);

/* What khugepaged would like min_free_kbytes to be; 0 when it does not care. */
uint64_t wmark_khugepaged_kbytes(const struct wmark_input *in, uint64_t totalram_pages);

/* setup_per_zone_wmarks: every zone's watermarks from @min_free_kbytes. */
void wmark_setup_zones(const struct wmark_input *in, uint64_t min_free_kbytes,
		       uint64_t scale_factor);

/* setup_per_zone_lowmem_reserve, with the default ratios of the era. */
void wmark_setup_lowmem_reserve(const struct wmark_input *in);

/* calculate_totalreserve_pages. */
uint64_t wmark_totalreserve_pages(const struct wmark_input *in);

/* zone_batchsize(): the raw value, 0 for tiny zones. */
uint64_t pageset_raw_batch(uint64_t managed, const struct arch_config *config,
			   const struct facts *facts);

/* Sizes the zone's page sets; @cpus is the node's CPUs to divide by, @online_cpus all of
 * them, @fraction the percpu_pagelist_(high_)fraction sysctl or 0. */
void pageset_size_zone(struct zone *zone, uint32_t cpus, uint32_t online_cpus, uint64_t fraction,
		       const struct arch_config *config, const struct facts *facts);

/* calculate_normal_threshold(): the per-cpu statistics threshold of a zone. */
uint64_t stat_threshold(uint64_t managed, uint32_t online_cpus, const struct arch_config *config);

#endif
