/* SPDX-License-Identifier: MIT */
/*
 * Git bisect: the commit of this program's own history that made a predicate hold.
 *
 * 'git bisect run' is driven in a clone of its own (cache/work), which borrows the objects of the user's
 * repository and writes nothing there.  Every revision is built once, into cache/REVISION/mmreplay, and asked
 * by its own bisect-run; one that did not build has cache/REVISION/failed and a log.  Killed at any moment,
 * all that was built completely is still there for the next time.
 */
#ifndef TOOLS_GIT_BISECT_H
#define TOOLS_GIT_BISECT_H

#include <stdint.h>

#include "engine/error.h"

struct git_bisect_options {
	const char *repository; /* a folder in it; NULL: the one we are in */
	const char *cache; /* NULL: below XDG_CACHE_HOME, or HOME */
	const char *build; /* NULL: Bazel */
	const char *good, *bad; /* revisions, as git understands them */
	const char *source, *trace; /* trace may be NULL */
	const char *fails;
};

struct git_bisected {
	char *good, *bad; /* the ends: revision, subject, and what was said of it */
	char *culprit; /* revision, date and subject; one a line */
	uint32_t candidates; /* 0: culprit is the one; otherwise it is one of these many */
	uint32_t tested, built, skipped; /* revisions */
};

/*
 * Tests both ends and then what lies between.  Errors are sentences for the user: no such revision, an end
 * that does not build, ends that do not differ.  @ret ends with git_bisected_deinit() in any case.
 */
struct error *git_bisect(const struct git_bisect_options *how, struct git_bisected *ret);
void git_bisected_deinit(struct git_bisected *g);

#endif
