/* SPDX-License-Identifier: MIT */
/*
 * What the architecture does before generic code: the firmware map, limits of low memory and zones,
 * the initrd, CMA and crash kernel areas.
 */
#ifndef ENGINE_SETUP_ARCH_H
#define ENGINE_SETUP_ARCH_H

#include "engine/machine.h"

/* Reads the firmware map into m->e820, applies the command line and the fixed rules. */
void setup_arch_firmware(struct machine *m, const struct boot_input *in);
/* Fills memblock.memory from what is known: firmware map, device tree, dump or given ranges. */
void setup_arch_memory(struct machine *m, const struct boot_input *in);
/* Exclusive upper page frame of each zone; 0 for zones the machine does not have. */
void setup_arch_zone_pfns(struct machine *m, const struct boot_input *in,
			  pfn_t ret[ZONE_TYPE_COUNT]);
/* arm maps low memory: with NULL it begins, then every step that allocates after that is shown. */
void setup_arch_map_lowmem(struct machine *m, const struct boot_step *s);
void setup_arch_move_ramdisk(struct machine *m, const struct boot_step *s, uint32_t step);
/* An area of a node's own. */
void setup_arch_add_node_cma(struct machine *m, phys_t start, phys_t end, int32_t nid);
void setup_arch_reserve_cma(struct machine *m, const struct boot_input *in,
			    const struct boot_step *s, uint32_t step);
/* Where the default CMA area lands: reserves it on m->mb only.  False when nothing fits. */
bool setup_arch_place_cma(struct machine *m, const struct boot_input *in, const struct boot_step *s,
			  phys_t *ret);
void setup_arch_add_cma(struct machine *m, phys_t start, phys_t end);
/* One answer for a crash kernel at @base: for its low part if the main one is told already. */
void setup_arch_answer_crashkernel(struct machine *m, phys_t base, uint64_t size,
				   enum answer_basis basis);
/* On x86 kernels that print no request: places what crashkernel= asks for, if no step does. */
void setup_arch_crashkernel_option(struct machine *m, const struct boot_input *in);
/*
 * There, an allocation of which only the size is told and which is as large as crashkernel= asks for is the
 * crash kernel's: places it where that may lie.  False: @s is none.
 */
bool setup_arch_crashkernel_alloc(struct machine *m, const struct boot_input *in,
				  const struct boot_step *s, uint32_t step);
void setup_arch_crashkernel(struct machine *m, const struct boot_input *in,
			    const struct boot_step *s, uint32_t step);

#endif
