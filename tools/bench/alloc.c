/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of the page allocator, on a machine of 1 GiB with one CPU and Linux 6.1.
 *
 * The machine has no transparent huge pages, as User Mode Linux has none, where the figures come from
 * that these are held against: watermarks are low then, a page set holds 1300 pages or so, and a burst of
 * 4096 goes through the buddy lists for the most part.
 */
#include "engine/page_alloc.h"

#include <stdlib.h>

#include "engine/boot.h"
#include "tools/bench/bench.h"
#include "tools/bench/made.h"

struct allocator {
	struct boot_input in;
	struct machine m;
	struct page_alloc a;
	pfn_t *pages;
};

static void size_pagesets(struct allocator *t)
{
	for (uint32_t zone = 0; zone < t->a.zone_count; zone++) {
		const struct buddy_zone *bz = &t->m.buddy->zones[zone];
		const struct zone *z = &t->m.nodes[bz->nid].zones[bz->type];

		page_alloc_set_pagesets(&t->a, zone, z->batch, z->high, z->high_min, z->high_max);
	}
}

/* @pages: room for that many of them. */
static struct error *start(struct allocator *t, uint32_t pages)
{
	const struct made_machine what = { 1, 1ULL << 30, 1 };

	machine_init(&t->m);
	t->a = (struct page_alloc){ 0 };
	t->pages = malloc(pages * sizeof(*t->pages));
	if (!made_init(&t->in, &what) || !t->pages)
		return error_no_memory();
	t->in.version = FACTS_VERSION(6, 1, 176);
	t->in.version_text = "6.1.176";
	facts_init(&t->in.facts, t->in.version);
	t->in.config.thp = false;
	t->m.want_lists = true;
	boot_run(&t->m, &t->in, STAGE_LATE);
	if (t->m.out_of_memory)
		return error_no_memory();
	page_alloc_init(&t->a, t->m.buddy, &t->m.config, &t->m.facts, t->m.nodes, t->m.node_count,
			&t->m.zonelists, 1);
	if (t->a.out_of_memory)
		return error_no_memory();
	page_alloc_set_watermarks(&t->a, t->m.nodes);
	size_pagesets(t);
	return NULL;
}

static void finish(struct allocator *t)
{
	free(t->pages);
	page_alloc_deinit(&t->a);
	machine_deinit(&t->m);
	made_deinit(&t->in);
}

/* Takes @burst blocks, then gives them back in the order they came. */
static bool play(struct allocator *t, unsigned int order, uint32_t burst)
{
	const struct alloc_request req = { .order = order,
					   .type = MIGRATE_UNMOVABLE,
					   .highest = ZONE_NORMAL,
					   .flags = ALLOC_WMARK_LOW | ALLOC_KSWAPD };

	for (uint32_t i = 0; i < burst; i++) {
		t->pages[i] = page_alloc_get(&t->a, &req, NULL);
		if (t->pages[i] == PFN_NONE)
			return false;
	}
	for (uint32_t i = 0; i < burst; i++)
		if (!page_alloc_put(&t->a, 0, t->pages[i], order))
			return false;
	return true;
}

/*
 * A round is so many bursts that it holds 2^14 pairs of calls, less for large blocks; and more where Linux makes as
 * many of them in turn (linux_pairs.c).
 */
static struct error *pairs(struct bench *b, unsigned int order, uint32_t burst)
{
	uint32_t bursts = (order > 4 ? 1 << 10 : 1 << 14) / burst * (bench_has_linux(b) ? 16 : 1);
	struct allocator t;
	struct error *err = start(&t, burst);

	while (!err && bench_round(b)) {
		for (uint32_t i = 0; i < bursts && !err; i++)
			if (!play(&t, order, burst))
				err = error_create(ERROR_RANGE, NULL, 0, 0,
						   "1 GiB has no block of order %u left", order);
		bench_work(b, (uint64_t)bursts * burst);
		if (!err)
			err = bench_linux(b);
	}
	if (!err && buddy_check(t.m.buddy, true))
		err = error_create(ERROR_RANGE, NULL, 0, 0, "%s", buddy_check(t.m.buddy, true));
	finish(&t);
	return err;
}

struct error *bench_alloc_pair(struct bench *b)
{
	return pairs(b, 0, 1);
}

struct error *bench_alloc_burst(struct bench *b)
{
	return pairs(b, 0, 4096);
}

struct error *bench_alloc_order3(struct bench *b)
{
	return pairs(b, 3, 512);
}

struct error *bench_alloc_order4(struct bench *b)
{
	return pairs(b, 4, 512);
}

struct error *bench_alloc_order9(struct bench *b)
{
	return pairs(b, 9, 1);
}
