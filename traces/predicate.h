/* SPDX-License-Identifier: MIT */
/*
 * Predicate: the question that minimising and bisecting ask, written by the user, answered for one
 * subject (subject.h) at a time.
 *
 *	invariant:fallback-once		fallbacks > 100		unusable(order=9) > 0.8
 *	diverges			boot-differs		alloc-fails(order=4)
 *	differs-from 6.12		exit ./my-test
 *
 * predicate.def is the list.  "Bad" is always: it holds.  The answer depends on the subject alone (and, for
 * a command, on what that does), and two tests of the same subject give the same answer.
 */
#ifndef TRACES_PREDICATE_H
#define TRACES_PREDICATE_H

#include "engine/error.h"
#include "traces/subject.h"

enum verdict {
	VERDICT_GOOD, /* it does not hold */
	VERDICT_BAD, /* it holds */
	VERDICT_UNKNOWN, /* it cannot be told: judgement.why says why not */
};
/* "good", "bad", "cannot tell" */
const char *verdict_name(enum verdict verdict);

#define JUDGEMENT_NOWHERE UINT64_MAX

struct judgement {
	enum verdict verdict;
	/* Number, from 0, of the event or operation that decided; JUDGEMENT_NOWHERE: none. */
	uint64_t at;
	/*
	 * Equal where the cause is likely to be the same: who cuts a subject down wants to keep it.  0: any
	 * cause will do.
	 */
	uint64_t fingerprint;
	/* A phrase: "fallbacks: 120", "event 17: page frame 0x1000 recorded, 0x1400 predicted". */
	char why[256];
};

struct predicate;

/*
 * Reads @text.  Errors name no file; ERROR_SYNTAX has the column in @text, and for what OTHER names there
 * are the errors of subject_read().
 */
struct error *predicate_parse(const char *text, struct predicate **ret);
/* Accepts NULL. */
void predicate_destroy(struct predicate *p);
/* As it was written. */
const char *predicate_text(const struct predicate *p);

/*
 * Asks it of @s.  An error is no verdict: no memory, a command that cannot be run or was killed by a
 * signal.
 */
struct error *predicate_test(struct predicate *p, const struct subject *s, struct judgement *ret);

/* Does it look at this part of a subject?  What it does not look at can be left out. */
enum predicate_part {
	PREDICATE_EVENTS = 1,
	PREDICATE_ANSWERS = 2, /* recorded ones */
	PREDICATE_OPERATIONS = 4,
	PREDICATE_PAGES = 8, /* which pages events recorded: evidence, which is not to be changed */
};
unsigned int predicate_parts(const struct predicate *p);
/* Is it nothing but a question about what the events, or operations, do? */
bool predicate_is_about_events(const struct predicate *p);

struct predicate_info {
	const char *name, *usage, *meaning;
};
/* All there are, in the order of help. */
extern const struct predicate_info predicate_infos[];
extern const unsigned int predicate_info_count;

#endif
