/* SPDX-License-Identifier: MIT */
/*
 * What a kernel does follows from its facts alone: a machine booted as another version, with the same facts
 * and configuration, gives the same answers in the same order.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "fuzz/targets/machine_input.h"

struct state {
	struct target_settings settings;
	struct stored_scenario input;
	struct machine machines[2];
};

static void *create(const struct target_settings *settings)
{
	struct state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->settings = *settings;
	machine_init(&s->machines[0]);
	machine_init(&s->machines[1]);
	return s;
}

static void destroy(void *state)
{
	struct state *s = state;

	machine_deinit(&s->machines[0]);
	machine_deinit(&s->machines[1]);
	stored_scenario_deinit(&s->input);
	free(s);
}

static bool same(const struct answers *as, const struct answers *bs, uint32_t i)
{
	const struct answer *a = &as->items[i], *b = &bs->items[i];

	return a->kind == b->kind && a->nid == b->nid && a->type == b->type &&
	       a->index == b->index && !memcmp(a->v, b->v, sizeof(a->v)) &&
	       a->list_count == b->list_count &&
	       (!a->list_count || !memcmp(as->list + a->list_start, bs->list + b->list_start,
					  a->list_count * sizeof(*as->list)));
}

static void compare(const struct machine *a, const struct machine *b, const char *era,
		    struct target_report *report)
{
	for (uint32_t i = 0; i < a->answers.count && i < b->answers.count; i++) {
		if (same(&a->answers, &b->answers, i))
			continue;
		target_report_add(report, "era-without-facts",
				  "answer %u (%s) is another one as %s with the same facts", i,
				  answer_kind_name(a->answers.items[i].kind), era);
		return;
	}
	if (a->answers.count != b->answers.count)
		target_report_add(report, "era-without-facts",
				  "there are %u answers, and %u as %s with the same facts",
				  a->answers.count, b->answers.count, era);
}

static void run(void *state, const ProtobufCMessage *message, struct target_report *report)
{
	struct state *s = state;
	struct boot_input *in = &s->input.log.input;
	const struct era *other;

	report->refused = !machine_input_take(message, &s->settings, &s->input);
	if (report->refused)
		return;
	/* Any other; which one is the input's choice. */
	other = &eras[(in->firmware_count + in->step_count + s->input.operation_count) % era_count];
	for (int i = 0; i < 2; i++) {
		machine_reset(&s->machines[i]);
		boot_run(&s->machines[i], in, STAGE_LATE);
		report->refused |= s->machines[i].out_of_memory;
		in->version = other->version;
	}
	if (report->refused)
		return;
	compare(&s->machines[0], &s->machines[1], other->name, report);
	machine_features(&s->machines[0], report);
}

const struct target target_eras = {
	.name = "eras",
	.property =
		"A boot follows from facts: with the same facts, all versions give the same answers.",
	.message = &mmtrace__scenario__descriptor,
	.create = create,
	.destroy = destroy,
	.run_message = run,
	.seeds = machine_seeds,
	.words = machine_words,
};
