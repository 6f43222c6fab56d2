/* SPDX-License-Identifier: MIT */
/*
 * Memblock operations as plain values: a test draws a list of them, runs it on the engine and on a
 * model, and prints or shrinks the list when they differ.
 */
#ifndef ENGINE_TESTING_MEMBLOCK_OP_H
#define ENGINE_TESTING_MEMBLOCK_OP_H

#include "engine/memblock.h"
#include "engine/prng.h"

enum memblock_op_kind {
	MEMBLOCK_OP_ADD,
	MEMBLOCK_OP_RESERVE,
	MEMBLOCK_OP_REMOVE,
	MEMBLOCK_OP_FREE,
	MEMBLOCK_OP_SET_NODE,
	MEMBLOCK_OP_SET_FLAG,
	MEMBLOCK_OP_CLEAR_FLAG,
	MEMBLOCK_OP_TRIM, /* align */
	MEMBLOCK_OP_ENFORCE_LIMIT, /* size */
	MEMBLOCK_OP_CAP, /* base, size */
	MEMBLOCK_OP_LIMIT_REMOVE_MAP, /* size */
	MEMBLOCK_OP_ALLOC, /* size, align, base = min_addr, max_addr, nid, exact, virt */
	MEMBLOCK_OP_SET_CURRENT_LIMIT, /* base */
	MEMBLOCK_OP_SET_BOTTOM_UP, /* on */
	MEMBLOCK_OP_SET_MOVABLE_NODE, /* on */
	MEMBLOCK_OP_SET_SCRATCH_ONLY, /* on */
	MEMBLOCK_OP_ALLOW_RESIZE,
	MEMBLOCK_OP_KIND_COUNT
};

struct memblock_op {
	enum memblock_op_kind kind;
	enum memblock_which which;
	phys_t base;
	uint64_t size;
	uint64_t align;
	phys_t max_addr;
	int32_t nid;
	uint32_t flags;
	bool on, exact_nid, virt;
};

struct memblock_op_result {
	bool ok;
	phys_t addr; /* of an allocation that is ok, else 0 */
};

/* What operations are drawn from. */
struct memblock_op_space {
	phys_t origin; /* lowest address */
	uint64_t bytes; /* addresses used; a few ranges end above */
	uint64_t page;
	unsigned int nodes;
	uint32_t memory_flags; /* flags that memory regions may get */
	bool mirror; /* MIRROR among them */
	bool scratch; /* KHO_SCRATCH and its mode */
	bool limits; /* cap, limits and trims, which empty the lists quickly */
	bool refuse_resize; /* begin with arrays that may not grow */
};

struct memblock_op memblock_op_draw(struct prng *prng, const struct memblock_op_space *space);
struct memblock_op_result memblock_op_apply(struct memblock *mb, const struct memblock_op *op);
const char *memblock_op_name(enum memblock_op_kind kind);

#endif
