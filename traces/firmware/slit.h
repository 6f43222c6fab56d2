/* SPDX-License-Identifier: MIT */
/*
 * SLIT: the ACPI table of distances between proximity domains (ACPI 6.5, 5.2.17), as raw bytes from
 * /sys/firmware/acpi/tables/SLIT.
 */
#ifndef TRACES_FIRMWARE_SLIT_H
#define TRACES_FIRMWARE_SLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "traces/firmware/acpi.h"

#define SLIT_UNREACHABLE 255
/* Larger tables are refused. */
#define SLIT_LOCALITIES_MAX 4096

struct slit {
	struct acpi_header header;
	uint32_t n; /* localities; rows and columns are proximity domains */
	uint8_t *distances; /* n * n, row by row */
};

/*
 * Reads a table of @len bytes, which is not needed afterwards.  @name is what errors call it.
 *
 * Errors: those of acpi_header_parse(), ERROR_CORRUPT for a number of localities that the table is
 * too short for (or, strictly, too long for), ERROR_LIMIT, ERROR_NO_MEMORY.  On failure @ret is
 * untouched.  Implausible distances are no error: see slit_is_valid().
 */
struct error *slit_parse(const uint8_t *data, size_t len, const char *name,
			 enum acpi_strictness strictness, struct slit *ret);
/* Accepts a zeroed struct; leaves it zeroed. */
void slit_deinit(struct slit *slit);

static inline uint8_t slit_distance(const struct slit *slit, uint32_t from, uint32_t to)
{
	return slit->distances[(size_t)from * slit->n + to];
}

/* The kernel uses it: distances_are_valid().  Otherwise it ignores it. */
bool slit_is_valid(const struct slit *slit);

#endif
