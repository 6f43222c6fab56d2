/* SPDX-License-Identifier: MIT */
/* State view: the model's memory in the middle of a trace, for the commands that can stop there. */
#ifndef TOOLS_STATE_VIEW_H
#define TOOLS_STATE_VIEW_H

#include "tools/replayed.h"

enum state_view {
	STATE_VIEW_BUDDYINFO,
	STATE_VIEW_PAGETYPEINFO,
	STATE_VIEW_ZONEINFO,
	STATE_VIEW_PCP,
	STATE_VIEW_FREELISTS,
	STATE_VIEW_PAGEBLOCKS,
	STATE_VIEW_UNUSABLE_INDEX,
	STATE_VIEW_EXTFRAG_INDEX,
	STATE_VIEW_COUNT
};
extern const char *const state_view_names[STATE_VIEW_COUNT];

/* Writes the view to cli_out(). */
void state_view_print(struct cli *cli, const struct replayed *r, struct replay *replay,
		      enum state_view view);
/* All of the state, as the member "state" of the object @j is in. */
void state_view_json(struct json *j, const struct replayed *r, struct replay *replay);

#endif
