/* SPDX-License-Identifier: MIT */
/* Import state: importers keep none, and a target has to have some. */
#ifndef FUZZ_TARGETS_IMPORT_STATE_H
#define FUZZ_TARGETS_IMPORT_STATE_H

#include <stdlib.h>

#include "fuzz/target.h"

static inline void *import_create(const struct target_settings *settings)
{
	(void)settings;
	return malloc(1);
}

static inline void import_destroy(void *state)
{
	free(state);
}

/* Notes how @err, which may be NULL, ended it, and destroys it. */
static inline void import_refuse(struct error *err, struct target_report *report)
{
	if (!err)
		return;
	report->refused = true;
	error_destroy(err);
}

/* A feature of a count: how many bits it has. */
static inline void import_count(uint32_t what, uint64_t count, struct target_report *report)
{
	uint32_t bits = 0;

	for (; count; count >>= 1)
		bits++;
	target_report_feature(report, what << 8 | bits);
}

#endif
