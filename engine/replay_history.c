/* SPDX-License-Identifier: MIT */
#include "engine/replay_history.h"

#include <stdlib.h>

enum { STATES_MAX = 64, SPACING = 16384 };
#define BYTES_MAX (256ULL << 20)

struct replay_history {
	struct replay *replay;
	uint64_t spacing, bytes_max;
	struct replay_state *states[STATES_MAX]; /* ascending; the first is of event 0 */
	uint32_t count;
	uint64_t bytes; /* without the first */
};

struct replay_history *replay_history_create(struct replay *r,
					     const struct replay_history_options *options)
{
	struct replay_history *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->replay = r;
	h->spacing = options->spacing ? options->spacing : SPACING;
	h->bytes_max = options->bytes_max ? options->bytes_max : BYTES_MAX;
	h->states[0] = replay_save(r);
	if (!h->states[0]) {
		free(h);
		return NULL;
	}
	h->count = 1;
	return h;
}

void replay_history_destroy(struct replay_history *h)
{
	if (!h)
		return;
	for (uint32_t i = 0; i < h->count; i++)
		replay_state_destroy(h->states[i]);
	free(h);
}

/* Doubles the spacing. */
static void thin(struct replay_history *h)
{
	uint32_t kept = 1;

	h->spacing *= 2;
	for (uint32_t i = 1; i < h->count; i++) {
		if (replay_state_index(h->states[i]) % h->spacing) {
			h->bytes -= replay_state_bytes(h->states[i]);
			replay_state_destroy(h->states[i]);
		} else {
			h->states[kept++] = h->states[i];
		}
	}
	h->count = kept;
}

void replay_history_note(struct replay_history *h)
{
	uint64_t index = replay_index(h->replay);
	struct replay_state *s;

	if (index % h->spacing || index <= replay_state_index(h->states[h->count - 1]))
		return;
	s = replay_save(h->replay);
	if (!s)
		return;
	h->states[h->count++] = s;
	h->bytes += replay_state_bytes(s);
	while (h->count > 1 && (h->count == STATES_MAX || h->bytes > h->bytes_max))
		thin(h);
}

uint64_t replay_history_go(struct replay_history *h, uint64_t index, bool *ok)
{
	uint64_t now = replay_index(h->replay);
	uint32_t i = h->count - 1;

	while (i && replay_state_index(h->states[i]) > index)
		i--;
	*ok = true;
	if (now <= index && now >= replay_state_index(h->states[i]))
		return now;
	*ok = replay_restore(h->replay, h->states[i]);
	return replay_index(h->replay);
}

uint32_t replay_history_count(const struct replay_history *h)
{
	return h->count;
}

uint64_t replay_history_bytes(const struct replay_history *h)
{
	return h->bytes;
}
