/* SPDX-License-Identifier: MIT */
/*
 * Memblock does what the slow model of engine/testing/memblock_oracle.h does, call by call: the same
 * results, the same regions.  The model has a cell for each byte, so that addresses are folded into a small
 * space, with pages of 16 bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/testing/memblock_oracle.h"
#include "fuzz/targets/memblock_input.h"

#define SPACE_BYTES 1024u
#define PAGE_SHIFT 4
/* An address of a machine, with pages of 4096 bytes, to one of the space. */
#define FOLD_SHIFT 8
/* The model looks at each byte for each call. */
#define CALLS_MAX 32

struct state {
	struct target_settings settings;
	struct memblock_input input;
	struct facts facts;
	struct memblock mb;
};

static void *create(const struct target_settings *settings)
{
	struct state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->settings = *settings;
	memblock_init(&s->mb, &s->facts, PAGE_SHIFT, 128, 128);
	return s;
}

static void destroy(void *state)
{
	struct state *s = state;

	memblock_deinit(&s->mb);
	free(s);
}

/* Small ones stay, so that odd bytes are met as well. */
static uint64_t fold(uint64_t address)
{
	return address < SPACE_BYTES ? address : (address >> FOLD_SHIFT) % SPACE_BYTES;
}

static uint64_t fold_size(uint64_t size)
{
	if (size < SPACE_BYTES || size >= UINT64_MAX - 1)
		return size;
	return 1 + (size >> FOLD_SHIFT) % SPACE_BYTES;
}

static void fold_call(struct memblock_op *op)
{
	op->base = fold(op->base);
	op->size = fold_size(op->size);
	if (op->kind == MEMBLOCK_OP_ALLOC && op->size > SPACE_BYTES)
		op->size = SPACE_BYTES;
	if (op->max_addr > MEMBLOCK_ALLOC_NOLEAKTRACE)
		op->max_addr = fold(op->max_addr);
	while (op->align > SPACE_BYTES / 4)
		op->align >>= 4;
	if (op->nid > 8)
		op->nid %= 8;
	op->flags &= MEMBLOCK_HOTPLUG | MEMBLOCK_MIRROR | MEMBLOCK_NOMAP | MEMBLOCK_KHO_SCRATCH;
}

static void run(void *state, const ProtobufCMessage *message, struct target_report *report)
{
	const Mmfuzz__MemblockRun *m = (const Mmfuzz__MemblockRun *)message;
	struct state *s = state;
	struct memblock_oracle oracle;
	const char *wrong = NULL;

	memblock_input_take(m, &s->settings, &s->input, &s->facts);
	memblock_renew(&s->mb, &s->facts, PAGE_SHIFT, s->input.memory_max, s->input.reserved_max);
	s->mb.phys_max = SPACE_BYTES - 1;
	memblock_reset(&s->mb);
	s->mb.kernel_end = fold(s->input.kernel_end);
	if (!memblock_oracle_init(&oracle, &s->mb)) {
		report->refused = true;
		return;
	}
	for (uint32_t i = 0; i < s->input.count && i < CALLS_MAX && !wrong; i++) {
		struct memblock_op *op = &s->input.ops[i];
		struct memblock_op_result ours, theirs;

		fold_call(op);
		oracle.event_count = 0;
		ours = memblock_op_apply(&s->mb, op);
		theirs = memblock_oracle_apply(&oracle, op);
		if (ours.ok != theirs.ok)
			wrong = ours.ok ? "it succeeds, and the model fails"
					: "it fails, and the model succeeds";
		else if (ours.addr != theirs.addr)
			wrong = "another address than the model's";
		else
			wrong = memblock_oracle_compare(&oracle, &s->mb);
		if (wrong)
			target_report_add(report, "memblock-oracle", "call %u (%s): %s", i,
					  memblock_op_name(op->kind), wrong);
		if (s->mb.panicked)
			break;
	}
	memblock_oracle_deinit(&oracle);
	target_report_feature(report, 1u << 28 | s->mb.memory.cnt << 8 | s->mb.reserved.cnt);
	target_report_feature(report, 2u << 28 | (uint32_t)s->mb.panicked << 3 |
					      (uint32_t)s->mb.memory.array_allocated << 1 |
					      (uint32_t)s->mb.reserved.array_allocated);
}

const struct target target_memblock_oracle = {
	.name = "memblock_oracle",
	.property = "Memblock does what a model with a cell for each byte does.",
	.message = &mmfuzz__memblock_run__descriptor,
	.create = create,
	.destroy = destroy,
	.run_message = run,
	.seeds = memblock_seeds,
};
