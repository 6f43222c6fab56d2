/* SPDX-License-Identifier: MIT */
/* Machine state: what targets keep that run scenarios, from one run to the next. */
#ifndef FUZZ_TARGETS_MACHINE_STATE_H
#define FUZZ_TARGETS_MACHINE_STATE_H

#include "engine/scenario.h"
#include "fuzz/targets/machine_input.h"

struct machine_state {
	struct target_settings settings;
	struct stored_scenario input;
	struct scenario scenario;
};

/* As create and destroy of struct target. */
void *machine_state_create(const struct target_settings *settings);
void machine_state_destroy(void *state);

#endif
