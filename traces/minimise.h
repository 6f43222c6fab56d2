/* SPDX-License-Identifier: MIT */
/*
 * Minimise: the smallest part of a list that still shows something.
 *
 * Elements are numbers; what they are, and whether a part of them still shows it, is the caller's.  The
 * result is 1-minimal: no single element can be left out any more, which was tried for each of them.
 *
 * Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002), of
 * which the complements alone are tried:
 *
 *   1. Parts of half the list are left out, from its end to its start; what can go, goes at once.
 *   2. Then parts of half that size, and so on.  With k elements that matter, all but about k parts go at
 *      each size, so it takes some 2 k log2(n / k) tests and lists that get short soon.
 *   3. Single elements are left out round and round, until as many tests in a row failed as there are
 *      elements.
 *
 * It makes no difference whether the test is monotone.  The same list and answers give the same result.
 */
#ifndef TRACES_MINIMISE_H
#define TRACES_MINIMISE_H

#include <stdbool.h>
#include <stdint.h>

enum minimise_answer {
	MINIMISE_GONE, /* it does not show any more */
	MINIMISE_STILL, /* it shows */
	MINIMISE_STOP, /* the caller wants no more tests */
};

/*
 * Do these elements, in rising order, still show it?  Where a few of the first do by themselves,
 * *@enough, which is @count before, may be set to how many.
 */
typedef enum minimise_answer (*minimise_test)(void *ctx, const uint32_t *elements, uint32_t count,
					      uint32_t *enough);

/* No other element is needed. */
#define MINIMISE_NONE UINT32_MAX

/* Buffers that serve one list after the other.  Starts zeroed. */
struct minimiser {
	uint32_t *kept; /* the result: elements in rising order */
	uint32_t count;
	uint64_t tests;
	bool proven; /* 1-minimal; otherwise it was stopped, and kept is the best so far */
	/* Private. */
	uint32_t *candidate, room;
	uint8_t *present;
};

/*
 * Minimises the elements 0 ... @count - 1, which show it.  Element i goes together with @needs[i], which is
 * less than i, or MINIMISE_NONE; @needs may be NULL.  False without memory, and nothing was tested.
 */
bool minimise(struct minimiser *m, uint32_t count, const uint32_t *needs, minimise_test test,
	      void *ctx);
void minimiser_deinit(struct minimiser *m);

#endif
