/* SPDX-License-Identifier: MIT */
/*
 * Bench: how fast it is.  The one place of the project that looks at a clock.
 *
 * A benchmark is a row in benchmarks.def and a function,
 *
 *	struct error *bench_thing(struct bench *b)
 *	{
 *		prepare;
 *		while (bench_round(b)) {
 *			do it;
 *			bench_work(b, how_much);
 *		}
 *		give back;
 *		return NULL;
 *	}
 *
 * Each turn of the loop is one round and gives one sample; what is told is the median of the rounds.
 * The first rounds warm up and do not count.  A round should take 10 us or more, so that reading the
 * clock costs nothing next to it: do small things many times and say so to bench_work().
 *
 * Memory is counted, not sampled: calls of malloc, calloc and realloc by our own code, and the most
 * bytes that were held at one time since the function was called.  Libraries of the system count
 * for nothing.
 */
#ifndef TOOLS_BENCH_BENCH_H
#define TOOLS_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/error.h"

enum bench_unit {
	BENCH_MS, /* milliseconds a round */
	BENCH_US, /* microseconds a round */
	BENCH_NS, /* nanoseconds a piece of work */
	BENCH_RATE, /* pieces of work a second */
	BENCH_GBPS, /* 10^9 bytes of work a second */
};

struct bench;

typedef struct error *(*bench_function)(struct bench *b);

struct benchmark {
	bench_function run;
	const char *name;
	enum bench_unit unit;
	const char *noun;
	uint64_t goal;
	uint64_t goal_mib;
	uint64_t reference;
	const char *meaning;
};

/* Ends a round and begins the next.  False when there were enough. */
bool bench_round(struct bench *b);
/* What this round has done: bytes, calls ... A round that does not say does 1. */
void bench_work(struct bench *b, uint64_t amount);
/*
 * The part of the round since its begin, or since the last part, was @name.  Parts are told below
 * the benchmark.  @name is static text, the same in each round.
 */
void bench_part(struct bench *b, const char *name);
/*
 * Our part of the round ends here.  What follows, up to bench_round(), is somebody else doing the same
 * work on the same input, and its time is told beside ours.  @name is static text.
 */
void bench_rival(struct bench *b, const char *name);

/* Is there a Linux to measure against (--linux)?  Rounds should be long then: each asks for a boot of it. */
bool bench_has_linux(const struct bench *b);
/*
 * Our part of the round ends here.  The Linux that --linux names, if one is, does what it has under the name of the
 * benchmark, and the time that it tells of a piece of work is told beside ours.  An error if it does not run.
 */
struct error *bench_linux(struct bench *b);

/* Path of capture @name in the folder of captures.  Lives until the next call. */
const char *bench_capture(struct bench *b, const char *name);

/* A goal that is another one with AddressSanitizer. */
#ifdef __SANITIZE_ADDRESS__
#define BENCH_GOAL(plain, sanitized) (sanitized)
#else
#define BENCH_GOAL(plain, sanitized) (plain)
#endif

#define BENCHMARK(function, ...) struct error *function(struct bench *b);
#include "tools/bench/benchmarks.def"
#undef BENCHMARK

#endif
