/* SPDX-License-Identifier: MIT */
/* mmreplay facts: engine/facts.def for people, scripts and docs/KERNELS.md. */
#include <inttypes.h>
#include <string.h>

#include "tools/cli.h"
#include "tools/fact_text.h"
#include "tools/text.h"

static const struct cli_option options[] = {
	{ .name = "era",
	  .kind = CLI_KIND_ERA,
	  .value = "ERA",
	  .help = "show this kernel alone, with the evidence for each value: an era (6.1) or any "
		  "version (5.15, 6.6.30)" },
	CLI_OPTION_JSON,
	{ .name = "markdown",
	  .kind = CLI_KIND_FLAG,
	  .help = "write the tables of docs/KERNELS.md" },
	CLI_OPTION_OUTPUT,
	{ 0 }
};

static const struct cli_example examples[] = {
	{ "mmreplay facts", "every fact, one column per era" },
	{ "mmreplay facts --era 5.15.3", "what holds in 5.15.3, since when, and by what evidence" },
	{ "mmreplay facts --json", "everything, with the whole history of each fact" },
	{ 0 }
};

/* Width of the widest name, at least that of "fact". */
static int name_width(void)
{
	size_t width = 4;

	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		size_t len = strlen(fact_info((enum fact)f)->name);

		width = len > width ? len : width;
	}
	return (int)width;
}

static void print_table(struct cli *cli)
{
	FILE *out = cli_out(cli);
	const char *bold = cli_colour(cli, CLI_BOLD), *plain = cli_colour(cli, CLI_PLAIN);
	int width = name_width();
	char buf[FACT_TEXT_SIZE];

	fprintf(out, "%-*s", width, "fact");
	for (unsigned int e = 0; e < era_count; e++)
		fprintf(out, " %6s", eras[e].name);
	fputc('\n', out);
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		const struct fact_info *info = fact_info((enum fact)f);

		fprintf(out, "%s%-*s%s", bold, width, info->name, plain);
		for (unsigned int e = 0; e < era_count; e++) {
			const struct fact_change *change =
				fact_change_at((enum fact)f, eras[e].version);

			fprintf(out, " %6s", fact_text_value(buf, info->kind, change->value));
		}
		fputc('\n', out);
		text_wrap(out, 4, 0, info->meaning);
	}
}

static void print_era(struct cli *cli, uint32_t version)
{
	FILE *out = cli_out(cli);
	const char *bold = cli_colour(cli, CLI_BOLD), *plain = cli_colour(cli, CLI_PLAIN);
	int width = name_width();
	char value[FACT_TEXT_SIZE], since[FACT_TEXT_SIZE];

	fprintf(out, "%-*s  %6s  %s\n", width, "fact", "value", "since");
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		const struct fact_info *info = fact_info((enum fact)f);
		const struct fact_change *change = fact_change_at((enum fact)f, version);

		fprintf(out, "%s%-*s%s  %6s  %s\n", bold, width, info->name, plain,
			fact_text_value(value, info->kind, change->value),
			fact_text_version(since, change->since));
		text_wrap(out, 4, 0, change->citation);
	}
}

/* ---- JSON ---- */

static void json_value(struct json *j, const char *key, enum fact_kind kind, int64_t value)
{
	if (kind == FACT_KIND_BOOL)
		json_key_bool(j, key, value);
	else
		json_key_i64(j, key, value);
}

static void json_change(struct json *j, const struct fact_info *info,
			const struct fact_change *change)
{
	char since[FACT_TEXT_SIZE];

	json_value(j, "value", info->kind, change->value);
	if (change->since)
		json_key_string(j, "since", fact_text_version(since, change->since));
	else
		json_key_null(j, "since");
	json_key_string(j, "citation", change->citation);
}

static void json_info(struct json *j, const struct fact_info *info)
{
	json_key_string(j, "name", info->name);
	json_key_string(j, "kind", info->kind == FACT_KIND_BOOL ? "bool" : "int");
	json_key_string(j, "meaning", info->meaning);
}

static void print_json_table(struct cli *cli)
{
	char version[FACT_TEXT_SIZE];
	struct json j;

	cli_json_begin(cli, &j, 1);
	json_key_array_begin(&j, "eras");
	for (unsigned int e = 0; e < era_count; e++) {
		json_object_begin(&j);
		json_key_string(&j, "name", eras[e].name);
		json_key_string(&j, "version", fact_text_version(version, eras[e].version));
		json_object_end(&j);
	}
	json_array_end(&j);
	json_key_array_begin(&j, "facts");
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		const struct fact_info *info = fact_info((enum fact)f);

		json_object_begin(&j);
		json_info(&j, info);
		json_key_object_begin(&j, "values");
		for (unsigned int e = 0; e < era_count; e++)
			json_value(&j, eras[e].name, info->kind,
				   fact_change_at((enum fact)f, eras[e].version)->value);
		json_object_end(&j);
		json_key_array_begin(&j, "history");
		for (unsigned int i = 0; i < info->history_count; i++) {
			json_object_begin(&j);
			json_change(&j, info, &info->history[i]);
			json_object_end(&j);
		}
		json_array_end(&j);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_deinit(&j);
}

static void print_json_era(struct cli *cli, uint32_t version)
{
	char buf[FACT_TEXT_SIZE];
	struct json j;

	cli_json_begin(cli, &j, 1);
	json_key_string(&j, "version", fact_text_version(buf, version));
	json_key_array_begin(&j, "facts");
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		const struct fact_info *info = fact_info((enum fact)f);

		json_object_begin(&j);
		json_info(&j, info);
		json_change(&j, info, fact_change_at((enum fact)f, version));
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_deinit(&j);
}

/* ---- Markdown ---- */

static void print_markdown(struct cli *cli)
{
	FILE *out = cli_out(cli);
	char value[FACT_TEXT_SIZE], since[FACT_TEXT_SIZE];

	fputs("| fact |", out);
	for (unsigned int e = 0; e < era_count; e++)
		fprintf(out, " %s |", eras[e].name);
	fputs("\n| --- |", out);
	for (unsigned int e = 0; e < era_count; e++)
		fputs(" --- |", out);
	fputc('\n', out);
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		const struct fact_info *info = fact_info((enum fact)f);

		fprintf(out, "| `%s` |", info->name);
		for (unsigned int e = 0; e < era_count; e++)
			fprintf(out, " %s |",
				fact_text_value(
					value, info->kind,
					fact_change_at((enum fact)f, eras[e].version)->value));
		fputc('\n', out);
	}
	fputs("\n| fact and meaning | since | value | evidence |\n| --- | --- | --- | --- |\n",
	      out);
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		const struct fact_info *info = fact_info((enum fact)f);

		for (unsigned int i = 0; i < info->history_count; i++) {
			const struct fact_change *change = &info->history[i];

			fputs("| ", out);
			if (!i) {
				fprintf(out, "`%s`: ", info->name);
				text_markdown_cell(out, info->meaning);
				fputc(' ', out);
			}
			fprintf(out, "| %s | %s | ", fact_text_version(since, change->since),
				fact_text_value(value, info->kind, change->value));
			text_markdown_cell(out, change->citation);
			fputs(" |\n", out);
		}
	}
}

static enum cli_exit run(struct cli *cli)
{
	uint32_t version;
	bool one = cli_era(cli, &version), json = cli_has(cli, "json");

	if (cli_has(cli, "markdown")) {
		if (one || json)
			return cli_fail_usage(cli, "--markdown goes with neither --era nor --json");
		print_markdown(cli);
	} else if (one && json) {
		print_json_era(cli, version);
	} else if (one) {
		print_era(cli, version);
	} else if (json) {
		print_json_table(cli);
	} else {
		print_table(cli);
	}
	return CLI_OK;
}

const struct command command_facts = {
	.name = "facts",
	.summary = "show the kernel behaviours that changed, and the evidence",
	.description =
		"Kernels differ in behaviours that have names here. A kernel version is nothing but a "
		"row of such facts; the model asks for facts and never for versions, because stable and "
		"distribution kernels carry changes across versions.\n"
		"\n"
		"Without --era each fact is shown with its value in every era, a series that is "
		"modelled in full; the era stands for the newest release of its series. With --era the "
		"facts of one kernel are shown, each with the version that brought the value ('start' "
		"if it was always so) and the evidence: the commit that did it, or where it was read. "
		"Any version may be asked for, between the eras too.\n"
		"\n"
		"Other commands take --set FACT=VALUE, which overrides one of these facts.",
	.options = options,
	.examples = examples,
	.run = run,
};
