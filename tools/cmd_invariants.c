/* SPDX-License-Identifier: MIT */
/* mmreplay invariants: engine/invariant.def and engine/quirk.def for people, scripts and docs/INVARIANTS.md. */
#include <inttypes.h>
#include <string.h>

#include "engine/invariant.h"
#include "engine/quirk.h"
#include "tools/cli.h"
#include "tools/fact_text.h"
#include "tools/text.h"

static const struct cli_option options[] = { CLI_OPTION_JSON,
					     { .name = "markdown",
					       .kind = CLI_KIND_FLAG,
					       .help = "write the tables of docs/INVARIANTS.md" },
					     CLI_OPTION_OUTPUT,
					     { 0 } };

static const struct cli_example examples[] = {
	{ "mmreplay invariants", "what must hold, and which wrong rules break it" },
	{ "mmreplay fuzz --set node_load_accumulates=off", "hunt with one of these rules wrong" },
	{ "mmreplay minimize finding.mmtrace --fails invariant:fallback-turns -o small.mmtrace",
	  "an invariant as a predicate" },
	{ 0 }
};

/* The fact with its wrong value, as --set takes it. */
static void quirk_setting(const struct quirk_info *q, char *ret, size_t room)
{
	const struct fact_info *fact = fact_info(q->fact);
	char value[FACT_TEXT_SIZE];

	snprintf(ret, room, "%s=%s", fact->name, fact_text_value(value, fact->kind, q->wrong));
}

static void print_text(struct cli *cli)
{
	FILE *out = cli_out(cli);
	char setting[128];

	for (unsigned int i = 0; i < INVARIANT_COUNT; i++) {
		const struct invariant_info *info = invariant_info((enum invariant)i);

		fprintf(out, "%s%s%s (%s, %s)\n    ", cli_colour(cli, CLI_BOLD), info->id,
			cli_colour(cli, CLI_PLAIN), info->owner, invariant_cost_name(info->cost));
		text_wrap(out, 4, 4, info->sentence);
		for (unsigned int q = 0; q < QUIRK_COUNT; q++) {
			if (quirk_info((enum quirk)q)->invariant != (enum invariant)i)
				continue;
			quirk_setting(quirk_info((enum quirk)q), setting, sizeof(setting));
			fprintf(out, "    broken by %s (%s)\n", setting,
				quirk_info((enum quirk)q)->id);
		}
	}
}

static void print_json(struct cli *cli)
{
	char setting[128];
	struct json j;

	cli_json_begin(cli, &j, 1);
	json_key_array_begin(&j, "invariants");
	for (unsigned int i = 0; i < INVARIANT_COUNT; i++) {
		const struct invariant_info *info = invariant_info((enum invariant)i);

		json_object_begin(&j);
		json_key_string(&j, "id", info->id);
		json_key_string(&j, "owner", info->owner);
		json_key_string(&j, "cost", invariant_cost_name(info->cost));
		json_key_string(&j, "sentence", info->sentence);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_key_array_begin(&j, "quirks");
	for (unsigned int q = 0; q < QUIRK_COUNT; q++) {
		const struct quirk_info *info = quirk_info((enum quirk)q);

		quirk_setting(info, setting, sizeof(setting));
		json_object_begin(&j);
		json_key_string(&j, "id", info->id);
		json_key_string(&j, "set", setting);
		json_key_string(&j, "invariant", invariant_info(info->invariant)->id);
		json_key_string(&j, "trigger", info->trigger);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_deinit(&j);
}

static void print_markdown(struct cli *cli)
{
	FILE *out = cli_out(cli);
	char setting[128];

	fputs("| id | what must hold | checked by | cost |\n| --- | --- | --- | --- |\n", out);
	for (unsigned int i = 0; i < INVARIANT_COUNT; i++) {
		const struct invariant_info *info = invariant_info((enum invariant)i);

		fprintf(out, "| `%s` | ", info->id);
		text_markdown_cell(out, info->sentence);
		fprintf(out, " | %s | %s |\n", info->owner, invariant_cost_name(info->cost));
	}
	fputs("\n| wrong rule | setting | breaks | seen on |\n| --- | --- | --- | --- |\n", out);
	for (unsigned int q = 0; q < QUIRK_COUNT; q++) {
		const struct quirk_info *info = quirk_info((enum quirk)q);

		quirk_setting(info, setting, sizeof(setting));
		fprintf(out, "| %s | `%s` | `%s` | ", info->id, setting,
			invariant_info(info->invariant)->id);
		text_markdown_cell(out, info->trigger);
		fputs(" |\n", out);
	}
}

static enum cli_exit run(struct cli *cli)
{
	bool json = cli_has(cli, "json");

	if (cli_has(cli, "markdown") && json)
		return cli_fail_usage(cli, "--markdown does not go with --json");
	if (json)
		print_json(cli);
	else if (cli_has(cli, "markdown"))
		print_markdown(cli);
	else
		print_text(cli);
	return CLI_OK;
}

const struct command command_invariants = {
	.name = "invariants",
	.summary = "list what must hold of every machine, and what breaks it",
	.description =
		"An invariant is what must hold of every machine, whatever was done to it, in every kernel. "
		"fuzz, replay of a scenario and the predicate invariant:ID look at them. The cost says how "
		"much that takes: 'constant' is a few comparisons, 'walk' is as long as what it looks at, "
		"'deep' counts all again.\n"
		"\n"
		"Below an invariant stand the rules that Linux once had wrong and that break it, as a value of "
		"--set.",
	.options = options,
	.examples = examples,
	.run = run,
};
