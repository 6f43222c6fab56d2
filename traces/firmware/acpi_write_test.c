/* SPDX-License-Identifier: MIT */
/* What is written is what the readers read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "traces/firmware/acpi_write.h"
#include "traces/firmware/slit.h"
#include "traces/firmware/srat.h"

#define GIB (1ULL << 30)

/* Node 1 has the CPU and lies lower, so that the order of entries alone would number nodes otherwise. */
static int32_t cpus[] = { 1, 0, NID_NONE };
static struct affinity_memory memory[] = { { 0, GIB, 1, false, false },
					   { GIB, 3 * GIB, 0, true, false },
					   { 4 * GIB, 5 * GIB, 2, false, true } };
static uint8_t distance[] = { 10, 20, 30, 20, 10, 15, 30, 15, 10 };

static void srat_round(void **unused)
{
	struct boot_input in = {
		.affinity = memory, .affinity_count = 3, .cpu_nid = cpus, .cpu_nid_count = 3
	};
	struct acpi_bytes bytes;
	struct srat srat;
	uint32_t seen = 0;

	(void)unused;
	assert_null(srat_write(&in, &bytes));
	assert_null(srat_parse(bytes.data, bytes.size, "SRAT", ACPI_STRICT, &srat));
	/* Three processors that are not there, two that are, three ranges. */
	assert_int_equal(srat.nentries, 3 + 2 + 3);
	for (uint32_t i = 0; i < srat.nentries; i++) {
		assert_true(srat.entries[i].enabled);
		/* A kernel without x2APIC would not see the domains of others. */
		if (i < 3 + 2)
			assert_int_equal(srat.entries[i].type, SRAT_APIC);
		if (i < 3)
			assert_int_equal(srat.entries[i].id, 255);
		if (srat.entries[i].pxm == seen)
			seen++;
		assert_true(srat.entries[i].pxm < seen);
	}
	assert_int_equal(srat.entries[3].pxm, 1);
	assert_int_equal(srat.entries[3].id, 0);
	assert_int_equal(srat.entries[4].pxm, 0);
	assert_int_equal(srat.entries[4].id, 1);
	for (uint32_t i = 0; i < 3; i++) {
		const struct srat_entry *e = &srat.entries[5 + i];

		assert_int_equal(e->type, SRAT_MEMORY);
		assert_int_equal(e->pxm, memory[i].nid);
		assert_int_equal(e->base, memory[i].start);
		assert_int_equal(e->bytes, memory[i].end - memory[i].start);
		assert_int_equal(!!(e->flags & SRAT_MEMORY_HOTPLUG), memory[i].hotplug);
		assert_int_equal(!!(e->flags & SRAT_MEMORY_NONVOLATILE), memory[i].nonvolatile);
	}
	srat_deinit(&srat);
	free(bytes.data);
}

/* More processors than have an id of 8 bits, on nodes with numbers of more than 8 bits. */
static void srat_large(void **unused)
{
	static int32_t many[300];
	struct boot_input in = { .cpu_nid = many, .cpu_nid_count = 300 };
	struct acpi_bytes bytes;
	struct srat srat;

	(void)unused;
	for (int32_t i = 0; i < 300; i++)
		many[i] = i;
	assert_null(srat_write(&in, &bytes));
	assert_null(srat_parse(bytes.data, bytes.size, "SRAT", ACPI_STRICT, &srat));
	assert_int_equal(srat.nentries, 300);
	for (uint32_t i = 0; i < 300; i++) {
		assert_int_equal(srat.entries[i].pxm, i);
		assert_int_equal(srat.entries[i].id, i < 255 ? i : 255);
	}
	srat_deinit(&srat);
	free(bytes.data);
}

/* Where the order of the entries numbers the nodes right, nothing is added. */
static void srat_plain(void **unused)
{
	int32_t in_order[] = { 0, 1 };
	struct boot_input in = {
		.affinity = memory, .affinity_count = 3, .cpu_nid = in_order, .cpu_nid_count = 2
	};
	struct acpi_bytes bytes;
	struct srat srat;

	(void)unused;
	assert_null(srat_write(&in, &bytes));
	assert_null(srat_parse(bytes.data, bytes.size, "SRAT", ACPI_STRICT, &srat));
	assert_int_equal(srat.nentries, 2 + 3);
	srat_deinit(&srat);
	free(bytes.data);
}

static void slit_round(void **unused)
{
	struct boot_input in = { .distance = distance, .distance_count = 3 };
	struct acpi_bytes bytes;
	struct slit slit;

	(void)unused;
	assert_null(slit_write(&in, &bytes));
	assert_null(slit_parse(bytes.data, bytes.size, "SLIT", ACPI_STRICT, &slit));
	assert_int_equal(slit.n, 3);
	assert_memory_equal(slit.distances, distance, 9);
	slit_deinit(&slit);
	in.distance_count = SLIT_LOCALITIES_MAX + 1;
	free(bytes.data);
	{
		struct error *err = slit_write(&in, &bytes);

		assert_non_null(err);
		assert_int_equal(err->code, ERROR_LIMIT);
		error_destroy(err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(srat_round),
		cmocka_unit_test(srat_large),
		cmocka_unit_test(srat_plain),
		cmocka_unit_test(slit_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
