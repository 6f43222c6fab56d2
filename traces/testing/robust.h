/* SPDX-License-Identifier: MIT */
/*
 * Robust: what every reader of bytes from outside must bear.  A reader is called with damaged
 * copies of a sample, each in memory of exactly its size; the sanitizers judge.
 */
#ifndef TRACES_TESTING_ROBUST_H
#define TRACES_TESTING_ROBUST_H

#include <stddef.h>
#include <stdint.h>

/* Reads the bytes and gives everything back, an error too. */
typedef void (*robust_reader)(const uint8_t *data, size_t len);

/* Every beginning of the sample, the empty one and the whole included. */
void robust_truncate(robust_reader reader, const void *sample, size_t len);
/* @rounds copies with some bytes changed, taken out or repeated, from a seed. */
void robust_damage(robust_reader reader, const void *sample, size_t len, uint64_t seed,
		   unsigned int rounds);

#endif
