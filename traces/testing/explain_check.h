/* SPDX-License-Identifier: MIT */
/*
 * Explain check: what must hold of every explanation, whatever the report says.  The sums are done
 * again from the kB of the report, by other means than the explanation's own.
 */
#ifndef TRACES_TESTING_EXPLAIN_CHECK_H
#define TRACES_TESTING_EXPLAIN_CHECK_H

#include "traces/explain.h"

/* Ends the test with @name and the line of the report if something does not add up. */
void explain_check(const struct explanation *e, const char *name);

#endif
