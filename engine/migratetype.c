/* SPDX-License-Identifier: MIT */
#include "engine/migratetype.h"

#include <string.h>

const char *migratetype_name(enum migratetype type, const struct facts *facts)
{
	switch (type) {
	case MIGRATE_UNMOVABLE:
		return "Unmovable";
	case MIGRATE_MOVABLE:
		return "Movable";
	case MIGRATE_RECLAIMABLE:
		return "Reclaimable";
	case MIGRATE_HIGHATOMIC:
		return fact_get(facts, FACT_migrate_reserve) ? "Reserve" : "HighAtomic";
	case MIGRATE_CMA:
		return "CMA";
	case MIGRATE_ISOLATE:
		return "Isolate";
	case MIGRATE_TYPE_COUNT:
		break;
	}
	return "?";
}

enum migratetype migratetype_find(const char *name, const struct facts *facts)
{
	unsigned int type = 0;

	while (type < MIGRATE_TYPE_COUNT &&
	       strcmp(migratetype_name((enum migratetype)type, facts), name) != 0)
		type++;
	return (enum migratetype)type;
}

unsigned int migratetype_count(const struct arch_config *config)
{
	return config->cma ? 6 : 5;
}

enum migratetype migratetype_at(unsigned int number, const struct arch_config *config,
				const struct facts *facts)
{
	bool swapped = fact_get(facts, FACT_migrate_reclaimable_second);

	switch (number) {
	case 0:
		return MIGRATE_UNMOVABLE;
	case 1:
		return swapped ? MIGRATE_RECLAIMABLE : MIGRATE_MOVABLE;
	case 2:
		return swapped ? MIGRATE_MOVABLE : MIGRATE_RECLAIMABLE;
	case 3:
		return MIGRATE_HIGHATOMIC;
	default:
		return number == 4 && config->cma ? MIGRATE_CMA : MIGRATE_ISOLATE;
	}
}
