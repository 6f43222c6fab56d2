/* SPDX-License-Identifier: MIT */
/* Any bytes are read as a kernel's log, or refused with a place. */
#include <string.h>

#include "fuzz/targets/import_state.h"
#include "traces/capture.h"

static const char *const seeds[] = {
	"[    0.000000] Linux version 6.1.0-50-amd64 (x@y) (gcc) #1 SMP\n"
	"[    0.000000] Command line: quiet\n"
	"[    0.000000] BIOS-provided physical RAM map:\n"
	"[    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable\n"
	"[    0.000000] BIOS-e820: [mem 0x0000000000100000-0x000000007ffdbfff] usable\n"
	"[    0.000000] ACPI: SRAT: Node 0 PXM 0 [mem 0x00000000-0x0009ffff]\n"
	"[    0.000000] NODE_DATA(0) allocated [mem 0x7ffb1000-0x7ffdbfff]\n"
	"[    0.000000] Zone ranges:\n"
	"[    0.000000]   DMA      [mem 0x0000000000001000-0x0000000000ffffff]\n"
	"[    0.000000]   DMA32    [mem 0x0000000001000000-0x000000007ffdbfff]\n"
	"[    0.000000]   Normal   empty\n"
	"[    0.000000] Movable zone start for each node\n"
	"[    0.000000] Early memory node ranges\n"
	"[    0.000000]   node   0: [mem 0x0000000000001000-0x000000000009efff]\n"
	"[    0.000000]   node   0: [mem 0x0000000000100000-0x000000007ffdbfff]\n"
	"[    0.000000] On node 0, zone DMA: 1 pages in unavailable ranges\n"
	"[    0.000000] Fallback order for Node 0: 0 \n"
	"[    0.000000] Built 1 zonelists, mobility grouping on.  Total pages: 515804\n"
	"[    0.000000] Policy zone: DMA32\n"
	"[    0.000000] Memory: 2012180K/2096616K available (14342K kernel code, 2333K rwdata)\n",
	"memblock_reserve: [0x0000000001000000-0x0000000002ffffff] setup_arch+0x1f\n"
	"memblock_alloc_try_nid: 64 bytes align=0x40 nid=-1 from=0x0 max_addr=0x0 f+0x1\n"
	"MEMBLOCK configuration:\n memory size = 0x7ff7ac00 reserved size = 0x2ecd000\n"
	" memory.cnt  = 0x2\n memory[0x0]\t[0x1000-0x9efff], 0x9e000 bytes flags: 0x0\n",
	"<6>[    0.000000] BIOS-e820: 0000000000000000 - 000000000009fc00 (usable)\n"
	"<7>On node 0 totalpages: 131069\nPID hash table entries: 2048 (order: 11, 16384 bytes)\n",
	NULL
};

static const char *const words[] = {
#define LINE(id, family, prefix, yields, kernels) prefix,
#include "traces/lines.def"
#undef LINE
	"[    0.000000] ", "[mem 0x", "-0x", "node   1: ", " nid=", "memblock_reserve: [0x", NULL
};

static const char *const files[] = { "dmesg.txt", NULL };

static void run(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	struct boot_log log = { 0 };
	struct input in = { 0 };
	struct error *err = input_from_bytes("input", data, size, NULL, &in);

	(void)state;
	if (!err)
		err = capture_read_input(&in, &log);
	if (!err) {
		import_count(1, log.lines_known, report);
		import_count(2, log.input.step_count, report);
		import_count(3, log.recorded.count, report);
		import_count(4, log.note_count, report);
		for (uint32_t i = 0; i < log.recorded.count && i < 20; i++)
			target_report_feature(report, 5u << 8 | log.recorded.items[i].kind);
	}
	import_refuse(err, report);
	boot_log_deinit(&log);
	input_deinit(&in);
}

const struct target target_dmesg = {
	.name = "dmesg",
	.property = "Any bytes are read as a kernel's log, or refused.",
	.create = import_create,
	.destroy = import_destroy,
	.run_bytes = run,
	.seeds = seeds,
	.words = words,
	.files = files,
	.usual_bytes_max = 2048,
};
