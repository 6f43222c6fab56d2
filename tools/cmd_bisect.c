/* SPDX-License-Identifier: MIT */
/* mmreplay bisect: the one event, fact, kernel or commit that makes the difference. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/event_words.h"
#include "tools/fact_text.h"
#include "tools/git_bisect.h"
#include "tools/suspect.h"
#include "tools/text.h"
#include "traces/bisect.h"

static const struct cli_argument arguments[] = { CLI_ARGUMENT_SRC, { 0 } };

enum over { OVER_EVENTS, OVER_FACTS, OVER_ERAS, OVER_GIT };
static const char *const overs[] = { "events", "facts", "eras", "git", NULL };

static const struct cli_option options[] = {
	SUSPECT_OPTION_FAILS,
	{ .name = "over",
	  .kind = CLI_KIND_CHOICE,
	  .value = "WHAT",
	  .choices = overs,
	  .help = "what to search: the events of the trace, the facts in which two kernels differ, "
		  "kernel versions, or the history of this program" },
	{ .name = "good",
	  .kind = CLI_KIND_TEXT,
	  .value = "END",
	  .help = "where it does not fail: an era or version, 'recorded', either with facts behind it "
		  "(6.1,FACT=VALUE); a revision with --over git" },
	{ .name = "bad", .kind = CLI_KIND_TEXT, .value = "END", .help = "where it fails" },
	SUSPECT_OPTION_TRACE,
	CLI_OPTION_ERA,
	CLI_OPTION_SET,
	{ .name = "repository",
	  .kind = CLI_KIND_FILE,
	  .value = "FOLDER",
	  .help = "--over git: whose history (the folder we are in); nothing in it is changed" },
	{ .name = "cache",
	  .kind = CLI_KIND_FILE,
	  .value = "FOLDER",
	  .help = "--over git: where builds are kept, by revision (~/.cache/mmreplay/builds)" },
	{ .name = "build",
	  .kind = CLI_KIND_TEXT,
	  .value = "COMMAND",
	  .help = "--over git: what builds a revision, in its top folder, and leaves the program at "
		  "$MMREPLAY_OUT; the default is Bazel" },
	CLI_OPTION_JSON,
	CLI_OPTION_OUTPUT,
	{ 0 }
};

static const struct cli_example examples[] = {
	{ "mmreplay bisect SRC --over events --fails diverges",
	  "where the model first goes astray" },
	{ "mmreplay bisect SRC --over facts --bad 5.10 --fails 'boot-differs(zoneinfo)'",
	  "what made zones and their page sets other ones" },
	{ "mmreplay bisect SRC --over eras --fails 'alloc-fails(order=4) > 10'",
	  "which kernels fail, and since which change" },
	{ "mmreplay bisect SRC --over git --good v1.0 --bad HEAD --fails diverges",
	  "the commit of this program that broke a replay" },
	{ 0 }
};

struct hunt {
	struct cli *cli;
	struct subject_file file;
	struct predicate *predicate;
	struct bisector b;
	struct bisect_row rows[2]; /* good, bad */
	struct json j;
};

enum { GOOD, BAD };

static void show_progress(void *ctx, uint64_t tests)
{
	const struct hunt *h = ctx;

	cli_progress(h->cli, "%" PRIu64 " tests", tests);
}

/* ---- ends -------------------------------------------------------------------------------------- */

static enum cli_exit refuse(struct cli *cli, const struct bisect_ends *ends)
{
	const char *p = cli_text(cli, "fails");

	if (ends->good.verdict == VERDICT_UNKNOWN)
		return cli_fail(cli, "of the good end '%s' cannot be told: %s", p, ends->good.why);
	if (ends->bad.verdict == VERDICT_UNKNOWN)
		return cli_fail(cli, "of the bad end '%s' cannot be told: %s", p, ends->bad.why);
	if (ends->good.verdict == VERDICT_BAD && ends->bad.verdict == VERDICT_BAD)
		return cli_fail(cli, "'%s' holds on both ends, so there is nothing to find (%s)", p,
				ends->good.why);
	if (ends->good.verdict == VERDICT_GOOD && ends->bad.verdict == VERDICT_GOOD)
		return cli_fail(cli, "'%s' holds on neither end, so there is nothing to find (%s)",
				p, ends->bad.why);
	return cli_fail(cli,
			"'%s' holds on the good end (%s) and not on the bad one: the two are "
			"the wrong way round",
			p, ends->good.why);
}

/* "5.10", "recorded", "5.10,FACT=VALUE,FACT=VALUE" */
static enum cli_exit read_row(struct hunt *h, const char *option, struct bisect_row *ret)
{
	const struct subject *s = &h->file.subject;
	const char *text = cli_text(h->cli, option), *p;
	char one[128];
	size_t len;

	ret->version = 0;
	ret->facts = s->log.input.facts;
	if (!text)
		return CLI_OK;
	len = strcspn(text, ",");
	if (len >= sizeof(one))
		return cli_fail_usage(h->cli, "--%s: that is no kernel", option);
	memcpy(one, text, len);
	one[len] = '\0';
	if (strcmp(one, "recorded") != 0) {
		if (!facts_parse_version(one, &ret->version))
			return cli_fail_usage(
				h->cli, "--%s: '%s' is neither a kernel version nor 'recorded'",
				option, one);
		facts_init(&ret->facts, ret->version);
	}
	for (p = text + len; *p; p += len) {
		const char *wrong;

		p++;
		len = strcspn(p, ",");
		if (len >= sizeof(one))
			return cli_fail_usage(h->cli, "--%s: that is no fact", option);
		memcpy(one, p, len);
		one[len] = '\0';
		wrong = facts_set(&ret->facts, one);
		if (wrong)
			return cli_fail_usage(h->cli, "--%s: '%s': %s", option, one, wrong);
	}
	return CLI_OK;
}

static const char *row_name(const struct hunt *h, const struct bisect_row *row, char *buf,
			    size_t size)
{
	char version[FACT_TEXT_SIZE];
	struct facts own = h->file.subject.log.input.facts;

	if (row->version)
		facts_init(&own, row->version);
	fact_text_version(version, row->version ? row->version : h->file.subject.log.input.version);
	snprintf(buf, size, "%s%s%s", version, row->version ? "" : " as recorded",
		 memcmp(&own, &row->facts, sizeof(own)) ? ", with facts of its own" : "");
	return buf;
}

/* ---- words ------------------------------------------------------------------------------------- */

static void print_wrapped(FILE *out, const char *label, const char *text)
{
	size_t len = strlen(text);

	fprintf(out, "%-14s", label);
	if (len <= TEXT_COLUMNS - 14)
		fprintf(out, "%s\n", text);
	else
		text_wrap_paragraph(out, 14, 14, TEXT_COLUMNS, text, len);
}

static void print_head(struct hunt *h)
{
	FILE *out = cli_out(h->cli);

	fprintf(out, "%-14s", "source");
	text_print_safe(out, cli_argument(h->cli, 0));
	fputc('\n', out);
	print_wrapped(out, "fails", cli_text(h->cli, "fails"));
}

static void print_end(struct hunt *h, const char *label, const char *name,
		      const struct judgement *j)
{
	char text[512];

	snprintf(text, sizeof(text), "%s: %s", name, j->why);
	print_wrapped(cli_out(h->cli), label, text);
}

static void print_tests(struct hunt *h)
{
	fprintf(cli_out(h->cli), "%" PRIu64 " tests\n", h->b.tests);
}

static void json_head(struct hunt *h)
{
	cli_json_begin(h->cli, &h->j, 1);
	json_key_string(&h->j, "source", cli_argument(h->cli, 0));
	json_key_string(&h->j, "fails", cli_text(h->cli, "fails"));
	json_key_string(&h->j, "over", cli_text(h->cli, "over"));
}

static void json_judgement(struct json *j, const char *key, const struct judgement *judgement)
{
	json_key_object_begin(j, key);
	json_key_string(j, "verdict", verdict_name(judgement->verdict));
	json_key_string(j, "why", judgement->why);
	json_object_end(j);
}

static void json_tail(struct hunt *h, bool sure)
{
	json_key_bool(&h->j, "sure", sure);
	json_key_u64(&h->j, "tests", h->b.tests);
	json_object_end(&h->j);
	json_deinit(&h->j);
}

/* ---- events ------------------------------------------------------------------------------------ */

static void print_event(FILE *out, const struct subject *s, const struct event *e)
{
	fprintf(out, "  line %" PRIu64 ", cpu %u, ", e->line, (unsigned int)e->cpu);
	event_words_print(out, e, e->text < s->string_count ? s->strings[e->text] : "");
	fputc('\n', out);
}

static void print_events(struct hunt *h, const struct bisect_events *found)
{
	const char *what = found->operations ? "operation" : "event";
	FILE *out = cli_out(h->cli);
	char name[64];

	print_head(h);
	snprintf(name, sizeof(name), "%" PRIu32 " %ss", found->good, what);
	print_end(h, "last good", name, &found->at_good);
	snprintf(name, sizeof(name), "%" PRIu32 " %ss", found->bad, what);
	print_end(h, "first bad", name, &found->at_bad);
	fprintf(out, "\n%s%s %" PRIu32 " makes the difference.%s\n", cli_colour(h->cli, CLI_BAD),
		found->operations ? "Operation" : "Event", found->bad - 1,
		cli_colour(h->cli, CLI_PLAIN));
	if (found->operations)
		fprintf(out, "  %s\n",
			operation_name(h->file.subject.operations[found->bad - 1].kind));
	else
		print_event(out, &h->file.subject, &h->file.subject.events[found->bad - 1]);
	fputc('\n', out);
	if (found->bad == found->good + 1)
		text_wrap(
			out, 0, 0,
			"Sure: without it what comes before is good, with it bad; both were tried. "
			"Elsewhere the verdict may change again.");
	else
		fprintf(out,
			"Or one of the %" PRIu32 " before it: of %" PRIu32
			" of them it cannot be told.\n",
			found->bad - found->good - 1, found->unknown);
	print_tests(h);
}

static enum cli_exit over_events(struct hunt *h)
{
	struct bisect_events found;
	struct error *err;

	if (cli_has(h->cli, "good") || cli_has(h->cli, "bad"))
		return cli_fail_usage(h->cli, "--over events has its ends in the trace: no event "
					      "is good, all are bad");
	if (!h->file.subject.event_count && !h->file.subject.operation_count)
		return cli_fail_usage(h->cli, "'%s' has no events: give --trace FILE",
				      cli_argument(h->cli, 0));
	err = bisect_events(&h->b, &found);
	cli_progress(h->cli, "%s", "");
	if (err)
		return cli_fail_error(h->cli, err);
	if (!bisect_ends_differ(&found.ends))
		return refuse(h->cli, &found.ends);
	if (cli_has(h->cli, "json")) {
		json_head(h);
		json_key_u64(&h->j, found.operations ? "good_operations" : "good_events",
			     found.good);
		json_key_u64(&h->j, found.operations ? "bad_operations" : "bad_events", found.bad);
		json_key_u64(&h->j, found.operations ? "operation" : "event", found.bad - 1);
		if (!found.operations)
			json_key_u64(&h->j, "line", h->file.subject.events[found.bad - 1].line);
		json_judgement(&h->j, "good", &found.at_good);
		json_judgement(&h->j, "bad", &found.at_bad);
		json_tail(h, found.bad == found.good + 1);
	} else {
		print_events(h, &found);
	}
	return found.bad == found.good + 1 ? CLI_OK : CLI_FINDING;
}

/* ---- facts ------------------------------------------------------------------------------------- */

/* Since when a row has its value, and by what evidence; NULL: it was set, by the user or by the log. */
static const struct fact_change *entry_of(const struct hunt *h, const struct bisect_row *row,
					  enum fact f)
{
	uint32_t version = row->version ? row->version : h->file.subject.log.input.version;
	const struct fact_change *change = fact_change_at(f, version);

	return change->value == row->facts.v[f] ? change : NULL;
}

static void print_value(struct hunt *h, const char *label, const struct bisect_row *row,
			enum fact f)
{
	const struct fact_change *change = entry_of(h, row, f);
	char value[FACT_TEXT_SIZE], since[FACT_TEXT_SIZE], text[512];

	fact_text_value(value, fact_info(f)->kind, row->facts.v[f]);
	if (!change)
		snprintf(text, sizeof(text), "%s, which is not what its version has", value);
	else if (change->since)
		snprintf(text, sizeof(text), "%s, since %s: %s", value,
			 fact_text_version(since, change->since), change->citation);
	else
		snprintf(text, sizeof(text), "%s: %s", value, change->citation);
	fprintf(cli_out(h->cli), "    %-6s", label);
	text_wrap(cli_out(h->cli), 10, 10, text);
}

static void print_cause(struct hunt *h, const struct bisect_row rows[2],
			const struct bisect_cause *cause, bool first)
{
	FILE *out = cli_out(h->cli);

	fprintf(out, "\n%s", cli_colour(h->cli, CLI_BAD));
	if (cause->count == 1)
		fputs(first ? "The cause is one fact." : "Another cause is one fact.", out);
	else
		fprintf(out, "%s %" PRIu32 " facts, which only fail together.",
			first ? "The cause is" : "Another cause is", cause->count);
	fprintf(out, "%s\n", cli_colour(h->cli, CLI_PLAIN));
	for (uint32_t i = 0; i < cause->count; i++) {
		const struct fact_info *info = fact_info(cause->facts[i]);

		fprintf(out, "  %s%s%s\n    ", cli_colour(h->cli, CLI_BOLD), info->name,
			cli_colour(h->cli, CLI_PLAIN));
		text_wrap(out, 4, 4, info->meaning);
		print_value(h, "good", &rows[GOOD], cause->facts[i]);
		print_value(h, "bad", &rows[BAD], cause->facts[i]);
	}
	print_wrapped(out, "  it alone", cause->alone.why);
	print_wrapped(out, cause->reverted.verdict == VERDICT_BAD ? "  still bad" : "  without",
		      cause->reverted.why);
}

static void print_facts(struct hunt *h, const struct bisect_row rows[2],
			const struct bisect_facts *found)
{
	FILE *out = cli_out(h->cli);

	fprintf(out, "%" PRIu32 " facts differ between them.\n", found->differ);
	for (uint32_t i = 0; i < found->count; i++)
		print_cause(h, rows, &found->causes[i], i == 0);
	fputc('\n', out);
	if (found->more)
		text_wrap(out, 0, 0,
			  "There is more to it: without these facts the bad end still fails, or "
			  "cannot be told.");
	else if (found->count == 1)
		text_wrap(out, 0, 0,
			  "Sure: with this alone the good end fails, with less it does not, and "
			  "without it the bad end does not fail.");
	else
		text_wrap(out, 0, 0,
			  "Sure: each of these alone makes the good end fail, with less of it it "
			  "does not, and without all of them the bad end does not fail.");
}

static void json_value(struct json *j, const char *key, const struct hunt *h,
		       const struct bisect_row *row, enum fact f)
{
	const struct fact_change *change = entry_of(h, row, f);
	char text[FACT_TEXT_SIZE];

	json_key_object_begin(j, key);
	json_key_string(j, "value", fact_text_value(text, fact_info(f)->kind, row->facts.v[f]));
	if (change) {
		json_key_string(j, "since", fact_text_version(text, change->since));
		json_key_string(j, "citation", change->citation);
	}
	json_object_end(j);
}

static void json_facts(struct hunt *h, const struct bisect_row rows[2],
		       const struct bisect_facts *found)
{
	json_key_u64(&h->j, "facts_differ", found->differ);
	json_key_array_begin(&h->j, "causes");
	for (uint32_t i = 0; i < found->count; i++) {
		const struct bisect_cause *cause = &found->causes[i];

		json_object_begin(&h->j);
		json_key_array_begin(&h->j, "facts");
		for (uint32_t k = 0; k < cause->count; k++) {
			json_object_begin(&h->j);
			json_key_string(&h->j, "name", fact_info(cause->facts[k])->name);
			json_value(&h->j, "good", h, &rows[GOOD], cause->facts[k]);
			json_value(&h->j, "bad", h, &rows[BAD], cause->facts[k]);
			json_object_end(&h->j);
		}
		json_array_end(&h->j);
		json_judgement(&h->j, "alone", &cause->alone);
		json_judgement(&h->j, "without", &cause->reverted);
		json_object_end(&h->j);
	}
	json_array_end(&h->j);
}

static enum cli_exit over_facts(struct hunt *h)
{
	struct bisect_facts found;
	enum cli_exit code;
	struct error *err;
	char name[96];

	if (!cli_has(h->cli, "good") && !cli_has(h->cli, "bad"))
		return cli_fail_usage(h->cli, "--over facts needs --good or --bad, or both; the "
					      "other end is the kernel that was recorded");
	code = read_row(h, "good", &h->rows[GOOD]);
	if (code == CLI_OK)
		code = read_row(h, "bad", &h->rows[BAD]);
	if (code != CLI_OK)
		return code;
	err = bisect_facts(&h->b, &h->rows[GOOD], &h->rows[BAD], &found);
	cli_progress(h->cli, "%s", "");
	if (err)
		code = cli_fail_error(h->cli, err);
	else if (!bisect_ends_differ(&found.ends))
		code = refuse(h->cli, &found.ends);
	else if (cli_has(h->cli, "json")) {
		json_head(h);
		json_judgement(&h->j, "good", &found.ends.good);
		json_judgement(&h->j, "bad", &found.ends.bad);
		json_facts(h, h->rows, &found);
		json_tail(h, !found.more);
	} else {
		print_head(h);
		print_end(h, "good", row_name(h, &h->rows[GOOD], name, sizeof(name)),
			  &found.ends.good);
		print_end(h, "bad", row_name(h, &h->rows[BAD], name, sizeof(name)),
			  &found.ends.bad);
		print_facts(h, h->rows, &found);
		print_tests(h);
	}
	if (code == CLI_OK && found.more)
		code = CLI_FINDING;
	bisect_facts_deinit(&found);
	return code;
}

/* ---- eras -------------------------------------------------------------------------------------- */

static struct bisect_row row_of(uint32_t version)
{
	struct bisect_row row = { .version = version };

	facts_init(&row.facts, version);
	return row;
}

/* One change of the verdict between two versions: the last good, the first bad, and the facts between. */
static enum cli_exit one_change(struct hunt *h, uint32_t good, uint32_t bad, bool *sure)
{
	FILE *out = cli_out(h->cli);
	struct bisect_facts facts = { 0 };
	struct bisect_versions v;
	struct error *err = bisect_versions(&h->b, good, bad, &v);
	struct bisect_row rows[2];
	char name[FACT_TEXT_SIZE];

	if (!err && !bisect_ends_differ(&v.ends))
		return refuse(h->cli, &v.ends);
	rows[GOOD] = row_of(v.good);
	rows[BAD] = row_of(v.bad);
	if (!err)
		err = bisect_facts(&h->b, &rows[GOOD], &rows[BAD], &facts);
	cli_progress(h->cli, "%s", "");
	if (err) {
		bisect_facts_deinit(&facts);
		return cli_fail_error(h->cli, err);
	}
	*sure &= !v.unknown && !facts.more;
	if (cli_has(h->cli, "json")) {
		json_object_begin(&h->j);
		json_key_string(&h->j, "last_good", fact_text_version(name, v.good));
		json_key_string(&h->j, "first_bad", fact_text_version(name, v.bad));
		json_key_u64(&h->j, "unknown_between", v.unknown);
		json_judgement(&h->j, "good", &v.at_good);
		json_judgement(&h->j, "bad", &v.at_bad);
		json_facts(h, rows, &facts);
		json_object_end(&h->j);
	} else {
		fputc('\n', out);
		print_end(h, "last good", fact_text_version(name, v.good), &v.at_good);
		print_end(h, "first bad", fact_text_version(name, v.bad), &v.at_bad);
		if (v.unknown)
			fprintf(out, "%" PRIu32 " versions between them cannot be told.\n",
				v.unknown);
		print_facts(h, rows, &facts);
	}
	bisect_facts_deinit(&facts);
	return CLI_OK;
}

/* Every era is asked; each change from one to the next is looked into. */
static enum cli_exit all_eras(struct hunt *h)
{
	struct judgement *js = calloc(era_count, sizeof(*js));
	bool json = cli_has(h->cli, "json"), sure = true, change = false;
	enum cli_exit code = CLI_OK;
	struct error *err = NULL;
	unsigned int last = UINT32_MAX;

	if (!js)
		return cli_fail_error(h->cli, error_no_memory());
	for (unsigned int i = 0; !err && i < era_count; i++) {
		struct bisect_row row = row_of(eras[i].version);
		struct subject s = bisect_subject(&h->b, &row);

		err = bisect_try(&h->b, &s, &js[i]);
		change |= !err && js[i].verdict != VERDICT_UNKNOWN && last != UINT32_MAX &&
			  js[i].verdict != js[last].verdict;
		if (!err && js[i].verdict != VERDICT_UNKNOWN)
			last = i;
	}
	cli_progress(h->cli, "%s", "");
	if (err) {
		free(js);
		return cli_fail_error(h->cli, err);
	}
	if (!change) {
		code = last == UINT32_MAX
			       ? cli_fail(h->cli, "'%s' cannot be told of any era: %s",
					  cli_text(h->cli, "fails"), js[0].why)
			       : cli_fail(h->cli,
					  "'%s' holds on %s, so there is nothing to find (%s)",
					  cli_text(h->cli, "fails"),
					  js[last].verdict == VERDICT_BAD ? "every era" : "no era",
					  js[last].why);
		free(js);
		return code;
	}
	if (json) {
		json_head(h);
		json_key_object_begin(&h->j, "eras");
		for (unsigned int i = 0; i < era_count; i++)
			json_judgement(&h->j, eras[i].name, &js[i]);
		json_object_end(&h->j);
		json_key_array_begin(&h->j, "changes");
	} else {
		print_head(h);
		for (unsigned int i = 0; i < era_count; i++) {
			char name[64];

			snprintf(name, sizeof(name), "%s: %s", eras[i].name,
				 verdict_name(js[i].verdict));
			print_end(h, i ? "" : "eras", name, &js[i]);
		}
	}
	last = UINT32_MAX;
	for (unsigned int i = 0; code == CLI_OK && i < era_count; i++) {
		if (js[i].verdict == VERDICT_UNKNOWN)
			continue;
		if (last != UINT32_MAX && js[i].verdict != js[last].verdict) {
			bool forwards = js[i].verdict == VERDICT_BAD;

			code = one_change(h, eras[forwards ? last : i].version,
					  eras[forwards ? i : last].version, &sure);
		}
		last = i;
	}
	free(js);
	if (json) {
		json_array_end(&h->j);
		json_tail(h, sure);
	} else if (code == CLI_OK) {
		print_tests(h);
	}
	return code == CLI_OK && !sure ? CLI_FINDING : code;
}

static enum cli_exit over_eras(struct hunt *h)
{
	const char *const ends[] = { cli_text(h->cli, "good"), cli_text(h->cli, "bad") };
	uint32_t versions[2];
	enum cli_exit code;
	bool sure = true;

	if (!ends[GOOD] && !ends[BAD])
		return all_eras(h);
	for (unsigned int i = 0; i < 2; i++) {
		if (!ends[i])
			return cli_fail_usage(h->cli, "--over eras takes both --good and --bad, or "
						      "neither");
		if (strchr(ends[i], ',') || !facts_parse_version(ends[i], &versions[i]))
			return cli_fail_usage(h->cli, "'%s' is no kernel version", ends[i]);
	}
	if (cli_has(h->cli, "json")) {
		struct bisect_versions v;
		struct error *err = bisect_versions(&h->b, versions[GOOD], versions[BAD], &v);

		/* Nothing may be written before it is known that the ends differ. */
		if (err)
			return cli_fail_error(h->cli, err);
		if (!bisect_ends_differ(&v.ends))
			return refuse(h->cli, &v.ends);
		json_head(h);
		json_key_array_begin(&h->j, "changes");
	} else {
		print_head(h);
	}
	code = one_change(h, versions[GOOD], versions[BAD], &sure);
	if (cli_has(h->cli, "json")) {
		json_array_end(&h->j);
		json_tail(h, sure);
	} else if (code == CLI_OK) {
		print_tests(h);
	}
	return code == CLI_OK && !sure ? CLI_FINDING : code;
}

/* ---- git --------------------------------------------------------------------------------------- */

/* Subjects of commits, which may hold anything, one a line. */
static void print_lines(FILE *out, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		char line[512];

		snprintf(line, sizeof(line), "%.*s", (int)(len < 500 ? len : 500), text);
		fputs("  ", out);
		text_print_safe(out, line);
		fputc('\n', out);
		text += len + (text[len] == '\n');
	}
}

static void print_git(struct hunt *h, const struct git_bisected *found)
{
	FILE *out = cli_out(h->cli);

	print_head(h);
	print_wrapped(out, "good", found->good);
	print_wrapped(out, "bad", found->bad);
	fprintf(out, "\n%s%s%s\n", cli_colour(h->cli, CLI_BAD),
		found->candidates ? "One of these commits makes the difference:"
				  : "This commit makes the difference:",
		cli_colour(h->cli, CLI_PLAIN));
	print_lines(out, found->culprit);
	fputc('\n', out);
	if (found->candidates)
		fputs("Not sure which: the others between them do not build, or cannot be told.\n",
		      out);
	else
		fputs("Sure: it was tested and is bad, and what lies before it is good.\n", out);
	fprintf(out,
		"%" PRIu32 " revisions tested, %" PRIu32 " built for it, %" PRIu32
		" could not be told\n",
		found->tested, found->built, found->skipped);
}

static void json_git(struct hunt *h, const struct git_bisected *found)
{
	json_head(h);
	json_key_string(&h->j, "good", found->good);
	json_key_string(&h->j, "bad", found->bad);
	json_key_string(&h->j, found->candidates ? "candidates" : "culprit", found->culprit);
	json_key_u64(&h->j, "built", found->built);
	json_key_u64(&h->j, "skipped", found->skipped);
	h->b.tests = found->tested;
	json_tail(h, !found->candidates);
}

static enum cli_exit over_git(struct hunt *h)
{
	struct git_bisect_options how = {
		.repository = cli_text(h->cli, "repository"),
		.cache = cli_text(h->cli, "cache"),
		.build = cli_text(h->cli, "build"),
		.good = cli_text(h->cli, "good"),
		.bad = cli_text(h->cli, "bad"),
		.source = cli_argument(h->cli, 0),
		.trace = cli_text(h->cli, "trace"),
		.fails = cli_text(h->cli, "fails"),
	};
	struct git_bisected found = { 0 };
	enum cli_exit code = CLI_OK;
	struct error *err;

	if (!how.good || !how.bad)
		return cli_fail_usage(h->cli, "--over git needs --good and --bad, two revisions");
	if (!strcmp(how.source, "-") || (how.trace && !strcmp(how.trace, "-")))
		return cli_fail_usage(h->cli, "--over git reads its files often: they cannot be "
					      "standard input");
	if (cli_has(h->cli, "era") || cli_has(h->cli, "set"))
		return cli_fail_usage(h->cli, "--over git takes no --era and no --set");
	err = git_bisect(&how, &found);
	if (err)
		code = cli_fail_error(h->cli, err);
	else if (cli_has(h->cli, "json"))
		json_git(h, &found);
	else
		print_git(h, &found);
	if (code == CLI_OK && found.candidates)
		code = CLI_FINDING;
	git_bisected_deinit(&found);
	return code;
}

/* ------------------------------------------------------------------------------------------------ */

static enum cli_exit run(struct cli *cli)
{
	enum over over = (enum over)cli_choice(cli, "over", UINT32_MAX);
	struct hunt *h;
	enum cli_exit code;

	if (!cli_has(cli, "over"))
		return cli_fail_usage(cli, "--over is missing: events, facts, eras or git");
	h = calloc(1, sizeof(*h));
	if (!h)
		return cli_fail_error(cli, error_no_memory());
	h->cli = cli;
	code = suspect_predicate(cli, &h->predicate);
	/* Each revision reads its files by itself. */
	if (code == CLI_OK && over != OVER_GIT)
		code = suspect_read(cli, &h->file);
	h->b = (struct bisector){ .predicate = h->predicate,
				  .subject = &h->file.subject,
				  .progress = show_progress,
				  .ctx = h };
	if (code == CLI_OK)
		code = over == OVER_EVENTS  ? over_events(h)
		       : over == OVER_FACTS ? over_facts(h)
		       : over == OVER_ERAS  ? over_eras(h)
					    : over_git(h);
	predicate_destroy(h->predicate);
	subject_file_deinit(&h->file);
	free(h);
	return code;
}

const struct command command_bisect = {
	.name = "bisect",
	.summary = "find the event, fact, kernel or commit that makes a trace fail",
	.description =
		"Asks a predicate of a source and its trace again and again, and finds what makes the "
		"difference between good (it does not hold) and bad (it holds). Both ends are asked "
		"first, and refused if they do not differ.\n"
		"\n"
		"--over events finds the event with which the trace, or the operation with which a "
		"scenario, is bad. --over facts finds "
		"which of the facts that differ between two kernels flips the outcome, also where "
		"several only do so together, and goes on for as long as there are other causes; it "
		"prints the change each comes from. --over eras asks every kernel era, or looks "
		"between --good and --bad, and names the last version that is good, the first that "
		"is bad, and the facts between them.\n"
		"\n"
		"--over git looks in the history of this program for the commit that made the "
		"difference. It drives 'git bisect run' in a copy of its own; each revision is built "
		"once and kept, and asked by its own 'mmreplay bisect-run'. One that does not build, "
		"or has no such command, is skipped; with --fails 'exit COMMAND' older ones can be "
		"asked, whose program COMMAND finds in $MMREPLAY.\n"
		"\n"
		"docs/BISECT.md tells what can be asked.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.finding = "found, but not for certain",
	.run = run,
};
