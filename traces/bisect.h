/* SPDX-License-Identifier: MIT */
/*
 * Bisect: what makes the difference between a subject for which a predicate does not hold (good) and one for
 * which it does (bad): the first event, the kernel version, or the facts.
 *
 * Both ends are tested first.  Where they are not good and bad, there is nothing to look for, and that is
 * told; see bisect_ends_differ().
 */
#ifndef TRACES_BISECT_H
#define TRACES_BISECT_H

#include "engine/facts.h"
#include "traces/predicate.h"
#include "traces/subject.h"

struct bisector {
	struct predicate *predicate;
	const struct subject *subject; /* as recorded */
	void (*progress)(void *ctx, uint64_t tests); /* before each test; may be NULL */
	void *ctx;
	uint64_t tests; /* done so far */
};

struct bisect_ends {
	struct judgement good, bad;
};
static inline bool bisect_ends_differ(const struct bisect_ends *ends)
{
	return ends->good.verdict == VERDICT_GOOD && ends->bad.verdict == VERDICT_BAD;
}

/* ---- events ------------------------------------------------------------------------------------- */

struct bisect_events {
	bool operations; /* the subject has no events, and what is said of them is about its operations */
	struct bisect_ends ends; /* without any event, and with all */
	/* The first @good events are good, the first @bad are bad; nothing is known to lie between. */
	uint32_t good, bad;
	struct judgement at_good, at_bad;
	uint32_t unknown; /* numbers of events between them for which it cannot be told */
};
/*
 * Halves the trace until one event more makes the difference.  Where the verdict changes to and fro, this is
 * one of the changes; where it begins with the event the predicate names, the first.
 */
struct error *bisect_events(struct bisector *b, struct bisect_events *ret);

/* ---- rows of facts ------------------------------------------------------------------------------ */

/* One end: a kernel version, with facts of its own perhaps. */
struct bisect_row {
	uint32_t version; /* 0: the facts as recorded */
	struct facts facts;
};

#define BISECT_CAUSES_MAX 16

/* Facts that the good end lacks to be bad: all of them are needed, and no others. */
struct bisect_cause {
	enum fact *facts; /* in their own order */
	uint32_t count;
	struct judgement alone; /* the good end, with these of the bad end: bad */
	/* The bad end without these (and without the causes before): good, unless there is another cause. */
	struct judgement reverted;
};

struct bisect_facts {
	struct bisect_ends ends;
	uint32_t differ; /* facts in which the two rows differ */
	struct bisect_cause causes[BISECT_CAUSES_MAX];
	uint32_t count;
	bool more; /* there are more causes than are kept, or the last could not be told */
};
/*
 * The sets of facts that turn good into bad, by delta debugging: each 1-minimal, found without those before.
 * @ret ends with bisect_facts_deinit() in any case.
 */
struct error *bisect_facts(struct bisector *b, const struct bisect_row *good,
			   const struct bisect_row *bad, struct bisect_facts *ret);
void bisect_facts_deinit(struct bisect_facts *f);

/* ---- versions ----------------------------------------------------------------------------------- */

struct bisect_versions {
	struct bisect_ends ends;
	/* Neighbours, as far as known: no fact changes between them, or it cannot be told there. */
	uint32_t good, bad;
	struct judgement at_good, at_bad;
	uint32_t unknown; /* versions between them that cannot be told */
	uint32_t candidates; /* versions between the ends in which a fact changes */
};
/* Between two versions, either of which may be the older one. */
struct error *bisect_versions(struct bisector *b, uint32_t good, uint32_t bad,
			      struct bisect_versions *ret);

/* The subject of @b under that row. */
struct subject bisect_subject(const struct bisector *b, const struct bisect_row *row);
/* Tests it, and counts. */
struct error *bisect_try(struct bisector *b, const struct subject *s, struct judgement *ret);

#endif
