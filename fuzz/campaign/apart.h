/* SPDX-License-Identifier: MIT */
/* Apart: one input in a process of its own, where it may crash or never end. */
#ifndef FUZZ_CAMPAIGN_APART_H
#define FUZZ_CAMPAIGN_APART_H

#include <sys/types.h>

#include "fuzz/target.h"

/* The id of what did not end in time; what crashed is called as child_name_crash() says. */
#define APART_HANG "hang"

/* Milliseconds one execution may take if nothing else is said; and so, what workers have to stop when told to. */
#define APART_MILLISECONDS 20000

/*
 * Starts a child that runs the input and exits with 0 when it has; 0: there is none.  It dies with its parent
 * and leaves no core.  @quiet: nor a word.
 */
pid_t apart_run(struct target_runner *runner, const uint8_t *data, size_t size, bool quiet);

/* Room for an id that is made up. */
struct apart_id {
	char text[32];
};

/*
 * Does the input come to its end within @milliseconds?  If not, "hang" or "crash-N" is added to @ret, its id in @id,
 * which is to last as long.  True also if there is no child.
 */
bool apart_ends(struct target_runner *runner, const uint8_t *data, size_t size,
		uint64_t milliseconds, struct apart_id *id, struct target_report *ret);

#endif
