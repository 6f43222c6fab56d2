/* SPDX-License-Identifier: MIT */
/*
 * Whatever is done to a booted machine, by whichever CPU, no invariant breaks.
 */
#include "fuzz/targets/machine_state.h"

/* Free lists cost memory and time by their span; what there is to find shows on small machines. */
#define ADDRESS_MAX (1ULL << 33)

static const struct scenario_options look = { .boot_cost = INVARIANT_COST_DEEP,
					      .step_cost = INVARIANT_COST_CONSTANT,
					      .end_cost = INVARIANT_COST_DEEP,
					      .want_lists = true };

static bool is_low(const struct boot_input *in)
{
	for (uint32_t i = 0; i < in->firmware_count; i++)
		if (in->firmware[i].end > ADDRESS_MAX &&
		    in->firmware[i].end > in->firmware[i].start)
			return false;
	for (uint32_t i = 0; i < in->affinity_count; i++)
		if (in->affinity[i].end > ADDRESS_MAX)
			return false;
	for (uint32_t i = 0; i < in->tree.memory_count; i++)
		if (in->tree.memory[i].range.base > ADDRESS_MAX ||
		    in->tree.memory[i].range.size > ADDRESS_MAX)
			return false;
	for (uint32_t i = 0; i < in->state.memory_count; i++)
		if (in->state.memory[i].base > ADDRESS_MAX ||
		    in->state.memory[i].size > ADDRESS_MAX)
			return false;
	for (uint32_t i = 0; i < in->step_count; i++)
		if (in->steps[i].kind == STEP_ADD &&
		    (in->steps[i].base > ADDRESS_MAX || in->steps[i].size > ADDRESS_MAX))
			return false;
	for (uint32_t i = 0; i < in->given_range_count; i++)
		if (in->given_ranges[i].end > ADDRESS_MAX >> 12)
			return false;
	return true;
}

static void run(void *state, const ProtobufCMessage *message, struct target_report *report)
{
	struct machine_state *s = state;

	report->refused = !machine_input_take(message, &s->settings, &s->input) ||
			  !is_low(&s->input.log.input);
	if (report->refused)
		return;
	scenario_run(&s->scenario, &s->input.log.input, s->input.operations,
		     s->input.operation_count, &look);
	report->refused = s->scenario.out_of_memory;
	if (report->refused)
		return;
	target_report_findings(report, &s->scenario.findings);
	machine_features(&s->scenario.machine, report);
	if (s->scenario.has_alloc) {
		uint32_t held = 0;

		for (uint64_t pages = s->scenario.held_pages; pages; pages >>= 1)
			held++;
		target_report_feature(report, 1u << 30 | held << 8 | s->scenario.alloc.zone_count);
	}
}

const struct target target_operations = {
	.name = "operations",
	.property = "Whatever is done to a booted machine, no invariant breaks.",
	.message = &mmtrace__scenario__descriptor,
	.create = machine_state_create,
	.destroy = machine_state_destroy,
	.run_message = run,
	.seeds = machine_seeds,
	.words = machine_words,
};
