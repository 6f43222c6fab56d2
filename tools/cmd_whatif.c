/* SPDX-License-Identifier: MIT */
/* mmreplay whatif: the requests of a trace through two machines that differ in what the user says. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rerun.h"
#include "engine/sysctl.h"
#include "tools/replayed.h"
#include "tools/text.h"

static const struct cli_argument arguments[] = { CLI_ARGUMENT_SRC, { 0 } };

static const struct cli_option options[] = {
	REPLAYED_OPTION_TRACE,
	CLI_OPTION_ERA,
	CLI_OPTION_SET,
	{ .name = "sysctl",
	  .kind = CLI_KIND_TEXT,
	  .value = "NAME=VALUE",
	  .repeatable = true,
	  .help = "set one of the sysctls vm.NAME: min_free_kbytes, watermark_scale_factor, "
		  "lowmem_reserve_ratio, percpu_pagelist_high_fraction, percpu_pagelist_fraction" },
	{ .name = "edit",
	  .kind = CLI_KIND_TEXT,
	  .value = "PARAMETERS",
	  .repeatable = true,
	  .help = "append these to the kernel's command line: 'movablecore=1G'; options that "
		  "shape no memory are refused" },
	CLI_OPTION_JSON,
	CLI_OPTION_OUTPUT,
	{ 0 }
};

static const struct cli_example examples[] = {
	{ "mmreplay whatif SRC --sysctl min_free_kbytes=65536",
	  "would larger reserves have kept blocks whole?" },
	{ "mmreplay whatif SRC --era 6.12", "the same work under another kernel" },
	{ "mmreplay whatif SRC --edit movablecore=256M --json | jq .samples",
	  "fragmentation over time" },
	{ 0 }
};

/* Moments that are kept; when there are more, every other one is dropped. */
#define SAMPLES_MAX 64
/* Moments that the table shows. */
#define SAMPLES_SHOWN 8

enum { UNCHANGED, CHANGED, SIDES };

struct sample {
	uint64_t index; /* events done */
	uint64_t free_pages[SIDES];
	uint16_t unusable[SIDES][BUDDY_ORDER_COUNT]; /* thousandths */
};

struct comparison_of_two {
	struct replayed r; /* booted and late are the machine as recorded */
	struct machine changed;
	struct boot_log log; /* of the changed one */
	struct rerun *sides[SIDES];
	struct sample samples[SAMPLES_MAX];
	uint32_t sample_count;
	uint64_t sample_every, impossible;
	uint64_t failed_both, failed_alone[SIDES]; /* requests, of both sides or of one */
	unsigned int max_order; /* of both */
};

/* ---- two machines ------------------------------------------------------------------------------ */

static enum cli_exit append_parameters(struct cli *cli, struct boot_log *log, const char *format,
				       const char *text)
{
	const char *old = log->input.command_line ? log->input.command_line : "";
	size_t size = strlen(old) + strlen(format) + strlen(text) + 2;
	char *line = malloc(size);
	int at;

	if (!line)
		return cli_fail_error(cli, error_no_memory());
	at = snprintf(line, size, "%s ", old);
	snprintf(line + at, size - (size_t)at, format, text);
	log->input.command_line = boot_log_text(log, line, strlen(line));
	free(line);
	return CLI_OK;
}

/* NAME=VALUE of a sysctl vm.NAME: would the changed kernel take it? */
static enum cli_exit check_sysctl(struct cli *cli, const struct boot_input *in, const char *text)
{
	enum sysctl which = sysctl_find(text, strcspn(text, "="));
	const char *value = text + strcspn(text, "=");
	uint64_t ignored[SYSCTL_VALUES_MAX];
	struct sysctl_limits limits;
	char version[TEXT_VERSION_SIZE];
	unsigned int count;

	if (which == SYSCTL_COUNT || !*value)
		return cli_fail_usage(cli, "there is no '%s' for --sysctl", text);
	value++;
	if (!sysctl_exists(which, &in->facts))
		return cli_fail_usage(cli, "a kernel like %s has no sysctl vm.%s",
				      text_version(version, in->version), sysctl_name(which));
	limits = sysctl_limits(which, &in->facts);
	switch (sysctl_read(which, value, &in->facts, ignored, &count)) {
	case SYSCTL_WRITTEN:
		break;
	case SYSCTL_NO_NUMBER:
		return cli_fail_usage(cli, "'%s' is not what vm.%s can be: %s", value,
				      sysctl_name(which),
				      which == SYSCTL_LOWMEM_RESERVE_RATIO
					      ? "whole numbers with blanks between them"
					      : "a whole number without a suffix");
	case SYSCTL_OUT_OF_RANGE:
		return cli_fail_usage(cli, "vm.%s can be %s%" PRId64 " to %" PRId64 ", not '%s'",
				      sysctl_name(which), limits.or_zero ? "0, or " : "",
				      limits.min, limits.max, value);
	}
	return CLI_OK;
}

/* Are all words options that the model knows? */
static enum cli_exit check_edit(struct cli *cli, const struct boot_input *in, const char *text)
{
	bool x86 = in->config.arch == ARCH_X86_64 || in->config.arch == ARCH_I386, modelled;
	enum cli_exit code = CLI_OK;
	char word[512];
	bool any = false;

	while (code == CLI_OK && cmdline_next(&text, x86, word, sizeof(word), &modelled)) {
		bool sysctl = !strncmp(word, "sysctl.vm.", 10) || !strncmp(word, "sysctl/vm/", 10);

		any = true;
		if (sysctl)
			code = check_sysctl(cli, in, word + 10);
		else if (!modelled)
			return cli_fail_usage(
				cli, "'%s' of --edit is no option that shapes memory in the model",
				word);
	}
	if (code == CLI_OK && !any)
		return cli_fail_usage(cli, "--edit needs an option of the kernel's command line");
	return code;
}

/* --edit and --sysctl, but for the one of number @without, on the command line. */
static enum cli_exit change_command_line(struct cli *cli, struct boot_log *log,
					 unsigned int without)
{
	static const struct {
		const char *option, *format;
	} ways[] = { { "edit", "%s" }, { "sysctl", "\"sysctl.vm.%s\"" } };
	enum cli_exit code = CLI_OK;
	unsigned int number = 0;
	const char *text;

	for (size_t w = 0; w < sizeof(ways) / sizeof(*ways); w++) {
		for (unsigned int i = 0;
		     code == CLI_OK && (text = cli_text_at(cli, ways[w].option, i)); i++)
			if (number++ != without)
				code = append_parameters(cli, log, ways[w].format, text);
	}
	return code;
}

/* No option is left out. */
#define WITHOUT_NONE UINT_MAX

/* What the user says, on the input of the second machine. */
static enum cli_exit change(struct cli *cli, struct boot_log *log)
{
	struct boot_input *in = &log->input;
	enum cli_exit code = CLI_OK;
	const char *text;

	if (cli_era(cli, &in->version))
		facts_init(&in->facts, in->version);
	cli_set_facts(cli, &in->facts);
	arch_config_apply_facts(&in->config, &in->facts);
	for (unsigned int i = 0; code == CLI_OK && (text = cli_text_at(cli, "edit", i)); i++)
		code = check_edit(cli, in, text);
	for (unsigned int i = 0; code == CLI_OK && (text = cli_text_at(cli, "sysctl", i)); i++)
		code = check_sysctl(cli, in, text);
	return code;
}

/* Do both have the same zones, reserves, page sets and free lists? */
static bool same_memory(const struct machine *a, const struct machine *b)
{
	if (a->node_count != b->node_count || a->min_free_kbytes != b->min_free_kbytes ||
	    buddy_hash(a->buddy) != buddy_hash(b->buddy))
		return false;
	for (uint32_t n = 0; n < a->node_count; n++) {
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *x = &a->nodes[n].zones[t], *y = &b->nodes[n].zones[t];

			if (memcmp(x->watermark, y->watermark, sizeof(x->watermark)) != 0 ||
			    memcmp(x->lowmem_reserve, y->lowmem_reserve,
				   sizeof(x->lowmem_reserve)) != 0 ||
			    x->start_pfn != y->start_pfn || x->spanned != y->spanned ||
			    x->present != y->present || x->managed != y->managed ||
			    x->cma != y->cma || x->batch != y->batch || x->high != y->high ||
			    x->high_min != y->high_min || x->high_max != y->high_max)
				return false;
		}
	}
	return true;
}

/* Says what the changed machine, which is booted, would be the same without. */
static enum cli_exit note_idle(struct cli *cli, struct comparison_of_two *c,
			       const char *command_line)
{
	const char *changed = c->log.input.command_line, *text;
	unsigned int edits = 0, number = 0;
	enum cli_exit code = CLI_OK;

	if ((cli_has(cli, "era") || cli_has(cli, "set")) &&
	    !memcmp(&c->log.input.facts, &c->r.booted.log.input.facts, sizeof(struct facts)))
		cli_note(cli, "--era and --set leave every fact of the kernel as it was");
	while (cli_text_at(cli, "edit", edits))
		edits++;
	for (; code == CLI_OK; number++) {
		bool edit = number < edits;
		struct machine m;

		text = cli_text_at(cli, edit ? "edit" : "sysctl", edit ? number : number - edits);
		if (!text)
			break;
		machine_init(&m);
		c->log.input.command_line = command_line;
		code = change_command_line(cli, &c->log, number);
		m.want_lists = true;
		boot_run(&m, &c->log.input, STAGE_LATE);
		if (code == CLI_OK && m.out_of_memory)
			code = cli_fail_error(cli, error_no_memory());
		else if (code == CLI_OK && m.buddy && same_memory(&m, &c->changed))
			cli_note(cli, "'%s' of --%s makes no difference to this machine", text,
				 edit ? "edit" : "sysctl");
		machine_deinit(&m);
	}
	c->log.input.command_line = changed;
	return code;
}

static enum cli_exit make_side(struct cli *cli, struct comparison_of_two *c, unsigned int side,
			       struct machine *m, const struct boot_input *in)
{
	int32_t *nids = rerun_cpu_nodes(m, in, c->r.cpu_count);

	if (nids)
		c->sides[side] = rerun_create(m, &c->r.booted.m, nids, c->r.cpu_count);
	free(nids);
	return c->sides[side] ? CLI_OK : cli_fail_error(cli, error_no_memory());
}

static enum cli_exit prepare(struct cli *cli, struct comparison_of_two *c)
{
	const char *command_line;
	struct error *err;
	enum cli_exit code;

	code = replayed_read_recorded(cli, REPLAYED_ANY_LISTS, &c->r);
	if (code != CLI_OK)
		return code;
	code = make_side(cli, c, UNCHANGED, &c->r.late, &c->r.booted.log.input);
	if (code != CLI_OK)
		return code;
	err = booted_read_again(&c->r.booted, &c->log);
	if (err)
		return cli_fail_error(cli, err);
	code = change(cli, &c->log);
	command_line = c->log.input.command_line;
	if (code == CLI_OK)
		code = change_command_line(cli, &c->log, WITHOUT_NONE);
	if (code != CLI_OK)
		return code;
	c->changed.want_lists = true;
	boot_run(&c->changed, &c->log.input, STAGE_LATE);
	if (c->changed.out_of_memory)
		return cli_fail_error(cli, error_no_memory());
	if (!c->changed.buddy || c->changed.reserved_known != c->r.late.reserved_known)
		return cli_fail(cli, "the changed machine does not know its free lists");
	code = note_idle(cli, c, command_line);
	if (code != CLI_OK)
		return code;
	code = make_side(cli, c, CHANGED, &c->changed, &c->log.input);
	if (code != CLI_OK)
		return code;
	c->max_order = c->r.late.config.max_order;
	if (c->changed.config.max_order < c->max_order)
		c->max_order = c->changed.config.max_order;
	c->sample_every = 1000;
	return CLI_OK;
}

/* ---- the run ----------------------------------------------------------------------------------- */

static void take_sample(struct comparison_of_two *c)
{
	struct sample *s;

	if (c->sample_count == SAMPLES_MAX) {
		for (uint32_t i = 1; i < SAMPLES_MAX; i += 2)
			c->samples[i / 2] = c->samples[i];
		c->sample_count = SAMPLES_MAX / 2;
		c->sample_every *= 2;
		if (c->r.index % c->sample_every)
			return;
	}
	s = &c->samples[c->sample_count++];
	s->index = c->r.index;
	for (unsigned int side = 0; side < SIDES; side++) {
		s->free_pages[side] = rerun_free_pages(c->sides[side]);
		for (unsigned int o = 0; o <= c->max_order; o++)
			s->unusable[side][o] = (uint16_t)rerun_unusable(c->sides[side], o);
	}
}

static bool fails(const struct rerun *r)
{
	const struct rerun_step *step = rerun_last(r);

	return step->did == RERUN_ALLOC && step->pfn == PFN_NONE;
}

static void do_event(struct comparison_of_two *c, const struct event *e)
{
	bool failed[SIDES];

	for (unsigned int side = 0; side < SIDES; side++) {
		rerun_event(c->sides[side], e);
		failed[side] = fails(c->sides[side]);
	}
	c->failed_both += failed[UNCHANGED] && failed[CHANGED];
	for (unsigned int side = 0; side < SIDES; side++)
		c->failed_alone[side] += failed[side] && !failed[!side];
}

static enum cli_exit run_both(struct cli *cli, struct comparison_of_two *c)
{
	unsigned int max_order = c->r.booted.m.config.max_order;
	const struct event *e;
	enum cli_exit code;

	while ((code = replayed_next(cli, &c->r, &e)) == CLI_OK && e) {
		if (impossible_shape(e, c->r.cpu_count, max_order, MIGRATE_TYPE_COUNT) != POSSIBLE)
			c->impossible++;
		else
			do_event(c, e);
		if (c->r.index % c->sample_every == 0)
			take_sample(c);
	}
	if (code != CLI_OK)
		return code;
	if (!c->sample_count || c->samples[c->sample_count - 1].index != c->r.index)
		take_sample(c);
	for (unsigned int side = 0; side < SIDES; side++)
		if (rerun_out_of_memory(c->sides[side]))
			return cli_fail_error(cli, error_no_memory());
	return CLI_OK;
}

/* ---- report ------------------------------------------------------------------------------------ */

struct row {
	const char *name, *key;
	size_t offset; /* in struct rerun_stats */
	size_t told; /* there, too: what the trace tells of it; NOT_TOLD: nothing */
};

#define NOT_TOLD SIZE_MAX

static const struct row rows[] = {
	{ "requests", "requests", offsetof(struct rerun_stats, requests),
	  offsetof(struct rerun_stats, requests) },
	{ "below every low watermark (wake kswapd)", "below_low",
	  offsetof(struct rerun_stats, below_low), NOT_TOLD },
	{ "served from reserves", "from_reserves", offsetof(struct rerun_stats, from_reserves),
	  NOT_TOLD },
	{ "failed", "failed", offsetof(struct rerun_stats, failed),
	  offsetof(struct rerun_stats, failed_in_trace) },
	{ "failed, but could wait for reclaim", "must_reclaim",
	  offsetof(struct rerun_stats, must_reclaim), NOT_TOLD },
	{ "pages of another migratetype (fallbacks)", "fallbacks",
	  offsetof(struct rerun_stats, fallbacks), offsetof(struct rerun_stats, told.extfrag) },
	{ "pageblocks claimed by them", "claimed", offsetof(struct rerun_stats, claimed),
	  offsetof(struct rerun_stats, told.claimed) },
	{ "pages of another node (remote)", "remote", offsetof(struct rerun_stats, remote),
	  offsetof(struct rerun_stats, told.remote) },
	{ "pages of a lower zone", "lower_zone", offsetof(struct rerun_stats, lower_zone),
	  offsetof(struct rerun_stats, told.lower_zone) },
	{ "zone lock takes", "lock_takes", offsetof(struct rerun_stats, lock_takes), NOT_TOLD },
	{ "frees", "frees", offsetof(struct rerun_stats, frees),
	  offsetof(struct rerun_stats, told.frees) },
	{ "frees of what had failed (left out)", "failed_frees",
	  offsetof(struct rerun_stats, failed_frees), NOT_TOLD },
	{ "frees of pages from before (left out)", "unknown_frees",
	  offsetof(struct rerun_stats, unknown_frees), NOT_TOLD },
};

static uint64_t row_value(const struct row *row, const struct rerun *r)
{
	return *(const uint64_t *)((const char *)rerun_stats(r) + row->offset);
}

/* What the trace tells of @row; false: nothing.  One without a fallback may have recorded none. */
static bool row_told(const struct row *row, const struct comparison_of_two *c, uint64_t *ret)
{
	const struct rerun_stats *s = rerun_stats(c->sides[UNCHANGED]);
	bool fallbacks = row->told == offsetof(struct rerun_stats, told.extfrag) ||
			 row->told == offsetof(struct rerun_stats, told.claimed);

	if (row->told == NOT_TOLD || (fallbacks && !s->told.extfrag))
		return false;
	*ret = *(const uint64_t *)((const char *)s + row->told);
	return true;
}

static void print_samples(struct cli *cli, const struct comparison_of_two *c)
{
	FILE *out = cli_out(cli);
	uint32_t step = (c->sample_count + SAMPLES_SHOWN - 1) / SAMPLES_SHOWN;

	fprintf(out, "\n%sunusable free memory by order, in thousandths (unchanged/changed)%s\n",
		cli_colour(cli, CLI_BOLD), cli_colour(cli, CLI_PLAIN));
	fprintf(out, "%10s", "event");
	for (unsigned int o = 1; o <= c->max_order; o += 3)
		fprintf(out, " %11u", o);
	fprintf(out, " %17s\n", "free pages");
	for (uint32_t i = (c->sample_count - 1) % step; i < c->sample_count; i += step) {
		const struct sample *s = &c->samples[i];

		fprintf(out, "%10" PRIu64, s->index);
		for (unsigned int o = 1; o <= c->max_order; o += 3)
			fprintf(out, " %6u/%4u", (unsigned int)s->unusable[UNCHANGED][o],
				(unsigned int)s->unusable[CHANGED][o]);
		fprintf(out, " %8" PRIu64 "/%8" PRIu64 "\n", s->free_pages[UNCHANGED],
			s->free_pages[CHANGED]);
	}
}

/* What it means that a machine ran short. */
static void print_shortage(struct cli *cli, const struct comparison_of_two *c)
{
	const struct rerun_stats *unchanged = rerun_stats(c->sides[UNCHANGED]);
	const struct rerun_stats *changed = rerun_stats(c->sides[CHANGED]);
	FILE *out = cli_out(cli);

	if (unchanged->failed_in_trace)
		fprintf(out, "\n%" PRIu64 " requests failed in the trace; they are left out.\n",
			unchanged->failed_in_trace);
	if (!unchanged->below_low && !changed->below_low)
		return;
	fputs("\nMemory ran short, and neither machine reclaims: what kswapd and direct reclaim freed "
	      "in\nthe trace is freed at the same events here, on both sides. ",
	      out);
	if (!unchanged->failed && !changed->failed) {
		fputs("Every request was served all the same.\n", out);
		return;
	}
	fprintf(out,
		"A request that finds nothing\nabove its watermark has no page: %" PRIu64
		" on both sides, %" PRIu64 " unchanged alone, %" PRIu64 " changed\nalone. ",
		c->failed_both, c->failed_alone[UNCHANGED], c->failed_alone[CHANGED]);
	fprintf(out,
		"All of these were served in the trace. Of those of the changed machine, %" PRIu64
		"\ncan wait: for them memory would be reclaimed or compacted.\n",
		changed->must_reclaim);
	if (unchanged->failed)
		fprintf(out,
			"The %" PRIu64
			" of the unchanged one succeeded only because of that, or because the "
			"machine had\nmore left than its boot tells.\n",
			unchanged->failed);
}

static void print_both(struct cli *cli, const struct comparison_of_two *c)
{
	FILE *out = cli_out(cli);

	replayed_print(cli, &c->r);
	fprintf(out, "\n%s%-40s %12s %12s %12s%s\n", cli_colour(cli, CLI_BOLD), "", "in the trace",
		"unchanged", "changed", cli_colour(cli, CLI_PLAIN));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t told;

		fprintf(out, "%-40s", rows[i].name);
		if (row_told(&rows[i], c, &told))
			fprintf(out, " %12" PRIu64, told);
		else
			fprintf(out, " %12s", "-");
		fprintf(out, " %12" PRIu64 " %12" PRIu64 "\n",
			row_value(&rows[i], c->sides[UNCHANGED]),
			row_value(&rows[i], c->sides[CHANGED]));
	}
	fprintf(out, "%-40s %12s %12" PRIu64 " %12" PRIu64 "\n", "min_free_kbytes", "-",
		c->r.late.min_free_kbytes, c->changed.min_free_kbytes);
	if (c->impossible)
		fprintf(out,
			"\n%" PRIu64 " events that the machine cannot have recorded left out\n",
			c->impossible);
	if (!c->r.late.reserved_known)
		fputs("\nWhat was reserved at boot is not in the log: both machines begin with more free "
		      "than there was.\n",
		      out);
	print_shortage(cli, c);
	print_samples(cli, c);
}

static void json_told(struct json *j, const struct comparison_of_two *c)
{
	json_key_object_begin(j, "in_trace");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t told;

		if (row_told(&rows[i], c, &told))
			json_key_u64(j, rows[i].key, told);
		else
			json_key_null(j, rows[i].key);
	}
	json_object_end(j);
}

static void json_side(struct json *j, const char *key, const struct comparison_of_two *c,
		      unsigned int side, const struct machine *m)
{
	const struct rerun_stats *s = rerun_stats(c->sides[side]);

	json_key_object_begin(j, key);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		json_key_u64(j, rows[i].key, row_value(&rows[i], c->sides[side]));
	json_key_array_begin(j, "failed_by_order");
	for (unsigned int o = 0; o <= m->config.max_order; o++)
		json_u64(j, s->failed_order[o]);
	json_array_end(j);
	json_key_u64(j, "min_free_kbytes", m->min_free_kbytes);
	json_object_end(j);
}

static void json_sample(struct json *j, const struct comparison_of_two *c, const struct sample *s)
{
	static const char *const names[SIDES] = { "unchanged", "changed" };

	json_object_begin(j);
	json_key_u64(j, "events", s->index);
	for (unsigned int side = 0; side < SIDES; side++) {
		json_key_object_begin(j, names[side]);
		json_key_u64(j, "free_pages", s->free_pages[side]);
		json_key_array_begin(j, "unusable_by_order");
		for (unsigned int o = 0; o <= c->max_order; o++)
			json_u64(j, s->unusable[side][o]);
		json_array_end(j);
		json_object_end(j);
	}
	json_object_end(j);
}

static void json_both(struct cli *cli, const struct comparison_of_two *c)
{
	struct json j;

	cli_json_begin(cli, &j, 2);
	replayed_json(&j, &c->r);
	json_told(&j, c);
	json_side(&j, "unchanged", c, UNCHANGED, &c->r.late);
	json_side(&j, "changed", c, CHANGED, &c->changed);
	json_key_bool(&j, "reserved_known", c->r.late.reserved_known);
	json_key_bool(&j, "reclaims", false);
	json_key_u64(&j, "failed_in_trace", rerun_stats(c->sides[UNCHANGED])->failed_in_trace);
	json_key_u64(&j, "failed_on_both_sides", c->failed_both);
	json_key_u64(&j, "failed_unchanged_alone", c->failed_alone[UNCHANGED]);
	json_key_u64(&j, "failed_changed_alone", c->failed_alone[CHANGED]);
	json_key_u64(&j, "impossible_events", c->impossible);
	json_key_array_begin(&j, "samples");
	for (uint32_t i = 0; i < c->sample_count; i++)
		json_sample(&j, c, &c->samples[i]);
	json_array_end(&j);
	json_object_end(&j);
	json_deinit(&j);
}

static enum cli_exit run(struct cli *cli)
{
	struct comparison_of_two *c;
	enum cli_exit code;

	if (!cli_has(cli, "era") && !cli_has(cli, "set") && !cli_has(cli, "sysctl") &&
	    !cli_has(cli, "edit"))
		return cli_fail_usage(
			cli, "nothing is different: give --set, --era, --sysctl or --edit");
	c = calloc(1, sizeof(*c));
	if (!c)
		return cli_fail_error(cli, error_no_memory());
	machine_init(&c->changed);
	code = prepare(cli, c);
	if (code == CLI_OK)
		code = run_both(cli, c);
	if (code == CLI_OK && cli_has(cli, "json"))
		json_both(cli, c);
	else if (code == CLI_OK)
		print_both(cli, c);
	rerun_destroy(c->sides[UNCHANGED]);
	rerun_destroy(c->sides[CHANGED]);
	machine_deinit(&c->changed);
	boot_log_deinit(&c->log);
	replayed_deinit(&c->r);
	free(c);
	return code;
}

const struct command command_whatif = {
	.name = "whatif",
	.summary = "send the requests of a trace through two machines that differ",
	.description =
		"Boots the machine of SRC twice, once as it was recorded and once with what --set, "
		"--era, --sysctl and --edit change, and lets both serve the allocations and frees of "
		"the trace, with pages of their own. Both start as the boot left them.\n"
		"\n"
		"Beside the model's two columns, 'unchanged' and 'changed', stands what the trace itself "
		"tells, which the kernel did that wrote it; '-' where it tells nothing (of fallbacks, where "
		"it has no mm_page_alloc_extfrag). Where the trace and 'unchanged' differ much, the model "
		"differs from that machine: it reclaims nothing, starts as the boot left it, does not take "
		"what no event tells of (buffers of the trace, bulk allocations: 'replay' says how many "
		"pages), so that memory is short later than it was, and knows of "
		"no memory policy, which no event tells: of a task that had one (numactl, mbind, a cpuset) "
		"the trace has pages of the nodes it asked for, and the model those of the CPU's node "
		"first, so that the two differ in remote pages. Markers that tell 'replay' of CPUs and "
		"memory that come and go change neither machine here: they stay as they booted.\n"
		"\n"
		"The table compares requests that failed, pages taken from lists of another "
		"migratetype and pageblocks claimed for it, pages from another node than the CPU's, "
		"pages from a lower zone than was allowed, and how often a zone's lock was taken. "
		"Below it stands how much of the free memory lies in blocks too small for an order "
		"(the kernel's unusable index, over all zones), at moments spread over the trace; "
		"JSON has more of them, and every order.\n"
		"\n"
		"Nothing is reclaimed, on either side: frees come when the trace says so, those of pages "
		"that kswapd or direct reclaim took away, too. A request is tried as far as the slow "
		"path goes without: at the low watermark, at the min watermark, with the rights of its "
		"gfp flags. If none serves it, it counts as failed and has no page. The trace has one, so "
		"such a request succeeded only because memory was reclaimed or compacted first (or the "
		"machine had more left than the boot tells); how many fail on both sides, and on one "
		"alone, is told.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
