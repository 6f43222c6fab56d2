/* SPDX-License-Identifier: MIT */
/*
 * Whatever is done to a booted machine, by whichever CPU, no invariant breaks.
 */
#include "fuzz/targets/machine_state.h"

/* Of so many lives one is lived again: which, what came of it tells, so that an input alone repeats it. */
#define REPEATED 16
/* Free blocks of machines from which others are made. */
#define FREE_BLOCKS_MAX 8192

static const struct scenario_options look = { .boot_cost = INVARIANT_COST_DEEP,
					      .step_cost = INVARIANT_COST_CONSTANT,
					      .end_cost = INVARIANT_COST_DEEP,
					      .want_lists = true };

/* ---- features ---------------------------------------------------------------------------------- */

static uint32_t mix(uint32_t number)
{
	number *= 0x9e3779b1u;
	number ^= number >> 15;
	return number * 0x85ebca6bu;
}

/* Orders that are treated alike. */
static uint32_t class_of(unsigned int order)
{
	return order < 2 ? order : order < 4 ? 2 : order < 9 ? 3 : order < 10 ? 4 : 5;
}

/* What an operation came to: what it asked for, whether it got that, and where it had to go for it. */
static uint32_t outcome(const struct scenario *s, uint32_t number, const struct operation *op)
{
	const struct scenario_block *block = &s->blocks[number];
	uint32_t what = (uint32_t)op->kind;

	if (op->kind == OPERATION_ALLOC || op->kind == OPERATION_CMA_ALLOC)
		what |= class_of(op->order) << 8 | (uint32_t)(op->type & 7) << 12 |
			(uint32_t)((op->flags & ALLOC_NO_WATERMARKS) != 0) << 16 |
			(uint32_t)((op->flags & ALLOC_RIGHTS) != 0) << 17 |
			(uint32_t)((op->flags & ALLOC_HIGHATOMIC) != 0) << 18;
	if (block->pfn == PFN_NONE || block->zone >= s->alloc.zone_count)
		return what;
	what |= 1u << 19;
	what |= (uint32_t)buddy_block_type(s->alloc.buddy, block->zone, block->pfn) << 20;
	what |= (uint32_t)s->zones[block->zone].type << 24;
	return what;
}

/* How a zone stands: against its watermarks and reserves, and which kinds of blocks it has free. */
static uint32_t standing(const struct scenario *s, uint32_t zone)
{
	const struct alloc_zone *z = &s->alloc.zones[zone];
	const struct buddy_zone *bz = &s->alloc.buddy->zones[zone];
	uint64_t free_pages = buddy_zone_free_pages(s->alloc.buddy, zone);
	uint32_t how = 0;

	for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
		how |= (uint32_t)(bz->nonempty[t] != 0) << t;
	for (unsigned int w = 0; w < WMARK_COUNT; w++)
		how |= (uint32_t)(free_pages < z->watermark[w]) << (8 + w);
	how |= (uint32_t)(z->reserved_highatomic != 0) << 12;
	how |= (uint32_t)(free_pages < z->reserved_highatomic) << 13;
	how |= (uint32_t)(z->boost != 0) << 14;
	how |= (uint32_t)(bz->isolated != 0) << 15;
	return how | (uint32_t)bz->type << 16;
}

/* How page sets of a zone are sized, and whether there is anything in them. */
static uint32_t sizes_of_sets(struct scenario *s, uint32_t zone)
{
	const struct pageset *set = page_alloc_set(&s->alloc, zone, 0);
	uint32_t sizes = 0;

	for (uint32_t batch = set->batch; batch; batch >>= 1)
		sizes++;
	sizes <<= 8;
	for (uint32_t high = set->high; high; high >>= 1)
		sizes++;
	return sizes << 8 | (uint32_t)(set->count >= set->high) << 1 | (set->count != 0);
}

/* Blocks on free lists: each check looks at all of them. */
static uint64_t free_blocks(const struct scenario *s)
{
	uint64_t count = 0;

	for (uint32_t zone = 0; s->has_alloc && zone < s->alloc.buddy->zone_count; zone++)
		for (unsigned int order = 0; order < BUDDY_ORDER_COUNT; order++)
			for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
				count += s->alloc.buddy->zones[zone].lists[order][t].count;
	return count;
}

static void live(struct machine_state *s, struct target_report *report)
{
	struct scenario *life = &s->scenario;
	uint32_t last = 0;

	for (uint32_t i = 0; i < s->input.operation_count; i++) {
		const struct operation *op = &s->input.operations[i];
		uint32_t what;

		life->findings.event = i;
		scenario_do(life, op);
		scenario_check(life, look.step_cost);
		if (!life->has_alloc || i >= life->block_count)
			continue;
		what = outcome(life, i, op);
		target_report_feature(report, mix(what));
		target_report_feature(report, mix(what ^ mix(last & 0x1000ff)));
		last = what;
	}
	if (s->input.operation_count)
		scenario_check(life, look.end_cost);
	for (uint32_t zone = 0; life->has_alloc && zone < life->alloc.zone_count && zone < 16;
	     zone++) {
		target_report_feature(report, mix(1u << 31 | standing(life, zone)));
		target_report_feature(report, mix(1u << 30 | sizes_of_sets(life, zone)));
	}
	/* No more are to be made of those that take their time. */
	if (free_blocks(life) > FREE_BLOCKS_MAX)
		report->feature_count = 0;
	if (mix((uint32_t)life->held_pages ^ life->block_count << 20) % REPEATED == 0)
		scenario_repeat(life, &s->input.log.input, s->input.operations,
				s->input.operation_count, &look);
	scenario_undo(life);
}

static void run(void *state, const ProtobufCMessage *message, struct target_report *report)
{
	struct machine_state *s = state;

	report->refused = !machine_input_take(message, &s->settings, &s->input) ||
			  !machine_input_is_low(&s->input.log.input);
	if (report->refused)
		return;
	scenario_boot(&s->scenario, &s->input.log.input, &look);
	scenario_check(&s->scenario, look.boot_cost);
	machine_features(&s->scenario.machine, s->input.log.input.version, report);
	live(s, report);
	report->refused = s->scenario.out_of_memory;
	if (!report->refused)
		target_report_findings(report, &s->scenario.findings);
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
