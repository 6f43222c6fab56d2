/* SPDX-License-Identifier: MIT */
/*
 * Fallback orders are those of the slow model of engine/testing/zonelist_oracle.h, which picks node by node
 * as the kernel does.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/testing/zonelist_oracle.h"
#include "engine/zonelist.h"
#include "fuzz/targets/machine_input.h"

#define NODES ZONELIST_ORACLE_NODES

struct state {
	struct target_settings settings;
	struct stored_scenario input;
	struct zonelists lists;
	struct node nodes[NODES];
	uint8_t distance[NODES * NODES];
};

static void *create(const struct target_settings *settings)
{
	struct state *s = calloc(1, sizeof(*s));

	if (s)
		s->settings = *settings;
	return s;
}

static void destroy(void *state)
{
	struct state *s = state;

	zonelists_deinit(&s->lists);
	stored_scenario_deinit(&s->input);
	free(s);
}

/* Nodes that blocks or CPUs name are possible; blocks that are not empty are memory. */
static void take_nodes(struct state *s, const struct boot_input *in, struct zonelist_oracle *o)
{
	memset(o, 0, sizeof(*o));
	memset(s->nodes, 0, sizeof(s->nodes));
	o->node_count = 1;
	for (uint32_t i = 0; i < in->affinity_count; i++) {
		const struct affinity_memory *a = &in->affinity[i];
		int32_t nid = a->nid % NODES;

		if (nid < 0)
			continue;
		s->nodes[nid].possible = o->possible[nid] = true;
		o->memory[nid] |= a->end > a->start;
		s->nodes[nid].memory = o->memory[nid];
		if ((uint32_t)nid >= o->node_count)
			o->node_count = (uint32_t)nid + 1;
	}
	for (uint32_t i = 0; i < in->cpu_nid_count; i++) {
		int32_t nid = in->cpu_nid[i] % NODES;

		if (nid < 0)
			continue;
		s->nodes[nid].possible = o->possible[nid] = o->cpus[nid] = true;
		if ((uint32_t)nid >= o->node_count)
			o->node_count = (uint32_t)nid + 1;
	}
	for (uint32_t a = 0; a < o->node_count; a++) {
		for (uint32_t b = 0; b < o->node_count; b++) {
			uint8_t d = a == b ? 10 : 20;

			if (a < in->distance_count && b < in->distance_count)
				d = in->distance[(size_t)a * in->distance_count + b];
			o->distance[a][b] = s->distance[a * o->node_count + b] = d;
		}
	}
}

static void compare(struct state *s, const struct zonelist_oracle *o, struct target_report *report)
{
	for (uint32_t n = 0; n < o->node_count; n++) {
		const uint16_t *row = s->lists.order + (size_t)n * o->node_count;

		if (s->lists.length[n] != o->length[n])
			target_report_add(report, "zonelist-oracle",
					  "node %u has %u nodes in its order, the model %u", n,
					  s->lists.length[n], o->length[n]);
		for (uint32_t i = 0; i < o->length[n] && i < s->lists.length[n]; i++)
			if (row[i] != o->order[n][i])
				target_report_add(report, "zonelist-oracle",
						  "place %u of node %u's order is node %u, "
						  "the model's is %u",
						  i, n, row[i], o->order[n][i]);
	}
}

static void run(void *state, const ProtobufCMessage *message, struct target_report *report)
{
	struct state *s = state;
	struct boot_input *in = &s->input.log.input;
	struct zonelist_oracle o;
	uint32_t shape = 0;

	report->refused = !machine_input_take(message, &s->settings, &s->input);
	if (report->refused)
		return;
	take_nodes(s, in, &o);
	in->config.numa = true;
	o.max_nodes = 1ULL << in->config.nodes_shift;
	o.penalty = (uint64_t)fact_get(&in->facts, FACT_penalty_for_node_with_cpus);
	o.accumulate = fact_get(&in->facts, FACT_node_load_accumulates);
	o.skip_memoryless = fact_get(&in->facts, FACT_memoryless_local_node_skipped);
	zonelist_oracle_build(&o);
	zonelists_build(&s->lists, s->nodes, o.node_count, s->distance, o.cpus, &in->config,
			&in->facts);
	report->refused = s->lists.out_of_memory;
	if (report->refused)
		return;
	compare(s, &o, report);
	for (uint32_t n = 0; n < o.node_count; n++)
		shape = shape * 4 + o.memory[n] + 2u * o.cpus[n];
	target_report_feature(report, shape);
	for (uint32_t n = 0; n < o.node_count && n < 4 && o.length[n]; n++)
		target_report_feature(report, 1u << 31 | n << 24 | o.order[n][0] << 8 |
						      o.order[n][o.length[n] - 1]);
}

const struct target target_zonelist_oracle = {
	.name = "zonelist_oracle",
	.property = "Fallback orders are those of a model that picks node by node.",
	.message = &mmtrace__scenario__descriptor,
	.create = create,
	.destroy = destroy,
	.run_message = run,
	.seeds = machine_seeds,
	.words = machine_words,
};
