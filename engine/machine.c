/* SPDX-License-Identifier: MIT */
#include "engine/machine.h"

#include <stdlib.h>
#include <string.h>

#include "engine/buddy.h"

void machine_init(struct machine *m)
{
	memset(m, 0, sizeof(*m));
}

void machine_deinit(struct machine *m)
{
	e820_deinit(&m->e820);
	memblock_deinit(&m->mb);
	zonelists_deinit(&m->zonelists);
	answers_deinit(&m->answers);
	free(m->nodes);
	free(m->distance);
	free(m->numa_blocks);
	free(m->ranges);
	free(m->cma);
	free(m->tree_placed);
	if (m->buddy)
		buddy_deinit(m->buddy);
	free(m->buddy);
	memset(m, 0, sizeof(*m));
}
