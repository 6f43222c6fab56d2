/* SPDX-License-Identifier: MIT */
#include "traces/firmware/slit.h"

#include <stdlib.h>
#include <string.h>

#include "engine/distance.h"
#include "traces/firmware/bytes.h"

/* After the header: the number of localities in 8 bytes. */
#define MATRIX_OFFSET 44

struct error *slit_parse(const uint8_t *data, size_t len, const char *name,
			 enum acpi_strictness strictness, struct slit *ret)
{
	struct slit slit = { 0 };
	struct error *err;
	uint64_t n;
	size_t bytes;

	err = acpi_header_parse(data, len, name, "SLIT", strictness, &slit.header);
	if (err)
		return err;
	if (slit.header.length < MATRIX_OFFSET)
		return error_create(ERROR_CORRUPT, name, 0, 0,
				    "at byte 4: a length of %u is too short for an SLIT",
				    slit.header.length);
	n = read_le64(data + ACPI_HEADER_BYTES);
	if (n > SLIT_LOCALITIES_MAX)
		return error_create(ERROR_LIMIT, name, 0, 0,
				    "at byte %d: %llu localities are more than %d",
				    ACPI_HEADER_BYTES, (unsigned long long)n, SLIT_LOCALITIES_MAX);
	bytes = (size_t)n * (size_t)n;
	if (bytes > slit.header.length - MATRIX_OFFSET ||
	    (strictness == ACPI_STRICT && bytes < slit.header.length - MATRIX_OFFSET))
		return error_create(ERROR_CORRUPT, name, 0, 0,
				    "at byte %d: %u localities need %zu bytes and there are %u",
				    ACPI_HEADER_BYTES, (unsigned int)n, bytes,
				    slit.header.length - MATRIX_OFFSET);
	slit.n = (uint32_t)n;
	slit.distances = malloc(bytes ? bytes : 1);
	if (!slit.distances)
		return error_no_memory();
	memcpy(slit.distances, data + MATRIX_OFFSET, bytes);
	*ret = slit;
	return NULL;
}

void slit_deinit(struct slit *slit)
{
	free(slit->distances);
	*slit = (struct slit){ 0 };
}

bool slit_is_valid(const struct slit *slit)
{
	return distances_are_valid(slit->distances, slit->n);
}
