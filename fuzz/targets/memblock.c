/* SPDX-License-Identifier: MIT */
/*
 * Whatever is called, both lists of memblock stay sorted, disjoint, merged and summed up, and every
 * allocation, cap and change of an array does what it may.
 */
#include <assert.h>
#include <stdlib.h>

#include "engine/memblock_invariants.h"
#include "fuzz/targets/memblock_input.h"

#define ERAS_MAX 64

struct state {
	struct target_settings settings;
	struct facts facts[ERAS_MAX]; /* as the settings want them, by era */
	struct memblock_input input;
	struct memblock mb, before;
	struct findings findings;
};

static void *create(const struct target_settings *settings)
{
	struct state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	assert(era_count <= ERAS_MAX);
	s->settings = *settings;
	for (unsigned int e = 0; e < era_count; e++) {
		uint32_t version = eras[e].version;

		facts_init(&s->facts[e], version);
		target_apply_settings(settings, &version, &s->facts[e]);
	}
	memblock_init(&s->mb, &s->facts[0], 12, 128, 128);
	memblock_init(&s->before, &s->facts[0], 12, 128, 128);
	findings_clear(&s->findings);
	return s;
}

static void destroy(void *state)
{
	struct state *s = state;

	memblock_deinit(&s->mb);
	memblock_deinit(&s->before);
	free(s);
}

static void on_event(void *ctx, const struct memblock_event *event)
{
	struct state *s = ctx;

	memblock_invariants_event(&s->mb, event, &s->findings);
}

static void run_call(struct state *s, const struct memblock_op *op)
{
	struct memblock_request req = { .size = op->size,
					.align = op->align,
					.min_addr = op->base,
					.max_addr = op->max_addr,
					.nid = op->nid,
					.exact_nid = op->exact_nid,
					.retry_below_min = op->virt };
	phys_t unused;

	if (op->kind == MEMBLOCK_OP_ALLOC)
		memblock_invariants_alloc(&s->mb, &req, &unused, &s->before, &s->findings);
	else if (op->kind == MEMBLOCK_OP_CAP)
		memblock_invariants_cap(&s->mb, op->base, op->size, &s->before, &s->findings);
	else if (op->kind != MEMBLOCK_OP_TRIM)
		/* Kernels leave the sum as it was when they trim: the oracle has that. */
		memblock_op_apply(&s->mb, op);
}

static void run(void *state, const ProtobufCMessage *message, struct target_report *report)
{
	const Mmfuzz__MemblockRun *m = (const Mmfuzz__MemblockRun *)message;
	struct state *s = state;
	struct memblock *mb = &s->mb;

	memblock_input_take_calls(m, &s->input);
	memblock_renew(mb, &s->facts[memblock_input_era(m)], 12, s->input.memory_max,
		       s->input.reserved_max);
	mb->observer = on_event;
	mb->observer_ctx = s;
	mb->kernel_end = s->input.kernel_end;
	findings_clear(&s->findings);
	for (uint32_t i = 0; i < s->input.count && !mb->panicked && !mb->out_of_memory; i++) {
		s->findings.event = i;
		run_call(s, &s->input.ops[i]);
	}
	report->refused = mb->out_of_memory;
	if (report->refused)
		return;
	memblock_invariants_check(mb, &s->findings);
	target_report_findings(report, &s->findings);
	target_report_feature(report, 1u << 28 | mb->memory.cnt << 8 | mb->reserved.cnt);
	target_report_feature(report, 2u << 28 | (uint32_t)mb->panicked << 3 |
					      (uint32_t)mb->bottom_up << 2 |
					      (uint32_t)mb->memory.array_allocated << 1 |
					      (uint32_t)mb->reserved.array_allocated |
					      memblock_input_era(m) << 8);
}

const struct target target_memblock = {
	.name = "memblock",
	.property = "Whatever is called, memblock breaks no invariant.",
	.message = &mmfuzz__memblock_run__descriptor,
	.create = create,
	.destroy = destroy,
	.run_message = run,
	.seeds = memblock_seeds,
};
