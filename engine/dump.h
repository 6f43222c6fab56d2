/* SPDX-License-Identifier: MIT */
/*
 * Dump: views of a whole machine as text.
 *
 * Those for people begin with a line that says what the columns are; numbers are pages unless they
 * are followed by a unit, and ends of address ranges are inclusive, as kernels print them.  What the
 * model does not know is a question mark, or left out where the form is the kernel's.
 */
#ifndef ENGINE_DUMP_H
#define ENGINE_DUMP_H

#include "engine/machine.h"
#include "engine/sink.h"

/* Both lists, region by region. */
void dump_memblock(const struct machine *m, const struct sink *sink);
/* Nodes and zones: where they are and what they hold. */
void dump_zones(const struct machine *m, const struct sink *sink);
/* Each node's order and the zones a request of each type would try. */
void dump_zonelists(const struct machine *m, const struct sink *sink);
/* In the form of the kernel's /proc/zoneinfo, without the counters that move after boot. */
void dump_zoneinfo(const struct machine *m, const struct sink *sink);

/*
 * In the forms of /proc/buddyinfo and /proc/pagetypeinfo.  The machine must have its free lists
 * (m->buddy).
 */
void dump_buddyinfo(const struct machine *m, const struct sink *sink);
void dump_pagetypeinfo(const struct machine *m, const struct sink *sink);

/* Writes the names of @flags ("HOTPLUG|NOMAP"), or nothing. */
void dump_memblock_flags(uint32_t flags, const struct sink *sink);

#endif
