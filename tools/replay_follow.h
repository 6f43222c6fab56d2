/* SPDX-License-Identifier: MIT */
/* Replay follow: what 'mmreplay replay --mode follow' does with a source that was read. */
#ifndef TOOLS_REPLAY_FOLLOW_H
#define TOOLS_REPLAY_FOLLOW_H

#include "tools/replayed.h"

/* Follows the whole trace, reports, and returns what the command is to return. */
enum cli_exit replay_follow(struct cli *cli, struct replayed *r);

#endif
