/* SPDX-License-Identifier: MIT */
/*
 * Driver: random inputs for a target, without any fuzzing engine.
 *
 * It keeps a pool of inputs, takes one, changes it again and again for a few runs, and puts into the pool what
 * showed a feature that was never seen (target.h).  Everything follows from the seed: the same run on any host
 * comes to the same finding after the same number of executions.
 *
 * In the steady state an execution asks the host for no memory.
 */
#ifndef FUZZ_DRIVER_H
#define FUZZ_DRIVER_H

#include "fuzz/target.h"

struct driver_input {
	const uint8_t *data;
	size_t size;
};

struct driver_stats {
	uint64_t executions; /* inputs tried, refused ones included */
	uint64_t refused;
	uint64_t findings; /* executions with one or more */
	uint32_t pool; /* inputs kept */
	uint32_t features;
};

struct driver_options {
	uint64_t seed;
	uint64_t executions; /* stop after so many; UINT64_MAX: by @progress alone */
	/*
	 * Inputs beside the target's own seeds, borrowed; none is changed.  Each is run once.  While some are
	 * left, no more than every other execution is of one, so that many of them keep no run from its work;
	 * what is made up meanwhile is only looked at for findings, as it may do nothing new beside the rest.
	 */
	const struct driver_input *inputs;
	size_t input_count;
	/*
	 * Called for an execution with a finding whose id was not seen yet, and again with a smaller input
	 * for it: all ids of the execution are in @report.  Borrowed for the call.  May be NULL.
	 * With @every_finding it is called for every execution with a finding.
	 */
	void (*found)(void *ctx, const struct target_report *report, const uint8_t *data,
		      size_t size, uint64_t execution);
	bool every_finding;
	/* Called for an input that is kept in the pool.  May be NULL. */
	void (*kept)(void *ctx, const uint8_t *data, size_t size);
	/* Called every DRIVER_PROGRESS executions; false ends the run.  May be NULL. */
	bool (*progress)(void *ctx, const struct driver_stats *stats);
	void *ctx;
};

#define DRIVER_PROGRESS 64

/* Runs @r's target.  Fails for want of memory alone. */
struct error *driver_run(struct target_runner *r, const struct driver_options *options,
			 struct driver_stats *ret);

/* ---- a run in pieces ---- */

struct driver;

/* The same run, not begun yet.  @options are copied; what they point to is borrowed until destroy. */
struct error *driver_create(struct target_runner *r, const struct driver_options *options,
			    struct driver **ret);
void driver_destroy(struct driver *d);
/* Goes on until there were @executions in all, or progress wants no more.  Fails for want of memory alone. */
struct error *driver_go_on(struct driver *d, uint64_t executions);
/* What was found so far is news again: another input may show it for another cause. */
void driver_forget_findings(struct driver *d);
const struct driver_stats *driver_stats(const struct driver *d);

#endif
