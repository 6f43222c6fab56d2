/* SPDX-License-Identifier: MIT */
/* An open table, at most half full, that is probed in line: the keys are scattered already. */
#include "fuzz/campaign/hashes.h"

#include <stdlib.h>
#include <string.h>

/* Where @hash is or would be; the table has a free slot. */
static size_t place(const uint64_t *slots, size_t room, uint64_t hash)
{
	size_t i = (size_t)hash & (room - 1);

	while (slots[i] && slots[i] != hash)
		i = (i + 1) & (room - 1);
	return i;
}

static bool grow(struct hashes *h)
{
	size_t room = h->room ? h->room * 2 : 64;
	uint64_t *slots = calloc(room, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < h->room; i++)
		if (h->slots[i])
			slots[place(slots, room, h->slots[i])] = h->slots[i];
	free(h->slots);
	h->slots = slots;
	h->room = room;
	return true;
}

bool hashes_add(struct hashes *h, uint64_t hash)
{
	bool there = hashes_has(h, hash);

	if (there)
		return false;
	if (!hash) {
		h->has_zero = true;
		return true;
	}
	if (h->count * 2 >= h->room && !grow(h))
		return false;
	h->slots[place(h->slots, h->room, hash)] = hash;
	h->count++;
	return true;
}

bool hashes_has(const struct hashes *h, uint64_t hash)
{
	if (!hash)
		return h->has_zero;
	return h->room && h->slots[place(h->slots, h->room, hash)];
}

void hashes_deinit(struct hashes *h)
{
	free(h->slots);
	memset(h, 0, sizeof(*h));
}
