/* SPDX-License-Identifier: MIT */
/*
 * Every picture of every capture is understood to the last line, and pictures of one moment agree
 * with each other where they speak of the same thing.
 */
#include <stdio.h>
#include <string.h>

#include "traces/procfs/buddyinfo.h"
#include "traces/procfs/iomem.h"
#include "traces/procfs/meminfo.h"
#include "traces/procfs/nodes.h"
#include "traces/procfs/pagetypeinfo.h"
#include "traces/procfs/zoneinfo.h"
#include "traces/scan.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"

static struct {
	unsigned int zoneinfo, zones, stats, pagesets, buddyinfo, pagetypeinfo, meminfo, iomem,
		ranges, nodes;
} counts;

static uint32_t bits(uint32_t x)
{
	uint32_t n = 0;

	for (; x; x &= x - 1)
		n++;
	return n;
}

/* Lines that are not blank. */
static uint32_t lines_of(const struct input *input)
{
	struct scan_lines lines = scan_lines_of((const char *)input->data, input->size);
	struct scan s;
	uint32_t n = 0;

	while (scan_next_line(&lines, &s))
		n += !scan_blank_end(&s);
	return n;
}

/* Each line of the file is one thing we kept. */
static void check_zoneinfo(const struct input *input, struct zoneinfo *zi)
{
	uint32_t lines = 0;

	check_ok(zoneinfo_parse((const char *)input->data, input->size, input->name, zi));
	assert_int_equal(zi->unknown_lines, 0);
	for (uint32_t i = 0; i < zi->nzones; i++) {
		const struct zoneinfo_zone *zone = &zi->zones[i];

		/* The zone, its fields, "protection:", "per-node stats", "pagesets". */
		lines += 1 + bits(zone->has) + (zone->nprotection != 0) + (zone->nnode_stats != 0) +
			 (zone->npagesets != 0) + zone->nstats + zone->nnode_stats;
		for (uint32_t j = 0; j < zone->npagesets; j++)
			lines += 1 + bits(zone->pagesets[j].has);

		assert_true(zone->managed <= zone->present && zone->present <= zone->spanned);
		assert_true(zone->min <= zone->low && zone->low <= zone->high);
		assert_int_equal(zone->nprotection, zi->zones[0].nprotection);
		assert_int_equal(zone->npagesets != 0, zone->present != 0);
		assert_int_equal(zoneinfo_has(zone, ZONEINFO_START_PFN), zone->present != 0);
		counts.zones++;
		counts.stats += zone->nstats + zone->nnode_stats;
		counts.pagesets += zone->npagesets;
	}
	assert_int_equal(lines, lines_of(input));
	counts.zoneinfo++;
}

static void check_buddyinfo(const struct input *input, const struct zoneinfo *zi)
{
	struct buddyinfo bi;

	check_ok(buddyinfo_parse((const char *)input->data, input->size, input->name, &bi));
	assert_int_equal(bi.unknown_lines, 0);
	assert_int_equal(bi.nzones, lines_of(input));
	/* The same zones, those with memory alone, in the same order. */
	for (uint32_t i = 0, j = 0; i < zi->nzones; i++) {
		if (!zi->zones[i].present)
			continue;
		assert_true(j < bi.nzones);
		assert_int_equal(bi.zones[j].nid, zi->zones[i].nid);
		assert_string_equal(bi.zones[j].name, zi->zones[i].name);
		assert_true(buddyinfo_free_pages(&bi, &bi.zones[j]) <= zi->zones[i].present);
		j++;
	}
	buddyinfo_deinit(&bi);
	counts.buddyinfo++;
}

static void check_pagetypeinfo(const struct input *input, const struct zoneinfo *zi)
{
	struct pagetypeinfo pi;

	check_ok(pagetypeinfo_parse((const char *)input->data, input->size, input->name, &pi));
	assert_int_equal(pi.unknown_lines, 0);
	assert_int_equal(pi.pages_per_block, 1u << pi.block_order);
	assert_int_equal(pi.nfree, pi.nblocks * pi.ntypes);
	for (uint32_t i = 0; i < pi.nblocks; i++) {
		const struct zoneinfo_zone *zone =
			zoneinfo_find(zi, pi.blocks[i].nid, pi.blocks[i].zone);
		uint64_t blocks = 0;

		assert_non_null(zone);
		for (uint32_t j = 0; j < pi.ntypes; j++)
			blocks += pi.blocks[i].blocks[j];
		/* One at each end may be there in part; holes have none. */
		assert_true(blocks * pi.pages_per_block <= zone->spanned + 2 * pi.pages_per_block);
		assert_true((blocks + 1) * pi.pages_per_block > zone->managed / 2);
	}
	pagetypeinfo_deinit(&pi);
	counts.pagetypeinfo++;
}

static void check_meminfo(const struct input *input, const struct zoneinfo *zi)
{
	struct meminfo mi;
	uint64_t total_kb, pages = 0;

	check_ok(meminfo_parse((const char *)input->data, input->size, input->name, &mi));
	assert_int_equal(mi.unknown_lines, 0);
	assert_int_equal(mi.nentries, lines_of(input));
	assert_true(meminfo_kb(&mi, "MemTotal", &total_kb));
	for (uint32_t i = 0; i < zi->nzones; i++)
		pages += zi->zones[i].managed;
	/*
	 * MemTotal is the sum of what zones manage, whatever the size of a page.  What UEFI's boot services
	 * had is in MemTotal alone where it comes back before deferred memory is counted.
	 */
	assert_int_equal((total_kb / pages) & (total_kb / pages - 1), 0);
	assert_true(total_kb % pages <= total_kb / 32);
	meminfo_deinit(&mi);
	counts.meminfo++;
}

static void read_zoneinfo(const uint8_t *data, size_t len)
{
	struct zoneinfo zi = { 0 };

	error_destroy(zoneinfo_parse((const char *)data, len, "x", &zi));
	zoneinfo_deinit(&zi);
}

static void read_tables(const uint8_t *data, size_t len)
{
	struct buddyinfo bi = { 0 };
	struct pagetypeinfo pi = { 0 };
	struct meminfo mi = { 0 };
	struct iomem im = { 0 };

	error_destroy(buddyinfo_parse((const char *)data, len, "x", &bi));
	buddyinfo_deinit(&bi);
	error_destroy(pagetypeinfo_parse((const char *)data, len, "x", &pi));
	pagetypeinfo_deinit(&pi);
	error_destroy(meminfo_parse((const char *)data, len, "x", &mi));
	meminfo_deinit(&mi);
	error_destroy(iomem_parse((const char *)data, len, "x", &im));
	iomem_deinit(&im);
}

/* The first picture of each kind bears damage; for the others that would take long. */
static void check_damage(const struct input *input, unsigned int count, robust_reader reader)
{
	if (count > 1)
		return;
	robust_truncate(reader, input->data, input->size);
	robust_damage(reader, input->data, input->size, 1, 1000);
}

static void visit_snap(const char *path, void *ctx)
{
	struct input input;
	struct zoneinfo zi;

	(void)ctx;
	if (!strstr(path, "/snap-"))
		return;
	captures_read(path, "zoneinfo.txt", &input);
	if (!input.data)
		return;
	check_zoneinfo(&input, &zi);
	check_damage(&input, counts.zoneinfo, read_zoneinfo);
	input_deinit(&input);

	captures_read(path, "buddyinfo.txt", &input);
	check_buddyinfo(&input, &zi);
	check_damage(&input, counts.buddyinfo, read_tables);
	input_deinit(&input);
	captures_read(path, "pagetypeinfo.txt", &input);
	check_pagetypeinfo(&input, &zi);
	check_damage(&input, counts.pagetypeinfo, read_tables);
	input_deinit(&input);
	captures_read(path, "meminfo.txt", &input);
	check_meminfo(&input, &zi);
	check_damage(&input, counts.meminfo, read_tables);
	input_deinit(&input);
	zoneinfo_deinit(&zi);
}

static void check_iomem(const struct input *input)
{
	struct iomem im;

	check_ok(iomem_parse((const char *)input->data, input->size, input->name, &im));
	assert_int_equal(im.unknown_lines, 0);
	assert_int_equal(im.nranges, lines_of(input));
	assert_false(im.hidden);
	assert_non_null(iomem_next(&im, IOMEM_SYSTEM_RAM, 0));
	assert_non_null(iomem_next(&im, IOMEM_KERNEL_CODE, 0));
	for (uint32_t i = 0; i < im.nranges; i++) {
		const struct iomem_range *range = &im.ranges[i], *parent;

		assert_true(range->start < range->end);
		if (range->parent == IOMEM_NO_PARENT)
			continue;
		parent = &im.ranges[range->parent];
		assert_true(parent->start <= range->start && range->end <= parent->end);
		/* The kernel lies in memory. */
		if (range->kind >= IOMEM_KERNEL_CODE && range->kind <= IOMEM_CRASH_KERNEL)
			assert_int_equal(parent->kind, IOMEM_SYSTEM_RAM);
	}
	counts.ranges += im.nranges;
	iomem_deinit(&im);
	counts.iomem++;
}

static void visit_capture(const char *path, void *ctx)
{
	struct input input;
	struct nodes nodes;
	char numa[4096];

	(void)ctx;
	captures_each(path, visit_snap, NULL);
	captures_read(path, "iomem.txt", &input);
	if (input.data) {
		check_iomem(&input);
		check_damage(&input, counts.iomem, read_tables);
	}
	input_deinit(&input);

	snprintf(numa, sizeof(numa), "%s/numa", path);
	check_ok(nodes_read(numa, &nodes));
	assert_int_equal(nodes.unknown_files, 0);
	for (uint32_t i = 0; i < nodes.nnodes; i++) {
		assert_true(nodes.nodes[i].has_distances && nodes.nodes[i].has_cpus &&
			    nodes.nodes[i].has_meminfo);
		assert_int_equal(nodes.nodes[i].distances[i], 10);
		assert_int_equal(nodes.nodes[i].meminfo.unknown_lines, 0);
		counts.nodes++;
	}
	nodes_deinit(&nodes);
}

static void every_capture_of(const char *dir)
{
	unsigned int captures = captures_each(dir, visit_capture, NULL);

	print_message("%u captures: zoneinfo %u (zones %u, statistics %u, pagesets %u), "
		      "buddyinfo %u, pagetypeinfo %u, meminfo %u, iomem %u (ranges %u), nodes %u\n",
		      captures, counts.zoneinfo, counts.zones, counts.stats, counts.pagesets,
		      counts.buddyinfo, counts.pagetypeinfo, counts.meminfo, counts.iomem,
		      counts.ranges, counts.nodes);
	assert_true(counts.zoneinfo > 0 && counts.iomem > 0 && counts.nodes > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPTURES_TESTS(every_capture_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
