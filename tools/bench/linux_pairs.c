// SPDX-License-Identifier: MIT
/*
 * Not a part of bench, but of a Linux that tools/linux_rival builds: it times pairs of alloc_pages() and
 * __free_pages() as alloc.c does with ours, tells "pairs: NAME PICOSECONDS" of each, and turns the machine off.
 * The command line of the kernel names one by pairs=NAME.
 */
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/reboot.h>
#include <linux/sort.h>
#include <linux/string.h>

#define ROUNDS 25

static const struct pairs {
	const char *name;
	unsigned int order, burst;
} benchmarks[] = {
	{ "alloc-pair", 0, 1 },	     { "alloc-burst", 0, 4096 }, { "alloc-order-3", 3, 512 },
	{ "alloc-order-4", 4, 512 }, { "alloc-order-9", 9, 1 },
};

static struct page *pages[4096];
static u64 took[ROUNDS];
static char chosen[32];

static int __init choose(char *name)
{
	strscpy(chosen, name, sizeof(chosen));
	return 1;
}
__setup("pairs=", choose);

static int __init compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void __init measure(const struct pairs *m)
{
	unsigned int pairs = m->order > 4 ? 1 << 12 : 1 << 16, r, b, i;

	for (r = 0; r < ROUNDS; r++) {
		u64 from = ktime_get_ns();

		for (b = 0; b < pairs / m->burst; b++) {
			for (i = 0; i < m->burst; i++)
				pages[i] = alloc_pages(GFP_KERNEL, m->order);
			for (i = 0; i < m->burst; i++)
				if (pages[i])
					__free_pages(pages[i], m->order);
		}
		took[r] = ktime_get_ns() - from;
	}
	sort(took, ROUNDS, sizeof(took[0]), compare, NULL);
	pr_emerg("pairs: %s %llu\n", m->name, took[ROUNDS / 2] * 1000 / pairs);
}

static int __init measure_pairs(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(benchmarks); i++)
		if (!*chosen || !strcmp(chosen, benchmarks[i].name))
			measure(&benchmarks[i]);
	kernel_power_off();
	return 0;
}
late_initcall_sync(measure_pairs);
