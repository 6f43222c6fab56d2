/* SPDX-License-Identifier: MIT */
/*
 * Rewind: what memblock had reserved when logging began, worked out backwards.
 *
 * Some kernels print their only memblock dump late (arm64 at the end of bootmem_init), and the steps
 * before it are known as requests only.  The dump is the state after them; undoing one step after the
 * other gives the state before.  An allocation is undone by taking away the lowest block that the same
 * request would get again.  The result counts only if taking all steps forwards again leads exactly to
 * the dump.
 */
#ifndef ENGINE_REWIND_H
#define ENGINE_REWIND_H

#include "engine/machine.h"

/* Does @s place a block for the device tree?  Where such a block lies follows from the tree alone. */
bool rewind_tree_step(const struct boot_step *s);

/* Takes one step on @m's memblock, as the boot does. */
typedef void (*rewind_step)(struct machine *m, const struct boot_input *in,
			    const struct boot_step *s);

/*
 * On success m->mb.reserved is the state before steps[0] and true is returned; otherwise it is empty.
 * m->mb.memory must be final.  @forward is called on a scratch machine.
 */
bool rewind_to_start(struct machine *m, const struct boot_input *in, uint32_t state_step,
		     rewind_step forward);

#endif
