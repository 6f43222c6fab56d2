/* SPDX-License-Identifier: MIT */
#include "engine/testing/life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MIB (1ULL << 20)

void life_init(struct life *l, const char *version)
{
	made_boot_init(&l->b, ARCH_X86_64, version);
	l->count = 0;
}

void life_init_mib(struct life *l, const char *version, uint64_t mib)
{
	life_init(l, version);
	made_boot_memory(&l->b, MIB, mib * MIB, -1);
	made_boot_cpus(&l->b, 1, 0);
}

uint32_t life_add(struct life *l, struct operation op)
{
	assert_true(l->count < LIFE_ROOM);
	l->ops[l->count] = op;
	return l->count++;
}

uint32_t life_get_at(struct life *l, int32_t nid, enum zone_type highest, unsigned int order,
		     enum migratetype type, uint32_t flags)
{
	return life_add(l, (struct operation){ .kind = OPERATION_ALLOC,
					       .nid = nid,
					       .highest = highest,
					       .order = order,
					       .type = type,
					       .flags = flags });
}

uint32_t life_get(struct life *l, unsigned int order, enum migratetype type, uint32_t flags)
{
	return life_get_at(l, 0, ZONE_NORMAL, order, type, flags);
}

uint32_t life_put(struct life *l, uint32_t target)
{
	return life_add(l, (struct operation){ .kind = OPERATION_FREE, .target = target });
}

uint32_t life_drain(struct life *l)
{
	return life_add(l, (struct operation){ .kind = OPERATION_DRAIN });
}

uint32_t life_range(struct life *l, enum operation_kind kind, pfn_t pfn, uint64_t pages)
{
	return life_add(l, (struct operation){ .kind = kind, .pfn = pfn, .pages = pages });
}

pfn_t life_page(const struct life *l, uint32_t op)
{
	static const struct scenario_options plain = { .want_lists = true };
	struct boot_input in = l->b.in;
	struct scenario s;
	pfn_t pfn;

	quirks_all_right(&in.facts);
	scenario_init(&s);
	scenario_run(&s, &in, l->ops, l->count, &plain);
	pfn = s.blocks[op].pfn;
	scenario_deinit(&s);
	assert_true(pfn != PFN_NONE);
	return pfn;
}
