/* SPDX-License-Identifier: MIT */
/* mmreplay promote: a finding becomes a regression that every test run looks at. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/booted.h"
#include "tools/suspect.h"
#include "traces/reduce.h"
#include "traces/regression.h"

#define FOLDER "traces/regressions"

static const struct cli_argument arguments[] = {
	{ .value = "FINDING",
	  .kind = CLI_KIND_FILE,
	  .help = "a stored trace or scenario, or any other source, that shows it" },
	{ 0 }
};

static const struct cli_option options[] = {
	SUSPECT_OPTION_FAILS,
	{ .name = "about",
	  .kind = CLI_KIND_TEXT,
	  .value = "SENTENCE",
	  .help = "what went wrong, in a sentence" },
	{ .name = "fixed",
	  .kind = CLI_KIND_TEXT,
	  .value = "COMMIT",
	  .help = "the commit or fact that mended it, with its subject and version" },
	SUSPECT_OPTION_TRACE,
	CLI_OPTION_ERA,
	CLI_OPTION_SET,
	{ .name = "right",
	  .kind = CLI_KIND_SET,
	  .value = "FACT=VALUE",
	  .repeatable = true,
	  .help = "what is right, where FINDING itself has the fact wrong" },
	{ .name = "against",
	  .kind = CLI_KIND_ERA,
	  .value = "ERA",
	  .help = "a kernel that has it wrong: 'bisect --over facts' between the two must name "
		  "just the facts of --set" },
	{ .name = "name",
	  .kind = CLI_KIND_TEXT,
	  .value = "NAME",
	  .help = "what to call it; without it, the name of FINDING" },
	{ .name = "into",
	  .kind = CLI_KIND_FILE,
	  .value = "FOLDER",
	  .help = "the folder of regressions, instead of " FOLDER },
	{ 0 }
};

static const struct cli_example examples[] = {
	{ "mmreplay promote SRC --fails boot-differs --era 5.10 --about ... --fixed ...",
	  "what another kernel has otherwise" },
	{ "mmreplay promote found.mmtrace --fails invariant:ID --about ... --fixed ...",
	  "a bug of our own, found by a fuzzer and mended" },
	{ 0 }
};

struct promotion {
	struct cli *cli;
	struct subject_file file;
	struct facts right, wrong;
	uint32_t right_version;
	bool has_wrong;
	char name[128], wrong_text[1024];
	const char *folder;
};

/* "a-b.mmtrace" below some folder is called a-b. */
static enum cli_exit choose_name(struct promotion *p)
{
	const char *given = cli_text(p->cli, "name"), *path = cli_argument(p->cli, 0);
	const char *slash = strrchr(path, '/'), *from = given ? given : slash ? slash + 1 : path;
	size_t len = strcspn(from, ".");

	if (given)
		len = strlen(given);
	if (!len || len >= sizeof(p->name))
		return cli_fail_usage(p->cli, "'%s' gives no name: give --name NAME", path);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)from[i]) && !strchr("-_.", from[i]))
			return cli_fail_usage(p->cli,
					      "a name has letters, digits, '-', '_' and '.' alone: "
					      "give --name NAME");
	memcpy(p->name, from, len);
	p->name[len] = '\0';
	return CLI_OK;
}

/* The facts that differ, as "NAME=VALUE,...", or the era where there are many. */
static enum cli_exit describe_wrong(struct promotion *p)
{
	const char *era = cli_text(p->cli, "era");
	size_t len = 0;

	if (era && !cli_has(p->cli, "set") && !cli_has(p->cli, "right")) {
		snprintf(p->wrong_text, sizeof(p->wrong_text), "era %s", era);
		p->has_wrong = true;
		return CLI_OK;
	}
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		if (p->right.v[f] == p->wrong.v[f])
			continue;
		len += (size_t)snprintf(p->wrong_text + len, sizeof(p->wrong_text) - len,
					"%s%s=%" PRId64, len ? "," : "",
					fact_info((enum fact)f)->name, p->wrong.v[f]);
		if (len >= sizeof(p->wrong_text))
			return cli_fail_usage(p->cli, "too many facts are wrong: give those that "
						      "matter by --set, without --era");
		p->has_wrong = true;
	}
	if (!p->has_wrong && (era || cli_has(p->cli, "set")))
		return cli_fail(p->cli, "--era and --set make no other machine than '%s' has",
				cli_argument(p->cli, 0));
	return CLI_OK;
}

static enum cli_exit check_place(struct promotion *p)
{
	char path[4096];
	struct stat st;

	if (stat(p->folder, &st) || !S_ISDIR(st.st_mode))
		return cli_fail(p->cli, "there is no folder '%s': give --into FOLDER", p->folder);
	snprintf(path, sizeof(path), "%s/%s.txt", p->folder, p->name);
	if (!stat(path, &st))
		return cli_fail(p->cli, "there is a regression '%s' already: give --name NAME",
				path);
	return CLI_OK;
}

static enum cli_exit prepare(struct promotion *p)
{
	struct predicate *predicate = NULL;
	enum cli_exit code = suspect_predicate(p->cli, &predicate);

	predicate_destroy(predicate);
	if (code == CLI_OK && (!cli_text(p->cli, "about") || !cli_text(p->cli, "fixed")))
		code = cli_fail_usage(p->cli, "a regression wants --about SENTENCE and --fixed "
					      "COMMIT");
	if (code == CLI_OK)
		code = choose_name(p);
	if (code == CLI_OK)
		code = check_place(p);
	if (code == CLI_OK)
		code = suspect_read(p->cli, &p->file);
	if (code != CLI_OK)
		return code;
	p->wrong = p->file.subject.log.input.facts;
	p->right = p->file.subject.traced_facts;
	p->right_version = p->file.log.input.version;
	for (unsigned int i = 0; cli_text_at(p->cli, "right", i); i++)
		facts_set(&p->right, cli_text_at(p->cli, "right", i));
	return describe_wrong(p);
}

/* ---- the two files ------------------------------------------------------------------------------- */

static enum cli_exit write_both(struct promotion *p, const struct subject *s,
				const struct regression *r)
{
	char path[4096];
	struct sink sink;
	enum cli_exit code;
	struct error *err;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.mmtrace", p->folder, p->name);
	code = cli_open_file(p->cli, path, &file);
	if (code != CLI_OK)
		return code;
	err = subject_write(s, cli_argument(p->cli, 0), sink_to_file(file));
	if (err)
		return cli_fail_error(p->cli, err);
	snprintf(path, sizeof(path), "%s/%s.txt", p->folder, p->name);
	code = cli_open_output(p->cli, path);
	if (code != CLI_OK)
		return code;
	sink = sink_to_file(cli_out(p->cli));
	regression_write(r, &sink);
	return CLI_OK;
}

static enum cli_exit add(struct promotion *p, const struct subject *smallest)
{
	struct subject s = *smallest;
	char sentence[512] = "";
	char *from = strdup(cli_argument(p->cli, 0)), *slash;
	struct regression r = { .about = (char *)cli_text(p->cli, "about"),
				.fails = (char *)cli_text(p->cli, "fails"),
				.wrong = p->has_wrong ? p->wrong_text : NULL,
				.against = (char *)cli_text(p->cli, "against"),
				.fixed = (char *)cli_text(p->cli, "fixed"),
				.from = from };
	struct error *err;
	enum cli_exit code;

	/* The folder's or file's own name. */
	while (from && from[1] && from[strlen(from) - 1] == '/')
		from[strlen(from) - 1] = '\0';
	slash = from ? strrchr(from, '/') : NULL;
	if (slash && slash[1])
		r.from = slash + 1;
	s.log.input.version = p->right_version;
	subject_set_facts(&s, &p->right);
	err = from ? regression_check(&r, &s, sentence) : error_no_memory();
	if (err)
		code = cli_fail_error(p->cli, err);
	else if (sentence[0])
		code = cli_fail(p->cli, "%s", sentence);
	else
		code = write_both(p, &s, &r);
	if (code == CLI_OK)
		cli_note(p->cli,
			 "%s/%s: %" PRIu32 " events, %" PRIu32 " operations, %" PRIu32
			 " recorded answers",
			 p->folder, p->name, s.event_count, s.operation_count,
			 s.log.recorded.count);
	free(from);
	return code;
}

static enum cli_exit run(struct cli *cli)
{
	struct promotion p = { .cli = cli, .folder = cli_text(cli, "into") };
	struct reduced r = { 0 };
	struct error *err = NULL;
	enum cli_exit code;

	if (!p.folder)
		p.folder = FOLDER;
	code = prepare(&p);
	if (code == CLI_OK && p.has_wrong) {
		const struct reduce_options how = { .predicate = cli_text(cli, "fails"),
						    .good = &p.right };

		err = reduce(&p.file.subject, &how, &r);
	}
	if (err)
		code = cli_fail_error(cli, err);
	else if (code == CLI_OK)
		code = add(&p, p.has_wrong ? &r.subject : &p.file.subject);
	reduced_deinit(&r);
	subject_file_deinit(&p.file);
	return code;
}

const struct command command_promote = {
	.name = "promote",
	.summary = "keep a finding as a regression test, cut down to what matters",
	.description =
		"Adds a finding to the folder of regressions, which every test run replays: NAME.mmtrace, "
		"with the facts that are right, and NAME.txt, which says what it is about.\n"
		"\n"
		"--era and --set make the kernel that had it wrong. The predicate of --fails must hold "
		"there, and must not hold for FINDING as it is (or with --right); the finding is then "
		"minimised between these two ends, and both are checked once more. Without --era and "
		"--set the bug was ours and is mended: FINDING is added as it is, if the predicate does "
		"not hold any more.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
