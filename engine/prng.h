/* SPDX-License-Identifier: MIT */
/*
 * The only source of chance, from a seed; integers only, the same on every host.
 *
 * The generator is splitmix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number
 * Generators", 2014): a counter with a large odd step, whose value is scrambled.  Every seed is
 * good, also 0, and a state is one number that can be printed to repeat a run.
 */
#ifndef ENGINE_PRNG_H
#define ENGINE_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct prng {
	uint64_t state;
};

static inline struct prng prng_init(uint64_t seed)
{
	return (struct prng){ .state = seed };
}

static inline uint64_t prng_next(struct prng *prng)
{
	uint64_t x = prng->state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* Evenly one of 0 ... count - 1; 0 for a @count of 0. */
static inline uint64_t prng_below(struct prng *prng, uint64_t count)
{
	uint64_t x, unfair;

	if (!count)
		return 0;
	/* The topmost values that do not make a whole round are drawn again. */
	unfair = (UINT64_MAX % count + 1) % count;
	do {
		x = prng_next(prng);
	} while (x > UINT64_MAX - unfair);
	return x % count;
}

/* Evenly one of @low ... @high, both included. */
static inline uint64_t prng_between(struct prng *prng, uint64_t low, uint64_t high)
{
	return high - low == UINT64_MAX ? prng_next(prng) : low + prng_below(prng, high - low + 1);
}

/* True @times out of @out_of. */
static inline bool prng_chance(struct prng *prng, uint64_t times, uint64_t out_of)
{
	return prng_below(prng, out_of) < times;
}

/* One of 0 ... count - 1 with each magnitude equally likely: small values often, large ones too. */
static inline uint64_t prng_skewed(struct prng *prng, uint64_t count)
{
	unsigned int bits = 0;
	uint64_t bound;

	while (bits < 63 && 1ULL << bits < count)
		bits++;
	bound = 1ULL << prng_below(prng, bits + 1);
	return prng_below(prng, bound < count ? bound : count);
}

/* A generator of its own for a part of the work, so that parts do not shift each other's draws. */
static inline struct prng prng_split(struct prng *prng)
{
	return prng_init(prng_next(prng));
}

#endif
