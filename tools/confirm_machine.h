/* SPDX-License-Identifier: MIT */
/*
 * A machine for a kernel: what a finding was made small to is often one that no kernel could be put into.
 *
 * RAM is then added where a kernel's image lies (traces/qemu.h), as no node's and as each node's that the
 * table names, until the model says that the same invariants break there, operations of the finding
 * included.  Where they never do, or nothing breaks in the first place, the machine is refused.
 *
 * A kernel numbers nodes as it meets them and leaves no number out.  Nodes that nothing names below the
 * highest that is named get an entry of no bytes, so that model and kernel have them both.
 */
#ifndef TOOLS_CONFIRM_MACHINE_H
#define TOOLS_CONFIRM_MACHINE_H

#include "tools/booted.h"

/* A machine that borrows all from another but its map and tables, where these are its own. */
struct roomy {
	struct boot_input input;
	struct e820_entry *map;
	struct affinity_memory *affinity;
	struct affinity_memory *named; /* with nodes added; @affinity has memory, too */
};

/*
 * The machine @b was read from, with what a kernel needs, which is said.  Returns CLI_OK, or
 * what the command is to return after it was said why; @ret (zeroed) is to be ended in both cases.
 */
enum cli_exit confirm_machine(struct cli *cli, const struct booted *b, struct roomy *ret);
void roomy_deinit(struct roomy *r);

#endif
