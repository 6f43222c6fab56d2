/* SPDX-License-Identifier: MIT */
#include "engine/memblock_invariants.h"

void memblock_invariants_check(const struct memblock *mb, struct findings *ret)
{
	const char *wrong = memblock_check(mb);

	if (wrong)
		findings_add(ret, INVARIANT_MEMBLOCK_LISTS, -1, -1, FINDING_NOWHERE, 0, 0, wrong);
}
