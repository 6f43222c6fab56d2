/* SPDX-License-Identifier: MIT */
/* Tests of the invariants of reserves and page sets: quirks on whole machines, and numbers broken by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/testing/made_boot.h"
#include "engine/wmark_invariants.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static void cpuless_node(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, GIB, 0);
	made_boot_memory(&b, GIB, 2 * GIB, 1);
	made_boot_cpus(&b, 4, 0);
	made_boot_quirk(&b, QUIRK_PCP_HIGH_NOT_SPLIT_ON_CPULESS_NODE, NULL, 0);
}

static void sized_early(void **unused)
{
	struct made_boot b;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "5.10");
	made_boot_memory(&b, MIB, 2 * GIB, 0);
	made_boot_memory(&b, 4 * GIB, 8 * GIB, 0);
	made_boot_quirk(&b, QUIRK_PCP_LIMITS_BEFORE_DEFERRED_INIT, NULL, 0);
}

/* 1 GiB of ZONE_NORMAL, half of which is the initrd, freed when reserves are there already. */
static void large_initrd(struct made_boot *b, const char *version)
{
	made_boot_init(b, ARCH_X86_64, version);
	made_boot_memory(b, MIB, GIB, -1);
	made_boot_memory(b, 4 * GIB, 5 * GIB, -1);
	made_boot_reserve(b, 4 * GIB, 4 * GIB + 512 * MIB);
	b->in.ramdisk_start = 4 * GIB;
	b->in.ramdisk_end = 4 * GIB + 512 * MIB;
	b->steps[b->in.step_count++] = (struct boot_step){
		.kind = STEP_LATE_FREE, .size = 512 * MIB, .nid = NID_NONE, .name = "initrd"
	};
}

static void reserve_stale(void **unused)
{
	struct made_boot b;

	(void)unused;
	large_initrd(&b, "6.12");
	made_boot_quirk(&b, QUIRK_LOWMEM_RESERVE_STALE, NULL, 0);
}

/* What users set is not found fault with, in any kernel. */
static void all_eras(void **unused)
{
	static const char *const lines[] = {
		"",
		"sysctl.vm.min_free_kbytes=100000 sysctl.vm.watermark_scale_factor=300",
		"sysctl.vm.lowmem_reserve_ratio=\"10 0 5 1\"",
		"sysctl.vm.percpu_pagelist_high_fraction=8 sysctl.vm.percpu_pagelist_fraction=8",
		"kernelcore=512M transparent_hugepage=never",
	};
	static const enum arch archs[] = { ARCH_X86_64, ARCH_I386, ARCH_ARM64, ARCH_OTHER };
	struct made_boot b;

	(void)unused;
	for (unsigned int e = 0; e < era_count; e++) {
		for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
			large_initrd(&b, eras[e].name);
			b.in.command_line = lines[i];
			b.in.online_cpus = 3;
			made_boot_sound(&b, NULL, 0);
			for (size_t a = 0; a < sizeof(archs) / sizeof(*archs); a++) {
				made_boot_init(&b, archs[a], eras[e].name);
				b.in.command_line = lines[i];
				made_boot_memory(&b, MIB, 2 * GIB, -1);
				b.in.online_cpus = 2;
				made_boot_sound(&b, NULL, 0);
			}
		}
	}
}

enum break_kind { ORDER, SUM, RESERVE, TOTAL, BATCH, SPLIT_MIN, SPLIT_MAX, BREAK_COUNT };

static enum invariant break_machine(struct machine *m, enum break_kind kind)
{
	struct zone *z = &m->nodes[0].zones[ZONE_DMA32];

	switch (kind) {
	case ORDER:
		z->watermark[WMARK_LOW] = z->watermark[WMARK_HIGH] + 1;
		return INVARIANT_WATERMARK_ORDER;
	case SUM:
		z->watermark[WMARK_MIN] -= ZONE_TYPE_COUNT;
		return INVARIANT_WATERMARK_SUM;
	case RESERVE:
		z->lowmem_reserve[ZONE_NORMAL]++;
		return INVARIANT_LOWMEM_RESERVE;
	case TOTAL:
		m->totalreserve++;
		return INVARIANT_TOTALRESERVE;
	case BATCH:
		z->batch /= 2;
		return INVARIANT_PCP_BATCH;
	case SPLIT_MIN:
		z->high_min += 8 * z->batch;
		return INVARIANT_PCP_SPLIT;
	case SPLIT_MAX:
		z->high_max += 8 * z->batch;
		return INVARIANT_PCP_SPLIT;
	case BREAK_COUNT:
		break;
	}
	return INVARIANT_COUNT;
}

static void broken_numbers(void **unused)
{
	struct made_boot b;
	struct scenario s;

	(void)unused;
	made_boot_init(&b, ARCH_X86_64, "6.12");
	made_boot_memory(&b, MIB, 2 * GIB, -1);
	made_boot_memory(&b, 4 * GIB, 5 * GIB, -1);
	b.in.online_cpus = 2;
	scenario_init(&s);
	for (unsigned int kind = 0; kind < BREAK_COUNT; kind++) {
		enum invariant invariant;

		quirks_all_right(&b.in.facts);
		scenario_boot(&s, &b.in, &(struct scenario_options){ .want_lists = false });
		scenario_check(&s, INVARIANT_COST_WALK);
		assert_int_equal(s.findings.total, 0);
		invariant = break_machine(&s.machine, (enum break_kind)kind);
		scenario_check(&s, INVARIANT_COST_WALK);
		assert_true(s.findings.count[invariant] > 0);
		if (kind == SPLIT_MIN || kind == SPLIT_MAX) {
			const struct finding *f = &s.findings.first[invariant];
			const struct zone *z = &s.machine.nodes[f->nid].zones[f->zone];

			/* What all CPUs may keep is told, and what it should have been. */
			assert_int_equal(f->seen, (kind == SPLIT_MIN ? z->high_min : z->high_max) *
							  s.machine.nodes[f->nid].cpus);
			assert_true(f->expected < f->seen);
		}
	}
	scenario_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cpuless_node),	  cmocka_unit_test(sized_early),
		cmocka_unit_test(reserve_stale),  cmocka_unit_test(all_eras),
		cmocka_unit_test(broken_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
