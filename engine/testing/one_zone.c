/* SPDX-License-Identifier: MIT */
#include "engine/testing/one_zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void one_zone_make(uint32_t version, pfn_t start, struct facts *facts, struct arch_config *config,
		   struct node *node, struct buddy *b, struct page_alloc *a)
{
	const struct node_range range = { .start = start, .end = start + ONE_ZONE_PAGES };
	struct zonelists lists = { 0 };
	uint8_t distance = 10;

	facts_init(facts, version);
	arch_config_default(ARCH_X86_64, false, config);
	node->possible = node->memory = true;
	node->present = ONE_ZONE_PAGES;
	node->zones[ZONE_NORMAL] = (struct zone){ .type = ZONE_NORMAL,
						  .start_pfn = start,
						  .spanned = ONE_ZONE_PAGES,
						  .present = ONE_ZONE_PAGES,
						  .managed = ONE_ZONE_PAGES };
	buddy_init(b, config, facts, node, 1, &range, 1);
	buddy_set_block_types(b, 0, start, range.end, MIGRATE_MOVABLE);
	buddy_free_range(b, 0, start, range.end, config->max_order, BUDDY_PLACE_FRESH);
	zonelists_build(&lists, node, 1, &distance, NULL, config, facts);
	page_alloc_init(a, b, config, facts, node, 1, &lists, 1);
	zonelists_deinit(&lists);
	assert_false(b->out_of_memory || a->out_of_memory);
}
