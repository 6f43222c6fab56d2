/* SPDX-License-Identifier: MIT */
/* mmreplay diff: where two machines that do the same work, or two traces, stop being alike. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/boot.h"
#include "engine/buddy.h"
#include "engine/impossible.h"
#include "engine/parting.h"
#include "engine/state_diff.h"
#include "tools/booted.h"
#include "tools/cli.h"
#include "tools/other_build.h"
#include "tools/text.h"
#include "traces/subject.h"

static const struct cli_argument arguments[] = {
	{ .value = "A",
	  .kind = CLI_KIND_FILE,
	  .help = "a source with a trace: a capture folder, a .mmtrace file, or any other with "
		  "--trace" },
	{ .value = "B",
	  .kind = CLI_KIND_FILE,
	  .optional = true,
	  .help = "the other one; without it, A itself under what --era-b and --set-b say" },
	{ 0 }
};

static const struct cli_option options[] = {
	{ .name = "era-a",
	  .kind = CLI_KIND_ERA,
	  .value = "ERA",
	  .help = "side A behaves as this kernel does, instead of the one that A names" },
	{ .name = "era-b", .kind = CLI_KIND_ERA, .value = "ERA", .help = "the same for side B" },
	{ .name = "set-a",
	  .kind = CLI_KIND_SET,
	  .value = "FACT=VALUE",
	  .repeatable = true,
	  .help = "override one fact of side A" },
	{ .name = "set-b",
	  .kind = CLI_KIND_SET,
	  .value = "FACT=VALUE",
	  .repeatable = true,
	  .help = "override one fact of side B" },
	{ .name = "same-lists",
	  .kind = CLI_KIND_FLAG,
	  .help = "side B begins with the free lists that the boot of side A left" },
	{ .name = "trace",
	  .kind = CLI_KIND_FILE,
	  .value = "FILE",
	  .help = "the trace of A, and of B if that is not given, instead of what lies with it" },
	{ .name = "trace-b", .kind = CLI_KIND_FILE, .value = "FILE", .help = "the trace of B" },
	{ .name = "program-b",
	  .kind = CLI_KIND_FILE,
	  .value = "PROGRAM",
	  .help = "side B is A in another build of mmreplay, which is run" },
	{ .name = "digests",
	  .kind = CLI_KIND_NUMBER,
	  .value = "N",
	  .help = "only print a digest of the state of A after every N events; for --program-b" },
	{ .name = "first",
	  .kind = CLI_KIND_NUMBER,
	  .value = "N",
	  .help = "--digests: begin after so many events" },
	{ .name = "last",
	  .kind = CLI_KIND_NUMBER,
	  .value = "N",
	  .help = "--digests: end after so many events" },
	{ .name = "state",
	  .kind = CLI_KIND_NUMBER,
	  .value = "N",
	  .help = "only print the state of A after N events, list by list; for --program-b" },
	{ .name = "all",
	  .kind = CLI_KIND_FLAG,
	  .help = "show every list and counter that differs" },
	CLI_OPTION_JSON,
	CLI_OPTION_OUTPUT,
	{ 0 }
};

static const struct cli_example examples[] = {
	{ "mmreplay diff CAPTURE --era-a 6.1 --era-b 6.12",
	  "the first request that 6.12 would have served in another way" },
	{ "mmreplay diff CAPTURE --set-b fallback_rule=2 --same-lists", "what one fact changes" },
	{ "mmreplay diff before.mmtrace after.mmtrace", "two traces" },
	{ "mmreplay diff CAPTURE --program-b ../old/mmreplay", "what a change of mmreplay did" },
	{ 0 }
};

/* Between two digests of the states, in events. */
#define STRETCH 4096
/* Differences that are shown unless --all, and kept for JSON. */
#define SHOWN_MAX 16
/* After the parting: 1, 10, 100 ... events later, and the end. */
#define SAMPLES_MAX 20

enum { A, B, SIDES };

struct side {
	const char *path;
	struct subject subject; /* with the facts of this side; borrows from a file */
	uint64_t impossible; /* events that this machine cannot have recorded */
	struct machine m;
};

struct sample {
	uint64_t done;
	struct parting_answers answers;
	struct state_summary state;
};

struct diff {
	struct subject_file files[SIDES]; /* the second may be unused */
	struct side sides[SIDES];
	struct parting p;
	/* At the parting; if there was none, at the end. */
	struct state_difference *differences;
	size_t count, room;
	bool out_of_memory;
	struct state_summary state;
	struct rerun_step steps[SIDES];
	struct sample samples[SAMPLES_MAX];
	uint32_t sample_count;
};

/* ---- two sides --------------------------------------------------------------------------------- */

static enum cli_exit read_file(struct cli *cli, struct diff *d, unsigned int side)
{
	const char *path = cli_argument(cli, side);
	const char *trace =
		cli_text(cli, side == B && cli_has(cli, "trace-b") ? "trace-b" : "trace");
	struct error *err = subject_read(path, trace, &d->files[side]);

	if (err)
		return cli_fail_error(cli, err);
	if (d->files[side].damage)
		cli_note(cli, "%s", d->files[side].damage);
	if (!d->files[side].subject.event_count)
		return cli_fail_usage(cli, "'%s' has no events: give --trace%s FILE", path,
				      side == B ? "-b" : "");
	d->sides[side].path = path;
	d->sides[side].subject = d->files[side].subject;
	return CLI_OK;
}

static enum cli_exit read_files(struct cli *cli, struct diff *d)
{
	const char *paths[] = { cli_argument(cli, A), cli_argument(cli, B), cli_text(cli, "trace"),
				cli_text(cli, "trace-b") };
	unsigned int inputs = 0;
	enum cli_exit code;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		inputs += paths[i] && !strcmp(paths[i], "-");
	if (inputs > 1)
		return cli_fail_usage(cli, "only one of the files can be standard input");
	if (!paths[B] && !paths[3] && !cli_has(cli, "era-a") && !cli_has(cli, "era-b") &&
	    !cli_has(cli, "set-a") && !cli_has(cli, "set-b"))
		return cli_fail_usage(cli, "nothing is different: give B, --era-b or --set-b");
	if (!paths[B] && paths[3])
		return cli_fail_usage(cli, "--trace-b needs B, the source it belongs to");
	code = read_file(cli, d, A);
	if (code != CLI_OK)
		return code;
	d->sides[B] = d->sides[A];
	return paths[B] ? read_file(cli, d, B) : CLI_OK;
}

/* The facts of one side, and its machine. */
static enum cli_exit boot_side(struct cli *cli, struct side *side, const char *era, const char *set)
{
	struct subject *s = &side->subject;
	const char *text = cli_text(cli, era);
	struct facts facts;
	uint32_t version;

	if (text && facts_parse_version(text, &version))
		subject_set_version(s, version);
	facts = s->log.input.facts;
	for (unsigned int i = 0; (text = cli_text_at(cli, set, i)); i++)
		facts_set(&facts, text);
	subject_set_facts(s, &facts);
	machine_init(&side->m);
	side->m.want_lists = true;
	boot_run(&side->m, &s->log.input, STAGE_LATE);
	if (side->m.out_of_memory)
		return cli_fail_error(cli, error_no_memory());
	if (!side->m.buddy || !side->m.reserved_known)
		return cli_fail(cli,
				"what memblock had reserved is not in '%s', so its free lists are "
				"not known",
				side->path);
	return CLI_OK;
}

/* @cpu_count: of both sides, so that a trace of one can run on the other. */
static struct rerun *rerun_side(struct side *side, uint32_t cpu_count)
{
	const struct subject *s = &side->subject;
	unsigned int types = migratetype_count(&s->traced_config);
	int32_t *nids = rerun_cpu_nodes(&side->m, &s->log.input, cpu_count);
	struct machine traced_by;
	struct rerun *r = NULL;

	machine_init(&traced_by);
	traced_by.facts = s->traced_facts;
	traced_by.config = s->traced_config;
	if (nids)
		r = rerun_create(&side->m, &traced_by, nids, cpu_count);
	free(nids);
	machine_deinit(&traced_by);
	/* A rerun leaves them out by itself. */
	for (uint32_t i = 0; i < s->event_count; i++)
		side->impossible += impossible_shape(&s->events[i], cpu_count,
						     side->m.config.max_order, types) != POSSIBLE;
	return r;
}

static enum cli_exit prepare(struct cli *cli, struct diff *d)
{
	struct rerun *reruns[SIDES] = { NULL, NULL };
	enum cli_exit code = read_files(cli, d);
	uint32_t cpus = 0;

	if (code == CLI_OK)
		code = boot_side(cli, &d->sides[A], "era-a", "set-a");
	if (code == CLI_OK)
		code = boot_side(cli, &d->sides[B], "era-b", "set-b");
	if (code != CLI_OK)
		return code;
	if (cli_has(cli, "same-lists") &&
	    !buddy_take_lists(d->sides[B].m.buddy, d->sides[A].m.buddy))
		return cli_fail(cli, "--same-lists: the two machines do not have the same zones");
	for (unsigned int s = 0; s < SIDES; s++)
		if (subject_cpu_count(&d->sides[s].subject) > cpus)
			cpus = subject_cpu_count(&d->sides[s].subject);
	for (unsigned int s = 0; s < SIDES; s++)
		reruns[s] = rerun_side(&d->sides[s], cpus);
	parting_init(&d->p, reruns[A], d->sides[A].subject.events, d->sides[A].subject.event_count,
		     reruns[B], d->sides[B].subject.events, d->sides[B].subject.event_count);
	return reruns[A] && reruns[B] && !d->sides[B].m.buddy->out_of_memory
		       ? CLI_OK
		       : cli_fail_error(cli, error_no_memory());
}

/* ---- the run ----------------------------------------------------------------------------------- */

static void keep(void *ctx, const struct state_difference *difference)
{
	struct diff *d = ctx;

	if (d->count == d->room) {
		size_t room = d->room ? d->room * 2 : 64;
		struct state_difference *more =
			realloc(d->differences, room * sizeof(*d->differences));

		if (!more) {
			d->out_of_memory = true;
			return;
		}
		d->differences = more;
		d->room = room;
	}
	d->differences[d->count++] = *difference;
}

static bool states_differ(struct diff *d, state_diff_fn *visit, struct state_summary *ret)
{
	return state_diff(rerun_alloc(d->p.sides[A]), rerun_alloc(d->p.sides[B]), visit, d, ret);
}

static bool take_sample(struct diff *d)
{
	struct sample *s = &d->samples[d->sample_count++];

	s->done = d->p.done;
	s->answers = d->p.answers;
	return states_differ(d, NULL, &s->state);
}

static enum cli_exit compare(struct cli *cli, struct diff *d)
{
	uint64_t end = parting_events(&d->p);
	bool ok = parting_find(&d->p, STRETCH);

	if (ok)
		ok = states_differ(d, keep, &d->state);
	for (unsigned int s = 0; ok && s < SIDES; s++)
		d->steps[s] = *rerun_last(d->p.sides[s]);
	for (uint64_t later = 1; ok && d->p.parted && d->p.done < end; later *= 10) {
		ok = take_sample(d);
		/* The last place is for the end. */
		if (d->sample_count == SAMPLES_MAX - 1 || d->p.first + later > end)
			later = end;
		parting_go_on(&d->p, d->p.first + later);
	}
	if (ok && d->p.parted)
		ok = take_sample(d);
	for (unsigned int s = 0; ok && s < SIDES; s++)
		ok = !rerun_out_of_memory(d->p.sides[s]);
	return ok && !d->out_of_memory ? CLI_OK : cli_fail_error(cli, error_no_memory());
}

/* ---- words ------------------------------------------------------------------------------------- */

static bool is_about_lists(const struct state_difference *x)
{
	return x->kind != STATE_DIFF_COUNTER;
}

static const char *type_name(const struct diff *d, uint64_t type)
{
	return migratetype_name((enum migratetype)type, &d->sides[A].subject.log.input.facts);
}

/* Where and what, without values. */
static void name_difference(const struct diff *d, const struct state_difference *x, char *buf,
			    size_t size)
{
	int n = snprintf(buf, size, "%" PRId32 ":%s ", x->nid, zone_type_name(x->zone));

	if (n < 0 || (size_t)n >= size)
		return;
	buf += n;
	size -= (size_t)n;
	switch (x->kind) {
	case STATE_DIFF_ZONE:
		snprintf(buf, size, "zone, free pages");
		break;
	case STATE_DIFF_FREE_LIST:
		snprintf(buf, size, "order %u %s, blocks", x->order, type_name(d, x->type));
		break;
	case STATE_DIFF_PCP_LIST:
		snprintf(buf, size, "cpu %" PRIu32 " order %u %s, blocks", x->cpu, x->order,
			 type_name(d, x->type));
		break;
	case STATE_DIFF_BLOCK_TYPE:
		snprintf(buf, size, "pageblock 0x%" PRIx64, x->pfn[0]);
		break;
	case STATE_DIFF_COUNTER:
		if (x->cpu == UINT32_MAX)
			snprintf(buf, size, "%s", x->counter);
		else
			snprintf(buf, size, "cpu %" PRIu32 " %s", x->cpu, x->counter);
		break;
	}
}

static const char *pfn_text(pfn_t pfn, char *buf, size_t size)
{
	if (pfn == PFN_NONE)
		return "-";
	snprintf(buf, size, "0x%" PRIx64, pfn);
	return buf;
}

/* ---- report ------------------------------------------------------------------------------------ */

static void print_side(struct cli *cli, const struct side *side, const char *name)
{
	FILE *out = cli_out(cli);
	const struct boot_input *in = &side->subject.log.input;
	char version[TEXT_VERSION_SIZE];

	fprintf(out, "%-14s", name);
	text_print_safe(out, side->path);
	fprintf(out, "\n%-14s", "");
	text_print_safe(out, in->version_text ? in->version_text : "unknown");
	fprintf(out, ", %s, as %s\n", arch_name(in->config.arch),
		text_version(version, in->version));
	fprintf(out, "%-14s%" PRIu32 " events", "", side->subject.event_count);
	if (side->impossible)
		fprintf(out, ", %" PRIu64 " that this machine cannot have recorded left out",
			side->impossible);
	fputc('\n', out);
}

static unsigned int facts_differ(const struct diff *d)
{
	const struct facts *a = &d->sides[A].subject.log.input.facts;
	const struct facts *b = &d->sides[B].subject.log.input.facts;
	unsigned int n = 0;

	for (unsigned int f = 0; f < FACT_COUNT; f++)
		n += a->v[f] != b->v[f];
	return n;
}

/* What the event asked for and what each side did, in two lines or three. */
static void print_event(FILE *out, const struct diff *d, uint64_t number,
			const struct rerun_step steps[SIDES])
{
	const struct event *e[SIDES] = { &d->p.events[A][number], &d->p.events[B][number] };
	bool same = e[A] == e[B] || (e[A]->kind == e[B]->kind && e[A]->order == e[B]->order &&
				     e[A]->migratetype == e[B]->migratetype &&
				     e[A]->cpu == e[B]->cpu && e[A]->pfn == e[B]->pfn);

	for (unsigned int s = 0; s < SIDES; s++) {
		const struct buddy *b = d->sides[s].m.buddy;
		uint32_t zone = steps[s].zone;
		char page[32];

		fprintf(out, "  %c  ", "AB"[s]);
		if (s == A || !same) {
			fprintf(out, "line %" PRIu64 ", %s order %u, cpu %u: ", e[s]->line,
				event_kind_name((enum event_kind)e[s]->kind),
				(unsigned int)e[s]->order, (unsigned int)e[s]->cpu);
		} else {
			fputs("the same: ", out);
		}
		if (steps[s].did == RERUN_NOTHING)
			fputs("nothing to do", out);
		else if (steps[s].did == RERUN_FREE)
			fprintf(out, "frees %s", pfn_text(steps[s].pfn, page, sizeof(page)));
		else if (steps[s].pfn == PFN_NONE)
			fputs("no page", out);
		else
			fprintf(out, "gives 0x%" PRIx64 " of %" PRId32 ":%s", steps[s].pfn,
				b->zones[zone].nid, zone_type_name(b->zones[zone].type));
		if (steps[s].moves)
			fprintf(out, ", %" PRIu32 " moves on lists", steps[s].moves);
		fputc('\n', out);
	}
}

static void print_differences(struct cli *cli, const struct diff *d, bool lists)
{
	size_t most = cli_has(cli, "all") ? SIZE_MAX : SHOWN_MAX, shown = 0, all = 0;
	FILE *out = cli_out(cli);

	for (size_t i = 0; i < d->count; i++)
		all += is_about_lists(&d->differences[i]) == lists;
	if (!all)
		return;
	fprintf(out, "\n%s%-44s %16s %16s%s\n", cli_colour(cli, CLI_BOLD),
		lists ? "what is where" : "counters and limits", "A", "B",
		cli_colour(cli, CLI_PLAIN));
	for (size_t i = 0; i < d->count && shown < most; i++) {
		const struct state_difference *x = &d->differences[i];
		char name[96], a[32], b[32];

		if (is_about_lists(x) != lists)
			continue;
		shown++;
		name_difference(d, x, name, sizeof(name));
		if (x->kind == STATE_DIFF_BLOCK_TYPE)
			fprintf(out, "%-44s %16s %16s\n", name, type_name(d, x->value[A]),
				type_name(d, x->value[B]));
		else
			fprintf(out, "%-44s %16" PRIu64 " %16" PRIu64 "\n", name, x->value[A],
				x->value[B]);
		if (x->kind != STATE_DIFF_FREE_LIST && x->kind != STATE_DIFF_PCP_LIST)
			continue;
		fprintf(out, "    from block %-29" PRIu32 " %16s %16s\n", x->place,
			pfn_text(x->pfn[A], a, sizeof(a)), pfn_text(x->pfn[B], b, sizeof(b)));
	}
	if (shown < all)
		fprintf(out, "... and %zu more (--all)\n", all - shown);
}

static void print_spread(struct cli *cli, const struct diff *d)
{
	FILE *out = cli_out(cli);

	fprintf(out, "\n%s%10s %10s %7s %10s %11s %11s %11s%s\n", cli_colour(cli, CLI_BOLD),
		"events", "other page", "lists", "pageblocks", "free in A", "free in B",
		"elsewhere", cli_colour(cli, CLI_PLAIN));
	for (uint32_t i = 0; i < d->sample_count; i++) {
		const struct sample *s = &d->samples[i];

		fprintf(out,
			"%10" PRIu64 " %10" PRIu64 " %7" PRIu64 " %10" PRIu64 " %11" PRIu64
			" %11" PRIu64 " %11" PRIu64 "\n",
			s->done, s->answers.differ, s->state.lists, s->state.block_types,
			s->state.free_alone[A], s->state.free_alone[B], s->state.elsewhere);
	}
}

static bool is_same(const struct diff *d)
{
	return !d->p.parted && d->p.counts[A] == d->p.counts[B];
}

static void print_verdict(struct cli *cli, const struct diff *d)
{
	FILE *out = cli_out(cli);
	uint64_t end = parting_events(&d->p);

	fprintf(out, "\n%s", cli_colour(cli, d->p.parted ? CLI_BAD : CLI_GOOD));
	if (!d->p.parted)
		fprintf(out, "The states are the same through all %" PRIu64 " events.%s\n", end,
			cli_colour(cli, CLI_PLAIN));
	else if (!d->p.first)
		fprintf(out, "The states part before the first event.%s\n",
			cli_colour(cli, CLI_PLAIN));
	else
		fprintf(out, "The states part at event %" PRIu64 ".%s\n", d->p.first - 1,
			cli_colour(cli, CLI_PLAIN));
	if (d->p.counts[A] != d->p.counts[B])
		fprintf(out, "%c is longer: from event %" PRIu64 " on it is alone.\n",
			d->p.counts[A] > d->p.counts[B] ? 'A' : 'B', end);
	if (d->p.parted && d->p.first)
		print_event(out, d, d->p.first - 1, d->steps);
}

static void print_report(struct cli *cli, const struct diff *d)
{
	FILE *out = cli_out(cli);

	print_side(cli, &d->sides[A], "A");
	print_side(cli, &d->sides[B], "B");
	fprintf(out, "%-14s%u differ\n", "facts", facts_differ(d));
	print_verdict(cli, d);
	print_differences(cli, d, true);
	print_differences(cli, d, false);
	if (!d->p.parted)
		return;
	if (d->p.answers.first != UINT64_MAX && d->p.answers.first + 1 != d->p.first) {
		fprintf(out, "\nThe first request served with another page is event %" PRIu64 ".\n",
			d->p.answers.first);
		print_event(out, d, d->p.answers.first, d->p.answers.steps);
	}
	print_spread(cli, d);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void json_side(struct json *j, const char *key, const struct side *side)
{
	const struct boot_input *in = &side->subject.log.input;
	char version[TEXT_VERSION_SIZE];

	json_key_object_begin(j, key);
	json_key_string(j, "source", side->path);
	if (in->version_text)
		json_key_string(j, "kernel", in->version_text);
	else
		json_key_null(j, "kernel");
	json_key_string(j, "version", text_version(version, in->version));
	json_key_u64(j, "events", side->subject.event_count);
	json_key_u64(j, "impossible_events", side->impossible);
	json_object_end(j);
}

static void json_pfn(struct json *j, pfn_t pfn)
{
	if (pfn == PFN_NONE)
		json_null(j);
	else
		json_u64(j, pfn);
}

static void json_event(struct json *j, const char *key, const struct diff *d, uint64_t number,
		       const struct rerun_step steps[SIDES])
{
	static const char *const did[] = { "nothing", "alloc", "free" };

	json_key_object_begin(j, key);
	json_key_u64(j, "number", number);
	for (unsigned int s = 0; s < SIDES; s++) {
		const struct event *e = &d->p.events[s][number];
		const struct buddy *b = d->sides[s].m.buddy;

		json_key_object_begin(j, s == A ? "a" : "b");
		json_key_u64(j, "line", e->line);
		json_key_string(j, "event", event_kind_name((enum event_kind)e->kind));
		json_key_u64(j, "order", e->order);
		json_key_u64(j, "cpu", e->cpu);
		json_key_string(j, "did", did[steps[s].did]);
		json_key(j, "pfn");
		json_pfn(j, steps[s].pfn);
		if (steps[s].zone != BUDDY_ZONE_NONE) {
			json_key_i64(j, "nid", b->zones[steps[s].zone].nid);
			json_key_string(j, "zone", zone_type_name(b->zones[steps[s].zone].type));
		}
		json_key_u64(j, "moves", steps[s].moves);
		json_object_end(j);
	}
	json_object_end(j);
}

static void json_difference(struct json *j, const struct diff *d, const struct state_difference *x)
{
	static const char *const kinds[] = { "zone", "free_list", "pcp_list", "pageblock",
					     "counter" };

	json_object_begin(j);
	json_key_string(j, "kind", kinds[x->kind]);
	json_key_i64(j, "nid", x->nid);
	json_key_string(j, "zone", zone_type_name(x->zone));
	if (x->cpu != UINT32_MAX)
		json_key_u64(j, "cpu", x->cpu);
	if (x->kind == STATE_DIFF_COUNTER)
		json_key_string(j, "counter", x->counter);
	if (x->kind == STATE_DIFF_FREE_LIST || x->kind == STATE_DIFF_PCP_LIST) {
		json_key_u64(j, "order", x->order);
		json_key_string(j, "type", type_name(d, x->type));
		json_key_u64(j, "place", x->place);
		json_key_array_begin(j, "pfns");
		json_pfn(j, x->pfn[A]);
		json_pfn(j, x->pfn[B]);
		json_array_end(j);
	}
	json_key_array_begin(j, "values");
	for (unsigned int s = 0; s < SIDES; s++) {
		if (x->kind == STATE_DIFF_BLOCK_TYPE)
			json_string(j, type_name(d, x->value[s]));
		else
			json_u64(j, x->value[s]);
	}
	json_array_end(j);
	if (x->kind == STATE_DIFF_BLOCK_TYPE)
		json_key_u64(j, "pfn", x->pfn[0]);
	json_object_end(j);
}

static void json_report(struct cli *cli, const struct diff *d)
{
	struct json j;

	cli_json_begin(cli, &j, 1);
	json_side(&j, "a", &d->sides[A]);
	json_side(&j, "b", &d->sides[B]);
	json_key_u64(&j, "facts_differ", facts_differ(d));
	json_key_bool(&j, "same", is_same(d));
	json_key_bool(&j, "parted", d->p.parted);
	json_key_u64(&j, "events_compared", d->p.done);
	if (d->p.parted) {
		json_key_u64(&j, "same_events", d->p.first ? d->p.first - 1 : 0);
		if (d->p.first)
			json_event(&j, "event", d, d->p.first - 1, d->steps);
		if (d->p.answers.first != UINT64_MAX)
			json_event(&j, "other_page", d, d->p.answers.first, d->p.answers.steps);
	}
	json_key_array_begin(&j, "differences");
	for (size_t i = 0; i < d->count; i++)
		json_difference(&j, d, &d->differences[i]);
	json_array_end(&j);
	json_key_array_begin(&j, "spread");
	for (uint32_t i = 0; i < d->sample_count; i++) {
		const struct sample *s = &d->samples[i];

		json_object_begin(&j);
		json_key_u64(&j, "events", s->done);
		json_key_u64(&j, "requests", s->answers.compared);
		json_key_u64(&j, "other_page", s->answers.differ);
		json_key_u64(&j, "lists", s->state.lists);
		json_key_u64(&j, "pageblocks", s->state.block_types);
		json_key_u64(&j, "free_in_a_alone", s->state.free_alone[A]);
		json_key_u64(&j, "free_in_b_alone", s->state.free_alone[B]);
		json_key_u64(&j, "free_elsewhere", s->state.elsewhere);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_deinit(&j);
}

/* ---- another build ----------------------------------------------------------------------------- */

/* What the other build is called with: our side B is its side A. */
#define WORDS_MAX 250

static enum cli_exit other_words(struct cli *cli, const char *words[WORDS_MAX + 1])
{
	bool own = cli_has(cli, "era-b") || cli_has(cli, "set-b");
	const char *era = cli_text(cli, own ? "era-b" : "era-a"), *set;
	unsigned int n = 0;

	words[n++] = cli_text(cli, "program-b");
	words[n++] = "diff";
	words[n++] = cli_argument(cli, A);
	if (cli_has(cli, "trace")) {
		words[n++] = "--trace";
		words[n++] = cli_text(cli, "trace");
	}
	if (era) {
		words[n++] = "--era-a";
		words[n++] = era;
	}
	for (unsigned int i = 0; (set = cli_text_at(cli, own ? "set-b" : "set-a", i)); i++) {
		if (n + 2 > WORDS_MAX)
			return cli_fail_usage(cli, "that is too many facts for --program-b");
		words[n++] = "--set-a";
		words[n++] = set;
	}
	words[n] = NULL;
	return CLI_OK;
}

static void print_other(struct cli *cli, const struct diff *d, const struct other_build *b)
{
	size_t most = cli_has(cli, "all") ? SIZE_MAX : SHOWN_MAX;
	FILE *out = cli_out(cli);

	print_side(cli, &d->sides[A], "A");
	fprintf(out, "%-14s", "B");
	text_print_safe(out, cli_text(cli, "program-b"));
	fprintf(out, "\n\n%s", cli_colour(cli, b->parted ? CLI_BAD : CLI_GOOD));
	if (!b->parted)
		fprintf(out, "The states are the same through all %" PRIu32 " events.",
			d->sides[A].subject.event_count);
	else if (!b->first)
		fputs("The states part before the first event.", out);
	else
		fprintf(out, "The states part at event %" PRIu64 ".", b->first - 1);
	fprintf(out, "%s\n", cli_colour(cli, CLI_PLAIN));
	if (!b->parted)
		return;
	if (b->first) {
		const struct event *e = &d->sides[A].subject.events[b->first - 1];

		fprintf(out, "  line %" PRIu64 ", %s order %u, cpu %u\n", e->line,
			event_kind_name((enum event_kind)e->kind), (unsigned int)e->order,
			(unsigned int)e->cpu);
	}
	fprintf(out, "\n%s%-44s %16s %16s%s\n", cli_colour(cli, CLI_BOLD), "what is where", "A",
		"B", cli_colour(cli, CLI_PLAIN));
	for (size_t i = 0; i < b->count && i < most; i++) {
		const struct other_line *l = &b->lines[i];

		text_print_safe(out, l->name);
		fprintf(out, "%*s %16" PRIu64 " %16" PRIu64 "\n",
			strlen(l->name) < 44 ? 44 - (int)strlen(l->name) : 0, "", l->items[A],
			l->items[B]);
		fprintf(out, "    from number %-28" PRIu64 " %16s ", l->place, l->item[A]);
		fprintf(out, "%*s", strlen(l->item[B]) < 16 ? 16 - (int)strlen(l->item[B]) : 0, "");
		text_print_safe(out, l->item[B]);
		fputc('\n', out);
	}
	if (b->count > most)
		fprintf(out, "... and %zu more (--all)\n", b->count - most);
}

static void json_other(struct cli *cli, const struct diff *d, const struct other_build *b)
{
	struct json j;

	cli_json_begin(cli, &j, 1);
	json_side(&j, "a", &d->sides[A]);
	json_key_string(&j, "program_b", cli_text(cli, "program-b"));
	json_key_bool(&j, "same", !b->parted);
	json_key_bool(&j, "parted", b->parted);
	if (b->parted)
		json_key_u64(&j, "same_events", b->first ? b->first - 1 : 0);
	json_key_array_begin(&j, "differences");
	for (size_t i = 0; i < b->count; i++) {
		const struct other_line *l = &b->lines[i];

		json_object_begin(&j);
		json_key_string(&j, "what", l->name);
		json_key_array_begin(&j, "values");
		json_u64(&j, l->items[A]);
		json_u64(&j, l->items[B]);
		json_array_end(&j);
		json_key_u64(&j, "place", l->place);
		json_key_array_begin(&j, "items");
		json_string(&j, l->item[A]);
		json_string(&j, l->item[B]);
		json_array_end(&j);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_deinit(&j);
}

static enum cli_exit ask_other(struct cli *cli, const struct diff *d, const struct own_build *own)
{
	const char *words[WORDS_MAX + 1];
	struct other_build other = { 0 };
	enum cli_exit code = other_words(cli, words);
	struct error *err;

	if (code != CLI_OK)
		return code;
	err = other_build_compare(own, words, STRETCH, &other);
	if (err)
		code = cli_fail_error(cli, err);
	else if (cli_has(cli, "json"))
		json_other(cli, d, &other);
	else
		print_other(cli, d, &other);
	if (code == CLI_OK && other.parted)
		code = CLI_FINDING;
	other_build_deinit(&other);
	return code;
}

/* Side A alone: what another build compares itself with, or the other build itself. */
static enum cli_exit one_side(struct cli *cli, struct diff *d)
{
	struct sink sink = sink_to_file(cli_out(cli));
	struct side *side = &d->sides[A];
	struct own_build own;
	enum cli_exit code;
	struct error *err = NULL;
	struct rerun *r;

	if (cli_has(cli, "program-b") && !strcmp(cli_argument(cli, A), "-"))
		return cli_fail_usage(cli, "--program-b reads A too: it cannot be standard input");
	if (cli_argument(cli, B))
		return cli_fail_usage(cli, "--program-b, --digests and --state take A alone");
	code = read_file(cli, d, A);
	if (code == CLI_OK)
		code = boot_side(cli, side, "era-a", "set-a");
	if (code != CLI_OK)
		return code;
	r = rerun_side(side, subject_cpu_count(&side->subject));
	if (!r)
		return cli_fail_error(cli, error_no_memory());
	own = (struct own_build){ r, side->subject.events, side->subject.event_count };
	if (cli_has(cli, "program-b"))
		code = ask_other(cli, d, &own);
	else if (cli_has(cli, "digests"))
		err = own_build_digests(&own, cli_number(cli, "first", 0),
					cli_number(cli, "last", UINT64_MAX),
					cli_number(cli, "digests", 1), &sink);
	else
		err = own_build_state(&own, cli_number(cli, "state", 0), &sink);
	rerun_destroy(r);
	return err ? cli_fail_error(cli, err) : code;
}

static enum cli_exit two_sides(struct cli *cli, struct diff *d)
{
	enum cli_exit code = prepare(cli, d);

	if (code == CLI_OK)
		code = compare(cli, d);
	if (code == CLI_OK && cli_has(cli, "json"))
		json_report(cli, d);
	else if (code == CLI_OK)
		print_report(cli, d);
	return code == CLI_OK && !is_same(d) ? CLI_FINDING : code;
}

static enum cli_exit run(struct cli *cli)
{
	struct diff *d = calloc(1, sizeof(*d));
	enum cli_exit code;

	if (!d)
		return cli_fail_error(cli, error_no_memory());
	code = cli_has(cli, "program-b") || cli_has(cli, "digests") || cli_has(cli, "state")
		       ? one_side(cli, d)
		       : two_sides(cli, d);
	parting_deinit(&d->p);
	for (unsigned int s = 0; s < SIDES; s++) {
		machine_deinit(&d->sides[s].m);
		subject_file_deinit(&d->files[s]);
	}
	free(d->differences);
	free(d);
	return code;
}

const struct command command_diff = {
	.name = "diff",
	.summary = "find the first event at which two machines or two traces part",
	.description =
		"Lets two machines do the requests of a trace side by side, and finds the first event "
		"after which their states are not the same. The sides are two sources with a trace "
		"each, or one source under two kernels or sets of facts.\n"
		"\n"
		"Two states are the same when every free page has the same place on the same list, of "
		"a zone or of a CPU, and every pageblock the same type. How large page sets may grow "
		"and where watermarks stand is listed below, but is no state: what follows from it "
		"is. States that part and meet again within a moment, while every event took and gave "
		"the same pages, may go unnoticed.\n"
		"\n"
		"The report shows what each side did with that event, and every list, pageblock and "
		"counter that differs after it: how many blocks there are, and from which block on "
		"(counted from the head) they are others. The last table shows how it spreads: "
		"requests served with another page so far, lists and pageblocks that differ, pages "
		"free on one side alone, and pages free on both in another place.\n"
		"\n"
		"With --program-b side B is another build of mmreplay: it is run with --digests, and "
		"where those part, with --state.\n"
		"\n"
		"Machines of two kernels often leave their boots with other lists. What comes of the "
		"allocator alone is seen with --same-lists.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.finding = "the states part, or one trace is longer",
	.run = run,
};
