/* SPDX-License-Identifier: MIT */
/*
 * Digest: one number for a state, the same on every host, so that equal states are found without keeping
 * them.  It is no protection against whoever wants two states to look alike.
 */
#ifndef ENGINE_DIGEST_H
#define ENGINE_DIGEST_H

#include <stdint.h>

/* @digest, of what came before, with @value behind it; begins as any number. */
static inline uint64_t digest_add(uint64_t digest, uint64_t value)
{
	digest = (digest ^ value) * 0x9e3779b97f4a7c15ULL;
	return digest ^ digest >> 29;
}

#endif
