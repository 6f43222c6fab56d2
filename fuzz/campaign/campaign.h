/* SPDX-License-Identifier: MIT */
/*
 * Campaign: workers on all cores try targets, what they find is kept at once, and made small meanwhile.
 *
 *	                 pipes                        results.h
 *	worker --------\                        /---> campaign.sqlite
 *	worker ---------> campaign_run() ------+----> corpus/TARGET/...   inputs that did something new
 *	shrinker ------/                        \---> findings/...        one file a group, smallest input
 *
 * A worker is the built-in driver, or looks after an engine of others (engine_worker.h).
 *
 * All is in one folder, which another run can go on from.  A worker that crashes is a finding too: its input
 * is in memory that it shares with its parent.  Whenever the parent is killed, workers stop by themselves,
 * and what was found before is on disk.
 */
#ifndef FUZZ_CAMPAIGN_CAMPAIGN_H
#define FUZZ_CAMPAIGN_CAMPAIGN_H

#include <signal.h>

#include "fuzz/campaign/engine.h"
#include "fuzz/campaign/results.h"
#include "fuzz/target.h"

struct campaign_status {
	uint64_t milliseconds; /* since the start of this run */
	struct results_work work; /* of all runs in the folder */
	uint64_t executions; /* of this run */
	unsigned int groups, minimised;
	unsigned int crashes; /* of workers, in this run */
};

/* As a line for a terminal of 80 columns, however large the numbers. */
#define CAMPAIGN_STATUS_SIZE 80
void campaign_status_text(const struct campaign_status *status, char ret[CAMPAIGN_STATUS_SIZE]);

struct campaign_options {
	const struct target *const *targets;
	unsigned int target_count;
	struct target_settings settings; /* facts borrowed */
	const char
		*description; /* all settings as text: a folder is gone on with only by the same */
	struct engine engine; /* that workers are; zeroed: the built-in driver */
	/* A folder of captures to begin with what they have for each target; NULL: none. */
	const char *captures;
	/* Files to begin with as well, inputs of the only target. */
	const char *const *inputs;
	unsigned int input_count;
	unsigned int jobs; /* workers; at least 1 */
	uint64_t seed;
	uint64_t milliseconds; /* stop after so long; UINT64_MAX: no limit */
	uint64_t executions; /* of each target by each worker; UINT64_MAX: no limit */
	uint64_t hang_milliseconds; /* an input that runs for so long hangs; 0: 20 s */
	const char *folder; /* made if it is not there */
	bool resume; /* the folder is one of a campaign */
	/* Set by somebody else to end the campaign soon.  May be NULL. */
	const volatile sig_atomic_t *stop;
	/* Called a few times a second.  May be NULL. */
	void (*progress)(void *ctx, const struct campaign_status *status);
	/* Called for each new group.  May be NULL. */
	void (*found)(void *ctx, const struct results_finding *f);
	void *ctx;
};

/*
 * Runs a campaign to its end, and until everything found is small (or ->stop is set again).  ERROR_RANGE: the
 * folder is of another campaign, or there already, or not there to go on with; ERROR_NOT_FOUND: a program of the
 * engine is not there; ERROR_OS; ERROR_NO_MEMORY.
 */
struct error *campaign_run(const struct campaign_options *options, struct campaign_status *ret);

/* The files of a folder, for those who read it.  Callers free. */
char *campaign_results_path(const char *folder);
/* Of a group: findings/0007-zone-sizes.mmtrace, or .bin where inputs are no scenarios. */
char *campaign_finding_path(const char *folder, const struct results_finding *f);

#endif
