/* SPDX-License-Identifier: MIT */
/*
 * Shrinker: the process of a campaign that makes the input of a group small.
 *
 * What is found runs in it; a crash or a hang in a child for each try, and a crash that only a sanitizer sees in the
 * program of the engine, so that there are fewer tries.  A try that hangs is given up after a tenth of the time that
 * makes a hang; what is left in the end has to hang for all of it.
 */
#ifndef FUZZ_CAMPAIGN_SHRINKER_H
#define FUZZ_CAMPAIGN_SHRINKER_H

#include "fuzz/campaign/engine_worker.h"
#include "fuzz/campaign/results.h"

/* Can the input of @f be made smaller?  Not if it crashed only once. */
bool shrinker_takes(const struct engine_plan *engine_plan, const struct results_finding *f);

/* Does so, and tells of it on @fd as MESSAGE_SHRUNK.  False: @f does not show any more, or nobody listens. */
bool shrinker_run(const struct campaign_plan *plan, const struct engine_plan *engine_plan,
		  const struct target *target, const struct results_finding *f, int fd);

#endif
