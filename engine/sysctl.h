/* SPDX-License-Identifier: MIT */
/*
 * The sysctls vm.* that are modelled: which kernel has which, and what may be written to them.
 *
 * The kernel takes whole numbers as C writes them (decimal, 0x, 0), without a suffix, and refuses what
 * lies beyond its limits; then the old value stays.  vm.lowmem_reserve_ratio takes several, with blanks
 * between them, and keeps those before the first that is none.
 */
#ifndef ENGINE_SYSCTL_H
#define ENGINE_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/facts.h"

/* Numbers that one sysctl can have: one for each type of zone, and some more. */
#define SYSCTL_VALUES_MAX 8

enum sysctl {
	SYSCTL_MIN_FREE_KBYTES,
	SYSCTL_WATERMARK_SCALE_FACTOR,
	SYSCTL_LOWMEM_RESERVE_RATIO,
	SYSCTL_PCP_FRACTION, /* vm.percpu_pagelist_fraction */
	SYSCTL_PCP_HIGH_FRACTION, /* vm.percpu_pagelist_high_fraction */
	SYSCTL_COUNT
};

/* What may be written: @min to @max, and where @or_zero 0, too. */
struct sysctl_limits {
	int64_t min, max;
	bool or_zero;
};

enum sysctl_verdict {
	SYSCTL_WRITTEN,
	SYSCTL_NO_NUMBER, /* none at all, or something else behind it */
	SYSCTL_OUT_OF_RANGE,
};

/* The sysctl called vm.@name, of @len bytes; SYSCTL_COUNT: none that is modelled. */
enum sysctl sysctl_find(const char *name, size_t len);
/* Without "vm.". */
const char *sysctl_name(enum sysctl which);
/* Does a kernel with these facts have it? */
bool sysctl_exists(enum sysctl which, const struct facts *facts);
/* @facts: NULL for limits that no kernel goes beyond. */
struct sysctl_limits sysctl_limits(enum sysctl which, const struct facts *facts);
/*
 * What comes of writing @text, NUL-terminated: *@count_ret numbers in @ret, in the order of @text.  All are
 * valid; unless it is SYSCTL_WRITTEN the kernel has kept these alone.  @facts as above.
 */
enum sysctl_verdict sysctl_read(enum sysctl which, const char *text, const struct facts *facts,
				uint64_t ret[SYSCTL_VALUES_MAX], unsigned int *count_ret);

#endif
