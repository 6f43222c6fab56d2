/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/testing/made_boot.h"

void made_boot_init(struct made_boot *b, enum arch arch, const char *version)
{
	struct boot_input *in = &b->in;

	memset(b, 0, sizeof(*b));
	assert_true(facts_parse_version(version, &in->version));
	facts_init(&in->facts, in->version);
	arch_config_default(arch, false, &in->config);
	arch_config_apply_facts(&in->config, &in->facts);
	in->command_line = in->version_text = "";
	in->firmware = b->map;
	in->affinity = b->affinity;
	in->steps = b->steps;
	in->cpu_nid = b->cpu_nid;
	in->reservations_told = true;
}

void made_boot_memory(struct made_boot *b, phys_t start, phys_t end, int32_t nid)
{
	struct boot_input *in = &b->in;

	if (arch_is_x86(&in->config)) {
		b->map[in->firmware_count++] = (struct e820_entry){ start, end, E820_RAM };
		assert_true(in->firmware_count <= MADE_BOOT_ROOM);
	} else {
		b->steps[in->step_count++] = (struct boot_step){ .kind = STEP_ADD,
								 .base = start,
								 .size = end - start,
								 .nid = NID_NONE,
								 .name = "early_init_dt" };
		assert_true(in->step_count <= MADE_BOOT_STEPS);
	}
	if (nid >= 0)
		made_boot_slot(b, start, end, nid);
}

void made_boot_slot(struct made_boot *b, phys_t start, phys_t end, int32_t nid)
{
	b->affinity[b->in.affinity_count++] =
		(struct affinity_memory){ .start = start, .end = end, .nid = nid };
	b->in.numa_source = true;
	assert_true(b->in.affinity_count <= MADE_BOOT_ROOM);
}

void made_boot_cpus(struct made_boot *b, uint32_t count, int32_t nid)
{
	while (count--)
		b->cpu_nid[b->in.cpu_nid_count++] = nid;
	b->in.online_cpus = b->in.nr_cpu_ids = b->in.cpu_nid_count;
	assert_true(b->in.cpu_nid_count <= MADE_BOOT_CPUS);
}

void made_boot_distance(struct made_boot *b, const uint8_t *distance, uint32_t count)
{
	memcpy(b->distance, distance, (size_t)count * count);
	b->in.distance = b->distance;
	b->in.distance_count = count;
}

struct boot_step *made_boot_step(struct made_boot *b, enum boot_step_kind kind, phys_t base,
				 uint64_t size)
{
	struct boot_step *s = &b->steps[b->in.step_count++];

	assert_true(b->in.step_count <= MADE_BOOT_STEPS);
	*s = (struct boot_step){
		.kind = kind, .base = base, .size = size, .nid = NID_NONE, .name = ""
	};
	return s;
}

void made_boot_reserve(struct made_boot *b, phys_t start, phys_t end)
{
	made_boot_step(b, STEP_RESERVE, start, end - start);
}

struct boot_step *made_boot_alloc(struct made_boot *b, uint64_t size, uint64_t align, phys_t min,
				  phys_t max)
{
	struct boot_step *s = made_boot_step(b, STEP_ALLOC, 0, size);

	s->align = align;
	s->min_addr = min;
	s->max_addr = max;
	s->call = ALLOC_PHYS_RANGE;
	return s;
}

static const struct scenario_options deep = { .boot_cost = INVARIANT_COST_DEEP,
					      .step_cost = INVARIANT_COST_DEEP,
					      .end_cost = INVARIANT_COST_DEEP,
					      .want_lists = true };

static void run(struct scenario *s, const struct made_boot *b, const struct operation *operations,
		uint32_t count)
{
	scenario_init(s);
	scenario_run(s, &b->in, operations, count, &deep);
	assert_false(s->out_of_memory);
	assert_int_equal(s->machine.stage, STAGE_LATE);
}

void made_boot_sound(struct made_boot *b, const struct operation *operations, uint32_t count)
{
	struct facts kept = b->in.facts;
	struct scenario s;

	quirks_all_right(&b->in.facts);
	run(&s, b, operations, count);
	if (s.findings.total) {
		struct sink_text text = { 0 };
		struct sink sink = sink_to_text(&text);

		for (unsigned int i = 0; i < INVARIANT_COUNT; i++)
			if (s.findings.count[i])
				finding_print(&s.findings.first[i], &sink);
		print_message("# found with all rules right:\n%s", sink_text_string(&text));
		sink_text_deinit(&text);
	}
	assert_int_equal(s.findings.total, 0);
	scenario_deinit(&s);
	b->in.facts = kept;
}

void made_boot_quirk(struct made_boot *b, enum quirk quirk, const struct operation *operations,
		     uint32_t count)
{
	const struct quirk_info *q = quirk_info(quirk);
	struct facts kept = b->in.facts;
	struct scenario s;

	quirks_all_right(&b->in.facts);
	b->in.facts.v[q->fact] = q->wrong;
	run(&s, b, operations, count);
	if (!s.findings.count[q->invariant])
		print_message("# %s: %s does not break\n", q->id, invariant_info(q->invariant)->id);
	assert_true(s.findings.count[q->invariant] > 0);
	scenario_deinit(&s);
	made_boot_sound(b, operations, count);
	b->in.facts = kept;
}
