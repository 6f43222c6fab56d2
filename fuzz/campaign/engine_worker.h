/* SPDX-License-Identifier: MIT */
/*
 * Engine worker: one job of a campaign that libFuzzer or AFL++ works for.
 *
 * It keeps the engine going on one target after the other, and looks at what that leaves behind: each input of
 * its corpus and each that broke or crashed something runs again in this program, so that findings are told as
 * those of the built-in driver are.  What does not show here runs again in the engine's own program, whose
 * sanitizers see more.  Everything that was not looked at when the campaign ended, however it did, is looked at
 * when it goes on.
 */
#ifndef FUZZ_CAMPAIGN_ENGINE_WORKER_H
#define FUZZ_CAMPAIGN_ENGINE_WORKER_H

#include "fuzz/campaign/engine.h"
#include "fuzz/campaign/hashes.h"
#include "fuzz/campaign/worker.h"

/* What there is to know beside the plan; all borrowed. */
struct engine_plan {
	struct engine engine;
	const char *folder; /* of the campaign */
	const struct hashes *looked; /* by target: findings and crashes that need no other look */
	uint64_t turn_milliseconds; /* of one target; UINT64_MAX: no limit */
	unsigned int jobs;
};

/*
 * Works as worker_run() does; @number is the job, plus the number of jobs for each time that a worker was begun
 * anew.  What keeps it from its work is told as MESSAGE_ERROR.
 */
void engine_worker_run(const struct campaign_plan *plan, const struct engine_plan *engine_plan,
		       unsigned int number, uint64_t executions, int fd,
		       struct worker_shared *shared);

/*
 * Looks at what engines left behind in earlier runs of the campaign and nobody has looked at, for a campaign
 * without one: what shows in this program is told on @fd, and the rest waits for the engine's own program.
 */
void engine_worker_catch_up(const struct campaign_plan *plan, const struct engine_plan *engine_plan,
			    int fd, struct worker_shared *shared);

#endif
