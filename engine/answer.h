/* SPDX-License-Identifier: MIT */
/*
 * Answers: what a boot decided, as values.  The model writes a list of them while it boots; an importer
 * makes the same from what the kernel printed; checking is comparing the two.
 */
#ifndef ENGINE_ANSWER_H
#define ENGINE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum answer_kind {
#define ANSWER(id, name, meaning) ANSWER_##id,
#include "engine/answer.def"
#undef ANSWER
	ANSWER_KIND_COUNT
};

/* Fields of /proc/zoneinfo that follow from the boot. */
enum zone_field {
	ZONE_FIELD_SPANNED,
	ZONE_FIELD_PRESENT,
	ZONE_FIELD_MANAGED,
	ZONE_FIELD_CMA,
	ZONE_FIELD_MIN,
	ZONE_FIELD_LOW,
	ZONE_FIELD_HIGH,
	ZONE_FIELD_PROMO,
	ZONE_FIELD_START_PFN,
	ZONE_FIELD_PCP_HIGH,
	ZONE_FIELD_PCP_BATCH,
	ZONE_FIELD_PCP_HIGH_MIN,
	ZONE_FIELD_PCP_HIGH_MAX,
	ZONE_FIELD_STAT_THRESHOLD,
	ZONE_FIELD_COUNT
};
const char *zone_field_name(enum zone_field field);

/* Where a model's answer comes from. */
enum answer_basis {
	BASIS_PREDICTED, /* from inputs alone */
	BASIS_GIVEN, /* some answer was taken as given, because no input tells it */
	BASIS_UNDERIVABLE, /* not known: reason says why; values are void */
};

/* Names of hash tables, in the order of hash_table.def; see engine/hash_table.h. */
struct answer {
	enum answer_kind kind;
	enum answer_basis basis;
	int32_t nid;
	int32_t type; /* zone type, or as told in answer.def */
	uint32_t index;
	uint32_t
		line; /* recorded answers: where it was read; model: line of the step that caused it */
	uint64_t v[6];
	uint32_t list_start, list_count; /* into answers.list */
	const char *reason; /* static text, or NULL */
};

struct answers {
	struct answer *items;
	uint32_t count, room;
	uint32_t *list;
	uint32_t list_count, list_room;
	bool out_of_memory;
	struct answer nowhere; /* what answers_add returns when there is no memory */
};

void answers_deinit(struct answers *a);
void answers_clear(struct answers *a);
/* Appends a zeroed answer of @kind with nid and type -1; the pointer lives until the next append. */
struct answer *answers_add(struct answers *a, enum answer_kind kind);
/* Index of an answer that stands for all of its kind: how many there are is not known either. */
#define ANSWER_INDEX_ALL UINT32_MAX
/* Appends such an answer, underivable for @reason. */
void answers_add_unknowable(struct answers *a, enum answer_kind kind, const char *reason);
/* Moves the answers [first, end) to where @to <= first stands; their order stays. */
void answers_move(struct answers *a, uint32_t first, uint32_t end, uint32_t to);
/* Appends @value to the list of the newest answer. */
void answers_push(struct answers *a, uint32_t value);

const char *answer_kind_name(enum answer_kind kind);
/* Same question? (kind, nid, type, index) */
bool answer_same_key(const struct answer *a, const struct answer *b);
/* Same values?  Both must come from their own list. */
bool answer_same_value(const struct answers *as, const struct answer *a, const struct answers *bs,
		       const struct answer *b);

#endif
