/* SPDX-License-Identifier: MIT */
/*
 * Hashes: a set of 64-bit hashes that only grows.
 */
#ifndef FUZZ_CAMPAIGN_HASHES_H
#define FUZZ_CAMPAIGN_HASHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts zeroed. */
struct hashes {
	uint64_t *slots; /* 0: free */
	size_t count, room;
	bool has_zero;
};

/* False if it was there already, or there is no memory. */
bool hashes_add(struct hashes *h, uint64_t hash);
bool hashes_has(const struct hashes *h, uint64_t hash);
void hashes_deinit(struct hashes *h);

#endif
