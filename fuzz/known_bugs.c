/* SPDX-License-Identifier: MIT */
/*
 * The benchmark of known bugs: how long the built-in driver takes to find each rule that Linux once had
 * wrong, when that rule alone is wrong, on one core.
 *
 *	known_bugs [--seconds N] [--seeds N] [--target NAME]... [--right-only] [QUIRK...]
 *
 * For each quirk and seed, targets have turns until one finds an input that breaks the quirk's own invariant
 * with the wrong value and not with the right one; that input is made small.  A line a quirk: how many of
 * the seeds found it, medians of the time and executions over all seeds, and the size of the smallest input
 * in bytes and in parts (list elements and messages).  Time is that of the CPU, so that whatever else runs
 * on the host does not count.
 *
 * After all of them the same is done with every rule right, once a seed and target, and what breaks is
 * named: it should be what docs/FINDINGS.md tells of, and nothing else.
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
#include "fuzz/mutate/mutate.h"

enum { TARGETS_MAX = 16, SEEDS_MAX = 99 };

/*
 * Those that look at invariants.  A turn is short, as it is not known which target will find something, and
 * their turns take about as long as each other.
 */
static const struct {
	const char *name;
	uint64_t turn; /* executions */
} default_targets[] = {
	{ "topology", 8192 },
	{ "operations", 2048 },
	{ "memblock", 8192 },
};
#define TURN_OF_OTHERS 2048

struct options {
	const struct target *targets[TARGETS_MAX];
	uint64_t turns[TARGETS_MAX];
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
	struct driver *drivers[TARGETS_MAX];
	unsigned int at; /* target whose turn it is */
	double start;
	bool found;
	double seconds; /* when it was found */
	uint64_t found_executions;
	uint8_t *input;
	size_t size, parts;
};

static double now(void)
{
	return (double)clock_work_nanoseconds() / 1e9;
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
	(void)execution;
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
	h->found_executions = 0;
	for (unsigned int i = 0; i < h->options->target_count; i++)
		h->found_executions += driver_stats(h->drivers[i])->executions;
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

static size_t count_parts(const struct target *target, const uint8_t *data, size_t size)
{
	ProtobufCMessage *message = protobuf_c_message_unpack(target->message, NULL, size, data);
	size_t parts = message ? mutate_parts(message) : 0;

	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
	return parts;
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
	h->parts = count_parts(target, h->input, h->size);
}

static bool begin(struct hunt *h, uint64_t seed)
{
	struct prng prng = prng_init(seed);

	for (unsigned int i = 0; i < h->options->target_count; i++) {
		const struct target *t = h->options->targets[i];
		struct target_settings wrong = { .facts = &h->wrong, .fact_count = 1 };
		struct target_settings right = { .facts = &h->right, .fact_count = 1 };
		struct driver_options options = { .seed = prng_next(&prng),
						  .found = on_found,
						  .every_finding = true,
						  .progress = on_progress,
						  .ctx = h };

		if (target_runner_create(t, &wrong, &h->with_wrong[i]) ||
		    target_runner_create(t, &right, &h->with_right[i]) ||
		    driver_create(h->with_wrong[i], &options, &h->drivers[i]))
			return false;
	}
	h->start = now();
	return true;
}

static void end(struct hunt *h)
{
	for (unsigned int i = 0; i < h->options->target_count; i++) {
		driver_destroy(h->drivers[i]);
		target_runner_destroy(h->with_wrong[i]);
		target_runner_destroy(h->with_right[i]);
	}
}

static bool hunt(struct hunt *h, uint64_t seed)
{
	const struct options *o = h->options;

	if (!begin(h, seed))
		return false;
	while (on_progress(h, NULL)) {
		for (h->at = 0; h->at < o->target_count; h->at++) {
			struct driver *d = h->drivers[h->at];

			if (driver_go_on(d, driver_stats(d)->executions + o->turns[h->at]))
				return false;
			if (h->found)
				break;
		}
	}
	if (h->found)
		make_small(h);
	end(h);
	return true;
}

/* ---- the table --------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The median of all seeds: where most found nothing there is none. */
static double median(double *of_found, unsigned int found, unsigned int seeds)
{
	qsort(of_found, found, sizeof(*of_found), compare_doubles);
	return seeds / 2 < found ? of_found[seeds / 2] : -1;
}

static void print_number(double number, int width, int digits)
{
	if (number < 0)
		printf(" %*s", width, "-");
	else
		printf(" %*.*f", width, digits, number);
}

/* What came of one quirk. */
struct row {
	bool found, in_time; /* by any seed; the median seed */
};

static struct row run_quirk(const struct options *o, const struct quirk_info *q)
{
	double seconds[SEEDS_MAX], executions[SEEDS_MAX];
	size_t smallest = SIZE_MAX, parts = 0;
	const char *where = "-";
	unsigned int found = 0;
	struct row row;
	double middle;

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
				parts = h.parts;
				where = o->targets[h.at]->name;
			}
		}
		free(h.input);
	}
	middle = median(seconds, found, o->seeds);
	printf("%-38s %2u/%-2u", q->id, found, o->seeds);
	print_number(middle, 9, 2);
	print_number(median(executions, found, o->seeds), 11, 0);
	print_number(found ? (double)smallest : -1, 6, 0);
	print_number(found ? (double)parts : -1, 6, 0);
	printf("  %-11s %s\n", where, invariant_info(q->invariant)->id);
	fflush(stdout);
	row = (struct row){ found > 0, middle >= 0 };
	return row;
}

/* ---- every rule right -------------------------------------------------------------------------- */

struct watch {
	const struct options *options;
	const char *target;
	double start;
	unsigned int seed, found;
};

static void on_right_found(void *ctx, const struct target_report *report, const uint8_t *data,
			   size_t size, uint64_t execution)
{
	struct watch *w = ctx;

	(void)data;
	for (unsigned int i = 0; i < report->finding_count; i++)
		printf("  with the right rules: %s, seed %u, execution %" PRIu64
		       ", %zu bytes: %s: %s\n",
		       w->target, w->seed, execution, size, report->findings[i].id,
		       report->findings[i].text);
	w->found++;
}

static bool on_right_progress(void *ctx, const struct driver_stats *stats)
{
	const struct watch *w = ctx;

	(void)stats;
	return now() - w->start < (double)w->options->seconds;
}

static void run_right(const struct options *o)
{
	unsigned int found = 0;

	for (unsigned int t = 0; t < o->target_count; t++) {
		uint64_t executions = 0;

		for (unsigned int seed = 1; seed <= o->seeds; seed++) {
			struct target_settings settings = { 0 };
			struct watch w = { o, o->targets[t]->name, now(), seed, 0 };
			struct driver_options options = { .seed = seed,
							  .executions = UINT64_MAX,
							  .found = on_right_found,
							  .progress = on_right_progress,
							  .ctx = &w };
			struct target_runner *r;
			struct driver_stats stats;

			if (target_runner_create(o->targets[t], &settings, &r) ||
			    driver_run(r, &options, &stats)) {
				fputs("known_bugs: out of memory\n", stderr);
				exit(2);
			}
			target_runner_destroy(r);
			executions += stats.executions;
			found += w.found;
		}
		printf("with the right rules: %s, %u seeds of %" PRIu64 " s, %" PRIu64
		       " executions\n",
		       o->targets[t]->name, o->seeds, o->seconds, executions);
		fflush(stdout);
	}
	printf("with the right rules: %u reported\n", found);
}

/* ---- arguments --------------------------------------------------------------------------------- */

static const char usage_text[] =
	"usage: known_bugs [--seconds N] [--seeds N] [--target NAME]... [--right-only] [QUIRK...]\n"
	"QUIRK: a wrong rule by its id in engine/quirk.def (default: all)\n";

static void usage(void)
{
	fputs(usage_text, stderr);
	exit(2);
}

static void add_target(struct options *o, const char *name)
{
	const struct target *target = target_find(name);

	if (!target || o->target_count == TARGETS_MAX)
		usage();
	o->turns[o->target_count] = TURN_OF_OTHERS;
	for (unsigned int i = 0; i < sizeof(default_targets) / sizeof(*default_targets); i++)
		if (!strcmp(default_targets[i].name, name))
			o->turns[o->target_count] = default_targets[i].turn;
	o->targets[o->target_count++] = target;
}

/* Returns where the names of quirks begin. */
static int take_options(struct options *o, bool *right_only, int argc, char **argv)
{
	int i = 1;

	for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
		if (!strcmp(argv[i], "--help")) {
			fputs(usage_text, stdout);
			exit(0);
		}
		if (!strcmp(argv[i], "--right-only")) {
			*right_only = true;
			continue;
		}
		if (i + 1 >= argc)
			usage();
		if (!strcmp(argv[i], "--seconds"))
			o->seconds = strtoull(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--seeds"))
			o->seeds = (unsigned int)strtoull(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--target"))
			add_target(o, argv[++i]);
		else
			usage();
	}
	if (!o->seconds || !o->seeds || o->seeds > SEEDS_MAX)
		usage();
	if (!o->target_count)
		for (unsigned int t = 0; t < sizeof(default_targets) / sizeof(*default_targets);
		     t++)
			add_target(o, default_targets[t].name);
	return i;
}

int main(int argc, char **argv)
{
	struct options o = { .seconds = 60, .seeds = 5 };
	unsigned int found = 0, in_time = 0, tried = 0;
	bool right_only = false;
	int first = take_options(&o, &right_only, argc, argv);

	for (int k = first; k < argc; k++) {
		if (quirk_parse(argv[k], strlen(argv[k])) != QUIRK_COUNT)
			continue;
		fprintf(stderr, "known_bugs: there is no wrong rule '%s' in engine/quirk.def\n",
			argv[k]);
		return 2;
	}
	if (!right_only)
		printf("%-38s %5s %9s %11s %6s %6s  %-11s %s\n", "quirk", "found", "seconds",
		       "executions", "bytes", "parts", "target", "invariant");
	for (unsigned int q = 0; q < QUIRK_COUNT && !right_only; q++) {
		const struct quirk_info *info = quirk_info((enum quirk)q);
		bool wanted = first >= argc;
		struct row row;

		for (int k = first; k < argc; k++)
			wanted |= !strcmp(argv[k], info->id);
		if (!wanted)
			continue;
		tried++;
		row = run_quirk(&o, info);
		found += row.found;
		in_time += row.in_time;
	}
	if (!right_only)
		printf("%u of %u found; %u within %" PRIu64
		       " s of one core, by the median of %u seeds\n",
		       found, tried, in_time, o.seconds, o.seeds);
	if (first >= argc)
		run_right(&o);
	return found == tried ? 0 : 1;
}
