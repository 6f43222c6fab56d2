/* SPDX-License-Identifier: MIT */
/*
 * Regression: a bug that was fixed, kept as the smallest subject that showed it.
 *
 * traces/regressions has two files for each: NAME.mmtrace, a stored trace with the facts that are right, and
 * NAME.txt, which says in lines "key: text" what it is about:
 *
 *	about: what went wrong, in a sentence
 *	fails: a predicate (predicate.h), which does not hold for the stored trace
 *	wrong: FACT=VALUE,FACT=VALUE or era 5.10: with these it does hold
 *	against: a kernel that has them: bisect --over facts between the two names just these facts
 *	fixed: the commit or the fact that mended it, and the kernel it is in
 *	from: what it was cut from
 *
 * "wrong" is missing where no fact makes the difference: the bug was ours; "against" where no kernel is known to
 * have it, or differs too much.  Empty lines, and lines that begin
 * with '#', do not count.
 */
#ifndef TRACES_REGRESSION_H
#define TRACES_REGRESSION_H

#include "engine/error.h"
#include "traces/predicate.h"

/* Texts are owned; NULL: not there. */
struct regression {
	char *about, *fails, *wrong, *against, *fixed, *from;
};

/*
 * Reads NAME.txt from bytes into @ret (zeroed; ends with regression_deinit() in any case); @name is what errors
 * call it.  ERROR_SYNTAX: a line that is none of these, or twice; "about", "fails" or "fixed" is missing.
 */
struct error *regression_read(const char *text, size_t size, const char *name,
			      struct regression *ret);
void regression_deinit(struct regression *r);
void regression_write(const struct regression *r, const struct sink *sink);

/* Makes @s the machine that had it wrong; nothing without "wrong".  ERROR_SYNTAX: it is neither facts nor an era. */
struct error *regression_make_wrong(const struct regression *r, struct subject *s);

/*
 * Asks both ends of @s: with its own facts the predicate must not hold, with those that were wrong it must; and
 * these are found against the kernel that has them.
 * *@sentence_ret is "" if so, and otherwise says what is not as it should be.
 */
struct error *regression_check(const struct regression *r, const struct subject *s,
			       char sentence_ret[512]);

#endif
