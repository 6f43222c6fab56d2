/* SPDX-License-Identifier: MIT */
/* Recordings: the stored boots and traces of traces/recordings, for tests; its README tells what they are. */
#ifndef TRACES_TESTING_RECORDINGS_H
#define TRACES_TESTING_RECORDINGS_H

#include <stdbool.h>
#include <stdint.h>

/* A line of one of the lists there. */
struct recording {
	char name[80], path[128];
	uint32_t v[3]; /* what is expected of it, as the list says */
};

/*
 * Calls @visit with each line of traces/recordings/@list, in its order.  Ends the test, after the last of them, if
 * it returned false for one: not as expected, and it has said how.
 */
void recordings_each(const char *list, bool (*visit)(const struct recording *r));

#endif
