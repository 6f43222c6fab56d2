/* SPDX-License-Identifier: MIT */
/* Any text is read as each of the files of /proc that are known, or refused. */
#include "fuzz/targets/import_state.h"
#include "traces/procfs/buddyinfo.h"
#include "traces/procfs/iomem.h"
#include "traces/procfs/meminfo.h"
#include "traces/procfs/nodes.h"
#include "traces/procfs/pagetypeinfo.h"
#include "traces/procfs/zoneinfo.h"

/* Who reads the text, each by itself. */
#define READERS 6

static const char *const seeds[] = {
	"Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1      3 \n"
	"Node 0, zone    DMA32      5      6      4      4      5      3      4      4      2      3    443 \n",
	"00000000-00000fff : Reserved\n00001000-0009fbff : System RAM\n"
	"00100000-7ffdbfff : System RAM\n  01000000-01e00f16 : Kernel code\n",
	"MemTotal:        2012180 kB\nMemFree:         1900000 kB\nHugePages_Total:       0\n",
	"Page block order: 9\nPages per block:  512\n\n"
	"Free pages count per migrate type at order       0      1      2 \n"
	"Node    0, zone      DMA, type    Unmovable      0      0      0 \n"
	"Node    0, zone      DMA, type      Movable      0      0      3 \n\n"
	"Number of blocks type     Unmovable      Movable  Reclaimable \n"
	"Node 0, zone      DMA            1            7            0 \n",
	"Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon 0\n  pages free     3840\n"
	"        boost    0\n        min      30\n        low      37\n        high     44\n"
	"        spanned  4095\n        present  3998\n        managed  3840\n        cma      0\n"
	"        protection: (0, 1948, 1948, 1948, 1948)\n      nr_free_pages 3840\n  pagesets\n"
	"    cpu: 0\n              count: 0\n              high:  0\n              batch: 1\n"
	"  vm stats threshold: 2\n  node_unreclaimable:  0\n  start_pfn:           1\n",
	"10 21\n",
	NULL
};

static const char *const words[] = { "Node 0, zone ",
				     "cpu: ",
				     "pagesets\n",
				     "protection: (",
				     "type ",
				     "Number of blocks type ",
				     "Free pages count per migrate type at order ",
				     "MemTotal: ",
				     " kB\n",
				     " : System RAM\n",
				     "Page block order: ",
				     NULL };

static const char *const files[] = { "snap-boot/buddyinfo", "snap-boot/pagetypeinfo",
				     "snap-boot/zoneinfo",  "snap-boot/meminfo",
				     "iomem.txt",	    NULL };

static void run(void *state, const uint8_t *data, size_t size, struct target_report *report)
{
	const char *text = (const char *)data;
	struct buddyinfo buddyinfo = { 0 };
	struct pagetypeinfo pagetypeinfo = { 0 };
	struct zoneinfo zoneinfo = { 0 };
	struct meminfo meminfo = { 0 };
	struct iomem iomem = { 0 };
	struct nodes nodes = { 0 };
	struct error *errors[READERS] = {
		buddyinfo_parse(text, size, "input", &buddyinfo),
		pagetypeinfo_parse(text, size, "input", &pagetypeinfo),
		zoneinfo_parse(text, size, "input", &zoneinfo),
		meminfo_parse(text, size, "input", &meminfo),
		iomem_parse(text, size, "input", &iomem),
		nodes_add(&nodes, "distance", text, size, "input"),
	};
	unsigned int refused = 0;

	(void)state;
	for (size_t i = 0; i < READERS; i++) {
		if (errors[i])
			target_report_feature(report, 1u << 16 | (uint32_t)i << 8 |
							      (uint32_t)errors[i]->code);
		else
			import_count((uint32_t)i, size, report);
		refused += errors[i] != NULL;
		error_destroy(errors[i]);
	}
	report->refused = refused == READERS;
	buddyinfo_deinit(&buddyinfo);
	pagetypeinfo_deinit(&pagetypeinfo);
	zoneinfo_deinit(&zoneinfo);
	meminfo_deinit(&meminfo);
	iomem_deinit(&iomem);
	nodes_deinit(&nodes);
}

const struct target target_procfs = {
	.name = "procfs",
	.property = "Any text is read as a file of /proc, or refused.",
	.create = import_create,
	.destroy = import_destroy,
	.run_bytes = run,
	.seeds = seeds,
	.words = words,
	.files = files,
	.usual_bytes_max = 4096,
};
