/* SPDX-License-Identifier: MIT */
/* Life: a made-up machine and what is done to it once it has booted, put together by a test line by line. */
#ifndef ENGINE_TESTING_LIFE_H
#define ENGINE_TESTING_LIFE_H

#include "engine/testing/made_boot.h"

#define LIFE_ROOM 256
/* The rights of a request that may take what is kept for it. */
#define LIFE_ATOMIC (ALLOC_HIGHATOMIC | ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK)

struct life {
	struct made_boot b;
	struct operation ops[LIFE_ROOM];
	uint32_t count;
};

/* An x86_64 of kernel @version, nothing in it and nothing done. */
void life_init(struct life *l, const char *version);
/* The same with one node of memory from 1 MiB up to @mib MiB, and a CPU. */
void life_init_mib(struct life *l, const char *version, uint64_t mib);

/* Each returns the number of its operation. */
uint32_t life_add(struct life *l, struct operation op);
/* A request of node @nid for its zones up to @highest. */
uint32_t life_get_at(struct life *l, int32_t nid, enum zone_type highest, unsigned int order,
		     enum migratetype type, uint32_t flags);
/* Of node 0, for any zone that all kernels have. */
uint32_t life_get(struct life *l, unsigned int order, enum migratetype type, uint32_t flags);
/* Frees what operation @target got. */
uint32_t life_put(struct life *l, uint32_t target);
uint32_t life_drain(struct life *l);
/* What is done to @pages page frames from @pfn on. */
uint32_t life_range(struct life *l, enum operation_kind kind, pfn_t pfn, uint64_t pages);

/* The page frame that operation @op gets when all rules are right: it gets one, or the test fails. */
pfn_t life_page(const struct life *l, uint32_t op);

#endif
