/* SPDX-License-Identifier: MIT */
#include "traces/strings.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)4000)

struct strings_chunk {
	struct strings_chunk *next;
	size_t used;
	size_t room;
	char bytes[];
};

const char *strings_add(struct strings *strings, const char *text, size_t len)
{
	struct strings_chunk *chunk = strings->chunks;
	char *copy;

	if (!chunk || chunk->room - chunk->used <= len) {
		size_t room = len < CHUNK_BYTES ? CHUNK_BYTES : len + 1;

		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		*chunk = (struct strings_chunk){ .next = strings->chunks, .room = room };
		strings->chunks = chunk;
	}
	copy = chunk->bytes + chunk->used;
	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	chunk->used += len + 1;
	return copy;
}

void strings_deinit(struct strings *strings)
{
	while (strings->chunks) {
		struct strings_chunk *chunk = strings->chunks;

		strings->chunks = chunk->next;
		free(chunk);
	}
}
