/* SPDX-License-Identifier: MIT */
#include "engine/finding.h"

void findings_add(struct findings *f, enum invariant invariant, int32_t nid, int32_t zone,
		  uint64_t place, uint64_t expected, uint64_t seen, const char *what)
{
	if (!f->count[invariant]++)
		f->first[invariant] = (struct finding){ .invariant = invariant,
							.nid = nid,
							.zone = zone,
							.place = place,
							.expected = expected,
							.seen = seen,
							.what = what,
							.event = f->event };
	f->total++;
}
