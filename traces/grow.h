/* SPDX-License-Identifier: MIT */
/*
 * Grow: room for one more element in an array that only grows.
 */
#ifndef TRACES_GROW_H
#define TRACES_GROW_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * Returns @array, perhaps moved, with room for element number @count; *@room is the number of
 * elements it can hold, 0 for NULL.  NULL without memory: @array is then as it was.
 *
 *	struct thing *things = grow(list->things, list->count, &list->room, sizeof(*things));
 */
static inline void *grow(void *array, uint32_t count, uint32_t *room, size_t element_bytes)
{
	uint32_t more;
	void *moved;

	if (count < *room)
		return array;
	more = *room ? *room : 8;
	if (more > UINT32_MAX - *room || (size_t)*room + more > SIZE_MAX / element_bytes)
		return NULL;
	moved = realloc(array, ((size_t)*room + more) * element_bytes);
	if (moved)
		*room += more;
	return moved;
}

#endif
