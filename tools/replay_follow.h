/* SPDX-License-Identifier: MIT */
/* Replay follow: what 'mmreplay replay --mode follow' does with a source that was read. */
#ifndef TOOLS_REPLAY_FOLLOW_H
#define TOOLS_REPLAY_FOLLOW_H

#include "engine/follow.h"
#include "tools/replayed.h"

/* Follows the whole trace, reports, and returns what the command is to return. */
enum cli_exit replay_follow(struct cli *cli, struct replayed *r);

/* Findings of a trace: the first of them, and how many there are. */
#define REPLAY_FINDINGS_SHOWN 20

struct replay_findings {
	struct follow_finding first[REPLAY_FINDINGS_SHOWN];
	uint32_t shown;
	uint64_t count;
};

void replay_findings_add(struct replay_findings *list, const struct follow_finding *f);
/* All of @what that @follow had are none. */
void replay_findings_withdraw(struct replay_findings *list, const struct follow *follow,
			      enum impossible what);
/* A line each, how many more there are, and what it looks like if most of @events events are among them. */
void replay_findings_print(FILE *out, const struct replay_findings *list, uint64_t events);
/* As the member "findings". */
void replay_findings_json(struct json *j, const struct replay_findings *list,
			  const struct follow *follow);

#endif
