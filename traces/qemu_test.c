/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "traces/qemu.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static struct error *make(const struct e820_entry *map, uint32_t count, const char *command_line,
			  struct qemu_machine *ret)
{
	struct boot_input in = { .firmware = (struct e820_entry *)map,
				 .firmware_count = count,
				 .command_line = command_line,
				 .online_cpus = 3 };

	arch_config_default(ARCH_X86_64, false, &in.config);
	memset(ret, 0, sizeof(*ret));
	return qemu_machine_make(&in, ret);
}

/*
 *	0   9fc00   1M            257M       4G     5G
 *	|####|      |##############|rsv|      |#####|
 */
static void map_to_command_line(void **unused)
{
	static const struct e820_entry map[] = { { 0, 0x9fc00, E820_RAM },
						 { MIB, 257 * MIB, E820_RAM },
						 { 257 * MIB, 258 * MIB, E820_RESERVED },
						 { 258 * MIB, 259 * MIB, E820_ACPI },
						 { 4 * GIB, 5 * GIB, E820_RAM } };
	struct qemu_machine q;

	(void)unused;
	assert_null(make(map, 5, "numa=fake=2", &q));
	assert_string_equal(
		q.command_line,
		"console=ttyS0 earlyprintk=serial,ttyS0,115200 nokaslr ignore_loglevel panic=-1 "
		"mminit_loglevel=4 memmap=exactmap "
		"memmap=0x9fc00@0x0 memmap=0x10000000@0x100000 "
		"memmap=0x100000$0x10100000 memmap=0x100000#0x10200000 "
		"memmap=0x40000000@0x100000000 numa=fake=2");
	/* 3 GiB low, and the first GiB above 4. */
	assert_int_equal(q.ram_bytes, 4 * GIB);
	assert_int_equal(q.cpus, 3);
	assert_false(q.has_srat);
	qemu_machine_deinit(&q);
	/* Without memory above, all is low, up to the last MiB that is touched. */
	assert_null(make(map, 2, "", &q));
	assert_int_equal(q.ram_bytes, 257 * MIB);
	qemu_machine_deinit(&q);
}

/* A kernel refuses a map of one entry: it is told as two pieces.  What is empty is no entry. */
static void one_entry(void **unused)
{
	static const struct e820_entry map[] = { { 0, 256 * MIB, E820_RAM },
						 { GIB, GIB, E820_RAM } };
	struct qemu_machine q;

	(void)unused;
	for (uint32_t count = 1; count <= 2; count++) {
		assert_null(make(map, count, "", &q));
		assert_string_equal(strstr(q.command_line, " memmap="),
				    " memmap=exactmap memmap=0x8000000@0x0 "
				    "memmap=0x8000000@0x8000000");
		qemu_machine_deinit(&q);
	}
}

static bool has_room(const struct e820_entry *map, uint32_t count)
{
	struct boot_input in = { .firmware = (struct e820_entry *)map, .firmware_count = count };

	return qemu_has_room(&in);
}

static void room(void **unused)
{
	static const struct e820_entry pieces[] = { { 70 * MIB, GIB, E820_RAM },
						    { 0, 17 * MIB, E820_RAM },
						    { 17 * MIB, 70 * MIB, E820_RAM } };
	static const struct e820_entry taken[] = { { 0, GIB, E820_RAM },
						   { 60 * MIB, 61 * MIB, E820_RESERVED } };

	(void)unused;
	assert_true(has_room(pieces, 3));
	assert_false(has_room(pieces, 2));
	assert_true(has_room(taken, 1));
	assert_false(has_room(taken, 2));
	assert_false(has_room(NULL, 0));
}

/*
 *	       16M       80M
 *	|#|     |         |
 *	|###############| |
 *	|#|     |##|rsv|##|
 */
static void room_is_made(void **unused)
{
	static const struct {
		struct e820_entry map[2];
		uint32_t count, gap_count;
		struct e820_entry gaps[2];
	} cases[] = {
		{ { { 0 } }, 0, 1, { { 16 * MIB, 80 * MIB, E820_RAM } } },
		{ { { 0, 8192, E820_RAM } }, 1, 1, { { 16 * MIB, 80 * MIB, E820_RAM } } },
		{ { { GIB, 2 * GIB, E820_RAM } }, 1, 1, { { 16 * MIB, 80 * MIB, E820_RAM } } },
		{ { { 0, 32 * MIB, E820_RAM } }, 1, 1, { { 32 * MIB, 80 * MIB, E820_RAM } } },
		{ { { 40 * MIB, 41 * MIB, E820_RESERVED }, { 0, 8192, E820_RAM } },
		  2,
		  2,
		  { { 16 * MIB, 40 * MIB, E820_RAM }, { 41 * MIB, 80 * MIB, E820_RAM } } },
		{ { { 0, GIB, E820_RAM } }, 1, 0, { { 0 } } },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct boot_input in = { .firmware = (struct e820_entry *)cases[i].map,
					 .firmware_count = cases[i].count };
		struct e820_entry *map, *gaps;
		uint32_t count, gap_count;

		assert_null(qemu_make_room(&in, &map, &count, &gaps, &gap_count));
		assert_int_equal(gap_count, cases[i].gap_count);
		assert_int_equal(count, cases[i].count + gap_count);
		for (uint32_t j = 0; j < gap_count; j++) {
			assert_int_equal(gaps[j].start, cases[i].gaps[j].start);
			assert_int_equal(gaps[j].end, cases[i].gaps[j].end);
			assert_int_equal(gaps[j].type, E820_RAM);
		}
		for (uint32_t j = 1; j < count; j++)
			assert_true(map[j - 1].start < map[j].start);
		in.firmware = map;
		in.firmware_count = count;
		/* What is no RAM stays what it is. */
		assert_int_equal(qemu_has_room(&in), cases[i].map[0].type != E820_RESERVED);
		free(map);
		free(gaps);
	}
}

static void cannot_be_had(void **unused)
{
	static const struct {
		struct e820_entry map[2];
		const char *why;
	} cases[] = {
		{ { { 0, 80 * MIB - 1, E820_RAM } }, "from 16 to 80 MiB" },
		{ { { 0, 3 * GIB + 8192, E820_RAM }, { 4 * GIB, 5 * GIB, E820_RAM } },
		  "0xc0000000" },
		{ { { 0, GIB, E820_RAM }, { GIB << 10, GIB << 11, E820_RAM } }, "beyond" },
	};
	static struct e820_entry many[257];
	struct boot_input arm = { 0 };
	struct qemu_machine q;
	struct error *err;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		err = make(cases[i].map, 2, "", &q);
		assert_non_null(err);
		assert_int_equal(err->code, ERROR_UNSUPPORTED);
		assert_non_null(strstr(err->message, cases[i].why));
		error_destroy(err);
		qemu_machine_deinit(&q);
	}
	for (uint64_t i = 0; i < 256; i++)
		many[i] = (struct e820_entry){ (2 * i + 80) * MIB, (2 * i + 81) * MIB, E820_RAM };
	many[256] = (struct e820_entry){ 0, 80 * MIB, E820_RAM };
	err = make(many, 257, "", &q);
	assert_non_null(err);
	assert_non_null(strstr(err->message, "command line"));
	error_destroy(err);
	qemu_machine_deinit(&q);
	arch_config_default(ARCH_ARM64, false, &arm.config);
	err = qemu_machine_make(&arm, &q);
	assert_non_null(err);
	assert_non_null(strstr(err->message, "arm64"));
	error_destroy(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_to_command_line),
		cmocka_unit_test(one_entry),
		cmocka_unit_test(room),
		cmocka_unit_test(room_is_made),
		cmocka_unit_test(cannot_be_had),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
