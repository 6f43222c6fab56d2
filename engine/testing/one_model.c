/* SPDX-License-Identifier: MIT */
#include "engine/testing/one_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void one_model_make(struct one_model *m, uint32_t version, pfn_t start, uint32_t cpu_count,
		    struct stage_sizes sizes)
{
	uint8_t distance = 10;

	memset(m, 0, sizeof(*m));
	one_zone_make(version, start, &m->facts, &m->config, &m->node, &m->lists, &m->unused);
	m->late.nodes = &m->node;
	m->late.node_count = 1;
	zonelists_build(&m->late.zonelists, &m->node, 1, &distance, NULL, &m->config, &m->facts);
	m->setup.late = &m->late;
	m->setup.config = &m->config;
	m->setup.facts = &m->facts;
	gfp_table_init(&m->setup.gfp, &m->facts);
	for (unsigned int i = 0; i < MIGRATE_TYPE_COUNT; i++)
		m->setup.types[i] = migratetype_at(i, &m->config, &m->facts);
	m->setup.kinds = 1u << EVENT_ALLOC | 1u << EVENT_FREE;
	m->setup.cpu_count = cpu_count;
	for (unsigned int i = 0; i < REPLAY_STAGES; i++) {
		m->setup.sizes[i] = calloc(2, sizeof(struct stage_sizes));
		assert_non_null(m->setup.sizes[i]);
		m->setup.sizes[i][0] = sizes;
	}
	m->model = replay_model_create(&m->setup, &m->lists);
	assert_non_null(m->model);
}

void one_model_deinit(struct one_model *m)
{
	replay_model_destroy(m->model);
	for (unsigned int i = 0; i < REPLAY_STAGES; i++)
		free(m->setup.sizes[i]);
	zonelists_deinit(&m->late.zonelists);
	page_alloc_deinit(&m->unused);
	buddy_deinit(&m->lists);
}

void one_kernel_make(struct one_kernel *k, struct one_model *m, uint32_t version, pfn_t start,
		     uint32_t cpu_count, struct stage_sizes sizes)
{
	one_zone_make(version, start, &k->facts, &k->config, &k->node, &k->lists, &k->alloc);
	page_alloc_deinit(&k->alloc);
	page_alloc_init(&k->alloc, &k->lists, &k->config, &k->facts, &k->node, 1,
			&m->late.zonelists, cpu_count);
	page_alloc_set_pagesets(&k->alloc, 0, sizes.batch, sizes.high, sizes.high_min,
				sizes.high_max);
}

void one_kernel_deinit(struct one_kernel *k)
{
	page_alloc_deinit(&k->alloc);
	buddy_deinit(&k->lists);
}
