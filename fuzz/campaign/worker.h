/* SPDX-License-Identifier: MIT */
/*
 * Worker: one process of a campaign, which tries targets in turns until it is told to stop.
 *
 * It tells what it did over a pipe (message.h).  The input of the execution at hand is in memory that its
 * parent shares, so that a crash loses nothing.
 */
#ifndef FUZZ_CAMPAIGN_WORKER_H
#define FUZZ_CAMPAIGN_WORKER_H

#include "fuzz/campaign/causes.h"
#include "fuzz/corpus.h"

/* What is tried, by all workers alike. */
struct campaign_plan {
	const struct target *const *targets;
	unsigned int target_count;
	struct target_settings settings;
	uint64_t seed;
	uint64_t hang_milliseconds; /* an input that runs for so long hangs */
	/* When the campaign ends, of clock_milliseconds(): every target has its share until then.  UINT64_MAX: open. */
	uint64_t ends_at;
	const struct corpus
		*corpora; /* by target: what an earlier run of the campaign kept; borrowed */
};

/* Shared with the parent. */
struct worker_shared {
	volatile uint32_t stop; /* set by the parent */
	volatile uint32_t target; /* at hand */
	volatile uint32_t runs; /* how many began; it wraps */
	volatile uint32_t input_size;
	uint8_t input[TARGET_BYTES_MAX];
};

/*
 * Works until shared->stop is set, the pipe @fd is closed, or each target had @executions executions
 * (UINT64_MAX: no limit).  @number tells workers apart: each draws inputs of its own.
 * Returns an error for want of memory alone.
 */
struct error *worker_run(const struct campaign_plan *plan, unsigned int number, uint64_t executions,
			 int fd, struct worker_shared *shared);

/*
 * Tells the findings of @report, which @data gave after so many executions, with their causes (NULL: none).  False:
 * nobody listens on @fd any more.
 */
bool worker_tell_findings(struct causes *causes, const struct target *target,
			  const struct target_report *report, const uint8_t *data, size_t size,
			  uint64_t executions, int fd);

#endif
