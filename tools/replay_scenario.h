/* SPDX-License-Identifier: MIT */
/*
 * Replay of a scenario: `mmreplay replay` of a stored file with operations.
 */
#ifndef TOOLS_REPLAY_SCENARIO_H
#define TOOLS_REPLAY_SCENARIO_H

#include "tools/booted.h"

/*
 * Boots the first argument of @cli into @b (zeroed or held; the caller ends it), does its operations and reports the invariants that did not hold:
 * CLI_FINDING if there are any.  The file is one for which scenario_store_is() is true.
 */
enum cli_exit replay_scenario(struct cli *cli, struct booted *b);

#endif
