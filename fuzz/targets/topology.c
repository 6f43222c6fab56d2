/* SPDX-License-Identifier: MIT */
/*
 * Whatever firmware, nodes, distances, CPUs and command line say, a boot breaks no invariant.  Free lists
 * are the matter of `operations`.
 */
#include "fuzz/targets/machine_state.h"

static const struct scenario_options look = { .boot_cost = INVARIANT_COST_WALK };

static void run(void *state, const ProtobufCMessage *message, struct target_report *report)
{
	struct machine_state *s = state;

	report->refused = !machine_input_take(message, &s->settings, &s->input);
	if (report->refused)
		return;
	scenario_run(&s->scenario, &s->input.log.input, NULL, 0, &look);
	report->refused = s->scenario.out_of_memory;
	if (report->refused)
		return;
	target_report_findings(report, &s->scenario.findings);
	machine_features(&s->scenario.machine, s->input.log.input.version, report);
}

const struct target target_topology = {
	.name = "topology",
	.property = "Whatever the firmware and the command line say, a boot breaks no invariant.",
	.message = &mmtrace__scenario__descriptor,
	.create = machine_state_create,
	.destroy = machine_state_destroy,
	.run_message = run,
	.unused = "operation",
	.seeds = machine_seeds,
	.words = machine_words,
};
