/* SPDX-License-Identifier: MIT */
/*
 * Plain words between two worlds that use the same names for different things: the kernel's own
 * memblock tests (struct memblock is a global) and our engine (it is a value).  kernel_side.c sees
 * the kernel's headers, engine_side.c ours, both see this.
 *
 * Before each call the suite's globals are copied into a state, after it the state is copied back:
 * the tests are free to poke at the globals, as they do.
 */
#ifndef TOOLS_CONFORMANCE_BRIDGE_H
#define TOOLS_CONFORMANCE_BRIDGE_H

#include <stdbool.h>
#include <stdint.h>

#define BRIDGE_REGIONS_MAX 4096

/* nid values: nodes, or these two for the kernel's MAX_NUMNODES and NUMA_NO_NODE. */
#define BRIDGE_NID_UNSET (-1)
#define BRIDGE_NID_NO_NODE (-2)

struct bridge_region {
	uint64_t base, size;
	uint32_t flags;
	int32_t nid;
};

struct bridge_list {
	struct bridge_region regions[BRIDGE_REGIONS_MAX];
	uint32_t cnt; /* 0 when empty, whatever the kernel keeps there */
	uint32_t max;
	uint64_t total_size;
	uint64_t array; /* address of a doubled array, 0 for the static one */
};

struct bridge_state {
	struct bridge_list list[2]; /* memory, reserved */
	uint64_t current_limit;
	uint64_t phys_max;
	uint32_t region_bytes;
	bool bottom_up;
	bool can_resize;
	bool movable_node;
};

struct bridge_request {
	uint64_t size, align, min_addr, max_addr;
	int32_t nid;
	bool exact_nid;
	bool virt;
};

/* The kernel whose rules hold from now on. */
void bridge_init(unsigned int major, unsigned int minor, unsigned int patch);
/* An empty list counts one region in that kernel. */
bool bridge_dummy_region(void);

bool bridge_add(struct bridge_state *s, int which, uint64_t base, uint64_t size, int32_t nid,
		uint32_t flags);
bool bridge_remove(struct bridge_state *s, int which, uint64_t base, uint64_t size);
bool bridge_set_node(struct bridge_state *s, int which, uint64_t base, uint64_t size, int32_t nid);
void bridge_trim(struct bridge_state *s, uint64_t align);
bool bridge_overlaps(struct bridge_state *s, int which, uint64_t base, uint64_t size);
uint64_t bridge_start_of_dram(struct bridge_state *s);
uint64_t bridge_end_of_dram(struct bridge_state *s);
/* 0 when there is none. */
uint64_t bridge_alloc(struct bridge_state *s, const struct bridge_request *request);

/*
 * The duel (duel.c): one list of random operations for the kernel's code and for the engine, which
 * here keeps its own state from operation to operation.
 */
enum bridge_op_kind {
	BRIDGE_OP_ADD,
	BRIDGE_OP_RESERVE,
	BRIDGE_OP_REMOVE,
	BRIDGE_OP_FREE,
	BRIDGE_OP_SET_NODE,
	BRIDGE_OP_SET_FLAG,
	BRIDGE_OP_CLEAR_FLAG,
	BRIDGE_OP_TRIM,
	BRIDGE_OP_ENFORCE_LIMIT,
	BRIDGE_OP_CAP,
	BRIDGE_OP_LIMIT_REMOVE_MAP,
	BRIDGE_OP_ALLOC,
	BRIDGE_OP_SET_CURRENT_LIMIT,
	BRIDGE_OP_SET_BOTTOM_UP,
	BRIDGE_OP_SET_MOVABLE_NODE,
	BRIDGE_OP_SET_SCRATCH_ONLY,
	BRIDGE_OP_ALLOW_RESIZE,
};

struct bridge_op {
	enum bridge_op_kind kind;
	int which;
	uint64_t base, size, align, max_addr;
	int32_t nid; /* a node or BRIDGE_NID_UNSET */
	uint32_t flags;
	bool on, exact_nid, virt;
};

/* Begins list number @seed over @bytes of memory with arrays of @array_max regions. */
void bridge_duel_begin(uint64_t seed, uint64_t bytes, uint32_t array_max);
/* The next operation of the list. */
struct bridge_op bridge_duel_draw(void);
/* Applies it to the engine; *addr_ret is an allocation's address or 0. */
bool bridge_duel_apply(const struct bridge_op *op, uint64_t *addr_ret);
/* The kernel would have stopped by now. */
bool bridge_duel_panicked(void);
void bridge_duel_view(struct bridge_state *ret);
const char *bridge_op_name(enum bridge_op_kind kind);

#endif
