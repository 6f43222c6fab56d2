/* SPDX-License-Identifier: MIT */
/*
 * Sizes of the big boot-time hash tables (alloc_large_system_hash), which scale with memory.
 */
#ifndef ENGINE_HASH_SIZE_H
#define ENGINE_HASH_SIZE_H

#include "engine/arch.h"
#include "engine/facts.h"

struct hash_input {
	uint64_t bucket_bytes;
	uint64_t entries; /* asked for; 0 = scale with memory */
	unsigned int scale;
	unsigned int small_shift; /* HASH_SMALL's least order of entries; 0 = not small */
	uint64_t low_limit, high_limit; /* 0 = none */
	uint64_t nr_kernel_pages, nr_all_pages;
	const struct arch_config *config;
	const struct facts *facts;
};

/* Returns the number of entries, a power of two. */
uint64_t hash_size_entries(const struct hash_input *in);

/* The order the kernel prints for a table of @bytes; may be negative in the older form. */
int hash_size_order(uint64_t bytes, const struct arch_config *config, const struct facts *facts);

#endif
