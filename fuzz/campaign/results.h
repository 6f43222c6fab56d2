/* SPDX-License-Identifier: MIT */
/*
 * Results: what a campaign found, in one SQLite file that anybody can query.
 *
 *	campaign  name, value               how it was started; --resume goes on with the same
 *	work      target, executions, ...   what was done, summed up at every report of a worker
 *	finding   target, id, facts, ...    one row a group: a broken property and the facts that matter
 *	looked    target, hash              what engines of others left behind and was looked at
 *
 * Findings are grouped by what is broken and which facts it takes, not by where a program stood, nor by the target
 * that met an invariant's breach first: a thousand inputs that break one rule are one row, with the smallest input
 * known of that target.  What is a target's own (a crash, an oracle that says otherwise) has a row for each.
 *
 * Every change outlives a kill of the program when a function returns; a new group, and its minimised input, a loss
 * of power as well.
 */
#ifndef FUZZ_CAMPAIGN_RESULTS_H
#define FUZZ_CAMPAIGN_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

struct results;

/*
 * Opens the file, which is made if it is not there.  ERROR_FORMAT: it is no such file, or of another
 * version; ERROR_OS.  Errors name the file.
 */
struct error *results_open(const char *path, struct results **ret);
/* Accepts NULL. */
void results_close(struct results *r);

/* How the campaign was started.  A NULL in *@ret: not told; otherwise the caller frees it. */
struct error *results_set(struct results *r, const char *name, const char *value);
struct error *results_get(struct results *r, const char *name, char **ret);

struct results_work {
	uint64_t executions, refused;
	uint64_t milliseconds; /* of all workers together */
	uint64_t kept; /* inputs that came to the folder because they did something new */
	/*
	 * How much was seen to be reached at one time: edges as the engine counts them, features with the
	 * built-in driver.  Sums of targets, and of different engines, compare with nothing.
	 */
	uint64_t coverage;
};
/* Adds to what was done on @target; the larger coverage stands. */
struct error *results_add_work(struct results *r, const char *target,
			       const struct results_work *work);
/* Of one target, or of all where @target is NULL. */
struct error *results_work(struct results *r, const char *target, struct results_work *ret);

/*
 * An input of @target with this hash, which an engine left behind as a finding of its own, was looked at:
 * whoever goes on with the campaign need not do so again.
 */
struct error *results_add_looked(struct results *r, const char *target, uint64_t hash);
/* Calls @f for the hash of each, until it returns false. */
struct error *results_each_looked(struct results *r, const char *target,
				  bool (*f)(void *ctx, uint64_t hash), void *ctx);

/* What is known of a group.  Texts and bytes are the caller's, or valid until the callback returns. */
struct results_finding {
	int64_t number; /* of the group, from 1 */
	const char *target; /* that met it first, and that the input is for */
	const char *id; /* of the property: an invariant, or a target's own */
	const char *
		facts; /* that matter: "name=value name=value", in the order of causes.h; "" none in particular */
	const char *text; /* a sentence on the input below */
	const void *input; /* the smallest known */
	size_t input_size;
	uint64_t seen; /* how often */
	uint64_t first_executions; /* of its target, by all workers, when it was seen first */
	uint64_t first_milliseconds; /* of the campaign */
	bool minimised; /* nothing more can be taken from the input */
};

/*
 * Adds a finding to its group, or begins a new one; a smaller input for the same target takes the place of a larger one.
 * @f->number and ->seen are ignored.  *@number_ret is the group's, *@is_new_ret whether it is new.
 */
struct error *results_add_finding(struct results *r, const struct results_finding *f,
				  int64_t *number_ret, bool *is_new_ret);
/* The input of a group was minimised to this one. */
struct error *results_set_minimised(struct results *r, int64_t number, const char *text,
				    const void *input, size_t input_size);
/* Calls @f for every group in the order of their numbers, until it returns false. */
struct error *results_each_finding(struct results *r,
				   bool (*f)(void *ctx, const struct results_finding *finding),
				   void *ctx);

#endif
