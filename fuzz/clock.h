/* SPDX-License-Identifier: MIT */
/* Clock: how long work takes.  For progress and limits alone: no result depends on it. */
#ifndef FUZZ_CLOCK_H
#define FUZZ_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Since some moment; never goes back. */
static inline uint64_t clock_nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Of CPU time that this program took. */
static inline uint64_t clock_work_nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline uint64_t clock_milliseconds(void)
{
	return clock_nanoseconds() / 1000000;
}

#endif
