/* SPDX-License-Identifier: MIT */
/* Invariants of hotplug: see invariant.def. */
#ifndef ENGINE_HOTPLUG_INVARIANTS_H
#define ENGINE_HOTPLUG_INVARIANTS_H

#include "engine/finding.h"
#include "engine/hotplug.h"

/* Adds what does not hold of a machine whose memory can come and go; @deep: free lists too. */
void hotplug_invariants_check(const struct hotplug *h, bool deep, struct findings *ret);

#endif
