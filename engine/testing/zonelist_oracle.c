/* SPDX-License-Identifier: MIT */
#include "engine/testing/zonelist_oracle.h"

#include <string.h>

/* The unused node with memory of the least value as seen from @local, the first such; or node_count. */
static uint32_t best(const struct zonelist_oracle *o, uint32_t local, const bool *used,
		     const uint64_t *load, uint64_t weight)
{
	uint32_t found = o->node_count;
	uint64_t least = UINT64_MAX;

	for (uint32_t n = 0; n < o->node_count; n++) {
		uint64_t value = o->distance[local][n];

		if (used[n] || !o->memory[n])
			continue;
		if (n < local)
			value++;
		if (o->cpus[n])
			value += o->penalty;
		value = value * weight + load[n];
		if (value < least) {
			least = value;
			found = n;
		}
	}
	return found;
}

void zonelist_oracle_build(struct zonelist_oracle *o)
{
	uint64_t load[ZONELIST_ORACLE_NODES] = { 0 }, online = 0, weight;

	for (uint32_t n = 0; n < o->node_count; n++)
		online += o->possible[n];
	weight = o->accumulate ? o->max_nodes : o->max_nodes * online;
	for (uint32_t local = 0; local < o->node_count; local++) {
		bool used[ZONELIST_ORACLE_NODES] = { false };
		uint64_t still_to_come = online;
		uint32_t previous = local;

		o->length[local] = 0;
		if (!o->possible[local])
			continue;
		for (;;) {
			uint32_t n = local;

			if (used[local] || (o->skip_memoryless && !o->memory[local]))
				n = best(o, local, used, load, weight);
			if (n == o->node_count)
				break;
			if (o->distance[local][n] != o->distance[local][previous])
				load[n] = o->accumulate ? load[n] + 1 : still_to_come;
			used[n] = true;
			o->order[local][o->length[local]++] = n;
			still_to_come--;
			previous = n;
		}
	}
}
