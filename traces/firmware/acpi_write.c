/* SPDX-License-Identifier: MIT */
#include "traces/firmware/acpi_write.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "traces/firmware/acpi.h"
#include "traces/firmware/slit.h"
#include "traces/firmware/srat.h"

enum { APIC_BYTES = 16, MEMORY_BYTES = 40, SRAT_FIXED = 12, ENTRIES_MAX = 65536 };

/*
 * The local APIC id of no processor: what is for all is sent to it.  Entries of x2APIC ids, which are larger,
 * would not do.  A kernel without x2APIC passes them over before it gives their domain a number
 * (acpi_numa_x2apic_affinity_init).
 */
#define ABSENT_APIC 0xff

static void write_le(uint8_t *p, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(value >> 8 * i);
}

static struct error *begin(struct acpi_bytes *ret, const char *signature, uint8_t revision,
			   size_t size)
{
	ret->data = calloc(1, size);
	if (!ret->data)
		return error_no_memory();
	ret->size = size;
	memcpy(ret->data, signature, 4);
	write_le(ret->data + 4, size, 4);
	ret->data[8] = revision;
	memcpy(ret->data + 10, "MMREPL", 6);
	memcpy(ret->data + 16, "SCENARIO", 8);
	write_le(ret->data + 24, 1, 4);
	memcpy(ret->data + 28, "MMRP", 4);
	write_le(ret->data + 32, 1, 4);
	return NULL;
}

static void finish(struct acpi_bytes *bytes)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < bytes->size; i++)
		sum = (uint8_t)(sum + bytes->data[i]);
	bytes->data[9] = (uint8_t)(0 - sum);
}

/* The node of entry @i of the table: processors, then memory; NID_NONE: none. */
static int32_t entry_nid(const struct boot_input *in, uint32_t i)
{
	return i < in->cpu_nid_count ? in->cpu_nid[i] : in->affinity[i - in->cpu_nid_count].nid;
}

static int32_t highest_nid(const struct boot_input *in)
{
	int32_t highest = -1;

	for (uint32_t i = 0; i < in->cpu_nid_count + in->affinity_count; i++)
		if (entry_nid(in, i) > highest)
			highest = entry_nid(in, i);
	return highest;
}

/* Would the kernel call domain n node n? */
static bool numbers_itself(const struct boot_input *in)
{
	int32_t next = 0;

	for (uint32_t i = 0; i < in->cpu_nid_count + in->affinity_count; i++) {
		int32_t nid = entry_nid(in, i);

		if (nid > next)
			return false;
		next += nid == next;
	}
	return true;
}

static uint8_t *write_processor(uint8_t *p, int32_t nid, uint32_t apic)
{
	p[0] = SRAT_APIC;
	p[1] = APIC_BYTES;
	write_le(p + 2, (uint32_t)nid & 0xff, 1);
	write_le(p + 3, apic < ABSENT_APIC ? apic : ABSENT_APIC, 1);
	write_le(p + 4, 1, 4);
	write_le(p + 9, (uint32_t)nid >> 8, 3);
	return p + APIC_BYTES;
}

struct error *srat_write(const struct boot_input *in, struct acpi_bytes *ret)
{
	uint32_t absent = numbers_itself(in) ? 0 : (uint32_t)(highest_nid(in) + 1);
	uint32_t processors = 0;
	struct acpi_bytes bytes = { 0 };
	struct error *err;
	uint8_t *p;

	for (uint32_t i = 0; i < in->cpu_nid_count; i++)
		processors += in->cpu_nid[i] >= 0;
	if ((uint64_t)absent + processors + in->affinity_count > ENTRIES_MAX)
		return error_create(ERROR_LIMIT, NULL, 0, 0,
				    "an SRAT of more than %d entries is not written", ENTRIES_MAX);
	err = begin(&bytes, "SRAT", 3,
		    ACPI_HEADER_BYTES + SRAT_FIXED + (size_t)(absent + processors) * APIC_BYTES +
			    (size_t)in->affinity_count * MEMORY_BYTES);
	if (err)
		return err;
	write_le(bytes.data + ACPI_HEADER_BYTES, 1, 4);
	p = bytes.data + ACPI_HEADER_BYTES + SRAT_FIXED;
	for (uint32_t i = 0; i < absent; i++)
		p = write_processor(p, (int32_t)i, ABSENT_APIC);
	for (uint32_t i = 0; i < in->cpu_nid_count; i++)
		if (in->cpu_nid[i] >= 0)
			p = write_processor(p, in->cpu_nid[i], i);
	for (uint32_t i = 0; i < in->affinity_count; i++) {
		const struct affinity_memory *a = &in->affinity[i];

		p[0] = SRAT_MEMORY;
		p[1] = MEMORY_BYTES;
		write_le(p + 2, (uint32_t)a->nid, 4);
		write_le(p + 8, a->start, 8);
		write_le(p + 16, a->end - a->start, 8);
		write_le(p + 28,
			 SRAT_MEMORY_ENABLED | (a->hotplug ? SRAT_MEMORY_HOTPLUG : 0) |
				 (a->nonvolatile ? SRAT_MEMORY_NONVOLATILE : 0),
			 4);
		p += MEMORY_BYTES;
	}
	finish(&bytes);
	*ret = bytes;
	return NULL;
}

struct error *slit_write(const struct boot_input *in, struct acpi_bytes *ret)
{
	size_t count = (size_t)in->distance_count * in->distance_count;
	struct acpi_bytes bytes = { 0 };
	struct error *err;

	if (in->distance_count > SLIT_LOCALITIES_MAX)
		return error_create(ERROR_LIMIT, NULL, 0, 0,
				    "a SLIT of more than %d localities is not written",
				    SLIT_LOCALITIES_MAX);
	err = begin(&bytes, "SLIT", 1, ACPI_HEADER_BYTES + 8 + count);
	if (err)
		return err;
	write_le(bytes.data + ACPI_HEADER_BYTES, in->distance_count, 8);
	memcpy(bytes.data + ACPI_HEADER_BYTES + 8, in->distance, count);
	finish(&bytes);
	*ret = bytes;
	return NULL;
}
