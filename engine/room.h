/* SPDX-License-Identifier: MIT */
/*
 * Room: a buffer that stays with its owner from one use to the next and grows when it has to, so that what is
 * done again and again asks the host for no memory in the end.
 *
 * AddressSanitizer takes what lies behind the bytes of the last use for freed: a larger use before hides
 * nothing.
 */
#ifndef ENGINE_ROOM_H
#define ENGINE_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ROOM_POISONS
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ROOM_POISONS
#endif
#ifdef ROOM_POISONS
#include <sanitizer/asan_interface.h>
#endif

/*
 * Gives the buffer that *@at, a pointer to any object, points to @bytes, of which those it had are as they
 * were.  @room is what it has in truth, for later uses; of a buffer that is NULL it is 0.  False without memory:
 * the buffer is as it was, and the caller's to free() in any case.
 */
static inline bool room_make(void *at, size_t *room, size_t bytes)
{
	void *buffer, *grown;

	memcpy(&buffer, at, sizeof(buffer));
	if (!buffer || bytes > *room) {
		size_t wanted = *room + *room / 2;

		if (wanted < bytes)
			wanted = bytes;
		grown = realloc(buffer, wanted ? wanted : 1);
		if (!grown)
			return false;
		memcpy(at, &grown, sizeof(grown));
		buffer = grown;
		*room = wanted;
	}
#ifdef ROOM_POISONS
	ASAN_UNPOISON_MEMORY_REGION(buffer, bytes);
	ASAN_POISON_MEMORY_REGION((char *)buffer + bytes, *room - bytes);
#endif
	return true;
}

#endif
