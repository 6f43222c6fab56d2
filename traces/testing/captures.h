/* SPDX-License-Identifier: MIT */
/*
 * Captures: the folder of real boots that MMREPLAY_CAPTURES names, for tests.  Each folder inside
 * is one boot.  Tests say aloud that they skip when the variable is not set.
 */
#ifndef TRACES_TESTING_CAPTURES_H
#define TRACES_TESTING_CAPTURES_H

#include <stddef.h>
#include <stdint.h>

#include "traces/input.h"

/* The folder; or marks the test as skipped, and says so. */
const char *captures_dir(void);

/* Calls @visit with the path of each folder in @dir, sorted; returns how many there were. */
unsigned int captures_each(const char *dir, void (*visit)(const char *path, void *ctx), void *ctx);

/* Reads @dir/@name and ends the test if that fails; an absent file gives NULL in @ret->data. */
void captures_read(const char *dir, const char *name, struct input *ret);

#endif
