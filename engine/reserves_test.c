/* SPDX-License-Identifier: MIT */
/*
 * Tests of the moments at which reserves are worked out: of two machines that booted alike one goes through the
 * moment, the other has the formulas of wmark.h called on it one by one, and both have the same zones after.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/boot.h"
#include "engine/reserves.h"
#include "engine/testing/made_boot.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const versions[] = { "2.6.32", "3.10", "4.4", "5.9",
					"5.14",	  "5.17", "6.1", "6.14" };

struct twins {
	struct made_boot b;
	struct machine m, o;
	struct wmark_input in; /* of @o */
};

/* Two nodes of @mib MiB in all, the second of them a third; @options is the command line. */
static void begin(struct twins *t, const char *version, uint64_t mib, const char *options)
{
	made_boot_init(&t->b, ARCH_X86_64, version);
	t->b.in.command_line = options;
	made_boot_memory(&t->b, MIB, mib * 2 / 3 * MIB, 0);
	made_boot_memory(&t->b, mib * 2 / 3 * MIB, mib * MIB, 1);
	made_boot_cpus(&t->b, 3, 0);
	made_boot_cpus(&t->b, 2, 1);
	machine_init(&t->m);
	machine_init(&t->o);
	boot_run(&t->m, &t->b.in, STAGE_MEM_INIT);
	boot_run(&t->o, &t->b.in, STAGE_MEM_INIT);
	assert_int_equal(t->m.node_count, 2);
	for (uint32_t n = 0; n < 2; n++)
		t->m.nodes[n].cpus = t->o.nodes[n].cpus = 3 - n;
	t->in = (struct wmark_input){ .nodes = t->o.nodes,
				      .node_count = 2,
				      .zonelists = &t->o.zonelists,
				      .limits = &t->o.limits,
				      .config = &t->o.config,
				      .facts = &t->o.facts,
				      .zones_mask = t->o.config.zones_mask };
}

static void check_and_end(struct twins *t)
{
	assert_int_equal(t->m.min_free_kbytes, t->o.min_free_kbytes);
	assert_int_equal(t->m.totalreserve, t->o.totalreserve);
	for (uint32_t n = 0; n < 2; n++) {
		for (unsigned int type = 0; type < ZONE_TYPE_COUNT; type++) {
			const struct zone *z = &t->m.nodes[n].zones[type];
			const struct zone *o = &t->o.nodes[n].zones[type];

			assert_memory_equal(z->watermark, o->watermark, sizeof(o->watermark));
			assert_memory_equal(z->lowmem_reserve, o->lowmem_reserve,
					    sizeof(o->lowmem_reserve));
			assert_int_equal(z->batch, o->batch);
			assert_int_equal(z->high, o->high);
			assert_int_equal(z->high_max, o->high_max);
			assert_int_equal(z->joined, o->joined);
			assert_int_equal(z->counted, o->counted);
		}
	}
	machine_deinit(&t->m);
	machine_deinit(&t->o);
}

/* What the boot works out; @factor: watermark_scale_factor. */
static void set_up(struct twins *t, uint64_t kbytes, uint64_t factor)
{
	t->o.min_free_kbytes = kbytes;
	wmark_setup_zones(&t->in, kbytes, factor);
	t->o.totalreserve = wmark_totalreserve_pages(&t->in);
}

static void size_sets(struct twins *t, struct zone *z, uint64_t fraction)
{
	if (!z->present)
		return;
	pageset_size_zone(z, t->o.nodes[z->nid].cpus, t->o.online_cpus, fraction, &t->o.config,
			  &t->o.facts);
	z->joined = z->managed;
}

static void size_all_sets(struct twins *t, uint64_t fraction)
{
	for (uint32_t n = 0; n < 2; n++)
		for (unsigned int type = 0; type < ZONE_TYPE_COUNT; type++)
			size_sets(t, &t->o.nodes[n].zones[type], fraction);
}

/* The boot runs on the first node that has a list of zones to go through. */
static void the_node_that_boots(void **state)
{
	static const struct {
		uint16_t length[3];
		int32_t nid;
	} rows[] = {
		{ { 1, 1, 1 }, 0 }, { { 2, 0, 0 }, 0 }, { { 0, 2, 2 }, 1 }, { { 0, 0, 1 }, 2 }
	};
	struct machine m;

	(void)state;
	machine_init(&m);
	m.node_count = 3;
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		uint16_t length[3];

		memcpy(length, rows[i].length, sizeof(length));
		m.zonelists.length = length;
		assert_int_equal(reserves_input(&m).boot_nid, rows[i].nid);
	}
	m.node_count = 0;
	m.zonelists.length = NULL;
	machine_deinit(&m);
}

static void the_boot_computes(void **state)
{
	struct twins t;

	(void)state;
	for (uint32_t i = 0; i < COUNT(versions); i++) {
		begin(&t, versions[i], 6144, "");
		reserves_compute(&t.m);
		set_up(&t, wmark_min_free_kbytes(&t.in), 10);
		wmark_setup_lowmem_reserve(&t.in);
		t.o.totalreserve = wmark_totalreserve_pages(&t.in);
		assert_true(t.o.totalreserve > 0);
		assert_true(t.o.min_free_kbytes > 1024);
		check_and_end(&t);
	}
}

/* khugepaged never lowers, and is only there where huge pages are. */
static void khugepaged_raises(void **state)
{
	static const struct {
		const char *version, *options;
		uint64_t mib,
			before; /* kB that are free at least before; 0 = what the boot computes */
		enum { STAYS, RAISED, ANEW } outcome;
		bool no_thp;
	} rows[] = {
		{ "6.1", "", 2048, 0, RAISED, false },
		{ "6.1", "", 2048, 400000, STAYS, false },
		{ "6.1", "", 2048, 0, STAYS, true },
		{ "2.6.32", "", 2048, 0, STAYS, false },
		{ "2.6.38", "", 2048, 0, RAISED, false },
		/* A later initcall computed all anew. */
		{ "4.1", "", 2048, 0, STAYS, false },
		{ "4.6", "", 2048, 0, RAISED, false },
		/* Too small for huge pages. */
		{ "6.1", "", 448, 0, STAYS, false },
		/* Switched off, some kernels compute the same again, less what is above high now. */
		{ "5.16", "transparent_hugepage=never", 2048, 0, STAYS, false },
		{ "5.17", "transparent_hugepage=never", 2048, 0, ANEW, false },
		{ "5.17", "transparent_hugepage=never", 2048, 400000, ANEW, false },
		{ "5.17", "transparent_hugepage=never", 448, 0, STAYS, false },
	};
	struct twins t;

	(void)state;
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		uint64_t before;

		begin(&t, rows[i].version, rows[i].mib, rows[i].options);
		t.m.config.thp = t.o.config.thp = !rows[i].no_thp;
		reserves_compute(&t.m);
		reserves_compute(&t.o);
		if (rows[i].before)
			t.m.min_free_kbytes = t.o.min_free_kbytes = rows[i].before;
		before = t.m.min_free_kbytes;
		reserves_raise_for_khugepaged(&t.m);
		assert_int_equal(t.m.hugepage_totalram, t.m.totalram);
		if (rows[i].outcome == RAISED) {
			set_up(&t, wmark_khugepaged_kbytes(&t.in, t.o.totalram), 10);
			assert_true(t.m.min_free_kbytes > before);
		} else if (rows[i].outcome == ANEW) {
			set_up(&t, wmark_min_free_kbytes(&t.in), 10);
			assert_true(t.m.min_free_kbytes < before);
		}
		check_and_end(&t);
	}
}

/* If it wants just what there is, nothing is worked out again. */
static void khugepaged_has_what_it_wants(void **state)
{
	struct twins t;

	(void)state;
	begin(&t, "6.1", 2048, "");
	t.m.config.thp = t.o.config.thp = true;
	reserves_compute(&t.m);
	reserves_compute(&t.o);
	reserves_raise_for_khugepaged(&t.m);
	set_up(&t, wmark_khugepaged_kbytes(&t.in, t.o.totalram), 10);
	t.m.nodes[0].zones[ZONE_DMA].watermark[WMARK_MIN] = 7;
	t.o.nodes[0].zones[ZONE_DMA].watermark[WMARK_MIN] = 7;
	reserves_raise_for_khugepaged(&t.m);
	check_and_end(&t);
}

static void exactly_half_a_gib_is_enough(void **state)
{
	struct twins t;

	(void)state;
	for (uint64_t pages = 131071; pages <= 131072; pages++) {
		begin(&t, "5.17", 2048, "transparent_hugepage=never");
		reserves_compute(&t.m);
		reserves_compute(&t.o);
		t.m.totalram = pages;
		reserves_raise_for_khugepaged(&t.m);
		assert_int_equal(t.m.hugepage_totalram, pages);
		if (pages == 131072)
			set_up(&t, wmark_min_free_kbytes(&t.in), 10);
		check_and_end(&t);
	}
}

static void sets_of_all_zones(void **state)
{
	static const uint64_t fractions[] = { 0, 8, 100 };
	struct twins t;

	(void)state;
	for (uint32_t i = 0; i < COUNT(versions) * COUNT(fractions); i++) {
		begin(&t, versions[i / COUNT(fractions)], 6144, "");
		reserves_compute(&t.m);
		reserves_compute(&t.o);
		reserves_size_pagesets(&t.m, fractions[i % COUNT(fractions)]);
		size_all_sets(&t, fractions[i % COUNT(fractions)]);
		assert_int_equal(t.m.nodes[1].zones[ZONE_DMA].batch, 0);
		check_and_end(&t);
	}
}

/* Each generation of page sets has a fraction of its own. */
static void fractions(void **state)
{
	static const struct {
		const char *version, *options;
		uint64_t fraction;
	} rows[] = {
		{ "6.1", "", 0 },
		{ "6.1", "sysctl.vm.percpu_pagelist_high_fraction=9", 9 },
		{ "6.1", "sysctl.vm.percpu_pagelist_fraction=9", 0 },
		{ "5.10", "sysctl.vm.percpu_pagelist_high_fraction=9", 0 },
		{ "5.10", "sysctl.vm.percpu_pagelist_fraction=9", 9 },
	};
	struct twins t;

	(void)state;
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		begin(&t, rows[i].version, 2048, rows[i].options);
		assert_int_equal(reserves_pageset_fraction(&t.m), rows[i].fraction);
		check_and_end(&t);
	}
}

/* Memory came to node 1: all is worked out again, but for what the user set. */
static void memory_came(void **state)
{
	static const struct {
		const char *version, *options;
		uint64_t kbytes, factor; /* the user's, or 0 and 10 */
		bool computed; /* more than the user wants */
	} rows[] = {
		{ "5.9", "", 0, 10, true },
		{ "5.10", "", 0, 10, true },
		{ "5.13", "", 0, 10, true },
		{ "5.14", "", 0, 10, true },
		{ "6.1", "", 0, 10, true },
		{ "6.1", "transparent_hugepage=never", 0, 10, true },
		{ "6.1", "sysctl.vm.min_free_kbytes=300000", 300000, 10, false },
		{ "6.1", "sysctl.vm.min_free_kbytes=300 transparent_hugepage=never", 300, 10,
		  true },
		{ "6.1", "sysctl.vm.watermark_scale_factor=70", 0, 70, true },
		{ "6.1", "sysctl.vm.lowmem_reserve_ratio=100,200,300", 0, 10, true },
		{ "6.1", "sysctl.vm.percpu_pagelist_high_fraction=9", 0, 10, true },
		{ "5.10", "sysctl.vm.percpu_pagelist_fraction=9", 0, 10, true },
	};
	struct twins t;

	(void)state;
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		struct zone *z, *o;
		uint64_t fraction, wanted;
		bool all_sets;

		begin(&t, rows[i].version, 6144, rows[i].options);
		fraction = reserves_pageset_fraction(&t.m);
		all_sets = fact_get(&t.m.facts, FACT_pcp_high_from_low_wmark);
		z = &t.m.nodes[1].zones[ZONE_NORMAL];
		o = &t.o.nodes[1].zones[ZONE_NORMAL];
		if (!z->present)
			z = &t.m.nodes[1].zones[ZONE_DMA32], o = &t.o.nodes[1].zones[ZONE_DMA32];
		assert_true(z->present > 0);
		t.m.min_free_kbytes = t.o.min_free_kbytes = rows[i].kbytes;
		t.m.hugepage_totalram = t.m.totalram;
		t.m.cpu_coming = true;
		z->managed = o->managed += 1000;
		reserves_renew(&t.m, z);
		assert_false(t.m.cpu_coming);

		if (t.o.cmdline.sysctl_lowmem_set) {
			t.in.lowmem_ratio = t.o.cmdline.sysctl_lowmem_ratio;
			t.in.lowmem_ratio_count = t.o.cmdline.sysctl_lowmem_count;
		}
		set_up(&t, rows[i].computed ? wmark_min_free_kbytes(&t.in) : rows[i].kbytes,
		       rows[i].factor);
		wmark_setup_lowmem_reserve(&t.in);
		t.o.totalreserve = wmark_totalreserve_pages(&t.in);
		wanted = wmark_khugepaged_kbytes(&t.in, t.o.totalram);
		if (fact_get(&t.o.facts, FACT_hotplug_asks_khugepaged)) {
			if (t.o.cmdline.thp_never &&
			    fact_get(&t.o.facts, FACT_khugepaged_off_recalculates))
				set_up(&t, wmark_min_free_kbytes(&t.in), rows[i].factor);
			else if (!t.o.cmdline.thp_never && wanted > t.o.min_free_kbytes)
				set_up(&t, wanted, rows[i].factor);
		}
		for (uint32_t n = 0; n < 2; n++) {
			for (unsigned int type = 0; type < ZONE_TYPE_COUNT; type++) {
				struct zone *every = &t.o.nodes[n].zones[type];

				every->counted = every->managed;
			}
		}
		o->joined = o->managed;
		if (all_sets)
			size_all_sets(&t, fraction);
		else
			size_sets(&t, o, fraction);
		check_and_end(&t);
	}
}

/* A balloon takes pages: only newer kernels look at what that means for lower zones. */
static void managed_pages_change(void **state)
{
	static const char *const before_and_after[] = { "6.12", "6.14" };
	struct twins t;

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		begin(&t, before_and_after[i], 6144, "sysctl.vm.lowmem_reserve_ratio=7,8,9");
		reserves_compute(&t.m);
		reserves_compute(&t.o);
		t.m.nodes[1].zones[ZONE_NORMAL].managed -= 5000;
		t.o.nodes[1].zones[ZONE_NORMAL].managed -= 5000;
		t.m.nodes[0].zones[ZONE_DMA32].managed -= 5000;
		t.o.nodes[0].zones[ZONE_DMA32].managed -= 5000;
		reserves_follow_managed(&t.m);
		if (i) {
			t.in.lowmem_ratio = t.o.cmdline.sysctl_lowmem_ratio;
			t.in.lowmem_ratio_count = t.o.cmdline.sysctl_lowmem_count;
			wmark_setup_lowmem_reserve(&t.in);
			t.o.totalreserve = wmark_totalreserve_pages(&t.in);
		}
		check_and_end(&t);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_node_that_boots),
		cmocka_unit_test(the_boot_computes),
		cmocka_unit_test(khugepaged_raises),
		cmocka_unit_test(khugepaged_has_what_it_wants),
		cmocka_unit_test(exactly_half_a_gib_is_enough),
		cmocka_unit_test(sets_of_all_zones),
		cmocka_unit_test(fractions),
		cmocka_unit_test(memory_came),
		cmocka_unit_test(managed_pages_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
