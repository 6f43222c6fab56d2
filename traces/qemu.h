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
 * A kernel does not start on any map: it wants RAM where its image lies, and would make RAM of it by itself
 * where the map has none.  nokaslr keeps the image in one place.
 *
 * Not to be had this way: RAM from 3 to 4 GiB of machines with more than 3.5 GiB (devices are there), RAM
 * beyond the 40 bits of an emulated CPU's addresses, and reservations, which are the booted kernel's own.
 */
#ifndef TRACES_QEMU_H
#define TRACES_QEMU_H

#include "engine/boot_input.h"
#include "engine/error.h"

/* Where an image lies, with what it needs to come as far as zones and fallback orders. */
#define QEMU_KERNEL_START ((phys_t)16 << 20)
#define QEMU_KERNEL_END ((phys_t)80 << 20)

struct qemu_machine {
	uint64_t ram_bytes;
	uint32_t cpus;
	char *command_line; /* of the kernel; owned */
	bool has_srat, has_slit;
};

/* Is all of [QEMU_KERNEL_START, QEMU_KERNEL_END) RAM? */
bool qemu_has_room(const struct boot_input *in);
/* Bytes of RAM; entries that overlap count twice. */
uint64_t qemu_ram_bytes(const struct boot_input *in);
/*
 * The firmware map of @in by address, with RAM wherever [QEMU_KERNEL_START, QEMU_KERNEL_END) has nothing:
 * @map_ret belongs to the caller (free()), and its @count_ret entries are those of @in and @gap_count_ret new
 * ones, which @gaps_ret has once more: the caller's, too.  What is there and is no RAM stays.
 * ERROR_NO_MEMORY.
 */
struct error *qemu_make_room(const struct boot_input *in, struct e820_entry **map_ret,
			     uint32_t *count_ret, struct e820_entry **gaps_ret,
			     uint32_t *gap_count_ret);

/*
 * ERROR_UNSUPPORTED: the sentence tells what of the machine cannot be had.  @ret is to be ended in any case
 * and starts zeroed.
 */
struct error *qemu_machine_make(const struct boot_input *in, struct qemu_machine *ret);
void qemu_machine_deinit(struct qemu_machine *q);

#endif
