/* SPDX-License-Identifier: MIT */
/*
 * The benchmark of known bugs: how long the built-in driver takes to find each rule that Linux once had
 * wrong, when that rule alone is wrong, on one core.
 *
 *	known_bugs [--seconds N] [--seeds N] [--target NAME]... [QUIRK...]
 *
 * For each quirk and seed, targets have turns until one finds an input that breaks the quirk's own invariant
 * with the wrong value and not with the right one; that input is made small.  A line a quirk: how many of
 * the seeds found it, medians of time and executions, and the size of the smallest input in bytes.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/invariant.h"
#include "engine/prng.h"
#include "engine/quirk.h"
#include "fuzz/campaign/shrink.h"
#include "fuzz/clock.h"
#include "fuzz/driver.h"

/* A turn is short: which target will find it is not known. */
enum { TARGETS_MAX = 16, SEEDS_MAX = 99, TURN = 2048 };

/* Those that look at invariants. */
static const char *const default_targets[] = { "topology", "memblock", "operations" };

struct options {
	const struct target *targets[TARGETS_MAX];
	unsigned int target_count;
	uint64_t seconds;
	unsigned int seeds;
};

/* One quirk, one seed. */
struct hunt {
	const struct options *options;
	const char *id; /* of the invariant */
	struct target_fact wrong, right;
	struct target_runner *with_wrong[TARGETS_MAX], *with_right[TARGETS_MAX];
	/* Inputs that did something new, for the turns to come. */
	struct driver_input *kept[TARGETS_MAX];
	size_t kept_count[TARGETS_MAX], given[TARGETS_MAX];
	unsigned int at; /* target whose turn it is */
	double start;
	uint64_t executions;
	bool found;
	double seconds; /* when it was found */
	uint64_t found_executions;
	uint8_t *input;
	size_t size;
};

static double now(void)
{
	return (double)clock_nanoseconds() / 1e9;
}

static bool shows(struct target_runner *r, const char *id)
{
	return target_report_has(target_report(r), id);
}

static void on_found(void *ctx, const struct target_report *report, const uint8_t *data,
		     size_t size, uint64_t execution)
{
	struct hunt *h = ctx;

	(void)report;
	if (h->found || !shows(h->with_wrong[h->at], h->id))
		return;
	target_run_bytes(h->with_right[h->at], data, size);
	if (shows(h->with_right[h->at], h->id))
		return;
	h->input = malloc(size + 1);
	if (!h->input)
		return;
	memcpy(h->input, data, size);
	h->size = size;
	h->found = true;
	h->seconds = now() - h->start;
	h->found_executions = h->executions + execution;
}

/* What was given is kept again by each turn, first of all, and in its order. */
static void on_kept(void *ctx, const uint8_t *data, size_t size)
{
	struct hunt *h = ctx;
	size_t count = h->kept_count[h->at];
	struct driver_input *kept;
	uint8_t *copy;

	for (size_t i = 0; i < h->given[h->at]; i++)
		if (h->kept[h->at][i].size == size && !memcmp(h->kept[h->at][i].data, data, size))
			return;
	kept = realloc(h->kept[h->at], (count + 1) * sizeof(*kept));
	if (!kept)
		return;
	h->kept[h->at] = kept;
	copy = malloc(size + 1);
	if (!copy)
		return;
	memcpy(copy, data, size);
	kept[count] = (struct driver_input){ copy, size };
	h->kept_count[h->at]++;
}

static bool on_progress(void *ctx, const struct driver_stats *stats)
{
	struct hunt *h = ctx;

	(void)stats;
	return !h->found && now() - h->start < (double)h->options->seconds;
}

static bool ask(void *ctx, const ProtobufCMessage *message)
{
	struct hunt *h = ctx;

	target_run_message(h->with_right[h->at], message);
	if (shows(h->with_right[h->at], h->id))
		return false;
	target_run_message(h->with_wrong[h->at], message);
	return shows(h->with_wrong[h->at], h->id);
}

static void make_small(struct hunt *h)
{
	struct shrink_question question = { .message = ask, .ctx = h, .tests_max = 20000 };
	const struct target *target = h->options->targets[h->at];
	struct shrink_result result;

	if (!target->message || shrink(target->message, h->input, h->size, &question, &result))
		return;
	free(h->input);
	h->input = result.data;
	h->size = result.size;
}

static bool begin(struct hunt *h)
{
	for (unsigned int i = 0; i < h->options->target_count; i++) {
		const struct target *t = h->options->targets[i];
		struct target_settings wrong = { .facts = &h->wrong, .fact_count = 1 };
		struct target_settings right = { .facts = &h->right, .fact_count = 1 };

		if (target_runner_create(t, &wrong, &h->with_wrong[i]) ||
		    target_runner_create(t, &right, &h->with_right[i]))
			return false;
	}
	return true;
}

static bool hunt(struct hunt *h, uint64_t seed)
{
	struct prng prng = prng_init(seed);

	if (!begin(h))
		return false;
	h->start = now();
	while (!h->found && now() - h->start < (double)h->options->seconds) {
		for (h->at = 0; h->at < h->options->target_count && !h->found; h->at++) {
			/* A copy, as what is kept meanwhile may move the list. */
			size_t given = h->given[h->at] = h->kept_count[h->at];
			struct driver_input *inputs = malloc((given + 1) * sizeof(*inputs));
			struct driver_options options = { .seed = prng_next(&prng),
							  .executions = TURN + given,
							  .inputs = inputs,
							  .input_count = given,
							  .found = on_found,
							  .kept = on_kept,
							  .progress = on_progress,
							  .ctx = h };
			struct driver_stats stats;

			if (!inputs)
				return false;
			if (given)
				memcpy(inputs, h->kept[h->at], given * sizeof(*inputs));
			if (driver_run(h->with_wrong[h->at], &options, &stats))
				return false;
			free(inputs);
			h->executions += stats.executions;
			if (h->found)
				break;
		}
	}
	if (h->found)
		make_small(h);
	for (unsigned int i = 0; i < h->options->target_count; i++) {
		target_runner_destroy(h->with_wrong[i]);
		target_runner_destroy(h->with_right[i]);
		for (size_t k = 0; k < h->kept_count[i]; k++)
			free((void *)(uintptr_t)h->kept[i][k].data);
		free(h->kept[i]);
	}
	return true;
}

/* ---- the table --------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool run_quirk(const struct options *o, const struct quirk_info *q)
{
	double seconds[SEEDS_MAX], executions[SEEDS_MAX];
	const char *where = "-";
	unsigned int found = 0;
	size_t smallest = SIZE_MAX;

	for (unsigned int seed = 1; seed <= o->seeds; seed++) {
		struct hunt h = { .options = o,
				  .id = invariant_info(q->invariant)->id,
				  .wrong = { q->fact, q->wrong },
				  .right = { q->fact, q->right } };

		if (!hunt(&h, seed)) {
			fputs("known_bugs: out of memory\n", stderr);
			exit(2);
		}
		if (h.found) {
			seconds[found] = h.seconds;
			executions[found++] = (double)h.found_executions;
			if (h.size < smallest) {
				smallest = h.size;
				where = o->targets[h.at]->name;
			}
		}
		free(h.input);
	}
	printf("%-38s %2u/%-2u", q->id, found, o->seeds);
	if (found) {
		qsort(seconds, found, sizeof(*seconds), compare_doubles);
		qsort(executions, found, sizeof(*executions), compare_doubles);
		printf(" %9.2f %11.0f %6zu  %-11s %s\n", seconds[found / 2], executions[found / 2],
		       smallest, where, invariant_info(q->invariant)->id);
	} else {
		printf(" %9s %11s %6s  %-11s %s\n", "-", "-", "-", "-",
		       invariant_info(q->invariant)->id);
	}
	fflush(stdout);
	return found > 0;
}

static void usage(void)
{
	fputs("usage: known_bugs [--seconds N] [--seeds N] [--target NAME]... [QUIRK...]\n",
	      stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	struct options o = { .seconds = 60, .seeds = 5 };
	unsigned int found = 0, tried = 0;
	int i;

	for (i = 1; i < argc && !strncmp(argv[i], "--", 2); i += 2) {
		if (i + 1 >= argc)
			usage();
		if (!strcmp(argv[i], "--seconds"))
			o.seconds = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--seeds"))
			o.seeds = (unsigned int)strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--target") && o.target_count < TARGETS_MAX &&
			 target_find(argv[i + 1]))
			o.targets[o.target_count++] = target_find(argv[i + 1]);
		else
			usage();
	}
	if (!o.seconds || !o.seeds || o.seeds > SEEDS_MAX)
		usage();
	if (!o.target_count)
		for (unsigned int t = 0; t < sizeof(default_targets) / sizeof(*default_targets);
		     t++)
			o.targets[o.target_count++] = target_find(default_targets[t]);
	printf("%-38s %5s %9s %11s %6s  %-11s %s\n", "quirk", "found", "seconds", "executions",
	       "bytes", "target", "invariant");
	for (unsigned int q = 0; q < QUIRK_COUNT; q++) {
		const struct quirk_info *info = quirk_info((enum quirk)q);
		bool wanted = i >= argc;

		for (int k = i; k < argc; k++)
			wanted |= !strcmp(argv[k], info->id);
		if (!wanted)
			continue;
		tried++;
		found += run_quirk(&o, info);
	}
	printf("%u of %u found\n", found, tried);
	return found == tried ? 0 : 1;
}
