/* SPDX-License-Identifier: MIT */
/* Distance: what nodes are apart, as the SLIT and its kin tell it. */
#ifndef ENGINE_DISTANCE_H
#define ENGINE_DISTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a node to itself, and to another where nothing is told. */
#define DISTANCE_LOCAL 10
#define DISTANCE_REMOTE 20

static inline uint8_t distance_default(uint32_t from, uint32_t to)
{
	return from == to ? DISTANCE_LOCAL : DISTANCE_REMOTE;
}

/*
 * Does a kernel use a table of @count x @count distances, row by row?  It wants 10 on the diagonal and more
 * elsewhere, and ignores all of any other ("SLIT table looks invalid. Not used.", slit_valid() of
 * arch/x86/mm/srat_64.c 2.6.32, drivers/acpi/numa.c 4.4, drivers/acpi/numa/srat.c 6.1 and 6.12).
 */
static inline bool distances_are_valid(const uint8_t *distance, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t j = 0; j < count; j++) {
			uint8_t value = distance[(size_t)i * count + j];

			if (i == j ? value != DISTANCE_LOCAL : value <= DISTANCE_LOCAL)
				return false;
		}
	}
	return true;
}

#endif
