/* SPDX-License-Identifier: MIT */
/*
 * Every firmware table of every capture, against what the kernel that read it said: its log, its
 * nodes and its command line.
 */
#include <stdio.h>
#include <string.h>

#include "engine/units.h"
#include "traces/firmware/fdt.h"
#include "traces/firmware/slit.h"
#include "traces/firmware/srat.h"
#include "traces/procfs/iomem.h"
#include "traces/procfs/nodes.h"
#include "traces/scan.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"

static struct {
	unsigned int srat, memory_lines, cpu_lines, slit, distances, fdt, node_lines;
} counts;

/* The message of a line "[    0.000000] message". */
static bool next_message(struct scan_lines *lines, struct scan *ret)
{
	struct scan s;

	while (scan_next_line(lines, &s)) {
		if (scan_char(&s, '[') && scan_past(&s, "] ")) {
			*ret = s;
			return true;
		}
	}
	return false;
}

/* " [mem 0x00000000-0x0009ffff]", inclusive */
static bool scan_mem(struct scan *s, phys_t *start, phys_t *last)
{
	return scan_lit(s, " [mem ") && scan_0x(s, start) && scan_char(s, '-') &&
	       scan_0x(s, last) && scan_char(s, ']');
}

/* The kernel prints the enabled memory entries that are not empty, in the order of the table. */
static void check_srat(const struct input *input, const struct input *dmesg)
{
	struct scan_lines lines = scan_lines_of((const char *)dmesg->data, dmesg->size);
	uint32_t at = 0, cpu_at = 0;
	struct srat srat;
	struct scan s;

	check_ok(srat_parse(input->data, input->size, input->name, ACPI_STRICT, &srat));
	assert_int_equal(srat.unknown_entries, 0);
	while (next_message(&lines, &s)) {
		uint64_t apic;
		uint32_t nid, pxm;
		phys_t start, last;
		struct scan t = s;

		if (scan_lit(&t, "ACPI: SRAT: Node ") && scan_u32(&t, &nid) &&
		    scan_lit(&t, " PXM ") && scan_u32(&t, &pxm) && scan_mem(&t, &start, &last)) {
			while (at < srat.nentries &&
			       (srat.entries[at].type != SRAT_MEMORY || !srat.entries[at].enabled))
				at++;
			assert_true(at < srat.nentries);
			assert_int_equal(srat.entries[at].pxm, pxm);
			assert_true(srat.entries[at].base == start);
			assert_true(srat.entries[at].base + srat.entries[at].bytes - 1 == last);
			at++;
			counts.memory_lines++;
		}
		t = s;
		if (scan_lit(&t, "SRAT: PXM ") && scan_u32(&t, &pxm) && scan_lit(&t, " -> APIC ") &&
		    scan_0x(&t, &apic)) {
			while (cpu_at < srat.nentries && srat.entries[cpu_at].type != SRAT_APIC)
				cpu_at++;
			assert_true(cpu_at < srat.nentries);
			assert_int_equal(srat.entries[cpu_at].pxm, pxm);
			assert_int_equal(srat.entries[cpu_at].id, apic);
			cpu_at++;
			counts.cpu_lines++;
		}
	}
	assert_true(at > 0);
	for (; at < srat.nentries; at++)
		assert_true(srat.entries[at].type != SRAT_MEMORY || !srat.entries[at].enabled);
	srat_deinit(&srat);
	counts.srat++;
}

/* The tables were made with domains equal to nodes. */
static void check_slit(const struct input *input, const char *numa)
{
	struct nodes nodes;
	struct slit slit;

	check_ok(slit_parse(input->data, input->size, input->name, ACPI_STRICT, &slit));
	assert_true(slit_is_valid(&slit));
	check_ok(nodes_read(numa, &nodes));
	assert_true(nodes.nnodes > 1);
	for (uint32_t i = 0; i < nodes.nnodes; i++) {
		for (uint32_t j = 0; j < nodes.nnodes; j++) {
			uint32_t from = (uint32_t)nodes.nodes[i].nid;
			uint32_t to = (uint32_t)nodes.nodes[j].nid;

			assert_true(from < slit.n && to < slit.n);
			assert_int_equal(nodes.nodes[i].distances[j],
					 slit_distance(&slit, from, to));
			counts.distances++;
		}
	}
	nodes_deinit(&nodes);
	slit_deinit(&slit);
	counts.slit++;
}

/* The memory that the tree says a range is in; -2 if none. */
static int32_t node_at(const struct fdt *fdt, phys_t start, phys_t last)
{
	for (uint32_t i = 0; i < fdt->nmemory; i++) {
		const struct fdt_ranges *reg = &fdt->memory[i].reg;

		for (uint32_t j = 0; j < reg->n; j++)
			if (start >= reg->ranges[j].base &&
			    last - reg->ranges[j].base < reg->ranges[j].bytes)
				return fdt->memory[i].nid;
	}
	return -2;
}

static void read_fdt(const uint8_t *data, size_t len)
{
	struct fdt fdt = { 0 };

	error_destroy(fdt_parse(data, len, "x", &fdt));
	fdt_deinit(&fdt);
}

static void check_fdt(const struct input *input, const struct input *dmesg,
		      const struct input *cmdline, const struct input *iomem)
{
	struct scan_lines lines = scan_lines_of((const char *)dmesg->data, dmesg->size);
	struct scan line = scan_of((const char *)cmdline->data, cmdline->size);
	uint64_t fdt_bytes = 0, ram_bytes = 0;
	struct scan_str words;
	struct iomem im;
	struct fdt fdt;
	struct scan s;

	check_ok(fdt_parse(input->data, input->size, input->name, &fdt));
	assert_int_equal(fdt.malformed, 0);
	assert_true(fdt.nmemory > 0 && fdt.ncpus > 0);
	assert_true(fdt.has & FDT_INITRD_START && fdt.has & FDT_INITRD_END);
	assert_true(fdt.initrd_start < fdt.initrd_end);
	assert_true(node_at(&fdt, fdt.initrd_start, fdt.initrd_end - 1) != -2);

	/* "  node   0: [mem 0x...-0x...]" of the kernel lies in that node's memory. */
	while (next_message(&lines, &s)) {
		phys_t start, last;
		uint32_t nid;
		int32_t at;

		if (!scan_lit(&s, "  node ") || !scan_ws(&s) || !scan_u32(&s, &nid) ||
		    !scan_char(&s, ':') || !scan_mem(&s, &start, &last))
			continue;
		at = node_at(&fdt, start, last);
		assert_true(at == (int32_t)nid || (at == NID_NONE && nid == 0));
		counts.node_lines++;
	}

	/* What the boot loader passed is what the kernel shows. */
	while (line.end > line.p && line.end[-1] == '\n')
		line.end--;
	scan_rest(&line, &words);
	assert_true(words.len <= strlen(fdt.bootargs));
	assert_memory_equal(fdt.bootargs, words.p, words.len);

	/* These machines keep all memory that the tree has. */
	check_ok(iomem_parse((const char *)iomem->data, iomem->size, iomem->name, &im));
	for (uint32_t i = 0; i < im.nranges; i++)
		if (im.ranges[i].kind == IOMEM_SYSTEM_RAM)
			ram_bytes += im.ranges[i].end - im.ranges[i].start;
	for (uint32_t i = 0; i < fdt.nmemory; i++)
		for (uint32_t j = 0; j < fdt.memory[i].reg.n; j++)
			fdt_bytes += fdt.memory[i].reg.ranges[j].bytes;
	assert_true(ram_bytes == fdt_bytes);
	iomem_deinit(&im);
	fdt_deinit(&fdt);
	if (!counts.fdt++)
		robust_damage(read_fdt, input->data, input->size, 1, 500);
}

static void visit_capture(const char *path, void *ctx)
{
	struct input table, dmesg, cmdline, iomem;
	char numa[4096];

	(void)ctx;
	captures_read(path, "dmesg.txt", &dmesg);
	captures_read(path, "cmdline.txt", &cmdline);
	captures_read(path, "iomem.txt", &iomem);
	captures_read(path, "SRAT.aml", &table);
	if (table.data)
		check_srat(&table, &dmesg);
	input_deinit(&table);
	captures_read(path, "SLIT.aml", &table);
	snprintf(numa, sizeof(numa), "%s/numa", path);
	if (table.data)
		check_slit(&table, numa);
	input_deinit(&table);
	captures_read(path, "fdt.dtb", &table);
	if (table.data)
		check_fdt(&table, &dmesg, &cmdline, &iomem);
	input_deinit(&table);
	input_deinit(&dmesg);
	input_deinit(&cmdline);
	input_deinit(&iomem);
}

static void every_capture_of(const char *dir)
{
	unsigned int captures = captures_each(dir, visit_capture, NULL);

	print_message("%u captures: SRAT %u (lines of memory %u, of CPUs %u), SLIT %u "
		      "(distances %u), device trees %u (lines of nodes %u)\n",
		      captures, counts.srat, counts.memory_lines, counts.cpu_lines, counts.slit,
		      counts.distances, counts.fdt, counts.node_lines);
	assert_true(counts.srat > 0 && counts.slit > 0 && counts.fdt > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPTURES_TESTS(every_capture_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
