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

/*
 * Two rows of a table of tests: @check, a captures_check of all captures in @dir, for the captures of the tree and
 * for those of captures_dir().
 */
typedef void captures_check(const char *dir);
#define CAPTURES_TESTS(check)                                              \
	CAPTURES_TEST_("captures of the tree", captures_test_ours, check), \
		CAPTURES_TEST_("all captures", captures_test_all, check)
#define CAPTURES_TEST_(name, test, check)                   \
	{                                                   \
		name, test, NULL, NULL, &(captures_check *) \
		{                                           \
			check                               \
		}                                           \
	}
void captures_test_ours(void **state);
void captures_test_all(void **state);

/* Reads @dir/@name and ends the test if that fails; an absent file gives NULL in @ret->data. */
void captures_read(const char *dir, const char *name, struct input *ret);

#endif
