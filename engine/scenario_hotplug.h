/* SPDX-License-Identifier: MIT */
/* Operations of a scenario that change its memory or CPUs. */
#ifndef ENGINE_SCENARIO_HOTPLUG_H
#define ENGINE_SCENARIO_HOTPLUG_H

#include "engine/scenario.h"

/* Does @op, if it is one of these; @block is where what it allocates is noted. */
void scenario_do_hotplug(struct scenario *s, const struct operation *op,
			 struct scenario_block *block);

/* ---- of scenario.c ---- */

/* The request of an operation; false: it is none. */
bool scenario_request(const struct scenario *s, const struct operation *op,
		      struct alloc_request *ret);
/* @block, whose zone is set, got @pages pages at @pfn; lets them go again. */
void scenario_hold(struct scenario *s, struct scenario_block *block, pfn_t pfn, uint64_t pages);
void scenario_let_go(struct scenario *s, struct scenario_block *block);
/* What operation @target got and still has, or NULL. */
struct scenario_block *scenario_held(struct scenario *s, uint32_t target);
/* Zones came, went or changed.  False: the host has no memory. */
bool scenario_follow_zones(struct scenario *s);

#endif
