/* SPDX-License-Identifier: MIT */
/* mmreplay whatif: the requests of a trace through two machines that differ in what the user says. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rerun.h"
#include "tools/replayed.h"
#include "tools/text.h"
#include "traces/capture.h"

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
	  .help = "append these to the kernel's command line: 'movablecore=1G'" },
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

enum { RECORDED, CHANGED, SIDES };

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

static enum cli_exit append_parameters(struct cli *cli, struct boot_log *log, const char *before,
				       const char *text)
{
	const char *old = log->input.command_line ? log->input.command_line : "";
	size_t size = strlen(old) + strlen(before) + strlen(text) + 2;
	char *line = malloc(size);

	if (!line)
		return cli_fail_error(cli, error_no_memory());
	snprintf(line, size, "%s %s%s", old, before, text);
	log->input.command_line = boot_log_text(log, line, size - 1);
	free(line);
	return CLI_OK;
}

static bool is_sysctl(const char *text)
{
	static const char *const names[] = { "min_free_kbytes", "watermark_scale_factor",
					     "lowmem_reserve_ratio",
					     "percpu_pagelist_high_fraction",
					     "percpu_pagelist_fraction" };
	size_t len = strcspn(text, "=");

	for (size_t i = 0; text[len] && i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == len && !memcmp(names[i], text, len))
			return true;
	return false;
}

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
		code = append_parameters(cli, log, "", text);
	for (unsigned int i = 0; code == CLI_OK && (text = cli_text_at(cli, "sysctl", i)); i++) {
		if (!is_sysctl(text))
			return cli_fail_usage(cli, "there is no '%s' for --sysctl", text);
		code = append_parameters(cli, log, "sysctl.vm.", text);
	}
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
	struct error *err = NULL;
	enum cli_exit code;

	c->r.booted.again = &c->log;
	code = replayed_read_recorded(cli, REPLAYED_ANY_LISTS, &c->r);
	if (code != CLI_OK)
		return code;
	code = make_side(cli, c, RECORDED, &c->r.late, &c->r.booted.log.input);
	if (code != CLI_OK)
		return code;
	if (strcmp(c->r.booted.path, "-") != 0)
		err = capture_read(c->r.booted.path, &c->log);
	if (err)
		return cli_fail_error(cli, err);
	code = change(cli, &c->log);
	if (code != CLI_OK)
		return code;
	c->changed.want_lists = true;
	boot_run(&c->changed, &c->log.input, STAGE_LATE);
	if (c->changed.out_of_memory)
		return cli_fail_error(cli, error_no_memory());
	if (!c->changed.buddy || c->changed.reserved_known != c->r.late.reserved_known)
		return cli_fail(cli, "the changed machine does not know its free lists");
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
	c->failed_both += failed[RECORDED] && failed[CHANGED];
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
};

static const struct row rows[] = {
	{ "requests", "requests", offsetof(struct rerun_stats, requests) },
	{ "below every low watermark (wake kswapd)", "below_low",
	  offsetof(struct rerun_stats, below_low) },
	{ "served from reserves", "from_reserves", offsetof(struct rerun_stats, from_reserves) },
	{ "failed", "failed", offsetof(struct rerun_stats, failed) },
	{ "failed, but could wait for reclaim", "must_reclaim",
	  offsetof(struct rerun_stats, must_reclaim) },
	{ "pages of another migratetype (fallbacks)", "fallbacks",
	  offsetof(struct rerun_stats, fallbacks) },
	{ "pageblocks claimed by them", "claimed", offsetof(struct rerun_stats, claimed) },
	{ "pages of another node (remote)", "remote", offsetof(struct rerun_stats, remote) },
	{ "pages of a lower zone", "lower_zone", offsetof(struct rerun_stats, lower_zone) },
	{ "zone lock takes", "lock_takes", offsetof(struct rerun_stats, lock_takes) },
	{ "frees", "frees", offsetof(struct rerun_stats, frees) },
	{ "frees of pages from before (left out)", "unknown_frees",
	  offsetof(struct rerun_stats, unknown_frees) },
};

static uint64_t row_value(const struct row *row, const struct rerun *r)
{
	return *(const uint64_t *)((const char *)rerun_stats(r) + row->offset);
}

static void print_samples(struct cli *cli, const struct comparison_of_two *c)
{
	FILE *out = cli_out(cli);
	uint32_t step = (c->sample_count + SAMPLES_SHOWN - 1) / SAMPLES_SHOWN;

	fprintf(out, "\n%sunusable free memory by order, in thousandths (recorded/changed)%s\n",
		cli_colour(cli, CLI_BOLD), cli_colour(cli, CLI_PLAIN));
	fprintf(out, "%10s", "event");
	for (unsigned int o = 1; o <= c->max_order; o += 3)
		fprintf(out, " %11u", o);
	fprintf(out, " %17s\n", "free pages");
	for (uint32_t i = (c->sample_count - 1) % step; i < c->sample_count; i += step) {
		const struct sample *s = &c->samples[i];

		fprintf(out, "%10" PRIu64, s->index);
		for (unsigned int o = 1; o <= c->max_order; o += 3)
			fprintf(out, " %6u/%4u", (unsigned int)s->unusable[RECORDED][o],
				(unsigned int)s->unusable[CHANGED][o]);
		fprintf(out, " %8" PRIu64 "/%8" PRIu64 "\n", s->free_pages[RECORDED],
			s->free_pages[CHANGED]);
	}
}

/* What it means that a machine ran short. */
static void print_shortage(struct cli *cli, const struct comparison_of_two *c)
{
	const struct rerun_stats *recorded = rerun_stats(c->sides[RECORDED]);
	const struct rerun_stats *changed = rerun_stats(c->sides[CHANGED]);
	FILE *out = cli_out(cli);

	if (recorded->failed_in_trace)
		fprintf(out, "\n%" PRIu64 " requests failed in the trace; they are left out.\n",
			recorded->failed_in_trace);
	if (!recorded->below_low && !changed->below_low)
		return;
	fputs("\nMemory ran short, and neither machine reclaims: what kswapd and direct reclaim freed "
	      "in\nthe trace is freed at the same events here, on both sides. ",
	      out);
	if (!recorded->failed && !changed->failed) {
		fputs("Every request was served all the same.\n", out);
		return;
	}
	fprintf(out,
		"A request that finds nothing\nabove its watermark has no page: %" PRIu64
		" on both sides, %" PRIu64 " as recorded alone, %" PRIu64 " as changed\nalone. ",
		c->failed_both, c->failed_alone[RECORDED], c->failed_alone[CHANGED]);
	fprintf(out,
		"All of these were served in the trace. Of those as changed, %" PRIu64
		" can wait: for\nthem memory would be reclaimed or compacted.\n",
		changed->must_reclaim);
	if (recorded->failed)
		fprintf(out,
			"The %" PRIu64
			" as recorded succeeded only because of that, or because the "
			"machine had more left\nthan its boot tells.\n",
			recorded->failed);
}

static void print_both(struct cli *cli, const struct comparison_of_two *c)
{
	FILE *out = cli_out(cli);

	replayed_print(cli, &c->r);
	fprintf(out, "\n%s%-42s %14s %14s%s\n", cli_colour(cli, CLI_BOLD), "", "as recorded",
		"changed", cli_colour(cli, CLI_PLAIN));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		fprintf(out, "%-42s %14" PRIu64 " %14" PRIu64 "\n", rows[i].name,
			row_value(&rows[i], c->sides[RECORDED]),
			row_value(&rows[i], c->sides[CHANGED]));
	fprintf(out, "%-42s %14" PRIu64 " %14" PRIu64 "\n", "min_free_kbytes",
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
	static const char *const names[SIDES] = { "recorded", "changed" };

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

	cli_json_begin(cli, &j, 1);
	replayed_json(&j, &c->r);
	json_side(&j, "recorded", c, RECORDED, &c->r.late);
	json_side(&j, "changed", c, CHANGED, &c->changed);
	json_key_bool(&j, "reserved_known", c->r.late.reserved_known);
	json_key_bool(&j, "reclaims", false);
	json_key_u64(&j, "failed_in_trace", rerun_stats(c->sides[RECORDED])->failed_in_trace);
	json_key_u64(&j, "failed_on_both_sides", c->failed_both);
	json_key_u64(&j, "failed_as_recorded_alone", c->failed_alone[RECORDED]);
	json_key_u64(&j, "failed_as_changed_alone", c->failed_alone[CHANGED]);
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
	rerun_destroy(c->sides[RECORDED]);
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
