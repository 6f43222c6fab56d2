/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "traces/firmware/slit.h"
#include "traces/firmware/srat.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"

/* A table while it is made. */
struct table {
	uint8_t bytes[4096];
	size_t len;
};

static void put(struct table *table, unsigned int bytes, uint64_t value)
{
	for (unsigned int i = 0; i < bytes; i++)
		table->bytes[table->len++] = (uint8_t)(value >> 8 * i);
}

static void begin(struct table *table, const char *signature, uint8_t revision)
{
	memset(table, 0, sizeof(*table));
	memcpy(table->bytes, signature, 4);
	table->bytes[8] = revision;
	memcpy(table->bytes + 10, "OEM\x01  ", 6);
	memcpy(table->bytes + 16, "TABLE", 5);
	table->len = ACPI_HEADER_BYTES;
}

/* Length and checksum as they should be. */
static void end(struct table *table)
{
	uint8_t sum = 0;

	for (int i = 0; i < 4; i++)
		table->bytes[4 + i] = (uint8_t)(table->len >> 8 * i);
	table->bytes[9] = 0;
	for (size_t i = 0; i < table->len; i++)
		sum = (uint8_t)(sum + table->bytes[i]);
	table->bytes[9] = (uint8_t)-sum;
}

static void put_memory(struct table *table, uint32_t pxm, uint64_t base, uint64_t bytes,
		       uint32_t flags)
{
	put(table, 2, 1 | 40 << 8);
	put(table, 4, pxm);
	put(table, 2, 0);
	put(table, 8, base);
	put(table, 8, bytes);
	put(table, 4, 0);
	put(table, 4, flags);
	put(table, 8, 0);
}

/* One entry of every type. */
static void make_srat(struct table *table, uint8_t revision)
{
	begin(table, "SRAT", revision);
	put(table, 4, 1);
	put(table, 8, 0);
	/* APIC: pxm low 2, APIC id 7, enabled, pxm high 0x030201, clock domain 9 */
	put(table, 2, 0 | 16 << 8);
	put(table, 1, 2);
	put(table, 1, 7);
	put(table, 4, 1);
	put(table, 1, 0);
	put(table, 3, 0x030201);
	put(table, 4, 9);
	put_memory(table, 0x12345, 0x100000000, 0x40000000, SRAT_MEMORY_ENABLED);
	/* x2APIC */
	put(table, 2, 2 | 24 << 8);
	put(table, 2, 0);
	put(table, 4, 0x501);
	put(table, 4, 0x1234);
	put(table, 4, 0);
	put(table, 4, 8);
	put(table, 4, 0);
	/* GICC */
	put(table, 2, 3 | 18 << 8);
	put(table, 4, 0x502);
	put(table, 4, 11);
	put(table, 4, 1);
	put(table, 4, 6);
	/* ITS */
	put(table, 2, 4 | 12 << 8);
	put(table, 4, 3);
	put(table, 2, 0);
	put(table, 4, 21);
	/* generic initiator, then a type of the future */
	put(table, 2, 5 | 32 << 8);
	put(table, 2, 0);
	put(table, 4, 4);
	put(table, 8, 0);
	put(table, 8, 0);
	put(table, 4, 1);
	put(table, 4, 0);
	put(table, 2, 200 | 6 << 8);
	put(table, 4, 0xffffffff);
	/* RINTC */
	put(table, 2, 7 | 20 << 8);
	put(table, 2, 0);
	put(table, 4, 6);
	put(table, 4, 31);
	put(table, 4, 1);
	put(table, 4, 0);
	put_memory(table, 1, UINT64_MAX, 2,
		   SRAT_MEMORY_ENABLED | SRAT_MEMORY_HOTPLUG | SRAT_MEMORY_NONVOLATILE);
	end(table);
}

static void every_type(void **state)
{
	struct table table;
	struct srat srat;
	const struct srat_entry *entry;

	(void)state;
	make_srat(&table, 3);
	check_ok(srat_parse(table.bytes, table.len, "SRAT", ACPI_STRICT, &srat));
	assert_string_equal(srat.header.signature, "SRAT");
	assert_string_equal(srat.header.oem_id, "OEM?");
	assert_string_equal(srat.header.oem_table_id, "TABLE");
	assert_int_equal(srat.header.revision, 3);
	assert_int_equal(srat.header.length, table.len);
	assert_int_equal(srat.nentries, 9);
	assert_int_equal(srat.unknown_entries, 1);

	entry = &srat.entries[0];
	assert_int_equal(entry->type, SRAT_APIC);
	assert_int_equal(entry->offset, 48);
	assert_int_equal(entry->pxm, 0x03020102);
	assert_int_equal(entry->id, 7);
	assert_true(entry->enabled);
	assert_int_equal(entry->clock_domain, 9);
	entry++;
	assert_int_equal(entry->type, SRAT_MEMORY);
	assert_int_equal(entry->offset, 64);
	assert_int_equal(entry->pxm, 0x12345);
	assert_true(entry->base == 0x100000000);
	assert_int_equal(entry->bytes, 0x40000000);
	assert_int_equal(entry->flags, SRAT_MEMORY_ENABLED);
	entry++;
	assert_int_equal(entry->type, SRAT_X2APIC);
	assert_int_equal(entry->pxm, 0x501);
	assert_int_equal(entry->id, 0x1234);
	assert_false(entry->enabled);
	assert_int_equal(entry->clock_domain, 8);
	entry++;
	assert_int_equal(entry->type, SRAT_GICC);
	assert_int_equal(entry->pxm, 0x502);
	assert_int_equal(entry->id, 11);
	assert_true(entry->enabled);
	entry++;
	assert_int_equal(entry->type, SRAT_GIC_ITS);
	assert_int_equal(entry->pxm, 3);
	assert_int_equal(entry->id, 21);
	assert_true(entry->enabled);
	entry++;
	assert_int_equal(entry->type, SRAT_INITIATOR);
	assert_int_equal(entry->pxm, 4);
	assert_true(entry->enabled);
	entry++;
	assert_int_equal(entry->type, SRAT_UNKNOWN);
	assert_int_equal(entry->raw_type, 200);
	assert_int_equal(entry->length, 6);
	assert_false(entry->enabled);
	entry++;
	assert_int_equal(entry->type, SRAT_RINTC);
	assert_int_equal(entry->pxm, 6);
	assert_int_equal(entry->id, 31);
	entry++;
	assert_true(entry->base == UINT64_MAX);
	assert_int_equal(entry->flags, 7);
	srat_deinit(&srat);
	assert_null(srat.entries);

	/* In a table of revision 1 the upper bits are not part of the domain. */
	make_srat(&table, 1);
	check_ok(srat_parse(table.bytes, table.len, "SRAT", ACPI_STRICT, &srat));
	assert_int_equal(srat.entries[0].pxm, 2);
	assert_int_equal(srat.entries[1].pxm, 0x45);
	assert_int_equal(srat.entries[2].pxm, 0x501);
	srat_deinit(&srat);
}

static void make_slit(struct table *table, uint64_t n)
{
	begin(table, "SLIT", 1);
	put(table, 8, n);
	for (uint64_t i = 0; i < n; i++)
		for (uint64_t j = 0; j < n; j++)
			put(table, 1, i == j ? 10 : 20 + i);
	end(table);
}

static void distances(void **state)
{
	struct table table;
	struct slit slit;

	(void)state;
	make_slit(&table, 3);
	check_ok(slit_parse(table.bytes, table.len, "SLIT", ACPI_STRICT, &slit));
	assert_int_equal(slit.n, 3);
	assert_int_equal(slit_distance(&slit, 1, 1), 10);
	assert_int_equal(slit_distance(&slit, 2, 0), 22);
	assert_int_equal(slit_distance(&slit, 0, 2), 20);
	assert_true(slit_is_valid(&slit));
	slit.distances[1] = 10;
	assert_false(slit_is_valid(&slit));
	slit.distances[1] = 11;
	assert_true(slit_is_valid(&slit));
	slit.distances[8] = 11;
	assert_false(slit_is_valid(&slit));
	slit_deinit(&slit);

	make_slit(&table, 0);
	check_ok(slit_parse(table.bytes, table.len, "SLIT", ACPI_STRICT, &slit));
	assert_int_equal(slit.n, 0);
	slit_deinit(&slit);

	make_slit(&table, 3);
	for (int i = 0; i < 2; i++) {
		table.bytes[36] = i ? 2 : 4; /* too many, too few for the length */
		end(&table);
		check_error(slit_parse(table.bytes, table.len, "SLIT", ACPI_STRICT, &slit),
			    ERROR_CORRUPT, 0, 0);
	}
	check_ok(slit_parse(table.bytes, table.len, "SLIT", ACPI_LENIENT, &slit));
	assert_int_equal(slit.n, 2);
	slit_deinit(&slit);
	memset(table.bytes + 36, 0xff, 8);
	end(&table);
	check_error(slit_parse(table.bytes, table.len, "SLIT", ACPI_LENIENT, &slit), ERROR_LIMIT, 0,
		    0);
}

/* Each error is one sentence that says where. */
static void check_srat_error(const struct table *table, enum acpi_strictness strictness,
			     enum error_code code, const char *sentence)
{
	struct srat srat = { .nentries = 77 };
	struct error *err = srat_parse(table->bytes, table->len, "SRAT", strictness, &srat);

	assert_non_null(err);
	assert_string_equal(err->message, sentence);
	check_error(err, code, 0, 0);
	assert_int_equal(srat.nentries, 77);
}

static void headers(void **state)
{
	struct table table;
	struct srat srat;
	struct slit slit;

	(void)state;
	make_srat(&table, 1);
	table.bytes[9]++;
	check_srat_error(&table, ACPI_STRICT, ERROR_CORRUPT,
			 "at byte 9: the checksum is wrong: all bytes sum to 1");
	check_ok(srat_parse(table.bytes, table.len, "SRAT", ACPI_LENIENT, &srat));
	assert_int_equal(srat.header.checksum_sum, 1);
	srat_deinit(&srat);

	make_srat(&table, 1);
	table.len += 3;
	check_srat_error(&table, ACPI_STRICT, ERROR_CORRUPT,
			 "3 bytes follow the end of the table at byte 256");
	check_ok(srat_parse(table.bytes, table.len, "SRAT", ACPI_LENIENT, &srat));
	assert_int_equal(srat.header.trailing_bytes, 3);
	srat_deinit(&srat);

	table.len -= 4;
	check_srat_error(&table, ACPI_LENIENT, ERROR_CORRUPT,
			 "at byte 4: a length of 256 is more than the file's 255 bytes");
	table.len = 35;
	check_srat_error(&table, ACPI_LENIENT, ERROR_CORRUPT,
			 "35 bytes are less than the header of an ACPI table");
	make_srat(&table, 1);
	table.bytes[4] = 35;
	table.bytes[5] = 0;
	check_srat_error(&table, ACPI_LENIENT, ERROR_CORRUPT,
			 "at byte 4: a length of 35 is less than the header has");
	table.bytes[4] = 47;
	check_srat_error(&table, ACPI_LENIENT, ERROR_CORRUPT,
			 "at byte 4: a length of 47 is too short for an SRAT");
	make_slit(&table, 3);
	check_srat_error(&table, ACPI_LENIENT, ERROR_FORMAT, "the table is SLIT and not SRAT");
	make_srat(&table, 1);
	check_error(slit_parse(table.bytes, table.len, "SRAT", ACPI_LENIENT, &slit), ERROR_FORMAT,
		    0, 0);
}

/* Sub-tables that lie about their length. */
static void entries(void **state)
{
	struct table table;

	(void)state;
	make_srat(&table, 1);
	table.bytes[49] = 0;
	end(&table);
	check_srat_error(&table, ACPI_STRICT, ERROR_CORRUPT,
			 "at byte 48: an entry of type 0 says it has 0 bytes and 208 are left");
	table.bytes[49] = 1;
	end(&table);
	check_srat_error(&table, ACPI_STRICT, ERROR_CORRUPT,
			 "at byte 48: an entry of type 0 says it has 1 bytes and 208 are left");
	table.bytes[49] = 209;
	end(&table);
	check_srat_error(&table, ACPI_STRICT, ERROR_CORRUPT,
			 "at byte 48: an entry of type 0 says it has 209 bytes and 208 are left");
	table.bytes[49] = 15;
	end(&table);
	check_srat_error(&table, ACPI_STRICT, ERROR_CORRUPT,
			 "at byte 48: the APIC entry has 15 bytes and needs 16");
	make_srat(&table, 1);
	table.len = 65;
	end(&table);
	check_srat_error(&table, ACPI_STRICT, ERROR_CORRUPT,
			 "at byte 64: the table ends inside an entry");
}

static void read_any(const uint8_t *data, size_t len)
{
	for (int i = 0; i < 2; i++) {
		enum acpi_strictness strictness = i ? ACPI_LENIENT : ACPI_STRICT;
		struct srat srat = { 0 };
		struct slit slit = { 0 };

		error_destroy(srat_parse(data, len, "x", strictness, &srat));
		srat_deinit(&srat);
		error_destroy(slit_parse(data, len, "x", strictness, &slit));
		if (slit.n)
			slit_is_valid(&slit);
		slit_deinit(&slit);
	}
}

static void damage(void **state)
{
	struct table table;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		if (i)
			make_slit(&table, 5);
		else
			make_srat(&table, 1);
		robust_truncate(read_any, table.bytes, table.len);
		robust_damage(read_any, table.bytes, table.len, i + 1, 20000);
	}
	/* A table that is cut off and says so is read up to an entry that is not. */
	make_srat(&table, 1);
	for (size_t len = table.len; len >= ACPI_HEADER_BYTES; len--) {
		table.len = len;
		end(&table);
		read_any(table.bytes, table.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type), cmocka_unit_test(distances),
		cmocka_unit_test(headers),    cmocka_unit_test(entries),
		cmocka_unit_test(damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
