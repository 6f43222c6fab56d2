/* SPDX-License-Identifier: MIT */
/*
 * Shuffle: the free lists of a zone in random order (mm/shuffle.c), blocks of the largest order only.  The
 * kernel does it with page_alloc.shuffle=1, and draws from its entropy pool; here a seed says the order.
 */
#ifndef ENGINE_SHUFFLE_H
#define ENGINE_SHUFFLE_H

#include "engine/buddy.h"

/*
 * Shuffles @zone.  Where the fact shuffle_in_zone does not hold, blocks of other zones within what it spans
 * take part, and the lists of both are not sound any more: nothing may be done with them but looking.
 */
void shuffle_zone(struct buddy *b, uint32_t zone, uint64_t seed);

#endif
