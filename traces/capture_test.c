/* SPDX-License-Identifier: MIT */
/*
 * Tests of captures: folders in which a file tells what the log does not, and folders with a file that is
 * damaged.
 */
#include "traces/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "traces/testing/check.h"

#define PATH_BYTES 512

static char dir[PATH_BYTES / 2];

static void path_of(const char *name, char path[PATH_BYTES])
{
	assert_true(snprintf(path, PATH_BYTES, "%s/%s", dir, name) < PATH_BYTES);
}

static void write_bytes(const char *name, const void *data, size_t size)
{
	char path[PATH_BYTES];
	FILE *out;

	path_of(name, path);
	out = fopen(path, "wb");
	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

static void write_text(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

static void write_hex(const char *name, const char *hex)
{
	uint8_t data[2048];
	size_t size = strlen(hex) / 2;

	assert_true(size <= sizeof(data));
	for (size_t i = 0; i < size; i++) {
		const char digits[] = { hex[2 * i], hex[2 * i + 1], 0 };

		data[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	write_bytes(name, data, size);
}

static void make_folder(const char *name)
{
	char path[PATH_BYTES];

	path_of(name, path);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void remove_all(const char *folder)
{
	static const char *const names[] = {
		"dmesg.txt",
		"serial.txt",
		"version.txt",
		"cmdline.txt",
		"kernel-config.txt",
		"SRAT.aml",
		"SLIT.aml",
		"fdt.dtb",
		"iomem.txt",
		"trace.txt.gz",
		"snap-boot/zoneinfo.txt",
		"snap-boot/meminfo.txt",
		"snap-boot/pagetypeinfo.txt",
		"snap-boot",
		"snap-1/zoneinfo.txt",
		"snap-1",
		"sysctl/min_free_kbytes",
		"sysctl",
		"numa/node0.cpulist",
		"numa/node0.distance",
		"numa/node1.cpulist",
		"numa/node1.distance",
		"numa",
	};
	char path[PATH_BYTES];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path_of(names[i], path);
		remove(path);
	}
	assert_int_equal(rmdir(folder), 0);
}

static int setup(void **state)
{
	const char *top = getenv("TEST_TMPDIR");

	(void)state;
	snprintf(dir, sizeof(dir), "%s/capture-XXXXXX", top ? top : "/tmp");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	remove_all(dir);
	return 0;
}

static const char x86_log[] =
	"[    0.000000] Linux version 6.1.0-50-amd64 (x@y) (gcc) #1 SMP\n"
	"[    0.000000] Command line: quiet\n"
	"[    0.000000] BIOS-provided physical RAM map:\n"
	"[    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable\n"
	"[    0.000000] BIOS-e820: [mem 0x0000000000100000-0x000000007fffffff] usable\n"
	"[    0.000000] Zone ranges:\n"
	"[    0.000000]   DMA      [mem 0x0000000000001000-0x0000000000ffffff]\n"
	"[    0.000000]   DMA32    [mem 0x0000000001000000-0x000000007fffffff]\n"
	"[    0.000000]   Normal   empty\n";

static const char arm_log[] =
	"[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x411fd070]\n"
	"[    0.000000] Linux version 6.1.0-50-arm64 (x@y) (gcc) #1 SMP\n"
	"[    0.000000] Zone ranges:\n"
	"[    0.000000]   DMA      [mem 0x0000000040000000-0x00000000bfffffff]\n"
	"[    0.000000]   DMA32    empty\n"
	"[    0.000000]   Normal   empty\n"
	"[    0.000000] Early memory node ranges\n"
	"[    0.000000]   node   0: [mem 0x0000000040000000-0x000000007fffffff]\n"
	"[    0.000000]   node   1: [mem 0x0000000080000000-0x00000000bfffffff]\n";

/* CPU 0 and the memory up to 2 GiB are of domain 0; CPU 1 and a GiB from 4 GiB on, hot-pluggable, of domain 1. */
static const char srat[] =
	"53524154a000000003574d4d52504c5946555a5a53454544010000004d4d52500100000001000000000000000000"
	"00000010000001000000000000000000000000100101010000000000000000000000012800000000000000000000"
	"00000000000000800000000000000000010000000000000000000000012801000000000000000000010000000000"
	"00400000000000000000030000000000000000000000";
/* 10 20, 20 10. */
static const char slit[] =
	"534c49543000000001c64d4d52504c5946555a5a53454544010000004d4d52500100000002000000000000000a14"
	"140a";
/* Two nodes of memory and their distance; one reservation with a place, one with a size and an alignment. */
static const char tree[] =
	"d00dfeed000002dd000000480000025c000000280000001100000010000000000000008100000214000000004800"
	"00000000000000010000000000000000000000000000000000000000000100000000000000030000000400000000"
	"0000000200000003000000040000000f00000002000000016d656d6f727940343030303030303000000000030000"
	"00070000001b6d656d6f727900000000000300000010000000270000000040000000000000004000000000000003"
	"000000040000002b0000000000000002000000016d656d6f72794038303030303030300000000003000000070000"
	"001b6d656d6f72790000000000030000001000000027000000008000000000000000400000000000000300000004"
	"0000002b00000001000000020000000172657365727665642d6d656d6f7279000000000300000004000000000000"
	"000200000003000000040000000f0000000200000003000000000000003800000001614034313030303030300000"
	"0000000300000010000000270000000041000000000000000010000000000003000000000000003f000000020000"
	"0001620000000000000300000010000000467368617265642d646d612d706f6f6c00000000030000000000000051"
	"00000003000000080000005a000000000100000000000003000000000000005f0000000200000002000000016469"
	"7374616e63652d6d6170000000000000000300000015000000466e756d612d64697374616e63652d6d61702d7631"
	"0000000000000003000000180000007100000000000000000000000a000000000000000100000014000000020000"
	"00020000000923616464726573732d63656c6c73002373697a652d63656c6c73006465766963655f747970650072"
	"6567006e756d612d6e6f64652d69640072616e676573006e6f2d6d617000636f6d70617469626c65007265757361"
	"626c650073697a65006c696e75782c636d612d64656661756c740064697374616e63652d6d617472697800";

/* ---- what a folder tells ----------------------------------------------------------------------- */

static void test_head_is_lost(void **state)
{
	struct boot_log log = { 0 };

	(void)state;
	write_text("dmesg.txt", strstr(x86_log, "[    0.000000] BIOS-prov"));
	write_text("version.txt", "Linux version 5.10.0-33-amd64 (x@y) (gcc) #1 SMP\n");
	write_text("cmdline.txt", "mem=1G quiet\n");
	check_ok(capture_read(dir, &log));
	assert_true(log.has_version);
	assert_int_equal(log.input.version >> 16, 5 << 8 | 10);
	assert_string_equal(log.input.command_line, "mem=1G quiet");
	boot_log_deinit(&log);
}

/* The console has the beginning, and what both have counts once. */
static void test_console_has_the_beginning(void **state)
{
	struct boot_log log = { 0 };

	(void)state;
	write_text("dmesg.txt",
		   strstr(x86_log, "[    0.000000] BIOS-e820: [mem 0x0000000000100000"));
	write_text("serial.txt", x86_log);
	check_ok(capture_read(dir, &log));
	assert_true(log.has_version);
	assert_string_equal(log.input.command_line, "quiet");
	assert_int_equal(log.input.firmware_count, 2);
	boot_log_deinit(&log);
}

/* A console of another boot, or one that begins as late, is left alone. */
static void test_console_does_not_help(void **state)
{
	static const char late[] = "[    0.000000] BIOS-e820: [mem 0x0000000000100000";
	const char *const consoles[] = { "[    0.000000] something else\n", strstr(x86_log, late) };

	(void)state;
	write_text("dmesg.txt", strstr(x86_log, late));
	for (size_t i = 0; i < sizeof(consoles) / sizeof(consoles[0]); i++) {
		struct boot_log log = { 0 };

		write_text("serial.txt", consoles[i]);
		check_ok(capture_read(dir, &log));
		assert_false(log.has_version);
		assert_int_equal(log.input.firmware_count, 1);
		boot_log_deinit(&log);
	}
}

static void test_config(void **state)
{
	struct boot_log log = { 0 };
	const struct arch_config *c = &log.input.config;

	(void)state;
	write_text("dmesg.txt", x86_log);
	write_text(
		"kernel-config.txt",
		"# CONFIG_NOTHING is not set\nCONFIG_NUMA=y\nCONFIG_NODES_SHIFT=6\nCONFIG_ZONE_DMA=y\n"
		"CONFIG_ZONE_DMA32=y\nCONFIG_ZONE_DEVICE=y\nCONFIG_CMA=y\nCONFIG_FLATMEM=y\n"
		"CONFIG_DEFERRED_STRUCT_PAGE_INIT=y\nCONFIG_TRANSPARENT_HUGEPAGE_MADVISE=y\n"
		"CONFIG_PREEMPT_VOLUNTARY=y\nCONFIG_PREEMPT_LAZY=y\n"
		"CONFIG_A_NAME_THAT_IS_LONGER_THAN_ANY_THAT_A_KERNEL_EVER_HAD_OR_WILL_HAVE=y\n");
	check_ok(capture_read(dir, &log));
	assert_int_equal(c->nodes_shift, 6);
	assert_true(c->numa && c->cma && c->thp && c->deferred_struct_page);
	assert_int_equal(c->section_shift, 0);
	assert_int_equal(c->preemption, PREEMPTION_VOLUNTARY);
	assert_true(c->zones_mask & 1u << ZONE_DMA && c->zones_mask & 1u << ZONE_DEVICE);
	assert_false(c->zones_mask & 1u << ZONE_HIGHMEM);
	boot_log_deinit(&log);
	/* What is not listed is off, and no kernel has room for more than 1024 nodes here. */
	write_text("kernel-config.txt", "CONFIG_NODES_SHIFT=12\nCONFIG_ARM64_64K_PAGES=y\n"
					"CONFIG_HIGHMEM=y\nCONFIG_X86_PAE=y\n"
					"CONFIG_PREEMPT=y\nCONFIG_PREEMPT_RT=y\n");
	check_ok(capture_read(dir, &log));
	assert_int_equal(c->nodes_shift, 10);
	assert_int_equal(c->page_shift, 16);
	assert_int_equal(c->preemption, PREEMPTION_RT);
	assert_true(c->pae && c->zones_mask & 1u << ZONE_HIGHMEM);
	assert_false(c->numa || c->cma || c->thp || c->zones_mask & 1u << ZONE_DMA32);
	boot_log_deinit(&log);
}

static void check_distances(const struct boot_log *log, uint32_t near_bytes, uint32_t far_bytes)
{
	assert_int_equal(log->input.distance_count, 2);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(log->input.distance[i], i % 3 ? far_bytes : near_bytes);
}

/* A log that names no node leaves memory and CPUs to the table, and distances to the default. */
static void test_affinity_table(void **state)
{
	struct boot_log log = { 0 };

	(void)state;
	write_text("dmesg.txt", x86_log);
	write_hex("SRAT.aml", srat);
	check_ok(capture_read(dir, &log));
	assert_true(log.input.numa_source);
	assert_int_equal(log.input.cpu_nid_count, 2);
	assert_int_equal(log.input.cpu_nid[1], 1);
	assert_int_equal(log.input.affinity_count, 2);
	assert_int_equal(log.input.affinity[1].nid, 1);
	assert_true(log.input.affinity[1].hotplug);
	assert_false(log.input.affinity[0].hotplug);
	assert_int_equal(log.input.affinity[0].end, 0x80000000);
	assert_int_equal(log.input.affinity[1].start, 0x100000000);
	check_distances(&log, 10, 20);
	boot_log_deinit(&log);
	write_hex("SLIT.aml", slit);
	check_ok(capture_read(dir, &log));
	check_distances(&log, 10, 20);
	boot_log_deinit(&log);
}

/* A table of distances alone counts for nodes by their numbers. */
static void test_distance_table(void **state)
{
	struct boot_log log = { 0 };

	(void)state;
	write_text("dmesg.txt", x86_log);
	write_hex("SLIT.aml", slit);
	check_ok(capture_read(dir, &log));
	check_distances(&log, 10, 20);
	boot_log_deinit(&log);
}

/* What a table says that the log names is not known, unless the kernel says that it does not use it. */
static void test_tables_listed(void **state)
{
	static const char listed[] =
		"[    0.000000] ACPI: RSDP 0x00000000000F05B0 000014 (v00 BOCHS )\n"
		"[    0.000000] ACPI: SLIT 0x000000003FFE1BB8 00003C (v01 BOCHS )\n";
	static const char *const more[] = {
		"", "[    0.000000] ACPI: SLIT table looks invalid. Not used.\n"
	};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct boot_log log = { 0 };
		char text[4096];

		snprintf(text, sizeof(text), "%s%s%s", x86_log, listed, more[i]);
		write_text("dmesg.txt", text);
		check_ok(capture_read(dir, &log));
		assert_true(log.input.tables_listed);
		assert_int_equal(log.input.distances_told, i == 0);
		boot_log_deinit(&log);
	}
}

static void test_device_tree(void **state)
{
	struct boot_log log = { 0 };
	const struct device_tree *t = &log.input.tree;

	(void)state;
	write_text("dmesg.txt", arm_log);
	write_hex("fdt.dtb", tree);
	check_ok(capture_read(dir, &log));
	assert_true(log.input.has_tree);
	assert_int_equal(t->memory_count, 2);
	assert_int_equal(t->memory[1].range.base, 0x80000000);
	assert_int_equal(t->memory[1].nid, 1);
	assert_int_equal(t->reserved_count, 2);
	assert_int_equal(t->reserved[0].range_count + t->reserved[1].range_count, 1);
	assert_int_equal(t->reserved[0].size + t->reserved[1].size, 0x1000000);
	assert_int_equal(t->distance_count, 2);
	boot_log_deinit(&log);
}

static void test_nodes_of_sysfs(void **state)
{
	struct boot_log log = { 0 };

	(void)state;
	write_text("dmesg.txt", x86_log);
	make_folder("numa");
	write_text("numa/node0.distance", "10 31\n");
	write_text("numa/node1.distance", "31 10\n");
	write_text("numa/node0.cpulist", "0-2\n");
	write_text("numa/node1.cpulist", "3\n");
	check_ok(capture_read(dir, &log));
	check_distances(&log, 10, 31);
	assert_int_equal(log.input.node_cpus_count, 2);
	assert_int_equal(log.input.node_cpus[0], 3);
	assert_int_equal(log.input.node_cpus[1], 1);
	boot_log_deinit(&log);
	write_text("numa/node1.distance", "31 nonsense\n");
	check_error(capture_read(dir, &log), ERROR_SYNTAX, 1, 4);
	boot_log_deinit(&log);
}

static void test_iomem(void **state)
{
	struct boot_log log = { 0 };
	unsigned int unmapped = 0;

	(void)state;
	write_text("dmesg.txt", arm_log);
	write_text("iomem.txt",
		   "40000000-7fffffff : System RAM\n  41000000-41ffffff : Kernel code\n"
		   "  42000000-423fffff : reserved\n  42400000-425fffff : Kernel data\n"
		   "80000000-bfffffff : reserved\n");
	check_ok(capture_read(dir, &log));
	assert_int_equal(log.input.kernel_start, 0x41000000);
	assert_int_equal(log.input.kernel_end, 0x42600000);
	for (uint32_t i = 0; i < log.input.given_range_count; i++)
		unmapped += (log.input.given_ranges[i].flags & MEMBLOCK_NOMAP) != 0;
	assert_int_equal(log.input.given_range_count, 2);
	assert_int_equal(unmapped, 1);
	boot_log_deinit(&log);
}

static unsigned int answers_of(const struct boot_log *log, enum answer_kind kind, uint64_t value)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < log->recorded.count; i++)
		count += log->recorded.items[i].kind == kind &&
			 log->recorded.items[i].v[0] == value;
	return count;
}

/* Pictures are answers; what was set after the boot is none. */
static void test_pictures(void **state)
{
	struct boot_log log = { 0 };

	(void)state;
	write_text("dmesg.txt", x86_log);
	make_folder("snap-boot");
	make_folder("sysctl");
	write_text("snap-boot/meminfo.txt", "MemTotal:        2012180 kB\nMemFree: 1 kB\n");
	write_text("snap-boot/zoneinfo.txt",
		   "Node 0, zone      DMA\n  pages free     3840\n        boost    8\n"
		   "        min      38\n        low      45\n        high     52\n"
		   "        spanned  4095\n        present  3998\n        managed  3840\n"
		   "        protection: (0, 1948, 1948, 1948)\n  pagesets\n    cpu: 0\n"
		   "              count: 0\n              high:  0\n              batch: 1\n"
		   "  vm stats threshold: 2\n");
	write_text("sysctl/min_free_kbytes", "45056\n");
	check_ok(capture_read(dir, &log));
	assert_int_equal(answers_of(&log, ANSWER_MEMTOTAL, 2012180), 1);
	assert_int_equal(answers_of(&log, ANSWER_MIN_FREE_KBYTES, 45056), 1);
	assert_int_equal(answers_of(&log, ANSWER_ZONEINFO, 4095), 1);
	/* The marks as they are without the boost. */
	assert_int_equal(answers_of(&log, ANSWER_ZONEINFO, 30), 1);
	assert_int_equal(answers_of(&log, ANSWER_ZONEINFO, 38), 0);
	boot_log_deinit(&log);
	make_folder("snap-1");
	write_text("snap-1/zoneinfo.txt", "Node 0, zone      DMA\n");
	check_ok(capture_read(dir, &log));
	assert_int_equal(answers_of(&log, ANSWER_MIN_FREE_KBYTES, 45056), 0);
	boot_log_deinit(&log);
}

/* ---- what is refused --------------------------------------------------------------------------- */

static void test_damaged_files(void **state)
{
	static const struct {
		const char *name, *text;
		enum error_code code;
	} rows[] = {
		{ "SRAT.aml", "SRAT", ERROR_CORRUPT },
		{ "SLIT.aml", "SLIT", ERROR_CORRUPT },
		{ "fdt.dtb", "no tree", ERROR_FORMAT },
		{ "iomem.txt", "00000000-nonsense\n", ERROR_FORMAT },
		{ "snap-boot/zoneinfo.txt", "nonsense\n", ERROR_FORMAT },
		{ "snap-boot/meminfo.txt", "nonsense\n", ERROR_FORMAT },
		{ "snap-boot/pagetypeinfo.txt", "nonsense\n", ERROR_FORMAT },
	};

	(void)state;
	write_text("dmesg.txt", x86_log);
	make_folder("snap-boot");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct boot_log log = { 0 };
		char path[PATH_BYTES];
		struct error *err;

		path_of(rows[i].name, path);
		write_text(rows[i].name, rows[i].text);
		err = capture_read(dir, &log);
		assert_non_null(err);
		/* It says which file. */
		assert_string_equal(err->file, path);
		if (err->code != rows[i].code)
			fail_msg("%s: code %d: %s", rows[i].name, err->code, err->message);
		error_destroy(err);
		boot_log_deinit(&log);
		remove(path);
	}
}

static void test_no_log(void **state)
{
	struct boot_log log = { 0 };

	(void)state;
	check_error(capture_read(dir, &log), ERROR_NOT_FOUND, 0, 0);
	boot_log_deinit(&log);
	write_text("dmesg.txt", "");
	check_error(capture_read(dir, &log), ERROR_FORMAT, 0, 0);
	boot_log_deinit(&log);
}

static void test_trace_path(void **state)
{
	char path[PATH_BYTES], *trace = NULL;

	(void)state;
	write_text("dmesg.txt", x86_log);
	check_ok(capture_trace_path(dir, &trace));
	assert_null(trace);
	write_text("trace.txt.gz", "");
	check_ok(capture_trace_path(dir, &trace));
	path_of("trace.txt.gz", path);
	assert_string_equal(trace, path);
	free(trace);
	/* A log is no trace. */
	path_of("dmesg.txt", path);
	check_ok(capture_trace_path(path, &trace));
	assert_null(trace);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static const struct CMUnitTest tests[] = {
		IN_FOLDER(test_head_is_lost),
		IN_FOLDER(test_console_has_the_beginning),
		IN_FOLDER(test_console_does_not_help),
		IN_FOLDER(test_config),
		IN_FOLDER(test_affinity_table),
		IN_FOLDER(test_distance_table),
		IN_FOLDER(test_tables_listed),
		IN_FOLDER(test_device_tree),
		IN_FOLDER(test_nodes_of_sysfs),
		IN_FOLDER(test_iomem),
		IN_FOLDER(test_pictures),
		IN_FOLDER(test_damaged_files),
		IN_FOLDER(test_no_log),
		IN_FOLDER(test_trace_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
