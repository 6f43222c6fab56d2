/* SPDX-License-Identifier: MIT */
/*
 * The header every ACPI table starts with, as raw bytes (ACPI 6.5, table 5.4).
 */
#ifndef TRACES_FIRMWARE_ACPI_H
#define TRACES_FIRMWARE_ACPI_H

#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

#define ACPI_HEADER_BYTES 36

/*
 * How strictly a table is checked.  Lenient: a wrong checksum and bytes after the end of the table
 * are accepted and told in struct acpi_header; lengths are checked always.
 */
enum acpi_strictness { ACPI_STRICT, ACPI_LENIENT };

struct acpi_header {
	char signature[5];
	char oem_id[7];
	char oem_table_id[9];
	uint8_t revision;
	uint32_t length; /* of the whole table in bytes */
	uint8_t checksum_sum; /* of all bytes modulo 256: 0 in a sound table */
	size_t trailing_bytes; /* after the table */
};

/*
 * Reads and checks the header of a table of @len bytes that must have signature @signature.
 *
 * Errors: ERROR_FORMAT for another signature, ERROR_CORRUPT for a table that is cut off, a length
 * that is impossible, a wrong checksum.  On failure @ret is untouched.
 */
struct error *acpi_header_parse(const uint8_t *data, size_t len, const char *name,
				const char *signature, enum acpi_strictness strictness,
				struct acpi_header *ret);

#endif
