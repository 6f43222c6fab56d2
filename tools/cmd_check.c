/* SPDX-License-Identifier: MIT */
/* mmreplay check: what the model says beside what the kernel said. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "tools/booted.h"
#include "tools/text.h"
#include "traces/compare.h"

static const struct cli_argument arguments[] = { CLI_ARGUMENT_SRC, { 0 } };

static const struct cli_option options[] = {
	{ .name = "all",
	  .kind = CLI_KIND_FLAG,
	  .help = "list every fact, not only those that differ" },
	CLI_OPTION_ERA,
	CLI_OPTION_SET,
	CLI_OPTION_JSON,
	CLI_OPTION_OUTPUT,
	{ 0 }
};

static const struct cli_example examples[] = {
	{ "mmreplay check traces/captures/boot-6.1-amd64-numa4-ring",
	  "does the model come to the kernel's answers?" },
	{ "dmesg | mmreplay check -", "the machine at hand, as far as its log tells" },
	{ "mmreplay check dmesg.txt --era 6.12", "would another kernel have done the same?" },
	{ "mmreplay check dmesg.txt --json | jq '.facts[] | select(.verdict == \"differ\")'",
	  "for scripts" },
	{ 0 }
};

/* ---- one fact ---------------------------------------------------------------------------------- */

static const struct answer *row_answer(const struct compare_row *row)
{
	const struct answer *a = row->recorded ? row->recorded : row->model;

	assert(a);
	return a;
}

/* The picture an answer was read from; NULL for a line of the log. */
static const char *picture_of(enum answer_kind kind)
{
	switch (kind) {
	case ANSWER_ZONEINFO:
	case ANSWER_PROTECTION:
		return "zoneinfo";
	case ANSWER_MEMTOTAL:
		return "meminfo";
	case ANSWER_MIN_FREE_KBYTES:
		return "min_free_kbytes";
	default:
		return NULL;
	}
}

static void print_place(FILE *out, const struct compare_row *row)
{
	const char *picture = picture_of(row->kind);

	if (!row->recorded)
		fputs("not in the log", out);
	else if (picture && row->recorded->line)
		fprintf(out, "%s line %" PRIu32, picture, row->recorded->line);
	else if (picture)
		fputs(picture, out);
	else
		fprintf(out, "line %" PRIu32, row->recorded->line);
}

/* A value of one or more lines after its label. */
static void print_value(FILE *out, const char *label, const struct booted *b,
			const struct answers *as, const struct answer *a)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	const char *p, *end;

	answer_text_value(&b->text, as, a, &sink);
	for (p = sink_text_string(&text); *p; p = *end ? end + 1 : end) {
		size_t len;

		end = p + strcspn(p, "\n");
		len = (size_t)(end - p);
		fprintf(out, "    %-7s", p == text.data ? label : "");
		if (len <= TEXT_COLUMNS - 11)
			fprintf(out, "%.*s\n", (int)len, p);
		else
			text_wrap_paragraph(out, 11, 11, TEXT_COLUMNS, p, len);
	}
	sink_text_deinit(&text);
}

static void print_sentence(FILE *out, const char *label, const char *text)
{
	fprintf(out, "    %-7s", label);
	text_wrap(out, 11, 11, text);
}

static void print_row(struct cli *cli, const struct booted *b, const struct compare_row *row,
		      bool all)
{
	FILE *out = cli_out(cli);
	struct sink sink = sink_to_file(out);
	bool bad = compare_is_difference(row->verdict);

	if (all)
		fprintf(out, "%s%-12s%s  ", cli_colour(cli, bad ? CLI_BAD : CLI_PLAIN),
			compare_verdict_name(row->verdict), cli_colour(cli, CLI_PLAIN));
	answer_text_key(&b->text, row_answer(row), &sink);
	fputs(" (", out);
	print_place(out, row);
	fputs(")\n", out);
	if (row->recorded)
		print_value(out, "log", b, &b->log.recorded, row->recorded);
	switch (row->verdict) {
	case COMPARE_DIFFER:
	case COMPARE_NOT_IN_LOG:
		print_value(out, "model", b, &b->m.answers, row->model);
		break;
	case COMPARE_UNPREDICTED:
		print_sentence(out, "model",
			       row->model->reason ? row->model->reason : "not derivable");
		break;
	case COMPARE_NOT_IN_MODEL:
		print_sentence(out, "model", "has no such answer");
		break;
	case COMPARE_AGREE:
	case COMPARE_GIVEN:
	case COMPARE_VERDICT_COUNT:
		break;
	}
}

/* ---- the report -------------------------------------------------------------------------------- */

static void print_count(FILE *out, uint32_t n, int width)
{
	if (n)
		fprintf(out, " %*" PRIu32, width, n);
	else
		fprintf(out, " %*s", width, "-");
}

static void print_table(struct cli *cli, const struct comparison *c)
{
	FILE *out = cli_out(cli);

	fprintf(out, "\n%s%-26s %8s %8s %8s %8s %11s%s\n", cli_colour(cli, CLI_BOLD), "", "agree",
		"differ", "given", "unknown", "not in log", cli_colour(cli, CLI_PLAIN));
	for (unsigned int k = 0; k < ANSWER_KIND_COUNT; k++) {
		const uint32_t *n = c->counts[k];
		uint32_t differ = n[COMPARE_DIFFER] + n[COMPARE_NOT_IN_MODEL];
		uint32_t recorded =
			differ + n[COMPARE_AGREE] + n[COMPARE_GIVEN] + n[COMPARE_UNPREDICTED];

		if (!recorded)
			continue;
		fprintf(out, "%-26s", answer_kind_name((enum answer_kind)k));
		print_count(out, n[COMPARE_AGREE], 8);
		fputs(cli_colour(cli, differ ? CLI_BAD : CLI_PLAIN), out);
		print_count(out, differ, 8);
		fputs(cli_colour(cli, CLI_PLAIN), out);
		print_count(out, n[COMPARE_GIVEN], 8);
		print_count(out, n[COMPARE_UNPREDICTED], 8);
		print_count(out, n[COMPARE_NOT_IN_LOG], 11);
		fputc('\n', out);
	}
}

static void print_verdict(struct cli *cli, const struct comparison *c)
{
	FILE *out = cli_out(cli);
	uint32_t differ = comparison_differences(c), given = c->total[COMPARE_GIVEN];
	uint32_t agree = c->total[COMPARE_AGREE] + given, unknown = c->total[COMPARE_UNPREDICTED];

	fprintf(out, "\n%s", cli_colour(cli, differ ? CLI_BAD : CLI_GOOD));
	if (differ)
		fprintf(out, "%" PRIu32 " of %" PRIu32 " facts differ", differ, differ + agree);
	else
		fprintf(out, "%" PRIu32 " facts agree", agree);
	fputs(cli_colour(cli, CLI_PLAIN), out);
	if (given)
		fprintf(out, ", %" PRIu32 " of them with something given", given);
	if (unknown)
		fprintf(out, ", %" PRIu32 " cannot be told", unknown);
	fputs(".\n", out);
}

static void print_report(struct cli *cli, const struct booted *b, const struct comparison *c)
{
	FILE *out = cli_out(cli);
	bool all = cli_has(cli, "all"), first = true;

	booted_print(cli, b);
	print_table(cli, c);
	for (uint32_t i = 0; i < c->count; i++) {
		const struct compare_row *row = &c->rows[i];

		if (!all && !compare_is_difference(row->verdict))
			continue;
		if (first)
			fputc('\n', out);
		first = false;
		print_row(cli, b, row, all);
	}
	print_verdict(cli, c);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void json_text(struct json *j, const char *key, const struct booted *b,
		      const struct answers *as, const struct answer *a)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);

	if (!a) {
		json_key_null(j, key);
		return;
	}
	answer_text_value(&b->text, as, a, &sink);
	json_key_string(j, key, sink_text_string(&text));
	sink_text_deinit(&text);
}

static void json_row(struct json *j, const struct booted *b, const struct compare_row *row)
{
	static const char *const bases[] = { "predicted", "given", "underivable" };
	const struct answer *a = row_answer(row), *model = row->model;
	bool known = model && model->basis != BASIS_UNDERIVABLE;
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);

	json_object_begin(j);
	json_key_string(j, "kind", answer_kind_name(row->kind));
	answer_text_key(&b->text, a, &sink);
	json_key_string(j, "key", sink_text_string(&text));
	sink_text_deinit(&text);
	if (a->nid >= 0)
		json_key_i64(j, "nid", a->nid);
	json_key_string(j, "verdict", compare_verdict_name(row->verdict));
	json_key_string(j, "where",
			!row->recorded		? "nowhere"
			: picture_of(row->kind) ? picture_of(row->kind)
						: "log");
	if (row->recorded && row->recorded->line)
		json_key_u64(j, "line", row->recorded->line);
	json_text(j, "recorded", b, &b->log.recorded, row->recorded);
	json_text(j, "model", b, &b->m.answers, known ? model : NULL);
	if (model)
		json_key_string(j, "basis", bases[model->basis]);
	else
		json_key_null(j, "basis");
	if (model && model->reason)
		json_key_string(j, "reason", model->reason);
	json_object_end(j);
}

static void json_counts(struct json *j, const uint32_t counts[COMPARE_VERDICT_COUNT])
{
	for (unsigned int v = 0; v < COMPARE_VERDICT_COUNT; v++)
		json_key_u64(j, compare_verdict_name((enum compare_verdict)v), counts[v]);
}

static void print_json(struct cli *cli, const struct booted *b, const struct comparison *c)
{
	struct json j;

	cli_json_begin(cli, &j, 1);
	booted_json(&j, b);
	json_key_object_begin(&j, "counts");
	json_counts(&j, c->total);
	json_object_end(&j);
	json_key_array_begin(&j, "kinds");
	for (unsigned int k = 0; k < ANSWER_KIND_COUNT; k++) {
		uint32_t any = 0;

		for (unsigned int v = 0; v < COMPARE_VERDICT_COUNT; v++)
			any |= c->counts[k][v];
		if (!any)
			continue;
		json_object_begin(&j);
		json_key_string(&j, "kind", answer_kind_name((enum answer_kind)k));
		json_counts(&j, c->counts[k]);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_key_array_begin(&j, "facts");
	for (uint32_t i = 0; i < c->count; i++)
		json_row(&j, b, &c->rows[i]);
	json_array_end(&j);
	json_object_end(&j);
	json_deinit(&j);
}

/* Nothing was found: where reading went astray is the best hint there is. */
static enum cli_exit fail_empty(struct cli *cli, const struct booted *b)
{
	if (!b->log.unknown_line)
		return cli_fail(cli, "'%s' tells nothing that could be checked", b->path);
	return cli_fail_error(
		cli,
		error_create(ERROR_FORMAT, strcmp(b->path, "-") ? b->path : "<stdin>",
			     b->log.unknown_line, b->log.unknown_column,
			     "this line is the first that is not understood, and no other tells "
			     "anything that could be checked"));
}

static enum cli_exit run(struct cli *cli)
{
	struct comparison c = { 0 };
	struct booted b = { 0 };
	enum cli_exit code = booted_read(cli, STAGE_LATE, false, &b);

	if (code == CLI_OK && !b.log.recorded.count)
		code = fail_empty(cli, &b);
	if (code == CLI_OK && !compare_answers(&b.log.recorded, &b.m.answers, &c))
		code = cli_fail_error(cli, error_no_memory());
	if (code == CLI_OK) {
		if (cli_has(cli, "json"))
			print_json(cli, &b, &c);
		else
			print_report(cli, &b, &c);
		if (comparison_differences(&c))
			code = CLI_FINDING;
	}
	comparison_deinit(&c);
	booted_deinit(&b);
	return code;
}

const struct command command_check = {
	.name = "check",
	.summary = "compare the model's answers with what a kernel recorded",
	.description =
		"Boots the machine a capture or a boot log describes and compares each decision, from "
		"memblock to the watermarks, with what the kernel printed about it.\n"
		"\n"
		"A table counts the facts by kind. 'given' agrees too, but took something from the "
		"log's own answers because no input tells it; 'unknown' cannot be derived from this "
		"source, and says why; 'not in log' is what the model decides and the log does not "
		"tell, which contradicts nothing, as logs are cut short. After the table comes every "
		"difference, with the line it was read from, and last one line of verdict.\n"
		"\n"
		"A folder may hold, beside dmesg.txt, firmware tables (SRAT.aml, SLIT.aml), the "
		"kernel's configuration and pictures of /proc: they add inputs and facts to check.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.finding = "something differs",
	.run = run,
};
