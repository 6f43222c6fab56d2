/* SPDX-License-Identifier: MIT */
/*
 * Made boot: the input of a boot of a made-up machine, put together by a test line by line, and the test
 * that every quirk has to pass: the wrong rule breaks its invariant on that machine, the right one nothing.
 */
#ifndef ENGINE_TESTING_MADE_BOOT_H
#define ENGINE_TESTING_MADE_BOOT_H

#include "engine/quirk.h"
#include "engine/scenario.h"

#define MADE_BOOT_ROOM 16
#define MADE_BOOT_STEPS 256
#define MADE_BOOT_CPUS 64

struct made_boot {
	struct boot_input in; /* points into the others: do not copy */
	struct e820_entry map[MADE_BOOT_ROOM];
	struct affinity_memory affinity[MADE_BOOT_ROOM];
	struct boot_step steps[MADE_BOOT_STEPS];
	int32_t cpu_nid[MADE_BOOT_CPUS];
	uint8_t distance[MADE_BOOT_ROOM * MADE_BOOT_ROOM];
};

/* A machine of @arch without memory or CPUs; @version as "6.12". */
void made_boot_init(struct made_boot *b, enum arch arch, const char *version);
/* Memory [@start, @end) of node @nid; nodes are left out where all are told -1. */
void made_boot_memory(struct made_boot *b, phys_t start, phys_t end, int32_t nid);
/* A range that the firmware names for memory yet to come. */
void made_boot_slot(struct made_boot *b, phys_t start, phys_t end, int32_t nid);
void made_boot_cpus(struct made_boot *b, uint32_t count, int32_t nid);
/* @count x @count distances, row by row. */
void made_boot_distance(struct made_boot *b, const uint8_t *distance, uint32_t count);
/* Memory in use for good. */
void made_boot_reserve(struct made_boot *b, phys_t start, phys_t end);
/* A request for @size bytes of [@min, @max), of no node; @max 0: anywhere. */
struct boot_step *made_boot_alloc(struct made_boot *b, uint64_t size, uint64_t align, phys_t min,
				  phys_t max);
/* Any other step, of no node and no name.  Valid, as the one above, for the life of @b. */
struct boot_step *made_boot_step(struct made_boot *b, enum boot_step_kind kind, phys_t base,
				 uint64_t size);

/*
 * Boots with the wrong value of @quirk and does @operations: its invariant breaks.  The same with every
 * quirk right: none does.
 */
void made_boot_quirk(struct made_boot *b, enum quirk quirk, const struct operation *operations,
		     uint32_t count);
/* With every quirk right and what @b has otherwise, no invariant breaks. */
void made_boot_sound(struct made_boot *b, const struct operation *operations, uint32_t count);

#endif
