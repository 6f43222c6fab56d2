/* SPDX-License-Identifier: MIT */
/*
 * The words of answers: what a kernel printed, once read and printed again, is what it printed.
 *
 *	log line  --parser-->  answer  --answer_text-->  line
 *
 * The lines of a whole boot must be found in its log in the same order, and every line that became an
 * answer must be among them.  Callers, flags and nodes at the end of reserve lines and blanks at the end
 * of lines are left aside, as answer_text.h says.
 */
#include "traces/testing/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hash_table.h"
#include "traces/answer_text.h"
#include "traces/capture.h"
#include "traces/dmesg/text.h"
#include "traces/testing/captures.h"

/* ---- single answers ---------------------------------------------------------------------------- */

static struct boot_input input_of(const char *version, enum arch arch)
{
	struct boot_input in = { 0 };

	assert_true(facts_parse_version(version, &in.version));
	facts_init(&in.facts, in.version);
	arch_config_default(arch, false, &in.config);
	in.sections = (struct boot_sections){ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
					      UINT64_MAX };
	return in;
}

static void check_value(const char *version, enum arch arch, struct answer a, const char *expected)
{
	struct boot_input in = input_of(version, arch);
	struct answers none = { 0 };
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	struct answer_text t;

	answer_text_init(&t, &in, &none);
	t.memory_bytes = 3062ULL << 20;
	answer_text_value(&t, &none, &a, &sink);
	assert_string_equal(sink_text_string(&text), expected);
	sink_text_deinit(&text);
}

/* Each line as some real log has it. */
static void words_of_each_era(void **state)
{
	const struct answer zone = {
		.kind = ANSWER_ZONE_RANGE, .type = ZONE_DMA, .nid = -1, .v = { 0x1000, 0x1000000 }
	};
	const struct answer range = { .kind = ANSWER_NODE_RANGE,
				      .nid = 0,
				      .v = { 0x1000, 0x9f000 } };
	const struct answer last = { .kind = ANSWER_LAST_PFN, .v = { 0x7ffdc, 0x400000000 } };
	const struct answer built = { .kind = ANSWER_BUILT, .v = { 1, 1, 515808, 1 } };
	const struct answer crash = { .kind = ANSWER_CRASHKERNEL,
				      .v = { 720ULL << 20, 848ULL << 20 } };
	const struct answer cma = { .kind = ANSWER_CMA_RESERVED,
				    .nid = -1,
				    .v = { 64, 0xb9a00000 } };
	const struct answer data = { .kind = ANSWER_NODE_DATA,
				     .nid = 1,
				     .v = { 0x7ec1f000, 0x7ec4a000, 4 } };

	(void)state;
	check_value("2.6.32", ARCH_X86_64, zone, "  DMA      0x00000001 -> 0x00001000");
	check_value("3.10", ARCH_X86_64, zone, "  DMA      [mem 0x00001000-0x00ffffff]");
	check_value("6.1", ARCH_X86_64, zone,
		    "  DMA      [mem 0x0000000000001000-0x0000000000ffffff]");
	check_value("2.6.32", ARCH_X86_64, range, "    0: 0x00000001 -> 0x0000009f");
	check_value("3.10", ARCH_X86_64, range, "  node   0: [mem 0x00001000-0x0009efff]");
	check_value("5.10", ARCH_X86_64, range,
		    "  node   0: [mem 0x0000000000001000-0x000000000009efff]");
	check_value("2.6.32", ARCH_X86_64, last, "last_pfn = 0x7ffdc max_arch_pfn = 0x400000000");
	check_value("4.4", ARCH_X86_64, last,
		    "e820: last_pfn = 0x7ffdc max_arch_pfn = 0x400000000");
	check_value("5.10", ARCH_X86_64, last, "last_pfn = 0x7ffdc max_arch_pfn = 0x400000000");
	check_value("4.4", ARCH_X86_64, built,
		    "Built 1 zonelists in Node order, mobility grouping on.  Total pages: 515808");
	check_value("4.14", ARCH_X86_64, built,
		    "Built 1 zonelists, mobility grouping on.  Total pages: 515808");
	check_value("5.10", ARCH_X86_64, crash,
		    "Reserving 128MB of memory at 720MB for crashkernel (System RAM: 3062MB)");
	check_value("6.12", ARCH_X86_64, crash,
		    "crashkernel reserved: 0x000000002d000000 - 0x0000000035000000 (128 MB)");
	check_value("5.10", ARCH_ARM64, crash,
		    "crashkernel reserved: 0x000000002d000000 - 0x0000000035000000 (128 MB)");
	check_value("5.10", ARCH_ARM64, cma, "cma: Reserved 64 MiB at 0x00000000b9a00000");
	check_value("5.10", ARCH_ARM, cma, "cma: Reserved 64 MiB at 0xb9a00000");
	check_value("6.12", ARCH_ARM64, cma,
		    "cma: Reserved 64 MiB at 0x00000000b9a00000 on node -1");
	check_value("6.18", ARCH_ARM64, cma, "cma: Reserved 64 MiB at 0x00000000b9a00000");
	check_value("5.10", ARCH_X86_64, data,
		    "NODE_DATA(1) allocated [mem 0x7ec1f000-0x7ec49fff]\n"
		    "    NODE_DATA(1) on node 3");
	check_value("5.10", ARCH_ARM64, data,
		    "NUMA: NODE_DATA [mem 0x7ec1f000-0x7ec49fff]\n"
		    "NUMA: NODE_DATA(1) on node 3");
	check_value("3.0", ARCH_X86_64, data,
		    "  NODE_DATA [000000007ec1f000 - 000000007ec49fff]\n"
		    "    NODE_DATA(1) on node 3");
}

/* Lines that only some boots have, before and after their words changed. */
static void seldom_lines_by_age(void **state)
{
	const struct answer user = { .kind = ANSWER_USER_MAP,
				     .v = { 0x100000, 0x8000000, E820_RAM } };
	const struct answer nvs = { .kind = ANSWER_USER_MAP, .v = { 0x1000, 0x3000, E820_NVS } };
	const struct answer odd = { .kind = ANSWER_USER_MAP, .v = { 0x1000, 0x3000, 99 } };
	const struct answer doubled = { .kind = ANSWER_DOUBLED,
					.type = 1,
					.v = { 0x7fe000, 0x7ff800, 256 } };
	const struct answer fake = {
		.kind = ANSWER_FAKING_NODE, .nid = 1, .index = 1, .v = { 0x20000000, 0x40000000 }
	};
	const struct answer moved = { .kind = ANSWER_RAMDISK_MOVED,
				      .v = { 0x1000000, 0x1800000, 0x7000000, 0x7800000 } };
	const struct answer movable = { .kind = ANSWER_MOVABLE_START,
					.nid = 1,
					.v = { 0x40000000 } };
	const struct answer low = { .kind = ANSWER_CRASHKERNEL,
				    .index = 1,
				    .v = { 16ULL << 20, 80ULL << 20 } };
	const struct answer cma = { .kind = ANSWER_CMA_RESERVED,
				    .nid = -1,
				    .v = { 16, 0x37000000 } };

	(void)state;
	check_value("2.6.32", ARCH_X86_64, user,
		    " user: 0000000000100000 - 0000000008000000 (usable)");
	check_value("6.1", ARCH_X86_64, user,
		    "user: [mem 0x0000000000100000-0x0000000007ffffff] usable");
	check_value("6.1", ARCH_X86_64, nvs,
		    "user: [mem 0x0000000000001000-0x0000000000002fff] ACPI NVS");
	check_value("6.1", ARCH_X86_64, odd,
		    "user: [mem 0x0000000000001000-0x0000000000002fff] type 99");
	check_value("6.1", ARCH_X86_64, doubled,
		    "memblock: reserved is doubled to 256 at "
		    "[0x00000000007fe000-0x00000000007ff7ff]");
	check_value("6.1", ARCH_X86_64, fake,
		    "Faking node 1 at [mem 0x0000000020000000-0x000000003fffffff] (512MB)");
	check_value("2.6.32", ARCH_X86_64, moved,
		    "Allocated new RAMDISK: 07000000 - 07800000\n"
		    "Move RAMDISK from 0000000001000000 - 00000000017fffff to 07000000 - 077fffff");
	check_value("6.1", ARCH_X86_64, moved,
		    "Allocated new RAMDISK: [mem 0x07000000-0x077fffff]\n"
		    "Move RAMDISK from [mem 0x01000000-0x017fffff] to [mem 0x07000000-0x077fffff]");
	check_value("2.6.32", ARCH_X86_64, movable, "  Node 1: 262144");
	check_value("3.10", ARCH_X86_64, movable, "  Node 1: 0x40000000");
	check_value("6.1", ARCH_X86_64, movable, "  Node 1: 0x0000000040000000");
	check_value("6.12", ARCH_X86_64, low,
		    "crashkernel low memory reserved: 0x01000000 - 0x05000000 (64 MB)");
	check_value("3.10", ARCH_ARM, cma, "cma: CMA: reserved 16 MiB at 37000000");
}

/* Lines that few logs of the tree have, or none. */
static void lines_of_few_logs(void **state)
{
	static const struct {
		const char *version;
		enum arch arch;
		struct answer a;
		const char *expected;
	} rows[] = {
		{ "6.1", ARCH_X86_64, { .kind = ANSWER_PLACEMENT }, "nothing fits" },
		{ "6.1",
		  ARCH_X86_64,
		  { .kind = ANSWER_NUMA_JOIN,
		    .v = { 0, 0xa0000, 0x100000, 0x80000000, 0, 0x80000000 } },
		  "NUMA: Node 0 [mem 0x00000000-0x0009ffff] + [mem 0x00100000-0x7fffffff] -> "
		  "[mem 0x00000000-0x7fffffff]" },
		{ "2.6.32",
		  ARCH_X86_64,
		  { .kind = ANSWER_FAKING_NODE, .v = { 0, 0x40000000 } },
		  "Faking a node at 0000000000000000-0000000040000000" },
		{ "6.1",
		  ARCH_X86_64,
		  { .kind = ANSWER_FAKING_NODE, .v = { 0, 0x40000000 } },
		  "Faking a node at [mem 0x0000000000000000-0x000000003fffffff]" },
		{ "5.10",
		  ARCH_ARM64,
		  { .kind = ANSWER_FAKING_NODE, .v = { 0, 0x40000000 } },
		  "NUMA: Faking a node at [mem 0x0000000000000000-0x000000003fffffff]" },
		{ "5.10",
		  ARCH_X86_64,
		  { .kind = ANSWER_UNAVAILABLE, .nid = -1, .v = { 97 } },
		  "Zeroed struct page in unavailable ranges: 97 pages" },
		{ "4.4",
		  ARCH_X86_64,
		  { .kind = ANSWER_BUILT, .v = { 2, 0, 5, 2 } },
		  "Built 2 zonelists in Zone order, mobility grouping off.  Total pages: 5" },
		{ "4.4",
		  ARCH_X86_64,
		  { .kind = ANSWER_HASH, .index = HASH_TABLE_PID, .v = { 4096, 3, 32768 } },
		  "PID hash table entries: 4096 (order: 3, 32768 bytes)" },
		{ "6.12",
		  ARCH_X86_64,
		  { .kind = ANSWER_HASH, .index = HASH_TABLE_PID, .v = { 4096, 3, 32768, 3 } },
		  "PID hash table entries: 4096 (order: 3, 32768 bytes, vmalloc hugepage)" },
		{ "6.12",
		  ARCH_X86_64,
		  { .kind = ANSWER_HASH, .index = HASH_TABLE_FUTEX, .v = { 256, 2, 16384, 1, 4 } },
		  "futex hash table entries: 256 (16384 bytes on 4 NUMA nodes, total 64 KiB, linear)." },
		{ "6.1",
		  ARCH_X86_64,
		  { .kind = ANSWER_HASH, .index = HASH_TABLE_DQUOT, .v = { 512, 0, 4096 } },
		  "VFS: Dquot-cache hash table entries: 512 (order 0, 4096 bytes)" },
		{ "6.1",
		  ARCH_X86_64,
		  { .kind = ANSWER_HASH, .index = HASH_TABLE_COUNT, .v = { 256 } },
		  "? hash table entries: 256" },
		{ "4.4",
		  ARCH_I386,
		  { .kind = ANSWER_INIT_HIGHMEM, .type = ZONE_HIGHMEM, .v = { 0x377fe, 0x4b000 } },
		  "Initializing HighMem for node 0 (000377fe:0004b000)" },
		{ "6.1",
		  ARCH_X86_64,
		  { .kind = ANSWER_EFI_FREED, .v = { 1234 } },
		  "efi: Freeing EFI boot services memory: 1234K" },
		{ "6.1", ARCH_X86_64, { .kind = ANSWER_MEMTOTAL, .v = { 2012180 } }, "2012180 kB" },
		{ "6.1", ARCH_X86_64, { .kind = ANSWER_ZONEINFO, .v = { 3998 } }, "3998" },
		{ "6.1", ARCH_X86_64, { .kind = ANSWER_PROTECTION }, "()" },
		{ "6.1",
		  ARCH_X86_64,
		  { .kind = ANSWER_SWIOTLB, .v = { 0x1000, 0x2000 } },
		  "[0x0000000000001000-0x0000000000001fff]" },
		{ "2.6.32",
		  ARCH_X86_64,
		  { .kind = ANSWER_NODE_PAGES, .v = { 131069 } },
		  "On node 0 totalpages: 131069" },
		{ "2.6.32",
		  ARCH_X86_64,
		  { .kind = ANSWER_ZONE_MEMMAP, .v = { 56 } },
		  "  DMA zone: 56 pages used for memmap" },
		{ "2.6.32",
		  ARCH_X86_64,
		  { .kind = ANSWER_ZONE_RESERVED, .v = { 3 } },
		  "  DMA zone: 3 pages reserved" },
		{ "2.6.32",
		  ARCH_X86_64,
		  { .kind = ANSWER_ZONE_PAGES, .type = 99, .v = { 3943, 31 } },
		  "  ? zone: 3943 pages, LIFO batch:31" },
		{ "6.1",
		  ARCH_X86_64,
		  { .kind = ANSWER_MEMMAP_INIT, .type = ZONE_NORMAL, .nid = 1, .v = { 1, 9 } },
		  "mminit::memmap_init Initialising map node 1 zone 2 pfns 1 -> 9" },
		{ "6.1",
		  ARCH_X86_64,
		  { .kind = ANSWER_INITMEM, .nid = 1, .v = { 0, 0, 1 } },
		  "Initmem setup node 1 as memoryless" },
		{ "3.10",
		  ARCH_X86_64,
		  { .kind = ANSWER_DUMP_SIZE, .v = { 0x7ff7ac00, 0x2ecd000 } },
		  " memory size = 0x7ff7ac00 reserved size = 0x2ecd000" },
		{ "3.10",
		  ARCH_X86_64,
		  { .kind = ANSWER_DUMP_REGION,
		    .type = 1,
		    .index = 1 << 16 | 2,
		    .nid = 1,
		    .v = { 0x1000, 0x9e000 } },
		  " reserved[0x2]\t[0x00000000001000-0x0000000009efff], 0x9e000 bytes on node 1" },
		{ "3.10",
		  ARCH_X86_64,
		  { .kind = ANSWER_DOUBLED, .v = { 0x1000, 0x2000, 256 } },
		  "memblock: memory is doubled to 256 at [0x00001000-0x00001fff]" },
		{ "5.10",
		  ARCH_X86_64,
		  { .kind = ANSWER_CRASHKERNEL, .index = 1, .v = { 1792ULL << 20, 2048ULL << 20 } },
		  "Reserving 256MB of low memory at 1792MB for crashkernel" },
		{ "6.6",
		  ARCH_X86_64,
		  { .kind = ANSWER_CRASHKERNEL, .index = 1, .v = { 1792ULL << 20, 2048ULL << 20 } },
		  "Reserving 256MB of low memory at 1792MB for crashkernel (low RAM limit: 4096MB)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_value(rows[i].version, rows[i].arch, rows[i].a, rows[i].expected);
}

/* What an answer is the answer to. */
static void questions(void **state)
{
	static const struct {
		struct answer a;
		const char *expected;
	} rows[] = {
		{ { .kind = ANSWER_DUMP_SIZE, .index = 1 }, "memblock dump sizes, dump 2" },
		{ { .kind = ANSWER_DUMP_COUNT, .type = 1 },
		  "memblock dump count, dump 1 reserved" },
		{ { .kind = ANSWER_DUMP_REGION, .index = 1 << 16 | 3 },
		  "memblock dump region, dump 2 memory[0x3]" },
		{ { .kind = ANSWER_FINAL_REGION, .type = 1, .index = 3 },
		  "memblock list at the end, reserved[3]" },
		{ { .kind = ANSWER_ZONEINFO, .nid = 1, .index = ZONE_FIELD_PRESENT },
		  "Node 1, zone DMA: present" },
		{ { .kind = ANSWER_ZONEINFO, .type = -1, .index = ZONE_FIELD_COUNT },
		  "Node 0, zone ?: ?" },
		{ { .kind = ANSWER_HASH, .index = HASH_TABLE_PID }, "hash table PID" },
		{ { .kind = ANSWER_HASH, .index = HASH_TABLE_COUNT }, "hash table ?" },
		{ { .kind = ANSWER_ZONELIST, .index = 1 },
		  "Node 0, zone DMA: zonelist (this node)" },
		{ { .kind = ANSWER_ZONELIST }, "Node 0, zone DMA: zonelist (general)" },
		{ { .kind = ANSWER_POLICY_ZONE, .type = 2 }, "policy zone" },
		{ { .kind = ANSWER_ZONE_MEMMAP }, "Node 0, zone DMA: pages used for memmap" },
		{ { .kind = ANSWER_NODE_DATA, .nid = 1, .type = -1 }, "Node 1: NODE_DATA" },
		{ { .kind = ANSWER_ZONE_RANGE, .nid = -1 }, "zone range DMA" },
		{ { .kind = ANSWER_DOUBLED, .nid = -1, .type = 1, .index = 2 },
		  "array doubled #3" },
		{ { .kind = ANSWER_PLACEMENT, .index = 7 }, "placement" },
	};
	struct boot_input in = input_of("6.1", ARCH_X86_64);
	struct answers none = { 0 };
	struct answer_text t;

	(void)state;
	answer_text_init(&t, &in, &none);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sink_text text = { 0 };
		struct sink sink = sink_to_text(&text);

		answer_text_key(&t, &rows[i].a, &sink);
		assert_string_equal(sink_text_string(&text), rows[i].expected);
		sink_text_deinit(&text);
	}
}

/* A 32-bit kernel without PAE prints short addresses. */
static void placement_as_wide_as_addresses(void **state)
{
	const struct answer place = { .kind = ANSWER_PLACEMENT, .v = { 0x1000, 0x1010 } };

	(void)state;
	check_value("6.1", ARCH_X86_64, place,
		    "memblock_reserve: [0x0000000000001000-0x000000000000100f]");
	check_value("6.1", ARCH_ARM, place, "memblock_reserve: [0x00001000-0x0000100f]");
}

static const char *boot_text(const struct boot_input *in, const struct answers *as,
			     struct sink_text *text)
{
	struct sink sink = sink_to_text(text);
	struct answer_text t;

	answer_text_init(&t, in, as);
	answer_text_boot(&t, as, &sink);
	return sink_text_string(text);
}

/* Of the Memory: line what is not known is left out. */
static void memory_line_from_parts(void **state)
{
	struct boot_input in = input_of("6.1", ARCH_X86_64);
	struct answers as = { 0 };
	struct sink_text text = { 0 };

	(void)state;
	in.sections.code_kb = 14343;
	answers_add(&as, ANSWER_MEMORY_AVAILABLE)->v[0] = 654076;
	answers_add(&as, ANSWER_MEMORY_TOTAL)->v[0] = 2096616;
	answers_add(&as, ANSWER_MEMORY_RESERVED)->v[0] = 108468;
	answers_add(&as, ANSWER_MEMORY_CMA)->v[0] = 0;
	assert_string_equal(boot_text(&in, &as, &text),
			    "Memory: 654076K/2096616K available (14343K kernel code, "
			    "108468K reserved, 0K cma-reserved)\n");
	sink_text_clear(&text);
	as.items[0].basis = as.items[2].basis = BASIS_UNDERIVABLE;
	assert_string_equal(
		boot_text(&in, &as, &text),
		"Memory: ?K/2096616K available (14343K kernel code, 0K cma-reserved)\n");
	sink_text_deinit(&text);
	answers_deinit(&as);
}

/* Verbose lines need their option; underivable answers say nothing; headings come once. */
static void only_what_was_asked_for(void **state)
{
	struct boot_input in = input_of("6.1", ARCH_X86_64);
	struct answers as = { 0 };
	struct sink_text text = { 0 };
	struct answer *a;

	(void)state;
	answers_add(&as, ANSWER_PLACEMENT)->v[1] = 64;
	a = answers_add(&as, ANSWER_ZONE_RANGE);
	a->type = ZONE_NORMAL;
	a = answers_add(&as, ANSWER_ZONE_RANGE);
	a->type = ZONE_DEVICE;
	a = answers_add(&as, ANSWER_ZONELIST);
	a->nid = a->type = 0;
	a = answers_add(&as, ANSWER_POLICY_ZONE);
	a->type = ZONE_NORMAL;
	a->basis = BASIS_UNDERIVABLE;
	in.command_line = "quiet";
	assert_string_equal(boot_text(&in, &as, &text),
			    "Zone ranges:\n  Normal   empty\n  Device   empty\n");
	sink_text_clear(&text);
	in.command_line = "memblock=debug mminit_loglevel=1";
	assert_string_equal(boot_text(&in, &as, &text),
			    "memblock_reserve: [0x0000000000000000-0x000000000000003f]\n"
			    "Zone ranges:\n  Normal   empty\n  Device   empty\n"
			    "mminit::zonelist general 0:DMA =\n");
	sink_text_deinit(&text);
	answers_deinit(&as);
}

/* Headings as kernels had them that counted in page frames, and a Memory: value by itself. */
static void headings_of_old_kernels(void **state)
{
	struct boot_input in = input_of("2.6.32", ARCH_X86_64);
	struct answers as = { 0 };
	struct sink_text text = { 0 };
	struct answer *a;

	(void)state;
	a = answers_add(&as, ANSWER_USER_MAP);
	a->v[0] = 0x100000;
	a->v[1] = 0x8000000;
	a->v[2] = E820_RAM;
	a = answers_add(&as, ANSWER_ZONE_RANGE);
	a->type = ZONE_DMA;
	a->v[0] = 0x1000;
	a->v[1] = 0x1000000;
	a = answers_add(&as, ANSWER_NODE_RANGE);
	a->nid = 0;
	a->v[0] = 0x1000;
	a->v[1] = 0x9f000;
	/* That kernel's Memory: line is none of ours. */
	answers_add(&as, ANSWER_MEMORY_AVAILABLE)->v[0] = 100;
	assert_string_equal(boot_text(&in, &as, &text),
			    "user-defined physical RAM map:\n"
			    " user: 0000000000100000 - 0000000008000000 (usable)\n"
			    "Zone PFN ranges:\n  DMA      0x00000001 -> 0x00001000\n"
			    "Movable zone start PFN for each node\n"
			    "early_node_map[1] active PFN ranges\n"
			    "    0: 0x00000001 -> 0x0000009f\n");
	sink_text_deinit(&text);
	answers_deinit(&as);
	check_value("6.1", ARCH_X86_64,
		    (struct answer){ .kind = ANSWER_MEMORY_AVAILABLE, .v = { 100 } }, "100K");
}

/* A first dump that the model fills itself is not filled up from the input. */
static void first_dump_is_printed_once(void **state)
{
	struct memblock_region region = { 0x1000, 0x1000, 0, NID_NONE };
	struct boot_input in = input_of("6.1", ARCH_ARM64);
	struct answers as = { 0 };
	struct sink_text text = { 0 };
	const char *half = "MEMBLOCK configuration:\n"
			   " memory size = 0x0000000000002000 reserved size = 0x0000000000001000\n"
			   " memory.cnt  = 0x0\n";
	char whole[512];
	struct answer *a;

	(void)state;
	in.has_state = true;
	in.state.reserved = &region;
	in.state.reserved_count = 1;
	a = answers_add(&as, ANSWER_DUMP_SIZE);
	a->v[0] = 0x2000;
	a->v[1] = 0x1000;
	answers_add(&as, ANSWER_DUMP_COUNT)->type = 0;
	snprintf(whole, sizeof(whole),
		 "%s reserved.cnt  = 0x1\n reserved[0x0]\t[0x0000000000001000-0x0000000000001fff], "
		 "0x0000000000001000 bytes flags: 0x0\n",
		 half);
	assert_string_equal(boot_text(&in, &as, &text), whole);
	sink_text_clear(&text);
	answers_add(&as, ANSWER_DUMP_COUNT)->type = 1;
	snprintf(whole, sizeof(whole), "%s reserved.cnt  = 0x0\n", half);
	assert_string_equal(boot_text(&in, &as, &text), whole);
	sink_text_deinit(&text);
	answers_deinit(&as);
}

/* ---- whole logs -------------------------------------------------------------------------------- */

struct tally {
	unsigned int captures, lines, wrong;
};

/* @line as the view prints it: no caller, no blanks at the end. */
static void simplify(const char *line, char *buf, size_t size)
{
	size_t len;

	if (!strncmp(line, "__memblock_reserve", 18))
		line += 2;
	snprintf(buf, size, "%s", line);
	if (!strncmp(buf, "memblock_reserve: [", 19) && strchr(buf, ']'))
		strchr(buf, ']')[1] = 0;
	for (len = strlen(buf); len && buf[len - 1] == ' '; len--)
		buf[len - 1] = 0;
}

static bool find_in_log(const struct log_text *log, size_t *next, const char *line, bool *seen)
{
	char text[4096];

	for (size_t i = *next; i < log->nlines; i++) {
		simplify(log->lines[i].text, text, sizeof(text));
		if (strcmp(text, line))
			continue;
		seen[i] = true;
		*next = i + 1;
		return true;
	}
	return false;
}

/* Answers whose place in the log is not where they are printed: they are one line with others. */
static bool stands_alone(const struct answer *a)
{
	return a->line && (a->kind < ANSWER_MEMORY_AVAILABLE || a->kind > ANSWER_MEMORY_ABSENT);
}

static void round_trip(const char *path, void *ctx)
{
	struct tally *tally = ctx;
	struct boot_log log = { 0 };
	struct log_text text = { 0 };
	struct sink_text view = { 0 };
	struct input input;
	struct answer_text t;
	size_t next = 0;
	bool *seen;

	captures_read(path, "dmesg.txt", &input);
	if (!input.data)
		return;
	check_ok(log_text_parse(input.data, input.size, &text));
	check_ok(capture_read(path, &log));
	seen = calloc(text.nlines + 1, sizeof(*seen));
	assert_non_null(seen);
	boot_text(&log.input, &log.recorded, &view);
	for (char *line = strtok(view.data, "\n"); line; line = strtok(NULL, "\n")) {
		tally->lines++;
		if (find_in_log(&text, &next, line, seen))
			continue;
		tally->wrong++;
		print_error("%s: not in the log, or not in this order: '%s'\n", path, line);
	}
	answer_text_init(&t, &log.input, &log.recorded);
	for (size_t l = 0; l < text.nlines && answer_text_is_line(&t, ANSWER_DUMP_SIZE); l++) {
		/* The reserved half of the first dump is an input, and printed all the same. */
		if (seen[l] || strncmp(text.lines[l].text, " reserved", 9))
			continue;
		tally->wrong++;
		print_error("%s: dump line not printed: '%s'\n", path, text.lines[l].text);
	}
	for (uint32_t i = 0; i < log.recorded.count; i++) {
		const struct answer *a = &log.recorded.items[i];

		if (!stands_alone(a) || !answer_text_is_line(&t, a->kind))
			continue;
		for (size_t l = 0; l < text.nlines; l++)
			if (text.lines[l].line == a->line && !seen[l]) {
				tally->wrong++;
				print_error("%s:%u: was not printed again: '%s'\n", path, a->line,
					    text.lines[l].text);
			}
	}
	tally->captures++;
	free(seen);
	sink_text_deinit(&view);
	boot_log_deinit(&log);
	log_text_deinit(&text);
	input_deinit(&input);
}

static void small_captures_round_trip(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	captures_each("traces/captures", round_trip, &tally);
	assert_int_equal(tally.wrong, 0);
	assert_true(tally.captures >= 2);
	assert_true(tally.lines > 200);
}

static void all_captures_round_trip(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	captures_each(captures_dir(), round_trip, &tally);
	print_message("%u lines of %u captures\n", tally.lines, tally.captures);
	assert_int_equal(tally.wrong, 0);
	assert_true(tally.captures > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_each_era),
		cmocka_unit_test(seldom_lines_by_age),
		cmocka_unit_test(lines_of_few_logs),
		cmocka_unit_test(questions),
		cmocka_unit_test(placement_as_wide_as_addresses),
		cmocka_unit_test(memory_line_from_parts),
		cmocka_unit_test(only_what_was_asked_for),
		cmocka_unit_test(headings_of_old_kernels),
		cmocka_unit_test(first_dump_is_printed_once),
		cmocka_unit_test(small_captures_round_trip),
		cmocka_unit_test(all_captures_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
