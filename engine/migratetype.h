/* SPDX-License-Identifier: MIT */
/*
 * Migratetypes: what a pageblock is meant for.  The values here are ours and the same for every kernel;
 * what a kernel prints as a number or a name is asked from the functions below.
 */
#ifndef ENGINE_MIGRATETYPE_H
#define ENGINE_MIGRATETYPE_H

#include "engine/arch.h"
#include "engine/facts.h"

enum migratetype {
	MIGRATE_UNMOVABLE,
	MIGRATE_MOVABLE,
	MIGRATE_RECLAIMABLE,
	/* Types from here on are never mixed with others and have no per-CPU lists. */
	MIGRATE_HIGHATOMIC,
	MIGRATE_RESERVE = MIGRATE_HIGHATOMIC, /* what stood in its place up to 4.3 */
	MIGRATE_CMA,
	MIGRATE_ISOLATE,
	MIGRATE_TYPE_COUNT
};

/*
 * "Unmovable", "Movable" ... as /proc/pagetypeinfo prints them, without padding; "Reserve" where the
 * fact migrate_reserve holds.
 */
const char *migratetype_name(enum migratetype type, const struct facts *facts);
/* The type that is printed like that, MIGRATE_TYPE_COUNT if none is. */
enum migratetype migratetype_find(const char *name, const struct facts *facts);
/* How many migratetypes a kernel has: 5, or 6 with CMA. */
unsigned int migratetype_count(const struct arch_config *config);
/*
 * The type that kernel numbers @number (0 ... migratetype_count - 1): the order of the lines and columns
 * of /proc/pagetypeinfo.  Include/linux/mmzone.h of 2.6.32, 4.4, 6.1 and 6.12.
 */
enum migratetype migratetype_at(unsigned int number, const struct arch_config *config,
				const struct facts *facts);

#endif
