/* SPDX-License-Identifier: MIT */
#include "engine/scenario.h"

#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "engine/pageset.h"

/* CPUs a scenario has at most, whatever its input says: page sets cost memory in every zone. */
enum { CPUS_MAX = 64 };

void scenario_init(struct scenario *s)
{
	memset(s, 0, sizeof(*s));
	machine_init(&s->machine);
	findings_clear(&s->findings);
}

static void end_alloc(struct scenario *s)
{
	if (s->has_alloc)
		page_alloc_deinit(&s->alloc);
	s->has_alloc = false;
}

void scenario_deinit(struct scenario *s)
{
	end_alloc(s);
	machine_deinit(&s->machine);
	free(s->blocks);
	memset(s, 0, sizeof(*s));
}

/* ---- boot -------------------------------------------------------------------------------------- */

static void start_alloc(struct scenario *s)
{
	struct machine *m = &s->machine;

	s->has_alloc = true;
	page_alloc_init(&s->alloc, m->buddy, &m->config, &m->facts, m->nodes, m->node_count,
			&m->zonelists, s->cpu_count);
	if (s->alloc.out_of_memory) {
		s->out_of_memory = true;
		return;
	}
	page_alloc_set_watermarks(&s->alloc, m->nodes);
	for (uint32_t zone = 0; zone < m->buddy->zone_count; zone++) {
		const struct buddy_zone *bz = &m->buddy->zones[zone];
		const struct zone *z = &m->nodes[bz->nid].zones[bz->type];

		page_alloc_set_pagesets(&s->alloc, zone, z->batch, z->high, z->high_min,
					z->high_max);
	}
}

void scenario_boot(struct scenario *s, const struct boot_input *in,
		   const struct scenario_options *options)
{
	end_alloc(s);
	machine_reset(&s->machine);
	findings_clear(&s->findings);
	s->block_count = 0;
	s->held_pages = 0;
	s->out_of_memory = false;
	s->machine.want_lists = options->want_lists;
	s->machine.findings = &s->findings;
	boot_run(&s->machine, in, STAGE_LATE);
	s->out_of_memory = s->machine.out_of_memory;
	s->cpu_count = in->online_cpus ? in->online_cpus : 1;
	if (s->cpu_count > CPUS_MAX)
		s->cpu_count = CPUS_MAX;
	if (!s->out_of_memory && s->machine.buddy)
		start_alloc(s);
}

void scenario_check(struct scenario *s, enum invariant_cost cost)
{
	if (!s->out_of_memory && s->machine.stage >= STAGE_ZONES)
		invariant_check_machine(&s->machine, cost, &s->findings);
}

/* ---- operations -------------------------------------------------------------------------------- */

static struct scenario_block *add_block(struct scenario *s)
{
	if (s->block_count == s->block_room) {
		uint32_t room = s->block_room ? s->block_room * 2 : 64;
		struct scenario_block *blocks = realloc(s->blocks, room * sizeof(*blocks));

		if (!blocks) {
			s->out_of_memory = true;
			return NULL;
		}
		s->blocks = blocks;
		s->block_room = room;
	}
	s->blocks[s->block_count] = (struct scenario_block){ .pfn = PFN_NONE };
	return &s->blocks[s->block_count++];
}

static void do_alloc(struct scenario *s, const struct operation *op, struct scenario_block *block)
{
	struct alloc_request req = { .cpu = op->cpu,
				     .nid = op->nid,
				     .order = op->order,
				     .type = op->type,
				     .highest = op->highest };

	if (op->nid < 0 || (uint32_t)op->nid >= s->machine.node_count ||
	    op->order > s->machine.config.max_order ||
	    (unsigned int)op->type >= MIGRATE_TYPE_COUNT ||
	    (unsigned int)op->highest >= ZONE_TYPE_COUNT)
		return;
	req.flags = page_alloc_fast_flags(&s->alloc, &req) | op->flags;
	block->pfn = page_alloc_get(&s->alloc, &req, &block->zone);
	block->order = op->order;
	if (block->pfn != PFN_NONE)
		s->held_pages += 1ULL << op->order;
}

static void do_free(struct scenario *s, const struct operation *op)
{
	struct scenario_block *block;

	if (op->target >= s->block_count)
		return;
	block = &s->blocks[op->target];
	if (block->pfn == PFN_NONE)
		return;
	page_alloc_put(&s->alloc, op->cpu, block->pfn, block->order);
	s->held_pages -= 1ULL << block->order;
	block->pfn = PFN_NONE;
}

static void do_drain(struct scenario *s, const struct operation *op)
{
	for (uint32_t zone = 0; zone < s->alloc.zone_count; zone++) {
		struct pageset *set = page_alloc_set(&s->alloc, zone, op->cpu);

		pageset_drain(&s->alloc, zone, set, set->count, 0);
	}
}

void scenario_do(struct scenario *s, const struct operation *op)
{
	struct scenario_block *block = add_block(s);

	if (!block || s->out_of_memory || !s->has_alloc || op->cpu >= s->cpu_count)
		return;
	switch (op->kind) {
	case OPERATION_ALLOC:
		do_alloc(s, op, block);
		break;
	case OPERATION_FREE:
		do_free(s, op);
		break;
	case OPERATION_DRAIN:
		do_drain(s, op);
		break;
	case OPERATION_COUNT:
		break;
	}
	s->out_of_memory |= s->machine.buddy->out_of_memory;
}

void scenario_run(struct scenario *s, const struct boot_input *in,
		  const struct operation *operations, uint32_t count,
		  const struct scenario_options *options)
{
	scenario_boot(s, in, options);
	scenario_check(s, options->boot_cost);
	for (uint32_t i = 0; i < count; i++) {
		s->findings.event = i;
		scenario_do(s, &operations[i]);
		scenario_check(s, options->step_cost);
	}
	if (count)
		scenario_check(s, options->end_cost);
}
