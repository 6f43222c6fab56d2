/* SPDX-License-Identifier: MIT */
#include "traces/firmware/acpi.h"

#include <string.h>

#include "traces/firmware/bytes.h"

/* Text of a fixed width, padded with blanks or NULs; what is not printable becomes '?'. */
static void read_text(char *ret, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		ret[i] = (char)(p[i] >= ' ' && p[i] < 0x7f ? p[i] : p[i] ? '?' : ' ');
	while (len && ret[len - 1] == ' ')
		len--;
	ret[len] = '\0';
}

struct error *acpi_header_parse(const uint8_t *data, size_t len, const char *name,
				const char *signature, enum acpi_strictness strictness,
				struct acpi_header *ret)
{
	struct acpi_header header = { 0 };

	if (len < ACPI_HEADER_BYTES)
		return error_create(ERROR_CORRUPT, name, 0, 0,
				    "%zu bytes are less than the header of an ACPI table", len);
	read_text(header.signature, data, 4);
	if (memcmp(data, signature, 4))
		return error_create(ERROR_FORMAT, name, 0, 0, "the table is %s and not %s",
				    header.signature, signature);
	header.length = read_le32(data + 4);
	header.revision = data[8];
	read_text(header.oem_id, data + 10, 6);
	read_text(header.oem_table_id, data + 16, 8);
	if (header.length < ACPI_HEADER_BYTES)
		return error_create(ERROR_CORRUPT, name, 0, 0,
				    "at byte 4: a length of %u is less than the header has",
				    header.length);
	if (header.length > len)
		return error_create(ERROR_CORRUPT, name, 0, 0,
				    "at byte 4: a length of %u is more than the file's %zu bytes",
				    header.length, len);
	header.trailing_bytes = len - header.length;
	if (header.trailing_bytes && strictness == ACPI_STRICT)
		return error_create(ERROR_CORRUPT, name, 0, 0,
				    "%zu bytes follow the end of the table at byte %u",
				    header.trailing_bytes, header.length);
	for (uint32_t i = 0; i < header.length; i++)
		header.checksum_sum = (uint8_t)(header.checksum_sum + data[i]);
	if (header.checksum_sum && strictness == ACPI_STRICT)
		return error_create(ERROR_CORRUPT, name, 0, 0,
				    "at byte 9: the checksum is wrong: all bytes sum to %u",
				    header.checksum_sum);
	*ret = header;
	return NULL;
}
