/* SPDX-License-Identifier: MIT */
/*
 * Whatever is done to a booted machine, by whichever CPU, no invariant breaks.
 */
#include "fuzz/targets/machine_state.h"

static const struct scenario_options look = { .boot_cost = INVARIANT_COST_DEEP,
					      .step_cost = INVARIANT_COST_CONSTANT,
					      .end_cost = INVARIANT_COST_DEEP,
					      .want_lists = true };

static void run(void *state, const ProtobufCMessage *message, struct target_report *report)
{
	struct machine_state *s = state;

	report->refused = !machine_input_take(message, &s->settings, &s->input) ||
			  !machine_input_is_low(&s->input.log.input);
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
