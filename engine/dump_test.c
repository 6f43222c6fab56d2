/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/boot.h"
#include "engine/dump.h"

/* A small x86-64 machine: 1 GiB in one node, nothing reserved, two CPUs. */
static void boot_small(const char *version, struct machine *m)
{
	static struct e820_entry map[] = { { 0x0, 0x9fc00, E820_RAM },
					   { 0x100000, 0x40000000, E820_RAM } };
	static struct boot_step state = { .kind = STEP_STATE, .nid = NID_NONE, .name = "" };
	struct boot_input in = { .firmware = map, .firmware_count = 2 };

	assert_true(facts_parse_version(version, &in.version));
	facts_init(&in.facts, in.version);
	arch_config_default(ARCH_X86_64, true, &in.config);
	in.command_line = "";
	in.steps = &state;
	in.step_count = 1;
	in.has_state = true;
	in.online_cpus = 2;
	machine_init(m);
	m->want_lists = true;
	boot_run(m, &in, STAGE_LATE);
	assert_false(m->out_of_memory);
	assert_true(m->reserved_known);
}

static void check_dump(const struct machine *m,
		       void (*dump)(const struct machine *m, const struct sink *sink),
		       const char *expected)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);

	dump(m, &sink);
	assert_string_equal(sink_text_string(&text), expected);
	sink_text_deinit(&text);
}

/* The text of @dump holds each line, in this order. */
static void check_holds(const struct machine *m,
			void (*dump)(const struct machine *m, const struct sink *sink),
			const char *const *lines)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	const char *p;

	dump(m, &sink);
	p = sink_text_string(&text);
	for (; *lines; lines++) {
		const char *found = strstr(p, *lines);

		if (!found) {
			fail_msg("no '%s' in:\n%s", *lines, p);
			return;
		}
		p = found + strlen(*lines);
	}
	sink_text_deinit(&text);
}

static void flag_names(void **state)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);

	(void)state;
	dump_memblock_flags(MEMBLOCK_HOTPLUG | MEMBLOCK_NOMAP | MEMBLOCK_KHO_SCRATCH, &sink);
	assert_string_equal(sink_text_string(&text), "HOTPLUG|NOMAP|KHO_SCRATCH");
	sink_text_clear(&text);
	dump_memblock_flags(0, &sink);
	assert_string_equal(sink_text_string(&text), "");
	sink_text_deinit(&text);
}

/* Units are the largest that leave no rest; nid and flags only where there are any. */
static void memblock_regions(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m);
	facts_init(&m.facts, FACTS_VERSION(6, 1, 0));
	memblock_init(&m.mb, &m.facts, 12, 128, 128);
	m.reserved_known = true;
	memblock_add(&m.mb, 0x1000, 0x9e000, 0, 0);
	memblock_add(&m.mb, 0x100000000, 1ULL << 30, 1, MEMBLOCK_HOTPLUG);
	memblock_reserve(&m.mb, 0x2010, 3, NID_NONE, 0);
	memblock_reserve(&m.mb, 0x3000, 1536, NID_NONE, 0);
	check_dump(&m, dump_memblock,
		   "memory: 2 regions of 128, 1074388992 bytes\n"
		   "    0  0x0000001000-0x000009efff       632 KiB  node 0\n"
		   "    1  0x0100000000-0x013fffffff         1 GiB  node 1  HOTPLUG\n"
		   "reserved: 2 regions of 128, 1539 bytes\n"
		   "    0  0x0000002010-0x0000002012         3 B\n"
		   "    1  0x0000003000-0x00000035ff      1536 B\n");
	machine_deinit(&m);
}

static void zoneinfo_of_each_era(void **state)
{
	static const char *const new_lines[] = {
		"Node 0, zone      DMA\n        min      ",
		"        promo    ",
		"        present  3998\n",
		"        cma      0\n        protection: (0, ",
		"  pagesets\n    cpu: 0\n              batch:    1\n",
		"              high_min: ",
		"  vm stats threshold: ",
		"    cpu: 1\n",
		"  start_pfn:           1\n",
		"Node 0, zone   Device\n",
		NULL
	};
	static const char *const old_lines[] = { "        spanned  4095\n", "        managed  ",
						 "              high:  0\n              batch: 1\n",
						 "  start_pfn:         1\n", NULL };
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	struct machine m;

	(void)state;
	boot_small("7.2", &m);
	check_holds(&m, dump_zoneinfo, new_lines);
	machine_deinit(&m);
	boot_small("4.4", &m);
	check_holds(&m, dump_zoneinfo, old_lines);
	dump_zoneinfo(&m, &sink);
	assert_null(strstr(sink_text_string(&text), "promo"));
	assert_null(strstr(sink_text_string(&text), "cma"));
	assert_null(strstr(sink_text_string(&text), "Device"));
	sink_text_deinit(&text);
	machine_deinit(&m);
}

/* What follows from reserved memory is left out when nobody tells what is reserved. */
static void unknown_fields_are_left_out(void **state)
{
	static const char *const lines[] = { "Node 0, zone      DMA\n        spanned  ",
					     "        present  1000\n", NULL };
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	struct machine m;

	(void)state;
	machine_init(&m);
	facts_init(&m.facts, FACTS_VERSION(6, 1, 0));
	for (unsigned int field = 0; field <= ZONE_FIELD_MIN; field++) {
		struct answer *a = answers_add(&m.answers, ANSWER_ZONEINFO);

		a->nid = a->type = 0;
		a->index = field;
		a->v[0] = 1000;
		a->basis = field > ZONE_FIELD_PRESENT ? BASIS_UNDERIVABLE : BASIS_PREDICTED;
	}
	check_holds(&m, dump_zoneinfo, lines);
	dump_zoneinfo(&m, &sink);
	assert_null(strstr(sink_text_string(&text), "min"));
	assert_null(strstr(sink_text_string(&text), "managed"));
	assert_null(strstr(sink_text_string(&text), "pagesets"));
	sink_text_deinit(&text);
	machine_deinit(&m);
}

static void views_of_a_small_machine(void **state)
{
	static const char *const zones[] = { "zone               start_pfn",
					     "Node   0 DMA               1       4095       3998",
					     "Node   0 DMA32          4096     258048     258048",
					     NULL };
	static const char *const zonelists[] = { "Node 0: 0(10)\n",
						 "  general   DMA      0:DMA\n",
						 "  general   DMA32    0:DMA32 0:DMA\n",
						 "  this node DMA32    0:DMA32 0:DMA\n",
						 "policy zone: DMA32\n",
						 NULL };
	static const char *const types[] = {
		"Page block order: 9\nPages per block:  512\n\nFree pages",
		"Node    0, zone      DMA, type    Unmovable",
		"\nNumber of blocks type     Unmovable      Movable", "Node 0, zone    DMA32 ", NULL
	};
	struct machine m;

	(void)state;
	boot_small("6.1", &m);
	check_holds(&m, dump_zones, zones);
	check_holds(&m, dump_zonelists, zonelists);
	/* 1 GiB less its first page and the hole below 1 MiB. */
	check_dump(
		&m, dump_buddyinfo,
		"Node 0, zone      DMA      2      2      2      2      2      1      1      0      1      1      3 \n"
		"Node 0, zone    DMA32      0      0      0      0      0      0      0      0      0      0    252 \n");
	check_holds(&m, dump_pagetypeinfo, types);
	machine_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flag_names),
		cmocka_unit_test(memblock_regions),
		cmocka_unit_test(zoneinfo_of_each_era),
		cmocka_unit_test(unknown_fields_are_left_out),
		cmocka_unit_test(views_of_a_small_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
