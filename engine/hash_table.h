/* SPDX-License-Identifier: MIT */
/*
 * The hash tables a boot prints, one row each in hash_table.def.
 */
#ifndef ENGINE_HASH_TABLE_H
#define ENGINE_HASH_TABLE_H

#include "engine/machine.h"

enum hash_table {
#define HASH_TABLE(id, name, group, b64, b32, entries, scale, low, high) HASH_TABLE_##id,
#include "engine/hash_table.def"
#undef HASH_TABLE
	HASH_TABLE_COUNT
};

/*
 * An answer of kind HASH has in v[] the entries, the order and the bytes of a table and what follows; the
 * futexes' table has one of so many entries and bytes on each of v[4] nodes, and no order.  Where only the
 * entries are told, all else is 0.
 */
/* How a table's memory was got, answer v[3]. */
enum hash_memory { HASH_MEMORY_UNKNOWN, HASH_LINEAR, HASH_VMALLOC, HASH_VMALLOC_HUGE };

const char *hash_table_name(enum hash_table table);

/* When tables are sized. */
enum hash_group {
	HASH_GROUP_EARLY, /* from memblock, before the hand-over */
	HASH_GROUP_VFS, /* the file system's, after it */
	HASH_GROUP_CORE, /* the first initcalls */
	HASH_GROUP_LATE, /* later ones */
};

/*
 * Answers for the tables of @group; @most limits their number.  Tables already answered for are left
 * out, so that calls add up.
 */
void hash_tables_answer(struct machine *m, enum hash_group group, uint32_t most);

/* What a bucket of @table takes in a kernel of the usual configuration. */
uint64_t hash_table_bucket_bytes(const struct arch_config *config, const struct facts *facts,
				 enum hash_table table);

#endif
