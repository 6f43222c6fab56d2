/* SPDX-License-Identifier: MIT */
/*
 * QEMU: a machine as arguments of an emulator, so that a real kernel can be asked what it does there.
 *
 * QEMU's own options say little about a firmware map, and put nodes one after the other.  So its RAM only
 * covers all that is wanted; the map is given to the kernel by memmap=exactmap, and nodes and distances by
 * tables of one's own.  What is asked for is then what the kernel sees, to the byte:
 *
 *	wanted     |####|   |#########|      |####|
 *	QEMU's RAM |################################|
 *	memmap=    |####|   |#########|      |####|
 *
 * Not to be had this way: RAM from 3 to 4 GiB of machines with more than 3.5 GiB (devices are there), RAM
 * beyond the 40 bits of an emulated CPU's addresses, and reservations, which are the booted kernel's own.
 */
#ifndef TRACES_QEMU_H
#define TRACES_QEMU_H

#include "engine/boot_input.h"
#include "engine/error.h"

struct qemu_machine {
	uint64_t ram_bytes;
	uint32_t cpus;
	char *command_line; /* of the kernel; owned */
	bool has_srat, has_slit;
};

/*
 * ERROR_UNSUPPORTED: the sentence tells what of the machine cannot be had.  @ret is to be ended in any case
 * and starts zeroed.
 */
struct error *qemu_machine_make(const struct boot_input *in, struct qemu_machine *ret);
void qemu_machine_deinit(struct qemu_machine *q);

#endif
