/* SPDX-License-Identifier: MIT */
/*
 * Reserves of a machine: the moments at which the kernel works out watermarks, lowmem reserves and the sizes
 * of page sets, with all that a machine knows.  The formulas are in wmark.h.
 */
#ifndef ENGINE_RESERVES_H
#define ENGINE_RESERVES_H

#include "engine/machine.h"
#include "engine/wmark.h"

struct wmark_input reserves_input(struct machine *m);

/* init_per_zone_wmark_min() of the boot. */
void reserves_compute(struct machine *m);
/*
 * refresh_zone_stat_thresholds(), part of init_per_zone_wmark_min() and of a CPU's coming and going; the same
 * comes of it when a node's kswapd goes to sleep (88f5acf88ae6 mm: page allocator: adjust the per-cpu counter
 * threshold when memory is low, 2.6.38).  What is freed between two such moments changes no threshold.
 */
void reserves_refresh_thresholds(struct machine *m);
/* set_recommended_min_free_kbytes(): what huge pages want kept free. */
void reserves_raise_for_khugepaged(struct machine *m);
/* Sizes the page sets of all zones; @fraction as for pageset_size_zone(). */
void reserves_size_pagesets(struct machine *m, uint64_t fraction);

/*
 * The same when memory of @zone came or went: what users set is kept.  Page sets of other zones follow where
 * they go by watermarks.
 */
void reserves_renew(struct machine *m, struct zone *zone);
/*
 * @value is written to @which.  False: the kernel has no such sysctl or refuses the value, or it is a list
 * (vm.lowmem_reserve_ratio), which is not modelled here; nothing changed.
 */
bool reserves_write(struct machine *m, enum sysctl which, uint64_t value);
/* What the command line gives of these is written. */
void reserves_write_settings(struct machine *m);
/* Managed pages changed alone (balloon), which the kernel long did not look at. */
void reserves_follow_managed(struct machine *m);
/* percpu_pagelist_(high_)fraction, 0 when it is not set. */
uint64_t reserves_pageset_fraction(const struct machine *m);
/* watermark_scale_factor: the default where the user gave none that the kernel takes. */
uint64_t reserves_scale_factor(const struct machine *m);

#endif
