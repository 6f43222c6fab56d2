/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables of one's own: a machine's nodes and distances as the bytes of an SRAT and a SLIT, to be
 * given to firmware that takes tables from outside (qemu -acpitable file=...).
 *
 * A kernel numbers nodes in the order in which it meets proximity domains, processors before memory.
 * Node n is domain n here; where the order of the entries would number them otherwise, entries of
 * processors that are not there come first and set it right.
 */
#ifndef TRACES_FIRMWARE_ACPI_WRITE_H
#define TRACES_FIRMWARE_ACPI_WRITE_H

#include "engine/boot_input.h"
#include "engine/error.h"

/* Bytes that belong to who has them: free() ends them. */
struct acpi_bytes {
	uint8_t *data;
	size_t size;
};

/* Of in->affinity and in->cpu_nid.  ERROR_NO_MEMORY, or ERROR_LIMIT for too many entries. */
struct error *srat_write(const struct boot_input *in, struct acpi_bytes *ret);
/* Of in->distance, which is there.  The same errors. */
struct error *slit_write(const struct boot_input *in, struct acpi_bytes *ret);

#endif
