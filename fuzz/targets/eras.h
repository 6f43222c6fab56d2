/* SPDX-License-Identifier: MIT */
/* Eras: what the test of the target has to reach. */
#ifndef FUZZ_TARGETS_ERAS_H
#define FUZZ_TARGETS_ERAS_H

#include "engine/facts.h"

/* The lives of one machine; eras.c tells how they differ. */
enum eras_life { LIFE_OWN, LIFE_OTHER, LIFE_IDLE, LIFE_COUNT };

/*
 * From now on @life has @value of @fact, whatever it should have, as if a rule asked for the version, or a fact
 * was listed that is asked for.  @state is what the target's create() made.  LIFE_COUNT: no more lies.
 */
void eras_lie(void *state, enum eras_life life, enum fact fact, int64_t value);

#endif
