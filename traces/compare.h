/* SPDX-License-Identifier: MIT */
/*
 * Compare: what the model answered beside what the kernel recorded, question by question.
 *
 * Two answers belong together when they have the same key (kind, nid, type, index); of several with
 * one key the first belongs to the first, and so on.  Only kinds that the log has are looked at.
 *
 * A log says less than the kernel did: rings overflow, lines are cut and taken out.  So an answer of
 * the model that the log lacks is COMPARE_NOT_IN_LOG, which is told and counted but contradicts
 * nothing.  It is left out altogether where it says "nothing": an allocation that found no place.
 * Lists whose length a line of its own tells (memblock dumps) differ by that line.  The reverse,
 * something the kernel said and the model has no word for, is COMPARE_NOT_IN_MODEL and a difference.
 */
#ifndef TRACES_COMPARE_H
#define TRACES_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/answer.h"

enum compare_verdict {
	COMPARE_AGREE, /* predicted, and the same */
	COMPARE_DIFFER, /* predicted or given, and not the same */
	COMPARE_GIVEN, /* the same, but something was taken from the log's answers */
	COMPARE_UNPREDICTED, /* the model does not know; its reason says why */
	COMPARE_NOT_IN_MODEL, /* the kernel recorded what the model never decided */
	COMPARE_NOT_IN_LOG, /* the model decided what the log does not tell */
	COMPARE_VERDICT_COUNT
};
/* "agree", "differ" ...: one word for scripts. */
const char *compare_verdict_name(enum compare_verdict verdict);
/* Does it contradict? */
static inline bool compare_is_difference(enum compare_verdict verdict)
{
	return verdict == COMPARE_DIFFER || verdict == COMPARE_NOT_IN_MODEL;
}

/* Borrowed from the two lists; one of them is NULL where the verdict says so. */
struct compare_row {
	enum compare_verdict verdict;
	enum answer_kind kind;
	const struct answer *recorded, *model;
};

/* Rows by kind, inside a kind in the order of the log, then what is not in the log. */
struct comparison {
	struct compare_row *rows;
	uint32_t count;
	uint32_t counts[ANSWER_KIND_COUNT][COMPARE_VERDICT_COUNT];
	uint32_t total[COMPARE_VERDICT_COUNT];
};

/*
 * Fills @ret (not yet used) from two lists, which must stay as they are while it lives.  Takes
 * n log n.  Returns false without memory, and leaves @ret zeroed.
 */
bool compare_answers(const struct answers *recorded, const struct answers *model,
		     struct comparison *ret);
void comparison_deinit(struct comparison *c);
/* Rows that contradict. */
uint32_t comparison_differences(const struct comparison *c);

#endif
