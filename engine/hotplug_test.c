/* SPDX-License-Identifier: MIT */
/*
 * Tests of memory hotplug: what /proc/zoneinfo showed after a section went offline and after a CPU went and
 * came, where memory goes, what is refused, lists that stay as they were, and random lives in which no
 * invariant may break.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/hotplug_lists.h"
#include "engine/pageset.h"
#include "engine/prng.h"
#include "engine/reserves.h"
#include "engine/scenario_hotplug.h"
#include "engine/testing/made_boot.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define PFN(bytes) ((bytes) >> 12)
#define SECTION PFN(128 * MIB)

static const struct scenario_options with_lists = { .want_lists = true };

static void begin(struct scenario *s, const struct made_boot *b)
{
	scenario_init(s);
	scenario_boot(s, &b->in, &with_lists);
	assert_false(s->out_of_memory);
	assert_true(hotplug_ready(&s->hotplug));
}

static void run(struct scenario *s, struct operation op)
{
	scenario_do(s, &op);
	scenario_check(s, INVARIANT_COST_DEEP);
	assert_false(s->out_of_memory);
}

static void expect_sound(struct scenario *s)
{
	for (unsigned int i = 0; i < INVARIANT_COUNT; i++) {
		struct sink_text text = { 0 };
		struct sink sink = sink_to_text(&text);

		if (!s->findings.count[i])
			continue;
		finding_print(&s->findings.first[i], &sink);
		print_message("# %s", sink_text_string(&text));
		sink_text_deinit(&text);
	}
	assert_int_equal(s->findings.total, 0);
}

/* Two nodes with memory below 3 GiB, and nodes 2 and 3 that may get some. */
static void make_nodes(struct made_boot *b, const char *version)
{
	made_boot_init(b, ARCH_X86_64, version);
	made_boot_memory(b, MIB, GIB, 0);
	made_boot_memory(b, GIB, 3 * GIB, 1);
	made_boot_slot(b, 4 * GIB, 8 * GIB, 2);
	made_boot_slot(b, 8 * GIB, 16 * GIB, 3);
	made_boot_cpus(b, 2, 0);
	made_boot_cpus(b, 1, 1);
}

/* ---- what a kernel showed ------------------------------------------------------------------------ */

struct shown {
	uint64_t min, low, high, pcp_high, managed;
};

static void expect_zone(const struct scenario *s, enum zone_type type, const struct shown *shown)
{
	const struct zone *z = &s->machine.nodes[0].zones[type];

	assert_int_equal(z->watermark[WMARK_MIN], shown->min);
	assert_int_equal(z->watermark[WMARK_LOW], shown->low);
	assert_int_equal(z->watermark[WMARK_HIGH], shown->high);
	assert_int_equal(z->high, shown->pcp_high);
	assert_int_equal(z->managed, shown->managed);
}

/* The machine of which 6.1 showed the numbers below: 700 MiB, two CPUs. */
static void make_700m(struct made_boot *b, struct scenario *s, const char *command_line,
		      uint64_t min_free_kbytes, uint64_t managed_then)
{
	struct machine *m = &s->machine;
	struct wmark_input w;

	static const uint64_t managed[] = { 3840, 155505 };

	made_boot_init(b, ARCH_X86_64, "6.1");
	b->in.command_line = command_line;
	made_boot_memory(b, 0, 0x9fc00, -1);
	made_boot_memory(b, MIB, 0x2bbdc000, -1);
	made_boot_cpus(b, 2, 0);
	begin(s, b);
	/* Reserves are those of a boot in which less was managed at first, or a user's. */
	m->nodes[0].zones[ZONE_DMA].managed = managed[ZONE_DMA];
	m->nodes[0].zones[ZONE_DMA32].managed = managed_then;
	m->min_free_kbytes = min_free_kbytes;
	w = reserves_input(m);
	wmark_setup_zones(&w, m->min_free_kbytes, 10);
	wmark_setup_lowmem_reserve(&w);
	m->totalreserve = wmark_totalreserve_pages(&w);
	reserves_size_pagesets(m, 0);
	m->nodes[0].zones[ZONE_DMA32].managed = managed[ZONE_DMA32];
}

static void shown_after_offline(void **unused)
{
	static const struct shown before[] = { { 120, 150, 180, 75, 3840 },
					       { 4879, 6098, 7317, 3049, 155505 } };
	static const struct shown after[] = { { 180, 225, 270, 112, 3840 },
					      { 5773, 7216, 8659, 3608, 122737 } };
	struct made_boot b;
	struct scenario s;
	struct machine *m = &s.machine;

	(void)unused;
	make_700m(&b, &s, "sysctl.vm.min_free_kbytes=20000", 20000, 155505);
	expect_zone(&s, ZONE_DMA, &before[0]);
	expect_zone(&s, ZONE_DMA32, &before[1]);
	assert_int_equal(m->nodes[0].zones[ZONE_DMA32].present, 175068);
	/* echo offline > /sys/devices/system/memory/memory3/state */
	assert_true(hotplug_offline(&s.hotplug, 3 * SECTION, PFN_NONE, 0, 0));
	assert_int_equal(m->min_free_kbytes, 23816);
	expect_zone(&s, ZONE_DMA, &after[0]);
	expect_zone(&s, ZONE_DMA32, &after[1]);
	assert_int_equal(m->nodes[0].zones[ZONE_DMA32].present, 142300);
	assert_int_equal(m->nodes[0].zones[ZONE_DMA32].spanned, 175068);
	assert_int_equal(m->nodes[0].zones[ZONE_DMA].lowmem_reserve[ZONE_DMA32], 122737 / 256);
	assert_int_equal(m->nodes[0].zones[ZONE_DMA].lowmem_reserve[ZONE_DMA32], 479);
	scenario_deinit(&s);
}

/* echo 0 > /sys/devices/system/cpu/cpu1/online, and 1 */
static void shown_after_cpu(void **unused)
{
	static const struct shown both[] = { { 190, 237, 284, 118, 3840 },
					     { 7597, 9496, 11395, 4748, 155505 } };
	static const struct shown one[] = { { 190, 237, 284, 237, 3840 },
					    { 7597, 9496, 11395, 9496, 155505 } };
	struct made_boot b;
	struct scenario s;

	(void)unused;
	make_700m(&b, &s, "", 31152, 153200);
	expect_zone(&s, ZONE_DMA, &both[0]);
	expect_zone(&s, ZONE_DMA32, &both[1]);
	run(&s, (struct operation){ .kind = OPERATION_CPU_DOWN, .cpu = 1 });
	expect_zone(&s, ZONE_DMA, &one[0]);
	expect_zone(&s, ZONE_DMA32, &one[1]);
	assert_int_equal(page_alloc_set(&s.alloc, 1, 0)->high, 9496);
	run(&s, (struct operation){ .kind = OPERATION_CPU_UP, .cpu = 1 });
	expect_zone(&s, ZONE_DMA, &both[0]);
	expect_zone(&s, ZONE_DMA32, &both[1]);
	scenario_deinit(&s);
}

struct step {
	struct operation op;
	struct {
		int32_t nid;
		enum zone_type type;
		uint64_t min, low, high, pcp_high, batch, present, spanned;
		pfn_t start;
	} zones[4]; /* the first one without spanned pages ends them */
	uint64_t protection; /* of node 1's Normal against Movable */
	uint32_t orders[2][2], order_length; /* of both nodes; 0: zonelists are not built anew */
};

#define BLOCK(number) ((number)*SECTION)
#define DMA(min, low, high, pcp_high)                                   \
	{                                                               \
		0, ZONE_DMA, min, low, high, pcp_high, 1, 3998, 4095, 1 \
	}
#define DMA32(min, low, high, pcp_high, batch)                                       \
	{                                                                            \
		0, ZONE_DMA32, min, low, high, pcp_high, batch, 126940, 126940, 4096 \
	}

/*
 * 6.1 with 512 MiB on node 0 and none on node 1, which gets a device of four memory blocks at 4 GiB: what it
 * showed after each step.  It still rebuilds zonelists before it takes an emptied node out, and splits page
 * sets of a node without CPUs over the one CPU that comes.
 */
static void shown_by_nodes(void **unused)
{
	static const struct step steps[] = {
		{ { .kind = OPERATION_ONLINE, .pfn = BLOCK(32), .value = ONLINE_MOVABLE },
		  { DMA(18, 22, 26, 11),
		    DMA32(440, 550, 660, 275, 31),
		    { 1, ZONE_MOVABLE, 156, 195, 234, 97, 7, 32768, 32768, 1048576 } },
		  0,
		  { { 0, 1 }, { 1, 0 } },
		  2 },
		{ { .kind = OPERATION_ONLINE, .pfn = BLOCK(33), .value = ONLINE_KERNEL },
		  { DMA(17, 21, 25, 10),
		    DMA32(407, 508, 609, 254, 31),
		    { 1, ZONE_MOVABLE, 145, 181, 217, 90, 7, 32768, 32768, 1048576 },
		    { 1, ZONE_NORMAL, 145, 181, 217, 90, 7, 32768, 32768, 1081344 } },
		  1024,
		  { { 0, 1 }, { 1, 0 } },
		  2 },
		{ { .kind = OPERATION_OFFLINE, .pfn = BLOCK(32), .target = 1000 },
		  { DMA(21, 26, 31, 13),
		    DMA32(510, 637, 764, 318, 31),
		    { 1, ZONE_NORMAL, 181, 226, 271, 113, 7, 32768, 32768, 1081344 } },
		  0,
		  { { 0, 1 }, { 1, 0 } },
		  2 },
		{ { .kind = OPERATION_ONLINE, .pfn = BLOCK(35), .value = ONLINE_KERNEL },
		  { DMA(19, 23, 27, 11),
		    DMA32(456, 570, 684, 285, 31),
		    { 1, ZONE_NORMAL, 324, 405, 486, 202, 15, 65536, 98304, 1081344 } },
		  0,
		  { { 0 } },
		  0 },
		{ { .kind = OPERATION_CPU_DOWN, .cpu = 1 },
		  { DMA(19, 23, 27, 23),
		    DMA32(456, 570, 684, 570, 31),
		    { 1, ZONE_NORMAL, 324, 405, 486, 405, 15, 65536, 98304, 1081344 } },
		  0,
		  { { 0 } },
		  0 },
		{ { .kind = OPERATION_CPU_UP, .cpu = 1 },
		  { DMA(19, 23, 27, 11),
		    DMA32(456, 570, 684, 285, 31),
		    { 1, ZONE_NORMAL, 324, 405, 486, 405, 15, 65536, 98304, 1081344 } },
		  0,
		  { { 0 } },
		  0 },
		{ { .kind = OPERATION_OFFLINE, .pfn = BLOCK(33), .target = 1000 },
		  { DMA(21, 26, 31, 13),
		    DMA32(510, 637, 764, 318, 31),
		    { 1, ZONE_NORMAL, 181, 226, 271, 113, 7, 32768, 32768, 1146880 } },
		  0,
		  { { 0 } },
		  0 },
		{ { .kind = OPERATION_OFFLINE, .pfn = BLOCK(35), .target = 1000 },
		  { DMA(24, 30, 36, 15), DMA32(591, 738, 885, 369, 31) },
		  0,
		  { { 0, 1 }, { 1, 0 } },
		  2 },
	};
	static const uint64_t at_boot[2][WMARK_COUNT] = { { 25, 31, 37, 43 },
							  { 585, 731, 877, 1023 } };
	struct made_boot b;
	struct scenario s;
	struct machine *m = &s.machine;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.1");
	made_boot_memory(&b, 0, 0x9fc00, 0);
	made_boot_memory(&b, MIB, 0x1ffdc000, 0);
	made_boot_slot(&b, 4 * GIB, 8 * GIB, 1);
	made_boot_cpus(&b, 2, 0);
	begin(&s, &b);
	m->nodes[0].zones[ZONE_DMA].managed = 3840;
	m->nodes[0].zones[ZONE_DMA32].managed = 91974;
	m->hugepage_totalram = 91974 + 3840;
	for (unsigned int t = ZONE_DMA; t <= ZONE_DMA32; t++)
		memcpy(m->nodes[0].zones[t].watermark, at_boot[t], sizeof(at_boot[t]));
	scenario_do(&s, &(struct operation){ .kind = OPERATION_HOTADD,
					     .nid = 1,
					     .pfn = BLOCK(32),
					     .pages = 4 * SECTION });
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		const struct step *step = &steps[i];

		m->zonelists.length[0] = step->order_length ? 0 : m->zonelists.length[0];
		scenario_do(&s, &step->op);
		for (unsigned int z = 0; z < 4 && step->zones[z].spanned; z++) {
			const struct zone *zone =
				&m->nodes[step->zones[z].nid].zones[step->zones[z].type];

			assert_int_equal(zone->watermark[WMARK_MIN], step->zones[z].min);
			assert_int_equal(zone->watermark[WMARK_LOW], step->zones[z].low);
			assert_int_equal(zone->watermark[WMARK_HIGH], step->zones[z].high);
			assert_int_equal(zone->high, step->zones[z].pcp_high);
			assert_int_equal(zone->batch, step->zones[z].batch);
			assert_int_equal(zone->present, step->zones[z].present);
			assert_int_equal(zone->spanned, step->zones[z].spanned);
			assert_int_equal(zone->start_pfn, step->zones[z].start);
		}
		for (unsigned int nid = 0; nid < 2; nid++)
			assert_int_equal(m->nodes[nid].spanned,
					 m->nodes[nid].end_pfn - m->nodes[nid].start_pfn);
		assert_int_equal(m->nodes[0].zones[ZONE_DMA].lowmem_reserve[ZONE_MOVABLE], 359);
		assert_int_equal(m->nodes[1].zones[ZONE_NORMAL].lowmem_reserve[ZONE_MOVABLE],
				 step->protection);
		if (!step->order_length)
			continue;
		for (uint32_t nid = 0; nid < 2; nid++) {
			assert_int_equal(m->zonelists.length[nid], step->order_length);
			for (uint32_t k = 0; k < step->order_length; k++)
				assert_int_equal(m->zonelists.order[nid * 2 + k],
						 step->orders[nid][k]);
		}
	}
	/* "Policy zone: Normal", although there is none any more. */
	assert_int_equal(m->zonelists.policy_zone, ZONE_NORMAL);
	scenario_deinit(&s);
}

/* ---- where memory goes --------------------------------------------------------------------------- */

static void zone_choice(void **unused)
{
	static const struct {
		pfn_t pfn;
		enum online_type how;
		enum zone_type zone;
	} rows[] = {
		{ PFN(3 * GIB), ONLINE_KERNEL, ZONE_NORMAL }, /* behind DMA32 */
		{ PFN(2 * GIB) - SECTION, ONLINE_KERNEL, ZONE_DMA32 },
		{ PFN(2 * GIB) - SECTION, ONLINE_DEFAULT, ZONE_DMA32 },
		{ PFN(2 * GIB) - SECTION, ONLINE_MOVABLE, ZONE_MOVABLE },
		{ PFN(9 * GIB), ONLINE_DEFAULT, ZONE_NORMAL },
		{ PFN(10 * GIB), ONLINE_DEFAULT, ZONE_MOVABLE }, /* within what is movable */
		{ PFN(10 * GIB), ONLINE_KERNEL, ZONE_NORMAL },
	};
	struct made_boot b;
	struct scenario s;

	(void)unused;
	make_nodes(&b, "6.12");
	begin(&s, &b);
	s.machine.nodes[1].zones[ZONE_MOVABLE].start_pfn = PFN(10 * GIB);
	s.machine.nodes[1].zones[ZONE_MOVABLE].spanned = 4 * SECTION;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(hotplug_zone_for(&s.hotplug, 1, rows[i].pfn, SECTION, rows[i].how),
				 rows[i].zone);
	s.machine.cmdline.movable_node = true;
	assert_int_equal(hotplug_zone_for(&s.hotplug, 1, PFN(9 * GIB), SECTION, ONLINE_DEFAULT),
			 ZONE_MOVABLE);
	scenario_deinit(&s);
}

/* A section that came online is free in blocks of the largest order, in the order of their addresses. */
static void fresh_section(void **unused)
{
	struct made_boot b;
	struct scenario s;
	const struct node *node;
	uint32_t zone, cursor = BUDDY_LIST_START;
	pfn_t pfn;

	(void)unused;
	make_nodes(&b, "6.12");
	begin(&s, &b);
	assert_true(hotplug_add(&s.hotplug, 2, PFN(4 * GIB), SECTION));
	assert_true(hotplug_online(&s.hotplug, PFN(4 * GIB) + 5, ONLINE_MOVABLE));
	node = &s.machine.nodes[2];
	zone = buddy_zone_find(s.machine.buddy, 2, ZONE_MOVABLE);
	assert_int_not_equal(zone, BUDDY_ZONE_NONE);
	assert_int_equal(node->zones[ZONE_MOVABLE].present, SECTION);
	assert_int_equal(node->zones[ZONE_MOVABLE].managed, SECTION);
	assert_int_equal(node->start_pfn, PFN(4 * GIB));
	assert_int_equal(node->end_pfn, PFN(4 * GIB) + SECTION);
	assert_int_equal(node->nr_zones, ZONE_MOVABLE + 1);
	assert_true(node->memory);
	for (uint32_t i = 0; i < SECTION / 1024; i++) {
		assert_true(
			buddy_list_next(s.machine.buddy, zone, 10, MIGRATE_MOVABLE, &cursor, &pfn));
		assert_int_equal(pfn, PFN(4 * GIB) + 1024ULL * i);
	}
	assert_false(buddy_list_next(s.machine.buddy, zone, 10, MIGRATE_MOVABLE, &cursor, &pfn));
	/* All nodes know it now, each its distance away. */
	for (uint32_t nid = 0; nid < 3; nid++)
		assert_int_equal(s.machine.zonelists.length[nid], 3);
	assert_int_equal(s.machine.zonelists.order[8], 2);
	/* Gone again, nothing is left of it. */
	assert_true(hotplug_offline(&s.hotplug, PFN(4 * GIB), PFN_NONE, 0, 0));
	assert_int_equal(node->present, 0);
	assert_false(node->memory);
	assert_int_equal(node->end_pfn, 0);
	assert_int_equal(s.machine.zonelists.length[0], 2);
	assert_int_equal(buddy_zone_find(s.machine.buddy, 2, ZONE_MOVABLE), BUDDY_ZONE_NONE);
	assert_true(hotplug_remove(&s.hotplug, PFN(4 * GIB), SECTION));
	assert_false(s.hotplug.node_online[2]);
	scenario_deinit(&s);
}

static void refused(void **unused)
{
	struct made_boot b;
	struct scenario s;
	struct hotplug *h = &s.hotplug;

	(void)unused;
	make_nodes(&b, "6.12");
	begin(&s, &b);
	/* Memory that is there, nodes that are not, frames that no machine has. */
	assert_false(hotplug_add(h, 0, PFN(GIB), SECTION));
	assert_false(hotplug_add(h, 4, PFN(64 * GIB), SECTION));
	assert_false(hotplug_add(h, -1, PFN(64 * GIB), SECTION));
	assert_false(hotplug_add(h, 0, UINT64_MAX, SECTION));
	assert_false(hotplug_online(h, PFN(64 * GIB), ONLINE_KERNEL));
	assert_false(hotplug_offline(h, PFN(64 * GIB), PFN_NONE, 0, 0));
	assert_false(hotplug_remove(h, PFN(64 * GIB), SECTION));
	/* What is online is not removed; the first section has holes, and pages in use. */
	assert_false(hotplug_remove(h, PFN(GIB), SECTION));
	assert_false(hotplug_offline(h, 0, PFN_NONE, 0, 0));
	/* Not twice. */
	assert_true(hotplug_add(h, 2, PFN(4 * GIB), 2 * SECTION));
	assert_false(hotplug_add(h, 2, PFN(4 * GIB), SECTION));
	assert_true(hotplug_online(h, PFN(4 * GIB), ONLINE_KERNEL));
	assert_false(hotplug_online(h, PFN(4 * GIB), ONLINE_KERNEL));
	assert_true(hotplug_offline(h, PFN(4 * GIB), PFN_NONE, 0, 0));
	assert_false(hotplug_offline(h, PFN(4 * GIB), PFN_NONE, 0, 0));
	/* A page in use. */
	assert_true(hotplug_online(h, PFN(4 * GIB), ONLINE_KERNEL));
	assert_true(scenario_follow_zones(&s));
	run(&s, (struct operation){ .kind = OPERATION_ALLOC, .nid = 2, .highest = ZONE_NORMAL });
	assert_int_not_equal(s.blocks[0].pfn, PFN_NONE);
	assert_false(hotplug_offline(h, PFN(4 * GIB), PFN_NONE, 0, 0));
	run(&s, (struct operation){ .kind = OPERATION_FREE, .target = 0 });
	assert_true(hotplug_offline(h, PFN(4 * GIB), PFN_NONE, 0, 0));
	/* The last CPU. */
	assert_true(hotplug_cpu(h, 2, false));
	assert_true(hotplug_cpu(h, 1, false));
	assert_false(hotplug_cpu(h, 0, false));
	assert_true(scenario_follow_zones(&s));
	scenario_check(&s, INVARIANT_COST_DEEP);
	expect_sound(&s);
	scenario_deinit(&s);
}

/* Free lists, page sets and pages in use are the same before and after something else comes. */
static void lists_stay(void **unused)
{
	struct made_boot b;
	struct scenario s;
	uint64_t hash, free_pages;
	uint32_t count, zone;
	pfn_t head, held;

	(void)unused;
	make_nodes(&b, "6.12");
	begin(&s, &b);
	for (unsigned int i = 0; i < 40; i++)
		run(&s, (struct operation){ .kind = OPERATION_ALLOC,
					    .nid = 1,
					    .order = i % 4,
					    .type = i % 3,
					    .highest = ZONE_NORMAL });
	for (unsigned int i = 0; i < 40; i += 3)
		run(&s, (struct operation){ .kind = OPERATION_FREE, .target = i });
	zone = s.blocks[1].zone;
	held = s.blocks[1].pfn;
	hash = buddy_hash(s.machine.buddy);
	free_pages = buddy_zone_free_pages(s.machine.buddy, zone);
	count = page_alloc_set(&s.alloc, zone, 0)->count;
	head = pageset_head(&s.alloc, page_alloc_set(&s.alloc, zone, 0), 0);
	assert_true(count > 0);
	hotplug_lists_move(&s.hotplug);
	assert_int_equal(buddy_hash(s.machine.buddy), hash);
	assert_int_equal(page_alloc_set(&s.alloc, zone, 0)->count, count);
	assert_int_equal(pageset_head(&s.alloc, page_alloc_set(&s.alloc, zone, 0), 0), head);
	assert_true(page_alloc_is_held(&s.alloc, zone, held, 1));
	run(&s,
	    (struct operation){
		    .kind = OPERATION_HOTADD, .nid = 2, .pfn = PFN(4 * GIB), .pages = SECTION });
	run(&s, (struct operation){ .kind = OPERATION_ONLINE, .pfn = PFN(4 * GIB) });
	zone = buddy_zone_find(s.machine.buddy, 1, ZONE_DMA32);
	assert_int_equal(buddy_zone_free_pages(s.machine.buddy, zone), free_pages);
	assert_true(page_alloc_is_held(&s.alloc, zone, held, 1));
	for (uint32_t i = 0; i < s.block_count; i++)
		if (s.blocks[i].pfn != PFN_NONE)
			assert_true(page_alloc_is_held(&s.alloc, zone, s.blocks[i].pfn,
						       s.blocks[i].order));
	assert_null(buddy_check(s.machine.buddy, false));
	expect_sound(&s);
	scenario_deinit(&s);
}

static void balloon(void **unused)
{
	struct made_boot b;
	struct scenario s;
	const struct zone *z;
	uint64_t managed, free_pages;
	uint32_t zone;

	(void)unused;
	make_nodes(&b, "6.12");
	begin(&s, &b);
	z = &s.machine.nodes[1].zones[ZONE_DMA32];
	zone = buddy_zone_find(s.machine.buddy, 1, ZONE_DMA32);
	managed = z->managed;
	free_pages = buddy_zone_free_pages(s.machine.buddy, zone);
	hotplug_balloon(&s.hotplug, 1, ZONE_DMA32, 1234);
	assert_int_equal(z->managed, managed - 1234);
	assert_int_equal(buddy_zone_free_pages(s.machine.buddy, zone), free_pages - 1234);
	/* Blocks come back from the last one taken: 2 and 16 pages, and not the next. */
	hotplug_balloon(&s.hotplug, 1, ZONE_DMA32, -18);
	assert_int_equal(z->managed, managed - 1216);
	assert_int_equal(buddy_zone_free_pages(s.machine.buddy, zone), free_pages - 1216);
	hotplug_balloon(&s.hotplug, 1, ZONE_DMA32, INT64_MAX);
	assert_int_equal(buddy_zone_free_pages(s.machine.buddy, zone), 0);
	hotplug_balloon(&s.hotplug, 1, ZONE_DMA32, INT64_MIN);
	assert_int_equal(z->managed, managed);
	assert_int_equal(buddy_zone_free_pages(s.machine.buddy, zone), free_pages);
	assert_int_equal(s.hotplug.balloon_count, 0);
	assert_null(buddy_check(s.machine.buddy, false));
	scenario_deinit(&s);
}

/* ---- random lives -------------------------------------------------------------------------------- */

static struct operation draw(struct prng *p, uint32_t number)
{
	static const enum operation_kind kinds[] = {
		OPERATION_HOTADD,  OPERATION_HOTADD,   OPERATION_ONLINE,      OPERATION_ONLINE,
		OPERATION_ONLINE,  OPERATION_OFFLINE,  OPERATION_OFFLINE,     OPERATION_HOTREMOVE,
		OPERATION_BALLOON, OPERATION_CPU_DOWN, OPERATION_CPU_UP,      OPERATION_NODE_STAT,
		OPERATION_ALLOC,   OPERATION_ALLOC,    OPERATION_ALLOC,	      OPERATION_FREE,
		OPERATION_FREE,	   OPERATION_DRAIN,    OPERATION_ALLOC_RACED,
	};
	static const enum zone_type zones[] = { ZONE_DMA32, ZONE_NORMAL, ZONE_MOVABLE };
	bool near = prng_below(p, 6);

	return (struct operation){
		.kind = kinds[prng_below(p, sizeof(kinds) / sizeof(*kinds))],
		.cpu = (uint32_t)prng_below(p, 3),
		.nid = (int32_t)prng_below(p, 5),
		.order = (unsigned int)prng_below(p, 11),
		.type = (enum migratetype)prng_below(p, 3),
		.highest = zones[prng_below(p, 3)],
		.target = number ? (uint32_t)prng_below(p, number) : 0,
		.pfn = near ? (20 + prng_below(p, 16)) * SECTION + prng_below(p, 3)
			    : prng_below(p, 128) * SECTION,
		.pages = prng_below(p, 4) * SECTION,
		.value = prng_below(p, 2) ? (int64_t)prng_below(p, 3)
					  : (int64_t)prng_below(p, 80000) - 40000,
	};
}

static void random_lives(void **unused)
{
	struct made_boot b;
	struct scenario s;
	uint64_t online = 0, offline = 0;

	(void)unused;
	scenario_init(&s);
	for (uint32_t seed = 0; seed < 150; seed++) {
		struct prng p = prng_init(seed);

		make_nodes(&b, eras[seed % era_count].name);
		if (seed % 3 == 1)
			b.in.command_line = "kernelcore=1G";
		if (seed % 5 == 2)
			b.in.command_line = "movable_node sysctl.vm.min_free_kbytes=30000";
		quirks_all_right(&b.in.facts);
		scenario_boot(&s, &b.in, &with_lists);
		for (uint32_t i = 0; i < 120; i++) {
			struct operation op = draw(&p, i);
			uint32_t before = s.hotplug.offline_count;

			s.findings.event = i;
			scenario_do(&s, &op);
			scenario_check(&s, i % 8 ? INVARIANT_COST_WALK : INVARIANT_COST_DEEP);
			assert_false(s.out_of_memory);
			online += op.kind == OPERATION_ONLINE && s.hotplug.offline_count < before;
			offline += op.kind == OPERATION_OFFLINE && s.hotplug.offline_count > before;
			if (s.findings.total) {
				print_message("# seed %u, %s, operation %u: %s\n", seed,
					      eras[seed % era_count].name, i,
					      operation_name(op.kind));
				break;
			}
		}
		expect_sound(&s);
	}
	scenario_deinit(&s);
	/* They are not all refused. */
	assert_true(online > 150);
	assert_true(offline > 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shown_by_nodes),  cmocka_unit_test(shown_after_offline),
		cmocka_unit_test(shown_after_cpu), cmocka_unit_test(zone_choice),
		cmocka_unit_test(fresh_section),   cmocka_unit_test(refused),
		cmocka_unit_test(lists_stay),	   cmocka_unit_test(balloon),
		cmocka_unit_test(random_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
