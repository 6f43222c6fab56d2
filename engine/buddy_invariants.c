/* SPDX-License-Identifier: MIT */
#include "engine/buddy_invariants.h"

void buddy_invariants_check(const struct buddy *b, struct findings *ret)
{
	const char *wrong = buddy_check(b, false);

	if (wrong)
		findings_add(ret, INVARIANT_BUDDY_LISTS, -1, -1, FINDING_NOWHERE, 0, 0, wrong);
}
