/* SPDX-License-Identifier: MIT */
#include "engine/sysctl.h"

#include <string.h>

/* The smallest part of a zone is an eighth; 0 leaves the size to the kernel. */
#define FRACTION_MIN 8

static const char *const names[SYSCTL_COUNT] = {
	[SYSCTL_MIN_FREE_KBYTES] = "min_free_kbytes",
	[SYSCTL_WATERMARK_SCALE_FACTOR] = "watermark_scale_factor",
	[SYSCTL_LOWMEM_RESERVE_RATIO] = "lowmem_reserve_ratio",
	[SYSCTL_PCP_FRACTION] = "percpu_pagelist_fraction",
	[SYSCTL_PCP_HIGH_FRACTION] = "percpu_pagelist_high_fraction",
};

enum sysctl sysctl_find(const char *name, size_t len)
{
	for (unsigned int i = 0; i < SYSCTL_COUNT; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], name, len))
			return (enum sysctl)i;
	return SYSCTL_COUNT;
}

const char *sysctl_name(enum sysctl which)
{
	return names[which];
}

bool sysctl_exists(enum sysctl which, const struct facts *facts)
{
	switch (which) {
	case SYSCTL_WATERMARK_SCALE_FACTOR:
		return fact_get(facts, FACT_watermark_scale_factor);
	/* The two generations of page sets have one each. */
	case SYSCTL_PCP_FRACTION:
		return !fact_get(facts, FACT_pcp_high_from_low_wmark);
	case SYSCTL_PCP_HIGH_FRACTION:
		return fact_get(facts, FACT_pcp_high_from_low_wmark);
	default:
		return true;
	}
}

struct sysctl_limits sysctl_limits(enum sysctl which, const struct facts *facts)
{
	struct sysctl_limits limits = { 0, INT32_MAX, false };

	switch (which) {
	case SYSCTL_WATERMARK_SCALE_FACTOR:
		limits.min = 1;
		if (facts)
			limits.max = fact_get(facts, FACT_watermark_scale_factor_max);
		break;
	case SYSCTL_PCP_FRACTION:
	case SYSCTL_PCP_HIGH_FRACTION:
		limits.min = FRACTION_MIN;
		limits.or_zero = true;
		break;
	default:
		break;
	}
	return limits;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 99;
}

/* One number at *@at, which moves behind it; too large ones are told as INT64_MAX. */
static bool read_number(const char **at, int64_t *ret)
{
	const char *p = *at;
	bool minus = *p == '-';
	unsigned int base = 10;
	int64_t n = 0;

	p += minus;
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && digit_of(p[2]) < 16) {
		base = 16;
		p += 2;
	} else if (p[0] == '0') {
		base = 8;
	}
	if (digit_of(*p) >= base)
		return false;
	for (; digit_of(*p) < base; p++)
		n = n > INT32_MAX ? INT64_MAX / 16 : n * base + digit_of(*p);
	if (*p && !is_blank(*p))
		return false;
	*at = p;
	*ret = minus ? -n : n;
	return true;
}

enum sysctl_verdict sysctl_read(enum sysctl which, const char *text, const struct facts *facts,
				uint64_t ret[SYSCTL_VALUES_MAX], unsigned int *count_ret)
{
	unsigned int most = which == SYSCTL_LOWMEM_RESERVE_RATIO ? SYSCTL_VALUES_MAX : 1;
	struct sysctl_limits limits = sysctl_limits(which, facts);
	const char *p = text;
	int64_t n;

	for (*count_ret = 0; *count_ret < most; ++*count_ret) {
		while (is_blank(*p))
			p++;
		if (!*p && *count_ret)
			break;
		if (!read_number(&p, &n))
			return SYSCTL_NO_NUMBER;
		/* Each of a list is an int of its own; below 1 it is as 0. */
		if (most > 1 && n < 0 && n >= INT32_MIN)
			n = 0;
		if ((n < limits.min && !(limits.or_zero && !n)) || n > limits.max)
			return SYSCTL_OUT_OF_RANGE;
		ret[*count_ret] = (uint64_t)n;
	}
	return SYSCTL_WRITTEN;
}
