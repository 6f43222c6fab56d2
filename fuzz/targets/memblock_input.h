/* SPDX-License-Identifier: MIT */
/* Memblock input: from message MemblockRun to calls of memblock. */
#ifndef FUZZ_TARGETS_MEMBLOCK_INPUT_H
#define FUZZ_TARGETS_MEMBLOCK_INPUT_H

#include "engine/memblock.h"
#include "engine/testing/memblock_op.h"
#include "fuzz/memblock.pb-c.h"
#include "fuzz/target.h"

#define MEMBLOCK_INPUT_CALLS_MAX 64

extern const char *const memblock_seeds[];

struct memblock_input {
	uint32_t memory_max, reserved_max;
	phys_t kernel_end;
	struct memblock_op ops[MEMBLOCK_INPUT_CALLS_MAX];
	uint32_t count;
};

/*
 * Calls as they are in @m, but for what callers of memblock never do: an alignment that is no power of two,
 * flags that there are not.  Their facts are those of the era as @settings want them.
 */
void memblock_input_take(const Mmfuzz__MemblockRun *m, const struct target_settings *settings,
			 struct memblock_input *ret, struct facts *facts);
/* All facts of all eras, for those who run very many. */
uint32_t memblock_input_era(const Mmfuzz__MemblockRun *m);
void memblock_input_take_calls(const Mmfuzz__MemblockRun *m, struct memblock_input *ret);

#endif
