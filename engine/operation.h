/* SPDX-License-Identifier: MIT */
/*
 * Operation: one step in the life of a booted machine, as a plain value that names no page.
 *
 * A recorded trace says which page the kernel handed out (event.h); an operation says what is asked for
 * alone, so that a list of operations can be cut, mutated and run on any machine.
 */
#ifndef ENGINE_OPERATION_H
#define ENGINE_OPERATION_H

#include <stddef.h>
#include <stdint.h>

#include "engine/arch.h"
#include "engine/migratetype.h"

enum operation_kind {
#define OPERATION(name, text, meaning) OPERATION_##name,
#include "engine/operation.def"
#undef OPERATION
	OPERATION_COUNT
};

/* Any value of any field is allowed: what names nothing that is there, or is too large, does nothing. */
struct operation {
	enum operation_kind kind;
	uint32_t cpu;
	int32_t nid;
	unsigned int order;
	enum migratetype type;
	enum zone_type highest;
	uint32_t flags; /* enum alloc_flag added to those of the fast path */
	uint32_t target; /* number of an earlier operation, from 0 */
	uint64_t pfn, pages; /* a range of page frames */
	int64_t value;
};

/* "alloc", "free" ... */
const char *operation_name(enum operation_kind kind);

#endif
