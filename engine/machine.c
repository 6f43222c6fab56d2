/* SPDX-License-Identifier: MIT */
#include "engine/machine.h"

#include <stdlib.h>
#include <string.h>

#include "engine/buddy.h"
#include "engine/room.h"

void machine_init(struct machine *m)
{
	memset(m, 0, sizeof(*m));
}

void machine_reset(struct machine *m)
{
	struct machine kept = { .e820 = m->e820,
				.mb = m->mb,
				.before = m->before,
				.zonelists = m->zonelists,
				.answers = m->answers,
				.ranges = m->ranges,
				.range_room = m->range_room,
				.nodes = m->nodes,
				.distance = m->distance,
				.numa_blocks = m->numa_blocks,
				.window_nids = m->window_nids,
				.tree_placed = m->tree_placed,
				.cma = m->cma,
				.cma_room = m->cma_room,
				.given = m->given,
				.given_room = m->given_room,
				.room = m->room,
				.spare_buddy = m->buddy ? m->buddy : m->spare_buddy };

	kept.e820.count = 0;
	kept.e820.out_of_memory = false;
	kept.zonelists.by_zone = kept.zonelists.out_of_memory = false;
	kept.zonelists.policy_zone = ZONE_DMA;
	answers_clear(&kept.answers);
	kept.answers.out_of_memory = false;
	if (m->buddy && m->spare_buddy) {
		buddy_deinit(m->spare_buddy);
		free(m->spare_buddy);
	}
	*m = kept;
}

void machine_deinit(struct machine *m)
{
	e820_deinit(&m->e820);
	memblock_deinit(&m->mb);
	memblock_deinit(&m->before);
	zonelists_deinit(&m->zonelists);
	answers_deinit(&m->answers);
	free(m->nodes);
	free(m->distance);
	free(m->numa_blocks);
	free(m->window_nids);
	free(m->given);
	free(m->ranges);
	free(m->cma);
	free(m->tree_placed);
	if (m->buddy)
		buddy_deinit(m->buddy);
	free(m->buddy);
	if (m->spare_buddy)
		buddy_deinit(m->spare_buddy);
	free(m->spare_buddy);
	for (unsigned int i = 0; i < MACHINE_WORK_COUNT; i++)
		free(m->room.work[i]);
	memset(m, 0, sizeof(*m));
}

void *machine_work(struct machine *m, unsigned int which, size_t count, size_t size)
{
	if (!room_make(&m->room.work[which], &m->room.work_bytes[which], count * size)) {
		m->out_of_memory = true;
		return NULL;
	}
	return memset(m->room.work[which], 0, count * size);
}
