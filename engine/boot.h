/* SPDX-License-Identifier: MIT */
/*
 * Boot: from what a machine is told to a machine that runs, in the order of start_kernel.
 */
#ifndef ENGINE_BOOT_H
#define ENGINE_BOOT_H

#include "engine/machine.h"

/*
 * Boots @m (initialised, unused) from @in up to and including stage @until.  Answers are appended to
 * m->answers in the order of the boot.  @in is borrowed for the call only, except strings.
 * m->out_of_memory tells when the host had no memory; all else is a modelled outcome.
 */
void boot_run(struct machine *m, const struct boot_input *in, enum boot_stage until);

/* "setup_arch", "numa" ...; NULL-terminated list in stage order. */
extern const char *const boot_stage_names[];

#endif
