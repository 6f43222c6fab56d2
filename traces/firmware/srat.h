/* SPDX-License-Identifier: MIT */
/*
 * SRAT: the ACPI table that says which memory and which CPUs belong together (ACPI 6.5, 5.2.16), as
 * raw bytes from /sys/firmware/acpi/tables/SRAT.
 *
 * Entries are kept in the order of the table, disabled ones included: the kernel numbers its nodes
 * by that order, so it matters.  A proximity domain (PXM) is the firmware's number, not a node id.
 */
#ifndef TRACES_FIRMWARE_SRAT_H
#define TRACES_FIRMWARE_SRAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "engine/units.h"
#include "traces/firmware/acpi.h"

/* Values are the type bytes of the table. */
enum srat_type {
	SRAT_APIC = 0, /* processor by local APIC id */
	SRAT_MEMORY = 1,
	SRAT_X2APIC = 2, /* processor by x2APIC id */
	SRAT_GICC = 3, /* processor by ACPI UID (arm64) */
	SRAT_GIC_ITS = 4, /* interrupt controller (arm64) */
	SRAT_INITIATOR = 5, /* generic initiator: a device that uses memory */
	SRAT_GENERIC_PORT = 6,
	SRAT_RINTC = 7, /* processor by ACPI UID (riscv) */
	SRAT_UNKNOWN = 256, /* any other; the raw type is in @raw_type */
};

enum srat_memory_flag {
	SRAT_MEMORY_ENABLED = 1 << 0,
	SRAT_MEMORY_HOTPLUG = 1 << 1,
	SRAT_MEMORY_NONVOLATILE = 1 << 2,
};

struct srat_entry {
	enum srat_type type;
	uint8_t raw_type;
	uint8_t length; /* bytes, from the table */
	uint32_t offset; /* byte in the table, from 0 */
	/*
	 * Proximity domain as the kernel reads it: in APIC and memory entries of a table of
	 * revision 1 only 8 bits count, the others were reserved then.  0 for the unknown.
	 */
	uint32_t pxm;
	uint32_t flags; /* as in the table; bit 0 is "enabled" for all that have flags */
	bool enabled; /* ITS entries have no flags and are enabled */
	/* SRAT_MEMORY.  base + length may wrap: firmware says what it likes. */
	phys_t base;
	uint64_t bytes;
	/* Of APIC and X2APIC the APIC id, of GICC and RINTC the ACPI UID, of an ITS its id. */
	uint32_t id;
	uint32_t clock_domain; /* where the type has one */
};

struct srat {
	struct acpi_header header;
	struct srat_entry *entries; /* in table order */
	uint32_t nentries;
	uint32_t unknown_entries;
};

/*
 * Reads a table of @len bytes, which is not needed afterwards.  @name is what errors call it.
 *
 * Errors: those of acpi_header_parse(), and ERROR_CORRUPT for an entry that has no length, is
 * shorter than its type needs, or reaches beyond the table; the sentence says at which byte.
 * ERROR_NO_MEMORY.  On failure @ret is untouched.
 */
struct error *srat_parse(const uint8_t *data, size_t len, const char *name,
			 enum acpi_strictness strictness, struct srat *ret);
/* Accepts a zeroed struct; leaves it zeroed. */
void srat_deinit(struct srat *srat);

#endif
