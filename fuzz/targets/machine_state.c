/* SPDX-License-Identifier: MIT */
#include "fuzz/targets/machine_state.h"

#include <stdlib.h>

void *machine_state_create(const struct target_settings *settings)
{
	struct machine_state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->settings = *settings;
	scenario_init(&s->scenario);
	return s;
}

void machine_state_destroy(void *state)
{
	struct machine_state *s = state;

	scenario_deinit(&s->scenario);
	stored_scenario_deinit(&s->input);
	free(s);
}
