/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "traces/firmware/fdt.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"

#define TREE_BYTES 8192

static uint8_t tree[TREE_BYTES];

/* Every step of making a tree must succeed. */
#define OK(step) assert_int_equal(step, 0)

static void begin(void)
{
	OK(fdt_create(tree, sizeof(tree)));
}

static void cells(uint32_t address, uint32_t size)
{
	OK(fdt_property_u32(tree, "#address-cells", address));
	OK(fdt_property_u32(tree, "#size-cells", size));
}

/* A property of 32-bit cells. */
static void property(const char *name, const uint32_t *values, size_t n)
{
	uint8_t bytes[256];

	for (size_t i = 0; i < n; i++)
		for (int j = 0; j < 4; j++)
			bytes[4 * i + (size_t)j] = (uint8_t)(values[i] >> (24 - 8 * j));
	OK(fdt_property(tree, name, bytes, (int)(4 * n)));
}

#define PROPERTY(name, ...)                               \
	property(name, (const uint32_t[]){ __VA_ARGS__ }, \
		 sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

static size_t finish(void)
{
	OK(fdt_finish(tree));
	return fdt_totalsize(tree);
}

/* A board with two nodes, in the order a firmware might have. */
static size_t make_board(void)
{
	begin();
	OK(fdt_add_reservemap_entry(tree, 0x48000000, 0x10000));
	OK(fdt_add_reservemap_entry(tree, 0x123456789a, 1));
	OK(fdt_finish_reservemap(tree));
	OK(fdt_begin_node(tree, ""));
	cells(2, 2);
	OK(fdt_property_string(tree, "model", "A Board"));
	OK(fdt_property(tree, "compatible", "maker,board\0maker,family", 24));

	OK(fdt_begin_node(tree, "memory@140000000"));
	OK(fdt_property_string(tree, "device_type", "memory"));
	PROPERTY("reg", 1, 0x40000000, 0, 0x80000000);
	OK(fdt_property_u32(tree, "numa-node-id", 1));
	OK(fdt_property(tree, "hotpluggable", NULL, 0));
	OK(fdt_end_node(tree));

	OK(fdt_begin_node(tree, "cpus"));
	cells(1, 0);
	OK(fdt_begin_node(tree, "cpu-map"));
	OK(fdt_end_node(tree));
	OK(fdt_begin_node(tree, "cpu@100"));
	OK(fdt_property_string(tree, "device_type", "cpu"));
	PROPERTY("reg", 0x100);
	OK(fdt_property_u32(tree, "numa-node-id", 1));
	OK(fdt_end_node(tree));
	OK(fdt_begin_node(tree, "cpu@0"));
	OK(fdt_property_string(tree, "device_type", "cpu"));
	PROPERTY("reg", 0);
	OK(fdt_property_string(tree, "status", "disabled"));
	OK(fdt_end_node(tree));
	OK(fdt_end_node(tree));

	OK(fdt_begin_node(tree, "memory@40000000"));
	OK(fdt_property_string(tree, "device_type", "memory"));
	PROPERTY("reg", 0, 0x40000000, 0, 0x40000000, 1, 0, 0, 0);
	PROPERTY("linux,usable-memory", 0, 0x40000000, 0, 0x20000000);
	OK(fdt_property_u32(tree, "numa-node-id", 0));
	OK(fdt_property_string(tree, "status", "okay"));
	OK(fdt_end_node(tree));

	OK(fdt_begin_node(tree, "reserved-memory"));
	cells(2, 2);
	OK(fdt_property(tree, "ranges", NULL, 0));
	OK(fdt_begin_node(tree, "firmware@50000000"));
	PROPERTY("reg", 0, 0x50000000, 0, 0x100000, 0, 0x51000000, 0, 0x1000);
	OK(fdt_property(tree, "no-map", NULL, 0));
	OK(fdt_end_node(tree));
	OK(fdt_begin_node(tree, "linux,cma"));
	OK(fdt_property_string(tree, "compatible", "shared-dma-pool"));
	PROPERTY("size", 0, 0x4000000);
	PROPERTY("alignment", 0, 0x400000);
	PROPERTY("alloc-ranges", 0, 0x40000000, 0, 0x40000000);
	OK(fdt_property(tree, "reusable", NULL, 0));
	OK(fdt_property(tree, "linux,cma-default", NULL, 0));
	OK(fdt_begin_node(tree, "inside"));
	OK(fdt_end_node(tree));
	OK(fdt_end_node(tree));
	OK(fdt_begin_node(tree, "off@0"));
	OK(fdt_property_string(tree, "status", "disabled"));
	OK(fdt_end_node(tree));
	OK(fdt_end_node(tree));

	OK(fdt_begin_node(tree, "distance-map"));
	OK(fdt_property_string(tree, "compatible", "numa-distance-map-v1"));
	PROPERTY("distance-matrix", 0, 0, 10, 0, 1, 20, 1, 1, 10);
	OK(fdt_end_node(tree));

	OK(fdt_begin_node(tree, "chosen"));
	OK(fdt_property_string(tree, "bootargs", "quiet cma=64M"));
	PROPERTY("linux,initrd-start", 0x48000000);
	PROPERTY("linux,initrd-end", 1, 0x48400000);
	PROPERTY("linux,elfcorehdr", 0, 0x60000000, 0, 0x1000);
	PROPERTY("linux,usable-memory-range", 0, 0x60000000, 0, 0x8000000, 0, 0x70000000, 0,
		 0x1000000);
	OK(fdt_end_node(tree));
	OK(fdt_end_node(tree));
	return finish();
}

static void board(void **state)
{
	size_t len = make_board();
	struct fdt fdt;

	(void)state;
	check_ok(fdt_parse(tree, len, "x", &fdt));
	assert_int_equal(fdt.total_bytes, len);
	assert_int_equal(fdt.version, 17);
	assert_int_equal(fdt.malformed, 0);
	assert_null(fdt.first_malformed);
	assert_int_equal(fdt.address_cells, 2);
	assert_string_equal(fdt.model, "A Board");
	assert_string_equal(fdt.compatible, "maker,board");

	assert_int_equal(fdt.nmemory, 2);
	assert_string_equal(fdt.memory[0].path, "/memory@140000000");
	assert_int_equal(fdt.memory[0].nid, 1);
	assert_true(fdt.memory[0].hotpluggable);
	assert_true(fdt.memory[0].enabled);
	assert_int_equal(fdt.memory[0].depth, 1);
	assert_int_equal(fdt.memory[0].reg.n, 1);
	assert_true(fdt.memory[0].reg.ranges[0].base == 0x140000000);
	assert_true(fdt.memory[0].reg.ranges[0].bytes == 0x80000000);
	assert_false(fdt.memory[0].usable.present);
	assert_int_equal(fdt.memory[1].nid, 0);
	assert_false(fdt.memory[1].hotpluggable);
	assert_int_equal(fdt.memory[1].reg.n, 2);
	assert_true(fdt.memory[1].reg.ranges[1].base == 0x100000000);
	assert_int_equal(fdt.memory[1].reg.ranges[1].bytes, 0);
	assert_true(fdt.memory[1].usable.present);
	assert_int_equal(fdt.memory[1].usable.ranges[0].bytes, 0x20000000);

	assert_int_equal(fdt.nmemreserve, 2);
	assert_int_equal(fdt.memreserve[0].base, 0x48000000);
	assert_true(fdt.memreserve[1].base == 0x123456789a);
	assert_int_equal(fdt.memreserve[1].bytes, 1);

	assert_int_equal(fdt.ncpus, 2);
	assert_string_equal(fdt.cpus[0].path, "/cpus/cpu@100");
	assert_int_equal(fdt.cpus[0].reg, 0x100);
	assert_int_equal(fdt.cpus[0].nid, 1);
	assert_int_equal(fdt.cpus[1].nid, NID_NONE);
	assert_false(fdt.cpus[1].enabled);

	assert_true(fdt.reserved_format_ok);
	assert_int_equal(fdt.nreserved, 3);
	assert_string_equal(fdt.reserved[0].name, "firmware@50000000");
	assert_int_equal(fdt.reserved[0].reg.n, 2);
	assert_int_equal(fdt.reserved[0].reg.ranges[1].base, 0x51000000);
	assert_true(fdt.reserved[0].no_map);
	assert_false(fdt.reserved[0].reusable);
	assert_string_equal(fdt.reserved[0].compatible, "");
	assert_string_equal(fdt.reserved[1].name, "linux,cma");
	assert_string_equal(fdt.reserved[1].compatible, "shared-dma-pool");
	assert_false(fdt.reserved[1].reg.present);
	assert_true(fdt.reserved[1].has_size);
	assert_int_equal(fdt.reserved[1].bytes, 0x4000000);
	assert_true(fdt.reserved[1].has_alignment);
	assert_int_equal(fdt.reserved[1].alignment_bytes, 0x400000);
	assert_int_equal(fdt.reserved[1].alloc_ranges.ranges[0].bytes, 0x40000000);
	assert_true(fdt.reserved[1].reusable);
	assert_true(fdt.reserved[1].cma_default);
	assert_false(fdt.reserved[1].dma_default);
	assert_true(fdt.reserved[1].enabled);
	assert_false(fdt.reserved[2].enabled);

	assert_int_equal(fdt.ndistances, 3);
	assert_int_equal(fdt.distances[1].from, 0);
	assert_int_equal(fdt.distances[1].to, 1);
	assert_int_equal(fdt.distances[1].distance, 20);

	assert_int_equal(fdt.has, FDT_INITRD_START | FDT_INITRD_END | FDT_ELFCOREHDR |
					  FDT_BOOTARGS | FDT_MODEL | FDT_COMPATIBLE |
					  FDT_RESERVED_MEMORY | FDT_DISTANCE_MAP);
	assert_string_equal(fdt.bootargs, "quiet cma=64M");
	assert_int_equal(fdt.initrd_start, 0x48000000);
	assert_true(fdt.initrd_end == 0x148400000);
	assert_int_equal(fdt.elfcorehdr.base, 0x60000000);
	assert_int_equal(fdt.usable_memory_range.n, 2);
	assert_false(fdt.uefi);
	fdt_deinit(&fdt);
	assert_null(fdt.memory);
}

/* Nothing but a root; cells of 1; and /reserved-memory whose cells are not the root's. */
static void small_trees(void **state)
{
	struct fdt fdt;

	(void)state;
	begin();
	OK(fdt_finish_reservemap(tree));
	OK(fdt_begin_node(tree, ""));
	OK(fdt_end_node(tree));
	check_ok(fdt_parse(tree, finish(), "x", &fdt));
	assert_int_equal(fdt.has, 0);
	assert_int_equal(fdt.address_cells, 1);
	assert_int_equal(fdt.nmemory, 0);
	assert_string_equal(fdt.model, "");
	fdt_deinit(&fdt);

	begin();
	OK(fdt_finish_reservemap(tree));
	OK(fdt_begin_node(tree, ""));
	cells(1, 1);
	OK(fdt_begin_node(tree, "memory"));
	OK(fdt_property_string(tree, "device_type", "memory"));
	PROPERTY("reg", 0x80000000, 0x10000000, 0xfffff000, 0x2000);
	OK(fdt_end_node(tree));
	OK(fdt_begin_node(tree, "reserved-memory"));
	cells(2, 1);
	OK(fdt_property(tree, "ranges", NULL, 0));
	OK(fdt_end_node(tree));
	OK(fdt_begin_node(tree, "chosen@0"));
	PROPERTY("linux,uefi-system-table", 0, 0);
	OK(fdt_end_node(tree));
	OK(fdt_begin_node(tree, "chosen"));
	OK(fdt_property_string(tree, "bootargs", "not the first"));
	OK(fdt_end_node(tree));
	OK(fdt_end_node(tree));
	check_ok(fdt_parse(tree, finish(), "x", &fdt));
	assert_int_equal(fdt.memory[0].reg.n, 2);
	assert_true(fdt.memory[0].reg.ranges[0].base == 0x80000000);
	assert_int_equal(fdt.memory[0].reg.ranges[1].bytes, 0x2000);
	assert_false(fdt.reserved_format_ok);
	assert_true(fdt.uefi);
	assert_string_equal(fdt.bootargs, "");
	fdt_deinit(&fdt);
}

/* A bus inside a bus: the smallest reach counts, as addresses of the CPU. */
static void dma_ranges(void **state)
{
	struct fdt fdt = { 0 };

	(void)state;
	begin();
	OK(fdt_finish_reservemap(tree));
	OK(fdt_begin_node(tree, ""));
	cells(2, 1);
	OK(fdt_begin_node(tree, "soc"));
	cells(1, 1);
	/* Bus address, CPU address, size. */
	PROPERTY("dma-ranges", 0xc0000000, 0, 0, 0x40000000);
	OK(fdt_begin_node(tree, "same"));
	cells(1, 1);
	OK(fdt_property(tree, "dma-ranges", NULL, 0));
	OK(fdt_end_node(tree));
	OK(fdt_begin_node(tree, "inner"));
	cells(1, 1);
	PROPERTY("dma-ranges", 0, 0xc0000000, 0x10000000, 0x20000000, 0xd0000000, 0x8000000);
	OK(fdt_end_node(tree));
	OK(fdt_begin_node(tree, "off"));
	cells(1, 1);
	OK(fdt_property_string(tree, "status", "disabled"));
	PROPERTY("dma-ranges", 0, 0xc0000000, 0x1000);
	OK(fdt_end_node(tree));
	OK(fdt_end_node(tree));
	OK(fdt_begin_node(tree, "pcie"));
	cells(3, 2);
	PROPERTY("dma-ranges", 0x02000000, 0, 0, 0, 0, 0, 0xc0000000);
	OK(fdt_end_node(tree));
	OK(fdt_end_node(tree));
	assert_null(fdt_parse(tree, finish(), "t", &fdt));
	assert_int_equal(fdt.dma_limit, 0x18000000);
	fdt_deinit(&fdt);
}

/* Buses whose addresses have no cells once made the reader go round for ever. */
static void dma_ranges_of_nothing(void **state)
{
	struct fdt fdt = { 0 };

	(void)state;
	begin();
	OK(fdt_finish_reservemap(tree));
	OK(fdt_begin_node(tree, ""));
	cells(2, 1);
	OK(fdt_begin_node(tree, "outer"));
	cells(0, 0);
	OK(fdt_begin_node(tree, "inner"));
	cells(0, 0);
	PROPERTY("dma-ranges", 0x1000);
	OK(fdt_end_node(tree));
	OK(fdt_end_node(tree));
	OK(fdt_end_node(tree));
	assert_null(fdt_parse(tree, finish(), "t", &fdt));
	assert_int_equal(fdt.dma_limit, 0);
	fdt_deinit(&fdt);
}

/* Properties of a wrong length are left out and counted; the rest is read. */
static void malformed(void **state)
{
	struct fdt fdt;

	(void)state;
	begin();
	OK(fdt_finish_reservemap(tree));
	OK(fdt_begin_node(tree, ""));
	cells(2, 1);
	OK(fdt_property(tree, "model", "no end", 6));
	OK(fdt_begin_node(tree, "memory@0"));
	OK(fdt_property_string(tree, "device_type", "memory"));
	PROPERTY("reg", 0, 0x80000000, 0x10000000, 0);
	OK(fdt_property(tree, "numa-node-id", "x", 1));
	OK(fdt_end_node(tree));
	OK(fdt_begin_node(tree, "memory@1"));
	OK(fdt_property_string(tree, "device_type", "memory"));
	OK(fdt_property(tree, "reg", NULL, 0));
	OK(fdt_end_node(tree));
	OK(fdt_begin_node(tree, "reserved-memory"));
	OK(fdt_begin_node(tree, "pool"));
	PROPERTY("size", 0, 5);
	PROPERTY("alignment", 5);
	OK(fdt_end_node(tree));
	OK(fdt_end_node(tree));
	OK(fdt_begin_node(tree, "distances"));
	OK(fdt_property_string(tree, "compatible", "numa-distance-map-v1"));
	PROPERTY("distance-matrix", 0, 0, 10, 0);
	OK(fdt_end_node(tree));
	OK(fdt_begin_node(tree, "chosen"));
	PROPERTY("linux,initrd-start", 1, 2, 3);
	OK(fdt_end_node(tree));
	OK(fdt_end_node(tree));
	check_ok(fdt_parse(tree, finish(), "x", &fdt));
	assert_string_equal(fdt.model, "no end");
	assert_int_equal(fdt.malformed, 6);
	assert_string_equal(fdt.first_malformed, "numa-node-id of /memory@0 has a wrong length");
	assert_int_equal(fdt.nmemory, 2);
	assert_int_equal(fdt.memory[0].nid, NID_NONE);
	assert_false(fdt.memory[0].reg.present);
	assert_true(fdt.memory[1].reg.present);
	assert_int_equal(fdt.memory[1].reg.n, 0);
	assert_false(fdt.reserved[0].has_size);
	assert_false(fdt.reserved[0].has_alignment);
	assert_int_equal(fdt.ndistances, 0);
	assert_false(fdt.has & FDT_INITRD_START);
	fdt_deinit(&fdt);
}

static void put_be32(size_t at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		tree[at + (size_t)i] = (uint8_t)(value >> (24 - 8 * i));
}

static void errors(void **state)
{
	struct fdt fdt = { .nmemory = 77 };
	size_t len = make_board();

	(void)state;
	check_error(fdt_parse(tree, 39, "x", &fdt), ERROR_FORMAT, 0, 0);
	check_error(fdt_parse(tree, len - 1, "x", &fdt), ERROR_CORRUPT, 0, 0);
	tree[0] = 0;
	check_error(fdt_parse(tree, len, "x", &fdt), ERROR_FORMAT, 0, 0);
	make_board();
	put_be32(4, 39);
	check_error(fdt_parse(tree, len, "x", &fdt), ERROR_CORRUPT, 0, 0);
	/* Structure, strings and reservations that lie outside. */
	for (size_t field = 8; field <= 16; field += 4) {
		make_board();
		put_be32(field, (uint32_t)len - 4);
		check_error(fdt_parse(tree, len, "x", &fdt), ERROR_CORRUPT, 0, 0);
		put_be32(field, 0xfffffff0);
		check_error(fdt_parse(tree, len, "x", &fdt), ERROR_CORRUPT, 0, 0);
	}
	make_board();
	put_be32(20, 99); /* version it can be read as */
	put_be32(24, 99);
	check_error(fdt_parse(tree, len, "x", &fdt), ERROR_CORRUPT, 0, 0);
	/* Of this version names would be paths, and the root's has none. */
	make_board();
	put_be32(20, 15);
	put_be32(24, 15);
	check_error(fdt_parse(tree, len, "x", &fdt), ERROR_UNSUPPORTED, 0, 0);

	for (uint32_t i = 0; i < 2; i++) {
		begin();
		OK(fdt_finish_reservemap(tree));
		OK(fdt_begin_node(tree, ""));
		cells(i ? 3 : 2, i ? 2 : 0);
		OK(fdt_end_node(tree));
		check_error(fdt_parse(tree, finish(), "x", &fdt), ERROR_UNSUPPORTED, 0, 0);
	}

	begin();
	OK(fdt_finish_reservemap(tree));
	OK(fdt_begin_node(tree, ""));
	for (int i = 0; i < 70; i++)
		OK(fdt_begin_node(tree, "deep"));
	for (int i = 0; i < 71; i++)
		OK(fdt_end_node(tree));
	check_error(fdt_parse(tree, finish(), "x", &fdt), ERROR_LIMIT, 0, 0);
	assert_int_equal(fdt.nmemory, 77);
}

static void read_any(const uint8_t *data, size_t len)
{
	struct fdt fdt;
	struct error *err = fdt_parse(data, len, "x", &fdt);
	uint64_t sum = 0;

	error_destroy(err);
	if (err)
		return;
	for (uint32_t i = 0; i < fdt.nmemory; i++)
		for (uint32_t j = 0; j < fdt.memory[i].reg.n; j++)
			sum += fdt.memory[i].reg.ranges[j].bytes + strlen(fdt.memory[i].path);
	for (uint32_t i = 0; i < fdt.nreserved; i++)
		sum += strlen(fdt.reserved[i].name) + strlen(fdt.reserved[i].compatible);
	for (uint32_t i = 0; i < fdt.ncpus; i++)
		sum += fdt.cpus[i].reg + strlen(fdt.cpus[i].path);
	sum += strlen(fdt.bootargs) + strlen(fdt.model);
	(void)sum;
	fdt_deinit(&fdt);
}

/* Cut off, cut off with lengths that agree, and changed anywhere. */
static void damage(void **state)
{
	size_t len = make_board();
	uint32_t structure = fdt_size_dt_struct(tree);

	(void)state;
	robust_truncate(read_any, tree, len);
	robust_damage(read_any, tree, len, 1, 20000);
	for (size_t i = 40; i < len; i++) {
		put_be32(4, (uint32_t)i);
		read_any(tree, i);
	}
	make_board();
	for (uint32_t i = 0; i < structure; i++) {
		put_be32(36, i);
		read_any(tree, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(board),
		cmocka_unit_test(small_trees),
		cmocka_unit_test(malformed),
		cmocka_unit_test(errors),
		cmocka_unit_test(damage),
		cmocka_unit_test(dma_ranges),
		cmocka_unit_test(dma_ranges_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
