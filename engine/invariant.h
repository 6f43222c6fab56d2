/* SPDX-License-Identifier: MIT */
/*
 * Invariants: what must hold of every machine, whatever was done to it, and the checks of it all.
 *
 * invariant.def is the one list.  Checks of one module's state are in a file beside it, named after it
 * (zone_invariants.c ...); those that compare two modules are in invariant.c.  None of them believes what the
 * code under test works out from its own state: they count again, by another way.
 */
#ifndef ENGINE_INVARIANT_H
#define ENGINE_INVARIANT_H

#include "engine/finding.h"
#include "engine/machine.h"
#include "engine/sink.h"

struct invariant_info {
	const char *id, *owner, *sentence;
	enum invariant_cost cost;
};

const struct invariant_info *invariant_info(enum invariant invariant);
/* INVARIANT_COUNT when there is no such id. */
enum invariant invariant_parse(const char *id, size_t len);
const char *invariant_cost_name(enum invariant_cost cost);

/* Looks at a machine that has booted at least to STAGE_ZONES, for invariants up to @cost. */
void invariant_check_machine(const struct machine *m, enum invariant_cost cost,
			     struct findings *ret);

/* One line: "zone-sizes: node 1, zone DMA32, at 0x1000: ... (expected 5, seen 6)", with a newline. */
void finding_print(const struct finding *f, const struct sink *sink);

#endif
