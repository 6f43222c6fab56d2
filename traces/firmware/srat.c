/* SPDX-License-Identifier: MIT */
#include "traces/firmware/srat.h"

#include <stdlib.h>

#include "traces/firmware/bytes.h"
#include "traces/grow.h"

/* After the header: a table revision that is always 1, and 8 reserved bytes. */
#define ENTRIES_OFFSET 48
/* Every entry starts with its type and its length. */
#define ENTRY_HEADER_BYTES 2

static const struct {
	const char *name;
	uint8_t bytes; /* least length */
	uint8_t pxm; /* offsets in the entry; 0: the type has none */
	uint8_t flags;
	uint8_t id;
	uint8_t clock_domain;
} shapes[] = {
	[SRAT_APIC] = { "APIC", 16, 2, 4, 3, 12 }, /* pxm and id are bytes: see read_entry() */
	[SRAT_MEMORY] = { "memory", 40, 2, 28, 0, 0 },
	[SRAT_X2APIC] = { "x2APIC", 24, 4, 12, 8, 16 },
	[SRAT_GICC] = { "GICC", 18, 2, 10, 6, 14 },
	[SRAT_GIC_ITS] = { "ITS", 12, 2, 0, 8, 0 },
	[SRAT_INITIATOR] = { "initiator", 32, 4, 24, 0, 0 },
	[SRAT_GENERIC_PORT] = { "port", 32, 4, 24, 0, 0 },
	[SRAT_RINTC] = { "RINTC", 20, 4, 12, 8, 16 },
};

static void read_entry(const uint8_t *p, uint8_t revision, struct srat_entry *entry)
{
	entry->type = entry->raw_type;
	entry->pxm = read_le32(p + shapes[entry->type].pxm);
	if (shapes[entry->type].flags) {
		entry->flags = read_le32(p + shapes[entry->type].flags);
		entry->enabled = entry->flags & 1;
	} else {
		entry->enabled = true;
	}
	if (shapes[entry->type].id)
		entry->id = read_le32(p + shapes[entry->type].id);
	if (shapes[entry->type].clock_domain)
		entry->clock_domain = read_le32(p + shapes[entry->type].clock_domain);

	if (entry->type == SRAT_APIC) {
		entry->id = p[3];
		entry->pxm = p[2];
		if (revision >= 2)
			entry->pxm |= (uint32_t)p[9] << 8 | (uint32_t)p[10] << 16 |
				      (uint32_t)p[11] << 24;
	} else if (entry->type == SRAT_MEMORY) {
		if (revision <= 1)
			entry->pxm &= 0xff;
		entry->base = read_le64(p + 8);
		entry->bytes = read_le64(p + 16);
	}
}

struct error *srat_parse(const uint8_t *data, size_t len, const char *name,
			 enum acpi_strictness strictness, struct srat *ret)
{
	struct srat srat = { 0 };
	struct error *err;
	uint32_t offset, room = 0;

	err = acpi_header_parse(data, len, name, "SRAT", strictness, &srat.header);
	if (err)
		return err;
	if (srat.header.length < ENTRIES_OFFSET)
		return error_create(ERROR_CORRUPT, name, 0, 0,
				    "at byte 4: a length of %u is too short for an SRAT",
				    srat.header.length);

	for (offset = ENTRIES_OFFSET; offset < srat.header.length;) {
		uint32_t left = srat.header.length - offset;
		struct srat_entry entry = { .type = SRAT_UNKNOWN, .offset = offset };
		struct srat_entry *entries;

		if (left < ENTRY_HEADER_BYTES) {
			err = error_create(ERROR_CORRUPT, name, 0, 0,
					   "at byte %u: the table ends inside an entry", offset);
			break;
		}
		entry.raw_type = data[offset];
		entry.length = data[offset + 1];
		if (entry.length < ENTRY_HEADER_BYTES || entry.length > left) {
			err = error_create(ERROR_CORRUPT, name, 0, 0,
					   "at byte %u: an entry of type %u says it has %u bytes "
					   "and %u are left",
					   offset, entry.raw_type, entry.length, left);
			break;
		}
		if (entry.raw_type < sizeof(shapes) / sizeof(shapes[0])) {
			if (entry.length < shapes[entry.raw_type].bytes) {
				err = error_create(ERROR_CORRUPT, name, 0, 0,
						   "at byte %u: the %s entry has %u bytes and "
						   "needs %u",
						   offset, shapes[entry.raw_type].name,
						   entry.length, shapes[entry.raw_type].bytes);
				break;
			}
			read_entry(data + offset, srat.header.revision, &entry);
		} else {
			srat.unknown_entries++;
		}
		entries = grow(srat.entries, srat.nentries, &room, sizeof(*entries));
		if (!entries) {
			err = error_no_memory();
			break;
		}
		srat.entries = entries;
		entries[srat.nentries++] = entry;
		offset += entry.length;
	}
	if (err) {
		srat_deinit(&srat);
		return err;
	}
	*ret = srat;
	return NULL;
}

void srat_deinit(struct srat *srat)
{
	free(srat->entries);
	*srat = (struct srat){ 0 };
}
