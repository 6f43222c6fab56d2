/* SPDX-License-Identifier: MIT */
/* The program: options, the clock, medians, and the report. */
#include "tools/bench/bench.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tools/bench/counted.h"
#include "tools/bench/rival.h"
#include "tools/json.h"

/* Fewer rounds make no median worth telling, more need no memory of their own. */
#define ROUNDS_MIN 5
#define ROUNDS_MAX 20000
#define PARTS_MAX 8
#define NS_PER_SECOND 1000000000ULL

enum exit_code { EXIT_DONE = 0, EXIT_UNUSABLE = 2 };

/* One sample a round: nanoseconds, later nanoseconds a piece of work. */
struct series {
	const char *name;
	double *samples;
};

struct bench {
	const char *captures; /* folder of large captures, or NULL */
	const char *linux_program; /* see tools/linux_rival; or NULL */
	uint64_t wanted_ns; /* time to spend on counted rounds */
	uint32_t wanted_rounds; /* the least of them */
	char path[4096];

	uint32_t rounds; /* counted ones */
	bool running, warm;
	uint64_t work;
	uint64_t first_begin, begin, part_begin, rival_begin; /* rival_begin 0: no rival yet */
	double ours_ns, told_ns; /* told_ns: of a piece of the rival's work, as it says; or 0 */
	struct series ours, rival, ratio, parts[PARTS_MAX];
	uint32_t part_count, part;

	uint64_t held_before, calls_before, calls, peak; /* of one round */
};

static const struct benchmark benchmarks[] = {
#define BENCHMARK(function, ...) { function, __VA_ARGS__ },
#include "tools/bench/benchmarks.def"
#undef BENCHMARK
};
#define BENCHMARK_COUNT (sizeof(benchmarks) / sizeof(benchmarks[0]))

static void die_without_memory(void)
{
	fputs("bench: out of memory\n", stderr);
	exit(EXIT_UNUSABLE);
}

/* Not the clock on the wall, but what this program and its rivals had of the CPU. */
static bool cpu_time;

static uint64_t timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * NS_PER_SECOND + (uint64_t)t.tv_usec * 1000;
}

static uint64_t now_ns(void)
{
	uint64_t rivals = 0;
	struct timespec t;

	if (cpu_time) {
		struct rusage usage;

		if (!getrusage(RUSAGE_CHILDREN, &usage))
			rivals = timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime);
	}
	clock_gettime(cpu_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
	return rivals + (uint64_t)t.tv_sec * NS_PER_SECOND + (uint64_t)t.tv_nsec;
}

/* ---- what benchmarks call ---------------------------------------------------------------------- */

static void end_round(struct bench *b, uint64_t now)
{
	struct counted c = counted_now();
	double work = (double)(b->work ? b->work : 1);

	if (!b->rival_begin)
		b->ours_ns = (double)(now - b->begin);
	if (!b->warm)
		return;
	b->calls = c.calls - b->calls_before;
	if (c.peak - b->held_before > b->peak)
		b->peak = c.peak - b->held_before;
	b->ours.samples[b->rounds] = b->ours_ns / work;
	for (uint32_t p = 0; p < b->part_count; p++)
		b->parts[p].samples[b->rounds] /= work;
	if (b->rival_begin) {
		double theirs = b->told_ns ? b->told_ns * work : (double)(now - b->rival_begin);

		b->rival.samples[b->rounds] = theirs / work;
		b->ratio.samples[b->rounds] = theirs / b->ours_ns;
	}
	b->rounds++;
}

bool bench_round(struct bench *b)
{
	uint64_t now = now_ns();

	if (b->running) {
		end_round(b, now);
		if (b->warm && (b->rounds == ROUNDS_MAX || (b->rounds >= b->wanted_rounds &&
							    now - b->first_begin >= b->wanted_ns)))
			return false;
		/* Warm after a tenth of the time, or a single round that took longer. */
		if (!b->warm && now - b->first_begin >= b->wanted_ns / 10) {
			b->warm = true;
			b->first_begin = now;
		}
	} else {
		b->running = true;
		b->first_begin = now;
	}
	b->work = 1;
	b->part = 0;
	b->rival_begin = 0;
	b->calls_before = counted_now().calls;
	counted_reset_peak();
	b->begin = b->part_begin = now_ns();
	return true;
}

void bench_work(struct bench *b, uint64_t amount)
{
	b->work = amount;
}

static void series_init(struct series *s, const char *name)
{
	s->name = name;
	if (!s->samples)
		s->samples = calloc(ROUNDS_MAX, sizeof(*s->samples));
	if (!s->samples)
		die_without_memory();
}

void bench_part(struct bench *b, const char *name)
{
	uint64_t now = now_ns();

	if (b->part == PARTS_MAX)
		return;
	if (b->part == b->part_count)
		series_init(&b->parts[b->part_count++], name);
	if (b->warm)
		b->parts[b->part].samples[b->rounds] = (double)(now - b->part_begin);
	b->part++;
	b->part_begin = now_ns();
}

void bench_rival(struct bench *b, const char *name)
{
	uint64_t now = now_ns();

	b->ours_ns = (double)(now - b->begin);
	series_init(&b->rival, name);
	series_init(&b->ratio, name);
	b->rival_begin = now_ns();
}

bool bench_has_linux(const struct bench *b)
{
	return b->linux_program;
}

struct error *bench_linux(struct bench *b)
{
	char text[4096], pairs[64], told[64];
	const char *const argv[] = { b->linux_program, "mem=1G", "quiet", "con=null",
				     "con0=fd:0,fd:1", pairs,	 NULL };
	uint64_t now = now_ns();
	const char *at;

	if (!b->linux_program)
		return NULL;
	b->ours_ns = (double)(now - b->begin);
	snprintf(pairs, sizeof(pairs), "pairs=%s", b->ours.name);
	snprintf(told, sizeof(told), "pairs: %s ", b->ours.name);
	at = rival_output(argv, text, sizeof(text)) ? strstr(text, told) : NULL;
	b->told_ns = at ? (double)strtoull(at + strlen(told), NULL, 10) / 1e3 : 0;
	if (!b->told_ns)
		return error_create(ERROR_RANGE, b->linux_program, 0, 0,
				    "is no Linux of tools/linux_rival that runs here");
	series_init(&b->rival, "Linux 6.1, now");
	series_init(&b->ratio, "Linux 6.1, now");
	b->rival_begin = now;
	return NULL;
}

const char *bench_capture(struct bench *b, const char *name)
{
	if (b->captures) {
		snprintf(b->path, sizeof(b->path), "%s/%s", b->captures, name);
		if (!access(b->path, R_OK))
			return b->path;
	}
	snprintf(b->path, sizeof(b->path), "traces/captures/%s", name);
	return b->path;
}

/* ---- figures ----------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Sorted samples of one series, and what is told of them. */
struct figures {
	double low, median, high,
		spread; /* spread: half of the middle half, as part of the median */
};

static struct figures figures_of(struct series *s, uint32_t rounds)
{
	struct figures f;

	qsort(s->samples, rounds, sizeof(*s->samples), compare_doubles);
	f.low = s->samples[0];
	f.high = s->samples[rounds - 1];
	f.median = (s->samples[(rounds - 1) / 2] + s->samples[rounds / 2]) / 2;
	f.spread = (s->samples[rounds - 1 - rounds / 4] - s->samples[rounds / 4]) / 2 / f.median;
	return f;
}

/* Nanoseconds a piece of work in the unit of the benchmark. */
static double in_unit(double ns, enum bench_unit unit)
{
	switch (unit) {
	case BENCH_MS:
		return ns / 1e6;
	case BENCH_US:
		return ns / 1e3;
	case BENCH_NS:
		return ns;
	case BENCH_RATE:
		return 1e9 / ns;
	case BENCH_GBPS:
		return 1 / ns;
	}
	return ns;
}

static bool more_is_better(enum bench_unit unit)
{
	return unit == BENCH_RATE || unit == BENCH_GBPS;
}

static void unit_text(const struct benchmark *m, char *buf, size_t size)
{
	static const char *const names[] = {
		[BENCH_MS] = "ms", [BENCH_US] = "us", [BENCH_NS] = "ns", [BENCH_GBPS] = "GB/s"
	};

	if (m->unit == BENCH_RATE)
		snprintf(buf, size, "%s/s", m->noun);
	else
		snprintf(buf, size, "%s", names[m->unit]);
}

static bool goal_reached(const struct benchmark *m, double value)
{
	return more_is_better(m->unit) ? value >= (double)m->goal : value <= (double)m->goal;
}

/* ---- the report -------------------------------------------------------------------------------- */

#define TABLE_HEAD "%-18s %12s %-9s %7s  %-14s %10s\n"

static void print_value(double value)
{
	printf(value < 100 ? " %12.3f" : " %12.0f", value);
}

static void print_goal(const struct benchmark *m, double value)
{
	char goal[32] = "";

	if (m->goal)
		snprintf(goal, sizeof(goal), "%s %" PRIu64 " %s",
			 more_is_better(m->unit) ? ">=" : "<=", m->goal,
			 goal_reached(m, value) ? "ok" : "no");
	printf("  %-14s", goal);
}

static void print_time(const char *name, double ns)
{
	printf("  %-16s", name);
	print_value(ns < 1e6 ? ns / 1e3 : ns / 1e6);
	puts(ns < 1e6 ? " us" : " ms");
}

static void print_report(struct bench *b, const struct benchmark *m)
{
	struct figures f = figures_of(&b->ours, b->rounds);
	char unit[32];

	unit_text(m, unit, sizeof(unit));
	printf("%-18s", m->name);
	print_value(in_unit(f.median, m->unit));
	printf(" %-9s %5.1f %%", unit, f.spread * 100);
	print_goal(m, in_unit(f.median, m->unit));
	printf(" %8.2f MiB", (double)b->peak / (1 << 20));
	if (m->goal_mib)
		printf(" <= %" PRIu64 " %s", m->goal_mib,
		       b->peak <= m->goal_mib << 20 ? "ok" : "no");
	putchar('\n');
	for (uint32_t p = 0; p < b->part_count; p++)
		print_time(b->parts[p].name, figures_of(&b->parts[p], b->rounds).median);
	if (b->rival.samples) {
		printf("  %-16s", b->rival.name);
		print_value(in_unit(figures_of(&b->rival, b->rounds).median, m->unit));
		printf(" %-9s we have %.3f times its speed\n", unit,
		       figures_of(&b->ratio, b->rounds).median);
	}
	if (m->reference) {
		double ratio = in_unit(f.median, m->unit) / (double)m->reference;

		printf("  %-16s %12" PRIu64 " %-9s we have %.3f times its speed\n", "Linux",
		       m->reference, unit, more_is_better(m->unit) ? ratio : 1 / ratio);
	}
	fflush(stdout);
}

/* Integers only: picoseconds a piece of work, and thousandths for a ratio. */
static void json_figures(struct json *j, struct series *s, uint32_t rounds)
{
	struct figures f = figures_of(s, rounds);

	json_key_u64(j, "median_ps", (uint64_t)(f.median * 1e3));
	json_key_u64(j, "lowest_ps", (uint64_t)(f.low * 1e3));
	json_key_u64(j, "highest_ps", (uint64_t)(f.high * 1e3));
}

static void json_report(struct json *j, struct bench *b, const struct benchmark *m)
{
	double value = in_unit(figures_of(&b->ours, b->rounds).median, m->unit);
	char text[32];

	json_object_begin(j);
	json_key_string(j, "name", m->name);
	unit_text(m, text, sizeof(text));
	json_key_string(j, "unit", text);
	snprintf(text, sizeof(text), "%.3f", value);
	json_key_string(j, "value", text);
	json_key_u64(j, "rounds", b->rounds);
	json_figures(j, &b->ours, b->rounds);
	json_key_u64(j, "allocations", b->calls);
	json_key_u64(j, "peak_bytes", b->peak);
	if (m->goal) {
		json_key_u64(j, "goal", m->goal);
		json_key_bool(j, "goal_reached", goal_reached(m, value));
	}
	if (m->goal_mib) {
		json_key_u64(j, "goal_bytes", m->goal_mib << 20);
		json_key_bool(j, "goal_bytes_kept", b->peak <= m->goal_mib << 20);
	}
	if (m->reference)
		json_key_u64(j, "reference", m->reference);
	if (b->part_count) {
		json_key_array_begin(j, "parts");
		for (uint32_t p = 0; p < b->part_count; p++) {
			json_object_begin(j);
			json_key_string(j, "name", b->parts[p].name);
			json_figures(j, &b->parts[p], b->rounds);
			json_object_end(j);
		}
		json_array_end(j);
	}
	if (b->rival.samples) {
		json_key_object_begin(j, "rival");
		json_key_string(j, "name", b->rival.name);
		json_figures(j, &b->rival, b->rounds);
		json_key_u64(j, "speed_ratio_permille",
			     (uint64_t)(figures_of(&b->ratio, b->rounds).median * 1e3));
		json_object_end(j);
	}
	json_object_end(j);
}

static void bench_deinit(struct bench *b)
{
	free(b->ours.samples);
	free(b->rival.samples);
	free(b->ratio.samples);
	for (uint32_t p = 0; p < b->part_count; p++)
		free(b->parts[p].samples);
}

/* ---- options ----------------------------------------------------------------------------------- */

static const char usage[] = "usage: bench [OPTION...]\n"
			    "Measures how fast mmreplay is.  Build it with -c opt.\n"
			    "\n"
			    "  --filter TEXT    only benchmarks with TEXT in their name\n"
			    "  --captures DIR   take captures from DIR if it has them\n"
			    "                   (default: what MMREPLAY_CAPTURES says)\n"
			    "  --linux PROGRAM  measure against the Linux that tools/linux_rival\n"
			    "                   has built, where it does the same work\n"
			    "  --seconds N      time for each benchmark (default: 1)\n"
			    "  --cpu            time of the CPU, not of the wall: for a machine\n"
			    "                   that others use as well\n"
			    "  --list           tell what there is, and measure nothing\n"
			    "  --once           does each still run?  No figures; TAP lines\n"
			    "  --json           for scripts\n"
			    "  --help           this text\n";

struct options {
	const char *filter, *captures, *linux_program;
	uint64_t seconds;
	bool list, once, json;
};

static int refuse(const char *what, const char *value)
{
	fprintf(stderr, "bench: %s%s; see --help\n", what, value);
	return EXIT_UNUSABLE;
}

/* Returns -1 to go on, or the exit code. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option table[] = { { "filter", required_argument, NULL, 'f' },
					       { "captures", required_argument, NULL, 'c' },
					       { "linux", required_argument, NULL, 'x' },
					       { "seconds", required_argument, NULL, 's' },
					       { "cpu", no_argument, NULL, 'p' },
					       { "list", no_argument, NULL, 'l' },
					       { "once", no_argument, NULL, 'o' },
					       { "json", no_argument, NULL, 'j' },
					       { "help", no_argument, NULL, 'h' },
					       { 0 } };
	int letter;
	char *end;

	*o = (struct options){ .captures = getenv("MMREPLAY_CAPTURES"), .seconds = 1 };
	while ((letter = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (letter) {
		case 'f':
			o->filter = optarg;
			break;
		case 'c':
			o->captures = optarg;
			break;
		case 'x':
			o->linux_program = optarg;
			break;
		case 's':
			o->seconds = strtoull(optarg, &end, 10);
			if (*end || !o->seconds || o->seconds > 3600)
				return refuse("--seconds takes 1 to 3600, not ", optarg);
			break;
		case 'p':
			cpu_time = true;
			break;
		case 'l':
			o->list = true;
			break;
		case 'o':
			o->once = true;
			break;
		case 'j':
			o->json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_DONE;
		default:
			return EXIT_UNUSABLE;
		}
	}
	if (optind < argc)
		return refuse("there is no argument like ", argv[optind]);
	return -1;
}

/* bazel run starts programs in a folder of its own, and tells where the user stands. */
static const char *from_user_folder(const char *path, char whole[4096])
{
	const char *folder = getenv("BUILD_WORKING_DIRECTORY");

	if (!path || !*path || *path == '/' || !folder)
		return path && *path ? path : NULL;
	snprintf(whole, 4096, "%s/%s", folder, path);
	return whole;
}

static bool run_one(const struct benchmark *m, const struct options *o, struct json *j)
{
	char captures[4096], linux_program[4096];
	struct bench b = { .captures = from_user_folder(o->captures, captures),
			   .linux_program = from_user_folder(o->linux_program, linux_program),
			   .wanted_ns = o->once ? 0 : o->seconds * NS_PER_SECOND,
			   .wanted_rounds = o->once ? 1 : ROUNDS_MIN,
			   .warm = o->once };
	struct error *err;
	bool ok;

	series_init(&b.ours, m->name);
	b.held_before = counted_now().bytes;
	err = m->run(&b);
	ok = !err;
	if (err) {
		char text[1024];

		error_format(err, text, sizeof(text));
		fprintf(stderr, "bench: %s: %s\n", m->name, text);
		error_destroy(err);
	} else if (o->json) {
		json_report(j, &b, m);
	} else if (!o->once) {
		print_report(&b, m);
	}
	bench_deinit(&b);
	return ok;
}

/* Prints what comes before the first and after the last benchmark. */
static void begin_report(const struct options *o, struct json *j)
{
	if (o->json) {
		json_init(j, stdout, JSON_PRETTY);
		json_object_begin(j);
		json_key_string(j, "format", "mmreplay-bench");
		json_key_u64(j, "version", 1);
		json_key_array_begin(j, "benchmarks");
	} else if (!o->once) {
		printf(TABLE_HEAD, "benchmark", "median", "", "spread", "goal", "memory");
	}
}

static void end_report(const struct options *o, struct json *j, uint32_t chosen)
{
	if (o->json) {
		json_array_end(j);
		json_object_end(j);
		json_deinit(j);
	} else if (o->once) {
		printf("1..%" PRIu32 "\n", chosen);
	}
}

int main(int argc, char **argv)
{
	struct options o;
	struct json j;
	uint32_t chosen = 0;
	int code = parse_options(argc, argv, &o);

	if (code >= 0)
		return code;
	code = EXIT_DONE;
	if (!o.list)
		begin_report(&o, &j);
	for (size_t i = 0; i < BENCHMARK_COUNT; i++) {
		const struct benchmark *m = &benchmarks[i];
		bool ok;

		if (o.filter && !strstr(m->name, o.filter))
			continue;
		chosen++;
		if (o.list) {
			printf("%-18s %s\n", m->name, m->meaning);
			continue;
		}
		ok = run_one(m, &o, &j);
		if (!ok)
			code = EXIT_UNUSABLE;
		if (o.once && !o.json)
			printf("%s %" PRIu32 " - %s\n", ok ? "ok" : "not ok", chosen, m->name);
	}
	if (!o.list)
		end_report(&o, &j, chosen);
	if (!chosen)
		return refuse("no benchmark has this in its name: ", o.filter);
	return code;
}
